// A client that tries again where that can help, and nowhere else.
import { CodeDeployClient } from "@aws-sdk/client-codedeploy";

/** CodeDeploy; "maxAttempts" counts the first one too. */
export function client(maxAttempts = 5) {
  return new CodeDeployClient({ retryMode: "adaptive", maxAttempts });
}
