"""What the tests of the network change of this machine."""

import socket
from typing import Any

import pytest


@pytest.fixture
def no_way_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No way by the environment of this machine."""
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
