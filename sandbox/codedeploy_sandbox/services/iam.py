"""IAM's policy simulator, on what the sandbox knows of the account's IAM; all else of IAM is moto's.

A public function is an operation: its name and its keywords are the model's, and so are the names in what it returns.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.iam.actions import resource_type
from codedeploy_sandbox.iam.enforcement import about
from codedeploy_sandbox.iam.identities import Identity
from codedeploy_sandbox.iam.policy import Outcome, Policy, PolicyError, Request, Statement, evaluate
from codedeploy_sandbox.services import tokens
from codedeploy_sandbox.state import ACCOUNT, Call

PAGE = 100
_STRICTEST = ("explicitDeny", "implicitDeny", "allowed")
_ENTITY = re.compile(r"arn:aws:iam::(\d{12}):(user|group|role)/[\w+=,.@/-]+", re.A)


def SimulatePrincipalPolicy(
    call: Call,
    *,
    PolicySourceArn: str,
    ActionNames: list[str],
    PolicyInputList: Sequence[str] = (),
    PermissionsBoundaryPolicyInputList: Sequence[str] = (),
    PolicyExclusionList: Sequence[Any] = (),
    ResourceArns: Sequence[str] = (),
    ResourcePolicy: str | None = None,
    ResourceOwner: str | None = None,
    CallerArn: str | None = None,
    ContextEntries: Sequence[dict[str, Any]] = (),
    ResourceHandlingOption: str | None = None,
    MaxItems: int = PAGE,
    Marker: str | None = None,
) -> dict[str, Any]:
    """What the policies of a user, a group or a role say about actions on resources."""
    _not_here("PolicyExclusionList", PolicyExclusionList)
    _not_here("ResourceHandlingOption", ResourceHandlingOption)
    for action in ActionNames:
        if not re.fullmatch(r"[A-Za-z0-9-]+:[A-Za-z0-9]+", action):
            raise ApiError("InvalidInput", f"Invalid Input Actions: {action}")
    iam = call.account.iam
    source = iam.behind(_entity(PolicySourceArn))
    if not source:
        one = Identity(PolicySourceArn)
        raise ApiError("NoSuchEntity", f"The {one.kind} with name {one.name} cannot be found.")
    caller = _entity(CallerArn or PolicySourceArn)
    identity = [*iam.policies(source), *_policies("PolicyInputList", PolicyInputList)]
    boundary = _boundary(PermissionsBoundaryPolicyInputList) or iam.boundary(source)
    resource = _resource_policy(ResourcePolicy, caller, ResourceOwner)
    known = _known(call, caller, ContextEntries)

    def decided(action: str, arn: str) -> Outcome:
        request = Request(action, arn, known, caller)
        return evaluate(
            request, identity, boundary=boundary, organisation=iam.organisation(), resource=resource
        )

    question = (call.operation, call.parameters and {**call.parameters, "Marker": None, "MaxItems": None})
    start = _start(Marker, question)
    end = start + MaxItems
    named = [arn for arn in ResourceArns if arn != "*"]
    try:
        results = [
            _result(action, {arn: decided(action, arn) for arn in ResourceArns or ["*"]}, each=bool(named))
            for action in ActionNames[start:end]
        ]
    except PolicyError as error:
        raise ApiError("InvalidInput", str(error)) from None
    more = end < len(ActionNames)
    token = tokens.seal(end, *question) if more else None
    return {"EvaluationResults": results, "IsTruncated": more, "Marker": token}


def check_trust(call: Call) -> None:
    """Raise ApiError for a trust policy that is not a JSON object: moto does not read this kind of document."""
    # Assumption: policy-document
    text = (call.parameters or {}).get("AssumeRolePolicyDocument", "{}")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        text = "AssumeRolePolicyDocument is not a JSON object [sandbox]"
        raise ApiError("MalformedPolicyDocument", text, 400)


def _result(action: str, outcomes: Mapping[str, Outcome], *, each: bool) -> dict[str, Any]:
    """One action. Over several resources the strictest decision counts, with the statements that led to it."""
    # Assumption: simulation-strictest
    decision = min((outcome.decision for outcome in outcomes.values()), key=_STRICTEST.index)
    deciding = [outcome for outcome in outcomes.values() if outcome.decision == decision]
    organised = [outcome.organised for outcome in outcomes.values() if outcome.organised is not None]
    result = {
        "EvalActionName": action,
        "EvalResourceName": resource_type(action),
        "EvalDecision": decision,
        "MatchedStatements": _matched([one for outcome in deciding for one in outcome.matched]),
        "MissingContextValues": sorted({key for outcome in outcomes.values() for key in outcome.missing}),
        "OrganizationsDecisionDetail": {"AllowedByOrganizations": all(organised)} if organised else None,
        **_by_boundary([*outcomes.values()]),
    }
    specific = [
        {
            "EvalResourceName": arn,
            "EvalResourceDecision": outcome.decision,
            "MatchedStatements": _matched(outcome.matched),
            "MissingContextValues": list(outcome.missing),
            **_by_boundary([outcome]),
        }
        for arn, outcome in outcomes.items()
    ]
    return result | ({"EvalDecisionDetails": {}, "ResourceSpecificResults": specific} if each else {})


def _by_boundary(outcomes: list[Outcome]) -> dict[str, Any]:
    bounded = [outcome.bounded for outcome in outcomes if outcome.bounded is not None]
    if not bounded:
        return {}
    return {"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": all(bounded)}}


def _matched(statements: Sequence[Statement]) -> list[dict[str, Any]]:
    # Assumption: matched-source
    # Assumption: matched-once
    names = dict.fromkeys(one.policy for one in statements)
    return [{"SourcePolicyId": name, "SourcePolicyType": "IAM Policy"} for name in names]


def _known(call: Call, caller: str, entries: Sequence[dict[str, Any]]) -> dict[str, list[str]]:
    """The context: what IAM knows of the simulated caller, overridden by what was given."""
    # Assumption: simulation-context
    identity = call.account.iam.behind(caller) if caller else None
    given = {
        entry["ContextKeyName"].lower(): entry["ContextKeyValues"]
        for entry in entries
        if entry.get("ContextKeyName") and entry.get("ContextKeyValues")
    }
    return (about(identity) if identity else {}) | given


def _entity(arn: str) -> str:
    if not _ENTITY.fullmatch(arn):
        raise ApiError(
            "InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name."
        )
    return arn


def _policies(name: str, texts: Sequence[str]) -> list[Policy]:
    return [Policy(f"{name}.{number}", text) for number, text in enumerate(texts, 1)]


def _boundary(texts: Sequence[str]) -> Policy | None:
    if len(texts) > 1:
        raise ApiError("InvalidInput", "only one permissions boundary can be simulated")
    return next(iter(_policies("PermissionsBoundaryPolicyInputList", texts)), None)


def _resource_policy(text: str | None, caller: str, owner: str | None) -> Policy | None:
    if text is None:
        return None
    if ":user/" not in caller:
        raise ApiError("InvalidInput", "a ResourcePolicy can be simulated for a user only")
    if owner and owner != f"arn:aws:iam::{ACCOUNT}:root":
        _not_here("a ResourceOwner that is another account", owner)
    return Policy("ResourcePolicy", text)


def _not_here(parameter: str, value: Any) -> None:
    if value:
        raise ApiError("SandboxNotImplemented", f"{parameter} is not implemented by the sandbox", 501)


def _start(marker: str | None, question: tuple[Any, ...]) -> int:
    if marker is None:
        return 0
    try:
        return int(tokens.unseal(marker, *question))
    except ValueError as error:
        raise ApiError("InvalidInput", f"Marker is {error}") from None
