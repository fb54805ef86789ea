"""The runbooks as files: a copy to work in, and a run without anybody at the keyboard.

The committed notebooks stay as they are. What belongs to one incident goes into ``incidents/``, which git ignores.
"""

import ast
import difflib
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import webbrowser
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runbooks.aws import connect, sandboxed
from runbooks.errors import UserError
from runbooks.report.as_html import page
from runbooks.text.links import page_url
from runbooks.text.mask import plain

try:
    import nbformat
    from nbclient.exceptions import CellExecutionError, DeadKernelError
    from traitlets.config import Config
except ModuleNotFoundError as missing:
    raise UserError(
        f"{missing.name} is not installed: `pip install 'codedeploy-field-guide[notebooks]'` brings what runbooks need."
    ) from None

PROJECT = Path(__file__).resolve().parents[2]
NOTEBOOKS = PROJECT / "notebooks"
INCIDENTS = PROJECT / "incidents"

# The cells that fail on purpose carry this tag; their reports do not count.
DEMONSTRATION = "demonstration"
# On the parameters of a runbook that makes sense without an instance.
INSTANCE_OPTIONAL = "instance-optional"
# Parameters whose defaults speak of the sandbox. On an account they are the user's to give, or left out.
EXAMPLES = ("error", "instance", "deployment_group", "bucket", "arn", "tags")

_DOCS_LINK = re.compile(r"\]\(\.\./docs/([\w/-]+)\.md(#[\w-]+)?\)")
_RUNBOOK_LINK = re.compile(r"\[([^\]]+)\]\(([\w-]+)\.ipynb\)")
_ASKS_A_SANDBOX = re.compile(r"As committed, .*? the same cells on your account\.")


@dataclass(frozen=True)
class Ran:
    """A run that came to its end: what was written, and the exit code of all its reports together."""

    notebook: Path
    report: Path
    exit_code: int
    verdicts: dict[str, str]  # by check: the last that was said of it


def names() -> list[str]:
    """The names of the runbooks."""
    return sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))


def parameters(name: str) -> dict[str, Any]:
    """The parameters of a runbook, and what each is by itself. Raises `UserError` as `open_runbook` does."""
    return _prepared(name, {})[1]


def open_runbook(name: str, **parameters: Any) -> Path:
    """Copy a runbook into ``incidents/`` with these parameters and without outputs; gives the copy's path.

    Raises `UserError` for a runbook or a parameter that there is not, and for a damaged notebook.
    """
    return _copied(name, _prepared(name, parameters)[0])


def run_runbook(name: str, **parameters: Any) -> Ran:
    """Execute a runbook with these parameters by papermill; its copy and an HTML report are in ``incidents/``.

    Raises `UserError` as `open_runbook` does, and as `connect` does for a target that cannot be asked: then
    nothing is written. With the exit code 2 it does so when a cell fails or the kernel dies: the copy holds what
    was done until there.
    """
    import papermill

    notebook, values = _prepared(name, parameters)
    _check_target(values)
    path = _copied(name, notebook)
    try:
        done = papermill.execute_notebook(
            str(path),
            str(path),
            cwd=str(NOTEBOOKS),
            kernel_name="python3",
            progress_bar=sys.stderr.isatty(),
            execution_timeout=600,
            # ipykernel warns of an unencrypted TCP connection otherwise, on standard error
            config=Config({"KernelManager": {"transport_encryption": "auto"}}),
        )
    except (papermill.PapermillExecutionError, CellExecutionError) as error:
        what = plain(str(getattr(error, "evalue", error)))
        told = what if error.ename == "UserError" else f"{error.ename}: {what}"
        raise UserError(f"{told} (runbook {name}, as far as it came: {path})", 2) from None
    except (DeadKernelError, RuntimeError, TimeoutError) as error:
        raise UserError(
            f"The kernel of the runbook {name} ended before its time: {plain(str(error))} (as far as it came: {path})",
            2,
        ) from None
    report = path.with_suffix(".html")
    _write(report, as_html(done, name))
    said = _said(done)
    verdicts = {check: verdict for row in said for check, verdict in row["verdicts"].items()}
    exit_code = 2 * (set(verdicts.values()) <= {"SKIP"})  # a run to which nothing applied did not look
    for row in said:  # a step that did not apply is no step that could not look
        exit_code |= row["exit_code"] if set(row["verdicts"].values()) - {"SKIP"} else 0
    return Ran(path, report, exit_code, verdicts)


def as_html(notebook: Any, name: str) -> str:
    """An executed notebook as one HTML file, without any script or foreign address."""
    from nbconvert import HTMLExporter

    for cell in notebook.cells:  # the line of progress leaves an output of no kind behind
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("data") != {}]
        else:  # the file may end in a ticket, far from its neighbours
            cell.source = _DOCS_LINK.sub(_to_the_guide, cell.source)
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    return page(f"CodeDeploy runbook {name}", body)


def lab_address(path: Path) -> str:
    """Where a JupyterLab that runs on this project shows the file, with its token; "" when none runs."""
    from jupyter_server.serverapp import list_running_servers

    for server in list_running_servers():
        if Path(server["root_dir"]).resolve() == PROJECT:
            token = f"?token={server['token']}" if server["token"] else ""
            return f"{server['url']}lab/tree/{path.relative_to(PROJECT)}{token}"
    return ""


def show(path: Path, *, browser: bool = True) -> None:
    """Open the file in the JupyterLab that runs on this project, or start one until Ctrl-C."""
    address = lab_address(path)
    if address:
        print(f"It is open to you at {address}")
        if browser:
            webbrowser.open(address)
        return
    command = [sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1"]
    command += [
        f"--ServerApp.root_dir={PROJECT}",
        f"--LabApp.default_url=/lab/tree/{path.relative_to(PROJECT)}",
    ]
    command += [] if browser else ["--no-browser"]
    command += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    settings = os.environ | {"JUPYTER_CONFIG_PATH": str(PROJECT / "tools" / "jupyter")}
    print("JupyterLab starts; it prints its address, and Ctrl-C ends it.", flush=True)
    with suppress(KeyboardInterrupt):
        subprocess.run(command, cwd=PROJECT, env=settings, check=False)


def _to_the_guide(link: re.Match[str]) -> str:
    return f"]({page_url(f'/{link[1]}/')}{link[2] or ''})"


def _copied(name: str, notebook: Any) -> Path:
    path = _free(name)
    _write(path, str(nbformat.writes(notebook, version=4)) + "\n")
    return path


def _check_target(values: dict[str, Any]) -> None:
    """Raise what `connect` would raise in the runbook's own cell."""
    target = str(values.get("target", ""))
    if target.startswith("sandbox:"):
        sandboxed.check_scenario(target.partition(":")[2])
    else:
        connect(target, profile=values.get("profile", ""), region=values.get("region", ""))


def _prepared(name: str, parameters: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The runbook with the parameters filled in and no outputs; and what its parameters are."""
    from papermill.iorw import load_notebook_node

    path = NOTEBOOKS / f"{name}.ipynb"
    if not names():
        raise UserError(f"There are no runbooks in {NOTEBOOKS}: run this in a clone of the project.")
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(names())}."
        raise UserError(f"There is no runbook {plain(name)!r}. {hint}")
    try:
        notebook = load_notebook_node(str(path))
        known = _parameters(notebook)
    except _DAMAGE as error:
        why = plain(str(error)) or type(error).__name__
        raise UserError(
            f"The runbook {name} is damaged ({why[:120]}): `git checkout {path}` restores it."
        ) from None
    filled = {key: _fitting(name, key, value, known) for key, value in parameters.items()}
    if filled.get("target") == "aws":
        filled = {key: type(known[key])() for key in known if key in EXAMPLES} | filled
        if "instance" in known and not filled["instance"] and not _tagged(notebook, INSTANCE_OPTIONAL):
            raise UserError(f"The runbook {name} asks your account about one instance: give --instance NAME.")
    values = known | filled
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            if "parameters" in cell.metadata.get("tags", ()):
                cell.source = _filled(cell.source, filled)
        else:  # a neighbour as it is committed would ask about something else
            cell.source = _RUNBOOK_LINK.sub(
                lambda link: f"{link[1]} (`{_opens(link[2], values)}`)", cell.source
            )
            if values.get("target") == "aws":
                cell.source = _ASKS_A_SANDBOX.sub("This copy asks your own account.", cell.source)
    return notebook, values


def _filled(source: str, values: dict[str, Any]) -> str:
    """The source of the parameters with these values in the place of its own; comments stay."""
    data = source.encode()
    lines = [0, *itertools.accumulate(len(line) for line in data.splitlines(keepends=True))]
    for line in reversed(ast.parse(source).body):
        name = (
            line.targets[0].id
            if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name)
            else ""
        )
        if isinstance(line, ast.Assign) and name in values:
            start = lines[line.value.lineno - 1] + line.value.col_offset
            end = lines[(line.value.end_lineno or 1) - 1] + (line.value.end_col_offset or 0)
            data = data[:start] + _literal(values[name]).encode() + data[end:]
    return data.decode()


def _literal(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _opens(runbook: str, values: dict[str, Any]) -> str:
    """The command that opens another runbook on the same question."""
    asked = {name: values.get(name) for name in ("instance", "profile", "region")}
    asked |= {"sandbox": str(values.get("target", "")).partition("sandbox:")[2]}
    words = [word for name, value in asked.items() if value for word in (f"--{name}", str(value))]
    return shlex.join(["runbooks", "open", runbook, *words])


_DAMAGE = (
    nbformat.ValidationError,
    *(ValueError, KeyError, AttributeError, TypeError, SyntaxError, StopIteration),
)


def _tagged(notebook: Any, tag: str) -> bool:
    return any(tag in cell.metadata.get("tags", ()) for cell in notebook.cells)


def _parameters(notebook: Any) -> dict[str, Any]:
    """What the cell tagged "parameters" sets, and to what."""
    cell = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ()))
    return {
        target.id: ast.literal_eval(line.value)
        for line in ast.parse(cell.source).body
        if isinstance(line, ast.Assign)
        for target in line.targets
        if isinstance(target, ast.Name)
    }


def _fitting(runbook: str, name: str, value: Any, known: dict[str, Any]) -> Any:
    """``value`` as the parameter takes it: text from a command line becomes the number or the bool that is meant."""
    if name not in known:
        raise UserError(f"The runbook {runbook} has no parameter {name!r}: it has {', '.join(known)}.")
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


def _said(notebook: Any) -> list[dict[str, Any]]:
    """What the reports in an executed notebook say of themselves, in the metadata of their outputs."""
    return [
        json.loads(json.dumps(output.metadata["runbooks"]))
        for cell in notebook.cells
        if cell.cell_type == "code" and DEMONSTRATION not in cell.metadata.get("tags", ())
        for output in cell.outputs
        if "runbooks" in output.get("metadata", {})
    ]


def _free(name: str) -> Path:
    """A path for a copy that is not taken."""
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    paths = (
        INCIDENTS / f"{stamp}-{name}{suffix}.ipynb" for suffix in ("", *(f"-{n}" for n in range(2, 1000)))
    )
    return next(path for path in paths if not path.exists())


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}.") from None
