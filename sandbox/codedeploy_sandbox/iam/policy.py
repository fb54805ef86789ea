"""IAM's decision: whether policies allow an action on a resource, by the rules in AWS's IAM user guide.

A pure function of policies and a request, which knows nothing of the sandbox.

    evaluate(Request("codedeploy:GetOnPremisesInstance", arn), [Policy.of("ReadOnly", document)]).decision

It knows identity policies, a permissions boundary, service control policies by level, and one resource policy, for a
caller and a resource of one account. Session policies, resource control policies and VPC endpoint policies are not
among them.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from codedeploy_sandbox.iam import conditions
from codedeploy_sandbox.iam.conditions import Context, Unresolved

Verdict = Literal["allowed", "explicitDeny", "implicitDeny"]
# The kinds of policy, in the words of AWS's denial texts.
ORGANISATION, IDENTITY = "service control policy", "identity-based policy"
RESOURCE, BOUNDARY = "resource-based policy", "permissions boundary"

_ELEMENTS = frozenset(
    [
        "Sid",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Principal",
        "NotPrincipal",
        "Condition",
    ]
)


class PolicyError(ValueError):
    """A document that is not a policy; the message says why, in one sentence."""


@dataclass(frozen=True)
class Request:
    """What is asked for. `principal` is the ARN that a resource policy's Principal element may name."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)
    principal: str = ""


@dataclass(frozen=True)
class Policy:
    """A policy, by the name that a simulation gives it; `text` is its JSON."""

    id: str
    text: str

    @classmethod
    def of(cls, id: str, document: Mapping[str, Any]) -> "Policy":
        """The policy of this document."""
        return cls(id, json.dumps(document))

    @property
    def statements(self) -> tuple["Statement", ...]:
        """Its statements. Raises PolicyError if the text is not a policy."""
        return _statements(self.id, self.text)


@dataclass(frozen=True)
class Statement:
    """One statement: of which policy, and whether ${...} means a variable in it."""

    policy: str
    body: Mapping[str, Any]
    variables: bool

    @property
    def effect(self) -> str:
        """`Allow` or `Deny`."""
        return str(self.body["Effect"])

    def matches(self, request: Request) -> bool:
        """Whether it has a say about the request: it is about it, and its conditions are met."""
        try:
            return self._is_about(request) and conditions.holds(
                self.body.get("Condition", {}), request.context, variables=self.variables
            )
        except Unresolved:
            return False

    def missing(self, request: Request) -> set[str]:
        """The context keys that it would need to have a say, and that the request does not have."""
        try:
            if not self._is_about(request):
                return set()
        except Unresolved as unresolved:
            return {str(unresolved)}
        block = self.body.get("Condition", {})
        keys = {*conditions.asked(block), *(conditions.variables_in(block) if self.variables else ())}
        return {key for key in keys if key.lower() not in request.context}

    def _is_about(self, request: Request) -> bool:
        return (
            self._names("Action", lambda text: _fits_action(text, request.action))
            and self._names(
                "Resource", lambda text: _fits_arn(text, request.resource, request.context, self.variables)
            )
            and self._names_principal(request.principal)
        )

    def _names(self, element: str, fits: Callable[[str], bool]) -> bool:
        """Whether `Action` names it, or `NotAction` does not."""
        if element in self.body:
            return any(map(fits, _listed(self.body[element])))
        return not any(map(fits, _listed(self.body[f"Not{element}"])))

    def _names_principal(self, arn: str) -> bool:
        if "NotPrincipal" in self.body:
            return not _fits_principal(self.body["NotPrincipal"], arn, account=True)
        # To name the account is to leave the decision to its identity policies; so it grants nothing by itself.
        return "Principal" not in self.body or _fits_principal(
            self.body["Principal"], arn, account=self.effect == "Deny"
        )


class Part(NamedTuple):
    """What the policies of one kind say."""

    decision: Verdict
    matched: tuple[Statement, ...]

    @property
    def allows(self) -> bool:
        """Whether they do, and none of them denies."""
        return self.decision == "allowed"


@dataclass(frozen=True)
class Outcome:
    """The decision, the statements that made it, and the context keys that were needed and not there.

    `because` is the kind of policy that a denial is put down to. `bounded` and `organised` say whether the boundary and
    the service control policies let it pass; None where there are none.
    """

    decision: Verdict
    because: str
    matched: tuple[Statement, ...]
    missing: tuple[str, ...]
    bounded: bool | None
    organised: bool | None


def evaluate(
    request: Request,
    identity: Sequence[Policy] = (),
    *,
    boundary: Policy | None = None,
    organisation: Sequence[Sequence[Policy]] = (),
    resource: Policy | None = None,
) -> Outcome:
    """Whether the request is allowed. Raises PolicyError for a policy that is none.

    A deny in any policy decides. Else each level of `organisation` must allow it, and an identity policy and the
    boundary, if there is one, or the resource policy: what that grants to a user needs neither of the two.
    """
    if resource and not all({"Principal", "NotPrincipal"} & set(one.body) for one in resource.statements):
        raise PolicyError("A statement of the resource policy has no Principal.")
    own, granted = _say(identity, request), _say([resource] if resource else [], request)
    bound = _say([boundary], request) if boundary else None
    levels = [_say(level, request) for level in organisation]
    # Assumption: denied-by
    parts = [(ORGANISATION, level) for level in levels] + [(IDENTITY, own), (RESOURCE, granted)]
    denying = [kind for kind, part in [*parts, (BOUNDARY, bound)] if part and part.decision == "explicitDeny"]
    lacking = [ORGANISATION for level in levels if not level.allows]
    if not granted.allows:
        lacking += [kind for kind, part in ((IDENTITY, own), (BOUNDARY, bound)) if part and not part.allows]
    decision: Verdict = "explicitDeny" if denying else "implicitDeny" if lacking else "allowed"
    effect = {"explicitDeny": "Deny", "allowed": "Allow"}.get(decision)
    simulated = [*identity, resource] if resource else identity
    missing = {key for policy in simulated for each in policy.statements for key in each.missing(request)}
    return Outcome(
        decision,
        because=next(iter(denying + lacking), ""),
        matched=tuple(each for each in own.matched + granted.matched if each.effect == effect),
        missing=tuple(sorted(missing)),
        bounded=bound.allows if bound else None,
        organised=all(level.allows for level in levels) if levels else None,
    )


def _say(policies: Iterable[Policy], request: Request) -> Part:
    matched = tuple(
        statement for policy in policies for statement in policy.statements if statement.matches(request)
    )
    effects = {statement.effect for statement in matched}
    return Part(
        "explicitDeny" if "Deny" in effects else "allowed" if "Allow" in effects else "implicitDeny", matched
    )


def _fits_action(pattern: str, action: str) -> bool:
    return re.fullmatch(conditions.glob(pattern), action, re.IGNORECASE) is not None


def _fits_arn(pattern: str, arn: str, context: Context, variables: bool) -> bool:
    """Whether a pattern of a Resource element fits.

    In the first five parts of an ARN a wildcard stays within its part, unless it is an asterisk at the part's end.
    """
    *head, tail = pattern.split(":", 5)
    expression = "".join(re.sub(r"\[\^:\]\*:$", ".*:", f"{conditions.glob(part, '[^:]')}:") for part in head)
    expression += conditions.wildcard(tail, context, variables)
    return re.fullmatch(expression, arn, re.DOTALL) is not None


def _fits_principal(element: Any, arn: str, *, account: bool) -> bool:
    named = _listed(element.get("AWS", [])) if isinstance(element, dict) else [element]
    number = arn.split(":")[4] if arn.count(":") >= 5 else ""
    whole = {number, f"arn:aws:iam::{number}:root"} if account else set()
    return any(name in ("*", arn) or name in whole for name in named)


@lru_cache(maxsize=1000)  # the same few policies are asked for with each request
def _statements(id: str, text: str) -> tuple[Statement, ...]:
    document = _read(text)
    variables = document.get("Version") == "2012-10-17"
    bodies = [_checked(body) for body in _listed(document["Statement"])]
    return tuple(Statement(id, body, variables) for body in bodies)


def _read(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PolicyError(f"A policy is not JSON: {error}.") from None
    if not isinstance(document, dict) or not isinstance(document.get("Statement"), dict | list):
        raise PolicyError("A policy has no Statement.")
    if document.get("Version", "2008-10-17") not in ("2008-10-17", "2012-10-17"):
        raise PolicyError(f"There is no policy language of {document['Version']!r}.")
    return document


def _checked(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, dict) or body.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError("A statement has no Effect that is Allow or Deny.")
    if unknown := sorted(set(body) - _ELEMENTS):
        raise PolicyError(f"A statement has an element {unknown[0]!r}, which does not exist.")
    for element in ("Action", "Resource"):
        if (element in body) == (f"Not{element}" in body):
            raise PolicyError(f"A statement needs either {element} or Not{element}.")
        if not _texts(body.get(element, body.get(f"Not{element}"))):
            raise PolicyError(f"{element} must be text, or a list of texts.")
    for element in ("Principal", "NotPrincipal"):
        named = body.get(element, "*")
        if not (isinstance(named, str) or (isinstance(named, dict) and all(map(_texts, named.values())))):
            raise PolicyError(f"{element} must be *, or say for each kind of principal who is meant.")
    try:
        conditions.check(body.get("Condition", {}))
    except ValueError as error:
        raise PolicyError(str(error)) from None
    return body


def _listed(value: Any) -> list[Any]:
    """The items of a list, or the one thing itself; IAM takes a null in a list, and it means nothing."""
    return [one for one in value if one is not None] if isinstance(value, list) else [value]


def _texts(value: Any) -> bool:
    return all(isinstance(one, str) for one in _listed(value))
