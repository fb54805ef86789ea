"""`runbooks why --watch`: patience, where each target is, and an end."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.session
import pytest
from codedeploy_sandbox import Error, Fault, Sandbox
from typer.testing import CliRunner

from runbooks.cli import app, watching
from runbooks.cli.watched import watched
from runbooks.cli.watching import EVERY, MOST_FAILURES, watch
from runbooks.facts.deployments import Event, Target
from runbooks.findings import Span
from tests.support.sandbox import environment_for, sandbox_process
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
    shown: list[tuple[str, list[Span]]] = []
    with world("deployment-running", config=PATIENT) as (aws, sandbox):
        pause = ends(sandbox, after=2)
        watch(aws, ID, lambda says, steps, at: shown.append((says, list(steps))), pause)
    assert pause.made == [EVERY, EVERY]
    assert len(shown) == 2
    says, steps = shown[0]
    assert says == "InProgress: 1 pending - d-SHOPWEB01 shop/web"
    assert [(one.row, one.what, one.outcome) for one in steps] == [("web-01", "ApplicationStop", "Pending")]


def test_a_status_that_the_model_does_not_know_has_not_ended() -> None:
    shown: list[str] = []
    with world("deployment-running", config=PATIENT) as (aws, sandbox):
        sandbox.account.state("eu-west-1").deployments[ID].info["status"] = "RollingBack"
        watch(aws, ID, lambda says, steps, at: shown.append(says), ends(sandbox, after=1))
    assert shown == ["RollingBack: 1 pending - d-SHOPWEB01 shop/web"]


def test_an_interrupt_ends_it_and_no_more() -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with world("deployment-running", config=PATIENT) as (aws, _):
        watch(aws, ID, lambda says, steps, at: None, interrupted)


@pytest.mark.parametrize(("times", "asked"), [(MOST_FAILURES - 1, MOST_FAILURES), (99, MOST_FAILURES)])
def test_a_call_that_fails_is_met_with_patience(times: int, asked: int) -> None:
    fault = Fault("codedeploy:GetDeployment", Error("ThrottlingException", "Rate exceeded", 400), times=times)
    shown: list[tuple[str, list[Span]]] = []
    with world("deployment-running", [fault], config=PATIENT) as (aws, sandbox):
        pause = ends(sandbox, after=MOST_FAILURES)
        watch(aws, ID, lambda says, steps, at: shown.append((says, list(steps))), pause)
    assert len(shown) == len(pause.made) == asked
    assert ("throttled" in shown[-1][0]) is (times == 99)


def test_a_denial_is_not_asked_again() -> None:
    fault = Fault("codedeploy:GetDeployment", Error("AccessDeniedException", "no", 400))
    shown: list[str] = []
    with world("deployment-running", [fault], config=PATIENT) as (aws, sandbox):
        pause = ends(sandbox, after=MOST_FAILURES)
        assert watch(aws, ID, lambda says, steps, at: shown.append(says), pause) == ""
    assert (len(shown), len(pause.made)) == (0, 0)


def test_where_the_targets_may_not_be_read_it_shows_the_counts() -> None:
    fault = Fault("codedeploy:BatchGetDeployment[IT]*", Error("AccessDeniedException", "no", 400))
    shown: list[tuple[str, int]] = []
    with world("deployment-running", [fault], config=PATIENT) as (aws, sandbox):
        pause = ends(sandbox, after=MOST_FAILURES + 1)
        watch(aws, ID, lambda says, steps, at: shown.append((says, len(steps))), pause)
    assert shown == [("InProgress: 1 pending - d-SHOPWEB01 shop/web", 0)] * (MOST_FAILURES + 1)


def test_a_target_is_where_its_first_event_is_that_has_not_ended() -> None:
    at = [NOW + timedelta(seconds=seconds) for seconds in range(5)]
    done, next_ = Event("A", "Succeeded", at[0], at[1]), Event("B", "Pending", None, None)
    info = {"createTime": at[0], "startTime": at[2]}
    for events, status, said in (
        ((done, next_), "InProgress", Span("web-01", "B", "Pending", at[1], None)),
        ((next_,), "Pending", Span("web-01", "B", "Pending", at[2], None)),
        ((done, Event("B", "InProgress", at[3], None)), "InProgress", Span("web-01", "B", "InProgress", at[3], None)),
        ((done, Event("B", "Failed", at[3], at[4]), next_), "Failed", Span("web-01", "B", "Failed", at[3], at[4])),
        ((done,), "Succeeded", Span("web-01", "", "Succeeded", at[0], at[1])),
        ((), "Pending", Span("web-01", "", "Pending", None, None)),
    ):  # fmt: skip
        assert watching._step(Target("web-01", True, status, events), info) == said


def test_one_that_has_ended_is_not_waited_for() -> None:
    with world("healthy", config=PATIENT) as (aws, _):
        watch(aws, ID, pytest.fail, pytest.fail)  # type: ignore[arg-type]
        watch(aws, "d-GONE00000", pytest.fail, pytest.fail)  # type: ignore[arg-type]


def test_it_stops_when_its_time_has_passed_and_gives_the_last_answer() -> None:
    now = [0.0]

    def pause(seconds: float) -> None:
        now[0] += seconds

    shown: list[str] = []
    with world("deployment-running", config=PATIENT) as (aws, _):
        last = watch(aws, ID, lambda says, *_: shown.append(says), pause, minutes=1, clock=lambda: now[0])
    assert now == [60]
    assert len(shown) == 60 / EVERY + 1
    assert last == shown[-1] == "InProgress: 1 pending - d-SHOPWEB01 shop/web"


def test_an_answer_that_never_ends_is_not_waited_for() -> None:
    with world("deployment-running", config=PATIENT) as (aws, _):
        events = aws.client("codedeploy").meta.events
        events.register("before-call.*.ListDeploymentTargets", lambda **_: time.sleep(4))
        last = watch(aws, ID, lambda *_: None, pytest.fail, patience=2)  # type: ignore[arg-type]
    assert last == "InProgress: 1 pending - d-SHOPWEB01 shop/web"


def test_in_the_sandbox_of_a_scenario_it_ends_at_once() -> None:
    done = CliRunner().invoke(app, ["why", ID, "--sandbox", "deployment-running", "--watch"])
    assert done.exit_code == 2
    assert "UNKNOWN  1 of 1 target (web-01) has been Pending" in done.stdout
    assert done.stderr.splitlines() == [
        "12:00:00 UTC InProgress: 1 pending - d-SHOPWEB01 shop/web",
        "Nothing moves in the sandbox that --sandbox starts, so it is not watched.",
    ]


def test_the_command_says_that_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(watching.watch, "__defaults__", (lambda seconds: now.append(now.pop() + seconds),))
    monkeypatch.setattr(
        watching.watch, "__kwdefaults__", {"minutes": 60, "patience": 60, "clock": lambda: now[0]}
    )
    with sandbox_process("deployment-running") as about:
        command = ["why", ID, "--watch", "--watch-minutes", "2", "--region", about["region"]]
        done = CliRunner().invoke(app, command, env=environment_for(about))
    assert done.exit_code == 2, done.stderr
    assert now == [120]
    says = "Stopped watching; it has not ended: InProgress: 1 pending - d-SHOPWEB01 shop/web"
    assert done.stderr.splitlines()[-1] == says


@pytest.mark.parametrize("in_terminal", [True, False])
def test_ctrl_c_ends_it_with_the_report(in_terminal: bool) -> None:
    """In a terminal, which sends it to every process of its group, and in a pipe."""
    with sandbox_process("deployment-running", real_time=True) as about:
        command = [sys.executable, "-m", "runbooks", "why", ID, "--watch", "--region", about["region"]]
        ours, theirs = pty.openpty()
        err = theirs if in_terminal else subprocess.PIPE
        watching_it = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
            start_new_session=True,
            env=environment_for(about) | {"TERM": "xterm"},
        )
        seen = ""
        while "InProgress" not in seen:
            assert watching_it.poll() is None, seen
            seen += os.read(watching_it.stderr.fileno() if watching_it.stderr else ours, 4096).decode()
        os.killpg(watching_it.pid, signal.SIGINT)
        report, said = watching_it.communicate(timeout=60)
        os.close(ours)
        os.close(theirs)
    assert "UNKNOWN  1 of 1 target (web-01) has been Pending" in report
    assert "Traceback" not in f"{report}{said}"
    assert watching_it.returncode == 2


NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)


def step(row: str, what: str, outcome: str, *, began: int | None = 0, ended: int | None = None) -> Span:
    at = [None if seconds is None else NOW + timedelta(seconds=seconds) for seconds in (began, ended)]
    return Span(row, what, outcome, *at)


STEPS = [
    step("web-03", "", "Succeeded", began=-90, ended=-30),
    step("web-02", "ApplicationStop", "Pending", began=None),
    step("[bold]web-01", "AfterInstall\x1b", "InProgress", began=-35),
    step("web-04", "ValidateService", "Failed", began=-20, ended=-13),
]


def test_where_there_is_no_terminal_each_change_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with watched() as show:
        show("InProgress: 1 pending", STEPS, NOW)
        show("InProgress: 1 pending", STEPS, NOW + timedelta(seconds=15))
        show("InProgress: 1 pending", [step(f"h{n}", "A", "InProgress") for n in range(7)], NOW)
        show("Could not check: x", [], NOW)
    assert capsys.readouterr().err.splitlines() == [
        "12:00:00 UTC InProgress: 1 pending; web-04 ValidateService Failed; [bold]web-01 AfterInstall\\x1b InProgress",
        "12:00:00 UTC InProgress: 1 pending; "
        + "; ".join(f"h{n} A InProgress" for n in range(5))
        + "; and 2 more",
        "12:00:00 UTC Could not check: x",
    ]


def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns and 10 lines."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    for name, value in (("TTY_COMPATIBLE", "1"), ("FORCE_COLOR", "1"), ("COLUMNS", "80"), ("LINES", "10")):
        monkeypatch.setenv(name, value)


def drawn(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines that were drawn, without the colours and the moves of the cursor."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\n", capsys.readouterr().err)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def test_in_a_terminal_it_is_a_table_that_begins_with_the_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(monkeypatch)
    with watched() as show:
        show("InProgress: 1 pending - d-SHOPWEB01 " + "x" * 90, STEPS, NOW)
    lines = drawn(capsys)
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("InProgress: 1 pending - d-SHOPWEB01 xxx") for line in lines)
    rows = [" ".join(line.split()) for line in lines]
    place = rows.index("web-04 ValidateService Failed 7")
    assert rows[place + 1].rpartition(" ")[0] == "[bold]web-01 AfterInstall\\x1b InProgress"
    assert 35 <= int(rows[place + 1].rpartition(" ")[2]) <= 37  # the seconds go on
    assert rows[place + 2 : place + 4] == ["web-02 ApplicationStop Pending", "web-03 Succeeded 60"]


def test_what_has_no_room_in_the_terminal_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal(monkeypatch)
    with watched() as show:
        show("InProgress: 30 pending", [step(f"web-{n:02}", "A", "Pending") for n in range(30)], NOW)
    lines = drawn(capsys)
    assert "and 25 more" in lines
    assert not any(line.startswith("web-05") for line in lines)
