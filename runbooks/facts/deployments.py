"""What CodeDeploy says of one deployment and of its targets: three reads for up to 25 targets."""

from collections.abc import Mapping
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.aws.answers import NotAnAnswer
from runbooks.findings import CouldNotCheck

# Targets in one BatchGetDeploymentTargets, by AWS's API reference.
TARGETS = 25

_UNKNOWN = ("DeploymentDoesNotExistException", "InvalidDeploymentIdException")


def deployment(aws: Aws, id_: str) -> dict[str, Any] | Refusal:
    """What CodeDeploy holds of a deployment (deploymentInfo), or the refusal that says that there is none.

    Raises `NotAnAnswer` for another deployment.
    """
    api, members = "codedeploy:GetDeployment", ("deploymentId", "status")
    info: dict[str, Any] | Refusal = aws.read(
        api, "deploymentInfo", *members, expecting=_UNKNOWN, deploymentId=id_
    )
    if not isinstance(info, Refusal) and info["deploymentId"] != id_:
        raise NotAnAnswer(api, f"about {info['deploymentId']!r} instead of {id_!r}")
    return info


def targets(aws: Aws, id_: str) -> list[Mapping[str, Any]]:
    """Every target of a deployment, whatever it is: an instance, an ECS service, a Lambda function, a stack.

    Each is the member of DeploymentTarget that its type names. Raises `CouldNotCheck` when the answer leaves one out.
    """
    ids = aws.read_all("codedeploy:ListDeploymentTargets", "targetIds", deploymentId=id_)
    found = [
        target
        for start in range(0, len(ids), TARGETS)
        for target in aws.read(
            "codedeploy:BatchGetDeploymentTargets",
            "deploymentTargets",
            deploymentId=id_,
            targetIds=ids[start : start + TARGETS],
        )
    ]
    described = [value for target in found for value in target.values() if isinstance(value, Mapping)]
    if missing := set(ids) - {one.get("targetId") for one in described}:
        raise CouldNotCheck(
            f"codedeploy:BatchGetDeploymentTargets left out {len(missing)} of {len(ids)} targets of {id_}."
        )
    return described
