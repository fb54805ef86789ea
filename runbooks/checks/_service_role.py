"""The service role of a deployment group: whom it trusts, and what it may do of what its group needs."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from runbooks.aws import Aws
from runbooks.aws.regions import dns_suffix
from runbooks.checks._iam import let_in, simulated, trusts
from runbooks.checks._topics import topics_of
from runbooks.facts.auto_scaling import auto_scaling_groups
from runbooks.facts.load_balancing import target_group
from runbooks.findings import FAIL, OK, CouldNotCheck, Finding

_TRUST = "/deployment-errors/IAM_ROLE_PERMISSIONS/"


def trust(aws: Aws, role: Mapping[str, Any]) -> Finding:
    """Whether the trust policy of a role lets CodeDeploy assume it, by its general or its regional principal."""
    arn, policy = str(role["Arn"]), role.get("AssumeRolePolicyDocument")
    if not isinstance(policy, Mapping):
        raise CouldNotCheck(f"iam:GetRole gives no trust policy of {arn} that can be read.")
    general = "codedeploy.amazonaws.com"
    answer = trusts(policy, {general, f"codedeploy.{aws.region}.{dns_suffix(aws.region)}"})
    if answer.doubt:
        raise CouldNotCheck(f"whether CodeDeploy may assume {arn} is not known: {answer.doubt}.", next=_TRUST)
    if answer.yes:
        return Finding(OK, f"The service role {arn} is there, and CodeDeploy may assume it.", about=arn)
    says = f"CodeDeploy cannot assume the service role {arn}: {answer.why}."
    fix = let_in(aws, arn, policy, answer, general)
    return Finding(FAIL, says, code="not-trusted", about=arn, fix=fix, next=_TRUST)


class Need(NamedTuple):
    """What a part of a deployment group needs of its service role."""

    actions: tuple[str, ...]
    on: str = "*"
    named: str = ""  # the thing, where it is one of several
    unproved: tuple[str, ...] = ()  # of these it is no proof that no policy allows them on *
    page: str = _TRUST
    later: str = ""  # what a denial stops instead of a deployment to the current instances


# By what a group has; all but those of launch templates are in the managed policy AWSCodeDeployRole (version 12). Which
# of its actions CodeDeploy calls for which part is inferred from their names.
_SCALING = "/deployment-errors/AUTO_SCALING_IAM_ROLE_PERMISSIONS/"
_OF_INSTANCES = Need(("ec2:DescribeInstances",))
# blue/green: the Auto Scaling group is copied, and what stays behind is ended
_COPIES = Need(
    (
        "autoscaling:CreateAutoScalingGroup",
        "autoscaling:DeleteAutoScalingGroup",
        "autoscaling:UpdateAutoScalingGroup",
    ),
    page=_SCALING,
)
_TERMINATES = Need(("ec2:TerminateInstances",))
_OF_SCALING = Need(
    ("autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeLifecycleHooks"), page=_SCALING
)
_HOOKS = (
    "autoscaling:CompleteLifecycleAction",
    "autoscaling:DeleteLifecycleHook",
    "autoscaling:PutLifecycleHook",
    "autoscaling:RecordLifecycleActionHeartbeat",
)
_OF_HOOKS = "This stops updates of the deployment group and deployments to new instances, not one to the current instances."
_OF_TOPICS = "This stops the notifications, not a deployment."
_SUSPENDS = ("autoscaling:ResumeProcesses", "autoscaling:SuspendProcesses")
# AWS's user guide: to be added to the managed policy where an Auto Scaling group has a launch template
_LAUNCHES = ("ec2:RunInstances", "ec2:CreateTags", "iam:PassRole")
_OF_TARGET_GROUPS = Need(
    ("elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth")
)
_TARGETS = ("elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets")
_OF_CLASSIC = Need(
    (
        "elasticloadbalancing:DescribeInstanceHealth",
        "elasticloadbalancing:DescribeLoadBalancers",
        "elasticloadbalancing:DeregisterInstancesFromLoadBalancer",
        "elasticloadbalancing:RegisterInstancesWithLoadBalancer",
    )
)
_OF_ALARMS = Need(("cloudwatch:DescribeAlarms",), page="/deployment-errors/ALARM_ACTIVE/")


def needs(aws: Aws, group: Mapping[str, Any]) -> list[Need]:
    """What a deployment group needs its service role to be allowed to do."""
    found: list[Need] = []
    tags = group.get("ec2TagFilters") or (group.get("ec2TagSet") or {}).get("ec2TagSetList")
    if tags or group.get("autoScalingGroups"):
        found.append(_OF_INSTANCES)
    found += _of_scaling(aws, group)
    found += _of_blue_green(group)
    balancing = group.get("loadBalancerInfo") or {}
    if balancing.get("targetGroupInfoList"):
        found.append(_OF_TARGET_GROUPS)
        for one in balancing["targetGroupInfoList"]:
            there = target_group(aws, str(one.get("name")))
            if there:
                found.append(Need(_TARGETS, on=str(there["TargetGroupArn"]), named=str(one["name"])))
    if balancing.get("elbInfoList"):
        found.append(_OF_CLASSIC)
    if alarms_of(group):
        found.append(_OF_ALARMS)
    found += [
        Need(("sns:Publish",), on=topic, named=topic.rpartition(":")[2], later=_OF_TOPICS)
        for topic in sorted(topics_of(group))
    ]
    return found


def _of_scaling(aws: Aws, group: Mapping[str, Any]) -> Iterator[Need]:
    names = [str(one["name"]) for one in group.get("autoScalingGroups") or () if one.get("name")]
    options = group.get("ec2DeploymentOptions") or {}
    suspends = bool(options.get("autoScalingGroupProcessesToSuspend"))
    there = auto_scaling_groups(aws, names)
    if names:
        yield _OF_SCALING
    for name, one in sorted(there.items()):
        on = str(one.get("AutoScalingGroupARN") or "*")
        yield Need(_HOOKS, on=on, named=name, page=_SCALING, later=_OF_HOOKS)
        if suspends:
            yield Need(_SUSPENDS, on=on, named=name, page=_SCALING)
    if any("LaunchTemplate" in (one.get("MixedInstancesPolicy") or one) for one in there.values()):
        # a policy may name what is launched and which role is passed; only a statement that denies it on * is proof
        yield Need(_LAUNCHES, unproved=_LAUNCHES, page=_SCALING)


def _of_blue_green(group: Mapping[str, Any]) -> Iterator[Need]:
    options = group.get("blueGreenDeploymentConfiguration") or {}
    if (group.get("deploymentStyle") or {}).get("deploymentType") != "BLUE_GREEN":
        return
    if (options.get("greenFleetProvisioningOption") or {}).get("action") == "COPY_AUTO_SCALING_GROUP":
        yield _COPIES
    if (options.get("terminateBlueInstancesOnDeploymentSuccess") or {}).get("action") == "TERMINATE":
        yield _TERMINATES


def of_scaling(info: Mapping[str, Any], code: str, message: str) -> str:
    """What a deployment (DeploymentInfo) needs of its role beside what each one needs, where Auto Scaling was refused.

    A sentence after a space; "" where the code and the message are of another refusal. A message names the service only.
    """
    if code != "AUTO_SCALING_IAM_ROLE_PERMISSIONS" and not (
        code == "IAM_ROLE_PERMISSIONS" and "AmazonAutoScaling" in message
    ):
        return ""
    if (info.get("ec2DeploymentOptions") or {}).get("autoScalingGroupProcessesToSuspend"):
        return f" It suspends processes, for which the role needs {' and '.join(_SUSPENDS)}."
    if _COPIES in _of_blue_green(info):
        also = f"with a launch template {', '.join(_LAUNCHES)}"
        return (
            f" It copies the Auto Scaling group, for which the role needs {_COPIES.actions[0]}, and {also}."
        )
    return ""


def alarms_of(group: Mapping[str, Any]) -> list[str]:
    """The names of the alarms that a deployment group watches; none where it does not watch them now."""
    configured = group.get("alarmConfiguration") or {}
    return [str(one["name"]) for one in configured.get("alarms") or ()] if configured.get("enabled") else []


def permissions(aws: Aws, role: str, wanted: list[Need]) -> Iterator[Finding]:
    """What IAM's simulator says of each need."""
    for need in wanted:
        found = simulated(
            aws, role, need.actions, need.on, page=need.page, unproved=need.unproved, named=need.named
        )
        for one in found:
            spares = need.later and one.verdict is FAIL
            yield replace(one, says=f"{one.says} {need.later}", later=True) if spares else one
