"""A session with a sandbox in this process, as the tests of the checks need it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.loaders import Loader
from codedeploy_sandbox import SCENARIOS, Fault, Sandbox, serve
from codedeploy_sandbox.scenarios import Scenario
from codedeploy_sandbox.scenarios.codes import OF_CODES
from codedeploy_sandbox.scenarios.helpers import EC2

from runbooks.aws import sandboxed
from runbooks.aws.clients import Clients
from runbooks.aws.session import Aws
from runbooks.host import probe_script
from runbooks.host.probe import ProbeBy
from runbooks.question import Question

# One try and little patience: a fault should be met at once, and retries are botocore's to test.
QUICK = Config(
    connect_timeout=1,
    read_timeout=1,
    retries={"mode": "standard", "total_max_attempts": 1},
    proxies={},
    s3={"addressing_style": "path"},
)

# For a machine that is busy, where nothing is expected to fail.
PATIENT = QUICK.merge(Config(connect_timeout=10, read_timeout=30))

# Read once for all sessions: EC2's alone takes a tenth of a second.
MODELS = Loader()

# Those that differ from one another in more than the code of a deployment.
DISTINCT = [name for name in SCENARIOS if name not in OF_CODES]

# All that can be asked of the healthy sandbox.
EVERYTHING = Question(
    instance="web-01",
    deployment_group="shop/web",
    bucket="shop-revisions",
    deployment="d-SHOPWEB01",
    arn="arn:aws:sts::111122223333:assumed-role/CodeDeployOnPremises/web-01",
)


def subject(scenario: str) -> str:
    """The instance that a scenario is about."""
    return EC2 if scenario.startswith("ec2-") else EVERYTHING.instance


def everything(scenario: str) -> Question:
    """All that can be asked of a scenario."""
    return replace(EVERYTHING, instance=subject(scenario))


@contextmanager
def world(
    scenario: str | Scenario, faults: Iterable[Fault] = (), config: Config = QUICK
) -> Iterator[tuple[Aws, Sandbox]]:
    """A sandbox with this scenario, and a session with it as `connect` would open one."""
    with serve(scenario, clock=sandboxed.DAY, faults=faults, probe=probe_script()) as sandbox:
        yield session(sandbox, config), sandbox


def session(sandbox: Sandbox, config: Config = QUICK) -> Aws:
    """A session with a sandbox that runs in this process."""
    about = sandbox.address()
    return Aws(
        Clients(
            _opened(about["access_key_id"], about["secret_access_key"], about["region"]),
            endpoint=sandbox.endpoint,
            allowed={"ssm:SendCommand": ProbeBy()},
            config=config,
        ),
        target=f"sandbox:{sandbox.scenario}",
        now=lambda: sandboxed.DAY,
    )


@cache
def _opened(key: str, secret: str, region: str) -> boto3.Session:
    """The session of boto3: the same for all sandboxes, which differ by their endpoints alone."""
    opened = sandboxed.session({"access_key_id": key, "secret_access_key": secret}, region)
    opened._session.register_component("data_loader", MODELS)
    return opened


def asked(question: Question) -> dict[str, Any]:
    """The question as `diagnose` takes it."""
    return {name: getattr(question, name) for name in Question.__dataclass_fields__}
