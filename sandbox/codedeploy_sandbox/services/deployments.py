"""CodeDeploy's reads of deployments and of their targets, in the newer form (targets) and in the older (instances)."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.services import tokens
from codedeploy_sandbox.state import Call, Deployment

PAGE = 100  # Assumption: target-page
LISTED = 100  # Assumption: deployment-page
BATCH = 25  # by AWS's API reference

_ID = re.compile(r"d-[A-Z0-9]{9}")


def GetDeployment(call: Call, *, deploymentId: str) -> dict[str, Any]:
    """One deployment."""
    return {"deploymentInfo": _info(deploymentId, known(call, deploymentId))}


def BatchGetDeployments(call: Call, *, deploymentIds: list[str]) -> dict[str, Any]:
    """Several deployments at once; one that is not there is left out."""
    if not deploymentIds:
        raise ApiError("DeploymentIdRequiredException", "a deployment id is missing")
    _limited(deploymentIds, BATCH, "BatchLimitExceededException", "deployments")
    for id_ in deploymentIds:
        _check_id(id_)
    # Assumption: batch-deployments
    found = [id_ for id_ in dict.fromkeys(deploymentIds) if id_ in call.state.deployments]
    return {"deploymentsInfo": [_info(id_, known(call, id_)) for id_ in found]}


def ListDeployments(
    call: Call,
    *,
    applicationName: str | None = None,
    deploymentGroupName: str | None = None,
    externalId: str | None = None,
    includeOnlyStatuses: list[str] | None = None,
    createTimeRange: dict[str, datetime] | None = None,
    nextToken: str | None = None,
) -> dict[str, Any]:
    """The ids of the deployments that pass every filter, the newest first."""
    if applicationName and not deploymentGroupName:
        raise ApiError("DeploymentGroupNameRequiredException", "an application is named without its group")
    if deploymentGroupName and not applicationName:
        raise ApiError(
            "ApplicationNameRequiredException", "a deployment group is named without its application"
        )
    if applicationName and deploymentGroupName:
        call.state.group(applicationName, deploymentGroupName)
    since, until = ((createTimeRange or {}).get(end) for end in ("start", "end"))
    if since and until and since > until:
        raise ApiError("InvalidTimeRangeException", "the range begins after its end")

    def passes(info: Mapping[str, Any]) -> bool:
        return (
            applicationName in (None, info.get("applicationName"))
            and deploymentGroupName in (None, info.get("deploymentGroupName"))
            and externalId in (None, info.get("externalId"))
            and (not includeOnlyStatuses or info.get("status") in includeOnlyStatuses)
            and (since is None or info["createTime"] >= since)
            and (until is None or info["createTime"] <= until)
        )

    infos = {id_: one.at(call.at).info for id_, one in call.state.deployments.items()}
    ids = [id_ for id_, info in infos.items() if passes(info)]
    ids.sort(key=lambda id_: (infos[id_]["createTime"], id_), reverse=True)
    question = (applicationName, deploymentGroupName, externalId, includeOnlyStatuses, since, until)
    page, token = tokens.page(ids, LISTED, nextToken, call.operation, call.region, *question)
    return {"deployments": page, "nextToken": token}


def ListDeploymentTargets(
    call: Call,
    *,
    deploymentId: str,
    nextToken: str | None = None,
    targetFilters: dict[str, list[str]] | None = None,
) -> dict[str, Any]:
    """The ids of a deployment's targets, those that pass the filters where there are any."""
    deployment = known(call, deploymentId)
    wanted = targetFilters or {}
    _among(wanted.get("TargetStatus") or (), _STATUSES, "InvalidInstanceStatusException")
    _among(wanted.get("ServerInstanceLabel") or (), _LABELS, "InvalidInstanceTypeException")
    _check_labelled(deployment, wanted.get("ServerInstanceLabel"))
    ids = _passing(deployment, wanted.get("TargetStatus"), wanted.get("ServerInstanceLabel"))
    page, token = tokens.page(ids, PAGE, nextToken, call.operation, call.region, deploymentId, targetFilters)
    return {"targetIds": page, "nextToken": token}


def BatchGetDeploymentTargets(call: Call, *, deploymentId: str, targetIds: list[str]) -> dict[str, Any]:
    """Several targets at once, in the order asked."""
    deployment = known(call, deploymentId)
    if not targetIds:
        raise ApiError("DeploymentTargetIdRequiredException", "a target id is missing")
    _limited(targetIds, BATCH, "DeploymentTargetListSizeExceededException", "targets")
    return {"deploymentTargets": [_target(deployment, deploymentId, id_) for id_ in dict.fromkeys(targetIds)]}


def GetDeploymentTarget(call: Call, *, deploymentId: str, targetId: str) -> dict[str, Any]:
    """One target."""
    deployment = known(call, deploymentId)
    if not targetId:
        raise ApiError("DeploymentTargetIdRequiredException", "the target id is missing")
    return {"deploymentTarget": _target(deployment, deploymentId, targetId)}


def ListDeploymentInstances(
    call: Call,
    *,
    deploymentId: str,
    nextToken: str | None = None,
    instanceStatusFilter: list[str] | None = None,
    instanceTypeFilter: list[str] | None = None,
) -> dict[str, Any]:
    """The ids of a deployment's instances, those that pass the filters where there are any."""
    deployment = _of_server(call, deploymentId)
    _check_labelled(deployment, instanceTypeFilter)
    ids = _passing(deployment, instanceStatusFilter, instanceTypeFilter)
    question = (deploymentId, instanceStatusFilter, instanceTypeFilter)
    page, token = tokens.page(ids, PAGE, nextToken, call.operation, call.region, *question)
    return {"instancesList": page, "nextToken": token}


def BatchGetDeploymentInstances(call: Call, *, deploymentId: str, instanceIds: list[str]) -> dict[str, Any]:
    """Several instances at once; what is not a target is left out."""
    deployment = _of_server(call, deploymentId)
    if not instanceIds:
        raise ApiError("InstanceIdRequiredException", "an instance id is missing")
    _limited(instanceIds, BATCH, "BatchLimitExceededException", "instances")
    # Assumption: batch-deployments
    found = [id_ for id_ in dict.fromkeys(instanceIds) if id_ in deployment.targets]
    return {"instancesSummary": [_summary(deployment, deploymentId, id_) for id_ in found]}


def GetDeploymentInstance(call: Call, *, deploymentId: str, instanceId: str) -> dict[str, Any]:
    """One instance."""
    deployment = _of_server(call, deploymentId)
    if not instanceId:
        raise ApiError("InstanceIdRequiredException", "the instance id is missing")
    if instanceId not in deployment.targets:
        raise ApiError("InstanceDoesNotExistException", f"{instanceId} is not an instance of {deploymentId}")
    return {"instanceSummary": _summary(deployment, deploymentId, instanceId)}


_STATUSES = ("Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Unknown", "Ready")
_LABELS = ("Blue", "Green")


def known(call: Call, id_: str) -> Deployment:
    """The deployment of this id as it is now. Raises ApiError for what is not an id, and for one that is not there."""
    _check_id(id_)
    if id_ not in call.state.deployments:
        raise ApiError("DeploymentDoesNotExistException", f"there is no deployment {id_}")
    return call.state.deployments[id_].at(call.at)


def _check_id(id_: str) -> None:
    if not id_:
        raise ApiError("DeploymentIdRequiredException", "the deployment id is missing")
    # Assumption: deployment-id
    if not _ID.fullmatch(id_):
        raise ApiError("InvalidDeploymentIdException", f"{id_[:100]!r} is not the id of a deployment")


def _info(id_: str, deployment: Deployment) -> dict[str, Any]:
    return {"deploymentId": id_, **deployment.info}


def _among(values: Sequence[str], allowed: Sequence[str], code: str) -> None:
    if wrong := [value for value in values if value not in allowed]:
        raise ApiError(code, f"{wrong[0][:100]!r} is none of {', '.join(allowed)}")


def _check_labelled(deployment: Deployment, labels: Sequence[str] | None) -> None:
    style = deployment.info.get("deploymentStyle") or {}
    if labels and style.get("deploymentType") != "BLUE_GREEN":
        text = "only the instances of a blue/green deployment are Blue or Green"
        raise ApiError("InvalidDeploymentInstanceTypeException", text)


def _limited(names: Sequence[str], most: int, code: str, what: str) -> None:
    if len(names) > most:
        raise ApiError(code, f"{len(names)} {what}; the most is {most}")


def _said(target: Mapping[str, Any]) -> Mapping[str, Any]:
    """The member of a DeploymentTarget that its type names."""
    return next(value for value in target.values() if isinstance(value, dict))


def _passing(deployment: Deployment, statuses: list[str] | None, labels: list[str] | None) -> list[str]:
    said = {id_: _said(target) for id_, target in sorted(deployment.targets.items())}
    return [
        id_
        for id_, one in said.items()
        if (not statuses or one["status"] in statuses) and (not labels or one.get("instanceLabel") in labels)
    ]


def _target(deployment: Deployment, id_: str, target: str) -> dict[str, Any]:
    # Assumption: target-unknown
    if target not in deployment.targets:
        raise ApiError("DeploymentTargetDoesNotExistException", f"{target} is not a target of {id_}")
    return deployment.targets[target]


def _of_server(call: Call, id_: str) -> Deployment:
    deployment = known(call, id_)
    if deployment.info.get("computePlatform", "Server") != "Server":
        raise ApiError("InvalidComputePlatformException", f"{id_} is not a deployment to instances")
    return deployment


def _summary(deployment: Deployment, id_: str, instance: str) -> dict[str, Any]:
    """A target in the older form: an InstanceSummary."""
    said = _said(deployment.targets[instance])
    kept = ("status", "lastUpdatedAt", "lifecycleEvents")
    # Assumption: instance-id
    summary = {"deploymentId": id_, "instanceId": instance, "instanceType": said.get("instanceLabel")}
    return summary | {name: said[name] for name in kept if name in said}
