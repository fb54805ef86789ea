import java.time.*;
import java.util.*;
import java.util.concurrent.TimeoutException;
import software.amazon.awssdk.services.codedeploy.CodeDeployClient;
import software.amazon.awssdk.services.codedeploy.model.*;

/** Waits for a deployment to end, and says why it failed. */
class Wait {
    /** Returns when it succeeded. IllegalStateException: why it failed. */
    static void until(CodeDeployClient codedeploy, String id, Duration most,
            Duration pause) throws InterruptedException, TimeoutException {
        var end = Instant.now().plus(most);
        while (true) {
            var info = codedeploy.getDeployment(r -> r.deploymentId(id))
                    .deploymentInfo();
            var status = info.statusAsString();
            if (status.equals("Succeeded")) {
                return;
            }
            if (status.equals("Failed") || status.equals("Stopped")) {
                throw new IllegalStateException(causes(codedeploy, info));
            }
            if (Instant.now().isAfter(end)) {
                throw new TimeoutException(id + " is " + status);
            }
            Thread.sleep(pause.toMillis());
        }
    }

    /** The error of a deployment, and the failed event of its hosts. */
    static String causes(CodeDeployClient codedeploy, DeploymentInfo info) {
        var says = new StringJoiner("\n");
        says.add(info.deploymentId() + " " + info.statusAsString());
        var error = info.errorInformation();
        if (error != null) {
            says.add(error.codeAsString() + ": " + error.message());
        }
        var failed = Map.of("TargetStatus", List.of("Failed"));
        var ids = codedeploy.listDeploymentTargets(r -> r
                .deploymentId(info.deploymentId())
                .targetFiltersWithStrings(failed)).targetIds();
        if (ids.isEmpty()) {
            return says.toString();
        }
        var some = ids.subList(0, Math.min(25, ids.size()));
        for (var each : codedeploy.batchGetDeploymentTargets(r -> r
                .deploymentId(info.deploymentId())
                .targetIds(some)).deploymentTargets()) {
            var host = each.instanceTarget(); // null for Amazon ECS and AWS Lambda
            if (host == null) {
                continue;
            }
            for (var event : host.lifecycleEvents()) {
                if ("Failed".equals(event.statusAsString())) {
                    var said = event.diagnostics();
                    says.add(host.targetId() + ": " + event.lifecycleEventName()
                            + (said == null ? "" : ": " + said.errorCodeAsString()
                                    + ": " + said.message()));
                }
            }
        }
        return says.toString();
    }
}
