"""A copy of a runbook: with other parameters, without outputs. The committed notebook stays as it is."""

import ast
import itertools
import json
import re
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runbooks import commands
from runbooks import runbook as room
from runbooks.errors import UserError, runbooks_need
from runbooks.question import PARAMETERS
from runbooks.source import Place
from runbooks.streams import create
from runbooks.text.markup import code
from runbooks.text.mask import masked, plain
from runbooks.text.times import time

try:
    import nbformat
except ModuleNotFoundError as missing:
    raise runbooks_need(missing) from None

# On the parameters of a runbook that makes sense without an instance.
INSTANCE_OPTIONAL = "instance-optional"
_SUBJECTS = {"instance": "--instance NAME", "deployment": "--deployment ID"}  # what a runbook is about
# A cell that begins so holds the parameter `error`, as raw text: no quote and no backslash in it means anything.
_RAW = "%%explain\n"

_RUNBOOK_LINK = re.compile(r"\[([^\]]+)\]\(([\w-]+)\.ipynb\)")
_ASKS_A_SANDBOX = re.compile(r"As committed, .*? the same cells on your account\.")
_DAMAGE = (
    nbformat.ValidationError,
    *(ValueError, KeyError, AttributeError, TypeError, SyntaxError, StopIteration),
)


def open_runbook(name: str, **parameters: Any) -> Path:
    """Copy a runbook into ``incidents/`` with these parameters and without outputs; gives the copy's path.

    Raises `UserError` for a runbook or a parameter that does not exist, for a damaged notebook, and where the copy
    cannot be written.
    """
    notebook, _ = prepared(name, parameters)
    (path,) = save(name, {".ipynb": text_of(notebook)})
    return path


def prepared(name: str, parameters: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The runbook with these parameters and no outputs; and the values of all its parameters.

    Raises `UserError` as `open_runbook` does.
    """
    path = room.path_of(name)
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        known = _parameters(notebook)
    except _DAMAGE as error:
        why = plain(str(error)) or type(error).__name__
        raise UserError(
            f"The runbook {name} is damaged ({why[:120]}): `git checkout {path}` restores it."
        ) from None
    given = {key: _fitting(name, key, value, known) for key, value in parameters.items()}
    if "error" in given:  # it is only recognised, so its secrets need not be kept
        given["error"] = masked(given["error"])
    if given.get("target") == "aws":
        given = _examples(known) | given
        subject = next((one for one in _SUBJECTS if one in known), "")
        if subject and not given[subject] and not tagged(notebook, INSTANCE_OPTIONAL):
            raise UserError(
                f"The runbook {name} asks your account about one {subject}: give {_SUBJECTS[subject]}."
            )
    fill(notebook, given)
    values = known | given
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:  # a neighbour as it is committed would ask about something else
            cell.source = _RUNBOOK_LINK.sub(
                lambda link: f"{link[1]} ({_opens(link[2], values)})", cell.source
            )
            if values.get("target") == "aws":
                cell.source = _ASKS_A_SANDBOX.sub("This copy asks your own account.", cell.source)
    return notebook, values


def fill(notebook: Any, values: Mapping[str, Any]) -> None:
    """Put these values in the place of the notebook's own; comments stay."""
    for cell in notebook.cells:
        if tagged_cell(cell, "parameters"):
            cell.source = _filled(cell.source, values)
        elif _is_raw(cell) and "error" in values:
            # a line of its own even when it is empty: IPython refuses a cell of this kind without text
            cell.source = f"{_RAW}{_encodable(values['error'])}\n"


def text_of(notebook: Any) -> str:
    """The notebook as its file holds it."""
    return str(nbformat.writes(notebook, version=4)) + "\n"


def save(name: str, texts: Mapping[str, str]) -> list[Path]:
    """Write new files into ``incidents/``, for the owner alone: by suffix, what each holds. All of them or none.

    No two runs ever share a file, and no file is overwritten. Raises `UserError` where they cannot be written.
    """
    check_room()
    stamp = time(datetime.now(UTC), "%Y%m%dT%H%M%SZ")
    for number in itertools.count(1):
        stem = f"{stamp}-{name}{f'-{number}' if number > 1 else ''}"
        paths = {room.INCIDENTS / f"{stem}{suffix}": text for suffix, text in texts.items()}
        with suppress(FileExistsError), ExitStack() as undone:
            for path, text in paths.items():
                create(path, text)
                undone.callback(path.unlink)
            undone.pop_all()
            return list(paths)
    raise AssertionError("the numbers came to an end")


def check_room() -> None:
    """Make ``incidents/`` where it is not there; raises `UserError` where that cannot be done."""
    try:
        room.INCIDENTS.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UserError(f"{room.INCIDENTS} cannot be made: {error.strerror}.") from None


def tagged(notebook: Any, tag: str) -> bool:
    """Whether a cell of the notebook carries the tag."""
    return any(tagged_cell(cell, tag) for cell in notebook.cells)


def tagged_cell(cell: Any, tag: str) -> bool:
    """Whether the cell carries the tag."""
    return tag in cell.metadata.get("tags", ())


def _examples(known: Mapping[str, Any]) -> dict[str, Any]:
    """Empty values for the parameters whose own values belong to the sandbox.

    They are the names of things in an account: those that the table of `runbooks.question` leaves empty, and those
    that only a runbook has. On an account they are the user's to give, or left out.
    """
    defaults = {row.name: row.default for row in PARAMETERS}
    return {name: type(value)() for name, value in known.items() if defaults.get(name, "") == ""}


def _filled(source: str, values: Mapping[str, Any]) -> str:
    """The source of the parameters with these values in the place of its own; comments stay."""
    data = source.encode()
    lines = [0, *itertools.accumulate(len(line) for line in data.splitlines(keepends=True))]
    for name, value in reversed(list(_assigned(source))):
        if name in values:
            start = lines[value.lineno - 1] + value.col_offset
            end = lines[(value.end_lineno or 1) - 1] + (value.end_col_offset or 0)
            data = data[:start] + _literal(values[name]).encode() + data[end:]
    return data.decode()


def _assigned(source: str) -> list[tuple[str, ast.expr]]:
    """The names that a cell sets, and what it sets them to."""
    return [
        (line.targets[0].id, line.value)
        for line in ast.parse(source).body
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name)
    ]


def _literal(value: Any) -> str:
    """The value as Python source: whatever a text holds, the source means that text and nothing else."""
    # JSON escapes what Python does, and writes quotes as the cells do; of what cannot be printed repr alone is right
    readable = isinstance(value, str) and value.isprintable()
    return json.dumps(value, ensure_ascii=False) if readable else repr(value)


def _encodable(text: str) -> str:
    """``text`` with what no file can hold (half a character, out of a broken command line) made visible."""
    return text.encode("utf-8", "backslashreplace").decode()


def _opens(runbook: str, values: Mapping[str, Any]) -> str:
    """The command that opens another runbook on the same question, as Markdown."""
    place = Place(
        values.get("region", ""),
        values.get("profile", ""),
        str(values.get("target", "")).partition("sandbox:")[2],
    )
    path = room.NOTEBOOKS / f"{runbook}.ipynb"
    asked = _parameters(nbformat.read(path, as_version=4)) if path.is_file() else values
    about = {name: values[name] for name in _SUBJECTS if name in asked and name in values}
    return code(plain(commands.runbooks(place, "open", runbook, **about)))


def _parameters(notebook: Any) -> dict[str, Any]:
    """The parameters of a notebook, with the values that it gives them itself."""
    cell = next(cell for cell in notebook.cells if tagged_cell(cell, "parameters"))
    known = {name: ast.literal_eval(value) for name, value in _assigned(cell.source)}
    for raw in filter(_is_raw, notebook.cells):
        known["error"] = raw.source.removeprefix(_RAW)
    return known


def _is_raw(cell: Any) -> bool:
    return bool(cell.cell_type == "code" and cell.source.startswith(_RAW))


def _which_has(parameter: str) -> str:
    """Which runbooks have a parameter that this one does not have."""
    those = [name for name in room.names() if parameter in _parameters(nbformat.read(room.path_of(name), 4))]
    return f" A runbook that has it: {', '.join(those)}." if those else ""


def _fitting(runbook: str, name: str, value: Any, known: Mapping[str, Any]) -> Any:
    """``value`` as the parameter takes it: text from a command line becomes the number or the bool that is meant."""
    if name not in known:
        has = f"it has {', '.join(known)}"
        raise UserError(f"The runbook {runbook} has no parameter {name!r}: {has}.{_which_has(name)}")
    default = known[name]
    if isinstance(value, str) and not isinstance(default, str):
        with suppress(ValueError, SyntaxError):
            value = ast.literal_eval(value)
    fits = type(value) is type(default) or (type(default), type(value)) == (int, float)
    if not fits:
        raise UserError(
            f"The parameter {name} of the runbook {runbook} is {default!r} by itself, so it cannot be {value!r}."
        )
    return value
