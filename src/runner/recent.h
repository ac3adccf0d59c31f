/* The newest durations of something and their 99th percentile, so that health follows what happens now: a histogram since the start forgets nothing.
 */
#ifndef RUNNER_RECENT_H
#define RUNNER_RECENT_H

#include <stdint.h>

enum { RECENT_MAX = 1024, RECENT_MIN = 100, RECENT_WINDOW_S = 60 };

struct recent {
  struct {
    int64_t at_ns; /* monotonic */
    float seconds;
  } items[RECENT_MAX]; /* ring */
  int next, count;
};

void recent_add(struct recent *recent, int64_t now_ns, double seconds);
/* Of the newest RECENT_MAX that are at most RECENT_WINDOW_S old; NaN while there are fewer than RECENT_MIN. */
double recent_p99(const struct recent *recent, int64_t now_ns);

#endif
