/* A clock that stands still until it is told to move: tests, simulation, replay. */
#ifndef ADAPTERS_CLOCK_MANUAL_CLOCK_H
#define ADAPTERS_CLOCK_MANUAL_CLOCK_H

#include "runner/clock.h"

struct manual_clock {
  struct clock clock; /* hand out its address */
  int64_t ms;         /* UTC */
  int64_t ns;         /* monotonic */
};

void manual_clock_init(struct manual_clock *manual, int64_t now_ms);
/* Both clocks go on by ms >= 0. */
void manual_clock_advance(struct manual_clock *manual, int64_t ms);
/* The wall clock alone jumps, as after a correction; durations do not see it. */
void manual_clock_jump(struct manual_clock *manual, int64_t now_ms);

#endif
