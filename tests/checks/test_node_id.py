"""An instance that is asked about by the id of its managed node."""

from codedeploy_sandbox.scenarios.helpers import NODE

from runbooks import diagnose
from runbooks.findings import FAIL, OK, WARN
from tests.support.world import PATIENT, world


def test_the_host_is_checked_and_the_registered_name_is_said() -> None:
    with world("healthy", config=PATIENT) as (aws, _):
        report = diagnose(aws, instance=NODE, checks=["instance-is-registered", "agent-is-running"])
    registered, running = report.results.values()
    assert registered[0].verdict is WARN
    assert f"{NODE} is the id of a managed node. Its name web-01 is registered as arn:" in registered[0].says
    assert running[0].verdict is OK


def test_a_node_whose_names_are_not_registered_is_said_to_be_so() -> None:
    with world("instance-not-registered", config=PATIENT) as (aws, _):
        report = diagnose(aws, instance=NODE, checks="instance-is-registered")
    (found,) = report.results.values()
    assert found[0].verdict is FAIL
    assert "neither it nor its name" in found[0].says


def test_an_id_that_no_node_has_is_not_registered() -> None:
    with world("healthy", config=PATIENT) as (aws, _):
        report = diagnose(aws, instance="mi-0a1b2c3d4e5f6ffff", checks="instance-is-registered")
    (found,) = report.results.values()
    assert found[0].says.startswith("mi-0a1b2c3d4e5f6ffff is not registered in eu-west-1")
