"""Find the words of words.txt in what the project says: `python -m tools.words`, a part of `make lint`.

In Markdown and comments, text in backticks is a quotation and passes. Of a notebook only the cells are read: its
outputs are made of messages, which are read where they are written.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = Path(__file__).with_name("words.txt")
_SUFFIXES = {".css", ".html", ".ipynb", ".jinja", ".js", ".json", ".md", ".py", ".sh", ".toml", ".yml", ""}
_NOT_READ = {
    *("package-lock.json", "LICENSE"),  # other people's words
    *("tools/words.txt", "tests/test_words.py"),
    "docs/schemas/report-1.json",  # published, and kept as it was
}
_QUOTED = re.compile(r"`[^`\n]+`")
_TEST = re.compile(r"def test_\w+")


def main() -> int:
    """Print each place in the named files, or in all of the project's, and what to write there. Returns 1 when there is one."""
    paths = [Path(name) for name in sys.argv[1:]] or _tracked()
    found = [
        place
        for path in paths
        if path.suffix in _SUFFIXES
        for place in places(path, (ROOT / path).read_text(encoding="utf-8"))
    ]
    print("\n".join(found) if found else "No word of tools/words.txt is in use.")
    return bool(found)


def _tracked() -> list[Path]:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [Path(name) for name in files.splitlines() if name not in _NOT_READ]
    return [path for path in paths if not (ROOT / path).is_symlink()]


def places(path: Path, text: str) -> Iterator[str]:
    """Where ``text``, the content of the file ``path``, uses a word of the list, and what to write instead."""
    for number, line in enumerate(_lines(path, text), start=1):
        for pattern, instead in words():
            if match := pattern.search(line):
                yield f"{path}:{number}: {match[0]!r}: write {instead}"


@cache
def words() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The list: each pattern with what to write instead."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    rows = (line.split(" => ") for line in lines if line and not line.startswith("#"))
    return tuple((re.compile(pattern, re.IGNORECASE), instead) for pattern, instead in rows)


def _lines(path: Path, text: str) -> list[str]:
    if path.suffix == ".ipynb":
        text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    if path.suffix == ".py":  # a test's name is a sentence
        text = _TEST.sub(lambda name: name[0].replace("_", " "), text)
    return _QUOTED.sub("", text).splitlines()


if __name__ == "__main__":
    raise SystemExit(main())
