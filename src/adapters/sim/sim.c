/* The port of the paper venue: what comes in, in which order, and what is due. */
#include "adapters/sim/sim.h"

#include <math.h>
#include <string.h>

#include "adapters/sim/state.h"
#include "base/check.h"

enum { PONG_INTERVAL_MS = 100 }; /* the shortest dead-man timeout is 500 ms */

/* ---- requests under way ---- */

static int64_t latency_of(const struct sim *sim, const struct intent *intent) {
  const struct sim_state *state = sim->state;
  int32_t symbol;
  switch ((enum intent_kind)intent->kind) {
    case INTENT_PLACE_ORDER:
      symbol = intent->place_order.symbol;
      break;
    case INTENT_AMEND_ORDER:
      symbol = intent->amend_order.symbol;
      break;
    case INTENT_CANCEL_ORDER:
      symbol = intent->cancel_order.symbol;
      break;
    case INTENT_SET_LEVERAGE:
      symbol = intent->set_leverage.symbol;
      break;
    case INTENT_QUERY:
      return state->has_live_market ? sim->options.latency_ms : 0;
    default:
      return 0;
  }
  bool is_known = symbol >= 0 && symbol < sim->options.symbols;
  return is_known && sim->symbols[symbol].has_live_market ? sim->options.latency_ms : 0;
}

static bool act_pending(struct sim *sim, int64_t now) {
  struct sim_state *state = sim->state;
  if (state->pending_head == state->pending_tail) return false;
  const struct sim_pending *pending = &state->pending[state->pending_head % SIM_PENDING_MAX];
  if (pending->act_at > now) return false;
  if (pending->act_at > state->now) state->now = pending->act_at;
  sim_act(sim, &pending->intent);
  state->pending_head++;
  return true;
}

static void submit(void *self, const struct intent *intent) {
  struct sim *sim = self;
  struct sim_state *state = sim->state;
  if (intent->ts > state->now) state->now = intent->ts;
  int64_t latency = latency_of(sim, intent);
  if (latency == 0 || state->data_ended) {
    sim_act(sim, intent);
    return;
  }
  check(state->pending_tail - state->pending_head < SIM_PENDING_MAX);
  state->pending[state->pending_tail++ % SIM_PENDING_MAX] = (struct sim_pending){state->now + latency, *intent};
}

/* ---- market ---- */

static void on_instrument(struct sim *sim, const struct event_instrument *news) {
  struct sim_symbol *symbol = &sim->symbols[news->symbol];
  if (news->instrument[0].tick_size <= 0 || news->instrument[0].lot_size <= 0) return;
  symbol->instrument = news->instrument[0];
  symbol->liquidation.position = 0; /* the maintenance margin may be another one */
  symbol->is_known = true;
}

static void on_capability(struct sim *sim, const struct event_capability *news) {
  struct sim_symbol *symbol = &sim->symbols[news->symbol];
  symbol->capabilities = (uint32_t)news->capabilities;
  symbol->has_live_market = (symbol->capabilities & (CAPABILITY_TRADES | CAPABILITY_BOOK)) != 0;
  if (symbol->has_live_market) sim->state->has_live_market = true;
  if (news->base_ms > 0) symbol->base_ms = news->base_ms;
}

static void on_live_candle(struct sim *sim, const struct event *event) {
  struct sim_symbol *symbol = &sim->symbols[event->candle.symbol];
  sim_candle_note(symbol, &event->candle);
  if ((symbol->capabilities & CAPABILITY_TRADES) != 0) return; /* prints know better */
  symbol->price = event->candle.close;
  sim_live_on_price(sim, event->candle.symbol, event->ts);
}

static void on_ticker(struct sim *sim, const struct event *event) {
  const struct event_ticker *news = &event->ticker;
  struct sim_symbol *symbol = &sim->symbols[news->symbol];
  if (!isnan(news->mark)) symbol->mark = news->mark;
  if (!symbol->has_live_market) return;
  if (!isnan(news->last) && (symbol->capabilities & CAPABILITY_TRADES) == 0) symbol->price = news->last;
  sim_live_on_price(sim, news->symbol, event->ts);
}

/* Index of the symbol a market event is about; -1 for kinds that are not for the venue. */
static int32_t symbol_of(const struct event *event) {
  switch (event->kind) {
    case EVENT_CANDLE:
      return event->candle.symbol;
    case EVENT_PUBLIC_TRADES:
      return event->public_trades.symbol;
    case EVENT_BOOK:
      return event->book.symbol;
    case EVENT_TICKER:
      return event->ticker.symbol;
    case EVENT_FUNDING_RATE:
      return event->funding_rate.symbol;
    case EVENT_INSTRUMENT:
      return event->instrument.symbol;
    case EVENT_CAPABILITY:
      return event->capability.symbol;
    default:
      return -1;
  }
}

static void dispatch(struct sim *sim, const struct event *event, int32_t index) {
  const struct sim_symbol *symbol = &sim->symbols[index];
  bool by_candles = event->kind == EVENT_CANDLE && !symbol->has_live_market;
  if (symbol->position != 0 && !by_candles && event->kind != EVENT_FUNDING_RATE) sim_settle_funding(sim, index, event->ts - 1);
  switch (event->kind) {
    case EVENT_CANDLE:
      if (by_candles) {
        sim_candle_begin(sim, event);
      } else {
        on_live_candle(sim, event);
      }
      return;
    case EVENT_PUBLIC_TRADES:
      sim_live_on_trades(sim, event);
      return;
    case EVENT_BOOK:
      sim_live_on_book(sim, event);
      return;
    case EVENT_TICKER:
      on_ticker(sim, event);
      return;
    case EVENT_FUNDING_RATE:
      sim_on_funding_rate(sim, event);
      return;
    case EVENT_INSTRUMENT:
      on_instrument(sim, &event->instrument);
      return;
    case EVENT_CAPABILITY:
      on_capability(sim, &event->capability);
      return;
    default:
      return;
  }
}

/* What was under way when the new event came in acts before it. */
static void catch_up(struct sim *sim, int64_t ts) {
  while (sim_candle_advance(sim) || act_pending(sim, ts)) continue;
}

/* No open comes any more: exits that wait for one, and orders from now on, are filled at the last price with its costs (backtest 2). */
static void on_end_of_data(struct sim *sim, const struct event *event) {
  struct sim_state *state = sim->state;
  catch_up(sim, event->ts);
  if (event->ts > state->now) state->now = event->ts;
  state->data_ended = true;
  for (int32_t i = 0; i < SIM_ORDERS_MAX; i++) {
    struct sim_order *order = &state->orders[i];
    bool waits = order->number != 0 && sim_is_live(order) && order->type != ORDER_LIMIT && order->state != ORDER_UNTRIGGERED;
    if (waits && order->is_reduce_only) sim_live_place(sim, order);
  }
}

static void on_market(void *self, const struct event *event) {
  struct sim *sim = self;
  struct sim_state *state = sim->state;
  if (event->kind == EVENT_TICK) return; /* of the engine's own clock */
  if (event->kind == EVENT_END_OF_DATA) on_end_of_data(sim, event);
  int32_t index = symbol_of(event);
  if (index < 0 || index >= sim->options.symbols) return;
  if (state->run.phase != CANDLE_NONE || state->pending_head != state->pending_tail) catch_up(sim, event->ts);
  if (state->market_ts > state->now) state->now = state->market_ts; /* the engine has seen the event before this one */
  if (event->ts > state->market_ts) state->market_ts = event->ts;
  state->data_ended = false;
  dispatch(sim, event, index);
  if (state->live_orders > 0 && state->market_ts - state->pong_ts >= PONG_INTERVAL_MS) state->wants_pong = true;
}

/* ---- answers ---- */

static bool answer_pong(struct sim_state *state, struct event *out) {
  if (!state->wants_pong) return false;
  state->wants_pong = false;
  state->pong_ts = state->market_ts;
  if (state->market_ts > state->now) state->now = state->market_ts;
  event_begin(out, state->now, EVENT_VENUE_LINK);
  out->venue_link = (struct event_venue_link){.state = LINK_UP, .detail = "pong"};
  return true;
}

static bool has_work(const struct sim_state *state) {
  return state->answer_head != state->answer_tail || state->replay_from != 0 || state->run.phase != CANDLE_NONE ||
         state->pending_head != state->pending_tail;
}

/* Apart from poll, which is asked after every event and would carry all of this on its stack. */
__attribute__((noinline)) static bool work(struct sim *sim, int64_t now, struct event *out) {
  do {
    if (sim_replay_pop(sim, out) || sim_answer_pop(sim, out)) return true;
  } while (sim_candle_advance(sim) || act_pending(sim, now));
  return answer_pong(sim->state, out);
}

static bool poll(void *self, int64_t now, struct event *out) {
  struct sim *sim = self;
  return has_work(sim->state) ? work(sim, now, out) : answer_pong(sim->state, out);
}

static int64_t next_due(void *self) {
  const struct sim_state *state = ((struct sim *)self)->state;
  if (state->answer_head != state->answer_tail || state->replay_from != 0 || state->wants_pong || state->run.phase != CANDLE_NONE) return state->now;
  if (state->pending_head != state->pending_tail) return state->pending[state->pending_head % SIM_PENDING_MAX].act_at;
  return INT64_MAX;
}

/* ---- memory and snapshot ---- */

static size_t positions_size(const struct sim_options *options) {
  return (size_t)options->symbols * sizeof(struct venue_position);
}

static size_t levels_size(const struct sim_options *options) {
  return (size_t)options->book_depth * sizeof(struct book_level);
}

static size_t padded(size_t size) {
  return size + 64;
}

static size_t memory_size(const struct sim_options *options) {
  size_t symbols = (size_t)options->symbols;
  return padded(sizeof(struct sim_state)) + padded(symbols * sizeof(struct sim_symbol)) + padded(positions_size(options)) +
         2 * symbols * padded(levels_size(options));
}

/* The blocks in a fixed order; only pointers are set, so a loaded image can be bound again. */
static void bind(struct sim *sim) {
  const struct sim_options *options = &sim->options;
  struct arena arena = {.memory = sim->arena.memory, .size = sim->arena.size};
  sim->state = arena_take(&arena, sizeof(struct sim_state));
  sim->symbols = arena_take(&arena, (size_t)options->symbols * sizeof(struct sim_symbol));
  sim->state->listed_positions = arena_take(&arena, positions_size(options));
  for (int32_t i = 0; i < options->symbols && options->book_depth > 0; i++) {
    sim->symbols[i].book.bids = arena_take(&arena, levels_size(options));
    sim->symbols[i].book.asks = arena_take(&arena, levels_size(options));
  }
}

static bool options_are_sound(const struct sim_options *options) {
  const double numbers[] = {options->slippage_bps, options->impact_bps, options->max_participation};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    if (!(numbers[i] >= 0)) return false;
  }
  return options->starting_balance > 0 && options->max_participation <= 1 && options->latency_ms >= 0 && options->max_leverage >= 1 &&
         options->symbols > 0 && options->book_depth >= 0 && options->base_ms > 0 && isfinite(options->taker_fee_bps) &&
         isfinite(options->maker_fee_bps);
}

static void init_symbol(struct sim_symbol *symbol, const struct sim_options *options) {
  struct book_level *bids = symbol->book.bids;
  struct book_level *asks = symbol->book.asks;
  *symbol = (struct sim_symbol){.last_open_ts = INT64_MIN,
                                .base_ms = options->base_ms,
                                .price = NAN,
                                .mark = NAN,
                                .first = -1,
                                .last = -1,
                                .leverage = DECIMAL_ONE,
                                .funding_rate = NAN,
                                .unprotected_since = -1};
  order_book_init(&symbol->book, bids, asks, options->book_depth);
}

enum status sim_open(struct sim *sim, const struct sim_options *options) {
  *sim = (struct sim){.options = *options};
  if (!options_are_sound(options)) return STATUS_BAD_CONFIG;
  enum status status = arena_open(&sim->arena, memory_size(options));
  if (status != STATUS_OK) return status;
  bind(sim);
  sim->state->cash = options->starting_balance;
  sim->state->taker_fee_bps = options->taker_fee_bps;
  sim->state->maker_fee_bps = options->maker_fee_bps;
  sim->state->pong_ts = INT64_MIN / 2;
  for (int32_t i = 0; i < options->symbols; i++) init_symbol(&sim->symbols[i], options);
  return STATUS_OK;
}

void sim_close(struct sim *sim) {
  arena_close(&sim->arena);
  *sim = (struct sim){0};
}

/* In front of the image: another build or other bounds give another layout. */
struct image_head {
  uint64_t layout;
  uint64_t size;
};

static struct image_head describe_image(const struct sim *sim) {
  const uint64_t parts[] = {sizeof(struct sim_state), sizeof(struct sim_symbol), sizeof(struct intent), (uint64_t)sim->options.symbols,
                            (uint64_t)sim->options.book_depth};
  uint64_t layout = UINT64_C(0x53494d31); /* "SIM1" */
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) layout = layout * UINT64_C(6364136223846793005) + parts[i];
  return (struct image_head){layout, sim->arena.size};
}

static size_t snapshot_size(void *self) {
  return sizeof(struct image_head) + ((struct sim *)self)->arena.size;
}

static void snapshot_save(void *self, unsigned char *out) {
  struct sim *sim = self;
  struct image_head head = describe_image(sim);
  memcpy(out, &head, sizeof head);
  memcpy(out + sizeof head, sim->arena.memory, sim->arena.size);
}

static enum status snapshot_load(void *self, const unsigned char *bytes, size_t size) {
  struct sim *sim = self;
  struct image_head head;
  struct image_head ours = describe_image(sim);
  if (size < sizeof head) return STATUS_TRUNCATED;
  memcpy(&head, bytes, sizeof head);
  if (head.layout != ours.layout || head.size != ours.size) return STATUS_NEWER_VERSION;
  if (size != sizeof head + sim->arena.size) return STATUS_TRUNCATED;
  memcpy(sim->arena.memory, bytes + sizeof head, sim->arena.size);
  bind(sim);
  return STATUS_OK;
}

void sim_exchange(struct sim *sim, struct exchange *out) {
  *out = (struct exchange){.self = sim,
                           .name = "paper",
                           .on_market = on_market,
                           .submit = submit,
                           .poll = poll,
                           .next_due = next_due,
                           .snapshot_size = snapshot_size,
                           .snapshot_save = snapshot_save,
                           .snapshot_load = snapshot_load};
}
