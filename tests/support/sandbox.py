"""The sandbox as the tests reach it: in a process of its own, through boto3, and through the stock command line."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from codedeploy_sandbox import Sandbox

from runbooks.aws import sandboxed

AWS = Path(sys.executable).with_name("aws")
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=AKIATEST/20260115/eu-west-1/{}/aws4_request, SignedHeaders=host, Signature=0"
)


@contextmanager
def sandbox_process(scenario: str, *, real_time: bool = False) -> Iterator[dict[str, Any]]:
    """A sandbox in a process of its own; gives what it says of itself (endpoint, region, keys)."""
    command = sandboxed.command(scenario)
    if real_time:
        at = command.index("--clock")
        del command[at : at + 2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
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


def client(
    sandbox: Sandbox, service: str, *, attempts: int | None = 1, read_timeout: float = 30, **options: Any
) -> Any:
    """A stock boto3 client that knows nothing of this machine's AWS set-up; `attempts` None is boto3's own default."""
    about = sandbox.address()
    reach = {
        "endpoint_url": sandbox.endpoint,
        "aws_access_key_id": about["access_key_id"],
        "aws_secret_access_key": about["secret_access_key"],
        "region_name": about["region"],
    }
    config = Config(connect_timeout=5, read_timeout=read_timeout, proxies={})
    if attempts:
        config = config.merge(Config(retries={"total_max_attempts": attempts}))
    return _session().client(service, config=config, **(reach | options))


@cache
def _session() -> Any:
    core: Any = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    core.set_config_variable("config_file", os.devnull)
    core.set_config_variable("credentials_file", os.devnull)
    return boto3.Session(botocore_session=core)


def aws(
    environment: dict[str, str], *arguments: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [AWS, *arguments], env=environment, capture_output=True, text=True, timeout=60, cwd=cwd
    )
