"""The one place that writes a time: in UTC, whatever the zone of the value and of this machine.

botocore gives the times of AWS in the zone of this machine.
"""

from datetime import UTC, datetime


def time(at: datetime, form: str = "%Y-%m-%d %H:%M UTC") -> str:
    """A time as every sentence writes it, "2026-01-15 10:45 UTC", or in another ``form`` of it."""
    return f"{at.astimezone(UTC):{form}}"


def local_time(at: datetime) -> str:
    """A time of a host's log, in the zone of that host, which the log does not give."""
    return f"{at:%Y-%m-%d %H:%M:%S}"
