"""`runbooks why --watch`: asks again until a deployment has ended."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.aws.failures import DENIED, UNKNOWN_CREDENTIALS
from runbooks.checks._deployed import counted
from runbooks.engine import run_all
from runbooks.facts.deployments import ENDED, MOST_IN_ALL, Target, counts, deployment, targets
from runbooks.findings import OK, UNKNOWN, Check, Finding, Span
from runbooks.question import Question

EVERY = 15  # seconds: the delay of botocore's waiter for a deployment
MINUTES = 60  # until it stops, unless another number is given
PATIENCE = 60  # seconds that one answer may take
MOST_FAILURES = 3  # answers one after the other that did not come, before the report says why

# Takes the status and the counts in one line, where each target is (`_step`), and when that was so.
Show = Callable[[str, Sequence[Span], datetime], None]


def watch(
    aws: Aws,
    id_: str,
    show: Show,
    pause: Callable[[float], object] = time.sleep,
    *,
    minutes: float = MINUTES,
    patience: float = PATIENCE,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Ask every `EVERY` seconds, and ``show`` each answer, until the deployment has ended or a reader interrupts.

    It also ends once no answer came several times, or AWS refused one: the report that follows asks again, and says why. And it ends when
    ``minutes`` have passed, or an answer has not come within ``patience`` seconds; only then it gives the last answer,
    else "".
    """
    failures, end, last = 0, clock() + 60 * minutes, ""
    asked = [(Check.of(_has_ended), Question(deployment=id_))]
    try:
        while failures < MOST_FAILURES:
            began = clock()
            ((first, *rest),) = run_all(asked, aws.remembering(), patience, lambda *_: None)
            if first.verdict is OK:
                return ""
            if any(finding.code.endswith("/late") for finding in (first, *rest)):
                return (last or first.says) if clock() - began >= patience else ""  # else interrupted
            failures, last = failures + 1 if first.code.endswith("/could-not-check") else 0, first.says
            if failures and _is_refused(first):
                return ""
            show(first.says, [span for finding in rest for span in finding.spans], aws.now())
            if clock() + EVERY > end:
                return first.says
            pause(EVERY)
    except KeyboardInterrupt:
        pass
    return ""


def _is_refused(finding: Finding) -> bool:
    """Whether AWS refused what was asked, as it will again."""
    return any(call.answer in (*DENIED, *UNKNOWN_CREDENTIALS) for call in finding.proof)


def _has_ended(aws: Aws, question: Question) -> Iterator[Finding]:
    """The deployment has ended."""
    info = deployment(aws, question.deployment)
    if isinstance(info, Refusal) or info["status"] in ENDED:
        yield Finding(OK, "It has ended.")  # or is not there, as the report says
        return
    group = "/".join(filter(None, (info.get("applicationName"), info.get("deploymentGroupName"))))
    yield Finding(UNKNOWN, f"{info['status']}: {counted(info)} - {question.deployment} {group}".strip())
    if sum(counts(info).values()) > MOST_IN_ALL:
        return
    found = targets(aws, info)  # where they cannot be read, the counts are all there is to show
    if not isinstance(found, Refusal):
        yield Finding(
            UNKNOWN, "Its targets are at work.", spans=tuple(_step(one, info) for one in found.read)
        )


def _step(target: Target, info: Mapping[str, Any]) -> Span:
    """Where a target is: at its event, and since when; of one that has ended, from its first event to its last."""
    start = info.get("startTime") or info.get("createTime")
    began = [event.began for event in target.events if event.began]
    ended = [event.ended for event in target.events if event.ended]
    for status in ("Failed", "InProgress", "Pending"):
        event = next((event for event in target.events if event.status == status), None)
        if event and target.status in ("Failed", "InProgress", "Pending", "Ready"):
            return Span(target.id, event.name, status, event.began or max(ended, default=start), event.ended)
    return Span(target.id, "", target.status, min(began, default=None), max(ended, default=None))
