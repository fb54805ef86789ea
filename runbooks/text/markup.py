"""Text as a literal part of Markdown, whatever it holds. The text is `plain`: on one line, without secrets.

A word that Markdown could act upon, a bare address included, stands as code: it reads the same where Markdown is
rendered and where it is not, which an escaped word does not. What HTML could act upon is escaped, since some
renderers take what stands between two tags as it is; and so is a backtick, which could join another into a fence.
"""

import re
from collections.abc import Callable, Iterable

_ACTS = re.compile(r"(?i)[\\`*_~\[\]<>&@#$|]|://|^\W*www\.")
# What a sentence quotes, a log or a command: it stays in one piece. Without a < nothing in it begins a tag.
_QUOTED = re.compile(r"`([^`<]+)`|(?<=“)([^“”<>&]+)(?=”)")
# A word between the punctuation of its sentence.
_WORD = re.compile(r"^([(\"']*)(.*?)([)\"'.,;:!?]*)$")


def escape(text: str) -> str:
    """``text`` in which nothing acts: no emphasis, link, mention, image, HTML."""
    return literal(text, _ACTS, _inert)


def literal(text: str, acts: re.Pattern[str], as_code: Callable[[str], str]) -> str:
    """``text`` with each word in which ``acts`` finds something made code by ``as_code``; of a quotation, all of it."""
    parts, end = [], 0
    for quoted in _QUOTED.finditer(text):
        parts.append(_words(text[end : quoted.start()], acts, as_code))
        inner = quoted[1] or quoted[2]
        parts.append(as_code(inner) if quoted[1] or acts.search(inner) else inner)
        end = quoted.end()
    return _apart([*parts, _words(text[end:], acts, as_code)])


def _apart(parts: Iterable[str]) -> str:
    """The parts as one text; between two pieces of code a space, since their fences would join."""
    whole = ""
    for part in parts:
        whole += " " * (whole.endswith("`") and part.startswith("`")) + part
    return whole


def _words(text: str, acts: re.Pattern[str], as_code: Callable[[str], str]) -> str:
    return " ".join(_word(word, as_code) if acts.search(word) else word for word in text.split(" "))


def code(text: str) -> str:
    """``text`` as inline code of Markdown, with a fence that it cannot close."""
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    gap = " " if "`" in text else ""
    return f"{ticks}{gap}{text}{gap}{ticks}"


def _inert(word: str) -> str:
    if not re.search(r"[<`]|&#?\w", word):  # without these nothing in it begins a tag or names a character
        return code(word)
    return re.sub(r"[^A-Za-z0-9]", lambda character: f"&#{ord(character[0])};", word)


def _word(word: str, as_code: Callable[[str], str]) -> str:
    before, core, after = _WORD.fullmatch(word).groups()  # type: ignore[union-attr]  # it matches any word
    return f"{before}{as_code(core)}{after}"
