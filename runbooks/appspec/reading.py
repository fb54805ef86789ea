"""Reads YAML as nodes that know their place, within limits that no hostile file can break.

The events come from PyYAML, in its form on libyaml where there is one: agent 1.8.1 (Ruby's Psych) and 2.x (a
translation of libyaml) rest on that parser too, so that its messages are theirs.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from runbooks.appspec import messages, ruby

# An AppSpec file has some kilobytes. What is larger, deeper or has more values is not judged.
MAX_BYTES, MAX_DEPTH, MAX_NODES = 1_000_000, 50, 50_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Mark:
    """A place in a file, both numbers from 1."""

    line: int
    column: int


@dataclass(eq=False)
class Node:
    """A value of the file."""

    mark: Mark
    tag: str


@dataclass(eq=False)
class Scalar(Node):
    """A text."""

    text: str
    plain: bool  # written without quotes
    value: ruby.Value  # what Ruby reads it as


@dataclass(eq=False)
class Sequence(Node):
    """A list."""

    items: list[Node] = field(default_factory=list)


@dataclass(eq=False)
class Mapping(Node):
    """Keys and values, in the order of the file."""

    pairs: list[tuple[Node, Node]] = field(default_factory=list)

    def get(self, key: str) -> Node | None:
        """The value of a key; the last one of several, as both agents read it."""
        pair = self.pair(key)
        return pair[1] if pair else None

    def pair(self, key: str) -> tuple[Node, Node] | None:
        """The key and its value."""
        return next((pair for pair in reversed(self.pairs) if name(pair[0]) == key), None)

    def last(self) -> list[tuple[Node, Node]]:
        """The pairs that count: of a key that stands several times, the last."""
        found: dict[object, tuple[Node, Node]] = {}
        for pair in self.pairs:
            key = pair[0].value if isinstance(pair[0], Scalar) else id(pair[0])
            found[(type(key), key)] = pair
        return list(found.values())


@dataclass(frozen=True)
class Refusal:
    """Why a file could not be read, as each agent says it; "" where that agent reads it."""

    mark: Mark
    says: str
    one: str
    two: str
    fix: str


_SYNTAX = "Indent with spaces, and put quotes around text that holds a colon and a space, or begins with a special character."
_ESCAPE = "Put the text in single quotes: in double quotes a backslash begins an escape."
_ENCODING = "Save the file as UTF-8, without control characters."


@dataclass
class Document:
    """What a file holds: its first document, and what stands in the way of reading it."""

    root: Node | None = None
    refusal: Refusal | None = None
    aliases: list[tuple[str, Mark]] = field(default_factory=list)
    second: Mark | None = None  # where another document begins
    whole: bool = False  # the first document was read to its end
    too_much: str = ""  # which limit it breaks
    no_text: bool = False  # it is not UTF-8, so that agent 2.x does not come to its YAML

    def nodes(self) -> Iterator[Node]:
        """Every node once, in the order of the file."""
        yield from nodes(self.root) if self.root else ()


def name(node: Node) -> str | None:
    """The text of a key; None for a key that is not text."""
    return node.value if isinstance(node, Scalar) and type(node.value) is str else None


def is_null(node: Node | None) -> bool:
    """Whether there is nothing, or what Ruby reads as nil."""
    return node is None or (isinstance(node, Scalar) and node.value is None)


def read(content: bytes) -> Document:
    """The document in ``content``. Never raises: what could not be read is in it."""
    document = Document()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # PyYAML decodes it, the agents do not
        reason = "invalid leading UTF-8 octet"
        says = "The file is saved as UTF-16; the agents read UTF-8 only."
        document.refusal = Refusal(
            Mark(1, 1), says, f"(<unknown>): {reason} at line 1 column 1", "", _ENCODING
        )
    else:
        try:
            _compose(yaml.parse(content, Loader=_LOADER), document)
        except yaml.YAMLError as error:
            document.refusal = _refusal(error, content, first=document.whole)
    if document.refusal and not _is_utf_8(content):
        document.no_text = True
        document.refusal = replace(document.refusal, two=messages.NO_APPSPEC)
    return document


def _is_utf_8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _compose(events: Any, document: Document) -> None:
    anchors: dict[str, Node] = {}
    open_nodes: list[Node] = []
    keys: list[Node | None] = []  # of each open mapping: the key that waits for its value
    count = 0
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent) and document.whole:
            document.second = _mark(event.start_mark)
            return
        document.whole = document.whole or isinstance(event, yaml.DocumentEndEvent)
        if isinstance(event, yaml.CollectionEndEvent):
            open_nodes.pop()
            keys.pop()
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        count += 1
        node = _node(event, anchors, document)
        if document.root is None:
            document.root = node
        else:
            _add(open_nodes[-1], node, keys)
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append(node)
            keys.append(None)
        if count > MAX_NODES or len(open_nodes) > MAX_DEPTH:
            document.too_much = (
                f"more than {MAX_NODES} values" if count > MAX_NODES else f"nested more than {MAX_DEPTH} deep"
            )
            return


def _node(event: Any, anchors: dict[str, Node], document: Document) -> Node:
    mark = _mark(event.start_mark)
    if isinstance(event, yaml.AliasEvent):
        anchor = event.anchor or ""
        document.aliases.append((anchor, mark))
        return anchors.get(anchor, Scalar(mark, "", "", plain=True, value=None))
    node: Node
    tag = event.tag or ""
    if isinstance(event, yaml.ScalarEvent):
        value = ruby.resolve(event.value, event.implicit[1], tag)
        node = Scalar(mark, tag, event.value, plain=not event.style, value=value)
    else:
        node = (Sequence if isinstance(event, yaml.SequenceStartEvent) else Mapping)(mark, tag)
    if event.anchor:
        anchors[event.anchor] = node
    return node


def _add(parent: Node, node: Node, keys: list[Node | None]) -> None:
    if isinstance(parent, Sequence):
        parent.items.append(node)
    elif isinstance(parent, Mapping):
        key = keys[-1]
        if key is None:
            keys[-1] = node
        else:
            parent.pairs.append((key, node))
            keys[-1] = None


def nodes(root: Node) -> Iterator[Node]:
    """A node and all below it, each once, in the order of the file."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, Sequence):
            waiting += reversed(node.items)
        elif isinstance(node, Mapping):
            waiting += reversed([part for pair in node.pairs for part in pair])


def _mark(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1)


def _refusal(error: Any, content: bytes, *, first: bool) -> Refusal:
    """What both agents say of a fault of syntax. ``first``: the first document could be read, which is all that 1.8.1 reads."""
    if isinstance(error, yaml.reader.ReaderError):
        before = content[: error.position] if isinstance(error.position, int) else b""
        line = before.count(b"\n") + 1
        column = len(before) - (before.rfind(b"\n") + 1) + 1
        return Refusal(
            Mark(line, column),
            f"The file holds a byte that no YAML file may hold: {error.reason}.",
            f"(<unknown>): {error.reason} at line 1 column 1",
            f"{error.reason} at position {error.position}" if error.position else str(error.reason),
            _ENCODING,
        )
    problem = error.problem_mark or error.context_mark
    mark = _mark(problem) if problem else Mark(1, 1)
    # Psych names the place of the context; without one that of the problem for the scanner, the first for the parser.
    shown = (
        _mark(error.context_mark)
        if error.context_mark
        else (mark if isinstance(error, yaml.scanner.ScannerError) else Mark(1, 1))
    )
    begun = _mark(error.context_mark) if error.context_mark else mark
    open_to_the_end = (
        mark.line > content.count(b"\n") and begun != mark
    )  # a quote or a bracket that is never closed
    text = " ".join(filter(None, [error.problem, error.context]))
    ruby_says = f"(<unknown>): {text} at line {shown.line} column {shown.column}"
    rust_says = f"{error.problem} at line {mark.line} column {mark.column}"
    if error.context:
        rust_says += f", {error.context}"
        rust_says += f" at line {shown.line} column {shown.column}" if shown not in (mark, Mark(1, 1)) else ""
    place = begun if open_to_the_end else mark
    fix = _ESCAPE if "unknown escape" in text else _SYNTAX
    return Refusal(place, f"This is not valid YAML: {text}.", "" if first else ruby_says, rust_says, fix)
