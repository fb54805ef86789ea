"""The tutorials: their commands run in their order against a fresh sandbox, and print what the pages show."""

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

# Each page, and how many commands it has at least.
PAGES = {"break-and-fix": 10, "failed-deployment": 10}


def text_of(page: str) -> str:
    return (DOCS / "learn" / f"{page}.md").read_text(encoding="utf-8")


def steps(page: str) -> list[tuple[str, str]]:
    """The commands of a page, each with what the page shows of its output."""
    step = r"^```bash\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?"
    return re.findall(step, text_of(page), re.MULTILINE | re.DOTALL)


@contextmanager
def first_terminal(page: str) -> Iterator[dict[str, str]]:
    """The sandbox as the page starts it; gives the variables of the lines that the reader copies."""
    (start,) = re.findall(r"^```sh\n(runbooks .*)\n```", text_of(page), re.MULTILINE)
    command = [sys.executable, "-m", *shlex.split(start)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        printed = ""
        for line in started.stdout:
            printed += line
            if line.startswith("Ctrl-C"):
                break
        try:
            yield dict(re.findall(r"(?<=[ ])(AWS_\w+)=(\S+)", printed))
        finally:
            started.terminate()


def play(page: str, folder: Path) -> str:
    """Run the commands of a page in a folder, compare what they print with the page, and give all of it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    kept |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}", "NO_COLOR": "1"}
    kept |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    printed = []
    with first_terminal(page) as copied:
        for command, shown in steps(page):
            done = subprocess.run(
                ["sh", "-c", command],
                env=kept | copied,
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=120,
                check=False,
            )
            printed.append(done.stdout)
            rest = done.stdout
            assert bool(rest) == bool(shown), (command, rest)
            # in this order; the page has "…" for what it leaves out, or what changes from run to run
            for part in filter(None, re.split(r" *[…\n] *", shown)):
                assert part in rest, f"{command}\nprinted\n{done.stdout}\nwithout, in its place,\n{part}"
                rest = rest.partition(part)[2]
    return "".join(printed)


@pytest.mark.slow
def test_each_command_prints_what_the_page_shows(tmp_path: Path) -> None:
    (fix,) = re.findall(r"fix    (aws deploy add-tags.*)", play("break-and-fix", tmp_path))
    (taken,) = [command for command, _ in steps("break-and-fix") if "add-tags" in command]
    assert shlex.split(taken.replace("\\\n", "")) == shlex.split(fix)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_each_command_of_the_failed_deployment_prints_what_the_page_shows(tmp_path: Path) -> None:
    play("failed-deployment", tmp_path)


@pytest.mark.parametrize("page", PAGES)
def test_the_reader_unsets_every_variable_that_was_copied(page: str) -> None:
    with first_terminal(page) as copied:
        assert len(copied) == 5
        unset = re.findall(r"^unset (.*)$", text_of(page), re.MULTILINE)
        assert {name for line in unset for name in line.split()} == copied.keys()


@pytest.mark.parametrize("page", PAGES)
def test_commands_fit_the_page(page: str) -> None:
    assert len(steps(page)) >= PAGES[page]
    assert [line for command, _ in steps(page) for line in command.splitlines() if len(line) > 74] == []
