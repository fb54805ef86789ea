"""What fails, or goes wrong in silence, at Install: the paths and accounts, and what `plan` asks of a permission."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import PureWindowsPath

from runbooks.appspec import messages, showing
from runbooks.appspec.acl import is_default
from runbooks.appspec.fault import INSTALL, Fault, Outcome, fault
from runbooks.appspec.hooks import EVENTS
from runbooks.appspec.reading import Mapping, Node, Scalar, Sequence, is_null, name
from runbooks.findings import WARN

# Accounts that every Linux has, and those that images of AWS and packages of web servers bring.
ACCOUNTS = frozenset(
    {
        "root", "daemon", "bin", "sys", "adm", "lp", "sync", "mail", "nobody", "games", "ec2-user", "ubuntu", "admin",
        "centos", "rocky", "fedora", "www-data", "apache", "nginx", "wheel", "sudo", "users", "nogroup", "staff",
        "tomcat", "httpd",
    }
)  # fmt: skip
LIKE_A_FILE = re.compile(r".+\.(?!d$)[A-Za-z][A-Za-z0-9]{0,7}$")


def text(node: Node | None) -> str:
    """A value that is text, else ""."""
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""


def mappings(root: Mapping, section: str) -> list[tuple[int, Mapping]]:
    """The entries of a section that are mappings, with their numbers."""
    node = root.get(section)
    items = node.items if isinstance(node, Sequence) else []
    return [(number, item) for number, item in enumerate(items) if isinstance(item, Mapping)]


def is_windows(root: Mapping) -> bool:
    """Whether the AppSpec is for Windows."""
    return text(root.get("os")) == "windows"


_VARIABLE = re.compile(r"\$\{[A-Za-z_]|(?:^|/)\$[A-Za-z_]|%[A-Za-z_]\w*%")
_CONTROL, _ESCAPED = re.compile(r"[\x00-\x1f\x7f]"), re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def is_plain(path: str) -> bool:
    """Whether a path is free of spaces at its ends and of control characters."""
    return path == path.strip() and not _CONTROL.search(path)


def _written(node: Node | None, about: str) -> Iterator[Fault]:
    """A path that holds what its writer did not mean to be in a name."""
    path = text(node)
    if node is None or not path:
        return
    key = about.rpartition(".")[2]
    if _VARIABLE.search(path):
        yield fault(
            "paths-are-written-out",
            node.mark,
            f"The {key} {path[:200]!r} holds a variable; the agents take it as it is written.",
            about=about,
            fix="Write the value, or put it in before the bundle is packed.",
        )
    if key in ("source", "destination") and not is_plain(path):
        missing = key == "source"
        yield fault(
            "paths-are-plain",
            node.mark,
            f"The {key} is {path[:200]!r}, with "
            + (
                "a control character in it."
                if _ESCAPED.search(path)
                else "a space or a newline at its end or in it."
            ),
            about=about,
            fix="Use single quotes: in double quotes a backslash begins an escape."
            if _ESCAPED.search(path)
            else "Write it in one line, without `|` or `>`.",
            one=Outcome(INSTALL, messages.NO_SOURCE_1.format(path.lstrip("/"))) if missing else None,
            two=Outcome(INSTALL, messages.NO_SOURCE_2) if missing else None,
        )


def paths(root: Mapping) -> Iterator[Fault]:
    """The paths of `files`, and those of the scripts."""
    for number, entry in mappings(root, "files"):
        for end in ("source", "destination"):
            yield from _written(entry.get(end), f"files[{number}].{end}")
        yield from _source(entry.get("source"), f"files[{number}].source")
        yield from _destination(entry, number, is_windows(root))
    for number, entry in mappings(root, "permissions"):
        yield from _written(entry.get("object"), f"permissions[{number}].object")
    hooks = root.get("hooks")
    for key, scripts in hooks.last() if isinstance(hooks, Mapping) else ():
        for number, script in enumerate(scripts.items if isinstance(scripts, Sequence) else ()):
            if isinstance(script, Mapping):
                about = f"hooks.{showing.to_s(key)}[{number}]"
                yield from _written(script.get("location"), f"{about}.location")
                if name(key) in EVENTS:
                    yield from _stays(script.get("location"), f"{about}.location", name(key) or "")
                yield from _run_as(script, about, name(key) or "", is_windows(root))


def _source(node: Node | None, about: str) -> Iterator[Fault]:
    source = text(node)
    if node is None or not source:
        return
    if "*" in source or "?" in source:
        yield fault(
            "source-has-no-wildcard",
            node.mark,
            f"The source {source!r} has a wildcard; the agents take it as part of the name.",
            about=about,
            fix="Name the folder: its contents are copied.",
            one=Outcome(INSTALL, messages.NO_SOURCE_1.format(source.lstrip("/"))),
            two=Outcome(INSTALL, messages.NO_SOURCE_2),
        )
    yield from _stays(node, about)


def _stays(node: Node | None, about: str, event: str = INSTALL) -> Iterator[Fault]:
    """``event``: where agent 2.x refuses a path that leaves the bundle; 1.8.1 takes it for one of the host."""
    path = text(node).strip().replace("\\", "/")
    if node is None or posixpath.normpath(path.lstrip("/")).split("/")[0] != "..":
        return
    source = event == INSTALL
    yield fault(
        "source-stays-in-the-bundle",
        node.mark,
        f"{text(node)!r} leads out of the bundle: it is a path of the host. "
        + (
            "Agents 1.8.1 and 2.0 read it; 2.1.0 and later refuse it."
            if source
            else "Agent 1.8.1 runs it; 2.x refuses it."
        ),
        about=about,
        fix="Name a path in the bundle.",
        two=Outcome(event, (messages.ESCAPES_2 if source else messages.OUTSIDE_2).format(text(node).strip())),
    )


def _destination(entry: Mapping, number: int, windows: bool) -> Iterator[Fault]:
    node, about = entry.get("destination"), f"files[{number}].destination"
    destination = text(node)
    if node is None or not destination:
        return
    absolute = PureWindowsPath(destination).is_absolute() if windows else destination.startswith("/")
    if not absolute:
        yield fault(
            "destination-is-absolute",
            node.mark,
            f"The destination {destination!r} is relative: the files go below the {'home' if destination.startswith('~') else 'working directory'} of the agent.",
            about=about,
            fix="Write an absolute path.",
        )
    source = _base(text(entry.get("source")))
    if source and source == _base(destination) and LIKE_A_FILE.match(source):
        yield fault(
            "destination-is-a-folder",
            node.mark,
            f"The destination is always a folder: the file would be {destination.rstrip('/')}/{source}.",
            about=about,
            fix=f"Write the folder, {destination.rstrip('/')[: -len(source)].rstrip('/') or '/'}.",
        )


def _base(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2]


def _run_as(script: Mapping, about: str, event: str, windows: bool) -> Iterator[Fault]:
    runas, location = script.get("runas"), text(script.get("location")).strip()
    for key in ("runas", "sudo"):
        node = script.get(key)
        if windows and node is not None and not is_null(node):
            yield fault(
                "runas-has-an-effect",
                node.mark,
                f"{key} has no effect on Windows.",
                about=f"{about}.{key}",
                fix="Remove it; the script runs as the agent does.",
            )
    user = showing.to_s(runas).strip() if isinstance(runas, Scalar) else ""
    if runas is not None and not windows and user and user not in ACCOUNTS and event in EVENTS:
        failed = Outcome(
            event, f"Script at specified location: {location} run as user {user} failed with exit code 1"
        )
        yield _account(runas, user, "user", f"{about}.runas", failed, failed)


def _account(
    node: Node, account: str, kind: str, about: str, one: Outcome, two: Outcome | None = None
) -> Fault:
    return fault(
        "account-is-on-the-host",
        node.mark,
        f"Every host must have the {kind} {account[:80]!r}.",
        about=about,
        fix=f"Create the {kind} on the hosts, in an event before this one.",
        one=one,
        two=two,
        verdict=WARN,
        depends="a host does not have it",
    )


def owners(root: Mapping) -> Iterator[Fault]:
    """The owners and groups of permissions, which only the hosts have."""
    if is_windows(root):
        return
    for number, entry in mappings(root, "permissions"):
        for key, kind in (("owner", "user"), ("group", "group")):
            node = entry.get(key)
            if node is None or is_null(node) or not isinstance(node, Scalar):
                continue
            account = showing.to_s(node)
            about = f"permissions[{number}].{key}"
            if not isinstance(node.value, str):
                yield fault(
                    "account-is-on-the-host",
                    node.mark,
                    f"The {key} {node.text!r} is a number; the agents look up a name.",
                    about=about,
                    fix=f"Write the name of the {kind}.",
                    one=Outcome(INSTALL, f"no implicit conversion of {showing.class_of(node)} into String"),
                    depends="a host does not have it",
                )
            elif account not in ACCOUNTS:
                yield _account(
                    node, account, kind, about, Outcome(INSTALL, f"can't find {kind} for {account}")
                )
        acls = entry.get("acls")
        for item in acls.items if isinstance(acls, Sequence) else ():
            yield from _named_in_acl(item, f"permissions[{number}].acls")


def _named_in_acl(item: Node, about: str) -> Iterator[Fault]:
    found = re.fullmatch(r"(?:d(?:efault)?:)?(u|user|g|group):([^:]*[^:\d][^:]*):[^:]*", text(item))
    if found and found[2] not in ACCOUNTS:
        kind = "user" if found[1].startswith("u") else "group"
        yield _account(
            item, found[2], kind, about, Outcome(INSTALL, "")
        )  # setfacl fails, with a command of its own


def means(entry: Mapping, kind: str) -> bool:
    """Whether a permission is for files, or for folders: for both unless it says so."""
    node = entry.get("type")
    return not isinstance(node, Sequence) or kind in [showing.to_s(item) for item in node.items]


def file_permission(entry: Mapping, item: str, about: str) -> Iterator[Fault]:
    """The pattern and the exceptions of an object that is a file."""
    pattern, exceptions = entry.get("pattern"), entry.get("except")
    if pattern is not None and not is_null(pattern) and showing.to_s(pattern) != "**":
        message = messages.PATTERN.format(item, showing.to_s(pattern))
        yield _on_file("pattern", pattern, item, message, about)
    elif isinstance(exceptions, Sequence) and exceptions.items:
        message = messages.EXCEPT.format(showing.inspect(exceptions), item)
        yield _on_file("except", exceptions, item, message, about)


def _on_file(key: str, node: Node, item: str, message: str, about: str) -> Fault:
    return fault(
        "pattern-fits-the-object",
        node.mark,
        f"{item} is a file; {key} is for folders.",
        about=f"{about}.{key}",
        fix=f"Remove {key}, or name the folder as the object.",
        one=Outcome(INSTALL, message),
        two=Outcome(INSTALL, messages.IO_2.format(message)),
    )


def acl_default(entry: Mapping, about: str) -> Iterator[Fault]:
    """A default ACL, which Install refuses on the first file that it would be set on."""
    acls = entry.get("acls")
    for item in acls.items if isinstance(acls, Sequence) else ():
        if is_default(text(item)):
            yield fault(
                "acl-defaults-are-for-folders",
                item.mark,
                f"The default ACL {text(item)!r} would be set on files.",
                about=f"{about}.acls",
                fix="Add `type: [directory]`.",
                one=Outcome(INSTALL, messages.ACL_DEFAULT),
                two=Outcome(INSTALL, messages.IO_2.format(messages.ACL_DEFAULT)),
            )
            return


def range_left_out(entry: Mapping, about: str) -> Iterator[Fault]:
    """A context without a range, which 1.8.1 cannot write down."""
    context = entry.get("context")
    if isinstance(context, Mapping) and is_null(context.get("range")) and not is_null(context.get("type")):
        yield fault(
            "context-has-a-range",
            context.mark,
            "context has no range; agent 1.8.1 fails without one.",
            about=f"{about}.context",
            fix="Add `range: s0`.",
            one=Outcome(INSTALL, "undefined method `get_range' for nil:NilClass"),
        )
