"""What the agent finds in a revision that it has downloaded. Its scripts are read, never run."""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import yaml

from codedeploy_sandbox.hosts.agent import ALLOW, EVENTS, FAILURES, REVISION, Failure, no_appspec, of_script

_DATE = (2026, 1, 1, 0, 0, 0)
_ORDER = (*EVENTS, *ALLOW)
_LARGEST = 65_536  # bytes of a file that are read
_UNREADABLE = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    OSError,
)  # RuntimeError: it has a password


def zipped(files: Mapping[str, str] = REVISION) -> bytes:
    """A zip archive of these files, the same bytes each time."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), text)
    return made.getvalue()


def failure_of(content: bytes) -> Failure | None:
    """The first event that fails for what a zip archive holds or lacks, None where nothing is seen to be wrong."""
    # Assumption: scripts-succeed
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = sorted(_failures(archive), key=lambda failure: _ORDER.index(failure.event))
    except _UNREADABLE:
        return FAILURES["bundle-broken"]
    return replace(found[0], archive=tuple(files_of(content).items())) if found else None


def files_of(content: bytes) -> dict[str, str]:
    """The files of a zip archive that are put on a host. Raises what zipfile does for content that is no archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: _read(archive, name) for name in archive.namelist() if _kept(name)}


def _kept(name: str) -> bool:
    """Whether a file is put on the sandbox's host: the AppSpec file, and what lies beside it in scripts/."""
    return name == "appspec.yml" or re.fullmatch(r"scripts/\w[\w.-]*", name) is not None


def _read(archive: zipfile.ZipFile, name: str) -> str:
    with archive.open(name) as file:
        return file.read(_LARGEST).decode(errors="replace")


def _failures(archive: zipfile.ZipFile) -> Iterator[Failure]:
    if "appspec.yml" not in archive.namelist():
        yield Failure("BeforeInstall", "UnknownError", no_appspec("{archive}"))
        return
    try:
        appspec = yaml.safe_load(_read(archive, "appspec.yml"))
    except yaml.YAMLError as error:
        # Assumption: yaml-message
        yield _refused(f"(<unknown>): {_words(error)}")
        return
    if message := _unusable(appspec):
        yield _refused(message)
        return
    for row in appspec.get("files") or ():
        source = str(row.get("source", "")).strip("/") if isinstance(row, dict) else ""
        if source and not any(f"{name}/".startswith(f"{source}/") for name in archive.namelist()):
            message = f"No such file or directory @ rb_sysopen - {{archive}}/{source}"
            yield Failure("Install", "UnknownError", message)
    for event, scripts in (appspec.get("hooks") or {}).items():
        if (
            event in _ORDER[2:]
        ):  # ApplicationStop and those before traffic is blocked run the scripts of the revision before
            rows = [row for row in scripts or () if isinstance(row, dict) and row.get("location")]
            yield from _first(_of_script(archive, event, str(row["location"])) for row in rows)


def _unusable(appspec: Any) -> str:
    """The agent's message about the properties of an AppSpec file, "" where they are right."""
    text = "The deployment failed because the application specification file"
    if not appspec:
        return f"{text} was empty. Make sure your AppSpec file defines at minimum the 'version' and 'os' properties."
    if not isinstance(appspec, dict) or appspec.get("version") != 0.0:
        version = appspec.get("version") if isinstance(appspec, dict) else appspec
        return f"The deployment failed because an invalid version value ({version}) was entered in the application specification file."
    if appspec.get("os") != "linux":
        return f"{text} specifies an unsupported operating system ({appspec.get('os')})."
    hooks = appspec.get("hooks") or {}
    if not isinstance(hooks, dict) or not isinstance(appspec.get("files") or [], list):
        return "no implicit conversion of String into Integer"
    wrong = next((rows for rows in hooks.values() if not isinstance(rows or [], list)), None)
    return f'undefined method `each\' for "{wrong}":String' if wrong else ""


def _refused(message: str) -> Failure:
    return Failure("BeforeInstall", "UnknownError", message)


def _words(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f" at line {mark.line + 1} column {mark.column + 1}" if mark else ""
    parts = (getattr(error, "problem", "") or "", getattr(error, "context", "") or "")
    return " ".join(filter(None, parts)) + where


def _first(found: Iterator[Failure | None]) -> Iterator[Failure]:
    """The first failure: the scripts after it are not run."""
    if failure := next(filter(None, found), None):
        yield failure


def _of_script(archive: zipfile.ZipFile, event: str, name: str) -> Failure | None:
    place = name.strip("/")
    if place not in archive.namelist():
        message = f"Script does not exist at specified location: {{archive}}/{place}"
        return Failure(event, "ScriptMissing", message, name, logged=of_script(message))
    first = _read(archive, place).partition("\n")[0]
    if first.startswith("#!") and first.endswith("\r"):
        told = "failed with error Errno::ENOENT with message No such file or directory"
        message = f"Script at specified location: {name} {told} - {{archive}}/{place}"
        return Failure(event, "ScriptFailed", message, name, logged=of_script(message))
    return None
