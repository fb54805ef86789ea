#!/bin/sh
# Print the on-premises instances that CodeDeploy knows, 25 in a call;
# the names that it does not know go to stderr, and the exit code is 1.
# Usage: batch_get.sh < NAMES, one on a line
set -eu
names=$(sort -u)
found=$(printf '%s' "$names" | xargs -r -n 25 \
    aws deploy batch-get-on-premises-instances \
    --query 'instanceInfos[].[instanceName, instanceArn]' \
    --output text --instance-names)
printf '%s\n' "$found"
missing=$(printf '%s\n' "$names" |
    grep -Fxv "$(printf '%s\n' "$found" | cut -f 1)") || missing=
if [ "$missing" ]; then
    printf '%s\n' "$missing" | sed 's/^/not known: /' >&2
    exit 1
fi
