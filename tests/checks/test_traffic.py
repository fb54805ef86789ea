"""What load balancers and Auto Scaling say of a group's instances: answers that no scenario has, over the wire.

All of them in one sandbox: a test here that opened another would take moto from it.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from codedeploy_sandbox import Fault, Http, Sandbox
from codedeploy_sandbox.protocol import codec, models
from codedeploy_sandbox.state import REGION

from runbooks.aws.session import Aws
from runbooks.checks import _shared, _targets
from runbooks.checks._launches import LOOP, RECENT, SOON
from runbooks.checks._shared import MOST_APPLICATIONS
from runbooks.checks._targets import REASONS, STATES, Wanted, of_target_group
from runbooks.checks.group import auto_scaling_groups_have_no_other_hook
from runbooks.checks.traffic import (
    auto_scaling_groups_keep_what_they_launch,
    targets_of_the_group_are_healthy,
)
from runbooks.engine import run
from runbooks.facts.auto_scaling import MOST_ACTIVITIES
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, Finding, Verdict
from runbooks.question import Question
from tests.support.findings import assert_sound
from tests.support.world import PATIENT, world

ONE, TWO = "i-149119d344fe08d6a", "i-a99725fb1d0753121"  # of the group, as moto names them
GROUP = Question(deployment_group="shop/web")
Row = tuple[str, int, dict[str, str] | None]
WELL = {"State": "healthy"}
CODES = {
    "State": "unhealthy",
    "Reason": "Target.ResponseCodeMismatch",
    "Description": "Health checks failed with these codes: [500]",
}


@pytest.fixture(scope="module")
def there() -> Iterator[tuple[Aws, Sandbox]]:
    with world("group-healthy", config=PATIENT) as (aws, sandbox):
        yield aws, sandbox


def body(service: str, operation: str, output: dict[str, Any]) -> bytes:
    model = models.operation(service, operation)
    assert model
    data: bytes = codec.write(model, "query", output, "00000000-0000-4000-8000-000000000000").get_data()
    return data


def health(rows: Sequence[Row]) -> Fault:
    """An answer of DescribeTargetHealth with these rows: the instance, its port, and its TargetHealth."""
    output = {
        "TargetHealthDescriptions": [
            {"Target": {"Id": id_, "Port": port}, **({"TargetHealth": said} if said is not None else {})}
            for id_, port, said in rows
        ]
    }
    text = body("elbv2", "DescribeTargetHealth", output).decode()
    return Fault("elasticloadbalancing:DescribeTargetHealth", Http(200, text, "text/xml"))


def found(
    there: tuple[Aws, Sandbox], *faults: Fault, check: Callable[..., Any] = targets_of_the_group_are_healthy
) -> list[Finding]:
    aws, sandbox = there
    sandbox.app.set_faults(faults)
    findings = run(check, aws.remembering(), GROUP)
    sandbox.app.set_faults(())
    for finding in findings:
        assert_sound(finding)
    return findings


def judged(there: tuple[Aws, Sandbox], *rows: Row) -> list[tuple[Verdict, str, str]]:
    return [(f.verdict, f.code.partition("/")[2], f.about) for f in found(there, health(rows))]


BAD = (FAIL, "unhealthy")
BOTH = f"{ONE}, {TWO}"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # an instance twice, at one port
        ([(ONE, 80, WELL), (ONE, 80, WELL), (TWO, 80, WELL)], [(OK, "ok", BOTH)]),
        # at another port than the target group's
        ([(ONE, 8080, WELL), (TWO, 80, WELL)], [(OK, "ok", f"{ONE}:8080, {TWO}")]),
        # at two ports, of which one is well
        ([(ONE, 80, WELL), (ONE, 81, CODES), (TWO, 80, WELL)], [(OK, "ok", f"{ONE}:80, {TWO}"), (*BAD, f"{ONE}:81")]),
        # without a reason and a description, and with empty ones
        ([(ONE, 80, {"State": "unhealthy"}), (TWO, 80, WELL)], [(*BAD, ONE), (OK, "ok", TWO)]),
        ([(ONE, 80, {"State": "unhealthy", "Reason": "", "Description": " "}), (TWO, 80, WELL)], [(*BAD, ONE), (OK, "ok", TWO)]),
        # a reason and a state that the model does not have
        ([(ONE, 80, {"State": "unhealthy", "Reason": "Target.Sleeps"}), (TWO, 80, WELL)], [(*BAD, ONE), (OK, "ok", TWO)]),
        ([(ONE, 80, {"State": "resting"}), (TWO, 80, WELL)], [(UNKNOWN, "unknown-state", ONE), (OK, "ok", TWO)]),
        ([(ONE, 80, {"State": "Healthy"}), (TWO, 80, WELL)], [(UNKNOWN, "unknown-state", ONE), (OK, "ok", TWO)]),
        # no health at all
        ([(ONE, 80, None), (TWO, 80, WELL)], [(UNKNOWN, "unknown-state", ONE), (OK, "ok", TWO)]),
        ([(ONE, 80, {}), (TWO, 80, WELL)], [(UNKNOWN, "unknown-state", ONE), (OK, "ok", TWO)]),
        ([(ONE, 80, {"State": "unhealthy.draining"}), (TWO, 80, WELL)], [(*BAD, ONE), (OK, "ok", TWO)]),
        ([(ONE, 80, {"State": "initial", "Reason": "Elb.InitialHealthChecking"}), (TWO, 80, WELL)], [(WARN, "initial", ONE), (OK, "ok", TWO)]),
        ([(ONE, 80, {"State": "unavailable", "Reason": "Target.HealthCheckDisabled"}), (TWO, 80, WELL)], [(UNKNOWN, "unavailable", ONE), (OK, "ok", TWO)]),
        ([(ONE, 80, {"State": "unused", "Reason": "Target.InvalidState"}), (TWO, 80, WELL)], [(FAIL, "unused", ONE), (OK, "ok", TWO)]),
        ([(ONE, 80, {"State": "unused", "Reason": "Target.NotRegistered"}), (TWO, 80, WELL)], [(OK, "ok", TWO), (FAIL, "not-registered", ONE)]),
        # alike in state and reason: one finding
        ([(ONE, 80, CODES), (TWO, 80, CODES | {"Description": "codes: [502]"})], [(*BAD, BOTH)]),
        # others than those of the group are not judged
        ([("i-0123456789abcdef0", 80, CODES), (ONE, 80, WELL), (TWO, 80, WELL)], [(OK, "ok", BOTH)]),
        ([("10.20.0.11", 80, CODES)], [(FAIL, "not-registered", BOTH)]),
        ([], [(FAIL, "not-registered", BOTH)]),
    ],
)  # fmt: skip
def test_what_a_target_group_says(
    rows: list[Row], expected: list[tuple[Verdict, str, str]], there: tuple[Aws, Sandbox]
) -> None:
    assert judged(there, *rows) == expected


def test_a_long_and_hostile_description_is_shown_short_and_on_one_line(there: tuple[Aws, Sandbox]) -> None:
    text = "<script>alert(1)</script>\n\x1b[31m".replace("\x1b", "") + "x" * 100_000
    (bad, _) = found(there, health([(ONE, 80, CODES | {"Description": text}), (TWO, 80, WELL)]))
    assert bad.verdict is FAIL
    assert "\n" not in bad.says
    assert len(bad.says) < 900
    assert "x…" in bad.says


def test_the_reason_is_said_in_words_and_by_its_name(there: tuple[Aws, Sandbox]) -> None:
    (bad, _) = found(there, health([(ONE, 80, CODES), (TWO, 80, WELL)]))
    assert (
        "(Target.ResponseCodeMismatch). AWS says: Health checks failed with these codes: [500]." in bad.says
    )
    assert "The health check asks HTTP /health on the port of the target and expects 200." in bad.says
    assert bad.next == "/symptoms/elb-traffic/"


def test_an_instance_that_is_checked_for_the_first_time_has_so_many_to_pass(
    there: tuple[Aws, Sandbox],
) -> None:
    said = {"State": "initial", "Reason": "Elb.InitialHealthChecking"}
    (waits, _) = found(there, health([(ONE, 80, said), (TWO, 80, WELL)]))
    assert "every 30 s; 5 good answers are needed." in waits.says


def test_an_unused_target_group_differs_from_a_zone_that_is_not_enabled(there: tuple[Aws, Sandbox]) -> None:
    said = {"State": "unused", "Reason": "Target.NotInUse", "Description": ""}
    (bad, _) = found(there, health([(ONE, 80, said), (TWO, 80, WELL)]))
    assert "No load balancer uses it." in bad.says
    group = {"TargetGroupArn": "arn:x", "TargetGroupName": "web", "LoadBalancerArns": ["arn:lb"]}
    aws, sandbox = there
    sandbox.app.set_faults([health([(ONE, 80, said)])])
    (zone,) = of_target_group(aws, Wanted("shop/web", [ONE]), group)
    sandbox.app.set_faults([])
    assert (zone.verdict, zone.code) == (FAIL, "unused")
    assert "No load balancer" not in zone.says


def test_a_thousand_targets_take_one_call(there: tuple[Aws, Sandbox]) -> None:
    aws, sandbox = there
    ids = [f"i-{number:017x}" for number in range(1000)]
    sandbox.app.set_faults([health([(id_, 80, CODES) for id_ in ids])])
    group = {"TargetGroupArn": "arn:x", "TargetGroupName": "web", "Port": 80}
    asked: list[str] = []

    class Counting:
        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            return getattr(aws, name)

    (one,) = of_target_group(Counting(), Wanted("shop/web", ids), group)  # type: ignore[arg-type]
    sandbox.app.set_faults([])
    assert asked == ["read"]
    assert one.says.startswith(f"{ids[0]}, {ids[1]}, {ids[2]}, {ids[3]}, {ids[4]} and 995 more are unhealthy")


def test_the_tables_hold_what_the_model_has() -> None:
    model = models.service("elbv2")
    assert model
    assert set(REASONS) == set(model.shape_for("TargetHealthReasonEnum").enum)
    states = set(model.shape_for("TargetHealthStateEnum").enum)
    assert set(STATES) == states | {"InService", "OutOfService", "Unknown"}
    assert [state for state, (verdict, _) in STATES.items() if verdict is OK] == ["healthy", "InService"]
    classic = models.service("elb")
    assert classic
    documented = str(classic.shape_for("InstanceState").members["Description"].documentation)
    for words in (*_targets._CLASSIC_WAITS, *_targets._CLASSIC_DRAINS, *_targets._CLASSIC_GONE):
        assert words in documented.replace("<code>", "").replace("</code>", ""), words


# Auto Scaling


ABANDONED = "Instance failed to complete user's Lifecycle Action: Lifecycle Action with token {} was abandoned: Heartbeat Timeout"
UNWELL = "At 2026-01-15T11:00:00Z an instance was taken out of service in response to an ELB system health check failure."
SHRINKS = "an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity."


def activity(
    ago: timedelta, status: str = "Successful", id_: str = "", text: str = "", **more: Any
) -> Callable[[Any], dict[str, Any]]:
    def at(now: Any) -> dict[str, Any]:
        begins = f"Launching a new EC2 instance: {id_}" if id_ else "Launching a new EC2 instance"
        row = {
            "ActivityId": f"{ago}{id_}{status}",
            "AutoScalingGroupName": "web",
            "Description": begins,
            "Cause": "At 2026-01-15T09:00:00Z an instance was started.",
            "StartTime": now - ago,
            "StatusCode": status,
        }
        return row | ({"StatusMessage": text} if text else {}) | more

    return at


def ended(ago: timedelta, id_: str, cause: str) -> Callable[[Any], dict[str, Any]]:
    return activity(ago, Description=f"Terminating EC2 instance: {id_}", Cause=cause)


MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


def scaled(
    there: tuple[Aws, Sandbox], *rows: Callable[[Any], dict[str, Any]]
) -> list[tuple[Verdict, str, str]]:
    aws, sandbox = there
    state = sandbox.account.state(REGION)
    kept = state.activities
    state.activities = {"web": [row(aws.now()) for row in rows]}
    said = found(there, check=auto_scaling_groups_keep_what_they_launch)
    state.activities = kept
    return [(f.verdict, f.code.partition("/")[2], f.says) for f in said]


def codes(there: tuple[Aws, Sandbox], *rows: Callable[[Any], dict[str, Any]]) -> list[tuple[Verdict, str]]:
    return [(verdict, code) for verdict, code, _ in scaled(there, *rows)]


def abandoned(count: int) -> list[Callable[[Any], dict[str, Any]]]:
    return [
        activity(n * MINUTE, "Cancelled", f"i-{n:017x}", ABANDONED.format(f"0a1b2c3d-0000-4000-8000-{n:012}"))
        for n in range(1, count + 1)
    ]


def test_so_many_launches_that_were_not_kept_are_a_loop(there: tuple[Aws, Sandbox]) -> None:
    assert codes(there, *abandoned(LOOP - 1)) == [(WARN, "not-kept")]
    ((verdict, code, says),) = scaled(there, *abandoned(LOOP))
    assert (verdict, code) == (FAIL, "loop")
    assert says.count("Heartbeat Timeout") == 1  # each has a token of its own, and says the same


@pytest.mark.parametrize(
    ("ago", "expected"), [(SOON, (FAIL, "loop")), (SOON + SECOND, (WARN, "not-kept-before"))]
)
def test_a_loop_has_ended_once_a_later_instance_has_stayed_for_an_hour(
    ago: timedelta, expected: tuple[Verdict, str], there: tuple[Aws, Sandbox]
) -> None:
    lost = [
        activity(n * 3 * SOON, "Cancelled", f"i-{n:017x}", ABANDONED.format(n)) for n in range(2, LOOP + 2)
    ]
    assert codes(there, *lost, activity(ago, id_=ONE)) == [expected, (OK, "ok")]
    # one that was launched before the last that was lost says nothing
    assert codes(there, *lost, activity(4 * 3 * SOON, id_=ONE))[0] == (FAIL, "loop")


def test_the_command_that_stops_a_loop_can_be_pasted(there: tuple[Aws, Sandbox]) -> None:
    aws, sandbox = there
    state = sandbox.account.state(REGION)
    kept, state.activities = state.activities, {"web": [row(aws.now()) for row in abandoned(LOOP)]}
    (finding,) = found(there, check=auto_scaling_groups_keep_what_they_launch)
    state.activities = kept
    command = (
        "aws autoscaling suspend-processes --auto-scaling-group-name web --scaling-processes Launch --region"
    )
    assert command in finding.fix


@pytest.mark.parametrize(("lived", "expected"), [(SOON, [(WARN, "not-kept")]), (SOON + SECOND, [(OK, "ok")])])
def test_an_instance_that_fails_within_an_hour_was_not_kept(
    lived: timedelta, expected: list[tuple[Verdict, str]], there: tuple[Aws, Sandbox]
) -> None:
    born = timedelta(hours=3)
    rows = [ended(born - lived, ONE, UNWELL), activity(born, id_=ONE)]
    assert codes(there, *rows) == expected


@pytest.mark.parametrize(
    ("ago", "expected"), [(RECENT, (OK, "ok")), (RECENT + SECOND, (SKIP, "no-launches"))]
)
def test_what_began_more_than_a_day_ago_is_left_aside(
    ago: timedelta, expected: tuple[Verdict, str], there: tuple[Aws, Sandbox]
) -> None:
    assert codes(there, activity(ago, id_=ONE)) == [expected]


@pytest.mark.parametrize(
    ("ago", "expected"), [(SOON, (UNKNOWN, "not-ended")), (SOON + SECOND, (WARN, "waits-long"))]
)
def test_a_launch_that_waits_for_its_hook(
    ago: timedelta, expected: tuple[Verdict, str], there: tuple[Aws, Sandbox]
) -> None:
    assert codes(there, activity(ago, "MidLifecycleAction", ONE)) == [expected]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], [(SKIP, "no-launches")]),
        # one that waits beside one that is there
        ([activity(MINUTE, "InProgress", TWO), activity(5 * MINUTE, id_=ONE)], [(OK, "ok")]),
        ([activity(MINUTE, "SomethingNew", TWO)], [(UNKNOWN, "not-ended")]),
        # a failure counts until a launch succeeds
        ([activity(MINUTE, "Failed", text="No capacity."), activity(5 * MINUTE, id_=ONE)], [(FAIL, "failed"), (OK, "ok")]),
        ([activity(MINUTE, id_=ONE), activity(5 * MINUTE, "Failed", text="No capacity.")], [(WARN, "failed-before"), (OK, "ok")]),
        ([activity(MINUTE, "Cancelled", ONE)], [(FAIL, "failed")]),
        # ended to shrink the group: not lost
        ([ended(MINUTE, ONE, SHRINKS), activity(5 * MINUTE, id_=ONE)], [(OK, "ok")]),
        # ended before it began: another life of the same name
        ([activity(MINUTE, id_=ONE), ended(5 * MINUTE, ONE, UNWELL)], [(OK, "ok")]),
        # terminations and refreshes alone are no launches
        ([ended(MINUTE, ONE, UNWELL)], [(SKIP, "no-launches")]),
        ([activity(MINUTE, Description="Updating load balancers/target groups")], [(SKIP, "no-launches")]),
        ([activity(MINUTE, Description="")], [(SKIP, "no-launches")]),
        # a text that names abandonment, of a launch that succeeded
        ([activity(MINUTE, id_=ONE, text=ABANDONED.format("x"))], [(OK, "ok")]),
    ],
)  # fmt: skip
def test_what_auto_scaling_did(
    rows: list[Any], expected: list[tuple[Verdict, str]], there: tuple[Aws, Sandbox]
) -> None:
    assert codes(there, *rows) == expected


def test_both_ways_to_lose_an_instance_count_together(there: tuple[Aws, Sandbox]) -> None:
    rows = [*abandoned(LOOP - 1), ended(MINUTE, ONE, UNWELL), activity(9 * MINUTE, id_=ONE)]
    ((verdict, _, says),) = scaled(there, *rows)
    assert verdict is FAIL
    assert f"{LOOP - 1} by a lifecycle hook that was abandoned and 1 by health checks within 1 h" in says
    assert "ELB system health check failure" in says


@pytest.mark.parametrize(
    ("count", "unread"), [(MOST_ACTIVITIES - 1, False), (MOST_ACTIVITIES, True), (MOST_ACTIVITIES + 50, True)]
)
def test_no_more_than_three_pages_are_read(count: int, unread: bool, there: tuple[Aws, Sandbox]) -> None:
    rows = [activity(n * SECOND, id_=f"i-{n:017x}") for n in range(count)]
    (*more, last) = codes(there, *rows)
    assert (more == [(UNKNOWN, "not-read")]) is unread
    assert last == (OK, "ok")


def test_an_answer_about_another_group_is_refused(there: tuple[Aws, Sandbox]) -> None:
    ((verdict, _, says),) = scaled(there, activity(MINUTE, id_=ONE, AutoScalingGroupName="other"))
    assert verdict is UNKNOWN
    assert "about other instead of web" in says


# Two deployment groups


def test_so_many_applications_are_read(there: tuple[Aws, Sandbox], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def groups_of(_: Aws, name: str) -> list[dict[str, Any]]:
        read.append(name)
        return []

    monkeypatch.setattr(_shared, "groups_of", groups_of)
    for count, expected in ((MOST_APPLICATIONS, [OK]), (MOST_APPLICATIONS + 1, [OK, UNKNOWN])):
        read.clear()
        names = [*(f"app-{n:04}" for n in range(count - 1)), "shop"]
        monkeypatch.setattr(_shared, "applications", lambda _, names=names: names)
        said = found(there, check=auto_scaling_groups_have_no_other_hook)
        assert [f.verdict for f in said] == expected
        assert len(read) == MOST_APPLICATIONS
        assert read[0] == "shop"  # its own first
    assert "1 more application was not read" in said[1].says
    assert f"of the {MOST_APPLICATIONS} applications that were read" in said[0].says
