#!/bin/sh
# Tell this exception from other errors, which have the same exit code.
# Usage: handle.sh STATUS
status=${1?usage: handle.sh STATUS}

list() { # ask CLI 2.36 for the format with the code in brackets
    AWS_CLI_ERROR_FORMAT=legacy aws deploy list-on-premises-instances \
        --registration-status "$status"
}

{ error=$(list 2>&1 >&3); } 3>&1
code=$?
case $error in
*"(InvalidRegistrationStatusException)"*)
    echo "CodeDeploy refused the status '$status'" >&2
    ;;
?*) printf '%s\n' "$error" >&2 ;;
esac
exit $code
