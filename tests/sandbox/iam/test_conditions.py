"""The conditions and the variables of a policy, rule by rule, as in test_sandbox_policy."""

from typing import Any

import pytest
from codedeploy_sandbox.iam.policy import Policy, PolicyError, Request, evaluate

from tests.support.iam import ALLOWED, DANA, DENIED, GET, NO, WEB_01, ask, policy, statement


def when(**block: Any) -> dict[str, Any]:
    """An Allow for everything under a condition; ForAllValues_StringLike stands for the operator with a colon."""
    return statement(Condition={name.replace("_", ":"): keys for name, keys in block.items()})


TAGS = {"aws:TagKeys": ["Name", "Environment"]}
CONDITIONS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("StringEquals matches the whole value", when(StringEquals={"k": "abc"}), {"k": "abc"}, ALLOWED),
    ("with its case", when(StringEquals={"k": "abc"}), {"k": "ABC"}, NO),
    ("and has no wildcards", when(StringEquals={"k": "a*"}), {"k": "abc"}, NO),
    ("one of several values is enough", when(StringEquals={"k": ["x", "abc"]}), {"k": "abc"}, ALLOWED),
    ("keys have no case", when(StringEquals={"AWS:UserName": "dana"}), {"aws:username": "dana"}, ALLOWED),
    ("all keys must match", when(StringEquals={"k": "a", "l": "b"}), {"k": "a", "l": "x"}, NO),
    ("and all operators", when(StringEquals={"k": "a"}, StringLike={"l": "b*"}), {"k": "a", "l": "x"}, NO),
    ("a key that is not there does not match", when(StringEquals={"k": "a"}), {}, NO),
    ("a negated operator holds without the key", when(StringNotEquals={"k": "a"}), {}, ALLOWED),
    ("and fails when any of its values matches", when(StringNotEquals={"k": ["a", "b"]}), {"k": "b"}, NO),
    ("IgnoreCase ignores case", when(StringEqualsIgnoreCase={"k": "ABC"}), {"k": "abc"}, ALLOWED),
    ("so does its negation", when(StringNotEqualsIgnoreCase={"k": "ABC"}), {"k": "abc"}, NO),
    ("StringLike has wildcards", when(StringLike={"k": "a?c*"}), {"k": "abcdef"}, ALLOWED),
    ("a dot in it is a dot", when(StringLike={"k": "a.c"}), {"k": "abc"}, NO),
    ("StringNotLike is its negation", when(StringNotLike={"k": "a*"}), {"k": "abc"}, NO),
    ("IfExists holds without the key", when(StringEqualsIfExists={"k": "a"}), {}, ALLOWED),
    ("and tests it when it is there", when(StringEqualsIfExists={"k": "a"}), {"k": "b"}, NO),
    ("Null true asks for its absence", when(Null={"k": "true"}), {}, ALLOWED),
    ("and fails when it is there", when(Null={"k": True}), {"k": "a"}, NO),
    ("Null false asks for its presence", when(Null={"k": "false"}), {"k": "a"}, ALLOWED),
    ("and fails without it", when(Null={"k": "false"}), {}, NO),
    (
        "Bool reads true and false",
        when(Bool={"aws:SecureTransport": True}),
        {"aws:SecureTransport": "true"},
        ALLOWED,
    ),
    (
        "and tells them apart",
        when(Bool={"aws:SecureTransport": "false"}),
        {"aws:SecureTransport": "true"},
        NO,
    ),
    ("numbers are compared as numbers", when(NumericLessThan={"k": "10"}), {"k": "9.5"}, ALLOWED),
    ("at the limit LessThan fails", when(NumericLessThan={"k": 10}), {"k": "10"}, NO),
    ("where LessThanEquals holds", when(NumericLessThanEquals={"k": 10}), {"k": "10"}, ALLOWED),
    ("what is not a number never matches", when(NumericGreaterThan={"k": 1}), {"k": "many"}, NO),
    ("10 and 10.0 are equal", when(NumericNotEquals={"k": "10.0"}), {"k": "10"}, NO),
    (
        "dates are compared as times, whatever their offset",
        when(DateLessThan={"aws:CurrentTime": "2026-01-15T13:00:00+02:00"}),
        {"aws:CurrentTime": "2026-01-15T10:59:59Z"},
        ALLOWED,
    ),
    (
        "a date without a time is its midnight",
        when(DateGreaterThanEquals={"aws:CurrentTime": "2026-01-15"}),
        {"aws:CurrentTime": "2026-01-14T23:59:59Z"},
        NO,
    ),
    (
        "seconds since 1970 are a date, too",
        when(DateEquals={"aws:CurrentTime": "1768478400"}),
        {"aws:CurrentTime": "2026-01-15T12:00:00Z"},
        ALLOWED,
    ),
    (
        "an address is in its network",
        when(IpAddress={"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]}),
        {"aws:SourceIp": "203.0.113.10"},
        ALLOWED,
    ),
    (
        "and not in another",
        when(IpAddress={"aws:SourceIp": "203.0.113.0/24"}),
        {"aws:SourceIp": "198.51.100.7"},
        NO,
    ),
    (
        "an address without a length is that address",
        when(NotIpAddress={"aws:SourceIp": "203.0.113.10"}),
        {"aws:SourceIp": "203.0.113.10"},
        NO,
    ),
    ("binary values are compared decoded", when(BinaryEquals={"k": "YQ=="}), {"k": "YQ=="}, ALLOWED),
    (
        "ArnLike compares part by part",
        when(ArnLike={"aws:PrincipalArn": "arn:aws:iam::*:user/d*"}),
        {"aws:PrincipalArn": DANA},
        ALLOWED,
    ),
    (
        "its asterisk does not cross a colon, where StringLike's does",
        when(ArnLike={"k": "arn:aws:x:*:111122223333:finance/*"}),
        {"k": "arn:aws:x:us-east-2:999999999999:store/abc:111122223333:finance/doc"},
        NO,
    ),
    (
        "as here",
        when(StringLike={"k": "arn:aws:x:*:111122223333:finance/*"}),
        {"k": "arn:aws:x:us-east-2:999999999999:store/abc:111122223333:finance/doc"},
        ALLOWED,
    ),
    ("ArnEquals is ArnLike", when(ArnEquals={"k": "arn:aws:iam::*:user/*"}), {"k": DANA}, ALLOWED),
    ("ArnNotLike is its negation", when(ArnNotLike={"k": "arn:aws:iam::*:user/*"}), {"k": DANA}, NO),
    (
        "of several values one is enough without a set operator",
        when(StringEquals={"aws:TagKeys": "Name"}),
        TAGS,
        ALLOWED,
    ),
    ("and none may match a negation", when(StringNotEquals={"aws:TagKeys": "Name"}), TAGS, NO),
    ("ForAnyValue wants one", when(ForAnyValue_StringEquals={"aws:TagKeys": "Name"}), TAGS, ALLOWED),
    ("and fails without the key", when(ForAnyValue_StringEquals={"aws:TagKeys": "Name"}), {}, NO),
    ("ForAllValues wants all", when(ForAllValues_StringEquals={"aws:TagKeys": "Name"}), TAGS, NO),
    (
        "each may match another value",
        when(ForAllValues_StringLike={"aws:TagKeys": ["N*", "E*"]}),
        TAGS,
        ALLOWED,
    ),
    ("and it holds without the key", when(ForAllValues_StringEquals={"aws:TagKeys": "Name"}), {}, ALLOWED),
    (
        "an empty value counts as none",
        when(ForAllValues_StringEquals={"aws:TagKeys": "Name"}),
        {"aws:TagKeys": [""]},
        ALLOWED,
    ),
    (
        "ForAnyValue with a negation wants one that does not match",
        when(ForAnyValue_StringNotEquals={"aws:TagKeys": "Name"}),
        TAGS,
        ALLOWED,
    ),
    (
        "ForAllValues with a negation wants none that matches",
        when(ForAllValues_StringNotEquals={"aws:TagKeys": "Name"}),
        TAGS,
        NO,
    ),
    (
        "a set operator takes IfExists",
        when(ForAnyValue_StringEqualsIfExists={"aws:TagKeys": "Name"}),
        {},
        ALLOWED,
    ),
]

HOME = statement(Resource="arn:aws:s3:::home/${aws:username}/*")
VARIABLES: list[tuple[str, dict[str, Any], str, dict[str, Any], str]] = [
    ("a variable takes its value", HOME, "arn:aws:s3:::home/dana/x", {"aws:username": "dana"}, ALLOWED),
    ("and no other", HOME, "arn:aws:s3:::home/kim/x", {"aws:username": "dana"}, NO),
    ("its value is no pattern", HOME, "arn:aws:s3:::home/kim/x", {"aws:username": "*"}, NO),
    ("without a value the statement does not match", HOME, "arn:aws:s3:::home//x", {}, NO),
    (
        "also not as a negation",
        when(StringNotEquals={"s3:prefix": "${aws:username}"}),
        WEB_01,
        {"s3:prefix": "x"},
        NO,
    ),
    (
        "a default stands in for a value",
        statement(Resource="arn:aws:s3:::home/${aws:PrincipalTag/team, 'none'}/*"),
        "arn:aws:s3:::home/none/x",
        {},
        ALLOWED,
    ),
    (
        "and gives way to one",
        statement(Resource="arn:aws:s3:::home/${aws:PrincipalTag/team, 'none'}/*"),
        "arn:aws:s3:::home/web/x",
        {"aws:PrincipalTag/team": "web"},
        ALLOWED,
    ),
    (
        "an asterisk as a variable is an asterisk",
        statement(Resource="arn:aws:s3:::home/${*}"),
        "arn:aws:s3:::home/x",
        {},
        NO,
    ),
    (
        "and a question mark itself",
        statement(Resource="arn:aws:s3:::home/${?}${$}"),
        "arn:aws:s3:::home/?$",
        {},
        ALLOWED,
    ),
    (
        "string conditions have variables",
        when(StringLike={"s3:prefix": "home/${aws:username}/*"}),
        WEB_01,
        {"s3:prefix": "home/dana/x", "aws:username": "dana"},
        ALLOWED,
    ),
    (
        "a key with several values is no variable",
        statement(Resource="arn:aws:s3:::home/${aws:TagKeys}"),
        "arn:aws:s3:::home/Name",
        TAGS,
        NO,
    ),
]


@pytest.mark.parametrize(
    ("rule", "one", "context", "decision"), CONDITIONS, ids=lambda value: str(value)[:60]
)
def test_conditions(rule: str, one: dict[str, Any], context: dict[str, Any], decision: str) -> None:
    assert ask(one, context=context).decision == decision, rule


@pytest.mark.parametrize(
    ("rule", "one", "resource", "context", "decision"), VARIABLES, ids=lambda value: str(value)[:60]
)
def test_variables(
    rule: str, one: dict[str, Any], resource: str, context: dict[str, Any], decision: str
) -> None:
    assert ask(one, resource=resource, context=context).decision == decision, rule


def test_the_older_language_has_no_variables() -> None:
    old = policy(HOME, version="2008-10-17")
    for name, decision in (("dana", NO), ("${aws:username}", ALLOWED)):
        request = Request(GET, f"arn:aws:s3:::home/{name}/x", {"aws:username": ["dana"]})
        assert evaluate(request, [old]).decision == decision
    no_version = Policy.of("P", {"Statement": HOME})
    assert (
        evaluate(Request(GET, "arn:aws:s3:::home/dana/x", {"aws:username": ["dana"]}), [no_version]).decision
        == NO
    )


def test_a_conditional_deny_denies_only_under_its_condition() -> None:
    away = statement("Deny", Condition={"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}})
    assert ask(statement(), away, context={"aws:SourceIp": "203.0.113.1"}).decision == ALLOWED
    assert ask(statement(), away, context={"aws:SourceIp": "192.0.2.1"}).decision == DENIED
    assert ask(statement(), away).decision == DENIED  # a negated operator holds without the key


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ({"StringIs": {"k": "v"}}, "'StringIs'"),
        ({"NullIfExists": {"k": "true"}}, "'NullIfExists'"),
        ({"SomeValues:StringLike": {"k": "v"}}, "'SomeValues:StringLike'"),
        ({"stringequals": {"k": "v"}}, "'stringequals'"),
        ({"StringLike": "v"}, "Condition must hold"),
    ],
)
def test_a_condition_that_does_not_exist_is_refused(condition: dict[str, Any], why: str) -> None:
    with pytest.raises(PolicyError, match=r"\.$") as raised:
        ask(statement(Condition=condition))
    assert why in str(raised.value)
