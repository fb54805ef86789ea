"""The command "Again:" of a report, run: it asks the same question and gets the same findings."""

import json
import shlex
from typing import Any

import pytest
from typer.testing import CliRunner

from runbooks.checks import all_checks
from runbooks.cli import app
from runbooks.diagnosis import diagnose
from runbooks.facts.host_report import host_report
from runbooks.policy import observed
from runbooks.question import PARAMETERS, Question
from runbooks.report import Report
from tests.support.diagnosed import diagnosed, question_of
from tests.support.observe import Noting
from tests.support.world import DISTINCT, PATIENT, world

# Each parameter with two values that are not its own, and a check that reads it.
VALUES: dict[str, tuple[Any, Any, str]] = {
    "instance": ("web-01", "web-02", "instance-is-registered"),
    "status": ("registered", "", "status-filter-is-accepted"),
    "hours": (1.5, 2160.0, "callers-send-valid-status-filters"),
    "arn": ("arn:aws:iam::111122223333:user/a", "arn:aws:iam::111122223333:user/b", "arn-is-free"),
    "deployment_group": ("shop/web", "shop/nope", "instance-carries-the-groups-tags"),
    "deployment": ("d-SHOPWEB01", "d-SHOPWEB99", "deployment-succeeded"),
    "bucket": ("shop-revisions", "shop-revisions/app.zip", "host-may-read-the-bucket"),
}
ALONGSIDE: dict[str, dict[str, Any]] = {
    "deployment_group": {"instance": "web-01"},
    "bucket": {"instance": "web-01"},
}


def summary(report: Report) -> list[tuple[str, str, str]]:
    return [
        (finding.code, finding.says, finding.fix) for found in report.results.values() for finding in found
    ]


@pytest.mark.parametrize("scenario", DISTINCT)
def test_every_scenario_gives_the_same_again(scenario: str) -> None:
    first, again = diagnosed(scenario)
    assert f"--sandbox {scenario}" in first.again
    assert summary(again) == summary(first)
    assert again.fingerprint == first.fingerprint
    assert again.exit_code == first.exit_code


@pytest.mark.parametrize("name", VALUES)
def test_every_parameter_comes_back_and_makes_a_fingerprint_of_its_own(name: str) -> None:
    one, other, check = VALUES[name]
    rest = ALONGSIDE.get(name, {})
    with world("healthy", config=PATIENT) as (aws, _):
        plain = diagnose(aws, checks=check, **rest)
        first = diagnose(aws, checks=check, **rest | {name: one})
        second = diagnose(aws, checks=check, **rest | {name: other})
        again = diagnose(aws, **question_of(first.again))
    assert summary(again) == summary(first)
    assert again.fingerprint == first.fingerprint
    assert len({plain.fingerprint, first.fingerprint, second.fingerprint}) == 3


def test_the_table_is_tried_whole() -> None:
    assert {*VALUES, "host_report"} == {row.name for row in PARAMETERS}


@pytest.mark.parametrize("status", ["registered", "Registering", ""])
def test_the_command_itself_fails_as_the_report_did(status: str) -> None:
    with world("healthy", config=PATIENT) as (aws, _):
        assert aws.identity.account  # as `connect` asks
        first = diagnose(aws, checks="status-filter-is-accepted", status=status)
    done = CliRunner().invoke(app, [*shlex.split(first.again)[1:], "--format", "json"])
    assert (done.exit_code, first.exit_code) == (1, 1)
    assert json.loads(done.stdout)["fingerprint"] == first.fingerprint


def test_a_host_report_has_to_be_made_again() -> None:
    with world("healthy", config=PATIENT) as (aws, _):
        report = host_report(aws, Question(instance="web-01"))
        given = diagnose(aws, instance="web-01", host_report=report, checks="agent-is-installed")
    assert "--host-report FILE" in given.again


def test_what_was_observed_to_be_read_is_what_the_checks_take() -> None:
    """`Noting` sees every parameter that is read, so that one that no check takes can be refused."""
    question = Noting(instance="web-01")
    assert question.hours == 24
    question.require("instance")
    assert vars(question)["noted"] == {"hours", "instance"}
    assert {name for row in observed().values() for name in row["takes"]} == {row.name for row in PARAMETERS}


@pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.id)
def test_a_parameter_that_a_check_does_not_take_is_refused_in_one_sentence(check: Any) -> None:
    takes = set(observed()[check.id]["takes"])
    stray = next(name for name in ("bucket", "status", "arn") if name not in takes)
    done = CliRunner().invoke(
        app, ["diagnose", "--sandbox", "healthy", "--check", check.id, f"--{stray}", str(VALUES[stray][0])]
    )
    assert f"None of these checks takes --{stray}" in str(done.exception)
