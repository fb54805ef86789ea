"""Problems of web-01's host and of its network."""

from datetime import timedelta

from codedeploy_sandbox.hosts.host import DEPLOYMENTS
from codedeploy_sandbox.scenarios.fleet import healthy
from codedeploy_sandbox.scenarios.helpers import NODE, machine, node
from codedeploy_sandbox.scenarios.records import BEFORE, after_a_success, played
from codedeploy_sandbox.state import REGION, Account


def host_unmanaged(account: Account) -> None:
    """Systems Manager does not know web-01's host, so it cannot be checked remotely."""
    healthy(account)
    del account.state(REGION).nodes[NODE]


def host_offline(account: Account) -> None:
    """Systems Manager lost the connection to web-01's host three days ago."""
    healthy(account)
    node(account, ping="ConnectionLost", heard=timedelta(days=3))


def host_no_https(account: Account) -> None:
    """HTTPS does not get out of web-01's host: connections to CodeDeploy and S3 time out."""
    healthy(account)
    machine(account, blocked="*")


def host_dns_fails(account: Account) -> None:
    """The host of web-01 cannot resolve names, so it does not find CodeDeploy."""
    healthy(account)
    machine(account, resolves=False)


def host_clock_wrong(account: Account) -> None:
    """The clock of web-01's host is 17 minutes ahead, and AWS refuses what is signed with it."""
    healthy(account)
    machine(account, ahead=timedelta(minutes=17))


def credentials_missing(account: Account) -> None:
    """The credentials file that the yml of web-01 names is not there."""
    healthy(account)
    machine(account, credentials=False)


def keys_exposed(account: Account) -> None:
    """Every user of web-01's host can read the file with its keys."""
    healthy(account)
    machine(account, private=False)


def host_disk_full(account: Account) -> None:
    """The disk of web-01's host is full: its agent polls, and each deployment fails."""
    healthy(account)
    machine(account, free=0)
    played(account)


def host_inodes_used(account: Account) -> None:
    """The disk of web-01's host has room and no inode left: its agent polls, and each deployment fails."""
    healthy(account)
    machine(account, inodes=0)
    played(account)


def last_revision_gone(account: Account) -> None:
    """The folder of web-01's last successful revision was deleted, so ApplicationStop fails from now on."""
    healthy(account)
    record = f"{DEPLOYMENTS}/deployment-instructions/5f1e_last_successful_install"
    gone = ((record, f"/{DEPLOYMENTS}/5f1e/{BEFORE}\n"),)
    machine(account, others=gone, fails="last-revision-gone")
    played(account)
    after_a_success(account)
