#!/usr/bin/env bash
# Tests everything on this machine, from nothing: installs what the tests need, builds, runs them, adds up.
#
#   ./test.sh [--quick] [-h|--help]
#
#   --quick    only the compiled tests, as they are built already: no packages, no sanitizers, no system tests
#
# DOCKER_TESTS=no leaves the tests on a Docker engine out, which take a few minutes; they skip by themselves where no engine can be started.
#
# In order: tidy checks, the compiled tests under ASan and UBSan, checks and tests of the user interface, the build by the second
# compiler, the system tests of the real program, those in a browser among them, the stack on a Docker engine. The static analyzer
# takes as long as all of it and is part of 'make check'. The last line is 'N passed, N failed, N skipped' over all of them.
# Exit codes: 0 all passed, 1 something failed, 2 packages could not be installed, 64 wrong usage.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib.sh
. "$ROOT/scripts/lib.sh"

is_quick=0
case ${1:-} in
'') ;;
--quick) is_quick=1 ;;
-h | --help)
    usage_of "$ROOT/test.sh"
    exit 0
    ;;
*) unknown "$ROOT/test.sh" "$1" ;;
esac
cd "$ROOT"
# shellcheck source=tests/support/no_settings.sh
. "$ROOT/tests/support/no_settings.sh"

if [ "$is_quick" -eq 1 ]; then
    exec make test
fi

passed=0
failed=0
skipped=0
failures=()
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# add NAME COMMAND...: shows the output and adds what its closing line counts. A command that fails without one counts as one failure,
# and one that has none as one passed check.
add() {
    local name=$1 code=0 line p=0 f=0 s=0 started_at=$SECONDS
    shift
    say "${BOLD}== $name${PLAIN}"
    "$@" 2>&1 | tee "$log" || code=${PIPESTATUS[0]}
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1 || true)
    if [ -n "$line" ]; then
        read -r p _ f _ s _ <<<"${line//,/}"
    elif [ "$code" -eq 0 ]; then
        p=1
    fi
    if [ "$code" -ne 0 ] && [ "$f" -eq 0 ]; then
        f=1
    fi
    passed=$((passed + p))
    failed=$((failed + f))
    skipped=$((skipped + s))
    [ "$f" -eq 0 ] || failures+=("$name")
    say "   ($((SECONDS - started_at)) s)"
}

"$ROOT/scripts/packages.sh" install run build test || fail 2 "the packages could not be installed"

add 'shell scripts' make check-shell
add 'layers' make check-layers
add 'third-party headers' make check-header-once
add 'format' make check-format
add 'tidy checks find planted violations' tests/tidy/self_test.sh
add 'build' make all
add 'purity' make check-purity
add 'generated documents' make check-docs
add 'OpenAPI document' make check-openapi
add 'tests under ASan and UBSan' make MODE=asan test
add 'seeds of the fuzzers' make MODE=asan fuzz-seeds
add 'user interface: checks' make check-ui
add 'user interface: tests' make test-ui
add 'build by clang' make CC=clang-14 all tests-built
add 'lint, quick' make check-lint-quick
for script in tests/system/*.sh; do
    case $(basename "$script") in
    # Shared functions, and what needs a mirror and root: make bare-debian.
    lib.sh | bare_debian.sh) continue ;;
    esac
    add "$(basename "$script" .sh)" "$script"
done

if [ "${DOCKER_TESTS:-yes}" != no ]; then
    # An engine of our own needs root; the test says when it has none.
    [ "$(id -u)" -ne 0 ] || "$ROOT/scripts/packages.sh" install docker || warn 'the packages of Docker could not be installed'
    add 'containers' make docker-test
fi

if [ "${#failures[@]}" -gt 0 ]; then
    say ""
    printf 'failed: %s\n' "${failures[@]}"
fi
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
