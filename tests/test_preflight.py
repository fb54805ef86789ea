"""What would fail if one deployed now: the checks of the group, the linter on the bundle, and what is not predicted."""

import json
from pathlib import Path

import pytest
from codedeploy_sandbox.state import REGION

from runbooks import preflight
from runbooks.checks import all_checks, predictions
from runbooks.errors import UserError
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN
from runbooks.policy import observed
from runbooks.report import FORMATS, Report
from tests.report.test_report import SCHEMA
from tests.support.world import PATIENT, world

OF_GROUP = [check.id for check in all_checks() if check.category == "group"]


def asked(scenario: str, **about: str) -> Report:
    with world(scenario, config=PATIENT) as (aws, sandbox):
        report = preflight(aws, "shop/web", **about)  # type: ignore[arg-type]
        made = {call.operation for call in sandbox.account.journal}
    assert not {name for name in made if name.startswith(("Create", "Put", "Update", "Delete"))}
    return report


def loud(report: Report) -> dict[str, str]:
    return {check.id: verdict.name for check, verdict, _ in report.checks if verdict not in (OK, SKIP)}


# What preflight says in each scenario of a group, and in two others.
EXPECTED = {
    "healthy": {},
    "group-healthy": {},
    "group-selects-none": {"group-selects-instances": FAIL},
    "group-constraint-cannot-hold": {"group-can-keep-enough-instances-healthy": FAIL},
    "group-role-missing": {"service-role-trusts-codedeploy": FAIL},
    "group-role-not-trusting": {"service-role-trusts-codedeploy": FAIL},
    "group-role-denied": {"service-role-may-do-what-the-group-needs": FAIL},
    "group-hook-missing": {"auto-scaling-groups-have-their-hooks": FAIL},
    "group-hook-left-over": {"auto-scaling-groups-have-no-other-hook": WARN},
    "group-targets-are-addresses": {"load-balancer-of-the-group-fits": FAIL},
    "group-load-balancer-missing": {"load-balancer-of-the-group-fits": FAIL},
    "group-alarm-active": {"alarms-of-the-group-are-quiet": FAIL},
    "deployment-running": {"group-has-no-deployment-in-progress": FAIL, "agent-is-running": FAIL},
    "agent-stopped": {"agent-is-running": FAIL},
    "host-offline": {"instances-of-the-group-answer": WARN},
    "deployment-revision-gone": {"revision-of-the-group-is-there": FAIL, "agent-log-is-clean": FAIL},
    "simulation-denied": {
        "service-role-may-do-what-the-group-needs": UNKNOWN,
        "host-may-read-the-bucket": UNKNOWN,
    },
}


@pytest.mark.parametrize("scenario", EXPECTED)
def test_it_predicts_what_the_scenario_is_about_and_nothing_else(scenario: str) -> None:
    report = asked(scenario)
    expected = EXPECTED[scenario]
    assert loud(report) == {check: verdict.name for check, verdict in expected.items()}
    bits = (FAIL in expected.values()) | (UNKNOWN in expected.values()) << 1
    assert report.exit_code == bits
    SCHEMA.validate(json.loads(report.render("json")))


def test_what_was_not_predicted_is_said_in_every_form() -> None:
    report = asked("simulation-denied")
    unknown = "service-role-may-do-what-the-group-needs; host-may-read-the-bucket"
    assert f"Not predicted: {unknown}; whether the bundle" in report.coverage
    for form in FORMATS:
        assert "Not predicted" in report.render(form), form


def test_the_linter_judges_the_bundle(tmp_path: Path) -> None:
    sound, broken = tmp_path / "sound", tmp_path / "broken"
    for folder in (sound, broken):
        folder.mkdir()
    (sound / "appspec.yml").write_text("version: 0.0\nos: linux\n")
    (broken / "appspec.yml").write_text("version: 1.0\nos: linux\n")
    assert loud(asked("healthy", bundle=str(sound))) == {}
    report = asked("healthy", bundle=str(broken))
    assert loud(report) == {"bundle-is-sound": "FAIL"}
    assert report.exit_code == 1
    assert "appspec.yml, line 1" in report.findings[0].says
    assert "whether the bundle" not in report.coverage
    assert f"--bundle {broken}" in report.again


def test_another_revision_is_asked_about_in_the_place_of_the_last() -> None:
    report = asked("deployment-revision-gone", revision="s3://shop-revisions/web/9.zip")
    (finding,) = [
        f for check, found in report.results.items() if check.id.startswith("revision") for f in found
    ]
    assert (finding.verdict, finding.about) == (FAIL, "s3://shop-revisions/web/9.zip")
    assert report.again == (
        "runbooks preflight shop/web --revision s3://shop-revisions/web/9.zip --sandbox deployment-revision-gone"
    )
    assert REGION not in report.again


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"revision": "https://x/y.zip"}, "s3://BUCKET/KEY"),
        ({"revision": "s3://bucket"}, "s3://BUCKET/KEY"),
        ({"bundle": "/nowhere/at/all.zip"}, "There is no file or folder"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_asked(about: dict[str, str], says: str) -> None:
    with world("healthy", config=PATIENT) as (aws, sandbox):
        with pytest.raises(UserError, match=says):
            preflight(aws, "shop/web", **about)  # type: ignore[arg-type]
        assert not sandbox.account.journal or all(
            c.at < sandbox.account.clock.start for c in sandbox.account.journal
        )


def test_it_is_the_checks_of_a_group_which_take_nothing_else_and_those_of_a_sample_of_its_hosts() -> None:
    made = [check.id for check in asked("healthy").results]
    assert made[: len(OF_GROUP)] == OF_GROUP
    assert {one.id for one in predictions()} <= set(made)
    assert {name for id_ in OF_GROUP for name in observed()[id_]["takes"]} == {"deployment_group"}
