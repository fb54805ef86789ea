"""Is the registration what it should be?"""

from collections.abc import Iterator
from datetime import timedelta

from runbooks.aws import Aws, Refusal, failures
from runbooks.aws.cloudtrail import trail
from runbooks.aws.regions import neighbours
from runbooks.checks._commands import aws_cli, diagnose_again
from runbooks.checks._facts import arn_of, registered_arn, registered_arns, registration
from runbooks.engine import FAIL, OK, SKIP, UNKNOWN, Finding
from runbooks.question import Question

_GET = "codedeploy:GetOnPremisesInstance"
_PAGE = "/guides/check-the-instance/"
_RIVALS = timedelta(minutes=15)  # calls closer together than this are taken to be at the same work


def instance_is_registered(aws: Aws, question: Question) -> Iterator[Finding]:
    """The instance is registered with CodeDeploy, and not deregistered.

    There are two states and nothing between them. CodeDeploy has no member that names the state: a
    registration that has a deregisterTime is over.
    """
    if not question.instance:
        yield Finding(SKIP, "No instance was asked about.")
        return
    info = registration(aws, question)
    name = question.instance
    if isinstance(info, Refusal):
        yield Finding(
            FAIL,
            f"{name} is not registered in {aws.region}: {info.code}.",
            about=name,
            fix=_register(aws, name, question.arn),
            next="instance-is-not-registered-elsewhere",
        )
        return
    about = info.get("instanceArn", name)
    if info.get("deregisterTime"):
        says = f"{name} was deregistered at {info['deregisterTime']:%Y-%m-%d %H:%M} UTC."
        before = info.get("iamSessionArn") or info.get("iamUserArn") or ""
        yield Finding(FAIL, says, about, _register(aws, name, question.arn or before), _PAGE)
    else:
        arn, at = arn_of(info), info.get("registerTime")
        since = f"{at:%Y-%m-%d}" if at else "a time that is not told"
        yield Finding(OK, f"{name} is registered since {since} as {arn}.", about)


def instance_is_not_registered_elsewhere(aws: Aws, question: Question) -> Iterator[Finding]:
    """The instance is registered in this Region rather than in a neighbouring one.

    A registration is of one Region. Looked at only where the instance is not registered here. A Region that
    denies the call, or does not know the credentials, as one that the account has not switched on, was not
    looked at.
    """
    if not question.instance:
        yield Finding(SKIP, "No instance was asked about.")
        return
    if registered_arn(aws, question):
        yield Finding(SKIP, f"{question.instance} is registered here, in {aws.region}.")
        return
    free: list[str] = []
    shut: dict[str, list[str]] = {}  # Regions by the reason why nobody could look there
    for region in neighbours(aws.region):
        info = aws.read(
            _GET,
            "instanceInfo",
            expecting=("InstanceNotRegisteredException", *failures.DENIED, *failures.UNKNOWN_CREDENTIALS),
            region=region,
            instanceName=question.instance,
        )
        if isinstance(info, Refusal) and info.code != "InstanceNotRegisteredException":
            shut.setdefault(failures.refused(_GET, info), []).append(region)
        elif isinstance(info, Refusal) or info.get("deregisterTime"):
            free.append(region)
        else:
            yield Finding(
                FAIL,
                f"{question.instance} is registered in {region}, not in {aws.region}.",
                about=info.get("instanceArn", question.instance),
                fix=diagnose_again(aws, question.instance, region),
                next=_PAGE,
            )
    if free:
        yield Finding(OK, f"{question.instance} is not registered in {', '.join(free)} either.")
    for reason, regions in shut.items():
        yield Finding(UNKNOWN, f"Could not look in {', '.join(regions)}: {reason}")


def arn_is_free(aws: Aws, question: Question) -> Iterator[Finding]:
    """The ARN to register belongs to no other instance, and the name to no other ARN.

    One IAM user or one role session is one instance. CodeDeploy cannot be asked by ARN, so every
    registered name is looked at.
    """
    if not question.arn:
        yield Finding(SKIP, "No ARN was asked about (--arn).")
        return
    mine = registered_arn(aws, question) if question.instance else ""
    if mine and mine != question.arn:
        yield Finding(
            FAIL,
            f"The name {question.instance} is registered with another ARN, {mine}.",
            about=question.instance,
            fix=aws_cli(aws, "deploy", "get-on-premises-instance", instance_name=question.instance),
            next=_PAGE,
        )
    arns = registered_arns(aws)
    held = [name for name, arn in arns.items() if arn == question.arn and name != question.instance]
    for name in held:
        yield Finding(
            FAIL,
            f"{question.arn} is registered as {name}.",
            about=name,
            fix=aws_cli(aws, "deploy", "get-on-premises-instance", instance_name=name),
            next=_PAGE,
        )
    if not held and mine in ("", question.arn):
        yield Finding(OK, f"{question.arn} is registered under no other name.", about=question.arn)


def no_registration_competes(aws: Aws, question: Question) -> Iterator[Finding]:
    """Nobody else registers or deregisters the same instance at the same time.

    CodeDeploy has no state "registration in progress". What people mean by it is one of these: another
    caller, or the same one from another address, at work on the name in the last minutes; a refusal because
    the name or the ARN is taken; or a name that was deregistered and is still listed.
    """
    if not question.instance:
        yield Finding(SKIP, "No instance was asked about.")
        return
    name, minutes = question.instance, _RIVALS.seconds // 60
    seen = [trail(aws, f"{what}OnPremisesInstance", minutes / 60) for what in ("Register", "Deregister")]
    since = aws.now() - _RIVALS
    recent = sorted(
        (e for one in seen for e in one.events if e.parameter("instanceName") == name and e.at >= since),
        key=lambda event: event.at,
    )
    callers = sorted({f"{event.caller} from {event.source}" for event in recent})
    taken = [event for event in recent if event.error.endswith("AlreadyRegisteredException")]
    if unreadable := sum(one.unreadable for one in seen):
        yield Finding(
            UNKNOWN, f"{unreadable} of CloudTrail's records could not be read, and may be of a rival."
        )
    if len(callers) > 1:
        did = ", ".join(f"{e.operation} at {e.at:%H:%M}{f' ({e.error})' * bool(e.error)}" for e in recent)
        says = f"{len(callers)} callers work on {name} at once ({', '.join(callers)}): {did}."
        yield Finding(FAIL, says, name, next="/guides/registration-in-progress/")
    elif taken:
        says = (
            f"{taken[-1].caller} was refused to register {name} at {taken[-1].at:%H:%M}: {taken[-1].error}."
        )
        yield Finding(FAIL, f"{says} There is nothing to wait for.", name, next="arn-is-free")
    else:
        who = "one caller" if callers else "nobody"
        says = f"CloudTrail shows {who} registering or deregistering {name} in the last {minutes} minutes."
        info = registration(aws, question)
        if not isinstance(info, Refusal) and info.get("deregisterTime"):
            says += (
                f" It was deregistered at {info['deregisterTime']:%Y-%m-%d %H:%M} UTC and is still listed: that is"
                " no registration in progress."
            )
        yield Finding(OK, says, about=name)


def _register(aws: Aws, name: str, arn: str) -> str:
    """The command that registers; "" while nobody said with which ARN."""
    if not arn:
        return ""
    kind = "iam_session_arn" if ":assumed-role/" in arn else "iam_user_arn"
    return aws_cli(aws, "deploy", "register-on-premises-instance", instance_name=name, **{kind: arn})
