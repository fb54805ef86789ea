"""A request's operation and protocol, as its headers, its form, its method and path tell them."""

from typing import Any

import pytest
from botocore.serialize import create_serializer
from codedeploy_sandbox.protocol import models, routing
from codedeploy_sandbox.protocol.models import CBOR
from moto.core.request import Request
from werkzeug.test import EnvironBuilder


def minimal(shape: Any) -> Any:
    """The least that a shape can hold."""
    if shape.type_name == "structure":
        names = list(shape.members)[:1] if shape.is_tagged_union else shape.required_members
        return {name: minimal(shape.members[name]) for name in names}
    if shape.type_name == "list":
        return [minimal(shape.member)]
    if shape.type_name == "map":
        return {"k": minimal(shape.value)}
    text = (shape.metadata.get("enum") or ["x" * shape.metadata.get("min", 1)])[0]
    others = {"integer": 1, "long": 1, "boolean": True, "timestamp": "2026-01-01T00:00:00Z", "blob": b"x"}
    return others.get(shape.type_name, text)


def test_every_operation_of_s3_is_recognised_by_its_request() -> None:
    model = models.service("s3")
    assert model
    twins = {}
    for name in model.operation_names:
        operation = model.operation_model(name)
        parameters = minimal(operation.input_shape) if operation.input_shape else {}
        made = create_serializer("rest-xml").serialize_to_request(parameters, operation)
        path, _, query = made["url_path"].partition("?")
        builder = EnvironBuilder(path, method=made["method"], headers=list(made["headers"].items()))
        builder.args.update(dict(pair.partition("=")[::2] for pair in query.split("&") if pair))
        builder.args.update(made["query_string"])
        found = routing.recognise("s3", "rest-xml", Request(builder.get_environ()))
        assert found, name
        if found[0] != name:
            twins[name] = found[0]
    # Two names for one and the same request; the deprecated one gives way.
    assert twins == {
        "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
        "GetBucketNotification": "GetBucketNotificationConfiguration",
        "ListDirectoryBuckets": "ListBuckets",
        "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
        "PutBucketNotification": "PutBucketNotificationConfiguration",
    }


def request(path: str = "/", body: str = "", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(EnvironBuilder(path, method="POST", data=body, headers=list(named.items())).get_environ())


FORM = "application/x-www-form-urlencoded"
TARGET = "CodeDeploy_20141006.ListOnPremisesInstances"
CBOR_PATH = "/service/CodeDeploy_20141006/operation/ListOnPremisesInstances"


@pytest.mark.parametrize(
    ("service", "http", "protocol", "operation"),
    [
        ("codedeploy", request(X_Amz_Target=TARGET), "json", "ListOnPremisesInstances"),
        ("codedeploy", request(CBOR_PATH, Smithy_Protocol="rpc-v2-cbor"), CBOR, "ListOnPremisesInstances"),
        ("codedeploy", request(X_Amz_Target="CodeDeploy_20141006.Foo"), "json", None),
        ("codedeploy", request(X_Amz_Target="Nope.ListOnPremisesInstances"), "json", None),
        ("codedeploy", request(X_Amz_Target="ListOnPremisesInstances"), "json", None),
        ("codedeploy", request(CBOR_PATH + "/x", Smithy_Protocol="rpc-v2-cbor"), CBOR, None),
        (
            "codedeploy",
            request(CBOR_PATH[1:], Smithy_Protocol="rpc-v2-cbor"),
            CBOR,
            "ListOnPremisesInstances",
        ),
        ("sts", request(body="Action=GetCallerIdentity", Content_Type=FORM), "query", "GetCallerIdentity"),
        ("sts", request("/?Action=GetCallerIdentity"), "query", "GetCallerIdentity"),
        ("sts", request(body="Action=Nope", Content_Type=FORM), "query", None),
        ("ec2", request(body="Action=DescribeVpcs", Content_Type=FORM), "ec2", "DescribeVpcs"),
        ("sqs", request(X_Amz_Target="AmazonSQS.ListQueues"), "json", "ListQueues"),
        ("no-such-service", request(X_Amz_Target="Any.Thing"), "json", None),
    ],
)
def test_the_protocol_and_the_operation_of_a_request(
    service: str, http: Request, protocol: str, operation: str | None
) -> None:
    assert routing.spoken(service, http) == protocol
    found = routing.recognise(service, protocol, http)
    assert (found[0] if found else None) == operation


@pytest.mark.parametrize(
    ("http", "name"),
    [
        (request(X_Amz_Target="Any.Thing"), "Thing"),
        (request("/service/A/operation/Thing", Smithy_Protocol="rpc-v2-cbor"), "Thing"),
        (request(body="Action=Thing", Content_Type=FORM), "Thing"),
        (request("/a/thing"), "POST /a/thing"),
    ],
)
def test_what_no_model_has_goes_by_the_name_that_the_request_gives_it(http: Request, name: str) -> None:
    assert routing.named(http) == name


def test_two_operations_of_sts_need_no_signature() -> None:
    model = models.service("sts")
    assert model
    free = {
        name
        for name in model.operation_names
        if routing.unsigned(request(body=f"Action={name}", Content_Type=FORM))
    }
    assert free == {"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"}
    assert routing.unsigned(request(X_Amz_Target=TARGET)) == ""
