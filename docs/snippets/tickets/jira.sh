#!/bin/sh
# Open an issue in Jira Cloud; comment on the open one, if it is known.
# Usage: jira.sh TICKET  (from: runbooks why d-... --format jira)
# Needs JIRA_SITE, JIRA_USER, JIRA_TOKEN, JIRA_PROJECT.
set -eu
ticket=${1:?usage: jira.sh TICKET}
: "${JIRA_SITE:?}" "${JIRA_USER:?}" "${JIRA_TOKEN:?}" "${JIRA_PROJECT:?}"
print=$(sed -n 's/.*Fingerprint \([0-9a-f]\{12\}\).*/\1/p' "$ticket")
label=codedeploy-${print:?no fingerprint in "$ticket"}
title=$(grep -v '^{noformat}' "$ticket" | head -n 1 | cut -c 1-250)

call() { # a token on the command line would be seen by ps
    printf 'user = "%s:%s"\n' "$JIRA_USER" "$JIRA_TOKEN" |
        curl -fsS --config - -H 'Content-Type: application/json' \
            --data "$2" "$JIRA_SITE/rest/api/$1"
}

jql="project = '$JIRA_PROJECT' AND labels = '$label'"
asked=$(jq -n --arg jql "$jql AND statusCategory != Done" \
    '{jql: $jql, fields: ["key"], maxResults: 1}')
key=$(call 3/search/jql "$asked" | jq -r '.issues[0].key // empty')
if [ "$key" ]; then
    body=$(jq -n --rawfile text "$ticket" '{body: $text}')
else
    body=$(jq -n --rawfile text "$ticket" --arg tag "$label" \
        --arg title "$title" --arg project "$JIRA_PROJECT" \
        '{fields: {project: {key: $project}, summary: $title,
          issuetype: {name: "Task"}, description: $text, labels: [$tag]}}')
fi
call "2/issue${key:+/$key/comment}" "$body"
