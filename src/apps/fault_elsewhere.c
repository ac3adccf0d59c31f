/* What happens at the venue without the program: the venue takes positions by force, and a person trades the same account by hand. */
#include <stdio.h>

#include "apps/fault_state.h"

enum { HAND_UNITS = 400, REST_BPS = 500, TURNS = 50 /* of a position, on average, before something happens to it */ };

/* A symbol with a position, by lot; -1 none, or not yet. */
static int32_t held_symbol(struct session *session) {
  int32_t held[FAULT_SYMBOLS];
  if (random_below(&session->random, TURNS) != 0) return -1;
  uint64_t count = 0;
  for (int32_t i = 0; i < FAULT_SYMBOLS; i++) {
    if (judge_holds(&session->judge, i)) held[count++] = i;
  }
  return count > 0 ? held[random_below(&session->random, count)] : -1;
}

static bool take(struct session *session, bool is_deleveraging) {
  int32_t symbol = held_symbol(session);
  struct venue_position position;
  if (symbol < 0 || !sim_position(&session->sim, symbol, &position)) return false;
  int64_t part = position.qty;
  if (is_deleveraging) part = decimal_to_step(position.qty / (2 + (int64_t)random_below(&session->random, 4)), session->lots[symbol], ROUND_UP);
  int64_t taken = sim_take_position(&session->sim, symbol, part, is_deleveraging);
  if (taken > 0) judge_taken(&session->judge, symbol, taken);
  return taken > 0;
}

/* An order with an id of the venue's app. */
static struct order *hand_order(struct session *session, struct intent *intent, int32_t symbol, enum order_side side, int64_t qty) {
  *intent = (struct intent){.ts = session->now, .kind = INTENT_PLACE_ORDER, .place_order = {.symbol = symbol, .order_count = 1}};
  struct order *order = &intent->place_order.order[0];
  (void)snprintf(order->client_order_id, sizeof order->client_order_id, "app-%lld", (long long)++session->hand_orders);
  order->side = (int32_t)side;
  order->type = ORDER_MARKET;
  order->qty = qty;
  order->price = order->trigger_price = DECIMAL_NULL;
  return order;
}

static void send_by_hand(struct session *session, const struct intent *intent) {
  session->venue.submit(session->venue.self, intent);
}

static bool close_by_hand(struct session *session) {
  int32_t symbol = held_symbol(session);
  struct venue_position position;
  if (symbol < 0 || !sim_position(&session->sim, symbol, &position)) return false;
  struct intent intent;
  hand_order(session, &intent, symbol, order_side_closing(position.side), position.qty)->reduce_only = true;
  send_by_hand(session, &intent);
  return true;
}

static enum order_side any_side(struct session *session) {
  return random_below(&session->random, 2) == 0 ? ORDER_BUY : ORDER_SELL;
}

static bool trade_by_hand(struct session *session) {
  struct intent intent;
  int32_t symbol = (int32_t)random_below(&session->random, FAULT_SYMBOLS);
  int64_t qty = (1 + (int64_t)random_below(&session->random, HAND_UNITS)) * DECIMAL_ONE;
  hand_order(session, &intent, symbol, any_side(session), qty);
  send_by_hand(session, &intent);
  return true;
}

/* Away from the price by up to REST_BPS. */
static bool rest_by_hand(struct session *session) {
  struct intent intent;
  int32_t symbol = (int32_t)random_below(&session->random, FAULT_SYMBOLS);
  enum order_side side = any_side(session);
  int64_t bps = 1 + (int64_t)random_below(&session->random, REST_BPS);
  struct order *order = hand_order(session, &intent, symbol, side, DECIMAL_ONE * (1 + (int64_t)random_below(&session->random, HAND_UNITS)));
  int64_t price = decimal_from_double(session->candles[symbol][session->told[symbol]].open);
  price += (side == ORDER_BUY ? -1 : 1) * decimal_multiply_divide(price, bps, 10000, ROUND_NEAREST);
  order->type = ORDER_LIMIT;
  order->price = decimal_to_step(price, DECIMAL_ONE / GENERATE_TICKS_PER_UNIT, ROUND_NEAREST);
  send_by_hand(session, &intent);
  session->hand_rests = session->hand_orders;
  return true;
}

static void cancel_by_hand(struct session *session) {
  struct intent intent = {.ts = session->now, .kind = INTENT_CANCEL_ORDER};
  (void)snprintf(intent.cancel_order.client_order_id, sizeof intent.cancel_order.client_order_id, "app-%lld", (long long)session->hand_rests);
  send_by_hand(session, &intent);
}

static bool strike(struct session *session, enum fault_kind kind) {
  switch (kind) {
    case FAULT_LIQUIDATED:
      return take(session, false);
    case FAULT_DELEVERAGED:
      return take(session, true);
    case FAULT_CLOSED_ELSEWHERE:
      return close_by_hand(session);
    case FAULT_TRADED_ELSEWHERE:
      return trade_by_hand(session);
    default:
      return rest_by_hand(session);
  }
}

void elsewhere_turn(struct session *session) {
  for (int32_t i = 0; i < session->options->fault_count; i++) {
    const struct fault *fault = &session->faults[i];
    if (fault_rows[fault->kind].place != FAULT_AT_VENUE || session->now < fault->from || session->now > fault->until) continue;
    if ((session->struck & (1u << i)) == 0) {
      if (!strike(session, fault->kind)) continue;
      session->struck |= 1u << i;
      session_say(session, fault_rows[fault->kind].name);
    } else if (fault->kind == FAULT_ORDER_ELSEWHERE && session->now == fault->until) {
      cancel_by_hand(session);
    } else {
      continue;
    }
    fault_line_turn(&session->line, session->now);
  }
}
