"""The logs on which findings rest: whole in the JSON of a report, once each, bounded and masked."""

import json

import pytest

from runbooks.diagnosis import diagnose, why
from runbooks.engine import LONGEST_LOG, run
from runbooks.findings import FAIL, Finding, Log
from runbooks.question import Question
from tests.report.test_report import SCHEMA
from tests.support.world import PATIENT, world

KEY = "AKIAIOSFODNN7EXAMPLE"


def of(lines: int) -> list[Finding]:
    def check(aws: object, question: object) -> list[Finding]:
        """It is well."""
        text = tuple(f"{number} aws_secret_access_key = {KEY}" for number in range(lines))
        return [Finding(FAIL, "It is not.", logs=(Log("web-01", "/x.log", text),))]

    return run(check, None, Question())  # type: ignore[arg-type]


@pytest.mark.parametrize(("lines", "first"), [(LONGEST_LOG, "0"), (LONGEST_LOG + 1, "1")])
def test_its_newest_lines_are_kept_and_masked(lines: int, first: str) -> None:
    (finding,) = of(lines)
    (log,) = finding.logs
    assert len(log.lines) == LONGEST_LOG
    assert log.lines[0].startswith(f"{first} ")
    assert KEY not in "".join(log.lines)


def test_the_json_holds_each_log_once_and_the_text_quotes_it() -> None:
    with world("deployment-script-failed", config=PATIENT) as (aws, _):
        report = diagnose(aws, deployment="d-SHOPWEB01")
    document = json.loads(report.render("json"))
    SCHEMA.validate(document)
    files = [(log["of"], log["file"]) for log in document["logs"]]
    assert len(files) == len(set(files))
    assert ("web-01", "the log of scripts/start.sh") in files
    (own,) = [log for log in document["logs"] if log["file"].endswith("codedeploy-agent.log")]
    assert any("put_host_command_complete" in line for line in own["lines"])
    assert "put_host_command_complete" not in report.render("text")
    assert all("logs" not in finding for check in document["checks"] for finding in check["findings"])


def test_the_tail_that_codedeploy_holds_is_there_without_a_host() -> None:
    with world("deployment-script-timed-out", config=PATIENT) as (aws, _):
        (log,) = json.loads(why(aws, "d-SHOPWEB01").render("json"))["logs"]
    assert log["lines"][-1] == "[stdout]waiting for the database"
