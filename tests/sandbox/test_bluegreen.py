"""Blue/green deployments to instances: the fleets, the waits, what is rerouted, what ends, and what is rolled back."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from codedeploy_sandbox import Sandbox, serve
from codedeploy_sandbox.hosts.agent import ALLOW, BLOCK, EVENTS
from codedeploy_sandbox.hosts.bundle import zipped
from codedeploy_sandbox.hosts.machine import Machine
from codedeploy_sandbox.scenarios import find
from codedeploy_sandbox.scenarios.baseline import SERVICE_ROLE, allow
from codedeploy_sandbox.scenarios.equipped import HOOKS
from codedeploy_sandbox.state import ACCOUNT, REGION, Account, Node

from tests.support.sandbox import client

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
WHERE = {"applicationName": "shop", "deploymentGroupName": "bg"}
GREEN = {"tagFilters": [{"Key": "Fleet", "Value": "green", "Type": "KEY_AND_VALUE"}]}
AT_ONCE = "CodeDeployDefault.AllAtOnce"
WAITS = {"deploymentReadyOption": {"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 5}}
ENDS = {
    "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE", "terminationWaitTimeInMinutes": 5}
}
DISCOVERS = {"greenFleetProvisioningOption": {"action": "DISCOVER_EXISTING"}}
COPIES = {"greenFleetProvisioningOption": {"action": "COPY_AUTO_SCALING_GROUP"}}
ROLLS = {"enabled": True, "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST"]}
REVISION = {
    "revisionType": "S3",
    "s3Location": {"bucket": "shop-revisions", "key": "web/1.4.2.zip", "bundleType": "zip"},
}


class Story:
    """The stock clients of a sandbox with two instances of each fleet, and a group that is blue/green."""

    def __init__(self, sandbox: Sandbox, options: dict[str, Any], **group: Any) -> None:
        self.api, self.ec2, self.scaling, self.s3 = (
            client(sandbox, name, aws_access_key_id="any")
            for name in ("codedeploy", "ec2", "autoscaling", "s3")
        )
        self.state = sandbox.account.state(REGION)
        self.balancing = client(sandbox, "elbv2", aws_access_key_id="any")
        vpc = self.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        asked = {"Name": "web", "Protocol": "HTTP", "Port": 80, "VpcId": vpc, "TargetType": "instance"}
        there = self.balancing.describe_target_groups()["TargetGroups"]
        (made,) = there or self.balancing.create_target_group(**asked)["TargetGroups"]
        self.target_group = made["TargetGroupArn"]
        self.blue, self.green = self.launched("blue"), self.launched("green")
        given: dict[str, Any] = {
            "serviceRoleArn": f"arn:aws:iam::{ACCOUNT}:role/CodeDeployService",
            "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
            "ec2TagFilters": [{"Key": "Fleet", "Value": "blue", "Type": "KEY_AND_VALUE"}],
            "loadBalancerInfo": {"targetGroupInfoList": [{"name": "web"}]},
            "blueGreenDeploymentConfiguration": {**DISCOVERS, **options},
        }
        self.api.create_deployment_group(**WHERE, **(given | group))

    def launched(self, fleet: str) -> list[str]:
        tags = [{"ResourceType": "instance", "Tags": [{"Key": "Fleet", "Value": fleet}]}]
        asked = {"ImageId": "ami-760aaa0f", "MinCount": 2, "MaxCount": 2, "TagSpecifications": tags}
        ids = sorted(one["InstanceId"] for one in self.ec2.run_instances(**asked)["Instances"])
        for id_ in ids:
            arn = f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{id_}"
            machine = Machine(f"ip-{id_}", system="amazon", metadata=REGION, token="a==", instance=arn)
            self.state.nodes[id_] = Node(id_, machine)
        return ids

    def create(self, **more: Any) -> str:
        asked = {**WHERE, "revision": REVISION, "targetInstances": GREEN, "deploymentConfigName": AT_ONCE}
        return str(self.api.create_deployment(**(asked | more))["deploymentId"])

    def info(self, id_: str) -> dict[str, Any]:
        info: dict[str, Any] = self.api.get_deployment(deploymentId=id_)["deploymentInfo"]
        return info

    def until(self, id_: str, *statuses: str) -> dict[str, Any]:
        """What it is once it has one of these statuses; each question moves the clock on by a second."""
        for _ in range(400):
            info = self.info(id_)
            if info["status"] in statuses:
                return info
        raise AssertionError(f"{id_} is {info['status']} and never {statuses}")

    def targets(self, id_: str, **filters: list[str]) -> dict[str, dict[str, Any]]:
        ids = self.api.list_deployment_targets(deploymentId=id_, targetFilters=filters)["targetIds"]
        found = self.api.batch_get_deployment_targets(deploymentId=id_, targetIds=ids)["deploymentTargets"]
        return {one["instanceTarget"]["targetId"]: one["instanceTarget"] for one in found}

    def events(self, id_: str, name: str) -> dict[str, str]:
        rows = self.targets(id_)[name]["lifecycleEvents"]
        return {row["lifecycleEventName"]: row["status"] for row in rows}

    def registered(self) -> set[str]:
        rows = self.balancing.describe_target_health(TargetGroupArn=self.target_group)
        return {row["Target"]["Id"] for row in rows["TargetHealthDescriptions"]}

    def silence(self, name: str) -> None:
        node = self.state.nodes[name]
        self.state.nodes[name] = replace(node, machine=replace(node.machine, running=False))


@contextmanager
def story(options: dict[str, Any] | None = None, **group: Any) -> Iterator[Story]:
    with serve("healthy", clock=NOON) as sandbox:
        yield Story(sandbox, options or {}, **group)


def test_the_replacement_fleet_is_installed_gets_traffic_and_then_the_other_loses_it() -> None:
    with story() as played:
        id_ = played.create()
        info = played.until(id_, "Succeeded")
        targets = played.targets(id_)
        assert {name: one["instanceLabel"] for name, one in targets.items()} == {
            **dict.fromkeys(played.blue, "Blue"),
            **dict.fromkeys(played.green, "Green"),
        }
        green, blue = targets[played.green[0]]["lifecycleEvents"], targets[played.blue[0]]["lifecycleEvents"]
        assert [event["lifecycleEventName"] for event in green] == [*EVENTS, *ALLOW]
        assert [event["lifecycleEventName"] for event in blue] == [*BLOCK]
        assert green[-1]["endTime"] == blue[0]["startTime"]
        assert {one["status"] for one in targets.values()} == {"Succeeded"}
        assert (info["instanceTerminationWaitTimeStarted"], info["targetInstances"]) == (False, GREEN)
        assert info["deploymentStyle"]["deploymentType"] == "BLUE_GREEN"
        older = played.api.list_deployment_instances(deploymentId=id_, instanceTypeFilter=["Green"])
        assert older["instancesList"] == played.green
        group = played.api.get_deployment_group(**WHERE)["deploymentGroupInfo"]
        assert group["ec2TagFilters"] == GREEN["tagFilters"]
        assert group["lastSuccessfulDeployment"]["deploymentId"] == id_


def test_the_hosts_of_the_replacement_fleet_have_the_revision_and_the_logs() -> None:
    hooks = "".join(
        f"  {event}:\n    - location: scripts/start.sh\n"
        for event in ("ApplicationStart", "AfterAllowTraffic")
    )
    bundle = {"appspec.yml": f"version: 0.0\nos: linux\nhooks:\n{hooks}", "scripts/start.sh": "#!/bin/sh\n"}
    with story(WAITS) as played:
        played.s3.put_object(Bucket="shop-revisions", Key="web/1.4.2.zip", Body=zipped(bundle))
        id_ = played.create()
        played.until(id_, "Ready")
        log = f"opt/codedeploy-agent/deployment-root/5f1e/{id_}/logs/scripts.log"
        there = dict(played.state.nodes[played.green[0]].machine.others)
        assert there[log].count("LifecycleEvent - ") == 1  # as soon as it was installed
        played.api.continue_deployment(deploymentId=id_, deploymentWaitType="READY_WAIT")
        played.until(id_, "Succeeded")
        there = dict(played.state.nodes[played.green[0]].machine.others)
        assert [line.partition(" - ")[2] for line in there[log].splitlines()] == [
            *("ApplicationStart", "scripts/start.sh", "AfterAllowTraffic", "scripts/start.sh"),
        ]
        assert not any(id_ in path for path, _ in played.state.nodes[played.blue[0]].machine.others)


def test_the_load_balancer_gets_the_replacement_fleet_and_loses_the_other() -> None:
    with story(WAITS) as played:
        blue = [{"Id": name} for name in played.blue]
        played.balancing.register_targets(TargetGroupArn=played.target_group, Targets=blue)
        id_ = played.create()
        played.until(id_, "Ready")
        assert played.registered() == set(played.blue)
        played.api.continue_deployment(deploymentId=id_, deploymentWaitType="READY_WAIT")
        played.until(id_, "Succeeded")
        assert played.registered() == set(played.green)


def test_a_replacement_fleet_that_is_not_healthy_gets_no_traffic_and_the_original_fleet_keeps_it() -> None:
    with story() as played:
        blue = [{"Id": name} for name in played.blue]
        played.balancing.register_targets(TargetGroupArn=played.target_group, Targets=blue)
        for name in played.green:
            played.state.health[name] = {"State": "unhealthy", "Reason": "Target.Timeout"}
        id_ = played.create()
        assert played.until(id_, "Failed")["errorInformation"]["code"] == "HEALTH_CONSTRAINTS"
        assert played.events(id_, played.green[0])["AllowTraffic"] == "Failed"
        assert set(played.blue) <= played.registered()


def test_it_waits_ready_until_it_is_continued() -> None:
    with story(WAITS) as played:
        id_ = played.create()
        refused = played.api.exceptions
        with pytest.raises(refused.DeploymentIsNotInReadyStateException, match="InProgress"):
            played.api.continue_deployment(deploymentId=id_, deploymentWaitType="READY_WAIT")
        info = played.until(id_, "Ready")
        assert info["deploymentOverview"]["Ready"] == 2
        assert set(played.targets(id_, TargetStatus=["Ready"])) == set(played.green)
        assert set(played.events(id_, played.blue[0]).values()) == {"Pending"}
        for _ in range(20):
            assert played.info(id_)["status"] == "Ready"
        with pytest.raises(refused.InvalidDeploymentStatusException):
            played.api.continue_deployment(deploymentId=id_, deploymentWaitType="TERMINATION_WAIT")
        played.api.continue_deployment(deploymentId=id_, deploymentWaitType="READY_WAIT")
        assert played.info(id_)["status"] == "InProgress"
        assert played.until(id_, "Succeeded", "Failed", "Stopped")["status"] == "Succeeded"


def test_the_older_operation_ends_the_wait_for_the_termination_too() -> None:
    with story(ENDS) as played:
        id_ = played.create()
        skip = played.api.skip_wait_time_for_instance_termination
        with pytest.raises(played.api.exceptions.DeploymentNotStartedException):
            skip(deploymentId=id_)
        while not played.info(id_)["instanceTerminationWaitTimeStarted"]:
            pass  # each question moves the clock on by a second
        skip(deploymentId=id_)
        assert played.info(id_)["status"] == "Succeeded"
        assert played.ec2.describe_instances(InstanceIds=[played.blue[0]])["Reservations"][0]["Instances"][0][
            "State"
        ]["Name"] in ("shutting-down", "terminated")


def test_one_that_no_one_continues_is_stopped_and_the_original_fleet_is_left_alone() -> None:
    with story(WAITS) as played:
        id_ = played.create()
        ready = played.until(id_, "Ready")
        info = played.until(id_, "Stopped", "Succeeded", "Failed")
        assert (info["status"], info["errorInformation"]["code"]) == ("Stopped", "TIMEOUT")
        begun = ready["startTime"] + timedelta(seconds=7)
        assert info["completeTime"] == begun + timedelta(minutes=5)
        assert played.events(id_, played.green[0]) == {
            **dict.fromkeys(EVENTS, "Succeeded"),
            **dict.fromkeys(ALLOW, "Skipped"),
        }
        assert set(played.events(id_, played.blue[0]).values()) == {"Skipped"}


def test_the_original_instances_are_terminated_after_their_time_or_at_once() -> None:
    for released in (False, True):
        with story(ENDS) as played:
            id_ = played.create()
            while not (info := played.info(id_))["instanceTerminationWaitTimeStarted"]:
                assert info["status"] == "InProgress"
            shifted = played.targets(id_)[played.blue[0]]["lifecycleEvents"][-1]["endTime"]
            assert played.info(id_)["status"] == "InProgress"
            if released:
                played.api.continue_deployment(deploymentId=id_, deploymentWaitType="TERMINATION_WAIT")
                assert played.info(id_)["status"] == "Succeeded"
            else:
                info = played.until(id_, "Succeeded")
                assert info["completeTime"] == shifted + timedelta(minutes=5)
            found = played.ec2.describe_instances(InstanceIds=[*played.blue, *played.green])["Reservations"]
            states = {one["InstanceId"]: one["State"]["Name"] for row in found for one in row["Instances"]}
            assert states == {
                **dict.fromkeys(played.blue, "terminated"),
                **dict.fromkeys(played.green, "running"),
            }
            assert not set(played.blue) & set(played.state.nodes)


@pytest.mark.parametrize("after", ["installed", "rerouting"])
def test_one_that_is_stopped_is_rolled_back_once_traffic_was_rerouted(after: str) -> None:
    with story(WAITS) as played:
        id_ = played.create(deploymentConfigName="CodeDeployDefault.OneAtATime")
        played.until(id_, "Ready")
        if after == "rerouting":
            played.api.continue_deployment(deploymentId=id_)
            played.info(id_)
        played.api.stop_deployment(deploymentId=id_, autoRollbackEnabled=True)
        stopped = played.info(id_)
        assert (stopped["status"], stopped["errorInformation"]["code"]) == ("Stopped", "MANUAL_STOP")
        assert ("rollbackInfo" in stopped) is (after == "rerouting")
        if after == "rerouting":
            back = stopped["rollbackInfo"]["rollbackDeploymentId"]
            info = played.until(back, "Succeeded")
            assert (info["creator"], info["rollbackInfo"]["rollbackTriggeringDeploymentId"]) == (
                *("codeDeployRollback", id_),
            )
            assert list(played.events(back, played.blue[0])) == [*ALLOW]
            assert list(played.events(back, played.green[0])) == [*BLOCK]
            assert played.targets(back)[played.blue[0]]["instanceLabel"] == "Blue"


def test_a_silent_agent_of_either_fleet_fails_the_first_event_there() -> None:
    with story() as played:
        for name in played.green:
            played.silence(name)
        id_ = played.create()
        info = played.until(id_, "Failed")
        assert info["errorInformation"]["code"] == "HEALTH_CONSTRAINTS"
        assert played.events(id_, played.green[0])["ApplicationStop"] == "Failed"
        assert set(played.events(id_, played.blue[0]).values()) == {"Skipped"}
    with story(autoRollbackConfiguration=ROLLS) as played:
        for name in played.blue:
            played.silence(name)
        id_ = played.create()
        info = played.until(id_, "Failed")
        assert played.events(id_, played.blue[0])["BeforeBlockTraffic"] == "Failed"
        assert played.events(id_, played.green[0])["AfterAllowTraffic"] == "Succeeded"
        assert played.until(info["rollbackInfo"]["rollbackDeploymentId"], "Succeeded")


def test_a_hook_of_the_rerouting_that_is_not_there_fails_it() -> None:
    appspec = "version: 0.0\nos: linux\nhooks:\n  BeforeAllowTraffic:\n    - location: scripts/warm.sh\n"
    with story() as played:
        played.s3.put_object(
            Bucket="shop-revisions", Key="web/1.4.2.zip", Body=zipped({"appspec.yml": appspec})
        )
        id_ = played.create()
        assert played.until(id_, "Failed")["errorInformation"]["code"] == "HEALTH_CONSTRAINTS"
        events = played.targets(id_)[played.green[0]]["lifecycleEvents"]
        (failed,) = (event for event in events if event["status"] == "Failed")
        assert failed["lifecycleEventName"] == "BeforeAllowTraffic"
        assert failed["diagnostics"]["errorCode"] == "ScriptMissing"


def test_the_configuration_says_how_many_are_rerouted_at_the_same_time() -> None:
    with story() as played:
        id_ = played.create(deploymentConfigName="CodeDeployDefault.OneAtATime")
        played.until(id_, "Succeeded")
        first, second = (played.targets(id_)[name]["lifecycleEvents"] for name in played.green)
        assert second[0]["startTime"] == first[6]["endTime"]
        assert second[7]["startTime"] == first[-1]["endTime"]


COPIED = ("autoscaling:CreateAutoScalingGroup", "ec2:CreateTags", "ec2:RunInstances", "iam:PassRole")
ENDED = ("autoscaling:DeleteAutoScalingGroup", "ec2:TerminateInstances")


@contextmanager
def copying(*lacking: str, profile: str = "") -> Iterator[Story]:
    """A blue/green group that copies its Auto Scaling group, and whose service role lacks these actions.

    `profile` is the instance profile of its launch template.
    """

    def scenario(account: Account) -> None:
        find("group-healthy")(account)
        role = account.iam.find("role", SERVICE_ROLE)
        assert role
        held = ("autoscaling:Describe*", *HOOKS, "ec2:Describe*", "elasticloadbalancing:*", *COPIED, *ENDED)
        role.inline = {"Own": allow(*(one for one in held if one not in lacking))}
        if profile:
            account.at_start.append(lambda ask: _with_profile(ask, profile))

    def _with_profile(ask: Any, name: str) -> None:
        data = {"ImageId": "ami-760aaa0f", "InstanceType": "t3.micro", "IamInstanceProfile": {"Name": name}}
        ask("ec2", "CreateLaunchTemplate", LaunchTemplateName="roled", LaunchTemplateData=data)
        template = {"LaunchTemplateName": "roled", "Version": "1"}
        ask("autoscaling", "UpdateAutoScalingGroup", AutoScalingGroupName="web", LaunchTemplate=template)

    with serve(scenario, clock=NOON) as sandbox:
        group = {"ec2TagFilters": [], "autoScalingGroups": ["web"]}
        yield Story(sandbox, {**COPIES, **ENDS}, **group)


def groups_of(played: Story) -> list[str]:
    rows = played.scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    return [one["AutoScalingGroupName"] for one in rows]


@pytest.mark.parametrize("action", COPIED)
def test_a_service_role_that_may_not_copy_the_auto_scaling_group_ends_it_before_the_copy(action: str) -> None:
    with copying(action, profile="WebServer") as played:
        id_ = played.create(targetInstances={})
        error = played.until(id_, "Failed")["errorInformation"]
        assert error["code"] == "AUTO_SCALING_IAM_ROLE_PERMISSIONS"
        assert "AWS service: AmazonAutoScaling." in error["message"]
        assert groups_of(played) == ["web"]
        assert {one["instanceLabel"] for one in played.targets(id_).values()} == {"Blue"}


def test_a_role_is_passed_only_where_the_launch_template_names_one() -> None:
    with copying("iam:PassRole") as played:
        played.until(played.create(targetInstances={}), "Succeeded")
    with copying(profile="WebServer") as played:
        played.until(played.create(targetInstances={}), "Succeeded")


@pytest.mark.parametrize("action", ENDED)
def test_an_original_fleet_that_the_service_role_may_not_end_stays(action: str) -> None:
    with copying(action) as played:
        id_ = played.create(targetInstances={})
        played.until(id_, "Succeeded")
        assert sorted(groups_of(played)) == [f"CodeDeploy_bg_{id_}", "web"]


def test_a_copied_auto_scaling_group_is_the_replacement_fleet_and_the_other_ends() -> None:
    with copying() as played:
        before = {
            one["InstanceId"]
            for one in played.scaling.describe_auto_scaling_instances()["AutoScalingInstances"]
        }
        id_ = played.create(targetInstances={})
        name = f"CodeDeploy_bg_{id_}"
        (made,) = played.scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name])[
            "AutoScalingGroups"
        ]
        labels = {target: one["instanceLabel"] for target, one in played.targets(id_).items()}
        copied = {one["InstanceId"] for one in made["Instances"]}
        assert labels == {**dict.fromkeys(before, "Blue"), **dict.fromkeys(copied, "Green")}
        assert len(copied) == 2
        played.until(id_, "Succeeded")
        left = [
            one["AutoScalingGroupName"]
            for one in played.scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        ]
        assert left == [name]
        (scaled,) = played.api.get_deployment_group(**WHERE)["deploymentGroupInfo"]["autoScalingGroups"]
        assert scaled["name"] == name


@pytest.mark.parametrize(
    ("member", "code"),
    [
        ("blueGreenDeploymentConfiguration", "MISSING_BLUE_GREEN_DEPLOYMENT_CONFIGURATION"),
        ("loadBalancerInfo", "MISSING_ELB_INFORMATION"),
    ],
)
def test_a_group_that_is_not_set_up_for_it(member: str, code: str) -> None:
    with story(**{member: {}}) as played:
        id_ = played.create()
        assert played.until(id_, "Failed")["errorInformation"]["code"] == code


TAG = {"Key": "Fleet", "Value": "red", "Type": "KEY_AND_VALUE"}


@pytest.mark.parametrize(
    ("fleet", "error"),
    [
        ({}, "InvalidTargetInstances"),
        ({"tagFilters": [TAG]}, "InvalidTargetInstances"),  # of no instance
        ({**GREEN, "ec2TagSet": {"ec2TagSetList": [GREEN["tagFilters"]]}}, "InvalidTargetInstances"),
        ({"tagFilters": [*GREEN["tagFilters"], *([TAG] * 10)]}, "InvalidTargetInstances"),
        ({"autoScalingGroups": ["nope"]}, "InvalidAutoScalingGroup"),
    ],
)
def test_a_replacement_fleet_that_is_none(fleet: dict[str, Any], error: str) -> None:
    with story() as played, pytest.raises(getattr(played.api.exceptions, f"{error}Exception")):
        played.create(targetInstances=fleet)


def test_a_copy_needs_one_group_and_no_fleet_of_its_own() -> None:
    with story(COPIES) as played:
        with pytest.raises(played.api.exceptions.InvalidTargetInstancesException):
            played.create()
        with pytest.raises(played.api.exceptions.InvalidAutoScalingGroupException):
            played.create(targetInstances={})


def test_a_tag_set_selects_what_is_in_each_of_its_lists() -> None:
    with story() as played:
        played.ec2.create_tags(Resources=played.green[:1], Tags=[{"Key": "Tier", "Value": "web"}])
        tier = {"Key": "Tier", "Value": "web", "Type": "KEY_AND_VALUE"}
        id_ = played.create(targetInstances={"ec2TagSet": {"ec2TagSetList": [GREEN["tagFilters"], [tier]]}})
        assert set(played.targets(id_, ServerInstanceLabel=["Green"])) == set(played.green[:1])


def test_in_place_behind_a_load_balancer_traffic_is_blocked_first_and_allowed_last() -> None:
    style = {"deploymentType": "IN_PLACE", "deploymentOption": "WITH_TRAFFIC_CONTROL"}
    with story(deploymentStyle=style) as played:
        with pytest.raises(played.api.exceptions.InvalidTargetInstancesException):
            played.create()
        played.silence(played.blue[1])
        id_ = played.create(targetInstances={})
        played.until(id_, "Succeeded", "Failed")
        events = played.events(id_, played.blue[0])
        assert list(events) == [*BLOCK, *EVENTS, *ALLOW]
        assert set(events.values()) == {"Succeeded"}
        assert played.events(id_, played.blue[1])["BeforeBlockTraffic"] == "Failed"
