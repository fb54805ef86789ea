"""`runbooks why --watch`: patience, one line, and an end."""

import os
import signal
import subprocess
import sys
from typing import Any

import botocore.session
import pytest
from codedeploy_sandbox import Error, Fault, Sandbox
from typer.testing import CliRunner

from runbooks.cli import app, watching
from runbooks.cli.watching import EVERY, MOST_FAILURES, watch
from runbooks.progress import status_line
from tests.support.world import PATIENT, world

ID = "d-SHOPWEB01"


def test_it_asks_as_often_as_botocores_waiter() -> None:
    waiter = botocore.session.get_session().get_waiter_model("codedeploy").get_waiter("DeploymentSuccessful")
    assert waiter.delay == EVERY


def ends(sandbox: Sandbox, after: int) -> Any:
    """A pause after which the deployment has ended, the ``after``-th time."""
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == after:
            sandbox.account.state("eu-west-1").deployments[ID].info["status"] = "Succeeded"

    pause.made = pauses  # type: ignore[attr-defined]
    return pause


def test_it_asks_until_the_deployment_has_ended() -> None:
    shown: list[str] = []
    with world("deployment-running", config=PATIENT) as (aws, sandbox):
        pause = ends(sandbox, after=2)
        watch(aws, ID, shown.append, pause)
    assert pause.made == [EVERY, EVERY]
    assert len(shown) == 2
    assert "is InProgress: 1 pending." in shown[0]


def test_an_interrupt_ends_it_and_no_more() -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with world("deployment-running", config=PATIENT) as (aws, _):
        watch(aws, ID, lambda text: None, interrupted)


@pytest.mark.parametrize(("times", "asked"), [(MOST_FAILURES - 1, MOST_FAILURES), (99, MOST_FAILURES)])
def test_a_call_that_fails_is_met_with_patience(times: int, asked: int) -> None:
    fault = Fault("codedeploy:GetDeployment", Error("ThrottlingException", "Rate exceeded", 400), times=times)
    shown: list[str] = []
    with world("deployment-running", [fault], config=PATIENT) as (aws, sandbox):
        pause = ends(sandbox, after=MOST_FAILURES)
        watch(aws, ID, shown.append, pause)
    assert len(shown) == len(pause.made) == asked
    assert ("throttled" in shown[-1]) is (times == 99)


def test_one_that_has_ended_is_not_waited_for() -> None:
    with world("healthy", config=PATIENT) as (aws, _):
        watch(aws, ID, pytest.fail, pytest.fail)  # type: ignore[arg-type]
        watch(aws, "d-GONE00000", pytest.fail, pytest.fail)  # type: ignore[arg-type]


def test_the_command_ends_with_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watching.watch, "__defaults__", (interrupted,))
    done = CliRunner().invoke(app, ["why", ID, "--sandbox", "deployment-running", "--watch"])
    assert done.exit_code == 2
    assert "UNKNOWN  1 of 1 target (web-01) has been Pending" in done.stdout
    assert "is InProgress" in done.stderr


def test_ctrl_c_leaves_the_sandbox_to_the_report() -> None:
    """A terminal sends it to every process of its group."""
    command = [sys.executable, "-m", "runbooks", "why", ID, "--sandbox", "deployment-running", "--watch"]
    watching_it = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert watching_it.stderr is not None
    assert "InProgress" in watching_it.stderr.readline()
    os.killpg(watching_it.pid, signal.SIGINT)
    report, _ = watching_it.communicate(timeout=60)
    assert "UNKNOWN  1 of 1 target (web-01) has been Pending" in report
    assert watching_it.returncode == 2


def test_where_there_is_no_terminal_each_answer_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with status_line() as show:
        show("[bold]one")
        show("two")
    assert capsys.readouterr().err == "[bold]one\ntwo\n"


def test_in_a_terminal_it_is_one_line_and_no_markup(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    with status_line() as show:
        show("[bold]" + "x" * 500)
    shown = capsys.readouterr().err
    assert "[bold]xxx" in shown
    assert "x" * 400 not in shown
