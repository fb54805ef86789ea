"""Keys that the agents ignore, and keys that stand twice: silent traps, as neither is an error of 1.8.1."""

from collections.abc import Iterator

from runbooks.appspec import rust, showing
from runbooks.appspec.fault import Fault, fault
from runbooks.appspec.hooks import EVENTS
from runbooks.appspec.reading import Mapping, Node, Scalar, Sequence, name
from runbooks.appspec.server import TOP
from runbooks.appspec.values import closest

FILE = ("source", "destination")
SCRIPT = ("location", "runas", "sudo", "timeout")
PERMISSION = ("object", "pattern", "except", "owner", "group", "mode", "acls", "context", "type")
CONTEXT = ("name", "type", "range")
_RESOURCES = ("resources",)


def keys(root: Mapping) -> Iterator[Fault]:
    """The keys of every mapping that an agent reads."""
    yield from _of(root, TOP, "")
    for section, known in (("files", FILE), ("permissions", PERMISSION)):
        for number, entry in enumerate(_items(root.get(section))):
            yield from _of(entry, known, f"{section}[{number}]")
            context = (
                entry.get("context") if isinstance(entry, Mapping) and section == "permissions" else None
            )
            yield from _of(context, CONTEXT, f"{section}[{number}].context")
    hooks = root.get("hooks")
    if isinstance(hooks, Mapping):
        yield from _twice(hooks, "hooks", refused=False)
        for key, scripts in hooks.pairs:
            for number, script in enumerate(_items(scripts)):
                yield from _of(script, SCRIPT, f"hooks.{showing.to_s(key)}[{number}]")


def _items(node: Node | None) -> list[Node]:
    return node.items if isinstance(node, Sequence) else []


def _of(node: Node | None, known: tuple[str, ...], about: str) -> Iterator[Fault]:
    if not isinstance(node, Mapping):
        return
    yield from _twice(node, about, refused=True, known=known)
    for key, _ in node.pairs:
        if name(key) not in known:
            yield _unknown(key, known, about)


def _unknown(key: Node, known: tuple[str, ...], about: str) -> Fault:
    word = showing.to_s(key)
    place = f"{about}.{word}" if about else word
    if not about and word.lower() in _RESOURCES:
        return fault(
            "one-platform",
            key.mark,
            f"{word} belongs to an AppSpec for ECS or Lambda: the agent ignores it and installs nothing for it.",
            about=place,
            fix="Remove it; or, for ECS or Lambda, remove os, files and permissions.",
        )
    if word == "file_exists_behavior":
        return fault(
            "file-exists-behavior-is-at-the-top",
            key.mark,
            f"file_exists_behavior below {about} is ignored: it belongs at the top level.",
            about=place,
            fix="Move it to the first column, beside version and os.",
        )
    if word in EVENTS and not about:
        return fault(
            "keys-are-known",
            key.mark,
            f"{word} stands beside hooks, not below it: its scripts are never run.",
            about=place,
            fix="Indent it below `hooks:`.",
        )
    if word == "overwrite" and known is FILE:
        says, fix = (
            "The agents do not know overwrite; a file that exists fails Install as before.",
            "Write `file_exists_behavior: OVERWRITE` at the top level.",
        )
    elif word == "user" and known is CONTEXT:
        says, fix = "The agents read the SELinux user from name; user is ignored.", "Write `name:`."
    elif word == "<<":
        says, fix = "Agent 2.x ignores the merge key <<.", "Write the keys out."
    else:
        near = closest(word, known)
        says = (
            f"The agents do not know the key {word[:80]!r}"
            + (f" in {about}" if about else "")
            + "; they ignore it."
        )
        fix = f"Write {near}." if near else f"Remove it; the keys here are {', '.join(known)}."
    return fault("keys-are-known", key.mark, says, about=place, fix=fix)


def _twice(node: Mapping, about: str, *, refused: bool, known: tuple[str, ...] = ()) -> Iterator[Fault]:
    seen: set[str] = set()
    for key, _ in node.pairs:
        word = name(key)
        if word in seen and isinstance(key, Scalar):
            place = f"{about}: " if about else ""
            error = f"{rust.PREFIX}{place}duplicate field `{word}` at line {key.mark.line} column {key.mark.column}"
            yield fault(
                "keys-are-unique",
                key.mark,
                f"The key {word} stands twice; agent 1.8.1 takes the last one, so the first has no effect.",
                about=f"{about}.{word}" if about else word,
                fix="Join the two.",
                two=error if refused and word in known else None,
            )
        if word is not None:
            seen.add(word)
