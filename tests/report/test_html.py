"""The report as HTML: nothing in it acts, the problem is on top, a picture has a text beside it."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from runbooks.commands import shell
from runbooks.findings import FAIL, OK, SKIP, WARN
from runbooks.report.as_html import _COLOURS, _marks, fragment, page
from tests.support.reports import AT, HOSTILE, SOURCE, finding, report

GUIDE = "https://guide.example"


class Elements(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_html_holds_no_script_and_no_foreign_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNBOOKS_SITE", GUIDE)
    made = report(finding(FAIL, HOSTILE, fix=shell(HOSTILE), times=(AT,)), finding(OK, HOSTILE))
    source = replace(SOURCE, target=HOSTILE, account=HOSTILE, identity=HOSTILE)
    tags = Elements(replace(made, source=source).render("html")).tags
    assert {"details", "code", "a", "svg"} <= {tag for tag, _ in tags}
    assert not {"script", "img", "iframe", "object", "link"} & {tag for tag, _ in tags}
    for _, attributes in tags:
        assert not [name for name in attributes if name.startswith("on")]
        assert "url(" not in (attributes.get("style") or "")
        for name in ("href", "src"):
            assert (attributes.get(name) or GUIDE).startswith(GUIDE)


def test_a_file_for_others_links_to_no_page_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNBOOKS_SITE", raising=False)
    shown = report(FAIL).render("html")
    assert "127.0.0.1" not in shown
    assert "/guides/check-the-agent/ in the guide" in shown
    assert 'href="http://127.0.0.1:8000/guides/' in fragment(
        report(FAIL).contents
    )  # a notebook is opened here


def test_the_problem_is_on_top_and_the_rest_is_folded() -> None:
    shown = fragment(report(OK, SKIP, finding(FAIL, "It broke."), WARN).contents)
    order = [
        "1 failed, 1 with a warning",
        "<strong>It broke.",
        "WARN</span> <strong>",
        "OK</span> 1 passed",
        "SKIP</span> 1 not applicable",
    ]
    assert sorted(order, key=shown.index) == order
    assert shown.count("<details") == 2 + 2 + 1  # two proofs, two folds, how to ask again
    assert "<details open" not in shown


def test_a_check_that_was_asked_for_is_not_folded() -> None:
    shown = fragment(replace(report(OK), only=("check-0",)).contents)
    assert "OK</span> <code>check-0</code>: web-01 was seen." in shown
    assert shown.count("<details") == 1  # how to ask again


def test_a_verdict_is_followed_by_the_finding_and_the_good_state_is_marked_as_expected() -> None:
    shown = fragment(report(finding(FAIL, "It broke.")).contents)
    assert "FAIL</span> <strong>It broke.</strong>" in shown
    assert re.findall(r"(\S+) All is well\.", shown) == ["expected:"]


def test_a_command_is_one_thing_to_select_and_a_sentence_is_text() -> None:
    command = fragment(report(finding(FAIL, fix=shell("sudo", "true"))).contents)
    assert "user-select:all" in command
    assert "<code>sudo true</code></pre>" in command
    assert "Fix: Change the caller.</p>" in fragment(report(finding(FAIL, fix="Change the caller.")).contents)


def test_when_it_happened_is_drawn_and_said() -> None:
    times = (AT - timedelta(hours=12), AT)
    shown = fragment(report(finding(FAIL, times=times), FAIL).contents)
    assert shown.count("<svg") == 1
    (picture,) = re.findall(r"<svg[^>]*>", shown)
    assert 'role="img"' in picture
    assert 'aria-label="2 calls on a line from 2026-01-14 12:00 to 2026-01-15 12:00 UTC"' in picture
    assert 'd="M300 2v10M600 2v10"' in shown


def test_a_time_outside_of_the_line_stays_on_it() -> None:
    start = AT - timedelta(hours=24)
    assert _marks([start - timedelta(hours=1), AT + timedelta(hours=1)], start, AT) == "M0 2v10M600 2v10"


def test_white_can_be_read_on_every_colour() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for colour in _COLOURS.values():
        assert 1.05 / (luminance(colour) + 0.05) >= 4.5, colour


def test_a_page_escapes_its_title() -> None:
    assert "<title>&lt;b&gt;</title>" in page("<b>", "<p>body</p>")
    assert "<p>body</p>" in page("<b>", "<p>body</p>")
