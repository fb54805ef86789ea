"""What else a deployment says of itself: its constraint, its rollback, who stopped it, what it waits for."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from codedeploy_sandbox import Error, Fault
from codedeploy_sandbox.app import OPERATIONS
from codedeploy_sandbox.hosts.agent import EVENTS
from codedeploy_sandbox.plays import TOO_FEW
from codedeploy_sandbox.scenarios import find
from codedeploy_sandbox.scenarios.records import failed, put, target
from codedeploy_sandbox.state import Account, Call

from runbooks import diagnose, why
from runbooks.checks._causes import causes
from runbooks.checks._constraint import judged
from runbooks.facts.deployments import PREDEFINED, Event, Target
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Finding, Verdict
from runbooks.report import Report
from tests.support.findings import assert_sound
from tests.support.world import PATIENT, world

ID = "d-SHOPWEB01"
AT = datetime(2026, 1, 15, 11, 40, tzinfo=UTC)


def story(
    status: str = "Failed",
    targets: dict[str, dict[str, Any]] | None = None,
    error: dict[str, str] | None = None,
    **more: Any,
) -> Any:
    """A scenario in which the deployment is like this."""

    def scenario(account: Account) -> None:
        find("healthy")(account)
        error_ = TOO_FEW if status == "Failed" and error is None else error
        put(account, status, targets or {}, error_, **more)

    return scenario


@dataclass(frozen=True)
class Says:
    """An answer of AWS that the sandbox does not give by itself."""

    api: str
    answer: dict[str, Any]


def says(api: str, **answer: Any) -> Says:
    return Says(api, answer)


def asked(scenario: Any, other: Iterable[Fault | Says] = (), **about: Any) -> Report:
    others = list(other)
    answers: dict[tuple[str, str], Any] = {
        ("cloudtrail" if one.api == "LookupEvents" else "codedeploy", one.api): partial(_answer, one.answer)
        for one in others
        if isinstance(one, Says)
    }
    faults = [one for one in others if isinstance(one, Fault)]
    with patch.dict(OPERATIONS, answers), world(scenario, faults, config=PATIENT) as (aws, _):
        report = diagnose(aws, **about) if about else why(aws, ID)
    for finding in report.findings:
        assert_sound(finding)
    return report


def _answer(answer: dict[str, Any], call: Call, **asked: Any) -> dict[str, Any]:
    return answer


def of(report: Report, check: str) -> list[Finding]:
    return next(found for each, found in report.results.items() if each.id == check)


def gone(name: str, event: str = "Install", **said: str) -> dict[str, Any]:
    return failed(name, event, said, AT)


# The constraint


def info(
    overview: dict[str, int], status: str = "Failed", code: str = "HEALTH_CONSTRAINTS"
) -> dict[str, Any]:
    return {"status": status, "deploymentOverview": overview, "errorInformation": {"code": code}}


@pytest.mark.parametrize(
    ("kind", "value", "overview", "verdict", "code", "part"),
    [
        # the two examples of botocore's model, of nine instances
        ("HOST_COUNT", 6, {"Succeeded": 6, "Failed": 3}, WARN, "others-are-unhealthy", "6 of 9 targets healthy, so at most 3"),
        ("HOST_COUNT", 6, {"Succeeded": 5, "Failed": 4}, FAIL, "too-many-failed", "at most 3 may fail: 5 succeeded, 4 failed."),
        ("FLEET_PERCENT", 40, {"Succeeded": 4, "Failed": 5}, WARN, "others-are-unhealthy", "4 of 9 targets healthy (40 %, rounded up)"),
        ("FLEET_PERCENT", 40, {"Succeeded": 3, "Failed": 6}, FAIL, "too-many-failed", "so at most 5 may fail"),
        ("FLEET_PERCENT", 45, {"Failed": 1, "Skipped": 8}, FAIL, "too-few-succeeded", "5 of 9 targets healthy (45 %, rounded up)"),
        # at the edge: all of them
        ("HOST_COUNT", 8, {"Failed": 1, "Skipped": 8}, FAIL, "too-few-succeeded", "at most 1 may fail"),
        ("HOST_COUNT", 9, {"Failed": 1, "Skipped": 8}, FAIL, "can-never-hold", "and 8 were skipped"),
        ("FLEET_PERCENT", 95, {"Failed": 1, "Skipped": 8}, FAIL, "can-never-hold", "none may fail"),
        ("FLEET_PERCENT", 0, {"Failed": 9}, FAIL, "too-many-failed", "fails only when none of 9 targets succeeds: 0 succeeded"),
    ],
)  # fmt: skip
def test_the_constraint_is_said_in_numbers(
    kind: str, value: int, overview: dict[str, int], verdict: Verdict, code: str, part: str
) -> None:
    finding = judged("ours", {"type": kind, "value": value}, info(overview))
    assert (finding.verdict, finding.code) == (verdict, code)
    assert part in finding.says


def test_a_count_has_a_fix_and_a_report_shows_that_of_the_cause_alone() -> None:
    report = asked("deployment-script-failed")
    assert all(finding.fix for finding in report.findings if finding.verdict is FAIL)
    assert str(report).count("fix  ") == 1
    assert "Fix what failed on its targets" not in str(report)


@pytest.mark.parametrize(
    ("name", "overview", "status", "verdict"),
    [
        ("OneAtATime", {"Failed": 1, "Succeeded": 8}, "Succeeded", OK),  # only the last one failed
        ("OneAtATime", {"Failed": 2, "Succeeded": 1}, "Failed", FAIL),
        ("OneAtATime", {"Failed": 1}, "Failed", FAIL),
        ("HalfAtATime", {"Failed": 2, "Succeeded": 3}, "Succeeded", OK),
        ("HalfAtATime", {"Failed": 3, "Succeeded": 2}, "Failed", FAIL),
        ("AllAtOnce", {"Failed": 4, "Succeeded": 1}, "Succeeded", OK),
        ("AllAtOnce", {"Failed": 5}, "Failed", FAIL),
    ],
)
def test_the_configurations_of_every_account_are_known(
    name: str, overview: dict[str, int], status: str, verdict: Verdict
) -> None:
    whole = f"CodeDeployDefault.{name}"
    code = "HEALTH_CONSTRAINTS" if status == "Failed" else ""
    finding = judged(whole, PREDEFINED[whole], info(overview, status, code))
    assert finding.verdict is verdict, finding.says
    assert finding.code != "can-never-hold"


def test_a_configuration_of_ones_own_is_asked_for() -> None:
    rule = {"deploymentConfigName": "ours", "minimumHealthyHosts": {"type": "HOST_COUNT", "value": 1}}
    scenario = story(targets={"web-01": gone("web-01")}, deploymentConfigName="ours")
    (finding,) = of(
        asked(scenario, [says("GetDeploymentConfig", deploymentConfigInfo=rule)]),
        "deployment-kept-enough-targets-healthy",
    )
    assert finding.says.startswith("ours keeps at least 1 of 1 target healthy, so none may fail")
    assert finding.code.endswith("/can-never-hold")
    missing = Fault(
        "codedeploy:GetDeploymentConfig", Error("DeploymentConfigDoesNotExistException", "no", 400)
    )
    (finding,) = of(asked(scenario, [missing]), "deployment-kept-enough-targets-healthy")
    assert (finding.verdict, "is not there any more" in finding.says) == (SKIP, True)
    zonal = rule | {"zonalConfig": {"monitorDurationInSeconds": 1}}
    (finding,) = of(
        asked(scenario, [says("GetDeploymentConfig", deploymentConfigInfo=zonal)]),
        "deployment-kept-enough-targets-healthy",
    )
    assert "one Availability Zone at a time" in finding.says


def test_ecs_and_lambda_have_no_such_constraint() -> None:
    report = asked(story(targets={"web-01": gone("web-01")}, computePlatform="ECS"))
    assert of(report, "deployment-kept-enough-targets-healthy")[0].verdict is SKIP


# Causes


def test_hosts_that_differ_only_in_ids_and_times_failed_alike() -> None:
    def one(name: str, message: str, tail: str) -> Target:
        event = Event("Install", "Failed", datetime(2026, 1, 15), None, "ScriptFailed", "x.sh", message, tail)
        return Target(name, True, "Failed", (event,))

    alike = [
        one("web-01", "web-01: pid 4711 died", "2026-01-15 11:00 0a1b2c3d4e gone"),
        one("web-02", "web-02: pid 12 died", "2026-01-15 11:07 ffee2c3d4e gone"),
    ]
    assert [len(cause.targets) for cause in causes(alike)] == [2]
    assert len(causes([*alike, one("web-03", "web-03: pid 1 died", "disk is full")])) == 2


def test_an_event_without_a_start_is_an_agent_that_was_not_heard() -> None:
    silent = gone("web-01", EVENTS[0])
    del silent["instanceTarget"]["lifecycleEvents"][0]["startTime"]
    (finding,) = of(asked(story(targets={"web-01": silent})), "deployment-targets-succeeded")
    assert "It never started: no agent took it." in finding.says
    assert finding.next == "/symptoms/agent-not-heard/"
    assert [lead.about for lead in finding.leads] == ["web-01"]
    assert "agent-is-running" in finding.leads[0].checks


def test_the_revision_of_an_old_script_is_named() -> None:
    before = {"revisionType": "S3", "s3Location": {"bucket": "shop-revisions", "key": "web/1.4.1.zip"}}
    scenario = story(targets={"web-01": gone("web-01", EVENTS[0])}, previousRevision=before)
    (finding,) = of(asked(scenario), "deployment-targets-succeeded")
    assert "successfully (s3://shop-revisions/web/1.4.1.zip), not of this one" in finding.fix
    assert "--ignore-application-stop-failures" in finding.fix


def test_what_is_wrong_with_the_host_is_not_put_down_to_the_last_revision() -> None:
    event = gone("web-01", EVENTS[0])
    event["instanceTarget"]["lifecycleEvents"][0]["diagnostics"] = {
        "errorCode": "UnknownError",
        "message": "Read-only file system @ dir_s_mkdir - /opt/codedeploy-agent/deployment-root/ongoing-deployment",
    }
    (finding,) = of(asked(story(targets={"web-01": event})), "deployment-targets-succeeded")
    assert finding.next == "/symptoms/read-only-fs/"
    assert "last revision" not in finding.fix


def test_a_script_that_is_missing_in_the_last_revision_is_not_to_be_corrected_in_the_new_one() -> None:
    event = gone("web-01", EVENTS[0])
    event["instanceTarget"]["lifecycleEvents"][0]["diagnostics"] = {
        "errorCode": "ScriptMissing",
        "scriptName": "scripts/stop.sh",
        "message": "Script does not exist at specified location: /opt/x/scripts/stop.sh",
    }
    (finding,) = of(asked(story(targets={"web-01": event})), "deployment-targets-succeeded")
    assert finding.fix.startswith("ApplicationStop runs the script of the last revision")
    assert "the bundle" not in finding.fix


# The whole


def whole(report: Report) -> list[Finding]:
    return of(report, "deployment-succeeded")


def test_a_rollback_names_what_it_rolls_back() -> None:
    info = {"rollbackTriggeringDeploymentId": "d-SHOPWEB00", "rollbackMessage": "Back"}
    scenario = story("Succeeded", creator="codeDeployRollback", rollbackInfo=info)
    done, rollback = whole(asked(scenario))
    assert (done.verdict, rollback.verdict, rollback.about) == (OK, WARN, "d-SHOPWEB00")
    assert (
        "is a rollback: d-SHOPWEB00 failed or was stopped. For the cause of that: `runbooks why d-SHOPWEB00 --sandbox scenario`. Back."
        in rollback.says
    )
    assert (
        "another deployment failed or was stopped."
        in whole(asked(story("Succeeded", creator="codeDeployRollback")))[1].says
    )


def test_the_alarms_are_named() -> None:
    error = {"code": "ALARM_ACTIVE", "message": "One or more alarms have been activated"}
    own = {"enabled": True, "alarms": [{"name": "web-5xx"}, {"name": "web-latency"}]}
    report = asked(story("Stopped", error=error, overrideAlarmConfiguration=own))
    assert whole(report)[1].says == f"{ID} watches the alarms web-5xx, web-latency."
    assert whole(report)[2].says == "Not in ALARM any more: web-5xx, web-latency."
    group = {"deploymentGroupName": "web", "alarmConfiguration": {"alarms": [{"name": "of-the-group"}]}}
    report = asked(story("Stopped", error=error), [says("GetDeploymentGroup", deploymentGroupInfo=group)])
    assert whole(report)[1].says == f"{ID} watches the alarms of-the-group."
    watched, active = whole(asked("deployment-alarm-active"))[1:]
    assert watched.says == f"{ID} watches the alarms web-errors."
    assert active.says == "In ALARM now: web-errors."


def test_the_new_members_are_shown_and_explained() -> None:
    options = {"autoScalingGroupProcessesToSuspend": ["Terminate", "AZRebalance"]}
    error = {"code": "AUTO_SCALING_IAM_ROLE_PERMISSIONS", "message": "no"}
    scenario = story(error=error, deploymentMode="RESTART", ec2DeploymentOptions=options)
    (finding,) = whole(asked(scenario))
    assert "Its mode is RESTART: it restarts the application" in finding.says
    assert "While it ran, it suspended in Auto Scaling: Terminate, AZRebalance." in finding.says
    assert "autoscaling:ResumeProcesses and autoscaling:SuspendProcesses" in finding.fix


_IN = "does not give you permission to perform operations in the following AWS service: {}. Contact"
_COPY = {"greenFleetProvisioningOption": {"action": "COPY_AUTO_SCALING_GROUP"}}
_GREEN = {"deploymentStyle": {"deploymentType": "BLUE_GREEN"}, "blueGreenDeploymentConfiguration": _COPY}
_SUSPENDED = {"ec2DeploymentOptions": {"autoScalingGroupProcessesToSuspend": ["Terminate"]}}


@pytest.mark.parametrize(
    ("code", "service", "members", "named", "not_named"),
    [
        ("AUTO_SCALING_IAM_ROLE_PERMISSIONS", "AmazonAutoScaling", _SUSPENDED, "SuspendProcesses", "CreateAutoScalingGroup"),
        ("AUTO_SCALING_IAM_ROLE_PERMISSIONS", "AmazonAutoScaling", _GREEN, "needs autoscaling:CreateAutoScalingGroup, and with", "SuspendProcesses"),
        ("IAM_ROLE_PERMISSIONS", "AmazonAutoScaling", _SUSPENDED, "SuspendProcesses", "CreateAutoScalingGroup"),
        ("IAM_ROLE_PERMISSIONS", "AmazonEC2", _SUSPENDED, "", "SuspendProcesses"),
        ("IAM_ROLE_PERMISSIONS", "AmazonEC2", _GREEN, "", "CreateAutoScalingGroup"),
    ],
)  # fmt: skip
def test_the_fix_names_the_actions_of_the_service_that_refused(
    code: str, service: str, members: dict[str, Any], named: str, not_named: str
) -> None:
    error = {"code": code, "message": _IN.format(service)}
    (finding,) = whole(asked(story(error=error, **members)))
    assert named in finding.fix
    assert not_named not in finding.fix


@pytest.mark.parametrize(
    ("status", "more", "part"),
    [
        ("InProgress", {}, "It has run since 2026-01-15 10:45 UTC (75 minutes)."),
        ("InProgress", {"deploymentStatusMessages": ["Draining"]}, "(75 minutes). Draining."),
        ("InProgress", {"instanceTerminationWaitTimeStarted": True}, "CodeDeploy terminates the original."),
        (
            "Ready",
            {
                "blueGreenDeploymentConfiguration": {
                    "deploymentReadyOption": {"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 90}
                }
            },
            "waits for traffic to be rerouted; after 90 minutes without that, CodeDeploy stops the deployment.",
        ),
        ("Baking", {}, "It has watched the new revision since"),
    ],
)
def test_one_that_runs_says_what_it_waits_for(status: str, more: dict[str, Any], part: str) -> None:
    (finding,) = whole(asked(story(status, {"web-01": target("web-01", "Pending", {})}, **more)))
    assert finding.verdict is UNKNOWN
    assert part in finding.says


# Who stopped it, and what blocks it


def test_who_stopped_it_is_in_cloudtrail() -> None:
    event = {
        "eventTime": "2026-01-15T11:30:00Z",
        "eventName": "StopDeployment",
        "userIdentity": {"arn": "arn:aws:iam::111122223333:user/sam"},
        "userAgent": "aws-cli/2.36 x",
        "sourceIPAddress": "198.51.100.7",
        "requestParameters": {"deploymentId": ID},
    }
    other = event | {"requestParameters": {"deploymentId": "d-OTHER0000"}}
    records = [{"CloudTrailEvent": json.dumps(one)} for one in (event, other)]
    trail = says("LookupEvents", Events=records)
    (finding,) = of(asked("deployment-stopped", [trail]), "deployment-was-not-stopped")
    assert finding.says == (
        f"arn:aws:iam::111122223333:user/sam stopped {ID} at 2026-01-15 11:30 UTC, by aws-cli/2.36 from 198.51.100.7."
    )
    nothing = says("LookupEvents", Events=[])
    (finding,) = of(asked("deployment-stopped", [nothing]), "deployment-was-not-stopped")
    assert (finding.verdict, "is not known" in finding.says) == (UNKNOWN, True)


def test_the_scenario_of_a_stop_shows_who_did_it() -> None:
    (finding,) = of(asked("deployment-stopped"), "deployment-was-not-stopped")
    assert finding.verdict is FAIL
    assert finding.says.startswith(
        f"arn:aws:iam::111122223333:user/dana stopped {ID} at 2026-01-15 11:45 UTC"
    )


def test_a_code_that_says_why_it_was_stopped_needs_no_record_of_a_call() -> None:
    (finding,) = of(asked("deployment-alarm-active"), "deployment-was-not-stopped")
    assert finding.verdict is SKIP
    assert "CodeDeploy says why d-SHOPWEB01 was stopped: ALARM_ACTIVE." in finding.says
    (stopped,) = of(asked("deployment-stopped"), "deployment-targets-succeeded")
    assert stopped.says == "1 of 1 target (web-01) was skipped: the deployment was stopped."


def test_the_deployment_that_blocks_it_is_named_only_while_it_waits() -> None:
    started = Fault("codedeploy:ListDeploymentTargets", Error("DeploymentNotStartedException", "no", 400))
    others = says("ListDeployments", deployments=[ID, "d-OTHER0000"])
    report = asked(story("Queued"), [started, others])
    (finding,) = of(report, "deployment-is-not-blocked")
    assert (finding.verdict, finding.about) == (FAIL, "d-OTHER0000")
    assert (
        of(report, "deployment-targets-succeeded")[0].says
        == f"{ID} has not started, so it has no targets yet."
    )
    (finding,) = of(
        asked(story("Queued"), [started, says("ListDeployments", deployments=[ID])]),
        "deployment-is-not-blocked",
    )
    assert finding.verdict is OK
    report = asked(story("InProgress"), [others])
    assert of(report, "deployment-is-not-blocked")[0].verdict is SKIP


# What is read


def test_a_list_that_changes_is_read_once_more() -> None:
    gone_ = Error("DeploymentTargetDoesNotExistException", "no", 400)
    once = Fault("codedeploy:BatchGetDeploymentTargets", gone_, times=1)
    assert of(asked("healthy", [once]), "deployment-targets-succeeded")[0].verdict is OK
    short = says("BatchGetDeploymentTargets", deploymentTargets=[])
    for fault in (Fault("codedeploy:BatchGetDeploymentTargets", gone_), short):
        (finding,) = of(asked("healthy", [fault]), "deployment-targets-succeeded")
        assert finding.verdict is UNKNOWN
        assert "changed while they were read" in finding.says


def test_where_targets_are_refused_the_older_operations_are_asked() -> None:
    said = {"errorCode": "ScriptFailed", "message": "exit code 1"}
    event = {
        "lifecycleEventName": "Install",
        "status": "Failed",
        "startTime": AT,
        "diagnostics": said,
    }
    instance = "arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0"
    summary = {"deploymentId": ID, "instanceId": instance, "status": "Failed", "lifecycleEvents": [event]}
    faults: list[Fault | Says] = [
        Fault("codedeploy:ListDeploymentTargets", Error("AccessDeniedException", "no", 403)),
        says("ListDeploymentInstances", instancesList=["i-0123456789abcdef0"]),
        says("BatchGetDeploymentInstances", instancesSummary=[summary]),
    ]
    (finding,) = of(asked("healthy", faults), "deployment-targets-succeeded")
    assert finding.says.startswith(
        "1 of 1 target (i-0123456789abcdef0) failed at Install with ScriptFailed. exit code 1."
    )


# The group


def group(**more: Any) -> Says:
    return says("GetDeploymentGroup", deploymentGroupInfo={"deploymentGroupName": "web", **more})


def test_the_last_deployment_of_a_group_is_explained_if_it_failed() -> None:
    last = {"deploymentId": ID, "status": "Failed", "endTime": AT}
    good = {"deploymentId": "d-SHOPWEB00", "status": "Succeeded"}
    answer = group(lastAttemptedDeployment=last, lastSuccessfulDeployment=good)
    report = asked("deployment-script-failed", [answer], deployment_group="shop/web")
    (finding,) = of(report, "last-deployment-of-the-group-succeeded")
    assert finding.says == (
        f"The last deployment of shop/web, {ID}, failed at 2026-01-15 11:40 UTC. The last one that succeeded is d-SHOPWEB00."
    )
    assert "ScriptFailed in scripts/start.sh" in of(report, "deployment-targets-succeeded")[0].says
    assert report.coverage.endswith(f"Checked in more detail: {ID}.")
    assert report.again == "runbooks diagnose shop/web --sandbox deployment-script-failed"
    assert report.contents.subject == "shop/web"


@pytest.mark.parametrize(
    ("more", "verdict"),
    [
        ({"lastAttemptedDeployment": {"deploymentId": ID, "status": "Succeeded"}}, OK),
        ({"lastAttemptedDeployment": {"deploymentId": ID, "status": "InProgress"}}, UNKNOWN),
        ({}, SKIP),
    ],
)
def test_a_group_whose_last_deployment_did_not_fail(more: dict[str, Any], verdict: Verdict) -> None:
    report = asked("healthy", [group(**more)], deployment_group="shop/web")
    assert of(report, "last-deployment-of-the-group-succeeded")[0].verdict is verdict


def test_a_group_that_is_not_there() -> None:
    report = asked("healthy", deployment_group="shop/nope")
    (finding,) = of(report, "last-deployment-of-the-group-succeeded")
    assert (finding.verdict, finding.next) == (FAIL, "/exceptions/DeploymentGroupDoesNotExistException/")
