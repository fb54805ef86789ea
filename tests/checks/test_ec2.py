"""The checks on EC2 instances, by what EC2, IAM and CodeDeploy may answer, and the identity that the agent has there."""

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from codedeploy_sandbox import SCENARIOS, Error, Fault
from codedeploy_sandbox.hosts.machine import Machine, poll, run_probe, session_yml
from codedeploy_sandbox.scenarios.helpers import EC2
from codedeploy_sandbox.state import Account

from runbooks.aws.sandboxed import DAY
from runbooks.aws.session import Aws
from runbooks.checks import all_checks, ec2
from runbooks.checks._iam import trusts
from runbooks.checks.permissions import host_may_read_the_bucket
from runbooks.checks.selection import instance_carries_the_groups_tags
from runbooks.diagnosis import diagnose
from runbooks.engine import run
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, CheckFunction, Command, Finding, Verdict
from runbooks.host import probe_script, read_report
from runbooks.question import Question, is_ec2
from site_hooks.checks import _ABOUT_EC2
from tests.support.findings import assert_sound, only
from tests.support.world import PATIENT, asked, session, world

QUESTION = Question(instance=EC2, deployment_group="shop/web", bucket="shop-revisions")
OWN = f"arn:aws:ec2:eu-west-1:111122223333:instance/{EC2}"
ROLE = "arn:aws:iam::111122223333:role/WebServer"


def test_the_instance_of_the_scenarios_is_named_where_people_look_for_it() -> None:
    assert EC2 in str(SCENARIOS["ec2-healthy"].__doc__)
    assert _ABOUT_EC2 == {"instance": EC2}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("i-0123456789abcdef0", True),
        ("i-0abc1234", True),
        ("i-0123456789abcdef", False),
        ("i-0123456789abcdef01", False),
        ("i-0ABC1234", False),
        ("I-0abc1234", False),
        ("mi-0123456789abcdef0", False),
        ("web-01", False),
        ("", False),
        ("i-0abc1234\n", False),
    ],
)
def test_an_ec2_instance_is_known_by_its_form(name: str, expected: bool) -> None:
    assert is_ec2(name) is expected


def answers(aws: Aws, api: str, parsed: dict[str, Any]) -> None:
    """Let each call be answered so, without a request."""
    service, operation = api.split(":")
    answer = parsed | {"ResponseMetadata": {"RequestId": "r-1", "HTTPStatusCode": 200}}
    http = AWSResponse("http://127.0.0.1", 200, HTTPHeaders(), None)
    aws.client(service).meta.events.register(f"before-call.{service}.{operation}", lambda **_: (http, answer))


@pytest.fixture(scope="module")
def account() -> Iterator[Callable[..., Aws]]:
    """Sessions with one healthy account, in each of which AWS answers some calls in another way."""
    with world("ec2-healthy", config=PATIENT) as (_, sandbox):

        def asking(**given: dict[str, Any]) -> Aws:
            aws = session(sandbox, PATIENT)
            for api, parsed in given.items():
                answers(aws, api.replace("__", ":"), parsed)
            return aws

        yield asking


def ask(check: CheckFunction, aws: Aws, question: Question = QUESTION) -> list[Finding]:
    found = run(check, aws.remembering(), question)
    for finding in found:
        assert_sound(finding)
    return found


def described(state: str = "running", **more: Any) -> dict[str, Any]:
    """What DescribeInstances answers of the instance."""
    host = {"InstanceId": EC2, "State": {"Name": state}, **more}
    return {"Reservations": [{"Instances": [host]}]}


@pytest.mark.parametrize(
    ("state", "verdict", "code", "fix"),
    [
        ("running", OK, "ok", ""),
        ("pending", UNKNOWN, "pending", ""),
        ("stopping", FAIL, "stopping", "Wait until it is stopped"),
        ("stopped", FAIL, "stopped", "aws ec2 start-instances"),
        ("shutting-down", FAIL, "terminated", "the instance that replaced it"),
        ("terminated", FAIL, "terminated", "the instance that replaced it"),
    ],
)
def test_an_instance_has_to_run(
    account: Callable[..., Aws], state: str, verdict: Verdict, code: str, fix: str
) -> None:
    (finding,) = ask(ec2.ec2_instance_is_running, account(ec2__DescribeInstances=described(state)))
    assert (finding.verdict, finding.code) == (verdict, f"ec2-instance-is-running/{code}")
    assert fix in finding.fix
    assert isinstance(finding.fix, Command) is (state == "stopped")


@pytest.mark.parametrize("state", ["shutting-down", "terminated"])
def test_of_an_instance_that_is_gone_nothing_else_is_asked(account: Callable[..., Aws], state: str) -> None:
    ids = ["ec2-instance-has-a-role", "metadata-service-serves-the-agent", "instance-carries-the-groups-tags"]
    ids += ["host-may-read-the-bucket", "route-leads-out"]
    aws = account(ec2__DescribeInstances=described(state))
    report = diagnose(aws, checks=ids, **asked(QUESTION))
    assert {(f.verdict, f.says.removesuffix(".").endswith(f" is {state}")) for f in report.findings} == {
        (SKIP, True)
    }


def test_an_answer_about_another_instance_is_none(account: Callable[..., Aws]) -> None:
    other = {"Reservations": [{"Instances": [{"InstanceId": "i-0abc1234", "State": {"Name": "running"}}]}]}
    for check in (ec2.ec2_instance_is_running, ec2.ec2_instance_has_a_role):
        finding = only(ask(check, account(ec2__DescribeInstances=other)))
        assert finding.verdict is UNKNOWN
        assert "about i-0abc1234 instead of" in finding.says
    nothing = account(ec2__DescribeInstances={"Reservations": []})
    assert only(ask(ec2.ec2_instance_is_running, nothing)).verdict is UNKNOWN


def test_an_instance_of_another_account_is_one_that_this_account_does_not_have() -> None:
    with world("ec2-healthy", config=PATIENT) as (aws, _):
        found = ask(ec2.ec2_instance_is_running, aws, Question(instance="i-0abc1234"))
    (finding,) = found
    assert finding.code == "ec2-instance-is-running/not-found"
    assert (
        finding.says
        == "EC2 knows no instance i-0abc1234 in eu-west-1 of this account: InvalidInstanceID.NotFound."
    )
    assert "only in its own Region and account" in finding.fix


def test_an_instance_that_is_not_there_is_said_where_the_caller_cannot_be_named() -> None:
    fault = Fault("sts:GetCallerIdentity", Error("InternalFailure", "", 500))
    with world("ec2-healthy", [fault], config=PATIENT) as (aws, _):
        found = ask(ec2.ec2_instance_is_running, aws, Question(instance="i-0abc1234"))
    assert [one.code.rpartition("/")[2] for one in found if one.verdict is FAIL] == ["not-found"]


def test_a_region_that_does_not_answer_is_not_called_empty() -> None:
    denied = Error("UnauthorizedOperation", "You are not authorized to perform: ec2:DescribeInstances", 403)
    second = Fault("ec2:DescribeInstances", denied, skip=1, times=1)  # the first neighbour
    with world("ec2-other-region", [second], config=PATIENT) as (aws, _):
        found = ask(ec2.ec2_instance_is_running, aws)
    here, there = found
    assert (here.code, there.code) == (
        "ec2-instance-is-running/not-found",
        "ec2-instance-is-running/regions-not-checked",
    )
    assert "Could not check eu-central-1" in there.says
    assert "this identity may not call ec2:DescribeInstances" in there.says


def test_denied_descriptions_are_unknown_and_named() -> None:
    denied = Fault("ec2:DescribeInstances", Error("UnauthorizedOperation", "You are not authorized", 403))
    with world("ec2-healthy", [denied], config=PATIENT) as (aws, _):
        for check in (
            *(c.function for c in all_checks() if c.category == "ec2"),
            instance_carries_the_groups_tags,
        ):
            if check.__name__ != "agent_works_as_the_ec2_instance":  # which asks the host
                finding = only(ask(check, aws))
                assert finding.verdict is UNKNOWN
                assert "this identity may not call ec2:DescribeInstances" in finding.says


def test_on_premises_names_are_none_of_these(account: Callable[..., Aws]) -> None:
    for check in all_checks():
        if check.category == "ec2":
            finding = only(ask(check.function, account(), Question(instance="web-01")))
            assert (finding.verdict, finding.says) == (
                SKIP,
                "web-01 is an on-premises name, not an EC2 instance ID.",
            )


def test_the_belief_that_it_must_be_registered_is_answered(account: Callable[..., Aws]) -> None:
    report = diagnose(account(), checks=["instance-is-registered"], instance=EC2)
    (finding,) = report.findings
    assert finding.verdict is SKIP
    assert "EC2 instances are not registered" in finding.says
    assert finding.next == "ec2-instance-is-running"
    assert finding.proof == ()


PROFILE = {"Arn": "arn:aws:iam::111122223333:instance-profile/WebServer"}


def profile(**role: Any) -> dict[str, Any]:
    """What GetInstanceProfile answers of the instance's profile."""
    return {"InstanceProfile": PROFILE | {"Roles": [{"Arn": ROLE} | role]}}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"InstanceProfile": PROFILE | {"Arn": f"{PROFILE['Arn']}2", "Roles": []}}, "instead of"),
        ({"InstanceProfile": PROFILE}, "without the member InstanceProfile.Roles"),
        (profile(), "gives no trust policy"),
        (profile(AssumeRolePolicyDocument="not JSON"), "gives no trust policy"),
    ],
)
def test_what_is_no_record_of_the_profile_is_unknown(
    account: Callable[..., Aws], answer: dict[str, Any], says: str
) -> None:
    finding = only(ask(ec2.ec2_instance_has_a_role, account(iam__GetInstanceProfile=answer)))
    assert finding.verdict is UNKNOWN
    assert says in finding.says


def test_a_profile_that_was_deleted_fails() -> None:
    gone = Fault("iam:GetInstanceProfile", Error("NoSuchEntity", "not found", 404))
    with world("ec2-healthy", [gone], config=PATIENT) as (aws, _):
        finding = only(ask(ec2.ec2_instance_has_a_role, aws))
        assert finding.code == "ec2-instance-has-a-role/no-such-profile"
        (read,) = ask(host_may_read_the_bucket, aws)
    assert (read.verdict, read.next) == (SKIP, "ec2-instance-has-a-role")


def trust(effect: str = "Allow", service: Any = "ec2.amazonaws.com", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Principal": {"Service": service}, "Action": "sts:AssumeRole", **more}


@pytest.mark.parametrize(
    ("statements", "yes", "doubt"),
    [
        (trust(), True, False),
        ([trust()], True, False),
        ([trust(service=["lambda.amazonaws.com", "ec2.amazonaws.com"])], True, False),
        ([trust(Action="sts:*")], True, False),
        ([trust(Action=["sts:TagSession", "STS:assumerole"])], True, False),
        ([trust(Action="sts:TagSession")], False, False),
        ([trust(service="lambda.amazonaws.com")], False, False),
        ([trust() | {"Principal": {"AWS": "arn:aws:iam::111122223333:root"}}], False, False),
        ([], False, False),
        (None, False, False),
        ([trust(), trust("Deny")], False, False),
        ([trust(Condition={"StringEquals": {"aws:SourceAccount": "1"}})], False, True),
        ([trust(), trust(Condition={"StringEquals": {"aws:SourceAccount": "1"}})], True, False),
        ([trust(), trust("Deny", Condition={"Bool": {"x": "y"}})], False, True),
        ([trust() | {"Principal": "*"}], False, True),
        ([trust() | {"Principal": {"AWS": "*"}}], False, True),
        ([{"Effect": "Allow", "NotPrincipal": {"AWS": "x"}, "Action": "sts:AssumeRole"}], False, True),
        (["text"], False, True),
    ],
)
def test_whom_a_trust_policy_trusts(statements: Any, yes: bool, doubt: bool) -> None:
    answer = trusts({"Statement": statements}, {"ec2.amazonaws.com"})
    assert (answer.yes, bool(answer.doubt)) == (yes, doubt)


def test_a_trust_policy_in_doubt_is_unknown_and_a_denial_has_no_command(account: Callable[..., Aws]) -> None:
    doubtful = profile(
        AssumeRolePolicyDocument=json.dumps({"Statement": [trust(Condition={"Bool": {"x": "y"}})]})
    )
    finding = only(ask(ec2.ec2_instance_has_a_role, account(iam__GetInstanceProfile=doubtful)))
    assert finding.verdict is UNKNOWN
    denied = profile(AssumeRolePolicyDocument=json.dumps({"Statement": [trust(), trust("Deny")]}))
    finding = only(ask(ec2.ec2_instance_has_a_role, account(iam__GetInstanceProfile=denied)))
    assert (finding.verdict, finding.fix) == (FAIL, ""), finding.says


@pytest.mark.parametrize(
    ("options", "agent", "verdict"),
    [
        ({"HttpEndpoint": "enabled", "HttpTokens": "optional"}, "1.0.1", OK),
        ({"HttpEndpoint": "enabled", "HttpTokens": "required"}, "1.2.0", FAIL),
        ({"HttpEndpoint": "enabled", "HttpTokens": "required"}, "1.2.1", OK),
        ({"HttpEndpoint": "enabled", "HttpTokens": "required"}, "2.1.0", OK),
        ({"HttpEndpoint": "enabled", "HttpTokens": "required"}, None, SKIP),
        ({"HttpEndpoint": "enabled"}, "1.2.0", FAIL),  # it is not known that none is required
        ({"HttpEndpoint": "disabled", "HttpTokens": "optional"}, "2.1.0", FAIL),
        ({"HttpTokens": "optional"}, "2.1.0", UNKNOWN),
        ({}, "2.1.0", UNKNOWN),
    ],
)
def test_the_metadata_service_fits_the_agent(
    account: Callable[..., Aws], options: dict[str, str], agent: str | None, verdict: Verdict
) -> None:
    aws = account(ec2__DescribeInstances=described(MetadataOptions=options))
    question = on_host(Machine("ip-10-20-0-11", agent=agent, metadata="eu-west-1", instance=OWN))
    assert only(ask(ec2.metadata_service_serves_the_agent, aws, question)).verdict is verdict


@pytest.mark.parametrize(
    ("metadata", "hops", "says", "fix"),
    [
        ("dropped", 1, "Its hop limit is 1", "aws ec2 modify-instance-metadata-options"),
        ("dropped", 2, "does not answer the host (curl: (28)", "Take out the rule"),
        ("", 1, "does not answer the host (curl: (7)", "Take out the rule"),
    ],
)
def test_a_metadata_service_that_is_on_and_does_not_answer_the_host_fails(
    account: Callable[..., Aws], metadata: str, hops: int, says: str, fix: str
) -> None:
    options = {"HttpEndpoint": "enabled", "HttpTokens": "optional", "HttpPutResponseHopLimit": hops}
    aws = account(ec2__DescribeInstances=described(MetadataOptions=options))
    question = on_host(Machine("ip-10-20-0-11", metadata=metadata, instance=OWN))
    finding = only(ask(ec2.metadata_service_serves_the_agent, aws, question))
    assert (finding.verdict, finding.code) == (FAIL, "metadata-service-serves-the-agent/no-answer")
    assert says in finding.says
    assert finding.fix.startswith(fix)


def on_host(machine: Machine) -> Question:
    """The question with the report of a host."""
    report = run_probe(machine, DAY, probe_script(EC2))
    return Question(instance=EC2, host_report=read_report(report.stdout, now=DAY))


@pytest.mark.parametrize(
    ("machine", "verdict", "code"),
    [
        ({}, OK, "ok"),
        ({"identity": session_yml("arn:aws:sts::111122223333:assumed-role/R/web-01", "eu-west-1")}, FAIL, "stray-yml"),
        ({"identity": "- not a mapping\n"}, FAIL, "stray-yml"),
        ({"others": (("root/.aws/credentials", "[default]\n"),)}, WARN, "stray-keys"),
        ({"log": (poll("arn:aws:iam::111122223333:user/web-01"),)}, FAIL, "polls-as-another"),
        ({"settings": ":deploy_control_endpoint: https://codedeploy-commands.us-east-1.amazonaws.com\n"}, FAIL, "polls-elsewhere"),
    ],
)  # fmt: skip
def test_the_agent_has_the_identity_of_the_instance(
    account: Callable[..., Aws], machine: dict[str, Any], verdict: Verdict, code: str
) -> None:
    question = on_host(Machine("ip-10-20-0-11", **({"metadata": "eu-west-1", "instance": OWN} | machine)))
    finding = only(ask(ec2.agent_works_as_the_ec2_instance, account(), question))
    assert (finding.verdict, finding.code) == (verdict, f"agent-works-as-the-ec2-instance/{code}")


PRODUCTION = {"Key": "Environment", "Value": "production", "Type": "KEY_AND_VALUE"}
CANARY = {"Key": "Canary", "Type": "KEY_ONLY"}
SCALED = {"Key": "aws:autoscaling:groupName", "Value": "shop-asg"}


def group(**more: Any) -> dict[str, Any]:
    """What GetDeploymentGroup answers."""
    return {"deploymentGroupInfo": {"deploymentGroupName": "web", "computePlatform": "Server", **more}}


@pytest.mark.parametrize(
    ("described_group", "tags", "verdict", "says"),
    [
        (group(ec2TagFilters=[PRODUCTION]), {"Environment": "production"}, OK, "is selected by shop/web"),
        (group(ec2TagFilters=[CANARY, PRODUCTION]), {"Environment": "production"}, OK, "is selected"),
        (group(ec2TagSet={"ec2TagSetList": [[PRODUCTION], [CANARY]]}), {"Environment": "production"}, FAIL, "it has none of Canary=(any value)"),
        (group(ec2TagSet={"ec2TagSetList": [[PRODUCTION], [CANARY]]}), {"Environment": "production", "Canary": ""}, OK, "is selected"),
        (group(onPremisesInstanceTagFilters=[PRODUCTION]), {"Environment": "production"}, FAIL, "selects no EC2 instance: it has no EC2 tags and no Auto Scaling group"),
        (group(autoScalingGroups=[{"name": "shop-asg"}]), {"aws:autoscaling:groupName": "shop-asg"}, OK, "it is in its Auto Scaling group shop-asg"),
        (group(autoScalingGroups=[{"name": "shop-asg"}], ec2TagFilters=[CANARY]), {"aws:autoscaling:groupName": "shop-asg"}, OK, "Auto Scaling group shop-asg"),
        (group(autoScalingGroups=[{"name": "shop-asg"}], ec2TagFilters=[CANARY]), {"Canary": "1"}, OK, "is selected"),
        (group(autoScalingGroups=[{"name": "other-asg"}]), {"aws:autoscaling:groupName": "shop-asg"}, FAIL, "it is in the Auto Scaling group shop-asg, and shop/web selects by other-asg alone"),
        (group(autoScalingGroups=[{"name": "other-asg"}]), {}, FAIL, "it is in no Auto Scaling group"),
        (group(autoScalingGroups=[{}]), {}, FAIL, "it is in no Auto Scaling group"),
        (group(ec2TagFilters=[SCALED]), {}, FAIL, "it has no tags"),
        (group(computePlatform="ECS"), {"Environment": "production"}, FAIL, "deploys to ECS, not to instances"),
    ],
)  # fmt: skip
def test_a_group_selects_by_ec2_tags_or_auto_scaling_groups(
    account: Callable[..., Aws],
    described_group: dict[str, Any],
    tags: dict[str, str],
    verdict: Verdict,
    says: str,
) -> None:
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    aws = account(
        codedeploy__GetDeploymentGroup=described_group, ec2__DescribeInstances=described(Tags=pairs)
    )
    finding = only(ask(instance_carries_the_groups_tags, aws))
    assert (finding.verdict, says in finding.says) == (verdict, True), finding.says
    assert "aws:autoscaling" not in finding.fix or not isinstance(finding.fix, Command)


def test_a_group_of_another_platform_selects_no_on_premises_instance_either(
    account: Callable[..., Aws],
) -> None:
    aws = account(codedeploy__GetDeploymentGroup=group(computePlatform="Lambda"))
    finding = only(
        ask(instance_carries_the_groups_tags, aws, Question(instance="web-01", deployment_group="shop/web"))
    )
    assert finding.code == "instance-carries-the-groups-tags/other-platform"


def test_the_command_for_a_missing_tag_holds_any_value(account: Callable[..., Aws]) -> None:
    odd = {"Key": "a b", "Value": "x,y'z", "Type": "KEY_AND_VALUE"}
    aws = account(
        codedeploy__GetDeploymentGroup=group(ec2TagFilters=[odd]), ec2__DescribeInstances=described(Tags=[])
    )
    words = shlex.split(only(ask(instance_carries_the_groups_tags, aws)).fix)
    assert words[:3] == ["aws", "ec2", "create-tags"]
    assert json.loads(words[words.index("--tags") + 1]) == [{"Key": "a b", "Value": "x,y'z"}]


def test_an_instance_that_is_not_managed_has_a_sentence_and_no_ssh() -> None:
    with world("ec2-not-managed", config=PATIENT) as (aws, _):
        report = diagnose(aws, checks=["host-is-managed-and-online"], instance=EC2)
    (finding,) = report.findings
    assert finding.verdict is WARN
    assert not isinstance(finding.fix, Command)
    assert "AmazonSSMManagedInstanceCore" in finding.fix


@contextmanager
def changed(change: Callable[[Account], None]) -> Iterator[Aws]:
    """The account of ec2-healthy with a change."""

    def scenario(account: Account) -> None:
        SCENARIOS["ec2-healthy"](account)
        change(account)

    with world(scenario, config=PATIENT) as (aws, _):
        yield aws


def test_a_host_of_the_same_name_is_not_taken_for_the_instance() -> None:
    """Systems Manager knows an EC2 instance by its ID alone, whatever computers are called."""

    def rename(account: Account) -> None:
        nodes = account.state("eu-west-1").nodes
        node = nodes.pop(EC2)
        nodes["mi-0a1b2c3d4e5f60009"] = type(node)("mi-0a1b2c3d4e5f60009", Machine(EC2))

    with changed(rename) as aws:
        report = diagnose(aws, checks=["host-is-managed-and-online"], instance=EC2)
    assert "knows no host" in only(report.findings).says
