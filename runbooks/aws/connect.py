"""`connect`: from a target's name to a session."""

import difflib
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future

import boto3
import botocore.session
from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound

from runbooks.aws import failures, sandboxed
from runbooks.aws.clients import Clients
from runbooks.aws.guard import Permission
from runbooks.aws.regions import all_regions
from runbooks.aws.session import Aws
from runbooks.errors import UserError
from runbooks.host.probe import is_our_probe

PROBE: Mapping[str, Permission] = {"ssm:SendCommand": is_our_probe}


def connect(
    target: str, *, profile: str = "", region: str = "", probe: bool = False, timeout: float = 60
) -> Aws:
    """Open a session for diagnosis.

    ``target`` is ``"aws"`` (the account of ``profile`` or of the usual credential chain) or
    ``"sandbox:SCENARIO"`` (an embedded AWS on loopback, started for this session and gone with it).
    The session only reads; with ``probe`` it may also send the project's own host probe by SSM Run
    Command, and nothing else. A sandbox always may. AWS is asked who this is; where it has not said so within
    ``timeout`` seconds, the checks find out why.

    Raises `UserError` with one sentence for an unknown target, scenario, profile or Region, missing
    credentials (exit code 64), and for credentials that AWS refuses (exit code 2: nothing can be looked at).
    """
    allowed = {} if target == "aws" and not probe else PROBE
    return allowing(allowed, target, profile=profile, region=region, timeout=timeout)


def allowing(
    allowed: Mapping[str, Permission],
    target: str,
    *,
    profile: str = "",
    region: str = "",
    timeout: float = 60,
) -> Aws:
    """`connect`, with exactly ``allowed`` beyond reading. For the package: a user gets no switch this wide."""
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


def _aws(profile: str, region: str, allowed: Mapping[str, Permission]) -> Aws:
    # boto3 itself reads AWS_DEFAULT_REGION only; the AWS CLI and the other SDKs read AWS_REGION
    try:
        session = boto3.Session(
            profile_name=profile or None, region_name=region or os.environ.get("AWS_REGION")
        )
    except ProfileNotFound as error:
        raise UserError(
            f"{error}. Known profiles: {', '.join(_profiles()) or 'none; run `aws configure`'}."
        ) from None
    except BotoCoreError as error:
        raise UserError(f"The AWS configuration cannot be read: {' '.join(str(error).split())}.") from None
    if not session.region_name:
        raise UserError("No Region: give one (--region, or region=…), or set AWS_REGION.")
    _check_region(session.region_name)
    try:
        credentials = session.get_credentials()
    except BotoCoreError as error:
        raise UserError(f"The AWS credentials cannot be loaded: {' '.join(str(error).split())}", 2) from None
    if credentials is None:
        raise UserError(
            "No AWS credentials were found: sign in (`aws sso login`), name a profile (--profile, or profile=…), "
            "or try the sandbox (--sandbox healthy, or target='sandbox:healthy')."
        )
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
    """Ask who it is. Credentials that AWS refuses end here; a network in the way is for the checks to describe."""
    try:
        _in_time(lambda: aws.identity, timeout)
    except ClientError as error:
        if failures.classify(error) in ("expired", "credentials", "clock", "signature"):
            raise UserError(failures.describe(error), 2) from None
    except (TimeoutError, *failures.UNREACHABLE):
        pass
    except BotoCoreError as error:
        raise UserError(failures.describe(error), 2) from None
    return aws


def _in_time(ask: Callable[[], object], seconds: float) -> None:
    """Raise what ``ask`` raises, or TimeoutError while it is still at work."""
    outcome = Future[object]()

    def work() -> None:
        try:
            outcome.set_result(ask())
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits
            outcome.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    outcome.result(seconds)
