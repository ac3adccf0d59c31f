#!/usr/bin/env bash
# Seeds of tests/simulation/test_crash_points.c, 25 a process, several processes at once. Prints a line for each 25, the sums at the end.
#
#   crash.sh PROGRAM FIRST SEEDS JOBS
set -euo pipefail
program=$1
first=$2
seeds=$3
jobs=$4
TMPDIR=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

# shellcheck disable=SC2016 # expanded by the inner shell
seq "$first" 25 $((first + seeds - 1)) | xargs -P "$jobs" -I{} bash -c '
    last=$(($2 + $3 - 1))
    count=$((last - $4 + 1 < 25 ? last - $4 + 1 : 25))
    CRASH_SEED=$4 CRASH_SEEDS=$count "$1" 2>&1 | grep -v "^\[" | sed "/^$/d"
    exit "${PIPESTATUS[0]}"' crash "$program" "$first" "$seeds" {} | tee "$TMPDIR/lines" || code=1
awk '/^seeds/ { deaths += $14; missed += $16; repairs += $19; if ($23 > slowest) slowest = $23; runs++ }
    END { printf "%d processes without a violation: %d deaths, %d not reached, %d repairs, settled within %d ms\n", runs, deaths, missed, repairs, slowest }' "$TMPDIR/lines"
exit "${code:-0}"
