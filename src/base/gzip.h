/* gzip files (zlib inside, seen by gzip.c only): closing a log, reading compressed candles and logs. */
#ifndef BASE_GZIP_H
#define BASE_GZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"
#include "base/status.h"

/* Compresses path into path.gz (made whole under a temporary name, then renamed, with the time of change of the original) and removes path. On error
 * the original stays; STATUS_IN_USE when another thread or process is at it. */
NODISCARD enum status gzip_file(const char *path, struct problem *problem);

struct gzip_reader {
  void *file; /* owned */
  int descriptor;
};

/* Reads plain files too. problem may be NULL. */
NODISCARD enum status gzip_open(struct gzip_reader *reader, const char *path, struct problem *problem);
/* Up to size bytes (at most 1 GiB a call); *count is 0 at the end. STATUS_TRUNCATED when the file ends within a stream, STATUS_CORRUPT when its bytes
 * or its checksum are wrong. */
NODISCARD enum status gzip_read(struct gzip_reader *reader, void *out, size_t size, size_t *count);
void gzip_close(struct gzip_reader *reader);

#endif
