#!/usr/bin/env bash
# Our scripts pass the checks of shellcheck.
#
#   shell.sh [TREE]
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"
{
    find . -maxdepth 1 -name '*.sh'
    find scripts tests deploy -name '*.sh' 2>/dev/null || true
    [ ! -f .ci/run ] || echo .ci/run
} | sort | xargs shellcheck -x
