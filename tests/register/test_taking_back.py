"""A step of a registration fails, and what was sent is taken back."""

from typing import Any

from codedeploy_sandbox import Fault, Reset
from codedeploy_sandbox.state import REGION

from runbooks.aws import sandboxed
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN
from runbooks.register import carry_out
from runbooks.source import Place
from tests.register.registering import (
    ADD,
    ADD_TAGS,
    DENIED,
    DEREGISTER,
    GET,
    REGISTER,
    REMOVE,
    TAGS,
    WEB_03,
    carried_out,
    order,
    place,
    said,
    sent,
    steps,
    tags_of,
)


def test_tagging_is_refused_and_the_registration_is_taken_back() -> None:
    with place() as sandbox:
        report = carried_out(sandbox, Fault(ADD, DENIED))
        assert steps(report) == {
            "registration-is-made": OK,
            "tags-are-added": FAIL,
            "tags-are-taken-back": SKIP,  # a refused call gave none
            "registration-is-taken-back": OK,
            "nothing-is-left-behind": OK,
        }
        assert "AccessDeniedException" in said(report, "tags-are-added").says
        assert sent(sandbox) == ["RegisterOnPremisesInstance", "DeregisterOnPremisesInstance"]
        assert tags_of(sandbox) is None


def test_tagging_is_done_but_its_answer_is_lost_and_all_is_taken_back() -> None:
    with place() as sandbox:
        report = carried_out(sandbox, lost=ADD_TAGS)
        assert steps(report) == {
            "registration-is-made": OK,
            "tags-are-added": UNKNOWN,
            "tags-are-taken-back": OK,
            "registration-is-taken-back": OK,
            "nothing-is-left-behind": OK,
        }
        assert sent(sandbox)[-2:] == ["RemoveTagsFromOnPremisesInstances", "DeregisterOnPremisesInstance"]
        assert sandbox.account.state(REGION).instances["web-03"].tags == {}
        assert tags_of(sandbox) is None


def test_a_registration_that_was_there_before_is_never_taken_back() -> None:
    with place(lambda a: a.state(REGION).register("web-03", a.clock.start, session=WEB_03.arn)) as sandbox:
        report = carried_out(sandbox, Fault(ADD, DENIED))
        assert steps(report)["tags-are-added"] is FAIL
        assert steps(report)["registration-is-taken-back"] is SKIP
        assert "as before" in said(report, "nothing-is-left-behind").says
        assert sent(sandbox) == []
        assert tags_of(sandbox) == {}


def test_tags_of_a_lost_answer_on_an_older_registration_are_shown() -> None:
    with place(lambda a: a.state(REGION).register("web-03", a.clock.start, session=WEB_03.arn)) as sandbox:
        report = carried_out(sandbox, lost=ADD_TAGS)
        left = said(report, "nothing-is-left-behind")
        assert left.verdict is FAIL
        assert "Name=web-03, Environment=production" in left.says
        assert left.fix == order(sandbox).remove(TAGS).command(Place(REGION, sandbox="healthy"))
        assert tags_of(sandbox) == TAGS


def test_registering_is_refused_and_nothing_else_is_tried() -> None:
    with place() as sandbox:
        report = carried_out(sandbox, Fault(REGISTER, DENIED))
        assert steps(report) == {
            "registration-is-made": FAIL,
            "tags-are-taken-back": SKIP,
            "registration-is-taken-back": SKIP,
            "nothing-is-left-behind": OK,
        }
        assert said(report, "registration-is-made").next == "/guides/check-permissions/#deny-kinds"
        assert sent(sandbox) == []


def test_registering_is_done_but_its_answer_is_lost_and_a_second_run_finishes_it() -> None:
    """Whether it was this run is not certain then, so it is shown, and not taken back."""
    with place() as sandbox:
        report = carried_out(sandbox, lost="RegisterOnPremisesInstance")
        assert steps(report)["registration-is-made"] is UNKNOWN
        assert steps(report)["registration-is-taken-back"] is SKIP
        left = said(report, "nothing-is-left-behind")
        assert left.verdict is FAIL
        assert "Run this again" in left.says
        assert left.fix == order(sandbox).deregister.command(Place(REGION, sandbox="healthy"))
        assert carry_out(order(sandbox)).exit_code == 0
        assert tags_of(sandbox) == TAGS


def test_a_name_that_was_registered_in_between_with_the_same_arn_is_well() -> None:
    with place() as sandbox:
        work = order(sandbox)
        once: list[int] = []

        def rival(**_: Any) -> None:
            if not once:
                once.append(1)
                sandbox.account.state(REGION).register("web-03", sandboxed.DAY, session=WEB_03.arn)

        work.aws.client("codedeploy").meta.events.register("before-call.*.RegisterOnPremisesInstance", rival)
        report = carry_out(work)
        assert once
        assert "InstanceNameAlreadyRegisteredException" in said(report, "registration-is-made").says
        assert report.exit_code == 0
        assert tags_of(sandbox) == TAGS


# The undo fails, too


def test_when_the_undo_is_refused_it_says_what_is_left_and_how_to_take_it_back() -> None:
    with place() as sandbox:
        report = carried_out(sandbox, Fault(ADD, DENIED), Fault(DEREGISTER, DENIED))
        assert steps(report)["registration-is-taken-back"] is FAIL
        left = said(report, "nothing-is-left-behind")
        assert left.verdict is FAIL
        assert left.says == f"Left behind: web-03 is registered as {WEB_03.arn}, by this run, with no tags."
        assert left.fix == order(sandbox).deregister.command(Place(REGION, sandbox="healthy"))
        assert tags_of(sandbox) == {}


def test_the_registration_is_taken_back_though_its_tags_cannot_be() -> None:
    with place() as sandbox:
        report = carried_out(sandbox, Fault(REMOVE, DENIED), lost=ADD_TAGS)
        assert steps(report)["tags-are-taken-back"] is FAIL
        assert steps(report)["registration-is-taken-back"] is OK
        assert tags_of(sandbox) is None


def test_when_tags_and_registration_stay_both_are_shown() -> None:
    with place() as sandbox:
        report = carried_out(sandbox, Fault(REMOVE, DENIED), Fault(DEREGISTER, DENIED), lost=ADD_TAGS)
        left = said(report, "nothing-is-left-behind")
        assert "with Name=web-03, Environment=production" in left.says
        work = order(sandbox)
        assert (
            left.fix
            == f"{work.remove(TAGS).command(work.aws.place)}; {work.deregister.command(work.aws.place)}"
        )


def test_when_nothing_can_be_checked_any_more_it_says_what_may_be_left() -> None:
    with place() as sandbox:
        gone = Fault(GET, Reset())
        work = order(sandbox)

        def out(**_: Any) -> None:
            sandbox.app.set_faults([gone, Fault(DEREGISTER, Reset())])

        work.aws.client("codedeploy").meta.events.register("after-call.*.RegisterOnPremisesInstance", out)
        report = carry_out(work)
        left = said(report, "nothing-is-left-behind")
        assert left.verdict is UNKNOWN
        assert f"By this run web-03 may be registered as {WEB_03.arn}." in left.says
        assert left.fix == work.deregister.command(work.aws.place)
        assert tags_of(sandbox) == {}


def test_the_stop_button_leaves_no_half_registration() -> None:
    with place() as sandbox:
        work = order(sandbox)

        def stop(**_: Any) -> None:
            raise KeyboardInterrupt

        work.aws.client("codedeploy").meta.events.register("before-call.*.AddTagsToOnPremisesInstances", stop)
        report = carry_out(work)
        assert said(report, "tags-are-added").says.startswith("Interrupted")
        assert steps(report)["registration-is-taken-back"] is OK
        assert tags_of(sandbox) is None
