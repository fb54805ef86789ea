"""MkDocs hook: lets long names break at their capitals, where a phone or the navigation is too narrow for them."""

import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.pages import Page

_NAME = re.compile(
    r"(?<=>)(\s*)([A-Z][a-z]+(?:[A-Z][A-Za-z0-9]*)+)(\s*)(?=<)"
)  # all the text between two tags
_LONG = 18
_SEAM = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """The page with a break allowed before each capital of a long name. What is copied stays the name."""
    return _NAME.sub(_breakable, output)


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:
    """The same for the page of lost addresses."""
    return _NAME.sub(_breakable, output_content)


def _breakable(match: re.Match[str]) -> str:
    before, name, after = match.groups()
    return before + (_SEAM.sub("<wbr>", name) if len(name) >= _LONG else name) + after
