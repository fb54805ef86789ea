"""The report as one Markdown block for a ticket."""

import shlex
from importlib.metadata import version
from typing import TYPE_CHECKING

from runbooks.report.as_text import details, head, proof
from runbooks.safe import code, escape, plain

if TYPE_CHECKING:
    from runbooks.engine import Finding
    from runbooks.report import Report


def render(report: "Report") -> str:
    """The report as Markdown; the same fingerprint means the same findings as in an earlier block."""
    lines = head(report)
    blocks = [f"**{escape(lines[0])}**  ", *(f"{escape(line)}  " for line in lines[1:])]
    blocks.append(f"fingerprint {code(report.fingerprint)}, {_versions()}")
    for check, verdict, found in report.checks:
        blocks += ["", f"- **{verdict.name}** {code(check.id)}: {escape(check.good)}"]
        blocks += [row for finding in found for row in _finding(finding, len(found) > 1)]
        blocks += [f"    - proof: {code(call)}" for call in proof(found)]
    return "\n".join([*blocks, "", f"Again: {code(replay(report))}"]) + "\n"


def replay(report: "Report") -> str:
    """The command that asks the same question again."""
    place, _, scenario = report.target.partition(":")
    words = ["runbooks", "diagnose"]
    words += ["--instance", report.question.instance] if report.question.instance else []
    words += ["--sandbox", scenario] if place == "sandbox" else ["--region", report.region]
    words += [word for check, _, _ in report.checks for word in ("--check", check.id)]
    return plain(shlex.join(words))


def _finding(finding: "Finding", several: bool) -> list[str]:
    mark = f"{finding.verdict.name}: " if several else ""
    rows = [f"    - {mark}{escape(finding.says)}"]
    for name, value in details(finding):
        rows.append(f"        - {name}: {code(value) if name == 'fix' else f'<{value}>'}")
    return rows


def _versions() -> str:
    return ", ".join(f"{name} {version(name)}" for name in ("codedeploy-field-guide", "botocore"))
