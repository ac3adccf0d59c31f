#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "apps/monte_carlo.h"
#include "core/analysis/robustness.h"

static void assert_near(double actual, double expected, double allowed) {
  if (!(fabs(actual - expected) <= allowed)) fail_msg("%.17g is not %.17g", actual, expected);
}

/* Source of the numbers: Python 3.11, statistics.NormalDist().cdf and .inv_cdf in the formulas of the header. */
static void test_luckiest_of_many(void **state) {
  static const struct {
    int64_t sets;
    double expected;
  } rows[] = {{2, 0.5197553442792137}, {10, 1.5745983013449716}, {100, 2.530602893201142}, {1000, 3.255121513652285}, {100000, 4.390828742376154}};
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    assert_near(robustness_luckiest_sharpe(1, rows[i].sets), rows[i].expected, 1e-9);
    assert_near(robustness_luckiest_sharpe(0.04, rows[i].sets), 0.2 * rows[i].expected, 1e-9); /* root of V */
  }
  assert_true(robustness_luckiest_sharpe(NAN, 1) == 0);
  assert_true(robustness_luckiest_sharpe(0, 50) == 0);
  assert_true(isnan(robustness_luckiest_sharpe(NAN, 50)));
  assert_true(isnan(robustness_luckiest_sharpe(-1, 50)));
  assert_true(isnan(robustness_luckiest_sharpe(1, 0)));
}

static void test_deflated(void **state) {
  (void)state;
  /* The example of the paper: 100 strategies, annual ratio 2.5 of 250 days a year, 5 years, variance of the annual ratios 1/2, skewness -3, kurtosis
   * 10; the paper prints S0 = 0.1132 and 0.9004. */
  assert_near(robustness_luckiest_sharpe(0.5 / 250, 100), 0.1132, 5e-5);
  assert_near(robustness_deflated_sharpe(2.5 / sqrt(250), 1250, -3, 10, 0.5 / 250, 100), 0.9004, 5e-5);
  /* Python as above. */
  assert_near(robustness_deflated_sharpe(2.5 / sqrt(250), 1250, -3, 10, 0.5 / 250, 100), 0.9003968344495117, 1e-9);
  assert_near(robustness_deflated_sharpe(0.05, 20, 0.5, 4, 0.01, 7), 0.347867429845757, 1e-9);
  assert_near(robustness_deflated_sharpe(0.3, 365, -0.7, 5.5, 0.004, 50), 0.9953350458629648, 1e-9);
  assert_near(robustness_deflated_sharpe(0.1, 250, 0, 3, NAN, 1), 0.942261266719699, 1e-9); /* one set: the probabilistic ratio */
  assert_true(isnan(robustness_deflated_sharpe(0.1, 19, 0, 3, 0.01, 7)));
  assert_true(isnan(robustness_deflated_sharpe(NAN, 250, 0, 3, 0.01, 7)));
  assert_true(isnan(robustness_deflated_sharpe(0.1, 250, 0, 3, NAN, 7)));
  assert_true(isnan(robustness_deflated_sharpe(2, 250, 1, 1, 0.01, 7))); /* no such distribution: the root would be of a negative number */
}

/* Returns 1, 1, 1, 5 (mean 2): population moments 3, 6, 21; by hand. */
static void test_description(void **state) {
  static const double returns[] = {1, 1, 1, 5};
  struct robustness_returns out;
  (void)state;
  robustness_describe(returns, 4, 2, 2, &out);
  assert_int_equal(out.days, 4);
  assert_near(out.sharpe, 1, 0);
  assert_near(out.skewness, 6 / (3 * sqrt(3)), 1e-15);
  assert_near(out.kurtosis, 21.0 / 9, 1e-15);
  static const double flat[] = {2, 2};
  robustness_describe(flat, 2, 2, 0, &out);
  assert_true(isnan(out.sharpe) && isnan(out.skewness) && isnan(out.kurtosis));
}

/* ---- Monte Carlo ---- */

enum { TRADES = 6 };
static const struct monte_carlo_trade trades[TRADES] = {{2, 0.2}, {-1, 0.1}, {-1, 0}, {3, 0.4}, {-1, 0.1}, {0, 0}};

static struct monte_carlo_options usual(void) {
  return (struct monte_carlo_options){.draws = 1000, .seed = 7, .risk_per_trade = 0.1, .kill_limit = 0.19};
}

static struct monte_carlo_draw draw_of(enum monte_carlo_kind kind, const struct monte_carlo_options *options, int64_t number) {
  int32_t order[TRADES];
  struct monte_carlo_draw draw;
  monte_carlo_draw(trades, TRADES, kind, options, number, order, &draw);
  return draw;
}

/* The product of the factors does not know an order: (1.2 * 0.9^3 * 1.3) - 1. Longest runs of three losses among six places: 1 to 3. */
static void test_shuffle(void **state) {
  struct monte_carlo_options options = usual();
  int runs[TRADES + 1] = {0};
  (void)state;
  for (int64_t i = 0; i < options.draws; i++) {
    struct monte_carlo_draw draw = draw_of(MONTE_CARLO_SHUFFLE, &options, i);
    assert_near(draw.total_return, 1.2 * 0.9 * 0.9 * 1.3 * 0.9 - 1, 1e-12);
    assert_in_range(draw.losing_run, 1, 3);
    assert_true(draw.max_drawdown >= 0.1 - 1e-12 && draw.max_drawdown <= 1 - 0.9 * 0.9 * 0.9 + 1e-12);
    runs[draw.losing_run]++;
  }
  /* Of the 20 choices of three places out of six, 4 are without neighbours, 12 have two, 4 have three. */
  assert_in_range(runs[1], 150, 250);
  assert_in_range(runs[2], 540, 660);
  assert_in_range(runs[3], 150, 250);
}

/* Whole rounds: a block of six is the list from some trade on, so the return is that of the list, and the run one of its rotations. */
static void test_bootstrap(void **state) {
  struct monte_carlo_options options = usual();
  (void)state;
  options.block = TRADES;
  for (int64_t i = 0; i < 100; i++) assert_near(draw_of(MONTE_CARLO_BOOTSTRAP, &options, i).total_return, 1.2 * 0.729 * 1.3 - 1, 1e-12);
  options.block = 1;
  double logs = 0;
  for (int64_t i = 0; i < options.draws; i++) logs += log(1 + draw_of(MONTE_CARLO_BOOTSTRAP, &options, i).total_return);
  double mean = log(1.2 * 0.729 * 1.3);
  assert_near(logs / (double)options.draws, mean, 4 * 0.36 / sqrt(1000)); /* four deviations: sqrt(6) times 0.146, that of the logs, by hand */
}

static void test_skip_and_cost(void **state) {
  struct monte_carlo_options options = usual();
  int whole = 0;
  double sum = 0;
  (void)state;
  for (int64_t i = 0; i < options.draws; i++) {
    double total = draw_of(MONTE_CARLO_SKIP, &options, i).total_return;
    if (fabs(total - (1.2 * 0.729 * 1.3 - 1)) < 1e-12) whole++; /* nothing is dropped, or the flat trade only: 0.9^5 = 0.59 */
    total = draw_of(MONTE_CARLO_COST, &options, i).total_return;
    sum += total;
    /* Bounds: half and twice the slippage of every trade. */
    assert_true(total < (1 + 0.1 * 2.1) * (1 - 0.1 * 0.95) * 0.9 * (1 + 0.1 * 3.2) * (1 - 0.1 * 0.95) - 1 + 1e-12);
    assert_true(total > (1 + 0.1 * 1.8) * (1 - 0.1 * 1.1) * 0.9 * (1 + 0.1 * 2.6) * (1 - 0.1 * 1.1) - 1 - 1e-12);
  }
  assert_in_range(whole, 530, 650);
  /* The mean factor is 1.25 and the trades are independent: the product of the means. */
  assert_near(sum / 1000, (1 + 0.1 * 1.95) * (1 - 0.1 * 1.025) * 0.9 * (1 + 0.1 * 2.9) * (1 - 0.1 * 1.025) - 1, 0.002);
}

/* Draws of their own: the same alone and among others, different from seed to seed and from kind to kind. */
static void test_streams(void **state) {
  struct monte_carlo_options options = usual();
  (void)state;
  struct monte_carlo_draw first = draw_of(MONTE_CARLO_COST, &options, 17);
  options.draws = 20;
  assert_true(draw_of(MONTE_CARLO_COST, &options, 17).total_return == first.total_return);
  options.seed = 8;
  for (int64_t i = 0; i < 40; i++) assert_true(draw_of(MONTE_CARLO_COST, &options, i).total_return != first.total_return);
}

static void test_percentiles(void **state) {
  struct monte_carlo_options options = usual();
  struct monte_carlo out;
  (void)state;
  monte_carlo_run(trades, TRADES, &options, &out);
  const struct monte_carlo_result *shuffled = &out.kinds[MONTE_CARLO_SHUFFLE];
  assert_int_equal(out.trades, TRADES);
  assert_int_equal(out.options.block, 2); /* 2^3 >= 6 */
  for (int i = 0; i < MONTE_CARLO_RANKS; i++) assert_near(shuffled->total_return[i], 1.2 * 0.729 * 1.3 - 1, 1e-12);
  assert_near(shuffled->losing_run[0], 1, 0);
  assert_near(shuffled->losing_run[2], 2, 0);
  assert_near(shuffled->losing_run[4], 3, 0);
  assert_near(shuffled->p_value, 0, 0);
  /* A fall of 0.19 needs two losses without a gain between them; the flat trade is none. */
  int64_t kills = 0;
  int64_t lost = 0;
  for (int64_t i = 0; i < options.draws; i++) {
    if (draw_of(MONTE_CARLO_SHUFFLE, &options, i).max_drawdown >= 0.19) kills++;
    if (draw_of(MONTE_CARLO_BOOTSTRAP, &options, i).total_return <= 0) lost++;
  }
  assert_true(kills > 0 && kills < options.draws && lost > 0);
  assert_near(shuffled->kill_probability, (double)kills / 1000, 0);
  assert_near(out.kinds[MONTE_CARLO_BOOTSTRAP].p_value, (double)lost / 1000, 0);
}

/* Nearest rank of 10 draws: 5 % is the 1st, 25 % the 3rd, 50 % the 5th, 75 % the 8th, 95 % the 10th. */
static void test_nearest_rank(void **state) {
  struct monte_carlo_options options = usual();
  struct monte_carlo out;
  double sorted[10];
  static const int expected[MONTE_CARLO_RANKS] = {1, 3, 5, 8, 10};
  (void)state;
  options.draws = 10;
  monte_carlo_run(trades, TRADES, &options, &out);
  for (int i = 0; i < 10; i++) {
    double value = draw_of(MONTE_CARLO_COST, &options, i).total_return;
    int at = i;
    for (; at > 0 && sorted[at - 1] > value; at--) sorted[at] = sorted[at - 1];
    sorted[at] = value;
  }
  for (int i = 0; i < MONTE_CARLO_RANKS; i++) assert_near(out.kinds[MONTE_CARLO_COST].total_return[i], sorted[expected[i] - 1], 0);
}

static void test_extremes(void **state) {
  struct monte_carlo_options options = usual();
  struct monte_carlo out;
  (void)state;
  monte_carlo_run(NULL, 0, &options, &out);
  for (int i = 0; i < monte_carlo_kind_count; i++) assert_true(isnan(out.kinds[i].p_value) && isnan(out.kinds[i].max_drawdown[0]));
  static const struct monte_carlo_trade ruin[] = {{-11, 0}, {-11, 0}}; /* more than everything: equity ends at 0 and not above it again */
  monte_carlo_run(ruin, 2, &options, &out);
  assert_near(out.kinds[MONTE_CARLO_SHUFFLE].total_return[4], -1, 0);
  assert_near(out.kinds[MONTE_CARLO_SHUFFLE].max_drawdown[0], 1, 0);
  assert_near(out.kinds[MONTE_CARLO_SHUFFLE].p_value, 1, 0);
  assert_near(out.kinds[MONTE_CARLO_SHUFFLE].kill_probability, 1, 0);
}

/* 2 units bought at 100 with 5 bps, sold at 110 with 10 bps: 0.1 + 0.22 USD of 16 USD at risk. */
static void test_slippage_of_a_trade(void **state) {
  struct trade trade = {.qty = 2 * DECIMAL_ONE,
                        .entry = 100 * DECIMAL_ONE,
                        .exit_average = 110 * DECIMAL_ONE,
                        .r_usd = 16 * DECIMAL_ONE,
                        .pnl_r = 1.2,
                        .slippage_entry_bps = 5,
                        .slippage_exit_bps = 10};
  struct monte_carlo_trade out;
  (void)state;
  monte_carlo_of_trade(&trade, &out);
  assert_near(out.slippage_r, 0.32 / 16, 1e-15);
  assert_near(out.r, 1.2, 0);
  trade.slippage_entry_bps = -5; /* better than planned: no cost */
  trade.slippage_exit_bps = NAN;
  monte_carlo_of_trade(&trade, &out);
  assert_near(out.slippage_r, 0, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_luckiest_of_many),
      cmocka_unit_test(test_deflated),
      cmocka_unit_test(test_description),
      cmocka_unit_test(test_shuffle),
      cmocka_unit_test(test_bootstrap),
      cmocka_unit_test(test_skip_and_cost),
      cmocka_unit_test(test_streams),
      cmocka_unit_test(test_percentiles),
      cmocka_unit_test(test_nearest_rank),
      cmocka_unit_test(test_extremes),
      cmocka_unit_test(test_slippage_of_a_trade),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
