"""The one place that runs a check, and the only one that catches what a check raises."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue

from runbooks.aws import failures, journal
from runbooks.aws.journal import Record
from runbooks.aws.session import Aws
from runbooks.commands import shown
from runbooks.findings import SKIP, UNKNOWN, Check, CheckFunction, CouldNotCheck, Finding, Log, NotApplicable
from runbooks.progress import ProgressCallback
from runbooks.question import Question
from runbooks.text.mask import masked, plain

LONGEST_LOG = 100  # lines of a log that a report holds


def run(check: CheckFunction, aws: Aws, question: Question) -> list[Finding]:
    """Run one check; gives its findings with their code and proof, whatever happens.

    What was found before a failure is kept. An exception and a check that says nothing are UNKNOWN.
    """
    return list(_findings(Check.of(check), aws, question))


def run_all(
    asked: Sequence[tuple[Check, Question]],
    aws: Aws,
    timeout: float,
    progress: ProgressCallback,
    *,
    began: float | None = None,
) -> list[list[Finding]]:
    """Run checks side by side, each on its question; gives the findings of each, in the order of ``asked``.

    When ``timeout`` seconds have passed since ``began`` (`time.monotonic`, now unless it is given), or at an interrupt,
    a check that is not done is UNKNOWN and keeps what it found. Each check has a thread, so a call that hangs delays
    only the checks that need it. The session limits how many calls are under way at a time.
    """
    done = SimpleQueue[_Run]()
    runs = [_Run(check) for check, _ in asked]
    for each, (_, question) in zip(runs, asked, strict=True):
        # a daemon, so that one that hangs does not keep the process alive
        threading.Thread(target=each.work, args=(aws, question, done.put), daemon=True).start()
    end = (time.monotonic() if began is None else began) + timeout
    late, why = set(map(id, runs)), f"not done within {timeout:g} s"
    try:
        while late:
            late.remove(id(done.get(timeout=max(0.0, end - time.monotonic()))))
            progress(len(runs) - len(late), len(runs))
    except Empty:
        pass
    except KeyboardInterrupt:  # the findings so far are kept
        why = "interrupted"
    finally:
        aws.end()  # nothing more is sent once the report is made
    return [each.findings_by_now(why if id(each) in late else "") for each in runs]


@dataclass
class _Run:
    """One check at work: what it found so far, and the calls that it made."""

    check: Check
    found: list[Finding] = field(default_factory=list)
    calls: Record = field(default_factory=Record)

    def work(self, aws: Aws, question: Question, report: Callable[["_Run"], None]) -> None:
        for finding in _findings(self.check, aws, question, self):
            self.found.append(finding)
        report(self)

    def findings_by_now(self, why_late: str) -> list[Finding]:
        """A late check may still add to its list; the report is of this moment."""
        if not why_late:
            return list(self.found)
        waits = f", still waiting for {self.calls.waiting}" if self.calls.waiting else ""
        says = f"Could not check: {why_late}{waits}."
        late = Finding(UNKNOWN, says, code="late", proof=tuple(self.calls))
        return [*self.found, _finished(late, self.check)]


def _findings(check: Check, aws: Aws, question: Question, at_work: _Run | None = None) -> Iterator[Finding]:
    silent, asked = True, question.subjects
    with journal.recording() as calls:
        if at_work:
            at_work.calls = calls
        try:
            for finding in check.function(aws, question):
                silent = False
                yield _finished(replace(finding, proof=tuple(calls), asked=asked), check)
            last = None
        except NotApplicable as reason:
            last = Finding(SKIP, str(reason), code=reason.code, about=reason.about, next=reason.next)
        except CouldNotCheck as reason:
            says = f"Could not check: {reason}"
            last = Finding(
                UNKNOWN,
                says,
                code="could-not-check",
                fix=reason.fix,
                next=reason.next,
                of=reason.of,
                explained_by=reason.explained_by,
            )
        except Exception as error:  # noqa: BLE001 - the one catch: any failure becomes a finding
            says, fix = f"Could not check: {failures.describe(error)}", failures.way_on(error)
            last = Finding(UNKNOWN, says, code="could-not-check", fix=fix)
        if silent and last is None:
            last = Finding(UNKNOWN, "Could not check: the check said nothing.", code="could-not-check")
        if last:
            yield _finished(replace(last, proof=tuple(calls), asked=asked), check)


def _finished(finding: Finding, check: Check) -> Finding:
    """The finding as it is shown: with its whole code, all text safe, and no command that masking broke."""
    return replace(
        finding,
        says=plain(finding.says),
        code=f"{check.id}/{finding.code or finding.verdict.name.lower()}",
        about=plain(finding.about),
        fix=shown(finding.fix),
        next=plain(finding.next),
        below=plain(finding.below),
        logs=tuple(
            Log(plain(log.of), plain(log.file), _plain_lines(log.lines[-LONGEST_LOG:]))
            for log in finding.logs
        ),
        proof=tuple(
            replace(call, answer=plain(call.answer), request_id=plain(call.request_id))
            for call in finding.proof
        ),
    )


def _plain_lines(lines: Sequence[str]) -> tuple[str, ...]:
    """Lines of a log made `plain`; first masked as one text, since a secret may stand on the line after its name."""
    return tuple(map(plain, masked("\n".join(lines)).splitlines()))
