# shellcheck shell=bash disable=SC2154 # the variables are those of monitoring.sh
# More alerts by failures of the real program. Sourced by monitoring.sh --all: the server of the demo plays on 127.0.0.1:$api, with a disk that can be
# slow; a second one, on 127.0.0.1:$full, has its data on a small file system, a third one, on 127.0.0.1:$losing, loses. What ends later is waited for at
# the end.

instance=127.0.0.1:$api
url=http://$instance
declare -A mended=()
# mend NAME...: from now on these are waited for
mend() {
    local name
    for name in "$@"; do mended[$name]=$(now_ms); done
}
healthy() { curl --silent --fail --max-time 2 --output /dev/null "$url/api/live"; }

# --- another server whose preset is too tight for a bad venue: the recorded market fills both slots, and three trades lose ---------------
mkdir -p losing/data losing/presets
ln -s "$ROOT/recordings" losing
jq '.name = "tight" | .risk.max_concurrent_positions = 2 | .risk.risk_per_trade = 0.0115 | .risk.daily_risk_limit = 0.0115
    | .risk.kill_switch_loss_limit = 0.0144' "$ROOT/presets/breakout_v1.json" >losing/presets/tight.json
{
    sed -e "s/$api/$losing/; s/^DEMO_SPEED=.*/DEMO_SPEED=80/; /^REDIS_URL/d" .env
    printf '%s\n' PAPER_SLIPPAGE_BPS=60 DEFAULT_PRESET=tight
} >losing/.env
chmod 600 losing/.env
lost_from=$(now_ms)
(cd losing && exec "$program" serve >out.txt 2>&1) &
children+=("$!")

# --- the server on a small file system starts meanwhile; Redis away, log files, an old backup, wrong tokens, requests that fail ----------------------------
has_disk=0
mkdir -p full/data
if mount -t tmpfs -o size=200m tmpfs full/data 2>/dev/null; then
    has_disk=1
    ln -s "$ROOT/recordings" "$ROOT/presets" full
    sed -e "s/$api/$full/; /^REDIS_URL/d" .env >full/.env
    chmod 600 full/.env
    (cd full && exec "$program" serve >out.txt 2>&1) &
    filling=$!
    children+=("$filling")
else
    skip 'a full disk' 'no file system may be mounted here'
fi
if [ -n "$redis" ]; then
    since=$(now_ms)
    kill "$redis_server"
    wait "$redis_server" 2>/dev/null
    fires BreakoutRedisDown "$since" "$instance"
    start_redis
    mend BreakoutRedisDown
else
    skip 'Redis away' 'there is no redis-server'
fi
since=$(now_ms)
fallocate -l 60M logs/extra.log
mkdir -p backups
touch -d '2 days ago' backups/backup-20200101-000000.tar.gz
token=$(cat data/ctl.token)
attack() {
    while :; do
        curl --silent --max-time 2 --output /dev/null -H 'Authorization: Bearer nobody' "$url/api/engine/status"
        # A venue that this version cannot reach: 501.
        curl --silent --max-time 2 --output /dev/null -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
            -d '{"venue":"bybit","symbols":["BTCUSDT"],"from":0,"to":1,"kinds":["candles"]}' "$url/api/datasets/download"
        sleep 0.1
    done
}
attack &
attacker=$!
children+=("$attacker")
fires BreakoutAuthFailures "$since" "$instance"
fires BreakoutApiErrors "$since" "$instance"
kill "$attacker"
wait "$attacker" 2>/dev/null
mend BreakoutAuthFailures BreakoutApiErrors
fires BreakoutBackupOld "$since" "$instance"
touch backups/backup-20200101-000000.tar.gz
fires BreakoutLogsLarge "$since" "$instance"
rm -f logs/extra.log
mend BreakoutBackupOld BreakoutLogsLarge

# --- another program holds the database for writing, until enough rows wait; meanwhile: ----------------------------------------
locked_at=$(now_ms)
hold_database() {
    sqlite3 data/breakout_bot.db >/dev/null 2>lock.txt < <(
        echo '.timeout 20000'
        echo 'BEGIN IMMEDIATE;'
        until_true 240 has_arrived BreakoutDatabaseQueue firing "$instance" "$locked_at"
        echo 'ROLLBACK;'
    )
}
hold_database &
holder=$!
children+=("$holder")

# --- a full disk ---------------------------------------------------------------------------------------------------------------
if [ "$has_disk" -eq 1 ]; then
    until_true 30 curl --silent --fail --max-time 2 --output /dev/null "http://127.0.0.1:$full/api/ready"
    expect 'the server on the small file system is ready' "$?" 0
    since=$(now_ms)
    head -c 400M /dev/zero >full/data/fill 2>/dev/null
    for name in BreakoutDiskHigh BreakoutEngineError BreakoutScanStalled; do fires "$name" "$since" "127.0.0.1:$full"; done
    rm full/data/fill
    since=$(now_ms)
    (cd full && until_true 10 "$program" -y ctl retry) >ctl.txt 2>&1 || cat ctl.txt
    for name in BreakoutDiskHigh BreakoutEngineError BreakoutScanStalled; do resolves "$name" "$since" "127.0.0.1:$full"; done
    kill "$filling"
    wait "$filling" 2>/dev/null
    umount full/data
    expect 'the small file system is gone' "$?" 0
fi

fires BreakoutDatabaseDown "$locked_at" "$instance"
fires BreakoutUnhealthy "$locked_at" "$instance"
fires BreakoutDatabaseQueue "$locked_at" "$instance" 240
wait "$holder" 2>/dev/null
mend BreakoutDatabaseDown BreakoutDatabaseQueue BreakoutUnhealthy

# --- a slow disk ----------------------------------------------------------------
since=$(now_ms)
echo 500 >slow_ms
fires BreakoutJournalSlow "$since" "$instance"
rm slow_ms
mend BreakoutJournalSlow

for name in "${!mended[@]}"; do resolves "$name" "${mended[$name]}" "$instance" 90; done

# --- a crash loop ------------------------------------------------------------------------------------------------------------------
# A rule that looks back less than a quarter of an hour has to see three starts in half a minute.
since=$(now_ms)
for _ in 1 2 3; do
    kill -9 "$server"
    wait "$server" 2>/dev/null
    start_server
    until_true 40 healthy
    sleep 2 # one reading at least, so that Prometheus sees this start
done
fires BreakoutRestarting "$since" "$instance"
resolves BreakoutRestarting "$since" "$instance" 90

# --- what the losing server came to ------------------------------------------------------------------------------------------------
for name in BreakoutSlotsFull BreakoutLossStreak BreakoutDrawdown BreakoutDailyLossWarning; do
    until_true 120 has_arrived "$name" firing "127.0.0.1:$losing" "$lost_from"
    expect "$name arrives" "$?" 0
    resolves "$name" "$lost_from" "127.0.0.1:$losing" 150
    real+=("$name in the course of trading")
done
