#!/usr/bin/env bash
# Backs up the data of this installation while it runs: database, journal, snapshots, presets, in one archive that is unpacked and checked again.
#
#   scripts/backup.sh [-o FILE] [--json] [--no-color] [-h|--help]
#
# Without -o: backups/backup-YYYYMMDD-HHMMSS.tar.gz, mode 600. Beside it the checksum, FILE.sha256.
# Exit codes: 0 done and verified, 1 failed, 2 no program and no image, 64 wrong usage.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
NAME=backup
# shellcheck source=scripts/lib.sh
. "$ROOT/scripts/lib.sh"
# shellcheck source=scripts/ops.sh
. "$ROOT/scripts/ops.sh"

file=
while [ $# -gt 0 ]; do
    case $1 in
    -o | --output)
        [ $# -ge 2 ] || fail 64 "backup.sh: $1 needs a value"
        file=$2
        shift
        ;;
    -h | --help)
        usage_of "$ROOT/scripts/backup.sh"
        exit 0
        ;;
    *) ops_option "$1" || unknown "$ROOT/scripts/backup.sh" "$1" ;;
    esac
    shift
done

step 'Backup'
name=backup-$(date -u +%Y%m%d-%H%M%S).tar.gz
file=$(realpath -m -- "${file:-$ROOT/backups/$name}")
mkdir -p "$(dirname "$file")" "$LOGS"
[ "$is_dry" -eq 0 ] || end 0 "would write $file (--dry-run)"
program_here "$file" db backup --verify -o "$file" >"$LOGS/backup.log" 2>&1 || {
    tail -n 5 "$LOGS/backup.log" >&2
    end 1 'the backup failed; logs/backup.log has its words'
}
chmod 600 "$file"
(cd "$(dirname "$file")" && sha256sum "$(basename "$file")" >"$(basename "$file").sha256")
digest=$(sed -n 's/^trades_sha256 *//p' "$LOGS/backup.log")
result_extra=",\"file\":$(json_text "$file"),\"bytes\":$(stat -c %s "$file"),\"trades_sha256\":$(json_text "$digest")"
end 0 "$file, $(stat -c %s "$file") bytes, verified; trades $digest"
