/* Fills of symbols with candles only (execution 8.4). A candle is a small machine: each call of sim_candle_advance makes one thing happen, because
 * the engine answers in between. Orders are tried by arrival, from the first again after each event; every event uses up an order, a trigger or
 * quantity of the candle, so it ends. */
#include <math.h>

#include "adapters/sim/state.h"
#include "base/check.h"

static struct sim_symbol *run_symbol(struct sim *sim) {
  return &sim->symbols[sim->state->run.symbol];
}

static bool is_active(const struct candle_run *run, const struct sim_order *order) {
  return order->active_from <= run->candle.open_ts;
}

/* Before the stops were tried once, a stop is in time for them: always in the favourable order, and in the adverse one if it protects what a resting
 * limit opened. */
static bool stop_is_in_time(const struct sim *sim, bool is_new) {
  const struct candle_run *run = &sim->state->run;
  if (run->phase != CANDLE_LIMITS) return false;
  return sim->options.path == SIM_PATH_FAVOURABLE || (run->entered_inside && is_new);
}

void sim_candle_schedule(const struct sim *sim, struct sim_order *order, bool is_new) {
  const struct candle_run *run = &sim->state->run;
  order->set_inside_ts = INT64_MIN;
  if (run->phase == CANDLE_NONE || run->symbol != order->symbol) {
    order->active_from = sim->state->now;
  } else if (run->phase == CANDLE_OPEN) {
    order->active_from = run->candle.open_ts;
  } else {
    bool is_stop = order->type == ORDER_STOP_MARKET && order->is_reduce_only;
    order->active_from = is_stop && stop_is_in_time(sim, is_new) ? run->candle.open_ts : run->close_ts;
    order->set_inside_ts = run->candle.open_ts;
  }
}

/* ---- what an order does in this candle ---- */

static bool stop_is_inside(const struct candle_run *run, const struct sim_order *order) {
  return sim_is_buy(order) ? run->high >= order->trigger : run->low <= order->trigger;
}

/* The price must go through a resting limit. */
static bool limit_is_inside(const struct candle_run *run, const struct sim_order *order, int64_t tick) {
  return sim_is_buy(order) ? run->low <= order->price - tick : run->high >= order->price + tick;
}

static bool open_is_within(const struct candle_run *run, const struct sim_order *order) {
  return sim_is_buy(order) ? run->open <= order->price : run->open >= order->price;
}

/* Share of the candle that is left, in whole lots. */
static int64_t quantity_now(const struct sim *sim, const struct sim_order *order) {
  int64_t wanted = sim_fillable(sim, order);
  return wanted < sim->state->run.left ? wanted : sim->state->run.left;
}

static void fill(struct sim *sim, struct sim_order *order, int64_t qty, int64_t price, enum liquidity liquidity, bool is_path_dependent) {
  struct candle_run *run = &sim->state->run;
  bool is_open = run->phase == CANDLE_OPEN;
  if (run->phase == CANDLE_LIMITS && sim_opening_quantity(run_symbol(sim), order->side, qty) > 0) run->entered_inside = true;
  run->left -= qty;
  /* A position from inside the candle is open at its close, so it happens before a settlement at that instant. */
  struct fill_terms terms = {.qty = qty,
                             .price = price,
                             .liquidity = liquidity,
                             .is_path_dependent = is_path_dependent,
                             .ts = is_open ? run->candle.open_ts : run->close_ts,
                             .happens_at = is_open ? run->candle.open_ts : run->close_ts - 1};
  sim_fill_order(sim, order, &terms);
}

/* The candle at work is not among those that tell the liquidity; most candles need none. */
static int64_t taker_price(struct sim *sim, const struct sim_order *order, int64_t base, int64_t qty) {
  struct candle_run *run = &sim->state->run;
  if (isnan(run->liquidity)) run->liquidity = sim_liquidity(run_symbol(sim));
  return sim_slipped_price(sim, run_symbol(sim), order->side, base, qty, run->liquidity);
}

/* ---- the open ---- */

static bool fill_market_at_open(struct sim *sim, struct sim_order *order) {
  struct candle_run *run = &sim->state->run;
  int64_t qty = quantity_now(sim, order);
  if (qty == 0) return false;
  int64_t price = taker_price(sim, order, run->open, qty);
  fill(sim, order, qty, price, LIQUIDITY_TAKER, false);
  return true;
}

static int64_t better_for_taker(const struct sim_order *order, int64_t slipped) {
  if (sim_is_buy(order)) return slipped < order->price ? slipped : order->price;
  return slipped > order->price ? slipped : order->price;
}

static bool take_limit_at_open(struct sim *sim, struct sim_order *order) {
  struct candle_run *run = &sim->state->run;
  if (!open_is_within(run, order)) {
    order->takes_at_open = false;
    if (order->tif == TIF_GTC) return false;
    sim_cancel(sim, order, order->tif == TIF_FOK ? "fok" : "ioc", run->candle.open_ts);
    return true;
  }
  int64_t qty = quantity_now(sim, order);
  if (order->tif == TIF_FOK && qty < sim_fillable(sim, order)) qty = 0;
  if (qty == 0 && order->tif == TIF_GTC) return false; /* the rest waits for the next open */
  if (qty > 0) {
    int64_t slipped = taker_price(sim, order, run->open, qty);
    fill(sim, order, qty, better_for_taker(order, slipped), LIQUIDITY_TAKER, false);
  }
  if (sim_is_live(order) && order->tif != TIF_GTC) sim_cancel(sim, order, order->tif == TIF_FOK ? "fok" : "ioc", run->candle.open_ts);
  return true;
}

static bool act_at_open(struct sim *sim, struct sim_order *order) {
  if (order->type == ORDER_LIMIT) return order->takes_at_open && take_limit_at_open(sim, order);
  if (order->state == ORDER_UNTRIGGERED) return false;
  return fill_market_at_open(sim, order);
}

/* ---- inside ---- */

static bool is_beyond(int64_t price, int64_t trigger, bool is_buy) {
  return is_buy ? price >= trigger : price <= trigger;
}

/* Has the candle reached the price of liquidation? */
static bool liquidation_is_inside(const struct sim *sim, int64_t *price) {
  const struct candle_run *run = &sim->state->run;
  struct sim_symbol *symbol = &sim->symbols[run->symbol];
  if (symbol->position == 0) return false;
  *price = sim_liquidation_price(symbol);
  return symbol->position > 0 ? run->low <= *price : run->high >= *price;
}

static bool trigger_stop(struct sim *sim, struct sim_order *order) {
  struct candle_run *run = &sim->state->run;
  int64_t liquidation;
  if (order->state != ORDER_UNTRIGGERED || !stop_is_inside(run, order)) return false;
  if (sim_reduces(run_symbol(sim), order->side) && liquidation_is_inside(sim, &liquidation) &&
      is_beyond(order->trigger, liquidation, sim_is_buy(order)))
    return false;
  bool was_there_at_open = order->set_inside_ts != run->candle.open_ts;
  bool is_gap = was_there_at_open && is_beyond(run->open, order->trigger, sim_is_buy(order));
  int64_t base = is_gap ? run->open : order->trigger;
  order->state = ORDER_WORKING;
  sim_answer_update(sim, order, CHANGE_TRIGGERED, "", run->close_ts);
  int64_t qty = quantity_now(sim, order);
  if (qty > 0) {
    int64_t price = taker_price(sim, order, base, qty);
    fill(sim, order, qty, price, LIQUIDITY_TAKER, run->is_path_dependent && order->is_reduce_only);
  }
  return true;
}

static bool fill_resting_limit(struct sim *sim, struct sim_order *order) {
  struct candle_run *run = &sim->state->run;
  if (order->type != ORDER_LIMIT || order->takes_at_open || !limit_is_inside(run, order, run_symbol(sim)->instrument.tick_size)) return false;
  int64_t qty = quantity_now(sim, order);
  if (qty == 0) return false;
  /* The market is here now, or was beyond already at the open: a stop sent in answer is judged by it. */
  bool opened_beyond = open_is_within(run, order);
  run_symbol(sim)->price = decimal_to_double(opened_beyond ? run->open : order->price);
  fill(sim, order, qty, order->price, LIQUIDITY_MAKER, run->is_path_dependent && order->is_reduce_only);
  return true;
}

/* ---- the machine ---- */

typedef bool phase_action(struct sim *sim, struct sim_order *order);

static phase_action *const phase_actions[] = {
    [CANDLE_OPEN] = act_at_open, [CANDLE_STOPS] = trigger_stop, [CANDLE_LIMITS] = fill_resting_limit, [CANDLE_LATE_STOPS] = trigger_stop};

static bool try_orders(struct sim *sim) {
  struct candle_run *run = &sim->state->run;
  for (int32_t i = run_symbol(sim)->first, next; i >= 0; i = next) {
    struct sim_order *order = &sim->state->orders[i];
    next = order->next;
    if (is_active(run, order) && phase_actions[run->phase](sim, order)) return true;
  }
  return false;
}

static bool try_liquidation(struct sim *sim) {
  const struct candle_run *run = &sim->state->run;
  int64_t price;
  if ((run->phase != CANDLE_STOPS && run->phase != CANDLE_LATE_STOPS) || !liquidation_is_inside(sim, &price)) return false;
  sim_liquidate(sim, run->symbol, price, run->close_ts);
  return true;
}

/* Do a stop and a target of the position both lie inside? Then the order of the prices decides, and a candle does not tell it. */
static bool finds_both_inside(const struct sim *sim) {
  const struct candle_run *run = &sim->state->run;
  const struct sim_symbol *symbol = &sim->symbols[run->symbol];
  bool has_stop = false;
  bool has_target = false;
  for (int32_t i = symbol->first; i >= 0; i = sim->state->orders[i].next) {
    const struct sim_order *order = &sim->state->orders[i];
    if (!order->is_reduce_only || !is_active(run, order)) continue;
    has_stop |= order->state == ORDER_UNTRIGGERED && stop_is_inside(run, order);
    has_target |= order->type == ORDER_LIMIT && limit_is_inside(run, order, symbol->instrument.tick_size);
  }
  return has_stop && has_target;
}

static void remember_turnover(struct sim_symbol *symbol, const struct candle *candle) {
  symbol->turnover[symbol->turnover_next] = isnan(candle->turnover) ? candle->volume * candle->close : candle->turnover;
  if (++symbol->turnover_next == SIM_TURNOVER_KEPT) symbol->turnover_next = 0;
  if (symbol->turnover_count < SIM_TURNOVER_KEPT) symbol->turnover_count++;
}

static bool is_new(const struct sim_symbol *symbol, const struct event_candle *candle) {
  return candle->open_ts > symbol->last_open_ts && candle->low > 0 && candle->high >= candle->low && candle->volume >= 0 &&
         decimal_fits(candle->high);
}

static struct candle candle_of(const struct event_candle *news) {
  return (struct candle){news->open_ts, news->open, news->high, news->low, news->close, news->volume, news->turnover};
}

void sim_candle_note(struct sim_symbol *symbol, const struct event_candle *news) {
  if (!is_new(symbol, news)) return;
  struct candle candle = candle_of(news);
  symbol->last_open_ts = candle.open_ts;
  remember_turnover(symbol, &candle);
}

static void finish(struct sim *sim) {
  struct candle_run *run = &sim->state->run;
  struct sim_symbol *symbol = run_symbol(sim);
  symbol->price = run->candle.close;
  remember_turnover(symbol, &run->candle);
  run->phase = CANDLE_NONE;
}

static void next_phase(struct sim *sim) {
  struct candle_run *run = &sim->state->run;
  bool is_adverse = sim->options.path == SIM_PATH_ADVERSE;
  switch (run->phase) {
    case CANDLE_OPEN:
      run->phase = is_adverse ? CANDLE_STOPS : CANDLE_LIMITS;
      run->is_path_dependent = finds_both_inside(sim);
      sim->state->path_dependent += run->is_path_dependent;
      return;
    case CANDLE_STOPS:
      run->phase = CANDLE_LIMITS;
      return;
    case CANDLE_LIMITS:
      run->phase = CANDLE_LATE_STOPS;
      return;
    case CANDLE_LATE_STOPS:
    case CANDLE_NONE:
      finish(sim);
      return;
  }
}

/* Will this order do anything in the candle? */
static bool is_touched(const struct candle_run *run, const struct sim_order *order, int64_t tick) {
  if (!is_active(run, order)) return false;
  if (order->type == ORDER_LIMIT) return order->takes_at_open || limit_is_inside(run, order, tick);
  return order->state != ORDER_UNTRIGGERED || stop_is_inside(run, order);
}

/* Most candles touch neither an order nor the price of liquidation: one look instead of five phases. */
static bool is_quiet(const struct sim *sim) {
  const struct candle_run *run = &sim->state->run;
  const struct sim_symbol *symbol = &sim->symbols[run->symbol];
  int64_t liquidation;
  for (int32_t i = symbol->first; i >= 0; i = sim->state->orders[i].next) {
    if (is_touched(run, &sim->state->orders[i], symbol->instrument.tick_size)) return false;
  }
  return !liquidation_is_inside(sim, &liquidation);
}

bool sim_candle_advance(struct sim *sim) {
  struct candle_run *run = &sim->state->run;
  if (run->phase == CANDLE_OPEN && is_quiet(sim)) finish(sim);
  while (run->phase != CANDLE_NONE) {
    if (try_orders(sim) || try_liquidation(sim)) return true;
    next_phase(sim);
  }
  return false;
}

static int64_t share_of_volume(const struct sim *sim, const struct sim_symbol *symbol, double volume) {
  double share = volume * sim->options.max_participation;
  if (!decimal_fits(share)) return DECIMAL_MAX / 2 / symbol->instrument.lot_size * symbol->instrument.lot_size;
  return instrument_round_quantity(&symbol->instrument, decimal_from_double(share), ROUND_DOWN);
}

/* A gap beyond the price of liquidation meets it before anything that acts at the open. */
static void liquidate_at_gap(struct sim *sim) {
  const struct candle_run *run = &sim->state->run;
  struct sim_symbol *symbol = run_symbol(sim);
  if (symbol->position == 0) return;
  int64_t price = sim_liquidation_price(symbol);
  if (is_beyond(run->open, price, symbol->position < 0)) sim_liquidate(sim, run->symbol, price, run->candle.open_ts);
}

void sim_candle_begin(struct sim *sim, const struct event *event) {
  const struct event_candle *news = &event->candle;
  struct sim_symbol *symbol = &sim->symbols[news->symbol];
  if (!is_new(symbol, news)) return; /* corrections do not undo fills */
  struct candle candle = candle_of(news);
  symbol->last_open_ts = candle.open_ts;
  if (symbol->live_count == 0 && symbol->position == 0) {
    symbol->price = candle.close;
    remember_turnover(symbol, &candle);
    return;
  }
  sim_settle_funding(sim, news->symbol, candle.open_ts);
  symbol->price = candle.open;
  sim->state->run = (struct candle_run){.phase = CANDLE_OPEN,
                                        .symbol = news->symbol,
                                        .candle = candle,
                                        .open = decimal_from_double(candle.open),
                                        .high = decimal_from_double(candle.high),
                                        .low = decimal_from_double(candle.low),
                                        .close_ts = candle.open_ts + symbol->base_ms,
                                        .left = share_of_volume(sim, symbol, candle.volume),
                                        .liquidity = NAN};
  liquidate_at_gap(sim);
}
