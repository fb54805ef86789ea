"""Addresses of the guide: below RUNBOOKS_SITE, and whether others can open them."""

import pytest

from runbooks.text.links import is_local, page_url


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
