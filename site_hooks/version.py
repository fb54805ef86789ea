"""MkDocs hook: the version in the footer and, where RUNBOOKS_REPO names the repository, an edit link on each page.

The theme's own setting for the repository is not used: with it, each page asks another host.
"""

from importlib.metadata import version

import botocore
from mkdocs.config.defaults import MkDocsConfig


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The settings with the footer's line and the address of a page's source."""
    config.copyright = (
        f"Version {version('codedeploy-field-guide')}, checked against botocore {botocore.__version__}"
    )
    if repository := config.extra["repository"]:
        config.edit_uri_template = f"{repository.rstrip('/')}/edit/main/docs/{{path}}"
    return config
