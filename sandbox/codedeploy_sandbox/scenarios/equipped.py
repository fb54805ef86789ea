"""A deployment group with all that it can have, as the scenarios of groups and of deployments behind a load balancer change it.

shop/web also selects an Auto Scaling group with two instances, which stand behind a target group; it watches an alarm and
has a trigger.
"""

from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from codedeploy_sandbox.iam.identities import Document
from codedeploy_sandbox.moto_client import Ask
from codedeploy_sandbox.scaling import hook_of, put_hook
from codedeploy_sandbox.scenarios.baseline import (
    APPLICATION,
    GROUP,
    READS_REVISIONS,
    SERVICE_ROLE,
    allow,
    only,
)
from codedeploy_sandbox.scenarios.ec2 import BY_EC2
from codedeploy_sandbox.scenarios.fleet import healthy
from codedeploy_sandbox.scenarios.helpers import ROLE, machine_in_ec2, profile
from codedeploy_sandbox.state import ACCOUNT, REGION, Account, Node

_IMAGE = "ami-760aaa0f"  # of images.json
SCALED, _TARGETS, _ALARM = "web", "web", "web-errors"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:deployments"
BALANCED = {"deploymentType": "IN_PLACE", "deploymentOption": "WITH_TRAFFIC_CONTROL"}
HOOKS = (
    "autoscaling:CompleteLifecycleAction",
    "autoscaling:DeleteLifecycleHook",
    "autoscaling:PutLifecycleHook",
    "autoscaling:RecordLifecycleActionHeartbeat",
)
ROLE_ACTIONS = (
    *("autoscaling:Describe*", "autoscaling:ResumeProcesses", "autoscaling:SuspendProcesses"),
    *("cloudwatch:DescribeAlarms", "ec2:Describe*", "ec2:CreateTags", "ec2:RunInstances", "iam:PassRole"),
    *("elasticloadbalancing:*", "sns:Publish", "tag:GetResources"),
)


UNHEALTHY = {
    "State": "unhealthy",
    "Reason": "Target.ResponseCodeMismatch",
    "Description": "Health checks failed with these codes: [500]",
}
DRAINING = {
    "State": "draining",
    "Reason": "Target.DeregistrationInProgress",
    "Description": "Target deregistration is in progress",
}
# Assumption: scaling-activities
_GREW = "At {at:%Y-%m-%dT%H:%M:%SZ} an instance was started in response to a difference between desired and actual capacity, increasing the capacity."


def change(account: Account, **members: object) -> None:
    """Give shop/web these members."""
    account.state(REGION).groups[f"{APPLICATION}/{GROUP}"].update(members)


def hook(group: str, kind: str = "hook") -> str:
    """The name of the hook of a group of shop on the Auto Scaling group."""
    return hook_of(APPLICATION, group, SCALED, kind)


def equipped(
    account: Account,
    *,
    hooks: tuple[str, ...] = (GROUP,),
    ends: tuple[str, ...] = (),
    target_type: str = "instance",
    alarm: str = "OK",
    registered: slice = slice(None),
    launched: bool = True,
    health: dict[int, dict[str, str]] | None = None,
) -> None:
    """The healthy fleet, and shop/web with all that a group can have.

    The Auto Scaling group has the launch hooks of `hooks`, and the termination hooks of `ends`. `registered` are those of its two instances that are behind the load balancer; `health` is theirs, by their number, where
    it is not good; `launched`: they were launched two hours ago.
    """
    healthy(account)
    only(account, role(), name=SERVICE_ROLE)
    change(
        account,
        autoScalingGroups=[{"name": SCALED, "hook": hook(GROUP)}],
        loadBalancerInfo={"targetGroupInfoList": [{"name": _TARGETS}]},
        deploymentStyle=BALANCED,
        alarmConfiguration={"enabled": True, "ignorePollAlarmFailure": False, "alarms": [{"name": _ALARM}]},
        triggerConfigurations=[
            {"triggerName": "tell", "triggerTargetArn": TOPIC, "triggerEvents": ["DeploymentFailure"]}
        ],
        ec2DeploymentOptions={"autoScalingGroupProcessesToSuspend": ["AZRebalance"]},
    )
    account.iam.add(f"arn:aws:iam::{ACCOUNT}:role/{ROLE}", inline=dict(READS_REVISIONS), trust=BY_EC2)
    account.seeds += [
        ("iam", profile),
        ("sns", lambda ask: ask("sns", "CreateTopic", Name=TOPIC.rpartition(":")[2])),
    ]
    # at the start, so that ids do not depend on which request comes first
    account.at_start += [
        lambda ask: _scaling(account, ask, hooks, ends, launched=launched),
        lambda ask: _balancing(account, ask, target_type, registered, health or {}),
        lambda ask: _watching(ask, alarm),
    ]


def role() -> Document:
    """What the service role needs for such a group."""
    return allow(*ROLE_ACTIONS, *HOOKS)


def launches(account: Account, rows: list[tuple[int, str, str, str]]) -> None:
    """Let the Auto Scaling group have made these launches: minutes ago, instance, status, and what it says of that."""
    kept = account.state(REGION).activities.setdefault(SCALED, [])
    for minutes, id_, status, text in rows:
        at = account.clock.start - timedelta(minutes=minutes)
        row = {
            "ActivityId": str(UUID(bytes=sha256(f"{at} {id_}".encode()).digest()[:16], version=4)),
            "AutoScalingGroupName": SCALED,
            "Description": f"Launching a new EC2 instance{f': {id_}' if id_ else ''}",
            "Cause": _GREW.format(at=at),
            "StartTime": at,
            "EndTime": at + timedelta(minutes=3),
            "StatusCode": status,
            "Progress": 100,
        }
        kept.append(row | ({"StatusMessage": text} if text else {}))
    kept.sort(key=lambda row: row["StartTime"], reverse=True)


def instances(ask: Ask) -> list[str]:
    """The ids of the instances of the Auto Scaling group."""
    (made,) = ask("autoscaling", "DescribeAutoScalingGroups")["AutoScalingGroups"]
    return sorted(one["InstanceId"] for one in made["Instances"])


def _scaling(
    account: Account, ask: Ask, hooks: tuple[str, ...], ends: tuple[str, ...], *, launched: bool
) -> None:
    ask("iam", "GetInstanceProfile", InstanceProfileName=ROLE)  # makes it, if nothing has yet
    template = {"ImageId": _IMAGE, "InstanceType": "t3.micro"}
    ask("ec2", "CreateLaunchTemplate", LaunchTemplateName=SCALED, LaunchTemplateData=template)
    ask(
        "autoscaling",
        "CreateAutoScalingGroup",
        AutoScalingGroupName=SCALED,
        LaunchTemplate={"LaunchTemplateName": SCALED},
        MinSize=2,
        MaxSize=4,
        DesiredCapacity=2,
        AvailabilityZones=[f"{REGION}a"],
    )
    (made,) = ask("autoscaling", "DescribeAutoScalingGroups")["AutoScalingGroups"]
    for number, one in enumerate(made["Instances"], 21):
        id_ = one["InstanceId"]
        # moto gives an instance none from its launch template
        ask("ec2", "AssociateIamInstanceProfile", IamInstanceProfile={"Name": ROLE}, InstanceId=id_)
        account.state(REGION).nodes[id_] = Node(id_, machine_in_ec2(id_, f"ip-10-20-0-{number}", REGION))
    for group in hooks:
        put_hook(ask, REGION, SCALED, hook(group))
    for group in ends:
        put_hook(ask, REGION, SCALED, hook(group, "terminationHook"), "terminationHook")
    if launched:
        launches(account, [(120, id_, "Successful", "") for id_ in instances(ask)])


def _balancing(
    account: Account, ask: Ask, target_type: str, registered: slice, health: dict[int, dict[str, str]]
) -> None:
    vpc = ask("ec2", "DescribeVpcs")["Vpcs"][0]["VpcId"]
    listens = {"Protocol": "HTTP", "Port": 80, "VpcId": vpc, "HealthCheckPath": "/health"}
    made = ask("elbv2", "CreateTargetGroup", Name=_TARGETS, TargetType=target_type, **listens)
    if target_type != "instance":
        return
    arn, ids = made["TargetGroups"][0]["TargetGroupArn"], instances(ask)
    ask("elbv2", "RegisterTargets", TargetGroupArn=arn, Targets=[{"Id": id_} for id_ in ids[registered]])
    account.state(REGION).health |= {ids[number]: said for number, said in health.items()}


def _watching(ask: Ask, state: str) -> None:
    measures = {"Namespace": "Shop", "MetricName": "Errors", "Statistic": "Sum", "Period": 60}
    limit = {"EvaluationPeriods": 1, "Threshold": 5.0, "ComparisonOperator": "GreaterThanThreshold"}
    ask("cloudwatch", "PutMetricAlarm", AlarmName=_ALARM, **measures, **limit)
    ask("cloudwatch", "SetAlarmState", AlarmName=_ALARM, StateValue=state, StateReason="sandbox")
