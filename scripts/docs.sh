#!/usr/bin/env bash
# Writes docs/generated: what the program says of its own tables.
#
#   docs.sh PROGRAM FOLDER
set -euo pipefail
program=$1
folder=$2
mkdir -p "$folder"

# topic  format  file
while read -r topic format file; do
    "$program" describe "$topic" --as "$format" >"$folder/$file" || {
        echo "docs.sh: '$program describe $topic --as $format' failed" >&2
        exit 1
    }
done <<'TABLE'
settings   md settings.md
preset     md preset.md
preset     json preset.schema.json
reasons    md reasons.md
commands   md commands.md
routes     md routes.md
routes     openapi openapi.json
metrics    md metrics.md
tables     md tables.md
lifecycles mermaid lifecycles.md
TABLE
