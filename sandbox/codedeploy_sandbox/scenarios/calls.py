"""Calls to CodeDeploy by others, as CloudTrail records them."""

from datetime import timedelta

from codedeploy_sandbox.errors import ApiError
from codedeploy_sandbox.iam.identities import Principal
from codedeploy_sandbox.scenarios.fleet import healthy
from codedeploy_sandbox.scenarios.helpers import BOTO, CLI, forget, sent, session
from codedeploy_sandbox.state import ACCOUNT, REGION, Account

_LIST, _REGISTER, _DEREGISTER = (
    "ListOnPremisesInstances",
    "RegisterOnPremisesInstance",
    "DeregisterOnPremisesInstance",
)


def bad_filter(account: Account) -> None:
    """Three callers list on-premises instances with a registrationStatus that AWS does not have."""
    healthy(account)
    jenkins = _role(account, "JenkinsDeploy/nightly", "ASIASANDBOXJENKINS00")
    for minutes in range(7, 127, 10):
        _bad(account, jenkins, minutes, "registered", BOTO, "203.0.113.24")
    report = _role(account, "FleetReport/fleet-report", "ASIASANDBOXREPORT000")
    lambda_agent = f"{BOTO} exec-env/AWS_Lambda_python3.12"
    for minutes in (181, 541, 901):
        _bad(account, report, minutes, "", lambda_agent, "198.51.100.7")
    # How AWS records such a call is not verified, so one of ours leaves the value out.
    _bad(account, report, 1261, None, lambda_agent, "198.51.100.7")
    dana = account.knows(f"arn:aws:iam::{ACCOUNT}:user/dana", "AKIASANDBOXDANA00000")
    for minutes in (44, 46):
        _bad(account, dana, minutes, "All", CLI, "192.0.2.55")
    # Calls that resemble a bad filter:
    sent(account, dana, 41, _LIST, {"registrationStatus": "Registered"}, CLI, "192.0.2.55")
    names = {"instanceNames": ["web-01"]}
    sent(account, jenkins, 12, "BatchGetOnPremisesInstances", names, BOTO, "203.0.113.24")
    audit = _role(account, "Audit/weekly", "ASIASANDBOXAUDIT0000")
    denial = ApiError("AccessDenied", "User is not authorized to perform: codedeploy:ListOnPremisesInstances")
    # Assumption: trail-denied
    sent(account, audit, 305, _LIST, None, BOTO, "203.0.113.90", denial)


def registration_failing(account: Account) -> None:
    """A provisioning role keeps registering web-01, a name that is taken: InstanceNameAlreadyRegisteredException."""
    healthy(account)
    provisioner = _role(account, "Provisioner/terraform", "ASIASANDBOXPROVISION")
    parameters = {"instanceName": "web-01", "iamSessionArn": session("web-01")}
    taken = ApiError("InstanceNameAlreadyRegisteredException", "web-01 is registered already [sandbox]")
    for minutes in (24, 84, 144):
        sent(account, provisioner, minutes, _REGISTER, parameters, BOTO, "203.0.113.31", taken)


def registration_refused(account: Account) -> None:
    """The name web-01 was never registered: a provisioning role sends the ARN of a role, InvalidIamSessionArnException."""
    healthy(account)
    forget(account, "web-01")
    provisioner = _role(account, "Provisioner/terraform", "ASIASANDBOXPROVISION")
    role = f"arn:aws:iam::{ACCOUNT}:role/CodeDeployOnPremises"
    bad = ApiError(
        "InvalidIamSessionArnException", f"{role!r} is not the ARN of an assumed role session [sandbox]"
    )
    for minutes in (31, 91):
        parameters = {"instanceName": "web-01", "iamSessionArn": role}
        sent(account, provisioner, minutes, _REGISTER, parameters, BOTO, "203.0.113.31", bad)


def registration_competes(account: Account) -> None:
    """Two callers deregister and register web-01 in turn, within minutes."""
    healthy(account)
    old = forget(account, "web-01")
    parameters = {"instanceName": "web-01", "iamSessionArn": session("web-01")}
    terraform = _role(account, "Provisioner/terraform", "ASIASANDBOXPROVISION")
    builder = _role(account, "ImageBuilder/web-01", "ASIASANDBOXBUILDER00")
    for caller, minutes, address in ((terraform, 9, "203.0.113.31"), (builder, 5, "203.0.113.77")):
        sent(account, caller, minutes, _DEREGISTER, {"instanceName": "web-01"}, BOTO, address)
        sent(account, caller, minutes - 1, _REGISTER, parameters, BOTO, address)
    world = account.state(REGION)
    world.register("web-01", account.clock.start - timedelta(minutes=4), session=session("web-01"))
    world.instances["web-01"].tags = old.tags


def _role(account: Account, session_of_role: str, access_key: str) -> Principal:
    return account.knows(f"arn:aws:sts::{ACCOUNT}:assumed-role/{session_of_role}", access_key)


def _bad(
    account: Account, caller: Principal, minutes: int, value: str | None, agent: str, address: str
) -> None:
    parameters = None if value is None else {"registrationStatus": value}
    error = ApiError("InvalidRegistrationStatusException", "the filter is malformed [sandbox]")
    sent(account, caller, minutes, _LIST, parameters, agent, address, error)
