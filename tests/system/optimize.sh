#!/usr/bin/env bash
# Searches over the recording: the best set is the backtest of its values; any number of processes and an interruption change nothing;
# what cannot be searched is refused by name.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
trap 'rm -rf "$SCRATCH"' EXIT

with_recording optimize

data=(--data "$RECORDING/ETHUSDT-1m.csv.zst,$RECORDING/LTCUSDT-1m.csv.zst" --instruments "$RECORDING/instruments.csv" --to 2025-05-20
    --after-kill next-day --set-key risk.risk_per_trade=0.002 -q)
params=(--param channel_config.period=10:40:10 --param "channel_config.target_r=1,2,-3" --min-trades 10)
search() { "$BREAKOUT" optimize channel_baseline "${data[@]}" "${params[@]}" "$@"; }
# What differs between equal searches by its nature.
same_part() { grep -vE '"(run_id|created_at|duration_ms)":' "$1"; }
member() { sed -n "s/^ *\"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" "$1" | head -1; }

search --walk-forward 6:3 --embargo 6 --monte-carlo 100 --jobs 1 --json >one.json 2>one.err
expect "search" "$?" 0
search --walk-forward 6:3 --embargo 6 --monte-carlo 100 --jobs 2 --json >two.json 2>/dev/null
expect "any number of processes" "$(same_part two.json | sha256sum)" "$(same_part one.json | sha256sum)"
expect "sets against the bounds" "$(member one.json invalid)" 4
expect_text "walk-forward" "$(cat one.json)" '"stability"'
expect_text "Monte Carlo" "$(cat one.json)" '"bootstrap"'

# The best set alone.
best=$(sed -n '/^  "best": {/,/^  }/p' one.json)
keys=()
while IFS='=' read -r key value; do keys+=(--set-key "$key=$value"); done < <(sed -n 's/^ *"\(channel_config[^"]*\)": "\(.*\)",\{0,1\}$/\1=\2/p' <<<"$best")
"$BREAKOUT" backtest channel_baseline "${data[@]}" "${keys[@]}" --json >alone.json 2>/dev/null
expect "digest alone" "$(member alone.json digest)" "$(sed -n 's/^ *"digest": "\([0-9a-f]*\)".*/\1/p' <<<"$best")"
metrics() { sed -n '/^  "metrics": {/,/^  }/p' "$1" | head -120; }
expect "figures alone" "$(metrics alone.json | sha256sum)" "$(metrics one.json | sha256sum)"

# Interrupted, then killed, then to the end: as if nothing had been.
search -o whole >/dev/null 2>&1
"$BREAKOUT" optimize channel_baseline "${data[@]}" "${params[@]}" -o parts --jobs 1 >/dev/null 2>&1 &
pid=$!
until_true 20 test -s parts/sets.bin
kill -KILL "$pid"
wait "$pid" 2>/dev/null
until_true 5 test ! -e "/proc/$pid"
cp parts/sets.bin kept.bin
[ "$(wc -c <kept.bin)" -gt 2000 ] && truncate -s -100 parts/sets.bin # the last record is torn
"$BREAKOUT" optimize --resume parts >/dev/null 2>resume.err
expect "resumed" "$?" 0
expect "resumed is the same" "$(same_part parts/result.json | sha256sum)" "$(same_part whole/result.json | sha256sum)"
for file in result.json sets.csv report.html search.json; do
    expect "file $file" "$([ -s "whole/$file" ] && echo there)" there
done
expect "a row a set" "$(wc -l <whole/sets.csv)" 9
expect "no external resource" "$(grep -cE '(src|href)=.?(https?:)?//|@import|url\(' whole/report.html)" 0
shown=$("$BREAKOUT" report run whole 2>&1)
expect_text "report run" "$shown" '^Search: +grid, 12 sets'
expect_text "report run has the best set" "$shown" '^ +1 +[0-9]+ +[0-9]+ '
search --objective sharpe --resume parts >/dev/null 2>&1
expect "another order of the same sets" "$?" 0
"$BREAKOUT" optimize channel_baseline "${data[@]}" --param channel_config.period=10,20 --resume parts >/dev/null 2>other.err
expect "another search" "$?" 4
expect_text "what is another" "$(cat other.err)" 'parameters: .*10:40:10'

# The fast twin of one symbol and the engine: the same figures.
one=(--data "$RECORDING/ETHUSDT-1m.csv.zst" --instruments "$RECORDING/instruments.csv" --after-kill next-day --set-key risk.risk_per_trade=0.002 -q)
figures() { cut -d, -f1-40 "$1"; }
"$BREAKOUT" hyperopt channel_baseline "${one[@]}" "${params[@]}" --csv >fast.csv 2>/dev/null
expect "hyperopt" "$?" 0
"$BREAKOUT" optimise channel_baseline "${one[@]}" "${params[@]}" --csv --full-engine >engine.csv 2>/dev/null
expect "twin and engine" "$(figures fast.csv | sha256sum)" "$(figures engine.csv | sha256sum)"

# Refused by name.
refused() { # NAME PATTERN arguments...
    local name=$1 pattern=$2
    shift 2
    "$BREAKOUT" optimize channel_baseline "${data[@]}" "$@" >/dev/null 2>refused.err
    expect "$name" "$?" 4
    expect_text "$name" "$(cat refused.err)" "$pattern"
}
refused "no key" 'allowed --param'
refused "unknown key" 'nearest is channel_config.period' --param channel_config.perod=1,2
refused "no such value" 'allowed >= 2, <= 500' --param channel_config.period=a
refused "nothing is valid" 'none of the 2 sets' --param channel_config.period=0,1
refused "unknown objective" 'allowed sharpe' --param channel_config.period=10,20 --objective sharp
refused "windows that overlap" 'STEP of at least OOS' --param channel_config.period=10,20 --walk-forward 5:5:2

finish
