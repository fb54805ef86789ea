"""`make run`: both servers answer, Ctrl-C and the end of the terminal end both, a taken port is a sentence."""

import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import termios
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support import ROOT


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run(site_port: int, lab_port: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tools.run", "--site-port", str(site_port), "--lab-port", str(lab_port)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.timeout(150)
def test_both_answer_and_ctrl_c_ends_both() -> None:
    ports = free_port(), free_port()
    with run(*ports) as process:
        assert process.stdout is not None
        shown = ""
        while "Ctrl-C" not in shown:
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            shown += line
        site, lab = re.findall(r"http://\S+", shown)
        with urllib.request.urlopen(site, timeout=30) as page:
            assert "CodeDeploy Field Guide" in page.read().decode()
        with pytest.raises(urllib.error.HTTPError, match="404") as missing:
            urllib.request.urlopen(f"{site}no-such-page/", timeout=30)
        assert b"CodeDeploy Field Guide" in missing.value.read()
        with urllib.request.urlopen(f"{site}runbooks/triage/", timeout=30) as page:
            assert f"127.0.0.1:{ports[1]}/lab/tree/notebooks/triage.ipynb" in page.read().decode()
        assert f":{ports[1]}/lab/tree/notebooks/" in lab
        assert "token=" in lab
        with urllib.request.urlopen(lab, timeout=30) as page:
            assert page.status == 200
        with pytest.raises(
            urllib.error.HTTPError, match="403"
        ):  # without its token JupyterLab gives nothing away
            urllib.request.urlopen(f"http://127.0.0.1:{ports[1]}/api/contents", timeout=30)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    end = time.monotonic() + 5
    for port in ports:
        with socket.socket() as probe:
            while probe.connect_ex(("127.0.0.1", port)) == 0:
                assert time.monotonic() < end, f"something still listens on {port}"


def served(port: int) -> int:
    """When the home page was built that a server of the site on ``port`` serves, in nanoseconds."""
    command = [sys.executable, "-m", "tools.serve", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"RUNBOOKS_LAB": "http://127.0.0.1:8888"}
    ) as server:
        try:
            end = time.monotonic() + 100
            while True:
                assert server.poll() is None
                assert time.monotonic() < end
                with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                    return (ROOT / "build/run/index.html").stat().st_mtime_ns
                time.sleep(0.1)
        finally:
            server.terminate()


@pytest.mark.timeout(250)
def test_the_site_is_built_again_only_when_a_source_has_changed() -> None:
    first, second = served(free_port()), served(free_port())
    assert first == second
    (ROOT / "docs/index.md").touch()
    assert served(free_port()) > second


def mentioning(*words: str) -> list[str]:
    """The command lines of the processes that hold one of the words."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it may have ended meanwhile
            lines.append(path.read_text(errors="replace").replace("\0", " "))
    return [line for line in lines if any(word in line for word in words)]


@pytest.mark.timeout(150)
def test_closing_the_terminal_ends_both() -> None:
    """The shell in between ends too, so the signal comes from it and from the kernel."""
    ports = free_port(), free_port()
    ours = f"tools.serve --port {ports[0]}", f"port={ports[1]}"
    mine, theirs = os.openpty()
    command = f"{sys.executable} -m tools.run --site-port {ports[0]} --lab-port {ports[1]}; true"
    process = subprocess.Popen(
        ["sh", "-c", command],
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    shown = ""
    while "Starting the site" not in shown:
        shown += os.read(mine, 1000).decode()
    assert mentioning(*ours)
    os.close(mine)
    process.wait(30)
    end = time.monotonic() + 30
    while left := mentioning(*ours):
        assert time.monotonic() < end, left
        time.sleep(0.2)
    assert not list((ROOT / "build").glob("run-*"))


@pytest.mark.parametrize("taken", ["site", "lab"])
def test_a_taken_port_is_a_sentence(taken: str) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        process = run(port, free_port()) if taken == "site" else run(free_port(), port)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 64
    assert "Traceback" not in err
    assert f"Port {port}" in err
    assert f"{'SITE' if taken == 'site' else 'LAB'}_PORT=" in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.timeout(200)
def test_of_two_at_once_on_the_same_ports_one_runs_and_the_other_says_why_not() -> None:
    ports = free_port(), free_port()
    both = [run(*ports), run(*ports)]
    try:
        end = time.monotonic() + 120
        while all(process.poll() is None for process in both):
            assert time.monotonic() < end
            time.sleep(0.2)
        loser, winner = sorted(both, key=lambda process: process.poll() is None)
        out, err = loser.communicate(timeout=30)
        assert loser.returncode == 64
        assert re.fullmatch(r"Port \d+ on 127\.0\.0\.1 cannot be used \(.+\): end what holds it, .+\n", err)
        assert "Ctrl-C" not in out
        assert winner.stdout is not None
        while "Ctrl-C" not in (line := winner.stdout.readline()):
            assert line, "the other ended too"
    finally:
        for process in both:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
