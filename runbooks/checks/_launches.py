"""What an Auto Scaling group launched of late: whether it keeps it, or launches and terminates in a loop."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from runbooks.aws import Aws
from runbooks.checks._deployed import sentence, shortened
from runbooks.checks._members import listed
from runbooks.commands import aws_cli
from runbooks.facts.auto_scaling import MOST_ACTIVITIES, Activity, activities
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Finding, Verdict
from runbooks.text.times import time

RECENT = timedelta(hours=24)  # launches that began before this are left aside
SOON = timedelta(hours=1)  # an instance that fails its health checks within this was not kept
LOOP = 3  # so many launches that were not kept are a loop
_PAGE, _SCALING = "/symptoms/asg-hook/", "/deployment-errors/AUTO_SCALING_CONFIGURATION/"
_SAID = 3  # texts that a sentence quotes
_TEXT = 300  # characters of each
_ENDED = ("Successful", "Failed", "Cancelled")  # of the model's statuses those that are an end
# Words of AWS's texts, which its user guide and its knowledge base quote; they are no contract.
_ABANDONED = re.compile(r"\bwas abandoned\b|\bABANDON\b")
_UNHEALTHY = re.compile(r"\bhealth[ -]check", re.IGNORECASE)
# What differs between texts that say the same.
_OWN = re.compile(
    r"\bi-[0-9a-f]{8,17}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b\d{4}-\d\d-\d\dT[\d:.]+Z?"
)
_FIX = (
    "Find what failed on them and correct it: `aws deploy list-deployments` gives the deployments that Auto Scaling began,"
    " and `runbooks why` with the id of one says why it failed. To stop the loop meanwhile: `{suspend}`."
)


def launches(aws: Aws, name: str) -> Iterator[Finding]:
    """Whether an Auto Scaling group keeps what it launched within `RECENT`."""
    since = aws.now() - RECENT
    read = [one for one in activities(aws, name, since) if one.began and one.began >= since]
    launched = [one for one in read if one.kind == "launch"]
    if len(read) >= MOST_ACTIVITIES:
        says = f"of the activities of the Auto Scaling group {name} within 24 hours no more than {MOST_ACTIVITIES} were read."
        yield Finding(UNKNOWN, f"Could not check: {says}", code="not-read", about=name)
    if not launched:
        says = f"{_named(name)} has launched no instance within the last 24 hours, so nothing shows whether it keeps them."
        yield Finding(SKIP, says, code="no-launches", about=name)
        return
    ends = {one.instance: one for one in read if one.kind == "termination" and one.instance}
    abandoned = [one for one in launched if _has_failed(one) and _ABANDONED.search(one.text)]
    unhealthy = [
        one for one in launched if one not in abandoned and _failed_soon(one, ends.get(one.instance))
    ]
    well = [one for one in launched if one.status == "Successful" and one not in unhealthy]
    if abandoned or unhealthy:
        last = max(map(_began, [*abandoned, *unhealthy]))
        # one that was launched after them and stayed for as long as a loop would take to end it
        stayed = [
            one for one in well if _began(one) > last and one.instance not in ends and _is_older(aws, one)
        ]
        yield _not_kept(aws, name, len(launched), abandoned, unhealthy, ends, has_ended=bool(stayed))
    failed = [one for one in launched if _has_failed(one) and one not in abandoned]
    if failed:
        yield _failed(name, launched, failed)
    if well:
        yield _well(name, well, [one for one in well if one.instance in ends])
    waiting = [one for one in launched if one.status not in _ENDED]
    if late := [one for one in waiting if _is_older(aws, one)]:
        yield _waiting(name, late, WARN, "waits-long")
    elif waiting and not well:
        yield _waiting(name, waiting, UNKNOWN, "not-ended")


def _is_older(aws: Aws, one: Activity) -> bool:
    """Whether a launch began more than `SOON` ago."""
    return one.began is not None and aws.now() - one.began > SOON


def _has_failed(one: Activity) -> bool:
    return one.status in ("Failed", "Cancelled")


def _failed_soon(one: Activity, end: Activity | None) -> bool:
    """Whether the instance of a launch was terminated within `SOON` for its health."""
    if not end or not end.began or not one.began or not _UNHEALTHY.search(end.cause):
        return False
    return timedelta() <= end.began - one.began <= SOON


def _not_kept(
    aws: Aws,
    name: str,
    of: int,
    abandoned: Sequence[Activity],
    unhealthy: Sequence[Activity],
    ends: dict[str, Activity],
    *,
    has_ended: bool,
) -> Finding:
    count = len(abandoned) + len(unhealthy)
    hours = SOON // timedelta(hours=1)
    how = [
        f"{len(abandoned)} by a lifecycle hook that was abandoned" if abandoned else "",
        f"{len(unhealthy)} by health checks within {hours} h" if unhealthy else "",
    ]
    says = (
        f"{_named(name)} lost {count} of {of} instances that it launched within the last 24 hours"
        f" ({_instances([*abandoned, *unhealthy])}): {' and '.join(filter(None, how))}."
    )
    quoted = _said([*(one.text for one in abandoned), *(ends[one.instance].cause for one in unhealthy)])
    if has_ended:
        says += f" One that it launched later has stayed, so that has ended.{quoted}"
        return Finding(WARN, says, code="not-kept-before", about=name, next=_PAGE)
    is_loop = count >= LOOP
    says += (" It launches and terminates in a loop." if is_loop else "") + quoted
    verdict, code = (FAIL, "loop") if is_loop else (WARN, "not-kept")
    named = {"auto_scaling_group_name": name, "scaling_processes": "Launch"}
    fix = _FIX.format(suspend=aws_cli(aws.place, "autoscaling", "suspend-processes", **named))
    return Finding(verdict, says, code=code, about=name, fix=fix, next=_PAGE, later=True)


def _failed(name: str, launched: Sequence[Activity], failed: Sequence[Activity]) -> Finding:
    """Launches that failed count as long as none has succeeded after them."""
    newest = max(failed, key=_began)
    again = any(one.status == "Successful" and _began(one) > _began(newest) for one in launched)
    at = f", the last at {time(newest.began)}" if newest.began else ""
    since = "one that began later succeeded" if again else "none has succeeded since"
    says = (
        f"{_named(name)} could not launch {'every' if again else 'an'} instance: {len(failed)} of {len(launched)} launches"
        f" within the last 24 hours failed{at}, and {since}."
    )
    says += _said(one.text for one in failed)
    if again:
        return Finding(WARN, says, code="failed-before", about=name, next=_SCALING)
    fix = "Correct what Auto Scaling names. Until then it launches no instance, and replaces none."
    return Finding(FAIL, says, code="failed", about=name, fix=fix, next=_SCALING, later=True)


def _well(name: str, well: Sequence[Activity], ended: Sequence[Activity]) -> Finding:
    says = f"{_named(name)} launched {_instances(well)} within the last 24 hours and lost none of these early"
    says += f"; {len(ended)} ended since, later or for another reason." if ended else "."
    return Finding(OK, says, about=name)


def _waiting(name: str, waiting: Sequence[Activity], verdict: Verdict, code: str) -> Finding:
    first = min(waiting, key=_began)
    since = f", the first since {time(first.began)}" if first.began else ""
    states = ", ".join(sorted({one.status for one in waiting}))
    many = len(waiting) > 1
    says = f"{len(waiting)} launch{'es' * many} of the Auto Scaling group {name} {'have' if many else 'has'} not ended ({states}){since}."
    return Finding(verdict, says, code=code, about=name, next=_PAGE)


def _said(texts: Iterable[str]) -> str:
    """What Auto Scaling says, each text once whatever the instance, the time and the token."""
    found = {_OWN.sub("", one): shortened(one, _TEXT) for one in texts if one.strip()}
    return f" Auto Scaling says: {sentence('; '.join(list(found.values())[:_SAID]))}" if found else ""


def _named(name: str) -> str:
    return f"The Auto Scaling group {name}"


def _instances(rows: Sequence[Activity]) -> str:
    names = [one.instance for one in rows if one.instance]
    return listed(names) if names else f"{len(rows)} without a name"


def _began(one: Activity) -> float:
    return one.began.timestamp() if one.began else 0.0
