"""The recipes of docs/develop/recipes.md: in Python, shell and JavaScript, run against the sandbox. Java: test_java.py."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from codedeploy_sandbox import Error, Fault, Sandbox, serve
from codedeploy_sandbox.hosts.bundle import zipped

from runbooks.aws import sandboxed
from tests.support import DOCS
from tests.support.clients import cli_2, javascript, needs_cli_2, needs_javascript
from tests.support.sandbox import aws as aws_cli
from tests.support.sandbox import client, environment_for

RECIPES = DOCS / "snippets" / "recipes"
PAGES = (DOCS / "develop" / "recipes.md", DOCS / "develop" / "recipes-java.md")
BIN = Path(sys.executable).parent
ANY = "AKIAADMINISTRATOR000"  # a key that the sandbox does not know may do all
ONE_PAGE = 100  # names that the sandbox gives in an answer
ROLE = "arn:aws:sts::111122223333:assumed-role/CodeDeployOnPremises"


@contextmanager
def world(scenario: str = "healthy", *faults: Fault) -> Iterator[tuple[Sandbox, dict[str, str]]]:
    """A sandbox, and the environment of a client that may do all in it."""
    with serve(scenario, clock=sandboxed.DAY, faults=faults) as sandbox:
        environment = environment_for(sandbox.address() | {"access_key_id": ANY})
        yield sandbox, environment | {"AWS_REGION": environment["AWS_DEFAULT_REGION"]}


def codedeploy(sandbox: Sandbox) -> Any:
    return client(sandbox, "codedeploy", aws_access_key_id=ANY)


def load(program: str) -> Any:
    spec = importlib.util.spec_from_file_location(Path(program).stem, RECIPES / program)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shell(
    program: str, *arguments: str, env: dict[str, str], aws: Path = BIN, given: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", RECIPES / program, *arguments],
        env=env | {"PATH": f"{aws}{os.pathsep}{env['PATH']}"},
        input=given,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def script(program: str, calls: str, env: dict[str, str]) -> list[Any]:
    """What the calls of a recipe in JavaScript give, or the text of what they throw, one after another."""
    source = (RECIPES / program).read_text(encoding="utf-8")
    done = javascript(
        f"""{source}
        import {{ CodeDeployClient as Client }} from "@aws-sdk/client-codedeploy";
        const print = (value) => console.log(JSON.stringify(value ?? null));
        const failed = (error) => print({{ [error.name]: error.message }});
        const aws = new Client({{}});
        for (const call of [{calls}]) await call().then(print, failed);""",
        env,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


# --- register ------------------------------------------------------------------------------------

CALLS = [  # name, session, whether it is new; None: refused, as the name or the ARN is another's
    ("new-01", "new-01", True),
    ("new-01", "new-01", False),
    ("new-01", "other", None),
    ("new-02", "new-01", None),
    ("old-01", "old-01", True),  # deregistered before
]


def test_registering_twice_changes_nothing() -> None:
    with world() as (sandbox, _):
        aws, recipe = codedeploy(sandbox), load("register.py")
        for name, session, new in CALLS:
            if new is None:
                with pytest.raises(ClientError, match="AlreadyRegisteredException"):
                    recipe.register(aws, name, f"{ROLE}/{session}")
            else:
                assert recipe.register(aws, name, f"{ROLE}/{session}") is new


def test_the_shell_registers_alike() -> None:
    with world() as (_, env):
        for name, session, new in CALLS:
            done = shell("register.sh", name, f"{ROLE}/{session}", env=env)
            if new is None:
                assert done.returncode == 1
                assert "AlreadyRegisteredException" in done.stderr
            else:
                said = "registered now" if new else "registered already"
                assert (done.returncode, said in done.stdout) == (0, True), done.stderr


@needs_cli_2
def test_the_command_line_2_registers_alike() -> None:
    with world() as (_, env):
        for said in ("now", "already"):
            done = shell("register.sh", "new-01", f"{ROLE}/new-01", env=env, aws=cli_2())
            assert done.stdout == (
                "new-01 is registered now\n" if said == "now" else "new-01 was registered already\n"
            )


@needs_javascript
def test_javascript_registers_alike() -> None:
    with world() as (_, env):
        calls = ", ".join(f'() => register(aws, "{name}", "{ROLE}/{session}")' for name, session, _ in CALLS)
        for (_, _, new), given in zip(CALLS, script("register.mjs", calls, env), strict=True):
            assert given == new if new is not None else "AlreadyRegisteredException" in next(iter(given))


def test_another_error_of_a_registration_is_not_hidden() -> None:
    denied = Fault("codedeploy:RegisterOnPremisesInstance", Error("AccessDeniedException", "no", 400))
    with world("healthy", denied) as (sandbox, env):
        with pytest.raises(ClientError, match="AccessDenied"):
            load("register.py").register(codedeploy(sandbox), "new-01", f"{ROLE}/new-01")
        done = shell("register.sh", "new-01", f"{ROLE}/new-01", env=env)
        assert (done.returncode, "(AccessDeniedException)" in done.stderr) == (1, True)


# --- batch get -----------------------------------------------------------------------------------


def registered(sandbox: Sandbox, count: int) -> list[str]:
    names = [f"host-{number:03}" for number in range(count)]
    for name in names:
        codedeploy(sandbox).register_on_premises_instance(instanceName=name, iamSessionArn=f"{ROLE}/{name}")
    return names


def sizes(sandbox: Sandbox) -> list[int]:
    """How many names each call of BatchGetOnPremisesInstances asked for."""
    journal = sandbox.account.journal
    calls = [call for call in journal if call.operation == "BatchGetOnPremisesInstances"]
    return [len(call.parameters["instanceNames"]) for call in calls if call.parameters]


@pytest.mark.parametrize(("count", "asked"), [(0, []), (24, [25]), (25, [25, 1]), (51, [25, 25, 2])])
def test_many_are_read_in_chunks_and_the_missing_is_named(count: int, asked: list[int]) -> None:
    with world() as (sandbox, _):
        names = registered(sandbox, count)
        missing = ["gone-01"] if count else []
        found, unknown = load("batch_get.py").instances(codedeploy(sandbox), [*names, *missing, *names])
        assert (list(found), unknown) == (names, missing)
        assert sizes(sandbox) == asked


def test_the_shell_reads_many_alike() -> None:
    with world() as (sandbox, env):
        names = registered(sandbox, 26)
        done = shell("batch_get.sh", env=env, given="\n".join([*names, "gone-01", "gone-02"]) + "\n")
        assert [line.split("\t")[0] for line in done.stdout.splitlines()] == names
        assert (done.returncode, done.stderr) == (1, "not known: gone-01\nnot known: gone-02\n")
        assert sorted(sizes(sandbox)) == [3, 25]
        done = shell("batch_get.sh", env=env, given="\n".join(names))
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("given", "code"), [("", 0), ("gone-01\n", 1)])
def test_the_shell_reads_none(given: str, code: int) -> None:
    with world() as (_, env):
        done = shell("batch_get.sh", env=env, given=given)
        assert (done.returncode, done.stdout.strip()) == (code, "")


@needs_javascript
def test_javascript_reads_many_alike() -> None:
    with world() as (sandbox, env):
        names = registered(sandbox, 26)
        wanted = json.dumps([*names, "gone-01", *names])
        calls = f"() => instances(aws, {wanted}).then(({{ found, missing }}) => [[...found.keys()], missing])"
        assert script("batch_get.mjs", calls, env) == [[names, ["gone-01"]]]
        assert sizes(sandbox) == [25, 2]


# --- by status -----------------------------------------------------------------------------------

STATUSES = {
    "Registered": ["batch-01", "web-01", "web-02"],
    " registered\r\n": ["batch-01", "web-01", "web-02"],
    "DEREGISTERED": ["old-01"],
    "": ["batch-01", "old-01", "web-01", "web-02"],
}
WRONG = ["All", "Registering", "Registered,Deregistered"]


def test_a_status_is_checked_before_it_is_sent() -> None:
    with world("bad-filter") as (sandbox, _):
        aws, names = codedeploy(sandbox), load("by_status.py").names
        for status, expected in STATUSES.items():
            assert names(aws, status) == expected
        assert names(aws, None) == names(aws) == STATUSES[""]
        before = len(sandbox.account.journal)
        for status in WRONG:
            with pytest.raises(ValueError, match="no registration status"):
                names(aws, status)
        assert len(sandbox.account.journal) == before


def test_the_shell_checks_a_status_alike() -> None:
    with world("bad-filter") as (_, env):
        for status, expected in STATUSES.items():
            done = shell("by_status.sh", status, env=env)
            assert (done.stdout.split(), done.stderr) == (expected, "")
        for status in WRONG:
            done = shell("by_status.sh", status, env=env)
            assert (done.returncode, done.stderr) == (2, f"no registration status: {status}\n")


@needs_javascript
def test_javascript_checks_a_status_alike() -> None:
    with world("bad-filter") as (_, env):
        calls = ", ".join(f"() => names(aws, {json.dumps(status)})" for status in [*STATUSES, *WRONG])
        given = script("by_status.mjs", calls, env)
        assert given[: len(STATUSES)] == list(STATUSES.values())
        assert given[len(STATUSES) :] == [{"RangeError": f"no registration status: {s}"} for s in WRONG]


def test_every_page_of_a_long_list_is_read() -> None:
    with world() as (sandbox, env):
        registered(sandbox, ONE_PAGE + 1)
        found = load("by_status.py").names(codedeploy(sandbox), "registered")
        assert shell("by_status.sh", "registered", env=env).stdout.split() == found


# --- wait ----------------------------------------------------------------------------------------

ENDS = {
    "deployment-script-failed": ["HEALTH_CONSTRAINTS", "ScriptFailed", "ApplicationStart", "start.sh"],
    "deployment-found-no-instances": ["NO_INSTANCES"],
    "deployment-stopped": ["MANUAL_STOP"],
}


@pytest.mark.parametrize("scenario", ENDS)
def test_a_deployment_that_failed_says_why(scenario: str) -> None:
    with world(scenario) as (sandbox, env):
        recipe = load("wait.py")
        with pytest.raises(recipe.DeploymentFailed) as caught:
            recipe.wait(codedeploy(sandbox), "d-SHOPWEB01", pause=0)
        done = shell("wait.sh", "d-SHOPWEB01", "0", "1", env=env)
        assert done.returncode == 1
        for word in ENDS[scenario]:
            assert word in str(caught.value)
            assert word in done.stderr
        assert "None" not in str(caught.value)


def test_a_deployment_that_succeeded_ends_the_wait() -> None:
    with world("healthy") as (sandbox, env):
        assert load("wait.py").wait(codedeploy(sandbox), "d-SHOPWEB01", pause=0) is None
        assert shell("wait.sh", "d-SHOPWEB01", "0", "1", env=env).returncode == 0


def test_the_wait_ends_though_the_deployment_does_not() -> None:
    with world("deployment-running") as (sandbox, env):
        with pytest.raises(TimeoutError, match="d-SHOPWEB01 is InProgress"):
            load("wait.py").wait(codedeploy(sandbox), "d-SHOPWEB01", seconds=0.2, pause=0.05)
        asked = [call for call in sandbox.account.journal if call.operation == "GetDeployment"]
        assert len(asked) > 1
        done = shell("wait.sh", "d-SHOPWEB01", "0", "2", env=env)
        assert (done.returncode, done.stderr) == (2, "d-SHOPWEB01 has not ended\n")


WEB = {"applicationName": "shop", "deploymentGroupName": "web"}
APPSPEC = "version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: scripts/migrate.sh\n"


def deploy(sandbox: Sandbox, *, broken: bool) -> str:
    """Create a deployment, which the sandbox plays; gives its id. One that is broken names a script that it lacks."""
    where = {"bucket": "shop-revisions", "key": "web/1.4.2.zip", "bundleType": "zip"}
    if broken:
        where["key"] = "web/broken.zip"
        s3 = client(sandbox, "s3", aws_access_key_id=ANY)
        s3.put_object(Bucket=where["bucket"], Key=where["key"], Body=zipped({"appspec.yml": APPSPEC}))
    revision = {"revisionType": "S3", "s3Location": where}
    made: str = codedeploy(sandbox).create_deployment(**WEB, revision=revision)["deploymentId"]
    return made


@pytest.mark.parametrize("broken", [False, True])
def test_a_deployment_is_followed_from_its_creation_to_its_end(broken: bool) -> None:
    """Each question moves the clock of the sandbox on by a second."""
    says = ["HEALTH_CONSTRAINTS", "AfterInstall", "ScriptMissing", "scripts/migrate.sh"]
    with world() as (sandbox, env):
        id_, recipe = deploy(sandbox, broken=broken), load("wait.py")
        first = codedeploy(sandbox).get_deployment(deploymentId=id_)["deploymentInfo"]["status"]
        assert first in ("Created", "InProgress")
        if broken:
            with pytest.raises(recipe.DeploymentFailed) as caught:
                recipe.wait(codedeploy(sandbox), id_, pause=0)
            assert [word for word in [id_, *says] if word not in str(caught.value)] == []
        else:
            assert recipe.wait(codedeploy(sandbox), id_, pause=0) is None
        asked = [call for call in sandbox.account.journal if call.operation == "GetDeployment"]
        assert len(asked) > 3
        again = deploy(sandbox, broken=broken)
        done = shell("wait.sh", again, "0", "60", env=env)
        assert done.returncode == int(broken), done.stderr
        assert [word for word in [again, *says] if broken and word not in done.stderr] == []


@needs_javascript
def test_javascript_follows_a_deployment_alike() -> None:
    with world() as (sandbox, env):
        good = deploy(sandbox, broken=False)
        assert script("wait.mjs", f'() => wait(aws, "{good}", 60, 0)', env) == [None]
        (given,) = script("wait.mjs", f'() => wait(aws, "{deploy(sandbox, broken=True)}", 60, 0)', env)
        assert "ScriptMissing" in given["Error"]


@needs_javascript
@pytest.mark.parametrize("scenario", [*ENDS, "healthy", "deployment-running"])
def test_javascript_waits_alike(scenario: str) -> None:
    with world(scenario) as (_, env):
        (given,) = script("wait.mjs", '() => wait(aws, "d-SHOPWEB01", 0.2, 0.05)', env)
    if scenario == "healthy":
        assert given is None
    else:
        for word in ENDS.get(scenario, ["InProgress"]):
            assert word in given["Error"]


# --- retry ---------------------------------------------------------------------------------------

THROTTLED = Fault("codedeploy:ListApplications", Error("ThrottlingException", "Rate exceeded", 400), times=2)
INVALID = {"registrationStatus": "All"}


def tries(sandbox: Sandbox, operation: str) -> int:
    return sum(call.operation == operation for call in sandbox.account.journal)


def test_throttling_is_tried_again_and_a_wrong_value_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    for attempts in (3, 2):  # the sandbox refuses the first two
        with world("healthy", THROTTLED) as (sandbox, env):
            for name, value in env.items():
                monkeypatch.setenv(name, value)
            aws = load("retry.py").client(attempts)
            if attempts == 3:
                assert aws.list_applications()["applications"]
            else:
                with pytest.raises(ClientError, match="ThrottlingException"):
                    aws.list_applications()
            before = tries(sandbox, "ListOnPremisesInstances")  # the scenario has some
            with pytest.raises(ClientError, match="InvalidRegistrationStatus"):
                aws.list_on_premises_instances(**INVALID)
            assert tries(sandbox, "ListOnPremisesInstances") == before + 1


def test_the_shell_tries_again_alike() -> None:
    with world("healthy", THROTTLED) as (sandbox, env):
        once = env | {"AWS_MAX_ATTEMPTS": "1"}
        assert aws_cli(once, "deploy", "list-applications").returncode != 0
    with world("healthy", THROTTLED) as (sandbox, env):
        assert "shop" in shell("retry.sh", "list-applications", env=env).stdout
        before = tries(sandbox, "ListOnPremisesInstances")
        done = shell("retry.sh", "list-on-premises-instances", "--registration-status", "All", env=env)
        assert done.returncode != 0
        assert tries(sandbox, "ListOnPremisesInstances") == before + 1


@needs_javascript
def test_javascript_tries_again_alike() -> None:
    with world("healthy", THROTTLED) as (sandbox, env):
        calls = """...await import("@aws-sdk/client-codedeploy").then((sdk) => [
            () => client(2).send(new sdk.ListApplicationsCommand({})),
            () => client(3).send(new sdk.ListApplicationsCommand({})).then(({ applications }) => applications),
            () => client().send(new sdk.ListOnPremisesInstancesCommand({ registrationStatus: "All" })),
        ])"""
        before = tries(sandbox, "ListOnPremisesInstances")
        throttled, applications, refused = script("retry.mjs", calls, env)
        assert "ThrottlingException" in throttled
        assert "shop" in applications
        assert "InvalidRegistrationStatusException" in refused
        assert tries(sandbox, "ListOnPremisesInstances") == before + 1


@needs_cli_2
def test_the_command_line_2_runs_the_other_recipes_alike() -> None:
    with world("deployment-script-failed") as (_, env):
        done = shell("wait.sh", "d-SHOPWEB01", "0", "1", env=env, aws=cli_2())
        assert (done.returncode, "ScriptFailed" in done.stderr) == (1, True)
        done = shell("batch_get.sh", env=env, aws=cli_2(), given="web-01\ngone-01\n")
        assert (done.stdout.split("\t")[0], done.stderr) == ("web-01", "not known: gone-01\n")
        done = shell("by_status.sh", "deregistered", env=env, aws=cli_2())
        assert done.stdout.split() == STATUSES["DEREGISTERED"]
        done = shell("retry.sh", "list-applications", env=env, aws=cli_2())
        assert (done.returncode, done.stderr) == (0, "")


# --- the page ------------------------------------------------------------------------------------


def test_every_recipe_is_on_the_page_in_its_languages_and_is_tried_in_a_test() -> None:
    files = {path.name for path in RECIPES.iterdir() if path.is_file()}
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    shown = re.findall(r'^ *--8<-- "recipes/([\w.]+)"$', text, re.MULTILINE)
    assert sorted(shown) == sorted(files)
    kinds = {Path(name).stem: set[str]() for name in files}
    for name in files:
        kinds[Path(name).stem].add(Path(name).suffix)
    run = {".py", ".sh", ".mjs"}
    assert kinds.pop("retry") == run  # in Java it would be the SDK's own classes only
    assert set(map(frozenset, kinds.values())) == {frozenset(run | {".java"})}
    tests = Path(__file__).read_text(encoding="utf-8")
    # test_java.py compiles all of its kind
    assert not [name for name in files if f'"{name}"' not in tests and Path(name).suffix != ".java"]


@pytest.mark.parametrize("program", sorted(RECIPES.glob("*.*")), ids=lambda path: path.name)
def test_recipes_fit_the_page(program: Path) -> None:
    assert [line for line in program.read_text(encoding="utf-8").splitlines() if len(line) > 84] == []


@pytest.mark.parametrize("program", sorted(RECIPES.glob("*.sh")), ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say(program: Path) -> None:
    done = subprocess.run([BIN / "shellcheck", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
