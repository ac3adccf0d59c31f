#!/usr/bin/env bash
# Tells how Breakout Bot is doing: health, engine, open positions; of processes of start.sh as of containers of deploy.sh.
#
#   ./status.sh [-v] [--json] [--no-color] [-h|--help]
#
#   -v, --verbose    also the last log lines, processes or containers, and disk use
#   --json           one object: code, health, engine, positions
#
# Exit codes: 0 running and healthy, 1 running but not healthy, 3 not running, 64 wrong usage.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib.sh
. "$ROOT/scripts/lib.sh"
NAME=status
# shellcheck source=scripts/ops.sh
. "$ROOT/scripts/ops.sh"

is_verbose=0
while [ $# -gt 0 ]; do
    case $1 in
    -v | --verbose) is_verbose=1 ;;
    -h | --help)
        usage_of "$ROOT/status.sh"
        exit 0
        ;;
    *) ops_option "$1" || unknown "$ROOT/status.sh" "$1" ;;
    esac
    shift
done

API=breakout-bot-api
is_container=0

# ask WORDS...: what the server says to `breakout ctl WORDS`; a failure of it shows, but does not end us.
ask() {
    if [ "$is_container" -eq 1 ]; then
        docker exec "$API" breakout ctl "$@" 2>&1 || true
    else
        BREAKOUT_URL=$url "$PROGRAM" ctl "$@" 2>&1 || true
    fi
}

# json_of WORDS...: the same as one JSON value, null when there is none.
json_of() {
    local text
    text=$(ask "$@" --json)
    case $text in '{'* | '['*) printf '%s' "$text" ;; *) printf null ;; esac
}

show_details() {
    say ""
    if [ "$is_container" -eq 1 ]; then
        say "containers"
        docker ps --all --filter name=^breakout-bot- --format 'table {{.Names}}\t{{.Status}}\t{{.Ports}}'
        docker ps --quiet --filter name=^breakout-bot- | xargs -r docker stats --no-stream --format 'table {{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.PIDs}}' || true
    else
        say "processes"
        ps -o pid,etimes,rss,pcpu,args -p "$(paste -sd, <<<"$supervisor"$'\n'"$server" | sed 's/^,//; s/,$//')" 2>/dev/null || true
    fi
    say ""
    say "disk"
    (cd "$ROOT" && du -sh data logs reports backups 2>/dev/null) || true
    say ""
    show_last_log_lines 10
}

# The digits of the answer to /api/health, from inside the container where the port may not be published.
health_code() {
    if [ "$is_container" -eq 0 ]; then
        http_code "$url/api/health"
    elif docker exec "$API" breakout ctl health >/dev/null 2>&1; then
        echo 200
    elif docker exec "$API" breakout ctl live >/dev/null 2>&1; then
        echo 503
    else
        echo 000
    fi
}

supervisor=$(pid_of supervisor || true)
server=$(pid_of breakout || true)
port=$(port_in_use_by_us)
url=$(server_url "$port")
where="at $url (PID ${server:-none, being restarted})"
if [ -z "$supervisor$server" ]; then
    if ! command -v docker >/dev/null || ! is_up "$API"; then
        last_message='not running'
        say "not running; ./start.sh or ./deploy.sh starts it"
        exit 3
    fi
    is_container=1
    where="in the container $API ($(health_of "$API"))"
fi

cd "$ROOT"
code=$(health_code)
result=1
case $code in
200)
    result=0
    last_message="healthy $where"
    good "server     $last_message"
    ;;
000)
    last_message="no answer $where"
    warn "server     $last_message"
    ;;
*)
    last_message="not healthy $where"
    warn "server     $last_message: $(ask health)"
    ;;
esac
if [ "$is_container" -eq 0 ] && [ -z "$supervisor" ]; then warn "supervisor gone: the server will not be restarted; ./start.sh restores it"; fi
if [ "$is_json" -eq 1 ]; then
    if [ "$code" = 000 ]; then
        result_extra=',"health":null,"engine":null,"positions":null'
    else
        result_extra=",\"health\":$(json_of health),\"engine\":$(json_of status),\"positions\":$(json_of positions)"
    fi
    exit "$result"
fi
if [ "$(setting FEED '')" = demo ]; then
    say "feed       DEMO, a recorded real market"
fi
[ -n "$(setting ALERT_WEBHOOK_URL '')$(setting ALERT_EMAIL '')$(setting ALERT_CHAT_URL '')" ] ||
    say "alerts     no receiver configured (ALERT_WEBHOOK_URL, ALERT_EMAIL, ALERT_CHAT_URL)"
if [ "$code" != 000 ]; then
    say ""
    say "${BOLD}engine${PLAIN}"
    ask status
    say ""
    say "${BOLD}open positions${PLAIN}"
    ask positions
fi
[ "$is_verbose" -eq 0 ] || show_details
exit "$result"
