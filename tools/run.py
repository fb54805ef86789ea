"""`make run`: the site and JupyterLab, side by side on loopback, until Ctrl-C."""

import argparse
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO, NoReturn

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
NOTEBOOK = "notebooks/triage.ipynb"  # where the home page says to start
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, an end from outside, a closed terminal
PATIENCE = 90  # seconds for both to answer; a first start compiles and can be slow


class CannotRun(Exception):
    """One sentence that says what is in the way."""


def main() -> int:
    """Serve both until interrupted; gives the exit code."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--site-port", type=int, default=8000)
    arguments.add_argument("--lab-port", type=int, default=8888)
    asked = arguments.parse_args()
    for port in (asked.site_port, asked.lab_port):
        if not 0 < port < 65536:
            arguments.error(f"{port} is not a port: take one from 1 to 65535.")
    if asked.site_port == asked.lab_port:
        arguments.error(f"the site and JupyterLab cannot share port {asked.site_port}.")
    for ending in ENDINGS:
        if signal.getsignal(ending) is not signal.SIG_IGN:  # under nohup it goes on
            signal.signal(ending, interrupt)
    children: list[subprocess.Popen[str]] = []
    try:
        serve(asked.site_port, asked.lab_port, children)
    except KeyboardInterrupt:
        stop(children)
        with suppress(OSError):  # the terminal may be gone
            print("\nStopped.", flush=True)
        return 0
    except CannotRun as problem:
        print(problem, file=sys.stderr)
        return 64
    finally:
        stop(children)


def interrupt(number: int, frame: FrameType | None) -> None:
    """End as Ctrl-C does, and only once: make passes the end of its terminal on, so it comes twice."""
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    raise KeyboardInterrupt


def serve(site_port: int, lab_port: int, children: list[subprocess.Popen[str]]) -> NoReturn:
    """Start both, print the banner, and wait; children are put into the list as they start."""
    check_free(site_port, "SITE_PORT")
    check_free(lab_port, "LAB_PORT")
    token = secrets.token_hex(16)
    site, lab = f"http://{HOST}:{site_port}/", f"http://{HOST}:{lab_port}/lab/tree/{NOTEBOOK}"
    logs = [tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")]  # noqa: SIM115 - closed with the process
    # Each gets the address of the other, for the links between them.
    children.append(start(site_command(site_port), logs[0], RUNBOOKS_LAB=f"http://{HOST}:{lab_port}"))
    lab_needs = {"JUPYTER_TOKEN": token, "RUNBOOKS_SITE": site.rstrip("/")}
    children.append(start(lab_command(lab_port), logs[1], **lab_needs))
    print("Starting the site and JupyterLab ...", flush=True)

    def check_alive() -> None:
        for name, port, option, child, log in zip(
            ("The site", "JupyterLab"),
            (site_port, lab_port),
            ("SITE_PORT", "LAB_PORT"),
            children,
            logs,
            strict=True,
        ):
            if child.poll() is not None:
                check_free(port, option)  # a `make run` that started at the same time may have been faster
                raise CannotRun(f"{name} ended by itself: {last_line(log)}")

    for log, address in zip(logs, (site, f"http://{HOST}:{lab_port}/api?token={token}"), strict=True):
        wait_for(address, check_alive, log)
    check_alive()  # what answered may have been the site of another
    print(banner(site, f"{lab}?token={token}"), flush=True)
    while True:
        check_alive()
        time.sleep(0.5)


def site_command(port: int) -> list[str]:
    return [sys.executable, "-m", "tools.serve", "--port", str(port)]


def lab_command(port: int) -> list[str]:
    return [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        f"--ServerApp.ip={HOST}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={ROOT}",
        f"--LabApp.default_url=/lab/tree/{NOTEBOOK}",
        *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
    ]


def start(command: list[str], log: IO[str], **environment: str) -> subprocess.Popen[str]:
    """Start a child in a process group of its own, so that Ctrl-C reaches this process alone, which then ends both."""
    quiet = {"NO_MKDOCS_2_WARNING": "1", "JUPYTER_CONFIG_PATH": str(ROOT / "tools" / "jupyter")}
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | quiet | environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def check_free(port: int, name: str) -> None:
    """Raise `CannotRun` when ``port`` cannot be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CannotRun(
                f"Port {port} on {HOST} cannot be used ({error.strerror}): "
                f"end what holds it, or choose another: make run {name}={port + 1}"
            ) from None


def wait_for(address: str, check_alive: Callable[[], None], log: IO[str]) -> None:
    """Return when ``address`` answers; raise `CannotRun` when a server ends or this one says nothing for long."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        check_alive()
        try:
            urllib.request.urlopen(address, timeout=2).close()  # noqa: S310 - our own loopback address
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise CannotRun(f"{address.partition('?')[0]} did not answer within {PATIENCE} s: {last_line(log)}")


def last_line(log: IO[str]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log if line.strip()]
    return lines[-1] if lines else "it said nothing"


def banner(site: str, lab: str) -> str:
    rows = [f"The guide    {site}", f"JupyterLab   {lab}", "", "Ctrl-C ends both."]
    rule = "-" * max(map(len, rows))
    return "\n".join(["", rule, *rows, rule])


def stop(children: list[subprocess.Popen[str]]) -> None:
    """End the children and what they started (kernels, sandboxes); after 10 s without asking."""
    for child in children:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)
    for child in children:
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


if __name__ == "__main__":
    sys.exit(main())
