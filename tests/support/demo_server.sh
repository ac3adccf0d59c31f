# shellcheck shell=bash
# A real server on the shipped recording at high speed, in a folder of its own, that is killed and started again. Sourced by tests that have set ROOT
# and NAME; they call demo_make first. What fails ends the test with the newest lines of the log.

# shellcheck source=tests/support/no_settings.sh
. "$ROOT/tests/support/no_settings.sh"
DIR=$(mktemp -d)
PORT=$((20000 + RANDOM % 20000))
SERVER=

demo_cleanup() {
    [ -z "$SERVER" ] || kill -9 "$SERVER" 2>/dev/null || true
    rm -rf "$DIR"
}
trap demo_cleanup EXIT

fail() {
    echo "${NAME:?}: $*" >&2
    tail -n 15 "$DIR/logs/breakout.log" >&2 2>/dev/null || true
    cat "$DIR/out.txt" >&2 2>/dev/null || true
    exit 1
}

# demo_make PROGRAM: settings and markets in DIR, which becomes the working folder.
demo_make() {
    PROGRAM=$(realpath "$1")
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
    cd "$DIR" || exit 1
}

json() { # json EXPRESSION: reads a document from standard input, prints the value
    jq -r "$1"
}

launch() {
    "$PROGRAM" serve >out.txt 2>&1 &
    SERVER=$!
}

start() {
    launch
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

stop_politely() {
    local code=0
    kill -TERM "$SERVER"
    wait "$SERVER" || code=$?
    SERVER=
    [ "$code" = 0 ] || fail "SIGTERM ended with $code"
}

# trades_after COUNT: waits until there are so many, at most 30 s; prints how many there are.
trades_after() {
    local trades=0
    for _ in $(seq 60); do
        trades=$("$PROGRAM" ctl trades --json | json .total)
        [ "$trades" -lt "$1" ] || break
        sleep 0.5
    done
    printf '%s\n' "$trades"
}

# Every open position has a confirmed stop order at the venue.
check_stops() {
    local open unprotected
    open=$("$PROGRAM" positions --json)
    unprotected=$(json '[.items[] | select(.protected | not)] | length' <<<"$open")
    [ "$unprotected" = 0 ] || fail "$unprotected open positions have no stop: $open"
}

# Journal and database of a server that is not there.
check_stores() {
    "$PROGRAM" db verify >verify.txt 2>&1 || fail "db verify $1: $(cat verify.txt)"
}
