"""The report as one Markdown block for a ticket."""

from importlib.metadata import version
from typing import TYPE_CHECKING

from runbooks.commands import runbooks
from runbooks.findings import OK, SKIP
from runbooks.report.as_text import details, head, proof
from runbooks.text.links import is_local
from runbooks.text.markup import code, escape

if TYPE_CHECKING:
    from runbooks.findings import Finding
    from runbooks.report import Report


def render(report: "Report") -> str:
    """The report as Markdown; the same fingerprint means the same findings as in an earlier block.

    What is well, or does not apply, takes one line: a ticket is read for the rest. The proof of it is in the JSON.
    """
    first, *others = head(report)
    blocks = [f"**{escape(first)}**  ", *(f"{escape(line)}  " for line in others)]
    blocks.append(f"fingerprint {code(report.fingerprint)}, {_versions()}")
    blocks.append("")
    for name, good, verdict, found in report.entries:
        mark = f"- **{verdict.name}** {code(name)}: "
        if verdict in (OK, SKIP):
            blocks.append(mark + " ".join(escape(finding.says) for finding in found))
            continue
        blocks.append(mark + escape(good))
        blocks += [row for finding in found for row in _finding(finding, len(found) > 1)]
        blocks += [f"    - proof: {code(call)}" for call in proof(found)]
    return "\n".join([*blocks, "", *_last(report)]) + "\n"


def _last(report: "Report") -> list[str]:
    again = f"Again: {code(replay(report))}"
    local = is_local() and any(finding.next for finding in report.findings)
    note = (
        "Links lead to the guide on the machine of whoever runs `make run`; RUNBOOKS_SITE names a shared one."
    )
    return [f"{again}  ", note] if local else [again]


def replay(report: "Report") -> str:
    """The command that asks the same question again; a host report that was brought by hand must be made again."""
    source = report.source
    probe = source.probed and not source.place.sandbox
    return runbooks(source.place, "diagnose", **report.question.options(), probe=probe, check=report.only)


def _finding(finding: "Finding", several: bool) -> list[str]:
    mark = f"{finding.verdict.name}: " if several else ""
    rows = [f"    - {mark}{escape(finding.says)}"]
    for name, value in details(finding):
        rows.append(f"        - {name}: {code(value) if name == 'fix' else f'<{value}>'}")
    return rows


def _versions() -> str:
    return ", ".join(f"{name} {version(name)}" for name in ("codedeploy-field-guide", "botocore"))
