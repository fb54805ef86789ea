"""What would fail if one deployed now: the checks of the group, the linter on the bundle, and what is not predicted."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from codedeploy_sandbox.state import REGION

from runbooks import preflight
from runbooks.checks import all_checks, predictions
from runbooks.errors import UserError
from runbooks.findings import FAIL, OK, SKIP
from runbooks.policy import observed
from runbooks.report import FORMATS, Report
from tests.report.test_report import SCHEMA
from tests.support import ROOT
from tests.support.predictions import BUNDLES, TABLE, count, table
from tests.support.sandbox import client
from tests.support.world import DISTINCT, PATIENT, world

HEALTH = "targets-of-the-group-are-healthy"
OF_GROUP = [check.id for check in all_checks() if check.category == "group" or check.id == HEALTH]


def asked(scenario: str, **about: str) -> Report:
    with world(scenario, config=PATIENT) as (aws, sandbox):
        report = preflight(aws, "shop/web", **about)  # type: ignore[arg-type]
        made = {call.operation for call in sandbox.account.journal}
    assert not {name for name in made if name.startswith(("Create", "Put", "Update", "Delete"))}
    return report


def loud(report: Report) -> dict[str, str]:
    return {check.id: verdict.name for check, verdict, _ in report.checks if verdict not in (OK, SKIP)}


REVISION = {
    "revisionType": "S3",
    "s3Location": {"bucket": "shop-revisions", "key": "web/1.4.2.zip", "bundleType": "zip"},
}


@pytest.mark.parametrize("scenario", TABLE)
def test_it_predicts_how_a_deployment_ends(scenario: str) -> None:
    with world(scenario, config=PATIENT) as (aws, sandbox):
        report = preflight(aws, "shop/web")
        ends = deployed(client(sandbox, "codedeploy"))
    row = TABLE[scenario]
    assert loud(report) == row.said
    assert ends == row.ends
    verdicts = set(row.said.values())
    assert report.exit_code == ("FAIL" in verdicts) | ("UNKNOWN" in verdicts) << 1
    SCHEMA.validate(json.loads(report.render("json")))


@pytest.mark.parametrize("wrong", BUNDLES)
def test_it_predicts_what_comes_of_a_bundle(wrong: str, tmp_path: Path) -> None:
    files, row = BUNDLES[wrong]
    with zipfile.ZipFile(tmp_path / "web.zip", "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o100755 << 16  # so that each script may be executed
            archive.writestr(entry, text)
    with world("healthy", config=PATIENT) as (aws, sandbox):
        assert deployed(client(sandbox, "codedeploy")) == "succeeds"  # a revision with the same files
        report = preflight(aws, "shop/web", bundle=tmp_path / "web.zip")
        store, content = client(sandbox, "s3"), (tmp_path / "web.zip").read_bytes()
        store.put_object(Bucket="shop-revisions", Key="web/1.4.2.zip", Body=content)
        ends = deployed(client(sandbox, "codedeploy"))
    assert loud(report) == row.said
    assert ends == row.ends


_ENDS = {"Succeeded": "succeeds", "Failed": "fails", "Stopped": "is stopped"}


def deployed(codedeploy: Any) -> str:
    """How a deployment of the last revision ends."""
    group = {"applicationName": "shop", "deploymentGroupName": "web"}
    try:
        id_ = codedeploy.create_deployment(**group, revision=REVISION)["deploymentId"]
    except codedeploy.exceptions.DeploymentLimitExceededException:
        return "is refused"
    for _ in range(100):  # each question moves the sandbox's clock on by a second
        status = codedeploy.get_deployment(deploymentId=id_)["deploymentInfo"]["status"]
        if status in _ENDS:
            return _ENDS[status]
    return "does not end"


def test_no_failure_of_the_table_comes_without_a_prediction() -> None:
    assert count(predicted=False, ended=True) == 0
    assert [name for name, row in TABLE.items() if not row.is_right and not row.why] == []
    assert [name for name, row in TABLE.items() if row.is_right and row.why] == []
    assert all(row.is_right for _, row in BUNDLES.values())


def test_the_table_has_each_scenario_of_a_group_and_of_a_deployment() -> None:
    told = {name for name in DISTINCT if name.startswith(("group-", "deployment-"))}
    assert told <= set(TABLE)


def test_the_page_has_the_table() -> None:
    page = (ROOT / "docs/guides/preflight.md").read_text(encoding="utf-8")
    assert table() in page, "python -m tests.support.predictions prints it"


def test_what_was_not_predicted_is_said_in_every_form() -> None:
    report = asked("simulation-denied")
    unknown, bundle, scripts = report.unpredicted
    assert (
        unknown
        == "what could not be checked: service-role-may-do-what-the-group-needs, host-may-read-the-bucket"
    )
    assert bundle.startswith("whether the bundle is sound and for this group: give it with --bundle")
    assert scripts == "what the hook scripts do"
    for form in FORMATS:
        assert scripts in report.render(form), form


def test_the_first_line_is_the_verdict_and_what_was_not_predicted_is_a_list_below() -> None:
    first, *rest = asked("simulation-denied").render("text").splitlines()
    assert first.startswith("UNKNOWN: 2 not checked")
    assert len(first) < 200
    start = rest.index("Not predicted:") + 1
    assert [line[:2] for line in rest[start : start + 4]] == ["- ", "- ", "- ", ""]


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
    of_a_bundle = {one.id for one in predictions() if {"bundle", "instance"} <= set(one.needs)}
    assert {one.id for one in predictions()} - of_a_bundle <= set(made)
    assert {name for id_ in OF_GROUP for name in observed()[id_]["takes"]} <= {
        "deployment_group",
        "deployment",
    }
