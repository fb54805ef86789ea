"""Addresses of the guide."""

import ipaddress
import os
from contextlib import suppress
from urllib.parse import urlsplit

_HERE = "http://127.0.0.1:8000"  # where `make run` shows the guide


def page_url(path: str) -> str:
    """The address of a page of the guide ("/checks/#agent-is-running"), below RUNBOOKS_SITE if that is set."""
    return (os.environ.get("RUNBOOKS_SITE") or _HERE).rstrip("/") + path


def is_local() -> bool:
    """Whether those addresses lead to the reader's own machine, so that a colleague cannot open them."""
    host = ""
    with suppress(ValueError):
        host = urlsplit(page_url("")).hostname or ""
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
