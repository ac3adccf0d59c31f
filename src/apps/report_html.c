#include "apps/report_html.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apps/report_plot.h"
#include "apps/report_trade.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/version.h"
#include "core/strategy/market_filter.h"
#include "runner/preset_print.h"

enum { CHARTS_MAX = 400, BEST_COUNT = 10, EQUITY_BUCKETS = 600, BINS_MAX = 60, BREAKDOWN_ROWS_MAX = 40 };

static const char *const figure_meanings[figure_count] = {
#define FIGURE(name, unit, text) text,
#include "core/trade/performance.def"
};

static const char style[] =
    ":root{color-scheme:light "
    "dark;--bg:#fbfbf9;--card:#fff;--ink:#1d2327;--dim:#667078;--edge:#dfe2e1;--up:#1e8e5a;--down:#c8433f;--line:#2f6bd0;--level:#a86a00;"
    "--stop:#b03a8c;--target:#0f8a9d;--soft:#eef1f0}"
    "@media(prefers-color-scheme:dark){:root{--bg:#14171a;--card:#1c2024;--ink:#e4e7e9;--dim:#98a2aa;--edge:#31373d;--up:#4cc38a;--down:#f0736d;--"
    "line:#7aa7f7;"
    "--level:#e0a63c;--stop:#e07cc0;--target:#4fc3d4;--soft:#252a2f}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}"
    "main{max-width:1120px;margin:0 auto;padding:20px 16px 60px}h1{font-size:1.5rem;margin:0 0 4px}h2{font-size:1.12rem;margin:34px 0 10px}"
    "h3{font-size:.95rem;margin:0 0 6px}p{margin:4px 0}.dim{color:var(--dim)}.small{font-size:.85rem}"
    ".stamps{display:flex;flex-wrap:wrap;gap:6px;margin:10px 0}.stamps span{border:1px solid "
    "var(--level);color:var(--level);border-radius:12px;padding:1px 10px;font-size:.82rem}"
    ".cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(158px,1fr));gap:10px;margin:16px 0}"
    ".card{background:var(--card);border:1px solid var(--edge);border-radius:8px;padding:10px 12px}.card "
    "b{display:block;font-size:1.08rem;white-space:nowrap}"
    ".card span{color:var(--dim);font-size:.8rem}.up{color:var(--up)}.down{color:var(--down)}"
    ".panel{background:var(--card);border:1px solid var(--edge);border-radius:8px;padding:12px 12px 8px;margin:10px 0;min-width:0}"
    ".columns{columns:2;column-gap:12px}.columns>*{break-inside:avoid;margin:0 0 12px}"
    ".two{display:grid;grid-template-columns:1fr 1fr;gap:12px}.two>*{min-width:0;margin:0}"
    "@media(max-width:420px){.cards{grid-template-columns:1fr 1fr}.card{padding:8px 9px}.card "
    "b{font-size:.95rem}}@media(max-width:760px){.two{grid-template-columns:1fr}.columns{columns:1}}";
static const char chart_style[] =
    ".chart{padding:4px 64px 24px 0}.area{position:relative}.area svg{display:block;width:100%;background:transparent}"
    ".area span{position:absolute;font-size:11px;color:var(--dim);white-space:nowrap;line-height:1}.area "
    ".y{left:100%;margin-left:6px;transform:translateY(-50%)}"
    ".area .x{top:100%;margin-top:7px;transform:translateX(-50%)}"
    "path{fill:none;vector-effect:non-scaling-stroke;stroke-width:1}.grid{stroke:var(--edge)}.axis{stroke:var(--dim)}"
    ".equity{stroke:var(--line);stroke-width:1.6}.under{fill:var(--down);fill-opacity:.25;stroke:var(--down)}"
    ".wick.up,.body.up{stroke:var(--up)}.wick.down,.body.down{stroke:var(--down)}.body.up{fill:var(--up)}.body.down{fill:var(--down)}"
    ".bar.up{fill:var(--up);stroke:none;fill-opacity:.85}.bar.down{fill:var(--down);stroke:none;fill-opacity:.85}"
    ".level{stroke:var(--level);stroke-dasharray:6 "
    "4;stroke-width:1.4}.entry{stroke:var(--line);stroke-width:1.4}.stop{stroke:var(--stop);stroke-width:1.6}"
    ".target{stroke:var(--target);stroke-dasharray:2 "
    "3;stroke-width:1.4}.dot{stroke-linecap:round;stroke-width:7}.dot.entry{stroke:var(--line);stroke-width:8}"
    ".dot.exit{stroke:var(--ink);stroke-width:6}.dot.up{stroke:var(--up);stroke-width:5}.dot.down{stroke:var(--down);stroke-width:5}"
    ".key{display:flex;flex-wrap:wrap;gap:4px 14px;font-size:.8rem;color:var(--dim)}.key i{display:inline-block;width:16px;height:0;border-top:2px "
    "solid;margin-right:5px;"
    "vertical-align:middle}.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.88rem;font-variant-numeric:tabular-nums}"
    "th,td{padding:4px 6px;text-align:right;border-bottom:1px solid "
    "var(--edge);white-space:nowrap}th{color:var(--dim);font-weight:600}th:first-child,td:first-child{text-align:left}"
    "td.text{text-align:left;white-space:normal;color:var(--dim)}details{border-bottom:1px solid "
    "var(--edge)}details>summary{cursor:pointer;padding:6px 2px;font-size:.88rem}"
    "pre{overflow-x:auto;background:var(--soft);padding:12px;border-radius:8px;font-size:.8rem}.hash{overflow-wrap:anywhere;font-family:ui-monospace,"
    "'DejaVu Sans Mono',monospace;"
    "font-size:.82rem}ul{margin:6px 0;padding-left:20px}a{color:var(--line)}"
    "@media print{:root{--bg:#fff;--card:#fff;--ink:#000;--dim:#444;--edge:#bbb;--soft:#f3f3f3}body{font-size:11px}main{max-width:none;padding:0}"
    ".panel,.card{break-inside:avoid}h2{break-after:avoid}.all{display:none}.two{grid-template-columns:1fr 1fr}.columns{columns:2}.area "
    "svg{height:130px}path,.stamps "
    "span{print-color-adjust:exact;-webkit-print-color-adjust:exact}}";

/* ---- text ---- */

static void add_escaped(struct buffer *out, const char *text) {
  for (; *text != '\0'; text++) {
    switch (*text) {
      case '<':
        buffer_add_text(out, "&lt;");
        break;
      case '>':
        buffer_add_text(out, "&gt;");
        break;
      case '&':
        buffer_add_text(out, "&amp;");
        break;
      case '"':
        buffer_add_text(out, "&quot;");
        break;
      case '\'':
        buffer_add_text(out, "&#39;");
        break;
      default:
        buffer_add(out, text, 1);
    }
  }
}

static void add_words(struct buffer *out, const char *name) {
  char text[64];
  text_copy(text, sizeof text, name);
  for (char *c = text; *c != '\0'; c++) {
    if (*c == '_') *c = ' ';
  }
  add_escaped(out, text);
}

static void add_minute(struct buffer *out, int64_t ts) {
  struct calendar date;
  calendar_from_ms(ts, &date);
  buffer_add_format(out, "%04d-%02d-%02d %02d:%02d", date.year, date.month, date.day, date.hour, date.minute);
}

static const char *sign_of(double value) {
  if (!isfinite(value) || value == 0) return "";
  return value > 0 ? "up" : "down";
}

static void add_cell(struct buffer *out, double value, int places, bool is_colored) {
  buffer_add_format(out, "<td class='%s'>", is_colored ? sign_of(value) : "");
  if (isfinite(value)) {
    buffer_add_format(out, "%.*f", places, value);
  } else {
    buffer_add_text(out, "&ndash;");
  }
  buffer_add_text(out, "</td>");
}

/* ---- head ---- */

static void add_head(const struct result *result, struct buffer *out) {
  const struct run *run = result->run;
  const struct preset *preset = &result->wiring->preset.preset;
  buffer_add_text(
      out,
      "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content='width=device-width,initial-scale=1'><title>Backtest of ");
  add_escaped(out, preset->name);
  buffer_add_format(out, "</title><style>%s%s</style></head><body><main><h1>Backtest of ", style, chart_style);
  add_escaped(out, preset->name);
  buffer_add_text(out, "</h1><p class=dim>");
  add_minute(out, run->started_at);
  buffer_add_text(out, " to ");
  add_minute(out, run->ended_at);
  buffer_add_format(out, " UTC &middot; %.1f days &middot; %d symbols &middot; %lld candles",
                    (double)(run->ended_at - run->started_at) / (double)DAY_MS, source_symbol_count(result->wiring->source), (long long)run->candles);
  if (result->run_id[0] != '\0') buffer_add_format(out, " &middot; run %s", result->run_id);
  buffer_add_text(out, "</p>");
  const char *stamps[RESULT_STAMPS_MAX];
  int count = result_stamps(result, stamps);
  buffer_add_text(out, count > 0 ? "<div class=stamps>" : "");
  for (int i = 0; i < count; i++) {
    buffer_add_text(out, "<span>");
    add_words(out, stamps[i]);
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
                      is_signed ? sign_of(figure[shown[i]]) : "", text);
    add_words(out, figure_names[shown[i]]);
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
    add_words(out, checks[i].name);
    buffer_add_format(out, " %s %g %s</span>", checks[i].is_above ? "&gt;" : "&lt;", checks[i].threshold, checks[i].has_passed ? "yes" : "no");
  }
  buffer_add_text(out, "</p>");
  buffer_add_text(out, count > 0 ? "<ul>" : "");
  for (int i = 0; i < count; i++) {
    buffer_add_text(out, "<li>");
    add_escaped(out, warnings[i].text);
    buffer_add_text(out, "</li>");
  }
  buffer_add_text(out, count > 0 ? "</ul></div>" : "</div>");
}

/* ---- charts of the whole run ---- */

/* The first, lowest, highest and last mark of each slice of time, so that no extreme is lost. */
static void draw_marks(const struct plot *plot, const struct run *run, bool is_drawdown) {
  const struct equity_point *marks = (const struct equity_point *)(const void *)run->marks.data;
  double width = (plot->x_max - plot->x_min) / EQUITY_BUCKETS;
  int64_t i = 0;
  bool is_first = true;
  while (i < run->marks.count) {
    int64_t end = i;
    int64_t low = i;
    int64_t high = i;
    double limit = plot->x_min + width * (floor(((double)marks[i].ts - plot->x_min) / width) + 1);
    for (; end < run->marks.count && (double)marks[end].ts < limit; end++) {
      if (marks[end].equity_usd < marks[low].equity_usd) low = end;
      if (marks[end].equity_usd > marks[high].equity_usd) high = end;
    }
    if (end == i) end = i + 1;
    int64_t chosen[4] = {i, low < high ? low : high, low < high ? high : low, end - 1};
    for (int k = 0; k < 4; k++) {
      if (k > 0 && chosen[k] == chosen[k - 1]) continue;
      const struct equity_point *mark = &marks[chosen[k]];
      double y = is_drawdown ? -mark->drawdown : mark->equity_usd;
      if (is_first && !is_drawdown) plot_move(plot, (double)mark->ts, y);
      if (!is_first || is_drawdown) plot_line(plot, (double)mark->ts, y);
      is_first = false;
    }
    i = end;
  }
}

static void add_equity(const struct result *result, struct buffer *out) {
  const struct run *run = result->run;
  const struct equity_point *marks = (const struct equity_point *)(const void *)run->marks.data;
  double start = decimal_to_double(run->start_balance_usd);
  struct plot plot = {.out = out, .x_min = (double)run->started_at, .x_max = (double)run->ended_at, .y_min = start, .y_max = start, .height = 260};
  struct plot under = {.out = out, .x_min = plot.x_min, .x_max = plot.x_max, .y_min = 0, .y_max = 0, .height = 110};
  for (int64_t i = 0; i < run->marks.count; i++) {
    plot.y_min = fmin(plot.y_min, marks[i].equity_usd);
    plot.y_max = fmax(plot.y_max, marks[i].equity_usd);
    under.y_min = fmin(under.y_min, -marks[i].drawdown);
  }
  plot_widen(&plot, 0.05);
  plot_widen(&under, 0.05);
  under.y_max = 0;
  buffer_add_text(out, "<h2>Equity and drawdown</h2><div class=panel><h3>Equity, USD</h3>");
  plot_begin(&plot, "equity over time");
  plot_grid(&plot);
  plot_path_begin(&plot, "axis");
  plot_move(&plot, plot.x_min, start);
  plot_line(&plot, plot.x_max, start);
  plot_path_end(&plot);
  plot_path_begin(&plot, "equity");
  draw_marks(&plot, run, false);
  plot_path_end(&plot);
  plot_end(&plot, "%.0f", 1, true, "");
  buffer_add_text(out, "<h3>Drawdown, %</h3>");
  plot_begin(&under, "drawdown over time");
  plot_grid(&under);
  plot_path_begin(&under, "under");
  plot_move(&under, under.x_min, 0);
  draw_marks(&under, run, true);
  plot_line(&under, under.x_max, 0);
  plot_path_end(&under);
  plot_end(&under, "%.1f", 100, true, "");
  buffer_add_text(out, "</div>");
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
  add_words(out, breakdown_names[by]);
  buffer_add_text(out,
                  "</h3><div class=scroll><table><tr><th></th><th>Trades</th><th>Win %</th><th>Net USD</th><th title='average R'>R</th><th "
                  "title='profit factor'>PF</th></tr>");
  for (int32_t i = 0; i < count && i < BREAKDOWN_ROWS_MAX; i++) {
    buffer_add_text(out, "<tr><td>");
    add_escaped(out, rows[i].key);
    buffer_add_text(out, "</td>");
    add_cell(out, rows[i].total_trades, 0, false);
    add_cell(out, 100 * rows[i].win_rate, 1, false);
    add_cell(out, rows[i].net_profit_usd, 2, true);
    add_cell(out, rows[i].average_r, 3, true);
    add_cell(out, rows[i].profit_factor, 2, false);
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
  add_cell(out, (double)row->total_trades, 0, false);
  add_cell(out, row->net_profit_usd, 2, true);
  add_cell(out, 100 * row->total_return, 2, true);
  add_cell(out, row->average_r, 3, true);
  add_cell(out, row->profit_factor, 2, false);
  add_cell(out, 100 * row->max_drawdown, 2, false);
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
      add_words(out, figure_names[figure]);
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
  add_escaped(out, trade->symbol);
  buffer_add_format(out, " %s <span class='%s'>%+.2f R</span> ", position_side_names[trade->side], sign_of(trade->pnl_r), trade->pnl_r);
  add_words(out, reason_code_names[trade->exit_reason]);
}

static void add_trade_facts(const struct trade *trade, struct buffer *out) {
  buffer_add_text(out, "<p class='dim small'>");
  add_minute(out, trade->opened_at);
  buffer_add_text(out, " to ");
  add_minute(out, trade->closed_at);
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
  struct result_setting rows[RESULT_SETTINGS_MAX];
  int count = result_settings(result, rows);
  buffer_add_text(out, "<h2>Settings</h2><div class=panel><div class=scroll><table>");
  for (int i = 0; i < count; i++) {
    buffer_add_text(out, "<tr><td>");
    add_words(out, rows[i].name);
    if (rows[i].text != NULL) {
      buffer_add_format(out, "</td><td>%s</td></tr>", rows[i].text);
    } else {
      buffer_add_format(out, "</td><td>%.10g</td></tr>", rows[i].value);
    }
  }
  for (int i = 0; i < result->options->wiring.set_key_count; i++) {
    buffer_add_text(out, "<tr><td>changed key</td><td>");
    add_escaped(out, result->options->wiring.set_keys[i]);
    buffer_add_text(out, "</td></tr>");
  }
  buffer_add_text(out, "</table></div><details><summary>Preset</summary><pre>");
  struct buffer preset = {0};
  preset_print_file(&result->wiring->preset.preset, &preset);
  add_escaped(out, preset.data);
  buffer_deinit(&preset);
  buffer_add_text(out, "</pre></details></div><div class=panel><h3>Digest</h3>");
  buffer_add_format(out, "<p class=hash>run %s</p><p class=hash>dataset %s</p><p class=hash>preset %s</p>", result->run->digest,
                    result->run->dataset_checksum, result->wiring->preset.hash);
  buffer_add_format(out, "<p class='dim small'>The same data, preset, settings and version (%s) give the same digest on every machine.</p></div>",
                    version_text());
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
  add_trades(result, out);
  add_figures(run, out);
  add_settings(result, out);
  buffer_add_text(out, "</main></body></html>\n");
}
