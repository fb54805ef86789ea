"""Whose policies count for an ARN, and what IAM's policy simulator says that they allow."""

import json
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from runbooks.aws import Aws, Refusal
from runbooks.checks._commands import aws_cli
from runbooks.engine import FAIL, OK, SKIP, UNKNOWN, WARN, Finding, Verdict
from runbooks.errors import CouldNotLook


class Arn(NamedTuple):
    """The parts of an ARN of IAM or STS: arn:PARTITION:SERVICE:REGION:ACCOUNT:KIND/PATH."""

    partition: str
    account: str
    kind: str  # user, role, assumed-role, root, federated-user
    path: str  # what follows the kind: the name of a user with its path, "ROLE/SESSION" of a session

    @property
    def name(self) -> str:
        """The name of a user or a role, without its path."""
        return self.path.rpartition("/")[2]

    @classmethod
    def of(cls, text: str) -> "Arn":
        """The parts of ``text``; empty ones where it is no ARN."""
        _, partition, _, _, account, resource = (text.split(":", 5) + [""] * 6)[:6]
        kind, _, path = resource.partition("/")
        return cls(partition, account, kind, path)


def holder(aws: Aws, arn: str) -> dict[str, Any] | None:
    """IAM's record of a user, or of the role behind a session; None when there is no such identity.

    The ARN of a session lacks its role's path, so only IAM knows the role's ARN. Raises `CouldNotLook` for
    an identity that has no policies of its own (a federated user).
    """
    _, _, kind, path = parts = Arn.of(arn)
    if kind == "user":
        answer = aws.read("iam:GetUser", "User", expecting=("NoSuchEntity",), UserName=parts.name)
    elif kind == "assumed-role":
        role = path.partition("/")[0]
        answer = aws.read("iam:GetRole", "Role", expecting=("NoSuchEntity",), RoleName=role)
    else:
        raise CouldNotLook(f"{arn} is neither a user nor a session of a role, so IAM cannot simulate it.")
    # User names are unique whatever their path, so a user of this name may be another one.
    if isinstance(answer, Refusal) or (kind == "user" and answer["Arn"] != arn):
        return None
    return dict(answer)


def simulated(
    aws: Aws,
    who: str,
    actions: tuple[str, ...],
    resource: str,
    *,
    page: str,
    useful: Collection[str] = (),
) -> Iterator[Finding]:
    """May the user or role ``who`` do these actions on ``resource``? One finding for those that fare alike.

    A denial FAILs, and is a WARN for the actions that are merely ``useful``; ``page`` explains denials. An
    answer that rests on conditions which the simulator lacked is UNKNOWN, whatever it says.
    """
    alike: dict[_Outcome, list[str]] = {}
    for action, result in _results(aws, who, actions, resource).items():
        alike.setdefault(_outcome(result, WARN if action in useful else FAIL), []).append(action)
    for (verdict, why, mendable), same in alike.items():
        what = f"{', '.join(same)} on {resource}"
        if verdict is OK:
            yield Finding(OK, f"{who} may {what}, as simulated.", who)
        elif verdict is UNKNOWN:
            says = f"Whether {who} may {what} depends on {why}, which a simulation does not know."
            yield Finding(UNKNOWN, says, who, next=page)
        else:
            fix = _grant(aws, who, same, resource) if mendable else ""
            yield Finding(verdict, f"{who} may not {what}, as simulated: {why}.", who, fix, page)


def caller_arn(aws: Aws) -> str:
    """Who asks."""
    return str(aws.read("sts:GetCallerIdentity", "Arn"))


def caller_may_do(aws: Aws, actions: tuple[str, ...], resource: str, *, page: str) -> Iterator[Finding]:
    """May whoever asks do these actions? A SKIP for the root user; else as `simulated`."""
    arn = caller_arn(aws)
    if Arn.of(arn).kind == "root":
        yield Finding(
            SKIP,
            f"{arn} is the root user: no policy of the account limits it, and IAM simulates none for it;"
            " only a service control policy can deny.",
            about=arn,
        )
        return
    identity = holder(aws, arn)
    if identity is None:
        raise CouldNotLook(f"IAM has no user or role for {arn}, so its policies cannot be simulated.")
    yield from simulated(aws, identity["Arn"], actions, resource, page=page)


class _Outcome(NamedTuple):
    """How an action fared, why it was not allowed, and whether one more statement would allow it."""

    verdict: Verdict
    why: str = ""
    mendable: bool = False


def _outcome(result: dict[str, Any], denied: Verdict) -> _Outcome:
    # AWS's model puts them here or there, when the simulation is about a resource.
    parts = [result, *result.get("ResourceSpecificResults", ())]
    if lacking := {key for part in parts for key in part.get("MissingContextValues", ())}:
        return _Outcome(UNKNOWN, ", ".join(sorted(lacking)))
    if result["EvalDecision"] == "allowed":
        return _Outcome(OK)
    if result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations") is False:
        return _Outcome(denied, "a service control policy of the organisation does not allow it")
    if result.get("PermissionsBoundaryDecisionDetail", {}).get("AllowedByPermissionsBoundary") is False:
        return _Outcome(denied, "the permissions boundary does not allow it")
    if result["EvalDecision"] == "explicitDeny":
        matched = {statement.get("SourcePolicyId", "") for statement in result.get("MatchedStatements", ())}
        return _Outcome(denied, f"a statement of {', '.join(sorted(matched - {''})) or 'a policy'} denies it")
    return _Outcome(denied, "no policy allows it", mendable=True)


def _results(aws: Aws, who: str, actions: tuple[str, ...], resource: str) -> dict[str, dict[str, Any]]:
    # What holds for every call of this session must not count as missing where a policy asks for it.
    context = {"aws:RequestedRegion": ("string", aws.region), "aws:SecureTransport": ("boolean", "true")}
    answers = aws.read_all(
        "iam:SimulatePrincipalPolicy",
        "EvaluationResults",
        PolicySourceArn=who,
        ActionNames=list(actions),
        ResourceArns=[resource],
        ContextEntries=[
            {"ContextKeyName": key, "ContextKeyType": kind, "ContextKeyValues": [value]}
            for key, (kind, value) in context.items()
        ],
    )
    by_action = {answer["EvalActionName"].lower(): answer for answer in answers}
    if silent := [action for action in actions if action.lower() not in by_action]:
        raise CouldNotLook(f"iam:SimulatePrincipalPolicy said nothing about {', '.join(silent)}.")
    return {action: by_action[action.lower()] for action in actions}


def _grant(aws: Aws, who: str, actions: list[str], resource: str) -> str:
    """The command that lets a user or role do this, and no more."""
    arn = Arn.of(who)
    if arn.path.startswith("aws-reserved/"):
        return ""  # the role is IAM Identity Center's: only its permission set can be changed
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    name = {f"{arn.kind}_name": arn.name}
    policy = f"allow-{actions[0].partition(':')[2]}"
    return aws_cli(aws, "iam", f"put-{arn.kind}-policy", **name, policy_name=policy, policy_document=document)
