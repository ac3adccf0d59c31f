#!/usr/bin/env bash
# Tells how Breakout Bot is doing: health, engine, open positions.
#
#   ./status.sh [-v] [-h|--help]
#
#   -v    also the last log lines, processes and disk use
#
# Exit codes: 0 running and healthy, 1 running but not healthy, 3 not running, 64 wrong usage.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib.sh
. "$ROOT/scripts/lib.sh"

is_verbose=0
while [ $# -gt 0 ]; do
    case $1 in
    -v | --verbose) is_verbose=1 ;;
    -h | --help)
        usage_of "$ROOT/status.sh"
        exit 0
        ;;
    *) unknown "$ROOT/status.sh" "$1" ;;
    esac
    shift
done

# ask WORDS...: what the server says to `breakout ctl WORDS`; a failure of it shows, but does not end us.
ask() {
    BREAKOUT_URL=$url "$PROGRAM" ctl "$@" 2>&1 || true
}

show_details() {
    say ""
    say "processes"
    ps -o pid,etimes,rss,pcpu,args -p "$(paste -sd, <<<"$supervisor"$'\n'"$server" | sed 's/^,//; s/,$//')" 2>/dev/null || true
    say ""
    say "disk"
    (cd "$ROOT" && du -sh data logs reports 2>/dev/null) || true
    say ""
    show_last_log_lines 10
}

supervisor=$(pid_of supervisor || true)
server=$(pid_of breakout || true)
port=$(port_in_use_by_us)
url=$(server_url "$port")
if [ -z "$supervisor$server" ]; then
    say "not running; ./start.sh starts it"
    exit 3
fi

cd "$ROOT"
code=$(http_code "$url/api/health")
result=1
case $code in
200)
    result=0
    good "server     healthy at $url (PID ${server:-unknown})"
    ;;
000) warn "server     no answer at $url (PID ${server:-none, being restarted})" ;;
*) warn "server     not healthy at $url (PID ${server:-unknown}): $(curl --silent --max-time 5 "$url/api/health" || true)" ;;
esac
[ -n "$supervisor" ] || warn "supervisor gone: the server will not be restarted; ./start.sh restores it"
if [ "$(setting FEED '')" = demo ]; then
    say "feed       DEMO, a recorded real market"
fi
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
