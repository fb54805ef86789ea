"""What IAM and STS say of identities, and what IAM's policy simulator says that they may do."""

from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.aws.answers import NotAnAnswer
from runbooks.aws.arn import Arn
from runbooks.findings import CouldNotCheck


def holder(aws: Aws, arn: str) -> dict[str, Any] | None:
    """IAM's record of a user, or of the role behind a session; None when there is no such identity.

    The ARN of a session lacks its role's path, so only IAM knows the role's ARN. Raises `CouldNotCheck` for
    an identity that has no policies of its own (a federated user), and `NotAnAnswer` for a record of another.
    """
    who = Arn.of(arn)
    if who.kind == "user":
        api, name = "iam:GetUser", who.name
        answer = aws.read(api, "User", "Arn", "UserName", expecting=("NoSuchEntity",), UserName=name)
    elif who.kind == "assumed-role":
        api, name = "iam:GetRole", who.role
        answer = aws.read(api, "Role", "Arn", "RoleName", expecting=("NoSuchEntity",), RoleName=name)
    else:
        raise CouldNotCheck(f"{arn} is neither a user nor a session of a role, so IAM cannot simulate it.")
    if isinstance(answer, Refusal):
        return None
    there = Arn.of(answer["Arn"])
    if {there.name, answer.get("UserName") or answer.get("RoleName")} != {name}:
        raise NotAnAnswer(api, f"about {answer['Arn']!r} instead of {name!r}")
    # User names are unique whatever their path, so a user of this name may be another one.
    return None if who.kind == "user" and answer["Arn"] != arn else dict(answer)


def role(aws: Aws, arn: str) -> dict[str, Any] | None:
    """IAM's record of a role, with its trust policy (AssumeRolePolicyDocument); None when there is no such role.

    Raises `NotAnAnswer` for a record of another, and `CouldNotCheck` for a role of another account.
    """
    who, caller = Arn.of(arn), caller_arn(aws)
    if who.kind != "role" or who.account != Arn.of(caller).account:
        raise CouldNotCheck(f"{arn} is not a role of the account whose IAM {caller} can read.")
    answer: dict[str, Any] | Refusal = aws.read(
        "iam:GetRole", "Role", "Arn", "RoleName", expecting=("NoSuchEntity",), RoleName=who.name
    )
    if isinstance(answer, Refusal):
        return None
    if answer["RoleName"] != who.name:
        raise NotAnAnswer("iam:GetRole", f"about {answer['Arn']!r} instead of {who.name!r}")
    # role names are unique whatever their path
    return answer if answer["Arn"] == arn else None


def caller_arn(aws: Aws) -> str:
    """The ARN of the identity that signs the calls."""
    return str(aws.once(("identity",), "sts:GetCallerIdentity", aws.ask_identity).arn)


def access_keys(aws: Aws, user: str) -> list[dict[str, Any]]:
    """What IAM says of a user's access keys (AccessKeyMetadata). Raises `NotAnAnswer` for keys of another."""
    api, what = "iam:ListAccessKeys", "AccessKeyMetadata"
    keys = aws.read_all(api, what, "Status", "UserName", UserName=user)
    if others := {key["UserName"] for key in keys} - {user}:
        raise NotAnAnswer(api, f"about {', '.join(map(repr, sorted(others)))} instead of {user!r}")
    return keys


def simulation(
    aws: Aws, who: str, actions: tuple[str, ...], resource: str
) -> dict[str, list[dict[str, Any]]]:
    """What the simulator answers for each action of the user or role ``who`` on ``resource``: its results.

    One result for an action is the rule; where there are more, all of them count. Raises `CouldNotCheck` when it
    says nothing about an action.
    """
    # What holds for every call of this session must not count as missing where a policy asks for it.
    context = {"aws:RequestedRegion": ("string", aws.region), "aws:SecureTransport": ("boolean", "true")}
    answers = aws.read_all(
        "iam:SimulatePrincipalPolicy",
        "EvaluationResults",
        *("EvalActionName", "EvalDecision", "ResourceSpecificResults.EvalResourceDecision"),
        PolicySourceArn=who,
        ActionNames=list(actions),
        ResourceArns=[resource],
        ContextEntries=[
            {"ContextKeyName": key, "ContextKeyType": kind, "ContextKeyValues": [value]}
            for key, (kind, value) in context.items()
        ],
    )
    by_action = {
        action: [answer for answer in answers if answer["EvalActionName"].lower() == action.lower()]
        for action in actions
    }
    if silent := [action for action, results in by_action.items() if not results]:
        raise CouldNotCheck(f"iam:SimulatePrincipalPolicy said nothing about {', '.join(silent)}.")
    return by_action
