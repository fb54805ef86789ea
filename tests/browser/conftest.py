"""A real browser for the tests of this folder, and the built site served to it."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from tests.support.built_site import Built, build
from tests.support.chromium import NoBrowser, chromium, driver

# A browser by itself speaks to its maker's hosts; none of that belongs to a page.
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright, once in a process: it refuses to be started twice."""
    with driver() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One browser for all tests; each opens a context of its own in it. Where there is none, they fail and say so."""
    try:
        path = chromium()
    except NoBrowser as missing:
        pytest.fail(str(missing), pytrace=False)
    started = playwright.chromium.launch(executable_path=path, args=list(QUIET))
    yield started
    started.close()


@pytest.fixture(scope="session")
def site() -> Built:
    """The site as it is served."""
    return build()


@pytest.fixture(scope="session")
def offline_site() -> Built:
    """The site as it is read from a folder."""
    return build(offline=True)


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder as a static host does: its 404.html for what is not there."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """The site's own page for a lost address."""
        body = Path(self.directory, "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="session")
def address(site: Built) -> Iterator[str]:
    """Where the site is served, with a slash at the end."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site.path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
