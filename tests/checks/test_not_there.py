"""A group, an application or a name that is not there is said once, with what there is of a similar name."""

from typing import Any

import pytest
from codedeploy_sandbox import Error, Fault

from runbooks import diagnose
from runbooks.findings import FAIL
from runbooks.report import Report
from tests.support.world import PATIENT, world


def asked(faults: tuple[Fault, ...] = (), **about: Any) -> Report:
    with world("healthy", faults, config=PATIENT) as (aws, _):
        return diagnose(aws, **about)


@pytest.mark.parametrize(
    ("group", "says"),
    [
        ("shop/wob", "The application shop has no deployment group wob in eu-west-1: "),
        ("shap/web", "There is no application shap in eu-west-1: "),
    ],
)
def test_it_is_one_block_with_a_similar_name(group: str, says: str) -> None:
    report = asked(deployment_group=group)
    (block,) = report.contents.problems
    assert block.says[0] == f"There is no {group}. A similar name is there: shop/web."
    assert block.fix.startswith("Ask about shop/web")
    assert block.below[0][0].startswith(says)
    assert report.exit_code == 1


def test_a_name_that_is_like_no_other_has_no_suggestion() -> None:
    (block,) = asked(deployment_group="payments/live").contents.problems
    assert not block.below


def test_what_may_not_be_listed_leaves_the_rest() -> None:
    denied = Fault("codedeploy:List*", Error("AccessDeniedException", "no", 400))
    report = asked((denied,), deployment_group="shop/wob")
    (block,) = report.contents.problems
    assert (block.verdict, block.below) == (FAIL, ())


def test_an_unknown_name_is_one_block_without_an_arn_that_was_not_given() -> None:
    blocks = [one for one in asked(instance="web-77").contents.problems if one.verdict is FAIL]
    assert [one.says[0].partition(":")[0] for one in blocks] == ["web-77 is not registered in eu-west-1"]
    assert "was not given" not in str(blocks[0].below)
    assert "--arn" in str(blocks[0].below)
