/* The tape's windows against a walk over all trades. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/decimal.h"
#include "base/random.h"
#include "core/market/trade_flow.h"

enum { TRADES_MAX = 60000 };

#define START INT64_C(1700000000000)

static struct trade_flow_item recent[TRADE_FLOW_RECENT_MAX];
static uint32_t seconds[TRADE_FLOW_SECONDS];
static struct public_trade tape[TRADES_MAX];

static void start(struct trade_flow *flow, int64_t now) {
  trade_flow_init(flow, recent, seconds);
  trade_flow_subscribe(flow, now);
}

static void add(struct trade_flow *flow, int64_t ts, double qty, bool is_buy) {
  trade_flow_add(flow, &(struct public_trade){ts, DECIMAL_ONE, decimal_from_double(qty), is_buy}, 1, ts);
}

struct sums {
  int64_t count, buys, net;
};

static struct sums walk(const struct public_trade *trades, int32_t count, int64_t after, int64_t until) {
  struct sums sums = {0, 0, 0};
  for (int32_t i = 0; i < count; i++) {
    if (trades[i].ts <= after || trades[i].ts > until) continue;
    sums.count++;
    sums.buys += trades[i].is_buy;
    sums.net += trades[i].is_buy ? trades[i].qty : -trades[i].qty;
  }
  return sums;
}

static void assert_windows(const struct trade_flow *flow, int32_t count, int64_t now) {
  struct trade_flow_values values;
  trade_flow_read(flow, now, &values);
  struct sums of_10s = walk(tape, count, now - 10000, now);
  struct sums of_60s = walk(tape, count, now - 60000, now);
  struct sums of_300s = walk(tape, count, now - 300000, now);
  assert_true(values.tpm_10s == (double)of_10s.count * 6);
  assert_true(values.tps_10s == (double)of_10s.count / 10);
  assert_true(values.tpm_60s == (double)of_60s.count);
  assert_true(values.trades_per_minute_60s == (double)of_60s.count);
  assert_true(values.tpm_300s == (double)of_300s.count / 5);
  assert_true(values.trades_per_minute == (double)of_300s.count / 5);
  assert_true(values.volume_delta_10s == decimal_to_double(of_10s.net));
  assert_true(values.volume_delta_60s == decimal_to_double(of_60s.net));
  assert_true(values.volume_delta_300s == decimal_to_double(of_300s.net));
  int64_t sells = of_60s.count - of_60s.buys;
  if (sells == 0) {
    assert_true(isnan(values.buy_sell_ratio_60s));
  } else {
    assert_true(values.buy_sell_ratio_60s == (double)of_60s.buys / (double)sells);
  }
  /* The oldest fraction of a second is not counted; at a whole second nothing is missing. */
  int64_t second = (now - 3600000 + 999) / 1000 * 1000;
  assert_true(values.trades_per_minute_1h == (double)walk(tape, count, second, now).count / 60);
}

static void test_random_tape(void **state) {
  (void)state;
  struct random random;
  struct trade_flow flow;
  random_init(&random, 3);
  start(&flow, START);
  int64_t now = START;
  int32_t count = 0;
  while (count < 20000) {
    int32_t batch = (int32_t)random_below(&random, 5);
    now += (int64_t)random_below(&random, random_below(&random, 50) == 0 ? 20000 : 1500);
    for (int32_t i = 0; i < batch; i++) {
      tape[count + i] = (struct public_trade){now, DECIMAL_ONE, 1 + (int64_t)random_below(&random, 1000000000), random_below(&random, 2) == 0};
    }
    trade_flow_add(&flow, &tape[count], batch, now);
    count += batch;
    if (now - START < 3600000 || random_below(&random, 40) > 0) continue;
    assert_windows(&flow, count, now);
    assert_windows(&flow, count, (now + 999) / 1000 * 1000);
    assert_windows(&flow, count, now + (int64_t)random_below(&random, 30000));
  }
  assert_int_equal(flow.dropped, 0);
}

/* More trades in 300 s than the ring holds: counts come from the seconds, quantities are not known, 10 s are still exact. */
static void test_busier_than_the_ring(void **state) {
  (void)state;
  struct trade_flow flow;
  struct trade_flow_values values;
  start(&flow, START);
  for (int32_t i = 0; i < TRADES_MAX; i++) {
    tape[i] = (struct public_trade){START + 10 * (i + 1), DECIMAL_ONE, DECIMAL_ONE, i % 4 != 0};
    trade_flow_add(&flow, &tape[i], 1, tape[i].ts);
  }
  int64_t now = tape[TRADES_MAX - 1].ts; /* a whole second */
  assert_int_equal(now % 1000, 0);
  trade_flow_read(&flow, now, &values);
  assert_true(values.trades_per_minute == 6000);
  assert_true(isnan(values.volume_delta_300s));
  assert_true(values.volume_delta_60s == 3000);
  assert_true(values.tps_10s == 100);
  assert_true(values.buy_sell_ratio_60s == 3);
}

static void test_known_span(void **state) {
  (void)state;
  struct trade_flow flow;
  struct trade_flow_values values;
  trade_flow_init(&flow, recent, seconds);
  trade_flow_read(&flow, START, &values);
  assert_true(isnan(values.tpm_10s)); /* not subscribed */
  add(&flow, START, 1, true);
  assert_int_equal(flow.recent_count, 0);

  trade_flow_subscribe(&flow, START);
  for (int64_t t = 1000; t <= 1800000; t += 1000) {
    add(&flow, START + t, 1, true);
    trade_flow_read(&flow, START + t, &values);
    assert_int_equal(isnan(values.tpm_10s), t < 10000);
    assert_int_equal(isnan(values.trades_per_minute_60s), t < 60000);
    assert_int_equal(isnan(values.trades_per_minute), t < 300000);
    assert_int_equal(isnan(values.trades_per_minute_1h), t < 900000);
    if (t >= 900000) assert_true(values.trades_per_minute_1h == 60);
  }
  trade_flow_subscribe(&flow, START + 2000000); /* a hole: nothing known before counts */
  trade_flow_read(&flow, START + 2060000 - 40000, &values);
  assert_true(values.tpm_10s == 0);
  assert_true(isnan(values.trades_per_minute_60s));
}

/* History loaded on joining completes the windows from the first second on. */
static void test_history(void **state) {
  (void)state;
  struct trade_flow flow;
  struct trade_flow_values values;
  struct public_trade history[120];
  for (int i = 0; i < 120; i++) history[i] = (struct public_trade){START - 119000 + 1000 * i, DECIMAL_ONE, DECIMAL_ONE, true};
  start(&flow, START);
  trade_flow_add(&flow, history, 120, START);
  trade_flow_read(&flow, START, &values);
  assert_true(values.trades_per_minute_60s == 60);
  assert_true(values.volume_delta_60s == 60);
  assert_true(isnan(values.trades_per_minute)); /* 300 s are not covered */
}

static void test_order_and_silence(void **state) {
  (void)state;
  struct trade_flow flow;
  struct trade_flow_values values;
  start(&flow, START);
  add(&flow, START + 20000, 1, true);
  add(&flow, START + 19999, 5, true); /* older than the newest: dropped */
  assert_int_equal(flow.dropped, 1);
  add(&flow, START + 20000, 2, false);
  trade_flow_read(&flow, START + 25000, &values);
  assert_true(values.volume_delta_10s == -1);
  trade_flow_read(&flow, START + 50000, &values); /* exactly 30 s of silence */
  assert_true(values.tpm_10s == 0);
  trade_flow_read(&flow, START + 50001, &values);
  assert_true(isnan(values.tpm_10s));
  trade_flow_add(&flow, NULL, 0, START + 60000); /* heartbeat */
  trade_flow_read(&flow, START + 60001, &values);
  assert_true(values.tpm_10s == 0);
  assert_true(values.trades_per_minute_60s == 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random_tape), cmocka_unit_test(test_busier_than_the_ring), cmocka_unit_test(test_known_span),
      cmocka_unit_test(test_history),     cmocka_unit_test(test_order_and_silence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
