#!/usr/bin/env bash
# Plants each look into the future of leaks.txt into a copy of the tree, builds it, and runs the look-ahead check, which must find it. The tree without
# a leak must pass.
#
#   run.sh [-only TEXT]...
#
#   -only TEXT    only the leaks whose name or file contains the text
#
# Prints a line a leak with the form of run that found it first; exit 1 when one is not found. LEAKS_COPY names a folder for the copy that is kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
only=()
while [ $# -gt 0 ]; do
    case $1 in
    -only) only+=("$2") ;;
    *)
        sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
    esac
    shift 2
done
if [ -n "${LEAKS_COPY:-}" ]; then
    copy=$LEAKS_COPY
    mkdir -p "$copy"
    rm -rf "$copy/src" "$copy/tests"
else
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' EXIT
fi
# The hole comes with the copy: the program itself has none.
git archive HEAD Makefile src tests/support tests/leaks presets recordings CHANGELOG.md scripts | tar -x -m -C "$copy"
cd "$copy"
cp tests/leaks/future.h tests/leaks/future.c src/adapters/source/
build() { make BUILD="$copy/build" WHOLE_COMPILE= WHOLE_LINK= all >"$copy/build.log" 2>&1; }

# plant FILE OLD NEW: false unless OLD stands there exactly once.
plant() {
    OLD=$2 NEW=$3 perl -0pi -e 'my ($o, $n) = @ENV{qw(OLD NEW)}; my $c = () = /\Q$o\E/g; if ($c != 1) { warn "stands there $c times\n"; exit 3 } s/\Q$o\E/$n/' "$1"
}

cannot() {
    echo "$1"
    tail -n 20 "$copy/build.log"
    exit 2
}

# Eight symbols of which some have funding, eleven days of which eight are traded.
symbols=BTCUSDT,ETHUSDT,SOLUSDT,XRPUSDT,AVAXUSDT,LTCUSDT,XLMUSDT,LINKUSDT
check() {
    "$copy/build/breakout" backtest "$1" --data recordings/binance-usdm-2025-05 --symbols "$symbols" --to 2025-05-12 --after-kill next-day --lookahead-check \
        --all -q --json >"$copy/said.json" 2>"$copy/said.txt"
}

# found_by PRESET...: the first form of run that differs, and its field.
found_by() {
    local preset code
    for preset in "$@"; do
        code=0
        check "$preset" || code=$?
        [ "$code" -le 1 ] || cannot "$(cat "$copy/said.txt")"
        [ "$code" -eq 0 ] || {
            sed -nE 's/^ *"(form|field)": ("?[^",]*"?),?$/\2/p' "$copy/said.json" | tr -d '"' | head -n 2 | paste -sd' '
            return
        }
    done
}

plant src/apps/wiring.c '#include "apps/wiring.h"' $'#include "adapters/source/future.h"\n#include "apps/wiring.h"'
plant src/apps/wiring.c '  fill_limits(wiring);' $'  future_use(wiring->source);\n  fill_limits(wiring);'
build || cannot 'the copy does not build'
said=$(found_by breakout_v1 channel_baseline)
[ -z "$said" ] || cannot "without any leak something differs: $said"

missed=0 found=0
mapfile -t lines <tests/leaks/leaks.txt
for line in "${lines[@]}"; do
    case $line in
    '' | '#'* | -* | +*) continue ;;
    esac
    wanted=${#only[@]}
    for text in "${only[@]}"; do [[ $line != *"$text"* ]] || wanted=0; done
    [ "$wanted" -eq 0 ] || continue
    name=${line% \[*}
    file=${line##*\[}
    file=${file%\]}
    block=$(awk -v head="$line" '$0 == head { on = 1; next } on && !/^[-+]/ { exit } on' tests/leaks/leaks.txt)
    cp "$file" "$copy/original"
    plant "$file" "$(sed -n 's/^-//p' <<<"$block")" "$(sed -n 's/^+//p' <<<"$block")" || cannot "$name: not planted in $file"
    sed -i '1i #include "adapters/source/future.h"' "$file"
    build || cannot "$name: does not compile"
    by=$(found_by breakout_v1 channel_baseline)
    printf '%-40s %s\n' "$name" "${by:-NOT FOUND}"
    if [ -n "$by" ]; then found=$((found + 1)); else missed=$((missed + 1)); fi
    cp "$copy/original" "$file"
done
echo "$found found, $missed not found"
[ "$missed" -eq 0 ]
