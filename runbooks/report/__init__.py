"""One report, shown in a terminal, a notebook, a ticket, a file. It knows nothing of AWS."""

import hashlib
import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Check, Finding, Verdict
from runbooks.question import Question
from runbooks.report import as_html, as_json, as_markdown, as_text
from runbooks.source import Source


def worst(findings: Iterable[Finding]) -> Verdict:
    """The worst verdict; what does not apply says nothing about the rest. UNKNOWN where there is none."""
    judged = {finding.verdict for finding in findings}
    return max(judged - {SKIP} or judged, default=UNKNOWN)


FORMATS = {
    "text": as_text.render,
    "json": as_json.render,
    "markdown": as_markdown.render,
    "html": as_html.render,
}


@dataclass(frozen=True)
class Report:
    """The findings of some checks on one question, and what was asked of whom, where and when."""

    source: Source
    question: Question
    results: Mapping[Check, list[Finding]]
    only: tuple[
        str, ...
    ] = ()  # the ids of the checks that were asked for; () for all, and for steps of a work

    @property
    def findings(self) -> list[Finding]:
        """All findings, the worst first, else in the order of the checks."""
        return sorted((f for found in self.results.values() for f in found), key=lambda f: -f.verdict)

    @property
    def checks(self) -> list[tuple[Check, Verdict, list[Finding]]]:
        """Each check with its verdict (`worst`) and its findings; the worst check first, what does not apply last."""
        judged = [
            (check, worst(found), sorted(found, key=lambda f: -f.verdict))
            for check, found in self.results.items()
        ]
        return sorted(judged, key=lambda row: (row[1] is SKIP, -row[1]))

    @property
    def entries(self) -> list[tuple[str, str, Verdict, list[Finding]]]:
        """`checks` as they are shown: name, good state, verdict, findings.

        Those that could not look for the very same reason are one entry, so that they hide nothing else.
        """
        alike: dict[Hashable, list[tuple[Check, Verdict, list[Finding]]]] = {}
        for row in self.checks:
            check, verdict, found = row
            reason = tuple((finding.says, finding.fix, finding.next) for finding in found)
            alike.setdefault(reason if verdict is UNKNOWN else check.id, []).append(row)
        return [
            (
                ", ".join(check.id for check, _, _ in rows),
                rows[0][0].title if len(rows) == 1 else f"{len(rows)} checks could not look, for one reason.",
                *rows[0][1:],
            )
            for rows in alike.values()
        ]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all."""
        return worst(self.findings)

    @property
    def exit_code(self) -> int:
        """Bits: 1 when something FAILs, 2 when something is UNKNOWN, or when nothing was looked at."""
        verdicts = {f.verdict for f in self.findings}
        return (FAIL in verdicts) | (UNKNOWN in verdicts or verdicts <= {SKIP}) << 1

    @property
    def coverage(self) -> str:
        """The sentence on top: how much was looked at, so that "no trouble" never stands alone."""
        verdicts = [verdict for _, verdict, _ in self.checks]
        unseen, idle = verdicts.count(UNKNOWN), verdicts.count(SKIP)
        seen = len(verdicts) - unseen - idle
        # A check that failed and also could not see a part counts as looked at: its verdict is FAIL.
        partly = sum(
            v is not UNKNOWN and UNKNOWN in {f.verdict for f in found} for _, v, found in self.checks
        )
        parts = [
            f"{seen} looked at{f' ({partly} only in part)' if partly else ''}",
            f"{unseen} could not be",
            f"{idle} {'does' if idle == 1 else 'do'} not apply",
        ]
        bad = [f"{verdicts.count(v)} {v.name}" for v in (FAIL, WARN, OK) if v in verdicts]
        return ", ".join(parts) + (f" ({', '.join(bad)})" if bad else "") + "."

    @property
    def fingerprint(self) -> str:
        """Stays the same as long as the same question gets the same findings, about the same things, in the same place."""
        place, asked = self.source.place, self.question.as_json()
        found = sorted((f.code, f.verdict.name, f.about) for f in self.findings)
        whole = [
            self.source.account,
            place.region,
            self.source.target,
            sorted(asked.items()),
            self.only,
            found,
        ]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:12]

    def render(self, format: str) -> str:
        """The report as "text", "json", "markdown" or "html"."""
        return FORMATS[format](self)

    def __repr__(self) -> str:
        return as_text.render(self)

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """What Jupyter shows: the report as a table, and as Markdown and text for those without HTML.

        Its metadata say the exit code and each check's verdict: `runbooks run` reads them there.
        """
        shown = {
            "text/plain": as_text.render(self),
            "text/markdown": as_markdown.render(self),
            "text/html": as_html.fragment(self),
        }
        verdicts = {check.id: verdict.name for check, verdict, _ in self.checks}
        return shown, {"runbooks": {"exit_code": self.exit_code, "verdicts": verdicts}}
