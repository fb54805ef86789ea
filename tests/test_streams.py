"""Files: whole or not at all, under no name that someone could know before, and no link is followed."""

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from runbooks.errors import UserError
from runbooks.streams import check_writable, create, write

FULL = Path("/dev/full")


@pytest.mark.parametrize("planted", [".report.html.unfinished", ".report.html"])
def test_a_link_that_was_planted_beside_the_report_is_not_followed(planted: str, tmp_path: Path) -> None:
    victim, report = tmp_path / "victim", tmp_path / "report.html"
    victim.write_text("untouched")
    (tmp_path / planted).symlink_to(victim)
    write(report, "a report")
    assert (victim.read_text(), report.read_text(), report.is_symlink()) == ("untouched", "a report", False)


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_a_new_report_has_the_mode_that_the_user_gives_to_files(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        write(tmp_path / "report", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "report").stat().st_mode) == 0o666 & ~umask


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_left_of_a_report_that_is_not_finished(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*paths: Any) -> None:
        raise error

    (tmp_path / "report").write_text("the old one")
    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises((UserError, KeyboardInterrupt)):
        write(tmp_path / "report", "x")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"report": "the old one"}


def test_a_new_file_is_for_its_owner_alone_and_overwrites_nothing(tmp_path: Path) -> None:
    path = tmp_path / "copy"
    create(path, "first")
    with pytest.raises(FileExistsError):
        create(path, "second")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("first", 0o600)


def test_a_new_file_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "copy").symlink_to(tmp_path / "victim")
    with pytest.raises(FileExistsError):
        create(tmp_path / "copy", "x")
    assert not (tmp_path / "victim").exists()


def test_a_new_file_on_a_full_disk_is_not_left_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def full(path: Any, *more: Any) -> int:
        if FULL.name in str(path):
            opened(path, *more)  # made, but nothing can be written into it
            return opened(FULL, os.O_WRONLY)
        return opened(path, *more)

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(UserError, match="full cannot be written: No space left on device"):
        create(tmp_path / "full", "x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [("x" * 300, "File name too long"), ("loop", "loop|levels of symbolic links"), ("\0", "null")],
)
def test_a_name_that_no_file_can_have_is_one_sentence(name: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UserError, match=f"cannot be written to .*: .*({why})") as caught:
        check_writable(tmp_path / name)
    assert len(str(caught.value).splitlines()) == 1
