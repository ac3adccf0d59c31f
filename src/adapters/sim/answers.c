/* The queue of answers to the runner. */
#include <string.h>

#include "adapters/sim/state.h"
#include "base/check.h"
#include "base/text.h"

struct sim_answer *sim_answer(struct sim *sim, enum event_kind kind, int64_t ts) {
  struct sim_state *state = sim->state;
  check(state->answer_tail - state->answer_head < SIM_ANSWERS_MAX);
  struct sim_answer *answer = &state->answers[state->answer_tail++ % SIM_ANSWERS_MAX];
  memset(answer, 0, sizeof *answer);
  if (ts > state->now) state->now = ts;
  answer->ts = state->now;
  answer->kind = (int32_t)kind;
  return answer;
}

int32_t sim_answer_room(const struct sim *sim) {
  return SIM_ANSWERS_MAX - SIM_ANSWERS_SPARE - (int32_t)(sim->state->answer_tail - sim->state->answer_head);
}

void sim_answer_reject(struct sim *sim, const char *client_order_id, enum reject_kind kind, const char *code, const char *text) {
  struct event_order_reject *reject = &sim_answer(sim, EVENT_ORDER_REJECT, 0)->order_reject;
  text_copy(reject->client_order_id, sizeof reject->client_order_id, client_order_id);
  reject->kind = (int32_t)kind;
  text_copy(reject->code, sizeof reject->code, code);
  text_copy(reject->text, sizeof reject->text, text);
}

void sim_answer_update(struct sim *sim, const struct sim_order *order, enum order_change change, const char *code, int64_t ts) {
  struct event_order_update *update = &sim_answer(sim, EVENT_ORDER_UPDATE, ts)->order_update;
  memcpy(update->client_order_id, order->client_order_id, ORDER_ID_MAX);
  update->change = (int32_t)change;
  update->qty = order->qty;
  update->price = order->price;
  update->trigger_price = order->trigger;
  update->filled_qty = order->filled;
  text_copy(update->code, sizeof update->code, code);
}

void sim_print_id(char out[ORDER_ID_MAX], char prefix, int64_t number) {
  struct text text;
  text_init(&text, out, ORDER_ID_MAX);
  text_add_id(&text, prefix, 10, number);
}

void sim_describe_order(const struct sim_order *order, struct venue_order *out) {
  memset(out, 0, sizeof *out);
  memcpy(out->client_order_id, order->client_order_id, ORDER_ID_MAX);
  sim_print_id(out->venue_order_id, 'V', order->number);
  out->symbol = order->symbol;
  out->state = (int32_t)order->state;
  out->qty = order->qty;
  out->filled_qty = order->filled;
  out->price = order->price;
  out->trigger_price = order->trigger;
}

/* ---- fetching ---- */

static void start_replay(struct sim_state *state, int64_t since) {
  int64_t oldest = state->fill_count - SIM_FILLS_KEPT + 1;
  state->replay_from = oldest > 1 ? oldest : 1;
  state->replay_since = since;
}

bool sim_replay_pop(struct sim *sim, struct event *out) {
  struct sim_state *state = sim->state;
  while (state->replay_from != 0) {
    if (state->replay_from > state->fill_count) { /* told that all of them were */
      state->replay_from = 0;
      *out = (struct event){.ts = state->now, .kind = EVENT_QUERY_RESULT, .query_result = {.query = QUERY_FILLS, .is_found = true}};
      return true;
    }
    const struct sim_fill *kept = &state->fills[state->replay_from++ % SIM_FILLS_KEPT];
    if (kept->ts < state->replay_since) continue;
    *out = (struct event){.ts = state->now, .kind = EVENT_FILL, .fill = kept->fill};
    return true;
  }
  return false;
}

/* False when the answer is only the start of a replay. */
static bool fetch_query(struct sim *sim, const struct sim_answer *answer, struct event *out) {
  struct sim_state *state = sim->state;
  const struct sim_query_answer *query = &answer->query;
  if (query->query == QUERY_FILLS) {
    start_replay(state, query->since);
    return false;
  }
  if (query->query == QUERY_POSITIONS) {
    out->kind = EVENT_VENUE_POSITIONS;
    out->venue_positions =
        (struct event_venue_positions){.is_complete = true, .positions_count = state->listed_position_count, .positions = state->listed_positions};
    return true;
  }
  out->query_result = (struct event_query_result){.query = (int32_t)query->query, .is_found = query->is_found};
  memcpy(out->query_result.client_order_id, query->client_order_id, ORDER_ID_MAX);
  if (query->query == QUERY_ORDERS) {
    out->query_result.orders_count = state->listed_order_count;
    out->query_result.orders = state->listed_orders;
  } else if (query->is_found) {
    out->query_result.orders_count = 1;
    out->query_result.orders = &query->order; /* its place is not taken again before the next call */
  }
  return true;
}

bool sim_answer_pop(struct sim *sim, struct event *out) {
  struct sim_state *state = sim->state;
  while (state->answer_head != state->answer_tail) {
    const struct sim_answer *answer = &state->answers[state->answer_head++ % SIM_ANSWERS_MAX];
    *out = (struct event){.ts = answer->ts, .kind = answer->kind};
    switch (answer->kind) {
      case EVENT_ORDER_ACK:
        out->order_ack = answer->order_ack;
        return true;
      case EVENT_ORDER_REJECT:
        out->order_reject = answer->order_reject;
        return true;
      case EVENT_ORDER_UPDATE:
        out->order_update = answer->order_update;
        return true;
      case EVENT_FILL:
        out->fill = answer->fill;
        return true;
      case EVENT_ACCOUNT:
        out->account = answer->account;
        return true;
      case EVENT_FUNDING_PAYMENT:
        out->funding_payment = answer->funding_payment;
        return true;
      case EVENT_LIQUIDATION:
        out->liquidation = answer->liquidation;
        return true;
      case EVENT_ADL:
        out->adl = answer->adl;
        return true;
      default:
        check(answer->kind == EVENT_QUERY_RESULT);
        if (fetch_query(sim, answer, out)) return true;
        return sim_replay_pop(sim, out);
    }
  }
  return false;
}
