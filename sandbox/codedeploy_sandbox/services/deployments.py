"""CodeDeploy's reads of one deployment and of its targets. Deployments that a client creates are moto's."""

from typing import Any

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.services import tokens
from codedeploy_sandbox.state import Call, Deployment

PAGE = 100  # Assumption: target-page
BATCH = 25  # by AWS's API reference


def GetDeployment(call: Call, *, deploymentId: str) -> dict[str, Any]:
    """One deployment; one that a scenario did not set up is asked of moto."""
    if known := call.state.deployments.get(deploymentId):
        return {"deploymentInfo": {"deploymentId": deploymentId, **known.info}}
    return call.account.ask("codedeploy", "GetDeployment", region=call.region, deploymentId=deploymentId)


def ListDeploymentTargets(
    call: Call,
    *,
    deploymentId: str,
    nextToken: str | None = None,
    targetFilters: dict[str, list[str]] | None = None,
) -> dict[str, Any]:
    """The ids of a deployment's targets, those with the statuses of a filter where there is one."""
    deployment = _known(call, deploymentId)
    question = (call.operation, call.region, deploymentId, targetFilters)
    after = _position(nextToken, question)
    wanted = (targetFilters or {}).get("TargetStatus")
    ids = [
        id_
        for id_, target in sorted(deployment.targets.items())
        if id_ > after and (not wanted or next(iter(_members(target)))["status"] in wanted)
    ]
    token = tokens.seal(ids[PAGE - 1], *question) if len(ids) > PAGE else None
    return {"targetIds": ids[:PAGE], "nextToken": token}


def BatchGetDeploymentTargets(call: Call, *, deploymentId: str, targetIds: list[str]) -> dict[str, Any]:
    """Several targets at once, in the order asked."""
    deployment = _known(call, deploymentId)
    if len(targetIds) > BATCH:
        raise ApiError("InstanceLimitExceededException", f"{len(targetIds)} targets; the most is {BATCH}")
    # Assumption: target-unknown
    if unknown := [id_ for id_ in targetIds if id_ not in deployment.targets]:
        raise ApiError(
            "DeploymentTargetDoesNotExistException", f"{unknown[0]} is no target of {deploymentId}"
        )
    return {"deploymentTargets": [deployment.targets[id_] for id_ in dict.fromkeys(targetIds)]}


def _members(target: dict[str, Any]) -> list[dict[str, Any]]:
    return [value for value in target.values() if isinstance(value, dict)]


def _known(call: Call, id_: str) -> Deployment:
    if id_ not in call.state.deployments:
        raise ApiError("DeploymentDoesNotExistException", f"there is no deployment {id_}")
    return call.state.deployments[id_]


def _position(token: str | None, question: tuple[Any, ...]) -> str:
    if token is None:
        return ""
    try:
        return str(tokens.unseal(token, *question))
    except ValueError as error:
        raise ApiError("InvalidNextTokenException", f"nextToken is {error}") from None
