"""`connect`: from a target's name to a session."""

import difflib
import os
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

import boto3
import botocore.session
from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound

from runbooks.aws import failures, sandboxed
from runbooks.aws.clients import Clients
from runbooks.aws.guard import Permission
from runbooks.aws.regions import all_regions
from runbooks.aws.session import Aws
from runbooks.errors import UserError
from runbooks.host.probe import ProbeBy, document_name
from runbooks.text.spelling import parameter, sandbox_parameter

SHARE = 0.25  # of the time of a diagnosis, for asking who signs the calls; the rest is for the checks
_PRINTABLE = re.compile(r"[!-~]+")


def connect(
    target: str, *, profile: str = "", region: str = "", probe: bool = False, timeout: float = 60
) -> Aws:
    """Open a session for diagnosis.

    ``target`` is ``"aws"`` (the account of ``profile`` or of the usual credential chain) or
    ``"sandbox:SCENARIO"`` (an embedded AWS on loopback, started for this session and gone with it).
    The session only reads. With ``probe`` it may also have Systems Manager run the host probe, by the SSM document that
    holds it (`host.probe.document_name`), and nothing else. A sandbox always may. AWS is asked whose credentials these are, for at most a quarter of
    the ``timeout`` of a diagnosis; if it does not answer in that time, the checks find out why.

    Raises `UserError` with one sentence for an unknown target, scenario, profile or Region and for missing or
    malformed credentials (exit code 64), and for credentials that cannot be loaded or that AWS refuses (exit code 2:
    nothing can be checked).
    """
    allowed: dict[str, Permission] = {}
    if target != "aws":
        allowed["ssm:SendCommand"] = ProbeBy()  # the sandbox has the document
    elif probe:
        allowed["ssm:SendCommand"] = ProbeBy(document_name())
    return allowing(allowed, target, profile=profile, region=region, timeout=timeout)


def allowing(
    allowed: Mapping[str, Permission],
    target: str,
    *,
    profile: str = "",
    region: str = "",
    timeout: float = 60,
) -> Aws:
    """`connect`, with exactly ``allowed`` beyond reading. Only the package itself calls this."""
    for name, value in {"target": target, "profile": profile, "region": region}.items():
        if not isinstance(value, str):
            raise UserError(f"{name} must be text, not {value!r}.")
    place, _, scenario = target.partition(":")
    if place == "sandbox" and scenario:
        if region:
            _check_region(region)
        return _known(sandboxed.start(scenario, region, allowed), timeout)
    if target == "aws":
        return _known(_aws(profile, region, allowed), timeout)
    raise UserError(
        f"Unknown target {target!r}: use 'aws' or 'sandbox:SCENARIO' (`runbooks sandbox --list` names them)."
    )


def usual_region(profile: str = "") -> str:
    """The Region that is asked where none is given: that of AWS_REGION or of the profile; "" for none.

    Raises `UserError` for a profile or a configuration that `connect` refuses too.
    """
    return _session(profile, "").region_name or ""


def _session(profile: str, region: str) -> boto3.Session:
    # boto3 itself reads AWS_DEFAULT_REGION only; the AWS CLI and the other SDKs read AWS_REGION
    try:
        return boto3.Session(profile_name=profile or None, region_name=region or os.environ.get("AWS_REGION"))
    except ProfileNotFound as error:
        raise UserError(
            f"{error}. Known profiles: {', '.join(_profiles()) or 'none; run `aws configure`'}."
        ) from None
    except BotoCoreError as error:
        raise UserError(f"The AWS configuration cannot be read: {' '.join(str(error).split())}.") from None


def _aws(profile: str, region: str, allowed: Mapping[str, Permission]) -> Aws:
    session = _session(profile, region)
    if not session.region_name:
        raise UserError(f"No Region: give one ({parameter('region')}), or set AWS_REGION.")
    _check_region(session.region_name)
    return Aws(Clients(session, allowed=allowed), profile=profile)


def _profiles() -> list[str]:
    # The profile is set to none here, else a wrong AWS_PROFILE would stop the listing too.
    core = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    return sorted(core.available_profiles)


def _check_region(region: str) -> None:
    regions = all_regions()
    if region not in regions:
        near = difflib.get_close_matches(region, regions, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UserError(
            f"There is no CodeDeploy in a Region named {region!r}, as far as this boto3 knows.{hint}"
        )


def _known(aws: Aws, timeout: float) -> Aws:
    """Ask who signs the calls. Unusable credentials end here; a problem of the network is for the checks to find."""

    def ask() -> None:
        _refuse_malformed(_credentials(aws.clients.session))
        _ = aws.identity

    try:
        _in_time(ask, timeout * SHARE)
    except ClientError as error:
        if failures.classify(error) in failures.OF_THE_CALLER:
            raise UserError(failures.describe(error), 2) from None
    except (TimeoutError, *failures.UNREACHABLE):
        pass
    except BotoCoreError as error:
        raise UserError(failures.describe(error), 2) from None
    return aws


def _credentials(session: boto3.Session) -> Any:
    """The credentials that sign the calls now. A provider may run a program, or ask a service."""
    try:
        credentials: Any = session.get_credentials()
        if credentials is None:
            raise UserError(
                "No AWS credentials were found: sign in (`aws sso login`), name a profile"
                f" ({parameter('profile')}), or try the sandbox ({sandbox_parameter('healthy')})."
            )
        return credentials.get_frozen_credentials()
    except (UserError, BotoCoreError, ClientError):
        raise
    except OSError as error:
        raise UserError(f"The AWS credentials cannot be loaded: {error}.", 2) from None
    except Exception as error:  # noqa: BLE001 - a program may answer anything, a secret included
        says = f"their provider gives something that botocore cannot read ({type(error).__name__})"
        raise UserError(f"The AWS credentials cannot be loaded: {says}.", 2) from None


def _refuse_malformed(credentials: Any) -> None:
    """Raise `UserError` for a key that is missing, and for a value that no header can hold; it is not shown."""
    for name in ("access_key", "secret_key", "token"):
        value = getattr(credentials, name)
        what = {"token": "session token"}.get(name, name.replace("_", " "))
        if not value and name != "token":
            raise UserError(f"The AWS credentials have no {what}.")
        if value and not (isinstance(value, str) and _PRINTABLE.fullmatch(value)):
            raise UserError(
                f"The {what} of the AWS credentials has a newline, a space or another character that cannot be in one:"
                " set it again without that. A file with Windows line ends leaves a carriage return at its end."
            )


def _in_time(ask: Callable[[], object], seconds: float) -> None:
    """Raise what ``ask`` raises, or TimeoutError if it takes longer."""
    outcome = Future[object]()

    def work() -> None:
        try:
            outcome.set_result(ask())
        except Exception as error:  # noqa: BLE001 - raised again by the thread that waits
            outcome.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    outcome.result(seconds)
