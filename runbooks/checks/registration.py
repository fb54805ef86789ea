"""Whether the instance is registered as it should be."""

from collections.abc import Iterator
from datetime import timedelta

from runbooks.aws import Aws, Refusal, failures
from runbooks.aws.regions import neighbours
from runbooks.checks._cloudtrail import gaps
from runbooks.checks._deployed import ELSEWHERE
from runbooks.checks._ec2 import only_on_premises
from runbooks.checks._host import arn_of as arn_in_yml
from runbooks.checks._host import yml_faults
from runbooks.checks._named import is_another_thing
from runbooks.checks._registering import needed_tags, register
from runbooks.commands import runbooks, then
from runbooks.facts.cloudtrail import trail
from runbooks.facts.host_report import managed_node, names_of, report_if_any
from runbooks.facts.optional import if_readable
from runbooks.facts.registration import (
    GET,
    arn_of,
    registered_arn,
    registered_arns,
    registration,
    spelt_otherwise,
)
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, Finding, NotApplicable, needs
from runbooks.question import Question
from runbooks.text.times import time

TITLE = "Is the instance registered, and under which ARN?"
GUIDE = "/guides/check-the-instance/"
RUNBOOK = "instance-state"

_REFUSED = ("registration-calls-succeed",)
_CLOSE = timedelta(minutes=15)  # calls that are closer together than this compete


@needs("instance")
def instance_is_registered(aws: Aws, question: Question) -> Iterator[Finding]:
    """The instance is registered with CodeDeploy, and not deregistered.

    There are two states and nothing between them. CodeDeploy has no member that names the state: a
    registration that has a deregisterTime has ended.
    """
    only_on_premises(question)
    name = question.instance
    info = registration(aws, name)
    if isinstance(info, Refusal):
        yield from _not_registered(aws, question, info)
        return
    about = info.get("instanceArn", name)
    if info.get("deregisterTime"):
        says = f"{name} was deregistered at {time(info['deregisterTime'])}."
        yield Finding(FAIL, says, code="deregistered", about=about, next=GUIDE, of=frozenset({name}))
        before = str(info.get("iamSessionArn") or info.get("iamUserArn") or "")
        yield _to_register(aws, question, question.arn or _arn_of_the_agent(aws, question) or before)
    else:
        arn, at = arn_of(info), info.get("registerTime")
        since = f"since {time(at, '%Y-%m-%d')}" if at else "(CodeDeploy gives no date)"
        yield Finding(OK, f"{name} is registered {since} as {arn}.", about=about)


def _not_registered(aws: Aws, question: Question, refused: Refusal) -> Iterator[Finding]:
    """That a name is not registered, and why; what is known is said before the reads that may fail."""
    name = question.instance
    says = f"{name} is not registered in {aws.region}: {refused.code}."
    if name.startswith("mi-"):
        yield Finding(
            WARN, f"{says} It has the form of a managed node's id.", code="is-a-node", about=name, next=GUIDE
        )
        if node := managed_node(aws, name):
            yield _of_a_node(aws, name, names_of(node))
            return
        says = f"Systems Manager has no managed node {name} in {aws.region} either."
    lead = "instance-is-not-registered-elsewhere"
    of = frozenset({name})
    yield Finding(
        FAIL,
        says,
        code="not-registered",
        about=name,
        fix=ELSEWHERE,
        next=lead,
        explained_by=_REFUSED,
        of=of,
    )
    if spelt := spelt_otherwise(aws, name):
        says = f"{' and '.join(spelt)} {'is' if len(spelt) == 1 else 'are'} registered: the names of instances must match in every character, in upper and lower case too."
        fix = f"Ask about {spelt[0]}, and write the name so where {name} stands."
        yield Finding(
            FAIL,
            says,
            code="spelt-otherwise",
            about=spelt[0],
            fix=fix,
            next=GUIDE,
            of=of | {spelt[0]},
            explained_by=("agent-identity-is-registered-under-this-name",),  # which knows whose host it is
            below=f"{' and '.join(spelt)} {'is' if len(spelt) == 1 else 'are'} registered.",
        )
    elif other := list(is_another_thing(aws, name)):
        yield from other
    else:
        yield _to_register(aws, question, question.arn or _arn_of_the_agent(aws, question))


def _arn_of_the_agent(aws: Aws, question: Question) -> str:
    """The ARN that the agent on the host has, where the host can be asked and its yml has no faults; else ""."""
    report = report_if_any(aws, question)
    if (
        report is None
        or report.agent.installed.value is False
        or if_readable(lambda: yml_faults(report)) != []
    ):
        return ""
    return arn_in_yml(report)


def _of_a_node(aws: Aws, node: str, names: list[str]) -> Finding:
    """What is registered under a name of the managed node that was asked about by its id."""
    for name in names:
        if arn := registered_arn(aws, name):
            says = f"The name of {node}, {name}, is registered as {arn}: ask about {name} to check the registration too."
            return Finding(WARN, says, code="is-a-node", about=name, next=GUIDE)
    said = f"Nor is the name of {node}, {' or '.join(names)}" if names else f"{node} has no name"
    says = f"{said}, registered in {aws.region}." if names else f"{said} that could be registered."
    return Finding(FAIL, says, code="not-registered", about=node, fix=ELSEWHERE, next=GUIDE)


@needs("instance")
def instance_is_not_registered_elsewhere(aws: Aws, question: Question) -> Iterator[Finding]:
    """The instance is registered in this Region rather than in a neighbouring one.

    A registration is of one Region. The neighbours are asked only if the instance is not registered here. A Region that
    denies the call, or does not know the credentials because the account has not enabled it, is UNKNOWN.
    """
    only_on_premises(question)
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
                of=frozenset((name, region)),
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
    only_on_premises(question)
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

    CodeDeploy has no state "registration in progress". People mean one of these by it: another caller, or the same one
    from another address, that registered or deregistered the name in the last minutes; a refusal because the name or
    the ARN is taken; or a name that was deregistered and is still listed.
    """
    only_on_premises(question)
    name, minutes = question.instance, _CLOSE.seconds // 60
    trails = [trail(aws, f"{what}OnPremisesInstance", minutes / 60) for what in ("Register", "Deregister")]
    since = aws.now() - _CLOSE
    recent = sorted(
        (event for one in trails for event in one.events if event.at >= since), key=lambda event: event.at
    )
    mine = [event for event in recent if event.parameter("instanceName") == name]
    callers = sorted({f"{event.caller} from {event.source}" for event in mine})
    taken = [event for event in mine if event.error.endswith("AlreadyRegisteredException")]
    unread = [finding for one in trails for finding in gaps(one, minutes / 60)]
    if nameless := sum(event.parameter("instanceName") is None for event in recent):
        says = f"{nameless} of CloudTrail's records name no instance, so they may be about {name}."
        unread.append(Finding(UNKNOWN, says, code="name-not-recorded", about=name))
    yield from unread
    if len(callers) > 1:
        did = ", ".join(
            f"{e.operation} at {time(e.at, '%H:%M UTC')}{f' ({e.error})' * bool(e.error)}" for e in mine
        )
        says = f"{len(callers)} callers changed the registration of {name} at the same time ({', '.join(callers)}): {did}."
        yield Finding(
            FAIL,
            says,
            code="several-callers",
            about=name,
            fix=f"Let only one of them register {name}, and check which ARN it has now.",
            next="/guides/registration-in-progress/",
        )
    elif taken:
        says = f"The registration of {name} by {taken[-1].caller} was refused at {time(taken[-1].at, '%H:%M UTC')}: {taken[-1].error}."
        says += " No registration is in progress, so waiting does not help."
        yield Finding(FAIL, says, code="already-registered", about=name, next="arn-is-free")
    elif not unread:
        shows = "one caller" if callers else "no caller"
        says = f"CloudTrail shows {shows} registering or deregistering {name} in the last {minutes} minutes."
        info = registration(aws, name)
        if not isinstance(info, Refusal) and info.get("deregisterTime"):
            says += (
                f" It was deregistered at {time(info['deregisterTime'])} and is still listed: that is"
                " not a registration in progress."
            )
        yield Finding(OK, says, about=name)


def _to_register(aws: Aws, question: Question, arn: str) -> Finding:
    """How the name that is not registered can be registered with ``arn``, if that is known."""
    name, about_it = question.instance, frozenset({question.instance})
    if not arn:
        says = f"The ARN to register {name} with was not given (--arn)."
        ask = f"`{runbooks(aws.place, 'diagnose', instance=name)} --arn ARN`"
        way = f"run {ask} with the ARN of its IAM user or role session: it prints the command."
        fix, below = f"To register {name}, {way}", f"To register it, {way}"
        return Finding(
            FAIL, says, code="arn-not-given", about=name, fix=fix, next=GUIDE, of=about_it, below=below
        )
    known = if_readable(lambda: registered_arns(aws))
    if held := [other for other, other_arn in (known or {}).items() if other_arn == arn]:
        says = f"{name}, which is not registered, cannot be registered with {arn}: that is registered as {held[0]}."
        fix = f"Deregister {held[0]} first if it is the same host; else register {name} with another ARN."
        return Finding(
            FAIL,
            says,
            code="arn-taken",
            about=held[0],
            fix=fix,
            next="arn-is-free",
            explained_by=("agent-identity-is-registered-under-this-name",),
        )
    command = register(aws, name, arn)
    tags = needed_tags(aws, question)
    whole = then(command, *tags)
    free = (
        "no other name holds it" if known is not None else "whether another name holds it could not be read"
    )
    says = f"{name} is not registered, and can be registered with {arn}: {free}."
    if not tags:
        says += " Registering gives it no tags, by which a deployment group selects it: add them after that."
    return Finding(
        FAIL,
        says,
        code="can-be-registered" if known is not None else "may-be-registered",
        about=name,
        fix=whole,
        next=GUIDE,
        explained_by=(*_REFUSED, "instance-is-not-registered-elsewhere"),
        of=about_it | {arn},
        below=f"To register it in {aws.region} with {arn} ({free}): `{whole}`.",
    )
