"""The wheels: what an installation without a clone has and answers."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import ROOT

pytestmark = pytest.mark.timeout(300)  # builds both wheels

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The wheels of the package and of the sandbox, built from what git has, so that nothing is written into it."""
    folder = tmp_path_factory.mktemp("wheels")
    source = folder / "source"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(_packed, names):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, source / name, follow_symlinks=False)
    build = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir"]
    subprocess.run(
        [sys.executable, "-m", *build, folder / "dist", source, source / "sandbox"], check=True, cwd=folder
    )
    return sorted((folder / "dist").glob("*.whl"))


def _packed(name: str) -> bool:
    """Whether a build reads this file; one that was deleted and not committed is none."""
    wanted = name.startswith(("runbooks/", "sandbox/", "notebooks/")) or "/" not in name
    return wanted and ((ROOT / name).is_symlink() or (ROOT / name).is_file())


@pytest.fixture(scope="session")
def installed(wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which both are installed, without what they require."""
    target = tmp_path_factory.mktemp("installed")
    install = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--target"]
    subprocess.run([sys.executable, "-m", *install, target, *wheels], check=True)
    return target


@pytest.fixture
def wheel(installed: Path, tmp_path: Path) -> Run:
    """Runs ``runbooks`` from the wheel, in an empty folder."""
    return lambda *arguments: _run(installed, tmp_path, *arguments)


@pytest.fixture
def clone(tmp_path: Path) -> Run:
    """Runs ``runbooks`` from the clone, in the same folder."""
    return lambda *arguments: _run(ROOT, tmp_path, *arguments)


def _run(package: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(package), str(package / "sandbox")])
    return subprocess.run(
        [sys.executable, "-m", "runbooks", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_they_hold_the_notebooks_the_types_and_the_licence(wheels: list[Path]) -> None:
    names = [name for wheel in wheels for name in zipfile.ZipFile(wheel).namelist()]
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert f"runbooks/runbook/notebooks/{path.name}" in names
    assert {"runbooks/py.typed", "codedeploy_sandbox/py.typed"} <= set(names)
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_they_hold_every_file_of_the_packages(wheels: list[Path]) -> None:
    names = {name for wheel in wheels for name in zipfile.ZipFile(wheel).namelist()}
    for package in (ROOT / "runbooks", ROOT / "sandbox" / "codedeploy_sandbox"):
        for path in package.rglob("*"):
            if path.is_file() and path.suffix not in (".pyc", ".ipynb"):
                assert path.relative_to(package.parent).as_posix() in names


def test_the_wheel_names_its_version(wheel: Run, wheels: list[Path]) -> None:
    version = next(w.name for w in wheels if "guide" in w.name).split("-")[1]
    assert wheel("--version").stdout == f"runbooks {version}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "--json", "InvalidRegistrationStatusException"),
        ("explain", "HEALTH_CONSTRAINTS"),
        ("checks",),
        ("policy",),
        ("probe",),
        ("sandbox", "--list"),
        ("diagnose", "d-nothing"),
    ],
    ids=" ".join,
)
def test_clone_and_wheel_answer_alike(wheel: Run, clone: Run, arguments: tuple[str, ...]) -> None:
    here, there = clone(*arguments), wheel(*arguments)
    assert (here.returncode, here.stdout, here.stderr) == (there.returncode, there.stdout, there.stderr)
    assert here.stdout or here.returncode


def test_the_wheel_diagnoses_in_its_sandbox(wheel: Run) -> None:
    done = wheel("diagnose", "--sandbox", "agent-stopped", "--instance", "web-01", "--format", "json")
    assert done.returncode == 1, done.stderr
    assert "agent-is-running" in json.dumps(json.loads(done.stdout))


def test_the_wheel_runs_a_runbook_and_writes_into_the_working_folder(wheel: Run, tmp_path: Path) -> None:
    done = wheel("run", "agent", "--sandbox", "agent-stopped", "--instance", "web-01")
    assert done.returncode == 1, done.stderr
    assert {path.suffix for path in (tmp_path / "incidents").iterdir()} >= {".ipynb", ".html"}
