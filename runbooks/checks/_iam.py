"""What IAM's policy simulator says about an identity's permissions, as findings."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from runbooks.aws import Aws
from runbooks.aws.arn import Arn
from runbooks.commands import aws_cli
from runbooks.facts.iam import caller_arn, holder, simulation
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, CouldNotCheck, Finding, NotApplicable, Verdict

# A principal that is everyone, in a policy of a resource.
_ANYONE = ("*", {"AWS": "*"}, {"AWS": ["*"]})


def simulated(
    aws: Aws,
    who: str,
    actions: tuple[str, ...],
    resource: str,
    *,
    page: str,
    useful: Collection[str] = (),
    unproved: Collection[str] = (),
    named: str = "",
    elsewhere: str = "",
    granted: str = "",
) -> Iterator[Finding]:
    """May the user or role ``who`` do these actions on ``resource``? One finding for those with the same result.

    A denial FAILs, and is a WARN for the actions that are only ``useful``, and for ``unproved`` ones unless a statement
    denies them: a policy that names other resources may allow these; ``page`` explains denials. An answer that
    depends on conditions which the simulator does not have is UNKNOWN, whatever it says, and so is a decision that is
    not one of IAM's. Of several answers about one action the worst counts. ``named`` keeps the policies of
    fixes apart that are about the same action on several resources. ``elsewhere`` says what could allow what no policy of
    the identity allows; then that is UNKNOWN. ``granted`` is the resource of the fix, where that is wider.
    """
    alike: dict[_Outcome, list[str]] = {}
    for action, results in simulation(aws, who, actions, resource).items():
        denied = WARN if action in useful else FAIL
        worst = max((_outcome(result, denied) for result in results), key=lambda outcome: outcome.verdict)
        if action in unproved and worst.verdict is FAIL and not worst.explicit:
            worst = worst._replace(verdict=WARN)
        if worst.fixable and resource == "*":
            worst = worst._replace(
                why=f"{worst.why}; one that names ARNs is not enough, the resource must be *"
            )
        if worst.fixable and elsewhere:
            worst = worst._replace(verdict=UNKNOWN, why=elsewhere)
        alike.setdefault(worst, []).append(action)
    lacking = [action for outcome, same in alike.items() if outcome.fixable for action in same]
    for (verdict, why, fixable, _), same in alike.items():
        together = lacking if useful else same  # one policy for what is needed and what is useful
        grant = _grant(aws, who, together, granted or resource, named) if fixable else ""
        what = f"{', '.join(same)} on {resource}"
        if verdict is OK:
            yield Finding(OK, f"By the IAM simulator {who} may do {what}.", about=who)
        elif verdict is UNKNOWN:
            yield Finding(
                UNKNOWN,
                f"Whether {who} may do {what} is not known: {why}.",
                code="undecided",
                about=who,
                fix=grant,
                next=page,
            )
        else:
            yield Finding(
                verdict,
                f"By the IAM simulator {who} may not do {what}: {why}.",
                code="denied",
                about=who,
                fix=grant,
                next=page,
            )


def caller_may_do(aws: Aws, actions: tuple[str, ...], resource: str, *, page: str) -> Iterator[Finding]:
    """May the caller do these actions? Not applicable to the root user; else as `simulated`."""
    arn = caller_arn(aws)
    if Arn.of(arn).kind == "root":
        raise NotApplicable(
            f"{arn} is the root user: no policy of the account limits it, and IAM cannot simulate it;"
            " only a service control policy can deny it something.",
            about=arn,
        )
    identity = holder(aws, arn)
    if identity is None:
        raise CouldNotCheck(f"IAM has no user or role for {arn}, so its policies cannot be simulated.")
    yield from simulated(aws, identity["Arn"], actions, resource, page=page)


class Trust(NamedTuple):
    """Whether a role's trust policy lets a service assume it; ``doubt`` says why that is not known."""

    yes: bool
    why: str = ""
    doubt: str = ""
    denied: bool = False
    statements: tuple[Any, ...] = ()


def trusts(document: Mapping[str, Any], services: Collection[str]) -> Trust:
    """Whether a trust policy lets one of these service principals ("ec2.amazonaws.com") assume its role.

    An unconditional denial wins; what depends on a condition, or names no principal plainly, is in doubt.
    """
    statements = tuple(_listed(document.get("Statement")))
    plain: set[Any] = set()
    doubtful: set[Any] = set()
    for one in statements:
        if not isinstance(one, Mapping):
            doubtful.add("Allow")
            continue
        principal, actions = one.get("Principal"), [str(a).lower() for a in _listed(one.get("Action"))]
        vague = principal in _ANYONE or "NotPrincipal" in one or "NotAction" in one
        named = _listed(principal.get("Service")) if isinstance(principal, Mapping) else []
        acts = any(fnmatchcase("sts:assumerole", action) for action in actions)
        if vague or (acts and set(named) & set(services)):
            (doubtful if vague or one.get("Condition") else plain).add(one.get("Effect"))
    if "Deny" in plain:
        return Trust(False, "its trust policy denies it", denied=True, statements=statements)
    if "Deny" in doubtful or ("Allow" in doubtful and "Allow" not in plain):
        return Trust(False, doubt="its trust policy has a condition, or names no principal plainly")
    why = f"its trust policy does not allow {' or '.join(sorted(services))} to assume it"
    return Trust("Allow" in plain, why, statements=statements)


def let_in(aws: Aws, arn: str, document: Mapping[str, Any], answer: Trust, service: str) -> str:
    """The command that lets a service assume a role and keeps what its trust policy has; "" where that denies it."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    wider = dict(document) | {"Statement": [*answer.statements, statement]}
    options = {"role_name": Arn.of(arn).name, "policy_document": json.dumps(wider)}
    return "" if answer.denied else aws_cli(aws.place, "iam", "update-assume-role-policy", **options)


def by_policy(document: Mapping[str, Any], action: str, resource: str) -> str:
    """What a policy of a resource says of an action that anyone does on ``resource``: "Allow", "Deny", "" where nothing
    allows it.

    "?" where that depends on a condition or on who asks. A denial wins.
    """
    plain: set[Any] = set()
    doubtful: set[Any] = set()
    for one in _listed(document.get("Statement")):
        if not isinstance(one, Mapping):
            return "?"
        inverted = any(f"Not{member}" in one for member in ("Action", "Resource", "Principal"))
        acts = any(_matches(str(each).lower(), action.lower()) for each in _listed(one.get("Action")))
        there = any(_matches(str(each), resource) for each in _listed(one.get("Resource")))
        if inverted or (acts and there):
            anyone = one.get("Principal") in _ANYONE
            (doubtful if inverted or one.get("Condition") or not anyone else plain).add(one.get("Effect"))
    if "Deny" in plain:
        return "Deny"
    if "Deny" in doubtful or ("Allow" in doubtful and "Allow" not in plain):
        return "?"
    return "Allow" if "Allow" in plain else ""


def _matches(pattern: str, text: str) -> bool:
    """Whether a pattern of a policy, in which only * and ? are special, matches a text."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))


# What the agent calls at its own endpoint (AWS's user guide).
COMMANDS = (
    "codedeploy-commands-secure:PollHostCommand",
    "codedeploy-commands-secure:GetDeploymentSpecification",
    "codedeploy-commands-secure:PutHostCommandAcknowledgement",
    "codedeploy-commands-secure:PutHostCommandComplete",
)


def resources(document: Mapping[str, Any]) -> list[str]:
    """The resources that the statements of a policy name."""
    named = (one for one in _listed(document.get("Statement")) if isinstance(one, Mapping))
    return [str(each) for one in named for each in _listed(one.get("Resource"))]


def _listed(value: Any) -> list[Any]:
    """The items of a member of a policy that may be one item or a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


# PolicyEvaluationDecisionType in botocore's model of IAM.
_DECISIONS = {"allowed", "explicitDeny", "implicitDeny"}
_BOUNDARY = "PermissionsBoundaryDecisionDetail"


class _Outcome(NamedTuple):
    """The result for an action, why it is not allowed, and whether one more statement would allow it."""

    verdict: Verdict
    why: str = ""
    fixable: bool = False
    explicit: bool = False  # a statement denies it


def _outcome(result: dict[str, Any], denied: Verdict) -> _Outcome:
    # each part decides, and names what it lacks: the whole, and the simulation of a resource within it
    specific = result.get("ResourceSpecificResults", ())
    parts = [result, *specific]
    decisions = {result["EvalDecision"], *(part["EvalResourceDecision"] for part in specific)}
    if unknown := decisions - _DECISIONS:
        return _Outcome(UNKNOWN, f"the simulator answered {', '.join(map(repr, sorted(unknown)))}")
    if lacking := {key for part in parts for key in part.get("MissingContextValues", ())}:
        return _Outcome(
            UNKNOWN, f"it depends on {', '.join(sorted(lacking))}, which the simulator does not have"
        )
    if decisions == {"allowed"}:
        return _Outcome(OK)
    if result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations") is False:
        return _Outcome(denied, "a service control policy of the organisation does not allow it")
    if any(part.get(_BOUNDARY, {}).get("AllowedByPermissionsBoundary") is False for part in parts):
        return _Outcome(denied, "the permissions boundary does not allow it")
    if "explicitDeny" in decisions:
        matched = {
            one.get("SourcePolicyId", "") for part in parts for one in part.get("MatchedStatements", ())
        }
        return _Outcome(
            denied,
            f"a statement of {', '.join(sorted(matched - {''})) or 'a policy'} denies it",
            explicit=True,
        )
    return _Outcome(denied, "no policy allows it", fixable=True)


def _grant(aws: Aws, who: str, actions: list[str], resource: str, named: str) -> str:
    """The command that lets a user or role do this, and no more: an inline policy, which delete-…-policy removes."""
    arn = Arn.of(who)
    if arn.path.startswith("aws-reserved/"):
        return ""  # the role is IAM Identity Center's: only its permission set can be changed
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    name = {f"{arn.kind}_name": arn.name}
    # on what stands in its name, since a policy of the same name would be replaced
    on = re.sub(r"[^\w+=,.@-]+", "-", resource.rpartition(":")[2]).strip("-")
    policy = "-".join(filter(None, ("allow", actions[0].partition(":")[2], named or on)))[:128]
    return aws_cli(
        aws.place, "iam", f"put-{arn.kind}-policy", **name, policy_name=policy, policy_document=document
    )
