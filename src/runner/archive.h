/* The second thread: records go from the loop through a ring into a store. The loop never waits: what does not fit into the ring is read again from
 * the journal, as is everything that happened while nobody stored. */
#ifndef RUNNER_ARCHIVE_H
#define RUNNER_ARCHIVE_H

#include "base/problem.h"
#include "runner/runner.h"
#include "runner/store.h"

enum { ARCHIVE_ROWS_MAX = 1000, ARCHIVE_BATCH_MS = 200, ARCHIVE_RING_BYTES = 2 << 20, ARCHIVE_RETRY_MS = 1000 };

struct archive_options {
  struct store *store;  /* used by the thread only, until archive_stop */
  const char *data_dir; /* of the journal; NULL: none, records beyond the ring are lost and counted */
  const char *account;
  size_t ring_bytes; /* a power of two; 0: ARCHIVE_RING_BYTES */
};

struct archive_counts {
  int64_t stored, batches, failures;
  int64_t back_filled; /* of stored: read from the journal */
  int64_t lost;        /* without a journal */
  int64_t waiting;     /* seen by the listener and not stored */
  int64_t returns;     /* times that the store took rows again after it had refused some */
  uint64_t last_seq;   /* newest stored record */
  bool is_failing;     /* the store refused the last batch */
};

struct archive; /* opaque */

/* Begins with what the journal has after store->last_seq; the journal must be flushed, the listener not yet in use. */
NODISCARD enum status archive_start(struct archive **out, const struct archive_options *options, struct problem *problem);
/* The listener for the runner. */
struct listener archive_listener(struct archive *archive);
/* Stores what is left, gives up after timeout_ms when the store refuses; the journal keeps it then. The journal must have been flushed before. The
 * store is not closed. */
void archive_stop(struct archive *archive, int64_t timeout_ms);
void archive_counts(struct archive *archive, struct archive_counts *out);
/* How long the store took for a batch, oldest first; false when all were told. On the loop's thread; those of long ago may be missing. */
bool archive_next_write(struct archive *archive, double *seconds);

#endif
