"""Where the statements of a policy stand in its text, counted as the policy simulator counts."""

import re
from collections.abc import Iterator

Position = tuple[int, int]  # line and column, both from 1

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"(\s*:)?|[{}\[\]]')


def statements_in(text: str) -> Iterator[tuple[Position, Position]]:
    """The start and the end of each statement of a policy, in order; the text is JSON that has been read before.

    AWS's examples show positions of a parser, not of the statement: the end is after the closing brace; the start is
    after the bracket that opens the list of statements, or after the brace of a statement that stands alone.
    """
    depth, key, inside, start = 0, "", 0, 0
    for token in _TOKEN.finditer(text):
        mark, end = token[0], token.end()
        if mark[0] == '"':
            if depth == 1 and token[1]:
                key = mark.removesuffix(token[1])
        elif mark in "{[":
            if key == '"Statement"' and depth == 1:
                inside, start = (2 if mark == "[" else 1), end
            depth += 1
        else:
            depth -= 1
            if inside and mark == "}" and depth == inside:
                yield _position(text, start), _position(text, end)
                start = end  # Assumption: matched-position
            if depth == 1:
                inside = 0


def _position(text: str, offset: int) -> Position:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
