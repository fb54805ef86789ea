"""A run of a runbook without JupyterLab: what it found, the executed notebook, and an HTML page of it."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runbooks import runbook as room
from runbooks.aws import connect, sandboxed
from runbooks.errors import UserError, runbooks_need
from runbooks.report.as_html import page
from runbooks.runbook.copies import check_room, fill, prepared, save, tagged_cell, text_of
from runbooks.text.links import page_url
from runbooks.text.mask import masked, plain

try:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from traitlets.config import Config
except ModuleNotFoundError as missing:
    raise runbooks_need(missing) from None

# The cells that fail on purpose carry this tag; their reports do not count.
DEMONSTRATION = "demonstration"
_LONGEST = 600  # seconds that one cell may take
_DOCS_LINK = re.compile(r"\]\(\.\./docs/([\w/-]+)\.md(#[\w-]+)?\)")


@dataclass(frozen=True)
class RunResult:
    """A run that reached the last cell: what its reports say, and what there is to save."""

    name: str
    checks: Mapping[str, Mapping[str, Any]]  # by id, what a report's JSON last said of the check
    texts: Sequence[str]  # its reports as text, without those that only repeat a part of one before them
    exit_code: int  # of all its reports together
    notebook: str
    html: str

    @property
    def verdicts(self) -> dict[str, str]:
        """By check, the verdict that was last given."""
        return {id_: check["verdict"] for id_, check in self.checks.items()}

    def __str__(self) -> str:
        """The result for a terminal: its reports as `diagnose` writes them into a file, each thing once."""
        return "\n".join(self.texts) or "No check was run.\n"

    def save(self) -> list[Path]:
        """Write the executed notebook and the page into ``incidents/``. Raises `UserError` where that fails."""
        return save(self.name, {".ipynb": self.notebook, ".html": self.html})


def run_runbook(name: str, **parameters: Any) -> RunResult:
    """Execute a runbook with these parameters, from its first cell to its last.

    Raises `UserError` as `open_runbook` does, and as `connect` does for a target that cannot be asked: then
    nothing was run. With the exit code 2 it does so when a cell fails or the kernel dies: what was done until then
    is in ``incidents/``.
    """
    notebook, values = prepared(name, parameters)
    _check_target(values)
    check_room()
    try:
        _execute(notebook)
    except CellExecutionError as error:
        what = plain(str(error.evalue))
        raise _broken(
            notebook, values, name, what if error.ename == "UserError" else f"{error.ename}: {what}"
        ) from None
    except CellTimeoutError:
        raise _broken(notebook, values, name, f"A cell took longer than {_LONGEST} s.") from None
    except (DeadKernelError, RuntimeError) as error:
        what = f"The kernel of the runbook {name} ended before the last cell: {plain(str(error))}"
        raise _broken(notebook, values, name, what) from None
    shown = list(_reports(notebook))
    reports = [report for report, _ in shown]
    checks = {check["id"]: check for report in reports for check in report["checks"]}
    judged = {check["verdict"] for check in checks.values()}
    exit_code = 2 * (judged <= {"SKIP"})  # a run to which nothing applied checked nothing
    for report in reports:  # a step that did not apply is not a step that could not be checked
        applied = {check["verdict"] for check in report["checks"]} - {"SKIP"}
        exit_code |= report["exit_code"] if applied else 0
    record = _record(notebook, values)
    return RunResult(name, checks, list(_told_once(shown)), exit_code, record, as_html(notebook, name))


def as_html(notebook: Any, name: str) -> str:
    """An executed notebook as one HTML file, without any script or foreign address."""
    from nbconvert import HTMLExporter

    for cell in notebook.cells:  # the file may end in a ticket, far from its neighbours
        if cell.cell_type == "markdown":
            cell.source = _DOCS_LINK.sub(_to_the_guide, cell.source)
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    return page(f"CodeDeploy runbook {name}", body)


def _to_the_guide(link: re.Match[str]) -> str:
    return f"]({page_url(f'/{link[1]}/')}{link[2] or ''})"


def _check_target(values: Mapping[str, Any]) -> None:
    """Raise what `connect` would raise in the runbook's own cell."""
    target = str(values.get("target", ""))
    if target.startswith("sandbox:"):
        sandboxed.check_scenario(target.partition(":")[2])
    else:
        connect(target, profile=values.get("profile", ""), region=values.get("region", ""))


def _execute(notebook: Any) -> None:
    """Execute the notebook in a kernel of its own; its outputs are put into it."""
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=_LONGEST,
        record_timing=False,
        # ipykernel warns of an unencrypted TCP connection otherwise, on standard error
        config=Config({"KernelManager": {"transport_encryption": "auto"}}),
        resources={"metadata": {"path": str(room.NOTEBOOKS)}},
    )
    with _progress(len(notebook.cells)) as show:
        client.on_cell_start = lambda cell, cell_index: show(cell_index)
        if _in_a_loop():  # as in a notebook
            with ThreadPoolExecutor(1) as own:
                own.submit(_run, client).result()
        else:
            _run(client)


def _in_a_loop() -> bool:
    """Whether an event loop runs in this thread: it can hold one only."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _run(client: NotebookClient) -> None:
    with asyncio.Runner(loop_factory=_Loop) as runner:  # Ctrl-C cancels the run, which ends its kernel
        runner.run(_until_interrupted(client))


async def _until_interrupted(client: NotebookClient) -> None:
    """Execute. An interrupt is what it is; nbclient calls it a dead kernel."""
    try:
        # what a kernel writes of its own end does not interest the user
        await client.async_execute(stderr=subprocess.DEVNULL)
    except DeadKernelError:
        task = asyncio.current_task()
        if task and task.cancelling():
            raise asyncio.CancelledError from None
        raise


class _Loop(asyncio.SelectorEventLoop):
    """A loop that leaves Ctrl-C to the command; nbclient would take it, and end with an error of its own."""

    def add_signal_handler(self, *arguments: object) -> None:
        """Refuse, as a loop outside of the main thread does."""
        raise RuntimeError("signals are not for this loop")


def _broken(notebook: Any, values: Mapping[str, Any], name: str, why: str) -> UserError:
    """The error of a run that broke off; the notebook as far as it came is kept, where it can be."""
    try:
        (path,) = save(name, {".ipynb": _record(notebook, values)})
    except UserError as error:
        return UserError(f"{why} {error}", 2)
    return UserError(f"{why} (runbook {name}, as far as it came: {path})", 2)


def _record(notebook: Any, values: Mapping[str, Any]) -> str:
    """The executed notebook for its file: without the secrets in its parameters."""
    fill(notebook, {name: _masked(value) for name, value in values.items() if _masked(value) != value})
    return text_of(notebook)


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {masked(str(key)): _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return masked(value) if isinstance(value, str) else value


def _reports(notebook: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """The reports that an executed notebook shows, as JSON (in the metadata of an output) and as text."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and not tagged_cell(cell, DEMONSTRATION):
            for output in cell.outputs:
                if report := output.get("metadata", {}).get("report"):
                    yield report, output["data"]["text/plain"]


def _told_once(shown: Iterable[tuple[dict[str, Any], str]]) -> Iterator[str]:
    """The texts of the reports; a runbook shows one, and then parts of it beside what explains them."""
    before: set[tuple[str, ...]] = set()
    for report, text in shown:
        said = {(c["id"], *(finding["says"] for finding in c["findings"])) for c in report["checks"]}
        if not said <= before:
            yield text
        before |= said


@contextmanager
def _progress(cells: int) -> Iterator[Callable[[int], None]]:
    """A line on standard error, where that is a terminal: which cell runs."""
    if not sys.stderr.isatty():
        yield lambda index: None
        return
    from rich.console import Console

    with Console(stderr=True).status("Starting the kernel ...") as status:
        yield lambda index: status.update(f"Running cell {index + 1} of {cells} ...")
