/* A symbol's market: what is known after any feed must be what the same candles give when computed from an array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/decimal.h"
#include "base/maths.h"
#include "base/random.h"
#include "core/analysis/indicators.h"
#include "core/market/market_view.h"

enum { MINUTES = 6000, FIVES = MINUTES / 5 };

#define START INT64_C(1700006400000) /* a full hour */
#define FIVE_MS (5 * MINUTE_MS)

static const struct market_limits limits_1m = {.book_depth = 50, .has_tape = true, .base_ms = MINUTE_MS};

struct fixture {
  struct market market;
  struct arena arena;
};

static void open_fixture(struct fixture *fixture, const struct market_limits *limits) {
  assert_int_equal(arena_open(&fixture->arena, 4 << 20), STATUS_OK);
  market_bind(&fixture->market, limits, &fixture->arena);
  market_init(&fixture->market, limits);
  fixture->market.capabilities = CAPABILITY_CANDLES_1M;
}

static void close_fixture(struct fixture *fixture) {
  arena_close(&fixture->arena);
}

/* --- candles --- */

static void make_minutes(struct candle *out, int32_t count, uint64_t seed) {
  struct random random;
  random_init(&random, seed);
  double price = 100;
  for (int32_t i = 0; i < count; i++) {
    double open = price;
    double close = open * (1 + 0.002 * random_normal(&random));
    double high = (open > close ? open : close) * (1 + 0.001 * random_unit(&random));
    double low = (open < close ? open : close) * (1 - 0.001 * random_unit(&random));
    double volume = random_below(&random, 10) == 0 ? 0 : 1000 * random_unit(&random);
    out[i] = (struct candle){START + i * MINUTE_MS, open, high, low, close, volume, volume * close};
    price = close;
  }
}

static struct candle flat(int64_t open_ts, double price) {
  return (struct candle){open_ts, price, price, price, price, 1, price};
}

/* The slow way: looks through all minutes for those inside each window. */
static int32_t aggregate_ref(const struct candle *minutes, int32_t count, int64_t length, struct candle *out) {
  int32_t windows = 0;
  for (int64_t start = START; start < START + MINUTES * MINUTE_MS; start += length) {
    struct candle sum = {.open_ts = start};
    int64_t parts = 0;
    for (int32_t i = (int32_t)((start - START) / MINUTE_MS) < count ? 0 : count; i < count; i++) {
      const struct candle *minute = &minutes[i];
      if (minute->open_ts < start || minute->open_ts >= start + length) continue;
      if (parts == 0) sum = (struct candle){start, minute->open, minute->high, minute->low, 0, 0, 0};
      if (minute->high > sum.high) sum.high = minute->high;
      if (minute->low < sum.low) sum.low = minute->low;
      sum.close = minute->close;
      sum.volume += minute->volume;
      sum.turnover += minute->turnover;
      parts++;
    }
    if (parts == length / MINUTE_MS) out[windows++] = sum;
  }
  return windows;
}

static void assert_bits(double got, double expected, const char *what, int at) {
  if (memcmp(&got, &expected, sizeof got) == 0 || (isnan(got) && isnan(expected))) return;
  fail_msg("%s at %d: %.17g, expected %.17g", what, at, got, expected);
}

static double rank_ref(const struct candle *fives, int32_t count) {
  double widths[288];
  int32_t n = count - 19 < 288 ? count - 19 : 288;
  if (n < 100) return NAN;
  for (int32_t i = 0; i < n; i++) widths[i] = indicator_bollinger_width(fives, count - (n - 1 - i), 20);
  return indicator_percentile_rank(widths, n);
}

static double correlation_ref(const struct candle *a, const struct candle *b, int32_t count) {
  double x[288];
  double y[288];
  int32_t n = count - 1 < 288 ? count - 1 : 288;
  if (n < 60) return NAN;
  for (int32_t i = 0; i < n; i++) {
    int32_t at = count - n + i;
    x[i] = maths_log(a[at].close / a[at - 1].close);
    y[i] = maths_log(b[at].close / b[at - 1].close);
  }
  return indicator_correlation(x, y, n);
}

static double turnover_ref(const struct candle *minutes, int32_t count) {
  double sum = 0;
  if (count < 1440) return NAN;
  for (int32_t i = count - 1440; i < count; i++) sum += minutes[i].turnover;
  return sum;
}

static struct candle minutes[MINUTES];
static struct candle reference_minutes[MINUTES];
static struct candle fives[FIVES];
static struct candle reference_fives[FIVES];
static struct candle fifteens[FIVES];

/* At every closed 5m candle of a series longer than every window and every memory. */
static void test_every_prefix_equals_batch(void **state) {
  (void)state;
  struct fixture own;
  struct fixture other;
  struct market_view view;
  open_fixture(&own, &limits_1m);
  open_fixture(&other, &limits_1m);
  make_minutes(minutes, MINUTES, 1);
  make_minutes(reference_minutes, MINUTES, 2);
  assert_int_equal(aggregate_ref(minutes, MINUTES, FIVE_MS, fives), FIVES);
  assert_int_equal(aggregate_ref(reference_minutes, MINUTES, FIVE_MS, reference_fives), FIVES);
  assert_int_equal(aggregate_ref(minutes, MINUTES, 3 * FIVE_MS, fifteens), FIVES / 3);
  for (int32_t i = 0; i < MINUTES; i++) {
    (void)market_on_candle(&other.market, &reference_minutes[i]);
    uint32_t closed = market_on_candle(&own.market, &minutes[i]);
    int32_t known = i + 1;
    assert_int_equal(closed, 1 | (known % 5 == 0 ? 2 : 0) | (known % 15 == 0 ? 4 : 0) | (known % 60 == 0 ? 8 : 0));
    if (known % 5 != 0) continue;
    int32_t n = known / 5;
    int32_t n15 = known / 15;
    market_view_read(&own.market, &other.market, minutes[i].open_ts + MINUTE_MS, &view);
    assert_memory_equal(candle_series_newest(&own.market.series[TIMEFRAME_5M]), &fives[n - 1], sizeof fives[0]);
    assert_bits(view.price, minutes[i].close, "price", n);
    assert_bits(view.atr_5m, indicator_atr(fives, n, 14), "atr_5m", n);
    assert_bits(view.atr_15m, indicator_atr(fifteens, n15, 14), "atr_15m", n);
    assert_bits(view.atr_ratio_15m, n15 > 0 ? indicator_atr(fifteens, n15, 14) / fifteens[n15 - 1].close : NAN, "atr_ratio_15m", n);
    assert_bits(view.bb_width_pct, indicator_bollinger_width(fives, n, 20), "bb_width_pct", n);
    assert_bits(view.bb_width_percentile, rank_ref(fives, n), "bb_width_percentile", n);
    assert_bits(view.volume_surge_1h, indicator_volume_surge(fives, n, 12, 12), "volume_surge_1h", n);
    assert_bits(view.volume_surge_5m, indicator_volume_surge(fives, n, 1, 20), "volume_surge_5m", n);
    assert_bits(view.vwap_20, indicator_vwap(fives, n, 20), "vwap_20", n);
    assert_bits(view.ema_9, indicator_ema(fives, n, 9), "ema_9", n);
    assert_bits(view.btc_correlation, correlation_ref(fives, reference_fives, n), "btc_correlation", n);
    assert_bits(view.volume_24h_usd, turnover_ref(minutes, known), "volume_24h_usd", n);
    assert_bits(view.change_24h_pct, known > 1440 ? 100 * (minutes[i].close / minutes[i - 1440].close - 1) : NAN, "change_24h_pct", n);
    assert_int_equal(view.why[MARKET_FIELD_atr_5m], isnan(view.atr_5m) ? NULL_UNAVAILABLE : NULL_NOT);
    struct market_view kept; /* the values kept now are those read, and are no longer used when the next candle has come */
    market_view_refresh(&own.market, &other.market);
    market_view_read(&own.market, &other.market, minutes[i].open_ts + MINUTE_MS, &kept);
    for (int k = 0; k < market_field_count; k++) assert_bits(kept.field[k], view.field[k], market_field_names[k], n);
  }
  close_fixture(&own);
  close_fixture(&other);
}

/* Days summed side by side are those summed alone, of groups of every size, with markets that know less than a day among them. */
static void test_days_side_by_side(void **state) {
  (void)state;
  static struct fixture fixtures[MARKET_DAYS_AT_ONCE];
  struct market *markets[MARKET_DAYS_AT_ONCE];
  for (int32_t i = 0; i < MARKET_DAYS_AT_ONCE; i++) {
    open_fixture(&fixtures[i], &limits_1m);
    markets[i] = &fixtures[i].market;
    make_minutes(minutes, 1500, 40 + (uint64_t)i);
    for (int32_t k = 0; k < (i == 1 ? 1000 : 1441 + 9 * i); k++) (void)market_on_candle(markets[i], &minutes[k]);
  }
  for (int32_t count = 0; count <= MARKET_DAYS_AT_ONCE; count++) {
    market_days_refresh(markets, count);
    for (int32_t i = 0; i < count; i++) {
      struct market_day_values kept = markets[i]->day_values;
      markets[i]->day_values = (struct market_day_values){0};
      assert_int_equal(kept.at == markets[i]->changes + 1, i != 1);
      market_view_refresh(markets[i], NULL);
      if (i != 1) assert_memory_equal(&kept, &markets[i]->day_values, sizeof kept);
      markets[i]->day_values = (struct market_day_values){0};
    }
  }
  for (int32_t i = 0; i < MARKET_DAYS_AT_ONCE; i++) close_fixture(&fixtures[i]);
}

static void assert_same_market(const struct market *a, const struct market *b) {
  struct market_view view_a;
  struct market_view view_b;
  for (int i = 0; i < timeframe_count; i++) {
    assert_int_equal(a->series[i].count, b->series[i].count);
    if (a->series[i].count == 0) continue;
    assert_memory_equal(candle_series_last(&a->series[i], a->series[i].count), candle_series_last(&b->series[i], b->series[i].count),
                        (size_t)a->series[i].count * sizeof(struct candle));
  }
  assert_int_equal(a->gaps, b->gaps);
  assert_int_equal(a->returns_count, b->returns_count);
  for (int32_t i = 0; i < a->returns_count; i++) {
    assert_int_equal(a->returns[a->returns_start + i].open_ts, b->returns[b->returns_start + i].open_ts);
    assert_bits(a->returns[a->returns_start + i].value, b->returns[b->returns_start + i].value, "return", i);
  }
  market_view_read(a, a, market_candle_close_ts(a), &view_a);
  market_view_read(b, b, market_candle_close_ts(b), &view_b);
  for (int i = 0; i < market_field_count; i++) assert_bits(view_a.field[i], view_b.field[i], market_field_names[i], i);
}

/* Late fills, repetitions, corrections and rubbish, then the same picture as without them. */
static void test_disturbed_feed(void **state) {
  (void)state;
  make_minutes(minutes, MINUTES, 3);
  for (uint64_t seed = 1; seed <= 6; seed++) {
    struct fixture calm;
    struct fixture rough;
    struct random random;
    int32_t held[16];
    int32_t held_count = 0;
    int64_t invalid = 0;
    random_init(&random, seed);
    open_fixture(&calm, &limits_1m);
    open_fixture(&rough, &limits_1m);
    for (int32_t i = 0; i < MINUTES; i++) {
      (void)market_on_candle(&calm.market, &minutes[i]);
      if (i > 0 && i < MINUTES - 1 && held_count < 16 && random_below(&random, 20) == 0) {
        held[held_count++] = i; /* comes later */
        continue;
      }
      if (random_below(&random, 30) == 0) {
        struct candle wrong = minutes[i];
        wrong.high = wrong.low / 2;
        assert_int_equal(market_on_candle(&rough.market, &wrong), 0);
        invalid++;
      }
      if (random_below(&random, 30) == 0) {
        struct candle first = minutes[i];
        first.close = first.low;
        first.volume += 5;
        (void)market_on_candle(&rough.market, &first); /* corrected by the next one */
      }
      (void)market_on_candle(&rough.market, &minutes[i]);
      if (random_below(&random, 30) == 0) assert_int_equal(market_on_candle(&rough.market, &minutes[i]), 0);
      if (i > 100 && random_below(&random, 30) == 0) {
        struct candle old = minutes[i - 1 - (int32_t)random_below(&random, 50)];
        bool is_held = false;
        for (int32_t h = 0; h < held_count; h++) is_held |= minutes[held[h]].open_ts == old.open_ts;
        old.close = old.high; /* a correction that comes too late changes nothing */
        if (!is_held) assert_int_equal(market_on_candle(&rough.market, &old), 0);
      }
      if (held_count > 0 && random_below(&random, 15) == 0) (void)market_on_candle(&rough.market, &minutes[held[--held_count]]);
      market_view_refresh(&rough.market, &rough.market); /* whatever comes next must not be answered from here */
    }
    while (held_count > 0) (void)market_on_candle(&rough.market, &minutes[held[--held_count]]);
    assert_same_market(&calm.market, &rough.market);
    assert_int_equal(rough.market.gaps, 0);
    assert_int_equal(rough.market.invalid, invalid);
    assert_true(rough.market.duplicates > 50 && rough.market.corrections > 50 && rough.market.inserted_5m > 20);
    assert_int_equal(rough.market.invalid_kept, 0); /* each was followed by a valid one */
    close_fixture(&calm);
    close_fixture(&rough);
  }
}

/* A late minute that completes the newest window tells so; one before it counts as inserted. */
static void test_fill_tells_what_closed(void **state) {
  (void)state;
  struct fixture fixture;
  open_fixture(&fixture, &limits_1m);
  make_minutes(minutes, 20, 4);
  for (int32_t i = 0; i < 5; i++) {
    if (i != 3) assert_int_equal(market_on_candle(&fixture.market, &minutes[i]), 1);
  }
  assert_int_equal(fixture.market.gaps, 1);
  assert_int_equal(market_on_candle(&fixture.market, &minutes[3]), 2);
  assert_int_equal(fixture.market.gaps, 0);
  for (int32_t i = 5; i < 15; i++) {
    if (i != 7) assert_int_equal(market_on_candle(&fixture.market, &minutes[i]), i == 14 ? 3 : 1);
  }
  assert_int_equal(fixture.market.inserted_5m, 0);
  assert_int_equal(market_on_candle(&fixture.market, &minutes[7]), 4); /* 5m inserted, 15m new */
  assert_int_equal(fixture.market.inserted_5m, 1);
  assert_int_equal(fixture.market.series[TIMEFRAME_5M].count, 3);
  close_fixture(&fixture);
}

/* Pages of history may come newest first while the series has room; what is older than a full series is late. */
static void test_history_backwards_and_late(void **state) {
  (void)state;
  struct fixture forwards;
  struct fixture backwards;
  open_fixture(&forwards, &limits_1m);
  open_fixture(&backwards, &limits_1m);
  make_minutes(minutes, MINUTES, 5);
  for (int32_t i = 0; i < 400; i++) {
    (void)market_on_candle(&forwards.market, &minutes[i]);
    (void)market_on_candle(&backwards.market, &minutes[399 - i]);
  }
  assert_same_market(&forwards.market, &backwards.market);
  for (int32_t i = 400; i < 3000; i++) {
    if (i != 1000) (void)market_on_candle(&forwards.market, &minutes[i]);
  }
  assert_int_equal(market_on_candle(&forwards.market, &minutes[1000]), 0);
  assert_int_equal(forwards.market.late, 1);
  assert_int_equal(forwards.market.gaps, 1);
  close_fixture(&forwards);
  close_fixture(&backwards);
}

/* An image of the memory, bound at another place, is the same market and goes on the same way. */
static void test_copied_image(void **state) {
  (void)state;
  struct fixture first;
  struct fixture second;
  open_fixture(&first, &limits_1m);
  make_minutes(minutes, MINUTES, 6);
  for (int32_t i = 0; i < 3333; i++) (void)market_on_candle(&first.market, &minutes[i]);
  assert_int_equal(arena_open(&second.arena, first.arena.size), STATUS_OK);
  memcpy(second.arena.memory, first.arena.memory, first.arena.used);
  second.market = first.market;
  market_bind(&second.market, &limits_1m, &second.arena);
  assert_ptr_not_equal(second.market.series[0].memory, first.market.series[0].memory);
  assert_int_equal(second.arena.used, first.arena.used);
  assert_same_market(&first.market, &second.market);
  for (int32_t i = 3333; i < 3400; i++) (void)market_on_candle(&first.market, &minutes[i]);
  for (int32_t i = 3333; i < 3400; i++) (void)market_on_candle(&second.market, &minutes[i]);
  assert_same_market(&first.market, &second.market);
  close_fixture(&first);
  close_fixture(&second);
}

/* Candles of 5m or 3m take the place of the minutes. */
static void test_coarse_base(void **state) {
  (void)state;
  struct fixture fixture;
  struct market_view view;
  struct market_limits limits = {.base_ms = FIVE_MS};
  open_fixture(&fixture, &limits);
  for (int64_t i = 0; i < 289; i++) {
    struct candle candle = flat(START + i * FIVE_MS, 100 + (double)i);
    int64_t known = i + 1;
    assert_int_equal(market_on_candle(&fixture.market, &candle), 3 | (known % 3 == 0 ? 4 : 0) | (known % 12 == 0 ? 8 : 0));
  }
  assert_memory_equal(candle_series_newest(&fixture.market.series[TIMEFRAME_5M]), candle_series_newest(&fixture.market.series[TIMEFRAME_1M]),
                      sizeof(struct candle));
  int64_t close_ts = START + 289 * FIVE_MS;
  assert_int_equal(market_candle_close_ts(&fixture.market), close_ts);
  market_view_read(&fixture.market, NULL, close_ts + FIVE_MS + 90000, &view); /* the limit grows with the base */
  assert_true(view.change_24h_pct == 100 * (388.0 / 100 - 1));
  assert_true(view.volume_24h_usd == (101 + 388) * 288 / 2.0);
  market_view_read(&fixture.market, NULL, close_ts + FIVE_MS + 90001, &view);
  assert_int_equal(view.why[MARKET_FIELD_change_24h_pct], NULL_STALE);
  close_fixture(&fixture);

  limits.base_ms = 3 * MINUTE_MS;
  open_fixture(&fixture, &limits);
  for (int64_t i = 0; i < 20; i++) {
    struct candle candle = flat(START + i * limits.base_ms, 100);
    assert_int_equal(market_on_candle(&fixture.market, &candle), 1 | (i % 5 == 4 ? 4 : 0) | (i == 19 ? 8 : 0));
  }
  assert_int_equal(fixture.market.series[TIMEFRAME_5M].count, 0);
  assert_int_equal(market_on_candle(&fixture.market, &(struct candle){START + MINUTE_MS, 1, 1, 1, 1, 0, 0}), 0); /* off the grid */
  assert_int_equal(fixture.market.invalid, 1);
  close_fixture(&fixture);
}

/* --- recorded candles, when they are at hand --- */

struct rows {
  FILE *pipe;
  int64_t ts;
  double open, high, low, close, volume;
};

static void open_rows(struct rows *rows, const char *folder, const char *name) {
  char command[1024];
  char header[256];
  snprintf(command, sizeof command, "zstd -dcq '%s/ohlcv/binance-usdm/%s'", folder, name);
  rows->pipe = popen(command, "r");
  assert_non_null(rows->pipe);
  assert_non_null(fgets(header, sizeof header, rows->pipe));
}

static bool next_row(struct rows *rows) {
  return fscanf(rows->pipe, "%" SCNd64 ",%lf,%lf,%lf,%lf,%lf", &rows->ts, &rows->open, &rows->high, &rows->low, &rows->close, &rows->volume) == 6;
}

/* Eleven days of minutes, and the 5m candles that another collector got from the venue itself: our aggregates are the venue's. */
static void test_recorded_five_minutes(void **state) {
  (void)state;
  const char *folder = getenv("BREAKOUT_SHARED_DATA");
  if (folder == NULL) {
    print_message("skipped: BREAKOUT_SHARED_DATA is not set\n");
    skip();
  }
  struct fixture fixture;
  struct rows one;
  struct rows five;
  int compared = 0;
  open_fixture(&fixture, &limits_1m);
  open_rows(&one, folder, "2025-07/BTCUSDT-1m.csv.zst");
  open_rows(&five, folder, "2025-07_2025-10/BTCUSDT-5m.csv.zst");
  assert_true(next_row(&five));
  while (next_row(&one)) {
    struct candle minute = {one.ts, one.open, one.high, one.low, one.close, one.volume, one.close * one.volume};
    if ((market_on_candle(&fixture.market, &minute) & 1 << TIMEFRAME_5M) == 0) continue;
    const struct candle *ours = candle_series_newest(&fixture.market.series[TIMEFRAME_5M]);
    while (five.ts < ours->open_ts) assert_true(next_row(&five));
    assert_int_equal(five.ts, ours->open_ts);
    assert_true(ours->open == five.open && ours->high == five.high && ours->low == five.low && ours->close == five.close);
    assert_true(fabs(ours->volume - five.volume) < 1e-6);
    compared++;
  }
  assert_true(compared > 3000);
  pclose(one.pipe); /* the second one is left in the middle: its reader may end by a signal */
  pclose(five.pipe);
  close_fixture(&fixture);
}

/* --- health and warm-up --- */

static void test_health(void **state) {
  (void)state;
  struct fixture fixture;
  struct market_health health;
  open_fixture(&fixture, &limits_1m);
  market_health_read(&fixture.market, &health);
  assert_int_equal(health.missing + health.invalid + health.jumps + health.newest_close_ts, 0);
  make_minutes(minutes, MINUTES, 7);
  for (int32_t i = 0; i < 2000; i++) {
    if (i == 1700) { /* refused, and its place stays empty */
      struct candle wrong = minutes[i];
      wrong.open = -1;
      assert_int_equal(market_on_candle(&fixture.market, &wrong), 0);
    } else {
      (void)market_on_candle(&fixture.market, &minutes[i]);
    }
  }
  market_health_read(&fixture.market, &health);
  assert_int_equal(health.missing, 1);
  assert_int_equal(health.invalid, 1);
  assert_int_equal(health.duplicates, 0);
  assert_int_equal(health.jumps, 0);
  assert_int_equal(health.newest_close_ts, START + 2000 * MINUTE_MS);
  for (int32_t i = 2000; i < 1700 + 750; i++) (void)market_on_candle(&fixture.market, &minutes[i]);
  market_health_read(&fixture.market, &health);
  assert_int_equal(health.missing, 1); /* the 150th newest */
  for (int32_t i = 2450; i < 2455; i++) (void)market_on_candle(&fixture.market, &minutes[i]);
  market_health_read(&fixture.market, &health);
  assert_int_equal(health.missing + health.invalid, 0);
  /* Two whole windows are missing at the end: they count as soon as they should be there. */
  (void)market_on_candle(&fixture.market, &minutes[2469]);
  market_health_read(&fixture.market, &health);
  assert_int_equal(health.missing, 3);
  close_fixture(&fixture);
}

/* Rubbish counts where it arrived, whatever time it carries; only so many are remembered one by one. */
static void test_many_invalid(void **state) {
  (void)state;
  struct fixture fixture;
  struct market_health health;
  open_fixture(&fixture, &limits_1m);
  make_minutes(minutes, MINUTES, 13);
  for (int32_t i = 0; i < 100; i++) (void)market_on_candle(&fixture.market, &minutes[i]);
  const int64_t times[] = {-5, INT64_MAX, START + 1, START + 100 * MINUTE_MS + 7, minutes[50].open_ts};
  for (int32_t i = 0; i < 40; i++) {
    struct candle wrong = flat(times[i % 5], i % 5 == 4 ? -1 : 100);
    assert_int_equal(market_on_candle(&fixture.market, &wrong), 0);
    market_health_read(&fixture.market, &health);
    assert_int_equal(health.invalid, i < MARKET_INVALID_KEPT ? i + 1 : MARKET_INVALID_KEPT);
  }
  assert_int_equal(fixture.market.invalid, 40);
  for (int32_t i = 100; i < 100 + 755; i++) (void)market_on_candle(&fixture.market, &minutes[i]);
  market_health_read(&fixture.market, &health);
  assert_int_equal(health.invalid, 0);
  close_fixture(&fixture);
}

static void test_jump(void **state) {
  (void)state;
  struct fixture fixture;
  struct market_health health;
  open_fixture(&fixture, &limits_1m);
  make_minutes(minutes, MINUTES, 8);
  for (int32_t i = 0; i < 1000; i++) (void)market_on_candle(&fixture.market, &minutes[i]);
  double atr = market_atr_5m(&fixture.market);
  double close = minutes[999].close;
  for (int32_t i = 0; i < 5; i++) {
    struct candle candle = flat(START + (1000 + i) * MINUTE_MS, close + 20.5 * atr);
    (void)market_on_candle(&fixture.market, &candle);
  }
  market_health_read(&fixture.market, &health);
  assert_int_equal(health.jumps, 1);
  assert_true(fabs(health.worst_jump_atr - 20.5) < 1e-9);
  for (int32_t i = 5; i < 105; i++) {
    struct candle candle = flat(START + (1000 + i) * MINUTE_MS, close + 20.5 * atr);
    (void)market_on_candle(&fixture.market, &candle);
    market_health_read(&fixture.market, &health);
    assert_int_equal(health.jumps, i < 104 ? 1 : 0); /* gone with the 20th candle after it */
  }
  assert_true(health.worst_jump_atr == 0);
  for (int32_t i = 105; i < 1000; i++) {
    struct candle candle = flat(START + (1000 + i) * MINUTE_MS, i < 995 ? 100 : 101);
    (void)market_on_candle(&fixture.market, &candle);
  }
  market_health_read(&fixture.market, &health);
  assert_int_equal(health.jumps, 1); /* out of 140 candles without any range */
  assert_true(health.worst_jump_atr == 1e6);
  close_fixture(&fixture);
}

static void test_warm(void **state) {
  (void)state;
  struct fixture fixture;
  open_fixture(&fixture, &limits_1m);
  make_minutes(minutes, MINUTES, 9);
  for (int32_t i = 0; i < 864 * 5; i++) {
    (void)market_on_candle(&fixture.market, &minutes[i]);
    int32_t known = (i + 1) / 5;
    fixture.market.instrument.listed_at = 0;
    assert_int_equal(market_is_warm(&fixture.market), known >= 864);
    fixture.market.instrument.listed_at = START - 4 * MINUTE_MS; /* the first whole window begins at START */
    assert_int_equal(market_is_warm(&fixture.market), known >= 50);
    fixture.market.instrument.listed_at = START - 5 * MINUTE_MS; /* its first window is not known */
    assert_int_equal(market_is_warm(&fixture.market), known >= 864);
  }
  struct market_health health;
  market_health_read(&fixture.market, &health);
  assert_int_equal(health.missing, 0);
  close_fixture(&fixture);
}

/* --- the record --- */

static void assert_null_because(const struct market_view *view, enum market_field field, enum null_reason why, double age_s) {
  if (!isnan(view->field[field]) || view->why[field] != why)
    fail_msg("%s: %g, why %d", market_field_names[field], view->field[field], view->why[field]);
  assert_bits(view->age_s[field], age_s, market_field_names[field], 0);
}

static void assert_value(const struct market_view *view, enum market_field field, double value) {
  if (!(fabs(view->field[field] - value) <= 1e-9 * fabs(value))) {
    fail_msg("%s: %.17g, expected %.17g", market_field_names[field], view->field[field], value);
  }
  assert_int_equal(view->why[field], NULL_NOT);
}

static void test_nothing_known(void **state) {
  (void)state;
  struct fixture fixture;
  struct market_view view;
  open_fixture(&fixture, &limits_1m);
  fixture.market.capabilities = 0;
  market_view_read(&fixture.market, NULL, START, &view);
  for (int i = 0; i < market_field_count; i++) {
    assert_null_because(&view, (enum market_field)i, i == MARKET_FIELD_listed_at ? NULL_UNAVAILABLE : NULL_NO_CAPABILITY, NAN);
  }
  fixture.market.capabilities = (1 << CAPABILITY_COUNT) - 1;
  market_view_read(&fixture.market, &fixture.market, START, &view);
  for (int i = 0; i < market_field_count; i++) assert_null_because(&view, (enum market_field)i, NULL_UNAVAILABLE, NAN);
  assert_true(isnan(market_price(&fixture.market, START)));
  assert_true(isnan(market_mark(&fixture.market, START)));
  close_fixture(&fixture);
}

static struct book_level level(double price, double qty) {
  return (struct book_level){decimal_from_double(price), decimal_from_double(qty)};
}

static void set_book(struct market *market, int64_t ts) {
  const struct book_level bids[] = {level(99.99, 10), level(99.97, 10), level(99.75, 20), level(99, 100)};
  const struct book_level asks[] = {level(100.01, 5), level(100.05, 10), level(100.4, 20), level(100.45, 30)};
  struct book_change change = {.is_snapshot = true, .last_seq = 1, .prev_seq = -1, .bid_count = 4, .ask_count = 4, .bids = bids, .asks = asks};
  assert_true(order_book_apply(&market->book, &change, ts));
}

/* mid 100: 0.3 % is 99.7 .. 100.3, 0.5 % is 99.5 .. 100.5 (past the last ask); 5 bps of the best are 99.940005 and 100.060005. */
static void test_book_fields(void **state) {
  (void)state;
  struct fixture fixture;
  struct market_view view;
  open_fixture(&fixture, &limits_1m);
  fixture.market.capabilities = CAPABILITY_CANDLES_1M | CAPABILITY_BOOK;
  set_book(&fixture.market, START);
  market_view_read(&fixture.market, NULL, START + 10000, &view);
  double near_bids = 999.9 + 999.7;
  double near_asks = 500.05 + 1000.5;
  assert_value(&view, MARKET_FIELD_bid, 99.99);
  assert_value(&view, MARKET_FIELD_ask, 100.01);
  assert_value(&view, MARKET_FIELD_mid, 100);
  assert_value(&view, MARKET_FIELD_spread_bps, 2);
  assert_value(&view, MARKET_FIELD_bid_usd_0_3pct, near_bids + 1995);
  assert_value(&view, MARKET_FIELD_ask_usd_0_3pct, near_asks);
  assert_value(&view, MARKET_FIELD_bid_usd_0_5pct, near_bids + 1995);
  assert_value(&view, MARKET_FIELD_ask_usd_0_5pct, near_asks + 2008 + 3013.5);
  assert_value(&view, MARKET_FIELD_depth_is_lower_bound, 1);
  assert_value(&view, MARKET_FIELD_depth_5bps_bid, near_bids);
  assert_value(&view, MARKET_FIELD_depth_5bps_ask, near_asks);
  double bids = near_bids + 1995 + 9900;
  double asks = near_asks + 2008 + 3013.5;
  assert_value(&view, MARKET_FIELD_imbalance, (bids - asks) / (bids + asks));
  market_view_read(&fixture.market, NULL, START + 10001, &view);
  assert_null_because(&view, MARKET_FIELD_bid, NULL_STALE, 10.001);
  assert_null_because(&view, MARKET_FIELD_imbalance, NULL_STALE, 10.001);
  assert_null_because(&view, MARKET_FIELD_depth_5bps_ask, NULL_STALE, 10.001);
  /* Crossed: nothing can be measured from the middle. */
  struct book_level crossing = level(100.02, 1);
  assert_true(order_book_apply(
      &fixture.market.book, &(struct book_change){.first_seq = 2, .last_seq = 2, .prev_seq = -1, .bid_count = 1, .bids = &crossing}, START + 20000));
  market_view_read(&fixture.market, NULL, START + 20000, &view);
  assert_null_because(&view, MARKET_FIELD_spread_bps, NULL_UNAVAILABLE, NAN);
  assert_null_because(&view, MARKET_FIELD_bid_usd_0_3pct, NULL_UNAVAILABLE, NAN);
  close_fixture(&fixture);
}

static void test_ticker_fields(void **state) {
  (void)state;
  struct fixture fixture;
  struct market_view view;
  open_fixture(&fixture, &limits_1m);
  fixture.market.capabilities = CAPABILITY_CANDLES_1M | CAPABILITY_TICKER | CAPABILITY_BOOK | CAPABILITY_TRADES;
  make_minutes(minutes, 1441, 10);
  for (int32_t i = 0; i < 1441; i++) (void)market_on_candle(&fixture.market, &minutes[i]);
  int64_t now = market_candle_close_ts(&fixture.market);
  struct ticker ticker = {.ts = now, .last = 50, .bid = 49.9, .ask = 50.1, .mark = 50.05, .index = 50.02, .turnover_24h = 1e9, .change_24h_pct = -3};
  market_on_ticker(&fixture.market, &ticker);
  struct ticker older = ticker;
  older.ts--;
  older.last = 1;
  market_on_ticker(&fixture.market, &older); /* out of order: dropped */
  market_view_read(&fixture.market, NULL, now, &view);
  assert_value(&view, MARKET_FIELD_price, 50);
  assert_value(&view, MARKET_FIELD_bid, 49.9); /* no book yet */
  assert_value(&view, MARKET_FIELD_spread_bps, 40);
  assert_value(&view, MARKET_FIELD_mark_price, 50.05);
  assert_value(&view, MARKET_FIELD_index_price, 50.02);
  assert_value(&view, MARKET_FIELD_volume_24h_usd, 1e9);
  assert_value(&view, MARKET_FIELD_change_24h_pct, -3);
  assert_null_because(&view, MARKET_FIELD_imbalance, NULL_UNAVAILABLE, NAN);
  assert_true(market_mark(&fixture.market, now) == 50.05);
  assert_true(market_price(&fixture.market, now) == 50);
  set_book(&fixture.market, now);
  market_view_read(&fixture.market, NULL, now, &view);
  assert_value(&view, MARKET_FIELD_bid, 99.99);
  trade_flow_subscribe(&fixture.market.flow, now);
  trade_flow_add(&fixture.market.flow, &(struct public_trade){now, 51 * DECIMAL_ONE, 1, true}, 1, now);
  assert_true(market_price(&fixture.market, now + 30000) == 51);
  /* All of it is old: 30 s for tape and ticker, 150 s for candles. */
  assert_true(market_price(&fixture.market, now + 30001) == minutes[1440].close);
  assert_true(market_mark(&fixture.market, now + 30001) == minutes[1440].close);
  assert_true(isnan(market_price(&fixture.market, now + 150001)));
  market_view_read(&fixture.market, NULL, now + 150001, &view);
  assert_null_because(&view, MARKET_FIELD_price, NULL_STALE, 150.001);
  assert_null_because(&view, MARKET_FIELD_atr_5m, NULL_STALE, 150.001);
  assert_null_because(&view, MARKET_FIELD_volume_24h_usd, NULL_STALE, 150.001);
  assert_null_because(&view, MARKET_FIELD_mark_price, NULL_STALE, 150.001);
  assert_null_because(&view, MARKET_FIELD_trades_per_minute, NULL_STALE, 150.001);
  /* A ticker without the day's figures leaves them to the candles. */
  ticker = (struct ticker){.ts = now, .last = 50, .bid = NAN, .ask = NAN, .mark = NAN, .index = NAN, .turnover_24h = NAN, .change_24h_pct = NAN};
  market_on_ticker(&fixture.market, &ticker);
  market_view_read(&fixture.market, NULL, now, &view);
  assert_value(&view, MARKET_FIELD_volume_24h_usd, turnover_ref(minutes, 1441));
  assert_value(&view, MARKET_FIELD_change_24h_pct, 100 * (minutes[1440].close / minutes[0].close - 1));
  assert_null_because(&view, MARKET_FIELD_mark_price, NULL_UNAVAILABLE, NAN);
  close_fixture(&fixture);
}

static void test_open_interest_and_funding(void **state) {
  (void)state;
  struct fixture fixture;
  struct market_view view;
  open_fixture(&fixture, &limits_1m);
  fixture.market.capabilities = CAPABILITY_OPEN_INTEREST | CAPABILITY_FUNDING | CAPABILITY_TICKER;
  int64_t now = START;
  for (int64_t i = 0; i <= 26 * 60; i++) { /* one a minute: more than fits, thinned */
    now = START + i * MINUTE_MS;
    market_on_open_interest(&fixture.market, now, 1000 + (double)i, NAN);
  }
  assert_true(fixture.market.oi_count < MARKET_OI_SAMPLES);
  market_on_open_interest(&fixture.market, now - 1, 5, NAN); /* out of order */
  market_view_read(&fixture.market, NULL, now, &view);
  double newest = 1000 + 26 * 60;
  assert_int_equal(view.why[MARKET_FIELD_oi_change_24h], NULL_NOT);
  double base = newest / (1 + view.oi_change_24h);
  assert_true(base <= 1000 + 2 * 60 + 1e-6 && base > 1000 + 2 * 60 - 5);  /* at least 24 h old, at most one thinning step older */
  assert_null_because(&view, MARKET_FIELD_oi_usd, NULL_UNAVAILABLE, NAN); /* no mark price */
  market_on_ticker(&fixture.market, &(struct ticker){.ts = now, .mark = 2, .last = NAN, .bid = NAN, .ask = NAN, .index = NAN});
  market_view_read(&fixture.market, NULL, now, &view);
  assert_value(&view, MARKET_FIELD_oi_usd, 2 * newest);
  market_view_read(&fixture.market, NULL, now + 31000, &view);
  assert_null_because(&view, MARKET_FIELD_oi_usd, NULL_STALE, 31);
  market_on_open_interest(&fixture.market, now + MINUTE_MS, 900, 12345);
  market_view_read(&fixture.market, NULL, now + MINUTE_MS + 900000, &view);
  assert_value(&view, MARKET_FIELD_oi_usd, 12345);
  market_view_read(&fixture.market, NULL, now + MINUTE_MS + 900001, &view);
  assert_null_because(&view, MARKET_FIELD_oi_usd, NULL_STALE, 900.001);

  market_on_funding(&fixture.market, now, 0.0001, now + HOUR_MS);
  market_on_funding(&fixture.market, now - 1, 0.5, now);
  market_view_read(&fixture.market, NULL, now + HOUR_MS + 600000, &view);
  assert_value(&view, MARKET_FIELD_funding_rate, 0.0001);
  assert_value(&view, MARKET_FIELD_next_funding_at, (double)(now + HOUR_MS));
  market_view_read(&fixture.market, NULL, now + HOUR_MS + 600001, &view);
  assert_null_because(&view, MARKET_FIELD_funding_rate, NULL_STALE, 600.001);
  close_fixture(&fixture);
}

/* No sample between 25 and 24 hours ago, or one of nothing. */
/* A second sample of one instant takes the place of the first. */
static void test_open_interest_of_one_instant(void **state) {
  (void)state;
  struct fixture fixture;
  open_fixture(&fixture, &limits_1m);
  market_on_open_interest(&fixture.market, START, 5, NAN);
  market_on_open_interest(&fixture.market, START, 7, NAN);
  assert_int_equal(fixture.market.oi_count, 1);
  assert_true(fixture.market.oi[0].oi == 7);
  close_fixture(&fixture);
}

static void test_open_interest_without_base(void **state) {
  (void)state;
  struct fixture fixture;
  struct market_view view;
  open_fixture(&fixture, &limits_1m);
  fixture.market.capabilities = CAPABILITY_OPEN_INTEREST;
  market_on_open_interest(&fixture.market, START, 0, NAN);
  market_on_open_interest(&fixture.market, START + 24 * HOUR_MS, 10, NAN);
  market_view_read(&fixture.market, NULL, START + 24 * HOUR_MS, &view);
  assert_null_because(&view, MARKET_FIELD_oi_change_24h, NULL_UNAVAILABLE, NAN);
  market_on_open_interest(&fixture.market, START + 49 * HOUR_MS, 15, NAN);
  market_view_read(&fixture.market, NULL, START + 49 * HOUR_MS, &view);
  assert_value(&view, MARKET_FIELD_oi_change_24h, 0.5); /* exactly 25 h */
  market_view_read(&fixture.market, NULL, START + 49 * HOUR_MS + 1, &view);
  assert_null_because(&view, MARKET_FIELD_oi_change_24h, NULL_UNAVAILABLE, NAN);
  close_fixture(&fixture);
}

static void test_correlation_rules(void **state) {
  (void)state;
  struct fixture own;
  struct fixture other;
  struct market_view view;
  open_fixture(&own, &limits_1m);
  open_fixture(&other, &limits_1m);
  make_minutes(minutes, MINUTES, 11);
  make_minutes(reference_minutes, MINUTES, 12);
  for (int32_t i = 0; i < 1000; i++) {
    (void)market_on_candle(&own.market, &minutes[i]);
    if (i < 880) (void)market_on_candle(&other.market, &reference_minutes[i]);
  }
  int64_t now = START + 1000 * MINUTE_MS;
  market_view_read(&own.market, NULL, now, &view);
  assert_null_because(&view, MARKET_FIELD_btc_correlation, NULL_NO_CAPABILITY, NAN);
  market_view_read(&own.market, &other.market, now, &view);
  assert_null_because(&view, MARKET_FIELD_btc_correlation, NULL_STALE, 7200);
  for (int32_t i = 940; i < 1000; i++) (void)market_on_candle(&other.market, &reference_minutes[i]); /* 12 fives are missing */
  market_view_read(&own.market, &other.market, now, &view);
  double x[288];
  double y[288];
  int32_t pairs = 0;
  aggregate_ref(minutes, 1000, FIVE_MS, fives);
  aggregate_ref(reference_minutes, 1000, FIVE_MS, reference_fives);
  for (int32_t i = 1; i < 200; i++) {
    if (i >= 176 && i <= 188) continue; /* absent, or without the candle before */
    x[pairs] = maths_log(fives[i].close / fives[i - 1].close);
    y[pairs++] = maths_log(reference_fives[i].close / reference_fives[i - 1].close);
  }
  assert_bits(view.btc_correlation, indicator_correlation(x, y, pairs), "btc_correlation", 0);
  other.market.is_reference = true;
  market_view_read(&other.market, &other.market, now, &view);
  assert_value(&view, MARKET_FIELD_btc_correlation, 1);
  close_fixture(&own);
  close_fixture(&other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_days_side_by_side),
      cmocka_unit_test(test_every_prefix_equals_batch),
      cmocka_unit_test(test_disturbed_feed),
      cmocka_unit_test(test_fill_tells_what_closed),
      cmocka_unit_test(test_history_backwards_and_late),
      cmocka_unit_test(test_copied_image),
      cmocka_unit_test(test_coarse_base),
      cmocka_unit_test(test_recorded_five_minutes),
      cmocka_unit_test(test_health),
      cmocka_unit_test(test_many_invalid),
      cmocka_unit_test(test_jump),
      cmocka_unit_test(test_warm),
      cmocka_unit_test(test_nothing_known),
      cmocka_unit_test(test_book_fields),
      cmocka_unit_test(test_ticker_fields),
      cmocka_unit_test(test_open_interest_and_funding),
      cmocka_unit_test(test_open_interest_of_one_instant),
      cmocka_unit_test(test_open_interest_without_base),
      cmocka_unit_test(test_correlation_rules),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
