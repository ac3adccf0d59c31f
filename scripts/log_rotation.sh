#!/usr/bin/env bash
# The daily check of the logs, for cron on a machine whose server does not run (a running one does it by itself at 03:00 UTC): size of the folder,
# cleanup by size and age, statistics.
#
#   scripts/log_rotation.sh [--dry-run] [--json] [--no-color] [-h|--help]
#
# Limits are LOG_MAX_TOTAL_MB and LOG_RETENTION_DAYS. The report is reports/log_report_YYYYMMDD.json.
# Exit codes: 0 done, 1 some files could not be handled, 2 no program and no image, 4 no folder of logs, 64 wrong usage.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
NAME=log_rotation
# shellcheck source=scripts/lib.sh
. "$ROOT/scripts/lib.sh"
# shellcheck source=scripts/ops.sh
. "$ROOT/scripts/ops.sh"

while [ $# -gt 0 ]; do
    case $1 in
    -h | --help)
        usage_of "$ROOT/scripts/log_rotation.sh"
        exit 0
        ;;
    *) ops_option "$1" || unknown "$ROOT/scripts/log_rotation.sh" "$1" ;;
    esac
    shift
done

step 'Logs'
folder=$(setting LOG_DIR ./logs)
case $folder in /*) ;; *) folder=$ROOT/$folder ;; esac
[ -d "$folder" ] || end 4 "there is no folder $folder"
before=$(du -sk "$folder" | cut -f1)
words=(logs cleanup)
[ "$is_dry" -eq 0 ] || words+=(--dry-run)
code=0
program_here "$folder" "${words[@]}" || code=$?
program_here "$folder" logs stats | tail -n 5 || true
after=$(du -sk "$folder" | cut -f1)
result_extra=",\"before_kb\":$before,\"after_kb\":$after"
[ "$code" -eq 0 ] || end 1 "some log files could not be handled (exit code $code)"
end 0 "$folder: $before KB before, $after KB now"
