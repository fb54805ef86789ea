"""What stands in the way of reading an AppSpec file at all."""

import re
from collections.abc import Iterator

from runbooks.appspec import messages, ruby, rust, server, showing
from runbooks.appspec.fault import ONE, PARSE, Fault, Outcome, fault
from runbooks.appspec.reading import Document, Mapping, Mark, Node, Refusal, Scalar, Sequence, read
from runbooks.appspec.values import index, index_error, missing_or_false, seen

_START = Mark(1, 1)
_OBJECT = re.compile(r"!ruby/(?:object|array|hash|struct|exception):(.{1,80})")


def byte_order_mark(content: bytes) -> Iterator[Fault]:
    """What 1.8.1 reads of a file behind a byte-order mark, which its parser takes for a space."""
    root = read(content).root
    key = root.pairs[0][0] if isinstance(root, Mapping) and root.pairs else None
    outcome: Outcome | None = None
    if key is None or content.startswith((b"#", b"{")):
        return
    if content.startswith(b"---"):
        column = key.mark.column + len(showing.to_s(key))
        outcome = Outcome(
            PARSE,
            f"(<unknown>): mapping values are not allowed in this context at line {key.mark.line} column {column}",
        )
    else:
        beginning = read(b" " + content).root
        faults = (
            [*server.version(beginning), *server.operating_system(beginning)]
            if isinstance(beginning, Mapping)
            else []
        )
        outcome = next(filter(None, (each.outcome(ONE) for each in faults)), None)
    if outcome:
        yield fault(
            "appspec-has-no-byte-order-mark",
            _START,
            "The file begins with a byte-order mark; agent 1.8.1 does not read what stands below its first key.",
            fix="Save it as UTF-8 without BOM.",
            one=outcome,
        )


def syntax(document: Document) -> Iterator[Fault]:
    """What is wrong with the file as YAML."""
    refusal = document.refusal
    if refusal:
        yield fault(
            "appspec-is-yaml",
            refusal.mark,
            refusal.says,
            fix=refusal.fix,
            one=refusal.one,
            two=refusal.two if document.no_text else rust.PREFIX + refusal.two,
        )
        if refusal.one:
            return
    elif document.second:
        yield fault(
            "appspec-is-one-document",
            document.second,
            "A second YAML document begins here; agent 1.8.1 ignores it.",
            fix="Remove the `---` and what follows.",
            two=f"{rust.PREFIX}deserializing from YAML containing more than one document is not supported",
        )
    yield from sorted(_refused(document), key=lambda each: (each.mark.line, each.mark.column))


def refused_by_service(refusal: Refusal) -> Fault:
    """A fault of syntax in an AppSpec for ECS or Lambda."""
    return fault(
        "appspec-is-yaml",
        refusal.mark,
        refusal.says,
        fix=refusal.fix,
        service=messages.NOT_YAML,
    )


def _refused(document: Document) -> Iterator[Fault]:
    """What Psych 4 does not load, wherever it stands."""
    for name, mark in document.aliases:
        yield fault(
            "aliases-are-not-used",
            mark,
            f"The alias *{name[:80]} is refused by agent 1.8.1 on Ruby 3.1 or later.",
            fix="Write the value out.",
            one=f"Unknown alias: {name}",
        )
    for node in document.nodes():
        kind = node.value.kind if isinstance(node, Scalar) and isinstance(node.value, ruby.Refused) else ""
        kind = kind or _object(node)
        if kind:
            yield fault(
                "values-are-plain",
                node.mark,
                f"{node.text[:80]} is read as a {kind.lower()}, which agent 1.8.1 on Ruby 3.1 or later refuses."
                if isinstance(node, Scalar)
                else f"The tag {node.tag[:80]} asks for a Ruby object, which agent 1.8.1 refuses.",
                fix="Put it in quotes." if isinstance(node, Scalar) else "Remove the tag.",
                one=f"Tried to load unspecified class: {kind}",
            )


def _object(node: Node) -> str:
    if isinstance(node, Mapping) and node.tag in ("!set", "tag:yaml.org,2002:set"):
        return "Psych::Set"
    found = _OBJECT.match(node.tag) if isinstance(node, (Mapping, Sequence)) else None
    return found[1] if found else ""


def empty(content: bytes, root: Node | None) -> Fault:
    """A file without a value."""
    two = messages.EMPTY
    if content.strip():
        two = f"{rust.PREFIX}EOF while parsing a value"
        if root is not None:
            two = rust.wrong(root, "struct RawAppSpec", "")
    return fault(
        "appspec-is-not-empty",
        root.mark if root else _START,
        "The file is empty." if not content.strip() else "The file holds no value: only comments, or null.",
        fix="Write at least `version: 0.0` and `os: linux`.",
        one=messages.EMPTY,
        two=two,
    )


def no_mapping(root: Node, content: bytes) -> Iterator[Fault]:
    """A file that is a list, or one value."""
    if missing_or_false(root):
        yield empty(content, root)
        return
    one = index_error(root) or messages.VERSION.format(showing.to_s(index(root, "version")))
    yield fault(
        "appspec-is-a-mapping",
        root.mark,
        f"The file is {seen(root)}; it must be a mapping.",
        fix="Begin with `version: 0.0` and `os: linux`.",
        one=one,
        two=rust.wrong(root, "struct RawAppSpec", ""),
    )
