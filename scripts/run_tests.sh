#!/usr/bin/env bash
# Runs test programs side by side and adds up what cmocka says of each.
#
#   run_tests.sh LOG_DIR JOBS PROGRAM...
#
# Prints one line per program that failed (with its output), then 'N passed, N failed, N skipped'.
# A program that dies, runs over its time or runs no test counts as a failure of its own. Exit 1 if anything failed.
set -u

run_one() {
    local log_dir=$1 program=$2 name log scratch code
    name=$(basename "$(dirname "$program")")_$(basename "$program")
    log=$log_dir/$name.log
    scratch=$(mktemp -d)
    TMPDIR=$scratch timeout --kill-after=10 "${TEST_SECONDS_MAX:-600}" "$program" >"$log" 2>&1 </dev/null
    code=$?
    rm -rf "$scratch"
    local passed failed skipped
    passed=$(sum_of PASSED "$log")
    failed=$(sum_of FAILED "$log")
    skipped=$(sum_of SKIPPED "$log")
    # cmocka exits with the number of failures; anything else is a crash, a sanitizer's report or the time limit.
    if [ "$failed" -eq 0 ] && { [ "$code" -ne 0 ] || [ $((passed + skipped)) -eq 0 ]; }; then
        failed=1
        [ "$code" -eq 124 ] && echo "no end after ${TEST_SECONDS_MAX:-600} s" >>"$log"
    fi
    if [ "$failed" -ne 0 ]; then
        {
            echo "FAILED $program (exit $code), the end of $log:"
            grep -E '^\[  (FAILED|ERROR) |ERROR:|runtime error|^check failed' "$log" | head -n 20
            tail -n 25 "$log" | sed 's/^/    /'
        } >&2
    fi
    echo "$passed $failed $skipped" >"$log_dir/$name.count"
}

# The closing lines of a group read '[  PASSED  ] 12 test(s).': one file may run several groups.
sum_of() {
    sed -nE "s/^\[ +$1 +\] ([0-9]+) test\(s\).*/\1/p" "$2" | awk '{ n += $1 } END { print n + 0 }'
}

if [ "${1:-}" = --one ]; then
    run_one "$2" "$3"
    exit 0
fi

log_dir=$1
jobs=$2
shift 2
mkdir -p "$log_dir"
rm -f "$log_dir"/*.count "$log_dir"/*.log
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1:detect_leaks=1}
# make hands its variables on, and MODE is a name of one of the program's settings too.
unset MODE BUILD CC MAKEFLAGS MFLAGS
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
if [ $# -gt 0 ]; then
    printf '%s\0' "$@" | xargs -0 -n 1 -P "$jobs" "$0" --one "$log_dir"
fi
cat "$log_dir"/*.count 2>/dev/null | awk '{ p += $1; f += $2; s += $3 } END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 || p + s == 0 }'
