#!/bin/sh
# Send a report to a channel of Slack by an incoming webhook.
# Usage: slack.sh TICKET  (from: runbooks why d-... --format slack)
# Needs SLACK_WEBHOOK, whose address is the secret.
set -eu
ticket=${1:?usage: slack.sh TICKET}
: "${SLACK_WEBHOOK:?}"
body=$(jq -n --rawfile text "$ticket" \
    '{text: $text, unfurl_links: false, unfurl_media: false}')
# An address on the command line would be seen by ps.
printf 'url = "%s"\n' "$SLACK_WEBHOOK" |
    curl -fsS --config - -H 'Content-Type: application/json' \
        --data "$body"
