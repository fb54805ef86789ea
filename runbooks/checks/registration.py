"""Is the registration what it should be?"""

import shlex
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from runbooks.aws import Aws, Refusal
from runbooks.aws.regions import neighbours
from runbooks.checks._facts import caller, events, registered_arn, registration
from runbooks.engine import FAIL, OK, SKIP, Finding, Question

_LIST = "codedeploy:ListOnPremisesInstances"
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
            fix=_register(name, question.arn, aws.region),
            next="instance-is-not-registered-elsewhere",
        )
    elif info.get("deregisterTime"):
        yield Finding(
            FAIL,
            f"{name} was deregistered at {info['deregisterTime']:%Y-%m-%d %H:%M} UTC.",
            about=info.get("instanceArn", name),
            fix=_register(name, question.arn or _arn(info), aws.region),
            next=_PAGE,
        )
    else:
        since = f"{info['registerTime']:%Y-%m-%d}" if "registerTime" in info else "a time that is not told"
        yield Finding(
            OK, f"{name} is registered since {since} as {_arn(info)}.", about=info.get("instanceArn", name)
        )


def instance_is_not_registered_elsewhere(aws: Aws, question: Question) -> Iterator[Finding]:
    """The instance is registered in this Region rather than in a neighbouring one.

    A registration is of one Region. Looked at only where the instance is not registered here.
    """
    if not question.instance:
        yield Finding(SKIP, "No instance was asked about.")
        return
    if registered_arn(aws, question):
        yield Finding(SKIP, f"{question.instance} is registered here, in {aws.region}.")
        return
    elsewhere = 0
    for region in neighbours(aws.region):
        info = aws.read(
            "codedeploy:GetOnPremisesInstance",
            "instanceInfo",
            # A Region that the account has not switched on does not know its credentials
            expecting=("InstanceNotRegisteredException", "UnrecognizedClientException"),
            region=region,
            instanceName=question.instance,
        )
        if not isinstance(info, Refusal) and not info.get("deregisterTime"):
            elsewhere += 1
            yield Finding(
                FAIL,
                f"{question.instance} is registered in {region}, not in {aws.region}.",
                about=info.get("instanceArn", question.instance),
                fix=shlex.join(["runbooks", "diagnose", "--instance", question.instance, "--region", region]),
                next=_PAGE,
            )
    if not elsewhere:
        yield Finding(
            OK, f"{question.instance} is not registered in {', '.join(neighbours(aws.region))} either."
        )


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
            fix=f"aws deploy deregister-on-premises-instance --instance-name {question.instance} --region {aws.region}",
            next=_PAGE,
        )
    held = [name for name, arn in arns(aws).items() if arn == question.arn and name != question.instance]
    for name in held:
        yield Finding(
            FAIL,
            f"{question.arn} is registered as {name}.",
            about=name,
            fix=f"aws deploy get-on-premises-instance --instance-name {name} --region {aws.region}",
            next=_PAGE,
        )
    if not held and mine in ("", question.arn):
        yield Finding(OK, f"{question.arn} is registered under no other name.", about=question.arn)


def no_registration_competes(aws: Aws, question: Question) -> Iterator[Finding]:
    """Nobody else registers or deregisters the same instance at the same time.

    CodeDeploy has no state "registration in progress". What people mean by it is one of these: another
    caller at work on the same name in the last minutes, a refusal because the name or the ARN is taken,
    or a name that was deregistered and is still listed.
    """
    if not question.instance:
        yield Finding(SKIP, "No instance was asked about.")
        return
    name = question.instance
    since = aws.now() - _RIVALS
    recent = [
        event
        for operation in ("RegisterOnPremisesInstance", "DeregisterOnPremisesInstance")
        for event in events(aws, operation, question.hours)[0]
        if (event.get("requestParameters") or {}).get("instanceName") == name
        and event["eventTime"] >= f"{since:%Y-%m-%dT%H:%M:%SZ}"
    ]
    callers = sorted({caller(event) for event in recent})
    if len(callers) > 1:
        did = ", ".join(
            f"{event['eventName']} at {event['eventTime'][11:16]}"
            for event in sorted(recent, key=lambda e: e["eventTime"])
        )
        yield Finding(
            FAIL,
            f"{len(callers)} callers work on {name} at once ({', '.join(callers)}): {did}.",
            about=name,
            next="/guides/registration-in-progress/",
        )
    else:
        yield Finding(
            OK,
            f"CloudTrail shows {'one caller' if callers else 'nobody'} registering or deregistering {name} in the last {_RIVALS.seconds // 60} minutes.",
            about=name,
        )


def arns(aws: Aws) -> dict[str, str]:
    """The ARN of every registered name. Asked 25 names at a time: AWS's model says 25 in one place and 100 in another."""
    names = aws.read_all(_LIST, "instanceNames", registrationStatus="Registered")
    infos = [
        info
        for start in range(0, len(names), 25)
        for info in aws.read(
            "codedeploy:BatchGetOnPremisesInstances", "instanceInfos", instanceNames=names[start : start + 25]
        )
    ]
    return {info["instanceName"]: _arn(info) for info in infos}


def _arn(info: dict[str, Any]) -> str:
    return str(info.get("iamSessionArn") or info.get("iamUserArn") or "an ARN that is not told")


def _register(name: str, arn: str, region: str) -> str:
    """The command that registers; "" while nobody said with which ARN."""
    if not arn.startswith("arn:"):
        return ""
    kind = "--iam-session-arn" if ":assumed-role/" in arn else "--iam-user-arn"
    return f"aws deploy register-on-premises-instance --instance-name {name} {kind} {shlex.quote(arn)} --region {region}"
