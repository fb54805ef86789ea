"""CodeDeploy's operations that begin and end deployments."""

from typing import Any

from codedeploy_sandbox import deploying
from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.plays import Play, minimum_of
from codedeploy_sandbox.services.configurations import unknown
from codedeploy_sandbox.services.deployments import known
from codedeploy_sandbox.services.groups import described
from codedeploy_sandbox.services.revisions import check_location, note
from codedeploy_sandbox.state import WAITING, Call

_UNDERSTOOD = frozenset(
    (
        *("applicationName", "deploymentGroupName", "revision", "deploymentConfigName", "description"),
        *("ignoreApplicationStopFailures", "autoRollbackConfiguration", "fileExistsBehavior"),
    )
)
_LONGEST = 1000  # Assumption: description-length


def CreateDeployment(
    call: Call,
    *,
    applicationName: str,
    deploymentGroupName: str | None = None,
    revision: dict[str, Any] | None = None,
    deploymentConfigName: str | None = None,
    description: str | None = None,
    ignoreApplicationStopFailures: bool = False,
    targetInstances: dict[str, Any] | None = None,
    autoRollbackConfiguration: dict[str, Any] | None = None,
    updateOutdatedInstancesOnly: bool | None = None,
    fileExistsBehavior: str = "DISALLOW",
    deploymentMode: str | None = None,
    overrideAlarmConfiguration: dict[str, Any] | None = None,
    ec2DeploymentOptions: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Begin a deployment in place, to the instances that the group selects."""
    for name in sorted(set(call.parameters or {}) - _UNDERSTOOD):
        raise ApiError("SandboxNotImplemented", f"the sandbox knows no {name} of {call.operation}", 501)
    group = _group(call, applicationName, deploymentGroupName)
    if not revision:
        # Assumption: revision-required
        raise ApiError("RevisionRequiredException", "a deployment needs a revision")
    check_location(revision)
    config = deploymentConfigName or group.get("deploymentConfigName") or "CodeDeployDefault.OneAtATime"
    if not minimum_of(call.state, config):
        raise unknown(config)
    if len(description or "") > _LONGEST:
        raise ApiError("DescriptionTooLongException", f"a description has at most {_LONGEST} characters")
    rollback = autoRollbackConfiguration or group.get("autoRollbackConfiguration") or {}
    if rollback.get("enabled") and not rollback.get("events"):
        raise ApiError("InvalidAutoRollbackConfigException", "automatic rollback is enabled without events")
    earlier = deploying.of_group(call.state, applicationName, deploymentGroupName or "", call.at)
    if active := [one for one in earlier if one.info["status"] in WAITING]:
        id_ = active[0].info["deploymentId"]
        text = f"The Deployment Group '{deploymentGroupName}' already has an active Deployment '{id_}'"
        raise ApiError("DeploymentLimitExceededException", text)
    info: dict[str, Any] = {
        "deploymentId": deploying.new_id(call.request_id),
        "applicationName": applicationName,
        "deploymentGroupName": deploymentGroupName,
        "deploymentConfigName": config,
        "revision": revision,
        "createTime": call.at,
        "creator": "user",
        "description": description,
        "ignoreApplicationStopFailures": ignoreApplicationStopFailures,
        "autoRollbackConfiguration": rollback or None,
        "fileExistsBehavior": fileExistsBehavior,
        "deploymentStyle": {
            "deploymentType": "IN_PLACE",
            "deploymentOption": "WITHOUT_TRAFFIC_CONTROL",
        },
        "computePlatform": "Server",
    }
    if done := next((one for one in earlier if one.info["status"] == "Succeeded"), None):
        info["previousRevision"] = done.info["revision"]
    note(call.state, applicationName, revision, call.at)
    info = {name: value for name, value in info.items() if value is not None}
    deploying.begin(call.account, call.region, group, info)
    return {"deploymentId": info["deploymentId"]}


def StopDeployment(
    call: Call, *, deploymentId: str, autoRollbackEnabled: bool | None = None
) -> dict[str, Any]:
    """Stop a deployment that has not ended."""
    deployment = _active(call, deploymentId)
    if not isinstance(deployment, Play):
        text = f"{deploymentId} is one that the scenario wrote down; the sandbox can stop only its own"
        raise ApiError("SandboxNotImplemented", text, 501)
    # Assumption: stop-at-once
    deployment.stopped = call.at
    if autoRollbackEnabled is not None:
        events = ["DEPLOYMENT_STOP_ON_REQUEST"]
        deployment.info["autoRollbackConfiguration"] = {"enabled": autoRollbackEnabled, "events": events}
    deploying.settle(call.account, call.region, call.at)
    return {"status": "Succeeded", "statusMessage": f"The deployment {deploymentId} was stopped."}


def ContinueDeployment(
    call: Call, *, deploymentId: str | None = None, deploymentWaitType: str | None = None
) -> dict[str, Any]:
    """Refused: only a blue/green deployment waits for somebody to continue it, and the sandbox plays none."""
    _active(call, deploymentId or "")
    # Assumption: continue-in-place
    text = f"{deploymentId} is a deployment in place, which waits for no one"
    raise ApiError("UnsupportedActionForDeploymentTypeException", text)


def _active(call: Call, id_: str) -> Any:
    """The deployment itself, if it has not ended."""
    status = known(call, id_).info["status"]
    if status not in WAITING:
        raise ApiError("DeploymentAlreadyCompletedException", f"{id_} has ended: {status}")
    return call.state.deployments[id_]


def _group(call: Call, application: str, group: str | None) -> dict[str, Any]:
    """The DeploymentGroupInfo."""
    where = {"region": call.region, "applicationName": application}
    about = call.account.ask("codedeploy", "GetApplication", **where)["application"]
    if not group:
        raise ApiError("DeploymentGroupNameRequiredException", "the deployment group is missing")
    found = described(call, application, group)
    if about.get("computePlatform", "Server") != "Server":
        text = f"the sandbox plays deployments to instances; {application} is for {about['computePlatform']}"
        raise ApiError("SandboxNotImplemented", text, 501)
    return found
