#!/usr/bin/env bash
# No include points up. Prints each arrow that does, and fails.
#
#   layers.sh [TREE]
#
# base < core < engine < runner < adapters, api < apps. An adapter includes no other adapter but net; adapters and api never see each
# other. Includes in quotes are relative to src.
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"

# shellcheck disable=SC2016 # the program is awk's
find src -type f \( -name '*.[ch]' -o -name '*.def' \) | sort | xargs -r awk '
BEGIN {
    level["base"] = 0; level["core"] = 1; level["engine"] = 2; level["runner"] = 3
    level["adapters"] = 4; level["api"] = 4; level["apps"] = 5
}
/^[[:space:]]*#[[:space:]]*include[[:space:]]*"/ {
    target = $0
    sub(/^[^"]*"/, "", target)
    sub(/".*/, "", target)
    split(FILENAME, from, "/") # src/LAYER/PART/...
    split(target, to, "/")     # LAYER/PART/...
    why = ""
    if (!(to[1] in level)) why = "is not relative to src"
    else if (level[to[1]] > level[from[2]]) why = "points up"
    else if (from[2] != to[1] && level[from[2]] == level[to[1]]) why = "points sideways"
    else if (from[2] == "adapters" && to[1] == "adapters" && from[3] != to[2] && to[2] != "net") why = "joins two adapters"
    if (why != "") {
        printf "%s:%d: #include \"%s\" %s\n", FILENAME, FNR, target, why
        bad = 1
    }
}
END { exit bad }'
