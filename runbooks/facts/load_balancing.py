"""What Elastic Load Balancing says of target groups, of Classic Load Balancers, and of the instances behind them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.aws.answers import NotAnAnswer

_TARGET_GROUPS = "elbv2:DescribeTargetGroups"
_TARGET_HEALTH = "elbv2:DescribeTargetHealth"
_ATTRIBUTES = "elbv2:DescribeTargetGroupAttributes"
_CLASSIC = "elb:DescribeLoadBalancers"
_INSTANCE_HEALTH = "elb:DescribeInstanceHealth"
_DELAY = "deregistration_delay.timeout_seconds"


@dataclass(frozen=True)
class Health:
    """What a load balancer says of one instance; "" and 0 stand for what it does not say."""

    instance: str
    port: int  # of a target group; a Classic Load Balancer gives none
    state: str
    reason: str
    text: str


def target_group(aws: Aws, name: str) -> dict[str, Any] | None:
    """The target group of this name; None when there is none. Raises `NotAnAnswer` for another."""
    members = ("TargetGroupName", "TargetGroupArn", "TargetType")
    found: list[dict[str, Any]] | Refusal = aws.read(
        _TARGET_GROUPS, "TargetGroups", *members, expecting=("TargetGroupNotFound",), Names=[name]
    )
    return _only(_TARGET_GROUPS, found, "TargetGroupName", name)


def classic_load_balancer(aws: Aws, name: str) -> dict[str, Any] | None:
    """The Classic Load Balancer of this name; None when there is none. Raises `NotAnAnswer` for another."""
    found: list[dict[str, Any]] | Refusal = aws.read(
        _CLASSIC,
        "LoadBalancerDescriptions",
        "LoadBalancerName",
        expecting=("LoadBalancerNotFound",),
        LoadBalancerNames=[name],
    )
    return _only(_CLASSIC, found, "LoadBalancerName", name)


def target_health(aws: Aws, group: Mapping[str, Any]) -> list[Health] | Refusal:
    """The health of every target of a target group, by one call; or the refusal HealthUnavailable.

    A target that is not registered is not in it.
    """
    members = ("Target.Id",)
    found: list[dict[str, Any]] | Refusal = aws.read(
        _TARGET_HEALTH,
        "TargetHealthDescriptions",
        *members,
        expecting=("HealthUnavailable",),
        TargetGroupArn=group["TargetGroupArn"],
    )
    if isinstance(found, Refusal):
        return found
    return [_health(one.get("Target") or {}, one.get("TargetHealth") or {}) for one in found]


def _health(target: Mapping[str, Any], said: Mapping[str, Any]) -> Health:
    state, reason, text = (str(said.get(name) or "") for name in ("State", "Reason", "Description"))
    return Health(str(target.get("Id") or ""), int(target.get("Port") or 0), state, reason, text)


def deregistration_delay(aws: Aws, group: Mapping[str, Any]) -> str:
    """For how many seconds at most a target of a target group is draining; "" where AWS does not say."""
    found = aws.read(_ATTRIBUTES, "Attributes", "Key", TargetGroupArn=group["TargetGroupArn"])
    return next((str(one.get("Value") or "") for one in found if one["Key"] == _DELAY), "")


def instance_health(aws: Aws, name: str) -> list[Health]:
    """The health of every instance that is registered with a Classic Load Balancer, by one call."""
    found = aws.read(_INSTANCE_HEALTH, "InstanceStates", "InstanceId", LoadBalancerName=name)
    return [
        Health(
            str(one["InstanceId"]),
            0,
            *(str(one.get(member) or "") for member in ("State", "ReasonCode", "Description")),
        )
        for one in found
    ]


def _only(api: str, found: list[dict[str, Any]] | Refusal, member: str, name: str) -> dict[str, Any] | None:
    if isinstance(found, Refusal):
        return None
    if [one[member] for one in found] != [name]:
        others = ", ".join(str(one[member]) for one in found) or "nothing"
        raise NotAnAnswer(api, f"about {others} instead of {name}")
    return found[0]
