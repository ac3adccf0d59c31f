#!/usr/bin/env bash
# Puts a backup into an installation that has no data yet, starts on it and compares. Nothing that is there is ever overwritten.
#
#   scripts/restore.sh FILE [options]
#
#   --config-only    only the presets, and .env where the archive has it (files.tar.gz of deploy.sh); what is there is kept beside as *.before-<time>
#   --no-start       do not start the server afterwards
#   --dry-run        checks the archive only
#   --json, --no-color, -h, --help
#
# Exit codes: 0 restored and verified, 1 the archive is damaged or the restore failed, 2 no program and no image, 4 there are data here already, or the
#             server runs, 5 restored, but not healthy in time, 64 wrong usage.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
NAME=restore
# shellcheck source=scripts/lib.sh
. "$ROOT/scripts/lib.sh"
# shellcheck source=scripts/ops.sh
. "$ROOT/scripts/ops.sh"

file=
is_config_only=0
starts=1
while [ $# -gt 0 ]; do
    case $1 in
    --config-only) is_config_only=1 ;;
    --no-start) starts=0 ;;
    -h | --help)
        usage_of "$ROOT/scripts/restore.sh"
        exit 0
        ;;
    -*) ops_option "$1" || unknown "$ROOT/scripts/restore.sh" "$1" ;;
    *)
        [ -z "$file" ] || fail 64 'restore.sh: one archive at a time'
        file=$1
        ;;
    esac
    shift
done
[ -n "$file" ] || fail 64 'restore.sh: which archive? see scripts/restore.sh --help'
file=$(realpath -m -- "$file")
stamp=$(date -u +%Y%m%dT%H%M%SZ)
mkdir -p "$LOGS"

check_archive() {
    [ -f "$file" ] || end 1 "there is no file $file"
    if [ -f "$file.sha256" ]; then
        (cd "$(dirname "$file")" && sha256sum --check --quiet "$(basename "$file").sha256") >/dev/null 2>&1 ||
            end 1 "$file is not what its checksum says: it is damaged"
    fi
    if ! gzip -t "$file" 2>/dev/null || ! tar -tzf "$file" >/dev/null 2>&1; then end 1 "$file is damaged: it cannot be unpacked"; fi
    done_with 'the archive is whole'
}

restore_config() {
    local folder one
    folder=$(mktemp -d)
    tar -xzf "$file" -C "$folder"
    find "$folder" -name '*.json' -path '*presets/*' | grep -q . || {
        rm -rf "$folder"
        end 1 'there are no presets in this archive'
    }
    while read -r one; do
        (cd "$ROOT" && program_here "$one" presets validate "$one") >>"$LOGS/restore.log" 2>&1 || {
            rm -rf "$folder"
            end 1 "$(basename "$one") is not valid; nothing was changed (logs/restore.log)"
        }
    done < <(find "$folder" -name '*.json' -path '*presets/*')
    [ "$is_dry" -eq 0 ] || end 0 'the presets are valid; nothing was changed (--dry-run)'
    mkdir -p "$ROOT/presets.before-$stamp"
    while read -r one; do
        if [ -f "$ROOT/presets/$(basename "$one")" ]; then mv "$ROOT/presets/$(basename "$one")" "$ROOT/presets.before-$stamp/"; fi
        install -m 644 "$one" "$ROOT/presets/$(basename "$one")"
    done < <(find "$folder" -name '*.json' -path '*presets/*')
    one=$(find "$folder" -maxdepth 2 -name .env | head -n 1)
    if [ -n "$one" ]; then
        [ ! -f "$ROOT/.env" ] || mv "$ROOT/.env" "$ROOT/.env.before-$stamp"
        install -m 600 "$one" "$ROOT/.env"
    fi
    rm -rf "$folder"
    end 0 "configuration restored; what was here is in presets.before-$stamp"
}

step 'Archive'
check_archive
[ "$is_config_only" -eq 0 ] || restore_config
step 'Place'
if pid_of breakout >/dev/null || { command -v docker >/dev/null && is_up breakout-bot-api; }; then end 4 'the server runs: ./stop.sh first'; fi
data_dir=$(setting DATA_DIR ./data)
case $data_dir in /*) ;; *) data_dir=$ROOT/$data_dir ;; esac
if [ -e "$data_dir/breakout_bot.db" ] || [ -e "$data_dir/journal" ]; then
    end 4 "there are data in $data_dir already: a restore goes into an empty system only; move them away first"
fi
[ -f "$ROOT/.env" ] || note 'there is no .env: the settings are the defaults (scripts/restore.sh --config-only files.tar.gz brings it back)'
[ "$is_dry" -eq 0 ] || end 0 'the archive is whole and there is room for it; nothing was changed (--dry-run)'
step 'Restore'
mkdir -p "$data_dir"
program_here "$file" db restore "$file" >"$LOGS/restore.log" 2>&1 || {
    tail -n 5 "$LOGS/restore.log" >&2
    end 1 'the restore failed; logs/restore.log has its words'
}
# Nothing was here: what the program set aside of it is an empty folder, and the presets of the repository.
rmdir "$data_dir".before-restore-* 2>/dev/null || true
program_here "$file" db verify >>"$LOGS/restore.log" 2>&1 || {
    tail -n 20 "$LOGS/restore.log" >&2
    end 1 'the restored data do not pass the checks (logs/restore.log)'
}
done_with 'restored, checksums and tables are right'
[ "$starts" -eq 1 ] || end 0 'restored; not started (--no-start)'
step 'Start'
if [ -x "$PROGRAM" ]; then
    "$ROOT/start.sh" >>"$LOGS/restore.log" 2>&1 || end 5 'restored, but the server is not healthy: ./status.sh, logs/restore.log'
else
    "$ROOT/deploy.sh" "$profile" --no-backup >>"$LOGS/restore.log" 2>&1 || end 5 'restored, but the deployment failed: logs/restore.log'
fi
end 0 'restored, started and healthy'
