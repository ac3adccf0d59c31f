#!/usr/bin/env bash
# Brings the whole stack up in Docker: checks, backup, images, start, verification. The old version runs on until the new one is built and checked.
#
#   ./deploy.sh [development|staging|production] [options]
#
#   --approve NAME           who approves; needed for staging and production
#   --skip-staging REASON    production without a staging run of the same version before; logged
#   --no-backup              no backup of existing data first
#   --timeout S              seconds until all of it must be healthy (default 120)
#   --dry-run                checks only: nothing is changed
#   --json, --no-color, -h, --help
#
# Exit codes: 0 deployed, 1 failed and nothing changed or first deployment failed, 2 Docker, Compose or disk space is missing, 4 settings, approval or
#             profile rules, 6 failed and rolled back to the version before, 7 the way back failed too: a person is needed, 64 wrong usage.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
NAME=deploy
# shellcheck source=scripts/lib.sh
. "$ROOT/scripts/lib.sh"
# shellcheck source=scripts/ops.sh
. "$ROOT/scripts/ops.sh"

USER_ID=10001
FREE_MIN_MB=2048
profile=development
approver=
skip_staging=
has_backup=1
timeout_s=120
while [ $# -gt 0 ]; do
    case $1 in
    development | staging | production) profile=$1 ;;
    --approve | --skip-staging | --timeout)
        [ $# -ge 2 ] || fail 64 "deploy.sh: $1 needs a value; see ./deploy.sh --help"
        case $1 in
        --approve) approver=$2 ;;
        --skip-staging) skip_staging=$2 ;;
        --timeout) timeout_s=$2 ;;
        esac
        shift
        ;;
    --no-backup) has_backup=0 ;;
    -h | --help)
        usage_of "$ROOT/deploy.sh"
        exit 0
        ;;
    *) ops_option "$1" || unknown "$ROOT/deploy.sh" "$1" ;;
    esac
    shift
done
case $timeout_s in '' | *[!0-9]*) fail 64 "deploy.sh: --timeout must be a number of seconds, not '$timeout_s'" ;; esac

API=breakout-bot-api
UI=breakout-bot-frontend
REDIS=breakout-bot-redis
ALERTMANAGER=breakout-bot-alertmanager
tag=$(setting IMAGE_TAG local)
version=$(sed -n 's/^## \[\{0,1\}\([0-9][0-9.]*\).*/\1/p' "$ROOT/CHANGELOG.md" | head -n 1)
commit=$(git -C "$ROOT" rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
DOCKER_BUILD_DATE=$(TZ=UTC git -C "$ROOT" log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null || echo unknown)
export DOCKER_BUILD_VERSION=${version:-0.0.0} DOCKER_BUILD_COMMIT=$commit DOCKER_BUILD_DATE

# ---- 1 to 3: what must be there ----

check_docker() {
    step 'Docker'
    command -v docker >/dev/null || end 2 'Docker is not installed: apt-get install docker.io docker-compose'
    docker info >/dev/null 2>&1 || end 2 'Docker does not run, or this user may not use it: systemctl start docker, or be in the group docker'
    find_compose || end 2 'there is neither "docker compose" nor docker-compose: apt-get install docker-compose'
    choose_files "$profile"
    local free_mb
    free_mb=$(df -Pm "$ROOT" | awk 'NR == 2 { print $4 }')
    [ "$free_mb" -ge "$FREE_MIN_MB" ] || end 2 "only $free_mb MB are free in $ROOT, $FREE_MIN_MB are needed: docker system prune, or delete old backups"
    done_with "$(docker version --format 'Docker {{.Server.Version}}'), ${COMPOSE[*]}, $free_mb MB free"
}

check_settings() {
    step 'Settings'
    if [ ! -f "$ROOT/.env" ]; then
        [ "$is_dry" -eq 0 ] || end 4 'there is no .env; a run without --dry-run makes it from .env.example'
        (umask 077 && cp "$ROOT/.env.example" "$ROOT/.env")
        end 4 '.env was missing and is made from .env.example: set FEED (demo needs no account), for staging and production GF_SECURITY_ADMIN_PASSWORD and REDIS_PASSWORD, for production TLS_DOMAIN and TLS_EMAIL; then start again'
    fi
    [ "$(stat -c %a "$ROOT/.env")" = 600 ] || [ "$is_dry" -eq 1 ] || chmod 600 "$ROOT/.env" || end 4 '.env must have mode 600'
    if [ "$profile" = staging ] && [ "$(setting TRADING_MODE paper)" = live ]; then
        end 4 'staging trades paper money only: TRADING_MODE=live is refused'
    fi
    if [ "$profile" = staging ] && [ "$(setting GF_SECURITY_ADMIN_PASSWORD admin)" = admin ]; then
        end 4 'the password of Grafana is the default: set GF_SECURITY_ADMIN_PASSWORD in .env'
    fi
    [ "$profile" != production ] || check_production
    compose config --quiet 2>"$LOGS/compose.log" || compose config >/dev/null 2>"$LOGS/compose.log" || end 4 "the compose files are refused: $(tail -n 1 "$LOGS/compose.log")"
    done_with "profile $profile"
}

check_production() {
    local name
    for name in TLS_DOMAIN TLS_EMAIL; do
        [ -n "$(setting "$name" '')" ] || end 4 "production needs $name in .env"
    done
    for name in exchange_api_key exchange_secret redis_password grafana_password; do
        [ -f "$ROOT/secrets/$name" ] || end 4 "production needs the file secrets/$name (mode 600; empty where there is no such account)"
        case $(stat -c %a "$ROOT/secrets/$name") in
        *[1-7]) end 4 "secrets/$name can be read by everybody: chmod 600 secrets/$name" ;;
        esac
    done
    [ -s "$ROOT/secrets/redis_password" ] || end 4 'production needs a password of Redis in secrets/redis_password'
    case $(cat "$ROOT/secrets/grafana_password") in
    '' | admin) end 4 'secrets/grafana_password is empty or the default' ;;
    esac
    [ -n "$skip_staging" ] || [ "$(cat "$ROOT/data/staging-ok" 2>/dev/null)" = "$version $commit" ] ||
        end 4 "version $version ($commit) was not verified in staging (data/staging-ok): ./deploy.sh staging first, or --skip-staging REASON"
    [ -z "$skip_staging" ] || note "production without staging: $skip_staging"
}

check_approval() {
    [ "$profile" != development ] || return 0
    if [ -z "$approver" ] && [ -t 0 ]; then
        printf 'Deploying %s (%s) to %s. Your name approves it: ' "$version" "$commit" "$profile"
        read -r approver
    fi
    [ -n "$approver" ] || end 4 "$profile needs an approval: --approve NAME"
    ops_log INFO "$approver approves $version ($commit) for $profile"
}

# A port that is taken by our own containers is fine: they are replaced.
check_ports() {
    local line port
    step 'Ports'
    while read -r port; do
        line=$(ss -ltnpH "sport = :$port" 2>/dev/null | head -n 1)
        [ -n "$line" ] || continue
        [ -n "$(docker ps --quiet --filter "publish=$port" --filter "name=^breakout-bot-" 2>/dev/null)" ] && continue
        end 1 "port $port is taken by $(sed -nE 's/.*users:\(\("([^"]*)",pid=([0-9]+).*/\1 (PID \2)/p' <<<"$line" | grep . || echo 'another program'): end it, or set another one (DOCKER_PORT_* in .env)"
    done < <(compose config | sed -nE 's/^ *- ("?)([0-9.]+:)?([0-9]+):[0-9]+.*/\3/p; s/^ *published: "?([0-9]+)"?/\1/p' | sort -un)
    done_with 'the ports are free, or ours'
}

# ---- 4 and 5 ----

make_folders() {
    local folder
    step 'Folders'
    for folder in data logs reports presets backups; do
        if ! mkdir -p "$ROOT/$folder" || ! chmod 755 "$ROOT/$folder"; then end 1 "$ROOT/$folder cannot be made"; fi
    done
    # The container's user reads the settings and writes the folders, presets too: the interface edits them.
    if ! chown "$USER_ID:$USER_ID" "$ROOT/.env" "$ROOT/data" "$ROOT/logs" "$ROOT/reports" "$ROOT/presets" "$ROOT/backups" 2>/dev/null ||
        ! find "$ROOT/data" "$ROOT/logs" "$ROOT/reports" "$ROOT/presets" "$ROOT/backups" ! -user "$USER_ID" -exec chown -h "$USER_ID:$USER_ID" {} +; then
        end 1 "the folders must belong to the container's user: sudo chown -R $USER_ID:$USER_ID .env data logs reports presets backups"
    fi
    done_with "data, logs, reports, presets, backups: mode 755, owner $USER_ID; .env 600"
}

make_backup() {
    local image=$API:rollback
    step 'Backup'
    if [ "$has_backup" -eq 0 ] || [ ! -e "$ROOT/data/breakout_bot.db" ]; then
        done_with 'nothing to back up'
        return 0
    fi
    docker image inspect "$image" >/dev/null 2>&1 || image=$API:$tag
    docker image inspect "$image" >/dev/null 2>&1 || image=$API:$tag-new
    backup_folder=$ROOT/backups/$(date -u +%Y%m%d_%H%M%S)
    mkdir -p "$backup_folder" && chmod 700 "$backup_folder" && chown "$USER_ID:$USER_ID" "$backup_folder"
    one_shot "$image" db backup --verify -o "/app/backups/$(basename "$backup_folder")/data.tar.gz" >>"$LOGS/deploy.log" 2>&1 ||
        end 1 "the backup failed, nothing was changed: see logs/deploy.log; --no-backup goes without"
    tar -czf "$backup_folder/files.tar.gz" -C "$ROOT" --exclude='*.sock' logs reports presets .env
    docker images --format '{{.Repository}}:{{.Tag}} {{.ID}}' | grep '^breakout-bot-' >"$backup_folder/images.txt" || true
    chmod 600 "$backup_folder"/*
    done_with "backup in backups/$(basename "$backup_folder")"
}

# ---- 6 and 7: built and checked beside what runs ----

build_images() {
    step 'Images'
    if [ -n "$(setting IMAGE_TAG '')" ] && [ -z "${DEPLOY_BUILD:-}" ]; then
        compose pull "$API" "$UI" >"$LOGS/build.log" 2>&1 || end 1 'the images cannot be pulled (logs/build.log); what ran runs on'
        return 0
    fi
    # The names of what runs are kept for the way back before the build takes them.
    local image
    for image in "$API" "$UI"; do
        if docker image inspect "$image:$tag" >/dev/null 2>&1; then docker tag "$image:$tag" "$image:rollback"; fi
    done
    if ! DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1 compose build >"$LOGS/build.log" 2>&1; then
        for image in "$API" "$UI"; do
            if docker image inspect "$image:rollback" >/dev/null 2>&1; then docker tag "$image:rollback" "$image:$tag"; fi
        done
        tail -n 15 "$LOGS/build.log" >&2
        end 1 'the build failed (all of it is in logs/build.log); what ran runs on'
    fi
    done_with "$(docker images --format '{{.Repository}} {{.Size}}' --filter "reference=breakout-bot-*:$tag" | paste -sd, | sed 's/,/, /g')"
}

check_image() {
    step 'Dry check of the new image'
    one_shot "$API:$tag" doctor >"$LOGS/doctor.log" 2>&1 || {
        restore_tags
        tail -n 15 "$LOGS/doctor.log" >&2
        end 1 'the new version refuses these settings (breakout doctor, logs/doctor.log); what ran runs on'
    }
    if [ -e "$ROOT/data/breakout_bot.db" ]; then
        one_shot "$API:$tag" db migrate --copy >"$LOGS/migrate.log" 2>&1 || {
            restore_tags
            tail -n 5 "$LOGS/migrate.log" >&2
            end 1 'the new version cannot migrate a copy of the database (logs/migrate.log); what ran runs on'
        }
        rm -f "$ROOT/data/breakout_bot.db.migrated"*
    fi
    done_with 'settings and a copy of the database are accepted'
}

restore_tags() {
    local image
    for image in "$API" "$UI"; do
        if docker image inspect "$image:rollback" >/dev/null 2>&1; then docker tag "$image:rollback" "$image:$tag"; fi
    done
}

# ---- 8 to 10 ----

roll_back() {
    local reason=$1 code=6
    compose logs --tail=30 "${2:-$API}" >"$LOGS/failed.log" 2>&1 || true
    tail -n 20 "$LOGS/failed.log" >&2 || true
    [ "$had_version" -eq 1 ] || end 1 "$reason; this was the first deployment, so there is nothing to go back to (logs/failed.log)"
    note "$reason: going back to the version before"
    compose stop --timeout 30 "$API" >/dev/null 2>&1 || true
    restore_tags
    one_shot "$API:$tag" db migrate --back >>"$LOGS/deploy.log" 2>&1 || code=7
    compose up -d --no-build >>"$LOGS/deploy.log" 2>&1 || code=7
    wait_healthy_container "$API" $((SECONDS + timeout_s)) || [ "$was_healthy" -eq 0 ] || code=7
    [ "$code" -eq 6 ] || end 7 "$reason, and the way back failed: ./status.sh, logs/deploy.log; a restore is scripts/restore.sh"
    end 6 "$reason; the version before runs again"
}

# A secret file is mounted as it is: who reads it in a container (group 10001 in the compose file) must be able to, and nobody else.
give_secrets() {
    [ "$profile" = production ] || return 0
    step 'Secrets'
    if ! chgrp "$USER_ID" "$ROOT"/secrets/* || ! chmod 640 "$ROOT"/secrets/*; then
        end 1 "the secret files must belong to the containers' group: sudo chgrp $USER_ID secrets/*; sudo chmod 640 secrets/*"
    fi
    done_with "secrets: mode 640, group $USER_ID"
}

# Alertmanager cannot read .env. The file holds addresses that are as good as passwords: only the container's user reads it.
write_receivers() {
    local file=$ROOT/monitoring/alertmanager.local.yml
    step 'Receivers of alerts'
    (umask 077 && "$ROOT/scripts/alert_receivers.sh" "$ROOT/.env" >"$file.new" 2>"$LOGS/receivers.log") || end 4 "$(tail -n 1 "$LOGS/receivers.log")"
    if ! chown 65534:65534 "$file.new" || ! chmod 400 "$file.new" || ! mv -f "$file.new" "$file"; then end 1 "$file cannot be written"; fi
    done_with "$(sed 's/^alert_receivers.sh: //' "$LOGS/receivers.log" | grep . || echo 'as .env says')"
}

start() {
    step 'Start'
    if is_up "$API"; then
        compose stop --timeout 30 "$API" >>"$LOGS/deploy.log" 2>&1 || roll_back 'the running server could not be stopped'
    fi
    # In development the server migrates by itself. Elsewhere nothing else makes the tables, on the first day too.
    if [ "$profile" != development ]; then
        one_shot "$API:$tag" db migrate >>"$LOGS/deploy.log" 2>&1 || roll_back 'the database could not be migrated'
    fi
    compose up -d --no-build --remove-orphans >>"$LOGS/deploy.log" 2>&1 || roll_back "the containers could not be started: $(tail -n 1 "$LOGS/deploy.log")"
    # It reads its file at its start and when it is told to.
    ! is_up "$ALERTMANAGER" || docker kill --signal HUP "$ALERTMANAGER" >/dev/null 2>&1 || note 'Alertmanager has not read its receivers again'
    done_with 'containers started'
}

# Through the interface: the way that a user takes, and the only one that production has.
check_health() {
    local deadline=$((SECONDS + timeout_s)) ui code
    step 'Health'
    ui=http://$(setting BIND_ADDRESS 127.0.0.1):$(setting DOCKER_PORT_UI 3000)
    # The container tells of the whole; an engine that was in trouble before the deployment does not fail it.
    while [ "$SECONDS" -lt "$deadline" ]; do
        is_up "$API" || sleep 1
        docker exec "$API" breakout ctl ready --timeout 5 >/dev/null 2>&1 && break
        [ "$(docker inspect --format '{{.RestartCount}}' "$API" 2>/dev/null || echo 0)" -lt 3 ] || roll_back 'the API ends again and again' "$API"
        sleep 1
    done
    docker exec "$API" breakout ctl ready --timeout 5 >/dev/null 2>&1 || roll_back "the API is not ready after $timeout_s s" "$API"
    if ! docker exec "$API" breakout ctl health --timeout 5 >"$LOGS/health.log" 2>&1; then
        [ "$was_healthy" -eq 0 ] || sleep 5
        docker exec "$API" breakout ctl health --timeout 5 >"$LOGS/health.log" 2>&1 || [ "$was_healthy" -eq 0 ] || roll_back 'the API is not healthy' "$API"
    fi
    done_with 'API: ready'
    wait_healthy_container "$UI" "$deadline" || roll_back "the interface is not healthy after $timeout_s s" "$UI"
    until code=$(http_code "$ui/") && [ "$code" = 200 ] || [ "$SECONDS" -ge "$deadline" ]; do sleep 0.5; done
    [ "$code" = 200 ] || roll_back "the interface answers $code at $ui" "$UI"
    code=$(http_code "$ui/api/ready")
    [ "$code" = 200 ] || roll_back "the API answers $code through the interface" "$UI"
    done_with "interface: $ui"
    wait_healthy_container "$REDIS" "$deadline" || roll_back 'Redis does not answer' redis
    done_with 'Redis: PONG'
}

say_where() {
    local bind
    bind=$(setting BIND_ADDRESS 127.0.0.1)
    compose ps
    say "  interface   http://$bind:$(setting DOCKER_PORT_UI 3000)"
    [ "$profile" = production ] || say "  API         http://$bind:$(setting DOCKER_PORT_API 8000), docs at /api/docs"
    say "  Prometheus  http://$bind:$(setting DOCKER_PORT_PROMETHEUS 9090)"
    say "  Grafana     http://$bind:$(setting DOCKER_PORT_GRAFANA 3001)"
    local link
    link=$(docker exec "$API" breakout token setup --if-new 2>/dev/null | sed -E "s#https?://[^/]+/#http://$bind:$(setting DOCKER_PORT_UI 3000)/#") || link=
    [ -z "$link" ] || good "first login: $link (15 minutes, one use)"
    result_extra=",\"url\":\"http://$bind:$(setting DOCKER_PORT_UI 3000)\",\"version\":\"$version\",\"commit\":\"$commit\",\"profile\":\"$profile\""
}

mkdir -p "$LOGS" 2>/dev/null || fail 1 "$LOGS cannot be made"
check_docker
check_settings
check_approval
check_ports
[ "$is_dry" -eq 0 ] || end 0 'all checks passed; nothing was changed (--dry-run)'

had_version=0
was_healthy=1
if docker image inspect "$API:$tag" >/dev/null 2>&1 && docker inspect "$API" >/dev/null 2>&1; then
    had_version=1
    if is_up "$API" && ! docker exec "$API" breakout ctl health --timeout 5 >/dev/null 2>&1; then was_healthy=0; fi
fi
make_folders
give_secrets
write_receivers
build_images
make_backup
check_image
start
check_health
say_where
if [ "$profile" = staging ]; then echo "$version $commit" >"$ROOT/data/staging-ok"; fi
end 0 "deployed $version ($commit), profile $profile"
