"""The pages that lead to an error by what it belongs to, and the links from one error to the next."""

import re

import botocore.session
import pytest

from runbooks.decoder.index import index
from tests.support.built_site import Built


def section(html: str, anchor: str) -> str:
    found = re.search(rf'<h2 id="{re.escape(anchor)}">(.*?)(?=<h2 |</article>)', html, re.DOTALL)
    assert found, anchor
    return found[1]


def linked(html: str) -> list[str]:
    """The names of the pages of errors that a part of a page links to."""
    return re.findall(r'href="\.\./\.\./(?:exceptions|deployment-errors|symptoms)/([^/"]+)/"', html)


def page(site: Built, name: str) -> str:
    return (site.path / f"find/by-{name}/index.html").read_text(encoding="utf-8")


def test_what_each_operation_can_raise_is_the_models(site: Built) -> None:
    model = botocore.session.Session().get_service_model("codedeploy")
    html = page(site, "operation")
    for name in model.operation_names:
        declared = sorted(shape.name for shape in model.operation_model(name).error_shapes)
        assert linked(section(html, name)) == declared


@pytest.mark.parametrize("name", ["family", "person"])
def test_every_error_is_listed_once(site: Built, name: str) -> None:
    pages = [
        entry.page.strip("/").rpartition("/")[2]
        for entry in index().entries.values()
        if entry.who or name == "family"
    ]
    html = page(site, name)
    article = html[html.index("<article") : html.index("</article>")]
    assert sorted(linked(article)) == sorted(pages)


def test_errors_are_listed_by_who_can_fix_them(site: Built) -> None:
    html = page(site, "person")
    for entry in index().entries.values():
        if entry.who:
            assert entry.page.strip("/").rpartition("/")[2] in linked(section(html, entry.who))


def test_each_error_leads_to_the_next_of_its_family(site: Built) -> None:
    """From the first of the agent's log, through all, to the last."""
    family = sorted((e for e in index().entries.values() if e.kind == "log"), key=lambda e: e.title.lower())
    here, passed = family[0].page, [family[0].page]
    while True:
        html = (site.path / here.strip("/") / "index.html").read_text(encoding="utf-8")
        following = re.search(r'href="\.\./([^"]+)/"[^>]*class="md-footer__link md-footer__link--next"', html)
        if not following:
            break
        here = f"/symptoms/{following[1]}/"
        passed.append(here)
    assert passed == [entry.page for entry in family]
