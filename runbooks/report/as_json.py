"""The report as JSON. The members are those of docs/schemas/report-2.json."""

import dataclasses
import json
from typing import Any

from runbooks.findings import Finding
from runbooks.report.contents import Contents
from runbooks.text.mask import all_plain

SCHEMA = 2


def render(report: Contents) -> str:
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
        "question": all_plain(report.question.as_json()),
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
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _finding(finding: Finding) -> dict[str, Any]:
    members = dataclasses.asdict(finding) | {"verdict": finding.verdict.name}
    # for a picture, and for a diagnosis that goes on: the sentence says what they mean
    for name in ("times", "spans", "leads"):
        del members[name]
    return members
