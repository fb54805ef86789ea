"""MkDocs hook: where lines may break.

A long name may break at its seams, where a phone, a table or the navigation is too narrow for it. The words of a command
may not break at their hyphens.
"""

import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.pages import Page

_NAME = re.compile(
    r"(?<=>)(\s*)([A-Z][a-z]+(?:[A-Z][A-Za-z0-9]*)+)(\s*)(?=<)"
)  # all the text between two tags
_CODE = re.compile(
    r"(?<=<code>)[^<]{18,}(?=</code>)"
)  # in a sentence or a table; a block's <code> follows <pre>
_BLOCK = re.compile(r"(<pre\b.*?</pre>)", re.DOTALL)
_COMMAND = re.compile(r'(?<=<div class="language-)(?:bash|sh|console|text)\b.*?</pre>', re.DOTALL)
_HYPHENATED = re.compile(r"(?<!\S)(?=\S*-\w)\S{4,34}(?!\S)")
_TAG = re.compile(r"(<[^>]+>)")
_LONG = 18
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEAM = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[.,/:_=])(?=[A-Za-z]\w{3})")


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """The page with these breaks allowed and forbidden. What is copied stays the same."""
    parts = _BLOCK.split(_COMMAND.sub(_in_command, output))
    parts[::2] = [_CODE.sub(_in_code, _NAME.sub(_in_text, text)) for text in parts[::2]]
    return "".join(parts)


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:
    """The same for the page for lost addresses."""
    return _NAME.sub(_in_text, output_content)


def _in_text(match: re.Match[str]) -> str:
    before, name, after = match.groups()
    return before + (_CAPITAL.sub("<wbr>", name) if len(name) >= _LONG else name) + after


def _in_command(match: re.Match[str]) -> str:
    attributes, _, block = match[0].partition(">")
    parts = _TAG.split(block)
    parts[::2] = [_HYPHENATED.sub(r'<span class="word">\g<0></span>', text) for text in parts[::2]]
    return f"{attributes}>{''.join(parts)}"


def _in_code(match: re.Match[str]) -> str:
    return _SEAM.sub("<wbr>", match[0])
