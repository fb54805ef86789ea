"""Any bytes at all as text, and any text in the one form that both interpreters read."""

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LINES = dict.fromkeys((0x0D, 0x85, 0x2028, 0x2029), "\n")
_BLANKS = dict.fromkeys(
    (0x0B, 0x0C, *range(0x1C, 0x20), 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000, 0xFEFF),
    " ",
)
_TABLE = _LINES | _BLANKS
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_WRAPPED = 20_000  # characters: a longer text was not copied off a terminal


def text_of(data: bytes) -> str:
    """The text that ``data`` holds: UTF-8, or UTF-16 and UTF-32 by their mark or their zeros. Never raises."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    head = data[:4096]
    if head[1::2].count(0) > len(head) // 3:
        return data.decode("utf-16-le", errors="replace")
    if head[::2].count(0) > len(head) // 3:
        return data.decode("utf-16-be", errors="replace")
    return data.decode("utf-8", errors="replace")


def normal(text: str) -> str:
    """``text`` with one kind of line end, one kind of space and characters of one unit, terminal lines joined."""
    text = text.replace("\r\n", "\n")
    if not text.isascii():
        text = _ASTRAL.sub("\ufffd", text)
    return _unwrapped(text.translate(_TABLE))


def _unwrapped(text: str) -> str:
    """A text that a terminal cut at its width, joined again: most of its lines are of one length."""
    if len(text) > _WRAPPED:
        return text
    lines = text.split("\n")
    width = max(map(len, lines))
    full = sum(len(line) == width for line in lines)
    if not 60 <= width <= 250 or full < 3 or full * 2 < len(lines):
        return text
    return "".join(line if len(line) == width else line + "\n" for line in lines)
