import java.util.*;
import software.amazon.awssdk.services.codedeploy.CodeDeployClient;
import software.amazon.awssdk.services.codedeploy.model.*;

/** Reads many on-premises instances, and says which are not there. */
class BatchGet {
    static final int MOST = 25; // the model says 25 in one place and 100 in another

    /** What is known, by name; a name that is not known has null. */
    static Map<String, InstanceInfo> instances(
            CodeDeployClient codedeploy, Collection<String> names) {
        var found = new LinkedHashMap<String, InstanceInfo>();
        names.forEach(name -> found.put(name, null));
        var once = new ArrayList<>(found.keySet());
        for (int start = 0; start < once.size(); start += MOST) {
            var some = once.subList(start, Math.min(start + MOST, once.size()));
            codedeploy.batchGetOnPremisesInstances(r -> r.instanceNames(some))
                    .instanceInfos()
                    .forEach(info -> found.put(info.instanceName(), info));
        }
        return found;
    }
}
