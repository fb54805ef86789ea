"""Every rule: one faulty file that it finds, and none that it finds without reason."""

import re
from pathlib import Path

import pytest

from runbooks.appspec.fault import ONE, TWO
from runbooks.appspec.linter import lint
from runbooks.appspec.rules import GROUPS, RULES
from runbooks.findings import FAIL, OK, WARN
from site_hooks.appspec_examples import (
    BUNDLE,
    ECS,
    FILE,
    FILES,
    HOOK,
    LAMBDA,
    OBJECT,
    SCRIPT,
    TOP,
    WINDOWS,
)
from tests.appspec.bundles import folder, zipped

# shown with bundles that cannot be read: tests/appspec/test_hostile.py
ELSEWHERE = {
    "appspec-is-readable",
    "appspec-is-small",
    "bundle-is-safe",
    "bundle-is-bearable",
    "bundle-is-an-archive",
}

GOOD = {
    "the least": TOP,
    "windows": WINDOWS + "files:\n  - source: \\\n    destination: c:\\app\nhooks:\n  AfterInstall:\n    - location: run.bat\n",
    "files and hooks": TOP + FILES + HOOK + "      timeout: 300\n      runas: root\n",
    "empty hooks": TOP + "hooks:\n  ApplicationStop:\n  AfterInstall: []\n",
    "every permission": TOP + OBJECT + "    mode: 4755\n    owner: root\n    acls: ['u:root:rw', 'm::rwx', 'd:g:root:5']\n"
    "    context: {name: system_u, type: bin_t, range: 's0-s2:c0.c3,c5'}\n    type: [directory]\n    pattern: 'a*'\n    except: [ab]\n",
    "mode in quotes": TOP + OBJECT + "    mode: '0644'\n",
    "json": '{"version": 0.0, "os": "linux", "file_exists_behavior": "RETAIN"}',
    "line ends of Windows": (TOP + FILES).replace("\n", "\r\n"),
    "timeouts that just fit": TOP + HOOK + "      timeout: 3000\n    - location: b\n      timeout: 600\n",
    "conf.d is a folder": TOP + "files:\n  - source: app\n    destination: /etc\npermissions:\n  - object: /etc/conf.d\n    pattern: '*.conf'\n",
    "files and folders apart": TOP + FILES + OBJECT + "    type: [file]\n  - object: /srv/app\n    type: [directory]\n",
    "ecs": ECS + "Hooks:\n  - AfterAllowTestTraffic: arn:aws:lambda:eu-west-1:111122223333:function:check\n",
    "ecs in lower case, from a pipeline": ECS.lower().replace("aws::ecs::service", "AWS::ECS::Service").replace("arn:aws:ecs:eu-west-1:111122223333:task-definition/shop:7", "<TASK_DEFINITION>"),
    "lambda": LAMBDA,
}  # fmt: skip


def line_of(text: str) -> int:
    """The line that is marked as the place of the fault."""
    return next((number for number, line in enumerate(text.splitlines(), 1) if "# here" in line), 1)


@pytest.mark.parametrize("rule", FILE)
def test_a_rule_finds_its_example(rule: str) -> None:
    judgement = lint("-", FILE[rule].encode())
    found = [each for each in judgement.faults if each.code == rule]
    assert {each.mark.line for each in found} == {line_of(FILE[rule])}
    assert all(each.says.endswith((".", "!")) and each.next == RULES[rule].page for each in found)


@pytest.mark.parametrize("rule", BUNDLE)
def test_a_rule_finds_its_example_in_a_bundle(rule: str, tmp_path: Path) -> None:
    files = BUNDLE[rule]
    judgement = lint(str(zipped(tmp_path / "b.zip", files)))
    found = [each for each in judgement.faults if each.code == rule]
    appspec = next(
        content.decode() for name, content in files.items() if name.endswith(("appspec.yml", "appspec.yaml"))
    )
    marked = line_of(appspec) if "# here" in appspec or rule not in _AT_LOCATION else 5
    assert [each.mark.line for each in found] == [marked]


_AT_LOCATION = ("script-is-executable", "script-has-unix-line-ends", "script-has-an-interpreter")


def test_every_rule_has_an_example() -> None:
    assert {*FILE, *BUNDLE, *ELSEWHERE} == set(RULES)


@pytest.mark.parametrize("case", GOOD)
def test_a_good_file_has_no_finding(case: str) -> None:
    judgement = lint("-", GOOD[case].encode())
    assert [(each.code, each.says) for each in judgement.faults] == []
    assert judgement.verdict is OK
    assert judgement.first(ONE) is judgement.first(TWO) is None


def test_a_good_bundle_has_no_finding(tmp_path: Path) -> None:
    root = folder(tmp_path, {"appspec.yml": (TOP + FILES + HOOK).encode(), "app/a": b"x", "run.sh": SCRIPT})
    (root / "run.sh").chmod(0o755)
    judgement = lint(str(root))
    assert judgement.faults == ()
    assert judgement.unchecked == ()


def test_an_id_is_a_good_state_in_words() -> None:
    assert all(re.fullmatch(r"[a-z0-9.]+(-[a-z0-9.]+)+", id) for id in RULES)
    assert {rule.group for rule in RULES.values()} == set(GROUPS)
    for rule in RULES.values():
        assert rule.title.endswith(".")
        assert rule.why.endswith(".")


def test_all_faults_are_shown_and_the_one_that_each_agent_stops_at() -> None:
    text = "version: '0.0'\nos: linux\nfile_exists_behavior: no\nhooks:\n  AfterInstall:\n    - location: a\n      timeout: '5'\n"
    judgement = lint("-", text.encode())
    assert [each.mark.line for each in judgement.faults] == [1, 3, 7]
    assert [each.verdict for each in judgement.faults] == [FAIL, FAIL, WARN]
    first, second = judgement.first(ONE), judgement.first(TWO)
    assert first is not None
    assert second is not None
    assert first.code == second.code == "version-is-zero"


def test_agent_2_reads_the_types_of_all_before_it_judges_a_value() -> None:
    text = "version: 1.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: a\n      timeout: '5'\n"
    judgement = lint("-", text.encode())
    stops = [judgement.first(agent) for agent in (ONE, TWO)]
    assert [each.code for each in stops if each] == ["version-is-zero", "timeout-is-positive"]


def test_what_only_the_bundle_can_show_is_named() -> None:
    judgement = lint("-", (TOP + FILES + HOOK).encode())
    assert judgement.unchecked[0].startswith("Not checked without the bundle: 1 script and 1 source.")


@pytest.mark.parametrize(
    ("text", "line", "fix"),
    [
        (
            TOP + FILES + "    overwrite: yes\n",
            6,
            "Write `file_exists_behavior: OVERWRITE` at the top level.",
        ),
        (TOP + "hooks:\nAfterInstall:\n  - location: run.sh\n", 4, "Indent it below `hooks:`."),
        (TOP + "file: []\n", 3, "Write files."),
        (TOP + HOOK + "      timeOut: 5\n", 6, "Write timeout."),
        (
            TOP + HOOK + "      commands: [a]\n",
            6,
            "Remove it; the keys here are location, runas, sudo, timeout.",
        ),
        (TOP + OBJECT + "    context: {type: t, range: s0, user: u}\n", 5, "Write `name:`."),
    ],
)
def test_a_key_that_is_often_taken_for_another(text: str, line: int, fix: str) -> None:
    (found,) = lint("-", text.encode()).faults
    assert (found.code, found.mark.line, found.fix) == ("keys-are-known", line, fix)


@pytest.mark.parametrize(
    ("event", "fix"),
    [("ApplicatiionStart", "Write ApplicationStart."), ("afterinstall", "Write AfterInstall."), ("Run", "Use one of BeforeBlockTraffic")],
)  # fmt: skip
def test_an_event_that_was_meant(event: str, fix: str) -> None:
    (found,) = lint("-", (TOP + HOOK.replace("AfterInstall", event)).encode()).faults
    assert found.fix.startswith(fix)


def test_an_ecs_appspec_of_another_version_is_a_warning_since_no_one_saw_it_refused() -> None:
    (found,) = lint("-", ECS.replace("version: 0.0", "version: 1").encode()).faults
    assert (found.code, found.verdict) == ("version-is-zero", WARN)


def test_a_server_appspec_with_resources_installs_nothing_for_them() -> None:
    judgement = lint("-", (TOP + ECS.removeprefix("version: 0.0\n")).encode())
    assert judgement.platform == "server"
    assert [(each.code, each.verdict) for each in judgement.faults] == [("one-platform", WARN)]


@pytest.mark.parametrize("text", ["Resources: [", '{"Resources": [{"a": }]'])
def test_a_fault_of_syntax_in_an_appspec_for_ecs_is_that_of_the_service(text: str) -> None:
    (found,) = lint("-", text.encode()).faults
    outcome = found.outcome("CodeDeploy")
    assert outcome is not None
    assert outcome.event == "CreateDeployment"
    assert "not well-formed yaml" in outcome.message


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (TOP + "x: 'open\ny: 1\n", 3),
        (TOP + "x: [1,\n  2\n", 3),
        (TOP + "x: a: b\ny: 1\n", 3),
        (TOP + "x:\n  - a\n - b\ny: 1\n", 5),
        ("version: 0.0\n os: linux\n", 2),
    ],
)
def test_a_fault_of_syntax_is_placed_where_it_is_to_be_fixed(text: str, line: int) -> None:
    (found,) = lint("-", text.encode()).faults
    assert (found.code, found.mark.line) == ("appspec-is-yaml", line)


@pytest.mark.parametrize("entry", ["/app", "[a, b]", "5", "~", "source and destination"])
def test_an_entry_of_files_that_is_not_a_mapping_is_one_fault(entry: str) -> None:
    (found,) = lint("-", (TOP + f"files:\n  - {entry}\n").encode()).faults
    assert (found.code, found.mark.line) == ("file-has-source", 4)
