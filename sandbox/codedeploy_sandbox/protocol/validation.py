"""The checks that botocore's client leaves to the server: enums, lengths, ranges, patterns, and what is required."""

import re
from collections.abc import Iterator
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from codedeploy_sandbox.errors import ApiError

_DEFAULT_CODES = {"query": "ValidationError", "ec2": "InvalidParameterValue"}


def check(operation: OperationModel, protocol: str, parameters: dict[str, Any]) -> None:
    """Raise ApiError for the first parameter that the model does not allow."""
    if operation.input_shape is None:
        return
    for path, shape, fault in _faults(operation.input_shape, parameters, ""):
        code = _code(operation, path, shape, missing=fault == "is missing") or _DEFAULT_CODES.get(
            protocol, "ValidationException"
        )
        raise ApiError(code, f"{path} {fault}")


# What the errors of CodeDeploy's model call a member or a type, where that is not the name that it has itself.
_WORDS = {
    "EC2TagFilterType": "EC2Tag",
    "TagFilterType": "Tag",
    "TagKeys": "Tag",
    "alarmConfiguration": "AlarmConfig",
    "autoRollbackConfiguration": "AutoRollbackConfig",
    "deployed": "DeployedStateFilter",
    "ec2DeploymentOptions": "AutoScalingGroupProcessToSuspend",
    "minimumHealthyHosts": "MinimumHealthyHostValue",
    "overrideAlarmConfiguration": "AlarmConfig",
    "serviceRoleArn": "Role",
    "status": "LifecycleEventHookExecutionStatus",
    "targetId": "DeploymentTargetId",
    "targetIds": "DeploymentTargetId",
    "trafficRoutingConfig": "TrafficRoutingConfiguration",
    "triggerConfigurations": "TriggerConfig",
    "zonalConfig": "ZonalDeploymentConfiguration",
}


def _code(operation: OperationModel, path: str, shape: Shape, *, missing: bool) -> str | None:
    """The error that the operation declares for this member, by its name or its type: registrationStatus has
    InvalidRegistrationStatusException, tagFilters[0].Type has InvalidTagFilterException, and
    includeOnlyStatuses[0], a DeploymentStatus, has InvalidDeploymentStatusException. What has none of its own is
    InvalidInputException, where CodeDeploy declares that."""
    # Assumption: derived-code
    member = re.split(r"[.\[]", path)[0]
    word = member[0].upper() + member[1:]
    words = [word, word.removesuffix("s"), shape.name]
    if operation.service_model.signing_name == "codedeploy":
        words += [*(_WORDS[name] for name in (member, shape.name) if name in _WORDS), "Input"]
    names = [f"Invalid{word}Exception" for word in words]
    if missing:
        names = [f"{word}RequiredException" for word in words] + names
    declared = {shape.name for shape in operation.error_shapes}
    return next((name for name in names if name in declared), None)


def _faults(shape: Shape, value: Any, path: str) -> Iterator[tuple[str, Shape, str]]:
    """The path to each part that the model does not allow, its shape, and what is wrong with it."""
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            here = f"{path}.{name}" if path else name
            if name in value:
                yield from _faults(member, value[name], here)
            elif name in shape.required_members:
                yield here, member, "is missing"
    elif isinstance(shape, ListShape):
        yield from _sized(shape, len(value), path, "items")
        for index, item in enumerate(value):
            yield from _faults(shape.member, item, f"{path}[{index}]")
    elif isinstance(shape, MapShape):
        yield from _sized(shape, len(value), path, "entries")
        for key, item in value.items():
            yield from _faults(shape.key, key, path)
            yield from _faults(shape.value, item, f"{path}.{key}")
    elif isinstance(value, str):
        yield from _text_faults(shape, value, path)
    elif isinstance(value, bytes):
        yield from _sized(shape, len(value), path, "bytes")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _sized(shape, value, path, "")


def _text_faults(shape: Shape, value: str, path: str) -> Iterator[tuple[str, Shape, str]]:
    allowed = shape.metadata.get("enum")
    # Assumption: filter-case
    # Assumption: empty-filter
    if allowed and value not in allowed:
        yield path, shape, f"is {_short(value)}; it must be {_either(allowed)}"
    yield from _sized(shape, len(value), path, "characters")
    pattern = shape.metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        yield path, shape, f"is {_short(value)}; it must match {pattern}"


def _sized(shape: Shape, size: float, path: str, unit: str) -> Iterator[tuple[str, Shape, str]]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    seen = f"has {size} {unit}" if unit else f"is {size}"
    if least is not None and size < least:
        yield path, shape, f"{seen}; the least is {least}"
    if most is not None and size > most:
        yield path, shape, f"{seen}; the most is {most}"


def _matches(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:  # the models hold Java patterns; a few mean nothing in Python, and refuse nothing
        return True


def _either(allowed: list[str]) -> str:
    return allowed[0] if len(allowed) == 1 else f"{', '.join(allowed[:-1])} or {allowed[-1]}"


def _short(value: str) -> str:
    return repr(value if len(value) <= 100 else f"{value[:100]}...")
