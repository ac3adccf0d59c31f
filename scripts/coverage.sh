#!/usr/bin/env bash
# Prints how much of core and engine the tests reached, after they ran in a coverage build.
#
#   coverage.sh BUILD_FOLDER
#
# The two closing lines are 'lines: 93.1 %' and 'branches: 84.0 %'; COVERAGE_MIN_LINES and COVERAGE_MIN_BRANCHES (percent) make it
# fail below them. The page to read is BUILD_FOLDER/coverage/index.html. A function with lines that no test reaches must stand in
# tests/coverage_excuses.txt with its excuse.
set -euo pipefail
folder=$1
excuses=tests/coverage_excuses.txt
mkdir -p "$folder/coverage"
# A check() that holds has a branch never taken, by design; gcov's branches of inlined string functions are not ours either.
gcovr --root . --object-directory "$folder" --filter 'src/core/' --filter 'src/engine/' --exclude-unreachable-branches \
    --exclude-branches-by-pattern '.*\bcheck\(.*' --html-details "$folder/coverage/index.html" --json-summary "$folder/coverage/summary.json" \
    --json "$folder/coverage/lines.json" --txt "$folder/coverage/table.txt" "$folder/obj/src"
cat "$folder/coverage/table.txt"

# function_at FILE LINE: the name of the function in which the line stands. Definitions begin at the left margin, and nothing else does that has a bracket.
function_at() {
    awk -v line="$2" 'NR > line { exit } /^[A-Za-z_].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) } END { print name }' "$1"
}

jq -r '.files[] | .file as $file | .lines[] | select(.count == 0 and (."gcovr/noncode" | not)) | "\($file) \(.line_number)"' \
    "$folder/coverage/lines.json" | while read -r file line; do
    echo "$file:$(function_at "$file" "$line")"
done | sort -u >"$folder/coverage/unreached.txt"
sed -n 's/^\(src[^:]*:[^:]*\): .*/\1/p' "$excuses" | sort -u >"$folder/coverage/excused.txt"
missing=$(comm -23 "$folder/coverage/unreached.txt" "$folder/coverage/excused.txt")
unused=$(comm -13 "$folder/coverage/unreached.txt" "$folder/coverage/excused.txt")
[ -z "$unused" ] || printf 'an excuse that is not needed any more in %s:\n%s\n' "$excuses" "$unused"
jq -r '"lines: \(.line_percent) %", "branches: \(.branch_percent) %"' "$folder/coverage/summary.json"
code=0
if [ -n "$missing" ]; then
    printf 'lines that no test reaches, without an excuse in %s, in:\n%s\n' "$excuses" "$missing" >&2
    code=1
fi
jq -e --argjson lines "${COVERAGE_MIN_LINES:-0}" --argjson branches "${COVERAGE_MIN_BRANCHES:-0}" \
    '.line_percent >= $lines and .branch_percent >= $branches' "$folder/coverage/summary.json" >/dev/null || {
    echo "coverage is below ${COVERAGE_MIN_LINES:-0} % of lines or ${COVERAGE_MIN_BRANCHES:-0} % of branches" >&2
    code=1
}
exit "$code"
