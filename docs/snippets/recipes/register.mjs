// Register an on-premises instance; to do it again changes nothing.
import {
  GetOnPremisesInstanceCommand,
  RegisterOnPremisesInstanceCommand,
} from "@aws-sdk/client-codedeploy";

const TAKEN = [
  "InstanceNameAlreadyRegisteredException",
  "IamSessionArnAlreadyRegisteredException",
];

/** Whether it is new. Throws where the name or the ARN is another's. */
export async function register(client, instanceName, iamSessionArn) {
  const input = { instanceName, iamSessionArn };
  try {
    await client.send(new RegisterOnPremisesInstanceCommand(input));
    return true;
  } catch (error) {
    if (!TAKEN.includes(error.name)) throw error;
    if (!(await isRegistered(client, input))) throw error;
    return false;
  }
}

async function isRegistered(client, { instanceName, iamSessionArn }) {
  try {
    const asked = new GetOnPremisesInstanceCommand({ instanceName });
    const { instanceInfo } = await client.send(asked);
    const has = instanceInfo.iamSessionArn === iamSessionArn;
    return has && !instanceInfo.deregisterTime;
  } catch (error) {
    if (error.name !== "InstanceNotRegisteredException") throw error;
    return false;
  }
}
