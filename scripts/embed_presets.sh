#!/bin/sh
# Writes the presets given as arguments into one C file on standard output, so that the program knows them without any folder.
set -eu
echo '/* Made by scripts/embed_presets.sh from presets/. */'
echo '#include "runner/presets_builtin.h"'
echo 'const struct builtin_preset builtin_presets[] = {'
for file in "$@"; do
  printf '{"%s",\n' "$(basename "$file" .json)"
  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$/\\n"/' "$file"
  echo '},'
done
echo '};'
echo 'const int builtin_preset_count = sizeof builtin_presets / sizeof builtin_presets[0];'
