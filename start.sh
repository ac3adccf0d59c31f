#!/usr/bin/env bash
# Starts Breakout Bot on this machine: installs what is missing, builds, starts the server and keeps it running.
#
#   ./start.sh [start|stop|restart|status|logs] [options]
#
#   --demo           play the shipped recording of a real market, whatever .env says
#   --preset NAME    start a paper session with this preset
#   --port N         listen on this port (default: PORT of .env, else 8000)
#   --timeout S      seconds to wait for the server to become healthy (default 60)
#   --foreground     stay in the foreground; Ctrl-C stops everything
#   --no-ui          without the user interface
#   --build-only     install what is missing and build; start nothing
#   --dry-run        say what would be done; nothing is changed
#   --json, --no-color, -h, --help
#
# The first start writes .env from .env.example with the demo switched on: no account and no internet are needed to look around.
# Exit codes: 0 running (also if it already was), 1 could not start or the port is taken, 2 packages or build failed,
#             4 settings or integrity check failed, 5 not healthy in time, 64 wrong usage.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib.sh
. "$ROOT/scripts/lib.sh"
NAME=start
# shellcheck source=scripts/ops.sh
. "$ROOT/scripts/ops.sh"

verb=start
port=
timeout_s=60
is_foreground=0
is_demo=0
has_ui=1
is_build_only=0
serve_arguments=()
while [ $# -gt 0 ]; do
    case $1 in
    start | stop | restart | status | logs) verb=$1 ;;
    --demo) is_demo=1 ;;
    --preset | --port | --timeout)
        [ $# -ge 2 ] || fail 64 "start.sh: $1 needs a value; see ./start.sh --help"
        case $1 in
        --preset) serve_arguments+=(--preset "$2" --mode paper) ;;
        --port) port=$2 ;;
        --timeout) timeout_s=$2 ;;
        esac
        shift
        ;;
    --foreground) is_foreground=1 ;;
    --no-ui) has_ui=0 ;;
    --build-only) is_build_only=1 ;;
    -h | --help)
        usage_of "$ROOT/start.sh"
        exit 0
        ;;
    *) ops_option "$1" || unknown "$ROOT/start.sh" "$1" ;;
    esac
    shift
done
case $verb in
stop)
    [ "$is_dry" -eq 0 ] || exec "$ROOT/stop.sh" --dry-run
    exec "$ROOT/stop.sh"
    ;;
status) exec "$ROOT/status.sh" ;;
logs) exec tail -n 50 -F "$LOGS"/*.log "$LOGS/breakout.out" ;;
restart) [ "$is_dry" -eq 1 ] || "$ROOT/stop.sh" ;;
esac

is_number() { case $1 in '' | *[!0-9]*) return 1 ;; esac }
is_number "$timeout_s" || fail 64 "start.sh: --timeout must be a number of seconds, not '$timeout_s'"

install_packages() {
    local absent
    absent=$("$ROOT/scripts/packages.sh" missing run build || true)
    [ -n "$absent" ] || return 0
    say "installing $(wc -l <<<"$absent") Debian packages: $(tr '\n' ' ' <<<"$absent")"
    "$ROOT/scripts/packages.sh" install run build || fail 2 "the packages could not be installed; nothing was started"
}

make_folders() {
    local folder
    for folder in data logs reports pids; do
        if ! mkdir -p "$ROOT/$folder" 2>/dev/null || [ ! -w "$ROOT/$folder" ]; then
            fail 4 "$ROOT/$folder cannot be written: give it to the user $(id -un), or start as its owner"
        fi
    done
    chmod 755 "$ROOT/data" "$ROOT/logs" "$ROOT/reports" "$PIDS" 2>/dev/null || true
}

build() {
    local log=$LOGS/build.log build_pid total
    [ "$PROGRAM" = "$ROOT/build/breakout" ] || return 0
    if make -C "$ROOT" --question all >/dev/null 2>&1; then
        return 0
    fi
    total=$(make -C "$ROOT" --dry-run all 2>/dev/null | grep -c "' CC " || true)
    say "building $total files (log: logs/build.log)"
    make -C "$ROOT" all >"$log" 2>&1 &
    build_pid=$!
    while kill -0 "$build_pid" 2>/dev/null; do
        sleep 1
        if [ -t 1 ]; then
            printf '\r  %d of %d' "$(grep -c '^  CC' "$log" || true)" "$total"
        fi
    done
    if [ -t 1 ]; then
        printf '\r%40s\r' ''
    fi
    if ! wait "$build_pid"; then
        grep -E 'error|Error|No such' "$log" | head -n 20 >&2 || true
        fail 2 "the build failed; all of it is in logs/build.log"
    fi
}

# Beside the program's own build. The API and the command line work without the user interface, so its failure ends nothing.
build_ui() {
    local log=$LOGS/ui.log
    [ "$has_ui" -eq 1 ] || return 0
    if make -C "$ROOT" --question ui >/dev/null 2>&1; then
        return 0
    fi
    say "building the user interface (log: logs/ui.log)"
    { "$ROOT/scripts/node.sh" install && make -C "$ROOT" ui; } >"$log" 2>&1 && return 0
    tail -n 5 "$log" >&2
    warn "the user interface could not be built (all of it is in logs/ui.log); the API and the command line work without it"
}

# put_setting FILE NAME VALUE: replaces the line of the setting, also one that is commented out, or adds it.
put_setting() {
    if grep -qE "^#?[[:space:]]*$2=" "$1"; then
        # The first such line becomes ours, so that a file with an example and a default keeps one.
        sed -i -E "0,/^#?[[:space:]]*$2=.*/s//$2=$3/" "$1"
    else
        printf '%s=%s\n' "$2" "$3" >>"$1"
    fi
}

make_settings() {
    local fresh=$ROOT/.env.$$
    [ ! -e "$ROOT/.env" ] || return 0
    [ -f "$ROOT/.env.example" ] || fail 4 ".env.example is missing from $ROOT: restore it (git checkout .env.example) and start again"
    (
        umask 077
        cp "$ROOT/.env.example" "$fresh"
        put_setting "$fresh" FEED demo
        put_setting "$fresh" AUTOSTART paper
    )
    chmod 600 "$fresh"
    mv "$fresh" "$ROOT/.env"
    say "wrote .env: the demo is on (FEED=demo); edit it to trade on a venue"
}

check_integrity() {
    local code=0
    (cd "$ROOT" && "$PROGRAM" doctor) >"$LOGS/doctor.log" 2>&1 || code=$?
    [ "$code" -eq 0 ] && return 0
    cat "$LOGS/doctor.log" >&2
    fail 4 "the integrity check failed (breakout doctor, exit code $code): mend what it says and start again"
}

check_port() {
    local listener name pid
    listener=$(ss -ltnpH "sport = :$port" 2>/dev/null | head -n 1)
    [ -n "$listener" ] || return 0
    name=$(sed -nE 's/.*users:\(\("([^"]*)".*/\1/p' <<<"$listener")
    pid=$(sed -nE 's/.*pid=([0-9]+).*/\1/p' <<<"$listener")
    fail 1 "port $port is taken by ${name:-a program of another user}${pid:+ (PID $pid)}: end it, or start with ./start.sh --port N"
}

tell_url() { result_extra=",\"url\":$(json_text "$(server_url "$port")"),\"port\":$port"; }

say_already_running() {
    local code
    port=$(port_in_use_by_us)
    code=$(http_code "$(server_url "$port")/api/health")
    tell_url
    end 0 "already running at $(server_url "$port") (health $code); ./status.sh tells more, ./start.sh restart starts afresh"
}

# A server whose supervisor was killed goes on alone. It is ended in good order before a new pair is started.
end_orphan() {
    local orphan
    orphan=$(pid_of breakout) || return 0
    warn "a server without its supervisor is running (PID $orphan): ending it first"
    "$ROOT/stop.sh" >/dev/null
}

# A server that serves and recovered but is short of something (a busy machine, a full disk) has started: it says so itself.
is_up() {
    [ "$code" = 200 ] && return 0
    [ "$code" = 503 ] && [ "$(http_code "$(server_url "$port")/api/ready" 2)" = 200 ] &&
        curl --silent --max-time 2 "$1" | grep -q '"status":"degraded"'
}

wait_healthy() {
    local url supervisor=$1 code=000 waited=0
    url=$(server_url "$port")/api/health
    while [ "$waited" -lt $((timeout_s * 2)) ]; do
        code=$(http_code "$url" 2)
        ! is_up "$url" || break
        if ! process_started_at "$supervisor" >/dev/null; then
            show_last_log_lines 20 >&2
            fail 1 "the server did not start; the reason is above"
        fi
        if [ -t 1 ]; then
            printf '\r  waiting for %s: %s (%d s)' "$url" "$code" $((waited / 2))
        fi
        sleep 0.5
        waited=$((waited + 1))
    done
    if [ -t 1 ]; then
        printf '\r%78s\r' ''
    fi
    [ "$code" != 200 ] || return 0
    if is_up "$url"; then
        warn "started, but not at its best: ./status.sh says what is short"
        return 0
    fi
    show_last_log_lines 20 >&2
    curl --silent --max-time 3 "$url" >&2 || true
    fail 5 "not healthy after $timeout_s s (last answer $code). It keeps trying: ./status.sh shows it, ./stop.sh ends it"
}

say_where() {
    local url
    url=$(server_url "$port")
    if [ "$is_foreground" -eq 1 ]; then
        say "Breakout Bot starts at $url; Ctrl-C ends it"
    else
        good "Breakout Bot is running at $url"
    fi
    if [ "$ui_port" != 0 ] && [ -f "$ROOT/frontend/dist/index.html" ]; then
        good "User interface: http://127.0.0.1:$ui_port"
    fi
    if [ "$(setting FEED '')" = demo ]; then
        say "${YELLOW}This is a DEMO: it trades a recorded real market with paper money. No order leaves this machine.${PLAIN}"
    fi
    # The program's own verbs look for the server where BREAKOUT_URL says.
    [ "$(setting BREAKOUT_URL http://127.0.0.1:8000)" = "$url" ] || say "  export BREAKOUT_URL=$url"
    cat <<TEXT
  ./status.sh                   health, engine, open positions
  build/breakout positions      the same from the program; build/breakout help lists the rest
  build/breakout why SYMBOL     why it did or did not trade
  curl $url/api/health
  ./stop.sh                     end it
TEXT
}

# nginx answers for the interface where it is installed; else the program does, on the same port.
start_front() {
    ui_port=$(setting UI_PORT 3000)
    [ "$has_ui" -eq 1 ] || ui_port=0
    export UI_PORT=$ui_port
    [ -f "$ROOT/frontend/dist/index.html" ] && [ "$ui_port" != 0 ] || return 0
    "$ROOT/scripts/front.sh" stop
    # Who stays running must not hold the descriptor that a caller with --json reads to its end.
    if "$ROOT/scripts/front.sh" start "$port" "$ui_port" 3>&-; then
        # The program leaves the port to it and believes what it says of clients.
        export UI_PORT=0
        export TRUSTED_PROXIES=${TRUSTED_PROXIES:-$(setting TRUSTED_PROXIES 127.0.0.1/32)}
    fi
}

# Once, until somebody has logged in; the link is good for 15 minutes and for one use, and stands in no file.
say_setup_link() {
    local link
    link=$(cd "$ROOT" && UI_PORT=$ui_port "$PROGRAM" token setup --if-new 2>/dev/null) || link=
    [ -z "$link" ] || good "first login: $link (15 minutes, one use; build/breakout token setup makes another)"
}

# What a start would do here, without doing any of it.
say_plan() {
    local absent
    if pid_of supervisor >/dev/null && pid_of breakout >/dev/null; then say_already_running; fi
    absent=$("$ROOT/scripts/packages.sh" missing run build || true)
    [ -z "$absent" ] || note "would install $(wc -l <<<"$absent") Debian packages: $(tr '\n' ' ' <<<"$absent")"
    if [ "$PROGRAM" = "$ROOT/build/breakout" ] && ! make -C "$ROOT" --question all >/dev/null 2>&1; then note 'would build the program'; fi
    [ -e "$ROOT/.env" ] || note 'would write .env from .env.example, with the demo on'
    check_number_of_port
    check_port
    tell_url
    end 0 "would start at $(server_url "$port"); nothing was changed (--dry-run)"
}

check_number_of_port() {
    port=${port:-$(setting PORT 8000)}
    if ! is_number "$port" || [ "$port" -lt 1 ] || [ "$port" -gt 65535 ]; then
        fail 4 "PORT must be a number from 1 to 65535, not '$port'"
    fi
}

[ "$is_dry" -eq 0 ] || say_plan
install_packages
make_folders
# One start at a time; a second one waits and then finds the server running. Nobody we start may inherit the lock.
exec 8<"$PIDS"
flock -w 300 8 || fail 1 "another start is under way for five minutes already"
if [ -e "$PIDS/supervisor.pid" ] && ! flock -n "$PIDS/supervisor.pid" true; then
    say_already_running
fi
build_ui 8<&- &
ui_build=$!
build
wait "$ui_build"
[ "$is_build_only" -eq 0 ] || end 0 "built: ${PROGRAM#"$ROOT"/}"
make_settings
if [ "$is_demo" -eq 1 ]; then
    export FEED=demo AUTOSTART=paper
fi
check_number_of_port
end_orphan
make_folders
check_integrity
check_port
start_front

if [ "$is_foreground" -eq 1 ]; then
    say_where
    exec 8<&-
    exec "$ROOT/scripts/supervise.sh" --foreground "$port" "${serve_arguments[@]}"
fi
setsid "$ROOT/scripts/supervise.sh" "$port" "${serve_arguments[@]}" </dev/null >>"$LOGS/supervisor.log" 2>&1 8<&- 3>&- &
wait_healthy $!
say_where
say_setup_link
tell_url
last_message="running at $(server_url "$port")"
ops_log INFO "$last_message"
