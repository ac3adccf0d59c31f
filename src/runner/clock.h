/* Port: the only clock. Event time of live sessions comes from here; backtests and replays take it from the data. */
#ifndef RUNNER_CLOCK_H
#define RUNNER_CLOCK_H

#include <stdint.h>

struct clock {
  void *self;
  int64_t (*now_ms)(void *self);       /* UTC */
  int64_t (*monotonic_ns)(void *self); /* for durations */
};

#endif
