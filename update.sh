#!/usr/bin/env bash
# Updates a running installation without a pause that a reader sees: the new version is built and tried on a copy of the data beside the old one, takes
# the account over from it, and is watched. A version that is no good goes back by itself, program and schema.
#
#   ./update.sh [options]
#
#   --version TAG       to this tag or commit instead of the newest of the branch
#   --no-pull           to what lies in this folder
#   --program FILE      without Docker: to this program, as it is
#   --verify S          seconds of watching after the change (default 60; production 300)
#   --timeout S         seconds for each wait (default 60)
#   --force-live        also with open positions on a live account
#   --new-decisions     also when the new version would have decided otherwise on the journal of this one: a change of the strategy
#   --dry-run           checks, build and the trial on a copy; nothing is changed
#   --json, --no-color, -h, --help
#
# Works for an installation by deploy.sh (containers) and for one by start.sh (processes). When nothing runs it calls that script instead.
# A report of every run is written to reports/update_<time>.json.
# Exit codes: 0 updated, 1 failed before anything was changed: the old version runs on, 2 something is missing, 4 settings or not confirmed,
#             6 failed and rolled back, 7 the way back failed: a person is needed, 64 wrong usage.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
NAME=update
# shellcheck source=scripts/lib.sh
. "$ROOT/scripts/lib.sh"
profile=$(setting BREAKOUT_PROFILE development)
# shellcheck source=scripts/ops.sh
. "$ROOT/scripts/ops.sh"
# shellcheck source=scripts/update_steps.sh
. "$ROOT/scripts/update_steps.sh"

version=
pulls=1
candidate=
verify_s=60
[ "$profile" != production ] || verify_s=300
timeout_s=60
is_forced=0
is_new_strategy=0
while [ $# -gt 0 ]; do
    case $1 in
    --version | --program | --verify | --timeout)
        [ $# -ge 2 ] || fail 64 "update.sh: $1 needs a value; see ./update.sh --help"
        case $1 in
        --version) version=$2 ;;
        --program) candidate=$(realpath -- "$2" 2>/dev/null || printf '%s' "$2") ;;
        --verify) verify_s=$2 ;;
        --timeout) timeout_s=$2 ;;
        esac
        shift
        ;;
    --no-pull) pulls=0 ;;
    --force-live) is_forced=1 ;;
    --new-decisions) is_new_strategy=1 ;;
    -h | --help)
        usage_of "$ROOT/update.sh"
        exit 0
        ;;
    *) ops_option "$1" || unknown "$ROOT/update.sh" "$1" ;;
    esac
    shift
done
case $timeout_s$verify_s in *[!0-9]*) fail 64 'update.sh: --timeout and --verify must be numbers of seconds' ;; esac

# Nothing runs: what an update would bring is brought by a deployment, with its code.
deploy_stopped() {
    local words=("$ROOT/start.sh" --timeout "$timeout_s") code=0
    if command -v docker >/dev/null && docker info >/dev/null 2>&1 &&
        { docker inspect breakout-bot-api || docker image inspect "breakout-bot-api:$(setting IMAGE_TAG local)"; } >/dev/null 2>&1; then
        words=("$ROOT/deploy.sh" "$profile" --timeout "$timeout_s")
    fi
    [ "$is_dry" -eq 0 ] || end 0 "nothing runs: ${words[0]##*/} would start it (--dry-run)"
    note "nothing runs: ${words[0]##*/} instead of an update"
    mkdir -p "$LOGS"
    step 'Version'
    check_tree
    fetch_version
    step 'Start'
    "${words[@]}" || code=$?
    [ "$code" -eq 0 ] || end "$code" "nothing ran, and ${words[0]##*/} failed with exit code $code"
    end 0 'nothing ran: started instead of updated'
}

started=$(date -u +%Y%m%dT%H%M%SZ)
# What runs here: processes of start.sh, or containers of deploy.sh.
if pid_of supervisor >/dev/null && pid_of breakout >/dev/null; then
    # shellcheck source=scripts/update_process.sh
    . "$ROOT/scripts/update_process.sh"
elif command -v docker >/dev/null && docker info >/dev/null 2>&1 && is_up breakout-bot-api; then
    # shellcheck source=scripts/update_container.sh
    . "$ROOT/scripts/update_container.sh"
else
    deploy_stopped
fi

mkdir -p "$LOGS" "$ROOT/reports"
step 'Checks'
check_disk
check_tree
check_installation
confirm_live
step 'Backup'
[ "$is_dry" -eq 1 ] || make_backup
step 'Version'
fetch_version
step 'Build'
version_before=$(version_of old)
build_next
version_after=$(version_of next)
step 'Trial on a copy'
try_on_copy
step 'Baseline'
measure before
say "  $(describe before)"
[ "$is_dry" -eq 0 ] || end 0 'the new version is built and accepted on a copy; nothing was changed (--dry-run)'
step 'Hand-over'
hand_over
step "Verification ($verify_s s)"
verify
step 'Completion'
complete
write_report 0 'updated'
end 0 "updated from $version_before to $version_after; the engine paused for $gap_ms ms"
