"""`runbooks appspec` as a person, a pipeline and pre-commit run it."""

import io
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import gettempdir

import pytest
import yaml

from runbooks.appspec import opening
from runbooks.appspec.formats import as_text
from runbooks.appspec.linter import lint, lint_stream
from site_hooks.appspec_examples import HOOK, OBJECT, TOP
from tests.appspec.bundles import folder, tarred, zipped
from tests.support import ROOT

FAULTY = "version: 1.0\nos: linux\n"


def appspec(*arguments: str, given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "runbooks", "appspec", *arguments],
        input=given,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_files_and_bundles_together(tmp_path: Path) -> None:
    good = folder(tmp_path, {"good.yml": TOP.encode()}) / "good.yml"
    bundle = zipped(tmp_path / "b.zip", {"appspec.yml": FAULTY.encode()})
    done = appspec(str(good), str(bundle), str(good), "--format", "json")
    files = json.loads(done.stdout)["files"]
    assert done.returncode == 1
    assert [(file["bundle"], file["verdict"]) for file in files] == [("", "OK"), ("zip", "FAIL")]
    assert files[1]["file"].endswith("b.zip/appspec.yml")


def test_standard_input() -> None:
    done = appspec("-", given=FAULTY.encode())
    assert done.returncode == 1
    assert done.stdout.startswith(b"FAIL: - (AppSpec for servers): 1 FAIL;")


def test_a_warning_ends_with_1_only_when_strict(tmp_path: Path) -> None:
    file = folder(tmp_path, {"a.yml": (TOP + "Hooks: {}\n").encode()}) / "a.yml"
    assert appspec(str(file)).returncode == 0
    assert appspec(str(file), "--strict").returncode == 1


def test_the_findings_go_to_a_file(tmp_path: Path) -> None:
    done = appspec("-", "--format", "sarif", "--output", str(tmp_path / "out.sarif"), given=FAULTY.encode())
    assert (done.returncode, done.stdout) == (1, b"")
    assert json.loads((tmp_path / "out.sarif").read_text())["version"] == "2.1.0"


@pytest.mark.parametrize(("maker", "kind"), [(zipped, b"zip"), (tarred, b"tar")])
def test_an_archive_on_standard_input_is_judged_whole(
    maker: Callable[..., Path], kind: bytes, tmp_path: Path
) -> None:
    before = sorted(Path(gettempdir()).glob("tmp*/bundle*"))
    made = maker(tmp_path / "b", {"appspec.yml": (TOP + HOOK).encode(), "app": b"x" * 2_000_000})
    done = appspec("-", given=made.read_bytes())
    assert done.returncode == 1
    assert done.stdout.startswith(b"FAIL: -/appspec.yml (AppSpec for servers in a " + kind + b"): 1 FAIL;")
    assert b"script-is-in-the-bundle" in done.stdout
    assert sorted(Path(gettempdir()).glob("tmp*/bundle*")) == before


def test_a_broken_archive_on_standard_input() -> None:
    done = appspec("-", given=b"PK\x03\x04broken")
    assert done.returncode == 1
    assert b"bundle-is-an-archive" in done.stdout


def test_an_archive_without_end_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_UNPACKED", 3_000_000)
    judgement = lint_stream(io.BytesIO(b"PK\x03\x04" + bytes(50_000_000)))
    assert [(each.verdict.name, each.code) for each in judgement.faults] == [
        ("UNKNOWN", "bundle-is-bearable")
    ]


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_pipe_that_no_one_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = appspec(str(tmp_path / "pipe"))
    assert done.returncode == 2
    assert b"pipe is neither a file nor a folder." in done.stdout


def test_a_pipe_of_the_shell_is_read() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m runbooks appspec <(printf 'version: 1.0\\nos: linux\\n')"],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert b"version-is-zero" in done.stdout


def test_a_rule_that_is_ignored_is_counted_and_the_agents_are_still_named(tmp_path: Path) -> None:
    text = (TOP + HOOK + "      runas: shop\n      timeOut: 5\n" + OBJECT + "    mode: u+x\n").encode()
    rules = ("account-is-on-the-host", "keys-are-known", "mode-is-octal")
    ignored = [part for rule in rules for part in ("--ignore", rule)]
    done = appspec("-", "--strict", *ignored[:4], given=text)
    assert done.returncode == 1
    assert b"Ignored: 1 of account-is-on-the-host.\n      Ignored: 1 of keys-are-known.\n" in done.stdout
    assert done.stdout.count(b"page   ") == 1
    done = appspec("-", "--strict", "--format", "json", *ignored, given=text)
    (file,) = json.loads(done.stdout)["files"]
    assert done.returncode == 0
    assert (file["findings"], file["verdict"]) == ([], "OK")
    assert file["agents"]["1.8.1"]["fails"] is True
    assert "Ignored: 1 of mode-is-octal." in file["unchecked"]


def test_a_rule_that_there_is_not_is_not_ignored() -> None:
    done = appspec("-", "--ignore", "mode-is-octl", given=FAULTY.encode())
    assert (done.returncode, done.stdout) == (64, b"")
    assert done.stderr == b"There is no rule 'mode-is-octl'. Did you mean mode-is-octal?\n"


@pytest.mark.parametrize("path", ["no/such/file", "x" * 5000, "a\nb", ""])
def test_a_path_that_is_not_there_is_one_line(path: str) -> None:
    done = appspec(path)
    assert (done.returncode, done.stdout) == (64, b"")
    assert done.stderr.startswith(b"There is no file or folder ")
    assert len(done.stderr.splitlines()) == 1


def test_no_path_and_a_wrong_format_are_one_line() -> None:
    for arguments in ([], ["-", "--format", "xml"]):
        done = appspec(*arguments)
        assert (done.returncode, done.stdout) == (64, b"")
        assert b"Traceback" not in done.stderr


def test_a_judgement_is_quick() -> None:
    text = (TOP + HOOK + "    - location: next.sh\n" * 100).encode()
    began = time.process_time()
    as_text([lint("-", text)])
    assert time.process_time() - began < 2


def shell(command: str, where: Path, *files: str) -> "subprocess.CompletedProcess[str]":
    """Run a command as a shell does that finds the project's programs."""
    known = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        ["sh", "-ec", f"{command} {shlex.join(files)}"],
        cwd=where,
        env=known,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_pre_commit_runs_the_command(tmp_path: Path) -> None:
    """It gives the files of the commit that fit the pattern to the entry; an exit code other than 0 stops the commit."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hook["id"] == "appspec"
    assert hook["language"] == "python"  # so pre-commit installs the package and has its programs on the path
    where = folder(
        tmp_path / "repository",
        {
            "appspec.yml": TOP.encode(),
            "deploy/appspec.yaml": TOP.encode(),
            "my-appspec.yml.bak": b"",
            "a b/appspec.yml": TOP.encode(),
        },
    )
    pattern = re.compile(hook["files"])
    files = sorted(str(path.relative_to(where)) for path in where.rglob("*") if path.is_file())
    taken = [name for name in files if pattern.search(name)]
    assert taken == ["a b/appspec.yml", "appspec.yml", "deploy/appspec.yaml"]
    done = shell(hook["entry"], where, *taken)  # the wrong name is a warning, which --strict makes a failure
    assert (done.returncode, "appspec-has-its-name" in done.stdout) == (1, True)
    done = shell(hook["entry"], where, *taken[:2])
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["GitHub Actions", "GitLab CI", "AWS CodeBuild"])
def test_the_step_of_each_pipeline_stops_it(name: str, tmp_path: Path) -> None:
    """The command of the page, run on a bundle that is right and on one that is not."""
    page = (ROOT / "docs/appspec/index.md").read_text(encoding="utf-8")
    block = page[page.index(f'=== "{name}"') :].split("```")[1].removeprefix("yaml\n")
    (command,) = re.findall(r"(?:run:|script:|^ *-) (runbooks .*)", block, re.MULTILINE)
    folder(tmp_path / "build", {"appspec.yml": TOP.encode()})
    assert shell(command, tmp_path).returncode == 0
    folder(tmp_path / "build", {"appspec.yml": FAULTY.encode()})
    done = shell(command, tmp_path)
    assert (done.returncode, ("::error file=" in done.stdout) is (name == "GitHub Actions")) == (1, True), (
        done
    )
