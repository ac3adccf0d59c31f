/* Nanoseconds a candle costs the paper venue, beside the same loop with a venue that does nothing: without orders, and with a resting order. */
#include <stdio.h>
#include <time.h>

#include "adapters/sim/sim.h"
#include "core/market/capability.h"

enum { CANDLES = 5000000 };

static double run(struct exchange *venue, int64_t *ts) {
  struct timespec from, to;
  struct event out;
  clock_gettime(CLOCK_MONOTONIC, &from);
  for (int i = 0; i < CANDLES; i++) {
    struct event event = {.kind = EVENT_CANDLE,
                          .ts = *ts + 60000,
                          .candle = {.open_ts = *ts, .open = 100, .high = 101, .low = 99, .close = 100, .volume = 1000, .turnover = 100000}};
    *ts += 60000;
    venue->on_market(venue->self, &event);
    while (venue->poll(venue->self, event.ts, &out)) continue;
  }
  clock_gettime(CLOCK_MONOTONIC, &to);
  return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / CANDLES;
}

static void see_nothing(void *self, const struct event *event) {
  *(int64_t *)self += event->ts;
}

static bool answer_nothing(void *self, int64_t now, struct event *out) {
  (void)out;
  return *(int64_t *)self == now + 1;
}

int main(void) {
  struct sim sim;
  struct exchange venue;
  struct sim_options options = {
      .starting_balance = 100000 * DECIMAL_ONE, .max_participation = 0.1, .base_ms = 60000, .max_leverage = 10, .symbols = 1};
  if (sim_open(&sim, &options) != STATUS_OK) return 1;
  sim_exchange(&sim, &venue);
  struct event event = {.kind = EVENT_CAPABILITY, .capability = {.capabilities = CAPABILITY_CANDLES_1M, .base_ms = 60000}};
  venue.on_market(venue.self, &event);
  event = (struct event){.kind = EVENT_INSTRUMENT, .instrument = {.instrument_count = 1}};
  instrument_default(&event.instrument.instrument[0], "AAA/USDT:USDT", "AAAUSDT", 100);
  venue.on_market(venue.self, &event);
  int64_t ts = 0;
  int64_t sum = 0;
  struct exchange nothing = {.self = &sum, .on_market = see_nothing, .poll = answer_nothing};
  printf("bare loop               %6.1f ns a candle\n", run(&nothing, &ts));
  ts = 0;
  printf("sim, idle symbol        %6.1f ns a candle\n", run(&venue, &ts));
  struct intent intent = {.ts = ts, .kind = INTENT_PLACE_ORDER, .place_order = {.order_count = 1}};
  intent.place_order.order[0] =
      (struct order){.client_order_id = "bench", .type = ORDER_LIMIT, .qty = DECIMAL_ONE, .price = 90 * DECIMAL_ONE, .trigger_price = DECIMAL_NULL};
  venue.submit(venue.self, &intent);
  printf("sim, one resting order  %6.1f ns a candle\n", run(&venue, &ts));
  sim_close(&sim);
  return 0;
}
