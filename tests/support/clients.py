"""Clients of AWS that share no code with Python's: the SDK for JavaScript 3 and the command line 2, by `make clients`."""

import os
import platform
import shutil
import subprocess
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.node import node

CLIENTS = ROOT / "tests" / "clients"
MODULES = CLIENTS / "node_modules"
_LAYER = MODULES / "@aws-cdk" / "asset-awscli-v2" / "lib" / "layer.zip"

needs_javascript = pytest.mark.skipif(
    not (node() and (MODULES / "@aws-sdk").is_dir()),
    reason="no node, or no SDK for JavaScript: `make clients` installs it",
)
needs_cli_2 = pytest.mark.skipif(
    not _LAYER.is_file() or (platform.system(), platform.machine()) != ("Linux", "x86_64"),
    reason="no command line 2, which is there for Linux on x86_64: `make clients` installs it",
)


def javascript(source: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a module of JavaScript that may import the SDK."""
    return subprocess.run(
        [node() or "node", "--no-warnings", "--input-type=module", "--eval", source],
        env=environment,
        cwd=CLIENTS,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@cache
def cli_2() -> Path:
    """The directory of the program `aws` of version 2, which its package holds in an archive."""
    place = MODULES / ".aws-cli-2"
    if not place.is_dir():
        fresh = Path(tempfile.mkdtemp(dir=MODULES))
        with zipfile.ZipFile(_LAYER) as layer:
            layer.extractall(fresh)
        try:
            fresh.rename(place)  # another process may have been faster
        except OSError:
            shutil.rmtree(fresh)
    (program,) = place.glob("awscli/v2/*/dist/aws")
    program.chmod(0o755)
    return program.parent


def aws_2(
    environment: dict[str, str], *arguments: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line 2."""
    path = f"{cli_2()}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        [cli_2() / "aws", *arguments],
        env=environment | {"PATH": path, "AWS_PAGER": ""},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
