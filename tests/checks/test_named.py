"""Which instance an ARN is of, and what a name is of that no instance has."""

import pytest
from codedeploy_sandbox import Error, Fault

from runbooks.aws.session import Aws
from runbooks.checks._named import names_within
from runbooks.diagnosis import diagnose
from runbooks.errors import UserError
from runbooks.facts.registration import registration
from runbooks.findings import FAIL, Command
from runbooks.register.plan import prepare
from tests.support.world import world

GET = "codedeploy:GetOnPremisesInstance"
ARN = "arn:aws:codedeploy:eu-west-1:111122223333:instance/{}"


def arn_of(aws: Aws, name: str) -> str:
    info = registration(aws, name)
    assert isinstance(info, dict)
    return str(info["instanceArn"])


def gets(sandbox: object) -> list[str]:
    return [
        call.parameters["instanceName"]
        for call in sandbox.account.journal  # type: ignore[attr-defined]
        if (call.service, call.operation) == ("codedeploy", "GetOnPremisesInstance")
    ]


def test_an_arn_is_asked_about_by_its_name_without_a_further_call() -> None:
    with world("healthy") as (aws, sandbox):
        arn = arn_of(aws, "web-01")
        assert arn.startswith(ARN.format("web-01_"))
        before = len(gets(sandbox))
        report = diagnose(aws, instance=arn, checks="instance-is-registered")
        assert gets(sandbox)[before:] == ["web-01"]
    assert report.question.instance == "web-01"
    assert report.exit_code == 0
    assert "web-01 --check" in report.again or "--instance web-01" in report.again


def test_a_name_with_underscores_is_found_and_none_is_cut() -> None:
    with world("healthy") as (aws, sandbox):
        user = "arn:aws:iam::111122223333:user/{}"
        for name in ("web_01_a", "web_01"):
            sandbox.account.state("eu-west-1").register(name, aws.now(), user=user.format(name))
        for name in ("web_01_a", "web_01"):
            asked = diagnose(aws, instance=arn_of(aws, name), checks="instance-is-registered")
            assert asked.question.instance == name
        longer = arn_of(aws, "web_01").replace("_01_", "_01_a_")  # begins like both, and is of neither
        with pytest.raises(
            UserError, match=r"web_01_a has the ARN .*, web_01 has the ARN .* Ask about it by its name"
        ):
            diagnose(aws, instance=longer)


@pytest.mark.parametrize(
    ("resource", "names"),
    [
        ("web-01_c26ccf972c", ["web-01", "web-01_c26ccf972c"]),
        ("a_b_c", ["a_b", "a", "a_b_c"]),
        ("web-01", ["web-01"]),
        ("_x", ["_x"]),
        ("i-0123_c26ccf972c", []),
        ("a_b_c_d_e_f", ["a_b_c_d_e", "a_b_c_d", "a_b_c", "a_b", "a_b_c_d_e_f"]),
    ],
)
def test_an_arn_may_be_of_these_names(resource: str, names: list[str]) -> None:
    assert names_within(resource) == names


@pytest.mark.parametrize(
    ("arn", "says"),
    [
        (
            ARN.format("web-01_0000000000"),
            "web-01 has the ARN .*, so it was registered again or is another one",
        ),
        (ARN.format("nope_c26ccf972c"), "none is registered as nope or nope_c26ccf972c"),
        (
            ARN.format("web-01_x").replace("eu-west-1", "us-east-1"),
            "is of us-east-1, and eu-west-1 was asked: give region=…",
        ),
    ],
)
def test_an_arn_of_no_instance_here_is_one_sentence(arn: str, says: str) -> None:
    with world("healthy") as (aws, _), pytest.raises(UserError, match=says) as raised:
        diagnose(aws, instance=arn)
    assert raised.value.exit_code == 64


def test_an_arn_of_another_account_is_not_read() -> None:
    with world("healthy") as (aws, sandbox):
        assert aws.identity.account == "111122223333"
        with pytest.raises(
            UserError, match="of the account 999999999999, and these credentials are of 111122223333"
        ):
            diagnose(aws, instance=ARN.format("web-01_x").replace("111122223333", "999999999999"))
        assert gets(sandbox) == []


def test_an_arn_that_may_not_be_read_is_not_cut() -> None:
    denied = Fault(GET, Error("AccessDeniedException", "no", 400))
    with (
        world("healthy", [denied]) as (aws, _),
        pytest.raises(UserError, match="Give the instance's name") as raised,
    ):
        diagnose(aws, instance=ARN.format("web-01_c26ccf972c"))
    assert raised.value.exit_code == 2


def test_an_arn_cannot_be_registered_as_a_name() -> None:
    with pytest.raises(UserError, match="is the ARN of an instance: give its name"):
        prepare("sandbox:healthy", ARN.format("new-01_x"), "arn:aws:iam::111122223333:user/x", {})


@pytest.mark.parametrize(
    ("name", "codes", "says"),
    [
        (
            "shop",
            {"is-an-application": "runbooks diagnose shop/web"},
            "an application with the deployment groups web",
        ),
        (
            "web",
            {"is-a-scaling-group": "runbooks diagnose i-", "is-a-group": "runbooks diagnose shop/web"},
            "shop/web",
        ),
        (
            "nope",
            {"arn-not-given": "To register nope, run `runbooks diagnose --instance nope"},
            "was not given",
        ),
    ],
)
def test_a_name_of_something_else_says_what_it_is_and_how_to_ask(
    name: str, codes: dict[str, str], says: str
) -> None:
    with world("group-healthy") as (aws, _):
        found = diagnose(aws, instance=name, checks="instance-is-registered").findings
    assert [one.code for one in found] == [
        f"instance-is-registered/{code}" for code in ("not-registered", *codes)
    ]
    assert {one.verdict for one in found} == {FAIL}
    for one, fix in zip(found[1:], codes.values(), strict=True):
        assert fix in one.fix
        assert not isinstance(one.fix, Command)  # a read does not fix
    assert says in found[-1].says


def test_a_registered_name_is_not_asked_about_as_anything_else() -> None:
    with world("group-healthy") as (aws, sandbox):
        diagnose(aws, instance="web-01", checks="instance-is-registered")
        asked = {call.operation for call in sandbox.account.journal}
    assert not asked & {"ListDeploymentGroups", "ListApplications", "DescribeAutoScalingGroups"}


def test_what_may_not_be_listed_is_left_out() -> None:
    denied = [
        Fault(api, Error("AccessDenied", "no", 403))
        for api in ("codedeploy:ListDeploymentGroups", "codedeploy:ListApplications", "autoscaling:*")
    ]
    with world("group-healthy", denied) as (aws, _):
        found = diagnose(aws, instance="shop", checks="instance-is-registered").findings
    assert [one.code for one in found] == [
        "instance-is-registered/not-registered",
        "instance-is-registered/arn-not-given",
    ]


@pytest.mark.parametrize("name", ["web-01.", "web-01,", "WEB-01."])
def test_a_stop_at_the_end_leads_to_the_name(name: str) -> None:
    with world("healthy") as (aws, _):
        found = diagnose(aws, instance=name, checks="instance-is-registered").findings
    assert found[-1].about == "web-01"
