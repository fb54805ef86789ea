"""The dictionary of the agent's log: each line has its symptom, in Python and in JavaScript alike."""

import json
import re
import subprocess
import time
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from runbooks.checks import all_checks
from runbooks.decoder import explain
from runbooks.host import Symptom, symptom_of, symptoms
from runbooks.host.log import read_entry
from tests.support import DOCS
from tests.support.agent_lines import LINES, boot, completed, performed, polling
from tests.support.node import node

ALL = [pytest.param(symptom, id=symptom.id) for symptom in symptoms()]
RAW = json.loads((files("runbooks.host") / "agent_log.json").read_text(encoding="utf-8"))
SAMPLES = [(s, sample) for s in symptoms() for group in s.samples.values() for sample in group]

AREAS = {"identity", "network", "agent", "hooks", "appspec", "files", "download", "service", "install"}


@pytest.mark.parametrize("symptom", ALL)
def test_a_symptom_is_complete(symptom: Symptom) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", symptom.id)
    assert symptom.area in AREAS
    assert symptom.severity in ("fault", "warning", "note", "info", "healthy")
    assert symptom.tag in set("VDIXU")
    assert re.match(r"[A-Za-z]", symptom.title)
    assert not symptom.title.endswith(".")
    assert symptom.cause.endswith(".")
    assert symptom.do.endswith((".", "REGION.", "&."))
    assert set(symptom.patterns) <= {"1.x", "2.x", "any"}
    assert symptom.samples
    assert set(symptom.patterns) <= {*symptom.samples, "any"}, "a pattern of a line without a sample of it"
    assert not symptom.sticks or symptom.severity == "fault"
    assert bool(symptom.checks) == (
        symptom.severity not in ("healthy", "info") or symptom.id == "info-endpoint"
    )
    assert set(symptom.checks) <= {check.id for check in all_checks()}
    page, _, anchor = symptom.page.partition("#")
    assert (DOCS / page).is_file(), f"{symptom.id} sends the reader to {page}, which is not there"
    if anchor:
        assert f"{{ #{anchor} }}" in (DOCS / page).read_text(encoding="utf-8"), f"{page} has no {anchor}"


# What `explain` answers otherwise. It is given any text, so a bare line of a terminal is not the agent's for it; and a
# fault of the permissions of an AppSpec file has a page of its own.
OTHERWISE = {
    "bash[3211]: error: exception class/object expected": [],
    "bash[3211]: /usr/bin/env: 'ruby': No such file or directory": [],
    "invalid sensitivity c0": ["appspec-permissions-invalid"],
}


@pytest.mark.parametrize(
    ("symptom", "sample"),
    [
        pytest.param(s, t, id=f"{s.id} {t[-40:]}")
        for s, t in SAMPLES
        if s.severity in ("fault", "warning")  # what a check reports
    ],
)
def test_what_a_check_reports_of_the_log_has_a_page_and_explain_names_the_same(
    symptom: Symptom, sample: str
) -> None:
    assert (DOCS / "symptoms" / f"{symptom.id}.md").is_file()
    leads = [Path(known.page).name for known in explain(sample).known][:1]
    assert leads == next((other for text, other in OTHERWISE.items() if text in sample), [symptom.id])


def test_the_dictionary_names_its_sources() -> None:
    assert date.fromisoformat(RAW["compiled"])
    assert RAW["sources"]


def test_the_frames_of_lines_come_after_all_words() -> None:
    """A fallback knows the frame of a line, so whatever knows its words must come first."""
    order = [symptom.id for symptom in symptoms() if symptom.severity == "fault"]
    fallbacks = [symptom.id for symptom in symptoms() if symptom.fallback]
    assert order[-len(fallbacks) :] == fallbacks


@pytest.mark.parametrize(
    ("symptom", "sample"), [pytest.param(s, t, id=f"{s.id} {t[-40:]}") for s, t in SAMPLES]
)
def test_a_sample_has_its_symptom(symptom: Symptom, sample: str) -> None:
    """As a whole, and as the probe sends it: masked elsewhere, and cut to 500 bytes."""
    assert symptom_of(sample) is symptom
    assert symptom_of(sample[:500]) is symptom


@pytest.mark.parametrize("symptom", ALL)
def test_each_pattern_has_a_line_that_needs_it(symptom: Symptom) -> None:
    """Among the samples and the lines of the tests: a pattern that none matches would be a guess."""
    known = [line for group in symptom.samples.values() for line in group]
    known += [line for name, line in LINES if name == symptom.id]
    for pattern in (p for group in symptom.patterns.values() for p in group):
        assert any(re.search(pattern, line, re.ASCII) for line in known), pattern


@pytest.mark.parametrize(("name", "line"), [pytest.param(n, t, id=f"{n} {t[-50:]}") for n, t in LINES])
def test_lines_of_the_real_forms_have_their_symptom(name: str, line: str) -> None:
    found = symptom_of(line)
    assert found is not None
    assert found.id == name


def test_a_failed_event_is_never_healthy() -> None:
    """`Client 200` stands in the report of a failure too: CodeDeploy took the report."""
    for code in (*range(1, 8), "Unknown"):
        found = symptom_of(completed("Failed", code, "anything"))
        assert found is not None
        assert (found.severity, found.sticks) == ("fault", True), code


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (1, "hook-script-missing"),
        (2, "hook-not-executable"),
        (3, "hook-timeout"),
        (4, "hook-script-failed"),
        (5, "event-failed"),
        (6, "hook-output-left-open"),
        (7, "restarted-in-deployment"),
        ("Unknown", "hook-output-not-utf8"),
    ],
)
def test_a_failed_event_is_known_by_its_code_where_its_words_are_not(code: object, name: str) -> None:
    found = symptom_of(completed("Failed", code, "la lune"))
    assert found is not None
    assert found.id == name


def test_an_exit_code_is_not_mistaken_for_a_signal() -> None:
    script = "Script at specified location: scripts/start.sh failed with exit code "
    for end, name in (("3", "hook-script-failed"), ("-1", "hook-script-failed"), ("", "hook-script-killed")):
        for line in (performed(f"ScriptError - {script}{end}"), completed("Failed", 4, script + end)):
            found = symptom_of(line)
            assert found is not None
            assert found.id == name, line


@pytest.mark.parametrize("line", ["", "hello", "/usr/lib/ruby/3.1.0/socket.rb:1214:in `__connect_nonblock'"])
def test_what_is_no_line_of_the_agent_has_no_symptom(line: str) -> None:
    assert symptom_of(line) is None


def test_patterns_are_portable() -> None:
    """JavaScript has no inline flags, no verbose form and no possessive; older browsers have no lookbehind."""
    for symptom in symptoms():
        for group in symptom.patterns.values():
            for pattern in group:
                assert not re.search(r"\(\?(?:<|P|[a-z]|#|>)|[*+?}]\+|\\[AZzpP]", pattern), pattern


def test_javascript_gives_every_line_the_same_symptom() -> None:
    program = node()
    assert program
    lines = [sample for _, sample in SAMPLES] + [line for _, line in LINES]
    script = """
        const data = JSON.parse(require("fs").readFileSync(0, "utf8"));
        const known = data.symptoms.map(s => [s.id, Object.values(s.patterns).flat().map(p => new RegExp(p))]);
        const of = line => (known.find(([id, ps]) => ps.some(p => p.test(line.slice(0, data.longest)))) || [null])[0];
        console.log(JSON.stringify(data.lines.map(of)));
    """
    given = json.dumps(RAW | {"lines": lines})
    done = subprocess.run([program, "-e", script], input=given, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [found.id if (found := symptom_of(line)) else None for line in lines]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "unit",
    ["'", "a", "The config file ", "Network error: ", "= nil ", "Script at specified location: ", "S3 GetObject failed for ", 'command_status:"Failed" ', "and process 1", "[Aws::CodeDeployCommand::Client 200 "],
)  # fmt: skip
def test_hostile_lines_cost_no_time(unit: str) -> None:
    """No pattern may run away on a line that was made long."""
    start = time.monotonic()
    for _ in range(20):
        symptom_of(unit * (300_000 // len(unit)))
    assert time.monotonic() - start < 4


@pytest.mark.parametrize(
    ("line", "time_", "level"),
    [
        ("2026-11-26T08:33:37 INFO  [codedeploy-agent(1)]: x", datetime(2026, 11, 26, 8, 33, 37), "INFO"),
        ("2026-11-26 08:33:37 ERROR [codedeploy-agent(1)]: x", datetime(2026, 11, 26, 8, 33, 37), "ERROR"),
        ("2026-11-26 08:42:04  WARN Agent is", datetime(2026, 11, 26, 8, 42, 4), "WARN"),
        ("2026-11-26T08:33:37.123 FATAL x", datetime(2026, 11, 26, 8, 33, 37), "FATAL"),
        ("2026-11-26T08:33:37 ERRORS x", datetime(2026, 11, 26, 8, 33, 37), ""),
        ("2026-02-31T08:33:37 INFO x", None, ""),
        ("/usr/lib/ruby", None, ""),
        ("ERROR [codedeploy-agent(1)]: x", None, ""),
    ],
)
def test_the_head_of_an_entry_is_read_in_both_forms(line: str, time_: datetime | None, level: str) -> None:
    entry = read_entry(line)
    assert (entry and entry.time) == time_
    assert entry is None or entry.level == level


def test_the_makers_of_lines_write_what_the_agent_writes() -> None:
    assert boot("X - y").startswith(
        "2026-11-26T08:42:04 ERROR [codedeploy-agent(1412)]: booting child: error during"
    )
    assert polling().endswith("  ")
