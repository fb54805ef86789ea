"""The four calls that change something, and what the session's guard lets through of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore import xform_name

from runbooks.aws.guard import Permission
from runbooks.commands import aws_cli
from runbooks.findings import Command
from runbooks.question import SESSION_ARN, Question
from runbooks.source import Place


@dataclass(frozen=True)
class Change:
    """One call that changes something: an operation of CodeDeploy with its parameters."""

    operation: str
    parameters: Mapping[str, Any]

    @property
    def api(self) -> str:
        """The operation as the session's guard and the reports name it."""
        return f"codedeploy:{self.operation}"

    def command(self, place: Place) -> Command:
        """The same call for the AWS CLI, ready to paste. Lists go as JSON: its shorthand cannot say every value."""
        options = {
            xform_name(name): value if isinstance(value, str) else json.dumps(value)
            for name, value in self.parameters.items()
        }
        return aws_cli(place, "deploy", xform_name(self.operation, "-"), **options)


def allowed_changes(question: Question, tags: Mapping[str, str]) -> dict[str, Permission]:
    """What the guard lets through for this registration: its own calls, with these parameters and no others."""

    def is_ours(params: Mapping[str, Any]) -> bool:
        ours = tagging(question, tags)
        return params.get("instanceNames") == ours["instanceNames"] and all(
            tag in ours["tags"] for tag in params.get("tags", ())
        )

    def exactly(change: Change) -> Permission:
        return lambda params: dict(params) == change.parameters

    return {
        **{change.api: exactly(change) for change in (registering(question), deregistering(question))},
        "codedeploy:AddTagsToOnPremisesInstances": is_ours,
        "codedeploy:RemoveTagsFromOnPremisesInstances": is_ours,
    }


def registering(question: Question) -> Change:
    """The call that registers the question's instance with its ARN."""
    kind = "iamSessionArn" if SESSION_ARN.fullmatch(question.arn) else "iamUserArn"
    return Change("RegisterOnPremisesInstance", {"instanceName": question.instance, kind: question.arn})


def deregistering(question: Question) -> Change:
    """The call that deregisters the question's instance."""
    return Change("DeregisterOnPremisesInstance", {"instanceName": question.instance})


def tagging(question: Question, tags: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a call that adds or removes these tags."""
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"tags": pairs, "instanceNames": [question.instance]}


def missing(tags: Mapping[str, str], held: Mapping[str, str]) -> dict[str, str]:
    """The tags that are not held, or with another value."""
    return {key: value for key, value in tags.items() if held.get(key) != value}


def describe(tags: Mapping[str, str]) -> str:
    """Tags in words: "Environment=production, Name=web-01"."""
    return ", ".join(f"{key}={value}" for key, value in tags.items())


def count(tags: Mapping[str, str]) -> str:
    """How many tags, in words."""
    return f"{len(tags)} tag{'' if len(tags) == 1 else 's'}"
