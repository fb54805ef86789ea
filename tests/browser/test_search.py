"""The site's search, given what people paste: the right page is among the first three."""

import json
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from runbooks.decoder.index import index
from tests.support import ROOT

SAMPLE = 40  # texts, spread evenly over the corpus
LOADED = "**/errors.js"  # the recogniser's data

# Asks the theme's worker through search.js, as the theme does, and waits for each answer.
SEARCH = """async texts => {
  const { base, search } = JSON.parse(document.getElementById("__config").textContent)
  const worker = new Worker(new URL(search, new URL(base + "/", location)))
  const answer = type => new Promise(resolve => {
    const take = ({ data }) => {
      if (data.type !== type) return
      worker.removeEventListener("message", take)
      resolve(data.data)
    }
    worker.addEventListener("message", take)
  })
  const [SETUP, READY, QUERY, RESULT] = [0, 1, 2, 3]
  const index = await (await fetch(new URL(base + "/search/search_index.json", location))).json()
  const ready = answer(READY)
  worker.postMessage({ type: SETUP, data: { ...index, options: { suggest: false } } })
  await ready
  const found = []
  for (const text of texts) {
    const result = answer(RESULT)
    worker.postMessage({ type: QUERY, data: text })
    found.push((await result).items.slice(0, 3).map(([hit]) => hit.location.replace(/#.*/, "")))
  }
  return found
}"""


def sample() -> list[tuple[str, str]]:
    """Texts of the recogniser's corpus, each with the path of its page."""
    corpus: list[dict[str, Any]] = json.loads(
        (ROOT / "tests/decoder/corpus.json").read_text(encoding="utf-8")
    )
    names = {entry.name: entry.page for entry in index().entries.values()}
    names |= {code: entry.page for entry in index().entries.values() for code in entry.codes}
    known = [(case["text"], names[case["leads"]].strip("/") + "/") for case in corpus if case["leads"]]
    return known[:: len(known) // SAMPLE][:SAMPLE]


def missed(page: Page, address: str) -> list[tuple[str, str, list[str]]]:
    page.goto(address)
    cases = sample()
    found: list[list[str]] = page.evaluate(SEARCH, [text for text, _ in cases])
    assert len(found) == SAMPLE
    return [
        (text[:80], right, hits)
        for (text, right), hits in zip(cases, found, strict=True)
        if right not in hits
    ]


@pytest.mark.timeout(120)
def test_a_pasted_text_finds_its_page_among_the_first_three(browser: Browser, address: str) -> None:
    with browser.new_context() as context:
        misses = missed(context.new_page(), address)
        print(f"search: {SAMPLE - len(misses)} of {SAMPLE} among the first three")
        assert len(misses) <= 1, misses


@pytest.mark.timeout(120)
def test_without_the_recogniser_words_are_searched_for(browser: Browser, address: str) -> None:
    """Its data may fail to load: the search goes on, and finds fewer."""
    with browser.new_context() as context:
        page = context.new_page()
        page.route(LOADED, lambda route: route.abort())
        assert 1 < len(missed(page, address)) < SAMPLE - 10
