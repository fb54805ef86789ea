"""Records what the commands of the pages' front matter print in the sandbox: `site_hooks/reproductions.json`.

``python -m tests.support.reproductions`` writes it (`make errors`); tests/site/test_reproductions.py compares it with a new run.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from awscli.clidriver import create_clidriver  # type: ignore[import-untyped]
from botocore.loaders import create_loader
from codedeploy_sandbox import serve
from mkdocs.utils.meta import get_data

from runbooks.aws import sandboxed
from tests.support import DOCS, ROOT

TARGET = ROOT / "site_hooks" / "reproductions.json"
SCENARIO = "healthy"  # where a page names no other
# What is asked of a scenario's deployment where a page names only the scenario: a code by which the deployment ended, or
# what the agent reported of the event that failed.
_ENDED = """aws deploy get-deployment --deployment-id d-SHOPWEB01 \\
  --query 'deploymentInfo.[deploymentId, errorInformation]'"""
_FAILED = """aws deploy get-deployment-target \\
  --deployment-id d-SHOPWEB01 --target-id web-01 --query \\
  'deploymentTarget.*.lifecycleEvents[] | [?diagnostics].diagnostics'"""
_DATA = "AWS_DATA_PATH"  # where awscli, once imported, says that its own models are
# It stands in for the command line, and gives what the shell made of the command: the variables, then the words.
_AWS = "#!/bin/sh\nenv -0; printf '\\001'; printf '%s\\000' \"$@\"\n"


def main() -> int:
    """Write the record; the exit code."""
    made = {address: {"run": run, "sandbox": scenario} for address, scenario, run in asked()}
    with worlds() as environment_of:
        for row in made.values():
            row["prints"] = printed(row["run"], environment_of(row["sandbox"]))
    TARGET.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def asked() -> list[tuple[str, str, str]]:
    """Of each page that has a reproduction: its address, the scenario and the command."""
    found = []
    for path in sorted(DOCS.glob("*/*.md")):
        _, front_matter = get_data(path.read_text(encoding="utf-8"))
        given = front_matter.get("reproduce")
        if given:
            row = given if isinstance(given, dict) else {"run": given}
            usual = _ENDED if path.stem.isupper() else _FAILED
            address = f"/{path.parent.name}/{path.stem}/"
            found.append((address, row.get("sandbox", SCENARIO), row.get("run", usual)))
    return found


@contextlib.contextmanager
def worlds() -> Iterator[Callable[[str], dict[str, str]]]:
    """Sandboxes by scenario, started when first asked for; gives a function from a scenario to a client's environment."""
    with contextlib.ExitStack() as running:
        started: dict[str, dict[str, str]] = {}

        def environment_of(scenario: str) -> dict[str, str]:
            if scenario not in started:
                about = running.enter_context(serve(scenario, clock=sandboxed.DAY)).address()
                started[scenario] = _environment(about)
            return started[scenario]

        yield environment_of


def printed(command: str, environment: Mapping[str, str]) -> str:
    """What a command that holds one call of `aws` prints: the command line of AWS itself, run in this process."""
    variables, words = _expanded(command, environment)
    shown = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    kept = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(variables | {_DATA: kept[_DATA]})
        with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
            line = create_clidriver()
            line.session.register_component("data_loader", _models())
            line.main(words)
    finally:
        os.environ.clear()
        os.environ.update(kept)
    shown.flush()
    return shown.buffer.getvalue().decode().strip()


@cache
def _models() -> Any:
    """botocore's and the command line's models, read once."""
    return create_loader(os.environ[_DATA])


def _expanded(command: str, environment: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The environment and the words with which the shell would start `aws`."""
    with tempfile.TemporaryDirectory() as folder:
        aws = Path(folder, "aws")
        aws.write_text(_AWS, encoding="utf-8")
        aws.chmod(0o755)
        path = {"PATH": f"{folder}{os.pathsep}{os.defpath}"}
        done = subprocess.run(
            ["sh", "-c", command], env=dict(environment) | path, capture_output=True, check=True, text=True
        )
    variables, _, words = done.stdout.partition("\001")
    pairs = (line.partition("=") for line in variables.split("\0") if line)
    return {name: value for name, _, value in pairs}, words.split("\0")[:-1]


def _environment(about: Mapping[str, str]) -> dict[str, str]:
    """The lines that a reader copies from `runbooks sandbox`, and nothing of this machine's own."""
    return {
        "AWS_ENDPOINT_URL": about["endpoint"],
        "AWS_ACCESS_KEY_ID": about["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": about["secret_access_key"],
        "AWS_REGION": about["region"],
        "AWS_DEFAULT_REGION": about["region"],
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "HOME": os.devnull,
        "NO_PROXY": "127.0.0.1",
    }


if __name__ == "__main__":
    sys.exit(main())
