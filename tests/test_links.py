"""Links to the guide: names in any spelling, context by its pattern, and the same in both readers."""

import json
import re
import subprocess

import pytest

from runbooks.links import names, page_of, read, runbook_of
from runbooks.text.links import CONTEXT
from tests.decoder.test_corpus import NODE
from tests.support import ROOT

SCRIPTS = ROOT / "docs/assets/javascripts"
INVALID = "/exceptions/InvalidRegistrationStatusException/"


@pytest.mark.parametrize(
    ("link", "page"),
    [
        ("InvalidRegistrationStatusException", INVALID),
        ("/e/invalidregistrationstatus/", INVALID),
        ("https://guide.example.com/sub/e/?INVALIDREGISTRATIONSTATUSEXCEPTION", INVALID),
        ("https://guide.example.com/e/#invalid-registration-status", INVALID),
        ("com.amazonaws.codedeploy#InvalidRegistrationStatusException", INVALID),
        ("CodeDeploy.Client.exceptions.InvalidRegistrationStatusException", INVALID),
        ("exceptions/InvalidRegistrationStatusException.html#now", INVALID),
        ("health_constraints", "/deployment-errors/HEALTH_CONSTRAINTS/"),
        ("HealthConstraints", "/deployment-errors/HEALTH_CONSTRAINTS/"),
        ("/e/?InvalidUserID.NotFound&region=eu-west-1", page_of("InvalidUserID.NotFound")),
        ("THROTTLED", "/deployment-errors/THROTTLED/"),
        ("throttled", "/symptoms/throttled/"),
        ("/checks/agent/#agent-is-running", "/checks/agent/#agent-is-running"),
        ("triage", "/runbooks/triage/"),
        ("/e/?deployment&deployment=d-ABCDEF123", "/runbooks/deployment/"),
        ("/guides/check-the-agent/#log", "/guides/check-the-agent/"),
        ("no-such-thing", ""),
        ("", ""),
        ("http://[", ""),
        ("%", ""),
        ("\0?\0&&=#?#", ""),
    ],
)
def test_a_link_means_a_page(link: str, page: str) -> None:
    assert read(link).page == page


def test_every_name_leads_to_its_page_in_any_case() -> None:
    for name, page in names().items():
        assert page_of(name) == page
        assert page_of(name.upper())
        assert page_of(name.lower())


def test_every_page_leads_to_a_runbook() -> None:
    there = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {runbook_of(page) for page in names().values()} <= there
    assert runbook_of(INVALID) == "registration-status"
    assert runbook_of("/checks/agent/#agent-is-running") == "agent"
    assert runbook_of("/checks/deployment/#deployment-succeeded") == "deployment"
    assert runbook_of("/guides/check-the-network/") == "network"


GOOD = {
    "instance": ["web-01", "i-0abc1234", "mi-0abc1234", "a@b.c", "x" * 100],
    "region": ["eu-west-1", "us-gov-west-1", "ap-southeast-3"],
    "deployment": ["d-ABCDEF123"],
    "group": ["web", "shop/web"],
}
BAD = {
    "instance": ["", "-x", "--all", "a b", "a;b", "$(id)", "`id`", "a\n", "é", "x" * 101, "<b>", "a'b", "~x"],
    "region": ["eu-west", "EU-WEST-1", "eu-west-1;id", "x-y-1x", "-eu-west-1"],
    "deployment": ["d-abc", "d-ABCDEF1234", "d-ABCDEF123\n", "xd-ABCDEF123"],
    "group": ["a/b/c", "-a", "a/-b", "/b", "a/", "a b/c", "a|b"],
}


def test_context_is_checked_by_its_pattern() -> None:
    for key in CONTEXT:
        assert all(re.fullmatch(CONTEXT[key], value) for value in GOOD[key])
        assert [value for value in BAD[key] if re.fullmatch(CONTEXT[key], value)] == []
    link = "/e/?Throttled&instance=web-01&region=eu-west-1&group=shop%2Fweb&deployment=d-ABCDEF123&other=x"
    asked = {"instance": "web-01", "region": "eu-west-1", "group": "shop/web", "deployment": "d-ABCDEF123"}
    assert read(link).context == asked
    assert read("/e/?X&instance=a%3Bb&region=eu-west-1%0A").context == {}


def test_the_browser_checks_context_by_the_same_patterns() -> None:
    source = (SCRIPTS / "context.js").read_text(encoding="utf-8")
    literal = re.search(r"const CONTEXT = (\{.*?\n  \});", source, re.DOTALL)
    assert literal
    assert json.loads(literal[1]) == CONTEXT


def test_the_browser_reads_a_name_alike() -> None:
    assert NODE
    asked = [*names(), *(name.lower() for name in names()), *(name.upper() + "/" for name in names())]
    asked += [
        "a.b.ThrottlingException",
        "x#throttling",
        "nothing",
        "",
        "%",
        "InvalidRole.html",
        "../../../etc/passwd",
    ]
    program = (
        "const { lookup } = require(process.argv[1]);"
        "const [names, asked] = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "process.stdout.write(JSON.stringify(asked.map((name) => lookup(names, name))))"
    )
    done = subprocess.run(
        [NODE, "-e", program, str(SCRIPTS / "links.js")],
        input=json.dumps([list(names().items()), asked]),
        capture_output=True,
        text=True,
        check=True,
    )
    for name, page in zip(asked, json.loads(done.stdout), strict=True):
        assert page == read(name).page, name
