"""The SSM document that holds the probe: what a team deploys, what is read back, and what may be sent."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml
from codedeploy_sandbox import Error, Fault

from runbooks.aws import connect
from runbooks.aws.guard import NotARead, refuse_writes
from runbooks.aws.sandboxed import DAY
from runbooks.errors import UserError
from runbooks.facts.host_report import host_report
from runbooks.findings import Command, CouldNotCheck
from runbooks.host import probe_script
from runbooks.host.probe import (
    MOST_BYTES,
    PROBE_DOCUMENT,
    SHELL_DOCUMENT,
    ProbeBy,
    document_name,
    holds_only_the_probe,
    probe_document,
)
from runbooks.question import Question
from tests.support import ROOT
from tests.support.sandbox import AWS, environment_for, sandbox_process
from tests.support.world import PATIENT, world

TEMPLATE = ROOT / "templates" / "probe-document.yml"
WEB_01 = Question(instance="web-01")
NODE = "mi-0a1b2c3d4e5f60001"
OURS = {"DocumentName": PROBE_DOCUMENT, "DocumentVersion": "1", "InstanceIds": [NODE]}
SHELL = {"DocumentName": SHELL_DOCUMENT, "InstanceIds": [NODE], "Parameters": {"commands": [probe_script()]}}


def document() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(probe_document())
    return parsed


# What is deployed


def test_the_template_holds_exactly_the_probe_of_the_package() -> None:
    (step,) = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))["mainSteps"]
    (script,) = step["inputs"]["runCommand"]
    assert sha256(script.encode()).digest() == sha256(probe_script().encode()).digest(), (
        "run `make templates`"
    )
    assert TEMPLATE.read_text(encoding="utf-8") == probe_document(), "run `make templates`"


def test_the_document_is_one_that_systems_manager_takes() -> None:
    assert document()["schemaVersion"] == "2.2"
    assert len(TEMPLATE.read_bytes()) <= MOST_BYTES
    assert "{{" not in probe_script()  # which would name a parameter of the document
    assert "parameters" not in document()
    assert not [line for line in probe_script().splitlines() if line and not line.strip()]


def test_the_command_prints_what_the_template_is() -> None:
    run = [sys.executable, "-m", "runbooks", "probe", "--document"]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == TEMPLATE.read_text(encoding="utf-8")
    done = subprocess.run(
        [*run, "--instance", "web-01"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, "exclude each other" in done.stderr) == (64, True)


# What is read back


def changed(**step: Any) -> str:
    one = document()
    one["mainSteps"][0] |= step
    return json.dumps(one)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        "{}",
        "[" * 100_000,
        json.dumps({"mainSteps": "x"}),
        json.dumps({"mainSteps": []}),
        json.dumps({"mainSteps": [5]}),
        json.dumps(document() | {"mainSteps": document()["mainSteps"] * 2}),
        json.dumps(document() | {"parameters": {"commands": {"type": "StringList"}}}),
        changed(action="aws:runDocument"),
        changed(inputs={}),
        changed(inputs={"runCommand": ["reboot"]}),
        changed(inputs={"runCommand": [probe_script(), "reboot"]}),
        changed(inputs={"runCommand": [probe_script() + "reboot\n"]}),
        changed(inputs={"runCommand": [probe_script()], "workingDirectory": "/tmp"}),
        probe_document(),  # YAML
    ],
)
def test_another_document_is_not_the_probes(content: str) -> None:
    assert not holds_only_the_probe(content)


def test_the_document_itself_is() -> None:
    assert holds_only_the_probe(json.dumps(document()))


# What may be sent


@pytest.mark.parametrize("params", [OURS, OURS | {"DocumentVersion": "17"}])
def test_the_guard_lets_the_document_run_on_one_node(params: dict[str, Any]) -> None:
    refuse_writes("ssm:SendCommand", params, {"ssm:SendCommand": ProbeBy()})


@pytest.mark.parametrize(
    "params",
    [
        {},
        SHELL,
        OURS | {"Parameters": {}},
        OURS | {"Parameters": {"commands": ["reboot"]}},
        OURS | {"DocumentName": "Other"},
        OURS | {"InstanceIds": []},
        OURS | {"InstanceIds": [NODE, NODE]},
        OURS | {"Targets": [{"Key": "InstanceIds", "Values": ["*"]}]},
        {name: value for name, value in OURS.items() if name != "InstanceIds"},
    ],
)
def test_the_guard_refuses_everything_else(params: dict[str, Any]) -> None:
    with pytest.raises(NotARead):
        refuse_writes("ssm:SendCommand", params, {"ssm:SendCommand": ProbeBy()})


def test_a_document_of_free_commands_runs_the_probe_only_and_only_if_it_was_named() -> None:
    allowed = {"ssm:SendCommand": ProbeBy(SHELL_DOCUMENT)}
    refuse_writes("ssm:SendCommand", SHELL, allowed)
    for params in (OURS, SHELL | {"Parameters": {"commands": ["reboot"]}}):
        with pytest.raises(NotARead):
            refuse_writes("ssm:SendCommand", params, allowed)


def test_the_setting_names_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNBOOKS_PROBE_DOCUMENT", raising=False)
    assert document_name() == PROBE_DOCUMENT
    monkeypatch.setenv("RUNBOOKS_PROBE_DOCUMENT", "AWS-RunShellScript")
    assert document_name() == SHELL_DOCUMENT
    for wrong in ("a b", "x", "$(reboot)"):
        monkeypatch.setenv("RUNBOOKS_PROBE_DOCUMENT", wrong)
        with pytest.raises(UserError, match="RUNBOOKS_PROBE_DOCUMENT is"):
            document_name()


# What a diagnosis does with it


def test_the_probe_runs_by_the_document_and_by_nothing_else() -> None:
    with world("healthy", config=PATIENT) as (aws, sandbox):
        assert host_report(aws, WEB_01).agent.installed.value is True
        (sent,) = [call for call in sandbox.account.journal if call.operation == "SendCommand"]
    assert sent.parameters == OURS


def test_a_document_that_is_not_there_is_said_with_the_command_that_deploys_it() -> None:
    missing = Fault("ssm:GetDocument", Error("InvalidDocument", "no such document", 400))
    with world("healthy", [missing], PATIENT) as (aws, sandbox), pytest.raises(CouldNotCheck) as raised:
        host_report(aws, WEB_01)
    assert "has no document CodeDeployFieldGuide-Probe in eu-west-1" in str(raised.value)
    assert raised.value.next == "/guides/check-permissions/#probe"
    assert isinstance(raised.value.fix, Command)
    assert not [call for call in sandbox.account.journal if call.operation == "SendCommand"]


def test_a_document_of_another_version_is_not_run() -> None:
    with world("healthy", config=PATIENT) as (aws, sandbox):
        sandbox.account.probe += "# an older version\n"
        with pytest.raises(
            CouldNotCheck, match="does not hold this version's probe, so it was not run"
        ) as raised:
            host_report(aws, WEB_01)
        assert not [call for call in sandbox.account.journal if call.operation == "SendCommand"]
    assert "aws ssm update-document" in raised.value.fix


def test_the_command_that_deploys_the_document_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A team's own document, deployed by the stock AWS CLI as the finding says: afterwards the probe runs."""
    with sandbox_process("healthy") as about:
        environment = environment_for(about)
        for name, value in environment.items():
            if name.startswith("AWS_"):
                monkeypatch.setenv(name, value)
        monkeypatch.setenv("RUNBOOKS_PROBE_DOCUMENT", "Team-Probe")
        aws = connect("aws", probe=True)
        aws.now = lambda: DAY
        with pytest.raises(CouldNotCheck, match="no document Team-Probe") as raised:
            host_report(aws, WEB_01)
        paths = os.pathsep.join((str(AWS.parent), environment["PATH"]))
        shell = environment | {"PATH": paths, "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        shell["AWS_ACCESS_KEY_ID"] = "AKIAADMINISTRATOR000"  # the on-call role may not create documents
        subprocess.run(raised.value.fix, shell=True, cwd=tmp_path, env=shell, check=True, capture_output=True)
        assert host_report(aws, WEB_01).agent.installed.value is True
