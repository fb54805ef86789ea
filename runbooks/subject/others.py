"""What cannot be diagnosed itself, though AWS has an ARN or a page of its own for it: what to ask about instead."""

import re
from urllib.parse import unquote

_APPLICATION = "That is the application {}: ask about one of its deployment groups, as {}/GROUP."
_SCALING = (
    "That is the Auto Scaling group {}: ask about one of its instances (i-…), or about the deployment group that deploys"
    " to it (APPLICATION/GROUP)."
)
_KINDS = (  # the first group is the name
    (re.compile(r"arn:[\w-]+:codedeploy:[\w-]*:\d*:application[:/]([^\s/:]+)"), _APPLICATION),
    (re.compile(r"https?://\S+/codedeploy/applications/([^\s/?#]+)(?:[?#]\S*)?"), _APPLICATION),
    (
        re.compile(r"arn:[\w-]+:codedeploy:[\w-]*:\d*:deploymentconfig[:/]([^\s/:]+)"),
        "That is the deployment configuration {}: ask about a deployment (d-…) or a group (APPLICATION/GROUP) that uses it.",
    ),
    (re.compile(r"arn:[\w-]+:autoscaling:\S+:autoScalingGroupName/([^\s/:]+)"), _SCALING),
    (re.compile(r"https?://\S+#AutoScalingGroupDetails:id=([^\s;&#?]+)\S*"), _SCALING),
    (
        re.compile(r"(arn:[\w-]+:(?:iam|sts)::\d{12}:\S+)"),
        "That is an identity of IAM: ask about the instance by its name; --arn {} says which ARN to register it with.",
    ),
)


def what_else(text: str) -> str:
    """What an ARN or a link is, and what to ask about instead, in one or two sentences; "" where that is not known."""
    for form, says in _KINDS:
        if found := form.fullmatch(text):
            return says.replace("{}", unquote(found[1]))
    return ""
