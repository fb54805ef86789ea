"""What of a text counts: the record of the failure, the events that passed, and what the text names."""

import json
from typing import Any

import pytest

from runbooks.decoder import explain

EVENTS = ("ApplicationStop", "DownloadBundle", "BeforeInstall", "Install", "AfterInstall", "ApplicationStart")


def told_of(failed: str, diagnostics: dict[str, str]) -> str:
    """What get-deployment-target says of an instance where ``failed`` failed."""
    place = EVENTS.index(failed)
    well = {"errorCode": "Success", "scriptName": "", "message": "Succeeded", "logTail": ""}
    events: list[dict[str, Any]] = [
        *(
            {"lifecycleEventName": name, "diagnostics": well, "status": "Succeeded"}
            for name in EVENTS[:place]
        ),
        {"lifecycleEventName": failed, "diagnostics": diagnostics, "status": "Failed"},
        *({"lifecycleEventName": name, "status": "Skipped"} for name in EVENTS[place + 1 :]),
    ]
    target = {"deploymentId": "d-SHOPWEB01", "status": "Failed", "lifecycleEvents": events}
    return json.dumps({"deploymentTarget": {"instanceTarget": target}}, indent=4)


@pytest.mark.parametrize("event", EVENTS)
def test_of_a_list_of_events_only_the_one_that_failed_counts(event: str) -> None:
    message = "The CodeDeploy agent did not find an AppSpec file within the unpacked revision directory"
    found = explain(told_of(event, {"errorCode": "UnknownError", "message": message}))
    assert found.known[0].name == "appspec-missing"
    assert dict(found.fields)["event"] == event
    assert ("--ignore-application-stop-failures" in found.known[0].do) == (event == "ApplicationStop")


@pytest.mark.parametrize("event", EVENTS)
def test_the_remark_on_old_scripts_is_made_where_such_a_script_failed(event: str) -> None:
    message = "Script at specified location: scripts/x.sh run as user root failed with exit code 1"
    told = {"errorCode": "ScriptFailed", "scriptName": "scripts/x.sh", "message": message}
    found = explain(told_of(event, told))
    assert ("last successful revision" in found.note) == (event == "ApplicationStop")


def test_a_table_of_events_is_read_likewise() -> None:
    rows = (
        "ApplicationStop\tless than one second\tSucceeded",
        "BeforeInstall\t2 seconds\tFailed\tScriptFailed",
    )
    found = explain("\n".join((*rows, "ValidateService\t-\tSkipped\t-")))
    assert dict(found.fields)["event"] == "BeforeInstall"
    assert "last successful revision" not in found.note


def test_of_two_failures_in_a_log_the_newer_one_decides() -> None:
    line = (
        "2026-11-27T{}:00:00 ERROR [codedeploy-agent(25)]: InstanceAgent::Plugins::CodeDeployPlugin::CommandPoller: Error "
        "during perform: InstanceAgent::Plugins::CodeDeployPlugin::ScriptError - Script at specified location: x.sh run as "
        "user root failed with exit code {} - /opt/codedeploy-agent/lib/hook_executor.rb:202:in `execute_script'"
    )
    for old, new in ((127, 137), (137, 127)):
        both = f"{line.format('09', old)}\n{line.format('10', new)}"
        assert f"Exit code {new}" in explain(both).known[0].do


def test_the_log_tail_of_an_event_belongs_to_its_message() -> None:
    message = "Script at specified location: x.sh run as user root failed with exit code 127"
    tail = (
        "LifecycleEvent - BeforeInstall\nScript - x.sh\n[stderr]x.sh: line 3: gunicorn: command not found\n"
    )
    for text in (f"{message}\n{tail}", told_of("BeforeInstall", {"message": message, "logTail": tail})):
        assert "Exit code 127" in explain(text).known[0].do
        assert "The output names the command" in explain(text).known[0].do


@pytest.mark.parametrize("name", ["hook-timeout", "agent-not-heard", "file-exists"])
def test_the_name_of_a_page_alone_is_known(name: str) -> None:
    assert explain(name).known[0].name == name
    assert name not in {known.name for known in explain(f"The word {name} in a sentence.").known}


def test_of_several_deployments_the_records_own_is_asked_about() -> None:
    own = {
        "deploymentId": "d-ROLLBACK1",
        "status": "Failed",
        "errorInformation": {"code": "HEALTH_CONSTRAINTS"},
    }
    told = own | {"rollbackInfo": {"rollbackTriggeringDeploymentId": "d-SHOPWEB01"}}
    found = explain(json.dumps({"deploymentInfo": told}, indent=4))
    assert found.known[0].name == "HEALTH_CONSTRAINTS"
    assert found.commands[0] == "runbooks why d-ROLLBACK1"


def test_output_in_which_nothing_failed_is_called_so() -> None:
    head = "LifecycleEvent - AfterInstall\nScript - scripts/x.sh\n[stdout]created the database"
    assert explain(head).known[0].do.startswith("Nothing in this output failed")
    assert not explain(f"{head}\n[stderr]x: not found").known[0].do.startswith("Nothing")


def _of_target(name: str, events: list[tuple[str, str, str]], status: str) -> dict[str, Any]:
    """A target as AWS describes it, with its events: each name, error code and status."""
    made = [
        {"lifecycleEventName": event, "diagnostics": {"errorCode": code, "message": code}, "status": ended}
        for event, code, ended in events
    ]
    return {"instanceTarget": {"targetId": name, "status": status, "lifecycleEvents": made}}


def test_the_events_of_other_targets_do_not_hide_the_one_that_failed() -> None:
    failed = _of_target("web-01", [("BeforeInstall", "ScriptTimedOut", "Failed")], "Failed")
    well = _of_target("web-02", [("BeforeInstall", "Success", "Succeeded")], "Succeeded")
    for targets in ([failed, well], [well, failed]):
        found = explain(json.dumps({"deploymentTargets": targets}))
        assert [known.name for known in found.known] == ["ScriptTimedOut"]
        assert dict(found.fields)["event"] == "BeforeInstall"
    assert [known.name for known in explain(json.dumps(well)).known] == ["Success"]


def test_a_denial_and_the_want_of_a_permission_are_told_apart() -> None:
    said = "User: arn:aws:iam::111122223333:user/dana is not authorized to perform: codedeploy:StopDeployment"
    wanted = explain(f"{said} because no identity-based policy allows the codedeploy:StopDeployment action")
    denied = explain(f"{said} with an explicit deny in a service control policy")
    assert ("not allowed by", "identity-based policy") in wanted.fields
    assert ("denied by", "service control policy") in denied.fields
    assert "denied by" not in dict(wanted.fields)


def test_the_console_link_of_a_group_leads_to_its_diagnosis() -> None:
    link = "https://console.aws.amazon.com/codesuite/codedeploy/applications/shop/deployment-groups/web?region=eu-west-1"
    assert explain(link).commands[0] == "runbooks diagnose shop/web --region eu-west-1"


def test_the_line_of_a_script_is_shown_with_its_quotes_and_its_path_whole() -> None:
    denied = '[stderr]docker: Error response from daemon: Head "https://registry.example.com/v2/": denied: no access'
    assert dict(explain(f"LifecycleEvent - ApplicationStart\n{denied}").fields)["log"] == denied.removeprefix(
        "[stderr]"
    )
    as_json = json.dumps(
        {"logTail": denied, "scriptName": "scripts\\\\start.ps1", "message": "failed: denied"}
    )
    assert dict(explain(as_json).fields)["log"].endswith("denied: no access")
    assert (
        dict(explain("LifecycleEvent - BeforeInstall\nScript - scripts\\before.ps1\n[stderr]x").fields)[
            "script"
        ]
        == "scripts\\before.ps1"
    )


@pytest.mark.parametrize(
    ("text", "script"),
    [
        (json.dumps({"logTail": "Script - scripts/start.sh\n[stderr]x"}), "scripts/start.sh"),
        (json.dumps(json.dumps({"scriptName": "scripts/start.sh"})), "scripts/start.sh"),
        ("Script - scripts\\before.ps1", "scripts\\before.ps1"),
    ],
)
def test_the_escapes_of_json_are_no_part_of_a_path(text: str, script: str) -> None:
    assert dict(explain(f"LifecycleEvent - ApplicationStart {text}").fields)["script"] == script


def test_a_log_tail_ends_where_its_json_ends() -> None:
    tail = json.dumps(json.dumps({"logTail": "[stderr]foo: not found", "status": "Failed"}))
    assert dict(explain(f"LifecycleEvent - ApplicationStart {tail}").fields)["log"] == "foo: not found"


def test_an_event_that_passed_may_print_a_status() -> None:
    printed = '[stderr]{"status": 1} Permission denied ScriptFailed'
    event = {
        "lifecycleEventName": "BeforeInstall",
        "diagnostics": {"logTail": printed},
        "status": "Succeeded",
    }
    failed = {
        "lifecycleEventName": "AfterInstall",
        "diagnostics": {"errorCode": "ScriptTimedOut"},
        "status": "Failed",
    }
    assert [one.name for one in explain(json.dumps([event, failed])).known] == ["ScriptTimedOut"]


@pytest.mark.parametrize(
    ("end", "group"), [("web", "shop/web"), ("web.", "shop/web"), ("new", ""), ("web%20blue", "")]
)
def test_a_link_names_a_group_whole_or_not_at_all(end: str, group: str) -> None:
    link = f"https://console.aws.amazon.com/codesuite/codedeploy/applications/shop/deployment-groups/{end}"
    commands = " ".join(explain(link).commands)
    assert (f"runbooks diagnose {group}" in commands) if group else "runbooks diagnose" not in commands
