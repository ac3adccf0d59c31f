#!/usr/bin/env bash
# docs/generated is what the program says now; bench.md is measured and has its own target.
#
#   docs_fresh.sh PROGRAM [TREE]
set -euo pipefail
program=$(realpath "$1")
cd "${2:-$(dirname "${BASH_SOURCE[0]}")/../..}"
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
scripts/docs.sh "$program" "$fresh"
mkdir -p docs/generated
diff -r -x bench.md docs/generated "$fresh" || {
    echo "docs/generated is stale: run 'make docs' and commit the result"
    exit 1
}
