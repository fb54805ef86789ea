"""A registration in the sandbox, and what came of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.config import Config
from botocore.exceptions import ReadTimeoutError
from codedeploy_sandbox import Error, Fault, Sandbox, serve
from codedeploy_sandbox.scenarios import find
from codedeploy_sandbox.state import ACCOUNT, REGION, Account

from runbooks.aws import sandboxed
from runbooks.aws.clients import USER_AGENT, Clients
from runbooks.aws.session import Aws
from runbooks.findings import Finding, Verdict
from runbooks.host import probe_script
from runbooks.question import Question
from runbooks.register import OWN_PREFLIGHT, PREFLIGHT, Registration, allowed_changes, carry_out
from runbooks.report import Report
from tests.support import ROOT
from tests.support.findings import assert_sound
from tests.support.world import PATIENT

SESSIONS = f"arn:aws:sts::{ACCOUNT}:assumed-role/CodeDeployOnPremises"
WEB_03 = Question(instance="web-03", arn=f"{SESSIONS}/web-03")
TAGS = {"Name": "web-03", "Environment": "production"}
NOTEBOOK = ROOT / "notebooks" / "register.ipynb"
CHANGES = {
    "RegisterOnPremisesInstance",
    "AddTagsToOnPremisesInstances",
    "RemoveTagsFromOnPremisesInstances",
    "DeregisterOnPremisesInstance",
}
DENIED = Error("AccessDeniedException", "User: x is not authorized to perform it")
ADD_TAGS = "AddTagsToOnPremisesInstances"
ADD, GET = f"codedeploy:{ADD_TAGS}", "codedeploy:GetOnPremisesInstance"
REGISTER, DEREGISTER, REMOVE = "codedeploy:Register*", "codedeploy:Deregister*", "codedeploy:RemoveTags*"
Change = Callable[[Account], Any]


@contextmanager
def place(change: Change = lambda account: None) -> Iterator[Sandbox]:
    """The healthy sandbox, in which one thing was changed."""

    def changed(account: Account) -> None:
        find("healthy")(account)
        change(account)

    with serve(changed, clock=sandboxed.DAY, probe=probe_script()) as sandbox:
        yield sandbox


def order(
    sandbox: Sandbox,
    question: Question = WEB_03,
    tags: dict[str, str] = TAGS,
    *,
    apply: bool = True,
    accept: tuple[str, ...] = (),
) -> Registration:
    """A registration as `prepare` gives it, in a sandbox of this process."""
    about = sandbox.address()
    aws = Aws(
        Clients(
            sandboxed.session(about, about["region"]),
            endpoint=sandbox.endpoint,
            allowed=allowed_changes(question, tags) if apply else {},
            config=PATIENT.merge(Config(user_agent_extra=USER_AGENT)),
        ),
        target="sandbox:healthy",
        now=lambda: sandboxed.DAY,
    )
    return Registration(aws, question, tags, accept)


def verdicts(report: Report) -> dict[str, Verdict]:
    for finding in report.findings:
        assert_sound(finding)
    return {check.id: verdict for check, verdict, _ in report.checks}


def steps(report: Report) -> dict[str, Verdict]:
    """The verdicts without those of the pre-flight."""
    return {name: v for name, v in verdicts(report).items() if name not in PREFLIGHT + OWN_PREFLIGHT}


def said(report: Report, check: str) -> Finding:
    (finding,) = next(found for one, found in report.results.items() if one.id == check)
    return finding


def since(sandbox: Sandbox) -> list[Any]:
    """The calls of the registration, in order, without the sandbox's history."""
    return [call for call in sandbox.account.journal if USER_AGENT in call.user_agent]


def sent(sandbox: Sandbox) -> list[str]:
    """The changes that were done, in order."""
    return [call.operation for call in since(sandbox) if call.operation in CHANGES and not call.error]


def tags_of(sandbox: Sandbox, name: str = "web-03") -> dict[str, str] | None:
    instance = sandbox.account.state(REGION).registered(name)
    return dict(instance.tags) if instance else None


def carried_out(sandbox: Sandbox, *faults: Fault, lost: str = "") -> Report:
    """What comes of it under these faults, and where the answer to one operation, which is done, gets lost."""
    work = order(sandbox)

    def lose(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url=sandbox.endpoint)

    if lost:
        work.aws.client("codedeploy").meta.events.register(f"after-call.*.{lost}", lose)
    sandbox.app.set_faults(faults)
    report = carry_out(work)
    sandbox.app.set_faults([])
    return report
