"""CodeDeploy's launch and termination hooks on an Auto Scaling group: missing, of another, left over, switched off."""

import subprocess
from typing import Any

import pytest
from codedeploy_sandbox import Sandbox
from codedeploy_sandbox.scaling import hook_of, put_hook
from codedeploy_sandbox.scenarios import Scenario, find
from codedeploy_sandbox.scenarios.equipped import equipped
from codedeploy_sandbox.state import REGION, Account

from runbooks.checks.group import auto_scaling_groups_have_no_other_hook, auto_scaling_groups_have_their_hooks
from runbooks.engine import run
from runbooks.findings import FAIL, OK, UNKNOWN, WARN, Finding
from runbooks.question import Question
from tests.support.findings import assert_sound
from tests.support.sandbox import AWS, environment_for
from tests.support.world import PATIENT, world

GROUP = Question(deployment_group="shop/web")
LAUNCH, END = (hook_of("shop", "web", "web", kind) for kind in ("hook", "terminationHook"))
THERE, OTHERS = auto_scaling_groups_have_their_hooks, auto_scaling_groups_have_no_other_hook


def group(
    *, enabled: bool = True, launch: str = LAUNCH, end: str = END, on: tuple[tuple[str, str], ...] = ()
) -> Scenario:
    """A scenario in which shop/web names these hooks, and its Auto Scaling group has those of `on`, by kind."""

    def scenario(account: Account) -> None:
        equipped(account, hooks=())
        row = {"name": "web"} | {k: v for k, v in (("hook", launch), ("terminationHook", end)) if v}
        account.state(REGION).groups["shop/web"] |= {
            "terminationHookEnabled": enabled,
            "autoScalingGroups": [row],
        }
        account.at_start.append(put)

    def put(ask: Any) -> None:
        for kind, name in on:
            put_hook(ask, REGION, "web", name, kind)

    return scenario


def asked(check: Any, scenario: Any) -> list[Finding]:
    with world(scenario, config=PATIENT) as (aws, _):
        found = run(check, aws.remembering(), GROUP)
    for one in found:
        assert_sound(one)
    return found


def said(check: Any, scenario: Any) -> list[tuple[Any, str]]:
    return [(one.verdict, one.code.partition("/")[2]) for one in asked(check, scenario)]


L, T = ("hook", LAUNCH), ("terminationHook", END)
STRANGE = ("terminationHook", hook_of("shop", "gone", "web", "terminationHook"))
NO_HOOK, NO_END, UNNAMED = (FAIL, "no-hook"), (FAIL, "no-termination-hook"), (UNKNOWN, "could-not-check")
GOOD = (OK, "ok")


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        (group(on=(L, T)), [GOOD, GOOD]),
        (group(on=(L,)), [GOOD, NO_END]),
        (group(on=(T,)), [NO_HOOK, GOOD]),
        (group(on=()), [NO_HOOK, NO_END]),
        # the name is there, the transition is the other one
        (group(on=(L, ("hook", END))), [GOOD, NO_END]),
        (group(on=(T, ("terminationHook", LAUNCH))), [NO_HOOK, GOOD]),
        # switched off: not asked for
        (group(enabled=False, end="", on=(L,)), [GOOD]),
        (group(enabled=False, on=(L, T)), [GOOD]),
        # CodeDeploy names none: which of its hooks is meant is not known, and without any there is none
        (group(end="", on=(L, T)), [GOOD, UNNAMED]),
        (group(end="", on=(L,)), [GOOD, NO_END]),
        (group(end="", on=(L, ("terminationHook", "my-own"))), [GOOD, NO_END]),
        (group(launch="", on=(T,)), [NO_HOOK, GOOD]),
    ],
)
def test_each_hook_that_the_group_asks_for_is_read(scenario: Scenario, expected: list[Any]) -> None:
    assert said(THERE, scenario) == expected


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        (group(on=(L, T)), [GOOD]),
        (group(on=(L, T, STRANGE)), [(WARN, "unknown-hook")]),
        (group(enabled=False, end="", on=(L, T)), [(WARN, "unknown-hook")]),
        (group(enabled=False, on=(L, T)), [(WARN, "hook-switched-off")]),
        (group(on=(L, T, ("hook", "my-own"))), [(OK, "own-hooks"), GOOD]),
        (group(on=(L, T, ("terminationHook", "my-own"))), [(OK, "own-hooks"), GOOD]),
    ],
)
def test_a_hook_of_another_is_found_at_launch_and_at_termination(
    scenario: Scenario, expected: list[Any]
) -> None:
    assert said(OTHERS, scenario) == expected


def test_a_hook_that_no_one_answers_is_said_to_hold_the_instance_for_its_time_out() -> None:
    kinds = {"hook": "a new instance waits 600 s, and is then terminated (ABANDON)."}
    kinds["terminationHook"] = "an instance that the Auto Scaling group terminates waits 600 s."
    for kind, waits in kinds.items():
        strange = (kind, hook_of("shop", "gone", "web", kind))
        (one,) = asked(OTHERS, group(on=(L, T, strange)))
        assert one.says.endswith(f"If no one answers it, {waits}")


def test_the_hooks_of_the_reader_are_named_and_not_judged() -> None:
    own, _ = asked(OTHERS, group(on=(L, T, ("hook", "my-own"))))
    assert "also has 1 hook that CodeDeploy did not make (my-own (launch))" in own.says


def test_the_termination_hook_of_another_group_that_is_there_is_not_left_over() -> None:
    """It is that of billing/api, which uses the Auto Scaling group too."""
    theirs = hook_of("billing", "api", "web", "terminationHook")

    def scenario(account: Account) -> None:
        find("group-shares-auto-scaling")(account)
        account.state(REGION).groups["billing/api"]["autoScalingGroups"][0]["terminationHook"] = theirs
        account.at_start.append(lambda ask: put_hook(ask, REGION, "web", theirs, "terminationHook"))

    (one,) = asked(OTHERS, scenario)
    assert one.code.endswith("/two-groups")
    assert f"whose hook {theirs} it has" in one.says
    assert "AWS advises one deployment group for an Auto Scaling group" in one.says


@pytest.mark.parametrize("on", [(L,), (T,), ()])
def test_the_fix_has_codedeploy_make_every_hook_again(on: tuple[tuple[str, str], ...]) -> None:
    with world(group(on=on), config=PATIENT) as (aws, sandbox):
        fixes = {one.fix for one in run(THERE, aws.remembering(), GROUP) if one.verdict is FAIL}
        (fix,) = fixes
        run_fix(fix, sandbox)
        assert {one.verdict for one in run(THERE, aws.remembering(), GROUP)} == {OK}


def test_the_fix_of_a_hook_that_is_switched_off_takes_it_away() -> None:
    with world(group(enabled=False, on=(L, T)), config=PATIENT) as (aws, sandbox):
        (one,) = run(OTHERS, aws.remembering(), GROUP)
        run_fix(one.fix, sandbox)
        assert [f.verdict for f in run(OTHERS, aws.remembering(), GROUP)] == [OK]


def test_the_fix_of_an_auto_scaling_group_that_is_gone_keeps_the_others() -> None:
    def scenario(account: Account) -> None:
        equipped(account)
        row = {"name": "gone", "hook": "h"}
        account.state(REGION).groups["shop/web"]["autoScalingGroups"].append(row)

    with world(scenario, config=PATIENT) as (aws, sandbox):
        gone = [one for one in run(THERE, aws.remembering(), GROUP) if one.verdict is FAIL]
        assert [one.code.partition("/")[2] for one in gone] == ["no-group"]
        run_fix(gone[0].fix, sandbox)
        assert [(f.verdict, f.about) for f in run(THERE, aws.remembering(), GROUP)] == [(OK, "web")]


def run_fix(command: str, sandbox: Sandbox) -> None:
    """Run a command of a fix as someone who may change the deployment group."""
    path = str(AWS).rpartition("/")[0]
    environment = environment_for(sandbox.address()) | {"AWS_ACCESS_KEY_ID": "test"}
    environment["PATH"] = f"{path}:/usr/bin:/bin"
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
    assert not done.returncode, (command, done.stderr)
