"""Servers in the place of an endpoint of AWS, and who asks them."""

import datetime as dt
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from runbooks.aws.clients import USER_AGENT, Clients
from runbooks.aws.session import Aws
from runbooks.engine import run
from runbooks.findings import CheckFunction, Finding
from runbooks.question import Question
from tests.support.findings import assert_sound

REGION = "eu-west-1"
NAMES = [f"{service}.{REGION}.amazonaws.com" for service in ("codedeploy", "sts", "ssm")]
LOADER: Any = botocore.session.get_session().get_component(
    "data_loader"
)  # reads each model once, for all tests
REQUEST_ID = {"x-amzn-RequestId": "r-1"}


class Server(ThreadingHTTPServer):
    """Answers every request with ``status`` and ``headers`` (and a Date, ``ahead`` of now), and keeps them."""

    daemon_threads = True

    def __init__(
        self,
        status: int = 404,
        headers: dict[str, str] = REQUEST_ID,
        *,
        behind: float = 0,
        date: str | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.headers, self.behind, self.date = status, headers, behind, date
        self.asked: list[BaseHTTPRequestHandler] = []
        self.endless = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or does not accept the certificate, is what these tests are about."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self)
        self.send_response_only(self.server.status)
        now = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=self.server.behind)
        date = format_datetime(now, usegmt=True) if self.server.date is None else self.server.date
        for name, value in (self.server.headers | ({"Date": date} if date else {})).items():
            self.send_header(name, value)
        self.end_headers()
        while self.server.endless:
            self.wfile.write(b"x" * 65536)

    def log_message(self, *_: Any) -> None:
        """No line for a request."""


@contextmanager
def serving(server: Any) -> Iterator[Any]:
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def talking(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The URL of a server that does ``answer`` with each connection, which need not be HTTP."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def session_with(endpoint: str | None = None, *, patience: float = 10, **config: Any) -> Aws:
    """A session as `connect` opens one, that waits this many seconds for an answer."""
    quick = Config(
        connect_timeout=patience,
        read_timeout=patience,
        retries={"total_max_attempts": 1},
        user_agent_extra=USER_AGENT,
        **config,
    )
    return Aws(Clients(_session(), endpoint=endpoint, config=quick))


def _session() -> boto3.Session:
    core: Any = botocore.session.Session()
    core.register_component("data_loader", LOADER)
    return boto3.Session(
        botocore_session=core, aws_access_key_id="x", aws_secret_access_key="x", region_name=REGION
    )


def ask(check: CheckFunction, aws: Aws) -> list[Finding]:
    found = run(check, aws.remembering(), Question())
    for finding in found:
        assert_sound(finding)
    return found
