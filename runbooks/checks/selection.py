"""Whether a deployment group selects the instance."""

from collections.abc import Iterator
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.checks._deployed import ELSEWHERE
from runbooks.checks._selected import add_tag, selects, tag_groups
from runbooks.facts.deployment_groups import deployment_group
from runbooks.facts.ec2 import auto_scaling_group, present, tags_of
from runbooks.facts.registration import registration
from runbooks.findings import FAIL, OK, Finding, NotApplicable, needs
from runbooks.question import Question, is_ec2

TITLE = "Does the deployment group select the instance?"
GUIDE = "/guides/check-the-instance/"
_EC2_GUIDE = "/guides/check-the-instance/#ec2"
RUNBOOK = "instance-state"


@needs("instance", "deployment_group")
def instance_carries_the_groups_tags(aws: Aws, question: Question) -> Iterator[Finding]:
    """The deployment group selects the instance: by the tags that it carries, or by its Auto Scaling group.

    One tag of a tag group is enough, and every tag group must be met. A group has EC2 tags for EC2 instances, and
    on-premises tags for on-premises ones; without tags of the instance's kind it selects none of that kind, except EC2
    instances of its Auto Scaling groups. AWS's user guide says to wait five minutes between tagging an EC2 instance and
    deploying to it.
    """
    name, group = question.instance, question.deployment_group
    host = present(aws, name) if is_ec2(name) else None
    tags = _registered_tags(aws, name) if host is None else tags_of(host)
    described = deployment_group(aws, group)
    if isinstance(described, Refusal):
        says = f"There is no deployment group {group} in {aws.region}: {described.code}."
        yield Finding(FAIL, says, code="no-such-group", about=group, fix=ELSEWHERE, next=GUIDE)
        return
    platform = described.get("computePlatform", "Server")
    if platform != "Server":
        says = f"{group} deploys to {platform}, not to instances: only a group of the platform Server selects one."
        yield Finding(FAIL, says, code="other-platform", about=group, next=GUIDE)
    elif host is None:
        yield from _by_tags(aws, question, tag_groups(described), tags)
    else:
        yield from _in_ec2(aws, question, described, host)


def _registered_tags(aws: Aws, name: str) -> dict[str, str]:
    """The tags of a registered name. Raises `NotApplicable` if it is not registered."""
    info = registration(aws, name)
    if isinstance(info, Refusal) or info.get("deregisterTime"):
        raise NotApplicable(f"{name} is not registered, so its tags have no effect.")
    return {tag["Key"]: tag.get("Value", "") for tag in info.get("tags", [])}


def _in_ec2(
    aws: Aws, question: Question, described: dict[str, Any], host: dict[str, Any]
) -> Iterator[Finding]:
    name, group = question.instance, question.deployment_group
    tags = tags_of(host)
    filters, scaled = tag_groups(described, "ec2"), auto_scaling_group(host)
    wanted = [str(one.get("name", "")) for one in described.get("autoScalingGroups", ())]
    if scaled in wanted and scaled:
        yield Finding(
            OK, f"{name} is selected by {group}: it is in its Auto Scaling group {scaled}.", about=name
        )
    elif wanted and not filters:
        says = f"{name} is not selected by {group}: it is in {f'the Auto Scaling group {scaled}' if scaled else 'no Auto Scaling group'}, and {group} selects by {', '.join(wanted)} alone."
        fix = f"Deploy to instances of {wanted[0]}, or give {group} EC2 tags."
        yield Finding(FAIL, says, code="not-in-its-auto-scaling-group", about=name, fix=fix, next=_EC2_GUIDE)
    else:
        yield from _by_tags(aws, question, filters, tags)


def _by_tags(
    aws: Aws, question: Question, groups: list[list[dict[str, str]]], tags: dict[str, str]
) -> Iterator[Finding]:
    """Whether one filter of every tag group matches the tags."""
    name, group = question.instance, question.deployment_group
    page, kind = (_EC2_GUIDE, "EC2") if is_ec2(name) else (GUIDE, "on-premises")
    if not groups:
        by = " and no Auto Scaling group" if is_ec2(name) else ""
        says = f"{group} selects no {kind} instance: it has no {kind} tags{by}."
        yield Finding(FAIL, says, code="group-without-tags", about=group, next=page)
        return
    missed = [filters for filters in groups if not any(selects(one, tags) for one in filters)]
    for filters in missed:
        says = f"{name} is not selected by {group}: it has none of {_tags(filters)}; it has {_has(tags)}."
        fix = add_tag(aws, filters[0], name)
        yield Finding(FAIL, says, code="tags-missing", about=name, fix=fix, next=page)
    if not missed:
        yield Finding(OK, f"{name} is selected by {group}; it has {_has(tags)}.", about=name)


def _tags(filters: list[dict[str, str]]) -> str:
    return " or ".join(f"{f.get('Key', '(any key)')}={f.get('Value', '(any value)')}" for f in filters)


def _has(tags: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(tags.items())) or "no tags"
