"""The corpus, in both interpreters: what leads, and that every word of the two answers is the same."""

import json
import random
import subprocess
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from runbooks.decoder import explain
from runbooks.decoder.index import index
from tests.support import ROOT
from tests.support.node import node

CORPUS = json.loads((Path(__file__).parent / "corpus.json").read_text(encoding="utf-8"))
NODE = node()
_PROGRAM = """
const fs = require("fs");
const decoder = require(process.argv[1]);
const index = decoder.load(JSON.parse(fs.readFileSync(process.argv[2], "utf8")));
const texts = JSON.parse(fs.readFileSync(0, "utf8"));
const answers = texts.map((text) => {
  const began = process.cpuUsage();
  return { answer: decoder.decode(index, text), took: process.cpuUsage(began).user / 1000 };
});
process.stdout.write(JSON.stringify(answers));
"""


def in_the_browsers_language(texts: list[str]) -> list[dict[str, Any]]:
    """The answers of decode.js, each with the milliseconds of the processor that it took."""
    assert NODE, "node is missing: it reads the browser's script"
    script, data = ROOT / "docs/assets/javascripts/decode.js", ROOT / "runbooks/decoder/errors.json"
    done = subprocess.run(
        [NODE, "-e", _PROGRAM, str(script), str(data)],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def in_python(text: str) -> dict[str, Any]:
    found = explain(text)
    answer: dict[str, Any] = json.loads(json.dumps(asdict(found) | {"fields": dict(found.fields)}))
    return answer


@pytest.mark.parametrize("row", CORPUS, ids=[f"{number}-{row['leads']}" for number, row in enumerate(CORPUS)])
def test_the_right_answer_leads(row: dict[str, str | None]) -> None:
    assert row["text"] is not None
    found = explain(row["text"])
    assert [known.name for known in found.known][:1] == ([row["leads"]] if row["leads"] else []), found
    for known in found.known:
        assert known.do
        assert known.page


def test_every_entry_has_a_text_that_it_leads() -> None:
    """An exception's is made of its name (tests/decoder/test_explain.py)."""
    leads = {row["leads"] for row in CORPUS}
    entries = index().entries.values()
    silent = [entry.name for entry in entries if not leads & {entry.name, *entry.codes}]
    without = [name for name in silent if index().entries[name].kind != "exception"]
    assert without == [], "give each a text in tests/decoder/corpus.json"


def test_both_interpreters_give_one_answer() -> None:
    dice = random.Random(20261126)
    pieces = [row["text"] for row in CORPUS] + [
        "\\\\n",
        '"' * 40,
        "\U0001f373",
        "a." * 90,
        "\u2028",
        "\r\n",
    ]
    mixed = [
        "".join(dice.choice(pieces) + dice.choice(["", "\n", " "]) for _ in range(4)) for _ in range(150)
    ]
    cut = [text[dice.randrange(len(text)) :] for text in mixed]
    texts = [*pieces, *mixed, *cut, "", "TIMEOUT", "invalidregistratonstatus", "hello"]
    for text, given in zip(texts, in_the_browsers_language(texts), strict=True):
        assert in_python(text) == given["answer"], text[:200]


def test_a_large_paste_is_read_at_once() -> None:
    """Processor time of a warm script. Each of these texts took 0.25 s and more when lines were searched without end."""
    leading = sorted(index().words)
    for piece in (
        "\n".join(row["text"] for row in CORPUS),
        " ".join(leading) + " ",
        (" " * 60).join(leading),
    ):
        text = (piece * (1_000_000 // len(piece) + 1))[:1_000_000]
        took = [row["took"] for row in in_the_browsers_language([text] * 6)]
        assert min(took) < 200, took


@pytest.mark.parametrize(
    "piece", ["log", "a", "a.", '"', "\\n", "\n", "Script at specified location: ", "CodeDeploy "]
)
def test_five_megabytes_take_two_seconds_at_most(piece: str) -> None:
    if piece == "log":
        piece = "\n".join(row["text"] for row in CORPUS)
    text = (piece * (5_000_000 // len(piece) + 1))[:5_000_000]
    began = time.process_time()
    explain(text)
    assert time.process_time() - began < 2


def test_what_stands_first_in_a_large_text_is_found() -> None:
    assert explain(CORPUS[0]["text"] + "\nx y z" * 1_000_000).known[0].name == CORPUS[0]["leads"]
