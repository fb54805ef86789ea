"""Which targets of a deployment failed alike, and what is said of each cause."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from codedeploy_sandbox import Error, Fault
from codedeploy_sandbox.scenarios.records import target

from runbooks.checks._causes import causes
from runbooks.checks._constraint import judged, waiting
from runbooks.checks._log import quoted
from runbooks.diagnosis import diagnose
from runbooks.facts.deployments import Event, Target
from runbooks.findings import FAIL, UNKNOWN, WARN, CouldNotCheck, Finding
from runbooks.report import Report
from tests.checks.test_deployment_facts import AT, asked, gone, info, of, says, story, whole
from tests.support.world import PATIENT, world


def host(name: str, code: int = 1, tail: str = "", message: str = "", **more: Any) -> Target:
    message = message or f"Script at specified location: a.sh failed with exit code {code}"
    event = Event("Install", "Failed", datetime(2026, 1, 15), None, "ScriptFailed", "a.sh", message, tail)
    return Target(name, True, "Failed", (event,), **more)


def groups(*targets: Target) -> list[list[str]]:
    return [[target.id for target in cause.targets] for cause in causes(targets)]


# Alike


def test_another_exit_code_is_another_cause_with_its_own_fix() -> None:
    found = causes([host(f"web-{code}", code) for code in (1, 126, 127, 137)])
    assert len(found) == 4
    assert len({cause.known and cause.known.do for cause in found}) == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http 403", "http 500"),
        ("HTTP/1.1 403", "HTTP/1.1 500"),
        ('{"status": 403}', '{"status": 500}'),
        ("The requested URL returned error: 404", "The requested URL returned error: 503"),
        ("answered 403 Forbidden", "answered 500 Internal Server Error"),
        ("connect to port 5432 refused", "connect to port 6379 refused"),
        ("dial tcp 10.0.0.1:5432: refused", "dial tcp 10.0.0.1:6379: refused"),
        ("ORA-01017: denied", "ORA-12541: denied"),
        ("installer returned 1603", "installer returned 1618"),
        ("HRESULT 0x80070005", "HRESULT 0x80070002"),
        ("scripts/start.sh: line 3: x", "scripts/start.sh: line 9: x"),
    ],
)
def test_a_number_that_names_an_error_tells_causes_apart(one: str, other: str) -> None:
    assert groups(host("a", tail=one), host("b", tail=other)) == [["a"], ["b"]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pid 4711 died", "pid 12 died"),
        ("2026-01-15 11:00:01 gone", "2026-01-15 11:07:59 gone"),
        ("took 403 ms", "took 17 ms"),
        ("ip-10-0-0-1 failed", "ip-10-0-31-7 failed"),
        ("host a.example.com is full", "host b.example.com is full"),
        ("a: disk is full", "b: disk is full"),
    ],
)
def test_what_is_the_hosts_own_does_not(one: str, other: str) -> None:
    alike = groups(host("a.example.com", tail=one), host("b.example.com", tail=other))
    assert alike == [["a.example.com", "b.example.com"]]


def test_hosts_whose_names_are_letters_alone_failed_alike() -> None:
    names = [chr(97 + number % 26) * 3 + chr(97 + number // 26) for number in range(60)]
    found = causes(
        [host(f"i-{number:017x}", tail=f"host {name} failed") for number, name in enumerate(names)]
    )
    assert [len(cause.targets) for cause in found] == [60]
    assert found[0].words[:2] == ("aaaa", "bbba")


def test_two_texts_that_differ_in_a_word_are_two_causes() -> None:
    """From three on it is taken for a name, and then the words are said."""
    two = [host("i-1", tail="disk is full"), host("i-2", tail="disk is gone")]
    assert len(causes(two)) == 2
    assert len(causes([*two, host("i-3", tail="port is gone")])) == 3


def test_the_words_in_which_the_texts_differ_are_said() -> None:
    named = {
        f"web-0{n}": gone("web-0" + str(n), message=f"no answer of {name}") for n, name in enumerate("xyz")
    }
    (finding,) = of(asked(story(targets=named)), "deployment-targets-succeeded")
    assert "3 of 3 targets" in finding.says
    assert finding.says.endswith("In their texts one word differs: x, y, z.")


def test_a_thousand_long_logs_are_compared_in_a_moment() -> None:
    tail = "[stderr]" + "a-b c d e f g h i j k l " * 40
    many = [host(f"i-{number:017x}", tail=f"{tail}{chr(97 + number % 26)}") for number in range(750)]
    assert len(causes(many)) >= 1


# What is said of a target


def of_targets(scenario: Any, *other: Any) -> list[Finding]:
    return of(asked(scenario, other), "deployment-targets-succeeded")


def events(*rows: tuple[str, str, bool], status: str = "Failed", **said: str) -> dict[str, Any]:
    """A target with events of these names and statuses, begun or not; the last has the diagnostics."""
    made = {name: {"status": state, **({"startTime": AT} if begun else {})} for name, state, begun in rows}
    if said:
        made[rows[-1][0]]["diagnostics"] = said
    return target("web-01", status, made)


def test_an_event_whose_end_is_unknown_is_said_with_its_message() -> None:
    row = events(("BeforeInstall", "Unknown", True), errorCode="UnknownError", message="Host was terminated")
    (finding,) = of_targets(story(targets={"web-01": row}))
    assert (finding.verdict, finding.code.rpartition("/")[2]) == (FAIL, "unknownerror")
    assert "at BeforeInstall with UnknownError. That event is Unknown. Host was terminated." in finding.says


def test_the_cause_of_an_unknown_target_is_said() -> None:
    row = events(
        ("ApplicationStart", "Failed", True), status="Unknown", errorCode="ScriptTimedOut", message="slow"
    )
    (finding, *_) = of_targets(story(targets={"web-01": row}))
    assert finding.verdict is FAIL
    assert "(web-01) is Unknown; it failed at ApplicationStart with ScriptTimedOut. slow." in finding.says


def test_the_code_success_is_not_the_cause() -> None:
    (finding,) = of_targets(
        story(targets={"web-01": gone("web-01", errorCode="Success", message="Succeeded")})
    )
    assert "Its code is Success, so that does not say why." in finding.says
    assert finding.code.rpartition("/")[2] == "failed"
    assert finding.fix.startswith("Correct what the agent's log on web-01 says of ")


def test_of_several_events_the_first_that_failed_is_named() -> None:
    row = gone("web-01", "BeforeInstall", errorCode="ScriptFailed", message="first")
    later = {"lifecycleEventName": "ValidateService", "status": "Failed", "diagnostics": {"message": "later"}}
    row["instanceTarget"]["lifecycleEvents"].insert(0, later)
    (finding,) = of_targets(story(targets={"web-01": row}))
    assert "failed at BeforeInstall" in finding.says


@pytest.mark.parametrize("event", ["AllowTraffic", "BlockTraffic"])
def test_no_agent_is_missed_at_what_codedeploy_does_itself(event: str) -> None:
    failed_ = events((event, "Failed", False), errorCode="UnknownError")
    (finding,) = of_targets(story(targets={"web-01": failed_}))
    assert "agent" not in finding.says + finding.fix
    assert finding.next == "/symptoms/elb-traffic/"
    assert not [check for lead in finding.leads for check in lead.checks if "agent" in check]
    (finding,) = of_targets(story("Ready", {"web-01": events((event, "Pending", False), status="Ready")}))
    assert "agent" not in finding.says


def test_a_host_that_waits_for_its_turn_does_not_wait_for_an_agent() -> None:
    at_work = target("web-01", "InProgress", {"Install": {"status": "InProgress", "startTime": AT}})
    waits = {
        name: target(name, "Pending", {"ApplicationStop": {"status": "Pending"}})
        for name in ("web-02", "web-03")
    }
    one = "CodeDeployDefault.OneAtATime"
    pending, _ = of_targets(story("InProgress", {"web-01": at_work, **waits}, deploymentConfigName=one))
    assert pending.says.endswith("OneAtATime deploys to 1 at a time, so it is not their turn yet.")
    assert not pending.leads
    del waits["web-03"]
    *_, pending = of_targets(story("InProgress", {"web-01": at_work, **waits}, deploymentConfigName=one))
    assert pending.says.endswith("so it is not its turn yet.")
    waits["web-03"] = target("web-03", "Pending", {"ApplicationStop": {"status": "Pending"}})
    pending, _ = of_targets(story("InProgress", {"web-01": at_work, **waits}))  # all at once
    assert pending.says.endswith("no agent has taken it yet.")
    assert pending.leads


@pytest.mark.parametrize("status", ["Created", "Queued"])
def test_where_a_deployment_has_not_begun_its_targets_do_not_wait_for_an_agent(status: str) -> None:
    waits = {"web-01": target("web-01", "Pending", {"ApplicationStop": {"status": "Pending"}})}
    (pending,) = of_targets(story(status, waits))
    assert pending.says.endswith("; the deployment has not begun.")
    assert not pending.leads


def blocks(report: Report) -> list[str]:
    """The checks of the blocks that failed, in the order in which they are shown."""
    return [entry.checks[0] for entry in report.contents.problems if entry.verdict is FAIL]


def test_what_a_host_says_of_the_cause_stands_before_it() -> None:
    on_host = ("host-may-read-the-bucket", "agent-log-is-clean", "last-deployment-of-the-group-succeeded")
    with world("bucket-denied", config=PATIENT) as (aws, _):
        assert blocks(diagnose(aws, deployment="d-SHOPWEB01")) == [
            "host-may-read-the-bucket",
            "deployment-targets-succeeded",
        ]
        report = diagnose(aws, checks=on_host, instance="web-01", deployment_group="shop/web")
        assert blocks(report) == ["host-may-read-the-bucket"]
        below = [words for words, _ in report.contents.problems[0].below]
        assert below[0].startswith("The agent's log on web-01 says: “")
        assert below[1].endswith("`runbooks why d-SHOPWEB01 --sandbox bucket-denied` says why.")


@pytest.mark.parametrize(
    ("config", "total", "pending", "at_work", "part"),
    [
        ("CodeDeployDefault.OneAtATime", 3, 3, 0, "so the others wait for their turn"),
        ("CodeDeployDefault.OneAtATime", 1, 1, 0, ""),
        ("CodeDeployDefault.HalfAtATime", 4, 2, 2, "deploys to 2 at a time"),
        ("CodeDeployDefault.HalfAtATime", 4, 1, 1, ""),
        ("ours", 4, 2, 1, "or it is not their turn"),
        ("ours", 4, 4, 0, ""),
    ],
)  # fmt: skip
def test_whose_turn_it_is(config: str, total: int, pending: int, at_work: int, part: str) -> None:
    said = waiting({"deploymentConfigName": config}, total, pending, at_work)
    assert part in said
    assert bool(part) == bool(said)


@pytest.mark.parametrize(("label", "words"), [("Blue", "original (blue)"), ("GREEN", "replacement (green)")])
def test_the_environment_of_an_instance_is_named(label: str, words: str) -> None:
    row = gone("web-01", message="x")
    row["instanceTarget"]["instanceLabel"] = label
    (finding,) = of_targets(story(targets={"web-01": row}))
    assert f"(web-01) of the {words} environment failed" in finding.says


def test_who_began_the_deployment_is_in_words_with_the_fix_that_fits() -> None:
    scenario = story(targets={"web-01": gone("web-01", "ApplicationStop")}, creator="autoscalingTermination")
    report = asked(scenario)
    assert "by Auto Scaling for an instance that it terminates" in whole(report)[0].says
    (finding,) = of(report, "deployment-targets-succeeded")
    assert "--ignore-application-stop-failures" not in finding.fix
    assert "an instance that it terminates" in finding.fix
    (finding,) = of_targets(story(targets={"web-01": gone("web-01")}, creator="autoscaling"))
    assert "the instances that it launches next" in finding.fix


def test_what_codedeploy_counts_and_does_not_list_is_unknown() -> None:
    scenario = story(targets={"web-01": gone("web-01")}, deploymentOverview={"Failed": 3})
    *_, finding = of_targets(scenario)
    assert (finding.verdict, "counts 3 targets that failed and lists 1" in finding.says) == (UNKNOWN, True)


def test_a_target_without_a_status_is_counted_among_those_that_failed() -> None:
    one = gone("web-01", errorCode="ScriptFailed", message="failed with exit code 2")
    one["instanceTarget"]["status"] = "Unknown"
    found = of_targets(story(targets={"web-01": one}, deploymentOverview={"Failed": 1}))
    assert [finding.verdict for finding in found] == [FAIL]


def test_one_that_was_stopped_before_it_began_says_nothing_of_a_start() -> None:
    (finding,) = whole(asked(story("Stopped", startTime=None)))
    assert (
        "created 2026-01-15 10:45 UTC, ended 11:45 UTC) was stopped before it reached any target."
        in finding.says
    )
    assert finding.fix.startswith("Deploy the same revision again")


CLEANUP = "\n".join(f"[stdout]cleanup {number} of the old release" for number in range(60))


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("[stdout]start\n[stderr]FATAL: cannot connect to db", "[stderr]FATAL: cannot connect to db"),
        (
            "[stderr]warning: old\n[stderr]psql: error: connection refused",
            "[stderr]psql: error: connection refused",
        ),
        ("[stderr]Error: Cannot find module 'express'", "[stderr]Error: Cannot find module 'express'"),
    ],
)
def test_the_line_that_says_the_cause_is_quoted_from_the_head_of_a_log(head: str, line: str) -> None:
    says = quoted(f"LifecycleEvent - Install\n{head}\n{CLEANUP}")
    assert says.startswith(f" The log says: “{line}” It ends: “…")
    assert says.endswith("cleanup 59 of the old release”")


def test_a_log_is_cut_between_words_and_quoted_once() -> None:
    assert re.search(r"^ The log ends: “…(of|the|old|release|\||\[stdout\]cleanup|\d+) ", quoted(CLEANUP))
    assert quoted(f"{CLEANUP}\n[stderr]FATAL: last").endswith("| [stderr]FATAL: last”")
    assert quoted("[stderr]boom") == " The log ends: “[stderr]boom”"
    assert len(quoted("x" * 5000)) < 400
    assert quoted("FATAL " + "y" * 5000).count("…") == 1
    assert quoted("") == ""


def test_what_the_guide_knows_is_quoted_first() -> None:
    log = f"[stderr]FATAL: one\n[stderr]start.sh: gunicorn: command not found\n{CLEANUP}"
    assert "says: “[stderr]start.sh: gunicorn: command not found” It" in quoted(
        log, "gunicorn: command not found"
    )


# How the targets are read


DENIED = Error("AccessDeniedException", "no", 400)


def test_where_the_targets_may_be_listed_and_not_read_the_instances_are() -> None:
    denied = Fault("codedeploy:BatchGetDeploymentTargets", DENIED)
    (finding,) = of_targets(story(targets={"web-01": gone("web-01", message="x")}), denied)
    assert (finding.verdict, "(web-01) failed at Install" in finding.says) == (FAIL, True)


def test_what_aws_says_of_instances_that_it_does_not_give_is_said() -> None:
    denied = Fault("codedeploy:BatchGetDeploymentTargets", DENIED)
    answer = says("BatchGetDeploymentInstances", instancesSummary=[], errorMessage="too many")
    (finding,) = of_targets(story(targets={"web-01": gone("web-01")}), denied, answer)
    assert (finding.verdict, finding.says.endswith("that were asked for: too many")) == (UNKNOWN, True)


# The whole


def test_a_status_that_the_model_does_not_have_is_no_failure() -> None:
    report = asked(story("RollingBack", {"web-01": target("web-01", "Succeeded", {})}))
    assert whole(report)[0].verdict is UNKNOWN
    assert "is RollingBack" in whole(report)[0].says
    assert report.exit_code == 2


@pytest.mark.parametrize(("action", "stops"), [("STOP_DEPLOYMENT", True), ("CONTINUE_DEPLOYMENT", False)])
def test_only_a_deployment_that_stops_is_said_to_stop(action: str, stops: bool) -> None:
    ready = {"deploymentReadyOption": {"actionOnTimeout": action, "waitTimeInMinutes": 30}}
    report = asked(story("Ready", {"web-01": events(("AllowTraffic", "Pending", False), status="Ready")},
                         blueGreenDeploymentConfiguration=ready))  # fmt: skip
    assert ("after 30 minutes without that, CodeDeploy stops" in whole(report)[0].says) is stops


def test_a_rollback_that_failed_itself_has_its_own_cause() -> None:
    back = {"rollbackTriggeringDeploymentId": "d-SHOPWEB00"}
    report = asked(story(targets={"web-01": gone("web-01")}, creator="codeDeployRollback", rollbackInfo=back))
    says = whole(report)[-1].says
    assert (
        "is a rollback: d-SHOPWEB00 failed or was stopped. For the cause of that: `runbooks why d-SHOPWEB00 --sandbox scenario`"
        in says
    )


ALARM = {"code": "ALARM_ACTIVE", "message": "One or more alarms have been activated: cpu-high"}


@pytest.mark.parametrize("code", ["AccessDeniedException", "InternalFailure"])
def test_the_alarm_that_stopped_a_deployment_is_said_where_its_group_cannot_be_read(code: str) -> None:
    fault = Fault("codedeploy:GetDeploymentGroup", Error(code, "no", 400))
    first, *_, last = whole(
        asked(story("Stopped", {"web-01": target("web-01", "Skipped", {})}, ALARM), [fault])
    )
    assert (
        first.verdict,
        "ALARM_ACTIVE: One or more alarms have been activated: cpu-high" in first.says,
    ) == (FAIL, True)
    assert (last.verdict, "GetDeploymentGroup" in last.says) == (UNKNOWN, True)


# The constraint


def test_a_host_at_work_counts_as_one_that_is_not_healthy() -> None:
    rule = {"type": "MOST_CONCURRENCY", "value": 1}
    finding = judged("CodeDeployDefault.OneAtATime", rule, info({"Failed": 1, "Skipped": 2}))
    assert finding.says.endswith("With 1 failed, one more at work would leave 1 of 3 healthy, fewer than 2.")


def test_a_rule_for_zones_is_said_and_may_be_the_reason() -> None:
    zones = {"type": "HOST_COUNT", "value": 2}
    rule = {"type": "FLEET_PERCENT", "value": 66, "zonal": zones}
    finding = judged("ours", rule, info({"Failed": 1, "Succeeded": 8, "Skipped": 1}))
    assert finding.verdict is WARN
    assert "keeps at least 2 healthy in each" in finding.says
    assert "So CodeDeploy counts others as unhealthy too" not in finding.says


def test_a_rule_of_a_new_type_is_not_judged() -> None:
    with pytest.raises(CouldNotCheck, match="LEAST_COST is not a type"):
        judged("ours", {"type": "LEAST_COST", "value": 1}, info({"Failed": 1}))
    rule = {"deploymentConfigName": "ours"}
    report = asked(story(targets={"web-01": gone("web-01")}, deploymentConfigName="ours"),
                   [says("GetDeploymentConfig", deploymentConfigInfo=rule)])  # fmt: skip
    (finding,) = of(report, "deployment-kept-enough-targets-healthy")
    assert (finding.verdict, "does not say how many hosts stay healthy" in finding.says) == (UNKNOWN, True)


def test_the_versions_and_task_sets_of_a_target_are_said() -> None:
    from runbooks.facts.deployments import _traffic

    function = {"currentVersion": "1", "targetVersion": "2", "targetVersionWeight": 10.0}
    assert (
        _traffic({"lambdaFunctionInfo": function})
        == "from version 1 to 2, which receives 10 % of the traffic"
    )
    sets = [{"taskSetLabel": "Green", "runningCount": 0, "desiredCount": 2, "trafficWeight": 0.0}]
    assert _traffic({"taskSetsInfo": sets}) == "Green runs 0 of 2 tasks and receives 0 % of the traffic"


# What AWS says less of


@pytest.mark.parametrize("message", ["failed with exit code ", "run as user deploy failed with exit code"])
def test_a_script_that_was_killed_has_no_exit_code(message: str) -> None:
    said = {"errorCode": "ScriptFailed", "message": f"Script at specified location: a.sh {message}"}
    (finding,) = of_targets(story(targets={"web-01": gone("web-01", **said, logTail="[stdout]building")}))
    assert "exit code, without a number. So a signal ended the script; lack of memory" in finding.says
    assert (finding.next, "journalctl -k" in finding.fix) == ("/symptoms/hook-script-killed/", True)
    said["message"] = (
        "Script at specified location: a.sh failed with exit code -1"  # as a script of Windows may end
    )
    (finding,) = of_targets(story(targets={"web-01": gone("web-01", **said)}))
    assert (finding.next, "signal" in finding.says) == ("/symptoms/hook-script-failed/", False)


@pytest.mark.parametrize(
    ("message", "next"), [("", "/symptoms/"), ("Something that no one knows", "/symptoms/")]
)
def test_where_codedeploy_says_no_more_the_log_of_the_agent_is_named(message: str, next: str) -> None:
    (finding,) = of_targets(story(targets={"web-01": gone("web-01", message=message)}))
    assert (
        finding.fix
        == "Correct what the agent's log on web-01 says of 2026-01-15 11:40 UTC: CodeDeploy got no more than this."
    )
    (finding,) = of_targets(story(targets={"web-01": target("web-01", "Failed", {})}))
    assert finding.fix == "Correct what the agent's log on web-01 says: CodeDeploy got no more than this."


def test_colours_of_a_terminal_are_left_out() -> None:
    said = {
        "errorCode": "ScriptFailed",
        "message": "failed",
        "logTail": "[stderr]\x1b[1;31mbash: node: command not found\x1b[0m",
    }
    (finding,) = of_targets(story(targets={"web-01": gone("web-01", **said)}))
    assert finding.says.endswith("The log ends: “[stderr]bash: node: command not found”")


def of_a_service(message: str, **more: Any) -> Report:
    """A deployment to Amazon ECS whose service failed at AllowTraffic with this message."""
    said = {"errorCode": "UnknownError", "message": message}
    events_ = [
        {"lifecycleEventName": "AllowTraffic", "status": "Failed", "startTime": AT, "diagnostics": said}
    ]
    row = {"ecsTarget": {"targetId": "web-01", "status": "Failed", "lifecycleEvents": events_}}
    answer = says("BatchGetDeploymentTargets", deploymentTargets=[row])
    return asked(story(targets={"web-01": gone("web-01")}, computePlatform="ECS", **more), [answer])


LISTENER = {
    "code": "ELASTIC_LOAD_BALANCING_INVALID",
    "message": "The ELB could not be updated due to the following error: Primary taskset target group must be behind listener x",
}


def test_a_service_that_says_no_more_has_the_fix_of_its_deployment() -> None:
    report = of_a_service("", error=LISTENER)
    (finding,) = of(report, "deployment-targets-succeeded")
    assert finding.next == whole(report)[0].next == "/deployment-errors/ELASTIC_LOAD_BALANCING_INVALID/"
    assert "target type must be instance" not in finding.fix
    assert str(report).count("fix  ") == 1  # the same fix and page are not said twice
    report = of_a_service(LISTENER["message"], error=LISTENER)
    (finding,) = of(report, "deployment-targets-succeeded")
    assert "The reason is that of the whole deployment: ELASTIC_LOAD_BALANCING_INVALID." in finding.says


def test_one_that_was_stopped_is_deployed_again_by_its_own_revision() -> None:
    error = {"code": "MANUAL_STOP", "message": "Deployment was stopped by user"}
    (finding,) = whole(asked(story("Stopped", error=error)))
    again = "--s3-location bucket=shop-revisions,key=web/1.4.2.zip,bundleType=zip"
    assert again in finding.fix
    of_git = {"revisionType": "GitHub", "gitHubLocation": {"repository": "shop/web", "commitId": "0a1b"}}
    (finding,) = whole(asked(story("Stopped", error=error, revision=of_git)))
    assert "--github-location repository=shop/web,commitId=0a1b" in finding.fix
    for text in ("web,1.zip", "a b.zip", "x='1'.zip"):  # that the shorthand of the AWS CLI cannot write
        odd = {"revisionType": "S3", "s3Location": {"bucket": "b", "key": text}}
        (finding,) = whole(asked(story("Stopped", error=error, revision=odd)))
        assert finding.fix == "Deploy the same revision again, once the reason for the stop is gone."


def test_a_deployment_that_was_throttled_has_the_fix_of_its_code() -> None:
    error = {
        "code": "THROTTLED",
        "message": "Rate exceeded (Service: AmazonAutoScaling; Status Code: 400; Error Code: Throttling)",
    }
    (finding,) = whole(asked(story(error=error)))
    assert finding.next == "/deployment-errors/THROTTLED/"


@pytest.mark.parametrize(
    ("output", "part"),
    [
        ("npm ERR! nospc ENOSPC: no space left on device, write", "the disk is full"),
        ("java.lang.OutOfMemoryError: Java heap space", "memory ran out"),
        ("E: Could not get lock /var/lib/dpkg/lock-frontend.", "another package manager"),
        ("Error: Cannot find module 'express'", "a library"),
        ("curl: (22) The requested URL returned error: 503", "an HTTP error"),
    ],
)
def test_what_the_output_says_is_in_the_fix(output: str, part: str) -> None:
    said = {
        "errorCode": "ScriptFailed",
        "message": "Script at specified location: a.sh failed with exit code 1",
    }
    (finding,) = of_targets(story(targets={"web-01": gone("web-01", **said, logTail=f"[stderr]{output}")}))
    assert part in finding.fix
    (finding,) = of_targets(story(targets={"web-01": gone("web-01", **said, logTail="[stderr]Connected.")}))
    assert part not in finding.fix


def test_a_configuration_that_can_never_hold_is_said_before_any_target_failed() -> None:
    error = {"code": "HEALTH_CONSTRAINTS_INVALID", "message": "no"}
    skipped = {"web-01": target("web-01", "Skipped", {})}
    rule = {"deploymentConfigName": "ours", "minimumHealthyHosts": {"type": "HOST_COUNT", "value": 1}}
    answer = says("GetDeploymentConfig", deploymentConfigInfo=rule)
    report = asked(story(targets=skipped, error=error, deploymentConfigName="ours"), [answer])
    (finding,) = of(report, "deployment-kept-enough-targets-healthy")
    assert (finding.verdict, finding.code.rpartition("/")[2]) == (FAIL, "can-never-hold")
    (finding,) = of(asked(story(targets=skipped, error=error)), "deployment-kept-enough-targets-healthy")
    assert finding.says == "No target of d-SHOPWEB01 failed."


# What an attacker showed


SCRIPT = {"errorCode": "ScriptFailed", "scriptName": "scripts/start.sh"}
AGENT = "Script at specified location: scripts/start.sh failed with exit code 1"


def failed(log: str, **more: Any) -> Finding:
    """The finding of a target at which a script failed, whose log ended so."""
    diagnostics = SCRIPT | {"message": AGENT, "logTail": log} | more
    start = {"status": "Failed", "startTime": AT, "endTime": AT, "diagnostics": diagnostics}
    return of_targets(story(targets={"web-01": target("web-01", "Failed", {"ApplicationStart": start})}))[0]


@pytest.mark.parametrize(
    "log",
    [
        "[stderr]fatal error: An error occurred (403) when calling the HeadObject operation: Forbidden",
        "[stderr]An error occurred (AccessDenied) when calling the GetObject operation: Access Denied",
        "[stdout]retry on 'CodeDeploy agent was not able to receive the lifecycle event'\n[stderr]exit 3",
        "[stdout]see InvalidRegistrationStatusException\n[stderr]psql: FATAL: no password",
        "[stdout]ELB says NO_INSTANCES\n[stderr]panic: nil map",
        "[stdout]'No space left on device' was fixed in 1.2\n[stderr]AssertionError: test_login",
        "[stderr]InstanceNotRegisteredException: from our own orchestrator",
    ],
)
def test_what_a_script_printed_is_not_taken_for_an_error_of_codedeploy(log: str) -> None:
    finding = failed(log)
    assert finding.next == "/symptoms/hook-script-failed/"
    assert finding.leads


@pytest.mark.parametrize(
    ("log", "page"),
    [
        (
            "[stderr]bash: ./x: /bin/bash^M: bad interpreter: No such file or directory",
            "hook-interpreter-missing",
        ),
        ("[stderr]cp: error writing '/srv/x': No space left on device", "hook-script-failed"),
    ],
)
def test_why_a_script_failed_may_be_known_by_its_errors(log: str, page: str) -> None:
    assert failed(log).next == f"/symptoms/{page}/"


def test_a_failure_that_was_ignored_is_not_the_cause() -> None:
    stop = {"status": "Failed", "startTime": AT, "diagnostics": SCRIPT | {"scriptName": "old/stop.sh"}}
    later = AT + timedelta(minutes=1)
    start = {"status": "Failed", "startTime": later, "diagnostics": SCRIPT | {"message": AGENT}}
    events = {
        "ApplicationStop": stop,
        "Install": {"status": "Succeeded", "startTime": AT},
        "ApplicationStart": start,
    }
    told = story(targets={"web-01": target("web-01", "Failed", events)}, ignoreApplicationStopFailures=True)
    (finding,) = of_targets(told)
    assert "failed at ApplicationStart" in finding.says
    assert "--ignore-application-stop-failures" not in finding.fix


@pytest.mark.parametrize("status", ["Unknown", "InProgress", "Pending", "Ready"])
def test_a_target_without_an_end_in_a_deployment_that_has_one_is_not_waited_for(status: str) -> None:
    install = {"status": "InProgress" if status == "InProgress" else "Pending"}
    targets = {"web-01": target("web-01", status, {"Install": install})}
    (finding,) = of_targets(story("Stopped", targets))
    assert (finding.verdict, finding.code) == (UNKNOWN, "deployment-targets-succeeded/left-open")
    assert "is not known" in finding.says
    assert "stop-deployment" not in finding.fix


def test_targets_that_are_counted_and_not_listed_are_not_well() -> None:
    told = story("Succeeded", {}, deploymentOverview={"Failed": 1, "Succeeded": 2})
    (finding,) = of_targets(told)
    assert (finding.verdict, finding.code) == (UNKNOWN, "deployment-targets-succeeded/not-listed")


def test_secrets_are_masked_before_a_text_is_cut_joined_or_compared() -> None:
    targets = {}
    for number, secret in enumerate(("alphaSecret", "betaSecret", "gammaSecret")):
        log = f"login failed with password: {secret} for db"
        start = {
            "status": "Failed",
            "startTime": AT,
            "diagnostics": SCRIPT | {"message": AGENT, "logTail": log},
        }
        targets[f"web-0{number}"] = target(f"web-0{number}", "Failed", {"ApplicationStart": start})
    (finding,) = of_targets(story(targets=targets))
    assert "Secret" not in finding.says
    for log in (
        "password:\nhunter2xyz",
        "x" * 50 + " password: hunter2xyz" + " w" * 143,
        "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\nhunter2xyz",
    ):
        finding = failed(log)
        assert "hunter2xyz" not in finding.says + "".join(line for log in finding.logs for line in log.lines)


def test_a_long_message_is_cut() -> None:
    assert len(failed("", message="x " * 500_000).says) < 2_000
