"""The pages of `runbooks appspec`: every rule has its section there, and the sample is what the command prints."""

import re
from html import unescape

import pytest

from runbooks.appspec.formats import as_text
from runbooks.appspec.linter import lint
from runbooks.appspec.rules import GROUPS, PAGES, RULES
from site_hooks.appspec_examples import BUNDLE, FILE
from tests.support import ROOT
from tests.support.built_site import Built


@pytest.fixture(scope="module")
def tool(site: Built) -> str:
    return (site.path / "appspec/index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(site: Built) -> str:
    """The pages of the rules, in their order."""
    return "\n".join((site.path / f"appspec/{page}/index.html").read_text(encoding="utf-8") for page in PAGES)


def section(page: str, rule: str) -> str:
    """What stands below the heading of a rule, as text."""
    _, found, rest = page.partition(f'<h3 id="{rule}">')
    assert found, rule
    return " ".join(unescape(re.sub(r"<[^>]+>", "", re.split(r"<h[23]", rest)[0])).split())


def test_every_rule_has_a_section_that_says_what_it_is_for(page: str) -> None:
    for rule in RULES.values():
        text = section(page, rule.id)
        assert " ".join(rule.title.replace("`", "").split()) in text
        assert rule.why.replace("`", "") in text


def test_a_section_shows_what_the_linter_says_of_its_example(page: str) -> None:
    for rule, text in FILE.items():
        found = next(each for each in lint("-", text.encode()).faults if each.code == rule)
        shown = section(page, rule)
        assert f"{found.verdict.name}: {found.says}" in shown
        for _, outcome in found.outcomes:
            assert " ".join(outcome.message.split()) in shown
    assert all("Fix: " in section(page, rule) for rule in BUNDLE)


def test_the_rules_stand_in_their_groups(page: str) -> None:
    ids = re.findall(r'<h[23] id="([^"]+)"', page)
    assert [id for id in ids if id in RULES] == list(RULES)
    assert [id.removeprefix("group-") for id in ids if id.startswith("group-")] == list(GROUPS)


def test_the_sample_is_what_the_command_prints() -> None:
    source = (ROOT / "docs/appspec/index.md").read_text(encoding="utf-8")
    sample = source.partition("```text\n")[2].partition("```")[0]
    text = b"version: 0.0\nos: linux\npermissions:\n  - object: /srv/app\n    mode: u+x\n"
    printed = as_text([lint("appspec.yml", text)])
    assert sample == printed


def test_every_member_of_the_json_is_explained(tool: str) -> None:
    for member in ("files[].agents", "files[].findings[].fails", "files[].findings[].silent"):
        assert f"<code>{member}</code>" in tool.replace("<wbr>", "")
    assert "<td></td>" not in tool.partition('id="ci"')[0]
