#!/bin/sh
# Start the service under systemd: it does not hold the outputs of this script open, as a child would.
. "${0%/*}/common.sh"

timeout 30 systemctl restart shop
say "started"
