#!/usr/bin/env bash
# Stops what start.sh started: the supervisor, then the server, in good order. No other process is touched.
#
#   ./stop.sh [--close-positions] [--dry-run] [--json] [--no-color] [-h|--help]
#
#   --close-positions    end the session and close its positions at market first; without it they are kept
#   --dry-run            say what would be ended
#
# Positions are kept: they are in the journal, their stops at the venue, and the next start takes them over. The server gets 20 s
# to end; after that exactly its processes are killed, which the next start repairs from the journal.
# Exit codes: 0 stopped, or nothing was running; 5 a process could not be ended; 64 wrong usage.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib.sh
. "$ROOT/scripts/lib.sh"
NAME=stop
# shellcheck source=scripts/ops.sh
. "$ROOT/scripts/ops.sh"

closes=0
while [ $# -gt 0 ]; do
    case $1 in
    --close-positions) closes=1 ;;
    -h | --help)
        usage_of "$ROOT/stop.sh"
        exit 0
        ;;
    *) ops_option "$1" || unknown "$ROOT/stop.sh" "$1" ;;
    esac
    shift
done

remove_pid_files() {
    rm -f "$PIDS/supervisor.pid" "$PIDS/breakout.pid"
    rmdir "$PIDS" 2>/dev/null || true
}

# Waits until nothing is open; what is still open then keeps its stop at the venue.
close_positions() {
    local url ticks=120
    url=$(server_url "$(port_in_use_by_us)")
    cd "$ROOT"
    BREAKOUT_URL=$url "$PROGRAM" ctl stop --close || fail 1 'the positions could not be closed: nothing was stopped'
    while BREAKOUT_URL=$url "$PROGRAM" ctl positions --json 2>/dev/null | grep -q '"position_id"'; do
        [ "$ticks" -gt 0 ] || fail 5 'positions are still open after 60 s, with their stops at the venue: nothing was stopped'
        ticks=$((ticks - 1))
        sleep 0.5
    done
}

# The supervisor passes the signal on; a server that lost its supervisor gets it from us.
supervisor=$(pid_of supervisor || true)
server=$(pid_of breakout || true)
ours=()
[ -z "$supervisor" ] || ours+=("$supervisor")
[ -z "$server" ] || ours+=("$server")
if [ "$is_dry" -eq 1 ]; then end 0 "would end ${ours[*]:-nothing}; nothing was changed (--dry-run)"; fi
if [ "$closes" -eq 1 ] && [ -n "$server" ]; then close_positions; fi
"$ROOT/scripts/front.sh" stop
if [ "${#ours[@]}" -eq 0 ]; then
    remove_pid_files
    last_message='not running'
    say "$last_message"
    exit 0
fi

kill -TERM "${supervisor:-$server}" 2>/dev/null || true
if ! wait_gone 20 "${ours[@]}"; then
    warn "still running after 20 s: killing ${ours[*]}"
    kill -KILL "${ours[@]}" 2>/dev/null || true
    # A server that was started while we read its number.
    server=$(pid_of breakout || true)
    if [ -n "$server" ]; then
        kill -KILL "$server" 2>/dev/null || true
        ours+=("$server")
    fi
    wait_gone 5 "${ours[@]}" || fail 5 "could not end ${ours[*]}"
fi
remove_pid_files
end 0 'stopped'
