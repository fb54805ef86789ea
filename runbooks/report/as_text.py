"""The report for a terminal."""

from collections import Counter
from io import StringIO
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from runbooks.text.links import page_url
from runbooks.text.mask import plain

if TYPE_CHECKING:
    from runbooks.findings import Finding
    from runbooks.report import Report

_INDENT = " " * 8
COLOURS = {"OK": "green", "SKIP": "dim", "WARN": "yellow", "UNKNOWN": "magenta", "FAIL": "bold red"}


def render(report: "Report", *, colour: bool = False, width: int = 100) -> str:
    """The report as lines of at most ``width`` columns (commands and addresses are never broken).

    What is well is told in its sentence alone; the proof of it is in the other forms.
    """
    screen = StringIO()
    system: Literal["standard"] | None = "standard" if colour else None
    # force_jupyter: in a kernel rich would show each line as an output of its own, beside the report
    console = Console(
        file=screen,
        width=width,
        force_terminal=colour,
        force_jupyter=False,
        highlight=False,
        color_system=system,
    )
    for line in head(report):
        console.print(Text(line), soft_wrap=True)
    for name, good, verdict, findings in report.entries:
        mark = Text.assemble((f"{verdict.name:<8}", COLOURS[verdict.name]), (name, "bold"))
        if verdict.name in ("OK", "SKIP"):
            console.print(mark, soft_wrap=True)
        else:
            console.print()
            console.print(mark + Text(f"  {good}"), soft_wrap=True)
        for finding in findings:
            _print(console, finding, several=len(findings) > 1)
        for call in proof(findings) if verdict.name not in ("OK", "SKIP") else ():
            console.print(Text(f"{_INDENT}proof {call}"), soft_wrap=True)
    return "\n".join(line.rstrip() for line in screen.getvalue().splitlines()) + "\n"


def _print(console: Console, finding: "Finding", *, several: bool) -> None:
    mark = f"{finding.verdict.name}: " if several else ""
    console.print(Padding(Text(mark + plain(finding.says)), (0, 0, 0, len(_INDENT))))
    for name, value in details(finding):
        console.print(Text(f"{_INDENT}{name:<6}{value}"), soft_wrap=True)


def head(report: "Report") -> list[str]:
    """The first lines of every form: the verdict and coverage, then what was looked at, by whom, when."""
    asked = plain(report.question.subject)
    idle = sum(verdict.name == "SKIP" for _, verdict, _ in report.checks)
    nameless = idle and not report.question.instance and not report.question.deployment
    return [
        f"{report.verdict.name}: {report.coverage}",
        *(["no instance was named (--instance), so what is about one was not asked"] if nameless else []),
        f"{asked} - {report.source.target} - {report.source.place.region} - account {report.source.account} - {report.source.at:%Y-%m-%d %H:%M} UTC",
        f"asked by {plain(report.source.identity)}"
        + (f", profile {plain(report.source.place.profile)}" if report.source.place.profile else ""),
    ]


def details(finding: "Finding") -> list[tuple[str, str]]:
    """The rows below a finding's sentence, those that it has: the command that mends it, where to go next."""
    rows = [("fix", plain(finding.fix)), ("next", page_of(finding))]
    return [(name, value) for name, value in rows if value]


def proof(findings: list["Finding"]) -> list[str]:
    """The API calls behind a check's findings, alike ones as one line."""
    calls = max((finding.proof for finding in findings), key=len)
    times = Counter((call.api, call.region, call.answer) for call in calls)
    last = {(call.api, call.region, call.answer): call.request_id for call in calls}
    return [plain(_call(*key, count, last[key])) for key, count in times.items()]


def page_of(finding: "Finding") -> str:
    """The address of what to open next: a page of the guide, or the entry of a check; "" for neither."""
    if not finding.next:
        return ""
    return page_url(finding.next if finding.next.startswith("/") else f"/checks/#{finding.next}")


def _call(api: str, region: str, answer: str, count: int, request_id: str) -> str:
    times = f", {count} times" if count > 1 else ""
    request = f" ({'last ' if count > 1 else ''}request {request_id})" if request_id else ""
    return f"{api} in {region}: {answer}{times}{request}"
