"""The caller's permissions, for each request: what its policies do not allow is refused, as AWS refuses it."""

from collections.abc import Mapping
from typing import Any

from codedeploy_sandbox.actions import needed
from codedeploy_sandbox.identities import Identity
from codedeploy_sandbox.policy import Outcome, Policy, Request, evaluate
from codedeploy_sandbox.world import NOBODY_ARN, Account, ApiError, Call

_CODES = {
    "json": ("AccessDeniedException", 400),
    "rest-json": ("AccessDeniedException", 403),
    "ec2": ("UnauthorizedOperation", 403),
}


class Denied(ApiError):
    """A request that its caller may not make."""


def authorise(call: Call, parameters: Mapping[str, Any]) -> None:
    """Raise Denied unless the caller may do all that the request needs."""
    account = call.account
    # Assumption: any-key
    if call.caller.arn == NOBODY_ARN:
        return
    identity = account.iam.behind(call.caller.arn)
    policies = account.iam.policies(identity) if identity else []
    boundary = account.iam.boundary(identity) if identity else None
    context = _context(call, identity)
    for action, resource in needed(call, parameters):
        outcome = evaluate(
            Request(action, resource, context),
            policies,
            boundary=boundary,
            organisation=organisation(account),
        )
        if outcome.decision != "allowed":
            code, status = _CODES.get(call.protocol, ("AccessDenied", 403))
            raise Denied(code, _text(call, action, resource, outcome), status)


def organisation(account: Account) -> list[list[Policy]]:
    """The account's service control policies, as the one level of an organisation; none where it has none."""
    policies = [Policy.of(f"scp-{number}", document) for number, document in enumerate(account.scps, 1)]
    return [policies] if policies else []


def about(identity: Identity) -> dict[str, list[str]]:
    """The context keys that say who somebody is, by their names in lower case."""
    known = {
        "aws:principalarn": [identity.arn],
        "aws:principalaccount": [identity.arn.split(":")[4]],
        "aws:principaltype": ["AssumedRole" if identity.kind == "role" else "User"],
        **{f"aws:principaltag/{key.lower()}": [value] for key, value in identity.tags.items()},
    }
    return known | ({"aws:username": [identity.name]} if identity.kind == "user" else {})


def _context(call: Call, identity: Identity | None) -> dict[str, list[str]]:
    return (about(identity) if identity else {}) | {
        "aws:userid": [call.caller.user_id],
        "aws:sourceip": [call.source_ip],
        "aws:useragent": [call.user_agent],
        "aws:requestedregion": [call.region],
        "aws:currenttime": [call.at.isoformat()],
        "aws:epochtime": [str(int(call.at.timestamp()))],
        "aws:securetransport": ["true"],  # what stands for AWS here stands for HTTPS, too
        "aws:viaawsservice": ["false"],
    }


def _text(call: Call, action: str, resource: str, outcome: Outcome) -> str:
    """AWS's general form of a denial, with what single services are known to make of it."""
    # Assumption: denied-text
    on = _where(call, resource)
    kind = outcome.because
    why = f"because no {kind} allows the {action} action"
    if outcome.decision == "explicitDeny":
        why = f"with an explicit deny in {'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    text = f"User: {call.caller.arn} is not authorized to perform: {action}{on} {why}"
    return f"You are not authorized to perform this operation. {text}" if call.service == "ec2" else text


def _where(call: Call, resource: str) -> str:
    """EC2 names no resource, S3 puts it in quotes, and IAM writes `role OnCall` for what a parameter names."""
    if resource == "*" or call.service == "ec2":
        return ""
    if call.service == "s3":
        resource = f'"{resource}"'
    elif call.service == "iam" and not call.operation.startswith("Simulate"):
        one = Identity(resource)
        resource = resource if one.kind == "policy" else f"{one.kind} {one.name}"
    return f" on resource: {resource}"
