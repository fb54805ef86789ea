// Wait for a deployment to end, and say why it failed.
import {
  BatchGetDeploymentTargetsCommand,
  GetDeploymentCommand,
  ListDeploymentTargetsCommand,
} from "@aws-sdk/client-codedeploy";
import { setTimeout as sleep } from "node:timers/promises";

/** Returns when it succeeded; throws with the cause, or when it is late. */
export async function wait(client, deploymentId, seconds = 3600, pause = 15) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const asked = new GetDeploymentCommand({ deploymentId });
    const { deploymentInfo: info } = await client.send(asked);
    if (info.status === "Succeeded") return;
    if (["Failed", "Stopped"].includes(info.status))
      throw new Error((await causes(client, info)).join("\n"));
    if (Date.now() >= end)
      throw new Error(`${deploymentId} is ${info.status}`);
    await sleep(pause * 1000);
  }
}

/** The error of a deployment, and the failed event of its targets. */
async function causes(client, info) {
  const { deploymentId, status, errorInformation: error } = info;
  const said = [`${deploymentId} ${status}: ${error?.code}`, `${error?.message}`];
  const targetFilters = { TargetStatus: ["Failed"] };
  const { targetIds } = await client.send(
    new ListDeploymentTargetsCommand({ deploymentId, targetFilters }),
  );
  if (!targetIds?.length) return said;
  const { deploymentTargets } = await client.send(
    new BatchGetDeploymentTargetsCommand({
      deploymentId,
      targetIds: targetIds.slice(0, 25),
    }),
  );
  for (const target of deploymentTargets)
    for (const each of Object.values(target)) // instanceTarget, ...
      for (const event of each?.lifecycleEvents ?? [])
        if (event.status === "Failed")
          said.push(
            `${each.targetId}: ${event.lifecycleEventName}: ` +
              `${event.diagnostics?.errorCode}: ${event.diagnostics?.message}`,
          );
  return said;
}
