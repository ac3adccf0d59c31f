#!/usr/bin/env bash
# What the real server leaves on the disk, in its process and on the wire: private files, no core files, headers, metrics that Prometheus reads,
# a log without noise, truthful backups and cleanups.
#
#   security.sh      the program is build/breakout, or BREAKOUT_PROGRAM
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
program=${BREAKOUT_PROGRAM:-$ROOT/build/breakout}
if [ ! -x "$program" ]; then
    skip security "there is no $program"
    finish
    exit
fi
cd "$SCRATCH" || exit 1
unset BREAKOUT_PROGRAM
port=$(free_port)
ui_port=$(free_port)
mkdir -p ui/assets presets
printf '<!doctype html><title>ui</title>' >ui/index.html
printf 'export {};' >ui/assets/app-0123abcd.js
ln -s "$ROOT/recordings" recordings
cat >.env <<SETTINGS
FEED=demo
PORT=$port
UI_PORT=$ui_port
UI_DIR=$SCRATCH/ui
BREAKOUT_URL=http://127.0.0.1:$port
LOG_CONSOLE=off
LOG_LEVEL=INFO
SETTINGS
chmod 600 .env
umask 022
"$program" serve >out.txt 2>&1 &
server=$!
trap 'kill -9 "$server" 2>/dev/null; rm -rf "$SCRATCH"' EXIT
url=http://127.0.0.1:$port
answers() { curl --silent --fail --max-time 2 --output /dev/null "$url/api/live" && [ -s data/ctl.token ]; }
until_true 60 answers
expect 'the server answers' "$?" 0
token=$(cat data/ctl.token)
ask() { # ask METHOD PATH [BODY]: sets reply and code
    code=$(curl --silent --max-time 60 -X "$1" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' ${3+--data "$3"} \
        --output reply.json --write-out '%{http_code}' "$url$2")
    reply=$(cat reply.json)
}

# --- files and process --------------------------------------------------------------------------------------------------
expect 'no file of DATA_DIR is for others' "$(find data -perm /077 -type f | wc -l)" 0
expect 'mode of the database' "$(stat -c %a data/breakout_bot.db)" 600
expect 'mode of the log' "$(find logs -perm /077 -type f | wc -l)" 0
expect_text 'no core files' "$(grep 'Max core file size' "/proc/$server/limits")" 'size +0 +0 '
expect 'loopback only' "$(ss -ltnH "sport = :$port or sport = :$ui_port" | awk '{ print $4 }' | grep -cv '^127\.0\.0\.1:')" 0
expect_text 'the setup link names UI_PORT' "$("$program" token setup)" "^http://127.0.0.1:$ui_port/#/setup\?code="
expect_text 'nothing secret on the command line' "$(tr '\0' ' ' <"/proc/$server/cmdline")" 'serve $'

# --- headers ------------------------------------------------------------------------------------------------------------
# What changes with every reply is left out.
headers() {
    curl --silent --max-time 10 --dump-header - --output /dev/null -H "Authorization: Bearer $token" "$1" | tr -d '\r' |
        grep -viE '^(date|x-request-id|x-process-time|content-length|x-breakout-version|etag|last-modified|$)' | sort
}
expect 'headers of the API' "$(headers "$url/api/live")" 'Cache-Control: no-store
Content-Security-Policy: default-src '"'none'"'
Content-Type: application/json
HTTP/1.1 200 OK
Referrer-Policy: no-referrer
X-Content-Type-Options: nosniff
X-Frame-Options: DENY'
page=$(headers "http://127.0.0.1:$ui_port/")
expect_text 'the page has a policy' "$page" "^Content-Security-Policy: default-src 'none';.*frame-ancestors 'none'"
expect 'the policy has no unsafe word' "$(grep -c unsafe <<<"$page")" 0
expect_text 'the page is no other type' "$page" '^X-Content-Type-Options: nosniff'
expect_text 'the page is in no frame' "$page" '^X-Frame-Options: DENY'
expect_text 'the page tells nobody' "$page" '^Referrer-Policy: no-referrer'
ask GET /api/nothing
expect 'an unknown address' "$code" 404
expect 'a failure tells no path, version or query' "$(grep -cE '/src/|\.c:|SELECT|sqlite|0x[0-9a-f]{6}' <<<"$reply")" 0
expect 'no CORS unasked' "$(curl --silent --max-time 10 --dump-header - --output /dev/null -H 'Origin: https://evil.example' "$url/api/live" | grep -ci '^access-control')" 0

# --- metrics ------------------------------------------------------------------------------------------------------------
curl --silent --max-time 10 "$url/api/metrics" >metrics.txt
expect 'metrics hold no secret' "$(grep -c bbt_ metrics.txt)" 0
if command -v promtool >/dev/null; then
    promtool check metrics <metrics.txt >promtool.txt 2>&1
    expect "promtool: $(head -n 3 promtool.txt)" "$?" 0
else
    skip 'promtool check metrics' 'there is no promtool'
fi

# --- what changing requests claim ----------------------------------------------------------------------------------------
ask POST /api/system/backups '{}'
expect "a backup: $reply" "$code" 200
name=$(jq -r .file <<<"$reply")
expect "the backup $name is there" "$(find backups -name "$name*" | wc -l)" 1
expect 'and private' "$(find backups -perm /077 -type f | wc -l)" 0
ask GET /api/system/backups
expect_text 'and listed' "$reply" "$name"
ask POST /api/system/memory-snapshot '{}'
expect "a memory snapshot: $reply" "$code" 200
expect 'its file is there' "$(test -s "$(jq -r .file <<<"$reply")"; echo $?)" 0
printf 'old\n' >logs/breakout.log.2001-01-01
touch -d 2001-01-01 logs/breakout.log.2001-01-01
ask POST /api/logs/cleanup '{"dry_run":true}'
expect 'a dry cleanup' "$code" 200
expect 'a dry cleanup removes nothing' "$(find logs -name '*2001-01-01*' | wc -l)" 1
ask POST /api/monitoring/rate-limiter/reset '{}'
expect 'the rate limiter is reset' "$code" 200
ask POST /api/system/handover '{"confirm":true}'
expect 'no handover in this version' "$code" 501
while read -r name body wanted; do
    ask POST "/api/engine/$name" "$body"
    claimed=$code
    ask GET /api/engine/status
    # The demo decides when it is warm: before that a session cannot run yet, and is refused as 409.
    [ "$claimed" = 409 ] || expect_text "$name answered $claimed" "$(jq -r .session_state <<<"$reply")" "^($wanted)$"
done <<'STEPS'
start {"preset":"breakout_v1"} starting|running
pause {} paused
resume {} running
time-stop {} draining|stopping|stopped
stop {} stopping|stopped
STEPS

# --- the log -------------------------------------------------------------------------------------------------------------
for path in / /assets/app-0123abcd.js /api/features/activity?symbol=BTCUSDT; do
    curl --silent --max-time 10 --output /dev/null -H "Authorization: Bearer $token" "http://127.0.0.1:$ui_port$path"
done
expect 'reading is no event of the log' "$(grep -c '"GET [^"]* answered\|other other' logs/breakout.log)" 0

kill -TERM "$server"
wait "$server"
expect 'SIGTERM' "$?" 0
trap 'rm -rf "$SCRATCH"' EXIT
finish
