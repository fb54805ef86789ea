"""What has to be right outside CodeDeploy when a deployment begins: its service role, its load balancers, its alarms."""

from collections.abc import Iterator, Mapping
from typing import Any

from codedeploy_sandbox.scaling import arns_of
from codedeploy_sandbox.selection import scaled
from codedeploy_sandbox.service_role import lacks, wrong_with
from codedeploy_sandbox.state import Account
from codedeploy_sandbox.traffic import found, named

ALARMED = {
    "code": "ALARM_ACTIVE",
    "message": "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected [sandbox].",
}
_OF_ROLE = {
    "missing": {
        "code": "IAM_ROLE_MISSING",
        "message": "The deployment failed because no service role exists with the service role name specified for the deployment group. Make sure you are using the correct service role name.",
    },
    "not trusting": {
        "code": "IAM_ROLE_PERMISSIONS",
        "message": "CodeDeploy does not have the permissions required to assume the service role [sandbox].",
    },
}
_BALANCES = (
    *("elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth"),
    *("elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"),
)
_BALANCES_CLASSIC = (
    *("elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeInstanceHealth"),
    "elasticloadbalancing:DeregisterInstancesFromLoadBalancer",
    "elasticloadbalancing:RegisterInstancesWithLoadBalancer",
)
_SUSPENDS = ("autoscaling:SuspendProcesses", "autoscaling:ResumeProcesses")
_SCALING = "AUTO_SCALING_IAM_ROLE_PERMISSIONS"
_POLLS = "cloudwatch:DescribeAlarms"


def unmet(
    account: Account,
    region: str,
    group: Mapping[str, Any],
    *,
    balanced: bool,
    suspends: bool,
    copy: Mapping[str, str],
) -> dict[str, str] | None:
    """The error with which a deployment of the group ends before any instance is updated, or None.

    `copy` are the actions, with their resources, that copy its Auto Scaling group.
    """
    role = group["serviceRoleArn"]
    # Assumption: service-role
    if wrong := wrong_with(account, region, role):
        return _OF_ROLE[wrong]
    for service, code, actions in _needed(account, region, group, balanced=balanced, suspends=suspends):
        if lacks(account, role, actions):
            return refused(role, service, code)
    if lacks(account, role, copy):  # Assumption: copy-needs
        return refused(role, "AmazonAutoScaling", _SCALING)
    # Assumption: balancer-checked
    there, gone = found(account, region, group) if balanced else ([], [])
    if gone:
        text = f"ELB could not be updated due to the following error: {gone[0]} is not there [sandbox]."
        return {"code": "ELASTIC_LOAD_BALANCING_INVALID", "message": text}
    if wrong_kind := [one for one in there if one.takes != "instance"]:
        text = f"The target group {wrong_kind[0].name} takes targets of the type {wrong_kind[0].takes} [sandbox]."
        return {"code": "ELB_INVALID_INSTANCE", "message": text}
    return None


def refused(role: str, service: str, code: str = "IAM_ROLE_PERMISSIONS") -> dict[str, str]:
    """The error of a service role that may not do what the deployment needs in a service of AWS."""
    text = f"The IAM role {role} does not give you permission to perform operations in the following AWS service: {service}. Contact your AWS administrator if you need help."
    return {"code": code, "message": text}


def _needed(
    account: Account, region: str, group: Mapping[str, Any], *, balanced: bool, suspends: bool
) -> Iterator[tuple[str, str, dict[str, str]]]:
    """What a deployment does as the service role: the service, the code of a refusal, the actions with their resources."""
    if scaled(group):
        yield "AmazonAutoScaling", _SCALING, {"autoscaling:DescribeAutoScalingGroups": "*"}
    if suspends:
        for arn in arns_of(account, region, scaled(group)):
            yield "AmazonAutoScaling", _SCALING, dict.fromkeys(_SUSPENDS, arn)
    if scaled(group) or group.get("ec2TagFilters") or group.get("ec2TagSet"):
        yield "AmazonEC2", "IAM_ROLE_PERMISSIONS", {"ec2:DescribeInstances": "*"}
    if balanced:
        kinds = {member for member, _ in named(group)}
        actions = _BALANCES * ("targetGroupInfoList" in kinds) + _BALANCES_CLASSIC * ("elbInfoList" in kinds)
        yield "ElasticLoadBalancing", "IAM_ROLE_PERMISSIONS", dict.fromkeys(actions, "*")


def watched(info: Mapping[str, Any], group: Mapping[str, Any]) -> dict[str, Any]:
    """The alarms of a deployment (AlarmConfiguration): its own, or its group's."""
    said = info.get("overrideAlarmConfiguration") or group.get("alarmConfiguration") or {}
    return dict(said) if said.get("enabled") else {}


def alarmed(account: Account, region: str, role: str, alarms: Mapping[str, Any]) -> dict[str, str] | None:
    """The error with which the alarms stop a deployment now, or None."""
    if not alarms:
        return None
    if wrong_with(account, region, role) or lacks(account, role, {_POLLS: "*"}):
        # Assumption: alarm-unread
        return None if alarms.get("ignorePollAlarmFailure") else refused(role, "AmazonCloudWatch")
    names = [one["name"] for one in alarms["alarms"]]
    answer = account.ask("cloudwatch", "DescribeAlarms", region=region, AlarmNames=names)
    rows = [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]
    # Assumption: alarm-polled
    return ALARMED if any(one["StateValue"] == "ALARM" for one in rows) else None
