"""The load balancers of a deployment: whether they can be used, and who is registered with them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.state import Account


class Balancer(NamedTuple):
    """A target group, or a Classic Load Balancer, which has no ARN here."""

    name: str
    arn: str = ""
    takes: str = "instance"


def named(info: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The load balancers of a deployment or a group, each with the member of its LoadBalancerInfo."""
    said = info.get("loadBalancerInfo") or {}
    members = ("targetGroupInfoList", "elbInfoList")
    return [(member, str(one["name"])) for member in members for one in said.get(member) or ()]


def found(account: Account, region: str, info: Mapping[str, Any]) -> tuple[list[Balancer], list[str]]:
    """The load balancers that are there, and the names of those that are not."""
    there: list[Balancer] = []
    gone: list[str] = []
    for member, name in named(info):
        try:
            there.append(_looked_up(account, region, member, name))
        except ApiError:
            gone.append(name)
    return there, gone


def _looked_up(account: Account, region: str, member: str, name: str) -> Balancer:
    if member == "elbInfoList":
        account.ask("elb", "DescribeLoadBalancers", region=region, LoadBalancerNames=[name])
        return Balancer(name)
    answer = account.ask("elbv2", "DescribeTargetGroups", region=region, Names=[name])
    (one,) = answer["TargetGroups"]
    return Balancer(name, one["TargetGroupArn"], one["TargetType"])


def block(account: Account, region: str, info: Mapping[str, Any], instance: str) -> None:
    """Take an instance out of the load balancers, where it is registered."""
    for one in found(account, region, info)[0]:
        if instance in registered(account, region, one):
            _change(
                account, region, one, instance, "DeregisterTargets", "DeregisterInstancesFromLoadBalancer"
            )


def allow(account: Account, region: str, info: Mapping[str, Any], instance: str) -> None:
    """Register an instance with the load balancers, where it is not yet."""
    for one in found(account, region, info)[0]:
        if instance not in registered(account, region, one):
            _change(account, region, one, instance, "RegisterTargets", "RegisterInstancesWithLoadBalancer")


def _change(
    account: Account, region: str, one: Balancer, instance: str, operation: str, of_classic: str
) -> None:
    if one.arn:
        asked: dict[str, Any] = {"TargetGroupArn": one.arn, "Targets": [{"Id": instance}]}
        account.ask("elbv2", operation, region=region, **asked)
    else:
        asked = {"LoadBalancerName": one.name, "Instances": [{"InstanceId": instance}]}
        account.ask("elb", of_classic, region=region, **asked)


def registered(account: Account, region: str, one: Balancer) -> set[str]:
    """The ids of what is registered with a load balancer."""
    if one.arn:
        asked: dict[str, Any] = {"TargetGroupArn": one.arn}
        rows = account.ask("elbv2", "DescribeTargetHealth", region=region, **asked)[
            "TargetHealthDescriptions"
        ]
        return {str(row["Target"]["Id"]) for row in rows}
    asked = {"LoadBalancerName": one.name}
    rows = account.ask("elb", "DescribeInstanceHealth", region=region, **asked)["InstanceStates"]
    return {str(row["InstanceId"]) for row in rows}
