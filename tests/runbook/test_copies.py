"""A copy of a runbook: its parameters, what it refuses, and that nothing in a value breaks it."""

import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pytest

from runbooks import runbook as room
from runbooks import streams
from runbooks.errors import UserError
from runbooks.question import PARAMETERS
from runbooks.runbook import copies, names
from runbooks.runbook.copies import open_runbook
from tests.support import ROOT
from tests.support.notebooks import parameters_of


def test_a_copy_has_the_parameters_and_no_outputs() -> None:
    before = (ROOT / "notebooks" / "agent.ipynb").read_text()
    first, second = open_runbook("agent", instance="web-02"), open_runbook("agent")
    assert first != second
    copy = nbformat.read(first, as_version=4)
    assert 'instance = "web-02"  # the on-premises' in parameters_of(first)  # in place, and its comment stays
    assert not any(cell.outputs for cell in copy.cells if cell.cell_type == "code")
    assert (ROOT / "notebooks" / "agent.ipynb").read_text() == before
    for path in re.findall(r"\]\((\.\./[^)#]+)", "\n".join(cell.source for cell in copy.cells)):
        assert (ROOT / "incidents" / path).resolve().is_file(), path


@pytest.mark.parametrize(
    ("name", "parameters", "sentence"),
    [
        ("agnet", {}, "There is no runbook 'agnet'. Did you mean agent?"),
        ("../README", {}, "There is no runbook"),
        (
            "agent",
            {"instanse": "x"},
            "no parameter 'instanse': it has target, instance, profile, region, probe, host_report",
        ),
        ("agent", {"probe": "perhaps"}, "cannot be 'perhaps'"),
        ("registration-status", {"hours": "long"}, "cannot be 'long'"),
        ("agent", {"instance": 7}, "cannot be 7"),
    ],
)
def test_a_wrong_name_is_refused(name: str, parameters: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)) as caught:
        open_runbook(name, **parameters)
    assert caught.value.exit_code == 64
    assert not room.INCIDENTS.exists()


def test_text_becomes_the_number_that_is_meant() -> None:
    text = open_runbook("registration-status", hours="2.5").read_text()
    assert "hours = 2.5" in text


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: "",
        lambda text: '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        lambda text: text.replace('"parameters"\n', '"parametres"\n'),
        lambda text: text.replace("profile = ", "profile == == "),
        lambda text: "{}",
        lambda text: text.replace('"metadata": {}', '"metadata": 7', 1),
    ],
)
def test_a_damaged_notebook_is_one_sentence(own: Path, damage: Any) -> None:
    own.write_text(damage(own.read_text()))
    with pytest.raises(UserError, match=r"The runbook own is damaged .* restores it"):
        open_runbook("own")


# On an account the examples of the sandbox are not asked about.


def test_an_account_is_not_asked_about_the_examples() -> None:
    path = open_runbook("triage", target="aws", instance="prod-7", region="eu-west-1")
    copy, parameters = nbformat.read(path, 4), parameters_of(path)
    assert [cell.source for cell in copy.cells if cell.id == "explain"] == ["%%explain\n\n"]
    for line in (
        'bucket = ""',
        'deployment_group = ""',
        'instance = "prod-7"',
        'target = "aws"',
    ):
        assert any(shown.startswith(line) for shown in parameters.splitlines()), line
    words = "\n".join(cell.source for cell in copy.cells if cell.cell_type == "markdown")
    assert "This copy asks your own account." in words
    assert "`runbooks open agent --instance prod-7 --region eu-west-1`" in words
    # it asks about a deployment, and this copy about none
    assert "`runbooks open deployment --region eu-west-1`" in words
    assert ".ipynb)" not in words  # a committed neighbour would ask a sandbox about another instance


@pytest.mark.parametrize("name", names())
def test_an_account_is_asked_about_a_named_thing(name: str) -> None:
    if name in ("triage", "registration-status"):
        open_runbook(name, target="aws")
        return
    wanted = (
        "one deployment: give --deployment ID"
        if name == "deployment"
        else "one instance: give --instance NAME"
    )
    with pytest.raises(UserError, match=wanted):
        open_runbook(name, target="aws")


def test_what_is_not_the_name_of_a_thing_stays_on_an_account() -> None:
    shown = parameters_of(open_runbook("registration-status", target="aws"))
    assert 'status = "Registering"' in shown
    assert "hours = 24" in shown


def test_a_new_parameter_of_the_table_needs_no_edit_here() -> None:
    """An example is known by the table and by the notebook alone: no name of a parameter stands in this room."""
    empty = {row.name for row in PARAMETERS if row.default == ""}
    assert {"instance", "arn", "deployment_group", "bucket"} <= empty
    source = Path(copies.__file__).read_text()
    assert not re.findall(r'"(?:deployment_group|bucket|arn|hours|host_report|status)"', source)


# Whatever a value holds, it stays that value.

HOSTILE = {
    "quotes": """'x" \'\'\' \"\"\" y""",
    "backslashes": "C:\\new\\table\\",
    "emoji": "/tmp/\U0001f600/\u00e9.json",
    "code": '"; import os; os._exit(1); x = "',
    "lines": "a\nb\r\nc\x0bd\x85e\u2028f",
    "control": "\x00\x1b[31m\u202ex",
    "half a character": "\udce9",
    "backticks": "`x` ``y`` <h1>z</h1> $(id) {instance}",
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_a_value_is_that_value_in_the_copy(value: str) -> None:
    values: dict[str, Any] = {}
    exec(parameters_of(open_runbook("agent", profile=value)), values)
    assert values["profile"] == value
    assert values["instance"] == "web-01"


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_a_value_is_no_markup_in_the_copy(value: str) -> None:
    import markdown

    copy = nbformat.read(open_runbook("agent", profile=value, instance="web-01", target="aws"), 4)
    shown = markdown.markdown("\n\n".join(cell.source for cell in copy.cells if cell.cell_type == "markdown"))
    assert "runbooks open instance-state" in shown
    assert "<h1>z" not in shown


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_pasted_text_stands_in_the_copy_as_it_is(text: str) -> None:
    (cell,) = [
        cell for cell in nbformat.read(open_runbook("triage", error=text), 4).cells if cell.id == "explain"
    ]
    assert cell.source == f"%%explain\n{text.encode('utf-8', 'backslashreplace').decode()}\n"


def test_a_secret_in_a_pasted_text_is_masked() -> None:
    text = open_runbook("triage", error="aws_secret_access_key = hunter22\nAccessDeniedException").read_text()
    assert "hunter22" not in text
    assert "AccessDeniedException" in text


# Files.


def test_a_copy_is_for_its_owner_alone(incidents: Path) -> None:
    copy = open_runbook("agent")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert stat.S_IMODE(incidents.stat().st_mode) == 0o700


def test_copies_at_the_same_time_share_no_file() -> None:
    def open_(number: int) -> tuple[int, Path]:
        return number, open_runbook("instance-state", instance=f"web-{number}")

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(open_, range(24)))
    assert len({path for _, path in made}) == 24
    for number, path in made:
        assert f'instance = "web-{number}"' in parameters_of(path)


def test_a_planted_link_is_not_followed(incidents: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    first = open_runbook("agent")
    for path in (first.with_name(f"{first.stem}-{number}.ipynb") for number in range(2, 30)):
        path.symlink_to(victim)  # as long as the second lasts, each name that comes next
    open_runbook("agent")
    assert victim.read_text() == "untouched"


def test_where_a_copy_cannot_be_written_is_one_sentence(incidents: Path) -> None:
    incidents.write_text("a file where the folder should be")
    with pytest.raises(UserError, match="incidents cannot be made: File exists"):
        open_runbook("agent")


@pytest.mark.parametrize("suffix", [".ipynb", ".html"])
def test_of_two_files_both_are_written_or_none(
    suffix: str, incidents: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = streams.create

    def full(path: Path, text: str) -> None:
        if path.suffix == suffix:
            raise UserError(f"{path} cannot be written: No space left on device.")
        written(path, text)

    monkeypatch.setattr(copies, "create", full)
    with pytest.raises(UserError, match="No space left"):
        copies.save("agent", {".ipynb": "{}", ".html": ""})
    assert list(incidents.iterdir()) == []


def test_a_name_that_is_half_taken_is_not_used(incidents: Path) -> None:
    (first, _) = copies.save("agent", {".ipynb": "1", ".html": "1"})
    first.unlink()
    again = copies.save("agent", {".ipynb": "2", ".html": "2"})
    assert {path.read_text() for path in again} == {"2"}
    assert first.with_suffix(".html").read_text() == "1"
    assert len({path.stem for path in again}) == 1
