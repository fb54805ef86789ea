"""What a link to a page calls it: the page's title, and the heading that the link leads to."""

import re
from functools import cache
from pathlib import Path

import yaml

_DOCS = Path(__file__).resolve().parent.parent / "docs"


@cache
def title(address: str) -> str:
    """The title of a page by its path on the site: "Check the agent: Log lines" of "/guides/check-the-agent/#log-lines".

    A page without a file of its own has the last part of its path.
    """
    path, _, anchor = address.strip("/").partition("#")
    path = path.strip("/")
    file = next((one for one in (_DOCS / f"{path}.md", _DOCS / path / "index.md") if one.is_file()), None)
    if file is None:
        return path.rpartition("/")[2].replace("-", " ")
    text = file.read_text(encoding="utf-8")
    front = yaml.safe_load(text.split("---\n", 2)[1]) if text.startswith("---\n") else {}
    heading = re.search(r"^# (.+?)(?: \{ #.*\})?$", text, re.MULTILINE)
    name = str(front.get("title") or (heading[1] if heading else path.rpartition("/")[2]))
    below = re.search(rf"^#+ (.+?) \{{ #{re.escape(anchor)} \}}$", text, re.MULTILINE) if anchor else None
    return f"{name}: {below[1]}" if below else name
