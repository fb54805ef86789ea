"""The hooks of the site's build, on small sites of their own."""

import re
from pathlib import Path
from typing import Any

import pytest

from site_hooks import names
from site_hooks.trim import trim
from tests.support import ROOT
from tests.support.built_site import Built, refusal, small_site
from tests.support.html import tags

NAME = "InvalidRegistrationStatusException"


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


def test_every_way_of_knowing_has_its_place_on_its_page(site: Built) -> None:
    """Links of old tickets lead there."""
    explained = {attributes.get("id") for _, attributes in tags(site.path / "provenance/index.html")}
    assert set("vdixu") <= explained


def test_no_page_marks_a_fact_with_a_letter(site: Built) -> None:
    """What is not verified says so in words."""
    for path in site.path.rglob("*.html"):
        text = re.sub(
            r"<pre\b.*?</pre>|<code\b.*?</code>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL
        )
        assert not re.findall(r"\[[VDIXU]\]", text), path


def test_long_names_may_break_at_their_seams() -> None:
    page: Any = None
    config: Any = None
    code = "<code>com.bean.LongClassName,path/to_thing.py</code><pre><span></span><code>com.bean.LongClassName,path/to_thing.py</code></pre>"
    broken = names.on_post_page(
        f"<h1>{NAME}</h1><i>{NAME} in a sentence</i><b>ShortName</b>{code}", page, config
    )
    assert (
        "<code>com.<wbr>bean.<wbr>Long<wbr>Class<wbr>Name,<wbr>path/<wbr>to_<wbr>thing.py</code><pre>"
        in broken
    )
    assert "<code>com.bean.LongClassName,path/to_thing.py</code></pre>" in broken
    assert "<h1>Invalid<wbr>Registration<wbr>Status<wbr>Exception</h1>" in broken
    assert f"<i>{NAME} in a sentence</i>" in broken
    assert "<b>ShortName</b>" in broken


def test_the_words_of_a_command_do_not_break_at_their_hyphens(tmp_path: Path) -> None:
    page = "# A\n\n```bash\naws deploy get-thing --name web-01 # a\n```\n\n```python\nx = a-b\n```\n"
    html = (small_site(tmp_path, {"a.md": page}, ("names",)) / "a/index.html").read_text(encoding="utf-8")
    kept = re.findall(r'<span class="word">(.*?)</span>', html)
    assert kept == ["get-thing", "--name", "web-01"]
    assert "language-bash" in html  # no attribute was taken for a word


CSS = """@charset "UTF-8";/* c */.used{a:b}.gone{a:b}.used .gone,.used>p{a:"};.gone{"}
@media print{.gone{a:b}}@media (x){.used{a:b}.gone{a:b}}.a:not(.gone){a:b}.tabbed--next{a:b}
[dir=rtl] p{a:b}[dir=ltr] p{a:b}[data-md-color-primary=red]{a:b}@keyframes k{0%{a:b}}p{background:url('data:;{')}"""


def test_only_rules_that_cannot_matter_are_trimmed() -> None:
    kept = trim(CSS, '<p class="used a" dir="ltr">`tabbed--${type}`')
    assert kept == (
        '@charset "UTF-8";.used{a:b}.used>p{a:"};.gone{"}@media (x){.used{a:b}}.a:not(.gone){a:b}'
        '.tabbed--next{a:b}[dir=ltr] p{a:b}@keyframes k{0%{a:b}}p{background:url("data:;{")}'
    )


def test_our_scripts_are_smaller_in_the_site(site: Built) -> None:
    """The tests of the browser run them as they are here."""
    for source in (ROOT / "docs/assets/javascripts").glob("*.js"):
        built = (site.path / "assets/javascripts" / source.name).read_text(encoding="utf-8")
        assert 0 < len(built) < len(source.read_text(encoding="utf-8")) * 0.95, source.name


@pytest.mark.parametrize("folder", ["symptoms", "deployment-errors"])
def test_the_page_of_an_error_has_its_steps_once(site: Built, folder: str) -> None:
    """The page's own section stands in place of the one that the front matter would give."""
    for path in (site.path / folder).glob("*/index.html"):
        ids = [attributes.get("id") for _, attributes in tags(path)]
        assert ids.count("now") == 1, path
        assert {"now_1", "not-this_1"}.isdisjoint(ids), path


def test_no_script_has_a_template_inside_a_template() -> None:
    """What makes the scripts small does not know them, and takes the spaces out of the inner one."""
    inside = re.compile(r"\$\{[^}`\n]*`")
    scripts = sorted((ROOT / "docs" / "assets" / "javascripts").glob("*.js"))
    assert len(scripts) > 4
    assert [path.name for path in scripts if inside.search(path.read_text(encoding="utf-8"))] == []
