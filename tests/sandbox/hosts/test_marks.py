"""What a deployment leaves on a host: the logs of the hook scripts, and the agent's records, in the agent's own form."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from codedeploy_sandbox.hosts.agent import FAILURES, REVISION, Failure
from codedeploy_sandbox.hosts.host import DEPLOYMENTS
from codedeploy_sandbox.hosts.machine import Machine
from codedeploy_sandbox.hosts.marks import marked

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
ALL = f"{DEPLOYMENTS}/deployment-logs/codedeploy-agent-deployments.log"
RECORDS = f"{DEPLOYMENTS}/deployment-instructions/5f1e"
HOST = Machine("web-01")


def scripts(deployment: str) -> str:
    return f"{DEPLOYMENTS}/5f1e/{deployment}/logs/scripts.log"


def after(failure: str | Failure | None, deployment: str = "d-ABC", on: Machine = HOST) -> Machine:
    """The machine after a deployment that began at noon."""
    how = FAILURES[failure] if isinstance(failure, str) else failure
    return marked(on, "arn", deployment, how and how.of(deployment), NOON)


def test_each_line_of_the_scripts_log_begins_with_the_second_in_the_hosts_time() -> None:
    files = dict(after("script-failed").others)
    assert files[scripts("d-ABC")] == (
        "2026-01-15 12:00:05 LifecycleEvent - ApplicationStart\n"
        "2026-01-15 12:00:05 Script - scripts/start.sh\n"
        "2026-01-15 12:00:05 [stderr]scripts/start.sh: line 3: gunicorn: command not found\n"
    )
    ahead = dict(after("script-failed", on=replace(HOST, ahead=timedelta(minutes=17))).others)
    assert ahead[scripts("d-ABC")].startswith("2026-01-15 12:17:05 LifecycleEvent")


def test_the_log_of_all_deployments_names_the_deployment_in_each_line_and_goes_on() -> None:
    once = after("script-failed")
    twice = dict(after("script-missing", "d-DEF", once).others)
    assert twice[ALL] == (
        "# Logfile created on 2026-01-15 12:00:05 +0000 by logger.rb/v1.5.0\n"
        "[2026-01-15 12:00:05.000] [d-ABC]LifecycleEvent - ApplicationStart\n"
        "[2026-01-15 12:00:05.000] [d-ABC]Script - scripts/start.sh\n"
        "[2026-01-15 12:00:05.000] [d-ABC][stderr]scripts/start.sh: line 3: gunicorn: command not found\n"
        # this one ran the stop script of the revision before, which the agent takes for successful once it is installed
        "[2026-01-15 12:00:00.000] [d-DEF]LifecycleEvent - ApplicationStop\n"
        "[2026-01-15 12:00:00.000] [d-DEF]Script - scripts/stop.sh\n"
        "[2026-01-15 12:00:05.000] [d-DEF]LifecycleEvent - ApplicationStart\n"
    )
    assert scripts("d-ABC") in twice
    assert "Script - scripts/stop.sh" in twice[scripts("d-DEF")]


@pytest.mark.parametrize(
    ("name", "names_the_script"),
    [
        ("script-missing", False),
        ("script-not-executable", False),
        ("script-timed-out", True),
        ("script-crlf", True),
        ("noexec", True),
        ("agent-restarted", True),
    ],
)
def test_the_script_is_named_only_when_it_is_run(name: str, names_the_script: bool) -> None:
    log = dict(after(name).others)[scripts("d-ABC")]
    assert "LifecycleEvent - ApplicationStart\n" in log
    assert ("Script - scripts/start.sh\n" in log) is names_the_script


@pytest.mark.parametrize("name", ["appspec-missing", "bundle-gone", "disk-full", "file-exists"])
def test_where_no_script_was_run_there_is_no_log_of_scripts(name: str) -> None:
    files = dict(after(name).others)
    assert not any(path.endswith(".log") for path in files)


def test_the_report_to_codedeploy_has_the_same_lines_without_times() -> None:
    failure = FAILURES["script-failed"].of("d-ABC")
    assert failure.tail.splitlines()[:2] == ["LifecycleEvent - ApplicationStart", "Script - scripts/start.sh"]
    assert FAILURES["script-missing"].tail == "LifecycleEvent - ApplicationStart\n"
    assert FAILURES["agent-restarted"].tail == ""


def test_the_settings_name_the_log_or_switch_it_off() -> None:
    own = dict(after("script-failed", on=replace(HOST, settings=":program_name: cda\n")).others)
    assert f"{DEPLOYMENTS}/deployment-logs/cda-deployments.log" in own
    off = dict(after("script-failed", on=replace(HOST, settings=":enable_deployments_log: false\n")).others)
    assert ALL not in off
    assert scripts("d-ABC") in off


def test_agent_2_repeats_what_an_event_printed_only_where_it_succeeded() -> None:
    once = after(None, on=replace(HOST, agent="2.1.0"))
    files = dict(after("script-failed", "d-DEF", once).others)
    assert files[scripts("d-DEF")].count("2026-01-15 12:00:05 [stderr]") == 1
    assert "#" not in files[ALL]
    assert files[ALL].endswith(
        "[2026-01-15 12:00:00.000] 2026-01-15 12:00:00 Script - scripts/stop.sh\n\n"
        "[2026-01-15 12:00:05.000] LifecycleEvent - ApplicationStart\n"
        "[2026-01-15 12:00:05.000] ApplicationStart/ApplicationStart failed: Script at specified location: "
        "scripts/start.sh run as user root failed with exit code 127\n"
    )


def test_a_revision_that_was_installed_is_the_last_successful_one_whatever_follows() -> None:
    """By command_executor.rb of agent 1.8.1, which writes the record at the end of Install."""
    place = f"/{DEPLOYMENTS}/5f1e/d-ABC"
    for failure in (None, "script-failed"):
        files = dict(after(failure).others)
        assert files[f"{RECORDS}_last_successful_install"] == files[f"{RECORDS}_most_recent_install"] == place
        assert files[f"{RECORDS}-cleanup"] == "/srv/app/index.html\n"
        assert json.loads(files[f"{RECORDS}-install.json"])["instructions"] == [
            {
                "type": "copy",
                "source": f"{place}/deployment-archive/index.html",
                "destination": "/srv/app/index.html",
            }
        ]
    early = dict(after("appspec-invalid").others)
    assert f"{RECORDS}_most_recent_install" in early
    assert f"{RECORDS}_last_successful_install" not in early


def test_a_deployment_that_succeeds_leaves_its_revision() -> None:
    files = dict(after(None).others)
    place = f"{DEPLOYMENTS}/5f1e/d-ABC/deployment-archive"
    assert {path: text for path, text in files.items() if path.startswith(place)} == {
        f"{place}/{name}": text for name, text in REVISION.items()
    }
