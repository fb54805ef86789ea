"""The revisions that the agent keeps on a host, read from what the probe says of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from runbooks.host.report import Revisions

_MASKED, _CUT, _TAB, _CR = "[masked]", "\u2026", "\u2409", "\u240d"
# What stands for the beginning of a script whose first line the probe does not show.
_BEGINNINGS = {"binary": b"\x7fELF", "text": b"true\n", "mark": b"\xef\xbb\xbf#!\n"}


@dataclass(frozen=True)
class Script:
    """A hook script. ``state``: there, absent, folder, outside, barred. ``may`` (be run): x, settable, stuck, "?".

    ``program``: there or gone, for the one of its first line; binary, text or mark (of UTF-8) where it names none.
    """

    state: str
    may: str
    program: str
    first: str

    @property
    def begins(self) -> bytes:
        """Its first bytes, as far as they matter to whether it starts."""
        return _BEGINNINGS.get(self.program) or f"{self.first}\n".encode()


@dataclass(frozen=True)
class Kept:
    """A revision on the host. ``role``: newest, last (successful), both. ``state``: ok, long, no-appspec, no-archive, ...

    ``appspec`` is None where it is not known letter by letter: too long, masked or cut.
    """

    role: str
    group: str
    state: str
    path: str
    appspec: bytes | None = None
    scripts: Mapping[str, Script] = field(default_factory=dict)

    @property
    def deployment(self) -> str:
        """The id of its deployment."""
        return self.path.rpartition("/")[2] or self.path


def kept(section: Revisions) -> list[Kept]:
    """The revisions of a report, in its order; a revision beyond the number that the probe reads has the role "more"."""
    rows = [text.split(" ", 4) for text in section.kept.value or ()]
    return [
        Kept(
            role,
            group,
            state,
            path,
            _appspec(section, number) if state == "ok" else None,
            _scripts(section, number),
        )
        for number, role, group, state, path in (row for row in rows if len(row) == 5)
    ] + [Kept("more", "", "", "") for row in rows if row == ["more"]]


def _appspec(section: Revisions, number: str) -> bytes | None:
    """The AppSpec file of a revision; comments are empty lines."""
    lines = [
        text.partition(" ")[2] for text in section.appspec.value or () if text.split(" ", 1)[0] == number
    ]
    whole = bool(lines) and not any(_MASKED in line or line.endswith(_CUT) for line in lines)
    return "".join(f"{line.replace(_TAB, chr(9))}\n" for line in lines).encode() if whole else None


def _scripts(section: Revisions, number: str) -> dict[str, Script]:
    """The hook scripts that the probe found, by their location."""
    texts = section.scripts.value or ()
    first = f"! {number} "
    opening = [text.removeprefix(first) for text in texts if text.startswith(first)]
    found = {}
    for text in texts:
        row = text.split(" ", 4)
        if len(row) == 5 and row[0] == number:
            _, state, may, program, name = row
            line = next((one[len(name) + 1 :] for one in opening if one.startswith(f"{name} ")), "")
            found[name] = Script(state, may, program, line.replace(_CR, "\r"))
    return found
