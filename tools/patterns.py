"""Patterns as authors write them, made into what Python and a browser read alike."""

import re
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

# A space of a pattern is written so in errors.json; it stands for the grammar's `blank`.
BLANK = "␠"
# What one engine knows and the other does not, or reads otherwise.
FOREIGN = re.compile(r"\(\?<|\(\?P|\(\?[aiLmsux]|\\[AZzGpPkQRXh]|[+*?}]\+|\(\?>|\{,|\[\]|\[\^\]")
_ANY, _END = "\0", "\1"  # in the outline of a pattern
_COMMON = frozenset(
    {"the", "and", "for", "that", "this", "not", "was", "with", "from", "have", "has", "are", "you", "your"}
    | {
        "its",
        "did",
        "does",
        "failed",
        "error",
        "Error",
        "deployment",
        "Deployment",
        "agent",
        "CodeDeploy",
        "AWS",
    }
    | {
        "Amazon",
        "instance",
        "instances",
        "lifecycle",
        "event",
        "application",
        "specification",
        "file",
        "because",
    }
    | {"The", "Could", "could", "name", "an", "in", "is", "no", "of", "to", "by", "on", "at", "or", "be"}
)


def portable(pattern: str) -> str:
    """``pattern`` with its blanks marked. ValueError: it is wrong, or another engine would read it otherwise."""
    if found := FOREIGN.search(pattern):
        raise ValueError(f"{found[0]!r} in {pattern!r} is not portable")
    re.compile(pattern)
    return re.sub(r" (?![?*+{])", BLANK, _outside_classes(pattern)).replace("\0", " ")


def alternatives(pattern: str) -> list[str]:
    """The parts of ``pattern`` that stand between bars at its top level."""
    parts, depth, start, in_class, i = [], 0, 0, False, 0
    while i < len(pattern):
        c = pattern[i]
        if c == "\\":
            i += 1
        elif in_class:
            in_class = c != "]"
        elif c == "[":
            in_class = True
        elif c in "()":
            depth += 1 if c == "(" else -1
        elif c == "|" and depth == 0:
            parts.append(pattern[start:i])
            start = i + 1
        i += 1
    return [*parts, pattern[start:]]


def words(pattern: str) -> list[str]:
    """The words of which any text matched by ``pattern`` holds one. ValueError: there are none."""
    try:
        return [_word(pattern)]
    except ValueError:
        for group in re.finditer(r"\(\?:([^()]*)\)(?![?*{])", pattern):
            choices = [pattern[: group.start()] + one + pattern[group.end() :] for one in group[1].split("|")]
            try:
                return sorted({_word(choice) for choice in choices})
            except ValueError:
                continue
        raise


def _word(pattern: str) -> str:
    """The rarest whole word that any text matched by ``pattern`` holds. ValueError: there is none."""
    outline = _END + _outline(_parser.parse(pattern)) + _END
    words = list(re.finditer(r"\w\w+", outline))
    sides = [{outline[found.start() - 1], outline[found.end()]} for found in words]
    usable = [
        (found[0], _END not in side) for found, side in zip(words, sides, strict=True) if _ANY not in side
    ]
    if not usable:
        raise ValueError(f"no word stands in every match of {pattern!r}")
    return max(usable, key=lambda row: (row[0] not in _COMMON, row[1], len(row[0])))[0]


def _outline(parsed: Any) -> str:
    """The literal text of a pattern, with `_ANY` where anything may stand and a space at a word's boundary."""
    made = ""
    for op, value in parsed:
        if op is sre.LITERAL:
            made += chr(value)
        elif op is sre.SUBPATTERN:
            made += _outline(value[3])
        else:
            made += " " if op is sre.AT else _ANY
    return made


def _outside_classes(pattern: str) -> str:
    """``pattern`` with the blanks inside character classes kept from being widened."""
    made, in_class, escaped = "", False, False
    for c in pattern:
        if escaped:
            escaped = False
        elif c == "\\":
            escaped = True
        elif c == "[" and not in_class:
            in_class = True
        elif c == "]" and in_class:
            in_class = False
        made += "\0" if c == " " and in_class else c
    return made
