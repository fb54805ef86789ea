"""A client that speaks CBOR, as AWS's model of CodeDeploy allows: real boto3, which is made to prefer it."""

from collections.abc import Iterator
from typing import Any

import boto3
import botocore.model
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from codedeploy_sandbox import Error, Fault, Sandbox, serve
from codedeploy_sandbox.protocol.models import CBOR


@pytest.fixture(scope="module")
def healthy() -> Iterator[Sandbox]:
    with serve("healthy") as sandbox:
        yield sandbox


@pytest.fixture
def api(healthy: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    return cbor_client(healthy, monkeypatch)


def cbor_client(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, access_key: str = "test") -> Any:
    monkeypatch.setattr(botocore.model, "PRIORITY_ORDERED_SUPPORTED_PROTOCOLS", (CBOR, "json", "query"))
    made = boto3.Session(access_key, "x", region_name="eu-west-1").client(
        "codedeploy",
        endpoint_url=sandbox.endpoint,
        config=Config(proxies={}, retries={"total_max_attempts": 1}),
    )
    assert made.meta.service_model.resolved_protocol == CBOR
    return made


def refused(call: Any, **parameters: Any) -> tuple[str, int]:
    """The code and the status of the error with which a call ends."""
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    response = raised.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_the_operations_of_the_sandbox(api: Any) -> None:
    assert api.list_on_premises_instances()["instanceNames"] == ["batch-01", "old-01", "web-01", "web-02"]
    info = api.get_on_premises_instance(instanceName="web-01")["instanceInfo"]
    assert {"Key": "Environment", "Value": "production"} in info["tags"]
    assert info["registerTime"].tzinfo
    filters = [{"Key": "Environment", "Value": "staging", "Type": "KEY_AND_VALUE"}]
    assert api.list_on_premises_instances(tagFilters=filters)["instanceNames"] == ["batch-01"]


def test_its_errors(api: Any) -> None:
    code = "InvalidRegistrationStatusException"
    assert refused(api.list_on_premises_instances, registrationStatus="x") == (code, 400)
    with pytest.raises(api.exceptions.InstanceNotRegisteredException, match="never-01"):
        api.get_on_premises_instance(instanceName="never-01")


def test_applications_and_what_the_sandbox_lacks(api: Any) -> None:
    assert api.get_application(applicationName="shop")["application"]["computePlatform"] == "Server"
    made = api.create_application(applicationName="cbor", computePlatform="Server")
    assert made["applicationId"]
    assert refused(api.get_application, applicationName="nope") == ("ApplicationDoesNotExistException", 400)
    assert refused(api.delete_resources_by_external_id) == ("SandboxNotImplemented", 501)


def test_permissions_and_faults(healthy: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    api = cbor_client(healthy, monkeypatch, healthy.address()["access_key_id"])
    assert refused(api.create_application, applicationName="x") == ("AccessDeniedException", 400)
    with serve("healthy", faults=[Fault("codedeploy:*", Error("ThrottlingException", "Rate"))]) as sandbox:
        slow = cbor_client(sandbox, monkeypatch)
        assert refused(slow.list_on_premises_instances) == ("ThrottlingException", 400)


def test_a_client_without_credentials(healthy: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    api = cbor_client(healthy, monkeypatch)

    def unsigned(request: Any, **_: Any) -> None:
        del request.headers["Authorization"]

    api.meta.events.register("before-send", unsigned)
    assert refused(api.list_on_premises_instances) == ("MissingAuthenticationToken", 403)
