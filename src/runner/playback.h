/* A feed with the ticks that belong to it: at each close of a base candle after all candles of that time, and each second when the feed has tapes or
 * books. */
#ifndef RUNNER_PLAYBACK_H
#define RUNNER_PLAYBACK_H

#include "runner/feed.h"

struct playback {
  struct feed *feed;
  bool has_seconds; /* tick each second of event time */
  int64_t tick_at;  /* the next tick; 0 none */
  bool is_candle_tick;
  int64_t second_at;
  bool has_next; /* next_ts was asked for since the feed's last event */
  int64_t next_ts;
};

/* From the first call below on, whoever takes from the feed or seeks it begins again here. */
void playback_init(struct playback *playback, struct feed *feed, bool has_seconds);
/* Time of the next event, INT64_MAX at the end. */
int64_t playback_next_ts(struct playback *playback);
/* The next event: of the feed, or a tick. At one ts: what the feed has, then the tick (strategy 8). STATUS_END at the end. */
NODISCARD enum status playback_next(struct playback *playback, struct event *out, struct problem *problem);

#endif
