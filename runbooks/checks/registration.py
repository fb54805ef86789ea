"""Whether the instance is registered as it should be."""

from collections.abc import Iterator
from datetime import timedelta

from runbooks.aws import Aws, Refusal, failures
from runbooks.aws.cloudtrail import trail
from runbooks.aws.regions import neighbours
from runbooks.checks._trail import gaps
from runbooks.commands import aws_cli
from runbooks.facts.registration import GET, arn_of, registered_arn, registered_arns, registration
from runbooks.findings import FAIL, OK, UNKNOWN, Finding, NotApplicable, needs
from runbooks.question import Question

TITLE = "Is the instance registered, and under which ARN?"
GUIDE = "/guides/check-the-instance/"
RUNBOOK = "instance-state"

_CLOSE = timedelta(minutes=15)  # calls closer together than this are taken to be part of the same work


@needs("instance")
def instance_is_registered(aws: Aws, question: Question) -> Iterator[Finding]:
    """The instance is registered with CodeDeploy, and not deregistered.

    There are two states and nothing between them. CodeDeploy has no member that names the state: a
    registration that has a deregisterTime has ended.
    """
    name = question.instance
    info = registration(aws, name)
    if isinstance(info, Refusal):
        yield Finding(
            FAIL,
            f"{name} is not registered in {aws.region}: {info.code}.",
            code="not-registered",
            about=name,
            fix=_register(aws, name, question.arn),
            next="instance-is-not-registered-elsewhere",
        )
        return
    about = info.get("instanceArn", name)
    if info.get("deregisterTime"):
        says = f"{name} was deregistered at {info['deregisterTime']:%Y-%m-%d %H:%M} UTC."
        before = info.get("iamSessionArn") or info.get("iamUserArn") or ""
        fix = _register(aws, name, question.arn or before)
        yield Finding(FAIL, says, code="deregistered", about=about, fix=fix, next=GUIDE)
    else:
        arn, at = arn_of(info), info.get("registerTime")
        since = f"since {at:%Y-%m-%d}" if at else "(CodeDeploy gives no date)"
        yield Finding(OK, f"{name} is registered {since} as {arn}.", about=about)


@needs("instance")
def instance_is_not_registered_elsewhere(aws: Aws, question: Question) -> Iterator[Finding]:
    """The instance is registered in this Region rather than in a neighbouring one.

    A registration is of one Region. The neighbours are asked only where the instance is not registered here. A
    Region that denies the call, or does not know the credentials, as one that the account has not switched on, is
    UNKNOWN.
    """
    name = question.instance
    if registered_arn(aws, name):
        raise NotApplicable(f"{name} is registered here, in {aws.region}.")
    free: list[str] = []
    closed: dict[str, list[str]] = {}  # Regions by the reason why they did not answer
    for region in neighbours(aws.region):
        expecting = (*failures.DENIED, *failures.UNKNOWN_CREDENTIALS)
        info = registration(aws, name, region=region, expecting=expecting)
        if isinstance(info, Refusal) and info.code != "InstanceNotRegisteredException":
            closed.setdefault(failures.refused(GET, info), []).append(region)
        elif isinstance(info, Refusal) or info.get("deregisterTime"):
            free.append(region)
        else:
            yield Finding(
                FAIL,
                f"{name} is registered in {region}, not in {aws.region}.",
                code="in-another-region",
                about=info.get("instanceArn", name),
                fix=f"Use {region}, or deregister {name} there and register it in {aws.region}.",
                next=GUIDE,
            )
    if free:
        yield Finding(OK, f"{name} is not registered in {', '.join(free)} either.", about=name)
    for reason, regions in closed.items():
        says = f"Could not check {', '.join(regions)}: {reason}"
        yield Finding(UNKNOWN, says, code="regions-not-checked", about=name)


@needs("arn")
def arn_is_free(aws: Aws, question: Question) -> Iterator[Finding]:
    """The ARN to register belongs to no other instance, and the name to no other ARN.

    One IAM user or one role session is one instance. CodeDeploy cannot be asked by ARN, so every
    registered name is read.
    """
    name, arn = question.instance, question.arn
    mine = registered_arn(aws, name) if name else ""
    if mine and mine != arn:
        yield Finding(
            FAIL,
            f"The name {name} is registered with another ARN, {mine}.",
            code="name-has-another-arn",
            about=name,
            fix=f"Choose another name, or deregister {name} first if it is no longer that host's.",
            next=GUIDE,
        )
    held = [other for other, other_arn in registered_arns(aws).items() if other_arn == arn and other != name]
    for other in held:
        yield Finding(
            FAIL,
            f"{arn} is registered as {other}.",
            code="arn-has-another-name",
            about=other,
            fix=f"Register another user or session, or deregister {other} first if it is the same host.",
            next=GUIDE,
        )
    if not held and mine in ("", arn):
        yield Finding(OK, f"{arn} is registered under no other name.", about=arn)


@needs("instance")
def no_registration_competes(aws: Aws, question: Question) -> Iterator[Finding]:
    """No other caller registers or deregisters the same instance at the same time.

    CodeDeploy has no state "registration in progress". What people mean by it is one of these: another
    caller, or the same one from another address, at work on the name in the last minutes; a refusal because
    the name or the ARN is taken; or a name that was deregistered and is still listed.
    """
    name, minutes = question.instance, _CLOSE.seconds // 60
    trails = [trail(aws, f"{what}OnPremisesInstance", minutes / 60) for what in ("Register", "Deregister")]
    since = aws.now() - _CLOSE
    recent = sorted(
        (event for one in trails for event in one.events if event.at >= since), key=lambda event: event.at
    )
    mine = [event for event in recent if event.parameter("instanceName") == name]
    callers = sorted({f"{event.caller} from {event.source}" for event in mine})
    taken = [event for event in mine if event.error.endswith("AlreadyRegisteredException")]
    for one in trails:
        yield from gaps(one, minutes / 60)
    if nameless := sum(event.parameter("instanceName") is None for event in recent):
        says = f"{nameless} of CloudTrail's records name no instance, so they may be about {name}."
        yield Finding(UNKNOWN, says, code="name-not-recorded", about=name)
    if len(callers) > 1:
        did = ", ".join(f"{e.operation} at {e.at:%H:%M}{f' ({e.error})' * bool(e.error)}" for e in mine)
        says = f"{len(callers)} callers work on {name} at once ({', '.join(callers)}): {did}."
        yield Finding(
            FAIL, says, code="several-callers", about=name, next="/guides/registration-in-progress/"
        )
    elif taken:
        says = (
            f"{taken[-1].caller} was refused to register {name} at {taken[-1].at:%H:%M}: {taken[-1].error}."
        )
        says += " There is nothing to wait for."
        yield Finding(FAIL, says, code="already-registered", about=name, next="arn-is-free")
    else:
        shows = "one caller" if callers else "no caller"
        says = f"CloudTrail shows {shows} registering or deregistering {name} in the last {minutes} minutes."
        info = registration(aws, name)
        if not isinstance(info, Refusal) and info.get("deregisterTime"):
            says += (
                f" It was deregistered at {info['deregisterTime']:%Y-%m-%d %H:%M} UTC and is still listed: that is"
                " not a registration in progress."
            )
        yield Finding(OK, says, about=name)


def _register(aws: Aws, name: str, arn: str) -> str:
    """The command that registers; a sentence while the ARN is not known."""
    if not arn:
        return f"Register {name} with the ARN of its IAM user or role session; --arn fills the command in."
    kind = "iam_session_arn" if ":assumed-role/" in arn else "iam_user_arn"
    return aws_cli(aws.place, "deploy", "register-on-premises-instance", instance_name=name, **{kind: arn})
