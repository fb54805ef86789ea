"""What a document in JSON is about: an event of EventBridge, a message of a trigger, a record of CloudTrail, an answer.

A message lies in others as text: an envelope of SNS, a record of a queue. So a text in a document is read as well.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from runbooks.question import DEPLOYMENT, EC2, INSTANCE_ARN, is_instance, unquoted

_DEEPEST = 20  # documents within documents, and their members
# AWS's names of a member; of CloudTrail's and of the answers, of the triggers, of EventBridge.
_INSTANCE = ("instanceId", "targetId", "instanceName")
_APPLICATION = ("applicationName", "application")
_GROUP = ("deploymentGroupName", "currentDeploymentGroupName", "deploymentGroup")
_ID_IN_ARN = re.compile(
    rf"arn:[\w-]+:(?:ec2|ssm):[\w-]*:\d*:(?:managed-)?instance/({EC2.pattern}|mi-[0-9a-f]{{17}})"
)
_NAME_IN_ARN = re.compile(r"arn:[\w-]+:codedeploy:[\w-]*:\d*:instance:([^\s/:]+)")


def named_in(text: str) -> dict[str, str]:
    """The parameters of the question that a document names; {} for another text, and for a document of several things.

    An instance stands beside a deployment where the event is about that instance. Members: AWS's user guide, "JSON data
    formats for CodeDeploy triggers"; the events of EventBridge as AWS's own fixtures have them; botocore's model.
    """
    objects = list(_objects(text.strip(), 0)) or list(_objects(unquoted(text), 0))
    deployments = dict.fromkeys(id_ for one in objects if (id_ := _deployment(one)))
    if len(deployments) > 1:
        return {}
    for deployment in deployments:
        beside = dict.fromkeys(name for one in objects if _deployment(one) and (name := _instance(one)))
        return {"deployment": deployment} | ({"instance": next(iter(beside))} if len(beside) == 1 else {})
    return _only("instance", map(_instance, objects)) or _only("deployment_group", map(_group, objects))


def _objects(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    """Every object of a document, and of the documents that it holds as text."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str):
        if value.lstrip()[:1] in tuple('{["\\'):
            yield from _objects(_read(value), depth + 1)
        return
    if isinstance(value, dict):
        yield value
    for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(member, depth + 1)


def _read(text: str) -> Any:
    """A document; one that was copied out of another text has a backslash before each quote. None for another text."""
    for form in (text, f'"{text}"'):
        with suppress(ValueError, RecursionError):
            return json.loads(form)
    return None


def _deployment(one: Mapping[str, Any]) -> str:
    id_ = one.get("deploymentId")
    return id_ if isinstance(id_, str) and DEPLOYMENT.fullmatch(id_) else ""


def _instance(one: Mapping[str, Any]) -> str:
    value = _first(one, _INSTANCE)
    if within := _ID_IN_ARN.fullmatch(value) or _NAME_IN_ARN.fullmatch(value):
        value = within[1]
    return value if INSTANCE_ARN.fullmatch(value) or is_instance(value) else ""


def _group(one: Mapping[str, Any]) -> str:
    application, group = _first(one, _APPLICATION), _first(one, _GROUP)
    return f"{application}/{group}" if application and group and "/" not in application else ""


def _first(one: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((value for name in names if isinstance(value := one.get(name), str) and value), "")


def _only(parameter: str, values: Iterable[str]) -> dict[str, str]:
    found = set(values) - {""}
    return {parameter: found.pop()} if len(found) == 1 else {}
