"""A deployment that moves on by itself: its whole course is fixed when it begins, and the clock says how far it is.

So nothing runs in the background, and two questions at the same time have the same answer.
"""

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from codedeploy_sandbox.hosts.agent import EVENT, EVENTS, REVISION, Failure
from codedeploy_sandbox.state import Deployment, RegionState

# minimumHealthyHosts of AWS's own configurations. MOST_CONCURRENCY is by the description of this shape in botocore's
# model, whose enum lacks it.
SERVER: dict[str, dict[str, Any]] = {
    "CodeDeployDefault.OneAtATime": {"type": "MOST_CONCURRENCY", "value": 1},
    "CodeDeployDefault.HalfAtATime": {"type": "FLEET_PERCENT", "value": 50},
    # Assumption: config-values
    "CodeDeployDefault.AllAtOnce": {"type": "FLEET_PERCENT", "value": 0},
}


def minimum_of(state: RegionState, configuration: str) -> dict[str, Any] | None:
    """minimumHealthyHosts of a configuration, AWS's own or one of the account; None where there is none."""
    return SERVER.get(configuration) or state.configurations.get(configuration, {}).get("minimumHealthyHosts")


TOO_FEW = {
    "code": "HEALTH_CONSTRAINTS",
    "message": "The overall deployment failed because too many individual instances failed deployment, too few healthy instances are available for deployment, or some instances in your deployment group are experiencing problems.",
}
NONE = {"code": "NO_INSTANCES", "message": "No instances were found for your deployment group."}
TOO_MANY_WANTED = {
    "code": "HEALTH_CONSTRAINTS_INVALID",
    "message": "The deployment can't start because the minimum number of healthy instances, as defined by your deployment configuration, are not available.",
}
STOPPED = {"code": "MANUAL_STOP", "message": "The deployment was stopped by the user."}
STATUSES = ("Pending", "InProgress", "Succeeded", "Failed", "Skipped", "Ready")


@dataclass(frozen=True)
class Cut:
    """What ended a deployment before its course did: when, with which status and error, and the event of a rollback."""

    at: datetime
    status: str
    error: dict[str, str]
    event: str


@dataclass(frozen=True)
class Course:
    """When a target's events begin, which these are, and how one of them fails."""

    begun: datetime
    failure: Failure | None
    events: tuple[str, ...] = EVENTS

    @property
    def ended(self) -> datetime:
        """When the last event ends, or the one that fails."""
        if self.failure is None:
            return self.begun + len(self.events) * EVENT
        return self.begun + self.events.index(self.failure.event) * EVENT + self.failure.takes

    def begins(self) -> list[tuple[str, datetime]]:
        """The events that it gets to, each with its beginning."""
        last = self.events.index(self.failure.event) if self.failure else len(self.events) - 1
        return [(event, self.begun + number * EVENT) for number, event in enumerate(self.events[: last + 1])]


class Leg(NamedTuple):
    """Events of a target that follow one another, and their course, where the target has got its turn."""

    events: tuple[str, ...]
    course: Course | None


def may_be_out(minimum: Mapping[str, Any], total: int) -> int:
    """How many of `total` instances a configuration's minimumHealthyHosts lets be out of service at once.

    FLEET_PERCENT is rounded up to whole healthy instances, and MOST_CONCURRENCY is CodeDeployDefault.OneAtATime's, by
    the description of MinimumHealthyHosts in botocore's model.
    """
    kind, value = minimum["type"], int(minimum["value"])
    if kind == "MOST_CONCURRENCY":
        return value
    return total - (math.ceil(total * value / 100) if kind == "FLEET_PERCENT" else value)


def courses(
    failures: Mapping[str, Failure | None],
    begun: datetime,
    out: int,
    events: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[dict[str, Course], list[str]]:
    """The course of each target that gets its turn, and the targets that get none.

    An instance that fails stays out of service, so that fewer may be worked on after it.
    """
    # Assumption: order
    places = [begun] * min(out, len(failures))  # when each of them is free
    found: dict[str, Course] = {}
    for name, failure in failures.items():
        if not places:
            break
        course = found[name] = Course(heapq.heappop(places), failure, (events or {}).get(name, EVENTS))
        if failure is None:
            heapq.heappush(places, course.ended)
    return found, [name for name in failures if name not in found]


class Zone(NamedTuple):
    """The targets in one Availability Zone, how many may be out of service there, and what passes before the next zone."""

    names: tuple[str, ...]
    out: int
    bakes: timedelta


def in_zones(
    failures: Mapping[str, Failure | None],
    begun: datetime,
    out: int,
    events: Mapping[str, tuple[str, ...]] | None,
    zones: Sequence[Zone],
) -> dict[str, Course]:
    """The courses of the targets, one zone after the other; after a zone in which too many failed, no other begins."""
    found: dict[str, Course] = {}
    for zone in zones:
        left = out - sum(1 for course in found.values() if course.failure)
        of_zone = {name: failures[name] for name in zone.names}
        run, without = courses(of_zone, begun, min(left, zone.out), events)
        found |= run
        if without or sum(1 for course in run.values() if course.failure) > zone.out:
            break
        begun = max((one.ended for one in run.values()), default=begun) + zone.bakes
    return found


def is_short(run: Mapping[str, Course], total: int, out: int) -> bool:
    """Whether too few of the targets have come through, or none."""
    failed = sum(1 for course in run.values() if course.failure)
    return len(run) < total or failed > out or failed == total > 0


@dataclass
class Play(Deployment):
    """A deployment by its course. `info` holds what does not change; `arns` are of the targets, in the order of work."""

    arns: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # of the revision, as far as they are put on hosts
    events: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # of the targets that have not just EVENTS
    reuses: str = ""  # the deployment whose copy of the revision a restart takes
    labels: dict[str, str] = field(default_factory=dict)  # of the targets that have one
    courses: dict[str, Course] = field(default_factory=dict)
    begun: datetime = datetime.min
    error: dict[str, str] | None = None  # how it ends, unless it is stopped
    bakes: bool = False  # time passes between its zones
    cut: Cut | None = None
    role: str = ""  # the service role
    alarms: dict[str, Any] = field(default_factory=dict)  # that it watches, an AlarmConfiguration
    # the Auto Scaling processes that it suspends, or has suspended, by group
    suspends: dict[str, list[str]] = field(default_factory=dict)
    marked: set[tuple[str, Leg]] = field(default_factory=set)  # those that have left their marks on a host
    done: set[tuple[str, ...]] = field(default_factory=set)  # what has been done outside CodeDeploy
    settled: bool = False  # what follows from its end has happened

    @property
    def ended(self) -> datetime:
        """When it ends."""
        if self.cut:
            return self.cut.at
        return max((one.ended for one in self.courses.values()), default=self.begun)

    @property
    def fault(self) -> dict[str, str] | None:
        """The error with which it ends."""
        return self.cut.error if self.cut else self.error

    def moments(self, now: datetime) -> list[datetime]:
        """The times until this one at which something about it changes."""
        run = [leg.course for name in self.arns for leg in self.legs(name) if leg.course]
        ends = min(now, self.ended)
        times = {self.info["createTime"], self.begun, self.ended}
        times |= {at for one in run for at in (one.begun, one.ended)}
        return sorted(at for at in times if at <= ends)

    def refuse(self, error: dict[str, str]) -> None:
        """Let it end with this error before any instance is updated."""
        self.courses, self.error = {}, error

    def legs(self, name: str) -> list[Leg]:
        """What a target goes through."""
        return [Leg(self.events.get(name, EVENTS), self.courses.get(name))]

    def status(self, now: datetime) -> str:
        """Its status at this time."""
        if now >= self.ended:
            if self.cut:
                return self.cut.status
            return "Failed" if self.fault else "Succeeded"
        if now < self.begun:
            return "Created"
        # Assumption: zone-baking
        idle = self.bakes and not any(one.begun <= now < one.ended for one in self.courses.values())
        return "Baking" if idle else "InProgress"

    def at(self, now: datetime) -> Deployment:
        """What CodeDeploy answers about it at this time."""
        over, at = now >= self.ended, min(now, self.ended)
        targets = {name: self._target(name, at, over=over) for name in self.arns}
        statuses = [target["instanceTarget"]["status"] for target in targets.values()]
        info = self.info | {
            "status": self.status(now),
            "deploymentOverview": {name: statuses.count(name) for name in STATUSES},
        }
        if now >= self.begun:
            info["startTime"] = self.begun
        if over:
            info["completeTime"] = self.ended
            if self.fault:
                info["errorInformation"] = self.fault
        return Deployment(info, targets)

    def of_target(self, name: str, statuses: Sequence[str], at: datetime) -> str:
        """The status of a target whose events have these."""
        if "Failed" in statuses:
            return "Failed"
        if set(statuses) == {"Succeeded"}:
            return "Succeeded"
        if "Skipped" in statuses:
            return "Skipped"
        return "Pending" if set(statuses) == {"Pending"} else "InProgress"

    def _target(self, name: str, at: datetime, *, over: bool) -> dict[str, Any]:
        legs, events = self.legs(name), list[dict[str, Any]]()
        for leg in legs:
            failed = any(event["status"] == "Failed" for event in events)
            events += _events(leg, at, over=over, failed=failed)
        begun = [leg.course for leg in legs if leg.course and leg.course.begun <= at]
        updated = max(min(at, begun[-1].ended), self.info["createTime"]) if begun else at
        target = {
            "deploymentId": self.info["deploymentId"],
            "targetId": name,
            "targetArn": self.arns[name],
            "status": self.of_target(name, [event["status"] for event in events], at),
            "lastUpdatedAt": updated,
            "lifecycleEvents": events,
        }
        if name in self.labels:
            target["instanceLabel"] = self.labels[name]
        return {"deploymentTargetType": "InstanceTarget", "instanceTarget": target}


def _events(leg: Leg, at: datetime, *, over: bool, failed: bool) -> list[dict[str, Any]]:
    """The events of a leg at a time; `over`: the deployment has ended, so that nothing begins any more."""
    events: list[dict[str, Any]] = []
    course = leg.course
    begins = course.begun if course else at
    for name in leg.events:
        failure = course.failure if course and course.failure and course.failure.event == name else None
        ends = begins + (failure.takes if failure else EVENT)
        event: dict[str, Any] = {"lifecycleEventName": name}
        if failed or not course or at < begins or (over and at < ends):
            # Assumption: skipped-events
            event["status"] = "Skipped" if failed or over else "Pending"
        elif at < ends:
            event |= {"status": "InProgress", "startTime": begins} if not failure or failure.heard else {}
            event.setdefault("status", "Pending")
        else:
            event |= {"startTime": begins} if not failure or failure.heard else {}
            event |= {"endTime": ends, "status": "Failed" if failure else "Succeeded"}
            event["diagnostics"] = failure.diagnostics(begins) if failure else WELL
            failed = failure is not None
        events.append(event)
        begins = ends
    return events


# Assumption: success-message
WELL = {"errorCode": "Success", "scriptName": "", "message": "Succeeded", "logTail": ""}


def play(
    info: Mapping[str, Any],
    arns: Mapping[str, str],
    failures: Mapping[str, Failure | None],
    minimum: Mapping[str, Any],
    files: Mapping[str, str] = REVISION,
    events: Mapping[str, tuple[str, ...]] | None = None,
    zones: Sequence[Zone] = (),
) -> Play:
    """The deployment with the constant part of its DeploymentInfo, its targets' ARNs, and how each of them fails."""
    begun = info["createTime"] + EVENT  # passes before the first event
    out = may_be_out(minimum, len(arns))
    run, error = installation(failures, begun, out, events, zones)
    return Play(
        dict(info),
        arns=dict(arns),
        files=dict(files),
        events=dict(events or {}),
        courses=run,
        begun=begun,
        error=error,
        bakes=len(zones) > 1,
    )


def installation(
    failures: Mapping[str, Failure | None],
    begun: datetime,
    out: int,
    events: Mapping[str, tuple[str, ...]] | None = None,
    zones: Sequence[Zone] = (),
) -> tuple[dict[str, Course], dict[str, str] | None]:
    """The courses of the targets to which a revision is deployed, and the error with which that ends."""
    run = in_zones(failures, begun, out, events, zones or [Zone(tuple(failures), out, timedelta())])
    if not failures:
        return run, NONE
    if out < 1:
        return run, TOO_MANY_WANTED
    return run, TOO_FEW if is_short(run, len(failures), out) else None
