#include "core/strategy/sizing.h"

#include <math.h>

#include "base/maths.h"
#include "core/trade/targets.h"

__extension__ typedef __int128 wide;

enum { MARGIN_SHARE_PCT = 95, DEPTH_SHARE_PCT = 80 };
static const int64_t notional_floor = 10 * DECIMAL_ONE; /* risk 3.2: no plan below 10 USD, whatever the venue says */

static int64_t at_most(wide value) {
  return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* A fraction, or money from a setting, in decimals; what no decimal holds counts as unlimited. */
static int64_t decimal_of(double value) {
  if (decimal_fits(value)) return decimal_from_double(value);
  return value > 0 ? INT64_MAX : 0;
}

static int64_t distance_of(int64_t a, int64_t b) {
  return a > b ? a - b : b - a;
}

/* Exact product of a quantity and a price against an amount of money. */
static bool is_worth(int64_t qty, int64_t price, int64_t money) {
  return (wide)qty * price >= (wide)money * DECIMAL_ONE;
}

static double worth(int64_t qty, int64_t price) {
  return decimal_to_double(qty) * decimal_to_double(price);
}

/* What one unit loses when the stop fills at its price, fees included, in 1e-16: distance and two products of decimals, nothing rounded. */
static wide unit_risk(const struct sizing_input *input) {
  wide distance = (wide)distance_of(input->entry, input->stop) * DECIMAL_ONE;
  return distance + (wide)input->entry * decimal_of(input->fee_in) + (wide)input->stop * decimal_of(input->fee_out);
}

/* floor(1 / (1.5 d/entry + maintenance + 2 taker)) = floor(2 entry / (3 d + 2 entry (maintenance + 2 taker))), in integers so that a whole number
 * stays whole. */
static double leverage_of(const struct sizing_input *input) {
  const struct instrument *instrument = input->instrument;
  wide rates = (wide)decimal_of(instrument->maintenance_margin) + 2 * (wide)decimal_of(input->fee_out);
  wide divisor = 3 * (wide)distance_of(input->entry, input->stop) * DECIMAL_ONE + 2 * (wide)input->entry * rates;
  double leverage = divisor > 0 ? (double)at_most(2 * (wide)input->entry * DECIMAL_ONE / divisor) : input->max_leverage;
  leverage = maths_min(leverage, input->max_leverage);
  if (instrument->max_leverage > 0) leverage = maths_min(leverage, instrument->max_leverage);
  return maths_max(1.0, leverage);
}

/* Isolated margin (execution 8.5): entry - s (entry / leverage - maintenance entry). */
static int64_t liquidation_price_of(const struct sizing_input *input, double leverage) {
  int64_t margin = decimal_divide(input->entry, decimal_of(leverage));
  int64_t maintenance = decimal_multiply(input->entry, decimal_of(input->instrument->maintenance_margin));
  int64_t room = margin - maintenance;
  return input->side == SIDE_LONG ? input->entry - room : input->entry + room;
}

struct caps {
  int64_t qty;
  enum reason_code name; /* of the smallest, REASON_passed when none applies */
};

static void cap_by(struct caps *caps, enum reason_code name, int64_t qty) {
  if (qty >= caps->qty) return;
  caps->qty = qty;
  caps->name = name;
}

/* Largest quantity that share percent of the money buys. */
static int64_t affordable(int64_t money, int share_pct, int64_t price) {
  if (money <= 0) return 0;
  return at_most((wide)money * share_pct * DECIMAL_ONE / ((wide)price * 100));
}

/* margin_free * leverage, in decimals. */
static int64_t buying_power(const struct sizing_input *input, double leverage) {
  return at_most((wide)input->margin_free_usd * decimal_of(leverage) / DECIMAL_ONE);
}

static struct caps caps_of(const struct sizing_input *input, double leverage) {
  struct caps caps = {INT64_MAX, REASON_passed};
  double limit_usd = input->preset->risk.max_position_size_usd;
  if (!isnan(limit_usd)) cap_by(&caps, REASON_cap_position_size, affordable(decimal_of(limit_usd), 100, input->entry));
  if (!isnan(input->depth_usd)) cap_by(&caps, REASON_cap_depth, affordable(decimal_of(input->depth_usd), DEPTH_SHARE_PCT, input->entry));
  cap_by(&caps, REASON_cap_margin, affordable(buying_power(input, leverage), MARGIN_SHARE_PCT, input->entry));
  if (input->instrument->max_limit_qty > 0) cap_by(&caps, REASON_cap_max_order_qty, input->instrument->max_limit_qty);
  if (input->instrument->max_market_qty > 0) cap_by(&caps, REASON_cap_max_order_qty, input->instrument->max_market_qty);
  return caps;
}

/* --- the proof --- */

struct proof {
  const struct instrument *instrument;
  struct reason_list *reasons;
};

static bool refuse(const struct proof *proof, enum reason_code code, double value, double threshold, const char *detail) {
  reason_add(proof->reasons, code, false, value, threshold, detail);
  return false;
}

static bool prove_minimum(const struct proof *proof, int64_t entry, int64_t stop, int64_t qty) {
  const struct instrument *instrument = proof->instrument;
  int64_t notional_min = instrument->min_notional_usd > notional_floor ? instrument->min_notional_usd : notional_floor;
  if (qty <= 0 || qty < instrument->min_qty) {
    return refuse(proof, REASON_below_min_qty, decimal_to_double(qty), decimal_to_double(instrument->min_qty), NULL);
  }
  if (!is_worth(qty, entry, notional_min)) {
    return refuse(proof, REASON_below_min_notional, worth(qty, entry), decimal_to_double(notional_min), "at the entry");
  }
  if (!is_worth(qty, stop, instrument->min_notional_usd)) {
    return refuse(proof, REASON_below_min_notional, worth(qty, stop), decimal_to_double(instrument->min_notional_usd), "at the stop");
  }
  return true;
}

/* Can this part of the position be sold on its own? */
static bool prove_part(const struct proof *proof, int64_t qty, int64_t price, const char *name) {
  const struct instrument *instrument = proof->instrument;
  if (qty >= instrument->min_qty && qty > 0 && is_worth(qty, price, instrument->min_notional_usd)) return true;
  int64_t needed = instrument->min_notional_usd;
  int64_t least = at_most((wide)instrument->min_qty * price / DECIMAL_ONE);
  return refuse(proof, REASON_plan_dust, worth(qty, price), decimal_to_double(least > needed ? least : needed), name);
}

/* Rungs first, then the runner, then what remains after each rung: 0 or sellable at the stop. */
static bool prove_parts(const struct proof *proof, int64_t stop, int64_t qty, const struct rung *rungs, int32_t rung_count) {
  wide rest = qty;
  for (int32_t i = 0; i < rung_count; i++) {
    if (!prove_part(proof, rungs[i].qty, rungs[i].price, rungs[i].level_name)) return false;
    rest -= rungs[i].qty;
  }
  if (rest != 0 && !prove_part(proof, at_most(rest), stop, "runner")) return false;
  rest = qty;
  for (int32_t i = 0; i < rung_count; i++) {
    rest -= rungs[i].qty;
    char name[sizeof rungs[i].level_name + sizeof "rest after "];
    struct text text;
    text_init(&text, name, sizeof name);
    text_add(&text, "rest after ");
    text_add(&text, rungs[i].level_name);
    if (rest != 0 && !prove_part(proof, at_most(rest), stop, name)) return false;
  }
  return true;
}

static bool prove_step(const struct proof *proof, int64_t value, int64_t step, const char *name) {
  if (value > 0 && value % step == 0) return true;
  return refuse(proof, REASON_plan_rounding, decimal_to_double(value), decimal_to_double(step), name);
}

static bool prove_rounding(const struct proof *proof, int64_t entry, int64_t stop, int64_t qty, const struct rung *rungs, int32_t rung_count) {
  int64_t tick = proof->instrument->tick_size;
  int64_t lot = proof->instrument->lot_size;
  if (!prove_step(proof, entry, tick, "entry") || !prove_step(proof, stop, tick, "stop") || !prove_step(proof, qty, lot, "quantity")) return false;
  for (int32_t i = 0; i < rung_count; i++) {
    if (!prove_step(proof, rungs[i].price, tick, rungs[i].level_name) || !prove_step(proof, rungs[i].qty, lot, rungs[i].level_name)) return false;
  }
  return true;
}

static bool prove_order(const struct proof *proof, enum position_side side, int64_t entry, int64_t stop, const struct rung *rungs,
                        int32_t rung_count) {
  int64_t sign = side == SIDE_LONG ? 1 : -1;
  if (sign * stop >= sign * entry) return refuse(proof, REASON_plan_order, decimal_to_double(stop), decimal_to_double(entry), "stop");
  int64_t previous = entry;
  for (int32_t i = 0; i < rung_count; i++) {
    if (sign * rungs[i].price <= sign * previous) {
      return refuse(proof, REASON_plan_order, decimal_to_double(rungs[i].price), decimal_to_double(previous), rungs[i].level_name);
    }
    previous = rungs[i].price;
  }
  return true;
}

bool sizing_prove(const struct instrument *instrument, enum position_side side, int64_t entry, int64_t stop, int64_t qty, const struct rung *rungs,
                  int32_t rung_count, struct reason_list *reasons) {
  struct proof proof = {instrument, reasons};
  return prove_minimum(&proof, entry, stop, qty) && prove_parts(&proof, stop, qty, rungs, rung_count) &&
         prove_rounding(&proof, entry, stop, qty, rungs, rung_count) && prove_order(&proof, side, entry, stop, rungs, rung_count);
}

/* --- the steps of risk 2 --- */

/* A plan that the margin alone makes impossible is told so, instead of blaming the venue's minimum. Least quantity: the venue's minimum and the least
 * notional. */
static bool has_margin(const struct sizing_input *input, double leverage, struct reason_list *reasons) {
  const struct instrument *instrument = input->instrument;
  int64_t notional = instrument->min_notional_usd > notional_floor ? instrument->min_notional_usd : notional_floor;
  int64_t least = at_most(((wide)notional * DECIMAL_ONE + input->entry - 1) / input->entry);
  if (least < instrument->min_qty) least = instrument->min_qty;
  if (affordable(buying_power(input, leverage), MARGIN_SHARE_PCT, input->entry) >= least) return true;
  double needed = worth(least, input->entry) * 100.0 / (leverage * MARGIN_SHARE_PCT);
  reason_add(reasons, REASON_no_margin, false, decimal_to_double(input->margin_free_usd), needed, NULL);
  return false;
}

static bool is_far_from_liquidation(const struct sizing_input *input, const struct sizing *out, struct reason_list *reasons) {
  int64_t distance = distance_of(input->entry, input->stop);
  int64_t sign = input->side == SIDE_LONG ? 1 : -1;
  int64_t room = sign * (input->entry - out->liquidation_price);
  bool passed = 2 * (wide)room >= 3 * (wide)distance;
  if (!passed) reason_add(reasons, REASON_liquidation_too_close, false, decimal_to_double(room), 1.5 * decimal_to_double(distance), NULL);
  return passed;
}

static void add_information(const struct sizing_input *input, const struct sizing *out, struct reason_list *reasons) {
  if (input->size_factor < 1.0) reason_add(reasons, REASON_size_halved, true, input->size_factor, NAN, NULL);
  if (out->binding_cap != REASON_passed) reason_add(reasons, out->binding_cap, true, decimal_to_double(out->qty), NAN, NULL);
}

static void compute_quantity(const struct sizing_input *input, struct sizing *out) {
  wide unit = unit_risk(input);
  wide money = (wide)out->r_money * DECIMAL_ONE * DECIMAL_ONE; /* 1e-24: a quantity in 1e-8 times unit */
  int64_t raw = at_most(money / unit);
  struct caps caps = caps_of(input, out->leverage);
  if (caps.qty < raw) out->binding_cap = caps.name;
  out->qty = decimal_to_step(caps.qty < raw ? caps.qty : raw, input->instrument->lot_size, ROUND_DOWN);
  out->notional_usd = at_most((wide)out->qty * input->entry / DECIMAL_ONE);
  wide risk = (wide)out->qty * unit; /* <= money, so rounded up it still is at most r_money */
  wide scale = (wide)DECIMAL_ONE * DECIMAL_ONE;
  out->risk_usd = at_most((risk + scale - 1) / scale);
  out->risk_r = out->r_money > 0 ? decimal_to_double(out->risk_usd) / decimal_to_double(out->r_money) : 0.0;
}

static int64_t money_of(const struct sizing_input *input) {
  if (input->equity_usd <= 0) return 0;
  int64_t full = decimal_multiply_rounded(input->equity_usd, decimal_of(input->preset->risk.risk_per_trade), ROUND_DOWN);
  return decimal_multiply_rounded(full, decimal_of(input->size_factor), ROUND_DOWN);
}

void sizing_compute(const struct sizing_input *input, struct sizing *out, struct reason_list *reasons) {
  *out = (struct sizing){.binding_cap = REASON_passed, .leverage = 1.0, .r_money = money_of(input)};
  if (input->entry <= 0 || input->stop <= 0 ||
      unit_risk(input) <= 0) { /* nothing to divide by: a price that is none, or a rebate above the distance */
    reason_add(reasons, REASON_plan_order, false, decimal_to_double(input->stop), decimal_to_double(input->entry), "no risk per unit");
    return;
  }
  out->leverage = leverage_of(input);
  out->liquidation_price = liquidation_price_of(input, out->leverage);
  compute_quantity(input, out);
  add_information(input, out, reasons);
  bool is_provable = has_margin(input, out->leverage, reasons);
  if (is_provable) {
    out->rung_count = targets_plan(input->preset, input->instrument, input->side, input->entry, distance_of(input->entry, input->stop), out->qty,
                                   input->channel_target, out->rungs);
    out->runner_qty = out->qty;
    for (int32_t i = 0; i < out->rung_count; i++) out->runner_qty -= out->rungs[i].qty;
    is_provable = sizing_prove(input->instrument, input->side, input->entry, input->stop, out->qty, out->rungs, out->rung_count, reasons);
  }
  bool is_far = is_far_from_liquidation(input, out, reasons);
  out->is_accepted = is_provable && is_far;
  if (out->is_accepted) reason_add(reasons, REASON_sized, true, decimal_to_double(out->qty), decimal_to_double(out->risk_usd), NULL);
}
