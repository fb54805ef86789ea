"""The built site: complete, linked, self-contained, and no page against botocore's model."""

import json
import logging
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from mkdocs.commands.build import build as mkdocs_build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

from runbooks import catalog
from runbooks.checks import all_checks
from site_hooks import facts, names, provenance
from site_hooks.outputs import as_html, harmless
from site_hooks.trim import trim
from tests.support import ROOT
from tests.support.built_site import Built, build

NAME = "InvalidRegistrationStatusException"
PERMALINKS = [
    line
    for line in (ROOT / "tests/site/permalinks.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.fixture(scope="module")
def site() -> Built:
    return build()


class Tags(HTMLParser):
    """Every start tag of a page with its attributes, and the text of some."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))


def tags(path: Path) -> list[tuple[str, dict[str, str]]]:
    return Tags(path.read_text(encoding="utf-8")).tags


def file_of(site: Built, page: str) -> Path:
    return site.path / page / "index.html" if not page or page.endswith("/") else site.path / page


# The build


@pytest.mark.parametrize("offline", [False, True])
def test_the_build_warns_of_nothing(offline: bool) -> None:
    log = build(offline).log
    assert not re.findall(r"^(?:WARNING|ERROR|CRITICAL).*|^.*Warning:.*", log, re.MULTILINE)
    assert "Documentation built" in log  # it did speak: -q would hide what --strict counts


def test_every_page_has_a_title_a_description_and_one_heading(site: Built) -> None:
    titles: dict[str, str] = {}
    for page in site.pages:
        html = file_of(site, page).read_text(encoding="utf-8")
        title = re.search(r"<title>(.+?)</title>", html)
        assert title, page
        assert title[1] not in titles, f"{page or 'home'} and {titles[title[1]] or 'home'} have one title"
        titles[title[1]] = page
        described = [
            a["content"] for tag, a in Tags(html).tags if tag == "meta" and a.get("name") == "description"
        ]
        assert len(described) == 1, page
        assert 20 <= len(described[0]) <= 400, f"{page}: {described[0]}"
        assert html.count("<h1") == 1, page


def test_every_page_describes_itself(site: Built) -> None:
    """Not with the description of the whole site, which is for a page that has none."""
    whole = load_config(str(ROOT / "mkdocs.yml")).site_description
    assert [
        page for page in site.pages if page and f'content="{whole}"' in file_of(site, page).read_text()
    ] == []


# Addresses


@pytest.mark.parametrize("permalink", PERMALINKS)
def test_permalinks_live(site: Built, permalink: str) -> None:
    page, _, fragment = permalink.lstrip("/").partition("#")
    path = file_of(site, page)
    assert path.is_file()
    if fragment:
        assert fragment in {attributes.get("id") for _, attributes in tags(path)}


def test_every_address_is_on_the_list(site: Built) -> None:
    """Reports and tickets link to pages of every kind, and to each check."""
    promised = {f"/{page}" for page in site.pages} | {f"/checks/#{check.id}" for check in all_checks()}
    assert promised - set(PERMALINKS) == set(), "add these to tests/site/permalinks.txt"


ANCHOR = re.compile(r'"/?((?:guides|exceptions|best-practices)/[A-Za-z-]+)(?:\.md|/)(#[a-z0-9-]+)')


def test_every_anchor_that_a_report_can_name_is_on_the_list() -> None:
    """Findings, explanations and the rules for the log lead to sections: those addresses end in tickets too."""
    sources = [path for kind in ("*.py", "*.json") for path in (ROOT / "runbooks").rglob(kind)]
    named = {f"/{page}/{anchor}" for path in sources for page, anchor in ANCHOR.findall(path.read_text())}
    assert len(named) > 10
    assert named - set(PERMALINKS) == set(), "add these to tests/site/permalinks.txt"


# Nothing from elsewhere

LOADS = {
    "script": "src", "img": "src", "iframe": "src", "source": "src", "audio": "src", "video": "src",
    "embed": "src", "object": "data", "input": "src", "image": "href", "use": "href",
}  # fmt: skip
FOREIGN = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)


def loaded(html: str) -> Iterator[str]:
    """The addresses that a browser fetches for a page, links to other pages not included."""
    for tag, attributes in Tags(html).tags:
        if tag in LOADS:
            yield attributes.get(LOADS[tag], "")
        if tag == "link" and attributes.get("rel") not in ("canonical", "next", "prev", "alternate"):
            yield attributes.get("href", "")
        yield from css_loads(attributes.get("style", ""))
    for style in re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL):
        yield from css_loads(style)


def css_loads(css: str) -> Iterator[str]:
    for quoted in re.findall(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", css):
        yield "".join(quoted)


def foreign(addresses: Iterator[str]) -> list[str]:
    return [address for address in addresses if FOREIGN.match(address)]


@pytest.mark.parametrize("offline", [False, True])
def test_nothing_is_loaded_from_another_host(offline: bool) -> None:
    site = build(offline)
    for path in site.path.rglob("*.html"):
        assert foreign(loaded(path.read_text(encoding="utf-8"))) == [], path
    for path in site.path.rglob("*.css"):
        assert foreign(css_loads(path.read_text(encoding="utf-8"))) == [], path


@pytest.mark.parametrize(
    "planted",
    [
        '<script src="https://example.com/x.js"></script>',
        '<img src="//example.com/x.png">',
        '<link rel="stylesheet" href="http://example.com/x.css">',
        '<link rel="preload" as="font" href="https://example.com/x.woff2">',
        '<p style="background: url(https://example.com/x.png)">',
        "<style>@import 'https://example.com/x.css';</style>",
    ],
)
def test_the_look_for_foreign_addresses_sees(planted: str) -> None:
    assert len(foreign(loaded(f"<html><body>{planted}</body></html>"))) == 1


def test_the_lock_pins_assets_and_names_no_registry() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert {f"node_modules/{name}" for name in ("@mermaid-js/tiny", "iframe-worker", "axe-core")} <= set(
        packages
    )
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    for version in (wanted["dependencies"] | wanted["devDependencies"]).values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)


# Links


def lychee(folder: Path) -> subprocess.CompletedProcess[str]:
    command = shutil.which("lychee", path=str(Path(sys.executable).parent))
    assert command, "lychee is missing: pip install -r requirements.txt"
    options = [
        "--offline",
        "--include-fragments",
        "--index-files",
        "index.html",
        "--no-progress",
        "--root-dir",
        str(folder),
    ]
    return subprocess.run(
        [command, *options, f"{folder}/**/*.html"], capture_output=True, text=True, cwd=folder
    )


@pytest.mark.parametrize("offline", [False, True])
def test_no_link_is_broken(offline: bool) -> None:
    done = lychee(build(offline).path)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "broken", ["../no-such-page/", "../../provenance/#no-such-place", "/no-such-file.png"]
)
def test_a_planted_broken_link_is_seen(site: Built, tmp_path: Path, broken: str) -> None:
    copy = tmp_path / "site"
    shutil.copytree(site.path, copy)
    page = copy / "exceptions" / NAME / "index.html"
    page.write_text(
        page.read_text(encoding="utf-8").replace("</article>", f'<a href="{broken}">x</a></article>')
    )
    done = lychee(copy)
    assert done.returncode != 0
    assert broken.strip("./").replace("/#", "#") in done.stdout


# Pages against the model


def test_every_exception_page_is_in_the_model() -> None:
    pages = [path for path in (ROOT / "docs/exceptions").glob("*.md") if path.stem != "index"]
    assert pages
    for path in pages:
        assert path.stem in catalog.exceptions()
        assert f"exception: {path.stem}\n" in path.read_text(encoding="utf-8")


def test_the_strip_of_facts_equals_the_model(site: Built) -> None:
    model = botocore.session.Session().get_service_model("codedeploy")
    for path in (ROOT / "docs/exceptions").glob("*Exception.md"):
        html = (site.path / "exceptions" / path.stem / "index.html").read_text(encoding="utf-8")
        strips = re.findall(r'<dl class="facts">(.*?)</dl>', html, re.DOTALL)
        assert len(strips) == 1
        shown = re.findall(r"<code>(.*?)</code>", strips[0].replace("<wbr>", "").replace("<wbr/>", ""))
        declared = [
            name
            for name in model.operation_names
            if path.stem in {shape.name for shape in model.operation_model(name).error_shapes}
        ]
        assert shown == declared
        assert re.sub("<[^>]+>", "", model.shape_for(path.stem).documentation) in strips[0]
        assert "botocore does not retry it" in strips[0]
        assert "HTTP 400" in strips[0]


def test_a_strip_for_every_exception_of_the_model() -> None:
    for name, error in catalog.exceptions().items():
        strip = facts.panel(name)
        assert re.findall("<code>(.*?)</code>", strip) == list(error.operations)
        assert ("Deprecated" in strip) is bool(error.deprecated)
        assert ("AWS says" in strip) is bool(error.says)
    assert "botocore retries it" in facts.panel("ThrottlingException")


# The hooks, on small sites of their own


def small_site(folder: Path, pages: dict[str, str], hooks: tuple[str, ...]) -> Path:
    """Build a site of some pages with some of our hooks; gives its folder. Abort: a hook refused."""
    for name, text in pages.items():
        path = folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    settings = {
        "site_name": "Small",
        "theme": {"name": "material", "font": False},
        "plugins": [],
        "hooks": [str(ROOT / f"site_hooks/{hook}.py") for hook in hooks],
        "markdown_extensions": [
            "attr_list",
            "pymdownx.superfences",
            "pymdownx.highlight",
            "pymdownx.details",
        ],
    }
    (folder / "mkdocs.yml").write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
    mkdocs_build(load_config(str(folder / "mkdocs.yml"), site_dir=str(folder / "site"), strict=True))
    return folder / "site"


def refusal(folder: Path, pages: dict[str, str], hook: str, caplog: pytest.LogCaptureFixture) -> str:
    """What the hook says when it stops the build."""
    with caplog.at_level(logging.ERROR), pytest.raises(Abort):
        small_site(folder, pages, (hook,))
    return caplog.messages[-1]


def test_assets_that_are_not_installed_stop_the_build(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    said = refusal(tmp_path, {"index.md": "# Home"}, "vendor", caplog)
    assert "node_modules" in said
    assert "make setup" in said
    assert "npm ci" in said


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (f"exceptions/{NAME}.md", f"---\nexception: {NAME}\n---\n# {NAME}\n", "write <!-- facts --> once"),
        (f"exceptions/{NAME}.md", f"---\nexception: {NAME}\n---\n# X\n\n<!-- facts -->\n\n<!-- facts -->\n", "once"),
        ("exceptions/Gone.md", "---\nexception: GoneException\n---\n# G\n\n<!-- facts -->\n", "no exception 'GoneException'"),
        ("exceptions/Other.md", f"---\nexception: {NAME}\n---\n# O\n\n<!-- facts -->\n", f"must be named {NAME}.md"),
        (f"exceptions/{NAME}.md", f"---\nexception: {NAME}\nrunbook: gone\n---\n# X\n\n<!-- facts -->\n", "notebooks/gone.ipynb"),
    ],
)  # fmt: skip
def test_a_page_that_disagrees_stops_the_build(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, path: str, text: str, expected: str
) -> None:
    said = refusal(tmp_path, {path: text}, "facts", caplog)
    assert expected in said
    assert path in said


def test_tags_become_badges_outside_code(tmp_path: Path) -> None:
    page = "# A\n\nOne [V] [D].[U] and `x[I]`, no [Q].\n\n```\n[X]\n```\n"
    site = small_site(tmp_path, {"a/b.md": page, "provenance.md": "# Tags\n"}, ("provenance",))
    html = (site / "a/b/index.html").read_text(encoding="utf-8")
    badges = re.findall(r'<a class="provenance [^"]*" href="([^"]*)" title="[^"]+"[^>]*>(\w)</a>', html)
    assert badges == [
        ("../../provenance/#v", "V"), ("../../provenance/#d", "D"), ("../../provenance/#u", "U"),
    ]  # fmt: skip
    assert "x[I]" in html
    assert "[X]" in html
    assert "no [Q]." in html


def test_every_tag_has_its_place_on_the_page_that_explains_it(site: Built) -> None:
    explained = {attributes.get("id") for _, attributes in tags(site.path / "provenance/index.html")}
    for tag in "VDIXU":
        assert tag.lower() in explained
        assert f'title="{tag}: ' in provenance.badge(tag, "x")


def test_long_names_may_break_at_their_capitals() -> None:
    page: Any = None
    config: Any = None
    broken = names.on_post_page(f"<h1>{NAME}</h1><i>{NAME} in a sentence</i><b>ShortName</b>", page, config)
    assert "<h1>Invalid<wbr>Registration<wbr>Status<wbr>Exception</h1>" in broken
    assert f"<i>{NAME} in a sentence</i>" in broken
    assert "<b>ShortName</b>" in broken


CSS = """@charset "UTF-8";/* c */.used{a:b}.gone{a:b}.used .gone,.used>p{a:"};.gone{"}
@media print{.gone{a:b}}@media (x){.used{a:b}.gone{a:b}}.a:not(.gone){a:b}.tabbed--next{a:b}
[dir=rtl] p{a:b}[dir=ltr] p{a:b}[data-md-color-primary=red]{a:b}@keyframes k{0%{a:b}}p{background:url('data:;{')}"""


def test_only_rules_that_cannot_matter_are_trimmed() -> None:
    kept = trim(CSS, '<p class="used a" dir="ltr">', "`tabbed--${type}`")
    assert kept == (
        '@charset "UTF-8";.used{a:b}.used>p{a:"};.gone{"}@media (x){.used{a:b}}.a:not(.gone){a:b}'
        ".tabbed--next{a:b}[dir=ltr] p{a:b}@keyframes k{0%{a:b}}p{background:url('data:;{')}"
    )


# Notebooks


def notebook(*cells: dict[str, Any], **changes: Any) -> str:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)} | changes)


def markdown(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def code(
    source: str, *outputs: dict[str, Any], count: int | None = 1, tags: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "metadata": {"tags": list(tags)},
        "source": source.splitlines(keepends=True),
        "execution_count": count,
        "outputs": list(outputs),
    }


def shows(**data: str) -> dict[str, Any]:
    kinds = {f"text/{kind}": text for kind, text in data.items()}
    return {"output_type": "display_data", "metadata": {}, "data": kinds}


OPENING = markdown("# A runbook\n\nIt looks at [the guide](../docs/guides/a.md) and `more`.\n\nRest.")
FAILED = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["\x1b[31mno"]}


def runbook_page(folder: Path, *cells: dict[str, Any]) -> str:
    """The article of a notebook's page, on a small site."""
    (folder / "notebooks").mkdir()
    (folder / "notebooks/a-runbook.ipynb").write_text(notebook(OPENING, *cells), encoding="utf-8")
    site = small_site(
        folder, {"index.md": "# Home", "guides/a.md": "# A\n\n## There { #there }\n"}, ("notebooks",)
    )
    assert (site / "runbooks/a-runbook/a-runbook.ipynb").is_file()
    return (site / "runbooks/a-runbook/index.html").read_text(encoding="utf-8")


def test_a_notebook_is_a_page(tmp_path: Path) -> None:
    html = runbook_page(
        tmp_path,
        code('instance = "web-01"', tags=("parameters",)),
        markdown("## Look\n\nSee [there](../docs/guides/a.md#there)."),
        code("report", shows(markdown="**1 looked at**", html="<p>not this", plain="nor this")),
        code(
            "print(1)", {"output_type": "stream", "name": "stdout", "text": ["\x1b[1mone\x1b[0m\n", "two\n"]}
        ),
        code("raise", FAILED, tags=("raises-exception",)),
        code("", count=None),
    )
    assert '<meta name="description" content="It looks at the guide and more.">' in html
    assert 'href="../../guides/a/"' in html
    assert 'href="../../guides/a/#there"' in html
    assert 'href="http://127.0.0.1:8888/lab/tree/notebooks/a-runbook.ipynb"' in html
    assert 'href="a-runbook.ipynb"' in html
    assert "make run" in re.sub("<[^>]+>", "", html)
    assert "Parameters" in html
    assert "<strong>1 looked at</strong>" in html
    assert "not this" not in html
    assert "nor this" not in html
    assert "one\ntwo" in html
    assert "ValueError: no" in html
    assert "\x1b" not in html


def test_outputs_link_within_the_site(tmp_path: Path) -> None:
    html = runbook_page(tmp_path, code("x", shows(markdown="<http://127.0.0.1:8000/guides/a/#there>")))
    assert '<a href="../../guides/a/#there">' in html


def test_an_output_that_links_to_no_page_stops_the_build(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(Abort):
        runbook_page(tmp_path, code("x", shows(markdown="<http://127.0.0.1:8000/gone/>")))
    assert "/gone/" in caplog.messages[-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "JSON is broken"),
        ("\x00\xff", "JSON is broken"),
        ("[]", "not a notebook"),
        (notebook(OPENING, nbformat=3), "format 4"),
        (notebook(), "format 4"),
        (notebook({"cell_type": "markdown"}), "not a notebook"),
        (notebook(OPENING, {"cell_type": "code", "source": "x", "execution_count": 1, "metadata": {}}), "not a notebook"),
        (notebook(OPENING, code("x", {"output_type": "display_data", "data": {"image/png": "eA=="}})), "text/plain"),
        (notebook(OPENING, code("x", count=None)), "cell 2 was never run"),
        (notebook(OPENING, code("x", FAILED)), "cell 2 ended with ValueError"),
        (notebook(code("x")), "the first cell must be Markdown"),
        (notebook(markdown("# Title alone")), "the first cell must be Markdown"),
    ],
)  # fmt: skip
def test_a_damaged_notebook_stops_the_build(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, expected: str
) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/bad.ipynb").write_bytes(text.encode("latin-1"))
    said = refusal(tmp_path, {"index.md": "# Home"}, "notebooks", caplog)
    assert "bad.ipynb" in said
    assert expected in said


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)><b onclick='x()'>b</b></div></article>"


@pytest.mark.parametrize(
    "output",
    [
        shows(markdown=f"Name {HOSTILE} [x](javascript:alert(1)) [y](data:text/html,z)"),
        shows(
            html=f'<style>x</style><table border="1"><tr><td>Name {HOSTILE}</table><a href="JavaScript:x">l</a>'
        ),
        shows(plain=f"Name {HOSTILE}"),
        {"output_type": "stream", "name": "stdout", "text": f"Name {HOSTILE}"},
        FAILED | {"evalue": f"Name {HOSTILE}"},
    ],
)
def test_nothing_in_an_output_acts(output: dict[str, Any]) -> None:
    html = as_html(output)
    assert "Name" in html
    for tag, attributes in Tags(html).tags:
        assert tag not in ("script", "style", "img")
        assert not {name for name in attributes if name.startswith("on")}
        assert not re.match(r"\s*(javascript|data):", attributes.get("href", ""), re.IGNORECASE)
    assert html.count("<div") == html.count("</div>") == 1  # it closes nothing of the page
    assert "</article>" not in html


def test_harmless_html_keeps_what_a_table_needs() -> None:
    table = '<table><tr><th scope="col">a</th><td colspan="2">b &amp; c<br></td></tr></table>'
    assert harmless(table) == table
    assert harmless('<a href="https://x/?a=1&amp;b=2">l</a>') == '<a href="https://x/?a=1&amp;b=2">l</a>'
    assert harmless("<p>a<b>c") == "<p>a<b>c</b></p>"
    assert harmless("</script>a<script>b<b>c</script>d") == "ad"
