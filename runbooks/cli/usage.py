"""What a command line that cannot be read is answered with: one sentence, and where to read on."""

import re
from typing import Any

import typer

from runbooks.errors import UserError
from runbooks.subject import subject

_EXTRA = re.compile(r"Got unexpected extra arguments?(?:\(s\))? \((.+)\)", re.DOTALL)


def usage(error: typer.TyperException) -> str:
    """The sentence for a wrong option, value or argument."""
    says = error.format_message().replace("Value error, ", "").strip().rstrip(".")
    context: Any = getattr(error, "ctx", None)
    command = context.info_name if context and context.parent else ""
    if extra := _EXTRA.fullmatch(says):
        says = _extra(command, context.params, extra[1])
    return f"{says} (`{' '.join(filter(None, ('runbooks', command)))} --help` lists what there is)."


def _extra(command: str, given: dict[str, Any], extra: str) -> str:
    """What is wrong with more arguments than a command takes: diagnose takes the second one as an option."""
    if command == "diagnose" and given.get("subject"):
        first, second = _named(given["subject"]), _named(extra)
        if second and not set(first) & set(second):
            options = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in second.items())
            return f"diagnose takes one SUBJECT; give the other as an option: {options}"
    return f"{command} takes one thing at a time, and {extra!r} is more: quote a text that holds spaces, or run {command} for each"


def _named(text: str) -> dict[str, str]:
    try:
        return subject(text)
    except UserError:
        return {}
