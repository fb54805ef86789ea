"""MkDocs hook: the names that `/e/` leads on from, in place of `<!-- names -->`."""

import json

from markupsafe import escape
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

from runbooks.links import names

MARKER = "<!-- names -->"
SCRIPT = "assets/javascripts/links.js"


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with every name and the address of its page as this build writes it. PluginError: it has no page."""
    if MARKER not in html:
        return html
    # `*` stands for the name itself, which is most of an address: the page weighs half
    listed = [(name, _address(target, page, files).replace(name, "*")) for name, target in names().items()]
    data = json.dumps(listed, separators=(",", ":")).replace("<", "\\u003c")
    script = escape(get_relative_url(SCRIPT, page.url))
    made = (
        f'<script type="application/json" id="names">{data}</script>\n<script src="{script}" defer></script>'
    )
    return html.replace(MARKER, made)


def _address(target: str, page: Page, files: Files) -> str:
    path, _, anchor = target.strip("/").partition("/#")
    for uri in (f"{path}.md", f"{path}.ipynb", f"{path}/index.md"):
        if file := files.get_file_from_path(uri):
            return get_relative_url(file.url, page.url) + (f"#{anchor}" if anchor else "")
    raise PluginError(f"{page.file.src_uri}: the site has no page {target}.")
