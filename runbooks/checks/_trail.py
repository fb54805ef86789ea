"""What of CloudTrail's history could not be read."""

from collections.abc import Iterator

from runbooks.aws.cloudtrail import MOST_EVENTS, Trail
from runbooks.findings import UNKNOWN, Finding


def gaps(seen: Trail, hours: float) -> Iterator[Finding]:
    """What of CloudTrail's history was not read, as findings."""
    if seen.cut:
        says = (
            f"Only the newest {MOST_EVENTS} calls of the last {hours:g} hours were read; ask for fewer hours."
        )
        yield Finding(UNKNOWN, says, code="cut")
    if seen.unreadable:
        records = "record" if seen.unreadable == 1 else "records"
        says = f"{seen.unreadable} {records} of CloudTrail could not be read, and may be of a bad call."
        yield Finding(UNKNOWN, says, code="unreadable-records")
