"""A deployment that failed on web-01 for something on its host or in its revision: CodeDeploy and the host say so."""

from typing import Any

from codedeploy_sandbox.hosts import agent
from codedeploy_sandbox.hosts.bundle import zipped
from codedeploy_sandbox.hosts.host import DEPLOYMENTS
from codedeploy_sandbox.moto_client import Ask
from codedeploy_sandbox.scenarios.baseline import BUCKET, HOST_ROLE, READS_REVISIONS, REVISION, allow, only
from codedeploy_sandbox.scenarios.fleet import healthy
from codedeploy_sandbox.scenarios.helpers import machine
from codedeploy_sandbox.scenarios.records import DEPLOYMENT, after_a_success, played
from codedeploy_sandbox.state import ACCOUNT, REGION, Account


def deployment_script_missing(account: Account) -> None:
    """The revision of d-SHOPWEB01 lacks the start script that its AppSpec file names."""
    _failing(account, "script-missing")


def deployment_script_not_executable(account: Account) -> None:
    """The agent on web-01 could not make the start script of d-SHOPWEB01 executable."""
    _failing(account, "script-not-executable")


def deployment_script_timed_out(account: Account) -> None:
    """The start script of d-SHOPWEB01 waited for a database until its timeout."""
    _failing(account, "script-timed-out")


def deployment_output_left_open(account: Account) -> None:
    """The start script of d-SHOPWEB01 left a process behind that holds its output open until the timeout."""
    _failing(account, "output-left-open")


def deployment_script_crlf(account: Account) -> None:
    """The start script of d-SHOPWEB01 has Windows line ends, so that web-01 does not find its interpreter."""
    _failing(account, "script-crlf")


def deployment_interpreter_missing(account: Account) -> None:
    """The first line of the start script of d-SHOPWEB01 names a bash that is not on web-01."""
    _failing(account, "interpreter-missing")


def deployment_script_killed(account: Account) -> None:
    """The start script of d-SHOPWEB01 was killed on web-01, as the kernel does when no memory is left."""
    _failing(account, "script-killed")


def deployment_old_script_missing(account: Account) -> None:
    """The stop script of the last successful revision was deleted on web-01, so that each deployment fails at its first event."""
    old = f"{DEPLOYMENTS}/5f1e/d-SHOPWEB00"
    files = {name: text for name, text in agent.REVISION.items() if name != "scripts/stop.sh"}
    others = {f"{old}/deployment-archive/{name}": text for name, text in files.items()}
    others |= {
        f"{DEPLOYMENTS}/deployment-instructions/5f1e_{which}_install": f"/{old}\n"
        for which in ("last_successful", "most_recent")
    }
    _failing(account, "old-script-missing", others=(*others.items(), ("bin/sh", "")))
    after_a_success(account)


def deployment_root_noexec(account: Account) -> None:
    """The agent's root_dir on web-01 is mounted noexec, so that no hook script of d-SHOPWEB01 can be run."""
    mounts = f"/dev/vda1 / ext4 rw,relatime 0 0\n/dev/vdb1 /{DEPLOYMENTS} ext4 rw,noexec 0 0\n"
    _failing(account, "noexec", mounts=mounts)


def deployment_root_read_only(account: Account) -> None:
    """The agent's root_dir on web-01 is mounted read-only, so that each deployment fails at its first event."""
    mounts = f"/dev/vda1 / ext4 rw,relatime 0 0\n/dev/vdb1 /{DEPLOYMENTS} ext4 ro,relatime 0 0\n"
    _failing(account, "root-read-only", mounts=mounts)


def deployment_appspec_missing(account: Account) -> None:
    """The revision of d-SHOPWEB01 has no AppSpec file at its root."""
    _failing(account, "appspec-missing")


def deployment_appspec_invalid(account: Account) -> None:
    """The AppSpec file of d-SHOPWEB01 is indented with a tab."""
    _failing(account, "appspec-invalid")


def deployment_file_exists(account: Account) -> None:
    """A file of d-SHOPWEB01 was on web-01 already, put there by no deployment."""
    listed = f"{DEPLOYMENTS}/deployment-instructions/5f1e-install.json"
    copied = '{"instructions":[{"type":"copy","source":"index.html","destination":"/srv/app/index.html"}]}'
    _failing(account, "file-exists", others=((listed, copied),))


def deployment_source_missing(account: Account) -> None:
    """The revision of d-SHOPWEB01 lacks a file that its AppSpec file copies."""
    _failing(account, "source-missing")


def deployment_destination_read_only(account: Account) -> None:
    """The file system to which d-SHOPWEB01 copies files is read-only on web-01."""
    _failing(account, "read-only")


def deployment_bundle_broken(account: Account) -> None:
    """The revision of d-SHOPWEB01 is not a zip archive, though its name and type say so."""
    _failing(account, "bundle-broken")


def deployment_revision_gone(account: Account) -> None:
    """The revision of d-SHOPWEB01 was deleted from its bucket."""
    _failing(account, "bundle-gone", fails="")
    account.seeds.append(("s3", lambda ask: ask("s3", "DeleteObject", Bucket=BUCKET, Key=REVISION)))


def deployment_bucket_in_other_region(account: Account) -> None:
    """The bucket of d-SHOPWEB01's revision is in eu-central-1, and the agent on web-01 asks S3 in eu-west-1."""
    _failing(account, "bundle-in-other-region")
    there = {"bucket": _ELSEWHERE, "key": REVISION, "bundleType": "zip"}
    account.state(REGION).deployments[DEPLOYMENT].info["revision"] = {
        "revisionType": "S3",
        "s3Location": there,
    }
    reads = ("s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket")
    arn = f"arn:aws:s3:::{_ELSEWHERE}"
    only(account, allow(*reads, on=[arn, f"{arn}/*"]), *READS_REVISIONS.values(), name=HOST_ROLE)
    account.seeds.append(("s3", _elsewhere))


def deployment_key_denied(account: Account) -> None:
    """The revision of d-SHOPWEB01 is encrypted with a KMS key that the role of the hosts may not use."""
    _failing(account, "bundle-key-denied")
    account.seeds.append(("s3", _encrypted))


def deployment_agent_restarted(account: Account) -> None:
    """The agent on web-01 was restarted while a script of d-SHOPWEB01 ran."""
    _failing(account, "agent-restarted")


def deployment_cleanup_failing(account: Account) -> None:
    """The agent on web-01 could not delete an old revision, and d-SHOPWEB01 failed with it."""
    _failing(account, "cleanup-failing")


_ELSEWHERE = "shop-revisions-frankfurt"


def _elsewhere(ask: Ask) -> None:
    place = {"LocationConstraint": "eu-central-1"}
    ask("s3", "CreateBucket", region="eu-central-1", Bucket=_ELSEWHERE, CreateBucketConfiguration=place)
    ask("s3", "PutObject", region="eu-central-1", Bucket=_ELSEWHERE, Key=REVISION, Body=zipped())


def _encrypted(ask: Ask) -> None:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a1b2c3d-1111-2222-3333-444455556666"
    ways = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    ask("s3", "PutObject", Bucket=BUCKET, Key=REVISION, Body=zipped(), **ways)


def _failing(account: Account, failure: str, **changes: Any) -> None:
    """Let every deployment fail so on web-01, and d-SHOPWEB01 have done so."""
    healthy(account)
    machine(account, **{"fails": failure, **changes})
    played(account, failure)
