"""The commands that register an on-premises name, with the tags by which a deployment group selects it."""

from runbooks.aws import Aws, Refusal
from runbooks.checks._selected import add_tag, tag_groups
from runbooks.commands import aws_cli, then
from runbooks.facts.deployment_groups import deployment_group
from runbooks.facts.optional import if_readable
from runbooks.findings import Command
from runbooks.question import Question


def register(aws: Aws, name: str, arn: str) -> Command:
    """The command that registers a name with the ARN of an IAM user or of a role session."""
    kind = "iam_session_arn" if ":assumed-role/" in arn else "iam_user_arn"
    return aws_cli(aws.place, "deploy", "register-on-premises-instance", instance_name=name, **{kind: arn})


def register_instead(aws: Aws, old: str, name: str, arn: str) -> Command:
    """The commands that give an ARN, which ``old`` is registered with, to another name; the tags of ``old`` are lost."""
    free = aws_cli(aws.place, "deploy", "deregister-on-premises-instance", instance_name=old)
    return then(free, register(aws, name, arn))


def needed_tags(aws: Aws, question: Question) -> list[Command]:
    """The commands that give the instance one tag of each tag group of the deployment group that was asked about.

    None at all where no group was given, where it is not there or cannot be read, and where a tag is not for us to choose.
    """
    name = question.deployment_group
    group = if_readable(lambda: deployment_group(aws, name)) if name else None
    if group is None or isinstance(group, Refusal):
        return []
    ways = [[add_tag(aws, one, question.instance) for one in filters] for filters in tag_groups(group)]
    commands = [next((one for one in each if isinstance(one, Command)), None) for each in ways]
    return [one for one in commands if one] if all(commands) else []
