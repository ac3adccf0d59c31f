/* What happened in the steps since the last turn, as messages. */
#include <math.h>
#include <string.h>

#include "api/feed/feed_state.h"
#include "base/decimal.h"
#include "runner/metrics.h"

/* ---- walking over the changes ---- */

static const struct change *change_at(const struct feed_hub *hub, size_t at) {
  return at < hub->changes.length ? (const struct change *)(const void *)(hub->changes.data + at) : NULL;
}

static size_t after(size_t at, const struct change *change) {
  size_t end = at + sizeof *change + change->size;
  size_t rest = end % _Alignof(max_align_t);
  return rest == 0 ? end : end + _Alignof(max_align_t) - rest;
}

static const void *object_of(const struct change *change) {
  return change + 1;
}

/* ---- the engine ---- */

static void tell_transition(struct feed_hub *hub, const struct transition *record) {
  struct json_writer *writer = feed_begin(hub, FEED_TYPE_FSM_TRANSITION);
  json_begin_object(writer, NULL);
  json_add_int(writer, "seq", record->seq);
  json_add_string(writer, "from", record->from_state);
  json_add_string(writer, "to", record->to_state);
  json_add_string(writer, "reason", record->reason[0] != '\0' ? record->reason : NULL);
  json_add_string(writer, "machine", machine_names[record->machine]);
  json_add_string(writer, "id", record->id);
  json_add_string(writer, "trigger", record->trigger);
  json_add_int(writer, "ts", record->ts);
  json_end_object(writer);
  feed_end_all(hub, FEED_TYPE_FSM_TRANSITION);
}

static void tell_latch(struct feed_hub *hub, const struct latch_change *change) {
  const struct latch *latch = &change->latch;
  struct json_writer *writer = feed_begin(hub, FEED_TYPE_KILL_SWITCH);
  json_begin_object(writer, NULL);
  json_add_string(writer, "cause", risk_cause_names[latch->cause]);
  json_add_string(writer, "reason", latch->reason[0] != '\0' ? latch->reason : NULL);
  json_add_double(writer, "value", latch->value);
  json_add_double(writer, "threshold", latch->threshold);
  json_add_string(writer, "source", command_source_names[latch->cause == RISK_CAUSE_OPERATOR ? SOURCE_OPERATOR : SOURCE_ENGINE]);
  json_add_bool(writer, "latched", change->is_fired);
  json_add_int(writer, "ts", change->ts);
  json_end_object(writer);
  feed_end_all(hub, FEED_TYPE_KILL_SWITCH);
}

/* ---- positions ---- */

static struct tracked *find_tracked(struct feed_hub *hub, int64_t position_id) {
  for (int32_t i = 0; i < hub->position_count; i++) {
    if (hub->positions[i].position_id == position_id) return &hub->positions[i];
  }
  return NULL;
}

static void tell_position(struct feed_hub *hub, enum feed_type type, const struct position *position) {
  write_position(hub->api, NULL, position, feed_begin(hub, type));
  feed_end_all(hub, type);
}

static void track(struct feed_hub *hub, const struct position *position) {
  if (hub->position_count == FEED_POSITIONS_MAX) return;
  hub->positions[hub->position_count++] = (struct tracked){position->position_id, feed_now_ns(hub), *position};
}

/* The trade of a closed position comes in the same step, before or after it. */
static const struct trade *find_trade(const struct feed_hub *hub, int64_t position_id) {
  const struct change *change;
  for (size_t at = 0; (change = change_at(hub, at)) != NULL; at = after(at, change)) {
    const struct trade *trade = object_of(change);
    if (change->kind == RECORD_TRADE && trade->position_id == position_id) return trade;
  }
  return NULL;
}

static void tell_close(struct feed_hub *hub, const struct position *position) {
  const struct trade *trade = find_trade(hub, position->position_id);
  struct json_writer *writer = feed_begin(hub, FEED_TYPE_POSITION_CLOSE);
  write_position(hub->api, NULL, position, writer);
  /* The object is opened again for one more member. */
  --hub->text.length;
  buffer_add_text(&hub->text, ",\"trade\":");
  if (trade != NULL) {
    struct json_writer inner;
    json_writer_init(&inner, &hub->text, false);
    write_trade(NULL, trade, &inner);
  } else {
    buffer_add_text(&hub->text, "null");
  }
  buffer_add_text(&hub->text, "}");
  feed_end_all(hub, FEED_TYPE_POSITION_CLOSE);
}

static void on_position(struct feed_hub *hub, const struct position *position) {
  struct tracked *tracked = find_tracked(hub, position->position_id);
  if (tracked == NULL && position->state != POSITION_CLOSED) {
    tell_position(hub, FEED_TYPE_POSITION_OPEN, position);
    track(hub, position);
  }
  /* What changes between is told by pace. */
  if (position->state != POSITION_CLOSED) return;
  tell_close(hub, position);
  if (tracked != NULL) *tracked = hub->positions[--hub->position_count];
}

static void tell_stop_move(struct feed_hub *hub, const struct stop_move *move) {
  char id[24];
  struct text text;
  text_init(&text, id, sizeof id);
  text_add_id(&text, 'P', 8, move->position_id);
  struct json_writer *writer = feed_begin(hub, FEED_TYPE_STOP_MOVED);
  json_begin_object(writer, NULL);
  json_add_string(writer, "position_id", id);
  json_add_string(writer, "symbol", move->symbol);
  json_add_decimal(writer, "old_stop", move->old_stop);
  json_add_decimal(writer, "new_stop", move->new_stop);
  json_add_string(writer, "rule", stop_rule_names[move->rule]);
  json_add_double(writer, "r_locked", move->locked_r);
  json_add_int(writer, "ts", move->ts);
  json_end_object(writer);
  feed_end_all(hub, FEED_TYPE_STOP_MOVED);
}

/* ---- orders ---- */

enum { ORDERS_OF_EVENT_MAX = 64 };

struct orders_of_event {
  const struct order *items[ORDERS_OF_EVENT_MAX]; /* newest of each */
  bool is_new[ORDERS_OF_EVENT_MAX];
  int count;
};

static void add_order(struct orders_of_event *orders, const struct order *order) {
  int i = 0;
  while (i < orders->count && !text_equal(orders->items[i]->client_order_id, order->client_order_id)) ++i;
  if (i == ORDERS_OF_EVENT_MAX) return;
  if (i == orders->count) orders->is_new[orders->count++] = false;
  orders->items[i] = order;
  if (order->state <= ORDER_SENT) orders->is_new[i] = true;
}

static void tell_orders(struct feed_hub *hub, size_t at) {
  struct orders_of_event orders = {.count = 0};
  const struct change *first = change_at(hub, at);
  const struct change *change;
  for (; (change = change_at(hub, at)) != NULL && change->event == first->event; at = after(at, change)) {
    if (change->kind == RECORD_ORDER) add_order(&orders, object_of(change));
  }
  if (orders.count == 1) {
    const struct order *order = orders.items[0];
    enum feed_type type = orders.is_new[0]                  ? FEED_TYPE_ORDER_PLACED
                          : order->state == ORDER_CANCELLED ? FEED_TYPE_ORDER_CANCELED
                                                            : FEED_TYPE_ORDER_UPDATED;
    write_order(hub->api, NULL, order, feed_begin(hub, type));
    feed_end_all(hub, type);
    return;
  }
  struct json_writer *writer = feed_begin(hub, FEED_TYPE_ORDER_UPDATE);
  json_begin_object(writer, NULL);
  json_begin_array(writer, "orders");
  for (int i = 0; i < orders.count; i++) write_order(hub->api, NULL, orders.items[i], writer);
  json_end_array(writer);
  json_end_object(writer);
  feed_end_all(hub, FEED_TYPE_ORDER_UPDATE);
}

static void tell_take_profit(struct feed_hub *hub, const struct fill *fill) {
  char id[24];
  struct text text;
  const struct order *order = find_order(hub->api, fill->client_order_id);
  if (order == NULL || order->purpose != PURPOSE_TARGET) return;
  text_init(&text, id, sizeof id);
  text_add_id(&text, 'P', 8, fill->position_id);
  const struct position *position = find_position(hub->api, id);
  double usd = NAN;
  double r = NAN;
  if (position != NULL) {
    double move = decimal_to_double(fill->price - position->entry) * position_sign(position);
    usd = move * decimal_to_double(fill->qty) - decimal_to_double(fill->fee_usd);
    if (position->r_usd > 0) r = usd / decimal_to_double(position->r_usd);
  }
  struct json_writer *writer = feed_begin(hub, FEED_TYPE_TAKE_PROFIT);
  json_begin_object(writer, NULL);
  json_add_string(writer, "position_id", id);
  json_add_string(writer, "symbol", fill->symbol);
  json_add_string(writer, "level_name", order->level_name);
  json_add_decimal(writer, "price", fill->price);
  json_add_decimal(writer, "qty", fill->qty);
  json_add_double(writer, "pnl_usd", usd);
  json_add_double(writer, "pnl_r", r);
  json_add_int(writer, "ts", fill->ts);
  json_end_object(writer);
  feed_end_all(hub, FEED_TYPE_TAKE_PROFIT);
}

static void tell_fill(struct feed_hub *hub, const struct fill *fill) {
  write_record(hub->api, NULL, RECORD_FILL, fill, feed_begin(hub, FEED_TYPE_FILL));
  feed_end_all(hub, FEED_TYPE_FILL);
  tell_take_profit(hub, fill);
}

/* ---- strategy ---- */

static void tell_decision(struct feed_hub *hub, const struct decision *decision) {
  bool is_terminal = decision->verdict != VERDICT_PASSED || decision->stage >= STAGE_EXECUTION;
  write_decision(hub->api, NULL, NULL, decision, feed_begin(hub, FEED_TYPE_DECISION));
  feed_end(hub, FEED_TYPE_DECISION, &(struct audience){.symbol = FEED_NO_SYMBOL, .is_minor = !is_terminal, .log_level = -1});
}

static void tell_level(struct feed_hub *hub, const struct level_change *change) {
  if (change->level_count == 0) return;
  int32_t symbol = engine_find_symbol(hub->api->options.engine, change->level[0].symbol);
  if (symbol < 0 || symbol >= FEED_SYMBOLS_MAX || !feed_symbol_is_wanted(hub, FEED_LEVELS, symbol)) return;
  write_level_change(hub->api, NULL, change, feed_begin(hub, FEED_TYPE_LEVEL_UPDATE));
  feed_end_symbol(hub, FEED_TYPE_LEVEL_UPDATE, symbol);
}

/* The rate is kept by pace: the newest wall of a symbol waits there. */
static void note_wall(struct feed_hub *hub, const struct wall *wall) {
  int32_t symbol = engine_find_symbol(hub->api->options.engine, wall->symbol);
  if (symbol < 0 || symbol >= FEED_SYMBOLS_MAX) return;
  hub->symbols[symbol].wall = *wall;
  hub->symbols[symbol].has_wall = true;
}

/* ---- all ---- */

static void tell(struct feed_hub *hub, size_t at, const struct change *change) {
  const struct api *api = hub->api;
  const void *object = object_of(change);
  switch (change->kind) {
    case RECORD_TRANSITION:
      tell_transition(hub, object);
      return;
    case RECORD_COMMAND_REPLY:
      write_operation(api, NULL, object, feed_begin(hub, FEED_TYPE_COMMAND_UPDATE));
      feed_end_all(hub, FEED_TYPE_COMMAND_UPDATE);
      return;
    case RECORD_RISK:
      tell_latch(hub, object);
      return;
    case RECORD_POSITION:
      on_position(hub, object);
      return;
    case RECORD_STOP_MOVE:
      tell_stop_move(hub, object);
      return;
    case RECORD_ORDER:
      if (change->event != hub->orders_event) tell_orders(hub, at);
      hub->orders_event = change->event;
      return;
    case RECORD_FILL:
      tell_fill(hub, object);
      return;
    case RECORD_SCAN:
      write_scan(api, NULL, object, FEED_SCAN_ROWS, feed_begin(hub, FEED_TYPE_SCAN_RESULT));
      feed_end_all(hub, FEED_TYPE_SCAN_RESULT);
      return;
    case RECORD_CANDIDATE:
      write_candidate(api, NULL, object, feed_begin(hub, FEED_TYPE_CANDIDATE_UPDATE));
      feed_end_all(hub, FEED_TYPE_CANDIDATE_UPDATE);
      return;
    case RECORD_SIGNAL:
      write_signal(api, NULL, object, feed_begin(hub, FEED_TYPE_SIGNAL));
      feed_end_all(hub, FEED_TYPE_SIGNAL);
      return;
    case RECORD_DECISION:
      tell_decision(hub, object);
      return;
    case RECORD_ALERT:
      write_alert(api, NULL, object, feed_begin(hub, FEED_TYPE_ALERT));
      feed_end_all(hub, FEED_TYPE_ALERT);
      return;
    case RECORD_LEVEL:
      tell_level(hub, object);
      return;
    case RECORD_WALL:
      note_wall(hub, object);
      return;
    default:
      return; /* a trade is told with its position */
  }
}

void feed_send_changes(struct feed_hub *hub) {
  const struct change *change;
  if (hub->changes.length == 0) return;
  hub->orders_event = -1;
  for (size_t at = 0; (change = change_at(hub, at)) != NULL; at = after(at, change)) {
    tell(hub, at, change);
    if (hub->peers != NULL) metrics_observe(hub->api->options.metrics, METRIC_WS_DELAY, NULL, (double)(feed_now_ns(hub) - change->at_ns) * 1e-9);
  }
  buffer_clear(&hub->changes);
}
