/* reports/memory_snapshot_YYYYMMDD_HHMMSS.json: memory of the machine and of this process, and the allocator's account of it. */
#ifndef RUNNER_MEMORY_SNAPSHOT_H
#define RUNNER_MEMORY_SNAPSHOT_H

#include "base/problem.h"
#include "runner/resources.h"

struct memory_snapshot {
  char file[1024];
  double rss_mb;                        /* NaN: cannot be read */
  double in_use_mb, free_mb, mapped_mb; /* of the allocator */
};

/* Writes the file into the folder, which is made when it is missing. */
NODISCARD enum status memory_snapshot_write(const char *folder, const char *data_dir, int64_t now_ms, struct memory_snapshot *out,
                                            struct problem *problem);

#endif
