"""Held to agent 1.8.1 itself: what its own unpacker, parser, installer and hook executor made of these bundles.

They ran on Linux with Ruby 3.1.2, GNU tar and Info-ZIP unzip. An empty message: only the event was recorded.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from runbooks.appspec.fault import ONE
from runbooks.appspec.linter import lint
from tests.appspec.bundles import packed

RECORDED: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "agent_bundles.json").read_text(encoding="utf-8")
)
CASES = [(row["case"], form, row) for row in RECORDED for form in row["forms"]]
# That it fails is predicted, how the shell says so is not.
UNWORDED = {
    "a bracket in the path of a script", "a double quote in the path of a script", "a backtick in the path of a script",
    "a redirection in the path of a script", "two options of the interpreter",
}  # fmt: skip


def test_enough_was_recorded() -> None:
    assert len(CASES) > 120
    assert sum(row["fails"] is None for _, _, row in CASES) > 50


@pytest.mark.parametrize(("case", "form", "row"), CASES, ids=[f"{case}, {form}" for case, form, _ in CASES])
def test_agent_1_fails_as_was_recorded(case: str, form: str, row: dict[str, Any], tmp_path: Path) -> None:
    judgement = lint(str(packed(tmp_path / "bundle", form, row["entries"])))
    first = judgement.first(ONE)
    said = first.outcome(ONE) if first else None
    assert (said.event if said else None) == (row["fails"][0] if row["fails"] else None)
    if said and row["fails"][1]:
        assert said.message == ("" if case in UNWORDED else row["fails"][1])
