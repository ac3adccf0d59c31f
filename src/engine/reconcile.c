/* Reconciliation with the venue (execution 7) and the return after a restart (engine 10): read positions, orders, account and fills, compare, act; the venue is right. */
#include <math.h>
#include <string.h>

#include "engine/engine_state.h"

static void ask(struct engine *engine, enum query_kind query, int64_t since) {
  struct intent *intent = &engine->intent;
  *intent = (struct intent){.ts = engine->now, .kind = INTENT_QUERY, .query = {.query = (int32_t)query, .since = since}};
  engine->reconcile.waiting |= 1u << query;
  engine_emit_intent(engine, intent);
}

void reconcile_begin(struct engine *engine, const char *cause) {
  struct reconcile *work = &engine->reconcile;
  if (work->is_active) return;
  work->is_active = true;
  text_copy(work->cause, sizeof work->cause, cause);
  work->started_at = engine->now;
  work->waiting = 0;
  work->fills_applied = 0;
  work->position_count = 0;
  work->order_count = 0;
  ask(engine, QUERY_FILLS, engine->last_fill_at > 60000 ? engine->last_fill_at - 60000 : 0);
  ask(engine, QUERY_ORDERS, 0);
  ask(engine, QUERY_POSITIONS, 0);
  ask(engine, QUERY_ACCOUNT, 0);
}

/* ---- comparing ---- */

static void note(struct engine *engine, struct reconciliation *record, const char *name, const char *subject, const char *message) {
  ++record->differences;
  if (record->detail[0] == '\0') text_copy(record->detail, sizeof record->detail, message);
  engine_raise(engine, name, SEVERITY_WARNING, subject, NAN, NAN, message);
}

static const struct venue_position *venue_position_of(const struct reconcile *work, int32_t symbol) {
  for (int32_t i = 0; i < work->position_count; i++) {
    if (work->positions[i].symbol == symbol && work->positions[i].qty != 0) return &work->positions[i];
  }
  return NULL;
}

static const struct venue_order *venue_order_of(const struct reconcile *work, const char *client_order_id) {
  for (int32_t i = 0; i < work->order_count; i++) {
    if (strcmp(work->orders[i].client_order_id, client_order_id) == 0) return &work->orders[i];
  }
  return NULL;
}

/* We hold a position and the venue is flat: the trade closed at the last known price. */
static void close_lost_position(struct engine *engine, struct holding *holding, int64_t qty, enum reason_code reason) {
  struct position *position = &holding->position;
  struct fill fill = {.fill_id = ++engine->counters.fill,
                      .position_id = position->position_id,
                      .side = (int32_t)order_side_closing(position->side),
                      .qty = qty,
                      .price = position->mark != DECIMAL_NULL ? position->mark : position->entry,
                      .liquidity = LIQUIDITY_TAKER,
                      .ts = engine->now};
  memcpy(fill.symbol, position->symbol, sizeof fill.symbol);
  text_copy(fill.venue_fill_id, sizeof fill.venue_fill_id, reason_code_names[reason]);
  holding->exit_reason = reason;
  engine_emit_record(engine, RECORD_FILL, &fill);
  manage_on_fill(engine, NULL, &fill, false);
}

static void compare_position(struct engine *engine, struct holding *holding, struct reconciliation *record) {
  struct position *position = &holding->position;
  const struct venue_position *venue = venue_position_of(&engine->reconcile, position->symbol_index);
  ++record->positions_checked;
  if (venue == NULL || venue->side != position->side) {
    note(engine, record, "position_mismatch", position->symbol, "the venue is flat where we hold a position");
    close_lost_position(engine, holding, position->qty, REASON_reconciled);
    return;
  }
  if (venue->qty < position->qty) {
    note(engine, record, "position_mismatch", position->symbol, "the venue holds less than we do");
    close_lost_position(engine, holding, position->qty - venue->qty, REASON_reconciled);
  } else if (venue->qty > position->qty) {
    note(engine, record, "position_mismatch", position->symbol, "the venue holds more than we do");
    struct fill fill = {.fill_id = ++engine->counters.fill,
                        .position_id = position->position_id,
                        .side = (int32_t)order_side_opening(position->side),
                        .qty = venue->qty - position->qty,
                        .price = venue->entry,
                        .liquidity = LIQUIDITY_TAKER,
                        .ts = engine->now};
    memcpy(fill.symbol, position->symbol, sizeof fill.symbol);
    text_copy(fill.venue_fill_id, sizeof fill.venue_fill_id, "reconciled");
    engine_emit_record(engine, RECORD_FILL, &fill);
    position_on_entry_fill(position, &fill, true);
  }
  if (holding->is_used) manage_sync_stop(engine, holding);
}

static void compare_foreign(struct engine *engine, struct reconciliation *record) {
  for (int32_t i = 0; i < engine->reconcile.position_count; i++) {
    const struct venue_position *venue = &engine->reconcile.positions[i];
    if (venue->symbol < 0 || venue->symbol >= engine->symbol_count || venue->qty == 0) continue;
    struct engine_symbol *owner = &engine->symbols[venue->symbol];
    bool is_ours = owner->holding >= 0 || owner->plan >= 0;
    if (!is_ours && !owner->is_foreign) note(engine, record, "foreign_position", owner->market.instrument.symbol, "a position that is not ours");
    owner->is_foreign = !is_ours;
  }
  for (int32_t i = 0; i < engine->symbol_count; i++) {
    struct engine_symbol *owner = &engine->symbols[i];
    if (owner->is_foreign && venue_position_of(&engine->reconcile, i) == NULL) {
      owner->is_foreign = false;
      engine_clear(engine, "foreign_position", owner->market.instrument.symbol);
    }
  }
}

/* Orders that we believe live: adopted when the venue shows them, asked for by id when it does not. */
static void compare_order(struct engine *engine, struct order *order, struct reconciliation *record) {
  ++record->orders_checked;
  const struct venue_order *venue = venue_order_of(&engine->reconcile, order->client_order_id);
  if (venue != NULL) {
    if (order->state == ORDER_UNKNOWN) {
      struct event_query_result found = {.query = QUERY_ORDER, .is_found = true, .orders_count = 1, .orders = venue};
      memcpy(found.client_order_id, order->client_order_id, sizeof found.client_order_id);
      orders_on_query(engine, &found);
    }
    if (order->purpose == PURPOSE_STOP && venue->qty != DECIMAL_NULL) {
      order->qty = venue->qty;
      if (venue->trigger_price != DECIMAL_NULL) order->trigger_price = venue->trigger_price;
    }
    return;
  }
  if (order->state == ORDER_WORKING || order->state == ORDER_PARTIALLY_FILLED || order->state == ORDER_UNTRIGGERED || order->state == ORDER_CANCELLING) {
    note(engine, record, "order_missing", order->client_order_id, "the venue does not show an order that we believe live");
    struct intent *intent = &engine->intent;
    *intent = (struct intent){.ts = engine->now, .kind = INTENT_QUERY, .query = {.query = QUERY_ORDER}};
    memcpy(intent->query.client_order_id, order->client_order_id, ORDER_ID_MAX);
    if (order->state != ORDER_CANCELLING) {
      order->state_before_cancel = order->state;
      orders_move(engine, order, ORDER_ON_CANCEL_SENT, "missing at the venue");
    }
    orders_move(engine, order, ORDER_ON_NO_ANSWER, "missing at the venue");
    order->sent_at = engine->now;
    order->query_at = engine->now + 200;
    order->queries = 0;
    engine_emit_intent(engine, intent);
  }
}

/* Live orders at the venue that carry our instance but that we do not know: cancelled unless they protect a position. */
static void compare_strays(struct engine *engine, struct reconciliation *record) {
  for (int32_t i = 0; i < engine->reconcile.order_count; i++) {
    const struct venue_order *venue = &engine->reconcile.orders[i];
    int64_t plan_id;
    enum order_leg leg;
    int32_t child;
    int32_t attempt;
    if (orders_find(engine, venue->client_order_id) != NULL) continue;
    if (!order_parse_client_id(venue->client_order_id, engine->config.instance, &plan_id, &leg, &child, &attempt)) continue;
    note(engine, record, "stray_order", venue->client_order_id, "an order of ours that we do not know: cancelled");
    struct intent *intent = &engine->intent;
    *intent = (struct intent){.ts = engine->now, .kind = INTENT_CANCEL_ORDER, .cancel_order = {.symbol = venue->symbol}};
    memcpy(intent->cancel_order.client_order_id, venue->client_order_id, ORDER_ID_MAX);
    engine_emit_intent(engine, intent);
  }
}

static void restore_targets(struct engine *engine, struct holding *holding) {
  if (holding->exit_active || holding->position.state == POSITION_OPENING || !engine_manages_fully(engine)) return;
  for (int32_t i = 0; i < holding->position.targets_count; i++) {
    struct target *target = &holding->position.targets[i];
    if (target->state == TARGET_CANCELLED && target->filled_qty < target->qty) target->state = TARGET_WAITING;
  }
}

static void finish(struct engine *engine) {
  struct reconcile *work = &engine->reconcile;
  struct reconciliation record = {.ts = engine->now, .duration_ms = engine->now - work->started_at, .fills_applied = work->fills_applied};
  text_copy(record.cause, sizeof record.cause, work->cause);
  for (int32_t i = orders_next(engine, 0); i >= 0; i = orders_next(engine, i + 1)) compare_order(engine, &engine->orders[i], &record);
  compare_strays(engine, &record);
  for (int32_t i = 0; i < ENGINE_HOLDINGS_MAX; i++) {
    struct holding *holding = &engine->holdings[i];
    if (!holding->is_used) continue;
    compare_position(engine, holding, &record);
    if (holding->is_used) restore_targets(engine, holding);
  }
  compare_foreign(engine, &record);
  work->is_active = false;
  work->finished_at = engine->now;
  engine->reconciled_at = engine->now;
  engine_emit_record(engine, RECORD_RECONCILIATION, &record);
}

static void arrived(struct engine *engine, enum query_kind query) {
  struct reconcile *work = &engine->reconcile;
  work->waiting &= ~(1u << query);
  if (work->is_active && work->waiting == 0) finish(engine);
}

void reconcile_on_query(struct engine *engine, const struct event_query_result *result) {
  struct reconcile *work = &engine->reconcile;
  if (result->query == QUERY_ORDERS) {
    int32_t count = result->orders_count < ENGINE_VENUE_ORDERS_MAX ? result->orders_count : ENGINE_VENUE_ORDERS_MAX;
    if (count > 0) memcpy(work->orders, result->orders, (size_t)count * sizeof work->orders[0]);
    work->order_count = count;
  }
  arrived(engine, (enum query_kind)result->query);
}

void reconcile_on_positions(struct engine *engine, const struct event_venue_positions *positions) {
  struct reconcile *work = &engine->reconcile;
  int32_t room = (int32_t)(sizeof work->positions / sizeof work->positions[0]);
  int32_t count = positions->positions_count < room ? positions->positions_count : room;
  if (count > 0) memcpy(work->positions, positions->positions, (size_t)count * sizeof work->positions[0]);
  work->position_count = count;
  if (positions->is_complete) arrived(engine, QUERY_POSITIONS);
}

void reconcile_on_account(struct engine *engine, const struct event_account *account) {
  engine->account_is_known = true;
  engine->account_at = engine->now;
  if (account->taker_fee_bps != 0) {
    engine->venue_taker_bps = decimal_to_double(account->taker_fee_bps);
    engine->venue_maker_bps = decimal_to_double(account->maker_fee_bps);
  }
  if (!engine->has_ledger) {
    ledger_init(&engine->ledger, account->cash_usd, engine->now);
    engine->has_ledger = true;
  } else if (!engine->reconcile.is_active || (engine->reconcile.waiting & (1u << QUERY_FILLS)) == 0) {
    int64_t difference = account->cash_usd - engine->ledger.cash_usd;
    if (difference > DECIMAL_ONE / 100 || difference < -DECIMAL_ONE / 100) {
      ledger_on_flow(&engine->ledger, difference, engine->now);
      struct flow record = {.flow_id = ++engine->counters.flow, .ts = engine->now, .kind = CASH_CORRECTION, .amount_usd = difference};
      text_copy(record.source, sizeof record.source, "detected");
      text_copy(record.note, sizeof record.note, "unexplained balance change");
      engine_emit_record(engine, RECORD_FLOW, &record);
      engine_raise(engine, "unexplained_balance", SEVERITY_WARNING, "account", decimal_to_double(difference), 0.01, "the balance changed without a known cause");
    }
  }
  arrived(engine, QUERY_ACCOUNT);
}

/* ---- after a restart ---- */

static void suspect_orders(struct engine *engine) {
  for (int32_t i = 0; i < engine->order_count; i++) {
    struct order *order = &engine->orders[i];
    if (order->state == ORDER_PLANNED) {
      orders_move(engine, order, ORDER_ON_NOT_WANTED, "never left");
      orders_ended(engine, order, REJECT_OTHER);
    } else if (order->state == ORDER_SENT || order->state == ORDER_CANCELLING) {
      orders_move(engine, order, ORDER_ON_NO_ANSWER, "restart");
      order->query_at = engine->now + 200;
    }
  }
}

void reconcile_on_recovery(struct engine *engine, const struct event_recovery *recovery) {
  engine->reconcile.is_active = false;
  engine->reconcile.waiting = 0;
  suspect_orders(engine);
  enum session_state state = (enum session_state)engine->session.session_state;
  bool was_active = state == SESSION_STARTING || state == SESSION_RUNNING || state == SESSION_PAUSED || state == SESSION_DRAINING || state == SESSION_STOPPING ||
                    state == SESSION_FLATTENING || state == SESSION_ERROR;
  if (was_active) {
    if (state != SESSION_STARTING) engine->resume_state = state;
    if (recovery->resume_paused && engine->resume_state == SESSION_RUNNING) engine->resume_state = SESSION_PAUSED;
    engine->is_guarded_start = true;
    engine->starting_at = engine->now;
    session_restart(engine, restart_cause_names[recovery->cause]);
    enter_stop_all(engine, PLAN_CANCELLED);
  }
  if (was_active || engine->open_holdings > 0) reconcile_begin(engine, "restart");
}
