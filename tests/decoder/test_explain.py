"""What people paste, and what it must be taken for."""

import json
import random
import subprocess
import sys
import time
from html.parser import HTMLParser

import pytest
from botocore import exceptions as boto

from runbooks import catalog
from runbooks.aws.failures import KINDS
from runbooks.decoder import Explanation, explain, result, text_of
from runbooks.decoder.index import index
from runbooks.diagnosis import diagnose
from tests.support import ROOT
from tests.support.world import world

STATUS = "InvalidRegistrationStatusException"
TAKEN = "InstanceNameAlreadyRegisteredException"

# The forms of each SDK's line; those with server text are constructed, since the real text is not known.
SDK_LINES = [
    STATUS,
    STATUS.lower(),
    f"An error occurred ({STATUS}) when calling the ListOnPremisesInstances operation: constructed text",
    f"\nAn error occurred ({STATUS}) when calling the ListOnPremisesInstances operation:",
    f"botocore.errorfactory.{STATUS}: An error occurred ({STATUS}) when calling the ListOnPremisesInstances operation: x",
    "Traceback (most recent call last):\n"
    '  File "deploy.py", line 12, in <module>\n    names = list_registered("registered")\n'
    '  File "/usr/lib/python3/botocore/client.py", line 1017, in _make_api_call\n'
    "    raise error_class(parsed_response, operation_name)\n"
    f"botocore.errorfactory.{STATUS}: An error occurred ({STATUS}) when calling the ListOnPremisesInstances operation: x",
    f"x (Service: AmazonCodeDeploy; Status Code: 400; Error Code: {STATUS}; Request ID: 1-2; Proxy: null)",
    f"com.amazonaws.services.codedeploy.model.{STATUS}: x (Service: AmazonCodeDeploy; Status Code: 400; Error Code: {STATUS}; Request ID: 1-2)",
    f"software.amazon.awssdk.services.codedeploy.model.{STATUS}: x (Service: CodeDeploy, Status Code: 400, Request ID: 1-2)\n"
    "\tat software.amazon.awssdk.core.internal.http.CombinedResponseHandler.handle(CombinedResponseHandler.java:93)",
    f"java.util.concurrent.CompletionException: it broke\nCaused by: software.amazon.awssdk.services.codedeploy.model.{STATUS}: x",
    f"{STATUS}: x\n    at throwDefaultError (/app/node_modules/@smithy/smithy-client/dist-cjs/index.js:388:20) {{\n  '$fault': 'client'\n}}",
    f"{{ message: 'x', code: '{STATUS}', time: 2026-11-24T02:00:00.000Z, statusCode: 400 }}",
    f"operation error CodeDeploy: ListOnPremisesInstances, https response error StatusCode: 400, RequestID: 1-2, {STATUS}: x",
    f"{STATUS}: x\n\tstatus code: 400, request id: 1-2",
    f"if aerr.Code() == codedeploy.ErrCode{STATUS} {{",
    f"Amazon.CodeDeploy.Model.{STATUS}: x\n ---> Amazon.Runtime.Internal.HttpErrorResponseException",
    'Error executing "ListOnPremisesInstances" on "https://codedeploy.eu-west-1.amazonaws.com"; AWS HTTP error: Client error: '
    f"`POST https://codedeploy.eu-west-1.amazonaws.com` resulted in a `400 Bad Request` {STATUS} (client): x - {{}}",
    f"Aws::CodeDeploy::Errors::{STATUS}: x",
    f"deploy.rb:3:in `call': x (Aws::CodeDeploy::Errors::{STATUS})",
    f"Error: aws_sdk_codedeploy::types::error::{STATUS}: x",
    "CodeDeployErrors::INVALID_REGISTRATION_STATUS",
    f'{{"__type":"com.amazonaws.codedeploy#{STATUS}","message":"x"}}',
    f'{{"__type":"{STATUS}"}}',
    f"| {STATUS} | the ticket said so |",
    "aws deploy list-on-premises-instances --registration-status registered",
    'client.list_on_premises_instances(registrationStatus="All")',
]  # fmt: skip


def record(code: str, operation: str = "RegisterOnPremisesInstance") -> str:
    """A constructed CloudTrail record; the user agent and the parameters name other things."""
    return json.dumps(
        {
            "eventVersion": "1.11",
            "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/CI/x"},
            "eventSource": "codedeploy.amazonaws.com",
            "eventName": operation,
            "errorCode": code,
            "errorMessage": "constructed text",
            "requestParameters": {"instanceName": "web-01", "note": "AccessDenied"},
        }
    )


CORPUS: list[tuple[str, str]] = [
    *((line, STATUS) for line in SDK_LINES),
    (record(STATUS, "ListOnPremisesInstances"), STATUS),
    (json.dumps(json.loads(record(TAKEN)), indent=2), TAKEN),
    (json.dumps({"Events": [{"CloudTrailEvent": record(TAKEN)}]}), TAKEN),
    (record("AccessDenied"), "AccessDenied"),
    (f"An error occurred ({TAKEN}) when calling the RegisterOnPremisesInstance operation: x", TAKEN),
    (
        "An error occurred (AccessDeniedException) when calling the ListOnPremisesInstances operation: User: "
        "arn:aws:iam::111122223333:user/x is not authorized to perform: codedeploy:ListOnPremisesInstances",
        "AccessDeniedException",
    ),
    (
        "An error occurred (UnrecognizedClientException) when calling the ListOnPremisesInstances operation: "
        "The security token included in the request is invalid.",
        "UnrecognizedClientException",
    ),
    (
        "An error occurred (ExpiredTokenException) when calling the GetOnPremisesInstance operation: The security "
        "token included in the request is expired",
        "ExpiredTokenException",
    ),
    (
        "An error occurred (InvalidSignatureException) when calling the ListApplications operation: Signature expired: "
        "20261124T020000Z is now earlier than 20261124T025500Z",
        "InvalidSignatureException",
    ),
    ("<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", "AccessDenied"),
    (
        "operation error CodeDeploy: ListApplications, https response error StatusCode: 400, RequestID: 1, api error "
        "ExpiredTokenException: x",
        "ExpiredTokenException",
    ),
    ("An error occurred (Throttling) when calling the X operation (reached max retries: 4)", "Throttling"),
    ("An error occurred (ThrottlingException) when calling the CreateDeployment operation: x", "ThrottlingException"),
    ("An error occurred (InternalFailure) when calling the ListApplications operation: None", "InternalFailure"),
    ('"errorInformation": {"code": "HEALTH_CONSTRAINTS", "message": "x"}', "HEALTH_CONSTRAINTS"),
    ("The overall deployment failed because too many individual instances failed deployment, or ...", "HEALTH_CONSTRAINTS"),
    ("errorInformation:\n  code: NO_INSTANCES\n  message: x", "NO_INSTANCES"),
    ("Error code: AGENT_ISSUE", "AGENT_ISSUE"),
    ("TIMEOUT", "TIMEOUT"),
    ('"diagnostics": {"errorCode": "ScriptFailed", "scriptName": "start.sh", "logTail": "timeout of curl"}', "ScriptFailed"),
    ('"errorCode": "UnknownError"', "UnknownError"),
    ("Unable to locate credentials. You can configure credentials by running \"aws configure\".", "NoCredentialsError"),
    ("botocore.exceptions.NoCredentialsError: Unable to locate credentials", "NoCredentialsError"),
    ("You must specify a region. You can also configure your region by running \"aws configure\".", "NoRegionError"),
    ('Could not connect to the endpoint URL: "https://codedeploy.eu-west-9.amazonaws.com/"', "EndpointConnectionError"),
    (
        "Parameter validation failed:\nInvalid type for parameter registrationStatus, value: None, type: "
        "<class 'NoneType'>, valid types: <class 'str'>",
        "ParamValidationError",
    ),
    (
        "SSL validation failed for https://codedeploy.eu-west-1.amazonaws.com/ [SSL: CERTIFICATE_VERIFY_FAILED] "
        "certificate verify failed",
        "SSLError",
    ),
    ("The config profile (ops) could not be found", "ProfileNotFound"),
    ("ERROR\nInstance name cannot start with 'i-'.", "aws deploy: instance name"),
    ("Only Ubuntu Server, Red Hat Enterprise Linux Server and Windows Server operating systems are supported.", "aws deploy install: system"),
    ("Missing credentials - please check if this instance was started with an IAM instance profile", "missing-credentials"),
    (
        "2026-11-24 02:00:00 ERROR Error polling for host commands: CodeDeploy command service error: HttpError: "
        "HTTP 400 [type=AccessDeniedException]: ",
        "access-denied",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "name"), CORPUS, ids=[f"{i}-{name}" for i, (_, name) in enumerate(CORPUS)])
def test_a_real_form_is_taken_for_what_it_is(text: str, name: str) -> None:
    found = explain(text)
    assert [known.name for known in found.known][:1] == [name], found
    top = found.known[0]
    assert top.do
    assert top.seen in text


@pytest.mark.parametrize("name", catalog.exceptions())
def test_every_error_of_the_model_is_known_in_awss_words(name: str) -> None:
    top = explain(f"An error occurred ({name}) when calling the GetApplication operation: x").known[0]
    assert (top.name, top.says, top.operations) == (
        name,
        catalog.exceptions()[name].says,
        catalog.exceptions()[name].operations,
    )
    assert top.do
    assert top.page == f"/exceptions/{name}/"
    assert (ROOT / "docs" / "exceptions" / f"{name}.md").is_file()


def test_the_reported_error_outranks_a_mention() -> None:
    text = f"We first thought of {TAKEN}, and {TAKEN} it was not.\n{SDK_LINES[2]}\nNot {TAKEN} at all."
    assert [known.name for known in explain(text).known] == [STATUS, TAKEN]


def test_the_last_cause_of_a_chain_comes_first() -> None:
    text = f"{TAKEN}: x\n  at a.b(c)\nCaused by: a.b.{STATUS}: x"
    assert [known.name for known in explain(text).known] == [STATUS, TAKEN]


BAD = (
    "2026-11-26T08:42:04 ERROR [codedeploy-agent(25)]: InstanceAgent::Plugins::CodeDeployPlugin::CommandPoller: "
    "Cannot reach InstanceService: Aws::CodeDeployCommand::Errors::AccessDeniedException - "
)
GOOD = (
    "2026-11-26T08:43:04 INFO  [codedeploy-agent(25)]: [Aws::CodeDeployCommand::Client 200 45.4 0 retries] "
    'poll_host_command(host_identifier:"arn:aws:iam::111122223333:user/web-01")'
)
FAILED = (
    "2026-11-26T08:42:04 INFO  [codedeploy-agent(25)]: [Aws::CodeDeployCommand::Client 200 0.05 0 retries] "
    'put_host_command_complete(command_status:"Failed",diagnostics:{format:"JSON",payload:"{\\"error_code\\":4,'
    '\\"script_name\\":\\"x.sh\\",\\"message\\":\\"Script at specified location: x.sh failed with exit code 3\\"}"})'
)


def test_a_log_is_judged_as_a_whole() -> None:
    assert explain(f"{BAD}\n{GOOD}").known[0].name == "polled"
    assert explain(f"{GOOD}\n{BAD}").known[0].name == "access-denied"


def test_a_poll_takes_no_failed_deployment_back() -> None:
    assert explain(FAILED).known[0].name == "hook-script-failed"
    assert explain(f"{FAILED}\n{GOOD}").known[0].name == "hook-script-failed"


def test_the_last_successful_revision_is_said_whenever_its_scripts_run() -> None:
    text = "ApplicationStop failed: Script at specified location: x.sh failed with exit code 127"
    found = explain(text)
    assert "last successful revision" in found.note
    assert found.known[0].do.startswith("Exit code 127")
    assert "last successful revision" not in explain(text.replace("ApplicationStop", "AfterInstall")).note


def test_a_sentence_that_is_known_is_not_called_unknown_beside_its_code() -> None:
    """The code and the sentence of one failure stand in two lines of the console."""
    found = explain(
        "Deployment error code:\nHEALTH_CONSTRAINTS\n\nDeployment error message:\nThe overall deployment failed because "
        "too many individual instances failed deployment"
    )
    assert [known.name for known in found.known] == ["HEALTH_CONSTRAINTS"]


def test_the_commands_of_an_answer_name_what_the_text_names() -> None:
    text = (
        "arn:aws:codedeploy:eu-west-1:111122223333:deploymentgroup:shop/web d-ABCDEF123 i-0123456789abcdef0 "
        "HEALTH_CONSTRAINTS"
    )
    found = explain(text)
    rows = dict(result.rows(found.known[0], found.fields))
    assert rows["open"] == "runbooks open deployment --deployment d-ABCDEF123 --region eu-west-1"
    assert rows["check"].startswith("runbooks diagnose --instance i-0123456789abcdef0 d-ABCDEF123 --check ")
    assert rows["check"].endswith(" --region eu-west-1")
    role = explain(text.replace("HEALTH_CONSTRAINTS", "IAM_ROLE_MISSING")).render("text")
    assert "runbooks diagnose shop/web --check" in role
    without = explain("HEALTH_CONSTRAINTS").render("text")
    assert "--deployment DEPLOYMENT\n" in without
    assert "--region" not in without


def test_a_revision_of_a_task_definition_that_is_not_a_number_gets_its_own_remedy() -> None:
    text = "The ECS service cannot be updated due to an unexpected error: Invalid revision number. Number: newest"
    assert "family:number" in explain(text).known[0].do


def test_the_helper_of_the_cli_that_finds_no_agent_to_stop_is_passed_by() -> None:
    text = "Failed to stop the AWS CodeDeploy Agent:\nUnit codedeploy-agent.service not loaded."
    assert "without it" in explain(text).known[0].do
    assert "without it" not in explain("Unit codedeploy-agent.service not loaded.").known[0].do


def test_ec2_and_on_premises_are_told_apart_where_the_text_does_so() -> None:
    line = "CommandPoller: Missing credentials - please check if this instance was started with an IAM instance profile"
    both = explain(line).known[0].do
    assert "EC2" in both
    assert "On-premises" in both
    assert (
        explain(f"{line} arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0")
        .known[0]
        .do.startswith("This is an EC2 instance")
    )
    assert (
        explain(f"{line} arn:aws:iam::111122223333:user/web-01")
        .known[0]
        .do.startswith("This is an on-premises host")
    )


def test_what_the_text_names_fills_the_commands() -> None:
    found = explain(
        "Deployment d-ABCDEF123 failed: too many individual instances failed deployment "
        "(arn:aws:codedeploy:eu-west-1:111122223333:deploymentgroup:shop/web)"
    )
    assert dict(found.fields) == {
        "deployment": "d-ABCDEF123",
        "region": "eu-west-1",
        "account": "111122223333",
        "group": "shop/web",
    }
    assert found.commands[0] == "runbooks why d-ABCDEF123 --region eu-west-1"
    assert found.commands[1] == "runbooks open deployment --deployment d-ABCDEF123 --region eu-west-1"
    assert explain("d-ABCDEF123").commands  # though nothing is known
    assert not explain("d-ABC;rm -rf").commands


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("i-0123456789abcdef0", "runbooks diagnose i-0123456789abcdef0"),
        ("the host mi-0a1b2c3d4e5f60001 is lost", "runbooks diagnose mi-0a1b2c3d4e5f60001"),
        (" web-01\n", "runbooks diagnose web-01"),
        ("ip-10-0-0-1.eu-west-1.compute.internal", "runbooks diagnose ip-10-0-0-1.eu-west-1.compute.internal"),
        ("shop/web", "runbooks diagnose shop/web"),
        ("arn:aws:codedeploy:eu-west-1:111122223333:deploymentgroup:shop/web", "runbooks diagnose shop/web --region eu-west-1"),
        ("eu-west-1", ""),
        ("web-01 and web-02", ""),
        ("s3://shop/web", ""),
        ("web-01;id", ""),
        ("$(id)/web", ""),
        ("-x/web-1\nweb-01", ""),
    ],
)  # fmt: skip
def test_a_name_leads_to_a_diagnosis_of_it(text: str, command: str) -> None:
    found = explain(text)
    assert found.commands == (command,) * bool(command)
    assert ("Where it names" in found.render("text")) == bool(command)


def test_any_operation_can_be_throttled() -> None:
    found = explain(
        "An error occurred (ThrottlingException) when calling the GetDeployment operation: Rate exceeded"
    )
    assert not found.note
    assert found.known[0].name == "ThrottlingException"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_any_encoding_is_read(encoding: str) -> None:
    assert explain(text_of(SDK_LINES[2].encode(encoding))).known[0].name == STATUS


def test_any_bytes_are_text() -> None:
    assert isinstance(explain(text_of(random.Random(1).randbytes(100_000))), Explanation)
    assert isinstance(text_of(b""), str)


def test_a_text_that_a_terminal_wrapped_is_read() -> None:
    line = FAILED * 2
    wrapped = "\n".join(line[i : i + 80] for i in range(0, len(line), 80))
    assert explain(wrapped).known[0].name == "hook-script-failed"


def test_it_doubts_what_the_model_does_not_declare() -> None:
    strange = explain(
        f"An error occurred ({STATUS}) when calling the RegisterOnPremisesInstance operation: x"
    )
    assert "does not declare" in strange.note
    foreign = explain("An error occurred (InvalidTagException) when calling the TagRole operation: x")
    assert "another service" in foreign.note
    assert not foreign.known
    assert not explain(SDK_LINES[2]).note


@pytest.mark.parametrize(
    ("text", "is_ours"),
    [
        ("ThrottlingException: Rate exceeded", True),
        ("aws deploy get-deployment: ThrottlingException: Rate exceeded", True),
        (
            "ThrottlingException: Rate exceeded, arn:aws:codedeploy:eu-west-1:111122223333:application:shop",
            True,
        ),
        ("ThrottlingException: Rate exceeded for arn:aws:bedrock:us-east-1:111122223333:inference/x", False),
        ("API Gateway answered ThrottlingException: Rate exceeded", False),
        ("Lambda function failed: ThrottlingException calling DynamoDB", False),
        ("SSM ThrottlingException Rate exceeded for ssm:GetParameter", False),
    ],
)
def test_whose_throttling_it_is(text: str, is_ours: bool) -> None:
    assert ("ThrottlingException" in [one.name for one in explain(text).known]) == is_ours


@pytest.mark.parametrize(
    "text", ["", "hello", "It timed out. Throttling is a Success.", "\0\n\r", "Exception: no"]
)
def test_nothing_known_is_said(text: str) -> None:
    found = explain(text)
    assert not found.known
    assert "Nothing in this text is known" in repr(found)


def test_a_text_with_only_a_deployments_id_is_answered_with_the_command() -> None:
    found = explain("please look at d-SHOPWEB01")
    assert not found.known
    assert "Next: runbooks why d-SHOPWEB01\n" in repr(found)
    assert "No error in this text is known" in repr(found)
    assert "Nothing in this text" not in repr(found)


def test_a_misspelt_name_is_answered_with_its_neighbour() -> None:
    assert STATUS in explain("InvalidRegistratonStatusException").near


def test_the_codes_of_a_refusal_are_those_that_a_check_knows() -> None:
    known = {code for entry in index().entries.values() for code in entry.codes}
    assert {code for codes in KINDS.values() for code in codes} <= known


def test_the_sdks_sentences_are_botocores() -> None:
    """Each pattern finds the sentence that botocore makes of its own template."""
    named = {"endpoint_url": "https://x.amazonaws.com", "profile": "x", "provider": "x", "cred_var": "x"}
    named |= {
        "error": "x",
        "error_msg": "x",
        "region_name": "x!",
        "report": "x",
        "path": "x",
        "proxy_url": "x",
    }
    names = [name for name in index().entries if hasattr(boto, name)]
    assert len(names) > 15
    for name in names:
        sentence = getattr(boto, name).fmt.format(**named)
        assert name in [known.name for known in explain(sentence).known], sentence


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen |= {tag, *(name for name, _ in attrs)}


HOSTILE = (
    f"<script>alert(1)</script> An error occurred ({STATUS}) [x](https://evil.example) <img src=x onerror=alert(1)> "
    "\x1b]0;x\x07 `code` AKIAABCDEFGHIJKLMNOP \u202e @all"
)


def test_hostile_text_does_not_act() -> None:
    found = explain(HOSTILE)
    tags = _Tags()
    tags.feed(found.render("html"))
    assert tags.seen <= {"p", "strong", "code", "a", "br", "style", "href"}
    for format in ("text", "markdown", "html", "json"):
        shown = found.render(format)
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "AKIAABCDEFGHIJKLMNOP" not in shown
    assert "evil.example" not in [line for line in found.render("markdown").splitlines() if "](http" in line]
    assert set(found._repr_mimebundle_()) == {"text/plain", "text/markdown", "text/html"}


def test_json_says_all_of_it() -> None:
    document = json.loads(explain(SDK_LINES[2]).render("json"))
    assert document["found"] is True
    assert document["schema"] == 1
    assert document["operation"] == "ListOnPremisesInstances"
    assert document["known"][0]["name"] == STATUS


def test_no_text_makes_it_break() -> None:
    """Pieces of the corpus and noise in any order, cut anywhere; a seed keeps a failure repeatable."""
    dice = random.Random(20261124)
    pieces = [text for text, _ in CORPUS] + [
        HOSTILE,
        "\\\\\\",
        '"' * 50,
        "\ud800",
        "\0",
        "::" * 40,
        "a." * 90,
    ]
    for _ in range(300):
        text = "".join(
            dice.choice(pieces) + dice.choice(["", "\n", " ", "\r\n"]) for _ in range(dice.randint(1, 6))
        )
        start = dice.randrange(len(text))
        found = explain(text[start:])
        assert isinstance(found, Explanation)
        for format in ("text", "markdown", "html", "json"):
            assert found.render(format)


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a.",
        "a::",
        '"',
        "\\",
        "x: ",
        f"{STATUS} ",
        "\n",
        CORPUS[-1][0] + "\n",
        "AccessDenied(",
        "RequestID: ",
    ],
)
def test_a_large_text_does_not_take_long(piece: str) -> None:
    text = (piece * (1_200_000 // len(piece) + 1))[:1_200_000]
    start = time.process_time()
    explain(text)
    assert time.process_time() - start < 5


def test_a_line_is_explained_within_half_a_second_of_processor_time() -> None:
    """A fresh process, without boto3. Processor time, so that a busy machine does not decide."""
    program = (
        f"import sys, time; from runbooks import explain; assert explain({SDK_LINES[2]!r}).known;"
        "assert 'boto3' not in sys.modules; print(time.process_time())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.5


def test_a_command_names_an_instance_where_a_check_needs_one() -> None:
    subjects = {"deployment": "DEPLOYMENT", "deployment_group": "APPLICATION/GROUP"}
    with world("healthy") as (aws, _):
        results = diagnose(aws).results
    for check, found in results.items():
        about_one = any("No instance" in f.says for f in found) or {"instance", "arn"} & set(check.needs)
        others = [f"{subjects[name]} " for name in check.needs if name in subjects]
        subject = "--instance NAME " if about_one else "".join(others)
        assert result.diagnose_command((check.id,)) == f"runbooks diagnose {subject}--check {check.id}"
    rows = dict(result.rows(explain("InstanceNotRegisteredException").known[0]))
    assert rows["check"].startswith("runbooks diagnose --instance NAME --check ")
    assert rows["open"] == "runbooks open instance-state --instance NAME"
    rows = dict(result.rows(explain("InvalidRegistrationStatusException").known[0]))
    assert "--instance" not in rows["check"] + rows["open"]


@pytest.mark.parametrize("form", ["text", "markdown", "json", "html"])
def test_a_pasted_text_commands_no_log_of_ci(form: str) -> None:
    shown = explain(f"script ::error::a ##[group]b ##vso[task.x]c {STATUS}").render(form)
    assert "error" in shown  # it is quoted
    assert not any(sign in shown for sign in (" ::error", "##[", "##vso["))


def test_the_arn_of_an_instance_is_shown_whole_and_asked_about() -> None:
    """Its name ends where CodeDeploy knows, so that no name is shown."""
    arn = "arn:aws:codedeploy:eu-west-1:111122223333:instance/web-01_c26ccf972c"
    told = explain(f'"deploymentId": "d-SHOPWEB01", "instanceId": "{arn}"')
    assert dict(told.fields)["instance ARN"] == arn
    assert f"runbooks diagnose {arn} --region eu-west-1" in told.commands
    assert told.commands[0].startswith("runbooks why d-SHOPWEB01")
    assert "instance ARN" not in dict(explain(arn.replace("codedeploy", "ec2")).fields)
