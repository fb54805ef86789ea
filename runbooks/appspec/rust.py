"""Values as agent 2.x (Rust, serde) reads them, and the texts of its errors of type.

By reading of its source and of serde_yaml's conventions; not run. It takes a scalar by the type that the field has:
a text field takes any scalar as it is written, a number must be plain.
"""

import math
import re

from runbooks.appspec.reading import Mapping, Node, Scalar, Sequence

PREFIX = "The deployment failed because of a YAML parsing error: "
_INTEGER = re.compile(r"^[-+]?(?:0|[1-9]\d{0,18})$|^0x[0-9a-fA-F]{1,15}$|^0o[0-7]{1,20}$", re.ASCII)
_FLOAT = re.compile(r"^[-+]?(?:\d{1,400}\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?$", re.ASCII)
_MAX_U32 = 2**32 - 1


def is_null(node: Node | None) -> bool:
    """Whether an optional field is left out."""
    return node is None or (
        isinstance(node, Scalar) and node.plain and node.text in ("", "~", "null", "Null", "NULL")
    )


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and node.plain and not node.text


def number(node: Node) -> float | None:
    """A number with a point; None where it is none."""
    return _float(node.text) if isinstance(node, Scalar) and node.plain else None


def _float(text: str) -> float | None:
    value = float(text) if _FLOAT.match(text) else math.inf
    return value if math.isfinite(value) else None


def whole(node: Node) -> int | None:
    """A number without a sign of 32 bits; None where it is none."""
    if isinstance(node, Scalar) and node.plain and _INTEGER.match(node.text):
        value = int(node.text, 8 if "0o" in node.text else 16 if "0x" in node.text else 10)
        return value if 0 <= value <= _MAX_U32 else None
    return None


def wrong(node: Node, expected: str, path: str) -> str:
    """The error for a value of another type: ``wrong(node, "a sequence", "permissions[0].type")``; "" for none."""
    if _fits(node, expected):
        return ""
    place = f"{path}: " if path else ""
    kind = "value" if expected == "u32" and _unexpected(node).startswith("integer") else "type"
    return f"{PREFIX}{place}invalid {kind}: {_unexpected(node)}, expected {expected} at line {node.mark.line} column {node.mark.column}"


def missing(field: str, node: Node, path: str = "") -> str:
    """The error for a field that must be there."""
    place = f"{path}: " if path else ""
    return f"{PREFIX}{place}missing field `{field}` at line {node.mark.line} column {node.mark.column}"


def _fits(node: Node, expected: str) -> bool:
    if expected == "a sequence":
        return isinstance(node, Sequence) or _is_empty(node)
    if expected == "a map" or expected.startswith("struct "):
        return isinstance(node, Mapping) or _is_empty(node)
    if expected == "a string":
        return isinstance(node, Scalar)
    if expected == "a boolean":
        return isinstance(node, Scalar) and node.plain and node.text.lower() in ("true", "false")
    return (whole(node) if expected == "u32" else number(node)) is not None


def _unexpected(node: Node) -> str:
    if isinstance(node, Sequence):
        return "sequence"
    if isinstance(node, Mapping):
        return "map"
    assert isinstance(node, Scalar)  # noqa: S101 - there is no other node
    text = node.text
    if node.plain:
        if is_null(node):
            return "unit value"
        if text.lower() in ("true", "false"):
            return f"boolean `{text.lower()}`"
        if _INTEGER.match(text):
            return f"integer `{text.lstrip('+')}`"
        value = _float(text)
        if value is not None and not re.match(r"^[-+]?0\d", text):
            return f"floating point `{_rust_float(value)}`"
    return 'string "' + text[:200].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _rust_float(value: float) -> str:
    return repr(value) if value != int(value) or abs(value) >= 1e15 else f"{value:.1f}"


def shown_float(value: float) -> str:
    """A number as Rust prints it: ``1.0`` is "1"."""
    return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else repr(value)
