"""The permissions of an AppSpec file, judged as both agents parse them; what fails at Install is in `install`."""

import re
from collections.abc import Iterator

from runbooks.appspec import messages, ruby, rust, showing
from runbooks.appspec.acl import acl_1, acl_2
from runbooks.appspec.fault import Fault, fault
from runbooks.appspec.reading import Mapping, Node, Scalar, Sequence, is_null
from runbooks.appspec.selinux import range_1, range_2
from runbooks.appspec.values import index, index_error, missing_or_false, seen
from runbooks.findings import FAIL

TYPES = ("file", "directory")


def permissions(root: Mapping) -> Iterator[Fault]:
    """Every permission; on Windows the section itself is the fault."""
    node = root.get("permissions")
    if node is None:
        return
    system = root.get("os")
    if isinstance(system, Scalar) and system.value == "windows" and isinstance(node, Sequence) and node.items:
        pair, first_entry = root.pair("permissions"), node.items[0]
        one = messages.WINDOWS
        if not isinstance(first_entry, Mapping):
            one = showing.undefined("has_key?", first_entry)
        elif is_null(first_entry.get("object")):
            one = messages.OBJECT
        yield fault(
            "permissions-are-for-linux",
            (pair[0] if pair else node).mark,
            "permissions stands in an AppSpec for Windows; both agents refuse that.",
            about="permissions",
            fix="Remove the section, and set the access in a script.",
            one=one,
            two=messages.corrected(messages.WINDOWS),
        )
        return
    if isinstance(node, Sequence):
        for number, entry in enumerate(node.items):
            yield from _permission(entry, f"permissions[{number}]")
        return
    if isinstance(node, Mapping):
        first = Sequence(node.mark, "", list(node.last()[0])) if node.pairs else None
        one = showing.undefined("has_key?", first) if first else ""
    else:
        one = "" if missing_or_false(node) else showing.undefined("each", node)
    two = rust.wrong(node, "a sequence", "permissions")
    if one or two:
        yield fault(
            "section-is-well-formed",
            node.mark,
            f"permissions is {seen(node)}; it must be a list.",
            about="permissions",
            fix="Begin each entry with a dash.",
            one=one,
            two=two,
        )


def _permission(entry: Node, about: str) -> Iterator[Fault]:
    if not isinstance(entry, Mapping):
        yield fault(
            "permission-has-object",
            entry.mark,
            f"{about} is {seen(entry)}; a permission is a mapping with an object.",
            about=about,
            fix="Write `- object: …`.",
            one=showing.undefined("has_key?", entry),
            two=rust.wrong(entry, "struct RawPermission", about) or messages.OBJECT,
        )
        return
    item = entry.get("object")
    if is_null(item) or not showing.to_s(item).strip():
        yield fault(
            "permission-has-object",
            (item or entry).mark,
            f"{about} has no object.",
            about=f"{about}.object",
            fix="Add `object:`, the path on the host.",
            one=messages.OBJECT,
            two=messages.OBJECT,
        )
    yield from _globs(entry, about)
    yield from _except(entry.get("except"), f"{about}.except")
    yield from _types(entry.get("type"), f"{about}.type")
    yield from _mode(entry.get("mode"), f"{about}.mode")
    yield from _acls(entry.get("acls"), f"{about}.acls")
    yield from _context(entry.get("context"), f"{about}.context")


def _globs(entry: Mapping, about: str) -> Iterator[Fault]:
    """Patterns that match less than their writer thinks."""
    exceptions = entry.get("except")
    item = entry.get("object")
    if isinstance(item, Scalar) and any(sign in item.text for sign in "*?["):
        yield fault(
            "pattern-can-match",
            item.mark,
            f"The object {item.text[:80]!r} holds a pattern: the agents take it as it is written.",
            about=f"{about}.object",
            fix="Name the folder as the object, and write the pattern as `pattern`.",
        )
    rows = [("pattern", entry.get("pattern"))]
    rows += [("except", item) for item in exceptions.items] if isinstance(exceptions, Sequence) else []
    for key, node in rows:
        text = showing.to_s(node)
        sign = next((sign for sign in "/?[{" if sign in text), "")
        if isinstance(node, Scalar) and sign:
            yield fault(
                "pattern-can-match",
                node.mark,
                f"{key} has the pattern {text[:80]!r}: "
                + (
                    "agent 1.8.1 compares it with the names of direct children, which have no /."
                    if sign == "/"
                    else f"agent 1.8.1 takes {sign} as it is written."
                ),
                about=f"{about}.{key}",
                fix="Use ** alone for every depth, or a name with * for the direct children of the object.",
            )


def _except(node: Node | None, about: str) -> Iterator[Fault]:
    if node is None or isinstance(node, Sequence):
        return
    one = "" if missing_or_false(node) or isinstance(node, Mapping) else showing.undefined("each", node)
    two = "" if rust.is_null(node) else rust.wrong(node, "a sequence", about)
    if one or two:
        yield fault(
            "except-is-a-list",
            node.mark,
            f"except is {seen(node)}; it must be a list.",
            about=about,
            fix="Write `except: [name]`.",
            one=one,
            two=two,
        )


def _types(node: Node | None, about: str) -> Iterator[Fault]:
    if node is None or (missing_or_false(node) and rust.is_null(node)):
        return
    if not isinstance(node, Sequence):
        if isinstance(node, Mapping):
            first = Sequence(node.mark, "", list(node.last()[0])) if node.pairs else None
            one = messages.TYPE.format(showing.inspect(first)) if first else ""
        else:
            one = "" if missing_or_false(node) else showing.undefined("each", node)
        yield fault(
            "type-is-file-or-directory",
            node.mark,
            f"type is {seen(node)}; it must be a list.",
            about=about,
            fix=f"Write `type: [{showing.to_s(node)}]`."
            if showing.to_s(node) in TYPES
            else "Write `type: [file, directory]`.",
            one=one,
            two=rust.wrong(node, "a sequence", about),
        )
        return
    for number, item in enumerate(node.items):
        if isinstance(item, Scalar) and item.value in TYPES:
            continue
        message = messages.TYPE.format(showing.to_s(item))
        two = rust.wrong(item, "a string", f"{about}[{number}]")
        yield fault(
            "type-is-file-or-directory",
            item.mark,
            f"type has {seen(item)}; only file and directory are supported.",
            about=about,
            fix="Use file, directory or both.",
            one=message,
            two=two or messages.corrected(message),
        )


def _number(node: Node) -> str:
    """Which number agent 1.8.1 reads, where it is written in another form: 1:30 is 5400."""
    value = node.value if isinstance(node, Scalar) else None
    other = (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and str(value) != getattr(node, "text", "")
    )
    return f", which agent 1.8.1 reads as the number {ruby.shown(value)}" if other else ""


def _mode(node: Node | None, about: str) -> Iterator[Fault]:
    if node is None or is_null(node):
        return
    one = mode_error(showing.to_s(node), shown_padded=True)
    two = rust.wrong(node, "a string", about)
    if isinstance(node, Scalar):
        two = mode_error(node.text, shown_padded=False)
    if isinstance(node, Scalar) and isinstance(node.value, int) and re.match(r"^0[0-7_,]+$", node.text):
        value = node.value
        if value or len(node.text) > 4:  # 0, 00 and 000 are the same either way
            effect = "refuses" if one else f"sets as the mode {str(value).rjust(3, '0')}"
            yield fault(
                "mode-has-no-leading-zero",
                node.mark,
                f"mode is {node.text} without quotes, which YAML reads as the number {value}: agent 1.8.1 {effect}.",
                about=about,
                fix=f"Write `mode: {node.text.lstrip('0') or '0'}`, or put it in quotes.",
                one=one,
                two=two,
                verdict=FAIL,
            )
            return
    if one or two or _number(node):
        yield fault(
            "mode-is-octal",
            node.mark,
            f"mode is {seen(node)}{_number(node)}; it must have one to four digits from 0 to 7.",
            about=about,
            fix="Write the mode in octal digits, as 644 or 755.",
            one=one,
            two=two,
            verdict=FAIL if _number(node) else None,
        )


def mode_error(mode: str, *, shown_padded: bool) -> str:
    """What an agent says of a mode; 1.8.1 quotes it filled up with zeros, 2.x as it is written."""
    padded = mode.rjust(3, "0")
    shown = padded if shown_padded else mode
    if len(padded) > 4:
        return messages.MODE_LENGTH.format(shown)
    wrong = next((character for character in padded if not "0" <= character <= "7"), "")
    return messages.MODE_CHARACTER.format(shown, wrong) if wrong else ""


def _acls(node: Node | None, about: str) -> Iterator[Fault]:
    if node is None or is_null(node):
        return
    if not isinstance(node, Sequence):
        if isinstance(node, Mapping):
            first = Sequence(node.mark, "", list(node.last()[0])) if node.pairs else None
            one = showing.undefined("split", first) if first else ""
        else:
            one = showing.undefined("each", node)
        yield fault(
            "acls-are-valid",
            node.mark,
            f"acls is {seen(node)}; it must be a list.",
            about=about,
            fix="Begin each entry with a dash.",
            one=one,
            two=rust.wrong(node, "a sequence", about),
        )
        return
    for number, item in enumerate(node.items):
        text = item.value if isinstance(item, Scalar) else None
        one = acl_1(text) if isinstance(text, str) else showing.undefined("split", item)
        two = rust.wrong(item, "a string", f"{about}[{number}]")
        if isinstance(item, Scalar):
            two = acl_2(item.text)
        if one or two:
            yield fault(
                "acls-are-valid",
                item.mark,
                f"The ACL entry {showing.to_s(item)[:80]!r} is not valid"
                + ("." if one else " for agent 2.x, which wants a kind, a name and permissions."),
                about=f"{about}[{number}]",
                fix="Write it as `u:NAME:rwx`, `g:NAME:r-x`, `m::rwx` or `default:u:NAME:rwx`; the base entries are set by mode.",
                one=one,
                two=two,
            )


def _context(node: Node | None, about: str) -> Iterator[Fault]:
    if node is None or is_null(node):
        return
    two = rust.wrong(node, "struct RawContext", about)
    if unreadable := index_error(node):
        yield fault(
            "context-has-a-type",
            node.mark,
            f"context is {seen(node)}; it must be a mapping with a type.",
            about=about,
            fix="Write `type:` below `context:`.",
            one=unreadable,
            two=two,
        )
        return
    if is_null(index(node, "type")):
        yield fault(
            "context-has-a-type",
            node.mark,
            "context has no type.",
            about=about,
            fix="Add `type:`, as httpd_sys_content_t.",
            one=messages.CONTEXT.format(showing.inspect(node)),
            two=two or messages.CONTEXT.format(_as_rust_shows(node)),
        )
    span = index(node, "range")
    if span is None or is_null(span):
        return
    value = span.value if isinstance(span, Scalar) else None
    if isinstance(value, str):
        one = range_1(value)
    else:
        one = showing.undefined("include?" if isinstance(span, Scalar) else "split", span)
    text = rust.wrong(span, "a string", f"{about}.range")
    if isinstance(span, Scalar):
        text = range_2(span.text)
    if one or text:
        yield fault(
            "context-range-is-valid",
            span.mark,
            f"The SELinux range {showing.to_s(span)[:80]!r} is not valid.",
            about=f"{about}.range",
            fix="Write it as s0, s0-s3 or s0-s3:c0.c5,c7.",
            one=one,
            two=text,
        )


def _as_rust_shows(node: Node) -> str:
    def option(key: str) -> str:
        value = node.get(key) if isinstance(node, Mapping) else None
        return "None" if rust.is_null(value) else f'Some("{showing.to_s(value)}")'

    return f"SELinux context missing required 'type' field: RawContext {{ name: {option('name')}, type_: None, range: {option('range')} }}"
