/* Snapshot files: what the writer of recover.h writes and a restart reads. */
#ifndef RUNNER_SNAPSHOT_FILE_H
#define RUNNER_SNAPSHOT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/problem.h"

struct snapshot_image {
  uint64_t seq;
  int64_t ts;
  struct buffer bytes; /* of the whole file */
  const unsigned char *engine, *venue;
  size_t engine_size, venue_size;
};

/* Seqs in the directory, newest first; *out is malloc'd. Returns their number. */
size_t snapshot_list(const char *data_dir, uint64_t **out);
/* STATUS_CORRUPT, STATUS_BAD_FORMAT (another account), STATUS_NEWER_VERSION (another build). */
NODISCARD enum status snapshot_read(struct snapshot_image *image, const char *data_dir, const char *account, uint64_t seq);
void snapshot_image_deinit(struct snapshot_image *image);

#endif
