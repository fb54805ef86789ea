"""The scenarios of a deployment group: each differs from a healthy one in what its docstring says, and in nothing else."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError
from codedeploy_sandbox import SCENARIOS, Sandbox, serve
from codedeploy_sandbox.scenarios.equipped import TOPIC
from codedeploy_sandbox.state import ACCOUNT

from tests.support.sandbox import client

ROLE = f"arn:aws:iam::{ACCOUNT}:role/CodeDeployService"
# By scenario: the healthy one that it is like, and the names of the facts that differ.
DIFFERS: dict[str, tuple[str, set[str]]] = {
    "group-healthy": ("group-healthy", set()),
    "group-selects-none": ("healthy", {"tags"}),
    "group-constraint-cannot-hold": ("healthy", {"group", "minimum"}),
    "group-role-missing": ("healthy", {"trust", "may hook"}),
    "group-role-not-trusting": ("healthy", {"trust"}),
    "group-role-denied": ("group-healthy", {"may hook"}),
    "group-hook-missing": ("group-healthy", {"hooks"}),
    "group-hook-left-over": ("group-healthy", {"hooks"}),
    "group-termination-hook-missing": ("group-healthy", {"group"}),
    "group-termination-hook-left-over": ("group-healthy", {"hooks"}),
    "group-process-suspended": ("group-healthy", {"suspended"}),
    "group-topic-missing": ("group-healthy", {"topic"}),
    "group-targets-are-addresses": ("group-healthy", {"target type", "targets"}),
    "group-load-balancer-missing": ("healthy", {"group"}),
    "group-alarm-active": ("group-healthy", {"alarm"}),
    "group-target-unhealthy": ("group-healthy", {"targets"}),
    "group-targets-draining": ("group-healthy", {"targets", "launches"}),
    "group-target-not-registered": ("group-healthy", {"targets"}),
    "group-classic-not-registered": ("group-healthy", {"group", "classic"}),
    "group-launch-loop": ("group-healthy", {"launches"}),
    "group-launch-failing": ("group-healthy", {"launches"}),
    "group-shares-auto-scaling": ("group-healthy", {"applications"}),
}


def facts(sandbox: Sandbox) -> dict[str, Any]:
    """What the scenario's own caller sees of the group and of what it works with."""

    def ask(service: str, method: str, **parameters: Any) -> Any:
        try:
            return getattr(client(sandbox, service), method)(**parameters)
        except ClientError as error:
            return {"error": error.response["Error"]["Code"]}

    named = {"applicationName": "shop", "deploymentGroupName": "web"}
    group = ask("codedeploy", "get_deployment_group", **named)["deploymentGroupInfo"]
    config = ask("codedeploy", "get_deployment_config", deploymentConfigName=group["deploymentConfigName"])
    names = ask("codedeploy", "list_on_premises_instances", registrationStatus="Registered")["instanceNames"]
    infos = ask("codedeploy", "batch_get_on_premises_instances", instanceNames=names)["instanceInfos"]
    hooks = ask("autoscaling", "describe_lifecycle_hooks", AutoScalingGroupName="web")
    scaled = ask("autoscaling", "describe_auto_scaling_groups")["AutoScalingGroups"]
    targets = ask("elbv2", "describe_target_groups", Names=["web"])
    arns = [one["TargetGroupArn"] for one in targets.get("TargetGroups", ())]
    health = [ask("elbv2", "describe_target_health", TargetGroupArn=arn) for arn in arns]
    classic = ask("elb", "describe_instance_health", LoadBalancerName="web-classic")
    launches = ask("autoscaling", "describe_scaling_activities", AutoScalingGroupName="web")["Activities"]
    may = ask(
        "iam",
        "simulate_principal_policy",
        PolicySourceArn=ROLE,
        ActionNames=["autoscaling:PutLifecycleHook"],
        ResourceArns=["*"],
    )
    return {
        # without its id, and without its last deployments, whose times differ
        "group": {k: v for k, v in group.items() if k != "deploymentGroupId" and not k.startswith("last")},
        "minimum": config["deploymentConfigInfo"]["minimumHealthyHosts"],
        "tags": [info["tags"] for info in infos],
        "trust": ask("iam", "get_role", RoleName="CodeDeployService").get("Role", {}).get("AssumeRolePolicyDocument"),
        "may hook": [one["EvalDecision"] for one in may.get("EvaluationResults", ())],
        "hooks": [hook["LifecycleHookName"] for hook in hooks.get("LifecycleHooks", ())],
        "instances": [i["LifecycleState"] for one in scaled for i in one["Instances"]],
        "suspended": sorted(row["ProcessName"] for one in scaled for row in one["SuspendedProcesses"]),
        "targets": [row["TargetHealth"] for one in health for row in one["TargetHealthDescriptions"]],
        "classic": [one["State"] for one in classic.get("InstanceStates", ())],
        "launches": [one["StatusCode"] for one in launches],
        "applications": ask("codedeploy", "list_applications")["applications"],
        "target type": [one["TargetType"] for one in targets.get("TargetGroups", ())],
        "topic": ask("sns", "get_topic_attributes", TopicArn=TOPIC).get("error", ""),
        "alarm": [one["StateValue"] for one in ask("cloudwatch", "describe_alarms")["MetricAlarms"]],
    }  # fmt: skip


@pytest.mark.parametrize("name", DIFFERS)
def test_a_scenario_differs_in_what_it_says(name: str) -> None:
    base, differs = DIFFERS[name]
    with serve(base) as sandbox:
        healthy = facts(sandbox)
    with serve(name) as sandbox:
        found = facts(sandbox)
    assert {fact for fact in healthy if found[fact] != healthy[fact]} == differs


def test_the_healthy_group_is_as_it_should_be() -> None:
    """So that a difference from it means something."""
    with serve("group-healthy") as sandbox:
        found = facts(sandbox)
    assert [one["hook"] for one in found["group"]["autoScalingGroups"]] == found["hooks"]
    assert found["instances"] == ["InService", "InService"]
    assert (found["target type"], found["alarm"], found["may hook"]) == (["instance"], ["OK"], ["allowed"])
    assert found["group"]["targetRevision"]["s3Location"]["key"] == "web/1.4.2.zip"


def test_a_batch_leaves_out_a_group_that_is_not_there() -> None:
    with serve("group-healthy") as sandbox:
        codedeploy = client(sandbox, "codedeploy")
        asked: Any = {"applicationName": "shop", "deploymentGroupNames": ["gone", "web"]}
        (one,) = codedeploy.batch_get_deployment_groups(**asked)["deploymentGroupsInfo"]
        assert one["deploymentGroupName"] == "web"
        with pytest.raises(codedeploy.exceptions.BatchLimitExceededException):
            codedeploy.batch_get_deployment_groups(
                applicationName="shop", deploymentGroupNames=[str(number) for number in range(101)]
            )


def test_a_deployment_by_a_configuration_that_cannot_hold_fails_as_foreseen() -> None:
    with serve("group-constraint-cannot-hold") as sandbox:
        codedeploy = client(sandbox, "codedeploy")
        where: Any = {"bucket": "shop-revisions", "key": "web/1.4.2.zip", "bundleType": "zip"}
        named: Any = {"applicationName": "shop", "deploymentGroupName": "web"}
        id_ = codedeploy.create_deployment(**named, revision={"revisionType": "S3", "s3Location": where})[
            "deploymentId"
        ]
        waits: Any = {"Delay": 1, "MaxAttempts": 20}
        with pytest.raises(WaiterError, match="Failed"):
            codedeploy.get_waiter("deployment_successful").wait(deploymentId=id_, WaiterConfig=waits)
        info = codedeploy.get_deployment(deploymentId=id_)["deploymentInfo"]
        assert info["errorInformation"]["code"] == "HEALTH_CONSTRAINTS_INVALID"


def test_every_scenario_of_a_group_has_its_row() -> None:
    assert set(DIFFERS) == {name for name in SCENARIOS if name.startswith("group-")}
