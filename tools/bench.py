"""`make bench`: what a diagnosis costs, against the same calls made by bare boto3, in one run.

Prints the ratio of the medians. The sandbox answers both; the calls of a diagnosis are replayed one after
the other, as a script would make them, so a ratio below 1 is what asking side by side gains.
"""

import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from botocore import xform_name

from runbooks.aws import connect
from runbooks.aws.session import Aws
from runbooks.diagnosis import diagnose
from runbooks.facts.host_report import _PAUSES

ROUNDS = 9
ASKED: dict[str, Any] = {"instance": "web-01", "deployment_group": "shop/web", "bucket": "shop-revisions"}


def main() -> None:
    """Measure and print."""
    aws = connect("sandbox:healthy")
    made = _record(aws)
    bare = _median(lambda: _replay(aws, made))
    whole = _median(lambda: diagnose(aws, **ASKED))
    print(f"{len(made)} calls; bare boto3 {bare * 1000:.0f} ms, diagnosis {whole * 1000:.0f} ms")
    print(f"ratio {whole / bare:.2f} (the bar is 1.25)")


def _record(aws: Aws) -> list[tuple[str, str, dict[str, Any]]]:
    """The calls of one diagnosis: service, operation, parameters."""
    made: list[tuple[str, str, dict[str, Any]]] = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        made.append((model.service_model.service_name, model.name, dict(params)))

    services = ("codedeploy", "cloudtrail", "sts", "ssm", "iam", "ec2", "s3")
    for service in services:
        aws.client(service).meta.events.register_first("provide-client-params", note)
    diagnose(aws, **ASKED)
    for service in services:
        aws.client(service).meta.events.unregister("provide-client-params", note)
    return made


def _replay(aws: Aws, made: list[tuple[str, str, dict[str, Any]]]) -> None:
    for service, operation, params in made:
        if operation == "GetCommandInvocation":  # of the command that was sent when the calls were recorded
            continue
        answer = getattr(aws.client(service), xform_name(operation))(**params)
        if operation == "SendCommand":
            _wait(aws.client(service), answer["Command"]["CommandId"], params["InstanceIds"][0])


def _wait(ssm: Any, command: str, node: str) -> None:
    """Ask as the diagnosis does until the probe is done, with the same pauses."""
    for pause in _PAUSES:
        time.sleep(pause)
        with suppress(ssm.exceptions.InvocationDoesNotExist):
            if ssm.get_command_invocation(CommandId=command, InstanceId=node)["Status"] == "Success":
                return
    raise RuntimeError("the probe did not end")


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    main()
