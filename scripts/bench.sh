#!/usr/bin/env bash
# Runs the benchmarks one after another, so that they don't disturb each other: the compiled ones, then tests/bench/*.sh. What they print
# is shown and kept in docs/generated/bench.md with the machine it was measured on.
#
#   bench.sh BUILD_FOLDER PROGRAM...
#
# A script gets the program to measure as its argument.
set -euo pipefail
folder=$1
shift
page=docs/generated/bench.md
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT

describe_machine() {
    printf '%s, %s of %s cores used, %s MiB of memory; %s; commit %s\n' \
        "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" 1 "$(nproc)" \
        "$(awk '/^MemTotal/ { printf "%d", $2 / 1024 }' /proc/meminfo)" "$(gcc --version | head -n 1)" \
        "$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)"
}

measure() {
    local program=$1
    shift
    printf '\n## %s\n\n```\n' "$(basename "$program")"
    "$program" "$@"
    printf '```\n'
}

{
    cat <<'END'
# Speed and size

Written by `make bench`; measured, so every run differs a little. Ratios are of figures from the same run.

Method: every row of `bench_backtest` is a process of its own, started again and again in turns with the rows it is compared with; shown
are medians: CPU time (user and system) and wall time from start to exit, peak resident memory, and what the process said at its end.
Bars per second are of CPU time. The bare loop reads the same file into memory, turns its digits to numbers, builds 5m candles, and does
the channel, the average true range, entries, stops and targets; it has no events, checks, orders, fees by fill, records or digest.
The market of a million bars is made from a seed; risk is a hundred-thousandth of the account a trade, so that the strategy trades from
the first day to the last. `bench_engine` measures inside one process: the time of every step, and every call of malloc, calloc and
realloc of the whole process during steps (engine, venue, runner and digest). `bench_daemon` starts the server as `start.sh` does.
`bench_optimize` measures sets of a search by processor time in one process, in figures complete, beside a bare loop that shares its
channels and ranges between the sets too, and the search on one and on two processes by wall time.

END
    describe_machine
    for program in "$@"; do measure "$program"; done
    for script in tests/bench/*.sh; do
        if [ -x "$script" ]; then measure "$script" "$folder/breakout"; fi
    done
} | tee "$fresh"
mkdir -p "$(dirname "$page")"
cp "$fresh" "$page"
