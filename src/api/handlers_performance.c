/* Results: the equity curve, figures, distribution of R, breakdowns, drawdowns. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_state.h"
#include "api/history.h"
#include "api/lttb.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/table.h"
#include "core/market/symbol.h"

enum { POINTS_MAX = 2000, BREAKDOWN_ROWS_MAX = 2048, BINS_MAX = 4000 };

/* What a request asks about, and the trades and marks of it. */
struct selection {
  struct call *call;
  int64_t from, to; /* ms; everything: INT64_MIN, INT64_MAX */
  int64_t session_id;
  int mode, strategy; /* -1 any */
  char symbol[SYMBOL_TEXT_MAX];
  const char *preset, *run_id; /* NULL any, none */
  struct history *run;         /* owned; of run_id */
  struct trade *trades;        /* owned, ascending */
  int32_t trade_count;
  struct equity_point *marks; /* owned, ascending */
  int32_t mark_count;
};

/* ---- the question ---- */

struct found_session {
  struct session_record session; /* session_id 0: not found */
};

static bool take_session(void *context, const void *object) {
  memcpy(&((struct found_session *)context)->session, object, sizeof(struct session_record));
  return false;
}

static enum status find_session(const struct api *api, int64_t id, struct found_session *out, struct problem *problem) {
  const struct keep *keep = &api->kept[RECORD_SESSION];
  for (int32_t i = 0; i < keep->count; i++) {
    const struct session_record *session = keep_get(keep, i);
    if (session->session_id == id) out->session = *session;
  }
  if (out->session.session_id != 0 || api->options.rows == NULL) return STATUS_OK;
  struct rows_query query = {.table = "sessions", .limit = 1};
  char printed[16];
  struct text text;
  text_init(&text, printed, sizeof printed);
  text_add_id(&text, 'S', 6, id);
  rows_query_add(&query, "session_id", ROWS_EQUAL, printed);
  return api->options.rows->select_objects(api->options.rows->self, &query, take_session, out, problem);
}

/* A session is its trades and its time. */
static bool read_session(struct selection *selection) {
  struct call *call = selection->call;
  const char *text = http_argument(call->request, "session_id");
  struct found_session found = {0};
  struct problem problem;
  if (text == NULL) return true;
  problem_clear(&problem);
  selection->session_id = parse_id(text, 'S');
  enum status status = selection->session_id > 0 ? find_session(call->api, selection->session_id, &found, &problem) : STATUS_OK;
  if (status != STATUS_OK) {
    call_fail_problem(call, 503, "not_ready", &problem);
    return false;
  }
  if (found.session.session_id == 0) {
    call_fail(call, 404, "not_found", "there is no session %s", text);
    return false;
  }
  if (found.session.started_at > selection->from) selection->from = found.session.started_at;
  if (found.session.ended_at != 0 && found.session.ended_at < selection->to) selection->to = found.session.ended_at + 1;
  return true;
}

/* Trades and equity of a finished run, from the files of its folder. */
static enum status read_files(const struct api *api, struct history *history, const char *run_id, struct problem *problem) {
  const struct run_port *runs = api->options.runs;
  char folder[RUN_PATH_BYTES];
  void *trades = NULL, *marks = NULL;
  int64_t trade_count = 0, mark_count = 0;
  if (runs == NULL || !run_is_id(run_id)) return STATUS_NOT_FOUND;
  runs->folder(runs->self, run_id, folder);
  enum status status = run_file_read(folder, RUN_FILE_TRADES, &trades, &trade_count, problem);
  if (!status) status = run_file_read(folder, RUN_FILE_EQUITY, &marks, &mark_count, problem);
  for (int64_t i = 0; i < trade_count && !status; i++) history_add_trade(history, (const struct trade *)trades + i);
  for (int64_t i = 0; i < mark_count && !status; i++) history_add_equity(history, (const struct equity *)marks + i);
  free(trades);
  free(marks);
  return status;
}

/* Recorded runs are read for the request alone. */
static bool read_run(struct selection *selection) {
  struct call *call = selection->call;
  const struct row_port *rows = call->api->options.rows;
  struct problem problem;
  int64_t count = 0;
  selection->run_id = http_argument(call->request, "run_id");
  if (selection->run_id == NULL) return true;
  if (rows == NULL) {
    call_fail(call, 503, "not_ready", "runs are read from the database, and there is none");
    return false;
  }
  problem_clear(&problem);
  struct rows_query query = {.table = "runs"};
  rows_query_add(&query, "run_id", ROWS_EQUAL, selection->run_id);
  selection->run = history_open();
  enum status status = rows->count(rows->self, &query, &count, &problem);
  if (status == STATUS_OK && count == 0) {
    call_fail(call, 404, "not_found", "there is no run %s", selection->run_id);
    return false;
  }
  if (status == STATUS_OK) status = read_files(call->api, selection->run, selection->run_id, &problem);
  if (status == STATUS_OK) return true;
  if (status == STATUS_NOT_FOUND) {
    call_fail(call, 409, "not_done", "run %s has no trades: it is not done, or no backtest", selection->run_id);
    return false;
  }
  call_fail_problem(call, 503, "not_ready", &problem);
  return false;
}

static bool read_question(struct selection *selection) {
  struct call *call = selection->call;
  char venue[SYMBOL_TEXT_MAX];
  const char *symbol = http_argument(call->request, "symbol");
  if (!call_range(call, &selection->from, &selection->to)) return false;
  selection->mode = call_word(call, "mode", trading_mode_names, trading_mode_count, -2);
  if (selection->mode == -1) return false;
  selection->strategy = call_word(call, "strategy", strategy_names, strategy_count, -2);
  if (selection->strategy == -1) return false;
  selection->preset = http_argument(call->request, "preset");
  if (symbol != NULL && !symbol_parse(symbol, selection->symbol, venue)) {
    call_fail(call, 404, "not_found", "there is no symbol %s here", symbol);
    return false;
  }
  return read_session(selection) && read_run(selection);
}

/* ---- the data ---- */

/* The account's curve says nothing about a part of the trades. */
static bool is_part(const struct selection *selection) {
  return selection->mode >= 0 || selection->strategy >= 0 || selection->preset != NULL || selection->symbol[0] != '\0';
}

static bool trade_fits(const struct selection *selection, const struct trade *trade) {
  return trade->closed_at >= selection->from && trade->closed_at < selection->to &&
         (selection->session_id == 0 || trade->session_id == selection->session_id) && (selection->mode < 0 || trade->mode == selection->mode) &&
         (selection->strategy < 0 || trade->strategy == selection->strategy) &&
         (selection->preset == NULL || text_equal(trade->preset, selection->preset)) &&
         (selection->symbol[0] == '\0' || text_equal(trade->symbol, selection->symbol));
}

/* The first mark within the range, or the newest before it: what trading began with. */
static double equity_at_start(const struct selection *selection, const struct history *history) {
  double equity = selection->call->api->options.settings->paper_starting_balance;
  for (int32_t i = 0; i < history->mark_count; i++) {
    if (i == 0 || history->marks[i].ts <= selection->from) equity = history->marks[i].equity_usd;
    if (history->marks[i].ts > selection->from) break;
  }
  return equity;
}

/* A curve of trades alone: what each closed one added. */
static void sum_trades(struct selection *selection, const struct history *history) {
  double equity = equity_at_start(selection, history);
  double peak = equity;
  double r = 0;
  selection->marks = calloc((size_t)selection->trade_count + 1, sizeof *selection->marks);
  check(selection->marks != NULL);
  if (selection->trade_count == 0) return;
  selection->marks[0] = (struct equity_point){.ts = selection->trades[0].opened_at, .equity_usd = equity, .cash_usd = equity};
  for (int32_t i = 0; i < selection->trade_count; i++) {
    equity += decimal_to_double(selection->trades[i].pnl_usd);
    r += selection->trades[i].pnl_r;
    peak = fmax(peak, equity);
    selection->marks[i + 1] = (struct equity_point){
        .ts = selection->trades[i].closed_at, .equity_usd = equity, .cash_usd = equity, .drawdown = (peak - equity) / peak, .cumulative_r = r};
  }
  selection->mark_count = selection->trade_count + 1;
}

static void take_marks(struct selection *selection, const struct history *history) {
  int32_t start = 0;
  while (start < history->mark_count && history->marks[start].ts < selection->from) ++start;
  int32_t end = history->mark_count;
  while (end > start && history->marks[end - 1].ts >= selection->to) --end;
  selection->marks = calloc((size_t)(end - start) + 1, sizeof *selection->marks);
  check(selection->marks != NULL);
  if (end > start) memcpy(selection->marks, &history->marks[start], (size_t)(end - start) * sizeof *selection->marks);
  selection->mark_count = end - start;
}

static bool open_selection(struct call *call, struct selection *selection) {
  *selection = (struct selection){.call = call};
  if (!read_question(selection)) return false;
  const struct history *history = selection->run != NULL ? selection->run : call->api->history;
  selection->trades = calloc((size_t)history->trade_count + 1, sizeof *selection->trades);
  check(selection->trades != NULL);
  for (int32_t i = 0; i < history->trade_count; i++) {
    if (trade_fits(selection, &history->trades[i])) selection->trades[selection->trade_count++] = history->trades[i];
  }
  if (is_part(selection)) {
    sum_trades(selection, history);
  } else {
    take_marks(selection, history);
  }
  return true;
}

static void close_selection(struct selection *selection) {
  free(selection->trades);
  free(selection->marks);
  history_close(selection->run);
}

/* ---- equity ---- */

/* 1d, 1w, ... until now; all by default. */
static bool read_time_range(struct call *call, int64_t *from) {
  static const char *const words[] = {"1d", "1w", "1m", "3m", "1y", "all"};
  static const int64_t days[] = {1, 7, 30, 91, 365, 0};
  int range = call_word(call, "time_range", words, 6, 5);
  *from = range >= 0 && days[range] > 0 ? engine_now(call->api->options.engine) - days[range] * DAY_MS : INT64_MIN;
  return range >= 0;
}

static void write_point(const struct equity_point *point, struct json_writer *writer) {
  json_begin_object(writer, NULL);
  json_add_int(writer, "ts", point->ts);
  json_add_double(writer, "equity_usd", point->equity_usd);
  json_add_double(writer, "cash_usd", point->cash_usd);
  json_add_double(writer, "unrealised_usd", point->unrealised_usd);
  json_add_double(writer, "drawdown", point->drawdown);
  json_add_double(writer, "cumulative_r", point->cumulative_r);
  json_end_object(writer);
}

static void add_cell(struct buffer *out, double value, char after) {
  char memory[64];
  struct text text;
  text_init(&text, memory, sizeof memory);
  if (isfinite(value)) text_add_double(&text, value, 8);
  text_add_char(&text, after);
  buffer_add_text(out, memory);
}

static void answer_equity(struct call *call, const struct equity_point *marks, const int32_t *chosen, int32_t count, bool is_csv) {
  struct buffer *out = &call->reply->body;
  if (!is_csv) {
    call_begin(call);
    json_begin_array(&call->writer, "items");
    for (int32_t i = 0; i < count; i++) write_point(&marks[chosen[i]], &call->writer);
    call_end_list(call, count);
    return;
  }
  call_begin_csv(call, "ts,equity_usd,cash_usd,unrealised_usd,drawdown,cumulative_r");
  for (int32_t i = 0; i < count; i++) {
    const struct equity_point *point = &marks[chosen[i]];
    buffer_add_format(out, "%lld,", (long long)point->ts);
    add_cell(out, point->equity_usd, ',');
    add_cell(out, point->cash_usd, ',');
    add_cell(out, point->unrealised_usd, ',');
    add_cell(out, point->drawdown, ',');
    add_cell(out, point->cumulative_r, '\n');
  }
}

void handle_performance_equity(struct call *call) {
  static int32_t chosen[POINTS_MAX];
  struct selection selection = {0};
  bool is_csv;
  int64_t from;
  if (!call_wants_csv(call, &is_csv) || !read_time_range(call, &from)) return;
  if (open_selection(call, &selection)) {
    int32_t start = 0;
    while (start < selection.mark_count && selection.marks[start].ts < from) ++start;
    const struct equity_point *marks = &selection.marks[start];
    int32_t count = lttb_choose(marks, selection.mark_count - start, POINTS_MAX, chosen);
    answer_equity(call, marks, chosen, count, is_csv);
  }
  close_selection(&selection);
}

/* ---- figures ---- */

static int64_t count_moves(const struct selection *selection, enum stop_rule rule) {
  const struct row_port *rows = selection->call->api->options.rows;
  struct rows_query query = {.table = "stop_history"};
  struct problem problem;
  char from[32];
  char to[32];
  struct text text;
  int64_t count = -1;
  if (rows == NULL) return -1;
  problem_clear(&problem);
  rows_query_add(&query, "rule", ROWS_EQUAL, stop_rule_names[rule]);
  rows_query_add(&query, "run_id", ROWS_EQUAL, selection->run_id);
  text_init(&text, from, sizeof from);
  text_add_time(&text, selection->from > 0 ? selection->from : 0);
  rows_query_add(&query, "ts", ROWS_AT_LEAST, from);
  text_init(&text, to, sizeof to);
  text_add_time(&text, selection->to);
  if (selection->to != INT64_MAX) rows_query_add(&query, "ts", ROWS_BELOW, to);
  return rows->count(rows->self, &query, &count, &problem) == STATUS_OK ? count : -1;
}

/* What trades tell about costs: both fills of each; slippage only where it hurt. */
static void add_costs(const struct selection *selection, struct performance_input *input) {
  for (int32_t i = 0; i < selection->trade_count; i++) {
    const struct trade *trade = &selection->trades[i];
    double qty = decimal_to_double(trade->qty);
    double bought = qty * decimal_to_double(trade->entry);
    double sold = qty * decimal_to_double(trade->exit_average);
    input->turnover_usd += bought + sold;
    if (trade->slippage_entry_bps > 0) input->slippage_usd += bought * trade->slippage_entry_bps * 1e-4;
    if (trade->slippage_exit_bps > 0) input->slippage_usd += sold * trade->slippage_exit_bps * 1e-4;
    input->add_ons += trade->add_on_used ? 1 : 0;
    input->path_dependent_trades += trade->path_dependent ? 1 : 0;
  }
}

/* Figures that nothing recorded tells for this selection are null, not 0. */
static void forget_unknown(const struct selection *selection, struct performance *performance) {
  static const enum performance_figure unknown[] = {FIGURE_fill_rate, FIGURE_unfilled_entries, FIGURE_refused_plans};
  static const enum performance_figure of_marks[] = {FIGURE_exposure, FIGURE_average_notional_ratio, FIGURE_max_notional_ratio, FIGURE_left_open};
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) performance->figure[unknown[i]] = NAN;
  for (size_t i = 0; i < sizeof of_marks / sizeof of_marks[0] && is_part(selection); i++) performance->figure[of_marks[i]] = NAN;
  int64_t breakeven = is_part(selection) ? -1 : count_moves(selection, STOP_BREAKEVEN);
  int64_t trailing = is_part(selection) ? -1 : count_moves(selection, STOP_TRAILING);
  performance->figure[FIGURE_breakeven_moves] = breakeven >= 0 ? (double)breakeven : NAN;
  performance->figure[FIGURE_trailing_moves] = trailing >= 0 ? (double)trailing : NAN;
}

static void compute(const struct selection *selection, struct performance *out, int64_t *from, int64_t *to) {
  const struct engine *engine = selection->call->api->options.engine;
  bool has_marks = selection->mark_count > 0;
  bool is_until_now = selection->run == NULL && selection->to > engine_now(engine);
  *from = has_marks ? selection->marks[0].ts : 0;
  *to = has_marks ? selection->marks[selection->mark_count - 1].ts : 0;
  struct performance_input input = {.trades = selection->trades,
                                    .trade_count = selection->trade_count,
                                    .marks = selection->marks,
                                    .mark_count = selection->mark_count,
                                    .from = *from,
                                    .to = *to,
                                    .left_open = is_until_now ? engine_position_count(engine) : 0,
                                    .market_change = NAN,
                                    .reference_change = NAN};
  add_costs(selection, &input);
  int64_t days = (*to - *from) / DAY_MS + 4;
  double *scratch = calloc((size_t)(selection->trade_count + 2 * days), sizeof *scratch);
  check(scratch != NULL);
  performance_compute(&input, scratch, out);
  free(scratch);
  forget_unknown(selection, out);
}

static void write_figures(const struct performance *performance, struct json_writer *writer) {
  static const char *const texts[] = {
#define FIGURE(name, unit, text) text,
#include "core/trade/performance.def"
  };
  json_begin_object(writer, "metrics");
  for (int i = 0; i < figure_count; i++) {
    json_begin_object(writer, figure_names[i]);
    json_add_double(writer, "value", performance->figure[i]);
    json_add_string(writer, "unit", figure_units[i]);
    json_add_string(writer, "text", texts[i]);
    json_end_object(writer);
  }
  json_end_object(writer);
}

static void add_time_or_null(struct json_writer *writer, const char *key, int64_t time) {
  if (time > 0) {
    json_add_int(writer, key, time);
  } else {
    json_add_null(writer, key);
  }
}

void handle_performance_metrics(struct call *call) {
  struct selection selection = {0};
  if (open_selection(call, &selection)) {
    struct performance performance;
    int64_t from;
    int64_t to;
    compute(&selection, &performance, &from, &to);
    call_begin(call);
    json_add_int(&call->writer, "n", selection.trade_count);
    add_time_or_null(&call->writer, "from", from);
    add_time_or_null(&call->writer, "to", to);
    write_figures(&performance, &call->writer);
    json_begin_array(&call->writer, "target_hit_rate");
    for (int i = 0; i < POSITION_TARGETS_MAX && selection.trade_count > 0; i++) json_add_double(&call->writer, NULL, performance.target_hit_rate[i]);
    json_end_array(&call->writer);
    call_end(call, 200);
  }
  close_selection(&selection);
}

/* ---- distribution ---- */

static int compare_doubles(const void *a, const void *b) {
  double left = *(const double *)a;
  double right = *(const double *)b;
  return (left > right) - (left < right);
}

/* Every bin from the worst to the best trade, also empty ones. False when there would be too many. */
static bool write_bins(const double *r, int32_t count, double bin, struct json_writer *writer, int64_t *bins) {
  *bins = 0;
  if (count == 0) return true;
  int64_t first = (int64_t)floor(r[0] / bin);
  int64_t last = (int64_t)floor(r[count - 1] / bin);
  int32_t at = 0;
  if (last - first >= BINS_MAX) return false;
  for (int64_t k = first; k <= last; k++) {
    int32_t start = at;
    while (at < count && (int64_t)floor(r[at] / bin) == k) ++at;
    json_begin_object(writer, NULL);
    json_add_double(writer, "r", (double)k * bin);
    json_add_int(writer, "count", at - start);
    json_end_object(writer);
    ++*bins;
  }
  return true;
}

static void answer_bins(struct call *call, const struct selection *selection, double bin) {
  double *r = calloc((size_t)selection->trade_count + 1, sizeof *r);
  int64_t bins;
  check(r != NULL);
  for (int32_t i = 0; i < selection->trade_count; i++) r[i] = selection->trades[i].pnl_r;
  qsort(r, (size_t)selection->trade_count, sizeof *r, compare_doubles);
  call_begin(call);
  json_begin_array(&call->writer, "items");
  if (write_bins(r, selection->trade_count, bin, &call->writer, &bins)) {
    call_end_list(call, bins);
  } else {
    call_fail(call, 400, "bad_parameter", "bin is too small for this range of R: at most %d bins", BINS_MAX);
  }
  free(r);
}

void handle_performance_r(struct call *call) {
  const char *text = http_argument(call->request, "bin");
  double bin = 0.25;
  if (text != NULL && (!text_parse_double(text, &bin) || !(bin >= 0.01 && bin <= 100))) {
    call_fail(call, 400, "bad_parameter", "bin must be a number from 0.01 to 100");
    return;
  }
  struct selection selection = {0};
  if (open_selection(call, &selection)) answer_bins(call, &selection, bin);
  close_selection(&selection);
}

/* ---- breakdown ---- */

static void add_breakdown_csv(const struct breakdown_row *row, struct buffer *out) {
  table_add_csv_cell(out, row->key);
  buffer_add_format(out, ",%d,%d,", (int)row->total_trades, (int)row->wins);
  add_cell(out, row->net_profit_usd, ',');
  add_cell(out, row->average_r * row->total_trades, ',');
  add_cell(out, row->profit_factor, ',');
  add_cell(out, row->average_r, '\n');
}

static void write_breakdown(const struct breakdown_row *row, struct json_writer *writer) {
  json_begin_object(writer, NULL);
  json_add_string(writer, "key", row->key);
  json_add_int(writer, "trades", row->total_trades);
  json_add_int(writer, "wins", row->wins);
  json_add_double(writer, "pnl_usd", row->net_profit_usd);
  json_add_double(writer, "pnl_r", row->average_r * row->total_trades);
  json_add_double(writer, "profit_factor", row->profit_factor);
  json_add_double(writer, "average_r", row->average_r);
  json_end_object(writer);
}

static void answer_breakdown(struct call *call, const struct selection *selection, enum breakdown by, bool is_csv) {
  struct breakdown_row *rows = calloc(BREAKDOWN_ROWS_MAX, sizeof *rows);
  check(rows != NULL);
  int32_t count = performance_breakdown(selection->trades, selection->trade_count, by, rows, BREAKDOWN_ROWS_MAX);
  if (is_csv) {
    call_begin_csv(call, "key,trades,wins,pnl_usd,pnl_r,profit_factor,average_r");
    for (int32_t i = 0; i < count; i++) add_breakdown_csv(&rows[i], &call->reply->body);
  } else {
    call_begin(call);
    json_begin_array(&call->writer, "items");
    for (int32_t i = 0; i < count; i++) write_breakdown(&rows[i], &call->writer);
    call_end_list(call, count);
  }
  free(rows);
}

void handle_performance_breakdown(struct call *call) {
  struct selection selection = {0};
  bool is_csv;
  int by = call_word(call, "by", breakdown_names, breakdown_count, BREAKDOWN_DAY);
  if (by < 0 || !call_wants_csv(call, &is_csv)) return;
  if (open_selection(call, &selection)) answer_breakdown(call, &selection, (enum breakdown)by, is_csv);
  close_selection(&selection);
}

/* ---- drawdowns ---- */

void handle_performance_drawdowns(struct call *call) {
  struct selection selection = {0};
  int64_t limit = PERFORMANCE_DRAWDOWNS_MAX;
  if (!call_number(call, "limit", 1, PERFORMANCE_DRAWDOWNS_MAX, &limit)) return;
  if (open_selection(call, &selection)) {
    struct performance performance;
    int64_t from;
    int64_t to;
    compute(&selection, &performance, &from, &to);
    int32_t count = performance.drawdown_count < limit ? performance.drawdown_count : (int32_t)limit;
    call_begin(call);
    json_begin_array(&call->writer, "items");
    for (int32_t i = 0; i < count; i++) {
      const struct drawdown *fall = &performance.drawdowns[i];
      json_begin_object(&call->writer, NULL);
      json_add_int(&call->writer, "peak_at", fall->peak_at);
      json_add_int(&call->writer, "trough_at", fall->trough_at);
      add_time_or_null(&call->writer, "recovered_at", fall->recovered_at);
      json_add_double(&call->writer, "depth", fall->depth);
      json_add_double(&call->writer, "depth_usd", fall->depth_usd);
      json_add_int(&call->writer, "length_ms", fall->length_ms);
      json_end_object(&call->writer);
    }
    call_end_list(call, performance.drawdown_count);
  }
  close_selection(&selection);
}
