"""The Condition element of an IAM policy, the wildcards and the variables in it, as AWS's IAM user guide describes them.

Where the guide does not say, a comment names the assumption. All functions are pure.
"""

import ipaddress
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

# What is known of a request, under keys in lower case: IAM's key names have no case.
Context = Mapping[str, Sequence[str]]

_OPERATOR = re.compile(r"(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"\s*([^,]+?)\s*,\s*'([^']*)'\s*")
_LITERALS = "*?$"  # ${*} is an asterisk that matches only itself


class Unresolved(Exception):
    """A policy variable that the request has no value for: its statement cannot match."""


def holds(block: Mapping[str, Any], context: Context, *, variables: bool) -> bool:
    """Whether every condition of a block is met. `variables`: the policy's version has them.

    Raises Unresolved. The block's operators have been checked with `check`.
    """
    return all(
        _met(operator, key, _listed(wanted), context, variables)
        for operator, keys in block.items()
        for key, wanted in keys.items()
    )


def check(block: Any) -> None:
    """Raise ValueError, in one sentence, for a Condition element that IAM would not take."""
    if not isinstance(block, dict) or not all(isinstance(keys, dict) for keys in block.values()):
        raise ValueError("Condition must hold operators, and each of them keys with their values.")
    for operator in (
        operator for operator, keys in block.items() if keys
    ):  # IAM takes any name for no condition
        _, name, if_exists = _parsed(operator)
        if (name not in _TESTS and name not in _NEGATED and name != "Null") or (name == "Null" and if_exists):
            raise ValueError(f"There is no condition operator {operator!r}.")


def asked(block: Mapping[str, Any]) -> Iterator[str]:
    """The keys that a block needs a value of; those that are only compared if they are present are left out."""
    # Assumption: simulation-missing
    for operator, keys in block.items():
        _, name, if_exists = _parsed(operator) if keys else ("", "", False)
        if name != "Null" and not if_exists:
            yield from keys


def variables_in(value: Any) -> Iterator[str]:
    """The keys of the variables without a default in a value, or anywhere inside it."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from variables_in(item)
    elif isinstance(value, str):
        yield from (
            name
            for name in _VARIABLE.findall(value)
            if name not in _LITERALS and not _DEFAULT.fullmatch(name)
        )


def literal(text: str, context: Context, variables: bool) -> str:
    """A value with its variables filled in. Raises Unresolved."""
    return "".join(piece for piece, _ in _pieces(text, context, variables))


def wildcard(text: str, context: Context, variables: bool) -> str:
    """A value with its variables filled in, as a regular expression: the value of a variable is never a wildcard."""
    return "".join(
        re.escape(piece) if fixed else glob(piece) for piece, fixed in _pieces(text, context, variables)
    )


@lru_cache(maxsize=1000)  # the patterns of the same few policies, with each request
def glob(text: str, anything: str = ".") -> str:
    """`*` and `?` as a regular expression; `anything` is what they stand for."""
    return "".join({"*": f"{anything}*", "?": anything}.get(letter) or re.escape(letter) for letter in text)


def _pieces(text: str, context: Context, variables: bool) -> Iterator[tuple[str, bool]]:
    """The text in pieces; whether a piece stands only for itself."""
    if not variables:
        yield text, False
        return
    end = 0
    for found in _VARIABLE.finditer(text):
        yield text[end : found.start()], False
        yield _value(found[1], context), True
        end = found.end()
    yield text[end:], False


def _value(name: str, context: Context) -> str:
    if name and name in _LITERALS:
        return name
    with_default = _DEFAULT.fullmatch(name)
    key = with_default[1] if with_default else name
    values = context.get(key.strip().lower())
    if values and len(values) == 1:  # a key with several values cannot be a variable
        return values[0]
    if with_default:
        return with_default[2]
    raise Unresolved(key)


def _met(operator: str, key: str, wanted: list[str], context: Context, variables: bool) -> bool:
    quantifier, name, if_exists = _parsed(operator)
    values = context.get(key.lower())
    if name == "Null":
        return ("true" if values is None else "false") in [text.lower() for text in wanted]
    if if_exists and values is None:
        return True
    negated = name in _NEGATED
    test = _TESTS[_NEGATED.get(name, name)]
    if name.startswith(("String", "Arn")):  # the only operators whose values may hold variables
        shape = wildcard if test in _BY_PATTERN else literal
        wanted = [shape(text, context, variables) for text in wanted]

    def matches(value: str) -> bool:
        return any(_safely(test, value, text) for text in wanted) != negated

    if quantifier:
        present = [value for value in values or () if value]  # an empty string counts as no value here
        return all(map(matches, present)) if quantifier == "ForAllValues" else any(map(matches, present))
    if values is None:
        return negated
    # Assumption: several-values
    return all(map(matches, values)) if negated else any(map(matches, values))


def _parsed(operator: str) -> tuple[str, str, bool]:
    found = _OPERATOR.fullmatch(operator)
    if not found:
        raise ValueError(f"There is no condition operator {operator!r}.")
    return found[1] or "", found[2], bool(found[3])


def _listed(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in values]


def _safely(test: Callable[[str, str], bool], value: str, wanted: str) -> bool:
    try:
        return test(value, wanted)
    except (ValueError, OverflowError, OSError):  # not a number, date or address: it cannot match
        return False


def _time(text: str) -> datetime:
    if re.fullmatch(r"-?\d+(\.\d+)?", text) and len(text) != 4:  # a bare year is a date, not seconds
        return datetime.fromtimestamp(float(text), UTC)
    time = datetime.fromisoformat(text if len(text) > 7 else f"{text}-01-01"[:10])
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _in_network(value: str, wanted: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)


def _arn_like(value: str, pattern: str) -> bool:
    """Each of the six parts by itself. `pattern` is a regular expression already; a colon in it is a colon."""
    parts, patterns = value.split(":", 5), pattern.split(":", 5)
    return len(parts) == len(patterns) == 6 and all(map(_like, parts, patterns))


def _like(value: str, pattern: str) -> bool:
    return re.fullmatch(pattern, value, re.DOTALL) is not None


_BY_PATTERN = frozenset({_like, _arn_like})
_TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": _like,
    "NumericEquals": lambda value, wanted: float(value) == float(wanted),
    "NumericLessThan": lambda value, wanted: float(value) < float(wanted),
    "NumericLessThanEquals": lambda value, wanted: float(value) <= float(wanted),
    "NumericGreaterThan": lambda value, wanted: float(value) > float(wanted),
    "NumericGreaterThanEquals": lambda value, wanted: float(value) >= float(wanted),
    "DateEquals": lambda value, wanted: _time(value) == _time(wanted),
    "DateLessThan": lambda value, wanted: _time(value) < _time(wanted),
    "DateLessThanEquals": lambda value, wanted: _time(value) <= _time(wanted),
    "DateGreaterThan": lambda value, wanted: _time(value) > _time(wanted),
    "DateGreaterThanEquals": lambda value, wanted: _time(value) >= _time(wanted),
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "BinaryEquals": lambda value, wanted: b64decode(value, validate=True) == b64decode(wanted, validate=True),
    "IpAddress": _in_network,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}
