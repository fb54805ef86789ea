"""IAM in the sandbox through real boto3: the policy simulator, and who and what the account holds."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from codedeploy_sandbox import SCENARIOS, Sandbox, serve
from codedeploy_sandbox.scenarios.baseline import FULL_ACCESS, allow
from codedeploy_sandbox.state import ACCOUNT, Account
from werkzeug.test import Client

from tests.support.iam import GET, HOSTS, IAM, LIST, ON_CALL, WEB_01, decisions, deny, results
from tests.support.sandbox import AUTHORIZATION, client

KIM = f"{IAM}:user/kim"  # who has no policy
WEB_02 = WEB_01.replace("web-01", "web-02")
REGISTER = "codedeploy:RegisterOnPremisesInstance"
Document = dict[str, Any]


def staffed(account: Account) -> None:
    """The healthy account with a user in a group, a role in a boundary, and managed policies."""
    SCENARIOS["healthy"](account)
    iam = account.iam
    iam.managed[f"{IAM}:policy/guards/OnlyReads"] = allow("codedeploy:Get*", "codedeploy:List*")
    iam.managed[f"{IAM}:policy/NoRegister"] = deny(REGISTER)
    iam.add(f"{IAM}:group/web", inline={"Look": allow(GET, on=f"{WEB_01[:-2]}*")})
    own = {
        "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::${aws:username}"},
        "Version": "2012-10-17",
    }
    iam.add(f"{IAM}:user/people/dana", inline={"Own": own}, groups=["web"], tags={"team": "web"})
    bound, managed = f"{IAM}:policy/guards/OnlyReads", [f"{IAM}:policy/NoRegister"]
    iam.add(f"{IAM}:role/Deployer", inline={"All": allow("codedeploy:*")}, boundary=bound)
    iam.add(KIM)
    iam.add(f"{IAM}:role/Barred", inline={"All": allow("codedeploy:*")}, attached=managed)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """For tests that only read."""
    with serve(staffed) as sandbox:
        yield sandbox


def given(sandbox: Sandbox, *documents: Document | str, **more: Any) -> list[dict[str, Any]]:
    """The results for a user who has these policies and no others."""
    texts = [one if isinstance(one, str) else json.dumps(one) for one in documents]
    return results(sandbox, KIM, *more.pop("ActionNames", [GET]), PolicyInputList=texts, **more)


def refused(code: str, status: int = 400, **parameters: Any) -> Any:
    """The call that `sandbox` refuses with this code."""

    def call(sandbox: Sandbox) -> str:
        with pytest.raises(ClientError) as raised:
            client(sandbox, "iam").simulate_principal_policy(
                **({"PolicySourceArn": KIM, "ActionNames": [GET]} | parameters)
            )
        assert raised.value.response["Error"]["Code"] == code
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
        return str(raised.value.response["Error"]["Message"])

    return call


def test_each_action_has_a_result_with_all_that_led_to_it(sandbox: Sandbox) -> None:
    (one, other) = results(sandbox, ON_CALL, REGISTER, "iam:CreateRole", ResourceArns=[WEB_01])
    (statement,) = one["MatchedStatements"]
    assert one["EvalActionName"] == REGISTER
    assert one["EvalDecision"] == "allowed"
    assert (
        one["EvalResourceName"] == "arn:${Partition}:codedeploy:${Region}:${Account}:instance:${InstanceName}"
    )
    assert statement["SourcePolicyId"] == "role_OnCall_Register"
    (specific,) = one["ResourceSpecificResults"]
    assert specific["EvalResourceName"] == WEB_01
    assert specific["EvalResourceDecision"] == "allowed"
    assert specific["MatchedStatements"] == one["MatchedStatements"]
    assert one["EvalDecisionDetails"] == {}
    assert "PermissionsBoundaryDecisionDetail" not in one
    assert "OrganizationsDecisionDetail" not in one
    assert (other["EvalDecision"], other["MatchedStatements"]) == ("implicitDeny", [])


def test_without_resources_the_question_is_about_all_of_them(sandbox: Sandbox) -> None:
    for more in ({}, {"ResourceArns": ["*"]}):
        (one,) = results(sandbox, ON_CALL, LIST, **more)
        assert (one["EvalDecision"], one["EvalResourceName"]) == ("allowed", "*")
        assert "ResourceSpecificResults" not in one
        assert "EvalDecisionDetails" not in one
    # The trap: a policy about instances says nothing about all resources.
    dana = f"{IAM}:user/people/dana"
    assert decisions(sandbox, dana, GET) == ["implicitDeny"]
    assert decisions(sandbox, dana, GET, ResourceArns=[WEB_01]) == ["allowed"]


def test_over_several_resources_the_strictest_decision_counts(sandbox: Sandbox) -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": WEB_01},
            {"Effect": "Deny", "Action": "*", "Resource": WEB_02},
        ],
    }
    (one,) = given(sandbox, document, ResourceArns=[WEB_01, WEB_02])
    assert one["EvalDecision"] == "explicitDeny"
    assert [r["EvalResourceDecision"] for r in one["ResourceSpecificResults"]] == ["allowed", "explicitDeny"]
    assert one["MatchedStatements"] == one["ResourceSpecificResults"][1]["MatchedStatements"]
    (one,) = given(sandbox, allow("*", on=WEB_01), ResourceArns=[WEB_01, WEB_02])
    assert (one["EvalDecision"], one["MatchedStatements"]) == ("implicitDeny", [])


def test_the_documented_examples_of_the_command_line(sandbox: Sandbox) -> None:
    condition = {"DateGreaterThan": {"aws:CurrentTime": "2018-08-16T12:00:00Z"}}
    statement = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*", "Condition": condition}
    text = json.dumps({"Version": "2012-10-17", "Statement": statement}, separators=(",", ":"))
    for at, decision in (("2019-04-25T11:00:00Z", "allowed"), ("2014-04-25T11:00:00Z", "implicitDeny")):
        entry = {"ContextKeyName": "aws:CurrentTime", "ContextKeyValues": [at], "ContextKeyType": "date"}
        (one,) = given(sandbox, text, ActionNames=["dynamodb:CreateBackup"], ContextEntries=[entry])
        assert one["EvalDecision"] == decision
        assert one["MissingContextValues"] == []
        if decision == "allowed":
            (matched,) = one["MatchedStatements"]
            assert matched["SourcePolicyId"] == "PolicyInputList.1"
    (one,) = given(sandbox, text, ActionNames=["dynamodb:CreateBackup"])
    assert (one["EvalDecision"], one["MissingContextValues"]) == ("implicitDeny", ["aws:CurrentTime"])


def test_a_user_has_the_policies_of_its_groups(sandbox: Sandbox) -> None:
    dana, group = f"{IAM}:user/people/dana", f"{IAM}:group/web"
    for who in (dana, group):
        (one,) = results(sandbox, who, GET, ResourceArns=[WEB_01])
        assert [statement["SourcePolicyId"] for statement in one["MatchedStatements"]] == ["group_web_Look"]
    assert decisions(sandbox, group, "s3:ListBucket", ResourceArns=["arn:aws:s3:::dana"]) == ["implicitDeny"]


def test_variables_are_those_of_the_simulated_caller(sandbox: Sandbox) -> None:
    dana = f"{IAM}:user/people/dana"
    for bucket, decision in (("dana", "allowed"), ("kim", "implicitDeny")):
        assert decisions(sandbox, dana, "s3:ListBucket", ResourceArns=[f"arn:aws:s3:::{bucket}"]) == [
            decision
        ]
    absent = f"{IAM}:user/absent"  # as if someone who is not there had dana's policies
    (one,) = results(sandbox, dana, "s3:ListBucket", ResourceArns=["arn:aws:s3:::kim"], CallerArn=absent)
    assert (one["EvalDecision"], one["MissingContextValues"]) == ("implicitDeny", ["aws:username"])
    name = {"ContextKeyName": "aws:username", "ContextKeyValues": ["kim"], "ContextKeyType": "string"}
    given = {"ResourceArns": ["arn:aws:s3:::kim"], "ContextEntries": [name]}
    assert decisions(sandbox, dana, "s3:ListBucket", **given) == ["allowed"]


def test_a_managed_policy_goes_by_its_name_and_its_deny_decides(sandbox: Sandbox) -> None:
    (barred, read) = results(sandbox, f"{IAM}:role/Barred", REGISTER, GET)
    assert [one["SourcePolicyId"] for one in barred["MatchedStatements"]] == ["NoRegister"]
    assert (barred["EvalDecision"], read["EvalDecision"]) == ("explicitDeny", "allowed")


def test_a_boundary_is_told_apart_from_the_policies(sandbox: Sandbox) -> None:
    role = f"{IAM}:role/Deployer"
    (get, register, other) = results(sandbox, role, GET, REGISTER, "iam:GetRole", ResourceArns=[WEB_01])
    bounded = [one["PermissionsBoundaryDecisionDetail"] for one in (get, register, other)]
    assert [one["AllowedByPermissionsBoundary"] for one in bounded] == [True, False, False]
    assert [one["EvalDecision"] for one in (get, register)] == ["allowed", "implicitDeny"]
    (specific,) = register["ResourceSpecificResults"]
    assert specific["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    wider = {"PermissionsBoundaryPolicyInputList": [json.dumps(FULL_ACCESS)]}
    assert decisions(sandbox, role, REGISTER, **wider) == ["allowed"]


def test_policies_can_be_added_to_a_principals_own(sandbox: Sandbox) -> None:
    (one,) = results(sandbox, HOSTS, REGISTER, PolicyInputList=[json.dumps(allow(REGISTER))])
    assert one["EvalDecision"] == "allowed"
    assert [statement["SourcePolicyId"] for statement in one["MatchedStatements"]] == ["PolicyInputList.1"]


def test_the_organisations_policies_count_for_a_principal() -> None:
    def organised(account: Account) -> None:
        SCENARIOS["healthy"](account)
        account.iam.scps = [FULL_ACCESS, deny(REGISTER)]

    with serve(organised) as sandbox:
        (register, get) = results(sandbox, ON_CALL, REGISTER, GET)
    assert (register["EvalDecision"], get["EvalDecision"]) == ("explicitDeny", "allowed")
    assert register["MatchedStatements"] == []
    organised_by = [one["OrganizationsDecisionDetail"]["AllowedByOrganizations"] for one in (register, get)]
    assert organised_by == [False, True]


def test_a_resource_policy_is_simulated_for_a_user(sandbox: Sandbox) -> None:
    dana, bucket = f"{IAM}:user/people/dana", "arn:aws:s3:::shop-revisions"
    grant = allow("s3:ListBucket", on=bucket)
    grant["Statement"][0]["Principal"] = {"AWS": dana}
    more = {"ResourceArns": [bucket], "ResourcePolicy": json.dumps(grant)}
    assert decisions(sandbox, dana, "s3:ListBucket", **more) == ["allowed"]
    more |= {"ActionNames": ["s3:ListBucket"]}
    (one,) = given(sandbox, allow("iam:*"), CallerArn=dana, **more)
    assert one["EvalDecision"] == "allowed"
    assert [matched["SourcePolicyId"] for matched in one["MatchedStatements"]] == ["ResourcePolicy"]
    (one,) = given(sandbox, allow("iam:*"), **more)
    assert one["EvalDecision"] == "implicitDeny"


MISSING, SESSION = f"{IAM}:role/Missing", f"arn:aws:sts::{ACCOUNT}:assumed-role/OnCall/alex"
TEXT = json.dumps(FULL_ACCESS)


@pytest.mark.parametrize(
    ("code", "status", "says", "parameters"),
    [
        ("NoSuchEntity", 404, "The role with name Missing cannot be found", {"PolicySourceArn": MISSING}),
        ("NoSuchEntity", 404, "user with name dana", {"PolicySourceArn": f"{IAM}:user/dana"}),
        ("InvalidInput", 400, f"{SESSION} does not clearly define", {"PolicySourceArn": SESSION}),
        ("InvalidInput", 400, "Invalid Entity Arn", {"PolicySourceArn": f"{IAM}:policy/NoRegister"}),
        ("InvalidInput", 400, "Invalid Entity Arn", {"PolicySourceArn": ON_CALL, "CallerArn": SESSION}),
        ("InvalidInput", 400, "not JSON", {"PolicyInputList": ["{"]}),
        ("InvalidInput", 400, "no Statement", {"PolicyInputList": ["{}"]}),
        ("InvalidInput", 400, "GetOnPremises", {"PolicyInputList": [TEXT], "ActionNames": ["GetOnPremises"]}),
        ("InvalidInput", 400, "only one", {"PolicyInputList": [TEXT], "PermissionsBoundaryPolicyInputList": [TEXT] * 2}),
        ("InvalidInput", 400, "for a user only", {"PolicySourceArn": ON_CALL, "ResourcePolicy": TEXT}),
        (
            "InvalidInput",
            400,
            "no Principal",
            {"PolicySourceArn": f"{IAM}:user/people/dana", "ResourcePolicy": TEXT},
        ),
        ("InvalidInput", 400, "Marker", {"PolicySourceArn": ON_CALL, "Marker": "x"}),
        ("InvalidInput", 400, "Invalid Entity Arn", {"PolicySourceArn": "somebody with the name dana"}),
        ("SandboxNotImplemented", 501, "ResourceHandlingOption", {"PolicyInputList": [TEXT], "ResourceHandlingOption": "EC2-VPC-EBS"}),
        (
            "SandboxNotImplemented",
            501,
            "another account",
            {
                "PolicySourceArn": f"{IAM}:user/people/dana",
                "ResourcePolicy": TEXT,
                "ResourceOwner": "arn:aws:iam::444455556666:root",
            },
        ),
        ("SandboxNotImplemented", 501, "PolicyExclusionList", {"PolicySourceArn": ON_CALL, "PolicyExclusionList": [{"PolicyArn": f"{IAM}:policy/NoRegister"}]}),
    ],
)  # fmt: skip
def test_what_cannot_be_simulated_is_refused(
    sandbox: Sandbox, code: str, status: int, says: str, parameters: dict[str, Any]
) -> None:
    assert says in refused(code, status, **parameters)(sandbox)


def test_many_actions_come_in_pages(sandbox: Sandbox) -> None:
    names = [f"ec2:Action{number}" for number in range(250)]
    iam = client(sandbox, "iam")
    pages = list(
        iam.get_paginator("simulate_principal_policy").paginate(PolicySourceArn=ON_CALL, ActionNames=names)
    )
    assert [len(page["EvaluationResults"]) for page in pages] == [100, 100, 50]
    assert [r["EvalActionName"] for page in pages for r in page["EvaluationResults"]] == names
    first = iam.simulate_principal_policy(PolicySourceArn=ON_CALL, ActionNames=names, MaxItems=7)
    assert (first["IsTruncated"], len(first["EvaluationResults"])) == (True, 7)
    with pytest.raises(iam.exceptions.InvalidInputException, match="Marker"):
        iam.simulate_principal_policy(PolicySourceArn=HOSTS, ActionNames=names, Marker=first["Marker"])


def test_what_is_changed_in_iam_is_simulated_at_once() -> None:
    with serve(staffed) as sandbox:
        admin = client(sandbox, "iam", aws_access_key_id="test")
        dana = f"{IAM}:user/people/dana"
        assert decisions(sandbox, dana, REGISTER) == ["implicitDeny"]
        admin.put_user_policy(UserName="dana", PolicyName="Add", PolicyDocument=json.dumps(allow(REGISTER)))
        assert decisions(sandbox, dana, REGISTER) == ["allowed"]
        admin.attach_user_policy(UserName="dana", PolicyArn=f"{IAM}:policy/NoRegister")
        assert decisions(sandbox, dana, REGISTER) == ["explicitDeny"]
        version = {"PolicyArn": f"{IAM}:policy/NoRegister", "PolicyDocument": json.dumps(deny("s3:*"))}
        admin.create_policy_version(**version, SetAsDefault=True)
        assert decisions(sandbox, dana, REGISTER) == ["allowed"]
        admin.remove_user_from_group(UserName="dana", GroupName="web")
        assert decisions(sandbox, dana, GET, ResourceArns=[WEB_01]) == ["implicitDeny"]
        admin.delete_role_permissions_boundary(RoleName="Deployer")
        assert "PermissionsBoundaryDecisionDetail" not in results(sandbox, f"{IAM}:role/Deployer", GET)[0]
        admin.create_role(RoleName="New", Path="/x/", AssumeRolePolicyDocument=json.dumps(deny("sts:*")))
        assert decisions(sandbox, f"{IAM}:role/x/New", GET) == ["implicitDeny"]
        admin.delete_role(RoleName="New")
        assert "cannot be found" in refused("NoSuchEntity", 404, PolicySourceArn=f"{IAM}:role/x/New")(sandbox)


def test_a_users_boundary_outlives_a_change_though_moto_does_not_keep_it() -> None:
    def bounded(account: Account) -> None:
        staffed(account)
        dana = account.iam.find("user", "dana")
        assert dana
        dana.boundary = f"{IAM}:policy/NoRegister"

    with serve(bounded) as sandbox:
        client(sandbox, "iam", aws_access_key_id="test").create_user(UserName="lee")
        (one,) = results(sandbox, f"{IAM}:user/people/dana", GET, ResourceArns=[WEB_01])
        assert one["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}


def test_moto_knows_everybody_whom_the_sandbox_knows(sandbox: Sandbox) -> None:
    admin = client(sandbox, "iam", aws_access_key_id="test")
    found = admin.get_account_authorization_details()
    roles = {one["RoleName"]: one for one in found["RoleDetailList"]}
    users = {one["UserName"]: one for one in found["UserDetailList"]}
    for one in sandbox.account.iam.identities:
        theirs = {"role": roles, "user": users, "group": {"web": found["GroupDetailList"][0]}}[one.kind][
            one.name
        ]
        kind = one.kind.title()
        assert theirs["Arn"] == one.arn
        assert {
            p["PolicyName"]: p["PolicyDocument"] for p in theirs.get(f"{kind}PolicyList", [])
        } == one.inline
        assert [p["PolicyArn"] for p in theirs["AttachedManagedPolicies"]] == one.attached
        assert theirs.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "") == one.boundary
        assert {tag["Key"]: tag["Value"] for tag in theirs.get("Tags", [])} == one.tags
        assert theirs.get("GroupList", []) == one.groups
        assert theirs.get("AssumeRolePolicyDocument", {}) == one.trust
    assert set(roles) == {
        "OnCall",
        "Administrator",
        "CodeDeployOnPremises",
        "CodeDeployService",
        "Deployer",
        "Barred",
    }
    (key,) = admin.list_access_keys(UserName="batch-01")["AccessKeyMetadata"]
    assert key["Status"] == "Active"
    assert admin.list_access_keys(UserName="dana")["AccessKeyMetadata"] == []


def test_what_moto_is_given_is_the_same_each_time() -> None:
    def ids() -> tuple[str, str]:
        with serve("healthy") as sandbox:
            client(sandbox, "s3").list_objects_v2(Bucket="shop-revisions")  # another service may come first
            iam = client(sandbox, "iam")
            (key,) = iam.list_access_keys(UserName="batch-01")["AccessKeyMetadata"]
            return key["AccessKeyId"], iam.get_role(RoleName="OnCall")["Role"]["RoleId"]

    assert ids() == ids()


def test_the_application_and_the_bucket_are_there(sandbox: Sandbox) -> None:
    group = client(sandbox, "codedeploy").get_deployment_group(
        applicationName="shop", deploymentGroupName="web"
    )["deploymentGroupInfo"]
    wanted = {"Key": "Environment", "Value": "production", "Type": "KEY_AND_VALUE"}
    assert group["onPremisesInstanceTagFilters"] == [wanted]
    assert group["serviceRoleArn"] == f"{IAM}:role/CodeDeployService"
    assert group["computePlatform"] == "Server"
    s3 = client(sandbox, "s3")
    assert s3.get_bucket_location(Bucket="shop-revisions")["LocationConstraint"] == "eu-west-1"
    (revision,) = s3.list_objects_v2(Bucket="shop-revisions")["Contents"]
    assert s3.get_object(Bucket="shop-revisions", Key=revision["Key"])["Body"].read()


def test_in_a_healthy_account_all_that_a_diagnosis_asks_about_is_allowed(sandbox: Sandbox) -> None:
    tags = "codedeploy:AddTagsToOnPremisesInstances"
    assert set(decisions(sandbox, ON_CALL, REGISTER, tags, GET, ResourceArns=[WEB_01])) == {"allowed"}
    assert decisions(sandbox, ON_CALL, LIST) == ["allowed"]
    objects = ["arn:aws:s3:::shop-revisions/*"]
    for who in (HOSTS, f"{IAM}:user/AWS/CodeDeploy/batch-01"):
        reads = decisions(sandbox, who, "s3:GetObject", "s3:GetObjectVersion", ResourceArns=objects)
        assert reads == ["allowed", "allowed"]
        assert decisions(sandbox, who, "s3:PutObject", ResourceArns=objects) == ["implicitDeny"]
        assert decisions(sandbox, who, "codedeploy-commands-secure:PollHostCommand") == ["implicitDeny"]


def test_the_command_line_simulates() -> None:
    with serve("healthy") as sandbox:
        about = sandbox.address()
        command = ["iam", "simulate-principal-policy", "--policy-source-arn", ON_CALL]
        command += ["--action-names", REGISTER, "iam:CreateRole", "--resource-arns", WEB_01]
        command += ["--query", "EvaluationResults[].[EvalActionName, EvalDecision]", "--output", "text"]
        result = subprocess.run(
            [str(Path(sys.executable).with_name("aws")), *command],
            env={
                "PATH": "/usr/bin:/bin",
                "AWS_ACCESS_KEY_ID": about["access_key_id"],
                "AWS_SECRET_ACCESS_KEY": about["secret_access_key"],
                "AWS_DEFAULT_REGION": about["region"],
                "AWS_ENDPOINT_URL": sandbox.endpoint,
                "NO_PROXY": "*",
            },
            capture_output=True,
            text=True,
        )
    assert result.stderr == ""
    assert result.stdout.splitlines() == [f"{REGISTER}\tallowed", "iam:CreateRole\timplicitDeny"]


def test_two_sandboxes_of_one_process_find_what_is_theirs_in_moto(sandbox: Sandbox) -> None:
    client(sandbox, "iam").get_role(RoleName="OnCall")
    with serve("healthy") as other:
        admin = client(other, "iam", aws_access_key_id="test")
        admin.create_user(UserName="lee")
        assert "Deployer" not in {role["RoleName"] for role in admin.list_roles()["Roles"]}
        mine = client(sandbox, "iam", aws_access_key_id="test")
        assert mine.get_role(RoleName="Deployer")["Role"]["PermissionsBoundary"]
        with pytest.raises(mine.exceptions.NoSuchEntityException):
            mine.get_user(UserName="lee")
        assert (
            admin.get_user(UserName="lee")["User"]["UserName"] == "lee"
        )  # IAM's changes are the sandbox's own data


NO_POLICIES = ["oops", "[]", "7", '{"Statement": 7}', json.dumps({"Statement": {"Effect": "Allow"}})]


@pytest.mark.parametrize("text", NO_POLICIES)
def test_a_malformed_policy_is_refused_and_nothing_is_the_worse_for_it(text: str) -> None:
    def malformed(call: Any, **parameters: Any) -> None:
        with pytest.raises(ClientError) as raised:
            call(**parameters)
        assert raised.value.response["Error"]["Code"] in ("MalformedPolicyDocument", "ValidationError")
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400

    with serve(staffed) as sandbox:
        admin = client(sandbox, "iam", aws_access_key_id="test")
        malformed(admin.put_role_policy, RoleName="Deployer", PolicyName="All", PolicyDocument=text)
        malformed(admin.put_user_policy, UserName="dana", PolicyName="Own", PolicyDocument=text)
        malformed(admin.create_policy, PolicyName="Malformed", PolicyDocument=text)
        malformed(admin.create_policy_version, PolicyArn=f"{IAM}:policy/NoRegister", PolicyDocument=text)
        if not text.startswith("{"):
            malformed(admin.create_role, RoleName="Malformed", AssumeRolePolicyDocument=text)
            malformed(admin.update_assume_role_policy, RoleName="Deployer", PolicyDocument=text)
        trust = json.dumps(sandbox.account.iam.find("role", "OnCall").trust)  # type: ignore[union-attr]
        admin.update_assume_role_policy(RoleName="Deployer", PolicyDocument=trust)
        assert "Malformed" not in {role["RoleName"] for role in admin.list_roles()["Roles"]}
        admin.create_user(UserName="after")
        assert decisions(sandbox, f"{IAM}:user/after", GET) == ["implicitDeny"]
        assert decisions(sandbox, f"{IAM}:role/Deployer", GET) == ["allowed"]


def test_a_managed_policy_that_is_gone_allows_nothing() -> None:
    def left(account: Account) -> None:
        staffed(account)
        del account.iam.managed[f"{IAM}:policy/guards/OnlyReads"]
        del account.iam.managed[f"{IAM}:policy/NoRegister"]

    with serve(left) as sandbox:
        assert decisions(sandbox, f"{IAM}:role/Deployer", GET) == ["implicitDeny"]
        assert decisions(sandbox, f"{IAM}:role/Barred", GET, REGISTER) == ["allowed", "allowed"]


def test_what_many_change_at_once_in_iam_is_all_seen() -> None:
    with serve("healthy") as sandbox:
        admin = client(sandbox, "iam", aws_access_key_id="test", attempts=None)
        names = [f"user-{number}" for number in range(24)]
        with ThreadPoolExecutor(8) as many:
            list(many.map(lambda name: admin.create_user(UserName=name), names))
        assert {one.name for one in sandbox.account.iam.identities} >= set(names)


def test_what_moto_keeps_is_read_back_whatever_it_is() -> None:
    """moto takes a tag without a value, and documents with percent signs in them."""
    with serve("healthy") as sandbox:
        admin = client(sandbox, "iam", aws_access_key_id="test")
        headers = {"Authorization": AUTHORIZATION.format("iam"), "Host": "127.0.0.1"}
        form = {"Action": "CreateUser", "UserName": "no-value", "Tags.member.1.Key": "k"}
        assert Client(sandbox.app).post("/", headers=headers, data=form).status_code == 200
        odd = allow(GET, on=f"{WEB_01}%22%2B+%25")
        admin.put_user_policy(UserName="no-value", PolicyName="Odd", PolicyDocument=json.dumps(odd))
        one = sandbox.account.iam.find("user", "no-value")
        assert one
        assert (one.tags, one.inline) == ({"k": ""}, {"Odd": odd})
