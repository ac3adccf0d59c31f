/* The alerts that are shown: from the engine's records, from rules, and from the database at the start. */
#include "api/alerts/alerts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/feed/feed.h"
#include "base/log.h"

/* Severity and runbook of the engine's own alerts (metrics 3, operations 8). */
const struct built_in_alert built_in_alerts[] = {
    {"position_unprotected", SEVERITY_CRITICAL, "unprotected_seconds", ">", "8.4", 2},
    {"position_blind", SEVERITY_CRITICAL, "state", "changes", "8.9", NAN},
    {"order_unknown", SEVERITY_CRITICAL, "state", "changes", "8.5", NAN},
    {"order_limit", SEVERITY_CRITICAL, "state", "changes", "8.2", NAN},
    {"kill_switch", SEVERITY_CRITICAL, "drawdown", "changes", "8.3", NAN},
    {"emergency_stop", SEVERITY_CRITICAL, "state", "changes", "8.3", NAN},
    {"engine_error", SEVERITY_CRITICAL, "state", "changes", "8.2", NAN},
    {"flatten_incomplete", SEVERITY_CRITICAL, "open_positions", "changes", "8.4", NAN},
    {"illegal_transition", SEVERITY_CRITICAL, "state", "changes", "8.2", NAN},
    {"day_limit", SEVERITY_CRITICAL, "day_loss", "changes", "8.7", NAN},
    {"risk_halved", SEVERITY_WARNING, "day_loss", "changes", "8.7", NAN},
    {"drawdown_warning", SEVERITY_WARNING, "drawdown", "changes", "8.7", NAN},
    {"correlation_warning", SEVERITY_WARNING, "open_risk_usd", "changes", "8.7", NAN},
    {"ledger_residual", SEVERITY_CRITICAL, "equity_usd", "changes", "8.6", NAN},
    {"unexplained_balance", SEVERITY_WARNING, "equity_usd", "changes", "8.6", NAN},
    {"position_mismatch", SEVERITY_WARNING, "open_positions", "changes", "8.6", NAN},
    {"position_in_doubt", SEVERITY_CRITICAL, "open_positions", "changes", "8.6", NAN},
    {"foreign_position", SEVERITY_WARNING, "open_positions", "changes", "8.6", NAN},
    {"foreign_fill", SEVERITY_WARNING, "open_positions", "changes", "8.6", NAN},
    {"order_missing", SEVERITY_WARNING, "state", "changes", "8.6", NAN},
    {"stray_order", SEVERITY_WARNING, "state", "changes", "8.6", NAN},
    {"bad_fill", SEVERITY_CRITICAL, "equity_usd", "changes", "8.6", NAN},
    {"excess_fill", SEVERITY_CRITICAL, "open_positions", "changes", "8.6", NAN},
    {"late_fill", SEVERITY_WARNING, "open_positions", "changes", "8.6", NAN},
    {"late_acknowledgement", SEVERITY_CRITICAL, "state", "changes", "8.5", NAN},
    {"storage_unavailable", SEVERITY_CRITICAL, "state", "changes", "8.11", NAN},
    {"feed_down", SEVERITY_CRITICAL, "feed_lag_ms", "changes", "8.9", NAN},
    {"venue_down", SEVERITY_CRITICAL, "venue_latency_ms", "changes", "8.9", NAN},
    {"webhook_failed", SEVERITY_WARNING, "state", "changes", "8", NAN},
};
const int built_in_alert_count = (int)(sizeof built_in_alerts / sizeof built_in_alerts[0]);

const char *alert_runbook(const char *name) {
  for (int i = 0; i < built_in_alert_count; i++) {
    if (text_equal(built_in_alerts[i].name, name)) return built_in_alerts[i].runbook;
  }
  return "8";
}

#define TURN_NS INT64_C(1000000000)

/* ---- the ring ---- */

const struct alert_view *alerts_get(const struct alerts *alerts, int32_t i) {
  if (i >= alerts->count) return NULL;
  return &alerts->items[(alerts->next - 1 - i + 2 * ALERTS_KEPT) % ALERTS_KEPT];
}

struct alert_view *alerts_find(struct alerts *alerts, const char *alert_id) {
  for (int32_t i = 0; i < alerts->count; i++) {
    struct alert_view *view = &alerts->items[(alerts->next - 1 - i + 2 * ALERTS_KEPT) % ALERTS_KEPT];
    if (text_equal(view->alert_id, alert_id)) return view;
  }
  return NULL;
}

static struct alert_view *put(struct alerts *alerts, const struct alert_view *view) {
  struct alert_view *place = &alerts->items[alerts->next];
  *place = *view;
  alerts->next = (alerts->next + 1) % ALERTS_KEPT;
  if (alerts->count < ALERTS_KEPT) ++alerts->count;
  return place;
}

/* ---- of the engine ---- */

void alerts_view_of_engine(const struct api *api, const struct alert *alert, struct alert_view *out) {
  *out = (struct alert_view){.severity = (enum severity)alert->severity,
                             .state = (enum alert_state)alert->state,
                             .value = alert->value,
                             .threshold = alert->threshold,
                             .since_at = alert->since_at,
                             .resolved_at = alert->resolved_at,
                             .count = alert->count};
  struct text text;
  text_init(&text, out->alert_id, sizeof out->alert_id);
  text_add_id(&text, 'A', 8, alert->alert_id);
  text_copy(out->name, sizeof out->name, alert->name);
  text_copy(out->subject, sizeof out->subject, alert->subject);
  text_copy(out->message, sizeof out->message, alert->message);
  const struct alert_view *kept = api->alerts != NULL ? alerts_find(api->alerts, out->alert_id) : NULL;
  if (kept == NULL || kept->acked_by[0] == '\0') return;
  text_copy(out->acked_by, sizeof out->acked_by, kept->acked_by);
  text_copy(out->note, sizeof out->note, kept->note);
  out->wants_ack_stored = kept->wants_ack_stored;
  if (out->state == ALERT_FIRING) out->state = ALERT_ACKNOWLEDGED;
}

/* Failures of the engine itself go to every client, whatever it subscribed to. */
static void tell_error(struct api *api, const struct alert_view *view) {
  static const char *const names[] = {"engine_error", "illegal_transition"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (text_equal(names[i], view->name)) feed_publish_error(api, "engine", view->name, view->message);
  }
}

static void on_alert(struct api *api, const struct alert *alert) {
  struct alert_view view;
  alerts_view_of_engine(api, alert, &view);
  struct alert_view *kept = alerts_find(api->alerts, view.alert_id);
  bool is_new = kept == NULL;
  bool has_ended = kept != NULL && kept->state != ALERT_RESOLVED && view.state == ALERT_RESOLVED;
  if (is_new) {
    kept = put(api->alerts, &view);
  } else {
    view.is_posted = kept->is_posted;
    *kept = view;
  }
  if (is_new && view.state != ALERT_RESOLVED) {
    tell_error(api, kept);
    alerts_post(api, NOTICE_FIRING, kept);
  }
  if (has_ended) alerts_post(api, NOTICE_RESOLVED, kept);
}

void alerts_on_record(struct api *api, enum record_kind kind, const void *object) {
  if (api->alerts == NULL) return;
  if (kind == RECORD_ALERT) on_alert(api, object);
  if (kind == RECORD_TRADE) alert_rules_on_trade(api, object);
}

/* ---- of rules ---- */

static void write_view(const struct api *api, const void *object, struct json_writer *writer) {
  (void)api;
  const struct alert_view *view = object;
  json_add_string(writer, "alert_id", view->alert_id);
  json_add_string(writer, "name", view->name);
  json_add_string(writer, "severity", severity_names[view->severity]);
  json_add_string(writer, "state", alert_state_names[view->state]);
  json_add_string(writer, "subject", view->subject);
  json_add_string(writer, "message", view->message);
  json_add_double(writer, "value", view->value);
  json_add_double(writer, "threshold", view->threshold);
  json_add_int(writer, "since_at", view->since_at);
  if (view->resolved_at != 0) {
    json_add_int(writer, "resolved_at", view->resolved_at);
  } else {
    json_add_null(writer, "resolved_at");
  }
  json_add_string(writer, "acked_by", view->acked_by[0] != '\0' ? view->acked_by : NULL);
  json_add_string(writer, "note", view->note[0] != '\0' ? view->note : NULL);
  json_add_string(writer, "runbook", alert_runbook(view->name));
  json_add_int(writer, "count", view->count);
}

void write_alert_view(const struct api *api, const char *key, const struct alert_view *view, struct json_writer *writer) {
  json_begin_object(writer, key);
  write_view(api, view, writer);
  json_end_object(writer);
}

void alerts_publish(struct api *api, const struct alert_view *view) {
  feed_publish_alert(api, write_view, view);
}

enum { ALERT_COLUMNS = 11 };

static void fill_row(const struct alert_view *view, struct row_value out[ALERT_COLUMNS]) {
  const struct row_value values[ALERT_COLUMNS] = {row_text("alert_id", view->alert_id),
                                                  row_text("name", view->name),
                                                  row_text("severity", severity_names[view->severity]),
                                                  row_text("state", alert_state_names[view->state]),
                                                  row_text("subject", view->subject),
                                                  row_text("message", view->message),
                                                  row_real("value", view->value),
                                                  row_real("threshold", view->threshold),
                                                  row_int("since_at", view->since_at),
                                                  row_int("resolved_at", view->resolved_at),
                                                  row_int("count", view->count)};
  memcpy(out, values, sizeof values);
  if (view->resolved_at == 0) out[9] = row_text("resolved_at", NULL);
}

static void tell_failure(const struct problem *problem) {
  log_write(LOG_WARNING, "alerts", "not_stored", NULL, "an alert is not in the database: %s", problem->count > 0 ? problem->items[0].message : "");
}

static void store(struct api *api, const struct alert_view *view, bool is_new) {
  const struct row_port *rows = api->options.rows;
  struct row_value values[ALERT_COLUMNS];
  struct problem problem;
  if (rows == NULL) return;
  problem_clear(&problem);
  fill_row(view, values);
  struct rows_query which = {.table = "alerts"};
  rows_query_add(&which, "alert_id", ROWS_EQUAL, view->alert_id);
  enum status status = is_new ? rows->insert(rows->self, "alerts", values, ALERT_COLUMNS, NULL, &problem)
                              : rows->update(rows->self, &which, values + 1, ALERT_COLUMNS - 1, NULL, &problem);
  if (status) tell_failure(&problem);
}

struct alert_view *alerts_raise(struct api *api, const struct alert_rule *rule, const char *subject, const char *message, double value, int64_t ts) {
  struct alert_view view = {
      .severity = rule->severity, .state = ALERT_FIRING, .value = value, .threshold = rule->threshold, .since_at = ts, .count = 1};
  snprintf(view.alert_id, sizeof view.alert_id, "R%08lld", (long long)++api->alerts->newest_alert);
  text_copy(view.name, sizeof view.name, rule->name);
  text_copy(view.subject, sizeof view.subject, subject);
  text_copy(view.message, sizeof view.message, message);
  struct alert_view *kept = put(api->alerts, &view);
  store(api, kept, true);
  alerts_publish(api, kept);
  log_write(rule->severity == SEVERITY_CRITICAL ? LOG_ERROR : LOG_WARNING, "alerts", "alert", NULL, "%s of %s: %s", view.name, subject, message);
  return kept;
}

void alerts_resolve(struct api *api, struct alert_view *view, int64_t ts) {
  if (view->state == ALERT_RESOLVED) return;
  view->state = ALERT_RESOLVED;
  view->resolved_at = ts;
  store(api, view, false);
  alerts_publish(api, view);
  alerts_post(api, NOTICE_RESOLVED, view);
}

void alerts_store_ack(struct api *api, struct alert_view *view) {
  const struct row_port *rows = api->options.rows;
  struct rows_query which = {.table = "alerts"};
  const struct row_value values[] = {row_text("acked_by", view->acked_by), row_text("note", view->note[0] != '\0' ? view->note : NULL)};
  struct problem problem;
  int64_t changed = 0;
  view->wants_ack_stored = false;
  if (rows == NULL) return;
  problem_clear(&problem);
  rows_query_add(&which, "alert_id", ROWS_EQUAL, view->alert_id);
  enum status status = rows->update(rows->self, &which, values, 2, &changed, &problem);
  view->wants_ack_stored = status != STATUS_OK || changed == 0; /* the archive may not have the alert yet */
}

/* ---- life ---- */

static int word_of(const struct row_value *value, const char *const *names, int count) {
  for (int i = 0; value != NULL && value->kind == ROW_VALUE_TEXT && i < count; i++) {
    if (text_equal(value->text, names[i])) return i;
  }
  return 0;
}

static void copy_text(char *out, size_t size, const struct row_value *value) {
  text_copy(out, size, value != NULL && value->kind == ROW_VALUE_TEXT ? value->text : "");
}

static double real_of(const struct row_value *value) {
  if (value == NULL) return NAN;
  if (value->kind == ROW_VALUE_INT) return (double)value->integer;
  return value->kind == ROW_VALUE_REAL ? value->real : NAN;
}

static int64_t int_of(const struct row_value *value) {
  return value != NULL && value->kind == ROW_VALUE_INT ? value->integer : 0;
}

static void note_number(struct alerts *alerts, const char *alert_id) {
  int64_t number = parse_id(alert_id, 'R');
  if (number > alerts->newest_alert) alerts->newest_alert = number;
}

/* What fired when the program ended is over unless the engine still has it: rules begin anew. */
static bool on_row(void *context, const struct row_value *values, int count) {
  struct alerts *alerts = context;
  struct alert_view view = {.severity = (enum severity)word_of(row_value_of(values, count, "severity"), severity_names, severity_count),
                            .state = (enum alert_state)word_of(row_value_of(values, count, "state"), alert_state_names, alert_state_count),
                            .value = real_of(row_value_of(values, count, "value")),
                            .threshold = real_of(row_value_of(values, count, "threshold")),
                            .since_at = int_of(row_value_of(values, count, "since_at")),
                            .resolved_at = int_of(row_value_of(values, count, "resolved_at")),
                            .count = (int32_t)int_of(row_value_of(values, count, "count"))};
  copy_text(view.alert_id, sizeof view.alert_id, row_value_of(values, count, "alert_id"));
  copy_text(view.name, sizeof view.name, row_value_of(values, count, "name"));
  copy_text(view.subject, sizeof view.subject, row_value_of(values, count, "subject"));
  copy_text(view.message, sizeof view.message, row_value_of(values, count, "message"));
  copy_text(view.acked_by, sizeof view.acked_by, row_value_of(values, count, "acked_by"));
  copy_text(view.note, sizeof view.note, row_value_of(values, count, "note"));
  if (view.acked_by[0] != '\0' && view.state == ALERT_FIRING) view.state = ALERT_ACKNOWLEDGED;
  note_number(alerts, view.alert_id);
  put(alerts, &view);
  return true;
}

static bool on_newest(void *context, const struct row_value *values, int count) {
  char id[24];
  copy_text(id, sizeof id, row_value_of(values, count, "alert_id"));
  note_number(context, id);
  return false;
}

static void reverse(struct alerts *alerts) {
  for (int32_t i = 0; i < alerts->count / 2; i++) {
    struct alert_view swap = alerts->items[i];
    alerts->items[i] = alerts->items[alerts->count - 1 - i];
    alerts->items[alerts->count - 1 - i] = swap;
  }
}

/* Alerts of rules that fired when the program ended have nobody who would resolve them. */
static void end_orphans(struct api *api) {
  struct alerts *alerts = api->alerts;
  int64_t now = engine_now(api->options.engine);
  for (int32_t i = 0; i < alerts->count; i++) {
    struct alert_view *view = &alerts->items[i];
    if (view->alert_id[0] != 'R' || view->state == ALERT_RESOLVED) continue;
    view->state = ALERT_RESOLVED;
    view->resolved_at = now > view->since_at ? now : view->since_at;
    store(api, view, false);
  }
}

static enum status load(struct api *api, struct problem *problem) {
  const struct row_port *rows = api->options.rows;
  const struct rows_query newest = {.table = "alerts", .order = "since_at", .limit = ALERTS_KEPT};
  struct rows_query last = {.table = "alerts", .order = "alert_id", .limit = 1};
  rows_query_add(&last, "alert_id", ROWS_AT_LEAST, "R");
  enum status status = rows->select(rows->self, &newest, on_row, api->alerts, problem);
  if (!status) reverse(api->alerts);
  if (!status) status = rows->select(rows->self, &last, on_newest, api->alerts, problem);
  if (!status) status = alert_rules_load(api, problem);
  if (!status) end_orphans(api);
  return status;
}

enum status alerts_open(struct api *api) {
  api->alerts = calloc(1, sizeof *api->alerts);
  if (api->alerts == NULL) return STATUS_NO_MEMORY;
  struct problem problem;
  problem_clear(&problem);
  api->alerts->turned_ns = api->options.clock->monotonic_ns(api->options.clock->self) - TURN_NS; /* the first turn looks */
  api->alerts->is_loaded = api->options.rows != NULL;
  if (api->options.rows == NULL || load(api, &problem) == STATUS_OK) return STATUS_OK;
  /* Trading does not wait for this: alerts are shown from now on, rules cannot be changed. */
  log_write(LOG_ERROR, "alerts", "not_loaded", NULL, "alerts and their rules could not be read: %s",
            problem.count > 0 ? problem.items[0].message : "");
  api->alerts->is_loaded = false;
  return STATUS_OK;
}

void alerts_close(struct api *api) {
  free(api->alerts);
  api->alerts = NULL;
}

void alerts_turn(struct api *api) {
  struct alerts *alerts = api->alerts;
  int64_t now_ns = api->options.clock->monotonic_ns(api->options.clock->self);
  if (alerts == NULL || now_ns - alerts->turned_ns < TURN_NS) return;
  alerts->turned_ns = now_ns;
  for (int32_t i = 0; i < alerts->count; i++) {
    if (alerts->items[i].wants_ack_stored) alerts_store_ack(api, &alerts->items[i]);
  }
  alert_notices_turn(api);
  alert_rules_turn(api);
}
