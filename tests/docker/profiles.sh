#!/usr/bin/env bash
# The profiles staging and production on a real Docker engine, with the profile monitoring: what is published, who reaches Redis, secrets from files,
# limits as the variables say, TLS in front. Grafana cannot be built from Debian's packages and stays away; Caddy is Debian's.
# Needs what stack.sh needs. Run by `make docker-profiles`.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
# shellcheck source=tests/docker/lib.sh
. "$ROOT/tests/docker/lib.sh"

stack_begin 'profiles' 18380
# Only production has a proxy: a line of it in the local file would start one in every profile.
cp "$site/tests/docker/compose.local.yml" "$site/production.local.yml"
cat >>"$site/production.local.yml" <<'LOCAL'
  proxy:
    image: breakout-test/caddy:bookworm
    build:
      <<: *debian
      target: caddy
      args: {DEBIAN_IMAGE: "breakout-test/debian:bookworm"}
LOCAL
stack_build
cat >>"$site/.env" <<'SETTINGS'
GF_SECURITY_ADMIN_PASSWORD=long-enough-for-a-test
TLS_DOMAIN=localhost
TLS_EMAIL=somebody@example.org
DOCKER_PORT_HTTP=18388
DOCKER_PORT_HTTPS=18389
API_CPU_LIMIT=1.5
API_MEMORY_LIMIT=3G
API_CPU_RESERVATION=0.25
API_MEMORY_RESERVATION=256M
SETTINGS

target_is_up() { curl --silent --max-time 5 'http://127.0.0.1:18383/api/v1/query?query=up' | jq -e --arg job "$1" '.data.result[] | select(.metric.job == $job and .value[1] == "1")' >/dev/null; }
answers() { curl --silent --output /dev/null --max-time 3 "http://127.0.0.1:$1/"; }
published() { docker ps --format '{{.Ports}}' | tr ',' '\n' | sed -nE 's/^ *([0-9.]+):([0-9]+)->.*/\1:\2/p' | sort; }
limits_of() { inspect "$1" '{{.HostConfig.NanoCpus}} {{.HostConfig.Memory}} {{.HostConfig.MemoryReservation}}'; }
# The number that curl ends with when nobody listens there is 7.
reaches() { docker exec "$1" curl --silent --output /dev/null --max-time 3 "telnet://$2" </dev/null; }
redis() { docker exec breakout-bot-redis redis-cli -h redis-data "$@" 2>&1; }

# ---- staging ----

phase 'staging'
run "$site/deploy.sh" staging --approve tester --timeout 240
expect 'staging' "$code" 0
[ "$code" -eq 0 ] || printf '%s\n' "$output" | tail -n 20
expect 'staging: marker of this version' "$(cut -d' ' -f1 "$site/data/staging-ok")" "$(sed -n 's/^## \[\{0,1\}\([0-9][0-9.]*\).*/\1/p' "$site/CHANGELOG.md" | head -n 1)"
expect 'staging: profile' "$(ctl status --json | jq -r .profile)" staging
expect 'staging: limits of the API by variables' "$(limits_of breakout-bot-api)" "1500000000 3221225472 268435456"
expect 'staging: limits of Redis' "$(limits_of breakout-bot-redis)" "500000000 268435456 0"
expect 'staging: limits of the interface' "$(limits_of breakout-bot-frontend)" "500000000 134217728 0"
run docker exec breakout-bot-api breakout serve --live --port 8001
expect 'staging: live is refused' "$([ "$code" -ne 0 ] && echo yes)" yes
within 60 target_is_up node-exporter
expect 'node-exporter is scraped' "$?" 0
within 30 target_is_up breakout-bot-api
expect 'the API is scraped' "$?" 0
expect 'Alertmanager is ready' "$(curl --silent --output /dev/null --write-out '%{http_code}' http://127.0.0.1:18385/-/ready)" 200
expect 'Prometheus knows Alertmanager' "$(curl --silent http://127.0.0.1:18383/api/v1/alertmanagers | jq '.data.activeAlertmanagers | length')" 1
expect 'rules are loaded' "$(($(curl --silent http://127.0.0.1:18383/api/v1/rules | jq '[.data.groups[].rules[]] | length') > 20))" 1
expect 'staging: Redis is not published' "$(docker port breakout-bot-redis)" ''
reaches breakout-bot-frontend breakout-bot-redis:6379
expect 'staging: the interface does not reach Redis' "$?" 7
expect 'staging: the API is where Redis is' "$(docker network inspect breakout-data --format '{{range .Containers}}{{.Name}} {{end}}' | tr ' ' '\n' | sort | paste -sd' ' | sed 's/^ //')" 'breakout-bot-api breakout-bot-redis'

# ---- production ----

phase 'production'
mkdir "$site/secrets"
printf '' >"$site/secrets/exchange_api_key"
printf '' >"$site/secrets/exchange_secret"
printf 'a-password-of-redis' >"$site/secrets/redis_password"
printf 'a-password-of-grafana' >"$site/secrets/grafana_password"
chmod 600 "$site"/secrets/*
export BREAKOUT_COMPOSE_EXTRA=$site/production.local.yml
run "$site/deploy.sh" production --approve tester --timeout 240
expect 'production' "$code" 0
[ "$code" -eq 0 ] || printf '%s\n' "$output" | tail -n 20
expect 'production: profile' "$(ctl status --json | jq -r .profile)" production
expect 'production: what is published' "$(published | paste -sd' ')" '0.0.0.0:18388 0.0.0.0:18389 127.0.0.1:18381 127.0.0.1:18383 127.0.0.1:18385'
for port in 18380 18382 8000 6379; do
    answers "$port"
    expect "production: nobody listens on $port" "$?" 7
done
expect 'production: Redis wants the password' "$(redis ping)" 'NOAUTH Authentication required.'
# shellcheck disable=SC2016 # for the shell inside
expect 'production: Redis has the password of the file' "$(docker exec breakout-bot-redis sh -c 'REDISCLI_AUTH=$(cat /run/secrets/redis_password) redis-cli -h redis-data ping')" PONG
reaches breakout-bot-frontend breakout-bot-redis:6379
expect 'production: the interface does not reach Redis' "$?" 7
expect 'production: no secret in what an engine tells' "$(docker inspect breakout-bot-api breakout-bot-redis breakout-bot-proxy | grep -c 'a-password-of')" 0
expect 'production: the API reads its secrets' "$(stat -c '%a %g' "$site/secrets/redis_password")" '640 10001'
expect 'production: backups are on' "$(inspect breakout-bot-api '{{.Config.Env}}' | grep -c 'BACKUP_ENABLED=true')" 1
secure() { curl --silent --insecure --max-time 10 --output /dev/null --write-out '%{http_code}' --resolve localhost:18389:127.0.0.1 "https://localhost:18389$1"; }
within 30 test "$(secure /)" = 200
expect 'production: the page over TLS' "$(secure /)" 200
expect 'production: the API over TLS' "$(secure /api/ready)" 200
expect 'production: plain HTTP becomes TLS' "$(curl --silent --output /dev/null --write-out '%{http_code}' --header 'Host: localhost' http://127.0.0.1:18388/)" 308
expect 'production: HSTS' "$(curl --silent --insecure --head https://localhost:18389/ | grep -ci '^strict-transport-security')" 1
pid=$(inspect breakout-bot-proxy '{{.State.Pid}}')
expect 'the proxy may bind low ports and nothing else' "$(awk '/^CapEff/ { print $2 }' "/proc/$pid/status")" 0000000000000400
case $(ctl health --json | jq -r '.components[] | select(.name == "redis") | .status') in
ok | off) expect 'production: the API uses Redis' 1 1 ;;
*) expect 'production: the API uses Redis' "$(ctl health --json | jq -c '.components[] | select(.name == "redis")')" ok ;;
esac
for name in breakout-bot-api breakout-bot-frontend breakout-bot-edge breakout-bot-redis breakout-bot-prometheus breakout-bot-alertmanager breakout-bot-node-exporter breakout-bot-proxy; do
    printf '   %s: %s MB resident\n' "$name" "$(($(awk '/^VmRSS/ { print $2 }' "/proc/$(inspect "$name" '{{.State.Pid}}')/status") / 1024))"
done
phase ''
stack_finish
