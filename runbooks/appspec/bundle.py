"""What a bundle holds, by path, with its links followed as Linux follows them, but never out of it."""

import tarfile
import zipfile
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

# Bytes that are read of a file: more than an AppSpec that is judged, so that a cut one shows.
MAX_READ = 1_000_001
MAX_LINKS = 40  # that Linux follows on one path

BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


class Unbearable(Exception):
    """The bundle breaks a limit; the message says which."""


@dataclass(frozen=True)
class Entry:
    """A file, a folder or a link, by its path from the root of the bundle as it is written there."""

    path: str
    kind: str  # "file", "folder", "link", "device"; "outside": what is there is not known
    mode: int | None = None  # the bits of chmod, where the bundle knows them
    target: str = ""  # of a link


@dataclass
class Bundle:
    """The entries of a bundle by path, and how to read some of them."""

    kind: str  # "folder", "zip", "tar"; "file" for an archive of another kind
    entries: dict[str, Entry] = field(default_factory=dict)
    fetch: Callable[[set[str]], dict[str, bytes]] = lambda paths: {}
    top: str = ""  # the top folder that is removed when the bundle is unpacked, with its slash
    limit: str = ""  # which limit it breaks
    broken: str = ""  # why it cannot be read to its end
    foreign: str = ""  # what it is packed with, where AWS documents no such bundle
    hostile: list[tuple[str, str]] = field(default_factory=list)  # what is not safe, and what tar says of it
    outward: list[str] = field(default_factory=list)  # the links that lead out of it, each a sentence

    def resolve(self, path: str, *, last: bool = True) -> tuple[str, str]:
        """Where a path leads that is taken from the root, as Linux follows the links on its way.

        The path in the archive and ""; or why it leads nowhere: "outside" the bundle, round in a "loop", or through
        "nothing". ``last``: the link that stands at its end is followed too.
        """
        waiting = [*reversed(path.split("/")), *reversed(self.top.split("/"))]
        found: list[str] = []
        links = 0
        while waiting:
            part = waiting.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if not found:
                    return "", "outside"
                if not self._is_folder("/".join(found)):
                    return "", "nothing"
                found.pop()
                continue
            entry = self.entries.get("/".join([*found, part]))
            if entry is None or entry.kind != "link" or not (last or any(waiting)):
                found.append(part)
            elif entry.target.startswith("/"):
                return "", "outside"
            else:
                links += 1
                if links > MAX_LINKS:
                    return "", "loop"
                waiting += reversed(entry.target.split("/"))
        return "/".join(found), ""

    def kind_of(self, path: str) -> str:
        """What is at a path: "file", "folder", "device", "outside" where a link leads out of the bundle, "" for nothing.

        A folder may be there only by what is in it.
        """
        full, nowhere = self.resolve(path)
        if nowhere:
            return "outside" if nowhere == "outside" else ""
        entry = self.entries.get(full)
        if entry:
            return entry.kind
        return "folder" if self._is_folder(full) else ""

    def _is_folder(self, full: str) -> bool:
        entry = self.entries.get(full)
        return entry.kind == "folder" if entry else full in self._folders or full in ("", self.top.strip("/"))

    def is_link(self, path: str) -> bool:
        """Whether a link is at a path, wherever it leads."""
        entry = self.entries.get(self.resolve(path, last=False)[0])
        return entry is not None and entry.kind == "link"

    def below(self, path: str, links: int = 0) -> Iterator[tuple[str, str]]:
        """The paths below a folder, taken from it, and their kinds; a link to a folder is that folder, as for Install."""
        folder, nowhere = self.resolve(path)
        start = f"{folder}/" if folder else ""
        for place in range(
            len(self._sorted) if nowhere else bisect_left(self._sorted, start), len(self._sorted)
        ):
            name = self._sorted[place]
            if not name.startswith(start):
                return
            below, kind = name[len(start) :], self.entries[name].kind
            inside = name[len(self.top) :]
            if kind == "link" and links < MAX_LINKS and self.kind_of(inside) == "folder":
                yield below, "folder"
                for deeper, its_kind in self.below(inside, links + 1):
                    yield f"{below}/{deeper}", its_kind
            else:
                yield below, kind

    def entry(self, path: str) -> Entry | None:
        """The entry at the path, or at that which its links lead to."""
        full, nowhere = self.resolve(path)
        return None if nowhere else self.entries.get(full)

    def same_but_for_case(self, path: str) -> str:
        """A path below the root that differs in case only; "" for none."""
        found = self._by_case.get((self.top + path).strip("/").casefold(), "")
        return found[len(self.top) :]

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The first MAX_READ bytes of some files, by path; what cannot be read is left out."""
        wanted = {path: full for path in paths for full, nowhere in [self.resolve(path)] if not nowhere}
        try:
            found = self.fetch(set(wanted.values()))
        except (*BROKEN, OSError, Unbearable):
            return {}
        return {path: found[full] for path, full in wanted.items() if full in found}

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
