"""MkDocs hook: "Reproduce it", the section of an error that the sandbox or the command line itself can show.

The page's front matter holds the call (`reproduce`), and `reproductions.json` what it printed: `make errors` runs them all.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from runbooks.decoder.index import Entry, index

RECORD = Path(__file__).with_name("reproductions.json")
HEADING = "## Reproduce it { #reproduce }"
SOURCES = "\n## Sources { #sources }"
_VERSION = "Version 2 of the command line begins the line with `aws: [ERROR]:`."
_WITHIN = (  # of the kinds whose error no service answers
    "The command line gives up by itself here: neither the sandbox nor AWS was asked."
)
_PLAYED = "**The sandbox answered, not AWS.** It plays this deployment in the scenario; a text that ends in `[sandbox]` is its own."
_ANY = " The sandbox lets a key that it does not know do everything."
_GENERAL = "**The sandbox answered, not AWS,** in the form that every service of AWS has for it."


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with its reproduction above its sources. PluginError: what it prints was not recorded."""
    if "reproduce" not in page.meta:
        return markdown
    address = f"/{page.file.src_uri.removesuffix('.md')}/"
    row = recorded().get(address)
    if row is None:
        raise PluginError(f"{page.file.src_uri}: reproductions.json does not have it; run `make errors`.")
    (entry,) = (entry for entry in index().entries.values() if entry.page == address)
    text, sources, rest = markdown.partition(SOURCES)
    return f"{text.rstrip()}\n\n{section(entry, row)}\n{sources}{rest}"


def section(entry: Entry, row: dict[str, str]) -> str:
    """The section of one error: how to start the sandbox, the call, what it prints, and who answered."""
    return f"""{HEADING}

In the sandbox, without an account. Start it, and copy the `export` lines that it prints into a second terminal:

```sh
runbooks sandbox --scenario {row["sandbox"]}
```

```bash
{row["run"].rstrip()}
```

It prints:

```text
{row["prints"]}
```

{_honestly(entry, row["prints"])}{_ANY * row["run"].startswith("AWS_ACCESS_KEY_ID=ANY ")}
"""


def _honestly(entry: Entry, prints: str) -> str:
    if entry.kind == "exception":
        operation = prints.partition("when calling the ")[2].partition(" ")[0]
        said = (
            f"**The sandbox answered, not AWS.** botocore's model declares this error for `{operation}`. Whether AWS gives it "
            "for this very call, and with which text, is not verified."
        )
    elif entry.kind in ("client", "cli"):
        return _WITHIN
    else:
        said = _GENERAL if entry.kind == "refusal" else _PLAYED
    return f"{said} {_VERSION}" if prints.startswith("An error occurred") else said


@cache
def recorded() -> dict[str, dict[str, str]]:
    """What each call printed, by the address of its page."""
    record: dict[str, dict[str, str]] = json.loads(RECORD.read_text(encoding="utf-8"))
    return record


def on_config(config: MkDocsConfig, **_: Any) -> MkDocsConfig:
    """Read the record again when the site is rebuilt."""
    recorded.cache_clear()
    return config
