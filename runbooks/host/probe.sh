#!/bin/sh
# The host probe: what a host knows about its CodeDeploy agent, as one JSON document on standard output.
#
# It reads and asks; it changes nothing, opens no credentials file and prints no secret. It needs a POSIX
# shell with the tools of dash or busybox. Exit 0: a document was written. Exit 1: a basic tool is missing,
# and the document says which.
#
#   PROBE_INSTANCE=web-01  the CodeDeploy name you hold this host to be (the host itself never knows it)
#   PROBE_NETWORK=0        leave out name resolution, HTTPS and instance metadata (at most some 15 seconds)
#   PROBE_ROOT=/some/root  read all files below this directory, and follow no link out of it; nothing found
#                          there is ever executed. The commands (systemctl, dpkg, rpm, curl ...) still come
#                          from PATH, and describe the machine they run on: with a root, put commands that
#                          describe it first
#
# Schema 2: {"schema":2, "collected_at":UTC, "<section>":{"<name>":<datum>, ...}, ..., "complete":true}
# A datum is {"value":...} with "by" (how it was found) where that matters, or {"error":"why it is not known"}.
# A null value was looked for and is not there. "complete" comes last, so that a cut document is seen.
#
#   host      instance hostname os_id os_version os_name uid user init
#             kills (the newest processes that the kernel killed for want of memory, by dmesg)
#   agent     installed package_version version_file version line
#             running (a process of the agent is there) by_systemd (the unit's states)
#             processes ("pid uid seconds title" of each) program (what the master runs) user (whom it runs as)
#             environment (its variables for proxies and certificates) profiles (files that set proxies for it)
#             certificates (the file by which agent 1.x verifies commands is there)
#   unit      state sub result restarts enabled source
#   config    the names in SETTINGS below, as written in codedeployagent.yml (by "quoted" where it is);
#             proxy_uri without its password
#   identity  registration (user, session, both, neither) region iam_user_arn iam_session_arn
#             fields (names that are there) missing (names that the registration needs and has not)
#   config_file identity_file credentials_file log_file wire_log root_credentials
#             path exists readable (by this user) usable (by the agent's) mode owner size modified
#   root_folder log_folder temporary_folder    path exists usable free (kB) inodes (free; null: not counted)
#             options (of the mount)
#   deployment  ongoing ("d-ID seconds" of each event under way) last (state of each group's last successful
#             revision: ok, empty, damaged, gone, no-archive) cleanup (groups whose list of files is missing)
#             stuck ("mount PATH" and "attribute PATH": what below root_dir cannot be deleted)
#   revisions   kept ("number role group state path" of each group's newest and last successful revision; the role of
#             one that is both is "both") appspec ("number line" of their AppSpec files, without comments, a tab as
#             U+2409) scripts ("number state mode program name" of their hook scripts; "! number name line" is
#             a first line, a carriage return as U+240D)
#   hook_log  deployment (the last one that has run a hook script here; by: the log that says so) steps ("time
#             LifecycleEvent - event" and "time Script - name" of its events and scripts) output (the newest lines
#             that its last script printed) answers ("time status ..." of events that ended, by the agent's own log, which
#             holds them all) since
#   tools     missing (of those that deployments use) ruby
#   endpoint_commands endpoint_start endpoint_s3    url via (direct, proxy, environment) address status date
#             issuer (of a certificate that is not accepted). endpoint_start is the agent's first connection,
#             where it goes another way than its polls
#   network   imds_answers imds_token (required, offered) imds_status (with the token, where one is given) imds_region
#   clock     epoch offset
#   log       entries (read) errors polls since files; lines: the first line of each entry that says something,
#             at most three alike, masked, 500 bytes each, fewer where the document would grow too long
set -u
export LC_ALL=C
ROOT=${PROBE_ROOT:-}
LIMIT=22900 # Systems Manager hands out the first 24000 characters of what a command prints
WINDOW=1048576 # bytes of the log
APPSPECS=6000 # bytes of AppSpec files
TAB=$(printf '\t') CR=$(printf '\r') MARK=$(printf '\357\273\277') TAB_SIGN=$(printf '\342\220\211') CR_SIGN=$(printf '\342\220\215')
SETTINGS='proxy_uri enable_auth_policy use_fips_mode deploy_control_endpoint s3_endpoint_override
    disable_imds_v1 log_aws_wire verbose wait_between_runs on_premises_config_file log_dir pid_dir root_dir
    program_name max_revisions user children'
FIELDS='region iam_user_arn aws_access_key_id aws_secret_access_key iam_session_arn aws_credentials_file'
UNIT=LoadState,ActiveState,SubState,Result,NRestarts,UnitFileState,User,Environment,SourcePath,FragmentPath
SIGNERS=/opt/codedeploy-agent/certs/host-agent-deployment-signer-ca-chain.pem
REGION='^[a-z]+-[a-z0-9-]{1,24}-[0-9]+$'
ARN='^arn:[A-Za-z0-9:/+=,.@_-]{1,290}$'
RPM_FORMAT='Status: install ok installed\nVersion: %{VERSION}-%{RELEASE}\n' # in dpkg's words
PROCESS='^([^ ]*ruby[^ ]* )?([^ ]*/)?codedeploy-agent(\.rb)?(:| |$)' # not a shell whose text names the agent
VARIABLES='^(([Hh][Tt][Tt][Pp][Ss]?|[Nn][Oo]|[Aa][Ll][Ll])_[Pp][Rr][Oo][Xx][Yy]|SSL_CERT_(FILE|DIR)|AWS_SSL_CA_DIRECTORY)='

has() { command -v "$1" >/dev/null 2>&1; }
first() { head -n 1 | tr -d '\000\r'; }

# A fact is a line of five columns: section, name, kind, text, how it was found. document() makes JSON of it.
fact() {
    case $3 in *[!\ -~]*) clean=$(printf %s "$3" | tr '\t\n' '  ') ;; *) clean=$3 ;; esac
    printf '%s\t%s\t%s\t%s\t%s\n' "$AT" "$1" "$2" "$clean" "${4:-}"
}
text() { if [ -n "$2" ]; then fact "$1" string "$2" "${3:-}"; else fact "$1" json null "${3:-}"; fi; }
number() { case $2 in '' | *[!0-9]*) unknown 'the command for it failed' "$1" ;; *) fact "$1" json "$2" ;; esac }
# entries NAME BY: a list, one entry a line of standard input
entries() {
    fact "$1" list '' "$2"
    tr -d '\r' | tr '\t' ' ' | cut -c 1-300 | awk -v at="$AT" -v name="$1" '/./ { print at "\t" name "\titem\t" $0 "\t" }'
}
# unknown REASON NAME...: why it is not known. A reason of "missing" is an answer: there is nothing.
unknown() {
    reason=$1
    shift
    for name; do
        if [ "$reason" = missing ]; then text "$name" '' 'no such file'; else fact "$name" error "$reason"; fi
    done
}

# real PATH: where it is in truth, all links followed; nothing when it is nowhere
real() (
    path=$1 turns=9
    while [ -L "$path" ]; do
        has readlink && link=$(readlink "$path") && [ $((turns -= 1)) -gt 0 ] || exit
        case $link in /*) path=$link ;; *) path=${path%/*}/$link ;; esac
    done
    folder=$(CDPATH='' cd -P "${path%/*}/" 2>/dev/null && pwd -P) && echo "${folder%/}/${path##*/}"
)
# leaves PATH: it is a link, or lies behind one, that leads out of PROBE_ROOT
leaves() {
    [ -n "$ROOT" ] || return 1
    below=$(real "${ROOT%/}/.")
    case $(real "$ROOT$1") in "${below%.}"*) return 1 ;; esac
}

# obstacle PATH: nothing when it can be read, "missing", or what is in the way. An unsearchable directory
# hides its files: what cannot be seen is not called missing.
obstacle() (
    path=$ROOT$1
    case $1 in /*) ;; *) echo 'its path is not absolute' && exit ;; esac
    if [ -e "$path" ] && leaves "$1"; then
        echo "$1 is a link that leads out of PROBE_ROOT"
    elif [ -f "$path" ]; then
        [ -r "$path" ] || echo "this user may not read $1"
    elif [ -d "$path" ]; then
        echo "$1 is a directory"
    elif [ -e "$path" ]; then
        echo "$1 is not a regular file"
    elif [ -L "$path" ]; then
        echo "$1 is a link that leads nowhere this user can see"
    else
        while path=${path%/*} && [ -n "$path" ] && ! [ -e "$path" ]; do :; done
        if [ -x "${path:-/}" ]; then echo missing; else echo "this user cannot look into ${path#"$ROOT"}"; fi
    fi
)

# barred PATH NEED: why the mode of PATH keeps the agent's user from it; nothing where it does not. NEED is 4 to
# read, 6 to write too, 3 to write into a directory. ACLs are left aside.
barred() (
    path=$1 need=$2
    [ "$AGENT_UID" != 0 ] || exit
    while [ -n "$path" ]; do
        # shellcheck disable=SC2046 # three words are wanted
        set -- $(stat -L -c '%a %u %g' "$ROOT$path" 2>/dev/null)
        [ $# -eq 3 ] || exit
        mode=00$1
        case " $AGENT_GIDS " in *" $3 "*) group=yes ;; *) group=no ;; esac
        if [ "$2" = "$AGENT_UID" ]; then mode=${mode%??} && mode=${mode#"${mode%?}"}
        elif [ $group = yes ]; then mode=${mode%?} && mode=${mode#"${mode%?}"}
        else mode=${mode#"${mode%?}"}; fi
        [ $((mode & need)) -eq "$need" ] || { echo "user $AGENT_USER may not use $path: mode $1, user $2, group $3" && exit; }
        path=${path%/*} need=1
    done
)

# file SECTION PATH [NEED]: what can be known of a file without opening it. The agent NEEDs to read it (4), or more.
file() {
    AT=$1 hurdle=missing need=${3:-4}
    [ -z "$2" ] || hurdle=$(obstacle "$2")
    case $2 in '' | /*) text path "$2" ;; *) unknown "$hurdle" path ;; esac
    case $hurdle in
        '') fact exists json true && fact readable json true && usable "$2" "$need" ;;
        *' may not read '*) fact exists json true && fact readable json false "$hurdle" && usable "$2" "$need" ;;
        *' is a directory' | *' is not a regular file')
            fact exists json true && fact readable json false "$hurdle" && fact usable json false "$hurdle" ;;
        missing) fact exists json false && unknown missing readable usable mode owner size modified && return ;;
        *) unknown "$hurdle" exists readable usable mode owner size modified && return ;;
    esac
    # shellcheck disable=SC2046 # four words are wanted
    set -- $(stat -L -c '%a %U %s %Y' "$ROOT$2" 2>/dev/null)
    if [ $# -ne 4 ]; then unknown 'stat failed' mode owner size modified && return; fi
    text mode "$1" && text owner "$2" && number size "$3" && number modified "$4"
}
usable() {
    if [ -z "$AGENT_UID" ]; then unknown "the agent's user $AGENT_USER is not in /etc/passwd" usable && return; fi
    why=$(barred "$1" "$2")
    if [ -n "$why" ]; then fact usable json false "$why"; else fact usable json true; fi
}

# folder SECTION PATH: whether the agent's user may write there, and the room on its file system
folder() {
    AT=$1 place=$2
    text path "$2"
    case $2 in /*) ;; *) unknown 'its path is not absolute' exists usable free inodes options && return ;; esac
    if [ -d "$ROOT$2" ]; then fact exists json true && usable "$2" 3
    elif [ -e "$ROOT$2" ]; then fact exists json false "$2 is not a directory" && fact usable json false "$2 is not a directory"
    else fact exists json false && text usable '' 'no such directory'; fi
    while ! [ -d "$ROOT$place" ] && [ -n "$place" ]; do place=${place%/*}; done
    for pair in free=k inodes=i; do # counted from the last column, whatever the device is called
        left=$($SOON df -P "-${pair#*=}" "$ROOT${place:-/}" 2>/dev/null | awk 'END { if (NF > 5) print $(NF - 4) ~ /^(0|-)$/ ? "none" : $(NF - 2) }')
        case $left in none) text "${pair%=*}" '' 'its file system counts none' ;; '' | *[!0-9]*) unknown 'df does not say' "${pair%=*}" ;; *) fact "${pair%=*}" json "$left" ;; esac
    done
    text options "$(awk -v path="${place:-/}" '
        { point = $2; gsub(/\\040/, " ", point); sub(/\/$/, "", point) }
        index(path "/", point "/") == 1 && length(point) >= longest { longest = length(point); options = $4 }
        END { print options }' "$ROOT/proc/mounts" 2>/dev/null)"
}

# plain PATH: the "key: value" lines of a YAML file as key, tab, value, tab, "quoted". It fails on all else that
# YAML allows: to guess at that would be to claim. Keys may wear the colon that the agent's 1.x line gives them.
plain() {
    head -c 65536 "$ROOT$1" | tr -d '\000\r' | sed "1s/^$MARK//" | awk '
        /^[ \t]*(#|$)/ || /^(---|\.\.\.)[ \t]*(#|$)/ { next }
        !match($0, /^["'\'']?:?[A-Za-z0-9_]+["'\'']?[ \t]*:([ \t]+|$)/) { exit bad = 1 }
        {
            key = substr($0, 1, RLENGTH); value = substr($0, RLENGTH + 1); mark = substr(value, 1, 1); quoted = ""
            gsub(/[^A-Za-z0-9_]/, "", key)
            if (value ~ /\t/) exit bad = 1
            if (mark ~ /["'\'']/) {
                end = index(substr(value, 2), mark)
                if (!end || substr(value, end + 2) !~ /^ *(#.*)?$/) exit bad = 1
                value = substr(value, 2, end - 1); quoted = "quoted"
            } else {
                sub(/(^| +)#.*$/, "", value); sub(/ +$/, "", value)
                if (value ~ /^([]{}[&*!|>%@`,?]|- |-$)|:( |$)/) exit bad = 1
                if (value ~ /^(~|null|Null|NULL)$/) value = ""
            }
            print key "\t" value "\t" quoted
        }
        END { exit bad }'
}
# load PATH: sets LOADED (the lines of plain) and HURDLE (as obstacle says, or that it is not plain)
load() {
    LOADED='' HURDLE=$(obstacle "$1")
    if [ -z "$HURDLE" ]; then LOADED=$(plain "$1") || HURDLE="$1 is more than plain key: value lines"; fi
}
column_of() { printf '%s\n' "$1" | awk -F '\t' -v key="$2" -v n="$3" '$1 == key { last = $n } END { printf "%s", last }'; }
setting() { column_of "$AGENT" "$1" 2; }
# is_on NAME: as agent 1.x (Ruby) takes it: all but an unquoted no is a yes
is_on() {
    case $(column_of "$AGENT" "$1" 3):$(setting "$1") in
        : | :[Ff]alse | :FALSE | :[Nn]o | :NO | :[Oo]ff | :OFF) false ;;
    esac
}
field() { column_of "$IDENTITY" "$1" 2; }

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
    if has dmesg && said=$($SOON dmesg 2>/dev/null); then
        printf '%s\n' "$said" | grep -E 'Killed process [0-9]+ ' | tail -n 3 | entries kills dmesg
    else unknown 'dmesg is not on this host, or this user may not use it' kills; fi
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
            *BusyBox* | *'invalid option'* | *'unrecognized option'*) ;; # an applet that is no package manager
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
    LINE=''
    case $version in [12].*) LINE=${version%%.*}.x ;; esac
    text line "$LINE"
    hurdle=$(obstacle $SIGNERS)
    if [ "$LINE" != 1.x ]; then text certificates '' 'only agent 1.x has them in a file'
    elif [ "$hurdle" = missing ]; then fact certificates json false "there is no $SIGNERS"
    elif [ -n "$hurdle" ]; then unknown "$hurdle" certificates
    elif [ -s "$ROOT$SIGNERS" ]; then fact certificates json true
    else fact certificates json false "$SIGNERS is empty"; fi
    running
}

# processes: those of the agent, as "pid uid seconds title". One grep over all of /proc finds them.
processes() {
    title=$PROCESS up=$(cut -d ' ' -f 1 "$ROOT/proc/uptime" 2>/dev/null)
    case $PROGRAM in # under another name only by the titles that agent 1.x gives itself
        codedeploy-agent | *[!A-Za-z0-9_-]*) ;;
        *) title="$PROCESS|^$PROGRAM: (master [0-9]|booting child|InstanceAgent)" ;;
    esac
    $SOON grep -ls -e codedeploy-agent -e "$PROGRAM" "$ROOT"/proc/[0-9]*/cmdline | while read -r found; do
        said=$(tr '\000' ' ' 2>/dev/null <"$found") place=${found%/cmdline}
        printf '%s\n' "$said" | grep -Eq "$title" || continue
        uid=$(awk '$1 == "Uid:" { print $3 }' "$place/status" 2>/dev/null)
        # the name in /proc/PID/stat may hold anything, but the start comes 20 words after its last bracket
        age=$(sed 's/.*) //' "$place/stat" 2>/dev/null | awk -v up="$up" '{ age = int(up - $20 / 100) } END { if (up && age >= 0) print age; else print "?" }')
        printf '%s %s %s %s\n' "${place##*/}" "${uid:-?}" "${age:-?}" "$(printf %s "$said" | sed 's/ *$//')"
    done
}

# whom PID: sets AGENT_UID, AGENT_GIDS, AGENT_USER and by what they are known
whom() {
    AGENT_UID='' AGENT_GIDS='' AGENT_USER='' WHOM=''
    status=$ROOT/proc/$1/status
    if [ -n "$1" ] && [ -r "$status" ]; then
        AGENT_UID=$(awk '$1 == "Uid:" { print $3 }' "$status") WHOM="process $1"
        AGENT_GIDS=$(awk '$1 == "Gid:" { print $3 } $1 == "Groups:" { $1 = ""; print }' "$status" | tr '\n' ' ')
        AGENT_USER=$(awk -F : -v uid="$AGENT_UID" '$3 == uid { print $1; exit }' "$ROOT/etc/passwd" 2>/dev/null)
        AGENT_USER=${AGENT_USER:-$AGENT_UID}
        [ -z "$AGENT_UID" ] || return
    fi
    AGENT_USER=$(unit_says User) WHOM='the unit'
    if [ -z "$AGENT_USER" ]; then AGENT_USER=$(setting user) WHOM='the setting user'; fi
    if [ -z "$AGENT_USER" ]; then
        AGENT_USER=$(sed -n 's/^CODEDEPLOY_USER=["'\'']*\([A-Za-z0-9_.-]*\).*/\1/p' "$ROOT/etc/init.d/codedeploy-agent" 2>/dev/null | first)
        WHOM=/etc/init.d/codedeploy-agent
    fi
    if [ -z "$AGENT_USER" ]; then AGENT_USER=root AGENT_UID=0 WHOM='nothing names another' && return; fi
    AGENT_UID=$(awk -F : -v name="$AGENT_USER" '$1 == name { print $3; exit }' "$ROOT/etc/passwd" 2>/dev/null)
    AGENT_GIDS=$(awk -F : -v name="$AGENT_USER" '$1 == name { print $4; exit }' "$ROOT/etc/passwd" 2>/dev/null)
    AGENT_GIDS="$AGENT_GIDS $(awk -F : -v name="$AGENT_USER" 'index("," $4 ",", "," name ",") { print $3 }' "$ROOT/etc/group" 2>/dev/null | tr '\n' ' ')"
}

unit_says() { printf '%s\n' "$SHOWN" | sed -n "s/^$1=//p" | first; }

# running: systemd calls a unit "active" that it made of an init script even when all its processes have ended,
# knows nothing of an agent that a script started, and between two restarts says "activating". So the processes
# are what counts.
running() {
    found=$(processes) none=''
    master=$(printf '%s\n' "$found" | awk '/: master [0-9]/ || / (re)?start$/ { print $1; exit }')
    state=$(unit_says ActiveState) && state="$state $(unit_says SubState)"
    if [ "$(unit_says LoadState)" = not-found ]; then state='no such unit'; fi
    if [ -z "$SHOWN" ]; then unknown 'systemctl is not on this host, or does not answer' by_systemd
    else text by_systemd "$state"; none="systemctl: $state; "; fi
    folder=$(setting pid_dir)
    folder=${folder:-/opt/codedeploy-agent/state/.pid}
    for name in "$PROGRAM.pid" master.pid; do
        [ -z "$(obstacle "${folder%/}/$name")" ] || continue
        pid=$(first <"$ROOT${folder%/}/$name" | tr -cd 0-9)
        case "
$found" in *"
$pid "*) ;; *) none="${none}process $pid of $name is not the agent; " ;; esac
    done
    if [ -n "$found" ]; then fact running json true "process $(printf '%s\n' "$found" | first | cut -c 1-200 | cut -d ' ' -f 1,4-)"
    elif ! [ -e "$ROOT/proc/1" ]; then unknown "${none}this user cannot see the processes of others" running
    else fact running json false "${none}no process"; fi
    printf '%s\n' "$found" | entries processes /proc
    whom "$master"
    text user "$AGENT_USER" "$WHOM"
    program=''
    if [ -n "$master" ] && has readlink; then program=$(readlink "$ROOT/proc/$master/exe" 2>/dev/null); fi
    text program "$program"
    environment "$master"
}

# environment PID: the variables that have a say in the agent's connections, and the files that set some
environment() {
    if [ -n "$1" ] && [ -r "$ROOT/proc/$1/environ" ]; then by="process $1" said=$(tr '\000' '\n' <"$ROOT/proc/$1/environ")
    elif [ -n "$1" ]; then by='' said=''
    else by='the unit' said=$(unit_says Environment | tr ' ' '\n'); fi
    ENVIRONMENT=$(printf '%s\n' "$said" | grep -E "$VARIABLES")
    if [ -n "$by" ]; then printf '%s\n' "$ENVIRONMENT" | entries environment "$by"
    else unknown "this user may not read the environment of process $1" environment; fi
    for path in "$ROOT"/etc/profile "$ROOT"/etc/profile.d/*.sh "$ROOT"/etc/environment; do
        [ -f "$path" ] && ! leaves "${path#"$ROOT"}" && grep -Eqis '^[^#]*(https?|all)_proxy=.' "$path" && echo "${path#"$ROOT"}"
    done | entries profiles ''
}

unit() {
    AT=unit
    if [ -z "$SHOWN" ]; then
        unknown 'systemctl is not on this host, or does not answer' state sub result restarts enabled source && return
    fi
    text state "$(unit_says ActiveState)" && text sub "$(unit_says SubState)" && text result "$(unit_says Result)"
    number restarts "$(unit_says NRestarts)"
    text enabled "$(unit_says UnitFileState)"
    source=$(unit_says SourcePath)
    text source "${source:-$(unit_says FragmentPath)}"
}

config() {
    AT=config
    for name in $SETTINGS; do
        value=$(setting "$name") quoted=$(column_of "$AGENT" "$name" 3)
        case $CONFIG_HURDLE:$name:$value in
            :proxy_uri:*@*) text "$name" "$(printf %s "$value" | sed -E 's#^([A-Za-z0-9]+://)?.*@#\1[masked]@#')" "$quoted" ;;
            :*:) if [ -n "$quoted" ]; then fact "$name" string '' quoted; else text "$name" ''; fi ;;
            :*) text "$name" "$value" "$quoted" ;;
            *) unknown "$CONFIG_HURDLE" "$name" ;;
        esac
    done
}

# shown NAME FORM: a field of the yml, unless it has not the form of one: it may be a misplaced secret
shown() {
    value=$(field "$1")
    if [ -z "$value" ] || printf '%s\n' "$value" | grep -Eq "$2"; then text "$1" "$value" "$(column_of "$IDENTITY" "$1" 3)"
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

# deployments ROOT_DIR NOW: what the agent keeps below its root_dir: events under way, and the state of each group
deployments() {
    AT=deployment
    case $1 in /*) ;; *) unknown 'its path is not absolute' ongoing last cleanup stuck && return ;; esac
    if [ -d "$ROOT$1" ] && ! { [ -r "$ROOT$1" ] && [ -x "$ROOT$1" ]; }; then
        unknown "this user cannot look into $1" ongoing last cleanup stuck && return
    fi
    for path in "$ROOT$1/ongoing-deployment"/*; do
        [ -f "$path" ] || continue
        written=$(stat -c %Y "$path" 2>/dev/null)
        echo "${path##*/} $(($2 - ${written:-$2}))"
    done | head -n 5 | entries ongoing "$1/ongoing-deployment"
    for path in "$ROOT$1/deployment-instructions"/*_last_successful_install; do
        [ -f "$path" ] || continue
        group=${path##*/} && group=${group%_last_successful_install} place=$(first <"$path")
        if ! [ -s "$path" ]; then state=empty
        elif [ "$(head -c 4096 "$path" | tr -cd '\000' | wc -c)" -gt 0 ]; then state=damaged
        elif ! [ -d "$ROOT$place" ]; then state=gone
        elif ! [ -d "$ROOT$place/deployment-archive" ]; then state=no-archive
        else state=ok; fi
        echo "$group $state $place"
    done | head -n 10 | entries last "$1/deployment-instructions"
    for path in "$ROOT$1/deployment-instructions"/*-install.json; do
        if ! [ -f "$path" ] || [ -s "${path%-install.json}-cleanup" ]; then continue; fi
        group=${path##*/}
        if grep -q '"copy"' "$path" 2>/dev/null; then echo "${group%-install.json}"; fi
    done | head -n 10 | entries cleanup "$1/deployment-instructions"
    {
        awk -v root="$1/" '{ gsub(/\\040/, " ", $2) } index($2, root) == 1 { print "mount " $2 }' "$ROOT/proc/mounts" 2>/dev/null
        if has lsattr; then # i: nothing may change it; a: it may only grow
            $SOON lsattr -d "$ROOT$1"/*/* "$ROOT$1"/*/*/* 2>/dev/null | awk -v root="$ROOT" '$1 ~ /[ia]/ { print "attribute " substr($0, index($0, "/") + length(root)) }'
        fi
    } | head -n 5 | entries stuck /proc/mounts
}

# absolute PATH: a path of the configuration. One that is relative begins where the agent was started: / for systemd
absolute() (
    case $1 in /*) echo "$1" && exit ;; esac
    pid=$(processes | awk '/: master [0-9]/ || / (re)?start$/ { print $1; exit }') start=''
    if [ -n "$pid" ] && has readlink; then start=$(readlink "$ROOT/proc/$pid/cwd" 2>/dev/null); fi
    echo "${start%/}/${1#./}"
)

# revisions ROOT_DIR: of each deployment group the newest revision and the last successful one, six at most, with their
# AppSpec files while these are short, and what can be seen of their hook scripts
revisions() {
    AT=revisions
    case $1 in /*) ;; *) unknown 'its path is not absolute' kept appspec scripts && return ;; esac
    for path in "$ROOT$1" "$ROOT$1/deployment-instructions"; do
        if [ -d "$path" ] && ! { [ -r "$path" ] && [ -x "$path" ]; }; then
            unknown "this user cannot look into ${path#"$ROOT"}" kept appspec scripts && return
        fi
    done
    found=$(
        for path in "$ROOT$1/deployment-instructions"/*_most_recent_install; do
            [ -f "$path" ] || continue
            group=${path##*/} && group=${group%_most_recent_install} place=$(first <"$path")
            record=${path%_most_recent_install}_last_successful_install old=''
            if [ -f "$record" ]; then old=$(first <"$record"); fi
            if [ "$place" = "$old" ]; then echo "both $group $place"; else echo "newest $group $place"; fi
            if [ -n "$old" ] && [ "$place" != "$old" ]; then echo "last $group $old"; fi
        done
        for path in "$ROOT$1/deployment-instructions"/*_last_successful_install; do # the newest is not known
            if ! [ -f "$path" ] || [ -f "${path%_last_successful_install}_most_recent_install" ]; then continue; fi
            group=${path##*/} && echo "last ${group%_last_successful_install} $(first <"$path")"
        done
    )
    number=0 left=$APPSPECS facts=''
    while read -r role group place; do
        number=$((number + 1))
        [ -n "$role" ] && [ $number -le 6 ] || break
        facts="$facts
$(revision "$place")"
        size=$(printf '%s\n' "$facts" | sed -n "s/^size $number //p")
        left=$((left - ${size:-0}))
    done <<END
$found
END
    if [ "$(printf '%s\n' "$found" | grep -c .)" -gt 6 ]; then facts="$facts
kept more"; fi
    for name in kept appspec scripts; do
        fact $name list '' "$1"
        printf '%s\n' "$facts" | tr '\t' ' ' | awk -v name=$name '$1 == name { sub(/^[a-z]+ /, ""); print "revisions\t" name "\titem\t" $0 "\t" }'
    done
}

# revision PLACE: lines of "kept", "appspec", "scripts" and the size of what is shown of its AppSpec file
revision() {
    archive=$1/deployment-archive file=$ROOT$1/deployment-archive/appspec.yml state=ok shown=''
    if ! [ -d "$ROOT$archive" ]; then state=no-archive
    elif leaves "$archive"; then state=outside
    elif ! [ -x "$ROOT$archive" ]; then state=barred
    elif ! [ -f "$file" ]; then state=no-appspec
    elif leaves "$archive/appspec.yml"; then state=outside
    elif ! [ -r "$file" ]; then state=barred
    else
        shown=$(head -c 65536 "$file" | tr -d '\r' | sed "s/^[[:space:]]*#.*//; s/$TAB/$TAB_SIGN/g; s/^/appspec $number /")
        if [ "$(printf '%s' "$shown" | wc -c)" -gt "$left" ] || printf '%s\n' "$shown" | grep -Eq '.{250}' ||
            [ "$(tr -d '\000' <"$file" | wc -c)" -gt 65536 ] || [ "$(tr -cd '\000' <"$file" | wc -c)" -gt 0 ]; then shown='' state=long; fi
    fi
    echo "kept $number $role $group $state $1"
    echo "size $number $(printf '%s' "$shown" | wc -c)"
    case $state in ok | long) ;; *) return ;; esac
    if [ -n "$shown" ]; then printf '%s\n' "$shown"; fi
    head -c 65536 "$file" | tr -d '\000\r' |
        sed -nE 's/^([^#]*[ {,-])?location: *["'\'']?([^"'\''#,}]*[^"'\''#,} ]).*/\2/p' | head -n 20 | while read -r name; do
        script "$archive" "$name"
    done
}

# script ARCHIVE NAME: of a hook script whether it is there, whether it may be run, and what its first line asks for
script() {
    path=$1/${2#/}
    if ! [ -e "$ROOT$path" ]; then echo "scripts $number absent - - $2" && return
    elif leaves "$path"; then echo "scripts $number outside - - $2" && return
    elif ! [ -f "$ROOT$path" ]; then echo "scripts $number folder - - $2" && return
    elif ! [ -r "$ROOT$path" ]; then echo "scripts $number barred - - $2" && return; fi
    # shellcheck disable=SC2046 # three words are wanted
    set -- "$path" "$2" $(stat -L -c '%a %u %g' "$ROOT$path" 2>/dev/null)
    case ${3:-?} in *[1357]*) may=x ;; '?') may='?' ;; *) # the agent sets the bit, if it may
        case $AGENT_UID in '') may='?' ;; 0 | "${4:-}") may=settable ;; *) may=stuck ;; esac ;;
    esac
    opens=$(head -c 250 "$ROOT$path" | tr -d '\000' | head -n 1) program=text
    case $opens in
        '#!'*) program=$(printf '%s\n' "${opens#??}" | tr -d '\r' | awk '{ print $1 }')
            if [ -e "$ROOT$program" ]; then program=there; else program=gone; fi
            printf 'scripts ! %s %s %s\n' "$number" "$2" "$opens" | sed "s/$CR/$CR_SIGN/g" | cut -c 1-250 ;;
        *ELF*) program=binary ;;
        *'#!'*) program=mark ;; # after a byte-order mark
    esac
    echo "scripts $number there $may $program $2"
}

# hook_log ROOT_DIR LOG: what the deployment's own log says of the last deployment that has run a hook script here: the
# log of all deployments, or the newest log of a single one where that is newer, as the first may be switched off
hook_log() {
    AT=hook_log all=$1/deployment-logs/$PROGRAM-deployments.log newest=''
    case $1 in /*) ;; *) unknown 'its path is not absolute' deployment steps output answers since && return ;; esac
    for path in "$ROOT$1" "$ROOT$1"/*/ "$ROOT$1"/*/d-*/ "$ROOT$1"/*/d-*/logs/; do
        if [ -d "$path" ] && ! { [ -r "$path" ] && [ -x "$path" ]; }; then
            unknown "this user cannot look into ${path#"$ROOT"}" deployment steps output answers since && return
        fi
    done
    for path in "$ROOT$1"/*/d-*/logs/scripts.log; do
        [ -f "$path" ] || continue
        if [ -z "$newest" ] || [ "$path" -nt "$newest" ]; then newest=$path; fi
    done
    newest=${newest#"$ROOT"}
    if [ "$LINE" != 2.x ] && [ -f "$ROOT$all" ]; then # agent 1.x writes both at once; 2.x names no deployment in it
        late=$(stat -c %Y "$ROOT$newest" 2>/dev/null) other=$(stat -c %Y "$ROOT$all" 2>/dev/null)
        if [ -z "$newest" ] || [ $((${other:-0} + 5)) -ge "${late:-0}" ]; then newest=$all; fi
    fi
    said='' id=''
    if [ -n "$newest" ]; then
        hurdle=$(log_obstacle "$newest")
        if [ -n "$hurdle" ]; then unknown "$hurdle" deployment steps output answers since && return; fi
        said=$(steps "$newest") id=$(printf '%s\n' "$said" | sed -n 's/^deployment //p')
    fi
    text deployment "$id" "$newest"
    if [ -n "$id" ]; then said="$said
$(answers "$2")"; fi
    text since "$(printf '%s\n' "$said" | sed -n 's/^since //p')"
    for name in steps output answers; do
        fact $name list ''
        printf '%s\n' "$said" | sed -n "s/^$name //p" | mask | mask_runs | cut -c 1-400 | awk -v name=$name '{ print "hook_log\t" name "\titem\t" $0 "\t" }'
    done
}

# steps PATH: the newest deployment of a log of hook scripts, its newest events and scripts, and what the last one printed.
# An output without an end of line shares its line of scripts.log with what comes next, so a step is one only after a time.
steps() {
    from=1 id=${1%/logs/scripts.log} && id=${id##*/}
    if [ "$(wc -c <"$ROOT$1")" -gt $WINDOW ]; then from=2; fi
    tail -c $WINDOW "$ROOT$1" | tail -n +$from | tr -d '\000\r' | tr '\t' ' ' | awk -v id="$id" '
        { $0 = substr($0, 1, 4000); time = "" }
        match($0, /^\[[0-9-]+ [0-9:]+\.[0-9]+\] \[d-[A-Za-z0-9]+\]/) {
            time = substr($0, 2, 19); words = substr($0, RLENGTH + 1); id = substr($0, 1, RLENGTH - 1)
            sub(/.*\[/, "", id)
        }
        !/^\[/ { time = substr($0, 1, 19); words = substr($0, 21) }
        time !~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]$/ { next }
        words ~ /^(LifecycleEvent|Script) - / { step[id, ++steps[id]] = time " " words; lines[id] = 0 }
        words ~ /^\[std(out|err)\]/ { line[id, ++lines[id]] = time " " words }
        END {
            if (!steps[id] && !lines[id]) exit
            print "deployment " id
            for (i = steps[id] > 12 ? steps[id] - 11 : 1; i <= steps[id]; i++) print "steps " step[id, i]
            for (i = lines[id] > 6 ? lines[id] - 5 : 1; i <= lines[id]; i++) print "output " line[id, i]
        }'
}

# answers PATH: what the agent's log, and the files to which it was moved, hold of its reports to CodeDeploy of how events
# ended, the newest twelve, and since when they hold all
answers() {
    for path in "$ROOT${1%.log}".[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]*.log "$ROOT$1"; do
        if ! [ -f "$path" ] || [ -n "$(log_obstacle "${path#"$ROOT"}")" ]; then continue; fi
        if [ "$(wc -c <"$path")" -gt $WINDOW ]; then echo cut; fi
        tail -c $WINDOW "$path"
        echo
    done | tr -d '\000\r' | tr '\t' ' ' | awk '
        $0 == "cut" { begun = 0; print; next }
        !/^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][T ][0-9][0-9]:[0-9][0-9]:[0-9][0-9]/ { next }
        !begun++ || /put_host_command_complete\(|: Command (failed|succeeded)/ { print substr($0, 1, 4000) }' |
        sed -E 's/^(.{19})[^[]*\[[^]]*\]: \[Aws::CodeDeployCommand[A-Za-z]*::Client [0-9][^]]*\] put_host_command_complete\(command_status:"([A-Za-z]+)",diagnostics:\{format:"JSON",payload:(#<String )?"/answers \1 \2 /
            s/^(.{19})[^ ]* +[A-Z]+ deployment\{deployment_id=(d-[A-Za-z0-9]+) command=([A-Za-z]+) [^}]*\}: Command (failed|succeeded)( elapsed_ms=[0-9]+)?( error=)?/answers \1 \4 \2 \3 /
            s/^(answers .{19} Succeeded ).*/\1/' | awk '
        $0 == "cut" { since = ""; next }
        { at = substr($0, 1, 8) == "answers " ? substr($0, 9, 19) : substr($0, 1, 19) }
        !since { since = at }
        /^answers / { answer[++n] = $0; time[n] = at }
        END {
            if (n > 12) since = time[n - 11]
            print "since " since
            for (i = n > 12 ? n - 11 : 1; i <= n; i++) print answer[i]
        }'
}

tools() {
    AT=tools absent=''
    for name in unzip tar gzip setfacl semanage su sudo; do
        if ! has $name; then absent="$absent $name"; fi
    done
    fact missing words "$absent"
    if has ruby; then text ruby "$($SOON ruby -v 2>/dev/null | first)"; else text ruby '' 'not on the PATH of this user'; fi
}

# domain REGION: the domain of its partition
domain() {
    case $1 in
        cn-*) echo amazonaws.com.cn ;; eusc-*) echo amazonaws.eu ;; us-iso-*) echo c2s.ic.gov ;;
        us-isob-*) echo sc2s.sgov.gov ;; us-isof-*) echo csp.hci.ic.gov ;; eu-isoe-*) echo cloud.adc-e.uk ;;
        *) echo amazonaws.com ;;
    esac
}

# ask SECONDS URL [BODY [OPTION...]]: the headers, or curl's complaint; the body goes to BODY. The agent's proxy goes by
# the environment, where no process list shows its password. No other proxy and no curlrc has a say.
ask() (
    seconds=$1 url=$2 body=${3:-/dev/null}
    shift $(($# < 3 ? $# : 3))
    set -- -sS -o "$body" -D - --max-time "$seconds" "$@" "$url"
    if [ -z "$PROXY" ]; then curl -q --noproxy '*' "$@" 2>&1
    else no_proxy=$NO_PROXY https_proxy=$PROXY http_proxy=$PROXY curl -q "$@" 2>&1; fi # -q counts only when it is first
)
answered() { printf '%s\n' "$said" | awk '/^HTTP\// { last = $2 } END { print last }'; }
complaint() { printf '%s\n' "$said" | grep '^curl:' || echo 'curl failed'; }
variable() { printf '%s\n' "$ENVIRONMENT" | grep -i "^$1=" | first | cut -d = -f 2-; }

# endpoint SECTION URL BY: does its name resolve, does it answer, and what time does it hold it to be
endpoint() {
    AT=$1 refusal='' said=''
    case $2 in
        *..*) refusal='no Region is known, so the endpoint is not' ;;
        *[!A-Za-z0-9.:/_-]*) refusal='the configured endpoint is not a plain URL' ;;
        http://* | https://*) ;;
        *) refusal='the configured endpoint is not a plain URL' ;;
    esac
    if [ -n "$refusal" ]; then unknown "$refusal" url via address status date issuer && return; fi
    text url "$2" "$3"
    text via "$VIA"
    if [ "${PROBE_NETWORK:-1}" = 0 ]; then unknown 'not asked: PROBE_NETWORK=0' address status date issuer && return; fi
    target=${2#*://} && target=${target%%/*}
    if has getent; then
        said=$($SOON getent hosts "${target%%:*}" 2>/dev/null)
        case $? in
            0) text address "${said%% *}" ;;
            2) text address '' 'getent: no such name' ;;
            *) unknown 'getent failed, or took more than 5 seconds' address ;;
        esac
    else unknown 'getent is not on this host' address; fi
    if ! has curl; then unknown 'curl is not on this host' status date issuer && return; fi
    if said=$(ask 5 "$2"); then # behind a proxy the last status line is the endpoint's own
        number status "$(answered)"
        text date "$(printf '%s\n' "$said" | sed -n 's/^[Dd]ate: *//p' | tail -n 1 | first)"
        text issuer '' 'its certificate is accepted'
        return
    fi
    why=$(complaint | first)
    unknown "$why" status date
    case $why:$PROXY in
        'curl: (60)'*:) if has openssl; then
            case $target in *:*) peer=$target ;; *) peer=$target:443 ;; esac
            text issuer "$($SOON openssl s_client -connect "$peer" -servername "${target%%:*}" </dev/null 2>/dev/null |
                openssl x509 -noout -issuer 2>/dev/null | first)"
        else unknown 'openssl is not on this host' issuer; fi ;;
        *) unknown "$why" issuer ;;
    esac
}

# network LOGGED: asks all at once. LOGGED is the endpoint that the agent itself names in its log: the truth,
# whatever the files say.
network() {
    region=$(field region | grep -E "$REGION") service=codedeploy-commands named='the yml' said=''
    if [ "$IDENTITY_HURDLE" = missing ]; then # on EC2 there is no yml, and the agent asks instance metadata
        said=$(PROXY=$(variable http_proxy) NO_PROXY=$(variable no_proxy) && metadata)
        region=$(column_of "$(printf '%s\n' "$said" | cut -f 2-)" imds_region 3 | grep -E "$REGION")
        if [ -n "$region" ]; then named='instance metadata'; fi
    fi
    if is_on enable_auth_policy; then service=$service-secure; fi
    if is_on use_fips_mode; then service=$service-fips; fi
    url=$(setting deploy_control_endpoint) by=$CONFIG
    if [ -z "$url" ]; then url=https://$service.$region.$(domain "$region") by=$named; fi
    if [ -n "$1" ]; then url=$1 by='its log'; fi
    s3=$(setting s3_endpoint_override)
    PROXY=$(setting proxy_uri) NO_PROXY='' VIA=proxy start=''
    case $LINE:$PROXY in 1.x:http://* | 1.x:https://*) ;; 1.x:*) PROXY='' ;; esac # no scheme: agent 1.x ignores it
    if [ -z "$PROXY" ]; then VIA=direct start=$(variable http_proxy); fi
    if [ -z "$PROXY" ] && [ "$LINE" = 2.x ]; then
        PROXY=$(variable https_proxy)
        PROXY=${PROXY:-$(variable all_proxy)} NO_PROXY=$(variable no_proxy)
        if [ -n "$PROXY" ]; then VIA=environment; fi
    fi
    said=$(
        endpoint endpoint_commands "$url" "$by" &
        endpoint endpoint_s3 "${s3:-https://aws-codedeploy-$region.s3.$region.$(domain "$region")}" '' &
        PROXY=$start NO_PROXY=$(variable no_proxy) VIA=environment
        if [ -n "$start" ] && [ "$LINE" = 1.x ]; then endpoint endpoint_start "$url" "$by" &
        else
            AT=endpoint_start
            for name in url via address status date issuer; do text $name '' 'it goes as the polls do'; done
        fi
        PROXY=$(variable http_proxy)
        if [ -n "$said" ]; then printf '%s\n' "$said"; else metadata & fi
        wait
    )
    for AT in endpoint_commands endpoint_start endpoint_s3 network; do # facts of a section stay together
        printf '%s\n' "$said" | awk -F '\t' -v at=$AT '$1 == at'
    done
}

# metadata: what the agent meets at 169.254.169.254. As agent 1.2.1 and later it asks for a token (IMDSv2), and without
# one where none is given. The token is on no command line.
metadata() {
    AT=network base=http://169.254.169.254/latest
    set -- imds_answers imds_token imds_status imds_region
    if [ "${PROBE_NETWORK:-1}" = 0 ]; then unknown 'not asked: PROBE_NETWORK=0' "$@" && return
    elif ! has curl; then unknown 'curl is not on this host' "$@" && return; fi
    if said=$(ask 4 $base/meta-data); then
        fact imds_answers json true
        status=$(answered) header=$(token)
        if [ -z "$header" ]; then text imds_token '' 'it gives none'
        else
            if [ "$status" = 401 ]; then text imds_token required; else text imds_token offered; fi
            if said=$(printf %s "$header" | ask 2 $base/meta-data /dev/null -K -); then status=$(answered); fi
        fi
        number imds_status "$status"
        case $status in
            2*) region=$(printf %s "$header" | ask 2 $base/dynamic/instance-identity/document - -K - | head -c 8192 |
                tr -d '\000\r' | sed -n 's/.*"region" *: *"\([a-z0-9-]*\)".*/\1/p' | first)
                text imds_region "$region" ;;
            *) text imds_region '' "status $status" ;;
        esac
        return
    fi
    why=$(complaint | first)
    case $why in # nothing is there, or nothing answers; any other complaint is curl's own
        'curl: (7)'* | 'curl: (28)'*) fact imds_answers json false "$why"
            for name in imds_token imds_status imds_region; do text $name '' "$why"; done ;;
        *) unknown "$why" "$@" ;;
    esac
}
# token: a token of the metadata service as a line of a configuration for curl; nothing where it gives none
token() {
    said=$(ask 2 $base/api/token - -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' | head -c 8192 | tr -d '\000\r')
    case $(answered) in 2*) printf '%s\n' "$said" | tail -n 1 |
        sed -nE 's#^[A-Za-z0-9+/=_-]{1,1024}$#header = "X-aws-ec2-metadata-token: &"#p' ;; esac
}

# mask: secrets by their very text (SECRETS, from the yml and the proxy), then what follows the name of a
# secret, to the end of the line, then what has the form of a key id, a token or the user part of a URL. In a
# fact it leaves alone what the probe itself wrote: a password may be the word "string".
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
            s/\\b(passw(or)?d|passphrase) +(is +)?[^[:space:],;]{4,}/\\1 [masked]/gI
            s/(AWS4-HMAC-SHA256|Bearer|Basic) [^[:space:]]{8,}.*/\\1 [masked]/g
            s/(gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-)[A-Za-z0-9_-]{8,}/\\1[masked]/g
            s/eyJ[A-Za-z0-9_-]{6,}\\.[A-Za-z0-9_-]{4,}(\\.[A-Za-z0-9_-]*)?/[masked]/g
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

# log_obstacle PATH: as obstacle; and a link is followed only to a file of the same directory
log_obstacle() (
    hurdle=$(obstacle "$1")
    if [ -z "$hurdle" ] && [ -L "$ROOT$1" ]; then
        place=$(real "$ROOT$1") folder=$(real "$ROOT${1%/*}/.")
        [ "${place%/*}/." = "$folder" ] || hurdle="$1 is a link to another directory, so it is not read"
    fi
    echo "$hurdle"
)

# rotated PATH: the newest of the files to which the agent has moved its log, PROGRAM.YYYYMMDD[.N].log
rotated() (
    newest=''
    for path in "$ROOT${1%.log}".[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]*.log; do
        [ -z "$(log_obstacle "${path#"$ROOT"}")" ] || continue
        if [ -z "$newest" ] || ! [ "$newest" -nt "$path" ]; then newest=$path; fi
    done
    echo "$newest"
)

# window PATH: the newest bytes of the log, back into the newest rotated file where the log itself is short. The
# first line of a cut file is dropped: it may begin in the middle of a secret, where no rule would know it.
window() {
    size=$(stat -L -c %s "$ROOT$1" 2>/dev/null || wc -c <"$ROOT$1")
    rest=$((WINDOW - size))
    if [ -n "$OLDER" ] && [ $rest -gt 0 ]; then
        if [ "$(wc -c <"$OLDER")" -gt $rest ]; then from=2; else from=1; fi
        tail -c $rest "$OLDER" | tail -n +$from
    fi
    if [ $rest -lt 0 ]; then from=2; else from=1; fi
    tail -c $WINDOW "$ROOT$1" | tail -n +$from
}

# heads: of the log on standard input the lines that begin an entry, without what good polls and ordinary work
# leave, at most three that differ in numbers only; then what was counted
heads() {
    tr -d '\000\r' | tr '\t' ' ' | awk '
        !/^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9][T ][0-9][0-9]:[0-9][0-9]:[0-9][0-9]/ { next }
        {
            $0 = substr($0, 1, 4000); entries++
            if (entries == 1) since = substr($0, 1, 19)
            what = substr($0, 20)
        }
        what ~ /^[^[]* (ERROR|FATAL) / { errors++ }
        /\[Aws::CodeDeployCommand[A-Za-z]*::Client 200 .*\] poll_host_command\(/ || /PollHostCommand: Host Command = +nil/ {
            polls++; polled = $0; poll_at = NR; next
        }
        /Version file found in / || /Client 200 .*\] (put_host_command_acknowledgement|get_deployment_specification)\(/ { next }
        what ~ /^ +DEBUG / && !/CodeDeployControl: #</ { next }
        what ~ /(Sleeping [0-9]+ seconds|Lifecycle event [A-Za-z]+ is a noop)/ { next }
        {
            gsub(/[0-9]+/, "0", what); what = substr(what, 1, 300)
            line[++kept] = $0; kind[kept] = what; at[kept] = NR; alike[what]++
        }
        END {
            for (i = 1; i <= kept; i++) {
                if (poll_at && at[i] > poll_at) { print "line\t" polled; poll_at = 0 }
                if (alike[kind[i]]-- <= 3) print "line\t" line[i]
            }
            if (poll_at) print "line\t" polled
            print "counts\t" entries + 0 "\t" errors + 0 "\t" polls + 0 "\t" since
        }'
}

# log HURDLE FILES HEADS: the facts of what was read of the log
log() {
    AT=log
    if [ -n "$1" ]; then unknown "$1" lines entries errors polls since files && return; fi
    counts=$(printf '%s\n' "$3" | sed -n 's/^counts\t//p')
    number entries "$(printf '%s\n' "$counts" | cut -f 1)"
    number errors "$(printf '%s\n' "$counts" | cut -f 2)"
    number polls "$(printf '%s\n' "$counts" | cut -f 3)"
    text since "$(printf '%s\n' "$counts" | cut -f 4)"
    printf '%s\n' "$2" | entries files ''
    fact lines list ''
    printf '%s\n' "$3" | sed -n 's/^line\t//p' | tail -n 60 | mask | mask_runs | cut -c 1-500 |
        awk '{ print "log\tlines\titem\t" $0 "\t" }'
}

# document TIME: facts to JSON in plain ASCII. It works on bytes, so that no input, UTF-8 or not, can break it.
# Where it grows too long, the oldest lines of the log go first.
document() {
    od -An -v -tu1 | awk -v limit=$LIMIT -v time="$1" '
        function put(c,    s) {
            if (c == 34 || c == 92) s = "\\" sprintf("%c", c)
            else if (c > 31 && c < 127) s = sprintf("%c", c)
            else if (c < 65536) s = sprintf("\\u%04x", c)
            else s = sprintf("\\u%04x\\u%04x", 55296 + int((c - 65536) / 1024), 56320 + (c - 65536) % 1024)
            room = column[1] == "log" && column[3] == "item" ? 3000 : length(text) > 15000 ? 40 : 300
            if (cut || length(cell) + length(s) > room) cut = 1; else cell = cell s
        }
        function cell_ends() { column[++columns] = cell (cut ? "\\u2026" : ""); cell = ""; cut = 0 }
        function fact_ends(    value) {
            value = column[4]; kind = column[3]
            if (kind == "item" && column[1] == "log" && column[2] == "lines") { line[++lines] = value; size += length(value) + 3 }
            else if (kind == "item") {
                if (length(text) < 17000) {
                    text = substr(text, 1, open - 1) (items++ ? "," : "") "\"" value "\"" substr(text, open)
                    open += length(value) + 2 + (items > 1)
                }
            } else {
                if (kind == "words") {
                    gsub(/^ +| +$/, "", value); gsub(/ +/, "\",\"", value)
                    if (value) value = "\"" value "\""
                }
                if (kind == "words" || kind == "list") value = "[" value "]"
                if (kind == "string" || kind == "error") value = "\"" value "\""
                text = text (column[1] == section ? "," : (section ? "}," : "") "\"" column[1] "\":{")
                text = text "\"" column[2] "\":{\"" (kind == "error" ? "error" : "value") "\":" value
                if (kind == "list") { open = length(text); items = 0 }
                if (kind == "list" && column[1] == "log" && column[2] == "lines") list_at = length(text)
                text = text (column[5] ? ",\"by\":\"" column[5] "\"" : "") "}"
                section = column[1]
            }
            columns = 0; column[1] = column[3] = column[5] = ""
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
            print "{\"schema\":2,\"collected_at\":\"" time "\"," text "},\"complete\":true}"
        }'
}

main() {
    for tool in awk cut date grep head id od sed tail tr wc; do
        has $tool && continue
        printf '{"schema":2,"failed":"%s is not on this host","complete":true}\n' $tool
        exit 1
    done
    SOON=''
    if has timeout; then SOON='timeout 5'; fi
    now=$(date -u +%s)
    CONFIG=/etc/codedeploy-agent/conf/codedeployagent.yml
    if ! [ -f "$ROOT$CONFIG" ] && [ -f "$ROOT/opt/codedeploy-agent/conf/codedeployagent.yml" ]; then
        CONFIG=/opt/codedeploy-agent/conf/codedeployagent.yml # agent 1.x takes it instead
    fi
    load $CONFIG
    AGENT=$LOADED CONFIG_HURDLE=$HURDLE
    path=$(setting on_premises_config_file)
    path=${path:-/etc/codedeploy-agent/conf/codedeploy.onpremises.yml}
    load "$path"
    IDENTITY=$LOADED IDENTITY_HURDLE=$HURDLE
    logs=$(setting log_dir) root=$(setting root_dir)
    PROGRAM=$(setting program_name) logs=${logs:-/var/log/aws/codedeploy-agent} root=${root:-/opt/codedeploy-agent/deployment-root}
    PROGRAM=${PROGRAM:-codedeploy-agent} logs=$(absolute "${logs%/}") root=$(absolute "${root%/}")
    journal=$logs/$PROGRAM.log
    SHOWN=''
    if has systemctl; then SHOWN=$($SOON systemctl show -p $UNIT codedeploy-agent 2>/dev/null | tr -d '\000'); fi
    # what must not be printed is taken from the yml even where it is not plain
    SECRETS=$(setting proxy_uri | sed -nE 's#^([A-Za-z0-9]+://)?(.*)@.*#\2#p')
    SECRETS="${SECRETS#*:}
$SECRETS
$([ -n "$(obstacle "$path")" ] || tr -d '\000\r' <"$ROOT$path" |
        sed -nE "s/.*aws_(access_key_id|secret_access_key)[\"']? *: *[\"']?([^\"' ,}]*).*/\\2/p")"
    NO_LOG=$(log_obstacle "$journal") OLDER=$(rotated "$journal") heads='' files=''
    if [ -z "$NO_LOG" ]; then
        heads=$(window "$journal" | heads) files="$journal
${OLDER#"$ROOT"}"
    fi
    {
        host
        agent
        unit
        config | mask_runs
        identity
        file config_file $CONFIG
        file identity_file "$path"
        file credentials_file "$(field aws_credentials_file)"
        file log_file "$journal" 6
        file wire_log "$logs/$PROGRAM.aws_wire.log"
        file root_credentials /root/.aws/credentials
        folder root_folder "$root"
        folder log_folder "$logs"
        folder temporary_folder /tmp
        deployments "$root" "$now"
        hook_log "$root" "$journal"
        revisions "$root" | mask_runs
        tools
        network "$(printf '%s\n' "$heads" | sed -nE 's/.*CodeDeploy (endpoint: |command client configured endpoint=)(https?:[^ ]*).*/\2/p' | tail -n 1)"
        AT=clock
        number epoch "$(date -u +%s)" # close to when the endpoints said theirs
        text offset "$(date +%z)"
        log "$NO_LOG" "$files" "$heads"
    } | mask | document "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
}
main </dev/null # standard input may be the script itself
