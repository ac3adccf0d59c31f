#!/usr/bin/env bash
# nginx as the front of the user interface, when this machine has it. Without it the program serves the interface itself.
#
#   front.sh start PORT UI_PORT    answers on UI_PORT of this machine for the program at PORT
#   front.sh stop
#
# Exit codes: 0 done, 1 nginx is not here or could not start, 64 wrong usage.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib.sh
. "$ROOT/scripts/lib.sh"
PATH=$PATH:/usr/sbin

start() {
    local config=$PIDS/nginx.conf body nginx
    nginx=$(command -v nginx) || return 1
    body=$(setting BODY_LIMIT_BYTES 1048576)
    mkdir -p "$PIDS/nginx-tmp"
    sed -e "s|@ROOT@|$ROOT|g; s|@PORT@|$1|g; s|@UI_PORT@|$2|g; s|@LISTEN@|127.0.0.1|g; s|@BODY@|$body|g" "$ROOT/deploy/nginx/ui.conf" >"$config"
    # A worker of another user could not read a folder that is closed to others.
    [ "$(id -u)" -ne 0 ] || sed -i "1i user root;" "$config"
    "$nginx" -q -p "$PIDS" -e "$LOGS/nginx.log" -c "$config" >"$LOGS/front.log" 2>&1 || return 1
    echo "$(cat "$PIDS/nginx.run") $(process_started_at "$(cat "$PIDS/nginx.run")")" >"$PIDS/nginx.pid"
}

stop() {
    local front
    front=$(pid_of nginx || true)
    if [ -n "$front" ]; then
        kill -QUIT "$front" 2>/dev/null || true
        wait_gone 5 "$front" || kill -TERM "$front" 2>/dev/null || true
    fi
    rm -rf "$PIDS/nginx.pid" "$PIDS/nginx.conf" "$PIDS/nginx.run" "$PIDS/nginx-tmp"
}

case ${1:-} in
start)
    [ $# -eq 3 ] || exit 64
    start "$2" "$3"
    ;;
stop) stop ;;
*)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"
    [ "${1:-}" = --help ] || exit 64
    ;;
esac
