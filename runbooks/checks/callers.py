"""Who calls CodeDeploy, and which of their calls are refused."""

from collections import Counter
from collections.abc import Iterator

from runbooks.aws import Aws
from runbooks.checks._cloudtrail import gaps
from runbooks.checks._ec2 import only_on_premises
from runbooks.checks.listing import correction
from runbooks.decoder import Known, explain
from runbooks.facts.cloudtrail import Event, trail
from runbooks.facts.registration import listed_names
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, Finding, NotApplicable
from runbooks.question import Question
from runbooks.text.times import time

TITLE = "Which calls are refused, and whose are they?"
GUIDE = "/exceptions/InvalidRegistrationStatusException/"
RUNBOOK = "registration-status"

_REGISTRATION_PAGE = "/guides/check-the-instance/"


def callers_send_valid_status_filters(aws: Aws, question: Question) -> Iterator[Finding]:
    """Every caller sends ListOnPremisesInstances a registration status that exists.

    Read from CloudTrail's event history, which keeps 90 days of each Region. Values that a client refuses to send
    (None, a number) never reach AWS, so CloudTrail does not hold them. The calls that this guide itself sent under the
    identity that asks are left out. An event can take some minutes to arrive.
    """
    recorded = trail(aws, "ListOnPremisesInstances", question.hours)
    yield from gaps(recorded, question.hours)
    calls = recorded.without_own(aws)
    bad = [event for event in calls if event.error == "InvalidRegistrationStatusException"]
    if not bad:
        yield _none_of(calls, "ListOnPremisesInstances", question, "none had a bad filter")
    for (who, client, source, value), times in Counter(map(_sender, bad)).most_common():
        at = tuple(event.at for event in bad if _sender(event) == (who, client, source, value))
        yield Finding(
            FAIL,
            f"{who} sent {_sent(value)}, {_times(times)}, last at {time(max(at), '%Y-%m-%dT%H:%M:%SZ')}, from {source} with {client}.",
            code="invalid-filter",
            about=who,
            fix=correction(value),
            next=GUIDE,
            times=at,
        )
        if value is None:
            yield Finding(
                UNKNOWN,
                f"Which value {who} sent is not known: the CloudTrail record does not hold it.",
                code="value-not-recorded",
                about=who,
                next=GUIDE,
            )


def registration_calls_succeed(aws: Aws, question: Question) -> Iterator[Finding]:
    """No recent call of RegisterOnPremisesInstance was refused.

    Calls about the given instance count, or all if none was given. What a refused registration needs depends on its
    error code alone: a name or an ARN that is taken, a bad ARN, a missing permission. If the name is registered now, a
    refusal is a WARN: a script that ran twice has that effect.
    """
    only_on_premises(question)
    recorded = trail(aws, "RegisterOnPremisesInstance", question.hours)
    yield from gaps(recorded, question.hours)
    mine = [
        event
        for event in recorded.events
        if not question.instance or _name(event) in (question.instance, None)
    ]
    refused = [event for event in mine if event.error]
    if not refused:
        yield _none_of(mine, "RegisterOnPremisesInstance", question, "none was refused")
        return
    registered = set(listed_names(aws, "Registered"))
    for (who, code, name), times in Counter(map(_attempt, refused)).most_common():
        at = tuple(event.at for event in refused if _attempt(event) == (who, code, name))
        says = f"RegisterOnPremisesInstance of {name or 'a name that is not recorded'} by {who} was refused {_times(times)}, last at {time(max(at), '%Y-%m-%dT%H:%M:%SZ')}: {code}."
        if name is None:
            whose = f"; whether it was {question.instance} is not known" if question.instance else ""
            says = f"{says.removesuffix('.')}{whose}."
            yield Finding(
                UNKNOWN, says, code="name-not-recorded", about=who, next=_REGISTRATION_PAGE, times=at
            )
        elif name in registered:
            yield Finding(
                WARN,
                f"{says} It is registered now.",
                code="refused-before-registered",
                about=name,
                fix="If a script ran twice, ignore this. Otherwise change the caller so that it registers the name once.",
                next=_REGISTRATION_PAGE,
                times=at,
            )
        else:
            known = _meaning(code)
            yield Finding(
                FAIL,
                says,
                code="refused",
                about=name,
                fix=known.do if known else "",
                next=known.page if known else _REGISTRATION_PAGE,
                times=at,
            )


def _meaning(code: str) -> Known | None:
    """What the guide knows of an error code of RegisterOnPremisesInstance, as the AWS CLI prints it."""
    known = explain(f"An error occurred ({code}) when calling the RegisterOnPremisesInstance operation").known
    return known[0] if known else None


def _none_of(calls: list[Event], operation: str, question: Question, good: str) -> Finding:
    """That none of the calls was bad. Raises `NotApplicable` if there were none."""
    when = f"of the last {question.hours:g} hours"
    if not calls:
        raise NotApplicable(f"CloudTrail has no {operation} call {when}.")
    count = f"{len(calls)} {operation} call{'s' * (len(calls) > 1)}"
    return Finding(OK, f"CloudTrail has {count} {when}; {good}.")


def _sender(event: Event) -> tuple[str, str, str, str | None]:
    return event.caller, event.client, event.source, event.parameter("registrationStatus")


def _attempt(event: Event) -> tuple[str, str, str | None]:
    return event.caller, event.error, _name(event)


def _name(event: Event) -> str | None:
    return event.parameter("instanceName")


def _sent(value: str | None) -> str:
    return "a registrationStatus that is not recorded" if value is None else f"registrationStatus {value!r}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
