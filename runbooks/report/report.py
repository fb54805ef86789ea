"""A report: the findings of some checks, and what was asked of whom. It knows nothing of AWS."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from runbooks.commands import runbooks, shown
from runbooks.errors import UserError
from runbooks.findings import FAIL, SKIP, UNKNOWN, Check, Finding, Verdict
from runbooks.question import Question
from runbooks.report import as_html, as_json, as_text, as_ticket
from runbooks.report.contents import (
    NOT_ASKED,
    WORDS,
    Contents,
    Further,
    Judged,
    causes_first,
    counted_as,
    made_plain,
    rank,
    reasons,
)
from runbooks.source import Source
from runbooks.subject import is_subject
from runbooks.text.mask import plain

FORMATS = {
    "text": as_text.render,
    "json": as_json.render,
    "html": as_html.render,
    "markdown": as_ticket.github,
    "github": as_ticket.github,
    "jira": as_ticket.jira,
    "slack": as_ticket.slack,
    "plain": as_ticket.plain,
}

_MUCH = 10  # checks that lack one parameter, so that the summary names it


def worst(findings: Iterable[Finding]) -> Verdict:
    """The worst verdict; what does not apply says nothing about the rest. UNKNOWN where there is none."""
    judged = {finding.verdict for finding in findings}
    return max(judged - {SKIP} or judged, default=UNKNOWN)


@dataclass(frozen=True)
class Report:
    """The findings of some checks on one question, and what was asked of whom, where and when."""

    source: Source
    question: Question
    results: Mapping[Check, list[Finding]]
    # ids of the checks that were asked for; () for all, and for steps of a registration
    only: tuple[str, ...] = ()
    command: str = "diagnose"  # that asked
    note: str = ""  # what was checked as a sample of more
    unpredicted: tuple[str, ...] = ()  # what a prediction leaves open
    given: Mapping[str, str] = field(default_factory=dict)  # options of the command beside the question
    deployed: str = ""  # what was deployed where, by whom, and its status, of a deployment that was read

    @property
    def findings(self) -> list[Finding]:
        """All findings, the worst first; a cause before what follows from it, else in the order of the checks."""
        return sorted((f for _, _, found in self.checks for f in found), key=lambda f: -f.verdict)

    @property
    def checks(self) -> list[Judged]:
        """Each check with its verdict (`worst`) and its findings; the worst check first, what does not apply last.

        Among checks of one verdict a cause stands before what follows from it (`causes_first`).
        """
        judged = [
            (check, worst(found), sorted(found, key=lambda f: -f.verdict))
            for check, found in self.results.items()
        ]
        return causes_first(sorted(judged, key=lambda row: rank(row[1])))

    @property
    def not_asked(self) -> Counter[str]:
        """How many checks were not made because a parameter was not given, by the sentence that says which."""
        return Counter(row[2][0].says for row in self.checks if counted_as(row) == NOT_ASKED)

    @property
    def is_thin(self) -> bool:
        """Whether most was not asked: more checks lacked a parameter than were made.

        A deployment that is named is a subject of its own, about which there are few checks.
        """
        made = sum(verdict is not SKIP for _, verdict, _ in self.checks)
        return not self.question.deployment and self.not_asked.total() > made

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all; not OK where most was not asked."""
        judged = worst(self.findings)
        return max(judged, UNKNOWN) if self.is_thin and judged is not SKIP else judged

    @property
    def exit_code(self) -> int:
        """Bits: 1 when something FAILs, 2 when something is UNKNOWN, or nothing was checked, or most was not asked."""
        verdicts = {f.verdict for f in self.findings}
        return (FAIL in verdicts) | (UNKNOWN in verdicts or verdicts <= {SKIP} or self.is_thin) << 1

    @property
    def coverage(self) -> str:
        """How many checks failed, passed, were not made: they add up to all, so that "no problem" never stands alone."""
        counts = Counter(map(counted_as, self.checks))
        counted = [f"{counts[word]} {word}" for word in (*WORDS.values(), NOT_ASKED) if counts[word]]
        why = reasons(self.checks)
        if 0 < why < counts[WORDS[FAIL]]:  # one thing that several checks see is one problem
            counted[0] += f" for {why} reason{'s' * (why > 1)}"
        said = ", ".join(counted) or "nothing was checked"
        partly = sum(
            v is not UNKNOWN and UNKNOWN in {f.verdict for f in found} for _, v, found in self.checks
        )
        part = f"; {partly} checked only in part" if partly else ""
        return " ".join(filter(None, (f"{said}{part}.", self._lacking(), plain(self.note))))

    def _lacking(self) -> str:
        """Which parameter most of what was not asked lacks, where that is much; "" where it is not."""
        ((why, count),) = self.not_asked.most_common(1) or [("", 0)]
        if self.is_thin:
            return f"Most was not asked, which counts as not checked. {why}"
        return f"For {count} of these {why[0].lower()}{why[1:]}" if count >= _MUCH else ""

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

    @property
    def again(self) -> str:
        """The command that asks the same question again; a host report that was brought by hand must be made again."""
        place, options = self.source.place, self.question.options()
        alone = [name for name, (value, *_) in options.items() if is_subject(name, value)]
        subject = options.pop(alone[0]) if alone else []
        if self.command == "why":
            return shown(runbooks(place, "why", *subject))
        probe = self.source.probed and not place.sandbox
        if self.command == "preflight":
            return shown(runbooks(place, "preflight", *subject, **self.given, probe=probe))
        return shown(runbooks(place, "diagnose", *subject, **options, probe=probe, check=self.only))

    @property
    def further(self) -> Further | None:
        """What `diagnose` would check beyond `why`, or beyond the last deployment of a group, and its command; None for nothing."""
        leads = [lead for f in self.findings for lead in f.leads]
        last = next(
            (lead.about for lead in leads if lead.checks and lead.asked[0] == ("deployment", lead.about)), ""
        )
        deployment = self.question.deployment if self.command == "why" else last
        hosts = list(dict.fromkeys(lead.about for lead in leads if lead.about != last))
        if not deployment or not hosts:
            return None
        more = f" and {len(hosts) - 1} more" if len(hosts) > 1 else ""
        place = self.source.place
        command = shown(runbooks(place, "diagnose", deployment, probe=not place.sandbox))
        return Further(f"{plain(hosts[0])}{more}", command)

    @property
    def contents(self) -> Contents:
        """What every form shows."""
        return Contents(
            verdict=self.verdict,
            coverage=self.coverage,
            exit_code=self.exit_code,
            fingerprint=self.fingerprint,
            again=self.again,
            source=made_plain(self.source),
            question=self.question,
            checks=self.checks,
            chosen=bool(self.only) and self.command not in ("why", "preflight"),
            command=self.command,
            deployed=plain(self.deployed),
            further=self.further,
            unpredicted=tuple(map(plain, self.unpredicted)),
        )

    def render(self, format: str) -> str:
        """The report in one of `FORMATS`: "text", "json", "html", or a ticket: "markdown" or "github", "jira", "slack", "plain".

        Raises `UserError` for another format.
        """
        if format not in FORMATS:
            raise UserError(f"There is no format {format!r}: use {', '.join(FORMATS)}.")
        return FORMATS[format](self.contents)

    def __repr__(self) -> str:
        return self.render("text")

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """What Jupyter shows: the report as HTML, and as Markdown and text for what does not show HTML."""
        return {
            "text/plain": self.render("text"),
            "text/markdown": self.render("markdown"),
            "text/html": as_html.fragment(self.contents),
        }
