"""Which files of a bundle would find another in their place on a host, by what the agent keeps there."""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass

from runbooks.appspec.bundle import Bundle
from runbooks.appspec.plan import UNSEEN, destinations, imagined
from runbooks.appspec.reading import Mapping, read
from runbooks.checks._host import require
from runbooks.host import HostReport, Kept, kept


@dataclass(frozen=True)
class Placed:
    """Where files of a bundle go: those that would find a file in their place, by why; and those of which it is not known."""

    clash: dict[str, str]
    unknown: list[str]


def placed(copies: Iterable[str], report: HostReport, group: str) -> Placed:
    """How the destinations ``copies`` fare on a host; ``group`` is the id of the deployment group, as its folder is called.

    The agent removes what the last revision of the group put there, by its list, before it installs.
    """
    lists = require(report.deployment.cleanup, "which of the agent's lists of files are there")
    for datum in (report.revisions.kept, report.revisions.appspec):
        require(datum, "what the agent keeps of its revisions")
    clash: dict[str, str] = {}
    last = [one for one in kept(report.revisions) if one.role in ("last", "both")]
    own = [put for one in last if one.group == group for put in _put(one)]
    for one in last:
        for path in copies if one.group != group else ():
            if path in set(_put(one)) - set(own):
                clash[path] = "another deployment group put it there"
    here = [path for path in copies if _is_under(path, own)]
    if group in lists:
        clash |= dict.fromkeys(here, "the agent has lost its list of what it put there")
    return Placed(clash, [path for path in copies if path not in clash and path not in here])


def _put(one: Kept) -> list[str]:
    """The files that a revision put on the host, by its AppSpec file; a folder's stand for all in it."""
    root = read(one.appspec).root if one.appspec is not None else None
    return list(destinations(root, imagined(root)).copies) if isinstance(root, Mapping) else []


def _is_under(path: str, put: Iterable[str]) -> bool:
    folders = {posixpath.dirname(one) for one in put if posixpath.basename(one).startswith(UNSEEN)}
    return path in put or any(path.startswith(f"{folder.rstrip('/')}/") for folder in folders)


def copies_of(root: Mapping, bundle: Bundle | None) -> list[str]:
    """The destinations of the files of a bundle, by its AppSpec file."""
    return list(destinations(root, bundle or imagined(root)).copies)
