"""What CodeDeploy does, as the service role, to copy the Auto Scaling group of a blue/green deployment and to end the original."""

from collections.abc import Mapping
from typing import Any

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.scaling import arns_of
from codedeploy_sandbox.selection import copies, copy_of, scaled
from codedeploy_sandbox.service_role import lacks
from codedeploy_sandbox.state import ACCOUNT, Account

# By AWS's user guide, for an Auto Scaling group with a launch template.
_LAUNCHES = ("ec2:RunInstances", "ec2:CreateTags")


def needed(
    account: Account, region: str, group: Mapping[str, Any], info: Mapping[str, Any]
) -> dict[str, str]:
    """The actions by which the copy is made, each with its resource; none where nothing is copied."""
    if not copies(group):
        return {}
    # Assumption: copy-needs
    copy = f"arn:aws:autoscaling:{region}:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/{copy_of(info)}"
    actions = {"autoscaling:CreateAutoScalingGroup": copy}
    asked = {"AutoScalingGroupNames": scaled(group)}
    rows = account.ask("autoscaling", "DescribeAutoScalingGroups", region=region, **asked)
    for one in rows["AutoScalingGroups"]:
        if template := one.get("LaunchTemplate"):
            actions |= dict.fromkeys(_LAUNCHES, f"arn:aws:ec2:{region}:{ACCOUNT}:instance/*")
            if role := _role_of(account, region, template):
                actions["iam:PassRole"] = role
    return actions


def may_end(account: Account, region: str, role: str, group: Mapping[str, Any]) -> bool:
    """Whether the service role may end the original fleet."""
    # Assumption: original-stays
    actions = {"ec2:TerminateInstances": f"arn:aws:ec2:{region}:{ACCOUNT}:instance/*"}
    if copies(group):
        actions |= dict.fromkeys(
            ["autoscaling:DeleteAutoScalingGroup"], *arns_of(account, region, scaled(group))
        )
    return not lacks(account, role, actions)


def _role_of(account: Account, region: str, template: Mapping[str, Any]) -> str:
    """The ARN of the role that instances of a launch template get; "" for none."""
    asked = {
        "LaunchTemplateName": template["LaunchTemplateName"],
        "Versions": [str(template.get("Version") or "$Default")],
    }
    (version,) = account.ask("ec2", "DescribeLaunchTemplateVersions", region=region, **asked)[
        "LaunchTemplateVersions"
    ]
    profile = version["LaunchTemplateData"].get("IamInstanceProfile") or {}
    name = profile.get("Name") or str(profile.get("Arn") or "").rpartition("/")[2]
    if not name:
        return ""
    try:
        found = account.ask("iam", "GetInstanceProfile", InstanceProfileName=name)
    except ApiError:
        return ""
    return next((str(one["Arn"]) for one in found["InstanceProfile"]["Roles"]), "")
