"""The checks that answer why a deployment failed."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from codedeploy_sandbox.hosts.agent import EVENTS
from codedeploy_sandbox.plays import TOO_FEW
from codedeploy_sandbox.scenarios import find
from codedeploy_sandbox.scenarios.records import failed, put, target
from codedeploy_sandbox.state import Account, Deployment

from runbooks import diagnose, why
from runbooks.checks._deployed import counted
from runbooks.errors import UserError
from runbooks.facts.deployments import MOST_IN_ALL, MOST_READ, TARGETS, Targets, deployment, targets
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, Finding
from runbooks.question import Question
from runbooks.report import FORMATS, Report
from tests.report.test_report import SCHEMA
from tests.support.findings import assert_sound
from tests.support.world import PATIENT, world

ID = "d-SHOPWEB01"


def asked(scenario: Any, id_: str = ID) -> Report:
    with world(scenario, config=PATIENT) as (aws, _):
        report = why(aws, id_)
    for finding in report.findings:
        assert_sound(finding)
    return report


def of_targets(report: Report) -> list[Finding]:
    return next(
        found for check, found in report.results.items() if check.id == "deployment-targets-succeeded"
    )


def overall(report: Report) -> Finding:
    return next(found for check, found in report.results.items() if check.id == "deployment-succeeded")[0]


def with_targets(targets: dict[str, dict[str, Any]], status: str = "Failed") -> Any:
    def scenario(account: Account) -> None:
        find("healthy")(account)
        put(account, status, targets, TOO_FEW if status == "Failed" else None)

    return scenario


def test_a_deployment_that_succeeded_says_what_was_deployed_where_and_by_whom() -> None:
    report = asked("healthy")
    assert report.exit_code == 0
    assert overall(report).says == (
        f"{ID} of shop/web (s3://shop-revisions/web/1.4.2.zip, by a user, created 2026-01-15 10:45 UTC, started 10:45 UTC,"
        " ended 11:45 UTC, took 1 h 0 min) succeeded."
    )
    assert [finding.says for finding in of_targets(report)] == ["2 of 2 targets (web-01, web-02) succeeded."]


def test_targets_that_failed_alike_are_one_cause_with_its_cure() -> None:
    report = asked("deployment-script-failed")
    failed_, skipped = of_targets(report)
    assert failed_.verdict is FAIL
    assert failed_.code == "deployment-targets-succeeded/scriptfailed"
    for part in (
        "2 of 3 targets (web-01, web-02) failed at ApplicationStart with ScriptFailed in scripts/start.sh.",
        "failed with exit code 127",
        "gunicorn: command not found",
    ):
        assert part in failed_.says
    assert "command was not found" in failed_.fix
    assert failed_.next == "/symptoms/hook-script-failed/"
    assert (skipped.verdict, "1 of 3 targets (batch-01) was skipped" in skipped.says) == (WARN, True)
    assert overall(report).next == "/deployment-errors/HEALTH_CONSTRAINTS/"


def test_the_log_and_the_message_read_as_sentences() -> None:
    says = of_targets(asked("deployment-script-failed"))[0].says
    assert says.endswith(
        "exit code 127. The log ends: “[stderr]scripts/start.sh: line 3: gunicorn: command not found”"
    )


def test_the_cause_comes_before_the_code_that_only_counts() -> None:
    """A ticket begins with the first finding, and a terminal ends with it."""
    report = asked("deployment-script-failed")
    assert report.contents.problems[0].says == (of_targets(report)[0].says,)
    assert overall(report).fix == "Fix what failed on its targets, then deploy again."
    assert "Give the instances the tags" in overall(asked("deployment-found-no-instances")).fix


def test_the_message_is_explained_before_its_code() -> None:
    """UnknownError says nothing; the message that comes with it does."""
    (finding,) = of_targets(asked("deployment-agent-silent"))
    assert finding.next == "/symptoms/agent-not-heard/"
    assert "with UnknownError" in finding.says


def test_a_stop_script_is_the_last_revisions_and_a_rollback_is_named() -> None:
    report = asked("deployment-stop-script-failed")
    assert "runs the script of the last revision that was deployed successfully" in of_targets(report)[0].fix
    (rolled,) = [finding for finding in report.findings if finding.code.endswith("/rolled-back")]
    assert (rolled.verdict, rolled.about) == (WARN, "d-SHOPWEB02")


def test_one_that_was_stopped_has_the_page_of_its_code() -> None:
    assert overall(asked("deployment-stopped")).next == "/deployment-errors/MANUAL_STOP/"


def test_one_that_runs_is_unknown_and_says_what_it_waits_for() -> None:
    report = asked("deployment-running")
    assert report.exit_code == 2
    assert overall(report).verdict is UNKNOWN
    assert of_targets(report)[0].says == (
        "1 of 1 target (web-01) has been Pending at ApplicationStop since 2026-01-15 10:45 UTC (75 minutes); no agent has"
        " taken it yet."
    )


def test_no_deployment_is_one_sentence() -> None:
    with pytest.raises(UserError, match="No deployment was given"):
        asked("healthy", "")


def test_counts_are_words() -> None:
    assert (
        counted({"deploymentOverview": {"InProgress": 2, "Failed": 1, "Ready": 0}})
        == "2 in progress, 1 failed"
    )


def test_one_that_is_not_there_is_a_failure_with_the_place_that_was_asked() -> None:
    finding = overall(asked("healthy", "d-GONE00000"))
    assert finding.verdict is FAIL
    assert "There is no deployment d-GONE00000 in eu-west-1 of this account" in finding.says


@pytest.mark.parametrize("id_", ["d-1", "D-ABCDEF123", "d-ABCDEF1234", "abc", "d-abcdef123"])
def test_what_is_not_an_id_is_refused_before_a_call(id_: str) -> None:
    with pytest.raises(UserError, match="is not a deployment id"):
        Question.of(deployment=id_)


def calls_of(scenario: Any) -> tuple[Report, list[str]]:
    with world(scenario, config=PATIENT) as (aws, sandbox):
        before = len(sandbox.account.journal)
        report = why(aws, ID)
        return report, [call.operation for call in sandbox.account.journal[before:]]


def many(count: int, status: str, first_failed: int = 0) -> Any:
    names = [f"web-{number:04}" for number in range(count)]
    said = {"errorCode": "ScriptFailed", "message": "exit code 1"}
    at = datetime(2026, 1, 15, 11, tzinfo=UTC)
    targets = {
        name: failed(name, "Install", said, at) if number < first_failed else target(name, status, {})
        for number, name in enumerate(names)
    }
    return with_targets(targets, "Failed" if first_failed else "Succeeded")


@pytest.mark.parametrize(("count", "calls"), [(TARGETS, 1), (TARGETS + 1, 2), (MOST_IN_ALL, 4)])
def test_targets_are_read_25_at_a_time(count: int, calls: int) -> None:
    report, operations = calls_of(many(count, "Succeeded"))
    assert operations.count("BatchGetDeploymentTargets") == calls
    assert len(operations) == calls + 2
    assert of_targets(report)[0].says.startswith(f"{count} of {count} targets (web-0000, ")


def test_of_a_large_deployment_what_did_well_is_counted_and_not_read() -> None:
    report, operations = calls_of(many(MOST_IN_ALL + 1, "Succeeded", first_failed=3))
    assert operations == ["GetDeployment", "ListDeploymentTargets", "BatchGetDeploymentTargets"]
    bad, good = of_targets(report)
    assert bad.says.startswith("3 of 101 targets (web-0000, web-0001, web-0002) failed at Install")
    assert (good.verdict, good.says) == (OK, "98 of 101 targets succeeded, by CodeDeploy's count.")


@pytest.mark.parametrize("first_failed", [0, 10, 1000])
def test_a_thousand_targets_take_at_most_45_calls(first_failed: int) -> None:
    report, operations = calls_of(many(1000, "Succeeded", first_failed))
    assert len(operations) <= 45, len(operations)
    assert operations.count("GetDeployment") == 1
    unread = [finding for finding in of_targets(report) if finding.code.endswith("/not-read")]
    assert len(unread) == (first_failed > MOST_READ)
    if unread:
        assert unread[0].says.startswith("250 more of 1000 targets failed")


@pytest.mark.parametrize(("count", "unread"), [(MOST_READ, 0), (MOST_READ + 1, 1)])
def test_no_more_than_so_many_targets_are_read(count: int, unread: int) -> None:
    with world(many(count, "Succeeded", count), config=PATIENT) as (aws, _):
        info = deployment(aws, ID)
        assert isinstance(info, dict)
        found = targets(aws, info)
    assert isinstance(found, Targets)
    assert (len(found.read), found.unread_failed, found.total) == (MOST_READ, unread, count)


def test_of_many_that_have_not_ended_the_rest_is_unknown() -> None:
    names = [f"web-{number:04}" for number in range(MOST_READ + 2)]
    waiting = {name: target(name, "Pending", {"ApplicationStop": {"status": "Pending"}}) for name in names}
    report = asked(with_targets(waiting, "InProgress"))
    assert [finding.verdict for finding in of_targets(report)] == [UNKNOWN, UNKNOWN]
    assert of_targets(report)[1].says.startswith("2 more of 752 targets have not ended")


@pytest.mark.parametrize(
    "diagnostics",
    [{}, {"errorCode": "ScriptFailed"}, {"message": "\x00\x1b[31m<script>"}, {"logTail": "x" * 5000}],
)
def test_odd_diagnostics_are_shown_as_text(diagnostics: dict[str, str]) -> None:
    at = find("healthy")

    def scenario(account: Account) -> None:
        at(account)
        put(
            account,
            "Failed",
            {"web-01": failed("web-01", "Install", diagnostics, account.clock.start)},
            TOO_FEW,
        )

    finding = of_targets(asked(scenario))[0]
    assert finding.verdict is FAIL
    assert "\x1b" not in finding.says
    assert len(finding.says) < 700


def test_a_deployment_to_lambda_has_the_same_chain() -> None:
    event = {
        "lifecycleEventName": "BeforeAllowTraffic",
        "status": "Failed",
        "diagnostics": {"message": "hook failed"},
    }
    function = {"targetId": "shop:live", "status": "Failed", "lifecycleEvents": [event]}

    def scenario(account: Account) -> None:
        find("healthy")(account)
        put(account, "Failed", {}, TOO_FEW)
        made = account.state("eu-west-1").deployments[ID]
        lambda_target = {"deploymentTargetType": "LambdaTarget", "lambdaTarget": function}
        account.state("eu-west-1").deployments[ID] = Deployment(made.info, {"shop:live": lambda_target})

    finding = of_targets(asked(scenario))[0]
    assert "1 of 1 target (shop:live) failed at BeforeAllowTraffic. hook failed" in finding.says


def test_hostile_text_stays_text_in_every_form() -> None:
    said = {
        "errorCode": "ScriptFailed",
        "message": "<img src=x onerror=alert(1)> | `x` AKIA" + "IOSFODNN7EXAMPLE",
    }

    def scenario(account: Account) -> None:
        find("healthy")(account)
        put(account, "Failed", {"web-01": failed("web-01", EVENTS[2], said, account.clock.start)}, TOO_FEW)

    report = asked(scenario)
    assert "<img" not in report.render("html")
    assert "AKIAIOSFODNN7EXAMPLE" not in report.render("json") + report.render("markdown") + report.render(
        "text"
    )
    assert of_targets(report)[0].verdict is FAIL
    assert json.loads(report.render("json"))["exit_code"] == 1


def test_all_is_well_needs_every_target() -> None:
    targets = {"web-01": target("web-01", "Succeeded", {}), "web-02": target("web-02", "Unknown", {})}
    report = asked(with_targets(targets, "Succeeded"))
    assert {finding.verdict for finding in of_targets(report)} == {OK, UNKNOWN}
    assert report.exit_code == 2


EVIL = (
    '<script>alert(1)</script> "x" | `x` [a](javascript:alert(1)) \x1b[31m \u202e AKIA' + "IOSFODNN7EXAMPLE"
)


def hostile(account: Account) -> None:
    """A deployment whose every text is hostile."""
    find("healthy")(account)
    said = dict.fromkeys(("errorCode", "scriptName", "message", "logTail"), EVIL)
    at = datetime(2026, 1, 15, 11, tzinfo=UTC)
    bad = failed(EVIL, EVENTS[0], said, at)
    bad["instanceTarget"]["lifecycleEvents"][0]["lifecycleEventName"] = EVIL
    more: dict[str, Any] = {
        "applicationName": EVIL,
        "deploymentGroupName": EVIL,
        "deploymentConfigName": "CodeDeployDefault.OneAtATime",
        "creator": EVIL,
        "deploymentMode": "RESTART",
        "revision": {"revisionType": "S3", "s3Location": {"bucket": EVIL, "key": EVIL, "version": EVIL}},
        "previousRevision": {
            "revisionType": "GitHub",
            "gitHubLocation": {"repository": EVIL, "commitId": EVIL},
        },
        "rollbackInfo": dict.fromkeys(
            ("rollbackDeploymentId", "rollbackTriggeringDeploymentId", "rollbackMessage"), EVIL
        ),
        "overrideAlarmConfiguration": {"enabled": True, "alarms": [{"name": EVIL}]},
        "ec2DeploymentOptions": {"autoScalingGroupProcessesToSuspend": [EVIL]},
        "deploymentStatusMessages": [EVIL],
    }
    put(account, "Failed", {EVIL: bad}, {"code": "ALARM_ACTIVE", "message": EVIL}, **more)


@pytest.mark.parametrize("form", sorted(FORMATS))
@pytest.mark.parametrize("status", ["Failed", "InProgress"])
def test_every_text_of_a_deployment_is_hostile_and_stays_text(form: str, status: str) -> None:
    def scenario(account: Account) -> None:
        hostile(account)
        account.state("eu-west-1").deployments[ID].info["status"] = status

    with world(scenario, config=PATIENT) as (aws, _):
        shown = diagnose(aws, deployment=ID).render(form)
    assert ID in shown
    assert "AKIAIOSFODNN7EXAMPLE" not in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    if form in ("html", "github", "markdown"):
        outside = re.sub(r"(`+).*?\1", "", shown)  # what is code is shown as it is
        assert "<script" not in outside
        assert "[a](javascript" not in outside or form == "html"
    if form == "json":
        SCHEMA.validate(json.loads(shown))
