/* Objects of the engine as a whole: status, risk, operations, alerts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/alerts/alerts.h"
#include "api/api_state.h"

/* ---- latency ---- */

static int compare_times(const void *a, const void *b) {
  const int64_t *left = a;
  const int64_t *right = b;
  return (*left > *right) - (*left < *right);
}

/* From sending to acknowledgement of the newest orders, ascending; returns how many. */
static int read_latencies(const struct engine *engine, int64_t out[LATENCY_ORDERS]) {
  int count = 0;
  for (int32_t i = engine_order_count(engine) - 1; i >= 0 && count < LATENCY_ORDERS; i--) {
    const struct order *order = engine_order(engine, i);
    if (order->acked_at != 0 && order->sent_at != 0) out[count++] = order->acked_at - order->sent_at;
  }
  qsort(out, (size_t)count, sizeof out[0], compare_times);
  return count;
}

void read_latency(const struct engine *engine, double *median_ms, double *mean_ms) {
  int64_t times[LATENCY_ORDERS];
  int count = read_latencies(engine, times);
  *median_ms = *mean_ms = NAN;
  if (count == 0) return;
  double sum = 0;
  for (int i = 0; i < count; i++) sum += (double)times[i];
  *mean_ms = sum / count;
  int low = (count - 1) / 2;
  int high = count / 2;
  *median_ms = 0.5 * (double)(times[low] + times[high]);
}

/* ---- status ---- */

static void write_next_states(enum engine_word state, struct json_writer *writer) {
  json_begin_array(writer, "next_states");
  for (int word = 0; word < engine_word_count; word++) {
    if (engine_word_may_follow(state, (enum engine_word)word)) json_add_string(writer, NULL, engine_word_names[word]);
  }
  json_end_array(writer);
}

static void write_deployment(const struct api *api, struct json_writer *writer) {
  const struct clock *clock = api->options.clock;
  json_add_bool(writer, "demo", api->options.is_demo);
  json_add_string(writer, "notice", api_notice(api));
  json_add_double(writer, "speed", api->options.is_demo ? api->options.speed : NAN);
  json_add_string(writer, "profile", breakout_profile_names[api->options.settings->breakout_profile]);
  json_add_double(writer, "uptime_s", (double)(clock->now_ms(clock->self) - api->started_ms) / 1000.0);
}

void write_engine_status(const struct api *api, const char *key, struct json_writer *writer) {
  const struct engine *engine = api->options.engine;
  struct engine_status status;
  double median_ms;
  double mean_ms;
  engine_status_read(engine, &status);
  read_latency(engine, &median_ms, &mean_ms);
  json_begin_object(writer, key);
  shape_to_json(SHAPE_ENGINE_STATUS, &status, writer);
  json_add_string(writer, "mode", status.session_id != 0 ? trading_mode_names[status.mode] : NULL);
  write_deployment(api, writer);
  json_add_double(writer, "latency_ms", median_ms);
  const struct latch *kill = &engine_risk(engine)->kill;
  if (kill->since_at != 0) {
    write_latch(kill, "latch", writer);
  } else {
    json_add_null(writer, "latch");
  }
  write_skipped_filters(engine, writer);
  write_next_states((enum engine_word)status.state, writer);
  write_commands_allowed(engine, writer, "allowed_commands");
  json_end_object(writer);
}

/* ---- risk ---- */

static double share(double part, double whole) {
  return whole > 0 ? part / whole : NAN;
}

/* Notional of a position, 0 while it has no mark. */
static double notional_of(const struct position *position) {
  return position->notional_usd != DECIMAL_NULL ? decimal_to_double(position->notional_usd) : 0;
}

static double notional_of_all(const struct engine *engine) {
  double sum = 0;
  for (int32_t i = 0; i < engine_position_count(engine); i++) sum += notional_of(engine_position(engine, i));
  return sum;
}

static void write_money(const struct engine *engine, const struct ledger *ledger, struct json_writer *writer) {
  int64_t margin = engine_margin_used(engine);
  json_add_decimal(writer, "equity_usd", ledger->equity_usd);
  json_add_decimal(writer, "cash_usd", ledger->cash_usd);
  json_add_decimal(writer, "unrealised_usd", ledger->unrealised_usd);
  json_add_decimal(writer, "margin_used_usd", margin);
  json_add_decimal(writer, "margin_free_usd", ledger->equity_usd - margin);
  json_add_double(writer, "equity_utilisation", share(notional_of_all(engine), decimal_to_double(ledger->equity_usd)));
}

static void write_limits(const struct engine *engine, const struct ledger *ledger, struct json_writer *writer) {
  const struct preset *preset = engine_preset(engine);
  double day_loss = ledger_day_loss(ledger);
  double drawdown = ledger_drawdown(ledger);
  double day_limit = preset != NULL ? preset->risk.daily_risk_limit : NAN;
  double kill_limit = preset != NULL ? preset->risk.kill_switch_loss_limit : NAN;
  double day_start = decimal_to_double(ledger->day_start_equity_usd);
  double day_pnl = decimal_to_double(ledger_day_pnl(ledger));
  double remaining = day_limit * day_start + day_pnl;
  json_add_decimal(writer, "day_start_equity_usd", ledger->day_start_equity_usd);
  json_add_decimal(writer, "day_flows_usd", ledger->day_flows_usd);
  json_add_decimal(writer, "day_pnl_usd", ledger_day_pnl(ledger));
  json_add_double(writer, "day_pnl_pct", 100.0 * share(day_pnl, day_start));
  json_add_double(writer, "day_loss", day_loss);
  json_add_double(writer, "day_loss_used", share(day_loss, day_limit));
  json_add_double(writer, "day_risk_remaining_usd", isnan(remaining) ? NAN : remaining > 0 ? remaining : 0);
  json_add_decimal(writer, "high_water_mark_usd", ledger->high_water_mark_usd);
  json_add_double(writer, "drawdown", drawdown);
  json_add_double(writer, "kill_limit_used", share(drawdown, kill_limit));
  json_add_int(writer, "consecutive_losses", ledger->consecutive_losses);
  if (preset != NULL) {
    json_add_int(writer, "max_consecutive_losses", preset->risk.max_consecutive_losses);
  } else {
    json_add_null(writer, "max_consecutive_losses");
  }
}

static void write_correlation(const struct engine *engine, struct json_writer *writer) {
  double shares[correlation_bucket_count];
  engine_correlation_read(engine, shares);
  json_begin_object(writer, "correlation");
  for (int i = 0; i < correlation_bucket_count; i++) json_add_double(writer, correlation_bucket_names[i], shares[i]);
  json_end_object(writer);
}

static void write_warnings(const struct engine *engine, struct json_writer *writer) {
  static const char *const names[] = {"risk_halved",         "drawdown_warning", "day_limit",     "correlation_warning",
                                      "unexplained_balance", "ledger_residual",  "order_unknown", "position_unprotected"};
  json_begin_array(writer, "warnings");
  for (int32_t i = 0; i < engine_alert_count(engine); i++) {
    const char *name = engine_alert(engine, i)->name;
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
      if (text_equal(name, names[k])) json_add_string(writer, NULL, name);
    }
  }
  json_end_array(writer);
}

int64_t open_risk_of(const struct engine *engine) {
  int64_t sum = 0;
  for (int32_t i = 0; i < engine_position_count(engine); i++) {
    int64_t at_risk = position_open_risk(engine_position(engine, i));
    sum += at_risk > 0 ? at_risk : 0;
  }
  return sum;
}

/* What was counted, and what runs at this moment. */
double unprotected_seconds_of(const struct engine *engine) {
  int64_t ms = engine_counts(engine)->unprotected_ms;
  for (int32_t i = 0; i < engine_position_count(engine); i++) {
    const struct position *position = engine_position(engine, i);
    if (position->unprotected_since != 0) ms += engine_now(engine) - position->unprotected_since;
  }
  return (double)ms / 1000.0;
}

static void write_slots(const struct engine *engine, const struct engine_status *status, struct json_writer *writer) {
  json_add_decimal(writer, "open_risk_usd", open_risk_of(engine));
  json_add_int(writer, "open_positions", status->open_positions);
  json_add_int(writer, "slots_used", status->slots_used);
  json_add_int(writer, "max_positions", status->slots_total);
  json_add_int(writer, "slots_free", status->slots_total > status->slots_used ? status->slots_total - status->slots_used : 0);
}

static void write_latches(const struct risk_state *risk, struct json_writer *writer) {
  json_begin_array(writer, "latches");
  if (risk->day.since_at != 0) write_latch(&risk->day, NULL, writer);
  if (risk->kill.since_at != 0) write_latch(&risk->kill, NULL, writer);
  json_end_array(writer);
}

void write_risk(const struct api *api, const char *key, struct json_writer *writer) {
  const struct engine *engine = api->options.engine;
  const struct ledger *ledger = engine_ledger(engine);
  const struct risk_state *risk = engine_risk(engine);
  struct engine_status status;
  engine_status_read(engine, &status);
  json_begin_object(writer, key);
  json_add_int(writer, "ts", engine_now(engine));
  write_money(engine, ledger, writer);
  write_limits(engine, ledger, writer);
  json_add_double(writer, "daily_r", status.daily_r);
  write_slots(engine, &status, writer);
  json_add_double(writer, "size_factor", risk_size_factor(risk));
  write_correlation(engine, writer);
  json_add_string(writer, "risk_status", risk_status_names[risk_status(risk)]);
  write_latches(risk, writer);
  write_warnings(engine, writer);
  json_add_decimal(writer, "possible_usd", engine_possible_usd(engine));
  json_add_double(writer, "unprotected_seconds", unprotected_seconds_of(engine));
  json_end_object(writer);
}

/* ---- operations ---- */

static struct operation_times *times_of(struct api *api, int64_t operation_id) {
  for (int i = 0; i < API_OPERATIONS_KEPT; i++) {
    if (api->operation_times[i].operation_id == operation_id) return &api->operation_times[i];
  }
  return NULL;
}

static const struct operation_times *find_times(const struct api *api, int64_t operation_id) {
  for (int i = 0; i < API_OPERATIONS_KEPT; i++) {
    if (api->operation_times[i].operation_id == operation_id) return &api->operation_times[i];
  }
  return NULL;
}

/* Notes when each step of a command that runs was first seen to be true. */
static void watch_operation(struct api *api, const struct command_reply *reply) {
  struct operation_times *times = times_of(api, reply->operation_id);
  if (times == NULL) {
    times = &api->operation_times[api->operation_next++ % API_OPERATIONS_KEPT];
    *times = (struct operation_times){.operation_id = reply->operation_id};
  }
  uint32_t done = engine_operation_done(api->options.engine, reply->operation_id);
  for (int i = 0; i < OPERATION_STEPS_MAX; i++) {
    if ((done & (1u << i)) != 0 && times->done_at[i] == 0) times->done_at[i] = engine_now(api->options.engine);
    if ((done & (1u << i)) == 0) times->done_at[i] = 0; /* true no longer */
  }
}

void operations_turn(struct api *api) {
  const struct keep *keep = &api->kept[RECORD_COMMAND_REPLY];
  for (int32_t i = 0; i < keep->count && i < API_OPERATIONS_KEPT; i++) {
    const struct command_reply *reply = keep_get(keep, i);
    if (reply->status == COMMAND_IN_PROGRESS) watch_operation(api, reply);
  }
}

static void write_step(const struct command_reply *reply, const char *name, int64_t done_at, struct json_writer *writer) {
  int64_t ts = done_at;
  enum command_status status = done_at != 0 ? COMMAND_DONE : COMMAND_IN_PROGRESS;
  if (reply->status == COMMAND_DONE) {
    status = COMMAND_DONE;
    if (ts == 0) ts = reply->ended_at;
  } else if (reply->status == COMMAND_FAILED && done_at == 0) {
    status = COMMAND_FAILED;
  }
  json_begin_object(writer, NULL);
  json_add_string(writer, "name", name);
  json_add_string(writer, "status", command_status_names[status]);
  if (ts != 0) {
    json_add_int(writer, "ts", ts);
  } else {
    json_add_null(writer, "ts");
  }
  json_end_object(writer);
}

static void write_steps(const struct api *api, const struct command_reply *reply, struct json_writer *writer) {
  const char *names[OPERATION_STEPS_MAX];
  int count = operation_steps((enum command)reply->command, names);
  const struct operation_times *times = find_times(api, reply->operation_id);
  int done = 0;
  for (int i = 0; i < count; i++) done += reply->status == COMMAND_DONE || (times != NULL && times->done_at[i] != 0) ? 1 : 0;
  json_add_double(writer, "progress", (double)done / count);
  json_begin_array(writer, "steps");
  for (int i = 0; i < count; i++) write_step(reply, names[i], times != NULL ? times->done_at[i] : 0, writer);
  json_end_array(writer);
}

void write_operation(const struct api *api, const char *key, const struct command_reply *reply, struct json_writer *writer) {
  json_begin_object(writer, key);
  write_id(writer, "operation_id", 'O', 6, reply->operation_id);
  json_add_string(writer, "command", command_names[reply->command]);
  json_add_string(writer, "status", command_status_names[reply->status]);
  json_add_int(writer, "started_at", reply->ts);
  if (reply->ended_at != 0) {
    json_add_int(writer, "ended_at", reply->ended_at);
  } else {
    json_add_null(writer, "ended_at");
  }
  json_add_string(writer, "message", reply->message);
  write_steps(api, reply, writer);
  if (reply->status == COMMAND_FAILED) {
    json_begin_object(writer, "error");
    json_add_string(writer, "code", reply->code);
    json_add_string(writer, "message", reply->message);
    json_end_object(writer);
  } else {
    json_add_null(writer, "error");
  }
  json_end_object(writer);
}

void write_id(struct json_writer *writer, const char *key, char letter, int digits, int64_t number) {
  char id[24];
  struct text text;
  text_init(&text, id, sizeof id);
  text_add_id(&text, letter, digits, number);
  json_add_string(writer, key, id);
}

/* ---- fills ---- */

void write_fill(const char *key, const struct fill *fill, struct json_writer *writer) {
  json_begin_object(writer, key);
  shape_to_json(SHAPE_FILL, fill, writer);
  json_add_int(writer, "fill_id", fill->fill_id);
  json_end_object(writer);
}

/* ---- alerts of the engine ---- */

void write_alert(const struct api *api, const char *key, const struct alert *alert, struct json_writer *writer) {
  struct alert_view view;
  alerts_view_of_engine(api, alert, &view);
  write_alert_view(api, key, &view, writer);
}
