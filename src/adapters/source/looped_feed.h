/* A recording that goes on for ever: each round is the same market, its times moved on by whole days, so that event time never goes back. */
#ifndef ADAPTERS_SOURCE_LOOPED_FEED_H
#define ADAPTERS_SOURCE_LOOPED_FEED_H

#include "base/buffer.h"
#include "runner/feed.h"

struct looped_feed {
  struct feed *inner;   /* borrowed; its own times */
  int64_t from;         /* where a round begins, inner time */
  int64_t period_ms;    /* whole days, longer than what a round plays */
  int64_t round;        /* 0 is the recording as it was */
  struct buffer trades; /* moved copies of borrowed arrays */
};

/* Rounds play [from, to) of the inner feed. */
void looped_feed_init(struct looped_feed *self, struct feed *inner, int64_t from, int64_t to, struct feed *out);
void looped_feed_deinit(struct looped_feed *self);
/* The round that an event time belongs to. */
int64_t looped_feed_round_of(const struct looped_feed *self, int64_t ts);
/* What is added to times of the recording in the round at hand. */
int64_t looped_feed_shift(const struct looped_feed *self);
/* Stands at the beginning of a round. */
NODISCARD enum status looped_feed_begin(struct looped_feed *self, int64_t round, struct problem *problem);

#endif
