#!/bin/sh
# Call the AWS CLI so that it tries again where that can help.
# Usage: retry.sh OPERATION [OPTION...]
set -eu
: "${1:?usage: retry.sh OPERATION [OPTION...]}"
export AWS_RETRY_MODE=adaptive AWS_MAX_ATTEMPTS=5 # the first one too
exec aws deploy --cli-connect-timeout 5 --cli-read-timeout 20 "$@"
