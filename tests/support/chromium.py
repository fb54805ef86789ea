"""The browser of the tests: one that is installed, else npm's, else Playwright's own."""

import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path

import brotli
import playwright
from playwright.sync_api import Playwright, sync_playwright

from tests.support import ROOT
from tests.support.node import node, starts

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# A headless Chromium for Linux x86-64, packed by Brotli; package-lock.json pins it.
PACKED = ROOT / "node_modules" / "@sparticuz" / "chromium" / "bin"

# It brings the libraries that a bare system lacks, and a font; both are meant for it alone.
_STARTER = """\
#!/bin/sh
here=$(dirname "$0")
LD_LIBRARY_PATH="$here/lib" FONTCONFIG_FILE="$here/fonts.conf" exec "$here/chromium" "$@"
"""
_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir><dir>/usr/share/fonts</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>
"""
_OWN = "from playwright.sync_api import sync_playwright as p; print(p().start().chromium.executable_path)"


class NoBrowser(Exception):
    """One sentence that says how to get a browser."""


def chromium() -> str:
    """The path of a Chromium: the one that CHROMIUM names, or one on PATH, or npm's, or Playwright's own.

    Raises `NoBrowser` where CHROMIUM names no program, or where there is none and none can be had.
    """
    _choose_node()
    asked = os.environ.get("CHROMIUM")
    found = shutil.which(asked) if asked else _installed(NAMES) or _packed(PACKED) or _playwrights()
    if not found:
        wanted = f"CHROMIUM is {asked!r}, which is no program" if asked else "No Chromium found"
        raise NoBrowser(
            f"{wanted}. Install one (Debian: apt-get install chromium; elsewhere any Chromium or Chrome) "
            "or set CHROMIUM to its path."
        )
    return found


@contextmanager
def driver() -> Iterator[Playwright]:
    """Playwright, with a Node.js that starts on this machine."""
    _choose_node()
    with sync_playwright() as started:
        yield started


@cache
def _choose_node() -> None:
    """Let Playwright use another Node.js where its own lacks a library: a bare Debian has no libatomic."""
    own = Path(playwright.__path__[0], "driver", "node")
    if "PLAYWRIGHT_NODEJS_PATH" in os.environ or starts(str(own)):
        return
    if found := node():
        os.environ["PLAYWRIGHT_NODEJS_PATH"] = found


def _installed(names: Iterable[str]) -> str | None:
    return next(filter(None, map(shutil.which, names)), None)


def _packed(folder: Path) -> str | None:
    """The program in npm's package, unpacked beside it the first time; None where there is none for this machine."""
    if not folder.is_dir() or (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return None
    unpacked = folder.with_name("unpacked")
    if not unpacked.is_dir():
        _unpack(folder, unpacked)
    return str(unpacked / "start")


def _unpack(folder: Path, unpacked: Path) -> None:
    # made whole under a name of its own, since several processes of the tests may begin at once
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        new = Path(made, "new")
        new.mkdir()
        for name in ("al2023", "fonts", "swiftshader"):
            packed = BytesIO(brotli.decompress((folder / f"{name}.tar.br").read_bytes()))
            with tarfile.open(fileobj=packed) as archive:
                # Python 3.11.2 has no filters yet; what npm brings is held to the digest of the lock file
                archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
                archive.extractall(new)
        (new / "chromium").write_bytes(brotli.decompress((folder / "chromium.br").read_bytes()))
        (new / "fonts.conf").write_text(_FONTS)
        (new / "start").write_text(_STARTER)
        for program in ("chromium", "start"):
            (new / program).chmod(0o755)
        try:
            new.rename(unpacked)
        except OSError:  # another process was first
            if not unpacked.is_dir():
                raise


def _playwrights() -> str | None:
    """Playwright's own build, downloaded where it can be."""
    installed = subprocess.run(
        [sys.executable, "-m", "playwright", "install", "chromium"], capture_output=True
    )
    if installed.returncode:
        return None
    path = subprocess.run([sys.executable, "-c", _OWN], capture_output=True, text=True, check=True)
    return path.stdout.strip()
