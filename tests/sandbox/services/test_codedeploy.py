"""The seven on-premises operations: every error that the model declares, and what they do when they do not fail."""

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from codedeploy_sandbox import Sandbox, serve
from codedeploy_sandbox.protocol import models
from codedeploy_sandbox.state import ACCOUNT, REGION, Account
from werkzeug.test import Client

from tests.support.sandbox import AUTHORIZATION, client

USER = f"arn:aws:iam::{ACCOUNT}:user/AWS/CodeDeploy/new-01"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/CodeDeployOnPremises/new-01"
TAG = {"Key": "Name", "Value": "x"}

REGISTER = "RegisterOnPremisesInstance"
DEREGISTER = "DeregisterOnPremisesInstance"
GET = "GetOnPremisesInstance"
BATCH_GET = "BatchGetOnPremisesInstances"
LIST = "ListOnPremisesInstances"
ADD_TAGS = "AddTagsToOnPremisesInstances"
REMOVE_TAGS = "RemoveTagsFromOnPremisesInstances"
OPERATIONS = (REGISTER, DEREGISTER, GET, BATCH_GET, LIST, ADD_TAGS, REMOVE_TAGS)

# For each error that the model declares for an operation: a call that raises it in the healthy scenario.
ERRORS: dict[str, dict[str, dict[str, Any]]] = {
    REGISTER: {
        "InstanceNameRequiredException": {"instanceName": "", "iamUserArn": USER},
        "InvalidInstanceNameException": {"instanceName": "i-0123456789abcdef0", "iamUserArn": USER},
        "InstanceNameAlreadyRegisteredException": {"instanceName": "web-01", "iamUserArn": USER},
        "IamArnRequiredException": {"instanceName": "new-01"},
        "IamUserArnRequiredException": {"instanceName": "new-01", "iamUserArn": ""},
        "MultipleIamArnsProvidedException": {
            "instanceName": "new-01",
            "iamUserArn": USER,
            "iamSessionArn": SESSION,
        },
        "InvalidIamUserArnException": {"instanceName": "new-01", "iamUserArn": SESSION},
        "InvalidIamSessionArnException": {
            "instanceName": "new-01",
            "iamSessionArn": f"arn:aws:iam::{ACCOUNT}:role/CodeDeployOnPremises",
        },
        "IamUserArnAlreadyRegisteredException": {
            "instanceName": "new-01",
            "iamUserArn": f"arn:aws:iam::{ACCOUNT}:user/AWS/CodeDeploy/batch-01",
        },
        "IamSessionArnAlreadyRegisteredException": {
            "instanceName": "new-01",
            "iamSessionArn": f"arn:aws:sts::{ACCOUNT}:assumed-role/CodeDeployOnPremises/web-01",
        },
    },
    DEREGISTER: {
        "InstanceNameRequiredException": {"instanceName": ""},
        "InvalidInstanceNameException": {"instanceName": "aa:bb:cc:dd:ee:ff"},
    },
    GET: {
        "InstanceNameRequiredException": {"instanceName": ""},
        "InvalidInstanceNameException": {"instanceName": "x" * 101},
        "InstanceNotRegisteredException": {"instanceName": "web-99"},
    },
    BATCH_GET: {
        "InstanceNameRequiredException": {"instanceNames": []},
        "InvalidInstanceNameException": {"instanceNames": ["web-01", "a b"]},
        "BatchLimitExceededException": {"instanceNames": [f"n{number}" for number in range(101)]},
    },
    LIST: {
        "InvalidRegistrationStatusException": {"registrationStatus": "registered"},
        "InvalidTagFilterException": {"tagFilters": [{"Key": "Name", "Type": "KEY"}]},
        "InvalidNextTokenException": {"nextToken": "bogus"},
    },
    ADD_TAGS: {
        "InstanceNameRequiredException": {"instanceNames": [""], "tags": [TAG]},
        "InvalidInstanceNameException": {"instanceNames": ["a/b"], "tags": [TAG]},
        "TagRequiredException": {"instanceNames": ["web-01"], "tags": []},
        "InvalidTagException": {"instanceNames": ["web-01"], "tags": [{"Key": "k" * 129, "Value": "v"}]},
        "TagLimitExceededException": {
            "instanceNames": ["web-01"],
            "tags": [{"Key": f"k{number}", "Value": "v"} for number in range(9)],
        },
        "InstanceLimitExceededException": {
            "instanceNames": [f"n{number}" for number in range(101)],
            "tags": [TAG],
        },
        "InstanceNotRegisteredException": {"instanceNames": ["web-01", "old-01"], "tags": [TAG]},
    },
    REMOVE_TAGS: {
        "InstanceNameRequiredException": {"instanceNames": [], "tags": [TAG]},
        "InvalidInstanceNameException": {"instanceNames": ["ü"], "tags": [TAG]},
        "TagRequiredException": {"instanceNames": ["web-01"], "tags": []},
        "InvalidTagException": {"instanceNames": ["web-01"], "tags": [{"Key": "k", "Value": "v" * 257}]},
        "TagLimitExceededException": {
            "instanceNames": ["web-01"],
            "tags": [{"Key": f"k{number}", "Value": "v"} for number in range(11)],
        },
        "InstanceLimitExceededException": {
            "instanceNames": [f"n{number}" for number in range(101)],
            "tags": [TAG],
        },
        "InstanceNotRegisteredException": {"instanceNames": ["web-99"], "tags": [TAG]},
    },
}


def declared(operation: str) -> set[str]:
    model = models.operation("codedeploy", operation)
    assert model is not None
    return {shape.name for shape in model.error_shapes}


@pytest.fixture(scope="module")
def healthy() -> Iterator[Sandbox]:
    """For calls that fail or only read."""
    with serve("healthy") as sandbox:
        yield sandbox


@pytest.fixture
def codedeploy() -> Iterator[Any]:
    """A client of a healthy sandbox that the test may change."""
    with serve("healthy") as sandbox:
        yield client(sandbox, "codedeploy")


def test_the_table_covers_the_model_and_nothing_else() -> None:
    assert {name: set(rows) for name, rows in ERRORS.items()} == {name: declared(name) for name in OPERATIONS}
    assert len(ERRORS[REGISTER]) == 10


@pytest.mark.parametrize(
    ("operation", "error"), [(name, row) for name in OPERATIONS for row in sorted(declared(name))]
)
def test_every_declared_error_is_raised(healthy: Sandbox, operation: str, error: str) -> None:
    codedeploy = client(healthy, "codedeploy")
    method = codedeploy.meta.method_to_api_mapping
    name = next(python for python, api in method.items() if api == operation)
    with pytest.raises(getattr(codedeploy.exceptions, error)) as raised:
        getattr(codedeploy, name)(**ERRORS[operation][error])
    assert raised.value.operation_name == operation
    assert raised.value.response["Error"]["Code"] == error
    assert raised.value.response["Error"]["Message"].endswith(" [sandbox]")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_no_request_gets_an_error_that_its_operation_does_not_declare() -> None:
    """Random requests, good and bad mixed: the answer is 200 or a declared code."""
    rng = random.Random(1)
    texts = [
        "",
        "web-01",
        "old-01",
        "i-1",
        "a b",
        "x" * 300,
        USER,
        SESSION,
        "Registered",
        "KEY_ONLY",
        "\ud800",
    ]
    values: list[Any] = [
        *texts,
        [],
        [""],
        ["web-01"],
        ["old-01", "x"],
        [TAG],
        [{}],
        [{"Key": "Name"}],
        [TAG] * 11,
    ]
    answers = set()
    with serve("healthy") as sandbox:
        wsgi = Client(sandbox.app)
        for operation in OPERATIONS:
            model = models.operation("codedeploy", operation)
            assert model is not None
            assert model.input_shape is not None
            for _ in range(300):
                body = {name: rng.choice(values) for name in model.input_shape.members if rng.random() < 0.8}
                answer = wsgi.post(
                    "/",
                    headers={
                        "Host": "127.0.0.1",
                        "Authorization": AUTHORIZATION.format("codedeploy"),
                        "X-Amz-Target": f"CodeDeploy_20141006.{operation}",
                    },
                    data=json.dumps(body),
                )
                code = None if answer.status_code == 200 else json.loads(answer.text)["__type"]
                assert code in {None, "SerializationException"} | declared(operation), body
                answers.add((operation, code))
    assert len(answers) > 30


def test_the_filter_must_be_spelt_as_in_the_model(codedeploy: Any) -> None:
    for status in (
        "registered",
        "REGISTERED",
        "All",
        "",
        " Registered",
        "Registered\n",
        "Registered,Deregistered",
    ):
        with pytest.raises(codedeploy.exceptions.InvalidRegistrationStatusException):
            codedeploy.list_on_premises_instances(registrationStatus=status)
    names = {
        status: codedeploy.list_on_premises_instances(registrationStatus=status)["instanceNames"]
        for status in ("Registered", "Deregistered")
    }
    assert names == {"Registered": ["batch-01", "web-01", "web-02"], "Deregistered": ["old-01"]}
    assert codedeploy.list_on_premises_instances()["instanceNames"] == [
        "batch-01",
        "old-01",
        "web-01",
        "web-02",
    ]


def test_one_life_of_an_instance(codedeploy: Any) -> None:
    def info() -> dict[str, Any]:
        got: dict[str, Any] = codedeploy.get_on_premises_instance(instanceName="new-01")["instanceInfo"]
        return got

    codedeploy.register_on_premises_instance(instanceName="new-01", iamUserArn=USER)
    assert info()["iamUserArn"] == USER
    assert "iamSessionArn" not in info()
    assert "deregisterTime" not in info()
    assert info()["instanceArn"].startswith(f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:instance/new-01_")
    codedeploy.add_tags_to_on_premises_instances(instanceNames=["new-01"], tags=[TAG, {"Key": "empty"}])
    codedeploy.add_tags_to_on_premises_instances(
        instanceNames=["new-01"], tags=[{"Key": "Name", "Value": "y"}]
    )
    assert info()["tags"] == [{"Key": "Name", "Value": "y"}, {"Key": "empty", "Value": ""}]
    codedeploy.remove_tags_from_on_premises_instances(instanceNames=["new-01"], tags=[TAG, {"Key": "empty"}])
    assert info()["tags"] == [{"Key": "Name", "Value": "y"}]
    codedeploy.deregister_on_premises_instance(instanceName="new-01")
    codedeploy.deregister_on_premises_instance(instanceName="new-01")
    assert info()["deregisterTime"] >= info()["registerTime"]
    codedeploy.register_on_premises_instance(instanceName="new-02", iamUserArn=USER)
    with pytest.raises(codedeploy.exceptions.IamUserArnAlreadyRegisteredException):
        codedeploy.register_on_premises_instance(instanceName="new-01", iamUserArn=USER)
    codedeploy.register_on_premises_instance(instanceName="new-01", iamSessionArn=SESSION)
    assert info()["iamSessionArn"] == SESSION
    assert "deregisterTime" not in info()
    assert info().get("tags", []) == []
    codedeploy.deregister_on_premises_instance(instanceName="never-was")


def test_tagging_changes_all_or_none(codedeploy: Any) -> None:
    nine = [{"Key": f"k{number}", "Value": "v"} for number in range(9)]
    codedeploy.register_on_premises_instance(instanceName="new-01", iamUserArn=USER)
    with pytest.raises(codedeploy.exceptions.TagLimitExceededException):
        codedeploy.add_tags_to_on_premises_instances(instanceNames=["new-01", "web-01"], tags=nine)
    infos = codedeploy.batch_get_on_premises_instances(instanceNames=["new-01", "web-01"])["instanceInfos"]
    assert [len(info.get("tags", [])) for info in infos] == [0, 2]


def test_batch_get_answers_what_it_knows_in_the_order_asked(codedeploy: Any) -> None:
    names = ["web-02", "unknown", "old-01", "web-01", "web-02"]
    infos = codedeploy.batch_get_on_premises_instances(instanceNames=names)["instanceInfos"]
    assert [info["instanceName"] for info in infos] == ["web-02", "old-01", "web-01"]
    assert codedeploy.batch_get_on_premises_instances(instanceNames=["unknown"])["instanceInfos"] == []


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ([{"Key": "Environment", "Value": "production", "Type": "KEY_AND_VALUE"}], ["web-01", "web-02"]),
        ([{"Key": "Environment", "Type": "KEY_ONLY"}], ["batch-01", "web-01", "web-02"]),
        ([{"Value": "staging", "Type": "VALUE_ONLY"}], ["batch-01"]),
        ([{"Key": "Environment", "Value": "no", "Type": "KEY_AND_VALUE"}], []),
        (
            [{"Value": "staging", "Type": "VALUE_ONLY"}, {"Value": "web-01", "Type": "VALUE_ONLY"}],
            ["batch-01", "web-01"],
        ),
    ],
)
def test_tag_filters(healthy: Sandbox, filters: list[dict[str, str]], names: list[str]) -> None:
    assert (
        client(healthy, "codedeploy").list_on_premises_instances(tagFilters=filters)["instanceNames"] == names
    )


@pytest.mark.parametrize(
    "filter_", [{}, {"Key": "k"}, {"Type": "KEY_ONLY"}, {"Type": "KEY_AND_VALUE", "Key": "k"}]
)
def test_half_a_tag_filter_is_an_invalid_one(healthy: Sandbox, filter_: dict[str, str]) -> None:
    codedeploy = client(healthy, "codedeploy")
    with pytest.raises(codedeploy.exceptions.InvalidTagFilterException):
        codedeploy.list_on_premises_instances(tagFilters=[filter_])


def big_fleet(account: Account) -> None:
    world = account.state(REGION)
    for number in range(250):
        name = f"host-{number:03}"
        world.register(name, account.clock.start, user=f"arn:aws:iam::{ACCOUNT}:user/{name}")
        if number % 2:
            world.deregister(name, account.clock.start)


def test_the_paginator_sees_every_instance_once() -> None:
    with serve(big_fleet) as sandbox:
        codedeploy = client(sandbox, "codedeploy")
        pages = list(codedeploy.get_paginator("list_on_premises_instances").paginate())
        assert [len(page["instanceNames"]) for page in pages] == [100, 100, 50]
        names = [name for page in pages for name in page["instanceNames"]]
        assert names == [f"host-{number:03}" for number in range(250)]
        registered = codedeploy.get_paginator("list_on_premises_instances").paginate(
            registrationStatus="Registered"
        )
        assert registered.build_full_result() == {"instanceNames": names[::2]}


def test_a_token_is_good_for_its_own_question_only() -> None:
    with serve(big_fleet) as sandbox:
        codedeploy = client(sandbox, "codedeploy")
        token = codedeploy.list_on_premises_instances()["nextToken"]
        assert codedeploy.list_on_premises_instances(nextToken=token)["instanceNames"][0] == "host-100"
        elsewhere = client(sandbox, "codedeploy", region_name="us-east-1")
        questions: list[tuple[Any, dict[str, str]]] = [
            (codedeploy, {"nextToken": token, "registrationStatus": "Registered"}),
            (codedeploy, {"nextToken": token[:-4]}),
            (codedeploy, {"nextToken": ""}),
            (codedeploy, {"nextToken": "é"}),
            (elsewhere, {"nextToken": token}),
        ]
        for asked, question in questions:
            with pytest.raises(ClientError, match="InvalidNextTokenException"):
                asked.list_on_premises_instances(**question)


def test_names_that_are_allowed(codedeploy: Any) -> None:
    for number, name in enumerate(["x", "x" * 100, "A.b_c-d+e=f,g@h", "-x", "I-1"]):
        codedeploy.register_on_premises_instance(instanceName=name, iamUserArn=f"{USER}-{number}")
    for partition in ("aws-cn", "aws-us-gov"):
        codedeploy.register_on_premises_instance(
            instanceName=partition, iamUserArn=f"arn:{partition}:iam::{ACCOUNT}:user/x"
        )


def test_the_groups_of_an_application_that_is_not_there() -> None:
    with serve("healthy") as sandbox:
        api = client(sandbox, "codedeploy", aws_access_key_id="test")
        listed = api.list_deployment_groups(applicationName="shop")
        assert (listed["applicationName"], listed["deploymentGroups"]) == ("shop", ["web"])
        assert "nextToken" not in listed
        with pytest.raises(api.exceptions.ApplicationDoesNotExistException):
            api.list_deployment_groups(applicationName="nope")


def test_a_tag_needs_a_key() -> None:
    with serve("healthy") as sandbox:
        api = client(sandbox, "codedeploy", aws_access_key_id="test")
        arn = f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:application:shop"
        with pytest.raises(api.exceptions.InvalidTagsToAddException):
            api.tag_resource(ResourceArn=arn, Tags=[{"Value": "v"}])
        api.tag_resource(ResourceArn=arn, Tags=[{"Key": "k", "Value": "v"}])
        assert api.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "k", "Value": "v"}]
