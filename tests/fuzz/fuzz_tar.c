/* Any bytes as a backup to restore, sums mended: it is unpacked into its folder and nowhere else, or refused with a reason. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "apps/tar.h"
#include "base/check.h"
#include "support/fuzz_folder.h"

enum { SUM_AT = 148, SUM_BYTES = 8, MAGIC_AT = 257, TYPE_AT = 156, SIZE_AT = 124, SIZE_BYTES = 12, ENTRIES = 2 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Without right sums nothing behind them would ever be tried. One in eight stays wrong. */
static void mend(unsigned char *bytes, size_t size) {
  for (size_t at = 0; at + TAR_BLOCK <= size;) {
    unsigned char *header = bytes + at;
    if (header[SUM_AT] % 8 == 7) return;
    memcpy(header + MAGIC_AT, "ustar", 5);
    if (header[TYPE_AT] < 128) header[TYPE_AT] = '0';
    memset(header + SUM_AT, ' ', SUM_BYTES);
    unsigned sum = 0;
    for (int i = 0; i < TAR_BLOCK; i++) sum += header[i];
    (void)snprintf((char *)header + SUM_AT, SUM_BYTES, "%06o", sum);
    char digits[SIZE_BYTES + 1] = "";
    memcpy(digits, header + SIZE_AT, SIZE_BYTES);
    size_t length = strtoul(digits, NULL, 8);
    if (length > size) return;
    at += TAR_BLOCK + (length + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct problem problem;
  char archive[FUZZ_PATH_MAX];
  char out[FUZZ_PATH_MAX];
  unsigned char *bytes = malloc(size + 1);
  check(bytes != NULL);
  memcpy(bytes, data, size);
  if (size < 2 || bytes[0] != 0x1f || bytes[1] != 0x8b) mend(bytes, size);
  fuzz_write("archive", bytes, size);
  free(bytes);
  fuzz_path(archive, "archive");
  fuzz_path(out, "out");
  check(mkdir(out, 0700) == 0);
  problem_clear(&problem);
  enum status status = tar_unpack(archive, out, &problem);
  check((status == STATUS_OK) != problem_has_error(&problem));
  check(fuzz_entries() == ENTRIES);
  fuzz_remove("out");
  return 0;
}
