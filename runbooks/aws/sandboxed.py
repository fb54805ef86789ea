"""A session with a sandbox of its own, in a child process that ends with this one."""

import atexit
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from importlib.util import find_spec
from typing import IO, Any, cast

import boto3
import botocore.session

from runbooks.aws.clients import Clients
from runbooks.aws.guard import Permission
from runbooks.aws.session import Aws
from runbooks.errors import UserError
from runbooks.text.times import time

# The clock of the sandbox that a diagnosis starts for itself, fixed so that its results never change.
DAY = datetime(2026, 1, 15, 12, tzinfo=UTC)


def require() -> None:
    """Raise `UserError` if the sandbox, a distribution of its own, is not installed."""
    if find_spec("codedeploy_sandbox") is None:
        raise UserError(
            "The sandbox is not installed: it is a wheel of its own, `pip install ./codedeploy_sandbox-*.whl`."
        )


def check_scenario(name: str) -> None:
    """Raise the `UserError` with which `start` would refuse this scenario."""
    require()
    from codedeploy_sandbox.scenarios import find

    try:
        find(name)
    except ValueError as error:
        raise UserError(str(error)) from None


def command(scenario: str) -> list[str]:
    """The command line of a sandbox process: it prints one line of JSON, and ends with its standard input."""
    return [
        *(sys.executable, "-m", "codedeploy_sandbox"),
        *("--scenario", scenario, "--clock", time(DAY, "%Y-%m-%dT%H:%M:%SZ"), "--until-eof"),
        *("--probe", str(files("runbooks.host") / "probe.sh")),
    ]


def start(scenario: str, region: str, allowed: Mapping[str, Permission]) -> Aws:
    """Start the sandbox with ``scenario`` and open a session with it.

    Raises `UserError` with the sandbox's own sentence when it does not start (unknown scenario), or when it is
    not installed.
    """
    require()
    about = _start(scenario)
    return Aws(
        Clients(session(about, region or about["region"]), endpoint=about["endpoint"], allowed=allowed),
        target=f"sandbox:{scenario}",
        now=lambda: DAY,
    )


def _start(scenario: str) -> dict[str, str]:
    with tempfile.TemporaryFile("w+") as complaint:
        child = subprocess.Popen(
            command(scenario),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaint,
            env=os.environ | {"PYTHONHASHSEED": "0"},
            text=True,
            # else the Ctrl-C that ends a watch ends it too, before the report that follows has asked it
            start_new_session=True,
        )
        stdin, stdout = cast(IO[str], child.stdin), cast(IO[str], child.stdout)  # both are pipes
        banner = stdout.readline()
        if not banner:
            child.wait()
            complaint.seek(0)
            raise UserError(complaint.read().strip() or "The sandbox did not start.")
    atexit.register(stdin.close)  # the end of its standard input is the end of the sandbox
    # waited for, so that it leaves no zombie: a Jupyter kernel waits seconds for those when it ends
    threading.Thread(target=child.wait, daemon=True).start()
    about: dict[str, str] = json.loads(banner)
    return about


def session(about: dict[str, str], region: str) -> boto3.Session:
    """A session that uses nothing of the user's own AWS configuration: no profile, no file."""
    core: Any = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    core.set_config_variable("config_file", os.devnull)
    core.set_config_variable("credentials_file", os.devnull)
    return boto3.Session(
        botocore_session=core,
        aws_access_key_id=about["access_key_id"],
        aws_secret_access_key=about["secret_access_key"],
        region_name=region,
    )
