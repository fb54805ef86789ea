"""MkDocs hook: the Markdown of each page beside it, for programs that read text.

The twin of `exceptions/X/` is `exceptions/X.md`: what the page says after the hooks and the snippets, without what only
a browser can use. It lies where its source lies, so links between sources lead from twin to twin.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markdown import Markdown
from markdownify import markdownify
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

from site_hooks import facts, notebooks

_CODE = re.compile(r"(^[ \t]*(`{3,}|~{3,}).*?^[ \t]*\2[ \t]*$|`[^`\n]+`)", re.DOTALL | re.MULTILINE)
_OUTPUT = re.compile(r'<div class="output" data-output="(\d+)"></div>')
_BLOCK = re.compile(r'^<(div|dl) class="(?:check|facts)">.*?^</\1>$', re.DOTALL | re.MULTILINE)
_FOR_BROWSERS = re.compile(
    r"<form.*?</form>|<script.*?</script>|<!--.*?-->|[ \t]*\{:?[ \t]*[#.][^}\n]*\}|<span id=[^>]*></span>|^</?(?:div|section)\b[^>]*>$",
    re.DOTALL | re.MULTILINE,
)
_LINK = re.compile(r"(\]\()([^)#\s]+\.ipynb)(?=[)#])")
_SERVED = re.compile(rf"{re.escape(notebooks.GUIDE)}([\w./-]*)")


def on_env(env: Environment, config: MkDocsConfig, files: Files) -> Environment:
    """Write the twins, now that the text of every page is known."""
    snippets = Markdown(
        extensions=["pymdownx.snippets"], extension_configs={"pymdownx.snippets": _snippets(config)}
    ).preprocessors["snippet"]
    for file in files.documentation_pages():
        if file.page and file.page.markdown is not None:
            path = Path(config.site_dir, twin(file.src_uri))
            path.parent.mkdir(parents=True, exist_ok=True)
            lines = snippets.run(file.page.markdown.split("\n"))
            path.write_text(_whole("\n".join(lines), file.page, files), encoding="utf-8")
    return env


def twin(uri: str) -> str:
    """Where the twin of a page lies, from its source's path."""
    return re.sub(r"\.ipynb$", ".md", uri)


def _snippets(config: MkDocsConfig) -> dict[str, Any]:
    settings: dict[str, Any] = config.mdx_configs.get("pymdownx.snippets", {})
    return settings


def _whole(markdown: str, page: Page, files: Files) -> str:
    link = page.canonical_url or get_relative_url(page.url or ".", twin(page.file.src_uri))
    head, _, rest = as_text(markdown, page, files).strip().partition("\n")
    return f"{head}\n\nThe page: [{page.title}]({link})\n{rest}\n"


def as_text(markdown: str, page: Page, files: Files) -> str:
    """The Markdown of a page, without marks and HTML that only a browser can use."""
    parts = _CODE.split(_with_html_as_markdown(markdown, page, files))
    plain = [_FOR_BROWSERS.sub("", _links(text, page, files)) for text in parts[::3]]
    text = "".join(part for pair in zip(plain, [*parts[1::3], ""], strict=True) for part in pair)
    return re.sub(r"\n{3,}", "\n\n", text)


def _with_html_as_markdown(markdown: str, page: Page, files: Files) -> str:
    if name := page.meta.get("exception"):
        markdown = markdown.replace(facts.MARKER, facts.panel(name))
    outputs = getattr(page.file, "outputs", ())
    markdown = _OUTPUT.sub(lambda place: _local(_markdown_of(outputs[int(place[1])]), page, files), markdown)
    return _BLOCK.sub(lambda block: _markdown_of(block[0]), markdown)


def _markdown_of(html: str) -> str:
    apart = html.replace("</summary>", "</summary><br>")  # or its text runs into the text below it
    return "\n" + str(markdownify(apart, heading_style="ATX", bullets="-")).strip() + "\n"


def _local(output: str, page: Page, files: Files) -> str:
    """``output`` with addresses of the guide that `make run` serves turned into links to twins."""
    uris = {notebooks.address_of(file): twin(file.src_uri) for file in files.documentation_pages()}
    return _SERVED.sub(lambda url: get_relative_url(uris[url[1]], twin(page.file.src_uri)), output)


def _links(text: str, page: Page, files: Files) -> str:
    """``text`` with links to the pages of notebooks turned into links to their twins; downloads stay."""

    def to_twin(link: re.Match[str]) -> str:
        uri = posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), link[2]))
        file = files.get_file_from_path(uri)
        return link[1] + (twin(link[2]) if file and file.is_documentation_page() else link[2])

    return _LINK.sub(to_twin, text)
