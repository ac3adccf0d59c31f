#include "apps/report_page.h"

#include <math.h>

#include "apps/report_plot.h"
#include "base/calendar.h"
#include "base/text.h"

enum { EQUITY_BUCKETS = 600 };

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

void page_begin(const char *kind, const char *name, struct buffer *out) {
  buffer_add_format(
      out, "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content='width=device-width,initial-scale=1'><title>%s", kind);
  page_escaped(out, name);
  buffer_add_format(out, "</title><style>%s%s</style></head><body><main><h1>%s", style, chart_style, kind);
  page_escaped(out, name);
  buffer_add_text(out, "</h1><p class=dim>");
}

/* ---- text ---- */

void page_escaped(struct buffer *out, const char *text) {
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

void page_words(struct buffer *out, const char *name) {
  char text[64];
  text_copy(text, sizeof text, name);
  for (char *c = text; *c != '\0'; c++) {
    if (*c == '_') *c = ' ';
  }
  page_escaped(out, text);
}

void page_minute(struct buffer *out, int64_t ts) {
  struct calendar date;
  calendar_from_ms(ts, &date);
  buffer_add_format(out, "%04d-%02d-%02d %02d:%02d", date.year, date.month, date.day, date.hour, date.minute);
}

const char *page_sign(double value) {
  if (!isfinite(value) || value == 0) return "";
  return value > 0 ? "up" : "down";
}

void page_cell(struct buffer *out, double value, int places, bool is_colored) {
  buffer_add_format(out, "<td class='%s'>", is_colored ? page_sign(value) : "");
  if (isfinite(value)) {
    buffer_add_format(out, "%.*f", places, value);
  } else {
    buffer_add_text(out, "&ndash;");
  }
  buffer_add_text(out, "</td>");
}

/* ---- equity ---- */

/* The first, lowest, highest and last mark of each slice of time, so that no extreme is lost. */
static void draw_marks(const struct plot *plot, const struct equity_point *marks, int64_t count, bool is_drawdown) {
  double width = (plot->x_max - plot->x_min) / EQUITY_BUCKETS;
  int64_t i = 0;
  bool is_first = true;
  while (i < count) {
    int64_t end = i;
    int64_t low = i;
    int64_t high = i;
    double limit = plot->x_min + width * (floor(((double)marks[i].ts - plot->x_min) / width) + 1);
    for (; end < count && (double)marks[end].ts < limit; end++) {
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

void page_equity(const struct equity_point *marks, int64_t count, double start, int64_t from, int64_t to, struct buffer *out) {
  struct plot plot = {.out = out, .x_min = (double)from, .x_max = (double)to, .y_min = start, .y_max = start, .height = 260};
  struct plot under = {.out = out, .x_min = plot.x_min, .x_max = plot.x_max, .y_min = 0, .y_max = 0, .height = 110};
  for (int64_t i = 0; i < count; i++) {
    plot.y_min = fmin(plot.y_min, marks[i].equity_usd);
    plot.y_max = fmax(plot.y_max, marks[i].equity_usd);
    under.y_min = fmin(under.y_min, -marks[i].drawdown);
  }
  plot_widen(&plot, 0.05);
  plot_widen(&under, 0.05);
  under.y_max = 0;
  buffer_add_text(out, "<div class=panel><h3>Equity, USD</h3>");
  plot_begin(&plot, "equity over time");
  plot_grid(&plot);
  plot_path_begin(&plot, "axis");
  plot_move(&plot, plot.x_min, start);
  plot_line(&plot, plot.x_max, start);
  plot_path_end(&plot);
  plot_path_begin(&plot, "equity");
  draw_marks(&plot, marks, count, false);
  plot_path_end(&plot);
  plot_end(&plot, "%.0f", 1, true, "");
  buffer_add_text(out, "<h3>Drawdown, %</h3>");
  plot_begin(&under, "drawdown over time");
  plot_grid(&under);
  plot_path_begin(&under, "under");
  plot_move(&under, under.x_min, 0);
  draw_marks(&under, marks, count, true);
  plot_line(&under, under.x_max, 0);
  plot_path_end(&under);
  plot_end(&under, "%.1f", 100, true, "");
  buffer_add_text(out, "</div>");
}

void page_settings(const struct result *result, struct buffer *out) {
  struct result_setting rows[RESULT_SETTINGS_MAX];
  int count = result_settings(result, rows);
  for (int i = 0; i < count; i++) {
    buffer_add_text(out, "<tr><td>");
    page_words(out, rows[i].name);
    if (rows[i].text != NULL) {
      buffer_add_format(out, "</td><td>%s</td></tr>", rows[i].text);
    } else {
      buffer_add_format(out, "</td><td>%.10g</td></tr>", rows[i].value);
    }
  }
}
