/* Port: a store beside the database that many processes may read, and that may be away, empty or slow at any time (Redis). What is put there is a
 * copy: the truth is the database and the engine. No call waits, but for read.
 *
 *   breakout:login:<id>           a login, id: SHA-256 of its cookie; lives as long as the login
 *   breakout:market:<symbol>      its newest prices as the feed tells them; 60 s
 *   breakout:candidate:<symbol>   the setup that is watched there; 60 s
 *   breakout:signals              the newest signals; 60 s
 *   breakout:events               stream of the feed's messages: fields type and message; about the newest 5000
 *   breakout:alive                who writes here; 60 s */
#ifndef RUNNER_CACHE_H
#define RUNNER_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { CACHE_KEY_BYTES = 128, CACHE_NAME_BYTES = 32, CACHE_DETAIL_BYTES = 112, CACHE_TTL_MS = 60000, CACHE_READ_MAX = 2048 };

#define CACHE_LOGIN "breakout:login:"
#define CACHE_MARKET "breakout:market:"
#define CACHE_CANDIDATE "breakout:candidate:"
#define CACHE_SIGNALS "breakout:signals"
#define CACHE_EVENTS "breakout:events"
#define CACHE_ALIVE "breakout:alive"

struct cache_state {
  bool is_up;              /* answers, and takes what is written */
  int64_t gaps;            /* grows when something may be missing there, such as after a connection was lost: what must be there is to be put again */
  int64_t losses, returns; /* of the connection; a start without it is a loss too */
  char detail[CACHE_DETAIL_BYTES]; /* where it is, or why it is not up; no secret */
};

/* The value of keys[place], NULL when there is none; borrowed for the call. */
typedef void cache_take(void *context, int place, const char *value, size_t length);

struct cache_port {
  void *self;
  /* Each is queued and returns at once; false: it was dropped, because the store is away or too much waits. key: shorter than CACHE_KEY_BYTES. */
  bool (*put)(void *self, const char *key, const char *value, size_t length, int64_t ttl_ms);
  bool (*drop)(void *self, const char *key);
  bool (*drop_all)(void *self, const char *prefix);
  /* A message at the end of a stream whose oldest ones go. name: shorter than CACHE_NAME_BYTES. */
  bool (*append)(void *self, const char *stream, const char *name, const char *message, size_t length);
  /* Waits at most wait_ms, so it is not for the loop. STATUS_TIMED_OUT, STATUS_NOT_RUNNING: nothing was taken. count: at most CACHE_READ_MAX. */
  enum status (*read)(void *self, const char *const keys[], int count, int wait_ms, cache_take *take, void *context);
  void (*state)(void *self, struct cache_state *out);
};

#endif
