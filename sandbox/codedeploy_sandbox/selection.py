"""The instances that a deployment group selects: by tags, and by Auto Scaling groups."""

from collections.abc import Iterable, Mapping
from typing import Any

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.state import ACCOUNT, Account, RegionState


def selected(account: Account, state: RegionState, group: Mapping[str, Any]) -> dict[str, str]:
    """The instances that a deployment group selects, by id or name, with their ARNs."""
    # Assumption: order
    names = {
        one.name: one.arn
        for one in state.instances.values()
        if not one.deregistered
        and _carries(one.tags, group, "onPremisesInstanceTagFilters", "onPremisesTagSet")
    }
    return dict(sorted((names | of_ec2(account, state, group)).items()))


def of_ec2(account: Account, state: RegionState, group: Mapping[str, Any]) -> dict[str, str]:
    """The running EC2 instances that a group or a TargetInstances selects, by id, with their ARNs."""
    groups = set(scaled(group))
    if not (groups or group.get("ec2TagFilters") or (group.get("ec2TagSet") or {}).get("ec2TagSetList")):
        return {}
    running = [{"Name": "instance-state-name", "Values": ["running"]}]
    answer = account.ask("ec2", "DescribeInstances", region=state.region, Filters=running)
    instances = [one for row in answer["Reservations"] for one in row["Instances"]]
    found = {}
    for one in instances:
        tags = {tag["Key"]: tag["Value"] for tag in one.get("Tags", ())}
        if tags.get("aws:autoscaling:groupName") in groups or _carries(
            tags, group, "ec2TagFilters", "ec2TagSet"
        ):
            id_ = one["InstanceId"]
            found[id_] = f"arn:aws:ec2:{state.region}:{ACCOUNT}:instance/{id_}"
    return dict(sorted(found.items()))


def zones_of(account: Account, region: str, ids: list[str]) -> dict[str, str]:
    """The Availability Zone of each of these EC2 instances."""
    if not ids:
        return {}
    rows = account.ask("ec2", "DescribeInstances", region=region, InstanceIds=ids)["Reservations"]
    instances = [one for row in rows for one in row["Instances"]]
    return {one["InstanceId"]: one["Placement"]["AvailabilityZone"] for one in instances}


def scaled(group: Mapping[str, Any]) -> list[str]:
    """The names of the Auto Scaling groups of a group or of a TargetInstances."""
    rows = group.get("autoScalingGroups") or ()
    return [str(one.get("name") if isinstance(one, Mapping) else one) for one in rows]


def _carries(tags: Mapping[str, str], group: Mapping[str, Any], filters: str, sets: str) -> bool:
    """Any of the filters; or, of a tag set, one filter of each of its lists."""
    lists = (group.get(sets) or {}).get(f"{sets}List") or ()
    if lists:
        return all(_any(tags, one) for one in lists)
    return _any(tags, group.get(filters) or ())


def _any(tags: Mapping[str, str], filters: Iterable[Mapping[str, str]]) -> bool:
    return any(matches(tags, one) for one in filters)


def matches(tags: Mapping[str, str], tag_filter: Mapping[str, str]) -> bool:
    """Whether the tags pass a filter of CodeDeploy: by key, by value, or by both."""
    kind, key, value = (tag_filter.get(name) for name in ("Type", "Key", "Value"))
    if kind == "VALUE_ONLY":
        return value in tags.values()
    return key in tags if kind == "KEY_ONLY" else (key, value) in tags.items()


def replacement(
    account: Account, state: RegionState, group: Mapping[str, Any], info: Mapping[str, Any]
) -> dict[str, str]:
    """The replacement fleet of a blue/green deployment, by id, with the ARNs: what it names, or a copy that is made."""
    if not copies(group):
        return of_ec2(account, state, as_group(info.get("targetInstances") or {}))
    (original,) = scaled(group)
    return of_ec2(account, state, {"autoScalingGroups": [_copied(account, state, original, info)]})


def as_group(fleet: Mapping[str, Any]) -> dict[str, Any]:
    """A TargetInstances with the names that a deployment group has for its members."""
    return {
        "autoScalingGroups": [{"name": name} for name in scaled(fleet)],
        "ec2TagFilters": fleet.get("tagFilters") or [],
        "ec2TagSet": fleet.get("ec2TagSet") or {},
    }


def check_scaled(account: Account, region: str, names: list[str]) -> None:
    """Raise ApiError for an Auto Scaling group that is not there."""
    answer = account.ask("autoscaling", "DescribeAutoScalingGroups", region=region) if names else {}
    there = {one["AutoScalingGroupName"] for one in answer.get("AutoScalingGroups", ())}
    if missing := [name for name in names if name not in there]:
        raise ApiError("InvalidAutoScalingGroupException", f"there is no Auto Scaling group {missing[0]}")


def copies(group: Mapping[str, Any]) -> bool:
    """Whether the replacement fleet is a copy of the group's Auto Scaling group."""
    options = group.get("blueGreenDeploymentConfiguration") or {}
    provisioning = options.get("greenFleetProvisioningOption") or {}
    return bool(provisioning.get("action") == "COPY_AUTO_SCALING_GROUP")


def copy_of(info: Mapping[str, Any]) -> str:
    """The name of the Auto Scaling group that a deployment makes."""
    # Assumption: copied-group
    return f"CodeDeploy_{info['deploymentGroupName']}_{info['deploymentId']}"


def _copied(account: Account, state: RegionState, original: str, info: Mapping[str, Any]) -> str:
    """Make a copy of an Auto Scaling group, with its instances, and give its name."""
    named = {"AutoScalingGroupNames": [original]}
    (found,) = account.ask("autoscaling", "DescribeAutoScalingGroups", region=state.region, **named)[
        "AutoScalingGroups"
    ]
    kept = (
        "LaunchTemplate",
        "LaunchConfigurationName",
        "MinSize",
        "MaxSize",
        "DesiredCapacity",
        "AvailabilityZones",
    )
    asked = {name: found[name] for name in kept if found.get(name)}
    if template := asked.get("LaunchTemplate"):
        asked["LaunchTemplate"] = {"LaunchTemplateName": template["LaunchTemplateName"]}
    name = copy_of(info)
    account.ask(
        "autoscaling", "CreateAutoScalingGroup", region=state.region, AutoScalingGroupName=name, **asked
    )
    return name
