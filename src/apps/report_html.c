#include "apps/report_html.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/report_page.h"
#include "apps/report_plot.h"
#include "apps/report_trade.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/version.h"
#include "core/strategy/market_filter.h"
#include "runner/preset_print.h"

enum { CHARTS_MAX = 400, BEST_COUNT = 10, BINS_MAX = 60, BREAKDOWN_ROWS_MAX = 40 };

static const char *const figure_meanings[figure_count] = {
#define FIGURE(name, unit, text) text,
#include "core/trade/performance.def"
};

/* ---- head ---- */

static void add_head(const struct result *result, struct buffer *out) {
  const struct run *run = result->run;
  const struct preset *preset = &result->wiring->preset.preset;
  page_begin("Backtest of ", preset->name, out);
  page_minute(out, run->started_at);
  buffer_add_text(out, " to ");
  page_minute(out, run->ended_at);
  buffer_add_format(out, " UTC &middot; %.1f days &middot; %d symbols &middot; %lld candles",
                    (double)(run->ended_at - run->started_at) / (double)DAY_MS, source_symbol_count(result->wiring->source), (long long)run->candles);
  if (result->run_id[0] != '\0') buffer_add_format(out, " &middot; run %s", result->run_id);
  buffer_add_text(out, "</p>");
  const char *stamps[RESULT_STAMPS_MAX];
  int count = result_stamps(result, stamps);
  buffer_add_text(out, count > 0 ? "<div class=stamps>" : "");
  for (int i = 0; i < count; i++) {
    buffer_add_text(out, "<span>");
    page_words(out, stamps[i]);
    const char *before = ": ";
    for (int k = 0; k < MARKET_FILTER_COUNT && strcmp(stamps[i], "skipped_filters") == 0; k++) {
      if (!(run->skipped_filters & 1u << k)) continue;
      buffer_add_format(out, "%s%s", before, market_filter_name(k));
      before = ", ";
    }
    buffer_add_text(out, "</span>");
  }
  buffer_add_text(out, count > 0 ? "</div>" : "");
}

static void add_cards(const struct result *result, struct buffer *out) {
  static const enum performance_figure shown[] = {FIGURE_net_profit_usd, FIGURE_total_return, FIGURE_total_trades, FIGURE_win_rate,
                                                  FIGURE_profit_factor,  FIGURE_average_r,    FIGURE_max_drawdown, FIGURE_sharpe,
                                                  FIGURE_fees_usd,       FIGURE_market_change};
  const double *figure = result->run->performance.figure;
  buffer_add_text(out, "<div class=cards>");
  for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
    char text[RESULT_VALUE_MAX];
    bool is_signed = shown[i] == FIGURE_net_profit_usd || shown[i] == FIGURE_total_return || shown[i] == FIGURE_average_r;
    result_figure_text(shown[i], figure[shown[i]], text);
    buffer_add_format(out, "<div class=card title='%s'><b class='%s'>%s</b><span>", figure_meanings[shown[i]],
                      is_signed ? page_sign(figure[shown[i]]) : "", text);
    page_words(out, figure_names[shown[i]]);
    buffer_add_text(out, "</span></div>");
  }
  buffer_add_text(out, "</div>");
}

static void add_judgement(const struct result *result, struct buffer *out) {
  struct result_check checks[RESULT_CHECKS];
  struct result_warning warnings[RESULT_WARNINGS_MAX];
  int passed = result_checks(result, checks);
  int count = result_warnings(result, warnings);
  buffer_add_format(out, "<div class=panel><p><b>%s</b>: %d of %d robustness checks passed &middot; ", result_label(passed), passed, RESULT_CHECKS);
  for (int i = 0; i < RESULT_CHECKS; i++) {
    buffer_add_format(out, "%s<span class=%s>", i > 0 ? ", " : "", checks[i].has_passed ? "up" : "down");
    page_words(out, checks[i].name);
    buffer_add_format(out, " %s %g %s</span>", checks[i].is_above ? "&gt;" : "&lt;", checks[i].threshold, checks[i].has_passed ? "yes" : "no");
  }
  buffer_add_text(out, "</p>");
  buffer_add_text(out, count > 0 ? "<ul>" : "");
  for (int i = 0; i < count; i++) {
    buffer_add_text(out, "<li>");
    page_escaped(out, warnings[i].text);
    buffer_add_text(out, "</li>");
  }
  buffer_add_text(out, count > 0 ? "</ul></div>" : "</div>");
}

/* ---- charts of the whole run ---- */

static void add_equity(const struct result *result, struct buffer *out) {
  const struct run *run = result->run;
  const struct equity_point *marks = (const struct equity_point *)(const void *)run->marks.data;
  buffer_add_text(out, "<h2>Equity and drawdown</h2>");
  page_equity(marks, run->marks.count, decimal_to_double(run->start_balance_usd), run->started_at, run->ended_at, out);
}

static void add_histogram(const struct run *run, struct buffer *out) {
  double low = INFINITY;
  double high = -INFINITY;
  for (int64_t i = 0; i < run->trades.count; i++) {
    low = fmin(low, run_trade(run, i)->pnl_r);
    high = fmax(high, run_trade(run, i)->pnl_r);
  }
  double width = 0.25;
  while ((high - low) / width > BINS_MAX - 2) width *= 2;
  double first = floor(low / width) * width;
  int bins[BINS_MAX] = {0};
  int count = (int)floor((high - first) / width) + 1;
  int most = 0;
  for (int64_t i = 0; i < run->trades.count; i++) {
    int bin = (int)floor((run_trade(run, i)->pnl_r - first) / width);
    if (bin >= 0 && bin < BINS_MAX && ++bins[bin] > most) most = bins[bin];
  }
  struct plot plot = {.out = out, .x_min = first, .x_max = first + count * width, .y_min = 0, .y_max = most * 1.08, .height = 220};
  buffer_add_format(out, "<div class=panel><h3>Trades by R multiple (bins of %g R)</h3>", width);
  plot_begin(&plot, "histogram of R multiples");
  plot_grid(&plot);
  for (int is_up = 0; is_up < 2; is_up++) {
    plot_path_begin(&plot, is_up ? "bar up" : "bar down");
    for (int i = 0; i < count && i < BINS_MAX; i++) {
      double from = first + i * width;
      if (bins[i] > 0 && (from >= 0) == (is_up == 1)) plot_box(&plot, from + 0.06 * width, from + 0.94 * width, 0, bins[i]);
    }
    plot_path_end(&plot);
  }
  plot_end(&plot, "%.0f", 1, false, "%g");
  buffer_add_text(out, "</div>");
}

static void add_scatter(const struct run *run, struct buffer *out) {
  struct plot plot = {.out = out, .x_min = 0, .x_max = 0.1, .y_min = 0, .y_max = 0.1, .height = 220};
  for (int64_t i = 0; i < run->trades.count; i++) {
    plot.x_max = fmax(plot.x_max, -run_trade(run, i)->mae_r);
    plot.y_max = fmax(plot.y_max, run_trade(run, i)->mfe_r);
  }
  plot.x_max *= 1.05;
  plot.y_max *= 1.08;
  buffer_add_text(out, "<div class=panel><h3>Best price (up) against worst price (right) of each trade, R</h3>");
  plot_begin(&plot, "best against worst price of each trade");
  plot_grid(&plot);
  for (int is_up = 0; is_up < 2; is_up++) {
    plot_path_begin(&plot, is_up ? "dot up" : "dot down");
    for (int64_t i = 0; i < run->trades.count; i++) {
      const struct trade *trade = run_trade(run, i);
      if ((trade->pnl_usd > 0) == (is_up == 1)) plot_dot(&plot, fmax(0, -trade->mae_r), fmax(0, trade->mfe_r));
    }
    plot_path_end(&plot);
  }
  plot_end(&plot, "%g", 1, false, "%g");
  buffer_add_text(out, "<div class=key><span class=up>&#9679; profit</span><span class=down>&#9679; loss</span></div></div>");
}

/* ---- tables ---- */

static void add_breakdown(const struct run *run, enum breakdown by, struct buffer *out) {
  struct breakdown_row *rows;
  int32_t count = result_breakdown(run, by, &rows);
  buffer_add_text(out, "<div class=panel><h3>By ");
  page_words(out, breakdown_names[by]);
  buffer_add_text(out,
                  "</h3><div class=scroll><table><tr><th></th><th>Trades</th><th>Win %</th><th>Net USD</th><th title='average R'>R</th><th "
                  "title='profit factor'>PF</th></tr>");
  for (int32_t i = 0; i < count && i < BREAKDOWN_ROWS_MAX; i++) {
    buffer_add_text(out, "<tr><td>");
    page_escaped(out, rows[i].key);
    buffer_add_text(out, "</td>");
    page_cell(out, rows[i].total_trades, 0, false);
    page_cell(out, 100 * rows[i].win_rate, 1, false);
    page_cell(out, rows[i].net_profit_usd, 2, true);
    page_cell(out, rows[i].average_r, 3, true);
    page_cell(out, rows[i].profit_factor, 2, false);
    buffer_add_text(out, "</tr>");
  }
  buffer_add_text(out, "</table></div>");
  if (count > BREAKDOWN_ROWS_MAX)
    buffer_add_format(out, "<p class='dim small'>The first %d of %d rows; result.json has all.</p>", BREAKDOWN_ROWS_MAX, count);
  buffer_add_text(out, "</div>");
  free(rows);
}

static void add_breakdowns(const struct run *run, struct buffer *out) {
  static const enum breakdown shown[] = {BREAKDOWN_MONTH,    BREAKDOWN_EXIT_REASON,  BREAKDOWN_SYMBOL,  BREAKDOWN_SIDE,
                                         BREAKDOWN_STRATEGY, BREAKDOWN_LEVEL_SOURCE, BREAKDOWN_WEEKDAY, BREAKDOWN_HOUR};
  buffer_add_text(out, "<h2>Breakdowns</h2><div class=columns>");
  for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) add_breakdown(run, shown[i], out);
  buffer_add_text(out, "</div>");
}

static void add_summary_row(struct buffer *out, const char *name, const struct result_summary *row) {
  buffer_add_format(out, "<tr><td>%s</td>", name);
  page_cell(out, (double)row->total_trades, 0, false);
  page_cell(out, row->net_profit_usd, 2, true);
  page_cell(out, 100 * row->total_return, 2, true);
  page_cell(out, row->average_r, 3, true);
  page_cell(out, row->profit_factor, 2, false);
  page_cell(out, 100 * row->max_drawdown, 2, false);
  buffer_add_text(out, "</tr>");
}

static void add_further_runs(const struct result *result, struct buffer *out) {
  static const char head[] = "<th>Trades</th><th>Net USD</th><th>Return %</th><th>Average R</th><th>Profit factor</th><th>Max drawdown %</th></tr>";
  if (result->has_costs) {
    buffer_add_format(out,
                      "<h2>Cost sensitivity</h2><div class=panel><p class='dim small'>The whole run again with fees, slippage and impact "
                      "multiplied.</p><div class=scroll><table>"
                      "<tr><th>Costs</th>%s",
                      head);
    for (int i = 0; i < RESULT_COSTS; i++) {
      char name[16];
      snprintf(name, sizeof name, "%.1f &times;", result_cost_factors[i]);
      add_summary_row(out, name, &result->costs[i]);
    }
    buffer_add_text(out, "</table></div></div>");
  }
  if (!result->has_bounds) return;
  buffer_add_format(out,
                    "<h2>Path bounds</h2><div class=panel><p class='dim small'>Stops before targets, and targets before stops, in every candle that "
                    "reaches both: the true path "
                    "lies between.</p><div class=scroll><table><tr><th>Path</th>%s",
                    head);
  add_summary_row(out, "adverse", &result->bounds[SIM_PATH_ADVERSE]);
  add_summary_row(out, "favourable", &result->bounds[SIM_PATH_FAVOURABLE]);
  buffer_add_text(out, "</table></div></div>");
}

static void add_figures(const struct run *run, struct buffer *out) {
  buffer_add_text(out, "<h2>All figures</h2><div class=columns>");
  for (int g = 0; g < result_group_count; g++) {
    const struct result_group *group = &result_groups[g];
    buffer_add_format(out, "<div class=panel><h3>%s</h3><div class=scroll><table>", group->title);
    for (int i = 0; i < group->count; i++) {
      enum performance_figure figure = group->figures[i];
      char text[RESULT_VALUE_MAX];
      result_figure_text(figure, run->performance.figure[figure], text);
      buffer_add_format(out, "<tr><td title='%s'>", figure_meanings[figure]);
      page_words(out, figure_names[figure]);
      buffer_add_format(out, "</td><td>%s</td></tr>", text);
    }
    buffer_add_text(out, "</table></div></div>");
  }
  buffer_add_text(out, "</div>");
}

/* ---- trades ---- */

static void add_trade_title(const struct trade *trade, struct buffer *out) {
  char id[16];
  struct text text;
  text_init(&text, id, sizeof id);
  text_add_id(&text, 'T', 8, trade->trade_id);
  buffer_add_format(out, "<b>%s</b> ", id);
  page_escaped(out, trade->symbol);
  buffer_add_format(out, " %s <span class='%s'>%+.2f R</span> ", position_side_names[trade->side], page_sign(trade->pnl_r), trade->pnl_r);
  page_words(out, reason_code_names[trade->exit_reason]);
}

static void add_trade_facts(const struct trade *trade, struct buffer *out) {
  buffer_add_text(out, "<p class='dim small'>");
  page_minute(out, trade->opened_at);
  buffer_add_text(out, " to ");
  page_minute(out, trade->closed_at);
  buffer_add_format(out,
                    " &middot; %s &middot; entry %.8g, exit %.8g, stop %.8g &middot; quantity %.8g &middot; net %.2f USD, fees %.2f USD &middot; "
                    "best %+.2f R, worst %+.2f R</p>",
                    strategy_names[trade->strategy], decimal_to_double(trade->entry), decimal_to_double(trade->exit_average),
                    decimal_to_double(trade->stop_initial), decimal_to_double(trade->qty), decimal_to_double(trade->pnl_usd),
                    decimal_to_double(trade->fees_usd), trade->mfe_r, trade->mae_r);
}

static void add_key(struct buffer *out) {
  buffer_add_text(
      out,
      "<div class=key><span><i style='border-color:var(--level);border-top-style:dashed'></i>level</span><span><i "
      "style='border-color:var(--line)'></i>entry</span>"
      "<span><i style='border-color:var(--stop)'></i>stop</span><span><i style='border-color:var(--target);border-top-style:dotted'></i>target</span>"
      "<span style='color:var(--line)'>&#9679;&nbsp;entry fill</span><span style='color:var(--ink)'>&#9679;&nbsp;exit fill</span></div>");
}

struct ranked {
  const struct trade *trade;
};

static int by_result(const void *a, const void *b) {
  const struct trade *left = ((const struct ranked *)a)->trade;
  const struct trade *right = ((const struct ranked *)b)->trade;
  if (left->pnl_r != right->pnl_r) return left->pnl_r < right->pnl_r ? 1 : -1;
  return left->trade_id < right->trade_id ? -1 : left->trade_id > right->trade_id;
}

static void add_ranked(const struct result *result, const struct trade_levels *levels, const struct ranked *ranked, int64_t from, int64_t to,
                       struct buffer *out) {
  buffer_add_text(out, "<div class=two>");
  for (int64_t i = from; i < to; i++) {
    buffer_add_text(out, "<div class=panel><h3>");
    add_trade_title(ranked[i].trade, out);
    buffer_add_text(out, "</h3>");
    report_trade_chart(result, levels, ranked[i].trade, 220, out);
    add_trade_facts(ranked[i].trade, out);
    buffer_add_text(out, "</div>");
  }
  buffer_add_text(out, "</div>");
}

static void add_every_trade(const struct result *result, const struct trade_levels *levels, struct buffer *out) {
  const struct run *run = result->run;
  int64_t count = run->trades.count < CHARTS_MAX ? run->trades.count : CHARTS_MAX;
  buffer_add_format(out, "<div class=all><h2>Every trade</h2><div class=panel>");
  if (count < run->trades.count)
    buffer_add_format(out, "<p class='dim small'>The first %lld of %lld trades are drawn; trades.csv has all.</p>", (long long)count,
                      (long long)run->trades.count);
  for (int64_t i = 0; i < count; i++) {
    buffer_add_text(out, "<details><summary>");
    add_trade_title(run_trade(run, i), out);
    buffer_add_text(out, "</summary>");
    report_trade_chart(result, levels, run_trade(run, i), 160, out);
    add_trade_facts(run_trade(run, i), out);
    buffer_add_text(out, "</details>");
  }
  buffer_add_text(out, "</div></div>");
}

static void add_trades(const struct result *result, struct buffer *out) {
  const struct run *run = result->run;
  int64_t count = run->trades.count;
  if (count == 0) {
    buffer_add_text(out, "<h2>Trades</h2><div class=panel><p>No trade was closed in this period.</p></div>");
    return;
  }
  struct trade_levels levels;
  trade_levels_open(&levels, run);
  struct ranked *ranked = calloc((size_t)count, sizeof *ranked);
  check(ranked != NULL);
  for (int64_t i = 0; i < count; i++) ranked[i].trade = run_trade(run, i);
  qsort(ranked, (size_t)count, sizeof *ranked, by_result);
  int64_t best = count < BEST_COUNT ? count : BEST_COUNT;
  int64_t worst = count - best < BEST_COUNT ? count - best : BEST_COUNT;
  buffer_add_text(out, "<h2>Best trades</h2>");
  add_key(out);
  add_ranked(result, &levels, ranked, 0, best, out);
  if (worst > 0) {
    buffer_add_text(out, "<h2>Worst trades</h2>");
    add_ranked(result, &levels, ranked, count - worst, count, out);
  }
  free(ranked);
  add_every_trade(result, &levels, out);
  trade_levels_close(&levels);
}

/* ---- foot ---- */

static void add_settings(const struct result *result, struct buffer *out) {
  buffer_add_text(out, "<h2>Settings</h2><div class=panel><div class=scroll><table>");
  page_settings(result, out);
  for (int i = 0; i < result->options->wiring.set_key_count; i++) {
    buffer_add_text(out, "<tr><td>changed key</td><td>");
    page_escaped(out, result->options->wiring.set_keys[i]);
    buffer_add_text(out, "</td></tr>");
  }
  buffer_add_text(out, "</table></div><details><summary>Preset</summary><pre>");
  struct buffer preset = {0};
  preset_print_file(&result->wiring->preset.preset, &preset);
  page_escaped(out, preset.data);
  buffer_deinit(&preset);
  buffer_add_text(out, "</pre></details></div><div class=panel><h3>Digest</h3>");
  buffer_add_format(out, "<p class=hash>run %s</p><p class=hash>dataset %s</p><p class=hash>preset %s</p>", result->run->digest,
                    result->run->dataset_checksum, result->wiring->preset.hash);
  buffer_add_format(out, "<p class='dim small'>The same data, preset, settings and version (%s) give the same digest on every machine.</p></div>",
                    version_text());
}

static void add_entry_test(const struct entry_test *test, struct buffer *out) {
  buffer_add_format(out,
                    "<h2>Entry test</h2><div class=panel><p class='dim small'>As many entries at random candles of the same symbols and sides, with "
                    "the same stops and exits, drawn %lld times.</p><div class=scroll><table><tr><th></th><th>Average R</th></tr>"
                    "<tr><td>this run, %lld trades</td><td>%.4f</td></tr><tr><td>random entries, mean</td><td>%.4f</td></tr>"
                    "<tr><td>5 %%</td><td>%.4f</td></tr><tr><td>median</td><td>%.4f</td></tr><tr><td>95 %%</td><td>%.4f</td></tr>"
                    "<tr><td>share of draws that did as well (p)</td><td>%.4f</td></tr></table></div></div>",
                    (long long)test->draws, (long long)test->entries, test->average_r, test->mean, test->p5, test->p50, test->p95, test->p_value);
}

void report_html(const struct result *result, struct buffer *out) {
  const struct run *run = result->run;
  add_head(result, out);
  add_cards(result, out);
  add_judgement(result, out);
  add_equity(result, out);
  if (run->trades.count > 0) {
    buffer_add_text(out, "<h2>Trades</h2><div class=two>");
    add_histogram(run, out);
    add_scatter(run, out);
    buffer_add_text(out, "</div>");
    add_breakdowns(run, out);
  }
  add_further_runs(result, out);
  if (result->has_entry_test) add_entry_test(&result->entry_test, out);
  add_trades(result, out);
  add_figures(run, out);
  add_settings(result, out);
  buffer_add_text(out, "</main></body></html>\n");
}
