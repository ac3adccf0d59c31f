#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/recorded.h"
#include "apps/run_choice.h"
#include "apps/sweep_store.h"
#include "apps/walk_forward.h"
#include "base/calendar.h"
#include "support/market_file.h"
#include "support/scratch.h"

/* A generated market of three days, opened once; searches of channel_baseline over it. */
static struct app app;
static char folder[256];
static struct recorded recorded;
static struct wiring wiring;
static struct run_choice choice;

static int open_market(void **state) {
  static char *no_environment[] = {NULL};
  struct settings_input input = {.environment = no_environment};
  (void)state;
  app.verb = "test";
  app.is_quiet = true;
  if (!scratch_make(folder, sizeof folder, "test_sweep") || settings_load(&app.settings, &input, &app.problem)) return -1;
  problem_clear(&app.problem);
  snprintf(app.settings.data_dir, sizeof app.settings.data_dir, "%s/data", folder);
  if (!market_file_write(folder, &app.problem) || !recorded_add_data(&recorded, &app, folder)) return -1;
  recorded.source.is_filled_flat = true;
  recorded.source.allows_bad_data = true;
  run_choice_init(&choice);
  choice.run.after_kill = AFTER_KILL_NEXT_DAY;
  choice.run.wiring.starting_balance = 1000; /* little enough for whole fills, which the fast twin asks for */
  choice.run.wiring.preset = "channel_baseline";
  if (recorded_open(&recorded, &app, &wiring) || wiring_load_preset(&wiring, &app, &choice.run.wiring)) return -1;
  problem_clear(&app.problem);
  return 0;
}

static int close_market(void **state) {
  (void)state;
  wiring_close(&wiring);
  return scratch_remove(folder);
}

/* ---- the sets ---- */

static struct sweep_space space_of(int count, const char *const *params, enum sweep_method method, int samples, int seed) {
  struct sweep_space space = {0};
  for (int i = 0; i < count; i++) assert_int_equal(sweep_space_add(&space, &wiring.preset.preset, params[i], &app.problem), STATUS_OK);
  assert_int_equal(sweep_space_fill(&space, method, samples, seed, &app.problem), STATUS_OK);
  return space;
}

static void test_a_grid_is_the_product_with_the_last_key_fastest(void **state) {
  (void)state;
  static const char *const params[] = {"channel_config.period=10:20:5", "channel_config.target_r=1:1.4:0.1"};
  struct sweep_space space = space_of(2, params, SWEEP_GRID, 0, 0);
  assert_int_equal(space.set_count, 15);
  assert_string_equal(sweep_space_value(&space, 0, 0), "10");
  assert_string_equal(sweep_space_value(&space, 3, 1), "1.3"); /* not 1.3000000000000003 */
  assert_string_equal(sweep_space_value(&space, 4, 1), "1.4");
  assert_string_equal(sweep_space_value(&space, 14, 0), "20");
  int near[2 * SWEEP_AXES_MAX];
  assert_int_equal(sweep_space_neighbours(&space, 0, near), 2);
  assert_int_equal(near[0], 5);
  assert_int_equal(near[1], 1);
  assert_int_equal(sweep_space_neighbours(&space, 7, near), 4);
  sweep_space_deinit(&space);
}

static void test_words_have_no_neighbours(void **state) {
  (void)state;
  static const char *const params[] = {"channel_config.timeframe=1m,5m", "channel_config.period=10,20"};
  struct sweep_space space = space_of(2, params, SWEEP_GRID, 0, 0);
  int near[2 * SWEEP_AXES_MAX];
  assert_int_equal(sweep_space_neighbours(&space, 0, near), 1);
  assert_int_equal(near[0], 1);
  sweep_space_deinit(&space);
}

static void test_wrong_parameters_are_named(void **state) {
  (void)state;
  static const struct {
    const char *param, *code;
  } rows[] = {{"channel_config.perod=1", "unknown_key"},          {"channel_config.period=a", "wrong_type"},
              {"channel_config.period", "bad_parameter"},         {"channel_config.period=", "bad_parameter"},
              {"channel_config.period=1,,2", "bad_parameter"},    {"channel_config.period=5,5", "bad_parameter"},
              {"channel_config.period=9:1:1", "bad_parameter"},   {"channel_config.period=1:9:0", "bad_parameter"},
              {"channel_config.period=1:2:3:4", "bad_parameter"}, {"name=a,b", "bad_parameter"},
              {"channel_config.timeframe=2m", "bad_enum"},        {"risk=1", "bad_parameter"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct sweep_space space = {0};
    struct problem problem;
    problem_clear(&problem);
    if (sweep_space_add(&space, &wiring.preset.preset, rows[i].param, &problem) != STATUS_BAD_CONFIG) fail_msg("%s is taken", rows[i].param);
    if (strcmp(problem.items[0].code, rows[i].code) != 0) fail_msg("%s: %s", rows[i].param, problem.items[0].code);
    sweep_space_deinit(&space);
  }
}

/* One draw in each of as many equal parts as there are draws. */
static void test_latin_draws_fill_every_part(void **state) {
  (void)state;
  enum { DRAWS = 16 };
  static const char *const params[] = {"channel_config.target_r=1:5", "channel_config.stop_atr_mult=1:9"};
  struct sweep_space space = space_of(2, params, SWEEP_LATIN, DRAWS, 42);
  struct sweep_space again = space_of(2, params, SWEEP_LATIN, DRAWS, 42);
  assert_int_equal(space.set_count, DRAWS);
  for (int axis = 0; axis < 2; axis++) {
    int seen[DRAWS] = {0};
    for (int set = 0; set < DRAWS; set++) {
      double low = space.axes[axis].low;
      double share = (strtod(sweep_space_value(&space, set, axis), NULL) - low) / (space.axes[axis].high - low);
      ++seen[(int)(share * DRAWS)];
      assert_string_equal(sweep_space_value(&space, set, axis), sweep_space_value(&again, set, axis));
    }
    for (int i = 0; i < DRAWS; i++) assert_int_equal(seen[i], 1);
  }
  sweep_space_deinit(&space);
  sweep_space_deinit(&again);
}

static void test_a_set_drawn_again_is_left_out(void **state) {
  (void)state;
  static const char *const params[] = {"channel_config.period=10:12:1"};
  struct sweep_space space = space_of(1, params, SWEEP_RANDOM, 50, 1);
  assert_int_equal(space.set_count, 3);
  assert_int_equal(space.repeated, 47);
  sweep_space_deinit(&space);
}

/* ---- the order ---- */

static void begin(struct sweep *sweep, int count, const char *const *params) {
  static struct sweep_period whole;
  *sweep = (struct sweep){.app = &app,
                          .wiring = &wiring,
                          .options = &choice.run,
                          .space = space_of(count, params, SWEEP_GRID, 0, 0),
                          .objective = {.figure = -1, .min_trades = 4},
                          .periods = &whole,
                          .period_count = 1};
  assert_int_equal(sweep_open(sweep), STATUS_OK);
}

static void set_figures(const struct sweep *sweep, int set, double trades, double average_r, double sharpe) {
  struct sweep_figures *figures = sweep_figures_of(sweep, 0, set);
  for (int i = 0; i < figure_count; i++) figures->figure[i] = NAN;
  figures->figure[FIGURE_total_trades] = trades;
  figures->figure[FIGURE_average_r] = average_r;
  figures->figure[FIGURE_max_drawdown] = average_r;
  figures->daily = (struct robustness_returns){.days = 100, .sharpe = sharpe, .skewness = 0.1, .kurtosis = 3.5};
}

static void test_sets_are_in_order_of_the_objective(void **state) {
  (void)state;
  static const char *const params[] = {"channel_config.period=10:14:1"};
  struct sweep sweep;
  struct sweep_row rows[5];
  begin(&sweep, 1, params);
  set_figures(&sweep, 0, 9, 0.5, 0.10);   /* 1.5 */
  set_figures(&sweep, 1, 16, 1, 0.20);    /* 4 */
  set_figures(&sweep, 2, 3, 9, 0.05);     /* too few trades */
  set_figures(&sweep, 3, 4, 0.75, 0.12);  /* 1.5 */
  set_figures(&sweep, 4, 100, -0.1, NAN); /* -1 */
  sweep_rank(&sweep, 0, true, rows);
  const int wanted[] = {1, 0, 3, 4, 2};
  for (int i = 0; i < 5; i++) assert_int_equal(rows[i].set, wanted[i]);
  assert_true(fabs(rows[0].objective - (4)) <= 1e-12);
  assert_true(isnan(rows[4].objective));
  /* Neighbours of set 1: 1.5 and one without an objective, so 0.75 of 4. */
  assert_true(fabs(rows[0].plateau - (0.75 / 4)) <= 1e-12);
  assert_true(rows[0].is_spike);
  assert_true(fabs(rows[1].plateau - (4 / 1.5)) <= 1e-12);
  assert_false(rows[1].is_spike);
  assert_true(isnan(rows[3].plateau)); /* no gain */
  /* Sample variance of 0.10, 0.20, 0.05, 0.12 by hand: mean 0.1175, squares 0.011675. */
  double deflated = robustness_deflated_sharpe(0.20, 100, 0.1, 3.5, 0.011675 / 3, 5);
  assert_true(fabs(rows[0].deflated_sharpe - (deflated)) <= 1e-9);
  assert_int_equal(sweep_best(&sweep, 0), 1);
  sweep_close(&sweep);
}

static void test_less_drawdown_is_better(void **state) {
  (void)state;
  static const char *const params[] = {"channel_config.period=10:12:1"};
  struct sweep sweep;
  struct sweep_row rows[3];
  begin(&sweep, 1, params);
  assert_true(sweep_objective_find("max_drawdown", &sweep.objective, &app.problem));
  for (int set = 0; set < 3; set++) set_figures(&sweep, set, 10, set == 1 ? 0.1 : 0.4, 0.1);
  sweep_rank(&sweep, 0, true, rows);
  assert_int_equal(rows[0].set, 1);
  assert_true(fabs(rows[0].plateau - (0.25)) <= 1e-12);
  assert_true(rows[0].is_spike);
  assert_false(sweep_objective_find("sharp", &sweep.objective, &app.problem));
  assert_string_equal(app.problem.items[0].allowed, "sharpe");
  problem_clear(&app.problem);
  sweep_close(&sweep);
}

static void test_sets_against_the_rules_are_left_out(void **state) {
  (void)state;
  static const char *const some[] = {"channel_config.period=1:4:1"};
  static const char *const none[] = {"channel_config.period=0,1"};
  struct sweep sweep;
  begin(&sweep, 1, some);
  assert_int_equal(sweep.valid_count, 3);
  assert_false(sweep.is_valid[0]);
  sweep_close(&sweep);
  static struct sweep_period whole;
  sweep = (struct sweep){
      .app = &app, .wiring = &wiring, .options = &choice.run, .space = space_of(1, none, SWEEP_GRID, 0, 0), .periods = &whole, .period_count = 1};
  assert_int_equal(sweep_open(&sweep), STATUS_BAD_CONFIG);
  assert_string_equal(app.problem.items[0].code, "out_of_bounds");
  problem_clear(&app.problem);
  sweep_close(&sweep);
}

/* ---- runs ---- */

static void assert_same_figures(const struct sweep_figures *a, const struct sweep_figures *b) {
  for (int i = 0; i < figure_count; i++) {
    if (!(a->figure[i] == b->figure[i] || (isnan(a->figure[i]) && isnan(b->figure[i])))) fail_msg("%s differs", figure_names[i]);
  }
  assert_string_equal(a->digest, b->digest);
}

static void test_any_number_of_workers_finds_the_same(void **state) {
  (void)state;
  static const char *const params[] = {"channel_config.period=10,20", "channel_config.target_r=1,2"};
  struct sweep one;
  struct sweep many;
  begin(&one, 2, params);
  begin(&many, 2, params);
  assert_int_equal(sweep_run(&one, 1, NULL, NULL, NULL), STATUS_OK);
  assert_int_equal(sweep_run(&many, 3, NULL, NULL, NULL), STATUS_OK);
  for (int set = 0; set < 4; set++) {
    assert_same_figures(sweep_figures_of(&one, 0, set), sweep_figures_of(&many, 0, set));
    assert_true(sweep_figures_of(&one, 0, set)->figure[FIGURE_total_trades] > 0);
  }
  sweep_close(&one);
  sweep_close(&many);
}

static void test_a_set_is_the_run_that_its_values_make(void **state) {
  (void)state;
  static const char *const params[] = {"channel_config.period=10,25"};
  static const char *const keys[] = {"channel_config.period=25"};
  struct sweep sweep;
  struct sweep_figures figures;
  begin(&sweep, 1, params);
  channel_sweep_close(sweep.fast);
  sweep.fast = NULL;
  sweep_evaluate(&sweep, 0, 1, &figures);
  struct wiring alone = {.app = &app, .source = wiring.source};
  struct run_options options = choice.run;
  struct run run;
  options.wiring.set_keys = keys;
  options.wiring.set_key_count = 1;
  assert_int_equal(wiring_load_preset(&alone, &app, &options.wiring), STATUS_OK);
  assert_int_equal(source_seek(alone.source, INT64_MIN, &app.problem), STATUS_OK);
  assert_int_equal(run_execute(&run, &alone, &options), STATUS_OK);
  assert_string_equal(figures.digest, run.digest);
  assert_true(figures.figure[FIGURE_net_profit_usd] == run.performance.figure[FIGURE_net_profit_usd]);
  run_deinit(&run);
  alone.source = NULL;
  wiring_close(&alone);
  sweep_close(&sweep);
}

static void test_the_twin_is_checked_by_the_engine(void **state) {
  (void)state;
  static const char *const params[] = {"channel_config.period=10,25"};
  struct sweep sweep;
  struct sweep_row rows[2];
  begin(&sweep, 1, params);
  assert_non_null(sweep.fast);
  assert_int_equal(sweep_run(&sweep, 2, NULL, NULL, NULL), STATUS_OK);
  assert_string_equal(sweep_figures_of(&sweep, 0, 0)->digest, "");
  sweep_rank(&sweep, 0, true, rows);
  assert_int_equal(sweep_check(&sweep, rows, 2, 2), STATUS_OK);
  assert_int_equal(strlen(sweep_figures_of(&sweep, 0, 0)->digest), 64);
  sweep_figures_of(&sweep, 0, 1)->digest[0] = '\0';
  sweep_figures_of(&sweep, 0, 1)->figure[FIGURE_average_r] += 1e-9;
  assert_int_equal(sweep_check(&sweep, rows, 2, 2), STATUS_FAILED);
  problem_clear(&app.problem);
  sweep_close(&sweep);
}

/* ---- what is kept ---- */

static void test_kept_sets_come_back(void **state) {
  (void)state;
  static const char *const params[] = {"channel_config.period=10:14:1"};
  char path[320];
  char words_of[] = "optimize";
  char *words[] = {words_of};
  char *found[4];
  struct buffer identity = {0};
  struct buffer text = {0};
  struct sweep_store store = {.run_id = "B000007"};
  struct sweep sweep;
  snprintf(path, sizeof path, "%s/kept", folder);
  buffer_add_text(&identity, "{\"version\":\"1\",\"dataset\":\"abc\"}");
  begin(&sweep, 1, params);
  assert_int_equal(sweep_store_begin(&store, &app, path, &identity, 1, words), STATUS_OK);
  for (int set = 0; set < 3; set++) {
    set_figures(&sweep, set, 10 + set, 0.1, 0.1);
    sweep_store_add(&store, 0, set, sweep_figures_of(&sweep, 0, set));
  }
  sweep_store_close(&store);
  sweep_close(&sweep);
  /* The machine died while it wrote: a part of a record, and then somebody else's bytes in one. */
  snprintf(path, sizeof path, "%s/kept/sets.bin", folder);
  int file = open(path, O_WRONLY | O_APPEND);
  assert_int_equal(write(file, "torn", 4), 4);
  assert_int_equal(pwrite(file, "x", 1, 0), 1); /* O_APPEND: behind the torn one too */
  close(file);
  snprintf(path, sizeof path, "%s/kept", folder);
  begin(&sweep, 1, params);
  assert_int_equal(sweep_store_resume(&store, &sweep, path, &identity), STATUS_OK);
  assert_string_equal(store.run_id, "B000007");
  for (int set = 0; set < 5; set++) assert_int_equal(sweep.is_done[set], set < 3);
  assert_true(sweep_figures_of(&sweep, 0, 2)->figure[FIGURE_total_trades] == 12);
  sweep_store_close(&store);
  assert_int_equal(sweep_store_words(&app, path, &text, found, 4), 1);
  assert_string_equal(found[0], "optimize");
  /* Another search does not go on here. */
  buffer_clear(&identity);
  buffer_add_text(&identity, "{\"version\":\"1\",\"dataset\":\"abd\"}");
  assert_int_equal(sweep_store_resume(&store, &sweep, path, &identity), STATUS_BAD_CONFIG);
  assert_string_equal(app.problem.items[0].path, "dataset");
  problem_clear(&app.problem);
  assert_int_equal(sweep_store_resume(&store, &sweep, folder, &identity), STATUS_NOT_FOUND);
  problem_clear(&app.problem);
  sweep_close(&sweep);
  buffer_deinit(&identity);
  buffer_deinit(&text);
}

/* ---- walk-forward ---- */

static void test_windows_follow_each_other(void **state) {
  (void)state;
  static struct walk walk;
  static struct sweep_period periods[1 + WALK_WINDOWS_MAX];
  walk = (struct walk){.options = {.purge_ms = 8 * HOUR_MS, .embargo_ms = 12 * HOUR_MS}};
  assert_true(walk_read("10:2:3", &walk.options, &app.problem));
  int64_t from = calendar_to_ms(2024, 1, 1, 0, 0, 0, 0);
  assert_int_equal(walk_plan(&walk, from, from + 18 * DAY_MS + 8 * HOUR_MS, periods, &app.problem), STATUS_OK);
  assert_int_equal(walk.window_count, 3);
  const struct walk_window *second = &walk.windows[1];
  assert_int_equal(second->in_from, from + 3 * DAY_MS);
  assert_int_equal(second->in_to, from + 13 * DAY_MS);
  assert_int_equal(second->out_from, from + 13 * DAY_MS + 8 * HOUR_MS);
  assert_int_equal(second->out_to, from + 15 * DAY_MS + 8 * HOUR_MS);
  assert_int_equal(periods[2].from_ms, second->in_from);
  /* Behind the first out-of-sample part (to 12 d 8 h) nothing is learned for 12 h; the second window's training ends in it. */
  assert_int_equal(periods[1].pause_count, 0);
  assert_int_equal(periods[2].pause_count, 1);
  assert_int_equal(periods[2].pauses[0].from_ms, from + 12 * DAY_MS + 8 * HOUR_MS);
  assert_int_equal(periods[2].pauses[0].to_ms, from + 12 * DAY_MS + 20 * HOUR_MS);
  walk_close(&walk);
  walk = (struct walk){.options = {.in_ms = 10 * DAY_MS, .out_ms = DAY_MS, .step_ms = DAY_MS}};
  assert_int_equal(walk_plan(&walk, from, from + 10 * DAY_MS, periods, &app.problem), STATUS_NO_DATA);
  problem_clear(&app.problem);
  walk_close(&walk);
}

static void test_wrong_windows_are_refused(void **state) {
  (void)state;
  static const char *const texts[] = {"10", "", "a:b", "10:0", "10:-1", "10:5:4", "1:1:1:1", "10:", ":5", "99999:1"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct walk_options options = {0};
    if (walk_read(texts[i], &options, &app.problem)) fail_msg("%s is taken", texts[i]);
  }
  problem_clear(&app.problem);
}

/* The out-of-sample parts, joined, are one account: each begins with what the one before left. */
static void test_equity_runs_through_the_windows(void **state) {
  (void)state;
  static const char *const params[] = {"channel_config.period=10,20"};
  static struct walk walk;
  static struct sweep_period periods[1 + WALK_WINDOWS_MAX];
  int64_t from;
  int64_t to;
  source_range(wiring.source, &from, &to);
  walk = (struct walk){0};
  assert_true(walk_read("1:0.5", &walk.options, &app.problem));
  assert_int_equal(walk_plan(&walk, from, to, periods, &app.problem), STATUS_OK);
  assert_true(walk.window_count >= 3);
  struct sweep sweep = {.app = &app,
                        .wiring = &wiring,
                        .options = &choice.run,
                        .space = space_of(1, params, SWEEP_GRID, 0, 0),
                        .objective = {.figure = -1, .min_trades = 1},
                        .periods = periods,
                        .period_count = 1 + walk.window_count};
  assert_int_equal(sweep_open(&sweep), STATUS_OK);
  assert_int_equal(sweep_run(&sweep, 2, NULL, NULL, NULL), STATUS_OK);
  assert_int_equal(walk_trade(&walk, &sweep), STATUS_OK);
  int64_t trades = 0;
  int chosen = 0;
  for (int i = 0; i < walk.window_count; i++) {
    const struct walk_window *window = &walk.windows[i];
    assert_int_equal(window->set, sweep_best(&sweep, 1 + i));
    if (i > 0) assert_true(window->equity_start == walk.windows[i - 1].equity_end);
    trades += window->set >= 0 ? (int64_t)window->out.figure[FIGURE_total_trades] : 0;
  }
  for (int i = 0; i < 2; i++) chosen += walk_chosen(&walk, &sweep.space, 0, i);
  assert_int_equal(chosen, walk.window_count);
  assert_int_equal(walk.trades.count, trades);
  double gained = walk.windows[walk.window_count - 1].equity_end - walk.windows[0].equity_start;
  assert_true(trades > 0);
  assert_true(fabs(walk.performance.figure[FIGURE_net_profit_usd] - (gained)) <= 1e-6);
  assert_int_equal((int64_t)walk.performance.figure[FIGURE_total_trades], trades);
  sweep_close(&sweep);
  walk_close(&walk);
}

/* In a pause nothing is entered; before and behind it trading goes on. */
static void test_a_pause_enters_nothing(void **state) {
  (void)state;
  static const char *const params[] = {"channel_config.period=5"};
  struct sweep sweep;
  static struct sweep_play play;
  int64_t from;
  int64_t to;
  source_range(wiring.source, &from, &to);
  struct run_pause pause = {from + DAY_MS, from + 2 * DAY_MS};
  struct sweep_period period = {.pauses = &pause, .pause_count = 1};
  int counts[3] = {0};
  begin(&sweep, 1, params);
  assert_int_equal(sweep_play(&sweep, &period, 0, NAN, false, &play), STATUS_OK);
  for (int64_t i = 0; i < play.run.trades.count; i++) {
    int64_t opened = run_trade(&play.run, i)->opened_at;
    ++counts[opened < pause.from_ms ? 0 : opened < pause.to_ms ? 1 : 2];
  }
  assert_true(counts[0] > 0);
  assert_int_equal(counts[1], 0);
  assert_true(counts[2] > 0);
  sweep_play_close(&play);
  sweep_close(&sweep);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_grid_is_the_product_with_the_last_key_fastest),
      cmocka_unit_test(test_words_have_no_neighbours),
      cmocka_unit_test(test_wrong_parameters_are_named),
      cmocka_unit_test(test_latin_draws_fill_every_part),
      cmocka_unit_test(test_a_set_drawn_again_is_left_out),
      cmocka_unit_test(test_sets_are_in_order_of_the_objective),
      cmocka_unit_test(test_less_drawdown_is_better),
      cmocka_unit_test(test_sets_against_the_rules_are_left_out),
      cmocka_unit_test(test_any_number_of_workers_finds_the_same),
      cmocka_unit_test(test_a_set_is_the_run_that_its_values_make),
      cmocka_unit_test(test_the_twin_is_checked_by_the_engine),
      cmocka_unit_test(test_kept_sets_come_back),
      cmocka_unit_test(test_windows_follow_each_other),
      cmocka_unit_test(test_wrong_windows_are_refused),
      cmocka_unit_test(test_equity_runs_through_the_windows),
      cmocka_unit_test(test_a_pause_enters_nothing),
  };
  return cmocka_run_group_tests(tests, open_market, close_market);
}
