"""What a bundle that is to be deployed says of itself, beside what the linter finds in it."""

from pathlib import Path

from runbooks.appspec.bundle import Bundle
from runbooks.appspec.install import text
from runbooks.appspec.linter import NAME
from runbooks.appspec.opening import open_bundle
from runbooks.appspec.reading import MAX_BYTES, Mapping, read


def opened(path: Path) -> tuple[Mapping | None, Bundle | None]:
    """The AppSpec of a bundle, None where there is none that can be read; and the bundle, None for the file alone."""
    bundle = open_bundle(path)
    if bundle is None:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    else:
        found = bundle.read([NAME, "appspec.yaml"])
        content = found.get(NAME) or found.get("appspec.yaml") or b""
    root = read(content).root if len(content) <= MAX_BYTES else None
    return root if isinstance(root, Mapping) else None, bundle


def operating_system(path: Path) -> str:
    """The `os` of the AppSpec: "linux" or "windows"; "" where it names neither."""
    root, _ = opened(path)
    system = text(root.get("os")) if root else ""
    return system if system in ("linux", "windows") else ""
