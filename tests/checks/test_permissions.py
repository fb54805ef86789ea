"""The checks on permissions, over the wire against the sandbox's IAM and its policy simulator."""

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from codedeploy_sandbox import serve
from codedeploy_sandbox.hosts.machine import Machine, run_probe, session_yml
from codedeploy_sandbox.scenarios import baseline, find
from codedeploy_sandbox.scenarios.baseline import CALLER_POLICIES, allow
from codedeploy_sandbox.scenarios.baseline import only as only_policies
from codedeploy_sandbox.state import ACCOUNT, CALLER_ACCESS_KEY, REGION, Account

from runbooks.aws import failures, sandboxed
from runbooks.aws.arn import Arn
from runbooks.aws.session import Aws
from runbooks.checks import caller, permissions
from runbooks.engine import run
from runbooks.findings import FAIL, OK, SKIP, UNKNOWN, WARN, CheckFunction, Finding, Verdict
from runbooks.host import Datum, probe_script, read_report
from runbooks.question import Question
from tests.support.findings import assert_sound, only
from tests.support.world import QUICK, session, world

CHECKS = [
    caller.caller_may_register,
    caller.caller_may_list,
    permissions.registered_identity_exists,
    permissions.host_may_read_the_bucket,
    permissions.host_may_use_the_key_of_the_bucket,
    permissions.host_may_use_commands_secure,
]
IAM = f"arn:aws:iam::{ACCOUNT}"
WEB_01 = f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:instance:web-01"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/CodeDeployOnPremises/web-01"
QUESTION = Question(instance="web-01", bucket="shop-revisions", arn=SESSION)
READS = CALLER_POLICIES["Diagnose"]
PATIENT = QUICK.merge(Config(read_timeout=30))  # the first call to IAM loads moto
Change = Callable[[Account], Any]


@contextmanager
def account(change: Change = lambda account: None) -> Iterator[Aws]:
    """A session with the healthy sandbox in which one thing was changed."""

    def changed(account: Account) -> None:
        find("healthy")(account)
        change(account)

    with serve(changed, clock=sandboxed.DAY, probe=probe_script()) as sandbox:
        yield session(sandbox, PATIENT)


def ask(check: CheckFunction, aws: Aws, question: Question = QUESTION) -> list[Finding]:
    found = run(check, aws.remembering(), question)
    for finding in found:
        assert_sound(finding)
    return found


def verdicts(found: list[Finding]) -> list[Verdict]:
    return [finding.verdict for finding in found]


def deny(*actions: str, on: str = "*", **more: Any) -> dict[str, Any]:
    statement = {"Effect": "Deny", "Action": list(actions), "Resource": on} | more
    return {"Version": "2012-10-17", "Statement": [statement]}


def granted(finding: Finding) -> dict[str, Any]:
    """The policy that a fix puts."""
    words = shlex.split(finding.fix)
    policy: dict[str, Any] = json.loads(words[words.index("--policy-document") + 1])
    return policy


def test_of_a_healthy_account_nothing_is_complained() -> None:
    with account() as aws:
        found = {check.__name__: verdicts(ask(check, aws)) for check in CHECKS}
    assert found == {
        "caller_may_register": [OK],
        "caller_may_list": [OK],
        "registered_identity_exists": [OK],
        "host_may_read_the_bucket": [OK, OK],
        "host_may_use_the_key_of_the_bucket": [SKIP],
        "host_may_use_commands_secure": [SKIP],
    }


@pytest.mark.parametrize("check", CHECKS)
def test_nothing_was_asked_about(check: CheckFunction) -> None:
    with account() as aws:
        found = ask(check, aws, Question())
    assert verdicts(found) == [OK if check is caller.caller_may_list else SKIP]


# The caller


def test_a_caller_who_may_not_register_gets_the_policy() -> None:
    with account(lambda a: only_policies(a, READS)) as aws:
        finding = only(ask(caller.caller_may_register, aws))
    assert finding.verdict is FAIL
    assert "no policy allows it" in finding.says
    (statement,) = granted(finding)["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Action": ["codedeploy:RegisterOnPremisesInstance", "codedeploy:AddTagsToOnPremisesInstances"],
        "Resource": WEB_01,
    }
    assert finding.fix.startswith("aws iam put-role-policy --role-name OnCall ")


def test_of_a_caller_who_has_nothing_to_register_no_permission_is_asked_for() -> None:
    with account(lambda a: only_policies(a, READS)) as aws:
        registered = only(ask(caller.caller_may_register, aws, Question(instance="web-01")))
        new = only(ask(caller.caller_may_register, aws, Question(instance="web-77")))
    assert (registered.verdict, new.verdict) == (SKIP, FAIL)
    assert registered.says == "web-01 is registered, so there is nothing to register."


def test_the_policy_that_is_given_works() -> None:
    with account(lambda a: only_policies(a, READS)) as aws:
        policy = granted(only(ask(caller.caller_may_register, aws)))
    with account(lambda a: only_policies(a, READS, policy)) as aws:
        assert verdicts(ask(caller.caller_may_register, aws)) == [OK]


def test_one_action_of_two_may_be_denied() -> None:
    tags = deny("codedeploy:AddTags*")
    with account(lambda a: only_policies(a, READS, CALLER_POLICIES["Register"], tags)) as aws:
        allowed, denied = ask(caller.caller_may_register, aws)
    assert (allowed.verdict, denied.verdict) == (OK, FAIL)
    assert "RegisterOnPremisesInstance" in allowed.says
    assert "AddTagsToOnPremisesInstances" in denied.says
    assert "a statement of role_OnCall_Only3 denies it" in denied.says
    assert denied.fix == ""  # no further Allow helps against a Deny


def test_who_denies_is_named_as_the_simulator_names_it() -> None:
    def organisation(account: Account) -> None:
        account.iam.scps = [allow("*"), deny("codedeploy:Register*")]

    def boundary(account: Account) -> None:
        account.iam.managed[f"{IAM}:policy/Edge"] = READS
        account.iam.find("role", "OnCall").boundary = f"{IAM}:policy/Edge"  # type: ignore[union-attr]

    for change, says in ((organisation, "service control policy"), (boundary, "permissions boundary")):
        with account(change) as aws:
            denied = max(ask(caller.caller_may_register, aws), key=lambda finding: finding.verdict)
        assert (denied.verdict, denied.fix) == (FAIL, ""), says
        assert says in denied.says


def test_listing_needs_a_statement_for_everything() -> None:
    instances = allow(
        "codedeploy:*OnPremisesInstance*", on=f"arn:aws:codedeploy:{REGION}:{ACCOUNT}:instance:*"
    )
    reads = allow("iam:GetRole", "iam:Simulate*")
    with account(lambda a: only_policies(a, reads, instances)) as aws:
        finding = only(ask(caller.caller_may_list, aws))
        assert verdicts(ask(caller.caller_may_register, aws)) == [OK]
    assert (finding.verdict, finding.next) == (FAIL, "/guides/check-permissions/#resource-trap")
    assert granted(finding)["Statement"][0]["Resource"] == "*"


def test_what_rests_on_an_unknown_condition_is_unknown() -> None:
    from_the_office = allow("codedeploy:*")
    from_the_office["Statement"][0]["Condition"] = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    with account(lambda a: only_policies(a, allow("iam:*"), from_the_office)) as aws:
        finding = only(ask(caller.caller_may_list, aws))
    assert finding.verdict is UNKNOWN
    assert "aws:SourceIp" in finding.says


def test_the_region_and_tls_are_known_conditions() -> None:
    here = allow("codedeploy:*")
    here["Statement"][0]["Condition"] = {
        "StringEquals": {"aws:RequestedRegion": REGION},
        "Bool": {"aws:SecureTransport": "true"},
    }
    with account(lambda a: only_policies(a, allow("iam:*"), here)) as aws:
        assert verdicts(ask(caller.caller_may_list, aws)) == [OK]


def test_a_denied_simulation_is_unknown_and_named() -> None:
    with account(lambda a: only_policies(a, allow("codedeploy:*", "iam:GetRole"))) as aws:
        finding = only(ask(caller.caller_may_list, aws))
    assert finding.verdict is UNKNOWN
    assert "iam:SimulatePrincipalPolicy was denied" in finding.says


def test_the_role_of_a_session_has_a_path_that_only_iam_knows() -> None:
    """A role of IAM Identity Center, whose policies are another's to change."""
    path = "aws-reserved/sso.amazonaws.com/eu-west-1"

    def sign_in(account: Account) -> None:
        account.iam.add(f"{IAM}:role/{path}/AWSReservedSSO_Ops_1", inline={"Reads": READS})
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Ops_1/alex@example.com"
        account.knows(arn, CALLER_ACCESS_KEY)

    with account(sign_in) as aws:
        finding = only(ask(caller.caller_may_register, aws))
    assert (finding.verdict, finding.about) == (FAIL, f"{IAM}:role/{path}/AWSReservedSSO_Ops_1")
    assert finding.fix == ""


def test_a_user_is_its_own_source_of_policies() -> None:
    def sign_in(account: Account) -> None:
        account.iam.add(f"{IAM}:user/ops/dana", inline={"Reads": READS})
        account.knows(f"{IAM}:user/ops/dana", CALLER_ACCESS_KEY)

    with account(sign_in) as aws:
        finding = only(ask(caller.caller_may_register, aws))
    assert finding.fix.startswith("aws iam put-user-policy --user-name dana ")


@pytest.mark.parametrize(
    ("arn", "verdict", "says"),
    [
        (f"{IAM}:root", SKIP, "root user"),
        (f"arn:aws:sts::{ACCOUNT}:federated-user/dana", UNKNOWN, "IAM cannot simulate it"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/Gone/dana", UNKNOWN, "IAM has no user or role"),
    ],
)
@pytest.mark.parametrize("check", [caller.caller_may_register, caller.caller_may_list])
def test_whom_iam_cannot_simulate_is_said_plainly(
    check: CheckFunction, arn: str, verdict: Verdict, says: str
) -> None:
    def sign_in(account: Account) -> None:
        account.enforces = False
        account.knows(arn, CALLER_ACCESS_KEY)

    with account(sign_in) as aws:
        finding = only(ask(check, aws))
    assert finding.verdict is verdict
    assert says in finding.says


# The registered identity


def by_user(keys: list[str], *, path: str = "/AWS/CodeDeploy/") -> Change:
    """web-01 registered by an IAM user of its own, who has keys in these states."""

    def change(account: Account) -> None:
        world = account.state(REGION)
        world.deregister("web-01", account.clock.start)
        world.register("web-01", account.clock.start, user=f"{IAM}:user/AWS/CodeDeploy/web-01")
        reads = allow("s3:*", on="arn:aws:s3:::shop-revisions*")
        account.iam.add(f"{IAM}:user{path}web-01", inline={"Reads": reads}, keys=keys)

    return change


@pytest.mark.parametrize(
    ("keys", "verdict", "says", "fix"),
    [
        (["Active"], OK, "1 access key, all active", ""),
        (["Active", "Active"], OK, "2 access keys, all active", ""),
        (
            ["Inactive"],
            FAIL,
            "1 access key, none of them active",
            "Otherwise `aws iam update-access-key --user-name",
        ),
        (
            ["Inactive", "Inactive"],
            FAIL,
            "2 access keys, none of them active",
            "Otherwise set the one in the agent's yml to active.",
        ),
        (["Active", "Inactive"], WARN, "2 access keys, 1 of them active", ""),
        ([], FAIL, "no access key", "Create an access key for web-01"),
    ],
)
def test_a_user_needs_an_active_key(keys: list[str], verdict: Verdict, says: str, fix: str) -> None:
    with account(by_user(keys)) as aws:
        finding = only(ask(permissions.registered_identity_exists, aws))
    assert finding.verdict is verdict
    assert says in finding.says
    assert fix in finding.fix
    assert "AKIA" not in finding.fix  # reports mask key ids, so a fix must not need one


def test_a_user_of_another_path_is_another_user() -> None:
    with account(by_user(["Active"], path="/people/")) as aws:
        finding = only(ask(permissions.registered_identity_exists, aws))
    assert finding.verdict is FAIL
    assert "no such user" in finding.says


def test_a_role_that_is_gone_fails_once() -> None:
    """What it might do is then no question."""
    with account(lambda a: a.iam.remove("role", "CodeDeployOnPremises")) as aws:
        gone = only(ask(permissions.registered_identity_exists, aws))
        skipped = [only(ask(check, aws)) for check in CHECKS[3:]]
    assert gone.verdict is FAIL
    assert "no such role" in gone.says
    assert {(f.verdict, f.next) for f in skipped} == {(SKIP, "registered-identity-exists")}


@pytest.mark.parametrize("check", CHECKS[2:])
def test_an_instance_that_is_not_registered_has_no_identity(check: CheckFunction) -> None:
    with account() as aws:
        for name in ("old-01", "nobody-01"):
            finding = only(ask(check, aws, Question(instance=name, bucket="shop-revisions")))
            assert finding.verdict is SKIP
            assert f"{name} is not registered" in finding.says


@pytest.mark.parametrize("check", CHECKS[2:])
def test_an_identity_of_another_account_cannot_be_checked(check: CheckFunction) -> None:
    def elsewhere(account: Account) -> None:
        world = account.state(REGION)
        world.deregister("web-01", account.clock.start)
        world.register(
            "web-01", account.clock.start, session="arn:aws:sts::999999999999:assumed-role/Hosts/web-01"
        )

    with account(elsewhere) as aws:
        finding = only(ask(check, aws))
    assert finding.verdict is UNKNOWN
    assert "another account" in finding.says


# What the host may do


def host_policies(*documents: dict[str, Any]) -> Change:
    return lambda account: only_policies(account, *documents, name="CodeDeployOnPremises")


OBJECTS = "arn:aws:s3:::shop-revisions/*"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (host_policies(), [FAIL, WARN, WARN]),
        (host_policies(allow("s3:GetObject", on=OBJECTS)), [OK, WARN, WARN]),
        (host_policies(allow("s3:GetObject*", on=OBJECTS)), [OK, WARN]),
        (host_policies(allow("s3:*", on=OBJECTS), allow("s3:ListBucket", on=OBJECTS[:-2])), [OK, OK]),
        (by_user(["Active"]), [OK, OK]),
    ],
)
def test_what_the_host_may_do_with_the_bucket(change: Change, expected: list[Verdict]) -> None:
    with account(change) as aws:
        assert verdicts(ask(permissions.host_may_read_the_bucket, aws)) == expected


def test_a_prefix_is_asked_about_by_a_key() -> None:
    with account(host_policies(allow("s3:*", on="arn:aws:s3:::shop-revisions/web/*"))) as aws:
        whole = ask(permissions.host_may_read_the_bucket, aws)
        one = ask(
            permissions.host_may_read_the_bucket, aws, Question("web-01", bucket="shop-revisions/web/1.zip")
        )
    assert whole[0].verdict is FAIL
    assert one[0].verdict is OK
    assert "arn:aws:s3:::shop-revisions/web/1.zip" in one[0].says


@pytest.mark.parametrize(
    ("scenario", "asked"),
    [
        ("bucket-denied", {"deployment": "d-SHOPWEB01"}),
        ("bucket-denied", {"deployment_group": "shop/web"}),
        ("deployment-queued", {"deployment": "d-SHOPWEB01", "deployment_group": "shop/web"}),
    ],
)
def test_without_a_bucket_it_is_the_revision_of_the_deployment_or_of_the_group(
    scenario: str, asked: dict[str, str]
) -> None:
    with world(scenario) as (aws, _):
        question = Question.of(instance="web-01", **asked)
        found = ask(permissions.host_may_read_the_bucket, aws, question)
    denied = scenario == "bucket-denied"
    assert found[0].verdict is (FAIL if denied else OK)
    assert "arn:aws:s3:::shop-revisions/web/1.4.2.zip" in found[0].says
    # the next revision has another name
    assert not denied or '"Resource": "arn:aws:s3:::shop-revisions/web/*"' in found[0].fix


def on_github(account: Account) -> None:
    where = {"repository": "shop/web", "commitId": "a" * 40}
    for one in account.state(REGION).deployments.values():
        one.info["revision"] = {"revisionType": "GitHub", "gitHubLocation": where}


GROUP = {"deployment_group": "shop/web"}


@pytest.mark.parametrize(
    ("change", "asked", "code", "says"),
    [
        (on_github, {}, "not-asked", "No bucket was given (--bucket)"),
        (on_github, GROUP, "not-applicable", f"The revision shop/web@{'a' * 40} is not in S3."),
        (lambda a: a.state(REGION).deployments.clear(), GROUP, "not-applicable", "No revision was deployed"),
        (on_github, {"deployment_group": "shop/none"}, "not-applicable", "There is no deployment group"),
    ],
)
def test_where_nothing_leads_to_a_bucket_that_is_said(
    change: Change, asked: dict[str, str], code: str, says: str
) -> None:
    with account(change) as aws:
        for check in CHECKS[3:5]:
            finding = only(ask(check, aws, Question.of(instance="web-01", **asked)))
            assert (finding.verdict, finding.code.partition("/")[2]) == (SKIP, code)
            assert finding.says.startswith(says)


def host_with(settings: str) -> Question:
    """The question with what the probe sees on a host whose agent has these settings."""
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/CodeDeployOnPremises/web-01"
    machine = Machine("web-01", settings=settings, identity=session_yml(arn, REGION))
    seen = run_probe(machine, sandboxed.DAY, probe_script())
    return replace(QUESTION, host_report=read_report(seen.stdout, now=sandboxed.DAY))


def test_commands_secure_is_a_question_where_the_agent_uses_it() -> None:
    check, on = permissions.host_may_use_commands_secure, host_with(":enable_auth_policy: true\n")
    with account() as aws:
        assert verdicts(ask(check, aws, host_with(":enable_auth_policy: false\n"))) == [SKIP]
        denied = only(ask(check, aws, on))
    assert denied.verdict is FAIL
    assert len(granted(denied)["Statement"][0]["Action"]) == 4
    with account(host_policies(granted(denied))) as aws:
        assert verdicts(ask(check, aws, on)) == [OK]


def test_an_unreadable_setting_is_unknown() -> None:
    question = host_with("")
    assert question.host_report is not None
    config = replace(
        question.host_report.config, enable_auth_policy=Datum(None, error="this user may not read it")
    )
    blind = replace(question, host_report=replace(question.host_report, config=config))
    with account() as aws:
        finding = only(ask(permissions.host_may_use_commands_secure, aws, blind))
    assert finding.verdict is UNKNOWN
    assert "this user may not read it" in finding.says


@pytest.mark.parametrize("results", [[], [{"EvalActionName": "s3:GetObject", "EvalDecision": "allowed"}]])
def test_a_simulator_that_says_nothing_of_an_action_has_not_allowed_it(
    results: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with account() as aws:
        real = aws.read_all

        def read_all(api: str, *rest: Any, **more: Any) -> Any:
            return results if api == "iam:SimulatePrincipalPolicy" else real(api, *rest, **more)

        monkeypatch.setattr(aws, "read_all", read_all)
        (finding,) = run(caller.caller_may_list, aws, QUESTION)
    assert finding.verdict is UNKNOWN
    assert "said nothing about codedeploy:ListOnPremisesInstances" in finding.says


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{IAM}:user/AWS/CodeDeploy/web-01", ("aws", ACCOUNT, "user", "AWS/CodeDeploy/web-01", "web-01")),
        ("arn:aws-cn:sts::1:assumed-role/R/a", ("aws-cn", "1", "assumed-role", "R/a", "a")),
        ("arn:aws:iam::1:root", ("aws", "1", "root", "", "")),
        ("nonsense", ("", "", "", "", "")),
    ],
)
def test_the_parts_of_an_arn(text: str, expected: tuple[str, ...]) -> None:
    arn = Arn.of(text)
    assert (arn.partition, arn.account, arn.kind, arn.path, arn.name) == expected


@pytest.mark.parametrize("place", ["top", "resource"])
def test_an_answer_that_lacked_a_key_is_unknown_wherever_that_is_said(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS's model has MissingContextValues in two places, and says of each that it is there."""
    with world("healthy") as (aws, _):
        read_all = aws.read_all

        def lacking(api: str, *rest: Any, **asked: Any) -> list[Any]:
            found = read_all(api, *rest, **asked)
            if api != "iam:SimulatePrincipalPolicy":
                return found
            missing = {"MissingContextValues": ["aws:PrincipalOrgID"]}
            specific = {"EvalResourceDecision": "allowed", **missing}
            told = missing if place == "top" else {"ResourceSpecificResults": [specific]}
            bare = [
                {k: v for k, v in one.items() if k not in (*missing, "ResourceSpecificResults")}
                for one in found
            ]
            return [one | told for one in bare]

        monkeypatch.setattr(aws, "read_all", lacking)
        found = run(caller.caller_may_register, aws, QUESTION)
    assert {finding.verdict for finding in found} == {UNKNOWN}
    assert "aws:PrincipalOrgID" in found[0].says


# The key of the bucket

KMS_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/24375b91-ffd8-4165-aeac-b017632b6b51"


def encrypts(**default: str) -> Change:
    """A bucket with this default encryption; "mine" stands for a key that is made."""

    def change(account: Account) -> None:
        def put(ask: Any) -> None:
            key = ask("kms", "CreateKey")["KeyMetadata"]["Arn"]
            baseline.encrypts(
                ask, **{name: key if value == "mine" else value for name, value in default.items()}
            )

        account.seeds.append(("s3", put))

    return change


def with_decrypt(effect: str) -> Change:
    def change(account: Account) -> None:
        statement = allow("kms:Decrypt") if effect == "Allow" else deny("kms:Decrypt")
        only_policies(account, allow("s3:*"), statement, name="CodeDeployOnPremises")
        encrypts(SSEAlgorithm="aws:kms", KMSMasterKeyID="mine")(account)

    return change


@pytest.mark.parametrize(
    ("change", "verdict", "says"),
    [
        (encrypts(SSEAlgorithm="AES256"), SKIP, "AES256, which needs no key. A revision that was uploaded with a key of its own"),
        (encrypts(SSEAlgorithm="aws:kms"), SKIP, "the key that AWS manages for S3"),
        (encrypts(SSEAlgorithm="aws:kms", KMSMasterKeyID=f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/aws/s3"), SKIP, "the key that AWS manages"),
        (encrypts(SSEAlgorithm="aws:kms", KMSMasterKeyID="mine"), UNKNOWN, "none of its policies allows it; the key's own policy or a grant may, which was not checked"),
        (encrypts(SSEAlgorithm="aws:kms:dsse", KMSMasterKeyID="mine"), UNKNOWN, "a revision may have another"),
        (encrypts(SSEAlgorithm="aws:kms", KMSMasterKeyID=KMS_KEY.replace("24375b91", "00000000")), FAIL, "is not there: nothing encrypted with it"),
        (with_decrypt("Allow"), OK, "kms:Decrypt on arn:aws:kms:"),
        (with_decrypt("Deny"), FAIL, "denies it"),
    ],
)  # fmt: skip
def test_the_key_of_the_bucket(change: Change, verdict: Verdict, says: str) -> None:
    with account(change) as aws:
        finding = only(ask(permissions.host_may_use_the_key_of_the_bucket, aws))
    assert finding.verdict is verdict, finding.says
    assert says in finding.says


@pytest.mark.parametrize(
    ("state", "verdict", "fix"),
    [
        ("Disabled", FAIL, "enable-key"),
        ("PendingDeletion", FAIL, "cancel-key-deletion"),
        ("PendingImport", FAIL, ""),
        ("Unavailable", FAIL, ""),
        ("Creating", UNKNOWN, ""),
    ],
)
def test_a_key_that_is_not_enabled_decrypts_nothing(state: str, verdict: Verdict, fix: str) -> None:
    with account(with_decrypt("Allow")) as aws:
        events = aws.client("kms").meta.events
        events.register_first(
            "after-call.*.DescribeKey", lambda parsed, **_: parsed["KeyMetadata"].update(KeyState=state)
        )
        finding = only(run(permissions.host_may_use_the_key_of_the_bucket, aws, QUESTION))
    assert (finding.verdict, state in finding.says) == (verdict, True)
    assert bool(fix) is bool(finding.fix)
    assert fix in finding.fix


def test_who_may_not_read_the_encryption_gets_the_action_named() -> None:
    def less(account: Account) -> None:
        encrypts(SSEAlgorithm="aws:kms", KMSMasterKeyID="mine")(account)
        only_policies(account, allow("codedeploy:*", "iam:*", "s3:ListBucket"))

    with account(less) as aws:
        finding = only(ask(permissions.host_may_use_the_key_of_the_bucket, aws))
    assert finding.verdict is UNKNOWN
    assert "s3:GetBucketEncryption was denied" in finding.says


@pytest.mark.parametrize(
    ("code", "message", "fix"),
    [
        ("AccessDenied", "User: x is not authorized to perform: iam:GetUser", "Allow this identity iam:GetUser: `runbooks policy`"),
        ("AccessDenied", "because no identity-based policy allows the iam:GetUser action", "Allow this identity"),
        ("AccessDenied", "with an explicit deny in a service control policy", ""),
        ("AccessDenied", "not authorized to perform: iam:GetUser with an explicit deny in an identity-based policy", "Take the denial of iam:GetUser out of the policies of this identity"),
        ("AccessDenied", "not authorized to perform: iam:GetUser with an explicit deny", "Take the denial of iam:GetUser out of what denies it"),
        ("ServiceUnavailable", "", "Ask again in some minutes; https://health.aws.amazon.com"),
        ("Throttling", "Rate exceeded", ""),
    ],
)  # fmt: skip
def test_what_to_do_about_a_denial_is_said_where_the_callers_own_policy_denies(
    code: str, message: str, fix: str
) -> None:
    error = ClientError({"Error": {"Code": code, "Message": message}}, "GetUser")
    said = failures.way_on(error)
    assert said.startswith(fix)
    assert bool(said) == bool(fix)
