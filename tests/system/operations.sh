#!/usr/bin/env bash
# deploy.sh's refusals, update.sh with good and bad versions. No Docker engine is needed: make docker-test has the rest.
# shellcheck disable=SC2016 # words of scripts and templates that are written here
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"

program=${BREAKOUT_PROGRAM:-$ROOT/build/breakout}
PATH=$PATH:/usr/sbin
unset BREAKOUT_PROGRAM FEED PORT UI_PORT API_HOST AUTOSTART DATABASE_URL DATA_DIR LOG_DIR BACKUP_DIR

run() { # sets output and code
    output=$("$@" 2>&1 </dev/null)
    code=$?
}

# ---- every script the same face ----

for script in deploy.sh update.sh scripts/backup.sh scripts/restore.sh scripts/log_rotation.sh; do
    run "$ROOT/$script" --help
    expect "$script --help" "$code" 0
    expect_text "$script --help" "$output" 'Exit codes:'
    run "$ROOT/$script" --nonsense
    expect "$script --nonsense" "$code" 64
done

# ---- deploy.sh refuses before it changes anything ----

site=$SCRATCH/site
mkdir -p "$site/frontend" "$SCRATCH/tools"
cp -r "$ROOT/deploy.sh" "$ROOT/scripts" "$ROOT/.env.example" "$ROOT/CHANGELOG.md" "$site"
cp "$ROOT"/docker-compose*.yml "$site"
tools=$SCRATCH/tools
for tool in bash awk basename cat chmod chown cp cut date df dirname find git grep head install ln mkdir mktemp paste realpath rm sed sha256sum sort ss stat tail tar tr wc; do
    ln -s "$(command -v "$tool")" "$tools/$tool"
done
stub() { # NAME SCRIPT
    printf '#!/bin/bash\n%s\n' "$2" >"$tools/$1"
    chmod 755 "$tools/$1"
}
deploy() { run env PATH="$tools" bash "$site/deploy.sh" "$@"; }

deploy
expect 'deploy without Docker' "$code" 2
expect_text 'deploy without Docker' "$output" 'Docker is not installed'
stub docker '[ "$1" != info ]'
deploy
expect 'deploy with Docker stopped' "$code" 2
stub docker '[ "$1" != compose ]'
deploy
expect 'deploy without Compose' "$code" 2
expect_text 'deploy without Compose' "$output" 'docker-compose'
taken=$(free_port)
stub docker-compose 'case "$*" in *config*) printf "    ports:\n    - 127.0.0.1:'"$taken"':8000/tcp\n" ;; esac'
rm "$tools/df"
stub df 'printf "x\ny 1 1 100 99%% /\n"'
deploy
expect 'deploy on a full disk' "$code" 2
expect_text 'deploy on a full disk' "$output" '100 MB are free'
rm "$tools/df"
ln -s "$(command -v df)" "$tools/df"
deploy
expect 'deploy without .env' "$code" 4
expect_text 'deploy without .env' "$output" 'FEED'
expect 'the .env it made' "$(stat -c %a "$site/.env")" 600
deploy staging
expect 'staging with default passwords' "$code" 4
printf 'GF_SECURITY_ADMIN_PASSWORD=long-enough\n' >>"$site/.env"
deploy staging
expect 'staging without approval' "$code" 4
expect_text 'staging without approval' "$output" '--approve'
TRADING_MODE=live deploy staging --approve me
expect 'staging with live money' "$code" 4
deploy production --approve me
expect 'production without its settings' "$code" 4
hold_port() { exec perl -e 'use IO::Socket::INET; my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1", LocalPort => $ARGV[0], ReuseAddr => 1) or exit 1; sleep 20' "$1"; }
hold_port "$taken" &
listener=$!
until_true 5 bash -c "[ -n \"\$(ss -ltnH 'sport = :$taken')\" ]"
deploy --dry-run
expect 'a port that is taken' "$code" 1
expect_text 'a port that is taken' "$output" "port $taken is taken by perl"
kill "$listener" 2>/dev/null
wait "$listener" 2>/dev/null
deploy --dry-run --json
expect 'a dry run' "$code" 0
expect_text 'a dry run as JSON' "$output" '^\{"command":"deploy","code":0,'
expect 'nothing was made' "$(ls -d "$site/data" "$site/backups" 2>/dev/null)" ''

# ---- update with the real program ----

if [ ! -x "$program" ] || ! command -v sqlite3 >/dev/null; then
    skip 'update' "there is no $program, or no sqlite3"
    finish
    exit
fi
# shellcheck source=tests/support/update_checks.sh
. "$ROOT/tests/support/update_checks.sh"
home=$SCRATCH/home
programs=$SCRATCH/programs
port=$(free_port)
ui_port=$(free_port)
mkdir -p "$home/frontend/dist" "$home/bin" "$programs"
cp "$program" "$programs/good"
corrupt_program "$programs/good" "$programs/corrupt"
newer_program "$programs/good" "$programs/newer"
make_bad_release "$programs/bad" || exit 1
bad_release() { # FAULT: prints its file
    printf '#!/bin/bash\nFAULT=%s REAL=%s exec %s "$@"\n' "$1" "$programs/good" "$programs/bad" >"$programs/$1"
    chmod 755 "$programs/$1"
    printf '%s\n' "$programs/$1"
}
cp -r "$ROOT/start.sh" "$ROOT/stop.sh" "$ROOT/status.sh" "$ROOT/update.sh" "$ROOT/scripts" "$ROOT/presets" "$ROOT/deploy" "$home"
cp "$program" "$home/bin/breakout"
ln -s "$ROOT/recordings" "$home/recordings"
echo '<!doctype html><title>page</title>' >"$home/frontend/dist/index.html"
cat >"$home/.env" <<SETTINGS
FEED=demo
AUTOSTART=paper
PORT=$port
UI_PORT=$ui_port
DEMO_SPEED=300
MAX_CPU_PERCENT=100
WARN_CPU_PERCENT=100
MAX_DISK_PERCENT=100
SETTINGS
chmod 600 "$home/.env"
export BREAKOUT_PROGRAM=$home/bin/breakout
database=$home/data/breakout_bot.db
trap '"$home/stop.sh" >/dev/null 2>&1' EXIT

# Its versions: what a version is built from is told by a file, so that nothing is compiled. One does not build.
(
    cd "$home" || exit 1
    git init --quiet --initial-branch main . && git config user.email test@localhost && git config user.name test
    printf '%s\n' /bin /data /logs /pids /reports /backups /build /recordings /frontend .env >.gitignore
    printf 'BUILD ?= build\nall:\n\tgcc -fsyntax-only release.c\n\tmkdir -p $(BUILD)\n\tinstall -m 755 $(shell cat release) $(BUILD)/breakout\nui:\n' >Makefile
    echo 'int release = 1;' >release.c
    echo "$programs/good" >release
    git add . && git commit --quiet --message first && git tag v1
    echo "$programs/newer" >release
    git commit --quiet --all --message second && git tag v2
    echo 'int release = ;' >release.c
    git commit --quiet --all --message third && git tag v3
    git clone --quiet --bare . "$SCRATCH/origin.git"
    git tag --delete v2 v3 && git reset --quiet --hard v1 && git remote add origin "$SCRATCH/origin.git"
) >/dev/null

# Fast until there is something to lose, then so slow that a position stays open through all of it.
run "$home/start.sh"
expect_text 'the installation starts' "$code" '^[05]$'
has_position_and_trade() { [ "$(sqlite3 -readonly "$database" 'SELECT (SELECT count(*) FROM trades) > 1 AND EXISTS (SELECT 1 FROM positions WHERE closed_at IS NULL)' 2>/dev/null)" = 1 ]; }
until_true 40 has_position_and_trade
expect 'two trades and an open position' "$?" 0
"$home/stop.sh" >/dev/null
sed -i 's/^DEMO_SPEED=.*/DEMO_SPEED=6/' "$home/.env"
run "$home/update.sh" --no-pull --dry-run
expect 'a stopped system, dry run' "$code $(ls "$home/pids/supervisor.pid" 2>/dev/null)" '0 '
run "$home/update.sh" --no-pull
expect 'a stopped system is started' "$code" 0
until_true 20 test -s "$home/data/serving.pid"
first=$(cut -d' ' -f1 "$home/data/serving.pid")
from=$(last_record "$programs/good" "$home/data")
keep_rows "$database"
read_always API "http://127.0.0.1:$port/api/live"
read_always page "http://127.0.0.1:$ui_port/"
slowest_ms=0

# Refused before anything is changed: the old one does not even notice.
refuses() { # NAME REASON WORDS...
    local name=$1 reason=$2
    shift 2
    run "$home/update.sh" --verify 1 "$@"
    expect "$name: refused" "$code" 1
    expect_text "$name: the reason" "$output" "$reason"
    expect "$name: the same process serves" "$(cut -d' ' -f1 "$home/data/serving.pid")" "$first"
}
# Taken over, found out, gone back from.
goes_back() { # FAULT REASON WORDS...
    local fault=$1 reason=$2 took
    shift 2
    run "$home/update.sh" --program "$(bad_release "$fault")" --json "$@"
    expect "$fault: rolled back" "$code" 6
    expect_text "$fault: the reason" "$output" "$reason"
    took=$(sed -nE 's/.*"rollback_ms":([0-9]+).*/\1/p' <<<"$output")
    [ "${took:-999999}" -le "$slowest_ms" ] || slowest_ms=${took:-999999}
    expect "$fault: the old one has taken back" "$(cut -d' ' -f1 "$home/data/serving.pid")" "$first"
    rows_are_kept "$fault" "$database"
}

echo '# a change' >>"$home/start.sh"
refuses 'a changed file' 'files of the repository were changed here \(start.sh\)' --version v2
git -C "$home" checkout --quiet start.sh
refuses 'a version that is not there' 'there is no version v9' --version v9
refuses 'a version that does not build' 'the build failed' --version v3
expect 'the files are the old ones again' "$(git -C "$home" symbolic-ref --short HEAD) $(cat "$home/release")" "main $programs/good"
refuses 'a migration with an error' "fails at 'breakout db migrate --copy': .*duplicate column" --program "$(bad_release bad_migration)"
refuses 'other decisions' 'decides otherwise: first difference .*passed_again.*passed_twice' --program "$programs/corrupt"
expect 'nothing of the trial is left' "$(find "$home/data" -name 'trial*' -o -name '*.migrated*')" ''

goes_back no_start 'did not serve'
goes_back deaf 'did not serve within 2 s' --timeout 2
goes_back broken_migration 'did not serve'
goes_back dies_migrated 'has ended' --verify 6
goes_back unhealthy 'is not healthy' --verify 10
goes_back slow 'reads take' --verify 1
printf 'slowest way back: %s ms\n' "$slowest_ms"
expect 'the way back takes less than 2 minutes' "$([ "$slowest_ms" -gt 0 ] && [ "$slowest_ms" -lt 120000 ] && echo yes)" yes

# There and back by git: N, N+1, N.
run "$home/update.sh" --verify 2 --version v2 --json
expect 'a good version' "$code" 0
expect_text 'a good version tells its gap' "$output" '"gap_ms":[0-9]+'
second=$(cut -d' ' -f1 "$home/data/serving.pid")
expect 'another process serves' "$([ -n "$second" ] && [ "$second" != "$first" ] && echo yes)" yes
expect 'the supervisor knows it' "$(cut -d' ' -f1 "$home/pids/breakout.pid")" "$second"
expect 'it is the new version' "$("/proc/$second/exe" --version)" "$("$programs/newer" --version)"
expect 'so is the program for the next start' "$(cmp "$BREAKOUT_PROGRAM" "$programs/newer" && echo same)" same
rows_are_kept 'a good version' "$database"
run "$home/update.sh" --verify 2 --version v1
expect 'back to the version before' "$code" 0
third=$(cut -d' ' -f1 "$home/data/serving.pid")
expect 'it is the old version' "$("/proc/$third/exe" --version)" "$("$programs/good" --version)"
rows_are_kept 'back to the version before' "$database"

stop_reading API page
stops_rest 'eight updates' "$programs/good" "$home/data" "$from"
expect_text 'reports of the updates' "$(find "$home/reports" -name 'update_*.json' | wc -l)" '^1[0-9]$'

run "$home/stop.sh"
expect 'stop' "$code" 0
finish
