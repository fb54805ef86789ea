"""Every page's "Reproduce it": its call prints in the sandbox what the page shows, and that is the error of the page."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from mkdocs.structure.files import File
from mkdocs.structure.pages import Page

from runbooks import catalog, explain
from runbooks.decoder.index import Entry, index
from site_hooks import reproduce
from tests.support import DOCS, reproductions

ASKED = reproductions.asked()
RECORDED = reproduce.recorded()
ENTRIES = {entry.page: entry for entry in index().entries.values()}
# So many pages the sandbox or the command line itself can show by one call. A new one is welcome.
LEAST = 124


@pytest.fixture(scope="module")
def environment_of() -> Iterator[Callable[[str], dict[str, str]]]:
    with reproductions.worlds() as worlds:
        yield worlds


def shown(address: str) -> tuple[str, str, str]:
    """The scenario, the call and the output, as the reader of a page finds them."""
    path = f"{address.strip('/')}.md"
    page: Any = Page(None, File(path, str(DOCS), "", use_directory_urls=True), {"docs_dir": str(DOCS)})  # type: ignore[arg-type]
    text = (DOCS / path).read_text(encoding="utf-8")
    page.meta = {"reproduce": True}
    made = reproduce.on_page_markdown(text, page, None, None)  # type: ignore[arg-type]
    found = re.findall(
        r"^## Reproduce it .*?^```sh\nrunbooks sandbox --scenario (\S+)\n```\n\n```bash\n(.*?)\n```\n\nIt prints:\n\n```text\n(.*?)\n```$",
        made,
        re.MULTILINE | re.DOTALL,
    )
    assert len(found) == 1, f"{len(found)} sections"
    assert ("**The sandbox answered, not AWS" in made) != ("neither the sandbox nor AWS was asked" in made)
    scenario, run, prints = found[0]
    return scenario, run, prints


@pytest.mark.parametrize("address", [address for address, _, _ in ASKED])
def test_the_call_of_a_page_prints_what_it_shows(
    address: str, environment_of: Callable[[str], dict[str, str]]
) -> None:
    scenario, run, prints = shown(address)
    assert reproductions.printed(run, environment_of(scenario)) == prints
    assert_is_of(ENTRIES[address], prints)


def assert_is_of(entry: Entry, prints: str) -> None:
    """That an output is the error of a page: its exact name, where it has one, and what `runbooks explain` makes of it."""
    known = [found.page for found in explain(prints).known]
    if entry.kind == "exception":
        name, operation = re.findall(
            r"^An error occurred \((\w+)\) when calling the (\w+) operation: ", prints
        )[0]
        assert name == entry.name
        assert name in catalog.operations()[operation]
    if entry.kind in ("deployment", "lifecycle"):
        assert re.search(rf'"(?:code|errorCode)": "{entry.name}"', prints)
        assert entry.page in known  # a lifecycle event's message may have a page of its own, which leads
    else:
        assert known[0] == entry.page


def test_the_record_holds_every_call_and_no_other() -> None:
    recorded = [(address, row["sandbox"], row["run"]) for address, row in RECORDED.items()]
    assert recorded == ASKED
    assert len(ASKED) >= LEAST


@pytest.mark.parametrize("address", RECORDED)
def test_calls_fit_the_page(address: str) -> None:
    assert [line for line in RECORDED[address]["run"].splitlines() if len(line) > 72] == []


def test_an_output_of_another_error_is_seen() -> None:
    (entry,) = (entry for entry in ENTRIES.values() if entry.name == "DeploymentDoesNotExistException")
    prints = RECORDED["/exceptions/InvalidDeploymentIdException/"]["prints"]
    with pytest.raises(AssertionError):
        assert_is_of(entry, prints)
