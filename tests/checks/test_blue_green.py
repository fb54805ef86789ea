"""A blue/green deployment: which targets its constraint counts, and what it waits for."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from codedeploy_sandbox.scenarios.records import target

from runbooks.findings import FAIL, OK, UNKNOWN, Finding
from runbooks.report import Report
from tests.checks.test_deployment_facts import AT, ID, asked, gone, of, story, whole

STYLE = {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"}
HALF = "CodeDeployDefault.HalfAtATime"


def blue(row: dict[str, Any]) -> dict[str, Any]:
    row["instanceTarget"]["instanceLabel"] = "Blue"
    return row


def green(row: dict[str, Any]) -> dict[str, Any]:
    row["instanceTarget"]["instanceLabel"] = "Green"
    return row


def done(name: str) -> dict[str, Any]:
    return target(name, "Succeeded", {"Install": {"status": "Succeeded", "startTime": AT, "endTime": AT}})


def blue_green(status: str, targets: dict[str, dict[str, Any]], **more: Any) -> Report:
    return asked(story(status, targets, deploymentStyle=STYLE, **more))


def constraint(report: Report) -> list[Finding]:
    return of(report, "deployment-kept-enough-targets-healthy")


def test_only_the_replacement_counts() -> None:
    skipped = {f"blue-{n}": blue(target(f"blue-{n}", "Skipped", {})) for n in range(3)}
    targets = {"green-1": green(gone("green-1")), "green-2": green(done("green-2")), **skipped}
    targets["green-3"] = green(target("green-3", "Skipped", {}))
    (finding,) = constraint(blue_green("Failed", targets, deploymentConfigName=HALF))
    assert finding.says.startswith(
        f"{HALF} keeps at least 2 of 3 targets of the replacement (green) environment healthy"
    )
    assert "so at most 1 may fail: 1 succeeded, 1 failed, and 1 was skipped." in finding.says
    in_place = asked(story("Failed", targets, deploymentConfigName=HALF))
    assert "at least 3 of 6 targets healthy" in constraint(in_place)[0].says


def test_an_original_instance_that_fails_is_the_reason_by_itself() -> None:
    blocked = target("blue-1", "Failed", {"BlockTraffic": {"status": "Failed", "startTime": AT}})
    targets = {"green-1": green(done("green-1")), "blue-1": blue(blocked)}
    (finding,) = constraint(blue_green("Failed", targets, deploymentConfigName=HALF))
    assert (finding.verdict, finding.code.rpartition("/")[2], finding.about) == (
        FAIL,
        "original-failed",
        "blue-1",
    )
    assert "fails the whole deployment" in finding.says
    targets["green-2"] = green(gone("green-2"))
    original, counted = constraint(blue_green("Failed", targets, deploymentConfigName=HALF))
    assert (original.about, "1 of 2 targets of the replacement" in counted.says) == ("blue-1", True)


def test_of_a_deployment_that_is_not_read_whole_no_numbers_are_made_up() -> None:
    targets = {f"t-{n}": green(done(f"t-{n}")) for n in range(100)} | {"t-x": green(gone("t-x"))}
    (finding,) = constraint(blue_green("Failed", targets))
    assert (finding.verdict, "not every target is read" in finding.says) == (UNKNOWN, True)


READY = {"deploymentReadyOption": {"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 90}}


def ready(**more: Any) -> Report:
    events: dict[str, Any] = {
        "Install": {"status": "Succeeded", "startTime": AT, "endTime": AT},
        "AllowTraffic": {"status": "Pending"},
    }
    targets = {
        "green-1": green(target("green-1", "Ready", events)),
        "blue-1": blue(target("blue-1", "Pending", {"BlockTraffic": {"status": "Pending"}})),
    }
    return blue_green("Ready", targets, **more)


def test_one_that_is_ready_says_until_when_and_what_one_can_do() -> None:
    report = ready(blueGreenDeploymentConfiguration=READY)
    (finding,) = whole(report)
    assert "The replacement is ready, and the deployment waits for traffic to be rerouted" in finding.says
    assert f"continue-deployment --deployment-id {ID} --deployment-wait-type READY_WAIT" in finding.fix
    assert f"stop-deployment --deployment-id {ID}" in finding.fix
    said = " ".join(one.says for one in of(report, "deployment-targets-succeeded"))
    assert "been Ready at AllowTraffic since 2026-01-15 11:40 UTC (20 minutes)" in said
    assert "CodeDeploy stops the deployment at 2026-01-15 13:10 UTC (inferred)" in said
    assert "the original environment waits until traffic goes to the replacement" in said
    assert "agent" not in said


def test_one_without_a_limit_does_not_say_until_when() -> None:
    said = " ".join(one.says for one in ready().findings)
    assert "CodeDeploy stops the deployment" not in said


@pytest.mark.parametrize("minutes", [0, 19, 60])
def test_one_that_waits_to_terminate_says_when(minutes: int) -> None:
    options = {
        "terminateBlueInstancesOnDeploymentSuccess": {
            "action": "TERMINATE",
            "terminationWaitTimeInMinutes": minutes,
        }
    }
    report = blue_green(
        "InProgress",
        {"green-1": green(done("green-1"))},
        instanceTerminationWaitTimeStarted=True,
        blueGreenDeploymentConfiguration=options,
    )
    (finding,) = whole(report)
    assert "Traffic has moved to the replacement; CodeDeploy terminates the original" in finding.says
    assert f"--deployment-id {ID} --deployment-wait-type TERMINATION_WAIT" in finding.fix
    good, waits = of(report, "deployment-targets-succeeded")
    assert (good.verdict, waits.verdict) == (OK, UNKNOWN)
    end = datetime(2026, 1, 15, 11, 40) + timedelta(minutes=minutes)
    said = f"CodeDeploy terminates the original at {end:%Y-%m-%d %H:%M} UTC (inferred)"
    passed = f"the wait of {minutes} minutes ended at {end:%Y-%m-%d %H:%M} UTC (inferred)"
    assert (said in waits.says, passed in waits.says) == (minutes == 60, minutes == 19)
    assert "since 2026-01-15 11:40 UTC (20 minutes)" in waits.says


def test_one_that_has_ended_waits_for_nothing() -> None:
    done_ = blue_green(
        "Succeeded", {"green-1": green(done("green-1"))}, instanceTerminationWaitTimeStarted=True
    )
    assert {one.verdict for one in done_.findings} <= {OK, 1}
    assert not [one for one in done_.findings if one.fix]


def test_where_there_is_no_instance_the_replacement_is_named() -> None:
    error = {"code": "NO_INSTANCES", "message": "no instances were found in your green fleet"}
    assert "the replacement environment counts too" in whole(blue_green("Failed", {}, error=error))[0].fix
    assert "the replacement environment" not in whole(asked(story(error=error)))[0].fix


def test_what_one_can_do_about_it_comes_first() -> None:
    first = ready(blueGreenDeploymentConfiguration=READY).contents.problems[0]
    assert "continue-deployment" in first.fix
