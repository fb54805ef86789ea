import software.amazon.awssdk.services.codedeploy.CodeDeployClient;
import software.amazon.awssdk.services.codedeploy.model.*;

/** Registers an on-premises instance; to do it again changes nothing. */
class Register {
    /** Whether it is new. CodeDeployException: the name or the ARN is another's. */
    static boolean register(CodeDeployClient codedeploy, String name, String arn) {
        try {
            codedeploy.registerOnPremisesInstance(
                    r -> r.instanceName(name).iamSessionArn(arn));
            return true;
        } catch (InstanceNameAlreadyRegisteredException
                | IamSessionArnAlreadyRegisteredException e) {
            if (isRegistered(codedeploy, name, arn)) {
                return false;
            }
            throw e;
        }
    }

    /** Whether this name has this ARN now; a deregistered name has not. */
    static boolean isRegistered(
            CodeDeployClient codedeploy, String name, String arn) {
        try {
            var info = codedeploy.getOnPremisesInstance(r -> r.instanceName(name))
                    .instanceInfo();
            return arn.equals(info.iamSessionArn())
                    && info.deregisterTime() == null;
        } catch (InstanceNotRegisteredException e) {
            return false;
        }
    }
}
