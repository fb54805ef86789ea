"""Bundles for the tests."""

import base64
import io
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Any

FILE, LINK = 0o100644, 0o120777


def folder(root: Path, files: dict[str, bytes]) -> Path:
    """A folder with these files."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def zipped(path: Path, files: dict[str, bytes], mode: int = FILE) -> Path:
    """A zip with these entries, made on Unix."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, mode << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return path


def packed(path: Path, form: str, rows: list[dict[str, Any]]) -> Path:
    """A bundle of rows with path, and text or base64 or link, and mode: as "zip", "tar" or "folder"."""
    if form == "folder":
        for row in rows:
            made = path / row["path"]
            made.parent.mkdir(parents=True, exist_ok=True)
            if "link" in row:
                made.symlink_to(row["link"])
            else:
                made.write_bytes(_content(row))
                made.chmod(row.get("mode", 0o644))
    elif form == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for row in rows:
                entry = zipfile.ZipInfo(row["path"])
                mode = LINK if "link" in row else stat.S_IFREG | row.get("mode", 0o644)
                entry.create_system, entry.external_attr = 3, mode << 16
                archive.writestr(entry, row.get("link") or _content(row))
    else:
        with tarfile.open(path, "w") as tar:
            for row in rows:
                member = tarfile.TarInfo(row["path"])
                member.mode = row.get("mode", 0o644)
                if "link" in row:
                    member.type, member.linkname = tarfile.SYMTYPE, row["link"]
                    tar.addfile(member)
                else:
                    member.size = len(_content(row))
                    tar.addfile(member, io.BytesIO(_content(row)))
    return path


def _content(row: dict[str, Any]) -> bytes:
    return base64.b64decode(row["base64"]) if "base64" in row else row["text"].encode()


def tarred(path: Path, files: dict[str, bytes], mode: int = 0o644, packed: bool = True) -> Path:
    """A tar with these entries."""
    with tarfile.open(path, "w:gz" if packed else "w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return path
