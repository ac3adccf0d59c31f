/* Any bytes as a packed file, of every packing by its first bytes: reading ends, in whole lines, within what was unpacked. */
#include <stdint.h>
#include <string.h>

#include "adapters/source/lines.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { UNPACKED_MAX = 8 * 1024 * 1024 };

static void try_bytes(const uint8_t *data, size_t size) {
  static struct problem problem;
  struct input *input;
  struct lines lines;
  problem_clear(&problem);
  if (input_open_bytes(&input, data, size, "input", &problem)) {
    check(problem_has_error(&problem));
    return;
  }
  check(lines_open(&lines, input, '\n') == STATUS_OK);
  size_t total = 0;
  enum status status = STATUS_OK;
  while (total < UNPACKED_MAX) {
    char *begin, *end;
    status = lines_next(&lines, &begin, &end, &problem);
    if (status) break;
    check(end >= begin && !memchr(begin, '\n', (size_t)(end - begin)));
    total += (size_t)(end - begin) + 1;
  }
  check(status == STATUS_OK || status == STATUS_END || problem_has_error(&problem));
  lines_close(&lines);
  input_close(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint8_t copy[1 << 16];
  static const struct {
    const char *bytes;
    size_t size;
  } magics[] = {{"\x28\xb5\x2f\xfd", 4}, {"\x1f\x8b\x08", 3}, {"PK\003\004", 4}};
  try_bytes(data, size);
  for (size_t i = 0; i < sizeof magics / sizeof magics[0] && size + 4 < sizeof copy; i++) {
    memcpy(copy, magics[i].bytes, magics[i].size);
    memcpy(copy + magics[i].size, data, size);
    try_bytes(copy, size + magics[i].size);
  }
  return 0;
}
