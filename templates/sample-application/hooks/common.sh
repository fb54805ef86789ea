# What the hooks share. Each begins with: . "${0%/*}/common.sh"
# shellcheck shell=sh disable=SC2034 # the names are for the hooks
set -eu
APP=/opt/shop
UNIT=/etc/systemd/system/shop.service
PORT=8080

# say TEXT...: one line for logs/scripts.log, which CodeDeploy also shows as the log tail of a failed event
say() {
    echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) ${DEPLOYMENT_ID:-no-deployment} ${LIFECYCLE_EVENT:-no-event}: $*"
}

# within SECONDS WHAT COMMAND...: run it until it succeeds; fail when the time has passed
within() {
    end=$(($(date +%s) + $1)) what=$2
    shift 2
    until "$@"; do
        if [ "$(date +%s)" -ge "$end" ]; then
            say "gave up: $what"
            return 1
        fi
        sleep 1
    done
    say "$what"
}
