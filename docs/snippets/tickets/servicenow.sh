#!/bin/sh
# Open an incident in ServiceNow; add a note to the open one, if known.
# Usage: servicenow.sh TICKET  (from: runbooks why d-... --format plain)
# Needs SERVICENOW_SITE, SERVICENOW_USER, SERVICENOW_PASSWORD.
set -eu
ticket=${1:?usage: servicenow.sh TICKET}
: "${SERVICENOW_SITE:?}" "${SERVICENOW_USER:?}" "${SERVICENOW_PASSWORD:?}"
print=$(sed -n 's/.*Fingerprint \([0-9a-f]\{12\}\).*/\1/p' "$ticket")
: "${print:?no fingerprint in "$ticket"}"
incidents=$SERVICENOW_SITE/api/now/table/incident

call() { # a password on the command line would be seen by ps
    printf 'user = "%s:%s"\n' "$SERVICENOW_USER" "$SERVICENOW_PASSWORD" |
        curl -fsS --config - -H 'Accept: application/json' "$@"
}

known=$(call -G "$incidents" -d sysparm_fields=sys_id \
    -d sysparm_limit=1 --data-urlencode \
    "sysparm_query=correlation_id=$print^active=true" |
    jq -r '.result[0].sys_id // empty')
# ServiceNow shows what stands between [code] and [/code] as HTML.
body=$(jq -n --rawfile text "$ticket" --arg print "$print" \
    --arg known "$known" '
    ($text | gsub("\\[(?<c>/?code)\\]"; "[ \(.c)]"; "i")) as $text
    | if $known != "" then {work_notes: $text} else {
        short_description: ($text | split("\n")[0][:160]),
        description: $text, correlation_id: $print,
        correlation_display: "CodeDeploy Field Guide"} end')
method=POST
if [ "$known" ]; then method=PATCH; fi
call -X "$method" -H 'Content-Type: application/json' \
    -d "$body" "$incidents${known:+/$known}"
