"""What the pages on the templates say, held to the templates and to the command."""

import os
import re
import shlex
import subprocess
import sys
from typing import Any

import pytest
import yaml

from tests.support import DOCS, ROOT
from tests.support.sandbox import AWS, environment_for, sandbox_process
from tests.templates.conftest import UNPROVED, Deployed
from tests.templates.stacks import STACKS, TEMPLATES, accepts, read

INSTALLATION = (DOCS / "best-practices/automated-installation.md").read_text(encoding="utf-8")
HOOKS = (DOCS / "best-practices/lifecycle-hooks.md").read_text(encoding="utf-8")
UPGRADE = (DOCS / "guides/agent-upgrade.md").read_text(encoding="utf-8")
TICKETS = (DOCS / "tickets.md").read_text(encoding="utf-8")
PAGES = INSTALLATION + UPGRADE + (DOCS / "best-practices/regular-updates.md").read_text(encoding="utf-8")


# The templates of notifications have a page of their own.
HERE = [name for name in STACKS if not name.startswith("notify-")]


def fences(page: str, language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", page, re.DOTALL | re.MULTILINE)


def test_the_appspec_of_the_page_is_the_samples() -> None:
    (shown,) = (one for one in fences(HOOKS, "yaml") if "hooks:" in one)
    assert yaml.safe_load(shown) == yaml.safe_load((TEMPLATES / "sample-application/appspec.yml").read_text())


def test_the_hook_of_the_page_is_the_samples() -> None:
    def code(text: str) -> list[str]:
        return [line for line in text.splitlines() if line and not line.startswith("# ")]

    (shown,) = (one for one in fences(HOOKS, "bash") if "healthy()" in one)
    assert code(shown) == code((TEMPLATES / "sample-application/hooks/validate.sh").read_text())


def test_every_template_is_in_the_table() -> None:
    rows = re.findall(r"^\| `([a-z-]+\.yml)` \|", INSTALLATION, re.MULTILINE)
    assert sorted(rows) == sorted(HERE)


# What a page calls a resource. Those of a topic's or a function's permission go with it.
WORDS = {
    "AWS::EC2::SecurityGroup": "security group",
    "AWS::EC2::VPCEndpoint": "endpoint",
    "AWS::Events::Rule": "rule",
    "AWS::IAM::InstanceProfile": "instance profile",
    "AWS::IAM::ManagedPolicy": "policies",
    "AWS::IAM::Role": "role",
    "AWS::Lambda::Function": "function",
    "AWS::Lambda::Permission": "function",
    "AWS::Logs::LogGroup": "log group",
    "AWS::SNS::Topic": "topic",
    "AWS::SNS::TopicPolicy": "policy",
    "AWS::SQS::Queue": "queue",
    "AWS::SSM::Association": "association",
    "AWS::SSM::Document": "document",
}
NUMBERS = ("one", "two", "three", "four")


@pytest.mark.parametrize("name", STACKS)
def test_the_page_says_what_a_template_creates_and_costs_and_how_to_remove_it(name: str) -> None:
    types = [one["Type"] for one in read(name)["Resources"].values()]
    if name in HERE:
        (row,) = re.findall(rf"^\| `{name}` \| (.+) \| (.+) \|$", INSTALLATION, re.MULTILINE)
        creates, costs = row
        (stack,) = set(re.findall(rf"--stack-name (\S+) --template-file templates/{name}", INSTALLATION))
        removal = INSTALLATION[INSTALLATION.index("{ #remove }") :]
        assert f"`{stack}`" in removal or f"--stack-name {stack}" in removal
    else:
        section = TICKETS[TICKETS.index(f"templates/{name} \\") :].split("\n#")[0]
        creates, costs, removal = (
            section[section.index(f"- **{words}") :].split("\n- ")[0]
            for words in ("It makes**", "It costs**", "To remove it**")
        )
        assert "delete the stack" in removal
    assert len(costs) > 10
    for type_ in set(types):
        assert WORDS[type_] in creates, type_
        if type_ in ("AWS::SSM::Document", "AWS::SSM::Association"):
            count = NUMBERS[types.count(type_) - 1]
            assert re.search(rf"\b{count} {WORDS[type_]}", creates), (type_, count)


def test_what_is_not_proved_is_named_on_the_page() -> None:
    made = {resource["Type"] for name in HERE for resource in read(name)["Resources"].values()}
    assert made & UNPROVED == {"AWS::SSM::Association"}
    assert "since the sandbox cannot create them" in INSTALLATION


def test_each_command_gives_the_parameters_that_a_template_needs() -> None:
    """And only values that it takes, where the value is not for the reader to fill in."""
    commands = [one for one in fences(PAGES, "bash") if "--template-file" in one]
    assert len(commands) == 7
    for command in commands:
        words = shlex.split(command.split("describe-stacks")[0].replace("\\\n", " ").split("document=")[0])
        name = words[words.index("--template-file") + 1].removeprefix("templates/")
        given = dict(word.split("=", 1) for word in words if re.match(r"[A-Z]\w+=", word))
        given.pop("Key", None)  # of a tag
        declared: dict[str, dict[str, Any]] = read(name).get("Parameters", {})
        assert {key for key, one in declared.items() if "Default" not in one} <= set(given), name
        for key, value in given.items():
            assert value == "HOST_POLICY" or accepts(declared[key], value), (name, key, value)


@pytest.mark.filterwarnings("ignore:Tried to parse AWS")
def test_the_commands_deploy_with_the_stock_command_line_and_print_what_the_page_expects() -> None:
    """Those that need no id of the reader's: a VPC, or a policy of another stack."""
    commands = [one.split("aws cloudformation describe-stacks")[0] for one in fences(PAGES, "bash")]
    ready = {
        command.split("document=")[0]
        for command in commands
        if "--template-file" in command and not re.search("HOST_POLICY|vpc-", command)
    }
    assert len(ready) == 5
    with sandbox_process("healthy") as about:
        known = environment_for(about) | {"AWS_ACCESS_KEY_ID": "AKIAADMINISTRATOR000"}
        known["PATH"] = f"{AWS.parent}:{os.environ['PATH']}"
        for command in sorted(ready):
            patient = f"{command.strip()} --cli-read-timeout 110"
            done = subprocess.run(
                patient,
                shell=True,
                cwd=ROOT,
                env=known,
                capture_output=True,
                text=True,
                timeout=115,
                check=False,
            )
            stack = re.search(r"--stack-name (\S+)", command)
            assert stack, command
            assert f"Successfully created/updated stack - {stack[1]}" in done.stdout, done.stderr
            assert f"`Successfully created/updated stack - {stack[1]}`" in PAGES or "agents" in stack[1]


@pytest.mark.filterwarnings("ignore:Tried to parse AWS")
def test_the_outputs_that_the_page_names_are_the_templates(deployed: Deployed) -> None:
    stacks = deployed.client("cloudformation").describe_stacks(StackName="roles")["Stacks"]
    given = {one["OutputKey"] for one in stacks[0]["Outputs"]} | set(
        read("diagnosis-policies.yml")["Outputs"]
    )
    section = INSTALLATION[INSTALLATION.index("{ #roles }") : INSTALLATION.index("{ #hybrid }")]
    named = set(re.findall(r"`(\w+(?:Policy|Profile|RoleArn))`", section)) - {"AWSCodeDeployRole"}
    assert named == given - {
        "OnPremisesHostRole"
    }  # which is made for a renewer only, and has its own section
    for name in ("hybrid-nodes.yml", "agent-installed.yml", "session-renewed.yml"):
        for output in read(name)["Outputs"]:
            assert f"`{output}`" in PAGES or output in ("RoleName", "Document"), output


def test_the_defaults_of_the_table_are_the_templates() -> None:
    declared = read("agent-installed.yml")["Parameters"]
    table = re.findall(r"^\| (`[A-Z]\w+`(?:, `\w+`)*) \| ([^|]+) \| ([^|]+) \|$", INSTALLATION, re.MULTILINE)
    rows = {name: cells for names, *cells in table for name in re.findall(r"\w+", names)}
    assert rows["MaxConcurrencyPercent"][0] == str(declared["MaxConcurrencyPercent"]["Default"])
    for name in ("MaxConcurrencyPercent", "MaxErrors", "WaitMinutes", "ProofMinutes"):
        one = declared[name]
        assert f"{one['MinValue']} to {one['MaxValue']}" in rows[name][1], name
        assert str(one["Default"]) in rows[name][0].split(", "), name
    assert f"`{declared['AgentLine']['Default']}`" == rows["AgentLine"][0]
    assert f"`{declared['OnlyOnSchedule']['Default']}`" == rows["OnlyOnSchedule"][0]
    # all but the names of the tag, which the text of the section has
    assert set(declared) - set(rows) == {"TagKey", "CanaryValue", "FleetValue"}


def test_each_failure_of_the_table_is_one_of_the_script() -> None:
    steps = read("agent-installed.yml")["Resources"]["Document"]["Properties"]["Content"]["mainSteps"]
    script = steps[0]["inputs"]["runCommand"][-1]
    section = INSTALLATION[INSTALLATION.index("{ #proof }") :].split("\n\n")[1]
    _, *said = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)  # the first is the head of the table
    assert len(said) == 6
    for text in said:
        longest = max(re.split(r"[\d.…-]+", text), key=len)  # between the values that the script fills in
        assert longest.strip() in script, text


def test_each_failure_of_a_renewal_is_one_of_the_script() -> None:
    script = (TEMPLATES / "session-renewal/codedeploy-session").read_text()
    section = INSTALLATION[INSTALLATION.index("{ #renew }") : INSTALLATION.index("{ #register }")]
    _, *said = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
    assert len(said) == 4
    for text in said:
        for part in filter(None, (one.strip() for one in text.split("…"))):
            assert part in script, text


def test_the_installation_by_hand_puts_the_files_where_the_document_does() -> None:
    (block,) = (one for one in fences(INSTALLATION, "bash") if "session-renewal" in one)
    commands = read("session-renewed.yml")["Resources"]["Document"]["Properties"]["Content"]["mainSteps"][0]
    put = re.findall(r"^put (\d+) (\S+)/(\S+) <<", "\n".join(commands["inputs"]["runCommand"]), re.MULTILINE)
    assert len(put) == 4
    for mode, folder, name in put:
        if not name.endswith(".path"):  # which is for managed nodes
            assert re.search(rf"install -m {mode} [^;]*?session-renewal/{name}\b[^;]*? {folder}/", block), (
                name
            )
    removal = INSTALLATION[INSTALLATION.index("{ #remove }") :]
    assert "/usr/local/sbin/codedeploy-session /etc/systemd/system/codedeploy-session.*" in removal


def test_the_check_set_of_the_upgrade_passes_on_a_sound_host() -> None:
    (command,) = (one for one in fences(UPGRADE, "bash") if "runbooks diagnose" in one)
    words = shlex.split(command.replace("\\\n", " "))[1:]
    run = [sys.executable, "-m", "runbooks", *words, "--sandbox", "healthy"]
    done = subprocess.run(run, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "OK: 9 passed.")
    assert "`OK: 9 passed.`" in UPGRADE
    table = re.findall(r"^\| `([a-z-]+)` \|", UPGRADE[UPGRADE.index("{ #before }") :], re.MULTILINE)
    assert set(table) | {"agent-is-installed"} == set(words[words.index("--check") + 1 :: 2])


@pytest.mark.parametrize("script", fences(UPGRADE, "bash") + fences(HOOKS, "bash"))
def test_the_commands_are_sound_shell(script: str) -> None:
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert done.stderr == ""
