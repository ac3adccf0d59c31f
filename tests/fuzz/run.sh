#!/usr/bin/env bash
# Runs fuzz targets one after another and says what each did.
#
#   run.sh seeds PROGRAMS...               programs without a fuzzer: the files of the corpus, and changed ones
#   run.sh all SECONDS FINDINGS PROGRAMS...   programs with libFuzzer, SECONDS of processor time each; what breaks one lands in FINDINGS
#
# Exit 1 when one is broken. 'seeds' closes with 'N passed, N failed, N skipped'.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
log=$(mktemp)
trap 'rm -f "$log" "$log.time"' EXIT
failed=0
passed=0

# Some make that state their inputs meet, which takes longer than the inputs.
changed_of() { case $1 in handlers) echo 60 ;; preset | settings | socket) echo 100 ;; *) echo 300 ;; esac }

run_seeds() {
    local program name
    for program in "$@"; do
        name=$(basename "$program")
        if "$program" "tests/fuzz/corpus/$name" "$(changed_of "$name")" >"$log" 2>&1; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            printf 'FAILED seeds of %s\n' "$name"
            tail -n 30 "$log"
        fi
    done
    printf '%d passed, %d failed, 0 skipped\n' "$passed" "$failed"
}

# fuzz PROGRAM NAME SECONDS FINDINGS: runs it, again where a busy machine gave it less, until it has had its seconds of processor time.
fuzz() {
    local program=$1 name=$2 seconds=$3 findings=$4 code=0 spent
    used=0 inputs=0 TIMEFORMAT='%U %S'
    while [ "$code" -eq 0 ] && [ "$used" -lt "$seconds" ]; do
        { time nice -n 19 "$program" -max_total_time=$((seconds - used > 5 ? seconds - used : 5)) -timeout=300 -print_final_stats=1 \
            -artifact_prefix="$findings/$name-" "$findings/$name" "tests/fuzz/corpus/$name" >"$log" 2>&1; } 2>"$log.time" || code=$?
        spent=$(awk 'END { print int($1 + $2 + 0.5) }' "$log.time")
        used=$((used + spent))
        inputs=$((inputs + $(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | grep . || echo 0)))
    done
    return "$code"
}

run_all() {
    local seconds=$1 findings=$2 program name said
    shift 2
    printf '%-12s %8s %12s %9s %8s  %s\n' target 'cpu s' inputs coverage 'peak MB' finding
    for program in "$@"; do
        name=$(basename "$program")
        name=${name#fuzz_}
        mkdir -p "$findings/$name"
        said=none
        if ! fuzz "$program" "$name" "$seconds" "$findings"; then
            failed=$((failed + 1))
            cp "$log" "$findings/$name.log"
            said=$(grep -E 'SUMMARY|^check failed' "$log" | head -n 1 || true)
        fi
        printf '%-12s %8s %12s %9s %8s  %s\n' "$name" "$used" "$inputs" "$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1 | cut -d' ' -f2)" \
            "$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")" "$said"
    done
}

case ${1:-} in
seeds) run_seeds "${@:2}" ;;
all) run_all "${@:2}" ;;
*)
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
[ "$failed" -eq 0 ]
