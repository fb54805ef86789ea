"""The least-privilege policy of the diagnosis: what the checks were observed to call, and nothing else.

``make observed`` writes `checks/observed.json` from what each check does in all scenarios of the sandbox; a test
does the same and compares.
"""

import json
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any

import yaml

from runbooks.errors import UserError
from runbooks.host.probe import document_name

# Allowed to every identity, whatever the policies say (the API reference of sts:GetCallerIdentity).
_NEEDS_NOTHING = {"sts:GetCallerIdentity"}

# Actions whose name is not that of the operation, and services whose actions have another prefix.
_ACTIONS = {
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:ListObjectsV2": "s3:ListBucket",
}
_PREFIXES = {"elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing"}

# What only the probe calls.
PROBE = ("ssm:GetDocument", "ssm:SendCommand", "ssm:GetCommandInvocation")
# The hosts that Systems Manager manages; which document may run on them is what limits the probe.
_NODES = ["arn:*:ssm:*:*:managed-instance/*", "arn:*:ec2:*:*:instance/*"]


@cache
def observed() -> dict[str, dict[str, list[str]]]:
    """By check id: ``calls``, its sorted API calls ("ssm:SendCommand"), and ``takes``, the parameters that it read."""
    text = resources.files("runbooks.checks").joinpath("observed.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, list[str]]] = json.loads(text)
    return found


def calls(check: str) -> list[str]:
    """The API calls of a check. Raises `UserError` for a check that was never observed."""
    if check not in observed():
        raise UserError(f"The check {check} was never observed in the sandbox: run `make observed`.")
    return observed()[check]["calls"]


def actions(apis: Iterable[str], *, probe: bool = False) -> list[str]:
    """The IAM actions that these API calls need; those of the probe only with ``probe``.

    For the services of the checks an action has the name of its operation (Service Authorization Reference), but for
    those of `_ACTIONS`.
    """
    wanted = {_action(api) for api in apis}
    return sorted({api for api in wanted if api not in _NEEDS_NOTHING and (probe or api not in PROBE)})


def _action(api: str) -> str:
    service, _, operation = api.partition(":")
    return _ACTIONS.get(api, f"{_PREFIXES.get(service, service)}:{operation}")


def text(checks: Iterable[str], *, probe: bool = True) -> str:
    """The policy for these checks, as JSON to paste: the runbooks show it."""
    return json.dumps(document(checks, probe=probe), indent=2)


def document(checks: Iterable[str] = (), *, probe: bool = False) -> dict[str, Any]:
    """The IAM policy that these checks need (every check if none is named): reads, and with ``probe`` also the
    host probe by its document. Raises `UserError` for a check that was never observed.

    The resource of the reads is ``*``: most of them have no resource type, and a policy that names instances lets
    Get pass and refuses List.
    """
    needed = actions((api for id_ in list(checks) or observed() for api in calls(id_)), probe=probe)
    limited = {action: on for action, on in _probe_resources().items() if action in needed}
    anywhere = [action for action in needed if action not in limited]
    statements = [{"Sid": "Read", "Effect": "Allow", "Action": anywhere, "Resource": "*"}] if anywhere else []
    for action, on in limited.items():
        sid = f"Probe{action.partition(':')[2]}"
        statements.append({"Sid": sid, "Effect": "Allow", "Action": [action], "Resource": on})
    return {"Version": "2012-10-17", "Statement": statements}


def template() -> str:
    """The CloudFormation template of two managed policies: for who diagnoses, and for who also sends the probe."""
    policies = {
        "ReaderPolicy": ("Reads what the runbooks read", document()),
        "ProberPolicy": ("Reads what the runbooks read, and sends their host probe", document(probe=True)),
    }
    stack = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "The least-privilege policies of the CodeDeploy Field Guide's diagnosis.",
        "Resources": {
            name: {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"Description": about, "PolicyDocument": body},
            }
            for name, (about, body) in policies.items()
        },
        "Outputs": {
            name: {"Description": about, "Value": {"Ref": name}} for name, (about, _) in policies.items()
        },
    }
    head = "# Written by `make observed` and `make templates` from what the checks call; do not edit.\n"
    return head + yaml.safe_dump(stack, sort_keys=False, width=120)


def _probe_resources() -> dict[str, list[str]]:
    """The resources of what only the probe does: its one document, and the hosts."""
    name = document_name()
    owner = "" if name.startswith("AWS-") else "*"  # the documents of AWS are of no account
    arn = name if name.startswith("arn:") else f"arn:*:ssm:*:{owner}:document/{name}"
    return {"ssm:GetDocument": [arn], "ssm:SendCommand": [arn, *_NODES]}
