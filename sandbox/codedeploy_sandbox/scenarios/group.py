"""The deployment group shop/web cannot deploy as it should; the hosts are well.

In those that begin with a group that has everything it also selects an Auto Scaling group with two instances, which
stand behind a target group, and it watches an alarm and has a trigger.
"""

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
_SCALED, _TARGETS, _ALARM = "web", "web", "web-errors"
_TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:deployments"
_BALANCED = {"deploymentType": "IN_PLACE", "deploymentOption": "WITH_TRAFFIC_CONTROL"}
_HOOKS = (
    "autoscaling:CompleteLifecycleAction",
    "autoscaling:DeleteLifecycleHook",
    "autoscaling:PutLifecycleHook",
    "autoscaling:RecordLifecycleActionHeartbeat",
)
_ROLE = (
    *("autoscaling:Describe*", "autoscaling:ResumeProcesses", "autoscaling:SuspendProcesses"),
    *("cloudwatch:DescribeAlarms", "ec2:Describe*", "ec2:CreateTags", "ec2:RunInstances", "iam:PassRole"),
    *("elasticloadbalancing:*", "sns:Publish", "tag:GetResources"),
)


def group_healthy(account: Account) -> None:
    """Nothing is wrong: shop/web also has an Auto Scaling group behind a load balancer, an alarm and a trigger."""
    _equipped(account)


def group_selects_none(account: Account) -> None:
    """No instance has the tag by which the group shop/web selects."""
    healthy(account)
    for instance in account.state(REGION).instances.values():
        instance.tags = {key: value for key, value in instance.tags.items() if key != "Environment"}


def group_constraint_cannot_hold(account: Account) -> None:
    """The configuration of shop/web wants 100 % of its instances healthy, so that none is left to deploy to."""
    healthy(account)
    _with(account, deploymentConfigName="shop-all-healthy")
    minimum = {"type": "FLEET_PERCENT", "value": 100}
    account.state(REGION).configurations["shop-all-healthy"] = {"minimumHealthyHosts": minimum}


def group_role_missing(account: Account) -> None:
    """The service role of shop/web was deleted."""
    healthy(account)
    account.iam.remove("role", SERVICE_ROLE)


def group_role_not_trusting(account: Account) -> None:
    """The service role of shop/web trusts EC2, and not CodeDeploy."""
    healthy(account)
    role = account.iam.find("role", SERVICE_ROLE)
    if role:
        role.trust["Statement"][0]["Principal"] = {"Service": "ec2.amazonaws.com"}


def group_role_denied(account: Account) -> None:
    """The service role of shop/web may not put a lifecycle hook on its Auto Scaling group."""
    _equipped(account)
    only(account, allow(*_ROLE, *(one for one in _HOOKS if "Put" not in one)), name=SERVICE_ROLE)


def group_hook_missing(account: Account) -> None:
    """The hook of CodeDeploy on the Auto Scaling group of shop/web was deleted."""
    _equipped(account, hooks=())


def group_hook_left_over(account: Account) -> None:
    """The Auto Scaling group of shop/web still has the hook of a deployment group that was deleted."""
    _equipped(account, hooks=(GROUP, "web-old"))


def group_targets_are_addresses(account: Account) -> None:
    """The target group of shop/web takes IP addresses, and CodeDeploy registers instances."""
    _equipped(account, target_type="ip")


def group_load_balancer_missing(account: Account) -> None:
    """The Classic Load Balancer of shop/web was deleted."""
    healthy(account)
    only(account, _role(), name=SERVICE_ROLE)
    _with(account, loadBalancerInfo={"elbInfoList": [{"name": "web-classic"}]}, deploymentStyle=_BALANCED)


def group_alarm_active(account: Account) -> None:
    """The alarm that shop/web watches is in ALARM."""
    _equipped(account, alarm="ALARM")


def _with(account: Account, **members: object) -> None:
    account.state(REGION).groups[f"{APPLICATION}/{GROUP}"].update(members)


def _hook(group: str) -> str:
    return hook_of(APPLICATION, group, _SCALED)


def _equipped(
    account: Account, *, hooks: tuple[str, ...] = (GROUP,), target_type: str = "instance", alarm: str = "OK"
) -> None:
    """The healthy fleet, and shop/web with all that a group can have."""
    healthy(account)
    only(account, _role(), name=SERVICE_ROLE)
    _with(
        account,
        autoScalingGroups=[{"name": _SCALED, "hook": _hook(GROUP)}],
        loadBalancerInfo={"targetGroupInfoList": [{"name": _TARGETS}]},
        deploymentStyle=_BALANCED,
        alarmConfiguration={"enabled": True, "ignorePollAlarmFailure": False, "alarms": [{"name": _ALARM}]},
        triggerConfigurations=[
            {"triggerName": "tell", "triggerTargetArn": _TOPIC, "triggerEvents": ["DeploymentFailure"]}
        ],
        ec2DeploymentOptions={"autoScalingGroupProcessesToSuspend": ["AZRebalance"]},
    )
    account.iam.add(f"arn:aws:iam::{ACCOUNT}:role/{ROLE}", inline=dict(READS_REVISIONS), trust=BY_EC2)
    account.seeds.append(("iam", profile))
    # at the start, so that ids do not depend on which request comes first
    account.at_start += [
        lambda ask: _scaling(account, ask, hooks),
        lambda ask: _balancing(ask, target_type),
        lambda ask: _watching(ask, alarm),
    ]


def _role() -> Document:
    return allow(*_ROLE, *_HOOKS)


def _scaling(account: Account, ask: Ask, hooks: tuple[str, ...]) -> None:
    ask("iam", "GetInstanceProfile", InstanceProfileName=ROLE)  # makes it, if nothing has yet
    launches = {"ImageId": _IMAGE, "InstanceType": "t3.micro"}
    ask("ec2", "CreateLaunchTemplate", LaunchTemplateName=_SCALED, LaunchTemplateData=launches)
    ask(
        "autoscaling",
        "CreateAutoScalingGroup",
        AutoScalingGroupName=_SCALED,
        LaunchTemplate={"LaunchTemplateName": _SCALED},
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
        put_hook(ask, REGION, _SCALED, _hook(group))


def _balancing(ask: Ask, target_type: str) -> None:
    vpc = ask("ec2", "DescribeVpcs")["Vpcs"][0]["VpcId"]
    listens = {"Protocol": "HTTP", "Port": 80, "VpcId": vpc}
    ask("elbv2", "CreateTargetGroup", Name=_TARGETS, TargetType=target_type, **listens)


def _watching(ask: Ask, state: str) -> None:
    measures = {"Namespace": "Shop", "MetricName": "Errors", "Statistic": "Sum", "Period": 60}
    limit = {"EvaluationPeriods": 1, "Threshold": 5.0, "ComparisonOperator": "GreaterThanThreshold"}
    ask("cloudwatch", "PutMetricAlarm", AlarmName=_ALARM, **measures, **limit)
    ask("cloudwatch", "SetAlarmState", AlarmName=_ALARM, StateValue=state, StateReason="sandbox")
