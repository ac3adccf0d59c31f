/* Open positions: their stop, targets, rules and exits (positions 2 to 8, execution 6). The decisions are core/trade/exit_rules and targets; here
 * they are carried out. */
#include <math.h>
#include <string.h>

#include "base/calendar.h"
#include "base/check.h"
#include "engine/engine_state.h"

/* ---- finding and moving ---- */

struct holding *manage_find(struct engine *engine, int64_t position_id) {
  for (int32_t i = 0; i < ENGINE_HOLDINGS_MAX; i++) {
    if (engine->holdings[i].is_used && engine->holdings[i].position.position_id == position_id) return &engine->holdings[i];
  }
  return NULL;
}

static void position_id_text(const struct position *position, char out[16]) {
  struct text text;
  text_init(&text, out, 16);
  text_add_id(&text, 'P', 8, position->position_id);
}

/* By all rules, or only guarded: stop, targets and exits of operators. */
static bool is_managed_fully(const struct engine *engine, const struct holding *holding) {
  return engine_manages_fully(engine) && !holding->is_adopted;
}

void manage_emit(struct engine *engine, struct holding *holding) {
  holding->position.management = is_managed_fully(engine, holding) ? MANAGEMENT_FULL : MANAGEMENT_GUARD;
  engine_emit_record(engine, RECORD_POSITION, &holding->position);
}

void manage_move(struct engine *engine, struct holding *holding, enum position_trigger trigger, const char *reason) {
  struct position *position = &holding->position;
  char id[16];
  position_id_text(position, id);
  int next = engine_next_state(engine, &position_fsm, id, position->state, (int)trigger);
  if (next < 0) return;
  engine_emit_transition(engine, MACHINE_POSITION, id, position_state_names[position->state], position_state_names[next],
                         position_trigger_names[trigger], reason, position->trace_ts);
  position->state = next;
  manage_emit(engine, holding);
}

static const struct instrument *instrument_of(const struct engine *engine, const struct holding *holding) {
  return &engine->symbols[holding->position.symbol_index].market.instrument;
}

/* ---- opening ---- */

static void fill_new_position(struct engine *engine, const struct plan *plan, struct position *position) {
  const struct engine_symbol *owner = &engine->symbols[plan->symbol_index];
  *position = (struct position){.position_id = ++engine->counters.position,
                                .session_id = engine->session.session_id,
                                .side = plan->side == ORDER_BUY ? SIDE_LONG : SIDE_SHORT,
                                .strategy = plan->strategy,
                                .mode = engine->session.mode,
                                .state = POSITION_OPENING,
                                .level_id = plan->signal.level_id,
                                .level_price = plan->signal.level_price,
                                .stop = plan->stop,
                                .stop_initial = plan->stop,
                                .stop_rule = STOP_INITIAL,
                                .mark = DECIMAL_NULL,
                                .pnl_unrealised_usd = DECIMAL_NULL,
                                .pnl_usd = DECIMAL_NULL,
                                .pnl_r = NAN,
                                .price_r = NAN,
                                .add_on_price = DECIMAL_NULL,
                                .liquidation_price = DECIMAL_NULL,
                                .notional_usd = DECIMAL_NULL,
                                .leverage = plan->leverage,
                                .btc_correlation = plan->btc_correlation,
                                .opened_at = engine->now,
                                .exit_reason = -1,
                                .trace_ts = plan->trace_ts,
                                .symbol_index = plan->symbol_index,
                                .plan_id = plan->plan_id,
                                .fee_in = plan->is_retest || engine->preset.execution_config.post_only ? engine->fee_maker : engine->fee_taker,
                                .fee_out = engine->fee_taker,
                                .atr_entry = plan->signal.atr,
                                .planned_entry = plan->planned_price,
                                .signal_at = plan->signal.created_at,
                                .unprotected_since = engine->now};
  memcpy(position->symbol, owner->market.instrument.symbol, sizeof position->symbol);
  memcpy(position->venue_symbol, owner->market.instrument.venue_symbol, sizeof position->venue_symbol);
  memcpy(position->preset, engine->session.preset, sizeof position->preset);
  const struct level *level = level_find((struct level_set *)&owner->levels, plan->signal.level_id);
  if (level != NULL) position->level_sources = level->sources;
}

/* A second position of one plan counts its legs on from those of the first: no client order id is used twice. */
static void reuse_legs(const struct engine *engine, struct holding *holding, int64_t plan_id) {
  for (int32_t i = 0; i < engine->order_count; i++) {
    const struct order *order = &engine->orders[i];
    if (order->plan_id != plan_id) continue;
    if (order->purpose == PURPOSE_STOP && order->attempt >= holding->stop_attempts) holding->stop_attempts = order->attempt + 1;
    if (order->purpose >= PURPOSE_EXIT && order->attempt >= holding->exit_children) holding->exit_children = order->attempt + 1;
    for (int32_t rung = 0; rung < POSITION_TARGETS_MAX && order->purpose == PURPOSE_TARGET; rung++) {
      if (order->rung == rung && order->attempt >= holding->target_attempts[rung]) holding->target_attempts[rung] = order->attempt + 1;
    }
  }
}

struct holding *manage_open(struct engine *engine, struct plan *plan) {
  struct engine_symbol *owner = &engine->symbols[plan->symbol_index];
  int32_t place = 0;
  while (place < ENGINE_HOLDINGS_MAX && engine->holdings[place].is_used) ++place;
  if (place == ENGINE_HOLDINGS_MAX || owner->holding >= 0) return NULL;
  struct holding *holding = &engine->holdings[place];
  bool is_leftover = plan->position_id != 0;
  *holding = (struct holding){.is_used = true, .is_channel = plan->is_channel, .channel_target = plan->channel_target, .is_leftover = is_leftover};
  if (is_leftover) reuse_legs(engine, holding, plan->plan_id);
  fill_new_position(engine, plan, &holding->position);
  plan->position_id = holding->position.position_id;
  owner->holding = place;
  ++engine->open_holdings;
  char id[16];
  position_id_text(&holding->position, id);
  engine_emit_transition(engine, MACHINE_POSITION, id, "", position_state_names[POSITION_OPENING], "first_fill", "", plan->trace_ts);
  return holding;
}

/* ---- adopting ---- */

static void fill_adopted(struct engine *engine, const struct venue_position *venue, int64_t stop, struct position *position) {
  const struct engine_symbol *owner = &engine->symbols[venue->symbol];
  *position = (struct position){.position_id = ++engine->counters.position,
                                .session_id = engine->session.session_id,
                                .side = venue->side,
                                .strategy = STRATEGY_ADOPTED,
                                .mode = engine->session.mode,
                                .state = POSITION_OPENING,
                                .level_price = NAN,
                                .stop = stop,
                                .stop_initial = stop,
                                .stop_rule = STOP_INITIAL,
                                .mark = DECIMAL_NULL,
                                .pnl_unrealised_usd = DECIMAL_NULL,
                                .pnl_usd = DECIMAL_NULL,
                                .pnl_r = NAN,
                                .price_r = NAN,
                                .add_on_price = DECIMAL_NULL,
                                .liquidation_price = DECIMAL_NULL,
                                .notional_usd = DECIMAL_NULL,
                                .leverage = NAN, /* the venue does not say: its margin counts as its whole value */
                                .btc_correlation = NAN,
                                .opened_at = engine->now,
                                .exit_reason = -1,
                                .trace_ts = engine->now,
                                .symbol_index = venue->symbol,
                                .plan_id = ++engine->counters.plan,
                                .fee_in = engine->fee_taker,
                                .fee_out = engine->fee_taker,
                                .atr_entry = NAN,
                                .signal_at = engine->now,
                                .unprotected_since = engine->now};
  memcpy(position->symbol, owner->market.instrument.symbol, sizeof position->symbol);
  memcpy(position->venue_symbol, owner->market.instrument.venue_symbol, sizeof position->venue_symbol);
  memcpy(position->preset, engine->preset.name, sizeof position->preset);
}

/* What the venue holds enters the books as a fill without a fee: its price was paid before. */
static void book_adopted(struct engine *engine, const struct venue_position *venue, struct position *position) {
  struct fill fill = {.fill_id = ++engine->counters.fill,
                      .position_id = position->position_id,
                      .side = (int32_t)order_side_opening(position->side),
                      .qty = venue->qty,
                      .price = venue->entry,
                      .liquidity = LIQUIDITY_TAKER,
                      .ts = engine->now};
  memcpy(fill.symbol, position->symbol, sizeof fill.symbol);
  text_copy(fill.venue_fill_id, sizeof fill.venue_fill_id, "adopted");
  text_copy(fill.fee_asset, sizeof fill.fee_asset, "USDT");
  engine_emit_record(engine, RECORD_FILL, &fill);
  position_on_entry_fill(position, &fill, false);
  position_complete_entry(position, engine->now);
}

struct holding *manage_adopt(struct engine *engine, const struct venue_position *venue, int64_t stop) {
  struct engine_symbol *owner = &engine->symbols[venue->symbol];
  int32_t place = 0;
  while (place < ENGINE_HOLDINGS_MAX && engine->holdings[place].is_used) ++place;
  if (place == ENGINE_HOLDINGS_MAX || owner->holding >= 0) return NULL;
  struct holding *holding = &engine->holdings[place];
  *holding = (struct holding){.is_used = true, .is_adopted = true};
  fill_adopted(engine, venue, stop, &holding->position);
  owner->holding = place;
  ++engine->open_holdings;
  owner->is_foreign = false;
  engine_clear(engine, "foreign_position", owner->market.instrument.symbol);
  char id[16];
  position_id_text(&holding->position, id);
  engine_emit_transition(engine, MACHINE_POSITION, id, "", position_state_names[POSITION_OPENING], "adopted", "", holding->position.trace_ts);
  book_adopted(engine, venue, &holding->position);
  manage_move(engine, holding, POSITION_ON_ENTRY_CONFIRMED, "adopted");
  double mark = market_mark(&owner->market, engine->now);
  if (!isnan(mark)) {
    int64_t price = decimal_from_double(mark);
    position_on_price(&holding->position, price, price, price);
  }
  manage_sync_stop(engine, holding);
  engine_mark(engine, false);
  return holding;
}

/* ---- the stop ---- */

static void set_protection(struct engine *engine, struct holding *holding, bool is_protected) {
  struct position *position = &holding->position;
  if (is_protected && position->unprotected_since != 0) {
    int64_t gap = engine->now - position->unprotected_since;
    position->unprotected_ms += gap;
    engine->counts.unprotected_ms += gap;
    position->unprotected_since = 0;
    engine_clear(engine, "position_unprotected", position->symbol);
  } else if (!is_protected && position->unprotected_since == 0) {
    position->unprotected_since = engine->now;
  }
  position->protected = is_protected;
}

static void place_stop(struct engine *engine, struct holding *holding) {
  struct position *position = &holding->position;
  struct order *order =
      orders_new(engine, position->symbol_index, position->plan_id, LEG_STOP, holding->stop_attempts / 1024, holding->stop_attempts % 1024);
  if (order == NULL) return; /* the unprotected timer closes the position */
  ++holding->stop_attempts;
  order->position_id = position->position_id;
  order->purpose = PURPOSE_STOP;
  order->side = (int32_t)order_side_closing(position->side);
  order->type = ORDER_STOP_MARKET;
  order->qty = position->qty;
  order->trigger_price = position->stop;
  order->reduce_only = true;
  order->trace_ts = position->trace_ts;
  memcpy(holding->stop_order, order->client_order_id, sizeof holding->stop_order);
  orders_send(engine, order);
}

void manage_sync_stop(struct engine *engine, struct holding *holding) {
  struct position *position = &holding->position;
  if (position->qty <= 0) return;
  struct order *order = orders_find(engine, holding->stop_order);
  if (order == NULL || order_is_ended(order)) {
    set_protection(engine, holding, false);
    holding->stop_is_changing = false;
    place_stop(engine, holding);
    return;
  }
  if (holding->stop_is_changing && engine->now - holding->stop_changed_at >= AMEND_TIMEOUT_MS)
    holding->stop_is_changing = false; /* no answer: asked again */
  bool rests = order->state == ORDER_UNTRIGGERED || order->state == ORDER_WORKING || order->state == ORDER_PARTIALLY_FILLED;
  set_protection(engine, holding, rests && order_remaining(order) >= position->qty);
  bool fits = order_remaining(order) == position->qty && order->trigger_price == position->stop;
  if (!fits && order->state == ORDER_UNTRIGGERED && !holding->stop_is_changing) {
    holding->stop_is_changing = true;
    holding->stop_changed_at = engine->now;
    orders_amend(engine, order, order->filled_qty + position->qty, DECIMAL_NULL, position->stop);
  }
}

void manage_move_stop(struct engine *engine, struct holding *holding, int64_t stop, enum stop_rule rule) {
  struct position *position = &holding->position;
  struct stop_move record = {
      .position_id = position->position_id, .ts = engine->now, .old_stop = position->stop, .new_stop = stop, .rule = (int32_t)rule};
  memcpy(record.symbol, position->symbol, sizeof record.symbol);
  record.locked_r = position->r_usd > 0 ? 0 : NAN;
  position->stop = stop;
  position->stop_rule = (int32_t)rule;
  if (position->r_usd > 0) record.locked_r = -decimal_to_double(position_open_risk(position)) / decimal_to_double(position->r_usd);
  if (rule == STOP_BREAKEVEN || rule == STOP_LOCK_PROFIT) {
    ++engine->counts.breakeven_moves;
  } else if (rule != STOP_MANUAL) {
    ++engine->counts.trailing_moves;
  }
  engine_emit_record(engine, RECORD_STOP_MOVE, &record);
  manage_sync_stop(engine, holding);
  manage_emit(engine, holding);
}

/* ---- targets ---- */

static void place_target(struct engine *engine, struct holding *holding, int32_t rung) {
  struct position *position = &holding->position;
  struct target *target = &position->targets[rung];
  int32_t attempt = holding->target_attempts[rung];
  struct order *order =
      orders_new(engine, position->symbol_index, position->plan_id, LEG_TARGET, rung + POSITION_TARGETS_MAX * (attempt / 1024), attempt % 1024);
  if (order == NULL) return;
  ++holding->target_attempts[rung];
  order->position_id = position->position_id;
  order->purpose = PURPOSE_TARGET;
  order->side = (int32_t)order_side_closing(position->side);
  order->type = ORDER_LIMIT;
  order->qty = target->qty - target->filled_qty;
  order->price = target->price;
  order->reduce_only = true;
  order->rung = rung;
  order->trace_ts = position->trace_ts;
  memcpy(order->level_name, target->level_name, sizeof order->level_name);
  target->state = TARGET_WORKING;
  memcpy(target->client_order_id, order->client_order_id, sizeof target->client_order_id);
  orders_send(engine, order);
}

/* Its former order has ended: until then it may still fill. */
static bool is_free(struct engine *engine, const struct target *target) {
  const struct order *order = orders_find(engine, target->client_order_id);
  return order == NULL || order_is_ended(order);
}

/* Rungs that wait: of an entry that completed under guard, set by an operator, or found missing at the venue. */
void manage_place_targets(struct engine *engine, struct holding *holding) {
  const struct position *position = &holding->position;
  if (position->entry_completed_at == 0 || holding->exit_active) return;
  uint32_t allowed = is_managed_fully(engine, holding) ? UINT32_MAX : holding->targets_wanted;
  for (int32_t i = 0; i < position->targets_count; i++) {
    const struct target *target = &position->targets[i];
    bool waits = target->state == TARGET_WAITING && target->qty > target->filled_qty && (allowed & (1u << i)) != 0;
    if (waits && is_free(engine, target)) place_target(engine, holding, i);
  }
}

static void cancel_targets(struct engine *engine, struct holding *holding) {
  for (int32_t i = 0; i < holding->position.targets_count; i++) {
    struct order *order = orders_find(engine, holding->position.targets[i].client_order_id);
    if (order != NULL && !order_is_ended(order)) orders_cancel(engine, order);
  }
}

static struct placement_input placement_of(struct engine *engine, const struct holding *holding) {
  const struct engine_symbol *owner = &engine->symbols[holding->position.symbol_index];
  bool has_book = (owner->market.capabilities & CAPABILITY_BOOK) != 0;
  return (struct placement_input){.preset = &engine->preset,
                                  .instrument = &owner->market.instrument,
                                  .levels = &owner->levels,
                                  .density = has_book ? &owner->density : NULL,
                                  .own_level_id = holding->position.level_id};
}

void manage_on_entry_complete(struct engine *engine, struct holding *holding, struct plan *plan) {
  struct position *position = &holding->position;
  if (position->qty <= 0) return;
  position_complete_entry(position, plan->ended_by == PLAN_FILLED ? engine->last_fill_at : engine->now);
  position->liquidation_price = position->entry - position_sign(position) * decimal_divide(position->entry, decimal_from_double(plan->leverage));
  struct placement_input placement = placement_of(engine, holding);
  struct reason_list reasons = {0};
  targets_place(position, &placement, holding->channel_target, &reasons);
  if (reasons.count > 0) {
    engine_decide(engine, position->symbol_index, STAGE_POSITION, VERDICT_PASSED, REASON_target_shifted, &plan->signal, 0, 0, position->trace_ts,
                  &reasons);
  }
  if (position->state == POSITION_EXITING) return; /* an exit began while the entry was still filling */
  bool waits = engine->exits.has_confirmation && !holding->is_channel;
  manage_move(engine, holding, waits ? POSITION_ON_ENTRY_COMPLETE : POSITION_ON_ENTRY_CONFIRMED, "entry complete");
  manage_place_targets(engine, holding);
  manage_sync_stop(engine, holding);
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

void manage_on_fill(struct engine *engine, struct order *order, const struct fill *fill, bool path_dependent) {
  struct holding *holding = manage_find(engine, order != NULL ? order->position_id : fill->position_id);
  if (holding == NULL) {
    ledger_on_fee(&engine->ledger, fill->fee_usd);
    if (order != NULL && order->position_id == 0) { /* of a position that was never ours: its profit is known to the venue only */
      reconcile_begin(engine, "foreign_closed");
      return;
    }
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
    engine_raise(engine, "late_fill", SEVERITY_CRITICAL, position->symbol, decimal_to_double(excess), NAN, "more was closed than was open");
    reconcile_begin(engine, "excess_fill");
  }
  ledger_on_realised(&engine->ledger, position->pnl_realised_usd - realised_before);
  ledger_on_fee(&engine->ledger, fill->fee_usd);
  if (path_dependent) position->path_dependent = true;
  bool is_target = order != NULL && order->purpose == PURPOSE_TARGET;
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

/* No further entry for a position that is being closed. */
static void stop_entry(struct engine *engine, const struct holding *holding) {
  int32_t place = engine->symbols[holding->position.symbol_index].plan;
  if (place < 0) return;
  execution_stop(&engine->plans[place], PLAN_CANCELLED);
  enter_advance(engine, &engine->plans[place]);
}

/* ---- the end ---- */

static void decide_exit(struct engine *engine, const struct holding *holding, enum reason_code code, double value) {
  struct reason_list reasons = {0};
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
  set_protection(engine, holding, true);
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
  stop_entry(engine, holding);
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
  cancel_targets(engine, holding);
  stop_entry(engine, holding);
  if (had_exit) {
    orders_cancel(engine, orders_find(engine, holding->exit_order)); /* the next attempt follows when it has ended */
  } else {
    send_exit(engine, holding);
  }
}

void manage_close_share(struct engine *engine, struct holding *holding, double fraction, bool is_immediate) {
  const struct instrument *instrument = instrument_of(engine, holding);
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

/* Positions in order of notional, largest first (positions 7). */
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

/* One attempt ended without closing the position: the next is one step more urgent, after enough of them at market. */
static void next_exit_attempt(struct engine *engine, struct holding *holding) {
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

static void on_stop_end(struct engine *engine, struct holding *holding, const struct order *order, enum reject_kind kind) {
  if (strcmp(order->client_order_id, holding->stop_order) != 0) return;
  holding->stop_is_changing = false;
  if (order->state == ORDER_FILLED) return;
  set_protection(engine, holding, false);
  if (order->state == ORDER_REJECTED && kind == REJECT_PRICE) {
    manage_close(engine, holding, URGENCY_IMMEDIATE, exit_rules_stop_reason((enum stop_rule)holding->position.stop_rule), PURPOSE_EXIT,
                 "price already beyond the stop");
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
      next_exit_attempt(engine, holding);
    }
  }
}

void manage_on_order_change(struct engine *engine, struct order *order, bool is_amended) {
  if (order->purpose == PURPOSE_ENTRY || order->purpose == PURPOSE_ADD_ON) return;
  struct holding *holding = manage_find(engine, order->position_id);
  if (holding != NULL && order->purpose == PURPOSE_TARGET) ladder_on_order_change(engine, holding, order, is_amended);
  if (holding == NULL || order->purpose != PURPOSE_STOP || strcmp(order->client_order_id, holding->stop_order) != 0) return;
  if (order->state == ORDER_WORKING) stop_entry(engine, holding); /* triggered */
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
  const struct instrument *instrument = instrument_of(engine, holding);
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
  struct placement_input placement = placement_of(engine, holding);
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
  if (is_managed_fully(engine, holding)) {
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
    next_exit_attempt(engine, holding);
  } else if (order->type == ORDER_LIMIT && engine->now - holding->exit_sent_at >= engine->exits.exiting_timeout_s * INT64_C(1000)) {
    orders_cancel(engine, order);
  }
}

static void watch_delisting(struct engine *engine, struct holding *holding) {
  const struct instrument *instrument = instrument_of(engine, holding);
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
  if ((double)(engine->now - holding->rules_at) < engine->exits.monitor_interval_s * 1000.0 || !is_managed_fully(engine, holding)) return;
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
    if (holding->is_used && is_managed_fully(engine, holding)) watch_delisting(engine, holding);
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
