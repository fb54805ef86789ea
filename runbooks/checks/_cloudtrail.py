"""The parts of CloudTrail's history that were not read."""

from collections.abc import Iterator

from runbooks.facts.cloudtrail import MOST_EVENTS, Trail
from runbooks.findings import UNKNOWN, Finding


def gaps(read: Trail, hours: float) -> Iterator[Finding]:
    """The parts of CloudTrail's history that were not read, as findings."""
    if read.cut:
        says = (
            f"Only the newest {MOST_EVENTS} calls of the last {hours:g} hours were read; ask for fewer hours."
        )
        yield Finding(UNKNOWN, says, code="cut")
    if read.unreadable:
        records = "record" if read.unreadable == 1 else "records"
        says = f"{read.unreadable} CloudTrail {records} could not be read, and may be of a bad call."
        yield Finding(UNKNOWN, says, code="unreadable-records")
