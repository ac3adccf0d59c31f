/* Cuts and ranks of a scan, ties included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "core/strategy/scanner.h"
#include "support/strategy_fixture.h"

enum { ROWS = 6 };

static struct preset preset;
static struct scan_row rows[ROWS];
static int32_t scratch[ROWS];

/* A to F, warm and listed, turnover 60 to 10 million, unchanged. */
static int begin(void **state) {
  static const char *const names[ROWS] = {"A", "B", "C", "D", "E", "F"};
  (void)state;
  preset_init(&preset);
  preset.scanner_config.max_candidates = 10;
  for (int i = 0; i < ROWS; i++) {
    rows[i] = (struct scan_row){.symbol = i, .name = names[i], .is_warm = true, .is_listed = true, .volume_24h_usd = (6 - i) * 1e7};
  }
  return 0;
}

static void cut(int32_t fetch_limit) {
  scanner_cut(rows, ROWS, &preset, fetch_limit, scratch);
}

/* Letters of the rows that reached the filters. */
static void assert_reached(const char *expected) {
  char letters[ROWS + 1] = "";
  for (int i = 0; i < ROWS; i++) {
    if (rows[i].reached_filters) strcat(letters, rows[i].name);
  }
  assert_string_equal(letters, expected);
}

static void lists_come_first(void **state) {
  (void)state;
  rows[0].is_warm = false;
  rows[0].is_listed = false;
  rows[1].is_listed = false;
  rows[2].is_listed = false;
  rows[2].is_blacklisted = true;
  cut(0);
  assert_reached("DEF");
  assert_int_equal(rows[0].verdict, REASON_not_ready);
  assert_int_equal(rows[1].verdict, REASON_not_whitelisted);
  assert_int_equal(rows[2].verdict, REASON_blacklisted);
  assert_int_equal(rows[3].verdict, REASON_passed);
}

static void the_largest_are_fetched_and_ties_go_by_symbol(void **state) {
  (void)state;
  rows[0].volume_24h_usd = NAN; /* null is smallest */
  rows[1].volume_24h_usd = rows[4].volume_24h_usd = rows[5].volume_24h_usd = 7e7;
  cut(2);
  assert_reached("BE");
  assert_int_equal(rows[5].verdict, REASON_fetch_limit);
  assert_true(rows[5].verdict_value == 3 && rows[5].verdict_threshold == 2);
  assert_true(rows[0].verdict_value == 6);
  begin(NULL);
  preset.scanner_config.top_n_by_volume = 3;
  cut(4);
  assert_reached("ABC");
  assert_int_equal(rows[3].verdict, REASON_top_n_by_volume);
  assert_int_equal(rows[4].verdict, REASON_fetch_limit);
}

static void change(double a, double b, double c, double d, double e, double f) {
  const double changes[ROWS] = {a, b, c, d, e, f};
  for (int i = 0; i < ROWS; i++) rows[i].change_24h_pct = changes[i];
}

static void gainers(void **state) {
  (void)state;
  preset.scanner_config.gainers_filter.enabled = true;
  preset.scanner_config.gainers_filter.min_24h_change_pct = 5;
  preset.scanner_config.gainers_filter.top_n_gainers = 2;
  change(5, 4.99, 9, 7, NAN, 9);
  cut(0);
  assert_reached("CF");
  assert_int_equal(rows[0].verdict, REASON_gainers_filter);
  assert_true(rows[0].verdict_value == 5 && rows[0].verdict_threshold == 9); /* the places were taken from 9 % on */
  assert_true(isnan(rows[4].verdict_value));
  preset.scanner_config.gainers_filter.top_n_gainers = 10;
  cut(0);
  assert_reached("ACDF");
  assert_true(rows[1].verdict_value == 4.99 && rows[1].verdict_threshold == 5);
}

static void losers_and_the_union(void **state) {
  (void)state;
  preset.scanner_config.losers_filter.enabled = true;
  preset.scanner_config.losers_filter.max_24h_change_pct = -5;
  preset.scanner_config.losers_filter.top_n_losers = 2;
  change(-5, -4.99, -9, -7, 6, 1);
  cut(0);
  assert_reached("CD");
  preset.scanner_config.losers_filter.top_n_losers = 3;
  cut(0);
  assert_reached("ACD");
  preset.scanner_config.losers_filter.top_n_losers = 2;
  preset.scanner_config.gainers_filter.enabled = true;
  preset.scanner_config.gainers_filter.min_24h_change_pct = 5;
  cut(0);
  assert_reached("CDE");
  assert_int_equal(rows[1].verdict, REASON_losers_filter);
  assert_int_equal(rows[5].verdict, REASON_gainers_filter);
  assert_true(rows[5].verdict_threshold == 5);
}

static void pass_all(void) {
  for (int i = 0; i < ROWS; i++) rows[i].passed_filters = rows[i].has_level = true;
}

static void rank_by_score_then_volume_then_symbol(void **state) {
  (void)state;
  cut(0);
  pass_all();
  const double scores[ROWS] = {9, 3, 2, 2, 2, 8};
  for (int i = 0; i < ROWS; i++) rows[i].score = scores[i];
  rows[2].volume_24h_usd = rows[3].volume_24h_usd = 1;
  rows[4].volume_24h_usd = 2;
  preset.scanner_config.max_candidates = 3;
  rows[0].passed_filters = false; /* behind those that passed, with its own verdict kept */
  rows[0].verdict = REASON_max_spread;
  rows[5].has_level = false;
  assert_int_equal(scanner_rank(rows, ROWS, &preset, scratch), 3);
  const int32_t ranks[ROWS] = {5, 1, 3, 4, 2, 6};
  for (int i = 0; i < ROWS; i++) assert_int_equal(rows[i].rank, ranks[i]);
  assert_int_equal(rows[0].verdict, REASON_max_spread);
  assert_int_equal(rows[1].verdict, REASON_passed);
  assert_int_equal(rows[3].verdict, REASON_max_candidates);
  assert_true(rows[3].verdict_value == 4 && rows[3].verdict_threshold == 3);
  assert_int_equal(rows[5].verdict, REASON_no_level);
  rows[2].score = NAN; /* not known: behind what is */
  scanner_rank(rows, ROWS, &preset, scratch);
  assert_int_equal(rows[2].rank, 4);
}

static void rows_that_were_cut_have_no_rank(void **state) {
  (void)state;
  cut(2);
  pass_all();
  assert_int_equal(scanner_rank(rows, ROWS, &preset, scratch), 2);
  assert_int_equal(rows[0].rank, 1);
  assert_int_equal(rows[5].rank, 0);
  assert_int_equal(rows[5].verdict, REASON_fetch_limit);
}

/* Against counting: the rank of a row is one more than the number of rows before it. */
static void random_ranks_agree_with_counting(void **state) {
  enum { MANY = 300 };
  static struct scan_row many[MANY];
  static int32_t order[MANY];
  struct random random;
  (void)state;
  random_init(&random, 7);
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < MANY; i++) {
      many[i] = (struct scan_row){.is_warm = true, .is_listed = true, .volume_24h_usd = (double)random_below(&random, 5)};
      many[i].score = (double)random_below(&random, 4);
    }
    scanner_cut(many, MANY, &preset, 0, order);
    for (int i = 0; i < MANY; i++) many[i].passed_filters = many[i].has_level = true;
    assert_int_equal(scanner_rank(many, MANY, &preset, order), 10);
    for (int i = 0; i < MANY; i++) {
      int32_t before = 0;
      for (int j = 0; j < MANY; j++) {
        bool is_tie = many[j].score == many[i].score;
        bool is_tie_too = is_tie && many[j].volume_24h_usd == many[i].volume_24h_usd;
        before += many[j].score > many[i].score || (is_tie && many[j].volume_24h_usd > many[i].volume_24h_usd) || (is_tie_too && j < i);
      }
      assert_int_equal(many[i].rank, before + 1);
    }
  }
}

static void a_level_counts_on_an_allowed_side(void **state) {
  static struct fixture fixture;
  (void)state;
  fixture_init(&fixture);
  assert_false(scanner_has_level(&fixture.levels, ALLOWED_SIDES_BOTH));
  struct level *level = fixture_add_broken(&fixture, 100, true, 3);
  assert_true(scanner_has_level(&fixture.levels, ALLOWED_SIDES_LONG));
  assert_false(scanner_has_level(&fixture.levels, ALLOWED_SIDES_SHORT));
  level->state = LEVEL_FORMED;
  level->broken_side = -1; /* not broken: the type decides */
  level->level_type = LEVEL_SUPPORT;
  assert_true(scanner_has_level(&fixture.levels, ALLOWED_SIDES_SHORT));
  assert_false(scanner_has_level(&fixture.levels, ALLOWED_SIDES_LONG));
  assert_true(scanner_has_level(&fixture.levels, ALLOWED_SIDES_BOTH));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(lists_come_first, begin),
      cmocka_unit_test_setup(the_largest_are_fetched_and_ties_go_by_symbol, begin),
      cmocka_unit_test_setup(gainers, begin),
      cmocka_unit_test_setup(losers_and_the_union, begin),
      cmocka_unit_test_setup(rank_by_score_then_volume_then_symbol, begin),
      cmocka_unit_test_setup(rows_that_were_cut_have_no_rank, begin),
      cmocka_unit_test_setup(random_ranks_agree_with_counting, begin),
      cmocka_unit_test_setup(a_level_counts_on_an_allowed_side, begin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
