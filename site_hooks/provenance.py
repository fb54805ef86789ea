"""MkDocs hook: writes out how a fact is known, where it is not verified: [X] becomes "(inferred)".

Done on the HTML, where a tag inside code stays as it is. Each word links to its explanation.
"""

import re

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

_PAGE = "provenance.md"
_WORDS = {"I": "reported", "X": "inferred", "U": "not verified"}
_TAG = re.compile(r"\[([IXU])\]")
_SOURCED = re.compile(r"\s*\[[VD]\]")  # verified or documented: the source is at the foot of the page
_NOT_TEXT = re.compile(r"(<pre\b.*?</pre>|<code\b.*?</code>|<!--.*?-->|<[^>]+>)", re.DOTALL)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with its tags as words, linked to the page that explains them."""
    explained = files.get_file_from_path(_PAGE)
    if not explained:
        return html
    url = get_relative_url(explained.url, page.url)

    def words(text: str) -> str:
        return _TAG.sub(lambda tag: _link(tag[1], url), _SOURCED.sub("", text))

    parts = _NOT_TEXT.split(html)  # every other part is what the pattern found
    parts[::2] = map(words, parts[::2])
    return "".join(parts)


def _link(tag: str, url: str) -> str:
    return f'(<a class="provenance" href="{url}#{tag.lower()}">{_WORDS[tag]}</a>)'
