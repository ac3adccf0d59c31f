#!/usr/bin/env bash
# The interface in headless Chromium on the running demo: size of the first load, first paint, frames, heap. See bench_ui.mjs.
#
#   bench_ui.sh [PROGRAM]      default: build/breakout; BENCH_UI_MINUTES: how long the heap is watched (2)
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PROGRAM=$(realpath "${1:-$ROOT/build/breakout}")
PORT=8139
CHROMIUM=${CHROMIUM:-/usr/bin/chromium}

skip() {
    echo "interface                                    not measured: $*"
    exit 0
}

command -v node >/dev/null || skip "node is not installed"
[ -x "$CHROMIUM" ] || skip "$CHROMIUM is not installed"
[ -f "$ROOT/frontend/dist/index.html" ] || skip "frontend/dist is not built"
[ -d "$ROOT/frontend/node_modules/playwright-core" ] || skip "frontend/node_modules is not installed"

DIR=$(mktemp -d)
SERVER=
cleanup() {
    [ -z "$SERVER" ] || kill "$SERVER" 2>/dev/null || true
    [ -z "$SERVER" ] || wait "$SERVER" 2>/dev/null || true
    rm -rf "$DIR"
}
trap cleanup EXIT

# Five times the usual pace, so that about 60 messages a second reach the page.
(cd "$ROOT" && exec env -i PATH="$PATH" DATA_DIR="$DIR/data" LOG_DIR="$DIR/logs" REPORTS_DIR="$DIR/reports" DATABASE_URL="sqlite:///$DIR/data/b.db" \
    PORT="$PORT" UI_PORT=0 UI_DIR="$ROOT/frontend/dist" FEED=demo AUTOSTART=paper DEMO_SPEED=300 LOG_CONSOLE=off AUTH_ENABLED=false \
    "$PROGRAM" serve >"$DIR/out.txt" 2>&1) &
SERVER=$!
for _ in $(seq 100); do
    curl -sf "http://127.0.0.1:$PORT/api/live" >/dev/null && break
    sleep 0.2
done
curl -sf "http://127.0.0.1:$PORT/api/live" >/dev/null || skip "$PROGRAM does not start here"
CHROMIUM=$CHROMIUM node "$ROOT/tests/bench/bench_ui.mjs" "$ROOT/frontend" "http://127.0.0.1:$PORT"
