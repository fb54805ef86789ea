"""Whether texts of different hosts say the same: names, ids, addresses and times differ, an error's number does not."""

import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping

# A number is kept where the words before or after it say that it names an error, a port or a line of a script.
_KEPT = (
    r"\b(?:exit(?:ed)?|returned|code|status|error|errno|signal|port|line|rc|HTTP/\d(?:\.\d)?|HTTPS?)\b[^\w\n]{0,3}"
    r"(?:(?:code|status|error|with|value|is|of)\b[^\w\n]{0,3}){0,3}-?\d{1,5}\b(?![.:-]?\d)"
)
_REASON = r"\b[1-5]\d\d(?= [A-Z][a-z])"  # 403 Forbidden
_CODED = r"\b(?:ORA|TNS|SQL|MSB|ERR)-?\d{3,6}\b|\bE\d{4,5}\b|\b0x[0-9A-Fa-f]{8}\b|(?<=[\w\]]):\d{4,5}\b"
_ID = r"\b(?=[0-9a-f-]*\d)[0-9a-f-]{6,}\b"  # of a process, a request, a host; a date
_NUMBER = re.compile(rf"(?P<kept>(?i:{_KEPT})|{_REASON}|{_CODED})|{_ID}|\d+")
_TOKENS = re.compile(r"([\w-]+)")
Key = tuple[str, ...]  # by which the caller knows a text
_NAMES = 3  # so many hosts whose texts differ in one word, each in another one: it is their own name


def shape(text: str, name: str) -> str:
    """A text without what is the host's own: its ``name``, whole or up to the first dot, and numbers that name no error."""
    for own in filter(None, (name, name.partition(".")[0])):
        text = re.sub(rf"(?<![\w-]){re.escape(own)}(?!\w|-|\.\w)", "NAME", text)
    return _NUMBER.sub(lambda found: found["kept"] or "0", text)


def one_word_apart(texts: Mapping[Key, tuple[Hashable, str]]) -> Iterable[dict[Key, str]]:
    """Sets of texts that differ in one word alone, each with its word; a text is in one set at most.

    ``texts`` are by key, each with what has to be equal as well. A name in letters alone looks like any
    other word in one text, but not in several: each host has its own.
    """
    alike: dict[Hashable, dict[Key, str]] = defaultdict(dict)
    for key, (head, text) in texts.items():
        tokens = _TOKENS.split(text)
        for word in {token for token in tokens if token[:1].isalpha()}:
            pattern = tuple("" if token == word else token for token in tokens)
            alike[head, pattern][key] = word
    taken: set[Key] = set()
    for found in sorted(alike.values(), key=len, reverse=True):
        left = {key: word for key, word in found.items() if key not in taken}
        if len(left) >= _NAMES:
            taken |= left.keys()
            yield left
