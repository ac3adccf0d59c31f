#!/usr/bin/env bash
# Backup while the demo trades at 60x and the API is read 50 times a second; restore into an empty system, with the same trades before and after a
# start; archives that are damaged, forged or too new, each refused with nothing changed; configuration alone; backups on a schedule.
#
#   backup.sh      the program is build/breakout, or BREAKOUT_PROGRAM
#
# Takes about half a minute.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
with_program backup
server=
reader=
# shellcheck disable=SC2317 # called by the trap
clean_up() {
    [ -z "$reader" ] || kill -9 "$reader" 2>/dev/null
    [ -z "$server" ] || kill -9 "$server" 2>/dev/null
    BREAKOUT_PROGRAM=$program "$SCRATCH/empty/stop.sh" >/dev/null 2>&1
    rm -rf "$SCRATCH"
}
trap clean_up EXIT

run() { # sets output and code
    output=$("$@" 2>&1 </dev/null)
    code=$?
}

# A folder like a fresh clone, with settings.
make_site() { # NAME
    local site=$SCRATCH/$1
    mkdir -p "$site"
    cp -r "$ROOT/start.sh" "$ROOT/stop.sh" "$ROOT/status.sh" "$ROOT/scripts" "$ROOT/presets" "$site"
    ln -s "$ROOT/recordings" "$site/recordings"
    printf '%s\n' FEED=demo AUTOSTART=paper "PORT=$(free_port)" UI_PORT=0 LOG_CONSOLE=off \
        MAX_CPU_PERCENT=100 WARN_CPU_PERCENT=100 MAX_DISK_PERCENT=100 WARN_DISK_PERCENT=100 >"$site/.env"
    chmod 600 "$site/.env"
}
at() { # SITE WORDS...: the program in that site
    local site=$SCRATCH/$1
    shift
    (cd "$site" && "$program" "$@")
}
script() { # SITE SCRIPT WORDS...
    local site=$SCRATCH/$1 name=$2
    shift 2
    BREAKOUT_PROGRAM=$program run "$site/$name" "$@"
}
# Everything in a site but its logs, with content.
fingerprint() { (cd "$SCRATCH/$1" && { find . -path ./logs -prune -o -printf '%p %y %m\n' | sort; find . -path ./logs -prune -o -type f -print0 | sort -z | xargs -0 sha256sum; } | sha256sum); }

# ---- a demo that has traded, trades on at 60x, and is read ----

make_site busy
busy=$SCRATCH/busy
port=$(sed -n 's/^PORT=//p' "$busy/.env")
serve() { # SPEED
    (cd "$busy" && exec env DEMO_SPEED="$1" RATE_LIMIT_READ_PER_S=1000 "$program" serve >"$SCRATCH/busy.out" 2>&1) &
    server=$!
    until_true 30 curl --silent --fail --max-time 2 --output /dev/null "http://127.0.0.1:$port/api/ready"
}
end_server() {
    kill "$server"
    wait "$server" 2>/dev/null
    server=
}
has_trades() { [ "$(sqlite3 "$busy/data/breakout_bot.db" 'SELECT count(*) FROM trades' 2>/dev/null || echo 0)" -ge "$1" ]; }
serve 1200
until_true 60 has_trades 2
end_server
serve 60
seq_of() { sqlite3 "$busy/data/breakout_bot.db" "SELECT value FROM counters WHERE name = 'journal_seq'"; }
first_seq=$(seq_of)
token=$(cat "$busy/data/ctl.token")
(exec stdbuf -oL curl --silent --rate 50/s --max-time 60 --output /dev/null --write-out '%{http_code}\n' --header "Authorization: Bearer $token" \
    "http://127.0.0.1:$port/api/trading/{positions,trades,orders}?order={asc,desc}&limit=[1-200]") >"$SCRATCH/answers" 2>/dev/null &
reader=$!
until_true 10 test -s "$SCRATCH/answers"
begun_ms=$(date +%s%3N)
script busy scripts/backup.sh -o "$SCRATCH/saved.tar.gz" --json
took_ms=$(($(date +%s%3N) - begun_ms))
expect 'backup under load' "$code" 0
expect_text 'it tells the digest of the trades' "$output" '"trades_sha256":"[0-9a-f]{64}"'
has_reads() { [ "$(wc -l <"$SCRATCH/answers")" -ge 100 ]; }
until_true 30 has_reads
expect 'it was read all the while' "$?" 0
kill "$reader"
wait "$reader" 2>/dev/null
reader=
reads=$(wc -l <"$SCRATCH/answers")
rate=$((reads * 1000 / ($(date +%s%3N) - begun_ms)))
printf 'backup under load: %d ms, %d bytes; %d reads, %d a second\n' "$took_ms" "$(stat -c %s "$SCRATCH/saved.tar.gz")" "$reads" "$rate"
expect 'every read was answered' "$(grep -cv '^200$' "$SCRATCH/answers")" 0
expect 'it traded on meanwhile' "$([ "$(seq_of)" -gt "$first_seq" ] && echo yes)" yes
expect 'mode of the backup' "$(stat -c %a "$SCRATCH/saved.tar.gz")" 600
expect 'checksum beside it' "$(cd "$SCRATCH" && sha256sum --check --quiet saved.tar.gz.sha256 && echo good)" good
script busy scripts/restore.sh "$SCRATCH/saved.tar.gz"
expect 'restore beside the data of a server' "$code" 4
end_server
script busy scripts/restore.sh "$SCRATCH/saved.tar.gz"
expect 'restore over data' "$code" 4
expect_text 'restore over data says so' "$output" 'there are data in'

# ---- into an empty system ----

mkdir "$SCRATCH/saved"
tar -xzf "$SCRATCH/saved.tar.gz" -C "$SCRATCH/saved"
manifest=$SCRATCH/saved/manifest.json
wanted=$(DATABASE_URL=sqlite://$SCRATCH/saved/database.db at busy db digest --json)
expect 'the manifest has the digests of the tables' "$(jq -S .digests "$manifest")" "$(jq -S 'del(.trades_sha256)' <<<"$wanted")"
expect_text 'it has trades' "$(jq .rows.trades "$manifest")" '^([2-9]|[1-9][0-9])$'
make_site empty
script empty scripts/restore.sh "$SCRATCH/saved.tar.gz" --dry-run
expect 'dry run of a restore' "$code" 0
expect 'a dry run leaves no data' "$(ls "$SCRATCH/empty/data" 2>/dev/null)" ''
script empty scripts/restore.sh "$SCRATCH/saved.tar.gz" --no-start --json
expect 'restore into an empty system' "$code" 0
expect 'the same trades' "$(at empty db digest --json | jq -S .)" "$(jq -S . <<<"$wanted")"
expect 'restore tells the same digest' "$(sed -n 's/.*"trades_sha256":"\([0-9a-f]*\)".*/\1/p' <<<"$output")" "$(jq -r .trades_sha256 <<<"$wanted")"
expect 'set aside: presets alone' "$(cd "$SCRATCH/empty" && find . -path '*restore-*' ! -type d ! -path './data.before-restore-*/presets/*' | wc -l)" 0

# What was over when the archive was made is the same after a start; nothing of it is missing.
printf 'RESUME_ON_RESTART=paused\nBACKUP_ENABLED=true\n' >>"$SCRATCH/empty/.env"
mkdir -p "$SCRATCH/empty/backups"
for day in 01 02 03 04; do
    : >"$SCRATCH/empty/backups/backup-202001$day-000000.tar.gz"
    touch -d "2020-01-$day" "$SCRATCH/empty/backups/backup-202001$day-000000.tar.gz"
done
script empty start.sh
expect 'it starts' "$code" 0
lost_rows() {
    sqlite3 "$SCRATCH/empty/data/breakout_bot.db" "ATTACH '$SCRATCH/saved/database.db' AS saved;
        SELECT count(*) FROM (SELECT * FROM saved.trades EXCEPT SELECT * FROM main.trades);
        SELECT count(*) FROM (SELECT * FROM saved.fills EXCEPT SELECT * FROM main.fills);
        SELECT count(*) FROM (SELECT * FROM saved.orders WHERE ended_at IS NOT NULL EXCEPT SELECT * FROM main.orders);
        SELECT count(*) FROM (SELECT * FROM saved.positions WHERE state = 'closed' EXCEPT SELECT * FROM main.positions);
        SELECT count(*) FROM (SELECT position_id FROM saved.positions EXCEPT SELECT position_id FROM main.positions);" | paste -sd' '
}
expect 'rows lost by the start' "$(lost_rows)" '0 0 0 0 0'
run at empty db verify
expect 'the tables are right after the start' "$code" 0
expect_text 'the engine took the session over' "$(at empty db export sessions --csv | wc -l)" '^[2-9]'

# ---- on a schedule ----

made_by_itself() { find "$SCRATCH/empty/backups" -name 'backup-20[3-9]*' -o -name 'backup-202[1-9]*' -o -name 'backup-2020*' -size +0 | grep -q 'tar.gz$'; }
until_true 30 made_by_itself
expect 'a backup by itself' "$?" 0
is_noted() { [ "$(sqlite3 "$SCRATCH/empty/data/breakout_bot.db" "SELECT count(*) FROM backups WHERE verified_at IS NOT NULL AND file LIKE '%empty/backups%' OR file LIKE './backups%'")" -ge 1 ]; }
until_true 30 is_noted
expect 'it is noted as verified' "$?" 0
only_three_left() { [ "$(find "$SCRATCH/empty/backups" -name 'backup-*.tar.gz' | wc -l)" -eq 3 ]; }
until_true 30 only_three_left
expect 'old ones go, the last three stay' "$(find "$SCRATCH/empty/backups" -name 'backup-2020*' -printf '%f ' | wc -w)" 2
script empty stop.sh
expect 'stop' "$code" 0

# ---- archives that are refused ----

# A small one: tables without a journal, beside them a preset.
make_site small
at small db migrate >/dev/null
sqlite3 "$SCRATCH/small/data/breakout_bot.db" "INSERT INTO trades(trade_id, pnl_usd) VALUES('T1', 500000000)"
at small db backup --verify -o "$SCRATCH/small.tar.gz" >/dev/null
make_site bare
before=$(fingerprint bare)
refused() { # NAME ARCHIVE PATTERN
    script bare scripts/restore.sh "$2" --no-start
    expect "$1" "$code" 1
    expect_text "$1 says why" "$output" "$3"
    expect "$1 changes nothing" "$(fingerprint bare)" "$before"
}
size=$(stat -c %s "$SCRATCH/small.tar.gz")
bend() { # POSITION: a copy with that byte turned
    cp "$SCRATCH/small.tar.gz" "$SCRATCH/bent.tar.gz"
    perl -e 'open(my $f, "+<", $ARGV[0]); seek($f, $ARGV[1], 0); read($f, my $b, 1); seek($f, $ARGV[1], 0); print $f chr(ord($b) ^ 0x55)' "$SCRATCH/bent.tar.gz" "$1"
}
for part in 0 20 $((size / 3)) $((size * 2 / 3)) $((size - 6)); do
    bend "$part"
    refused "a byte turned at $part" "$SCRATCH/bent.tar.gz" 'damaged'
done
bend 5 # the time in gzip's header: only the checksum beside the archive knows
(cd "$SCRATCH" && sha256sum small.tar.gz | sed 's/small/bent/' >bent.tar.gz.sha256)
refused 'a byte that gzip does not check' "$SCRATCH/bent.tar.gz" 'not what its checksum says'
rm "$SCRATCH/bent.tar.gz.sha256"
for bytes in 0 10 $((size / 2)) $((size - 1)); do
    head -c "$bytes" "$SCRATCH/small.tar.gz" >"$SCRATCH/cut.tar.gz"
    refused "an archive cut after $bytes bytes" "$SCRATCH/cut.tar.gz" 'damaged'
done
refused 'no archive' "$SCRATCH/none.tar.gz" 'no file'

# forge NAME PATTERN COMMAND: the small archive, unpacked, changed by the command, and packed again.
forge() {
    local folder=$SCRATCH/forged
    rm -rf "$folder"
    mkdir "$folder"
    tar -xzf "$SCRATCH/small.tar.gz" -C "$folder"
    (cd "$folder" && eval "$3")
    (cd "$folder" && find . -mindepth 1 ! -type d -printf '%P\n' | sort | tar --format=ustar --owner=0 --group=0 --numeric-owner -czf "$SCRATCH/forged.tar.gz" -T -)
    refused "$1" "$SCRATCH/forged.tar.gz" "$2"
}
edit() { jq "$1" manifest.json >m && mv m manifest.json; }
sign() { edit "(.files[] | select(.name == \"$1\")) |= (.sha256 = \"$(sha256sum "$1" | cut -c1-64)\" | .bytes = $(stat -c %s "$1"))"; }
# shellcheck disable=SC2016 # evaluated in the folder
{
    forge 'a changed file' 'differs from the manifest' 'echo >>presets/channel_baseline.json'
    forge 'a file that is missing' 'presets/channel_baseline.json' 'rm presets/channel_baseline.json'
    forge 'a file that nobody listed' 'does not list' 'echo "{}" >presets/mine.json'
    forge 'no manifest' 'manifest.json' 'rm manifest.json'
    forge 'a manifest that is none' 'manifest' 'echo "[1" >manifest.json'
    forge 'a manifest of nothing' 'lists no files' 'echo "{}" >manifest.json'
    forge 'another number of rows' 'another number of rows' 'edit ".rows.trades = 2"'
    forge 'other trades' 'trades: the rows of the table are not' 'sqlite3 database.db "UPDATE trades SET pnl_usd = 600000000"; sign database.db'
    forge 'a newer schema' 'use a program that knows version' 'sqlite3 database.db "INSERT INTO schema_migrations(version, name, applied_at, checksum, down_available) SELECT max(version) + 1, \"x\", 1, \"x\", 0 FROM schema_migrations"; sign database.db'
    forge 'a database that is none' 'database' 'head -c 5000 /dev/zero >database.db; sign database.db'
    forge 'a link inside' 'member that no backup has' 'rm settings.json; ln -s /etc/passwd settings.json'
}
mkdir -p "$SCRATCH/forged/in"
(cd "$SCRATCH/forged/in" && echo evil >../evil && tar --format=ustar -P -czf "$SCRATCH/forged.tar.gz" ../evil)
rm "$SCRATCH/forged/evil"
refused 'a path that leads outside' "$SCRATCH/forged.tar.gz" 'member that no backup has'
(cd "$SCRATCH" && echo evil >evil && tar --format=ustar -P -czf "$SCRATCH/forged.tar.gz" "$SCRATCH/evil" && rm evil)
refused 'an absolute path' "$SCRATCH/forged.tar.gz" 'member that no backup has'
expect 'nothing came out of them' "$(find "$SCRATCH" -name evil | wc -l)" 0

# ---- configuration alone ----

make_site config
mkdir -p "$SCRATCH/config/data"
echo 'data of this system' >"$SCRATCH/config/data/breakout_bot.db"
preset=$SCRATCH/config/presets/channel_baseline.json
good=$(sha256sum <"$preset")
jq '.description = "changed"' "$preset" >"$SCRATCH/changed.json"
cp "$SCRATCH/changed.json" "$preset"
before=$(fingerprint config)
script config scripts/restore.sh "$SCRATCH/small.tar.gz" --config-only --dry-run
expect 'dry run of a configuration' "$code" 0
expect 'a dry run of it changes nothing' "$(fingerprint config)" "$before"
script config scripts/restore.sh "$SCRATCH/small.tar.gz" --config-only
expect 'configuration' "$code" 0
expect 'the preset is the one of the archive' "$(sha256sum <"$preset")" "$good"
expect 'the one before is kept' "$(cat "$SCRATCH/config"/presets.before-*/channel_baseline.json)" "$(cat "$SCRATCH/changed.json")"
expect 'the data are untouched' "$(cat "$SCRATCH/config/data/breakout_bot.db")" 'data of this system'
rm -rf "$SCRATCH/config"/presets.before-*
mkdir -p "$SCRATCH/files/presets" "$SCRATCH/files/logs"
printf 'FEED=demo\nPORT=4711\n' >"$SCRATCH/files/.env"
cp "$ROOT/presets/channel_baseline.json" "$SCRATCH/files/presets"
tar -czf "$SCRATCH/files.tar.gz" -C "$SCRATCH/files" logs presets .env
old=$(cat "$SCRATCH/config/.env")
script config scripts/restore.sh "$SCRATCH/files.tar.gz" --config-only
expect 'configuration of a deployment' "$code" 0
expect '.env is the one of the archive' "$(stat -c %a "$SCRATCH/config/.env") $(cat "$SCRATCH/config/.env")" "600 $(cat "$SCRATCH/files/.env")"
expect '.env of before is kept' "$(cat "$SCRATCH/config"/.env.before-*)" "$old"
before=$(fingerprint config)
echo '{"name": 1}' >"$SCRATCH/files/presets/broken.json"
tar -czf "$SCRATCH/broken.tar.gz" -C "$SCRATCH/files" presets
script config scripts/restore.sh "$SCRATCH/broken.tar.gz" --config-only
expect 'a preset that is not valid' "$code" 1
expect_text 'it is named' "$output" 'broken.json is not valid; nothing was changed'
tar -czf "$SCRATCH/none.tar.gz" -C "$SCRATCH/files" logs
script config scripts/restore.sh "$SCRATCH/none.tar.gz" --config-only
expect 'an archive without configuration' "$code" 1
rm "$SCRATCH/files/presets"/*
ln -s /etc/hostname "$SCRATCH/files/presets/link.json"
tar -czf "$SCRATCH/link.tar.gz" -C "$SCRATCH/files" presets
script config scripts/restore.sh "$SCRATCH/link.tar.gz" --config-only
expect 'a link instead of a preset' "$code" 1
expect 'nothing was changed by any of them' "$(fingerprint config)" "$before"
trap - EXIT
finish
