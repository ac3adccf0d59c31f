#include "runner/record_log.h"

#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "core/strategy/reason.h"
#include "core/strategy/risk.h"
#include "core/trade/position.h"

/* Members of a line beside its message; those that are not known are left out. First those that every line may have, then others inside "data". */
struct line {
  struct buffer data;
  struct json_writer writer;
  bool has_more; /* "data" is open */
};

static void begin(struct line *line) {
  *line = (struct line){0};
  json_writer_init(&line->writer, &line->data, false);
  json_begin_object(&line->writer, NULL);
}

static void add_text(struct line *line, const char *key, const char *value) {
  if (value[0] != '\0') json_add_string(&line->writer, key, value);
}

/* From here on the members are this line's own. */
static void begin_more(struct line *line) {
  line->has_more = true;
  json_begin_object(&line->writer, "data");
}

static void add_id(struct line *line, const char *key, char prefix, int width, int64_t id) {
  char bytes[32];
  struct text text;
  if (id == 0) return;
  text_init(&text, bytes, sizeof bytes);
  text_add_id(&text, prefix, width, id);
  json_add_string(&line->writer, key, bytes);
}

/* Without the braces, which log_write has; NULL when there is no member. */
static const char *end(struct line *line) {
  if (line->has_more) json_end_object(&line->writer);
  json_end_object(&line->writer);
  line->data.data[strlen(line->data.data) - 1] = '\0';
  return line->data.length > 2 ? line->data.data + 1 : NULL;
}

static const char *number(char out[32], int64_t value) {
  struct text text;
  text_init(&text, out, 32);
  text_add_decimal(&text, value);
  return out;
}

static void tell_transition(const struct transition *move) {
  static const struct {
    enum log_level level;
    const char *component, *key; /* of the id */
    bool is_own;                 /* the key is no member of every line */
  } machines[machine_count] = {[MACHINE_SESSION] = {LOG_INFO, "engine", "session_id", false},
                               [MACHINE_CANDIDATE] = {LOG_DEBUG, "signals", "candidate_id", true},
                               [MACHINE_ORDER] = {LOG_INFO, "execution", "client_order_id", false},
                               [MACHINE_POSITION] = {LOG_INFO, "positions", "position_id", false},
                               [MACHINE_VIEW] = {LOG_DEBUG, "engine", "view", true}};
  struct line line;
  begin(&line);
  if (!machines[move->machine].is_own) add_text(&line, machines[move->machine].key, move->id);
  add_text(&line, "state", move->to_state);
  if (machines[move->machine].is_own) {
    begin_more(&line);
    add_text(&line, machines[move->machine].key, move->id);
  }
  log_write(machines[move->machine].level, machines[move->machine].component, "transition", end(&line), "%s %s: %s -> %s by %s%s%s",
            machine_names[move->machine], move->id, move->from_state, move->to_state, move->trigger, move->reason[0] != '\0' ? ", " : "",
            move->reason);
  buffer_deinit(&line.data);
}

static void tell_command(const struct command_reply *reply) {
  struct line line;
  begin(&line);
  add_id(&line, "session_id", 'S', 6, reply->session_id);
  add_text(&line, "user", reply->user);
  json_add_string(&line.writer, "state", engine_word_names[reply->state_after]);
  begin_more(&line);
  add_id(&line, "operation_id", 'O', 6, reply->operation_id);
  add_text(&line, "code", reply->code);
  log_write(reply->status == COMMAND_FAILED ? LOG_WARNING : LOG_INFO, "engine", "command", end(&line), "%s by %s: %s, %s -> %s%s%s",
            command_names[reply->command], reply->user[0] != '\0' ? reply->user : command_source_names[reply->source],
            command_status_names[reply->status], engine_word_names[reply->state_before], engine_word_names[reply->state_after],
            reply->message[0] != '\0' ? ": " : "", reply->message);
  buffer_deinit(&line.data);
}

static void tell_fill(const struct fill *fill) {
  char qty[32], price[32];
  struct line line;
  begin(&line);
  add_text(&line, "symbol", fill->symbol);
  add_id(&line, "position_id", 'P', 8, fill->position_id);
  add_text(&line, "client_order_id", fill->client_order_id);
  log_write(LOG_INFO, "execution", "fill", end(&line), "%s %s %s at %s", fill->symbol, order_side_names[fill->side], number(qty, fill->qty),
            number(price, fill->price));
  buffer_deinit(&line.data);
}

static void tell_rejection(const struct order *order) {
  struct line line;
  if (order->reject_code[0] == '\0') return;
  begin(&line);
  add_text(&line, "symbol", order->symbol);
  add_id(&line, "position_id", 'P', 8, order->position_id);
  add_text(&line, "client_order_id", order->client_order_id);
  log_write(LOG_WARNING, "execution", "order_rejected", end(&line), "%s %s order refused by the venue: %s %s", order->symbol,
            order_purpose_names[order->purpose], order->reject_code, order->reject_text);
  buffer_deinit(&line.data);
}

static void tell_stop(const struct stop_move *move) {
  char before[32], now[32];
  struct line line;
  begin(&line);
  add_text(&line, "symbol", move->symbol);
  add_id(&line, "position_id", 'P', 8, move->position_id);
  log_write(LOG_INFO, "positions", "stop_moved", end(&line), "%s stop %s -> %s by %s", move->symbol, number(before, move->old_stop),
            number(now, move->new_stop), stop_rule_names[move->rule]);
  buffer_deinit(&line.data);
}

static void tell_trade(const struct trade *trade) {
  char pnl[32];
  struct line line;
  begin(&line);
  add_id(&line, "session_id", 'S', 6, trade->session_id);
  add_text(&line, "symbol", trade->symbol);
  add_id(&line, "position_id", 'P', 8, trade->position_id);
  begin_more(&line);
  add_id(&line, "trade_id", 'T', 8, trade->trade_id);
  log_write(LOG_INFO, "positions", "trade", end(&line), "%s %s closed by %s: %s USD, %.2f R", trade->symbol, position_side_names[trade->side],
            reason_code_names[trade->exit_reason], number(pnl, trade->pnl_usd), trade->pnl_r);
  buffer_deinit(&line.data);
}

/* A refused plan: which limit, with its measure. */
static void tell_refusal(const struct decision *decision) {
  struct line line;
  if (decision->stage != STAGE_RISK || decision->verdict == VERDICT_PASSED) return;
  begin(&line);
  add_text(&line, "symbol", decision->symbol);
  begin_more(&line);
  add_text(&line, "code", reason_code_names[decision->code]);
  log_write(LOG_INFO, "risk", "plan_refused", end(&line), "%s %s refused: %s", decision->symbol, position_side_names[decision->side],
            reason_code_names[decision->code]);
  buffer_deinit(&line.data);
}

static void tell_alert(const struct alert *alert) {
  static const enum log_level levels[severity_count] = {
      [SEVERITY_INFO] = LOG_INFO, [SEVERITY_WARNING] = LOG_WARNING, [SEVERITY_CRITICAL] = LOG_CRITICAL};
  struct line line;
  bool is_firing = alert->state == ALERT_FIRING;
  if (is_firing && alert->count > 1) return;
  begin(&line);
  begin_more(&line);
  add_id(&line, "alert_id", 'A', 8, alert->alert_id);
  add_text(&line, "subject", alert->subject);
  log_write(is_firing ? levels[alert->severity] : LOG_INFO, strcmp(alert->name, "kill_switch") == 0 ? "risk" : "alerts", alert->name, end(&line),
            "%s: %s", alert_state_names[alert->state], alert->message);
  buffer_deinit(&line.data);
}

static void tell_scan(const struct scan_record *scan) {
  log_write(LOG_INFO, "scanner", "scan", NULL, "%d symbols scanned, %d passed, %d candidates", scan->scanned, scan->passed_filters, scan->candidates);
}

static void tell_reconciliation(const struct reconciliation *found) {
  log_write(found->differences > 0 ? LOG_WARNING : LOG_DEBUG, "execution", "reconciliation", NULL,
            "%s: %d positions, %d orders compared, %d fills applied, %d differences%s%s", found->cause, found->positions_checked,
            found->orders_checked, found->fills_applied, found->differences, found->detail[0] != '\0' ? ": " : "", found->detail);
}

static void on_record(void *context, uint64_t seq, int64_t ts, enum record_kind kind, const void *object) {
  (void)context;
  (void)seq;
  (void)ts;
  switch (kind) {
    case RECORD_TRANSITION:
      tell_transition(object);
      return;
    case RECORD_COMMAND_REPLY:
      tell_command(object);
      return;
    case RECORD_FILL:
      tell_fill(object);
      return;
    case RECORD_ORDER:
      tell_rejection(object);
      return;
    case RECORD_STOP_MOVE:
      tell_stop(object);
      return;
    case RECORD_TRADE:
      tell_trade(object);
      return;
    case RECORD_DECISION:
      tell_refusal(object);
      return;
    case RECORD_ALERT:
      tell_alert(object);
      return;
    case RECORD_SCAN:
      tell_scan(object);
      return;
    case RECORD_RECONCILIATION:
      tell_reconciliation(object);
      return;
    default:
      return;
  }
}

struct listener record_log_listener(void) {
  return (struct listener){.on_record = on_record};
}
