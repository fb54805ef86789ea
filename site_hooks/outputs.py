"""A notebook cell's output as harmless HTML: what it shows came from AWS or from a host."""

import re
from html import escape
from typing import Any

import nh3

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_LONG = 12  # lines of plain output; more are folded

# What may stay of an output in HTML: text, its structure, a drawing of lines and bars. A `style` keeps layout and plain colours,
# nothing that can hold an address or take the text out of its place.
_CLEANER = nh3.Cleaner(
    tags={
        *("a", "b", "br", "code", "details", "div", "em", "hr", "i", "li", "ol", "p", "pre", "small", "span"),
        *("path", "rect", "strong", "summary", "svg", "table", "tbody", "td", "tfoot", "th", "thead"),
        *("title", "tr", "ul"),
    },
    clean_content_tags={"script", "style"},
    attributes={
        "*": {"style"},
        "a": {"href"},
        "path": {"d", "opacity", "stroke", "stroke-width", "vector-effect"},
        "rect": {"fill", "height", "width", "x", "y"},
        "svg": {
            *("aria-label", "fill", "preserveAspectRatio", "role", "stroke", "viewBox"),
        },
        "span": {"aria-hidden"},
        "div": {"role", "aria-label"},
        "td": {"colspan", "rowspan"},
        "th": {"scope", "colspan", "rowspan"},
    },
    filter_style_properties={
        *("background-color", "border-left", "border-radius", "color", "display", "font-weight", "height"),
        *(
            *("align-items", "flex", "gap", "min-width", "overflow", "text-overflow"),
            "margin",
            "max-width",
            "padding",
            "text-align",
            "user-select",
            "vertical-align",
            "white-space",
            "width",
        ),
    },
    url_schemes={"http", "https"},
    url_relative="deny",
    link_rel=None,
)


def as_html(output: dict[str, Any]) -> str:
    """The HTML of one output of a notebook. KeyError: it holds neither HTML nor text, or is damaged."""
    kind = output["output_type"]
    if kind == "stream":
        return _preformatted(text_of(output["text"]))
    if kind == "error":
        return _preformatted(f"{output['ename']}: {output['evalue']}")
    data = output["data"]
    if "text/html" in data:
        return f'<div class="output" data-search-exclude>{harmless(text_of(data["text/html"]))}</div>'
    return _preformatted(text_of(data["text/plain"]))


def text_of(source: str | list[str]) -> str:
    """The text of a part of a notebook, which may be written as one string or as a list of lines."""
    return source if isinstance(source, str) else "".join(source)


def harmless(html: str) -> str:
    """``html`` without anything that acts: known tags, their text, and links to http(s) only."""
    return _CLEANER.clean(html)


def _preformatted(text: str) -> str:
    text = _ANSI.sub("", text).rstrip("\n")
    shown = f'<pre><code class="no-copy">{escape(text)}\n</code></pre>'
    lines = text.count("\n") + 1
    if lines > _LONG:
        shown = f"<details><summary>Output ({lines} lines)</summary>{shown}</details>"
    return f'<div class="output highlight" data-search-exclude>{shown}</div>'
