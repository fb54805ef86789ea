"""The scripts of the hooks, as they are in the bundle."""

import re
from collections.abc import Iterator
from dataclasses import replace

from runbooks.appspec import install, messages, showing
from runbooks.appspec.bundle import Bundle
from runbooks.appspec.fault import Fault, Outcome, fault
from runbooks.appspec.hooks import DEFAULT_TIMEOUT, EVENTS, seconds_of
from runbooks.appspec.reading import Mapping, Node, Sequence, name
from runbooks.findings import WARN

_ELF, _BOM = b"\x7fELF", b"\xef\xbb\xbf"
_SLEEP = re.compile(rb"^sleep[ \t]+(\d{1,9})([smhd]?)[ \t]*(?:[;&#\r].*)?$", re.MULTILINE)
_SECONDS = {b"": 1, b"s": 1, b"m": 60, b"h": 3600, b"d": 86400}


# Their scripts are those of the last successful revision, so a fault in this one shows in the deployment after it.
LATER = ("ApplicationStop", "BeforeBlockTraffic", "AfterBlockTraffic")


def scripts(root: Mapping, bundle: Bundle) -> Iterator[Fault]:
    """Every script of an event that is run."""
    for event, each in _judged(root, bundle):
        late = event in LATER and each.outcomes and not each.depends
        yield (
            replace(each, depends="this revision is the last successful one when the next is deployed")
            if late
            else each
        )


def locations(root: Mapping) -> list[tuple[str, str]]:
    """The event and the path, from the root of the revision, of each script that an agent runs."""
    return [(event, path) for event, _, path, _ in _rows(root, Bundle(""))]


def _judged(root: Mapping, bundle: Bundle) -> Iterator[tuple[str, Fault]]:
    rows = list(_rows(root, bundle))
    contents = bundle.read({path for _, _, path, _ in rows if bundle.kind_of(path) in ("file", "link")})
    for event, script, path, about in rows:
        node = script.get("location")
        if node is None:
            continue
        kind = bundle.kind_of(path)
        if kind in ("", "folder"):
            yield event, _missing(node, event, path, kind, bundle, about)
            continue
        if not install.is_windows(root):
            content = contents.get(path, b"")
            for each in (
                *_on_linux(script, node, event, path, content, bundle, about),
                *_too_slow(script, event, content, about),
            ):
                yield event, each


def _rows(root: Mapping, bundle: Bundle) -> Iterator[tuple[str, Mapping, str, str]]:
    hooks = root.get("hooks")
    windows = install.is_windows(root)
    for key, scripts in hooks.last() if isinstance(hooks, Mapping) else ():
        event = name(key) or ""
        items = scripts.items if isinstance(scripts, Sequence) and event in EVENTS else []
        for number, script in enumerate(items):
            if not isinstance(script, Mapping) or not (
                location := install.text(script.get("location")).strip()
            ):
                continue
            path = location.replace("\\", "/") if windows else location
            parts = [part for part in path.split("/") if part not in ("", ".")]
            path = "/".join(parts)
            if windows and not bundle.kind_of(path):
                path = bundle.same_but_for_case(path) or path
            if ".." not in parts:
                yield event, script, path, f"hooks.{event}[{number}].location"


def _missing(node: Node, event: str, path: str, kind: str, bundle: Bundle, about: str) -> Fault:
    location = install.text(node).strip()
    near = bundle.same_but_for_case(path) if not kind else ""
    message = messages.NO_SCRIPT.format(location.lstrip("/"))
    if kind:
        message = f"Script at specified location: {location} failed with error Errno::EACCES with message Permission denied - ARCHIVE/{location.lstrip('/')}"
    says = f"{path} is a folder." if kind else f"The bundle has no {path!r}"
    if not kind:
        says += f"; it has {near!r}, and case counts." if near else "."
    return fault(
        "script-is-in-the-bundle",
        node.mark,
        says,
        about=about,
        fix=f"Write {near}." if near else "Correct the path, or put the script into the bundle.",
        one=Outcome(event, message),
        two=Outcome(event, message if not kind else ""),
    )


def _on_linux(
    script: Mapping, node: Node, event: str, path: str, content: bytes, bundle: Bundle, about: str
) -> Iterator[Fault]:
    entry = bundle.entry(path)
    if entry and entry.kind == "file" and entry.mode is not None and not entry.mode & 0o111:
        yield fault(
            "script-is-executable",
            node.mark,
            f"{path} has no x bit (mode {entry.mode:o}). The agent sets it, and logs a warning.",
            about=about,
            fix=f"chmod +x {path}; in git: git update-index --chmod=+x {path}",
        )
    if not content or content.startswith(_ELF):
        return
    first = content.partition(b"\n")[0]
    begins, carriage = first.startswith(b"#!"), first.endswith(b"\r")
    fails = _first_line(script, event, first) if begins else (None, None)
    if b"\r\n" in content or carriage:
        seen = first[2:].strip().decode(errors="replace")[:60]
        yield fault(
            "script-has-unix-line-ends",
            node.mark,
            f"{path} ends its lines with CRLF"
            + (
                f": its first line asks for {seen + chr(13)!r}, which is not on the host."
                if begins and carriage
                else "; the shell takes the CR as part of each command."
            ),
            about=about,
            fix=f"sed -i 's/\\r$//' {path}; in git: *.sh text eol=lf in .gitattributes",
            one=fails[0] if carriage else None,
            two=fails[1] if carriage else None,
        )
    elif begins and not re.match(rb"^#![ \t]*/", first):
        yield fault(
            "script-has-an-interpreter",
            node.mark,
            f"The first line of {path} is {first.decode(errors='replace')[:80]!r}: the interpreter must be an absolute path.",
            about=about,
            fix="Write #!/bin/bash or #!/usr/bin/env NAME.",
            one=fails[0],
            two=fails[1],
        )
    if not begins:
        hidden = content.startswith(_BOM + b"#!")
        why = (
            "begins with a byte-order mark, which hides its first line"
            if hidden
            else "does not begin with #!"
        )
        other = "agent 2.x cannot start it" if not _user(script) else "so does the shell of the user"
        yield fault(
            "script-has-an-interpreter",
            node.mark,
            f"{path} {why}: agent 1.8.1 runs it by /bin/sh; {other}.",
            about=about,
            fix="Save it as UTF-8 without BOM." if hidden else "Write #!/bin/bash as its first line.",
            two=None if _user(script) else _failed(script, event, "error Exec format error (os error 8)"),
        )


def _first_line(script: Mapping, event: str, first: bytes) -> tuple[Outcome, Outcome]:
    """How a script fails whose first line names what is not there, with each agent."""
    interpreter, *arguments = first[2:].split(None, 1) or [b""]
    user = _user(script)
    if arguments and not interpreter.endswith(b"/env"):
        return Outcome(event, ""), Outcome(event, "")  # the interpreter is there, and refuses its argument
    if arguments or user:  # env, or the shell of the user, says so; bash before 5.2 with 126
        failed = _failed(script, event, "exit code 127")
        return failed, failed
    location = install.text(script.get("location")).strip()
    return (
        Outcome(event, messages.NOT_STARTED.format(location, location.lstrip("/"))),
        _failed(script, event, "error No such file or directory (os error 2)"),
    )


def _failed(script: Mapping, event: str, how: str) -> Outcome:
    location, user = install.text(script.get("location")).strip(), _user(script)
    who = f"{location} run as user {user}" if user and how.startswith("exit") else location
    return Outcome(event, f"Script at specified location: {who} failed with {how}")


def _user(script: Mapping) -> str:
    return showing.to_s(script.get("runas")).strip()


def _too_slow(script: Mapping, event: str, content: bytes, about: str) -> Iterator[Fault]:
    seconds = seconds_of(script) or DEFAULT_TIMEOUT
    waits = sum(int(number) * _SECONDS[unit] for number, unit in _SLEEP.findall(content))
    node = script.get("timeout") or script.get("location")
    if node is None or waits < seconds or seconds <= 0:
        return
    location = install.text(script.get("location")).strip()
    message = Outcome(event, messages.TIMED_OUT.format(location, seconds))
    yield fault(
        "timeout-is-long-enough",
        node.mark,
        f"{location} sleeps for {waits} seconds, and its timeout is {seconds}.",
        about=about.replace(".location", ".timeout"),
        fix="Raise the timeout, or wait for the condition instead of a time.",
        one=message,
        two=message,
        verdict=WARN,
        depends="the script gets to that line",
    )
