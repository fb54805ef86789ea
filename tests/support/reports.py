"""Reports of made-up findings, which passed the engine as every finding does."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from runbooks.engine import run
from runbooks.findings import Call, Check, CheckFunction, Finding, Verdict
from runbooks.question import Question
from runbooks.report import Report
from runbooks.source import Place, Source

AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
SOURCE = Source(Place("eu-west-1", sandbox="healthy"), "sandbox:healthy", "111122223333", "arn:x", AT)
PROOF = (Call("codedeploy:ListOnPremisesInstances", "eu-west-1", "ok", "r-1"),)
HOSTILE = "<script>alert(1)</script>\x1b[31m\nweb`| [x](javascript:alert(1)) \u202e **b** <img src=x onerror=alert(1)>"


def finding(verdict: Verdict, says: str = "web-01 was seen.", **more: Any) -> Finding:
    """A finding about web-01."""
    return Finding(verdict, says, **{"about": "web-01", "next": "/guides/check-the-agent/"} | more)


def report(*found: Finding | Verdict | list[Finding], **question: Any) -> Report:
    """A report of checks named check-0, check-1 …: each with these findings, or with one of this verdict."""
    results: dict[Check, list[Finding]] = {}
    for number, one in enumerate(found):
        mine = [finding(one)] if isinstance(one, Verdict) else one if isinstance(one, list) else [one]
        check = _check(f"check_{number}", mine)
        results[Check.of(check)] = [replace(f, proof=PROOF) for f in run(check, None, Question())]  # type: ignore[arg-type]
    return Report(SOURCE, Question(**{"instance": "web-01"} | question), results)


def _check(name: str, found: list[Finding]) -> CheckFunction:
    def check(aws: Any, question: Any) -> Iterator[Finding]:
        """All is well."""
        yield from found

    check.__name__ = name
    return check
