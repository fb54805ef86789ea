"""The examples in Java, compiled against classes that are made of AWS's model: see tests/support/java.py."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support import DOCS
from tests.support.java import IMPORTS, Version1, Version2, compiled, needs_javac, write

pytestmark = needs_javac
RECIPES = DOCS / "snippets/recipes"
PAGE = DOCS / "exceptions/InvalidRegistrationStatusException.md"


@pytest.fixture(scope="module", params=[Version1, Version2], ids=lambda version: version.__name__)
def sdk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A version of the SDK, and the folder that holds its classes."""
    return request.param, write(request.param, tmp_path_factory.mktemp("sdk"))


def example(version: Any) -> str:
    """The example of the page, in a method that gives it what it needs."""
    text = PAGE.read_text(encoding="utf-8")
    tab = text[text.index(f'=== "Java {version.__name__[-1]}"') :]
    code = tab.split("```java\n")[1].split("```")[0]
    return (
        f"{IMPORTS}import {version.package}.*;\nimport {version.package}.model.*;\n"
        f"class Example {{ List<String> names({version.client} client, String status) {{\n{code}\n}} }}"
    )


def test_the_example_of_the_exception_compiles(sdk: tuple[Any, Path]) -> None:
    version, root = sdk
    assert compiled(root, "Example", example(version)) == ""


@pytest.mark.parametrize("sdk", [Version2], indirect=True, ids=["Version2"])
@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("*.java")), ids=lambda path: path.stem)
def test_each_recipe_compiles(recipe: Path, sdk: tuple[Any, Path]) -> None:
    assert compiled(sdk[1], recipe.stem, recipe.read_text(encoding="utf-8")) == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (r"InvalidRegistrationStatusException", "InvalidStatusException"),
        (r"[rR]egistrationStatus\(", "registrationState("),
        (r"(instanceNames|getInstanceNames)\(", "names("),
        (r"(requestId|getRequestId)\(", "id("),
        (r"names\.addAll\(", "names.add("),
    ],
)
def test_a_wrong_name_does_not_compile(right: str, wrong: str, sdk: tuple[Any, Path]) -> None:
    version, root = sdk
    broken, count = re.subn(right, wrong, example(version), count=1)
    assert count == 1
    assert "error:" in compiled(root, "Example", broken)
