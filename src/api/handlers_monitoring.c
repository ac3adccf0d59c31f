/* Sessions, checkpoints, the state machine, venues' limits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/monitoring/monitoring.h"
#include "base/check.h"
#include "core/trade/performance.h"

enum { MARKS_MAX = 50000, TRADES_MAX = 20000 };

/* ---- trades of a session ---- */

struct trades {
  struct trade *items; /* oldest first; owned */
  int32_t count, capacity;
  int64_t newest_id;
};

static bool take_trade(void *context, const void *object) {
  struct trades *trades = context;
  const struct trade *trade = object;
  if (trades->count == TRADES_MAX) return false;
  if (trades->count == trades->capacity) {
    trades->capacity = trades->capacity > 0 ? 2 * trades->capacity : 64;
    trades->items = realloc(trades->items, (size_t)trades->capacity * sizeof trades->items[0]);
    check(trades->items != NULL);
  }
  trades->items[trades->count++] = *trade;
  if (trade->trade_id > trades->newest_id) trades->newest_id = trade->trade_id;
  return true;
}

static void session_text(int64_t session_id, char out[24]) {
  snprintf(out, 24, "S%06lld", (long long)session_id);
}

/* Rows of the database, and behind them what it has not stored yet. */
static void gather_trades(const struct api *api, int64_t session_id, struct trades *trades) {
  const struct row_port *rows = api->options.rows;
  const struct keep *keep = &api->kept[RECORD_TRADE];
  char id[24];
  session_text(session_id, id);
  if (rows != NULL) {
    struct problem problem;
    struct rows_query query = {.table = "trades", .order = "closed_at", .is_ascending = true, .limit = TRADES_MAX};
    problem_clear(&problem);
    rows_query_add(&query, "session_id", ROWS_EQUAL, id);
    /* A database that does not answer leaves what memory has; the caller compares the number with the session's own count. */
    if (rows->select_objects(rows->self, &query, take_trade, trades, &problem) != STATUS_OK) trades->count = 0;
  }
  int64_t stored = trades->count > 0 ? trades->newest_id : 0;
  for (int32_t i = keep->count - 1; i >= 0; i--) {
    const struct trade *trade = keep_get(keep, i);
    if (trade->session_id == session_id && trade->trade_id > stored) take_trade(trades, trade);
  }
}

/* ---- writing ---- */

static bool is_active(const struct session_record *session) {
  return session->ended_at == 0;
}

static const char *status_of(const struct session_record *session) {
  if (is_active(session)) return "active";
  return session->session_state == SESSION_ERROR || session->session_state == SESSION_EMERGENCY ? "failed" : "completed";
}

static void write_results(const struct api *api, const struct session_record *session, struct json_writer *writer) {
  struct trades trades = {0};
  int64_t pnl = 0;
  double r = 0;
  int32_t wins = 0;
  gather_trades(api, session->session_id, &trades);
  for (int32_t i = 0; i < trades.count; i++) {
    pnl += trades.items[i].pnl_usd;
    r += trades.items[i].pnl_r;
    wins += trades.items[i].pnl_usd > 0 ? 1 : 0;
  }
  /* A sum of some of them would be a wrong number. */
  bool is_whole = trades.count >= session->trades;
  json_add_double(writer, "pnl_usd", is_whole ? decimal_to_double(pnl) : NAN);
  json_add_double(writer, "pnl_r", is_whole ? r : NAN);
  json_add_double(writer, "success_rate", is_whole && trades.count > 0 ? (double)wins / trades.count : NAN);
  free(trades.items);
}

void write_session(const struct api *api, const char *key, const struct session_record *session, struct json_writer *writer) {
  const struct monitoring *monitoring = api->monitoring;
  /* Its record comes when it begins, changes its state and ends; the engine counts all the time. */
  const struct session_record *now = engine_session(api->options.engine);
  if (now->session_id == session->session_id) session = now;
  bool is_own = is_active(session) && session->session_id == monitoring->session_id;
  int64_t end = session->ended_at != 0 ? session->ended_at : engine_now(api->options.engine);
  json_begin_object(writer, key);
  shape_to_json(SHAPE_SESSION, session, writer);
  json_add_string(writer, "status", status_of(session));
  json_add_double(writer, "duration_s", end > session->started_at ? (double)(end - session->started_at) / 1000.0 : 0);
  if (is_own && monitoring->session_symbols >= 0) {
    json_add_int(writer, "symbols_scanned", monitoring->session_symbols);
  } else {
    json_add_null(writer, "symbols_scanned");
  }
  json_add_int(writer, "candidates_found", session->candidates);
  json_add_int(writer, "signals_generated", session->signals);
  json_add_int(writer, "positions_opened", session->entries);
  json_add_int(writer, "orders_executed", session->orders);
  write_results(api, session, writer);
  if (is_own) {
    write_skipped_filters(api->options.engine, writer);
  } else {
    json_add_null(writer, "skipped_filters");
  }
  json_add_null(writer, "digest");
  json_end_object(writer);
}

/* ---- finding ---- */

static bool take_session(void *context, const void *object) {
  *(struct session_record *)context = *(const struct session_record *)object;
  return false;
}

/* In memory, else in the database. */
static bool find_session(const struct api *api, int64_t id, struct session_record *out) {
  const struct keep *keep = &api->kept[RECORD_SESSION];
  const struct row_port *rows = api->options.rows;
  struct rows_query query = {.table = "sessions", .limit = 1};
  struct problem problem;
  char text[24];
  *out = (struct session_record){0};
  if (id == 0) return false;
  for (int32_t i = 0; i < keep->count; i++) {
    const struct session_record *session = keep_get(keep, i);
    if (session->session_id != id) continue;
    *out = *session;
    return true;
  }
  if (rows == NULL) return false;
  problem_clear(&problem);
  session_text(id, text);
  rows_query_add(&query, "session_id", ROWS_EQUAL, text);
  return rows->select_objects(rows->self, &query, take_session, out, &problem) == STATUS_OK && out->session_id == id;
}

static bool take_asked(struct call *call, struct session_record *out) {
  if (find_session(call->api, parse_id(call->parameter, 'S'), out)) return true;
  call_fail(call, 404, "not_found", "there is no session %s", call->parameter);
  return false;
}

/* ---- checkpoints ---- */

static void write_stored(const struct row_value *values, int count, struct json_writer *writer) {
  char id[32];
  const struct row_value *number = row_value_of(values, count, "checkpoint_id");
  const struct row_value *metrics = row_value_of(values, count, "metrics");
  const struct row_value *error = row_value_of(values, count, "error");
  snprintf(id, sizeof id, "K%08lld", (long long)(number != NULL ? number->integer : 0));
  json_begin_object(writer, NULL);
  json_add_string(writer, "checkpoint_id", id);
  for (int i = 0; i < count; i++) {
    static const char *const own[] = {"checkpoint_id", "run_id", "metrics", "error"};
    bool is_own = false;
    for (size_t k = 0; k < sizeof own / sizeof own[0]; k++) is_own = is_own || text_equal(values[i].column, own[k]);
    if (!is_own) row_to_json(&values[i], 1, writer);
  }
  json_add_raw(writer, "metrics", metrics != NULL && metrics->kind == ROW_VALUE_TEXT ? metrics->text : "{}");
  json_add_raw(writer, "error", error != NULL && error->kind == ROW_VALUE_TEXT ? error->text : "null");
  json_end_object(writer);
}

struct writing {
  struct json_writer *writer;
  int left;
};

static bool write_row(void *context, const struct row_value *values, int count) {
  struct writing *writing = context;
  write_stored(values, count, writing->writer);
  return --writing->left > 0;
}

/* Newest first: what is not stored yet, then rows; without a database what is in memory. */
static void write_checkpoints(const struct api *api, int64_t session_id, int limit, const char *key, struct json_writer *writer) {
  const struct monitoring *monitoring = api->monitoring;
  const struct row_port *rows = api->options.rows;
  struct writing writing = {writer, limit};
  json_begin_array(writer, key);
  for (int i = 0; writing.left > 0; i++) {
    const struct checkpoint *checkpoint = checkpoint_get(monitoring, i);
    if (checkpoint == NULL || (rows != NULL && checkpoint->id <= monitoring->checkpoint_stored)) break;
    if (checkpoint->session_id != session_id) continue;
    json_begin_object(writer, NULL);
    checkpoint_write(api, checkpoint, writer);
    json_end_object(writer);
    --writing.left;
  }
  if (rows != NULL && writing.left > 0) {
    struct rows_query query = {.table = "checkpoints", .order = "checkpoint_id", .limit = writing.left};
    struct problem problem;
    char id[24];
    problem_clear(&problem);
    session_text(session_id, id);
    rows_query_add(&query, "session_id", ROWS_EQUAL, id);
    /* A database that is away leaves the list shorter; /api/health says why. */
    enum status status = rows->select(rows->self, &query, write_row, &writing, &problem);
    (void)status;
  }
  json_end_array(writer);
}

void handle_checkpoints(struct call *call) {
  struct session_record session;
  int64_t limit = 100;
  if (!call_number(call, "limit", 1, CHECKPOINTS_MAX, &limit) || !take_asked(call, &session)) return;
  call_begin(call);
  write_checkpoints(call->api, session.session_id, (int)limit, "items", &call->writer);
  call_end(call, 200);
}

void handle_session(struct call *call) {
  struct session_record session;
  if (!take_asked(call, &session)) return;
  call_begin(call);
  write_session(call->api, "session", &session, &call->writer);
  write_checkpoints(call->api, session.session_id, CHECKPOINTS_MAX, "checkpoints", &call->writer);
  call_end(call, 200);
}

void handle_current_session(struct call *call) {
  struct session_record session;
  if (!find_session(call->api, call->api->monitoring->session_id, &session) || !is_active(&session)) {
    call_fail(call, 404, "no_session", "no session is active");
    return;
  }
  json_writer_init(&call->writer, &call->reply->body, false);
  write_session(call->api, NULL, &session, &call->writer);
  buffer_add_text(&call->reply->body, "\n");
  call->reply->status = 200;
  call->reply->content_type = "application/json";
}

/* ---- summary ---- */

struct marks {
  struct equity_point *items;
  int64_t count;
};

static bool take_mark(void *context, const void *object) {
  struct marks *marks = context;
  const struct equity *equity = object;
  marks->items[marks->count++] = (struct equity_point){.ts = equity->ts,
                                                       .equity_usd = decimal_to_double(equity->equity_usd),
                                                       .cash_usd = decimal_to_double(equity->cash_usd),
                                                       .unrealised_usd = decimal_to_double(equity->unrealised_usd),
                                                       .drawdown = equity->drawdown,
                                                       .cumulative_r = equity->cumulative_r,
                                                       .positions = equity->positions,
                                                       .notional_usd = decimal_to_double(equity->notional_usd)};
  return marks->count < MARKS_MAX;
}

/* Equity of the session's time; none when there is no database or the session is too long for an answer on the loop. */
static void gather_marks(const struct api *api, int64_t from, int64_t to, struct marks *marks) {
  const struct row_port *rows = api->options.rows;
  struct rows_query query = {.table = "equity_curve", .order = "ts", .is_ascending = true, .limit = MARKS_MAX};
  struct problem problem;
  char first[24];
  char last[24];
  if (rows == NULL) return;
  problem_clear(&problem);
  snprintf(first, sizeof first, "%lld", (long long)from);
  snprintf(last, sizeof last, "%lld", (long long)to);
  rows_query_add(&query, "ts", ROWS_AT_LEAST, first);
  rows_query_add(&query, "ts", ROWS_AT_MOST, last);
  marks->items = calloc(MARKS_MAX, sizeof marks->items[0]);
  check(marks->items != NULL);
  enum status status = rows->select_objects(rows->self, &query, take_mark, marks, &problem);
  if (status || marks->count == MARKS_MAX) marks->count = 0;
}

static void write_figures(const struct api *api, const struct session_record *session, const struct trades *trades, struct json_writer *writer) {
  int64_t to = session->ended_at != 0 ? session->ended_at : engine_now(api->options.engine);
  struct marks marks = {0};
  struct performance performance;
  gather_marks(api, session->started_at, to, &marks);
  const struct performance_input input = {.trades = trades->items,
                                          .trade_count = trades->count,
                                          .marks = marks.items,
                                          .mark_count = marks.count,
                                          .from = session->started_at,
                                          .to = to,
                                          .turnover_usd = NAN,
                                          .slippage_usd = NAN,
                                          .entries = (int32_t)session->entries,
                                          .market_change = NAN,
                                          .reference_change = NAN};
  int64_t days = to > session->started_at ? (to - session->started_at) / 86400000 : 0;
  double *scratch = calloc((size_t)(trades->count + days + 3), sizeof scratch[0]);
  check(scratch != NULL);
  performance_compute(&input, scratch, &performance);
  json_begin_object(writer, "metrics");
  for (int i = 0; i < figure_count; i++) json_add_double(writer, figure_names[i], performance.figure[i]);
  json_end_object(writer);
  free(scratch);
  free(marks.items);
}

static void write_exit_reasons(const struct trades *trades, struct json_writer *writer) {
  json_begin_object(writer, "exit_reasons");
  for (int code = 0; code < reason_code_count; code++) {
    int count = 0;
    for (int32_t i = 0; i < trades->count; i++) count += trades->items[i].exit_reason == code ? 1 : 0;
    if (count > 0) json_add_int(writer, reason_code_names[code], count);
  }
  json_end_object(writer);
}

static int64_t count_checkpoints(const struct api *api, int64_t session_id, enum checkpoint_type type) {
  const struct monitoring *monitoring = api->monitoring;
  const struct row_port *rows = api->options.rows;
  struct rows_query query = {.table = "checkpoints"};
  struct problem problem;
  char id[24];
  int64_t stored = 0;
  int64_t fresh = 0;
  if (rows != NULL) {
    problem_clear(&problem);
    session_text(session_id, id);
    rows_query_add(&query, "session_id", ROWS_EQUAL, id);
    rows_query_add(&query, "type", ROWS_EQUAL, checkpoint_type_names[type]);
    if (rows->count(rows->self, &query, &stored, &problem) != STATUS_OK) stored = 0;
  }
  for (int i = 0;; i++) {
    const struct checkpoint *checkpoint = checkpoint_get(monitoring, i);
    if (checkpoint == NULL || (rows != NULL && checkpoint->id <= monitoring->checkpoint_stored)) break;
    fresh += checkpoint->session_id == session_id && checkpoint->type == type ? 1 : 0;
  }
  return stored + fresh;
}

void handle_session_summary(struct call *call) {
  struct session_record session;
  struct trades trades = {0};
  if (!take_asked(call, &session)) return;
  gather_trades(call->api, session.session_id, &trades);
  call_begin(call);
  write_session(call->api, "session", &session, &call->writer);
  write_figures(call->api, &session, &trades, &call->writer);
  write_exit_reasons(&trades, &call->writer);
  json_begin_object(&call->writer, "checkpoints");
  for (int type = 0; type < checkpoint_type_count; type++) {
    int64_t count = count_checkpoints(call->api, session.session_id, (enum checkpoint_type)type);
    if (count > 0) json_add_int(&call->writer, checkpoint_type_names[type], count);
  }
  json_end_object(&call->writer);
  call_end(call, 200);
  free(trades.items);
}

/* ---- visualization ---- */

enum { STEPS = 6 };

struct cycle_step {
  int64_t count, last_at;
  enum checkpoint_status status;
  double duration_ms;
  int durations;
};

static void write_step(int number, const struct cycle_step *step, bool is_current, struct json_writer *writer) {
  static const char *const keys[STEPS] = {"scan", "levels", "signals", "sizing", "execution", "management"};
  static const char *const titles[STEPS] = {"Scan", "Levels", "Signals", "Sizing", "Execution", "Management"};
  json_begin_object(writer, NULL);
  json_add_string(writer, "name", titles[number]);
  json_add_string(writer, "key", keys[number]);
  json_add_string(writer, "status",
                  checkpoint_status_names[step->count == 0 ? CHECKPOINT_PENDING
                                          : is_current     ? CHECKPOINT_IN_PROGRESS
                                                           : step->status]);
  json_add_int(writer, "count", step->count);
  if (step->count > 0) {
    json_add_int(writer, "last_at", step->last_at);
  } else {
    json_add_null(writer, "last_at");
  }
  json_add_double(writer, "avg_duration_ms", step->durations > 0 ? step->duration_ms / step->durations : NAN);
  json_end_object(writer);
}

/* The newest checkpoints of the session as the six steps of a trading cycle; the step of the newest one is under way while the session is active. */
void handle_session_visualization(struct call *call) {
  const struct monitoring *monitoring = call->api->monitoring;
  struct session_record session;
  struct cycle_step steps[STEPS] = {{0}};
  const struct checkpoint *newest = NULL;
  if (!take_asked(call, &session)) return;
  for (int i = 0; i < monitoring->checkpoint_count; i++) {
    const struct checkpoint *checkpoint = checkpoint_get(monitoring, i);
    int number = checkpoint_steps[checkpoint->type];
    if (checkpoint->session_id != session.session_id || number == 0) continue;
    struct cycle_step *step = &steps[number - 1];
    if (newest == NULL) newest = checkpoint;
    if (step->count++ == 0) {
      step->last_at = checkpoint->ts;
      step->status = checkpoint->status;
    }
    if (isnan(checkpoint->duration_ms) || checkpoint->type == CHECKPOINT_POSITION_CLOSED) continue;
    step->duration_ms += checkpoint->duration_ms;
    ++step->durations;
  }
  int current = newest != NULL && is_active(&session) ? checkpoint_steps[newest->type] : 0;
  char id[24];
  session_text(session.session_id, id);
  call_begin(call);
  json_add_string(&call->writer, "session_id", id);
  json_add_int(&call->writer, "current_step", current);
  json_add_int(&call->writer, "total_steps", STEPS);
  json_begin_array(&call->writer, "steps");
  for (int i = 0; i < STEPS; i++) write_step(i, &steps[i], current == i + 1, &call->writer);
  json_end_array(&call->writer);
  json_add_string(&call->writer, "current_activity",
                  newest != NULL        ? newest->message
                  : is_active(&session) ? "nothing happened yet"
                                        : "it has ended");
  json_add_string(&call->writer, "current_symbol", newest != NULL && newest->symbol[0] != '\0' ? newest->symbol : NULL);
  call_end(call, 200);
}

/* ---- commands ---- */

void handle_session_end(struct call *call) {
  struct session_record session;
  struct pending pending = {.form = PENDING_REPLY};
  if (!take_asked(call, &session)) return;
  if (!is_active(&session) || session.session_id != call->api->monitoring->session_id) {
    call_fail(call, 409, "illegal_command", "session %s has ended", call->parameter);
    return;
  }
  struct event_command command = {.command = COMMAND_STOP};
  command_run(call, &command, &pending, API_WAIT_MS);
}

void handle_sessions_cleanup(struct call *call) {
  const struct row_port *rows = call->api->options.rows;
  struct problem problem;
  int64_t days = 30;
  int64_t removed = 0;
  char before[24];
  char active[24];
  problem_clear(&problem);
  if (!call_number(call, "days", 1, 3650, &days)) return;
  if (rows == NULL) {
    call_fail(call, 503, "not_ready", "there is no database");
    return;
  }
  struct rows_query query = {.table = "checkpoints"};
  snprintf(before, sizeof before, "%lld", (long long)(engine_now(call->api->options.engine) - days * 86400000));
  session_text(call->api->monitoring->session_id, active);
  rows_query_add(&query, "ts", ROWS_BELOW, before);
  rows_query_add(&query, "session_id", ROWS_NOT_EQUAL, active);
  if (rows->remove(rows->self, &query, &removed, &problem) != STATUS_OK) {
    call_fail_problem(call, 503, "not_ready", &problem);
    return;
  }
  call_begin(call);
  json_add_int(&call->writer, "removed", removed);
  call_end(call, 200);
}

/* ---- the engine at a glance ---- */

void handle_monitoring_metrics(struct call *call) {
  const struct api *api = call->api;
  const struct engine *engine = api->options.engine;
  const struct ledger *ledger = engine_ledger(engine);
  const struct preset *preset = engine_preset(engine);
  const struct resources *resources = api->options.resources;
  const struct resource_sample *sample = resources != NULL && resources_count(resources) > 0 ? resources_sample(resources, 0) : NULL;
  struct engine_status status;
  struct json_writer *writer = &call->writer;
  engine_status_read(engine, &status);
  double day = preset != NULL ? ledger_day_loss(ledger) / preset->risk.daily_risk_limit : NAN;
  double kill = preset != NULL ? ledger_drawdown(ledger) / preset->risk.kill_switch_loss_limit : NAN;
  bool is_running = status.session_state != SESSION_IDLE && status.session_state != SESSION_STOPPED && status.session_state != SESSION_EMERGENCY;
  call_begin(call);
  json_add_int(writer, "ts", status.ts);
  json_add_string(writer, "state", engine_word_names[status.state]);
  json_add_bool(writer, "is_running", is_running);
  json_add_double(writer, "cpu_percent", sample != NULL ? sample->cpu_percent : NAN);
  json_add_double(writer, "memory_percent", sample != NULL ? sample->memory_percent : NAN);
  json_add_null(writer, "latency_ms");
  json_add_int(writer, "active_sessions", is_running ? 1 : 0);
  json_add_int(writer, "positions_open", status.open_positions);
  json_add_int(writer, "orders_pending", status.working_orders);
  json_add_int(writer, "markets_scanned", engine_last_scan(engine)->scanned);
  json_add_int(writer, "candidates_found", status.candidates);
  json_add_int(writer, "signals_generated", engine_counts(engine)->signals);
  json_add_decimal(writer, "day_pnl_usd", status.day_pnl_usd);
  json_add_double(writer, "drawdown", ledger_drawdown(ledger));
  json_add_double(writer, "risk_utilisation", fmax(day, kill));
  call_end(call, 200);
}

/* The paper venue is a part of this process: there are no requests to count. */
void handle_rate_limiter(struct call *call) {
  struct engine_status status;
  engine_status_read(call->api->options.engine, &status);
  call_begin(call);
  json_begin_array(&call->writer, "venues");
  json_begin_object(&call->writer, NULL);
  json_add_string(&call->writer, "venue", status.venue);
  json_begin_array(&call->writer, "buckets");
  json_end_array(&call->writer);
  json_add_null(&call->writer, "banned_until");
  json_end_object(&call->writer);
  json_end_array(&call->writer);
  call_end(call, 200);
}

void handle_rate_limiter_reset(struct call *call) {
  call_begin(call);
  json_add_bool(&call->writer, "success", true);
  call_end(call, 200);
}

/* ---- the state machine ---- */

void handle_state_status(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  struct engine_status status;
  struct json_writer *writer = &call->writer;
  engine_status_read(engine, &status);
  call_begin(call);
  json_add_string(writer, "state", engine_word_names[status.state]);
  json_add_string(writer, "previous_state", status.previous_state >= 0 ? engine_word_names[status.previous_state] : NULL);
  json_add_string(writer, "session_state", session_state_names[status.session_state]);
  if (status.since_at != 0) {
    json_add_int(writer, "since_at", status.since_at);
  } else {
    json_add_null(writer, "since_at");
  }
  json_add_bool(writer, "is_terminal", status.is_terminal);
  json_add_bool(writer, "is_error", status.is_error);
  json_add_bool(writer, "is_trading_active", status.is_trading_active);
  json_begin_array(writer, "next_states");
  for (int word = 0; word < engine_word_count; word++) {
    if (engine_word_may_follow((enum engine_word)status.state, (enum engine_word)word)) json_add_string(writer, NULL, engine_word_names[word]);
  }
  json_end_array(writer);
  write_commands_allowed(engine, writer, "allowed_commands");
  json_add_int(writer, "transition_count", status.transition_count);
  call_end(call, 200);
}

void handle_state_transitions(struct call *call) {
  struct listing listing = {0};
  const struct keep *keep = &call->api->monitoring->transitions;
  for (int32_t i = 0; i < keep->count; i++) listing_add(&listing, keep_get(keep, i));
  listing_answer(call, &listing, RECORD_TRANSITION, "seq", "ts");
}

void handle_state_performance(struct call *call) {
  const struct monitoring *monitoring = call->api->monitoring;
  const struct engine *engine = call->api->options.engine;
  struct json_writer *writer = &call->writer;
  int64_t now = engine_now(engine);
  call_begin(call);
  json_begin_object(writer, "state_counts");
  for (int i = 0; i < engine_word_count; i++) json_add_int(writer, engine_word_names[i], monitoring->word_counts[i]);
  json_end_object(writer);
  json_begin_object(writer, "state_durations_ms");
  for (int i = 0; i < engine_word_count; i++) {
    bool is_now = (enum engine_word)i == monitoring->word && monitoring->word_since > 0 && now > monitoring->word_since;
    json_add_int(writer, engine_word_names[i], monitoring->word_durations_ms[i] + (is_now ? now - monitoring->word_since : 0));
  }
  json_end_object(writer);
  json_add_int(writer, "total_transitions", monitoring->word_moves);
  json_add_int(writer, "illegal_transitions", engine_counts(engine)->illegal_transitions);
  call_end(call, 200);
}
