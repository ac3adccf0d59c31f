#!/usr/bin/env bash
# core and engine ask only for what gives the same bytes everywhere: what their libraries leave undefined is compared with a short
# list, so that a stray time, malloc or printf shows by name.
#
#   purity.sh BUILD_FOLDER      a folder with libbase.a, libcore.a and libengine.a of a release build
set -euo pipefail
folder=$1

# Of libc and libm: exact by definition, or by IEEE 754. The compiler itself may ask for the first row, and for the last one to
# divide integers of 128 bits.
allowed='memcpy memmove memset memcmp strlen __memcpy_chk __memmove_chk __memset_chk __stack_chk_fail _GLOBAL_OFFSET_TABLE_
strcmp strncmp strchr strrchr strstr strspn strcspn strpbrk memchr
sqrt fabs floor ceil
__divti3 __modti3 __udivti3 __umodti3'

# Members of libbase.a that do no I/O, allocate nothing and know no time.
pure_base='arena calendar check decimal fsm maths problem ring schema status text text_double'

undefined_of() { nm -u "$1" | awk '$1 == "U" || $1 == "w" { print $2 }' | sort -u; }
defined_of() { nm --defined-only "$@" | awk 'NF == 3 && $2 ~ /[A-Z]/ { print $3 }' | sort -u; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for member in $pure_base; do
    if ar p "$folder/libbase.a" "$member.o" >"$work/$member.o" 2>/dev/null && [ -s "$work/$member.o" ]; then
        defined_of "$work/$member.o"
    fi
done >"$work/base"

result=0
below=()
for layer in core engine; do
    library=$folder/lib$layer.a
    below+=("$library")
    { tr -s ' ' '\n' <<<"$allowed"; cat "$work/base"; defined_of "${below[@]}"; } | sort -u >"$work/known"
    stray=$(undefined_of "$library" | comm -23 - "$work/known")
    [ -n "$stray" ] || continue
    result=1
    for symbol in $stray; do
        printf 'src/%s asks for %s, in %s\n' "$layer" "$symbol" "$(nm -uA "$library" 2>/dev/null | awk -v s="$symbol" '$NF == s { split($1, a, ":"); print a[2] }' | sort -u | paste -sd' ')"
    done
done
exit "$result"
