"""The checks: one module per question, one function per good state.

A check is a public function of one of these modules that takes the session and the question and yields findings. Its
name is the good state (``agent_is_running`` has the id ``agent-is-running``), and its docstring says it. `findings.needs`
names the parameters without which it does not apply. A module has a ``TITLE``, and a ``GUIDE`` and a ``RUNBOOK`` to open
next.
"""

import inspect
from functools import cache
from types import ModuleType

from runbooks.checks import (
    agent,
    caller,
    callers,
    deployment,
    ec2,
    group,
    hooks,
    host,
    listing,
    network,
    permissions,
    preflight,
    readiness,
    registration,
    selection,
    traffic,
    vpc,
)
from runbooks.findings import Check

# In the order of a diagnosis: does this machine reach AWS, with which identity, what is registered or runs, who calls, then the
# host, its agent, and the path between them.
MODULES: tuple[ModuleType, ...] = (
    network,
    caller,
    registration,
    ec2,
    selection,
    listing,
    callers,
    deployment,
    group,
    traffic,
    host,
    agent,
    readiness,
    hooks,
    permissions,
    vpc,
)

# Old ids, which reports, links and scripts still use.
RENAMED = {"registered-and-deregistered-are-told-apart": "listed-names-are-registered-or-deregistered"}


@cache
def all_checks() -> tuple[Check, ...]:
    """Every check, in the order of modules and of lines."""
    return tuple(check for module in MODULES for check in _of(module))


@cache
def predictions() -> tuple[Check, ...]:
    """The checks that `runbooks preflight` makes and no diagnosis does, since they need what is to be deployed."""
    return _of(preflight)


def page_of(check: Check) -> str:
    """The address of what the site says of a check, from the site's root."""
    page = preflight.GUIDE if check in predictions() else "/checks/"
    return f"{page}#{check.id}"


def _of(module: ModuleType) -> tuple[Check, ...]:
    return tuple(
        Check.of(function)
        for name, function in vars(module).items()
        if not name.startswith("_") and _is_check(function, module)
    )


def _is_check(function: object, module: ModuleType) -> bool:
    """Whether a module's member is a check that it defines, also behind a decorator."""
    inner = inspect.unwrap(function) if callable(function) else None
    return inspect.isgeneratorfunction(inner) and inner.__module__ == module.__name__
