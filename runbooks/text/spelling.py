"""How a parameter is written where this process is asked: as an option of the command line, or in Python."""

from collections.abc import Iterator
from contextlib import contextmanager

_options = False


@contextmanager
def as_options() -> Iterator[None]:
    """Write parameters as options while a command runs."""
    global _options  # of the process: the threads of a diagnosis write sentences too
    before, _options = _options, True
    try:
        yield
    finally:
        _options = before


def named(name: str) -> str:
    """`--region` on the command line, else `region`."""
    return f"--{name.replace('_', '-')}" if _options else name


def parameter(name: str, value: str = "") -> str:
    """`--region` or `--region eu-west-1` on the command line, else `region=…` or `region='eu-west-1'`."""
    if _options:
        return " ".join(filter(None, (named(name), value)))
    return f"{name}={value!r}" if value else f"{name}=…"


def sandbox_parameter(scenario: str) -> str:
    """`--sandbox healthy` on the command line, else `target='sandbox:healthy'`."""
    return parameter("sandbox", scenario) if _options else parameter("target", f"sandbox:{scenario}")
