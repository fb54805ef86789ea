"""CodeDeploy's operations that begin and end deployments."""

from collections.abc import Mapping
from typing import Any

from codedeploy_sandbox import aftermath, deploying
from codedeploy_sandbox.bluegreen import BlueGreen
from codedeploy_sandbox.deploying import described
from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.plays import STOPPED, Cut, Play, minimum_of
from codedeploy_sandbox.selection import as_group, check_scaled, copies, of_ec2, scaled
from codedeploy_sandbox.services.configurations import unknown
from codedeploy_sandbox.services.deployments import known
from codedeploy_sandbox.services.groups import check_alarms, check_rollback
from codedeploy_sandbox.services.revisions import check_location, note
from codedeploy_sandbox.state import WAITING, Call

_LONGEST = 1000  # Assumption: description-length
_MOST_TAGS = 10  # of one kind, by InvalidTargetInstancesException in botocore's model


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
    """Begin a deployment: in place, to the instances that the group selects, or blue/green, to a replacement fleet."""
    group = _group(call, applicationName, deploymentGroupName)
    named = deploymentGroupName or ""
    style = group.get("deploymentStyle") or deploying.IN_PLACE
    earlier = deploying.of_group(call.state, applicationName, named, call.at)
    good = next((one.info for one in earlier if one.info["status"] == "Succeeded"), {})
    restarts = deploymentMode == "RESTART"
    if restarts:
        _check_restart(
            style, given=revision is not None, outdated=bool(updateOutdatedInstancesOnly), good=good
        )
        revision = good["revision"]
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
    check_rollback(rollback)
    check_alarms(overrideAlarmConfiguration or {})
    _check_fleet(call, group, style, targetInstances)
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
        "previousRevision": good.get("revision"),
        "createTime": call.at,
        "creator": "user",
        "description": description,
        "ignoreApplicationStopFailures": ignoreApplicationStopFailures,
        "autoRollbackConfiguration": rollback or None,
        "updateOutdatedInstancesOnly": updateOutdatedInstancesOnly,
        "fileExistsBehavior": fileExistsBehavior,
        "deploymentMode": "RESTART" if restarts else None,  # absent of any other, by botocore's model
        "deploymentStyle": style,
        "targetInstances": targetInstances,
        "blueGreenDeploymentConfiguration": group.get("blueGreenDeploymentConfiguration") or None,
        "loadBalancerInfo": group.get("loadBalancerInfo") or None,
        "overrideAlarmConfiguration": overrideAlarmConfiguration,
        "ec2DeploymentOptions": ec2DeploymentOptions or group.get("ec2DeploymentOptions"),
        "computePlatform": "Server",
    }
    note(call.state, applicationName, revision, call.at)
    info = {name: value for name, value in info.items() if value is not None}
    deploying.begin(call.account, call.region, group, info, good["deploymentId"] if restarts else "")
    return {"deploymentId": info["deploymentId"]}


def _check_restart(style: Mapping[str, str], *, given: bool, outdated: bool, good: Mapping[str, Any]) -> None:
    """Raise ApiError for a restart that botocore's model rejects, or that has nothing to restart."""
    # Assumption: restart-errors
    if given:
        raise ApiError(
            "InvalidInputException", "a restart takes the revision of the last successful deployment"
        )
    if outdated:
        text = "a restart is not for outdated instances only"
        raise ApiError("InvalidUpdateOutdatedInstancesOnlyValueException", text)
    if style.get("deploymentType") == "BLUE_GREEN":
        raise ApiError("InvalidInputException", "a restart is in place")
    if not good.get("revision"):
        raise ApiError("RevisionDoesNotExistException", "no deployment of the group has succeeded")


def _check_fleet(
    call: Call, group: Mapping[str, Any], style: Mapping[str, str], named: Mapping[str, Any] | None
) -> None:
    """Raise ApiError for a replacement fleet that is not one, or that the deployment cannot have."""
    code = "InvalidTargetInstancesException"
    if style.get("deploymentType") != "BLUE_GREEN":
        if named:
            raise ApiError(code, "a deployment in place has no target instances of its own")
        return
    if copies(group):
        # Assumption: fleet-errors
        if named:
            raise ApiError(code, "the replacement fleet is a copy of the group's Auto Scaling group")
        if len(scaled(group)) != 1:
            raise ApiError("InvalidAutoScalingGroupException", "a copy is of exactly one Auto Scaling group")
        check_scaled(call.account, call.region, scaled(group))
        return
    tags, sets = (named or {}).get("tagFilters"), ((named or {}).get("ec2TagSet") or {}).get("ec2TagSetList")
    if not named or not (tags or sets or scaled(named)):
        # Assumption: fleet-errors
        raise ApiError(code, "a blue/green deployment names its replacement fleet")
    if tags and sets:
        raise ApiError(code, "give tagFilters or ec2TagSet, not both")
    if max(len(one) for one in [tags or [], *(sets or [])]) > _MOST_TAGS:
        raise ApiError(code, f"a fleet is selected by at most {_MOST_TAGS} tags")
    check_scaled(call.account, call.region, scaled(named))
    if (tags or sets) and not of_ec2(call.account, call.state, as_group({**named, "autoScalingGroups": []})):
        raise ApiError(code, "no running instance has these tags")


def StopDeployment(
    call: Call, *, deploymentId: str, autoRollbackEnabled: bool | None = None
) -> dict[str, Any]:
    """Stop a deployment that has not ended."""
    deployment = _active(call, deploymentId)
    if not isinstance(deployment, Play):
        text = f"{deploymentId} is one that the scenario wrote down; the sandbox can stop only its own"
        raise ApiError("SandboxNotImplemented", text, 501)
    # Assumption: stop-at-once
    deployment.cut = Cut(call.at, "Stopped", STOPPED, "DEPLOYMENT_STOP_ON_REQUEST")
    if autoRollbackEnabled is not None:
        events = ["DEPLOYMENT_STOP_ON_REQUEST"]
        deployment.info["autoRollbackConfiguration"] = {"enabled": autoRollbackEnabled, "events": events}
    aftermath.settle(call.account, call.region, call.at)
    return {"status": "Succeeded", "statusMessage": f"The deployment {deploymentId} was stopped."}


def ContinueDeployment(
    call: Call, *, deploymentId: str | None = None, deploymentWaitType: str = "READY_WAIT"
) -> dict[str, Any]:
    """End a wait of a blue/green deployment: the one before traffic is rerouted, or that before the termination."""
    deployment = _active(call, deploymentId or "")
    if not isinstance(deployment, BlueGreen):
        # Assumption: continue-in-place
        text = f"{deploymentId} is a deployment in place, which waits for no one"
        raise ApiError("UnsupportedActionForDeploymentTypeException", text)
    # Assumption: continue-default
    if deploymentWaitType == "READY_WAIT":
        if not deployment.waits_at(call.at):
            status = deployment.status(call.at)
            raise ApiError("DeploymentIsNotInReadyStateException", f"{deploymentId} is {status}")
        deployment.continued = call.at
    else:
        # Assumption: continue-termination
        if not deployment.keeps_at(call.at):
            text = f"{deploymentId} does not wait to terminate its original instances"
            raise ApiError("InvalidDeploymentStatusException", text)
        deployment.released = call.at
        aftermath.settle(call.account, call.region, call.at)
    return {}


def SkipWaitTimeForInstanceTermination(call: Call, *, deploymentId: str | None = None) -> dict[str, Any]:
    """The older form of ContinueDeployment that ends the wait for the termination."""
    deployment = _active(call, deploymentId or "")
    if not isinstance(deployment, BlueGreen):
        # Assumption: continue-in-place
        text = f"{deploymentId} is a deployment in place, which terminates nothing"
        raise ApiError("UnsupportedActionForDeploymentTypeException", text)
    # Assumption: skip-wait
    if not deployment.keeps_at(call.at):
        raise ApiError("DeploymentNotStartedException", f"{deploymentId} has not rerouted its traffic")
    deployment.released = call.at
    aftermath.settle(call.account, call.region, call.at)
    return {}


def _active(call: Call, id_: str) -> Any:
    """The deployment itself, if it has not ended."""
    status = known(call, id_).info["status"]
    if status not in WAITING:
        raise ApiError("DeploymentAlreadyCompletedException", f"{id_} has ended: {status}")
    return call.state.deployments[id_]


def _group(call: Call, application: str, group: str | None) -> dict[str, Any]:
    """The DeploymentGroupInfo."""
    about = call.state.application(application)
    if not group:
        raise ApiError("DeploymentGroupNameRequiredException", "the deployment group is missing")
    found = described(call.state, application, group, call.at)
    if about["computePlatform"] != "Server":
        text = f"the sandbox plays deployments to instances; {application} is for {about['computePlatform']}"
        raise ApiError("SandboxNotImplemented", text, 501)
    return found
