#!/bin/sh
# Fail before anything is changed if the host cannot run the service.
. "${0%/*}/common.sh"

for tool in python3 curl systemctl timeout; do
    command -v "$tool" >/dev/null || { say "$tool is not on this host"; exit 1; }
done
free=$(df -Pk "$(dirname "$APP")" | awk 'END { print $(NF - 2) }')
[ "$free" -ge 51200 ] || { say "only $free kB free for $APP, 51200 are needed"; exit 1; }
say "the host is ready for $APPLICATION_NAME in $DEPLOYMENT_GROUP_NAME"
