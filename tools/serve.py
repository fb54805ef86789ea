"""The site of `make run`: built when its sources have changed since the last time, and served on loopback.

`mkdocs serve` builds at each start, which takes most of the time until the site answers. It also takes the site for a
published one. To see a page while you write it, use `mkdocs serve` all the same.
"""

import argparse
import atexit
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# All that a page is made from.
SOURCES = ("docs", "notebooks", "overrides", "runbooks", "sandbox", "site_hooks", "templates")
FILES = ("mkdocs.yml", "requirements.txt", "node_modules/.ready")
STAMP = ".sources"  # the file in a built site that says what it was built from


class Handler(SimpleHTTPRequestHandler):
    """Serves files, and the site's own page for an address that has none."""

    protocol_version = "HTTP/1.1"

    def end_headers(self) -> None:
        """Let the browser ask each time: the site may have been built again."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Send the site's 404 page where a file is missing."""
        page = Path(self.directory) / "404.html"
        if code != HTTPStatus.NOT_FOUND or not page.is_file():
            return super().send_error(code, message, explain)
        body = page.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        return None

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of each request."""


def main() -> int:
    """Build where needed, and serve until the process is ended; gives the exit code of a build that failed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    asked = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a half-built site is removed
    # the port is taken first, so that a second one that wants it ends before it builds
    with ThreadingHTTPServer(
        ("127.0.0.1", asked.port), SimpleHTTPRequestHandler, bind_and_activate=False
    ) as server:
        server.server_bind()
        wanted = sources(ROOT, os.environ.get("RUNBOOKS_LAB", ""))
        kept = ROOT / "build" / "run"
        site = kept if is_from(kept, wanted) else built(home() / "run", wanted)
        if site is None:
            return 1
        server.RequestHandlerClass = partial(Handler, directory=str(site))
        server.server_activate()
        server.serve_forever()
    return 0


def home() -> Path:
    """Where sites are built: the clone's build folder; for this time a temporary one where the clone is read-only."""
    if os.access(ROOT, os.W_OK):
        return ROOT / "build"
    folder = Path(tempfile.mkdtemp(prefix="codedeploy-field-guide-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def sources(root: Path, *settings: str) -> str:
    """A digest of the names, sizes and times of all files that the site is made from, and of the settings."""
    files = [path for name in SOURCES for path in (root / name).rglob("*") if "__pycache__" not in path.parts]
    digest = hashlib.sha256("\0".join(settings).encode())
    for path in sorted([*files, *(root / name for name in FILES)]):
        if path.is_file():
            about = path.stat()
            digest.update(f"{path}\0{about.st_size}\0{about.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def is_from(site: Path, wanted: str) -> bool:
    """Whether the site in a folder was built from the sources that are ``wanted``."""
    stamp = site / STAMP
    return stamp.is_file() and stamp.read_text() == wanted


def built(site: Path, wanted: str) -> Path | None:
    """The folder of the site, built from the sources that are ``wanted``; None when the build fails."""
    site.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f"{site.name}-", dir=site.parent))
    try:
        command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(new)]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            return None
        (new / STAMP).write_text(wanted)
        shutil.rmtree(site, ignore_errors=True)
        with suppress(OSError):  # one that started at the same time was faster
            new.rename(site)
        return site
    finally:
        shutil.rmtree(new, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
