/* What rests at the venue for an open position: its stop and its targets (positions 4 and 5). */
#include <math.h>
#include <string.h>

#include "engine/engine_state.h"

/* ---- the stop ---- */

void manage_set_protection(struct engine *engine, struct holding *holding, bool is_protected) {
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
    manage_set_protection(engine, holding, false);
    holding->stop_is_changing = false;
    place_stop(engine, holding);
    return;
  }
  if (holding->stop_is_changing && engine->now - holding->stop_changed_at >= AMEND_TIMEOUT_MS)
    holding->stop_is_changing = false; /* no answer: asked again */
  bool rests = order->state == ORDER_UNTRIGGERED || order->state == ORDER_WORKING || order->state == ORDER_PARTIALLY_FILLED;
  manage_set_protection(engine, holding, rests && order_remaining(order) >= position->qty);
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

void manage_place_targets(struct engine *engine, struct holding *holding) {
  const struct position *position = &holding->position;
  if (position->entry_completed_at == 0 || holding->exit_active) return;
  uint32_t allowed = manage_is_full(engine, holding) ? UINT32_MAX : holding->targets_wanted;
  for (int32_t i = 0; i < position->targets_count; i++) {
    const struct target *target = &position->targets[i];
    bool waits = target->state == TARGET_WAITING && target->qty > target->filled_qty && (allowed & (1u << i)) != 0;
    if (waits && is_free(engine, target)) place_target(engine, holding, i);
  }
}

void manage_cancel_targets(struct engine *engine, struct holding *holding) {
  for (int32_t i = 0; i < holding->position.targets_count; i++) {
    struct order *order = orders_find(engine, holding->position.targets[i].client_order_id);
    if (order != NULL && !order_is_ended(order)) orders_cancel(engine, order);
  }
}

struct placement_input manage_placement(struct engine *engine, const struct holding *holding) {
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
  struct placement_input placement = manage_placement(engine, holding);
  struct reason_list reasons;
  reasons.count = 0;
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
