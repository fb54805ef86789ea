"""Who calls CodeDeploy, and what goes wrong for them?"""

from collections import Counter
from collections.abc import Iterator

from runbooks.aws import Aws
from runbooks.aws.cloudtrail import MOST_EVENTS, Event, Trail, trail
from runbooks.checks._commands import aws_cli
from runbooks.checks._facts import registered_names
from runbooks.checks.listing import corrected
from runbooks.engine import FAIL, OK, SKIP, UNKNOWN, WARN, Finding
from runbooks.question import Question

_FILTER_PAGE = "/exceptions/InvalidRegistrationStatusException/"
_REGISTRATION_PAGE = "/guides/check-the-instance/"


def callers_send_valid_status_filters(aws: Aws, question: Question) -> Iterator[Finding]:
    """Nobody sends ListOnPremisesInstances a registration status that does not exist.

    Read from CloudTrail's event history, which keeps 90 days of each Region. Values that a client
    refuses to send (None, a number) never reach AWS and so never stand here. The guide's own calls
    are left out. An event can take some minutes to arrive.
    """
    seen = trail(aws, "ListOnPremisesInstances", question.hours)
    yield from _unseen(seen, question)
    calls = [event for event in seen.events if not event.ours]
    bad = [event for event in calls if event.error == "InvalidRegistrationStatusException"]
    if not bad:
        yield _none_of(calls, "ListOnPremisesInstances", question, "none had a bad filter")
    for (who, client, source, value), times in Counter(map(_sender, bad)).most_common():
        last = max(event.at for event in bad if _sender(event) == (who, client, source, value))
        yield Finding(
            FAIL,
            f"{who} sent {_sent(value)}, {_times(times)}, last at {last:%Y-%m-%dT%H:%M:%SZ}, from {source} with {client}.",
            about=who,
            fix=corrected(aws, value),
            next=_FILTER_PAGE,
        )
        if value is None:
            yield Finding(
                UNKNOWN,
                f"Which value {who} sent is not known: the CloudTrail record does not tell it.",
                about=who,
                next=_FILTER_PAGE,
            )


def registration_calls_succeed(aws: Aws, question: Question) -> Iterator[Finding]:
    """No call of RegisterOnPremisesInstance was refused lately.

    Of the asked instance, or of all where none was asked about. What a refused registration needs depends
    on its error code alone: a name or an ARN that is taken, a bad ARN, a missing permission. A name that is
    registered now, in spite of it, is a WARN: a script that ran twice looks like that.
    """
    seen = trail(aws, "RegisterOnPremisesInstance", question.hours)
    yield from _unseen(seen, question)
    mine = [
        event for event in seen.events if not question.instance or _name(event) in (question.instance, None)
    ]
    refused = [event for event in mine if event.error]
    if not refused:
        yield _none_of(mine, "RegisterOnPremisesInstance", question, "none was refused")
        return
    registered = set(registered_names(aws))
    for (who, code, name), times in Counter(map(_attempt, refused)).most_common():
        last = max(event.at for event in refused if _attempt(event) == (who, code, name))
        says = f"{who} was refused to register {name or 'a name that is not recorded'} {_times(times)}, last at {last:%Y-%m-%dT%H:%M:%SZ}: {code}."
        if name is None:
            whose = f"; whether it was {question.instance} is not known" if question.instance else ""
            yield Finding(UNKNOWN, says.removesuffix(".") + f"{whose}.", who, next=_REGISTRATION_PAGE)
        elif name in registered:
            fix = aws_cli(aws, "deploy", "get-on-premises-instance", instance_name=name)
            yield Finding(WARN, f"{says} It is registered now.", name, fix, _REGISTRATION_PAGE)
        else:
            yield Finding(FAIL, says, name, next=_REGISTRATION_PAGE)


def _unseen(seen: Trail, question: Question) -> Iterator[Finding]:
    if seen.cut:
        yield Finding(
            UNKNOWN,
            f"Only the newest {MOST_EVENTS} calls of the last {question.hours:g} hours were looked at; ask for fewer hours.",
        )
    if seen.unreadable:
        records = "record" if seen.unreadable == 1 else "records"
        yield Finding(
            UNKNOWN, f"{seen.unreadable} {records} of CloudTrail could not be read, and may be of a bad call."
        )


def _none_of(calls: list[Event], operation: str, question: Question, good: str) -> Finding:
    when = f"of the last {question.hours:g} hours"
    if not calls:
        return Finding(SKIP, f"CloudTrail holds no {operation} call {when}.")
    return Finding(
        OK, f"CloudTrail holds {len(calls)} {operation} call{'s' * (len(calls) > 1)} {when}; {good}."
    )


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
