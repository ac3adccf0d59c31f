/* Book-keeping of our orders: identity, life cycle, acknowledgements, unknown outcomes, fills; routes what happened to the plan or the position that
 * owns the order. */
#include <math.h>
#include <string.h>

#include "base/check.h"
#include "engine/engine_state.h"

/* A place for a new order, the last in order of creation: a fresh one, else that of the ended order that was created first. -1 when every order
 * lives. */
static int32_t take_order_place(struct engine *engine) {
  int32_t count = engine->order_count;
  if (count < ENGINE_ORDERS_MAX) {
    engine->order_sequence[count] = count;
    return engine->order_count++;
  }
  int32_t at = 0;
  while (at < count && !order_is_ended(&engine->orders[engine->order_sequence[at]])) ++at;
  if (at == count) return -1;
  int32_t place = engine->order_sequence[at];
  memmove(&engine->order_sequence[at], &engine->order_sequence[at + 1], (size_t)(count - at - 1) * sizeof engine->order_sequence[0]);
  engine->order_sequence[count - 1] = place;
  return place;
}

int32_t orders_next(const struct engine *engine, int32_t place) {
  int32_t word = place / 64;
  if (place >= ENGINE_ORDERS_MAX) return -1;
  uint64_t lives = engine->order_lives[word] & (UINT64_MAX << (place % 64));
  while (lives == 0) {
    if (++word == ENGINE_ORDERS_MAX / 64) return -1;
    lives = engine->order_lives[word];
  }
  return 64 * word + __builtin_ctzll(lives);
}

static void note_life(struct engine *engine, int32_t place, bool lives) {
  uint64_t bit = UINT64_C(1) << (place % 64);
  if (lives) {
    engine->order_lives[place / 64] |= bit;
  } else {
    engine->order_lives[place / 64] &= ~bit;
  }
}

struct order *orders_new(struct engine *engine, int32_t symbol, int64_t plan_id, enum order_leg leg, int32_t child, int32_t attempt) {
  int32_t place = take_order_place(engine);
  if (place < 0) return NULL;
  struct order *order = &engine->orders[place];
  *order = (struct order){.plan_id = plan_id,
                          .symbol_index = symbol,
                          .state = ORDER_PLANNED,
                          .price = DECIMAL_NULL,
                          .trigger_price = DECIMAL_NULL,
                          .average_price = DECIMAL_NULL,
                          .attempt = attempt,
                          .rung = -1,
                          .created_at = engine->now,
                          .updated_at = engine->now};
  memcpy(order->symbol, engine->symbols[symbol].market.instrument.symbol, sizeof order->symbol);
  order_make_client_id(order->client_order_id, engine->config.instance, plan_id, leg, child, attempt);
  note_life(engine, place, true);
  ++engine->live_orders;
  ++engine->counts.orders;
  ++engine->session.orders;
  return order;
}

struct order *orders_find(struct engine *engine, const char *client_order_id) {
  if (client_order_id[0] == '\0') return NULL;
  for (int32_t i = orders_next(engine, 0); i >= 0; i = orders_next(engine, i + 1)) {
    if (strcmp(engine->orders[i].client_order_id, client_order_id) == 0) return &engine->orders[i];
  }
  for (int32_t i = engine->order_count - 1; i >= 0; i--) {
    if (strcmp(engine->orders[i].client_order_id, client_order_id) == 0) return &engine->orders[i];
  }
  return NULL;
}

void orders_emit(struct engine *engine, struct order *order) {
  order->updated_at = engine->now;
  engine_emit_record(engine, RECORD_ORDER, order);
}

/* Pauses before the queries of an unknown order: 0.2, 0.5, 1, 2, 4 s, then every 5 s (execution 5). */
static int64_t query_pause_ms(int32_t queries) {
  static const int64_t pauses[] = {200, 500, 1000, 2000, 4000};
  return queries < 5 ? pauses[queries] : 5000;
}

void orders_move(struct engine *engine, struct order *order, enum order_trigger trigger, const char *reason) {
  int next = engine_next_state(engine, &order_fsm, order->client_order_id, order->state, (int)trigger);
  if (next < 0) return;
  bool was_ended = order_is_ended(order);
  int32_t before = order->state;
  order->state = next;
  if (next == ORDER_UNKNOWN) {
    order->unknown_since = engine->now;
    order->query_at = engine->now + query_pause_ms(0);
    order->queries = order->not_found = 0;
  } else if (before == ORDER_UNKNOWN) {
    engine_clear(engine, "order_unknown", order->client_order_id);
  }
  if (!was_ended && order_is_ended(order)) {
    order->ended_at = engine->now;
    note_life(engine, (int32_t)(order - engine->orders), false);
    --engine->live_orders;
  }
  engine_emit_transition(engine, MACHINE_ORDER, order->client_order_id, order_state_names[before], order_state_names[next],
                         order_trigger_names[trigger], reason, order->trace_ts);
  orders_emit(engine, order);
}

void orders_send(struct engine *engine, struct order *order) {
  struct intent *intent = &engine->intent;
  *intent = (struct intent){.ts = engine->now, .kind = INTENT_PLACE_ORDER};
  intent->place_order.symbol = order->symbol_index;
  order->sent_at = engine->now;
  orders_move(engine, order, ORDER_ON_SENT, "");
  intent->place_order.order_count = 1;
  intent->place_order.order[0] = *order;
  engine_emit_intent(engine, intent);
}

static void emit_cancel(struct engine *engine, struct order *order) {
  struct intent *intent = &engine->intent;
  *intent = (struct intent){.ts = engine->now, .kind = INTENT_CANCEL_ORDER};
  intent->cancel_order.symbol = order->symbol_index;
  memcpy(intent->cancel_order.client_order_id, order->client_order_id, ORDER_ID_MAX);
  engine_emit_intent(engine, intent);
}

void orders_cancel(struct engine *engine, struct order *order) {
  switch ((enum order_state)order->state) {
    case ORDER_PLANNED:
      orders_move(engine, order, ORDER_ON_NOT_WANTED, "");
      orders_ended(engine, order, REJECT_OTHER);
      return;
    case ORDER_WORKING:
    case ORDER_PARTIALLY_FILLED:
    case ORDER_UNTRIGGERED:
      order->state_before_cancel = order->state;
      order->cancel_sent_at = engine->now;
      orders_move(engine, order, ORDER_ON_CANCEL_SENT, "");
      emit_cancel(engine, order);
      return;
    case ORDER_SENT:
    case ORDER_UNKNOWN:
      if (order->cancel_sent_at == 0) order->cancel_sent_at = engine->now; /* sent as soon as the outcome is known */
      return;
    default:
      return;
  }
}

void orders_amend(struct engine *engine, struct order *order, int64_t qty, int64_t price, int64_t trigger_price) {
  struct intent *intent = &engine->intent;
  *intent = (struct intent){.ts = engine->now, .kind = INTENT_AMEND_ORDER};
  intent->amend_order.symbol = order->symbol_index;
  memcpy(intent->amend_order.client_order_id, order->client_order_id, ORDER_ID_MAX);
  intent->amend_order.qty = qty;
  intent->amend_order.price = price;
  intent->amend_order.trigger_price = trigger_price;
  engine_emit_intent(engine, intent);
}

void orders_ended(struct engine *engine, struct order *order, enum reject_kind kind) {
  if (order->purpose == PURPOSE_ENTRY || order->purpose == PURPOSE_ADD_ON) {
    enter_on_order_end(engine, order, kind == REJECT_POST_ONLY && order->state == ORDER_REJECTED);
  } else {
    manage_on_order_end(engine, order, kind);
  }
}

/* A cancel that was asked for while the outcome was open goes out now. */
static void send_late_cancel(struct engine *engine, struct order *order) {
  if (order->cancel_sent_at != 0 && order->state != ORDER_CANCELLING && order_is_live(order)) orders_cancel(engine, order);
}

/* The venue has the order: what was sent or unknown rests there. */
static void rest_at_venue(struct engine *engine, struct order *order, const char *reason) {
  bool is_stop = order->type == ORDER_STOP_MARKET;
  if (order->state == ORDER_SENT) {
    orders_move(engine, order, is_stop ? ORDER_ON_RESTING : ORDER_ON_ACKNOWLEDGED, reason);
  } else if (order->state == ORDER_UNKNOWN) {
    enum order_trigger found = order->filled_qty > 0 ? ORDER_ON_FOUND_PARTIAL : is_stop ? ORDER_ON_FOUND_UNTRIGGERED : ORDER_ON_FOUND_WORKING;
    orders_move(engine, order, found, reason);
  }
}

void orders_on_ack(struct engine *engine, const struct event_order_ack *ack) {
  struct order *order = orders_find(engine, ack->client_order_id);
  if (order == NULL) return;
  text_copy(order->venue_order_id, sizeof order->venue_order_id, ack->venue_order_id);
  if (order->state == ORDER_REJECTED) { /* given up as not arrived, or refused, and lives after all: its leg may have been tried again */
    engine_raise(engine, "late_acknowledgement", SEVERITY_CRITICAL, order->client_order_id, NAN, NAN,
                 "an order that was given up lives at the venue: cancelled");
    emit_cancel(engine, order);
    return;
  }
  order->acked_at = engine->now;
  rest_at_venue(engine, order, order->state == ORDER_UNKNOWN ? "late acknowledgement" : "");
  struct plan *plan = enter_find_plan(engine, order->plan_id);
  bool is_entry = order->purpose == PURPOSE_ENTRY || order->purpose == PURPOSE_ADD_ON;
  if (is_entry && plan != NULL && strcmp(plan->live_order, order->client_order_id) == 0) plan->child_sent_at = engine->now;
  manage_on_order_change(engine, order, false);
  send_late_cancel(engine, order);
}

/* A refused cancel or amend leaves the order as it was. */
static void on_request_refused(struct engine *engine, struct order *order, enum reject_kind kind) {
  if (order->state != ORDER_CANCELLING) {
    manage_on_amend_refused(engine, order, kind);
    return;
  }
  if (kind == REJECT_NOT_FOUND) return; /* its end is on the way; the acknowledgement timer asks otherwise */
  enum order_trigger trigger = order->state_before_cancel == ORDER_PARTIALLY_FILLED || order->filled_qty > 0 ? ORDER_ON_CANCEL_REFUSED_PARTIAL
                               : order->state_before_cancel == ORDER_UNTRIGGERED                             ? ORDER_ON_CANCEL_REFUSED_UNTRIGGERED
                                                                                                             : ORDER_ON_CANCEL_REFUSED_WORKING;
  orders_move(engine, order, trigger, "cancel refused");
  order->updated_at = order->cancel_sent_at; /* nothing newer is known of it: it may have ended unheard, so the venue is asked */
  reconcile_also(engine, "cancel_refused");
}

void orders_on_reject(struct engine *engine, const struct event_order_reject *reject) {
  struct order *order = orders_find(engine, reject->client_order_id);
  if (order == NULL || order_is_ended(order)) return;
  bool is_of_cancel = reject->kind == REJECT_NOT_FOUND || reject->kind == REJECT_NOT_CANCELLABLE;
  if (order->state == ORDER_UNKNOWN && is_of_cancel) return; /* says nothing certain of the order: the queries do */
  if (order->state != ORDER_SENT && order->state != ORDER_UNKNOWN) {
    on_request_refused(engine, order, (enum reject_kind)reject->kind);
    return;
  }
  text_copy(order->reject_code, sizeof order->reject_code, reject->code);
  text_copy(order->reject_text, sizeof order->reject_text, reject->text);
  orders_move(engine, order, order->state == ORDER_SENT ? ORDER_ON_REJECTED : ORDER_ON_FOUND_REJECTED, reject->code);
  orders_ended(engine, order, (enum reject_kind)reject->kind);
}

/* The venue cancelled what was left, perhaps before it told us that the order had arrived. */
static void end_at_venue(struct engine *engine, struct order *order, const char *code) {
  if (order->state == ORDER_SENT) rest_at_venue(engine, order, code);
  orders_move(engine, order, order->state == ORDER_UNKNOWN ? ORDER_ON_FOUND_CANCELLED : ORDER_ON_CANCELLED, code);
  orders_ended(engine, order, REJECT_OTHER);
}

static void reject_at_venue(struct engine *engine, struct order *order, const char *code) {
  if (order->state == ORDER_PARTIALLY_FILLED || order->state == ORDER_CANCELLING) { /* the rest is gone, what was filled stays */
    end_at_venue(engine, order, code);
    return;
  }
  orders_move(engine, order, order->state == ORDER_UNKNOWN ? ORDER_ON_FOUND_REJECTED : ORDER_ON_REJECTED, code);
  orders_ended(engine, order, REJECT_OTHER);
}

void orders_on_update(struct engine *engine, const struct event_order_update *update) {
  struct order *order = orders_find(engine, update->client_order_id);
  if (order == NULL) return;
  switch ((enum order_change)update->change) {
    case CHANGE_CANCELLED:
      if (order_is_ended(order)) return;
      end_at_venue(engine, order, update->code);
      if (update->filled_qty > order->filled_qty) reconcile_begin(engine, "missing_fill"); /* its fills come late or never */
      return;
    case CHANGE_AMENDED:
      order->qty = update->qty;
      if (update->price != DECIMAL_NULL) order->price = update->price;
      if (update->trigger_price != DECIMAL_NULL) order->trigger_price = update->trigger_price;
      if (order->state == ORDER_WORKING || order->state == ORDER_PARTIALLY_FILLED || order->state == ORDER_UNTRIGGERED)
        orders_move(engine, order, ORDER_ON_AMENDED, "");
      manage_on_order_change(engine, order, true);
      return;
    case CHANGE_TRIGGERED:
      rest_at_venue(engine, order, "triggered");
      if (order->state == ORDER_UNTRIGGERED) orders_move(engine, order, ORDER_ON_TRIGGERED, "");
      if (order->state == ORDER_CANCELLING) order->state_before_cancel = ORDER_WORKING;
      manage_on_order_change(engine, order, false);
      return;
    case CHANGE_REJECTED:
      if (order_is_ended(order)) return;
      text_copy(order->reject_code, sizeof order->reject_code, update->code);
      reject_at_venue(engine, order, update->code);
      return;
    case CHANGE_CANCEL_REFUSED:
    case CHANGE_AMEND_REFUSED:
      if (!order_is_ended(order)) on_request_refused(engine, order, REJECT_NOT_CANCELLABLE);
      return;
    case CHANGE_NO_ANSWER:
      if (order->state == ORDER_SENT || order->state == ORDER_CANCELLING) {
        orders_move(engine, order, ORDER_ON_NO_ANSWER, "no answer");
      } else if (!order_is_ended(order) && order->state != ORDER_UNKNOWN) {
        manage_on_amend_refused(engine, order, REJECT_OTHER); /* an amend: asked for again */
      }
      return;
    default:
      check(false); /* unknown order change */
  }
}

/* ---- fills ---- */

static void apply_fill(struct engine *engine, struct order *order, const struct fill *fill) {
  order->filled_qty += fill->qty;
  if (orders_is_lost(order) && order->filled_qty > order->qty) order->qty = order->filled_qty;
  order->fees_usd += fill->fee_usd;
  order->notional_sum += decimal_multiply(fill->qty, fill->price);
  order->average_price = decimal_divide(order->notional_sum, order->filled_qty);
  bool is_whole = order->filled_qty >= order->qty;
  bool was_ended = order_is_ended(order);
  if (order->state != ORDER_FILLED) orders_move(engine, order, is_whole ? ORDER_ON_FILL_REST : ORDER_ON_FILL_PART, "");
  if (order->filled_qty > order->qty) { /* the venue's error or a lost amend: what was filled counts all the same */
    engine_raise(engine, "excess_fill", SEVERITY_CRITICAL, order->client_order_id, decimal_to_double(order->filled_qty),
                 decimal_to_double(order->qty), "more was filled than was ordered");
    reconcile_begin(engine, "excess_fill");
  } else if (was_ended) {
    engine_raise(engine, "late_fill", SEVERITY_WARNING, order->client_order_id, decimal_to_double(fill->qty), NAN,
                 "a fill arrived after the order had ended");
  }
}

/* FNV-1a (Fowler, Noll, Vo), 64 bits. */
static uint64_t hash_text(uint64_t hash, const char *text) {
  for (; *text != '\0'; text++) hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
  return hash;
}

/* True when the venue's fill was applied before; else it is remembered. Queries look back to 60 s before the former reconciliation, far less than
 * what is remembered. */
static bool is_known_fill(struct engine *engine, const struct event_fill *event) {
  uint64_t id = hash_text(hash_text(UINT64_C(0xcbf29ce484222325), event->venue_fill_id), event->client_order_id);
  int64_t known = engine->fill_id_count < ENGINE_FILL_IDS_MAX ? engine->fill_id_count : ENGINE_FILL_IDS_MAX;
  uint64_t is_known = 0;
  for (int64_t i = 0; i < known; i++) is_known |= engine->fill_ids[i] == id; /* to the end: without a way out several are compared at once */
  if (is_known) return true;
  engine->fill_ids[engine->fill_id_count++ % ENGINE_FILL_IDS_MAX] = id;
  engine->last_fill_at = event->venue_ts != 0 ? event->venue_ts : engine->now;
  return false;
}

/* Somebody else trades in the account. A symbol in which we hold nothing takes no entries until the venue has said what lies there. */
static void on_foreign_fill(struct engine *engine, const struct event_fill *event) {
  engine_raise(engine, "foreign_fill", SEVERITY_WARNING, event->client_order_id, NAN, NAN, "a fill of an order that is not ours");
  engine->reconcile.foreign_fill_at = engine->now;
  if (event->symbol < 0 || event->symbol >= engine->symbol_count) return;
  struct engine_symbol *owner = &engine->symbols[event->symbol];
  owner->fill_event = engine->counts.events;
  owner->foreign_qty += event->side == ORDER_BUY ? event->qty : -event->qty;
  if (owner->holding < 0 && owner->plan < 0 && !owner->is_foreign) {
    owner->is_foreign = true;
    engine_raise(engine, "foreign_position", SEVERITY_WARNING, owner->market.instrument.symbol, NAN, NAN, "somebody else trades the symbol");
  }
  reconcile_begin(engine, "foreign_fill");
}

/* What a closing order's fill reduced: its own position; when that is over, the one that was open in the symbol then, as the venue knows only one. */
static int64_t position_of(struct engine *engine, const struct order *order, const struct fill *fill) {
  int32_t place = engine->symbols[order->symbol_index].holding;
  if (order->position_id == 0 || place < 0 || manage_find(engine, order->position_id) != NULL) return order->position_id;
  const struct position *present = &engine->holdings[place].position;
  bool reduces = fill->side == (int32_t)order_side_closing(present->side) && fill->ts >= present->opened_at;
  return reduces ? present->position_id : order->position_id;
}

void orders_on_fill(struct engine *engine, const struct event_fill *event) {
  if (event->qty <= 0 || event->price <= 0) {
    engine_raise(engine, "bad_fill", SEVERITY_CRITICAL, event->client_order_id, NAN, NAN, "a fill without quantity or price");
    reconcile_begin(engine, "bad_fill");
    return;
  }
  if (is_known_fill(engine, event)) {
    ++engine->counts.feed_dropped;
    return;
  }
  if (engine->reconcile.is_active) ++engine->reconcile.fills_applied;
  struct order *order = orders_find(engine, event->client_order_id);
  if (order == NULL) order = orders_take_lost(engine, event);
  if (order == NULL) {
    on_foreign_fill(engine, event);
    return;
  }
  struct fill fill = {.fill_id = ++engine->counters.fill,
                      .position_id = order->position_id,
                      .side = event->side,
                      .qty = event->qty,
                      .price = event->price,
                      .fee_usd = event->fee_usd,
                      .liquidity = event->liquidity,
                      .ts = event->venue_ts != 0 ? event->venue_ts : engine->now};
  memcpy(fill.venue_fill_id, event->venue_fill_id, sizeof fill.venue_fill_id);
  memcpy(fill.client_order_id, order->client_order_id, sizeof fill.client_order_id);
  memcpy(fill.symbol, order->symbol, sizeof fill.symbol);
  text_copy(fill.fee_asset, sizeof fill.fee_asset, "USDT");
  ++engine->counts.fills;
  engine->symbols[order->symbol_index].fill_event = engine->counts.events;
  engine->counts.turnover_usd += decimal_to_double(decimal_multiply(fill.qty, fill.price));
  if (event->path_dependent) ++engine->counts.path_dependent;
  bool is_entry = order->purpose == PURPOSE_ENTRY || order->purpose == PURPOSE_ADD_ON;
  if (is_entry) {
    struct plan *plan = enter_find_plan(engine, order->plan_id);
    if (plan != NULL) order->position_id = enter_position_of(engine, plan);
    fill.position_id = order->position_id;
  } else {
    fill.position_id = position_of(engine, order, &fill);
  }
  bool was_unknown = order->state == ORDER_UNKNOWN;
  apply_fill(engine, order, &fill);
  engine_emit_record(engine, RECORD_FILL, &fill);
  if (is_entry) {
    enter_on_fill(engine, order, &fill);
  } else {
    manage_on_fill(engine, order, &fill, event->path_dependent);
  }
  if (order->state == ORDER_FILLED) {
    orders_ended(engine, order, REJECT_OTHER);
  } else if (was_unknown) {
    send_late_cancel(engine, order);
  }
  engine_mark(engine, true);
}

/* ---- unknown outcomes ---- */

static void emit_query(struct engine *engine, const struct order *order) {
  struct intent *intent = &engine->intent;
  *intent = (struct intent){.ts = engine->now, .kind = INTENT_QUERY, .query = {.query = QUERY_ORDER}};
  memcpy(intent->query.client_order_id, order->client_order_id, ORDER_ID_MAX);
  engine_emit_intent(engine, intent);
}

static bool is_resting(const struct order *order) {
  return order->state == ORDER_WORKING || order->state == ORDER_PARTIALLY_FILLED || order->state == ORDER_UNTRIGGERED;
}

static void on_order_tick(struct engine *engine, struct order *order) {
  if (order->state == ORDER_SENT && engine->now - order->sent_at >= ACKNOWLEDGE_TIMEOUT_MS) {
    orders_move(engine, order, ORDER_ON_NO_ANSWER, "not acknowledged");
  } else if (order->state == ORDER_CANCELLING && engine->now - order->cancel_sent_at >= ACKNOWLEDGE_TIMEOUT_MS) {
    orders_move(engine, order, ORDER_ON_NO_ANSWER, "cancel not confirmed");
  } else if (order->cancel_sent_at != 0 && is_resting(order)) { /* was refused; still wanted (engine 4, O14), unless the venue says it is gone */
    int64_t pause = engine->reconcile.is_active ? ACKNOWLEDGE_TIMEOUT_MS : CANCEL_AGAIN_MS;
    if (engine->now - order->cancel_sent_at >= pause) orders_cancel(engine, order);
  }
  if (order->state != ORDER_UNKNOWN) return;
  if (engine->now >= order->query_at) {
    emit_query(engine, order);
    order->query_at = engine->now + query_pause_ms(++order->queries);
  }
  int64_t age = engine->now - order->unknown_since;
  if (age > UNKNOWN_ALARM_MS) {
    engine_raise(engine, "order_unknown", SEVERITY_CRITICAL, order->client_order_id, (double)age / 1000.0, 30.0,
                 "the outcome of a request is not known");
  }
  if (age > UNKNOWN_ERROR_MS) session_fatal(engine, "order_unknown");
}

void orders_on_tick(struct engine *engine) {
  for (int32_t i = orders_next(engine, 0); i >= 0; i = orders_next(engine, i + 1)) on_order_tick(engine, &engine->orders[i]);
}

/* An unknown order that the venue has never seen after five questions and the request's validity window. */
static void on_not_found(struct engine *engine, struct order *order) {
  if (engine->venue_is_down) {
    order->not_found = 0; /* what the private stream would have told went by */
    return;
  }
  if (++order->not_found < 5 || engine->now - order->unknown_since < REQUEST_LIFE_MS) return;
  orders_move(engine, order, ORDER_ON_NOT_ARRIVED, "not_arrived");
  text_copy(order->reject_code, sizeof order->reject_code, "not_arrived");
  orders_ended(engine, order, REJECT_OTHER);
  reconcile_begin(engine, "unknown_order");
}

static enum order_trigger found_trigger(const struct venue_order *found) {
  switch ((enum order_state)found->state) {
    case ORDER_WORKING:
      return ORDER_ON_FOUND_WORKING;
    case ORDER_PARTIALLY_FILLED:
      return ORDER_ON_FOUND_PARTIAL;
    case ORDER_UNTRIGGERED:
      return ORDER_ON_FOUND_UNTRIGGERED;
    case ORDER_FILLED:
      return ORDER_ON_FOUND_FILLED;
    case ORDER_CANCELLED:
      return ORDER_ON_FOUND_CANCELLED;
    default:
      return ORDER_ON_FOUND_REJECTED;
  }
}

static void on_found(struct engine *engine, struct order *order, const struct venue_order *found) {
  text_copy(order->venue_order_id, sizeof order->venue_order_id, found->venue_order_id);
  order->acked_at = engine->now;
  order->not_found = 0;
  enum order_trigger trigger = found_trigger(found);
  bool has_ended = trigger == ORDER_ON_FOUND_FILLED || trigger == ORDER_ON_FOUND_CANCELLED || trigger == ORDER_ON_FOUND_REJECTED;
  int64_t filled = trigger == ORDER_ON_FOUND_FILLED ? order->qty : found->filled_qty;
  if (has_ended && filled > order->filled_qty) { /* ended only after its fills were read */
    reconcile_begin(engine, "missing_fill");
    return;
  }
  orders_move(engine, order, trigger, "found at the venue");
  if (order_is_ended(order)) {
    orders_ended(engine, order, REJECT_OTHER);
  } else {
    manage_on_order_change(engine, order, false);
    send_late_cancel(engine, order);
  }
  reconcile_begin(engine, "unknown_order");
}

void orders_on_query(struct engine *engine, const struct event_query_result *result) {
  if (result->query != QUERY_ORDER) {
    reconcile_on_query(engine, result);
    return;
  }
  struct order *order = orders_find(engine, result->client_order_id);
  if (order == NULL || order->state != ORDER_UNKNOWN) return;
  if (!result->is_found || result->orders_count == 0) {
    on_not_found(engine, order);
  } else {
    on_found(engine, order, &result->orders[0]);
  }
}
