"""The scripts of the hooks, as they are in the bundle."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace

from runbooks.appspec import install, messages, starting
from runbooks.appspec.bundle import MAX_READ, Bundle
from runbooks.appspec.fault import Fault, Outcome, fault
from runbooks.appspec.hooks import DEFAULT_TIMEOUT, EVENTS, seconds_of
from runbooks.appspec.reading import Mapping, Node, Sequence, name
from runbooks.findings import UNKNOWN, WARN

# A sleep that the script waits for, the first of its line: `sleep 9 &` is not one.
_SLEEP = re.compile(
    rb"^[ \t]*(?:[^#\n]*?(?:[;&]|\b(?:do|then|else)\b)[ \t]*)?sleep[ \t]+(\d{1,9})([smhd]?)[ \t]*(?:(?:;|&&|\|\||#|\r).*)?$",
    re.MULTILINE,
)
_SECONDS = {b"": 1, b"s": 1, b"m": 60, b"h": 3600, b"d": 86400}


# Their scripts are those of the last successful revision, so a fault in this one shows in the deployment after it.
LATER = ("ApplicationStop", "BeforeBlockTraffic", "AfterBlockTraffic")


def scripts(root: Mapping, bundle: Bundle | None) -> Iterator[Fault]:
    """Every script of an event that is run; without the bundle, by its path alone."""
    for event, each in _judged(root, bundle) if bundle else _named(root):
        late = event in LATER and each.outcomes and not each.depends
        yield (
            replace(each, depends="this revision is the last successful one when the next is deployed")
            if late
            else each
        )


def locations(root: Mapping) -> list[tuple[str, str]]:
    """The event and the path, from the root of the revision, of each script that an agent runs."""
    return [(event, posixpath.normpath(path)) for event, _, path, _ in _rows(root, Bundle(""))]


def _named(root: Mapping) -> Iterator[tuple[str, Fault]]:
    for event, script, path, about in () if install.is_windows(root) else _rows(root, Bundle("")):
        node = script.get("location")
        for each in starting.in_a_shell(script, node, event, path, about, there=False) if node else ():
            yield event, each


def _judged(root: Mapping, bundle: Bundle) -> Iterator[tuple[str, Fault]]:
    rows = list(_rows(root, bundle))
    contents = bundle.read({path for _, _, path, _ in rows if bundle.kind_of(path) == "file"})
    for event, script, path, about in rows:
        node = script.get("location")
        if node is None:
            continue
        kind = bundle.kind_of(path)
        if kind == "outside":  # the bundle is warned about; what the host has there is not known
            continue
        windows = install.is_windows(root)
        as_folder = not windows and kind == "file" and install.text(node).strip().endswith("/")
        if kind in ("", "folder") or as_folder:
            yield event, _missing(script, node, event, path, kind, bundle, about)
            continue
        content = contents.get(path, b"")
        if len(content) == MAX_READ and not content.startswith(starting.ELF):
            yield event, _cut(node, path, about)
        found = (
            _on_windows(node, path, about)
            if windows
            else (
                *starting.in_a_shell(script, node, event, path, about, there=True),
                *starting.on_linux(
                    script, node, event, path, content, bundle.entry(path), about, linked=bundle.is_link(path)
                ),
                *_too_slow(script, event, content, about),
            )
        )
        for each in found:
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
            if posixpath.normpath(path).split("/")[0] != "..":
                yield event, script, path, f"hooks.{event}[{number}].location"


def _missing(
    script: Mapping, node: Node, event: str, path: str, kind: str, bundle: Bundle, about: str
) -> Fault:
    location = install.text(node).strip()
    raw = location.lstrip("/")
    near = bundle.same_but_for_case(path) if not kind else ""
    one = Outcome(event, messages.NO_SCRIPT.format(posixpath.normpath(raw or ".")))
    two = Outcome(event, messages.NO_SCRIPT.format(raw))
    fix = f"Write {near}." if near else "Correct the path, or put the script into the bundle."
    if kind == "folder":
        one = starting.not_allowed(script, event)
        two, says = Outcome(event, ""), f"{path} is a folder."
    elif kind:
        says, fix = f"{path} is a file, so {location!r} is not there.", f"Write {path}."
    elif bundle.is_link(path):
        says = f"{path} is a link that leads to nothing in the bundle."
    else:
        says = f"The bundle has no {path!r}" + (f"; it has {near!r}, and case counts." if near else ".")
        slashes = path.replace("\\", "/")
        if bundle.kind_of(path.partition(" ")[0]) == "file":
            fix = starting.ARGUMENTS
        elif bundle.kind_of(slashes) == "file":
            fix = f"Write {slashes}."
    return fault(
        "script-is-in-the-bundle",
        node.mark,
        says,
        about=about,
        fix=fix,
        one=one,
        two=two,
    )


def _cut(node: Node, path: str, about: str) -> Fault:
    return fault(
        "bundle-is-bearable",
        node.mark,
        f"Only the first {MAX_READ // 1_000_000} MB of {path} was judged.",
        about=about,
        fix="Put the data beside the script, in a file of its own.",
        verdict=UNKNOWN,
    )


def _on_windows(node: Node, path: str, about: str) -> Iterator[Fault]:
    suffix = posixpath.splitext(path)[1].lower()
    if suffix in (".sh", ".bash", ".py", ".rb", ".pl"):
        yield fault(
            "script-is-for-its-system",
            node.mark,
            f"{path} is started as it is, by what Windows has for {suffix}; the AppSpec is for Windows.",
            about=about,
            fix="Write a .bat, .cmd or .ps1 script that starts it.",
            depends="the hosts have no program for it",
        )


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
        f"The sleeps of {location} come to {waits} seconds, and its timeout is {seconds}.",
        about=about.replace(".location", ".timeout"),
        fix="Raise the timeout, or wait for the condition instead of a time.",
        one=message,
        two=message,
        verdict=WARN,
        depends="the script gets to these lines",
    )
