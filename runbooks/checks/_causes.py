"""Why targets of a deployment failed: those that failed alike are one cause, with what the guide knows of it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from runbooks.aws import Aws
from runbooks.checks._deployed import location, sentence, since
from runbooks.decoder import Known, explain
from runbooks.facts.deployments import MOST_READ, Event, Target, Targets
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, Finding, Lead, Span
from runbooks.question import BUCKET, is_instance

# Of agent-not-heard: what CodeDeploy says where no agent took an event.
_NOT_HEARD = "CodeDeploy agent was not able to receive the lifecycle event"
STUCK = "/symptoms/deployment-stuck/"
_NOT_ENDED = ("Pending", "InProgress", "Ready")
_SHAPE = re.compile(
    r"\b(?=[0-9a-f-]*\d)[0-9a-f-]{6,}\b|\d+"
)  # ids, addresses and times, in which alike hosts differ
# These run the scripts of the last revision that was deployed successfully, not those of the new one (AWS's user guide).
_OF_THE_LAST_REVISION = ("ApplicationStop", "BeforeBlockTraffic", "AfterBlockTraffic")
_TAIL = 300  # characters of a script's log that a finding shows, from its end
_HEADER = (
    "LifecycleEvent - ",
    "Script - ",
)  # lines of that log that say where it comes from, as the finding does
_CODE = re.compile(r"[A-Za-z0-9]{1,40}")  # as those of the model are
_END = 300  # characters of a log by which causes are told apart


@dataclass(frozen=True)
class Cause:
    """Targets that failed alike, or wait for the same; ``event`` is that of the first of them."""

    status: str
    event: Event | None
    targets: tuple[Target, ...]

    @property
    def was_begun(self) -> bool:
        """Whether the event has a start: then an agent had taken it."""
        return self.event is None or self.event.began is not None

    @cached_property
    def known(self) -> Known | None:
        """What the guide knows of it: of an event without a start, that no agent took it."""
        if self.event is None or (self.status != "Failed" and self.was_begun):
            return None
        known = explained(self.event.code, self.event.message, self.event.tail)
        says_more = known is not None and known.name != self.event.code
        unheard = not self.was_begun and self.targets[0].is_host and not says_more
        return explained("", _NOT_HEARD) if unheard else known

    def leads(self, info: Mapping[str, Any]) -> tuple[Lead, ...]:
        """The first of the hosts, with the checks that the cause calls for; none where it calls for none."""
        host, known = self.targets[0], self.known
        if not known or not known.checks or not host.is_host or not is_instance(host.id):
            return ()
        return (Lead(host.id, len(self.targets), (("instance", host.id), *about(info)), known.checks),)


def causes(targets: Iterable[Target]) -> list[Cause]:
    """The targets by what they have in common, the largest cause first."""
    alike: dict[tuple[str, ...], list[tuple[Target, Event | None]]] = {}
    for target in targets:
        event = _at(target)
        alike.setdefault(_kind(target, event), []).append((target, event))
    found = [Cause(kind[0], rows[0][1], tuple(target for target, _ in rows)) for kind, rows in alike.items()]
    return sorted(found, key=lambda cause: -len(cause.targets))


def explained(code: str, *texts: str) -> Known | None:
    """What the guide knows of an error: of its message before its code, which says less."""
    found = explain("\n".join(filter(None, (code, *texts)))).known or explain(code).known
    return found[0] if found else None


def _at(target: Target) -> Event | None:
    """The event at which a target failed, or at which it is."""
    wanted = ("Pending", "InProgress") if target.status in _NOT_ENDED else ("Failed",)
    if target.status not in ("Failed", *_NOT_ENDED):
        return None
    return next((event for event in target.events if event.status in wanted), None)


def _kind(target: Target, event: Event | None) -> tuple[str, ...]:
    if event is None:
        return (target.status,)
    said = (event.message, event.tail[-_END:])
    shapes = (_SHAPE.sub("0", text.replace(target.id, "")) for text in said)
    return (target.status, event.name, event.code, event.script, str(event.began is None), *shapes)


def about(info: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """The group and the bundle of a deployment, as parameters of the question."""
    application, group = info.get("applicationName"), info.get("deploymentGroupName")
    if application and group and "/" not in application:
        yield "deployment_group", f"{application}/{group}"
    if bundle := bundle_of(info.get("revision") or {}):
        yield "bucket", bundle


def bundle_of(revision: Mapping[str, Any]) -> str:
    """The bucket and the key of a revision, as the question takes them; "" where it has none."""
    s3 = revision.get("s3Location") or {}
    bundle = f"{s3.get('bucket', '')}/{s3.get('key', '')}".removesuffix("/")
    return bundle if BUCKET.fullmatch(bundle) else ""


def finding(aws: Aws, cause: Cause, of: int, info: Mapping[str, Any]) -> Finding:
    names, event = [target.id for target in cause.targets], cause.event
    some = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    who, spans = f"{len(names)} of {of} target{'s' * (of > 1)} ({some})", _spans(cause)
    if cause.status == "Succeeded":
        return Finding(OK, f"{who} succeeded.", about=some, spans=spans)
    if cause.status == "Skipped":
        return _skipped(who, len(names), some, info, spans)
    if cause.status != "Failed":
        at = f" at {event.name}" if event else ""
        taken = "; no agent has taken it yet" if not cause.was_begun and cause.targets[0].is_host else ""
        waits = since(aws, _began(cause, info))
        verb = ("has been" if waits else "is") if len(names) == 1 else ("have been" if waits else "are")
        says = f"{who} {verb} {cause.status}{at}{waits}{taken}."
        leads = cause.leads(info)
        return Finding(UNKNOWN, says, code="not-ended", about=some, next=STUCK, leads=leads, spans=spans)
    says, code = f"{who} failed. CodeDeploy names no event.", "failed"
    known = cause.known
    fix = known.do if known else ""
    if event:
        code = event.code.lower() if _CODE.fullmatch(event.code) else "failed"
        parts = [f"{who} failed", f"at {event.name}", f"with {event.code}" if event.code else ""]
        says = " ".join(filter(None, parts)) + (f" in {event.script}" if event.script else "") + "."
        says += (
            "" if cause.was_begun or not cause.targets[0].is_host else " It never started: no agent took it."
        )
        says += f" {sentence(event.message)}" if event.message else " CodeDeploy gives no message."
        tail = " | ".join(line for line in event.tail.splitlines() if line and not line.startswith(_HEADER))
        says += f" The log ends: {tail[-_TAIL:]}" if tail else ""
        old = cause.was_begun and event.name in _OF_THE_LAST_REVISION
        fix += _of_the_last_revision(event.name, info) if old else ""
    next_ = (known.page if known else "") or "/symptoms/"
    leads = cause.leads(info)
    return Finding(FAIL, says, code=code, about=some, fix=fix.strip(), next=next_, leads=leads, spans=spans)


def _of_the_last_revision(event: str, info: Mapping[str, Any]) -> str:
    before = location(info.get("previousRevision") or {})
    noted = f" (before this deployment it was {before})" if before else ""
    return (
        f" {event} runs the script of the last revision that was deployed successfully{noted}. To deploy past it once:"
        " aws deploy create-deployment --ignore-application-stop-failures."
    )


def _skipped(
    who: str, count: int, about: str, info: Mapping[str, Any], spans: tuple[Span, ...] = ()
) -> Finding:
    was, their = ("was", "its") if count == 1 else ("were", "their")
    why = f"the deployment ended before {their} turn"
    if info.get("status") == "Stopped":  # a target that was at work is skipped then as well
        why = "the deployment was stopped"
    # no fix: nothing is wrong with it
    return Finding(WARN, f"{who} {was} skipped: {why}.", code="skipped", about=about, spans=spans)


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
        says = f"{count} more of {found.total} targets have not ended; they were not read: at most {MOST_READ} are."
        yield Finding(UNKNOWN, says, code="not-read", about="InProgress")


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
