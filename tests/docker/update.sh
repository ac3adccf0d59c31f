#!/usr/bin/env bash
# update.sh on a real Docker engine: releases that are no good, each with an open simulated position and under reads through the port of the interface,
# then a good one and the way back to the one before. A bad release is a layer on the good image, so only the first run compiles.
# Needs what tests/docker/stack.sh needs. Run by `make docker-update-test`. DOCKER_TEST_DIR keeps the engine's data; DOCKER_TEST_IMAGES=keep takes the
# good images of the run before.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
# shellcheck source=tests/docker/lib.sh
. "$ROOT/tests/docker/lib.sh"
# shellcheck source=tests/support/update_checks.sh
. "$ROOT/tests/support/update_checks.sh"

stack_begin 'update of containers' 18360
api=breakout-bot-api
interface=breakout-bot-frontend
edge=breakout-bot-edge
database=$site/data/breakout_bot.db
printf '%s\n' DEMO_SPEED=150 MAX_CPU_PERCENT=100 WARN_CPU_PERCENT=100 MAX_DISK_PERCENT=100 >>"$site/.env"
chown 10001 "$site/.env"
install -d -o 10001 -g 10001 "$site/data" "$site/logs" "$site/reports" "$site/backups"
chown -R 10001:10001 "$site/presets"

if [ "${DOCKER_TEST_IMAGES:-}" = keep ] && has_image breakout-test/good-api && has_image breakout-test/good-ui; then
    docker tag breakout-test/good-api "$api:local"
    docker tag breakout-test/good-ui "$interface:local"
    export PATH=/usr/sbin:/usr/bin:/sbin:/bin
else
    stack_build
    docker tag "$api:local" breakout-test/good-api
    docker tag "$interface:local" breakout-test/good-ui
fi
holder=$(docker create breakout-test/good-api breakout --version)
docker cp "$holder:/usr/local/bin/breakout" "$SCRATCH/good" >/dev/null
docker rm "$holder" >/dev/null
if ! make_bad_release "$site/scripts/bad" || ! corrupt_program "$SCRATCH/good" "$site/scripts/corrupt" || ! newer_program "$SCRATCH/good" "$site/scripts/newer"; then
    expect 'releases' 'not made' 'made'
    stack_finish
    exit 1
fi

# release LINES...: what the next version is built from.
release() { printf '%s\n' 'FROM breakout-test/good-api' "$@" >"$site/Dockerfile"; }
bad_release() { # FAULT
    printf '%s\n' 'FROM breakout-test/good-api AS good' 'FROM breakout-test/good-api' 'COPY --from=good /usr/local/bin/breakout /usr/local/bin/good' \
        'COPY --chmod=755 scripts/bad /usr/local/bin/breakout' "ENV FAULT=$1 REAL=/usr/local/bin/good" >"$site/Dockerfile"
}
echo 'FROM breakout-test/good-ui' >"$site/frontend/Dockerfile"

# ---- the installation, with something to lose ----

phase 'start'
is_ready() { docker exec "$api" breakout ctl ready --timeout 2 >/dev/null 2>&1; }
has_position_and_trade() { [ "$(sqlite3 -readonly "$database" 'SELECT (SELECT count(*) FROM trades) > 1 AND EXISTS (SELECT 1 FROM positions WHERE closed_at IS NULL)' 2>/dev/null)" = 1 ]; }
run compose_in "$site" up -d --no-build --no-deps "$api"
expect 'the API starts' "$code" 0
within 90 has_position_and_trade
expect 'two trades and an open position' "$?" 0
sed -i 's/^DEMO_SPEED=.*/DEMO_SPEED=2/' "$site/.env"
run compose_in "$site" up -d --no-build --no-deps --force-recreate "$api"
within 60 is_ready
run compose_in "$site" up -d --no-build --no-deps "$interface" "$edge"
within 30 curl --silent --fail --output /dev/null "$ui/api/live"
expect 'the interface reaches the API' "$?" 0
from=$(last_record "$SCRATCH/good" "$site/data")
first=$(docker inspect --format '{{.Image}}' "$api")
started=$(docker inspect --format '{{.Id}}' "$interface")
keep_rows "$database"
read_always API "$ui/api/live"
read_always page "$ui/"
slowest_ms=0

image_now() { docker inspect --format '{{.Image}}' "$api"; }
reads_so_far() { cat "$SCRATCH"/read_{API,page}.? | grep -cv '^200 '; }
# After every release, good or bad.
is_whole() { # NAME WANTED_IMAGE
    expect "$1: the image that runs" "$(image_now)" "$2"
    expect "$1: the image of the next start" "$(docker image inspect --format '{{.Id}}' "$api:local")" "$2"
    expect "$1: nothing is left over" "$(docker ps --all --quiet --filter name=-next; find "$site/data" -name 'trial*' -o -name '*.migrated*')" ''
    expect "$1: reads that failed so far" "$(reads_so_far)" 0
    rows_are_kept "$1" "$database"
}
refuses() { # NAME REASON
    phase "$1"
    run "$site/update.sh" --no-pull --verify 1
    expect "$1: refused" "$code" 1
    expect_text "$1: the reason" "$output" "$2"
    is_whole "$1" "$first"
}
goes_back() { # FAULT REASON WORDS...
    local fault=$1 reason=$2 took
    shift 2
    phase "$fault"
    bad_release "$fault"
    run "$site/update.sh" --no-pull --json "$@"
    expect "$fault: rolled back" "$code" 6
    expect_text "$fault: the reason" "$output" "$reason"
    took=$(sed -nE 's/.*"rollback_ms":([0-9]+).*/\1/p' <<<"$output")
    [ "${took:-999999}" -le "$slowest_ms" ] || slowest_ms=${took:-999999}
    is_whole "$fault" "$first"
}

# ---- releases that are no good ----

release 'COPY scripts/not_there /x'
refuses 'a version that does not build' 'the build failed'
bad_release bad_migration
refuses 'a migration with an error' "fails at 'breakout db migrate --copy': .*duplicate column"
release 'COPY scripts/corrupt /usr/local/bin/breakout'
refuses 'other decisions' 'decides otherwise: first difference .*passed_again.*passed_twice'

goes_back no_start 'did not serve'
goes_back deaf 'did not serve within 4 s' --timeout 4
goes_back broken_migration 'did not serve'
goes_back dies_migrated 'has ended'
goes_back unhealthy 'is not healthy' --verify 20
goes_back slow 'reads take' --verify 1
phase ''
printf 'slowest way back: %s ms\n' "$slowest_ms"
expect 'the way back takes less than 2 minutes' "$([ "$slowest_ms" -gt 0 ] && [ "$slowest_ms" -lt 120000 ] && echo yes)" yes

expect 'the interface was not touched' "$(docker inspect --format '{{.Id}}' "$interface")" "$started"

# ---- there and back: N, N+1, N, the interface too ----

phase 'a good version'
release 'COPY scripts/newer /usr/local/bin/breakout'
page() { curl --silent "$ui/assets/release.txt"; }
echo second >"$site/frontend/release.txt"
printf '%s\n' 'FROM breakout-test/good-ui' 'COPY release.txt /usr/share/breakout/ui/assets/release.txt' >"$site/frontend/Dockerfile"
run "$site/update.sh" --no-pull --verify 3
expect 'a good version' "$code" 0
printf '%s\n' "$output" | tail -n 1
is_whole 'a good version' "$(docker image inspect --format '{{.Id}}' "$api:local")"
expect 'it is the new interface' "$(page)" second
expect 'it is the new version' "$(docker exec "$api" breakout --version)" "$("$site/scripts/newer" --version)"
phase 'back to the version before'
release
echo 'FROM breakout-test/good-ui' >"$site/frontend/Dockerfile"
run "$site/update.sh" --no-pull --verify 3
expect 'back to the version before' "$code" 0
is_whole 'back to the version before' "$(docker image inspect --format '{{.Id}}' "$api:local")"
expect 'it is the old version' "$(docker exec "$api" breakout --version)" "$("$SCRATCH/good" --version)"
expect 'it is the old interface' "$(page | grep -c second)" 0
phase ''

stop_reading API page
# ---- one that dies when the old container is gone already: the engine starts it again until the version before has taken over ----

phase 'dies_late'
first=$(image_now)
bad_release dies_late
read_always late "$ui/api/live"
run "$site/update.sh" --no-pull --verify 30
expect 'dies_late: rolled back' "$code" 6
expect_text 'dies_late: the reason' "$output" 'has ended|does not answer'
printf '%s\n' "$output" | tail -n 1
kill "${reader_pids[@]}"
reader_pids=()
printf 'reads of a version that dies late: %s, failed: %s\n' "$(cat "$SCRATCH"/read_late.? | wc -l)" "$(cat "$SCRATCH"/read_late.? | grep -cv '^200 ')"
rm -f "$SCRATCH"/read_late.?
is_whole 'dies_late' "$first"
phase ''

stops_rest 'twelve updates' "$SCRATCH/good" "$site/data" "$from"

# ---- nothing runs ----

docker stop "$api" >/dev/null
run "$site/update.sh" --no-pull --dry-run
expect 'a stopped system' "$code" 0
expect_text 'a stopped system is deployed' "$output" 'nothing runs: deploy.sh would start it'
stack_finish
