# shellcheck shell=bash disable=SC2034,SC2154 # variables of update.sh
# update.sh for an installation by start.sh: the successor is a process beside the running one, started by the same supervisor. Sourced by update.sh.

supervisor=$(pid_of supervisor)
old=$(pid_of breakout)
next=
api_url=$(server_url "$(port_in_use_by_us)")
data_dir=$(setting DATA_DIR ./data)
case $data_dir in /*) ;; *) data_dir=$ROOT/$data_dir ;; esac

ctl() { (cd "$ROOT" && BREAKOUT_URL=$api_url "$PROGRAM" ctl "$@"); }
serving_pid() { cut -d' ' -f1 "$data_dir/serving.pid" 2>/dev/null || true; }
server_rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$(serving_pid)/status" 2>/dev/null || echo 0; }
new_is_gone() { ! process_started_at "$next" >/dev/null; }

check_installation() {
    [ "$(serving_pid)" = "$old" ] || end 1 "process $old does not serve (data/serving.pid says $(serving_pid)): ./start.sh restart"
    done_with "process $old serves at $api_url"
}

make_backup() {
    (cd "$ROOT" && "$PROGRAM" db backup --verify) >>"$LOGS/update.log" 2>&1 || end 1 'the backup failed (logs/update.log)'
    done_with "$(tail -n 20 "$LOGS/update.log" | sed -nE 's/^file +//p' | tail -n 1)"
}

build_next() {
    if [ -n "$candidate" ]; then
        [ -x "$candidate" ] || end 1 "$candidate is no program"
        done_with "$candidate"
        return 0
    fi
    make -C "$ROOT" BUILD=build/next all >"$LOGS/build.log" 2>&1 || {
        grep -E 'error|Error' "$LOGS/build.log" | head -n 10 >&2 || true
        refuse 'the build failed (logs/build.log)'
    }
    candidate=$ROOT/build/next/breakout
    done_with "$("$candidate" --version)"
}

try() { (cd "$ROOT" && timeout "$timeout_s" "$candidate" "$@"); }
program_of() { if [ "$1" = next ]; then echo "$candidate"; else echo "/proc/$old/exe"; fi; }
version_of() { "$(program_of "$1")" --version | head -n 1; }
replay_copy() { (cd "$ROOT" && DATA_DIR=$trial timeout "$timeout_s" "$(program_of "$1")" replay "$2" --verify); }

put_back() { :; } # nothing has the name of the running program yet

# wait_serving PID SECONDS
wait_serving() {
    local end_at=$((SECONDS + $2 + 1))
    while [ "$(serving_pid)" != "$1" ] || [ "$(http_code "$api_url/api/ready" 2)" != 200 ]; do
        [ "$SECONDS" -lt "$end_at" ] && process_started_at "$1" >/dev/null || return 1
        sleep 0.05
    done
}

hand_over() {
    local ticks=100 seen=$LOGS/supervisor.log
    rm -f "$PIDS/next.pid"
    echo "$candidate" >"$PIDS/next.program"
    kill -USR1 "$supervisor"
    until [ -s "$PIDS/next.pid" ]; do
        [ "$ticks" -gt 0 ] || refuse "the supervisor started no successor ($seen)"
        ticks=$((ticks - 1))
        sleep 0.05
    done
    next=$(cut -d' ' -f1 "$PIDS/next.pid")
    wait_serving "$next" "$timeout_s" || roll_back "the new version did not serve within $timeout_s s"
    gap_ms=$(gap_of_log)
    done_with "process $next serves; the engine paused for $gap_ms ms"
}

# From the last thing the old engine did to the first of the new one, by their own words.
gap_of_log() {
    local log=$ROOT/logs/breakout.log from to
    from=$(grep '"event":"handed_over"' "$log" 2>/dev/null | tail -n 1 | sed -nE 's/^\{"ts":"([^"]*)".*/\1/p')
    to=$(grep '"event":"started","message":"version' "$log" 2>/dev/null | tail -n 1 | sed -nE 's/^\{"ts":"([^"]*)".*/\1/p')
    if [ -z "$from" ] || [ -z "$to" ]; then
        echo 0
        return
    fi
    echo $((($(date -d "$to" +%s%N) - $(date -d "$from" +%s%N)) / 1000000))
}

# The old process takes the account back by itself as soon as the new one is gone, schema included.
go_back() {
    what_serves="process $old"
    tail -n 10 "$LOGS/breakout.out" >>"$LOGS/update.log" 2>/dev/null || true
    if [ -n "$next" ] && process_started_at "$next" >/dev/null; then
        kill -CONT "$next" 2>/dev/null || true
        kill -TERM "$next" 2>/dev/null || true
        wait_gone 10 "$next" || kill -KILL "$next" 2>/dev/null || true
        wait_gone 5 "$next" || true
    fi
    rm -f "$PIDS/next.pid" "$PIDS/next.program"
    wait_serving "$old" "$timeout_s"
}

complete() {
    # The name that the supervisor starts again by; the old program is kept beside it.
    if [ "$candidate" = "$ROOT/build/next/breakout" ]; then
        mkdir -p "$ROOT/build/rollback"
        cp -f "/proc/$old/exe" "$ROOT/build/rollback/breakout" 2>/dev/null || true
        ln -f "$candidate" "$PROGRAM" 2>/dev/null || cp -f "$candidate" "$PROGRAM"
    fi
    rm -f "$PIDS/next.program"
    kill -TERM "$old" 2>/dev/null || true
    wait_gone 20 "$old" || note "the old process $old has not ended yet"
    # The interface: files are read anew by the program, without a restart.
    if [ -z "$version$candidate" ] || [ "$candidate" = "$ROOT/build/next/breakout" ]; then
        make -C "$ROOT" ui >>"$LOGS/update.log" 2>&1 || note 'the interface could not be built (logs/update.log): the old one is served on'
    fi
    wait_serving "$next" "$timeout_s" || { write_report 7 'the new version stopped serving'; end 7 'the new version stopped serving: ./status.sh'; }
    done_with "process $next is the server"
}
