"""Judges what it is given: an AppSpec file, standard input, or a bundle. All faults, not only the first."""

import re
import stat
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from runbooks.appspec import (
    hooks,
    install,
    keys,
    messages,
    permissions,
    plan,
    resources,
    scripts,
    server,
    unread,
)
from runbooks.appspec.bundle import Bundle
from runbooks.appspec.fault import ONE, PARSE, TWO, Fault, Outcome, fault
from runbooks.appspec.opening import MAX_RATIO, TAR_FAILED, is_packed, open_bundle, open_stream
from runbooks.appspec.reading import MAX_BYTES, Mapping, Mark, Sequence, read
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, Verdict

STDIN = "-"
NAME = "appspec.yml"
MAX_FAULTS = 1000  # that are shown of one file, the worst first
_START = Mark(1, 1)
_OUTWARD = "Check that every host has what it leads to. Agent 2.x can be set to refuse links: reject_symlinks_in_bundle."
_BOM = b"\xef\xbb\xbf"
_RESOURCES = re.compile(rb"^\W{0,8}resources\b", re.IGNORECASE | re.MULTILINE)
_TEMPLATE = re.compile(rb"\{\{|\{%")
_RENDER = "The line holds the braces of a template: render the file, and check what comes out."
_ORDER_2 = ("version", "os", "file_exists_behavior", "hooks", "files", "permissions")
_LATER = ("Script", "Install", "AfterInstall", "ApplicationStart")  # "Script": one of BeforeInstall


@dataclass(frozen=True)
class Judgement:
    """One AppSpec and what was found in it.

    ``file`` is as it was given, for a bundle with the path in it. ``platform`` is "server", "ecs", "lambda", "resources"
    for one of these two, or "" for a file that could not be read; ``bundle`` is "folder", "zip", "tar", or "" for the
    file alone. ``unchecked`` says what was left out: what only the bundle could show, and findings that are not shown.
    """

    file: str
    platform: str
    bundle: str
    faults: tuple[Fault, ...]  # by line
    stops: tuple[tuple[str, Fault], ...] = ()  # by agent: the fault that it stops at
    unchecked: tuple[str, ...] = ()

    def without(self, rules: Collection[str]) -> "Judgement":
        """Itself without the findings of some rules, which it counts. What the agents do stays as it is."""
        ignored = Counter(each.code for each in self.faults if each.code in rules)
        kept = tuple(each for each in self.faults if each.code not in rules)
        counts = tuple(f"Ignored: {count} of {rule}." for rule, count in sorted(ignored.items()))
        return replace(self, faults=kept, unchecked=(*self.unchecked, *counts))

    @property
    def verdict(self) -> Verdict:
        """The worst of its findings; OK where there is none."""
        return max((each.verdict for each in self.faults), default=OK)

    def first(self, agent: str) -> Fault | None:
        """The fault that this agent stops at; None where it accepts the file."""
        return dict(self.stops).get(agent)


def _stop(faults: list[Fault], agent: str) -> Iterator[tuple[str, Fault]]:
    """The first fault of an agent, of faults in the order in which agent 1.8.1 parses; a mere risk stops no one."""
    failing = [each for each in faults if each.outcome(agent) and not (each.verdict is WARN and each.depends)]
    if failing:
        yield agent, min(failing, key=lambda each: _order(each, agent))


def _order(each: Fault, agent: str) -> tuple[int, ...]:
    """Parsing comes before Install, and the hooks around it in their order; agent 2.x parses in an order of its own."""
    outcome = each.outcome(agent) or Outcome(PARSE, "")
    if outcome.event in _LATER or (outcome.event == PARSE and outcome.of_script):
        return (1, _LATER.index(outcome.event) if outcome.event in _LATER else 0)
    if outcome.event != PARSE:
        return (1 if outcome.event in hooks.EVENTS else 0, len(_LATER))
    if agent == ONE:
        return (0,)
    section = each.about.partition("[")[0].partition(".")[0]
    place = _ORDER_2.index(section) if section in _ORDER_2 else -1
    return (0, -2, each.mark.line) if outcome.typed else (0, place)


def lint(path: str, content: bytes | None = None) -> Judgement:
    """The judgement of a path; of ``content`` for standard input. What cannot be read is UNKNOWN."""
    if content is not None:
        return _alone(path, content)
    place = Path(path)
    try:
        mode = place.stat().st_mode
        # a named pipe could be waited for without end; those of a shell, as in `<(git show …)`, are below /dev
        if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode) or path.startswith("/dev/")):
            says = f"{path} is neither a file nor a folder."
            return _judgement(path, "", "", [fault("appspec-is-readable", _START, says, verdict=UNKNOWN)])
        bundle = open_bundle(place) if stat.S_ISDIR(mode) or stat.S_ISREG(mode) else None
        if bundle:
            return _in_bundle(path, bundle)
        with place.open("rb") as file:
            return _alone(path, file.read(MAX_BYTES + 1))
    except OSError as error:
        says = f"{path} cannot be read: {error.strerror or type(error).__name__}."
        return _judgement(path, "", "", [fault("appspec-is-readable", _START, says, verdict=UNKNOWN)])


def lint_stream(stream: IO[bytes]) -> Judgement:
    """The judgement of standard input: an AppSpec file, or an archive."""
    start = stream.read(MAX_BYTES + 1)
    if not is_packed(start):
        return lint(STDIN, start)
    with TemporaryDirectory() as folder:
        return _in_bundle(STDIN, open_stream(start, stream, Path(folder)))


def _alone(path: str, content: bytes) -> Judgement:
    platform, faults = judge(content, None)
    named = list(_name(Path(path).name)) if platform == "server" and path != STDIN else []
    judgement = _judgement(path, platform, "", [*faults, *named])
    more = tuple(_unchecked(content)) if platform == "server" else ()
    return replace(judgement, unchecked=(*judgement.unchecked, *more))


def _unchecked(content: bytes) -> Iterator[str]:
    root = read(content).root
    if not isinstance(root, Mapping):
        return
    section = root.get("hooks")
    events = section.last() if isinstance(section, Mapping) else []
    count = sum(len(scripts.items) for _, scripts in events if isinstance(scripts, Sequence))
    sources = len(install.mappings(root, "files"))
    parts = [
        f"{number} {word}{'s' * (number > 1)}"
        for number, word in ((count, "script"), (sources, "source"))
        if number
    ]
    if parts:
        yield f"Not checked without the bundle: {' and '.join(parts)}. Give the folder or the archive to check them too."


def _judgement(file: str, platform: str, bundle: str, faults: Iterable[Fault]) -> Judgement:
    placed = [replace(each, file=each.file or file) for each in dict.fromkeys(faults)]
    stops = (stop for agent in (ONE, TWO) for stop in _stop(placed, agent))
    shown = sorted(placed, key=lambda each: -each.verdict)[:MAX_FAULTS]
    ordered = sorted(shown, key=lambda each: (each.mark.line, each.mark.column))
    more = len(placed) - len(shown)
    unchecked = (f"{more} more findings are not shown.",) if more else ()
    return Judgement(file, platform, bundle, tuple(ordered), tuple(stops), unchecked)


def _in_bundle(path: str, bundle: Bundle) -> Judgement:
    hostile = [
        fault(
            "bundle-is-safe",
            _START,
            says,
            fix="Remove the entry, and pack the bundle again.",
            file=path,
            one=Outcome("DownloadBundle", message) if message else None,
            verdict=FAIL,
        )
        for says, message in bundle.hostile[:20]
    ]
    hostile += [
        fault("bundle-is-safe", _START, says, fix=_OUTWARD, file=path) for says in bundle.outward[:20]
    ]
    if bundle.broken or bundle.limit or bundle.foreign:
        return _judgement(path, "", bundle.kind, [*hostile, _unreadable(path, bundle)])
    found = next((name for name in (NAME, "appspec.yaml") if bundle.kind_of(name) in ("file", "outside")), "")
    others = (bundle.same_but_for_case(name) for name in (NAME, "appspec.yaml"))
    found = found or next((name for name in others if bundle.kind_of(name) in ("file", "outside")), "")
    if not found:
        return _judgement(path, "", bundle.kind, [*hostile, _no_appspec(path, bundle)])
    content = bundle.read([found]).get(found)
    file = f"{path.rstrip('/')}/{bundle.top}{found}"
    if content is None:
        why = "is a link out of the bundle" if bundle.kind_of(found) == "outside" else "cannot be read"
        reason = fault("appspec-is-readable", _START, f"{found} {why}.", verdict=UNKNOWN)
        return _judgement(file, "", bundle.kind, [*hostile, reason])
    platform, faults = judge(content, bundle)
    named = list(_name(found)) if platform == "server" else []
    return _judgement(file, platform, bundle.kind, [*hostile, *named, *faults])


def _unreadable(path: str, bundle: Bundle) -> Fault:
    if bundle.limit:
        return fault(
            "bundle-is-bearable", _START, f"The bundle is not judged: {bundle.limit}.",
            fix=f"Leave out what is not deployed. (A ratio of {MAX_RATIO} is not reached by files of any use.)"
            if "times" in bundle.limit
            else "Leave out what is not deployed.",
            verdict=UNKNOWN, file=path,
        )  # fmt: skip
    if bundle.foreign:
        return fault(
            "bundle-is-an-archive", _START,
            f"The bundle is packed with {bundle.foreign}; AWS documents zip, tar and tar.gz. It is not judged.",
            fix="Pack it again, as zip, tar or tar.gz.", verdict=UNKNOWN, file=path,
        )  # fmt: skip
    return fault(
        "bundle-is-an-archive",
        _START,
        f"The bundle cannot be read: {bundle.broken[:200]}.",
        fix="Pack it again, as zip, tar or tar.gz.",
        one=Outcome("DownloadBundle", TAR_FAILED if bundle.kind == "tar" else ""),
        two=Outcome("DownloadBundle", ""),
        file=path,
    )


def _no_appspec(path: str, bundle: Bundle) -> Fault:
    deeper = [name for name in bundle.entries if name.lower().rpartition("/")[2] in (NAME, "appspec.yaml")]
    where = min(deeper, key=lambda name: name.count("/"), default="")
    there = next((name for name in (NAME, "appspec.yaml") if bundle.is_link(name)), "")
    if there:
        says, fix = (
            f"{there} is a link that leads to nothing in the bundle.",
            "Put the file itself into the bundle.",
        )
    elif where:
        says = f"There is no {NAME} at the root of the bundle; it is at {where[:200]!r}."
        fix = f"Pack the contents of {where.rpartition('/')[0]}, not the folder around it."
    else:
        says, fix = f"There is no {NAME} at the root of the bundle.", f"Add {NAME}."
    return fault(
        "appspec-is-at-the-root",
        _START,
        says,
        fix=fix,
        one=Outcome(PARSE, messages.NO_APPSPEC),
        two=Outcome("DownloadBundle", messages.NO_APPSPEC_2),
        file=path,
    )


def _name(name: str) -> Iterator[Fault]:
    """A file that is an AppSpec by its name, but not by the exact one."""
    if name == NAME or name.lower() not in (NAME, "appspec.yaml"):
        return
    exact = name == "appspec.yaml"
    yield fault(
        "appspec-has-its-name",
        _START,
        f"The file is named {name}: the hooks of agent 1.8.1 look for {NAME}."
        if exact
        else f"The file is named {name}; on Linux the agents look for {NAME}, and case counts.",
        fix=f"Name it {NAME}.",
        one=Outcome(PARSE, messages.NO_APPSPEC),
        two=Outcome("DownloadBundle", messages.NO_APPSPEC_2),
        verdict=WARN if exact else FAIL,
        depends="the deployment does not name this file",
    )


def judge(content: bytes, bundle: Bundle | None) -> tuple[str, list[Fault]]:
    """The platform of an AppSpec and its faults, alone or in its bundle."""
    if len(content) > MAX_BYTES:
        says = f"The file is larger than {MAX_BYTES // 1_000_000} MB; an AppSpec file has some kilobytes. It is not judged."
        return "", [fault("appspec-is-small", _START, says, fix="Is this the right file?", verdict=UNKNOWN)]
    marked = content.startswith(_BOM)
    content = content.removeprefix(_BOM)
    document = read(content)
    if document.too_much:
        says = f"The file has {document.too_much}; it is not judged."
        return "", [fault("appspec-is-small", _START, says, verdict=UNKNOWN)]
    faults = [*(unread.byte_order_mark(content) if marked else ()), *unread.syntax(document)]
    root = document.root
    if document.refusal and document.refusal.one:
        faults = _unrendered(content, faults)
        if _RESOURCES.search(content):
            return "resources", [unread.refused_by_service(document.refusal)]
        return "", faults
    if root is None:
        return "", [unread.empty(content, root)]
    if not isinstance(root, Mapping):
        return "", [*faults, *unread.no_mapping(root, content)]
    platform = resources.platform(root)
    if platform != "server":
        return platform, [_for_service(each) for each in faults] + list(resources.judge(root))
    sections: list[Callable[[Mapping], Iterator[Fault]]] = [
        server.version, server.operating_system, hooks.hooks, server.files, permissions.permissions,
        server.behavior, keys.keys, install.paths, install.owners,
    ]  # fmt: skip
    for section in sections:
        faults += section(root)
    if bundle is not None:
        faults += [*plan.simulate(root, bundle), *scripts.scripts(root, bundle)]
    elif not install.is_windows(root):
        found = plan.simulate(root, plan.imagined(root))
        faults += scripts.scripts(root, None)
        faults += [replace(each, depends="the bundle holds what the names suggest") for each in found]
    return platform, _unrendered(content, faults)


def _unrendered(content: bytes, faults: list[Fault]) -> list[Fault]:
    """What helps where the line of a fault still holds the marks of a template."""
    marked = {number for number, line in enumerate(content.splitlines(), 1) if _TEMPLATE.search(line)}
    return [
        replace(each, fix=_RENDER) if each.mark.line in marked and each.verdict is FAIL else each
        for each in faults
    ]


def _for_service(each: Fault) -> Fault:
    """A fault of syntax in a file that no agent reads."""
    return replace(each, outcomes=(), verdict=WARN)
