"""MkDocs hook: turns the tags [V] [D] [I] [X] [U] of a page into badges that say where a fact comes from.

Done on the HTML: in Markdown `[V] [D]` would be one link, and a tag inside code must stay as it is.
"""

import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

_PAGE = "provenance.md"
_MEANING = {
    "V": "verified in AWS's service model, in source code or by an experiment",
    "D": "stated by AWS's documentation",
    "I": "reported by users in a public issue",
    "X": "inferred from other facts",
    "U": "not verified",
}
_TAG = re.compile(r"\[([VDIXU])\]")
_NOT_TEXT = re.compile(r"(<pre\b.*?</pre>|<code\b.*?</code>|<!--.*?-->|<[^>]+>)", re.DOTALL)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with its tags as links to the page that explains them."""
    explained = files.get_file_from_path(_PAGE)
    if not explained:
        return html
    url = get_relative_url(explained.url, page.url)
    parts = _NOT_TEXT.split(html)  # every other part is what the pattern found
    parts[::2] = [_TAG.sub(lambda tag: badge(tag[1], url), text) for text in parts[::2]]
    return "".join(parts)


def badge(tag: str, url: str) -> str:
    """The HTML of one badge; ``url`` is the page that explains the tags."""
    kind = f"provenance provenance--{tag.lower()}"
    says = f"{tag}: {_MEANING[tag]}"
    # The theme leaves it out of the search, where the letter would stand in the middle of a sentence.
    return f'<a class="{kind}" href="{url}#{tag.lower()}" title="{says}" data-search-exclude="1">{tag}</a>'
