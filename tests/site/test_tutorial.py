"""The tutorial: its commands run in their order against a fresh sandbox, and print what the page shows."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import DOCS

PAGE = (DOCS / "learn" / "break-and-fix.md").read_text(encoding="utf-8")
# A command, and what the page shows of its output.
STEPS = re.findall(r"^```bash\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", PAGE, re.MULTILINE | re.DOTALL)
(START,) = re.findall(r"^```sh\n(runbooks .*)\n```", PAGE, re.MULTILINE)

COUNTS = re.compile(r"\b\d+(?= (?:passed|not applicable|not asked))")  # a new check changes them


@contextmanager
def first_terminal() -> Iterator[dict[str, str]]:
    """The sandbox as the page starts it; gives the variables of the lines that the reader copies."""
    command = [sys.executable, "-m", *shlex.split(START)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        printed = ""
        for line in started.stdout:
            printed += line
            if line.startswith("Ctrl-C"):
                break
        yield dict(re.findall(r"(?<=[ ])(AWS_\w+)=(\S+)", printed))
        started.terminate()


@pytest.mark.slow
def test_each_command_prints_what_the_page_shows() -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    kept |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}", "NO_COLOR": "1"}
    kept |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    printed = []
    with first_terminal() as copied:
        for command, shown in STEPS:
            done = subprocess.run(
                ["sh", "-c", command],
                env=kept | copied,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=60,
                check=False,
            )
            printed.append(done.stdout)
            rest = COUNTS.sub("N", done.stdout)
            assert bool(rest) == bool(shown), command
            for line in COUNTS.sub(
                "N", shown
            ).splitlines():  # in this order; the page leaves out what changes from run to run
                assert line in rest, f"{command}\nprinted\n{done.stdout}\nwithout, in its place,\n{line}"
                rest = rest.partition(line)[2]
    (fix,) = re.findall(r"fix    (aws deploy add-tags.*)", "".join(printed))
    (taken,) = [command for command, _ in STEPS if "add-tags" in command]
    assert shlex.split(taken.replace("\\\n", "")) == shlex.split(fix)


def test_the_reader_unsets_every_variable_that_was_copied() -> None:
    with first_terminal() as copied:
        assert len(copied) == 5
        unset = re.findall(r"^unset (.*)$", PAGE, re.MULTILINE)
        assert {name for line in unset for name in line.split()} == copied.keys()


def test_commands_fit_the_page() -> None:
    assert len(STEPS) >= 10
    assert [line for command, _ in STEPS for line in command.splitlines() if len(line) > 74] == []
