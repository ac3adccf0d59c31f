/* The filters of a scan: each at its bound, null, stale and skipped; data health on real candles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "core/strategy/market_filter.h"
#include "support/strategy_fixture.h"

enum { MINUTES = 1500 };
static const int64_t start_ms = INT64_C(1746788400000); /* 2025-05-09T11:00Z: 1 500 minutes end at 2025-05-10T12:00Z */
static const int64_t minute_ms = 60000;

static struct fixture fixture;
static struct market market;
static struct market_view view;
static struct reason_list reasons;
static unsigned char memory[8 << 20];

static void init_market(uint32_t capabilities) {
  struct arena arena;
  struct market_limits limits = {.book_depth = 50, .has_tape = true, .base_ms = minute_ms};
  memset(memory, 0, sizeof memory);
  arena_init(&arena, memory, sizeof memory);
  market_bind(&market, &limits, &arena);
  market_init(&market, &limits);
  market.instrument = fixture.market.instrument;
  market.capabilities = capabilities;
}

/* Minute i of a calm market. */
static struct candle minute(int i) {
  return (struct candle){start_ms + i * minute_ms, 100, 100.1, 99.9, 100, 10, 1000};
}

static void feed(int from, int to, int missing) {
  for (int i = from; i < to; i++) {
    struct candle candle = minute(i);
    if (i != missing) market_on_candle(&market, &candle);
  }
}

static int begin(void **state) {
  (void)state;
  fixture_init(&fixture);
  view = fixture.view;
  init_market(CAPABILITY_CANDLES_1M);
  feed(0, MINUTES, -1);
  view.why[MARKET_FIELD_btc_correlation] = NULL_NO_CAPABILITY;
  view.volume_24h_usd = 1e6;
  view.atr_ratio_15m = 0.02;
  view.bb_width_percentile = 50;
  view.volume_surge_1h = view.volume_surge_5m = 1;
  return 0;
}

static bool passes_all(void) {
  reasons.count = 0;
  return market_filter_all(&market, &view, &fixture.preset, &reasons);
}

/* The one failed reason. */
static const struct reason *failed(void) {
  assert_false(passes_all());
  const struct reason *first = reason_first_failed(&reasons);
  for (int32_t i = 0; i < reasons.count; i++) assert_true(reasons.items[i].passed || &reasons.items[i] == first);
  return first;
}

static void the_table_is_in_the_order_of_the_names(void **state) {
  static const char *const names[MARKET_FILTER_COUNT] = {
      "data_health", "min_24h_volume", "min_oi",          "max_spread",      "min_depth_0_5pct", "min_depth_0_3pct", "min_trades_per_minute",
      "atr_range",   "bb_width",       "volume_surge_1h", "volume_surge_5m", "oi_delta",         "correlation"};
  (void)state;
  for (int i = 0; i < MARKET_FILTER_COUNT; i++) {
    assert_string_equal(market_filter_name(i), names[i]);
    assert_string_equal(reason_code_names[market_filter_codes[i]], names[i]);
  }
}

static void a_calm_market_of_candles_passes_and_says_what_was_skipped(void **state) {
  (void)state;
  assert_true(passes_all());
  assert_int_equal(reasons.count, 11); /* min_oi and oi_delta are null in the preset: not applied */
  const enum reason_code skipped[] = {REASON_max_spread, REASON_min_depth_0_5pct, REASON_min_depth_0_3pct, REASON_min_trades_per_minute,
                                      REASON_correlation};
  for (size_t i = 0; i < sizeof skipped / sizeof skipped[0]; i++) assert_true(fixture_reason(&reasons, skipped[i])->skipped);
  assert_string_equal(fixture_reason(&reasons, REASON_max_spread)->detail, "book and ticker");
  assert_string_equal(fixture_reason(&reasons, REASON_correlation)->detail, "reference");
  assert_true(fixture_reason(&reasons, REASON_data_health)->passed);
}

static void skipped_bits_follow_the_capabilities(void **state) {
  (void)state;
  uint32_t all = 0;
  for (int i = 0; i < CAPABILITY_COUNT; i++) all |= UINT32_C(1) << i;
  assert_int_equal(market_filter_skipped(all, true), 0);
  assert_int_equal(market_filter_skipped(all, false), 1 << 12);
  assert_int_equal(market_filter_skipped(CAPABILITY_CANDLES_1M, true), 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 11);
  assert_int_equal(market_filter_skipped(CAPABILITY_CANDLES_1M | CAPABILITY_TICKER, true), 1 << 2 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 11);
}

/* Book of two levels a side around 100, wide enough for both bands unless told otherwise. */
static void give_book(double last_bid, double last_ask) {
  struct book_level bids[2] = {{decimal_from_double(99.99), DECIMAL_ONE}, {decimal_from_double(last_bid), DECIMAL_ONE}};
  struct book_level asks[2] = {{decimal_from_double(100.01), DECIMAL_ONE}, {decimal_from_double(last_ask), DECIMAL_ONE}};
  struct book_change change = {.is_snapshot = true, .last_seq = 1, .prev_seq = -1, .bid_count = 2, .ask_count = 2, .bids = bids, .asks = asks};
  market.capabilities |= CAPABILITY_BOOK;
  assert_true(order_book_apply(&market.book, &change, view.ts));
  view.bid = 99.99;
  view.ask = 100.01;
  view.mid = 100;
  view.spread_bps = 2;
  view.bid_usd_0_5pct = view.ask_usd_0_5pct = 600;
  view.bid_usd_0_3pct = view.ask_usd_0_3pct = 300;
  view.depth_5bps_bid = view.depth_5bps_ask = 100;
}

static void each_filter_passes_at_its_bound_and_fails_beyond(void **state) {
  (void)state;
  give_book(98, 102);
  market.capabilities |= (uint32_t)CAPABILITY_TRADES | (uint32_t)CAPABILITY_OPEN_INTEREST;
  fixture.preset.liquidity_filters.min_oi_usd = 500;
  fixture.preset.volatility_filters.oi_delta_threshold = 0.05;
  fixture.preset.liquidity_filters.min_trades_per_minute = 3;
  fixture.preset.volatility_filters.bb_width_percentile_max = 60;
  fixture.preset.volatility_filters.volume_surge_1h_min = 0.5;
  fixture.preset.volatility_filters.volume_surge_5m_min = 0.25;
  view.why[MARKET_FIELD_btc_correlation] = NULL_NOT;
  view.oi_usd = 600;
  view.oi_change_24h = -0.5;
  view.trades_per_minute = 5;
  view.btc_correlation = 0.1;
  assert_true(passes_all());
  assert_int_equal(reasons.count, MARKET_FILTER_COUNT);
  const struct {
    double *value;
    double at_bound, beyond;
    enum reason_code code;
    double distance;
  } cases[] = {
      {&view.volume_24h_usd, 1000, 999, REASON_min_24h_volume, -1},
      {&view.oi_usd, 500, 498, REASON_min_oi, -2},
      {&view.spread_bps, 10, 11, REASON_max_spread, -1},
      {&view.bid_usd_0_5pct, 400, 399, REASON_min_depth_0_5pct, -1},
      {&view.ask_usd_0_3pct, 200, 197, REASON_min_depth_0_3pct, -3},
      {&view.trades_per_minute, 3, 2, REASON_min_trades_per_minute, -1},
      {&view.atr_ratio_15m, 0.005, 0.004, REASON_atr_range, 0.004 - 0.005},
      {&view.atr_ratio_15m, 0.045, 0.055, REASON_atr_range, 0.045 - 0.055},
      {&view.bb_width_percentile, 60, 61, REASON_bb_width, -1},
      {&view.volume_surge_1h, 0.5, 0.25, REASON_volume_surge_1h, -0.25},
      {&view.volume_surge_5m, 0.25, 0.125, REASON_volume_surge_5m, -0.125},
      {&view.oi_change_24h, -0.05, 0.0, REASON_oi_delta, -0.05},
      {&view.btc_correlation, -0.8, -0.9, REASON_correlation, 0.8 - 0.9},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    double before = *cases[i].value;
    *cases[i].value = cases[i].at_bound;
    assert_true(passes_all());
    *cases[i].value = cases[i].beyond;
    const struct reason *reason = failed();
    assert_int_equal(reason->code, cases[i].code);
    assert_true(reason->distance == cases[i].distance);
    *cases[i].value = NAN;
    assert_false(passes_all());
    assert_int_equal(reason_first_failed(&reasons)->code, REASON_unavailable);
    *cases[i].value = before;
  }
}

static void all_are_evaluated_after_the_first_failure(void **state) {
  (void)state;
  view.volume_24h_usd = 1;
  view.bb_width_percentile = 101;
  fixture.preset.volatility_filters.bb_width_percentile_max = 100;
  assert_false(passes_all());
  assert_int_equal(reason_first_failed(&reasons)->code, REASON_min_24h_volume);
  assert_false(fixture_reason(&reasons, REASON_bb_width)->passed);
  assert_int_equal(reasons.count, 11);
}

static void what_is_not_known_says_why(void **state) {
  (void)state;
  view.volume_24h_usd = NAN;
  view.why[MARKET_FIELD_volume_24h_usd] = NULL_STALE;
  view.age_s[MARKET_FIELD_volume_24h_usd] = 42;
  market.capabilities |= CAPABILITY_TICKER;
  view.spread_bps = 1;
  const struct reason *reason = failed();
  assert_int_equal(reason->code, REASON_stale);
  assert_true(reason->value == 42 && reason->threshold == 30);
  assert_string_equal(reason->detail, "volume_24h_usd");
  view.volume_24h_usd = 1e6;
  market.capabilities |= CAPABILITY_TRADES; /* outside the deep ring: never subscribed */
  assert_false(passes_all());
  assert_string_equal(reason_first_failed(&reasons)->detail, "trades_per_minute not_subscribed");
  market.flow.known_since = 1; /* subscribed, but not for long enough */
  assert_false(passes_all());
  assert_string_equal(reason_first_failed(&reasons)->detail, "trades_per_minute");
}

static void the_reference_is_not_compared_with_itself(void **state) {
  (void)state;
  view.why[MARKET_FIELD_btc_correlation] = NULL_NOT;
  view.btc_correlation = 1;
  assert_int_equal(failed()->code, REASON_correlation);
  market.is_reference = true;
  assert_true(passes_all());
  assert_null(fixture_reason(&reasons, REASON_correlation));
}

static void a_book_that_ends_inside_the_band_is_named(void **state) {
  (void)state;
  give_book(99.8, 102); /* 0.2 % below mid */
  view.bid_usd_0_3pct = view.bid_usd_0_5pct = 0;
  assert_false(passes_all());
  assert_string_equal(fixture_reason(&reasons, REASON_min_depth_0_3pct)->detail, "book_ends_inside_band at 0.2 %");
  assert_string_equal(fixture_reason(&reasons, REASON_min_depth_0_5pct)->detail, "book_ends_inside_band at 0.2 %");
  give_book(98, 100.25);
  view.bid_usd_0_3pct = 0;
  assert_false(passes_all());
  assert_string_equal(fixture_reason(&reasons, REASON_min_depth_0_3pct)->detail, "book_ends_inside_band at 0.25 %");
  give_book(99.6, 102); /* 0.4 %: inside the wider band only */
  view.bid_usd_0_3pct = view.bid_usd_0_5pct = 0;
  assert_false(passes_all());
  assert_string_equal(fixture_reason(&reasons, REASON_min_depth_0_3pct)->detail, "");
  assert_string_equal(fixture_reason(&reasons, REASON_min_depth_0_5pct)->detail, "book_ends_inside_band at 0.4 %");
}

static void the_sets_of_filters(void **state) {
  (void)state;
  view.volume_24h_usd = 1; /* not tested again at a signal */
  reasons.count = 0;
  assert_true(market_filter_at_signal(&market, &view, &fixture.preset, &reasons));
  assert_false(market_filter_wide(&market, &view, &fixture.preset));
  view.volume_24h_usd = 1e6;
  market.capabilities |= (uint32_t)CAPABILITY_BOOK | (uint32_t)CAPABILITY_TRADES; /* all null */
  assert_true(market_filter_wide(&market, &view, &fixture.preset));
  assert_false(market_filter_at_signal(&market, &view, &fixture.preset, &reasons));
  market.capabilities |= CAPABILITY_TICKER;
  assert_false(market_filter_wide(&market, &view, &fixture.preset)); /* the ticker must give the spread */
  view.spread_bps = 10;
  assert_true(market_filter_wide(&market, &view, &fixture.preset));
}

/* --- data health --- */

static const struct reason *health_failure(void) {
  reasons.count = 0;
  assert_false(market_filter_data_health(&market, &view, &fixture.preset, &reasons));
  assert_int_equal(reasons.count, 1);
  return &reasons.items[0];
}

static bool is_healthy(void) {
  reasons.count = 0;
  return market_filter_data_health(&market, &view, &fixture.preset, &reasons);
}

static void old_candles_are_stale(void **state) {
  (void)state;
  view.ts = start_ms + MINUTES * minute_ms + 150000;
  assert_true(is_healthy());
  view.ts++;
  const struct reason *reason = health_failure();
  assert_int_equal(reason->code, REASON_stale);
  assert_true(reason->value == 150.001 && reason->threshold == 150);
  init_market(CAPABILITY_CANDLES_1M);
  assert_int_equal(health_failure()->code, REASON_unavailable);
}

static void a_missing_minute_is_a_gap_for_150_candles(void **state) {
  (void)state;
  init_market(CAPABILITY_CANDLES_1M);
  feed(0, MINUTES, MINUTES - 150 * 5);
  assert_int_equal(health_failure()->code, REASON_data_gap);
  assert_true(reasons.items[0].value == 1);
  init_market(CAPABILITY_CANDLES_1M);
  feed(0, MINUTES, MINUTES - 150 * 5 - 1);
  assert_true(is_healthy());
}

static void an_implausible_candle_is_told(void **state) {
  (void)state;
  init_market(CAPABILITY_CANDLES_1M);
  feed(0, 1000, -1);
  struct candle bad = minute(1000);
  bad.high = 99;
  market_on_candle(&market, &bad);
  feed(1001, MINUTES, -1);
  assert_false(is_healthy()); /* its minute is missing, and what was refused is told */
  assert_int_equal(reasons.items[0].code, REASON_data_gap);
  assert_int_equal(reasons.items[1].code, REASON_data_invalid);
  assert_int_equal(reasons.count, 2);
}

static void a_jump_beyond_20_atr_is_told(void **state) {
  (void)state;
  for (int size = 0; size < 2; size++) {
    init_market(CAPABILITY_CANDLES_1M);
    feed(0, MINUTES - 10, -1);
    for (int i = MINUTES - 10; i < MINUTES; i++) { /* ATR is 0.2 before: 20 ATR are 4 */
      double price = size == 0 ? 104 - 1e-6 : 104.01;
      struct candle candle = {start_ms + i * minute_ms, price, price + 0.1, price - 0.1, price, 10, 1000};
      market_on_candle(&market, &candle);
    }
    if (size == 0) {
      assert_true(is_healthy());
    } else {
      assert_int_equal(health_failure()->code, REASON_data_jump);
      assert_true(fabs(reasons.items[0].value - 20.05) < 1e-6);
    }
  }
}

static void book_spread_and_tape_are_part_of_health(void **state) {
  (void)state;
  give_book(98, 102);
  assert_true(is_healthy());
  view.spread_bps = 20;
  assert_true(is_healthy());
  view.spread_bps = 20.5;
  assert_int_equal(health_failure()->code, REASON_data_spread);
  fixture.preset.liquidity_filters.max_spread_bps = 15; /* the limit is max(2 * 15, 20) */
  assert_true(is_healthy());
  view.depth_5bps_ask = NAN;
  assert_int_equal(health_failure()->code, REASON_unavailable);
  assert_string_equal(reasons.items[0].detail, "book");
  view.depth_5bps_ask = 100;
  market.capabilities |= CAPABILITY_TRADES;
  view.trades_per_minute = 0.2;
  assert_true(is_healthy());
  view.trades_per_minute = 0;
  assert_int_equal(health_failure()->code, REASON_data_dead);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(the_table_is_in_the_order_of_the_names, begin),
      cmocka_unit_test_setup(a_calm_market_of_candles_passes_and_says_what_was_skipped, begin),
      cmocka_unit_test_setup(skipped_bits_follow_the_capabilities, begin),
      cmocka_unit_test_setup(each_filter_passes_at_its_bound_and_fails_beyond, begin),
      cmocka_unit_test_setup(all_are_evaluated_after_the_first_failure, begin),
      cmocka_unit_test_setup(what_is_not_known_says_why, begin),
      cmocka_unit_test_setup(the_reference_is_not_compared_with_itself, begin),
      cmocka_unit_test_setup(a_book_that_ends_inside_the_band_is_named, begin),
      cmocka_unit_test_setup(the_sets_of_filters, begin),
      cmocka_unit_test_setup(old_candles_are_stale, begin),
      cmocka_unit_test_setup(a_missing_minute_is_a_gap_for_150_candles, begin),
      cmocka_unit_test_setup(an_implausible_candle_is_told, begin),
      cmocka_unit_test_setup(a_jump_beyond_20_atr_is_told, begin),
      cmocka_unit_test_setup(book_spread_and_tape_are_part_of_health, begin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
