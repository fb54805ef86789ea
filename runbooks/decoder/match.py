"""Finds in a text what is known. The text is read once, word by word; a pattern is tried only where its word stands.

`docs/assets/javascripts/decode.js` does the same in a browser; tests/decoder/corpus.json holds both to one answer.
"""

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runbooks.decoder.index import Entry, Item, compiled, index
from runbooks.decoder.result import Explanation, Known
from runbooks.decoder.text import normal

# A word, or the escape that JSON glues to one.
_TOKEN = re.compile(r"\\{1,8}[nrt]|[A-Za-z0-9_]+", re.ASCII)
_LAST = 20  # of many places where a word stands, these are tried, the last ones
_WELL = 2
_FOLDED = 20_000  # characters: a longer text is a log, and no one changes the letters of a log
_WORD = 200  # characters: a text so short may be one code and nothing else
_BEFORE, _AFTER = 600, 1400  # how much of the text around its word a pattern sees
_NEAR = 300  # characters: what stands closer belongs together
_SENTENCE = 3  # words: a shorter match means nothing in other letters
_LINE = 2_000  # of a line, so much says whose it is
_OUTPUT = "LifecycleEvent - "  # how the output of an event begins
_AROUND = 6_000  # and within this the text is about one thing


@dataclass(frozen=True)
class _Hit:
    entry: Entry
    name: str
    rank: (
        int  # 0 the error's own name or sentence, 1 a mention or a note, 2 a line that says that all is well
    )
    start: int
    end: int
    named: bool = False  # by its code, not by a sentence
    weak: bool = False
    note: str = ""


def explain(text: str) -> Explanation:
    """What is known of ``text``, the most likely first: a cause before a general word, the error's own name before a
    mention, the later before the earlier. Never raises for any text."""
    text = normal(text)
    rest = _without_passed(text)
    found = list(_hits(text)) or list(_folded(text))
    found = [
        hit for hit in found if rest[hit.start : hit.end].strip()
    ] or found  # not what passed, if anything failed
    hits = [hit for hit in found if not hit.weak] or found
    hits.sort(key=lambda hit: (hit.rank, hit.entry.general, not hit.named, -hit.end))
    best = {hit.name: hit for hit in reversed(hits)}
    hits = [hit for hit in hits if best[hit.name] is hit]
    hits = _standing([hit for hit in hits if not _covered(hit, hits, text)])
    operation = _operation(text)
    foreign = [hit for hit in hits if _foreign(hit, text)]
    hits = [hit for hit in hits if hit not in foreign]
    known = tuple(_known(hit, text, rest) for hit in hits)
    note = " ".join(_notes(hits, foreign, operation, text, rest))
    fields = _fields(rest, hits)
    near = () if known or fields else _near(text)  # what names something is not misspelt
    return Explanation(known, operation, note, near, fields, _commands(fields))


def _hits(text: str) -> Iterator[_Hit]:
    """Every name and every sentence of the index that stands in the text."""
    known, items = index().words, index().items
    places: dict[Item | str, deque[int]] = defaultdict(lambda: deque(maxlen=_LAST))
    constants = "ErrCode" in text or "CodeDeployErrors::" in text  # what Go and C++ call an error
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word in known:
            for item in items.get(word, ()):
                places[item].append(token.start())
            places[word].append(token.start())
        elif constants:
            places[word].append(token.start())
    alone = text.strip()
    if len(text) < _WORD and alone not in places:
        places[alone].append(text.find(alone))
    for thing, starts in places.items():
        yield from _named(thing, starts, text) if isinstance(thing, str) else _sentence(thing, starts, text)


def _folded(text: str) -> Iterator[_Hit]:
    """Every sentence of the index that stands in the text in other letters, as in a title that is all capitals."""
    places: dict[Item, deque[int]] = defaultdict(lambda: deque(maxlen=_LAST))
    for token in _TOKEN.finditer(text) if len(text) < _FOLDED else ():
        for item in index().folded.get(token[0].lower(), ()):
            places[item].append(token.start())
    for item, starts in places.items():
        yield from _sentence(item, starts, text, folded=True)


def _entry(word: str, before: str, alone: bool) -> tuple[Entry, str] | None:
    """The entry of a code and the code as it is spelt, where ``word`` is one."""
    names, low = index().names, word.lower()
    if word in names:
        return names[word]
    if word.startswith("ErrCode"):
        return names.get(word.removeprefix("ErrCode"))
    if before.endswith("CodeDeployErrors::"):
        return names.get(low.replace("_", "") + "exception")
    return (names.get(low) or names.get(low + "exception") or names.get(word.upper())) if alone else None


def _alone(word: str, text: str) -> bool:
    """Whether the text is this word and nothing else, or this word under the label of an error code."""
    if len(text) >= _WORD or text.strip() == word:
        return len(text) < _WORD
    labelled = compiled(index().grammar["labelled"]).search(text)
    return bool(labelled and labelled[0] == text and labelled[1] == word)


def _named(word: str, starts: Iterable[int], text: str) -> Iterator[_Hit]:
    """A code of the index, at each place where it stands as one."""
    grammar = index().grammar
    alone = _alone(word, text)
    for start in starts:
        end = start + len(word)
        before = ("" if start > 200 else "\n") + text[max(0, start - 200) : start]
        meant = _entry(word, before, alone)
        if not meant or compiled(grammar["elsewhere"]).search(before):
            continue
        entry, name = meant
        after = text[end : end + 40]
        opens = compiled(grammar["opens"]).search(before) and compiled(grammar["closes"]).search(after)
        leads = compiled(grammar["leads"]).search(before) or compiled(grammar["named"]).search(after)
        own = bool(alone or leads or opens)
        if entry.needs and not alone and not _context(entry.needs, start, text):
            continue
        # A code that is also a plain word, such as TIMEOUT, is taken for one only where an error stands.
        if own or not re.fullmatch("[A-Z][a-z]+|[A-Z]+", name):
            weak = name in index().grammar["good"]
            yield _Hit(entry, _shown(entry, name), 0 if own else 1, start, end, named=True, weak=weak)


def _sentence(item: Item, starts: Iterable[int], text: str, folded: bool = False) -> Iterator[_Hit]:
    """A pattern of the index, at the last place where it matches."""
    for start in reversed(list(starts)):
        low = _line_start(text, start)
        found = item.search(text[low : start + _AFTER], start - low, folded)
        if not found:
            continue
        if folded and len(found[0].split()) < _SENTENCE:
            continue
        begin, end = low + found.start(), low + found.end()
        weak = item.weak
        if item.needs and not _context(item.needs, begin, text, folded):
            if item.needs != "agent":
                continue
            weak = True
        rank = {"healthy": _WELL, "note": 1}.get(item.entry.severity, 0)
        name = _shown(item.entry, item.entry.codes[0] if item.entry.codes else item.entry.name)
        yield _Hit(item.entry, name, rank, begin, end, weak=weak, note=item.note)
        return


def _shown(entry: Entry, code: str) -> str:
    """What a hit is called: a refusal by the code that stands in the text, all else by its entry."""
    return code if entry.kind == "refusal" else entry.name


def _line_start(text: str, at: int) -> int:
    """Where the part begins that a pattern sees: the line before, or so far back as the line is long."""
    low = max(0, at - _BEFORE)
    line = text.find("\n", low, at) if low else -1
    return low if line < 0 else line + 1


def _context(name: str, at: int, text: str, folded: bool = False) -> bool:
    """Whether the text around a place is of a kind: its line is the agent's, or it mentions CodeDeploy."""
    grammar = index().grammar
    pattern = compiled(grammar["contexts"][name], folded)
    if name != "agent":
        return bool(pattern.search(text[max(0, at - _AROUND) : at + _AROUND]))
    low = _last_line(text, at, _LINE)
    line = text[low : _line_end(text, at, low + _LINE)]
    return bool(pattern.search(line)) and not compiled(grammar["not_agent"]).search(line)


def _last_line(text: str, at: int, most: int) -> int:
    """Where the line begins that holds a place, or so far before it as ``most``: a text of one line is never read whole."""
    low = max(0, at - most)
    line = text.rfind("\n", low, at)
    return low if line < 0 else line + 1


def _line_end(text: str, at: int, most: int) -> int:
    """Where the line ends that holds a place, or ``most``."""
    line = text.find("\n", at, most)
    return min(len(text), max(at, most)) if line < 0 else line


def _standing(hits: list[_Hit]) -> list[_Hit]:
    """Without what the agent's log takes back by a poll that was answered later; that poll itself, if nothing stays."""
    well = max((hit.end for hit in hits if hit.rank == _WELL), default=-1)
    stays = [
        hit
        for hit in hits
        if hit.rank != _WELL and (not hit.entry.severity or hit.entry.sticks or hit.end > well)
    ]
    return stays or [hit for hit in hits if hit.rank == _WELL]


def _covered(hit: _Hit, hits: list[_Hit], text: str) -> bool:
    """Whether a more telling hit is about the same words, so that the general one need not be said beside it."""
    for other in hits:
        if other.rank or other.entry.general >= hit.entry.general:
            continue
        if other.start <= hit.end and hit.start <= other.end:
            return True
        gap = text[min(hit.end, other.end) : max(hit.start, other.start)]
        if len(gap) <= _NEAR and "\n" not in gap:
            return True
    return False


def _foreign(hit: _Hit, text: str) -> str:
    """The other service whose error of this name it is, or ""."""
    entry, grammar = hit.entry, index().grammar
    around = text[max(0, hit.start - _NEAR) : hit.end + _NEAR]
    refused = compiled(grammar["refused"]).findall(around) if entry.kind == "refusal" else []
    if refused and not _context("codedeploy", hit.start, text):
        return str(refused[-1])
    if not entry.shared:
        return ""
    services = [found for pattern in grammar["service"] for found in compiled(pattern).findall(around)]
    if any("codedeploy" in service.lower() for service in services):
        return ""
    operation = _operation(around)
    if services:
        return str(services[-1])
    return "" if not operation or operation in grammar["operations"] else f"another service ({operation})"


def _operation(text: str) -> str:
    last = (-1, "")
    for pattern in index().grammar["operation"]:
        for found in compiled(pattern).finditer(text):
            last = max(last, (found.end(), found[1]))
    return last[1]


def _notes(hits: list[_Hit], foreign: list[_Hit], operation: str, text: str, rest: str) -> Iterator[str]:
    """The doubts and remarks that the reader should have. ``rest`` is the text without the events that passed."""
    grammar = index().grammar
    for hit in foreign:
        yield f"{hit.name} is here an error of {_foreign(hit, text)}, not of CodeDeploy."
    if not hits:
        return
    top = hits[0]
    entry = top.entry
    if top.note:
        yield top.note
    if entry.kind == "exception" and operation in grammar["operations"] and not entry.any:
        if operation not in entry.operations:
            declared = ", ".join(entry.operations) or "no operation"
            yield (
                f"AWS's model does not declare {top.name} for {operation}, only for {declared}: read the line again."
            )
    elif entry.kind == "exception" and operation and not entry.any:
        yield f"{operation} is not an operation of CodeDeploy: another service means something else by {top.name}."
    record = _record(rest, top)
    events = any(compiled(pattern).search(record) for pattern in grammar["fields"]["event"])
    around = record if events else _slice(rest, top)
    for remark in grammar["remarks"]:
        if top.name in remark["of"] and compiled(remark["when"]).search(around):
            yield remark["says"]


def _known(hit: _Hit, text: str, rest: str) -> Known:
    entry = hit.entry
    return Known(
        name=hit.name,
        kind=entry.kind,
        says=entry.says,
        do=_do(entry, _record(rest, hit), _slice(rest, hit)),
        tag=entry.tag,
        page=entry.page,
        checks=entry.checks,
        runbook=entry.runbook,
        operations=entry.operations,
        seen=_seen(hit, text),
        title=entry.title or hit.name,
        guide=entry.guide,
        like=entry.like,
    )


def _do(entry: Entry, record: str, around: str) -> str:
    """What to do: what the text's own circumstances ask for, or the entry's sentence; and what they add to it.

    The hit's own record is asked first: another one may hold an older failure.
    """
    fitting = _fitting(entry, record) or _fitting(entry, around)
    instead = [row["do"] for row in fitting if "do" in row]
    also = [row["also"] for row in fitting if "also" in row]
    return " ".join([*(instead[:1] or [entry.do]), *also])


def _fitting(entry: Entry, around: str) -> list[dict[str, str]]:
    return [row for row in entry.when if compiled(row["text"]).search(around)]


def _without_passed(text: str) -> str:
    """The text with spaces in the place of the events that passed or did not run, so that all places stay."""
    for pattern in index().grammar["passed"]:
        text = compiled(pattern).sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    return text


def _record(text: str, hit: _Hit) -> str:
    """What stands around a hit, up to the records before and after its own.

    The output of an event that follows a message, as an event's log tail does, is of the same record.
    """
    start, end = max(0, hit.start - _AROUND), min(len(text), hit.end + _AROUND)
    begins = {
        start + found.start(): found[0] == _OUTPUT
        for found in compiled(index().grammar["record"]).finditer(text[start:end])
    }
    first = max((place for place in begins if place <= hit.start), default=start)
    after = [place for place in begins if place > hit.end]
    if after and begins[after[0]] and not begins.get(first):
        del after[0]
    return text[first : after[0] if after else end]


def _slice(text: str, hit: _Hit) -> str:
    return text[max(0, hit.start - _AROUND) : hit.end + _AROUND]


def _seen(hit: _Hit, text: str) -> str:
    """The words that were found with what stands beside them on their line, cut between words."""
    line = _last_line(text, hit.start, 81)
    start = max(line, hit.start - 80)
    stop = min(_line_end(text, hit.start, hit.start + 240), max(hit.end, hit.start + 100) + 60)
    seen = text[start:stop]
    if start > line and " " in seen[:40]:
        seen = seen[seen.index(" ") + 1 :]
    if stop < len(text) and text[stop] not in " \n" and " " in seen[-40:]:
        seen = seen[: seen.rindex(" ")]
    return seen.strip()


def _fields(text: str, hits: list[_Hit]) -> tuple[tuple[str, str], ...]:
    """What the text names: the deployment, the script, the Region."""
    around = text[max(0, hits[0].start - 20_000) : hits[0].end + 20_000] if hits else text[:40_000]
    record = _record(text, hits[0]) if hits else ""
    found: list[tuple[str, str]] = []
    for name, patterns in index().grammar["fields"].items():
        for pattern in patterns:
            values = compiled(pattern).findall(record) or compiled(pattern).findall(around)
            if values:
                found.append((name, values[-1]))
                break
    return tuple(found) or (() if hits else _one_name(text))


def _one_name(text: str) -> tuple[tuple[str, str], ...]:
    """What a text names that is one name alone: an instance, a deployment group."""
    name = text.strip(" \n")
    forms = index().grammar["alone"].items() if "\n" not in name else ()
    return tuple((field, name) for field, pattern in forms if compiled(f"^(?:{pattern})$").search(name))


def _commands(fields: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """The commands whose every blank a field fills, with the Region where the text names it."""
    values = dict(fields)
    made = []
    for command in index().grammar["commands"]:
        blanks = re.findall(r"\{([\w ]+)\}", command)
        if all(blank in values for blank in blanks):
            for blank in blanks:
                command = command.replace(f"{{{blank}}}", values[blank])
            made.append(command + (f" --region {values['region']}" if "region" in values else ""))
    return tuple(made)


def _near(text: str) -> tuple[str, ...]:
    """Known codes like the one word that was given."""
    word = text.strip().lower()
    if not re.fullmatch(r"\w{4,80}", word, re.ASCII):
        return ()
    given = _pieces(word)
    scored = [
        (2 * len(given & pieces) / (len(given) + len(pieces)), name)
        for name, pieces in ((name, _pieces(name.lower())) for name in _spelt())
    ]
    return tuple(
        name for score, name in sorted(scored, key=lambda row: (-row[0], row[1]))[:3] if score >= 0.6
    )


def _spelt() -> set[str]:
    return {name for _, name in index().names.values()}


def _pieces(word: str) -> set[str]:
    return {word[i : i + 3] for i in range(len(word) - 2)}
