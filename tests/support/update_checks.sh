# shellcheck shell=bash
# What the tests of update.sh share, for processes and for containers: readers, tables of trades, stops at the venue, releases that are no good.
# Sourced after tests/system/lib.sh, which gives SCRATCH and expect.

# read_always NAME ADDRESS: two readers, 32 requests a second together, until stop_reading, each request on a connection of its own.
reader_pids=()
reading_since=0
read_always() {
    local reader
    reading_since=$SECONDS
    for reader in 1 2; do
        # Told on standard error, which is written line by line: what is asked when the reader is ended is not lost among lines that wait.
        curl --silent --rate 16/s --max-time 10 --header 'Connection: close' --output /dev/null --write-out '%{stderr}%{http_code} %{time_total} %{errormsg}\n' \
            "$2#[1-1000000]" 2>"$SCRATCH/read_$1.$reader" &
        reader_pids+=($!)
    done
}

# stop_reading NAME...: says and checks what each of them got.
stop_reading() {
    local name lines
    kill "${reader_pids[@]}" 2>/dev/null
    wait "${reader_pids[@]}" 2>/dev/null
    reader_pids=()
    for name in "$@"; do
        lines=$(cat "$SCRATCH/read_$name".?)
        printf 'reads of %s: %s in %s s, failed: %s, slowest %s s\n' "$name" "$(wc -l <<<"$lines")" "$((SECONDS - reading_since))" \
            "$(grep -cv '^200 ' <<<"$lines")" "$(cut -d' ' -f2 <<<"$lines" | sort -n | tail -n 1)"
        expect_text "reads of $name" "$(wc -l <<<"$lines")" '^[0-9]{3,}$'
        expect "reads of $name that failed" "$(grep -v '^200 ' <<<"$lines" | cut -d' ' -f1,3- | sort | uniq -c)" ''
    done
}

# Rows about trades that are final: nothing may change or lose one of them.
final_rows() { # DATABASE
    sqlite3 -cmd '.timeout 5000' "$1" "SELECT 'trade', * FROM trades; SELECT 'fill', * FROM fills; SELECT 'order', * FROM orders WHERE ended_at IS NOT NULL;
        SELECT 'position', * FROM positions WHERE closed_at IS NOT NULL" | sort
}
# keep_rows DATABASE, then rows_are_kept NAME DATABASE: schema, columns and every final row are there as they were, byte for byte.
schema_of() { sqlite3 -cmd '.timeout 5000' "$1" 'SELECT max(version) FROM schema_migrations; SELECT sql FROM sqlite_master WHERE tbl_name IN ("trades", "fills", "orders", "positions")'; }
keep_rows() {
    final_rows "$1" >"$SCRATCH/rows"
    schema_of "$1" >"$SCRATCH/schema"
}
rows_are_kept() {
    expect_text "$1: there are rows to compare" "$(cut -d'|' -f1 "$SCRATCH/rows" | sort | uniq -c | tr -s ' \n' ' ')" 'fill .*order .*position .*trade'
    expect "$1: rows of trades that changed" "$(comm -23 "$SCRATCH/rows" <(final_rows "$2"))" ''
    expect "$1: the schema" "$(schema_of "$2")" "$(cat "$SCRATCH/schema")"
}

# stops_rest NAME PROGRAM DATA_DIR SEQ: by the venue's own words, since record SEQ of the journal. The check itself is tried without the stops' acknowledgements.
stops_rest() {
    local said
    DATA_DIR=$3 "$2" replay --print paper >"$SCRATCH/journal" 2>&1
    said=$(awk -v from="$4" -f "$ROOT/tests/system/protection.awk" "$SCRATCH/journal")
    expect "$1: stops at the venue at every instant" "$?" 0
    printf '%s\n' "$said" | tail -n 4
    expect_text "$1: a position was open" "$said" '^positions [1-9]'
    grep -vE ' event order_ack\|.*-S[0-9]+-' "$SCRATCH/journal" | awk -v from="$4" -f "$ROOT/tests/system/protection.awk" >/dev/null
    expect "$1: a stop that is missing is seen" "$?" 1
}
last_record() { # PROGRAM DATA_DIR
    DATA_DIR=$2 "$1" replay --print paper | tail -n 1 | cut -d' ' -f1
}

# corrupt_program FROM TO: one that decides as FROM and calls one of its reasons otherwise.
corrupt_program() {
    LC_ALL=C sed 's/passed_again/passed_twice/' "$1" >"$2"
    chmod 755 "$2"
}
# newer_program FROM TO: one that is FROM but for the last digit of the version that it tells.
newer_program() {
    local version digit
    version=$("$1" --version | sed -nE 's/^breakout ([0-9.]+[0-9]).*/\1/p')
    [ -n "$version" ] || return 1
    digit=${version: -1}
    LC_ALL=C sed "s/${version//./\\.}/${version%?}$(((digit + 1) % 10))/" "$1" >"$2"
    chmod 755 "$2"
}
make_bad_release() { gcc -std=gnu17 -O1 -o "$1" "$ROOT/tests/system/bad_release.c" -lsqlite3; }
