"""The runbooks: copies of them to work in, runs without JupyterLab, and what their cells work with.

This module is light, so that a name that no runbook has is refused at once.
"""

import difflib
from pathlib import Path

from runbooks.errors import UserError

_LINK = Path(__file__).with_name("notebooks")
NOTEBOOKS = _LINK.resolve()  # a clone has a link here to its own; a wheel has the notebooks themselves
PROJECT = NOTEBOOKS.parent if _LINK.is_symlink() else Path.cwd()  # where a wheel works: the folder one is in
INCIDENTS = PROJECT / "incidents"  # what belongs to one incident; git ignores it


def names() -> list[str]:
    """The names of the runbooks."""
    return sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))


def path_of(name: str) -> Path:
    """The committed notebook of a runbook. Raises `UserError` for a name that no runbook has."""
    known = names()
    if not known:
        raise UserError(f"There are no runbooks in {NOTEBOOKS}: install the package again.")
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
        raise UserError(f"There is no runbook {name!r}. {hint}")
    return NOTEBOOKS / f"{name}.ipynb"
