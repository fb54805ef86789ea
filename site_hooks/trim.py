"""MkDocs hook: leaves out of the theme's style sheets what no page of this site can use: a quarter of them.

A rule stays when each class that it names occurs anywhere in a page or a script, as a word. So a rule that
matters cannot go; at worst one stays that is not needed.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_CONDITION = re.compile(r":[\w-]+\([^()]*\)")  # :not(.x), :is(.x, .y): these may be true without the class
_CLASS = re.compile(r"\.(-?[A-Za-z_][\w-]*)")
_SET_BY_PAGES = re.compile(r'\[(dir|data-md-color-(?:scheme|primary|accent))="?([\w-]+)"?\]')
_BLOCKS = ("@media", "@supports")


def on_post_build(config: MkDocsConfig) -> None:
    """Rewrite the theme's style sheets in the built site."""
    site = Path(config.site_dir)
    pages = "\n".join(path.read_text(encoding="utf-8") for path in site.rglob("*.html"))
    scripts = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (site / "assets/javascripts").glob("*.js")
        if "mermaid" not in path.name
    )
    for sheet in (site / "assets/stylesheets").glob("*.min.css"):
        sheet.write_text(trim(sheet.read_text(encoding="utf-8"), pages, scripts), encoding="utf-8")


def trim(css: str, pages: str, scripts: str) -> str:
    """``css`` without the rules that neither ``pages`` (HTML) nor ``scripts`` can bring to life."""
    words = set(re.findall(r"[\w-]+", pages + scripts))

    def lives(selector: str) -> bool:
        while selector != (selector := _CONDITION.sub("", selector)):
            pass
        # A script builds some names: `tabbed-control--${type}`.
        named = all(
            name in words or f"{name.partition('--')[0]}--" in words for name in _CLASS.findall(selector)
        )
        return named and all(f'{name}="{value}"' in pages for name, value in _SET_BY_PAGES.findall(selector))

    def kept(css: str) -> Iterator[str]:
        for head, body in _rules(css):
            if body is None:
                yield head
            elif head.startswith(_BLOCKS):
                inner = "".join(kept(body))
                yield f"{head}{{{inner}}}" if inner else ""
            elif head.startswith("@"):
                yield f"{head}{{{body}}}"
            elif selectors := ",".join(filter(lives, _split(head))):
                yield f"{selectors}{{{body}}}"

    return "".join(kept(_COMMENT.sub("", css)))


def _rules(css: str) -> Iterator[tuple[str, str | None]]:
    """The top-level rules: what stands before the braces, and what is inside; None for one without, like @import."""
    start = depth = 0
    head = ""
    for at in _structure(css, "{};"):
        if css[at] == "{":
            depth += 1
            if depth == 1:
                head, start = css[start:at].strip(), at + 1
        elif css[at] == "}":
            depth -= 1
            if depth == 0:
                yield head, css[start:at]
                start = at + 1
        elif depth == 0:
            yield css[start : at + 1], None
            start = at + 1


def _split(selectors: str) -> list[str]:
    """The selectors of a list; a comma within brackets does not part them."""
    depth, cuts = 0, [-1]
    for at in _structure(selectors, "()[],"):
        depth += selectors[at] in "(["
        depth -= selectors[at] in ")]"
        if selectors[at] == "," and depth == 0:
            cuts.append(at)
    return [selectors[a + 1 : b] for a, b in zip(cuts, [*cuts[1:], len(selectors)], strict=True)]


def _structure(css: str, marks: str) -> Iterator[int]:
    """Where ``marks`` occur, outside strings."""
    skipped = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\\."
    for match in re.finditer(rf"{skipped}|([{re.escape(marks)}])", css, re.DOTALL):
        if match[1]:
            yield match.start()
