"""What a check would rather know than not: a read that only refines its answer."""

from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from runbooks.aws.answers import NotAnAnswer
from runbooks.findings import CouldNotCheck, NotApplicable
from runbooks.host import HostReportError

T = TypeVar("T")


def if_readable(read: Callable[[], T]) -> T | None:
    """What ``read`` gives; None where AWS refuses it, where it gives no whole answer, or where it does not apply."""
    try:
        return read()
    except (BotoCoreError, ClientError, NotAnAnswer, CouldNotCheck, NotApplicable, HostReportError):
        return None
