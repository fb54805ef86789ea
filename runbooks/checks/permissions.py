"""May they?"""

from collections.abc import Iterator

from runbooks.aws import Aws
from runbooks.checks._commands import aws_cli
from runbooks.checks._facts import registered_arn
from runbooks.checks._iam import Arn, caller_arn, caller_may_do, holder, simulated
from runbooks.engine import FAIL, OK, SKIP, WARN, Finding
from runbooks.errors import CouldNotLook
from runbooks.host import switched_on
from runbooks.host.fetch import host_report
from runbooks.question import Question

_DENIED = "/guides/check-permissions/#deny-kinds"
_REGISTERING = ("codedeploy:RegisterOnPremisesInstance", "codedeploy:AddTagsToOnPremisesInstances")
_COMMANDS = (
    "codedeploy-commands-secure:PollHostCommand",
    "codedeploy-commands-secure:GetDeploymentSpecification",
    "codedeploy-commands-secure:PutHostCommandAcknowledgement",
    "codedeploy-commands-secure:PutHostCommandComplete",
)


def caller_is_known(aws: Aws, question: Question) -> Iterator[Finding]:
    """AWS knows who is asking.

    sts:GetCallerIdentity needs no permission, so a refusal means the credentials themselves, the clock,
    or something between here and AWS.
    """
    identity = caller_arn(aws)
    yield Finding(OK, f"AWS answers {identity} in {aws.region}.", about=identity)


def caller_may_register(aws: Aws, question: Question) -> Iterator[Finding]:
    """The caller may register the instance and give it tags.

    Asked of IAM's policy simulator, so nothing is registered. A denied caller gets AccessDenied, never
    InvalidRegistrationStatusException. The host needs neither action: whoever registers it does, from
    any machine. A simulation knows no session policy and no VPC
    endpoint policy, and AWS warns that it can differ from a live call.
    """
    if not question.instance:
        yield Finding(SKIP, "No instance was named, so there is nothing to register.")
        return
    caller = Arn.of(caller_arn(aws))
    name = f"arn:{caller.partition}:codedeploy:{aws.region}:{caller.account}:instance:{question.instance}"
    yield from caller_may_do(aws, _REGISTERING, name, page=_DENIED)


def caller_may_list(aws: Aws, question: Question) -> Iterator[Finding]:
    """The caller may list the on-premises instances.

    ListOnPremisesInstances acts on no single instance, so only a statement with `"Resource": "*"` allows
    it: with a policy that names instance ARNs alone, Get passes and List is denied. Asked of IAM's policy
    simulator.
    """
    action = ("codedeploy:ListOnPremisesInstances",)
    yield from caller_may_do(aws, action, "*", page="/guides/check-permissions/#resource-trap")


def registered_identity_exists(aws: Aws, question: Question) -> Iterator[Finding]:
    """The identity that the instance is registered with exists, and a user's access key is active.

    Whether registration looks the identity up is not verified; one that is gone later shows only when the
    agent signs with it.
    A user is known by its keys, a session by its role: whether a session still lives is seen on the host.
    """
    arn = _registered(aws, question)
    if isinstance(arn, Finding):
        yield arn
        return
    identity = holder(aws, arn)
    if identity is None:
        kind = "user" if Arn.of(arn).kind == "user" else "role"
        yield Finding(
            FAIL,
            f"{question.instance} is registered as {arn}, but IAM has no such {kind}: the agent cannot sign.",
            about=arn,
            next="/guides/check-the-agent/#identity",
        )
    elif "UserName" in identity:
        yield _keys(aws, arn, identity["UserName"])
    else:
        says = f"{question.instance} is registered as a session of {identity['Arn']}, which exists."
        yield Finding(OK, says, about=arn)


def host_may_read_the_bucket(aws: Aws, question: Question) -> Iterator[Finding]:
    """The registered identity may read the revision bucket.

    The agent fetches the revision with it. AWS documents three actions: without s3:GetObject no revision
    arrives, the other two serve versioned revisions and a clear answer where an object is missing. Ask
    about `BUCKET/KEY` where policies allow a prefix only. The bucket's own policy and its encryption key
    are no part of the simulation.
    """
    if not question.bucket:
        yield Finding(SKIP, "No revision bucket was given, so nobody asked who may read it.")
        return
    who = _who_the_host_is(aws, question)
    if isinstance(who, Finding):
        yield who
        return
    bucket, _, key = question.bucket.partition("/")
    arn = f"arn:{Arn.of(who).partition}:s3:::{bucket}"
    objects = ("s3:GetObject", "s3:GetObjectVersion")
    yield from simulated(aws, who, objects, f"{arn}/{key or '*'}", page=_DENIED, useful=objects[1:])
    yield from simulated(aws, who, ("s3:ListBucket",), arn, page=_DENIED, useful=("s3:ListBucket",))


def host_may_use_commands_secure(aws: Aws, question: Question) -> Iterator[Finding]:
    """The registered identity may use the endpoint codedeploy-commands-secure, where the agent does.

    The agent asks there for work only with `enable_auth_policy: true`, and then needs four actions that
    AWS's managed policies for instances do not hold. Without them it polls, and is denied each time.
    """
    who = _who_the_host_is(aws, question)
    if isinstance(who, Finding):
        yield who
        return
    switch = switched_on(host_report(aws, question).config.enable_auth_policy)
    if switch.error:
        raise CouldNotLook(f"whether enable_auth_policy is on is not known: {switch.error}.")
    if not switch.value:
        yield Finding(SKIP, "enable_auth_policy is off on the host: its agent needs no permission to poll.")
        return
    yield from simulated(aws, who, _COMMANDS, "*", page="/guides/check-permissions/#actions")


def _registered(aws: Aws, question: Question) -> str | Finding:
    """The ARN that the instance is registered with, or the reason why there is none."""
    if not question.instance:
        return Finding(SKIP, "No instance was named, so there is no registered identity.")
    arn = registered_arn(aws, question)
    if not arn:
        says = f"{question.instance} is not registered, so it has no identity."
        return Finding(SKIP, says, about=question.instance)
    caller = caller_arn(aws)
    if Arn.of(arn).account != Arn.of(caller).account:
        raise CouldNotLook(
            f"{arn} is of another account, whose IAM {caller} cannot see: ask with credentials of that account."
        )
    return arn


def _who_the_host_is(aws: Aws, question: Question) -> str | Finding:
    """The ARN of the user or role whose policies count for the host, or the reason why there is none."""
    arn = _registered(aws, question)
    if isinstance(arn, Finding):
        return arn
    identity = holder(aws, arn)
    if identity is None:
        says = f"{arn} does not exist, so it has no permissions."
        return Finding(SKIP, says, about=arn, next="registered-identity-exists")
    return str(identity["Arn"])


def _keys(aws: Aws, arn: str, user: str) -> Finding:
    keys = aws.read_all("iam:ListAccessKeys", "AccessKeyMetadata", UserName=user)
    active = sum(key["Status"] == "Active" for key in keys)
    has = f"The user {user} has {len(keys)} access key{'' if len(keys) == 1 else 's'}"
    if not keys:
        fix = aws_cli(aws, "iam", "create-access-key", user_name=user)
        return Finding(FAIL, f"The user {user} has no access key: the agent cannot sign.", arn, fix)
    if not active:
        # The key's id is looked up, not written out: reports mask it.
        query = "AccessKeyMetadata[0].AccessKeyId"
        one = aws_cli(aws, "iam", "list-access-keys", user_name=user, query=query, output="text")
        fix = aws_cli(aws, "iam", "update-access-key", user_name=user, status="Active")
        fix += f' --access-key-id "$({one})"'
        return Finding(FAIL, f"{has}, none of them active: the agent cannot sign.", arn, fix)
    if active < len(keys):
        says = f"{has}, {active} of them active; which of them the host signs with is not known."
        return Finding(WARN, says, arn)
    return Finding(OK, f"{has}, all active.", arn)
