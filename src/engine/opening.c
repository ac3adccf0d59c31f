/* How a position begins: by its first fill, or adopted from the venue (positions 2, execution 6). */
#include <math.h>
#include <string.h>

#include "engine/engine_state.h"

/* ---- opening ---- */

/* A position of which nothing is known yet but whose it is and when it began; what a venue or a market tells later is null. */
static struct position blank_position(struct engine *engine, int32_t symbol) {
  const struct instrument *instrument = &engine->symbols[symbol].market.instrument;
  struct position position = {.position_id = ++engine->counters.position,
                              .session_id = engine->session.session_id,
                              .mode = engine->session.mode,
                              .state = POSITION_OPENING,
                              .stop_rule = STOP_INITIAL,
                              .mark = DECIMAL_NULL,
                              .pnl_unrealised_usd = DECIMAL_NULL,
                              .pnl_usd = DECIMAL_NULL,
                              .pnl_r = NAN,
                              .price_r = NAN,
                              .add_on_price = DECIMAL_NULL,
                              .liquidation_price = DECIMAL_NULL,
                              .notional_usd = DECIMAL_NULL,
                              .opened_at = engine->now,
                              .exit_reason = -1,
                              .symbol_index = symbol,
                              .fee_in = engine->fee_taker,
                              .fee_out = engine->fee_taker,
                              .unprotected_since = engine->now};
  memcpy(position.symbol, instrument->symbol, sizeof position.symbol);
  memcpy(position.venue_symbol, instrument->venue_symbol, sizeof position.venue_symbol);
  return position;
}

static void fill_new_position(struct engine *engine, const struct plan *plan, struct position *position) {
  *position = blank_position(engine, plan->symbol_index);
  position->side = plan->side == ORDER_BUY ? SIDE_LONG : SIDE_SHORT;
  position->strategy = plan->strategy;
  position->level_id = plan->signal.level_id;
  position->level_price = plan->signal.level_price;
  position->stop = plan->stop;
  position->stop_initial = plan->stop;
  position->leverage = plan->leverage;
  position->btc_correlation = plan->btc_correlation;
  position->trace_ts = plan->trace_ts;
  position->plan_id = plan->plan_id;
  if (plan->is_retest || engine->preset.execution_config.post_only) position->fee_in = engine->fee_maker;
  position->atr_entry = plan->signal.atr;
  position->planned_entry = plan->planned_price;
  position->signal_at = plan->signal.created_at;
  memcpy(position->preset, engine->session.preset, sizeof position->preset);
  const struct level *level = level_find(&engine->symbols[plan->symbol_index].levels, plan->signal.level_id);
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
  owner->foreign_qty = 0;
  ++engine->open_holdings;
  char id[16];
  manage_id_text(&holding->position, id);
  engine_emit_transition(engine, MACHINE_POSITION, id, "", position_state_names[POSITION_OPENING], "first_fill", "", plan->trace_ts);
  return holding;
}

/* ---- adopting ---- */

static void fill_adopted(struct engine *engine, const struct venue_position *venue, int64_t stop, struct position *position) {
  *position = blank_position(engine, venue->symbol);
  position->side = venue->side;
  position->strategy = STRATEGY_ADOPTED;
  position->level_price = NAN;
  position->stop = stop;
  position->stop_initial = stop;
  position->leverage = NAN; /* the venue does not say: its margin counts as its whole value */
  position->btc_correlation = NAN;
  position->trace_ts = engine->now;
  position->plan_id = ++engine->counters.plan;
  position->atr_entry = NAN;
  position->signal_at = engine->now;
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
  owner->foreign_qty = 0;
  owner->is_foreign = false;
  engine_clear(engine, "foreign_position", owner->market.instrument.symbol);
  char id[16];
  manage_id_text(&holding->position, id);
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
