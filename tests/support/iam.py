"""What the tests of IAM share: policies and requests for the evaluator, and questions for the simulator."""

from collections.abc import Mapping
from typing import Any

from codedeploy_sandbox import Sandbox
from codedeploy_sandbox.iam.policy import Outcome, Policy, Request, evaluate
from codedeploy_sandbox.state import ACCOUNT, REGION

from tests.support.sandbox import client

IAM = f"arn:aws:iam::{ACCOUNT}"
ON_CALL, HOSTS = f"{IAM}:role/OnCall", f"{IAM}:role/CodeDeployOnPremises"
GET, LIST = "codedeploy:GetOnPremisesInstance", "codedeploy:ListOnPremisesInstances"
WEB_01 = f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:instance:web-01"
OBJECT = "arn:aws:s3:::shop-revisions/web/1.4.2.zip"
DANA = f"{IAM}:user/dana"
ALLOWED, DENIED, NO = "allowed", "explicitDeny", "implicitDeny"


def statement(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    """A statement about everything, unless `elements` say otherwise."""
    chosen = {"Action": "*", "Resource": "*"}
    for name in ("Action", "Resource"):
        if f"Not{name}" in elements:
            del chosen[name]
    return {"Effect": effect, **chosen, **elements}


def policy(*statements: dict[str, Any], version: str = "2012-10-17") -> Policy:
    return Policy.of("P", {"Version": version, "Statement": list(statements)})


def ask(
    *statements: dict[str, Any],
    action: str = GET,
    resource: str = WEB_01,
    context: Mapping[str, str | list[str]] | None = None,
    **more: Any,
) -> Outcome:
    known = {
        key.lower(): [value] if isinstance(value, str) else value for key, value in (context or {}).items()
    }
    return evaluate(
        Request(action, resource, known, DANA), [policy(*statements)] if statements else [], **more
    )


def deny(*actions: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": list(actions), "Resource": "*"}],
    }


def results(sandbox: Sandbox, who: str, *actions: str, **more: Any) -> list[dict[str, Any]]:
    answer = client(sandbox, "iam").simulate_principal_policy(
        PolicySourceArn=who, ActionNames=list(actions), **more
    )
    found: list[dict[str, Any]] = answer["EvaluationResults"]
    return found


def decisions(sandbox: Sandbox, who: str, *actions: str, **more: Any) -> list[str]:
    return [one["EvalDecision"] for one in results(sandbox, who, *actions, **more)]
