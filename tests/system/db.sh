#!/usr/bin/env bash
# The verbs db, logs, doctor and describe of the real program, in an empty folder.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
program=${BREAKOUT_PROGRAM:-$ROOT/build/breakout}
if [ ! -x "$program" ]; then
    skip "db" "there is no $program"
    finish
    exit
fi
cd "$SCRATCH" || exit 1
unset BREAKOUT_PROGRAM FEED PORT API_HOST AUTOSTART DATABASE_URL DATA_DIR LOG_DIR BACKUP_DIR

run() { # sets output and code
    output=$("$program" "$@" 2>&1 </dev/null)
    code=$?
}

run doctor
expect "doctor in an empty folder" "$code" 0
run doctor --fix
expect "doctor --fix" "$code" 0
expect "mode of .env" "$(stat -c %a .env)" 600
expect "folders" "$(find . -mindepth 1 -maxdepth 1 -type d | sort | tr -d "\n")" ./backups./data./logs./presets./reports
run doctor --json --set LOG_LEVEL=LOUD
expect "doctor with a bad setting" "$code" 4
expect_text "doctor names it" "$output" 'LOG_LEVEL'

run db status
expect "db status without a database" "$code" 2
run db migrate --dry-run
expect "db migrate --dry-run" "$code" 0
expect "a dry run makes no file" "$(ls data)" ""
run db migrate
expect "db migrate" "$code" 0
run db verify --json
expect "db verify" "$code" 0
expect_text "db verify finds nothing" "$output" '"failed": 0'
run db export sessions --csv
expect_text "db export" "$output" '^session_id,preset,'
run db export session
expect "db export of an unknown table" "$code" 2
expect_text "the nearest is named" "$output" 'sessions'
run db backup --verify -o saved.tar.gz
expect "db backup" "$code" 0
expect "mode of the backup" "$(stat -c %a saved.tar.gz)" 600
run db restore saved.tar.gz
expect "db restore" "$code" 0
expect "what was there is kept" "$(find . -maxdepth 1 -name 'data.before-restore-*' | wc -l)" 1
head -c 2000 saved.tar.gz >cut.tar.gz
run db restore cut.tar.gz
expect "db restore of a cut backup" "$code" 1
run db rebuild
expect "db rebuild without a journal" "$code" 2
run db copy --to postgresql://x
expect "db copy" "$code" 1
expect_text "db copy says why" "$output" 'not in this version'
run db nonsense
expect "db with an unknown form" "$code" 4
printf 'x' >data/breakout_bot.db
run db status
expect "db status of a damaged database" "$code" 1
expect_text "the way out is named" "$output" 'db rebuild'

printf '%s\n' '{"ts":"2026-01-31T10:00:00.000Z","level":"INFO","component":"engine","message":"one"}' \
    '{"ts":"2026-01-31T10:00:01.000Z","level":"ERROR","component":"storage","message":"two"}' >logs/breakout.log
run logs tail --level error
expect "logs tail --level" "$output" "10:00:01.000 ERROR    storage    two"
run logs tail --component engine
expect_text "logs tail --component" "$output" 'one$'
run logs rotate
expect "logs rotate" "$code" 0
run logs show "$(basename "$(find logs -name '*.gz' | head -n 1)")"
expect_text "logs show reads gzip" "$output" 'two$'
run logs cleanup --dry-run
expect "logs cleanup --dry-run" "$code" 0
run logs show nothing.log
expect "logs show of no file" "$code" 2
rm -rf logs
run logs stats
expect "logs stats without a folder" "$code" 2

for topic in settings presets preset commands events reasons metrics routes shapes tables states lifecycles; do
    run describe $topic --json
    expect "describe $topic" "$code" 0
done
run describe tabels
expect "describe of an unknown topic" "$code" 4
expect_text "the nearest topic is named" "$output" 'tables'
run describe completion bash
printf '%s\n' "$output" >completion.bash
# shellcheck source=/dev/null
. ./completion.bash
COMP_WORDS=(breakout db ver) COMP_CWORD=2 COMPREPLY=()
_breakout
expect "completion" "${COMPREPLY[*]}" verify
run describe completion zsh
expect "completion of zsh" "$code" 1
finish
