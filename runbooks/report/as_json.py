"""The report as JSON. The members are those of docs/schemas/report-2.json."""

import dataclasses
import json
from collections.abc import Iterable
from typing import Any

from runbooks.findings import Finding, Log
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
        "not_predicted": list(report.unpredicted),
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
        "logs": [dataclasses.asdict(log) for log in _logs(report)],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _logs(report: Contents) -> Iterable[Log]:
    """The logs that the findings rest on, each once."""
    return dict.fromkeys(log for _, _, found in report.checks for finding in found for log in finding.logs)


def _finding(finding: Finding) -> dict[str, Any]:
    members = dataclasses.asdict(finding) | {"verdict": finding.verdict.name}
    # for a picture, a diagnosis that goes on, a prediction and the order of a report: the sentence says what they mean
    for name in ("later", "times", "spans", "leads", "logs", "explained_by", "of", "below", "asked"):
        del members[name]
    return members
