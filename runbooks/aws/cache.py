"""Each fact is asked for once in a diagnosis, and is proof for every check that needs it."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

from runbooks.aws import journal
from runbooks.aws.journal import Record


class Cache:
    """The facts that were asked for so far, with the calls that this took; failures are remembered too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._facts: dict[Hashable, Future[tuple[Any, Record]]] = {}

    def once(self, key: Hashable, what: str, ask: Callable[[], Any]) -> Any:
        """The answer of ``ask``, which is called by the first check that wants ``key``; the others wait for it.

        The calls that it made are recorded for each of them. Raises what ``ask`` raised.
        """
        with self._lock:
            first = key not in self._facts
            fact = self._facts.setdefault(key, Future())
        with journal.waiting(what):
            if first:
                fact.set_result(_ask(ask))
            answer, calls = fact.result()
        for call in calls:
            journal.record(call)
        if isinstance(answer, Exception):
            raise answer
        return answer


def _ask(ask: Callable[[], Any]) -> tuple[Any, Record]:
    with journal.recording() as calls:
        try:
            return ask(), calls
        except Exception as error:  # noqa: BLE001 - kept, and raised for each that asked
            return error, calls
