#!/usr/bin/env bash
# Every script that an operator calls has the same face: help with exit codes, an unknown option refused with the nearest one named, values asked for,
# no colour where none is wanted, one JSON object at the end, a dry run that changes nothing, from any directory, twice the same.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"

site=$SCRATCH/site
mkdir -p "$site/bin" "$site/logs" "$site/frontend" "$SCRATCH/tools" "$SCRATCH/elsewhere"
cp -r "$ROOT"/*.sh "$ROOT/scripts" "$ROOT/presets" "$ROOT/.env.example" "$ROOT/CHANGELOG.md" "$ROOT/monitoring" "$ROOT"/docker-compose*.yml "$site"
printf 'FEED=demo\nPORT=%s\nUI_PORT=0\n' "$(free_port)" >"$site/.env"
chmod 600 "$site/.env"
gcc -std=gnu17 -o "$site/bin/breakout" "$ROOT/tests/system/stand_in.c" || exit 1
export BREAKOUT_PROGRAM=$site/bin/breakout
# Docker answers and has nothing.
cat >"$SCRATCH/tools/docker" <<'WORDS'
#!/bin/sh
case $1 in info) exit 0 ;; version) echo 'Docker 99' ;; compose) exit 1 ;; *) exit 1 ;; esac
WORDS
printf '#!/bin/sh\nexit 0\n' >"$SCRATCH/tools/docker-compose"
chmod 755 "$SCRATCH"/tools/*
PATH=$SCRATCH/tools:$PATH
cd "$SCRATCH/elsewhere" || exit 1

run() { # sets output, errors and code
    output=$("$@" 2>"$SCRATCH/errors" </dev/null)
    code=$?
    errors=$(cat "$SCRATCH/errors")
}
fingerprint() { (cd "$site" && find . -path ./logs -prune -o -printf '%p %y %m %s\n' | sort | sha256sum); }

operated=(deploy.sh update.sh start.sh status.sh stop.sh scripts/backup.sh scripts/restore.sh scripts/log_rotation.sh scripts/alert_receivers.sh)
before=$(fingerprint)
for script in "${operated[@]}" test.sh; do
    expect "$script can be run" "$([ -x "$ROOT/$script" ] && echo yes)" yes
    run "$site/$script" --help
    expect "$script --help" "$code" 0
    expect_text "$script --help tells exit codes" "$output" 'Exit codes:'
    expect_text "$script --help tells its use" "$output" "$(basename "$script")"
    # An option of its own with the last letter missing.
    wrong=$(grep -oE -e '--[a-z][a-z-]+' <<<"$output" | sort -u | head -n 1 | grep . || echo --help)
    run "$site/$script" "${wrong%?}"
    expect "$script ${wrong%?}" "$code" 64
    expect_text "$script ${wrong%?} names what was wrong" "$errors" "'${wrong%?}'"
    expect_text "$script ${wrong%?} names the nearest" "$errors" "$wrong( |,|\$)"
    expect "$script ${wrong%?} prints nothing else" "$output" ''
done
for one in 'deploy.sh --timeout' 'deploy.sh --approve' 'update.sh --version' 'start.sh --port' 'start.sh --timeout' 'scripts/backup.sh -o'; do
    # shellcheck disable=SC2086 # a script and its option
    run "$site"/$one
    expect "$one without a value" "$code" 64
    expect_text "$one without a value says so" "$errors" 'needs a value'
done
run "$site/scripts/restore.sh"
expect 'restore.sh without an archive' "$code" 64
expect 'none of this changed anything' "$(fingerprint)" "$before"

# ---- dry runs and their JSON, twice ----

tar -czf "$SCRATCH/some.tar.gz" -C "$site" presets # the program that stands in takes any
# One line each: the words, and the exit codes that are documented for this state.
cases=(
    '0 deploy.sh --dry-run' '4 deploy.sh staging --dry-run' '0 start.sh --dry-run' '0 stop.sh --dry-run' '3 status.sh' '0 scripts/backup.sh --dry-run'
    '0 scripts/log_rotation.sh --dry-run' "0 scripts/restore.sh $SCRATCH/some.tar.gz --dry-run" "1 scripts/restore.sh $SCRATCH/absent.tar.gz --config-only --dry-run"
)
for one in "${cases[@]}"; do
    read -r wanted script words <<<"$one"
    for turn in first second; do
        # shellcheck disable=SC2086 # several words
        run "$site/$script" $words --json
        expect "$script $words: $turn time" "$code" "$wanted"
        expect "$script $words: one object" "$(jq -r '.code' <<<"$output" 2>/dev/null)" "$wanted"
        expect "$script $words: whose" "$(jq -r '.command' <<<"$output" 2>/dev/null)" "$(basename "$script" .sh)"
        expect_text "$script $words: a message" "$(jq -r '.message' <<<"$output" 2>/dev/null)" '...'
    done
    # shellcheck disable=SC2086
    run "$site/$script" $words --no-color
    expect "$script $words: no colour" "$(cat - "$SCRATCH/errors" <<<"$output" | grep -c $'\e')" 0
done
rm -rf "$site/backups"
expect 'dry runs changed nothing' "$(fingerprint)" "$before"
expect_text 'what was said stands in ops.log' "$(jq -e -r 'select(.component == "ops") | .level' "$site/logs/ops.log" | sort -u | paste -sd' ')" '^ERROR INFO( WARNING)?$'

# ---- start, status and stop as JSON, and a tree that does not build ----

run "$site/start.sh" --json --no-ui
expect 'start as JSON' "$code $(jq -r '.code' <<<"$output")" '0 0'
expect_text 'start tells where' "$(jq -r .url <<<"$output")" '^http://127.0.0.1:'
run "$site/start.sh" --json
expect 'start again' "$code" 0
expect_text 'start again says so' "$(jq -r .message <<<"$output")" 'already running'
run "$site/start.sh" --dry-run
expect 'a dry run beside it' "$code" 0
run "$site/status.sh" --json
expect 'status as JSON' "$code $(jq -r '.code' <<<"$output")" '0 0'
run "$site/stop.sh" --dry-run
expect_text 'a dry run of stop' "$output" 'would end [0-9]+ [0-9]+'
run "$site/scripts/restore.sh" "$SCRATCH/some.tar.gz" --json
expect 'restore beside it' "$code" 4
run "$site/stop.sh" --json
expect 'stop as JSON' "$code $(jq -r '.message' <<<"$output")" '0 stopped'
run "$site/stop.sh" --json
expect 'stop again' "$code $(jq -r '.message' <<<"$output")" '0 not running'

unset BREAKOUT_PROGRAM
printf 'all:\n\t@echo "src/x.c:1:1: error: something is missing"; false\n' >"$site/Makefile"
run "$site/start.sh" --no-ui
expect 'start of a tree that does not build' "$code" 2
expect_text 'it gives the reason' "$errors" 'src/x.c:1:1: error: something is missing'
run "$site/start.sh" --build-only --no-ui
expect 'building it alone' "$code" 2
finish
