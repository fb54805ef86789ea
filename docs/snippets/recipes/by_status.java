import java.util.*;
import software.amazon.awssdk.services.codedeploy.CodeDeployClient;
import software.amazon.awssdk.services.codedeploy.model.*;

/** Lists on-premises instances by a status that was checked first. */
class ByStatus {
    static final Map<String, String> STATUSES = Map.of(
            "registered", "Registered",
            "deregistered", "Deregistered");

    /** The names with it. IllegalArgumentException: there is no such status. */
    static List<String> names(CodeDeployClient codedeploy, String status) {
        var word = status == null ? "" : status.strip().toLowerCase(Locale.ROOT);
        if (!word.isEmpty() && !STATUSES.containsKey(word)) {
            throw new IllegalArgumentException("no registration status: " + status);
        }
        var request = ListOnPremisesInstancesRequest.builder();
        if (!word.isEmpty()) { // without it: registered and deregistered names
            request.registrationStatus(STATUSES.get(word));
        }
        var names = new ArrayList<String>();
        String token;
        do {
            var page = codedeploy.listOnPremisesInstances(request.build());
            names.addAll(page.instanceNames());
            token = page.nextToken();
            request.nextToken(token);
        } while (token != null);
        return names;
    }
}
