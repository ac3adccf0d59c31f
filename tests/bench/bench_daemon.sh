#!/usr/bin/env bash
# The demo daemon, 16 symbols: from its start to an answer of /api/ready, resident memory, idle CPU; beside a process that only loads the same
# libraries and, where they are installed, redis-server and nginx.
#
#   bench_daemon.sh [PROGRAM]      default: build/breakout; BENCH_DAEMON_SECONDS: how long memory and idle CPU are watched (30)
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PROGRAM=$(realpath "${1:-$ROOT/build/breakout}")
SECONDS_WATCHED=${BENCH_DAEMON_SECONDS:-30}
PORT=${BENCH_DAEMON_PORT:-8140}
STARTS=5
PATHS=(ready positions orders scanner/candidates metrics logs alerts presets instruments openapi.json)

DIR=$(mktemp -d)
SERVER=
cleanup() {
    [ -z "$SERVER" ] || kill "$SERVER" 2>/dev/null || true
    [ -z "$SERVER" ] || wait "$SERVER" 2>/dev/null || true
    rm -rf "$DIR"
}
trap cleanup EXIT

row() { printf '%-58s %10s  %s\n' "$1" "$2" "${3:-}"; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
field_mib() { awk -v name="$2:" '$1 == name { printf "%.1f", $2 / 1024 }' "/proc/$1/status"; }
# User and system time so far, in hundredths of a second on every Linux.
ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }

start() { # SPEED
    # exec: the number is the server's own.
    (cd "$ROOT" && exec env -i PATH="$PATH" DATA_DIR="$DIR/data" LOG_DIR="$DIR/logs" REPORTS_DIR="$DIR/reports" \
        DATABASE_URL="sqlite:///$DIR/data/b.db" PORT="$PORT" UI_PORT=0 UI_DIR="$ROOT/frontend/dist" FEED=demo AUTOSTART=paper DEMO_SPEED="$1" \
        LOG_CONSOLE=off AUTH_ENABLED=false "$PROGRAM" serve >"$DIR/out.txt" 2>&1) &
    SERVER=$!
}
is_ready() { curl -sf -o "$DIR/ready.json" "http://127.0.0.1:$PORT/api/ready"; }
# Milliseconds until /api/ready says yes; it is asked every 10 ms.
ready_ms() {
    local begin
    begin=$(now_ms)
    start "$1"
    until is_ready; do
        if ! kill -0 "$SERVER" 2>/dev/null || [ $(($(now_ms) - begin)) -gt 20000 ]; then
            echo "bench_daemon: $PROGRAM does not start here: $(tail -n 3 "$DIR/out.txt")" >&2
            exit 1
        fi
        sleep 0.01
    done
    READY=$(($(now_ms) - begin))
}
stop() { # SIGNAL
    kill "-$1" "$SERVER"
    wait "$SERVER" 2>/dev/null || true
    SERVER=
}

fresh=()
killed=()
for _ in $(seq "$STARTS"); do
    rm -rf "$DIR/data"
    ready_ms 60
    fresh+=("$READY")
    sleep 4 # the warm-up of three days is in the journal
    stop KILL
    ready_ms 60
    killed+=("$READY")
    stop TERM
done
printf '\ndemo daemon, 16 symbols, from start to /api/ready (medians of %d)\n' "$STARTS"
row "empty folder: recording parsed, database made" "$(printf '%s\n' "${fresh[@]}" | median) ms"
row "after a kill: snapshot, journal, parsed rows" "$(printf '%s\n' "${killed[@]}" | median) ms" \
    "journal $(du -sk "$DIR/data/journal" | cut -f 1) kB"

largest=0
ready_ms 60
end=$(($(now_ms) + SECONDS_WATCHED * 1000))
reads=0
while [ "$(now_ms)" -lt "$end" ]; do
    for path in "${PATHS[@]}"; do
        curl -s -o "$DIR/body" "http://127.0.0.1:$PORT/api/$path" || true
        reads=$((reads + 1))
        kib=$(awk '/^VmRSS/ { print $2 }' "/proc/$SERVER/status")
        [ "$kib" -le "$largest" ] || largest=$kib
    done
done
printf '\nresident memory\n'
row "demo at 60x, $SECONDS_WATCHED s, $reads reads of the API: largest seen" "$(awk -v k="$largest" 'BEGIN { printf "%.1f", k / 1024 }') MiB"
row "  at the end" "$(field_mib "$SERVER" VmRSS) MiB" "of it files $(field_mib "$SERVER" RssFile) MiB, heap and stacks $(field_mib "$SERVER" RssAnon) MiB"
stop TERM

ready_ms 1
sleep 5
begin=$(ticks "$SERVER")
sleep "$SECONDS_WATCHED"
spent=$(($(ticks "$SERVER") - begin))
idle_mib=$(field_mib "$SERVER" VmRSS)
stop TERM
row "demo at 1x" "$idle_mib MiB"

LD_PRELOAD=$(ldd "$PROGRAM" | awk '$3 ~ /^\// { printf "%s ", $3 }') sleep 5 &
SERVER=$!
sleep 1
row "a process that loads the same libraries and sleeps" "$(field_mib "$SERVER" VmRSS) MiB"
stop TERM
if command -v redis-server >/dev/null; then
    redis-server --port 0 --unixsocket "$DIR/redis.sock" --save '' --daemonize no >/dev/null &
    SERVER=$!
    sleep 1
    row "redis-server, empty" "$(field_mib "$SERVER" VmRSS) MiB"
    stop TERM
fi
if command -v nginx >/dev/null; then
    printf 'daemon off; master_process off; pid %s/nginx.pid; error_log /dev/null; events {} http { access_log off; server { listen unix:%s/nginx.sock; } }\n' \
        "$DIR" "$DIR" >"$DIR/nginx.conf"
    nginx -c "$DIR/nginx.conf" 2>/dev/null &
    SERVER=$!
    sleep 1
    row "nginx, one process, no site" "$(field_mib "$SERVER" VmRSS) MiB"
    stop TERM
fi

printf '\nidle CPU\n'
row "demo at 1x, $SECONDS_WATCHED s, of one core" "$(awk -v t="$spent" -v s="$SECONDS_WATCHED" 'BEGIN { printf "%.2f", t / s }') %"
