"""The pages of the runbooks: made from notebooks, with outputs in which nothing acts."""

import json
import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mkdocs.exceptions import Abort

from runbooks.findings import FAIL, OK, Span
from runbooks.report.as_html import fragment
from site_hooks import notebooks
from site_hooks.outputs import as_html, harmless
from tests.support.built_site import refusal, small_site
from tests.support.html import Tags
from tests.support.reports import AT, finding, report


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
        code("report", shows(html="<b>1 checked</b>", markdown="not this", plain="nor this")),
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
    assert "<b>1 checked</b>" in html
    assert "not this" not in html
    assert "nor this" not in html
    assert "one\ntwo" in html
    assert "ValueError: no" in html
    assert "\x1b" not in html


def link(path: str) -> str:
    """A link as reports have it, to the guide that `make run` serves."""
    return f'<a href="http://127.0.0.1:8000/{path}">http://127.0.0.1:8000/{path}</a>'


def test_outputs_link_within_the_site(tmp_path: Path) -> None:
    html = runbook_page(tmp_path, code("x", shows(html=link("guides/a/#there"))))
    assert '<a href="../../guides/a/#there">/guides/a/#there</a>' in html


def test_an_output_that_links_to_no_page_stops_the_build(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(Abort):
        runbook_page(tmp_path, code("x", shows(html=link("gone/"))))
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
        shows(markdown=f"Name {HOSTILE} [x](javascript:alert(1))", plain=f"Name {HOSTILE}"),
        shows(
            html=f'Name {HOSTILE} <a href="data:text/html,z">y</a><p style="background:url(//x);color:red" class="md-x" id="y">z'
        ),
        shows(
            html=f'<style>x</style><table border="1"><tr><td>Name {HOSTILE}</table><a href="JavaScript:x">l</a>'
        ),
        shows(
            html=f'Name <svg onload="x()" class="y"><script>x()</script><path d="M0" style="background-color:url(//x)"/>{HOSTILE}'
            '<foreignObject><img src=x></foreignObject><a xlink:href="javascript:x()">y</a><use href="//x"/></svg>'
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
        assert "url(" not in attributes.get("style", "")
        assert not {"class", "id"} & set(attributes) or tag in ("div", "code")
    assert html.count("<div") == html.count("</div>") == 1  # it closes nothing of the page
    assert "</article>" not in html


def test_harmless_html_keeps_what_a_report_needs() -> None:
    table = '<table><tbody><tr><th scope="col">a</th><td colspan="2">b &amp; c<br></td></tr></tbody></table>'
    assert harmless(table) == table
    proof = '<p style="margin:0.3em 0">x</p><details><summary>proof</summary><small>y</small></details>'
    assert harmless(proof) == proof
    shown = fragment(report(finding(FAIL, times=(AT,)), OK).contents)
    kept = harmless(shown)
    for part in (
        "<svg ",
        "<path ",
        "viewBox=",
        "aria-label=",
        "background-color:#cf222e",
        "<details",
        "<li><code>",
    ):
        assert kept.count(part) == shown.count(part) > 0, part
    event = Span("web-01", "Install", "Failed", AT, AT)
    drawn = fragment(report(replace(finding(FAIL), spans=(event,))).contents)
    for part in ("<rect ", "<title>", "fill=", 'role="img" aria-label="The events', "display:flex", "flex:"):
        assert harmless(drawn).count(part) == drawn.count(part) > 0, part
    assert harmless('<a href="https://x/?a=1&amp;b=2">l</a>') == '<a href="https://x/?a=1&amp;b=2">l</a>'
    assert harmless('<a href="/x">l</a><a href="x">l</a>') == "<a>l</a><a>l</a>"
    assert harmless('<p style="position:fixed;margin:0" class="md-x" id="y">a') == '<p style="margin:0">a</p>'
    assert harmless("<p>a<b>c") == "<p>a<b>c</b></p>"
    assert harmless("</script>a<script>b<b>c</script>d") == "ad"


def test_long_plain_output_is_folded() -> None:
    long = as_html({"output_type": "stream", "name": "stdout", "text": "x\n" * 13})
    assert "<summary>Output (13 lines)</summary>" in long
    assert "<details" not in as_html({"output_type": "stream", "name": "stdout", "text": "x\n" * 12})


def test_a_published_page_leads_nowhere_on_the_readers_machine(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(notebook(OPENING, code("x", shows(plain="y"))), encoding="utf-8")
    assert "127.0.0.1" in notebooks.render(path)[0]
    assert "127.0.0.1" not in notebooks.render(path, published=True)[0]
