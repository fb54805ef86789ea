"""The sandbox through real boto3: identity, moto behind it, the model, and who is refused."""

import inspect
import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from codedeploy_sandbox import ASSUMPTIONS, Sandbox, serve
from codedeploy_sandbox.app import OPERATIONS
from codedeploy_sandbox.moto_backend import Moto
from codedeploy_sandbox.protocol import models
from codedeploy_sandbox.state import ACCOUNT, CALLER_ARN
from werkzeug.test import Client

from tests.support import ROOT
from tests.support.sandbox import AUTHORIZATION, client

SOURCES = ROOT / "sandbox" / "codedeploy_sandbox"


@pytest.fixture(scope="module")
def healthy() -> Iterator[Sandbox]:
    """For tests that only read."""
    with serve("healthy") as sandbox:
        yield sandbox


def test_the_caller_is_the_documented_one(healthy: Sandbox) -> None:
    identity = client(healthy, "sts").get_caller_identity()
    assert identity["Arn"] == CALLER_ARN
    assert identity["Account"] == ACCOUNT
    assert identity["UserId"].startswith("AROA")
    assert identity["UserId"].endswith(":alex")


def test_every_answer_has_a_request_id_that_is_a_uuid(healthy: Sandbox) -> None:
    answers = [client(healthy, "sts").get_caller_identity() for _ in range(2)]
    answers.append(client(healthy, "codedeploy").list_on_premises_instances())
    ids = {uuid.UUID(answer["ResponseMetadata"]["RequestId"]) for answer in answers}
    assert len(ids) == 3


def test_regions_are_separate_worlds() -> None:
    with serve("healthy") as sandbox:
        here, there = client(sandbox, "codedeploy"), client(sandbox, "codedeploy", region_name="us-west-2")
        assert there.list_on_premises_instances()["instanceNames"] == []
        with pytest.raises(there.exceptions.InstanceNotRegisteredException):
            there.get_on_premises_instance(instanceName="web-01")
        arn = here.get_on_premises_instance(instanceName="web-01")["instanceInfo"]["iamSessionArn"]
        there.register_on_premises_instance(instanceName="web-01", iamSessionArn=arn)
        there.deregister_on_premises_instance(instanceName="web-01")
        assert "deregisterTime" not in here.get_on_premises_instance(instanceName="web-01")["instanceInfo"]


def test_moto_is_behind_it_as_the_same_account() -> None:
    with serve("healthy") as sandbox:
        sandbox.account.enforces = False
        iam, sts = client(sandbox, "iam"), client(sandbox, "sts")
        assert [user["UserName"] for user in iam.list_users()["Users"]] == ["batch-01"]
        iam.create_user(UserName="batch-02")
        assert iam.get_user(UserName="batch-02")["User"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/batch-02"
        key = iam.create_access_key(UserName="batch-02")["AccessKey"]
        user = {
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
        }
        assert client(sandbox, "sts", **user).get_caller_identity()["Arn"].endswith(":user/batch-02")
        session = sts.assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/CodeDeployOnPremises", RoleSessionName="web-03"
        )
        arn = session["AssumedRoleUser"]["Arn"]
        assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/CodeDeployOnPremises/web-03"
        client(sandbox, "codedeploy").register_on_premises_instance(instanceName="web-03", iamSessionArn=arn)
        assert client(sandbox, "ec2").describe_vpcs()["Vpcs"][0]["OwnerId"] == ACCOUNT
        client(sandbox, "s3").create_bucket(
            Bucket="revisions", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        client(sandbox, "s3").put_object(Bucket="revisions", Key="a/b", Body=b"x" * 100_000)
        assert len(client(sandbox, "s3").get_object(Bucket="revisions", Key="a/b")["Body"].read()) == 100_000
        with pytest.raises(iam.exceptions.NoSuchEntityException):
            iam.get_user(UserName="nobody")


def test_a_new_sandbox_has_none_of_the_last_ones_moto() -> None:
    for _ in range(2):
        with serve("healthy") as sandbox:
            client(sandbox, "iam").create_user(UserName="once", Path="/AWS/CodeDeploy/")


@pytest.mark.parametrize(
    ("service", "method", "operation"),
    [
        ("ssm", "describe_activations", "ssm:DescribeActivations"),
        ("codedeploy", "delete_resources_by_external_id", "codedeploy:DeleteResourcesByExternalId"),
        ("accessanalyzer", "list_analyzers", "access-analyzer:GET /analyzer"),
        ("service-quotas", "list_services", "servicequotas:ListServices"),
        ("ec2", "describe_network_insights_paths", "ec2:DescribeNetworkInsightsPaths"),
    ],
)
def test_what_neither_the_sandbox_nor_moto_has_is_a_clear_answer_and_not_retried(
    healthy: Sandbox, service: str, method: str, operation: str
) -> None:
    with pytest.raises(ClientError) as raised:
        getattr(client(healthy, service, attempts=None, aws_access_key_id="test"), method)()
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert raised.value.response["ResponseMetadata"]["RetryAttempts"] == 0
    assert raised.value.response["Error"]["Code"] == "SandboxNotImplemented"
    assert raised.value.response["Error"]["Message"] == f"{operation} is not implemented by the sandbox"


@pytest.mark.parametrize(
    ("target", "name"),
    [("CodeDeploy_20141006.Foo", "Foo"), ("Nope.ListOnPremisesInstances", "ListOnPremisesInstances")],
)
def test_an_operation_that_codedeploy_does_not_have_is_unknown_before_it_is_denied(
    healthy: Sandbox, target: str, name: str
) -> None:
    authorization = AUTHORIZATION.replace("AKIATEST", healthy.address()["access_key_id"]).format("codedeploy")
    headers = {"Authorization": authorization, "X-Amz-Target": target, "Host": "127.0.0.1"}
    answer = Client(healthy.app).post("/", headers=headers, data="{}")
    assert (answer.status_code, json.loads(answer.text)["__type"]) == (400, "UnknownOperationException")
    assert name in answer.text


def test_an_action_that_iam_does_not_have_is_invalid(healthy: Sandbox) -> None:
    headers = {"Authorization": AUTHORIZATION.format("iam"), "Host": "127.0.0.1"}
    answer = Client(healthy.app).post("/", headers=headers, data={"Action": "Foo", "Version": "2010-05-08"})
    assert (answer.status_code, "<Code>InvalidAction</Code>" in answer.text) == (400, True)


def test_what_needs_no_signature_is_answered_without_one(healthy: Sandbox) -> None:
    sts = client(healthy, "sts")
    who = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/OnCall", "RoleSessionName": "from-the-web"}
    made = sts.assume_role_with_web_identity(**who, WebIdentityToken="a-token")
    keys = made["Credentials"]
    session = {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
    caller = client(healthy, "sts", **session).get_caller_identity()["Arn"]
    assert caller == f"arn:aws:sts::{ACCOUNT}:assumed-role/OnCall/from-the-web"
    api = client(healthy, "codedeploy", **session)
    assert "web-01" in api.list_on_premises_instances()["instanceNames"]
    with pytest.raises(ClientError, match="AccessDeniedException"):
        api.create_application(applicationName="x")


@pytest.mark.parametrize(
    ("authorization", "says"),
    [
        ("Bearer x", "none at all"),
        (AUTHORIZATION.format("codedeploy").replace("/eu-west-1/", "//"), "AKIATEST/20260115//codedeploy"),
        (
            "AWS4-ECDSA-P256-SHA256 Credential=AKIATEST/20260115/codedeploy/aws4_request, Signature=0",
            "AKIATEST/20260115/codedeploy/aws4_request",
        ),
    ],
)
def test_the_answer_to_an_incomplete_signature_says_what_is_missing(
    healthy: Sandbox, authorization: str, says: str
) -> None:
    headers = {"Authorization": authorization, "Host": "127.0.0.1"}
    answer = Client(healthy.app).post("/", headers=headers)
    assert (answer.status_code, json.loads(answer.text)["__type"]) == (400, "IncompleteSignature")
    assert says in answer.text


def test_moto_has_no_controls_here(healthy: Sandbox) -> None:
    headers = {"Authorization": AUTHORIZATION.format("s3"), "Host": "127.0.0.1"}
    for method, path in (("POST", "/moto-api/reset"), ("GET", "/moto-api/"), ("GET", "/moto-api/data.json")):
        answer = Client(healthy.app).open(path, method=method, headers=headers)
        assert (answer.status_code, "SandboxNotImplemented" in answer.text) == (501, True), path


def test_what_moto_lacks_a_package_for_is_not_implemented(
    healthy: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacks(*_: object) -> None:
        raise ModuleNotFoundError("No module named 'openapi_spec_validator'", name="openapi_spec_validator")

    monkeypatch.setattr(Moto, "_seed", lambda *_: None)
    monkeypatch.setattr(Moto, "_send", lacks)
    monkeypatch.setattr(Moto, "owner", lambda *_: None)
    api = client(healthy, "cloudformation", attempts=None, aws_access_key_id="test")
    with pytest.raises(ClientError) as raised:
        api.list_stacks()
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert raised.value.response["ResponseMetadata"]["RetryAttempts"] == 0
    assert "moto needs the package openapi_spec_validator" in raised.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    "host", ["example.com", "127.0.0.1.example.com", "rebound.test:8000", "10.0.0.1", ""]
)
def test_a_request_for_another_host_is_refused(healthy: Sandbox, host: str) -> None:
    headers = {"Authorization": AUTHORIZATION.format("codedeploy"), "Host": host}
    answer = Client(healthy.app).post("/", headers=headers)
    assert answer.status_code == 403
    assert "loopback" in answer.text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:5000", "127.1.2.3", "[::1]:80", "[::1]"])
def test_every_loopback_name_is_answered(healthy: Sandbox, host: str) -> None:
    headers = {
        "Authorization": AUTHORIZATION.format("codedeploy"),
        "X-Amz-Target": "CodeDeploy_20141006.ListOnPremisesInstances",
        "Host": host,
    }
    assert Client(healthy.app).post("/", headers=headers).status_code == 200


def test_a_web_page_is_refused_and_no_answer_invites_one(healthy: Sandbox) -> None:
    headers = {"Authorization": AUTHORIZATION.format("iam"), "Host": "127.0.0.1"}
    body = {"Action": "ListUsers", "Version": "2010-05-08"}
    for mark in ({"Origin": "https://example.com"}, {"Sec-Fetch-Site": "cross-site"}):
        page = Client(healthy.app).post("/", headers=headers | mark, data=body)
        assert page.status_code == 403
        assert "not a browser" in page.text
    moto = Client(healthy.app).post("/", headers=headers, data=body)
    assert moto.status_code == 200
    assert not [name for name, _ in moto.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (
            {"X-Amz-Target": "CodeDeploy_20141006.ListOnPremisesInstances"},
            "MissingAuthenticationTokenException",
        ),
        ({}, "MissingAuthenticationToken"),
    ],
)
def test_an_unsigned_request_is_answered_as_by_aws(
    healthy: Sandbox, headers: dict[str, str], code: str
) -> None:
    for path in ("/", "/moto-api/reset"):
        answer = Client(healthy.app).post(path, headers=headers | {"Host": "127.0.0.1"})
        assert answer.status_code == 403
        assert re.search(rf"\b{code}\b", answer.text)


def test_operations_have_the_names_and_keywords_of_the_model() -> None:
    model = models.service("codedeploy")
    assert model is not None
    on_premises = {("codedeploy", name) for name in model.operation_names if "OnPremises" in name}
    assert len(on_premises) == 7
    assert set(OPERATIONS) > on_premises
    for (service, name), function in OPERATIONS.items():
        operation = models.operation(service, name)
        assert operation is not None, name
        call, *keywords = inspect.signature(function).parameters.values()
        assert call.name == "call"
        members = operation.input_shape.members if operation.input_shape else {}
        required = operation.input_shape.required_members if operation.input_shape else []
        passed_on = [k for k in keywords if k.kind is k.VAR_KEYWORD]
        keywords = [k for k in keywords if k not in passed_on]
        names = {keyword.name for keyword in keywords}
        assert names < set(members) if passed_on else names == set(members), name
        assert {k.name for k in keywords if k.default is k.empty} == set(required), name


def test_the_sandbox_imports_nothing_of_the_guide_and_no_service_of_moto_before_it_is_needed() -> None:
    code = "import sys, codedeploy_sandbox.__main__; print(*sorted(sys.modules))"
    modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    ours = {name for name in modules if name.split(".")[0] == "runbooks"}
    assert not ours
    assert not {"flask", "moto.iam", "moto.ec2", "moto.s3"} & set(modules)


def test_every_assumption_is_marked_where_it_is_coded_and_listed_once() -> None:
    code = "\n".join(path.read_text() for path in SOURCES.rglob("*.py"))
    marked = set(re.findall(r"# Assumption: (\S+)$", code, re.MULTILINE))
    assert code.count("# Assumption:") == len(re.findall(r"# Assumption: \S+$", code, re.MULTILINE))
    assert marked == set(ASSUMPTIONS)
    assert all(sentence.endswith(".") for sentence in ASSUMPTIONS.values())


def test_a_request_at_which_moto_fails_is_wrong_where_the_model_says_so(healthy: Sandbox) -> None:
    headers = {"Authorization": AUTHORIZATION.format("iam"), "Host": "127.0.0.1"}
    form = {"Action": "CreateUser", "UserName": "no-key", "Tags.member.1.Value": "v"}
    answer = Client(healthy.app).post("/", headers=headers, data=form)
    assert (answer.status_code, "<Code>ValidationError</Code>" in answer.text) == (400, True)
    assert "Tags[0].Key is missing" in answer.text


@pytest.mark.parametrize("body", [b"", b"X=1", b"Action=DescribeVpcs&X=\xff"])
def test_a_form_without_an_action_that_can_be_read(healthy: Sandbox, body: bytes) -> None:
    headers = {"Authorization": AUTHORIZATION.format("ec2"), "Host": "127.0.0.1"}
    kind = "application/x-www-form-urlencoded"
    answer = Client(healthy.app).post("/", headers=headers, data=body, content_type=kind)
    assert (answer.status_code, "<Code>MissingAction</Code>" in answer.text) == (400, True)
