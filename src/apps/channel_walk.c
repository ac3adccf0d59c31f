#include "apps/channel_walk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/check.h"
#include "core/strategy/sizing.h"
#include "core/trade/fees.h"

static const double slip_bps_max = 200; /* execution 8.4 */

/* What is open: a market entry that still fills, and a position with its stop, its target and perhaps an exit at market. */
struct walk {
  struct channel_market *market;
  const struct instrument *instrument;
  const struct preset *preset;
  struct channel_result *out;
  double slippage_bps, impact_bps, participation, taker_bps, maker_bps;
  int32_t max_leverage;
  int32_t end; /* one behind the last minute */
  struct ledger ledger;
  struct risk_state risk;
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
  int64_t exit_from, target_filled, liquidation;
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
  return walk->market->first_ts + minute * MINUTE_MS;
}

static int64_t close_of(const struct walk *walk, int32_t minute) {
  return walk->market->minutes[minute].close * walk->market->unit;
}

static int64_t close_ts_of(const struct walk *walk, int32_t minute) {
  return open_ts_of(walk, minute) + MINUTE_MS;
}

/* ---- money ---- */

/* A place for one more of a list. */
static void *list_place(struct run_list *list, size_t size) {
  if (list->count == list->capacity) {
    list->item_size = size;
    list->capacity = list->capacity == 0 ? 1024 : 2 * list->capacity;
    list->data = realloc(list->data, (size_t)list->capacity * size);
    check(list->data != NULL);
  }
  return list->data + (size_t)list->count++ * size;
}

static void keep_trade(struct channel_result *out, const struct trade *trade) {
  if (out->keeps_trades) *(struct trade *)list_place(&out->trades, sizeof *trade) = *trade;
  if (out->trade_count == out->column_capacity) {
    out->column_capacity = out->column_capacity == 0 ? 1024 : 2 * out->column_capacity;
    for (int i = 0; i < performance_column_count; i++) {
      out->columns[i] = realloc(out->columns[i], (size_t)out->column_capacity * sizeof(double));
      check(out->columns[i] != NULL);
    }
  }
  for (int i = 0; i < performance_column_count; i++) out->columns[i][out->trade_count] = performance_column_of(trade, (enum performance_column)i);
  out->path_dependent_trades += trade->path_dependent ? 1 : 0;
  out->trade_count++;
}

static int64_t unrealised_at(const struct position *position, int64_t price) {
  return position_sign(position) * (decimal_multiply(position->qty, price) - position_open_cost(position));
}

static void add_mark(struct walk *walk, int64_t ts, int64_t unrealised) {
  int64_t equity = walk->ledger.cash_usd + unrealised;
  const struct equity_point point = {.ts = ts, .equity_usd = decimal_to_double(equity), .positions = is_open(walk) ? 1 : 0};
  performance_curve_add(&walk->out->curve, &point);
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

/* Far from every limit: nearly always, and told without exact products. A margin leaves what is near to risk_evaluate. */
static bool is_calm(const struct walk *walk) {
  const struct preset_risk *risk = &walk->preset->risk;
  const struct ledger *ledger = &walk->ledger;
  double equity = (double)ledger->equity_usd;
  double day = (double)ledger->day_start_equity_usd;
  double high = (double)ledger->high_water_mark_usd;
  double half = 0.499 * risk->kill_switch_loss_limit;
  double day_limit = 0.799 * risk->daily_risk_limit;
  if (walk->risk.day.since_at != 0 || walk->risk.kill.since_at != 0 || ledger->consecutive_losses >= risk->max_consecutive_losses) return false;
  return day > 0 && high - equity < half * high && day - equity < half * day && day - equity < day_limit * day;
}

static void judge(struct walk *walk, int64_t ts) {
  if (is_calm(walk)) {
    walk->risk.is_halved = walk->risk.is_warned = false;
    return;
  }
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
  double liquidity = walk->market->flows[minute].liquidity;
  double notional = decimal_to_double(decimal_multiply(base, qty));
  double bps = liquidity > 0 ? fmin(walk->slippage_bps + walk->impact_bps * notional / liquidity, slip_bps_max) : slip_bps_max;
  double fraction = bps * 1e-4;
  double price = decimal_to_double(base);
  if (is_buy) return instrument_price_from_double(walk->instrument, price * (1 + fraction), ROUND_UP);
  int64_t sold = instrument_price_from_double(walk->instrument, price * (1 - fraction), ROUND_DOWN);
  return sold > 0 ? sold : walk->instrument->tick_size;
}

/* Set anew when the position changes. */
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
  walk->liquidation = liquidation_price(walk);
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
  struct trade trade;
  position_to_trade(position, 0, &trade);
  if (terms->reason == REASON_end_of_data) {
    *(struct trade *)list_place(&out->left_open, sizeof trade) = trade;
  } else {
    keep_trade(out, &trade);
  }
  const int64_t length = 5 * MINUTE_MS;
  walk->cools_until = position->closed_at - position->closed_at % length + length;
  ledger_on_trade(&walk->ledger, trade.pnl_usd, trade.pnl_r);
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
  } else {
    walk->liquidation = liquidation_price(walk);
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
  if (sign_of(walk) * (walk->stop - walk->liquidation) <= 0) walk->is_unsure = true;
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
  return walk->side == SIDE_LONG ? minute->low <= walk->liquidation : minute->high >= walk->liquidation;
}

static void minute_closes(struct walk *walk, const struct minute *minute) {
  struct position *position = &walk->position;
  if (is_open(walk)) {
    int64_t close = close_of(walk, minute->index);
    bool saw_whole = position->opened_at <= minute->open_ts;
    position_on_price(position, close, saw_whole ? minute->high : close, saw_whole ? minute->low : close);
  }
  mark(walk, minute->close_ts);
}

static struct minute minute_of(const struct walk *walk, int32_t index) {
  const struct channel_minute *prices = &walk->market->minutes[index];
  int64_t unit = walk->market->unit;
  return (struct minute){.index = index,
                         .open_ts = open_ts_of(walk, index),
                         .close_ts = close_ts_of(walk, index),
                         .open = prices->open * unit,
                         .high = prices->high * unit,
                         .low = prices->low * unit,
                         .left = share_of_volume(walk, walk->market->flows[index].volume)};
}

static void act_at_open(struct walk *walk, struct minute *minute) {
  bool is_liquidated = meets_liquidation(walk, minute) && sign_of(walk) * (minute->open - walk->liquidation) <= 0;
  if (is_liquidated) walk->is_unsure = true;
  if (walk->wanted > 0) enter_at_open(walk, minute);
  if (is_open(walk)) exit_at_open(walk, minute);
  if (is_open(walk) && walk->has_target && walk->target_takes) take_target_at_open(walk, minute);
}

static void act_inside(struct walk *walk, struct minute *minute) {
  begin_day(walk, minute->close_ts);
  if (is_open(walk)) {
    minute->is_path_dependent =
        walk->has_stop && !walk->stop_triggered && walk->has_target && stop_is_inside(walk, minute) && target_is_inside(walk, minute);
  }
  trigger_stop(walk, minute);
  if (meets_liquidation(walk, minute)) walk->is_unsure = true;
  fill_target(walk, minute);
  minute_closes(walk, minute);
}

/* ---- quiet minutes ---- */

/* Nothing but the resting stop and target can act. */
static bool is_plain(const struct walk *walk) {
  return is_open(walk) && walk->wanted == 0 && walk->has_stop && !walk->stop_triggered && walk->has_target && !walk->target_takes &&
         !walk->exits_at_market;
}

/* Extremes of a stretch of minutes, in units of the market. */
struct stretch {
  int32_t high, low, close_high, close_low;
};

static inline void widen(struct stretch *stretch, int32_t high, int32_t low, int32_t close_high, int32_t close_low) {
  stretch->high = high > stretch->high ? high : stretch->high;
  stretch->low = low < stretch->low ? low : stretch->low;
  stretch->close_high = close_high > stretch->close_high ? close_high : stretch->close_high;
  stretch->close_low = close_low < stretch->close_low ? close_low : stretch->close_low;
}

enum {
  MINUTES_OF_LINE = 4
}; /* in 64 bytes of memory. Minutes are far apart, and waiting for them is most of what a set costs: what will be needed is
      asked for ahead */

/* The first minute from `at` on that reaches `low` or `high`, or the end; what lies before it is in out. */
static int32_t find_touch(const struct channel_market *market, int32_t at, int32_t end, int64_t low, int64_t high, struct stretch *out) {
  struct stretch seen = {0, INT32_MAX, 0, INT32_MAX};
  while (at < end) {
    if (at % CHANNEL_BLOCK == 0 && at + CHANNEL_BLOCK <= end) {
      const struct channel_block *block = &market->blocks[at / CHANNEL_BLOCK];
      if (block->low > low && block->high < high) {
        widen(&seen, block->high, block->low, block->close_high, block->close_low);
        at += CHANNEL_BLOCK;
        continue;
      }
    }
    const struct channel_minute *minute = &market->minutes[at];
    if (at % CHANNEL_BLOCK == 0) {
      for (int32_t i = MINUTES_OF_LINE; i < CHANNEL_BLOCK; i += MINUTES_OF_LINE) __builtin_prefetch(minute + i);
    }
    if (minute->low <= low || minute->high >= high) break;
    widen(&seen, minute->high, minute->low, minute->close, minute->close);
    at++;
  }
  __builtin_prefetch(&market->flows[at]);
  *out = seen;
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

/* The last minute of the UTC day in which minute i closes, its own included. */
static int32_t last_of_day(const struct walk *walk, int32_t i) {
  int64_t into = close_ts_of(walk, i) % DAY_MS;
  return into == 0 ? i : i + (int32_t)((DAY_MS - into) / MINUTE_MS);
}

/* Closes of a stretch as the position sees them: the higher, the better. Money follows price, so that most minutes are compared by their prices
 * alone; two prices nearer than `grain` may be worth the same after rounding and are compared by what they are worth. */
struct slope {
  struct walk *walk;
  int32_t direction, grain_units; /* 1 of a long position, -1 of a short one */
  double sign, grain;
  double usd_per_price; /* of the quantity, both in 1e-8 units */
};

static struct slope slope_of(struct walk *walk) {
  double qty = (double)walk->position.qty;
  double grain = (double)DECIMAL_ONE / qty + 2;
  double units = grain / (double)walk->market->unit + 1;
  return (struct slope){.walk = walk,
                        .direction = sign_of(walk),
                        .grain_units = units < INT32_MAX ? (int32_t)units : INT32_MAX,
                        .sign = sign_of(walk),
                        .grain = grain,
                        .usd_per_price = qty / (double)DECIMAL_ONE};
}

static int64_t unrealised_of(const struct slope *slope, int32_t minute) {
  return unrealised_at(&slope->walk->position, close_of(slope->walk, minute));
}

static void mark_minute(const struct slope *slope, int32_t minute) {
  add_mark(slope->walk, close_ts_of(slope->walk, minute), unrealised_of(slope, minute));
}

static inline bool is_lower(const struct slope *slope, int32_t minute, int32_t than) {
  const struct channel_minute *minutes = slope->walk->market->minutes;
  int32_t below = slope->direction * (minutes[than].close - minutes[minute].close);
  if (below <= 0) return false;
  return below >= slope->grain_units || unrealised_of(slope, minute) < unrealised_of(slope, than);
}

/* Is the equity at the close of a minute at least `equity`, which is that at about `price` (with the sign of the side)? */
static bool reaches(const struct slope *slope, int32_t minute, double price, int64_t equity) {
  double difference = slope->sign * (double)close_of(slope->walk, minute) - price;
  if (difference >= slope->grain) return true;
  return difference > -slope->grain && slope->walk->ledger.cash_usd + unrealised_of(slope, minute) >= equity;
}

/* The price, with the sign of the side, at which equity is at its peak. */
static double price_of_peak(const struct slope *slope) {
  const struct walk *walk = slope->walk;
  double gain = (double)(walk->peak - walk->ledger.cash_usd);
  return (gain + slope->sign * (double)position_open_cost(&walk->position)) / slope->usd_per_price;
}

/* A fall that no figure tells of: shallower than those that count, than the deepest ten and than the longest is long. */
static bool is_slight(const struct slope *slope, int32_t top, int32_t low, int32_t recovered) {
  const struct walk *walk = slope->walk;
  const struct performance_curve *curve = &walk->out->curve;
  const double counted_from = 0.001; /* backtest 6, average_drawdown */
  double depth = (slope->sign * (double)(close_of(walk, top) - close_of(walk, low)) * slope->usd_per_price + 2) / (double)walk->peak;
  return curve->drawdown_count == PERFORMANCE_DRAWDOWNS_MAX && depth < 0.999 * curve->drawdowns[PERFORMANCE_DRAWDOWNS_MAX - 1].depth &&
         depth < 0.999 * counted_from && (recovered - top) * MINUTE_MS <= curve->longest_ms;
}

/* From a minute at the peak: highest and, since then, lowest minute before `to`, or before a fall that counts has been recovered from. */
static int32_t climb(const struct slope *slope, int32_t from, int32_t to, int32_t *top, int32_t *low) {
  *top = from;
  *low = -1;
  for (int32_t i = from + 1; i < to; i++) {
    if (is_lower(slope, i, *top)) {
      if (*low < 0 || is_lower(slope, i, *low)) *low = i;
      continue;
    }
    if (*low >= 0 && !is_slight(slope, *top, *low, i)) return i;
    *top = i;
    *low = -1;
  }
  return to;
}

static void mark_if_lowest(const struct slope *slope, int32_t minute) {
  if (minute >= 0 && slope->walk->ledger.cash_usd + unrealised_of(slope, minute) < slope->walk->fall_low) mark_minute(slope, minute);
}

/* Minutes that reach or make a new peak: the peaks, and the lows of the falls between them. */
static void mark_peaks(const struct slope *slope, int32_t from, int32_t to) {
  int32_t i = from;
  while (i < to) {
    double price = price_of_peak(slope);
    int32_t low = -1;
    for (; i < to && !reaches(slope, i, price, slope->walk->peak); i++) {
      if (low < 0 || is_lower(slope, i, low)) low = i;
    }
    mark_if_lowest(slope, low);
    if (i == to) return;
    int32_t first = i;
    int32_t top;
    mark_minute(slope, first);
    i = climb(slope, first, to, &top, &low);
    if (top > first) mark_minute(slope, top);
    mark_if_lowest(slope, low);
  }
}

/* Below the peak only the lowest equity tells something. */
static void mark_lowest(const struct slope *slope, int32_t from, int32_t to) {
  int32_t lowest = from;
  for (int32_t i = from + 1; i < to; i++) {
    if (is_lower(slope, i, lowest)) lowest = i;
  }
  mark_if_lowest(slope, lowest);
}

static void mark_stretch(struct walk *walk, int32_t from, int32_t to, int64_t best, int64_t worst) {
  struct slope slope = slope_of(walk);
  while (from < to) {
    int32_t midnight = last_of_day(walk, from);
    int32_t stop = midnight < to ? midnight : to;
    if (best >= walk->peak) {
      mark_peaks(&slope, from, stop);
    } else if (worst < walk->fall_low && from < stop) {
      mark_lowest(&slope, from, stop);
    }
    if (midnight >= to) break;
    int64_t before = midnight > from ? unrealised_of(&slope, midnight - 1) : walk->ledger.unrealised_usd;
    ledger_on_mark(&walk->ledger, before, close_ts_of(walk, midnight));
    mark_minute(&slope, midnight);
    ledger_on_mark(&walk->ledger, unrealised_of(&slope, midnight), close_ts_of(walk, midnight));
    from = midnight + 1;
  }
  if (best > walk->ledger.high_water_mark_usd) walk->ledger.high_water_mark_usd = best;
}

/* Passes over the minutes that touch neither stop nor target; returns the first that may do more. */
static int32_t pass_quiet(struct walk *walk, int32_t from) {
  bool is_long = walk->side == SIDE_LONG;
  int64_t unit = walk->market->unit;
  int64_t tick = walk->instrument->tick_size;
  int64_t low = is_long ? walk->stop : walk->target - tick;
  int64_t high = is_long ? walk->target + tick : walk->stop;
  struct stretch seen;
  int32_t to =
      find_touch(walk->market, from, walk->end, decimal_to_step(low, unit, ROUND_DOWN) / unit, decimal_to_step(high, unit, ROUND_UP) / unit, &seen);
  if (to == from) return from;
  int64_t at_high = walk->ledger.cash_usd + unrealised_at(&walk->position, seen.close_high * unit);
  int64_t at_low = walk->ledger.cash_usd + unrealised_at(&walk->position, seen.close_low * unit);
  int64_t best = is_long ? at_high : at_low;
  int64_t worst = is_long ? at_low : at_high;
  if (may_meet_limit(walk, best, worst)) return from;
  mark_stretch(walk, from, to, best, worst);
  position_on_price(&walk->position, close_of(walk, to - 1), seen.high * unit, seen.low * unit);
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
static bool plan_prices(const struct walk *walk, const struct channel_break *leave, double range, struct plan_prices *out) {
  const struct preset_channel_config *config = &walk->preset->channel_config;
  const struct instrument *instrument = walk->instrument;
  out->side = leave->is_up ? SIDE_LONG : SIDE_SHORT;
  if (leave->candle < config->atr_period || !is_side_allowed(walk->preset, out->side)) return false;
  double sign = leave->is_up ? 1.0 : -1.0;
  double distance = config->stop_atr_mult * range;
  enum rounding rounding = leave->is_up ? ROUND_DOWN : ROUND_UP;
  out->entry = instrument_price_from_double(instrument, leave->close, rounding);
  out->stop = instrument_price_from_double(instrument, leave->close - sign * distance, rounding);
  out->target = instrument_price_from_double(instrument, leave->close + sign * config->target_r * distance, rounding);
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
                               .max_leverage = walk->max_leverage,
                               .depth_usd = NAN};
  sizing_compute(&input, out, &reasons);
  return out->is_accepted;
}

/* Where the stop or the target will probably be touched is known before the quantity is: that memory is asked for while the quantity is computed. */
static void ask_for_touch(const struct walk *walk, const struct plan_prices *prices, int32_t minute) {
  enum { BLOCKS_AHEAD = 64, FLOWS_OF_LINE = 4 };
  const struct channel_market *market = walk->market;
  int64_t unit = market->unit;
  int64_t low = (prices->side == SIDE_LONG ? prices->stop : prices->target) / unit;
  int64_t high = (prices->side == SIDE_LONG ? prices->target : prices->stop) / unit;
  int32_t block = minute / CHANNEL_BLOCK + 1;
  int32_t last = market->count / CHANNEL_BLOCK;
  if (last > block + BLOCKS_AHEAD) last = block + BLOCKS_AHEAD;
  for (int32_t i = minute; i < block * CHANNEL_BLOCK && i < market->count; i += MINUTES_OF_LINE) {
    __builtin_prefetch(&market->minutes[i]);
    __builtin_prefetch(&market->flows[i]);
  }
  while (block < last && market->blocks[block].low > low && market->blocks[block].high < high) block++;
  if (block >= last) return;
  for (int32_t i = 0; i < CHANNEL_BLOCK; i += MINUTES_OF_LINE) __builtin_prefetch(&market->minutes[block * CHANNEL_BLOCK + i]);
  for (int32_t i = 0; i < CHANNEL_BLOCK; i += FLOWS_OF_LINE) __builtin_prefetch(&market->flows[block * CHANNEL_BLOCK + i]);
}

static void try_signal(struct walk *walk, const struct channel_break *leave, double range) {
  struct plan_prices prices;
  int64_t now = close_ts_of(walk, leave->minute);
  __builtin_prefetch(&walk->market->minutes[leave->minute + 1]);
  __builtin_prefetch(&walk->market->flows[leave->minute + 1]);
  if (!plan_prices(walk, leave, range, &prices)) return;
  ask_for_touch(walk, &prices, leave->minute + 1);
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
  if (!venue_takes(walk, sizing.qty, leverage, decimal_from_double(leave->close))) {
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
static int32_t follow(struct walk *walk, int32_t index) {
  while (index < walk->end && is_busy(walk) && !walk->is_unsure) {
    bool was_plain = is_plain(walk);
    if (was_plain) index = pass_quiet(walk, index);
    if (index == walk->end) return index;
    struct minute minute = minute_of(walk, index);
    act_at_open(walk, &minute);
    if (!was_plain && is_plain(walk) && !walk->is_unsure) { /* the rest of the entry's own minute is as quiet as those that follow */
      int32_t to = pass_quiet(walk, index);
      if (to == walk->end) return to;
      if (to > index) minute = minute_of(walk, to);
      index = to;
    }
    act_inside(walk, &minute);
    if (!is_busy(walk)) return index;
    int64_t age = minute.close_ts - walk->planned_at;
    index++;
    if (has_entry_at_work(walk) && age >= ENTRY_LIFE_MINUTES * MINUTE_MS) end_entry(walk, minute.close_ts);
  }
  return index;
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
  enum channel_timeframe timeframe = (enum channel_timeframe)config->timeframe;
  int32_t count;
  const struct channel_break *breaks = channel_market_breaks(walk->market, timeframe, config->period, &count);
  const double *ranges = channel_market_ranges(walk->market, timeframe, config->period, config->atr_period);
  int32_t from = first;
  for (int32_t i = 0; i < count && !walk->is_unsure; i++) {
    if (breaks[i].minute < from) continue;
    if (breaks[i].minute >= walk->end) return;
    try_signal(walk, &breaks[i], ranges[i]);
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
  int64_t last = close_of(walk, walk->end - 1);
  struct exit_terms terms = {.qty = qty,
                             .price = slipped(walk, walk->side == SIDE_SHORT, last, qty, walk->end),
                             .planned = walk->position.mark,
                             .fee_bps = walk->taker_bps,
                             .reason = REASON_end_of_data,
                             .ts = ts,
                             .happens_at = ts};
  fill_exit(walk, &terms);
}

enum channel_sweep_end channel_walk(const struct channel_task *task, struct channel_result *out) {
  struct channel_market *market = task->market;
  struct walk walk = {.market = market,
                      .instrument = task->instrument,
                      .preset = task->preset,
                      .out = out,
                      .slippage_bps = task->slippage_bps,
                      .impact_bps = task->impact_bps,
                      .participation = task->participation,
                      .max_leverage = task->max_leverage,
                      .taker_bps = task->preset->execution_config.taker_fee_bps,
                      .maker_bps = task->preset->execution_config.maker_fee_bps,
                      .after_kill = task->after_kill,
                      .end = task->end,
                      .peak = task->balance,
                      .fall_low = task->balance};
  ledger_init(&walk.ledger, task->balance, close_ts_of(&walk, task->start));
  add_mark(&walk, close_ts_of(&walk, task->start), 0);
  if (task->entry != NULL) {
    try_signal(&walk, task->entry, task->range);
    (void)follow(&walk, task->entry->minute + 1);
  } else {
    walk_through(&walk, task->start + 1);
    if (!walk.is_unsure) end_data(&walk);
  }
  out->end_equity_usd = walk.ledger.cash_usd;
  return walk.is_unsure ? CHANNEL_SWEEP_UNSURE : CHANNEL_SWEEP_DONE;
}
