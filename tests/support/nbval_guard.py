"""What nbval 0.11 lets pass, made to fail: loaded with ``-p tests.support.nbval_guard``.

A cell that was never executed has no execution count, and nbval compares nothing for it. A kernel that
dies is waited for until the cell's timeout. Both rest on nbval's internals, hence the exact pin.
"""

import time
from queue import Empty
from typing import Any

import pytest
from nbval.kernel import RunningKernel

NEVER_EXECUTED = "this cell was never executed, so there is nothing to compare with: run `make golden`"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: Any) -> None:
    cell = getattr(item, "cell", None)
    if cell is not None and cell.execution_count is None:
        pytest.fail(NEVER_EXECUTED, pytrace=False)


def _await_reply(self: Any, message_id: str, timeout: float | None = None) -> None:
    end = time.monotonic() + (timeout or 600)
    while True:
        try:
            message = self.get_message(stream="shell", timeout=1)
        except Empty:
            if not self.is_alive():
                raise RuntimeError("the kernel died while it ran this cell") from None
            if time.monotonic() > end:
                raise
            continue
        if message["parent_header"].get("msg_id") == message_id:
            return


RunningKernel.await_reply = _await_reply
