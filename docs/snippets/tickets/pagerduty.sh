#!/bin/sh
# Send an event to PagerDuty; the same fingerprint is the same alert.
# Usage: pagerduty.sh TICKET  (from: runbooks why d-... --format plain)
# Needs PAGERDUTY_ROUTING_KEY, the key of a service's integration.
set -eu
ticket=${1:?usage: pagerduty.sh TICKET}
: "${PAGERDUTY_ROUTING_KEY:?}"
print=$(sed -n 's/.*Fingerprint \([0-9a-f]\{12\}\).*/\1/p' "$ticket")
: "${print:?no fingerprint in "$ticket"}"
link=$(sed -n 's/.*guide: \(https*:[^ ]*\).*/\1/p' "$ticket" | head -n 1)
# The key comes from the environment and goes by standard input:
# on the command line it would be seen by ps.
jq -n --rawfile text "$ticket" --arg link "$link" \
    --arg print "$print" '
    {routing_key: env.PAGERDUTY_ROUTING_KEY, event_action: "trigger",
     dedup_key: $print, client: "CodeDeploy Field Guide",
     payload: {summary: ($text | split("\n")[0][:1024]),
       source: "CodeDeploy", severity: "error",
       custom_details: {report: $text}},
     links: (if $link == "" then [] else
       [{href: $link, text: "What it is and what to do"}] end)}' |
    curl -fsS -H 'Content-Type: application/json' --data @- \
        "${PAGERDUTY_EVENTS:-https://events.pagerduty.com}/v2/enqueue"
