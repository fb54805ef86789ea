"""Secrets are masked wherever they stand, what is no secret is shown, and no text makes the masking slow."""

import time
from base64 import b64encode
from hashlib import sha256

import pytest

from runbooks.text.mask import all_plain, plain

JWT = "eyJhbGciOi" + ".HIDDEN.sflKxwRJSM"
# 300 bytes in base64, as STS gives them
TOKEN = "IQoJ" + b64encode(b"".join(sha256(bytes([n])).digest() for n in range(10))).decode() + "/HIDDEN"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer eyJhbGciOi.HIDDEN.def",
        "Authorization: AWS4-HMAC-SHA256 Credential=x/2026, SignedHeaders=host, Signature=HIDDEN",
        '{"password": "a HIDDEN one"}',
        '"aws_secret_access_key": "HIDDEN"',
        '{\\"AWS_SESSION_TOKEN\\": \\"HIDDEN\\"}',
        "SecretAccessKey=HIDDEN",
        "?X-Amz-Security-Token=HIDDEN&X-Amz-Signature=HIDDEN",
        "my_token=HIDDEN",
        "x-api-key: HIDDEN",
        "https://user:pa/HIDDEN@host/",
        "the key " + "abcdefghijKLMNOPQRST" + "uvwxyz0123456789HIDDEN"[2:],
        "Invalid header value b'IQoJ_HIDDEN\\r'",
        r"Invalid header value b'a\'HIDDEN\n' was given",
        'Invalid header value b"it\'s HIDDEN\\n"',
        "Invalid header value b'cut HIDDEN",
        f"the token {TOKEN} stands alone",
        f"the token {TOKEN[4:]} stands alone",
        "Cookie: session=1; HIDDEN=2",
        "Set-Cookie: HIDDEN; Path=/",
        "the password HIDDEN22 was refused",
        "with password 'HIDDEN22'",
        "its passphrase is HIDDEN22.",
        "ghp_HIDDEN1234567890",
        "github_pat_HIDDEN1234567890",
        "glpat-HIDDEN12345",
        "xoxb-1234-HIDDEN",
        JWT,
        f"https://host/?a={JWT}",
        "http://joe:p@ss/HIDDEN@proxy:3128/",
        "http://joe:HIDDEN@a,http://jim:HIDDEN@b",
        "-----BEGIN RSA PRIVATE KEY-----\nHIDDEN\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY----- HIDDEN",
        "+ DB_PASS=HIDDEN",
        "export MYSQL_PWD='HIDDEN x'",
        "dbpass=HIDDEN",
        "AccountKey=HIDDEN;EndpointSuffix=x",
        "private_key: HIDDEN",
        "SECRET_KEY_BASE=HIDDEN",
        "<password>HIDDEN</password>",
        "<dbPassword>HIDDEN</dbPassword>",
        "deploy --token HIDDEN --app x",
        "./x --db-password HIDDEN",
        "tool -password 'HIDDEN'",
        "curl -fsS -u admin:HIDDEN https://x/",
        "mysql -u app -pHIDDEN shop",
        "git clone https://abcdef0123HIDDEN456789@github.com/shop/web",
        "https://hooks.slack.com/services/T0/B0/HIDDEN",
        "sk_live_HIDDEN99",
        "openssl enc -pass pass:HIDDEN",
    ],
)
def test_what_is_a_secret_is_masked(text: str) -> None:
    assert "HIDDEN" not in plain(text)
    assert "(masked)" in plain(text)
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    "innocent",
    [
        "arn:aws:iam::111122223333:role/CodeDeployOnPremises",
        "0123456789abcdef0123456789abcdef01234567",  # a commit
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "https://codedeploy.eu-west-1.amazonaws.com/",
        "http://127.0.0.1:9701 answers, and http://[::1]:8000/x does not",
        "request 7d1c2e0a-5b1e-4f0c-9a53-2f3f5d0d8f11",
        "arn:aws:iam::111122223333:user/AWS/CodeDeploy/somehost1234567890ab",
        "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_CodeDeployAdministrators_0a1b2c3d4e5f6071/alex@example.com",
        "/opt/codedeploy-agent/deployment-root/6f1a2b3c-1111-2222-3333-444455556666/d-8ZV9AQ3XH/deployment-archive/scripts/After.sh",
        "s3://shop-revisions/Releases/2026/Version-1.2.3/ShopFrontendApplicationBundle.zip",
        "The security token included in the request is invalid",
        "User: x is not authorized to perform: secretsmanager:GetSecretValue",
        "MISSING_GITHUB_TOKEN: The GitHub token is missing or invalid.",
        "password for web-01",
        "the password is wrong",
        "Password authentication failed",
        "Basic authentication is needed",
        "Aws::CodeDeployCommand::Errors::InvalidSignatureException",
        "Invalid header value",
        "a cookie: ",
        "PWD=/srv/app",
        "bypass=true",
        "DB_PASS=$DB_PASS",
        "PASS: test_login",
        "pass:12 fail:3",
        "pass: 12",
        "--token-file /etc/token",
        "give --token to authenticate",
        "S3_KEY=web/1.4.2.zip",
        "docker run --user app:app x",
        "psql -p 5432",
        "https://alex@example.com/",
    ],
)
def test_what_is_no_secret_is_shown(innocent: str) -> None:
    assert plain(innocent) == innocent


@pytest.mark.parametrize(
    "text",
    [
        "password:\nHIDDEN x",
        "password: |\n  HIDDEN",
        "[stderr]password:\n[stderr]  HIDDEN",
        "a\npassword=\r\nHIDDEN",
    ],
)
def test_a_secret_may_stand_on_the_line_after_its_name(text: str) -> None:
    assert "HIDDEN" not in plain(text)


def test_two_access_keys_can_be_told_apart() -> None:
    assert plain("AKIA" + "IOSFODNN7EXAMPLE") == "AKIAIO…LE"


def test_what_acts_is_made_visible() -> None:
    assert plain("a\nb\x1b[31m\u202ec\u2028") == "a\\nb\\x1b[31m\\u202ec\\u2028"
    assert all_plain({"a": ["x\n", ("y\r", 1, None)]}) == {"a": ["x\\n", ["y\\r", 1, None]]}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::x", ": :error::x"),
        ("a ::error file=b,line=1::x", "a : :error file=b,line=1::x"),
        ("a\u00a0::stop-commands::t", "a\u00a0: :stop-commands::t"),
        ("x##[error]y", "x# #[error]y"),
        ("####[group]", "### #[group]"),
        ("##vso[task.setvariable variable=PATH]/x", "# #vso[task.setvariable variable=PATH]/x"),
        ("##teamcity[buildStatus text='x']", "# #teamcity[buildStatus text='x']"),
    ],
)
def test_what_a_runner_of_ci_obeys_gets_a_space(text: str, shown: str) -> None:
    assert plain(text) == plain(shown) == shown


@pytest.mark.parametrize(
    "innocent",
    [
        "Aws::CodeDeploy::Errors",
        "::ffff:10.0.0.1 and ::1",
        "a :: b",
        "arn:aws:iam::111122223333:root",
        "## Head #[x]",
    ],
)
def test_what_no_runner_obeys_is_left(innocent: str) -> None:
    assert plain(innocent) == innocent


# What a pattern could be made to read again and again.
WORST = [
    "x", "x://", "://:", "a://b:c", "x://a:b@", "a:", "@", "-eyJ", "eyJa.", "xoxb-", "ghp_", "IQoJ", "AKIA", "aA1",
    "aA1/", "aA1-", "token ", "token=", "token:'", "token  =", "password ", "password a", "pwd '", "secret_", "Bearer ",
    "Basic a", "authorization ", "authorization:", "cookie=", "X-Amz-Signature", "Invalid header value b'",
    "Invalid header value b'\\", "-----BEGIN PRIVATE KEY-----", "-----BEGIN A ", " ", "\\", "'", "\u202e",
    " ::", "::a", " ::a-", "##", "##a",
]  # fmt: skip


def seconds(text: str) -> float:
    """What it costs this thread, whatever else the machine does: the shortest of several tries."""
    tries = []
    for _ in range(3):
        began = time.thread_time()
        plain(text)
        tries.append(time.thread_time() - began)
    return min(tries)


@pytest.mark.parametrize("unit", WORST)
def test_a_text_costs_no_more_than_its_length(unit: str) -> None:
    short, long = (unit * (size // len(unit)) for size in (12_500, 100_000))
    # 8 times as long: 8 times the time, where a pattern that reads it again would take 64 times
    assert seconds(long) < 24 * seconds(short)
