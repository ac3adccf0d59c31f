#!/usr/bin/env bash
# The whole stack on a real Docker engine: images, deploy.sh, what is promised of containers, an update under reads, down and up again.
# Needs docker.io, docker-compose and debootstrap, and root for an engine of its own. Run by `make docker-test`. DOCKER_TEST_DIR keeps the engine's data.
# shellcheck disable=SC2016 # words of scripts and templates that are written here
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
# shellcheck source=tests/docker/lib.sh
. "$ROOT/tests/docker/lib.sh"

stack_begin 'stack' 18340
stack_build
phase 'deploy'
run "$site/deploy.sh" --timeout 240
expect 'deploy' "$code" 0
[ "$code" -eq 0 ] || printf '%s\n' "$output" | tail -n 20

# ---- what is promised of the images ----

phase 'promises'

bytes=$(inspect breakout-bot-api:local '{{.Size}}')
printf 'API image: %s MB, interface: %s MB\n' "$((bytes / 1000000))" "$(($(inspect breakout-bot-frontend:local '{{.Size}}') / 1000000))"
expect 'API image under 40 MB' "$([ "$bytes" -lt 40000000 ] && echo yes)" yes
run docker exec breakout-bot-api sh -c true
expect 'no shell in the API image' "$([ "$code" -ne 0 ] && echo yes)" yes
for name in breakout-bot-api breakout-bot-frontend breakout-bot-edge breakout-bot-redis breakout-bot-prometheus; do
    pid=$(inspect "$name" '{{.State.Pid}}')
    expect "$name is not root" "$(awk '/^Uid/ { print ($2 != 0) }' "/proc/$pid/status")" 1
    expect "$name has no rights" "$(awk '/^CapEff/ { print $2 }' "/proc/$pid/status")" 0000000000000000
    expect "$name can get none" "$(awk '/^NoNewPrivs/ { print $2 }' "/proc/$pid/status")" 1
    expect "$name has a read-only root" "$(inspect "$name" '{{.HostConfig.ReadonlyRootfs}}')" true
    expect "$name comes back" "$(inspect "$name" '{{.HostConfig.RestartPolicy.Name}}')" unless-stopped
    expect "$name is in the network" "$(inspect "$name" '{{range $k, $v := .NetworkSettings.Networks}}{{$k}}{{end}}')" breakout-network
    expect "$name publishes on this machine only" "$(inspect "$name" '{{range $p, $b := .NetworkSettings.Ports}}{{range $b}}{{.HostIp}} {{end}}{{end}}' | tr ' ' '\n' | grep -cvE '^(127\.0\.0\.1)?$')" 0
done
expect '.env is read-only' "$(inspect breakout-bot-api '{{range .Mounts}}{{if eq .Destination "/app/.env"}}{{.RW}}{{end}}{{end}}')" false
expect 'health check of the API' "$(inspect breakout-bot-api:local '{{.Config.Healthcheck.Interval}} {{.Config.Healthcheck.Timeout}} {{.Config.Healthcheck.StartPeriod}} {{.Config.Healthcheck.Retries}}')" '30s 10s 40s 3'
run docker exec breakout-bot-frontend curl --silent --output /dev/null --write-out '%{http_code}' http://breakout-bot-api:8000/api/ready
expect 'the interface finds the API by name' "$output" 200
expect 'the page' "$(curl --silent --output /dev/null --write-out '%{http_code}' "$ui/")" 200
expect 'the page has its number in place' "$(curl --silent "$ui/" | grep -c __CSP_NONCE__)" 0
expect_text 'Prometheus has the metrics' "$(within 20 bash -c "curl --silent 'http://127.0.0.1:18343/api/v1/query?query=up' | grep -q 'breakout-bot-api'" && echo yes)" yes
expect 'containers speak JSON' "$(docker logs --tail 20 breakout-bot-api 2>&1 | jq -r 'has("ts") and has("level") and has("component")' 2>&1 | sort -u)" true
expect 'logs on the host are JSON' "$(jq -r 'has("ts") and has("level") and has("component")' "$site/logs/breakout.log" 2>&1 | sort -u)" true
run docker run -d --rm --read-only --tmpfs /tmp --name breakout-bot-elsewhere -e VITE_API_URL=https://api.example.org breakout-bot-frontend:local
within 10 docker exec breakout-bot-elsewhere wget -q -O /dev/null http://127.0.0.1:3000/healthz >/dev/null 2>&1
expect 'the address of the API is of run time' "$(docker exec breakout-bot-elsewhere curl --silent http://127.0.0.1:3000/config.json | jq -r .api_url)" https://api.example.org
docker rm --force breakout-bot-elsewhere >/dev/null 2>&1
printf 'resident: %s KB\n' "$(awk '/^VmRSS/ { print $2 }' "/proc/$(inspect breakout-bot-api '{{.State.Pid}}')/status")"

# ---- a container that is killed comes back ----

phase 'kill'

kill -KILL "$(inspect breakout-bot-api '{{.State.Pid}}')"
within 40 docker exec breakout-bot-api breakout ctl ready --timeout 2 >/dev/null 2>&1
expect 'a killed API comes back' "$?" 0

# ---- a build that fails, and a second deployment ----

phase 'deploy again'
before=$(inspect breakout-bot-api '{{.Id}}')
sed -i 's|^WORKDIR /app|RUN ["false"]\n&|' "$site/Dockerfile"
run "$site/deploy.sh"
expect 'deploy with a broken build' "$code" 1
expect 'what ran runs on' "$(inspect breakout-bot-api '{{.Id}} {{.State.Running}}')" "$before true"
sed -i '/^RUN \["false"\]$/d' "$site/Dockerfile"
run "$site/deploy.sh" --timeout 240
expect 'deploy again' "$code" 0
[ "$code" -eq 0 ] || printf '%s\n' "$output" | tail -n 20
backup=$(find "$site/backups" -mindepth 1 -maxdepth 1 -type d -name '2*' | sort | tail -n 1)
expect 'data were saved before' "$(tar -tzf "$backup/data.tar.gz" 2>/dev/null | grep -cE '^(database.db|manifest.json)$')" 2
expect 'logs, reports, presets and settings too' "$(tar -tzf "$backup/files.tar.gz" | grep -cE '^(logs|reports|presets)/$|^\.env$')" 4
expect 'what was saved is private' "$(stat -c %a "$backup" "$backup"/* | paste -sd' ')" '700 600 600 600'

# ---- update under reads ----

phase 'update'

(
    while [ ! -e "$SCRATCH/enough" ]; do
        curl --silent --max-time 10 --output /dev/null --output /dev/null --write-out '%{http_code}\n' "$ui/api/live" "$ui/"
        sleep 0.02
    done >"$SCRATCH/answers"
) &
readers=$!
sed -i 's|^LABEL org|LABEL breakout.test="next" org|' "$site/Dockerfile"
run "$site/update.sh" --no-pull --verify 5
expect 'update' "$code" 0
[ "$code" -eq 0 ] || printf '%s\n' "$output" | tail -n 20
touch "$SCRATCH/enough"
wait "$readers"
printf 'reads during the update: %s\n' "$(wc -l <"$SCRATCH/answers")"
expect 'no read failed' "$(grep -cv '^200$' "$SCRATCH/answers")" 0
expect 'the new image runs' "$(inspect breakout-bot-api '{{index .Config.Labels "breakout.test"}}')" next
expect 'nothing is left over' "$(docker ps --all --quiet --filter name=breakout-bot-api-next)" ''

# ---- down, up again ----

phase 'down and up'

sessions=$(sqlite3 "$site/data/breakout_bot.db" 'SELECT count(*) FROM sessions')
docker exec breakout-bot-redis redis-cli set kept-over-down yes >/dev/null
asked_at=$(date +%s)
series() { curl --silent --max-time 5 "http://127.0.0.1:18343/api/v1/query?query=sort_desc(breakout_engine_state_transitions_total)&time=$asked_at" | jq -c '[.data.result[] | [.metric, .value]] | sort'; }
within 20 curl --silent --fail --output /dev/null "http://127.0.0.1:18343/-/ready"
kept=$(series)
expect 'Prometheus has series' "$(($(jq length <<<"$kept") > 0))" 1
run compose_in "$site" down
expect 'down' "$code" 0
compose_in "$site" up -d --no-build >"$SCRATCH/up.log" 2>&1 &
up=$!
for _ in $(seq 1500); do
    curl --silent --fail --max-time 1 --output /dev/null http://127.0.0.1:18340/api/ready && break
    sleep 0.02
done
expect 'ready again' "$?" 0
ready_at=$(date +%s%N)
printf 'start: %s ms from the start of the container until it is ready, with the history of this run\n' "$(((ready_at - $(date -d "$(inspect breakout-bot-api '{{.State.StartedAt}}')" +%s%N)) / 1000000))"
wait "$up"
expect 'up again' "$?" 0
expect 'the data are there' "$([ "$(sqlite3 "$site/data/breakout_bot.db" 'SELECT count(*) FROM sessions')" -ge "$sessions" ] && echo yes)" yes
expect 'the key in Redis is there' "$(docker exec breakout-bot-redis redis-cli get kept-over-down)" yes
within 20 curl --silent --fail --output /dev/null "http://127.0.0.1:18343/-/ready"
expect 'the series of Prometheus are there' "$(series)" "$kept"
phase ''
stack_finish
