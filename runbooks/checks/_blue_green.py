"""What a blue/green deployment waits for, and which of its targets count for its constraint."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from runbooks.aws import Aws
from runbooks.checks._deployed import since
from runbooks.commands import aws_cli
from runbooks.facts.deployments import ENDED, Target, Targets
from runbooks.findings import FAIL, UNKNOWN, CouldNotCheck, Finding
from runbooks.text.times import time

NO_REPLACEMENT = (
    "Of a blue/green deployment the replacement environment counts too: see that the Auto Scaling group which is copied"
    " has instances, or that the instances which the deployment names (targetInstances) are there."
)
_BLUE_WAITS = "; the original environment waits until traffic goes to the replacement"
_BLUE = "BLUE"
STUCK = "/symptoms/deployment-stuck/"
_PAGE = "/deployment-errors/HEALTH_CONSTRAINTS/"


def is_blue_green(info: Mapping[str, Any]) -> bool:
    """Whether a deployment has an original and a replacement environment."""
    return (info.get("deploymentStyle") or {}).get("deploymentType") == "BLUE_GREEN"


def is_original(target: Target) -> bool:
    """Whether a target is of the original environment."""
    return target.label.upper() == _BLUE


def of_the_replacement(found: Targets) -> Counter[str]:
    """How many targets of the replacement environment are in each status; only they count (AWS's user guide).

    Raises `CouldNotCheck` where some were counted and not read, so that their environment is not known.
    """
    if found.counted or found.unread_failed or found.unread_waiting or found.unread:
        raise CouldNotCheck(
            "only the replacement environment counts, and of a deployment this large not every target is read."
        )
    return Counter(target.status for target in found.read if not is_original(target))


def original_failed(found: Iterable[Target]) -> Iterator[Finding]:
    """A target of the original environment that failed fails the whole deployment (AWS's user guide)."""
    if failed := [target.id for target in found if is_original(target) and target.status == "Failed"]:
        says = (
            f"{len(failed)} instance{'s' * (len(failed) > 1)} of the original (blue) environment failed"
            f" ({', '.join(failed[:5])}): one that cannot be taken from the load balancer fails the whole deployment, whatever the replacement does."
        )
        yield Finding(FAIL, says, code="original-failed", about=failed[0], next=_PAGE)


def pause(info: Mapping[str, Any]) -> str:
    """At which pause of a blue/green deployment it stands, without a full stop; "" where it is at none."""
    minutes = _minutes(info)
    if info["status"] == "Ready":
        stops = f"; after {minutes} minutes without that, CodeDeploy stops the deployment" if minutes else ""
        return f"The replacement is ready, and the deployment waits for traffic to be rerouted{stops}"
    if _terminates(info):
        after = f" {minutes} minutes after it moved" if minutes else ""
        return f"Traffic has moved to the replacement; CodeDeploy terminates the original{after}"
    return ""


def go_on(aws: Aws, info: Mapping[str, Any]) -> str:
    """What one can do at such a pause; "" where it is at none."""
    id_ = str(info["deploymentId"])

    def command(name: str, **options: str) -> str:
        return aws_cli(aws.place, "deploy", name, deployment_id=id_, **options)

    if info["status"] == "Ready":
        on = command("continue-deployment", deployment_wait_type="READY_WAIT")
        return f"Test the replacement, then reroute the traffic: `{on}`. Or give it up: `{command('stop-deployment')}`."
    if _terminates(info):
        on = command("continue-deployment", deployment_wait_type="TERMINATION_WAIT")
        return f"Nothing is wrong. To terminate the original now: `{on}`."
    return ""


def turn(aws: Aws, info: Mapping[str, Any], targets: Sequence[Target]) -> str:
    """Why these targets wait, where that is for traffic, as the end of a sentence; "" where it is for anything else.

    CodeDeploy does not say since when it waits, so that is inferred from the last event that ended.
    """
    if info["status"] in ENDED or not is_blue_green(info):
        return ""
    if is_original(targets[0]) and targets[0].status == "Pending":
        return _BLUE_WAITS
    if info["status"] != "Ready" or is_original(targets[0]) or not (began := _last(targets)):
        return ""
    minutes = _minutes(info)
    return f"; {_end(aws, began, minutes, 'CodeDeploy stops the deployment')}" if minutes else ""


def terminates(aws: Aws, info: Mapping[str, Any], found: Targets) -> Iterator[Finding]:
    """When the original environment is terminated, where the wait for that has begun; inferred as in `turn`."""
    if not _terminates(info) or not (began := _last(found.read)):
        return
    minutes = _minutes(info)
    end = f": {_end(aws, began, minutes, 'CodeDeploy terminates the original')}" if minutes else ""
    says = f"No target has had an event{since(aws, began)}{end}."
    yield Finding(UNKNOWN, says, code="not-ended", about=str(info["deploymentId"]), next=STUCK)


def _last(targets: Iterable[Target]) -> datetime | None:
    """When the last of their events ended."""
    return max((event.ended for one in targets for event in one.events if event.ended), default=None)


def _end(aws: Aws, began: datetime, minutes: int, what: str) -> str:
    """What happens at the end of a wait, and when."""
    end = began + timedelta(minutes=minutes)
    if end <= aws.now():
        return f"the wait of {minutes} minutes ended at {time(end)} (inferred), so ask again in a minute"
    return f"{what} at {time(end)} (inferred)"


def _terminates(info: Mapping[str, Any]) -> bool:
    return bool(info.get("instanceTerminationWaitTimeStarted")) and info["status"] not in ENDED


def _minutes(info: Mapping[str, Any]) -> int:
    """How long the pause lasts; 0 where that is not known, or it has no end (the model)."""
    options = info.get("blueGreenDeploymentConfiguration") or {}
    if info["status"] == "Ready":
        ready = options.get("deploymentReadyOption") or {}
        return int(ready.get("waitTimeInMinutes") or 0) * (ready.get("actionOnTimeout") == "STOP_DEPLOYMENT")
    ends = options.get("terminateBlueInstancesOnDeploymentSuccess") or {}
    return int(ends.get("terminationWaitTimeInMinutes") or 0)
