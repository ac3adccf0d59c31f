/* One connection to Redis, and the commands that go over it many at a time (RESP 2, hiredis). Blocking, each wait at most the time it was opened
 * with: for a thread of its own. */
#ifndef ADAPTERS_REDIS_REDIS_LINK_H
#define ADAPTERS_REDIS_REDIS_LINK_H

#include "adapters/redis/redis_address.h"
#include "runner/cache.h"

enum { REDIS_STREAM_MAX = 5000 };

enum redis_verb { REDIS_PUT, REDIS_DROP, REDIS_DROP_ALL, REDIS_APPEND, REDIS_READ };

/* Keys that somebody waits for, and what was there. */
struct redis_reading {
  char **keys; /* owned */
  int count;
  char **values; /* owned; NULL: none */
  size_t *lengths;
  enum status status;
  bool is_done, is_abandoned; /* by the thread; by who waited */
};

struct redis_command {
  enum redis_verb verb;
  char key[CACHE_KEY_BYTES];   /* or prefix, or stream */
  char name[CACHE_NAME_BYTES]; /* of a message */
  char *value;                 /* owned; NULL none */
  size_t length;
  int64_t ttl_ms;
  struct redis_reading *reading;
};

struct redis_link; /* opaque */

/* Connects, logs in, chooses the database and writes CACHE_ALIVE: a server that is a replica, full or loading is of no use. NULL: why tells. */
struct redis_link *redis_link_open(const struct redis_address *address, int timeout_ms, char why[CACHE_DETAIL_BYTES]);
void redis_link_close(struct redis_link *link); /* NULL is allowed */
/* Writes CACHE_ALIVE again. */
bool redis_link_probe(struct redis_link *link, char why[CACHE_DETAIL_BYTES]);
/* False: the connection is of no use any more, or a command was refused. Readings that were answered are filled in, with status OK. */
bool redis_link_run(struct redis_link *link, struct redis_command *commands, int count, char why[CACHE_DETAIL_BYTES]);

#endif
