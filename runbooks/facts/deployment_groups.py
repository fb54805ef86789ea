"""What CodeDeploy says of deployment groups."""

from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.aws.answers import NotAnAnswer

GET_GROUP = "codedeploy:GetDeploymentGroup"


def deployment_group(aws: Aws, name: str) -> dict[str, Any] | Refusal:
    """The deployment group "APPLICATION/GROUP", or the refusal that says that there is none.

    Raises `NotAnAnswer` for another group.
    """
    application, _, group = name.partition("/")
    described: dict[str, Any] | Refusal = aws.read(
        GET_GROUP,
        "deploymentGroupInfo",
        "deploymentGroupName",
        expecting=("ApplicationDoesNotExistException", "DeploymentGroupDoesNotExistException"),
        applicationName=application,
        deploymentGroupName=group,
    )
    if not isinstance(described, Refusal) and described["deploymentGroupName"] != group:
        raise NotAnAnswer(GET_GROUP, f"about {described['deploymentGroupName']!r} instead of {group!r}")
    return described
