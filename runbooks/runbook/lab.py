"""A file shown in JupyterLab: in the one that runs on this project, or in one that is started for it."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import webbrowser
from pathlib import Path

from runbooks import runbook as room
from runbooks.errors import UserError

_PATIENCE = 10  # seconds that JupyterLab has to end its kernels


def address_of(path: Path) -> str:
    """Where a JupyterLab that runs on this project shows the file, with its token; "" when none runs."""
    from jupyter_server.serverapp import list_running_servers

    for server in list_running_servers():
        if Path(server["root_dir"]).resolve() == room.PROJECT:
            token = f"?token={server['token']}" if server["token"] else ""
            return f"{server['url']}lab/tree/{path.relative_to(room.PROJECT)}{token}"
    return ""


def show(path: Path, *, browser: bool = True) -> None:
    """Open the file in the JupyterLab that runs on this project, or start one until Ctrl-C."""
    if address := address_of(path):
        print(f"Open: {address}")
        if browser:
            webbrowser.open(address)
        return
    print("JupyterLab starts ...", flush=True)
    _serve(path, browser)


def _serve(path: Path, browser: bool) -> None:
    """Run JupyterLab until it ends, or until Ctrl-C or the end of the terminal ends it.

    Its log, which no one asked for, is shown only where it ends by itself: then `UserError` has its last line.
    """
    command = [
        *(sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1"),
        f"--ServerApp.root_dir={room.PROJECT}",
        f"--LabApp.default_url=/lab/tree/{path.relative_to(room.PROJECT)}",
        *([] if browser else ["--no-browser"]),
        *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
    ]
    settings = os.environ | {"JUPYTER_CONFIG_PATH": str(room.PROJECT / "tools" / "jupyter")}
    asked_to_end: list[int] = []
    # noted, not raised: an exception while the process starts would leave it behind
    for ending in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, ending):
            signal.signal(getattr(signal, ending), lambda number, _: asked_to_end.append(number))
    # in a session of its own: Ctrl-C would only make it ask whether that was meant
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(
            command, cwd=room.PROJECT, env=settings, stdout=log, stderr=log, start_new_session=True
        ) as lab,
    ):
        address = ""
        while lab.poll() is None and not asked_to_end:
            if not address and (address := address_of(path)):
                print(f"Open: {address}\nCtrl-C ends JupyterLab.", flush=True)
            time.sleep(0.1)
        if asked_to_end:
            _end(lab)
        elif lab.returncode:
            log.seek(0)
            last = [line.strip() for line in log if line.strip()][-1:] or ["it said nothing"]
            raise UserError(f"JupyterLab ended by itself: {last[0]}")


def _end(lab: "subprocess.Popen[bytes]") -> None:
    lab.terminate()
    try:
        lab.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        lab.kill()
