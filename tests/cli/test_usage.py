"""Each command with arguments that cannot be meant, with nothing, and with what is piped or lies in a file."""

import json
import os
from pathlib import Path

import pytest

from runbooks.aws.connect import connect
from runbooks.errors import UserError
from runbooks.text import spelling
from tests.cli.test_cli import NO_AWS, one_sentence, runbooks, shell
from tests.test_pasted import OF_A_DEPLOYMENT, OF_AN_INSTANCE, ON_PREMISES, envelope

FAILED = ("--sandbox", "deployment-script-failed")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["diagnose", "web-01", "shop/web"], "give the other as an option: --deployment-group shop/web"),
        (["diagnose", "shop/web", "web-01"], "give the other as an option: --instance web-01"),
        (["diagnose", "web-01", "web-02"], "takes one thing at a time, and 'web-02' is more"),
        (["why", "d-AAAAAAAAA", "d-BBBBBBBBB"], "why takes one thing at a time"),
        (["why"], "Missing argument 'DEPLOYMENT'"),
        (["why", ""], "it is empty"),
        (["why", "shop/web"], "For a group or an instance there is `runbooks diagnose`"),
        (["preflight"], "Missing argument 'APPLICATION/GROUP'"),
        (["preflight", "web-01"], "is not a deployment group: give APPLICATION/GROUP"),
        (["appspec"], "Missing argument 'PATH'"),
        (["open"], "Missing argument 'RUNBOOK'"),
        (["run"], "Missing argument 'RUNBOOK'"),
        (["open", "netwrk"], "There is no runbook 'netwrk'"),
        (
            ["open", "d-ABCDEF123", "--sandbox", "nope"],
            "There is no scenario 'nope'. `runbooks sandbox --list`",
        ),
        (
            ["open", "arn:aws:codedeploy:eu-west-1:111122223333:application:shop"],
            "That is the application shop",
        ),
        (["run", "agent", "--sandbox", "nope"], "There is no scenario 'nope'"),
        (
            ["sandbox", "--scenario", "nope"],
            "There is no scenario 'nope'. `runbooks sandbox --list` lists all",
        ),
        (["sandbox", "--scenario", "latched"], "There is no scenario 'latched'. `runbooks sandbox --list`"),
        (["sandbox", "--scenario", "hook-missing"], "Did you mean group-hook-missing"),
        (["sandbox", "--port", "x"], "Invalid value for '--port'"),
        (
            ["diagnose", "web-01", "--format", "pdf"],
            "Invalid value for '--format': 'pdf' is not one of 'text'",
        ),
        (["diagnose", "web-01", "--timeout", "0"], "Invalid value for '--timeout'"),
        (["diagnose", "web-01", "--hours", "nan"], "--hours must be a number above 0"),
        (["explain", ""], "No text was given. Give it as an argument, as a file"),
        (["explain", " \n"], "No text was given"),
        (["policy", "x"], "policy takes one thing at a time"),
        (["probe", "--instance", ON_PREMISES], "is the ARN of an instance: give its name"),
        (["appspec", "README.md", "--output", "x.html"], "This command writes no html"),
        (["diagnose", "web-01", "--output", "x.sarif"], "This command writes no sarif"),
        (["diagnose", "d-web"], "An on-premises instance of that name: --instance d-web"),
    ],
)
def test_it_is_one_sentence_without_the_words_of_a_library(arguments: list[str], says: str) -> None:
    said = one_sentence(runbooks(*arguments), 64)
    assert says in said
    assert "Value error" not in said
    assert len(said) < 500


def test_words_of_a_notebook_are_not_in_a_terminal_nor_those_of_a_terminal_in_a_notebook(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "give one (--region), or set" in one_sentence(runbooks("diagnose", "web-01"), 64)
    said = one_sentence(runbooks("diagnose", "web-01", "--region", "eu-west-1"), 64)
    assert "name a profile (--profile), or try the sandbox (--sandbox healthy)." in said
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in NO_AWS.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=r"give one \(region=…\), or set"):
        connect("aws")
    with pytest.raises(UserError, match=r"\(profile=…\), or try the sandbox \(target='sandbox:healthy'\)"):
        connect("aws", region="eu-west-1")


def test_parameters_are_written_as_options_while_a_command_runs() -> None:
    assert (spelling.parameter("region"), spelling.named("host_report")) == ("region=…", "host_report")
    with spelling.as_options():
        assert (spelling.parameter("region"), spelling.named("host_report")) == ("--region", "--host-report")
        with spelling.as_options():
            pass
        assert spelling.parameter("sandbox", "x") == "--sandbox x"
    assert spelling.sandbox_parameter("x") == "target='sandbox:x'"


@pytest.mark.parametrize("command", ["diagnose", "why"])
@pytest.mark.parametrize("message", [OF_A_DEPLOYMENT, OF_AN_INSTANCE])
def test_a_message_of_a_trigger_is_read_from_a_file_and_from_a_pipe(
    command: str, message: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "message.json"
    file.write_text(json.dumps(envelope(message)))
    for done in (
        runbooks(command, str(file), *FAILED),
        shell(f"cat {file} | $R {command} - {' '.join(FAILED)}"),
    ):
        assert done.returncode & 1, done.stderr
        assert "failed at ApplicationStart with ScriptFailed" in " ".join(done.stdout.split())
        assert f"again runbooks {command} d-SHOPWEB01" not in done.stderr


def test_the_message_about_an_on_premises_instance_is_asked_about_by_its_name(tmp_path: Path) -> None:
    """As the sandbox publishes it, which has the ARN of the target."""
    asked = shell("$R diagnose web-01 --check instance-is-registered --format json " + " ".join(FAILED))
    (check,) = json.loads(asked.stdout)["checks"]
    arn = check["findings"][0]["about"]
    assert arn.startswith("arn:aws:codedeploy:eu-west-1:111122223333:instance/web-01_")
    file = tmp_path / "message.json"
    file.write_text(json.dumps(envelope(OF_AN_INSTANCE | {"instanceId": arn})))
    done = runbooks("diagnose", str(file), "--format", "json", *FAILED)
    question = json.loads(done.stdout)["question"]
    assert (question["instance"], question["deployment"]) == ("web-01", "d-SHOPWEB01")


def test_a_name_that_is_a_file_too_stays_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "web-01").write_text("d-SHOPWEB01")
    monkeypatch.chdir(tmp_path)
    done = runbooks("diagnose", "web-01", "--sandbox", "healthy", PYTHONPATH=os.environ.get("PYTHONPATH", ""))
    assert "web-01 - sandbox:healthy" in done.stdout


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("report.html", "<!doctype html>"),
        ("report.HTM", "<!doctype html>"),
        ("report.json", "{"),
        ("report.md", "**FAIL**"),
        ("report.txt", "Failed: d-SHOPWEB01"),
        ("report", "Failed: d-SHOPWEB01"),
    ],
)
def test_the_ending_of_the_file_is_its_form(name: str, begins: str, tmp_path: Path) -> None:
    done = runbooks("why", "d-SHOPWEB01", *FAILED, "--output", str(tmp_path / name))
    assert done.returncode == 1, done.stderr
    assert (tmp_path / name).read_text().startswith(begins)


def test_a_form_that_is_asked_for_wins_over_the_ending(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    runbooks("why", "d-SHOPWEB01", *FAILED, "--output", str(file), "--format", "json")
    assert json.loads(file.read_text())["question"]["deployment"] == "d-SHOPWEB01"


@pytest.mark.parametrize("ending", ["json", "sarif"])
def test_the_findings_of_an_appspec_too(ending: str, tmp_path: Path) -> None:
    appspec, file = tmp_path / "appspec.yml", tmp_path / f"found.{ending}"
    appspec.write_text("version: 0.0\nos: linux\n")
    runbooks("appspec", str(appspec), "--output", str(file))
    assert ("$schema" in json.loads(file.read_text())) == (ending == "sarif")


def test_a_report_of_a_sandbox_says_how_its_commands_can_be_run() -> None:
    asked = (
        "diagnose",
        "web-01",
        "--check",
        "instance-is-registered",
        "--sandbox",
        "instance-not-registered",
    )
    arn = "arn:aws:sts::111122223333:assumed-role/CodeDeployOnPremises/web-01"
    done = runbooks(*asked, "--arn", arn, "--check", "arn-is-free")
    assert '--endpoint-url "$AWS_ENDPOINT_URL"' in done.stdout
    last = done.stdout.rstrip().splitlines()[-1]
    assert last == (
        "The commands of the AWS CLI here ask a sandbox. Start it, set what it prints, and then"
        " AWS_ACCESS_KEY_ID=administrator, since the caller that it prints may change little:"
        " runbooks sandbox --scenario instance-not-registered"
    )
    without = runbooks(*asked, "--check", "arn-is-free")
    assert "start a sandbox" not in without.stdout


def test_the_region_of_a_link_that_is_not_the_configured_one_is_said() -> None:
    link = "https://console.aws.amazon.com/codesuite/codedeploy/deployments/d-SHOPWEB01?region=eu-central-1"
    keys = {"AWS_ACCESS_KEY_ID": "AKIAX", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "eu-west-1"}
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    done = runbooks("why", link, "--timeout", "3", **keys, **nowhere)
    said = "Asked in eu-central-1, as its region says; your own configuration says eu-west-1."
    assert done.stderr.strip() == said
    done = runbooks("why", link, "--timeout", "3", **keys | {"AWS_REGION": "eu-central-1"}, **nowhere)
    assert done.stderr == ""
