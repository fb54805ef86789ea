"""MkDocs hook: puts third-party browser code into the site, straight from node_modules."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

_ASSETS = {
    "assets/javascripts/iframe-worker.js": "iframe-worker/shim/index.js",
    "assets/javascripts/mermaid.tiny.js": "@mermaid-js/tiny/dist/mermaid.tiny.js",
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the assets. PluginError: one is not installed."""
    modules = Path(config.config_file_path).parent / "node_modules"
    for uri, name in _ASSETS.items():
        path = modules / name
        if not path.is_file():
            raise PluginError(f"{path} is missing: run `make setup`, or `npm ci`, first.")
        files.append(File.generated(config, uri, abs_src_path=str(path)))
    return files
