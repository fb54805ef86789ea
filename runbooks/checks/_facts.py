"""Facts that several checks ask for."""

from collections.abc import Mapping
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.errors import CouldNotLook
from runbooks.question import Question


def registration(aws: Aws, question: Question) -> dict[str, Any] | Refusal:
    """What CodeDeploy holds under the instance's name (GetOnPremisesInstance's instanceInfo).

    A `Refusal` with InstanceNotRegisteredException when it holds nothing. Whether a deregistered name is
    answered with its data or with that refusal is not known of AWS, so both are possible.
    """
    info: dict[str, Any] | Refusal = aws.read(
        "codedeploy:GetOnPremisesInstance",
        "instanceInfo",
        expecting=("InstanceNotRegisteredException",),
        instanceName=question.instance,
    )
    return info


def arn_of(info: Mapping[str, Any]) -> str:
    """The ARN in an instanceInfo of CodeDeploy. Raises `CouldNotLook` where it has none, as none of AWS's should."""
    arn = info.get("iamSessionArn") or info.get("iamUserArn")
    if not arn:
        raise CouldNotLook(f"CodeDeploy names no ARN of {info.get('instanceName') or 'the instance'}.")
    return str(arn)


def registered_arn(aws: Aws, question: Question) -> str:
    """The ARN that the instance is registered with; "" when it is not registered or was deregistered."""
    info = registration(aws, question)
    return "" if isinstance(info, Refusal) or info.get("deregisterTime") else arn_of(info)


def registered_names(aws: Aws) -> list[str]:
    """The names of all registered instances."""
    names: list[str] = aws.read_all(
        "codedeploy:ListOnPremisesInstances", "instanceNames", registrationStatus="Registered"
    )
    return names


def registered_arns(aws: Aws) -> dict[str, str]:
    """The ARN of every registered name. Asked 25 names at a time: AWS's model says 25 in one place and 100 in another.

    Raises `CouldNotLook` when a name is not answered for: no error tells of such names.
    """
    names = registered_names(aws)
    infos = [
        info
        for start in range(0, len(names), 25)
        for info in aws.read(
            "codedeploy:BatchGetOnPremisesInstances", "instanceInfos", instanceNames=names[start : start + 25]
        )
    ]
    found = {info.get("instanceName", ""): arn_of(info) for info in infos}
    if missing := [name for name in names if name not in found]:
        raise CouldNotLook(
            f"codedeploy:BatchGetOnPremisesInstances did not answer for {', '.join(missing[:5])}"
            f"{' and others' if len(missing) > 5 else ''}."
        )
    return found
