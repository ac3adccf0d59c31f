#include "adapters/clock/manual_clock.h"

#include "base/check.h"

static int64_t now_ms(void *self) {
  return ((const struct manual_clock *)self)->ms;
}

static int64_t monotonic_ns(void *self) {
  return ((const struct manual_clock *)self)->ns;
}

void manual_clock_init(struct manual_clock *manual, int64_t start_ms) {
  manual->clock = (struct clock){manual, now_ms, monotonic_ns};
  manual->ms = start_ms;
  manual->ns = 0;
}

void manual_clock_advance(struct manual_clock *manual, int64_t ms) {
  check(ms >= 0);
  manual->ms += ms;
  manual->ns += ms * 1000000;
}

void manual_clock_jump(struct manual_clock *manual, int64_t to_ms) {
  manual->ms = to_ms;
}
