"""What a site adds when it is published at an address of its own, from a repository."""

from importlib.metadata import version

import botocore

from tests.site.conftest import ADDRESS, REPOSITORY
from tests.support.built_site import Built
from tests.support.html import Tags, foreign, loaded, tags

NAME = "InvalidRegistrationStatusException"


def test_a_published_page_can_be_corrected(published: Built) -> None:
    page = (published.path / "guides/check-the-agent/index.html").read_text(encoding="utf-8")
    hrefs = [a.get("href", "") for tag, a in Tags(page).tags if tag == "a"]
    assert f"{REPOSITORY}/edit/main/docs/guides/check-the-agent.md" in hrefs
    assert [href for href in hrefs if href.startswith(f"{REPOSITORY}/issues/new?title=Wrong%20fact")]


def test_a_notebooks_page_is_edited_as_a_notebook(published: Built) -> None:
    page = (published.path / "runbooks/agent/index.html").read_text(encoding="utf-8")
    assert f'href="{REPOSITORY}/edit/main/docs/../notebooks/agent.ipynb"' in page


def test_a_site_without_a_repository_links_to_none(site: Built) -> None:
    page = (site.path / "guides/check-the-agent/index.html").read_text(encoding="utf-8")
    assert "corrections" not in page
    assert 'rel="edit"' not in page


def test_no_link_of_a_published_site_leads_to_the_readers_machine(published: Built) -> None:
    for path in published.path.rglob("*.html"):
        local = [a["href"] for tag, a in tags(path) if "127.0.0.1" in a.get("href", "")]
        assert local == [], path


def test_a_published_site_loads_nothing_from_its_repository(published: Built) -> None:
    for path in published.path.rglob("*.html"):
        html = path.read_text(encoding="utf-8")
        assert foreign(loaded(html)) == [], path
        assert "md-source" not in html, f"{path}: the theme's link to a repository asks its host on each page"


def test_a_pasted_link_shows_a_title_and_a_description(published: Built) -> None:
    page = (published.path / f"exceptions/{NAME}/index.html").read_text(encoding="utf-8")
    shown = {a["property"]: a["content"] for tag, a in Tags(page).tags if tag == "meta" and "property" in a}
    assert shown["og:title"] == NAME
    assert shown["og:description"].startswith("ListOnPremisesInstances")
    assert shown["og:url"] == f"{ADDRESS}exceptions/{NAME}/"


def test_the_footer_names_the_version(site: Built) -> None:
    said = f"Version {version('codedeploy-field-guide')}, checked against botocore {botocore.__version__}"
    assert said in (site.path / "index.html").read_text(encoding="utf-8")
