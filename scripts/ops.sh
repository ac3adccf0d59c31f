# shellcheck shell=bash disable=SC2034 # its variables are for those who source it
# What the scripts of operation share: how they speak, and how they reach Docker.
# Sourced after lib.sh. The caller has set NAME, its own name in messages and in the log.
#
# Common options: --json (one object on standard output at the end, messages on standard error), --no-color, --dry-run.
# Exit codes: 0 done, 1 failed, 2 something needed is missing, 3 not running, 4 configuration, 5 timeout, 6 failed and rolled back,
#             7 rollback failed, 64 wrong usage.

is_json=0
is_dry=0
step_now=
last_message=
result_extra=

# ops_option WORD: true when it is one of the common options.
ops_option() {
    case $1 in
    --json)
        is_json=1
        exec 3>&1 1>&2
        trap 'print_result $?' EXIT
        ;;
    --no-color) GREEN='' YELLOW='' RED='' BOLD='' PLAIN='' ;;
    --dry-run) is_dry=1 ;;
    *) return 1 ;;
    esac
}

json_text() { printf '"%s"' "$(printf '%s' "$1" | tr '\n\t' '  ' | sed 's/\\/\\\\/g; s/"/\\"/g' | tr -d '\000-\037')"; }

# A line of logs/ops.log, as the program writes its own.
ops_log() {
    mkdir -p "$LOGS" 2>/dev/null || return 0
    printf '{"ts":"%s","level":"%s","component":"ops","event":"%s","message":%s}\n' "$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)" "$1" "$NAME" "$(json_text "$2")" \
        >>"$LOGS/ops.log" 2>/dev/null || true
}

step() {
    step_now=$1
    say "${BOLD}$1${PLAIN}"
}
done_with() {
    good "[ok] $1"
    ops_log INFO "$1"
}
note() {
    warn "[!] $1"
    ops_log WARNING "$1"
}

# The result as one JSON object; result_extra are further members of it.
# shellcheck disable=SC2317 # called by the trap
print_result() {
    printf '{"command":"%s","code":%d,"step":%s,"message":%s%s}\n' "$NAME" "$1" "$(json_text "$step_now")" "$(json_text "$last_message")" "$result_extra" >&3
}

# end CODE MESSAGE: the last word.
end() {
    local code=$1 message=$2
    last_message=$message
    if [ "$code" -eq 0 ]; then
        good "[ok] $message"
        ops_log INFO "$message"
    else
        printf '%s[x] %s%s\n' "$RED" "$message" "$PLAIN" >&2
        ops_log ERROR "$message (exit code $code, step: $step_now)"
    fi
    exit "$code"
}

# ---- Docker ----

profile=${profile:-development}
COMPOSE=()
COMPOSE_FILES=()

# Finds Compose; false without it.
find_compose() {
    if docker compose version >/dev/null 2>&1; then
        COMPOSE=(docker compose)
    elif command -v docker-compose >/dev/null 2>&1 && docker-compose version >/dev/null 2>&1; then
        COMPOSE=(docker-compose)
    else
        return 1
    fi
}

# choose_files PROFILE: BREAKOUT_COMPOSE_EXTRA names a further file, of this machine alone.
choose_files() {
    COMPOSE_FILES=(-f "$ROOT/docker-compose.yml" -f "$ROOT/docker-compose.$1.yml")
    [ -z "${BREAKOUT_COMPOSE_EXTRA:-}" ] || COMPOSE_FILES+=(-f "$BREAKOUT_COMPOSE_EXTRA")
    [ "$1" = development ] || COMPOSE_FILES+=(--profile monitoring)
}

compose() { (cd "$ROOT" && "${COMPOSE[@]}" "${COMPOSE_FILES[@]}" --project-name breakout-bot "$@"); }

health_of() { docker inspect --format '{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}' "$1" 2>/dev/null || echo absent; }
is_up() { [ "$(docker inspect --format '{{.State.Running}}' "$1" 2>/dev/null)" = true ]; }

# one_shot IMAGE WORDS...: the program in a container of its own, on the data of this installation.
one_shot() {
    local image=$1
    shift
    docker run --rm --network none --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
        -e DATABASE_URL=sqlite:///app/data/breakout_bot.db -e DATA_DIR=/app/data -e LOG_DIR=/app/logs -e REPORTS_DIR=/app/reports \
        -e PRESETS_DIR=/app/presets -e BACKUP_DIR=/app/backups -e LOG_TO_FILE=false -e "BREAKOUT_PROFILE=$profile" \
        -v "$ROOT/data:/app/data" -v "$ROOT/logs:/app/logs" -v "$ROOT/reports:/app/reports" -v "$ROOT/presets:/app/presets" \
        -v "$ROOT/backups:/app/backups" -v "$ROOT/.env:/app/.env:ro" "$image" breakout "$@"
}

# wait_healthy_container NAME DEADLINE: SECONDS counts on.
wait_healthy_container() {
    local state=
    while [ "$SECONDS" -lt "$2" ]; do
        state=$(health_of "$1")
        case $state in
        healthy) return 0 ;;
        absent | exited | dead) return 1 ;;
        esac
        if [ -t 1 ]; then printf '\r  %s: %s (%d s left)   ' "$1" "$state" $(($2 - SECONDS)); fi
        sleep 1
    done
    return 1
}

# An empty machine has neither the program nor an image: made here, the image where Docker runs, else the program.
need_program() {
    [ ! -x "$PROGRAM" ] || return 0
    if ! command -v docker >/dev/null || ! docker info >/dev/null 2>&1; then
        "$ROOT/start.sh" --build-only || end 2 'the program could not be built: the reason is above'
        return 0
    fi
    ! docker image inspect "breakout-bot-api:$(setting IMAGE_TAG local)" >/dev/null 2>&1 || return 0
    find_compose || end 2 'there is neither "docker compose" nor docker-compose: apt-get install docker-compose'
    choose_files "$profile"
    note 'building the image of the API (logs/build.log)'
    DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1 compose build breakout-bot-api >"$LOGS/build.log" 2>&1 ||
        end 2 "the image of the API could not be built (logs/build.log): $(tail -n 1 "$LOGS/build.log")"
}

# program_here FILE WORDS...: the program of this installation: the one built here, else that of the image, which sees the folder of FILE.
program_here() {
    local file=$1 folder
    shift
    if [ -x "$PROGRAM" ]; then
        (cd "$ROOT" && env -u BREAKOUT_PROGRAM "$PROGRAM" "$@")
        return
    fi
    if ! command -v docker >/dev/null || ! docker image inspect "breakout-bot-api:$(setting IMAGE_TAG local)" >/dev/null 2>&1; then
        end 2 "there is neither $PROGRAM nor an image of the API: make, or ./deploy.sh"
    fi
    folder=$(dirname "$file")
    docker run --rm --network none --user "$(stat -c %u "$ROOT/data" 2>/dev/null || echo 10001)" -e DATABASE_URL=sqlite:///app/data/breakout_bot.db \
        -e DATA_DIR=/app/data -e LOG_DIR=/app/logs -e REPORTS_DIR=/app/reports -e PRESETS_DIR=/app/presets -e BACKUP_DIR=/app/backups -e LOG_TO_FILE=false \
        -v "$ROOT/data:/app/data" -v "$ROOT/logs:/app/logs" -v "$ROOT/reports:/app/reports" -v "$ROOT/presets:/app/presets" -v "$ROOT/backups:/app/backups" \
        -v "$folder:$folder" "breakout-bot-api:$(setting IMAGE_TAG local)" breakout "$@"
}
