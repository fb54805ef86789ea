"""What a command is given as text: the argument itself, a file, or standard input."""

import os
import re
import sys
from pathlib import Path

import typer

from runbooks.decoder import text_of
from runbooks.errors import UserError
from runbooks.streams import read_bytes

_ENDINGS = (".log", ".txt", ".json", ".out", ".err", ".md")
_FILE = re.compile(r"[\w./~-]+\.(log|txt|json|out|err|md)")


def text_given(text: str) -> str:
    """The text that is meant by an argument: standard input for "-", else what the file of that name holds, else itself.

    Raises `UserError` for an empty text, and for a file that cannot be read.
    """
    found = text_of(_bytes(text)) if text == "-" or _is_file(text) else text
    if not found.strip("\0\ufeff \t\r\n"):
        raise UserError(
            "No text was given. Give it as an argument, as a file (./agent.log), or on standard input, with - or nothing."
        )
    return found


def subject_given(text: str | None) -> str | None:
    """What a subject is given as: as `text_given`, but a path that leads to no file may be a link."""
    if text is None or (text != "-" and not os.path.isfile(text)):  # noqa: PTH113
        if text and _FILE.fullmatch(text):
            raise UserError(f"There is no file {text}.")
        return text
    # APPLICATION/GROUP and the name of an instance may be a file's name too
    return text_given(text) if text == "-" or text.endswith(_ENDINGS) or text[0] in "./~" else text


def _is_file(text: str) -> bool:
    path = text.startswith(("/", "./", "../")) and " " not in text
    is_file = os.path.isfile(text)  # noqa: PTH113 (Path.is_file raises for a name that is too long)
    return path or bool(_FILE.fullmatch(text)) or is_file


def _bytes(text: str) -> bytes:
    if text != "-":
        return read_bytes(Path(text).expanduser())
    if sys.stdin.isatty():
        typer.echo("Paste it here; Ctrl-D ends it.", err=True)
    return sys.stdin.buffer.read()
