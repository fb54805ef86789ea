"""Addresses of the guide: reports, the site and the templates' notifications all make theirs by these rules."""

import ipaddress
import os
import re
from contextlib import suppress
from urllib.parse import quote, urlencode, urlsplit

_HERE = "http://127.0.0.1:8000"  # where `make run` shows the guide

# What a link may carry into a command: nothing that a shell acts upon, and nothing that begins like an option.
CONTEXT = {
    "instance": r"[A-Za-z0-9+=,.@_][A-Za-z0-9+=,.@_-]{0,99}",
    "region": r"[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-[0-9]",
    "deployment": r"d-[A-Z0-9]{9}",
    "group": r"(?:[A-Za-z0-9+=,.@_][A-Za-z0-9+=,.@_-]{0,99}/)?[A-Za-z0-9+=,.@_][A-Za-z0-9+=,.@_-]{0,99}",
}


def page_url(path: str, **context: str) -> str:
    """The address of a page of the guide ("/checks/#agent-is-running"), below RUNBOOKS_SITE if that is set.

    ``context`` (keys of `CONTEXT`) goes into its query; a value that no reader of links would take is left out.
    """
    page, mark, anchor = path.partition("#")
    carried = {key: value for key, value in context.items() if re.fullmatch(CONTEXT[key], value)}
    query = ("&" if "?" in page else "?") + urlencode(carried) if carried else ""
    return (os.environ.get("RUNBOOKS_SITE") or _HERE).rstrip("/") + page + query + mark + anchor


def short(name: str, at: str = "/e/") -> str:
    """The path of the page that leads on to ``name``, whatever it names: an error, a check, a runbook or a guide."""
    return f"{at}?{quote(name, safe='')}"


def is_local() -> bool:
    """Whether those addresses lead to the reader's own machine, so that a colleague cannot open them."""
    host = ""
    with suppress(ValueError):
        host = urlsplit(page_url("")).hostname or ""
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
