#!/bin/sh
# List on-premises instances by a status that was checked first.
# Usage: by_status.sh [STATUS]
set -eu
word=$(printf %s "${1-}" | tr -d '[:space:]' | tr '[:upper:]' '[:lower:]')
case $word in
registered) status=Registered ;;
deregistered) status=Deregistered ;;
'') status= ;; # no filter: registered and deregistered names
*)
    echo "no registration status: $1" >&2
    exit 2
    ;;
esac
aws deploy list-on-premises-instances --output text \
    ${status:+--registration-status "$status"} \
    --query 'instanceNames[].[@]'
