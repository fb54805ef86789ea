#!/bin/sh
# Register an on-premises instance; to do it again changes nothing.
# Usage: register.sh NAME SESSION_ARN
set -u
name=${1:?usage: register.sh NAME SESSION_ARN}
arn=${2:?usage: register.sh NAME SESSION_ARN}

if error=$(AWS_CLI_ERROR_FORMAT=legacy \
    aws deploy register-on-premises-instance \
    --instance-name "$name" --iam-session-arn "$arn" 2>&1); then
    echo "$name is registered now"
    exit 0
fi
case $error in
*"(InstanceNameAlreadyRegisteredException)"* | \
    *"(IamSessionArnAlreadyRegisteredException)"*)
    has=$(aws deploy get-on-premises-instance --instance-name "$name" \
        --query 'instanceInfo.[iamSessionArn, deregisterTime]' \
        --output text 2>&1)
    if [ "$has" = "$(printf '%s\tNone' "$arn")" ]; then
        echo "$name was registered already"
        exit 0
    fi
    ;;
esac
printf '%s\n' "$error" >&2
exit 1
