"""Why a deployment failed: what CodeDeploy itself says of it, and of each of its targets."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.checks._blue_green import (
    NO_REPLACEMENT,
    STUCK,
    go_on,
    is_blue_green,
    of_the_replacement,
    original_failed,
    pause,
    terminates,
    turn,
)
from runbooks.checks._causes import about, by_count, causes, explained, finding, not_listed, not_read
from runbooks.checks._constraint import judged, waiting
from runbooks.checks._deployed import (
    ELSEWHERE,
    counted,
    deploy_again,
    described,
    ending,
    sentence,
    since,
    to_end,
)
from runbooks.checks._group import not_there
from runbooks.checks._outcome import alarms, of_whole, rollback, stopped
from runbooks.checks._service_role import of_scaling
from runbooks.commands import runbooks
from runbooks.decoder import Known
from runbooks.decoder.result import subject_of
from runbooks.facts.cloudtrail import trail
from runbooks.facts.deployment_groups import deployment_group
from runbooks.facts.deployments import (
    ENDED,
    NOT_BEGUN,
    WAITING,
    active_deployments,
    counts,
    deployment,
    minimum_healthy,
    targets,
)
from runbooks.findings import FAIL, OK, UNKNOWN, Finding, Lead, NotApplicable, needs
from runbooks.question import MOST_HOURS, Question
from runbooks.text.times import time

TITLE = "Why did the deployment fail?"
GUIDE = "/deployment-errors/"
RUNBOOK = "deployment"

# The checks that answer it; first the targets, since the code of the whole often only counts them.
WHY = (
    "deployment-targets-succeeded",
    "deployment-succeeded",
    "deployment-kept-enough-targets-healthy",
    "deployment-was-not-stopped",
    "deployment-is-not-blocked",
)

# The codes that count the targets that failed, so that the cause is with these.
_COUNTS = ("HEALTH_CONSTRAINTS",)
# The checks of a host that can say why the last deployment to it failed.
_ON_THE_HOST = (
    "agent-is-installed",
    "agent-is-running",
    "agent-log-is-clean",
    "appspec-of-the-newest-revision-is-valid",
    "hook-scripts-of-the-last-deployment-ended-well",
    "host-has-room",
    "host-may-read-the-bucket",
    "host-may-use-the-key-of-the-bucket",
)
_BY_CODE = ("THROTTLED",)  # its message is that of any call which was throttled
_ITSELF = re.compile(r" \(`runbooks why DEPLOYMENT`[^()]*\)")  # the reader has that report
_WITH_TARGETS = "Fix what failed on its targets, then deploy again."


@needs("deployment")
def deployment_targets_succeeded(aws: Aws, question: Question) -> Iterator[Finding]:
    """Every target of the deployment succeeded.

    Targets that failed alike are one finding: at which lifecycle event, with which code, script, message and end of
    the log. A target that was skipped did nothing wrong: the deployment had failed before its turn.
    """
    info = _known(aws, question)
    found = targets(aws, info)
    if isinstance(found, Refusal):
        raise NotApplicable(f"{question.deployment} has not started, so it has no targets yet.")
    if not found.total and counts(info):
        says = f"CodeDeploy counts {counted(info)} of {question.deployment} and lists no target: what became of them is not known."
        yield Finding(
            UNKNOWN, says, code="not-listed", about=question.deployment, fix="Ask again in a minute."
        )
        return
    if not found.total:
        raise NotApplicable(f"{question.deployment} has no targets.", about=question.deployment)
    by_cause = causes(found.read)
    at_work = sum(len(cause.targets) for cause in by_cause if cause.status == "InProgress")
    for cause in by_cause:
        why = (
            "; the deployment has not begun"
            if info["status"] in NOT_BEGUN
            else turn(aws, info, cause.targets)
        )
        if not why and cause.status == "Pending" and cause.is_unheard:
            why = waiting(info, found.total, len(cause.targets), at_work)
        yield finding(aws, cause, found.total, info, why)
    for status, count in found.counted.items():
        yield by_count(status, count, found.total, info)
    yield from not_read(found)
    yield from not_listed(found, info)
    yield from terminates(aws, info, found)


@needs("deployment")
def deployment_succeeded(aws: Aws, question: Question) -> Iterator[Finding]:
    """The deployment succeeded.

    CodeDeploy gives a deployment that failed one error code for the whole of it. It says which rule ended the
    deployment, such as too few healthy instances; what went wrong on an instance is with that instance.
    """
    id_ = question.deployment
    info = deployment(aws, id_)
    if isinstance(info, Refusal):
        says = f"There is no deployment {id_} in {aws.region} of this account: {info.code}."
        yield Finding(FAIL, says, code="unknown", about=id_, fix=ELSEWHERE, next=f"/exceptions/{info.code}/")
        return
    status, what = str(info["status"]), described(id_, info)
    if status == "Succeeded":
        yield Finding(OK, f"{what} succeeded.{_manner(info)}", about=id_)
    elif status in ENDED:
        yield _ended(aws, what, info)
    else:
        count = counted(info)
        of_them = "with no target yet" if count == "no target" else count
        says = f"{what} is {status}, {of_them}. {_waits_for(aws, info)}{_manner(info)}"
        fix = go_on(aws, info)
        of = (
            frozenset() if fix else frozenset({id_})
        )  # its targets say what it waits for, but at such a pause
        yield Finding(
            UNKNOWN, says, code="not-ended", about=id_, fix=fix or to_end(aws, id_), next=STUCK, of=of
        )
    yield from rollback(aws, id_, info)
    if _code(info) == "ALARM_ACTIVE":
        yield from alarms(aws, id_, info)  # last: what is known does not depend on this read


@needs("deployment")
def deployment_kept_enough_targets_healthy(aws: Aws, question: Question) -> Iterator[Finding]:
    """The deployment kept as many targets healthy as its configuration asks for.

    A deployment configuration says how many instances stay healthy, as a number or as a percentage, which is rounded up
    (botocore's model). When more fail than it lets fail, CodeDeploy ends the deployment and skips the rest.
    """
    info = _known(aws, question)
    name, code = str(info.get("deploymentConfigName") or ""), _code(info)
    if info.get("computePlatform", "Server") != "Server" or not name:
        raise NotApplicable(f"{question.deployment} has no instances that a configuration counts.")
    if not counts(info) and code != "HEALTH_CONSTRAINTS_INVALID":
        raise NotApplicable(f"CodeDeploy does not count the targets of {question.deployment}.")
    if not counts(info).get("Failed") and code != "HEALTH_CONSTRAINTS_INVALID":
        raise NotApplicable(f"No target of {question.deployment} failed.")
    known: Mapping[str, int] | None = None
    if is_blue_green(info) and not isinstance(found := targets(aws, info), Refusal):
        yield from (original := list(original_failed(found.read)))
        known = of_the_replacement(found)
        if original and not known.get("Failed"):
            return
    rule = minimum_healthy(aws, name)
    if isinstance(rule, Refusal):
        raise NotApplicable(f"The configuration {name} is not there any more: {rule.code}.", about=name)
    kept = judged(name, rule, info, known)
    if not counts(info).get("Failed") and kept.code != "can-never-hold":
        raise NotApplicable(f"No target of {question.deployment} failed.")
    yield replace(kept, of=kept.of | {question.deployment})


@needs("deployment")
def deployment_was_not_stopped(aws: Aws, question: Question) -> Iterator[Finding]:
    """No one stopped the deployment.

    The deployment itself does not say who stopped it; CloudTrail's record of StopDeployment does. Where no one called that,
    and the deployment has an error code other than MANUAL_STOP, such as ALARM_ACTIVE, the code says why it was stopped.
    """
    id_, info = question.deployment, _known(aws, question)
    if info["status"] != "Stopped":
        raise NotApplicable(f"{id_} was not stopped: it is {info['status']}.")
    begun = info.get("createTime") or aws.now()
    hours = min(MOST_HOURS, (aws.now() - begun) / timedelta(hours=1) + 1)
    found = trail(aws, "StopDeployment", hours)
    stops = [event for event in found.events if event.parameter("deploymentId") == id_ and not event.error]
    for event in stops:
        yield stopped(aws, info, event)
    code = _code(info)
    if not stops and code not in ("", "MANUAL_STOP"):
        raise NotApplicable(
            f"CodeDeploy says why {id_} was stopped: {code}. CloudTrail has no StopDeployment of it."
        )
    if not stops:
        says = (
            f"Who stopped {id_} is not known: CloudTrail has no StopDeployment of it. CodeDeploy may have stopped it"
            " itself, or the record is not there yet."
        )
        of = frozenset((id_, "MANUAL_STOP"))
        yield Finding(
            UNKNOWN, says, code="no-record", about=id_, next="/deployment-errors/MANUAL_STOP/", of=of
        )


@needs("deployment")
def deployment_is_not_blocked(aws: Aws, question: Question) -> Iterator[Finding]:
    """No other deployment of the group holds this one up.

    A group takes one deployment at a time. It is asked only while the deployment has not begun.
    """
    id_, info = question.deployment, _known(aws, question)
    application, group = info.get("applicationName"), info.get("deploymentGroupName")
    if info["status"] not in NOT_BEGUN or not application or not group:
        raise NotApplicable(f"{id_} does not wait for its turn: it is {info['status']}.")
    others = [other for other in active_deployments(aws, application, group) if other != id_]
    if not others:
        yield Finding(OK, f"No other deployment of {application}/{group} is active.", about=id_)
        return
    says = f"{id_} waits for {', '.join(others)}: a group takes one deployment at a time."
    next_ = "/exceptions/DeploymentLimitExceededException/"
    of = frozenset((id_, *others))
    yield Finding(FAIL, says, code="blocked", about=others[0], fix=to_end(aws, others[0]), next=next_, of=of)


@needs("deployment_group")
def last_deployment_of_the_group_succeeded(aws: Aws, question: Question) -> Iterator[Finding]:
    """The last deployment of the group succeeded."""
    name = question.deployment_group
    group = deployment_group(aws, name)
    if isinstance(group, Refusal):
        yield from not_there(aws, name, group)
        return
    last = group.get("lastAttemptedDeployment") or {}
    if not last.get("deploymentId"):
        raise NotApplicable(f"Nothing was deployed to {name} yet.", about=name)
    id_, status = str(last["deploymentId"]), str(last.get("status"))
    at = f" at {time(last['endTime'])}" if last.get("endTime") else ""
    lead = (Lead(id_, 1, (("deployment", id_),), WHY),)
    if status == "Succeeded":
        yield Finding(OK, f"The last deployment of {name}, {id_}, succeeded{at}.", about=id_)
    elif status not in ENDED:
        says = f"The last deployment of {name}, {id_}, is {status}."
        yield Finding(
            UNKNOWN,
            says,
            code="not-ended",
            about=id_,
            fix=to_end(aws, id_),
            next=STUCK,
            leads=lead,
            of=frozenset({id_}),
        )
    else:
        good = (group.get("lastSuccessfulDeployment") or {}).get("deploymentId")
        before = f" The last one that succeeded is {good}." if good else " None has succeeded yet."
        says = f"The last deployment of {name}, {id_}, {ending(status)}{at}.{before}"
        yield Finding(
            FAIL,
            says,
            code="stopped" if status == "Stopped" else "failed",
            about=id_,
            fix=f"Correct the cause that `{runbooks(aws.place, 'why', id_)}` names, then deploy again.",
            next=GUIDE,
            leads=lead,
            explained_by=_ON_THE_HOST,
            of=frozenset({id_}),
            below=f"{says} `{runbooks(aws.place, 'why', id_)}` says why.",
        )


def _code(info: Mapping[str, Any]) -> str:
    """The error code of the whole; "" for none."""
    return str((info.get("errorInformation") or {}).get("code") or "")


def _known(aws: Aws, question: Question) -> dict[str, Any]:
    """The deployment; one that is not there is said once, by deployment-succeeded."""
    info = deployment(aws, question.deployment)
    if isinstance(info, Refusal):
        raise NotApplicable(
            f"There is no deployment {question.deployment} in {aws.region}.", about=question.deployment
        )
    return info


# Of the whole


def _ended(aws: Aws, what: str, info: Mapping[str, Any]) -> Finding:
    """The finding of a deployment that failed or was stopped."""
    id_, status, error = str(info["deploymentId"]), str(info["status"]), info.get("errorInformation") or {}
    code, message = str(error.get("code") or ""), str(error.get("message") or "").strip()
    known = explained(code, "" if code in _BY_CODE else message)
    reason = sentence(": ".join(filter(None, (code, message))) or "CodeDeploy gives no reason")
    count = counted(info)
    began_with_none = f"{ending(status)} before it reached any target"
    ended = began_with_none if count == "no target" else f"{ending(status)} ({count})"
    fix: str = _WITH_TARGETS if code in _COUNTS else _do(known)
    is_stop = status == "Stopped" and code in ("", "MANUAL_STOP")
    if is_stop:
        fix = deploy_again(aws, info)
    if code == "NO_INSTANCES" and is_blue_green(info):
        fix += f" {NO_REPLACEMENT}"
    fix += of_scaling(info, code, message)
    short = f"{id_} {ended} with {code}." if code in _COUNTS else f"{id_} {ended}. {reason}"
    leads = _of_its_group(known, info)
    return Finding(
        FAIL,
        f"{what} {ended}. {reason}{_manner(info)}",
        code="stopped" if status == "Stopped" else "failed",
        about=id_,
        fix=fix,
        next=_page(known) or GUIDE,
        leads=leads,
        explained_by=tuple(id_ for lead in leads for id_ in lead.checks),
        of=of_whole(id_, "MANUAL_STOP" if is_stop else code),
        below=f"{short}{_manner(info)}",
    )


def _of_its_group(known: Known | None, info: Mapping[str, Any]) -> tuple[Lead, ...]:
    """The group, with the checks of a group that the code calls for."""
    name = dict(about(info)).get("deployment_group", "")
    checks = tuple(id_ for id_ in (known.checks if known else ()) if subject_of(id_) == "APPLICATION/GROUP")
    return (Lead(name, 1, (("deployment_group", name),), checks),) if name and checks else ()


def _waits_for(aws: Aws, info: Mapping[str, Any]) -> str:
    """What a deployment that has not ended waits for, and since when."""
    status = info["status"]
    begun = since(aws, info.get("startTime") or info.get("createTime"))
    said = " ".join(str(one) for one in info.get("deploymentStatusMessages") or ())
    if what := pause(info):
        begun = ""  # it began long before that; the targets say when it was reached
    elif status in NOT_BEGUN:
        what = "It has waited to begin"
    elif status == "Baking":
        what = "It has watched the new revision"
    elif status not in WAITING:
        what = "This guide does not know that status. The deployment has run"
    else:
        what = "It has run"
    return f"{what}{begun}.{f' {sentence(said.strip())}' if said else ''}"


def _manner(info: Mapping[str, Any]) -> str:
    """What is not usual about the deployment, as sentences: its mode, and what it suspends in Auto Scaling."""
    mode = ""
    if info.get("deploymentMode") == "RESTART":
        mode = (
            " Its mode is RESTART: it restarts the application from the revision of the group's last successful"
            " deployment, without a download."
        )
    if processes := _suspended(info):
        does = "While it ran, it suspended" if info["status"] in ENDED else "While it runs, it suspends"
        mode += f" {does} in Auto Scaling: {', '.join(processes)}."
    return mode


def _suspended(info: Mapping[str, Any]) -> list[str]:
    options = info.get("ec2DeploymentOptions") or {}
    return [str(process) for process in options.get("autoScalingGroupProcessesToSuspend") or ()]


def _do(known: Known | None) -> str:
    return _ITSELF.sub("", known.do) if known else ""


def _page(known: Known | None) -> str:
    return known.page if known else ""
