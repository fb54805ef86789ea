"""Execute the runbooks and commit what they show: the golden outputs that nbval compares with.

``golden.py`` rewrites them, ``golden.py --check`` only says which differ (exit code 1).
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"

# The same on every machine and day; the runbooks bring their own sandbox with a clock of its own.
ENVIRONMENT = {
    "TZ": "UTC",
    "PYTHONHASHSEED": "0",
    "NO_COLOR": "1",
    "COLUMNS": "100",
}
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def main() -> int:
    """Write or check every notebook named (all when none is); gives the exit code."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument(
        "--check", action="store_true", help="write nothing, exit 1 when a golden output differs"
    )
    arguments.add_argument("notebooks", nargs="*", type=Path, help="default: all in notebooks/")
    asked = arguments.parse_args()
    os.environ.update(ENVIRONMENT)
    stale = 0
    for path in asked.notebooks or sorted(NOTEBOOKS.glob("*.ipynb")):
        try:
            golden = execute(path)
        except nbformat.reader.NotJSONError:
            print(f"{path.name} is not a notebook: it is not JSON; restore it with git.", file=sys.stderr)
            return 64
        if golden == path.read_text(encoding="utf-8"):
            print(f"{path.name}: as committed")
        elif asked.check:
            print(
                f"{path.name}: differs from its golden outputs; run `make golden` and look at the difference"
            )
            stale += 1
        else:
            path.write_text(golden, encoding="utf-8")
            print(f"{path.name}: written")
    return 1 if stale else 0


def execute(path: Path) -> str:
    """The notebook at ``path``, executed in a fresh kernel in its own folder, in canonical form."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        kernel_name=KERNEL["name"],
        timeout=120,
        record_timing=False,
        coalesce_streams=True,
        # ipykernel warns of an unencrypted TCP connection otherwise, in the outputs
        config=Config({"KernelManager": {"transport_encryption": "auto"}}),
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    return str(nbformat.writes(canonical(notebook), version=4)) + "\n"


def canonical(notebook: Any) -> Any:
    """``notebook`` without what depends on who ran it; execution counts are kept, since nbval skips cells without."""
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    for count, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count
            if "metadata" in output:
                output.metadata = {}
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(
            {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        )
    return notebook


if __name__ == "__main__":
    sys.exit(main())
