"""The report as JSON. The members are those of docs/schemas/report-2.json."""

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from runbooks.findings import Finding
from runbooks.text.mask import all_plain

if TYPE_CHECKING:
    from runbooks.report import Report

SCHEMA = 2


def render(report: "Report") -> str:
    """The report as a JSON document."""
    source = report.source
    document = {
        "schema": SCHEMA,
        "verdict": report.verdict.name,
        "coverage": report.coverage,
        "exit_code": report.exit_code,
        "fingerprint": report.fingerprint,
        "target": source.target,
        "region": source.place.region,
        "account": source.account,
        "identity": source.identity,
        "at": source.at.isoformat(timespec="seconds"),
        "question": report.question.as_json(),
        "checks": [
            {
                "id": check.id,
                "good": check.title,
                "verdict": verdict.name,
                "findings": [_finding(f) for f in found],
            }
            for check, verdict, found in report.checks
        ],
    }
    return json.dumps(all_plain(document), indent=2, ensure_ascii=False) + "\n"


def _finding(finding: Finding) -> dict[str, Any]:
    return dataclasses.asdict(finding) | {"verdict": finding.verdict.name}
