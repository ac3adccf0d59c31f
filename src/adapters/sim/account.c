/* The margin account of the paper venue (execution 8.1): cash changes by realised P&L, fees and funding only. */
#include <math.h>
#include <string.h>

#include "adapters/sim/state.h"
#include "base/check.h"
#include "core/trade/fees.h"

/* ---- readings ---- */

static int64_t mark_of(const struct sim_symbol *symbol) {
  double mark = isnan(symbol->mark) ? symbol->price : symbol->mark;
  return isnan(mark) ? 0 : decimal_from_double(mark);
}

static int64_t unrealised(const struct sim_symbol *symbol) {
  if (symbol->position == 0) return 0;
  int64_t value = decimal_multiply(sim_magnitude(symbol->position), mark_of(symbol));
  return symbol->position > 0 ? value - symbol->cost : symbol->cost - value;
}

int64_t sim_opening_quantity(const struct sim_symbol *symbol, enum order_side side, int64_t qty) {
  int64_t held = sim_reduces(symbol, side) ? sim_magnitude(symbol->position) : 0;
  return qty > held ? qty - held : 0;
}

static int64_t order_price(const struct sim_symbol *symbol, const struct sim_order *order) {
  if (order->price != DECIMAL_NULL) return order->price;
  if (order->trigger != DECIMAL_NULL) return order->trigger;
  return mark_of(symbol);
}

static int64_t symbol_margin(const struct sim *sim, const struct sim_symbol *symbol) {
  int64_t notional = decimal_multiply(sim_magnitude(symbol->position), mark_of(symbol));
  for (int32_t i = symbol->first; i >= 0; i = sim->state->orders[i].next) {
    const struct sim_order *order = &sim->state->orders[i];
    if (order->is_reduce_only) continue;
    notional += decimal_multiply(sim_opening_quantity(symbol, order->side, sim_remaining(order)), order_price(symbol, order));
  }
  return decimal_divide(notional, symbol->leverage);
}

void sim_account(const struct sim *sim, struct sim_account *out) {
  const struct sim_state *state = sim->state;
  *out = (struct sim_account){.cash_usd = state->cash,
                              .realised_usd = state->realised,
                              .fees_usd = state->fees,
                              .funding_usd = state->funding,
                              .fills = state->fill_count,
                              .liquidations = state->liquidations,
                              .funding_unknown = state->funding_unknown,
                              .path_dependent = state->path_dependent,
                              .positions = state->open_positions,
                              .live_orders = state->live_orders};
  for (int32_t i = 0; i < sim->options.symbols; i++) {
    const struct sim_symbol *symbol = &sim->symbols[i];
    if (symbol->position == 0 && symbol->live_count == 0) continue;
    out->unrealised_usd += unrealised(symbol);
    out->margin_used_usd += symbol_margin(sim, symbol);
  }
  out->equity_usd = out->cash_usd + out->unrealised_usd;
  out->margin_free_usd = out->equity_usd - out->margin_used_usd;
}

int64_t sim_margin_free(const struct sim *sim) {
  struct sim_account account;
  sim_account(sim, &account);
  return account.margin_free_usd;
}

bool sim_position(const struct sim *sim, int32_t index, struct venue_position *out) {
  check(index >= 0 && index < sim->options.symbols);
  const struct sim_symbol *symbol = &sim->symbols[index];
  if (symbol->position == 0) return false;
  int64_t qty = sim_magnitude(symbol->position);
  *out = (struct venue_position){
      .symbol = index, .side = symbol->position > 0 ? SIDE_LONG : SIDE_SHORT, .qty = qty, .entry = decimal_divide(symbol->cost, qty)};
  return true;
}

/* ---- protection ---- */

static bool is_protected(const struct sim *sim, const struct sim_symbol *symbol) {
  int64_t covered = 0;
  for (int32_t i = symbol->first; i >= 0; i = sim->state->orders[i].next) {
    const struct sim_order *order = &sim->state->orders[i];
    if (order->type == ORDER_STOP_MARKET && order->is_reduce_only && sim_reduces(symbol, order->side)) covered += sim_remaining(order);
  }
  return covered >= sim_magnitude(symbol->position);
}

void sim_watch_protection(struct sim *sim, struct sim_symbol *symbol) {
  bool is_bare = symbol->position != 0 && !is_protected(sim, symbol);
  if (is_bare && symbol->unprotected_since < 0) {
    symbol->unprotected_since = sim->state->now;
  } else if (!is_bare && symbol->unprotected_since >= 0) {
    sim->state->unprotected_ms += sim->state->now - symbol->unprotected_since;
    symbol->unprotected_since = -1;
  }
}

int64_t sim_unprotected_ms(const struct sim *sim) {
  int64_t sum = sim->state->unprotected_ms;
  for (int32_t i = 0; i < sim->options.symbols; i++) {
    const struct sim_symbol *symbol = &sim->symbols[i];
    if (symbol->position != 0 && symbol->unprotected_since >= 0) sum += sim->state->now - symbol->unprotected_since;
  }
  return sum;
}

int64_t sim_unprotected_since(const struct sim *sim, int32_t symbol) {
  return sim->symbols[symbol].position != 0 ? sim->symbols[symbol].unprotected_since : -1;
}

int32_t sim_live_orders(const struct sim *sim, struct venue_order *out, int32_t max) {
  int32_t count = 0;
  for (int32_t i = 0; i < SIM_ORDERS_MAX; i++) {
    const struct sim_order *order = &sim->state->orders[i];
    if (order->number == 0 || !sim_is_live(order)) continue;
    if (count < max) sim_describe_order(order, &out[count]);
    ++count;
  }
  return count;
}

/* ---- changes ---- */

/* Closes up to `qty` of the position at the price. The entry notional is kept as a sum, so that no rounding of an average gathers. */
static void reduce(struct sim_state *state, struct sim_symbol *symbol, int64_t qty, int64_t price) {
  int64_t held = sim_magnitude(symbol->position);
  int64_t part = qty == held ? symbol->cost : decimal_multiply_divide(symbol->cost, qty, held, ROUND_NEAREST);
  int64_t value = decimal_multiply(qty, price);
  int64_t gain = symbol->position > 0 ? value - part : part - value;
  state->cash += gain;
  state->realised += gain;
  symbol->cost -= part;
  symbol->position += symbol->position > 0 ? -qty : qty;
}

static void apply_to_position(struct sim_state *state, struct sim_symbol *symbol, enum order_side side, int64_t qty, int64_t price,
                              int64_t happens_at) {
  bool was_open = symbol->position != 0;
  int64_t opening = sim_opening_quantity(symbol, side, qty);
  if (qty > opening) reduce(state, symbol, qty - opening, price);
  if (opening > 0) {
    if (symbol->position == 0) symbol->funding_due = sim_next_funding(symbol, happens_at);
    symbol->cost += decimal_multiply(opening, price);
    symbol->position += side == ORDER_BUY ? opening : -opening;
  }
  state->open_positions += (symbol->position != 0) - was_open;
}

static int64_t charge_fee(struct sim_state *state, int64_t qty, int64_t price, enum liquidity liquidity) {
  int64_t fee = fee_of_bps(decimal_multiply(qty, price), liquidity == LIQUIDITY_MAKER ? state->maker_fee_bps : state->taker_fee_bps);
  state->cash -= fee;
  state->fees += fee;
  return fee;
}

/* Reduce-only orders that have nothing left to reduce. */
static void drop_idle_reduce_only(struct sim *sim, struct sim_symbol *symbol, int64_t ts) {
  for (int32_t i = symbol->first, next; i >= 0; i = next) {
    struct sim_order *order = &sim->state->orders[i];
    next = order->next;
    if (order->is_reduce_only && !sim_reduces(symbol, order->side)) sim_cancel(sim, order, "reduce_only", ts);
  }
}

int64_t sim_fillable(const struct sim *sim, const struct sim_order *order) {
  int64_t remaining = sim_remaining(order);
  if (!order->is_reduce_only) return remaining;
  const struct sim_symbol *symbol = &sim->symbols[order->symbol];
  if (!sim_reduces(symbol, order->side)) return 0;
  int64_t held = sim_magnitude(symbol->position);
  return remaining < held ? remaining : held;
}

static void answer_fill(struct sim *sim, const struct sim_order *order, const struct fill_terms *terms, int64_t fee) {
  struct sim_state *state = sim->state;
  struct sim_answer *answer = sim_answer(sim, EVENT_FILL, terms->ts);
  struct event_fill *fill = &answer->fill;
  fill->symbol = order->symbol;
  sim_print_id(fill->venue_fill_id, 'F', ++state->fill_count);
  memcpy(fill->client_order_id, order->client_order_id, ORDER_ID_MAX);
  fill->side = (int32_t)order->side;
  fill->qty = terms->qty;
  fill->price = terms->price;
  fill->fee_usd = fee;
  fill->liquidity = (int32_t)terms->liquidity;
  fill->path_dependent = terms->is_path_dependent;
  fill->venue_ts = terms->happens_at;
  state->fills[state->fill_count % SIM_FILLS_KEPT] = (struct sim_fill){answer->ts, *fill};
}

void sim_fill_order(struct sim *sim, struct sim_order *order, const struct fill_terms *terms) {
  struct sim_symbol *symbol = &sim->symbols[order->symbol];
  check(terms->qty > 0 && terms->qty <= sim_fillable(sim, order) && terms->price > 0);
  int64_t fee = charge_fee(sim->state, terms->qty, terms->price, terms->liquidity);
  apply_to_position(sim->state, symbol, order->side, terms->qty, terms->price, terms->happens_at);
  order->filled += terms->qty;
  answer_fill(sim, order, terms, fee);
  if (sim_remaining(order) == 0) {
    sim_end_order(sim, order, ORDER_FILLED);
  } else {
    order->state = ORDER_PARTIALLY_FILLED;
  }
  drop_idle_reduce_only(sim, symbol, terms->ts);
  sim_watch_protection(sim, symbol);
}

/* ---- liquidation ---- */

/* Isolated (execution 8.5): entry - s*(entry/leverage - maintenance_margin*entry). */
static int64_t liquidation_price(const struct sim_symbol *symbol) {
  int64_t entry = decimal_divide(symbol->cost, sim_magnitude(symbol->position));
  int64_t distance = decimal_divide(entry, symbol->leverage) - decimal_multiply(entry, decimal_from_double(symbol->instrument.maintenance_margin));
  int64_t price = symbol->position > 0 ? entry - distance : entry + distance;
  return price > 0 ? price : 0;
}

int64_t sim_liquidation_price(struct sim_symbol *symbol) {
  struct sim_liquidation *kept = &symbol->liquidation;
  if (kept->position != symbol->position || kept->cost != symbol->cost || kept->leverage != symbol->leverage) {
    *kept = (struct sim_liquidation){symbol->position, symbol->cost, symbol->leverage, liquidation_price(symbol)};
  }
  return kept->price;
}

static void take_by_force(struct sim *sim, int32_t index, int64_t qty, int64_t price, int64_t ts, bool is_deleveraging) {
  struct sim_state *state = sim->state;
  struct sim_symbol *symbol = &sim->symbols[index];
  int64_t fee = charge_fee(state, qty, price, LIQUIDITY_TAKER);
  reduce(state, symbol, qty, price);
  state->open_positions -= symbol->position == 0;
  struct sim_answer *answer = sim_answer(sim, is_deleveraging ? EVENT_ADL : EVENT_LIQUIDATION, ts);
  if (is_deleveraging) {
    answer->adl = (struct event_adl){.symbol = index, .qty = qty, .price = price, .fee_usd = fee};
  } else {
    state->liquidations++;
    answer->liquidation = (struct event_liquidation){.symbol = index, .qty = qty, .price = price, .fee_usd = fee};
  }
  drop_idle_reduce_only(sim, symbol, ts);
  sim_watch_protection(sim, symbol);
}

void sim_liquidate(struct sim *sim, int32_t index, int64_t price, int64_t ts) {
  take_by_force(sim, index, sim_magnitude(sim->symbols[index].position), price, ts, false);
}

int64_t sim_take_position(struct sim *sim, int32_t index, int64_t qty, bool is_deleveraging) {
  check(index >= 0 && index < sim->options.symbols && qty > 0);
  const struct sim_symbol *symbol = &sim->symbols[index];
  int64_t held = sim_magnitude(symbol->position);
  int64_t taken = qty < held ? qty : held;
  if (taken == 0 || isnan(symbol->price)) return 0;
  take_by_force(sim, index, taken, decimal_from_double(symbol->price), 0, is_deleveraging);
  return taken;
}
