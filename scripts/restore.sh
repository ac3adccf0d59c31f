#!/usr/bin/env bash
# Puts a backup into an installation that has no data yet, starts on it and compares. Nothing that is there is ever overwritten. On a machine from
# nothing the program (or, where Docker runs, the image) is built first.
#
#   scripts/restore.sh FILE [options]
#
#   --config-only    only the presets, and .env where the archive has it (files.tar.gz of deploy.sh); what is there is kept beside as *.before-<time>
#   --no-start       do not start the server afterwards
#   --dry-run        checks the archive and the place only
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

# Absolute path of a folder or file of the settings.
place_of() { case $1 in /*) printf '%s\n' "$1" ;; *) printf '%s/%s\n' "$ROOT" "${1#./}" ;; esac }

check_place() {
    local database one
    ! pid_of breakout >/dev/null || end 4 'the server runs: ./stop.sh first'
    if command -v docker >/dev/null && is_up breakout-bot-api; then end 4 'the server runs: docker compose stop first'; fi
    data_dir=$(place_of "$(setting DATA_DIR ./data)")
    # In containers the setting is fixed, and the folder is ours.
    database=$(setting DATABASE_URL '')
    database=$(place_of "${database#sqlite://}")
    for one in "$data_dir/breakout_bot.db" "$database" "$data_dir/journal" "$data_dir/snapshots"; do
        if [ "$one" = "$ROOT/" ] || [ ! -e "$one" ]; then continue; fi
        end 4 "there are data in $(dirname "$one") already: a restore goes into an empty system only; move them away first"
    done
    [ -f "$ROOT/.env" ] || note 'there is no .env: the settings are the defaults (scripts/restore.sh --config-only files.tar.gz brings it back)'
    done_with "there are no data in $data_dir"
}

restore_data() {
    local made=0
    step 'Restore'
    if [ "$is_dry" -eq 1 ]; then
        program_here "$file" db verify "$file" >"$LOGS/restore.log" 2>&1 || refuse_archive
        end 0 'the archive is good and there is room for it; nothing was changed (--dry-run)'
    fi
    [ -d "$data_dir" ] || made=1
    mkdir -p "$data_dir"
    if ! program_here "$file" db restore "$file" >"$LOGS/restore.log" 2>&1; then
        [ "$made" -eq 0 ] || rmdir "$data_dir" 2>/dev/null || true
        refuse_archive
    fi
    # Nothing was here: what the program set aside of it is an empty folder, and the presets of the repository.
    rmdir "$data_dir".before-restore-* 2>/dev/null || true
    program_here "$file" db verify >>"$LOGS/restore.log" 2>&1 || {
        tail -n 20 "$LOGS/restore.log" >&2
        end 1 'the restored data do not pass the checks (logs/restore.log)'
    }
    result_extra=",\"trades_sha256\":$(json_text "$(sed -n 's/^trades_sha256 *//p' "$LOGS/restore.log")")"
    done_with "restored, checksums and tables are right; trades $(sed -n 's/^trades_sha256 *//p' "$LOGS/restore.log")"
}

refuse_archive() {
    tail -n 5 "$LOGS/restore.log" >&2
    end 1 'the archive was refused, nothing was changed; logs/restore.log has the reason'
}

restore_config() {
    local folder one
    folder=$(mktemp -d)
    tar -xzf "$file" -C "$folder"
    find "$folder" -type f -name '*.json' -path '*presets/*' | grep -q . || {
        rm -rf "$folder"
        end 1 'there are no presets in this archive'
    }
    while read -r one; do
        (cd "$ROOT" && program_here "$one" presets validate "$one") >>"$LOGS/restore.log" 2>&1 || {
            rm -rf "$folder"
            end 1 "$(basename "$one") is not valid; nothing was changed (logs/restore.log)"
        }
    done < <(find "$folder" -type f -name '*.json' -path '*presets/*')
    [ "$is_dry" -eq 0 ] || end 0 'the presets are valid; nothing was changed (--dry-run)'
    mkdir -p "$ROOT/presets.before-$stamp"
    while read -r one; do
        if [ -f "$ROOT/presets/$(basename "$one")" ]; then mv "$ROOT/presets/$(basename "$one")" "$ROOT/presets.before-$stamp/"; fi
        install -m 644 "$one" "$ROOT/presets/$(basename "$one")"
    done < <(find "$folder" -type f -name '*.json' -path '*presets/*')
    one=$(find "$folder" -maxdepth 2 -type f -name .env | head -n 1)
    if [ -n "$one" ]; then
        [ ! -f "$ROOT/.env" ] || mv "$ROOT/.env" "$ROOT/.env.before-$stamp"
        install -m 600 "$one" "$ROOT/.env"
    fi
    rm -rf "$folder"
    end 0 "configuration restored; what was here is in presets.before-$stamp"
}

step 'Archive'
check_archive
if [ "$is_config_only" -eq 0 ]; then
    step 'Place'
    check_place
fi
need_program
[ "$is_config_only" -eq 0 ] || restore_config
restore_data
[ "$starts" -eq 1 ] || end 0 'restored; not started (--no-start)'
step 'Start'
if [ -x "$PROGRAM" ]; then
    "$ROOT/start.sh" >>"$LOGS/restore.log" 2>&1 || end 5 'restored, but the server is not healthy: ./status.sh, logs/restore.log'
else
    "$ROOT/deploy.sh" "$profile" --no-backup >>"$LOGS/restore.log" 2>&1 || end 5 'restored, but the deployment failed: logs/restore.log'
fi
end 0 'restored, started and healthy'
