"""What is known about the agent: the table of versions, the dictionary of log lines, and the judgement on them."""

import json
import re
import time
from datetime import date
from importlib.resources import files

import pytest

from runbooks.host import LogRule, judge_log, log_rule, log_rules, parse_version, supported, versions
from tests.support import DOCS

RULES = [pytest.param(rule, id=rule.id) for rule in log_rules()]
TAGS = set("VDIXU")


def rule(name: str) -> str:
    """The sample of a rule, by its id: what a log would hold."""
    return next(r.sample for r in log_rules() if r.id == name)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("OFFICIAL_1.8.1-13_rpm", (1, 8, 1, 13)),
        ("OFFICIAL_1.3.2-1902_deb\n", (1, 3, 2, 1902)),
        ("OFFICIAL_1.3.1.1880_msi", (1, 3, 1, 1880)),
        ("agent_version: OFFICIAL_1.0-1.1095_rpm", (1, 0, 1, 1095)),
        ("agent_version: 2.0.0", (2, 0, 0)),
        ('agent_version: "2.1.0"', (2, 1, 0)),
        ("1.8.1-13", (1, 8, 1, 13)),
        ("2.1.0-rc1", (2, 1, 0)),
        ("1.7", (1, 7, 0)),
        ("1", None),
        ("", None),
        ("latest", None),
        ("codedeploy-agent 1.8.1", None),
        ("version: 1.8.1", None),
    ],
)
def test_a_version_is_read_in_every_form_that_the_agent_has_used(
    text: str, number: tuple[int, ...] | None
) -> None:
    assert parse_version(text) == number


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("1.0.1.853", "unsupported"),
        ("1.3.0-1", "withdrawn"),
        ("1.3.1", "unsupported"),
        ("OFFICIAL_1.7.1-112_rpm", "unsupported"),
        ("1.8", "supported"),
        ("1.8.0", "supported"),
        ("1.8.1-13", "supported"),
        ("1.8.2", "unlisted"),
        ("1.9.0", "unlisted"),
        ("agent_version: 2.0.1", "superseded"),
        ("2.1.0", "supported"),
        ("2.1.1", "unlisted"),
        ("3.0.0", "unlisted"),
        ("nightly", "unreadable"),
    ],
)
def test_a_version_is_judged_by_the_table(version: str, state: str) -> None:
    support = supported(version)
    assert support.state == state
    assert (parse_version(version) is None) or ".".join(
        map(str, (parse_version(version) or ())[:3])
    ) in support.says


def test_the_table_of_versions_is_in_order_and_names_its_sources() -> None:
    table = versions()
    numbers = [release.number for release in table.releases]
    assert numbers == sorted(set(numbers))
    days = [release.released for release in table.releases if release.released]
    assert days == sorted(days)
    assert all(len(day) == 4 or date.fromisoformat(day) <= table.compiled for day in days)
    assert table.sources
    assert {release.tag for release in table.releases} | {table.minimum_tag} <= TAGS
    assert parse_version(table.minimum) in numbers


def test_the_newest_of_each_line_is_found() -> None:
    assert [release.version for line in (1, 2, 3) if (release := versions().newest(line))] == [
        "1.8.1",
        "2.1.0",
    ]


def test_no_two_rules_have_one_name() -> None:
    names = [r.id for r in log_rules()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("one", RULES)
def test_a_rule_knows_its_sample_and_no_other_rule_does(one: LogRule) -> None:
    """A fallback may know the samples of others: it speaks only where they are silent."""
    assert log_rule(one.sample) is one
    others = [r.id for r in log_rules() if r is not one and not r.fallback and r.pattern.search(one.sample)]
    assert others == []


@pytest.mark.parametrize("one", RULES)
def test_a_rule_is_complete(one: LogRule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one.id)
    assert one.line in ("1.x", "2.x", "any")
    assert one.severity in ("bad", "note", "healthy")
    assert one.tag in TAGS
    assert one.meaning.endswith(".")
    assert one.do.endswith(".")
    assert len(one.sample) < 300  # the probe cuts lines there
    assert not one.sticks or one.severity == "bad"
    page, _, anchor = one.page.partition("#")
    assert (DOCS / page).is_file(), f"{one.id} sends the reader to {page}, which is not there"
    if anchor:
        assert f"{{ #{anchor} }}" in (DOCS / page).read_text(encoding="utf-8"), (
            f"{page} has no anchor {anchor}"
        )


def test_the_dictionary_names_its_sources() -> None:
    raw = json.loads((files("runbooks.host") / "agent_log.json").read_text(encoding="utf-8"))
    assert date.fromisoformat(raw["compiled"])
    assert raw["sources"]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        # the forms of both lines of the agent, where one rule is for both
        ("Error polling for host commands: CodeDeploy command service error: HttpError: HTTP 400"
         ' [type=AccessDeniedException]: {"__type":"AccessDeniedException"}', "access-denied"),
        ("[Aws::CodeDeployCommand::Client 400 0.021876 0 retries] poll_host_command(host_identifier:\"arn:aws:iam"
         '::111122223333:user/x") Aws::CodeDeployCommand::Errors::AccessDeniedException', "access-denied"),
        ("Error polling for host commands: CodeDeploy command service error: HttpError: The security token"
         " included in the request is invalid.", "token-invalid"),
        ("Error polling for host commands: CodeDeploy command service error: HttpError: The security token"
         " included in the request is expired", "token-expired"),
        ("Error polling for host commands: CodeDeploy command service error: NetworkError: error sending request",
         "network-fault"),
        ("Error polling for host commands: CodeDeploy command service error: Throttled: Rate exceeded", "throttled"),
        (" WARN Request throttled, tripping gate and retrying attempt=1 max=5", "throttled"),
        ("Invalid host command: Host Identifier mismatch: a != b", "identifier-mismatch"),
        ("Worker failed to resolve credentials: On Premises config cannot contain both 'iam_user_arn' and"
         " 'iam_session_arn' keys.", "yml-both-arns"),
        ("Worker failed to resolve credentials: 'region' key is required when 'iam_session_arn' is provided.",
         "yml-field-missing"),
        ("Error polling for host commands: CodeDeploy command service error: ServerException: HTTP 500",
         "service-refuses"),
        ("Cannot reach InstanceService: Aws::CodeDeployCommand::Errors::UnknownOperationException - ",
         "service-refuses"),
        ("Error validating the SSL configuration: Invalid server certificate", "tls-check-failed"),
        ("SystemExit - Stopping CodeDeploy agent due to SSL validation error.", "tls-check-failed"),
        ("PollHostCommand: Host Command = nil", "poll-answered"),
    ],
)  # fmt: skip
def test_the_other_forms_of_a_line_are_known_too(line: str, name: str) -> None:
    found = log_rule(line)
    assert found is not None
    assert found.id == name


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-24 02:00:00 INFO  [codedeploy-agent(1412)]: master 1412: Spawned child 1/1",
        "2026-11-24 02:00:00 INFO  [codedeploy-agent(1412)]: CodeDeploy endpoint: https://codedeploy-commands...",
        "2026-11-24 02:00:00  INFO TLS verification passed for https://codedeploy-commands.eu-west-1.amazonaws.com",
        "",
    ],
)
def test_an_ordinary_line_is_no_finding(line: str) -> None:
    assert log_rule(line) is None
    assert judge_log([line]) == []


def judged(*names: str) -> list[str]:
    return [found.id for found, _ in judge_log(map(rule, names))]


def test_a_complaint_stands_while_nothing_healthy_follows() -> None:
    assert judged("access-denied") == ["access-denied"]
    assert judged("polled", "access-denied") == ["access-denied"]
    assert judged("yml-not-read", "missing-credentials") == ["missing-credentials", "yml-not-read"]


@pytest.mark.parametrize("healthy", ["polled", "poll-answered", "poll-loop-starts"])
def test_a_healthy_line_takes_back_what_was_before_it(healthy: str) -> None:
    assert judged("access-denied", "network-fault", healthy) == []
    assert judged("access-denied", healthy, "token-expired") == ["token-expired"]


def test_a_poll_does_not_mend_what_a_poll_cannot_mend() -> None:
    """Commands for another identity come by successful polls."""
    assert judged("identifier-mismatch", "network-fault", "polled") == ["identifier-mismatch"]


def test_each_complaint_is_told_once_with_its_newest_line_newest_first() -> None:
    lines = ["1 Network error: a", "2 ran into throttling - waiting for 60s", "3 Network error: b"]
    assert [(found.id, line) for found, line in judge_log(lines)] == [
        ("network-fault", lines[2]),
        ("throttled", lines[1]),
    ]


@pytest.mark.timeout(10)
@pytest.mark.parametrize("unit", ["'", "a", "The config file ", "Network error: ", "= nil ", "and process 1"])
def test_hostile_lines_cost_no_time(unit: str) -> None:
    """No pattern may run away on a line that someone made long."""
    start = time.monotonic()
    judge_log([unit * (300_000 // len(unit))])
    assert time.monotonic() - start < 3
