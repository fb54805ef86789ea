"""A value that CodeDeploy's model does not allow gets an error that the operation declares: over the whole model."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.protocol.validation import check

MODEL = ServiceModel(Loader().load_service_model("codedeploy", "service-2"), "codedeploy")
BAD = "no such value"


class Leaf(NamedTuple):
    """A member of a request whose values the model lists, and the request that gives it a value that is not listed."""

    path: str
    request: dict[str, Any]


def leaves(shape: Shape, path: str) -> Iterator[tuple[str, Any]]:
    """Each enum below a shape, with a value of the shape that is wrong there and nowhere else."""
    if isinstance(shape, StructureShape):
        rest = {name: filled(shape.members[name]) for name in shape.required_members}
        for name, member in shape.members.items():
            for below, value in leaves(member, f"{path}.{name}".lstrip(".")):
                yield below, {**rest, name: value}
    elif isinstance(shape, ListShape):
        yield from ((below, [value]) for below, value in leaves(shape.member, f"{path}[]"))
    elif isinstance(shape, MapShape):
        yield from ((below, {value: []}) for below, value in leaves(shape.key, f"{path}{{}}"))
    elif shape.metadata.get("enum"):
        yield path, BAD


def filled(shape: Shape) -> Any:
    """Any value that the model allows."""
    if isinstance(shape, StructureShape):
        return {name: filled(shape.members[name]) for name in shape.required_members}
    if isinstance(shape, ListShape):
        return []
    if isinstance(shape, MapShape):
        return {}
    return shape.metadata.get("enum", ["x"])[0] if shape.type_name == "string" else 1


def asked(operation: str) -> Iterator[Leaf]:
    model = MODEL.operation_model(operation)
    if model.input_shape:
        yield from (Leaf(*row) for row in leaves(model.input_shape, ""))


ROWS = [(operation, leaf) for operation in MODEL.operation_names for leaf in asked(operation)]
# The error of each enum, by operation and member. A member that is the same in several operations stands once, with "*".
EXPECTED = {
    "* revision.revisionType": "InvalidRevisionException",
    "* revision.s3Location.bundleType": "InvalidRevisionException",
    "* revisions[].revisionType": "InvalidRevisionException",
    "* revisions[].s3Location.bundleType": "InvalidRevisionException",
    "* computePlatform": "InvalidComputePlatformException",
    "* autoRollbackConfiguration.events[]": "InvalidAutoRollbackConfigException",
    "* ec2DeploymentOptions.autoScalingGroupProcessesToSuspend[]": "InvalidAutoScalingGroupProcessToSuspendException",
    "* ec2TagFilters[].Type": "InvalidEC2TagException",
    "* ec2TagSet.ec2TagSetList[][].Type": "InvalidEC2TagException",
    "* onPremisesInstanceTagFilters[].Type": "InvalidTagException",
    "* onPremisesTagSet.onPremisesTagSetList[][].Type": "InvalidTagException",
    "* triggerConfigurations[].triggerEvents[]": "InvalidTriggerConfigException",
    "* outdatedInstancesStrategy": "InvalidInputException",
    "* deploymentStyle.deploymentType": "InvalidDeploymentStyleException",
    "* deploymentStyle.deploymentOption": "InvalidDeploymentStyleException",
    **{
        f"* blueGreenDeploymentConfiguration.{member}": "InvalidBlueGreenDeploymentConfigurationException"
        for member in (
            "terminateBlueInstancesOnDeploymentSuccess.action",
            "deploymentReadyOption.actionOnTimeout",
            "greenFleetProvisioningOption.action",
        )
    },
    "ContinueDeployment deploymentWaitType": "InvalidDeploymentWaitTypeException",
    "CreateDeployment targetInstances.tagFilters[].Type": "InvalidTargetInstancesException",
    "CreateDeployment targetInstances.ec2TagSet.ec2TagSetList[][].Type": "InvalidTargetInstancesException",
    "CreateDeployment fileExistsBehavior": "InvalidFileExistsBehaviorException",
    "CreateDeployment deploymentMode": "InvalidInputException",
    "CreateDeploymentConfig minimumHealthyHosts.type": "InvalidMinimumHealthyHostValueException",
    "CreateDeploymentConfig trafficRoutingConfig.type": "InvalidTrafficRoutingConfigurationException",
    "CreateDeploymentConfig zonalConfig.minimumHealthyHostsPerZone.type": "InvalidZonalDeploymentConfigurationException",
    "ListApplicationRevisions sortBy": "InvalidSortByException",
    "ListApplicationRevisions sortOrder": "InvalidSortOrderException",
    "ListApplicationRevisions deployed": "InvalidDeployedStateFilterException",
    "ListDeploymentInstances instanceStatusFilter[]": "InvalidInstanceStatusException",
    "ListDeploymentInstances instanceTypeFilter[]": "InvalidInstanceTypeException",
    "ListDeploymentTargets targetFilters{}": "InvalidTargetFilterNameException",
    "ListDeployments includeOnlyStatuses[]": "InvalidDeploymentStatusException",
    "ListOnPremisesInstances registrationStatus": "InvalidRegistrationStatusException",
    "ListOnPremisesInstances tagFilters[].Type": "InvalidTagFilterException",
    "PutLifecycleEventHookExecutionStatus status": "InvalidLifecycleEventHookExecutionStatusException",
}


def code_of(operation: str, request: dict[str, Any]) -> str:
    with pytest.raises(ApiError) as refused:
        check(MODEL.operation_model(operation), "json", request)
    return refused.value.code


def declared(operation: str) -> set[str]:
    return {shape.name for shape in MODEL.operation_model(operation).error_shapes}


@pytest.mark.parametrize(("operation", "leaf"), ROWS, ids=lambda row: getattr(row, "path", row))
def test_an_enum_has_the_error_that_its_operation_declares(operation: str, leaf: Leaf) -> None:
    code = code_of(operation, leaf.request)
    assert code == (EXPECTED.get(f"{operation} {leaf.path}") or EXPECTED[f"* {leaf.path}"])
    assert code in declared(operation)


def test_the_table_is_the_models() -> None:
    seen = {f"{operation} {leaf.path}" for operation, leaf in ROWS} | {f"* {leaf.path}" for _, leaf in ROWS}
    assert set(EXPECTED) <= seen
    assert len(ROWS) > 50


@pytest.mark.parametrize(
    ("operation", "member"),
    [
        (operation, member)
        for operation in MODEL.operation_names
        for shape in [MODEL.operation_model(operation).input_shape]
        for member in (shape.required_members if isinstance(shape, StructureShape) else ())
    ],
)
def test_what_is_required_and_missing_has_an_error_that_says_so(operation: str, member: str) -> None:
    shape = MODEL.operation_model(operation).input_shape
    assert isinstance(shape, StructureShape)
    request = {name: filled(shape.members[name]) for name in shape.required_members if name != member}
    code = code_of(operation, request)
    assert code in declared(operation)
    assert code.endswith("RequiredException")


def long(shape: Shape) -> Any:
    return "x" * (int(shape.metadata["max"]) + 1)


@pytest.mark.parametrize(
    ("operation", "member"),
    [
        (operation, name)
        for operation in MODEL.operation_names
        for shape in [MODEL.operation_model(operation).input_shape]
        if isinstance(shape, StructureShape)
        for name, member in shape.members.items()
        if member.type_name == "string" and "max" in member.metadata
    ],
)
def test_a_text_that_is_too_long_is_invalid_by_a_declared_error(operation: str, member: str) -> None:
    shape = MODEL.operation_model(operation).input_shape
    assert isinstance(shape, StructureShape)
    request = {name: filled(shape.members[name]) for name in shape.required_members}
    code = code_of(operation, {**request, member: long(shape.members[member])})
    assert code.startswith("Invalid")
    assert code in declared(operation)
