#!/usr/bin/env bash
# Stops what start.sh started: the supervisor, then the server, in good order. No other process is touched.
#
#   ./stop.sh [-h|--help]
#
# Positions are kept: they are in the journal, their stops at the venue, and the next start takes them over. The server gets 20 s
# to end; after that exactly its processes are killed, which the next start repairs from the journal.
# Exit codes: 0 stopped, or nothing was running; 5 a process could not be ended; 64 wrong usage.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib.sh
. "$ROOT/scripts/lib.sh"

case ${1:-} in
'') ;;
-h | --help)
    usage_of "$ROOT/stop.sh"
    exit 0
    ;;
*) unknown "$ROOT/stop.sh" "$1" ;;
esac

remove_pid_files() {
    rm -f "$PIDS/supervisor.pid" "$PIDS/breakout.pid"
    rmdir "$PIDS" 2>/dev/null || true
}

"$ROOT/scripts/front.sh" stop

# The supervisor passes the signal on; a server that lost its supervisor gets it from us.
supervisor=$(pid_of supervisor || true)
server=$(pid_of breakout || true)
ours=()
[ -z "$supervisor" ] || ours+=("$supervisor")
[ -z "$server" ] || ours+=("$server")
if [ "${#ours[@]}" -eq 0 ]; then
    remove_pid_files
    say "not running"
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
good "stopped"
