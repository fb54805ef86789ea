"""A deployment that is diagnosed alone: what CodeDeploy says, then the checks that its causes call for."""

from datetime import UTC, datetime
from typing import Any

import pytest
from codedeploy_sandbox import Delay, Fault
from codedeploy_sandbox.plays import TOO_FEW
from codedeploy_sandbox.scenarios import find
from codedeploy_sandbox.scenarios.records import failed, put
from codedeploy_sandbox.state import Account, Deployment

from runbooks import diagnose, engine, why
from runbooks.diagnosis import MOST_LEADS
from runbooks.findings import FAIL, OK, SKIP
from runbooks.report import Report
from tests.support.world import PATIENT, world

ID = "d-SHOPWEB01"
SILENT = "CodeDeploy agent was not able to receive the lifecycle event"
AT = datetime(2026, 1, 15, 11, tzinfo=UTC)


def fleet(causes: dict[str, str], base: str = "healthy") -> Any:
    """A deployment in which each host failed with this message."""

    def scenario(account: Account) -> None:
        find(base)(account)
        targets = {
            name: failed(name, "ApplicationStop", {"errorCode": "UnknownError", "message": message}, AT)
            for name, message in causes.items()
        }
        put(account, "Failed", targets, TOO_FEW)

    return scenario


def asked(scenario: Any, **about: Any) -> Report:
    with world(scenario, config=PATIENT) as (aws, _):
        return diagnose(aws, **about or {"deployment": ID})


def ran(report: Report) -> set[str]:
    return {check.id for check, verdict, _ in report.checks if verdict is not SKIP}


def test_the_host_that_failed_is_checked_by_what_its_cause_calls_for() -> None:
    report = asked(fleet({"web-01": SILENT}, "agent-stopped"))
    (found,) = [found for check, found in report.results.items() if check.id == "agent-is-running"]
    assert found[0].verdict is FAIL
    assert "web-01" in found[0].says + found[0].about
    assert report.coverage.endswith(" Checked in more detail: web-01.")
    assert "caller-may-register" not in ran(report)
    assert report.exit_code == 1


def test_the_group_of_a_deployment_is_checked_where_its_code_calls_for_that() -> None:
    def scenario(account: Account) -> None:
        find("group-alarm-active")(account)
        put(account, "Stopped", {}, {"code": "ALARM_ACTIVE", "message": "An alarm was active."})

    report = asked(scenario)
    (found,) = [f for check, f in report.results.items() if check.id == "alarms-of-the-group-are-quiet"]
    assert "web-errors" in found[0].says
    assert found[0].verdict is FAIL
    assert report.coverage.endswith(" Checked in more detail: shop/web.")


@pytest.mark.parametrize("ask", [diagnose, why])
def test_the_head_of_the_report_says_what_was_deployed(ask: Any) -> None:
    with world("deployment-script-failed", config=PATIENT) as (aws, _):
        report = ask(aws, deployment=ID)
        gone = ask(aws, deployment="d-UNKNOWN00")
    said = (
        "Failed: d-SHOPWEB01 of shop/web (s3://shop-revisions/web/1.4.2.zip, by a user, created 2026-01-15 10:45 UTC,"
        " started 10:45 UTC, ended 11:45 UTC, took 1 h 0 min)"
    )
    assert report.deployed == said
    assert " ".join(str(report).split()).count(said) == 1
    assert str(report).startswith("Failed: d-SHOPWEB01 of shop/web (") is (ask is why)
    assert gone.deployed == ""


def test_the_head_waits_for_nothing() -> None:
    with world("deployment-script-failed", [Fault("codedeploy:GetDeployment", Delay(5))], config=PATIENT) as (
        aws,
        _,
    ):
        report = why(aws, ID, timeout=0.3)
    assert report.deployed == ""


def test_a_revision_that_the_host_did_not_find_is_looked_up() -> None:
    report = asked("deployment-revision-gone")
    (found,) = [f for check, f in report.results.items() if check.id == "revision-of-the-group-is-there"]
    assert (found[0].verdict, found[0].about) == (FAIL, "s3://shop-revisions/web/1.4.2.zip")


def test_a_code_that_only_counts_has_no_group_checked() -> None:
    assert "shop/web" not in asked(fleet({"web-01": SILENT})).note


def test_of_hosts_that_failed_alike_one_is_checked() -> None:
    report = asked(fleet(dict.fromkeys(("web-01", "web-02", "batch-01"), SILENT)))
    assert "Checked in more detail: batch-01 (1 of 3 that failed alike)." in report.coverage
    abouts = {f.about for found in report.results.values() for f in found if f.code.startswith("agent-")}
    assert not abouts & {"web-01", "web-02"}


def test_no_more_than_three_hosts_are_checked_and_the_rest_is_said() -> None:
    words = ("disk is full", "proxy was down", "rack has moved", "power is out", "switch needs care")
    causes = {f"web-0{number}": f"{SILENT}, the {why}" for number, why in enumerate(words, 1)}
    report = asked(fleet(causes))
    assert MOST_LEADS == 3
    assert report.coverage.endswith(
        "web-01, web-02. Could not be checked in more detail: web-03; 2 more that failed otherwise were not."
    )


def test_why_asks_no_host() -> None:
    with world(fleet({"web-01": SILENT}), config=PATIENT) as (aws, _):
        report = why(aws, ID)
    assert not report.note
    assert all(check.category == "deployment" for check in report.results)


def test_a_deployment_beside_an_instance_is_one_of_all_questions() -> None:
    report = asked(fleet({"web-01": SILENT}), deployment=ID, instance="web-02")
    assert not report.note
    assert "caller-may-list" in ran(report)


def test_ecs_has_the_chain_and_no_hosts() -> None:
    event = {"lifecycleEventName": "AllowTraffic", "status": "Failed", "diagnostics": {"message": SILENT}}

    def scenario(account: Account) -> None:
        find("healthy")(account)
        put(account, "Failed", {}, TOO_FEW, computePlatform="ECS")
        made = account.state("eu-west-1").deployments[ID]
        service = {"targetId": "shop:web", "status": "Failed", "lifecycleEvents": [event]}
        ecs = {"deploymentTargetType": "ECSTarget", "ecsTarget": service}
        account.state("eu-west-1").deployments[ID] = Deployment(made.info, {"shop:web": ecs})

    report = asked(scenario)
    assert not report.note
    assert "1 of 1 target (shop:web) failed at AllowTraffic" in report.contents.problems[0].says[0]


@pytest.mark.parametrize("name", ["web 01", "<b>", "a" * 101, "--instance"])
def test_a_host_whose_name_cannot_be_one_is_not_asked_about(name: str) -> None:
    report = asked(fleet({name: SILENT}))
    assert not [lead for finding in report.findings for lead in finding.leads if lead.about != "--instance"]
    assert report.exit_code & 1


def test_the_time_is_shared_by_both_steps() -> None:
    slow = Fault("codedeploy:GetDeployment", Delay(0.6))
    with world(fleet({"web-01": SILENT}), [slow], config=PATIENT) as (aws, _):
        report = diagnose(aws, deployment=ID, timeout=0.3)
    assert not report.note
    assert all(check.category == "deployment" for check in report.results)
    assert any("not done within 0.3 s" in finding.says for finding in report.findings)


def test_after_an_interrupt_the_second_step_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    run_all = engine.run_all

    def interrupted(checks: Any, aws: Any, timeout: float, progress: Any, **more: Any) -> Any:
        steps.append(len(checks))

        def stop(done: int, total: int) -> None:
            if done == 1:
                raise KeyboardInterrupt

        return run_all(checks, aws, timeout, stop, **more)

    monkeypatch.setattr(engine, "run_all", interrupted)
    with world(fleet({"web-01": SILENT}), config=PATIENT) as (aws, _):
        report = diagnose(aws, deployment=ID)
    assert steps[1:] in ([], [0])
    assert any("interrupted" in finding.says for finding in report.findings)


HEALTH, FIRST = "targets-of-the-group-are-healthy", "i-149119d344fe08d6a"


def test_behind_a_load_balancer_the_target_and_the_host_that_failed_are_checked() -> None:
    report = asked("deployment-traffic-not-allowed")
    (cause,) = [f for check, f in report.results.items() if check.id == "deployment-targets-succeeded"]
    (failed_,) = [finding for finding in cause if finding.verdict is FAIL]
    assert f"({FIRST}) failed at AllowTraffic" in failed_.says
    assert failed_.next == "/symptoms/elb-traffic/"
    (health,) = [found for check, found in report.results.items() if check.id == HEALTH]
    assert (health[0].verdict, health[0].about) == (FAIL, FIRST)
    assert "Health checks failed with these codes: [500]" in health[0].says
    verdicts = {check.id: verdict for check, verdict, _ in report.checks}
    assert verdicts["ec2-instance-is-running"] is OK
    assert verdicts["hook-scripts-of-the-last-deployment-ended-well"] is OK  # the scripts are not to blame
    assert report.coverage.endswith(f" Checked in more detail: {FIRST}.")


def test_a_script_that_failed_behind_a_load_balancer_leaves_the_instance_taken_out() -> None:
    report = asked("deployment-script-failed-in-ec2")
    (ended,) = [
        found
        for check, found in report.results.items()
        if check.id == "hook-scripts-of-the-last-deployment-ended-well"
    ]
    assert (ended[0].verdict, FIRST in ended[0].says) == (FAIL, True)
    (health,) = [found for check, found in report.results.items() if check.id == HEALTH]
    assert [(f.code.partition("/")[2], f.about) for f in health if f.verdict is FAIL] == [
        ("taken-out", FIRST)
    ]


def test_why_names_the_target_that_got_no_traffic() -> None:
    with world("deployment-traffic-not-allowed", config=PATIENT) as (aws, _):
        report = why(aws, ID)
    assert f"({FIRST}) failed at AllowTraffic with UnknownError" in str(report).replace("\n         ", " ")
    assert all(check.category == "deployment" for check in report.results)


def test_a_deployment_that_auto_scaling_began_has_its_launches_checked() -> None:
    def scenario(account: Account) -> None:
        find("deployment-script-failed-in-ec2")(account)
        account.at_start.append(lambda _: began(account))

    def began(account: Account) -> None:
        account.state("eu-west-1").deployments[ID].info["creator"] = "autoscaling"

    assert "auto-scaling-groups-keep-what-they-launch" in ran(asked(scenario))
    assert "auto-scaling-groups-keep-what-they-launch" not in ran(asked("deployment-script-failed-in-ec2"))
