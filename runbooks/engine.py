"""Verdicts, findings, and the one place that runs a check: the only place that catches."""

import inspect
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from enum import IntEnum
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from runbooks.aws import failures, journal
from runbooks.aws.journal import Call
from runbooks.aws.session import Aws
from runbooks.errors import UserError
from runbooks.progress import Tell, cell
from runbooks.question import Question

if TYPE_CHECKING:
    from runbooks.report import Report


class Verdict(IntEnum):
    """How a question was answered, in order: a report is as bad as its worst finding.

    OK needs positive evidence. SKIP: the question does not apply. UNKNOWN: could not look.
    """

    OK, SKIP, WARN, UNKNOWN, FAIL = range(5)


OK, SKIP, WARN, UNKNOWN, FAIL = Verdict


@dataclass(frozen=True)
class Finding:
    """What a check found, about one thing."""

    verdict: Verdict
    says: str  # one sentence that names the thing and the value seen
    about: str = ""  # its name or ARN
    fix: str = ""  # the exact command, filled in
    next: str = ""  # the id of the check, or the page of the site, to open next
    proof: tuple[Call, ...] = ()  # the API calls that led here; only `run` sets it


# Checks that run side by side: enough to hide the waiting, few enough for AWS's rates.
_WORKERS = 8

CheckFunction = Callable[[Aws, Question], Iterator[Finding]]


@dataclass(frozen=True)
class Check:
    """A check: its id is the good state, its docstring says that state."""

    id: str
    good: str  # the docstring's first sentence
    explains: str  # the rest of the docstring
    room: str  # the module's name: the group of questions
    function: CheckFunction = field(repr=False, compare=False)

    @classmethod
    def of(cls, function: CheckFunction) -> "Check":
        """The check that ``function`` is; its name and docstring are all there is to declare."""
        good, _, explains = inspect.cleandoc(function.__doc__ or "").partition("\n")
        if not good:
            raise TypeError(
                f"{function.__module__}.{function.__name__} needs a docstring: the good state, in one line"
            )
        room = function.__module__.rpartition(".")[2]
        return cls(function.__name__.replace("_", "-"), good, explains.strip(), room, function)


def run(check: CheckFunction, aws: Aws, question: Question) -> list[Finding]:
    """Run one check; gives its findings with their proof, whatever happens.

    What was found before a failure is kept. An exception and a check that says nothing are UNKNOWN.
    """
    return list(_findings(check, aws, question))


def _findings(check: CheckFunction, aws: Aws, question: Question) -> Iterator[Finding]:
    silent = True
    with journal.recording() as calls:
        try:
            for finding in check(aws, question):
                silent = False
                yield replace(finding, proof=tuple(calls))
        except Exception as error:  # noqa: BLE001 - the one catch: whatever broke, the reader is told
            silent = False
            yield Finding(UNKNOWN, f"Could not look: {failures.describe(error)}", proof=tuple(calls))
    if silent:
        yield Finding(UNKNOWN, "Could not look: the check said nothing.", proof=tuple(calls))


def diagnose(
    aws: Aws,
    *,
    checks: str | Iterable[str] = (),
    timeout: float = 60,
    progress: Callable[[], AbstractContextManager[Tell]] = cell,
    **asked: Any,
) -> "Report":
    """Run checks, side by side, against what ``aws`` is connected to and give one report.

    ``checks`` is an id or ids (all when empty); ``asked`` are the members of `Question`:
    ``diagnose(aws, instance="web-01")``; its ``host_report`` may also be the path of a file. After ``timeout``
    seconds the report is given as it stands, what was not done by then as UNKNOWN; so it is when it is
    interrupted. ``progress`` shows meanwhile how far it is (`runbooks.progress`). Raises `UserError` for an
    unknown id, a ``timeout`` that is no time, and as `Question.of` does.
    """
    from runbooks.report import Report

    question, chosen = Question.of(**asked), _chosen(checks)
    if not isinstance(timeout, (int, float)) or not math.isfinite(timeout) or timeout <= 0:
        raise UserError(f"timeout must be a number of seconds above 0, not {timeout!r}.")
    with progress() as tell:
        results = _side_by_side(chosen, aws.remembering(), question, timeout, tell)
    return Report.of(aws, question, results, only=tuple(c.id for c in chosen) if checks else ())


def _side_by_side(
    checks: list[Check], aws: Aws, question: Question, timeout: float, tell: Tell
) -> dict[Check, list[Finding]]:
    found: dict[Check, list[Finding]] = {check: [] for check in checks}
    todo, done = SimpleQueue[Check](), SimpleQueue[Check]()
    for check in checks:
        todo.put(check)

    def work() -> None:
        while not todo.empty() and not aws.is_over:
            with suppress(Empty):
                check = todo.get_nowait()
                for finding in _findings(check.function, aws, question):
                    found[check].append(finding)
                done.put(check)

    for _ in range(min(_WORKERS, len(checks))):
        # a daemon: one that hangs does not keep the process
        threading.Thread(target=work, daemon=True).start()
    end = time.monotonic() + timeout
    late, why = set(checks), f"not done within {timeout:g} s; ask for this check alone, or give more time"
    try:
        while late:
            check = done.get(timeout=max(0.0, end - time.monotonic()))
            late.remove(check)
            tell(len(checks) - len(late), len(checks))
    except Empty:
        pass
    except KeyboardInterrupt:  # what was found so far is not lost
        why = "interrupted"
    finally:
        aws.end()  # nothing more is sent once the report is made
    slow = Finding(UNKNOWN, f"Could not look: {why}.")
    # A late check may still add to its list; the report is of this moment.
    return {check: [*found[check], slow] if check in late else list(found[check]) for check in checks}


def _chosen(ids: str | Iterable[str]) -> list[Check]:
    from runbooks.checks import all_checks

    known = {check.id: check for check in all_checks()}
    wanted = [ids] if isinstance(ids, str) else list(dict.fromkeys(ids))
    for name in wanted:
        if name not in known:
            raise UserError(f"There is no check {name!r}. Known checks: {', '.join(known)}.")
    return [known[name] for name in wanted] or list(known.values())
