"""What the tests read out of a page's HTML."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path


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
