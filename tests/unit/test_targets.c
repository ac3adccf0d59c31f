#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "core/trade/targets.h"
#include "support/trade_fixture.h"

static const int64_t start = INT64_C(1704067200000);

struct setting {
  struct preset preset;
  struct instrument instrument;
  struct level_set levels;
  struct density density;
  struct placement_input input;
  struct reason_list reasons;
};

static void add_rung(struct preset *preset, const char *name, double reward, double size, enum placement_mode mode) {
  struct tp_level *rung = &preset->position_config.tp_levels[preset->position_config.tp_level_count++];
  preset_init_target(rung);
  text_copy(rung->level_name, sizeof rung->level_name, name);
  rung->reward_multiple = reward;
  rung->size_pct = size;
  rung->placement_mode = (int32_t)mode;
}

static struct setting *begin(const char *tick, const char *lot) {
  static struct setting setting;
  memset(&setting, 0, sizeof setting);
  preset_init(&setting.preset);
  setting.instrument = trade_instrument(tick, lot);
  setting.input =
      (struct placement_input){.preset = &setting.preset, .instrument = &setting.instrument, .levels = &setting.levels, .density = &setting.density};
  return &setting;
}

static void add_level(struct setting *setting, int64_t id, double price) {
  struct level *level = &setting->levels.active[setting->levels.active_count++];
  *level = (struct level){.level_id = id, .price = price, .is_active = true};
}

static void add_wall(struct setting *setting, enum wall_side side, double low, double high) {
  struct wall *wall = &setting->density.walls[setting->density.wall_count++];
  *wall = (struct wall){.side = (int32_t)side, .price_low = low, .price_high = high, .state = WALL_STANDING};
}

static const struct reason *reason_of(const struct setting *setting, enum reason_code code) {
  for (int32_t i = 0; i < setting->reasons.count; i++) {
    if (setting->reasons.items[i].code == (int32_t)code) return &setting->reasons.items[i];
  }
  return NULL;
}

/* positions.md 10 A */
static void test_example_a(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "0.1");
  add_rung(&setting->preset, "TP1", 1.5, 0.40, PLACEMENT_FIXED);
  add_rung(&setting->preset, "TP2", 2.8, 0.35, PLACEMENT_FIXED);
  struct rung rungs[PLAN_RUNGS_MAX];
  assert_int_equal(targets_plan(&setting->preset, &setting->instrument, SIDE_LONG, dec("99.98"), dec("1.18"), dec("600"), 0, rungs), 2);
  assert_decimal(rungs[0].price, "101.75");
  assert_decimal(rungs[0].qty, "240");
  assert_decimal(rungs[1].price, "103.28"); /* 103.284 towards the entry */
  assert_decimal(rungs[1].qty, "210");
  struct position position = trade_open(SIDE_LONG, "600", "99.98", "98.80", 0.00065, 0.00065, start);
  targets_place(&position, &setting->input, 0, &setting->reasons);
  assert_int_equal(position.targets_count, 2);
  assert_decimal(position.targets[1].price, "103.28");
  assert_string_equal(position.targets[1].level_name, "TP2");
  assert_int_equal(position.targets[1].state, TARGET_WAITING);
}

static void test_short_mirrors(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "0.1");
  add_rung(&setting->preset, "TP1", 2.8, 0.35, PLACEMENT_FIXED);
  struct rung rungs[PLAN_RUNGS_MAX];
  targets_plan(&setting->preset, &setting->instrument, SIDE_SHORT, dec("100"), dec("1.18"), dec("600"), 0, rungs);
  assert_decimal(rungs[0].price, "96.70"); /* 96.696 towards the entry */
}

/* Rungs of the whole position: the last one takes what rounding left. 10 lots of 0.333.. each three. */
static void test_full_ladder_leaves_nothing(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "0.1");
  for (int i = 0; i < 3; i++) add_rung(&setting->preset, "TP", 1 + i, 1.0 / 3, PLACEMENT_FIXED);
  struct rung rungs[PLAN_RUNGS_MAX];
  targets_plan(&setting->preset, &setting->instrument, SIDE_LONG, dec("100"), dec("1"), dec("1"), 0, rungs);
  assert_decimal(rungs[0].qty, "0.3");
  assert_decimal(rungs[1].qty, "0.3");
  assert_decimal(rungs[2].qty, "0.4");
}

/* The pair tp1, tp2 without sizes: half each. */
static void test_legacy_pair(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "0.1");
  setting->preset.position_config.tp1_r = 1;
  setting->preset.position_config.tp2_r = 2;
  struct rung rungs[PLAN_RUNGS_MAX];
  assert_int_equal(targets_plan(&setting->preset, &setting->instrument, SIDE_LONG, dec("100"), dec("1"), dec("3"), 0, rungs), 2);
  assert_decimal(rungs[0].qty, "1.5");
  assert_decimal(rungs[1].price, "102");
  assert_int_equal(rungs[0].placement_mode, PLACEMENT_FIXED);
}

static void test_channel_has_one_rung(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "0.1");
  struct rung rungs[PLAN_RUNGS_MAX];
  assert_int_equal(targets_plan(&setting->preset, &setting->instrument, SIDE_LONG, dec("100.02"), dec("2"), dec("3.3"), dec("104"), rungs), 1);
  assert_decimal(rungs[0].price, "104");
  assert_decimal(rungs[0].qty, "3.3");
  assert_near(rungs[0].reward_multiple, 1.99, 1e-12);
  assert_true(rungs[0].size_pct == 1);
}

/* positions.md 10 C: 4.0 of 10.0 filled at 50.01. */
static void test_example_c(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "0.1");
  add_rung(&setting->preset, "TP1", 1.5, 0.40, PLACEMENT_FIXED);
  add_rung(&setting->preset, "TP2", 2.8, 0.35, PLACEMENT_FIXED);
  struct position position = trade_open(SIDE_LONG, "4", "50.01", "49.40", 0.00065, 0.00065, start);
  targets_place(&position, &setting->input, 0, &setting->reasons);
  assert_decimal(position.targets[0].qty, "1.6");
  assert_decimal(position.targets[0].price, "50.92");
  assert_decimal(position.targets[1].qty, "1.4");
  assert_decimal(position.targets[1].price, "51.71");
}

/* Minimum notional 5: rungs of 0.04 and 0.03 at 50 are too small, 0.09 (with both merged) sells only as 0.12 together. */
static void test_small_rungs_merge(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "0.01");
  for (int i = 0; i < 3; i++) add_rung(&setting->preset, i == 0 ? "TP1" : i == 1 ? "TP2" : "TP3", 1 + i, 0.25, PLACEMENT_FIXED);
  struct position position = trade_open(SIDE_LONG, "0.4", "40", "39", 0, 0, start); /* 4 USD a rung */
  targets_place(&position, &setting->input, 0, &setting->reasons);
  assert_int_equal(position.targets_count, 1);
  assert_string_equal(position.targets[0].level_name, "TP2");
  assert_decimal(position.targets[0].qty, "0.2"); /* the third is too small and has no next: 0.2 run on, 7.80 USD at the stop */
  struct position tiny = trade_open(SIDE_LONG, "0.19", "40", "39", 0, 0, start); /* 7.6 USD in all */
  targets_place(&tiny, &setting->input, 0, &setting->reasons);
  assert_int_equal(tiny.targets_count, 1);
  assert_string_equal(tiny.targets[0].level_name, "TP3"); /* 3·0.04 = 0.12: 5.16 USD; a runner of 0.07 could not be sold */
  assert_decimal(tiny.targets[0].qty, "0.19");
  struct position dust = trade_open(SIDE_LONG, "0.13", "40", "39", 0, 0, start); /* 3·0.03 = 0.09: 3.87 USD */
  targets_place(&dust, &setting->input, 0, &setting->reasons);
  assert_int_equal(dust.targets_count, 1);
  assert_string_equal(dust.targets[0].level_name, "TP1");
  assert_decimal(dust.targets[0].price, "41");
  assert_decimal(dust.targets[0].qty, "0.13");
}

static struct setting *begin_f(void) {
  struct setting *setting = begin("0.01", "0.01");
  struct preset_tp_smart_placement *config = &setting->preset.position_config.tp_smart_placement;
  config->enabled = true;
  config->sr_level_buffer_bps = 8;
  config->max_adjustment_bps = 15;
  config->round_number_step = 0.1;
  add_rung(&setting->preset, "TP1", 1.2, 0.5, PLACEMENT_SMART);
  return setting;
}

/* positions.md 10 F */
static void test_example_f(void **state) {
  (void)state;
  struct setting *setting = begin_f();
  add_level(setting, 7, 2012.40);
  struct position position = trade_open(SIDE_LONG, "10", "2000", "1990", 0.0005, 0.0005, start);
  targets_place(&position, &setting->input, 0, &setting->reasons);
  assert_decimal(position.targets[0].price_planned, "2012");
  assert_decimal(position.targets[0].price, "2010.70");
  const struct reason *shift = reason_of(setting, REASON_target_shifted);
  assert_non_null(shift);
  assert_near(shift->value, (2012 - 2010.79008) / 2012 * 1e4, 1e-9); /* 6.0 */
  assert_string_equal(shift->detail, "TP1 level");
  setting->input.own_level_id = 7; /* the position's own level does not count */
  targets_place(&position, &setting->input, 0, &setting->reasons);
  assert_decimal(position.targets[0].price, "2012");
}

/* The same mirrored: short 2 000 with stop 2 010, T0 1 988, level 1 987.60: 1 987.60·1.0008 = 1 989.19008, up to 1 989.2. */
static void test_example_f_short(void **state) {
  (void)state;
  struct setting *setting = begin_f();
  add_level(setting, 7, 1987.60);
  struct position position = trade_open(SIDE_SHORT, "10", "2000", "2010", 0.0005, 0.0005, start);
  targets_place(&position, &setting->input, 0, &setting->reasons);
  assert_decimal(position.targets[0].price_planned, "1988");
  assert_decimal(position.targets[0].price, "1989.20");
}

static void test_step_beyond_the_cap_is_skipped(void **state) {
  (void)state;
  struct setting *setting = begin_f();
  setting->preset.position_config.tp_smart_placement.max_adjustment_bps = 5; /* the level asks for 6.0 */
  setting->preset.position_config.tp_smart_placement.prefer_round_numbers = false;
  add_level(setting, 7, 2012.40);
  struct position position = trade_open(SIDE_LONG, "10", "2000", "1990", 0.0005, 0.0005, start);
  targets_place(&position, &setting->input, 0, &setting->reasons);
  assert_decimal(position.targets[0].price, "2012");
  assert_non_null(reason_of(setting, REASON_adjustment_capped));
}

/* The lowest standing ask wall in the band (2 009.99 .. 2 014.01 with 10 bps); 2 011.00·0.999 = 2 008.989. */
static void test_wall_in_front(void **state) {
  (void)state;
  struct setting *setting = begin_f();
  setting->preset.position_config.tp_smart_placement.prefer_round_numbers = false;
  setting->preset.position_config.tp_smart_placement.density_zone_buffer_bps = 10;
  add_wall(setting, WALL_ASK, 2013, 2013.5);
  add_wall(setting, WALL_ASK, 2011, 2011.5);
  add_wall(setting, WALL_BID, 2010.5, 2010.6);
  add_wall(setting, WALL_ASK, 2005, 2006); /* outside the band */
  add_wall(setting, WALL_ASK, 2010.2, 2010.4);
  setting->density.walls[4].state = WALL_EATEN;
  struct position position = trade_open(SIDE_LONG, "10", "2000", "1990", 0.0005, 0.0005, start);
  targets_place(&position, &setting->input, 0, &setting->reasons);
  assert_decimal(position.targets[0].price, "2008.98");
  setting->preset.position_config.tp_smart_placement.enabled = false;
  targets_place(&position, &setting->input, 0, &setting->reasons);
  assert_decimal(position.targets[0].price, "2012");
}

/* A shifted target that would not pay the fees, or not lie beyond the rung before, goes back to its plan. */
static void test_order_is_kept(void **state) {
  (void)state;
  struct setting *setting = begin_f();
  add_level(setting, 7, 2012.40);
  struct position position = trade_open(SIDE_LONG, "10", "2000", "1990", 0.003, 0.003, start); /* fees 12.00 a unit: 2 012.01 is the least */
  targets_place(&position, &setting->input, 0, &setting->reasons);
  assert_decimal(position.targets[0].price, "2012");
  struct setting *two = begin_f();
  add_level(two, 7, 2012.40);
  two->preset.position_config.tp_levels[0].placement_mode = PLACEMENT_FIXED;
  two->preset.position_config.tp_levels[0].reward_multiple = 1.1; /* 2 011 */
  add_rung(&two->preset, "TP2", 1.2, 0.5, PLACEMENT_SMART);
  position = trade_open(SIDE_LONG, "10", "2000", "1990", 0.0005, 0.0005, start);
  targets_place(&position, &two->input, 0, &two->reasons);
  assert_decimal(position.targets[1].price, "2012");
}

/* distance = 1.2·10·clamp(ATR ratio, 0.75, 1.25): 2 009 .. 2 015. */
static void test_adaptive(void **state) {
  (void)state;
  struct setting *setting = begin_f();
  setting->preset.position_config.tp_levels[0].placement_mode = PLACEMENT_ADAPTIVE;
  setting->preset.position_config.tp_smart_placement.prefer_round_numbers = false;
  struct position position = trade_open(SIDE_LONG, "10", "2000", "1990", 0.0005, 0.0005, start);
  targets_place(&position, &setting->input, 0, &setting->reasons);
  position.atr_entry = 4;
  assert_decimal(targets_adapt(&position, 0, &setting->input, 8), "2012"); /* not working yet */
  position.targets[0].state = TARGET_WORKING;
  assert_decimal(targets_adapt(&position, 0, &setting->input, 8), "2015");
  assert_decimal(targets_adapt(&position, 0, &setting->input, 1), "2009");
  assert_decimal(targets_adapt(&position, 0, &setting->input, 4.2), "2012"); /* 2 012.60: 3 bps */
  assert_decimal(targets_adapt(&position, 0, &setting->input, NAN), "2012");
  position_on_price(&position, dec("2009.50"), dec("2009.50"), dec("2009.50")); /* 0.95 R: never closer than 1.05 R */
  assert_decimal(targets_adapt(&position, 0, &setting->input, 1), "2010.50");
  position.targets[0].placement_mode = PLACEMENT_SMART;
  assert_decimal(targets_adapt(&position, 0, &setting->input, 8), "2012");
}

static void test_scale_reduces_the_last_rung_first(void **state) {
  (void)state;
  struct position position = {.targets_count = 3};
  for (int i = 0; i < 3; i++) position.targets[i] = (struct target){.qty = dec("2"), .state = TARGET_WORKING};
  position.targets[0].filled_qty = dec("0.5"); /* 1.5 + 2 + 2 wanted */
  assert_int_equal(targets_scale(&position, dec("5.5")), 0);
  assert_int_equal(targets_scale(&position, dec("2.5")), 6);
  assert_decimal(position.targets[0].qty, "2");
  assert_decimal(position.targets[1].qty, "1");
  assert_decimal(position.targets[2].qty, "0");
  position.targets[1].state = TARGET_CANCELLED; /* not touched again */
  assert_int_equal(targets_scale(&position, dec("1")), 1);
  assert_decimal(position.targets[0].qty, "1.5");
  assert_decimal(position.targets[1].qty, "1");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_example_a),
                                     cmocka_unit_test(test_short_mirrors),
                                     cmocka_unit_test(test_full_ladder_leaves_nothing),
                                     cmocka_unit_test(test_legacy_pair),
                                     cmocka_unit_test(test_channel_has_one_rung),
                                     cmocka_unit_test(test_example_c),
                                     cmocka_unit_test(test_small_rungs_merge),
                                     cmocka_unit_test(test_example_f),
                                     cmocka_unit_test(test_example_f_short),
                                     cmocka_unit_test(test_step_beyond_the_cap_is_skipped),
                                     cmocka_unit_test(test_wall_in_front),
                                     cmocka_unit_test(test_order_is_kept),
                                     cmocka_unit_test(test_adaptive),
                                     cmocka_unit_test(test_scale_reduces_the_last_rung_first)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
