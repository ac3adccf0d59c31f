/* Closing orders of ours that our books have lost: sent while the journal could not be written, then the process ended. Their fills carry our client
 * order id, and that says which position they closed: booked as what they are, not as an unexplained difference. */
#include <string.h>

#include "engine/engine_state.h"

static enum order_purpose purpose_of(enum order_leg leg) {
  switch (leg) {
    case LEG_STOP:
      return PURPOSE_STOP;
    case LEG_TARGET:
      return PURPOSE_TARGET;
    case LEG_MANUAL:
      return PURPOSE_MANUAL;
    case LEG_FLATTEN:
      return PURPOSE_FLATTEN;
    default:
      return PURPOSE_EXIT;
  }
}

static void raise_to(int32_t *count, int32_t used) {
  if (used >= *count) *count = used + 1;
}

/* Its id is taken: the next order of the leg has another one. */
static void count_leg(struct holding *holding, struct order *order, int32_t child) {
  int32_t used = 1024 * child + order->attempt;
  if (order->purpose == PURPOSE_STOP) {
    raise_to(&holding->stop_attempts, used);
  } else if (order->purpose == PURPOSE_TARGET) {
    order->rung = child % POSITION_TARGETS_MAX;
    raise_to(&holding->target_attempts[order->rung], 1024 * (child / POSITION_TARGETS_MAX) + order->attempt);
  } else {
    raise_to(&holding->exit_children, used);
  }
}

struct order *orders_take_lost(struct engine *engine, const struct event_fill *event) {
  int64_t plan_id;
  enum order_leg leg;
  int32_t child;
  int32_t attempt;
  if (!order_parse_client_id(event->client_order_id, engine->config.instance, &plan_id, &leg, &child, &attempt)) return NULL;
  bool is_known_symbol = event->symbol >= 0 && event->symbol < engine->symbol_count;
  if (leg == LEG_ENTRY || leg == LEG_ADD_ON || !is_known_symbol || engine->symbols[event->symbol].holding < 0) return NULL;
  struct holding *holding = &engine->holdings[engine->symbols[event->symbol].holding];
  const struct position *position = &holding->position;
  if (position->plan_id != plan_id || event->side != (int32_t)order_side_closing(position->side)) return NULL;
  struct order *order = orders_new(engine, event->symbol, plan_id, leg, child, attempt);
  if (order == NULL) return NULL;
  order->position_id = position->position_id;
  order->purpose = (int32_t)purpose_of(leg);
  order->side = event->side;
  order->type = leg == LEG_STOP ? ORDER_STOP_MARKET : leg == LEG_TARGET ? ORDER_LIMIT : ORDER_MARKET;
  order->qty = event->qty; /* how much it was for is not known: what was filled, until more is */
  order->reduce_only = true;
  order->trace_ts = position->trace_ts;
  count_leg(holding, order, child);
  if (leg == LEG_STOP) order->trigger_price = position->stop;
  if (leg == LEG_TARGET) order->price = order->rung < position->targets_count ? position->targets[order->rung].price : event->price;
  if (!holding->exit_active) holding->exit_reason = leg == LEG_MANUAL ? REASON_manual : REASON_reconciled;
  orders_move(engine, order, ORDER_ON_SENT, "known by its fill alone");
  return order;
}

bool orders_is_lost(const struct order *order) {
  return order->sent_at == 0 && order->state != ORDER_PLANNED;
}
