"""Values as the Ruby of agent 1.8.1 reads and shows them: Psych 4 resolves plain scalars by YAML 1.1, in its own way.

Held to Psych itself: the tests have a table of what it answered.
"""

import base64
import math
import re
from typing import NamedTuple, TypeAlias

_DIGITS = 400  # more than any number here can need, and fewer than make Python slow
LONGEST = 2000  # characters of a value that a message quotes; a hostile file cannot make a message grow


class Symbol(NamedTuple):
    """What Ruby makes of ``:text``."""

    name: str


class Refused(NamedTuple):
    """A value of a class that the agent does not load."""

    kind: str  # "Date"


Value: TypeAlias = bool | int | float | str | Symbol | Refused | None

_BEGINS_AS_TEXT = re.compile(r"^[^0-9.:\n-]?(?:[^\W\d]|[\s!@#$%^&*(){}<>|/\\~;=])", re.MULTILINE)
_TIME = re.compile(
    r"^-?\d{4}-\d{1,2}-\d{1,2}(?:[Tt]|\s+)\d{1,2}:\d\d:\d\d(?:\.\d*)?(?:\s*(?:Z|[-+]\d{1,2}:?(?:\d\d)?))?$",
    re.ASCII,
)
_DATE = re.compile(r"^\d{4}-(?:1[012]|0\d|\d)-(?:[12]\d|3[01]|0\d|\d)$", re.ASCII)
_BASE_60 = re.compile(r"^[-+]?[0-9][0-9_]*(:[0-5]?[0-9]){1,2}(\.[0-9_]*)?$")
_FLOAT = re.compile(r"^[-+]?(?:[0-9][0-9_,]*)?\.[0-9]*(?:[eE][-+][0-9]+)?$")
_INTEGERS = (
    (re.compile(r"^[-+]?0b[01_,]+$"), 2),
    (re.compile(r"^[-+]?0[0-7_,]+$"), 8),
    (re.compile(r"^[-+]?(?:0|[1-9](?:[0-9]|,[0-9]|_[0-9])*)$"), 10),
    (re.compile(r"^[-+]?0x[0-9a-fA-F_,]+$"), 16),
)
_WORDS: dict[str, Value] = {
    "~": None,
    "null": None,
    **dict.fromkeys(("yes", "true", "on"), True),
    **dict.fromkeys(("no", "false", "off"), False),
}


def resolve(text: str, quoted: bool, tag: str) -> Value:
    """What Ruby makes of a scalar. ``quoted``: it is in quotes, and has no tag."""
    if quoted or tag in ("!str", "tag:yaml.org,2002:str"):
        return text
    if _BINARY.match(tag):
        return _decoded(text)
    if _SYMBOL.match(tag):
        return Symbol(text)
    value = _resolve(text)
    real = tag in ("!float", "tag:yaml.org,2002:float")
    return float(str(value)) if real and type(value) is int else value


_BINARY = re.compile(r"^(?:!|tag:yaml\.org,2002:)binary$")
_SYMBOL = re.compile(r"^!ruby/sym(?:bol)?(?::|$)")


def _decoded(text: str) -> str:
    letters = re.sub(r"[^A-Za-z0-9+/]", "", text.partition("=")[0])
    whole = letters[: len(letters) - (len(letters) % 4 == 1)]
    return base64.b64decode(whole + "=" * (-len(whole) % 4)).decode(errors="replace")


def _resolve(text: str) -> Value:
    if not text:
        return None
    if _BEGINS_AS_TEXT.search(text) or "\n" in text:
        return _WORDS.get(text.lower(), text) if len(text) <= 5 else text
    if _TIME.match(text):
        return Refused("Time")
    if _DATE.match(text):  # refused before Ruby finds that there is no 30 February
        return Refused("Date")
    if text.lower() in (".inf", "+.inf", "-.inf"):
        return -math.inf if text[0] == "-" else math.inf
    if text.lower() == ".nan":
        return math.nan
    if text[0] == ":" and len(text) > 1:
        quoted_name = len(text) > 2 and text[1] in "'\"" and text[-1] == text[1]
        return Symbol(text[2:-1] if quoted_name else text[1:])
    if _BASE_60.match(text):
        return _base_60(text)
    if _FLOAT.match(text):
        digits = re.sub(r"[,_]", "", text)
        return text if digits in (".", "+.", "-.") else float(digits)
    for pattern, base in _INTEGERS:
        if pattern.match(text):
            return _integer(text, base)
    return text


def _base_60(text: str) -> int | float:
    parts = [part[:_DIGITS] for part in text.replace("_", "").split(":")]
    powers = [int(60 ** abs(place - 2)) for place in range(len(parts))]
    if "." in text:
        return sum(float(part or 0) * power for part, power in zip(parts, powers, strict=True))
    return sum(int(part) * power for part, power in zip(parts, powers, strict=True))


def _integer(text: str, base: int) -> Value:
    digits = re.sub(r"[,_]", "", text)
    sign = -1 if digits[0] == "-" else 1
    bare = re.sub(r"^[-+]?(?:0[bx])?", "", digits)[:_DIGITS]
    return sign * int(bare or "0", base)


def to_i(value: Value) -> int | None:
    """What ``.to_i`` makes of a value; None where Ruby has no such method."""
    if value is None:
        return 0
    if isinstance(value, str):
        found = re.match(r"\s*([-+]?\d(?:_?\d){0,400})", value, re.ASCII)
        return int(found[1].replace("_", "")) if found else 0
    if isinstance(value, float):
        return int(value) if math.isfinite(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def shown(value: Value) -> str:
    """A scalar as ``inspect`` shows it."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Symbol):
        is_word = re.fullmatch(r"[^\W\d]\w*[?!=]?", value.name)
        return f":{value.name[:LONGEST] if is_word else _quoted(value.name)}"
    if isinstance(value, Refused):
        return value.kind
    if isinstance(value, float):
        return _float(value)
    return _quoted(value) if isinstance(value, str) else str(value)


def text_of(value: Value) -> str:
    """A scalar as ``to_s`` shows it."""
    if value is None:
        return ""
    if isinstance(value, Symbol):
        return value.name[:LONGEST]
    return value[:LONGEST] if isinstance(value, str) else shown(value)


def class_of(value: Value) -> str:
    """The name of a scalar's class."""
    if isinstance(value, Refused):
        return value.kind
    if value is None:
        return "NilClass"
    if isinstance(value, bool):
        return "TrueClass" if value else "FalseClass"
    kinds: dict[type, str] = {int: "Integer", float: "Float", str: "String", Symbol: "Symbol"}
    return kinds[type(value)]


def _float(value: float) -> str:
    if not math.isfinite(value):
        return {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
    digits, e, power = repr(value).partition("e")
    return f"{digits if '.' in digits else digits + '.0'}{e}{power}"


_ESCAPES = {"\a": "\\a", "\b": "\\b", "\v": "\\v", "\f": "\\f"} | {
    '"': '\\"',
    "\\": "\\\\",
    "\n": "\\n",
    "\t": "\\t",
    "\r": "\\r",
    "\x1b": "\\e",
}


def _quoted(text: str) -> str:
    escaped = "".join(_ESCAPES.get(character) or _visible(character) for character in text[:LONGEST])
    return '"' + re.sub(r"#(?=[{$@])", r"\\#", escaped) + '"'


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04X}" if code < 0x10000 else f"\\u{{{code:X}}}"
