"""What is known of each error: ``errors.json``, which `tools/errors.py` makes of the pages' front matter.

One entry is one error, code or symptom, and has one page. The same file is read by the box on the site
(`docs/assets/javascripts/decode.js`), so its patterns mean the same in both languages.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, eq=False)
class Item:
    """A pattern that shows an entry."""

    entry: "Entry"
    pattern: str
    needs: str = ""  # the context without which it proves nothing: a key of the grammar's `contexts`
    weak: bool = False  # it counts only where nothing else is known
    note: str = ""

    def search(self, text: str, place: int, folded: bool = False) -> "re.Match[str] | None":
        """The first match in ``text`` that ends behind ``place``; ``folded``: in capitals and small letters alike."""
        found = compiled(self.pattern, folded).finditer(text)
        return next((each for each in found if each.end() > place), None)


@dataclass(frozen=True, eq=False)
class Entry:
    """One error, code or symptom. ``general`` is 0 for a cause, 1 for a kind of problem, 2 for "something failed"."""

    name: str
    kind: str
    page: str
    title: str = ""
    says: str = ""
    do: str = ""
    tag: str = "X"
    general: int = 0
    needs: str = ""  # the context without which its codes prove nothing
    shared: bool = False  # other AWS services have an error of this name
    any: bool = False  # any operation can answer with it, whatever the model declares
    retry: str = ""
    who: str = ""
    guide: str = ""
    runbook: str = ""
    severity: str = ""  # of a line in the agent's log: bad, note, healthy
    sticks: bool = False  # a healthy line does not take it back
    codes: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    like: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    when: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True)
class Index:
    """All entries, the words by which a text leads to them, and how a text is read."""

    entries: dict[str, Entry]
    names: dict[str, tuple[Entry, str]]  # a code, as it stands or in lower case: its entry and its spelling
    items: dict[str, tuple[Item, ...]]  # by their words
    folded: dict[str, tuple[Item, ...]]  # those that are not weak, by their words in small letters
    words: frozenset[str]  # all that lead to something
    grammar: dict[str, Any]


def document() -> str:
    """The text of errors.json."""
    return files(__package__).joinpath("errors.json").read_text(encoding="utf-8")


@cache
def index() -> Index:
    """The index, read once."""
    read = json.loads(document())
    entries: dict[str, Entry] = {}
    names: dict[str, tuple[Entry, str]] = {}
    items: dict[str, tuple[Item, ...]] = {}
    folded: dict[str, tuple[Item, ...]] = {}
    for row in read["entries"]:
        patterns = row.pop("match", ())
        facts: dict[str, Any] = {key: row[key] for key in row if key in _FIELDS}
        log = row.get("log", {})
        facts |= {"severity": log.get("severity", ""), "sticks": log.get("sticks", False)}
        facts |= {key: tuple(value) for key, value in facts.items() if isinstance(value, list)}
        entry = Entry(**facts)
        entries[entry.name] = entry
        if "-" in entry.name:  # the name of a page, which no text holds by chance as one word
            names.setdefault(entry.name, (entry, entry.name))
        for code in entry.codes:
            names[code] = (entry, code)
            if entry.kind == "exception":
                names.setdefault(code.lower(), (entry, code))
        for given in patterns:
            item = Item(entry, given["re"], *(given.get(k, d) for k, d in _OPTIONS))
            for word in given["words"]:
                items[word] = (*items.get(word, ()), item)
                if not item.weak:
                    folded[word.lower()] = (*folded.get(word.lower(), ()), item)
    return Index(entries, names, items, folded, frozenset(names) | frozenset(items), read["grammar"])


_FIELDS = set(Entry.__dataclass_fields__)
_OPTIONS: tuple[tuple[str, Any], ...] = (("needs", ""), ("weak", False), ("note", ""))


@cache
def compiled(pattern: str, folded: bool = False) -> re.Pattern[str]:
    """``pattern`` as both languages read it: ASCII classes, lines, wide blanks; ``folded``: letters of either case."""
    flags = re.ASCII | re.MULTILINE | (re.IGNORECASE if folded else re.NOFLAG)
    return re.compile(pattern.replace("␠", index().grammar["blank"]), flags)
