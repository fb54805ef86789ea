"""What several rooms' tests share: a sandbox process, and the environment that points a client at it."""

import gc
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.support.sandbox import environment_for, sandbox_process

# What is started in the background of a shell ignores SIGINT, and its children do. Some tests interrupt theirs.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The models of AWS's services are a million objects that stay: by default a third of the time goes into reading them again
# for what is garbage.
gc.set_threshold(20_000, 50, 100)

# The longest modules, whose tests share no fixture: each of their tests goes to the process that is free.
SPREAD = (
    "tests/checks/test_honesty.py",
    "tests/checks/test_ranks.py",
    "tests/runbook/test_notebooks.py",
)

# What reads the diagnosis of each scenario: the tests of one scenario go to one process, which makes it once.
BY_SCENARIO = (
    "tests/checks/test_fixes.py",
    "tests/checks/test_precision.py",
    "tests/test_again.py",
)

# What takes longest from its first test to its last, much of it in waiting: begun first, so that at the end no process
# works alone.
LONGEST = (
    "tests/sandbox/test_aws_cli_deploys.py",
    "tests/site/test_recipes.py",
    "tests/sandbox/scenarios/test_scenarios.py",
    "tests/templates/test_session_renewal.py",
    "tests/runbook/test_run.py",
    "tests/runbook/test_cells.py",
    "tests/browser/",
    "tests/site/",
    "tests/templates/",
)

# What needs a browser, a built site, a kernel, processes or many scenarios: three quarters of the time, a third of
# the tests. The rest is `make quick`.
SLOW = (
    *SPREAD,
    *BY_SCENARIO,
    "tests/appspec/test_hostile.py",
    "tests/aws/test_answers.py",
    "tests/browser/",
    "tests/checks/test_agent",
    "tests/checks/test_broken_hosts.py",
    "tests/checks/test_causes_first.py",
    "tests/checks/test_deployment",
    "tests/checks/test_ec2.py",
    "tests/checks/test_evidence.py",
    "tests/checks/test_group.py",
    "tests/checks/test_hook_log.py",
    "tests/checks/test_hooks.py",
    "tests/checks/test_host.py",
    "tests/checks/test_managed_host.py",
    "tests/checks/test_more_broken_hosts.py",
    "tests/checks/test_one_hangs.py",
    "tests/checks/test_permissions.py",
    "tests/checks/test_readiness.py",
    "tests/checks/test_what_is_known_survives.py",
    "tests/checks/test_what_is_not_known.py",
    "tests/cli/",
    "tests/decoder/test_index.py",
    "tests/host/test_probe",
    "tests/package/",
    "tests/register/",
    "tests/report/test_ticket.py",
    "tests/runbook/",
    "tests/sandbox/hosts/",
    "tests/sandbox/scenarios/",
    "tests/sandbox/services/test_ssm.py",
    "tests/sandbox/test_aws_cli.py",
    "tests/sandbox/test_bluegreen.py",
    "tests/sandbox/test_plays.py",
    "tests/sandbox/test_process.py",
    "tests/site/",
    "tests/templates/",
    "tests/test_limits.py",
    "tests/test_policy.py",
    "tests/test_preflight.py",
    "tests/test_run.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests by where they stand, and put the longest first and the quick ones last."""
    for item in items:
        if item.nodeid.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    """Where a test stands in the order of the run."""
    long = (number for number, name in enumerate(LONGEST) if item.nodeid.startswith(name))
    return next(long, len(LONGEST) + (not item.get_closest_marker("slow")))


class ByModule(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Keeps the other modules' tests together, with their fixtures. (xdist's own groups need an older pytest.)"""

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(BY_SCENARIO):
            return nodeid.partition("[")[2] or nodeid
        return nodeid if nodeid.startswith(SPREAD) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByModule:
    """Who runs what, with ``-n``: in the order above, not by the number of a module's tests."""
    config.option.loadscopereorder = False
    return ByModule(config, log)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox has the probe's answer at once, where Systems Manager takes its time."""
    monkeypatch.setattr("runbooks.facts.host_report._PAUSES", (0.02,))


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
