"""Short links and what they carry, in a real browser."""

from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_pages import SCHEMES, Scheme, barriers, opened
from tests.support.built_site import Built

QUERY = "instance=web-01&region=eu-west-1&deployment=d-ABCDEF123&group=shop/web"


@pytest.mark.parametrize(
    ("short", "page"),
    [
        ("e/?INVALIDregistrationSTATUS", "exceptions/InvalidRegistrationStatusException/"),
        ("e/InvalidRegistrationStatusException/", "exceptions/InvalidRegistrationStatusException/"),
        ("e/#health_constraints", "deployment-errors/HEALTH_CONSTRAINTS/"),
        ("e/throttled", "symptoms/throttled/"),
        ("e/?deployment&deployment=d-ABCDEF123", "runbooks/deployment/?deployment=d-ABCDEF123"),
        ("e/agent-is-running/", "checks/agent/#agent-is-running"),
        ("e/com.amazonaws.codedeploy%23ThrottlingException/", "exceptions/ThrottlingException/"),
    ],
)
def test_a_short_link_leads_to_its_page(browser: Browser, address: str, short: str, page: str) -> None:
    with opened(browser, address + short) as shown:
        shown.wait_for_url(address + page, timeout=10_000)


def test_a_short_link_works_from_a_disk(browser: Browser, offline_site: Built) -> None:
    with opened(
        browser, (offline_site.path / "e.html").as_uri() + "?throttlingexception&instance=web-01"
    ) as page:
        page.wait_for_url("**/exceptions/ThrottlingException.html?instance=web-01")


@pytest.mark.parametrize(
    "short", ["e/?An error occurred (ThrottlingException)", "e/An error occurred (ThrottlingException)/"]
)
def test_what_is_not_a_name_is_explained(browser: Browser, address: str, short: str) -> None:
    with opened(browser, address + short) as page:
        expect(page.locator(".box-answer h2 a")).to_have_text("ThrottlingException")


def test_hostile_text_in_a_link_stays_text(browser: Browser, address: str) -> None:
    hostile = "<img src=x onerror=document.title='broken'>"
    with opened(
        browser, f"{address}e/?{quote(hostile)}&instance={quote(hostile)}&region=javascript:1"
    ) as page:
        expect(page.locator("#box-text")).to_have_value(hostile)
        expect(page.get_by_role("status")).to_contain_text("Nothing")
        assert page.locator("article img, .context").count() == 0
        assert page.title() != "broken"


def test_the_context_of_a_link_fills_the_commands_of_a_page(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}e/?HEALTH_CONSTRAINTS&{QUERY}") as page:
        page.wait_for_url("**/deployment-errors/HEALTH_CONSTRAINTS/?**")
        commands = page.locator("article pre > code").first
        expect(commands).to_contain_text("runbooks why d-ABCDEF123")
        expect(page.locator("article pre > code").nth(1)).to_contain_text("id=d-ABCDEF123")
        expect(page.locator(".context")).to_contain_text("export AWS_REGION=eu-west-1")
        link = page.locator("article a[href*=check-the-agent]").first
        assert "instance=web-01" in (link.get_attribute("href") or "")
        page.evaluate("document.querySelector('.context code').click()")  # text only: nothing happens
        assert page.locator(".context a").count() == 0


def test_a_page_without_context_is_as_it_was_written(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}deployment-errors/HEALTH_CONSTRAINTS/?instance=a;b&region=x") as page:
        expect(page.locator("article pre > code").first).to_contain_text("runbooks why d-EXAMPLE11")
        assert page.locator(".context, .filled").count() == 0


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_filled_page_has_no_barrier(browser: Browser, address: str, scheme: Scheme) -> None:
    for path in (f"exceptions/InstanceNotRegisteredException/?{QUERY}", "e/"):
        with opened(browser, address + path, scheme=scheme) as page:
            assert barriers(page) == []
