"""`runbooks why --watch`: asks again until a deployment has ended."""

import time
from collections.abc import Callable

from runbooks.aws import Aws
from runbooks.checks.deployment import deployment_succeeded
from runbooks.engine import run
from runbooks.question import Question

EVERY = 15  # seconds: the delay of botocore's waiter for a deployment
MOST_FAILURES = 3  # answers one after the other that did not come, before the report says why


def watch(
    aws: Aws, deployment: str, show: Callable[[str], None], pause: Callable[[float], object] = time.sleep
) -> None:
    """Ask every `EVERY` seconds, and ``show`` each answer, until the deployment has ended or a reader interrupts.

    It also ends once no answer came several times: the report that follows asks again, and says why.
    """
    failures = 0
    try:
        while failures < MOST_FAILURES:
            said = run(deployment_succeeded, aws, Question(deployment=deployment))[0]
            if said.code.endswith("/could-not-check"):
                failures += 1
            elif said.code.endswith("/not-ended"):
                failures = 0
            else:
                return
            show(said.says)
            pause(EVERY)
    except KeyboardInterrupt:
        return
