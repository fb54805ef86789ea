"""What EC2 Auto Scaling says of its groups, of their lifecycle hooks, and of what they launched and terminated."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runbooks.aws import Aws, Refusal, failures
from runbooks.aws.answers import NotAnAnswer
from runbooks.text.times import time

_GROUPS = "autoscaling:DescribeAutoScalingGroups"
_HOOKS = "autoscaling:DescribeLifecycleHooks"
_ACTIVITIES = "autoscaling:DescribeScalingActivities"
MOST_ACTIVITIES = 300  # that are read of a group, by three calls
_INSTANCE = re.compile(r"\bi-[0-9a-f]{8,17}\b")
# How the description of an activity begins, by AWS's user guide; the model calls it a text.
_VERBS = {"Launching": "launch", "Terminating": "termination"}
# The two values of LifecycleTransition (botocore's model).
_TRANSITIONS = {
    "autoscaling:EC2_INSTANCE_LAUNCHING": "launch",
    "autoscaling:EC2_INSTANCE_TERMINATING": "termination",
}


@dataclass(frozen=True)
class Hook:
    """A lifecycle hook of an Auto Scaling group; 0 and "": AWS does not say."""

    name: str
    kind: str  # "launch", "termination", "other"
    seconds: int  # for which it holds an instance, unless it is answered
    then: str  # what becomes of the instance after that: ABANDON, CONTINUE


@dataclass(frozen=True)
class Activity:
    """A launch, a termination, or something else that an Auto Scaling group did; "" and None: AWS does not say."""

    kind: str  # "launch", "termination", "other"
    instance: str
    status: str
    cause: str
    text: str  # of the status
    began: datetime | None
    ended: datetime | None


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


def instances_of_group(aws: Aws, name: str) -> list[str] | None:
    """The ids of the instances of an Auto Scaling group; None where there is none of that name, or it may not be read."""
    found = aws.read_all_or_refusal(
        _GROUPS, "AutoScalingGroups", failures.DENIED, AutoScalingGroupNames=[name]
    )
    groups = (
        []
        if isinstance(found, Refusal)
        else [one for one in found if one.get("AutoScalingGroupName") == name]
    )
    return [str(one.get("InstanceId", "")) for one in groups[0].get("Instances", ())] if groups else None


def lifecycle_hooks(aws: Aws, name: str) -> list[Hook]:
    """The lifecycle hooks of an Auto Scaling group, by one call. Raises `NotAnAnswer` for those of another group."""
    members = ("LifecycleHookName", "LifecycleTransition", "AutoScalingGroupName")
    found: list[dict[str, Any]] = aws.read(_HOOKS, "LifecycleHooks", *members, AutoScalingGroupName=name)
    if others := {hook["AutoScalingGroupName"] for hook in found} - {name}:
        raise NotAnAnswer(_HOOKS, f"about {', '.join(sorted(others))} instead of {name}")
    return [
        Hook(
            name=str(one["LifecycleHookName"]),
            kind=_TRANSITIONS.get(str(one["LifecycleTransition"]), "other"),
            seconds=int(one.get("HeartbeatTimeout") or 0),
            then=str(one.get("DefaultResult") or ""),
        )
        for one in found
    ]


def activities(aws: Aws, name: str, since: datetime) -> list[Activity]:
    """What an Auto Scaling group began to do since then, `MOST_ACTIVITIES` at most.

    Raises `NotAnAnswer` for another group.
    """
    began = {"Name": "StartTimeLowerBound", "Values": [time(since, "%Y-%m-%dT%H:%M:%SZ")]}
    members = ("ActivityId", "AutoScalingGroupName", "StatusCode")
    found = aws.read_all(
        _ACTIVITIES,
        "Activities",
        *members,
        most=MOST_ACTIVITIES,
        AutoScalingGroupName=name,
        Filters=[began],
    )
    if others := {one["AutoScalingGroupName"] for one in found} - {name}:
        raise NotAnAnswer(_ACTIVITIES, f"about {', '.join(sorted(others))} instead of {name}")
    return [_activity(one) for one in found]


def _activity(one: Mapping[str, Any]) -> Activity:
    said = str(one.get("Description") or "")
    found = _INSTANCE.search(said)
    return Activity(
        kind=_VERBS.get(said.partition(" ")[0], "other"),
        instance=found[0] if found else "",
        status=str(one["StatusCode"]),
        cause=str(one.get("Cause") or ""),
        text=str(one.get("StatusMessage") or ""),
        began=one.get("StartTime"),
        ended=one.get("EndTime"),
    )
