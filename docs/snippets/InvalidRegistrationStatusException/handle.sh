#!/bin/sh
# Tell this exception from other failures, which have the same exit code.
list() { aws deploy list-on-premises-instances --registration-status "$1"; }

{ error=$(list "$1" 2>&1 >&3); } 3>&1
code=$?
case $error in
*"(InvalidRegistrationStatusException)"*)
    echo "CodeDeploy refused the status '$1'" >&2
    ;;
?*) printf '%s\n' "$error" >&2 ;;
esac
exit $code
