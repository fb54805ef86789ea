"""The fleet with which every scenario begins."""

from datetime import timedelta

from codedeploy_sandbox.hosts.agent import EVENTS
from codedeploy_sandbox.hosts.machine import Machine, session_yml, user_yml
from codedeploy_sandbox.plays import WELL
from codedeploy_sandbox.scenarios.baseline import furnish
from codedeploy_sandbox.scenarios.helpers import CLI, NODE, sent, session, user
from codedeploy_sandbox.scenarios.records import put, target
from codedeploy_sandbox.state import CALLER_ACCESS_KEY, REGION, Account, Node


def healthy(account: Account) -> None:
    """Nothing is wrong: two instances registered by session, one by IAM user, one deregistered; d-SHOPWEB01 succeeded."""
    furnish(account)
    world = account.state(REGION)
    month_ago = account.clock.start - timedelta(days=30)
    for name in ("web-01", "web-02"):
        world.register(name, month_ago, session=session(name))
        world.instances[name].tags = {"Name": name, "Environment": "production"}
    for name in ("batch-01", "old-01"):
        world.register(name, month_ago, user=user(name))
    world.instances["batch-01"].tags = {"Name": "batch-01", "Environment": "staging"}
    world.deregister("old-01", account.clock.start - timedelta(days=2))
    for id, machine in {
        NODE: Machine("web-01", session_yml(session("web-01"), REGION)),
        "mi-0a1b2c3d4e5f60002": Machine("web-02", session_yml(session("web-02"), REGION), agent="1.8.0"),
        "mi-0a1b2c3d4e5f60003": Machine("batch-01", user_yml(user("batch-01"), REGION), "debian"),
    }.items():
        world.nodes[id] = Node(id, machine)
    done = {"status": "Succeeded", "startTime": month_ago, "endTime": month_ago, "diagnostics": WELL}
    names = ("web-01", "web-02")
    put(
        account,
        "Succeeded",
        {name: target(name, "Succeeded", dict.fromkeys(EVENTS, done)) for name in names},
        None,
    )
    on_call = account.callers[CALLER_ACCESS_KEY]
    for hours, parameters in ((20, {}), (9, {"registrationStatus": "Registered"}), (1, {})):
        sent(account, on_call, hours * 60 + 3, "ListOnPremisesInstances", parameters, CLI, "203.0.113.10")
