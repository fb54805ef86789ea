"""What CodeDeploy says of one deployment and of its targets: three reads for up to 25 targets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.aws.answers import NotAnAnswer
from runbooks.findings import CouldNotCheck

# Targets in one BatchGetDeploymentTargets, by AWS's API reference, and in BatchGetDeploymentInstances, by its model.
TARGETS = 25
MOST_IN_ALL = 100  # of a larger deployment only those are listed that did not succeed and were not skipped
MOST_READ = 750  # and of these no more are read: 30 calls

WAITING = (
    "Created",
    "Queued",
    "InProgress",
    "Baking",
    "Ready",
)  # the model's statuses of a deployment that has not ended
_UNKNOWN = ("DeploymentDoesNotExistException", "InvalidDeploymentIdException")
_LIST, _BATCH = "codedeploy:ListDeploymentTargets", "codedeploy:BatchGetDeploymentTargets"
_NOT_STARTED = "DeploymentNotStartedException"
_DENIED = ("AccessDeniedException", "AccessDenied")
_GONE = ("DeploymentTargetDoesNotExistException", "InstanceDoesNotExistException")


@dataclass(frozen=True)
class Event:
    """One lifecycle event of a target. "" and None stand for what CodeDeploy does not say."""

    name: str
    status: str
    began: datetime | None
    ended: datetime | None
    code: str = ""
    script: str = ""
    message: str = ""
    tail: str = ""  # the end of the script's log


@dataclass(frozen=True)
class Target:
    """A target of a deployment: an instance, an ECS service, a Lambda function, a stack."""

    id: str
    is_host: bool
    status: str
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Targets:
    """The targets that were read, and how many more there are, by status. Those that were counted only did well."""

    read: tuple[Target, ...]
    counted: Mapping[str, int]  # by CodeDeploy, not read
    unread_failed: int = 0  # more than `MOST_READ`
    unread_waiting: int = 0

    @property
    def total(self) -> int:
        """How many targets the deployment has."""
        return len(self.read) + sum(self.counted.values()) + self.unread_failed + self.unread_waiting


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


def counts(info: Mapping[str, Any]) -> dict[str, int]:
    """How many targets a deployment has in each status, where that is not none."""
    overview: Mapping[str, int] = info.get("deploymentOverview") or {}
    return {status: count for status, count in overview.items() if count}


def targets(aws: Aws, info: Mapping[str, Any]) -> Targets | Refusal:
    """The targets of a deployment, or the refusal that says that it has not started.

    Of more than `MOST_IN_ALL` those that succeeded or were skipped are counted and not read. Where the identity may not
    list targets, the older operations on instances are asked. A list that changes meanwhile is read once more; raises
    `CouldNotCheck` when it changes again.
    """

    def read() -> Targets | Refusal:
        fresh = aws.asking_anew()  # the second time the same questions have other answers
        found = _targets(fresh, info) or _targets(fresh, info)
        if found is None:
            raise CouldNotCheck(
                f"the targets of {info['deploymentId']} changed while they were read ({_BATCH}), twice."
                " Ask again in a minute."
            )
        return found

    found: Targets | Refusal = aws.once(("targets", info["deploymentId"]), _BATCH, read)
    return found


def _targets(aws: Aws, info: Mapping[str, Any]) -> Targets | Refusal | None:
    """None where the list changed while it was read."""
    id_, known = str(info["deploymentId"]), counts(info)
    is_large = sum(known.values()) > MOST_IN_ALL
    ids = _ids(aws, id_, *(("Failed", "Unknown") if is_large else ()))
    done: dict[str, int] = {
        status: known[status] for status in ("Succeeded", "Skipped") if status in known and is_large
    }
    if isinstance(ids, Refusal):
        return ids if ids.code == _NOT_STARTED else _instances(aws, id_)
    unread_failed, unread_waiting, ids = max(0, len(ids) - MOST_READ), 0, ids[:MOST_READ]
    waiting = {status: known[status] for status in ("InProgress", "Pending", "Ready") if status in known}
    if is_large and waiting:
        room = MOST_READ - len(ids)
        more = _ids(aws, id_, *waiting, most=room) if room else []
        more = [] if isinstance(more, Refusal) else more
        ids, unread_waiting = ids + more, max(0, sum(waiting.values()) - len(more))
    read = _described(aws, id_, ids)
    return None if read is None else Targets(read, done, unread_failed, unread_waiting)


def _ids(aws: Aws, id_: str, *statuses: str, most: int | None = None) -> list[str] | Refusal:
    only: dict[str, Any] = {"targetFilters": {"TargetStatus": list(statuses)}} if statuses else {}
    return aws.read_all_or_refusal(
        _LIST, "targetIds", (_NOT_STARTED, *_DENIED), most=most, deploymentId=id_, **only
    )


def _described(aws: Aws, id_: str, ids: list[str]) -> tuple[Target, ...] | None:
    """The targets of these ids; None where one is not there any more."""
    found: list[Target] = []
    for start in range(0, len(ids), TARGETS):
        answer = aws.read(
            _BATCH,
            "deploymentTargets",
            expecting=_GONE,
            deploymentId=id_,
            targetIds=ids[start : start + TARGETS],
        )
        if isinstance(answer, Refusal):
            return None
        found += [
            _target(one, str(one.get("targetId") or "a target"), is_host=kind == "instanceTarget")
            for row in answer
            for kind, one in row.items()
            if isinstance(one, Mapping)
        ]
    return tuple(found) if {one.id for one in found} >= set(ids) else None


def _instances(aws: Aws, id_: str) -> Targets | Refusal | None:
    """The targets by the older operations, which know instances only."""
    # these give an instance's ARN
    ids = aws.read_all_or_refusal(
        "codedeploy:ListDeploymentInstances", "instancesList", (_NOT_STARTED, *_DENIED), deploymentId=id_
    )
    if isinstance(ids, Refusal) and ids.code in _DENIED:
        ids = aws.read_all(
            _LIST, "targetIds", deploymentId=id_
        )  # raises what is to be said: the newer one is refused
    if isinstance(ids, Refusal):
        return ids
    found = [
        _target(one, str(one.get("instanceId") or "a target").rpartition("/")[2], is_host=True)
        for start in range(0, len(ids), TARGETS)
        for one in aws.read(
            "codedeploy:BatchGetDeploymentInstances",
            "instancesSummary",
            deploymentId=id_,
            instanceIds=ids[start : start + TARGETS],
        )
    ]
    return Targets(tuple(found), {}) if len(found) >= len(ids) else None


def _target(one: Mapping[str, Any], id_: str, *, is_host: bool) -> Target:
    events = tuple(map(_event, one.get("lifecycleEvents") or ()))
    return Target(id_, is_host, str(one.get("status") or "Unknown"), events)


def _event(one: Mapping[str, Any]) -> Event:
    said = one.get("diagnostics") or {}
    return Event(
        name=str(one.get("lifecycleEventName") or ""),
        status=str(one.get("status") or "Unknown"),
        began=one.get("startTime"),
        ended=one.get("endTime"),
        code=str(said.get("errorCode") or ""),
        script=str(said.get("scriptName") or ""),
        message=str(said.get("message") or "").strip(),
        tail=str(said.get("logTail") or "").strip(),
    )


def minimum_healthy(aws: Aws, configuration: str) -> Mapping[str, Any] | Refusal:
    """How many hosts a deployment configuration keeps healthy: ``type``, ``value``; and ``zonal`` where it counts zones.

    Those that every account has are not asked for: OneAtATime is in botocore's description of MinimumHealthyHosts, the
    other two are in AWS's user guide.
    """
    if configuration in PREDEFINED:
        return PREDEFINED[configuration]
    info: dict[str, Any] | Refusal = aws.read(
        "codedeploy:GetDeploymentConfig",
        "deploymentConfigInfo",
        "minimumHealthyHosts.type",
        "minimumHealthyHosts.value",
        expecting=("DeploymentConfigDoesNotExistException",),
        deploymentConfigName=configuration,
    )
    if isinstance(info, Refusal):
        return info
    return {**info["minimumHealthyHosts"], "zonal": bool(info.get("zonalConfig"))}


PREDEFINED: Mapping[str, Mapping[str, Any]] = {
    "CodeDeployDefault.OneAtATime": {"type": "MOST_CONCURRENCY", "value": 1},
    "CodeDeployDefault.HalfAtATime": {"type": "FLEET_PERCENT", "value": 50},
    "CodeDeployDefault.AllAtOnce": {"type": "FLEET_PERCENT", "value": 0},
}


def active_deployments(aws: Aws, application: str, group: str) -> list[str]:
    """The ids of the deployments of a group that have not ended."""
    found: Iterable[str] = aws.read_all(
        "codedeploy:ListDeployments",
        "deployments",
        applicationName=application,
        deploymentGroupName=group,
        includeOnlyStatuses=list(WAITING),
    )
    return list(found)
