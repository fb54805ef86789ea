"""Is the instance selected for a deployment?"""

import json
from collections.abc import Iterator
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.checks._commands import aws_cli
from runbooks.checks._facts import registration
from runbooks.engine import FAIL, OK, SKIP, Finding
from runbooks.question import Question

_PAGE = "/guides/check-the-instance/"


def instance_carries_the_groups_tags(aws: Aws, question: Question) -> Iterator[Finding]:
    """The instance carries the tags by which the deployment group selects.

    Of one tag group any tag will do, and every tag group must be met. A deployment group without
    on-premises tags selects no on-premises instance.
    """
    if not question.instance:
        yield Finding(SKIP, "No instance was asked about.")
        return
    if not question.deployment_group:
        yield Finding(SKIP, "No deployment group was asked about (--deployment-group APPLICATION/GROUP).")
        return
    info = registration(aws, question)
    if isinstance(info, Refusal) or info.get("deregisterTime"):
        yield Finding(SKIP, f"{question.instance} is not registered, so it has no tags that count.")
        return
    application, _, group = question.deployment_group.partition("/")
    described = aws.read(
        "codedeploy:GetDeploymentGroup",
        "deploymentGroupInfo",
        expecting=("ApplicationDoesNotExistException", "DeploymentGroupDoesNotExistException"),
        applicationName=application,
        deploymentGroupName=group,
    )
    if isinstance(described, Refusal):
        yield Finding(
            FAIL,
            f"There is no deployment group {question.deployment_group} in {aws.region}: {described.code}.",
            next=_PAGE,
        )
        return
    groups = tag_groups(described)
    if not groups:
        yield Finding(
            FAIL,
            f"{question.deployment_group} selects no on-premises instance: it has no on-premises tags.",
            next=_PAGE,
        )
        return
    tags = {tag["Key"]: tag.get("Value", "") for tag in info.get("tags", [])}
    missed = [filters for filters in groups if not any(selects(one, tags) for one in filters)]
    for filters in missed:
        yield Finding(
            FAIL,
            f"{question.instance} is not selected by {question.deployment_group}: it has none of {_tags(filters)}; it has {_has(tags)}.",
            about=question.instance,
            fix=_add_tag(aws, filters[0], question.instance),
            next=_PAGE,
        )
    if not missed:
        yield Finding(
            OK, f"{question.instance} is selected by {question.deployment_group}; it has {_has(tags)}."
        )


def tag_groups(group: dict[str, Any]) -> list[list[dict[str, str]]]:
    """The tag groups of a deployment group, in either of its two forms: a list of lists, or one flat list."""
    listed = group.get("onPremisesTagSet", {}).get("onPremisesTagSetList", [])
    flat = group.get("onPremisesInstanceTagFilters", [])
    return [filters for filters in (listed or [flat]) if filters]


def selects(tag_filter: dict[str, str], tags: dict[str, str]) -> bool:
    """Whether one tag filter (Key, Value, Type) matches an instance's tags."""
    match tag_filter.get("Type"):
        case "KEY_ONLY":
            return tag_filter["Key"] in tags
        case "VALUE_ONLY":
            return tag_filter["Value"] in tags.values()
    return tags.get(tag_filter.get("Key", "")) == tag_filter.get("Value", "")


def _add_tag(aws: Aws, tag: dict[str, str], name: str) -> str:
    """The command that adds what a filter looks for; "" for a filter that any key would do for."""
    if not tag.get("Key"):
        return ""
    # As JSON: the AWS CLI's shorthand cannot say every value.
    tags = json.dumps([{"Key": tag["Key"], "Value": tag.get("Value", "")}])
    return aws_cli(aws, "deploy", "add-tags-to-on-premises-instances", tags=tags, instance_names=name)


def _tags(filters: list[dict[str, str]]) -> str:
    return " or ".join(f"{f.get('Key', '(any key)')}={f.get('Value', '(any value)')}" for f in filters)


def _has(tags: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(tags.items())) or "no tags"
