"""Whether a deployment group selects the instance by its tags."""

import json
from collections.abc import Iterator
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.commands import aws_cli
from runbooks.facts.deployment_groups import deployment_group
from runbooks.facts.registration import registration
from runbooks.findings import FAIL, OK, Finding, NotApplicable, needs
from runbooks.question import Question

TITLE = "Does the deployment group select the instance?"
GUIDE = "/guides/check-the-instance/"
RUNBOOK = "instance-state"


@needs("instance", "deployment_group")
def instance_carries_the_groups_tags(aws: Aws, question: Question) -> Iterator[Finding]:
    """The instance carries the tags by which the deployment group selects.

    One tag of a tag group is enough, and every tag group must be met. A deployment group without
    on-premises tags selects no on-premises instance.
    """
    name, group = question.instance, question.deployment_group
    info = registration(aws, name)
    if isinstance(info, Refusal) or info.get("deregisterTime"):
        raise NotApplicable(f"{name} is not registered, so its tags have no effect.")
    described = deployment_group(aws, group)
    if isinstance(described, Refusal):
        says = f"There is no deployment group {group} in {aws.region}: {described.code}."
        yield Finding(FAIL, says, code="no-such-group", about=group, next=GUIDE)
        return
    groups = tag_groups(described)
    if not groups:
        says = f"{group} selects no on-premises instance: it has no on-premises tags."
        yield Finding(FAIL, says, code="group-without-tags", about=group, next=GUIDE)
        return
    tags = {tag["Key"]: tag.get("Value", "") for tag in info.get("tags", [])}
    missed = [filters for filters in groups if not any(selects(one, tags) for one in filters)]
    for filters in missed:
        yield Finding(
            FAIL,
            f"{name} is not selected by {group}: it has none of {_tags(filters)}; it has {_has(tags)}.",
            code="tags-missing",
            about=name,
            fix=_add_tag(aws, filters[0], name),
            next=GUIDE,
        )
    if not missed:
        yield Finding(OK, f"{name} is selected by {group}; it has {_has(tags)}.", about=name)


def tag_groups(group: dict[str, Any]) -> list[list[dict[str, str]]]:
    """The tag groups of a deployment group, in either of its two forms: a list of lists, or one flat list."""
    listed = group.get("onPremisesTagSet", {}).get("onPremisesTagSetList", [])
    flat = group.get("onPremisesInstanceTagFilters", [])
    return [filters for filters in (listed or [flat]) if filters]


def selects(tag_filter: dict[str, str], tags: dict[str, str]) -> bool:
    """Whether one tag filter (Key, Value, Type) matches an instance's tags."""
    match tag_filter.get("Type"):
        case "KEY_ONLY":
            return tag_filter.get("Key", "") in tags
        case "VALUE_ONLY":
            return tag_filter.get("Value", "") in tags.values()
    return tags.get(tag_filter.get("Key", "")) == tag_filter.get("Value", "")


def _add_tag(aws: Aws, tag: dict[str, str], name: str) -> str:
    """The command that adds the tag that a filter needs; a sentence if the filter takes any key."""
    if not tag.get("Key"):
        return f"Add a tag with the value {tag.get('Value', '')!r} and a key of your choice to {name}."
    # as JSON, because the AWS CLI's shorthand cannot hold every value
    tags = json.dumps([{"Key": tag["Key"], "Value": tag.get("Value", "")}])
    return aws_cli(aws.place, "deploy", "add-tags-to-on-premises-instances", tags=tags, instance_names=name)


def _tags(filters: list[dict[str, str]]) -> str:
    return " or ".join(f"{f.get('Key', '(any key)')}={f.get('Value', '(any value)')}" for f in filters)


def _has(tags: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(tags.items())) or "no tags"
