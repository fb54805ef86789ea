#!/bin/sh
# The host probe: what a host knows about its CodeDeploy agent, as one JSON document on standard output.
#
# It reads and asks; it changes nothing, opens no credentials file and prints no secret. It needs a POSIX
# shell with the tools of dash or busybox. Exit 0: a document was written. Exit 1: a basic tool is missing,
# and the document says which.
#
#   PROBE_INSTANCE=web-01  the CodeDeploy name you hold this host to be (the host itself never knows it)
#   PROBE_NETWORK=0        leave out name resolution, HTTPS and instance metadata (at most some 20 seconds)
#   PROBE_ROOT=/some/root  read all files below this directory; nothing found there is ever executed. The
#                          commands (systemctl, dpkg, rpm, pgrep, curl ...) still come from PATH, and speak
#                          of the machine they run on: with a root, put commands that speak of it first
#
# Schema 1: {"schema":1, "collected_at":UTC, "<section>":{"<name>":<datum>, ...}, ..., "complete":true}
# A datum is {"value":...} with "by" (how it was found) where that matters, or {"error":"why nobody can say"}.
# A null value was looked for and is not there. "complete" comes last, so that a cut document is seen.
#
#   host      instance hostname os_id os_version os_name uid user init
#   agent     installed package_version version_file version line running
#   config    the names in SETTINGS below, as written in codedeployagent.yml; proxy_uri without its password
#   identity  registration (user, session, both, neither) region iam_user_arn iam_session_arn
#             fields (names that are there) missing (names that the registration needs and has not)
#   config_file identity_file credentials_file log_file    path exists readable mode owner size modified
#   endpoint_commands endpoint_s3    url via (direct, proxy) address status date
#   network   imds_answers
#   clock     epoch
#   log       lines: the newest 60, masked, 300 bytes each, fewer where the document would grow too long
set -u
export LC_ALL=C
ROOT=${PROBE_ROOT:-}
LIMIT=19900 # Systems Manager hands out the first 24000 characters of what a command prints
CONFIG=/etc/codedeploy-agent/conf/codedeployagent.yml
SETTINGS='proxy_uri enable_auth_policy use_fips_mode deploy_control_endpoint s3_endpoint_override
    disable_imds_v1 log_aws_wire verbose wait_between_runs on_premises_config_file'
FIELDS='region iam_user_arn aws_access_key_id aws_secret_access_key iam_session_arn aws_credentials_file'
REGION='^[a-z]+-[a-z0-9-]{1,24}-[0-9]+$'
ARN='^arn:[A-Za-z0-9:/+=,.@_-]{1,290}$'
RPM_FORMAT='Status: install ok installed\nVersion: %{VERSION}-%{RELEASE}\n' # in dpkg's words
PROCESS='^([^ ]*ruby[^ ]* )?([^ ]*/)?codedeploy-agent(:| |$)' # not a shell whose text names the agent

has() { command -v "$1" >/dev/null 2>&1; }
first() { head -n 1 | tr -d '\000\r'; }

# A fact is a line of five columns: section, name, kind, text, how it was found. document() makes JSON of it.
fact() {
    case $3 in *[!\ -~]*) clean=$(printf %s "$3" | tr '\t\n' '  ') ;; *) clean=$3 ;; esac
    printf '%s\t%s\t%s\t%s\t%s\n' "$AT" "$1" "$2" "$clean" "${4:-}"
}
text() { if [ -n "$2" ]; then fact "$1" string "$2" "${3:-}"; else fact "$1" json null "${3:-}"; fi; }
number() { case $2 in '' | *[!0-9]*) unknown 'the command for it failed' "$1" ;; *) fact "$1" json "$2" ;; esac }
# unknown REASON NAME...: nobody can say. A reason of "missing" is an answer: there is nothing.
unknown() {
    reason=$1
    shift
    for name; do
        if [ "$reason" = missing ]; then text "$name" '' 'no such file'; else fact "$name" error "$reason"; fi
    done
}

# obstacle PATH: nothing when it can be read, "missing", or what is in the way. An unsearchable directory
# hides its files: what cannot be seen is not called missing.
obstacle() (
    path=$ROOT$1
    case $1 in /*) ;; *) echo 'its path is not absolute' && exit ;; esac
    if [ -f "$path" ]; then
        [ -r "$path" ] || echo "this user may not read $1"
    elif [ -e "$path" ]; then
        echo "$1 is not a regular file"
    elif [ -L "$path" ]; then
        echo "$1 is a link that leads nowhere this user can see"
    else
        while path=${path%/*} && [ -n "$path" ] && ! [ -e "$path" ]; do :; done
        if [ -x "${path:-/}" ]; then echo missing; else echo "this user cannot look into ${path#"$ROOT"}"; fi
    fi
)

# file SECTION PATH: what can be known of a file without opening it
file() {
    AT=$1 hurdle=missing
    [ -z "$2" ] || hurdle=$(obstacle "$2")
    case $2 in '' | /*) text path "$2" ;; *) unknown "$hurdle" path ;; esac
    case $hurdle in
        '') fact exists json true && fact readable json true ;;
        *' may not read '* | *' is not a regular file') fact exists json true && fact readable json false "$hurdle" ;;
        missing) fact exists json false && unknown missing readable mode owner size modified && return ;;
        *) unknown "$hurdle" exists readable mode owner size modified && return ;;
    esac
    # shellcheck disable=SC2046 # four words are wanted
    set -- $(stat -L -c '%a %U %s %Y' "$ROOT$2" 2>/dev/null)
    if [ $# -ne 4 ]; then unknown 'stat failed' mode owner size modified && return; fi
    text mode "$1" && text owner "$2" && number size "$3" && number modified "$4"
}

# plain PATH: the "key: value" lines of a YAML file as key, tab, value. It fails on all else that YAML allows:
# to guess at that would be to claim. Keys may wear the colon that the agent's 1.x line gives them.
plain() {
    head -c 65536 "$ROOT$1" | tr -d '\000\r' | awk '
        /^[ \t]*(#|$)/ || /^(---|\.\.\.)[ \t]*(#|$)/ { next }
        !match($0, /^["'\'']?:?[A-Za-z0-9_]+["'\'']?[ \t]*:([ \t]+|$)/) { exit bad = 1 }
        {
            key = substr($0, 1, RLENGTH); value = substr($0, RLENGTH + 1); mark = substr(value, 1, 1)
            gsub(/[^A-Za-z0-9_]/, "", key)
            if (value ~ /\t/) exit bad = 1
            if (mark ~ /["'\'']/) {
                end = index(substr(value, 2), mark)
                if (!end || substr(value, end + 2) !~ /^ *(#.*)?$/) exit bad = 1
                value = substr(value, 2, end - 1)
            } else {
                sub(/(^| +)#.*$/, "", value); sub(/ +$/, "", value)
                if (value ~ /^([]{}[&*!|>%@`,?]|- |-$)|:( |$)/) exit bad = 1
                if (value ~ /^(~|null|Null|NULL)$/) value = ""
            }
            print key "\t" value
        }
        END { exit bad }'
}
# load PATH: sets LOADED (the lines of plain) and HURDLE (as obstacle says, or that it is not plain)
load() {
    LOADED='' HURDLE=$(obstacle "$1")
    if [ -z "$HURDLE" ]; then LOADED=$(plain "$1") || HURDLE="$1 is more than plain key: value lines"; fi
}
value_of() { printf '%s\n' "$1" | awk -F '\t' -v key="$2" '$1 == key { last = $2 } END { printf "%s", last }'; }
setting() { value_of "$AGENT" "$1"; }
is_on() { case $(setting "$1") in [Tt]rue | TRUE | [Yy]es | YES | [Oo]n | ON) ;; *) false ;; esac }
field() { value_of "$IDENTITY" "$1"; }

host() {
    AT=host release=/etc/os-release
    text instance "${PROBE_INSTANCE:-}"
    text hostname "$(hostname 2>/dev/null || uname -n)"
    [ -e "$ROOT$release" ] || release=/usr/lib/os-release
    hurdle=$(obstacle $release)
    for pair in os_id=ID os_version=VERSION_ID os_name=PRETTY_NAME; do
        if [ -n "$hurdle" ]; then unknown "$hurdle" "${pair%=*}" && continue; fi
        text "${pair%=*}" "$(sed -n "s/^${pair#*=}=//p" "$ROOT$release" | first | tr -d "\"'")"
    done
    number uid "$(id -u)"
    text user "$(id -un 2>/dev/null)"
    if [ -d "$ROOT/run/systemd/system" ]; then
        text init systemd /run/systemd/system
    elif [ -r "$ROOT/proc/1/comm" ]; then
        text init "$(first <"$ROOT/proc/1/comm")" /proc/1/comm
    else
        unknown 'neither /run/systemd/system nor /proc/1/comm can be read' init
    fi
}

# package: asks dpkg and rpm. Sets PACKAGE and MANAGER, or DENIED (who says no) and DOUBT (who cannot say)
package() {
    PACKAGE='' DENIED='' DOUBT=''
    for MANAGER in dpkg rpm; do
        has $MANAGER || continue
        case $MANAGER in
            dpkg) said=$(dpkg -s codedeploy-agent 2>&1) ;;
            rpm) said=$(rpm -q --qf "$RPM_FORMAT" codedeploy-agent 2>&1) ;;
        esac
        case $said in
            *'Status: install ok installed'*)
                PACKAGE=$(printf '%s\n' "$said" | sed -n 's/^Version: *//p' | first)
                return ;;
            *'not installed'* | *'Status: deinstall'*) DENIED="$DENIED${DENIED:+, }$MANAGER" ;;
            *) DOUBT="$MANAGER: $(printf '%s\n' "$said" | first)" ;;
        esac
    done
}

agent() {
    AT=agent stamp=/opt/codedeploy-agent/.version raw=''
    package
    hurdle=$(obstacle $stamp)
    if [ -z "$hurdle" ]; then raw=$(head -c 4096 "$ROOT$stamp" | sed -n '/./{p;q;}' | first); fi
    case $hurdle in '' | missing) ;; *) DOUBT=$hurdle ;; esac
    if [ -n "$PACKAGE" ]; then
        fact installed json true "$MANAGER"
        text package_version "$PACKAGE" "$MANAGER"
    else
        if [ -n "$raw" ]; then fact installed json true $stamp
        elif [ -n "$DOUBT" ]; then unknown "$DOUBT" installed
        elif [ -n "$DENIED" ]; then fact installed json false "$DENIED; no $stamp"
        elif [ -d "$ROOT/opt/codedeploy-agent" ]; then unknown "/opt/codedeploy-agent has no version" installed
        else fact installed json false 'no dpkg, no rpm, no /opt/codedeploy-agent'; fi
        if [ -n "$DENIED" ]; then text package_version '' "$DENIED"
        else unknown "${DOUBT:-neither dpkg nor rpm is on this host}" package_version; fi
    fi
    if [ -z "$hurdle" ]; then text version_file "$raw"; else unknown "$hurdle" version_file; fi
    version=$(printf '%s\n' "${raw:-$PACKAGE}" |
        sed -E 's/^agent_version: *//; s/["'\'']//g; s/^OFFICIAL_//; s/_(rpm|deb|msi|all)$//')
    text version "$version"
    case $version in [12].*) text line "${version%%.*}.x" ;; *) text line '' ;; esac
    running
}

# running: systemd may know nothing of an agent that a script started, and calls a unit that it made of an
# init script "active" even when all its processes have ended, so both answers are checked
running() {
    said='' seen='' none=''
    if has systemctl; then said=$(systemctl is-active codedeploy-agent 2>/dev/null | first); fi
    if [ "$said" = active ] && systemctl show -p SubState codedeploy-agent 2>/dev/null | grep -q '=exited'; then
        said='active (exited)'
    fi
    case $said in
        active) fact running json true 'systemctl: active' && return ;;
        activating | deactivating | reloading) unknown "systemctl: $said" running && return ;;
        inactive | failed | 'active (exited)') none="systemctl: $said; " ;;
    esac
    folder=$(setting pid_dir)
    folder=${folder:-/opt/codedeploy-agent/state/.pid}
    for name in codedeploy-agent.pid master.pid; do
        [ -z "$(obstacle "${folder%/}/$name")" ] || continue
        pid=$(first <"$ROOT${folder%/}/$name" | tr -cd 0-9)
        if tr '\000' ' ' 2>/dev/null <"$ROOT/proc/$pid/cmdline" | grep -Eq "$PROCESS"; then
            seen="process $pid of $name"
        else
            none="${none}process $pid of $name is not the agent; "
        fi
    done 2>/dev/null # a process that is gone has no cmdline
    if [ -z "$seen" ] && has pgrep; then
        pid=$(pgrep -f "$PROCESS" 2>/dev/null)
        case $? in
            0) seen="pgrep: process $(printf '%s\n' "$pid" | first)" ;;
            1) none="${none}pgrep: no process; " ;;
        esac
    fi
    if [ -n "$seen" ]; then fact running json true "$seen"
    elif ! [ -e "$ROOT/proc/1" ]; then unknown "${none}this user cannot see the processes of others" running
    elif [ -n "$none" ]; then fact running json false "${none%; }"
    else unknown 'neither systemctl nor a pid file nor pgrep can tell' running; fi
}

config() {
    AT=config
    for name in $SETTINGS; do
        value=$(setting "$name")
        case $CONFIG_HURDLE:$name:$value in
            :proxy_uri:*@*) text "$name" "$(printf %s "$value" | sed -E 's#^([A-Za-z0-9]+://)?.*@#\1[masked]@#')" ;;
            :*) text "$name" "$value" ;;
            *) unknown "$CONFIG_HURDLE" "$name" ;;
        esac
    done
}

# shown NAME FORM: a field of the yml, unless it has not the form of one: it may be a misplaced secret
shown() {
    value=$(field "$1")
    if [ -z "$value" ] || printf '%s\n' "$value" | grep -Eq "$2"; then text "$1" "$value"
    else unknown 'its value has not the form of one, so it is not shown' "$1"; fi
}

identity() {
    AT=identity present='' absent='' kind=neither needed=region
    if [ -n "$IDENTITY_HURDLE" ]; then
        unknown "$IDENTITY_HURDLE" registration region iam_user_arn iam_session_arn fields missing && return
    fi
    for name in $FIELDS; do
        if [ -n "$(field "$name")" ]; then present="$present $name "; fi
    done
    case $present in
        *' iam_user_arn '*' iam_session_arn '*) kind=both ;;
        *' iam_user_arn '*) kind=user needed='region aws_access_key_id aws_secret_access_key' ;;
        *' iam_session_arn '*) kind=session needed='region aws_credentials_file' ;;
    esac
    for name in $needed; do
        case $present in *" $name "*) ;; *) absent="$absent $name" ;; esac
    done
    text registration $kind
    fact fields words "$present"
    fact missing words "$absent"
    shown region "$REGION"
    shown iam_user_arn "$ARN"
    shown iam_session_arn "$ARN"
}

# domain REGION: the domain of its partition
domain() {
    case $1 in
        cn-*) echo amazonaws.com.cn ;; eusc-*) echo amazonaws.eu ;; us-iso-*) echo c2s.ic.gov ;;
        us-isob-*) echo sc2s.sgov.gov ;; us-isof-*) echo csp.hci.ic.gov ;; eu-isoe-*) echo cloud.adc-e.uk ;;
        *) echo amazonaws.com ;;
    esac
}

# ask SECONDS URL: the headers, or curl's complaint. The agent's proxy goes by the environment, where no process
# list shows its password. No other proxy and no curlrc has a say: the agent heeds none.
ask() (
    set -- -sS -o /dev/null -D - --max-time "$1" "$2"
    if [ -z "$PROXY" ]; then curl -q --noproxy '*' "$@" 2>&1
    else no_proxy='' https_proxy=$PROXY http_proxy=$PROXY curl -q "$@" 2>&1; fi # -q counts only when it is first
)
complaint() { printf '%s\n' "$said" | grep '^curl:' || echo 'curl failed'; }

# endpoint SECTION URL: does its name resolve, does it answer, and what time does it hold it to be
endpoint() {
    AT=$1 refusal='' limit=''
    case $2 in
        *..*) refusal='no Region is known, so the endpoint is not' ;;
        *[!A-Za-z0-9.:/_-]*) refusal='the configured endpoint is not a plain URL' ;;
        http://* | https://*) ;;
        *) refusal='the configured endpoint is not a plain URL' ;;
    esac
    if [ -n "$refusal" ]; then unknown "$refusal" url via address status date && return; fi
    text url "$2"
    if [ -n "$PROXY" ]; then text via proxy; else text via direct; fi
    if [ "${PROBE_NETWORK:-1}" = 0 ]; then unknown 'not asked: PROBE_NETWORK=0' address status date && return; fi
    target=${2#*://}
    if has timeout; then limit='timeout 5'; fi
    if has getent; then
        said=$($limit getent hosts "${target%%[:/]*}" 2>/dev/null)
        case $? in
            0) text address "${said%% *}" ;;
            2) text address '' 'getent: no such name' ;;
            *) unknown 'getent failed, or took more than 5 seconds' address ;;
        esac
    else unknown 'getent is not on this host' address; fi
    if ! has curl; then unknown 'curl is not on this host' status date && return; fi
    if said=$(ask 5 "$2"); then # behind a proxy the last status line is the endpoint's own
        number status "$(printf '%s\n' "$said" | awk '/^HTTP\// { last = $2 } END { print last }')"
        text date "$(printf '%s\n' "$said" | sed -n 's/^[Dd]ate: *//p' | tail -n 1 | first)"
    else unknown "$(complaint | first)" status date; fi
}

network() {
    PROXY=$(setting proxy_uri) region=$(field region | grep -E "$REGION") service=codedeploy-commands
    if is_on enable_auth_policy; then service=$service-secure; fi
    if is_on use_fips_mode; then service=$service-fips; fi
    url=$(setting deploy_control_endpoint)
    endpoint endpoint_commands "${url:-https://$service.$region.$(domain "$region")}"
    url=$(setting s3_endpoint_override)
    endpoint endpoint_s3 "${url:-https://aws-codedeploy-$region.s3.$region.$(domain "$region")}"
    AT=network PROXY=''
    if [ "${PROBE_NETWORK:-1}" = 0 ]; then unknown 'not asked: PROBE_NETWORK=0' imds_answers
    elif ! has curl; then unknown 'curl is not on this host' imds_answers
    elif said=$(ask 1 http://169.254.169.254/); then fact imds_answers json true
    else
        why=$(complaint | first)
        case $why in # nobody is there, or nobody answers; any other complaint is curl's own
            'curl: (7)'* | 'curl: (28)'*) fact imds_answers json false "$why" ;;
            *) unknown "$why" imds_answers ;;
        esac
    fi
}

# mask: secrets by their very text (SECRETS, from the yml and the proxy), then what follows the name of a
# secret, to the end of the line, then what has the form of a key id or of the user part of a URL. In a fact
# it leaves alone what the probe itself wrote: a password may be the word "string".
NAMED='secret_?access_?key|secret_?key|token|passw(or)?d|passphrase|authorization|x-amz-(signature|credential)'
mask() {
    SECRETS=$SECRETS awk '
        BEGIN { n = split(ENVIRON["SECRETS"], secret, "\n") }
        {
            own = match($0, /^[^\t]*\t[^\t]*\t(json\t[^\t]*|[^\t]*)\t/) ? substr($0, 1, RLENGTH) : ""
            $0 = substr($0, length(own) + 1)
            for (i = 1; i <= n; i++) if (length(secret[i]) >= 6) {
                for (out = ""; at = index($0, secret[i]); $0 = substr($0, at + length(secret[i])))
                    out = out substr($0, 1, at - 1) "[masked]"
                $0 = out $0
            }
            print own $0
        }' | sed -E "s/($NAMED)[\\\\\"']* *(=>|=|:) *[^[:space:]].*/\\1 [masked]/gI
            s/(AWS4-HMAC-SHA256|Bearer|Basic) [^[:space:]]{8,}.*/\\1 [masked]/g
            s/(AKIA|ASIA)[A-Z0-9]{8,}/\\1[masked]/g
            s#://[^[:space:]]*@#://[masked]@#g"
}
# mask_runs: long runs of base64, as secrets and tokens are. A path is mostly lower case, or not so long.
mask_runs() {
    awk '{
        for (out = ""; match($0, /[A-Za-z0-9+\/=]+/); $0 = substr($0, RSTART + RLENGTH)) {
            run = substr($0, RSTART, RLENGTH)
            if (RLENGTH >= 40 && (run !~ /\// || (run ~ /[A-Z]/ && run ~ /[a-z]/))) run = "[masked]"
            out = out substr($0, 1, RSTART - 1) run
        }
        print out $0
    }'
}

# log PATH: the newest lines. Of a long file the first line of the window is dropped: it may begin in the
# middle of a secret, where no rule would know it.
log() {
    AT=log hurdle=$(obstacle "$1")
    if [ -n "$hurdle" ]; then unknown "$hurdle" lines && return; fi
    fact lines list ''
    if [ "$(wc -c <"$ROOT$1")" -gt 65536 ]; then from=2; else from=1; fi
    tail -c 65536 "$ROOT$1" | tr -d '\000\r' | tr '\t' ' ' | tail -n +$from |
        sed '/-----BEGIN[A-Z ]*PRIVATE KEY/,/-----END/s/.*/[masked]/' | tail -n 60 |
        mask | mask_runs | cut -c 1-300 | awk '{ print "log\tlines\tline\t" $0 }'
}

# document TIME: facts to JSON in plain ASCII. It works on bytes, so that no input, UTF-8 or not, can break it.
document() {
    od -An -v -tu1 | awk -v limit=$LIMIT -v time="$1" '
        function put(c,    s) {
            if (c == 34 || c == 92) s = "\\" sprintf("%c", c)
            else if (c > 31 && c < 127) s = sprintf("%c", c)
            else if (c < 65536) s = sprintf("\\u%04x", c)
            else s = sprintf("\\u%04x\\u%04x", 55296 + int((c - 65536) / 1024), 56320 + (c - 65536) % 1024)
            room = column[3] == "line" ? 1800 : length(text) > 12000 ? 40 : 300
            if (cut || length(cell) + length(s) > room) cut = 1; else cell = cell s
        }
        function cell_ends() { column[++columns] = cell (cut ? "\\u2026" : ""); cell = ""; cut = 0 }
        function fact_ends(    value) {
            value = column[4]; kind = column[3]
            if (kind == "line") { line[++lines] = value; size += length(value) + 3 }
            else {
                if (kind == "words") {
                    gsub(/^ +| +$/, "", value); gsub(/ +/, "\",\"", value)
                    if (value) value = "\"" value "\""
                }
                if (kind == "words" || kind == "list") value = "[" value "]"
                if (kind == "string" || kind == "error") value = "\"" value "\""
                text = text (column[1] == section ? "," : (section ? "}," : "") "\"" column[1] "\":{")
                text = text "\"" column[2] "\":{\"" (kind == "error" ? "error" : "value") "\":" value
                if (kind == "list") list_at = length(text)
                text = text (column[5] ? ",\"by\":\"" column[5] "\"" : "") "}"
                section = column[1]
            }
            columns = 0; column[3] = ""; column[5] = ""
        }
        function byte(b) { # a decoder of UTF-8: need more bytes, the next one between low and high
            if (need && b >= low && b <= high) {
                code = code * 64 + b - 128; low = 128; high = 191
                if (--need == 0) put(code)
                return
            }
            if (need) put(65533)
            need = b < 194 || b > 244 ? 0 : b < 224 ? 1 : b < 240 ? 2 : 3
            code = b - (b < 224 ? 192 : b < 240 ? 224 : 240)
            low = b == 224 ? 160 : b == 240 ? 144 : 128
            high = b == 237 ? 159 : b == 244 ? 143 : 191
            if (b == 9 || b == 10) { cell_ends(); if (b == 10) fact_ends() }
            else if (b < 128) put(b)
            else if (!need) put(65533)
        }
        { for (i = 1; i <= NF; i++) byte($i + 0) }
        END {
            for (i = 1; i <= lines && length(text) + size > limit - 90; i++) size -= length(line[i]) + 3
            for (list = ""; i <= lines; i++) list = list (list ? "," : "") "\"" line[i] "\""
            if (list_at) text = substr(text, 1, list_at - 1) list substr(text, list_at)
            print "{\"schema\":1,\"collected_at\":\"" time "\"," text "},\"complete\":true}"
        }'
}

main() {
    for tool in awk cut date grep head id od sed tail tr wc; do
        has $tool && continue
        printf '{"schema":1,"failed":"%s is not on this host","complete":true}\n' $tool
        exit 1
    done
    load $CONFIG
    AGENT=$LOADED CONFIG_HURDLE=$HURDLE
    path=$(setting on_premises_config_file)
    path=${path:-/etc/codedeploy-agent/conf/codedeploy.onpremises.yml}
    load "$path"
    IDENTITY=$LOADED IDENTITY_HURDLE=$HURDLE
    folder=$(setting log_dir) program=$(setting program_name)
    folder=${folder:-/var/log/aws/codedeploy-agent}
    journal=${folder%/}/${program:-codedeploy-agent}.log
    # what must not be printed is taken from the yml even where it is not plain
    SECRETS=$(setting proxy_uri | sed -nE 's#^([A-Za-z0-9]+://)?(.*)@.*#\2#p')
    SECRETS="${SECRETS#*:}
$SECRETS
$([ -n "$(obstacle "$path")" ] || tr -d '\000\r' <"$ROOT$path" |
        sed -nE "s/.*aws_(access_key_id|secret_access_key)[\"']? *: *[\"']?([^\"' ,}]*).*/\\2/p")"
    {
        host
        agent
        config | mask_runs
        identity
        file config_file $CONFIG
        file identity_file "$path"
        file credentials_file "$(field aws_credentials_file)"
        file log_file "$journal"
        network
        AT=clock
        number epoch "$(date -u +%s)"
        log "$journal"
    } | mask | document "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
}
main </dev/null # standard input may be the script itself
