#!/usr/bin/env bash
# Bad input of every kind: one clear message (what, where, what to do), the documented exit code, and nothing lost.
# shellcheck disable=SC2016 # what stands in single quotes is for awk and sed
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
trap 'umount "$SCRATCH/locked" 2>/dev/null; chmod -R u+w "$SCRATCH" 2>/dev/null; rm -rf "$SCRATCH"' EXIT

BREAKOUT=${BREAKOUT_PROGRAM:-$ROOT/build/breakout}
if [ ! -x "$BREAKOUT" ]; then
    skip bad_input "no program at $BREAKOUT"
    finish
    exit
fi
unset BREAKOUT_PROGRAM # no setting of the program
export DATA_DIR=$SCRATCH/data REPORTS_DIR=$SCRATCH/reports PRESETS_DIR=$ROOT/presets
cd "$SCRATCH" || exit 1

# refused NAME CODE PATTERN arguments...: the exit code, a line "error: ...", and the pattern in it or in the warnings before it.
refused() {
    local name=$1 code=$2 pattern=$3
    shift 3
    local output result
    output=$("$BREAKOUT" "$@" 2>&1 </dev/null)
    result=$?
    expect "$name: exit code" "$result" "$code"
    expect_text "$name: an error" "$output" '^error: '
    expect_text "$name: message" "$output" "$pattern"
}

# --- words ------------------------------------------------------------------------------------------------------------
refused 'unknown verb' 4 'backtst.*backtest' backtst
refused 'unknown option' 4 '--sybols.*--symbols' backtest --sybols BTCUSDT
refused 'option without value' 4 'data' backtest --data
refused 'no data named' 4 '--data.*recordings' backtest breakout_v1
refused 'two presets' 4 'one PRESET' backtest breakout_v1 breakout_v1 --data .
refused 'verb of a later version' 1 'not in this version' rehearse
refused 'form of a later version' 1 'not in this version' report daily
refused 'draws of nothing' 4 'random-entries' backtest channel_baseline --random-entries 0
refused 'view of a later version' 1 'not in this version' simulate --scenario trend --serve
refused 'unknown fault' 4 'kil.*kill' simulate --runs 1 --faults kil
refused 'fault at a time in many sessions' 4 '--runs 1' simulate --runs 5 --faults kill@5+2
refused 'fault after the end' 4 '--faults.*2400' simulate --runs 1 --faults kill@99999
refused 'no session' 4 '--runs.*0' simulate --runs 0
refused 'not a number' 4 '--slippage.*five' backtest breakout_v1 --data . --slippage five
refused 'number out of range' 4 '--slippage.*0 to 200' backtest breakout_v1 --data . --slippage 1000
refused 'not a time' 4 'from.*yesterday' backtest breakout_v1 --data . --from yesterday
refused 'empty range' 4 'range is empty' backtest breakout_v1 --data . --from 2024-02-01 --to 2024-01-01
refused 'unknown breakdown' 4 'symbl.*symbol' backtest breakout_v1 --data . --breakdown symbl
refused 'unknown export' 4 '--export.*everything' backtest breakout_v1 --data . --export everything
refused 'unknown scenario' 2 'breakot.*breakouts' simulate --scenario breakot
refused 'unknown interval' 4 '--timeframe.*7m' features --data . -i 7m
refused 'unknown run' 2 'B999999' report run B999999
refused 'no symbol' 4 'no SYMBOL' why
refused 'setting' 4 'PORT' backtest --set PORT=ninety breakout_v1 --data .
refused 'unknown setting' 4 'PROT' backtest --set PROT=8000 breakout_v1 --data .

# --- data -------------------------------------------------------------------------------------------------------------
# shellcheck disable=SC2016 # the dollars are awk's
# minutes FILE [AWK]: four days of quiet 1m candles from 2024-01-01, each line through an awk program.
minutes() {
    awk 'BEGIN { print "timestamp,open,high,low,close,volume"
        for (i = 0; i < 5760; i++) { p = 100 + (i % 120) / 100; printf "%.0f,%.2f,%.2f,%.2f,%.2f,%d\n", 1704067200000 + i * 60000, p, p + 0.05, p - 0.05, p + 0.02, 1000 + i % 50 } }' |
        awk -F, -v OFS=, "${2:-1}" >"$1"
}
refused 'no such file' 2 'nothing.csv' backtest breakout_v1 --data nothing.csv
mkdir -p empty
refused 'empty folder' 2 'empty' backtest breakout_v1 --data empty
: >BTCUSDT-1m.csv
refused 'empty file' 2 'BTCUSDT-1m.csv' backtest breakout_v1 --data BTCUSDT-1m.csv
minutes BTCUSDT-1m.csv 'NR == 1 || NR < 1000 || NR > 1400'
refused 'holes' 1 'BTC.*(missing|holes|complete)' backtest breakout_v1 --data BTCUSDT-1m.csv
minutes BTCUSDT-1m.csv 'NR > 1 { t = $3; $3 = $4; $4 = t } 1'
refused 'swapped columns' 1 'BTCUSDT-1m.csv' backtest breakout_v1 --data BTCUSDT-1m.csv
minutes BTCUSDT-1m.csv 'NR > 1 && NR % 20 == 0 { $5 = "NaN" } 1'
refused 'NaN' 1 'BTCUSDT-1m.csv:[0-9]+' backtest breakout_v1 --data BTCUSDT-1m.csv
minutes BTCUSDT-1m.csv 'NR > 1 && NR % 20 == 0 { $4 = -1 } 1'
refused 'negative prices' 1 'BTCUSDT-1m.csv:[0-9]+' backtest breakout_v1 --data BTCUSDT-1m.csv
minutes BTCUSDT-1m.csv 'NR > 1 { $1 = sprintf("%.0f", $1 / 60000) } 1'
refused 'wrong unit of time' 1 'BTCUSDT-1m.csv' backtest breakout_v1 --data BTCUSDT-1m.csv
minutes BTCUSDT-1m.csv '{ print $1, $2, $3 }'
refused 'missing columns' 1 'BTCUSDT-1m.csv' backtest breakout_v1 --data BTCUSDT-1m.csv
printf 'this is no table\nat all\n' >BTCUSDT-1m.csv
refused 'no table' 1 'BTCUSDT-1m.csv' backtest breakout_v1 --data BTCUSDT-1m.csv
minutes plain.csv
zstd -q -f plain.csv -o BTCUSDT-1m.csv.zst && truncate -s -200 BTCUSDT-1m.csv.zst
refused 'truncated zst' 1 'BTCUSDT-1m.csv.zst' backtest breakout_v1 --data BTCUSDT-1m.csv.zst
gzip -c plain.csv | head -c 20000 >BTCUSDT-1m.csv.gz
refused 'truncated gzip' 1 'BTCUSDT-1m.csv.gz' backtest breakout_v1 --data BTCUSDT-1m.csv.gz
printf 'PAR1' >BTCUSDT-1m.parquet
refused 'parquet' 1 'parquet|Parquet' backtest breakout_v1 --data BTCUSDT-1m.parquet
minutes BTCUSDT-1m.csv 'NR < 2000'
refused 'too short to get warm' 2 '864' backtest breakout_v1 --data BTCUSDT-1m.csv
minutes BTCUSDT-1m.csv
refused 'range outside the data' 2 '2024-01-01' backtest breakout_v1 --data BTCUSDT-1m.csv --from 2025-01-01
refused 'symbol not in the data' 2 'ETHUSDT|ETH/USDT' backtest breakout_v1 --data BTCUSDT-1m.csv --symbols ETHUSDT
refused 'why of an unknown symbol' 2 'BTCUSD.*BTCUSDT' why BTCUSDX --data BTCUSDT-1m.csv
refused 'scan outside the data' 2 'do not reach' scan breakout_v1 --data BTCUSDT-1m.csv --at 2020-01-01
refused 'unknown column' 4 'clos.*close' features --data BTCUSDT-1m.csv --fields clos
refused 'unknown format' 4 '--format.*parquet' backtest breakout_v1 --data BTCUSDT-1m.csv --format parquet
# Duplicates are counted, not refused.
minutes BTCUSDT-1m.csv '{ print } NR % 100 == 0'
"$BREAKOUT" backtest breakout_v1 --data BTCUSDT-1m.csv --instruments "$ROOT/recordings/binance-usdm-2025-05/instruments.csv" >/dev/null 2>&1
expect 'duplicates are dropped' "$?" 0

# --- presets ----------------------------------------------------------------------------------------------------------
minutes BTCUSDT-1m.csv
preset() { # SED: breakout_v1 changed, as bad.json
    sed -e 's/"name": "breakout_v1"/"name": "bad"/' -e "$1" "$ROOT/presets/breakout_v1.json" >bad.json
}
refused 'unknown preset' 2 'breakout_v9|breakout_v1' backtest breakout_v9 --data BTCUSDT-1m.csv
preset 's/"risk_per_trade"/"risk_per_trad"/'
refused 'wrong key' 4 'risk_per_trad.*risk_per_trade' backtest ./bad.json --data BTCUSDT-1m.csv
preset 's/"risk_per_trade": *[0-9.]*/"risk_per_trade": 5/'
refused 'out of bounds' 4 'risk_per_trade.*5' backtest ./bad.json --data BTCUSDT-1m.csv
preset 's/"risk_per_trade": *[0-9.]*/"risk_per_trade": "much"/'
refused 'wrong type' 4 'risk_per_trade' backtest ./bad.json --data BTCUSDT-1m.csv
preset '$d'
refused 'broken JSON' 4 'bad.json' backtest ./bad.json --data BTCUSDT-1m.csv
refused 'wrong key of --set-key' 4 'risk.risk_per_trad' backtest breakout_v1 --data BTCUSDT-1m.csv --set-key risk.risk_per_trad=0.01
refused 'wrong value of --set-key' 4 'risk_per_trade' backtest breakout_v1 --data BTCUSDT-1m.csv --set-key risk.risk_per_trade=2
refused '--set-key without =' 4 'KEY=VALUE' backtest breakout_v1 --data BTCUSDT-1m.csv --set-key risk

# --- where results go -------------------------------------------------------------------------------------------------
: >file
refused 'output below a file' 1 'file' backtest channel_baseline --data BTCUSDT-1m.csv -o file/out
if [ "$(id -u)" -ne 0 ]; then
    mkdir -p locked && chmod a-w locked
    refused 'read-only folder' 1 'locked' backtest channel_baseline --data BTCUSDT-1m.csv -o locked/out
elif mkdir -p locked && mount -t tmpfs -o size=16k none locked 2>/dev/null; then
    refused 'full disk' 1 'locked' backtest channel_baseline --data BTCUSDT-1m.csv -o locked/out
    mount -o remount,ro locked
    refused 'read-only folder' 1 'locked' backtest channel_baseline --data BTCUSDT-1m.csv -o locked/new
    umount locked
else
    skip 'read-only folder, full disk' 'root without mounts'
fi
# Nobody asked for files: a folder that cannot be written costs the files, not the result.
DATA_DIR=$SCRATCH/file/data "$BREAKOUT" backtest channel_baseline --data BTCUSDT-1m.csv >out.txt 2>note.txt
expect 'data folder that cannot be made: exit code' "$?" 0
expect_text 'data folder that cannot be made: note' "$(cat note.txt)" 'cannot be written'
expect_text 'data folder that cannot be made: result' "$(cat out.txt)" '^Digest: '

# --- as JSON, and no server -------------------------------------------------------------------------------------------
json=$("$BREAKOUT" backtest breakout_v1 --data nothing.csv --json 2>/dev/null)
expect 'problem JSON: exit code' "$?" 2
expect_text 'problem JSON' "$json" '"code": "not_found"'
port=$(free_port)
refused 'no server' 3 "127.0.0.1:$port" scan --url "http://127.0.0.1:$port"
refused 'no server for why' 3 "127.0.0.1:$port" why BTCUSDT --url "http://127.0.0.1:$port"

finish
