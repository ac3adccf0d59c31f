/* How a position is closed: fills, exits with their attempts, and the end with its trade (positions 6 and 7). */
#include <math.h>
#include <string.h>

#include "base/calendar.h"
#include "engine/engine_state.h"

/* ---- closing fills ---- */

static enum reason_code reason_of_fill(const struct holding *holding, const struct order *order) {
  if (order == NULL) return holding->exit_reason;
  if (order->purpose == PURPOSE_STOP) return exit_rules_stop_reason((enum stop_rule)holding->position.stop_rule);
  if (order->purpose == PURPOSE_TARGET) return REASON_take_profit;
  return holding->exit_reason;
}

static int64_t planned_price(const struct holding *holding, const struct order *order) {
  if (order == NULL) return 0;
  if (order->purpose == PURPOSE_STOP) return order->trigger_price;
  if (order->purpose == PURPOSE_TARGET) return order->price;
  return holding->position.mark != DECIMAL_NULL ? holding->position.mark : 0;
}

static void count_slippage(struct engine *engine, const struct position *position, const struct fill *fill, int64_t planned) {
  if (planned == 0) return;
  int64_t adverse = position_sign(position) * (planned - fill->price);
  if (adverse > 0) engine->counts.slippage_usd += decimal_to_double(decimal_multiply(fill->qty, adverse));
}

static void on_target_fill(struct holding *holding, const struct order *order, const struct fill *fill) {
  struct position *position = &holding->position;
  position->touched_target = true;
  if (order->rung < 0 || order->rung >= position->targets_count) return;
  struct target *target = &position->targets[order->rung];
  target->filled_qty += fill->qty;
  if (target->filled_qty < target->qty) return;
  target->state = TARGET_FILLED;
  target->filled_at = fill->ts;
  ++position->targets_filled;
  position->target_mask |= 1 << order->rung;
}

/* The venue tells the fills of one order after those of another: an entry's may come behind those that closed what it opened. */
static void keep_early(struct engine *engine, const struct order *order, const struct fill *fill, int64_t qty) {
  if (order == NULL) return;
  struct fill *early = &engine->symbols[order->symbol_index].early_close;
  *early = *fill;
  early->qty = qty;
}

bool manage_take_early(struct engine *engine, struct holding *holding) {
  struct position *position = &holding->position;
  struct fill *early = &engine->symbols[position->symbol_index].early_close;
  if (early->qty == 0 || early->side != (int32_t)order_side_closing(position->side) || early->ts < position->opened_at) return false;
  int64_t realised_before = position->pnl_realised_usd;
  early->qty = position_on_exit_fill(position, early, 0);
  early->fee_usd = 0; /* the ledger had it when the fill came */
  ledger_on_realised(&engine->ledger, position->pnl_realised_usd - realised_before);
  if (position->qty > 0) return false;
  holding->exit_reason = REASON_reconciled;
  manage_finish(engine, holding);
  return true;
}

void manage_on_fill(struct engine *engine, struct order *order, const struct fill *fill, bool path_dependent) {
  struct holding *holding = manage_find(engine, fill->position_id);
  if (holding == NULL) {
    ledger_on_fee(&engine->ledger, fill->fee_usd);
    if (order != NULL && order->position_id == 0) { /* of a position that was never ours: its profit is known to the venue only */
      reconcile_begin(engine, "foreign_closed");
      return;
    }
    keep_early(engine, order, fill, fill->qty);
    engine_raise(engine, "late_fill", SEVERITY_CRITICAL, fill->symbol, decimal_to_double(fill->qty), NAN, "a closing fill without a position");
    reconcile_begin(engine, "late_fill");
    return;
  }
  struct position *position = &holding->position;
  int64_t realised_before = position->pnl_realised_usd;
  int64_t planned = planned_price(holding, order);
  count_slippage(engine, position, fill, planned);
  int64_t excess = position_on_exit_fill(position, fill, planned);
  if (excess > 0) {
    keep_early(engine, order, fill, excess);
    engine_raise(engine, "late_fill", SEVERITY_CRITICAL, position->symbol, decimal_to_double(excess), NAN, "more was closed than was open");
    reconcile_begin(engine, "excess_fill");
  }
  ledger_on_realised(&engine->ledger, position->pnl_realised_usd - realised_before);
  ledger_on_fee(&engine->ledger, fill->fee_usd);
  if (path_dependent) position->path_dependent = true;
  bool is_own = order == NULL || order->position_id == position->position_id;
  if (!is_own) {
    engine_raise(engine, "late_fill", SEVERITY_WARNING, order->client_order_id, decimal_to_double(fill->qty), NAN,
                 "an order of a position that is over closed a part of the next one");
    reconcile_begin(engine, "late_fill");
  }
  bool is_target = order != NULL && is_own && order->purpose == PURPOSE_TARGET;
  if (is_target) on_target_fill(holding, order, fill);
  if (position->qty == 0) {
    holding->exit_reason = reason_of_fill(holding, order);
    manage_finish(engine, holding);
    return;
  }
  if (holding->is_partial_close && order != NULL && strcmp(order->client_order_id, holding->exit_order) == 0) holding->exit_qty_left -= fill->qty;
  if (is_target) manage_move(engine, holding, POSITION_ON_TARGET_FILLED, position->targets[order->rung >= 0 ? order->rung : 0].level_name);
  manage_sync_stop(engine, holding);
  manage_emit(engine, holding);
}

void manage_stop_entry(struct engine *engine, const struct holding *holding) {
  int32_t place = engine->symbols[holding->position.symbol_index].plan;
  if (place < 0) return;
  execution_stop(&engine->plans[place], PLAN_CANCELLED);
  enter_advance(engine, &engine->plans[place]);
}

/* ---- the end ---- */

static void decide_exit(struct engine *engine, const struct holding *holding, enum reason_code code, double value) {
  struct reason_list reasons;
  reasons.count = 0;
  reason_add(&reasons, code, true, value, NAN, holding->exit_detail);
  struct signal signal = {.strategy = holding->position.strategy, .side = holding->position.side, .level_id = holding->position.level_id};
  engine_decide(engine, holding->position.symbol_index, STAGE_POSITION, VERDICT_PASSED, code, &signal, 0, 0, holding->position.trace_ts, &reasons);
}

static void cancel_orders_of(struct engine *engine, const struct holding *holding) {
  for (int32_t i = orders_next(engine, 0); i >= 0; i = orders_next(engine, i + 1)) {
    if (engine->orders[i].position_id == holding->position.position_id) orders_cancel(engine, &engine->orders[i]);
  }
}

/* Close time of the 5m candle in which `now` lies. */
static int64_t candle_end(int64_t now) {
  int64_t length = 5 * MINUTE_MS;
  return now - now % length + length;
}

void manage_finish(struct engine *engine, struct holding *holding) {
  struct position *position = &holding->position;
  struct engine_symbol *owner = &engine->symbols[position->symbol_index];
  manage_set_protection(engine, holding, true);
  if (position->closed_at == 0) position->closed_at = engine->now; /* the last fill's time otherwise */
  position->exit_reason = (int32_t)holding->exit_reason;
  text_copy(position->exit_detail, sizeof position->exit_detail, holding->exit_detail);
  decide_exit(engine, holding, holding->exit_reason, decimal_to_double(position->mark != DECIMAL_NULL ? position->mark : position->entry));
  struct trade trade;
  position_to_trade(position, ++engine->counters.trade, &trade);
  trade.session_id = position->session_id;
  manage_move(engine, holding, POSITION_ON_QUANTITY_ZERO, reason_code_names[holding->exit_reason]);
  owner->holding = -1;
  owner->cools_until = candle_end(position->closed_at); /* of the fill, not of its news: other symbols may have moved the clock */
  --engine->open_holdings;
  holding->is_used = false;
  manage_stop_entry(engine, holding);
  cancel_orders_of(engine, holding);
  ledger_on_trade(&engine->ledger, trade.pnl_usd, trade.pnl_r);
  if (isfinite(trade.pnl_r)) engine->cumulative_r += trade.pnl_r;
  ++engine->counts.trades;
  ++engine->session.trades;
  engine_emit_record(engine, RECORD_TRADE, &trade);
}

/* ---- exits ---- */

/* Price of a limit exit (positions 7); DECIMAL_NULL: market. */
static int64_t exit_price(struct engine *engine, const struct holding *holding) {
  const struct engine_symbol *owner = &engine->symbols[holding->position.symbol_index];
  bool has_quotes = (owner->market.capabilities & (CAPABILITY_BOOK | CAPABILITY_TICKER)) != 0;
  if (holding->exit_urgency == URGENCY_IMMEDIATE || !has_quotes) return DECIMAL_NULL;
  market_read_quotes(&owner->market, engine->now, &engine->view);
  bool is_long = holding->position.side == SIDE_LONG;
  bool is_low = holding->exit_urgency == URGENCY_LOW;
  double price = is_long == is_low ? engine->view.ask : engine->view.bid;
  if (isnan(price)) return DECIMAL_NULL;
  if (!is_low) price *= 1.0 - position_sign(&holding->position) * engine->preset.execution_config.limit_offset_bps * 1e-4;
  return instrument_price_from_double(&owner->market.instrument, price, is_long ? ROUND_UP : ROUND_DOWN);
}

static enum order_leg leg_of(enum order_purpose purpose) {
  if (purpose == PURPOSE_FLATTEN) return LEG_FLATTEN;
  return purpose == PURPOSE_MANUAL ? LEG_MANUAL : LEG_EXIT;
}

static void send_exit(struct engine *engine, struct holding *holding) {
  struct position *position = &holding->position;
  int64_t qty = holding->is_partial_close && holding->exit_qty_left < position->qty ? holding->exit_qty_left : position->qty;
  if (qty <= 0) return;
  int64_t price = exit_price(engine, holding);
  struct order *order = orders_new(engine, position->symbol_index, position->plan_id, leg_of(holding->exit_purpose), holding->exit_children / 1024,
                                   holding->exit_children % 1024);
  if (order == NULL) return; /* tried again on the next tick */
  ++holding->exit_children;
  ++holding->exit_attempts;
  order->position_id = position->position_id;
  order->purpose = (int32_t)holding->exit_purpose;
  order->side = (int32_t)order_side_closing(position->side);
  order->type = price == DECIMAL_NULL ? ORDER_MARKET : ORDER_LIMIT;
  order->qty = qty;
  order->price = price;
  order->post_only = price != DECIMAL_NULL && holding->exit_urgency == URGENCY_LOW;
  order->reduce_only = true;
  order->trace_ts = position->trace_ts;
  holding->exit_sent_at = engine->now;
  memcpy(holding->exit_order, order->client_order_id, sizeof holding->exit_order);
  orders_send(engine, order);
}

static bool has_live_exit(struct engine *engine, const struct holding *holding) {
  struct order *order = orders_find(engine, holding->exit_order);
  return order != NULL && !order_is_ended(order);
}

void manage_close(struct engine *engine, struct holding *holding, enum urgency urgency, enum reason_code reason, enum order_purpose purpose,
                  const char *detail) {
  if (holding->exit_active && !holding->is_partial_close && urgency <= holding->exit_urgency) return;
  bool had_exit = holding->exit_active && has_live_exit(engine, holding);
  holding->exit_active = true;
  holding->is_partial_close = false;
  holding->exit_urgency = urgency;
  holding->exit_reason = reason;
  holding->exit_purpose = purpose;
  holding->exit_attempts = 0;
  holding->exit_started_at = engine->now;
  text_copy(holding->exit_detail, sizeof holding->exit_detail, detail);
  holding->position.state_before_exit = holding->position.state;
  decide_exit(engine, holding, reason, NAN);
  manage_move(engine, holding, POSITION_ON_EXIT_SENT, reason_code_names[reason]);
  manage_cancel_targets(engine, holding);
  manage_stop_entry(engine, holding);
  if (had_exit) {
    orders_cancel(engine, orders_find(engine, holding->exit_order)); /* the next attempt follows when it has ended */
  } else {
    send_exit(engine, holding);
  }
}

void manage_close_share(struct engine *engine, struct holding *holding, double fraction, bool is_immediate) {
  const struct instrument *instrument = manage_instrument(engine, holding);
  struct position *position = &holding->position;
  enum urgency urgency = is_immediate ? URGENCY_IMMEDIATE : URGENCY_NORMAL;
  int64_t qty = instrument_round_quantity(instrument, decimal_multiply(position->qty, decimal_from_double(fraction)), ROUND_UP);
  int64_t rest = position->qty - qty;
  int64_t price = position->mark != DECIMAL_NULL ? position->mark : position->entry;
  if (rest <= 0 || !instrument_is_sellable(instrument, rest, price)) {
    manage_close(engine, holding, urgency, REASON_manual, PURPOSE_MANUAL, "whole");
    return;
  }
  if (holding->exit_active) return;
  holding->exit_active = true;
  holding->is_partial_close = true;
  holding->exit_qty_left = qty;
  holding->exit_urgency = urgency;
  holding->exit_reason = REASON_manual;
  holding->exit_purpose = PURPOSE_MANUAL;
  holding->exit_attempts = 0;
  uint32_t changed = targets_scale(position, rest);
  for (int32_t i = 0; i < position->targets_count; i++) {
    struct order *order = orders_find(engine, position->targets[i].client_order_id);
    if (!(changed & (1u << i)) || order == NULL || order_is_ended(order)) continue;
    if (position->targets[i].qty <= position->targets[i].filled_qty) {
      orders_cancel(engine, order);
    } else {
      holding->target_changed_at[i] = engine->now;
      orders_amend(engine, order, order->filled_qty + position->targets[i].qty - position->targets[i].filled_qty, position->targets[i].price,
                   DECIMAL_NULL);
    }
  }
  send_exit(engine, holding);
}

void manage_close_all(struct engine *engine, enum reason_code reason, const char *detail) {
  bool is_done[ENGINE_HOLDINGS_MAX] = {false};
  for (int32_t n = 0; n < ENGINE_HOLDINGS_MAX; n++) {
    int32_t best = -1;
    for (int32_t i = 0; i < ENGINE_HOLDINGS_MAX; i++) {
      const struct holding *holding = &engine->holdings[i];
      if (!holding->is_used || is_done[i]) continue;
      if (best < 0 || holding->position.notional_usd > engine->holdings[best].position.notional_usd) best = i;
    }
    if (best < 0) return;
    is_done[best] = true;
    manage_close(engine, &engine->holdings[best], URGENCY_IMMEDIATE, reason, PURPOSE_FLATTEN, detail);
  }
}

void manage_end_of_data(struct engine *engine) {
  enter_stop_all(engine, PLAN_CANCELLED);
  candidate_end_all(engine, "end of data");
  manage_close_all(engine, REASON_end_of_data, "");
}

void manage_next_exit(struct engine *engine, struct holding *holding) {
  holding->exit_order[0] = '\0';
  if (holding->is_partial_close && holding->exit_qty_left <= 0) {
    holding->exit_active = false;
    holding->is_partial_close = false;
    return;
  }
  if (holding->exit_attempts >= engine->exits.panic_after_attempts) {
    holding->exit_urgency = URGENCY_IMMEDIATE;
  } else if (holding->exit_urgency == URGENCY_LOW) {
    holding->exit_urgency = URGENCY_NORMAL;
  }
  send_exit(engine, holding);
}
