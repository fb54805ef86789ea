"""Addresses of the guide: below RUNBOOKS_SITE, and whether others can open them."""

import pytest

from runbooks.links import read
from runbooks.text.links import is_local, page_url, short


@pytest.mark.parametrize(
    ("site", "local"),
    [
        ("", True),
        ("http://127.0.0.1:9000/", True),
        ("http://localhost/guide", True),
        ("http://[::1]:8000", True),
        ("https://guide.example", False),
        ("http://10.0.0.1:8000", False),
        ("https://localhost.example", False),
        ("http://[", False),
    ],
)
def test_an_address_of_this_machine_is_known(site: str, local: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNBOOKS_SITE", site)
    assert is_local() == local
    assert page_url("/checks/").startswith(site.rstrip("/") or "http://127.0.0.1:8000")
    assert page_url("/checks/").endswith("/checks/")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNBOOKS_SITE", "https://guide.example/")


@pytest.mark.usefixtures("site")
def test_the_context_stands_in_the_query_before_the_anchor() -> None:
    asked = {"region": "eu-west-1", "group": "shop/web", "instance": ""}
    made = page_url("/checks/#agent-is-running", **asked)
    assert made == "https://guide.example/checks/?region=eu-west-1&group=shop%2Fweb#agent-is-running"
    assert page_url("/checks/#a") == "https://guide.example/checks/#a"


@pytest.mark.usefixtures("site")
def test_a_short_link_is_read_as_it_was_written() -> None:
    link = page_url(short("THROTTLED"), deployment="d-ABCDEF123", instance="a+b=c,d.e@f_g-h", group="a/b")
    assert link.startswith("https://guide.example/e/?THROTTLED&deployment=d-ABCDEF123&")
    assert read(link).page == "/deployment-errors/THROTTLED/"
    assert read(link).context == {"deployment": "d-ABCDEF123", "instance": "a+b=c,d.e@f_g-h", "group": "a/b"}


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("value", ["a b", "$(id)", "<!here>", "x&region=eu-west-1", "", "é", "-x"])
def test_a_value_that_no_reader_takes_is_left_out(value: str) -> None:
    assert page_url("/checks/", instance=value, group=value) == "https://guide.example/checks/"


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("name", ["a&b", "a#b", "a b", "<b>", "a?b", "a/b", "\n"])
def test_a_name_stays_one_name(name: str) -> None:
    made = page_url(short(name), region="eu-west-1")
    assert made.count("?") == made.count("&") == 1
    assert "#" not in made
    assert not set(made) & set("<> \n")
    assert read(made).context == {"region": "eu-west-1"}
