# shellcheck shell=bash disable=SC2034 # its variables are for those who source it
# What the scripts of the root share: messages, settings, and processes that are known to be ours.
# Sourced, never run. The caller has set ROOT to the folder of the repository.

PIDS=$ROOT/pids
LOGS=$ROOT/logs
PROGRAM=${BREAKOUT_PROGRAM:-$ROOT/build/breakout}

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    GREEN=$'\e[32m' YELLOW=$'\e[33m' RED=$'\e[31m' BOLD=$'\e[1m' PLAIN=$'\e[0m'
else
    GREEN='' YELLOW='' RED='' BOLD='' PLAIN=''
fi

say() { printf '%s\n' "$*"; }
good() { printf '%s%s%s\n' "$GREEN" "$*" "$PLAIN"; }
warn() { printf '%s%s%s\n' "$YELLOW" "$*" "$PLAIN" >&2; }

# fail CODE MESSAGE...: the reason, then out.
fail() {
    local code=$1
    shift
    printf '%s%s%s\n' "$RED" "$*" "$PLAIN" >&2
    last_message=$*
    if [ "$code" -ne 64 ] && declare -F ops_log >/dev/null; then ops_log ERROR "$* (exit code $code)"; fi
    exit "$code"
}

usage_of() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$1"; }

# unknown SCRIPT WORD: out with 64, naming the nearest option of those that the script's own usage has.
unknown() {
    local near
    near=$(usage_of "$1" | grep -oE -e '--[a-z][a-z-]*' | sort -u | awk -v word="$2" '
        function least(a, b, c) { if (b < a) a = b; return c < a ? c : a }
        {
            for (j = 0; j <= length(word); j++) d[0, j] = j
            for (i = 1; i <= length($0); i++) {
                d[i, 0] = i
                for (j = 1; j <= length(word); j++)
                    d[i, j] = least(d[i-1, j] + 1, d[i, j-1] + 1, d[i-1, j-1] + (substr($0, i, 1) != substr(word, j, 1)))
            }
            if (best == "" || d[length($0), length(word)] < far) { best = $0; far = d[length($0), length(word)] }
        }
        END { print best }')
    fail 64 "${1##*/}: unknown argument '$2'; the nearest option is $near, and ${1#"$ROOT"/} --help lists them all"
}

# setting NAME DEFAULT: the environment, else .env, else the default. Quotes and 'export ' as the program reads them.
setting() {
    local name=$1 value=${!1:-}
    if [ -z "$value" ] && [ -f "$ROOT/.env" ]; then
        value=$(sed -nE "s/^[[:space:]]*(export[[:space:]]+)?$name=(.*)\$/\2/p" "$ROOT/.env" | tail -n 1 | sed -E "s/[[:space:]]+#.*\$//; s/[[:space:]]+\$//; s/^'(.*)'\$/\1/; s/^\"(.*)\"\$/\1/")
    fi
    printf '%s\n' "${value:-$2}"
}

# The address at which this machine reaches the server: a server on all addresses answers on loopback.
server_url() {
    local host
    host=$(setting API_HOST 127.0.0.1)
    case $host in
    0.0.0.0 | ::) host=127.0.0.1 ;;
    *:*) host="[$host]" ;;
    esac
    printf 'http://%s:%s\n' "$host" "$1"
}

# http_code URL: the three digits of the answer, 000 when nobody answers.
http_code() {
    curl --silent --output /dev/null --max-time "${2:-5}" --write-out '%{http_code}' "$1" 2>/dev/null || true
}

# The kernel's start time of a process: with it a number used again by another process is not mistaken for ours.
process_started_at() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
    # The name in parentheses may hold blanks; what follows it has the start time as its 20th word.
    # shellcheck disable=SC2086 # split on purpose
    set -- ${stat##*) }
    [ "$1" != Z ] || return 1
    printf '%s\n' "${20}"
}

# pid_of NAME: the live process that pids/NAME.pid speaks of, nothing if there is none or the number belongs to another by now.
pid_of() {
    local pid started_at
    { read -r pid started_at _ <"$PIDS/$1.pid"; } 2>/dev/null || return 1
    [ -n "$pid" ] && [ -n "$started_at" ] && [ "$(process_started_at "$pid")" = "$started_at" ] || return 1
    printf '%s\n' "$pid"
}

# The port the running server was told to use, else the configured one.
port_in_use_by_us() {
    local port=
    { read -r _ _ port <"$PIDS/breakout.pid"; } 2>/dev/null || true
    printf '%s\n' "${port:-$(setting PORT 8000)}"
}

# wait_gone SECONDS PID...: true when all of them have ended in time.
wait_gone() {
    local ticks=$(($1 * 10)) pid alive
    shift
    while :; do
        alive=
        for pid in "$@"; do
            process_started_at "$pid" >/dev/null && alive=$pid
        done
        [ -z "$alive" ] && return 0
        [ "$ticks" -gt 0 ] || return 1
        ticks=$((ticks - 1))
        sleep 0.1
    done
}

# The end of what the server and its supervisor said, for messages about a failure.
show_last_log_lines() {
    local file
    for file in "$LOGS/supervisor.log" "$LOGS/breakout.out" "$(find "$LOGS" -maxdepth 1 -name '*.log' ! -name supervisor.log ! -name build.log ! -name doctor.log -printf '%T@ %p\n' 2>/dev/null | sort -n | tail -n 1 | cut -d' ' -f2-)"; do
        [ -s "$file" ] || continue
        say "--- end of ${file#"$ROOT"/}"
        tail -n "${1:-10}" "$file"
    done
}
