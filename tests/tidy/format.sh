#!/usr/bin/env bash
# clang-format has nothing to change. Only .c and .h: the columns of a .def are laid out by hand.
#
#   format.sh [TREE]
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"
untidy=$(find src tests -name '*.[ch]' | sort | xargs -r -n 16 -P "$(nproc)" clang-format --dry-run 2>&1 | sed -nE 's/^([^:]+):[0-9]+:[0-9]+: warning: code should be clang-formatted.*/\1/p' | sort -u)
[ -z "$untidy" ] || {
    printf "not formatted ('make format' mends it):\n%s\n" "$untidy"
    exit 1
}
