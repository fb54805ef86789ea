"""MkDocs hook: publish the JSON schemas that the package makes."""

import json
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from runbooks.report.as_json import SCHEMA
from runbooks.report.schema import schema


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Add the schema of the present version beside those of earlier ones, which are files."""
    text = json.dumps(schema(), indent=2) + "\n"
    files.append(File.generated(config, f"schemas/report-{SCHEMA}.json", content=text))
    return files
