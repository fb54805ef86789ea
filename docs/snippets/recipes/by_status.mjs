// List on-premises instances by a status that was checked first.
import { ListOnPremisesInstancesCommand } from "@aws-sdk/client-codedeploy";

const STATUSES = {
  "": {}, // no filter: registered and deregistered names
  registered: { registrationStatus: "Registered" },
  deregistered: { registrationStatus: "Deregistered" },
};

/** The names with this status. Throws where there is no such status. */
export async function names(client, status = "") {
  const word = status.trim().toLowerCase();
  if (!Object.hasOwn(STATUSES, word))
    throw new RangeError(`no registration status: ${status}`);
  const found = [], input = { ...STATUSES[word] };
  do {
    const page = await client.send(new ListOnPremisesInstancesCommand(input));
    found.push(...page.instanceNames);
    input.nextToken = page.nextToken;
  } while (input.nextToken);
  return found;
}
