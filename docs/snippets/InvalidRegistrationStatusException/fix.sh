#!/bin/sh
# List on-premises instances with a valid status, or with none.
set -eu

names() { # the option is left out when there is no status
    aws deploy list-on-premises-instances ${1:+--registration-status "$1"} \
        --query 'instanceNames[]' --output text
}

echo "Registered:   $(names Registered)"
echo "Deregistered: $(names Deregistered)"
echo "No filter:    $(names '')"
