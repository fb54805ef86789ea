"""The set-up of a clone: what is in the way is one sentence, and a second try works."""

import os
import re
import subprocess
import sys
import threading
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.support import ROOT
from tools import assets, install

# What pip and npm print, shortened.
PIP_NO_NAME = """\
WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError('<pip._vendor.urllib3...>: \
Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/setuptools/
ERROR: Could not find a version that satisfies the requirement setuptools>=80 (from versions: none)
"""
PIP_DISTRUST = (
    "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed'))"
)
PIP_FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
NPM_NO_NAME = (
    "npm error code ENOTFOUND\nnpm error network request to https://registry.npmjs.org/wrappy failed"
)
NPM_DISTRUST = "npm error code SELF_SIGNED_CERT_IN_CHAIN"
NPM_FULL = "npm error code ENOSPC\nnpm error syscall write"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with spaces and a quote in its name, with what the set-up reads."""
    folder = tmp_path / "a clone  of 'the guide'"
    folder.mkdir()
    for name in ("pyproject.toml", "requirements.txt", "requirements-run.txt"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


def needs(monkeypatch: pytest.MonkeyPatch, wheels: Path) -> None:
    """Let the set-up need the package `tiny` alone, from a folder instead of the index."""
    step = ("--no-index", "--find-links", str(wheels), "tiny")
    monkeypatch.setitem(install.STEPS, "run", [step])


def write_tiny(wheels: Path) -> None:
    with zipfile.ZipFile(wheels / "tiny-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "")
        wheel.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
        wheel.writestr(
            "tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr("tiny-1.dist-info/RECORD", "")


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (PIP_NO_NAME, "The index cannot be reached: check the network"),
        (NPM_NO_NAME, "The index cannot be reached: check the network"),
        (PIP_DISTRUST, "a certificate that is not trusted here"),
        (NPM_DISTRUST, "a certificate that is not trusted here"),
        (PIP_FULL, "The disk is full."),
        (NPM_FULL, "The disk is full."),
    ],
)
def test_a_known_cause_is_one_sentence(output: str, says: str) -> None:
    sentence = install.cause(output, "The index")
    assert says in sentence
    assert "\n" not in sentence
    assert "run make again" in sentence


def test_an_unknown_cause_is_shown_whole(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('why it failed'); raise SystemExit(3)"]
    assert install.answered(lambda: install.run(command, tmp_path, "The index")) == 1
    err = capfd.readouterr().err
    assert "why it failed" in err
    assert "failed with exit code 3: see above." in err


def test_the_proxy_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://ann:p@ss-planted@proxy.example:3128")
    sentence = install.cause(PIP_NO_NAME, "The index")
    assert "through the proxy proxy.example:3128: check HTTPS_PROXY" in sentence
    assert "planted" not in sentence


def test_a_full_disk_is_a_sentence_where_python_meets_it(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        raise OSError(28, "No space left on device", "/clone/.venv")

    assert install.answered(work) == 1
    assert capfd.readouterr().err.startswith("The disk is full.")


@pytest.mark.timeout(120)
def test_a_dead_proxy_is_a_sentence_and_leaves_nothing_behind(clone: Path) -> None:
    """With the real pip, as `make run` starts it."""
    (clone / "tools").mkdir()
    for name in ("__init__.py", "install.py"):
        (clone / "tools" / name).write_bytes((ROOT / "tools" / name).read_bytes())
    dead = {"HTTPS_PROXY": "http://127.0.0.1:1", "PIP_CONFIG_FILE": os.devnull}
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHONPATH"))
    }
    command = [sys.executable, "-m", "tools.install", "run"]
    done = subprocess.run(
        command, cwd=clone, env=variables | dead, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 1
    assert done.stderr == (
        "The index of Python packages cannot be reached through the proxy 127.0.0.1:1: "
        "check HTTPS_PROXY, then run make again.\n"
    )
    assert not (clone / ".venv").exists()


def test_a_second_try_works(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs(monkeypatch, tmp_path)
    with pytest.raises(install.CannotInstall):
        install.environment(clone, "run")
    assert not (clone / ".venv").exists()
    write_tiny(tmp_path)
    install.environment(clone, "run")
    assert list((clone / ".venv").glob("lib/python*/site-packages/tiny.py"))
    assert (clone / ".venv" / ".run").is_file()
    monkeypatch.setitem(install.STEPS, "run", [("no such option",)])
    install.environment(clone, "run")  # there is nothing left to do


def test_what_a_killed_one_left_is_made_again(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(monkeypatch, tmp_path)
    write_tiny(tmp_path)
    rubbish = clone / ".venv" / "bin" / "python"
    rubbish.parent.mkdir(parents=True)
    rubbish.touch()
    (clone / ".venv" / ".half").touch()
    install.environment(clone, "run")
    assert rubbish.stat().st_size
    assert not (clone / ".venv" / ".half").exists()


def test_what_failed_later_leaves_the_environment_that_works(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs(monkeypatch, tmp_path)
    write_tiny(tmp_path)
    install.environment(clone, "run")
    monkeypatch.setitem(install.STEPS, "all", [("--no-index", "missing")])
    with pytest.raises(install.CannotInstall):
        install.environment(clone, "all")
    assert (clone / ".venv" / "bin" / "python").exists()
    assert not (clone / ".venv" / ".ready").exists()


def test_a_read_only_clone_is_a_sentence(
    clone: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # for root a folder without write permission is none
    assert install.answered(lambda: install.environment(clone, "run")) == 1
    assert capfd.readouterr().err.startswith(f"{clone} is read-only, and the set-up writes into it")


def test_of_two_at_once_one_waits_and_finds_it_done(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stamp, needed, begun = tmp_path / "stamp", [], threading.Event()

    def second() -> None:
        begun.set()
        with install.alone(tmp_path, stamp) as wanted:
            needed.append(wanted)

    thread = threading.Thread(target=second)
    with install.alone(tmp_path, stamp) as wanted:
        needed.append(wanted)
        thread.start()
        begun.wait(10)
        thread.join(0.5)
        assert thread.is_alive()
    thread.join(10)
    assert needed == [True, False]
    assert "Another make is setting up this clone" in capfd.readouterr().out


def test_npm_that_fails_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    npm = tmp_path / "npm"
    npm.write_text(f"#!/bin/sh\necho '{NPM_NO_NAME}' >&2; exit 1\n")
    npm.chmod(0o755)
    for name in ("package.json", "package-lock.json"):
        (tmp_path / name).touch()
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert install.answered(lambda: assets.install(tmp_path)) == 1
    err = capfd.readouterr().err
    assert err.startswith("The npm registry cannot be reached")
    assert len(err.splitlines()) == 1


def names(lines: list[str]) -> set[str]:
    """The distributions that requirements name, as an index spells them."""
    found = (re.match(r"[\w.-]+", line) for line in lines if not line.startswith(("#", "-e")))
    return {match[0].lower().replace("_", "-") for match in found if match}


def test_make_run_installs_pins_of_the_whole_and_all_that_it_needs() -> None:
    whole = (ROOT / "requirements.txt").read_text().splitlines()
    part = (ROOT / "requirements-run.txt").read_text().splitlines()
    assert {line for line in part if not line.startswith("#")} <= set(whole)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    sandbox = tomllib.loads((ROOT / "sandbox" / "pyproject.toml").read_text())["project"]["dependencies"]
    needed = names([*project["dependencies"], *extras["site"], *extras["notebooks"], *sandbox])
    assert needed <= names(part)
    assert not names(part) & {"playwright", "mypy", "pytest"}
