#!/bin/sh
# Wait for a deployment to end, and say why it failed.
# Usage: wait.sh DEPLOYMENT [PAUSE [TRIES]]
set -eu
deployment=${1:?usage: wait.sh DEPLOYMENT [PAUSE [TRIES]]}
pause=${2-15} tries=${3-240}

asked() { # OPERATION QUERY [OPTION...]
    operation=$1 query=$2
    shift 2
    aws deploy "$operation" --deployment-id "$deployment" \
        --query "$query" --output text "$@"
}

status() { asked get-deployment deploymentInfo.status; }

for _ in $(seq "$tries"); do
    case $(status) in
    Succeeded) exit 0 ;;
    Failed | Stopped)
        asked get-deployment 'deploymentInfo.
            [deploymentId, status, errorInformation.code,
             errorInformation.message]' >&2
        failed=$(asked list-deployment-targets 'targetIds[:25]' \
            --target-filters TargetStatus=Failed)
        if [ "$failed" ] && [ "$failed" != None ]; then
            # shellcheck disable=SC2016,SC2086 # JMESPath; a word a target
            asked batch-get-deployment-targets 'deploymentTargets[].
                instanceTarget.lifecycleEvents[?status==`Failed`][].
                [lifecycleEventName, diagnostics.errorCode,
                 diagnostics.message]' --target-ids $failed >&2
        fi
        exit 1
        ;;
    esac
    sleep "$pause"
done
echo "$deployment has not ended" >&2
exit 2
