"""Opens a folder, a zip or a tar as a bundle, listed and read in part. Nothing is ever unpacked to the disk."""

import gzip
import io
import os
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from runbooks.appspec.bundle import BROKEN, MAX_READ, Bundle, Entry, Unbearable, leaves

MAX_ENTRIES = 100_000
MAX_UNPACKED = 4 * 2**30
# A member that grows more than this, beyond the first 100 MB, is made to fill disks: real bundles grow tenfold.
MAX_RATIO, FREE_BYTES = 200, 100 * 2**20
TAR_FAILED = "Error extracting tar archive: 2"  # agent 1.8.1, of a damaged tar and of one with `..`
_FOREIGN = {
    b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"7z\xbc\xaf\x27\x1c": "7-Zip", b"Rar!\x1a": "RAR",
}  # fmt: skip


def is_packed(start: bytes) -> bool:
    """Whether a file that begins so is an archive, of a kind that a bundle may have or of another."""
    return start.startswith((b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", *_FOREIGN)) or _is_tar(start)


def _is_tar(start: bytes) -> bool:
    """By its mark, or in the form of Unix 7, which has none, by the sum of its first header."""
    stated = start[148:156].strip(b" \0")
    counted = sum(start[:148]) + 8 * ord(" ") + sum(start[156:512])
    by_sum = len(start) >= 512 and re.fullmatch(rb"[0-7]+", stated) and int(stated, 8) == counted
    return start[257:262] == b"ustar" or bool(by_sum)


def open_bundle(path: Path) -> Bundle | None:
    """The bundle at a path; None where that is a file of another kind. OSError: it cannot be read."""
    if path.is_dir():
        return _folder(path).close()
    with path.open("rb") as file:
        start = file.read(512)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _guarded(_zip, path)
    if start.startswith(b"\x1f\x8b") or _is_tar(start):
        return _guarded(_tar, path)
    foreign = next((name for magic, name in _FOREIGN.items() if start.startswith(magic)), "")
    if foreign:
        return Bundle("file", foreign=foreign)
    if path.suffix.lower() in (".zip", ".tar", ".tgz", ".gz"):
        return Bundle("file", broken="it is neither a zip nor a tar nor a tar.gz")
    return None


def open_stream(start: bytes, rest: IO[bytes], folder: Path) -> Bundle:
    """The bundle that comes on a stream, of which ``start`` was read; its packed form is kept in ``folder``."""
    path, size = (
        folder / "bundle.zip",
        len(start),
    )  # the name of an archive, so that a broken one is not an AppSpec
    with path.open("wb") as file:
        file.write(start)
        while size <= MAX_UNPACKED and (more := rest.read(2**20)):
            size += file.write(more)
    if size > MAX_UNPACKED:
        return Bundle("file", limit=f"it has more than {MAX_UNPACKED // 2**30} GB")
    return open_bundle(path) or Bundle("file", broken="it is not an archive")


def _guarded(reader: Callable[[Path, Bundle], None], path: Path) -> Bundle:
    bundle = Bundle("zip" if reader is _zip else "tar")
    try:
        reader(path, bundle)
    except Unbearable as error:
        bundle.limit = str(error)
    except BROKEN as error:
        bundle.broken = str(error) or type(error).__name__
    return bundle.close()


def _add(bundle: Bundle, entry: Entry) -> None:
    if len(bundle.entries) >= MAX_ENTRIES:
        raise Unbearable(f"it has more than {MAX_ENTRIES:,} entries")
    raw = entry.path.replace("\\", "/") if bundle.kind == "zip" else entry.path
    parts = [part for part in raw.split("/") if part not in ("", ".")]
    if raw.startswith("/") or (len(raw) > 1 and raw[1] == ":"):
        bundle.hostile.append((f"The entry {entry.path[:200]!r} has an absolute path.", ""))
    elif ".." in parts:
        tar_says = TAR_FAILED if bundle.kind == "tar" else ""
        bundle.hostile.append((f"The entry {entry.path[:200]!r} leaves the bundle.", tar_says))
    elif entry.kind == "device":
        bundle.hostile.append((f"The entry {entry.path[:200]!r} is a device or a pipe.", ""))
    elif parts:
        if entry.kind == "link" and leaves(parts[:-1], entry.target):
            bundle.outward.append(
                f"The link {entry.path[:200]!r} leads out of the bundle, to {entry.target[:200]!r}: what is there on a host is not judged."
            )
        bundle.entries["/".join(parts)] = entry


def _folder(root: Path) -> Bundle:
    bundle = Bundle("folder", fetch=lambda paths: dict(_read_files(root, paths)))
    try:
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(name for name in folders if name != ".git")
            for name in [*folders, *sorted(files)]:
                _add(bundle, _on_disk(root, Path(folder) / name))
    except Unbearable as error:
        bundle.limit = str(error)
    return bundle


def _on_disk(root: Path, path: Path) -> Entry:
    name = path.relative_to(root).as_posix()
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return Entry(name, "link", target=str(path.readlink()))
    kinds = ((stat.S_ISDIR, "folder"), (stat.S_ISREG, "file"))
    kind = next((kind for is_one, kind in kinds if is_one(status.st_mode)), "device")
    return Entry(name, kind, stat.S_IMODE(status.st_mode) if os.name == "posix" else None)


def _read_files(root: Path, paths: set[str]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        inside = (root / path).resolve()
        if inside.is_file() and inside.is_relative_to(root.resolve()):
            with inside.open("rb") as file:
                yield path, file.read(MAX_READ)


def _zip(path: Path, bundle: Bundle) -> None:
    with zipfile.ZipFile(path) as archive:
        if len(archive.infolist()) > MAX_ENTRIES:
            raise Unbearable(f"it has more than {MAX_ENTRIES:,} entries")
        _bear(sum(info.file_size for info in archive.infolist()), path)
        locked = next((info.filename for info in archive.infolist() if info.flag_bits & 1), None)
        if locked is not None:
            raise RuntimeError(f"its entry {locked[:200]!r} is encrypted, and the agents have no password")
        for info in archive.infolist():
            _add(bundle, _zipped(archive, info))

    def fetch(paths: set[str]) -> dict[str, bytes]:
        with zipfile.ZipFile(path) as archive:
            names = {
                "/".join(filter(None, i.filename.replace("\\", "/").split("/"))): i
                for i in archive.infolist()
            }
            found = {}
            for wanted in paths & set(names):
                with archive.open(names[wanted]) as member:
                    found[wanted] = member.read(MAX_READ)
            return found

    bundle.fetch = fetch


def _zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    mode = info.external_attr >> 16 if info.create_system == 3 else 0
    if info.is_dir():
        return Entry(info.filename, "folder", stat.S_IMODE(mode) or None)
    if stat.S_ISLNK(mode):
        with archive.open(info) as member:
            return Entry(info.filename, "link", target=member.read(4096).decode(errors="replace"))
    return Entry(info.filename, "file", stat.S_IMODE(mode) if mode else None)


def _tar(path: Path, bundle: Bundle) -> None:
    for member, _ in _members(path):
        _add(bundle, _tarred(member))

    def fetch(paths: set[str]) -> dict[str, bytes]:
        found = {}
        for member, archive in _members(path):
            name = "/".join(part for part in member.name.split("/") if part not in ("", "."))
            if name in paths and member.isreg() and (content := archive.extractfile(member)):
                found[name] = content.read(MAX_READ)
            if len(found) == len(paths):
                break
        return found

    bundle.fetch = fetch


def _tarred(member: tarfile.TarInfo) -> Entry:
    if member.issym() or member.islnk():
        # a hard link names its target from the root, a symbolic one from its folder
        target = (
            member.linkname
            if member.issym()
            else "../" * member.name.strip("./").count("/") + member.linkname
        )
        return Entry(member.name, "link", target=target)
    kind = "folder" if member.isdir() else "file" if member.isreg() else "device"
    return Entry(member.name, kind, stat.S_IMODE(member.mode))


def _members(path: Path) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        inner: IO[bytes] = gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[assignment]
        with tarfile.open(fileobj=_Counted(inner, path), mode="r|") as archive:
            for member in archive:
                yield member, archive
                archive.members = []  # type: ignore[attr-defined]  # or it keeps all of them


class _Counted(io.RawIOBase):
    """A stream that stops when it has given more than a bundle may hold."""

    def __init__(self, inner: IO[bytes], path: Path) -> None:
        self.inner, self.path, self.given = inner, path, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        content = self.inner.read(min(size, 2**20) if size >= 0 else 2**20)
        self.given += len(content)
        _bear(self.given, self.path)
        return content


def _bear(unpacked: int, path: Path) -> None:
    packed = path.stat().st_size
    if unpacked > MAX_UNPACKED:
        raise Unbearable(f"it unpacks to more than {MAX_UNPACKED // 2**30} GB")
    if unpacked > FREE_BYTES and unpacked > packed * MAX_RATIO:
        raise Unbearable(
            f"it unpacks to more than {MAX_RATIO} times its size, as an archive does that is made to fill disks"
        )
