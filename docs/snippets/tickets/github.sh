#!/bin/sh
# Open an issue on GitHub; comment on the open one, if it is known.
# Usage: github.sh TICKET  (from: runbooks why d-... --format github)
# Needs GITHUB_REPOSITORY (OWNER/NAME) and GITHUB_TOKEN.
set -eu
ticket=${1:?usage: github.sh TICKET}
: "${GITHUB_REPOSITORY:?}" "${GITHUB_TOKEN:?}"
print=$(sed -n 's/.*Fingerprint `\([0-9a-f]\{12\}\).*/\1/p' "$ticket")
: "${print:?no fingerprint in "$ticket"}"
title=$(head -n 1 "$ticket" | sed 's/^\*\*\([A-Z]*\)\*\*/\1:/' |
    cut -c 1-250)
api=${GITHUB_API_URL:-https://api.github.com}
issues=$api/repos/$GITHUB_REPOSITORY/issues

call() { # a token on the command line would be seen by ps
    printf 'header = "Authorization: Bearer %s"\n' "$GITHUB_TOKEN" |
        curl -fsS --config - -H 'Accept: application/vnd.github+json' \
            "$@"
}

query="repo:$GITHUB_REPOSITORY is:issue is:open in:body $print"
number=$(call -G "$api/search/issues" --data-urlencode "q=$query" |
    jq -r '.items[0].number // empty')
body=$(jq -n --rawfile text "$ticket" --arg title "$title" \
    '{title: $title, body: $text, labels: ["codedeploy"]}')
if [ "$number" ]; then
    body=$(jq -n --rawfile text "$ticket" '{body: $text}')
fi
call --data "$body" "$issues${number:+/$number/comments}"
