#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/random.h"
#include "core/analysis/level.h"
#include "core/trade/performance.h"
#include "support/trade_fixture.h"

/* The reference twins below are the formulas of backtest 6 written as plainly as possible, each from the raw trades and marks, with qsort and libm.
 */

static const int64_t day_1 = INT64_C(1704067200000); /* Monday 2024-01-01T00:00:00Z */

enum { TRADES = 57, MARKS = 3000 };

struct run {
  struct trade trades[TRADES];
  struct equity_point marks[MARKS];
  struct performance_input input;
  struct performance out;
  double scratch[TRADES + 400];
};

static double value(const struct run *run, enum performance_figure figure) {
  return run->out.figure[figure];
}

static void compute(struct run *run) {
  performance_compute(&run->input, run->scratch, &run->out);
}

/* Nulls must agree; numbers within 1e-9 of their size. */
static void assert_same(double actual, double expected) {
  if (isnan(expected)) {
    assert_true(isnan(actual));
    return;
  }
  assert_near(actual, expected, 1e-9 * fmax(1, fabs(expected)));
}

#define assert_figure(run, name, expected) assert_same(value((run), FIGURE_##name), (expected))

/* --- reference twins --- */

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

struct list {
  double v[MARKS];
  int n;
};

static double sum_of(const struct list *list) {
  double sum = 0;
  for (int i = 0; i < list->n; i++) sum += list->v[i];
  return sum;
}

static double mean_of(const struct list *list) {
  return list->n > 0 ? sum_of(list) / list->n : NAN;
}

static double central(const struct list *list, int power) {
  double sum = 0;
  for (int i = 0; i < list->n; i++) sum += pow(list->v[i] - mean_of(list), power);
  return sum / list->n;
}

static double sample_sigma(const struct list *list) {
  return sqrt(central(list, 2) * list->n / (list->n - 1));
}

static double ref_median(const struct list *list) {
  struct list copy = *list;
  if (copy.n == 0) return NAN;
  qsort(copy.v, (size_t)copy.n, sizeof copy.v[0], ascending);
  return copy.n % 2 == 1 ? copy.v[copy.n / 2] : (copy.v[copy.n / 2 - 1] + copy.v[copy.n / 2]) / 2;
}

enum which { ALL, WINS, LOSSES };
enum what { PNL, R, HOLD, MAE, MFE, MAE_SIZE };

static struct list trades_of(const struct run *run, enum which which, enum what what) {
  struct list list = {.n = 0};
  for (int i = 0; i < run->input.trade_count; i++) {
    const struct trade *trade = &run->trades[i];
    if (which == WINS && trade->pnl_usd <= 0) continue;
    if (which == LOSSES && trade->pnl_usd >= 0) continue;
    const double values[] = {
        (double)trade->pnl_usd / 1e8, trade->pnl_r, (double)(trade->closed_at - trade->opened_at), trade->mae_r, trade->mfe_r, fabs(trade->mae_r)};
    list.v[list.n++] = values[what];
  }
  return list;
}

static double equity_at(const struct run *run, int64_t ts) {
  double equity = run->marks[0].equity_usd;
  for (int64_t i = 0; i < run->input.mark_count; i++) {
    if (run->marks[i].ts <= ts) equity = run->marks[i].equity_usd;
  }
  return equity;
}

static double peak_at(const struct run *run, int64_t ts) {
  double peak = run->marks[0].equity_usd;
  for (int64_t i = 0; i < run->input.mark_count; i++) {
    if (run->marks[i].ts <= ts) peak = fmax(peak, run->marks[i].equity_usd);
  }
  return peak;
}

/* Ends of the pieces: each 00:00 in the period, then the end; ends that make a first or last piece shorter than 12 h are left out. */
static int day_ends(const struct run *run, int64_t *ends) {
  int n = 0;
  for (int64_t ts = day_1; ts < run->input.to; ts += DAY_MS) {
    if (ts - run->input.from < 12 * HOUR_MS || run->input.to - ts < 12 * HOUR_MS) continue;
    ends[n++] = ts;
  }
  ends[n++] = run->input.to;
  return n;
}

static struct list returns_of(const struct run *run) {
  int64_t ends[400];
  struct list list = {.n = day_ends(run, ends)};
  double before = run->marks[0].equity_usd;
  for (int i = 0; i < list.n; i++) {
    double after = equity_at(run, ends[i]);
    list.v[i] = after / before - 1;
    before = after;
  }
  return list;
}

/* --- data --- */

static void random_trade(struct trade *trade, struct random *random, int64_t closed_at) {
  double r = random_normal(random) * 1.3 + 0.1;
  *trade = (struct trade){.closed_at = closed_at, .opened_at = closed_at - (int64_t)random_below(random, 90000000)};
  trade->pnl_r = random_below(random, 12) == 0 ? 0 : r;
  trade->pnl_usd = decimal_from_double(trade->pnl_r * (80 + 40 * random_unit(random)));
  trade->fees_usd = decimal_from_double(3 * random_unit(random));
  trade->funding_usd = decimal_from_double(random_normal(random));
  trade->mfe_r = fmax(0, r) + random_unit(random);
  trade->mae_r = fmin(0, r) - random_unit(random);
  trade->target_mask = (int32_t)random_below(random, 8);
}

/* 41 days with marks every 20 minutes, from `from`. */
static struct run *random_run(uint64_t seed, int64_t from, int64_t to) {
  static struct run run;
  struct random random;
  random_init(&random, seed);
  memset(&run, 0, sizeof run);
  double equity = 10000;
  int64_t count = 0;
  for (int64_t ts = from; ts <= to && count < MARKS; ts += 20 * MINUTE_MS) {
    struct equity_point *mark = &run.marks[count++];
    *mark = (struct equity_point){.ts = ts, .equity_usd = equity, .positions = (int32_t)random_below(&random, 3)};
    mark->notional_usd = mark->positions * equity * random_unit(&random);
    equity *= 1 + 0.003 * random_normal(&random) + 0.00005;
  }
  for (int i = 0; i < TRADES; i++) random_trade(&run.trades[i], &random, from + (i + 1) * (to - from) / (TRADES + 1));
  run.input = (struct performance_input){.trades = run.trades,
                                         .trade_count = TRADES,
                                         .marks = run.marks,
                                         .mark_count = count,
                                         .from = from,
                                         .to = to,
                                         .turnover_usd = 500000,
                                         .slippage_usd = 12.5,
                                         .entries = 60,
                                         .plans = 80,
                                         .unfilled_entries = 20,
                                         .refused_plans = 7,
                                         .breakeven_moves = 11,
                                         .trailing_moves = 13,
                                         .add_ons = 2,
                                         .left_open = 3,
                                         .path_dependent_trades = 4,
                                         .market_change = 0.02,
                                         .reference_change = NAN};
  compute(&run);
  return &run;
}

static struct run *usual_run(void) {
  return random_run(1, day_1 + 5 * HOUR_MS, day_1 + 40 * DAY_MS + 17 * HOUR_MS);
}

/* --- tests --- */

/* backtest 6: trades +2, -1, -1, +3, -1, 0 with 100 USD per R. */
static void test_stated_fixture(void **state) {
  (void)state;
  static const double r[] = {2, -1, -1, 3, -1, 0};
  struct run *run = random_run(1, day_1, day_1 + DAY_MS);
  for (int i = 0; i < 6; i++) run->trades[i] = (struct trade){.pnl_r = r[i], .pnl_usd = decimal_from_double(100 * r[i]), .closed_at = day_1 + i};
  run->input.trade_count = 6;
  compute(run);
  assert_near(value(run, FIGURE_win_rate), 0.3333, 0.00005);
  assert_near(value(run, FIGURE_profit_factor), 1.6667, 0.00005);
  assert_near(value(run, FIGURE_average_r), 0.3333, 0.00005);
  assert_near(value(run, FIGURE_expectancy_r), 0.3333, 0.00005);
  assert_near(value(run, FIGURE_std_r), 1.7512, 0.00005);
  assert_near(value(run, FIGURE_sqn), 0.4662, 0.0001);
  assert_true(value(run, FIGURE_max_consecutive_losses) == 2);
  assert_true(value(run, FIGURE_max_consecutive_wins) == 1);
  assert_true(value(run, FIGURE_max_drawdown_r) == 2);
  assert_true(value(run, FIGURE_loss_rate) == 0.5); /* the flat trade counts in n */
}

static void test_trade_figures(void **state) {
  (void)state;
  struct run *run = usual_run();
  struct list p = trades_of(run, ALL, PNL);
  struct list r = trades_of(run, ALL, R);
  struct list wins = trades_of(run, WINS, PNL);
  struct list losses = trades_of(run, LOSSES, PNL);
  struct list r_wins = trades_of(run, WINS, R);
  struct list mfe_wins = trades_of(run, WINS, MFE);
  struct list mfe = trades_of(run, ALL, MFE);
  struct list mae_size = trades_of(run, ALL, MAE_SIZE);
  assert_true(wins.n > 5 && losses.n > 5 && wins.n + losses.n < TRADES); /* the data has all three outcomes */
  assert_figure(run, total_trades, TRADES);
  assert_figure(run, trades_per_day, TRADES * 86400000.0 / (double)(run->input.to - run->input.from));
  assert_figure(run, win_rate, (double)wins.n / TRADES);
  assert_figure(run, loss_rate, (double)losses.n / TRADES);
  assert_figure(run, gross_profit_usd, sum_of(&wins));
  assert_figure(run, gross_loss_usd, -sum_of(&losses));
  assert_figure(run, profit_factor, sum_of(&wins) / -sum_of(&losses));
  assert_figure(run, expectancy_usd, mean_of(&p));
  assert_figure(run, average_r, mean_of(&r));
  assert_figure(run, median_r, ref_median(&r));
  assert_figure(run, std_r, sample_sigma(&r));
  assert_figure(run, average_win_usd, mean_of(&wins));
  assert_figure(run, average_loss_usd, mean_of(&losses));
  assert_figure(run, payoff_ratio, mean_of(&wins) / -mean_of(&losses));
  assert_figure(run, sqn, sqrt(TRADES) * mean_of(&r) / sample_sigma(&r));
  assert_figure(run, r_sharpe, mean_of(&r) / sample_sigma(&r));
  assert_figure(run, edge_ratio, mean_of(&mfe) / mean_of(&mae_size));
  assert_figure(run, capture, sum_of(&r_wins) / sum_of(&mfe_wins));
  qsort(p.v, TRADES, sizeof p.v[0], ascending);
  qsort(r.v, TRADES, sizeof r.v[0], ascending);
  assert_figure(run, largest_win_usd, p.v[TRADES - 1]);
  assert_figure(run, largest_loss_usd, p.v[0]);
  assert_figure(run, best_r, r.v[TRADES - 1]);
  assert_figure(run, worst_r, r.v[0]);
}

static void test_means_and_medians_by_outcome(void **state) {
  (void)state;
  struct run *run = usual_run();
  static const struct {
    enum which which;
    enum what what;
    enum performance_figure mean, median;
  } rows[] = {{ALL, HOLD, FIGURE_average_hold_ms, FIGURE_median_hold_ms},
              {WINS, HOLD, FIGURE_average_win_hold_ms, FIGURE_median_win_hold_ms},
              {LOSSES, HOLD, FIGURE_average_loss_hold_ms, FIGURE_median_loss_hold_ms},
              {ALL, MAE, FIGURE_mae_r, FIGURE_median_mae_r},
              {WINS, MAE, FIGURE_win_mae_r, FIGURE_median_win_mae_r},
              {LOSSES, MAE, FIGURE_loss_mae_r, FIGURE_median_loss_mae_r},
              {ALL, MFE, FIGURE_mfe_r, FIGURE_median_mfe_r},
              {WINS, MFE, FIGURE_win_mfe_r, FIGURE_median_win_mfe_r},
              {LOSSES, MFE, FIGURE_loss_mfe_r, FIGURE_median_loss_mfe_r}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct list list = trades_of(run, rows[i].which, rows[i].what);
    assert_same(value(run, rows[i].mean), mean_of(&list));
    assert_same(value(run, rows[i].median), ref_median(&list));
  }
}

static void test_runs_and_fall_of_r(void **state) {
  (void)state;
  struct run *run = usual_run();
  int wins = 0;
  int losses = 0;
  double fall = 0;
  for (int i = 0; i < TRADES; i++) { /* every stretch from i to j */
    double sum = 0;
    bool is_win = true;
    bool is_loss = true;
    for (int j = i; j < TRADES; j++) {
      is_win = is_win && run->trades[j].pnl_usd > 0;
      is_loss = is_loss && run->trades[j].pnl_usd < 0;
      if (is_win && j - i + 1 > wins) wins = j - i + 1;
      if (is_loss && j - i + 1 > losses) losses = j - i + 1;
      sum += run->trades[j].pnl_r;
      fall = fmax(fall, -sum);
    }
  }
  assert_figure(run, max_consecutive_wins, wins);
  assert_figure(run, max_consecutive_losses, losses);
  assert_figure(run, max_drawdown_r, fall);
}

static void test_counts_and_costs(void **state) {
  (void)state;
  struct run *run = usual_run();
  double fees = 0;
  double funding = 0;
  int hits[3] = {0};
  for (int i = 0; i < TRADES; i++) {
    fees += (double)run->trades[i].fees_usd / 1e8;
    funding += (double)run->trades[i].funding_usd / 1e8;
    for (int k = 0; k < 3; k++) hits[k] += run->trades[i].target_mask >> k & 1;
  }
  double net = run->marks[run->input.mark_count - 1].equity_usd - 10000;
  assert_figure(run, fees_usd, fees);
  assert_figure(run, funding_usd, funding);
  assert_figure(run, slippage_usd, 12.5);
  assert_figure(run, turnover_usd, 500000);
  assert_figure(run, break_even_cost_bps, 1e4 * net / 500000);
  assert_figure(run, tp1_hit_rate, (double)hits[0] / TRADES);
  assert_figure(run, tp2_hit_rate, (double)hits[1] / TRADES);
  assert_same(run->out.target_hit_rate[2], (double)hits[2] / TRADES);
  assert_same(run->out.target_hit_rate[3], 0);
  assert_figure(run, fill_rate, 0.75);
  assert_figure(run, unfilled_entries, 20);
  assert_figure(run, refused_plans, 7);
  assert_figure(run, breakeven_moves, 11);
  assert_figure(run, trailing_moves, 13);
  assert_figure(run, add_ons, 2);
  assert_figure(run, left_open, 3);
  assert_figure(run, path_dependent_share, 4.0 / TRADES);
  assert_figure(run, market_change, 0.02);
  assert_figure(run, reference_change, NAN);
}

static void check_daily_figures(const struct run *run) {
  struct list rho = returns_of(run);
  double mean = mean_of(&rho);
  double sigma = sample_sigma(&rho);
  double squares = 0;
  double gains = 0;
  double losses = 0;
  double ulcer = 0;
  int64_t ends[400];
  day_ends(run, ends);
  for (int i = 0; i < rho.n; i++) {
    squares += pow(fmin(0, rho.v[i]), 2);
    gains += fmax(rho.v[i], 0);
    losses += fmax(-rho.v[i], 0);
    ulcer += pow(100 * (1 - equity_at(run, ends[i]) / peak_at(run, ends[i])), 2);
  }
  double downside = sqrt(squares / rho.n);
  assert_figure(run, omega, gains / losses);
  assert_figure(run, volatility_annual, sigma * sqrt(365));
  assert_figure(run, sharpe, mean / sigma * sqrt(365));
  assert_figure(run, sortino, mean / downside * sqrt(365));
  assert_figure(run, downside_deviation, downside * sqrt(365));
  assert_figure(run, ulcer_index, sqrt(ulcer / rho.n));
  double s = mean / sigma;
  double skewness = central(&rho, 3) / pow(central(&rho, 2), 1.5);
  double kurtosis = central(&rho, 4) / pow(central(&rho, 2), 2);
  double z = s * sqrt(rho.n - 1.0) / sqrt(1 - skewness * s + (kurtosis - 1) / 4 * s * s);
  assert_figure(run, probabilistic_sharpe, 0.5 * erfc(-z / sqrt(2)));
  qsort(rho.v, (size_t)rho.n, sizeof rho.v[0], ascending);
  int rank = (int)ceil(0.05 * rho.n - 1e-9);
  rho.n = rank;
  assert_figure(run, var_95, -rho.v[rank - 1]);
  assert_figure(run, es_95, -mean_of(&rho));
}

/* Periods whose first and last pieces are long, short, and exactly 12 h. */
static void test_daily_figures(void **state) {
  (void)state;
  check_daily_figures(usual_run());
  check_daily_figures(random_run(2, day_1, day_1 + 41 * DAY_MS));
  check_daily_figures(random_run(3, day_1 + 20 * HOUR_MS, day_1 + 30 * DAY_MS + 6 * HOUR_MS));
  check_daily_figures(random_run(4, day_1 + 12 * HOUR_MS, day_1 + 25 * DAY_MS + 12 * HOUR_MS));
  check_daily_figures(random_run(5, day_1 + 12 * HOUR_MS + 1, day_1 + 25 * DAY_MS + 12 * HOUR_MS - 1));
}

static void test_equity_figures(void **state) {
  (void)state;
  struct run *run = usual_run();
  const struct equity_point *marks = run->marks;
  int64_t n = run->input.mark_count;
  double end = marks[n - 1].equity_usd;
  double period = (double)(run->input.to - run->input.from);
  double depth = 0;
  double exposed = 0;
  double weighted = 0;
  double largest = 0;
  int64_t trough = 0;
  for (int64_t i = 0; i < n; i++) {
    double peak = peak_at(run, marks[i].ts);
    if ((peak - marks[i].equity_usd) / peak > depth) {
      depth = (peak - marks[i].equity_usd) / peak;
      trough = i;
    }
    double duration = (double)((i + 1 < n ? marks[i + 1].ts : run->input.to) - marks[i].ts);
    exposed += marks[i].positions > 0 ? duration : 0;
    weighted += duration * marks[i].notional_usd / marks[i].equity_usd;
    largest = fmax(largest, marks[i].notional_usd / marks[i].equity_usd);
  }
  double cagr = pow(end / 10000, 365 * 86400000.0 / period) - 1;
  double peak = peak_at(run, marks[trough].ts);
  assert_figure(run, net_profit_usd, end - 10000);
  assert_figure(run, total_return, end / 10000 - 1);
  assert_figure(run, cagr, cagr);
  assert_figure(run, max_drawdown, depth);
  assert_figure(run, max_drawdown_usd, peak - marks[trough].equity_usd);
  assert_figure(run, max_drawdown_trough_at, (double)marks[trough].ts);
  assert_figure(run, calmar, cagr / depth);
  assert_figure(run, recovery_factor, (end - 10000) / (peak - marks[trough].equity_usd));
  assert_figure(run, exposure, exposed / period);
  assert_figure(run, average_notional_ratio, weighted / period);
  assert_figure(run, max_notional_ratio, largest);
}

/* Falls of the random curve, found peak by peak: from each mark at a new maximum to the next mark at or above it. */
static void test_falls(void **state) {
  (void)state;
  struct run *run = usual_run();
  const struct equity_point *marks = run->marks;
  int64_t n = run->input.mark_count;
  double sum = 0;
  int count = 0;
  int falls = 0;
  double longest = 0;
  struct drawdown worst = {0};
  for (int64_t i = 0; i < n; i++) {
    if (marks[i].equity_usd < peak_at(run, marks[i].ts)) continue;
    int64_t j = i + 1;
    double lowest = marks[i].equity_usd;
    int64_t lowest_at = 0;
    for (; j < n && marks[j].equity_usd < marks[i].equity_usd; j++) {
      if (marks[j].equity_usd < lowest) {
        lowest = marks[j].equity_usd;
        lowest_at = marks[j].ts;
      }
    }
    if (lowest_at == 0) continue;
    double depth = 1 - lowest / marks[i].equity_usd;
    int64_t until = j < n ? marks[j].ts : run->input.to;
    falls++;
    longest = fmax(longest, (double)(until - marks[i].ts));
    if (depth > 0.001) {
      sum += depth;
      count++;
    }
    if (depth > worst.depth) {
      worst = (struct drawdown){
          .depth = depth, .peak_at = marks[i].ts, .trough_at = lowest_at, .recovered_at = j < n ? marks[j].ts : 0, .length_ms = until - marks[i].ts};
    }
  }
  assert_true(falls > PERFORMANCE_DRAWDOWNS_MAX); /* the list must choose */
  assert_figure(run, average_drawdown, sum / count);
  assert_figure(run, longest_underwater_ms, longest);
  assert_figure(run, max_drawdown_peak_at, (double)worst.peak_at);
  assert_figure(run, max_drawdown_recovered_at, worst.recovered_at == 0 ? NAN : (double)worst.recovered_at);
  assert_figure(run, max_drawdown_length_ms, (double)worst.length_ms);
  assert_int_equal(run->out.drawdown_count, PERFORMANCE_DRAWDOWNS_MAX);
  for (int i = 1; i < PERFORMANCE_DRAWDOWNS_MAX; i++) assert_true(run->out.drawdowns[i].depth <= run->out.drawdowns[i - 1].depth);
}

/* By hand: 100, 110, 99 (10 %), 120, 114 (5 %, not recovered at the end, 20 min later). */
static void test_falls_by_hand(void **state) {
  (void)state;
  static const double equity[] = {100, 110, 99, 120, 114};
  struct run *run = random_run(1, day_1, day_1 + DAY_MS);
  for (int i = 0; i < 5; i++) run->marks[i] = (struct equity_point){.ts = day_1 + i * MINUTE_MS, .equity_usd = equity[i]};
  run->input.mark_count = 5;
  run->input.to = day_1 + 24 * MINUTE_MS;
  compute(run);
  assert_int_equal(run->out.drawdown_count, 2);
  assert_near(run->out.drawdowns[0].depth, 0.1, 1e-12);
  assert_near(run->out.drawdowns[0].depth_usd, 11, 1e-12);
  assert_int_equal(run->out.drawdowns[0].peak_at, day_1 + MINUTE_MS);
  assert_int_equal(run->out.drawdowns[0].trough_at, day_1 + 2 * MINUTE_MS);
  assert_int_equal(run->out.drawdowns[0].recovered_at, day_1 + 3 * MINUTE_MS);
  assert_int_equal(run->out.drawdowns[0].length_ms, 2 * MINUTE_MS);
  assert_int_equal(run->out.drawdowns[1].recovered_at, 0);
  assert_int_equal(run->out.drawdowns[1].length_ms, 21 * MINUTE_MS);
  assert_figure(run, longest_underwater_ms, 21.0 * MINUTE_MS);
  assert_figure(run, average_drawdown, 0.075);
  assert_figure(run, cagr, NAN); /* less than a day */
}

/* Days without a mark, as an outage leaves them, have the equity of before. */
static void test_days_without_marks(void **state) {
  (void)state;
  struct run *run = random_run(3, day_1, day_1 + 40 * DAY_MS);
  int64_t kept = 0;
  for (int64_t i = 0; i < run->input.mark_count; i++) {
    int64_t hour = (run->marks[i].ts - day_1) / HOUR_MS;
    if (hour < 5 * 24 + 7 || hour > 9 * 24 + 4) run->marks[kept++] = run->marks[i];
  }
  run->input.mark_count = kept;
  compute(run);
  check_daily_figures(run);
}

/* Followed from mark to mark, the curve gives the same figures to the last bit. */
static void test_followed_curve(void **state) {
  (void)state;
  static double returns[64], scratch[TRADES];
  struct run *run = usual_run();
  struct performance_curve curve;
  struct performance followed;
  performance_curve_begin(&curve, run->input.from, returns);
  for (int64_t i = 0; i < run->input.mark_count; i++) performance_curve_add(&curve, &run->marks[i]);
  struct performance_input input = run->input;
  input.marks = NULL;
  input.mark_count = 0;
  input.curve = &curve;
  performance_compute(&input, scratch, &followed);
  assert_memory_equal(followed.figure, run->out.figure, sizeof followed.figure);
  assert_memory_equal(followed.drawdowns, run->out.drawdowns, sizeof followed.drawdowns);
}

/* What cannot be computed is null, never 0 and never infinite. */
static void test_nulls(void **state) {
  (void)state;
  struct run *run = random_run(1, day_1, day_1 + 5 * DAY_MS); /* 5 days: fewer than 10 returns */
  assert_figure(run, sharpe, NAN);
  assert_figure(run, ulcer_index, NAN);
  assert_figure(run, var_95, NAN);
  assert_true(isnan(value(run, FIGURE_omega)) == 0);
  run->input.trade_count = 0;
  run->input.turnover_usd = 0;
  run->input.plans = 0;
  for (int i = 0; i < run->input.mark_count; i++) run->marks[i].equity_usd = 10000;
  compute(run);
  static const enum performance_figure nulls[] = {FIGURE_win_rate,
                                                  FIGURE_profit_factor,
                                                  FIGURE_expectancy_usd,
                                                  FIGURE_average_r,
                                                  FIGURE_median_r,
                                                  FIGURE_std_r,
                                                  FIGURE_sqn,
                                                  FIGURE_payoff_ratio,
                                                  FIGURE_largest_win_usd,
                                                  FIGURE_best_r,
                                                  FIGURE_calmar,
                                                  FIGURE_recovery_factor,
                                                  FIGURE_omega,
                                                  FIGURE_average_drawdown,
                                                  FIGURE_max_drawdown_peak_at,
                                                  FIGURE_edge_ratio,
                                                  FIGURE_capture,
                                                  FIGURE_average_hold_ms,
                                                  FIGURE_break_even_cost_bps,
                                                  FIGURE_fill_rate,
                                                  FIGURE_tp1_hit_rate,
                                                  FIGURE_path_dependent_share};
  for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++) assert_true(isnan(value(run, nulls[i])));
  assert_figure(run, total_trades, 0);
  assert_figure(run, max_drawdown, 0);
  assert_figure(run, total_return, 0);
  run->input.mark_count = 0;
  compute(run);
  assert_figure(run, net_profit_usd, NAN);
  assert_figure(run, max_drawdown, NAN);
  for (int i = 0; i < figure_count; i++) assert_true(isinf(run->out.figure[i]) == 0);
}

static void test_names_are_the_stated_ones(void **state) {
  (void)state;
  assert_string_equal(figure_names[FIGURE_total_trades], "total_trades");
  assert_string_equal(figure_names[FIGURE_expectancy_r], "expectancy_r");
  assert_string_equal(figure_names[FIGURE_es_95], "es_95");
  assert_string_equal(figure_units[FIGURE_max_drawdown], "fraction");
}

static struct trade named(const char *symbol, enum position_side side, int64_t closed_at, double r, int32_t sources) {
  struct trade trade = {.side = (int32_t)side,
                        .closed_at = closed_at,
                        .pnl_r = r,
                        .pnl_usd = decimal_from_double(100 * r),
                        .level_sources = sources,
                        .exit_reason = REASON_stop_loss};
  text_copy(trade.symbol, sizeof trade.symbol, symbol);
  return trade;
}

/* 2024-12-30 is Monday of ISO week 2025-W01. */
static void test_breakdowns(void **state) {
  (void)state;
  int64_t monday = calendar_to_ms(2024, 12, 30, 7, 5, 0, 0);
  const struct trade trades[] = {named("B", SIDE_SHORT, monday, 2, LEVEL_SOURCE_SWING),
                                 named("A", SIDE_LONG, monday + 3 * DAY_MS, -1, LEVEL_SOURCE_DONCHIAN | LEVEL_SOURCE_VOLUME),
                                 named("B", SIDE_LONG, monday + HOUR_MS, -0.5, 0), named("C", SIDE_LONG, monday + 7 * DAY_MS, 0, 0)};
  struct breakdown_row rows[8];
  assert_int_equal(performance_breakdown(trades, 4, BREAKDOWN_SYMBOL, rows, 0), 0);
  assert_int_equal(performance_breakdown(trades, 4, BREAKDOWN_SYMBOL, rows, 8), 3);
  assert_string_equal(rows[0].key, "A");
  assert_string_equal(rows[1].key, "B");
  assert_int_equal(rows[1].total_trades, 2);
  assert_near(rows[1].win_rate, 0.5, 0);
  assert_near(rows[1].net_profit_usd, 150, 1e-9);
  assert_near(rows[1].average_r, 0.75, 1e-12);
  assert_near(rows[1].profit_factor, 4, 1e-12);
  assert_true(isnan(rows[2].profit_factor)); /* no loss */
  static const struct {
    enum breakdown by;
    int32_t count;
    const char *first, *last;
  } expected[] = {{BREAKDOWN_DAY, 3, "2024-12-30", "2025-01-06"},
                  {BREAKDOWN_WEEK, 2, "2025-W01", "2025-W02"},
                  {BREAKDOWN_MONTH, 2, "2024-12", "2025-01"},
                  {BREAKDOWN_SIDE, 2, "long", "short"},
                  {BREAKDOWN_HOUR, 2, "07", "08"},
                  {BREAKDOWN_WEEKDAY, 2, "1", "4"},
                  {BREAKDOWN_STRATEGY, 1, "momentum", "momentum"},
                  {BREAKDOWN_EXIT_REASON, 1, "stop_loss", "stop_loss"},
                  {BREAKDOWN_LEVEL_SOURCE, 3, "donchian+volume", "swing"}};
  for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
    int32_t count = performance_breakdown(trades, 4, expected[i].by, rows, 8);
    assert_int_equal(count, expected[i].count);
    assert_string_equal(rows[0].key, expected[i].first);
    assert_string_equal(rows[count - 1].key, expected[i].last);
  }
  assert_int_equal(performance_breakdown(trades, 4, BREAKDOWN_SYMBOL, rows, 2), 2); /* A, B full: C joins B's row as other */
  assert_string_equal(rows[1].key, "other");
  assert_int_equal(rows[1].total_trades, 3);
  assert_int_equal(rows[0].total_trades + rows[1].total_trades, 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_stated_fixture),
                                     cmocka_unit_test(test_trade_figures),
                                     cmocka_unit_test(test_means_and_medians_by_outcome),
                                     cmocka_unit_test(test_runs_and_fall_of_r),
                                     cmocka_unit_test(test_counts_and_costs),
                                     cmocka_unit_test(test_daily_figures),
                                     cmocka_unit_test(test_equity_figures),
                                     cmocka_unit_test(test_falls),
                                     cmocka_unit_test(test_falls_by_hand),
                                     cmocka_unit_test(test_days_without_marks),
                                     cmocka_unit_test(test_followed_curve),
                                     cmocka_unit_test(test_nulls),
                                     cmocka_unit_test(test_names_are_the_stated_ones),
                                     cmocka_unit_test(test_breakdowns)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
