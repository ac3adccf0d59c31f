#!/usr/bin/env bash
# Prints how much of core and engine the tests reached, after they ran in a coverage build.
#
#   coverage.sh BUILD_FOLDER
#
# The two closing lines are 'lines: 93.1 %' and 'branches: 84.0 %'; COVERAGE_MIN_LINES and COVERAGE_MIN_BRANCHES (percent) make it
# fail below them. The page to read is BUILD_FOLDER/coverage/index.html.
set -euo pipefail
folder=$1
mkdir -p "$folder/coverage"
# A check() that holds has a branch never taken, by design; gcov's branches of inlined string functions are not ours either.
gcovr --root . --object-directory "$folder" --filter 'src/core/' --filter 'src/engine/' --exclude-unreachable-branches \
    --exclude-branches-by-pattern '.*\bcheck\(.*' --html-details "$folder/coverage/index.html" --json-summary "$folder/coverage/summary.json" \
    --txt "$folder/coverage/table.txt" "$folder/obj/src"
cat "$folder/coverage/table.txt"
jq -r '"lines: \(.line_percent) %", "branches: \(.branch_percent) %"' "$folder/coverage/summary.json"
jq -e --argjson lines "${COVERAGE_MIN_LINES:-0}" --argjson branches "${COVERAGE_MIN_BRANCHES:-0}" \
    '.line_percent >= $lines and .branch_percent >= $branches' "$folder/coverage/summary.json" >/dev/null || {
    echo "coverage is below ${COVERAGE_MIN_LINES:-0} % of lines or ${COVERAGE_MIN_BRANCHES:-0} % of branches" >&2
    exit 1
}
