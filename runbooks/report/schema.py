"""The published schema of a report's JSON."""

import json
from importlib.resources import files
from typing import Any

from runbooks import question


def schema() -> dict[str, Any]:
    """The JSON schema (2020-12) of `runbooks diagnose --format json`."""
    document: dict[str, Any] = json.loads((files(__package__) / "schema.json").read_text(encoding="utf-8"))
    document["properties"]["question"] = question.schema()
    return document
