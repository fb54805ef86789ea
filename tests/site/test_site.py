"""The built site: complete, linked, self-contained, and no page against botocore's model."""

import html as html_of
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import botocore.session
import pytest
from mkdocs.config import load_config

from runbooks import catalog
from runbooks.appspec.rules import RULES
from runbooks.checks import all_checks
from site_hooks import facts
from tests.support import ROOT
from tests.support.built_site import Built, build
from tests.support.html import Tags, css_loads, foreign, loaded, tags

NAME = "InvalidRegistrationStatusException"
PERMALINKS = [
    line
    for line in (ROOT / "tests/site/permalinks.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


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
    """Reports and tickets link to pages of every kind, to each check and to each rule."""
    promised = {f"/{page}" for page in site.pages} | {f"/checks/#{check.id}" for check in all_checks()}
    promised |= {rule.page for rule in RULES.values()}
    assert promised - set(PERMALINKS) == set(), "add these to tests/site/permalinks.txt"


ANCHOR = re.compile(r'"/?((?:guides|exceptions|best-practices)/[A-Za-z-]+)(?:\.md|/)(#[a-z0-9-]+)')


def test_every_anchor_that_a_report_can_name_is_on_the_list() -> None:
    """Findings, explanations and the rules for the log lead to sections: those addresses end in tickets too."""
    sources = [path for kind in ("*.py", "*.json") for path in (ROOT / "runbooks").rglob(kind)]
    named = {f"/{page}/{anchor}" for path in sources for page, anchor in ANCHOR.findall(path.read_text())}
    assert len(named) > 10
    assert named - set(PERMALINKS) == set(), "add these to tests/site/permalinks.txt"


# Nothing from elsewhere


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
    for pinned in (wanted["dependencies"] | wanted["devDependencies"]).values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", pinned)


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
        said = " ".join(re.sub("<[^>]+>", "", model.shape_for(path.stem).documentation).split())
        assert said in html_of.unescape(strips[0])
        retried = (
            "botocore retries it" if path.stem == "ThrottlingException" else "botocore does not retry it"
        )
        assert retried in strips[0]
        assert "HTTP 400" in strips[0]


def test_a_strip_for_every_exception_of_the_model() -> None:
    for name, error in catalog.exceptions().items():
        strip = facts.panel(name)
        assert re.findall("<code>(.*?)</code>", strip) == list(error.operations)
        assert ("Deprecated" in strip) is bool(error.deprecated)
        assert ("AWS says" in strip) is bool(error.says)
    assert "botocore retries it" in facts.panel("ThrottlingException")
