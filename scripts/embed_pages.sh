#!/bin/sh
# Writes the files given as arguments into one C file on standard output: page_NAME[] and page_NAME_size, dots of the name as underscores.
set -eu
echo '/* Made by scripts/embed_pages.sh from src/api/docs. */'
echo '#include "api/pages.h"'
for file in "$@"; do
  name=$(basename "$file" | tr '.' '_')
  echo "const unsigned char page_${name}[] = {"
  od -An -v -tu1 "$file" | sed -e 's/  */,/g' -e 's/^,//' -e 's/$/,/'
  echo '};'
  echo "const size_t page_${name}_size = sizeof page_$name;"
done
