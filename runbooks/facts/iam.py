"""What IAM and STS say of identities, and what IAM's policy simulator says that they may do."""

from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.aws.arn import Arn
from runbooks.findings import CouldNotCheck


def holder(aws: Aws, arn: str) -> dict[str, Any] | None:
    """IAM's record of a user, or of the role behind a session; None when there is no such identity.

    The ARN of a session lacks its role's path, so only IAM knows the role's ARN. Raises `CouldNotCheck` for
    an identity that has no policies of its own (a federated user).
    """
    who = Arn.of(arn)
    if who.kind == "user":
        answer = aws.read("iam:GetUser", "User", expecting=("NoSuchEntity",), UserName=who.name)
    elif who.kind == "assumed-role":
        answer = aws.read("iam:GetRole", "Role", expecting=("NoSuchEntity",), RoleName=who.role)
    else:
        raise CouldNotCheck(f"{arn} is neither a user nor a session of a role, so IAM cannot simulate it.")
    # User names are unique whatever their path, so a user of this name may be another one.
    if isinstance(answer, Refusal) or (who.kind == "user" and answer["Arn"] != arn):
        return None
    return dict(answer)


def caller_arn(aws: Aws) -> str:
    """The ARN of the identity that asks."""
    return str(aws.read("sts:GetCallerIdentity", "Arn"))


def access_keys(aws: Aws, user: str) -> list[dict[str, Any]]:
    """What IAM says of a user's access keys (AccessKeyMetadata)."""
    return aws.read_all("iam:ListAccessKeys", "AccessKeyMetadata", UserName=user)


def simulation(aws: Aws, who: str, actions: tuple[str, ...], resource: str) -> dict[str, dict[str, Any]]:
    """What the simulator answers for each action of the user or role ``who`` on ``resource``.

    Raises `CouldNotCheck` when it says nothing of one.
    """
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
        raise CouldNotCheck(f"iam:SimulatePrincipalPolicy said nothing about {', '.join(silent)}.")
    return {action: by_action[action.lower()] for action in actions}
