#include "apps/result.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/check.h"
#include "core/strategy/market_filter.h"

const double result_cost_factors[RESULT_COSTS] = {0, 0.5, 1, 1.5, 2, 3};

void result_summarise(const struct run *run, struct result_summary *out) {
  const double *figure = run->performance.figure;
  *out = (struct result_summary){.net_profit_usd = figure[FIGURE_net_profit_usd],
                                 .total_return = figure[FIGURE_total_return],
                                 .average_r = figure[FIGURE_average_r],
                                 .max_drawdown = figure[FIGURE_max_drawdown],
                                 .profit_factor = figure[FIGURE_profit_factor],
                                 .total_trades = run->trades.count};
}

int result_stamps(const struct result *result, const char *out[RESULT_STAMPS_MAX]) {
  const struct run *run = result->run;
  int count = 0;
  if (run->skipped_filters != 0) out[count++] = "skipped_filters";
  for (int i = 0; i < SOURCE_STAMP_COUNT; i++) {
    if (run->stamps & 1u << i) out[count++] = source_stamp_names[i];
  }
  bool has_stamp = (run->stamps & SOURCE_STAMP_FUNDING_UNKNOWN) != 0;
  if (run->funding_unknown > 0 && !has_stamp) out[count++] = source_stamp_names[5];
  if (run->after_kill_reset) out[count++] = "after_kill";
  if (run->scan_interval_rounded) out[count++] = "scan_interval_rounded";
  return count;
}

/* ---- checks and warnings ---- */

int result_checks(const struct result *result, struct result_check out[RESULT_CHECKS]) {
  static const struct {
    enum performance_figure figure;
    double threshold;
    bool is_above;
  } rows[RESULT_CHECKS] = {{FIGURE_total_return, 0.1, true}, {FIGURE_sharpe, 1, true},          {FIGURE_max_drawdown, 0.2, false},
                           {FIGURE_win_rate, 0.4, true},     {FIGURE_profit_factor, 1.2, true}, {FIGURE_calmar, 0.5, true}};
  int passed = 0;
  for (int i = 0; i < RESULT_CHECKS; i++) {
    double value = result->run->performance.figure[rows[i].figure];
    bool has_passed = rows[i].is_above ? value > rows[i].threshold : value < rows[i].threshold;
    out[i] = (struct result_check){figure_names[rows[i].figure], value, rows[i].threshold, rows[i].is_above, has_passed};
    passed += has_passed ? 1 : 0;
  }
  return passed;
}

const char *result_label(int passed) {
  if (passed == RESULT_CHECKS) return "strong";
  return passed >= 4 ? "passing" : "weak";
}

static double largest_trade_share(const struct run *run) {
  double best = 0;
  for (int64_t i = 0; i < run->trades.count; i++) best = fmax(best, decimal_to_double(run_trade(run, i)->pnl_usd));
  double profit = run->performance.figure[FIGURE_net_profit_usd];
  return profit > 0 ? best / profit : NAN;
}

static double largest_symbol_share(const struct run *run) {
  struct breakdown_row *rows;
  int32_t count = result_breakdown(run, BREAKDOWN_SYMBOL, &rows);
  double best = 0;
  double profit = run->performance.figure[FIGURE_net_profit_usd];
  for (int32_t i = 0; i < count; i++) best = fmax(best, rows[i].net_profit_usd);
  free(rows);
  return count > 1 && profit > 0 ? best / profit : NAN;
}

static void warn(struct result_warning *out, int *count, bool condition, const char *format, double value) {
  if (!condition) return;
    /* The formats are the literals below. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  snprintf(out[*count].text, sizeof out[*count].text, format, value);
#pragma GCC diagnostic pop
  ++*count;
}

int result_warnings(const struct result *result, struct result_warning out[RESULT_WARNINGS_MAX]) {
  const struct run *run = result->run;
  const double *figure = run->performance.figure;
  int count = 0;
  double n = (double)run->trades.count;
  double days = (double)(run->ended_at - run->started_at) / (double)DAY_MS;
  warn(out, &count, n < 30, "only %.0f trades: below 30 every figure is mostly chance", n);
  double share = largest_trade_share(run);
  warn(out, &count, share > 0.4, "one trade makes %.0f %% of the profit (limit 40 %%)", 100 * share);
  share = largest_symbol_share(run);
  warn(out, &count, share > 0.6, "one symbol makes %.0f %% of the profit (limit 60 %%)", 100 * share);
  share = figure[FIGURE_path_dependent_share];
  warn(out, &count, share > 0.1, "the order inside a candle decides %.0f %% of the trades (limit 10 %%): see --path-bounds", 100 * share);
  double cost = figure[FIGURE_break_even_cost_bps];
  warn(out, &count, cost < 2, "%.2f bps more cost per traded notional would leave nothing (limit 2)", cost);
  warn(out, &count, figure[FIGURE_exposure] < 0.01, "a position was open only %.2f %% of the time (limit 1 %%)", 100 * figure[FIGURE_exposure]);
  warn(out, &count, (double)run->left_open.count > 0.1 * n && run->left_open.count > 0,
       "%.0f positions were still open at the end, more than 10 %% of the trades", (double)run->left_open.count);
  bool is_final = run->kills > 0 && result->options->after_kill == AFTER_KILL_STOP;
  warn(out, &count, is_final, "the kill switch ended trading before the end of the data (%.0f time); --after-kill next-day goes on",
       (double)run->kills);
  warn(out, &count, days < 30, "the period is %.1f days (limit 30)", days);
  return count;
}

/* ---- figures ---- */

#define GROUP(name, ...) static const enum performance_figure name[] = {__VA_ARGS__}
GROUP(group_trades, FIGURE_total_trades, FIGURE_trades_per_day, FIGURE_win_rate, FIGURE_loss_rate, FIGURE_max_consecutive_wins,
      FIGURE_max_consecutive_losses, FIGURE_left_open, FIGURE_path_dependent_share, FIGURE_tp1_hit_rate, FIGURE_tp2_hit_rate);
GROUP(group_money, FIGURE_net_profit_usd, FIGURE_total_return, FIGURE_gross_profit_usd, FIGURE_gross_loss_usd, FIGURE_profit_factor,
      FIGURE_expectancy_usd, FIGURE_average_win_usd, FIGURE_average_loss_usd, FIGURE_payoff_ratio, FIGURE_largest_win_usd, FIGURE_largest_loss_usd,
      FIGURE_cagr);
GROUP(group_r, FIGURE_average_r, FIGURE_expectancy_r, FIGURE_median_r, FIGURE_std_r, FIGURE_best_r, FIGURE_worst_r, FIGURE_sqn, FIGURE_r_sharpe);
GROUP(group_returns, FIGURE_sharpe, FIGURE_sortino, FIGURE_volatility_annual, FIGURE_downside_deviation, FIGURE_probabilistic_sharpe, FIGURE_omega,
      FIGURE_var_95, FIGURE_es_95);
GROUP(group_drawdown, FIGURE_max_drawdown, FIGURE_max_drawdown_usd, FIGURE_max_drawdown_r, FIGURE_average_drawdown, FIGURE_max_drawdown_peak_at,
      FIGURE_max_drawdown_trough_at, FIGURE_max_drawdown_recovered_at, FIGURE_max_drawdown_length_ms, FIGURE_longest_underwater_ms, FIGURE_calmar,
      FIGURE_recovery_factor, FIGURE_ulcer_index);
GROUP(group_time, FIGURE_exposure, FIGURE_average_notional_ratio, FIGURE_max_notional_ratio, FIGURE_average_hold_ms, FIGURE_median_hold_ms,
      FIGURE_average_win_hold_ms, FIGURE_median_win_hold_ms, FIGURE_average_loss_hold_ms, FIGURE_median_loss_hold_ms);
GROUP(group_excursions, FIGURE_mae_r, FIGURE_median_mae_r, FIGURE_win_mae_r, FIGURE_median_win_mae_r, FIGURE_loss_mae_r, FIGURE_median_loss_mae_r,
      FIGURE_mfe_r, FIGURE_median_mfe_r, FIGURE_win_mfe_r, FIGURE_median_win_mfe_r, FIGURE_loss_mfe_r, FIGURE_median_loss_mfe_r, FIGURE_edge_ratio,
      FIGURE_capture);
GROUP(group_costs, FIGURE_fees_usd, FIGURE_funding_usd, FIGURE_slippage_usd, FIGURE_turnover_usd, FIGURE_break_even_cost_bps);
GROUP(group_orders, FIGURE_fill_rate, FIGURE_unfilled_entries, FIGURE_refused_plans, FIGURE_breakeven_moves, FIGURE_trailing_moves, FIGURE_add_ons);
GROUP(group_market, FIGURE_market_change, FIGURE_reference_change);
#undef GROUP

#define GROUP(title, figures) \
  { title, figures, (int)(sizeof figures / sizeof figures[0]) }
const struct result_group result_groups[] = {GROUP("Trades", group_trades),         GROUP("Money", group_money),
                                             GROUP("R multiples", group_r),         GROUP("Daily returns", group_returns),
                                             GROUP("Drawdown", group_drawdown),     GROUP("Time and exposure", group_time),
                                             GROUP("Excursions", group_excursions), GROUP("Costs", group_costs),
                                             GROUP("Orders", group_orders),         GROUP("Market", group_market)};
#undef GROUP
const int result_group_count = (int)(sizeof result_groups / sizeof result_groups[0]);

static void duration_text(double ms, char out[RESULT_VALUE_MAX]) {
  int64_t minutes = (int64_t)(ms / 60000);
  if (minutes >= 2 * 1440) {
    snprintf(out, RESULT_VALUE_MAX, "%lld d %lld h", (long long)(minutes / 1440), (long long)(minutes / 60 % 24));
  } else if (minutes >= 60) {
    snprintf(out, RESULT_VALUE_MAX, "%lld h %02lld min", (long long)(minutes / 60), (long long)(minutes % 60));
  } else {
    snprintf(out, RESULT_VALUE_MAX, "%.1f min", ms / 60000);
  }
}

static void time_text(double ms, char out[RESULT_VALUE_MAX]) {
  struct text text;
  text_init(&text, out, RESULT_VALUE_MAX);
  text_add_time(&text, (int64_t)ms);
  if (text.length > 16) out[16] = '\0';
  out[10] = ' ';
}

void result_figure_text(enum performance_figure figure, double value, char out[RESULT_VALUE_MAX]) {
  const char *unit = figure_units[figure];
  const char *name = figure_names[figure];
  size_t length = strlen(name);
  if (fabs(value) < 5e-6) value = 0; /* shown without a sign */
  if (!isfinite(value)) {
    snprintf(out, RESULT_VALUE_MAX, "-");
  } else if (strcmp(unit, "count") == 0) {
    snprintf(out, RESULT_VALUE_MAX, "%.0f", value);
  } else if (strcmp(unit, "USD") == 0) {
    snprintf(out, RESULT_VALUE_MAX, "%.2f USD", value);
  } else if (strcmp(unit, "fraction") == 0 || strcmp(unit, "probability") == 0) {
    snprintf(out, RESULT_VALUE_MAX, "%.2f %%", 100 * value);
  } else if (strcmp(unit, "ms") == 0 && length > 3 && strcmp(name + length - 3, "_at") == 0) {
    time_text(value, out);
  } else if (strcmp(unit, "ms") == 0) {
    duration_text(value, out);
  } else if (strcmp(unit, "ratio") == 0) {
    snprintf(out, RESULT_VALUE_MAX, "%.3f", value);
  } else {
    snprintf(out, RESULT_VALUE_MAX, "%.3f %s", value, unit);
  }
}

/* ---- settings ---- */

static double in_effect(double option, double setting) {
  return isfinite(option) ? option : setting;
}

int result_settings(const struct result *result, struct result_setting out[RESULT_SETTINGS_MAX]) {
  const struct settings *settings = &result->app->settings;
  const struct wiring_options *options = &result->options->wiring;
  const struct preset_execution_config *fees = &result->wiring->preset.preset.execution_config;
  int count = 0;
  out[count++] = (struct result_setting){"starting_balance_usd", decimal_to_double(result->run->start_balance_usd), NULL};
  out[count++] = (struct result_setting){"taker_fee_bps", fees->taker_fee_bps, NULL};
  out[count++] = (struct result_setting){"maker_fee_bps", fees->maker_fee_bps, NULL};
  out[count++] = (struct result_setting){"slippage_bps", in_effect(options->slippage_bps, settings->paper_slippage_bps), NULL};
  out[count++] = (struct result_setting){"impact_bps", in_effect(options->impact_bps, settings->paper_impact_bps), NULL};
  out[count++] = (struct result_setting){"latency_ms", options->latency_ms >= 0 ? (double)options->latency_ms : settings->paper_latency_ms, NULL};
  out[count++] = (struct result_setting){"max_participation", settings->paper_max_participation, NULL};
  out[count++] = (struct result_setting){"max_leverage", settings->max_leverage, NULL};
  out[count++] = (struct result_setting){"market_fetch_limit", settings->engine_market_fetch_limit, NULL};
  out[count++] = (struct result_setting){"deep_symbol_limit", settings->deep_symbol_limit, NULL};
  out[count++] = (struct result_setting){"stop_trigger", 0, stop_trigger_names[settings->stop_trigger]};
  out[count++] = (struct result_setting){"after_kill", 0, result->options->after_kill == AFTER_KILL_STOP ? "stop" : "next-day"};
  out[count++] = (struct result_setting){"candle_path", 0, options->path == SIM_PATH_ADVERSE ? "adverse" : "favourable"};
  return count;
}

int32_t result_breakdown(const struct run *run, enum breakdown by, struct breakdown_row **rows) {
  enum { ROWS_MAX = 2048 };
  *rows = calloc(ROWS_MAX, sizeof **rows);
  check(*rows != NULL);
  return performance_breakdown((const struct trade *)(const void *)run->trades.data, (int32_t)run->trades.count, by, *rows, ROWS_MAX);
}
