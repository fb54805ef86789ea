"""Faults on the wire: what a client meets when AWS, the network or something between them misbehaves."""

import os
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from werkzeug.wrappers import Response

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.protocol import codec
from codedeploy_sandbox.state import Call

_CLOSE_WITH_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, zero seconds


@dataclass(frozen=True)
class Error:
    """An error of the service, in its own protocol, such as AccessDeniedException."""

    code: str
    message: str = ""
    status: int | None = None


@dataclass(frozen=True)
class Http:
    """An answer that does not come from AWS: a proxy's page, a captive portal, a bare 503, a body that cannot be read."""

    status: int
    body: str = ""
    content_type: str = "text/html"


@dataclass(frozen=True)
class Delay:
    """The right answer, late."""

    seconds: float


@dataclass(frozen=True)
class Hang:
    """No answer; after `seconds`, or when the sandbox ends, a reset."""

    seconds: float = 600


@dataclass(frozen=True)
class Reset:
    """The connection is reset (TCP RST)."""


@dataclass(frozen=True)
class Cut:
    """The right answer without the second half of its body."""


@dataclass(frozen=True)
class Pass:
    """The right answer: an exception to a later fault that matches more."""


What = Error | Http | Delay | Hang | Reset | Cut | Pass


@dataclass(frozen=True)
class Fault:
    """Do `what` to the requests whose `service:Operation` fits `match` (* and ? as in file names).

    The first `skip` of them are left alone, and after that `times` of them get the fault. For the others the next fault
    that matches is tried.
    """

    match: str
    what: What
    times: float = float("inf")
    skip: int = 0


class Faults:
    """The faults of one sandbox, and how many matching requests each has seen."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self._faults = faults
        self._met = [0] * len(faults)
        self._lock = threading.Lock()

    def pick(self, service: str, operation: str) -> What:
        """What to do to this request."""
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fnmatchcase(f"{service}:{operation}", fault.match):
                    self._met[index] += 1
                    if fault.skip < self._met[index] <= fault.skip + fault.times:
                        return fault.what
        return Pass()


def is_answered(what: What) -> bool:
    """Whether the sandbox itself answers a request to which this is done."""
    return isinstance(what, Delay | Cut | Pass)


def apply(
    what: What, call: Call, environ: dict[str, Any], answer: Callable[[], Response], ending: threading.Event
) -> Response:
    """Do `what` to one request. `answer` makes the right answer; `ending` is set when the sandbox ends."""
    match what:
        case Error(code, message, status):
            error = ApiError(code, message, status)
            return codec.write_error(call.service, call.protocol, error, call.request_id)
        case Http(status, body, content_type):
            return Response(body, status, content_type=content_type)
        case Delay(seconds):
            ending.wait(seconds)
            return answer()
        case Hang(seconds):
            ending.wait(seconds)
            return _reset(environ)
        case Reset():
            return _reset(environ)
        case Cut():
            return _cut(answer())
        case Pass():
            return answer()


def _reset(environ: dict[str, Any]) -> Response:
    connection: socket.socket = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_WITH_RESET)
    # close() would wait for the server's own file objects; and shutdown() would send a FIN before the RST.
    os.close(connection.detach())
    raise ConnectionResetError


def _cut(whole: Response) -> Response:
    body = whole.get_data()
    # An iterator, not a list: werkzeug must not correct the Content-Length.
    cut = Response(iter([body[: len(body) // 2]]), whole.status_code, whole.headers)
    cut.headers["Content-Length"] = str(len(body))
    return cut
