"""What the tests of the runbooks share."""

import shutil
from pathlib import Path

import pytest

from runbooks import runbook as room
from tests.support import ROOT


@pytest.fixture(autouse=True)
def incidents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the copies, for this test alone."""
    monkeypatch.setattr(room, "INCIDENTS", tmp_path / "incidents")
    return tmp_path / "incidents"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of notebooks with one in it, ``own``, made from the agent's."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    shutil.copy(ROOT / "notebooks" / "agent.ipynb", folder / "own.ipynb")
    monkeypatch.setattr(room, "NOTEBOOKS", folder)
    return folder / "own.ipynb"
