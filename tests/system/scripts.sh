#!/usr/bin/env bash
# start.sh, status.sh, stop.sh and the supervisor, with a stand-in for the program.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"

home=$SCRATCH/home
port=$(free_port)
mkdir -p "$home/bin"
cp -r "$ROOT/start.sh" "$ROOT/stop.sh" "$ROOT/status.sh" "$ROOT/scripts" "$home"
printf '# which market\n# FEED=bybit\nPORT=%s\n' "$port" >"$home/.env.example"
gcc -std=gnu17 -o "$home/bin/breakout" "$ROOT/tests/system/stand_in.c" || exit 1
# The scripts must not build: the program is given.
export BREAKOUT_PROGRAM=$home/bin/breakout
trap '"$home/stop.sh" >/dev/null 2>&1' EXIT

run() { # sets output and code
    output=$("$@" 2>&1 </dev/null)
    code=$?
}
server_pid() { cut -d' ' -f1 "$home/pids/breakout.pid" 2>/dev/null; }
supervisor_pid() { cut -d' ' -f1 "$home/pids/supervisor.pid" 2>/dev/null; }
# A dead process whose parent never asked for its end still has a number.
is_gone() { ! grep -qsE '^State:[[:space:]]+[^ZX[:space:]]' "/proc/$1/status"; }
answers() { curl --silent --fail --max-time 2 --output /dev/null "http://127.0.0.1:$port/api/health"; }
is_replaced() { [ -n "$(server_pid)" ] && [ "$(server_pid)" != "$1" ] && answers; }

cd / || exit 1

run "$home/status.sh"
expect 'status before start' "$code" 3
run "$home/stop.sh"
expect 'stop before start' "$code" 0
expect_text 'stop before start' "$output" 'not running'

run "$home/start.sh"
expect 'start' "$code" 0
expect_text 'start prints the address' "$output" "http://127.0.0.1:$port"
expect_text 'start says demo' "$output" 'DEMO'
expect 'no colours outside a terminal' "$(grep -c $'\e' <<<"$output")" 0
expect '.env is private' "$(stat -c %a "$home/.env")" 600
expect '.env has the demo' "$(grep -c '^FEED=demo$' "$home/.env")" 1
expect '.env has no second FEED' "$(grep -c 'FEED=' "$home/.env")" 1

first=$(server_pid)
run "$home/start.sh"
expect 'start again' "$code" 0
expect_text 'start again' "$output" 'already running'
expect 'start again leaves the server' "$(server_pid)" "$first"

run "$home/status.sh" -v
expect 'status' "$code" 0
expect_text 'status asks for positions' "$output" '^ctl positions'
touch "$home/is_sick"
run "$home/status.sh"
expect 'status of a sick server' "$code" 1
rm "$home/is_sick"

kill -KILL "$first"
until_true 10 is_replaced "$first"
expect 'a killed server is back' "$?" 0
run "$home/status.sh"
expect 'status after the return' "$code" 0

second=$(server_pid)
kill -KILL "$(supervisor_pid)"
until_true 5 is_gone "$(supervisor_pid)"
run "$home/start.sh"
expect 'start over an orphan' "$code" 0
expect_text 'start over an orphan' "$output" 'without its supervisor'
expect 'the orphan is gone' "$(is_gone "$second"; echo $?)" 0

sleep 300 &
foreign=$!
both="$(supervisor_pid) $(server_pid)"
run "$home/stop.sh"
expect 'stop' "$code" 0
for pid in $both; do
    expect "stop ends process $pid" "$(is_gone "$pid"; echo $?)" 0
done
expect 'stop removes pids/' "$(test -e "$home/pids"; echo $?)" 1
run "$home/stop.sh"
expect 'stop again' "$code" 0
run "$home/status.sh"
expect 'status after stop' "$code" 3

# A PID file whose number belongs to somebody else by now.
mkdir -p "$home/pids"
echo "$foreign 1 $port" | tee "$home/pids/breakout.pid" >"$home/pids/supervisor.pid"
run "$home/stop.sh"
expect 'stop with a stale PID file' "$code" 0
expect 'stop leaves a foreign process' "$(is_gone "$foreign"; echo $?)" 1
kill "$foreign"

# The port is taken by another program.
mkdir -p "$SCRATCH/other"
(cd "$SCRATCH/other" && PORT=$port exec "$BREAKOUT_PROGRAM" serve) &
other=$!
until_true 5 answers
run "$home/start.sh"
expect 'start on a taken port' "$code" 1
expect_text 'start on a taken port names it' "$output" "port $port is taken by breakout \(PID $other\)"
expect 'the other program lives' "$(is_gone "$other"; echo $?)" 1
kill "$other"
wait "$other" 2>/dev/null
run "$home/start.sh" --port 70000
expect 'start on an impossible port' "$code" 4

echo 1 >"$home/doctor_code"
run "$home/start.sh"
expect 'start with a failed integrity check' "$code" 4
rm "$home/doctor_code"

echo 4 >"$home/serve_code"
run "$home/start.sh"
expect 'start with refused settings' "$code" 1
expect_text 'start shows the last words' "$output" 'these are my last words'
rm "$home/serve_code"

touch "$home/is_sick"
run "$home/start.sh" --timeout 2
expect 'start of a sick server' "$code" 5
expect_text 'start of a sick server' "$output" '503'
rm "$home/is_sick"
run "$home/stop.sh"
expect 'stop of a sick server' "$code" 0

touch "$home/is_deaf"
run "$home/start.sh"
rm "$home/is_deaf"
deaf=$(server_pid)
run "$home/stop.sh"
expect 'stop of a deaf server' "$code" 0
expect_text 'stop of a deaf server says so' "$output" 'killing'
expect 'the deaf server is gone' "$(is_gone "$deaf"; echo $?)" 0

# Two starts at the same moment: one server.
"$home/start.sh" >/dev/null 2>&1 &
run "$home/start.sh"
expect 'second of two starts' "$code" 0
wait
expect 'one server for two starts' "$(pgrep -fc "^$BREAKOUT_PROGRAM serve")" 1
"$home/stop.sh" >/dev/null

# From here on with a supervisor in a hurry.
sed -i 's/^DELAY_MAX=.*/DELAY_MAX=0/; s/^LIVENESS_PAUSE_S=.*/LIVENESS_PAUSE_S=0.2/' "$home/scripts/supervise.sh"
echo 1 >"$home/serve_code"
run "$home/start.sh"
expect 'a server that never stays' "$code" 1
expect_text 'a server that never stays is given up' "$output" 'ended 10 times in 10 minutes, last with exit code 1: giving up'
expect 'no PID files after giving up' "$(find "$home/pids" -type f | wc -l)" 0
rm "$home/serve_code"

run "$home/start.sh"
stuck=$(server_pid)
sleep 1
touch "$home/is_sick"
until_true 10 is_gone "$stuck"
rm "$home/is_sick"
until_true 10 is_replaced "$stuck"
expect 'a server that stops answering is replaced' "$?" 0
"$home/stop.sh" >/dev/null

trap - EXIT
finish
