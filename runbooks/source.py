"""Where findings come from: what a report and a command line need to know of the session, and nothing of AWS."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Place:
    """Where a command asks: a Region of the account of a profile, or a scenario of the sandbox."""

    region: str
    profile: str = ""  # of the AWS configuration, where one was named
    sandbox: str = ""  # the scenario; "" for AWS


@dataclass(frozen=True)
class Source:
    """Who was asked, by whom and when, as a report shows it."""

    place: Place
    target: str  # "aws", "sandbox:healthy", "aws at http://127.0.0.1:9700"
    account: str
    identity: str
    at: datetime
    probed: bool = False  # Systems Manager was allowed to run the probe
