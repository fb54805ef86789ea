"""What CodeDeploy says of deployment groups."""

from typing import Any

from runbooks.aws import Aws, Refusal, failures
from runbooks.aws.answers import NotAnAnswer
from runbooks.findings import CouldNotCheck

GET_GROUP = "codedeploy:GetDeploymentGroup"
_LIST, _BATCH = "codedeploy:ListDeploymentGroups", "codedeploy:BatchGetDeploymentGroups"
_APPLICATIONS = "codedeploy:ListApplications"
_CHUNK = 25  # names in one BatchGetDeploymentGroups: the model has no limit; other batches of CodeDeploy take so many


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
    if isinstance(described, Refusal):
        return described
    described = {"applicationName": application} | described
    about = f"{described['applicationName']}/{described['deploymentGroupName']}"
    if about != name:
        raise NotAnAnswer(GET_GROUP, f"about {about!r} instead of {name!r}")
    return described


def groups_of(aws: Aws, application: str) -> list[dict[str, Any]]:
    """Every deployment group of an application.

    Raises `CouldNotCheck` when the answer leaves a group out.
    """
    names = aws.read_all(_LIST, "deploymentGroups", applicationName=application)
    found: list[dict[str, Any]] = [
        one
        for start in range(0, len(names), _CHUNK)
        for one in aws.read(
            _BATCH,
            "deploymentGroupsInfo",
            "deploymentGroupName",
            applicationName=application,
            deploymentGroupNames=names[start : start + _CHUNK],
        )
    ]
    if missing := sorted(set(names) - {one["deploymentGroupName"] for one in found}):
        raise CouldNotCheck(f"{_BATCH} did not answer for {', '.join(missing[:5])}.")
    return found


def group_names(aws: Aws, application: str) -> list[str] | Refusal:
    """The names of an application's deployment groups, or the refusal that says that there is no such application.

    A refusal too where the caller may not list them.
    """
    expecting = ("ApplicationDoesNotExistException", "InvalidApplicationNameException", *failures.DENIED)
    return aws.read_all_or_refusal(_LIST, "deploymentGroups", expecting, applicationName=application)


def applications_or_refusal(aws: Aws) -> list[str] | Refusal:
    """As `applications`, or a refusal where the caller may not list them."""
    return aws.read_all_or_refusal(_APPLICATIONS, "applications", failures.DENIED)


def applications(aws: Aws) -> list[str]:
    """The names of the applications of the account in this Region."""
    found: list[str] = aws.read_all(_APPLICATIONS, "applications")
    return found
