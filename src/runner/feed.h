/* Port: where market data comes from, already as events in order of time (ts, then kind, then symbol). */
#ifndef RUNNER_FEED_H
#define RUNNER_FEED_H

#include "base/problem.h"
#include "engine/event.h"

struct feed {
  void *self;
  const char *name; /* "demo", "file:PATH", a venue */
  /* Events that describe the symbols (capability and instrument of each, ascending), then market events. STATUS_OK with an event, STATUS_END at the
   * end of the data, an error otherwise. Borrowed arrays are good until the next call. */
  enum status (*next)(void *self, struct event *out, struct problem *problem);
  /* Time of the next event without taking it; INT64_MAX at the end. */
  int64_t (*next_ts)(void *self);
  /* Goes to the first event with ts > after (symbol descriptions are given again first); used after a restart and by DEMO_LOOP (after = INT64_MIN).
   */
  enum status (*seek)(void *self, int64_t after, struct problem *problem);
};

#endif
