#!/usr/bin/env bash
# deploy.sh's refusals, update.sh with good and bad versions, and the files of nginx, Compose and systemd. No Docker engine is
# needed: make docker-test has the rest.
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

# ---- files of other programs ----

for profile in development staging production; do
    if command -v docker-compose >/dev/null; then
        run env TLS_DOMAIN=x TLS_EMAIL=y GF_SECURITY_ADMIN_PASSWORD=z docker-compose -f "$ROOT/docker-compose.yml" -f "$ROOT/docker-compose.$profile.yml" \
            --project-directory "$site" config
        expect "compose files of $profile" "$code" 0
        expect "ports of $profile open to the world" "$(grep -E '^ *- [^1/]?[0-9.]*:?[0-9]+:[0-9]+(/tcp)?$' <<<"$output" | grep -cvE '127\.0\.0\.1|80:80|443:443')" 0
    else
        skip "compose files of $profile" 'docker-compose is not here'
    fi
done
if command -v nginx >/dev/null; then
    mkdir -p "$SCRATCH/nginx"
    sed "s|@RESOLVER@|127.0.0.1|; s|@UPSTREAM@|127.0.0.1:1|; s|@ORIGINS@||; s|/tmp/nginx|$SCRATCH/nginx|; s|listen 3000|listen 127.0.0.1:$(free_port)|" \
        "$ROOT/frontend/nginx/nginx.conf" >"$SCRATCH/nginx/nginx.conf"
    run nginx -t -p "$SCRATCH/nginx" -e "$SCRATCH/nginx/error.log" -c "$SCRATCH/nginx/nginx.conf"
    expect 'nginx takes the file of the container' "$code" 0
else
    skip 'nginx takes the file of the container' 'nginx is not here'
fi
hash=$(grep -o "sha256-[A-Za-z0-9+/=]*" "$ROOT/src/adapters/http/files.c" | head -n 1)
expect 'nginx and the program allow the same style' "$(grep -c "$hash" "$ROOT/frontend/nginx/nginx.conf")" 1
if command -v systemd-analyze >/dev/null; then
    mkdir -p "$SCRATCH/units"
    for unit in "$ROOT"/deploy/systemd/*; do
        sed -E "s|^ExecStart=/opt/breakout-bot/[^ ]*|ExecStart=/bin/true|" "$unit" >"$SCRATCH/units/$(basename "$unit")"
    done
    run systemd-analyze verify --man=no "$SCRATCH"/units/*
    expect 'systemd takes the units' "$(grep -E "$SCRATCH|breakout" <<<"$output")" ''
else
    skip 'systemd takes the units' 'systemd is not here'
fi

# ---- update with the real program ----

if [ ! -x "$program" ] || ! command -v sqlite3 >/dev/null; then
    skip 'update' "there is no $program, or no sqlite3"
    finish
    exit
fi
home=$SCRATCH/home
port=$(free_port)
mkdir -p "$home/bin"
cp -r "$ROOT/start.sh" "$ROOT/stop.sh" "$ROOT/status.sh" "$ROOT/update.sh" "$ROOT/scripts" "$ROOT/presets" "$home"
cp "$program" "$home/bin/breakout"
ln -s "$ROOT/recordings" "$home/recordings"
printf 'FEED=demo\nAUTOSTART=paper\nPORT=%s\nUI_PORT=0\nMAX_CPU_PERCENT=100\nWARN_CPU_PERCENT=100\nMAX_DISK_PERCENT=100\n' "$port" >"$home/.env"
chmod 600 "$home/.env"
export BREAKOUT_PROGRAM=$home/bin/breakout
trap '"$home/stop.sh" >/dev/null 2>&1' EXIT

# A version that takes over and dies a second later, having changed the schema as a newer one would.
cat >"$home/bin/dies" <<WORDS
#!/bin/bash
if [ "\$1" = serve ]; then
    (
        for i in \$(seq 200); do [ "\$(cut -d' ' -f1 data/serving.pid)" = \$\$ ] && break; sleep 0.05; done
        version=\$(sqlite3 data/breakout_bot.db 'SELECT max(version) + 1 FROM schema_migrations')
        sqlite3 -cmd '.timeout 3000' data/breakout_bot.db "BEGIN; ALTER TABLE trades ADD COLUMN mood TEXT; INSERT INTO schema_migrations(version, name, applied_at, checksum, down_available, down_sql) VALUES(\$version, 'program 9', 1, 'x', 1, 'ALTER TABLE trades DROP COLUMN mood;'); COMMIT"
        sleep 0.5
        kill -KILL \$\$
    ) >/dev/null 2>&1 9>&- &
fi
exec "$home/bin/breakout" "\$@"
WORDS
printf '#!/bin/bash\n[ "$1 $2" != "db migrate" ] || exit 1\nexec "%s" "$@"\n' "$home/bin/breakout" >"$home/bin/no_migration"
chmod 755 "$home"/bin/*

run "$home/start.sh"
expect_text 'the installation starts' "$code" '^[05]$'
until_true 20 test -s "$home/data/serving.pid"
first=$(cut -d' ' -f1 "$home/data/serving.pid")
trade_tables() { sqlite3 "$home/data/breakout_bot.db" 'SELECT max(version) FROM schema_migrations; SELECT group_concat(name) FROM pragma_table_info("trades")'; }
schema=$(trade_tables)

# Readers all the while: what they got stands in a file.
(
    while [ ! -e "$SCRATCH/enough" ]; do
        curl --silent --max-time 10 --output /dev/null --write-out '%{http_code}\n' "http://127.0.0.1:$port/api/live"
        sleep 0.02
    done >"$SCRATCH/answers"
) &
readers=$!

run "$home/update.sh" --program "$home/bin/no_migration" --verify 1
expect 'a version that cannot migrate' "$code" 1
run "$home/update.sh" --program "$home/bin/dies" --verify 6 --timeout 20
expect 'a version that dies' "$code" 6
expect 'the old one has taken back' "$(cut -d' ' -f1 "$home/data/serving.pid")" "$first"
expect 'the schema is the one of before' "$(trade_tables)" "$schema"
run "$home/update.sh" --program "$home/bin/breakout" --verify 2 --json
expect 'a good version' "$code" 0
expect_text 'a good version tells its gap' "$output" '"gap_ms":[0-9]+'
second=$(cut -d' ' -f1 "$home/data/serving.pid")
expect 'another process serves' "$([ -n "$second" ] && [ "$second" != "$first" ] && echo yes)" yes
expect 'the supervisor knows it' "$(cut -d' ' -f1 "$home/pids/breakout.pid")" "$second"
touch "$SCRATCH/enough"
wait "$readers"
# The version that dies takes what it has accepted with it: at most one answer is cut off there.
expect_text 'reads that failed' "$(grep -cv '^200$' "$SCRATCH/answers")" '^[01]$'
expect_text 'reads that were answered' "$(grep -c '^200$' "$SCRATCH/answers")" '^[0-9]{2,}$'
expect 'reports of the updates' "$(find "$home/reports" -name 'update_*.json' | wc -l)" 3

run "$home/stop.sh"
expect 'stop' "$code" 0
finish
