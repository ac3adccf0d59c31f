#!/usr/bin/env bash
# kill -9 of the real server at random moments, some of them while it is starting, and what comes back each time: journal and database are sound, every
# position has its stop, no trade is gone. In the end each fill of the venue was taken once, stops rested at every instant by the venue's own words, and
# the session can be stepped through again.
#
#   kill_daemon.sh [PROGRAM]      default: build/breakout; KILLS=5 and SEED=1 from the environment
#
# Exit 0 when everything holds.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
NAME=kill_daemon
kills=${KILLS:-5}
seed=${SEED:-1}
# shellcheck source=tests/support/demo_server.sh
. "$ROOT/tests/support/demo_server.sh"
demo_make "${1:-$ROOT/build/breakout}"

# pause MIN MAX: milliseconds between, drawn.
pause() {
    local ms=$(($1 + RANDOM % ($2 - $1)))
    sleep "$((ms / 1000)).$(printf '%03d' $((ms % 1000)))"
}

# The venue's words against the records, from the journal.
check_journal() {
    "$PROGRAM" replay --print paper >journal.txt 2>print.txt || fail "replay --print $1: $(cat print.txt)"
    awk -f "$ROOT/tests/system/protection.awk" journal.txt >protection.txt || fail "protection $1: $(tail -n 5 protection.txt)"
    awk -f "$ROOT/tests/system/fills.awk" journal.txt >fills.txt || fail "fills $1: $(tail -n 5 fills.txt)"
}

grep -q crash_hook "$PROGRAM" && fail "crash points of the tests are in the program"
start
[ "$(trades_after 3)" -ge 3 ] || fail "fewer than 3 trades after 30 s"
RANDOM=$seed
young=0
for kill in $(seq "$kills"); do
    before=$("$PROGRAM" ctl trades --json | json .total)
    pause 50 1500
    kill_hard
    check_stores "after kill $kill"
    if [ $((RANDOM % 3)) = 0 ]; then
        launch
        pause 5 400
        kill_hard
        young=$((young + 1))
        check_stores "after kill $kill, again while it started"
    fi
    start
    check_stops
    after=$("$PROGRAM" ctl trades --json | json .total)
    [ "$after" -ge "$before" ] || fail "kill $kill lost trades: $before before, $after after"
    [ $((kill % 10)) != 0 ] || check_journal "after kill $kill"
done
grep -q '"replay_differs"\|"answer_differs"' logs/breakout.log* && fail "a restart came out differently"

session=$("$PROGRAM" status --json | json .session_id)
stop_politely
check_stores "in the end"
check_journal "in the end"
fills=$(sed -nE 's/^fills ([0-9]+), .*/\1/p' fills.txt)
rows=$(sqlite3 data/breakout_bot.db 'SELECT count(*) || " " || count(DISTINCT venue_fill_id) FROM fills')
[ "$rows" = "$fills $fills" ] || fail "$fills fills at the venue, rows and ids in the database: $rows"
"$PROGRAM" replay "$session" --verify >replay.txt 2>&1 || fail "replay --verify $session: $(cat replay.txt)"
echo "kill_daemon: $kills kills and $young more while it started, seed $seed: $after trades, $fills fills each taken once; $(tail -n 1 protection.txt)"
