"""The built site, as the tests see it: built once a process, with the command that `make site` runs."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

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


@cache
def build(offline: bool = False) -> Built:
    """Build the site; a build that fails fails the test with all that it said."""
    folder = Path(tempfile.mkdtemp(prefix="built-site-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    environment = {name: value for name, value in os.environ.items() if name != "RUNBOOKS_SITE"}
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=environment | {"NO_MKDOCS_2_WARNING": "1", "OFFLINE": str(offline).lower()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        pytest.fail(f"mkdocs build --strict ended with {done.returncode}:\n{done.stdout}", pytrace=False)
    return Built(folder, done.stdout)
