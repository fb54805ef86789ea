"""What CodeDeploy says of one deployment and of its targets: three reads for up to 25 targets."""

import re
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

NOT_BEGUN = ("Created", "Queued")
WAITING = (
    *NOT_BEGUN,
    "InProgress",
    "Baking",
    "Ready",
)  # the model's statuses of a deployment that has not ended
ENDED = ("Succeeded", "Failed", "Stopped")
_UNKNOWN = ("DeploymentDoesNotExistException", "InvalidDeploymentIdException")
_LIST, _BATCH = "codedeploy:ListDeploymentTargets", "codedeploy:BatchGetDeploymentTargets"
_OLD_BATCH = "codedeploy:BatchGetDeploymentInstances"
_NOT_STARTED = "DeploymentNotStartedException"
_DENIED = ("AccessDeniedException", "AccessDenied")
_KINDS = {"instanceTarget", "lambdaTarget", "ecsTarget", "cloudFormationTarget"}
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")  # of a script that writes for a terminal
_GONE = ("DeploymentTargetDoesNotExistException", "InstanceDoesNotExistException")

# Agent 2.x reports each line with its time (script_run_log.rs of its source), 1.x without.
_TIME = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", re.MULTILINE)


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
    tail: str = ""  # the end of the script's log, without times
    said_success: bool = False  # its code is Success, though it did not succeed


@dataclass(frozen=True)
class Target:
    """A target of a deployment: an instance, an ECS service, a Lambda function, a stack."""

    id: str
    is_host: bool
    status: str
    events: tuple[Event, ...]
    label: str = ""  # Blue: of the original environment; Green: of the replacement
    traffic: str = ""  # what carries it, in words: versions of a function, task sets of a service


@dataclass(frozen=True)
class Targets:
    """The targets that were read, and how many more there are, by status. Those that were counted only did well."""

    read: tuple[Target, ...]
    counted: Mapping[str, int]  # by CodeDeploy, not read
    unread_failed: int = 0  # more than `MOST_READ`
    unread_waiting: int = 0
    refused: str = ""  # why those that wait were not listed, where that was denied
    unread: int = 0  # in a status that is not known, where CodeDeploy does not count its targets

    @property
    def total(self) -> int:
        """How many targets the deployment has."""
        return (
            len(self.read)
            + sum(self.counted.values())
            + self.unread_failed
            + self.unread_waiting
            + self.unread
        )


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

    what = f"{_LIST} and {_BATCH}"
    found: Targets | Refusal = aws.once(("targets", info["deploymentId"]), what, read)
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
    refused = ""
    unread, unread_waiting, ids = max(0, len(ids) - MOST_READ), 0, ids[:MOST_READ]
    waiting = {status: known[status] for status in ("InProgress", "Pending", "Ready") if status in known}
    if is_large and waiting:
        room = MOST_READ - len(ids)
        more = _ids(aws, id_, *waiting, most=room) if room else []
        refused = f"{_LIST} was denied ({more.code})" if isinstance(more, Refusal) else ""
        more = [] if isinstance(more, Refusal) else more
        ids, unread_waiting = ids + more, max(0, sum(waiting.values()) - len(more))
    read = _described(aws, id_, ids)
    if isinstance(read, Refusal):
        return _instances(aws, id_)
    if read is None:
        return None
    unread_failed = unread if is_large else 0
    return Targets(read, done, unread_failed, unread_waiting, refused, unread - unread_failed)


def _ids(aws: Aws, id_: str, *statuses: str, most: int | None = None) -> list[str] | Refusal:
    only: dict[str, Any] = {"targetFilters": {"TargetStatus": list(statuses)}} if statuses else {}
    return aws.read_all_or_refusal(
        _LIST, "targetIds", (_NOT_STARTED, *_DENIED), most=most, deploymentId=id_, **only
    )


def _described(aws: Aws, id_: str, ids: list[str]) -> tuple[Target, ...] | Refusal | None:
    """The targets of these ids, or the refusal of an identity that may not read them; None where one is not there any more.

    Raises `CouldNotCheck` for a kind of target that is not of the model.
    """
    found: list[Target] = []
    for start in range(0, len(ids), TARGETS):
        answer = aws.read(
            _BATCH,
            "deploymentTargets",
            expecting=(*_GONE, *_DENIED),
            deploymentId=id_,
            targetIds=ids[start : start + TARGETS],
        )
        if isinstance(answer, Refusal):
            return answer if answer.code in _DENIED else None
        if other := next((row for row in answer if not set(row) & _KINDS), None):
            kind = other.get("deploymentTargetType") or "a kind without a name"
            raise CouldNotCheck(
                f"{_BATCH} gives targets of a kind that this guide does not know: {kind}. A newer release may."
            )
        rows = [(kind, one) for row in answer for kind, one in row.items() if isinstance(one, Mapping)]
        if other := next((one for _, one in rows if one.get("deploymentId") not in (None, id_)), None):
            raise NotAnAnswer(_BATCH, f"about {other['deploymentId']!r} instead of {id_!r}")
        found += [
            _target(one, str(one.get("targetId") or "a target"), is_host=kind == "instanceTarget")
            for kind, one in rows
        ]
    return tuple({one.id: one for one in found}.values()) if {one.id for one in found} >= set(ids) else None


def _instances(aws: Aws, id_: str) -> Targets | Refusal | None:
    """The targets by the older operations, which know instances only."""
    # these give an instance's ARN
    ids = aws.read_all_or_refusal(
        "codedeploy:ListDeploymentInstances", "instancesList", (_NOT_STARTED, *_DENIED), deploymentId=id_
    )
    if isinstance(ids, Refusal) and ids.code in _DENIED:
        # raises what is to be said: the newer ones are refused
        ids = aws.read_all(_LIST, "targetIds", deploymentId=id_)
        aws.read(_BATCH, "deploymentTargets", deploymentId=id_, targetIds=ids[:TARGETS])
    if isinstance(ids, Refusal):
        return ids
    found: list[Target] = []
    for start in range(0, len(ids), TARGETS):
        some = ids[start : start + TARGETS]
        answer = aws.ask(
            _OLD_BATCH, "instancesSummary", expecting=_DENIED, deploymentId=id_, instanceIds=some
        )
        if isinstance(answer, Refusal):
            aws.read(_BATCH, "deploymentTargets", deploymentId=id_, targetIds=some)  # raises, as above
            return None
        if message := answer.get("errorMessage"):
            raise CouldNotCheck(f"{_OLD_BATCH} answered without the instances that were asked for: {message}")
        found += [
            _target(one, str(one.get("instanceId") or "a target").rpartition("/")[2], is_host=True)
            for one in answer["instancesSummary"]
        ]
    wanted = {id_.rpartition("/")[2] for id_ in ids}
    return Targets(tuple(found), {}) if {one.id for one in found} >= wanted else None


def _target(one: Mapping[str, Any], id_: str, *, is_host: bool) -> Target:
    events = tuple(map(_event, one.get("lifecycleEvents") or ()))
    label = str(one.get("instanceLabel") or one.get("instanceType") or "")
    return Target(id_, is_host, str(one.get("status") or "Unknown"), events, label, _traffic(one))


def _traffic(one: Mapping[str, Any]) -> str:
    """Which version of a function, or task set of a service, has how much of the traffic."""
    if function := one.get("lambdaFunctionInfo"):
        versions = (
            f"from version {function.get('currentVersion') or '?'} to {function.get('targetVersion') or '?'}"
        )
        return f"{versions}{_weight(function, 'targetVersionWeight', ', which receives')}"
    sets = [
        f"{each.get('taskSetLabel') or each.get('status') or 'a task set'} runs {each.get('runningCount', '?')} of"
        f" {each.get('desiredCount', '?')} tasks{_weight(each, 'trafficWeight', ' and receives')}"
        for each in one.get("taskSetsInfo") or ()
    ]
    return "; ".join(sets)


def _weight(one: Mapping[str, Any], member: str, verb: str) -> str:
    weight = one.get(member)
    return f"{verb} {weight:g} % of the traffic" if isinstance(weight, (int, float)) else ""


def _event(one: Mapping[str, Any]) -> Event:
    said = one.get("diagnostics") or {}
    said_success = said.get("errorCode") == "Success" and one.get("status") != "Succeeded"
    return Event(
        name=str(one.get("lifecycleEventName") or ""),
        status=str(one.get("status") or "Unknown"),
        began=one.get("startTime"),
        ended=one.get("endTime"),
        code="" if said_success else str(said.get("errorCode") or ""),
        script=str(said.get("scriptName") or ""),
        message=_COLOUR.sub("", str(said.get("message") or "")).strip(),
        tail=_TIME.sub("", _COLOUR.sub("", str(said.get("logTail") or "")).strip()),
        said_success=said_success,
    )


def minimum_healthy(aws: Aws, configuration: str) -> Mapping[str, Any] | Refusal:
    """How many hosts a deployment configuration keeps healthy: ``type``, ``value``; and ``zonal``, in each zone.

    ``zonal`` is None where the configuration does not go by zones, and {} where it does and gives them no number.
    Raises `CouldNotCheck` for one that says nothing of healthy hosts.

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
    if not info.get("minimumHealthyHosts"):
        raise CouldNotCheck(f"the configuration {configuration} does not say how many hosts stay healthy.")
    zonal = info.get("zonalConfig")
    return {
        **info["minimumHealthyHosts"],
        "zonal": None if zonal is None else zonal.get("minimumHealthyHostsPerZone") or {},
    }


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
