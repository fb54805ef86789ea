#!/bin/sh
# Raise InvalidRegistrationStatusException on purpose; read-only.
aws deploy list-on-premises-instances \
    --registration-status "${1-Registering}"
status=$?
echo "exit $status"
exit $status
