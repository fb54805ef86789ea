"""The catalogue against botocore: what it says is what the model says, read another way."""

import json
import re
import subprocess
import sys
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError

from runbooks import catalog

MODEL = botocore.session.Session().get_service_model("codedeploy")
SHAPES = botocore.session.Session().get_service_data("codedeploy")["shapes"]
NAME = "InvalidRegistrationStatusException"


def test_exceptions_are_the_model_s() -> None:
    shapes = [MODEL.shape_for(name) for name in MODEL.shape_names]
    assert set(catalog.exceptions()) == {shape.name for shape in shapes if shape.metadata.get("exception")}
    assert list(catalog.exceptions()) == sorted(catalog.exceptions())
    assert all(name == error.name for name, error in catalog.exceptions().items())


def test_operations_declare_what_the_model_declares() -> None:
    declared = {
        name: sorted(shape.name for shape in MODEL.operation_model(name).error_shapes)
        for name in MODEL.operation_names
    }
    assert {name: list(errors) for name, errors in catalog.operations().items()} == declared
    for name, error in catalog.exceptions().items():
        assert sorted(error.operations) == sorted(op for op, errors in declared.items() if name in errors)


def test_the_subject_of_the_guide() -> None:
    error = catalog.exceptions()[NAME]
    assert error.operations == ("ListOnPremisesInstances",)
    assert error.says == "The registration status was specified in an invalid format."
    assert not error.deprecated
    assert catalog.enum("RegistrationStatus") == ("Registered", "Deregistered")


def test_what_aws_says_is_plain_text() -> None:
    for error in catalog.exceptions().values():
        described = re.sub(r"<[^>]*>", "", SHAPES[error.name]["documentation"]).strip()
        assert bool(error.says) is bool(described), error.name
        for text in (error.says, error.deprecated):
            assert not re.search(r"<\w|</|&\w+;", text), error.name
            assert text == " ".join(text.split())


def test_deprecated_exceptions_name_their_successor() -> None:
    notes = {name: error.deprecated for name, error in catalog.exceptions().items() if error.deprecated}
    assert set(notes) == {name for name in catalog.exceptions() if SHAPES[name].get("deprecated")}
    assert "DeploymentTargetDoesNotExistException" in notes["InstanceDoesNotExistException"]


def test_the_status_is_the_documentation_s_as_long_as_the_model_is_silent() -> None:
    for error in catalog.exceptions().values():
        modelled = MODEL.shape_for(error.name).metadata.get("error", {}).get("httpStatusCode")
        assert error.http_status_modelled is (modelled is not None)
        assert error.http_status == (modelled or 400)


def test_codes() -> None:
    assert catalog.deployment_error_codes() == tuple(SHAPES["ErrorCode"]["enum"])
    assert catalog.lifecycle_error_codes() == tuple(SHAPES["LifecycleErrorCode"]["enum"])
    assert "AGENT_ISSUE" in catalog.deployment_error_codes()
    assert "ScriptFailed" in catalog.lifecycle_error_codes()


@pytest.mark.parametrize("name", [NAME, "ThrottlingException", "InvalidTagFilterException"])
def test_retried_is_what_a_client_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real client is given the error as its answer; how often it asks is the truth."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    client: Any = botocore.session.Session().create_client(
        "codedeploy",
        region_name="eu-west-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(retries={"mode": "standard"}),
    )
    asked: list[AWSPreparedRequest] = []

    def refuse(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        asked.append(request)
        return AWSResponse(request.url, 400, HTTPHeaders(), Answer({"__type": name}))

    client.meta.events.register("before-send.codedeploy", refuse)
    with pytest.raises(ClientError) as raised:
        client.list_on_premises_instances()
    assert raised.value.response["Error"]["Code"] == name
    assert catalog.is_retried(name) is (len(asked) > 1)


class Answer:
    """The raw body of an answer, as botocore reads it."""

    def __init__(self, content: dict[str, str]) -> None:
        self.content = json.dumps(content).encode()

    def stream(self) -> list[bytes]:
        return [self.content]


def test_page_url() -> None:
    assert catalog.page_url(NAME) == f"/exceptions/{NAME}/"


def test_unknown_names_are_a_key_error() -> None:
    for ask in (catalog.page_url, catalog.is_retried, catalog.enum):
        with pytest.raises(KeyError):
            ask("NoSuchException")


def test_it_is_light() -> None:
    code = "import sys, runbooks.catalog as c; c.exceptions(); print('boto3' in sys.modules, 'botocore.client' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
