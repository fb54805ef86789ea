"""The nouns of a diagnosis. This module imports nothing of the package."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from enum import IntEnum
from functools import wraps
from typing import Any


class Verdict(IntEnum):
    """How a question was answered, in order: a report is as bad as its worst finding.

    OK needs positive evidence. SKIP: the question does not apply. UNKNOWN: it could not be checked.
    """

    OK, SKIP, WARN, UNKNOWN, FAIL = range(5)


OK, SKIP, WARN, UNKNOWN, FAIL = Verdict


class NotApplicable(Exception):
    """The question of a check does not apply; the message says why. The engine makes a SKIP of it."""

    code = "not-applicable"  # of the finding that it becomes

    def __init__(self, says: str, *, about: str = "", next: str = "") -> None:
        super().__init__(says)
        self.about, self.next = about, next


class NotAsked(NotApplicable):
    """A parameter that a check needs was not given. A report in which most was not asked is not OK."""

    code = "not-asked"


class CouldNotCheck(Exception):
    """A check cannot get the facts that it needs, though no call failed; the message says why and what to do."""

    def __init__(
        self,
        says: str,
        *,
        fix: str = "",
        next: str = "",
        of: frozenset[str] = frozenset(),
        explained_by: tuple[str, ...] = (),
    ) -> None:
        super().__init__(says)
        self.fix, self.next, self.of, self.explained_by = fix, next, of, explained_by


class Command(str):
    """A command line that is ready to paste. Only `runbooks.commands` writes one."""

    __slots__ = ()


@dataclass(frozen=True)
class Call:
    """One API call and how it ended: ``answer`` is ``ok``, an AWS error code, or an exception's name."""

    api: str  # "codedeploy:ListOnPremisesInstances"
    region: str
    answer: str
    request_id: str = ""


@dataclass(frozen=True)
class Lead:
    """What a finding leads to: a thing to ask about next, and the checks that its cause calls for."""

    about: str  # a host, a deployment
    alike: int  # how many things the finding is about, this one among them
    asked: tuple[tuple[str, str], ...]  # parameters of the question, with their values
    checks: tuple[str, ...]  # their ids


@dataclass(frozen=True)
class Span:
    """One stretch of a thing's time, where a report can draw it: a lifecycle event of a target."""

    row: str  # the thing
    what: str
    outcome: str
    began: datetime | None
    ended: datetime | None


@dataclass(frozen=True)
class Log:
    """The newest lines of a log that a finding rests on, the oldest first, with secrets masked."""

    of: str  # the host, the deployment's targets
    file: str  # its path, or what it is
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """What a check found, about one thing.

    ``code`` names the kind of finding within its check ("stopped"); the engine puts the check's id in front
    ("agent-is-running/stopped"), and makes every text safe to show.
    """

    verdict: Verdict
    says: str  # one sentence that names the thing and the value seen
    _: KW_ONLY
    code: str = ""
    about: str = ""  # its name or ARN
    fix: str = ""  # a `Command` that changes what is wrong, or a sentence where the cure lies elsewhere
    next: str = ""  # the id of the check, or the page of the site, to open next
    later: bool = (
        False  # it stops no deployment to the current instances, so preflight makes a WARN of a FAIL
    )
    times: tuple[datetime, ...] = ()  # when it happened, where a report can draw that; not in its JSON
    spans: tuple[Span, ...] = ()  # likewise
    leads: tuple[Lead, ...] = ()  # what to check next; not in its JSON
    # Checks whose FAIL is the cause of this one, or is to be fixed first: a report then says this one below it. Not in its JSON.
    explained_by: tuple[str, ...] = ()
    logs: tuple[Log, ...] = ()  # what it rests on; in the JSON of the report, once for all findings
    # What it is of: a deployment, an event, a script, hosts. A report says a finding below the one of which it is a part:
    # whose set holds all of its own. () for one that stands for itself; not in its JSON.
    of: frozenset[str] = frozenset()
    below: str = ""  # what it says there, where that is shorter than ``says``; not in its JSON
    proof: tuple[Call, ...] = ()  # the API calls that led here; only the engine sets it
    asked: tuple[
        tuple[str, str], ...
    ] = ()  # what the check was asked about; only the engine sets it; not in its JSON


# A check takes the session and the question: `runbooks.aws.Aws`, `runbooks.question.Question`.
CheckFunction = Callable[[Any, Any], Iterator[Finding]]


@dataclass(frozen=True)
class Check:
    """A check: its id is the good state, and its docstring says that state."""

    id: str
    title: str  # the docstring's first sentence: the good state
    description: str  # the rest of the docstring
    category: str  # the name of its module: the group of questions
    needs: tuple[str, ...]  # the parameters without which it does not apply
    function: CheckFunction = field(repr=False, compare=False)

    @classmethod
    def of(cls, function: CheckFunction) -> "Check":
        """The check that ``function`` is; its name and docstring are all that it declares."""
        title, _, description = inspect.cleandoc(function.__doc__ or "").partition("\n")
        if not title:
            raise TypeError(
                f"{function.__module__}.{function.__name__} needs a docstring: the good state, in one line"
            )
        return cls(
            id=function.__name__.replace("_", "-"),
            title=title,
            description=description.strip(),
            category=function.__module__.rpartition(".")[2],
            needs=getattr(function, "needs", ()),
            function=function,
        )


def needs(*parameters: str) -> Callable[[CheckFunction], CheckFunction]:
    """Mark a check that does not apply without these parameters of the question (`Question.require`)."""

    def mark(function: CheckFunction) -> CheckFunction:
        @wraps(function)
        def check(aws: Any, question: Any) -> Iterator[Finding]:
            question.require(*parameters)
            yield from function(aws, question)

        check.needs = parameters  # type: ignore[attr-defined]
        return check

    return mark
