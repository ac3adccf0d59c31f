#!/usr/bin/env bash
# A kill switch of the real program whose journal lost it: the newest records are cut away, as a disk that never took them leaves it. The next start
# is in the emergency all the same, and a reset lasts.
#
#   kill_latch.sh      the program is build/breakout, or BREAKOUT_PROGRAM
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
with_server kill_latch
port=$(free_port)
ln -s "$ROOT/recordings" "$ROOT/presets" .
printf '%s\n' FEED=demo AUTOSTART=paper "PORT=$port" UI_PORT=0 DEMO_SPEED=60 LOG_CONSOLE=json "BREAKOUT_URL=http://127.0.0.1:$port" \
    MAX_DISK_PERCENT=100 WARN_DISK_PERCENT=100 >.env
chmod 600 .env

begin() {
    "$program" serve >>out.txt 2>>err.txt &
    server=$!
    until_true 60 "$program" ctl live >/dev/null 2>&1
    expect "$1" "$?" 0
}
end() {
    kill -9 "$server"
    wait "$server" 2>/dev/null
    server=
}
state() { "$program" ctl status --json | jq -r .session_state; }
is_in() { [ "$(state)" = "$1" ]; }
segment() { find data/journal -name 'paper-*.bbj' | sort | tail -n 1; }

begin 'it starts'
until_true 60 is_in running
expect 'it runs' "$?" 0
kept=$(stat -c %s "$(segment)")
"$program" ctl kill-switch -y --reason 'by hand' >/dev/null
expect 'killed' "$(state)" emergency
end
# Whole records only: what verification calls sound.
truncate --size "$kept" "$(segment)"

begin 'it starts again'
expect 'the kill is in force' "$(state)" emergency
expect_text 'and told' "$(cat logs/breakout*.log)" '"event":"latch_restored"'
expect_text 'with its reason' "$("$program" ctl status --json | jq -r '.latches[].reason')" '^by hand$'
"$program" ctl start >/dev/null 2>&1
expect 'nothing starts' "$(state)" emergency
"$program" ctl reset --confirm RESET --reason 'looked at' >/dev/null 2>reset.txt || cat reset.txt
expect 'released' "$(state)" idle
end

begin 'it starts a third time'
expect_text 'the release lasts' "$(state)" '^(idle|starting|running)$'
end
finish
