"""The function of templates/notify-deployments.yml: what it makes of the JSON of a trigger, hostile text too."""

import json
import re
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import boto3
import jsonschema
import pytest
from botocore.stub import Stubber

from runbooks.catalog import deployment_error_codes, exceptions
from runbooks.links import names, read
from runbooks.text.links import page_url, short
from tests.templates.notify import (
    CHAT,
    DEPLOYMENT,
    HOSTILE,
    INSTANCE,
    MAIL,
    SCHEMA,
    SITE,
    STOPPED,
    SUCCEEDED,
    function,
    source,
    told,
)

ABOUT = {"deployment": "d-ABCDEF123", "region": "eu-west-1"}


def steps(notification: dict[str, Any]) -> list[str]:
    found: list[str] = notification["content"]["nextSteps"]
    return found


def test_a_failed_deployment_is_sent_with_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    notification, link = told(DEPLOYMENT, monkeypatch)
    assert link == f"{SITE}/e/?HEALTH_CONSTRAINTS&deployment=d-ABCDEF123&region=eu-west-1&group=shop%2Fweb"
    assert notification["content"] == {
        "textType": "client-markdown",
        "title": "CodeDeploy: d-ABCDEF123 FAILED in `shop/web`",
        "description": "`HEALTH_CONSTRAINTS`\n`Too few healthy instances.`",
        "nextSteps": [
            f"What it is and what to do: {link}",
            "Why: `runbooks why d-ABCDEF123 --region eu-west-1`",
        ],
    }
    assert notification["metadata"]["threadId"] == "d-ABCDEF123"
    assert notification["metadata"]["relatedResources"] == [
        "arn:aws:codedeploy:eu-west-1:111122223333:deploymentgroup:shop/web"
    ]


def test_a_stopped_deployment_names_its_code_though_the_error_is_json_in_a_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, link = told(STOPPED, monkeypatch)
    assert read(link).page == "/deployment-errors/MANUAL_STOP/"


@pytest.mark.parametrize("packed", [False, True])
def test_an_instance_has_no_code_so_it_leads_to_its_deployment_and_names_the_event(
    packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = INSTANCE | {"lifecycleEvents": json.dumps(INSTANCE["lifecycleEvents"])} if packed else INSTANCE
    notification, link = told(message, monkeypatch)
    assert read(link).page == "/runbooks/deployment/"
    assert read(link).context == ABOUT | {"instance": "i-0a1b2c3d4e5f60001"}
    assert notification["content"]["description"].endswith(": BeforeInstall failed`")
    assert notification["metadata"]["threadId"] == "d-ABCDEF123"  # the thread of its deployment


def test_an_on_premises_instance_is_not_named_by_the_end_of_its_arn(monkeypatch: pytest.MonkeyPatch) -> None:
    arn = "arn:aws:codedeploy:eu-west-1:111122223333:instance/web-01_kj3EXAMPLE"
    _, link = told(INSTANCE | {"instanceId": arn}, monkeypatch)
    assert read(link).context == ABOUT


def test_a_success_has_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    notification, link = told(SUCCEEDED, monkeypatch)
    assert link == ""
    assert steps(notification) == ["Why: `runbooks why d-ABCDEF123 --region eu-west-1`"]
    assert "SUCCEEDED" in notification["content"]["title"]


@pytest.mark.parametrize("name", sorted({*deployment_error_codes(), *exceptions(), *names(), "NEW_CODE"}))
def test_its_link_is_the_one_that_the_package_writes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    error = {"ErrorCode": name, "ErrorMessage": ""}
    _, link = told(DEPLOYMENT | {"errorInformation": error}, monkeypatch)
    monkeypatch.setenv("RUNBOOKS_SITE", SITE)
    assert link == page_url(short(name), **ABOUT, group="shop/web")
    assert read(link).page == names().get(name, "")
    assert read(link).context == ABOUT | {"group": "shop/web"}


# --- hostile text --------------------------------------------------------------------------------

PLACES: list[dict[str, Any]] = [
    DEPLOYMENT | {"errorInformation": {"ErrorCode": HOSTILE, "ErrorMessage": HOSTILE}},
    DEPLOYMENT | {"applicationName": HOSTILE, "deploymentGroupName": HOSTILE, "accountId": HOSTILE},
    DEPLOYMENT | {"errorInformation": {"ErrorCode": "X", "ErrorMessage": HOSTILE * 10_000}},
    INSTANCE
    | {
        "instanceId": f"arn:aws:ec2:{HOSTILE}:instance/{HOSTILE}",
        "lifecycleEvents": [{"LifecycleEvent": HOSTILE, "LifecycleEventStatus": "FAILED"}],
    },
    SUCCEEDED | {"status": HOSTILE},
]


@pytest.mark.parametrize("message", PLACES)
def test_nothing_hostile_acts(message: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    notification, link = told(message, monkeypatch)
    shown = (
        json.dumps(notification, ensure_ascii=False).replace(link, "") if link else json.dumps(notification)
    )
    assert not re.search(r"(?i)[<>@&\u202e\x1b]|\\u|://|www\.", shown)
    assert not link or re.fullmatch(rf"{re.escape(SITE)}/e/\?[\w.%~&=+-]+", link)
    assert read(link).context.items() >= ABOUT.items() or not link
    assert len(shown) < 2_000
    content = notification["content"]
    for text in (content["title"], content["description"], *content["nextSteps"]):
        for line in text.splitlines():
            outside = re.sub(r"`[^`]*`", "", line.replace(link, "") if link else line)
            assert "`" not in outside  # each piece of code is closed
            assert "evil" not in outside  # their words stand in code


@pytest.mark.parametrize(
    "change",
    [
        {"deploymentId": "d-ABC; reboot"},
        {"deploymentId": "$(reboot)"},
        {"region": "eu-west-1; reboot"},
        {"region": ""},
    ],
)
def test_what_would_become_a_command_must_be_codedeploys(
    change: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="no message of a trigger"):
        told(DEPLOYMENT | change, monkeypatch)


# --- what is sent --------------------------------------------------------------------------------


class Sns:
    """Keeps what is published, checked by botocore's model of SNS."""

    def __init__(self) -> None:
        self.sent: list[dict[str, str]] = []
        self.client = boto3.client("sns", "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")

    def publish(self, **parameters: str) -> None:
        self.sent.append(parameters)
        with Stubber(self.client) as stub:
            stub.add_response("publish", {"MessageId": "m"}, parameters)
            self.client.publish(**parameters)


def event(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"Records": [{"Sns": {"Message": json.dumps(message)}} for message in messages]}


def test_chat_gets_the_notification_and_mail_gets_text(monkeypatch: pytest.MonkeyPatch) -> None:
    sns = Sns()
    function(lambda _: sns, monkeypatch, MAIL=MAIL)["handler"](event(DEPLOYMENT), None)
    chat, mail = sns.sent
    assert chat["TopicArn"] == CHAT
    SCHEMA.validate(json.loads(chat["Message"]))
    assert mail["TopicArn"] == MAIL
    assert mail["Subject"] == "CodeDeploy: d-ABCDEF123 FAILED in `shop/web`"
    assert f"\nWhat it is and what to do: {SITE}/e/?HEALTH_CONSTRAINTS&" in mail["Message"]


@pytest.mark.parametrize("message", [*PLACES, DEPLOYMENT | {"applicationName": "ü" * 200}])
def test_the_subject_of_a_mail_is_one_that_sns_takes(
    message: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sns = Sns()
    function(lambda _: sns, monkeypatch, MAIL=MAIL)["handler"](event(message), None)
    assert re.fullmatch(r"[!-~][ -~]{0,98}", sns.sent[1]["Subject"])


def test_without_mail_and_ops_items_only_chat_is_sent_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    sns = Sns()
    function(lambda _: sns, monkeypatch)["handler"](event(DEPLOYMENT, INSTANCE, SUCCEEDED, STOPPED), None)
    assert [sent["TopicArn"] for sent in sns.sent] == [CHAT] * 4


def ops_items(messages: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, *, there: bool = False) -> Any:
    """What is asked of Systems Manager for these messages, checked by its model."""
    ssm = boto3.client("ssm", "eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
    asked: list[dict[str, Any]] = []
    with Stubber(ssm) as stub:

        def create(**parameters: Any) -> Any:
            asked.append(parameters)
            if there:
                stub.add_client_error("create_ops_item", "OpsItemAlreadyExistsException")
            else:
                stub.add_response("create_ops_item", {"OpsItemId": "oi-1"}, parameters)
            return ssm.create_ops_item(**parameters)

        clients = {"sns": Sns(), "ssm": SimpleNamespace(create_ops_item=create, exceptions=ssm.exceptions)}
        function(clients.__getitem__, monkeypatch, AUTOMATION="Team-Runbook")["handler"](
            event(*messages), None
        )
    return asked


def test_a_failed_deployment_opens_one_ops_item(monkeypatch: pytest.MonkeyPatch) -> None:
    (asked,) = ops_items([DEPLOYMENT, INSTANCE, SUCCEEDED], monkeypatch)
    assert not re.search("(?i)aws|amazon|amzn", asked["Source"])
    data = {key: json.loads(value["Value"]) for key, value in asked["OperationalData"].items()}
    assert data == {
        "/aws/resources": [{"arn": "arn:aws:codedeploy:eu-west-1:111122223333:deploymentgroup:shop/web"}],
        "/aws/automations": [{"automationType": "AWS:SSM:Automation", "automationId": "Team-Runbook"}],
        "/aws/dedup": {"dedupString": "d-ABCDEF123"},
    }
    assert f"{SITE}/e/?HEALTH_CONSTRAINTS&" in asked["Description"]
    assert "`runbooks why d-ABCDEF123 --region eu-west-1`" in asked["Description"]


def test_a_message_that_comes_twice_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ops_items([DEPLOYMENT], monkeypatch, there=True)
    assert capsys.readouterr().out == "d-ABCDEF123 has its OpsItem\n"


def test_an_ops_item_of_hostile_text_is_one_that_systems_manager_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for asked in ops_items(PLACES[:3], monkeypatch):
        assert len(asked["Description"]) <= 2048
        assert len(asked["Title"]) <= 1024


# --- the code and the schema ---------------------------------------------------------------------


def test_the_code_is_short_and_passes_the_linter() -> None:
    assert len(source()) <= 4_096  # what a template could hold when it took 4 KB
    ruff = [sys.executable, "-m", "ruff", "check", "--stdin-filename", "index.py", "-"]
    done = subprocess.run(ruff, input=source(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


GOOD = {"version": "1.0", "source": "custom", "content": {"description": "x"}}


def test_the_least_notification_passes() -> None:
    SCHEMA.check_schema(SCHEMA.schema)
    SCHEMA.validate(GOOD)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        GOOD | {"version": "1"},
        GOOD | {"version": 1.0},
        GOOD | {"source": "aws.codedeploy"},
        {key: value for key, value in GOOD.items() if key != "content"},
        GOOD | {"content": {}},
        GOOD | {"content": {"description": ""}},
        GOOD | {"content": {"description": "x", "textType": "markdown"}},
        GOOD | {"content": {"description": "x", "nextSteps": "one"}},
        GOOD | {"content": {"description": "x", "nextStep": ["one"]}},
        GOOD | {"metadata": {"threadId": 5}},
        GOOD | {"metadata": {"additionalContext": {"a": ["b"]}}},
        GOOD | {"metadata": {"Region": "eu-west-1"}},
        GOOD | {"detail": {}},
    ],
)
def test_a_wrong_shape_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        SCHEMA.validate(wrong)
