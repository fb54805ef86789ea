"""What IAM's policy simulator says that an identity may do, as findings."""

import json
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from runbooks.aws import Aws
from runbooks.aws.arn import Arn
from runbooks.commands import aws_cli
from runbooks.facts.iam import caller_arn, holder, simulation
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, CouldNotCheck, Finding, NotApplicable, Verdict


def simulated(
    aws: Aws,
    who: str,
    actions: tuple[str, ...],
    resource: str,
    *,
    page: str,
    useful: Collection[str] = (),
) -> Iterator[Finding]:
    """May the user or role ``who`` do these actions on ``resource``? One finding for those with the same result.

    A denial FAILs, and is a WARN for the actions that are merely ``useful``; ``page`` explains denials. An
    answer that depends on conditions which the simulator does not have is UNKNOWN, whatever it says.
    """
    alike: dict[_Outcome, list[str]] = {}
    for action, result in simulation(aws, who, actions, resource).items():
        alike.setdefault(_outcome(result, WARN if action in useful else FAIL), []).append(action)
    for (verdict, why, fixable), same in alike.items():
        what = f"{', '.join(same)} on {resource}"
        if verdict is OK:
            yield Finding(OK, f"The IAM simulator allows {who}: {what}.", about=who)
        elif verdict is UNKNOWN:
            says = f"Whether {who} may {what} depends on {why}, which the simulator does not have."
            yield Finding(UNKNOWN, says, code="depends-on-context", about=who, next=page)
        else:
            fix = _grant(aws, who, same, resource) if fixable else ""
            yield Finding(
                verdict,
                f"The IAM simulator denies {who}: {what}; {why}.",
                code="denied",
                about=who,
                fix=fix,
                next=page,
            )


def caller_may_do(aws: Aws, actions: tuple[str, ...], resource: str, *, page: str) -> Iterator[Finding]:
    """May the caller do these actions? Not applicable to the root user; else as `simulated`."""
    arn = caller_arn(aws)
    if Arn.of(arn).kind == "root":
        raise NotApplicable(
            f"{arn} is the root user: no policy of the account limits it, and IAM simulates none for it;"
            " only a service control policy can deny.",
            about=arn,
        )
    identity = holder(aws, arn)
    if identity is None:
        raise CouldNotCheck(f"IAM has no user or role for {arn}, so its policies cannot be simulated.")
    yield from simulated(aws, identity["Arn"], actions, resource, page=page)


class _Outcome(NamedTuple):
    """The result for an action, why it was not allowed, and whether one more statement would allow it."""

    verdict: Verdict
    why: str = ""
    fixable: bool = False


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
    return _Outcome(denied, "no policy allows it", fixable=True)


def _grant(aws: Aws, who: str, actions: list[str], resource: str) -> str:
    """The command that lets a user or role do this, and no more."""
    arn = Arn.of(who)
    if arn.path.startswith("aws-reserved/"):
        return ""  # the role is IAM Identity Center's: only its permission set can be changed
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    name = {f"{arn.kind}_name": arn.name}
    policy = f"allow-{actions[0].partition(':')[2]}"
    return aws_cli(
        aws.place, "iam", f"put-{arn.kind}-policy", **name, policy_name=policy, policy_document=document
    )
