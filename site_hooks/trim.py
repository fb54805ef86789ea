"""MkDocs hook: makes what each page loads smaller.

It drops the comments of our own scripts, and the rules of the theme's style sheets that no page of this site can use.

A rule stays when every class it names occurs somewhere in a page or a script, as a word. A rule that matters is
never dropped; at worst one stays that is not needed.
"""

import re
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import rjsmin
import tinycss2
from mkdocs.config.defaults import MkDocsConfig

_BLOCKS = ("media", "supports")  # at-rules that hold rules of the kind we drop
_SET_BY_PAGES = re.compile(r'(dir|data-md-color-(?:scheme|primary|accent))="?([\w-]+)')


def on_post_build(config: MkDocsConfig) -> None:
    """Rewrite our scripts and the theme's style sheets in the built site."""
    site = Path(config.site_dir)
    for source in Path(config.docs_dir).glob("assets/javascripts/*.js"):
        built = site / source.relative_to(config.docs_dir)
        built.write_text(rjsmin.jsmin(source.read_text(encoding="utf-8")), encoding="utf-8")
    scripts = (path for path in site.glob("assets/javascripts/*.js") if "mermaid" not in path.name)
    used = "\n".join(path.read_text(encoding="utf-8") for path in (*site.rglob("*.html"), *scripts))
    for sheet in site.glob("assets/stylesheets/*.min.css"):
        sheet.write_text(trim(sheet.read_text(encoding="utf-8"), used), encoding="utf-8")


def trim(css: str, used: str) -> str:
    """``css`` without the rules that nothing in ``used``, the text of all pages and scripts, can match."""
    words = set(re.findall(r"[\w-]+", used))

    def occurs(name: str) -> bool:
        return (
            name in words or f"{name.partition('--')[0]}--" in words
        )  # scripts build `tabbed-control--${type}`

    def can_match(selector: list[Any]) -> bool:
        """Whether it names only what occurs. What is inside :not() or :is() may be absent."""
        classes = [name.value for dot, name in pairwise(selector) if dot == "." and name.type == "ident"]
        attributes = [tinycss2.serialize(token.content) for token in selector if token.type == "[] block"]
        chosen = [match for text in attributes if (match := _SET_BY_PAGES.match(text))]
        return all(map(occurs, classes)) and all(f'{match[1]}="{match[2]}"' in used for match in chosen)

    def kept(rules: list[Any]) -> Iterator[str]:
        for rule in rules:
            if rule.type == "qualified-rule":
                selectors = [tinycss2.serialize(s) for s in _selectors(rule.prelude) if can_match(s)]
                if selectors:
                    yield f"{','.join(selectors)}{{{tinycss2.serialize(rule.content)}}}"
            elif rule.type == "at-rule" and rule.lower_at_keyword in _BLOCKS:
                inside = "".join(kept(tinycss2.parse_rule_list(rule.content, True, True)))
                if inside:
                    yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inside}}}"
            else:
                yield rule.serialize()

    return "".join(kept(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)))


def _selectors(prelude: list[Any]) -> Iterator[list[Any]]:
    """The selectors of a list: its tokens, parted at the commas of the top level."""
    return (list(tokens) for is_comma, tokens in groupby(prelude, lambda part: part == ",") if not is_comma)
