"""Install, played through with the entries of a bundle on a host where nothing is installed yet.

By the source of 1.8.1 (installer.rb, install_instruction.rb); 2.x does the same in the same order.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field

from runbooks.appspec import install, messages, showing
from runbooks.appspec.bundle import Bundle, Entry
from runbooks.appspec.fault import INSTALL, Fault, Outcome, fault
from runbooks.appspec.reading import Mapping, Mark, Node, Sequence, is_null
from runbooks.findings import UNKNOWN

MAX_MATCHES = 2_000_000  # files times permissions
MAX_STEPS = 300_000  # files and folders that the entries of `files` copy together
LONGEST_WINDOWS_PATH = 259
# C:\ProgramData\Amazon\CodeDeploy\ and the ids of the group and the deployment, and deployment-archive\
WINDOWS_ARCHIVE = 33 + 37 + 12 + 19


UNSEEN = "…"  # a file that a folder is taken to hold, where there is no bundle


@dataclass
class Plan:
    """What Install would make."""

    copies: dict[str, str] = field(default_factory=dict)  # destination: source, both as paths
    steps: int = 0  # how many files and folders were planned
    folders: dict[str, None] = field(default_factory=dict)  # an ordered set


def simulate(root: Mapping, bundle: Bundle) -> Iterator[Fault]:
    """What fails when these files are copied and get their permissions."""
    plan = Plan()
    windows = install.is_windows(root)
    for number, entry in install.mappings(root, "files"):
        yield from _copy(entry, number, bundle, plan, windows)
        if plan.steps > MAX_STEPS:
            yield fault(
                "bundle-is-bearable",
                entry.mark,
                f"What files[{number}] and the entries after it copy was not checked: it is too much.",
                verdict=UNKNOWN,
            )
            return
    if windows:
        yield from _long_paths(root, bundle, plan)
        return
    permissions = install.mappings(root, "permissions")
    if len(permissions) * (len(plan.copies) + len(plan.folders)) > MAX_MATCHES:
        yield fault(
            "bundle-is-bearable",
            root.mark,
            f"{len(permissions)} permissions for {len(plan.copies)} files were not checked against each other.",
            verdict=UNKNOWN,
        )
        return
    named: set[str] = set()
    for number, entry in permissions:
        yield from _permission(entry, f"permissions[{number}]", plan, named, bundle)


def destinations(root: Mapping, bundle: Bundle) -> Plan:
    """What Install would make of these files, whatever is wrong with them; of very many, the first."""
    plan, windows = Plan(), install.is_windows(root)
    for number, entry in install.mappings(root, "files"):
        for _ in _copy(entry, number, bundle, plan, windows):
            pass
        if plan.steps > MAX_STEPS:
            break
    return plan


def imagined(root: Mapping) -> Bundle:
    """A bundle that would fit an AppSpec, where there is none: a source is a file if its name has a suffix.

    A folder holds a file without a name, and what the permissions name below its destination.
    """
    bundle = Bundle("imagined")
    folders: dict[str, str] = {}  # the destinations, by source
    numbers: dict[str, int] = {}
    for _, entry in install.mappings(root, "files"):
        source, destination = install.text(entry.get("source")), install.text(entry.get("destination"))
        path = _inside(source)
        if is_null(entry.get("source")) or not destination or path.split("/")[0] == "..":
            continue
        if install.LIKE_A_FILE.match(posixpath.basename(path)):
            bundle.entries[path] = Entry(path, "file")
        else:
            number = numbers.setdefault(path, len(numbers))
            folders[path] = posixpath.normpath(destination)
            _imagine(bundle, path, f"{UNSEEN}{number or ''}")
    permissions = install.mappings(root, "permissions")
    for _, entry in permissions if len(permissions) * len(folders) < MAX_MATCHES // 10 else ():
        item = posixpath.normpath(showing.to_s(entry.get("object")).strip() or "/")
        for source, target in folders.items():
            if item.startswith(target.rstrip("/") + "/") and item != target:
                below = item[len(target.rstrip("/")) + 1 :]
                folder = not install.LIKE_A_FILE.match(posixpath.basename(item))
                _imagine(bundle, source, posixpath.join(below, UNSEEN) if folder else below)
                break
    return bundle.close()


def _imagine(bundle: Bundle, folder: str, below: str) -> None:
    """Add a file, and the folders above it."""
    parts = posixpath.join(folder, below).strip("/").split("/")
    for depth in range(1, len(parts)):
        parent = "/".join(parts[:depth])
        bundle.entries.setdefault(parent, Entry(parent, "folder"))
    path = "/".join(parts)
    bundle.entries.setdefault(path, Entry(path, "file"))


def _inside(source: str, windows: bool = False) -> str:
    """A source as a path from the root of the bundle; "" for the root."""
    path = posixpath.normpath((source.replace("\\", "/") if windows else source).strip("/") or ".")
    return "" if path == "." else path


def _copy(entry: Mapping, number: int, bundle: Bundle, plan: Plan, windows: bool) -> Iterator[Fault]:
    source, destination = install.text(entry.get("source")), install.text(entry.get("destination"))
    node = entry.get("source")
    if (
        node is None
        or is_null(node)
        or not destination
        or not install.is_plain(source)
        or "*" in source
        or "?" in source
    ):
        return
    path = _inside(source, windows)
    if path.split("/")[0] == "..":
        return
    kind = "link" if bundle.is_link(path) and bundle.kind_of(path) != "folder" else bundle.kind_of(path)
    if not kind and windows and (other := bundle.same_but_for_case(path)):
        path, kind = other, bundle.kind_of(other)
    if not kind:
        yield _missing(node, source, path, bundle, f"files[{number}].source")
    target = posixpath.normpath(destination.replace("\\", "/") if windows else destination)
    named = source.strip("/")  # as the messages show it
    if kind == "folder":
        yield from _folder(target, node, plan)
        for below, its_kind in bundle.below(path):
            plan.steps += 1
            if plan.steps > MAX_STEPS:
                return
            where = posixpath.join(target, below)
            yield from (_folder if its_kind == "folder" else _file)(
                where, node, plan, posixpath.join(named, below)
            )
        return
    if kind and source.endswith("/") and bundle.kind_of(path) != "outside":
        message = messages.NO_FOLDER_1 if bundle.kind_of(path) == "file" else messages.NO_SOURCE_1
        yield fault(
            "source-is-in-the-bundle",
            node.mark,
            f"{path} is a file, so {source!r} is not there.",
            about=f"files[{number}].source",
            fix=f"Write {path}.",
            one=Outcome(INSTALL, message.format(source.lstrip("/"))),
        )
    yield from _file(posixpath.join(target, posixpath.basename(path)), node, plan, named)
    if (
        kind
        and posixpath.basename(target) == posixpath.basename(path)
        and "." not in posixpath.basename(path)
    ):
        yield fault(
            "destination-is-a-folder",
            (entry.get("destination") or node).mark,
            f"The destination is always a folder: the file would be {target}/{posixpath.basename(path)}.",
            about=f"files[{number}].destination",
            fix=f"Write the folder, {posixpath.dirname(target)}.",
        )


def _missing(node: Node, source: str, path: str, bundle: Bundle, about: str) -> Fault:
    near = bundle.same_but_for_case(path)
    parts = path.split("/")
    through = any(bundle.kind_of("/".join(parts[:depth])) == "file" for depth in range(1, len(parts)))
    message = messages.NO_FOLDER_1 if through else messages.NO_SOURCE_1
    return fault(
        "source-is-in-the-bundle",
        node.mark,
        f"The bundle has no {path!r}" + (f"; it has {near!r}, and case counts." if near else "."),
        about=about,
        fix=f"Write {near}." if near else "Correct the path, or put the file into the bundle.",
        one=Outcome(INSTALL, message.format(source.lstrip("/"))),
        two=Outcome(INSTALL, "") if through else Outcome(INSTALL, messages.NO_SOURCE_2),
    )


def _ancestors(path: str, node: Node, plan: Plan) -> Iterator[Fault]:
    parent = posixpath.dirname(path)
    while parent and parent not in ("/", ".") and parent not in plan.folders:
        if parent in plan.copies:
            yield _clash(
                node,
                f"{parent} would be a file and a folder.",
                messages.FOLDER_ON_FILE.format(parent, f"ARCHIVE/{plan.copies[parent]}"),
            )
            return
        plan.folders[parent] = None
        parent = posixpath.dirname(parent)


def _folder(path: str, node: Node, plan: Plan, source: str = "") -> Iterator[Fault]:
    if path in plan.folders:
        return
    yield from _ancestors(path, node, plan)
    if path in plan.copies:
        yield _clash(
            node,
            f"{path} would be a file and a folder.",
            messages.FOLDER_ON_FILE.format(path, f"ARCHIVE/{plan.copies[path]}"),
        )
    plan.folders[path] = None


def _file(path: str, node: Node, plan: Plan, source: str) -> Iterator[Fault]:
    yield from _ancestors(path, node, plan)
    if path in plan.copies:
        message = messages.TWO_SOURCES.format(f"ARCHIVE/{source}", f"ARCHIVE/{plan.copies[path]}", path)
        yield _clash(node, f"{plan.copies[path]} and {source} are both copied to {path}.", message)
    elif path in plan.folders:
        yield _clash(
            node,
            f"{path} would be a folder and a file.",
            messages.FILE_ON_FOLDER.format(f"ARCHIVE/{source}", path),
        )
    plan.copies.setdefault(path, source)


def _clash(node: Node, says: str, message: str) -> Fault:
    outcome = Outcome(INSTALL, message)
    return fault(
        "destination-is-unique",
        node.mark,
        says,
        about="files",
        fix="Remove one of the sources, or give it another destination.",
        one=outcome,
        two=outcome,
    )


def _permission(entry: Mapping, about: str, plan: Plan, named: set[str], bundle: Bundle) -> Iterator[Fault]:
    node = entry.get("object")
    item = posixpath.normpath(showing.to_s(node).strip()) if showing.to_s(node).strip() else ""
    if node is None or not item or any(sign in item for sign in "*?["):
        return
    if item in plan.copies:
        if not install.means(entry, "file"):
            return
        matches = [item]
        yield from install.file_permission(entry, item, about)
    else:
        matches = list(_matches(entry, item, plan))
    if not matches:
        itself = item in plan.folders
        if itself and not install.means(entry, "file") and bundle.kind != "imagined":
            yield fault(
                "object-is-deployed",
                node.mark,
                f"The bundle makes no folder below {item!r}, and the object itself is never changed: the permission has no effect.",
                about=f"{about}.object",
                fix="Set the mode of the folder in a script, or name the folder above it.",
            )
        elif plan.copies and not itself:
            yield fault(
                "object-is-deployed",
                node.mark,
                f"The bundle installs nothing at {item!r}: the permission has no effect.",
                about=f"{about}.object",
                fix="Name a path that `files` copies to, or set it in a script.",
            )
        return
    if any(match in plan.copies for match in matches):
        yield from install.acl_default(entry, about)
    yield from install.range_left_out(entry, about)
    twice = next((match for match in matches if match in named), "")
    named.update(matches)
    if twice:
        message = Outcome(INSTALL, messages.OBJECT_TWICE.format(twice))
        yield fault(
            "object-is-named-once",
            node.mark,
            f"{twice} gets two permissions: this one, and one above.",
            about=f"{about}.object",
            fix="Narrow one of them with `pattern` or `except` on its folder, or with `type`.",
            one=message,
            two=message,
        )


def _matches(entry: Mapping, item: str, plan: Plan) -> Iterator[str]:
    start = item.rstrip("/") + "/"
    pattern = "**" if is_null(entry.get("pattern")) else showing.to_s(entry.get("pattern"))
    exceptions = entry.get("except")
    left_out = [showing.to_s(one) for one in exceptions.items] if isinstance(exceptions, Sequence) else []
    found = [*(plan.copies if install.means(entry, "file") else ())]
    found += plan.folders if install.means(entry, "directory") else ()
    for path in found:
        if not path.startswith(start) or path == start:
            continue
        below = path[len(start) :]
        if (pattern == "**" or glob(below, pattern)) and not any(glob(below, one) for one in left_out):
            yield path


def glob(name: str, pattern: str) -> bool:
    """Whether a direct child matches: ``*`` stands for any text. In time that grows with both lengths only."""
    if "/" in name:
        return False
    at = star = mark = 0
    starred = False
    place = 0
    while place < len(name):
        if at < len(pattern) and pattern[at] == "*":
            starred, star, mark = True, at, place
            at += 1
        elif at < len(pattern) and pattern[at] == name[place]:
            at += 1
            place += 1
        elif starred:
            mark += 1
            at, place = star + 1, mark
        else:
            return False
    return not pattern[at:].strip("*")


def _long_paths(root: Mapping, bundle: Bundle, plan: Plan) -> Iterator[Fault]:
    archive = max((path for path in bundle.entries), key=len, default="")
    length = WINDOWS_ARCHIVE + len(archive) - len(bundle.top)
    target = max(plan.copies, key=len, default="")
    for path, size in ((archive, length), (target, len(target))):
        if size > LONGEST_WINDOWS_PATH:
            yield fault(
                "windows-path-is-short",
                Mark(1, 1),
                f"{path[:300]!r} comes to {size} characters on the host; Windows without long paths allows {LONGEST_WINDOWS_PATH}.",
                about=path[:300],
                fix="Shorten the names of the folders, or switch long paths on at every host.",
                depends="the hosts do not allow long paths",
            )
