#include "core/trade/position.h"

#include <math.h>

#include "base/check.h"
#include "base/maths.h"
#include "core/trade/fees.h"

const char *const trading_mode_names[] = {"paper", "live"};
const char *const position_state_names[] = {"opening",  "entry_confirmation", "running", "breakeven",
                                            "trailing", "partial_closed",     "exiting", "closed"};
const char *const position_trigger_names[] = {"entry_complete",
                                              "entry_confirmed",
                                              "breakeven_reached",
                                              "trailing_reached",
                                              "target_filled",
                                              "exit_sent",
                                              "exit_withdrawn_confirmation",
                                              "exit_withdrawn_running",
                                              "exit_withdrawn_breakeven",
                                              "exit_withdrawn_partial",
                                              "exit_withdrawn_trailing",
                                              "quantity_zero"};
const char *const management_names[] = {"full", "guard"};
const char *const stop_rule_names[] = {"initial", "breakeven", "lock_profit", "trailing", "partial_trail", "chandelier", "atr", "manual"};
const char *const target_state_names[] = {"waiting", "working", "filled", "cancelled"};

static const struct fsm_row position_rows[] = {
#define POSITION_MOVE(from, trigger, to) {POSITION_##from, POSITION_ON_##trigger, POSITION_##to},
#include "core/trade/position_fsm.def"
};
const struct fsm position_fsm = {.name = "position",
                                 .rows = position_rows,
                                 .row_count = (int)(sizeof position_rows / sizeof position_rows[0]),
                                 .state_names = position_state_names,
                                 .state_count = position_state_count,
                                 .trigger_names = position_trigger_names,
                                 .trigger_count = position_trigger_count};

/* clang-format off */
#define FIELD_OWNER struct target
static const struct field target_fields[] = {
#include "base/fields_table.h"
#include "core/trade/target_fields.def"
#include "base/fields_end.h"
};
#undef FIELD_OWNER
#define FIELD_OWNER struct target_change
static const struct field target_change_fields[] = {
#include "base/fields_table.h"
    FIELD_TEXT(level_name, 17) FIELD_DECIMAL(price) FIELD_DOUBLE(size_pct)
#include "base/fields_end.h"
};
#undef FIELD_OWNER
const struct schema target_change_schema = {"target_change", target_change_fields, 3, sizeof(struct target_change)};
const struct schema target_schema = {"target", target_fields, (int)(sizeof target_fields / sizeof target_fields[0]), sizeof(struct target)};
#define FIELD_OWNER struct position
static const struct field position_fields[] = {
#include "base/fields_table.h"
#include "core/trade/position_fields.def"
#include "base/fields_end.h"
};
#undef FIELD_OWNER
#define FIELD_OWNER struct trade
static const struct field trade_fields[] = {
#include "base/fields_table.h"
#include "core/trade/trade_fields.def"
#include "base/fields_end.h"
};
#undef FIELD_OWNER
/* clang-format on */
const struct schema position_schema = {"position", position_fields, (int)(sizeof position_fields / sizeof position_fields[0]),
                                       sizeof(struct position)};
const struct schema trade_schema = {"trade", trade_fields, (int)(sizeof trade_fields / sizeof trade_fields[0]), sizeof(struct trade)};

int position_sign(const struct position *position) {
  return position->side == SIDE_LONG ? 1 : -1;
}

static int64_t absolute(int64_t value) {
  return value < 0 ? -value : value;
}

/* a / b as doubles; null when b is 0. */
static double ratio(int64_t a, int64_t b) {
  return b != 0 ? decimal_to_double(a) / decimal_to_double(b) : NAN;
}

int64_t position_open_cost(const struct position *position) {
  return position->entry_cost - position->exit_cost + position_sign(position) * position->pnl_realised_usd;
}

static double multiple_of_r(const struct position *position, int64_t price) {
  return ratio(position_sign(position) * (price - position->entry), position->r_distance);
}

static int64_t better_price(const struct position *position, int64_t a, int64_t b) {
  return position_sign(position) * (a - b) > 0 ? a : b;
}

/* Everything that follows from the newest mark. */
static void update_totals(struct position *position) {
  position->notional_usd = decimal_multiply(position->qty, position->mark);
  position->pnl_unrealised_usd = position_sign(position) * (position->notional_usd - position_open_cost(position));
  position->pnl_usd = position->pnl_realised_usd + position->pnl_unrealised_usd - position->fees_usd + position->funding_usd;
  position->pnl_r = ratio(position->pnl_usd, position->r_usd);
  position->price_r = multiple_of_r(position, position->mark);
  if (position->leverage > 0) position->margin_usd = decimal_divide(position->notional_usd, decimal_from_double(position->leverage));
}

/* While E and D may still change, the extremes follow from the prices; afterwards an add-on moves E but not what was reached before it. */
static void update_extremes(struct position *position, int64_t high, int64_t low) {
  if (position->entry_completed_at == 0) {
    position->mfe_r = multiple_of_r(position, position->best);
    position->mae_r = multiple_of_r(position, position->worst);
    return;
  }
  double r_high = multiple_of_r(position, high);
  double r_low = multiple_of_r(position, low);
  position->mfe_r = maths_max(maths_max(r_high, r_low), position->mfe_r);
  position->mae_r = maths_min(maths_min(r_high, r_low), position->mae_r);
}

/* r_usd is money and so comes from the cost, not from the rounded E: a stop that fills at its price then loses exactly r_usd. */
static void measure_r(struct position *position) {
  int64_t cost_at_stop = decimal_multiply(position->qty_entered, position->stop_initial);
  position->r_distance = absolute(position->entry - position->stop_initial);
  position->r_usd = absolute(position->entry_cost - cost_at_stop) + fee_of_fraction(position->entry_cost, position->fee_in) +
                    fee_of_fraction(cost_at_stop, position->fee_out);
}

static void on_first_fill(struct position *position, const struct fill *fill) {
  position->opened_at = fill->ts;
  position->best = fill->price;
  position->worst = fill->price;
  if (position->mark <= 0) position->mark = fill->price; /* 0 or null */
}

void position_on_entry_fill(struct position *position, const struct fill *fill, bool is_add_on) {
  check(fill->qty > 0 && fill->price > 0);
  if (position->qty_entered == 0) on_first_fill(position, fill);
  position->entry_cost += decimal_multiply(fill->qty, fill->price);
  position->qty_entered += fill->qty;
  position->qty += fill->qty;
  position->fees_usd += fill->fee_usd;
  position->entry_fees += fill->fee_usd;
  position->entry = decimal_divide(position_open_cost(position), position->qty);
  if (is_add_on) {
    int64_t before = position->add_on_qty > 0 ? position->add_on_price : fill->price;
    position->add_on_qty += fill->qty;
    position->add_on_price = before + decimal_multiply_divide(fill->price - before, fill->qty, position->add_on_qty, ROUND_NEAREST);
    position->add_on_used = true;
  } else {
    position->qty_initial += fill->qty;
    if (position->entry_completed_at == 0) measure_r(position);
  }
  update_totals(position);
  update_extremes(position, fill->price, fill->price);
}

void position_complete_entry(struct position *position, int64_t ts) {
  check(position->qty_entered > 0 && position->entry_completed_at == 0);
  measure_r(position);
  update_totals(position);
  update_extremes(position, position->best, position->worst);
  position->entry_completed_at = ts;
}

int64_t position_on_exit_fill(struct position *position, const struct fill *fill, int64_t planned) {
  check(fill->qty > 0 && fill->price > 0);
  int64_t qty = fill->qty < position->qty ? fill->qty : position->qty;
  int64_t notional = decimal_multiply(qty, fill->price);
  int64_t cost = qty > 0 ? decimal_multiply_divide(position_open_cost(position), qty, position->qty, ROUND_NEAREST) : 0;
  position->pnl_realised_usd += position_sign(position) * (notional - cost);
  position->exit_cost += notional;
  position->qty -= qty;
  position->fees_usd += fill->fee_usd;
  int64_t adverse = position_sign(position) * (planned - fill->price);
  if (planned > 0 && adverse > 0) position->slippage_exit_sum += decimal_to_double(decimal_multiply(qty, adverse));
  if (position->qty == 0 && qty > 0) position->closed_at = fill->ts;
  update_totals(position);
  return fill->qty - qty;
}

void position_on_funding(struct position *position, int64_t amount_usd) {
  position->funding_usd += amount_usd;
  update_totals(position);
}

void position_on_price(struct position *position, int64_t price, int64_t high, int64_t low) {
  check(price > 0 && low > 0);
  if (high < price) high = price;
  if (low > price) low = price;
  bool is_long = position->side == SIDE_LONG;
  int64_t best = is_long ? high : low;
  int64_t worst = is_long ? low : high;
  position->mark = price;
  position->best = position->best == 0 ? best : better_price(position, best, position->best);
  if (position->worst == 0 || better_price(position, position->worst, worst) == position->worst) position->worst = worst;
  update_totals(position);
  update_extremes(position, high, low);
}

/* s·(average - planned)/planned·10^4, positive is worse (execution 9). */
static double entry_slippage_bps(const struct position *position, int64_t average) {
  if (position->planned_entry <= 0) return NAN;
  return ratio(position_sign(position) * (average - position->planned_entry), position->planned_entry) * 1e4;
}

void position_to_trade(const struct position *position, int64_t trade_id, struct trade *out) {
  check(position->qty == 0 && position->qty_entered > 0);
  int64_t average = decimal_divide(position->entry_cost, position->qty_entered);
  int64_t pnl = position->pnl_realised_usd - position->fees_usd + position->funding_usd;
  *out = (struct trade){.trade_id = trade_id,
                        .position_id = position->position_id,
                        .session_id = position->session_id,
                        .side = position->side,
                        .strategy = position->strategy,
                        .mode = position->mode,
                        .qty = position->qty_entered,
                        .entry = average,
                        .exit_average = decimal_divide(position->exit_cost, position->qty_entered),
                        .stop_initial = position->stop_initial,
                        .r_distance = position->r_distance,
                        .r_usd = position->r_usd,
                        .gross_usd = position->pnl_realised_usd,
                        .fees_usd = position->fees_usd,
                        .funding_usd = position->funding_usd,
                        .pnl_usd = pnl,
                        .pnl_r = ratio(pnl, position->r_usd),
                        .mfe_r = position->mfe_r,
                        .mae_r = position->mae_r,
                        .slippage_entry_bps = entry_slippage_bps(position, average),
                        .slippage_exit_bps = position->slippage_exit_sum / decimal_to_double(position->exit_cost) * 1e4,
                        .bars_held = position->bars_held,
                        .hold_ms = position->closed_at - position->opened_at,
                        .opened_at = position->opened_at,
                        .closed_at = position->closed_at,
                        .exit_reason = position->exit_reason,
                        .targets_filled = position->targets_filled,
                        .target_mask = position->target_mask,
                        .add_on_used = position->add_on_used,
                        .level_id = position->level_id,
                        .level_sources = position->level_sources,
                        .path_dependent = position->path_dependent,
                        .trace_ts = position->trace_ts};
  text_copy(out->symbol, sizeof out->symbol, position->symbol);
  text_copy(out->preset, sizeof out->preset, position->preset);
}

int64_t position_open_risk(const struct position *position) {
  int64_t at_stop = decimal_multiply(position->qty, position->stop);
  int64_t cost = position_open_cost(position);
  return position_sign(position) * (cost - at_stop) + fee_of_fraction(cost, position->fee_in) + fee_of_fraction(at_stop, position->fee_out);
}
