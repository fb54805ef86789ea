import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every user may look into: pytest's own is closed to other users."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o755)
        yield place
        for path in place.rglob("*"):  # an unprivileged run could not clear what it has closed
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
