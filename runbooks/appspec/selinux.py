"""The range of an SELinux context, as each agent parses it."""

import re

from runbooks.appspec import messages

_MAX_CATEGORY = 1023


def range_1(text: str) -> str:
    """What agent 1.8.1 says of a range; "" where it is valid."""
    parts, problem = _parts(text, ":")
    if problem:
        return problem
    levels, problem = _parts(parts[0], "-")
    if problem:
        return problem
    for level in levels:
        if not re.fullmatch(r"s[0-9]+", level):
            return f"invalid sensitivity {level}"
    if len(levels) == 2 and _number(levels[1]) < _number(levels[0]):
        return messages.RANGE.format(text)
    return _categories(parts[1]) if len(parts) == 2 else ""


def _parts(text: str, separator: str) -> tuple[list[str], str]:
    parts = text.split(separator, 1) if text else []
    wanted = 2 if separator in text else 1
    if len(parts) != wanted or "" in parts:
        return parts, f"invalid range part {text}"
    return parts, ""


def _categories(text: str) -> str:
    seen: set[int] = set()
    duplicate = (
        False  # once it is, no more are counted: a hostile range could name a category a million times
    )
    for part in re.sub(r",+$", "", text).split(",") if text.strip(",") else []:
        if "." not in part:
            if problem := _category(part):
                return problem
            low = high = _number(part)
            duplicate = duplicate or low in seen
            seen.add(low)
            continue
        ends, problem = _parts(part, ".")
        problem = problem or next(filter(None, map(_category, ends)), "")
        if problem:
            return problem
        low, high = map(_number, ends)
        if high < low:
            return f"invalid category range {ends[0]}.{ends[1]}"
        if not duplicate:
            duplicate = any(number in seen for number in range(low, high + 1))
            seen.update(range(low, high + 1))
    return "duplicate categories" if duplicate else ""


def _category(text: str) -> str:
    valid = re.fullmatch(r"c[0-9]+", text) and _number(text) <= _MAX_CATEGORY
    return "" if valid else f"invalid category {text}"


def _number(text: str) -> int:
    return int(text[1:][:100])


def range_2(text: str) -> str:
    """What agent 2.x says of a range; "" where it is valid. It ignores what stands behind a second separator."""
    invalid = messages.RANGE.format(text)
    parts = text.split(":")
    levels = parts[0].split("-")[:2]
    if not all(re.fullmatch(r"s\+?[0-9]{1,20}", level) and int(level[1:]) <= 255 for level in levels):
        return invalid
    if len(levels) == 2 and int(levels[1][1:]) < int(levels[0][1:]):
        return invalid
    if len(parts) == 1:
        return ""
    for part in parts[1].split(","):
        ends = part.split(".")[:2]
        if not all(re.fullmatch(r"c\+?[0-9]{1,20}", end) and int(end[1:]) <= _MAX_CATEGORY for end in ends):
            return invalid
        if len(ends) == 2 and int(ends[1][1:]) < int(ends[0][1:]):
            return invalid
    return ""
