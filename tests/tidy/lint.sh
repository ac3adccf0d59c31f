#!/usr/bin/env bash
# clang-tidy (the checks of .clang-tidy, all of which find bugs) and cppcheck over src.
#
#   lint.sh [--quick] [TREE]
#
#   --quick    without the static analyzer, which follows every path through every function and takes most of the time
set -euo pipefail
checks=()
if [ "${1:-}" = --quick ]; then
    checks=(--checks=-clang-analyzer-*)
    shift
fi
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"
jobs=$(nproc)
result=0

# Version texts come from the Makefile; their values do not matter here.
defines=(-DBREAKOUT_VERSION=\"\" -DBREAKOUT_COMMIT=\"\" -DBREAKOUT_COMMITTED_AT=\"\")

# One file a process; what it finds is printed in one piece.
# shellcheck disable=SC2016 # expanded by the inner shell
find src -name '*.c' | sort | xargs -r -P "$jobs" -n 1 bash -c '
    findings=$(clang-tidy --quiet --warnings-as-errors="*" "${@: -1}" "${@:1:$#-1}" 2>/dev/null) || {
        printf "%s\n" "$findings"
        exit 1
    }' lint "${checks[@]}" -- -std=gnu17 -Isrc "${defines[@]}" || result=1
cppcheck --quiet -j "$jobs" --std=c11 --language=c -Isrc --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
    --suppressions-list=tests/tidy/cppcheck.txt "${defines[@]}" src || result=1
exit "$result"
