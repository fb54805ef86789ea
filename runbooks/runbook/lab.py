"""A file shown in JupyterLab: in the one that runs on this project, or in one that is started for it."""

import os
import signal
import subprocess
import sys
import webbrowser
from pathlib import Path

from runbooks import runbook as room

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
    print("JupyterLab starts; it prints its address, and Ctrl-C ends it.", flush=True)
    _serve(path, browser)


def _serve(path: Path, browser: bool) -> None:
    """Run JupyterLab until it ends, or until Ctrl-C or the end of the terminal ends it."""
    command = [
        *(sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1"),
        f"--ServerApp.root_dir={room.PROJECT}",
        f"--LabApp.default_url=/lab/tree/{path.relative_to(room.PROJECT)}",
        *([] if browser else ["--no-browser"]),
        *(["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
    ]
    settings = os.environ | {"JUPYTER_CONFIG_PATH": str(room.PROJECT / "tools" / "jupyter")}
    for ending in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, ending):
            signal.signal(getattr(signal, ending), signal.default_int_handler)
    # in a session of its own: Ctrl-C would only make it ask whether that was meant
    with subprocess.Popen(command, cwd=room.PROJECT, env=settings, start_new_session=True) as lab:
        try:
            lab.wait()
        except KeyboardInterrupt:
            lab.terminate()
            try:
                lab.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                lab.kill()
