#!/bin/sh
# Stop the service. There may be none: the first time, and after a deployment that failed half way.
. "${0%/*}/common.sh"

stopped() { ! systemctl is-active --quiet shop; }

if stopped; then
    say "nothing to stop"
    exit 0
fi
timeout 30 systemctl stop shop
within 20 "stopped" stopped
