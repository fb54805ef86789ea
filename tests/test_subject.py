"""What a diagnosis is about, told apart by its form."""

import pytest
from typer.testing import CliRunner

from runbooks import diagnose, why
from runbooks.cli import app
from runbooks.errors import UserError
from runbooks.subject import asked_about, deployment_in, is_subject, region_asked, subject
from tests.support.world import PATIENT, world

CONSOLE = "https://eu-west-1.console.aws.amazon.com/codesuite/codedeploy"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("d-SHOPWEB01", {"deployment": "d-SHOPWEB01"}),
        (" d-SHOPWEB01\n", {"deployment": "d-SHOPWEB01"}),
        ('"d-SHOPWEB01"', {"deployment": "d-SHOPWEB01"}),
        ("d\u2011SHOPWEB01", {"deployment": "d-SHOPWEB01"}),
        ("\u00a0\u201cd\u2013SHOP\u200bWEB01\u201d\u00a0", {"deployment": "d-SHOPWEB01"}),
        ("web\u201101", {"instance": "web-01"}),
        ('"shop/web"', {"deployment_group": "shop/web"}),
        ("' `shop/web` '", {"deployment_group": "shop/web"}),
        (f"{CONSOLE}/deployments/d-SHOPWEB01?region=eu-west-1", {"deployment": "d-SHOPWEB01"}),
        ("Deployment d-SHOPWEB01 failed, see d-SHOPWEB01", {"deployment": "d-SHOPWEB01"}),
        ("web-01", {"instance": "web-01"}),
        ("I-am-web-01", {"instance": "I-am-web-01"}),
        ("i-0123456789abcdef0", {"instance": "i-0123456789abcdef0"}),
        ("arn:aws:ec2:eu-west-1:111122223333:instance/i-01234567", {"instance": "i-01234567"}),
        ("mi-0a1b2c3d4e5f60001", {"instance": "mi-0a1b2c3d4e5f60001"}),
        ("arn:aws:codedeploy:eu-west-1:111122223333:instance:web-01", {"instance": "web-01"}),
        ("shop/web", {"deployment_group": "shop/web"}),
        ("arn:aws:codedeploy:eu-west-1:1:deploymentgroup:shop/web", {"deployment_group": "shop/web"}),
        (f"{CONSOLE}/applications/shop/deployment-groups/web", {"deployment_group": "shop/web"}),
        (f"{CONSOLE}/applications/my%20shop/deployment-groups/web", {"deployment_group": "my shop/web"}),
        (
            "https://guide.example/e/ScriptFailed?deployment=d-SHOPWEB01&instance=web-01",
            {"deployment": "d-SHOPWEB01", "instance": "web-01"},
        ),
        ("https://guide.example/runbooks/triage/?group=shop/web", {"deployment_group": "shop/web"}),
    ],
)
def test_a_subject_is_known_by_its_form(text: str, named: dict[str, str]) -> None:
    assert subject(text) == named


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("d-AAAAAAAAA or d-BBBBBBBBB", "names d-AAAAAAAAA and d-BBBBBBBBB"),
        ("d-AAAAAAAAA on i-0123456789abcdef0", "names d-AAAAAAAAA and i-0123456789abcdef0"),
        ("D-SHOPWEB01", r"a letter in the wrong case \(d-SHOPWEB01\?\)"),
        ("d-SHOPWEB0l", r"a letter in the wrong case \(d-SHOPWEB01 or d-SHOPWEB0L\?\)"),
        (
            "d-shopweb01",
            r"a letter in the wrong case \(d-SHOPWEB01\?\)\. An on-premises instance of that name: --instance",
        ),
        ("d-SHOPWEB0", "this one has 8 after d-"),
        ("d-SHOPWEB012", "this one has 10 after d-"),
        ("d-SHOPWEBO1x", "this one has 10 after d-"),
        ("i-0123", "is not an EC2 instance id"),
        ("I-C57B5A4DAD0B61785", r"did you mean i-c57b5a4dad0b61785\?"),
        ("i-0123456789ABCDEF0", "did you mean i-0123456789abcdef0"),
        ("MI-0a1b2c3d4e5f60001", "did you mean mi-0a1b2c3d4e5f60001"),
        ("I have no idea", "a deployment .*, an instance .*, or a deployment group"),
        ("", "names nothing"),
        ("x" * 5000, "^'x{200}…' names nothing"),
        ("a/b/c", "names nothing"),
        ("https://example.com/", "names nothing"),
    ],
)
def test_what_names_nothing_or_several_is_one_sentence(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as raised:
        subject(text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("d-SHOPWEBO_", "holds '_'"),
        ("abc", "d- and nine capital letters or digits"),
        ("d-1", "has 1 after d-\\.$"),
        ("shop/web", "For a group or an instance there is `runbooks diagnose`"),
        ("x" * 5000, "^'x{200}…' holds"),
    ],
)
def test_an_id_says_which_rule_it_breaks(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        deployment_in(text)


def test_a_subject_and_its_option_may_agree_but_not_differ() -> None:
    assert asked_about("d-SHOPWEB01", {"deployment": "d-SHOPWEB01"}) == {"deployment": "d-SHOPWEB01"}
    assert asked_about("web-01", {"bucket": "b"}) == {"instance": "web-01", "bucket": "b"}
    assert asked_about(None, {"instance": "web-01"}) == {"instance": "web-01"}
    with pytest.raises(UserError, match="d-SHOPWEB01 and --deployment d-OTHER0000 differ"):
        asked_about("d-SHOPWEB01", {"deployment": "d-OTHER0000"})


GLOBAL = "https://console.aws.amazon.com/codesuite/codedeploy"


@pytest.mark.parametrize(
    "text",
    [
        f"{GLOBAL}/deployments/d-SHOPWEB01?region=eu-central-1",
        f"{GLOBAL}/applications/shop/deployment-groups/web?region=eu-central-1",
        "https://eu-central-1.console.aws.amazon.com/codesuite/codedeploy/deployments/d-SHOPWEB01",
        "https://1-ab.eu-central-1.console.aws.amazon.com/x/d-SHOPWEB01",
        f"{CONSOLE}/deployments/d-SHOPWEB01?region=eu-central-1",  # the console goes by the query
        "https://eu-west-1.console.aws.amazon.com/ec2/home?region=eu-central-1#InstanceDetails:instanceId=i-01234567",
        "https://guide.example/e/x?region=eu-central-1&deployment=d-SHOPWEB01",
        "arn:aws:codedeploy:eu-central-1:111122223333:instance/web-01",
        "arn:aws:codedeploy:eu-central-1:111122223333:deploymentgroup:shop/web",
        "arn:aws:ec2:eu-central-1:111122223333:instance/i-01234567",
        '{"region": "eu-central-1", "detail": {"deploymentId": "d-SHOPWEB01"}}',
        "aws deploy get-deployment --deployment-id d-SHOPWEB01 --region eu-central-1",
        "FAILED: AWS CodeDeploy d-SHOPWEB01 in eu-central-1 to shop",
        "the region is eu-central-1, d-SHOPWEB01",
    ],
)
def test_a_link_is_asked_about_in_its_own_region(text: str) -> None:
    assert region_asked(text, None) == "eu-central-1"
    assert region_asked(text, "eu-central-1") == "eu-central-1"
    with pytest.raises(UserError, match="is of eu-central-1 and --region says us-east-1"):
        region_asked(text, "us-east-1")


def test_a_text_without_a_region_leaves_the_option() -> None:
    for text in (None, "d-SHOPWEB01", "arn:aws:iam::111122223333:user/x", f"{GLOBAL}/x?region=nowhere"):
        assert region_asked(text, None) is None
        assert region_asked(text, "us-east-1") == "us-east-1"
    two = "arn:aws:ec2:eu-west-1:1:instance/i-01234567 arn:aws:ec2:eu-west-2:1:instance/i-01234567"
    assert region_asked(two, "eu-west-2") == "eu-west-2"
    with pytest.raises(UserError, match=r"names the Regions eu-west-1 and eu-west-2: say with --region"):
        region_asked(two, None)


@pytest.mark.parametrize("command", ["why", "diagnose"])
def test_the_command_asks_in_the_region_of_a_link(command: str) -> None:
    link = f"{GLOBAL}/deployments/d-SHOPWEB01?region=eu-central-1"
    scenario = ["--sandbox", "deployment-script-failed"]
    done = CliRunner().invoke(app, [command, link, *scenario])
    assert "There is no deployment d-SHOPWEB01 in eu-central-1" in " ".join(done.stdout.split())
    done = CliRunner().invoke(app, [command, link, "--region", "us-east-1", *scenario])
    assert "--region says us-east-1" in str(done.exception)


@pytest.mark.parametrize("command", ["diagnose", "why", "preflight"])
@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:codedeploy:eu-west-1:999999999999:{}",
        '{{"account": "999999999999", "id": "arn:aws:codedeploy:eu-west-1:999999999999:{}"}}',
    ],
)
def test_an_arn_of_another_account_is_not_asked_about_in_this_one(command: str, text: str) -> None:
    thing = "deployment:d-SHOPWEB01" if command == "why" else "deploymentgroup:shop/web"
    given = text.format(thing)
    ended = CliRunner().invoke(app, [command, given, "--sandbox", "healthy"])
    says = "is of the account 999999999999, and these credentials are of 111122223333"
    assert says in str(ended.exception)
    ours = CliRunner().invoke(
        app, [command, given.replace("999999999999", "111122223333"), "--sandbox", "healthy"]
    )
    assert "is of the account" not in str(ours.exception)
    assert "account 111122223333" in ours.stdout


def test_preflight_asks_in_the_region_of_an_arn() -> None:
    arn = "arn:aws:codedeploy:eu-central-1:111122223333:deploymentgroup:shop/web"
    done = CliRunner().invoke(app, ["preflight", arn, "--region", "us-east-1", "--sandbox", "group-healthy"])
    assert "That is of eu-central-1 and --region says us-east-1" in str(done.exception)


def test_the_command_takes_a_subject() -> None:
    done = CliRunner().invoke(app, ["diagnose", "web-01", "--sandbox", "agent-stopped"])
    assert done.exit_code == 1
    assert "agent-is-running" in done.stdout
    done = CliRunner().invoke(app, ["diagnose", "", "--sandbox", "healthy"])
    assert "it is empty" in done.output + str(done.exception)


def test_it_is_asked_again_by_the_short_form() -> None:
    with world("deployment-script-failed", config=PATIENT) as (aws, _):
        assert why(aws, "d-SHOPWEB01").again == "runbooks why d-SHOPWEB01 --sandbox deployment-script-failed"
        assert diagnose(aws, deployment="d-SHOPWEB01").again == (
            "runbooks diagnose d-SHOPWEB01 --sandbox deployment-script-failed"
        )
        several = diagnose(aws, deployment="d-SHOPWEB01", instance="web-01", checks="deployment-succeeded")
    assert "diagnose d-SHOPWEB01 --instance web-01 --check deployment-succeeded --sandbox" in several.again


@pytest.mark.parametrize(
    ("name", "value", "short"),
    [
        ("deployment_group", "shop/web", True),
        ("deployment_group", "my shop/web", False),
        ("deployment", "d-SHOPWEB01", True),
        ("instance", "web-01", False),
    ],
)
def test_what_is_no_subject_keeps_its_option(name: str, value: str, short: bool) -> None:
    assert is_subject(name, value) is short
