"""Problems of the agent on web-01's host; the registration is right."""

from datetime import timedelta
from typing import Any

from codedeploy_sandbox.hosts.host import DEFAULT_CONFIG, DEPLOYMENTS, IDENTITY, LOGS, POLLS
from codedeploy_sandbox.hosts.machine import poll, session_yml
from codedeploy_sandbox.scenarios.fleet import healthy
from codedeploy_sandbox.scenarios.helpers import machine, session, user
from codedeploy_sandbox.scenarios.records import played
from codedeploy_sandbox.state import REGION, Account

# An agent 1.x whose worker ends at each start: its processes, and what its master logs then.
_LOOPS: dict[str, Any] = {
    "processes": ((1412, "codedeploy-agent: master 1412"), (1420, "codedeploy-agent: booting child")),
    "ages": ((1412, 4000), (1420, 1)),
}
_BOOT = "ERROR [codedeploy-agent(1420)]: booting child: error during start or run: "
_AGAIN = "INFO  [codedeploy-agent(1412)]: master 1412: not enough child processes running - missing at least 1 - respawning"
_DENIED = (
    "ERROR [codedeploy-agent(1412)]: InstanceAgent::Plugins::CodeDeployPlugin::CommandPoller:"
    " Cannot reach InstanceService: Aws::CodeDeployCommand::Errors::AccessDeniedException - "
)


def agent_not_installed(account: Account) -> None:
    """The instance web-01 is registered, but no agent is installed on its host."""
    healthy(account)
    machine(account, agent=None)


def agent_stopped(account: Account) -> None:
    """The agent on web-01 does not run; its log ends three hours ago."""
    healthy(account)
    machine(account, running=False, quiet=timedelta(hours=3))


def agent_crash_loop(account: Account) -> None:
    """The proxy of web-01's agent is down, so its worker ends at each start, every five seconds; systemd says that it runs."""
    healthy(account)
    refused = "connect(2) for 127.0.0.1:3128"
    tcp = f"Errno::ECONNREFUSED - Failed to open TCP connection to 127.0.0.1:3128 (Connection refused - {refused})"
    settings = ":proxy_uri: http://127.0.0.1:3128\n"
    machine(account, settings=settings, dead_proxy=True, log=(_BOOT + tcp, _AGAIN) * 3, **_LOOPS)
    played(account, "silent")


def agent_user_barred(account: Account) -> None:
    """The agent on web-01 runs as the user codedeploy, which may not read its yml nor write its log: both are root's."""
    healthy(account)
    unread = "INFO  [codedeploy-agent(1420)]: On Premises config file does not exist or not readable"
    asked = "Failed to open TCP connection to 169.254.169.254:80"
    lost = f"Errno::ENETUNREACH - {asked} (Network is unreachable - connect(2) for 169.254.169.254:80)"
    machine(account, owner=990, log=(unread, _BOOT + lost, _AGAIN) * 3, **_LOOPS)
    played(account, "silent")


def ruby_too_new(account: Account) -> None:
    """The host of web-01 was given Ruby 3.4, which the agent cannot run on: its worker ends at each start."""
    healthy(account)
    file = "cannot load such file -- webrick/httputils"
    plugin = f"ERROR [codedeploy-agent(1420)]: Plugin codedeploy could not be loaded: {file}."
    machine(account, ruby="3.4.1", log=(plugin, f"{_BOOT}LoadError - {file}", _AGAIN) * 3, **_LOOPS)
    played(account, "silent")


def agent_exited(account: Account) -> None:
    """The agent on web-01 died; systemd still calls its unit active (exited), so that start does nothing."""
    healthy(account)
    machine(account, running=False, unit="active exited", quiet=timedelta(hours=3))


def agent_too_old(account: Account) -> None:
    """The agent on web-01 is 1.7.1, which AWS no longer supports."""
    healthy(account)
    machine(account, agent="1.7.1")


def agent_2(account: Account) -> None:
    """Nothing is wrong: the agent on web-01 is version 2.x."""
    healthy(account)
    machine(account, agent="2.1.0")


def agent_log_errors(account: Account) -> None:
    """CodeDeploy refuses the agent of web-01: its log says AccessDeniedException."""
    healthy(account)
    machine(account, log=(_DENIED,) * 4)


def identity_mismatch(account: Account) -> None:
    """The agent on web-01 has another ARN, web-99's, than web-01 is registered with."""
    healthy(account)
    machine(account, identity=session_yml(session("web-99"), REGION))


def yml_unreadable(account: Account) -> None:
    """The agent on web-01 cannot read its yml: a directory is in its place."""
    healthy(account)
    machine(account, identity=None, others=((f"{IDENTITY}/codedeploy.onpremises.yml", ""),))


def both_arns_in_yml(account: Account) -> None:
    """The yml of web-01 names both a session and an IAM user, and the agent refuses that."""
    healthy(account)
    both = session_yml(session("web-01"), REGION) + f"iam_user_arn: {user('web-01')}\n"
    machine(account, identity=both)


def two_agents(account: Account) -> None:
    """Two agents run on web-01, since one was started while its lock was gone: each fetches commands."""
    healthy(account)
    second = ((pid + 1000, title.replace("1412", "2412")) for pid, title in POLLS.items())
    machine(account, processes=(*POLLS.items(), *second), fails="two-agents")
    played(account, "two-agents")


def proxy_of_environment_dead(account: Account) -> None:
    """The environment of web-01's agent has an http_proxy that is down, which its worker needs at each start."""
    healthy(account)
    where = "https://codedeploy-commands.eu-west-1.amazonaws.com"
    control = "InstanceAgent::Plugins::CodeDeployPlugin::CodeDeployControl"
    verified = f"{control}: Error during certificate verification on codedeploy endpoint {where}"
    log = (
        f"INFO  [codedeploy-agent(1420)]: CodeDeploy endpoint: {where}",
        f"ERROR [codedeploy-agent(1420)]: {verified}",
        "ERROR [codedeploy-agent(1420)]: Error validating the SSL configuration: Invalid server certificate",
        f"{_BOOT}SystemExit - Stopping CodeDeploy agent due to SSL validation error.",
        _AGAIN,
    )
    proxy = (("http_proxy", "http://127.0.0.1:3128"),)
    machine(account, environment=proxy, dead_proxy=True, log=log * 2, **_LOOPS)
    played(account, "silent")


def proxy_without_scheme(account: Account) -> None:
    """The proxy_uri of web-01's agent has no http:// in front, so that the agent goes without the proxy."""
    healthy(account)
    machine(account, settings=":proxy_uri: proxy.shop.example:3128\n")


def metadata_of_other_region(account: Account) -> None:
    """The metadata service of web-01's host names another Region than its yml, and its agent polls there."""
    healthy(account)
    where = "https://codedeploy-commands.eu-central-1.amazonaws.com"
    polls = poll(session("web-01"))
    log = (f"INFO  [codedeploy-agent(1415)]: CodeDeploy endpoint: {where}", polls, polls)
    machine(account, metadata="eu-central-1", log=log)


def wire_log_quoted(account: Account) -> None:
    """The agent on web-01 has log_aws_wire "false" in quotes, which it takes for on; its file grows."""
    healthy(account)
    calls = (f"{LOGS}/codedeploy-agent.aws_wire.log", "opening connection\n")
    machine(account, settings=':log_aws_wire: "false"\n', others=(calls,))


def wire_log_on(account: Account) -> None:
    """The agent on web-01 has log_aws_wire on, which can write secrets to its log."""
    healthy(account)
    machine(account, settings=":log_aws_wire: true\n")


def metadata_answers(account: Account) -> None:
    """A metadata service answers web-01's host, and agent 1.x takes its Region and domain from it."""
    healthy(account)
    machine(account, metadata="200")


def max_revisions_zero(account: Account) -> None:
    """The configuration of web-01 has max_revisions 0: agent 1.8.1 logs that and ends itself at each start."""
    healthy(account)
    executor = "InstanceAgent::Plugins::CodeDeployPlugin::CommandExecutor"
    refused = f"ERROR [codedeploy-agent(1415)]: {executor}: Invalid configuration :max_revision=0"
    ends = "INFO  [codedeploy-agent(1412)]: master 1412: Received TERM - stopping children and shutting down"
    log = (refused, ends)
    machine(account, settings=":max_revisions: 0\n", running=False, log=log, quiet=timedelta(hours=1))
    played(account, "silent")


def children_two(account: Account) -> None:
    """The configuration of web-01 asks for two workers: agent 1.x says so on its terminal alone, and does not start."""
    healthy(account)
    shows = (("Result", "exit-code"),)
    machine(account, settings=":children: 2\n", running=False, unit="failed failed", shows=shows)
    played(account, "silent")


def certificates_lost(account: Account) -> None:
    """The folder certs/ of web-01's agent was deleted, so that its worker ends at each start."""
    healthy(account)
    file = "/opt/codedeploy-agent/certs/host-agent-deployment-signer-ca-chain.pem"
    lost = f"{_BOOT}RuntimeError - Could not load certificate store '{file}'."
    machine(account, signers=False, log=(lost, _AGAIN) * 3, **_LOOPS)
    played(account, "silent")


def root_dir_relative(account: Account) -> None:
    """The root_dir of web-01's agent is a relative path, which begins in the folder where the agent was started."""
    healthy(account)
    machine(
        account, config=DEFAULT_CONFIG.replace("'/opt/codedeploy-agent/deployment-root'", "deployment-root")
    )


def tracking_file_left(account: Account) -> None:
    """An event of a deployment is still noted as under way on web-01, nine hours after it began."""
    healthy(account)
    left = ((f"{DEPLOYMENTS}/ongoing-deployment/d-SHOPWEB00", "eyJiYXRjaElkIjoi"),)
    machine(account, others=left, under_way=timedelta(hours=9))


def agent_started_by_hand(account: Account) -> None:
    """The agent on web-01 runs, and not by systemd, whose unit is failed: it was started by hand."""
    healthy(account)
    machine(account, unit="failed failed", shows=(("Result", "exit-code"),))


def tools_missing(account: Account) -> None:
    """The host of web-01 has no unzip, so that the files of its revisions lose their execute bits."""
    healthy(account)
    machine(account, without=("unzip",))


def certificate_intercepted(account: Account) -> None:
    """A proxy between web-01 and AWS shows a certificate of its own, and the worker of the agent ends at each start."""
    healthy(account)
    where = "https://codedeploy-commands.eu-west-1.amazonaws.com"
    log = (
        f"INFO  [codedeploy-agent(1420)]: CodeDeploy endpoint: {where}",
        "ERROR [codedeploy-agent(1420)]: Error validating the SSL configuration: Invalid server certificate",
        f"{_BOOT}SystemExit - Stopping CodeDeploy agent due to SSL validation error.",
        _AGAIN,
    )
    machine(account, issuer="CN = Corporate Proxy CA", log=log * 2, **_LOOPS)
    played(account, "silent")


def old_revision_stuck(account: Account) -> None:
    """A file system is mounted in an old revision on web-01, which the agent therefore cannot delete."""
    healthy(account)
    place = f"/{DEPLOYMENTS}/5f1e/d-SHOPWEB00/deployment-archive/media"
    machine(account, mounts=f"/dev/vda1 / ext4 rw,relatime 0 0\nnfs:/media {place} nfs rw 0 0\n")
