"""Restarts, deployments to outdated instances only, and the options that are kept with a deployment."""

from dataclasses import replace

import pytest
from codedeploy_sandbox.hosts.agent import EVENTS
from codedeploy_sandbox.state import REGION, Account

from tests.sandbox.test_plays import NODES, WHERE, Player, playing, revision

AT_ONCE = {"deploymentConfigName": "CodeDeployDefault.AllAtOnce"}


def restart(player: Player) -> str:
    asked = {**WHERE, **AT_ONCE, "deploymentMode": "RESTART"}
    return str(player.api.create_deployment(**asked)["deploymentId"])


def test_a_restart_takes_the_revision_of_the_last_deployment_that_succeeded() -> None:
    with playing() as player:
        new = revision("web/new.zip")
        copied = {"Bucket": "shop-revisions", "CopySource": "shop-revisions/web/1.4.2.zip"}
        player.s3.copy_object(**copied, Key="web/new.zip")
        assert player.end(player.create(revision=new, **AT_ONCE))["status"] == "Succeeded"
        gone = player.create(revision=revision("web/gone.zip"), **AT_ONCE)
        assert player.end(gone)["status"] == "Failed"
        id_ = restart(player)
        info = player.end(id_)
        assert (info["status"], info["deploymentMode"], info["revision"]) == ("Succeeded", "RESTART", new)
        assert [
            event["lifecycleEventName"] for event in player.targets(id_)["web-01"]["lifecycleEvents"]
        ] == [*EVENTS]
        assert "deploymentMode" not in player.info(gone)


def test_an_agent_that_knows_restarts_needs_no_bucket_and_another_one_does() -> None:
    with playing() as player:
        node = player.state.nodes[NODES[0]]
        player.state.nodes[NODES[0]] = replace(node, machine=replace(node.machine, agent="2.1.0"))
        first = player.create(**AT_ONCE)
        player.end(first)
        player.s3.delete_object(Bucket="shop-revisions", Key="web/1.4.2.zip")
        id_ = restart(player)
        player.end(id_)
        assert player.statuses(id_) == {"web-01": "Succeeded", "web-02": "Failed"}
        assert player.failed(id_, "web-02")["lifecycleEventName"] == "DownloadBundle"
        files = dict(player.state.nodes[NODES[0]].machine.others)
        assert any(f"{id_}/deployment-archive/scripts/start.sh" in path for path in files)


def test_a_restart_of_what_was_never_deployed() -> None:
    def new(account: Account) -> None:
        account.state(REGION).deployments.clear()

    with playing(new) as player, pytest.raises(player.api.exceptions.RevisionDoesNotExistException):
        restart(player)


def test_only_the_instances_that_lack_the_revision_get_it() -> None:
    with playing() as player:
        everywhere = player.create(**AT_ONCE)
        player.end(everywhere)
        web_02 = player.state.instances["web-02"]
        tags, web_02.tags = web_02.tags, {}
        new = revision("web/new.zip")
        copied = {"Bucket": "shop-revisions", "CopySource": "shop-revisions/web/1.4.2.zip"}
        player.s3.copy_object(**copied, Key="web/new.zip")
        player.end(player.create(revision=new))
        web_02.tags = tags
        asked = {"revision": new, "updateOutdatedInstancesOnly": True}
        late = player.create(**asked)
        assert (player.end(late)["status"], player.statuses(late)) == ("Succeeded", {"web-02": "Succeeded"})
        assert player.info(late)["updateOutdatedInstancesOnly"] is True
        none = player.create(**asked)
        assert player.end(none)["errorInformation"]["code"] == "NO_INSTANCES"


def test_options_without_an_effect_are_kept() -> None:
    with playing() as player:
        options = {
            "ec2DeploymentOptions": {"autoScalingGroupProcessesToSuspend": ["AZRebalance"]},
            "overrideAlarmConfiguration": {"enabled": False, "ignorePollAlarmFailure": True, "alarms": []},
        }
        info = player.info(player.create(**options))
        assert {name: info[name] for name in options} == options
