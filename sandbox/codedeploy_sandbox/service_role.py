"""The service role of a deployment group, as which CodeDeploy works: whether it may assume the role, and what that may do."""

from collections.abc import Mapping
from typing import Any

from codedeploy_sandbox.iam.identities import Identity
from codedeploy_sandbox.iam.policy import Request, evaluate
from codedeploy_sandbox.state import Account


def is_allowed(account: Account, arn: str, action: str, resource: str) -> bool:
    """Whether the policies of a user, or of the role behind a session or an ARN, allow an action."""
    identity = account.iam.behind(arn)
    if not identity:
        return False
    boundary = account.iam.boundary(identity)
    asked = Request(action, resource, {})
    policies, above = account.iam.policies(identity), account.iam.organisation()
    return evaluate(asked, policies, boundary=boundary, organisation=above).decision == "allowed"


def lacks(account: Account, arn: str, actions: Mapping[str, str]) -> list[str]:
    """The actions, each with its resource, that a service role may not do. An account that enforces nothing allows all."""
    if not account.enforces:
        return []
    return [action for action, resource in actions.items() if not is_allowed(account, arn, action, resource)]


def wrong_with(account: Account, region: str, arn: str) -> str:
    """Why CodeDeploy cannot work as a role, `missing` or `not trusting`; "" where it can."""
    if not account.enforces:
        return ""
    role = account.iam.behind(arn)
    if not role:
        return "missing"
    return "" if _trusts(role, region) else "not trusting"


def _trusts(role: Identity, region: str) -> bool:
    """Whether the trust policy of a role names CodeDeploy, by its general or its regional principal."""
    # Assumption: trust-conditions
    ours = {"codedeploy.amazonaws.com", f"codedeploy.{region}.amazonaws.com"}
    said = {
        effect: any(
            ours & _services(one)
            for one in _listed(role.trust.get("Statement"))
            if one.get("Effect") == effect
        )
        for effect in ("Allow", "Deny")
    }
    return said["Allow"] and not said["Deny"]


def _services(statement: Mapping[str, Any]) -> set[str]:
    principal = statement.get("Principal")
    named = principal.get("Service") if isinstance(principal, Mapping) else None
    return {str(one) for one in _listed(named)}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []
