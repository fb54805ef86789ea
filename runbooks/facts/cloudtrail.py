"""What CloudTrail recorded. A record that cannot be read is counted, and costs only itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from runbooks.aws.clients import USER_AGENT
from runbooks.aws.session import Aws
from runbooks.facts.iam import caller_arn

MOST_EVENTS = 2000  # newest first; LookupEvents gives 50 a page, and AWS allows 2 pages a second


@dataclass(frozen=True)
class Event:
    """What CloudTrail recorded of one call. "" stands for what the record does not have."""

    at: datetime
    operation: str
    caller: str  # an ARN where the record has one
    client: str  # the first product of the user agent: "Boto3/1.40.45"
    source: str
    error: str
    parameters: Mapping[str, Any] | None  # None: not recorded
    by_guide: bool  # the user agent has the product token of this guide

    def parameter(self, name: str) -> str | None:
        """A parameter of the call; None where the record does not have it as text."""
        value = (self.parameters or {}).get(name)
        return value if isinstance(value, str) else None


@dataclass(frozen=True)
class Trail:
    """The events of one operation, newest first."""

    events: tuple[Event, ...]
    unreadable: int  # records that could not be read
    cut: bool  # there may be more than were read

    def without_own(self, aws: Aws) -> list[Event]:
        """The events but for those that this guide sent under the identity that asks now.

        A user agent is only a text: one that names the guide does not hide another caller. Raises what
        `caller_arn` raises.
        """
        # asked even where no event names the guide: checks that run at the same time add such events, or do not yet
        me = caller_arn(aws)
        return [event for event in self.events if not (event.by_guide and event.caller == me)]


def trail(aws: Aws, operation: str, hours: float) -> Trail:
    """What CloudTrail recorded of one CodeDeploy operation in the last hours, up to `MOST_EVENTS` calls."""
    # to the minute, so that several checks share one question
    start = (aws.now() - timedelta(hours=hours)).replace(second=0, microsecond=0)
    found = aws.read_all(
        "cloudtrail:LookupEvents",
        "Events",
        most=MOST_EVENTS,
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": operation}],
        StartTime=start,
    )
    events = [_event(record) for record in found]
    read = tuple(event for event in events if event and event.operation == operation)
    return Trail(read, len(events) - len(read), len(found) == MOST_EVENTS)


def _event(found: Any) -> Event | None:
    """One record as an event; None if it cannot be read as one."""
    try:
        record = json.loads(found["CloudTrailEvent"])
        at = datetime.fromisoformat(record["eventTime"]).astimezone(UTC)
        return Event(
            at=at,
            operation=str(record["eventName"]),
            caller=_caller(record.get("userIdentity") or {}),
            client=str(record.get("userAgent") or "an unnamed client").partition(" ")[0],
            source=str(record.get("sourceIPAddress") or "an unknown address"),
            error=str(record.get("errorCode") or ""),
            parameters=_mapping(record.get("requestParameters")),
            by_guide=USER_AGENT in str(record.get("userAgent")).split(),
        )
    # RecursionError: JSON that is nested too deep; OverflowError: a time that no calendar has
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def _caller(identity: Mapping[str, Any]) -> str:
    return str(
        identity.get("arn") or identity.get("invokedBy") or identity.get("type") or "an unnamed caller"
    )


def _mapping(value: Any) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) else None
