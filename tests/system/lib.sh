# shellcheck shell=bash
# What the system tests share. Each test is a script of its own: it works in a folder of its own, on ports of its own, ends what it
# started, and closes with finish, which prints the line that test.sh adds up.
# The caller has set ROOT to the folder of the repository.

# shellcheck source=tests/support/no_settings.sh
. "$ROOT/tests/support/no_settings.sh"

passed=0
failed=0
skipped=0
SCRATCH=$(mktemp -d)

# expect NAME ACTUAL WANTED
expect() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED %s: got "%s", wanted "%s"\n' "$1" "$2" "$3"
    fi
}

# expect_text NAME TEXT PATTERN: TEXT holds a match of the extended regular expression.
expect_text() {
    if grep -qE -e "$3" <<<"$2"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED %s: "%s" has no match of "%s"\n' "$1" "$2" "$3"
    fi
}

# skip NAME REASON
skip() {
    skipped=$((skipped + 1))
    printf 'skipped %s: %s\n' "$1" "$2"
}

# until_true SECONDS COMMAND...: waits, at most so long.
until_true() {
    local ticks=$(($1 * 10))
    shift
    until "$@"; do
        [ "$ticks" -gt 0 ] || return 1
        ticks=$((ticks - 1))
        sleep 0.1
    done
}

# A port that nobody listens on now.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 10000))
        [ -n "$(ss -ltnH "sport = :$port")" ] || break
    done
    printf '%s\n' "$port"
}

# The program that a script tries, in `program`. Ends the script where there is none.
with_program() { # NAME
    program=${BREAKOUT_PROGRAM:-$ROOT/build/breakout}
    unset BREAKOUT_PROGRAM
    if [ ! -x "$program" ]; then
        skip "$1" "there is no $program"
        finish
        exit
    fi
}

# The same in an empty folder, and a server that ends with the script.
with_server() { # NAME
    with_program "$1"
    server=
    trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null; rm -rf "$SCRATCH"' EXIT
    cd "$SCRATCH" || exit 1
}

# A script over the recording: BREAKOUT, RECORDING, and an empty folder with data and reports of its own. Ends the script where there is none.
with_recording() { # NAME
    BREAKOUT=${BREAKOUT_PROGRAM:-$ROOT/build/breakout}
    RECORDING=$ROOT/recordings/binance-usdm-2025-05
    if [ ! -x "$BREAKOUT" ] || [ ! -d "$RECORDING" ]; then
        skip "$1" "no program at $BREAKOUT or no recording"
        finish
        exit
    fi
    unset BREAKOUT_PROGRAM # no setting of the program
    export DATA_DIR=$SCRATCH/data REPORTS_DIR=$SCRATCH/reports PRESETS_DIR=$ROOT/presets
    cd "$SCRATCH" || exit 1
}

finish() {
    rm -rf "$SCRATCH"
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    [ "$failed" -eq 0 ]
}
