/* Open positions as candles, time and the ends of their orders pass (positions 2 to 8). The decisions are core/trade/exit_rules and targets; here,
 * in opening.c, protection.c and closing.c they are carried out. */
#include <math.h>
#include <string.h>

#include "base/calendar.h"
#include "engine/engine_state.h"

/* ---- finding and moving ---- */

struct holding *manage_find(struct engine *engine, int64_t position_id) {
  for (int32_t i = 0; i < ENGINE_HOLDINGS_MAX; i++) {
    if (engine->holdings[i].is_used && engine->holdings[i].position.position_id == position_id) return &engine->holdings[i];
  }
  return NULL;
}

void manage_id_text(const struct position *position, char out[16]) {
  struct text text;
  text_init(&text, out, 16);
  text_add_id(&text, 'P', 8, position->position_id);
}

bool manage_is_full(const struct engine *engine, const struct holding *holding) {
  return engine_manages_fully(engine) && !holding->is_adopted;
}

void manage_emit(struct engine *engine, struct holding *holding) {
  holding->position.management = manage_is_full(engine, holding) ? MANAGEMENT_FULL : MANAGEMENT_GUARD;
  engine_emit_record(engine, RECORD_POSITION, &holding->position);
}

void manage_move(struct engine *engine, struct holding *holding, enum position_trigger trigger, const char *reason) {
  struct position *position = &holding->position;
  char id[16];
  manage_id_text(position, id);
  int next = engine_next_state(engine, &position_fsm, id, position->state, (int)trigger);
  if (next < 0) return;
  engine_emit_transition(engine, MACHINE_POSITION, id, position_state_names[position->state], position_state_names[next],
                         position_trigger_names[trigger], reason, position->trace_ts);
  position->state = next;
  manage_emit(engine, holding);
}

const struct instrument *manage_instrument(const struct engine *engine, const struct holding *holding) {
  return &engine->symbols[holding->position.symbol_index].market.instrument;
}

/* ---- ends and changes of orders ---- */

static void on_stop_end(struct engine *engine, struct holding *holding, const struct order *order, enum reject_kind kind) {
  if (strcmp(order->client_order_id, holding->stop_order) != 0) return;
  holding->stop_is_changing = false;
  if (order->state == ORDER_FILLED) return;
  manage_set_protection(engine, holding, false);
  if (order->state == ORDER_REJECTED && kind == REJECT_PRICE) {
    manage_close(engine, holding, URGENCY_IMMEDIATE, exit_rules_stop_reason((enum stop_rule)holding->position.stop_rule), PURPOSE_EXIT,
                 "price already beyond the stop");
  } else if (order->state == ORDER_REJECTED && kind == REJECT_REDUCE_ONLY && engine->now - engine->reconciled_at >= REFUSED_MS) {
    reconcile_begin(engine, "reduce_only"); /* the venue does not hold what we do */
  } else if (order->state == ORDER_CANCELLED && engine->now - order->sent_at >= STOP_REST_MS) {
    manage_sync_stop(engine, holding);
  } /* rejected for another reason, or cancelled as soon as it was placed: placed again on the next tick, until the unprotected timer closes the
       position */
}

static void on_target_end(struct holding *holding, const struct order *order) {
  if (order->rung < 0 || order->rung >= holding->position.targets_count) return;
  struct target *target = &holding->position.targets[order->rung];
  if (strcmp(target->client_order_id, order->client_order_id) == 0 && target->state == TARGET_WORKING && order->state != ORDER_FILLED)
    target->state = TARGET_CANCELLED;
}

void manage_on_order_end(struct engine *engine, struct order *order, enum reject_kind kind) {
  struct holding *holding = manage_find(engine, order->position_id);
  if (holding == NULL || holding->position.qty == 0) return;
  if (order->purpose == PURPOSE_STOP) {
    on_stop_end(engine, holding, order, kind);
  } else if (order->purpose == PURPOSE_TARGET) {
    on_target_end(holding, order);
  } else if (strcmp(order->client_order_id, holding->exit_order) == 0) {
    if (order->state == ORDER_REJECTED && kind == REJECT_REDUCE_ONLY) {
      holding->exit_order[0] = '\0';
      reconcile_begin(engine, "reduce_only");
    } else if ((order->state == ORDER_REJECTED && kind != REJECT_POST_ONLY) || (order->type == ORDER_MARKET && order->filled_qty == 0)) {
      holding->exit_order[0] = '\0'; /* the next tick tries again */
    } else if (holding->exit_active) {
      manage_next_exit(engine, holding);
    }
  }
}

void manage_on_order_change(struct engine *engine, struct order *order, bool is_amended) {
  if (order->purpose == PURPOSE_ENTRY || order->purpose == PURPOSE_ADD_ON) return;
  struct holding *holding = manage_find(engine, order->position_id);
  if (holding != NULL && order->purpose == PURPOSE_TARGET) ladder_on_order_change(engine, holding, order, is_amended);
  if (holding == NULL || order->purpose != PURPOSE_STOP || strcmp(order->client_order_id, holding->stop_order) != 0) return;
  if (order->state == ORDER_WORKING) manage_stop_entry(engine, holding); /* triggered */
  if (is_amended) holding->stop_is_changing = false;
  manage_sync_stop(engine, holding);
}

void manage_on_amend_refused(struct engine *engine, struct order *order, enum reject_kind kind) {
  struct holding *holding = manage_find(engine, order->position_id);
  if (holding != NULL && order->purpose == PURPOSE_TARGET) ladder_on_amend_refused(holding, order, kind);
  if (holding == NULL || order->purpose != PURPOSE_STOP || strcmp(order->client_order_id, holding->stop_order) != 0) return;
  holding->stop_is_changing = false; /* the next tick tries again */
  if (kind != REJECT_PRICE) return;
  manage_close(engine, holding, URGENCY_IMMEDIATE, exit_rules_stop_reason((enum stop_rule)holding->position.stop_rule), PURPOSE_EXIT,
               "price already beyond the stop");
}

void manage_withdraw_target(struct engine *engine, const struct order *order) {
  struct holding *holding = manage_find(engine, order->position_id);
  if (holding == NULL || order->rung < 0 || order->rung >= POSITION_TARGETS_MAX) return;
  holding->targets_withdrawn |= 1u << order->rung;
  holding->targets_wanted &= ~(1u << order->rung);
}

/* ---- rules ---- */

static struct exit_input input_of(struct engine *engine, const struct holding *holding, bool is_candle) {
  const struct engine_symbol *owner = &engine->symbols[holding->position.symbol_index];
  const struct candle_series *series = &owner->market.series[TIMEFRAME_5M];
  bool has_tape = (owner->market.capabilities & CAPABILITY_TRADES) != 0;
  return (struct exit_input){.preset = &engine->preset,
                             .settings = &engine->exits,
                             .instrument = &owner->market.instrument,
                             .ts = engine->now,
                             .price = holding->position.mark,
                             .candles = series->count > 0 ? candle_series_last(series, series->count) : NULL,
                             .count = series->count,
                             .is_candle = is_candle,
                             .activity = has_tape ? &owner->activity : NULL,
                             .is_channel = holding->is_channel};
}

/* Largest total quantity that the caps of risk 3.1 allow for an add-on. */
static int64_t add_on_cap(struct engine *engine, const struct holding *holding) {
  const struct position *position = &holding->position;
  const struct instrument *instrument = manage_instrument(engine, holding);
  int64_t cap = DECIMAL_MAX;
  if (isfinite(engine->preset.risk.max_position_size_usd)) {
    cap = decimal_divide_rounded(decimal_from_double(engine->preset.risk.max_position_size_usd), position->mark, ROUND_DOWN);
  }
  if (instrument->max_limit_qty > 0 && instrument->max_limit_qty < cap) cap = instrument->max_limit_qty;
  if (instrument->max_market_qty > 0 && instrument->max_market_qty < cap) cap = instrument->max_market_qty;
  int64_t free_usd = engine->ledger.equity_usd - enter_margin_used(engine);
  int64_t buying =
      free_usd > 0 ? decimal_multiply(decimal_multiply(free_usd, decimal_from_double(0.95)), decimal_from_double(position->leverage)) : 0;
  int64_t by_margin = position->qty + decimal_divide_rounded(buying, position->mark, ROUND_DOWN);
  return by_margin < cap ? by_margin : cap;
}

static void try_add_on(struct engine *engine, struct holding *holding, const struct exit_input *input, struct reason_list *reasons) {
  bool may_add = engine->preset.position_config.add_on_enabled && engine->session.session_state == SESSION_RUNNING && !engine_is_latched(engine) &&
                 engine->risk.day.since_at == 0 && engine->symbols[holding->position.symbol_index].plan < 0;
  if (!may_add) return;
  int64_t qty = exit_rules_add_on(&holding->position, input, add_on_cap(engine, holding), reasons);
  if (qty > 0 && enter_open_add_on(engine, holding, qty)) holding->position.add_on_used = true;
}

static void adapt_targets(struct engine *engine, struct holding *holding) {
  struct position *position = &holding->position;
  struct placement_input placement = manage_placement(engine, holding);
  double atr = NAN;
  for (int32_t i = 0; i < position->targets_count; i++) {
    struct target *target = &position->targets[i];
    if (target->placement_mode != PLACEMENT_ADAPTIVE || target->state != TARGET_WORKING) continue;
    if (isnan(atr)) atr = market_atr_5m(&engine->symbols[position->symbol_index].market);
    int64_t price = targets_adapt(position, i, &placement, atr);
    struct order *order = orders_find(engine, target->client_order_id);
    if (price == target->price || order == NULL || order->state != ORDER_WORKING) continue;
    target->price = price;
    holding->target_changed_at[i] = engine->now;
    orders_amend(engine, order, order->qty, price, DECIMAL_NULL);
  }
}

static void decide_rules(struct engine *engine, const struct holding *holding, enum reason_code code, struct reason_list *reasons) {
  struct signal signal = {.strategy = holding->position.strategy, .side = holding->position.side, .level_id = holding->position.level_id};
  if (code == REASON_hold) reason_add(reasons, REASON_hold, true, holding->position.price_r, NAN, "");
  engine_decide(engine, holding->position.symbol_index, STAGE_POSITION, VERDICT_PASSED, code, &signal, 0, engine->now, holding->position.trace_ts,
                reasons);
}

/* Steps 6 to 16 of positions 3. */
static void run_rules(struct engine *engine, struct holding *holding, bool is_candle) {
  struct position *position = &holding->position;
  if (position->state == POSITION_OPENING || (holding->exit_active && !holding->is_partial_close) || position->mark == DECIMAL_NULL) return;
  struct exit_input input = input_of(engine, holding, is_candle);
  struct reason_list reasons;
  reasons.count = 0; /* the items are 2 KB, and the rules run every minute */
  enum reason_code code;
  enum urgency urgency;
  double confidence;
  if (exit_rules_evaluate(position, &input, &code, &urgency, &confidence, &reasons)) {
    decide_rules(engine, holding, code, &reasons);
    manage_close(engine, holding, urgency, code, PURPOSE_EXIT, "");
    return;
  }
  enum position_trigger triggers[3];
  int32_t count = exit_rules_triggers(position, &input, triggers);
  for (int32_t i = 0; i < count; i++) manage_move(engine, holding, triggers[i], "");
  int64_t stop;
  enum stop_rule rule;
  enum stop_verdict verdict = exit_rules_stop(position, &input, &stop, &rule);
  if (verdict == STOP_CLOSES) {
    manage_close(engine, holding, URGENCY_IMMEDIATE, exit_rules_stop_reason(rule), PURPOSE_EXIT, "new stop at or beyond the price");
    return;
  }
  if (verdict == STOP_MOVES) {
    reason_add(&reasons, REASON_stop_moved, true, decimal_to_double(stop), NAN, stop_rule_names[rule]);
    manage_move_stop(engine, holding, stop, rule);
  }
  if (!is_candle || holding->is_channel) return;
  adapt_targets(engine, holding);
  try_add_on(engine, holding, &input, &reasons);
  decide_rules(engine, holding, REASON_hold, &reasons);
}

void manage_on_candle(struct engine *engine, int32_t symbol, uint32_t closed, const struct candle *candle) {
  struct holding *holding = &engine->holdings[engine->symbols[symbol].holding];
  struct position *position = &holding->position;
  double mark = market_mark(&engine->symbols[symbol].market, engine->now);
  if (isnan(mark)) return;
  int64_t price = decimal_from_double(mark);
  bool saw_whole_candle = position->opened_at <= candle->open_ts;
  int64_t high = saw_whole_candle ? decimal_from_double(candle->high) : price;
  int64_t low = saw_whole_candle ? decimal_from_double(candle->low) : price;
  position_on_price(position, price, high, low);
  engine_mark(engine, false);
  bool is_candle = (closed & (1u << TIMEFRAME_5M)) != 0;
  if (is_candle && position->entry_completed_at != 0 && engine->now > position->entry_completed_at) {
    ++position->bars_held;
    position->last_candle_ts = engine->now;
  }
  if (manage_is_full(engine, holding)) {
    run_rules(engine, holding, is_candle);
    holding->rules_at = engine->now;
  }
  if (holding->is_used) manage_emit(engine, holding);
}

/* ---- time ---- */

static bool closes_at_market(const struct holding *holding) {
  return holding->exit_active && !holding->is_partial_close && holding->exit_urgency == URGENCY_IMMEDIATE;
}

static void watch_stop(struct engine *engine, struct holding *holding) {
  struct position *position = &holding->position;
  if (position->mark == DECIMAL_NULL || closes_at_market(holding)) return;
  int64_t beyond = position_sign(position) * (position->stop - position->mark);
  bool is_beyond = decimal_multiply(beyond, 1000 * DECIMAL_ONE) > position->stop;
  const struct order *stop = is_beyond ? orders_find(engine, holding->stop_order) : NULL; /* few ticks ask for it */
  bool is_at_work = stop != NULL && stop->state == ORDER_PARTIALLY_FILLED;
  if (!is_beyond || is_at_work) {
    holding->beyond_since = 0;
    return;
  }
  if (holding->beyond_since == 0) holding->beyond_since = engine->now;
  if (engine->now - holding->beyond_since >= 3000) manage_close(engine, holding, URGENCY_IMMEDIATE, REASON_stop_watch, PURPOSE_EXIT, "");
}

static void watch_protection(struct engine *engine, struct holding *holding) {
  struct position *position = &holding->position;
  manage_sync_stop(engine, holding);
  if (position->unprotected_since == 0) return;
  int64_t gap = engine->now - position->unprotected_since;
  if (gap >= UNPROTECTED_ALARM_MS) {
    engine_raise(engine, "position_unprotected", SEVERITY_CRITICAL, position->symbol, (double)gap, (double)UNPROTECTED_ALARM_MS,
                 "no confirmed stop rests at the venue");
  }
  if (gap >= UNPROTECTED_CLOSE_MS && !closes_at_market(holding))
    manage_close(engine, holding, URGENCY_IMMEDIATE, REASON_unprotected, PURPOSE_EXIT, "");
}

static void watch_exit(struct engine *engine, struct holding *holding) {
  if (!holding->exit_active) return;
  struct order *order = orders_find(engine, holding->exit_order);
  if (order == NULL || order_is_ended(order)) {
    manage_next_exit(engine, holding);
  } else if (order->type == ORDER_LIMIT && engine->now - holding->exit_sent_at >= engine->exits.exiting_timeout_s * INT64_C(1000)) {
    orders_cancel(engine, order);
  }
}

static void watch_delisting(struct engine *engine, struct holding *holding) {
  const struct instrument *instrument = manage_instrument(engine, holding);
  if (instrument->delisting_at == 0 || instrument->delisting_at - engine->now > HOUR_MS || closes_at_market(holding)) return;
  manage_close(engine, holding, URGENCY_IMMEDIATE, REASON_delisting, PURPOSE_EXIT, "");
}

/* Price and rules between candles, for feeds that tell more than candles. */
static void follow_price(struct engine *engine, struct holding *holding) {
  const struct engine_symbol *owner = &engine->symbols[holding->position.symbol_index];
  if ((owner->market.capabilities & (CAPABILITY_TRADES | CAPABILITY_BOOK | CAPABILITY_TICKER)) == 0) return;
  double mark = market_mark(&owner->market, engine->now);
  if (isnan(mark)) {
    engine_raise(engine, "position_blind", SEVERITY_CRITICAL, holding->position.symbol, NAN, NAN, "every price of an open position is stale");
    return;
  }
  engine_clear(engine, "position_blind", holding->position.symbol);
  int64_t price = decimal_from_double(mark);
  position_on_price(&holding->position, price, price, price);
  if ((double)(engine->now - holding->rules_at) < engine->exits.monitor_interval_s * 1000.0 || !manage_is_full(engine, holding)) return;
  holding->rules_at = engine->now;
  run_rules(engine, holding, false);
}

void manage_on_tick(struct engine *engine) {
  int32_t left = engine->open_holdings;
  for (int32_t i = 0; i < ENGINE_HOLDINGS_MAX && left > 0; i++) {
    struct holding *holding = &engine->holdings[i];
    if (!holding->is_used) continue;
    --left;
    watch_stop(engine, holding);
    if (holding->is_used) watch_protection(engine, holding);
    if (holding->is_used) watch_exit(engine, holding);
    if (holding->is_used && manage_is_full(engine, holding)) watch_delisting(engine, holding);
    if (holding->is_used) ladder_sync(engine, holding);
    if (holding->is_used) manage_place_targets(engine, holding);
    if (holding->is_used) follow_price(engine, holding);
  }
}

void manage_on_funding(struct engine *engine, int32_t symbol, int64_t amount_usd) {
  int32_t place = engine->symbols[symbol].holding;
  ledger_on_funding(&engine->ledger, amount_usd);
  struct flow record = {.flow_id = ++engine->counters.flow, .ts = engine->now, .kind = CASH_FUNDING, .amount_usd = amount_usd};
  text_copy(record.source, sizeof record.source, "venue");
  memcpy(record.symbol, engine->symbols[symbol].market.instrument.symbol, sizeof record.symbol);
  engine_emit_record(engine, RECORD_FLOW, &record);
  if (place >= 0) position_on_funding(&engine->holdings[place].position, amount_usd);
  engine_mark(engine, false);
}
