#!/usr/bin/env bash
# deploy.sh from the first deployment to production with a stand-in for Docker that keeps images and containers in a folder and runs the real program
# on the data: backup before, a build that fails, a version that refuses its settings or is not healthy, the marker of staging. make docker-test has
# the same on a real engine.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
program=${BREAKOUT_PROGRAM:-$ROOT/build/breakout}
unset BREAKOUT_PROGRAM
if [ ! -x "$program" ] || [ "$(id -u)" -ne 0 ]; then
    skip deploy "there is no $program, or this is not root: folders get another owner"
    finish
    exit
fi

site=$SCRATCH/site
export STATE=$SCRATCH/state SITE=$site PROGRAM_HERE=$program
mkdir -p "$site/frontend" "$SCRATCH/tools" "$STATE/images" "$STATE/containers"
chmod 755 "$SCRATCH"
cp -r "$ROOT/deploy.sh" "$ROOT/scripts" "$ROOT/presets" "$ROOT/monitoring" "$ROOT/.env.example" "$ROOT/CHANGELOG.md" "$ROOT"/docker-compose*.yml "$site"
ui_port=$(free_port)
printf 'FEED=demo\nDOCKER_PORT_UI=%s\n' "$ui_port" >"$site/.env"

# Images are files with their number, containers files with the number they run and a first line 'up' or 'down'.
cat >"$SCRATCH/tools/docker" <<'WORDS'
#!/bin/bash
echo "docker $*" >>"$STATE/calls"
image() { printf '%s/images/%s\n' "$STATE" "${1//[:\/]/_}"; }
case $1 in
info | version) echo 'Docker 99' ;;
compose) exit 1 ;;
image) cat "$(image "$3")" 2>/dev/null ;;
tag) cp "$(image "$2")" "$(image "$3")" ;;
images) for one in "$STATE"/images/*; do echo "$(basename "$one" | sed 's/_/:/') $(cat "$one")"; done ;;
ps | kill) ;;
inspect)
    file=$STATE/containers/${!#}
    [ -f "$file" ] || exit 1
    state=$(head -n 1 "$file")
    case $* in
    *Running*) [ "$state" = up ] && echo true || echo false ;;
    *Health*) [ "$state" = up ] && echo healthy || echo exited ;;
    *RestartCount*) echo 0 ;;
    esac
    ;;
exec)
    [ "$(head -n 1 "$STATE/containers/$2" 2>/dev/null)" = up ] || exit 1
    [ "$5 $6" != 'ctl health' ] && [ "$4 $5" != 'ctl health' ] && exit 0
    [ "$(tail -n 1 "$STATE/containers/$2")" != "$(cat "$STATE/sick" 2>/dev/null)" ]
    ;;
run)
    while [ "$1" != breakout ]; do last=$1; shift; done
    shift
    [ "$1" != doctor ] || [ "$(cat "$(image "$last")")" != "$(cat "$STATE/refusing" 2>/dev/null)" ] || exit 4
    cd "$SITE" && exec env DATABASE_URL="sqlite://$SITE/data/breakout_bot.db" PRESETS_DIR="$SITE/presets" "$PROGRAM_HERE" "${@//\/app\//$SITE/}"
    ;;
esac
WORDS
cat >"$SCRATCH/tools/docker-compose" <<'WORDS'
#!/bin/bash
[ "$1" != version ] || exit 0
echo "compose $*" >>"$STATE/calls"
services='breakout-bot-api breakout-bot-frontend breakout-bot-edge breakout-bot-redis'
case $* in
*' config'*) ;;
*' build'*)
    [ ! -e "$STATE/build_fails" ] || { echo 'Step 7 : RUN make: exit code 2'; exit 1; }
    number=$(($(cat "$STATE/number" 2>/dev/null || echo 0) + 1))
    echo "$number" | tee "$STATE/number" "$STATE/images/breakout-bot-api_local" >"$STATE/images/breakout-bot-frontend_local"
    ;;
*' stop'*) sed -i '1s/.*/down/' "$STATE/containers/${!#}" ;;
*' up '*) for one in $services; do printf 'up\n%s\n' "$(cat "$STATE/images/breakout-bot-api_local")" >"$STATE/containers/$one"; done ;;
esac
WORDS
chmod 755 "$SCRATCH"/tools/*
# What answers at the port of the interface.
gcc -std=gnu17 -o "$SCRATCH/answers" "$ROOT/tests/system/stand_in.c" || exit 1
(cd "$SCRATCH" && PORT=$ui_port exec "$SCRATCH/answers" serve) &
front=$!
trap 'kill "$front" 2>/dev/null; rm -rf "$SCRATCH"' EXIT

deploy() { # sets output and code; the calls of this deployment are in calls
    : >"$STATE/calls"
    output=$(PATH=$SCRATCH/tools:$PATH "$site/deploy.sh" "$@" --timeout 20 2>&1 </dev/null)
    code=$?
    [ "$code" -eq "${wanted:-0}" ] || printf '%s\n' "$output" | tail -n 8
}
runs() { tail -n 1 "$STATE/containers/breakout-bot-api"; }
order() { # PATTERN...: do the calls come in this order?
    local line=0 pattern next
    for pattern in "$@"; do
        next=$(awk -v from="$line" -v pattern="$pattern" 'NR > from && $0 ~ pattern { print NR; exit }' "$STATE/calls")
        [ -n "$next" ] || { echo "no $pattern"; return; }
        line=$next
    done
    echo yes
}
newest() { find "$site/backups" -mindepth 1 -maxdepth 1 -type d | sort | tail -n 1; }

# ---- the first ----

deploy
expect 'the first deployment' "$code" 0
expect 'built, checked, started' "$(order ' build' 'breakout doctor' ' up -d')" yes
expect 'there was nothing to save' "$(find "$site/backups" -mindepth 1 | wc -l)" 0
expect 'folders are the container user'\''s' "$(cd "$site" && stat -c '%n %u %a' data logs reports presets backups .env | paste -sd' ')" \
    'data 10001 755 logs 10001 755 reports 10001 755 presets 10001 755 backups 10001 755 .env 10001 600'
expect_text 'addresses are told' "$output" "interface +http://127.0.0.1:$ui_port"

# ---- with data ----

(cd "$site" && "$program" db migrate >/dev/null && sqlite3 data/breakout_bot.db "INSERT INTO trades(trade_id, pnl_usd) VALUES('T1', 5)")
echo 'a report' >"$site/reports/one.txt"
wanted_digest=$(cd "$site" && "$program" db digest | sed -n 's/^trades_sha256 *//p')
deploy
expect 'a second deployment' "$code" 0
expect 'its order: build, backup, check, migration on a copy, stop, start' \
    "$(order ' build' 'db backup --verify' 'breakout doctor' 'db migrate --copy' ' stop .*breakout-bot-api' ' up -d')" yes
expect 'the new image runs' "$(runs)" 2
folder=$(newest)
expect_text 'the folder of the backup' "$(basename "$folder")" '^[0-9]{8}_[0-9]{6}$'
expect 'modes' "$(stat -c %a "$folder" "$folder"/* | sort | uniq -c | xargs)" '3 600 1 700'
expect 'its data are good' "$("$program" db verify "$folder/data.tar.gz" | awk '/^verified/ { print $2 }')" yes
tar -xOzf "$folder/data.tar.gz" database.db >"$SCRATCH/saved.db"
expect 'its trades are those of before' "$(DATABASE_URL=sqlite://$SCRATCH/saved.db "$program" db digest | sed -n 's/^trades_sha256 *//p')" "$wanted_digest"
expect 'its files' "$(tar -tzf "$folder/files.tar.gz" | grep -cxE '\.env|reports/one\.txt|presets/channel_baseline\.json|logs/ops\.log')" 4
expect 'names of images' "$(grep -c '^breakout-bot-api' "$folder/images.txt")" "$(find "$STATE/images" -name 'breakout-bot-api*' | wc -l)"
kept=$(find "$site/backups" -type f | wc -l)
deploy --no-backup
expect 'without a backup' "$code $(find "$site/backups" -type f | wc -l)" "0 $kept"

# ---- what does not work leaves the old one running ----

stays() { # NAME: nothing was stopped or started, the image of before is the one of the next start
    expect "$1: nothing stopped or started" "$(grep -cE '^compose .* (stop|up) ' "$STATE/calls")" 0
    expect "$1: the old one runs" "$(head -n 1 "$STATE/containers/breakout-bot-api") $(runs)" 'up 3'
    expect "$1: so will the next start" "$(cat "$STATE/images/breakout-bot-api_local")" 3
}
wanted=1
touch "$STATE/build_fails"
deploy --no-backup
expect 'a build that fails' "$code" 1
expect_text 'its words' "$output" 'RUN make: exit code 2'
stays 'a build that fails'
rm "$STATE/build_fails"
echo 4 >"$STATE/refusing"
deploy --no-backup
expect 'a version that refuses the settings' "$code" 1
stays 'a version that refuses the settings'
mv "$site/data/breakout_bot.db" "$SCRATCH/good.db"
head -c 8192 /dev/zero >"$site/data/breakout_bot.db"
deploy
expect 'a backup that fails' "$code" 1
expect_text 'it says that nothing was changed' "$output" 'the backup failed, nothing was changed'
expect 'a backup that fails: nothing stopped or started' "$(grep -cE '^compose .* (stop|up) ' "$STATE/calls")" 0
mv "$SCRATCH/good.db" "$site/data/breakout_bot.db"
wanted=6
cat "$STATE/number" >"$SCRATCH/last"
echo $(($(cat "$SCRATCH/last") + 1)) >"$STATE/sick"
good=$(cat "$STATE/images/breakout-bot-api_local")
deploy --no-backup
expect 'a version that is not healthy' "$code" 6
expect 'not healthy: the image of before runs again' "$(head -n 1 "$STATE/containers/breakout-bot-api") $(runs)" "up $good"
expect 'not healthy: the schema went back too' "$(order ' up -d' 'db migrate --back' ' up -d')" yes
rm -f "$STATE/sick" "$STATE/refusing"

# ---- production wants staging first ----

printf 'GF_SECURITY_ADMIN_PASSWORD=long-enough\nTLS_DOMAIN=bot.example.org\nTLS_EMAIL=ops@example.org\n' >>"$site/.env"
mkdir -m 700 "$site/secrets"
for name in redis_password grafana_password exchange_api_key exchange_secret; do (umask 077 && echo a-long-secret >"$site/secrets/$name"); done
wanted=4
deploy production --approve me --no-backup
expect 'production before staging' "$code" 4
expect_text 'it asks for staging' "$output" 'not verified in staging'
wanted=0
deploy staging --approve me --no-backup
expect 'staging' "$code" 0
expect 'the marker names the version' "$(cut -d' ' -f1 "$site/data/staging-ok")" "$(sed -n 's/^## \[\{0,1\}\([0-9][0-9.]*\).*/\1/p' "$site/CHANGELOG.md" | head -n 1)"
expect_text 'who approved it is logged' "$(cat "$site/logs/ops.log")" 'me approves'
deploy production --approve me --no-backup
expect 'production after staging' "$code" 0
sed -i '0,/^## \[\{0,1\}[0-9]/s/^## \[\{0,1\}[0-9][0-9.]*/## [99.0.0/' "$site/CHANGELOG.md"
wanted=4
deploy production --approve me --no-backup
expect 'production of a version that was not in staging' "$code" 4
wanted=0
deploy production --approve me --no-backup --skip-staging 'a test'
expect 'production without staging, with a reason' "$code" 0
expect_text 'the reason is logged' "$(cat "$site/logs/ops.log")" 'production without staging: a test'
kill "$front"
wait "$front" 2>/dev/null
trap - EXIT
finish
