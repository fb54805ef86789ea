"""What several rooms' tests share: a sandbox process, and the environment that points a client at it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# The longest modules, whose tests share no fixture: each of their tests goes to whoever is free.
SPREAD = ("tests/checks/test_honesty.py", "tests/runbook/test_notebooks.py", "tests/checks/test_precision.py")


class ByModule(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Keeps the other modules' tests together, with their fixtures. (xdist's own groups need an older pytest.)"""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(SPREAD) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByModule:
    """Who runs what, with ``-n``."""
    return ByModule(config, log)


@contextmanager
def sandbox_process(scenario: str) -> Iterator[dict[str, Any]]:
    """A sandbox in a process of its own; gives what it says of itself (endpoint, region, keys)."""
    command = [
        sys.executable,
        "-m",
        "codedeploy_sandbox",
        "--scenario",
        scenario,
        "--port",
        "0",
        "--until-eof",
    ]
    with subprocess.Popen(
        [*command, "--clock", "2026-01-15T12:00:00Z"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        yield json.loads(child.stdout.readline())
        assert child.stdin is not None
        child.stdin.close()


def environment_for(about: dict[str, Any]) -> dict[str, str]:
    """The environment of a client that knows nothing but the sandbox."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_ENDPOINT_URL": about["endpoint"],
        "AWS_ACCESS_KEY_ID": about["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": about["secret_access_key"],
        "AWS_DEFAULT_REGION": about["region"],
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox has the probe's answer at once, where Systems Manager takes its time."""
    monkeypatch.setattr("runbooks.host.fetch._PAUSES", (0.02,))


@pytest.fixture
def sandbox_about() -> Iterator[dict[str, Any]]:
    """A fresh sandbox process with the scenario bad-filter, as it describes itself."""
    with sandbox_process("bad-filter") as about:
        yield about


@pytest.fixture
def sandbox(sandbox_about: dict[str, Any]) -> str:
    """The endpoint of a fresh sandbox process with the scenario bad-filter."""
    return str(sandbox_about["endpoint"])


@pytest.fixture
def sandbox_env(sandbox_about: dict[str, Any]) -> dict[str, str]:
    """The environment that points any AWS client at the fixture ``sandbox``."""
    return environment_for(sandbox_about)
