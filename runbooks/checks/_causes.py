"""Why targets of a deployment failed: those that failed alike are one cause, with what the guide knows of it."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from runbooks.aws import Aws
from runbooks.checks._alike import one_word_apart, shape
from runbooks.checks._blue_green import STUCK
from runbooks.checks._deployed import location, once_more, sentence, shortened, since, to_end
from runbooks.checks._log import quoted
from runbooks.checks._revision import bundle_of
from runbooks.commands import shell
from runbooks.decoder import Known, explain
from runbooks.facts.deployments import ENDED, MOST_READ, Event, Target, Targets, counts
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, Finding, Lead, Log, Span
from runbooks.question import is_instance
from runbooks.text.mask import masked
from runbooks.text.times import time

# Of agent-not-heard: what CodeDeploy says where no agent took an event.
_NOT_HEARD = "CodeDeploy agent was not able to receive the lifecycle event"
_NOT_ENDED = ("Pending", "InProgress", "Ready")
# CodeDeploy does these itself, at the load balancer: no agent takes part (AWS's user guide).
_OF_CODEDEPLOY = ("BlockTraffic", "AllowTraffic")
_BY_AUTO_SCALING = {
    "autoscaling": "Auto Scaling began this deployment for an instance that it launched: until a revision deploys there,"
    " the instances that it launches next can fail alike (inferred).",
    "autoscalingTermination": "Auto Scaling began this deployment for an instance that it terminates: the repaired script"
    " counts from the next deployment to the group on (inferred).",
}
_KILLED = "So a signal ended the script; lack of memory is the usual reason (inferred)."
_SAYS_NO_MORE = "UnknownError"
_ENVIRONMENTS = {"BLUE": "original (blue)", "GREEN": "replacement (green)"}
# These run the scripts of the last revision that was deployed successfully, not those of the new one (AWS's user guide).
_OF_THE_LAST_REVISION = ("ApplicationStop", "BeforeBlockTraffic", "AfterBlockTraffic")
_OF_A_SCRIPT = ("lifecycle", "event")  # kinds of errors that a hook script can fail with
_OF_THE_HOST = ("deployment-root", "disk-full", "file-system-fault", "read-only-fs")  # whatever the revision
_CODE = re.compile(r"[A-Za-z0-9]{1,40}")  # as those of the model are
_MESSAGE = 1000  # characters of a message
_END = 300  # characters of a log by which causes are told apart


@dataclass(frozen=True)
class Cause:
    """Targets that failed alike, or wait for the same; ``event`` is that of the first of them."""

    status: str
    event: Event | None
    targets: tuple[Target, ...]
    words: tuple[str, ...] = ()  # the one word in which the texts of the targets differ

    @property
    def has_failed(self) -> bool:
        """Whether its event failed, also where CodeDeploy does not know what became of the target."""
        return self.status == "Failed" or (self.status not in _NOT_ENDED and self.event is not None)

    @property
    def is_unheard(self) -> bool:
        """Whether it is at an event that an agent has to take and that has no start: then none has taken it."""
        if self.event is None or self.event.began or self.event.name in _OF_CODEDEPLOY:
            return False
        return self.targets[0].is_host

    @cached_property
    def known(self) -> Known | None:
        """What the guide knows of it: of an event that no agent took, that."""
        if self.event is None or not (self.has_failed or self.is_unheard):
            return None
        known = _explained_event(self.event)
        if known and known.name != self.event.code:
            return known
        if self.event.name in _OF_CODEDEPLOY and self.targets[0].is_host:
            return explained("", f"The {self.event.name} event failed") or known
        return explained("", _NOT_HEARD) if self.is_unheard else known

    def meant(self, info: Mapping[str, Any]) -> Known | None:
        """What the guide knows of it; of a service or a function that says no more, of the error of the deployment."""
        if self.targets[0].is_host or (self.known and self.known.name != _SAYS_NO_MORE):
            return self.known
        error = info.get("errorInformation") or {}
        whole = explained(str(error.get("code") or ""), str(error.get("message") or ""))
        return whole if self.has_failed else self.known

    def leads(self, info: Mapping[str, Any]) -> tuple[Lead, ...]:
        """The first of the hosts, with the checks that the cause calls for; none where it calls for none."""
        host, known = self.targets[0], self.known
        if not known or not known.checks or not host.is_host or not is_instance(host.id):
            return ()
        checks = tuple(dict.fromkeys((*known.checks, *_of_the_group(host, info))))
        return (Lead(host.id, len(self.targets), (("instance", host.id), *about(info)), checks),)


def _of_the_group(host: Target, info: Mapping[str, Any]) -> Iterator[str]:
    """The checks of the group that the way of a deployment calls for, whatever its cause."""
    if any(event.name in _OF_CODEDEPLOY for event in host.events):  # an instance that failed stays taken out
        yield "targets-of-the-group-are-healthy"
    if info.get("creator") == "autoscaling":
        yield "auto-scaling-groups-keep-what-they-launch"


def causes(targets: Iterable[Target]) -> list[Cause]:
    """The targets by what they have in common, the largest cause first."""
    alike: dict[tuple[str, ...], list[tuple[Target, Event | None]]] = {}
    for target in targets:
        event = _at(target)
        alike.setdefault(_kind(target, event), []).append((target, event))
    texts = {kind: (kind[:-1], kind[-1]) for kind, rows in alike.items() if len(rows) == 1 and kind[-1]}
    words: dict[tuple[str, ...], tuple[str, ...]] = {}
    for apart in one_word_apart(texts):
        first, *others = apart
        words[first] = tuple(apart.values())
        alike[first] += [row for other in others for row in alike.pop(other)]
    found = [
        Cause(rows[0][0].status, rows[0][1], tuple(target for target, _ in rows), words.get(kind, ()))
        for kind, rows in alike.items()
    ]
    return sorted(found, key=lambda cause: -len(cause.targets))


def explained(code: str, *texts: str) -> Known | None:
    """What the guide knows of an error: of its message before its code, which says less."""
    found = explain("\n".join(filter(None, (code, *texts)))).known or explain(code).known
    return found[0] if found else None


@lru_cache(maxsize=1024)
def _explained_event(event: Event) -> Known | None:
    """What the guide knows of an event: where a script failed, of that, and not of whatever else the script printed."""
    own, found = explained(event.code, event.message), explained(event.code, event.message, event.tail)
    if not event.script or not own or not found or found.name == own.name:
        return found
    errors = "\n".join(line for line in event.tail.splitlines() if line.startswith("[stderr]"))
    of_script = found.kind in _OF_A_SCRIPT and (found.seen in errors or found.seen in event.message)
    whole = explain("\n".join(filter(None, (event.code, event.message, event.tail)))).known
    return found if of_script else next((known for known in whole if known.name == own.name), own)


def _at(target: Target) -> Event | None:
    """The event at which a target failed, or at which it is: of several that failed the one that began first.

    A failure of an event that can be ignored (ignoreApplicationStopFailures) was ignored where a later event failed.
    """
    if target.status in _NOT_ENDED:
        return next((event for event in target.events if event.status in ("Pending", "InProgress")), None)
    if target.status not in ("Failed", "Unknown"):
        return None
    bad = [event for event in target.events if event.status == "Failed"]
    if (
        not bad and target.status == "Failed"
    ):  # what became of the event is not known to CodeDeploy, but why is
        bad = [event for event in target.events if event.code or event.message or event.tail]
        bad = [event for event in bad if event.status != "Succeeded"]
    bad = [event for event in bad if event.name not in _OF_THE_LAST_REVISION] or bad
    order = {event: event.began.timestamp() if event.began else math.inf for event in bad}
    return min(bad, key=order.__getitem__, default=None)


def _kind(target: Target, event: Event | None) -> tuple[str, ...]:
    """What targets that failed alike have in common; last of all, what their texts say."""
    if event is None:
        return (target.status, target.label, "")
    known = _explained_event(event)
    means = f"{known.name} {known.do}" if known else ""
    begun = str(event.began is None)
    texts = (masked(event.message), masked(event.tail)[-_END:])
    said = "\n".join(shape(text, target.id) for text in texts)
    return (target.status, target.label, event.name, event.code, event.script, begun, means, said.strip())


def about(info: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """The group and the bundle of a deployment, as parameters of the question."""
    application, group = info.get("applicationName"), info.get("deploymentGroupName")
    if application and group and "/" not in application:
        yield "deployment_group", f"{application}/{group}"
    if bundle := bundle_of(info.get("revision") or {}):
        yield "bucket", bundle


def finding(aws: Aws, cause: Cause, of: int, info: Mapping[str, Any], turn: str = "") -> Finding:
    """What is said of a cause; ``turn`` is why its targets wait, where that is not for an agent."""
    names, event = [target.id for target in cause.targets], cause.event
    some, spans = _some(names), _spans(cause)
    environment = _ENVIRONMENTS.get(cause.targets[0].label.upper(), "")
    of_it = f" of the {environment} environment" if environment else ""
    who = f"{len(names)} of {of} target{'s' * (of > 1)} ({some}){of_it}"
    if cause.status == "Succeeded":
        return Finding(OK, f"{who} succeeded.", about=some, spans=spans)
    if cause.status == "Skipped":
        return _skipped(who, len(names), some, info, spans)
    if not cause.has_failed and info["status"] in ENDED:
        return _left_open(cause, who, some, info, spans)
    if not cause.has_failed:
        at = f" at {event.name}" if event else ""
        taken = "; no agent has taken it yet" if cause.is_unheard else ""
        waits = since(aws, _began(cause, info))
        verb = ("has been" if waits else "is") if len(names) == 1 else ("have been" if waits else "are")
        says = f"{who} {verb} {cause.status}{at}{waits}{turn or taken}.{_traffic(cause)}"
        leads = () if turn else cause.leads(info)
        fix = "" if turn else cause.known.do if cause.known else to_end(aws, str(info["deploymentId"]))
        parts = frozenset((str(info["deploymentId"]), *names))
        return Finding(
            UNKNOWN,
            says,
            code="not-ended",
            about=some,
            fix=fix,
            next=STUCK,
            leads=leads,
            spans=spans,
            of=parts,
        )
    known, leads = cause.meant(info), cause.leads(info)
    next_ = (known.page if known else "") or "/symptoms/"
    return Finding(
        FAIL,
        _failed(cause, who, info),
        code=event.code.lower() if event and _CODE.fullmatch(event.code) else "failed",
        about=some,
        fix=_fix(aws, cause, info),
        next=next_,
        leads=leads,
        spans=spans,
        explained_by=tuple(check for lead in leads for check in lead.checks),
        of=_of(cause, info),
        logs=(Log(names[0], f"the log of {event.script}", tuple(masked(event.tail).splitlines())),)
        if event and event.tail
        else (),
    )


def _left_open(
    cause: Cause, who: str, some: str, info: Mapping[str, Any], spans: tuple[Span, ...]
) -> Finding:
    """The finding of targets that have no end in a deployment that has ended."""
    at = f" at {cause.event.name}" if cause.event and cause.event.name else ""
    one = len(cause.targets) == 1
    says = f"{who} {'is' if one else 'are'} {cause.status}{at}, though {info['deploymentId']} has ended: what became of {'it' if one else 'them'} is not known."
    fix = f"Deploy again once {'the instance is' if one else 'the instances are'} there and the agent polls."
    of = frozenset((str(info["deploymentId"]), *(target.id for target in cause.targets)))
    fix = fix if cause.targets[0].is_host else ""
    return Finding(UNKNOWN, says, code="left-open", about=some, fix=fix, next=STUCK, spans=spans, of=of)


def _of(cause: Cause, info: Mapping[str, Any]) -> frozenset[str]:
    """What the failure is of; a log of one of the hosts, and the error of the whole, are of less of the same."""
    event, error = cause.event, info.get("errorInformation") or {}
    of = {str(info["deploymentId"]), *(target.id for target in cause.targets)}
    if event:
        of |= {event.name, event.script, *([cause.known.name] if cause.known else [])}
        if event.message == str(error.get("message") or "").strip():
            of.add(str(error.get("code")))
    return frozenset(filter(None, of))


def _failed(cause: Cause, who: str, info: Mapping[str, Any]) -> str:
    """At which event targets failed, and all that CodeDeploy says of it."""
    event, is_known = cause.event, cause.status == "Failed"
    says = (
        f"{who} failed"
        if is_known
        else f"{who} {'is' if len(cause.targets) == 1 else 'are'} {cause.status}; it failed"
    )
    if not event:
        return f"{says}. CodeDeploy names no event."
    says += f" at {event.name or 'an event without a name'}" + (f" with {event.code}" if event.code else "")
    says += (f" in {event.script}" if event.script else "") + "."
    if event.said_success:
        says += " Its code is Success, so that does not say why."
    if event.status != "Failed":
        says += f" That event is {event.status}."
    if cause.is_unheard:
        says += " It never started: no agent took it."
    says += f" {_message(event, info)}"
    says += quoted(event.tail, cause.known.seen if cause.known else "")
    if cause.words:
        says = f"{sentence(says)} In their texts one word differs: {_some(cause.words)}."
    return f"{sentence(says)}{_traffic(cause)}" if cause.targets[0].traffic else says


def _message(event: Event, info: Mapping[str, Any]) -> str:
    """What CodeDeploy says of the event, as sentences."""
    error = info.get("errorInformation") or {}
    if not event.message:
        return "CodeDeploy gives no message."
    if event.message == str(error.get("message") or "").strip():
        return f"The reason is that of the whole deployment: {error.get('code')}."
    if event.message.endswith("exit code"):
        return f"{event.message}, without a number. {_KILLED}"
    return sentence(shortened(event.message, _MESSAGE))


def _traffic(cause: Cause) -> str:
    traffic = cause.targets[0].traffic
    return f" Traffic: {traffic}." if traffic else ""


def _fix(aws: Aws, cause: Cause, info: Mapping[str, Any]) -> str:
    event, known, host = cause.event, cause.meant(info), cause.targets[0]
    fix = known.do if known else ""
    if host.is_host and (known is None or known.name == _SAYS_NO_MORE):
        at = event.ended or event.began if event else None
        fix = f"Correct what the agent's log on {host.id} says{f' of {time(at)}' if at else ''}: CodeDeploy got no more than this."
    if event and event.began and event.name in _OF_THE_LAST_REVISION and host.is_host:
        of_last = _of_the_last_revision(event.name, info)
        is_of_the_host = known is not None and known.name in _OF_THE_HOST
        past = "" if is_of_the_host else _past_it(aws, info)
        # in the old revision: there is nothing to correct in the new one
        if event.code == "ScriptMissing" or (known and known.name.startswith("appspec-")):
            fix = f"{of_last}{past}"
        elif not is_of_the_host:
            is_known = known is not None and known.name != _SAYS_NO_MORE
            later = " In the new revision, for the deployment after this one:" if past and is_known else ""
            fix = f"{of_last}{past}{later} {fix}"
    if (
        known
        and known.name == "file-exists"
        and (command := once_more(aws, info, file_exists_behavior="OVERWRITE"))
    ):
        fix += f" To overwrite what is there, once: `{command}`."
    if cause.targets[0].is_host and (by := _BY_AUTO_SCALING.get(str(info.get("creator")))):
        fix += f" {by}"
    return fix.strip()


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _of_the_last_revision(event: str, info: Mapping[str, Any]) -> str:
    before = location(info.get("previousRevision") or {})
    noted = f" ({before})" if before else ""
    return f"{event} runs the script of the last revision that was deployed successfully{noted}, not of this one."


def _past_it(aws: Aws, info: Mapping[str, Any]) -> str:
    """How to deploy past the script of an old revision."""
    # no one deploys to an instance that ends, nor past what is ignored already
    if info.get("creator") == "autoscalingTermination" or info.get("ignoreApplicationStopFailures"):
        return ""
    option = "ignore_application_stop_failures"
    command = once_more(aws, info, **{option: True}) or shell(
        "aws", "deploy", "create-deployment", **{option: True}
    )
    return f" To deploy past it once: `{command}`."


def _skipped(
    who: str, count: int, about: str, info: Mapping[str, Any], spans: tuple[Span, ...] = ()
) -> Finding:
    was, their = ("was", "its") if count == 1 else ("were", "their")
    why = f"the deployment ended before {their} turn"
    if info.get("status") == "Stopped":  # a target that was at work is skipped then as well
        why = "the deployment was stopped"
    # no fix: nothing is wrong with it
    says, of = f"{who} {was} skipped: {why}.", frozenset({str(info["deploymentId"])})
    return Finding(WARN, says, code="skipped", about=about, spans=spans, of=of)


def by_count(status: str, count: int, of: int, info: Mapping[str, Any]) -> Finding:
    """Targets of a large deployment that CodeDeploy counted, and that were not read one by one."""
    who = f"{count} of {of} targets"
    if status == "Skipped":
        return _skipped(who, count, status, info)
    return Finding(OK, f"{who} succeeded, by CodeDeploy's count.", about=status)


def not_read(found: Targets) -> Iterator[Finding]:
    if count := found.unread_failed:
        says = f"{count} more of {found.total} targets failed; why was not read: at most {MOST_READ} are."
        yield Finding(
            FAIL,
            says,
            code="not-read",
            about="Failed",
            fix="Fix the causes that are named, then deploy again.",
        )
    if count := found.unread_waiting:
        why = found.refused or f"at most {MOST_READ} are"
        says = f"{count} more of {found.total} targets have not ended; they were not read: {why}."
        yield Finding(UNKNOWN, says, code="not-read", about="InProgress")
    if count := found.unread:
        says = f"{count} more of {found.total} targets were not read: at most {MOST_READ} are."
        yield Finding(UNKNOWN, says, code="not-read", about="targets")


def not_listed(found: Targets, info: Mapping[str, Any]) -> Iterator[Finding]:
    """Where CodeDeploy counts more targets that failed than it lists, of a deployment that has ended."""
    counted = counts(info).get("Failed", 0)
    listed = sum(target.status in ("Failed", "Unknown") for target in found.read) + found.unread_failed
    if counted > listed and info["status"] in ENDED:
        says = f"CodeDeploy counts {counted} target{'s' * (counted > 1)} that failed and lists {listed}: why the others failed is not known."
        yield Finding(UNKNOWN, says, code="not-listed", about="Failed", fix="Ask again in a minute.")


def _spans(cause: Cause) -> tuple[Span, ...]:
    return tuple(
        Span(target.id, event.name, event.status, event.began, event.ended)
        for target in cause.targets
        for event in target.events
    )


def _began(cause: Cause, info: Mapping[str, Any]) -> datetime | None:
    """Since when the first of the targets waits: its event's start, else the end of the one before, else the start."""
    if cause.event and cause.event.began:
        return cause.event.began
    ended = [event.ended for event in cause.targets[0].events if event.ended]
    return max(ended, default=info.get("startTime") or info.get("createTime"))
