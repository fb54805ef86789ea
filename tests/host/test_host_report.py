"""The host report: a real one is read whole, any other is refused in one sentence."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runbooks.errors import UserError
from runbooks.host import Datum, HostReport, HostReportError, read_report, read_report_file, switched_on
from runbooks.host.log import read_entry
from runbooks.host.report import Process
from tests.support.agent_lines import ARN, polling, refused
from tests.support.hosts import SESSION_ARN, Fakes, build

Document = dict[str, Any]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the probe prints on a healthy host that is called web-01."""
    return build(tmp_path_factory.mktemp("host") / "web-01").run(PROBE_INSTANCE="web-01").stdout.decode()


def changed(text: str, change: Callable[[Document], object]) -> str:
    document = json.loads(text)
    change(document)
    return json.dumps(document)


def put(section: str, name: str, datum: object) -> Callable[[Document], object]:
    return lambda document: document[section].__setitem__(name, datum)


def test_a_report_is_read_whole(text: str) -> None:
    report = read_report(text, instance="web-01")
    assert isinstance(report, HostReport)
    assert report.agent.installed == Datum(True, by="rpm")
    assert report.agent.version.value == "1.8.1-13"
    assert report.identity.iam_session_arn.value == SESSION_ARN
    assert report.identity.fields.value == ("region", "iam_session_arn", "aws_credentials_file")
    assert report.endpoint_commands.status.value == 404
    assert (report.log.lines.value or ())[0].endswith("Spawned child 1/1")
    assert abs(report.clock_ahead().value or 0) <= 20


@pytest.mark.parametrize("wrap", ["\ufeff{}", "\r\n {} \r\n\n", "{}"])
def test_what_a_paste_adds_around_it_does_no_harm(wrap: str, text: str) -> None:
    assert read_report(wrap.format(text.strip())).host.hostname.value == "web-01"


def test_a_report_that_names_no_instance_is_taken(text: str) -> None:
    """A host does not know its name; one that calls itself so is taken for it, another is not."""
    nameless = changed(text, put("host", "instance", {"value": None}))
    assert read_report(nameless, instance="web-01").host.instance.value is None
    with pytest.raises(HostReportError, match=r"calls itself 'web-01', not 'web-02'.*--instance web-02"):
        read_report(nameless, instance="web-02")
    assert read_report(text).host.instance.value == "web-01"


def test_a_section_or_name_that_is_not_known_is_left_aside(text: str) -> None:
    more = changed(
        text, lambda d: d.update(later={"x": {"value": 1}}) or d["host"].update(later={"value": 1})
    )
    assert read_report(more) == read_report(text)


@pytest.mark.parametrize("end", [1, 12, 200, 2000, -2, -20])
def test_a_cut_report_is_seen_wherever_it_was_cut(end: int, text: str) -> None:
    with pytest.raises(HostReportError, match=r"is cut|is not JSON"):
        read_report(text.strip()[:end])


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda t: "", "is not JSON"),
        (lambda t: "hello", "is not JSON"),
        (lambda t: "[" * 50_000, "is not JSON"),
        (lambda t: t + t, "is cut"),
        (lambda t: t.strip() + "--output truncated--", "is cut"),
        (lambda t: t + " " * 10 + "x" * 200_000, "far longer"),
        (lambda t: "[]", "names no schema"),
        (lambda t: '{"schema":' + "9" * 5000 + "}", "is cut"),
        (lambda t: '{"Status": "Success"}', "names no schema"),
        (
            lambda t: '{"schema":2,"failed":"od is not on this host","complete":true}',
            "od is not on this host",
        ),
        (
            lambda t: changed(t, lambda d: d.update(schema=1)),
            "has schema 1, this version reads schema 2: run the probe on the host again",
        ),
        (lambda t: changed(t, lambda d: d.update(schema=3)), "has schema 3"),
        (lambda t: changed(t, lambda d: d.update(schema=True)), "has schema True"),
        (lambda t: changed(t, lambda d: d.update(schema="2")), "has schema '2'"),
        (lambda t: changed(t, lambda d: d.pop("complete")), "is cut"),
        (lambda t: changed(t, lambda d: d.update(complete="true")), "is cut"),
        (lambda t: changed(t, lambda d: d.pop("agent")), "no section 'agent'"),
        (lambda t: changed(t, lambda d: d.update(agent=[])), "no section 'agent'"),
        (lambda t: changed(t, lambda d: d["agent"].pop("running")), "no usable agent.running"),
        (lambda t: changed(t, put("agent", "running", True)), "no usable agent.running"),
        (lambda t: changed(t, put("agent", "running", {"value": "yes"})), "no usable agent.running"),
        (lambda t: changed(t, put("agent", "running", {"error": ""})), "no usable agent.running"),
        (lambda t: changed(t, put("agent", "running", {})), "no usable agent.running"),
        (lambda t: changed(t, put("clock", "epoch", {"value": True})), "no usable clock.epoch"),
        (lambda t: changed(t, put("clock", "epoch", {"value": 1.5})), "no usable clock.epoch"),
        (lambda t: changed(t, put("log", "lines", {"value": ["a", 1]})), "no usable log.lines"),
        (lambda t: changed(t, lambda d: d.update(collected_at="yesterday")), "does not say when"),
        (lambda t: changed(t, lambda d: d.update(collected_at=None)), "does not say when"),
    ],
)
def test_what_is_no_whole_report_is_refused_in_one_sentence(
    damage: Callable[[str], str], says: str, text: str
) -> None:
    with pytest.raises(HostReportError, match=says) as refusal:
        read_report(damage(text))
    message = str(refusal.value)
    assert "\n" not in message
    assert message.endswith(".")
    assert isinstance(refusal.value, UserError)


def test_a_report_of_another_host_is_refused(text: str) -> None:
    with pytest.raises(HostReportError, match="made for 'web-01', not for 'web-02'"):
        read_report(text, instance="web-02")


def dated(text: str, collected: datetime, server: datetime | None) -> str:
    """The report as made when the host's clock showed ``collected`` and AWS's ``server``."""

    def change(document: Document) -> None:
        document["collected_at"] = collected.strftime("%Y-%m-%dT%H:%M:%SZ")
        document["clock"]["epoch"] = {"value": int(collected.timestamp())}
        told = {"value": server.strftime("%a, %d %b %Y %H:%M:%S GMT")} if server else {"error": "curl: (28)"}
        for endpoint in ("endpoint_commands", "endpoint_s3"):
            document[endpoint]["date"] = told

    return changed(text, change)


NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("collected", "server", "says"),
    [
        (NOON, NOON, None),
        (NOON, None, None),
        (NOON - timedelta(minutes=30), None, None),
        (NOON - timedelta(minutes=31), None, "31 minutes old, at most 30"),
        (NOON - HOUR, NOON - HOUR, "60 minutes old"),
        (NOON - HOUR, NOON, None),  # fresh; the host's clock is behind, which is for a check to say
        (NOON + HOUR, NOON, None),
        (NOON, NOON - HOUR, "60 minutes old"),  # the host's clock is ahead, and the report old
        (NOON + HOUR, None, "comes from the future"),
        (NOON + timedelta(minutes=4), None, None),
    ],
)
def test_a_report_must_be_recent_by_aws_s_clock_where_that_is_known(
    collected: datetime, server: datetime | None, says: str | None, text: str
) -> None:
    report = dated(text, collected, server)
    if says is None:
        assert read_report(report, now=NOON).collected_at == collected
    else:
        with pytest.raises(HostReportError, match=says):
            read_report(report, now=NOON)


@pytest.mark.parametrize("collected", [NOON - timedelta(days=2), NOON + HOUR])
def test_a_report_that_was_made_just_now_has_no_age(collected: datetime, text: str) -> None:
    assert read_report(dated(text, collected, None), now=NOON, just_made=True).collected_at == collected


def test_the_clock_is_compared_with_aws_s(text: str) -> None:
    ahead = read_report(dated(text, NOON + HOUR, NOON), now=NOON).clock_ahead()
    assert ahead.value == 3600
    unknown = read_report(dated(text, NOON, None), now=NOON).clock_ahead()
    assert (unknown.value, unknown.error) == (None, "no endpoint told the probe the time")
    broken = changed(dated(text, NOON, NOON), put("clock", "epoch", {"error": "date failed"}))
    assert read_report(broken, now=NOON).clock_ahead().error == "date failed"


# The header is what some machine on the way wrote, and Python's parser of dates takes much.
@pytest.mark.parametrize(
    "header",
    [
        "32 Foo",
        "Tue, 99 Jan 2026 03:00:00 GMT",
        "Tue, 24 Nov 99999999999999999999 03:00:00 GMT",
        "Tue, 24 Nov 0000 03:00:00 GMT",
        "Tue, 24 Nov 9999 23:59:59 -2359",
        "Tue, 24 Nov 2026 03:00:00 +99999999999999999999",
        "Tue, 24 Nov 2026 99:99:99 GMT",
        "Tue, 24 Nov 2026 03:00:00 " + "9" * 300,
        "-" * 3000,
        "0",
        "\u0663\u0664 Nov 2026",
    ],
)
def test_a_date_that_is_none_gives_no_time(header: str, text: str) -> None:
    odd = changed(text, put("endpoint_commands", "date", {"value": header}))
    odd = changed(odd, put("endpoint_start", "date", {"value": header}))
    odd = changed(odd, put("endpoint_s3", "date", {"value": None}))
    report = read_report(odd)
    assert report.server_time() is None
    assert report.clock_ahead().error == "no endpoint told the probe the time"


def test_the_next_endpoint_is_asked_where_the_first_has_no_date(text: str) -> None:
    odd = dated(text, NOON, NOON)
    assert (
        read_report(changed(odd, put("endpoint_commands", "date", {"value": "x"})), now=NOON).server_time()
        == NOON
    )


@pytest.mark.parametrize(
    ("written", "on"),
    [
        ("true", True),
        ("True", True),
        ("yes", True),
        ("on", True),
        ("false", False),
        ("no", False),
        (None, False),
    ],
)
def test_a_switch_is_on_where_it_is_written_so(written: str | None, on: bool) -> None:
    assert switched_on(Datum(written)).value is on


def test_a_switch_that_could_not_be_read_is_not_off() -> None:
    assert switched_on(Datum(None, error="this user may not read it")) == Datum(
        None, error="this user may not read it"
    )


@pytest.mark.parametrize(
    ("written", "by", "first", "second"),
    [
        ("false", "", False, False),
        ("no", "", False, False),
        ("Off", "", False, False),
        ("false", "quoted", True, False),  # a text, and in Ruby every text is true
        ("", "quoted", True, False),
        ("0", "", True, False),
        ("nope", "", True, False),
        ("true", "", True, True),
        (None, "", False, False),
    ],
)
def test_a_switch_of_agent_1_is_ruby_s(written: str | None, by: str, first: bool, second: bool) -> None:
    assert switched_on(Datum(written, by), "1.x").value is first
    assert switched_on(Datum(written, by), "2.x").value is second


@pytest.mark.parametrize(
    ("title", "is_master", "is_worker", "boots"),
    [
        ("codedeploy-agent: master 1412", True, False, False),
        ("cd: master 1412", True, False, False),
        ("codedeploy-agent: booting child", False, False, True),
        ("codedeploy-agent: InstanceAgent::Plugins::CodeDeployPlugin::CommandPoller of master 1412", False, True, False),
        ("/opt/codedeploy-agent/bin/codedeploy-agent start", True, False, False),
        ("/opt/codedeploy-agent/bin/codedeploy-agent _worker", False, True, False),
        ("/opt/codedeploy-agent/bin/codedeploy-agent status", False, False, False),
    ],
)  # fmt: skip
def test_a_process_is_known_by_its_title(title: str, is_master: bool, is_worker: bool, boots: bool) -> None:
    process = Process("1", "0", 1, title)
    assert (process.is_master, process.is_worker, process.boots) == (is_master, is_worker, boots)


def test_processes_are_read_with_suspicion(text: str) -> None:
    odd = changed(
        text, put("agent", "processes", {"value": ["", "1 0", "1 0 x codedeploy-agent: master 1", "²"]})
    )
    assert read_report(odd).agent.listed() == [Process("1", "0", None, "codedeploy-agent: master 1")]


def test_a_variable_is_found_in_either_case(text: str) -> None:
    agent = read_report(
        changed(text, put("agent", "environment", {"value": ["HTTPS_PROXY=http://p", "x=", "y"]}))
    ).agent
    assert (agent.variable("https_proxy"), agent.variable("x"), agent.variable("z")) == ("http://p", "", "")


@pytest.mark.parametrize(
    ("line", "offset", "minutes"),
    [
        ("1.x", "+0000", 30),
        ("1.x", "+0200", 150),
        ("1.x", "-0530", -300),
        ("2.x", "+0200", 30),
        ("1.x", "CEST", None),
    ],
)
def test_the_age_of_an_entry_goes_by_the_host_s_time_zone(
    line: str, offset: str, minutes: int | None, text: str
) -> None:
    """Agent 1.x logs in local time, 2.x in UTC."""
    odd = changed(dated(text, NOON, NOON), put("clock", "offset", {"value": offset}))
    report = read_report(changed(odd, put("agent", "line", {"value": line})), now=NOON)
    entry = read_entry("2026-11-24T11:30:00 INFO  x")
    assert entry
    assert report.age(entry) == (None if minutes is None else timedelta(minutes=minutes))


def test_the_newest_poll_says_when_and_as_whom(text: str) -> None:
    older = polling("arn:aws:iam::111122223333:user/web-99", at="2026-11-24T09:00:00")
    lines = [older, polling(at="2026-11-24T11:00:00"), refused("AccessDeniedException - ")]
    odd = changed(dated(text, NOON, NOON), put("log", "lines", {"value": lines}))
    report = read_report(changed(odd, put("clock", "offset", {"value": "+0000"})), now=NOON)
    assert report.newest_poll() == (lines[1], HOUR)
    assert report.polled_as() == ARN
    none = read_report(changed(odd, put("log", "lines", {"value": lines[2:]})), now=NOON)
    assert (none.newest_poll(), none.polled_as()) == (None, "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_is_read_in_every_encoding_that_a_shell_writes(
    encoding: str, text: str, tmp_path: Path
) -> None:
    """Windows PowerShell's `>` writes UTF-16."""
    mark = {"utf-16-le": "\ufeff", "utf-16-be": "\ufeff"}.get(encoding, "")
    path = tmp_path / "web-01.json"
    path.write_bytes((mark + text).encode(encoding))
    assert read_report_file(path, instance="web-01").host.hostname.value == "web-01"
    path.write_bytes(text.encode("utf-16-le"))
    assert read_report_file(path).host.hostname.value == "web-01"


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(HostReportError, match=r"cannot be read: No such file or directory\.$"):
        read_report_file(tmp_path / "none.json")
    with pytest.raises(HostReportError, match=r"cannot be read: Is a directory\.$"):
        read_report_file(tmp_path)
    with pytest.raises(HostReportError, match="cannot be read: embedded null"):
        read_report_file("a\0b")
    (tmp_path / "noise").write_bytes(bytes(range(256)) * 4000)
    with pytest.raises(HostReportError, match="far longer"):
        read_report_file(tmp_path / "noise")


def test_a_missing_answer_is_not_a_failure_to_look(tmp_path: Path) -> None:
    """The two ways of not knowing stay apart all the way from the host to the check."""
    report = read_report(build(tmp_path, fakes=Fakes(getent=None)).run().stdout.decode())
    assert report.config.proxy_uri == Datum(None)
    assert report.endpoint_commands.address == Datum(None, error="getent is not on this host")
