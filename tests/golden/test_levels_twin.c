/* The fold against its slow obvious twin, bit for bit at every candle: random markets with many ties, dead stretches and jumps, and recorded ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/source/csv.h"
#include "base/maths.h"
#include "base/random.h"
#include "core/analysis/indicators.h"
#include "core/analysis/level.h"
#include "support/level_ref.h"

enum { CANDLES_MAX = 9000, FIVE_MINUTES_MS = 300000, BREAKS_MAX = 100000 };

static struct candle candles[CANDLES_MAX];
static struct level_set set;
static struct level_events got, want;

static int same_double(double a, double b) {
  return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof(a)) == 0;
}

/* Name of the first field that differs, NULL when none. */
static const char *difference(const struct level *a, const struct level *b) {
#define SAME(field) \
  if (a->field != b->field) return #field
#define SAME_DOUBLE(field) \
  if (!same_double(a->field, b->field)) return #field
  SAME(level_id);
  SAME(level_type);
  SAME_DOUBLE(price);
  SAME(state);
  SAME(touch_count);
  SAME(sources);
  SAME(first_touch_at);
  SAME(last_touch_at);
  SAME(formed_at);
  SAME(broken_at);
  SAME(broken_side);
  SAME(retest_count);
  SAME(failed_at);
  SAME(expired_at);
  SAME(is_round_number);
  SAME_DOUBLE(round_bonus);
  SAME(cascade_count);
  SAME(has_cascade);
  SAME(approach_ok);
  SAME_DOUBLE(base_height);
  SAME_DOUBLE(strength);
#undef SAME
#undef SAME_DOUBLE
  return NULL;
}

static void expect_same_level(const char *market, int t, const struct level *a, const struct level *b) {
  const char *field = difference(a, b);
  if (field == NULL) return;
  fail_msg("%s candle %d: %s of level %" PRId64 " / %" PRId64 " differs (price %.17g / %.17g, strength %.17g / %.17g)", market, t, field, a->level_id,
           b->level_id, a->price, b->price, a->strength, b->strength);
}

static void expect_same_events(const char *market, int t) {
  if (got.count != want.count) fail_msg("%s candle %d: %d events, the twin has %d", market, t, got.count, want.count);
  for (int i = 0; i < got.count; i++) {
    expect_same_level(market, t, &got.items[i].level, &want.items[i].level);
    assert_int_equal(got.items[i].from, want.items[i].from);
    assert_int_equal(got.items[i].to, want.items[i].to);
    assert_int_equal(got.items[i].ts, want.items[i].ts);
    assert_string_equal(got.items[i].reason, want.items[i].reason);
  }
}

static void expect_same_levels(const char *market, int t, const struct level_ref *ref) {
  int next = 0;
  for (int i = 0; i < ref->count; i++) {
    const struct level_ref_item *item = &ref->items[i];
    if (item->shown.state == LEVEL_FAILED || item->shown.state == LEVEL_EXPIRED) continue;
    if (next == set.active_count) fail_msg("%s candle %d: level %" PRId64 " is missing", market, t, item->shown.level_id);
    expect_same_level(market, t, &set.active[next++], &item->shown);
  }
  if (next != set.active_count) fail_msg("%s candle %d: %d levels too many", market, t, set.active_count - next);
}

/* What happened over a run, so that a test can insist that it saw the whole life cycle. */
struct tally {
  int events[level_state_count + 1][level_state_count]; /* [from + 1][to] */
  int superseded, active_most;
};

static struct {
  int64_t level_id;
  int candle, side, failed_after;
  double price, atr, strength;
  int sources;
} breaks[BREAKS_MAX];
static int break_count;

static void note_events(int t, struct tally *tally) {
  for (int i = 0; i < want.count; i++) {
    const struct level_event *event = &want.items[i];
    tally->events[event->from + 1][event->to]++;
    tally->superseded += strcmp(event->reason, "superseded") == 0;
    if (event->to == LEVEL_BROKEN) {
      breaks[break_count].level_id = event->level.level_id;
      breaks[break_count].candle = t;
      breaks[break_count].side = event->level.broken_side;
      breaks[break_count].failed_after = INT32_MAX;
      breaks[break_count].price = event->level.price;
      breaks[break_count].atr = level_ref_atr(candles, t);
      breaks[break_count].strength = event->level.strength;
      breaks[break_count++].sources = event->level.sources;
    }
    for (int k = 0; event->to == LEVEL_FAILED && k < break_count; k++) {
      if (breaks[k].level_id == event->level.level_id) breaks[k].failed_after = t - breaks[k].candle;
    }
  }
  if (set.active_count > tally->active_most) tally->active_most = set.active_count;
}

/* The statistics once more, from the list of breaks and the candles after them. */
static void expect_same_statistics(int last) {
  static struct level_statistics_cell cells[LEVEL_SOURCE_SETS][LEVEL_DECILES];
  memset(cells, 0, sizeof(cells));
  for (int i = 0; i < break_count; i++) {
    int decile = breaks[i].strength >= 1 ? 9 : (int)floor(breaks[i].strength * 10);
    struct level_statistics_cell *cell = &cells[breaks[i].sources][decile];
    cell->broken++;
    if (breaks[i].failed_after <= 12) {
      cell->failed++;
      cell->judged++;
    } else if (last - breaks[i].candle > 12) {
      cell->judged++;
    }
    if (last - breaks[i].candle < 24) continue;
    double best = 0;
    for (int k = 1; k <= 24; k++) {
      const struct candle *c = &candles[breaks[i].candle + k];
      double away = breaks[i].side == LEVEL_SIDE_UP ? c->high - breaks[i].price : breaks[i].price - c->low;
      if (k == 1 || away > best) best = away;
    }
    cell->measured++;
    cell->excursion_atr_sum += best / breaks[i].atr;
  }
  for (int s = 1; s < LEVEL_SOURCE_SETS; s++) {
    for (int d = 0; d < LEVEL_DECILES; d++) {
      const struct level_statistics_cell *cell = level_statistics_of(&set, s, (d + 0.5) / 10);
      assert_int_equal(cell->broken, cells[s][d].broken);
      assert_int_equal(cell->judged, cells[s][d].judged);
      assert_int_equal(cell->failed, cells[s][d].failed);
      assert_int_equal(cell->measured, cells[s][d].measured);
      assert_true(fabs(cell->excursion_atr_sum - cells[s][d].excursion_atr_sum) <= 1e-9 * (1 + fabs(cell->excursion_atr_sum)));
    }
  }
}

/* The fold sees at most `memory` candles, as a series that keeps no more would give it. */
static void compare(const char *market, int count, int memory, const struct preset *preset, struct tally *tally) {
  struct level_ref ref;
  int64_t next_level_id = 1;
  level_ref_init(&ref);
  level_set_init(&set);
  break_count = 0;
  for (int t = 0; t < count; t++) {
    int given = t + 1 < memory ? t + 1 : memory;
    level_set_on_candle(&set, "REF", &candles[t + 1 - given], given, indicator_atr(&candles[t + 1 - given], given, LEVEL_ATR_LENGTH), preset,
                        &next_level_id, &got);
    level_ref_on_candle(&ref, candles, t, preset, &want);
    expect_same_events(market, t);
    expect_same_levels(market, t, &ref);
    note_events(t, tally);
  }
  expect_same_statistics(count - 1);
  level_ref_deinit(&ref);
}

static void expect_whole_life(const struct tally *tally) {
  for (int i = 0; i < level_fsm.row_count; i++) {
    const struct fsm_row *row = &level_fsm.rows[i];
    if (row->trigger == LEVEL_ON_LEVEL_OLD) continue; /* nearer levels end them first; the life-cycle test has them */
    assert_true(tally->events[row->from + 1][row->to] > 0);
  }
  assert_true(tally->superseded > 0);
}

/* --- random markets ------------------------------------------------------------------------------------------------- */

static double to_tick(double price, double tick) {
  return floor(price / tick + 0.5) * tick;
}

/* A walk with changing volatility on a tick grid: a coarse grid makes equal highs, lows and closes; dead stretches and jumps come now and then. */
static void random_market(struct random *random, int count) {
  static const double ticks[] = {0.01, 0.1, 0.5, 1e-7};
  double tick = ticks[random_below(random, 4)];
  double price = tick < 1e-6 ? 0.00123 : 100 + 100 * random_unit(random);
  double drift = 0;
  double step = 0.003;
  int dead = 0;
  for (int t = 0; t < count; t++) {
    struct candle *c = &candles[t];
    if (random_below(random, 100) == 0) step = 0.0005 + 0.008 * random_unit(random);
    if (random_below(random, 60) == 0) drift = 0.001 * random_normal(random);
    if (random_below(random, 700) == 0) dead = (int)random_below(random, 250);
    dead -= dead > 0;
    double move = dead > 0 ? 0 : drift + step * random_normal(random);
    if (random_below(random, 900) == 0) move += 0.05 * random_normal(random);
    double next = price * maths_exp(move);
    double wick = dead > 0 ? 0 : step * price;
    c->open_ts = INT64_C(1700000100000) + (int64_t)t * FIVE_MINUTES_MS;
    c->open = to_tick(price, tick);
    c->close = to_tick(next, tick);
    c->high = to_tick((next > price ? next : price) + wick * random_unit(random), tick);
    c->low = to_tick((next > price ? price : next) - wick * random_unit(random), tick);
    c->volume = dead > 0 ? 0 : floor(1 + 40 * maths_exp(random_normal(random)));
    c->turnover = c->volume * c->close;
    price = next;
  }
}

static void random_rules(struct random *random, struct preset *preset) {
  preset_init(preset);
  preset->signal_config.momentum_epsilon = 0.0002 + 0.003 * random_unit(random);
  preset->levels_rules.min_touches = 1 + (int32_t)random_below(random, 4);
  preset->levels_rules.prefer_round_numbers = random_below(random, 4) != 0;
  preset->levels_rules.cascade_min_levels = 2 + (int32_t)random_below(random, 3);
  preset->levels_rules.cascade_radius_bps = 5 + 200 * random_unit(random);
  preset->levels_rules.approach_slope_max_pct_per_bar = 0.02 + 0.2 * random_unit(random);
  preset->levels_rules.prebreakout_consolidation_min_bars = 1 + (int32_t)random_below(random, 50);
}

static void test_random_markets(void **state) {
  (void)state;
  struct tally tally = {0};
  for (uint64_t seed = 1; seed <= 40; seed++) {
    struct random random;
    struct preset preset;
    char name[32];
    random_init(&random, seed);
    random_market(&random, 800);
    random_rules(&random, &preset);
    snprintf(name, sizeof(name), "seed %" PRIu64, seed);
    compare(name, 800, seed % 2 == 0 ? 200 : 900, &preset, &tally);
  }
  expect_whole_life(&tally);
}

/* --- recorded markets ------------------------------------------------------------------------------------------------ */

static const char recordings[] = "recordings/binance-usdm-2025-05/";

/* Five 1m candles a 5m candle; false when there is no such recording. */
static bool read_recording(const char *symbol, int *count) {
  char path[128];
  struct input *input = NULL;
  struct csv_result result;
  static struct problem problem;
  problem_clear(&problem);
  snprintf(path, sizeof(path), "%s%s-1m.csv.zst", recordings, symbol);
  if (input_open(&input, path, &problem) != STATUS_OK) return false;
  assert_int_equal(csv_read(&result, input, SERIES_CANDLES, 60000, &problem), STATUS_OK);
  input_close(input);
  const struct candle *minutes = result.series.rows;
  *count = 0;
  for (size_t i = 0; i + 5 <= result.series.count && *count < CANDLES_MAX;) {
    if (minutes[i].open_ts % FIVE_MINUTES_MS != 0) {
      i++;
      continue;
    }
    struct candle *c = &candles[(*count)++];
    *c = minutes[i];
    for (size_t k = 1; k < 5; k++) {
      c->high = fmax(c->high, minutes[i + k].high);
      c->low = fmin(c->low, minutes[i + k].low);
      c->volume += minutes[i + k].volume;
      c->turnover += minutes[i + k].turnover;
    }
    c->close = minutes[i + 4].close;
    i += 5;
  }
  series_deinit(&result.series);
  return true;
}

static void test_recorded_markets(void **state) {
  (void)state;
  static const char *const symbols[] = {"BTCUSDT", "SOLUSDT", "LAYERUSDT", "XRPUSDT", "ENAUSDT"};
  struct preset preset;
  struct tally tally = {0};
  preset_init(&preset);
  preset.signal_config.momentum_epsilon = 0.0005;
  for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
    int count = 0;
    if (!read_recording(symbols[i], &count)) skip();
    assert_true(count > 8000);
    compare(symbols[i], getenv("BREAKOUT_TEST_LONG") != NULL ? count : 1500, 200, &preset, &tally);
  }
  expect_whole_life(&tally);
}

/* Folding again from the first candle, or with more memory, changes nothing: same bits in every shown and working value. */
static void test_any_memory_gives_the_same(void **state) {
  (void)state;
  static struct level_set other;
  struct random random;
  struct preset preset;
  random_init(&random, 77);
  random_market(&random, 1200);
  random_rules(&random, &preset);
  int64_t ids[2] = {1, 1};
  level_set_init(&set);
  level_set_init(&other);
  for (int t = 0; t < 1200; t++) {
    int given = t + 1 < 200 ? t + 1 : 200;
    level_set_on_candle(&set, "REF", candles, t + 1, indicator_atr(candles, t + 1, LEVEL_ATR_LENGTH), &preset, &ids[0], &got);
    level_set_on_candle(&other, "REF", &candles[t + 1 - given], given, indicator_atr(&candles[t + 1 - given], given, LEVEL_ATR_LENGTH), &preset,
                        &ids[1], &want);
    /* A kept window that does not continue is made anew. */
    if (t % 50 == 0) memset(&other.window, 0, sizeof(other.window));
  }
  assert_int_equal(set.active_count, other.active_count);
  assert_true(set.active_count > 0);
  for (int i = 0; i < set.active_count; i++) expect_same_level("memory", 1199, &set.active[i], &other.active[i]);
  assert_memory_equal(&set.statistics, &other.statistics, sizeof(set.statistics));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random_markets),
      cmocka_unit_test(test_recorded_markets),
      cmocka_unit_test(test_any_memory_gives_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
