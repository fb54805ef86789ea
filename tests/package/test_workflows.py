"""The workflows of a forge: what can be read and run of them here. None has run on a forge."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import ROOT

FOLDER = ROOT / ".github" / "workflows"
NAMES = sorted(path.name for path in FOLDER.glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w.-]+@v\d+(\.\d+)*")


def steps(name: str) -> list[dict[str, Any]]:
    jobs = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


@pytest.mark.parametrize("name", NAMES)
def test_each_action_is_pinned_to_a_version(name: str) -> None:
    used = [step["uses"] for step in steps(name) if "uses" in step]
    assert used
    assert [action for action in used if not PINNED.fullmatch(action)] == []


@pytest.mark.parametrize("name", NAMES)
def test_its_shell_is_sound_and_takes_its_inputs_from_the_environment(name: str) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    for script in (step["run"] for step in steps(name) if "run" in step):
        assert "${{" not in script  # an input could hold shell
        checked = subprocess.run(
            [shellcheck, "--shell=bash", "-"], input=script, capture_output=True, text=True
        )
        assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize("name", NAMES)
def test_its_make_targets_exist(name: str) -> None:
    made = re.findall(r"make (\w+)", " ".join(step.get("run", "") for step in steps(name)))
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [target for target in made if f"\n{target}:" not in rules] == []


@pytest.mark.parametrize(
    ("tag", "passes"), [("v{}", True), ("{}", True), ("v{}1", False), ("v9.9.9", False)], ids=str
)
def test_a_release_needs_the_tag_of_the_version(tag: str, passes: bool) -> None:
    version = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    script = next(
        step["run"] for step in steps("release.yml") if step.get("name") == "The tag is the version"
    )
    done = subprocess.run(["bash", "-ec", script], cwd=ROOT, env=os.environ | {"TAG": tag.format(version[1])})
    assert (done.returncode == 0) is passes


@pytest.mark.parametrize(
    ("deployment", "code", "says"), [("d-SHOPWEB01", 1, "ScriptFailed"), ("nothing", 64, "")]
)
def test_the_example_says_why_and_ends_as_the_command_does(
    tmp_path: Path, deployment: str, code: int, says: str
) -> None:
    script = next(step["run"] for step in steps("diagnose-example.yml") if "why" in step.get("run", ""))
    # stands for `python3 -m venv` and pip: what is installed is the clone, and AWS is the sandbox
    stub = tmp_path / "bin" / "python3"
    stub.parent.mkdir()
    command = f'exec "{sys.executable}" -m runbooks "$@" --sandbox deployment-script-failed'
    stub.write_text(
        '#!/bin/sh\nmkdir -p "$3/bin"\n'
        f"""printf '#!/bin/sh\\n%s\\n' '{command}' > "$3/bin/runbooks"\n"""
        """printf '#!/bin/sh\\n' > "$3/bin/pip"\nchmod +x "$3"/bin/*\n"""
    )
    stub.chmod(0o755)
    summary = tmp_path / "summary.md"
    environment = os.environ | {
        "PATH": f"{stub.parent}{os.pathsep}{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(summary),
        "DEPLOYMENT": deployment,
        "WHEEL": "unused.whl",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "sandbox")]),
    }
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == code, done.stderr
    assert says in (summary.read_text() if summary.exists() else "")
