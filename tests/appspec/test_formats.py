"""The findings as text, JSON, SARIF and GitHub annotations, and the exit code."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from runbooks.appspec.formats import FORMATS, as_github, as_json, as_sarif, as_text, exit_code
from runbooks.appspec.linter import Judgement, lint
from runbooks.appspec.reading import MAX_BYTES
from runbooks.appspec.rules import RULES
from site_hooks.appspec_examples import ECS, FILE, FILES, HOOK, OBJECT, TOP
from tests.support import ROOT

SCHEMA = Draft202012Validator(json.loads((ROOT / "docs/schemas/appspec-1.json").read_text(encoding="utf-8")))

FAIL = lint("a.yml", (TOP + FILES + OBJECT + "    mode: u+x\n").encode())
WARN = lint("b.yml", (TOP + HOOK + "      timeout: '5'\n").encode())
UNKNOWN = lint("c.yml", b"x" * (MAX_BYTES + 1))
OK = lint("d.yml", TOP.encode())
HOSTILE = lint(
    "evil\x1b[31m,:%\n.yml",
    b'version: "\\x1b[31m::error::%0A\\u202e\\n::stop-commands::x"\nos: "password: hunter22x"\n',
)


@pytest.mark.parametrize(
    ("judgements", "strict", "code"),
    [
        ([OK], False, 0), ([WARN], False, 0), ([WARN], True, 1), ([OK, FAIL], False, 1), ([UNKNOWN], False, 2),
        ([UNKNOWN, FAIL], False, 3), ([UNKNOWN, WARN], True, 3), ([OK], True, 0),
    ],
)  # fmt: skip
def test_the_exit_code_has_bits(judgements: list[Judgement], strict: bool, code: int) -> None:
    assert exit_code(judgements, strict=strict) == code
    assert json.loads(as_json(judgements, strict=strict))["exit_code"] == code


def test_the_text_names_the_place_the_agents_and_the_fix() -> None:
    text = as_text([FAIL, OK])
    assert (
        "FAIL: a.yml (AppSpec for servers): 1 FAIL; agent 1.8.1 fails at BeforeInstall; agent 2.x fails at BeforeInstall."
        in text
    )
    assert "FAIL    a.yml:8:11 mode-is-octal" in text
    assert "1.8.1  fails at BeforeInstall: The deployment failed because the permissions mode (u+x)" in text
    assert "2.x    fails at BeforeInstall, the same" in text
    assert "fix    Write the mode in octal digits" in text
    assert re.search(r"page   http\S+/appspec/server/#mode-is-octal\n", text)
    assert "Not checked without the bundle: 1 source." in text
    assert (
        "OK: d.yml (AppSpec for servers): no finding; agent 1.8.1 accepts it; agent 2.x accepts it." in text
    )


def test_where_the_agents_differ_is_said() -> None:
    text = as_text([WARN])
    assert "agent 1.8.1 accepts it; agent 2.x fails at BeforeInstall" in text
    assert "1.8.1  fails" not in text


def test_the_json_has_the_members_that_are_documented() -> None:
    document = json.loads(as_json([FAIL]))
    assert document["schema"] == 1
    (file,) = document["files"]
    assert file["agents"]["1.8.1"]["fails"] is True
    assert file["agents"]["1.8.1"]["line"] == 8
    (finding,) = file["findings"]
    assert (finding["line"], finding["column"], finding["about"]) == (8, 11, "permissions[0].mode")
    assert set(finding["fails"]) == {"1.8.1", "2.x"}
    assert finding["silent"] is False
    assert json.loads(as_json([lint("-", ECS.encode())]))["files"][0]["agents"] == {}


@pytest.mark.parametrize("judgement", [FAIL, WARN, UNKNOWN, OK, HOSTILE, lint("-", ECS.encode())])
def test_the_json_keeps_to_the_published_schema(judgement: Judgement) -> None:
    SCHEMA.validate(json.loads(as_json([judgement])))


def test_the_json_of_every_example_keeps_to_the_schema() -> None:
    SCHEMA.validate(json.loads(as_json([lint("-", text.encode()) for text in FILE.values()])))


def test_sarif_has_what_its_schema_requires() -> None:
    document = json.loads(as_sarif([FAIL, WARN, UNKNOWN, OK]))
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(RULES)
    assert [result["level"] for result in run["results"]] == ["error", "warning", "warning"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        region = result["locations"][0]["physicalLocation"]["region"]
        assert region["startLine"] >= 1
        assert region["startColumn"] >= 1


def test_github_reads_one_command_for_each_finding() -> None:
    lines = as_github([FAIL, WARN, OK]).splitlines()
    assert lines[0].startswith("::error file=a.yml,line=8,col=11,title=mode-is-octal::mode is the text 'u+x'")
    assert lines[1].startswith("::warning file=b.yml,line=6,col=16,title=timeout-is-positive::")
    assert len(lines) == 2


@pytest.mark.parametrize("form", FORMATS)
def test_what_a_file_holds_cannot_act(form: str) -> None:
    shown = FORMATS[form]([HOSTILE])
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "hunter22x" not in shown
    if form == "github":
        assert all(line.startswith("::error file=evil") for line in shown.splitlines())
        assert len(shown.splitlines()) == len(HOSTILE.faults)
    if form in ("json", "sarif"):
        json.loads(shown)


def test_every_example_is_shown_in_every_form() -> None:
    judgements = [lint(rule, text.encode()) for rule, text in FILE.items()]
    shown: dict[str, Any] = {form: render(judgements) for form, render in FORMATS.items()}
    for rule in FILE:
        assert all(rule in text for text in shown.values())


def test_a_rule_leads_to_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNBOOKS_SITE", "https://guide.example")
    assert "https://guide.example/appspec/server/#mode-is-octal" in as_text([FAIL])
    assert '"helpUri": "https://guide.example/appspec/server/#mode-is-octal"' in as_sarif([FAIL])


def test_a_file_in_sarif_is_an_address(tmp_path: Path) -> None:
    judgement = lint("a folder/appspec.yml", b"")
    assert '"uri": "a%20folder/appspec.yml"' in as_sarif([judgement])
