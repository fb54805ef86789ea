"""Who calls CodeDeploy, and what goes wrong for them?"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from runbooks.aws import Aws
from runbooks.aws.session import USER_AGENT
from runbooks.checks.registration import corrected
from runbooks.engine import FAIL, OK, SKIP, UNKNOWN, Finding, Question

_MOST = 2000  # events, newest first: LookupEvents gives 50 a page and is paced to 2 pages a second
_PAGE = "/exceptions/InvalidRegistrationStatusException/"


def callers_send_valid_status_filters(aws: Aws, question: Question) -> Iterator[Finding]:
    """Nobody sends ListOnPremisesInstances a registration status that does not exist.

    Read from CloudTrail's event history, which keeps 90 days of each Region. Values that a client
    refuses to send (None, a number) never reach AWS and so never stand here. The guide's own calls
    are left out. An event can take some minutes to arrive.
    """
    since = aws.now() - timedelta(hours=question.hours)
    events, cut = _events(aws, "ListOnPremisesInstances", since)
    if cut:
        yield Finding(
            UNKNOWN,
            f"Only the newest {_MOST} calls of the last {question.hours:g} hours were looked at; ask for fewer hours.",
        )
    if not events:
        yield Finding(
            SKIP, f"CloudTrail holds no ListOnPremisesInstances call of the last {question.hours:g} hours."
        )
        return
    bad = [event for event in events if event.get("errorCode") == "InvalidRegistrationStatusException"]
    if not bad:
        yield Finding(
            OK,
            f"CloudTrail holds {len(events)} ListOnPremisesInstances calls of the last {question.hours:g} hours; none had a bad filter.",
        )
    for (caller, agent, source, value), times in Counter(map(_sender, bad)).most_common():
        last = max(event["eventTime"] for event in bad if _sender(event) == (caller, agent, source, value))
        yield Finding(
            FAIL,
            f"{caller} sent {_sent(value)} {times} time{'s' if times > 1 else ''}, last at {last},"
            f" from {source} with {agent}.",
            about=caller,
            fix=corrected(value, aws.region),
            next=_PAGE,
        )
        if value is None:
            yield Finding(
                UNKNOWN,
                f"Which value {caller} sent is not known: the CloudTrail record has no request parameters.",
                about=caller,
                next=_PAGE,
            )


def _events(aws: Aws, operation: str, since: datetime) -> tuple[list[dict[str, Any]], bool]:
    """The CloudTrail records of one CodeDeploy operation, newest first, without the guide's own calls;
    and whether there were more than are looked at."""
    events = aws.read_all(
        "cloudtrail:LookupEvents",
        "Events",
        most=_MOST,
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": operation}],
        StartTime=since,
    )
    records: list[dict[str, Any]] = [json.loads(event["CloudTrailEvent"]) for event in events]
    return [record for record in records if USER_AGENT not in record.get("userAgent", "")], len(
        events
    ) == _MOST


def _sender(event: dict[str, Any]) -> tuple[str, str, str, str | None]:
    identity = event.get("userIdentity", {})
    return (
        identity.get("arn") or identity.get("invokedBy") or identity.get("type", "an unnamed caller"),
        event.get("userAgent", "an unnamed client").partition(" ")[0],  # "Boto3/1.40.45", without its platform
        event.get("sourceIPAddress", "an unknown address"),
        (event.get("requestParameters") or {}).get("registrationStatus"),
    )


def _sent(value: str | None) -> str:
    return "a registrationStatus that is not recorded" if value is None else f"registrationStatus {value!r}"
