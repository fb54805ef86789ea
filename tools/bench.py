"""`make bench`: what the commands and a diagnosis cost, as ratios within one run.

A command is compared with a Python that does nothing; a diagnosis with the same calls made by bare boto3, one after
the other, as a script would make them, so a ratio below 1 is what asking side by side gains. The sandbox answers both,
once at its own pace (a few milliseconds, which shows what the checks themselves cost) and once as late as AWS answers
over a network, which is what a user waits for.
The script of the box reads 1 MB, which is compared with one regular expression that only finds the words in it.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore import xform_name
from codedeploy_sandbox import Fault, serve
from codedeploy_sandbox.faults import Delay

from runbooks.aws import connect, sandboxed
from runbooks.aws.clients import Clients
from runbooks.aws.session import Aws
from runbooks.decoder.index import document
from runbooks.diagnosis import diagnose, why
from runbooks.facts.host_report import _PAUSES
from runbooks.host import probe_script
from runbooks.host.probe import ProbeBy

DECODER = Path(__file__).resolve().parent.parent / "docs" / "assets" / "javascripts" / "decode.js"
ROUNDS = 9
ASKED: dict[str, Any] = {"instance": "web-01", "deployment_group": "shop/web", "bucket": "shop-revisions"}
NAMES = 10_000
NETWORK = 0.02  # seconds that an answer takes on its way; a service of AWS in another Region takes longer
COMMANDS = (
    ["--help"],
    ["explain", "InstanceNotRegisteredException"],
    ["run", "no-such-runbook"],
    ["diagnose", "--help"],
)
_PASTE = 1_000_000  # characters
_POLLED = (
    "2026-05-14T09:13:18 INFO  [codedeploy-agent(4711)]: [Aws::CodeDeployCommand::Client 200 45.434682 0 retries] "
    'poll_host_command(host_identifier:"arn:aws:iam::111122223333:user/web-01")\n'
)
# Prints the processor's seconds of the decoder and of the words alone, each the median of some rounds after a first one.
_BOX = """
const decoder = require(process.argv[1]);
const { document, text } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const index = decoder.load(document);
const took = (work) => {
  const times = [];
  for (let round = 0; round < 10; round += 1) {
    const start = process.cpuUsage();
    work();
    times.push(process.cpuUsage(start).user);
  }
  return times.slice(1).sort((a, b) => a - b)[4] / 1_000_000;
};
const words = () => { for (const found of text.matchAll(/[A-Za-z0-9_]+/g)) if (!found) return; };
console.log(took(() => decoder.decode(index, text)), took(words));
"""
_SESSION = "arn:aws:sts::111122223333:assumed-role/CodeDeployOnPremises"
_BARE_READING = """
import boto3
codedeploy = boto3.client("codedeploy")
pages = codedeploy.get_paginator("list_on_premises_instances").paginate(registrationStatus="Registered")
names = [name for page in pages for name in page["instanceNames"]]
for at in range(0, len(names), 25):
    codedeploy.batch_get_on_premises_instances(instanceNames=names[at : at + 25])
"""

# Linux counts the memory of the process that starts another to the other's peak, so a small one starts them.
_LAUNCHER = """
import os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
if os.waitstatus_to_exitcode(status) not in (0, 64):  # 64: the wrong name
    sys.exit(f"{sys.argv[1:]} failed")
print(time.perf_counter() - start, used.ru_maxrss)
"""


def main() -> None:
    """Measure and print one table: what, its median, what it is compared with, the ratio."""
    nothing = _process(["-c", "pass"])[0]
    for command in COMMANDS:
        seconds, memory = _process(["-m", "runbooks", *command])
        _row(f"runbooks {' '.join(command)}", seconds, "python -c pass", nothing, f"{memory:.0f} MiB")
    _against_bare("healthy", "a diagnosis", lambda asked: diagnose(asked, **ASKED))
    _against_bare("deployment-script-failed", "why", lambda asked: why(asked, "d-SHOPWEB01"))
    _reading_all_names()
    _box()


def _box() -> None:
    """The browser's script on 1 MB of a log that is well, and on 1 MB of nothing but words that lead to a pattern."""
    node = shutil.which("node")
    if not node:
        print("the box: node is not on PATH, so this was not measured")
        return
    errors = json.loads(document())
    leading = {word for row in errors["entries"] for item in row.get("match", ()) for word in item["words"]}
    texts = {"a log": _POLLED, "words that lead to patterns": " ".join(sorted(leading)) + " "}
    for name, piece in texts.items():
        text = (piece * (_PASTE // len(piece) + 1))[:_PASTE]
        given = json.dumps({"document": errors, "text": text})
        done = subprocess.run(
            [node, "-e", _BOX, str(DECODER)], input=given, stdout=subprocess.PIPE, text=True, check=True
        )
        seconds, words = map(float, done.stdout.split())
        _row(f"the box, 1 MB of {name}", seconds, "a regex for its words", words, "the bar is 0.1 s")


def _against_bare(scenario: str, what: str, work: Callable[[Aws], object]) -> None:
    _compared(connect(f"sandbox:{scenario}"), what, work, "")
    with serve(scenario, faults=[Fault("*", Delay(NETWORK))], probe=probe_script()) as sandbox:
        about = sandbox.address()
        aws = Aws(
            Clients(
                sandboxed.session(about, about["region"]),
                endpoint=sandbox.endpoint,
                allowed={"ssm:SendCommand": ProbeBy()},
            )
        )
        _compared(aws, f"{what}, {NETWORK * 1000:.0f} ms away", work, "the bar is 1.25")


def _compared(aws: Aws, what: str, work: Callable[[Aws], object], note: str) -> None:
    made = _record(aws, work)
    bare = _median(lambda: _replay(aws, made))
    whole = _median(lambda: work(aws))
    _row(what, whole, f"its {len(made)} calls by boto3", bare, note)


def _reading_all_names() -> None:
    """A check that reads every registered name, against a script that makes the same calls; whole processes."""
    with serve("healthy") as sandbox:
        state = sandbox.account.state("eu-west-1")
        for number in range(NAMES):
            state.register(
                f"n-{number}", state.instances["web-01"].registered, session=f"{_SESSION}/n-{number}"
            )
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ENDPOINT_URL": sandbox.endpoint,
            "AWS_ACCESS_KEY_ID": "ASIASANDBOXCALLER000",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }
        bare, least = _process(["-c", _BARE_READING], environment, rounds=3)
        asked = ["diagnose", "--check", "arn-is-free", "--arn", f"{_SESSION}/free"]
        whole, memory = _process(["-m", "runbooks", *asked], environment, rounds=3)
    note = f"{memory:.0f} MiB against {least:.0f}; the bars are 1.25 and 100 MiB"
    _row(f"reading {NAMES:,} names", whole, "its calls by boto3", bare, note)


def _row(what: str, seconds: float, against: str, other: float, note: str) -> None:
    print(f"{what:48}{seconds:8.3f} s  {against:28}{other:8.3f} s  ratio {seconds / other:6.2f}  {note}")


def _process(
    arguments: list[str], environment: dict[str, str] | None = None, rounds: int = ROUNDS
) -> tuple[float, float]:
    """The median time of a Python process in seconds, and the most memory that it took in MiB."""
    times, memory = [], 0
    for _ in range(rounds):
        command = [sys.executable, "-c", _LAUNCHER, sys.executable, *arguments]
        shown = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
        seconds, most = shown.split()
        times.append(float(seconds))
        memory = max(memory, int(most))  # KiB on Linux
    return statistics.median(times), memory / 1024


def _record(aws: Aws, work: Callable[[Aws], object]) -> list[tuple[str, str, dict[str, Any]]]:
    """The calls of one piece of work: service, operation, parameters."""
    made: list[tuple[str, str, dict[str, Any]]] = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        made.append((model.service_model.service_name, model.name, dict(params)))

    services = ("codedeploy", "cloudtrail", "sts", "ssm", "iam", "ec2", "s3")
    for service in services:
        aws.client(service).meta.events.register_first("provide-client-params", note)
    work(aws)
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
