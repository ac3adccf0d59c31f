#!/usr/bin/env bash
# The user interface in headless Chromium against the real program in demo mode (frontend/e2e): first start and login, a trade from
# candidate to exit, halt and recover, presets, backtests, a lost connection, phone, keyboard alone, axe on every page in both themes.
#
# CHROMIUM names another browser than /usr/bin/chromium. Takes some minutes.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
trap 'rm -rf "$SCRATCH"' EXIT

if [ ! -x "${CHROMIUM:-/usr/bin/chromium}" ]; then
    skip ui "no Chromium; scripts/packages.sh install test"
    finish
    exit
fi
cd "$ROOT" || exit 1
result=$SCRATCH/result.json
make e2e E2E_ARGS="--reporter=verbose --reporter=json --outputFile.json=$result"
code=$?
if [ -s "$result" ]; then
    passed=$(jq .numPassedTests "$result")
    failed=$(jq .numFailedTests "$result")
    skipped=$(jq .numPendingTests "$result")
fi
# A file that could not begin has no test that failed.
if [ "$code" -ne 0 ] && [ "$failed" -eq 0 ]; then
    failed=1
fi
finish
