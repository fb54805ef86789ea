"""What a deployment meets and changes outside CodeDeploy: its service role, load balancers, alarms and scaling processes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from codedeploy_sandbox import Error, Fault, Http, Sandbox, serve
from codedeploy_sandbox.hosts.agent import ALLOW, BLOCK, EVENTS
from codedeploy_sandbox.scenarios import find
from codedeploy_sandbox.scenarios.baseline import DEPLOYS, SERVICE_ROLE, allow, only
from codedeploy_sandbox.state import REGION, Account

from tests.sandbox.test_plays import WHERE, Player, revision
from tests.support.sandbox import client

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
AT_ONCE = {"deploymentConfigName": "CodeDeployDefault.AllAtOnce"}
GONE = revision("web/gone.zip")


class Equipped(Player):
    """The stock clients of a sandbox whose group has an Auto Scaling group, a target group, an alarm and a trigger."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.sandbox = sandbox
        self.api, self.balancing, self.scaling, self.watch = (
            client(sandbox, name, aws_access_key_id="any")
            for name in ("codedeploy", "elbv2", "autoscaling", "cloudwatch")
        )
        (targets,) = self.balancing.describe_target_groups()["TargetGroups"]
        self.target_group = targets["TargetGroupArn"]

    def registered(self) -> set[str]:
        rows = self.balancing.describe_target_health(TargetGroupArn=self.target_group)
        return {row["Target"]["Id"] for row in rows["TargetHealthDescriptions"]}

    def scaled(self) -> list[str]:
        (group,) = self.scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        return sorted(one["InstanceId"] for one in group["Instances"])

    def suspended(self) -> set[str]:
        (group,) = self.scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        return {row["ProcessName"] for row in group["SuspendedProcesses"]}

    def register(self, ids: list[str]) -> None:
        targets = [{"Id": id_} for id_ in ids]
        self.balancing.register_targets(TargetGroupArn=self.target_group, Targets=targets)

    def alarm(self, state: str) -> None:
        self.watch.set_alarm_state(AlarmName="web-errors", StateValue=state, StateReason="a test")

    def update(self, **members: Any) -> None:
        named = {"applicationName": "shop", "currentDeploymentGroupName": "web"}
        self.api.update_deployment_group(**named, **members)


@contextmanager
def equipped(change: Callable[[Account], object] = lambda account: None) -> Iterator[Equipped]:
    def scenario(account: Account) -> None:
        find("group-healthy")(account)
        change(account)

    with serve(scenario, clock=NOON) as sandbox:
        yield Equipped(sandbox)


def test_an_instance_leaves_the_load_balancer_before_its_revision_changes_and_comes_back_after() -> None:
    with equipped() as player:
        both = player.scaled()
        player.register(both)
        id_ = player.create()
        seen = []
        while player.info(id_)["status"] != "Succeeded":
            seen.append(frozenset(player.registered()))
        first, second = ({name} for name in both)
        assert [set(one) for one in dict.fromkeys(seen) if len(one) < 2] == [second, first]
        assert player.registered() == set(both)
        events = player.targets(id_)[both[0]]["lifecycleEvents"]
        assert [event["lifecycleEventName"] for event in events] == [*BLOCK, *EVENTS, *ALLOW]


def test_an_instance_that_its_load_balancer_does_not_find_healthy_fails_allow_traffic() -> None:
    with equipped() as player:
        first = player.scaled()[0]
        player.state.health[first] = {"State": "unhealthy", "Reason": "Target.ResponseCodeMismatch"}
        id_ = player.create()
        assert player.end(id_)["errorInformation"]["code"] == "HEALTH_CONSTRAINTS"
        assert player.failed(id_, first)["lifecycleEventName"] == "AllowTraffic"
        assert first in player.registered()
        log = f"opt/codedeploy-agent/deployment-root/5f1e/{id_}/logs/scripts.log"
        machine = player.state.nodes[first].machine
        assert "ApplicationStart" in dict(machine.others)[log]
        assert not any("Failed" in line for line in machine.reports)


def test_one_that_fails_before_it_is_left_out_of_the_load_balancer() -> None:
    with equipped() as player:
        both = player.scaled()
        player.register(both)
        id_ = player.create(revision=GONE)
        player.end(id_)
        assert player.registered() == {both[1]}


def test_a_classic_load_balancer_is_changed_too() -> None:
    with equipped() as player:
        classic = client(player.sandbox, "elb", aws_access_key_id="any")
        listens = [{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}]
        classic.create_load_balancer(
            LoadBalancerName="old", Listeners=listens, AvailabilityZones=[f"{REGION}a"]
        )
        player.update(loadBalancerInfo={"elbInfoList": [{"name": "old"}]})
        assert player.end(player.create(**AT_ONCE))["status"] == "Succeeded"
        states = classic.describe_instance_health(LoadBalancerName="old")["InstanceStates"]
        assert sorted(one["InstanceId"] for one in states) == player.scaled()


def test_an_alarm_stops_a_deployment_that_is_rolled_back_to_the_last_revision_that_succeeded() -> None:
    events = {"enabled": True, "events": ["DEPLOYMENT_STOP_ON_ALARM"]}
    with equipped() as player:
        player.update(autoRollbackConfiguration=events)
        id_ = player.create()
        assert player.info(id_)["status"] == "InProgress"
        player.alarm("ALARM")
        stopped = player.info(id_)
        assert (stopped["status"], stopped["errorInformation"]["code"]) == ("Stopped", "ALARM_ACTIVE")
        new = player.info(stopped["rollbackInfo"]["rollbackDeploymentId"])
        assert new["rollbackInfo"]["rollbackTriggeringDeploymentId"] == id_
        assert (new["creator"], new["revision"]) == ("codeDeployRollback", revision())


def test_an_alarm_that_is_active_stops_the_next_deployment_at_its_beginning() -> None:
    with serve("group-alarm-active", clock=NOON) as sandbox:
        player = Equipped(sandbox)
        id_ = player.create()
        ended = player.end(id_)
        assert (ended["status"], ended["errorInformation"]["code"]) == ("Stopped", "ALARM_ACTIVE")
        assert set(player.statuses(id_).values()) == {"Skipped"}
        without = player.create(overrideAlarmConfiguration={"enabled": False}, **AT_ONCE)
        assert player.end(without)["status"] == "Succeeded"
        player.update(alarmConfiguration={})
        assert player.end(player.create(**AT_ONCE))["status"] == "Succeeded"


@pytest.mark.parametrize("ignores", [False, True])
def test_alarms_that_the_service_role_may_not_read(ignores: bool) -> None:
    def blind(account: Account) -> None:
        only(account, allow(*(one for one in DEPLOYS if "cloudwatch" not in one)), name=SERVICE_ROLE)

    watched = {"enabled": True, "ignorePollAlarmFailure": ignores, "alarms": [{"name": "web-errors"}]}
    with equipped(blind) as player:
        player.state.groups["shop/web"]["alarmConfiguration"] = watched
        ended = player.end(player.create(**AT_ONCE))
    if ignores:
        assert ended["status"] == "Succeeded"
    else:
        assert (ended["status"], ended["errorInformation"]["code"]) == ("Stopped", "IAM_ROLE_PERMISSIONS")
        assert "AmazonCloudWatch" in ended["errorInformation"]["message"]


def test_scaling_processes_are_suspended_while_it_runs_and_those_of_before_stay_so() -> None:
    with equipped() as player:
        player.update(
            ec2DeploymentOptions={"autoScalingGroupProcessesToSuspend": ["Terminate", "AZRebalance"]}
        )
        player.scaling.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["Terminate"])
        id_ = player.create(**AT_ONCE)
        player.info(id_)
        assert player.suspended() == {"Terminate", "AZRebalance"}
        player.end(id_)
        assert player.suspended() == {"Terminate"}
        stopped = player.create(**AT_ONCE)
        player.info(stopped)
        assert player.suspended() == {"Terminate", "AZRebalance"}
        player.api.stop_deployment(deploymentId=stopped)
        assert player.suspended() == {"Terminate"}


LACKS = {
    "autoscaling:SuspendProcesses": ("AUTO_SCALING_IAM_ROLE_PERMISSIONS", "AmazonAutoScaling"),
    "autoscaling:DescribeAutoScalingGroups": ("AUTO_SCALING_IAM_ROLE_PERMISSIONS", "AmazonAutoScaling"),
    "ec2:DescribeInstances": ("IAM_ROLE_PERMISSIONS", "AmazonEC2"),
    "elasticloadbalancing:DeregisterTargets": ("IAM_ROLE_PERMISSIONS", "ElasticLoadBalancing"),
}


@pytest.mark.parametrize("action", LACKS)
def test_what_the_service_role_may_not_do_ends_it_before_any_instance(action: str) -> None:
    def denied(account: Account) -> None:
        role = account.iam.find("role", SERVICE_ROLE)
        assert role
        no = {"Effect": "Deny", "Action": action, "Resource": "*"}
        role.inline["No"] = {"Version": "2012-10-17", "Statement": [no]}

    code, service = LACKS[action]
    with equipped(denied) as player:
        id_ = player.create()
        error = player.end(id_)["errorInformation"]
        assert (error["code"], f"AWS service: {service}." in error["message"]) == (code, True)
        assert set(player.statuses(id_).values()) == {"Skipped"}
        assert player.suspended() == set()


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        ("group-role-missing", "IAM_ROLE_MISSING"),
        ("group-role-not-trusting", "IAM_ROLE_PERMISSIONS"),
        ("group-load-balancer-missing", "ELASTIC_LOAD_BALANCING_INVALID"),
        ("group-targets-are-addresses", "ELB_INVALID_INSTANCE"),
    ],
)
def test_a_group_that_cannot_be_deployed_to(scenario: str, code: str) -> None:
    with serve(scenario, clock=NOON) as sandbox:
        player = Player(sandbox)
        ended = player.end(player.create())
    assert (ended["status"], ended["errorInformation"]["code"]) == ("Failed", code)


@pytest.mark.parametrize("what", ["group", "application"])
def test_a_deployment_ends_with_what_it_belongs_to(what: str) -> None:
    with equipped() as player:
        id_ = player.create()
        if what == "group":
            player.api.delete_deployment_group(**WHERE)
            info = player.end(id_)
            assert (info["status"], info["errorInformation"]["code"]) == (
                "Failed",
                "DEPLOYMENT_GROUP_MISSING",
            )
        else:
            player.api.delete_application(applicationName="shop")
            with pytest.raises(player.api.exceptions.DeploymentDoesNotExistException):
                player.info(id_)


def test_a_group_without_an_earlier_success_is_not_rolled_back() -> None:
    events = {"enabled": True, "events": ["DEPLOYMENT_FAILURE"]}
    with equipped() as player:
        role = "arn:aws:iam::111122223333:role/CodeDeployService"
        named = {"applicationName": "shop", "deploymentGroupName": "new"}
        tags = [{"Key": "Environment", "Value": "production", "Type": "KEY_AND_VALUE"}]
        player.api.create_deployment_group(
            **named, serviceRoleArn=role, onPremisesInstanceTagFilters=tags, autoRollbackConfiguration=events
        )
        id_ = player.create(**named, revision=GONE)
        ended = player.end(id_)
        assert (ended["status"], "rollbackInfo" in ended) == ("Failed", False)
        assert player.api.list_deployments(**named)["deployments"] == [id_]


@pytest.mark.parametrize(
    ("what", "fault", "code"),
    [
        (Error("ThrottlingException", "Rate exceeded"), "Error", "ThrottlingException"),
        (Http(503), "Http", None),
    ],
)
def test_a_call_that_a_fault_answers_is_in_the_journal_and_not_in_event_history(
    what: Any, fault: str, code: str | None
) -> None:
    with serve("healthy", faults=[Fault("codedeploy:*", what)]) as sandbox:
        with pytest.raises(Exception, match=r"ThrottlingException|503"):
            client(sandbox, "codedeploy").list_on_premises_instances(registrationStatus="Registered")
        call = sandbox.account.journal[-1]
        assert (call.operation, call.fault) == ("ListOnPremisesInstances", fault)
        assert call.parameters == {"registrationStatus": "Registered"}
        assert (call.error.code if call.error else None) == code
        events = client(sandbox, "cloudtrail").lookup_events()["Events"]
        assert call.request_id not in str(events)
