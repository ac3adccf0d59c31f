/* Plain ustar archives of regular files: what backups are made of. Names are relative and at most 99 bytes. */
#ifndef APPS_TAR_H
#define APPS_TAR_H

#include <stdint.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/gzip.h"
#include "base/problem.h"

enum { TAR_BLOCK = 512, TAR_NAME_MAX = 100 };

struct tar_writer {
  FILE *file; /* owned */
  char path[1024];
};

/* Makes the file with mode 600. */
NODISCARD enum status tar_create(struct tar_writer *writer, const char *path, struct problem *problem);
/* The first `size` bytes of a file, which must have as many: a file that grows meanwhile is cut there. digest: SHA-256 of what was added, 65 bytes,
 * or NULL. */
NODISCARD enum status tar_add_file(struct tar_writer *writer, const char *name, const char *path, int64_t size, int64_t mtime_s, char *digest,
                                   struct problem *problem);
NODISCARD enum status tar_add_bytes(struct tar_writer *writer, const char *name, const void *bytes, size_t size, int64_t mtime_s,
                                    struct problem *problem);
/* Flushes to the disk. The writer is closed whatever the result. */
NODISCARD enum status tar_finish(struct tar_writer *writer, struct problem *problem);
void tar_abandon(struct tar_writer *writer);

/* Unpacks a tar or tar.gz into a folder that exists. Refuses members that are no regular files and names that lead outside. */
NODISCARD enum status tar_unpack(const char *path, const char *folder, struct problem *problem);

#endif
