"""Every limit of the diagnosis, just below it and just above: rates, chunks, ages, sizes, deadlines."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from codedeploy_sandbox.scenarios import find
from codedeploy_sandbox.state import Account
from typer.testing import CliRunner

from runbooks.aws import sandboxed
from runbooks.aws.cache import Cache
from runbooks.aws.clients import MOST_AT_ONCE, Clients
from runbooks.aws.pace import PACES
from runbooks.aws.session import Aws
from runbooks.cli import app
from runbooks.diagnosis import LONGEST, diagnose
from runbooks.engine import run_all
from runbooks.errors import UserError
from runbooks.facts.cloudtrail import MOST_EVENTS, trail
from runbooks.facts.host_report import host_report
from runbooks.facts.registration import CHUNK, LISTING, registered_arns
from runbooks.findings import OK, SKIP, UNKNOWN, Check, CouldNotCheck, Finding
from runbooks.host import HostReportError
from runbooks.question import MOST_HOURS, Question
from runbooks.report import worst
from tests.support.world import PATIENT, world

REGION = "eu-west-1"


def many(count: int) -> Callable[[Account], None]:
    """The healthy scenario with exactly ``count`` registered names."""

    def set_up(account: Account) -> None:
        find("healthy")(account)
        state = account.state(REGION)
        for number in range(count - 3):  # healthy has three
            arn = f"arn:aws:sts::111122223333:assumed-role/Many/n{number}"
            state.register(f"n{number}", account.clock.start, session=arn)

    return set_up


# Rates and calls under way


def test_cloudtrail_is_asked_at_its_rate_and_codedeploy_at_none(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("runbooks.aws.pace.time.sleep", waits.append)
    with world("healthy") as (_, sandbox):
        monkeypatch.setenv("AWS_ENDPOINT_URL", sandbox.endpoint)  # as AWS: the session knows no sandbox
        aws = Aws(Clients(sandboxed.session(sandbox.address(), REGION), config=PATIENT))
        for hours in (1, 2, 3):
            trail(aws, "ListOnPremisesInstances", hours)
        asked = list(waits)
        aws.read_all(LISTING, "instanceNames")
    assert PACES == {"cloudtrail:LookupEvents": 0.6}, "2 a second, by AWS's documentation"
    assert len(asked) >= 3
    assert asked[0] == 0
    assert all(0.3 < wait <= 0.6 * n for n, wait in enumerate(asked[1:], start=1))
    assert waits == asked, "no other call waits"


def test_eight_calls_are_under_way_and_no_more() -> None:
    with world("healthy", config=PATIENT) as (aws, _):
        now, most, lock = 0, 0, threading.Lock()

        def slow(**_: Any) -> AWSResponse:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.1)
            with lock:
                now -= 1
            raise ConnectionError

        aws.client("codedeploy").meta.events.register("before-send", slow)

        def check(number: int) -> Check:
            def ask(aws: Aws, question: Question) -> Iterator[Finding]:
                aws.read("codedeploy:GetOnPremisesInstance", "instanceInfo", instanceName=f"n{number}")
                yield Finding(OK, "answered")

            return Check(f"check-{number}", "All is well.", "", "test", (), ask)

        asked = [(check(n), Question()) for n in range(20)]
        run_all(asked, aws.remembering(), 30, lambda done, total: None)
    assert most == MOST_AT_ONCE == 8


# Chunks and pages


@pytest.mark.parametrize(("names", "calls"), [(CHUNK, 1), (CHUNK + 1, 2)])
def test_names_are_asked_for_in_chunks_of_25(names: int, calls: int) -> None:
    with world(many(names), config=PATIENT) as (aws, sandbox):
        assert len(registered_arns(aws)) == names
        asked = [call for call in sandbox.account.journal if call.operation == "BatchGetOnPremisesInstances"]
    assert CHUNK == 25, "AWS's model says 25 in one place and 100 in another"
    assert len(asked) == calls


@pytest.mark.parametrize(("most", "pages"), [(100, 1), (101, 2), (None, 2)])
def test_a_list_is_read_no_further_than_asked(most: int | None, pages: int) -> None:
    with world(many(150), config=PATIENT) as (aws, sandbox):
        before = len(sandbox.account.journal)
        found = aws.read_all(LISTING, "instanceNames", most=most, registrationStatus="Registered")
        assert len(sandbox.account.journal) - before == pages
    assert len(found) == (most or 150)


@pytest.mark.parametrize(("records", "cut"), [(MOST_EVENTS - 1, False), (MOST_EVENTS, True)])
def test_a_trail_that_may_go_on_says_so(monkeypatch: pytest.MonkeyPatch, records: int, cut: bool) -> None:
    with world("healthy") as (aws, _):
        monkeypatch.setattr(Aws, "read_all", lambda self, *names, most, **params: [{}] * min(records, most))
        assert trail(aws, "ListOnPremisesInstances", 1).cut is cut


# What is remembered


def test_a_failure_is_remembered_like_an_answer() -> None:
    asked = []

    def fail() -> None:
        asked.append(1)
        raise CouldNotCheck("out of reach")

    cache = Cache()
    for _ in range(3):
        with pytest.raises(CouldNotCheck, match="out of reach"):
            cache.once("key", "the fact", fail)
    assert asked == [1]


# Ages


@pytest.mark.parametrize(
    ("age", "taken"), [(timedelta(minutes=15), True), (timedelta(minutes=15, seconds=1), False)]
)
def test_a_probe_that_systems_manager_ran_is_at_most_15_minutes_old(age: timedelta, taken: bool) -> None:
    with world("healthy", config=PATIENT) as (aws, _):
        fresh = host_report(aws, Question(instance="web-01"))
        made = fresh.server_time() or fresh.collected_at
        later = replace(aws, now=lambda: made + age)
        if taken:
            assert host_report(later, Question(instance="web-01")).collected_at == fresh.collected_at
        else:
            with pytest.raises(HostReportError, match="15 minutes old, at most 15 minutes are"):
                host_report(later, Question(instance="web-01"))


# What may be asked


@pytest.mark.parametrize("hours", [0.001, 24, MOST_HOURS])
def test_hours_within_cloudtrails_90_days_are_taken(hours: float) -> None:
    assert Question.of(hours=hours).hours == hours
    assert MOST_HOURS == 90 * 24


@pytest.mark.parametrize("hours", [0, -1, MOST_HOURS + 0.001, 99_999, float("nan"), float("inf"), True, "24"])
def test_other_hours_are_refused(hours: object) -> None:
    with pytest.raises(UserError, match="hours must be a number above 0 and up to 2160"):
        Question.of(hours=hours)


@pytest.mark.parametrize("length", [1, 100])
def test_a_name_of_1_to_100_characters_is_taken(length: int) -> None:
    assert Question.of(instance="n" * length)


def test_a_name_of_101_characters_is_refused() -> None:
    with pytest.raises(UserError, match="1 to 100 letters"):
        Question.of(instance="n" * 101)


@pytest.mark.parametrize("seconds", [0, -1, LONGEST + 0.1, float("nan"), True, "60"])
def test_a_timeout_that_is_no_time_is_refused(seconds: Any) -> None:
    with world("healthy") as (aws, _), pytest.raises(UserError, match="above 0 and up to 3600"):
        diagnose(aws, timeout=seconds)


def test_the_longest_timeout_is_an_hour() -> None:
    assert LONGEST == 3600
    with world("healthy") as (aws, _):
        assert diagnose(aws, checks="arn-is-free", timeout=LONGEST).findings


# Deadlines


def test_connecting_and_diagnosing_share_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []

    @contextmanager
    def silent() -> Iterator[Callable[[int, int], None]]:
        yield lambda done, total: None

    with world("healthy", config=PATIENT) as (aws, _):

        def slow(target: str, **options: Any) -> Aws:
            time.sleep(2)
            return aws

        def note(aws: Aws, *, timeout: float, **options: Any) -> Any:
            given.append(timeout)
            return diagnose(aws, checks="arn-is-free")

        monkeypatch.setattr("runbooks.aws.connect", slow)
        monkeypatch.setattr("runbooks.diagnosis.diagnose", note)
        CliRunner().invoke(app, ["diagnose", "--sandbox", "healthy", "--timeout", "10"])
    assert given
    assert 5 < given[0] <= 8


# Verdicts


def test_nothing_at_all_is_unknown() -> None:
    assert worst([]) is UNKNOWN
    assert worst([Finding(SKIP, "no")]) is SKIP
