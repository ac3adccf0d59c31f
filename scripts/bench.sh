#!/usr/bin/env bash
# Runs the benchmarks one after another, so that they don't disturb each other: the compiled ones, then tests/bench/*.sh.
#
#   bench.sh BUILD_FOLDER PROGRAM...
#
# A script gets the program to measure as its argument.
set -euo pipefail
folder=$1
shift
for program in "$@"; do
    echo "--- $(basename "$program")"
    "$program"
done
for script in tests/bench/*.sh; do
    [ -x "$script" ] || continue
    echo "--- $(basename "$script")"
    "$script" "$folder/breakout"
done
