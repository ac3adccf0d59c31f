#!/usr/bin/env bash
# In the middle of a trade: Redis away, the disk full, the network of the container away, then all of it at once. Positions must stay protected and
# managed, entries must be held back with a reason where the engine cannot answer for them, and at the end every row must be there.
#
#   faults.sh [SECONDS]    how long each of the four lasts (120); the whole takes four times that and about five minutes
#
# Judged by the running server (ctl inside the container needs no network), by the journal and by the database afterwards. The venue of the demo lives in
# the process: without the network its readers lose it, not the engine. Needs what stack.sh needs, and a loop device for a disk of its own.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
# shellcheck source=tests/docker/lib.sh
. "$ROOT/tests/docker/lib.sh"

seconds=${1:-120}
case $seconds in '' | *[!0-9]*) echo "faults.sh: SECONDS must be a number, not '$seconds'" >&2; exit 64 ;; esac

stack_begin 'faults' 18360
mkdir -p "$site/data"
truncate -s 3G "$SCRATCH/disk.img"
if ! mkfs.ext4 -q -F -m 0 "$SCRATCH/disk.img" || ! mount -o loop "$SCRATCH/disk.img" "$site/data" 2>/dev/null; then
    skip 'faults' 'no loop device for a disk of its own'
    stack_finish
    exit
fi
rmdir "$site/data/lost+found"
stack_build

# setting_now NAME VALUE: in the file that is mounted into the container, which must stay the same file.
setting_now() {
    sed "/^$1=/d" "$site/.env" >"$SCRATCH/env"
    printf '%s=%s\n' "$1" "$2" >>"$SCRATCH/env"
    cat "$SCRATCH/env" >"$site/.env"
}
api_answers() { ctl ready --timeout 2 >/dev/null 2>&1; }
positions() { ctl positions --json --timeout 5 2>/dev/null; }
has_position() { [ "$(positions | jq '.items | length')" -gt 0 ] 2>/dev/null; }
state_is() { ctl status --json 2>/dev/null | jq -e --arg state "$1" '.session_state == $state' >/dev/null; }
component() { ctl health --json 2>/dev/null | jq -r --arg name "$1" '.components[] | select(.name == $name) | .status'; }
component_is() { [ "$(component "$1")" = "$2" ]; }
market_time() { ctl status --json 2>/dev/null | jq .ts; }
page() { curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "$ui/api/live"; }
page_is() { [ "$(page)" = "$1" ]; }

# ---- a trade is open ----

phase 'deploy'
setting_now RESOURCE_CHECK_INTERVAL_S 1
run "$site/deploy.sh" --timeout 240
expect 'deploy' "$code" 0
[ "$code" -eq 0 ] || printf '%s\n' "$output" | tail -n 20
phase 'a trade'
within 120 has_position
expect 'a position is open' "$?" 0
# From here at a pace at which the trade outlives the faults.
setting_now DEMO_SPEED "$((seconds > 60 ? 2 : 4))"
docker restart --time 20 breakout-bot-api >/dev/null
within 60 api_answers
expect 'back at another pace' "$?" 0
within 30 has_position
expect 'the position is still open' "$?" 0

# ---- the faults ----

hog=
fill_disk() {
    fallocate -l "$(($(df --output=avail -k "$site/data" | tail -n 1) - 64))k" "$site/data/of_somebody_else"
    # What is given back is taken at once, as by a log without end.
    while :; do
        dd if=/dev/zero bs=4k count=4096 2>/dev/null >>"$site/data/of_somebody_else"
        sleep 0.2
    done &
    hog=$!
}
free_disk() {
    kill "$hog"
    wait "$hog" 2>/dev/null
    rm "$site/data/of_somebody_else"
}
stop_redis() { docker stop --time 5 breakout-bot-redis >/dev/null; }
start_redis() { docker start breakout-bot-redis >/dev/null; }
leave_network() { docker network disconnect breakout-network breakout-bot-api; }
join_network() { docker network connect --alias breakout-bot-api breakout-network breakout-bot-api; }

# watch NAME: a look at the positions every second for as long as a fault lasts.
watch() {
    local end_at=$((SECONDS + seconds)) looks=0 misses=0 bare=0 seen from
    from=$(market_time)
    while [ "$SECONDS" -lt "$end_at" ]; do
        seen=$(positions | jq -r '[.items[] | select(.protected != true)] | length' 2>/dev/null)
        looks=$((looks + 1))
        [ -n "$seen" ] || misses=$((misses + 1))
        [ "${seen:-0}" -eq 0 ] || bare=$((bare + 1))
        sleep 0.7
    done
    expect "$1: the server answers" "$misses of $looks" "0 of $looks"
    expect "$1: no position without a stop" "$bare of $looks" "0 of $looks"
    # The engine goes on: the market's time has moved, if only by half of what it should.
    expect "$1: the engine goes on" "$(($(market_time) - from >= seconds * 1000))" 1
}

phase 'Redis away'
stop_redis
watch 'Redis away'
expect 'Redis away: the session goes on' "$(state_is running && echo yes)" yes
case $(component redis) in
off | ok) expect 'Redis away: health says so' "$(component redis)" 'degraded or failed' ;;
*) expect 'Redis away: health says so' 1 1 ;;
esac
start_redis
within 40 component_is redis ok
expect 'Redis back' "$?" 0

phase 'disk full'
fill_disk
within 15 state_is paused
expect 'disk full: entries are held back' "$?" 0
watch 'disk full'
expect 'disk full: the disk is full' "$(df --output=avail -k "$site/data" | tail -n 1 | tr -d ' ')" 0
expect_text 'disk full: health says so' "$(component disk)" 'failed|degraded'
free_disk
within 40 state_is running
expect 'disk free: entries are let through' "$?" 0
within 20 component_is database ok
expect 'disk free: the database takes rows' "$?" 0

phase 'network away'
leave_network
sleep 3
expect 'network away: the interface has no API' "$(page_is 200 && echo reached)" ''
watch 'network away'
join_network
within 20 page_is 200
expect 'network back: the interface has the API' "$?" 0

phase 'all at once'
stop_redis
leave_network
fill_disk
within 15 state_is paused
expect 'all at once: entries are held back' "$?" 0
watch 'all at once'
free_disk
join_network
start_redis
within 40 state_is running
expect 'all back: entries are let through' "$?" 0
within 20 component_is database ok
expect 'all back: the database takes rows' "$?" 0
within 40 component_is redis ok
expect 'all back: Redis' "$?" 0
within 20 page_is 200
expect 'all back: the interface has the API' "$?" 0

# ---- afterwards ----

phase 'what is left'
unprotected=$(docker exec breakout-bot-frontend curl --silent http://breakout-bot-api:8000/api/metrics | awk '$1 == "breakout_position_unprotected_seconds_total" { print $2 }')
expect 'seconds without a stop, by the metric' "$unprotected" 0
docker stop --time 20 breakout-bot-api >/dev/null
expect 'ended in good order' "$(inspect breakout-bot-api '{{.State.ExitCode}}')" 0
database=$site/data/breakout_bot.db
expect 'milliseconds without a stop, by the rows' "$(sqlite3 "$database" 'SELECT coalesce(sum(unprotected_ms), 0) FROM positions')" 0
expect 'each hold has its reason' "$(sqlite3 "$database" "SELECT count(*) FROM state_transitions WHERE machine = 'session' AND to_state = 'paused' AND reason LIKE 'disk: % MB are free%'")" 2
expect 'no entry while they were held back' "$(sqlite3 "$database" "SELECT count(*) FROM orders o WHERE purpose = 'entry' AND EXISTS (
    SELECT 1 FROM state_transitions p WHERE p.machine = 'session' AND p.to_state = 'paused' AND o.created_at >= p.ts
       AND o.created_at < (SELECT min(r.ts) FROM state_transitions r WHERE r.machine = 'session' AND r.from_state = 'paused' AND r.seq > p.seq))")" 0

# in_container DATA WORDS...: the program on a folder of data, with nothing else of the stack.
in_container() {
    local data=$1
    shift
    docker run --rm --network none --read-only --tmpfs /tmp -e DATABASE_URL=sqlite:///app/data/breakout_bot.db -e DATA_DIR=/app/data -e LOG_TO_FILE=false \
        -v "$data:/app/data" -v "$site/.env:/app/.env:ro" breakout-bot-api:local breakout "$@"
}
run in_container "$site/data" replay S000001 --verify
expect 'the journal, run again, gives the same' "$code $(tail -n 1 <<<"$output")" '0 same'
run in_container "$site/data" db verify
expect 'the database holds together' "$code" 0
[ "$code" -eq 0 ] || printf '%s\n' "$output"
# A database made from the journal alone has the same rows: none is missing, none is other.
mkdir "$SCRATCH/again"
cp -a "$site/data/journal" "$SCRATCH/again"
chown 10001:10001 "$SCRATCH/again"
run in_container "$SCRATCH/again" db rebuild
expect 'a database from the journal' "$code" 0
rows_of() { sqlite3 "$1" "SELECT * FROM \"$2\"" | sort | sha256sum; }
compared=0
for table in $(sqlite3 "$SCRATCH/again/breakout_bot.db" "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"); do
    [ "$(sqlite3 "$SCRATCH/again/breakout_bot.db" "SELECT count(*) FROM \"$table\"")" -gt 0 ] || continue
    case $table in counters | schema_migrations) continue ;; esac
    expect "rows of $table" "$(rows_of "$database" "$table")" "$(rows_of "$SCRATCH/again/breakout_bot.db" "$table")"
    compared=$((compared + 1))
done
expect 'tables compared' "$((compared > 10))" 1
printf 'journal: %s records, database: %s positions, %s orders, %s decisions\n' "$(sqlite3 "$database" "SELECT value FROM counters WHERE name = 'journal_seq'")" \
    "$(sqlite3 "$database" 'SELECT count(*) FROM positions')" "$(sqlite3 "$database" 'SELECT count(*) FROM orders')" "$(sqlite3 "$database" 'SELECT count(*) FROM decisions')"
phase ''
stack_finish
