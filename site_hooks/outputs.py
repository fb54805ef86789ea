"""A notebook cell's output as HTML in which nothing acts: what it shows came from AWS, or from a host."""

import re
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser
from typing import Any

from markdown import Markdown

_ANSI = re.compile(r"\x1b\[[0-9;]*m")

# What may stay of an output in HTML: text and its structure, no attribute but these.
_TAGS = frozenset(
    [
        *("a", "b", "br", "code", "div", "em", "hr", "i", "li", "ol", "p", "pre", "span", "strong", "ul"),
        *("table", "tbody", "td", "tfoot", "th", "thead", "tr"),
    ]
)
_ATTRIBUTES = {"th": ("scope", "colspan", "rowspan"), "td": ("colspan", "rowspan"), "a": ("href",)}
_VOID = ("br", "hr")
_DROPPED = ("script", "style")  # these go with their text


def as_html(output: dict[str, Any]) -> str:
    """The HTML of one output of a notebook, Markdown preferred. KeyError: it holds no kind of text, or is damaged."""
    kind = output["output_type"]
    if kind == "stream":
        return _preformatted(text_of(output["text"]))
    if kind == "error":
        return _preformatted(f"{output['ename']}: {output['evalue']}")
    data = output["data"]
    if "text/markdown" in data:
        return _block(_markdown(text_of(data["text/markdown"])))
    if "text/html" in data:
        return _block(text_of(data["text/html"]))
    return _preformatted(text_of(data["text/plain"]))


def text_of(source: str | list[str]) -> str:
    """The text of a part of a notebook, which may be written as one string or as a list of lines."""
    return source if isinstance(source, str) else "".join(source)


def harmless(html: str) -> str:
    """``html`` with nothing left in it that acts: known tags, their text, and links to http(s) only."""
    writer = _Harmless(html)
    return "".join([*writer.kept, *(f"</{tag}>" for tag in reversed(writer.open))])


def _block(html: str) -> str:
    return f'<div class="output" data-search-exclude>{harmless(html)}</div>'


def _preformatted(text: str) -> str:
    shown = escape(_ANSI.sub("", text).rstrip("\n"))
    return f'<div class="output highlight" data-search-exclude><pre><code class="no-copy">{shown}\n</code></pre></div>'


def _markdown(text: str) -> str:
    """Markdown as HTML; HTML in it is shown, not obeyed."""
    converter = Markdown(extensions=["tables", "fenced_code"])
    converter.preprocessors.deregister("html_block")
    converter.inlinePatterns.deregister("html")
    return str(converter.convert(text))


class _Harmless(HTMLParser):
    """Writes again what may stay, and escapes all text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.kept: list[str] = []
        self.open: list[str] = []  # an output may close what it opened, and nothing of the page around it
        self.dropping = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.dropping += tag in _DROPPED
        if tag in _TAGS and not self.dropping:
            self.kept.append(f"<{tag}{''.join(_attributes(tag, attrs))}>")
            self.open += [tag] if tag not in _VOID else []

    def handle_endtag(self, tag: str) -> None:
        self.dropping -= tag in _DROPPED and self.dropping > 0
        while tag in self.open and not self.dropping:
            last = self.open.pop()
            self.kept.append(f"</{last}>")
            if last == tag:
                break

    def handle_data(self, data: str) -> None:
        if not self.dropping:
            self.kept.append(escape(data))


def _attributes(tag: str, attrs: list[tuple[str, str | None]]) -> Iterator[str]:
    for name, value in attrs:
        safe = name != "href" or (value or "").startswith(("https://", "http://"))
        if name in _ATTRIBUTES.get(tag, ()) and safe:
            yield f' {name}="{escape(value or "")}"'
