# shellcheck shell=bash disable=SC2034,SC2154 # variables of update.sh
# update.sh for an installation by deploy.sh: a second API container under the same name takes the account over, then the service is made anew from the
# new image and takes it back. The interface asks for the name every 2 s, so it always finds one that answers. Sourced by update.sh.

API=breakout-bot-api
NEXT=breakout-bot-api-next
UI=breakout-bot-frontend
UI_NEXT=breakout-bot-frontend-next
EDGE=breakout-bot-edge
tag=$(setting IMAGE_TAG local)
api_url=http://$(setting BIND_ADDRESS 127.0.0.1):$(setting DOCKER_PORT_UI 3000)
data_dir=$ROOT/data
# Seconds in which the old container stays beside the new one: what breaks at once goes back without a read that fails.
PROBATION_S=8
# The interface asks for names every 2 s: so long until it has found a new container, and forgotten one that goes.
SETTLE_S=3
find_compose || end 2 'there is neither "docker compose" nor docker-compose'
choose_files "$profile"

# The container that has the engine now: by the name it wrote, which is the short form of its id.
serving_name() {
    local id
    id=$(cut -d' ' -f2 "$ROOT/data/serving.pid" 2>/dev/null || true)
    [ -n "$id" ] || return 0
    docker ps --filter "id=$id" --format '{{.Names}}'
}
ctl() { docker exec "$(serving_name)" breakout ctl "$@"; }
server_rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$(docker inspect --format '{{.State.Pid}}' "$(serving_name)")/status" 2>/dev/null || echo 0; }
new_is_gone() { ! is_up "$API" || [ "$(docker inspect --format '{{.RestartCount}}' "$API")" -gt 0 ]; }

check_installation() {
    docker rm -f "$NEXT" >/dev/null 2>&1 || true
    [ -r "$ROOT/data/serving.pid" ] || end 1 "data/serving.pid cannot be read, it belongs to the container's user: run this as root"
    [ "$(serving_name)" = "$API" ] || end 1 "the container $API does not serve: docker compose restart $API"
    done_with "$API serves at $api_url"
}

make_backup() {
    local file=backups/update-$started.tar.gz
    docker exec "$API" breakout db backup --verify -o "/app/$file" >>"$LOGS/update.log" 2>&1 || end 1 'the backup failed (logs/update.log)'
    done_with "$file"
}

keep_or_restore_tags() { # keep|restore
    local image
    for image in "$API" "$UI"; do
        case $1 in
        keep) docker tag "$image:$tag" "$image:rollback" ;;
        restore) docker tag "$image:rollback" "$image:$tag" ;;
        esac
    done
}

build_next() {
    [ -z "$candidate" ] || end 64 'update.sh: --program is for an installation without Docker'
    DOCKER_BUILD_VERSION=$(sed -n 's/^## \[\{0,1\}\([0-9][0-9.]*\).*/\1/p' "$ROOT/CHANGELOG.md" | head -n 1)
    DOCKER_BUILD_COMMIT=$(git -C "$ROOT" rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
    export DOCKER_BUILD_VERSION DOCKER_BUILD_COMMIT
    keep_or_restore_tags keep
    if ! DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1 compose build "$API" "$UI" >"$LOGS/build.log" 2>&1; then
        tail -n 10 "$LOGS/build.log" >&2
        refuse 'the build failed (logs/build.log)'
    fi
    done_with "$(docker images --format '{{.Repository}} {{.Size}}' --filter "reference=breakout-bot-*:$tag" | paste -sd, | sed 's/,/, /g')"
}

# The image that has the tag is the one that the next start takes: a version that was refused gives it back.
put_back() { keep_or_restore_tags restore; }

image_of() { if [ "$1" = next ]; then echo "$API:$tag"; else echo "$API:rollback"; fi; }
# Before the build there is no image called rollback yet.
version_of() { if [ "$1" = next ]; then docker run --rm --network none "$API:$tag" breakout --version; else docker exec "$API" breakout --version; fi | head -n 1; }
try() { one_shot "$API:$tag" "$@"; }
replay_copy() {
    timeout "$timeout_s" docker run --rm --network none --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges -e DATA_DIR=/app/data \
        -e LOG_TO_FILE=false -v "$trial:/app/data:ro" "$(image_of "$1")" breakout replay "$2" --verify
}

# wait_serving NAME
wait_serving() {
    local end_at=$((SECONDS + timeout_s))
    until [ "$(serving_name)" = "$1" ] && docker exec "$1" breakout ctl ready --timeout 2 >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end_at" ] && is_up "$1" && [ "$(docker inspect --format '{{.RestartCount}}' "$1")" -lt 2 ] || return 1
        sleep 0.1
    done
}

# start_next WORDS...: a second container of the service from the image that has the tag now.
start_next() { compose run -d --no-deps --use-aliases --name "$NEXT" "$API" breakout serve "$@" >>"$LOGS/update.log" 2>&1; }

# The service anew, while NEXT answers; then NEXT goes.
replace_service() {
    sleep "$SETTLE_S"
    if ! compose up -d --no-build --no-deps "$API" >>"$LOGS/update.log" 2>&1 || ! wait_serving "$API"; then return 1; fi
    sleep "$SETTLE_S"
    docker stop --time 20 "$NEXT" >/dev/null 2>&1 || true
    docker rm -f "$NEXT" >/dev/null 2>&1 || true
}

# What an image runs, without the labels that name its version and commit.
content_of() { docker image inspect --format '{{json .RootFS}} {{json .Config.Cmd}} {{json .Config.Entrypoint}} {{json .Config.Env}} {{.Config.User}}' "$1"; }

ui_answers() { docker exec "$1" wget -q -O /dev/null http://127.0.0.1:3000/healthz >/dev/null 2>&1; }
wait_ui() {
    local end_at=$((SECONDS + timeout_s))
    until ui_answers "$1"; do
        [ "$SECONDS" -lt "$end_at" ] && is_up "$1" || return 1
        sleep 0.2
    done
    sleep "$SETTLE_S"
}

# The interface is left alone unless it is another one. While its container is made anew a second one answers to its name; the port is the edge's.
replace_ui() {
    [ "$(content_of "$(docker inspect --format '{{.Image}}' "$UI")")" != "$(content_of "$UI:$tag")" ] || return 0
    docker rm -f "$UI_NEXT" >/dev/null 2>&1 || true
    compose run -d --no-deps --use-aliases --name "$UI_NEXT" "$UI" >>"$LOGS/update.log" 2>&1 && wait_ui "$UI_NEXT" &&
        compose up -d --no-build --no-deps "$UI" >>"$LOGS/update.log" 2>&1 && wait_ui "$UI" || return 1
    docker stop --time 5 "$UI_NEXT" >/dev/null 2>&1 || true
    docker rm -f "$UI_NEXT" >/dev/null 2>&1 || true
    # An installation of before it had none.
    compose up -d --no-build --no-deps "$EDGE" >>"$LOGS/update.log" 2>&1
}

gap_of_log() {
    local from to
    from=$(grep '"event":"handed_over"' "$ROOT/logs/breakout.log" 2>/dev/null | tail -n 1 | sed -nE 's/^\{"ts":"([^"]*)".*/\1/p')
    to=$(grep '"event":"started","message":"version' "$ROOT/logs/breakout.log" 2>/dev/null | tail -n 1 | sed -nE 's/^\{"ts":"([^"]*)".*/\1/p')
    if [ -z "$from" ] || [ -z "$to" ]; then
        echo 0
        return
    fi
    echo $((($(date -d "$to" +%s%N) - $(date -d "$from" +%s%N)) / 1000000))
}

probation() {
    local end_at=$((SECONDS + (verify_s < PROBATION_S ? verify_s : PROBATION_S)))
    while [ "$SECONDS" -lt "$end_at" ]; do
        [ "$(serving_name)" = "$NEXT" ] || return 1
        sleep 0.2
    done
}

hand_over() {
    start_next --takeover || roll_back 'the new version could not be started'
    wait_serving "$NEXT" || roll_back "the new version did not serve within $timeout_s s"
    gap_ms=$(gap_of_log)
    probation || roll_back 'the new version has ended'
    replace_service || roll_back 'the service could not be made anew'
    replace_ui || roll_back 'the interface could not be made anew'
    done_with "$API serves; the engine paused for $gap_ms ms"
}

go_back() {
    what_serves="the container $API"
    docker logs --tail 10 "$NEXT" >>"$LOGS/update.log" 2>&1 || docker logs --tail 10 "$API" >>"$LOGS/update.log" 2>&1 || true
    put_back
    docker rm -f "$NEXT" "$UI_NEXT" >/dev/null 2>&1 || true
    # The old container took the account back by itself, or the new one has it: then the old image takes over from it, or starts where it has died.
    if [ "$(docker inspect --format '{{.Image}}' "$API" 2>/dev/null)" != "$(docker image inspect --format '{{.Id}}' "$API:$tag")" ]; then
        if [ "$(docker inspect --format '{{.RestartCount}}' "$API" 2>/dev/null || echo 1)" -gt 0 ]; then docker stop --time 5 "$API" >/dev/null 2>&1 || true; fi
        start_next --takeover --take-back && wait_serving "$NEXT" && replace_service || return 1
        replace_ui || note 'the interface could not be made anew'
    fi
    wait_serving "$API"
}

complete() {
    docker image prune --force --filter 'label=org.opencontainers.image.title=breakout-bot-api' >/dev/null 2>&1 || true
    done_with 'images of the version before are kept as :rollback'
}
