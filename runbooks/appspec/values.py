"""What the judgements of both agents share: Ruby's way with any value, and how a sentence names one."""

import difflib

from runbooks.appspec import showing
from runbooks.appspec.reading import Mapping, Node, Scalar, Sequence, is_null

_NOT_INDEXED = (float, bool, type(None))


def missing_or_false(node: Node | None) -> bool:
    """What Ruby takes for nothing."""
    return is_null(node) or (isinstance(node, Scalar) and node.value is False)


def index_error(node: Node) -> str:
    """What Ruby says of ``node["key"]``; "" where it answers."""
    if isinstance(node, Sequence):
        return "no implicit conversion of String into Integer"
    if isinstance(node, Scalar):
        if isinstance(node.value, _NOT_INDEXED):
            return showing.undefined("[]", node)
        if isinstance(node.value, int):
            return "no implicit conversion of String into Integer"
    return ""


def index(node: Node, key: str) -> Node | None:
    """What Ruby answers to ``node["key"]``: of a text, the key itself where it occurs in it."""
    if isinstance(node, Mapping):
        return node.get(key)
    inside = isinstance(node, Scalar) and key in node.text
    return Scalar(node.mark, "", key, plain=False, value=key) if inside else None


def closest(word: str, words: tuple[str, ...]) -> str:
    """The word that was probably meant; "" for none."""
    lower = {each.lower(): each for each in words}
    found = difflib.get_close_matches(word[:60].lower().replace("-", "_"), list(lower), 1, 0.75)
    return lower[found[0]] if found else ""


def seen(node: Node | None) -> str:
    """A value as a sentence names it."""
    if node is None:
        return "missing"
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, Mapping):
        return "a mapping"
    if is_null(node):
        return "empty"
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return f"the text {node.text[:80]!r}"
    return showing.to_s(node)[:80] if not isinstance(node, Scalar) else node.text[:80]
