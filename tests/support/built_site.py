"""The built site, as the tests see it: built once a run, with the command that `make site` runs."""

import atexit
import fcntl
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zlib import crc32

import pytest
from mkdocs.commands.build import build as mkdocs_build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

from tests.support import ROOT


@dataclass(frozen=True)
class Built:
    """A built site: its folder, and what the build said."""

    path: Path
    log: str

    @property
    def pages(self) -> Sequence[str]:
        """The path of every page below the root, as a reader's browser asks for it; "" is the home page."""
        files = [file.relative_to(self.path) for file in self.path.rglob("*.html")]
        return sorted(file.as_posix().removesuffix("index.html") for file in files if file.name != "404.html")


# Of all processes of one run of the tests.
SHARED = Path(
    tempfile.gettempdir(), f"built-sites-{os.environ.get('PYTEST_XDIST_TESTRUNUID') or os.getpid()}"
)


@cache
def build(offline: bool = False, **variables: str) -> Built:
    """The site, built with more environment variables; a build that fails fails the test with its whole output.

    The folder is this process's own, so that a test may plant something in it.
    """
    own = Path(tempfile.mkdtemp(prefix="built-site-"))
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    environment = {"OFFLINE": str(offline).lower()} | variables
    name = f"{crc32(json.dumps(environment, sort_keys=True).encode()):08x}"
    with _alone():
        shared = SHARED / name
        if not (shared / "log").exists():
            _build(shared, environment)
        shutil.copytree(shared / "site", own, dirs_exist_ok=True)
        return Built(own, (shared / "log").read_text(encoding="utf-8"))


def _build(folder: Path, environment: dict[str, str]) -> None:
    atexit.register(_remove)
    ours = ("RUNBOOKS_SITE", "RUNBOOKS_REPO", "RUNBOOKS_LAB")
    outer = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder / "site")],
        cwd=ROOT,
        env=outer | {"NO_MKDOCS_2_WARNING": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        pytest.fail(f"mkdocs build --strict ended with {done.returncode}:\n{done.stdout}", pytrace=False)
    (folder / "log").write_text(done.stdout, encoding="utf-8")


@contextmanager
def _alone() -> Iterator[None]:
    """Keep the other processes of this run out."""
    with Path(f"{SHARED}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove() -> None:
    with _alone():  # one that comes later builds again
        shutil.rmtree(SHARED, ignore_errors=True)
    Path(f"{SHARED}.lock").unlink(missing_ok=True)


def small_site(folder: Path, pages: dict[str, str], hooks: tuple[str, ...]) -> Path:
    """Build a site of some pages with some of our hooks; gives its folder. Abort: a hook refused."""
    for name, text in pages.items():
        path = folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    settings = {
        "site_name": "Small",
        "theme": {"name": "material", "font": False},
        "plugins": [],
        "hooks": [str(ROOT / f"site_hooks/{hook}.py") for hook in hooks],
        "markdown_extensions": [
            "attr_list",
            "pymdownx.superfences",
            {"pymdownx.highlight": {"pygments_lang_class": True}},
            "pymdownx.details",
        ],
    }
    (folder / "mkdocs.yml").write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
    mkdocs_build(load_config(str(folder / "mkdocs.yml"), site_dir=str(folder / "site"), strict=True))
    return folder / "site"


def refusal(folder: Path, pages: dict[str, str], hook: str, caplog: pytest.LogCaptureFixture) -> str:
    """What the hook says when it stops the build."""
    with caplog.at_level(logging.ERROR), pytest.raises(Abort):
        small_site(folder, pages, (hook,))
    return caplog.messages[-1]
