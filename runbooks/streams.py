"""Files and standard streams as a command line meets them: a full disk, a reader who has gone, a device."""

import os
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from runbooks.errors import UserError


def open_streams() -> None:
    """Give the process the standard streams that it was started without."""
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: PTH123, SIM115 - closed with the process
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115


def say(text: str) -> None:
    """Write to standard output. A reader who has gone (``| head``) is not an error; raises `UserError` for a full disk."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_standard_output()
    except OSError as error:
        _forget_standard_output()
        raise UserError(f"Standard output cannot be written to: {error.strerror}.") from None


def _forget_standard_output() -> None:
    # What is still in its buffer would fail once more when the process ends.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def read_bytes(path: Path) -> bytes:
    """What a file holds. Raises `UserError` when it cannot be read."""
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {_reason(error)}.") from None


def check_writable(path: Path) -> None:
    """Raise `UserError` where `write` could not write, before there is anything to lose."""
    try:
        target = path.resolve()
        with suppress(FileNotFoundError, NotADirectoryError):
            target.stat()  # from Python 3.13 on a link that leads to itself is refused only here
        is_folder = target.is_dir()
    except (
        OSError,
        ValueError,
        RuntimeError,
    ) as error:  # a name that is too long, a link that leads to itself
        raise UserError(f"The report cannot be written to {path}: {_reason(error)}.") from None
    if str(path) in ("", ".") or is_folder:
        raise UserError(
            f"The report cannot be written to {str(path)!r}: that is a folder; give a file in it."
        )
    if not target.parent.is_dir():
        raise UserError(f"The report cannot be written to {path}: there is no folder {target.parent}.")
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise UserError(f"The report cannot be written to {path}: permission denied.")


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all; what is not a plain file (a device, a pipe) is written into.

    A link is followed, and the mode of a file that is replaced is kept. Where it cannot be written after all,
    the text goes to standard output, so that it is not lost, and a `UserError` says so.
    """
    target = path.resolve()
    try:
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8")
        else:
            _replace(target, text)
    except OSError as error:
        say(text)
        raise UserError(
            f"The report cannot be written to {path}: {_reason(error)}; it is on standard output instead."
        ) from None


def create(path: Path, text: str) -> None:
    """Write a new file, for its owner alone, whole or not at all. Nothing that is there is overwritten or followed.

    Raises FileExistsError where something has that name, and `UserError` where the file cannot be written.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is open already
            try:
                file.write(text)
                file.flush()
            except BaseException:
                path.unlink()
                raise
    except FileExistsError:
        raise
    except OSError as error:
        raise UserError(f"{path} cannot be written: {_reason(error)}.") from None


def _replace(target: Path, text: str) -> None:
    """Write beside the target, under a name that cannot be known before, and put that in its place."""
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o666 & ~_umask()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".unfinished")
    unfinished = Path(name)
    try:
        with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is open already
            file.write(text)
        unfinished.chmod(mode)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _umask() -> int:
    now = os.umask(0o077)  # it can only be read by setting it
    os.umask(now)
    return now


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
