# shellcheck shell=bash disable=SC2034,SC2154 # variables of update.sh
# update.sh for an installation by deploy.sh: a second API container under the same name takes the account over, then the service is made anew from the
# new image and takes it back. The interface asks for the name every 2 s, so it always finds one that answers. Sourced by update.sh.

API=breakout-bot-api
NEXT=breakout-bot-api-next
UI=breakout-bot-frontend
tag=$(setting IMAGE_TAG local)
api_url=http://$(setting BIND_ADDRESS 127.0.0.1):$(setting DOCKER_PORT_UI 3000)
DOCKER_BUILD_VERSION=$(sed -n 's/^## \[\{0,1\}\([0-9][0-9.]*\).*/\1/p' "$ROOT/CHANGELOG.md" | head -n 1)
DOCKER_BUILD_COMMIT=$(git -C "$ROOT" rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
export DOCKER_BUILD_VERSION DOCKER_BUILD_COMMIT
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
    keep_or_restore_tags keep
    if ! DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1 compose build "$API" "$UI" >"$LOGS/build.log" 2>&1; then
        keep_or_restore_tags restore
        tail -n 10 "$LOGS/build.log" >&2
        write_report 1 'the build failed'
        end 1 'the build failed (logs/build.log); the old version runs on'
    fi
    done_with "$(docker images --format '{{.Repository}} {{.Size}}' --filter "reference=breakout-bot-*:$tag" | paste -sd, | sed 's/,/, /g')"
}

try_on_copy() {
    local words
    for words in doctor 'db migrate --copy'; do
        # shellcheck disable=SC2086 # two words
        one_shot "$API:$tag" $words >>"$LOGS/update.log" 2>&1 && continue
        keep_or_restore_tags restore
        rm -f "$ROOT"/data/*.migrated*
        write_report 1 "the new version fails at: $words"
        end 1 "the new version fails at 'breakout $words' (logs/update.log); the old version runs on"
    done
    rm -f "$ROOT"/data/*.migrated*
    done_with 'settings and a copy of the database are accepted'
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
    if ! compose up -d --no-build --no-deps "$API" >>"$LOGS/update.log" 2>&1 || ! wait_serving "$API"; then return 1; fi
    docker stop --time 20 "$NEXT" >/dev/null 2>&1 || true
    docker rm -f "$NEXT" >/dev/null 2>&1 || true
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

hand_over() {
    start_next --takeover || roll_back 'the new version could not be started'
    wait_serving "$NEXT" || roll_back "the new version did not serve within $timeout_s s"
    gap_ms=$(gap_of_log)
    replace_service || roll_back 'the service could not be made anew'
    compose up -d --no-build --no-deps "$UI" >>"$LOGS/update.log" 2>&1 || roll_back 'the interface could not be made anew'
    done_with "$API serves; the engine paused for $gap_ms ms"
}

roll_back() {
    local reason=$1
    note "$reason: going back to the version before"
    docker logs --tail 10 "$NEXT" >>"$LOGS/update.log" 2>&1 || docker logs --tail 10 "$API" >>"$LOGS/update.log" 2>&1 || true
    keep_or_restore_tags restore
    docker rm -f "$NEXT" >/dev/null 2>&1 || true
    # The old container took the account back by itself, or the new one has it: then the old image takes over from it, or starts where it has died.
    if [ "$(docker inspect --format '{{.Image}}' "$API" 2>/dev/null)" != "$(docker image inspect --format '{{.Id}}' "$API:$tag")" ]; then
        if [ "$(docker inspect --format '{{.RestartCount}}' "$API" 2>/dev/null || echo 1)" -gt 0 ]; then docker stop --time 5 "$API" >/dev/null 2>&1 || true; fi
        if ! start_next --takeover --take-back || ! wait_serving "$NEXT" || ! replace_service; then
            write_report 7 "$reason; the way back failed"
            end 7 "$reason, and the way back failed: ./status.sh, logs/update.log, scripts/restore.sh; positions are in the journal, their stops at the venue"
        fi
        compose up -d --no-build --no-deps "$UI" >>"$LOGS/update.log" 2>&1 || note 'the interface could not be made anew'
    fi
    if wait_serving "$API"; then
        write_report 6 "$reason; rolled back"
        end 6 "$reason; the version before serves again"
    fi
    write_report 7 "$reason; the way back failed"
    end 7 "$reason, and $API does not serve: ./status.sh, logs/update.log"
}

complete() {
    docker image prune --force --filter 'label=org.opencontainers.image.title=breakout-bot-api' >/dev/null 2>&1 || true
    done_with 'images of the version before are kept as :rollback'
}
