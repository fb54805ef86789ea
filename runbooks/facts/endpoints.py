"""How AWS's endpoints answer this machine, without a signature."""

from runbooks.aws import Aws
from runbooks.aws.endpoint import EndpointAnswer

_SERVICES = ("codedeploy", "sts", "ssm")  # registration, identity, and the way to the host


def each_endpoint(aws: Aws) -> list[EndpointAnswer]:
    """One answer of each endpoint; several services may share one."""
    return list({answer.url: answer for answer in map(aws.endpoint, _SERVICES)}.values())
