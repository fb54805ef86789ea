"""Every runbook, run by papermill against every scenario that concerns it; and what it says when it cannot run."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest
from codedeploy_sandbox import SCENARIOS, Error, Fault, serve
from codedeploy_sandbox.hosts.machine import run_probe
from codedeploy_sandbox.scenarios.baseline import CALLER_POLICIES, allow, only
from codedeploy_sandbox.scenarios.fleet import healthy
from codedeploy_sandbox.scenarios.helpers import NODE
from codedeploy_sandbox.state import Account
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from typer.testing import CliRunner

from runbooks import cli
from runbooks import runbook as room
from runbooks.decoder import explain
from runbooks.errors import UserError
from runbooks.findings import FAIL, UNKNOWN
from runbooks.host import probe_script
from runbooks.runbook import names, open_runbook, run_runbook
from tests.checks.test_precision import EXPECTED
from tests.support import ROOT
from tests.support.sandbox import environment_for, sandbox_process
from tests.support.world import EVERYTHING, world
from tools import golden

ROLE = "arn:aws:iam::111122223333:role/OnCall"
PARAMETERS = ["target", "instance", "profile", "region"]

# By runbook: the scenarios that are about what it asks, beside healthy.
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
        "wire-log-on",
        "metadata-answers",
        "host-unmanaged",
        "host-offline",
        "credentials-missing",
        "keys-exposed",
    ],
    "instance-state": [
        "instance-not-registered",
        "instance-deregistered",
        "registered-in-other-region",
        "tags-missing",
        "held-by-another-name",
        "registration-failing",
        "registration-refused",
        "registration-competes",
    ],
    "permissions": [
        "key-inactive",
        "role-missing",
        "bucket-denied",
        "commands-secure-denied",
        "caller-denied",
        "simulation-denied",
        "list-needs-star",
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
    ],
    "registration-status": ["bad-filter"],
    "triage": ["identity-mismatch", "bad-filter", "bucket-denied", "host-disk-full", "last-revision-gone"],
}
for concerned in CONCERN.values():  # an outage is everybody's
    concerned.append("outage")
READING = sorted(CONCERN)  # the runbook that changes something has tests of its own
RUNS = [(name, scenario) for name in READING for scenario in ["healthy", *CONCERN[name]]]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies go into a folder of the test."""
    monkeypatch.setattr(room, "INCIDENTS", tmp_path / "incidents")


def cells(name: str) -> list[Any]:
    found: list[Any] = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    return found


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("name", "scenario"), RUNS)
def test_a_runbook_says_what_the_checks_find(name: str, scenario: str) -> None:
    more = {"arn": EVERYTHING.arn} if name == "instance-state" else {}
    done = run_runbook(name, target=f"sandbox:{scenario}", **more)
    loud = {check: verdict for check, verdict in done.verdicts.items() if verdict not in ("OK", "SKIP")}
    expected = {check: v.name for check, v in EXPECTED[scenario].items() if check in done.verdicts}
    if scenario == "outage":  # the runbooks ask some checks otherwise than the table does
        assert set(loud.values()) <= {"UNKNOWN", "WARN"}
    else:
        assert loud == expected
    assert bool(loud) == (scenario not in ("healthy", "agent-2"))
    worst = set(loud.values())
    both = scenario == "bad-filter"  # one check that finds callers, and cannot read one record
    assert done.exit_code == (3 if both else (FAIL.name in worst) | (UNKNOWN.name in worst) << 1)
    assert done.notebook.is_file()
    page = done.report.read_text()
    assert "<script" not in page
    assert 'href="../' not in page  # the file may end in a ticket
    assert not re.search(r"(?:src|<link[^>]*href)=[\"']?https?:", page)


def test_all_but_the_changing_runbook_are_tested_here() -> None:
    assert set(names()) == {*READING, "register"}
    # `runbooks why` answers those of a deployment, for which there is no runbook yet
    of_a_deployment = {name for name in SCENARIOS if name.startswith("deployment-")}
    assert {scenario for _, scenario in RUNS} == set(SCENARIOS) - of_a_deployment, (
        "some scenario concerns no runbook"
    )


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
    set_ = [word for word in re.findall(r"^(\w+) = ", second.source, re.MULTILINE) if word in PARAMETERS]
    assert (tagged[0].id, sorted(set_)) == (second.id, sorted(PARAMETERS))
    assert '.render("markdown")' in cells(name)[-1].source, "the ticket block comes last"
    if name in READING:  # the policy of the other one is compared in tests/test_register.py
        assert any("print(text(" in cell.source for cell in cells(name)), "it shows the policy"


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


# On a real account: the stock credential chain, which AWS_ENDPOINT_URL leads to a sandbox.


def use(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name in set(os.environ) - set(environment):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.timeout(240)
def test_static_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    with sandbox_process("tags-missing") as about:
        use(monkeypatch, environment_for(about))
        done = run_runbook("instance-state", target="aws", instance="web-01", deployment_group="shop/web")
    assert done.exit_code == 1
    assert done.verdicts["instance-carries-the-groups-tags"] == "FAIL"


@pytest.mark.timeout(240)
def test_a_role_that_the_profile_assumes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def lets_assume(account: Account) -> None:
        healthy(account)
        only(account, *CALLER_POLICIES.values(), allow("sts:AssumeRole", on=ROLE))

    monkeypatch.setitem(SCENARIOS, "lets-assume", lets_assume)
    with serve("lets-assume") as sandbox:
        about = sandbox.address()
        config = tmp_path / "config"
        config.write_text(
            f"[profile base]\naws_access_key_id = {about['access_key_id']}\n"
            f"aws_secret_access_key = {about['secret_access_key']}\n"
            f"[profile oncall]\nrole_arn = {ROLE}\nsource_profile = base\n"
            f"role_session_name = night\nregion = {about['region']}\n"
        )
        environment = environment_for(about) | {"AWS_CONFIG_FILE": str(config)}
        use(monkeypatch, {k: v for k, v in environment.items() if k not in (
            "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")})  # fmt: skip
        done = run_runbook("registration-status", target="aws", profile="oncall")
    text = done.notebook.read_text()
    assert f"assumed-role/{ROLE.rpartition('/')[2]}/night" in text


TROUBLES = {
    "expired": ({}, 2, "the session has expired"),
    "region": ({"region": "eu-wset-1"}, 64, "Did you mean eu-west-1?"),
    "nobody": ({}, 64, "No AWS credentials were found"),
    "profile": ({"profile": "nigth"}, 64, "Known profiles"),
    "target": ({"target": "asw"}, 64, "Unknown target"),
    "scenario": ({"target": "sandbox:agent-stoped"}, 64, "Did you mean agent-stopped?"),
}


@contextmanager
def in_trouble(trouble: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The parameters of a runbook that cannot be asked, in an environment in which that is so."""
    expired = Error("ExpiredToken", "The security token included in the request is expired", 403)
    with serve("healthy", faults=[Fault("sts:*", expired)] if trouble == "expired" else []) as sandbox:
        environment = environment_for(sandbox.address())
        if trouble == "nobody":
            environment = {k: v for k, v in environment.items() if "ACCESS_KEY" not in k}
        use(monkeypatch, environment)
        yield {"target": "aws", "instance": "web-01", **TROUBLES[trouble][0]}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_who_cannot_be_asked_is_told_as_a_diagnosis_tells(
    trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, code, sentence = TROUBLES[trouble]
    told = pytest.raises(UserError, match=re.escape(sentence))
    with in_trouble(trouble, monkeypatch) as parameters, told as caught:
        run_runbook("agent", **parameters)
    assert caught.value.exit_code == code
    assert not room.INCIDENTS.exists()  # nothing half written


@pytest.mark.timeout(240)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_in_the_notebook_it_is_one_sentence(trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the first cell that meets it; no later cell runs, no traceback is shown."""
    with in_trouble(trouble, monkeypatch) as parameters:
        copy = nbformat.read(open_runbook("agent", **parameters), 4)
        with pytest.raises(CellExecutionError, match=re.escape(TROUBLES[trouble][2])):
            NotebookClient(copy, kernel_name="python3").execute()
    code = [cell for cell in copy.cells if cell.cell_type == "code"]
    (failed,) = [out for cell in code for out in cell.outputs if out.output_type == "error"]
    assert failed["traceback"] == [failed["evalue"]]
    assert sum(cell.execution_count is not None for cell in code) <= 3


@pytest.mark.timeout(240)
def test_an_aws_that_is_out_of_reach_is_diagnosed_not_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve("healthy") as sandbox:
        environment = environment_for(sandbox.address())
    use(monkeypatch, environment)  # nobody listens there any more
    done = run_runbook("network", target="aws", instance="web-01")
    assert done.verdicts["endpoint-answers"] == "FAIL"
    assert done.exit_code == 3
    text = done.notebook.read_text()
    assert "Traceback" not in text
    assert f"aws at {environment['AWS_ENDPOINT_URL']}" in text  # no report of it passes for AWS's


@pytest.mark.timeout(240)
def test_a_region_that_is_the_wrong_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with sandbox_process("healthy") as about:
        use(monkeypatch, environment_for(about))
        done = run_runbook("instance-state", target="aws", instance="web-01", region="eu-central-1")
    assert done.verdicts["instance-is-registered"] == "FAIL"
    assert done.verdicts["instance-is-not-registered-elsewhere"] == "FAIL"


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


# Copies and bad input.


def test_a_copy_has_the_parameters_and_no_outputs() -> None:
    before = (ROOT / "notebooks" / "agent.ipynb").read_text()
    first, second = open_runbook("agent", instance="web-02"), open_runbook("agent")
    assert first != second
    copy = nbformat.read(first, as_version=4)
    (parameters,) = [cell.source for cell in copy.cells if "parameters" in cell.metadata.tags]
    assert 'instance = "web-02"  # the name' in parameters  # in place, and its comment stays
    assert not any(cell.outputs for cell in copy.cells if cell.cell_type == "code")
    assert (ROOT / "notebooks" / "agent.ipynb").read_text() == before
    for path in re.findall(r"\]\((\.\./[^)#]+)", "\n".join(cell.source for cell in copy.cells)):
        assert (ROOT / "incidents" / path).resolve().is_file(), path


@pytest.mark.parametrize(
    ("name", "parameters", "sentence"),
    [
        ("agnet", {}, "There is no runbook 'agnet'. Did you mean agent?"),
        ("../README", {}, "There is no runbook"),
        (
            "agent",
            {"instanse": "x"},
            "no parameter 'instanse': it has target, instance, profile, region, probe, host_report",
        ),
        ("agent", {"probe": "perhaps"}, "cannot be 'perhaps'"),
        ("registration-status", {"hours": "long"}, "cannot be 'long'"),
        ("agent", {"instance": 7}, "cannot be 7"),
    ],
)
def test_a_wrong_name_is_refused(name: str, parameters: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)) as told:
        open_runbook(name, **parameters)
    assert told.value.exit_code == 64
    assert not room.INCIDENTS.exists()


def test_text_becomes_the_number_that_is_meant() -> None:
    text = open_runbook("registration-status", hours="2.5").read_text()
    assert "hours = 2.5" in text


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of notebooks with one in it, ``own``, made from the agent's."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    shutil.copy(ROOT / "notebooks" / "agent.ipynb", folder / "own.ipynb")
    monkeypatch.setattr(room, "NOTEBOOKS", folder)
    return folder / "own.ipynb"


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: "",
        lambda text: '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        lambda text: text.replace('"parameters"\n', '"parametres"\n'),
        lambda text: text.replace("profile = ", "profile == == "),
        lambda text: "{}",
        lambda text: text.replace('"metadata": {}', '"metadata": 7', 1),
    ],
)
def test_a_damaged_notebook_is_one_sentence(own: Path, damage: Any) -> None:
    own.write_text(damage(own.read_text()))
    with pytest.raises(UserError, match=r"The runbook own is damaged .* restores it"):
        open_runbook("own")


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("import os; os._exit(1)", "ended before its time"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_run_that_breaks_is_one_sentence(own: Path, source: str, sentence: str) -> None:
    notebook = nbformat.read(own, as_version=4)
    next(cell for cell in notebook.cells if cell.id == "installed").source = source
    nbformat.write(notebook, own)
    with pytest.raises(UserError, match=re.escape(sentence)) as told:
        run_runbook("own")
    assert told.value.exit_code == 2
    assert list(room.INCIDENTS.glob("*-own.ipynb"))


@pytest.mark.timeout(240)
def test_a_runbook_that_reports_nothing_did_not_look(own: Path) -> None:
    notebook = nbformat.read(own, as_version=4)
    notebook.cells = notebook.cells[:2]
    nbformat.write(notebook, own)
    assert run_runbook("own").exit_code == 2


# On an account the examples of the sandbox are not asked about.

KEPT = {"target", "profile", "region", "probe", "host_report", "hours", "status", "accept", "apply"}


def test_every_parameter_is_an_example_or_is_kept() -> None:
    for name in names():
        parameters = set(room._parameters(nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4)))
        assert parameters <= {*room.EXAMPLES, *KEPT}, name


def test_an_account_is_not_asked_about_the_examples() -> None:
    copy = nbformat.read(open_runbook("triage", target="aws", instance="prod-7", region="eu-west-1"), 4)
    (parameters,) = [cell.source for cell in copy.cells if "parameters" in cell.metadata.tags]
    for line in (
        'error = ""',
        'bucket = ""',
        'deployment_group = ""',
        'instance = "prod-7"',
        'target = "aws"',
    ):
        assert any(shown.startswith(line) for shown in parameters.splitlines()), line
    words = "\n".join(cell.source for cell in copy.cells if cell.cell_type == "markdown")
    assert "This copy asks your own account." in words
    assert "`runbooks open agent --instance prod-7 --region eu-west-1`" in words
    assert ".ipynb)" not in words  # a committed neighbour would ask a sandbox about another instance


ERRORS = {
    "a trace": 'Traceback (most recent call last):\n  File "x.py", line 1, in <module>\n    c:\\path\nInstanceNotRegisteredException: no',
    "unknown": "it does not work",
    "nothing": "",
}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_triage_takes_whatever_is_pasted(error: str) -> None:
    done = run_runbook("triage", target="sandbox:instance-not-registered", error=error)
    assert done.verdicts["instance-is-registered"] == "FAIL"
    assert done.exit_code == 1
    nothing = "'This error calls for no check" in done.notebook.read_text()
    assert nothing == ("Instance" not in error)


def test_a_paste_between_the_quotes_of_the_cell_is_taken() -> None:
    (source,) = [cell.source for cell in cells("triage") if "parameters" in cell.metadata.get("tags", ())]
    head, line, tail = source.partition("An error occurred (InvalidRegistrationStatusException)")
    names: dict[str, Any] = {}
    exec(head + ERRORS["a trace"] + "\n" + line + tail, names)
    assert explain(names["error"]).known[0].name == "InvalidRegistrationStatusException"


@pytest.mark.parametrize("name", names())
def test_an_account_is_asked_about_a_named_instance(name: str) -> None:
    if name in ("triage", "registration-status"):
        open_runbook(name, target="aws")
        return
    with pytest.raises(UserError, match="give --instance NAME"):
        open_runbook(name, target="aws")


@pytest.mark.timeout(240)
def test_a_host_report_is_read_from_its_file(tmp_path: Path) -> None:
    with world("healthy") as (_, sandbox):
        machine = sandbox.account.state("eu-west-1").nodes[NODE].machine
    seen = tmp_path / "host.json"
    seen.write_text(run_probe(replace(machine, running=False), datetime.now(UTC), probe_script()).stdout)
    done = run_runbook("agent", target="sandbox:host-unmanaged", host_report=str(seen))
    assert done.verdicts["agent-is-running"] == "FAIL"
    assert done.verdicts["agent-is-installed"] == "OK"
    with pytest.raises(UserError, match="cannot be read: No such file"):
        run_runbook("agent", target="sandbox:host-unmanaged", host_report="/no/such/file")


@pytest.mark.timeout(240)
def test_progress_is_shown_while_it_looks_and_then_is_gone(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUNBOOKS_PROGRESS", raising=False)
    notebook = nbformat.read(own, as_version=4)
    cell = next(cell for cell in notebook.cells if cell.id == "installed")
    cell.source = f"from IPython.display import publish_display_data\n{cell.source}"
    seen: list[str] = []
    process = NotebookClient.process_message

    def watched(self: Any, message: Any, *more: Any) -> Any:
        seen.append(str(message["content"].get("data", {}).get("text/plain", "")))
        return process(self, message, *more)

    monkeypatch.setattr(NotebookClient, "process_message", watched)
    nbformat.write(notebook, own)
    done = run_runbook("own")
    assert "Looking: 1 of 1 checks are done ..." in seen
    assert "Looking" not in done.notebook.read_text()
    assert "Looking" not in done.report.read_text()


# The same from the command line.


def command(*arguments: str) -> Any:
    return CliRunner().invoke(cli.app, arguments)


@pytest.mark.timeout(240)
def test_run_ends_as_a_diagnosis_does() -> None:
    done = command("run", "agent", "--sandbox", "agent-stopped", "--instance", "web-01")
    assert done.exit_code == 1, done.output
    first, *_, notebook, report = done.stdout.split("\n")[:-1]
    assert first.split() == ["FAIL", "agent-is-running"]
    assert Path(notebook.removeprefix("notebook  ")).is_file()
    assert Path(report.removeprefix("report    ")).read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("sandbox", ["", "tags-missing"])
def test_open_fills_a_copy_and_shows_it(sandbox: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Path] = []
    monkeypatch.setattr(room, "show", lambda path, browser: shown.append(path))
    where = ["--sandbox", sandbox] if sandbox else ["--profile", "ops", "--region", "eu-west-1"]
    done = command(
        "open", "instance-state", "--instance", "web-07", "--set", "deployment_group=shop/api", *where
    )
    assert done.exit_code == 0, done.output
    (copy,) = shown
    assert str(copy) in done.stdout
    (parameters,) = [c.source for c in nbformat.read(copy, 4).cells if "parameters" in c.metadata.tags]
    target = f"sandbox:{sandbox}" if sandbox else "aws"
    for line in (f'target = "{target}"', 'instance = "web-07"', 'deployment_group = "shop/api"'):
        assert any(shown.startswith(line) for shown in parameters.splitlines()), line


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["open", "agnet"], "There is no runbook 'agnet'. Did you mean agent?"),
        (["open", "agent", "--set", "probe"], "--set probe has no value"),
        (["run", "agent", "--set", "prob=True"], "no parameter 'prob'"),
        (["run", "agent", "--sandbox", "healthy", "--profile", "x"], "exclude each other"),
    ],
)
def test_a_wrong_command_is_refused(arguments: list[str], sentence: str) -> None:
    refused = command(*arguments).exception
    assert isinstance(refused, UserError)
    assert sentence in str(refused)
    assert refused.exit_code == 64
