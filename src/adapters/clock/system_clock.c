#include "adapters/clock/system_clock.h"

#include <stddef.h>
#include <time.h>

#include "base/check.h"

static int64_t now_ms(void *self) {
  (void)self;
  struct timespec now;
  check(clock_gettime(CLOCK_REALTIME, &now) == 0);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t monotonic_ns(void *self) {
  (void)self;
  struct timespec now;
  check(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

const struct clock *system_clock(void) {
  static const struct clock clock = {NULL, now_ms, monotonic_ns};
  return &clock;
}
