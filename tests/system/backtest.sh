#!/usr/bin/env bash
# Backtests over the recording: the same digest and the same document every time, in any order of the files, with any number of
# processes, by both compilers; no decision looks ahead; the files say what the screen says.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
trap 'rm -rf "$SCRATCH"' EXIT

with_recording backtest

# Ten days of five symbols: enough for trades, short enough to be repeated.
files=()
for symbol in BTC ETH SOL LTC AVAX; do files+=("$RECORDING/${symbol}USDT-1m.csv.zst"); done
run() { # PROGRAM arguments...
    local program=$1
    shift
    "$program" backtest breakout_v1_relaxed --instruments "$RECORDING/instruments.csv" --to 2025-05-14 --after-kill next-day -q "$@"
}
joined() { local IFS=,; printf '%s' "$*"; }
backwards() { local i; for ((i = ${#files[@]} - 1; i >= 0; i--)); do printf '%s\n' "${files[i]}"; done; }
# What differs between equal runs by its nature.
same_part() { grep -vE '"(run_id|created_at|duration_ms)":' "$1"; }
digest() { sed -n 's/^  "digest": "\([0-9a-f]*\)",$/\1/p' "$1"; }

run "$BREAKOUT" --data "$(joined "${files[@]}")" --json >first.json 2>first.err
expect "first run" "$?" 0
expect_text "a digest" "$(digest first.json)" '^[0-9a-f]{64}$'
expect_text "trades" "$(grep -c '"trade_id"' first.json)" '^[1-9]'

run "$BREAKOUT" --data "$(joined "${files[@]}")" --json >second.json 2>/dev/null
expect "equal document" "$(same_part second.json | sha256sum)" "$(same_part first.json | sha256sum)"

mapfile -t reversed < <(backwards)
run "$BREAKOUT" --data "$(joined "${reversed[@]}")" --json >reversed.json 2>/dev/null
expect "other order of files" "$(same_part reversed.json | sha256sum)" "$(same_part first.json | sha256sum)"

repeated=()
for file in "${files[@]}"; do repeated+=(--data "$file"); done
run "$BREAKOUT" "${repeated[@]}" --json >repeated.json 2>/dev/null
expect "--data given many times" "$(same_part repeated.json | sha256sum)" "$(same_part first.json | sha256sum)"

run "$BREAKOUT" --data "$(joined "${files[@]}")" --path-bounds --jobs 1 --json >one.json 2>/dev/null
run "$BREAKOUT" --data "$(joined "${files[@]}")" --path-bounds --jobs 3 --json >three.json 2>/dev/null
expect "any number of processes" "$(same_part three.json | sha256sum)" "$(same_part one.json | sha256sum)"
expect_text "path bounds" "$(cat one.json)" '"favourable"'

for compiler in gcc clang-14; do
    other=$ROOT/build/$compiler-release/breakout
    if [ -x "$other" ]; then
        run "$other" --data "$(joined "${files[@]}")" --json >"$compiler.json" 2>/dev/null
        expect "digest of $compiler" "$(digest "$compiler.json")" "$(digest first.json)"
    else
        skip "digest of $compiler" "not built"
    fi
done

# Files: everything that was asked for, and the totals agree.
run "$BREAKOUT" --data "$(joined "${files[@]}")" --export all --html -o out >/dev/null 2>&1
expect "run with files" "$?" 0
for file in result.json trades.csv equity.csv decisions.jsonl orders.csv fills.csv levels.csv report.html; do
    expect "file $file" "$([ -s "out/$file" ] && echo there)" there
done
expect "trades in CSV" "$(($(wc -l <out/trades.csv) - 1))" "$(grep -c '"trade_id"' first.json)"
expect "digest in file" "$(digest out/result.json)" "$(digest first.json)"
expect "no external resource" "$(grep -cE '(src|href)=.?(https?:)?//|@import|url\(' out/report.html)" 0
# The profits of the trades, with what was left open, are what the account gained.
gained=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "pnl_usd") c = i } NR > 1 { s += $c } END { printf "%.2f", s }' out/trades.csv)
profit=$(awk -F'[:,]' '/^    "net_profit_usd":/ { printf "%.2f", $2; exit }' out/result.json)
expect "sum of trades" "$gained" "$profit"

# An id is given where reports can be kept, and `report run` finds it.
run "$BREAKOUT" --data "$(joined "${files[@]}")" >text.txt 2>/dev/null
id=$(sed -n 's/^Run: *\(B[0-9]*\),.*/\1/p' text.txt)
expect_text "run id" "$id" '^B[0-9]{6}$'
expect_text "report run" "$("$BREAKOUT" report run "$id" -q 2>&1)" "$(digest first.json)"
expect_text "stamps come first" "$(head -1 text.txt)" '^Stamps:'

run "$BREAKOUT" --data "$(joined "${files[@]}")" --lookahead-check --cuts 3 >lookahead.txt 2>&1
expect "look-ahead check" "$?" 0
expect_text "look-ahead check" "$(cat lookahead.txt)" '[1-9][0-9]* compared, 0 differ'

# features, scan and why over the same data
features() { "$BREAKOUT" features SOLUSDT --data "$(joined "${files[@]}")" --instruments "$RECORDING/instruments.csv" --from 2025-05-10 --to 2025-05-10T01:00 -q "$@" 2>&1; }
expect "a row per 5m candle" "$(features --csv | wc -l)" 13
expect "chosen columns" "$(features --csv --fields ts,close | head -1)" 'ts,close'
expect_text "unknown column" "$(features --fields clos)" 'allowed close'
scan=$("$BREAKOUT" scan breakout_v1 --data "$(joined "${files[@]}")" --at 2025-05-10 --failed -q 2>&1)
expect "scan" "$(grep -cE '/USDT:USDT' <<<"$scan")" 5
why=$("$BREAKOUT" why SOLUSDT --data "$(joined "${files[@]}")" --at 2025-05-10T12:00 -q 2>&1)
expect_text "why" "$why" '^SOL/USDT:USDT: '
expect_text "why names tests" "$why" '^filter +(passed|failed) '
"$BREAKOUT" why SOLLUSDT --data "${files[0]}" -q >/dev/null 2>&1
expect "why of an unknown symbol" "$?" 2

finish
