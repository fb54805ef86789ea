"""How a deployment ended that did not succeed: who stopped it, its rollback, its alarms; and what to do after that."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.checks._causes import about
from runbooks.checks._deployed import deploy_again, sentence
from runbooks.commands import runbooks
from runbooks.facts.alarms import alarm_states
from runbooks.facts.cloudtrail import Event
from runbooks.facts.deployment_groups import deployment_group
from runbooks.findings import FAIL, WARN, Finding
from runbooks.text.times import time

_STOP, _ALARM = "/deployment-errors/MANUAL_STOP/", "/deployment-errors/ALARM_ACTIVE/"
_OF_ITS_ROLLBACK = re.compile(r"\broll(?:ed|ing) back\b", re.IGNORECASE)  # says no more than the ids do
_ROLLED_BACK = "/symptoms/rolled-back/"
# The codes that say no more than that targets failed, or that too few are healthy: a cause has its own finding.
_OF_OTHERS = ("HEALTH_CONSTRAINTS", "HEALTH_CONSTRAINTS_INVALID")


def of_whole(id_: str, code: str) -> frozenset[str]:
    """What the error of a whole deployment is of."""
    return frozenset({id_} if code in _OF_OTHERS else filter(None, (id_, code)))


def stopped(aws: Aws, info: Mapping[str, Any], event: Event) -> Finding:
    """Who stopped the deployment, by CloudTrail's record of it."""
    id_ = str(info["deploymentId"])
    says = f"{event.caller} stopped {id_} at {time(event.at)}, by {event.client} from {event.source}."
    fix = deploy_again(aws, info)
    of = frozenset((id_, "MANUAL_STOP", event.caller))
    return Finding(FAIL, says, code="stopped", about=event.caller, fix=fix, next=_STOP, of=of)


def rollback(aws: Aws, id_: str, info: Mapping[str, Any]) -> Iterator[Finding]:
    rollback = info.get("rollbackInfo") or {}
    message = str(rollback.get("rollbackMessage") or "").strip()
    more = f" {sentence(message)}" if message and not _OF_ITS_ROLLBACK.search(message) else ""
    if rolled := rollback.get("rollbackDeploymentId"):
        says = f"{id_} was rolled back by the deployment {rolled}{_why_rolled_back(info)}.{more}"
        yield Finding(WARN, says, code="rolled-back", about=str(rolled), next=_ROLLED_BACK)
    trigger = rollback.get("rollbackTriggeringDeploymentId")
    if trigger or info.get("creator") in ("codeDeployRollback", "CloudFormationRollback"):
        says = f"{id_} is a rollback: {trigger or 'another deployment'} failed or was stopped."
        says += f" For the cause of that: `{runbooks(aws.place, 'why', str(trigger))}`." if trigger else ""
        says += more
        about = str(trigger or id_)
        yield Finding(WARN, says, code="is-a-rollback", about=about, next=_ROLLED_BACK)


def _why_rolled_back(info: Mapping[str, Any]) -> str:
    """Which event of an automatic rollback it was, by how the deployment ended; "" where that does not show it."""
    if (info.get("errorInformation") or {}).get("code") == "ALARM_ACTIVE":
        return ", because an alarm stopped it (inferred)"
    ended = {"Failed": "it failed", "Stopped": "it was stopped"}.get(str(info["status"]))
    return f", because {ended} (inferred)" if ended else ""


def alarms(aws: Aws, id_: str, info: Mapping[str, Any]) -> Iterator[Finding]:
    """The alarms that the deployment watches, its own or its group's, and those of them that are in ALARM now."""
    own, name = info.get("overrideAlarmConfiguration"), dict(about(info)).get("deployment_group", "")
    if own is None and name:
        group = deployment_group(aws, name)
        own = {} if isinstance(group, Refusal) else group.get("alarmConfiguration") or {}
    names = [str(alarm.get("name")) for alarm in (own or {}).get("alarms") or ()]
    if not names:
        return
    said, of = ", ".join(names), of_whole(id_, "ALARM_ACTIVE")
    says = f"{id_} watches the alarms {said}."
    yield Finding(WARN, says, code="alarms", about=said, next=_ALARM, of=of)
    states = alarm_states(aws, names)
    active = [alarm for alarm in names if states.get(alarm) == "ALARM"]
    says = f"In ALARM now: {', '.join(active)}." if active else f"Not in ALARM any more: {said}."
    yield Finding(WARN, says, code="in-alarm" if active else "quiet-again", about=said, next=_ALARM, of=of)
