#!/usr/bin/env bash
# The real server on the shipped recording: trades, survives kill -9 five times, keeps its stops, refuses a second one, ends politely.
#
#   demo.sh [PROGRAM]      default: build/breakout
#
# Takes about a minute. Exit 0 when everything holds.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
NAME=demo
# shellcheck source=tests/support/demo_server.sh
. "$ROOT/tests/support/demo_server.sh"
demo_make "${1:-$ROOT/build/breakout}"

# At this pace images of the engine, 9 MiB each, are made all the time: more than a demo at its usual pace ever holds.
largest=0
check_memory() {
    local resident
    resident=$(awk '/^VmRSS/ { print $2 }' "/proc/$SERVER/status")
    [ "$resident" -lt $((64 * 1024)) ] || fail "$resident KiB are resident: more than 64 MiB"
    [ "$resident" -le "$largest" ] || largest=$resident
}

start
[ "$("$PROGRAM" status --json | json .demo)" = true ] || fail "the status does not say that this is a demo"
"$PROGRAM" serve --port $((PORT + 1)) >second.txt 2>&1 && fail "a second server on one data folder was not refused"
grep -q "pid $SERVER" second.txt || fail "the refusal does not name the process: $(cat second.txt)"

trades=$(trades_after 3)
[ "$trades" -ge 3 ] || fail "only $trades trades after 30 s"

for round in 1 2 3 4 5; do
    before=$("$PROGRAM" ctl trades --json | json .total)
    check_memory
    kill_hard
    check_stores "after kill $round"
    start
    check_stops
    after=$("$PROGRAM" ctl trades --json | json .total)
    [ "$after" -ge "$before" ] || fail "kill $round lost trades: $before before, $after after"
    sleep "0.$((RANDOM % 9 + 1))"
done
grep -q '"replay_differs"\|"answer_differs"' logs/breakout.log && fail "a restart came out differently"

session=$("$PROGRAM" status --json | json .session_id)
stop_politely
"$PROGRAM" replay "$session" --verify >replay.txt 2>&1 || fail "replay --verify $session: $(cat replay.txt)"
echo "demo: $after trades, five kills, all stops in place, $((largest / 1024)) MiB resident at most"
