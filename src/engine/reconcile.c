/* Reconciliation with the venue (execution 7) and the return after a restart (engine 10): read positions, orders, account and fills, compare, act;
 * the venue is right. */
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
  text_copy(work->cause, sizeof work->cause, cause);
  work->fills_applied = 0;
  reconcile_again(engine);
}

void reconcile_also(struct engine *engine, const char *cause) {
  struct reconcile *work = &engine->reconcile;
  if (work->is_active) {
    work->is_outdated = true; /* its answers may be from before */
  } else {
    reconcile_begin(engine, cause);
  }
}

/* Fills are read from a minute before the newest known one, from before any request whose outcome is open, and from before the last time that all
 * were read: after a silence of the stream a newer one may be known and an older one not. Where more fills came since than are remembered (a backtest
 * that goes on after a kill), that far back a known fill would look like a foreign one. */
static int64_t fills_since(const struct engine *engine) {
  bool remembers_all = engine->fill_id_count - engine->fills_complete_count <= ENGINE_FILL_IDS_MAX / 2;
  int64_t since = engine->last_fill_at < engine->fills_complete_at || !remembers_all ? engine->last_fill_at : engine->fills_complete_at;
  for (int32_t i = orders_next(engine, 0); i >= 0; i = orders_next(engine, i + 1)) {
    const struct order *order = &engine->orders[i];
    if (order->state == ORDER_UNKNOWN && order->sent_at < since) since = order->sent_at;
  }
  return since > 60000 ? since - 60000 : 0;
}

void reconcile_again(struct engine *engine) {
  struct reconcile *work = &engine->reconcile;
  work->is_active = true;
  work->is_outdated = false;
  work->started_at = engine->now;
  work->start_event = engine->counts.events;
  work->start_fills = engine->counts.fills;
  work->waiting = 0;
  work->is_listed_new = false;
  work->venue_cash = DECIMAL_NULL;
  ask(engine, QUERY_FILLS, fills_since(engine));
  ask(engine, QUERY_ORDERS, 0);
  ask(engine, QUERY_POSITIONS, 0);
  ask(engine, QUERY_ACCOUNT, 0);
}

bool reconcile_is_due(const struct engine *engine) {
  int64_t pause = engine->config.reconcile_interval_s * INT64_C(1000);
  bool is_wanted = engine_manages_fully(engine) && pause > 0;
  for (int32_t i = 0; i < ENGINE_HOLDINGS_MAX && engine->open_holdings > 0; i++) {
    const struct holding *holding = &engine->holdings[i];
    if (!holding->is_used || holding->unlisted_since == 0) continue;
    is_wanted = true;
    pause = DOUBT_INTERVAL_MS;
  }
  return is_wanted && engine->now - engine->reconciled_at >= pause;
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
  engine->symbols[position->symbol_index].taken_qty = qty;
  engine->symbols[position->symbol_index].taken_at = engine->now;
  engine_emit_record(engine, RECORD_FILL, &fill);
  manage_on_fill(engine, NULL, &fill, false);
}

/* A fill of the symbol came in while the venue answered: the answer may be older than the fill, and acting on it would undo what is right. */
static bool is_outdated(struct engine *engine, int32_t symbol) {
  if (engine->symbols[symbol].fill_event <= engine->reconcile.start_event) return false;
  engine->reconcile.is_outdated = true;
  return true;
}

/* The price at which the rest came, so that both sides have the same average. */
static int64_t price_of_rest(const struct position *position, const struct venue_position *venue) {
  int64_t cost = decimal_multiply(venue->qty, venue->entry) - decimal_multiply(position->qty, position->entry);
  int64_t price = cost > 0 ? decimal_divide(cost, venue->qty - position->qty) : 0;
  return price > 0 ? price : position->entry;
}

static void enlarge_position(struct engine *engine, struct position *position, const struct venue_position *venue) {
  struct fill fill = {.fill_id = ++engine->counters.fill,
                      .position_id = position->position_id,
                      .side = (int32_t)order_side_opening(position->side),
                      .qty = venue->qty - position->qty,
                      .price = price_of_rest(position, venue),
                      .liquidity = LIQUIDITY_TAKER,
                      .ts = engine->now};
  memcpy(fill.symbol, position->symbol, sizeof fill.symbol);
  text_copy(fill.venue_fill_id, sizeof fill.venue_fill_id, "reconciled");
  engine_emit_record(engine, RECORD_FILL, &fill);
  position_on_entry_fill(position, &fill, true);
}

/* Did somebody else close the position, or did money move since it was opened, as every closing moves some, and nobody else traded? */
static bool has_witness(const struct engine *engine, const struct position *position) {
  const struct reconcile *work = &engine->reconcile;
  if (position_sign(position) * position->qty + engine->symbols[position->symbol_index].foreign_qty == 0) return true;
  return work->balance_moved_at >= position->opened_at && work->foreign_fill_at < position->opened_at;
}

/* The venue does not list a position of ours. A list can be empty by mistake, so a second witness is wanted, or that no list of two minutes shows it.
 */
static bool is_gone(struct engine *engine, struct holding *holding) {
  if (holding->unlisted_since == 0) holding->unlisted_since = engine->now;
  if (has_witness(engine, &holding->position)) return true;
  if (engine->now - holding->unlisted_since >= UNLISTED_MS) return true;
  engine_raise(engine, "position_in_doubt", SEVERITY_CRITICAL, holding->position.symbol, NAN, NAN,
               "the venue does not list a position that we hold, and nothing explains it: kept");
  return false;
}

static void compare_position(struct engine *engine, struct holding *holding, struct reconciliation *record) {
  struct position *position = &holding->position;
  const struct venue_position *venue = venue_position_of(&engine->reconcile, position->symbol_index);
  ++record->positions_checked;
  bool agrees = venue != NULL && venue->side == position->side && venue->qty == position->qty;
  if (!agrees && is_outdated(engine, position->symbol_index)) return;
  struct engine_symbol *owner = &engine->symbols[position->symbol_index];
  if (venue != NULL && owner->fill_event <= engine->reconcile.start_event) owner->foreign_qty = 0;
  if (venue == NULL && !is_gone(engine, holding)) {
    ++record->differences;
    return;
  }
  if (holding->unlisted_since != 0) {
    holding->unlisted_since = 0;
    engine_clear(engine, "position_in_doubt", position->symbol);
  }
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
    enlarge_position(engine, position, venue);
  }
  if (holding->is_used) manage_sync_stop(engine, holding);
}

static bool is_ours(const struct engine *engine, int32_t symbol) {
  return symbol >= 0 && symbol < engine->symbol_count && (engine->symbols[symbol].holding >= 0 || engine->symbols[symbol].plan >= 0);
}

static void compare_foreign(struct engine *engine, struct reconciliation *record) {
  for (int32_t i = 0; i < engine->reconcile.position_count; i++) {
    const struct venue_position *venue = &engine->reconcile.positions[i];
    if (venue->symbol < 0 || venue->symbol >= engine->symbol_count || venue->qty == 0) continue;
    struct engine_symbol *owner = &engine->symbols[venue->symbol];
    bool ours = is_ours(engine, venue->symbol);
    if (!ours && is_outdated(engine, venue->symbol)) continue;
    if (!ours && !owner->is_foreign) note(engine, record, "foreign_position", owner->market.instrument.symbol, "a position that is not ours");
    owner->is_foreign = !ours;
  }
  for (int32_t i = 0; i < engine->symbol_count; i++) {
    struct engine_symbol *owner = &engine->symbols[i];
    if (owner->is_foreign && venue_position_of(&engine->reconcile, i) == NULL && !is_outdated(engine, i)) {
      owner->is_foreign = false;
      engine_clear(engine, "foreign_position", owner->market.instrument.symbol);
    }
  }
}

/* Orders that we believe live: adopted when the venue shows them, asked for by id when it does not. */
static void compare_order(struct engine *engine, struct order *order, struct reconciliation *record) {
  ++record->orders_checked;
  const struct venue_order *venue = venue_order_of(&engine->reconcile, order->client_order_id);
  bool is_in_doubt = venue != NULL && order->state == ORDER_UNKNOWN;
  if (!is_in_doubt && order->updated_at >= engine->reconcile.started_at) return; /* changed while the venue answered: its answer may be older */
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
    if (order->purpose == PURPOSE_TARGET && venue->qty != DECIMAL_NULL) { /* an amend whose answer was lost */
      order->qty = venue->qty;
      if (venue->price != DECIMAL_NULL) order->price = venue->price;
    }
    return;
  }
  if (order->state == ORDER_WORKING || order->state == ORDER_PARTIALLY_FILLED || order->state == ORDER_UNTRIGGERED ||
      order->state == ORDER_CANCELLING) {
    note(engine, record, "order_missing", order->client_order_id, "the venue does not show an order that we believe live");
    struct intent *intent = &engine->intent;
    *intent = (struct intent){.ts = engine->now, .kind = INTENT_QUERY, .query = {.query = QUERY_ORDER}};
    memcpy(intent->query.client_order_id, order->client_order_id, ORDER_ID_MAX);
    if (order->state != ORDER_CANCELLING) {
      order->state_before_cancel = order->state;
      orders_move(engine, order, ORDER_ON_CANCEL_SENT, "missing at the venue");
    }
    orders_move(engine, order, ORDER_ON_NO_ANSWER, "missing at the venue");
    engine_emit_intent(engine, intent);
  }
}

static bool lives_at_venue(const struct venue_order *venue) {
  return venue->state == ORDER_WORKING || venue->state == ORDER_PARTIALLY_FILLED || venue->state == ORDER_UNTRIGGERED;
}

/* A stop that we do not know, in a symbol in which we hold a position. The tighter of two stays; none is taken away before another one rests. True:
 * it must stay until then. */
static bool keep_stray_stop(struct engine *engine, const struct venue_order *venue) {
  bool is_known_symbol = venue->symbol >= 0 && venue->symbol < engine->symbol_count;
  int32_t place = is_known_symbol ? engine->symbols[venue->symbol].holding : -1;
  if (place < 0) return false;
  struct holding *holding = &engine->holdings[place];
  if (holding->position.qty <= 0) return false;
  int64_t tighter = venue->trigger_price == DECIMAL_NULL ? 0 : position_sign(&holding->position) * (venue->trigger_price - holding->position.stop);
  if (tighter > 0) manage_move_stop(engine, holding, venue->trigger_price, (enum stop_rule)holding->position.stop_rule);
  return !holding->position.protected || tighter > 0;
}

/* Live orders at the venue that carry our instance but that we do not know, or believe ended: cancelled unless they protect a position. */
static void compare_strays(struct engine *engine, struct reconciliation *record) {
  for (int32_t i = 0; i < engine->reconcile.order_count; i++) {
    const struct venue_order *venue = &engine->reconcile.orders[i];
    int64_t plan_id;
    enum order_leg leg;
    int32_t child;
    int32_t attempt;
    const struct order *known = orders_find(engine, venue->client_order_id);
    bool is_over = known != NULL && order_is_ended(known) && known->ended_at < engine->reconcile.started_at;
    if (!lives_at_venue(venue) || (known != NULL && !is_over)) continue;
    if (!order_parse_client_id(venue->client_order_id, engine->config.instance, &plan_id, &leg, &child, &attempt)) continue;
    if (leg == LEG_STOP && keep_stray_stop(engine, venue)) continue;
    note(engine, record, "stray_order", venue->client_order_id, "an order of ours that we do not know: cancelled");
    struct intent *intent = &engine->intent;
    *intent = (struct intent){.ts = engine->now, .kind = INTENT_CANCEL_ORDER, .cancel_order = {.symbol = venue->symbol}};
    memcpy(intent->cancel_order.client_order_id, venue->client_order_id, ORDER_ID_MAX);
    engine_emit_intent(engine, intent);
  }
}

/* Placed again on the next tick. */
static void restore_targets(struct engine *engine, struct holding *holding) {
  if (holding->exit_active || holding->position.state == POSITION_OPENING) return;
  uint32_t allowed = engine_manages_fully(engine) && !holding->is_adopted ? ~holding->targets_withdrawn : holding->targets_wanted;
  for (int32_t i = 0; i < holding->position.targets_count; i++) {
    struct target *target = &holding->position.targets[i];
    if (target->state == TARGET_CANCELLED && target->filled_qty < target->qty && (allowed & (1u << i)) != 0) target->state = TARGET_WAITING;
  }
}

/* ---- scope account: what is not ours goes too (engine 5) ---- */

static bool is_being_closed(const struct engine *engine, int32_t symbol) {
  for (int32_t i = orders_next(engine, 0); i >= 0; i = orders_next(engine, i + 1)) {
    if (engine->orders[i].symbol_index == symbol && engine->orders[i].purpose == PURPOSE_FLATTEN) return true;
  }
  return false;
}

static void close_foreign_position(struct engine *engine, const struct venue_position *venue) {
  if (is_being_closed(engine, venue->symbol)) return;
  struct order *order = orders_new(engine, venue->symbol, ++engine->counters.plan, LEG_FLATTEN, 0, 0);
  if (order == NULL) return; /* asked for again by the next reconciliation */
  order->purpose = PURPOSE_FLATTEN;
  order->side = (int32_t)order_side_closing(venue->side);
  order->type = ORDER_MARKET;
  order->qty = venue->qty;
  order->reduce_only = true;
  orders_send(engine, order);
}

static void cancel_foreign_order(struct engine *engine, const struct venue_order *venue) {
  struct intent *intent = &engine->intent;
  *intent = (struct intent){.ts = engine->now, .kind = INTENT_CANCEL_ORDER, .cancel_order = {.symbol = venue->symbol}};
  memcpy(intent->cancel_order.client_order_id, venue->client_order_id, ORDER_ID_MAX);
  engine_emit_intent(engine, intent);
}

static void clear_account(struct engine *engine) {
  const struct reconcile *work = &engine->reconcile;
  if (!engine->whole_account || engine->session.session_state != SESSION_FLATTENING) return;
  for (int32_t i = 0; i < work->order_count; i++) {
    const struct venue_order *venue = &work->orders[i];
    if (lives_at_venue(venue) && venue->client_order_id[0] != '\0' && orders_find(engine, venue->client_order_id) == NULL)
      cancel_foreign_order(engine, venue);
  }
  for (int32_t i = 0; i < work->position_count; i++) {
    const struct venue_position *venue = &work->positions[i];
    bool is_known = venue->symbol >= 0 && venue->symbol < engine->symbol_count;
    if (is_known && engine->symbols[venue->symbol].is_foreign) close_foreign_position(engine, venue);
  }
}

static bool is_rounding(int64_t difference) {
  return difference <= DECIMAL_ONE / 100 && difference >= -DECIMAL_ONE / 100;
}

/* What no fill, fee, funding or position that went without us explains is a flow. */
static void book_difference(struct engine *engine) {
  int64_t difference = engine->reconcile.venue_cash - engine->ledger.cash_usd;
  if (is_rounding(difference)) return;
  ledger_on_flow(&engine->ledger, difference, engine->now);
  struct flow record = {.flow_id = ++engine->counters.flow, .ts = engine->now, .kind = CASH_CORRECTION, .amount_usd = difference};
  text_copy(record.source, sizeof record.source, "detected");
  text_copy(record.note, sizeof record.note, "unexplained balance change");
  engine_emit_record(engine, RECORD_FLOW, &record);
  engine_raise(engine, "unexplained_balance", SEVERITY_WARNING, "account", decimal_to_double(difference), 0.01,
               "the balance changed without a known cause");
}

static void finish(struct engine *engine) {
  struct reconcile *work = &engine->reconcile;
  struct reconciliation record = {.ts = engine->now, .duration_ms = engine->now - work->started_at, .fills_applied = work->fills_applied};
  text_copy(record.cause, sizeof record.cause, work->cause);
  if (work->venue_cash != DECIMAL_NULL && work->known_cash != engine->ledger.cash_usd) work->is_outdated = true;
  for (int32_t i = orders_next(engine, 0); i >= 0; i = orders_next(engine, i + 1)) compare_order(engine, &engine->orders[i], &record);
  compare_strays(engine, &record);
  for (int32_t i = 0; i < ENGINE_HOLDINGS_MAX; i++) {
    struct holding *holding = &engine->holdings[i];
    if (!holding->is_used) continue;
    compare_position(engine, holding, &record);
    if (holding->is_used) restore_targets(engine, holding);
  }
  compare_foreign(engine, &record);
  if (!work->is_outdated && work->venue_cash != DECIMAL_NULL) book_difference(engine);
  engine_mark(engine, false);
  if (work->is_outdated) {
    reconcile_again(engine);
    return;
  }
  clear_account(engine);
  engine->fills_complete_at = work->started_at;
  engine->fills_complete_count = engine->fill_id_count;
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

/* An account may hold more positions than there is room for; ours are fewer, and none of them is left out. */
static void keep_position(struct engine *engine, const struct venue_position *position) {
  struct reconcile *work = &engine->reconcile;
  if (work->position_count < RECONCILE_POSITIONS_MAX) {
    work->positions[work->position_count++] = *position;
    return;
  }
  if (!is_ours(engine, position->symbol)) return;
  for (int32_t i = 0; i < RECONCILE_POSITIONS_MAX; i++) {
    if (is_ours(engine, work->positions[i].symbol)) continue;
    work->positions[i] = *position;
    return;
  }
}

void reconcile_on_positions(struct engine *engine, const struct event_venue_positions *positions) {
  struct reconcile *work = &engine->reconcile;
  if ((work->waiting & (1u << QUERY_POSITIONS)) == 0) return; /* not asked for */
  if (!work->is_listed_new) work->position_count = 0;
  work->is_listed_new = true;
  for (int32_t i = 0; i < positions->positions_count; i++) {
    if (positions->positions[i].qty != 0) keep_position(engine, &positions->positions[i]);
  }
  if (positions->is_complete) arrived(engine, QUERY_POSITIONS);
}

/* News of the balance can be faster than news of the fill: it counts only after the fills were read. */
static void note_balance(struct engine *engine, int64_t cash) {
  struct reconcile *work = &engine->reconcile;
  if (is_rounding(cash - engine->ledger.cash_usd)) {
    work->venue_cash = DECIMAL_NULL;
    return;
  }
  if (!work->is_active) {
    reconcile_begin(engine, "balance");
  } else if ((work->waiting & (1u << QUERY_FILLS)) != 0 || engine->counts.fills != work->start_fills) {
    work->is_outdated = true;
  } else {
    work->balance_moved_at = engine->now;
    work->venue_cash = cash;
    work->known_cash = engine->ledger.cash_usd;
  }
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
  } else {
    note_balance(engine, account->cash_usd);
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
  bool was_active = state == SESSION_STARTING || state == SESSION_RUNNING || state == SESSION_PAUSED || state == SESSION_DRAINING ||
                    state == SESSION_STOPPING || state == SESSION_FLATTENING || state == SESSION_ERROR;
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
