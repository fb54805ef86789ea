"""One file per error: model, page, recogniser and index are closed both ways, and the patterns are portable."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from codedeploy_sandbox.scenarios.codes import OTHER_PLATFORMS

from runbooks import catalog
from runbooks.checks import all_checks
from runbooks.decoder.index import compiled, index
from runbooks.decoder.result import subject_of
from tests.support import ROOT
from tools import errors, patterns

DOCUMENT = json.loads(errors.TARGET.read_text(encoding="utf-8"))
ENTRIES = {entry["name"]: entry for entry in DOCUMENT["entries"]}
SCHEMA = json.loads((ROOT / "docs/schemas/errors-1.json").read_text(encoding="utf-8"))


def test_errors_json_is_what_the_pages_say() -> None:
    assert errors.TARGET.read_text(encoding="utf-8") == errors.render(), "run `make errors`"


def test_errors_json_meets_its_published_schema() -> None:
    jsonschema.validate(DOCUMENT, SCHEMA)


def test_every_error_of_the_model_has_an_entry_and_a_page() -> None:
    modelled = {*catalog.exceptions(), *catalog.deployment_error_codes(), *catalog.lifecycle_error_codes()}
    assert errors.missing_pages(set(ENTRIES)) == []
    for name in modelled:
        folder = "exceptions" if name in catalog.exceptions() else "deployment-errors"
        assert ENTRIES[name]["page"] == f"/{folder}/{name}/"


def test_every_exception_and_code_is_of_the_model() -> None:
    """But one code, which AWS documents and the model lacks."""
    strangers = {
        name
        for name, entry in ENTRIES.items()
        if not entry["page"].startswith("/symptoms/")
        and name
        not in (*catalog.exceptions(), *catalog.deployment_error_codes(), *catalog.lifecycle_error_codes())
    }
    assert strangers == {"UNABLE_TO_SEND_ASG"}


def test_a_new_error_of_the_model_fails_with_the_command_that_makes_its_file(monkeypatch: Any) -> None:
    monkeypatch.setattr(catalog, "deployment_error_codes", lambda: ("BRAND_NEW",))
    with pytest.raises(ValueError, match=r"python -m tools\.errors --new BRAND_NEW"):
        errors.render()


def test_the_command_makes_a_file_that_only_lacks_its_words(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "docs/exceptions").mkdir(parents=True)
    monkeypatch.setattr(errors, "ROOT", tmp_path)
    made = errors.begin("ThrottlingException")
    assert errors.front_matter(made)["title"] == "ThrottlingException"
    with pytest.raises(SystemExit):
        errors.begin("ThrottlingException")
    with pytest.raises(SystemExit):
        errors.begin("NoSuchException")


def test_front_matter_that_is_not_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    page = tmp_path / "MANUAL_STOP.md"
    page.write_text(
        "---\ntitle: MANUAL_STOP\ndescription: 'Ask CloudTrail's record.'\n---\n", encoding="utf-8"
    )
    with pytest.raises(ValueError, match=r"MANUAL_STOP\.md, line 3: .*needs quotes"):
        errors.front_matter(page)


def test_every_page_of_an_error_is_an_entry_and_the_other_way_round() -> None:
    pages = {f"/{path.parent.name}/{path.stem}/" for path in errors.pages()}
    assert {entry["page"] for entry in ENTRIES.values()} == pages


def test_what_an_entry_names_is_there() -> None:
    checks = {check.id for check in all_checks()}
    for name, entry in ENTRIES.items():
        assert set(entry.get("checks", ())) <= checks, name
        assert set(entry.get("like", ())) <= set(ENTRIES) - {name}, name
        if runbook := entry.get("runbook"):
            assert (ROOT / "notebooks" / f"{runbook}.ipynb").is_file(), name
        page, _, anchor = entry.get("guide", "").partition("#")
        if page:
            text = (ROOT / "docs" / f"{page.strip('/')}.md").read_text(encoding="utf-8")
            assert not anchor or f"#{anchor} }}" in text, name


def test_each_error_of_a_deployment_to_instances_names_its_checks_and_a_runbook() -> None:
    """But for what is not an error, and for the codes of ECS, Lambda and CloudFormation, of which no check asks."""
    codes = {*catalog.deployment_error_codes(), *catalog.lifecycle_error_codes()} - OTHER_PLATFORMS
    events = {name for name, entry in ENTRIES.items() if entry["kind"] in ("event", "notice")}
    wanted = (codes | events) - {"Success"}
    assert len(wanted) > 80
    lacking = [name for name in wanted if not ENTRIES[name].get("checks") or not ENTRIES[name].get("runbook")]
    assert lacking == []
    other = {ENTRIES[name].get("runbook", "deployment") for name in codes} - {"deployment"}
    assert other == set()
    assert not [name for name in OTHER_PLATFORMS if ENTRIES[name].get("checks")]


def test_no_error_asks_about_a_deployment_and_a_group_at_once() -> None:
    """`diagnose` takes one subject."""
    for name, entry in ENTRIES.items():
        assert {"DEPLOYMENT", "APPLICATION/GROUP"} - {*map(subject_of, entry.get("checks", ()))}, name


def test_an_exception_says_what_the_model_says() -> None:
    for name, error in catalog.exceptions().items():
        entry = ENTRIES[name]
        assert entry.get("says", "") == error.says
        assert tuple(entry.get("operations", ())) == error.operations
        assert entry["retried"] == catalog.is_retried(name)


def test_one_code_leads_to_one_entry() -> None:
    codes = [code for entry in ENTRIES.values() for code in entry.get("codes", ())]
    assert len(codes) == len(set(codes))


def _patterns() -> list[str]:
    grammar = DOCUMENT["grammar"]
    found = [grammar[key] for key in ("blank", "leads", "opens", "closes", "named", "elsewhere", "not_agent")]
    found += [*grammar["contexts"].values(), *grammar["operation"], *grammar["service"]]
    found += [pattern for some in grammar["fields"].values() for pattern in some]
    found += [*grammar["alone"].values(), *grammar["passed"], grammar["record"]]
    found += [remark["when"] for remark in grammar["remarks"]]
    for entry in ENTRIES.values():
        found += [item["re"] for item in entry.get("match", ())] + [
            row["text"] for row in entry.get("when", ())
        ]
    return found


def test_the_patterns_are_read_alike_by_every_engine() -> None:
    for pattern in _patterns():
        assert not patterns.FOREIGN.search(pattern), pattern
        compiled(pattern)


@pytest.mark.parametrize("pattern", ["(?<=x)y", "(?P<a>x)", "(?i)x", r"\Ax", "x++", "x{,3}", "[^]"])
def test_a_pattern_that_one_engine_reads_otherwise_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="portable"):
        patterns.portable(pattern)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("Script at specified location", ["specified"]),
        ("failed to close STD(?:OUT|ERR)", ["close"]),
        (r"\bx(?:abc|defg)\b", ["xabc", "xdefg"]),
        (r"x.{0,3}yz\d", []),
        ("(?:Bad Gateway|Forbidden)", ["Forbidden", "Gateway"]),
        (r"Http40\d", []),
    ],
)
def test_a_pattern_is_tried_where_its_word_stands(pattern: str, words: list[str]) -> None:
    if words:
        assert patterns.words(pattern) == words
    else:
        with pytest.raises(ValueError, match="no word"):
            patterns.words(pattern)


def test_alternatives_are_split_at_the_top_only() -> None:
    assert patterns.alternatives(r"a|b(?:c|d)|[|]\|e") == ["a", "b(?:c|d)", r"[|]\|e"]


def test_no_pattern_backtracks_without_bound() -> None:
    """A repeat of a repeat takes exponential time on the right text."""
    for pattern in _patterns():
        assert not re.search(r"\([^()]*[+*]\)[+*]", pattern), pattern


def test_the_wheel_holds_the_data() -> None:
    assert (ROOT / "runbooks/decoder/errors.json").is_file()
    assert len(index().entries) == len(ENTRIES)
