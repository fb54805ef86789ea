"""Notebooks as the tests read and run them."""

from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient


def parameters_of(notebook: Path) -> str:
    """The source of the cell with the parameters."""
    cells = nbformat.read(notebook, as_version=4).cells
    (source,) = [cell.source for cell in cells if "parameters" in cell.metadata.get("tags", ())]
    return str(source)


def executed(*sources: str, goes_on: bool = False) -> list[Any]:
    """Code cells, after they ran in one kernel; one that fails stops it unless ``goes_on``."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    NotebookClient(notebook, kernel_name="python3", allow_errors=goes_on).execute()
    return list(notebook.cells)
