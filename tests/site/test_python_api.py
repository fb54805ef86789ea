"""The page of the Python API."""

import pytest
from mkdocs.exceptions import PluginError

import runbooks
from site_hooks.python_api import described, on_page_markdown
from tests.support import ROOT

PAGE = (ROOT / "docs" / "develop" / "python-api.md").read_text(encoding="utf-8")


def test_the_page_describes_every_public_name() -> None:
    page = on_page_markdown(PAGE)
    for name in runbooks.__all__:
        assert f"\n::: runbooks.{name}\n" in PAGE
        assert f"## `{name}` {{ #{name.lower()} }}" in page
    assert ":::" not in page


def test_a_signature_is_code_that_is_the_same_in_each_build() -> None:
    page = described("runbooks.diagnose")
    assert "    aws: Aws,\n    *,\n" in page
    assert " = cell,\n" in page
    assert ") -> Report\n" in page
    assert "0x" not in page


def test_a_method_is_called_without_its_self() -> None:
    assert "Report.render(\n    format: str,\n) -> str" in described("runbooks.report.Report.render")


@pytest.mark.parametrize("name", ["runbooks.nothing", "runbooks.nowhere.thing"])
def test_a_name_that_does_not_exist_stops_the_build(name: str) -> None:
    with pytest.raises(PluginError, match=name):
        described(name)


def test_a_name_without_a_docstring_stops_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runbooks.explain, "__doc__", None)
    with pytest.raises(PluginError, match=r"runbooks\.explain .* no docstring"):
        described("runbooks.explain")
