#!/usr/bin/env bash
# A thousand sessions through faults, and the words of `breakout simulate --runs`. Twenty thousand: make simulate.
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"

BREAKOUT=${BREAKOUT_PROGRAM:-$ROOT/build/breakout}
if [ ! -x "$BREAKOUT" ]; then
    skip simulate "no program at $BREAKOUT"
    finish
    exit
fi
unset BREAKOUT_PROGRAM # no setting of the program
export DATA_DIR=$SCRATCH/data PRESETS_DIR=$ROOT/presets TMPDIR=$SCRATCH/journals
mkdir "$TMPDIR"
cd "$SCRATCH" || exit 1

"$BREAKOUT" simulate --runs 1000 --jobs "$(nproc)" >thousand.txt 2>thousand.err
expect 'a thousand sessions' "$?" 0
grep -A1 VIOLATION thousand.txt
expect_text 'all were run' "$(cat thousand.txt)" '^1000 sessions, '
expect_text 'nothing was violated' "$(cat thousand.txt)" 'violations: 0$'
expect 'every kind of fault came' "$(grep -c '^ *[0-9]*  [a-z_]* ' thousand.txt)" "$(grep -c '^FAULT(' "$ROOT/src/adapters/sim/fault.def")"
head -n 1 thousand.txt

# A preset that looks for levels, with its ladder of targets.
"$BREAKOUT" simulate --runs 30 --preset breakout_v1 --minutes 60 --jobs "$(nproc)" >levels.txt 2>&1
expect 'sessions of a preset with levels' "$?" 0
grep -A1 VIOLATION levels.txt
expect_text 'they trade' "$(cat levels.txt)" ' [1-9][0-9]+ trades, '

# What once went wrong goes right for ever: number, seed, minutes, preset, faults, what it was.
while read -r number seed minutes preset faults what; do
    case $number in '' | '#'*) continue ;; esac
    "$BREAKOUT" simulate --runs 1 --seed "$seed" --minutes "$minutes" --preset "$preset" --faults "$faults" >scenario.txt 2>&1
    expect "scenario $number: $what" "$?" 0
    grep VIOLATION scenario.txt
done <"$ROOT/tests/simulation/scenarios.txt"

# The command that a violation prints: named faults at their times, and what happens on standard error.
"$BREAKOUT" simulate --runs 1 --seed 7 --faults kill@600+5,reply_lost@590+30 -v >one.txt 2>one.err
expect 'one session' "$?" 0
expect_text 'the faults are told' "$(cat one.err)" '== kill$'
expect_text 'so is the return' "$(cat one.err)" '== back$'
expect 'nothing is left' "$(find "$TMPDIR" -mindepth 1 | wc -l)" 0
finish
