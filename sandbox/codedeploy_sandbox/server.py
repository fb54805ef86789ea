"""The sandbox on a port of this machine."""

import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from codedeploy_sandbox.app import App
from codedeploy_sandbox.clock import Clock
from codedeploy_sandbox.faults import Fault
from codedeploy_sandbox.protocol.requests import is_loopback
from codedeploy_sandbox.scenarios import Scenario, find
from codedeploy_sandbox.state import ACCOUNT, CALLER_ACCESS_KEY, CALLER_SECRET_KEY, REGION, Account


@dataclass(frozen=True)
class Sandbox:
    """A sandbox that listens."""

    endpoint: str
    scenario: str
    app: App

    @property
    def account(self) -> Account:
        """The state, for a test that reads or changes it."""
        return self.app.account

    def address(self) -> dict[str, Any]:
        """All that a client needs to reach it, and the time at which its clock began."""
        clock = self.account.clock
        return {
            "endpoint": self.endpoint,
            "scenario": self.scenario,
            "region": REGION,
            "account": ACCOUNT,
            "access_key_id": CALLER_ACCESS_KEY,
            "secret_access_key": CALLER_SECRET_KEY,
            "clock": clock.start.isoformat().replace("+00:00", "Z") if clock.fixed else None,
        }


@contextmanager
def serve(
    scenario: str | Scenario = "healthy",
    *,
    port: int = 0,
    host: str = "127.0.0.1",
    clock: datetime | None = None,
    probe: str = "",
    faults: Iterable[Fault] = (),
) -> Iterator[Sandbox]:
    """Run a sandbox in a thread for as long as the `with` block lasts.

    `scenario` is the name of one, or a function that sets one up; port 0 takes a free port; `clock` makes time
    deterministic; `probe` is the one shell script that Run Command runs, with the root of a machine in $PROBE_ROOT.
    Raises ValueError for an unknown scenario or a host that is not loopback, OSError when the port
    cannot be had; both say why in one sentence.
    """
    set_up = find(scenario) if isinstance(scenario, str) else scenario
    name = scenario if isinstance(scenario, str) else scenario.__name__
    account = Account(Clock(clock), probe)
    set_up(account)
    app = App(account, name, faults)
    with _listen(host, port) as listening:
        server = make_server(host, 0, app, threaded=True, request_handler=_Quiet, fd=listening.fileno())
    server.handle_error = _handle_error  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    shown = f"[{host}]" if ":" in host else host
    try:
        yield Sandbox(f"http://{shown}:{server.port}", name, app)
    finally:
        app.ending.set()
        server.shutdown()
        thread.join()


def _listen(host: str, port: int) -> socket.socket:
    if not is_loopback(host):
        raise ValueError(f"The sandbox listens on this machine only; {host!r} is not a loopback address.")
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OverflowError:
        raise ValueError(f"{port} is not a port; take one from 0 to 65535.") from None
    except OSError as error:
        reason = error.strerror or error
        raise OSError(
            f"The sandbox cannot listen on {host} port {port}: {reason}. Choose another port."
        ) from None


def _handle_error(request: Any, client_address: Any) -> None:
    # A broken connection is normal; anything else is a fault of the sandbox and is shown.
    error = sys.exc_info()[1]
    if not isinstance(error, OSError):
        sys.stderr.write(f"sandbox: {type(error).__name__}: {error}\n")


class _Quiet(WSGIRequestHandler):
    def handle_expect_100(self) -> bool:
        """Leave `100 Continue` to werkzeug, which also sends it."""
        return True

    def log(self, type: str, message: str, *args: Any) -> None:
        """No line for a request: the journal is the log."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header: AWS's time in this scenario."""
        ahead: timedelta = self.server.app.account.ahead  # type: ignore[attr-defined]
        return super().date_time_string(time.time() + ahead.total_seconds())
