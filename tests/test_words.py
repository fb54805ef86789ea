"""The list of words that the project does not use: it finds them, and lets right English pass."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.support import ROOT

DIALECT = [
    "Mend the yml.", "It reads anew.", "whoever asks", "Nobody knows.", "23 looked at", "It could not look.",
    "could not be looked at", "as told by AWS", "It tells why.", "another trouble", "AWS minds the case",
    "Mind case and blanks.", "The session is over.", "the agent heeds none", "What it truly is", "a process that shall go on",
    "from afar", "something is amiss", "reckoned by AWS's clock", "whence it came", "The log speaks of TLS", "take upon yourself",
    "The value is no URL.", "A name with a blank.",
]  # fmt: skip
ENGLISH = [
    "Fix it with the command at /guides/agent-too-old/#mend.", "Amend the commit.", "Look at the log.", "Keep this in mind.",
    "What comes to mind?", "The name is over 100 characters long.", "It is overdue.", "troubleshooting", "a reminder",
    "The master `has been told to replace child`.", "has been told to replace child 12", "user=65534 if as nobody",
    "There is no role Nobody.", "arn:aws:iam::1:role/Nobody", "the user nobody", "You told the agent to stop.",
    "It tells them apart.", "No one can tell.", "This tells one error from another.",
    "He was looking at it.", "The deployment is over an hour old.", "retell", "It moves over to 2.x.",
    "There is no file.", "It is no longer used.", "a blank line", "There are no errors.",
]  # fmt: skip


def found(folder: Path, name: str, text: str) -> list[str]:
    """What the tool says of a file of this name and content, without the folder."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "tools.words", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert done.returncode == any(line.startswith(str(path)) for line in lines), done.stderr
    return [line.removeprefix(f"{folder}/") for line in lines if line.startswith(str(path))]


def test_a_word_of_the_list_is_found(tmp_path: Path) -> None:
    places = {place.split(":")[1] for place in found(tmp_path, "page.md", "\n".join(DIALECT))}
    assert places == {str(number) for number, _ in enumerate(DIALECT, start=1)}


def test_every_word_of_the_list_has_an_example() -> None:
    rows = (ROOT / "tools" / "words.txt").read_text(encoding="utf-8").splitlines()
    patterns = [row.split(" => ")[0] for row in rows if row and not row.startswith("#")]
    assert [p for p in patterns if not any(re.search(p, example, re.IGNORECASE) for example in DIALECT)] == []


def test_right_english_passes(tmp_path: Path) -> None:
    assert found(tmp_path, "page.md", "\n".join(ENGLISH)) == []


def test_a_place_has_its_line_and_what_to_write(tmp_path: Path) -> None:
    assert found(tmp_path, "b.py", "x = 1\n# mend it\n") == ["b.py:2: 'mend': write fix"]


def test_the_name_of_a_test_is_a_sentence(tmp_path: Path) -> None:
    assert found(tmp_path, "t.py", "def test_nobody_is_asked() -> None:\n    mend_it = 1\n")
    assert not found(tmp_path, "t.py", "mend_it = 1\n")


def test_the_cells_of_a_notebook_are_read_and_its_outputs_are_not(tmp_path: Path) -> None:
    cell = {"source": ["Mend\n", "it"], "outputs": [{"text": "nobody"}]}
    assert found(tmp_path, "a.ipynb", json.dumps({"cells": [cell]})) == ["a.ipynb:1: 'Mend': write fix"]
