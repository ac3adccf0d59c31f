/* Checkpoints from records, and their rows. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/feed/feed.h"
#include "api/monitoring/monitoring.h"
#include "base/log.h"

const struct checkpoint *checkpoint_get(const struct monitoring *monitoring, int i) {
  if (i >= monitoring->checkpoint_count) return NULL;
  return &monitoring->checkpoints[(monitoring->checkpoint_next - 1 - i + 2 * CHECKPOINTS_MAX) % CHECKPOINTS_MAX];
}

/* ---- writing ---- */

void checkpoint_write(const struct api *api, const void *object, struct json_writer *writer) {
  const struct checkpoint *checkpoint = object;
  char id[32];
  (void)api;
  snprintf(id, sizeof id, "K%08lld", (long long)checkpoint->id);
  json_add_string(writer, "checkpoint_id", id);
  snprintf(id, sizeof id, "S%06lld", (long long)checkpoint->session_id);
  json_add_string(writer, "session_id", id);
  json_add_string(writer, "type", checkpoint_type_names[checkpoint->type]);
  json_add_string(writer, "status", checkpoint_status_names[checkpoint->status]);
  json_add_int(writer, "ts", checkpoint->ts);
  json_add_double(writer, "duration_ms", checkpoint->duration_ms);
  json_add_string(writer, "symbol", checkpoint->symbol[0] != '\0' ? checkpoint->symbol : NULL);
  json_add_string(writer, "message", checkpoint->message);
  json_begin_object(writer, "metrics");
  for (int i = 0; i < checkpoint->metric_count; i++) json_add_double(writer, checkpoint->metrics[i].name, checkpoint->metrics[i].value);
  json_end_object(writer);
  write_trace(writer, checkpoint->symbol, checkpoint->trace_ts);
  if (checkpoint->error_code[0] == '\0') {
    json_add_null(writer, "error");
    return;
  }
  json_begin_object(writer, "error");
  json_add_string(writer, "code", checkpoint->error_code);
  json_add_string(writer, "text", checkpoint->message);
  json_end_object(writer);
}

/* ---- from records ---- */

static struct checkpoint *add(struct api *api, enum checkpoint_type type, int64_t ts, const char *symbol, int64_t trace_ts) {
  struct monitoring *monitoring = api->monitoring;
  struct checkpoint *checkpoint = &monitoring->checkpoints[monitoring->checkpoint_next];
  *checkpoint = (struct checkpoint){.id = ++monitoring->checkpoint_id,
                                    .session_id = monitoring->session_id,
                                    .type = type,
                                    .status = CHECKPOINT_COMPLETED,
                                    .ts = ts,
                                    .duration_ms = NAN,
                                    .trace_ts = trace_ts};
  text_copy(checkpoint->symbol, sizeof checkpoint->symbol, symbol);
  monitoring->checkpoint_next = (monitoring->checkpoint_next + 1) % CHECKPOINTS_MAX;
  if (monitoring->checkpoint_count < CHECKPOINTS_MAX) ++monitoring->checkpoint_count;
  return checkpoint;
}

static void add_metric(struct checkpoint *checkpoint, const char *name, double value) {
  if (checkpoint->metric_count == CHECKPOINT_METRICS_MAX) return;
  checkpoint->metrics[checkpoint->metric_count].name = name;
  checkpoint->metrics[checkpoint->metric_count++].value = value;
}

static void say(struct checkpoint *checkpoint, const char *text) {
  text_copy(checkpoint->message, sizeof checkpoint->message, text);
}

static void start_scan(struct api *api, int64_t ts) {
  if (api->monitoring->is_scanning) return;
  api->monitoring->is_scanning = true;
  say(add(api, CHECKPOINT_SCAN_START, ts, "", 0), "a scan begins");
}

static void on_transition(struct api *api, const struct transition *transition) {
  if (transition->machine == MACHINE_SESSION && text_equal(transition->to_state, session_state_names[SESSION_ERROR])) {
    struct checkpoint *checkpoint = add(api, CHECKPOINT_ERROR, transition->ts, "", 0);
    checkpoint->status = CHECKPOINT_FAILED;
    snprintf(checkpoint->message, sizeof checkpoint->message, "the session is in error: %s", transition->reason);
    text_copy(checkpoint->error_code, sizeof checkpoint->error_code, transition->reason[0] != '\0' ? transition->reason : transition->trigger);
    return;
  }
  if (transition->machine != MACHINE_VIEW) return;
  if (text_equal(transition->to_state, engine_word_names[WORD_LEVEL_BUILDING])) {
    start_scan(api, transition->ts);
    say(add(api, CHECKPOINT_LEVEL_BUILDING_START, transition->ts, "", 0), "levels are built");
  } else if (text_equal(transition->from_state, engine_word_names[WORD_LEVEL_BUILDING])) {
    say(add(api, CHECKPOINT_LEVEL_BUILDING_COMPLETE, transition->ts, "", 0), "levels are built up");
  }
}

static void on_scan(struct api *api, const struct scan_record *scan) {
  start_scan(api, scan->ts);
  api->monitoring->is_scanning = false;
  struct checkpoint *checkpoint = add(api, CHECKPOINT_SCAN_COMPLETE, scan->ts, "", 0);
  snprintf(checkpoint->message, sizeof checkpoint->message, "%d of %d symbols scanned, %d passed, %d candidates", scan->scanned, scan->total_symbols,
           scan->passed_filters, scan->candidates);
  add_metric(checkpoint, "total_symbols", scan->total_symbols);
  add_metric(checkpoint, "scanned", scan->scanned);
  add_metric(checkpoint, "passed_filters", scan->passed_filters);
  add_metric(checkpoint, "candidates", scan->candidates);
}

static void on_signal(struct api *api, int64_t ts, const struct signal *signal) {
  if (signal->outcome != SIGNAL_PENDING) return;
  struct checkpoint *checkpoint = add(api, CHECKPOINT_SIGNAL_DETECTED, ts, signal->symbol, signal->trace_ts);
  snprintf(checkpoint->message, sizeof checkpoint->message, "%s %s of %s", strategy_names[signal->strategy], position_side_names[signal->side],
           signal->symbol);
  add_metric(checkpoint, "entry", decimal_to_double(signal->entry));
  add_metric(checkpoint, "stop", decimal_to_double(signal->stop));
  add_metric(checkpoint, "confidence", signal->confidence);
}

static void on_decision(struct api *api, const struct decision *decision) {
  bool is_sizing = decision->stage == STAGE_RISK;
  if (!is_sizing && decision->stage != STAGE_VALIDATION) return;
  struct checkpoint *checkpoint =
      add(api, is_sizing ? CHECKPOINT_POSITION_SIZING : CHECKPOINT_SIGNAL_VALIDATED, decision->ts, decision->symbol, decision->trace_ts);
  bool has_passed = decision->verdict == VERDICT_PASSED;
  checkpoint->status = has_passed ? CHECKPOINT_COMPLETED : decision->verdict == VERDICT_SKIPPED ? CHECKPOINT_SKIPPED : CHECKPOINT_FAILED;
  const char *what = is_sizing ? "the size" : "the signal";
  if (has_passed) {
    snprintf(checkpoint->message, sizeof checkpoint->message, "%s of %s is good", what, decision->symbol);
  } else {
    snprintf(checkpoint->message, sizeof checkpoint->message, "%s of %s is %s: %s", what, decision->symbol, verdict_names[decision->verdict],
             decision->code >= 0 ? reason_code_names[decision->code] : "no reason given");
  }
  add_metric(checkpoint, "tests", decision->reasons_count);
}

static enum checkpoint_type type_of_order(const struct order *order) {
  if (order->purpose == PURPOSE_STOP) return CHECKPOINT_STOP_LOSS_SET;
  return order->purpose == PURPOSE_TARGET ? CHECKPOINT_TAKE_PROFIT_SET : CHECKPOINT_ORDER_PLACED;
}

static void add_order(struct api *api, enum checkpoint_type type, enum checkpoint_status status, const struct order *order, const char *what) {
  struct checkpoint *checkpoint = add(api, type, order->updated_at, order->symbol, order->trace_ts);
  checkpoint->status = status;
  snprintf(checkpoint->message, sizeof checkpoint->message, "%s order %s of %s %s%s%s", order_purpose_names[order->purpose],
           order_side_names[order->side], order->symbol, what, order->reject_text[0] != '\0' ? ": " : "", order->reject_text);
  add_metric(checkpoint, "qty", decimal_to_double(order->qty));
  if (order->price != DECIMAL_NULL) add_metric(checkpoint, "price", decimal_to_double(order->price));
  if (order->trigger_price != DECIMAL_NULL) add_metric(checkpoint, "trigger_price", decimal_to_double(order->trigger_price));
  if (status == CHECKPOINT_FAILED) text_copy(checkpoint->error_code, sizeof checkpoint->error_code, order->reject_code);
  if (type != CHECKPOINT_ORDER_FILLED || order->average_price == DECIMAL_NULL) return;
  add_metric(checkpoint, "average_price", decimal_to_double(order->average_price));
  /* A stop or target waits for its price: the time until then is no duration of ours. */
  bool waits = order->purpose == PURPOSE_STOP || order->purpose == PURPOSE_TARGET;
  if (order->sent_at != 0 && !waits) checkpoint->duration_ms = (double)(order->ended_at - order->sent_at);
}

/* An order is told at every change; each checkpoint is about the change that made it true. */
static void on_order(struct api *api, const struct order *order) {
  bool is_acked_now = order->acked_at != 0 && order->acked_at == order->updated_at && order->filled_qty == 0 && order->ended_at == 0;
  bool ends_now = order->ended_at != 0 && order->ended_at == order->updated_at;
  if (is_acked_now) add_order(api, type_of_order(order), CHECKPOINT_COMPLETED, order, "is at the venue");
  if (ends_now && order->state == ORDER_REJECTED) add_order(api, type_of_order(order), CHECKPOINT_FAILED, order, "was rejected");
  if (ends_now && order->state == ORDER_FILLED) add_order(api, CHECKPOINT_ORDER_FILLED, CHECKPOINT_COMPLETED, order, "is filled");
}

static void on_position(struct api *api, int64_t ts, const struct position *position) {
  if (position->opened_at == 0 || position->position_id <= api->monitoring->opened_position_id) return;
  api->monitoring->opened_position_id = position->position_id;
  struct checkpoint *checkpoint = add(api, CHECKPOINT_POSITION_OPENED, ts, position->symbol, position->trace_ts);
  snprintf(checkpoint->message, sizeof checkpoint->message, "position %s %s is open", position_side_names[position->side], position->symbol);
  add_metric(checkpoint, "qty", decimal_to_double(position->qty));
  add_metric(checkpoint, "entry", decimal_to_double(position->entry));
  add_metric(checkpoint, "stop", decimal_to_double(position->stop));
}

static void on_stop_move(struct api *api, const struct stop_move *move) {
  struct checkpoint *checkpoint = add(api, CHECKPOINT_POSITION_MANAGED, move->ts, move->symbol, 0);
  snprintf(checkpoint->message, sizeof checkpoint->message, "the stop of %s moves (%s)", move->symbol, stop_rule_names[move->rule]);
  add_metric(checkpoint, "old_stop", decimal_to_double(move->old_stop));
  add_metric(checkpoint, "new_stop", decimal_to_double(move->new_stop));
  add_metric(checkpoint, "locked_r", move->locked_r);
}

static void on_trade(struct api *api, const struct trade *trade) {
  struct checkpoint *checkpoint = add(api, CHECKPOINT_POSITION_CLOSED, trade->closed_at, trade->symbol, trade->trace_ts);
  snprintf(checkpoint->message, sizeof checkpoint->message, "position %s %s is closed: %s", position_side_names[trade->side], trade->symbol,
           trade->exit_reason >= 0 ? reason_code_names[trade->exit_reason] : "no reason given");
  checkpoint->duration_ms = (double)trade->hold_ms;
  add_metric(checkpoint, "pnl_usd", decimal_to_double(trade->pnl_usd));
  add_metric(checkpoint, "pnl_r", trade->pnl_r);
}

static void on_alert(struct api *api, int64_t ts, const struct alert *alert) {
  if (alert->state != ALERT_FIRING || alert->count != 1 || alert->severity == SEVERITY_INFO) return;
  bool is_error = alert->severity == SEVERITY_CRITICAL;
  struct checkpoint *checkpoint = add(api, is_error ? CHECKPOINT_ERROR : CHECKPOINT_WARNING, ts, "", 0);
  checkpoint->status = is_error ? CHECKPOINT_FAILED : CHECKPOINT_COMPLETED;
  say(checkpoint, alert->message);
  text_copy(checkpoint->error_code, sizeof checkpoint->error_code, alert->name);
  add_metric(checkpoint, "value", alert->value);
  add_metric(checkpoint, "threshold", alert->threshold);
}

void checkpoints_on_record(struct api *api, int64_t ts, enum record_kind kind, const void *object) {
  int64_t before = api->monitoring->checkpoint_id;
  if (api->monitoring->session_id == 0) return;
  switch (kind) {
    case RECORD_TRANSITION:
      on_transition(api, object);
      break;
    case RECORD_SCAN:
      on_scan(api, object);
      break;
    case RECORD_SIGNAL:
      on_signal(api, ts, object);
      break;
    case RECORD_DECISION:
      on_decision(api, object);
      break;
    case RECORD_ORDER:
      on_order(api, object);
      break;
    case RECORD_POSITION:
      on_position(api, ts, object);
      break;
    case RECORD_STOP_MOVE:
      on_stop_move(api, object);
      break;
    case RECORD_TRADE:
      on_trade(api, object);
      break;
    case RECORD_ALERT:
      on_alert(api, ts, object);
      break;
    default:
      return;
  }
  for (int64_t left = api->monitoring->checkpoint_id - before; left > 0; left--)
    feed_publish_checkpoint(api, checkpoint_write, checkpoint_get(api->monitoring, (int)left - 1));
}

/* ---- rows ---- */

static enum status insert(const struct api *api, const struct checkpoint *checkpoint, struct problem *problem) {
  const struct row_port *rows = api->options.rows;
  struct buffer metrics = {0};
  struct json_writer writer;
  char session[24];
  char trace[SYMBOL_TEXT_MAX + 24];
  struct buffer error = {0};
  json_writer_init(&writer, &metrics, false);
  json_begin_object(&writer, NULL);
  for (int i = 0; i < checkpoint->metric_count; i++) json_add_double(&writer, checkpoint->metrics[i].name, checkpoint->metrics[i].value);
  json_end_object(&writer);
  snprintf(session, sizeof session, "S%06lld", (long long)checkpoint->session_id);
  snprintf(trace, sizeof trace, "%s:%lld", checkpoint->symbol, (long long)checkpoint->trace_ts);
  json_writer_init(&writer, &error, false);
  json_begin_object(&writer, NULL);
  json_add_string(&writer, "code", checkpoint->error_code);
  json_add_string(&writer, "text", checkpoint->message);
  json_end_object(&writer);
  const struct row_value values[] = {
      row_int("checkpoint_id", checkpoint->id),
      row_text("type", checkpoint_type_names[checkpoint->type]),
      row_text("status", checkpoint_status_names[checkpoint->status]),
      row_int("ts", checkpoint->ts),
      row_real("duration_ms", checkpoint->duration_ms),
      row_text("symbol", checkpoint->symbol[0] != '\0' ? checkpoint->symbol : NULL),
      row_text("message", checkpoint->message),
      row_text("metrics", metrics.data),
      row_text("error", checkpoint->error_code[0] != '\0' ? error.data : NULL),
      row_text("session_id", session),
      row_text("trace_id", checkpoint->trace_ts != 0 ? trace : NULL),
  };
  enum status status = rows->insert(rows->self, "checkpoints", values, (int)(sizeof values / sizeof values[0]), NULL, problem);
  buffer_deinit(&metrics);
  buffer_deinit(&error);
  return status;
}

/* All that are new in one transaction. A database that is away is asked again in the next turn; what leaves the ring meanwhile is lost, which a log
 * line tells. */
void checkpoints_store(struct api *api) {
  struct monitoring *monitoring = api->monitoring;
  const struct row_port *rows = api->options.rows;
  struct problem problem;
  int64_t fresh = monitoring->checkpoint_id - monitoring->checkpoint_stored;
  problem_clear(&problem);
  if (rows == NULL || fresh == 0) return;
  if (fresh > monitoring->checkpoint_count) {
    log_write(LOG_WARNING, "storage", "checkpoints_lost", NULL, "%lld checkpoints could not be stored in time",
              (long long)(fresh - monitoring->checkpoint_count));
    fresh = monitoring->checkpoint_count;
  }
  if (rows->begin(rows->self, &problem) != STATUS_OK) return;
  enum status status = STATUS_OK;
  for (int i = (int)fresh - 1; i >= 0 && !status; i--) status = insert(api, checkpoint_get(monitoring, i), &problem);
  if (!status) status = rows->commit(rows->self, &problem);
  if (status) {
    rows->rollback(rows->self);
    return;
  }
  monitoring->checkpoint_stored = monitoring->checkpoint_id;
}

static bool take_id(void *context, const struct row_value *values, int count) {
  const struct row_value *value = row_value_of(values, count, "checkpoint_id");
  if (value != NULL && value->kind == ROW_VALUE_INT) *(int64_t *)context = value->integer;
  return false;
}

/* Numbers go on where the last process stopped. */
void checkpoints_load(struct api *api) {
  const struct row_port *rows = api->options.rows;
  struct rows_query query = {.table = "checkpoints", .order = "checkpoint_id", .limit = 1};
  struct problem problem;
  problem_clear(&problem);
  if (rows == NULL) return;
  if (rows->select(rows->self, &query, take_id, &api->monitoring->checkpoint_id, &problem) != STATUS_OK)
    log_write(LOG_WARNING, "storage", "checkpoints", NULL, "the number of the newest checkpoint cannot be read: %s",
              problem.count > 0 ? problem.items[0].message : "no answer");
  api->monitoring->checkpoint_stored = api->monitoring->checkpoint_id;
}
