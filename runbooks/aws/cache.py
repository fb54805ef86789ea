"""Each fact is asked for once in a diagnosis, whichever checks need it, and is proof for each of them."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

from runbooks.aws import journal
from runbooks.aws.journal import Call


class Memory:
    """What was asked so far, with the calls that it took; a failure is remembered as well as an answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._facts: dict[Hashable, Future[tuple[Any, list[Call]]]] = {}

    def once(self, key: Hashable, ask: Callable[[], Any]) -> Any:
        """The answer of ``ask``, which is called by the first who wants ``key``; others wait for it.

        The calls that it made are recorded for each who wants it. Raises what ``ask`` raised.
        """
        with self._lock:
            first = key not in self._facts
            fact = self._facts.setdefault(key, Future())
        if first:
            fact.set_result(_ask(ask))
        answer, calls = fact.result()
        for call in calls:
            journal.record(call)
        if isinstance(answer, Exception):
            raise answer
        return answer


def _ask(ask: Callable[[], Any]) -> tuple[Any, list[Call]]:
    with journal.recording() as calls:
        try:
            return ask(), calls
        except Exception as error:  # noqa: BLE001 - kept, and raised for each who asked
            return error, calls
