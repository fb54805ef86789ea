"""Verdicts, findings, and the one place that runs a check: the only place that catches."""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from runbooks.aws import journal, trouble
from runbooks.aws.journal import Call
from runbooks.aws.session import Aws
from runbooks.errors import UserError

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


@dataclass(frozen=True)
class Question:
    """What is asked; a check takes from it what it needs and SKIPs when that was not given."""

    instance: str = ""
    status: str | None = None  # a registrationStatus filter to try; None is no filter
    hours: float = 24  # how far back to look in CloudTrail


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
    found: list[Finding] = []
    with journal.recording() as calls:
        try:
            for finding in check(aws, question):
                found.append(replace(finding, proof=tuple(calls)))
        except Exception as error:  # noqa: BLE001 - the one catch: whatever broke, the reader is told
            api = calls[-1].api if calls else ""
            found.append(
                Finding(UNKNOWN, f"Could not look: {trouble.explain(error, api)}", proof=tuple(calls))
            )
    return found or [Finding(UNKNOWN, "Could not look: the check said nothing.", proof=tuple(calls))]


def diagnose(aws: Aws, *, checks: str | Iterable[str] = (), **asked: Any) -> "Report":
    """Run checks against what ``aws`` is connected to and give one report.

    ``checks`` is an id or ids (all when empty); ``asked`` are the members of `Question`:
    ``diagnose(aws, instance="web-01")``. Raises `UserError` for an unknown id, an unknown member, or an
    instance name that CodeDeploy cannot have.
    """
    from runbooks.report import Report

    question = _question(**asked)
    results = {check: run(check.function, aws, question) for check in _chosen(checks)}
    return Report.of(aws, question, results)


def _chosen(ids: str | Iterable[str]) -> list[Check]:
    from runbooks.checks import all_checks

    known = {check.id: check for check in all_checks()}
    wanted = [ids] if isinstance(ids, str) else list(ids)
    for name in wanted:
        if name not in known:
            raise UserError(f"There is no check {name!r}. Known checks: {', '.join(known)}.")
    return [known[name] for name in wanted] or list(known.values())


def _question(**asked: Any) -> Question:
    unknown = set(asked) - set(Question.__dataclass_fields__)
    if unknown:
        raise UserError(
            f"Nothing can be asked by {sorted(unknown)[0]!r}: use {', '.join(Question.__dataclass_fields__)}."
        )
    question = Question(**asked)
    if question.instance:
        _check_instance_name(question.instance)
    return question


def _check_instance_name(name: str) -> None:
    """The rule of the AWS CLI (awscli customizations/codedeploy/utils.py), so that no call is spent on it."""
    if name.startswith("i-"):
        raise UserError(
            f"{name!r} is an EC2 instance ID: EC2 instances are not registered, and on-premises names never begin with 'i-'."
        )
    if not re.fullmatch(r"[A-Za-z0-9+=,.@_-]{1,100}", name):
        raise UserError(
            f"{name!r} cannot be an on-premises instance name: 1 to 100 letters, digits and + = , . @ _ - only."
        )
