#!/usr/bin/env bash
# Plants each fault of mutants.txt into a copy of the tree, builds it, and sees whether simulated sessions find it, else the tests.
#
#   run.sh [SESSIONS]     sessions with faults per mutant (400)
#
# Prints a line a mutant and what caught it; exit 1 when one survives.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
sessions=${1:-400}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git archive HEAD | tar -x -C "$copy"
export VERSION_COMMIT=mutant VERSION_DATE=mutant
list=$PWD/tests/mutants/mutants.txt
cd "$copy"
build() { make BUILD="$copy/build" WHOLE_COMPILE= WHOLE_LINK= "$@" >"$copy/build.log" 2>&1; }
build all || { tail -n 20 "$copy/build.log"; exit 2; }

# plant NAME FILE OLD NEW: false unless OLD stands there exactly once.
plant() {
    OLD=$3 NEW=$4 perl -0pi -e 'my ($o, $n) = @ENV{qw(OLD NEW)}; my $c = () = /\Q$o\E/g; if ($c != 1) { warn "stands there $c times\n"; exit 3 } s/\Q$o\E/$n/' "$2"
}

caught_by() {
    if ! build all; then
        echo 'the compiler'
        return
    fi
    local said seed
    for ((seed = 1; seed < sessions; seed += 20)); do
        if ! said=$("$copy/build/breakout" simulate --runs 20 --seed "$seed" --jobs "$(nproc)" 2>&1); then
            sed -n 's/^VIOLATION, seed \([0-9]*\), [^:]*: \(.*\)/simulation, seed \1: \2/p' <<<"$said" | head -n 1 | grep . || echo 'simulation: the program stopped itself'
            return
        fi
    done
    said=$(make BUILD="$copy/build" WHOLE_COMPILE= WHOLE_LINK= TEST_FOLDERS="unit golden lifecycle simulation" test 2>&1) || true
    grep -oE '\[  FAILED  \] [a-z_0-9]+$' <<<"$said" | head -n 1 | sed 's/.* /test: /'
}

survivors=0
mapfile -t lines <"$list"
for line in "${lines[@]}"; do
    case $line in
    '' | '#'* | -* | +*) continue ;;
    esac
    name=${line% \[*}
    file=${line##*\[}
    file=${file%\]}
    block=$(awk -v head="$line" '$0 == head { on = 1; next } on && !/^[-+]/ { exit } on' "$list")
    old=$(sed -n 's/^-//p' <<<"$block")
    new=$(sed -n 's/^+//p' <<<"$block")
    cp "$file" "$copy/original"
    plant "$name" "$file" "$old" "$new" || { echo "$name: not planted in $file"; exit 2; }
    by=$(caught_by)
    printf '%-40s %s\n' "$name" "${by:-SURVIVED}"
    [ -n "$by" ] || survivors=$((survivors + 1))
    cp "$copy/original" "$file"
done
echo "survivors: $survivors"
[ "$survivors" -eq 0 ]
