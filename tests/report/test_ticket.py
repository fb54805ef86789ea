"""The report for a ticket: the finding and its fix on the first line, short, and inert in each tracker."""

import re
from html.parser import HTMLParser

import pytest

from runbooks.aws import connect
from runbooks.commands import shell
from runbooks.diagnosis import diagnose
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN
from tests.support.reports import HOSTILE, finding, report

FORMS = ("github", "jira", "slack", "plain")
LONGEST = 25  # lines, for one problem


@pytest.fixture(autouse=True)
def local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNBOOKS_SITE", raising=False)


def stopped() -> list[str]:
    fix = shell("sudo", "systemctl", "start", "codedeploy-agent")
    made = report(finding(FAIL, "The agent does not run on web-01.", fix=fix), OK, SKIP)
    return [made.render(form) for form in FORMS]


def test_the_first_line_is_the_finding_and_its_fix() -> None:
    github, jira, slack, plain = (text.splitlines() for text in stopped())
    says, fix = "The agent does not run on web-01.", "sudo systemctl start codedeploy-agent"
    assert github[0] == f"**FAIL** {says} **Fix:** `{fix}`"
    assert jira[:2] == ["{noformat}", f"FAIL: {says} Fix: {fix}"]
    assert slack[0] == f"*FAIL* {says} *Fix:* `{fix}`"
    assert plain[0] == f"FAIL: {says} Fix: {fix}"


def test_every_form_says_where_who_and_how_to_ask_again() -> None:
    for text in stopped():
        assert "1 failed, 1 passed, 1 not applicable." in text
        assert "web-01 - sandbox:healthy - eu-west-1 - account 111122223333 - 2026-01-15 12:00 UTC" in text
        assert re.search(r"Again: `?runbooks diagnose --instance web-01 --sandbox healthy`? *\n", text)
        assert re.search(r"Fingerprint `?[0-9a-f]{12}`?, codedeploy-field-guide \S+, botocore \S+\n", text)


@pytest.mark.parametrize("scenario", ["agent-stopped", "agent-not-installed", "yml-unreadable", "healthy"])
def test_a_ticket_about_one_problem_is_short(scenario: str) -> None:
    made = diagnose(connect(f"sandbox:{scenario}"), instance="web-01", deployment_group="shop/web")
    assert len(made.contents.problems) <= 1
    for form in FORMS:
        assert made.render(form).count("\n") <= LONGEST, form


def test_the_rest_is_folded_where_a_tracker_can_fold() -> None:
    shown = report(FAIL, OK, SKIP).render("github")
    assert shown.index("</details>") > shown.index("passed: `check-1`") > shown.index("<details>")
    assert "<details>" not in report(FAIL).render("github")


@pytest.mark.parametrize("form", FORMS)
def test_a_link_leads_where_a_colleague_can_follow(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for site in ("", "http://localhost:8000/", "http://127.9.9.9/guide", "http://[::1]:8000"):
        monkeypatch.setenv("RUNBOOKS_SITE", site)
        shown = report(FAIL).render(form)
        assert "/guides/check-the-agent/" in shown
        assert "://" not in shown
    monkeypatch.setenv("RUNBOOKS_SITE", "https://guide.example/")
    asked = report(FAIL, deployment_group="shop/web").render(form)
    link = "https://guide.example/guides/check-the-agent/?region=eu-west-1&instance=web-01&group=shop%2Fweb"
    assert f"guide: {link}\n" in asked


def test_markdown_is_the_form_of_github() -> None:
    assert report(FAIL, OK).render("markdown") == report(FAIL, OK).render("github")


class Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize(
    "text", [HOSTILE, "`", "``", "a\\", "*a* _b_ ~~c~~", "<details>", "![x](y)", "&lt;b&gt;"]
)
def test_nothing_acts_in_markdown(text: str) -> None:
    from markdown import markdown  # the site's own

    made = report(
        finding(FAIL, text, fix=text), finding(UNKNOWN, text), finding(OK, text), finding(SKIP, text)
    )
    tags = Elements(markdown(made.render("github"))).tags
    allowed = {"p", "strong", "br", "code", "ul", "li", "details", "summary"}
    assert {tag for tag, _ in tags} <= allowed
    assert sum(tag == "details" for tag, _ in tags) == 1


@pytest.mark.parametrize(
    "address", ["www.evil.example/login", "HTTP://evil.example", "ftp://evil.example", "a@b.example", "#12"]
)
def test_an_address_or_a_mention_stands_as_code(address: str) -> None:
    shown = report(finding(FAIL, f"It asked ({address}), and failed.")).render("github")
    assert f"It asked (`{address}`), and failed." in shown


def test_plain_words_are_left_as_they_are() -> None:
    says = "enable_auth_policy is off on web-01 (rpm): https://a.example answered 403, 100% of it; [U]."
    shown = report(finding(FAIL, says)).render("github").splitlines()[0]
    assert shown == (
        "**FAIL** `enable_auth_policy` is off on web-01 (rpm): `https://a.example` answered 403, 100% of it; `[U]`."
    )


def test_nothing_ends_the_block_of_jira() -> None:
    shown = report(finding(FAIL, "a {noformat} b {NoFormat:title=x}")).render("jira")
    assert len(re.findall(r"(?i)\{noformat", shown)) == 2
    assert shown.startswith("{noformat}\n")
    assert shown.endswith("\n{noformat}\n")


def test_slack_calls_no_one_and_links_nothing() -> None:
    shown = report(finding(FAIL, "<!channel> <https://evil.example|ok> @here a`b & *c*")).render("slack")
    first = shown.splitlines()[0]
    assert first == "*FAIL* `&lt;!channel&gt;` `&lt;https://evil.example|ok&gt;` `@here` `a'b` `&amp;` `*c*`"
