"""The scenarios: each public function of these modules sets up an account with one problem, which its name says.

A scenario's name is its function's, with hyphens; the first line of its docstring says what is wrong. Every scenario
begins with the healthy fleet; web-01 is a registered instance unless the scenario says otherwise. Those named ec2-... add
an EC2 instance, whose id is `helpers.EC2`.
"""

import inspect
from collections.abc import Callable
from difflib import get_close_matches

from codedeploy_sandbox.scenarios import (
    agent,
    aws,
    balanced,
    calls,
    deployments,
    ec2,
    failures,
    fleet,
    group,
    host,
    permissions,
    registration,
    vpc,
)
from codedeploy_sandbox.scenarios.codes import OF_CODES
from codedeploy_sandbox.state import Account

Scenario = Callable[[Account], None]

SCENARIOS: dict[str, Scenario] = {
    name.replace("_", "-"): function
    for module in (
        fleet,
        registration,
        agent,
        host,
        permissions,
        vpc,
        ec2,
        calls,
        deployments,
        failures,
        balanced,
        group,
        aws,
    )
    for name, function in vars(module).items()
    if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
} | OF_CODES


def find(name: str) -> Scenario:
    """The scenario of this name. Raises ValueError, with those that are near, and with how to list them all."""
    if name in SCENARIOS:
        return SCENARIOS[name]
    holding = [one for one in SCENARIOS if len(name) > 2 and name.lower() in one][:3]
    near = holding or get_close_matches(name, SCENARIOS, n=1)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    raise ValueError(
        f"There is no scenario {name!r}. {hint}`runbooks sandbox --list` lists all {len(SCENARIOS)}."
    )
