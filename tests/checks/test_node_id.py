"""An instance that is asked about by the id of its managed node."""

from codedeploy_sandbox import Error, Fault
from codedeploy_sandbox.scenarios.helpers import NODE

from runbooks import diagnose
from runbooks.findings import FAIL, OK, UNKNOWN, WARN
from tests.support.world import PATIENT, world


def test_the_host_is_checked_and_the_registered_name_is_said() -> None:
    with world("healthy", config=PATIENT) as (aws, _):
        report = diagnose(aws, instance=NODE, checks=["instance-is-registered", "agent-is-running"])
    registered, running = report.results.values()
    assert registered[0].verdict is WARN
    assert "It has the form of a managed node's id." in registered[0].says
    assert registered[1].verdict is WARN
    assert f"The name of {NODE}, web-01, is registered as arn:" in registered[1].says
    assert running[0].verdict is OK


def test_a_node_whose_names_are_not_registered_is_said_to_be_so() -> None:
    with world("instance-not-registered", config=PATIENT) as (aws, _):
        report = diagnose(aws, instance=NODE, checks="instance-is-registered")
    (found,) = report.results.values()
    assert [one.verdict for one in found] == [WARN, FAIL]
    assert "Nor is the name of" in next(one.says for one in found if one.verdict is FAIL)


def test_that_the_id_is_not_registered_is_said_where_the_nodes_cannot_be_read() -> None:
    fault = Fault("ssm:DescribeInstanceInformation", Error("InternalServerError", "", 500))
    with world("healthy", [fault]) as (aws, _):
        report = diagnose(aws, instance=NODE, checks="instance-is-registered")
    (found,) = report.results.values()
    assert [one.verdict for one in found] == [WARN, UNKNOWN]
    assert f"{NODE} is not registered in eu-west-1" in found[0].says


def test_an_id_that_no_node_has_is_not_registered() -> None:
    with world("healthy", config=PATIENT) as (aws, _):
        report = diagnose(aws, instance="mi-0a1b2c3d4e5f6ffff", checks="instance-is-registered")
    (found,) = report.results.values()
    assert found[0].says.startswith("mi-0a1b2c3d4e5f6ffff is not registered in eu-west-1")
