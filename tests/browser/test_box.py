"""The box that explains a pasted text, in a real browser: on each of its pages, with any text, by hand and by file."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from runbooks.decoder import explain
from runbooks.text.mask import plain
from tests.browser.test_pages import PHONE, SCHEMES, STICKS_OUT, WIDE, Scheme, barriers, opened
from tests.decoder.test_corpus import CORPUS, NODE, in_python
from tests.support import ROOT
from tests.support.built_site import Built
from tests.text import test_mask

PAGES = ("", "exceptions/", "no/such/page/")
PASTED = "An error occurred (InvalidRegistrationStatusException) when calling the ListOnPremisesInstances operation: x"
DEPLOYMENT = (
    '{"deploymentId": "d-ABCDEF123", "deploymentGroupName": "web", "status": "Failed", '
    '"errorInformation": {"code": "HEALTH_CONSTRAINTS", "message": "too many"}, '
    '"target": "arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc1234def567890"}'
)


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The home page, with the right to read what was copied."""
    with opened(browser, address) as home:
        home.context.grant_permissions(["clipboard-read", "clipboard-write"])
        yield home


def paste(page: Page, text: str) -> None:
    """What the keyboard or the mouse does, with the text in the clipboard."""
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.locator("#box-text").focus()
    page.keyboard.press("Control+V")


# Where it is, and what it costs


@pytest.mark.parametrize("path", PAGES)
def test_it_answers_on_each_of_its_pages(browser: Browser, address: str, path: str) -> None:
    with opened(browser, address + path) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        paste(page, PASTED)
        link = page.locator(".box-answer h2 a").first
        expect(link).to_have_text("InvalidRegistrationStatusException")
        expect(page.get_by_role("status")).to_have_text("One answer.")
        link.click()
        page.wait_for_url(f"{address}exceptions/InvalidRegistrationStatusException/")


def test_it_works_in_a_folder_below_the_host(browser: Browser, address: str, site: Built) -> None:
    """The home page under another path: links and data are found from where the script lies."""
    below = site.path / "below"
    below.symlink_to(site.path)
    try:
        with opened(browser, f"{address}below/") as page:
            page.locator("#box-text").fill("ThrottlingException")
            link = page.locator(".box-answer h2 a")
            expect(link).to_have_attribute("href", f"{address}below/exceptions/ThrottlingException/")
    finally:
        below.unlink()


def test_it_works_from_a_disk(browser: Browser, offline_site: Built) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((offline_site.path / "index.html").as_uri())
        page.locator("#box-text").fill(DEPLOYMENT)
        page.locator(".box-answer h2 a").first.click()
        page.wait_for_url("**/deployment-errors/HEALTH_CONSTRAINTS.html")
        assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_it_loads_nothing_until_it_is_used_and_then_only_from_the_site(
    browser: Browser, address: str
) -> None:
    asked: list[str] = []
    with browser.new_context() as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.method + " " + request.url))
        page.goto(address)
        page.wait_for_timeout(200)
        assert not [url for url in asked if "errors.js" in url or "decode.js" in url]
        asked.clear()
        page.locator("#box-text").fill(f"{PASTED} secret=hunter2")
        expect(page.locator(".box-answer h2")).to_be_visible()
        page.locator("#box-text").fill("another text")
        page.wait_for_timeout(500)
    scripts = [f"GET {address}assets/javascripts/{name}" for name in ("decode.js", "errors.js", "mask.js")]
    assert sorted(asked) == scripts


def test_it_says_so_where_its_data_cannot_be_loaded(page: Page) -> None:
    page.route("**/errors.js", lambda route: route.abort())
    page.locator("#box-text").fill(PASTED)
    expect(page.get_by_role("status")).to_contain_text("could not be loaded")
    page.unroute("**/errors.js")
    page.locator("#box-text").fill(f"{PASTED} ")  # it tries again
    expect(page.get_by_role("status")).to_have_text("One answer.")


# What it answers


def test_the_whole_corpus_is_answered_alike_in_the_browser(page: Page) -> None:
    page.locator("#box-text").fill("x")
    expect(page.get_by_role("status")).to_contain_text("Nothing")
    texts = [row["text"] for row in CORPUS]
    answers = page.evaluate(
        "texts => { const index = codedeployDecoder.load(codedeployErrors.document);"
        " return texts.map(text => codedeployDecoder.decode(index, text)) }",
        texts,
    )
    for text, answer in zip(texts, answers, strict=True):
        assert in_python(text) == answer, text


def test_commands_are_filled_in_and_the_ticket_holds_them(page: Page) -> None:
    paste(page, DEPLOYMENT)
    expect(page.locator(".box-answer h2").first).to_have_text("HEALTH_CONSTRAINTS")
    commands = page.locator(".box-commands code").inner_text()
    assert "runbooks why d-ABCDEF123 --region eu-west-1" in commands
    assert "--target-id i-0abc1234def567890 --region eu-west-1" in commands
    page.get_by_role("button", name="Copy for the ticket").click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    ticket = page.evaluate("navigator.clipboard.readText()")
    assert ticket.startswith("CodeDeploy: HEALTH_CONSTRAINTS\n")
    assert "Next: runbooks why d-ABCDEF123 --region eu-west-1\n" in ticket
    assert "deployment d-ABCDEF123" in ticket
    assert "/deployment-errors/HEALTH_CONSTRAINTS/\n" in ticket


def test_the_checks_of_an_instance_are_asked_with_its_name(page: Page) -> None:
    page.locator("#box-text").fill(f"{DEPLOYMENT} mi-0abc1234def567890")
    command = page.locator(".box-commands code")
    expect(command).to_contain_text(
        "runbooks diagnose --instance mi-0abc1234def567890 d-ABCDEF123 --check deployment-targets-succeeded"
    )
    page.locator("#box-text").fill(DEPLOYMENT)
    expect(command).to_contain_text(
        "runbooks diagnose --instance i-0abc1234def567890 d-ABCDEF123 --check deployment-targets-succeeded"
    )


def test_a_copy_works_without_a_clipboard_of_the_page(page: Page) -> None:
    """As on a page that came without TLS."""
    paste(page, PASTED)
    expect(page.locator(".box-answer h2")).to_be_visible()
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused')) }")
    page.get_by_role("button", name="Copy for the ticket").click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()").startswith("CodeDeploy: InvalidRegistration")


def test_what_is_not_known_leads_on(page: Page) -> None:
    page.locator("#box-text").fill("invalidregistratonstatus")
    expect(page.get_by_role("status")).to_have_text("Nothing in this text is known.")
    expect(page.locator(".box-answer")).to_contain_text("runbooks why")
    near = page.locator(".box-answer a").first
    expect(near).to_have_text("InvalidRegistrationStatusException")
    page.locator("#box-text").fill("")
    expect(page.locator(".box-answer")).to_be_empty()
    expect(page.get_by_role("status")).to_be_empty()


# Any text


@pytest.mark.parametrize(
    "hostile",
    [
        "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script>",
        "<b>bold</b>\u202ereversed\x00\x07",
    ],
)
def test_text_stays_text(page: Page, hostile: str) -> None:
    title = page.title()
    page.locator("#box-text").evaluate(
        "(area, text) => { area.value = text; area.dispatchEvent(new InputEvent('input')) }",
        f"{hostile} (ThrottlingException) {hostile}",
    )
    seen = page.locator(".box-seen code")
    expect(seen).to_be_visible()
    assert page.title() == title
    assert page.locator(".box-answer :is(img, script, b)").count() == 0
    assert seen.inner_text() == plain(explain(f"{hostile} (ThrottlingException) {hostile}").known[0].seen)


def examples(test: Any) -> list[str]:
    return list(test.pytestmark[0].args[1])


def test_secrets_are_masked_as_in_a_terminal() -> None:
    """mask.js in node, on every text that the tests of the masking hold, alone and in pairs."""
    assert NODE
    secret = examples(test_mask.test_what_is_a_secret_is_masked)
    texts = [*secret, *examples(test_mask.test_what_is_no_secret_is_shown), *test_mask.WORST]
    texts += [
        "AKIA" + "IOSFODNN7EXAMPLE",
        "a\nb\x1b[31m\u202ec\u2028\U000e0001",
        "x@y http://a@b:c d://e:f@g@h",
    ]
    texts += [f"{one} {other}" for one, other in zip(texts, reversed(texts), strict=True)]
    program = (
        "const { plain } = require(process.argv[1]); const texts = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "process.stdout.write(JSON.stringify(texts.map(plain)))"
    )
    done = subprocess.run(
        [NODE, "-e", program, str(ROOT / "docs/assets/javascripts/mask.js")],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
    )
    for text, masked in zip(texts, json.loads(done.stdout), strict=True):
        assert masked == plain(text), text
    assert len(secret) > 20


def test_secrets_are_masked_on_the_page_and_in_the_ticket(page: Page) -> None:
    paste(page, "password=hunter2 An error occurred (ThrottlingException) token: hunter2")
    expect(page.locator(".box-seen")).to_contain_text("(masked)")
    page.get_by_role("button", name="Copy for the ticket").click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    assert "hunter2" not in page.locator(".box-answer").inner_text()
    assert "hunter2" not in page.evaluate("navigator.clipboard.readText()")


MEGABYTE = ("\n".join(row["text"] for row in CORPUS) * 10)[:1_000_000]


def test_a_large_paste_is_read_whole_and_at_once(page: Page) -> None:
    tail = "\nAn error occurred (InvalidRegistrationStatusException) when calling the ListOnPremisesInstances operation"
    paste(page, "x y z\n" * 160_000 + tail)
    expect(page.locator(".box-answer h2 a")).to_have_text("InvalidRegistrationStatusException")
    expect(page.get_by_role("status")).to_contain_text(
        "characters were read; the box shows the first 20,000."
    )
    assert len(page.locator("#box-text").input_value()) == 20_000


def test_a_megabyte_takes_a_tenth_of_a_second(page: Page) -> None:
    """On a quiet machine; this one is shared, so the bar is three times that."""
    page.locator("#box-text").fill("x")
    expect(page.get_by_role("status")).to_contain_text("Nothing")
    took = page.evaluate(
        "text => { const index = codedeployDecoder.load(codedeployErrors.document);"
        " return [1, 2, 3, 4, 5].map(() => { const began = performance.now();"
        " codedeployDecoder.decode(index, text); return performance.now() - began }) }",
        MEGABYTE,
    )
    assert min(took) < 300, took


@pytest.mark.parametrize("piece", ["a.", '"', "\\n", "Script at specified location: ", "d-ABCDEF123 ", "\0"])
def test_no_repetition_holds_the_page_up(page: Page, piece: str) -> None:
    page.locator("#box-text").fill("x")
    expect(page.get_by_role("status")).to_contain_text("Nothing")
    took = page.evaluate(
        "text => { const index = codedeployDecoder.load(codedeployErrors.document), began = performance.now();"
        " codedeployDecoder.decode(index, text); return performance.now() - began }",
        piece * (5_000_000 // len(piece)),
    )
    assert took < 2000


# Files


def give(page: Page, name: str, content: bytes) -> None:
    page.locator("#box-file").set_input_files({"name": name, "mimeType": "text/plain", "buffer": content})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_of_any_encoding_is_read(page: Page, encoding: str) -> None:
    give(page, "agent.log", PASTED.encode(encoding))
    expect(page.locator(".box-answer h2 a")).to_have_text("InvalidRegistrationStatusException")


def test_a_binary_file_is_no_crash(page: Page) -> None:
    give(page, "x.bin", bytes(range(256)) * 4000)
    expect(page.get_by_role("status")).to_contain_text("Nothing in this text is known.")


DROP = """([element, text]) => {
  const data = new DataTransfer()
  data.items.add(new File([text], "agent.log"))
  element.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }))
}"""


def test_a_dropped_file_is_read(page: Page) -> None:
    page.evaluate(DROP, [page.locator("#box-text").element_handle(), PASTED])
    expect(page.locator(".box-answer h2 a")).to_have_text("InvalidRegistrationStatusException")
    expect(page.locator("#box-text")).to_have_value(PASTED)


# Everyone


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("path", PAGES)
def test_an_answer_has_no_barrier(browser: Browser, address: str, path: str, scheme: Scheme) -> None:
    with opened(browser, address + path, scheme=scheme) as page:
        page.locator("#box-text").fill(DEPLOYMENT)
        expect(page.locator(".box-answer h2").first).to_be_visible()
        assert barriers(page) == []


@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["phone", "laptop"])
def test_an_answer_fits_the_screen(browser: Browser, address: str, size: Any) -> None:
    with opened(browser, address, size=size) as page:
        page.locator("#box-text").fill(f"{'x' * 500} {DEPLOYMENT}")
        expect(page.locator(".box-answer h2").first).to_be_visible()
        assert page.evaluate(STICKS_OUT) == []


def test_it_is_used_by_keyboard_alone(page: Page) -> None:
    page.evaluate("text => navigator.clipboard.writeText(text)", PASTED)
    label = page.get_by_label("Paste an error, a log or a record")
    for _ in range(40):
        page.keyboard.press("Tab")
        if label.evaluate("area => area === document.activeElement"):
            break
    page.keyboard.press("Control+V")
    expect(page.locator(".box-answer h2 a")).to_be_visible()
    page.keyboard.press("Tab")  # the file
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "InvalidRegistrationStatusException"
