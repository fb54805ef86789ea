"""What Elastic Load Balancing says of target groups and of Classic Load Balancers."""

from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.aws.answers import NotAnAnswer

_TARGET_GROUPS = "elbv2:DescribeTargetGroups"
_CLASSIC = "elb:DescribeLoadBalancers"


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


def _only(api: str, found: list[dict[str, Any]] | Refusal, member: str, name: str) -> dict[str, Any] | None:
    if isinstance(found, Refusal):
        return None
    if [one[member] for one in found] != [name]:
        others = ", ".join(str(one[member]) for one in found) or "nothing"
        raise NotAnAnswer(api, f"about {others} instead of {name}")
    return found[0]
