"""Calls of one kind kept apart, where AWS documents a rate for them; and patience with AWS where it asks for that."""

import threading
import time

# Seconds between two calls: CloudTrail allows 2 LookupEvents a second in each Region of an account.
PACES = {"cloudtrail:LookupEvents": 0.6}

# By which a service says that it is asked too often, in the protocols of AWS.
THROTTLED = (
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "SlowDown",
)
# Seconds between the tries after botocore's own, which last 2 seconds: half of the minute that a diagnosis takes at most
# unless it is asked otherwise.
PAUSES = (2, 4, 8, 12)


class Pace:
    """Keeps calls of one kind apart, over all threads."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Return when the next call may be made."""
        with self._lock:
            time.sleep(max(0.0, self._next - time.monotonic()))
            self._next = time.monotonic() + self._seconds
