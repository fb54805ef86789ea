#!/bin/sh
# Exit 0 only when the service of *this* deployment answers. The one before could still hold the port.
. "${0%/*}/common.sh"

healthy() {
    curl -fsS -m 5 "http://127.0.0.1:$PORT/health" 2>/dev/null | grep -qF "\"$DEPLOYMENT_ID\""
}

within 90 "answers as $DEPLOYMENT_ID" healthy || {
    systemctl status --no-pager --lines 20 shop || true
    exit 1
}
