"""The sandbox is a distribution of its own: what is said where it is not installed, and who knows of it."""

import subprocess
import sys

import pytest

from runbooks.aws import connect, sandboxed
from runbooks.errors import UserError
from tests.support import ROOT

SENTENCE = "The sandbox is not installed: it is a wheel of its own, `pip install ./codedeploy_sandbox-*.whl`."

# Nothing of the sandbox's own distribution can be imported, as in a plain installation of the guide.
WITHOUT = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("codedeploy_sandbox", "moto", "flask", "flask_cors", "werkzeug"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
sys.modules["codedeploy_sandbox"] = None
"""


def without(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code where the sandbox is not installed."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT + code], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["diagnose", "--sandbox", "healthy"],
        ["sandbox"],
        ["sandbox", "--list"],
        ["run", "network", "--sandbox", "healthy"],
    ],
)
def test_a_command_without_the_sandbox_says_what_to_install(arguments: list[str]) -> None:
    done = without(f"sys.argv[1:] = {arguments!r}\nfrom runbooks.cli import main\nmain()")
    assert (done.returncode, done.stdout, done.stderr) == (64, "", SENTENCE + "\n")


def test_connect_without_the_sandbox_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "codedeploy_sandbox", None)
    with pytest.raises(UserError) as raised:
        connect("sandbox:healthy")
    assert (str(raised.value), raised.value.exit_code) == (SENTENCE, 64)


def test_what_needs_no_sandbox_works_without_it() -> None:
    done = without(
        "sys.argv[1:] = ['explain', 'IamArnRequiredException']\nfrom runbooks.cli import main\nmain()"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_scenario_is_checked_as_it_would_be_started() -> None:
    sandboxed.check_scenario("healthy")
    with pytest.raises(UserError, match=r"There is no scenario 'helthy'\. Did you mean healthy\?"):
        sandboxed.check_scenario("helthy")


def test_the_session_and_the_command_know_of_the_sandbox_and_it_knows_nothing_of_the_guide() -> None:
    knowing = {
        path.relative_to(ROOT / "runbooks").as_posix()
        for path in (ROOT / "runbooks").rglob("*.py")
        if "codedeploy_sandbox" in path.read_text(encoding="utf-8")
    }
    assert {name for name in knowing if not name.startswith("cli/")} == {"aws/sandboxed.py"}
    for path in (ROOT / "sandbox" / "codedeploy_sandbox").rglob("*.py"):
        code = path.read_text(encoding="utf-8")
        assert "import runbooks" not in code, path
        assert "from runbooks" not in code, path
        assert '"runbooks"' not in code, path
