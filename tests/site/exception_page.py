"""The page of the exception, read section by section."""

import re
import textwrap
from typing import Any

import botocore.exceptions
import botocore.session

from tests.support import DOCS

NAME = "InvalidRegistrationStatusException"
OPERATION = "ListOnPremisesInstances"
PAGE = DOCS / "exceptions" / f"{NAME}.md"
SNIPPETS = DOCS / "snippets" / NAME


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def section(anchor: str) -> str:
    """The text of one section of the page, without its heading."""
    found = re.search(rf"^## .* {{ #{anchor} }}\n(.*?)(?=^## |\Z)", page(), re.MULTILINE | re.DOTALL)
    assert found, f"no section #{anchor}"
    return found[1]


def enum(service: str) -> list[str]:
    """The values of the type RegistrationStatus in a service's model."""
    shape: Any = botocore.session.get_session().get_service_model(service).shape_for("RegistrationStatus")
    return list(shape.enum)


def rows(text: str) -> list[list[str]]:
    """The cells of the rows of the first table in a text, without its head."""
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert table, "no table"
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[0].splitlines()[2:]]


def shell_blocks(anchor: str) -> list[str]:
    """The commands that a section shows, block by block."""
    found = re.findall(r"^( *)```bash\n((?:.*\n)*?)\1```$", section(anchor), re.MULTILINE)
    return [textwrap.dedent(block) for _, block in found]
