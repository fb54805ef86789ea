"""Which instances a deployment group selects: by on-premises tags, by EC2 tags, by Auto Scaling groups."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from runbooks.aws import Aws
from runbooks.commands import aws_cli
from runbooks.facts.auto_scaling import auto_scaling_groups
from runbooks.facts.ec2 import running_instances
from runbooks.facts.registration import registered
from runbooks.question import is_ec2

Filters = list[list[dict[str, str]]]


@dataclass(frozen=True)
class Selected:
    """The instances that a group selects, and by what it selects, in words."""

    on_premises: tuple[str, ...]
    ec2: tuple[str, ...]
    by: str  # "the on-premises tags Environment=production"; "" where it selects by nothing

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.on_premises) + len(self.ec2)

    def __str__(self) -> str:
        """How many of each kind: "2 on-premises instances and 1 EC2 instance"."""
        kinds = ((len(self.on_premises), "on-premises"), (len(self.ec2), "EC2"))
        counted = [f"{count} {kind} instance{'s' * (count != 1)}" for count, kind in kinds if count]
        return " and ".join(counted) or "no instance"


def selected(aws: Aws, group: Mapping[str, Any]) -> Selected:
    """The instances that a deployment group selects now.

    On-premises instances are those that are registered, EC2 instances those that run (inferred: AWS's user guide says
    only that they have the tags), and of an Auto Scaling group those that are InService.
    """
    here, there = tag_groups(dict(group)), tag_groups(dict(group), "ec2")
    scaled = scaling_names(group)
    on_premises: dict[str, dict[str, str]] = {}
    if here:
        for name, info in registered(aws).items():
            on_premises[name] = {tag["Key"]: tag.get("Value", "") for tag in info.get("tags", ())}
    ec2 = _carrying(running_instances(aws, _keys(there)), there) if there else []
    for one in auto_scaling_groups(aws, scaled).values():
        ec2 += [i["InstanceId"] for i in one.get("Instances", ()) if i["LifecycleState"] == "InService"]
    by = [
        f"the on-premises tags {_words(here)}" if here else "",
        f"the EC2 tags {_words(there)}" if there else "",
        f"the Auto Scaling group{'s' * (len(scaled) != 1)} {', '.join(scaled)}" if scaled else "",
    ]
    return Selected(
        tuple(sorted(_carrying(on_premises, here))), tuple(sorted(set(ec2))), ", ".join(filter(None, by))
    )


def scaling_names(group: Mapping[str, Any]) -> list[str]:
    """The names of the Auto Scaling groups of a deployment group."""
    return [str(one["name"]) for one in group.get("autoScalingGroups") or () if one.get("name")]


def _carrying(tags: Mapping[str, dict[str, str]], groups: Filters) -> list[str]:
    """The names whose tags meet every tag group."""
    return [
        name
        for name, own in tags.items()
        if groups and all(any(selects(one, own) for one in filters) for filters in groups)
    ]


def _keys(groups: Filters) -> Iterable[str]:
    """The keys of which an instance must have one; none where a filter takes any key."""
    keys = [one.get("Key", "") for one in groups[0]]
    by_value = any(one.get("Type") == "VALUE_ONLY" for one in groups[0])
    return () if by_value or not all(keys) else keys


def _words(groups: Filters) -> str:
    """ "A=1 or B=2, and C=3"."""
    return ", and ".join(
        " or ".join(f"{one.get('Key') or '(any key)'}={one.get('Value', '(any value)')}" for one in filters)
        for filters in groups
    )


def tag_groups(group: dict[str, Any], kind: str = "onPremises") -> list[list[dict[str, str]]]:
    """The tag groups of a deployment group for one ``kind`` of instances, "onPremises" or "ec2".

    They have either of two forms: a list of lists, or one flat list.
    """
    listed = group.get(f"{kind}TagSet", {}).get(f"{kind}TagSetList", [])
    flat = group.get("ec2TagFilters" if kind == "ec2" else "onPremisesInstanceTagFilters", [])
    return [filters for filters in (listed or [flat]) if filters]


def selects(tag_filter: dict[str, str], tags: dict[str, str]) -> bool:
    """Whether one tag filter (Key, Value, Type) matches an instance's tags."""
    match tag_filter.get("Type"):
        case "KEY_ONLY":
            return tag_filter.get("Key", "") in tags
        case "VALUE_ONLY":
            return tag_filter.get("Value", "") in tags.values()
    return tags.get(tag_filter.get("Key", "")) == tag_filter.get("Value", "")


def add_tag(aws: Aws, tag: dict[str, str], name: str) -> str:
    """The command that adds the tag that a filter needs; a sentence if the filter takes any key."""
    if tag.get("Key", "").startswith("aws:"):
        return f"Only AWS gives tags that begin with aws:, so select by another tag than {tag['Key']}."
    if not tag.get("Key"):
        return f"Add a tag with the value {tag.get('Value', '')!r} and a key of your choice to {name}."
    # as JSON, because the AWS CLI's shorthand cannot hold every value
    tags = json.dumps([{"Key": tag["Key"], "Value": tag.get("Value", "")}])
    if is_ec2(name):
        return aws_cli(aws.place, "ec2", "create-tags", resources=name, tags=tags)
    return aws_cli(aws.place, "deploy", "add-tags-to-on-premises-instances", tags=tags, instance_names=name)
