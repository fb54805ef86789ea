"""Install what the project needs into its clone: an environment in .venv, and packages of Python in it.

`tools.install run` installs what `make run` needs, `tools.install all` the rest too. It is started by a Python that has
no package yet, so it imports none. A failure whose cause is known is one sentence, and a second try works.
"""

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMPS = {"run": ".run", "all": ".ready"}  # in .venv; the Makefile's too
# Everything is pinned, so pip resolves nothing. Modules are compiled as they are first imported: most never are.
STEPS: dict[str, list[tuple[str, ...]]] = {
    "run": [
        ("--no-compile", "--requirement", "requirements-run.txt"),
        ("--no-build-isolation", "--editable", ".", "--editable", "./sandbox"),
    ],
    "all": [("--no-compile", "--no-build-isolation", "--requirement", "requirements.txt")],
}
PIP = (
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--no-input",
    "--retries=2",
    "--no-deps",
)

FULL = re.compile("No space left on device|ENOSPC|Disk quota exceeded")
DISTRUSTED = re.compile(
    "CERTIFICATE_VERIFY_FAILED|certificate verify failed|SELF_SIGNED_CERT|UNABLE_TO_.*CERT"
)
UNREACHED = re.compile(
    "NewConnectionError|Cannot connect to proxy|Connect(ion)?TimeoutError|Read timed out|Temporary failure in name"
    "|EAI_AGAIN|ENOTFOUND|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT"
)


class CannotInstall(Exception):
    """One sentence that says what is in the way and what to do."""


def main() -> int:
    """Install what the argument names, ``run`` or ``all``; gives the exit code."""
    what = sys.argv[1]
    return answered(lambda: environment(ROOT, what))


def answered(work: Callable[[], None]) -> int:
    """Do the work; gives the exit code, and says in a sentence why it could not be done."""
    try:
        work()
    except CannotInstall as problem:
        print(problem, file=sys.stderr)
    except OSError as problem:
        print(cause(str(problem)) or f"The set-up failed: {problem}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
    else:
        return 0
    return 1


def environment(root: Path, what: str) -> None:
    """Install ``run`` or ``all`` into the .venv of the clone at ``root``, unless another process just has."""
    venv = root / ".venv"
    names = ("pyproject.toml", "requirements-run.txt" if what == "run" else "requirements.txt")
    with alone(root, venv / STAMPS[what], *(root / name for name in names)) as needed:
        if not needed:
            return
        print(
            f"Installing the Python packages that make {'run' if what == 'run' else 'test'} needs ...",
            flush=True,
        )
        with whole(venv):
            for step in STEPS[what]:
                run([str(venv / "bin" / "python"), *PIP, *step], root, "The index of Python packages")


@contextmanager
def alone(root: Path, stamp: Path, *sources: Path) -> Iterator[bool]:
    """Be the only process that sets up the clone; gives whether the stamp is older than a source, and renews it.

    Raises `CannotInstall` where the clone cannot be written to.
    """
    folder = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another make is setting up this clone: waiting for it ...", flush=True)
            fcntl.flock(folder, fcntl.LOCK_EX)
        if stamp.is_file() and all(stamp.stat().st_mtime >= source.stat().st_mtime for source in sources):
            yield False
            return
        if not os.access(root, os.W_OK):
            raise CannotInstall(
                f"{root} is read-only, and the set-up writes into it: clone the guide into a folder that you can write to."
            )
        yield True
        stamp.touch()
    finally:
        os.close(folder)


@contextmanager
def whole(venv: Path) -> Iterator[None]:
    """Make the environment where there is none, and leave none behind that is half made."""
    half = venv / ".half"  # stays where the process is killed
    made = half.exists() or not (venv / "bin" / "python").exists()
    if not made:
        yield
        return
    if importlib.util.find_spec("ensurepip") is None:
        raise CannotInstall("The venv module is missing (Debian: apt-get install python3-venv).")
    shutil.rmtree(venv, ignore_errors=True)
    try:
        venv.mkdir(exist_ok=True)
        half.touch()
        run([sys.executable, "-m", "venv", str(venv)], venv, "")
        yield
    except BaseException:
        shutil.rmtree(venv, ignore_errors=True)
        raise
    half.unlink()


def run(command: list[str], folder: Path, source: str, **variables: str) -> None:
    """Run a command that says nothing when all is well; raises `CannotInstall` when it fails.

    ``source`` is where it gets its packages, as the start of a sentence. What a command says is shown where it shows no
    cause that is known here.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    if done.returncode == 0:
        return
    if sentence := cause(done.stdout, source):
        raise CannotInstall(sentence)
    print(done.stdout, file=sys.stderr)
    raise CannotInstall(f"{Path(command[0]).name} failed with exit code {done.returncode}: see above.")


def cause(output: str, source: str = "") -> str:
    """The sentence for a failure that shows its cause in the output; empty where it does not."""
    if FULL.search(output):
        return (
            f"The disk is full. The set-up needs 2 GB for {ROOT} and some of it for a while in {tempfile.gettempdir()}: "
            "free some space, then run make again."
        )
    if DISTRUSTED.search(output):
        return (
            f"{source} answers with a certificate that is not trusted here. If your company's proxy signs it, name its "
            "CA file in PIP_CERT and NODE_EXTRA_CA_CERTS, then run make again."
        )
    if UNREACHED.search(output):
        return f"{source} cannot be reached{proxy()}, then run make again."
    return ""


def proxy() -> str:
    """What to check when there is no way out: the network, and the proxy that a variable names, without its password."""
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        if value := os.environ.get(name):
            address = value.rpartition("@")[2].rpartition("://")[2]
            return f" through the proxy {address}: check {name}"
    return ": check the network, and set HTTPS_PROXY if you need a proxy"


if __name__ == "__main__":
    sys.exit(main())
