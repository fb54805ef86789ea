"""The runbooks in JupyterLab, in a real browser: outputs cleared first, Run All, results read."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page, TimeoutError

from tests.support import ROOT
from tools.run import lab_command

# A server, a kernel, and a browser with clocks of their own: on a busy machine each may be late once.
pytestmark = pytest.mark.flaky(reruns=1)

NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
ALL_RAN = """() => {
  const prompts = [...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputPrompt')].map(e => e.textContent)
  return prompts.length > 0 && prompts.every(text => /\\[\\d+\\]/.test(text))
}"""
BEGUN = """() => [...document.querySelectorAll('.jp-Notebook .jp-InputPrompt')].some(e => /[*\\d]/.test(e.textContent))"""
IDLE = """() => ![...document.querySelectorAll('.jp-Notebook .jp-InputPrompt')].some(e => e.textContent.includes('*'))"""
HOMES = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, str]]:
    """JupyterLab as `make run` starts it, with the notebooks and copies of them without outputs; address, folder, token."""
    root = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", root / "notebooks")
    shutil.copytree(ROOT / "notebooks", root / "incidents")
    for path in (root / "incidents").glob("*.ipynb"):
        _clear(path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(8)
    homes = {f"JUPYTER_{name}": str(root / name) for name in HOMES}
    homes |= {"JUPYTERLAB_WORKSPACES_DIR": str(root / "w"), "JUPYTERLAB_SETTINGS_DIR": str(root / "s")}
    homes |= {"IPYTHONDIR": str(root / "i"), "JUPYTER_CONFIG_PATH": str(ROOT / "tools" / "jupyter")}
    homes |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    no_aws = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = [word for word in lab_command(port) if "root_dir" not in word]
    process = subprocess.Popen(
        [*command, f"--ServerApp.root_dir={root}"],
        env=no_aws | homes | {"JUPYTER_TOKEN": token},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(f"{address}/api?token={token}")
        yield address, root, token
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:  # it waits for kernels, and the machine may be busy
            process.kill()
            process.wait()


def _clear(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(notebook, path)


def _wait(url: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < end, "JupyterLab did not start"
            time.sleep(0.2)


def _open(browser: Browser, lab: tuple[str, Path, str], name: str, folder: str = "incidents") -> Page:
    address, _, token = lab
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(f"{address}/lab/tree/{folder}/{name}?token={token}&reset")
    page.locator('.jp-NotebookPanel-toolbar .jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for(
        timeout=150_000
    )
    # The indicator is idle also before there is a kernel; run then, JupyterLab asks which one to take.
    page.get_by_text("(ipykernel) | Idle").wait_for(timeout=150_000)
    return page


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", ["triage.ipynb", "registration-status.ipynb", "deployment.ipynb"])
def test_run_all_shows_what_is_committed_and_a_copy_saves_itself(
    browser: Browser, lab: tuple[str, Path, str], name: str
) -> None:
    saved = lab[1] / "incidents" / name
    _clear(saved)
    page = _open(browser, lab, name)
    assert page.locator(".jp-OutputArea-output").count() == 0
    _run_all(page)
    page.wait_for_function(ALL_RAN, timeout=150_000)
    end = time.monotonic() + 60
    while (shown := _outputs(saved)) != _outputs(ROOT / "notebooks" / name) and time.monotonic() < end:
        time.sleep(0.3)
    assert shown == _outputs(ROOT / "notebooks" / name)
    page.close()


@pytest.mark.timeout(400)
def test_a_committed_runbook_is_read_only(browser: Browser, lab: tuple[str, Path, str]) -> None:
    committed = lab[1] / "notebooks" / "agent.ipynb"
    before = committed.read_text()
    page = _open(browser, lab, "agent.ipynb", "notebooks")
    _write_first_cell(page, "target = 'mine'")
    page.keyboard.press("Control+s")
    page.get_by_text("agent.ipynb is read-only").wait_for()
    page.wait_for_timeout(12_000)  # longer than JupyterLab waits until it saves by itself
    assert committed.read_text() == before
    page.close()


# Each with what it shows of its first run; the parameters of the second name another instance, and no Region.
ANOTHER = {
    "agent.ipynb": ("web-01", 'target, instance, profile, region, probe = "aws", "prod-db-7", "", "", False'),
    "register.ipynb": (
        "web-03",
        'target, instance, profile, region, arn = "aws", "prod-db-7", "", "", "arn:aws:iam::111122223333:user/x"\n'
        "tags, accept, apply = {}, [], True",
    ),
    "triage.ipynb": ("web-01", 'target, instance, profile, region = "aws", "prod-db-7", "", ""'),
    "agent.ipynb with a slip": ("web-01", 'target = "aws'),
}


@pytest.mark.timeout(500)
@pytest.mark.parametrize("case", ANOTHER)
def test_a_tab_that_is_opened_again_shows_nothing_of_the_run_before(
    browser: Browser, lab: tuple[str, Path, str], case: str
) -> None:
    """The kernel lives on when a tab is closed, and whether JupyterLab stops after a cell that fails is a race."""
    name, (old, parameters) = case.partition(" ")[0], ANOTHER[case]
    page = _open(browser, lab, name)
    _run_all(page)
    page.wait_for_function(ALL_RAN, timeout=150_000)
    assert old in " ".join(page.locator(".jp-OutputArea-output").all_inner_texts())
    page.close()

    page = _open(browser, lab, name)
    _write_first_cell(page, parameters)
    _run_all(page)
    page.wait_for_function(IDLE, timeout=150_000)
    code = page.locator(".jp-CodeCell")
    for number in range(1, code.count()):  # each by hand too, as one who steps through it does
        code.nth(number).locator(".cm-content").click()
        page.keyboard.press("Control+Enter")
        page.wait_for_function(IDLE, timeout=150_000)
    shown = [
        " ".join(code.nth(number).locator(".jp-OutputArea-output").all_inner_texts())
        for number in range(code.count())
    ]
    assert old not in " ".join(shown)
    begun = [
        text for text in shown[1:] if "InvalidRegistrationStatusException" not in text
    ]  # what was pasted
    refusals = (
        "There are no parameters",
        "No Region",
        "There is no connection",
        "Nothing was found",
        "A newer run",
    )
    for text in filter(None, begun):
        assert text.strip().startswith(refusals), text
        assert len(text.strip().splitlines()) == 1
    page.close()


def _write_first_cell(page: Page, text: str) -> None:
    """Replace what stands in the first code cell, the one with the parameters."""
    page.locator(".jp-CodeCell").first.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


def _run_all(page: Page) -> None:
    """Run All; once more where nothing began, as for a kernel that was still being connected to."""
    for _ in range(5):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        with suppress(TimeoutError):
            page.wait_for_function(BEGUN, timeout=6_000)
            return
    pytest.fail("Run All starts nothing", pytrace=False)


def _outputs(path: Path) -> list[object]:
    """What the cells show, without the counters and metadata that JupyterLab adds, and the line of progress that is gone."""
    text = path.read_text()
    if not text.endswith("}\n"):  # it is being saved
        return []
    return [
        [
            {k: v for k, v in output.items() if k not in ("metadata", "execution_count")}
            for output in cell["outputs"]
            if output.get("data") != {}
        ]
        for cell in json.loads(text)["cells"]
        if cell["cell_type"] == "code"
    ]


def test_the_wait_is_for_a_run(browser: Browser, lab: tuple[str, Path, str]) -> None:
    """Without Run All nothing has run: the condition that the test above waits for is false."""
    _clear(lab[1] / "incidents" / NOTEBOOKS[0])  # another test may have run it
    page = _open(browser, lab, NOTEBOOKS[0])
    assert page.locator(".jp-CodeCell").count() > 0
    assert not page.evaluate(ALL_RAN)
    page.close()
