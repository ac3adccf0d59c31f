#!/usr/bin/env bash
# The real server on the shipped recording: trades, survives kill -9 five times, keeps its stops, refuses a second one, ends politely.
#
#   demo.sh [PROGRAM]      default: build/breakout
#
# Takes about a minute. Exit 0 when everything holds.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/support/no_settings.sh
. "$ROOT/tests/support/no_settings.sh"
PROGRAM=$(realpath "${1:-$ROOT/build/breakout}")
DIR=$(mktemp -d)
PORT=$((20000 + RANDOM % 20000))
SERVER=

cleanup() {
    [ -z "$SERVER" ] || kill -9 "$SERVER" 2>/dev/null || true
    rm -rf "$DIR"
}
trap cleanup EXIT

fail() {
    echo "demo: $*" >&2
    tail -n 15 "$DIR/logs/breakout.log" >&2 2>/dev/null || true
    cat "$DIR/out.txt" >&2 2>/dev/null || true
    exit 1
}

ln -s "$ROOT/recordings" "$ROOT/presets" "$DIR/"
cat >"$DIR/.env" <<SETTINGS
FEED=demo
AUTOSTART=paper
PORT=$PORT
BREAKOUT_URL=http://127.0.0.1:$PORT
LOG_CONSOLE=off
DEMO_SPEED=1200
SETTINGS
chmod 600 "$DIR/.env"
cd "$DIR"

json() { # json EXPRESSION: reads a document from standard input, prints the value
    jq -r "$1"
}

start() {
    "$PROGRAM" serve >out.txt 2>&1 &
    SERVER=$!
    for _ in $(seq 100); do
        "$PROGRAM" ctl live >/dev/null 2>&1 && return 0
        kill -0 "$SERVER" 2>/dev/null || fail "the server did not start"
        sleep 0.2
    done
    fail "no answer after 20 s"
}

kill_hard() {
    kill -9 "$SERVER"
    wait "$SERVER" 2>/dev/null || true
    SERVER=
}

# Every open position has a confirmed stop order at the venue.
check_stops() {
    local open unprotected
    open=$("$PROGRAM" positions --json)
    unprotected=$(json '[.items[] | select(.protected | not)] | length' <<<"$open")
    [ "$unprotected" = 0 ] || fail "$unprotected open positions have no stop: $open"
}

# At this pace images of the engine, 9 MiB each, are made all the time: more than a demo at its usual pace ever holds.
largest=0
check_memory() {
    local resident
    resident=$(awk '/^VmRSS/ { print $2 }' "/proc/$SERVER/status")
    [ "$resident" -lt $((64 * 1024)) ] || fail "$resident KiB are resident: more than 64 MiB"
    [ "$resident" -le "$largest" ] || largest=$resident
}

# A verb of this program: 0 when it has it.
has_verb() {
    "$PROGRAM" "$1" --help >/dev/null 2>&1
}

start
[ "$("$PROGRAM" status --json | json .demo)" = true ] || fail "the status does not say that this is a demo"
"$PROGRAM" serve --port $((PORT + 1)) >second.txt 2>&1 && fail "a second server on one data folder was not refused"
grep -q "pid $SERVER" second.txt || fail "the refusal does not name the process: $(cat second.txt)"

for _ in $(seq 60); do
    trades=$("$PROGRAM" ctl trades --json | json .total)
    [ "$trades" -lt 3 ] || break
    sleep 0.5
done
[ "$trades" -ge 3 ] || fail "only $trades trades after 30 s"

for round in 1 2 3 4 5; do
    before=$("$PROGRAM" ctl trades --json | json .total)
    check_memory
    kill_hard
    if has_verb db; then
        "$PROGRAM" db verify >verify.txt 2>&1 || fail "db verify after kill $round: $(cat verify.txt)"
    fi
    start
    check_stops
    after=$("$PROGRAM" ctl trades --json | json .total)
    [ "$after" -ge "$before" ] || fail "kill $round lost trades: $before before, $after after"
    sleep "0.$((RANDOM % 9 + 1))"
done
grep -q '"replay_differs"\|"answer_differs"' logs/breakout.log && fail "a restart came out differently"

session=$("$PROGRAM" status --json | json .session_id)
kill -TERM "$SERVER"
code=0
wait "$SERVER" || code=$?
SERVER=
[ "$code" = 0 ] || fail "SIGTERM ended with $code"
if has_verb replay; then
    "$PROGRAM" replay "$session" --verify >replay.txt 2>&1 || fail "replay --verify $session: $(cat replay.txt)"
fi
echo "demo: $after trades, five kills, all stops in place, $((largest / 1024)) MiB resident at most"
