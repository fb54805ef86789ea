"""One API that hangs costs exactly the checks that need its answer, whichever of them asks first.

Tested for every API that ``observed.json`` names, in a whole diagnosis that a person would start.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from codedeploy_sandbox.scenarios.helpers import EC2

from runbooks import policy
from runbooks.aws.session import Aws
from runbooks.diagnosis import diagnose
from runbooks.findings import UNKNOWN, Finding
from runbooks.question import Question
from tests.support.world import EVERYTHING, PATIENT, asked, world

APIS = sorted({api for row in policy.observed().values() for api in row["calls"]})
# The scenario and the instance for which an API is called, where that is not web-01 in a healthy account.
ELSEWHERE = {
    **dict.fromkeys(
        (
            *("autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeLifecycleHooks"),
            *("cloudwatch:DescribeAlarms", "elbv2:DescribeTargetGroups", "elbv2:DescribeTargetHealth"),
            *(
                "autoscaling:DescribeScalingActivities",
                "codedeploy:ListApplications",
                "sns:GetTopicAttributes",
            ),
        ),
        ("group-healthy", "web-01"),
    ),
    "elb:DescribeLoadBalancers": ("group-load-balancer-missing", "web-01"),
    "elb:DescribeInstanceHealth": ("group-classic-not-registered", "web-01"),
    "elbv2:DescribeTargetGroupAttributes": ("group-targets-draining", "web-01"),
    "codedeploy:BatchGetDeploymentGroups": ("group-hook-left-over", "web-01"),
    "codedeploy:ListDeploymentGroups": ("group-hook-left-over", "web-01"),
    "kms:DescribeKey": ("bucket-key-disabled", "web-01"),
    "iam:GetInstanceProfile": ("ec2-healthy", EC2),
    "iam:GetUser": ("healthy", "batch-01"),  # it is registered by IAM user
    "iam:ListAccessKeys": ("healthy", "batch-01"),
    "codedeploy:ListDeployments": ("deployment-queued", "web-01"),
    "codedeploy:GetDeploymentConfig": ("deployment-configuration-gone", "web-01"),
}


def place(api: str) -> tuple[str, str]:
    """The scenario and the instance for which this API is called."""
    return ELSEWHERE.get(api, ("no-route" if api.startswith("ec2:") else "healthy", "web-01"))


LONGEST = 30  # seconds, where a diagnosis waits for more checks than it should


@dataclass
class World:
    """A sandbox with its session, what is asked there, and what each check finds while nothing hangs."""

    aws: Aws
    question: Question
    usual: Mapping[str, list[Finding]]

    def needing(self, api: str) -> set[str]:
        """The checks that called this API, or got a fact for which it was called."""
        return {
            id_ for id_, found in self.usual.items() if any(c.api == api for one in found for c in one.proof)
        }


def ask(aws: Aws, question: Question, stop_with: int) -> Mapping[str, list[Finding]]:
    """A whole diagnosis, which is interrupted once so many checks are left."""

    @contextmanager
    def shown() -> Iterator[Any]:
        def tell(done: int, total: int) -> None:
            if stop_with and total - done == stop_with:
                raise KeyboardInterrupt

        yield tell

    report = diagnose(aws, timeout=LONGEST, progress=shown, **asked(question))
    return {check.id: found for check, found in report.results.items()}


@contextmanager
def hanging(aws: Aws, api: str) -> Iterator[None]:
    """Hold every request of this API until the end."""
    service, operation = api.split(":")
    released = threading.Event()

    def hold(**_: object) -> None:
        released.wait()
        raise ConnectionError  # it is not sent any more

    events, name = aws.client(service).meta.events, f"before-send.*.{operation}"
    events.register_first(name, hold)
    try:
        yield
    finally:
        released.set()
        events.unregister(name, hold)


def shape(found: Mapping[str, list[Finding]], without: set[str]) -> dict[str, list[tuple[str, str]]]:
    return {
        id_: [(one.verdict.name, one.code) for one in list_]
        for id_, list_ in found.items()
        if id_ not in without
    }


@pytest.mark.parametrize(("scenario", "instance"), sorted({place(api) for api in APIS}))
def test_one_api_that_hangs_costs_only_the_checks_that_need_it(scenario: str, instance: str) -> None:
    arn = EVERYTHING.arn if instance == EVERYTHING.instance else ""
    question = replace(EVERYTHING, instance=instance, arn=arn)
    with world(scenario, config=PATIENT) as (aws, _):
        here = World(aws, question, ask(aws, question, stop_with=0))
        for api in (api for api in APIS if place(api) == (scenario, instance)):
            assert costs(api, here) == here.needing(api) != set(), api


def costs(api: str, here: World) -> set[str]:
    """The checks that are late while this API hangs. All others find what they usually do."""
    with hanging(here.aws, api):
        found = ask(here.aws, here.question, stop_with=len(here.needing(api)))
    late = {id_ for id_, list_ in found.items() if list_[-1].code == f"{id_}/late"}
    assert late <= {id_ for id_, row in policy.observed().items() if api in row["calls"]}
    for id_ in late:
        assert found[id_][-1].verdict is UNKNOWN
        assert "still waiting for" in found[id_][-1].says
    assert shape(found, without=late) == shape(here.usual, without=late)
    return late
