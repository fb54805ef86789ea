"""What a reviewer asks of any CloudFormation template: AWS's own rules by cfn-guard, and those that they leave out.

cfn-guard and the rules of AWS Control Tower come in one package of npm, by `make clients`. checkov cannot be installed
beside this project: it pins an old boto3.
"""

import copy
import json
import platform
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.clients import MODULES
from tests.templates.stacks import STACKS, TEMPLATES, read

GUARD = MODULES / "@cdklabs" / "cdk-validator-cfnguard"
PROGRAM = GUARD / "bin/ubuntu/x86_64/cfn-guard"
# By template: the rules of AWS Control Tower that it does not keep, and why.
NOT_KEPT = {
    "notify-deployments.yml": {
        "cloudwatch_log_group_retention_period_check": "a year of logs of messages that chat and mail have too",
        "cloudwatch_log_group_encrypted_check": "a key of the customer's, for a log that names deployments only",
        "lambda_inside_vpc_check": "the function calls SNS and Systems Manager only, and needs no network of yours",
        "sqs_dlq_check": "the queue is the one for lost messages itself",
    }
}


@pytest.mark.skipif(
    not PROGRAM.is_file() or (platform.system(), platform.machine()) != ("Linux", "x86_64"),
    reason="no cfn-guard, which is used on Linux on x86_64: `make clients` installs it",
)
def test_the_rules_of_aws_control_tower_are_kept() -> None:
    PROGRAM.chmod(0o755)
    run: list[str | Path] = [
        PROGRAM,
        "validate",
        "--rules",
        GUARD / "rules/control-tower/cfn-guard",
        "--structured",
    ]
    run += [
        "--show-summary",
        "none",
        "--output-format",
        "json",
        "--data",
        *(TEMPLATES / name for name in STACKS),
    ]
    done = subprocess.run(run, capture_output=True, text=True, timeout=100, check=False)
    reports = {report["name"].rpartition("/")[2]: report for report in json.loads(done.stdout)}
    assert set(reports) == set(STACKS)
    broken = {name: {one["Rule"]["name"] for one in reports[name]["not_compliant"]} for name in STACKS}
    assert broken == {name: set(NOT_KEPT.get(name, {})) for name in STACKS}
    assert (
        sum(len(report["compliant"]) for report in reports.values()) >= 10
    )  # rules that had something to say


# --- rules of our own ----------------------------------------------------------------------------

# Actions of an Allow on every resource that do more than read, and why there is no narrower one.
ANYWHERE = {
    "codedeploy-commands-secure:*": "the agent's own calls, which have no resource type",
    "ssm:CreateOpsItem": "an OpsItem has no ARN before it is there",
}
READS = re.compile(r":(Get|List|Describe|BatchGet|Lookup|Simulate)")
SECRET = re.compile(r"(AKIA|ASIA)[A-Z0-9]{12,}|-----BEGIN|hooks\.slack\.com/services/\w", re.IGNORECASE)
SECRET_NAME = re.compile(r"password|secret|token$|private_?key", re.IGNORECASE)


def every(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Each value in a template, under its key."""
    yield key, value
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, child in children:
        yield from every(child, str(name) if isinstance(value, dict) else key)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(resource: Any) -> Iterator[dict[str, Any]]:
    for key, value in every(resource):
        if key == "Statement" and isinstance(value, list):
            for one in value:
                yield from as_list(one["Fn::If"][1] if "Fn::If" in one else one)


def named(resource: Any, *path: str) -> Any:
    """The value at a path of properties; None where there is none."""
    value = resource.get("Properties", {})
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def found(stack: Any) -> set[str]:
    """The names of the rules that a template breaks."""
    broken: set[str] = set()
    resources = stack["Resources"]
    for resource in resources.values():
        kind = resource["Type"]
        for one in statements(resource):
            actions = [str(action) for action in as_list(one.get("Action", "*"))]
            if "NotAction" in one or any(action == "*" or action.endswith(":*") for action in actions):
                broken.add("an action is named")
            if "Principal" in one and "*" in (
                one["Principal"],
                *as_list(dict(one["Principal"]).get("AWS", "")),
            ):
                broken.add("a principal is named")
            if "Principal" in one and "AWS" in one["Principal"] and "Condition" not in one:
                broken.add("another identity needs a condition")
            if "*" in as_list(one.get("Resource", "")):
                wide = {action for action in actions if not READS.search(action)}
                known = {action for action in wide for allowed in ANYWHERE if fits(allowed, action)}
                if wide - known:
                    broken.add("a write names its resources")
        if kind == "AWS::Logs::LogGroup" and not named(resource, "RetentionInDays"):
            broken.add("a log expires")
        if kind == "AWS::Lambda::Function":
            if not named(resource, "DeadLetterConfig", "TargetArn"):
                broken.add("a function has a queue for what it cannot handle")
            if resources.get(resource.get("DependsOn"), {}).get("Type") != "AWS::Logs::LogGroup":
                broken.add("a function has its own log group")
        if kind == "AWS::SQS::Queue" and named(resource, "SqsManagedSseEnabled") is not True:
            broken.add("a queue is encrypted")
        if kind == "AWS::EC2::SecurityGroup" and "0.0.0.0/0" in json.dumps(resource):
            broken.add("no port is open to all")
    for key, value in every(stack):
        if isinstance(value, str) and (
            SECRET.search(value) or (SECRET_NAME.search(key) and key not in stack)
        ):
            broken.add("no secret is in a template")
    return broken


def fits(allowed: str, action: str) -> bool:
    return allowed == action or (allowed.endswith("*") and action.startswith(allowed[:-1]))


@pytest.mark.parametrize("name", STACKS)
def test_the_rules_of_our_own_are_kept(name: str) -> None:
    assert found(read(name)) == set()


def notify() -> Any:
    return copy.deepcopy(read("notify-deployments.yml"))


def planted(path: str, value: Any) -> Callable[[], Any]:
    """The template of notifications with another value at a path; None takes it away."""

    def made() -> Any:
        stack = notify()
        *place, last = path.split(".")
        part = stack["Resources"]
        for step in place:
            part = part[int(step)] if isinstance(part, list) else part[step]
        if value is None:
            del part[last]
        else:
            part[last] = value
        return stack

    return made


STATEMENT = "Role.Properties.Policies.0.PolicyDocument.Statement.0"
TRUST = "Role.Properties.AssumeRolePolicyDocument.Statement.0"
FUNCTION = "Function.Properties"


@pytest.mark.parametrize(
    ("broken", "rule"),
    [
        (planted(f"{STATEMENT}.Action", "*"), "an action is named"),
        (planted(f"{STATEMENT}.Action", ["logs:*"]), "an action is named"),
        (planted(f"{STATEMENT}.NotAction", "iam:*"), "an action is named"),
        (planted(f"{STATEMENT}.Resource", "*"), "a write names its resources"),
        (planted(f"{TRUST}.Principal", {"AWS": "*"}), "a principal is named"),
        (planted(f"{TRUST}.Principal", {"AWS": "arn:aws:iam::1:root"}), "another identity needs a condition"),
        (planted("Log.Properties.RetentionInDays", None), "a log expires"),
        (planted(f"{FUNCTION}.DeadLetterConfig", None), "a function has a queue for what it cannot handle"),
        (planted("Function.DependsOn", None), "a function has its own log group"),
        (planted("Lost.Properties.SqsManagedSseEnabled", False), "a queue is encrypted"),
        (
            planted(f"{FUNCTION}.Environment.Variables.KEY", "AKIA1234567890ABCDEF"),
            "no secret is in a template",
        ),
        (planted(f"{FUNCTION}.Environment.Variables.DB_PASSWORD", "x"), "no secret is in a template"),
    ],
)
def test_a_rule_finds_what_it_is_for(broken: Callable[[], Any], rule: str) -> None:
    assert rule in found(broken())
