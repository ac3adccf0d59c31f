/* The channel baseline against a second implementation, written from its description alone and as plainly as possible: one loop over the minutes, its
 * own candles of 5m, channel, range, size, fills, fees, account and limits. It shares with the engine only the candles, the table of an instrument
 * and the function that turns a double into 1e-8 units.
 *
 * Every closed trade is compared: symbol, side, minute of entry and exit, quantity, both prices, fees, result, reason. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/source/generate.h"
#include "apps/run.h"
#include "support/scratch.h"

__extension__ typedef __int128 wide;

enum { SYMBOLS = 8, TRADES_MAX = 20000 };
#define MIN_MS INT64_C(60000)
#define UNIT INT64_C(100000000)

/* ---- channel_ref ---- */

struct ref_trade {
  int symbol, side;              /* +1 long, -1 short */
  int64_t entry_open, exit_open; /* open times of the candles of the first and the last fill */
  int64_t qty, entry, exit, fees, pnl;
  const char *reason;
};

struct ref_market {
  const struct candle *m1;
  size_t count;
  struct instrument rules;
  /* position and its orders */
  int side;
  int64_t wanted; /* quantity of the entry that is still to be filled, 0 none */
  int64_t entered, qty, cost, exit_value, fees;
  int64_t stop, target;
  int64_t leverage, planned; /* of the plan: 1e-8 units */
  int64_t entry_open, mark, last;
  bool has_stop, stop_triggered, has_target, target_is_new, market_exit;
  int64_t market_from; /* acts on candles that open then or later */
  const char *market_reason;
  int64_t cools_until;
  int64_t signal_at;
  /* signal of the minute at hand */
  int signal;
  int64_t signal_entry, signal_stop, signal_target;
};

struct ref {
  struct ref_market markets[SYMBOLS];
  int count;
  double risk_per_trade, day_limit, kill_limit, taker_bps, maker_bps, slip_bps, impact_bps, participation;
  double atr_mult, target_r;
  int period, atr_period, slots, losses_max, leverage_max, tf; /* tf: minutes of a signal candle */
  int64_t now, cash, equity, day, day_start, peak;
  int losses;
  bool halved, day_latched, killed;
  struct ref_trade trades[TRADES_MAX];
  int trade_count;
};

static int64_t units(double x) {
  return decimal_from_double(x);
}

static int64_t nearest(wide numerator, wide divisor) {
  wide half = divisor / 2;
  return (int64_t)(numerator >= 0 ? (numerator + half) / divisor : -((-numerator + half) / divisor));
}

static int64_t value_of(int64_t qty, int64_t price) {
  return nearest((wide)qty * price, UNIT);
}

static int64_t down_to(int64_t value, int64_t step) {
  return value - value % step;
}

static int64_t up_to(int64_t value, int64_t step) {
  return down_to(value + step - 1, step);
}

static bool is_open(const struct ref_market *m) {
  return m->qty > 0;
}

static bool is_busy(const struct ref_market *m) {
  return m->qty > 0 || m->wanted > 0;
}

/* -- account -- */

/* The rest of an entry is not wanted any more: what was filled is the position, and gets its target. */
static void give_up_entry(struct ref_market *m) {
  if (m->wanted == 0) return;
  m->wanted = 0;
  if (is_open(m) && !m->market_exit && !m->stop_triggered) m->has_target = m->target_is_new = true;
}

static void limits(struct ref *ref) {
  int64_t pnl = ref->equity - ref->day_start;
  long double day_loss = pnl < 0 ? (long double)-pnl / (long double)ref->day_start : 0;
  long double drawdown = ref->peak > ref->equity ? (long double)(ref->peak - ref->equity) / (long double)ref->peak : 0;
  ref->halved = day_loss > 0.8L * ref->day_limit || fmaxl(day_loss, drawdown) > 0.5L * ref->kill_limit;
  if (day_loss > ref->day_limit) ref->day_latched = true;
  if (drawdown > ref->kill_limit || day_loss > ref->kill_limit || ref->losses >= ref->losses_max) ref->killed = true;
  for (int i = 0; i < ref->count && (ref->day_latched || ref->killed); i++) give_up_entry(&ref->markets[i]);
  for (int i = 0; i < ref->count && ref->killed; i++) {
    struct ref_market *m = &ref->markets[i];
    if (!is_open(m) || m->market_exit) continue;
    m->market_exit = true;
    m->market_from = ref->now;
    m->market_reason = "kill_switch";
    m->has_target = false;
  }
}

static void revalue(struct ref *ref) {
  ref->equity = ref->cash;
  for (int i = 0; i < ref->count; i++) {
    struct ref_market *m = &ref->markets[i];
    if (is_open(m) && m->mark != 0) ref->equity += m->side * (value_of(m->qty, m->mark) - m->cost);
  }
  if (ref->equity > ref->peak) ref->peak = ref->equity;
  limits(ref);
}

/* -- fills -- */

static int64_t slipped(const struct ref *ref, const struct ref_market *m, bool is_buy, int64_t base, int64_t qty, double liquidity) {
  double notional = (double)value_of(qty, base) / (double)UNIT;
  double bps = liquidity > 0 ? ref->slip_bps + ref->impact_bps * notional / liquidity : 200;
  if (bps > 200) bps = 200;
  double price = (double)base / (double)UNIT;
  return is_buy ? up_to(units(price * (1 + bps * 1e-4)), m->rules.tick_size) : down_to(units(price * (1 - bps * 1e-4)), m->rules.tick_size);
}

static int64_t fee_on(int64_t value, double bps) {
  return nearest((wide)value * units(bps), (wide)10000 * UNIT);
}

static void close_part(struct ref *ref, int symbol, int64_t qty, int64_t price, double fee_bps, const char *reason, int64_t open_ts) {
  struct ref_market *m = &ref->markets[symbol];
  int64_t value = value_of(qty, price);
  int64_t part = qty == m->qty ? m->cost : nearest((wide)m->cost * qty, m->qty);
  int64_t fee = fee_on(value, fee_bps);
  ref->cash += m->side * (value - part) - fee;
  m->cost -= part;
  m->qty -= qty;
  m->exit_value += value;
  m->fees += fee;
  if (m->qty > 0) {
    revalue(ref);
    return;
  }
  int64_t entry_value = m->planned; /* sum of the entry's values */
  int64_t pnl = m->side * (m->exit_value - entry_value) - m->fees;
  if (ref->trade_count < TRADES_MAX) {
    ref->trades[ref->trade_count++] = (struct ref_trade){.symbol = symbol,
                                                         .side = m->side,
                                                         .entry_open = m->entry_open,
                                                         .exit_open = open_ts,
                                                         .qty = m->entered,
                                                         .entry = nearest((wide)entry_value * UNIT, m->entered),
                                                         .exit = nearest((wide)m->exit_value * UNIT, m->entered),
                                                         .fees = m->fees,
                                                         .pnl = pnl,
                                                         .reason = reason};
  }
  ref->losses = pnl < 0 ? ref->losses + 1 : 0;
  m->wanted = 0;
  m->has_stop = m->has_target = m->market_exit = m->stop_triggered = false;
  m->cools_until = open_ts - open_ts % (5 * MIN_MS) + 5 * MIN_MS; /* close of the 5m candle in which it closed */
  revalue(ref);
}

static int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/* An entry at the open, then whatever waits for an open: a target on its first chance, the rest of a stop or of a market exit. */
static void at_open(struct ref *ref, int symbol, const struct candle *c, int64_t *left, double liquidity) {
  struct ref_market *m = &ref->markets[symbol];
  int64_t open = units(c->open);
  if (m->wanted > 0) {
    int64_t qty = smaller(m->wanted, *left);
    if (qty > 0) {
      int64_t price = slipped(ref, m, m->side > 0, open, qty, liquidity);
      int64_t value = value_of(qty, price);
      int64_t fee = fee_on(value, ref->taker_bps);
      if (m->qty == 0 && m->entered == 0) m->entry_open = c->open_ts;
      *left -= qty;
      m->wanted -= qty;
      m->qty += qty;
      m->entered += qty;
      m->cost += value;
      m->planned += value;
      m->fees += fee;
      ref->cash -= fee;
      if (!m->has_stop && !m->market_exit) { /* a venue takes no stop that has passed: closed at market */
        m->has_stop = m->side * (open - m->stop) > 0;
        m->market_exit = !m->has_stop;
        m->market_from = c->open_ts;
        m->market_reason = "stop_loss";
        if (m->market_exit) m->wanted = 0;
      }
      if (m->wanted == 0 && !m->market_exit) m->has_target = m->target_is_new = true;
      revalue(ref);
    }
  }
  if ((m->stop_triggered || (m->market_exit && m->market_from <= c->open_ts)) && is_open(m)) {
    int64_t qty = smaller(m->qty, *left);
    if (qty > 0) {
      *left -= qty;
      close_part(ref, symbol, qty, slipped(ref, m, m->side < 0, open, qty, liquidity), ref->taker_bps,
                 m->stop_triggered ? "stop_loss" : m->market_reason, c->open_ts);
    }
  }
  if (m->has_target && m->target_is_new && is_open(m)) {
    bool takes = m->side * (open - m->target) >= 0;
    int64_t qty = smaller(m->qty, *left);
    if (!takes) m->target_is_new = false;
    if (takes && qty > 0) {
      int64_t price = slipped(ref, m, m->side < 0, open, qty, liquidity);
      if (m->side * (price - m->target) < 0) price = m->target;
      *left -= qty;
      close_part(ref, symbol, qty, price, ref->taker_bps, "take_profit", c->open_ts);
    }
  }
}

static void inside(struct ref *ref, int symbol, const struct candle *c, int64_t *left, double liquidity) {
  struct ref_market *m = &ref->markets[symbol];
  int64_t open = units(c->open);
  int64_t worst = units(m->side > 0 ? c->low : c->high);
  if (m->has_stop && !m->stop_triggered && is_open(m) && m->side * (worst - m->stop) <= 0) {
    m->stop_triggered = true;
    m->wanted = 0;
    bool gapped = m->side * (open - m->stop) <= 0;
    int64_t qty = smaller(m->qty, *left);
    if (qty > 0) {
      *left -= qty;
      close_part(ref, symbol, qty, slipped(ref, m, m->side < 0, gapped ? open : m->stop, qty, liquidity), ref->taker_bps, "stop_loss", c->open_ts);
    }
  }
  int64_t best = units(m->side > 0 ? c->high : c->low);
  if (m->has_target && !m->target_is_new && is_open(m) && m->side * (best - m->target) >= m->rules.tick_size) {
    int64_t qty = smaller(m->qty, *left);
    if (qty > 0) {
      *left -= qty;
      close_part(ref, symbol, qty, m->target, ref->maker_bps, "take_profit", c->open_ts);
    }
  }
}

/* A quarter of the median turnover of up to 60 candles before this one. */
static double liquidity_before(const struct ref_market *m, size_t at) {
  double sorted[60];
  size_t n = at < 60 ? at : 60;
  for (size_t i = 0; i < n; i++) {
    double x = m->m1[at - n + i].close * m->m1[at - n + i].volume;
    size_t k = i;
    for (; k > 0 && sorted[k - 1] > x; k--) sorted[k] = sorted[k - 1];
    sorted[k] = x;
  }
  if (n == 0) return 0;
  return 0.25 * (n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2);
}

/* -- signals -- */

/* Candle k of tf minutes whose last minute is `last`, k = 0 the newest. */
static struct candle whole(const struct ref *ref, const struct ref_market *m, size_t last, int k) {
  size_t end = last + 1 - (size_t)(k * ref->tf);
  size_t begin = end - (size_t)ref->tf;
  struct candle c = m->m1[begin];
  for (size_t i = begin; i < end; i++) {
    if (m->m1[i].high > c.high) c.high = m->m1[i].high;
    if (m->m1[i].low < c.low) c.low = m->m1[i].low;
    c.close = m->m1[i].close;
  }
  return c;
}

static double true_range(const struct candle *c, const struct candle *before) {
  double range = c->high - c->low;
  if (before == NULL) return range;
  return fmax(range, fmax(fabs(c->high - before->close), fabs(c->low - before->close)));
}

/* Wilder in a window of 10 n candles (or all, if fewer): the mean of its first n true ranges, then the recursion. */
static double wilder(const struct ref *ref, const struct ref_market *m, size_t last, int known) {
  int n = ref->atr_period;
  int window = known < 10 * n ? known : 10 * n;
  double atr = 0;
  for (int i = 0; i < window; i++) {
    struct candle c = whole(ref, m, last, window - 1 - i);
    struct candle before = {0};
    bool has_before = window - i < known;
    if (has_before) before = whole(ref, m, last, window - i);
    double range = true_range(&c, has_before ? &before : NULL);
    if (i < n) {
      atr += range;
      if (i == n - 1) atr /= n;
    } else {
      atr = (atr * (n - 1) + range) / n;
    }
  }
  return atr;
}

static void look(struct ref *ref, struct ref_market *m, size_t last) {
  int known = (int)((last + 1) / (size_t)ref->tf);
  int need = (ref->period > ref->atr_period ? ref->period : ref->atr_period) + 1;
  m->signal = 0;
  if (is_busy(m) || known < need) return;
  struct candle t = whole(ref, m, last, 0);
  double high = 0, low = INFINITY;
  for (int k = 1; k <= ref->period; k++) {
    struct candle c = whole(ref, m, last, k);
    high = fmax(high, c.high);
    low = fmin(low, c.low);
  }
  int side = t.close > high ? 1 : (t.close < low ? -1 : 0);
  if (side == 0) return;
  double distance = ref->atr_mult * wilder(ref, m, last, known);
  int64_t tick = m->rules.tick_size;
  int64_t stop = units(t.close - side * distance), target = units(t.close + side * ref->target_r * distance), entry = units(t.close);
  m->signal_entry = side > 0 ? down_to(entry, tick) : up_to(entry, tick);
  m->signal_stop = side > 0 ? down_to(stop, tick) : up_to(stop, tick);
  m->signal_target = side > 0 ? down_to(target, tick) : up_to(target, tick);
  int64_t away = side * (m->signal_entry - m->signal_stop);
  if (m->signal_stop <= 0 || (wide)away * 1000 < m->signal_entry || away < 2 * tick) return;
  m->signal = side;
}

/* What is not filled yet counts at the plan's price; the venue, which knows no price of a market order, takes the newest. */
static int64_t margin_used(const struct ref *ref, bool at_venue) {
  int64_t used = 0;
  for (int i = 0; i < ref->count; i++) {
    const struct ref_market *m = &ref->markets[i];
    int64_t price = at_venue ? m->last : m->signal_entry;
    if (m->qty > 0) used += nearest((wide)value_of(m->qty, m->mark) * UNIT, m->leverage);
    if (m->wanted > 0) used += nearest((wide)value_of(m->wanted, price) * UNIT, m->leverage);
  }
  return used;
}

/* Free margin must cover the order at its leverage and its fee. */
static bool venue_takes(const struct ref *ref, const struct ref_market *m, int64_t qty, int64_t leverage) {
  int64_t value = value_of(qty, m->last);
  int64_t fee = (int64_t)(((wide)value * units(ref->taker_bps) + (wide)10000 * UNIT - 1) / ((wide)10000 * UNIT));
  return ref->equity - margin_used(ref, true) >= nearest((wide)value * UNIT, leverage) + fee;
}

static void size_and_send(struct ref *ref, struct ref_market *m, int64_t now) {
  int used = 0;
  for (int i = 0; i < ref->count; i++) used += is_busy(&ref->markets[i]);
  revalue(ref);
  if (ref->day_latched || ref->killed || used >= ref->slots || now < m->cools_until) return;
  double taker = ref->taker_bps * 1e-4;
  int64_t entry = m->signal_entry, stop = m->signal_stop;
  int64_t away = entry > stop ? entry - stop : stop - entry;
  wide unit = (wide)away * UNIT + (wide)(entry + stop) * units(taker); /* 1e-16 */
  int64_t money = (int64_t)((wide)ref->equity * units(ref->risk_per_trade) / UNIT);
  if (ref->halved) money /= 2;
  long double free_of = 1.5L * (long double)away / (long double)entry + (long double)m->rules.maintenance_margin + 2.0L * (long double)taker;
  long double leverage = floorl(1.0L / free_of + 1e-12L);
  if (leverage > ref->leverage_max) leverage = ref->leverage_max;
  if (m->rules.max_leverage > 0 && leverage > m->rules.max_leverage) leverage = (long double)m->rules.max_leverage;
  if (leverage < 1) leverage = 1;
  int64_t lev = (int64_t)leverage * UNIT;
  int64_t qty = (int64_t)((wide)money * UNIT * UNIT / unit);
  int64_t spare = ref->equity - margin_used(ref, false);
  int64_t afford = spare > 0 ? (int64_t)((wide)spare * (int64_t)leverage * 95 * UNIT / ((wide)entry * 100)) : 0;
  if (afford < qty) qty = afford;
  if (m->rules.max_market_qty > 0 && m->rules.max_market_qty < qty) qty = m->rules.max_market_qty;
  if (m->rules.max_limit_qty > 0 && m->rules.max_limit_qty < qty) qty = m->rules.max_limit_qty;
  qty = down_to(qty, m->rules.lot_size);
  int64_t least = m->rules.min_notional_usd > 10 * UNIT ? m->rules.min_notional_usd : 10 * UNIT;
  if (qty <= 0 || qty < m->rules.min_qty || (wide)qty * entry < (wide)least * UNIT) return;
  if ((wide)qty * stop < (wide)m->rules.min_notional_usd * UNIT || m->signal * (m->signal_target - entry) <= 0) return;
  if (!venue_takes(ref, m, qty, lev)) return;
  m->side = m->signal;
  m->wanted = qty;
  m->entered = m->qty = m->cost = m->exit_value = m->fees = m->planned = m->mark = 0;
  m->stop = stop;
  m->target = m->signal_target;
  m->leverage = lev;
  m->signal_at = now;
  m->has_stop = m->has_target = m->market_exit = m->stop_triggered = false;
}

static void minute(struct ref *ref, size_t at) {
  int64_t open_ts = ref->markets[0].m1[at].open_ts;
  int64_t now = open_ts + MIN_MS;
  int64_t day = now / (1440 * MIN_MS);
  ref->now = now;
  if (day != ref->day) { /* 00:00 has come */
    ref->day = day;
    ref->day_start = ref->equity;
    ref->day_latched = false;
    limits(ref);
  }
  for (int i = 0; i < ref->count; i++) {
    struct ref_market *m = &ref->markets[i];
    const struct candle *c = &m->m1[at];
    int64_t left = down_to(units(c->volume * ref->participation), m->rules.lot_size);
    double liquidity = liquidity_before(m, at);
    if (is_busy(m)) {
      ref->now = i == 0 ? open_ts : now; /* the news of later symbols come after the first one's close */
      at_open(ref, i, c, &left, liquidity);
      ref->now = now;
      inside(ref, i, c, &left, liquidity);
    }
    m->last = units(c->close);
    if (is_open(m)) m->mark = m->last;
    revalue(ref);
    m->signal = 0;
    if ((now - ref->markets[0].m1[0].open_ts) % (ref->tf * MIN_MS) == 0) look(ref, m, at);
  }
  for (int i = 0; i < ref->count; i++) { /* all quality is equal: in order of the symbol's name, which is the order here */
    if (ref->markets[i].signal != 0) size_and_send(ref, &ref->markets[i], now);
  }
  for (int i = 0; i < ref->count; i++) { /* what of an entry is not filled 15 minutes after its signal is given up */
    struct ref_market *m = &ref->markets[i];
    if (now - m->signal_at >= 15 * MIN_MS) give_up_entry(m);
  }
}

static void channel_ref(struct ref *ref, int64_t balance) {
  ref->cash = ref->equity = ref->peak = ref->day_start = balance;
  ref->day = (ref->markets[0].m1[0].open_ts + MIN_MS) / (1440 * MIN_MS);
  for (size_t at = 0; at < ref->markets[0].count; at++) minute(ref, at);
}

/* ---- the engine's run over the same candles ---- */

static char folder[512];
static struct app app;
static struct wiring wiring;
static struct run run;
static struct ref ref;

static void load_settings(void) {
  char *const nothing[] = {NULL};
  struct settings_input input = {.environment = nothing, .files = (const char *const[]){"/dev/null"}, .file_count = 1};
  problem_clear(&app.problem);
  assert_int_equal(settings_load(&app.settings, &input, &app.problem), STATUS_OK);
}

static void write_csv(const char *venue_symbol, const struct candle *candles, size_t count) {
  char path[600];
  snprintf(path, sizeof path, "%s/%s-1m.csv", folder, venue_symbol);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fprintf(file, "timestamp_ms,open,high,low,close,volume\n");
  for (size_t i = 0; i < count; i++) {
    const struct candle *c = &candles[i];
    fprintf(file, "%lld,%.10g,%.10g,%.10g,%.10g,%.10g\n", (long long)c->open_ts, c->open, c->high, c->low, c->close, c->volume);
  }
  assert_int_equal(fclose(file), 0);
}

struct costs {
  double slip_bps, impact_bps, participation, balance;
};

static void ok(enum status status) {
  if (status) problem_print(&app.problem, stderr);
  assert_int_equal(status, STATUS_OK);
}

static void run_engine(const struct costs *costs, const char *const *keys, int key_count, const char *instruments) {
  struct source_options source = {.data = folder, .instruments = instruments};
  struct run_options options = {.after_kill = AFTER_KILL_STOP};
  wiring_options_init(&options.wiring);
  options.wiring.preset = "channel_baseline";
  options.wiring.set_keys = keys;
  options.wiring.set_key_count = key_count;
  options.wiring.feed_name = "file";
  options.wiring.starting_balance = costs->balance;
  options.wiring.slippage_bps = costs->slip_bps;
  options.wiring.impact_bps = costs->impact_bps;
  options.wiring.is_backtest = true;
  options.wiring.has_digest = true;
  app.settings.paper_max_participation = costs->participation;
  wiring = (struct wiring){0};
  ok(wiring_open_source(&wiring, &app, &source));
  ok(wiring_load_preset(&wiring, &app, &options.wiring));
  ok(run_execute(&run, &wiring, &options));
}

static void run_reference(const struct costs *costs) {
  const struct preset *preset = &wiring.preset.preset;
  ref = (struct ref){.count = source_symbol_count(wiring.source),
                     .risk_per_trade = preset->risk.risk_per_trade,
                     .day_limit = preset->risk.daily_risk_limit,
                     .kill_limit = preset->risk.kill_switch_loss_limit,
                     .taker_bps = preset->execution_config.taker_fee_bps,
                     .maker_bps = preset->execution_config.maker_fee_bps,
                     .slip_bps = costs->slip_bps,
                     .impact_bps = costs->impact_bps,
                     .participation = costs->participation,
                     .atr_mult = preset->channel_config.stop_atr_mult,
                     .target_r = preset->channel_config.target_r,
                     .period = preset->channel_config.period,
                     .atr_period = preset->channel_config.atr_period,
                     .slots = preset->risk.max_concurrent_positions,
                     .losses_max = preset->risk.max_consecutive_losses,
                     .leverage_max = app.settings.max_leverage,
                     .tf = preset->channel_config.timeframe == CHANNEL_TIMEFRAME_1M ? 1 : 5};
  assert_true(ref.count <= SYMBOLS);
  for (int i = 0; i < ref.count; i++) {
    struct ref_market *m = &ref.markets[i];
    m->m1 = source_candles(wiring.source, i, &m->count);
    m->rules = *source_instrument(wiring.source, i, m->m1[0].open_ts);
    assert_int_equal(m->m1[0].open_ts, ref.markets[0].m1[0].open_ts);
    assert_int_equal(m->count, ref.markets[0].count);
  }
  channel_ref(&ref, units(costs->balance));
}

static void show(const struct ref_trade *r, const struct trade *t) {
  print_message("ref    %s %+d %lld..%lld qty %.8f at %.8f to %.8f fees %.8f pnl %.8f %s\n", source_symbol(wiring.source, r->symbol), r->side,
                (long long)r->entry_open, (long long)r->exit_open, (double)r->qty / 1e8, (double)r->entry / 1e8, (double)r->exit / 1e8,
                (double)r->fees / 1e8, (double)r->pnl / 1e8, r->reason);
  print_message("engine %s %+d %lld..%lld qty %.8f at %.8f to %.8f fees %.8f pnl %.8f %s\n", t->symbol, t->side == SIDE_LONG ? 1 : -1,
                (long long)t->opened_at, (long long)t->closed_at, (double)t->qty / 1e8, (double)t->entry / 1e8, (double)t->exit_average / 1e8,
                (double)t->fees_usd / 1e8, (double)t->pnl_usd / 1e8, reason_code_names[t->exit_reason]);
}

static bool is_near(int64_t a, int64_t b, int64_t units_off) {
  return llabs(a - b) <= units_off;
}

/* In the candle: an entry at its open may be told at its close, when another symbol's news came first. */
static bool is_in_candle(int64_t ts, int64_t open_ts) {
  return ts >= open_ts && ts <= open_ts + MIN_MS;
}

/* How a kill switch's market orders share the minute's volume with what else fills in it depends on the order of news inside that minute, which this
 * loop of whole minutes does not know: of these last trades only entry and reason are compared. */
static bool is_same(const struct ref_trade *r, const struct trade *t) {
  bool is_entry_same = strcmp(source_symbol(wiring.source, r->symbol), t->symbol) == 0 && (r->side > 0) == (t->side == SIDE_LONG) &&
                       is_in_candle(t->opened_at, r->entry_open) && r->qty == t->qty && is_near(r->entry, t->entry, 1) &&
                       strcmp(r->reason, reason_code_names[t->exit_reason]) == 0;
  if (!is_entry_same || t->exit_reason == REASON_kill_switch) return is_entry_same;
  return is_in_candle(t->closed_at, r->exit_open) && is_near(r->exit, t->exit_average, 1) && r->fees == t->fees_usd && is_near(r->pnl, t->pnl_usd, 1);
}

/* Trades of one symbol never overlap, so its n-th trade here is its n-th trade there. */
static void compare(const char *name) {
  int64_t total = 0;
  bool *used = calloc((size_t)run.trades.count + 1, sizeof *used);
  assert_non_null(used);
  assert_true(run.trades.count > 0);
  int64_t differ = 0;
  for (int i = 0; i < ref.trade_count; i++) {
    const struct ref_trade *r = &ref.trades[i];
    int64_t found = -1;
    for (int64_t k = 0; k < run.trades.count && found < 0; k++) {
      const struct trade *t = run_trade(&run, k);
      if (!used[k] && strcmp(source_symbol(wiring.source, r->symbol), t->symbol) == 0) found = k;
    }
    if (found < 0 || !is_same(r, run_trade(&run, found))) {
      if (differ++ == 0 && found >= 0) show(r, run_trade(&run, found));
    }
    if (found >= 0) used[found] = true;
    total += r->pnl;
  }
  free(used);
  print_message("%s: %d trades, %.2f USD, engine %lld trades, %lld left open%s\n", name, ref.trade_count, (double)total / 1e8,
                (long long)run.trades.count, (long long)run.left_open.count, ref.killed ? ", killed" : "");
  assert_int_equal(differ, 0);
  assert_int_equal(run.trades.count, ref.trade_count);
}

/* ---- worlds ---- */

static void make_folder(void) {
  assert_true(scratch_make(folder, sizeof folder, "test_channel_ref"));
}

static void remove_folder(void) {
  assert_int_equal(scratch_remove(folder), 0);
}

static void generate_world(int scenario, uint64_t seed, int symbols, int days) {
  static const char *const names[] = {"AAAUSDT", "BTCUSDT", "CCCUSDT", "DDDUSDT", "EEEUSDT", "FFFUSDT"};
  for (int i = 0; i < symbols; i++) {
    struct generate_options options = {
        .scenario = (enum generate_scenario)scenario, .seed = seed, .symbol = i, .days = days, .start_ms = INT64_C(1746403200000)};
    struct candle *candles = malloc(generate_candles_max(days) * sizeof *candles);
    assert_non_null(candles);
    size_t count = generate_candles(candles, &options);
    write_csv(names[i], candles, count);
    free(candles);
  }
}

static void finish(void) {
  run_deinit(&run);
  wiring_close(&wiring);
}

static void try_world(const char *name, int scenario, uint64_t seed, const struct costs *costs, const char *const *keys, int key_count) {
  make_folder();
  generate_world(scenario, seed, 4, 4);
  run_engine(costs, keys, key_count, NULL);
  run_reference(costs);
  compare(name);
  finish();
  remove_folder();
}

static const char *const short_candles[] = {"channel_config.timeframe=1m", "risk.max_consecutive_losses=20"};
static const char *const five_minutes[] = {"risk.max_consecutive_losses=20"};
static const char *const two_slots[] = {"risk.max_concurrent_positions=2", "risk.max_consecutive_losses=20", "channel_config.period=12",
                                        "channel_config.atr_period=20", "channel_config.target_r=1.2"};
static const char *const tight[] = {"risk.risk_per_trade=0.05", "risk.daily_risk_limit=0.1", "risk.kill_switch_loss_limit=0.3",
                                    "channel_config.timeframe=1m", "risk.max_consecutive_losses=12"};
#define KEYS(list) (list), (int)(sizeof(list) / sizeof(list)[0])

static void test_plain(void **state) {
  (void)state;
  struct costs free_market = {.slip_bps = 0, .impact_bps = 0, .participation = 1, .balance = 1000}; /* nothing is ever too large for a candle */
  struct costs usual = {.slip_bps = 5, .impact_bps = 40, .participation = 0.1, .balance = 20000};
  for (uint64_t seed = 1; seed <= 3; seed++) {
    try_world("breakouts, no costs", GENERATE_BREAKOUTS, seed, &free_market, KEYS(five_minutes));
    try_world("trend, usual costs", GENERATE_TREND, seed, &usual, KEYS(five_minutes));
    try_world("range, 1m candles", GENERATE_RANGE, seed, &usual, KEYS(short_candles));
    try_world("crash, two slots", GENERATE_CRASH, seed, &usual, KEYS(two_slots));
  }
}

/* Orders far larger than a candle: entries and exits in pieces over many candles. */
static void test_participation(void **state) {
  (void)state;
  struct costs large = {.slip_bps = 5, .impact_bps = 40, .participation = 0.1, .balance = 2e6};
  for (uint64_t seed = 11; seed <= 12; seed++) {
    try_world("breakouts, large account", GENERATE_BREAKOUTS, seed, &large, KEYS(five_minutes));
    try_world("fakeouts, large account, 1m", GENERATE_FAKEOUTS, seed, &large, KEYS(short_candles));
  }
}

/* Loss limits: halved sizes, day latch, kill switch. */
static void test_limits(void **state) {
  (void)state;
  struct costs usual = {.slip_bps = 5, .impact_bps = 0, .participation = 1, .balance = 50000};
  for (uint64_t seed = 21; seed <= 24; seed++) try_world("limits", GENERATE_RANGE, seed, &usual, KEYS(tight));
}

/* Four days of eight symbols of the recording, all of which have all minutes. */
static void test_recording(void **state) {
  static const char *const recording = "recordings/binance-usdm-2025-05";
  static const char *const instruments = "recordings/binance-usdm-2025-05/instruments.csv";
  const int64_t from = INT64_C(1747008000000); /* 2025-05-12T00:00Z */
  const int64_t to = from + 4 * 1440 * MIN_MS;
  struct costs usual = {.slip_bps = 5, .impact_bps = 40, .participation = 0.1, .balance = 100000};
  (void)state;
  if (access(recording, R_OK) != 0) skip();
  struct source *source;
  struct source_options options = {.data = recording, .symbols = "BTCUSDT,ETHUSDT,SOLUSDT,XRPUSDT,SUIUSDT,LAYERUSDT,BNBUSDT,LINKUSDT"};
  ok(source_open(&source, &options, &app.problem));
  make_folder();
  for (int i = 0; i < source_symbol_count(source); i++) {
    size_t count;
    const struct candle *candles = source_candles(source, i, &count);
    size_t a = 0;
    while (candles[a].open_ts < from) a++;
    size_t b = a;
    while (b < count && candles[b].open_ts < to) b++;
    write_csv(source_venue_symbol(source, i), candles + a, b - a);
  }
  source_close(source);
  run_engine(&usual, KEYS(five_minutes), instruments);
  run_reference(&usual);
  compare("recording");
  finish();
  remove_folder();
}

int main(void) {
  load_settings();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_plain),
      cmocka_unit_test(test_participation),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_recording),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
