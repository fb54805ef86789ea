"""A blue/green deployment to instances: a replacement fleet is installed, traffic is rerouted, the original fleet ends.

Its course is fixed when it begins, but for the two times at which it may wait for somebody to continue it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from codedeploy_sandbox.hosts.agent import ALLOW, BLOCK, EVENT, EVENTS, Failure
from codedeploy_sandbox.plays import (
    TOO_FEW,
    Course,
    Leg,
    Play,
    courses,
    installation,
    is_short,
    may_be_out,
)
from codedeploy_sandbox.state import Deployment

BLUE, GREEN = "Blue", "Green"
# Assumption: ready-timeout
TIMED_OUT = {"code": "TIMEOUT", "message": "No one rerouted traffic within the time to wait [sandbox]."}


class Plan(NamedTuple):
    """What is fixed of the rerouting: how it fails on each target, and how many are rerouted at the same time."""

    green: Mapping[str, Failure | None]
    blue: Mapping[str, Failure | None]
    out: int
    waits: timedelta | None  # for somebody to begin it; None: it begins at once
    keeps: timedelta | None  # the original fleet after it; None: for ever


@dataclass
class BlueGreen(Play):
    """`courses` are those of the installation on the replacement fleet."""

    plan: Plan = Plan({}, {}, 1, None, None)
    continued: datetime | None = None  # somebody began the rerouting
    released: datetime | None = None  # somebody ended the wait for the termination

    @property
    def installed(self) -> datetime:
        """When the revision is on the replacement fleet, or has failed there."""
        return max((one.ended for one in self.courses.values()), default=self.begun)

    @property
    def rerouted(self) -> datetime | None:
        """When the rerouting begins, as far as that is known."""
        if self.error:
            return None
        return self.installed if self.plan.waits is None else self.continued

    def traffic(self) -> tuple[dict[str, Course], dict[str, Course], bool]:
        """The courses by which traffic is allowed and blocked, and whether that fails."""
        if self.rerouted is None:
            return {}, {}, False
        green, blue, out, *_ = self.plan
        allowed, _ = courses(green, self.rerouted, out, dict.fromkeys(green, ALLOW))
        if is_short(allowed, len(green), out):
            return allowed, {}, True
        # Assumption: blue-green-traffic
        blocked, _ = courses(blue, _end(allowed, self.rerouted), len(blue), dict.fromkeys(blue, BLOCK))
        return allowed, blocked, is_short(blocked, len(blue), len(blue))

    @property
    def shifted(self) -> datetime | None:
        """When the original fleet has no traffic any more, as far as that is known."""
        allowed, blocked, fails = self.traffic()
        return None if self.rerouted is None or fails else _end(allowed | blocked, self.rerouted)

    @property
    def timed_out(self) -> bool:
        """Whether no one begins the rerouting in time, unless somebody does so now."""
        return not self.error and self.rerouted is None

    @property
    def ended(self) -> datetime:
        """When it ends, unless somebody continues it."""
        if self.cut:
            return self.cut.at
        if self.error or self.rerouted is None:
            return self.installed + (timedelta() if self.error else self.plan.waits or timedelta())
        if self.shifted is None:
            allowed, blocked, _ = self.traffic()
            return _end(allowed | blocked, self.rerouted)
        # Assumption: termination-wait
        return self.released or self.shifted + (self.plan.keeps or timedelta())

    @property
    def fault(self) -> dict[str, str] | None:
        """The error with which it ends."""
        if self.cut:
            return self.cut.error
        if self.timed_out:
            return TIMED_OUT
        return TOO_FEW if self.traffic()[2] else self.error

    def legs(self, name: str) -> list[Leg]:
        """What a target goes through."""
        allowed, blocked, _ = self.traffic()
        if self.labels[name] == BLUE:
            return [Leg(BLOCK, blocked.get(name))]
        return [Leg(EVENTS, self.courses.get(name)), Leg(ALLOW, allowed.get(name))]

    def waits_at(self, now: datetime) -> bool:
        """Whether it waits at this time for somebody to begin the rerouting."""
        until = min(self.continued or self.ended, self.ended)
        return self.plan.waits is not None and not self.error and self.installed <= now < until

    def keeps_at(self, now: datetime) -> bool:
        """Whether it waits at this time to terminate the original fleet."""
        return self.plan.keeps is not None and self.shifted is not None and self.shifted <= now < self.ended

    def status(self, now: datetime) -> str:
        """Its status at this time."""
        if now >= self.ended and self.timed_out:
            return "Stopped"
        return "Ready" if self.waits_at(now) else super().status(now)

    def of_target(self, name: str, statuses: Sequence[str], at: datetime) -> str:
        """The status of a target: Ready is one of the replacement fleet that waits for traffic."""
        status = super().of_target(name, statuses, at)
        waits = self.waits_at(at) and self.labels[name] == GREEN and "Failed" not in statuses
        return "Ready" if waits else status

    def at(self, now: datetime) -> Deployment:
        """What CodeDeploy answers about it at this time."""
        found = super().at(now)
        began = self.shifted is not None and min(now, self.ended) >= self.shifted
        found.info["instanceTerminationWaitTimeStarted"] = self.plan.keeps is not None and began
        return found


def _end(run: Mapping[str, Course], begun: datetime) -> datetime:
    return max((one.ended for one in run.values()), default=begun)


def blue_green(
    info: Mapping[str, Any],
    arns: Mapping[str, str],
    failures: Mapping[str, Failure | None],
    files: Mapping[str, str],
    plan: Plan,
) -> BlueGreen:
    """The deployment with the constant part of its DeploymentInfo; `failures` are those of the replacement fleet."""
    begun = info["createTime"] + EVENT
    run, error = installation(failures, begun, plan.out)
    labels = {name: GREEN if name in failures else BLUE for name in arns}
    return BlueGreen(
        dict(info),
        arns=dict(arns),
        files=dict(files),
        labels=labels,
        courses=run,
        begun=begun,
        error=error,
        plan=plan,
    )


def plan(
    options: Mapping[str, Any],
    green: Mapping[str, Failure | None],
    blue: Mapping[str, Failure | None],
    minimum: Mapping[str, Any],
) -> Plan:
    """The plan of the rerouting by a BlueGreenDeploymentConfiguration."""
    ready = options.get("deploymentReadyOption") or {}
    ends = options.get("terminateBlueInstancesOnDeploymentSuccess") or {}
    stops = ready.get("actionOnTimeout") == "STOP_DEPLOYMENT"
    terminates = ends.get("action") == "TERMINATE"
    return Plan(
        green,
        blue,
        may_be_out(minimum, len(green)),
        timedelta(minutes=ready.get("waitTimeInMinutes", 0)) if stops else None,
        timedelta(minutes=ends.get("terminationWaitTimeInMinutes", 0)) if terminates else None,
    )
