"""The codec against botocore's own: what botocore writes we read, and what we write botocore reads."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.protocol import codec, models
from codedeploy_sandbox.protocol.models import CBOR
from codedeploy_sandbox.protocol.validation import check
from werkzeug.wrappers import Response

SERVICES = ["codedeploy", "cloudtrail", "ssm", "iam", "sts", "ec2"]
DEPTH = 4
SAMPLES = 2


def operations(service: str) -> Iterator[tuple[OperationModel, str]]:
    model, protocol = models.service(service), models.protocols(service)[0]
    assert model is not None
    for name in model.operation_names:
        for spoken in (protocol, CBOR) if service == "codedeploy" else (protocol,):
            yield model.operation_model(name), spoken


def value_for(shape: Shape, rng: random.Random, depth: int = 0) -> Any:
    """A random value, with at least one item in every list: an empty one is not always told from none."""
    if isinstance(shape, StructureShape):
        if shape.is_document_type:
            return {"any": ["thing", 1]}
        names = list(shape.members)
        if shape.is_tagged_union:
            names = rng.sample(names, 1)
        elif depth:
            names = [name for name in names if rng.random() < 0.7] or names[:1]
        deeper = depth < DEPTH
        return {
            name: value_for(shape.members[name], rng, depth + 1)
            for name in names
            if deeper or not isinstance(shape.members[name], StructureShape | ListShape | MapShape)
        }
    if isinstance(shape, ListShape):
        most = 3 if isinstance(shape.member, StructureShape | ListShape | MapShape) else 12
        return [value_for(shape.member, rng, depth + 1) for _ in range(rng.randint(1, most))]
    if isinstance(shape, MapShape):
        return {f"k{number}": value_for(shape.value, rng, depth + 1) for number in range(rng.randint(1, 2))}
    samples: dict[str, Any] = {
        "string": rng.choice(["x", "a b&c=d", "<é>", '"\u2028 ☃', "new\nline", ""]),
        "character": "c",
        "integer": rng.randint(-5, 2**31 - 1),
        "long": rng.randint(-5, 2**53),
        "float": 1.5,
        "double": -0.25,
        "boolean": rng.choice([True, False]),
        "timestamp": datetime.fromtimestamp(rng.randint(0, 2**31), UTC),
        "blob": rng.randbytes(5),
    }
    return samples[shape.type_name]


def without_empty(value: Any) -> Any:
    """An empty structure in a list has no form in the query protocol: leave it out of the comparison."""
    if isinstance(value, dict):
        items = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in items.items() if item not in ({}, [])}
    if isinstance(value, list):
        items_ = [without_empty(item) for item in value]
        return [item for item in items_ if item not in ({}, [])]
    return value


def parse(protocol: str, response: Response, shape: Shape | None) -> dict[str, Any]:
    headers = {name.lower(): value for name, value in response.headers}
    answer = {"status_code": response.status_code, "headers": headers, "body": response.get_data()}
    parsed: dict[str, Any] = create_parser(protocol).parse(answer, shape)  # type: ignore[arg-type]
    return parsed


@pytest.mark.parametrize("service", SERVICES)
def test_reads_what_botocore_writes(service: str) -> None:
    rng = random.Random(service)
    read = 0
    for operation, protocol in operations(service):
        if operation.input_shape is None:
            continue
        for _ in range(SAMPLES):
            # A structure without members would leave a gap in the numbers of a form.
            parameters = without_empty(value_for(operation.input_shape, rng))
            request = create_serializer(protocol, include_validation=False).serialize_to_request(
                parameters, operation
            )
            body = urlencode(request["body"]).encode() if protocol in ("query", "ec2") else request["body"]
            assert without_empty(codec.read(operation, protocol, body)) == parameters, operation.name
            read += 1
    assert read > SAMPLES * 5


@pytest.mark.parametrize("service", SERVICES)
def test_botocore_reads_what_we_write(service: str) -> None:
    rng = random.Random(service)
    written = 0
    for operation, protocol in operations(service):
        shape = operation.output_shape
        if shape is None or shape.event_stream_name:
            continue
        for _ in range(SAMPLES):
            output = value_for(shape, rng)
            response = codec.write(operation, protocol, output, "an-id")
            parsed = parse(protocol, response, shape)
            assert parsed.pop("ResponseMetadata")["RequestId"] == "an-id"
            assert without_empty(parsed) == without_empty(output), operation.name
            written += 1
    assert written > SAMPLES * 5


@pytest.mark.parametrize("service", [*SERVICES, "s3", "no-such-service"])
def test_botocore_reads_our_errors(service: str) -> None:
    protocol = next(iter(models.protocols(service)), "rest-json")
    error = ApiError("SomethingException", "what \x00 <went> & wrong", 418)
    response = codec.write_error(service, protocol, error, "an-id")
    parsed = parse(protocol, response, None)
    assert response.status_code == 418
    assert parsed["Error"]["Code"] == "SomethingException"
    assert "<went> & wrong" in parsed["Error"]["Message"]
    assert parsed["ResponseMetadata"]["RequestId"] == "an-id"


def test_the_status_of_an_error_is_the_models() -> None:
    assert codec.write_error("iam", "query", ApiError("NoSuchEntity", ""), "").status_code == 404
    assert codec.write_error("iam", "query", ApiError("NobodyDeclaresThis", ""), "").status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"registrationStatus": 5}',
        b'{"registrationStatus": true}',
        b'{"tagFilters": {"Key": "x"}}',
        b'{"tagFilters": [[]]}',
        b"[" * 100_000,
    ],
)
def test_a_body_that_cannot_be_read_is_an_error_of_the_caller(body: bytes) -> None:
    operation = models.operation("codedeploy", "ListOnPremisesInstances")
    assert operation is not None
    with pytest.raises(ApiError, match="SerializationException"):
        codec.read(operation, "json", body)


@pytest.mark.parametrize(
    ("service", "name", "body"),
    [
        ("cloudtrail", "LookupEvents", b'{"StartTime": 1e300}'),
        ("cloudtrail", "LookupEvents", b'{"StartTime": "never"}'),
        ("cloudtrail", "LookupEvents", b'{"MaxResults": "fifty"}'),
        ("cloudtrail", "LookupEvents", b'{"MaxResults": "50"}'),
        ("cloudtrail", "LookupEvents", b'{"MaxResults": true}'),
        ("cloudtrail", "LookupEvents", b'{"MaxResults": 5.5}'),
        ("codedeploy", "BatchGetOnPremisesInstances", b'{"instanceNames": "web-01"}'),
        ("codedeploy", "BatchGetOnPremisesInstances", b'{"instanceNames": {"web-01": 1}}'),
        ("codedeploy", "BatchGetOnPremisesInstances", b'{"instanceNames": [null]}'),
        ("ec2", "DescribeInstances", b"DryRun=perhaps"),
    ],
)
def test_a_form_or_a_type_that_cannot_be_read_is_an_error_of_the_caller(
    service: str, name: str, body: bytes
) -> None:
    operation, protocol = models.operation(service, name), models.protocols(service)[0]
    assert operation is not None
    with pytest.raises(ApiError, match="SerializationException"):
        codec.read(operation, protocol, body)


@pytest.mark.parametrize(
    ("service", "name", "parameters", "code"),
    [
        (
            "codedeploy",
            "ListOnPremisesInstances",
            {"registrationStatus": "x"},
            "InvalidRegistrationStatusException",
        ),
        (
            "codedeploy",
            "ListOnPremisesInstances",
            {"tagFilters": [{"Type": "x"}]},
            "InvalidTagFilterException",
        ),
        ("codedeploy", "GetOnPremisesInstance", {}, "InstanceNameRequiredException"),
        ("codedeploy", "AddTagsToOnPremisesInstances", {"instanceNames": ["x"]}, "TagRequiredException"),
        ("cloudtrail", "LookupEvents", {"MaxResults": 51}, "InvalidMaxResultsException"),
        ("cloudtrail", "LookupEvents", {"LookupAttributes": [{}]}, "InvalidLookupAttributesException"),
        ("ssm", "DescribeInstanceInformation", {"MaxResults": 99}, "ValidationException"),
        ("iam", "GetUser", {"UserName": "a b"}, "ValidationError"),
        ("iam", "GetUser", {"UserName": "x" * 129}, "ValidationError"),
        ("ec2", "StopInstances", {}, "InvalidParameterValue"),
    ],
)
def test_the_code_for_a_bad_value_follows_from_the_model(
    service: str, name: str, parameters: dict[str, Any], code: str
) -> None:
    operation, protocol = models.operation(service, name), models.protocols(service)[0]
    assert operation is not None
    with pytest.raises(ApiError) as raised:
        check(operation, protocol, parameters)
    assert raised.value.code == code


def test_a_good_request_passes_the_checks() -> None:
    operation = models.operation("codedeploy", "ListOnPremisesInstances")
    assert operation is not None
    check(
        operation,
        "json",
        {"registrationStatus": "Registered", "tagFilters": [{"Type": "KEY_ONLY", "Key": "x"}]},
    )


def test_a_service_name_from_the_wire_cannot_leave_the_models() -> None:
    assert models.service("../../../etc") is None
    assert models.service("no-such-service") is None
