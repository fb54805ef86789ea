"""The policy evaluator, rule by rule: each case is one sentence of IAM's rules and a request that shows it."""

import json
from typing import Any

import pytest
from codedeploy_sandbox.iam.policy import Policy, PolicyError, Request, evaluate

from tests.support.iam import ALLOWED, DANA, DENIED, GET, LIST, NO, OBJECT, WEB_01, ask, policy, statement

ACTIONS: list[tuple[str, list[dict[str, Any]], str, str]] = [
    ("what no statement allows is denied", [], GET, NO),
    ("an action that is named is allowed", [statement(Action=GET)], GET, ALLOWED),
    ("another action is not", [statement(Action=GET)], LIST, NO),
    ("one of several actions is enough", [statement(Action=[LIST, GET])], GET, ALLOWED),
    ("actions have no case", [statement(Action="CODEDEPLOY:getonpremisesinstance")], GET, ALLOWED),
    ("an asterisk stands for any text", [statement(Action="codedeploy:Get*")], GET, ALLOWED),
    ("also in the middle", [statement(Action="codedeploy:*Premises*")], GET, ALLOWED),
    ("and for no text at all", [statement(Action="codedeploy:GetOnPremisesInstance*")], GET, ALLOWED),
    (
        "a question mark stands for one letter",
        [statement(Action="codedeploy:?etOnPremisesInstance")],
        GET,
        ALLOWED,
    ),
    ("and for no fewer", [statement(Action="codedeploy:GetOnPremisesInstance?")], GET, NO),
    ("a dot is a dot", [statement(Action="codedeploy.GetOnPremisesInstance")], GET, NO),
    ("a prefix without an asterisk is another action", [statement(Action="codedeploy:Get")], GET, NO),
    ("another service's asterisk does not reach", [statement(Action="codecommit:*")], GET, NO),
    ("NotAction is about all other actions", [statement(NotAction=LIST)], GET, ALLOWED),
    ("and not about its own", [statement(NotAction=["iam:*", GET])], GET, NO),
    ("a deny decides over an allow", [statement(), statement("Deny", Action=GET)], GET, DENIED),
    ("in whichever order they stand", [statement("Deny", Action=GET), statement()], GET, DENIED),
    ("a deny of another action does not", [statement(), statement("Deny", Action=LIST)], GET, ALLOWED),
    ("Deny with NotAction denies the rest", [statement(), statement("Deny", NotAction=LIST)], GET, DENIED),
    ("a deny alone is a deny, not a lack", [statement("Deny")], GET, DENIED),
]

RESOURCES: list[tuple[str, dict[str, Any], str, str]] = [
    ("a resource that is named is allowed", statement(Resource=WEB_01), WEB_01, ALLOWED),
    ("another one is not", statement(Resource=WEB_01), WEB_01.replace("01", "02"), NO),
    ("resources have case", statement(Resource=WEB_01.upper()), WEB_01, NO),
    ("one of several is enough", statement(Resource=["arn:aws:s3:::x", WEB_01]), WEB_01, ALLOWED),
    ("an asterisk stands for the rest", statement(Resource=f"{WEB_01[:-2]}*"), WEB_01, ALLOWED),
    ("and crosses slashes", statement(Resource="arn:aws:s3:::shop-revisions/*.zip"), OBJECT, ALLOWED),
    ("an instance pattern is not about all resources", statement(Resource=f"{WEB_01[:-6]}*"), "*", NO),
    ("an asterisk is about all resources, too", statement(), "*", ALLOWED),
    (
        "a last asterisk covers the parts that follow",
        statement(Resource="arn:aws:codedeploy:*"),
        WEB_01,
        ALLOWED,
    ),
    (
        "as does one that ends its part",
        statement(Resource="arn:aws:codedeploy:*:instance:web-01"),
        WEB_01,
        ALLOWED,
    ),
    (
        "an asterisk within a part stays there",
        statement(Resource="arn:aws:codedeploy:eu*3:instance:web-01"),
        WEB_01,
        NO,
    ),
    ("a bucket is not its objects", statement(Resource="arn:aws:s3:::shop-revisions"), OBJECT, NO),
    ("nor are the objects the bucket", statement(Resource=f"{OBJECT[:27]}/*"), OBJECT[:27], NO),
    ("regular expressions are text", statement(Resource="arn:aws:s3:::shop.revisions/.*"), OBJECT, NO),
    ("NotResource is about all others", statement(NotResource=OBJECT), WEB_01, ALLOWED),
    ("and not about its own", statement(NotResource=[OBJECT, f"{WEB_01[:-2]}*"]), WEB_01, NO),
    ("NotResource of an ARN is about the asterisk", statement(NotResource=WEB_01), "*", ALLOWED),
    ("NotResource of everything is about nothing", statement(NotResource="*"), WEB_01, NO),
]


@pytest.mark.parametrize(
    ("rule", "statements", "action", "decision"), ACTIONS, ids=lambda value: str(value)[:60]
)
def test_actions(rule: str, statements: list[dict[str, Any]], action: str, decision: str) -> None:
    assert ask(*statements, action=action).decision == decision, rule


@pytest.mark.parametrize(
    ("rule", "one", "resource", "decision"), RESOURCES, ids=lambda value: str(value)[:60]
)
def test_resources(rule: str, one: dict[str, Any], resource: str, decision: str) -> None:
    assert ask(one, resource=resource).decision == decision, rule


ALL, ONLY_LIST, NONE = policy(statement()), policy(statement(Action=LIST)), policy(statement("Deny"))
BOUNDARY, SCP, IDENTITY = "permissions boundary", "service control policy", "identity-based policy"
KINDS: list[tuple[str, list[Policy], dict[str, Any], str, str]] = [
    ("an identity policy is enough", [ALL], {}, ALLOWED, ""),
    ("a boundary grants nothing", [], {"boundary": ALL}, NO, IDENTITY),
    ("what the boundary does not allow is denied", [ALL], {"boundary": ONLY_LIST}, NO, BOUNDARY),
    ("what both allow is allowed", [ALL], {"boundary": ALL}, ALLOWED, ""),
    ("a deny in the boundary is a deny", [ALL], {"boundary": NONE}, DENIED, BOUNDARY),
    ("a service control policy grants nothing", [], {"organisation": [[ALL]]}, NO, IDENTITY),
    ("and limits", [ALL], {"organisation": [[ONLY_LIST]]}, NO, SCP),
    ("at each level of the organisation", [ALL], {"organisation": [[ALL], [ONLY_LIST]]}, NO, SCP),
    ("where one policy of the level is enough", [ALL], {"organisation": [[ONLY_LIST, ALL]]}, ALLOWED, ""),
    ("unless another one denies", [ALL], {"organisation": [[ALL, NONE]]}, DENIED, SCP),
    ("the organisation is named before the identity", [NONE], {"organisation": [[NONE]]}, DENIED, SCP),
    ("the identity is named before the boundary", [], {"boundary": ONLY_LIST}, NO, IDENTITY),
    ("a deny is named before a lack", [], {"boundary": NONE}, DENIED, BOUNDARY),
]


@pytest.mark.parametrize(
    ("rule", "identity", "others", "decision", "because"), KINDS, ids=lambda v: str(v)[:60]
)
def test_kinds_of_policies(
    rule: str, identity: list[Policy], others: dict[str, Any], decision: str, because: str
) -> None:
    outcome = evaluate(Request(GET, WEB_01), identity, **others)
    assert (outcome.decision, outcome.because) == (decision, because), rule


def test_what_boundary_and_organisation_say_is_told_apart_from_the_decision() -> None:
    outcome = evaluate(Request(GET, WEB_01), [], boundary=ALL, organisation=[[ONLY_LIST]])
    assert (outcome.bounded, outcome.organised) == (True, False)
    assert (ask(statement()).bounded, ask(statement()).organised) == (None, None)


def bucket_policy(effect: str = "Allow", **elements: Any) -> Policy:
    return policy(statement(effect, **elements))


RESOURCE_POLICIES: list[tuple[str, list[Policy], dict[str, Any], str]] = [
    ("it grants to the user it names", [], {"resource": bucket_policy(Principal={"AWS": DANA})}, ALLOWED),
    ("not to another one", [], {"resource": bucket_policy(Principal={"AWS": f"{DANA}2"})}, NO),
    ("and to all by an asterisk", [], {"resource": bucket_policy(Principal="*")}, ALLOWED),
    ("also as an account", [], {"resource": bucket_policy(Principal={"AWS": ["*"]})}, ALLOWED),
    (
        "to name the account grants nothing alone",
        [],
        {"resource": bucket_policy(Principal={"AWS": "111122223333"})},
        NO,
    ),
    (
        "a service is not a user",
        [],
        {"resource": bucket_policy(Principal={"Service": "codedeploy.amazonaws.com"})},
        NO,
    ),
    (
        "it needs no identity policy",
        [ONLY_LIST],
        {"resource": bucket_policy(Principal={"AWS": DANA})},
        ALLOWED,
    ),
    ("its deny decides", [ALL], {"resource": bucket_policy("Deny", Principal={"AWS": DANA})}, DENIED),
    (
        "also for the account",
        [ALL],
        {"resource": bucket_policy("Deny", Principal={"AWS": "arn:aws:iam::111122223333:root"})},
        DENIED,
    ),
    (
        "NotPrincipal spares whom it names",
        [ALL],
        {"resource": bucket_policy("Deny", NotPrincipal={"AWS": DANA})},
        ALLOWED,
    ),
    ("and no one else", [ALL], {"resource": bucket_policy("Deny", NotPrincipal={"AWS": f"{DANA}2"})}, DENIED),
    (
        "what it grants to a user no boundary takes away",
        [],
        {"resource": bucket_policy(Principal={"AWS": DANA}), "boundary": ONLY_LIST},
        ALLOWED,
    ),
    (
        "unless that denies",
        [],
        {"resource": bucket_policy(Principal={"AWS": DANA}), "boundary": NONE},
        DENIED,
    ),
    (
        "an organisation does",
        [],
        {"resource": bucket_policy(Principal={"AWS": DANA}), "organisation": [[ONLY_LIST]]},
        NO,
    ),
]


@pytest.mark.parametrize(
    ("rule", "identity", "others", "decision"), RESOURCE_POLICIES, ids=lambda v: str(v)[:60]
)
def test_resource_policies(rule: str, identity: list[Policy], others: dict[str, Any], decision: str) -> None:
    assert evaluate(Request(GET, WEB_01, principal=DANA), identity, **others).decision == decision, rule


def test_only_the_statements_that_decided_are_named() -> None:
    allow, deny, idle = policy(statement()), policy(statement("Deny")), policy(statement(Action=LIST))
    own = [Policy("allow", allow.text), Policy("deny", deny.text), Policy("idle", idle.text)]
    request = Request(GET, WEB_01)
    assert [one.policy for one in evaluate(request, own).matched] == ["deny"]
    assert [one.policy for one in evaluate(request, [own[0], own[2]]).matched] == ["allow"]
    assert evaluate(request, [own[2]]).matched == ()
    assert evaluate(request, [own[0]], boundary=ONLY_LIST).matched == ()
    assert evaluate(request, [own[0]], boundary=ALL).matched == (own[0].statements[0],)
    assert evaluate(request, [own[0]], organisation=[[NONE]]).matched == ()


def test_the_keys_that_were_needed_and_missing() -> None:
    away = statement("Deny", Condition={"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}})
    tagged = statement(Condition={"StringEquals": {"aws:PrincipalTag/Team": "${aws:PrincipalTag/Owner}"}})
    elsewhere = statement(Action=LIST, Condition={"Bool": {"aws:SecureTransport": "true"}})
    tolerant = statement(Condition={"StringEqualsIfExists": {"k": "v"}, "Null": {"l": "true"}})
    default = statement(Resource="arn:aws:s3:::${aws:PrincipalTag/x, 'y'}")
    outcome = ask(away, tagged, elsewhere, tolerant, default)
    assert outcome.missing == ("aws:PrincipalTag/Owner", "aws:PrincipalTag/Team", "aws:SourceIp")
    assert ask(away, context={"AWS:sourceip": "203.0.113.1"}).missing == ()
    home = statement(Resource="arn:aws:s3:::home/${aws:username}/*")
    assert ask(home, resource="arn:aws:s3:::home/x/y").missing == ("aws:username",)
    assert ask(statement(Action=LIST, Resource="arn:aws:s3:::${aws:username}")).missing == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not JSON"),
        ("[]", "no Statement"),
        ('{"Statement": "Allow"}', "no Statement"),
        ('{"Version": "2020-01-01", "Statement": []}', "'2020-01-01'"),
        ('{"Statement": [{"Action": "*", "Resource": "*"}]}', "Allow or Deny"),
        ('{"Statement": [7]}', "Allow or Deny"),
        (json.dumps({"Statement": statement("allow")}), "Allow or Deny"),
        (json.dumps({"Statement": statement(Actions="*")}), "'Actions'"),
        ('{"Statement": {"Effect": "Allow", "Resource": "*"}}', "Action or NotAction"),
        (json.dumps({"Statement": statement() | {"NotAction": "x"}}), "Action or NotAction"),
        ('{"Statement": {"Effect": "Allow", "Action": "*"}}', "Resource or NotResource"),
        (json.dumps({"Statement": statement(Condition=[])}), "Condition must hold"),
        (json.dumps({"Statement": statement(Action=5)}), "Action must be text"),
        (json.dumps({"Statement": statement(Action=["x:y", 5])}), "Action must be text"),
        (json.dumps({"Statement": statement(Action=None)}), "Action must be text"),
        (json.dumps({"Statement": statement(Condition={"x": {"y": "z"}})}), "no condition operator 'x'"),
        (json.dumps({"Statement": statement(Resource={"arn": "x"})}), "Resource must be text"),
        (json.dumps({"Statement": statement(Principal=5)}), "Principal must be"),
        (json.dumps({"Statement": statement(Principal={"AWS": [{}]})}), "Principal must be"),
        (json.dumps({"Version": ["2012-10-17"], "Statement": []}), "policy language"),
        ('{"Statement": ' + "[" * 100_000, "is not JSON"),
    ],
)
def test_what_is_no_policy_is_refused_in_a_sentence(text: str, why: str) -> None:
    with pytest.raises(PolicyError, match=r"\.$") as raised:
        evaluate(Request(GET, WEB_01), [Policy("P", text)])
    assert why in str(raised.value)


def test_a_resource_policy_names_somebody() -> None:
    with pytest.raises(PolicyError, match="no Principal"):
        evaluate(Request(GET, WEB_01), [ALL], resource=ALL)


def test_what_iam_takes_and_passes_over() -> None:
    assert ask(statement(Condition={"x": {}, "y": {}})).decision == "allowed"
    assert ask(statement(Resource=[WEB_01, None])).decision == "allowed"
    assert ask(statement(Resource=[None])).decision == "implicitDeny"
