"""Answers of AWS that are whole and wrong, or say less than they seem to: no evidence that all is well."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from runbooks.aws.session import Aws
from runbooks.checks import _cloudtrail, all_checks
from runbooks.engine import run
from runbooks.facts import cloudtrail
from runbooks.findings import FAIL, OK, UNKNOWN, Finding, Verdict
from tests.support.world import EVERYTHING, PATIENT, world

CHECKS = {check.id: check.function for check in all_checks()}
Change = Callable[[dict[str, Any]], None]


@contextmanager
def changed(api: str, change: Change, scenario: str = "healthy") -> Iterator[Aws]:
    """A healthy world in which this API's answers are changed on the way."""
    with world(scenario, config=PATIENT) as (aws, _):
        service, operation = api.split(":")
        events = aws.client(service).meta.events
        events.register_first(f"after-call.*.{operation}", lambda parsed, **_: change(parsed))
        yield aws


def ask(aws: Aws, check: str) -> list[Finding]:
    return run(CHECKS[check], aws, EVERYTHING)


def worst(found: list[Finding]) -> Finding:
    return max(found, key=lambda finding: finding.verdict)


# IAM's policy simulator

SIMULATE = "iam:SimulatePrincipalPolicy"
SIMULATED = ["caller-may-register", "caller-may-list", "host-may-read-the-bucket"]


def every(**members: Any) -> Change:
    """Each result with these members."""

    def change(answer: dict[str, Any]) -> None:
        for one in answer["EvaluationResults"]:
            one.update(members)

    return change


def twice(first: str, second: str) -> Change:
    """Two results for each action."""

    def change(answer: dict[str, Any]) -> None:
        results = answer["EvaluationResults"]
        answer["EvaluationResults"] = [
            one | {"EvalDecision": decision, "ResourceSpecificResults": []}
            for one in results
            for decision in (first, second)
        ]

    return change


@pytest.mark.parametrize(
    ("change", "verdict", "says"),
    [
        (every(ResourceSpecificResults=[{"EvalResourceName": "x", "EvalResourceDecision": "explicitDeny"}]), FAIL, "denies it"),
        (every(ResourceSpecificResults=[{"EvalResourceName": "x", "EvalResourceDecision": "implicitDeny"}]), FAIL, "no policy allows it"),
        (twice("explicitDeny", "allowed"), FAIL, "denies it"),
        (twice("allowed", "explicitDeny"), FAIL, "denies it"),
        (twice("allowed", "allowed"), OK, "may do"),
        (every(EvalDecision="Allowed"), UNKNOWN, "the simulator answered 'Allowed'"),
        (every(EvalDecision="notEvaluated"), UNKNOWN, "the simulator answered 'notEvaluated'"),
        (every(EvalDecision=""), UNKNOWN, "without the member EvaluationResults.EvalDecision"),
        (every(ResourceSpecificResults=[{"EvalResourceName": "x", "EvalResourceDecision": "Denied"}]), UNKNOWN, "answered 'Denied'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("check", SIMULATED)
def test_the_simulator_allows_only_where_each_part_of_its_answer_does(
    check: str, change: Change, verdict: Verdict, says: str
) -> None:
    with changed(SIMULATE, change) as aws:
        found = worst(ask(aws, check))
    assert (found.verdict, says in found.says) == (verdict, True), found.says
    assert verdict is FAIL or not found.fix


# CloudTrail

TRAIL = "cloudtrail:LookupEvents"
COMPETES = "no-registration-competes"


def recorded(*records: Any) -> Change:
    """These records in place of all others. A mapping is completed to a call that registers web-01."""
    whole = {
        "eventTime": "2026-01-15T11:58:00Z",
        "eventName": "RegisterOnPremisesInstance",
        "userIdentity": {"arn": "arn:aws:iam::111122223333:user/dana"},
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "Boto3/1.40.45",
        "requestParameters": {"instanceName": "web-01"},
    }

    def event(record: Any) -> Any:
        text = json.dumps(whole | record) if isinstance(record, dict) else record
        return text and {"EventName": "RegisterOnPremisesInstance", "CloudTrailEvent": text}

    def change(answer: dict[str, Any]) -> None:
        answer["Events"] = [event(record) for record in records]

    return change


def by(user: str, **more: Any) -> dict[str, Any]:
    return {"userIdentity": {"arn": f"arn:aws:iam::111122223333:user/{user}"}, **more}


def test_callers_whose_records_name_no_instance_may_compete() -> None:
    rivals = [by(user, requestParameters=None) for user in ("dana", "lee", "kim")]
    with changed(TRAIL, recorded(*rivals)) as aws:
        found = ask(aws, COMPETES)
    assert OK not in {finding.verdict for finding in found}
    assert any("3 of CloudTrail's records name no instance" in finding.says for finding in found)


@pytest.mark.parametrize(("count", "cut"), [(2, False), (3, True)])
def test_rivals_beyond_the_events_that_are_read_may_compete(
    count: int, cut: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (cloudtrail, _cloudtrail):
        monkeypatch.setattr(module, "MOST_EVENTS", 3)
    others = [by("dana", requestParameters={"instanceName": "web-02"})] * count
    with changed(TRAIL, recorded(*others)) as aws:
        found = ask(aws, COMPETES)
    assert any("Only the newest 3 calls" in finding.says for finding in found) is cut
    assert not cut or OK not in {finding.verdict for finding in found}


DEEP = "[" * 100_000
ODD = [
    pytest.param({"eventTime": "0001-01-01T00:00:00+14:00"}, id="a time before the calendar"),
    pytest.param(DEEP, id="JSON that is nested too deep"),
    pytest.param(None, id="no event"),
    pytest.param({"userAgent": 5, "userIdentity": "x"}, id="wrong types"),
]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("check", [COMPETES, "registration-calls-succeed"])
def test_an_odd_record_costs_only_itself(check: str, odd: Any) -> None:
    bad = [by(user, errorCode="InstanceNameAlreadyRegisteredException") for user in ("dana", "lee")]
    with changed(TRAIL, recorded(odd, *bad)) as aws:
        found = ask(aws, check)
    says = " ".join(finding.says for finding in found)
    assert "dana" in says
    assert "lee" in says
    assert "1 CloudTrail record could not be read" in says
    assert "itself failed" not in says


def test_a_user_agent_that_names_this_guide_hides_no_other_caller() -> None:
    bad = by(
        "mallory",
        eventName="ListOnPremisesInstances",
        userAgent="Boto3/1.40.45 codedeploy-field-guide",
        errorCode="InvalidRegistrationStatusException",
        requestParameters={"registrationStatus": "registered"},
    )
    with changed(TRAIL, recorded(bad)) as aws:
        found = worst(ask(aws, "callers-send-valid-status-filters"))
    assert found.verdict is FAIL
    assert "mallory sent registrationStatus 'registered'" in found.says


# An answer about another


def test_what_codedeploy_says_of_another_name_proves_nothing() -> None:
    def other(answer: dict[str, Any]) -> None:
        answer["instanceInfo"]["instanceName"] = "web-02"

    with changed("codedeploy:GetOnPremisesInstance", other) as aws:
        session = aws.remembering()
        found = {id_: worst(ask(session, id_)) for id_ in CHECKS}
    needs = {
        id_ for id_, one in found.items() if "codedeploy:GetOnPremisesInstance" in {c.api for c in one.proof}
    }
    assert len(needs) > 20
    assert {found[id_].verdict for id_ in needs} == {UNKNOWN}
    assert all("about 'web-02' instead of 'web-01'" in found[id_].says for id_ in needs)


def test_tags_without_keys_are_no_tags_and_blame_no_check() -> None:
    def keyless(answer: dict[str, Any]) -> None:
        for info in answer["instanceInfos"]:
            info["tags"] = [{"Value": "production"}]

    with changed("codedeploy:BatchGetOnPremisesInstances", keyless) as aws:
        for id_ in ("group-selects-instances", "group-can-keep-enough-instances-healthy"):
            said = worst(ask(aws.remembering(), id_))
            assert said.verdict is UNKNOWN
            assert "without the member instanceInfos.tags.Key" in said.says


@pytest.mark.parametrize(
    ("api", "checks", "change", "says"),
    [
        (
            "codedeploy:GetDeploymentGroup",
            ["group-has-no-deployment-in-progress", "group-selects-instances"],
            lambda answer: answer["deploymentGroupInfo"].pop("deploymentGroupName"),
            "without the member deploymentGroupInfo.deploymentGroupName",
        ),
        (
            "codedeploy:GetDeploymentGroup",
            ["group-has-no-deployment-in-progress", "group-selects-instances"],
            lambda answer: answer["deploymentGroupInfo"].update(applicationName="mail"),
            "about 'mail/web' instead of 'shop/web'",
        ),
        (
            "s3:ListObjectsV2",
            ["revision-of-the-group-is-there"],
            lambda answer: [one.pop("Size") for one in answer["Contents"]],
            "with an object that has no key or no size",
        ),
    ],
)
def test_a_group_and_a_revision_that_are_not_whole_blame_no_check(
    api: str, checks: list[str], change: Change, says: str
) -> None:
    with changed(api, change) as aws:
        for id_ in checks:
            said = worst(ask(aws.remembering(), id_))
            assert (said.verdict, says in said.says) == (UNKNOWN, True), said.says


def test_a_group_that_names_no_application_is_of_the_one_that_was_asked() -> None:
    with changed(
        "codedeploy:GetDeploymentGroup", lambda answer: answer["deploymentGroupInfo"].pop("applicationName")
    ) as aws:
        assert worst(ask(aws, "group-has-no-deployment-in-progress")).verdict is OK


def without(member: str) -> Change:
    """The answer without this member, wherever it is."""

    def take(value: Any) -> None:
        for one in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
            take(one)
        if isinstance(value, dict):
            value.pop(member, None)

    return take


@pytest.mark.parametrize(
    ("scenario", "api", "member", "check"),
    [
        ("security-group-blocks", "ec2:DescribeSecurityGroups", "IpPermissionsEgress", "security-group-lets-https-out"),
        ("nacl-blocks-return", "ec2:DescribeNetworkAcls", "Entries", "network-acl-lets-https-through"),
        ("endpoint-closed", "ec2:DescribeVpcEndpoints", "Groups", "vpc-endpoint-serves-the-agent"),
        ("endpoint-closed", "ec2:DescribeVpcEndpoints", "GroupId", "vpc-endpoint-serves-the-agent"),
        ("endpoint-closed", "ec2:DescribeInstances", "PrivateIpAddress", "vpc-endpoint-serves-the-agent"),
        ("security-group-blocks", "ec2:DescribeInstances", "Key", "security-group-lets-https-out"),
    ],
)  # fmt: skip
def test_what_ec2_leaves_out_blames_no_check(scenario: str, api: str, member: str, check: str) -> None:
    with changed(api, without(member), scenario) as aws:
        said = worst(ask(aws, check))
    assert said.verdict is UNKNOWN
    assert "itself failed" not in said.says


def test_what_the_probe_says_of_another_instance_proves_nothing() -> None:
    def other(answer: dict[str, Any]) -> None:
        if answer.get("Status") == "Success":
            document = json.loads(answer["StandardOutputContent"])
            document["host"]["instance"] = {"value": "web-02"}
            answer["StandardOutputContent"] = json.dumps(document)

    with changed("ssm:GetCommandInvocation", other) as aws:
        session = aws.remembering()
        found = {id_: worst(ask(session, id_)) for id_ in CHECKS}
    needs = {id_ for id_, one in found.items() if any("GetCommandInv" in call.api for call in one.proof)}
    assert len(needs) > 15
    assert {found[id_].verdict for id_ in needs} == {UNKNOWN}
    assert all("made for 'web-02'" in found[id_].says for id_ in needs)


# The rules of a VPC

VPC = "nacl-blocks-return"


def test_a_route_without_a_target_leads_nowhere_that_is_known() -> None:
    def targetless(answer: dict[str, Any]) -> None:
        for table in answer["RouteTables"]:
            table["Routes"] = [{"DestinationCidrBlock": "0.0.0.0/0", "State": "active"}]

    with changed("ec2:DescribeRouteTables", targetless, VPC) as aws:
        found = worst(ask(aws, "route-leads-out"))
    assert found.verdict is UNKNOWN
    assert "no target that is known of the route 0.0.0.0/0" in found.says


@pytest.mark.parametrize("protocol", ["tcp", "TCP", "06", "6", "-1"])
def test_an_acl_that_denies_is_read_in_each_form_of_its_protocol(protocol: str) -> None:
    def denying(answer: dict[str, Any]) -> None:
        for acl in answer["NetworkAcls"]:
            rule = {"RuleNumber": 1, "Protocol": protocol, "RuleAction": "deny", "CidrBlock": "0.0.0.0/0"}
            allow = {"RuleNumber": 2, "Protocol": "-1", "RuleAction": "allow", "CidrBlock": "0.0.0.0/0"}
            acl["Entries"] = [one | {"Egress": way} for one in (rule, allow) for way in (True, False)]

    with changed("ec2:DescribeNetworkAcls", denying, VPC) as aws:
        found = ask(aws, "network-acl-lets-https-through")
    assert {finding.verdict for finding in found} == {FAIL}
    assert all("rule 1, which denies" in finding.says for finding in found)


def test_a_protocol_that_is_none_is_unknown() -> None:
    def odd(answer: dict[str, Any]) -> None:
        for acl in answer["NetworkAcls"]:
            for entry in acl["Entries"]:
                entry["Protocol"] = "six"

    with changed("ec2:DescribeNetworkAcls", odd, VPC) as aws:
        found = worst(ask(aws, "network-acl-lets-https-through"))
    assert found.verdict is UNKNOWN
    assert "'six'" in found.says
