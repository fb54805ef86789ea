"""Links that arrive in tickets and messages lead to a page and a section that the built site has: every one of them.

A ticket is rendered for each error, code, symptom and check, in each form, and its link is followed. The link of a
notification is resolved by the data and the program of the site's own page /e/.
"""

import json
import re
import subprocess
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from runbooks.catalog import deployment_error_codes, exceptions, lifecycle_error_codes
from runbooks.checks import all_checks
from runbooks.decoder.index import index
from runbooks.findings import FAIL
from runbooks.links import names
from tests.decoder.test_corpus import NODE
from tests.site.test_site import file_of
from tests.support import ROOT
from tests.support.built_site import Built
from tests.support.html import tags
from tests.support.reports import finding, report
from tests.templates.notify import DEPLOYMENT, SITE, told

HOST = "https://guide.example/"
CODES = (*deployment_error_codes(), *(code for code in lifecycle_error_codes() if code != "Success"))
# What a finding leads on to: the page of an error, or a check.
LEADS = {
    **{name: entry.page for name, entry in index().entries.items()},
    **{check.id: check.id for check in all_checks()},
}


@cache
def anchors(path: Path) -> frozenset[str]:
    return frozenset(attributes.get("id", "") for _, attributes in tags(path))


def arrives(site: Built, address: str) -> bool:
    """Whether the site has the page of an address, and its section."""
    parts = urlsplit(address)
    path = file_of(site, parts.path.lstrip("/"))
    return path.is_file() and (not parts.fragment or parts.fragment in anchors(path))


def test_there_is_a_lead_for_every_code_and_every_exception() -> None:
    assert LEADS.keys() >= {*CODES, *exceptions()}


@pytest.mark.parametrize("form", ["github", "jira", "slack", "plain"])
def test_the_link_of_every_ticket_arrives(form: str, site: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNBOOKS_SITE", HOST)
    lost, followed = [], 0
    for name, lead in LEADS.items():
        asked = {"instance": "", "deployment": "d-ABCDEF123", "deployment_group": "shop/web"}
        shown = report(finding(FAIL, next=lead), **asked).render(form)
        (link,) = re.findall(rf"guide: ({re.escape(HOST)}\S+)", shown)
        assert urlsplit(link).query == "region=eu-west-1&deployment=d-ABCDEF123&group=shop%2Fweb", name
        followed += 1
        if not arrives(site, link):
            lost.append(link)
    assert lost == []
    assert followed == len(LEADS) > 300


@pytest.fixture(scope="module")
def shortened(site: Built) -> Path:
    """The page that leads on, as it was built."""
    return site.path / "e" / "index.html"


def resolved(shortened: Path, asked: list[str]) -> list[str]:
    """Where the page leads for these names, by its own data and its own program."""
    html = shortened.read_text(encoding="utf-8")
    data = re.search(r'<script type="?application/json"? id="?names"?>(.*?)</script>', html, re.DOTALL)
    source = re.search(r'<script src="?([^">\s]*links\.js)"?', html)
    assert NODE
    assert data
    assert source
    program = (
        "const { lookup } = require(process.argv[1]);"
        "const [names, asked] = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "process.stdout.write(JSON.stringify(asked.map((name) => lookup(names, name))))"
    )
    done = subprocess.run(
        [NODE, "-e", program, str((shortened.parent / unescape(source[1])).resolve())],
        input=json.dumps([json.loads(data[1]), asked]),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[str] = json.loads(done.stdout)
    return found


def test_the_link_of_every_notification_arrives(
    site: Built, shortened: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the function of templates/notify-deployments.yml, for each code, exception and other name, and for none."""
    given = [*CODES, *exceptions(), *LEADS, ""]
    links = [
        told(DEPLOYMENT | {"errorInformation": {"ErrorCode": name, "ErrorMessage": "x"}}, monkeypatch)[1]
        for name in given
    ]
    asked = [name_in(link) for link in links]
    assert asked == [*given[:-1], "deployment"]
    leads = resolved(shortened, asked)
    assert [name for name, page in zip(asked, leads, strict=True) if not page] == []
    lost = [page for page in leads if not arrives(site, urljoin(f"{HOST}e/", page))]
    assert lost == []
    for name, page in zip(asked, leads, strict=True):
        assert urljoin("/e/", page) == names()[name], name


def name_in(link: str) -> str:
    """The name that a short link carries, as a browser reads it."""
    assert link.startswith(f"{SITE}/e/?")
    return unquote(urlsplit(link).query.partition("&")[0])


def test_a_name_that_is_none_leads_nowhere(shortened: Path) -> None:
    assert resolved(shortened, ["NO_SUCH_CODE", "", "<b>"]) == ["", "", ""]


def test_no_other_module_writes_an_address_of_the_guide() -> None:
    """Addresses come from runbooks/text/links.py; the templates, which import nothing, follow the same rule."""
    own = re.compile(r"RUNBOOKS_SITE\W|/e/\?[^N]")
    writes = {
        path.relative_to(ROOT).as_posix()
        for folder in ("runbooks", "site_hooks", "templates")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".jinja", ".yml") and own.search(path.read_text(encoding="utf-8"))
    }
    templates = {f"templates/{path.name}" for path in (ROOT / "templates").glob("notify-*.yml")}
    assert writes - {"runbooks/text/links.py"} == templates
