/* Fills of symbols with a book or public trades (execution 8.3). What we take from a level stays taken until the feed tells that level anew: the
 * quantity of our copy of the book is lowered, and the next change or snapshot writes over it. A symbol with trades only has no levels to walk: what
 * takes is filled at the last print with slippage and impact. Without public trades the book that goes through a resting limit stands for the prints.
 */
#include <math.h>

#include "adapters/sim/state.h"
#include "base/check.h"

static bool has_book(const struct sim *sim, const struct sim_symbol *symbol) {
  return (symbol->capabilities & CAPABILITY_BOOK) != 0 && sim->options.book_depth > 0;
}

/* ---- the other side ---- */

struct opposite {
  struct book_level *levels; /* best first */
  int32_t count;
};

static struct opposite opposite_of(const struct sim_symbol *symbol, enum order_side side) {
  const struct order_book *book = &symbol->book;
  if (!book->is_valid) return (struct opposite){0};
  return side == ORDER_BUY ? (struct opposite){book->asks, book->ask_count} : (struct opposite){book->bids, book->bid_count};
}

static bool is_within(int64_t price, int64_t limit, enum order_side side) {
  if (limit == DECIMAL_NULL) return true;
  return side == ORDER_BUY ? price <= limit : price >= limit;
}

bool sim_live_would_take(const struct sim_symbol *symbol, enum order_side side, int64_t limit) {
  struct opposite opposite = opposite_of(symbol, side);
  for (int32_t i = 0; i < opposite.count; i++) {
    if (opposite.levels[i].qty > 0) return is_within(opposite.levels[i].price, limit, side);
  }
  return false;
}

/* Quantity that the book shows within the limit, at most `wanted`. */
static int64_t visible_quantity(const struct sim_symbol *symbol, const struct sim_order *order, int64_t wanted) {
  struct opposite opposite = opposite_of(symbol, order->side);
  int64_t sum = 0;
  for (int32_t i = 0; i < opposite.count && sum < wanted; i++) {
    if (!is_within(opposite.levels[i].price, order->price, order->side)) break;
    int64_t room = wanted - sum;
    sum += opposite.levels[i].qty < room ? opposite.levels[i].qty : room;
  }
  return sum;
}

static void fill(struct sim *sim, struct sim_order *order, int64_t qty, int64_t price, enum liquidity liquidity) {
  struct fill_terms terms = {.qty = qty, .price = price, .liquidity = liquidity, .ts = sim->state->now, .happens_at = sim->state->now};
  sim_fill_order(sim, order, &terms);
}

/* A level may show less than a lot of ours. */
static int64_t whole_lots(const struct sim_symbol *symbol, int64_t qty) {
  return instrument_round_quantity(&symbol->instrument, qty, ROUND_DOWN);
}

static void walk_book(struct sim *sim, struct sim_order *order) {
  const struct sim_symbol *symbol = &sim->symbols[order->symbol];
  struct opposite opposite = opposite_of(symbol, order->side);
  for (int32_t i = 0; i < opposite.count && sim_is_live(order); i++) {
    struct book_level *level = &opposite.levels[i];
    if (!is_within(level->price, order->price, order->side)) return;
    int64_t wanted = sim_fillable(sim, order);
    int64_t qty = whole_lots(symbol, wanted < level->qty ? wanted : level->qty);
    if (qty == 0) continue;
    level->qty -= qty;
    fill(sim, order, qty, level->price, LIQUIDITY_TAKER);
  }
}

/* ---- what takes ---- */

static void take_from_tape(struct sim *sim, struct sim_order *order) {
  const struct sim_symbol *symbol = &sim->symbols[order->symbol];
  if (isnan(symbol->price)) return;
  int64_t last = decimal_from_double(symbol->price);
  int64_t qty = sim_fillable(sim, order);
  if (qty == 0 || !is_within(last, order->price, order->side)) return;
  int64_t price = sim_slipped_price(sim, symbol, order->side, last, qty, sim_liquidity(symbol));
  if (!is_within(price, order->price, order->side)) price = order->price;
  fill(sim, order, qty, price, LIQUIDITY_TAKER);
}

static bool fits_whole(const struct sim *sim, const struct sim_order *order) {
  const struct sim_symbol *symbol = &sim->symbols[order->symbol];
  int64_t wanted = sim_fillable(sim, order);
  if (has_book(sim, symbol)) return visible_quantity(symbol, order, wanted) == wanted;
  return !isnan(symbol->price) && is_within(decimal_from_double(symbol->price), order->price, order->side);
}

static void take(struct sim *sim, struct sim_order *order) {
  if (has_book(sim, &sim->symbols[order->symbol])) {
    walk_book(sim, order);
  } else {
    take_from_tape(sim, order);
  }
}

void sim_live_place(struct sim *sim, struct sim_order *order) {
  if (order->state == ORDER_UNTRIGGERED || order->is_post_only) return;
  bool is_fok = order->tif == TIF_FOK && order->type == ORDER_LIMIT;
  if (!is_fok || fits_whole(sim, order)) take(sim, order);
  order->takes_at_open = false;
  if (!sim_is_live(order)) return;
  if (order->type != ORDER_LIMIT) {
    sim_cancel(sim, order, "no_liquidity", 0);
  } else if (order->tif != TIF_GTC) {
    sim_cancel(sim, order, is_fok ? "fok" : "ioc", 0);
  }
}

/* ---- prints, marks, books ---- */

/* The first order by arrival that a price makes act. */
static struct sim_order *find_triggered(const struct sim *sim, const struct sim_symbol *symbol, int64_t price) {
  for (int32_t i = symbol->first; i >= 0; i = sim->state->orders[i].next) {
    struct sim_order *order = &sim->state->orders[i];
    if (order->state == ORDER_UNTRIGGERED && (sim_is_buy(order) ? price >= order->trigger : price <= order->trigger)) return order;
  }
  return NULL;
}

static void trigger_stops(struct sim *sim, struct sim_symbol *symbol, int64_t price) {
  for (struct sim_order *order; (order = find_triggered(sim, symbol, price)) != NULL;) {
    order->state = ORDER_WORKING;
    sim_answer_update(sim, order, CHANGE_TRIGGERED, "", 0);
    sim_live_place(sim, order);
  }
}

static void check_liquidation(struct sim *sim, int32_t index, int64_t price) {
  struct sim_symbol *symbol = &sim->symbols[index];
  if (symbol->position == 0) return;
  int64_t limit = sim_liquidation_price(symbol);
  if (symbol->position > 0 ? price <= limit : price >= limit) sim_liquidate(sim, index, limit, 0);
}

/* A resting limit that the price went through; rests that would leave the queue without room wait for the next print. */
static struct sim_order *find_passed_limit(const struct sim *sim, const struct sim_symbol *symbol, int64_t price) {
  if (sim_answer_room(sim) <= 0) return NULL;
  for (int32_t i = symbol->first; i >= 0; i = sim->state->orders[i].next) {
    struct sim_order *order = &sim->state->orders[i];
    if (order->type == ORDER_LIMIT && (sim_is_buy(order) ? price < order->price : price > order->price)) return order;
  }
  return NULL;
}

static void fill_resting(struct sim *sim, const struct sim_symbol *symbol, int64_t price, int64_t printed) {
  struct sim_order *order;
  while ((printed = whole_lots(symbol, printed)) > 0 && (order = find_passed_limit(sim, symbol, price)) != NULL) {
    int64_t wanted = sim_fillable(sim, order);
    int64_t qty = wanted < printed ? wanted : printed;
    printed -= qty;
    fill(sim, order, qty, order->price, LIQUIDITY_MAKER);
  }
}

static bool stops_by_mark(const struct sim *sim, const struct sim_symbol *symbol) {
  return sim->options.stop_trigger == SIM_TRIGGER_MARK && !isnan(symbol->mark);
}

static void advance_now(struct sim *sim, int64_t ts) {
  if (ts > sim->state->now) sim->state->now = ts;
}

void sim_live_on_trades(struct sim *sim, const struct event *event) {
  const struct event_public_trades *news = &event->public_trades;
  struct sim_symbol *symbol = &sim->symbols[news->symbol];
  if (news->trades_count == 0) return;
  if (symbol->live_count == 0 && symbol->position == 0) {
    symbol->price = decimal_to_double(news->trades[news->trades_count - 1].price);
    return;
  }
  advance_now(sim, event->ts);
  for (int32_t i = 0; i < news->trades_count; i++) {
    const struct public_trade *print = &news->trades[i];
    symbol->price = decimal_to_double(print->price);
    if (!stops_by_mark(sim, symbol)) trigger_stops(sim, symbol, print->price);
    if (isnan(symbol->mark)) check_liquidation(sim, news->symbol, print->price);
    fill_resting(sim, symbol, print->price, print->qty);
  }
}

/* Stops and liquidation by a price that is no print. */
void sim_live_on_price(struct sim *sim, int32_t index, int64_t ts) {
  struct sim_symbol *symbol = &sim->symbols[index];
  if (symbol->live_count == 0 && symbol->position == 0) return;
  advance_now(sim, ts);
  bool by_mark = stops_by_mark(sim, symbol);
  bool has_prints = (symbol->capabilities & CAPABILITY_TRADES) != 0;
  if (by_mark || (!has_prints && !isnan(symbol->price))) trigger_stops(sim, symbol, decimal_from_double(by_mark ? symbol->mark : symbol->price));
  double mark = isnan(symbol->mark) ? symbol->price : symbol->mark;
  if (!isnan(mark)) check_liquidation(sim, index, decimal_from_double(mark));
}

/* Without prints: the levels that stand beyond a resting limit of ours would have met it. */
static void fill_from_book(struct sim *sim, const struct sim_symbol *symbol, enum order_side side) {
  struct opposite opposite = opposite_of(symbol, side);
  for (int32_t i = 0; i < opposite.count; i++) {
    struct book_level *level = &opposite.levels[i];
    for (int32_t k = symbol->first, next; k >= 0 && level->qty > 0; k = next) {
      struct sim_order *order = &sim->state->orders[k];
      next = order->next;
      bool is_passed =
          order->type == ORDER_LIMIT && order->side == side && order->price != level->price && is_within(level->price, order->price, side);
      if (!is_passed || sim_answer_room(sim) <= 0) continue;
      int64_t wanted = sim_fillable(sim, order);
      int64_t qty = whole_lots(symbol, wanted < level->qty ? wanted : level->qty);
      if (qty == 0) continue;
      level->qty -= qty;
      fill(sim, order, qty, order->price, LIQUIDITY_MAKER);
      next = symbol->first; /* the fill may have ended others */
    }
  }
}

/* A symbol of which only the book is known is worth its middle. */
static void price_by_book(struct sim *sim, int32_t index, int64_t ts) {
  struct sim_symbol *symbol = &sim->symbols[index];
  const struct order_book *book = &symbol->book;
  if ((symbol->capabilities & (CAPABILITY_TICKER | CAPABILITY_CANDLES_1M)) != 0 || book->bid_count == 0 || book->ask_count == 0) return;
  symbol->price = (decimal_to_double(book->bids[0].price) + decimal_to_double(book->asks[0].price)) / 2;
  sim_live_on_price(sim, index, ts);
}

void sim_live_on_book(struct sim *sim, const struct event *event) {
  const struct event_book *news = &event->book;
  struct sim_symbol *symbol = &sim->symbols[news->symbol];
  if (sim->options.book_depth == 0) return;
  struct book_change change = {.is_snapshot = news->is_snapshot,
                               .first_seq = news->first_seq,
                               .last_seq = news->last_seq,
                               .prev_seq = news->prev_seq,
                               .bid_count = news->bids_count,
                               .ask_count = news->asks_count,
                               .bids = news->bids,
                               .asks = news->asks};
  if (!order_book_apply(&symbol->book, &change, event->ts)) return;
  if ((symbol->capabilities & CAPABILITY_TRADES) != 0) return;
  price_by_book(sim, news->symbol, event->ts);
  if (symbol->live_count == 0) return;
  advance_now(sim, event->ts);
  fill_from_book(sim, symbol, ORDER_BUY);
  fill_from_book(sim, symbol, ORDER_SELL);
}
