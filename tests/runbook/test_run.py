"""A run without JupyterLab: on an account, where it cannot ask, and what it leaves behind."""

import asyncio
import os
import re
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest
from codedeploy_sandbox import SCENARIOS, Error, Fault, serve
from codedeploy_sandbox.hosts.machine import run_probe
from codedeploy_sandbox.scenarios.baseline import CALLER_POLICIES, allow, only
from codedeploy_sandbox.scenarios.fleet import healthy
from codedeploy_sandbox.scenarios.helpers import NODE
from codedeploy_sandbox.state import Account
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from runbooks import runbook as room
from runbooks.errors import UserError
from runbooks.host import probe_script
from runbooks.runbook.copies import open_runbook
from runbooks.runbook.run import run_runbook
from tests.support.sandbox import environment_for, sandbox_process
from tests.support.world import world

ROLE = "arn:aws:iam::111122223333:role/OnCall"


# On a real account: the stock credential chain, which AWS_ENDPOINT_URL leads to a sandbox.


def use(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name in set(os.environ) - set(environment):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.timeout(240)
def test_static_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    with sandbox_process("tags-missing") as about:
        use(monkeypatch, environment_for(about))
        done = run_runbook("instance-state", target="aws", instance="web-01", deployment_group="shop/web")
    assert done.exit_code == 1
    assert done.verdicts["instance-carries-the-groups-tags"] == "FAIL"


@pytest.mark.timeout(240)
def test_a_role_that_the_profile_assumes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def lets_assume(account: Account) -> None:
        healthy(account)
        only(account, *CALLER_POLICIES.values(), allow("sts:AssumeRole", on=ROLE))

    monkeypatch.setitem(SCENARIOS, "lets-assume", lets_assume)
    with serve("lets-assume") as sandbox:
        about = sandbox.address()
        config = tmp_path / "config"
        config.write_text(
            f"[profile base]\naws_access_key_id = {about['access_key_id']}\n"
            f"aws_secret_access_key = {about['secret_access_key']}\n"
            f"[profile oncall]\nrole_arn = {ROLE}\nsource_profile = base\n"
            f"role_session_name = night\nregion = {about['region']}\n"
        )
        environment = environment_for(about) | {"AWS_CONFIG_FILE": str(config)}
        use(monkeypatch, {k: v for k, v in environment.items() if k not in (
            "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")})  # fmt: skip
        done = run_runbook("registration-status", target="aws", profile="oncall")
    text = done.notebook
    assert f"assumed-role/{ROLE.rpartition('/')[2]}/night" in text


REFUSALS = {
    "expired": ({}, 2, "the session has expired"),
    "region": ({"region": "eu-wset-1"}, 64, "Did you mean eu-west-1?"),
    "no keys": ({}, 64, "No AWS credentials were found"),
    "profile": ({"profile": "nigth"}, 64, "Known profiles"),
    "target": ({"target": "asw"}, 64, "Unknown target"),
    "scenario": ({"target": "sandbox:agent-stoped"}, 64, "Did you mean agent-stopped?"),
}


@contextmanager
def refused(refusal: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The parameters of a runbook that cannot be asked, in an environment in which that is so."""
    expired = Error("ExpiredToken", "The security token included in the request is expired", 403)
    with serve("healthy", faults=[Fault("sts:*", expired)] if refusal == "expired" else []) as sandbox:
        environment = environment_for(sandbox.address())
        if refusal == "no keys":
            environment = {k: v for k, v in environment.items() if "ACCESS_KEY" not in k}
        use(monkeypatch, environment)
        yield {"target": "aws", "instance": "web-01", **REFUSALS[refusal][0]}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_cannot_be_asked_is_refused_as_in_a_diagnosis(
    refusal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, code, sentence = REFUSALS[refusal]
    refused_so = pytest.raises(UserError, match=re.escape(sentence))
    with refused(refusal, monkeypatch) as parameters, refused_so as caught:
        run_runbook("agent", **parameters)
    assert caught.value.exit_code == code
    assert not room.INCIDENTS.exists()  # nothing half written


@pytest.mark.timeout(240)
@pytest.mark.parametrize("refusal", REFUSALS)
def test_in_the_notebook_it_is_one_sentence(refusal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the first cell that meets it; no later cell runs, no traceback is shown."""
    with refused(refusal, monkeypatch) as parameters:
        copy = nbformat.read(open_runbook("agent", **parameters), 4)
        with pytest.raises(CellExecutionError, match=re.escape(REFUSALS[refusal][2])):
            NotebookClient(copy, kernel_name="python3").execute()
    code = [cell for cell in copy.cells if cell.cell_type == "code"]
    (failed,) = [out for cell in code for out in cell.outputs if out.output_type == "error"]
    assert failed["traceback"] == [failed["evalue"]]
    assert sum(cell.execution_count is not None for cell in code) <= 3


@pytest.mark.timeout(240)
def test_an_aws_that_is_out_of_reach_is_diagnosed_not_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve("healthy") as sandbox:
        environment = environment_for(sandbox.address())
    use(monkeypatch, environment)  # nothing listens there any more
    done = run_runbook("network", target="aws", instance="web-01")
    assert done.verdicts["endpoint-answers"] == "FAIL"
    assert done.exit_code == 3
    text = done.notebook
    assert "Traceback" not in text
    assert f"aws at {environment['AWS_ENDPOINT_URL']}" in text  # no report of it passes for AWS's


@pytest.mark.timeout(240)
def test_a_region_that_is_the_wrong_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with sandbox_process("healthy") as about:
        use(monkeypatch, environment_for(about))
        done = run_runbook("instance-state", target="aws", instance="web-01", region="eu-central-1")
    assert done.verdicts["instance-is-registered"] == "FAIL"
    assert done.verdicts["instance-is-not-registered-elsewhere"] == "FAIL"


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("import os; os._exit(1)", "ended before the last cell"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_run_that_breaks_is_one_sentence(own: Path, source: str, sentence: str) -> None:
    notebook = nbformat.read(own, as_version=4)
    next(cell for cell in notebook.cells if cell.id == "connect").source = source
    nbformat.write(notebook, own)
    with pytest.raises(UserError, match=re.escape(sentence)) as caught:
        run_runbook("own")
    assert caught.value.exit_code == 2
    (copy,) = room.INCIDENTS.glob("*-own.ipynb")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


@pytest.mark.timeout(240)
def test_a_runbook_that_reports_nothing_did_not_look(own: Path) -> None:
    notebook = nbformat.read(own, as_version=4)
    notebook.cells = notebook.cells[:2]
    nbformat.write(notebook, own)
    assert run_runbook("own").exit_code == 2


@pytest.mark.timeout(240)
def test_a_host_report_is_read_from_its_file(tmp_path: Path) -> None:
    with world("healthy") as (_, sandbox):
        machine = sandbox.account.state("eu-west-1").nodes[NODE].machine
    seen = tmp_path / "host.json"
    seen.write_text(run_probe(replace(machine, running=False), datetime.now(UTC), probe_script()).stdout)
    done = run_runbook("agent", target="sandbox:host-unmanaged", host_report=str(seen))
    assert done.verdicts["agent-is-running"] == "FAIL"
    assert done.verdicts["agent-is-installed"] == "OK"
    with pytest.raises(UserError, match="cannot be read: No such file"):
        run_runbook("agent", target="sandbox:host-unmanaged", host_report="/no/such/file")


@pytest.mark.timeout(240)
def test_progress_is_shown_while_it_looks_and_then_is_gone(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "a notebook server")
    notebook = nbformat.read(own, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.id == "connect")
    cell.source = f"from IPython.display import publish_display_data\n{cell.source}"
    seen: list[str] = []
    process = NotebookClient.process_message

    def watched(self: Any, message: Any, *more: Any) -> Any:
        seen.append(str(message["content"].get("data", {}).get("text/plain", "")))
        return process(self, message, *more)

    monkeypatch.setattr(NotebookClient, "process_message", watched)
    nbformat.write(notebook, own)
    done = run_runbook("own")
    assert "Checking: 12 of 12 done ..." in seen
    assert "Checking:" not in done.notebook
    assert "Checking:" not in done.html


@pytest.mark.timeout(240)
def test_no_secret_in_a_parameter_stays_in_what_a_run_leaves() -> None:
    done = run_runbook(
        "triage",
        target="sandbox:healthy",
        error="AWS_SESSION_TOKEN=hunter22\nAuthorization: Bearer hunter22hunter22",
        region="eu-west-1",
        host_report="",
    )
    register = run_runbook("register", target="sandbox:healthy", tags={"Note": "password=hunter22"})
    for run in (done, register):
        assert "hunter22" not in run.notebook
        assert "hunter22" not in run.html
        assert "(masked)" in run.notebook


@pytest.mark.timeout(240)
def test_a_run_leaves_two_files_for_its_owner_alone(own: Path) -> None:
    paths = run_runbook("own").save()
    assert [path.suffix for path in paths] == [".ipynb", ".html"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert sorted(room.INCIDENTS.iterdir()) == sorted(paths)


@pytest.mark.timeout(240)
def test_it_runs_where_an_event_loop_runs_already(own: Path) -> None:
    """As in a notebook, which runs its cells in one."""

    async def cell() -> int:
        return run_runbook("own").exit_code

    with ThreadPoolExecutor(1) as notebook:  # a loop may run in this thread too
        assert notebook.submit(asyncio.run, cell()).result() == run_runbook("own").exit_code


@pytest.mark.timeout(240)
def test_a_full_disk_is_one_sentence_and_loses_no_verdict(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from runbooks import cli
    from runbooks.runbook import copies

    def full(path: Path, text: str) -> None:
        raise UserError(f"{path} cannot be written: No space left on device.")

    monkeypatch.setattr(copies, "create", full)
    done = CliRunner().invoke(cli.app, ["run", "own", "--sandbox", "agent-stopped"])
    assert "FAIL     The agent does not run on web-01" in done.stdout
    assert "fix    sudo systemctl restart codedeploy-agent" in done.stdout
    assert isinstance(done.exception, UserError)
    assert "No space left on device" in str(done.exception)
    assert list(room.INCIDENTS.iterdir()) == []
