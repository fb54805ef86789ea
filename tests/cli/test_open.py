"""`runbooks open` with a link, and `runbooks explain` with any bytes."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from runbooks.cli.app import app
from runbooks.runbook import copies, lab

QUERY = "instance=web-01&region=eu-west-1&group=shop/web"


def opened(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[str, dict[str, Any], str]:
    """The runbook and the parameters that `open` would copy it with, and what it says beside that."""
    asked: list[tuple[str, dict[str, Any]]] = []

    def copy(name: str, **parameters: Any) -> Path:
        asked.append((name, parameters))
        return Path("copy.ipynb")

    monkeypatch.setattr(copies, "open_runbook", copy)
    monkeypatch.setattr(lab, "show", lambda *_, **__: None)
    done = CliRunner().invoke(app, ["open", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return *asked[0], done.stderr


def test_a_link_opens_its_runbook_with_what_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    link = f"https://guide.example.com/e/instancenotregistered/?{QUERY}"
    name, given, said = opened(monkeypatch, link)
    assert name == "instance-state"
    assert (given["instance"], given["region"], given["deployment_group"]) == (
        "web-01",
        "eu-west-1",
        "shop/web",
    )
    assert said == ""


def test_an_option_wins_over_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    link = f"/checks/agent/?{QUERY}#agent-is-running"
    name, given, said = opened(monkeypatch, link, "--instance", "web-02", "--region", "us-east-1")
    assert (name, given["instance"], given["region"]) == ("agent", "web-02", "us-east-1")
    assert said == "The runbook agent does not ask about: deployment_group.\n"


def test_an_error_without_a_runbook_of_its_own_opens_triage_with_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, given, _ = opened(monkeypatch, "ThrottlingException")
    assert name == "triage"
    assert given["error"] == "ThrottlingException"


def test_an_ec2_instance_is_asked_about_by_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    _, given, _ = opened(monkeypatch, "/e/?HEALTH_CONSTRAINTS&instance=i-0abc1234def567890")
    assert given["instance"] == "i-0abc1234def567890"
    _, given, _ = opened(monkeypatch, "/e/?HEALTH_CONSTRAINTS&instance=i-0abc1234DEF567890")
    assert "instance" not in given


@pytest.mark.parametrize(
    "link",
    [
        "d-ABCDEF123",
        "https://guide.example.com/e/?AGENT_ISSUE&deployment=d-ABCDEF123",
        "/e/?HEALTH_CONSTRAINTS&deployment=d-ABCDEF123&group=shop/web",
        "/runbooks/deployment/?deployment=d-ABCDEF123",
    ],
)
def test_a_deployment_is_asked_about_in_its_runbook(link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, given, _ = opened(monkeypatch, link)
    assert (name, given["deployment"]) == ("deployment", "d-ABCDEF123")


def test_without_a_deployment_but_with_an_instance_triage_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    name, given, _ = opened(monkeypatch, "/e/?ScriptFailed&instance=web-01")
    assert (name, given["instance"], given["error"]) == ("triage", "web-01", "ScriptFailed")


def test_a_link_that_names_a_runbook_or_an_instance_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert opened(monkeypatch, "/runbooks/network/?deployment=d-ABCDEF123")[0] == "network"
    assert opened(monkeypatch, "/e/?agent-not-heard&deployment=d-ABCDEF123&instance=web-01")[0] == "agent"


@pytest.mark.parametrize(
    "hostile", ["instance=a;b", "instance=--all", "region=x%0Aimport os", "group=%22%29"]
)
def test_what_cannot_be_meant_is_left_out(monkeypatch: pytest.MonkeyPatch, hostile: str) -> None:
    _, given, _ = opened(monkeypatch, f"/e/?InstanceNotRegistered&{hostile}")
    assert {key: value for key, value in given.items() if key != "target" and value} == {}


def test_the_name_of_a_runbook_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert opened(monkeypatch, "network")[0] == "network"
    done = CliRunner().invoke(app, ["open", "no-such-runbook"])
    assert "There is no runbook 'no-such-runbook'" in str(done.exception)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_explain_reads_any_encoding(tmp_path: Path, encoding: str) -> None:
    data = "An error occurred (ThrottlingException) when calling the GetDeployment operation".encode(encoding)
    file = tmp_path / "paste.txt"
    file.write_bytes(data)
    command = [sys.executable, "-m", "runbooks", "explain"]
    for done in (
        subprocess.run([*command, str(file)], capture_output=True, check=False),
        subprocess.run(command, input=data, capture_output=True, check=False),
    ):
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(b"ThrottlingException: ")


ARN = "arn:aws:codedeploy:eu-central-1:111122223333:instance/web-01_c26ccf972c"


@pytest.mark.parametrize(
    ("given", "name", "about"),
    [
        (ARN, "triage", {"instance": ARN, "region": "eu-central-1"}),
        ("i-0abc1234def567890", "triage", {"instance": "i-0abc1234def567890"}),
        (
            "https://eu-west-1.console.aws.amazon.com/codesuite/codedeploy/deployments/d-ABCDEF123?region=eu-west-1",
            "deployment",
            {"deployment": "d-ABCDEF123", "region": "eu-west-1"},
        ),
        (
            f'{{"region": "eu-central-1", "deploymentId": "d-ABCDEF123", "instanceId": "{ARN}"}}',
            "deployment",
            {"deployment": "d-ABCDEF123", "region": "eu-central-1"},
        ),
    ],
)
def test_an_arn_a_link_of_the_console_and_an_event_open_a_runbook(
    given: str, name: str, about: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opens, asked, _ = opened(monkeypatch, given)
    assert opens == name
    assert {key: value for key, value in asked.items() if value and key != "target"} == about


def test_the_region_of_an_instances_arn_is_the_one_to_ask_in(monkeypatch: pytest.MonkeyPatch) -> None:
    _, asked, _ = opened(monkeypatch, "agent", "--instance", ARN)
    assert (asked["instance"], asked["region"]) == (ARN, "eu-central-1")
    done = CliRunner().invoke(app, ["open", "agent", "--instance", ARN, "--region", "us-east-1"])
    assert "is of eu-central-1 and --region says us-east-1" in str(done.exception)
