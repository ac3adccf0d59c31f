/* Reasons: comparisons, distances, the room of a list, texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "core/strategy/reason.h"
#include "core/strategy/signal.h"

static void assert_text(const struct reason *reason, const char *expected) {
  char data[256];
  struct text text;
  text_init(&text, data, sizeof data);
  reason_text(reason, &text);
  assert_string_equal(data, expected);
}

static void every_comparator_at_and_beside_its_bound(void **state) {
  (void)state;
  const struct {
    enum comparator comparator;
    double value;
    bool passed;
    double distance;
  } cases[] = {
      {COMPARATOR_GE, 10, true, 0},  {COMPARATOR_GE, 9, false, -1},  {COMPARATOR_GE, 12, true, 2},  {COMPARATOR_LE, 10, true, 0},
      {COMPARATOR_LE, 9, true, 1},   {COMPARATOR_LE, 12, false, -2}, {COMPARATOR_GT, 10, false, 0}, {COMPARATOR_GT, 11, true, 1},
      {COMPARATOR_LT, 10, false, 0}, {COMPARATOR_LT, 9, true, 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct reason_list list = {.count = 0};
    assert_int_equal(reason_test(&list, REASON_max_spread, cases[i].value, cases[i].comparator, 10), cases[i].passed);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].passed, cases[i].passed);
    assert_true(list.items[0].distance == cases[i].distance);
    assert_true(list.items[0].value == cases[i].value && list.items[0].threshold == 10);
    assert_int_equal(list.items[0].comparator, cases[i].comparator);
  }
}

static void null_fails_as_unavailable(void **state) {
  (void)state;
  struct reason_list list = {.count = 0};
  assert_false(reason_test(&list, REASON_max_spread, NAN, COMPARATOR_LE, 10));
  assert_false(reason_test_range(&list, REASON_atr_range, NAN, 1, 2));
  assert_int_equal(list.items[0].code, REASON_unavailable);
  assert_true(isnan(list.items[0].value) && isnan(list.items[0].distance) && list.items[0].threshold == 10);
  assert_text(&list.items[0], "max_spread is not known");
  assert_text(&list.items[1], "atr_range is not known");
}

static void a_range_shows_its_nearer_bound(void **state) {
  (void)state;
  struct reason_list list = {.count = 0};
  assert_true(reason_test_range(&list, REASON_atr_range, 0.005, 0.005, 0.045));
  assert_true(reason_test_range(&list, REASON_atr_range, 0.045, 0.005, 0.045));
  assert_false(reason_test_range(&list, REASON_atr_range, 0.0049, 0.005, 0.045));
  assert_false(reason_test_range(&list, REASON_atr_range, 0.06, 0.005, 0.045));
  assert_true(reason_test_range(&list, REASON_atr_range, 0.022, 0.005, 0.045));
  assert_true(list.items[0].distance == 0 && list.items[0].threshold == 0.005);
  assert_true(list.items[4].distance == 0.022 - 0.005 && list.items[4].threshold == 0.005);
  assert_true(list.items[1].distance == 0 && list.items[1].threshold == 0.045);
  assert_true(list.items[2].distance < 0 && list.items[2].threshold == 0.005);
  assert_int_equal(list.items[2].comparator, COMPARATOR_IN);
  assert_text(&list.items[2], "atr_ratio_15m 0.0049, needs >= 0.005 (-0.0001)");
  assert_text(&list.items[3], "atr_ratio_15m 0.06, needs <= 0.045 (-0.015)");
}

static void scaled_tests_compare_before_they_divide(void **state) {
  (void)state;
  struct reason_list list = {.count = 0};
  assert_true(reason_test_scaled(&list, REASON_vwap_gap, 3, COMPARATOR_LE, 3, 1.5));
  assert_true(list.items[0].value == 2 && list.items[0].threshold == 2 && list.items[0].distance == 0);
}

static void a_full_list_keeps_failures(void **state) {
  (void)state;
  struct reason_list list = {.count = 0};
  for (int i = 0; i < DECISION_REASONS_MAX; i++) reason_test(&list, REASON_max_spread, i == 3 ? 20 : 1, COMPARATOR_LE, 10);
  assert_int_equal(list.count, DECISION_REASONS_MAX);
  reason_add(&list, REASON_sized, true, 1, NAN, NULL); /* no room for one more that passed */
  assert_null(strstr(reason_code_names[list.items[DECISION_REASONS_MAX - 1].code], "sized"));
  reason_add(&list, REASON_symbol_busy, false, NAN, NAN, NULL);
  assert_int_equal(list.count, DECISION_REASONS_MAX);
  assert_int_equal(list.items[DECISION_REASONS_MAX - 1].code, REASON_symbol_busy);
  assert_ptr_equal(reason_first_failed(&list), &list.items[3]);
  for (int i = 0; i < 2 * DECISION_REASONS_MAX; i++) reason_add(&list, REASON_cooldown, false, i, NAN, NULL);
  assert_true(list.items[0].value == 20); /* the first failure has moved up and is still there */
  assert_int_equal(list.items[1].code, REASON_symbol_busy);
  assert_int_equal(list.count, DECISION_REASONS_MAX);
  assert_true(list.items[DECISION_REASONS_MAX - 1].value == DECISION_REASONS_MAX - 3);
}

static void skipped_is_not_failed(void **state) {
  (void)state;
  struct reason_list list = {.count = 0};
  reason_skip(&list, REASON_min_depth_0_3pct, "book");
  assert_null(reason_first_failed(&list));
  assert_true(list.items[0].skipped);
  assert_text(&list.items[0], "min_depth_0_3pct is skipped: the feed has no book");
}

static void texts_are_short_and_readable(void **state) {
  (void)state;
  struct reason_list list = {.count = 0};
  reason_test(&list, REASON_max_spread, 91.3, COMPARATOR_LE, 10);
  reason_test(&list, REASON_min_24h_volume, 60000, COMPARATOR_GE, 0.0012);
  reason_test(&list, REASON_min_24h_volume, 123456789.0 / 7, COMPARATOR_GE, 1e12);
  reason_test(&list, REASON_price_breakout, 0.0000123456789, COMPARATOR_GT, 0.00001);
  reason_add(&list, REASON_stale, false, 31.5, 30, "spread_bps");
  reason_add(&list, REASON_unavailable, false, NAN, NAN, "depth_usd_0_5pct not_subscribed");
  reason_add(&list, REASON_delisting, false, 1746878400000.0, NAN, NULL);
  reason_add(&list, REASON_plan_rounding, false, 1.005, 0.01, "entry");
  assert_false(reason_test_and(&list, REASON_approach, 0.5, COMPARATOR_LE, 1.5, false, "a close lies away"));
  assert_true(reason_test_and(&list, REASON_approach, 1.5, COMPARATOR_LE, 1.5, true, "a close lies away"));
  assert_false(reason_test_and(&list, REASON_approach, 1.6, COMPARATOR_LE, 1.5, true, "a close lies away"));
  assert_text(&list.items[0], "spread_bps 91.3, needs <= 10 (-81.3)");
  assert_text(&list.items[1], "volume_24h_usd 60000, needs >= 0.0012 (+59999.999)");
  assert_text(&list.items[2], "volume_24h_usd 17636684, needs >= 1000000000000 (-999982363316)");
  assert_text(&list.items[3], "close 0.000012345679, needs > 0.00001 (+0.000002345679)");
  assert_text(&list.items[4], "spread_bps is 31.5 s old, limit 30 s");
  assert_text(&list.items[5], "depth_usd_0_5pct is not known not_subscribed");
  assert_text(&list.items[6], "symbol leaves the venue at 2025-05-10T12:00:00.000Z");
  assert_text(&list.items[7], "entry is not a multiple of the venue's step");
  assert_text(&list.items[8], "mean approach 0.5 % a candle, needs <= 1.5 (+1) a close lies away");
  assert_text(&list.items[9], "mean approach 1.5 % a candle, needs <= 1.5 (0)");
}

/* Every template is filled without an unknown field (that would stop the program), and ends without a blank. */
/* The gate knows that a symbol leaves, not always when. */
static void a_time_that_is_not_known_is_said_so(void **state) {
  (void)state;
  struct reason_list list = {.count = 0};
  reason_add(&list, REASON_delisting, false, NAN, NAN, NULL);
  assert_text(&list.items[0], "symbol leaves the venue at a time not known");
}

static void every_code_has_a_text(void **state) {
  (void)state;
  for (int code = 0; code < reason_code_count; code++) {
    struct reason_list list = {.count = 0};
    char data[256];
    struct text text;
    text_init(&text, data, sizeof data);
    reason_add(&list, (enum reason_code)code, false, 1, 2, NULL);
    reason_text(&list.items[0], &text);
    assert_true(strlen(data) > 0 && data[strlen(data) - 1] != ' ');
    assert_null(strchr(data, '{'));
    assert_non_null(reason_units[code]);
    for (int other = 0; other < code; other++) assert_string_not_equal(reason_code_names[code], reason_code_names[other]);
  }
}

static void records_survive_their_binary_form(void **state) {
  (void)state;
  static struct decision decision, back;
  static unsigned char bytes[8192];
  struct reason_list list = {.count = 0};
  reason_test(&list, REASON_max_spread, 91.3, COMPARATOR_LE, 10);
  decision = (struct decision){.decision_id = 7, .ts = 1746878400000, .symbol = "ABC/USDT:USDT", .stage = STAGE_FILTER, .verdict = VERDICT_REJECTED};
  decision.code = REASON_max_spread;
  decision.reasons_count = 1;
  decision.reasons[0] = list.items[0];
  size_t size = schema_encode(&decision_schema, &decision, bytes, sizeof bytes);
  assert_true(size > 0);
  assert_int_equal(schema_decode(&decision_schema, &back, bytes, size), size);
  assert_int_equal(back.reasons_count, 1);
  assert_int_equal(back.reasons[0].code, REASON_max_spread);
  assert_true(back.reasons[0].distance == list.items[0].distance);
  assert_string_equal(back.symbol, "ABC/USDT:USDT");
  assert_non_null(schema_field(&signal_schema, "validation_score"));
  assert_int_equal(signal_schema.size, sizeof(struct signal));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_comparator_at_and_beside_its_bound),
      cmocka_unit_test(null_fails_as_unavailable),
      cmocka_unit_test(a_range_shows_its_nearer_bound),
      cmocka_unit_test(scaled_tests_compare_before_they_divide),
      cmocka_unit_test(a_full_list_keeps_failures),
      cmocka_unit_test(skipped_is_not_failed),
      cmocka_unit_test(texts_are_short_and_readable),
      cmocka_unit_test(a_time_that_is_not_known_is_said_so),
      cmocka_unit_test(every_code_has_a_text),
      cmocka_unit_test(records_survive_their_binary_form),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
