"""`runbooks open` and `runbooks run`."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from typer.testing import CliRunner

from runbooks import cli, runbook
from runbooks.errors import UserError
from runbooks.runbook import lab
from tests.support.notebooks import parameters_of


def command(*arguments: str) -> Any:
    return CliRunner().invoke(cli.app, arguments)


@pytest.mark.timeout(240)
def test_run_ends_as_a_diagnosis_does() -> None:
    done = command("run", "agent", "--sandbox", "agent-stopped", "--instance", "web-01")
    assert done.exit_code == 1, done.output
    *report, notebook, page = done.stdout.splitlines()
    assert report[0] == "FAIL: 1 failed, 10 passed, 1 not applicable."
    assert report[4] == "FAIL     The agent does not run on web-01 (systemctl: inactive (dead); no process)."
    assert report[5].split(maxsplit=1) == ["fix", "sudo systemctl restart codedeploy-agent"]
    assert "\n".join(report).count("The agent does not run") == 1  # the runbook shows it twice
    assert Path(notebook.removeprefix("notebook  ")).is_file()
    assert Path(page.removeprefix("page      ")).read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("sandbox", ["", "tags-missing"])
def test_open_fills_a_copy_and_shows_it(sandbox: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Path] = []
    monkeypatch.setattr(lab, "show", lambda path, browser: shown.append(path))
    where = ["--sandbox", sandbox] if sandbox else ["--profile", "ops", "--region", "eu-west-1"]
    done = command(
        "open", "instance-state", "--instance", "web-07", "--set", "deployment_group=shop/api", *where
    )
    assert done.exit_code == 0, done.output
    (copy,) = shown
    assert str(copy) in done.stdout
    parameters = parameters_of(copy)
    target = f"sandbox:{sandbox}" if sandbox else "aws"
    for line in (f'target = "{target}"', 'instance = "web-07"', 'deployment_group = "shop/api"'):
        assert any(shown.startswith(line) for shown in parameters.splitlines()), line


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["open", "agnet"], "There is no runbook 'agnet'. Did you mean agent?"),
        (["open", "agent", "--set", "probe"], "--set probe has no value"),
        (["run", "agent", "--set", "prob=True"], "no parameter 'prob'"),
        (["run", "agent", "--sandbox", "healthy", "--profile", "x"], "exclude each other"),
    ],
)
def test_a_wrong_command_is_refused(arguments: list[str], sentence: str) -> None:
    refused = command(*arguments).exception
    assert isinstance(refused, UserError)
    assert sentence in str(refused)
    assert refused.exit_code == 64


@pytest.mark.parametrize("name", ["open", "run"])
def test_a_wrong_name_is_refused_before_anything_heavy_is_loaded(name: str) -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from runbooks import cli;"
        f"done = CliRunner().invoke(cli.app, ['{name}', 'nope']); assert 'no runbook' in str(done.exception);"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"nbformat", "nbclient", "jupyter_server"} & set(done.stdout.split())


def test_debug_keeps_the_exit_code() -> None:
    asked = [sys.executable, "-m", "runbooks", "--debug", "open", "nope"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 64
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("There is no runbook 'nope'.")


@pytest.mark.parametrize("after", [0, 0.02, 0.05, 0.1, 0.2])
def test_ctrl_c_shows_no_traceback_however_early(after: float) -> None:
    # where SIGINT is ignored, as in a background job, it would be ignored here too
    begins = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import runpy, sys;"
    begins += "print(flush=True); sys.argv = ['runbooks', 'diagnose', '--sandbox', 'healthy'];"
    begins += "runpy.run_module('runbooks', run_name='__main__')"
    with subprocess.Popen(
        [sys.executable, "-c", begins], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        process.stdout.readline()
        time.sleep(after)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    if after:  # at 0 the signal may come before the first line of the command
        assert "Traceback" not in said
        assert process.returncode in (-signal.SIGINT, 130)


@pytest.mark.timeout(240)
def test_ctrl_c_ends_a_run_and_its_kernel(own: Path, incidents: Path, tmp_path: Path) -> None:
    notebook, told = nbformat.read(own, as_version=4), tmp_path / "kernel"
    cell = next(cell for cell in notebook.cells if cell.id == "connect")
    cell.source = (
        f"import os, pathlib, time\npathlib.Path({str(told)!r}).write_text(str(os.getpid()))\ntime.sleep(100)"
    )
    nbformat.write(notebook, own)
    code = (
        "import signal, sys; from pathlib import Path; from runbooks import cli, runbook;"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"
        f"runbook.NOTEBOOKS = Path({str(own.parent)!r}); runbook.INCIDENTS = Path({str(incidents)!r});"
        "sys.argv = ['runbooks', 'run', 'own', '--sandbox', 'healthy']; cli.main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        end = time.monotonic() + 60
        while not (told.exists() and told.read_text()):
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert said.strip() == "Interrupted."
    assert process.returncode == 130
    assert not Path("/proc", told.read_text()).exists()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_end_of_open_is_the_end_of_its_jupyterlab(ending: signal.Signals, tmp_path: Path) -> None:
    stands_in, told = tmp_path / "python", tmp_path / "told"
    stands_in.write_text(f"#!/bin/sh\necho $$ >{told}\nexec sleep 100\n")
    stands_in.chmod(0o700)
    code = (
        "import signal, sys; from runbooks import runbook; from runbooks.runbook import lab;"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"
        f"sys.executable = {str(stands_in)!r}; lab.address_of = lambda path: '';"
        "lab.show(runbook.NOTEBOOKS / 'agent.ipynb', browser=False)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + 60
        while not (told.exists() and told.read_text()):
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(ending)
        assert process.wait(30) == 0
    assert not Path("/proc", told.read_text().strip()).exists()


def test_a_jupyterlab_that_cannot_start_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands_in = tmp_path / "python"
    stands_in.write_text("#!/bin/sh\necho starting >&2\necho no module named jupyterlab >&2\nexit 1\n")
    stands_in.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(stands_in))
    monkeypatch.setattr(lab, "address_of", lambda path: "")
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest keeps its own
    with pytest.raises(UserError, match=r"^JupyterLab ended by itself: no module named jupyterlab$"):
        lab.show(runbook.NOTEBOOKS / "agent.ipynb", browser=False)


@pytest.mark.timeout(120)
def test_open_shows_the_address_of_the_jupyterlab_that_it_starts_and_none_of_its_log(tmp_path: Path) -> None:
    code = (
        "import signal; from runbooks import runbook; from runbooks.runbook import lab;"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"
        "lab.show(runbook.NOTEBOOKS / 'agent.ipynb', browser=False)"
    )
    # of its own, or a JupyterLab that runs already would be taken
    alone = os.environ | {"JUPYTER_RUNTIME_DIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=alone,
    ) as process:
        assert process.stdout
        first, second, third = (process.stdout.readline().strip() for _ in range(3))
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert first == "JupyterLab starts ..."
    assert re.fullmatch(r"Open: http://127\.0\.0\.1:\d+/lab/tree/notebooks/agent\.ipynb\?token=\w+", second)
    assert (third, rest, process.returncode) == ("Ctrl-C ends JupyterLab.", "", 0)
