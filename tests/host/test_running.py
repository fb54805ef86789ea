"""Whether an agent works: a process is not enough, it must have reached CodeDeploy."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from codedeploy_sandbox.hosts.host import BOOTS, MASTER, POLLS, POLLS_2

from runbooks.host import HostReport, RunState, read_report, run_state
from runbooks.host.running import span
from tests.support.agent_lines import boot, first, polling, refused, second
from tests.support.hosts import Fakes, Files, build

NOW = datetime.now(UTC)


def ago(minutes: float) -> str:
    """The time of an entry that was written so many minutes ago, on a host whose clock is in UTC."""
    return (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S")


def at(line: str, minutes: float) -> str:
    return ago(minutes) + line[19:]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    place = tmp_path_factory.mktemp("host") / "web-01"
    return build(place, fakes=Fakes(), files=Files(log="")).run(PROBE_NETWORK="0").stdout.decode()


def report(
    text: str,
    log: tuple[str, ...] = (),
    processes: Mapping[int, str] = POLLS,
    ages: Mapping[int, int] | None = None,
    **more: Any,
) -> HostReport:
    document = json.loads(text)
    ages = ages or {}
    document["agent"]["processes"] = {
        "value": [f"{pid} 0 {ages.get(pid, 86_400)} {title}" for pid, title in processes.items()]
    }
    document["agent"]["running"] = {"value": bool(processes), "by": "systemctl: inactive dead; no process"}
    document["agent"]["line"] = {"value": more.pop("line", "1.x")}
    document["clock"] = {"epoch": {"value": int(NOW.timestamp())}, "offset": {"value": "+0000"}}
    document["log"]["lines"] = {"value": list(log)}
    for name, datum in more.items():
        section, _, key = name.partition("__")
        document[section][key] = datum
    return read_report(json.dumps(document))


def state(*args: Any, **more: Any) -> str:
    found = run_state(report(*args, **more))
    assert found is not None
    return found.state


ENDS = boot("RuntimeError - The config file is in an invalid format")
STARTS = first("INFO", "master 1412: Spawned child 1/1")
DENIED = refused("AccessDeniedException - ")

CASES_1: dict[str, tuple[str, dict[str, Any]]] = {
    "it polled a moment ago": ("polls", {"log": (at(polling(), 1),)}),
    "it polled, then ended twice, and is up again": ("polls", {"log": (at(ENDS, 3), at(ENDS, 2), at(polling(), 1))}),
    "its polls are refused": ("polls", {"log": (at(polling(), 60), at(DENIED, 1))}),
    "no poll is in the log, its worker has reached CodeDeploy": ("polls", {"log": (at(STARTS, 1),)}),
    "its log cannot be read": ("polls", {"log__lines": {"error": "this user may not read it"}}),
    "nothing was logged for an hour": ("silent", {"log": (at(polling(), 61),)}),
    "nothing was ever logged": ("silent", {}),
    "it waits ten minutes between polls": (
        "polls",
        {"log": (at(polling(), 9),), "config__wait_between_runs": {"value": "600"}},
    ),
    "a child boots, and the log shows two ends": ("loops", {"log": (at(ENDS, 3), at(ENDS, 2)), "processes": BOOTS, "ages": {1420: 1}}),
    "only the master is there, and the log shows two ends": (
        "loops",
        {"log": (at(ENDS, 3), at(ENDS, 2)), "processes": {1412: MASTER}},
    ),
    "two ends since the last poll": ("loops", {"log": (at(polling(), 60), at(ENDS, 3), at(ENDS, 2)), "processes": BOOTS}),
    "a young child of an old master": ("loops", {"processes": BOOTS, "ages": {1420: 3, 1412: 4000}}),
    "a child that boots for ever": ("loops", {"processes": BOOTS, "ages": {1420: 4000, 1412: 4001}}),
    "a child that boots, one end in the log": ("starting", {"log": (at(ENDS, 1),), "processes": BOOTS, "ages": {1420: 1, 1412: 2}}),
    "packets to the metadata address are dropped": ("starting", {"processes": BOOTS, "ages": {1420: 200, 1412: 201}}),
    "a master alone, just started": ("starting", {"processes": {1412: MASTER}, "ages": {1412: 2}}),
    "it is being started": ("starting", {"processes": {1411: "/opt/codedeploy-agent/bin/codedeploy-agent status"}}),
    "it is stopped": ("stopped", {"processes": {}}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES_1)
def test_the_state_of_agent_1(name: str, text: str) -> None:
    expected, how = CASES_1[name]
    assert state(text, **how) == expected


LOOP = second("INFO", "Starting host command poll loop host_identifier=x")
ENDED = second("ERROR", "Worker exited with status=exit status: 1, restarting in 60s")
OLD = {1415: 4000}
YOUNG = {1415: 20}

CASES_2: dict[str, tuple[str, dict[str, Any]]] = {
    "it logs nothing when all is well": ("polls", {"ages": OLD}),
    "an old end, and a worker that has outlived it": ("polls", {"log": (ENDED,), "ages": OLD}),
    "it has just begun to poll": ("polls", {"log": (LOOP,), "ages": YOUNG}),
    "it has just begun": ("starting", {"ages": YOUNG}),
    "a young worker after an end": ("loops", {"log": (ENDED,), "ages": YOUNG}),
    "no worker, and an end": ("loops", {"log": (ENDED,), "processes": {1412: POLLS_2[1412]}}),
    "no worker for an hour": ("loops", {"processes": {1412: POLLS_2[1412]}, "ages": {1412: 4000}}),
    "no worker yet": ("starting", {"processes": {1412: POLLS_2[1412]}, "ages": {1412: 3}}),
    "it is stopped": ("stopped", {"processes": {}}),
}


@pytest.mark.parametrize("name", CASES_2)
def test_the_state_of_agent_2(name: str, text: str) -> None:
    expected, how = CASES_2[name]
    assert state(text, **{"processes": POLLS_2, "line": "2.x"} | how) == expected


def test_where_processes_cannot_be_seen_the_state_is_not_known(text: str) -> None:
    assert (
        run_state(report(text, agent__running={"error": "this user cannot see the processes of others"}))
        is None
    )


def test_it_says_what_it_goes_by(text: str) -> None:
    def says(**how: Any) -> RunState | None:
        return run_state(report(text, **how))

    assert says(log=(at(polling(), 1),)) == RunState("polls", "polled CodeDeploy 60 s ago")
    assert says(log=(at(polling(), 60), at(ENDS, 3), at(ENDS, 2)), processes=BOOTS) == RunState(
        "loops",
        "starts its worker again and again: its log shows 2 failed starts since the last poll, 60 min ago",
    )
    assert says(processes={}) == RunState("stopped", "does not run (systemctl: inactive dead; no process)")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s"), (0, "0 s"), (119, "119 s"), (120, "2 min"), (10_799, "179 min"), (10_800, "3 h"), (259_200, "3 days")],
)  # fmt: skip
def test_a_length_of_time_is_said_in_one_unit(seconds: int, words: str) -> None:
    assert span(timedelta(seconds=seconds)) == words
