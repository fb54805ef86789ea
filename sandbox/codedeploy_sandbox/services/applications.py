"""CodeDeploy's operations on applications and on connections to GitHub, and one that is for other platforms."""

from typing import Any

from codedeploy_sandbox import deploying
from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.services import tokens
from codedeploy_sandbox.services.deployments import known
from codedeploy_sandbox.services.groups import DeleteDeploymentGroup
from codedeploy_sandbox.services.tagging import check_tags, tag
from codedeploy_sandbox.state import Call, RegionState

PAGE = 100  # Assumption: deployment-page
BATCH = 100  # by BatchLimitExceededException in botocore's model


def CreateApplication(
    call: Call,
    *,
    applicationName: str,
    computePlatform: str = "Server",
    tags: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Make an application."""
    _check_free(call.state, applicationName)
    check_tags(tags or [])
    call.state.create(applicationName, computePlatform, call.request_id, call.at)
    tag(call.state, call.state.arn(applicationName), tags or [])
    return {"applicationId": call.request_id}


def GetApplication(call: Call, *, applicationName: str) -> dict[str, Any]:
    """One application."""
    return {"application": call.state.application(applicationName)}


def BatchGetApplications(call: Call, *, applicationNames: list[str]) -> dict[str, Any]:
    """Several applications at once, in the order asked."""
    if not applicationNames:
        raise ApiError("ApplicationNameRequiredException", "an application name is missing")
    if len(applicationNames) > BATCH:
        text = f"{len(applicationNames)} applications; the most is {BATCH}"
        raise ApiError("BatchLimitExceededException", text)
    return {"applicationsInfo": [call.state.application(name) for name in dict.fromkeys(applicationNames)]}


def ListApplications(call: Call, *, nextToken: str | None = None) -> dict[str, Any]:
    """The names of the applications."""
    names, token = tokens.page(sorted(call.state.applications), PAGE, nextToken, call.operation, call.region)
    return {"applications": names, "nextToken": token}


def UpdateApplication(
    call: Call, *, applicationName: str | None = None, newApplicationName: str | None = None
) -> dict[str, Any]:
    """Give an application another name."""
    if not applicationName:
        raise ApiError("ApplicationNameRequiredException", "the application name is missing")
    state, old, new = call.state, applicationName, newApplicationName
    info = state.application(old)
    # Assumption: rename
    if not new or new == old:
        return {}
    _check_free(state, new)
    for group in state.groups_of(old):
        deploying.rename(state, (old, group), (new, group))
    state.applications[new] = state.applications.pop(old) | {"applicationName": new}
    state.revisions[new] = state.revisions.pop(old, [])
    state.tags[state.arn(new)] = state.tags.pop(state.arn(old), {})
    info["applicationName"] = new
    return {}


def DeleteApplication(call: Call, *, applicationName: str) -> dict[str, Any]:
    """Delete an application with all that belongs to it."""
    # Assumption: delete-unknown
    state, name = call.state, applicationName
    for group in state.groups_of(name):
        DeleteDeploymentGroup(call, applicationName=name, deploymentGroupName=group)
    # Assumption: delete-application
    for id_ in [id_ for id_, one in state.deployments.items() if one.info.get("applicationName") == name]:
        del state.deployments[id_]
    state.applications.pop(name, None)
    state.revisions.pop(name, None)
    state.tags.pop(state.arn(name), None)
    return {}


def ListGitHubAccountTokenNames(call: Call, *, nextToken: str | None = None) -> dict[str, Any]:
    """The names of the connections to GitHub accounts; no operation makes one."""
    names, token = tokens.page(sorted(call.state.tokens), PAGE, nextToken, call.operation, call.region)
    return {"tokenNameList": names, "nextToken": token}


def DeleteGitHubAccountToken(call: Call, *, tokenName: str | None = None) -> dict[str, Any]:
    """Delete a connection to a GitHub account."""
    if not tokenName:
        raise ApiError("GitHubAccountTokenNameRequiredException", "the name of the connection is missing")
    if tokenName not in call.state.tokens:
        text = f"there is no connection {tokenName[:100]}"
        raise ApiError("GitHubAccountTokenDoesNotExistException", text)
    call.state.tokens.remove(tokenName)
    return {"tokenName": tokenName}


def PutLifecycleEventHookExecutionStatus(
    call: Call,
    *,
    deploymentId: str | None = None,
    lifecycleEventHookExecutionId: str | None = None,
    status: str | None = None,
) -> dict[str, Any]:
    """Refuse the result of a Lambda function: no deployment to instances has such a hook."""
    known(call, deploymentId or "")
    text = f"{deploymentId} is a deployment to instances, whose hooks are scripts"
    raise ApiError("UnsupportedActionForDeploymentTypeException", text)


def _check_free(state: RegionState, name: str) -> None:
    if name in state.applications:
        raise ApiError("ApplicationAlreadyExistsException", f"there is an application {name} already")
