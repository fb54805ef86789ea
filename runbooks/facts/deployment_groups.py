"""What CodeDeploy says of deployment groups."""

from typing import Any

from runbooks.aws import Aws, Refusal


def deployment_group(aws: Aws, name: str) -> dict[str, Any] | Refusal:
    """The deployment group "APPLICATION/GROUP", or the refusal that says that there is none."""
    application, _, group = name.partition("/")
    described: dict[str, Any] | Refusal = aws.read(
        "codedeploy:GetDeploymentGroup",
        "deploymentGroupInfo",
        expecting=("ApplicationDoesNotExistException", "DeploymentGroupDoesNotExistException"),
        applicationName=application,
        deploymentGroupName=group,
    )
    return described
