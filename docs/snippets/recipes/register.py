"""Register an on-premises instance; to do it again changes nothing."""


def register(codedeploy, name, session_arn):
    """Whether it is new. ClientError: the name or the ARN is another's."""
    errors = codedeploy.exceptions
    try:
        codedeploy.register_on_premises_instance(
            instanceName=name,
            iamSessionArn=session_arn,
        )
    except (
        errors.InstanceNameAlreadyRegisteredException,
        errors.IamSessionArnAlreadyRegisteredException,
    ):
        if is_registered(codedeploy, name, session_arn):
            return False
        raise
    return True


def is_registered(codedeploy, name, session_arn):
    """Whether this name has this ARN now; a deregistered name has not."""
    try:
        answer = codedeploy.get_on_premises_instance(instanceName=name)
    except codedeploy.exceptions.InstanceNotRegisteredException:
        return False
    info = answer["instanceInfo"]
    has = info.get("iamSessionArn") == session_arn
    return has and "deregisterTime" not in info
