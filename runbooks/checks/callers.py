"""Who calls CodeDeploy, and what goes wrong for them?"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from runbooks.aws import Aws
from runbooks.checks._facts import MOST_EVENTS, caller, events
from runbooks.checks.listing import corrected
from runbooks.engine import FAIL, OK, SKIP, UNKNOWN, Finding, Question

_FILTER_PAGE = "/exceptions/InvalidRegistrationStatusException/"
_REGISTRATION_PAGE = "/guides/check-the-instance/"


def callers_send_valid_status_filters(aws: Aws, question: Question) -> Iterator[Finding]:
    """Nobody sends ListOnPremisesInstances a registration status that does not exist.

    Read from CloudTrail's event history, which keeps 90 days of each Region. Values that a client
    refuses to send (None, a number) never reach AWS and so never stand here. The guide's own calls
    are left out. An event can take some minutes to arrive.
    """
    calls, cut = events(aws, "ListOnPremisesInstances", question.hours)
    yield from _cut(cut, question)
    bad = [event for event in calls if event.get("errorCode") == "InvalidRegistrationStatusException"]
    if not bad:
        yield _none_of(calls, "ListOnPremisesInstances", question, "none had a bad filter")
    for (who, client, source, value), times in Counter(map(_sender, bad)).most_common():
        last = max(event["eventTime"] for event in bad if _sender(event) == (who, client, source, value))
        yield Finding(
            FAIL,
            f"{who} sent {_sent(value)} {_times(times)}, last at {last}, from {source} with {client}.",
            about=who,
            fix=corrected(value, aws.region),
            next=_FILTER_PAGE,
        )
        if value is None:
            yield Finding(
                UNKNOWN,
                f"Which value {who} sent is not known: the CloudTrail record has no request parameters.",
                about=who,
                next=_FILTER_PAGE,
            )


def registration_calls_succeed(aws: Aws, question: Question) -> Iterator[Finding]:
    """No call of RegisterOnPremisesInstance was refused lately.

    Of the asked instance, or of all where none was asked about. What a refused registration needs depends
    on its error code alone: a name or an ARN that is taken, a bad ARN, a missing permission.
    """
    calls, cut = events(aws, "RegisterOnPremisesInstance", question.hours)
    yield from _cut(cut, question)
    mine = [call for call in calls if not question.instance or _instance(call) in (question.instance, None)]
    refused = [call for call in mine if call.get("errorCode")]
    if not refused:
        yield _none_of(mine, "RegisterOnPremisesInstance", question, "none was refused")
    for (who, code, name), times in Counter(
        (caller(c), c["errorCode"], _instance(c)) for c in refused
    ).most_common():
        last = max(
            c["eventTime"] for c in refused if (caller(c), c["errorCode"], _instance(c)) == (who, code, name)
        )
        yield Finding(
            FAIL,
            f"{who} was refused to register {name or 'a name that is not recorded'} {_times(times)}, last at {last}: {code}.",
            about=name or who,
            fix=f"aws deploy get-on-premises-instance --instance-name {name} --region {aws.region}"
            if name
            else "",
            next=_REGISTRATION_PAGE,
        )


def _cut(cut: bool, question: Question) -> Iterator[Finding]:
    if cut:
        yield Finding(
            UNKNOWN,
            f"Only the newest {MOST_EVENTS} calls of the last {question.hours:g} hours were looked at; ask for fewer hours.",
        )


def _none_of(calls: list[dict[str, Any]], operation: str, question: Question, good: str) -> Finding:
    when = f"of the last {question.hours:g} hours"
    if not calls:
        return Finding(SKIP, f"CloudTrail holds no {operation} call {when}.")
    return Finding(
        OK, f"CloudTrail holds {len(calls)} {operation} call{'s' * (len(calls) > 1)} {when}; {good}."
    )


def _sender(event: dict[str, Any]) -> tuple[str, str, str, str | None]:
    return (
        caller(event),
        event.get("userAgent", "an unnamed client").partition(" ")[
            0
        ],  # "Boto3/1.40.45", without its platform
        event.get("sourceIPAddress", "an unknown address"),
        (event.get("requestParameters") or {}).get("registrationStatus"),
    )


def _instance(event: dict[str, Any]) -> str | None:
    name: str | None = (event.get("requestParameters") or {}).get("instanceName")
    return name


def _sent(value: str | None) -> str:
    return "a registrationStatus that is not recorded" if value is None else f"registrationStatus {value!r}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
