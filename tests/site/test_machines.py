"""What the site has for programs: index.json, the Markdown beside each page, and llms.txt."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from runbooks import catalog
from runbooks.checks import all_checks
from runbooks.decoder.index import index
from runbooks.links import page_of
from site_hooks.twins import as_text
from tests.site.conftest import ADDRESS
from tests.support import ROOT
from tests.support.built_site import Built, build

SCHEMA = json.loads((ROOT / "docs/schemas/index-1.json").read_text(encoding="utf-8"))
CODE = re.compile(r"^[ \t]*(`{3,}).*?^[ \t]*\1[ \t]*$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def rows(site: Built) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((site.path / "index.json").read_text(encoding="utf-8"))[
        "entries"
    ]
    return entries


def row(site: Built, code: str) -> dict[str, Any]:
    return next(row for row in rows(site) if row["code"] == code)


# index.json


@pytest.mark.parametrize("offline", [False, True])
def test_index_json_meets_its_published_schema(offline: bool) -> None:
    path = build(offline).path
    document = json.loads((path / "index.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(document, SCHEMA)
    assert json.loads((path / "schemas/index-1.json").read_text(encoding="utf-8")) == SCHEMA


@pytest.mark.parametrize("field", SCHEMA["$defs"]["error"]["required"])
def test_the_schema_misses_a_field(site: Built, field: str) -> None:
    document = json.loads((site.path / "index.json").read_text(encoding="utf-8"))
    del document["entries"][0][field]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


def test_index_json_has_each_error_and_each_check_once(site: Built) -> None:
    codes = [row["code"] for row in rows(site)]
    assert sorted(codes) == sorted([*index().entries, *(check.id for check in all_checks())])


@pytest.mark.parametrize("offline", [False, True])
def test_every_address_of_index_json_is_a_file(offline: bool) -> None:
    site = build(offline)
    for entry in rows(site):
        for field in ("url", "md_url", "short_url"):
            path = re.split(r"[?#]", entry[field].lstrip("/"))[0]
            assert (site.path / path / "index.html" if path.endswith("/") else site.path / path).is_file(), (
                entry
            )
        name = entry["short_url"].partition("?")[2]
        assert page_of(name) == entry["url"].replace(".html", "/"), name


def test_index_json_agrees_with_the_model(site: Built) -> None:
    for name, error in catalog.exceptions().items():
        entry = row(site, name)
        assert tuple(entry["operations"]) == error.operations
        assert entry["http_status"] == error.http_status
        assert entry["retried_by_botocore"] == catalog.is_retried(name)
        assert entry["summary"] == error.says


def test_index_json_says_who_acts_and_whether_to_retry(site: Built) -> None:
    throttled, unknown = row(site, "ThrottlingException"), row(site, "InstanceNotRegisteredException")
    assert (throttled["retryable"], throttled["owner_action_required"]) == (True, False)
    assert (unknown["retryable"], unknown["owner_action_required"], unknown["who"]) == (False, True, "caller")
    assert "--check instance-is-registered" in unknown["command"]
    assert row(site, "HEALTH_CONSTRAINTS")["command"].startswith("runbooks why DEPLOYMENT")
    assert (
        row(site, "agent-is-running")["command"]
        == "runbooks diagnose --instance NAME --check agent-is-running"
    )


# The Markdown beside each page


def twins(site: Built) -> list[Path]:
    return sorted(site.path.rglob("*.md"))


def test_every_page_has_its_markdown(site: Built) -> None:
    made = {path.relative_to(site.path).as_posix() for path in twins(site)}
    for page in site.pages:
        stem = page.removesuffix("/")
        assert f"{stem}.md".lstrip("/") in made or f"{stem}/index.md".lstrip("/") in made, page


@pytest.mark.parametrize("offline", [False, True])
def test_every_link_of_the_markdown_leads_to_a_file(offline: bool) -> None:
    seen = 0
    for path in twins(build(offline)):
        for link in LINK.findall(CODE.sub("", path.read_text(encoding="utf-8"))):
            if not re.match(r"[a-z]+:|#", link):
                seen += 1
                assert (path.parent / re.split(r"[?#]", link)[0]).exists(), f"{path.name}: {link}"
    assert seen > 1000


def test_the_markdown_holds_nothing_for_browsers_only(site: Built) -> None:
    for path in twins(site):
        text = path.read_text(encoding="utf-8")
        prose = CODE.sub("", text)
        assert text.startswith("# "), path
        assert text.count("\nThe page: [") == 1, path
        found = re.findall(
            r"<!--|</?(?:div|section|form|script|span|dl|details)\b.*|\{ ?[#.][^}\n]*\}|--8<--", prose
        )
        assert found == [], path


def test_the_markdown_holds_what_hooks_and_snippets_put_in(site: Built) -> None:
    page = (site.path / "exceptions/InvalidRegistrationStatusException.md").read_text(encoding="utf-8")
    assert "`ListOnPremisesInstances` only" in page  # the facts of the model
    assert "list_on_premises_instances(" in page  # a program of docs/snippets
    check = (site.path / "checks/agent.md").read_text(encoding="utf-8")
    assert "**FAIL** No agent is installed on web-01" in check
    notebook = (site.path / "runbooks/agent.md").read_text(encoding="utf-8")
    assert "The agent does not run on web-01" in notebook  # an output
    assert "](../guides/check-the-agent.md#log)" in notebook
    assert "](agent/agent.ipynb)" in notebook  # the download stays one


def test_code_stays_as_it_is() -> None:
    markdown = "# A { #a }\n\n```md\n## B { #b } <!-- c -->\n```\n\n`{ #d }` e { .f }\n"
    page: Any = type("Page", (), {"meta": {}, "file": object()})
    files: Any = None
    assert as_text(markdown, page, files) == "# A\n\n```md\n## B { #b } <!-- c -->\n```\n\n`{ #d }` e\n"


def test_the_markdown_is_a_fraction_of_the_html(site: Built) -> None:
    """All pages together: what a program saves by reading it."""
    html = sum(len((site.path / page / "index.html").read_bytes()) for page in site.pages)
    assert sum(len(path.read_bytes()) for path in twins(site)) < html / 5


def test_no_page_names_an_alternate(site: Built) -> None:
    """The theme takes one for another language, and asks for its sitemap on each visit."""
    for page in site.pages:
        assert 'rel="alternate"' not in (site.path / page / "index.html").read_text(encoding="utf-8"), page


# llms.txt


def test_llms_txt_leads_to_the_main_pages(site: Built) -> None:
    text = (site.path / "llms.txt").read_text(encoding="utf-8")
    assert text.startswith("# CodeDeploy Field Guide\n\n> ")
    assert len(text) < 15_000  # a reader with a small window takes it whole
    assert "&#" not in text
    links = LINK.findall(text)
    assert {
        "exceptions/index.md",
        "symptoms/index.md",
        "runbooks/triage.md",
        "checks/agent.md",
        "index.json",
    } <= set(links)
    for link in links:
        assert (site.path / link).is_file(), link


def test_llms_txt_of_a_published_site_has_whole_addresses(published: Built) -> None:
    links = LINK.findall((published.path / "llms.txt").read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not link.startswith(ADDRESS)] == []
    page = (published.path / "guides/check-the-agent.md").read_text(encoding="utf-8")
    assert f"({ADDRESS}guides/check-the-agent/)" in page
