"""Commands that are ready to paste: whatever a value holds, it stays one word of the command."""

import shlex

from runbooks.aws import Aws


def aws_cli(aws: Aws, service: str, operation: str, **options: str) -> str:
    """A command of the AWS CLI for the session's Region and profile; ``options`` as in ``instance_name="web-01"``."""
    return _command(aws, ["aws", service, operation], options)


def diagnose_again(aws: Aws, instance: str, region: str = "") -> str:
    """The command that diagnoses another name, or the same in another Region."""
    return _command(aws, ["runbooks", "diagnose"], {"instance": instance}, region)


def _command(aws: Aws, words: list[str], options: dict[str, str], region: str = "") -> str:
    where = {"region": region or aws.region} | ({"profile": aws.profile} if aws.profile else {})
    for name, value in (options | where).items():
        option = "--" + name.replace("_", "-")
        # a value with a dash in front would be taken for an option
        words = [*words, f"{option}={value}"] if value.startswith("-") else [*words, option, value]
    return shlex.join(words)
