"""The unsigned request to an endpoint, against servers of this machine that behave well and badly."""

import socket
import struct
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.config import Config

from runbooks.aws.clients import USER_AGENT
from runbooks.checks import network
from runbooks.engine import run
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Verdict
from runbooks.question import Question
from tests.checks.endpoints import (
    NAMES,
    REGION,
    REQUEST_ID,
    Server,
    ask,
    serving,
    session_with,
    talking,
)
from tests.support.findings import only
from tests.support.world import QUICK, world

pytestmark = pytest.mark.usefixtures("no_way_by_the_environment")


# The request


def test_the_request_is_one_unsigned_get() -> None:
    with serving(Server()) as server:
        ask(network.endpoint_answers, session_with(server.url))
        (request,) = server.asked
    assert request.requestline.startswith("GET / ")
    assert USER_AGENT in request.headers["User-Agent"]
    assert not {name.lower() for name in request.headers} & {
        "authorization",
        "x-amz-date",
        "x-amz-security-token",
    }


def test_the_checks_of_a_diagnosis_share_one_request_and_each_proves_it() -> None:
    with serving(Server()) as server:
        aws = session_with(server.url).remembering()
        for check in (network.endpoint_name_resolves, network.endpoint_answers, network.this_clock_is_right):
            finding = run(check, aws, Question())[0]
            assert {(call.api, call.region, call.answer) for call in finding.proof} == {
                ("http:127.0.0.1", REGION, "404")
            }
            assert finding.proof[0].request_id == "r-1"
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("service", "operation"),
    [("codedeploy", "list_on_premises_instances"), ("sts", "get_caller_identity"), ("ssm", "describe_instance_information")],
)  # fmt: skip
@pytest.mark.parametrize("fips", [False, True])
def test_the_endpoint_is_the_one_that_a_call_goes_to(
    service: str, operation: str, fips: bool, resolver: dict[str, list[str]]
) -> None:
    class Sent(Exception):
        pass

    def stop(request: Any, **_: Any) -> None:
        raise Sent(urlsplit(request.url).hostname)

    aws = session_with(use_fips_endpoint=fips)
    aws.client(service).meta.events.register("before-send", stop)
    with pytest.raises(Sent) as sent:
        getattr(aws.client(service), operation)()
    assert aws.endpoint(service).host == str(sent.value)


def test_the_sandbox_answers_as_aws_does() -> None:
    with world("healthy", config=QUICK.merge(Config(read_timeout=30))) as (aws, _):
        answers, tls = ask(network.endpoint_answers, aws)
        assert (answers.verdict, tls.verdict) == (OK, SKIP)
        assert only(ask(network.endpoint_name_resolves, aws)).verdict is SKIP
        assert only(ask(network.this_clock_is_right, aws)).verdict is OK


# Who answers


@pytest.mark.parametrize(
    ("status", "headers", "verdict", "says"),
    [
        (404, REQUEST_ID, OK, "HTTP 404"),
        (200, {"x-amz-request-id": "r-1"}, OK, "HTTP 200"),
        (302, {"Location": "https://aws.amazon.com/iam"}, OK, "HTTP 302"),
        (302, {"Location": "https://login.example/?to=aws.amazon.com"}, FAIL, "redirects to login.example"),
        (302, {"Location": "https://evilamazonaws.com/"}, FAIL, "redirects to evilamazonaws.com"),
        (302, {"Location": "http://["}, FAIL, "the answer cannot be read"),
        (200, {"Content-Type": "text/html"}, FAIL, "captive portal"),
        (407, {}, FAIL, "HTTP 407"),
        (503, {}, FAIL, "HTTP 503"),
        (503, REQUEST_ID, WARN, "the service has a problem"),
    ],
)
def test_aws_is_known_by_its_marks(status: int, headers: dict[str, str], verdict: Verdict, says: str) -> None:
    with serving(Server(status, headers)) as server:
        finding = ask(network.endpoint_answers, session_with(server.url))[0]
    assert finding.verdict is verdict
    assert says in finding.says


def test_an_endless_body_is_not_read() -> None:
    server = Server()
    server.endless = True
    with serving(server):
        assert ask(network.endpoint_answers, session_with(server.url))[0].verdict is OK


def _reset(connection: socket.socket) -> None:
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _babble(connection: socket.socket) -> None:
    with connection:
        connection.recv(65536)
        connection.sendall(b"220 mail.example ESMTP\r\n\r\n")


def _say_nothing(connection: socket.socket) -> None:
    with connection:
        connection.settimeout(5)
        while connection.recv(65536):
            pass


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        (_reset, "closed before an answer"),
        (_babble, "closed before an answer"),
        (_say_nothing, "then sends nothing"),
    ],
)
def test_what_answers_no_http_does_not_answer(behaviour: Callable[[socket.socket], None], says: str) -> None:
    patience = 0.5 if behaviour is _say_nothing else 10
    with talking(behaviour) as url:
        finding = only(ask(network.endpoint_answers, session_with(url, patience=patience)))
        assert only(ask(network.this_clock_is_right, session_with(url, patience=patience))).verdict is UNKNOWN
    assert finding.verdict is FAIL
    assert says in finding.says


def test_a_closed_port_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    finding = only(ask(network.endpoint_answers, session_with(f"http://127.0.0.1:{port}")))
    assert finding.verdict is FAIL
    assert "Connection refused" in finding.says
    assert [call.answer for call in finding.proof] == ["EndpointConnectionError"] * len(finding.proof)


def test_a_firewall_that_drops_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    def drop(*_: Any, **__: Any) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr("urllib3.util.connection.create_connection", drop)
    finding = only(ask(network.endpoint_answers, session_with("http://127.0.0.1:9")))
    assert finding.verdict is FAIL
    assert "firewall" in finding.says


# The clock


@pytest.mark.parametrize(
    ("behind", "verdict", "says"),
    [
        (0, OK, "to within 5 s"),
        (30, OK, "to within "),
        (-30, OK, "to within "),
        (90, WARN, "ahead of"),
        (-90, WARN, "behind"),
        (280, WARN, "ahead of"),
        (320, FAIL, "ahead of"),
        (-320, FAIL, "behind"),
        (7200, FAIL, "7200 s ahead of"),
    ],
)
def test_the_clock_is_compared_with_the_date_header(behind: float, verdict: Verdict, says: str) -> None:
    with serving(Server(behind=behind)) as server:
        finding = only(ask(network.this_clock_is_right, session_with(server.url)))
    assert finding.verdict is verdict
    assert says in finding.says
    assert bool(finding.fix) == (verdict is not OK)


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Tue, 24 Nov 2026 03:00:00 -0000", "Tue, 99 Nov 2026 03:00:00 GMT"]
)
def test_a_date_that_says_nothing_is_unknown(date: str) -> None:
    with serving(Server(date=date)) as server:
        finding = only(ask(network.this_clock_is_right, session_with(server.url)))
    assert finding.verdict is UNKNOWN
    assert "no endpoint of AWS answered with its time" in finding.says


def test_the_time_of_a_captive_portal_proves_nothing() -> None:
    with serving(Server(200, {"Content-Type": "text/html"})) as server:
        assert only(ask(network.this_clock_is_right, session_with(server.url))).verdict is UNKNOWN


# Names


def test_a_name_that_does_not_resolve_fails_and_nothing_answers(resolver: dict[str, list[str]]) -> None:
    resolving = ask(network.endpoint_name_resolves, session_with())
    assert [(f.verdict, f.about) for f in resolving] == [(FAIL, name) for name in NAMES]
    assert "Name or service not known" in resolving[0].says
    answering = ask(network.endpoint_answers, session_with())
    assert {f.verdict for f in answering} == {FAIL}
    assert "its name does not resolve" in answering[0].says
    assert only(ask(network.this_clock_is_right, session_with())).verdict is UNKNOWN


@pytest.mark.parametrize(
    ("addresses", "verdict", "says"),
    [
        (["192.0.2.10", "192.0.2.11"], OK, "192.0.2.10, 192.0.2.11"),
        (["10.0.0.7"], OK, "private: a VPC endpoint"),
        (["0.0.0.0"], WARN, "not an address of AWS"),
        (["127.0.0.1"], WARN, "not an address of AWS"),
    ],
)
def test_the_addresses_of_a_name_are_shown(
    addresses: list[str],
    verdict: Verdict,
    says: str,
    resolver: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("urllib3.util.connection.create_connection", refuse)
    resolver |= dict.fromkeys(NAMES, addresses)
    found = ask(network.endpoint_name_resolves, session_with())
    assert [finding.verdict for finding in found] == [verdict] * 3
    assert says in found[0].says
