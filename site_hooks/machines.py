"""MkDocs hook: `index.json`, one row for each error, code, symptom and check, for programs that look one up.

`errors.json` is how a text is read; this is what to tell of it. `docs/schemas/index-1.json` is its schema.
"""

import json
from typing import Any

import botocore
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files

from runbooks.checks import MODULES, all_checks
from runbooks.decoder.index import document, index
from runbooks.decoder.result import SOURCES, diagnose_command
from runbooks.findings import Check
from runbooks.text.links import short
from site_hooks.errors import command

SCHEMA = 1
_PLAIN = ("do", "runbook", "guide", "who", "retry")
_LISTS = ("codes", "operations", "checks", "like")


@event_priority(-100)  # when every page is there
def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add index.json."""
    text = json.dumps(machine_index(files, config), indent=1, ensure_ascii=False) + "\n"
    files.append(File.generated(config, "index.json", content=text))
    return files


def machine_index(files: Files, config: MkDocsConfig) -> dict[str, Any]:
    """The rows of all errors and checks; addresses are paths from the site's root, as this build writes them."""
    errors = [_error(row, files) for row in json.loads(document())["entries"]]
    return {
        "schema_version": SCHEMA,
        "site": config.site_url or None,
        "botocore": botocore.__version__,
        "entries": errors + [_check(check, files) for check in all_checks()],
    }


def _error(row: dict[str, Any], files: Files) -> dict[str, Any]:
    retry = row.get("retry")
    modelled = row["kind"] == "exception"
    return {
        "code": row["name"],
        "kind": row["kind"],
        "error_category": index().grammar["kinds"][row["kind"]],
        **_addresses(row["page"], files),
        "title": row["title"],
        "summary": row.get("says", ""),
        **{key: row.get(key, "") for key in _PLAIN},
        **{key: row.get(key, []) for key in _LISTS},
        "command": command(index().entries[row["name"]]),
        "http_status": row.get("http_status"),
        "retryable": retry == "yes",
        "retried_by_botocore": row.get("retried"),
        "retry_after": None,
        "owner_action_required": retry != "yes",
        "verified": {
            "by": "botocore's model" if modelled else SOURCES[row.get("tag", "X")],
            "on": f"botocore {botocore.__version__}" if modelled else None,
        },
    }


def _check(check: Check, files: Files) -> dict[str, Any]:
    module = next(module for module in MODULES if module.__name__.endswith(f".{check.category}"))
    return {
        "code": check.id,
        "kind": "check",
        "error_category": module.TITLE,
        **_addresses(f"/checks/{check.category}/#{check.id}", files),
        "title": check.title,
        "summary": check.description,
        "runbook": module.RUNBOOK,
        "guide": module.GUIDE,
        "command": diagnose_command((check.id,)),
    }


def _addresses(page: str, files: Files) -> dict[str, str]:
    path, _, anchor = page.strip("/").partition("/#")
    file, leads = files.get_file_from_path(f"{path}.md"), files.get_file_from_path("e.md")
    assert file, page  # noqa: S101 - the hook of errors refuses an error without a page
    assert leads, "docs/e.md"  # noqa: S101
    fragment = f"#{anchor}" if anchor else ""
    return {
        "url": f"/{file.url}{fragment}",
        "md_url": f"/{file.src_uri}{fragment}",
        "short_url": short(anchor or file.name, f"/{leads.url}"),
    }
