"""The AppSpec file of a server deployment, judged as both agents parse it: version, os and files.

Agent 1.8.1 by its source and by running it (application_specification.rb and its helpers); 2.x by reading its source
(application_specification/parse.rs). Each judges in its own order and stops at its first fault; all of them are here.
"""

from collections.abc import Iterator

from runbooks.appspec import messages, ruby, rust, showing
from runbooks.appspec.fault import INSTALL, Fault, Outcome, fault
from runbooks.appspec.reading import Mapping, Node, Scalar, Sequence, is_null
from runbooks.appspec.values import index, index_error, missing_or_false, seen
from runbooks.findings import FAIL

TOP = ("version", "os", "hooks", "files", "permissions", "file_exists_behavior")
BEHAVIORS = ("DISALLOW", "OVERWRITE", "RETAIN")


def version(root: Mapping) -> Iterator[Fault]:
    """The version: 1.8.1 compares the value with 0.0, 2.x reads a number."""
    node = root.get("version")
    value = node.value if isinstance(node, Scalar) else None
    equal = isinstance(value, (int, float)) and not isinstance(value, bool) and value == 0
    one = "" if equal else messages.VERSION.format(showing.to_s(node))
    if node is None:
        two = rust.missing("version", root)
    else:
        number = rust.number(node)
        two = rust.wrong(node, "f64", "version")
        if number is not None and abs(number) >= 2.2e-16:
            two = messages.VERSION.format(rust.shown_float(number))
    if one or two:
        quoted = isinstance(node, Scalar) and not node.plain and node.text == "0.0"
        says = (
            'version is the text "0.0"; it must be the number, without quotes.'
            if quoted
            else f"version is {seen(node)}; it must be 0.0."
        )
        yield fault(
            "version-is-zero",
            (node or root).mark,
            says,
            about="version",
            fix="Write `version: 0.0`, without quotes.",
            one=one,
            two=two,
        )


def operating_system(root: Mapping) -> Iterator[Fault]:
    """The operating system, by its exact name."""
    node = root.get("os")
    known = isinstance(node, Scalar) and node.value in ("linux", "windows")
    one = "" if known else messages.OS.format(showing.to_s(node))
    if node is None:
        two = rust.missing("os", root)
    else:
        two = rust.wrong(node, "a string", "os")
        if isinstance(node, Scalar) and node.text not in ("linux", "windows"):
            two = messages.OS.format(node.text)
    if one or two:
        yield fault(
            "os-is-linux-or-windows",
            (node or root).mark,
            f"os is {seen(node)}; it must be linux or windows, in lower case.",
            about="os",
            fix="Write `os: linux` or `os: windows`.",
            one=one,
            two=two,
        )


def behavior(root: Mapping) -> Iterator[Fault]:
    """What happens with files that exist."""
    node = root.get("file_exists_behavior")
    if node is None or is_null(node):
        return
    known = isinstance(node, Scalar) and node.value in BEHAVIORS
    two = rust.wrong(node, "a string", "file_exists_behavior")
    if isinstance(node, Scalar) and node.text not in BEHAVIORS:
        two = messages.BEHAVIOR.format(node.text)
    if not known:
        yield fault(
            "file-exists-behavior-is-known",
            node.mark,
            f"file_exists_behavior is {seen(node)}; it must be DISALLOW, OVERWRITE or RETAIN, in upper case.",
            about="file_exists_behavior",
            fix="Write DISALLOW, OVERWRITE or RETAIN.",
            one=messages.BEHAVIOR.format(showing.to_s(node)),
            two=two,
        )


def files(root: Mapping) -> Iterator[Fault]:
    """The files to copy."""
    node = root.get("files")
    if node is None:
        return
    if not isinstance(node, Sequence):
        yield from _no_list(node, "files", "no implicit conversion of String into Integer")
        return
    for number, entry in enumerate(node.items):
        yield from _file(entry, f"files[{number}]")


def _file(entry: Node, about: str) -> Iterator[Fault]:
    source, destination = index(entry, "source"), index(entry, "destination")
    typed = rust.wrong(entry, "struct RawFileMapping", about)
    if not isinstance(entry, Mapping):
        missing = messages.SOURCE if is_null(source) else ""
        missing = missing or (
            messages.DESTINATION.format(showing.to_s(source)) if is_null(destination) else ""
        )
        yield fault(
            "file-has-source",
            entry.mark,
            f"{about} is {seen(entry)}; it must be a mapping with source and destination.",
            about=about,
            fix="Write `- source: …` and `destination: …` below each other.",
            one=index_error(entry) or missing,
            two=typed or messages.SOURCE,
        )
        return
    if is_null(source) or (isinstance(source, Scalar) and source.text == ""):
        nothing = is_null(source)
        yield fault(
            "file-has-source",
            (source or entry).mark,
            f"{about} has no source."
            if nothing
            else f"The source of {about} is empty: all of the bundle is copied.",
            about=f"{about}.source",
            fix="Add `source:`, a path in the bundle; / is all of it.",
            one=messages.SOURCE if nothing else None,
            two=typed or messages.SOURCE,
        )
    if is_null(destination) or (isinstance(destination, Scalar) and destination.text == ""):
        nothing = is_null(destination)
        text = showing.to_s(source)
        yield fault(
            "file-has-destination",
            (destination or entry).mark,
            f"{about} has no destination."
            if nothing
            else f"The destination of {about} is empty: the files go to the agent's working directory.",
            about=f"{about}.destination",
            fix="Add `destination:`, the folder to copy into, as an absolute path.",
            one=messages.DESTINATION.format(text) if nothing and not is_null(source) else None,
            two=typed or messages.DESTINATION.format(text),
            verdict=FAIL if nothing else None,
        )
    for key, value in (("source", source), ("destination", destination)):
        if value is not None and not is_null(value) and not _is_text(value):
            yield fault(
                "file-paths-are-text",
                value.mark,
                f"The {key} of {about} is {seen(value)}, which is not text.",
                about=f"{about}.{key}",
                fix=f"Put the {key} in quotes.",
                one=Outcome(INSTALL, f"no implicit conversion of {_ruby_kind(value)} into String"),
                two=rust.wrong(value, "a string", f"{about}.{key}"),
            )


def _no_list(node: Node, section: str, of_mapping: str) -> Iterator[Fault]:
    if isinstance(node, Mapping):
        one = of_mapping if node.pairs else ""
    else:
        one = "" if missing_or_false(node) else showing.undefined("each", node)
    two = rust.wrong(node, "a sequence", section)
    if one or two:
        yield fault(
            "section-is-well-formed",
            node.mark,
            f"{section} is {seen(node)}; it must be a list.",
            about=section,
            fix="Begin each entry with a dash.",
            one=one,
            two=two,
        )


def _is_text(node: Node) -> bool:
    return isinstance(node, Scalar) and isinstance(node.value, str)


def _ruby_kind(node: Node) -> str:
    value = node.value if isinstance(node, Scalar) else ""
    return ruby.shown(value) if isinstance(value, bool) else showing.class_of(node)
