"""What a finding quotes of a script's log: its end, and the line before that which says what went wrong."""

import re

from runbooks.text.mask import masked

_END = 300  # characters of a log that a finding shows, from its end
_LINE = 200  # of a line before these
_HEADER = ("LifecycleEvent - ", "Script - ")  # lines that say where the log comes from, as the finding does
_FATAL = re.compile(r"\b(?:FATAL|CRITICAL|PANIC|panic|[Ff]atal)\b")
_ERROR = re.compile(
    r"^\[stderr\].*?(?:\b(?:ERROR|[Ee]rror|E[A-Z]{4,}|[Dd]enied|[Rr]efused)\b|Error\b|Exception\b|\b(?:[Cc]annot|[Nn]o such|not found)\b)"
)


def quoted(log: str, known: str = "") -> str:
    """The end of a log in whole words, after the first line that says the cause, where the end does not hold that.

    ``known`` is the text by which the guide knows the cause; else it is the first line with a fatal error, or with an
    error on standard error.
    """
    # before it is cut or joined: a secret is known by its name, which may stand on the line before
    lines = [line for line in masked(log).splitlines() if line.strip() and not line.startswith(_HEADER)]
    if not lines:
        return ""
    end = " | ".join(lines)
    if len(end) <= _END:
        return f" The log ends: “{end}”"
    end = "…" + end[-_END:].partition(" ")[2] if " " in end[-_END:] else end[-_END:]
    line = _cause(lines, known)
    if not line or line[:_LINE] in end:
        return f" The log ends: “{end}”"
    return f" The log says: “{line if len(line) <= _LINE else line[: _LINE - 1] + '…'}” It ends: “{end}”"


def _cause(lines: list[str], known: str) -> str:
    named = (line for line in lines if known and known in line)
    fatal = (line for line in lines if _FATAL.search(line[:_LINE]))
    wrong = (line for line in lines if _ERROR.search(line[:_LINE]))
    return next(named, "") or next(fatal, "") or next(wrong, "")
