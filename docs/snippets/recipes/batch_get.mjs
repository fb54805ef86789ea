// Read many on-premises instances, and say which are not there.
import { BatchGetOnPremisesInstancesCommand } from "@aws-sdk/client-codedeploy";

const MOST = 25; // the model says 25 in one place and 100 in another

/** What is known, by name, and the names that are not known. */
export async function instances(client, wanted) {
  const found = new Map(), names = [...new Set(wanted)];
  for (let start = 0; start < names.length; start += MOST) {
    const instanceNames = names.slice(start, start + MOST);
    const { instanceInfos } = await client.send(
      new BatchGetOnPremisesInstancesCommand({ instanceNames }),
    );
    for (const info of instanceInfos) found.set(info.instanceName, info);
  }
  return { found, missing: names.filter((name) => !found.has(name)) };
}
