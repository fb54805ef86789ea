"""CodeDeploy's operations on the tags of applications and deployment groups."""

import re
from typing import Any

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.state import Call, RegionState

TAGS, TAG_KEY, TAG_VALUE = 50, 128, 256  # Assumption: resource-tags
_ARN = re.compile(r"arn:[a-z-]+:codedeploy:[a-z0-9-]+:\d{12}:(\w+):(.+)")


def TagResource(call: Call, *, ResourceArn: str, Tags: list[dict[str, str]]) -> dict[str, Any]:
    """Give tags to an application or a group. A key that is there already gets the new value."""
    _check_there(call.state, ResourceArn)
    if not Tags:
        raise ApiError("TagRequiredException", "a tag is missing")
    check_tags(Tags, call.state.tags.get(ResourceArn))
    tag(call.state, ResourceArn, Tags)
    return {}


def UntagResource(call: Call, *, ResourceArn: str, TagKeys: list[str]) -> dict[str, Any]:
    """Take tags from an application or a group. A key that it does not have is ignored."""
    _check_there(call.state, ResourceArn)
    if not TagKeys:
        raise ApiError("TagRequiredException", "a tag key is missing")
    for key in TagKeys:
        call.state.tags.get(ResourceArn, {}).pop(key, None)
    return {}


def ListTagsForResource(call: Call, *, ResourceArn: str, NextToken: str | None = None) -> dict[str, Any]:
    """The tags of an application or a group; none for an ARN of neither that is there."""
    _named(ResourceArn)
    # Assumption: tag-list
    tags = call.state.tags.get(ResourceArn, {})
    return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}


def check_tags(tags: list[dict[str, str]], there: dict[str, str] | None = None) -> None:
    """Raise ApiError for tags that cannot be added to those that are there."""
    code = "InvalidTagsToAddException"
    for one in tags:
        # Assumption: tag-key
        if not 1 <= len(one.get("Key", "")) <= TAG_KEY or len(one.get("Value", "")) > TAG_VALUE:
            text = f"a tag has a key of 1 to {TAG_KEY} characters and a value of at most {TAG_VALUE}"
            raise ApiError(code, text)
    if len({*(there or {}), *(one["Key"] for one in tags)}) > TAGS:
        raise ApiError(code, f"a resource has at most {TAGS} tags")


def tag(state: RegionState, arn: str, tags: list[dict[str, str]]) -> None:
    """Give tags to what has this ARN."""
    if tags:
        state.tags.setdefault(arn, {}).update({one["Key"]: one.get("Value", "") for one in tags})


def _check_there(state: RegionState, arn: str) -> None:
    """Raise ApiError for an ARN that is not that of an application or of a group that is there."""
    kind, name = _named(arn)
    if kind == "application":
        state.application(name)
    else:
        application, _, group = name.partition("/")
        state.group(application, group)


def _named(arn: str) -> tuple[str, str]:
    """The kind and the name in an ARN. Raises ApiError for one that has no tags."""
    if not arn:
        raise ApiError("ResourceArnRequiredException", "the ARN is missing")
    found = _ARN.fullmatch(arn)
    if not found:
        raise ApiError("InvalidArnException", f"{arn[:100]!r} is not an ARN of CodeDeploy")
    if found[1] not in ("application", "deploymentgroup"):
        text = f"applications and deployment groups have tags, and no {found[1][:50]}"
        raise ApiError("ArnNotSupportedException", text)
    return found[1], found[2]
