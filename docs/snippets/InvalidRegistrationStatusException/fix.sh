#!/bin/sh
# List on-premises instances with a valid status, or with no filter.
set -eu

names() { # without an argument the option is left out
    aws deploy list-on-premises-instances \
        ${1:+--registration-status "$1"} \
        --query 'instanceNames[]' --output text
}

echo "Registered:   $(names Registered)"
echo "Deregistered: $(names Deregistered)"
echo "No filter:    $(names '')"
