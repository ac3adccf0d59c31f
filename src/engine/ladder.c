/* The ladder of targets that an operator set (positions 4): what rests at the venue is brought to it, also through requests that are on their way,
 * refused or lost, and after a restart. The position's rungs say what is wanted; orders are cancelled, amended and placed until they agree. A rung
 * gets a new order only when its old one has ended, so that nothing is sent twice. */
#include <string.h>

#include "engine/engine_state.h"

static bool is_wanted(const struct holding *holding, int32_t rung) {
  return (holding->targets_wanted & (1u << rung)) != 0;
}

static int64_t rest_of(const struct target *target) {
  return target->qty - target->filled_qty;
}

/* Quantity of the order so that, with what it has filled, the rung's rest is left. Earlier orders of the rung may have filled a part of it. */
static int64_t order_qty(const struct order *order, const struct target *target) {
  return order->filled_qty + rest_of(target);
}

static bool agrees(const struct order *order, const struct target *target) {
  return order->price == target->price && order->qty == order_qty(order, target);
}

static bool is_resting(const struct order *order) {
  return (order->state == ORDER_WORKING || order->state == ORDER_PARTIALLY_FILLED) && order->cancel_sent_at == 0;
}

uint32_t ladder_busy(struct engine *engine, const struct holding *holding) {
  uint32_t busy = 0;
  for (int32_t i = 0; i < holding->position.targets_count; i++) {
    const struct order *order = orders_find(engine, holding->position.targets[i].client_order_id);
    if (order != NULL && !order_is_ended(order)) busy |= 1u << i;
  }
  return busy;
}

/* Asks the venue to change the order of a rung, unless it was asked just now. */
static void sync_rung(struct engine *engine, struct holding *holding, int32_t rung) {
  const struct target *target = &holding->position.targets[rung];
  struct order *order = orders_find(engine, target->client_order_id);
  if (order == NULL || !is_resting(order) || target->state != TARGET_WORKING) return;
  if (agrees(order, target)) {
    holding->target_changed_at[rung] = 0;
    return;
  }
  int64_t asked_at = holding->target_changed_at[rung];
  if (asked_at != 0 && engine->now - asked_at < AMEND_TIMEOUT_MS) return;
  if (rest_of(target) <= 0) return; /* its end is on the way */
  holding->target_changed_at[rung] = engine->now;
  orders_amend(engine, order, order_qty(order, target), target->price, DECIMAL_NULL);
}

/* Those that shrink first: the rungs together never ask for more than is open. */
static void sync_all(struct engine *engine, struct holding *holding, bool shrinking) {
  for (int32_t i = 0; i < holding->position.targets_count; i++) {
    const struct target *target = &holding->position.targets[i];
    const struct order *order = is_wanted(holding, i) ? orders_find(engine, target->client_order_id) : NULL;
    if (order != NULL && (order->qty > order_qty(order, target)) == shrinking) sync_rung(engine, holding, i);
  }
}

void ladder_sync(struct engine *engine, struct holding *holding) {
  if (holding->targets_wanted == 0 || (holding->exit_active && !holding->is_partial_close)) return;
  sync_all(engine, holding, true);
  sync_all(engine, holding, false);
}

void ladder_withdraw(struct engine *engine, struct holding *holding, int32_t rung) {
  struct target *target = &holding->position.targets[rung];
  struct order *order = orders_find(engine, target->client_order_id);
  holding->targets_withdrawn |= 1u << rung;
  holding->targets_wanted &= ~(1u << rung);
  holding->target_changed_at[rung] = 0;
  if (target->state == TARGET_WAITING) target->state = TARGET_CANCELLED;
  if (order != NULL && !order_is_ended(order)) orders_cancel(engine, order);
}

/* A rung of the plan whose order can be changed keeps it; else a new one follows when the old one has ended. */
static void want(struct engine *engine, struct holding *holding, int32_t rung) {
  struct target *target = &holding->position.targets[rung];
  const struct order *order = orders_find(engine, target->client_order_id);
  bool keeps_order = order != NULL && !order_is_ended(order) && order->state != ORDER_CANCELLING && order->cancel_sent_at == 0;
  holding->targets_withdrawn &= ~(1u << rung);
  holding->targets_wanted |= 1u << rung;
  holding->target_changed_at[rung] = 0;
  target->state = keeps_order ? TARGET_WORKING : TARGET_WAITING;
}

void ladder_set(struct engine *engine, struct holding *holding, const struct target_plan *plan) {
  struct position *position = &holding->position;
  uint32_t planned = 0;
  for (int32_t i = 0; i < plan->count; i++) planned |= 1u << plan->rung[i];
  holding->ladder_refused = false;
  for (int32_t i = 0; i < position->targets_count; i++) {
    bool is_open = position->targets[i].state == TARGET_WAITING || position->targets[i].state == TARGET_WORKING;
    if (is_open && (planned & (1u << i)) == 0) ladder_withdraw(engine, holding, i);
  }
  targets_apply_changes(position, plan);
  for (int32_t i = 0; i < plan->count; i++) want(engine, holding, plan->rung[i]);
  ladder_sync(engine, holding);
  manage_place_targets(engine, holding);
}

void ladder_on_order_change(struct engine *engine, struct holding *holding, const struct order *order, bool is_amended) {
  if (order->rung < 0 || order->rung >= POSITION_TARGETS_MAX) return;
  if (is_amended) holding->target_changed_at[order->rung] = 0;
  if (is_wanted(holding, order->rung)) sync_rung(engine, holding, order->rung);
}

void ladder_on_amend_refused(struct holding *holding, const struct order *order, enum reject_kind kind) {
  int32_t rung = order->rung;
  if (rung < 0 || rung >= holding->position.targets_count || !is_wanted(holding, rung)) return;
  if (kind == REJECT_OTHER) return; /* nothing is known: asked again when its time is over */
  struct target *target = &holding->position.targets[rung];
  if (strcmp(target->client_order_id, order->client_order_id) != 0) return;
  target->price = order->price; /* what rests is what there is */
  target->qty = target->filled_qty + order_remaining(order);
  holding->target_changed_at[rung] = 0;
  holding->ladder_refused = true;
}

/* A rung that is wanted: does it rest as it should? */
static enum outcome outcome_of_wanted(struct engine *engine, const struct holding *holding, int32_t rung) {
  const struct target *target = &holding->position.targets[rung];
  const struct order *order = orders_find(engine, target->client_order_id);
  if (target->state == TARGET_FILLED) return OUTCOME_DONE;
  if (target->state == TARGET_CANCELLED) return OUTCOME_FAILED; /* refused or cancelled by the venue */
  if (target->state == TARGET_WAITING || order == NULL || !is_resting(order)) return OUTCOME_OPEN;
  return agrees(order, target) ? OUTCOME_DONE : OUTCOME_OPEN;
}

enum outcome ladder_outcome(struct engine *engine, const struct holding *holding) {
  enum outcome outcome = OUTCOME_DONE;
  if (holding->ladder_refused) return OUTCOME_FAILED;
  for (int32_t i = 0; i < holding->position.targets_count; i++) {
    if (is_wanted(holding, i)) {
      enum outcome rung = outcome_of_wanted(engine, holding, i);
      if (rung == OUTCOME_FAILED) return rung;
      if (rung == OUTCOME_OPEN) outcome = rung;
    } else if ((holding->targets_withdrawn & (1u << i)) != 0 && (ladder_busy(engine, holding) & (1u << i)) != 0) {
      outcome = OUTCOME_OPEN;
    }
  }
  return outcome;
}
