/* Requests: the rules of the venue, the table of orders, queries. */
#include <math.h>
#include <string.h>

#include "adapters/sim/state.h"
#include "base/check.h"
#include "base/text.h"

/* ---- the table ---- */

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static uint64_t hash_id(const char *id) {
  uint64_t hash = UINT64_C(14695981039346656037);
  for (; *id != '\0'; id++) hash = (hash ^ (unsigned char)*id) * UINT64_C(1099511628211);
  return hash;
}

/* From the newest back: what is amended or cancelled was mostly sent a moment ago. */
static struct sim_order *find_order(struct sim *sim, const char *client_order_id) {
  struct sim_state *state = sim->state;
  uint64_t hash = hash_id(client_order_id);
  if (state->hashes[hash % SIM_HASHES] == 0) return NULL;
  for (int64_t i = 1; i <= SIM_ORDERS_MAX; i++) {
    struct sim_order *order = &state->orders[(uint64_t)(state->next_order - i) % SIM_ORDERS_MAX];
    if (order->number != 0 && order->hash == hash && text_equal(order->client_order_id, client_order_id)) return order;
  }
  return NULL;
}

/* The place whose ended order is the oldest in turn. There is one: at most SIM_LIVE_MAX are live. */
static struct sim_order *take_place(struct sim_state *state) {
  for (;;) {
    struct sim_order *order = &state->orders[state->next_order++ % SIM_ORDERS_MAX];
    if (order->number == 0 || !sim_is_live(order)) return order;
  }
}

static void link_order(struct sim *sim, struct sim_order *order) {
  struct sim_symbol *symbol = &sim->symbols[order->symbol];
  int32_t place = (int32_t)(order - sim->state->orders);
  order->previous = symbol->last;
  order->next = -1;
  if (symbol->last >= 0) {
    sim->state->orders[symbol->last].next = place;
  } else {
    symbol->first = place;
  }
  symbol->last = place;
  symbol->live_count++;
  sim->state->live_orders++;
}

void sim_end_order(struct sim *sim, struct sim_order *order, enum order_state state) {
  struct sim_symbol *symbol = &sim->symbols[order->symbol];
  check(sim_is_live(order));
  order->state = state;
  if (order->previous >= 0) {
    sim->state->orders[order->previous].next = order->next;
  } else {
    symbol->first = order->next;
  }
  if (order->next >= 0) {
    sim->state->orders[order->next].previous = order->previous;
  } else {
    symbol->last = order->previous;
  }
  symbol->live_count--;
  sim->state->live_orders--;
}

void sim_cancel(struct sim *sim, struct sim_order *order, const char *code, int64_t ts) {
  sim_end_order(sim, order, ORDER_CANCELLED);
  sim_answer_update(sim, order, CHANGE_CANCELLED, code, ts);
  sim_watch_protection(sim, &sim->symbols[order->symbol]);
}

/* ---- the rules ---- */

struct refusal {
  enum reject_kind kind;
  const char *code, *text;
};

static const struct refusal refused_symbol = {REJECT_RULE, "unknown_symbol", "the venue does not know the symbol"};
static const struct refusal refused_status = {REJECT_RULE, "not_trading", "the symbol does not trade"};
static const struct refusal refused_fields = {REJECT_RULE, "bad_fields", "a price is missing or one too many is given"};
static const struct refusal refused_tick = {REJECT_RULE, "tick", "the price is not a multiple of the tick size"};
static const struct refusal refused_lot = {REJECT_RULE, "lot", "the quantity is not a multiple of the lot size"};
static const struct refusal refused_min_qty = {REJECT_RULE, "min_qty", "the quantity is below the minimum"};
static const struct refusal refused_max_qty = {REJECT_RULE, "max_qty", "the quantity is above the maximum"};
static const struct refusal refused_notional = {REJECT_RULE, "min_notional", "the value is below the minimum"};
static const struct refusal refused_reduce_only = {REJECT_REDUCE_ONLY, "reduce_only", "there is no position to reduce"};
static const struct refusal refused_trigger = {REJECT_PRICE, "trigger_passed", "the price is at or beyond the trigger"};
static const struct refusal refused_post_only = {REJECT_POST_ONLY, "post_only", "the order would take"};
static const struct refusal refused_margin = {REJECT_MARGIN, "margin", "free margin does not cover the order and its fee"};
static const struct refusal refused_duplicate = {REJECT_OTHER, "duplicate", "the client order id is known"};
static const struct refusal refused_too_many = {REJECT_OTHER, "too_many_orders", "the venue holds no more orders"};

static bool is_on_grid(int64_t price, const struct sim_symbol *symbol) {
  return price == DECIMAL_NULL || (price > 0 && price % symbol->instrument.tick_size == 0);
}

static const struct refusal *check_price(const struct sim_symbol *symbol, const struct sim_order *order) {
  if ((order->price != DECIMAL_NULL) != (order->type == ORDER_LIMIT)) return &refused_fields;
  if ((order->trigger != DECIMAL_NULL) != (order->type == ORDER_STOP_MARKET)) return &refused_fields;
  return is_on_grid(order->price, symbol) && is_on_grid(order->trigger, symbol) ? NULL : &refused_tick;
}

/* A remnant of a position below the minimum can still be closed. */
static const struct refusal *check_quantity(const struct sim_symbol *symbol, const struct sim_order *order) {
  const struct instrument *instrument = &symbol->instrument;
  int64_t most = order->type == ORDER_LIMIT ? instrument->max_limit_qty : instrument->max_market_qty;
  bool closes_all = order->is_reduce_only && order->qty >= sim_magnitude(symbol->position);
  if (order->qty <= 0 || order->qty % instrument->lot_size != 0) return &refused_lot;
  if (order->qty < instrument->min_qty && !closes_all) return &refused_min_qty;
  if (most > 0 && order->qty > most) return &refused_max_qty;
  return NULL;
}

/* Price at which an order is valued: its own, else the last one; 0 unknown. */
static int64_t valued_at(const struct sim_symbol *symbol, const struct sim_order *order) {
  if (order->price != DECIMAL_NULL) return order->price;
  if (order->trigger != DECIMAL_NULL) return order->trigger;
  return isnan(symbol->price) ? 0 : decimal_from_double(symbol->price);
}

static const struct refusal *check_money(const struct sim *sim, const struct sim_symbol *symbol, const struct sim_order *order) {
  if (order->is_reduce_only) return NULL;
  int64_t price = valued_at(symbol, order);
  if (price == 0) return NULL; /* a market order before the first price: valued when it fills */
  if (decimal_multiply_rounded(order->qty, price, ROUND_DOWN) < symbol->instrument.min_notional_usd) return &refused_notional;
  int64_t opening = decimal_multiply(sim_opening_quantity(symbol, order->side, order->qty), price);
  int64_t fee = decimal_multiply_divide(opening, decimal_from_double(sim->state->taker_fee_bps), 10000 * DECIMAL_ONE, ROUND_UP);
  return sim_margin_free(sim) >= decimal_divide(opening, symbol->leverage) + fee ? NULL : &refused_margin;
}

static bool is_trigger_passed(const struct sim *sim, const struct sim_symbol *symbol, enum order_side side, int64_t trigger) {
  bool by_mark = symbol->has_live_market && sim->options.stop_trigger == SIM_TRIGGER_MARK && !isnan(symbol->mark);
  double price = by_mark ? symbol->mark : symbol->price;
  if (isnan(price)) return false;
  int64_t now = decimal_from_double(price);
  return side == ORDER_BUY ? now >= trigger : now <= trigger;
}

/* Without a book the last price stands for both sides: a price equal to it is taken for our own side's best. */
static bool would_take(const struct sim_symbol *symbol, enum order_side side, int64_t limit) {
  if (symbol->has_live_market && (symbol->capabilities & CAPABILITY_BOOK) != 0) return sim_live_would_take(symbol, side, limit);
  if (isnan(symbol->price)) return false;
  int64_t now = decimal_from_double(symbol->price);
  return side == ORDER_BUY ? limit > now : limit < now;
}

static const struct refusal *check_order(const struct sim *sim, const struct sim_symbol *symbol, const struct sim_order *order) {
  if (symbol->instrument.status != INSTRUMENT_TRADING && !order->is_reduce_only) return &refused_status;
  const struct refusal *refusal = check_price(symbol, order);
  if (refusal == NULL) refusal = check_quantity(symbol, order);
  if (refusal != NULL) return refusal;
  if (order->is_reduce_only && !sim_reduces(symbol, order->side)) return &refused_reduce_only;
  if (order->type == ORDER_STOP_MARKET && is_trigger_passed(sim, symbol, order->side, order->trigger)) return &refused_trigger;
  if (order->is_post_only && would_take(symbol, order->side, order->price)) return &refused_post_only;
  return check_money(sim, symbol, order);
}

/* ---- place ---- */

static bool is_known_symbol(const struct sim *sim, int32_t symbol) {
  return symbol >= 0 && symbol < sim->options.symbols && sim->symbols[symbol].is_known;
}

static struct sim_order make_order(const struct order *asked, int32_t symbol) {
  struct sim_order order = {.hash = hash_id(asked->client_order_id),
                            .qty = asked->qty,
                            .price = asked->price,
                            .trigger = asked->trigger_price,
                            .symbol = symbol,
                            .side = (enum order_side)asked->side,
                            .type = (enum order_type)asked->type,
                            .tif = (enum time_in_force)asked->time_in_force,
                            .state = asked->type == ORDER_STOP_MARKET ? ORDER_UNTRIGGERED : ORDER_WORKING,
                            .is_post_only = asked->post_only && asked->type == ORDER_LIMIT,
                            .is_reduce_only = asked->reduce_only};
  order.takes_at_open = order.type == ORDER_LIMIT && !order.is_post_only;
  text_copy(order.client_order_id, sizeof order.client_order_id, asked->client_order_id);
  return order;
}

static void place(struct sim *sim, const struct intent_place_order *request) {
  const struct order *asked = &request->order[0];
  struct sim_order wanted = make_order(asked, request->symbol);
  const struct refusal *refusal = NULL;
  if (!is_known_symbol(sim, request->symbol)) {
    refusal = &refused_symbol;
  } else if (find_order(sim, asked->client_order_id) != NULL) {
    refusal = &refused_duplicate;
  } else if (sim->state->live_orders >= SIM_LIVE_MAX) {
    refusal = &refused_too_many;
  } else {
    refusal = check_order(sim, &sim->symbols[request->symbol], &wanted);
  }
  if (refusal != NULL) {
    sim_answer_reject(sim, asked->client_order_id, refusal->kind, refusal->code, refusal->text);
    return;
  }
  struct sim_symbol *symbol = &sim->symbols[request->symbol];
  struct sim_order *order = take_place(sim->state);
  if (order->number != 0) sim->state->hashes[order->hash % SIM_HASHES]--;
  sim->state->hashes[wanted.hash % SIM_HASHES]++;
  *order = wanted;
  order->number = sim->state->next_order;
  sim_candle_schedule(sim, order, true);
  link_order(sim, order);
  struct event_order_ack *ack = &sim_answer(sim, EVENT_ORDER_ACK, 0)->order_ack;
  memcpy(ack->client_order_id, order->client_order_id, ORDER_ID_MAX);
  sim_print_id(ack->venue_order_id, 'V', order->number);
  sim_watch_protection(sim, symbol);
  if (symbol->has_live_market || sim->state->data_ended) sim_live_place(sim, order);
}

/* ---- amend and cancel ---- */

static const char *find_amend_refusal(const struct sim *sim, const struct sim_order *old, const struct sim_order *new) {
  const struct sim_symbol *symbol = &sim->symbols[old->symbol];
  if (new->qty <= old->filled) return "below_filled";
  const struct refusal *refusal = check_quantity(symbol, new);
  if (refusal != NULL) return refusal->code;
  if (!is_on_grid(new->price, symbol) || !is_on_grid(new->trigger, symbol)) return refused_tick.code;
  if (new->trigger != old->trigger) {
    if (old->state != ORDER_UNTRIGGERED) return "triggered";
    if (is_trigger_passed(sim, symbol, new->side, new->trigger)) return refused_trigger.code;
  }
  if (new->is_post_only &&new->price != old->price && would_take(symbol, new->side, new->price)) return refused_post_only.code;
  if (new->is_reduce_only) return NULL;
  int64_t before = decimal_multiply(sim_opening_quantity(symbol, old->side, sim_remaining(old)), valued_at(symbol, old));
  int64_t after = decimal_multiply(sim_opening_quantity(symbol, new->side, sim_remaining(new)), valued_at(symbol, new));
  if (after > before && sim_margin_free(sim) < decimal_divide(after - before, symbol->leverage)) return refused_margin.code;
  return NULL;
}

static void answer_amend_refused(struct sim *sim, const char *client_order_id, const char *code) {
  struct event_order_update *update = &sim_answer(sim, EVENT_ORDER_UPDATE, 0)->order_update;
  text_copy(update->client_order_id, sizeof update->client_order_id, client_order_id);
  update->change = CHANGE_AMEND_REFUSED;
  update->price = DECIMAL_NULL;
  update->trigger_price = DECIMAL_NULL;
  text_copy(update->code, sizeof update->code, code);
}

/* A price or a quantity that is not given stays. */
static void amend(struct sim *sim, const struct intent_amend_order *request) {
  struct sim_order *order = find_order(sim, request->client_order_id);
  if (order == NULL || !sim_is_live(order)) {
    answer_amend_refused(sim, request->client_order_id, "not_found");
    return;
  }
  struct sim_order changed = *order;
  if (request->qty > 0) changed.qty = request->qty;
  if (request->price != DECIMAL_NULL && order->type == ORDER_LIMIT) changed.price = request->price;
  if (request->trigger_price != DECIMAL_NULL && order->type == ORDER_STOP_MARKET) changed.trigger = request->trigger_price;
  const char *code = find_amend_refusal(sim, order, &changed);
  if (code != NULL) {
    answer_amend_refused(sim, request->client_order_id, code);
    return;
  }
  bool is_repriced = changed.price != order->price || changed.trigger != order->trigger;
  *order = changed;
  if (is_repriced) { /* acts like a new order; a changed quantity alone keeps its place */
    sim_candle_schedule(sim, order, false);
    order->takes_at_open = order->type == ORDER_LIMIT && !order->is_post_only;
  }
  sim_answer_update(sim, order, CHANGE_AMENDED, "", 0);
  sim_watch_protection(sim, &sim->symbols[order->symbol]);
  if (is_repriced && order->type == ORDER_LIMIT && sim->symbols[order->symbol].has_live_market) sim_live_place(sim, order);
}

static void cancel(struct sim *sim, const char *client_order_id) {
  struct sim_order *order = find_order(sim, client_order_id);
  if (order == NULL || !sim_is_live(order)) {
    sim_answer_reject(sim, client_order_id, REJECT_NOT_FOUND, "not_found", "no such live order");
    return;
  }
  sim_cancel(sim, order, "", 0);
}

/* ---- queries ---- */

static void list_orders(struct sim *sim) {
  struct sim_state *state = sim->state;
  state->listed_order_count = 0;
  for (int32_t i = 0; i < sim->options.symbols; i++) {
    for (int32_t k = sim->symbols[i].first; k >= 0; k = state->orders[k].next) {
      sim_describe_order(&state->orders[k], &state->listed_orders[state->listed_order_count++]);
    }
  }
}

static void list_positions(struct sim *sim) {
  struct sim_state *state = sim->state;
  state->listed_position_count = 0;
  for (int32_t i = 0; i < sim->options.symbols; i++) {
    if (sim_position(sim, i, &state->listed_positions[state->listed_position_count])) state->listed_position_count++;
  }
}

static void query(struct sim *sim, const struct intent_query *request) {
  if (request->query == QUERY_ACCOUNT) {
    sim_answer(sim, EVENT_ACCOUNT, 0)->account = (struct event_account){.cash_usd = sim->state->cash,
                                                                        .taker_fee_bps = decimal_from_double(sim->state->taker_fee_bps),
                                                                        .maker_fee_bps = decimal_from_double(sim->state->maker_fee_bps)};
    return;
  }
  if (request->query == QUERY_ORDERS) list_orders(sim);
  if (request->query == QUERY_POSITIONS) list_positions(sim);
  const struct sim_order *order = request->query == QUERY_ORDER ? find_order(sim, request->client_order_id) : NULL;
  struct sim_query_answer *answer = &sim_answer(sim, EVENT_QUERY_RESULT, 0)->query;
  answer->query = (enum query_kind)request->query;
  answer->is_found = request->query != QUERY_ORDER || order != NULL;
  answer->since = request->since;
  text_copy(answer->client_order_id, sizeof answer->client_order_id, request->client_order_id);
  if (order != NULL) sim_describe_order(order, &answer->order);
}

static void set_leverage(struct sim *sim, const struct intent_set_leverage *request) {
  if (!is_known_symbol(sim, request->symbol)) return;
  struct sim_symbol *symbol = &sim->symbols[request->symbol];
  double most = fmin(sim->options.max_leverage, symbol->instrument.max_leverage > 0 ? symbol->instrument.max_leverage : 1);
  symbol->leverage = decimal_from_double(fmax(1, fmin(request->leverage, most)));
}

void sim_act(struct sim *sim, const struct intent *intent) {
  switch ((enum intent_kind)intent->kind) {
    case INTENT_PLACE_ORDER:
      place(sim, &intent->place_order);
      return;
    case INTENT_AMEND_ORDER:
      amend(sim, &intent->amend_order);
      return;
    case INTENT_CANCEL_ORDER:
      cancel(sim, intent->cancel_order.client_order_id);
      return;
    case INTENT_QUERY:
      query(sim, &intent->query);
      return;
    case INTENT_SET_LEVERAGE:
      set_leverage(sim, &intent->set_leverage);
      return;
    case INTENT_SET_FEES:
      sim->state->taker_fee_bps = intent->set_fees.taker_fee_bps;
      sim->state->maker_fee_bps = intent->set_fees.maker_fee_bps;
      return;
    case INTENT_TRANSFER:
      sim->state->cash += intent->transfer.amount_usd;
      return;
    case INTENT_SUBSCRIBE:
    case INTENT_UNSUBSCRIBE:
    case INTENT_REQUEST_HISTORY:
    case intent_kind_count:
      return; /* matters of the feed */
  }
}
