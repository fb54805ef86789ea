"""Every runbook, run against every scenario that concerns it; and that it is made as the others are."""

import re
from typing import Any

import nbformat
import pytest
from codedeploy_sandbox import SCENARIOS

from runbooks.findings import FAIL, UNKNOWN
from runbooks.runbook import names
from runbooks.runbook.run import run_runbook
from tests.checks.test_precision import EXPECTED
from tests.support import ROOT
from tests.support.world import EVERYTHING, subject
from tools import golden

PARAMETERS = ["target", "profile", "region"]
SUBJECTS = {"deployment": "deployment"}  # what a runbook is about, where that is not an instance

# By runbook: the scenarios that are about what it asks, beside healthy. The first of each are run in a kernel.
CONCERN: dict[str, list[str]] = {
    "agent": [
        "agent-2",
        "agent-not-installed",
        "agent-stopped",
        "agent-crash-loop",
        "agent-exited",
        "agent-user-barred",
        "ruby-too-new",
        "agent-too-old",
        "agent-log-errors",
        "identity-mismatch",
        "yml-unreadable",
        "both-arns-in-yml",
        "two-agents",
        "proxy-of-environment-dead",
        "proxy-without-scheme",
        "metadata-of-other-region",
        "max-revisions-zero",
        "children-two",
        "certificates-lost",
        "root-dir-relative",
        "agent-started-by-hand",
        "certificate-intercepted",
        "wire-log-quoted",
        "wire-log-on",
        "metadata-answers",
        "host-unmanaged",
        "host-offline",
        "credentials-missing",
        "keys-exposed",
        "ec2-stray-yml",
        "ec2-root-keys",
        "ec2-not-managed",
    ],
    "instance-state": [
        "instance-not-registered",
        "ec2-without-profile",
        "instance-deregistered",
        "registered-in-other-region",
        "tags-missing",
        "held-by-another-name",
        "registration-failing",
        "registration-refused",
        "registration-competes",
        "ec2-stopped",
        "ec2-terminated",
        "ec2-other-region",
        "ec2-profile-without-role",
        "ec2-role-not-assumable",
        "ec2-metadata-off",
        "ec2-imdsv2-old-agent",
        "ec2-tags-missing",
    ],
    "permissions": [
        "key-inactive",
        "role-missing",
        "bucket-denied",
        "bucket-key-denied",
        "bucket-key-disabled",
        "commands-secure-denied",
        "caller-denied",
        "simulation-denied",
        "list-needs-star",
        "ec2-role-cannot-read-bucket",
    ],
    "network": [
        "host-no-https",
        "host-dns-fails",
        "host-clock-wrong",
        "security-group-blocks",
        "nacl-blocks-return",
        "no-route",
        "endpoint-closed",
        "clock-drifts",
        "vpc-endpoint-of-s3-denies",
    ],
    "registration-status": ["bad-filter"],
    "triage": [
        "identity-mismatch",
        "bad-filter",
        "bucket-denied",
        "host-disk-full",
        "tracking-file-left",
        "old-revision-stuck",
        "tools-missing",
        "host-inodes-used",
        "last-revision-gone",
    ],
}
SHOWN = ["deployment-agent-silent", "deployment-script-missing", "deployment-stopped"]
CONCERN["deployment"] = [
    *SHOWN,
    *sorted({name for name in SCENARIOS if name.startswith("deployment-")} - {*SHOWN}),
]
READING = sorted(CONCERN)  # the runbook that changes something has tests of its own
RUNS = [(name, scenario) for name in READING for scenario in ["healthy", *CONCERN[name][:3], "outage"]]


def cells(name: str) -> list[Any]:
    found: list[Any] = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    return found


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("name", "scenario"), RUNS)
def test_a_runbook_says_what_the_checks_find(name: str, scenario: str) -> None:
    of_a_deployment = name == "deployment"
    about = {"deployment": EVERYTHING.deployment} if of_a_deployment else {"instance": subject(scenario)}
    more = {"arn": EVERYTHING.arn} if name == "instance-state" else {}
    done = run_runbook(name, target=f"sandbox:{scenario}", **about, **more)
    loud = {check: verdict for check, verdict in done.verdicts.items() if verdict not in ("OK", "SKIP")}
    expected = {
        check: v.name
        for check, v in EXPECTED[scenario].items()
        # most ask about no deployment
        if check in done.verdicts and (of_a_deployment or not check.startswith("deployment-"))
    }
    if scenario == "outage":  # the runbooks ask some checks otherwise than the table does
        assert set(loud.values()) <= {"UNKNOWN", "WARN"}
    else:
        assert loud == expected
    assert bool(loud) == (scenario not in ("healthy", "agent-2"))
    worst = set(loud.values())
    both = scenario == "bad-filter"  # one check that finds callers, and cannot read one record
    assert done.exit_code == (3 if both else (FAIL.name in worst) | (UNKNOWN.name in worst) << 1)
    assert "<script" not in done.html
    assert 'href="../' not in done.html  # the file may end in a ticket
    assert not re.search(r"(?:src|<link[^>]*href)=[\"']?https?:", done.html)


def test_all_but_the_changing_runbook_are_tested_here() -> None:
    assert set(names()) == {*READING, "register"}
    # `runbooks preflight` answers those of a group, which have no runbook
    of_a_group = {name for name in SCENARIOS if name.startswith("group-")}
    concerned = {scenario for scenarios in CONCERN.values() for scenario in scenarios}
    assert concerned | {"healthy", "ec2-healthy", "outage"} == set(SCENARIOS) - of_a_group, (
        "some scenario concerns no runbook"
    )


@pytest.mark.parametrize("name", READING)
def test_a_runbook_runs_a_check_that_finds_each_scenario_that_concerns_it(name: str) -> None:
    asked = next(cell.source for cell in cells(name) if cell.id == "diagnose")
    asks_all = "diagnose()" in asked
    blind = [
        scenario
        for scenario in CONCERN[name]
        if not asks_all
        and EXPECTED[scenario]
        and not any(f'"{check}"' in asked for check in EXPECTED[scenario])
    ]
    assert blind == []


@pytest.mark.parametrize("name", names())
def test_the_committed_file_is_as_the_golden_tool_writes_it(name: str) -> None:
    """What it shows is nbval's to compare, in a process of its own; this is about all the rest of the file."""
    path = ROOT / "notebooks" / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    assert nbformat.writes(golden.canonical(notebook), version=4) + "\n" == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", names())
def test_a_runbook_is_made_as_the_others(name: str) -> None:
    assert cells(name)[0].source.startswith("# ")
    second = next(cell for cell in cells(name) if cell.cell_type == "code")
    tagged = [cell for cell in cells(name) if "parameters" in cell.metadata.get("tags", ())]
    assert len(tagged) == 1
    wanted = {*PARAMETERS, SUBJECTS.get(name, "instance")}
    assert tagged[0].id == second.id
    assert wanted <= set(re.findall(r"^(\w+) = ", second.source, re.MULTILINE))
    order = [
        cell.id for cell in cells(name) if cell.id in ("diagnose", "ticket", "next", "permissions", "needs")
    ]
    # the policy of the one that changes something is compared in tests/register
    assert order == (
        ["diagnose", "ticket", "next", "permissions"] if name in READING else ["ticket", "next", "needs"]
    )


@pytest.mark.parametrize("name", names())
def test_links_lead_somewhere_and_back(name: str) -> None:
    text = "\n".join(cell.source for cell in cells(name) if cell.cell_type == "markdown")
    links = re.findall(r"\]\(([^)#]+)(?:#([^)]+))?\)", text)
    pages = []
    for path, anchor in links:
        file = (ROOT / "notebooks" / path).resolve()
        assert file.is_file(), path
        if anchor:
            assert f"#{anchor} }}" in file.read_text(), f"{path}#{anchor}"
        pages += [file] if file.suffix == ".md" else []
    assert f"runbooks/{name}.ipynb" in (ROOT / "mkdocs.yml").read_text()
    back = [page for page in pages if f"runbooks/{name}.ipynb" in page.read_text()]
    assert back, "no page that it names leads back to it"


REGISTERING = {
    "healthy": {},
    "held-by-another-name": {"arn-is-free": "FAIL"},
    "caller-denied": {"caller-may-register": "FAIL", "caller-may-undo": "FAIL"},
    "registered-in-other-region": {"instance-is-not-registered-elsewhere": "FAIL"},
    "registration-competes": {"no-registration-competes": "FAIL"},
}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("scenario", REGISTERING)
def test_the_changing_runbook_looks_first_and_sends_nothing(scenario: str) -> None:
    asked = {} if scenario == "healthy" else {"instance": "web-01", "arn": EVERYTHING.arn}
    done = run_runbook("register", target=f"sandbox:{scenario}", tags={}, **asked)
    loud = {check: verdict for check, verdict in done.verdicts.items() if verdict not in ("OK", "SKIP")}
    assert loud == REGISTERING[scenario]
    assert done.exit_code == (1 if loud else 0)
    assert done.verdicts["registration-is-made"] == "SKIP"
