/* Any bytes as a snapshot, sums mended: it is refused, or its parts lie within the file. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/digest.h"
#include "base/version.h"
#include "runner/journal_format.h"
#include "runner/snapshot_file.h"
#include "support/fuzz_folder.h"

enum { SEQ = 7, AT_SEQ = 8, AT_ACCOUNT = 40, AT_COMMIT = 80, AT_BODY_SUM = 96, AT_SUM = 100, HEADER_BYTES = 112 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The lowest bits of what the header leaves unused say what stays as it came. */
static void mend(unsigned char *bytes, size_t size) {
  if (size < HEADER_BYTES) return;
  unsigned kept = bytes[HEADER_BYTES - 1];
  if (!(kept & 1)) memcpy(bytes, "BBS1\1\0\0\0", 8);
  if (!(kept & 2)) journal_put_u64(bytes + AT_SEQ, SEQ);
  if (!(kept & 4)) memcpy(bytes + AT_ACCOUNT, "paper", sizeof "paper");
  if (!(kept & 8)) memcpy(bytes + AT_COMMIT, version_commit(), strnlen(version_commit(), AT_BODY_SUM - AT_COMMIT - 1) + 1);
  if (!(kept & 16)) journal_put_u32(bytes + AT_BODY_SUM, crc32c(0, bytes + HEADER_BYTES, size - HEADER_BYTES));
  if (!(kept & 32)) journal_put_u32(bytes + AT_SUM, crc32c(0, bytes, AT_SUM));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char folder[FUZZ_PATH_MAX];
  if (folder[0] == '\0') {
    fuzz_path(folder, "snapshots");
    check(mkdir(folder, 0700) == 0);
  }
  unsigned char *bytes = malloc(size + 1);
  check(bytes != NULL);
  memcpy(bytes, data, size);
  mend(bytes, size);
  fuzz_write("snapshots/0000000000000007.bbs", bytes, size);
  free(bytes);
  struct snapshot_image image;
  if (snapshot_read(&image, fuzz_folder(), "paper", SEQ) != STATUS_OK) return 0;
  const unsigned char *begin = (const unsigned char *)image.bytes.data;
  const unsigned char *end = begin + image.bytes.length;
  check(image.seq == SEQ && image.engine == begin + HEADER_BYTES);
  check(image.engine_size <= (size_t)(end - image.engine));
  check(image.venue == image.engine + image.engine_size && image.venue + image.venue_size == end);
  snapshot_image_deinit(&image);
  return 0;
}
