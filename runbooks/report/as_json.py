"""The report as JSON."""

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from runbooks.safe import all_plain

if TYPE_CHECKING:
    from runbooks.engine import Finding
    from runbooks.question import Question
    from runbooks.report import Report


def render(report: "Report") -> str:
    """The report as a JSON document."""
    document = {
        "schema": 1,
        "verdict": report.verdict.name,
        "coverage": report.coverage,
        "exit_code": report.exit_code,
        "fingerprint": report.fingerprint,
        "target": report.target,
        "region": report.region,
        "account": report.account,
        "identity": report.identity,
        "at": report.at.isoformat(timespec="seconds"),
        "question": _question(report.question),
        "checks": [
            {
                "id": check.id,
                "good": check.good,
                "verdict": verdict.name,
                "findings": [_finding(f) for f in found],
            }
            for check, verdict, found in report.checks
        ],
    }
    return json.dumps(all_plain(document), indent=2, ensure_ascii=False) + "\n"


def _question(question: "Question") -> dict[str, Any]:
    """What was asked; of a host report brought by hand only when it was made."""
    host = question.host_report
    asked = dataclasses.asdict(dataclasses.replace(question, host_report=None))
    return asked | {"host_report": host.collected_at.isoformat(timespec="seconds") if host else None}


def _finding(finding: "Finding") -> dict[str, Any]:
    return dataclasses.asdict(finding) | {"verdict": finding.verdict.name}
