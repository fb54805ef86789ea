"""The list of words that the project does not use: it finds them, and lets right English pass."""

import json
from pathlib import Path

import pytest

from tools.words import places, words

DIALECT = [
    "Mend the yml.", "It reads anew.", "whoever asks", "Nobody knows.", "23 looked at", "It could not look.",
    "could not be looked at", "as told by AWS", "It tells why.", "another trouble", "AWS minds the case",
    "Mind case and blanks.", "The session is over.", "the agent heeds none", "What it truly is", "a process that shall go on",
    "from afar", "something is amiss", "reckoned by AWS's clock", "whence it came", "The log speaks of TLS", "take upon yourself",
]  # fmt: skip
ENGLISH = [
    "Fix it with the command at /guides/agent-too-old/#mend.", "Amend the commit.", "Look at the log.", "Keep this in mind.",
    "What comes to mind?", "The name is over 100 characters long.", "It is overdue.", "troubleshooting", "a reminder",
    "The master `has been told to replace child`.", "has been told to replace child 12", "user=65534 if as nobody", "You told the agent to stop.",
    "It tells them apart.", "No one can tell.", "This tells one error from another.",
    "He was looking at it.", "The deployment is over an hour old.", "retell", "It moves over to 2.x.",
]  # fmt: skip


@pytest.mark.parametrize("sentence", DIALECT)
def test_a_word_of_the_list_is_found(sentence: str) -> None:
    assert len(list(places(Path("page.md"), sentence))) >= 1


def test_every_word_of_the_list_has_an_example() -> None:
    assert [pattern.pattern for pattern, _ in words() if not any(map(pattern.search, DIALECT))] == []


@pytest.mark.parametrize("sentence", ENGLISH)
def test_right_english_passes(sentence: str) -> None:
    assert list(places(Path("page.md"), sentence)) == []


def test_a_place_has_its_line_and_what_to_write() -> None:
    assert list(places(Path("a/b.py"), "x = 1\n# mend it\n")) == ["a/b.py:2: 'mend': write fix"]


def test_the_name_of_a_test_is_a_sentence() -> None:
    assert list(places(Path("t.py"), "def test_nobody_is_asked() -> None:\n    mend_it = 1\n"))
    assert not list(places(Path("t.py"), "mend_it = 1\n"))


def test_the_cells_of_a_notebook_are_read_and_its_outputs_are_not() -> None:
    cell = {"source": ["Mend\n", "it"], "outputs": [{"text": "nobody"}]}
    found = list(places(Path("a.ipynb"), json.dumps({"cells": [cell]})))
    assert found == ["a.ipynb:1: 'Mend': write fix"]
