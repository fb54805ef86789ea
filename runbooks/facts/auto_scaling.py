"""What EC2 Auto Scaling says of its groups and of their lifecycle hooks."""

from collections.abc import Sequence
from typing import Any

from runbooks.aws import Aws
from runbooks.aws.answers import NotAnAnswer

_GROUPS = "autoscaling:DescribeAutoScalingGroups"
_HOOKS = "autoscaling:DescribeLifecycleHooks"


def auto_scaling_groups(aws: Aws, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The Auto Scaling groups of these names that there are, by name. Raises `NotAnAnswer` for another group."""
    if not names:  # without names every group would be described
        return {}
    members = ("AutoScalingGroupName", "Instances.InstanceId", "Instances.LifecycleState")
    wanted = sorted(set(names))
    found = aws.read_all(_GROUPS, "AutoScalingGroups", *members, AutoScalingGroupNames=wanted)
    groups = {str(one["AutoScalingGroupName"]): one for one in found}
    if others := set(groups) - set(wanted):
        raise NotAnAnswer(_GROUPS, f"about {', '.join(sorted(others))} instead of {', '.join(wanted)}")
    return groups


def launch_hooks(aws: Aws, name: str) -> list[str]:
    """The names of an Auto Scaling group's hooks that hold a new instance back. Raises `NotAnAnswer` for another group."""
    members = ("LifecycleHookName", "LifecycleTransition", "AutoScalingGroupName")
    hooks: list[dict[str, Any]] = aws.read(_HOOKS, "LifecycleHooks", *members, AutoScalingGroupName=name)
    if others := {hook["AutoScalingGroupName"] for hook in hooks} - {name}:
        raise NotAnAnswer(_HOOKS, f"about {', '.join(sorted(others))} instead of {name}")
    launching = "autoscaling:EC2_INSTANCE_LAUNCHING"
    return [str(hook["LifecycleHookName"]) for hook in hooks if hook["LifecycleTransition"] == launching]
