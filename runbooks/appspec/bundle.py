"""What a bundle holds: a folder, a zip or a tar, listed and read in part. Nothing is ever unpacked to the disk."""

import gzip
import io
import os
import stat
import tarfile
import zipfile
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

MAX_ENTRIES = 100_000
MAX_UNPACKED = 4 * 2**30
# A member that grows more than this, beyond the first 100 MB, is made to fill disks: real bundles grow tenfold.
MAX_RATIO, FREE_BYTES = 200, 100 * 2**20
MAX_SCRIPT = 262_144  # bytes that are read of a script

_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


class Unbearable(Exception):
    """The bundle breaks a limit; the message says which."""


@dataclass(frozen=True)
class Entry:
    """A file, a folder or a link, by its path from the root of the bundle as it is written there."""

    path: str
    kind: str  # "file", "folder", "link", "device"
    mode: int | None = None  # the bits of chmod, where the bundle knows them
    target: str = ""  # of a link


@dataclass
class Bundle:
    """The entries of a bundle by path, and how to read some of them."""

    kind: str  # "folder", "zip", "tar"
    entries: dict[str, Entry] = field(default_factory=dict)
    fetch: Callable[[set[str]], dict[str, bytes]] = lambda paths: {}
    top: str = ""  # the top folder that is removed when the bundle is unpacked, with its slash
    limit: str = ""  # which limit it breaks
    broken: str = ""  # why it cannot be read to its end
    hostile: list[str] = field(default_factory=list)  # what is not safe in it, each a sentence

    def kind_of(self, path: str) -> str:
        """The kind of what is at a path below the root; "" for nothing. A folder may be there only by what is in it."""
        full = (self.top + path).strip("/")
        if full in ("", self.top.strip("/")):
            return "folder"
        entry = self.entries.get(full)
        if entry:
            return entry.kind
        return "folder" if full in self._folders else ""

    def below(self, path: str) -> Iterator[tuple[str, Entry]]:
        """The entries below a folder, with their paths from it."""
        start = (self.top + path).strip("/")
        start = f"{start}/" if start else ""
        for place in range(bisect_left(self._sorted, start), len(self._sorted)):
            name = self._sorted[place]
            if not name.startswith(start):
                return
            yield name[len(start) :], self.entries[name]

    def entry(self, path: str) -> Entry | None:
        """The entry at a path below the root."""
        return self.entries.get((self.top + path).strip("/"))

    def same_but_for_case(self, path: str) -> str:
        """A path below the root that differs in case only; "" for none."""
        found = self._by_case.get((self.top + path).strip("/").casefold(), "")
        return found[len(self.top) :]

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The beginnings of some files below the root, by path; what cannot be read is left out."""
        wanted = {(self.top + path).strip("/"): path for path in paths}
        try:
            return {wanted[full]: content for full, content in self.fetch(set(wanted)).items()}
        except (*_BROKEN, OSError, Unbearable):
            return {}

    def close(self) -> "Bundle":
        """Itself, with what follows from the entries."""
        self._folders = {
            "/".join(parts[:depth])
            for name in self.entries
            for parts in [name.split("/")]
            for depth in range(1, len(parts))
        }
        self._sorted = sorted(self.entries)
        self._by_case = {name.casefold(): name for name in (*self._folders, *self.entries)}
        names = {name.split("/")[0] for name in self.entries}
        if self.kind != "folder" and len(names) == 1:
            (only,) = names
            inside = (
                name.split("/")[1] for name in (*self.entries, *self._folders) if name.startswith(f"{only}/")
            )
            if any("appspec" in name.lower() for name in inside):
                self.top = f"{only}/"
        return self

    _folders: set[str] = field(default_factory=set)
    _by_case: dict[str, str] = field(default_factory=dict)
    _sorted: list[str] = field(default_factory=list)


def open_bundle(path: Path) -> Bundle | None:
    """The bundle at a path; None where that is a file of another kind. OSError: it cannot be read."""
    if path.is_dir():
        return _folder(path).close()
    with path.open("rb") as file:
        start = file.read(512)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _guarded(_zip, path)
    if start.startswith(b"\x1f\x8b") or start[257:262] == b"ustar":
        return _guarded(_tar, path)
    if path.suffix.lower() in (".zip", ".tar", ".tgz", ".gz"):
        return Bundle("file", broken="it is neither a zip nor a tar nor a tar.gz")
    return None


def _guarded(reader: Callable[[Path, Bundle], None], path: Path) -> Bundle:
    bundle = Bundle("zip" if reader is _zip else "tar")
    try:
        reader(path, bundle)
    except Unbearable as error:
        bundle.limit = str(error)
    except _BROKEN as error:
        bundle.broken = str(error) or type(error).__name__
    return bundle.close()


def _add(bundle: Bundle, entry: Entry) -> None:
    if len(bundle.entries) >= MAX_ENTRIES:
        raise Unbearable(f"it has more than {MAX_ENTRIES:,} entries")
    raw = entry.path.replace("\\", "/") if bundle.kind == "zip" else entry.path
    parts = [part for part in raw.split("/") if part not in ("", ".")]
    if raw.startswith("/") or (len(raw) > 1 and raw[1] == ":"):
        bundle.hostile.append(f"The entry {entry.path[:200]!r} has an absolute path.")
    elif ".." in parts:
        bundle.hostile.append(f"The entry {entry.path[:200]!r} leaves the bundle.")
    elif entry.kind == "device":
        bundle.hostile.append(f"The entry {entry.path[:200]!r} is a device or a pipe.")
    elif parts:
        if entry.kind == "link" and leaves(parts[:-1], entry.target):
            bundle.hostile.append(
                f"The link {entry.path[:200]!r} leads out of the bundle, to {entry.target[:200]!r}."
            )
        bundle.entries["/".join(parts)] = entry


def leaves(folder: list[str], target: str) -> bool:
    """Whether a path, taken from a folder of the bundle, leads out of it."""
    if target.startswith("/"):
        return True
    depth = len(folder)
    for part in target.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return True
    return False


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
                yield path, file.read(MAX_SCRIPT)


def _zip(path: Path, bundle: Bundle) -> None:
    with zipfile.ZipFile(path) as archive:
        if len(archive.infolist()) > MAX_ENTRIES:
            raise Unbearable(f"it has more than {MAX_ENTRIES:,} entries")
        _bear(sum(info.file_size for info in archive.infolist()), path)
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
                    found[wanted] = member.read(MAX_SCRIPT)
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
                found[name] = content.read(MAX_SCRIPT)
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
