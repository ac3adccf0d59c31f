/* A ladder set by hand: every refusal with its sentence, the places of its rungs, and what is written into the position (positions 4, api 3.4). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/trade/targets.h"
#include "support/trade_fixture.h"

static struct position position;
static struct instrument instrument;
static struct target_change changes[POSITION_TARGETS_MAX];
static int32_t count;
static uint32_t busy;
static struct target_plan plan;
static char message[TARGET_MESSAGE_MAX];

/* A long of 10 from 100 with a stop at 99 and the price at 101; no rungs. */
static int begin(void **state) {
  (void)state;
  position = trade_open(SIDE_LONG, "10", "100", "99", 0, 0, 1000);
  position.mark = dec("101");
  instrument = trade_instrument("0.1", "0.1");
  count = 0;
  busy = 0;
  return 0;
}

static void want(const char *name, const char *price, double size) {
  struct target_change *change = &changes[count++];
  text_copy(change->level_name, sizeof change->level_name, name);
  change->price = dec(price);
  change->size_pct = size;
}

/* A rung that the position has. */
static void add_rung(const char *name, const char *qty, const char *filled, enum target_state state) {
  struct target *target = &position.targets[position.targets_count++];
  *target = (struct target){.price = dec("105"), .qty = dec(qty), .filled_qty = dec(filled), .state = (int32_t)state};
  text_copy(target->level_name, sizeof target->level_name, name);
}

static bool is_good(void) {
  return targets_plan_changes(&position, &instrument, changes, count, busy, &plan, message);
}

static void expect_refusal(const char *why) {
  assert_false(is_good());
  assert_non_null(strstr(message, why));
}

static void each_rung_is_looked_at(void **state) {
  static const struct {
    const char *name, *price;
    double size;
    const char *why;
  } bad[] = {{"", "105", 0.5, "needs a name"},
             {"a", "105", 0, "size_pct"},
             {"a", "105", 1.1, "size_pct"},
             {"a", "105", NAN, "size_pct"},
             {"a", "0", 0.5, "above 0"},
             {"a", "101", 0.5, "not beyond the market"},
             {"a", "101.05", 0.5, "beyond the market"},
             {"a", "105", 0.001, "than a lot"},
             {"a", "105", 0.5, NULL}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    begin(state);
    want(bad[i].name, bad[i].price, bad[i].size);
    if (bad[i].why != NULL) {
      expect_refusal(bad[i].why);
    } else {
      assert_true(is_good());
    }
  }
  want("a", "106", 0.1);
  expect_refusal("a: is there twice");
}

/* Before the first price of the market the entry stands for it. */
static void without_a_mark_the_entry_counts(void **state) {
  (void)state;
  position.mark = DECIMAL_NULL;
  want("a", "100.5", 0.5);
  assert_true(is_good());
  changes[0].price = dec("100");
  expect_refusal("not beyond the market");
}

static void the_ladder_is_looked_at_as_a_whole(void **state) {
  want("a", "105", 0.6);
  want("b", "106", 0.5);
  expect_refusal("more than the whole");
  begin(state);
  position.qty = dec("4"); /* six were closed meanwhile */
  want("a", "105", 0.5);
  expect_refusal("more than is open");
  begin(state);
  instrument.min_notional_usd = dec("150");
  want("a", "105", 0.9); /* leaves 1, worth 99 at the stop */
  expect_refusal("too little to be sold");
  begin(state);
  instrument.min_notional_usd = dec("300"); /* 2 at 105 are 210; 8 are left */
  want("a", "105", 0.2);
  expect_refusal("a: is too small to be sold");
}

/* What was filled counts: a filled rung stays filled, a part is no part of what may still be asked for. */
static void fills_count(void **state) {
  add_rung("a", "5", "5", TARGET_FILLED);
  position.qty = dec("5");
  want("a", "106", 0.5);
  expect_refusal("a: is filled");
  begin(state);
  add_rung("a", "5", "3", TARGET_WORKING);
  position.qty = dec("7");
  want("a", "106", 0.2);
  expect_refusal("a: has filled more than that already");
  changes[0].size_pct = 0.5;
  assert_true(is_good());
  assert_int_equal(plan.qty[0], dec("5"));
  want("b", "107", 0.5);
  assert_true(is_good());
  want("c", "108", 0.1);
  expect_refusal("more than the whole");
}

/* Sizes that are the whole leave nothing to rounding. */
static void the_last_rung_takes_what_rounding_leaves(void **state) {
  (void)state;
  want("a", "105", 1.0 / 3);
  want("b", "106", 1.0 / 3);
  want("c", "107", 1.0 / 3);
  assert_true(is_good());
  assert_int_equal(plan.qty[0], dec("3.3"));
  assert_int_equal(plan.qty[2], dec("3.4"));
}

/* A new rung takes the place of one that was given up without a fill and has no order left, else a new one; there are six. */
static void places_are_used_again(void **state) {
  add_rung("a", "1", "0", TARGET_CANCELLED);
  add_rung("b", "1", "0.5", TARGET_CANCELLED);
  add_rung("c", "1", "0", TARGET_WORKING);
  want("new", "107", 0.1);
  assert_true(is_good());
  assert_int_equal(plan.rung[0], 0);
  busy = 1; /* its cancel is not answered */
  assert_true(is_good());
  assert_int_equal(plan.rung[0], 3);
  want("a", "108", 0.1); /* named, so its own place */
  assert_true(is_good());
  assert_int_equal(plan.rung[1], 0);
  begin(state);
  for (int i = 0; i < POSITION_TARGETS_MAX; i++) add_rung((const char[]){(char)('a' + i), '\0'}, "1", "0", TARGET_WORKING);
  want("new", "107", 0.1);
  expect_refusal("at most six rungs");
}

/* What a person chose is not moved by a rule; a rung that only got another size keeps its way of placing. */
static void the_plan_is_written_into_the_position(void **state) {
  (void)state;
  add_rung("a", "5", "0", TARGET_WORKING);
  position.targets[0].placement_mode = PLACEMENT_ADAPTIVE;
  text_copy(position.targets[0].client_order_id, sizeof position.targets[0].client_order_id, "x");
  want("a", "105", 0.4);
  want("b", "103", 0.2);
  assert_true(is_good());
  targets_apply_changes(&position, &plan);
  assert_int_equal(position.targets_count, 2);
  assert_int_equal(position.targets[0].placement_mode, PLACEMENT_ADAPTIVE);
  assert_int_equal(position.targets[0].qty, dec("4"));
  assert_string_equal(position.targets[0].client_order_id, "x");
  assert_int_equal(position.targets[1].placement_mode, PLACEMENT_FIXED);
  assert_int_equal(position.targets[1].state, TARGET_WAITING);
  assert_near(position.targets[1].reward_multiple, 3, 1e-12); /* 3 from the entry, 1 to the stop */
  count = 0;
  want("a", "104", 0.4);
  position.r_distance = 0; /* adopted with its stop at the entry: R is not known */
  assert_true(is_good());
  targets_apply_changes(&position, &plan);
  assert_int_equal(position.targets[0].placement_mode, PLACEMENT_FIXED);
  assert_true(isnan(position.targets[0].reward_multiple));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(each_rung_is_looked_at, begin),
      cmocka_unit_test_setup(without_a_mark_the_entry_counts, begin),
      cmocka_unit_test_setup(the_ladder_is_looked_at_as_a_whole, begin),
      cmocka_unit_test_setup(fills_count, begin),
      cmocka_unit_test_setup(the_last_rung_takes_what_rounding_leaves, begin),
      cmocka_unit_test_setup(places_are_used_again, begin),
      cmocka_unit_test_setup(the_plan_is_written_into_the_position, begin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
