#!/usr/bin/env bash
# Keeps `breakout serve` running. Started by start.sh; ended by stop.sh with SIGTERM.
#
#   supervise.sh [--foreground] PORT [arguments of serve...]
#
# Holds a lock on pids/supervisor.pid for as long as it lives, so that there is one at a time. A server that ends without having
# been told to is started again after 1, 2, 4 ... 30 s (1 s again after ten good minutes), and so is one that does not answer
# /api/live three times in a row. On SIGUSR1 it starts the program named in pids/next.program beside the server, to take over from it
# (update.sh); once the server before has ended, the new one is the server. It gives up after 10 ends in 10 minutes, and at once on exit 4: settings don't mend by themselves.
# Exit codes: 0 stopped, 1 given up, 3 another one holds the lock, 4 settings refused.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib.sh
. "$ROOT/scripts/lib.sh"

DELAY_MAX=30
LIVENESS_PAUSE_S=5
ENDS_MAX=10
ENDS_WINDOW_S=600

is_foreground=0
if [ "${1:-}" = --foreground ]; then
    is_foreground=1
    shift
fi
port=$1
shift
export PORT=$port

# Opened for appending: a second supervisor must not empty the file of the first before it has asked for the lock.
exec 9>>"$PIDS/supervisor.pid"
flock -n 9 || exit 3
echo "$$ $(process_started_at $$)" >"$PIDS/supervisor.pid"

log() {
    printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" >>"$LOGS/supervisor.log"
    [ "$is_foreground" -eq 0 ] || printf '%s\n' "$*" >&2
}

child=0
next=0
is_stopping=0
# shellcheck disable=SC2317 # called by the trap
stop() {
    is_stopping=1
    [ "$child" -eq 0 ] || kill -TERM "$child" 2>/dev/null
    [ "$next" -eq 0 ] || kill -TERM "$next" 2>/dev/null
}
trap stop TERM INT HUP

# The successor is our child too: it is watched and started again like any other.
# shellcheck disable=SC2317 # called by the trap
start_next() {
    local program
    program=$(cat "$PIDS/next.program" 2>/dev/null) || return
    LOG_CONSOLE=$(setting LOG_CONSOLE off) "$program" serve --takeover "${serve_arguments[@]}" </dev/null >>"$LOGS/breakout.out" 2>&1 9>&- &
    next=$!
    echo "$next $(process_started_at "$next")" >"$PIDS/next.pid"
    log "started $program as process $next, to take over from process $child"
}
trap start_next USR1

# The server has ended and its successor serves: that is the server from now on.
promote_next() {
    [ "$next" -ne 0 ] && process_started_at "$next" >/dev/null || return 1
    child=$next
    next=0
    rm -f "$PIDS/next.pid"
    echo "$child $(process_started_at "$child") $port" >"$PIDS/breakout.pid"
    log "process $child is the server"
}

# A server may be alive and stuck. It is judged only once it has answered for the first time: recovery may take long.
watch_liveness() {
    local url misses=0 has_answered=0
    url=$(server_url "$port")/api/live
    while sleep "$LIVENESS_PAUSE_S"; do
        if [ "$(http_code "$url" 5)" = 200 ]; then
            has_answered=1
            misses=0
        elif [ "$has_answered" -eq 1 ]; then
            misses=$((misses + 1))
            if [ "$misses" -ge 3 ]; then
                log "no answer from /api/live three times: ending process $1"
                kill -TERM "$1" 2>/dev/null
                wait_gone 20 "$1" || kill -KILL "$1" 2>/dev/null
                return
            fi
        fi
    done
}

# Sets exit_code when the server has ended. A signal to us interrupts `wait`, so it is asked until the process is gone.
run_server() {
    [ "$(stat -c %s "$LOGS/breakout.out" 2>/dev/null || echo 0)" -lt 5000000 ] || mv -f "$LOGS/breakout.out" "$LOGS/breakout.out.1"
    if [ "$is_foreground" -eq 1 ]; then
        "$PROGRAM" serve "$@" </dev/null 9>&- &
    else
        # The program writes its own log files; here go its last words.
        LOG_CONSOLE=$(setting LOG_CONSOLE off) "$PROGRAM" serve "$@" </dev/null >>"$LOGS/breakout.out" 2>&1 9>&- &
    fi
    child=$!
    # The signal may have come between the start and the line above.
    [ "$is_stopping" -eq 0 ] || kill -TERM "$child" 2>/dev/null
    echo "$child $(process_started_at "$child") $port" >"$PIDS/breakout.pid"
    watch_server
    rm -f "$PIDS/breakout.pid"
}

# Until the server has ended and nobody took over from it.
watch_server() {
    local watcher
    while :; do
        watch_liveness "$child" 9>&- </dev/null >/dev/null 2>&1 &
        watcher=$!
        while wait "$child" 2>/dev/null; exit_code=$?; process_started_at "$child" >/dev/null; do
            :
        done
        kill "$watcher" 2>/dev/null
        wait "$watcher" 2>/dev/null
        promote_next || break
        [ "$is_stopping" -eq 0 ] || kill -TERM "$child" 2>/dev/null
    done
    child=0
}

serve_arguments=("$@")
cd "$ROOT" || exit 1
delay=1
ends=()
while [ "$is_stopping" -eq 0 ]; do
    started_at=$SECONDS
    exit_code=0
    run_server "$@"
    [ "$is_stopping" -eq 0 ] || break
    [ "$exit_code" -ne 4 ] || break
    [ $((SECONDS - started_at)) -lt "$ENDS_WINDOW_S" ] || delay=1

    recent=("$SECONDS")
    for end in "${ends[@]}"; do
        [ $((SECONDS - end)) -ge "$ENDS_WINDOW_S" ] || recent+=("$end")
    done
    ends=("${recent[@]}")
    if [ "${#ends[@]}" -ge "$ENDS_MAX" ]; then
        log "the server ended ${#ends[@]} times in $((ENDS_WINDOW_S / 60)) minutes, last with exit code $exit_code: giving up"
        exit_code=1
        break
    fi
    log "the server ended with exit code $exit_code; starting it again in $delay s"
    sleep "$delay" 9>&- &
    wait $!
    delay=$((delay * 2 < DELAY_MAX ? delay * 2 : DELAY_MAX))
done

rm -f "$PIDS/supervisor.pid"
if [ "$is_stopping" -eq 1 ]; then
    log "stopped"
    exit 0
fi
[ "$exit_code" -ne 4 ] || log "the server refused its settings (exit code 4): not started again"
exit "$exit_code"
