"""The report as one Markdown block for a ticket."""

import shlex
from importlib.metadata import version
from typing import TYPE_CHECKING

from runbooks.engine import OK, SKIP
from runbooks.question import Question
from runbooks.report.as_text import details, head, proof
from runbooks.safe import code, escape, is_local, plain

if TYPE_CHECKING:
    from runbooks.engine import Finding
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
    """The command that asks the same question again; a host report that was brought by hand must be made anew."""
    scenario = report.target.partition("sandbox:")[2]
    asked = report.question
    options = {
        "--instance": asked.instance,
        "--sandbox": scenario,
        "--profile": report.profile,
        "--region": "" if scenario else report.region,
        "--deployment-group": asked.deployment_group,
        "--arn": asked.arn,
        "--bucket": asked.bucket,
        "--hours": "" if asked.hours == Question.hours else f"{asked.hours:g}",
        "--host-report": "FILE" if asked.host_report else "",
    }
    words = [word for option, value in options.items() if value for word in (option, value)]
    words += ["--probe"] if report.probed and not scenario else []
    words += [word for id_ in report.only for word in ("--check", id_)]
    return plain(shlex.join(["runbooks", "diagnose", *words]))


def _finding(finding: "Finding", several: bool) -> list[str]:
    mark = f"{finding.verdict.name}: " if several else ""
    rows = [f"    - {mark}{escape(finding.says)}"]
    for name, value in details(finding):
        rows.append(f"        - {name}: {code(value) if name == 'fix' else f'<{value}>'}")
    return rows


def _versions() -> str:
    return ", ".join(f"{name} {version(name)}" for name in ("codedeploy-field-guide", "botocore"))
