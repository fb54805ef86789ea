"""The identity that signs the calls."""

from collections.abc import Iterator

from runbooks.aws import Aws
from runbooks.aws.arn import Arn
from runbooks.checks._ec2 import only_on_premises
from runbooks.checks._iam import caller_may_do
from runbooks.facts.iam import caller_arn
from runbooks.facts.optional import if_readable
from runbooks.facts.registration import registered_arn
from runbooks.findings import OK, Finding, NotApplicable, needs
from runbooks.question import Question

TITLE = "Whose credentials are these, and what may they do?"
GUIDE = "/guides/check-permissions/"
RUNBOOK = "permissions"

_DENIED = "/guides/check-permissions/#deny-kinds"
_REGISTERING = ("codedeploy:RegisterOnPremisesInstance", "codedeploy:AddTagsToOnPremisesInstances")


def caller_is_known(aws: Aws, question: Question) -> Iterator[Finding]:
    """AWS knows the identity that signs the calls.

    sts:GetCallerIdentity needs no permission. If it is refused, the cause is the credentials themselves, the clock, or
    something between this machine and AWS.
    """
    identity = caller_arn(aws)
    yield Finding(OK, f"AWS knows the caller as {identity}, in {aws.region}.", about=identity)


@needs("instance")
def caller_may_register(aws: Aws, question: Question) -> Iterator[Finding]:
    """The caller may register the instance and give it tags.

    IAM's policy simulator is asked, so nothing is registered. A denied caller gets AccessDenied, never
    InvalidRegistrationStatusException. The host needs neither action: the caller that registers it does, from any
    machine. A simulation knows no session policy and no VPC endpoint policy, and AWS warns that it can differ from
    a live call. An instance that is registered needs no further registration, unless an ARN to register it with is given.
    """
    only_on_premises(question)
    registered = "" if question.arn else if_readable(lambda: registered_arn(aws, question.instance))
    if registered:
        raise NotApplicable(f"{question.instance} is registered, so there is nothing to register.")
    caller = Arn.of(caller_arn(aws))
    name = f"arn:{caller.partition}:codedeploy:{aws.region}:{caller.account}:instance:{question.instance}"
    yield from caller_may_do(aws, _REGISTERING, name, page=_DENIED)


def caller_may_list(aws: Aws, question: Question) -> Iterator[Finding]:
    """The caller may list the on-premises instances.

    ListOnPremisesInstances acts on no single instance, so only a statement with `"Resource": "*"` allows
    it: with a policy that names instance ARNs alone, Get passes and List is denied. IAM's policy simulator is asked.
    """
    action = ("codedeploy:ListOnPremisesInstances",)
    yield from caller_may_do(aws, action, "*", page="/guides/check-permissions/#resource-trap")
