"""The scenarios: each public function sets up an account in which one thing is as its name says.

A scenario's name is its function's, with hyphens; the first line of its docstring says what is wrong. Every scenario
begins with the healthy fleet and has the instance web-01. Their callers, addresses and user agents are made up.
"""

import inspect
from collections.abc import Callable
from datetime import timedelta
from difflib import get_close_matches
from hashlib import sha256
from typing import Any
from uuid import UUID

from runbooks.sandbox.estate import furnish
from runbooks.sandbox.machines import Machine, session_yml, user_yml
from runbooks.sandbox.world import (
    ACCOUNT,
    CALLER_ACCESS_KEY,
    REGION,
    Account,
    ApiError,
    Call,
    Node,
    Principal,
)

Scenario = Callable[[Account], None]

_CLI = "aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/macos#24.6.0 md/arch#arm64 lang/python#3.13.7 md/prompt#off"
_BOTO = "Boto3/1.40.45 md/Botocore#1.40.45 ua/2.1 os/linux#6.1.147 md/arch#x86_64 lang/python#3.12.11"


def healthy(account: Account) -> None:
    """Nothing is wrong: two instances registered by session, one by IAM user, one deregistered."""
    furnish(account)
    world = account.world(REGION)
    month_ago = account.clock.start - timedelta(days=30)
    for name, tags in {
        "web-01": {"Name": "web-01", "Environment": "production"},
        "web-02": {"Name": "web-02", "Environment": "production"},
    }.items():
        session = f"arn:aws:sts::{ACCOUNT}:assumed-role/CodeDeployOnPremises/{name}"
        world.register(name, month_ago, session=session)
        world.instances[name].tags = tags
    for name in ("batch-01", "old-01"):
        world.register(name, month_ago, user=f"arn:aws:iam::{ACCOUNT}:user/AWS/CodeDeploy/{name}")
    world.instances["batch-01"].tags = {"Name": "batch-01", "Environment": "staging"}
    world.deregister("old-01", account.clock.start - timedelta(days=2))
    for number, (name, system) in enumerate(
        {"web-01": "rhel", "web-02": "rhel", "batch-01": "debian"}.items(), 1
    ):
        arn = world.instances[name].iam_arn
        yml = user_yml(arn, REGION) if ":user/" in arn else session_yml(arn, REGION)
        node = Node(f"mi-0a1b2c3d4e5f6000{number}", Machine(name, yml, system))
        world.nodes[node.id] = node
    on_call = account.callers[CALLER_ACCESS_KEY]
    for hours, parameters in ((20, {}), (9, {"registrationStatus": "Registered"}), (1, {})):
        _sent(account, on_call, hours * 60 + 3, "ListOnPremisesInstances", parameters, _CLI, "203.0.113.10")


def bad_filter(account: Account) -> None:
    """Three callers list on-premises instances with a registrationStatus that AWS does not have."""
    healthy(account)
    jenkins = account.knows(
        f"arn:aws:sts::{ACCOUNT}:assumed-role/JenkinsDeploy/nightly", "ASIASANDBOXJENKINS00"
    )
    for minutes in range(7, 127, 10):
        _bad(account, jenkins, minutes, "registered", _BOTO, "203.0.113.24")
    report = account.knows(
        f"arn:aws:sts::{ACCOUNT}:assumed-role/FleetReport/fleet-report", "ASIASANDBOXREPORT000"
    )
    lambda_agent = f"{_BOTO} exec-env/AWS_Lambda_python3.12"
    for minutes in (181, 541, 901):
        _bad(account, report, minutes, "", lambda_agent, "198.51.100.7")
    # Nobody has seen AWS's record of such a call, so one of ours does not tell the value.
    _bad(account, report, 1261, None, lambda_agent, "198.51.100.7")
    dana = account.knows(f"arn:aws:iam::{ACCOUNT}:user/dana", "AKIASANDBOXDANA00000")
    for minutes in (44, 46):
        _bad(account, dana, minutes, "All", _CLI, "192.0.2.55")
    # What resembles a bad filter, and is none:
    _sent(
        account, dana, 41, "ListOnPremisesInstances", {"registrationStatus": "Registered"}, _CLI, "192.0.2.55"
    )
    _sent(
        account,
        jenkins,
        12,
        "BatchGetOnPremisesInstances",
        {"instanceNames": ["web-01"]},
        _BOTO,
        "203.0.113.24",
    )
    audit = account.knows(f"arn:aws:sts::{ACCOUNT}:assumed-role/Audit/weekly", "ASIASANDBOXAUDIT0000")
    denial = ApiError("AccessDenied", "User is not authorized to perform: codedeploy:ListOnPremisesInstances")
    # Assumption: trail-denied
    _sent(account, audit, 305, "ListOnPremisesInstances", None, _BOTO, "203.0.113.90", denial)


def _bad(
    account: Account, caller: Principal, minutes: int, value: str | None, agent: str, address: str
) -> None:
    parameters = None if value is None else {"registrationStatus": value}
    error = ApiError("InvalidRegistrationStatusException", "the filter is malformed [sandbox]")
    _sent(account, caller, minutes, "ListOnPremisesInstances", parameters, agent, address, error)


def _sent(
    account: Account,
    caller: Principal,
    minutes_ago: int,
    operation: str,
    parameters: dict[str, Any] | None,
    user_agent: str,
    source_ip: str,
    error: ApiError | None = None,
) -> None:
    """Write into the journal that a call to CodeDeploy was made before the sandbox began."""
    identity = f"{caller.arn} {operation} {minutes_ago}"
    account.journal.append(
        Call(
            account=account,
            at=account.clock.start - timedelta(minutes=minutes_ago),
            service="codedeploy",
            operation=operation,
            region=REGION,
            caller=caller,
            user_agent=user_agent,
            source_ip=source_ip,
            request_id=str(UUID(bytes=sha256(identity.encode()).digest()[:16], version=4)),
            parameters=parameters,
            error=error,
        )
    )


SCENARIOS: dict[str, Scenario] = {
    name.replace("_", "-"): function
    for name, function in list(globals().items())
    if inspect.isfunction(function) and function.__module__ == __name__ and not name.startswith("_")
}


def find(name: str) -> Scenario:
    """The scenario of this name. Raises ValueError, in one sentence that names the known ones."""
    if name in SCENARIOS:
        return SCENARIOS[name]
    near = get_close_matches(name, SCENARIOS, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise ValueError(f"There is no scenario {name!r}. {hint}Known scenarios: {', '.join(SCENARIOS)}.")
