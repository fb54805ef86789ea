"""What load balancers and deployment groups say in accounts that differ from every scenario."""

from dataclasses import replace
from typing import Any

from codedeploy_sandbox import Error, Fault, Http
from codedeploy_sandbox.scenarios import find
from codedeploy_sandbox.scenarios.records import put
from codedeploy_sandbox.state import REGION, Account

from runbooks.checks.group import auto_scaling_groups_have_no_other_hook
from runbooks.checks.traffic import targets_of_the_group_are_healthy
from runbooks.engine import run
from runbooks.findings import FAIL, OK, UNKNOWN, WARN
from tests.checks.test_traffic import BOTH, GROUP, ONE, TWO, body, found
from tests.support.world import PATIENT, world

CLASSIC = [
    ("InService", "N/A", "N/A", OK, "ok"),
    ("OutOfService", "Instance", "Instance has failed at least the UnhealthyThreshold number of health checks consecutively.", FAIL, "unhealthy"),
    ("OutOfService", "Instance", "", FAIL, "unhealthy"),
    ("OutOfService", "ELB", "Instance registration is still in progress.", WARN, "initial"),
    ("OutOfService", "Instance", "Instance has not passed the configured HealthyThreshold number of health checks consecutively.", WARN, "initial"),
    ("OutOfService", "N/A", "Instance deregistration currently in progress.", WARN, "draining"),
    ("OutOfService", "ELB", "Instance is in the EC2 Availability Zone for which LoadBalancer is not configured to route traffic to.", FAIL, "unhealthy"),
    ("OutOfService", "Instance", "Instance is not currently registered with the LoadBalancer.", FAIL, "not-registered"),
    ("Unknown", "ELB", "A transient error occurred. Please try again later.", UNKNOWN, "unavailable"),
    ("Sleeping", "N/A", "", UNKNOWN, "unknown-state"),
    ("", "", "", UNKNOWN, "unknown-state"),
]  # fmt: skip


def test_health_that_is_not_known_now_is_said_and_the_next_target_group_is_read() -> None:
    """The one cannot be read; the instances are in the other."""

    def scenario(account: Account) -> None:
        find("group-healthy")(account)
        info = {"targetGroupInfoList": [{"name": "web"}, {"name": "second"}]}
        account.state(REGION).groups["shop/web"]["loadBalancerInfo"] = info
        account.at_start.append(_second)

    def _second(ask: Any) -> None:
        vpc = ask("ec2", "DescribeVpcs")["Vpcs"][0]["VpcId"]
        listens = {"Protocol": "TCP", "Port": 443, "VpcId": vpc}
        made = ask("elbv2", "CreateTargetGroup", Name="second", TargetType="instance", **listens)
        arn = made["TargetGroups"][0]["TargetGroupArn"]
        ask("elbv2", "RegisterTargets", TargetGroupArn=arn, Targets=[{"Id": ONE}, {"Id": TWO}])

    fault = Fault(
        "elasticloadbalancing:DescribeTargetHealth", Error("HealthUnavailable", "internal", 500), times=1
    )
    with world(scenario, [fault], config=PATIENT) as (aws, _):
        first, second = run(targets_of_the_group_are_healthy, aws.remembering(), GROUP)
    assert (first.verdict, first.about) == (UNKNOWN, "web")
    assert "HealthUnavailable" in first.says
    assert (second.verdict, second.about) == (OK, BOTH)
    assert "the target group second" in second.says


def test_a_group_with_a_target_group_and_a_classic_load_balancer_has_both_judged() -> None:
    def scenario(account: Account) -> None:
        find("group-classic-not-registered")(account)
        info = account.state(REGION).groups["shop/web"]["loadBalancerInfo"]
        info["targetGroupInfoList"] = [{"name": "web"}]

    with world(scenario, config=PATIENT) as (aws, _):
        said = run(targets_of_the_group_are_healthy, aws.remembering(), GROUP)
    assert [(f.verdict, f.about) for f in said] == [(OK, BOTH), (OK, ONE), (FAIL, TWO)]


def test_what_a_classic_load_balancer_says() -> None:
    with world("group-classic-not-registered", config=PATIENT) as place:
        for state, reason, text, verdict, code in CLASSIC:
            rows = [
                {"InstanceId": ONE, "State": state, "ReasonCode": reason, "Description": text},
                {"InstanceId": TWO, "State": "InService", "ReasonCode": "N/A", "Description": "N/A"},
            ]
            answer = body("elb", "DescribeInstanceHealth", {"InstanceStates": rows}).decode()
            fault = Fault("elasticloadbalancing:DescribeInstanceHealth", Http(200, answer, "text/xml"))
            said = {f.about: f for f in found(place, fault)}
            one = said.get(ONE) or said[BOTH]
            assert (one.verdict, one.code.partition("/")[2]) == (verdict, code), text
            assert "N/A" not in one.says


def test_while_a_deployment_runs_an_instance_may_be_taken_out() -> None:
    def scenario(account: Account) -> None:
        find("group-target-not-registered")(account)
        put(account, "InProgress", {}, None)

    with world(scenario, config=PATIENT) as (aws, _):
        said = {f.about: f for f in run(targets_of_the_group_are_healthy, aws.remembering(), GROUP)}
    assert (said[TWO].verdict, said[ONE].verdict) == (WARN, OK)
    assert "while d-SHOPWEB01 is in progress" in said[TWO].says


def test_the_group_of_another_application_is_said_once_with_its_hook() -> None:
    """As `two-groups` where its hook is there, too, and not as a hook that no one knows."""

    def scenario(account: Account) -> None:
        find("group-shares-auto-scaling")(account)
        hook = account.state(REGION).groups["billing/api"]["autoScalingGroups"][0]["hook"]
        asked = {
            "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
            "AutoScalingGroupName": "web",
            "LifecycleHookName": hook,
        }
        account.at_start.append(lambda ask: ask("autoscaling", "PutLifecycleHook", **asked))

    with world(scenario, config=PATIENT) as (aws, _):
        (one,) = run(auto_scaling_groups_have_no_other_hook, aws.remembering(), GROUP)
    assert one.code.endswith("/two-groups")
    assert "in shop/web and in billing/api, whose hook CodeDeploy-managed-" in one.says


def test_a_deployment_of_another_group_adds_no_instances() -> None:
    """The question names the group shop/web and a deployment of another one."""

    def scenario(account: Account) -> None:
        find("deployment-traffic-not-allowed")(account)
        account.at_start.append(lambda _: rename(account))

    def rename(account: Account) -> None:
        account.state(REGION).deployments["d-SHOPWEB01"].info["deploymentGroupName"] = "other"

    asked = replace(GROUP, deployment="d-SHOPWEB01")
    with world(scenario, config=PATIENT) as (aws, _):
        said = run(targets_of_the_group_are_healthy, aws.remembering(), asked)
    assert {call.api for f in said for call in f.proof} & {"codedeploy:ListDeploymentTargets"} == set()
