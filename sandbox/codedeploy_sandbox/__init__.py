"""An embedded AWS for runbooks, tests and readers: CodeDeploy's on-premises operations in front of moto.

It is a sandbox, not AWS. What it does is taken from botocore's service model and from AWS's documentation; where
neither says what AWS does, it follows an assumption, and `assumptions.py` lists them all. Any client that can be given
an endpoint reaches it over the wire, as it reaches AWS: boto3, the `aws` command line, an SDK.

    with serve("bad-filter") as sandbox:
        boto3.client("codedeploy", endpoint_url=sandbox.endpoint, ...)

It listens on loopback only. It verifies no signature and keeps everything in memory.
"""

from codedeploy_sandbox.assumptions import ASSUMPTIONS
from codedeploy_sandbox.faults import Cut, Delay, Error, Fault, Hang, Http, Pass, Reset
from codedeploy_sandbox.scenarios import SCENARIOS
from codedeploy_sandbox.server import Sandbox, serve

__all__ = [
    "ASSUMPTIONS",
    "SCENARIOS",
    "Cut",
    "Delay",
    "Error",
    "Fault",
    "Hang",
    "Http",
    "Pass",
    "Reset",
    "Sandbox",
    "serve",
]
