#!/usr/bin/env bash
# The checkers of other programs over the files that we write for them: nginx -t, docker-compose config of every combination, systemd-analyze. A checker
# that is not here is a failure: scripts/packages.sh installs them all. shellcheck is in tests/tidy/shell.sh; promtool and amtool are in monitoring.sh.
# shellcheck disable=SC2016 # words of templates that are written here
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
PATH=$PATH:/usr/sbin

run() { # sets code
    "$@" >"$SCRATCH/output" 2>&1 </dev/null
    code=$?
}

for tool in shellcheck promtool amtool nginx docker-compose systemd-analyze; do
    expect "$tool is installed" "$(command -v "$tool" >/dev/null && echo yes)" yes
done

# ---- nginx in the container of the interface, as its start script makes it ----

mkdir -p "$SCRATCH/front"
cp "$ROOT/frontend/nginx/nginx.conf" "$SCRATCH/front"
sed "s|/etc/breakout|$SCRATCH/front|; s|/tmp/nginx|$SCRATCH/front/run|g" "$ROOT/frontend/nginx/start.sh" >"$SCRATCH/front/start.sh"
sed -i "s|/tmp/nginx|$SCRATCH/front/run|g; s|listen 3000|listen 127.0.0.1:$(free_port)|" "$SCRATCH/front/nginx.conf"
front() { run env "$@" sh "$SCRATCH/front/start.sh" --check; }
front API_UPSTREAM=127.0.0.1:1
expect 'nginx takes the file of the container' "$code" 0
expect 'no word is left to be filled in' "$(grep -cE '@[A-Z]+@' "$SCRATCH/front/run/nginx.conf")" 0
expect 'without addresses the page asks here' "$(jq -r .api_url "$SCRATCH/front/run/config.json")" ''
front API_UPSTREAM=127.0.0.1:1 VITE_API_URL=https://api.example.org VITE_WS_URL=wss://api.example.org/ws GRAFANA_URL=http://localhost:3001
expect 'nginx takes it with addresses' "$code" 0
expect 'the page is told where the API is' "$(jq -r .api_url "$SCRATCH/front/run/config.json")" https://api.example.org
expect_text 'the page may go there' "$(grep -m 1 connect-src "$SCRATCH/front/run/nginx.conf")" "connect-src 'self' https://api.example.org wss://api.example.org"
front VITE_API_URL='x"; return 200;'
expect 'an address that is none' "$code" 4
hash=$(grep -o "sha256-[A-Za-z0-9+/=]*" "$ROOT/src/adapters/http/files.c" | head -n 1)
expect 'nginx and the program allow the same style' "$(grep -c "$hash" "$ROOT/frontend/nginx/nginx.conf")" 1

# ---- nginx before the program without containers, as scripts/front.sh makes it ----

mkdir -p "$SCRATCH/plain/pids/nginx-tmp" "$SCRATCH/plain/logs"
sed "s|@ROOT@|$SCRATCH/plain|g; s|@PORT@|1|g; s|@UI_PORT@|$(free_port)|g; s|@LISTEN@|127.0.0.1|g; s|@BODY@|1048576|g" "$ROOT/deploy/nginx/ui.conf" >"$SCRATCH/plain/nginx.conf"
run nginx -t -q -p "$SCRATCH/plain" -e "$SCRATCH/plain/logs/nginx.log" -c "$SCRATCH/plain/nginx.conf"
expect 'nginx takes the file of an installation without containers' "$code" 0
expect 'no word is left in it' "$(grep -cE '@[A-Z_]+@' "$SCRATCH/plain/nginx.conf")" 0

# ---- Compose: every combination of files that deploy.sh, a plain `docker compose up` and the tests use ----

site=$SCRATCH/site
mkdir -p "$site/frontend" "$site/tests/docker"
cp "$ROOT/.env.example" "$site/.env"
combine() { # NAME FILE...: leaves config-NAME and its exit code
    local name=$1 words=() file
    shift
    for file in "$@"; do words+=(-f "$ROOT/$file"); done
    TLS_DOMAIN=x TLS_EMAIL=y GF_SECURITY_ADMIN_PASSWORD=z docker-compose "${words[@]}" --project-directory "$site" config >"$SCRATCH/config-$name" 2>"$SCRATCH/errors-$name" </dev/null
    echo $? >"$SCRATCH/code-$name"
}
names=()
combinations=('plain:' 'override:docker-compose.override.yml')
for profile in development staging production; do
    combinations+=("$profile:docker-compose.$profile.yml" "$profile-local:docker-compose.$profile.yml tests/docker/compose.local.yml")
done
for one in "${combinations[@]}"; do
    names+=("${one%%:*}")
    # shellcheck disable=SC2086 # one word per file
    combine "${one%%:*}" docker-compose.yml ${one#*:} &
    [ "$(jobs -r | wc -l)" -lt 2 ] || wait -n
done
wait
for name in "${names[@]}"; do
    expect "compose files: $name" "$(cat "$SCRATCH/code-$name")$(grep -v 'variable is not set' "$SCRATCH/errors-$name" | head -n 3)" 0
    expect "ports open to the world: $name" "$(grep -E '^ *- [^1/]?[0-9.]*:?[0-9]+:[0-9]+(/tcp)?$' "$SCRATCH/config-$name" | grep -cvE '127\.0\.0\.1|80:80|443:443')" 0
done
expect 'five services' "$(sed -n '/^services:/,/^[a-z]/s/^  \([a-z-]*\):$/\1/p' "$SCRATCH/config-plain" | grep -cxE 'breakout-bot-api|breakout-bot-frontend|redis|prometheus|grafana')" 5
expect 'a plain up is development' "$(cat "$SCRATCH/config-override")" "$(cat "$SCRATCH/config-development")"
expect 'every overlay is among them' "$(cd "$ROOT" && find . -maxdepth 1 -name 'docker-compose.*.yml' ! -name '*.override.yml' | sed -E 's/.*compose\.(.*)\.yml/\1/' | sort | paste -sd' ')" 'development production staging'
finish
