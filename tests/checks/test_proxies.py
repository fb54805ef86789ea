"""TLS and proxies between the checks and an endpoint: an authority of the test's own, and a server with AWS's names by it."""

import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from runbooks.checks import network
from runbooks.findings import FAIL, OK, SKIP, WARN
from tests.checks.endpoints import (
    NAMES,
    Server,
    ask,
    serving,
    session_with,
)
from tests.support.findings import only

pytestmark = pytest.mark.usefixtures("no_way_by_the_environment")


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
