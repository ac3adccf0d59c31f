#!/usr/bin/env bash
# Plants each fault of mutants.txt into a copy of the tree, builds it, and sees what finds it: the tests of the file it stands in, simulated
# sessions, then all other tests of core, engine and journal. It stops at the first finding.
#
#   run.sh [-only TEXT]... [-sessions N]
#
#   -only TEXT    only the faults whose name or file contains the text
#   -sessions N   sessions with faults per mutant at the most (400)
#
# Prints a line a mutant and what caught it; exit 1 when one survives. MUTANTS_COPY names a folder for the copy that is kept for the next run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
sessions=400
only=()
while [ $# -gt 0 ]; do
    case $1 in
    -only) only+=("$2") ;;
    -sessions) sessions=$2 ;;
    *)
        sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
    esac
    shift 2
done
if [ -n "${MUTANTS_COPY:-}" ]; then
    copy=$MUTANTS_COPY
    mkdir -p "$copy"
    rm -rf "$copy/src" "$copy/tests"
else
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' EXIT
fi
git archive HEAD | tar -x -m -C "$copy"
list=$PWD/tests/mutants/mutants.txt
cd "$copy"
build() { make BUILD="$copy/build" WHOLE_COMPILE= WHOLE_LINK= "$@"; }
quietly() { "$@" >"$copy/build.log" 2>&1; }
quietly build all || {
    tail -n 20 "$copy/build.log"
    exit 2
}

is_wanted() {
    [ ${#only[@]} -eq 0 ] && return 0
    local text
    for text in "${only[@]}"; do
        [[ $1 == *"$text"* ]] && return 0
    done
    return 1
}

# plant FILE OLD NEW: false unless OLD stands there exactly once.
plant() {
    OLD=$2 NEW=$3 perl -0pi -e 'my ($o, $n) = @ENV{qw(OLD NEW)}; my $c = () = /\Q$o\E/g; if ($c != 1) { warn "stands there $c times\n"; exit 3 } s/\Q$o\E/$n/' "$1"
}

# Programs that take longer than all others together.
slow='test_(crash_points|failing_calls|fault_session|perturbation|recover|determinism)$'

# by_tests FOLDERS [PART_OF_NAME]: prints the first test that fails; the quick programs come first, and the first that fails ends it.
by_tests() {
    local folder file programs=() program said
    for folder in $1; do
        for file in "tests/$folder"/*"${2:-}"*.c; do
            [ -e "$file" ] && programs+=("$copy/build/gcc-release/${file%.c}")
        done
    done
    [ ${#programs[@]} -gt 0 ] || return 1
    build TEST_FOLDERS="$1" M="${2:-}" tests-built >"$copy/build.log" 2>&1 || return 1
    while read -r program; do
        said=$(scripts/run_tests.sh "$copy/build/logs" 1 "$program" 2>&1 </dev/null) && continue
        grep -oE '^ *\[  FAILED  \] [a-z_0-9]+$' <<<"$said" | head -n 1 | sed 's/.* /test: /' | grep . ||
            sed -n 's/^FAILED \([^ ]*\) (exit \(.*\)), .*/test: \1 ended with \2/p' <<<"$said" | sed 's|[^ ]*/||' | head -n 1 | grep .
        return 0
    done < <(
        printf '%s\n' "${programs[@]}" | grep -vE "$slow"
        printf '%s\n' "${programs[@]}" | grep -E "$slow"
    )
    return 1
}

# by_sessions FIRST LAST
by_sessions() {
    local said seed
    for ((seed = $1; seed <= $2; seed += 20)); do
        said=$(timeout 600 "$copy/build/breakout" simulate --runs 20 --seed "$seed" --jobs "$(nproc)" 2>&1) && continue
        sed -n 's/^VIOLATION, seed \([0-9]*\), [^:]*: \(.*\)/simulation, seed \1: \2/p' <<<"$said" | head -n 1 | grep . ||
            echo 'simulation: the program stopped itself'
        return 0
    done
    return 1
}

# caught_by FILE
caught_by() {
    local module
    quietly build all || return 1
    module=$(basename "$1" .c)
    module=${module#phase_}
    by_tests 'unit golden lifecycle simulation' "${module%s}" || by_sessions 1 40 || by_tests simulation || by_tests 'unit golden lifecycle' ||
        by_sessions 41 "$sessions" || true
}

survivors=0
mapfile -t lines <"$list"
for line in "${lines[@]}"; do
    case $line in
    '' | '#'* | -* | +*) continue ;;
    esac
    is_wanted "$line" || continue
    name=${line% \[*}
    file=${line##*\[}
    file=${file%\]}
    block=$(awk -v head="$line" '$0 == head { on = 1; next } on && !/^[-+]/ { exit } on' "$list")
    old=$(sed -n 's/^-//p' <<<"$block")
    new=$(sed -n 's/^+//p' <<<"$block")
    cp "$file" "$copy/original"
    plant "$file" "$old" "$new" || {
        echo "$name: not planted in $file"
        exit 2
    }
    by=$(caught_by "$file") || {
        echo "$name: does not compile"
        tail -n 20 "$copy/build.log"
        exit 2
    }
    printf '%-40s %s\n' "$name" "${by:-SURVIVED}"
    [ -n "$by" ] || survivors=$((survivors + 1))
    cp "$copy/original" "$file"
done
echo "survivors: $survivors"
[ "$survivors" -eq 0 ]
