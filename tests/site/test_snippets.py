"""The programs of the exception page, run."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ParamValidationError
from botocore.stub import Stubber

from tests.site.exception_page import NAME, OPERATION, SNIPPETS, enum, page, section, shell_blocks
from tests.support.clients import cli_2, javascript, needs_cli_2, needs_javascript
from tests.support.sandbox import environment_for, sandbox_process

# Every value that the page calls a cause, beside a good one that it may be taken for.
BAD_VALUES = [
    "registered",
    "REGISTERED",
    "All",
    "Active",
    "Pending",
    "Registering",
    "IN_PROGRESS",
    "Online",
    "",
    "Registered\n",
    "Status.REGISTERED",
    "Registered,Deregistered",
]


BIN = Path(sys.executable).parent


def run(
    program: str, *arguments: str, env: dict[str, str], aws: Path = BIN
) -> subprocess.CompletedProcess[str]:
    """Run one of the page's programs with this interpreter, and the `aws` command in the directory ``aws``."""
    interpreter = {".py": sys.executable, ".sh": "sh"}[Path(program).suffix]
    path = f"{aws}{os.pathsep}{env['PATH']}"
    return subprocess.run(
        [interpreter, SNIPPETS / program, *arguments],
        env=env | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def load(program: str) -> Any:
    """One of the page's Python programs, as a module."""
    spec = importlib.util.spec_from_file_location(Path(program).stem, SNIPPETS / program)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def client(service: str, env: dict[str, str]) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=env["AWS_ENDPOINT_URL"],
        region_name=env["AWS_DEFAULT_REGION"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )


def records(env: dict[str, str]) -> list[dict[str, Any]]:
    """CloudTrail's records of the list call, newest first."""
    pages = (
        client("cloudtrail", env)
        .get_paginator("lookup_events")
        .paginate(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": OPERATION}])
    )
    return [json.loads(event["CloudTrailEvent"]) for page in pages for event in page["Events"]]


def words(text: str) -> dict[str, list[str]]:
    """Lines such as `Registered: a b` as a mapping."""
    return {line.partition(":")[0]: line.partition(":")[2].split() for line in text.splitlines()}


def output_block(anchor: str) -> str:
    """The output that a section shows, as the program should have printed it."""
    found = re.search(r"^ *```text title=.*\n((?:.*\n)*?) *```$", section(anchor), re.MULTILINE)
    assert found, f"#{anchor} shows no output"
    return "".join(line.removeprefix("    ") for line in found[1].splitlines(keepends=True))


@pytest.fixture(scope="module")
def sandbox_env() -> Iterator[dict[str, str]]:
    """The environment that points any AWS client at one sandbox for all of these programs."""
    with sandbox_process("bad-filter") as about:
        yield environment_for(about)


# --- reproduce -----------------------------------------------------------------------------------


def test_reproduce_raises_exactly_this_exception(sandbox_env: dict[str, str]) -> None:
    done = run("reproduce.py", env=sandbox_env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{NAME} from {OPERATION}\n")
    assert done.stdout == output_block("reproduce")


def test_reproduce_says_so_when_nothing_is_raised(sandbox_env: dict[str, str]) -> None:
    done = run("reproduce.py", "Registered", env=sandbox_env)
    assert done.returncode == 1
    assert done.stderr == "No error: the service accepted 'Registered'\n"


def test_the_command_line_prints_the_error_of_the_first_screen(sandbox_env: dict[str, str]) -> None:
    shown = re.search(r"```text\n(.*)\n```", page().split("<!-- facts -->")[0])
    assert shown
    literal = shown[1].removesuffix("<message>")
    assert literal != shown[1]
    done = run("reproduce.sh", env=sandbox_env)
    assert literal in done.stderr
    assert done.stdout == "exit 255\n"  # the stock command line of PyPI is version 1
    assert done.returncode == 255


def test_each_cause_reaches_the_service_unchanged_and_is_refused(sandbox_env: dict[str, str]) -> None:
    codedeploy = client("codedeploy", sandbox_env)
    before = len(records(sandbox_env))
    for value in BAD_VALUES:
        with pytest.raises(codedeploy.exceptions.InvalidRegistrationStatusException) as caught:
            codedeploy.list_on_premises_instances(registrationStatus=value)
        assert caught.value.operation_name == OPERATION
    sent = records(sandbox_env)[: -before or None]
    assert sorted(record["requestParameters"]["registrationStatus"] for record in sent) == sorted(BAD_VALUES)


@pytest.mark.parametrize("value", [value for value in BAD_VALUES if value])
def test_each_cause_is_on_the_page(value: str) -> None:
    assert f"`{value.encode('unicode_escape').decode()}`" in section("causes")


@pytest.mark.parametrize(
    "arguments",
    [
        {"registrationStatus": None},
        {"registrationStatus": ["Registered"]},
        {"registrationStatus": 1},
        {"registration_status": "Registered"},
    ],
)
def test_a_wrong_type_or_key_is_never_sent(arguments: dict[str, Any], sandbox_env: dict[str, str]) -> None:
    before = len(records(sandbox_env))
    with pytest.raises(ParamValidationError):
        client("codedeploy", sandbox_env).list_on_premises_instances(**arguments)
    assert len(records(sandbox_env)) == before


def test_the_stubber_takes_any_status(sandbox_env: dict[str, str]) -> None:
    codedeploy = client("codedeploy", sandbox_env)
    with Stubber(codedeploy) as stub:
        stub.add_response(
            "list_on_premises_instances", {"instanceNames": []}, {"registrationStatus": "bogus"}
        )
        assert codedeploy.list_on_premises_instances(registrationStatus="bogus")["instanceNames"] == []


# --- do this now, fix ----------------------------------------------------------------------------


def test_hidden_characters_are_seen_as_step_2_says(sandbox_env: dict[str, str]) -> None:
    command = shell_blocks("now")[0]
    assert command.startswith("printf ")

    def shown(status: str) -> list[str]:
        env = sandbox_env | {"STATUS": status}
        return subprocess.run(
            ["sh", "-c", command], env=env, capture_output=True, text=True, check=True
        ).stdout.split()

    assert f"`{' '.join(shown('Registered'))}`" in section("now")
    assert f"`{' '.join(shown('Deregistered'))}`" in section("now")
    assert shown("Registered\r\n")[-2:] == [r"\r", r"\n"]
    assert shown("") == []


def test_senders_prints_every_refused_call_and_no_other(sandbox_env: dict[str, str]) -> None:
    expected = [record for record in records(sandbox_env) if record.get("errorCode") == NAME]
    assert 0 < len(expected) < len(records(sandbox_env))
    done = run("senders.sh", env=sandbox_env)
    assert done.returncode == 0, done.stderr
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert printed == expected
    for field in ("userAgent", "sourceIPAddress", "eventTime", "requestParameters"):
        assert field in section("now")
        assert all(field in record for record in printed)


def test_fix_tells_registered_from_deregistered(sandbox_env: dict[str, str]) -> None:
    done = run("fix.py", env=sandbox_env)
    assert done.returncode == 0, done.stderr
    assert done.stdout == output_block("fix")
    names = words(done.stdout)
    assert names["Registered"]
    assert names["Deregistered"]
    assert sorted(names["Registered"] + names["Deregistered"]) == names["No filter"]


@pytest.mark.parametrize("status", ["Registered", "Deregistered"])
def test_fix_takes_each_status(status: str, sandbox_env: dict[str, str]) -> None:
    done = run("fix.py", status, env=sandbox_env)
    assert done.returncode == 0, done.stderr
    shown = words(output_block("fix"))
    assert words(done.stdout) == {status: shown[status], "No filter": shown["No filter"]}


def test_the_shell_fix_says_the_same(sandbox_env: dict[str, str]) -> None:
    done = run("fix.sh", env=sandbox_env)
    assert done.returncode == 0, done.stderr
    assert words(done.stdout) == words(output_block("fix"))


# --- handle, prevent -----------------------------------------------------------------------------


def test_handle_names_the_status_and_the_request(sandbox_env: dict[str, str]) -> None:
    done = run("handle.py", "registered", env=sandbox_env)
    assert done.returncode == 1
    newest = next(record for record in records(sandbox_env) if record.get("errorCode") == NAME)
    assert f"refused the status 'registered', request {newest['requestID']}" in done.stderr
    assert "Traceback" not in done.stderr


def test_handle_lets_a_good_call_through(sandbox_env: dict[str, str]) -> None:
    done = run("handle.py", "Deregistered", env=sandbox_env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == words(output_block("fix"))["Deregistered"]


@pytest.mark.parametrize("code", ["InvalidNextTokenException", "AccessDeniedException"])
def test_handle_catches_nothing_else(code: str, sandbox_env: dict[str, str]) -> None:
    codedeploy = client("codedeploy", sandbox_env)
    with Stubber(codedeploy) as stub:
        stub.add_client_error("list_on_premises_instances", service_error_code=code)
        with pytest.raises(ClientError, match=code):
            load("handle.py").instance_names(codedeploy, "Registered")


def test_the_shell_handler_tells_this_error_from_others(sandbox_env: dict[str, str]) -> None:
    good = run("handle.sh", "Deregistered", env=sandbox_env)
    assert (good.returncode, good.stderr) == (0, "")
    assert json.loads(good.stdout)["instanceNames"] == words(output_block("fix"))["Deregistered"]
    bad = run("handle.sh", "registered", env=sandbox_env)
    assert (bad.returncode, bad.stderr) == (255, "CodeDeploy refused the status 'registered'\n")
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    other = run("handle.sh", "Registered", env=sandbox_env | nowhere)
    assert other.returncode == 255
    assert "Could not connect" in other.stderr
    assert "refused the status" not in other.stderr


# What CLI 2.36.12 wrote to stderr for an invalid status, in each format that a user can choose.
CLI_2_36 = {
    "": f"\naws: [ERROR]: An error occurred ({NAME}) when calling the {OPERATION} operation: x\n",
    "legacy": f"\naws: [ERROR]: An error occurred ({NAME}) when calling the {OPERATION} operation: x\n",
    "json": f'{{\n    "Message": "x",\n    "Code": "{NAME}"\n}}\n',
    "yaml": f"Code: {NAME}\nMessage: x\n",
    "text": f"{NAME}\tx\n",
    "table": f"|  Code   |  {NAME}  |\n|  Message|  x  |\n",
}


@pytest.mark.parametrize("chosen", CLI_2_36)
def test_the_shell_handler_works_with_every_error_format_of_cli_2(chosen: str, tmp_path: Path) -> None:
    for error_format, text in CLI_2_36.items():
        (tmp_path / f"{error_format}.txt").write_text(text)
    aws = tmp_path / "aws"
    aws.write_text(f'#!/bin/sh\ncat "{tmp_path}/$AWS_CLI_ERROR_FORMAT.txt" >&2\nexit 254\n')
    aws.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", SNIPPETS / "handle.sh", "registered"],
        env={"PATH": path, "AWS_CLI_ERROR_FORMAT": chosen},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (254, "CodeDeploy refused the status 'registered'\n")


@needs_cli_2
def test_the_shell_programs_run_with_cli_2(sandbox_env: dict[str, str]) -> None:
    bad = run("reproduce.sh", env=sandbox_env, aws=cli_2())
    assert (bad.returncode, bad.stdout) == (254, "exit 254\n")
    assert f"aws: [ERROR]: An error occurred ({NAME}) when calling the {OPERATION} operation:" in bad.stderr
    for program in ("fix.sh", "senders.sh"):
        first, second = run(program, env=sandbox_env), run(program, env=sandbox_env, aws=cli_2())
        assert (second.returncode, second.stderr) == (0, ""), program
        assert second.stdout == first.stdout, program


@needs_cli_2
@pytest.mark.parametrize("chosen", CLI_2_36)
def test_cli_2_writes_the_formats_that_the_shell_handler_is_tested_with(
    chosen: str, sandbox_env: dict[str, str]
) -> None:
    env = {**sandbox_env, "AWS_CLI_ERROR_FORMAT": chosen}
    written = run("reproduce.sh", "registered", env=env, aws=cli_2()).stderr
    assert set(re.findall(r"\w+", CLI_2_36[chosen])) - {"x"} <= set(re.findall(r"\w+", written))
    handled = run("handle.sh", "registered", env=env, aws=cli_2())
    assert (handled.returncode, handled.stderr) == (254, "CodeDeploy refused the status 'registered'\n")


def javascript_handler(call: str) -> str:
    """The page's handler in JavaScript 3 as a function, and a call of it; prints what it returns or throws."""
    shown = re.search(r'=== "JavaScript"\n.*?```js\n(.*?)```', section("handle"), re.DOTALL)
    assert shown
    return f"""
        import {{ CodeDeployClient, ListOnPremisesInstancesCommand, InvalidRegistrationStatusException }}
            from "@aws-sdk/client-codedeploy";
        async function handler(client, status) {{ {shown[1]} }}
        const print = (value) => console.log(JSON.stringify(value));
        const failed = (error) => print([error.constructor.name, error.message, error.cause?.name]);
        await handler({call}).then(print, failed);
    """


@needs_javascript
@pytest.mark.parametrize(
    ("call", "printed"),
    [
        ('new CodeDeployClient({}), "Deregistered"', ["old-01"]),
        ("new CodeDeployClient({}), undefined", ["batch-01", "old-01", "web-01", "web-02"]),
        (
            'new CodeDeployClient({}), "registered"',
            ["RangeError", "CodeDeploy refused registered, request ", NAME],
        ),
        (
            'new CodeDeployClient({ endpoint: "http://127.0.0.1:9", maxAttempts: 1 }), "Registered"',
            ["Error", "connect ECONNREFUSED 127.0.0.1:9", None],
        ),
    ],
)
def test_the_handler_in_javascript_runs(call: str, printed: list[Any], sandbox_env: dict[str, str]) -> None:
    done = javascript(javascript_handler(call), sandbox_env | {"AWS_REGION": "eu-west-1"})
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    if "RangeError" in said:
        said[1] = re.sub(r"[0-9a-f-]{36}$", "", said[1])
    assert said == printed


VALID = {
    "Registered": "Registered",
    "Deregistered": "Deregistered",
    "registered": "Registered",
    "DEREGISTERED": "Deregistered",
    " Registered\r\n": "Registered",
    "": None,
    " \t\n": None,
    None: None,
}
INVALID = [
    "All",
    "Registering",
    "Register",
    "Registered,Deregistered",
    "Status.REGISTERED",
    1,
    True,
    ["Registered"],
]


@pytest.mark.parametrize(("text", "status"), VALID.items())
def test_validate_gives_the_status_or_none(text: str | None, status: str | None) -> None:
    assert load("validate.py").registration_status(text) == status


@pytest.mark.parametrize("text", INVALID)
def test_validate_names_what_it_refuses(text: Any) -> None:
    with pytest.raises(ValueError, match="must be Registered or Deregistered") as caught:
        load("validate.py").registration_status(text)
    assert repr(text) in str(caught.value)


def test_validate_knows_the_model_s_statuses() -> None:
    assert list(load("validate.py").STATUSES) == enum("codedeploy")


def test_validate_runs(sandbox_env: dict[str, str]) -> None:
    assert run("validate.py", "registered", env=sandbox_env).stdout == "Registered\n"
    refused = run("validate.py", "All", env=sandbox_env)
    assert refused.returncode == 1
    assert "not 'All'" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("program", ["validate.py", "handle.py", "handle.sh", "alarm.sh"])
def test_a_missing_argument_gives_the_usage(program: str, sandbox_env: dict[str, str]) -> None:
    done = run(program, env=sandbox_env)
    assert done.returncode != 0
    assert f"usage: {program} " in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_alarm_can_be_made_and_undone(sandbox_env: dict[str, str]) -> None:
    logs, cloudwatch = client("logs", sandbox_env), client("cloudwatch", sandbox_env)
    topic = "arn:aws:sns:eu-west-1:111122223333:on-call"
    logs.create_log_group(logGroupName="trail")
    done = run("alarm.sh", "trail", topic, env=sandbox_env)
    assert done.returncode == 0, done.stderr
    (made,) = logs.describe_metric_filters(logGroupName="trail")["metricFilters"]
    (alarm,) = cloudwatch.describe_alarms()["MetricAlarms"]
    assert NAME in made["filterPattern"]
    assert made["metricTransformations"][0]["metricName"] == alarm["MetricName"]
    assert made["metricTransformations"][0]["metricNamespace"] == alarm["Namespace"]
    assert alarm["AlarmActions"] == [topic]
    (undo,) = [block for block in shell_blocks("prevent") if "delete-alarms" in block]
    env = sandbox_env | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{sandbox_env['PATH']}"}
    subprocess.run(["sh", "-ec", undo.replace("LOG_GROUP", "trail")], env=env, check=True, timeout=60)
    assert logs.describe_metric_filters(logGroupName="trail")["metricFilters"] == []
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []


@pytest.mark.parametrize("program", sorted(SNIPPETS.iterdir()), ids=lambda path: path.name)
def test_programs_fit_the_page(program: Path) -> None:
    assert [line for line in program.read_text(encoding="utf-8").splitlines() if len(line) > 73] == []
