"""The built site in a real browser: what loads, what it weighs, what a reader sees and can do."""

import gzip
import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Response, Route, ViewportSize, expect

from tests.support import ROOT
from tests.support.built_site import Built

pytestmark = pytest.mark.timeout(900)  # one fixture opens forty pages; on a busy machine that takes a while

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

NAME = "InvalidRegistrationStatusException"
EXCEPTION = f"exceptions/{NAME}/"
RUNBOOK = "runbooks/registration-status/"
GUIDE = "guides/check-permissions/"
WIDE: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
MANY = 5  # pages in one folder
HEAVIEST = 75_000  # bytes, gzipped, of all that a page without a diagram loads into an empty cache

# The theme draws a diagram into a closed shadow root, where no test can look.
OPEN_ROOTS = """
const attach = Element.prototype.attachShadow
Element.prototype.attachShadow = function (options) { return attach.call(this, { ...options, mode: "open" }) }
"""


@contextmanager
def opened(
    browser: Browser, url: str, *, scheme: Scheme = "light", size: ViewportSize = WIDE
) -> Iterator[Page]:
    """A page in a context of its own: an empty cache, nothing stored."""
    with browser.new_context(color_scheme=scheme, viewport=size, reduced_motion="reduce") as context:
        context.add_init_script(OPEN_ROOTS)
        page = context.new_page()
        page.goto(url)
        yield page


# Every page, once


@dataclass
class Visit:
    """What a browser did when it opened a page for the first time."""

    asked: list[str] = field(default_factory=list)
    bytes: int = 0
    problems: list[str] = field(default_factory=list)
    diagrams: int = 0
    wider_than_a_phone: list[str] = field(default_factory=list)
    barriers: list[tuple[str, str, list[str]]] = field(default_factory=list)

    def foreign(self, home: str) -> list[str]:
        """What it asked of anybody but the site; data: and blob: are no requests to a host."""
        return [url for url in self.asked if not url.startswith((home, "data:", "blob:"))]


# What sticks out of the window, unless something around it scrolls.
STICKS_OUT = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll("article *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .slice(0, 3).map(e => e.outerHTML.slice(0, 120)).concat("the page scrolls sideways")"""


def visit(browser: Browser, url: str) -> Visit:
    seen = Visit()
    answers: list[Response] = []
    with browser.new_context(viewport=WIDE) as context:
        context.add_init_script(OPEN_ROOTS)
        page = context.new_page()
        page.on("request", lambda request: seen.asked.append(request.url))
        page.on("response", lambda answer: answers.append(answer))
        page.on("pageerror", lambda error: seen.problems.append(str(error)))
        page.on("console", lambda said: seen.problems.append(said.text) if said.type == "error" else None)
        page.goto(url)
        seen.diagrams = drawn(page)
        page.wait_for_timeout(200)  # for what a script may ask for late
        seen.bytes = sum(weight(answer) for answer in answers if answer.ok)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            seen.barriers += [(scheme, *found) for found in barriers(page)]
        page.set_viewport_size(PHONE)
        seen.wider_than_a_phone = page.evaluate(STICKS_OUT)
    return seen


@cache
def zipped(body: bytes) -> int:
    return len(gzip.compress(body))


def weight(answer: Response) -> int:
    """What an answer weighs on the way; addresses like data: are part of what holds them."""
    return zipped(answer.body()) if answer.url.startswith("http") else 0


def sample(site: Built) -> Iterator[str]:
    """Every page; of a folder with many, which are made alike, the two longest and one in forty."""
    for _, group in groupby(site.pages, lambda page: page.partition("/")[0]):
        pages = list(group)
        longest = sorted(pages, key=lambda page: -(site.path / page / "index.html").stat().st_size)[:2]
        yield from pages if len(pages) <= MANY else sorted({*longest, *pages[::40]})


@pytest.fixture(scope="module")
def visits(browser: Browser, site: Built, address: str) -> dict[str, Visit]:
    return {page: visit(browser, address + page) for page in sample(site)}


def test_no_page_asks_another_host(visits: dict[str, Visit], address: str) -> None:
    assert len(visits) > 10
    assert {page: seen.foreign(address) for page, seen in visits.items() if seen.foreign(address)} == {}


def test_a_foreign_request_is_seen(browser: Browser, site: Built, address: str) -> None:
    """The negative control: the same look at a page with one planted image."""
    planted = site.path / "planted.html"
    planted.write_text('<img src="http://elsewhere.invalid/x.png">', encoding="utf-8")
    try:
        seen = visit(browser, f"{address}planted.html")
    finally:
        planted.unlink()
    assert seen.foreign(address) == ["http://elsewhere.invalid/x.png"]
    assert seen.problems  # a failed load is an error on the console


def test_no_page_reports_an_error(visits: dict[str, Visit]) -> None:
    assert {page: seen.problems for page, seen in visits.items() if seen.problems} == {}


def test_a_page_without_a_diagram_is_light(visits: dict[str, Visit]) -> None:
    weights = {page: seen.bytes for page, seen in visits.items() if not seen.diagrams}
    assert len(weights) > 10
    assert min(weights.values()) > 20_000  # the style sheet and the script were weighed too
    assert {page: weight for page, weight in weights.items() if weight > HEAVIEST} == {}


def test_no_page_scrolls_sideways_on_a_phone(visits: dict[str, Visit]) -> None:
    assert {page: seen.wider_than_a_phone for page, seen in visits.items() if seen.wider_than_a_phone} == {}


# The exception's page


@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["phone", "laptop"])
def test_the_first_screen_holds_the_answer(browser: Browser, address: str, size: ViewportSize) -> None:
    with opened(browser, address + EXCEPTION, size=size) as page:
        for part in ("article h1", "article h1 ~ p", "article .highlight", "article .facts"):
            box = page.locator(part).first.bounding_box()
            assert box
            assert box["y"] + box["height"] <= size["height"], part


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_diagram_is_drawn(
    browser: Browser, visits: dict[str, Visit], address: str, scheme: Scheme
) -> None:
    pages = [page for page, seen in visits.items() if seen.diagrams]
    assert EXCEPTION in pages
    for name in pages:
        with opened(browser, address + name, scheme=scheme) as page:
            assert drawn(page) == visits[name].diagrams
            assert contrast_of_lines(page) >= 3, "the lines of a diagram must be seen"


def drawn(page: Page) -> int:
    """How many diagrams are drawn: pictures with a size and text in it."""
    page.wait_for_function(
        "[...document.querySelectorAll('.mermaid')].every(host => host.shadowRoot?.querySelector('svg'))"
    )
    pictures = page.locator(".mermaid svg")
    for picture in pictures.all():
        box = picture.bounding_box()
        assert box
        assert box["width"] > 100
        assert box["height"] > 50
        assert (picture.text_content() or "").strip()
    return pictures.count()


LINES = """() => {
  const light = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const ground = light(getComputedStyle(document.body).backgroundColor)
  const contrast = colour => {
    const other = light(colour)
    return (Math.max(ground, other) + 0.05) / (Math.min(ground, other) + 0.05)
  }
  const ratios = (selector, property) => [...document.querySelectorAll(".mermaid")].flatMap(
    host => [...host.shadowRoot.querySelectorAll(selector)].map(line => contrast(getComputedStyle(line)[property])))
  return Math.min(
    ...ratios(".flowchart-link, .messageLine0, .messageLine1, .transition", "stroke"),
    ...ratios("marker[id$=pointEnd] path, marker[id$=arrowhead] path", "fill"))
}"""


def contrast_of_lines(page: Page) -> float:
    return float(page.evaluate(LINES))


def test_a_broken_diagram_stays_text_and_leaves_no_picture_of_an_error(
    browser: Browser, address: str
) -> None:
    def spoil(route: Route) -> None:
        body = route.fetch().text()
        assert '<pre class="mermaid">' in body
        route.fulfill(
            body=body.replace('<pre class="mermaid"><code>', '<pre class="mermaid"><code>no such diagram ')
        )

    with browser.new_context() as context:
        page = context.new_page()
        page.route(f"**/{EXCEPTION}", spoil)
        page.goto(address + EXCEPTION)
        page.wait_for_function("() => 'parse' in window.mermaid")  # the library is there, so it has tried
        page.wait_for_timeout(200)
        expect(page.locator("pre.mermaid")).to_contain_text("no such diagram")
        assert page.locator("body > [id^=d__mermaid], body > svg").count() == 0


def test_copying_gives_the_command(browser: Browser, address: str) -> None:
    with opened(browser, address + EXCEPTION) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        block = page.locator("#now ~ ol .highlight").first
        command = block.locator("code").inner_text()
        assert command.startswith("printf ")
        block.hover()
        block.get_by_role("button").click()
        assert page.evaluate("navigator.clipboard.readText()").strip() == command.strip()


# Light and dark


def scheme_of(page: Page) -> str:
    return page.locator("body").get_attribute("data-md-color-scheme") or ""


def test_colours_follow_the_system_until_one_is_chosen(browser: Browser, address: str) -> None:
    with opened(browser, address, scheme="dark") as page:
        assert scheme_of(page) == "slate"
        page.emulate_media(color_scheme="light")
        expect(page.locator("body[data-md-color-scheme=default]")).to_be_attached()
        page.locator("label[title='Use light colours']").click()
        page.locator("label[title='Use dark colours']").click()
        expect(page.locator("body[data-md-color-scheme=slate]")).to_be_attached()
        page.goto(address + EXCEPTION)
        assert scheme_of(page) == "slate"  # kept
        page.locator('label[title="Use the system\'s colours"]').click()
        expect(page.locator("body[data-md-color-scheme=default]")).to_be_attached()


def test_no_page_has_a_barrier(visits: dict[str, Visit]) -> None:
    assert {page: seen.barriers for page, seen in visits.items() if seen.barriers} == {}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_page_for_lost_addresses_has_no_barrier(browser: Browser, address: str, scheme: Scheme) -> None:
    with opened(browser, f"{address}gone/", scheme=scheme) as page:
        assert barriers(page) == []


def test_a_barrier_is_seen(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        page.evaluate(
            "document.querySelector('article').insertAdjacentHTML('beforeend', '<img src=x.png><p style=\"color:#ccc\">pale')"
        )
        assert {rule for rule, _ in barriers(page)} == {"image-alt", "color-contrast"}


def barriers(page: Page) -> list[tuple[str, list[str]]]:
    """What axe holds against a page by WCAG 2.2 A and AA: rules, and where they are broken."""
    page.add_script_tag(path=ROOT / "node_modules/axe-core/axe.min.js")
    levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = page.evaluate("levels => axe.run({ runOnly: levels, resultTypes: ['violations'] })", levels)
    return [(rule["id"], [node["html"][:160] for node in rule["nodes"]]) for rule in found["violations"]]


# Search

PASTED = f"An error occurred ({NAME}) when calling the ListOnPremisesInstances operation:"
QUERIES = {
    "the exact name": NAME,
    "lower case": NAME.lower(),
    "with a colon": f"{NAME}:",
    "a line of the CLI": f"{PASTED} The registration status was specified in an invalid format.",
    "a line with an unknown message": f"{PASTED} <message>",
    "a line with lunr's operators": f'+ERROR -x ~1 ^2 * "{PASTED}" title:x',
    "boto3": f"botocore.errorfactory.{NAME}: {PASTED} x",
    "Java": f"software.amazon.awssdk.services.codedeploy.model.{NAME}: x (Service: CodeDeploy, Status Code: 400)",
    "Go": f"operation error CodeDeploy: ListOnPremisesInstances, https response error StatusCode: 400, {NAME}: x",
    "the wire": f"com.amazonaws.codedeploy#{NAME}",
    "its beginning": "InvalidRegistr",
}


def first_hit(page: Page, query: str) -> str:
    """The title of the first result; the query is put in at once, as a paste is."""
    page.keyboard.press("/")
    box = page.locator(".md-search__input")
    expect(box).to_be_focused()
    box.fill(query)
    hit = page.locator(".md-search-result__item").first
    expect(hit).to_be_visible()
    return hit.locator("h1").inner_text().strip()


@pytest.fixture(scope="module")
def searched(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address) as page:
        yield page


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_search_finds_the_exception(searched: Page, query: str) -> None:
    searched.reload()
    assert first_hit(searched, query) == NAME


def test_a_hit_leads_to_the_page(browser: Browser, address: str) -> None:
    with opened(browser, address + GUIDE) as page:
        first_hit(page, PASTED)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{address}{EXCEPTION}**")


def test_plain_words_are_searched_for_too(browser: Browser, address: str) -> None:
    with opened(browser, address) as page:
        assert first_hit(page, "lifecycle hooks") == "Lifecycle hooks"


def test_a_link_to_a_search_works(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}?q={NAME}:") as page:
        expect(page.locator(".md-search-result__item h1").first).to_have_text(NAME)


def test_search_costs_nothing_until_it_is_opened(
    browser: Browser, visits: dict[str, Visit], address: str
) -> None:
    assert not [
        url for seen in visits.values() for url in seen.asked if "/search" in url and "search.js" not in url
    ]
    with opened(browser, address) as page, page.expect_request("**/search_index.json"):
        page.locator(".md-search__input").click()


# The runbook's page


def test_a_runbook_shows_its_outputs_and_can_be_had(browser: Browser, address: str, tmp_path: Path) -> None:
    with opened(browser, address + RUNBOOK) as page:
        outputs = page.locator("article .output")
        assert outputs.count() >= 4
        expect(outputs.first).to_be_visible()
        assert NAME in " ".join(outputs.all_inner_texts())
        expect(page.get_by_role("link", name="Open in JupyterLab")).to_have_attribute(
            "href", "http://127.0.0.1:8888/lab/tree/notebooks/registration-status.ipynb"
        )
        with page.expect_download() as download:
            page.get_by_role("link", name="Download registration-status.ipynb").click()
        download.value.save_as(tmp_path / "got.ipynb")
        assert download.value.suggested_filename == "registration-status.ipynb"
        assert (tmp_path / "got.ipynb").read_bytes() == (
            ROOT / "notebooks/registration-status.ipynb"
        ).read_bytes()


# Lost addresses, paper, and the trimmed style sheet


@pytest.mark.parametrize(
    "lost", [EXCEPTION.lower(), EXCEPTION.removesuffix("Exception/"), f"old/{NAME}.html"]
)
def test_a_lost_address_leads_on(browser: Browser, address: str, lost: str) -> None:
    with opened(browser, address + lost) as page:
        expect(page.locator("h1")).to_have_text("Page not found")
        page.locator("#nearest a").click()
        page.wait_for_url(address + EXCEPTION)


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        ("exceptions/FooException/", "FooException"),
        ("guides/check-the-thing.html", "check the thing"),
        ("a/%3Cb%3E", "<b>"),
    ],
)
def test_the_words_of_a_lost_address_are_searched_for(
    browser: Browser, address: str, lost: str, words: str
) -> None:
    with opened(browser, address + lost) as page:
        expect(page.locator("#nearest")).to_be_hidden()
        expect(page.get_by_label("Search the guide")).to_have_value(words)


def test_the_search_of_a_lost_address_leads_to_the_page(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}old/invalid-registration-status-exception-page/") as page:
        page.get_by_label("Search the guide").fill(NAME)
        page.get_by_role("button", name="Search", exact=True).click()
        expect(page.locator(".md-search-result__item h1").first).to_have_text(NAME)


def test_an_unknown_address_lists_the_main_pages(browser: Browser, site: Built, address: str) -> None:
    with opened(browser, f"{address}no/such/page/") as page:
        expect(page.locator("#nearest")).to_be_hidden()
        listed = {link.get_attribute("href") for link in page.locator("#pages a").all()}
        assert {"/exceptions/", "/checks/", f"/{RUNBOOK}"} <= listed
        assert len(listed) <= len(site.pages)


def test_paper_holds_the_whole_text_and_nothing_else(browser: Browser, address: str) -> None:
    with opened(browser, address + EXCEPTION) as page:
        page.emulate_media(media="print")
        for hidden in (".md-header", ".md-sidebar--primary", ".md-sidebar--secondary", ".md-footer"):
            expect(page.locator(hidden)).to_be_hidden()
        blocks = page.locator(".tabbed-block").all()
        assert len(blocks) > 3
        for block in blocks:
            expect(block).to_be_visible()
        assert page.evaluate(
            "[...document.querySelectorAll('pre > code')].every(c => c.scrollWidth <= c.clientWidth + 1)"
        )


# Every computed property of some elements of each kind, before and after the theme's own sheets take the place of ours.
# Sizes in use are left out: they follow from the rest, and move while results are drawn. So are custom
# properties, which keep the spelling of their source; what they do shows in the others.
SWAP_SHEETS = """async () => {
  const leftOut = /^(--.*|width|height|inline-size|block-size|perspective-origin|transform-origin)$/
  const look = () => {
    const seen = {}
    const found = []
    for (const element of document.querySelectorAll("*")) {
      const kind = `${element.tagName}.${element.className}`
      if ((seen[kind] = (seen[kind] ?? 0) + 1) > 2) continue
      for (const part of ["", "::before", "::after"]) {
        const style = getComputedStyle(element, part)
        const names = part && style.content === "none" ? ["content"] : [...style].filter(name => !leftOut.test(name))
        found.push([kind + part, names.map(name => `${name}: ${style.getPropertyValue(name)}`)])
      }
    }
    return found
  }
  const trimmed = look()
  for (const sheet of document.querySelectorAll("link[href$='.min.css']")) {
    const whole = Object.assign(document.createElement("link"), { rel: "stylesheet", href: `${sheet.href}?whole` })
    await new Promise((resolve, reject) => {
      Object.assign(whole, { onload: resolve, onerror: reject })
      sheet.after(whole)
    })
    sheet.remove()
  }
  return [trimmed.length, look().flatMap(([kind, style], i) =>
    style.filter((line, j) => line !== trimmed[i][1][j]).map(line => `${kind} ${line}`)).slice(0, 5)]
}"""


def test_trimming_the_style_sheets_changes_nothing(browser: Browser, address: str) -> None:
    with opened(browser, address + EXCEPTION, scheme="dark") as page:
        drawn(page)
        first_hit(page, NAME)
        assert differences(page) == []
    with opened(browser, address + RUNBOOK, size=PHONE) as page:
        assert differences(page) == []


def test_a_rule_that_went_missing_is_seen(browser: Browser, address: str) -> None:
    with opened(browser, address + GUIDE) as page:
        assert differences(page, lambda css: css.replace(".md-typeset table", ".gone table"))


def differences(page: Page, change: Callable[[str], str] = str) -> list[str]:
    """What looks different with the theme's own style sheets, after ``change`` to their text."""

    def whole(route: Route) -> None:
        css = sheet_of_theme(route.request.url).read_text(encoding="utf-8")
        route.fulfill(body=change(css), content_type="text/css")

    page.route("**/*.min.css?whole", whole)
    looked, changed = page.evaluate(SWAP_SHEETS)
    assert looked > 200
    return list(changed)


def sheet_of_theme(url: str) -> Path:
    """The theme's own copy of a style sheet of the site."""
    folder = importlib.util.find_spec("material")
    assert folder
    assert folder.submodule_search_locations
    name = url.rpartition("/")[2].partition("?")[0]
    return Path(folder.submodule_search_locations[0]) / "templates/assets/stylesheets" / name


# From a folder, without a server


def test_the_offline_site_works_from_a_folder(browser: Browser, offline_site: Built) -> None:
    asked: list[str] = []
    with browser.new_context() as context:
        context.add_init_script(OPEN_ROOTS)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto((offline_site.path / "index.html").as_uri())
        assert first_hit(page, f"{PASTED} x") == NAME
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/exceptions/{NAME}.html**")
        assert drawn(page) >= 1
        page.locator(".facts a[href*=runbooks]").click()
        expect(page.locator("article .output").first).to_be_visible()
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
