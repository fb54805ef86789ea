"""The unsigned request to an endpoint, against servers of this machine that behave well and badly."""

import datetime as dt
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
import pytest
from botocore.config import Config
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from runbooks.aws.clients import USER_AGENT, Clients
from runbooks.aws.session import Aws
from runbooks.checks import network
from runbooks.engine import run
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, CheckFunction, Finding, Verdict
from runbooks.question import Question
from tests.support.findings import assert_sound, only
from tests.support.world import QUICK, world

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


@pytest.fixture(autouse=True)
def no_way_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "AWS_CA_BUNDLE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names resolve to in this test; a name that is not here resolves to nothing."""
    names: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def resolve(host: str, *rest: Any, **options: Any) -> Any:
        if host == "127.0.0.1":
            return real(host, *rest, **options)
        if host not in names:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [answer for address in names[host] for answer in real(address, *rest, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return names


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


# TLS and proxies: an authority of the test's own, and a server that holds AWS's names by it


class Authority:
    """A certificate authority, and what it signs."""

    def __init__(self, place: Path) -> None:
        self.place, self.key = place, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "The test's authority")])
        self.file = place / "authority.pem"
        self.file.write_bytes(
            self._sign(self.name, self.key, authority=True).public_bytes(serialization.Encoding.PEM)
        )

    def server(self, *names: str, days: int = 1) -> ssl.SSLContext:
        """TLS for these names, good until ``days`` from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = self._sign(subject, key, names=names, days=days)
        file = self.place / f"{names[0]}{days}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _sign(
        self,
        subject: x509.Name,
        key: Any,
        *,
        names: tuple[str, ...] = (),
        days: int = 1,
        authority: bool = False,
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=9))
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if names:
            known = [x509.IPAddress(ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names]
            builder = builder.add_extension(x509.SubjectAlternativeName(known), critical=False)
        return builder.sign(self.key, hashes.SHA256())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@contextmanager
def serving_tls(context: ssl.SSLContext, **answer: Any) -> Iterator[Server]:
    server = Server(**answer)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with serving(server):
        yield server


def https(server: Server) -> str:
    return server.url.replace("http:", "https:")


def test_a_certificate_of_an_unknown_authority_is_not_accepted(authority: Authority) -> None:
    with serving_tls(authority.server("127.0.0.1")) as server:
        finding = only(ask(network.endpoint_answers, session_with(https(server))))
    assert finding.verdict is FAIL
    assert "certificate is not accepted" in finding.says
    assert "unable to get local issuer certificate" in finding.says
    assert "AWS_CA_BUNDLE" in finding.says


def test_the_authorities_are_those_of_boto3(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.file))
    with serving_tls(authority.server("127.0.0.1")) as server:
        finding = only(ask(network.endpoint_answers, session_with(https(server))))
    assert finding.verdict is OK
    assert "its certificate is accepted" in finding.says


@pytest.mark.parametrize(
    ("names", "days", "says"),
    [(("sts.example",), 1, "doesn't match 'sts.example'"), (("127.0.0.1",), -1, "certificate has expired")],
)
def test_a_certificate_for_another_name_or_time_is_not_accepted(
    names: tuple[str, ...], days: int, says: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.file))
    with serving_tls(authority.server(*names, days=days)) as server:
        finding = only(ask(network.endpoint_answers, session_with(https(server))))
    assert finding.verdict is FAIL
    assert says in finding.says


def test_an_inspecting_proxy_without_aws_behind_it_is_a_risk(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its certificate is accepted where the CA bundle trusts it; then only AWS's marks tell."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.file))
    with serving_tls(authority.server("127.0.0.1"), status=403, headers={}) as server:
        finding = only(ask(network.endpoint_answers, session_with(https(server))))
    assert finding.verdict is WARN
    assert "inspects TLS" in finding.says


class Proxy(ThreadingHTTPServer):
    """A proxy that leads every tunnel to one server, or refuses all with a status."""

    daemon_threads = True

    def __init__(self, port: int = 0, refusal: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.leads_to, self.refusal = port, refusal
        self.asked: list[str] = []


class Tunnel(BaseHTTPRequestHandler):
    server: Proxy

    def do_CONNECT(self) -> None:
        self.server.asked.append(self.path)
        if self.server.refusal:
            self.send_error(self.server.refusal)
            return
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(("127.0.0.1", self.server.leads_to)) as there:
            back = threading.Thread(target=_pump, args=(there, self.connection), daemon=True)
            back.start()
            _pump(self.connection, there)
            back.join(5)

    def log_message(self, *_: Any) -> None:
        """No line for a tunnel."""


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def test_the_request_uses_the_proxy_of_the_environment(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, resolver: dict[str, list[str]]
) -> None:
    """AWS's own names, by a proxy that leads to a server which holds them; this machine resolves none of them."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.file))
    with serving_tls(authority.server(*NAMES)) as server, serving(Proxy(server.server_port)) as proxy:
        address = f"127.0.0.1:{proxy.server_port}"
        monkeypatch.setenv("HTTPS_PROXY", f"http://someone:secret@{address}")
        answering = ask(network.endpoint_answers, session_with())
        resolving = ask(network.endpoint_name_resolves, session_with())
        clock = only(ask(network.this_clock_is_right, session_with()))
    assert set(proxy.asked) == {f"{name}:443" for name in NAMES}
    assert [(f.verdict, f.about) for f in answering] == [(OK, name) for name in NAMES]
    assert {f.verdict for f in resolving} == {SKIP}
    assert clock.verdict is OK
    for finding in (*answering, *resolving):
        assert address in finding.says
        assert "secret" not in finding.says
    assert {call.api for finding in answering for call in finding.proof} == {
        f"https:{name}" for name in NAMES
    }


def test_names_that_go_by_no_proxy_do_not(
    monkeypatch: pytest.MonkeyPatch, resolver: dict[str, list[str]]
) -> None:
    with serving(Proxy()) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_port}")
        monkeypatch.setenv("NO_PROXY", ".amazonaws.com")
        assert {f.verdict for f in ask(network.endpoint_name_resolves, session_with())} == {FAIL}
        assert proxy.asked == []


@pytest.mark.parametrize(("refusal", "says"), [(407, "407"), (403, "403")])
def test_a_proxy_that_refuses_is_named(refusal: int, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Proxy(refusal=refusal)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy.server_port}")
        found = ask(network.endpoint_answers, session_with())
    assert {f.verdict for f in found} == {FAIL}
    assert f"through the proxy 127.0.0.1:{proxy.server_port}" in found[0].says
    assert says in found[0].says


def test_a_proxy_without_a_name_is_not_the_endpoint_s_fault(
    monkeypatch: pytest.MonkeyPatch, resolver: dict[str, list[str]]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    found = ask(network.endpoint_answers, session_with())
    assert {f.verdict for f in found} == {FAIL}
    assert "through the proxy proxy.example:3128" in found[0].says
    assert "its name does not resolve" not in found[0].says
