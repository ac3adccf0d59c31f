#!/usr/bin/env bash
# Our scripts pass the checks of shellcheck.
#
#   shell.sh [TREE]
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"
{
    find . \( -name node_modules -o -path ./build -o -path ./.git \) -prune -o -name '*.sh' -print
    [ ! -f .ci/run ] || echo .ci/run
} | sort | xargs shellcheck -x
