/* The cache in Redis: a queue in memory and a thread of its own that holds the connection, so that whoever puts something there never waits. A
 * connection that is lost or of no use (wrong password, read-only replica, full, loading, slower than the time-out) is tried again after a pause
 * that doubles; what waits then is dropped, because newer values follow, and the gap is counted (runner/cache.h). */
#ifndef ADAPTERS_REDIS_REDIS_H
#define ADAPTERS_REDIS_REDIS_H

#include "base/problem.h"
#include "runner/cache.h"

enum { REDIS_QUEUE_MAX = 2048, REDIS_QUEUE_BYTES_MAX = 8 << 20 };

struct redis_options {
  const char *url, *password;       /* see redis_address.h; copied and never shown */
  int timeout_ms;                   /* of connecting, and of one answer; 0: 1 s */
  int first_pause_ms, pause_max_ms; /* before trying again; 0: 100 ms, 2 s */
  int interval_ms;                  /* of looking whether it is there; 0: 1 s */
  int closing_ms;                   /* how long redis_close may take; 0: 3 s */
};

struct redis; /* opaque */

/* Connects in the background: a server that is not there is no error. */
NODISCARD enum status redis_open(struct redis **out, const struct redis_options *options, struct problem *problem);
/* Writes what waits, if it can in time. A thread that still waits then (a name server may take long) ends by itself. NULL is allowed. */
void redis_close(struct redis *redis);
void redis_port(struct redis *redis, struct cache_port *out);
/* Is it there and does it take what is written? At once, on the caller's thread; why: what is wrong, or where it is. */
NODISCARD enum status redis_try(const struct redis_options *options, char why[CACHE_DETAIL_BYTES], struct problem *problem);

#endif
