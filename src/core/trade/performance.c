#include "core/trade/performance.h"

#include <math.h>
#include <string.h>

#include "base/calendar.h"
#include "base/maths.h"
#include "core/analysis/indicators.h"
#include "core/analysis/level.h"

const char *const figure_names[] = {
#define FIGURE(name, unit, text) #name,
#include "core/trade/performance.def"
};
const char *const figure_units[] = {
#define FIGURE(name, unit, text) unit,
#include "core/trade/performance.def"
};
const char *const breakdown_names[] = {"day", "week", "month", "symbol", "strategy", "side", "exit_reason", "hour", "weekday", "level_source"};

enum { RETURNS_MIN = 10, TAIL_MIN = 20, DAYS_PER_YEAR = 365, SQN_TRADES_MAX = 100 };

static double divided(double a, double b) {
  return b != 0 ? a / b : NAN;
}

/* --- figures of the trades --- */

enum outcome { OUTCOME_ANY, OUTCOME_WIN, OUTCOME_LOSS };

double performance_column_of(const struct trade *trade, enum performance_column column) {
  switch (column) {
    case COLUMN_PNL_USD:
      return decimal_to_double(trade->pnl_usd);
    case COLUMN_PNL_R:
      return trade->pnl_r;
    case COLUMN_HOLD_MS:
      return (double)(trade->closed_at - trade->opened_at);
    case COLUMN_MFE_R:
      return trade->mfe_r;
    case COLUMN_MAE_R:
      return trade->mae_r;
    case COLUMN_FEES_USD:
      return decimal_to_double(trade->fees_usd);
    case COLUMN_FUNDING_USD:
      return decimal_to_double(trade->funding_usd);
    case COLUMN_TARGET_MASK:
      return trade->target_mask;
    case performance_column_count:
      break;
  }
  return NAN;
}

static inline double value_of(const struct performance_input *input, int32_t i, enum performance_column column) {
  return input->columns != NULL ? input->columns[column][i] : performance_column_of(&input->trades[i], column);
}

static bool has_outcome(double pnl, enum outcome outcome) {
  return outcome == OUTCOME_ANY || (outcome == OUTCOME_WIN ? pnl > 0 : pnl < 0);
}

/* A value of the trades with an outcome, in scratch; what follows from the list. */
struct sample {
  double *values;
  int32_t count;
  double sum, mean, smallest, largest; /* NaN where there is nothing */
};

static struct sample take_sample(const struct performance_input *input, enum outcome outcome, enum performance_column column, double *scratch) {
  struct sample sample = {.values = scratch, .smallest = NAN, .largest = NAN};
  for (int32_t i = 0; i < input->trade_count; i++) {
    if (outcome != OUTCOME_ANY && !has_outcome(value_of(input, i, COLUMN_PNL_USD), outcome)) continue;
    double v = value_of(input, i, column);
    sample.values[sample.count++] = v;
    sample.sum += v;
    if (!(v >= sample.smallest)) sample.smallest = v;
    if (!(v <= sample.largest)) sample.largest = v;
  }
  sample.mean = divided(sample.sum, sample.count);
  return sample;
}

static double median_of(const struct sample *sample) {
  return sample->count > 0 ? indicator_median(sample->values, sample->count) : NAN;
}

static void money_figures(const struct performance_input *input, double *scratch, double *figure) {
  double n = input->trade_count;
  struct sample wins = take_sample(input, OUTCOME_WIN, COLUMN_PNL_USD, scratch);
  struct sample losses = take_sample(input, OUTCOME_LOSS, COLUMN_PNL_USD, scratch);
  figure[FIGURE_total_trades] = n;
  figure[FIGURE_trades_per_day] = divided(n * (double)DAY_MS, (double)(input->to - input->from));
  figure[FIGURE_win_rate] = divided(wins.count, n);
  figure[FIGURE_loss_rate] = divided(losses.count, n);
  figure[FIGURE_gross_profit_usd] = wins.sum;
  figure[FIGURE_gross_loss_usd] = fabs(losses.sum);
  figure[FIGURE_profit_factor] = divided(wins.sum, fabs(losses.sum));
  figure[FIGURE_expectancy_usd] = take_sample(input, OUTCOME_ANY, COLUMN_PNL_USD, scratch).mean;
  figure[FIGURE_average_win_usd] = wins.mean;
  figure[FIGURE_average_loss_usd] = losses.mean;
  figure[FIGURE_payoff_ratio] = divided(wins.mean, fabs(losses.mean));
  figure[FIGURE_largest_win_usd] = wins.largest;
  figure[FIGURE_largest_loss_usd] = losses.smallest;
  figure[FIGURE_fees_usd] = take_sample(input, OUTCOME_ANY, COLUMN_FEES_USD, scratch).sum;
  figure[FIGURE_funding_usd] = take_sample(input, OUTCOME_ANY, COLUMN_FUNDING_USD, scratch).sum;
}

static void r_figures(const struct performance_input *input, double *scratch, double *figure) {
  struct sample r = take_sample(input, OUTCOME_ANY, COLUMN_PNL_R, scratch);
  figure[FIGURE_average_r] = r.mean;
  figure[FIGURE_expectancy_r] = r.mean;
  figure[FIGURE_best_r] = r.largest;
  figure[FIGURE_worst_r] = r.smallest;
  if (r.count < 2) return;
  double sigma = indicator_sigma(r.values, r.count, true, NULL);
  double trades = r.count < SQN_TRADES_MAX ? r.count : SQN_TRADES_MAX;
  figure[FIGURE_std_r] = sigma;
  figure[FIGURE_r_sharpe] = divided(r.mean, sigma);
  figure[FIGURE_sqn] = sqrt(trades) * figure[FIGURE_r_sharpe];
  figure[FIGURE_median_r] = median_of(&r); /* last: it reorders */
}

/* Longest runs and the fall of the sum of R, in order of closed_at. */
static void sequence_figures(const struct performance_input *input, double *figure) {
  int32_t wins = 0;
  int32_t losses = 0;
  int32_t wins_max = 0;
  int32_t losses_max = 0;
  double sum = 0;
  double peak = 0;
  double fall = 0;
  for (int32_t i = 0; i < input->trade_count; i++) {
    double pnl = value_of(input, i, COLUMN_PNL_USD);
    wins = pnl > 0 ? wins + 1 : 0;
    losses = pnl < 0 ? losses + 1 : 0;
    if (wins > wins_max) wins_max = wins;
    if (losses > losses_max) losses_max = losses;
    sum += value_of(input, i, COLUMN_PNL_R);
    if (sum > peak) peak = sum;
    if (peak - sum > fall) fall = peak - sum;
  }
  figure[FIGURE_max_consecutive_wins] = wins_max;
  figure[FIGURE_max_consecutive_losses] = losses_max;
  figure[FIGURE_max_drawdown_r] = fall;
}

/* Mean and median of a value for all trades, wins and losses. */
static const struct {
  enum performance_column column;
  enum outcome outcome;
  enum performance_figure mean, median;
} spread_figures[] = {
    {COLUMN_HOLD_MS, OUTCOME_ANY, FIGURE_average_hold_ms, FIGURE_median_hold_ms},
    {COLUMN_HOLD_MS, OUTCOME_WIN, FIGURE_average_win_hold_ms, FIGURE_median_win_hold_ms},
    {COLUMN_HOLD_MS, OUTCOME_LOSS, FIGURE_average_loss_hold_ms, FIGURE_median_loss_hold_ms},
    {COLUMN_MAE_R, OUTCOME_ANY, FIGURE_mae_r, FIGURE_median_mae_r},
    {COLUMN_MAE_R, OUTCOME_WIN, FIGURE_win_mae_r, FIGURE_median_win_mae_r},
    {COLUMN_MAE_R, OUTCOME_LOSS, FIGURE_loss_mae_r, FIGURE_median_loss_mae_r},
    {COLUMN_MFE_R, OUTCOME_ANY, FIGURE_mfe_r, FIGURE_median_mfe_r},
    {COLUMN_MFE_R, OUTCOME_WIN, FIGURE_win_mfe_r, FIGURE_median_win_mfe_r},
    {COLUMN_MFE_R, OUTCOME_LOSS, FIGURE_loss_mfe_r, FIGURE_median_loss_mfe_r},
};

static void excursion_figures(const struct performance_input *input, double *scratch, double *figure) {
  for (size_t i = 0; i < sizeof spread_figures / sizeof spread_figures[0]; i++) {
    struct sample sample = take_sample(input, spread_figures[i].outcome, spread_figures[i].column, scratch);
    figure[spread_figures[i].mean] = sample.mean;
    figure[spread_figures[i].median] = median_of(&sample);
  }
  struct sample mae = take_sample(input, OUTCOME_ANY, COLUMN_MAE_R, scratch);
  double distance = 0;
  for (int32_t i = 0; i < mae.count; i++) distance += fabs(mae.values[i]);
  figure[FIGURE_edge_ratio] = divided(take_sample(input, OUTCOME_ANY, COLUMN_MFE_R, scratch).sum, distance);
  figure[FIGURE_capture] =
      divided(take_sample(input, OUTCOME_WIN, COLUMN_PNL_R, scratch).sum, take_sample(input, OUTCOME_WIN, COLUMN_MFE_R, scratch).sum);
}

static void target_figures(const struct performance_input *input, struct performance *out) {
  for (int32_t k = 0; k < POSITION_TARGETS_MAX; k++) {
    int32_t hits = 0;
    for (int32_t i = 0; i < input->trade_count; i++) hits += (int32_t)((uint32_t)value_of(input, i, COLUMN_TARGET_MASK) >> k & 1);
    out->target_hit_rate[k] = divided(hits, input->trade_count);
  }
  out->figure[FIGURE_tp1_hit_rate] = out->target_hit_rate[0];
  out->figure[FIGURE_tp2_hit_rate] = out->target_hit_rate[1];
}

static void count_figures(const struct performance_input *input, double *figure) {
  figure[FIGURE_slippage_usd] = input->slippage_usd;
  figure[FIGURE_turnover_usd] = input->turnover_usd;
  figure[FIGURE_fill_rate] = divided(input->entries, input->plans);
  figure[FIGURE_unfilled_entries] = input->unfilled_entries;
  figure[FIGURE_refused_plans] = input->refused_plans;
  figure[FIGURE_breakeven_moves] = input->breakeven_moves;
  figure[FIGURE_trailing_moves] = input->trailing_moves;
  figure[FIGURE_add_ons] = input->add_ons;
  figure[FIGURE_left_open] = input->left_open;
  figure[FIGURE_market_change] = input->market_change;
  figure[FIGURE_reference_change] = input->reference_change;
  figure[FIGURE_path_dependent_share] = divided(input->path_dependent_trades, input->trade_count);
}

/* --- figures of the equity curve --- */

static void keep_fall(struct performance_curve *curve, const struct drawdown *fall) {
  int32_t at = curve->drawdown_count;
  while (at > 0 && curve->drawdowns[at - 1].depth < fall->depth) at--;
  if (at == PERFORMANCE_DRAWDOWNS_MAX) return;
  int32_t moved = (curve->drawdown_count < PERFORMANCE_DRAWDOWNS_MAX ? curve->drawdown_count : PERFORMANCE_DRAWDOWNS_MAX - 1) - at;
  memmove(&curve->drawdowns[at + 1], &curve->drawdowns[at], (size_t)moved * sizeof curve->drawdowns[0]);
  curve->drawdowns[at] = *fall;
  if (curve->drawdown_count < PERFORMANCE_DRAWDOWNS_MAX) curve->drawdown_count++;
}

static void end_fall(struct performance_curve *curve, int64_t ts, bool is_recovered) {
  if (curve->fall.depth <= 0) return;
  curve->fall.recovered_at = is_recovered ? ts : 0;
  curve->fall.length_ms = ts - curve->fall.peak_at;
  if (curve->fall.length_ms > curve->longest_ms) curve->longest_ms = curve->fall.length_ms;
  if (curve->fall.depth > 0.001) {
    curve->falls_sum += curve->fall.depth;
    curve->falls++;
  }
  keep_fall(curve, &curve->fall);
  curve->fall = (struct drawdown){0};
}

static void follow_fall(struct performance_curve *curve, const struct equity_point *mark) {
  if (mark->equity_usd >= curve->peak) {
    end_fall(curve, mark->ts, true);
    curve->peak = mark->equity_usd;
    curve->peak_at = mark->ts;
    return;
  }
  double depth = (curve->peak - mark->equity_usd) / curve->peak;
  if (depth <= curve->fall.depth) return;
  curve->fall.peak_at = curve->peak_at;
  curve->fall.trough_at = mark->ts;
  curve->fall.depth = depth;
  curve->fall.depth_usd = curve->peak - mark->equity_usd;
}

/* The first 00:00 UTC that ends a day. A first piece shorter than 12 h joins the day after it. */
static int64_t first_day_end(int64_t from) {
  int64_t midnight = calendar_day_start(from) + DAY_MS;
  return midnight - from < DAY_MS / 2 ? midnight + DAY_MS : midnight;
}

/* Ends the day in progress with the equity known at its end, and the peak of then. */
static void end_day(struct performance_curve *curve, double equity, double peak) {
  double drawdown = (peak - equity) / peak;
  curve->returns[curve->days++] = equity / curve->day_equity - 1;
  curve->ulcer_sum += 1e4 * drawdown * drawdown;
  curve->day_equity = equity;
  curve->day_end += DAY_MS;
  curve->has_day_end = false;
}

/* Ends the days before ts, at which the period goes on or ends. A last piece shorter than 12 h joins the day before it: what that day ended with is
 * kept until it is known that it was none. */
static void end_days_before(struct performance_curve *curve, int64_t ts) {
  while (curve->day_end < ts) {
    if (!curve->has_day_end) {
      curve->has_day_end = true;
      curve->day_end_equity = curve->last.equity_usd;
      curve->day_end_peak = curve->peak;
    }
    if (ts - curve->day_end < DAY_MS / 2) return;
    end_day(curve, curve->day_end_equity, curve->day_end_peak);
  }
}

/* The newest mark stands until then. */
static void weigh(struct performance_curve *curve, int64_t until) {
  const struct equity_point *mark = &curve->last;
  double duration = (double)(until - mark->ts);
  if (mark->positions > 0) curve->exposed_ms += duration;
  if (!(mark->equity_usd > 0)) return;
  double ratio = mark->notional_usd / mark->equity_usd;
  curve->weighted_ratio += duration * ratio;
  curve->weight_ms += duration;
  if (ratio > curve->ratio_max) curve->ratio_max = ratio;
}

void performance_curve_begin(struct performance_curve *curve, int64_t from, double *returns) {
  *curve = (struct performance_curve){.from = from, .returns = returns, .day_end = first_day_end(from)};
}

void performance_curve_add(struct performance_curve *curve, const struct equity_point *mark) {
  if (curve->mark_count++ == 0) {
    curve->start_equity = curve->day_equity = curve->peak = mark->equity_usd;
    curve->peak_at = mark->ts;
  } else {
    weigh(curve, mark->ts);
    end_days_before(curve, mark->ts);
  }
  follow_fall(curve, mark);
  curve->last = *mark;
}

static void end_curve(struct performance_curve *curve, int64_t to) {
  weigh(curve, to);
  end_days_before(curve, to);
  end_day(curve, curve->last.equity_usd, curve->peak);
  end_fall(curve, to, false);
}

static void drawdown_figures(const struct performance_curve *curve, double *figure) {
  figure[FIGURE_max_drawdown] = 0;
  figure[FIGURE_max_drawdown_usd] = 0;
  figure[FIGURE_longest_underwater_ms] = (double)curve->longest_ms;
  figure[FIGURE_average_drawdown] = divided(curve->falls_sum, curve->falls);
  if (curve->drawdown_count == 0) return;
  const struct drawdown *worst = &curve->drawdowns[0];
  figure[FIGURE_max_drawdown] = worst->depth;
  figure[FIGURE_max_drawdown_usd] = worst->depth_usd;
  figure[FIGURE_max_drawdown_peak_at] = (double)worst->peak_at;
  figure[FIGURE_max_drawdown_trough_at] = (double)worst->trough_at;
  if (worst->recovered_at != 0) figure[FIGURE_max_drawdown_recovered_at] = (double)worst->recovered_at;
  figure[FIGURE_max_drawdown_length_ms] = (double)worst->length_ms;
}

static void curve_figures(const struct performance_input *input, const struct performance_curve *curve, double *figure) {
  double start = curve->start_equity;
  double end = curve->last.equity_usd;
  double period = (double)(input->to - input->from);
  figure[FIGURE_net_profit_usd] = end - start;
  figure[FIGURE_total_return] = divided(end - start, start);
  if (period >= (double)DAY_MS && end > 0 && start > 0) {
    figure[FIGURE_cagr] = maths_pow(end / start, DAYS_PER_YEAR * (double)DAY_MS / period) - 1;
  }
  figure[FIGURE_calmar] = divided(figure[FIGURE_cagr], figure[FIGURE_max_drawdown]);
  figure[FIGURE_recovery_factor] = divided(end - start, figure[FIGURE_max_drawdown_usd]);
  figure[FIGURE_exposure] = divided(curve->exposed_ms, period);
  figure[FIGURE_average_notional_ratio] = divided(curve->weighted_ratio, curve->weight_ms);
  figure[FIGURE_max_notional_ratio] = curve->ratio_max;
  figure[FIGURE_break_even_cost_bps] = divided(1e4 * (end - start), input->turnover_usd);
}

/* --- figures of the daily returns --- */

/* Ascending, in place (Shell 1959). */
static void sort(double *values, int32_t count) {
  for (int32_t gap = count / 2; gap > 0; gap /= 2) {
    for (int32_t i = gap; i < count; i++) {
      double value = values[i];
      int32_t at = i;
      for (; at >= gap && values[at - gap] > value; at -= gap) values[at] = values[at - gap];
      values[at] = value;
    }
  }
}

/* Reorders the returns. */
static void tail_figures(double *returns, int32_t n, double *figure) {
  int32_t rank = (n + TAIL_MIN - 1) / TAIL_MIN; /* 5 %, rounded up, without a division that rounds */
  double sum = 0;
  sort(returns, n);
  for (int32_t i = 0; i < rank; i++) sum += returns[i];
  figure[FIGURE_var_95] = -returns[rank - 1];
  figure[FIGURE_es_95] = -sum / rank;
}

static void return_figures(const struct performance_curve *curve, struct performance *out) {
  double *figure = out->figure;
  double *returns = curve->returns;
  int32_t n = curve->days;
  double gains = 0;
  double losses = 0;
  double squares = 0;
  for (int32_t i = 0; i < n; i++) {
    if (returns[i] > 0) gains += returns[i];
    if (returns[i] < 0) losses -= returns[i];
    if (returns[i] < 0) squares += returns[i] * returns[i];
  }
  figure[FIGURE_omega] = divided(gains, losses);
  if (n < RETURNS_MIN) return;
  double mean;
  double sigma = indicator_sigma(returns, n, true, &mean);
  double year = sqrt(DAYS_PER_YEAR);
  double downside = sqrt(squares / n);
  figure[FIGURE_volatility_annual] = sigma * year;
  figure[FIGURE_sharpe] = divided(mean, sigma) * year;
  figure[FIGURE_sortino] = divided(mean, downside) * year;
  figure[FIGURE_downside_deviation] = downside * year;
  figure[FIGURE_ulcer_index] = sqrt(curve->ulcer_sum / n);
  robustness_describe(returns, n, mean, sigma, &out->daily);
  if (n < TAIL_MIN) return;
  figure[FIGURE_probabilistic_sharpe] = robustness_probabilistic_sharpe(&out->daily, 0);
  tail_figures(returns, n, figure);
}

void performance_compute(const struct performance_input *input, double *scratch, struct performance *out) {
  *out = (struct performance){.daily = {.sharpe = NAN, .skewness = NAN, .kurtosis = NAN}};
  for (int i = 0; i < figure_count; i++) out->figure[i] = NAN;
  money_figures(input, scratch, out->figure);
  r_figures(input, scratch, out->figure);
  sequence_figures(input, out->figure);
  excursion_figures(input, scratch, out->figure);
  target_figures(input, out);
  count_figures(input, out->figure);
  struct performance_curve curve;
  if (input->curve != NULL) {
    curve = *input->curve;
  } else {
    performance_curve_begin(&curve, input->from, scratch + input->trade_count);
    for (int64_t i = 0; i < input->mark_count && input->to > input->from; i++) performance_curve_add(&curve, &input->marks[i]);
  }
  if (curve.mark_count == 0 || input->to <= input->from) return;
  end_curve(&curve, input->to);
  out->drawdown_count = curve.drawdown_count;
  memcpy(out->drawdowns, curve.drawdowns, sizeof out->drawdowns);
  drawdown_figures(&curve, out->figure);
  curve_figures(input, &curve, out->figure);
  return_figures(&curve, out);
}

/* --- breakdowns --- */

static void add_number(struct text *text, int value, int width) {
  for (int limit = 10; width > 1; width--, limit *= 10) {
    if (value < limit) text_add_char(text, '0');
  }
  text_add_i64(text, value);
}

static void add_sources(struct text *text, int32_t sources) {
  static const struct {
    int32_t bit;
    const char *name;
  } names[] = {{LEVEL_SOURCE_DONCHIAN, "donchian"}, {LEVEL_SOURCE_SWING, "swing"}, {LEVEL_SOURCE_VOLUME, "volume"}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if ((sources & names[i].bit) == 0) continue;
    if (text->length > 0) text_add_char(text, '+');
    text_add(text, names[i].name);
  }
  if (text->length == 0) text_add(text, "none");
}

/* 2024-01-31, 2024-W05, 2024-01, 23, 7: of closed_at, UTC. */
static void add_time_key(struct text *text, int64_t closed_at, enum breakdown by) {
  struct calendar at;
  calendar_from_ms(closed_at, &at);
  if (by == BREAKDOWN_HOUR) {
    add_number(text, at.hour, 2);
  } else if (by == BREAKDOWN_WEEKDAY) {
    add_number(text, at.weekday, 1);
  } else if (by == BREAKDOWN_WEEK) {
    add_number(text, at.iso_week_year, 4);
    text_add(text, "-W");
    add_number(text, at.iso_week, 2);
  } else {
    add_number(text, at.year, 4);
    text_add_char(text, '-');
    add_number(text, at.month, 2);
    if (by == BREAKDOWN_MONTH) return;
    text_add_char(text, '-');
    add_number(text, at.day, 2);
  }
}

static void make_key(const struct trade *trade, enum breakdown by, char *out, size_t size) {
  struct text text;
  text_init(&text, out, size);
  switch (by) {
    case BREAKDOWN_SYMBOL:
      text_add(&text, trade->symbol);
      break;
    case BREAKDOWN_STRATEGY:
      text_add(&text, strategy_names[trade->strategy]);
      break;
    case BREAKDOWN_SIDE:
      text_add(&text, position_side_names[trade->side]);
      break;
    case BREAKDOWN_EXIT_REASON:
      text_add(&text, reason_code_names[trade->exit_reason]);
      break;
    case BREAKDOWN_LEVEL_SOURCE:
      add_sources(&text, trade->level_sources);
      break;
    default:
      add_time_key(&text, trade->closed_at, by);
      break;
  }
}

/* The row of a key, made at its place when there is room. A full table turns its last row into "other", which takes that row's trades and all keys
 * without a row from then on. */
static struct breakdown_row *find_row(struct breakdown_row *rows, int32_t *count, int32_t rows_max, const char *key) {
  bool has_other = *count == rows_max && strcmp(rows[rows_max - 1].key, "other") == 0;
  int32_t known = has_other ? *count - 1 : *count;
  int32_t at = 0;
  while (at < known && strcmp(rows[at].key, key) < 0) at++;
  if (at < known && strcmp(rows[at].key, key) == 0) return &rows[at];
  if (*count == rows_max) {
    text_copy(rows[rows_max - 1].key, sizeof rows[0].key, "other");
    return &rows[rows_max - 1];
  }
  memmove(&rows[at + 1], &rows[at], (size_t)(*count - at) * sizeof rows[0]);
  rows[at] = (struct breakdown_row){0};
  text_copy(rows[at].key, sizeof rows[at].key, key);
  (*count)++;
  return &rows[at];
}

int32_t performance_breakdown(const struct trade *trades, int32_t count, enum breakdown by, struct breakdown_row *rows, int32_t rows_max) {
  int32_t rows_count = 0;
  if (rows_max <= 0) return 0;
  for (int32_t i = 0; i < count; i++) {
    char key[sizeof rows[0].key];
    make_key(&trades[i], by, key, sizeof key);
    struct breakdown_row *row = find_row(rows, &rows_count, rows_max, key);
    double pnl = performance_column_of(&trades[i], COLUMN_PNL_USD);
    row->total_trades++;
    row->net_profit_usd += pnl;
    row->average_r += trades[i].pnl_r; /* sums, divided below */
    if (pnl > 0) row->wins++;
    if (pnl > 0) row->profit_factor += pnl;
    if (pnl < 0) row->win_rate -= pnl;
  }
  for (int32_t i = 0; i < rows_count; i++) {
    rows[i].profit_factor = divided(rows[i].profit_factor, rows[i].win_rate);
    rows[i].win_rate = divided(rows[i].wins, rows[i].total_trades);
    rows[i].average_r = divided(rows[i].average_r, rows[i].total_trades);
  }
  return rows_count;
}
