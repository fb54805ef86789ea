"""How much of what is written on an error's page is its own: not a sentence that other pages have as well."""

import re
from collections import Counter
from collections.abc import Iterator
from statistics import median

import pytest

from runbooks.decoder.index import index
from tests.support import ROOT

_RUN = 6  # words: a run so long that another page has too is not the page's own
_SHARE = 0.6  # of the written words, at least
_WORDS = 20  # and at least so many: a sentence of cause and one of cure
_MEDIAN = 90


def written(text: str) -> list[str]:
    """The words that someone wrote on a page: without its front matter, fences, markers, headings and the targets of its links."""
    text = text.split("---\n", 2)[2]
    text = re.sub(r"^( *)```.*?^\1```$", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"<!--.*?-->|^ *#.*$|\{ [#:.][^}]*\}", "", text, flags=re.MULTILINE)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    return re.findall(r"[\w'./-]*\w", text.lower())


def runs(words: list[str]) -> Iterator[tuple[str, ...]]:
    return zip(*(words[start:] for start in range(_RUN)), strict=False)


def own(pages: dict[str, list[str]]) -> dict[str, tuple[int, int]]:
    """For each page the number of its own words, and of all that are written on it."""
    on = Counter(run for words in pages.values() for run in set(runs(words)))
    counted = {}
    for name, words in pages.items():
        shared = {at + step for at, run in enumerate(runs(words)) if on[run] > 1 for step in range(_RUN)}
        counted[name] = (len(words) - len(shared), len(words))
    return counted


def page(address: str) -> str:
    return (ROOT / "docs" / f"{address.strip('/')}.md").read_text(encoding="utf-8")


PAGES = {entry.page: written(page(entry.page)) for entry in index().entries.values()}
OWN = own(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_words_of_its_own(name: str) -> None:
    mine, all_ = OWN[name]
    assert mine >= _WORDS, f"{mine} of {all_} words are its own"
    assert mine >= all_ * _SHARE, f"{mine} of {all_} words are its own"


def test_most_pages_say_much() -> None:
    assert median(mine for mine, _ in OWN.values()) >= _MEDIAN


def test_a_page_that_repeats_another_is_seen() -> None:
    one, other = (" ".join(f"{name}{number}" for number in range(40)) for name in ("one", "other"))
    front = "---\ntitle: x\n---\n"
    pages = {"one": written(front + one), "copy": written(front + one), "other": written(front + other)}
    assert own(pages) == {"one": (0, 40), "copy": (0, 40), "other": (40, 40)}
