#include "apps/channel_sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "apps/channel_market.h"
#include "base/calendar.h"
#include "base/check.h"
#include "core/strategy/sizing.h"
#include "core/trade/fees.h"
#include "runner/preset_file.h"
#include "runner/preset_print.h"
#include "runner/presets_builtin.h"

struct channel_sweep {
  const struct settings *settings;
  struct channel_market market;
  struct instrument instrument;
  struct preset modelled; /* every key that a covered preset may not change stands at this value */
};

static const double slip_bps_max = 200; /* execution 8.4 */

/* ---- what is covered ---- */

static bool load_modelled(struct preset *preset) {
  struct problem problem;
  problem_clear(&problem);
  for (int i = 0; i < builtin_preset_count; i++) {
    const struct builtin_preset *builtin = &builtin_presets[i];
    if (strcmp(builtin->name, "channel_baseline") == 0)
      return preset_parse(preset, builtin->text, strlen(builtin->text), builtin->name, NULL, &problem) == 0;
  }
  return false;
}

static bool has_constant_instrument(const struct source *source, const struct candle *candles, size_t count) {
  const struct instrument *first = source_instrument(source, 0, candles[0].open_ts);
  if (first->status != INSTRUMENT_TRADING || first->delisting_at != 0) return false;
  return first == source_instrument(source, 0, candles[count - 1].open_ts);
}

static const char *obstacle(const struct wiring *wiring, const struct run_options *options) {
  const struct source *source = wiring->source;
  const uint32_t known = CAPABILITY_CANDLES_1M | CAPABILITY_INSTRUMENT;
  size_t count;
  if (source_symbol_count(source) != 1) return "more than one symbol";
  if ((source_capabilities(source, 0) & ~known) != 0) return "more than candles is recorded";
  if (source_interval_ms(source) != MINUTE_MS) return "candles are not of one minute";
  if (options->wiring.path != SIM_PATH_ADVERSE) return "the favourable path is asked for";
  if (options->cut_at_ms != 0 || options->keeps_orders) return "more than trades is asked for";
  const struct candle *candles = source_candles(source, 0, &count);
  if (count == 0) return "there are no candles";
  if (!has_constant_instrument(source, candles, count)) return "the instrument changes";
  return NULL;
}

struct channel_sweep *channel_sweep_open(const struct wiring *wiring, const struct run_options *options, const char **why) {
  *why = obstacle(wiring, options);
  if (*why != NULL) return NULL;
  size_t count;
  const struct candle *candles = source_candles(wiring->source, 0, &count);
  struct channel_sweep *sweep = calloc(1, sizeof *sweep);
  check(sweep != NULL);
  sweep->settings = &wiring->app->settings;
  sweep->instrument = *source_instrument(wiring->source, 0, candles[0].open_ts);
  if (!load_modelled(&sweep->modelled)) {
    *why = "the preset channel_baseline is not in the program";
  } else if (!channel_market_init(&sweep->market, candles, count)) {
    *why = "minutes are missing or implausible";
  }
  if (*why == NULL) return sweep;
  channel_sweep_close(sweep);
  return NULL;
}

void channel_sweep_close(struct channel_sweep *sweep) {
  if (sweep == NULL) return;
  channel_market_deinit(&sweep->market);
  free(sweep);
}

/* Keys that the walk below knows; all others must stand as they do in the modelled preset. */
static void take_modelled_keys(const struct preset *from, struct preset *to) {
  text_copy(to->name, sizeof to->name, from->name);
  text_copy(to->description, sizeof to->description, from->description);
  text_copy(to->target_markets, sizeof to->target_markets, from->target_markets);
  to->risk.risk_per_trade = from->risk.risk_per_trade;
  to->risk.max_concurrent_positions = from->risk.max_concurrent_positions;
  to->risk.daily_risk_limit = from->risk.daily_risk_limit;
  to->risk.max_position_size_usd = from->risk.max_position_size_usd;
  to->risk.kill_switch_loss_limit = from->risk.kill_switch_loss_limit;
  to->risk.max_consecutive_losses = from->risk.max_consecutive_losses;
  to->signal_config.allowed_sides = from->signal_config.allowed_sides;
  to->execution_config.taker_fee_bps = from->execution_config.taker_fee_bps;
  to->execution_config.maker_fee_bps = from->execution_config.maker_fee_bps;
  to->channel_config.period = from->channel_config.period;
  to->channel_config.atr_period = from->channel_config.atr_period;
  to->channel_config.stop_atr_mult = from->channel_config.stop_atr_mult;
  to->channel_config.target_r = from->channel_config.target_r;
  to->channel_config.timeframe = from->channel_config.timeframe;
}

bool channel_sweep_covers(const struct channel_sweep *sweep, const struct preset *preset) {
  if (preset->strategy_priority != STRATEGY_PRIORITY_CHANNEL) return false;
  struct preset expected = sweep->modelled;
  char wanted[DIGEST_TEXT_MAX];
  char given[DIGEST_TEXT_MAX];
  take_modelled_keys(preset, &expected);
  preset_hash(&expected, wanted);
  preset_hash(preset, given);
  return strcmp(wanted, given) == 0;
}

void channel_sweep_prepare(struct channel_sweep *sweep, const struct preset *preset) {
  const struct preset_channel_config *config = &preset->channel_config;
  enum channel_timeframe timeframe = (enum channel_timeframe)config->timeframe;
  int32_t count;
  const struct channel_break *breaks = channel_market_breaks(&sweep->market, timeframe, config->period, &count);
  for (int32_t i = 0; i < count; i++) {
    if (breaks[i].candle >= config->atr_period) (void)channel_market_range(&sweep->market, timeframe, config->atr_period, breaks[i].candle);
  }
}

bool channel_sweep_knows(enum performance_figure figure) {
  return figure != FIGURE_average_notional_ratio && figure != FIGURE_max_notional_ratio && figure != FIGURE_reference_change;
}

/* ---- one walk through the market ---- */

/* What is open: a market entry that still fills, and a position with its stop, its target and perhaps an exit at market. */
struct walk {
  struct channel_sweep *sweep;
  struct channel_market *market;
  const struct instrument *instrument;
  const struct preset *preset;
  struct channel_result *out;
  double slippage_bps, impact_bps, participation, taker_bps, maker_bps;
  int32_t end; /* one behind the last minute */
  int64_t start_ts;
  struct ledger ledger;
  struct risk_state risk;
  double cumulative_r;
  int64_t peak, fall_low; /* highest equity of all marks; lowest since it was last reached */
  int64_t cools_until;
  enum after_kill after_kill;
  bool is_killed, is_unsure;
  /* plan */
  int64_t wanted, stop, target, leverage, planned_entry, planned_at;
  enum position_side side;
  /* position: open while position.qty > 0 */
  struct position position;
  bool has_stop, stop_triggered, has_target, target_takes, exits_at_market;
  int64_t exit_from, target_filled;
  enum reason_code exit_reason;
};

static int sign_of(const struct walk *walk) {
  return walk->side == SIDE_LONG ? 1 : -1;
}

static bool is_open(const struct walk *walk) {
  return walk->position.qty > 0;
}

static bool is_busy(const struct walk *walk) {
  return is_open(walk) || walk->wanted > 0;
}

static int64_t open_ts_of(const struct walk *walk, int32_t minute) {
  return walk->market->minutes[0].open_ts + minute * MINUTE_MS;
}

static int64_t close_ts_of(const struct walk *walk, int32_t minute) {
  return open_ts_of(walk, minute) + MINUTE_MS;
}

/* ---- money ---- */

static void *list_place(struct run_list *list, size_t size) {
  if (list->count == list->capacity) {
    list->item_size = size;
    list->capacity = list->capacity == 0 ? 1024 : 2 * list->capacity;
    list->data = realloc(list->data, (size_t)list->capacity * size);
    check(list->data != NULL);
  }
  return list->data + (size_t)list->count++ * size;
}

static int64_t unrealised_at(const struct position *position, int64_t price) {
  return position_sign(position) * (decimal_multiply(position->qty, price) - position_open_cost(position));
}

static void add_mark(struct walk *walk, int64_t ts, int64_t unrealised) {
  int64_t equity = walk->ledger.cash_usd + unrealised;
  struct equity_point *point = list_place(&walk->out->marks, sizeof *point);
  *point = (struct equity_point){.ts = ts,
                                 .equity_usd = decimal_to_double(equity),
                                 .cash_usd = decimal_to_double(walk->ledger.cash_usd),
                                 .unrealised_usd = decimal_to_double(unrealised),
                                 .cumulative_r = walk->cumulative_r,
                                 .positions = is_open(walk) ? 1 : 0};
  if (equity >= walk->peak) walk->peak = walk->fall_low = equity;
  if (equity < walk->fall_low) walk->fall_low = equity;
}

/* Ends the wanted rest of an entry: what was filled is the position, and gets its target. */
static void end_entry(struct walk *walk, int64_t ts) {
  if (walk->wanted > 0 && !is_open(walk)) walk->out->unfilled_entries++;
  walk->wanted = 0;
  if (!is_open(walk)) return;
  walk->out->entries++;
  position_complete_entry(&walk->position, ts);
  if (walk->exits_at_market) return;
  walk->has_target = walk->target_takes = true;
  /* The engine joins targets that cannot be sold on their own. */
  if (!instrument_is_sellable(walk->instrument, walk->position.qty, walk->target)) walk->is_unsure = true;
}

static bool has_entry_at_work(const struct walk *walk) {
  return walk->wanted > 0;
}

static void close_at_market(struct walk *walk, int64_t ts, enum reason_code reason) {
  walk->has_target = false;
  if (has_entry_at_work(walk)) end_entry(walk, ts);
  walk->has_target = false;
  if (!is_open(walk) || walk->exits_at_market) return;
  walk->exits_at_market = true;
  walk->exit_from = ts;
  walk->exit_reason = reason;
}

static void judge(struct walk *walk, int64_t ts) {
  enum risk_cause cause = RISK_CAUSE_NONE;
  uint32_t actions = risk_evaluate(&walk->risk, &walk->ledger, walk->preset, ts, &cause);
  if (actions & RISK_ACTION_DAY_LATCH && has_entry_at_work(walk)) end_entry(walk, ts);
  if ((actions & RISK_ACTION_KILL) == 0) return;
  walk->is_killed = true;
  if (walk->stop_triggered) walk->is_unsure = true; /* two orders at market at once */
  close_at_market(walk, ts, REASON_kill_switch);
}

static void mark(struct walk *walk, int64_t ts) {
  int64_t unrealised = is_open(walk) ? walk->position.pnl_unrealised_usd : 0;
  add_mark(walk, ts, unrealised);
  ledger_on_mark(&walk->ledger, unrealised, ts);
  judge(walk, ts);
}

/* A new day begins with its first event, before anything else happens in it. */
static void begin_day(struct walk *walk, int64_t ts) {
  if (ts < walk->ledger.day + DAY_MS) return;
  ledger_on_mark(&walk->ledger, is_open(walk) ? walk->position.pnl_unrealised_usd : 0, ts);
  judge(walk, ts);
}

/* ---- fills ---- */

static int64_t slipped(const struct walk *walk, bool is_buy, int64_t base, int64_t qty, int32_t minute) {
  double liquidity = walk->market->liquidity[minute];
  double notional = decimal_to_double(decimal_multiply(base, qty));
  double bps = liquidity > 0 ? fmin(walk->slippage_bps + walk->impact_bps * notional / liquidity, slip_bps_max) : slip_bps_max;
  double fraction = bps * 1e-4;
  double price = decimal_to_double(base);
  if (is_buy) return instrument_price_from_double(walk->instrument, price * (1 + fraction), ROUND_UP);
  int64_t sold = instrument_price_from_double(walk->instrument, price * (1 - fraction), ROUND_DOWN);
  return sold > 0 ? sold : walk->instrument->tick_size;
}

static int64_t liquidation_price(const struct walk *walk) {
  int64_t entry = decimal_divide(position_open_cost(&walk->position), walk->position.qty);
  int64_t distance = decimal_divide(entry, walk->leverage) - decimal_multiply(entry, decimal_from_double(walk->instrument->maintenance_margin));
  return entry - sign_of(walk) * distance;
}

static void begin_position(struct walk *walk, int64_t ts) {
  walk->position = (struct position){.side = (int32_t)walk->side,
                                     .strategy = STRATEGY_CHANNEL,
                                     .mark = DECIMAL_NULL,
                                     .stop = walk->stop,
                                     .stop_initial = walk->stop,
                                     .fee_in = walk->taker_bps * 1e-4,
                                     .fee_out = walk->taker_bps * 1e-4,
                                     .planned_entry = walk->planned_entry,
                                     .opened_at = ts};
  memcpy(walk->position.symbol, walk->instrument->symbol, sizeof walk->position.symbol);
  walk->has_stop = walk->stop_triggered = walk->has_target = walk->target_takes = walk->exits_at_market = false;
  walk->target_filled = 0;
}

static void fill_entry(struct walk *walk, int64_t qty, int64_t price, int64_t ts) {
  int64_t value = decimal_multiply(qty, price);
  struct fill fill = {.qty = qty, .price = price, .fee_usd = fee_of_bps(value, walk->taker_bps), .ts = ts};
  if (!is_open(walk)) begin_position(walk, ts);
  walk->out->turnover_usd += decimal_to_double(value);
  ledger_on_fee(&walk->ledger, fill.fee_usd);
  position_on_entry_fill(&walk->position, &fill, false);
  walk->wanted -= qty;
}

struct exit_terms {
  int64_t qty, price, planned;
  double fee_bps;
  enum reason_code reason;
  bool is_path_dependent;
  int64_t ts, happens_at; /* of the event; of the fill */
};

static void finish_position(struct walk *walk, const struct exit_terms *terms) {
  struct position *position = &walk->position;
  struct channel_result *out = walk->out;
  position->exit_reason = (int32_t)terms->reason;
  struct trade *trade = list_place(terms->reason == REASON_end_of_data ? &out->left_open : &out->trades, sizeof *trade);
  position_to_trade(position, 0, trade);
  const int64_t length = 5 * MINUTE_MS;
  walk->cools_until = position->closed_at - position->closed_at % length + length;
  ledger_on_trade(&walk->ledger, trade->pnl_usd, trade->pnl_r);
  if (isfinite(trade->pnl_r)) walk->cumulative_r += trade->pnl_r;
  walk->wanted = 0;
  walk->has_stop = walk->stop_triggered = walk->has_target = walk->exits_at_market = false;
}

static void fill_exit(struct walk *walk, const struct exit_terms *terms) {
  struct position *position = &walk->position;
  int64_t value = decimal_multiply(terms->qty, terms->price);
  struct fill fill = {.qty = terms->qty, .price = terms->price, .fee_usd = fee_of_bps(value, terms->fee_bps), .ts = terms->happens_at};
  int64_t before = position->pnl_realised_usd;
  int64_t adverse = sign_of(walk) * (terms->planned - terms->price);
  if (terms->planned > 0 && adverse > 0) walk->out->slippage_usd += decimal_to_double(decimal_multiply(terms->qty, adverse));
  walk->out->turnover_usd += decimal_to_double(value);
  (void)position_on_exit_fill(position, &fill, terms->planned);
  ledger_on_realised(&walk->ledger, position->pnl_realised_usd - before);
  ledger_on_fee(&walk->ledger, fill.fee_usd);
  if (terms->is_path_dependent) position->path_dependent = true;
  if (terms->reason == REASON_take_profit) {
    position->touched_target = true;
    walk->target_filled += terms->qty;
  }
  if (position->qty == 0) {
    if (terms->reason == REASON_take_profit || position->qty_entered == walk->target_filled) {
      position->targets_filled = 1;
      position->target_mask = 1;
    }
    finish_position(walk, terms);
  }
  mark(walk, terms->ts);
}

/* ---- one minute while something is open ---- */

struct minute {
  int32_t index;
  int64_t open_ts, close_ts;
  int64_t open, high, low, left;
  bool is_path_dependent;
};

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t share_of_volume(const struct walk *walk, double volume) {
  double share = volume * walk->participation;
  if (!decimal_fits(share)) return DECIMAL_MAX / 2 / walk->instrument->lot_size * walk->instrument->lot_size;
  return instrument_round_quantity(walk->instrument, decimal_from_double(share), ROUND_DOWN);
}

/* A venue takes no stop that has passed: then the position is closed at market, in the same minute. */
static void protect(struct walk *walk, const struct minute *minute) {
  if (walk->has_stop || walk->exits_at_market) return;
  walk->has_stop = sign_of(walk) * (minute->open - walk->stop) > 0;
  if (walk->has_stop) return;
  walk->is_unsure = true;
}

static void enter_at_open(struct walk *walk, struct minute *minute) {
  int64_t qty = smaller(walk->wanted, minute->left);
  if (qty == 0) return;
  int64_t price = slipped(walk, walk->side == SIDE_LONG, minute->open, qty, minute->index);
  minute->left -= qty;
  fill_entry(walk, qty, price, minute->open_ts);
  protect(walk, minute);
  if (walk->wanted == 0) end_entry(walk, minute->open_ts);
  if (sign_of(walk) * (walk->stop - liquidation_price(walk)) <= 0) walk->is_unsure = true;
  mark(walk, minute->open_ts);
}

static void exit_at_open(struct walk *walk, struct minute *minute) {
  bool waits = walk->stop_triggered || (walk->exits_at_market && walk->exit_from <= minute->open_ts);
  int64_t qty = smaller(walk->position.qty, minute->left);
  if (!waits || qty == 0) return;
  minute->left -= qty;
  struct exit_terms terms = {.qty = qty,
                             .price = slipped(walk, walk->side == SIDE_SHORT, minute->open, qty, minute->index),
                             .planned = walk->stop_triggered ? walk->stop : walk->position.mark,
                             .fee_bps = walk->taker_bps,
                             .reason = walk->stop_triggered ? REASON_stop_loss : walk->exit_reason,
                             .ts = minute->open_ts,
                             .happens_at = minute->open_ts};
  fill_exit(walk, &terms);
}

/* The target's first chance: the open may lie beyond it. Else it rests. */
static void take_target_at_open(struct walk *walk, struct minute *minute) {
  bool is_beyond = sign_of(walk) * (minute->open - walk->target) >= 0;
  int64_t qty = smaller(walk->position.qty, minute->left);
  if (!is_beyond) walk->target_takes = false;
  if (!is_beyond || qty == 0) return;
  int64_t price = slipped(walk, walk->side == SIDE_SHORT, minute->open, qty, minute->index);
  if (sign_of(walk) * (price - walk->target) < 0) price = walk->target;
  minute->left -= qty;
  struct exit_terms terms = {.qty = qty,
                             .price = price,
                             .planned = walk->target,
                             .fee_bps = walk->taker_bps,
                             .reason = REASON_take_profit,
                             .ts = minute->open_ts,
                             .happens_at = minute->open_ts};
  fill_exit(walk, &terms);
}

static bool stop_is_inside(const struct walk *walk, const struct minute *minute) {
  return walk->side == SIDE_LONG ? minute->low <= walk->stop : minute->high >= walk->stop;
}

static bool target_is_inside(const struct walk *walk, const struct minute *minute) {
  int64_t tick = walk->instrument->tick_size;
  return walk->side == SIDE_LONG ? minute->high >= walk->target + tick : minute->low <= walk->target - tick;
}

static void trigger_stop(struct walk *walk, struct minute *minute) {
  if (!is_open(walk) || !walk->has_stop || walk->stop_triggered || !stop_is_inside(walk, minute)) return;
  bool is_gap = sign_of(walk) * (minute->open - walk->stop) <= 0;
  int64_t qty = smaller(walk->position.qty, minute->left);
  walk->stop_triggered = true;
  if (qty < walk->position.qty && has_entry_at_work(walk)) walk->is_unsure = true; /* a rest with an entry that ends at the same time */
  if (qty == 0) walk->is_unsure = true;                                            /* the engine watches a stop that does not fill */
  if (walk->is_unsure) return;
  minute->left -= qty;
  struct exit_terms terms = {.qty = qty,
                             .price = slipped(walk, walk->side == SIDE_SHORT, is_gap ? minute->open : walk->stop, qty, minute->index),
                             .planned = walk->stop,
                             .fee_bps = walk->taker_bps,
                             .reason = REASON_stop_loss,
                             .is_path_dependent = minute->is_path_dependent,
                             .ts = minute->close_ts,
                             .happens_at = minute->close_ts - 1};
  fill_exit(walk, &terms);
}

static void fill_target(struct walk *walk, struct minute *minute) {
  if (!is_open(walk) || !walk->has_target || walk->target_takes || !target_is_inside(walk, minute)) return;
  int64_t qty = smaller(walk->position.qty, minute->left);
  if (qty == 0) return;
  minute->left -= qty;
  struct exit_terms terms = {.qty = qty,
                             .price = walk->target,
                             .planned = walk->target,
                             .fee_bps = walk->maker_bps,
                             .reason = REASON_take_profit,
                             .is_path_dependent = minute->is_path_dependent,
                             .ts = minute->close_ts,
                             .happens_at = minute->close_ts - 1};
  fill_exit(walk, &terms);
}

/* Liquidations are for the engine. */
static bool meets_liquidation(const struct walk *walk, const struct minute *minute) {
  if (!is_open(walk)) return false;
  int64_t price = liquidation_price(walk);
  return walk->side == SIDE_LONG ? minute->low <= price : minute->high >= price;
}

static void minute_closes(struct walk *walk, const struct minute *minute) {
  struct position *position = &walk->position;
  if (is_open(walk)) {
    int64_t close = (int64_t)walk->market->close[minute->index];
    bool saw_whole = position->opened_at <= minute->open_ts;
    position_on_price(position, close, saw_whole ? minute->high : close, saw_whole ? minute->low : close);
  }
  mark(walk, minute->close_ts);
}

static void step(struct walk *walk, int32_t index) {
  const struct candle *candle = &walk->market->minutes[index];
  struct minute minute = {.index = index,
                          .open_ts = candle->open_ts,
                          .close_ts = candle->open_ts + MINUTE_MS,
                          .open = decimal_from_double(candle->open),
                          .high = (int64_t)walk->market->high[index],
                          .low = (int64_t)walk->market->low[index],
                          .left = share_of_volume(walk, candle->volume)};
  bool was_beyond = meets_liquidation(walk, &minute) && sign_of(walk) * (minute.open - liquidation_price(walk)) <= 0;
  if (was_beyond) walk->is_unsure = true;
  if (walk->wanted > 0) enter_at_open(walk, &minute);
  if (is_open(walk)) exit_at_open(walk, &minute);
  if (is_open(walk) && walk->has_target && walk->target_takes) take_target_at_open(walk, &minute);
  begin_day(walk, minute.close_ts);
  if (is_open(walk)) {
    minute.is_path_dependent =
        walk->has_stop && !walk->stop_triggered && walk->has_target && stop_is_inside(walk, &minute) && target_is_inside(walk, &minute);
  }
  trigger_stop(walk, &minute);
  if (meets_liquidation(walk, &minute)) walk->is_unsure = true;
  fill_target(walk, &minute);
  minute_closes(walk, &minute);
}

/* ---- quiet minutes ---- */

/* Nothing but the resting stop and target can act. */
static bool is_plain(const struct walk *walk) {
  return is_open(walk) && walk->wanted == 0 && walk->has_stop && !walk->stop_triggered && walk->has_target && !walk->target_takes &&
         !walk->exits_at_market;
}

/* Extremes of a stretch of minutes. */
struct stretch {
  double high, low, close_high, close_low;
};

static void widen(struct stretch *stretch, double high, double low, double close_high, double close_low) {
  if (high > stretch->high) stretch->high = high;
  if (low < stretch->low) stretch->low = low;
  if (close_high > stretch->close_high) stretch->close_high = close_high;
  if (close_low < stretch->close_low) stretch->close_low = close_low;
}

/* The first minute from `at` on that reaches `low` or `high`, or the end; what lies before it is in out. */
static int32_t find_touch(const struct channel_market *market, int32_t at, int32_t end, double low, double high, struct stretch *out) {
  *out = (struct stretch){-INFINITY, INFINITY, -INFINITY, INFINITY};
  while (at < end) {
    if (at % CHANNEL_BLOCK == 0 && at + CHANNEL_BLOCK <= end) {
      const struct channel_block *block = &market->blocks[at / CHANNEL_BLOCK];
      if (block->low > low && block->high < high) {
        widen(out, block->high, block->low, block->close_high, block->close_low);
        at += CHANNEL_BLOCK;
        continue;
      }
    }
    if (market->low[at] <= low || market->high[at] >= high) return at;
    widen(out, market->high[at], market->low[at], market->close[at], market->close[at]);
    at++;
  }
  return at;
}

/* Can a limit be reached by an equity between worst and best? Judged with a margin: minutes in doubt are taken one by one. */
static bool may_meet_limit(const struct walk *walk, int64_t best, int64_t worst) {
  const struct preset_risk *risk = &walk->preset->risk;
  double high = (double)(best > walk->ledger.high_water_mark_usd ? best : walk->ledger.high_water_mark_usd);
  double day = (double)(best > walk->ledger.day_start_equity_usd ? best : walk->ledger.day_start_equity_usd);
  double day_limit = risk->daily_risk_limit < risk->kill_switch_loss_limit ? risk->daily_risk_limit : risk->kill_switch_loss_limit;
  double low = (double)worst;
  return worst <= 0 || high - low > 0.999 * risk->kill_switch_loss_limit * high || day - low > 0.999 * day_limit * day;
}

static void mark_each(struct walk *walk, int32_t from, int32_t to) {
  for (int32_t i = from; i < to; i++) {
    int64_t unrealised = unrealised_at(&walk->position, (int64_t)walk->market->close[i]);
    int64_t ts = close_ts_of(walk, i);
    if (ts >= walk->ledger.day + DAY_MS) ledger_on_mark(&walk->ledger, walk->ledger.unrealised_usd, ts);
    add_mark(walk, ts, unrealised);
    ledger_on_mark(&walk->ledger, unrealised, ts);
  }
}

/* The last minute of the UTC day in which minute i closes, its own included. */
static int32_t last_of_day(const struct walk *walk, int32_t i) {
  int64_t into = close_ts_of(walk, i) % DAY_MS;
  return into == 0 ? i : i + (int32_t)((DAY_MS - into) / MINUTE_MS);
}

/* Below the high-water mark only the lowest equity and those of midnights tell something. */
static void mark_lowest(struct walk *walk, int32_t from, int32_t to, bool is_long) {
  const double *close = walk->market->close;
  int32_t lowest = from;
  for (int32_t i = from + 1; i < to; i++) {
    if (is_long ? close[i] < close[lowest] : close[i] > close[lowest]) lowest = i;
  }
  int64_t unrealised = unrealised_at(&walk->position, (int64_t)close[lowest]);
  if (walk->ledger.cash_usd + unrealised < walk->fall_low) add_mark(walk, close_ts_of(walk, lowest), unrealised);
}

static void mark_some(struct walk *walk, int32_t from, int32_t to, int64_t worst) {
  bool is_long = walk->side == SIDE_LONG;
  while (from < to) {
    int32_t midnight = last_of_day(walk, from);
    int32_t stop = midnight < to ? midnight : to;
    if (worst < walk->fall_low && from < stop) mark_lowest(walk, from, stop, is_long);
    if (midnight >= to) return;
    int64_t before = midnight > from ? unrealised_at(&walk->position, (int64_t)walk->market->close[midnight - 1]) : walk->ledger.unrealised_usd;
    ledger_on_mark(&walk->ledger, before, close_ts_of(walk, midnight));
    int64_t unrealised = unrealised_at(&walk->position, (int64_t)walk->market->close[midnight]);
    add_mark(walk, close_ts_of(walk, midnight), unrealised);
    ledger_on_mark(&walk->ledger, unrealised, close_ts_of(walk, midnight));
    from = midnight + 1;
  }
}

/* Passes over the minutes that touch neither stop nor target; returns the first that may do more. */
static int32_t pass_quiet(struct walk *walk, int32_t from) {
  bool is_long = walk->side == SIDE_LONG;
  double tick = (double)walk->instrument->tick_size;
  double low = is_long ? (double)walk->stop : (double)walk->target - tick;
  double high = is_long ? (double)walk->target + tick : (double)walk->stop;
  struct stretch seen;
  int32_t to = find_touch(walk->market, from, walk->end, low, high, &seen);
  if (to == from) return from;
  int64_t at_high = walk->ledger.cash_usd + unrealised_at(&walk->position, (int64_t)seen.close_high);
  int64_t at_low = walk->ledger.cash_usd + unrealised_at(&walk->position, (int64_t)seen.close_low);
  int64_t best = is_long ? at_high : at_low;
  int64_t worst = is_long ? at_low : at_high;
  if (may_meet_limit(walk, best, worst)) return from;
  if (best >= walk->ledger.high_water_mark_usd || best >= walk->peak) {
    mark_each(walk, from, to);
  } else {
    mark_some(walk, from, to, worst);
  }
  position_on_price(&walk->position, (int64_t)walk->market->close[to - 1], (int64_t)seen.high, (int64_t)seen.low);
  ledger_on_mark(&walk->ledger, walk->position.pnl_unrealised_usd, close_ts_of(walk, to - 1));
  return to;
}

/* ---- signals ---- */

struct plan_prices {
  enum position_side side;
  int64_t entry, stop, target;
};

static bool is_side_allowed(const struct preset *preset, enum position_side side) {
  int32_t allowed = preset->signal_config.allowed_sides;
  return allowed == ALLOWED_SIDES_BOTH || (allowed == ALLOWED_SIDES_LONG) == (side == SIDE_LONG);
}

/* Strategy 8.3 and 8.4. False: refused. */
static bool plan_prices(struct walk *walk, const struct channel_break *leave, struct plan_prices *out) {
  const struct preset_channel_config *config = &walk->preset->channel_config;
  const struct instrument *instrument = walk->instrument;
  enum channel_timeframe timeframe = (enum channel_timeframe)config->timeframe;
  out->side = leave->is_up ? SIDE_LONG : SIDE_SHORT;
  if (leave->candle < config->atr_period || !is_side_allowed(walk->preset, out->side)) return false;
  double close = walk->market->minutes[leave->minute].close;
  double sign = leave->is_up ? 1.0 : -1.0;
  double distance = config->stop_atr_mult * channel_market_range(walk->market, timeframe, config->atr_period, leave->candle);
  enum rounding rounding = leave->is_up ? ROUND_DOWN : ROUND_UP;
  out->entry = instrument_price_from_double(instrument, close, rounding);
  out->stop = instrument_price_from_double(instrument, close - sign * distance, rounding);
  out->target = instrument_price_from_double(instrument, close + sign * config->target_r * distance, rounding);
  int64_t needed = decimal_divide_rounded(out->entry, 1000 * DECIMAL_ONE, ROUND_UP);
  if (needed < 2 * instrument->tick_size) needed = 2 * instrument->tick_size;
  int64_t away = leave->is_up ? out->entry - out->stop : out->stop - out->entry;
  return out->stop > 0 && away >= needed;
}

/* Free margin must cover the order at its leverage and its fee, and the order be worth the least the venue takes, at the newest price. */
static bool venue_takes(const struct walk *walk, int64_t qty, int64_t leverage, int64_t price) {
  int64_t value = decimal_multiply(qty, price);
  int64_t fee = decimal_multiply_divide(value, decimal_from_double(walk->taker_bps), 10000 * DECIMAL_ONE, ROUND_UP);
  if (decimal_multiply_rounded(qty, price, ROUND_DOWN) < walk->instrument->min_notional_usd) return false;
  return walk->ledger.equity_usd >= decimal_divide(value, leverage) + fee;
}

static bool size(const struct walk *walk, const struct plan_prices *prices, struct sizing *out) {
  double taker = walk->taker_bps * 1e-4;
  struct reason_list reasons;
  reasons.count = 0;
  struct sizing_input input = {.preset = walk->preset,
                               .instrument = walk->instrument,
                               .side = prices->side,
                               .entry = prices->entry,
                               .stop = prices->stop,
                               .channel_target = prices->target,
                               .fee_in = taker,
                               .fee_out = taker,
                               .equity_usd = walk->ledger.equity_usd,
                               .margin_free_usd = walk->ledger.equity_usd,
                               .size_factor = risk_size_factor(&walk->risk),
                               .max_leverage = walk->sweep->settings->max_leverage,
                               .depth_usd = NAN};
  sizing_compute(&input, out, &reasons);
  return out->is_accepted;
}

static void try_signal(struct walk *walk, const struct channel_break *leave) {
  struct plan_prices prices;
  int64_t now = close_ts_of(walk, leave->minute);
  if (!plan_prices(walk, leave, &prices)) return;
  ledger_on_mark(&walk->ledger, 0, now);
  judge(walk, now);
  struct sizing sizing;
  bool is_allowed = !walk->is_killed && walk->risk.day.since_at == 0 && now >= walk->cools_until;
  if (!is_allowed || !size(walk, &prices, &sizing)) {
    walk->out->refused_plans++;
    return;
  }
  int64_t leverage = decimal_from_double(sizing.leverage);
  walk->out->plans++;
  if (!venue_takes(walk, sizing.qty, leverage, (int64_t)walk->market->close[leave->minute])) {
    walk->is_unsure = true;
    return;
  }
  /* While flat nothing is marked; a fall that begins now began at the last time at the maximum. */
  if (walk->ledger.equity_usd >= walk->peak) add_mark(walk, now, 0);
  walk->side = prices.side;
  walk->wanted = sizing.qty;
  walk->stop = prices.stop;
  walk->target = prices.target;
  walk->planned_entry = prices.entry;
  walk->planned_at = now;
  walk->leverage = leverage;
}

/* ---- the whole ---- */

enum { ENTRY_LIFE_MINUTES = 15 };

/* Minutes from the one after the signal until flat again; returns the first minute whose signal counts. */
static int32_t follow(struct walk *walk, int32_t minute) {
  while (minute < walk->end && is_busy(walk) && !walk->is_unsure) {
    if (is_plain(walk)) {
      minute = pass_quiet(walk, minute);
      if (minute == walk->end) return minute;
    }
    step(walk, minute);
    if (!is_busy(walk)) return minute;
    int64_t age = close_ts_of(walk, minute) - walk->planned_at;
    minute++;
    if (has_entry_at_work(walk) && age >= ENTRY_LIFE_MINUTES * MINUTE_MS) end_entry(walk, close_ts_of(walk, minute - 1));
  }
  return minute;
}

/* After the kill switch: the first minute whose signal counts again. With next-day the latch is released by the first tick of the next UTC day. */
static int32_t resume(struct walk *walk, int32_t killed) {
  int64_t into = close_ts_of(walk, killed) % DAY_MS;
  int64_t next = killed + (DAY_MS - into) / MINUTE_MS;
  if (walk->after_kill == AFTER_KILL_STOP || next >= walk->end || is_busy(walk)) return walk->end;
  ledger_on_mark(&walk->ledger, 0, close_ts_of(walk, (int32_t)next));
  if (walk->risk.kill.cause == RISK_CAUSE_DRAWDOWN) walk->ledger.high_water_mark_usd = walk->ledger.equity_usd;
  walk->risk.kill = (struct latch){0};
  walk->ledger.consecutive_losses = 0;
  walk->is_killed = false;
  return (int32_t)next + 1;
}

static void walk_through(struct walk *walk, int32_t first) {
  const struct preset_channel_config *config = &walk->preset->channel_config;
  int32_t count;
  const struct channel_break *breaks = channel_market_breaks(walk->market, (enum channel_timeframe)config->timeframe, config->period, &count);
  int32_t from = first;
  for (int32_t i = 0; i < count && !walk->is_unsure; i++) {
    if (breaks[i].minute < from) continue;
    if (breaks[i].minute >= walk->end) return;
    try_signal(walk, &breaks[i]);
    from = breaks[i].minute + 1;
    if (is_busy(walk)) from = follow(walk, from);
    if (walk->is_killed) from = resume(walk, from < walk->end ? from : walk->end - 1);
  }
}

/* Positions that are open at the end are closed at the last close with costs. */
static void end_data(struct walk *walk) {
  int64_t ts = close_ts_of(walk, walk->end - 1);
  if (walk->exits_at_market || walk->stop_triggered) {
    walk->is_unsure = true;
    return;
  }
  if (has_entry_at_work(walk)) end_entry(walk, ts);
  if (!is_open(walk)) return;
  int64_t qty = walk->position.qty;
  int64_t last = (int64_t)walk->market->close[walk->end - 1];
  struct exit_terms terms = {.qty = qty,
                             .price = slipped(walk, walk->side == SIDE_SHORT, last, qty, walk->end),
                             .planned = walk->position.mark,
                             .fee_bps = walk->taker_bps,
                             .reason = REASON_end_of_data,
                             .ts = ts,
                             .happens_at = ts};
  fill_exit(walk, &terms);
}

static double market_change(const struct walk *walk) {
  const struct candle *minutes = walk->market->minutes;
  int32_t first = (int32_t)((walk->start_ts - minutes[0].open_ts) / MINUTE_MS);
  if (walk->end <= first + 1) return NAN;
  return minutes[walk->end - 1].close / minutes[first].close - 1.0;
}

static void compute_figures(struct walk *walk) {
  struct channel_result *out = walk->out;
  const struct trade *trades = (const struct trade *)(const void *)out->trades.data;
  struct performance_input input = {.trades = trades,
                                    .trade_count = (int32_t)out->trades.count,
                                    .marks = (const struct equity_point *)(const void *)out->marks.data,
                                    .mark_count = out->marks.count,
                                    .from = out->started_at,
                                    .to = out->ended_at,
                                    .turnover_usd = out->turnover_usd,
                                    .slippage_usd = out->slippage_usd,
                                    .entries = (int32_t)out->entries,
                                    .plans = (int32_t)out->plans,
                                    .unfilled_entries = (int32_t)out->unfilled_entries,
                                    .refused_plans = (int32_t)out->refused_plans,
                                    .left_open = (int32_t)out->left_open.count,
                                    .market_change = market_change(walk),
                                    .reference_change = NAN};
  for (int64_t i = 0; i < out->trades.count; i++) input.path_dependent_trades += trades[i].path_dependent ? 1 : 0;
  int64_t needed = out->trades.count + 2 * ((out->ended_at - out->started_at) / DAY_MS + 4);
  if (needed > out->scratch_count) {
    free(out->scratch);
    out->scratch = calloc((size_t)needed, sizeof *out->scratch);
    check(out->scratch != NULL);
    out->scratch_count = needed;
  }
  performance_compute(&input, out->scratch, &out->performance);
  for (int i = 0; i < figure_count; i++) {
    if (!channel_sweep_knows((enum performance_figure)i)) out->performance.figure[i] = NAN;
  }
}

static double or_setting(double value, double setting) {
  return isfinite(value) ? value : setting;
}

static void walk_init(struct walk *walk, struct channel_sweep *sweep, const struct preset *preset, const struct run_options *options,
                      struct channel_result *out) {
  const struct settings *settings = sweep->settings;
  *walk = (struct walk){.sweep = sweep,
                        .market = &sweep->market,
                        .instrument = &sweep->instrument,
                        .preset = preset,
                        .out = out,
                        .slippage_bps = or_setting(options->wiring.slippage_bps, settings->paper_slippage_bps),
                        .impact_bps = or_setting(options->wiring.impact_bps, settings->paper_impact_bps),
                        .participation = settings->paper_max_participation,
                        .taker_bps = preset->execution_config.taker_fee_bps,
                        .maker_bps = preset->execution_config.maker_fee_bps,
                        .after_kill = options->after_kill,
                        .end = sweep->market.count};
  struct run_list trades = out->trades;
  struct run_list left_open = out->left_open;
  struct run_list marks = out->marks;
  trades.count = left_open.count = marks.count = 0;
  *out =
      (struct channel_result){.trades = trades, .left_open = left_open, .marks = marks, .scratch = out->scratch, .scratch_count = out->scratch_count};
}

/* The session begins with the first tick at or after `from`, and looks at candles that close later. */
static int32_t first_minute(const struct walk *walk, int64_t from_ms) {
  int64_t first_close = close_ts_of(walk, 0);
  if (from_ms <= first_close) return 0;
  int64_t minute = (from_ms - first_close + MINUTE_MS - 1) / MINUTE_MS;
  return minute < walk->end ? (int32_t)minute : walk->end;
}

enum channel_sweep_end channel_sweep_run(struct channel_sweep *sweep, const struct preset *preset, const struct run_options *options,
                                         struct channel_result *out) {
  struct walk walk;
  walk_init(&walk, sweep, preset, options, out);
  int64_t base = sweep->market.minutes[0].open_ts;
  if (options->to_ms != 0 && options->to_ms < close_ts_of(&walk, walk.end - 1)) {
    walk.end = options->to_ms > base ? (int32_t)((options->to_ms - base) / MINUTE_MS) : 0;
  }
  int32_t start = first_minute(&walk, options->from_ms);
  if (start >= walk.end) return CHANNEL_SWEEP_NO_DATA;
  int64_t balance = decimal_from_double(or_setting(options->wiring.starting_balance, sweep->settings->paper_starting_balance));
  walk.start_ts = out->started_at = close_ts_of(&walk, start);
  out->ended_at = close_ts_of(&walk, walk.end - 1);
  ledger_init(&walk.ledger, balance, out->started_at);
  walk.peak = walk.fall_low = balance;
  add_mark(&walk, out->started_at, 0);
  walk_through(&walk, start + 1);
  if (!walk.is_unsure) end_data(&walk);
  if (walk.is_unsure) return CHANNEL_SWEEP_UNSURE;
  out->end_equity_usd = walk.ledger.cash_usd;
  compute_figures(&walk);
  return CHANNEL_SWEEP_DONE;
}

void channel_result_deinit(struct channel_result *result) {
  free(result->trades.data);
  free(result->left_open.data);
  free(result->marks.data);
  free(result->scratch);
  *result = (struct channel_result){0};
}
