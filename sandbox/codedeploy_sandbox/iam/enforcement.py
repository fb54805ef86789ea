"""The caller's permissions, for each request: what they do not allow is refused, as AWS does."""

from collections.abc import Mapping
from typing import Any

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.iam.actions import Asked, needed
from codedeploy_sandbox.iam.identities import Iam, Identity
from codedeploy_sandbox.iam.policy import Outcome, Request, evaluate

_CODES = {
    "json": ("AccessDeniedException", 400),
    "smithy-rpc-v2-cbor": ("AccessDeniedException", 400),
    "rest-json": ("AccessDeniedException", 403),
    "ec2": ("UnauthorizedOperation", 403),
}


class Denied(ApiError):
    """A request that its caller may not make."""


def authorise(call: Asked, parameters: Mapping[str, Any], iam: Iam) -> None:
    """Raise Denied unless the caller may do all that the request needs."""
    identity = iam.behind(call.caller.arn)
    policies = iam.policies(identity) if identity else []
    boundary = iam.boundary(identity) if identity else None
    context = _context(call, identity)
    for action, resource in needed(call, parameters, iam):
        outcome = evaluate(
            Request(action, resource, context),
            policies,
            boundary=boundary,
            organisation=iam.organisation(),
        )
        if outcome.decision != "allowed":
            code, status = _CODES.get(call.protocol, ("AccessDenied", 403))
            raise Denied(code, _text(call, action, resource, outcome), status)


def about(identity: Identity) -> dict[str, list[str]]:
    """The context keys about an identity, by their names in lower case."""
    known = {
        "aws:principalarn": [identity.arn],
        "aws:principalaccount": [identity.arn.split(":")[4]],
        "aws:principaltype": ["AssumedRole" if identity.kind == "role" else "User"],
        **{f"aws:principaltag/{key.lower()}": [value] for key, value in identity.tags.items()},
    }
    return known | ({"aws:username": [identity.name]} if identity.kind == "user" else {})


def _context(call: Asked, identity: Identity | None) -> dict[str, list[str]]:
    return (about(identity) if identity else {}) | {
        "aws:userid": [call.caller.user_id],
        "aws:sourceip": [call.source_ip],
        "aws:useragent": [call.user_agent],
        "aws:requestedregion": [call.region],
        "aws:currenttime": [call.at.isoformat()],
        "aws:epochtime": [str(int(call.at.timestamp()))],
        "aws:securetransport": ["true"],  # the sandbox stands for AWS, which is reached by HTTPS
        "aws:viaawsservice": ["false"],
    }


def _text(call: Asked, action: str, resource: str, outcome: Outcome) -> str:
    """AWS's general text of a denial, with the known differences of single services."""
    # Assumption: denied-text
    on = _where(call, resource)
    kind = outcome.because
    why = f"because no {kind} allows the {action} action"
    if outcome.decision == "explicitDeny":
        why = f"with an explicit deny in {'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    text = f"User: {call.caller.arn} is not authorized to perform: {action}{on} {why}"
    return f"You are not authorized to perform this operation. {text}" if call.service == "ec2" else text


def _where(call: Asked, resource: str) -> str:
    """EC2 names no resource, S3 puts it in quotes, and IAM writes `role OnCall` for what a parameter names."""
    if resource == "*" or call.service == "ec2":
        return ""
    if call.service == "s3":
        resource = f'"{resource}"'
    elif call.service == "iam" and not call.operation.startswith("Simulate"):
        one = Identity(resource)
        resource = resource if one.kind == "policy" else f"{one.kind} {one.name}"
    return f" on resource: {resource}"
