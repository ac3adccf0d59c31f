#!/usr/bin/env bash
# The logs of a real run, line by line: form, content, no secret, no line twice; files that are full are closed and compressed; the daily check above
# and below 50 MB and with files of 6 and 8 days, its report; memory snapshots.
#
#   logs.sh      the program is build/breakout, or BREAKOUT_PROGRAM
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
with_server logs

run() { # sets output and code
    output=$("$@" 2>&1 </dev/null)
    code=$?
}

# ---- a run: trades, commands, a refused login, a kill switch ----

port=$(free_port)
ln -s "$ROOT/recordings" "$ROOT/presets" .
secret=planted-secret-9f27c1d0
printf '%s\n' FEED=demo AUTOSTART=paper "PORT=$port" UI_PORT=0 DEMO_SPEED=1200 LOG_LEVEL=DEBUG LOG_FILE_MAX_MB=1 LOG_CONSOLE=json \
    "BREAKOUT_URL=http://127.0.0.1:$port" "EXCHANGE_SECRET=$secret" EXCHANGE_API_KEY=planted-key-51b2e8 MAX_DISK_PERCENT=100 WARN_DISK_PERCENT=100 >.env
chmod 600 .env
"$program" serve >out.txt 2>err.txt &
server=$!
url=http://127.0.0.1:$port
has_line() { grep -hqs "$1" logs/breakout*.log; }
until_true 60 has_line '"event":"trade"'
expect 'it trades' "$?" 0
post() { # PATH BODY
    curl --silent --max-time 10 --request POST --header "Authorization: Bearer $(cat data/ctl.token)" --header 'Content-Type: application/json' --data "$2" "$url$1"
}
"$program" ctl pause >/dev/null
"$program" ctl resume >/dev/null
"$program" ctl close P99999999 --now >/dev/null 2>&1
curl --silent --header "Authorization: Bearer $secret" "$url/api/trading/trades?token=$secret" >/dev/null
post /api/auth/login "{\"username\":\"nobody\",\"password\":\"$secret\"}" >/dev/null
expect_text 'a memory snapshot' "$(post /api/system/memory-snapshot '{}')" '"file": ?"[^"]*memory_snapshot_[0-9]{8}_[0-9]{6}\.json"'
expect_text 'its figures' "$(jq -r '.process.rss_mb > 1 and .system.total_gb > 0' reports/memory_snapshot_*.json)" true
# A full file is closed under a dated name and compressed; with every candidate at DEBUG that is soon.
curl --silent "$url/api/live" >/dev/null
"$program" ctl kill-switch -y --reason 'a test of the log' >/dev/null
until_true 10 has_line '"event":"kill_switch"'
expect 'the kill switch is told' "$?" 0
token=$(cat data/ctl.token)
kill "$server"
wait "$server" 2>/dev/null
server=

# ---- form ----

cat logs/breakout*.log >all.txt
for file in logs/*.gz; do [ ! -e "$file" ] || zcat "$file" >>all.txt; done
cat logs/api.log >>all.txt
expect 'every line is an object' "$(jq -e -c 'type' all.txt 2>&1 | sort -u)" '"object"'
expect 'its first members' "$(jq -c '[keys_unsorted[0:5][]]' all.txt | sort -u)" '["ts","level","component","event","message"]'
expect 'levels' "$(jq -r .level all.txt | sort -u | grep -vxE 'DEBUG|INFO|WARNING|ERROR|CRITICAL')" ''
expect 'components' "$(jq -r .component all.txt | sort -u | grep -vxE 'engine|scanner|levels|signals|risk|execution|positions|feed|venue|storage|journal|backup|api|ws|auth|resources|alerts|backtest|worker|data|ops|runs|recovery')" ''
expect 'times' "$(jq -r .ts all.txt | grep -cvE '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z$')" 0
expect 'events are names' "$(jq -r .event all.txt | grep -cvE '^[a-z][a-z0-9_]*$')" 0
expect 'the order of the members' "$(jq -c '[keys_unsorted[] | select(IN("session_id","trace_id","request_id","symbol","position_id","client_order_id","user","state"))]' all.txt |
    sort -u | jq -c 'select(. != (["session_id","trace_id","request_id","symbol","position_id","client_order_id","user","state"] - (["session_id","trace_id","request_id","symbol","position_id","client_order_id","user","state"] - .)))')" ''
expect 'no line is longer than 16 KiB' "$(awk 'length($0) > 16384' all.txt | wc -l)" 0
expect 'breakout.log has no requests' "$(cat logs/breakout*.log | grep -cE '"component":"(api|ws|auth)"')" 0
expect 'api.log has nothing else' "$(grep -cvE '"component":"(api|ws|auth)"' logs/api.log)" 0
expect 'errors.log has errors alone' "$(jq -r .level logs/errors.log | sort -u | grep -vxE 'ERROR|CRITICAL')" ''
expect 'each of them is a copy' "$(sort -u logs/errors.log | grep -cvxFf <(sort -u all.txt))" 0
expect 'standard error has the same lines' "$(grep '^{' err.txt | sort | sha256sum)" "$(sort all.txt | sha256sum)"
expect 'no secret anywhere' "$(grep -rlE "planted-key-51b2e8|$secret" logs reports out.txt err.txt | wc -l)" 0
expect 'no token of the command line' "$(grep -rlF "$token" logs reports out.txt err.txt | wc -l)" 0

# ---- content ----

told() { # NAME FILTER: at least one such line
    expect "the log tells of $1" "$(jq -c "select($2)" all.txt | head -n 1 | grep -c .)" 1
}
told 'transitions of the session' '.component == "engine" and .event == "transition" and .session_id == "S000001" and .state == "running"'
told 'transitions of orders' '.component == "execution" and .event == "transition" and (.client_order_id | length > 0) and .state == "filled"'
told 'transitions of positions' '.component == "positions" and .event == "transition" and .position_id == "P00000001" and .state == "closed"'
told 'fills' '.component == "execution" and .event == "fill" and (.symbol | length > 0)'
told 'trades' '.component == "positions" and .event == "trade"'
told 'a command with who and result' '.event == "command" and (.message | test("^pause by [a-z]")) and (.message | test("done")) and .state == "paused"'
told 'the kill switch' '.component == "risk" and .event == "kill_switch" and .level == "CRITICAL"'
told 'the kill switch as a command' '.event == "command" and (.message | test("^kill_switch by"))'
told 'scans' '.component == "scanner" and .event == "scan"'
told 'the start with its settings' '.component == "engine" and .event == "started"'
told 'a request that was refused' '.component == "api" and (.message | test("401"))'
expect 'every transition of the database is told' "$(sqlite3 data/breakout_bot.db "SELECT count(*) FROM state_transitions WHERE machine IN ('session', 'order', 'position')")" \
    "$(jq -c 'select(.event == "transition" and (.message | test("^(session|order|position) ")))' all.txt | wc -l)"
expect 'every trade is told once' "$(sqlite3 data/breakout_bot.db 'SELECT count(*) FROM trades')" "$(jq -c 'select(.event == "trade")' all.txt | wc -l)"
expect 'live and ready are not' "$(jq -c 'select(.message | test("/api/(live|ready|health|metrics)")) | select(.message | test(" 200"))' all.txt | wc -l)" 0
# Once a minute, which this run does not last: the declared line.
run "$program" logs tail -n 5 --level info
expect 'the last lines for people' "$code $(wc -l <<<"$output")" '0 5'
run "$program" logs tail --grep 'kill_switch by'
expect_text 'lines with a text' "$output" 'engine +kill_switch by'

# ---- the daily check ----

rm -rf logs reports
mkdir logs
old() { # NAME DAYS KB: a closed file whose name tells its age
    local name
    name=logs/$1-$(date -u -d "-$2 days" +%Y%m%d)-01.log
    head -c "$(($3 * 1024))" /dev/urandom >"$name"
    touch -d "-$2 days" "$name"
    printf '%s\n' "$name"
}
line='{"ts":"2026-01-31T10:00:00.000Z","level":"%s","component":"engine","event":"x","message":"y"}\n'
# shellcheck disable=SC2059 # the line is the format
{ printf "$line" INFO; printf "$line" INFO; printf "$line" ERROR; } >logs/breakout.log
# shellcheck disable=SC2059
printf "$line" ERROR >logs/errors.log
six=$(old breakout 6 100)
eight=$(old breakout 8 100)
audit=$(old audit 60 10)
run "$program" logs cleanup --dry-run
expect 'a dry run' "$code" 0
expect 'a dry run leaves files and writes no report' "$([ -e "$six" ] && [ -e "$eight" ] && ls reports 2>/dev/null; echo "$?")" 2
mkdir elsewhere
cp -r "$ROOT/scripts" .
cd elsewhere || exit 1
BREAKOUT_PROGRAM=$program run "$SCRATCH/scripts/log_rotation.sh" --json
cd ..
expect 'the daily check from another folder' "$code" 0
expect_text 'it tells sizes' "$output" '"before_kb":[0-9]+,"after_kb":[0-9]+'
expect '8 days: gone' "$(ls "$eight"* 2>/dev/null)" ''
expect '6 days: there' "$(ls "$six"*)" "$six"
expect 'audit stays for 90 days' "$(find logs -name "$(basename "$audit" .log)*" | wc -l)" 1
report=$(ls reports/log_report_"$(date -u +%Y%m%d)".json)
expect 'the report' "$(jq -r '[keys_unsorted[]] | join(" ")' "$report")" 'ts before_mb after_mb deleted compressed files oldest_at limit_mb lines_by_level'
expect 'what it deleted' "$(jq -r '.deleted | join(" ")' "$report")" "$(basename "$eight")"
expect 'lines by level' "$(jq -c .lines_by_level "$report")" '{"DEBUG":0,"INFO":2,"WARNING":0,"ERROR":1,"CRITICAL":0}'
run "$program" logs rotate
expect 'closed files are compressed' "$code $(ls "$six"*)" "0 $six.gz"
expect 'gzip is readable' "$(gzip -t "$six.gz" && zcat "$six.gz" | wc -c)" 102400
echo LOG_RETENTION_DAYS=5 >>.env
BREAKOUT_PROGRAM=$program run "$SCRATCH/scripts/log_rotation.sh"
expect 'one setting, one effect: 6 days are too old now' "$code $(ls "$six"* 2>/dev/null)" '0 '
sed -i '/^LOG_RETENTION_DAYS/d' .env
printf '{}\n' | tee logs/breakout.log >logs/errors.log
for day in 1 2 3 4 5; do old breakout "$day" 11000 >/dev/null; done
run "$program" logs cleanup --json
expect 'the check above 50 MB' "$code" 0
expect_text 'the oldest went' "$(jq -r '.deleted | join(" ")' reports/log_report_*.json)" "breakout-$(date -u -d '-5 days' +%Y%m%d)"
expect 'to 80 % of it' "$(($(du -sk logs | cut -f1) <= 40960))" 1
expect 'the newest stays' "$(find logs -name "breakout-$(date -u -d '-1 day' +%Y%m%d)*" | wc -l)" 1
expect 'open files stay' "$([ -e logs/breakout.log ] && [ -e logs/errors.log ] && echo yes)" yes
run "$program" logs stats --json
expect 'statistics' "$code $(jq -r .limit_mb <<<"$output")" '0 50'
rm -rf logs
run "$program" logs stats
expect 'no folder' "$code" 2
BREAKOUT_PROGRAM=$program run "$SCRATCH/scripts/log_rotation.sh"
expect 'the daily check without a folder' "$code" 4
trap - EXIT
finish
