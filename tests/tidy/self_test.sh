#!/usr/bin/env bash
# Each tidy check finds a violation planted for it, and has nothing against the same tree without.
# shellcheck disable=SC2016 # planted scripts hold dollar signs of their own
set -u
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$ROOT/tests/system/lib.sh"
checks=$ROOT/tests/tidy

# A small tree of our shape.
new_tree() {
    tree=$SCRATCH/tree
    rm -rf "$tree"
    mkdir -p "$tree"/src/{base,core/market,engine,runner,adapters/{net,store,venue},api,apps} "$tree"/{scripts,tests/tidy,docs/generated}
    cp "$ROOT/.clang-format" "$ROOT/.clang-tidy" "$tree"
    cp "$checks/cppcheck.txt" "$tree/tests/tidy"
    printf 'int thing_double(int value);\n' >"$tree/src/base/thing.h"
    printf '#include "base/thing.h"\n\nint thing_double(int value) {\n  return value * 2;\n}\n' >"$tree/src/base/thing.c"
    printf '#include <string.h>\n#include "base/thing.h"\n\nint market_size(const char *name);\nint market_size(const char *name) {\n  return thing_double((int)strlen(name));\n}\n' >"$tree/src/core/market/market.c"
    printf '#include <sqlite3.h>\n' >"$tree/src/adapters/store/store.c"
}

# finds NAME PATTERN COMMAND...: the command fails and names the violation.
finds() {
    local name=$1 pattern=$2 output code
    shift 2
    output=$("$@" 2>&1)
    code=$?
    expect "$name fails" "$((code != 0))" 1
    expect_text "$name names it" "$output" "$pattern"
}

# accepts NAME COMMAND...
accepts() {
    local name=$1 output code
    shift
    output=$("$@" 2>&1)
    code=$?
    expect "$name accepts a good tree: $output" "$code" 0
}

new_tree
accepts layers "$checks/layers.sh" "$tree"
for arrow in 'base/up.c core/market/market.h points.up' 'core/market/up.c engine/event.h points.up' 'engine/up.c runner/runner.h points.up' \
    'runner/up.c api/api.h points.up' 'adapters/venue/up.c apps/serve.h points.up' 'api/side.c adapters/store/store.h points.sideways' \
    'adapters/store/side.c api/api.h points.sideways' 'adapters/venue/side.c adapters/store/store.h joins.two' 'core/market/lost.c market.h not.relative'; do
    read -r file target why <<<"$arrow"
    new_tree
    printf '#include "%s"\n' "$target" >"$tree/src/$file"
    finds "layers: $file to $target" "src/$file:1: .*${why/./ }" "$checks/layers.sh" "$tree"
done
new_tree
printf '#include "adapters/net/socket.h"\n' >"$tree/src/adapters/venue/good.c"
accepts 'layers: net is shared' "$checks/layers.sh" "$tree"

# Archives of a core that calls the function given, and what it may call.
archives() {
    local folder=$SCRATCH/archives
    rm -rf "$folder"
    mkdir -p "$folder"
    printf '%s\nint planted(int value);\nint planted(int value) {\n  return %s;\n}\n' "$1" "$2" >"$folder/planted.c"
    gcc -O0 -fno-builtin -c -o "$folder/planted.o" "$folder/planted.c"
    gcc -O0 -I"$ROOT/src" -c -o "$folder/text.o" "$ROOT/src/base/text.c"
    gcc -O0 -x c -c -o "$folder/random.o" - <<<'int random_next(void); int random_next(void) { return 4; }'
    ar qcs "$folder/libbase.a" "$folder/text.o" "$folder/random.o"
    ar qcs "$folder/libcore.a" "$folder/planted.o"
    ar qcs "$folder/libengine.a"
    printf '%s\n' "$folder"
}
accepts 'purity: strlen' "$checks/purity.sh" "$(archives '#include <string.h>' '(int)strlen("x") + value')"
accepts 'purity: base text' "$checks/purity.sh" "$(archives 'void text_add_char(void *, char);' '(text_add_char(0, 1), value)')"
finds 'purity: time' 'src/core asks for time, in planted.o' "$checks/purity.sh" "$(archives '#include <time.h>' '(int)time(0) + value')"
finds 'purity: malloc' 'asks for malloc' "$checks/purity.sh" "$(archives '#include <stdlib.h>' 'malloc(1) != 0 ? value : 0')"
finds 'purity: printf' 'asks for printf' "$checks/purity.sh" "$(archives '#include <stdio.h>' 'printf("%d", value)')"
finds 'purity: exp' 'asks for exp' "$checks/purity.sh" "$(archives '#include <math.h>' '(int)exp((double)value)')"
finds 'purity: base random' 'asks for random_next' "$checks/purity.sh" "$(archives 'int random_next(void);' 'random_next() + value')"

new_tree
accepts header_once "$checks/header_once.sh" "$tree"
printf '#include <sqlite3.h>\n' >"$tree/src/apps/db.c"
finds 'header_once: two files' 'sqlite3.h> is included by 2 files' "$checks/header_once.sh" "$tree"
new_tree
printf '#include <openssl/evp.h>\n' >"$tree/src/base/evp.c"
printf '#include <openssl/hmac.h>\n' >"$tree/src/base/hmac.c"
finds 'header_once: two headers of one library' 'openssl> is included by 2 files' "$checks/header_once.sh" "$tree"
new_tree
printf '#include <jansson.h>\n' >"$tree/src/api/api.h"
finds 'header_once: a header of ours' 'src/api/api.h:1: <jansson.h> in a header' "$checks/header_once.sh" "$tree"

new_tree
accepts format "$checks/format.sh" "$tree"
printf 'int  badly_set ;\n' >"$tree/src/base/bad.c"
finds format 'src/base/bad.c' "$checks/format.sh" "$tree"

new_tree
printf '#!/bin/sh\necho fine\n' >"$tree/good.sh"
accepts shell "$checks/shell.sh" "$tree"
printf '#!/bin/sh\nrm -rf $1/*\n' >"$tree/scripts/bad.sh"
finds shell 'SC2086' "$checks/shell.sh" "$tree"

new_tree
accepts lint "$checks/lint.sh" "$tree"
printf 'int bad_read(const int *p);\nint bad_read(const int *p) {\n  if (p == 0) return *p;\n  return 1;\n}\n' >"$tree/src/base/bad.c"
finds 'lint: null' 'src/base/bad.c:3' "$checks/lint.sh" "$tree"
new_tree
printf '#include <stdlib.h>\n\nint bad_leak(void);\nint bad_leak(void) {\n  char *p = malloc(10);\n  if (p == 0) return 0;\n  p[10] = 1;\n  free(p);\n  return 1;\n}\n' >"$tree/src/base/bad.c"
finds 'lint: bounds' 'src/base/bad.c:7' "$checks/lint.sh" "$tree"

new_tree
accepts 'lint --quick' "$checks/lint.sh" --quick "$tree"
printf '#include <string.h>\n\nint bad_size(char *p);\nint bad_size(char *p) {\n  memset(p, 0, sizeof(p));\n  return 1;\n}\n' >"$tree/src/base/bad.c"
finds 'lint --quick: size of a pointer' 'src/base/bad.c:5' "$checks/lint.sh" --quick "$tree"

new_tree
printf '#!/bin/sh\necho "text" >"$2/a.md"\n' >"$tree/scripts/docs.sh"
chmod +x "$tree/scripts/docs.sh"
echo text >"$tree/docs/generated/a.md"
accepts docs_fresh "$checks/docs_fresh.sh" /bin/true "$tree"
echo old >"$tree/docs/generated/a.md"
finds 'docs_fresh: stale' 'stale' "$checks/docs_fresh.sh" /bin/true "$tree"

finish
