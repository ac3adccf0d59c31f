/* Signals: each condition of momentum and retest at its bound, order of tries, entries, stops; the channel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/decimal.h"
#include "base/random.h"
#include "core/analysis/indicators.h"
#include "core/strategy/breakout.h"
#include "support/strategy_fixture.h"

static struct fixture fixture;
static struct signal signal;
static struct reason_list reasons;

static int64_t dec(double value) {
  return decimal_from_double(value);
}

static enum breakout_result evaluate(void) {
  reasons.count = 0;
  return breakout_evaluate(&fixture.setup, &signal, &reasons);
}

static void assert_signals(void) {
  enum breakout_result result = evaluate();
  if (result != BREAKOUT_SIGNAL && reason_first_failed(&reasons) != NULL) print_error("%s\n", reason_code_names[reason_first_failed(&reasons)->code]);
  assert_int_equal(result, BREAKOUT_SIGNAL);
  assert_null(reason_first_failed(&reasons));
}

static void assert_refused(enum reason_code code) {
  assert_int_equal(evaluate(), BREAKOUT_REFUSED);
  const struct reason *failed = reason_first_failed(&reasons);
  assert_non_null(failed);
  assert_string_equal(reason_code_names[failed->code], reason_code_names[code]);
  for (int32_t i = 0; i < reasons.count; i++) assert_true(reasons.items[i].passed || &reasons.items[i] == failed);
}

/* Candle t breaks the level at 100 upwards: 100 -> 102, twice the volume, a body of 2 in a range of 2.5. */
static int begin(void **state) {
  (void)state;
  fixture_init(&fixture);
  struct candle *candle = fixture_bar(&fixture, 0);
  candle->close = 102;
  candle->high = 102.25;
  candle->low = 99.75;
  candle->volume = 200;
  fixture.view.price = 102;
  fixture_add_broken(&fixture, 100, true, 0);
  return 0;
}

/* The same market upside down around 100. */
static void mirror(void) {
  for (int32_t i = 0; i < FIXTURE_CANDLES; i++) {
    struct candle *candle = &fixture.candles[i];
    double high = candle->high;
    candle->open = 200 - candle->open;
    candle->close = 200 - candle->close;
    candle->high = 200 - candle->low;
    candle->low = 200 - high;
  }
  fixture.view.price = 200 - fixture.view.price;
  fixture.levels.active_count = 0;
}

static void a_momentum_signal_to_the_digit(void **state) {
  (void)state;
  fixture.setup.score = 0;
  assert_signals();
  assert_int_equal(signal.strategy, STRATEGY_MOMENTUM);
  assert_int_equal(signal.side, SIDE_LONG);
  assert_string_equal(signal.symbol, "ABC/USDT:USDT");
  assert_true(signal.reference_price == 102);
  assert_int_equal(signal.entry, dec(100.3)); /* the cap of 30 bps above the level is below 102 * 1.0002 */
  assert_int_equal(signal.stop, dec(99.5));   /* max(lowest low 99.5, 100.3 - 1.2) */
  assert_int_equal(signal.r_distance, dec(0.8));
  /* A = 0.5, volume ratio 2, body 0.8 of 0.8: (0.2 + 0.12 + 0.2) / 0.9, no book */
  assert_true(fabs(signal.confidence - 0.52 / 0.9) < 1e-12);
  assert_int_equal(signal.created_at, fixture.setup.ts);
  assert_int_equal(signal.expires_at, fixture.setup.ts + 15 * 60000);
  assert_int_equal(signal.level_id, 1);
}

static void a_short_is_the_mirror_of_a_long(void **state) {
  (void)state;
  mirror();
  fixture_add_broken(&fixture, 100, false, 0);
  assert_signals();
  assert_int_equal(signal.side, SIDE_SHORT);
  assert_int_equal(signal.entry, dec(99.7));
  assert_int_equal(signal.stop, dec(100.5));
  assert_true(reasons.items[0].code == REASON_price_breakout && reasons.items[0].comparator == COMPARATOR_LT);
}

static void every_momentum_condition_at_its_bound(void **state) {
  (void)state;
  struct candle *candle = fixture_bar(&fixture, 0);
  candle->volume = 199;
  assert_refused(REASON_volume_surge);
  candle->volume = 200;
  candle->high = 103.75; /* body 2 of 4 */
  assert_signals();
  candle->high = 103.7501;
  assert_refused(REASON_body_ratio);
  candle->high = 102.25;
  fixture.view.vwap_20 = 99; /* 3 ATR away */
  assert_signals();
  fixture.view.vwap_20 = 98.9999;
  assert_refused(REASON_vwap_gap);
  fixture.view.vwap_20 = NAN;
  assert_refused(REASON_unavailable);
  fixture.view.vwap_20 = 100;
  fixture.preset.signal_config.vwap_gap_max_atr = 50;
  fixture.levels.active[0].price = 102 / 1.001; /* the break is a close beyond, not at, L (1 + epsilon) */
  assert_refused(REASON_price_breakout);
}

static void the_book_must_lean_with_the_signal(void **state) {
  (void)state;
  assert_signals();
  assert_true(fixture_reason(&reasons, REASON_l2_imbalance)->skipped);
  fixture.market.capabilities |= CAPABILITY_BOOK;
  assert_refused(REASON_unavailable);
  fixture.view.imbalance = 0.2;
  fixture.setup.score = 0;
  assert_signals();
  assert_true(fabs(signal.confidence - (0.52 + 0.1 * 0.4)) < 1e-12);
  fixture.view.imbalance = 0.1999;
  assert_refused(REASON_l2_imbalance);
  mirror();
  fixture_add_broken(&fixture, 100, false, 0);
  assert_refused(REASON_l2_imbalance);
  fixture.view.imbalance = -0.2;
  assert_signals();
}

static void a_flat_candle_has_no_body(void **state) {
  (void)state;
  *fixture_bar(&fixture, 0) = (struct candle){fixture_bar(&fixture, 0)->open_ts, 102, 102, 102, 102, 200, 20400};
  assert_refused(REASON_body_ratio);
  assert_true(fixture_reason(&reasons, REASON_body_ratio)->value == 0);
}

static void nothing_broken_is_no_trigger(void **state) {
  (void)state;
  fixture.levels.active[0].state = LEVEL_TESTED;
  assert_int_equal(evaluate(), BREAKOUT_NO_TRIGGER);
  assert_int_equal(reasons.items[0].code, REASON_no_trigger);
  fixture.setup.levels = NULL;
  assert_int_equal(evaluate(), BREAKOUT_NO_TRIGGER);
}

static void late_breaks_count_unless_clean_ones_are_required(void **state) {
  (void)state;
  fixture.levels.active[0].broken_at = fixture_close_ts(&fixture, 1);
  assert_int_equal(evaluate(), BREAKOUT_NO_TRIGGER);
  fixture.preset.signal_config.entry_rules.require_clean_breakout = false;
  assert_signals();
  fixture.levels.active[0].broken_at = fixture_close_ts(&fixture, 2);
  assert_signals();
  fixture.levels.active[0].broken_at = fixture_close_ts(&fixture, 3);
  assert_int_equal(evaluate(), BREAKOUT_NO_TRIGGER);
}

static void used_levels_and_forbidden_sides_are_refused(void **state) {
  (void)state;
  fixture.levels.active[0].momentum_used = true;
  assert_refused(REASON_signal_used);
  fixture.levels.active[0].momentum_used = false;
  fixture.preset.signal_config.allowed_sides = ALLOWED_SIDES_SHORT;
  assert_refused(REASON_side_not_allowed);
  assert_string_equal(reason_first_failed(&reasons)->detail, "short");
  fixture.preset.signal_config.allowed_sides = ALLOWED_SIDES_LONG;
  assert_signals();
}

static void the_strongest_level_is_tried_first(void **state) {
  (void)state;
  fixture_add_broken(&fixture, 100.5, true, 0)->strength = 0.4;
  fixture_add_broken(&fixture, 99.9, true, 0)->strength = 0.6;
  assert_signals();
  assert_int_equal(signal.level_id, 3);
  for (int i = 0; i < 3; i++) fixture.levels.active[i].strength = 0.5; /* equal: the nearest to the close of 102 */
  assert_signals();
  assert_int_equal(signal.level_id, 2);
  for (int i = 0; i < 3; i++) fixture.levels.active[i].price = 100.5; /* equal: the oldest */
  fixture.levels.active[2].formed_at = -1;
  assert_signals();
  assert_int_equal(signal.level_id, 3);
  fixture.levels.active[2].momentum_used = true; /* cannot: the next one makes the signal */
  assert_signals();
  assert_int_equal(signal.level_id, 1);
}

static void the_nearest_miss_is_told(void **state) {
  (void)state;
  fixture.levels.active[0].momentum_used = true;
  fixture_bar(&fixture, 0)->volume = 100;
  fixture.view.vwap_20 = 90;
  assert_int_equal(evaluate(), BREAKOUT_REFUSED);
  assert_int_equal(reason_first_failed(&reasons)->code, REASON_signal_used);
  fixture_add_broken(&fixture, 99, true, 0)->strength = 0.1;
  assert_int_equal(evaluate(), BREAKOUT_REFUSED); /* the weaker level failed two tests instead of three */
  assert_int_equal(reason_first_failed(&reasons)->code, REASON_volume_surge);
}

static void a_stop_too_close_is_refused_and_nothing_else_tried(void **state) {
  (void)state;
  fixture.preset.position_config.sl_r = 0.1254; /* 0.8 * 0.1254 = 0.10032: a stop at 100.19, 0.11 away */
  assert_signals();
  fixture.preset.position_config.sl_r = 0.1249; /* 0.09992: a stop at 100.20, 0.10 away; 0.001 * 100.3 needs 0.1003 */
  fixture_add_broken(&fixture, 99.9, true, 0)->strength = 0.1;
  assert_refused(REASON_stop_too_close);
  assert_true(fixture_reason(&reasons, REASON_stop_too_close)->value == 0.1);
  assert_true(fixture_reason(&reasons, REASON_stop_too_close)->threshold == 0.1003);
  fixture.preset.position_config.sl_r = 1;
  fixture.market.capabilities |= CAPABILITY_TICKER;
  fixture.view.bid = 101.74; /* 3 * 0.26 = 0.78 */
  fixture.view.ask = 102;
  fixture.view.spread_bps = 1;
  assert_signals();
  fixture.view.bid = 101.73; /* 0.81 against 0.80 */
  assert_refused(REASON_stop_too_close);
  fixture.view.bid = 101.99;
  fixture.market.instrument.tick_size = dec(0.5); /* entry 100, stop 99.5: two ticks are 1 */
  assert_refused(REASON_stop_too_close);
}

static void the_stop_may_lie_exactly_at_its_least_distance(void **state) {
  (void)state;
  fixture.market.instrument.tick_size = dec(0.0001);
  fixture.preset.position_config.sl_r = 0.125375; /* 0.8 * 0.125375 = 0.1003 = 0.001 * 100.3 */
  assert_signals();
  assert_int_equal(signal.r_distance, dec(0.1003));
  fixture.preset.position_config.sl_r = 0.12525; /* 0.1002 */
  assert_refused(REASON_stop_too_close);
  fixture.preset.position_config.sl_r = 0.125375;
  fixture.view.ask = 102; /* one side alone says nothing about the spread */
  assert_int_equal(evaluate(), BREAKOUT_SIGNAL);
}

static void twenty_candles_are_enough_for_the_volumes(void **state) {
  (void)state;
  fixture.setup.candles = fixture_bar(&fixture, 19);
  fixture.setup.count = 20;
  assert_signals();
  fixture.setup.count = 19;
  fixture.setup.candles++;
  assert_refused(REASON_unavailable);
}

static void the_entry_price_of_each_case(void **state) {
  (void)state;
  struct preset *preset = &fixture.preset;
  const struct instrument *instrument = &fixture.market.instrument;
  bool is_passive;
  /* Default: 2 bps across the opposite best; buys down, sells up to the tick. */
  assert_int_equal(breakout_entry_price(preset, instrument, SIDE_LONG, 99.99, 100.01, 100, 2, NAN, &is_passive), dec(100.03));
  assert_false(is_passive);
  assert_int_equal(breakout_entry_price(preset, instrument, SIDE_SHORT, 99.99, 100.01, 100, 2, NAN, &is_passive), dec(99.98));
  assert_int_equal(breakout_entry_price(preset, instrument, SIDE_LONG, NAN, NAN, 100, NAN, NAN, &is_passive), dec(100.02));
  assert_false(is_passive);
  /* A wide spread turns passive: own best, standing back. */
  assert_int_equal(breakout_entry_price(preset, instrument, SIDE_LONG, 99, 100, 99.5, 12, NAN, &is_passive), dec(100.02));
  assert_false(is_passive);
  assert_int_equal(breakout_entry_price(preset, instrument, SIDE_LONG, 99, 100, 99.5, 12.01, NAN, &is_passive), dec(98.98));
  assert_true(is_passive);
  preset->execution_config.post_only = true;
  assert_int_equal(breakout_entry_price(preset, instrument, SIDE_SHORT, 99.99, 100.01, 100, 2, NAN, &is_passive), dec(100.04));
  assert_true(is_passive);
  preset->execution_config.post_only = false;
  /* Capped at 30 bps from a level. */
  assert_int_equal(breakout_entry_price(preset, instrument, SIDE_LONG, 99.99, 100.01, 100, 2, 99.7, &is_passive), dec(99.99));
  assert_int_equal(breakout_entry_price(preset, instrument, SIDE_SHORT, 99.99, 100.01, 100, 2, 100.3, &is_passive), dec(100.0));
}

/* --- retest --- */

/* The level at 100 broke 20 candles (100 min) ago, price went to 102 and candle t comes back to 100.2. */
static int begin_retest(void **state) {
  (void)state;
  fixture_init(&fixture);
  fixture.preset.strategy_priority = STRATEGY_PRIORITY_RETEST;
  struct level *level = fixture_add_broken(&fixture, 100, true, 20);
  level->best_since_break = level->best_before = 102;
  struct candle *candle = fixture_bar(&fixture, 0);
  candle->open = 100.6;
  candle->high = 100.7;
  candle->low = 99.9;
  candle->close = 100.2;
  fixture.view.price = 100.2;
  return 0;
}

static void a_retest_signal_to_the_digit(void **state) {
  (void)state;
  fixture.setup.score = 2;
  assert_signals();
  assert_int_equal(signal.strategy, STRATEGY_RETEST);
  assert_int_equal(signal.entry, dec(100.1)); /* min(100 * 1.001, 100.2 * 0.9998 = 100.17996) */
  assert_int_equal(signal.stop, dec(99));     /* 100 - 1 ATR */
  /* 0.3 * 1 + 0.24 + 0.2 * (1 - (100 min / 60) / 24) + 0.1 * 5 / 5 + 0.1 * 1 */
  assert_true(fabs(signal.confidence - (0.3 + 0.24 + 0.2 * (1 - 100.0 / 60 / 24) + 0.1 + 0.1)) < 1e-12);
  fixture.view.price = 100.05;
  assert_signals();
  assert_int_equal(signal.entry, dec(100.02)); /* 100.05 * 0.9998 = 100.02999, below the level's price */
  fixture.preset.position_config.sl_r = 1.5;
  assert_signals();
  assert_int_equal(signal.stop, dec(98.49));
}

static void a_retest_of_a_support_is_the_mirror(void **state) {
  (void)state;
  mirror();
  struct level *level = fixture_add_broken(&fixture, 100, false, 20);
  level->best_since_break = level->best_before = 98;
  assert_signals();
  assert_int_equal(signal.side, SIDE_SHORT);
  assert_int_equal(signal.entry, dec(99.9));
  assert_int_equal(signal.stop, dec(101));
}

static void the_fold_of_the_candle_itself_changes_nothing(void **state) {
  (void)state;
  struct level *level = &fixture.levels.active[0];
  level->state = LEVEL_RETESTED;
  level->retest_count = 1;
  level->last_return_ts = level->best_ts = fixture_bar(&fixture, 0)->open_ts;
  assert_signals();
  level->best_before = 101.4; /* only candle t itself reached 1.5 ATR: it cannot have come back from there */
  assert_int_equal(evaluate(), BREAKOUT_NO_TRIGGER);
}

static void a_return_needs_to_have_left(void **state) {
  (void)state;
  struct level *level = &fixture.levels.active[0];
  struct candle *candle = fixture_bar(&fixture, 0);
  level->best_since_break = 101.5;
  assert_signals();
  level->best_since_break = 101.4999;
  assert_int_equal(evaluate(), BREAKOUT_NO_TRIGGER);
  level->best_since_break = 102;
  candle->low = 100.5;
  candle->close = candle->high = 100.5; /* distance 0.005 exactly */
  assert_signals();
  candle->low = 100.51;
  candle->close = candle->high = 100.51;
  assert_int_equal(evaluate(), BREAKOUT_NO_TRIGGER);
  candle->low = 100.5;
  assert_refused(REASON_level_retest);
  candle->low = 99.9;
  candle->close = 99.99;
  assert_int_equal(evaluate(), BREAKOUT_NO_TRIGGER);
}

static void every_retest_condition_at_its_bound(void **state) {
  (void)state;
  struct level *level = &fixture.levels.active[0];
  struct candle *candle = fixture_bar(&fixture, 0);
  level->broken_at = fixture_close_ts(&fixture, 12); /* 1 h */
  assert_signals();
  level->broken_at = fixture_close_ts(&fixture, 11);
  assert_refused(REASON_previous_breakout);
  level->broken_at = fixture_close_ts(&fixture, 288); /* 24 h */
  assert_signals();
  level->broken_at = fixture_close_ts(&fixture, 289);
  assert_refused(REASON_previous_breakout);
  level->broken_at = fixture_close_ts(&fixture, 20);
  candle->low = 99.5; /* 0.5 ATR */
  assert_signals();
  candle->low = 99.4999;
  assert_refused(REASON_pierce_tolerance);
  candle->low = 99.9;
  for (int32_t ago = 0; ago < 5; ago++) fixture_bar(&fixture, ago)->volume = 80;
  assert_signals();
  candle->volume = 79;
  assert_refused(REASON_trading_activity);
  candle->volume = 80;
  level->retest_used = true;
  assert_refused(REASON_signal_used);
  level->retest_used = false;
  fixture.market.capabilities |= (uint32_t)CAPABILITY_TRADES | (uint32_t)CAPABILITY_BOOK;
  fixture.view.imbalance = 0.2;
  fixture.view.trades_per_minute_1h = 100;
  fixture.view.trades_per_minute_60s = 70;
  assert_signals();
  fixture.view.trades_per_minute_60s = 69;
  assert_refused(REASON_tpm_on_touch);
  fixture.view.trades_per_minute_60s = 70;
  fixture.view.imbalance = 0.19;
  assert_refused(REASON_l2_imbalance);
}

static void twenty_candles_are_enough_for_the_activity(void **state) {
  (void)state;
  fixture.setup.candles = fixture_bar(&fixture, 19);
  fixture.setup.count = 20;
  for (int32_t ago = 5; ago < 20; ago++) fixture_bar(&fixture, ago)->volume = 125;
  assert_signals(); /* 100 over 125 */
  fixture.setup.count = 19;
  fixture.setup.candles++;
  assert_refused(REASON_unavailable);
}

static void the_priority_decides_who_is_first(void **state) {
  (void)state;
  /* A second level breaks on the candle that returns to the first one. */
  fixture_add_broken(&fixture, 100.01, true, 0)->strength = 0.9;
  fixture.preset.signal_config.momentum_volume_multiplier = 1;
  fixture.preset.signal_config.momentum_body_ratio_min = 0;
  struct candle *candle = fixture_bar(&fixture, 0);
  candle->open = 99.95;
  const struct {
    int32_t priority;
    enum strategy strategy;
  } cases[] = {{STRATEGY_PRIORITY_MOMENTUM, STRATEGY_MOMENTUM},
               {STRATEGY_PRIORITY_RETEST, STRATEGY_RETEST},
               {STRATEGY_PRIORITY_BREAKOUT_MOMENTUM, STRATEGY_MOMENTUM},
               {STRATEGY_PRIORITY_BREAKOUT_RETEST, STRATEGY_RETEST}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fixture.preset.strategy_priority = cases[i].priority;
    assert_signals();
    assert_int_equal(signal.strategy, cases[i].strategy);
  }
  fixture.levels.active[1].momentum_used = true;
  fixture.preset.strategy_priority = STRATEGY_PRIORITY_BREAKOUT_MOMENTUM;
  assert_signals();
  assert_int_equal(signal.strategy, STRATEGY_RETEST); /* the second strategy has its turn */
  fixture.preset.strategy_priority = STRATEGY_PRIORITY_MOMENTUM;
  assert_refused(REASON_signal_used);
}

/* --- on folded levels --- */

static void random_walk(struct candle *candles, int32_t count, struct random *random) {
  double price = 100;
  for (int32_t i = 0; i < count; i++) {
    double open = price;
    price += 0.25 * random_normal(random) + 0.02 * (100 - price);
    double top = open > price ? open : price;
    double bottom = open < price ? open : price;
    double volume = 100 + 300 * random_unit(random);
    candles[i] = (struct candle){INT64_C(1746057600000) + i * INT64_C(300000), open, top + 0.1, bottom - 0.1, price, volume, volume * price};
  }
}

/* A trigger is there exactly when the fold says that a level broke on the candle, or when the candle returns to one. */
static bool is_triggered(const struct level_events *events, const struct candle *candle, double atr) {
  for (int32_t i = 0; i < events->count; i++) {
    if (events->items[i].to == LEVEL_BROKEN && events->items[i].from != LEVEL_BROKEN) return true;
  }
  for (int32_t i = 0; i < fixture.levels.active_count; i++) {
    if (level_is_returned_by(&fixture.levels.active[i], candle, atr)) return true;
  }
  return false;
}

static void triggers_agree_with_the_fold(void **state) {
  enum { MANY = 3000 };
  static struct candle candles[MANY];
  static struct level_events events;
  struct random random;
  int64_t next_level_id = 1;
  int32_t counts[3] = {0};
  int32_t by_strategy[strategy_count] = {0};
  (void)state;
  fixture_init(&fixture);
  fixture.preset.signal_config.momentum_volume_multiplier = 0.5;
  fixture.preset.signal_config.momentum_body_ratio_min = 0.2;
  random_init(&random, 11);
  random_walk(candles, MANY, &random);
  for (int32_t i = 0; i < MANY; i++) {
    int32_t first = i >= 199 ? i - 199 : 0;
    level_set_on_candle(&fixture.levels, "ABC/USDT:USDT", candles + first, i - first + 1,
                        indicator_atr(candles + first, i - first + 1, LEVEL_ATR_LENGTH), &fixture.preset, &next_level_id, &events);
    if (i < 60) continue;
    fixture.view.atr_5m = indicator_atr(candles + first, i - first + 1, 14);
    fixture.view.vwap_20 = indicator_vwap(candles + first, i - first + 1, 20);
    fixture.view.price = candles[i].close;
    fixture.setup.candles = candles + first;
    fixture.setup.count = i - first + 1;
    fixture.setup.ts = candles[i].open_ts + 300000;
    enum breakout_result result = evaluate();
    assert_int_equal(result != BREAKOUT_NO_TRIGGER, is_triggered(&events, &candles[i], fixture.view.atr_5m));
    counts[result]++;
    if (result != BREAKOUT_SIGNAL) continue;
    by_strategy[signal.strategy]++;
    int64_t sign = signal.side == SIDE_LONG ? 1 : -1;
    assert_true(sign * (signal.entry - signal.stop) == signal.r_distance && signal.r_distance > 0);
    assert_true(signal.entry % fixture.market.instrument.tick_size == 0 && signal.stop % fixture.market.instrument.tick_size == 0);
    assert_true(signal.confidence >= 0.1 && signal.confidence <= 1);
  }
  assert_true(counts[BREAKOUT_REFUSED] > 0 && by_strategy[STRATEGY_MOMENTUM] > 0 && by_strategy[STRATEGY_RETEST] > 0);
}

/* --- channel --- */

static int64_t target;

static enum breakout_result channel(int32_t count) {
  reasons.count = 0;
  return breakout_channel(&fixture.preset, &fixture.market, fixture.candles + FIXTURE_CANDLES - count, count, &signal, &target, &reasons);
}

static void the_channel_by_hand(void **state) {
  (void)state;
  fixture_init(&fixture);
  struct candle *candle = fixture_bar(&fixture, 0);
  assert_int_equal(channel(21), BREAKOUT_NO_TRIGGER);
  candle->high = 103;
  candle->close = 100.5; /* at the edge: not beyond */
  assert_int_equal(channel(21), BREAKOUT_NO_TRIGGER);
  candle->close = 102;
  /* ATR(14) over 21 candles: the first 14 ranges are 1, six more of 1 and the last of 3.5: (13 + 3.5) / 14 */
  double atr = (13 + 3.5) / 14;
  assert_int_equal(channel(21), BREAKOUT_SIGNAL);
  assert_int_equal(signal.side, SIDE_LONG);
  assert_true(fabs(signal.atr - atr) < 1e-12);
  assert_int_equal(signal.entry, dec(102));
  assert_int_equal(signal.stop, dec(99.64)); /* 102 - 2 * 1.178571 = 99.642857 */
  assert_int_equal(target, dec(106.71));     /* 102 + 4 * 1.178571 = 106.714286 */
  assert_int_equal(signal.expires_at, fixture.setup.ts + 15 * 60000);
  mirror();
  assert_int_equal(channel(21), BREAKOUT_SIGNAL);
  assert_int_equal(signal.side, SIDE_SHORT);
  assert_int_equal(signal.entry, dec(98));
  assert_int_equal(signal.stop, dec(100.36));
  assert_int_equal(target, dec(93.29));
  fixture.preset.signal_config.allowed_sides = ALLOWED_SIDES_LONG;
  assert_int_equal(channel(21), BREAKOUT_REFUSED);
  assert_int_equal(reason_first_failed(&reasons)->code, REASON_side_not_allowed);
  assert_int_equal(channel(20), BREAKOUT_NO_TRIGGER);
  assert_int_equal(reasons.items[0].code, REASON_not_ready);
}

static void the_channel_with_quotes_enters_like_momentum(void **state) {
  (void)state;
  fixture_init(&fixture);
  struct candle *candle = fixture_bar(&fixture, 0);
  candle->high = candle->close = 102;
  fixture.market.capabilities |= CAPABILITY_TICKER;
  fixture.market.ticker = (struct ticker){.ts = fixture.setup.ts, .last = 102, .bid = 101.99, .ask = 102.01, .mark = NAN, .index = NAN};
  assert_int_equal(channel(21), BREAKOUT_SIGNAL);
  assert_true(signal.reference_price == 102.01);
  assert_int_equal(signal.entry, dec(102.03));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_momentum_signal_to_the_digit, begin),
      cmocka_unit_test_setup(a_short_is_the_mirror_of_a_long, begin),
      cmocka_unit_test_setup(every_momentum_condition_at_its_bound, begin),
      cmocka_unit_test_setup(the_book_must_lean_with_the_signal, begin),
      cmocka_unit_test_setup(a_flat_candle_has_no_body, begin),
      cmocka_unit_test_setup(nothing_broken_is_no_trigger, begin),
      cmocka_unit_test_setup(late_breaks_count_unless_clean_ones_are_required, begin),
      cmocka_unit_test_setup(used_levels_and_forbidden_sides_are_refused, begin),
      cmocka_unit_test_setup(the_strongest_level_is_tried_first, begin),
      cmocka_unit_test_setup(the_nearest_miss_is_told, begin),
      cmocka_unit_test_setup(a_stop_too_close_is_refused_and_nothing_else_tried, begin),
      cmocka_unit_test_setup(the_stop_may_lie_exactly_at_its_least_distance, begin),
      cmocka_unit_test_setup(twenty_candles_are_enough_for_the_volumes, begin),
      cmocka_unit_test_setup(the_entry_price_of_each_case, begin),
      cmocka_unit_test_setup(a_retest_signal_to_the_digit, begin_retest),
      cmocka_unit_test_setup(a_retest_of_a_support_is_the_mirror, begin_retest),
      cmocka_unit_test_setup(the_fold_of_the_candle_itself_changes_nothing, begin_retest),
      cmocka_unit_test_setup(a_return_needs_to_have_left, begin_retest),
      cmocka_unit_test_setup(every_retest_condition_at_its_bound, begin_retest),
      cmocka_unit_test_setup(twenty_candles_are_enough_for_the_activity, begin_retest),
      cmocka_unit_test_setup(the_priority_decides_who_is_first, begin_retest),
      cmocka_unit_test(triggers_agree_with_the_fold),
      cmocka_unit_test(the_channel_by_hand),
      cmocka_unit_test(the_channel_with_quotes_enters_like_momentum),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
