"""What the cells of a runbook share: no cell shows a result of other parameters than those above it."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import nbformat
import pytest
from codedeploy_sandbox import serve

from runbooks.aws import connect, sandboxed
from runbooks.decoder import explain
from runbooks.errors import UserError
from runbooks.host import probe_script
from runbooks.runbook import cells
from runbooks.runbook.cells import RegisterRunbook, Runbook
from runbooks.runbook.run import run_runbook
from tests.runbook.test_notebooks import READING
from tests.runbook.test_run import use
from tests.support import ROOT
from tests.support.notebooks import executed
from tests.support.sandbox import environment_for
from tests.support.world import EVERYTHING

AGENT = {"target": "sandbox:agent-stopped", "instance": "web-01", "profile": "", "region": ""}
REGISTER = AGENT | {
    "target": "sandbox:healthy",
    "instance": "web-03",
    "tags": {},
    "accept": [],
    "apply": False,
}
REGISTER |= {"arn": "arn:aws:sts::111122223333:assumed-role/CodeDeployOnPremises/web-03"}
CHECK = "caller-is-known"

SHOWING: dict[str, Callable[[Runbook], Any]] = {
    "diagnose": lambda runbook: runbook.diagnose(CHECK),
    "ask": lambda runbook: runbook.ask(CHECK),
    "show": lambda runbook: runbook.show(CHECK),
    "show_for_error": lambda runbook: runbook.show_for_error(),
    "ticket": lambda runbook: runbook.ticket(),
    "show_called_for": lambda runbook: runbook.show_called_for(),
    "fixes": lambda runbook: runbook.fixes(),
    "policy": lambda runbook: runbook.policy(),
}
CHANGING: dict[str, Callable[[RegisterRunbook], Any]] = {
    "preflight": lambda runbook: runbook.preflight(),
    "plan": lambda runbook: runbook.plan(),
    "carry_out": lambda runbook: runbook.carry_out(),
    "confirm": lambda runbook: runbook.confirm(),
    "ticket": lambda runbook: runbook.ticket(),
}


@pytest.fixture(scope="module")
def found() -> Iterator[Callable[[], tuple[Runbook, dict[str, Any]]]]:
    """Gives a run that found something, and the variables of its notebook; all with one sandbox."""
    with pytest.MonkeyPatch.context() as patch:
        session = connect("sandbox:agent-stopped")
        patch.setattr(cells, "connect", lambda **where: session)

        def make() -> tuple[Runbook, dict[str, Any]]:
            names: dict[str, Any] = dict(AGENT)
            runbook = names["runbook"] = Runbook(names)
            runbook.connect()
            runbook.diagnose(CHECK)
            return runbook, names

        yield make


@pytest.fixture(scope="module")
def prepared() -> Iterator[Callable[[], tuple[RegisterRunbook, dict[str, Any]]]]:
    """The same of the runbook that registers."""
    with pytest.MonkeyPatch.context() as patch:
        names: dict[str, Any] = dict(REGISTER)
        registration = RegisterRunbook(names).prepare()
        patch.setattr(cells, "prepare", lambda **asked: registration)

        def make() -> tuple[RegisterRunbook, dict[str, Any]]:
            names: dict[str, Any] = dict(REGISTER)
            runbook = RegisterRunbook(names)
            runbook.prepare()
            runbook.carry_out()
            return runbook, names

        yield make


def fails(**where: Any) -> Any:
    raise UserError("No Region: give one.")


def is_interrupted(**where: Any) -> Any:
    raise KeyboardInterrupt


def refuses(runbook: Any, actions: dict[str, Callable[[Any], Any]], why: str) -> None:
    for action in actions.values():
        with pytest.raises(UserError, match=why):
            action(runbook)


def test_the_parameters_are_taken_and_nothing_else() -> None:
    names: dict[str, Any] = AGENT | {"mine": 1}
    Runbook(names)
    assert names == {"mine": 1}


@pytest.mark.parametrize("breaks", [fails, is_interrupted])
def test_after_a_connect_that_fails_nothing_is_shown(
    found: Any, breaks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, names = found()
    monkeypatch.setattr(cells, "connect", breaks)
    names |= AGENT | {"target": "aws", "instance": "prod-db-7"}
    new = Runbook(names)
    with pytest.raises((UserError, KeyboardInterrupt)):
        new.connect()
    refuses(new, {"diagnose": SHOWING["diagnose"]}, "There is no connection")
    refuses(new, {name: do for name, do in SHOWING.items() if name != "diagnose"}, "Nothing was found")
    refuses(old, SHOWING, "A newer run was begun")


@pytest.mark.parametrize("breaks", [fails, is_interrupted])
def test_a_connection_that_is_made_again_and_fails_drops_the_one_before(
    found: Any, breaks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runbook, _ = found()
    monkeypatch.setattr(cells, "connect", breaks)
    with pytest.raises((UserError, KeyboardInterrupt)):
        runbook.connect()
    refuses(runbook, SHOWING, "There is no connection|Nothing was found")


def test_a_run_without_new_parameters_does_not_begin_and_the_old_one_is_gone(found: Any) -> None:
    """As when the cell with the parameters has a slip of syntax, and JupyterLab goes on with the next."""
    old, names = found()
    with pytest.raises(UserError, match="There are no parameters"):
        Runbook(names)
    refuses(names["runbook"], SHOWING, "A newer run was begun")
    assert names["runbook"] is old


@pytest.mark.parametrize("set_again", [{"instance": "web-02"}, {"probe": True}, {"bucket": "new"}])
def test_parameters_that_were_set_again_need_a_new_run(found: Any, set_again: dict[str, Any]) -> None:
    runbook, names = found()
    names |= set_again
    refuses(runbook, SHOWING, f"{next(iter(set_again))} was set again")
    with pytest.raises(UserError, match="was set again"):
        runbook.connect()


def test_the_same_parameters_set_again_change_nothing(found: Any) -> None:
    runbook, names = found()
    names |= AGENT
    runbook.ticket()


@pytest.mark.parametrize("breaks", [fails, is_interrupted])
def test_a_diagnosis_that_breaks_off_leaves_no_older_one(
    found: Any, breaks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runbook, _ = found()
    monkeypatch.setattr(cells, "diagnose", lambda *_, **asked: breaks())
    with pytest.raises((UserError, KeyboardInterrupt)):
        runbook.diagnose()
    refuses(
        runbook, {name: SHOWING[name] for name in ("ask", "show", "ticket", "policy")}, "Nothing was found"
    )


def test_a_check_that_was_not_run_is_not_shown(found: Any) -> None:
    runbook, _ = found()
    with pytest.raises(UserError, match="agent-is-running is not among"):
        runbook.show("agent-is-running")
    with pytest.raises(UserError, match="There is no check 'agent-runs'"):
        runbook.show("agent-runs")


@pytest.mark.parametrize("breaks", [fails, is_interrupted])
def test_the_changing_runbook_shows_and_does_nothing_of_an_older_run(
    prepared: Any, breaks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, names = prepared()
    monkeypatch.setattr(cells, "prepare", breaks)
    names |= REGISTER | {"target": "aws", "instance": "prod-db-7"}
    new = RegisterRunbook(names)
    with pytest.raises((UserError, KeyboardInterrupt)):
        new.prepare()
    refuses(new, CHANGING, "There is no connection|Nothing was found")
    refuses(old, CHANGING, "A newer run was begun")


def test_the_changing_runbook_does_nothing_when_its_parameters_were_set_again(prepared: Any) -> None:
    runbook, names = prepared()
    names["apply"] = True
    refuses(runbook, CHANGING, "apply was set again")


def of_a_deployment(scenario: str, **asked: Any) -> tuple[Runbook, list[str]]:
    """A run of the runbook of deployments after its diagnosis, and the texts that it shows from then on."""
    names: dict[str, Any] = {"target": f"sandbox:{scenario}", "deployment": "d-SHOPWEB01", **asked}
    runbook, shown = Runbook(names), list[str]()
    runbook._show_text = shown.append  # type: ignore[method-assign, assignment]
    runbook._show = lambda report: shown.append(report.render("text"))  # type: ignore[method-assign]
    runbook._aws = connect(f"sandbox:{scenario}")
    runbook.diagnose()
    shown.clear()
    return runbook, shown


def test_the_checks_that_a_cause_calls_for_are_shown_with_the_host_that_was_asked() -> None:
    runbook, shown = of_a_deployment("deployment-agent-silent")
    runbook.show_called_for()
    assert "The agent does not run on web-01" in shown[0]
    assert "Checked in more detail: web-01." in shown[0]
    assert "deployment-succeeded" not in shown[0]
    runbook.show("deployment-succeeded")
    assert "Checked in more detail" not in shown[1]


def test_where_no_check_of_a_host_is_called_for_that_is_said() -> None:
    runbook, shown = of_a_deployment("healthy")
    runbook.show_called_for()
    runbook.fixes()
    assert shown == [
        "What CodeDeploy says calls for no further check: continue.",
        "Nothing was found that needs a fix.",
    ]


def test_each_fix_is_said_once_and_a_command_first() -> None:
    runbook, shown = of_a_deployment("deployment-agent-silent")
    runbook.fixes()
    first, *rest = shown[0].split("\n\n")
    assert first.startswith(
        "1. sudo systemctl restart codedeploy-agent\n   for: The agent does not run on web-01"
    )
    assert "for: 1 of 1 target (web-01) failed at ApplicationStop with UnknownError" in shown[0]
    fixes = [line.partition(" ")[2] for line in shown[0].splitlines() if line and line[0] != " "]
    assert len(set(fixes)) == len(fixes) == len(rest) + 1


# In a kernel.

PARAMETERS = "target, instance, profile, region = 'sandbox:agent-stopped', 'web-01', '', ''"
BEGIN = "from runbooks import Runbook\nrunbook = Runbook(globals())\nrunbook.connect()"


@pytest.mark.timeout(240)
def test_what_is_on_the_screen_says_that_it_is_of_an_earlier_run() -> None:
    first = [
        PARAMETERS,
        BEGIN,
        f"runbook.diagnose({CHECK!r})",
        f"runbook.show({CHECK!r})",
        "runbook.ticket()",
    ]
    again = [PARAMETERS, f"{BEGIN}\nrunbook.diagnose({CHECK!r})", "runbook.ticket()"]
    ran = executed(*first, *again)
    for cell in ran[2:5]:
        (output,) = cell.outputs
        assert output["data"] == {"text/plain": cells._STALE}
    assert "OK" in ran[-1].outputs[0]["data"]["text/plain"]


@pytest.mark.timeout(240)
def test_cells_that_go_on_after_a_failure_refuse_in_one_sentence() -> None:
    """Of an older run every cell after the failure would have a result; JupyterLab does not always stop."""
    ran = executed(
        *(PARAMETERS, BEGIN, f"runbook.diagnose({CHECK!r})"),
        *("target, instance, profile, region = 'asw', 'prod-db-7', '', ''", BEGIN),
        *(f"runbook.diagnose({CHECK!r})", f"runbook.show({CHECK!r})", "runbook.ticket()", "runbook.policy()"),
        goes_on=True,
    )
    for cell in ran[4:]:
        (output,) = cell.outputs
        assert output["ename"] == "UserError"
        assert output["traceback"] == [output["evalue"]]


RAW = {
    "quotes": """a \"\"\" b ''' c \\" d""",
    "backslashes": "C:\\new\\table\\",
    "emoji": "\U0001f600 é",
    "lines": "a\n\n  b\r\nc\x0bd\x85e",
    "braces": "{instance} {{x}} $HOME `id` !ls %cd ?",
    "python": 'x = "',
}


@pytest.mark.timeout(240)
def test_a_pasted_text_arrives_as_it_is() -> None:
    spy = (
        "from runbooks.runbook import cells\nseen = []\n"
        "class Nothing:\n    checks = ()\n"
        "cells.explain = lambda text: seen.append(text) or Nothing()"
    )
    told = "import json\nprint(json.dumps(seen))"
    *_, last = executed(
        "target = 'sandbox:healthy'",
        "from runbooks import Runbook\nrunbook = Runbook(globals())",
        spy,
        *(f"%%explain\n{text}\n" for text in RAW.values()),
        "%%explain on the first line\nand the second",
        told,
    )
    *texts, two = json.loads(last.outputs[0]["text"])
    assert texts == [f"\n{text}\n" for text in RAW.values()]
    assert two == "on the first line\nand the second\n"


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
    (shown,) = [cell for cell in nbformat.reads(done.notebook, 4).cells if cell.id == "called-for"]
    assert ("no check" in shown.outputs[0]["data"]["text/plain"]) == (not explain(error).checks)


# Each fact is asked for once.


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", READING)
def test_a_runbook_asks_each_fact_once_and_sends_the_probe_once(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # of a deployment that succeeded no host is asked
    scenario = "deployment-agent-silent" if name == "deployment" else "healthy"
    with serve(scenario, clock=sandboxed.DAY, probe=probe_script()) as sandbox:
        before = len(sandbox.account.journal)
        use(monkeypatch, environment_for(sandbox.address()))
        given = {"instance": "web-01", "probe": True, "bucket": "shop-revisions", "arn": EVERYTHING.arn}
        given |= {"deployment_group": "shop/web", "deployment": EVERYTHING.deployment}
        source = (ROOT / "notebooks" / f"{name}.ipynb").read_text()
        run_runbook(
            name, target="aws", **{key: value for key, value in given.items() if f'"{key} = ' in source}
        )
        asked = Counter(
            (call.service, call.operation, call.region, repr(call.parameters))
            for call in sandbox.account.journal[before:]
            # a run asks who it is before it starts the kernel; whether the probe has ended is asked until it has
            if call.operation not in ("GetCallerIdentity", "GetCommandInvocation")
        )
    assert [what for what, times in asked.items() if times > 1] == []
    sent = sum(times for (_, operation, *_), times in asked.items() if operation == "SendCommand")
    assert sent == ("probe = " in source)
