/* The engine: its state, and commands that change it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/access/access.h"
#include "base/check.h"
#include "core/strategy/market_filter.h"
#include "runner/preset_print.h"

/* ---- reading ---- */

static uint32_t capabilities_of_all(const struct engine *engine) {
  uint32_t bits = 0;
  for (int32_t i = 0; i < engine_symbol_count(engine); i++) bits |= engine_market(engine, i)->capabilities;
  return bits;
}

void write_skipped_filters(const struct engine *engine, struct json_writer *writer) {
  uint32_t skipped = market_filter_skipped(capabilities_of_all(engine), engine_reference(engine) != NULL);
  json_begin_array(writer, "skipped_filters");
  for (int i = 0; i < MARKET_FILTER_COUNT; i++) {
    if ((skipped & (1u << i)) != 0) json_add_string(writer, NULL, market_filter_name(i));
  }
  json_end_array(writer);
}

void handle_engine_status(struct call *call) {
  json_writer_init(&call->writer, &call->reply->body, false);
  write_engine_status(call->api, NULL, &call->writer);
  call_finish(call);
}

/* Deepest fall of the running sum of R over the trades of the session, oldest first. */
static double max_drawdown_r(const struct api *api, int64_t session_id) {
  const struct keep *keep = &api->kept[RECORD_TRADE];
  double sum = 0;
  double peak = 0;
  double deepest = 0;
  for (int32_t i = keep->count - 1; i >= 0; i--) {
    const struct trade *trade = keep_get(keep, i);
    if (trade->session_id != session_id || isnan(trade->pnl_r)) continue;
    sum += trade->pnl_r;
    peak = fmax(peak, sum);
    deepest = fmax(deepest, peak - sum);
  }
  return deepest;
}

static bool on_drawdown(void *context, const struct row_value *values, int count) {
  const struct row_value *value = row_value_of(values, count, "drawdown");
  double *deepest = context;
  if (value != NULL && value->kind == ROW_VALUE_REAL) *deepest = fmax(*deepest, value->real);
  return false;
}

/* Of the session's equity curve; the database may not have the newest point yet. */
static double max_drawdown(const struct api *api, int64_t session_id) {
  const struct row_port *rows = api->options.rows;
  double deepest = ledger_drawdown(engine_ledger(api->options.engine));
  char id[24];
  struct text text;
  struct problem problem;
  if (rows == NULL || session_id == 0) return deepest;
  problem_clear(&problem);
  text_init(&text, id, sizeof id);
  text_add_id(&text, 'S', 6, session_id);
  struct rows_query query = {.table = "equity_curve", .order = "drawdown", .limit = 1};
  rows_query_add(&query, "session_id", ROWS_EQUAL, id);
  enum status status = rows->select(rows->self, &query, on_drawdown, &deepest, &problem);
  return status ? ledger_drawdown(engine_ledger(api->options.engine)) : deepest; /* busy: the present one */
}

void handle_engine_metrics(struct call *call) {
  const struct api *api = call->api;
  const struct engine *engine = api->options.engine;
  const struct engine_counts *counts = engine_counts(engine);
  struct engine_status status;
  engine_status_read(engine, &status);
  struct metrics_summary steps;
  metrics_summarise(api->options.metrics, METRIC_STEP_DURATION, &steps);
  double median_ms;
  double mean_ms;
  read_latency(engine, &median_ms, &mean_ms);
  const struct clock *clock = api->options.clock;
  struct json_writer *writer = &call->writer;
  call_begin(call);
  json_add_double(writer, "uptime_s", (double)(clock->now_ms(clock->self) - api->started_ms) / 1000.0);
  json_add_int(writer, "events_total", counts->events);
  json_add_int(writer, "cycle_count", counts->scans);
  json_add_double(writer, "avg_step_us", steps.mean * 1e6);
  json_add_double(writer, "p99_step_us", steps.p99 * 1e6);
  json_add_double(writer, "avg_latency_ms", mean_ms);
  json_add_int(writer, "total_signals", counts->signals);
  json_add_int(writer, "total_trades", counts->trades);
  json_add_double(writer, "daily_pnl_r", status.daily_r);
  json_add_double(writer, "max_drawdown_r", max_drawdown_r(api, status.session_id));
  json_add_double(writer, "max_drawdown", max_drawdown(api, status.session_id));
  json_add_int(writer, "ts", status.ts);
  call_end(call, 200);
}

/* The shape of a command's own request; EMPTY for commands without a route of their own. */
static enum shape_id shape_of(enum command command) {
  switch (command) {
    case COMMAND_START:
      return SHAPE_START;
    case COMMAND_STOP:
      return SHAPE_STOP;
    case COMMAND_PANIC_EXIT:
    case COMMAND_KILL_SWITCH:
      return SHAPE_CONFIRM;
    case COMMAND_EMERGENCY_STOP:
      return SHAPE_EMERGENCY;
    case COMMAND_RESET:
      return SHAPE_RESET;
    case COMMAND_PAUSE:
    case COMMAND_RESUME:
    case COMMAND_TIME_STOP:
    case COMMAND_RETRY:
    case COMMAND_RELOAD:
    case COMMAND_SCAN_NOW:
      return SHAPE_WAIT;
    default:
      return SHAPE_EMPTY;
  }
}

void handle_engine_commands(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  struct json_writer *writer = &call->writer;
  struct engine_status status;
  engine_status_read(engine, &status);
  uint32_t legal = engine_legal_commands(engine);
  call_begin(call);
  json_begin_array(writer, "commands");
  for (int i = 0; i < command_count; i++) {
    enum shape_id shape = shape_of((enum command)i);
    if ((legal & (1u << i)) == 0 || shape == SHAPE_EMPTY) continue;
    json_begin_object(writer, NULL);
    json_add_string(writer, "name", command_names[i]);
    json_add_string(writer, "text", command_texts[i]);
    json_begin_array(writer, "arguments");
    for (const struct shape_member *at = shape_table[shape].members; at->name != NULL; at++) json_add_string(writer, NULL, at->name);
    json_end_array(writer);
    json_add_string(writer, "role", command_roles[i]);
    json_add_string(writer, "confirm", command_confirmations[i][0] != '\0' ? command_confirmations[i] : NULL);
    json_end_object(writer);
  }
  json_end_array(writer);
  json_add_string(writer, "current_state", engine_word_names[status.state]);
  json_add_int(writer, "ts", status.ts);
  call_end(call, 200);
}

void handle_engine_operation(struct call *call) {
  const struct command_reply *reply = find_reply(call->api, parse_id(call->parameter, 'O'));
  if (reply == NULL) {
    call_fail(call, 404, "not_found", "there is no operation %s", call->parameter);
    return;
  }
  json_writer_init(&call->writer, &call->reply->body, false);
  write_operation(call->api, NULL, reply, &call->writer);
  call_finish(call);
}

/* ---- commands ---- */

static const char *text_of(const struct json *body, const char *name) {
  const struct json *value = json_member(body, name);
  return value != NULL && json_kind(value) == JSON_STRING ? json_string(value) : NULL;
}

static bool flag_of(const struct json *body, const char *name) {
  const struct json *value = json_member(body, name);
  return value != NULL && json_kind(value) == JSON_BOOL && json_bool(value);
}

/* One of two words, the first by default; -1 after a 422. */
static int choice_of(struct call *call, const struct json *body, const char *name, const char *first, const char *second) {
  const char *text = text_of(body, name);
  if (text == NULL || text_equal(text, first)) return 0;
  if (text_equal(text, second)) return 1;
  call_fail(call, 422, "validation_failed", "%s must be %s or %s, not '%s'", name, first, second, text);
  return -1;
}

static bool wait_of(struct call *call, const struct json *body, int64_t *wait_ms) {
  const struct json *value = json_member(body, "wait_ms");
  *wait_ms = API_WAIT_MS;
  if (value == NULL || json_kind(value) != JSON_INT) return true;
  *wait_ms = json_int(value);
  if (*wait_ms >= 0 && *wait_ms <= API_WAIT_MS_MAX) return true;
  call_fail(call, 422, "validation_failed", "wait_ms must lie from 0 to %d", API_WAIT_MS_MAX);
  return false;
}

static bool is_confirmed(struct call *call, enum command command, const struct json *body) {
  if (command == COMMAND_RESET) {
    const char *word = text_of(body, "confirm");
    if (word != NULL && text_equal(word, "RESET")) return true;
    call_fail(call, 403, "confirmation_missing", "confirm must be \"RESET\"");
    return false;
  }
  if ((command != COMMAND_PANIC_EXIT && command != COMMAND_KILL_SWITCH) || flag_of(body, "confirm")) return true;
  call_fail(call, 403, "confirmation_missing", "confirm must be true");
  return false;
}

/* Live needs a venue, of which this version has none; what else stands in its way is told first. */
static bool is_live_refused(struct call *call, const struct json *body) {
  const struct settings *settings = call->api->options.settings;
  const char *confirm = text_of(body, "confirm");
  if (settings->breakout_profile == PROFILE_STAGING) {
    call_fail(call, 403, "live_forbidden_in_staging", "live trading is not possible in the profile staging");
  } else if (settings->trading_mode == MODE_LIVE && (confirm == NULL || !text_equal(confirm, "START LIVE"))) {
    call_fail(call, 403, "live_not_confirmed", "confirm must be \"START LIVE\"");
  } else {
    call_fail(call, 403, "live_not_enabled", "%s",
              settings->trading_mode == MODE_LIVE ? "no venue can be reached in this version: only mode paper is possible"
                                                  : "TRADING_MODE is paper: live starts are refused");
  }
  return true;
}

/* mode, positions, scope, reason: what the command needs beside its name. */
static bool fill_command(struct call *call, const struct json *body, struct event_command *command) {
  const char *mode = text_of(body, "mode");
  bool is_start = command->command == COMMAND_START;
  bool is_live = mode != NULL ? text_equal(mode, "live") : (int)call->api->options.settings->trading_mode == MODE_LIVE;
  if (is_start && is_live && is_live_refused(call, body)) return false;
  int closes = command->command == COMMAND_STOP ? choice_of(call, body, "positions", "keep", "close") : 0;
  int whole = shape_of((enum command)command->command) == SHAPE_CONFIRM ? choice_of(call, body, "scope", "own", "account") : 0;
  if (closes < 0 || whole < 0) return false;
  command->mode = MODE_PAPER;
  command->close_positions = closes == 1;
  command->whole_account = whole == 1;
  command->acknowledge_drawdown = flag_of(body, "acknowledge_drawdown");
  const char *reason = text_of(body, "reason");
  if (reason != NULL && strlen(reason) >= sizeof command->reason) {
    call_fail(call, 422, "validation_failed", "reason has at most %d bytes", (int)sizeof command->reason - 1);
    return false;
  }
  text_copy(command->reason, sizeof command->reason, reason != NULL ? reason : "");
  return true;
}

static bool is_legal_now(const struct engine *engine, enum command command) {
  return (engine_legal_commands(engine) & (1u << command)) != 0;
}

/* start and reload put a preset into force first; a command that will be refused changes none. */
static bool bring_preset(struct call *call, enum command command, const struct json *body) {
  if ((command != COMMAND_START && command != COMMAND_RELOAD) || !is_legal_now(call->api->options.engine, command)) return true;
  const struct api_host *host = &call->api->options.host;
  const char *name = command == COMMAND_START ? text_of(body, "preset") : NULL;
  if (command == COMMAND_START && name == NULL) name = call->api->options.settings->default_preset;
  struct problem problem;
  problem_clear(&problem);
  enum status status = host->use_preset(host->self, name, &problem);
  if (!status) return true;
  if (status == STATUS_NOT_FOUND) {
    call_fail_problem(call, 404, "not_found", &problem);
  } else {
    call_fail_problem(call, 422, "preset_invalid", &problem);
  }
  return false;
}

/* How a refusal of the engine is told: its code, and the HTTP status and code of the problem. */
static const struct refusal {
  const char *code, *problem;
  int status;
} refusals[] = {
    {"validation_failed", "validation_failed", 422},
    {"not_found", "not_found", 404},
    {"confirmation_missing", "confirmation_missing", 403},
    {"venue_error", "venue_error", 502},
    {"check_failed", "unhealthy", 503},
    {"overtaken", "in_use", 409},
    {"in_use", "in_use", 409},
    {"not_cancellable", "not_cancellable", 409},
};

static void fail_reply(const struct api *api, struct http_reply *out, const char *request_id, const struct command_reply *reply) {
  /* While the emergency is latched these three are refused for that reason, whatever the state (engine 2). */
  bool is_barred = reply->command == COMMAND_START || reply->command == COMMAND_RESUME || reply->command == COMMAND_RETRY;
  bool is_latched = engine_risk(api->options.engine)->kill.since_at != 0;
  const char *code = is_barred && is_latched && text_equal(reply->code, "illegal_command") ? "emergency_latched" : reply->code;
  for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
    if (!text_equal(refusals[i].code, code)) continue;
    reply_fail(api, out, request_id, refusals[i].status, refusals[i].problem, reply->message, NULL);
    return;
  }
  reply_fail(api, out, request_id, 409, code, reply->message, NULL);
}

/* An operation that was already running answers under its own id. */
static const struct command_reply *reply_of(const struct api *api, const struct event_command *command) {
  const struct command_reply *reply = find_reply(api, command->operation_id);
  if (reply != NULL) return reply;
  const struct keep *keep = &api->kept[RECORD_COMMAND_REPLY];
  for (int32_t i = 0; i < keep->count; i++) {
    const struct command_reply *at = keep_get(keep, i);
    if (at->command == command->command && at->status == COMMAND_IN_PROGRESS) return at;
  }
  return NULL;
}

void write_preset_changes(const struct preset *old, const struct preset *now, struct json_writer *writer) {
  struct buffer before = {0};
  struct buffer after = {0};
  json_begin_array(writer, "changed");
  for (int i = 0; i < preset_key_count; i++) {
    if (!preset_value_differs(preset_keys[i].path, old, now, &before, &after)) continue;
    json_begin_object(writer, NULL);
    json_add_string(writer, "key", preset_keys[i].path);
    json_add_string(writer, "old", before.data);
    json_add_string(writer, "new", after.data);
    json_end_object(writer);
  }
  json_end_array(writer);
  buffer_deinit(&before);
  buffer_deinit(&after);
}

static void write_open_positions(const struct engine *engine, struct json_writer *writer) {
  json_begin_array(writer, "positions");
  for (int32_t i = 0; i < engine_position_count(engine); i++) json_add_string(writer, NULL, engine_position(engine, i)->symbol);
  json_end_array(writer);
}

/* What belongs to one command only. */
static void write_details(const struct api *api, const struct command_reply *reply, struct json_writer *writer) {
  const struct engine *engine = api->options.engine;
  json_begin_object(writer, "details");
  if (reply->command == COMMAND_START && reply->status == COMMAND_DONE) {
    int warm = 0;
    for (int32_t i = 0; i < engine_symbol_count(engine); i++) warm += market_is_warm(engine_market(engine, i)) ? 1 : 0;
    json_add_int(writer, "warm_symbols", warm);
    json_add_int(writer, "not_ready", engine_symbol_count(engine) - warm);
    write_skipped_filters(engine, writer);
  }
  json_end_object(writer);
}

void write_reply(const struct api *api, const struct command_reply *reply, struct json_writer *writer) {
  shape_to_json(SHAPE_COMMAND_REPLY, reply, writer);
  json_add_bool(writer, "success", reply->status != COMMAND_FAILED);
  write_details(api, reply, writer);
}

/* The whole answer of a command whose reply is known, into a reply that may have been deferred. */
void answer_pending(struct api *api, const struct pending *pending, const struct command_reply *reply) {
  struct http_reply *out = pending->reply;
  if (reply == NULL) {
    reply_fail(api, out, pending->request_id, 500, "internal", "the reply is no longer kept", NULL);
    return;
  }
  if (reply->status == COMMAND_FAILED) {
    fail_reply(api, out, pending->request_id, reply);
    return;
  }
  struct json_writer writer;
  buffer_clear(&out->body);
  json_writer_init(&writer, &out->body, false);
  bool is_done = reply->status == COMMAND_DONE;
  if (!write_trading_reply(api, pending, reply, &writer, &is_done)) {
    json_begin_object(&writer, NULL);
    write_reply(api, reply, &writer);
    if (pending->old_preset != NULL) write_preset_changes(pending->old_preset, engine_preset(api->options.engine), &writer);
    if (reply->command == COMMAND_RESET) write_open_positions(api->options.engine, &writer);
    json_end_object(&writer);
  }
  buffer_add_text(&out->body, "\n");
  out->status = is_done ? 200 : 202;
  out->content_type = "application/json";
}

/* Steps the command and answers: at once when its effect is complete or nobody waits, else later. */
void command_run(struct call *call, struct event_command *command, struct pending *pending, int64_t wait_ms) {
  struct api *api = call->api;
  const struct api_host *host = &api->options.host;
  command->operation_id = engine_counters(api->options.engine)->operation + 1;
  command->source = SOURCE_OPERATOR;
  const struct caller *caller = &call->caller;
  text_copy(command->user, sizeof command->user, caller->user[0] != '\0' ? caller->user : "local");
  text_copy(command->address, sizeof command->address, caller->address[0] != '\0' ? caller->address : call->request->address);
  struct event event = {.ts = host->now(host->self), .kind = EVENT_COMMAND, .command = *command};
  host->step(host->self, &event);
  const struct command_reply *reply = reply_of(api, command);
  pending->reply = call->reply;
  memcpy(pending->request_id, call->request->id, sizeof pending->request_id);
  bool waits =
      reply != NULL && reply->status == COMMAND_IN_PROGRESS && wait_ms > 0 && api->pending_count < API_PENDING_MAX && pending->old_preset == NULL;
  if (!waits) {
    answer_pending(api, pending, reply);
    return;
  }
  pending->operation_id = reply->operation_id;
  pending->deadline_ns = api->options.clock->monotonic_ns(api->options.clock->self) + wait_ms * 1000000;
  api->pending[api->pending_count++] = *pending;
  call->reply->is_deferred = true;
}

static void run_command(struct call *call, enum command command, const struct json *body) {
  struct event_command event = {.command = (int32_t)command};
  struct pending pending = {.form = PENDING_REPLY, .symbol = -1};
  int64_t wait_ms;
  if (!wait_of(call, body, &wait_ms) || !is_confirmed(call, command, body) || !fill_command(call, body, &event)) return;
  const struct preset *in_force = engine_preset(call->api->options.engine);
  struct preset *old = NULL;
  if (command == COMMAND_RELOAD && in_force != NULL) {
    old = malloc(sizeof *old);
    check(old != NULL);
    *old = *in_force;
  }
  pending.old_preset = old;
  if (bring_preset(call, command, body)) command_run(call, &event, &pending, wait_ms);
  free(old);
}

void handle_start(struct call *call) {
  run_command(call, COMMAND_START, call->body);
}
void handle_stop(struct call *call) {
  run_command(call, COMMAND_STOP, call->body);
}
void handle_pause(struct call *call) {
  run_command(call, COMMAND_PAUSE, call->body);
}
void handle_resume(struct call *call) {
  run_command(call, COMMAND_RESUME, call->body);
}
void handle_time_stop(struct call *call) {
  run_command(call, COMMAND_TIME_STOP, call->body);
}
void handle_retry(struct call *call) {
  run_command(call, COMMAND_RETRY, call->body);
}
void handle_scan_now(struct call *call) {
  run_command(call, COMMAND_SCAN_NOW, call->body);
}
void handle_panic_exit(struct call *call) {
  run_command(call, COMMAND_PANIC_EXIT, call->body);
}
void handle_kill_switch(struct call *call) {
  run_command(call, COMMAND_KILL_SWITCH, call->body);
}
void handle_emergency_stop(struct call *call) {
  run_command(call, COMMAND_EMERGENCY_STOP, call->body);
}
void handle_reset(struct call *call) {
  run_command(call, COMMAND_RESET, call->body);
}
void handle_reload(struct call *call) {
  run_command(call, COMMAND_RELOAD, call->body);
}

void handle_any_command(struct call *call) {
  int command = command_from_name(text_of(call->body, "command"));
  enum shape_id shape = command >= 0 ? shape_of((enum command)command) : SHAPE_EMPTY;
  if (shape == SHAPE_EMPTY) {
    call_fail(call, 422, "validation_failed", "there is no command '%s' here; /api/engine/commands lists them", text_of(call->body, "command"));
    return;
  }
  if (text_equal(command_roles[command], "admin") && call->caller.role < API_ROLE_ADMIN) {
    call_fail(call, 403, "role_too_low", "the command %s needs the role admin", command_names[command]);
    return;
  }
  if (command == COMMAND_SCAN_NOW && !access_takes_scan(call)) return;
  static const char empty[] = "{}";
  struct problem problem;
  problem_clear(&problem);
  const struct json *given = json_member(call->body, "arguments");
  bool is_given = given != NULL && json_kind(given) == JSON_OBJECT;
  struct json *none = is_given ? NULL : json_parse(empty, sizeof empty - 1, JSON_STRICT, "arguments", &problem);
  const struct json *arguments = is_given ? given : none;
  if (shape_accepts(shape, arguments, &problem)) {
    run_command(call, (enum command)command, arguments);
  } else {
    call_fail_problem(call, 422, "validation_failed", &problem);
  }
  json_free(none);
}
