"""A caller may do in the sandbox what its policies allow, and is refused as by AWS where they do not allow it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from codedeploy_sandbox import SCENARIOS, Sandbox, serve
from codedeploy_sandbox.clock import Clock
from codedeploy_sandbox.iam.actions import _ACTIONS, _FREE, _RESOURCES, needed
from codedeploy_sandbox.iam.identities import Iam, Principal
from codedeploy_sandbox.protocol import models
from codedeploy_sandbox.scenarios.baseline import FULL_ACCESS, allow, only
from codedeploy_sandbox.state import ACCOUNT, CALLER_ARN, REGION, Account, Call
from werkzeug.test import Client

from tests.support.iam import HOSTS, IAM, ON_CALL, WEB_01, decisions, deny
from tests.support.sandbox import AUTHORIZATION, client

Document = dict[str, Any]
Scenario = Callable[[Account], None]


def caller_with(
    *documents: Document, scps: tuple[Document, ...] = (), bound: Document | None = None
) -> Scenario:
    """The healthy account, in which the caller has exactly these policies."""

    def scenario(account: Account) -> None:
        SCENARIOS["healthy"](account)
        only(account, *documents)
        account.iam.scps = list(scps)
        if bound:
            role = account.iam.find("role", "OnCall")
            assert role
            role.boundary = f"{IAM}:policy/Bound"
            account.iam.managed[role.boundary] = bound

    return scenario


def denied(call: Callable[[], Any]) -> tuple[str, int, str]:
    """The code, the status and the text with which a call is denied."""
    with pytest.raises(ClientError) as raised:
        call()
    response = raised.value.response
    text = str(response["Error"].get("Message", ""))
    return str(response["Error"]["Code"]), response["ResponseMetadata"]["HTTPStatusCode"], text


@pytest.fixture(scope="module")
def powerless() -> Iterator[Sandbox]:
    """A caller without any permission."""
    with serve(caller_with()) as sandbox:
        yield sandbox


NOT_ALLOWED = f"User: {CALLER_ARN} is not authorized to perform: {{}} because no identity-based policy allows the {{}} action"


@pytest.mark.parametrize(
    ("service", "method", "parameters", "code", "status", "action", "resource"),
    [
        ("codedeploy", "list_on_premises_instances", {}, "AccessDeniedException", 400, "codedeploy:ListOnPremisesInstances", ""),
        ("codedeploy", "get_on_premises_instance", {"instanceName": "web-01"}, "AccessDeniedException", 400, "codedeploy:GetOnPremisesInstance", WEB_01),
        ("codedeploy", "get_deployment_group", {"applicationName": "shop", "deploymentGroupName": "web"}, "AccessDeniedException", 400, "codedeploy:GetDeploymentGroup", f"arn:aws:codedeploy:eu-west-1:{ACCOUNT}:deploymentgroup:shop/web"),
        ("cloudtrail", "lookup_events", {}, "AccessDeniedException", 400, "cloudtrail:LookupEvents", ""),
        ("ssm", "describe_instance_information", {}, "AccessDeniedException", 400, "ssm:DescribeInstanceInformation", f"arn:aws:ssm:eu-west-1:{ACCOUNT}:*"),
        ("iam", "get_role", {"RoleName": "CodeDeployOnPremises"}, "AccessDenied", 403, "iam:GetRole", "role CodeDeployOnPremises"),
        ("iam", "get_user", {"UserName": "batch-01"}, "AccessDenied", 403, "iam:GetUser", "user batch-01"),
        ("iam", "simulate_principal_policy", {"PolicySourceArn": HOSTS, "ActionNames": ["s3:GetObject"]}, "AccessDenied", 403, "iam:SimulatePrincipalPolicy", HOSTS),
        ("sts", "assume_role", {"RoleArn": HOSTS, "RoleSessionName": "x1"}, "AccessDenied", 403, "sts:AssumeRole", HOSTS),
        ("s3", "list_objects_v2", {"Bucket": "shop-revisions"}, "AccessDenied", 403, "s3:ListBucket", '"arn:aws:s3:::shop-revisions"'),
        ("s3", "get_object", {"Bucket": "shop-revisions", "Key": "a/b c"}, "AccessDenied", 403, "s3:GetObject", '"arn:aws:s3:::shop-revisions/a/b c"'),
        ("s3", "list_buckets", {}, "AccessDenied", 403, "s3:ListAllMyBuckets", ""),
    ],
)  # fmt: skip
def test_what_no_policy_allows_is_denied_in_the_words_of_each_protocol(
    powerless: Sandbox, service: str, method: str, parameters: dict[str, Any],
    code: str, status: int, action: str, resource: str,
) -> None:  # fmt: skip
    text = NOT_ALLOWED.format(f"{action} on resource: {resource}" if resource else action, action)
    call = getattr(client(powerless, service), method)
    assert denied(lambda: call(**parameters)) == (code, status, text)


def test_ec2_says_it_in_its_own_way(powerless: Sandbox) -> None:
    code, status, text = denied(client(powerless, "ec2").describe_security_groups)
    action = "ec2:DescribeSecurityGroups"
    assert (code, status) == ("UnauthorizedOperation", 403)
    assert text == f"You are not authorized to perform this operation. {NOT_ALLOWED.format(action, action)}"


def test_a_head_request_is_denied_without_words(powerless: Sandbox) -> None:
    s3 = client(powerless, "s3")
    assert denied(lambda: s3.head_object(Bucket="shop-revisions", Key="x"))[:2] == ("403", 403)


def test_a_denial_needs_no_moto(powerless: Sandbox) -> None:
    with serve(caller_with()) as sandbox:
        denied(client(sandbox, "iam").list_users)
        assert sandbox.app._moto._seeded == set()


GET_WEB_01 = "codedeploy:GetOnPremisesInstance on resource: " + WEB_01
REASONS: list[tuple[str, dict[str, Any], str]] = [
    ("an identity-based policy denies", {"documents": (FULL_ACCESS, deny("codedeploy:Get*"))}, "with an explicit deny in an identity-based policy"),
    ("the boundary does not allow", {"documents": (FULL_ACCESS,), "bound": allow("s3:*")}, "because no permissions boundary allows the codedeploy:GetOnPremisesInstance action"),
    ("the boundary denies", {"documents": (FULL_ACCESS,), "bound": deny("*")}, "with an explicit deny in a permissions boundary"),
    ("the organisation does not allow", {"documents": (FULL_ACCESS,), "scps": (allow("s3:*"),)}, "because no service control policy allows the codedeploy:GetOnPremisesInstance action"),
    ("the organisation denies", {"documents": (FULL_ACCESS,), "scps": (FULL_ACCESS, deny("*"))}, "with an explicit deny in a service control policy"),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "setup", "why"), REASONS, ids=[reason for reason, *_ in REASONS])
def test_a_denial_names_the_kind_of_policy(reason: str, setup: dict[str, Any], why: str) -> None:
    documents = setup.pop("documents")
    with serve(caller_with(*documents, **setup)) as sandbox:
        get = client(sandbox, "codedeploy").get_on_premises_instance
        text = denied(lambda: get(instanceName="web-01"))[2]
    assert text == f"User: {CALLER_ARN} is not authorized to perform: {GET_WEB_01} {why}", reason


def test_a_policy_about_one_instance_is_about_no_other_and_not_about_the_list() -> None:
    with serve(caller_with(allow("codedeploy:*", on=WEB_01))) as sandbox:
        codedeploy = client(sandbox, "codedeploy")
        assert codedeploy.get_on_premises_instance(instanceName="web-01")["instanceInfo"]
        assert codedeploy.batch_get_on_premises_instances(instanceNames=["web-01"])["instanceInfos"]
        assert (
            "instance:web-02" in denied(lambda: codedeploy.get_on_premises_instance(instanceName="web-02"))[2]
        )
        both = ["web-01", "web-02"]
        batch = denied(lambda: codedeploy.batch_get_on_premises_instances(instanceNames=both))[2]
        assert "BatchGetOnPremisesInstances on resource: " + WEB_01.replace("01", "02") in batch
        assert denied(codedeploy.list_on_premises_instances)[0] == "AccessDeniedException"
        assert (
            denied(lambda: codedeploy.get_on_premises_instance(instanceName=""))[0] == "AccessDeniedException"
        )


def test_what_is_denied_does_not_happen_and_stands_in_the_trail() -> None:
    with serve(caller_with(allow("cloudtrail:LookupEvents"))) as sandbox:
        codedeploy = client(sandbox, "codedeploy")
        denied(lambda: codedeploy.deregister_on_premises_instance(instanceName="web-01"))
        assert sandbox.account.state(REGION).registered("web-01")
        deregister = [{"AttributeKey": "EventName", "AttributeValue": "DeregisterOnPremisesInstance"}]
        (event,) = client(sandbox, "cloudtrail").lookup_events(LookupAttributes=deregister)["Events"]
    record = json.loads(event["CloudTrailEvent"])
    assert record["errorCode"] == "AccessDenied"
    assert (
        f"codedeploy:DeregisterOnPremisesInstance on resource: {WEB_01} because no" in record["errorMessage"]
    )
    assert record["requestParameters"] is None
    assert record["userIdentity"]["arn"] == CALLER_ARN


def test_conditions_see_the_request() -> None:
    def under(**condition: dict[str, str]) -> Document:
        document = allow("codedeploy:*")
        document["Statement"][0]["Condition"] = condition
        return document

    holds = under(
        IpAddress={"aws:SourceIp": "127.0.0.0/8"},
        StringEquals={"aws:RequestedRegion": REGION, "aws:PrincipalTag/team": "web"},
        ArnEquals={"aws:PrincipalArn": ON_CALL},
        Bool={"aws:SecureTransport": "true"},
        StringLike={"aws:userid": "AROA*:alex", "aws:UserAgent": "Boto3/*"},
        DateGreaterThan={"aws:CurrentTime": "2020-01-01"},
        NumericGreaterThan={"aws:EpochTime": "1577836800"},
        Null={"aws:username": "true"},
    )
    with serve(caller_with(holds)) as sandbox:
        role = sandbox.account.iam.find("role", "OnCall")
        assert role
        lists = client(sandbox, "codedeploy").list_on_premises_instances
        assert denied(lists)[0] == "AccessDeniedException"
        role.tags["Team"] = "web"  # the names of tags have no case here
        assert lists()["instanceNames"]
        elsewhere = client(sandbox, "codedeploy", region_name="us-east-1")
        assert denied(elsewhere.list_on_premises_instances)[0] == "AccessDeniedException"


def test_who_is_made_in_iam_may_do_what_iam_says() -> None:
    with serve("healthy") as sandbox:
        admin = client(sandbox, "iam", aws_access_key_id="test")
        admin.create_user(UserName="kim", Path="/people/")
        key = admin.create_access_key(UserName="kim")["AccessKey"]
        as_kim = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        lists = client(sandbox, "codedeploy", **as_kim).list_on_premises_instances
        text = denied(lists)[2]
        assert text.startswith(f"User: {IAM}:user/people/kim is not authorized")
        document = json.dumps(allow("codedeploy:List*"))
        admin.put_user_policy(UserName="kim", PolicyName="List", PolicyDocument=document)
        assert lists()["instanceNames"]
        admin.delete_user_policy(UserName="kim", PolicyName="List")
        assert denied(lists)[2] == text
        me = client(sandbox, "iam", **as_kim).get_user
        assert "iam:GetUser on resource: user kim because" in denied(me)[2]


def test_a_session_has_the_policies_of_its_role() -> None:
    with serve("healthy") as sandbox:
        admin = client(sandbox, "sts", aws_access_key_id="test")
        session = admin.assume_role(RoleArn=HOSTS, RoleSessionName="web-01")["Credentials"]
        as_host = {
            "aws_access_key_id": session["AccessKeyId"],
            "aws_secret_access_key": session["SecretAccessKey"],
            "aws_session_token": session["SessionToken"],
        }
        s3 = client(sandbox, "s3", **as_host)
        (revision,) = s3.list_objects_v2(Bucket="shop-revisions")["Contents"]
        assert s3.head_object(Bucket="shop-revisions", Key=revision["Key"])["ContentLength"]
        assert denied(lambda: s3.delete_object(Bucket="shop-revisions", Key="x"))[0] == "AccessDenied"
        assert denied(client(sandbox, "codedeploy", **as_host).list_on_premises_instances)[2].startswith(
            f"User: arn:aws:sts::{ACCOUNT}:assumed-role/CodeDeployOnPremises/web-01 is not"
        )
        assert client(sandbox, "sts", **as_host).get_caller_identity()["Arn"].endswith("/web-01")


def test_the_session_of_a_role_that_is_gone_may_do_nothing() -> None:
    with serve("healthy") as sandbox:
        sandbox.account.iam.remove("role", "OnCall")
        text = denied(client(sandbox, "codedeploy").list_on_premises_instances)[2]
        assert text.endswith(
            "because no identity-based policy allows the codedeploy:ListOnPremisesInstances action"
        )


def test_who_one_is_may_always_be_asked(powerless: Sandbox) -> None:
    assert client(powerless, "sts").get_caller_identity()["Arn"] == CALLER_ARN


def test_an_unknown_key_may_do_everything(powerless: Sandbox) -> None:
    assert client(powerless, "codedeploy", aws_access_key_id="test").list_on_premises_instances()[
        "instanceNames"
    ]


def test_enforcement_can_be_switched_off() -> None:
    with serve(caller_with()) as sandbox:
        sandbox.account.enforces = False
        assert client(sandbox, "codedeploy").list_on_premises_instances()["instanceNames"]


def test_every_scenario_enforces() -> None:
    for name, scenario in SCENARIOS.items():
        account = Account(Clock())
        scenario(account)
        assert account.enforces, name


def test_a_role_that_is_not_there_cannot_be_given_policies() -> None:
    with pytest.raises(ValueError, match=r"^There is no role Nobody\.$"):
        only(Account(Clock()), name="Nobody")


def test_a_request_that_cannot_be_read_is_no_way_round(powerless: Sandbox) -> None:
    headers = {
        "Authorization": AUTHORIZATION.format("codedeploy").replace("AKIATEST", "ASIASANDBOXCALLER000"),
        "X-Amz-Target": "CodeDeploy_20141006.GetOnPremisesInstance",
    }
    answer = Client(powerless.app).post("/", headers=headers, data=b'{"instanceName": 7}')
    assert answer.status_code == 400
    assert "codedeploy:GetOnPremisesInstance on resource:" in answer.text


READS: list[tuple[str, str, dict[str, Any], str, list[str]]] = [
    ("codedeploy", "list_on_premises_instances", {}, "codedeploy:ListOnPremisesInstances", []),
    ("codedeploy", "get_on_premises_instance", {"instanceName": "web-01"}, "codedeploy:GetOnPremisesInstance", [WEB_01]),
    ("codedeploy", "list_applications", {}, "codedeploy:ListApplications", []),
    ("iam", "list_users", {}, "iam:ListUsers", []),
    ("s3", "list_objects", {"Bucket": "shop-revisions"}, "s3:ListBucket", ["arn:aws:s3:::shop-revisions"]),
    ("s3", "get_bucket_location", {"Bucket": "shop-revisions"}, "s3:GetBucketLocation", ["arn:aws:s3:::shop-revisions"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("service", "method", "parameters", "action", "resources"), READS, ids=[r[1] for r in READS]
)
def test_the_simulation_says_beforehand_what_happens(
    service: str, method: str, parameters: dict[str, Any], action: str, resources: list[str]
) -> None:
    simulate = allow("iam:SimulatePrincipalPolicy", on=ON_CALL)
    for documents in ((allow(action, on=resources or "*"),), (FULL_ACCESS, deny(action)), (allow("logs:*"),)):
        with serve(caller_with(simulate, *documents)) as sandbox:
            more = {"ResourceArns": resources} if resources else {}
            (decision,) = decisions(sandbox, ON_CALL, action, **more)
            call = getattr(client(sandbox, service), method)
            if decision == "allowed":
                assert call(**parameters)
            else:
                says = "with an explicit deny" if decision == "explicitDeny" else "because no identity-based"
                assert says in denied(lambda call=call: call(**parameters))[2]  # type: ignore[misc]


def request(service: str, operation: str) -> Call:
    account = Account(Clock())
    return Call(
        account=account, at=account.clock.start, service=service, operation=operation, region=REGION,
        caller=Principal(CALLER_ARN, ""), user_agent="", source_ip="", request_id="",
    )  # fmt: skip


NODE, MACHINE = "mi-0a1b2c3d4e5f60001", "i-0123456789abcdef0"


@pytest.mark.parametrize(
    ("operation", "parameters", "wanted"),
    [
        ("s3:HeadObject", {"Bucket": "b", "Key": "k"}, [("s3:GetObject", "arn:aws:s3:::b/k")]),
        ("s3:HeadBucket", {"Bucket": "b"}, [("s3:ListBucket", "arn:aws:s3:::b")]),
        ("s3:GetPublicAccessBlock", {"Bucket": "b"}, [("s3:GetBucketPublicAccessBlock", "arn:aws:s3:::b")]),
        (
            "ssm:SendCommand",
            {"DocumentName": "AWS-RunShellScript", "InstanceIds": [NODE, MACHINE]},
            [
                ("ssm:SendCommand", f"arn:aws:ssm:{REGION}::document/AWS-RunShellScript"),
                ("ssm:SendCommand", f"arn:aws:ssm:{REGION}:{ACCOUNT}:managed-instance/{NODE}"),
                ("ssm:SendCommand", f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{MACHINE}"),
            ],
        ),
        ("iam:CreateUser", {"UserName": "x", "Path": "/p/"}, [("iam:CreateUser", f"{IAM}:user/p/x")]),
        ("iam:GetPolicy", {"PolicyArn": f"{IAM}:policy/P"}, [("iam:GetPolicy", f"{IAM}:policy/P")]),
        ("iam:ListUsers", {}, [("iam:ListUsers", "*")]),
        ("ec2:DescribeInstances", {}, [("ec2:DescribeInstances", "*")]),
        ("sts:GetCallerIdentity", {}, []),
        ("access-analyzer:GET /analyzer", {}, []),
    ],
)
def test_the_actions_and_resources_of_operations(
    operation: str, parameters: dict[str, Any], wanted: list[tuple[str, str]]
) -> None:
    assert needed(request(*operation.split(":")), parameters, Iam()) == wanted


def test_the_tables_name_operations_and_parameters_that_exist() -> None:
    for name in {*_ACTIONS, *_FREE, *_RESOURCES}:
        operation = models.operation(*name.split(":"))
        assert operation, name
        for pattern in _RESOURCES.get(name, ()):
            assert operation.input_shape
            fields = {piece.partition("}")[0] for piece in pattern.split("{")[1:]} - {
                "region",
                "account",
                "owner",
            }
            assert fields <= set(operation.input_shape.members), name
