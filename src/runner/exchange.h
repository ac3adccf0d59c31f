/* Port: where orders go. A venue takes intents and answers with events; the runner journals every answer before the engine sees it. */
#ifndef RUNNER_EXCHANGE_H
#define RUNNER_EXCHANGE_H

#include "engine/event.h"
#include "engine/intent.h"

struct exchange {
  void *self;
  const char *name;
  bool is_live; /* real money */
  /* A simulated venue sees the market before the engine does; NULL for real ones. Called with candle, public_trades, book, ticker, funding_rate,
   * instrument, capability and end_of_data events. */
  void (*on_market)(void *self, const struct event *event);
  /* Takes an intent of the engine; never fails: refusals come back as events. */
  void (*submit)(void *self, const struct intent *intent);
  /* The next answer that is due at `now` (event time); false when there is none. Borrowed arrays are good until the next call. */
  bool (*poll)(void *self, int64_t now, struct event *out);
  /* Event time of the earliest answer that is under way (latency), INT64_MAX when none. */
  int64_t (*next_due)(void *self);
  /* State as bytes for the snapshot, and back; real venues have none (NULL). */
  size_t (*snapshot_size)(void *self);
  void (*snapshot_save)(void *self, unsigned char *out);
  enum status (*snapshot_load)(void *self, const unsigned char *bytes, size_t size);
};

#endif
