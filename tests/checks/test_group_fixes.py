"""The commands that the checks of a group give are run, and the check that gave one is content afterwards.

Beside tests/checks/test_fixes.py, which runs those of the scenarios: these are of groups that no scenario has.
"""

from typing import Any

import pytest
from codedeploy_sandbox.scenarios import find
from codedeploy_sandbox.scenarios.equipped import TOPIC
from codedeploy_sandbox.state import REGION, Account

from runbooks.checks.group import (
    alarms_of_the_group_are_quiet,
    group_can_keep_enough_instances_healthy,
    load_balancer_of_the_group_fits,
    topics_of_the_group_are_there,
)
from runbooks.engine import run
from runbooks.findings import FAIL, OK, SKIP, WARN, Command
from tests.checks.test_lifecycle_hooks import GROUP, asked, run_fix
from tests.support.world import PATIENT, world

IN_PLACE = {"deploymentType": "IN_PLACE", "deploymentOption": "WITH_TRAFFIC_CONTROL"}
BLUE_GREEN = IN_PLACE | {"deploymentType": "BLUE_GREEN"}
WEB, GONE = {"name": "web"}, {"name": "gone"}


def like(**members: Any) -> Any:
    def scenario(account: Account) -> None:
        find("group-healthy")(account)
        account.state(REGION).groups["shop/web"] |= members

    return scenario


def balancing(**info: Any) -> Any:
    return like(deploymentStyle=IN_PLACE, loadBalancerInfo=info)


@pytest.mark.parametrize(
    ("check", "scenario", "code", "after"),
    [
        (load_balancer_of_the_group_fits, balancing(), "none-named", SKIP),
        (load_balancer_of_the_group_fits, balancing(targetGroupInfoList=[GONE]), "no-target-group", SKIP),
        (load_balancer_of_the_group_fits, balancing(targetGroupInfoList=[GONE, WEB]), "no-target-group", OK),
        (load_balancer_of_the_group_fits, balancing(elbInfoList=[GONE]), "no-load-balancer", SKIP),
        (load_balancer_of_the_group_fits, balancing(elbInfoList=[GONE], targetGroupInfoList=[WEB]), "no-load-balancer", OK),
        (alarms_of_the_group_are_quiet, like(alarmConfiguration={"enabled": True, "alarms": [GONE]}), "no-alarm", SKIP),
        (alarms_of_the_group_are_quiet, like(alarmConfiguration={"enabled": True, "alarms": [GONE, {"name": "web-errors"}]}), "no-alarm", OK),
        (group_can_keep_enough_instances_healthy, like(deploymentConfigName="gone"), "no-configuration", OK),
    ],
)  # fmt: skip
def test_the_command_of_a_fail_is_whole_and_cures_it(
    check: Any, scenario: Any, code: str, after: Any
) -> None:
    with world(scenario, config=PATIENT) as (aws, sandbox):
        (one,) = [finding for finding in run(check, aws.remembering(), GROUP) if finding.verdict is FAIL]
        assert one.code.endswith(f"/{code}")
        # the last command, where a sentence says what it does
        fix = one.fix if isinstance(one.fix, Command) else one.fix.split("`")[-2]
        assert "--region eu-west-1" in fix
        run_fix(fix, sandbox)
        assert {finding.verdict for finding in run(check, aws.remembering(), GROUP)} == {after}


def test_blue_green_needs_a_load_balancer_so_one_is_to_be_named() -> None:
    for info in ({}, {"targetGroupInfoList": [GONE]}):
        scenario = like(deploymentStyle=BLUE_GREEN, loadBalancerInfo=info)
        (one,) = asked(load_balancer_of_the_group_fits, scenario)
        assert "WITHOUT_TRAFFIC_CONTROL" not in one.fix
        assert """--load-balancer-info '{"targetGroupInfoList": [{"name": "TARGET_GROUP"}]}'""" in one.fix


# Topics


def triggers(*topics: str) -> Any:
    rows = [
        {"triggerName": f"tell-{number}", "triggerTargetArn": topic, "triggerEvents": ["DeploymentFailure"]}
        for number, topic in enumerate(topics, 1)
    ]
    return like(triggerConfigurations=rows)


def test_each_topic_is_looked_up_once_with_the_triggers_that_publish_to_it() -> None:
    missing = TOPIC.replace("deployments", "gone")
    there, gone = asked(topics_of_the_group_are_there, triggers(TOPIC, missing, TOPIC))
    assert (there.verdict, there.about, gone.verdict, gone.about) == (OK, TOPIC, FAIL, missing)
    assert "the triggers tell-1, tell-3 of shop/web" in there.says
    assert "aws sns create-topic --name gone --region eu-west-1" in gone.fix
    assert [call.api for call in gone.proof].count("sns:GetTopicAttributes") == 2


def test_a_topic_of_another_region_is_asked_for_there() -> None:
    far = TOPIC.replace(REGION, "eu-central-1")

    def scenario(account: Account) -> None:
        triggers(far)(account)
        account.at_start.append(
            lambda ask: ask("sns", "CreateTopic", region="eu-central-1", Name="deployments")
        )

    (there,) = asked(topics_of_the_group_are_there, scenario)
    assert (there.verdict, there.code.partition("/")[2]) == (WARN, "other-region")
    assert {c.region for c in there.proof if c.api == "sns:GetTopicAttributes"} == {"eu-central-1"}
    (gone,) = asked(topics_of_the_group_are_there, triggers(far))
    assert gone.verdict is FAIL
    assert "--region eu-central-1" in gone.fix


def test_a_group_without_a_trigger_has_no_topic() -> None:
    (one,) = asked(topics_of_the_group_are_there, triggers())
    assert one.verdict is SKIP
