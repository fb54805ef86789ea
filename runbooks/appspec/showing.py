"""How Ruby shows a value in a message, up to a length that no hostile file can exceed."""

from runbooks.appspec import ruby
from runbooks.appspec.reading import MAX_DEPTH, Mapping, Node, Scalar, Sequence


def to_s(node: Node | None) -> str:
    """What ``#{…}`` shows of a value."""
    if node is None or isinstance(node, Scalar):
        return ruby.text_of(node.value if node else None)
    return inspect(node)


def inspect(node: Node | None) -> str:
    """What ``inspect`` shows of a value."""
    pieces: list[str] = []
    _inspect(node, pieces, MAX_DEPTH)
    return "".join(pieces)[: ruby.LONGEST]


def class_of(node: Node | None) -> str:
    """The name of a value's class."""
    if isinstance(node, Sequence):
        return "Array"
    if isinstance(node, Mapping):
        return "Hash"
    return ruby.class_of(node.value if isinstance(node, Scalar) else None)


def undefined(method: str, node: Node | None) -> str:
    """The message of Ruby 3.1 for a method that a value does not have."""
    return f"undefined method `{method}' for {inspect(node)}:{class_of(node)}"


def _inspect(node: Node | None, pieces: list[str], depth: int) -> None:
    if isinstance(node, Sequence):
        pieces.append("[")
        for number, item in enumerate(node.items):
            if not _room(pieces, depth):
                break
            pieces.append(", " if number else "")
            _inspect(item, pieces, depth - 1)
        pieces.append("]")
    elif isinstance(node, Mapping):
        pieces.append("{")
        for number, (key, item) in enumerate(node.pairs):
            if not _room(pieces, depth):
                break
            pieces.append(", " if number else "")
            _inspect(key, pieces, depth - 1)
            pieces.append("=>")
            _inspect(item, pieces, depth - 1)
        pieces.append("}")
    else:
        pieces.append(ruby.shown(node.value if isinstance(node, Scalar) else None))


def _room(pieces: list[str], depth: int) -> bool:
    # a list of aliases to lists of aliases grows with each level: stop when there is enough to show
    return depth > 0 and len(pieces) < ruby.LONGEST and sum(map(len, pieces)) < ruby.LONGEST
