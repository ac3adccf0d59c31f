/* One write and fdatasync at a time on a thread of its own, because a disk may stall: the loop hands bytes over and asks later how it went. */
#ifndef RUNNER_FLUSHER_H
#define RUNNER_FLUSHER_H

#include "runner/journal.h"

struct flusher; /* opaque */

struct flush_result {
  size_t written; /* of the bytes handed over; fewer: writing failed, nothing was synced */
  int sync_error; /* errno, 0 none */
  double seconds; /* that both took */
};

/* NULL: no thread can be started. */
struct flusher *flusher_open(const struct journal_io *io);
/* Waits for what is under way. NULL is allowed. */
void flusher_close(struct flusher *flusher);

/* Only while nothing is under way. The bytes stay as they are, and nobody else touches the file, until flusher_end has given the result. */
void flusher_begin(struct flusher *flusher, int file, const void *bytes, size_t size);
/* The result of what was begun. False: still under way; never when it waits. */
bool flusher_end(struct flusher *flusher, bool waits, struct flush_result *out);

#endif
