#include "core/trade/execution.h"

#include <math.h>
#include <stddef.h>

#include "base/calendar.h"
#include "base/check.h"
#include "core/strategy/breakout.h"

const char *const plan_intent_names[] = {"entry", "add_on", "exit", "flatten", "manual"};
const char *const plan_end_names[] = {"working", "filled", "limit_timeout", "deadman", "slippage_cap", "cancelled", "rejected", "expired"};

/* clang-format off */
#define FIELD_OWNER struct plan
static const struct field plan_fields[] = {
#include "base/fields_table.h"
#include "core/trade/execution_fields.def"
#include "base/fields_end.h"
};
#undef FIELD_OWNER
/* clang-format on */
const struct schema plan_schema = {"execution", plan_fields, (int)(sizeof plan_fields / sizeof plan_fields[0]), sizeof(struct plan)};

enum { SLICES_MAX = (int)(sizeof((struct plan *)0)->slice_qty / sizeof((struct plan *)0)->slice_qty[0]) };

static int sign_of(const struct plan *plan) {
  return plan->side == ORDER_BUY ? 1 : -1;
}

static enum position_side side_of(const struct plan *plan) {
  return plan->side == ORDER_BUY ? SIDE_LONG : SIDE_SHORT;
}

static bool has_quotes(const struct execution_input *input) {
  return (input->capabilities & (CAPABILITY_BOOK | CAPABILITY_TICKER)) != 0;
}

/* value of the consumed side: asks for a buy. */
static double consumed(const struct plan *plan, double asks, double bids) {
  return plan->side == ORDER_BUY ? asks : bids;
}

/* --- price of the next child, execution 3 --- */

struct quote {
  enum order_type type;
  enum time_in_force time_in_force;
  bool post_only;
  bool spread_widened;
  bool is_known;    /* prices are there */
  int64_t price;    /* limit before caps; of a market order the reference price */
  double reference; /* p0 */
};

static int64_t to_tick(const struct plan *plan, const struct execution_input *input, int64_t price) {
  return instrument_round_price(input->instrument, price, plan->side == ORDER_BUY ? ROUND_DOWN : ROUND_UP);
}

/* The cheaper price for the side: lower for a buy. */
static int64_t better(int sign, int64_t a, int64_t b) {
  return sign * (a - b) > 0 ? b : a;
}

/* A retest rests at the signal's entry; after a post-only refusal at the new best of our side, if that is the better price. */
static struct quote quote_retest(const struct plan *plan, const struct execution_input *input) {
  struct quote quote = {.type = ORDER_LIMIT, .time_in_force = TIF_GTC, .post_only = true, .is_known = true, .price = plan->planned_price};
  double own = consumed(plan, input->view->bid, input->view->ask); /* a buy stands on the bid */
  if (plan->post_only_refused && own > 0) quote.price = better(sign_of(plan), quote.price, to_tick(plan, input, decimal_from_double(own)));
  return quote;
}

/* The table of execution 3 for momentum entries, add-ons and the channel. */
static struct quote quote_momentum(const struct plan *plan, const struct execution_input *input) {
  const struct preset_execution_config *config = &input->preset->execution_config;
  const struct market_view *view = input->view;
  double opposite = consumed(plan, view->ask, view->bid);
  struct quote quote = {.type = ORDER_LIMIT, .time_in_force = TIF_GTC, .reference = has_quotes(input) ? opposite : view->price};
  quote.is_known = quote.reference > 0;
  if (!quote.is_known) return quote;
  bool is_passive;
  double spread = has_quotes(input) ? view->spread_bps : NAN;
  quote.price = breakout_entry_price(input->preset, input->instrument, side_of(plan), view->bid, view->ask, view->price, spread, NAN, &is_passive);
  quote.spread_widened = spread > config->spread_widen_bps;
  quote.post_only = is_passive;
  if (is_passive) return quote;
  if (!config->use_limit_orders || (plan->is_channel && !has_quotes(input))) {
    quote.type = ORDER_MARKET;
    quote.price = to_tick(plan, input, decimal_from_double(quote.reference));
  } else if (config->fill_or_kill) {
    quote.time_in_force = TIF_FOK;
  }
  return quote;
}

static bool has_level(const struct plan *plan) {
  return plan->intent == PLAN_ENTRY && !plan->is_channel && !plan->is_retest && plan->signal.level_price > 0;
}

/* bps by which a price is worse than `from`. */
static double bps_beyond(int sign, double price, double from) {
  return sign * (price - from) / from * 1e4;
}

static int64_t shifted(int sign, int64_t price, double bps) {
  return price + sign * decimal_multiply_divide(price, decimal_from_double(bps), 10000 * DECIMAL_ONE, ROUND_DOWN);
}

/* The worst price that may be paid: level cap and, with the full life cycle, the slippage cap. 0: none. */
static int64_t price_cap(const struct plan *plan, const struct execution_input *input) {
  int sign = sign_of(plan);
  int64_t cap = 0;
  if (has_level(plan)) {
    cap = shifted(sign, decimal_from_double(plan->signal.level_price), input->preset->signal_config.entry_rules.max_distance_from_level_bps);
  }
  const struct preset_fsm_config *fsm = &input->preset->position_config.fsm_config;
  if (!fsm->enabled || plan->is_retest || (plan->is_channel && !has_quotes(input))) return cap;
  int64_t chase = shifted(sign, plan->planned_price, fsm->entry_max_slippage_bps);
  return cap == 0 ? chase : better(sign, cap, chase);
}

/* --- slices and children, execution 4 --- */

static int64_t to_lot(const struct execution_input *input, int64_t qty) {
  return instrument_round_quantity(input->instrument, qty, ROUND_DOWN);
}

/* Quantity that a notional in USD buys, whole lots. Large depths are cut to what a decimal can hold. */
static int64_t qty_of_notional(const struct execution_input *input, double notional_usd, int64_t price) {
  double qty = notional_usd / decimal_to_double(price);
  return qty < 9e10 ? to_lot(input, decimal_from_double(qty)) : to_lot(input, DECIMAL_MAX);
}

static double notional_of(int64_t qty, int64_t price) {
  return decimal_to_double(decimal_multiply(qty, price));
}

/* Near depth that one child may take; infinite when nothing is consumed or the feed has no book, 0 when the book is not known. */
static double depth_allowed(const struct plan *plan, const struct execution_input *input) {
  const struct preset_execution_config *config = &input->preset->execution_config;
  if ((input->capabilities & CAPABILITY_BOOK) == 0 || plan->is_retest || config->post_only) return INFINITY;
  if (input->view->spread_bps > config->spread_widen_bps) return INFINITY; /* passive: takes nothing */
  double depth = consumed(plan, input->view->depth_5bps_ask, input->view->depth_5bps_bid);
  return isnan(depth) ? 0 : depth * config->max_depth_fraction;
}

static void set_slices(struct plan *plan, const struct execution_input *input, int64_t qty, int32_t count) {
  int64_t slice = to_lot(input, qty / count);
  for (int32_t i = 0; i < count; i++) plan->slice_qty[i] = i < count - 1 ? slice : qty - slice * (count - 1);
  plan->slice_count = count;
  plan->slices_planned = count;
}

/* Number of slices by the formula, before the proof. */
static int32_t slices_wanted(const struct execution_input *input, double notional, double allowed) {
  const struct preset_execution_config *config = &input->preset->execution_config;
  if (notional <= allowed || !config->enable_twap) return 1;
  double n = ceil(notional / allowed);
  if (n > config->twap_max_slices) n = config->twap_max_slices;
  if (n < config->twap_min_slices) n = config->twap_min_slices;
  return (int32_t)n;
}

/* The most slices, at most `wanted`, whose children the venue takes; *qty is reduced to what they may hold. 0: none. */
static int32_t prove_slices(const struct plan *plan, const struct execution_input *input, double allowed, int32_t wanted, int64_t *qty) {
  int64_t planned = *qty;
  for (int32_t n = wanted; n > 0; n--) {
    int64_t fits = planned;
    if (isfinite(allowed) && notional_of(to_lot(input, planned / n), plan->planned_price) > allowed) {
      fits = qty_of_notional(input, allowed * n, plan->planned_price);
      if (fits > planned) fits = planned;
    }
    if (!instrument_is_sellable(input->instrument, to_lot(input, fits / n), plan->planned_price)) continue;
    *qty = fits;
    return n;
  }
  return 0;
}

static void record_arrival(struct plan *plan, const struct execution_input *input) {
  const struct market_view *view = input->view;
  plan->arrival_mid = view->mid;
  plan->spread_bps = view->spread_bps;
  plan->imbalance = view->imbalance;
  plan->depth_usd_0_3pct = consumed(plan, view->ask_usd_0_3pct, view->bid_usd_0_3pct);
  plan->depth_5bps = consumed(plan, view->depth_5bps_ask, view->depth_5bps_bid);
}

static void clear_progress(struct plan *plan) {
  plan->filled_qty = 0;
  plan->filled_notional = 0;
  plan->fill_ratio = 0;
  plan->average_price = DECIMAL_NULL;
  plan->slippage_bps = NAN;
  plan->arrival_cost_bps = NAN;
  plan->slices_sent = 0;
  plan->iceberg_children = 0;
  plan->slice_next = 0;
  plan->slice_left = 0;
  plan->child_count = 0;
  plan->next_slice_at = 0;
  plan->waiting_since = 0;
  plan->live_order[0] = '\0';
  plan->cancel_requested = plan->post_only_refused = plan->post_only_retried = plan->is_ending = false;
  plan->ending_code = REASON_passed;
  plan->ended_by = PLAN_WORKING;
}

bool execution_plan(struct plan *plan, const struct execution_input *input, int64_t qty, struct reason_list *reasons) {
  check(qty > 0 && plan->planned_price > 0);
  clear_progress(plan);
  record_arrival(plan, input);
  plan->planned_qty = qty;
  double notional = notional_of(qty, plan->planned_price);
  double allowed = depth_allowed(plan, input);
  int64_t taken = qty;
  int32_t wanted = slices_wanted(input, notional, allowed);
  int32_t count = wanted > 0 && allowed > 0 ? prove_slices(plan, input, allowed, wanted < SLICES_MAX ? wanted : SLICES_MAX, &taken) : 0;
  if (count == 0 || notional_of(taken, plan->planned_price) < 0.3 * notional) {
    reason_add(reasons, REASON_depth_guard, false, plan->depth_5bps, notional, NULL);
    return false;
  }
  set_slices(plan, input, taken, count);
  plan->is_open = true;
  return true;
}

/* Pause between slices in ms. */
static int64_t slice_pause_ms(const struct plan *plan, const struct execution_input *input) {
  const struct preset_execution_config *config = &input->preset->execution_config;
  double seconds = config->twap_duration_seconds > 0 ? config->twap_duration_seconds / plan->slice_count : config->twap_interval_seconds;
  return (int64_t)floor(seconds * (double)SECOND_MS + 0.5);
}

/* Quantity of the next child of the slice in work: all of it, or an equal share of what is left that shows at most iceberg_min_notional; fewer and
 * larger ones where the venue would not take these. */
static int64_t next_child_qty(const struct plan *plan, const struct execution_input *input, const struct quote *quote) {
  const struct preset_execution_config *config = &input->preset->execution_config;
  int64_t left = plan->slice_left;
  if (!config->enable_iceberg || quote->type != ORDER_LIMIT) return left;
  int64_t lot = input->instrument->lot_size;
  int64_t shown = qty_of_notional(input, config->iceberg_min_notional, quote->price);
  if (shown >= left) return left;
  int64_t lots = left / lot;
  int64_t children = shown > 0 ? (left + shown - 1) / shown : lots;
  while (children > 1 && !instrument_is_sellable(input->instrument, lots / children * lot, quote->price)) children--;
  return (lots + children - 1) / children * lot;
}

/* --- the machine --- */

static void begin_ending(struct plan *plan, enum plan_end reason) {
  if (plan->is_ending) return;
  plan->is_ending = true;
  plan->ending_as = reason;
}

/* The same for a reason that a person must read: it waits in the plan until the live child has ended. */
static void begin_ending_because(struct plan *plan, enum plan_end reason, enum reason_code code, double value, double threshold) {
  if (plan->is_ending) return;
  begin_ending(plan, reason);
  plan->ending_code = (int32_t)code;
  plan->ending_value = value;
  plan->ending_threshold = threshold;
}

void execution_stop(struct plan *plan, enum plan_end reason) {
  if (plan->is_open) begin_ending(plan, reason);
}

static bool is_live(const struct plan *plan) {
  return plan->live_order[0] != '\0';
}

static int64_t total_qty(const struct plan *plan) {
  int64_t total = 0;
  for (int32_t i = 0; i < plan->slice_count; i++) total += plan->slice_qty[i];
  return total;
}

/* Signal expiry, level failure, and the timers of a live child (execution 5). */
static void watch_timers(struct plan *plan, const struct execution_input *input) {
  const struct preset_execution_config *config = &input->preset->execution_config;
  double silence = (double)(input->ts - plan->last_life_at);
  double age = (double)(input->ts - plan->child_sent_at);
  if (plan->is_ending) return;
  if (plan->is_retest && input->level_failed) {
    begin_ending_because(plan, PLAN_CANCELLED, REASON_level_failed, NAN, NAN);
  } else if (plan->expires_at != 0 && input->ts >= plan->expires_at) {
    double life_min = (double)(plan->expires_at - plan->signal.created_at) / MINUTE_MS;
    begin_ending_because(plan, PLAN_EXPIRED, REASON_signal_expired, NAN, life_min);
  } else if (is_live(plan) && silence >= config->deadman_timeout_ms) {
    begin_ending_because(plan, PLAN_DEADMAN, REASON_deadman, silence, config->deadman_timeout_ms);
  } else if (is_live(plan) && plan->child_is_limit && !plan->is_retest && age >= config->limit_timeout_seconds * (double)SECOND_MS) {
    begin_ending_because(plan, PLAN_LIMIT_TIMEOUT, REASON_entry_unfilled, config->limit_timeout_seconds, NAN);
  }
}

/* Why the plan ended, unless everything was filled before it could. A timeout after some fills is no `entry_unfilled`. */
static void add_ending_reason(const struct plan *plan, struct reason_list *reasons) {
  if (plan->ending_code == 0 || plan->ended_by == PLAN_FILLED) return;
  if (plan->ending_code == REASON_entry_unfilled && plan->filled_qty > 0) return;
  reason_add(reasons, (enum reason_code)plan->ending_code, false, plan->ending_value, plan->ending_threshold, NULL);
}

static enum execution_step finish(struct plan *plan, int64_t ts) {
  enum plan_end unfilled = plan->is_ending ? plan->ending_as : PLAN_CANCELLED;
  plan->ended_by = (int32_t)(plan->filled_qty >= total_qty(plan) ? PLAN_FILLED : unfilled);
  plan->ended_at = ts;
  plan->time_to_end_ms = ts - plan->created_at;
  plan->is_open = false;
  return EXECUTION_END;
}

static enum execution_step end_as(struct plan *plan, enum plan_end reason, int64_t ts) {
  begin_ending(plan, reason);
  return finish(plan, ts);
}

/* Waits for depth or prices at most deadman_timeout_ms; then the rest is given up. */
static enum execution_step wait_for_market(struct plan *plan, const struct execution_input *input, struct reason_list *reasons) {
  if (plan->waiting_since == 0) plan->waiting_since = input->ts;
  if (input->ts - plan->waiting_since < input->preset->execution_config.deadman_timeout_ms) return EXECUTION_WAIT;
  double depth = consumed(plan, input->view->depth_5bps_ask, input->view->depth_5bps_bid);
  reason_add(reasons, REASON_depth_guard, false, depth, notional_of(plan->slice_qty[plan->slice_next], plan->planned_price), "slice");
  return end_as(plan, PLAN_CANCELLED, input->ts);
}

/* Is the level still near? Tested before the first child; later ones are held by the cap. */
static bool ran_away(const struct plan *plan, const struct execution_input *input, const struct quote *quote, struct reason_list *reasons) {
  if (plan->child_count > 0 || !has_level(plan)) return false;
  double limit = input->preset->signal_config.entry_rules.max_distance_from_level_bps;
  double distance = bps_beyond(sign_of(plan), quote->reference, plan->signal.level_price);
  if (distance <= limit) return false;
  reason_add(reasons, REASON_run_away, false, distance, limit, NULL);
  return true;
}

/* A later child, or a market order, that could only be had beyond the cap. */
static bool is_beyond_cap(const struct plan *plan, const struct quote *quote, int64_t cap, struct reason_list *reasons) {
  bool is_bound = plan->slices_sent > 0 || quote->type == ORDER_MARKET;
  if (cap == 0 || !is_bound || plan->is_retest) return false;
  int sign = sign_of(plan);
  int64_t needed = quote->post_only ? quote->price : decimal_from_double(quote->reference);
  if (sign * (needed - cap) <= 0) return false;
  double planned = decimal_to_double(plan->planned_price);
  reason_add(reasons, REASON_slippage_cap, false, bps_beyond(sign, decimal_to_double(needed), planned),
             bps_beyond(sign, decimal_to_double(cap), planned), NULL);
  return true;
}

static void fill_in_order(struct plan *plan, const struct execution_input *input, const struct quote *quote, int64_t cap, struct order *order) {
  order->side = plan->side;
  order->type = (int32_t)quote->type;
  order->time_in_force = (int32_t)quote->time_in_force;
  order->post_only = quote->post_only;
  order->reduce_only = false;
  order->qty = next_child_qty(plan, input, quote);
  order->trigger_price = DECIMAL_NULL;
  order->price = DECIMAL_NULL;
  if (quote->type == ORDER_LIMIT) order->price = to_tick(plan, input, cap == 0 ? quote->price : better(sign_of(plan), quote->price, cap));
}

/* Books the child as sent. */
static void take_child(struct plan *plan, const struct execution_input *input, const struct order *order) {
  bool is_part = order->qty < plan->slice_left;
  plan->child_is_limit = order->type == ORDER_LIMIT;
  plan->child_qty = order->qty;
  if (is_part || plan->is_hidden) plan->iceberg_children++;
  plan->is_hidden = is_part;
  plan->slice_left -= order->qty;
  plan->child_count++;
  plan->child_sent_at = input->ts;
  plan->last_life_at = input->ts;
  plan->waiting_since = 0;
  plan->cancel_requested = false;
  text_copy(plan->live_order, sizeof plan->live_order, "-");
}

/* Takes the next slice into work when its time has come and the book can bear it. */
static enum execution_step begin_slice(struct plan *plan, const struct execution_input *input, struct reason_list *reasons) {
  if (input->ts < plan->next_slice_at) return EXECUTION_WAIT;
  /* The last slice holds up to a lot more for each slice before it; what is measured is the slice of the formula. */
  if (notional_of(plan->slice_qty[0] < plan->slice_qty[plan->slice_next] ? plan->slice_qty[0] : plan->slice_qty[plan->slice_next],
                  plan->planned_price) > depth_allowed(plan, input)) {
    return wait_for_market(plan, input, reasons);
  }
  return EXECUTION_SEND;
}

static enum execution_step next_child(struct plan *plan, const struct execution_input *input, struct order *order, struct reason_list *reasons) {
  bool is_new_slice = plan->slice_left == 0;
  if (is_new_slice) {
    enum execution_step step = begin_slice(plan, input, reasons);
    if (step != EXECUTION_SEND) return step;
  }
  struct quote quote = plan->is_retest ? quote_retest(plan, input) : quote_momentum(plan, input);
  if (!quote.is_known) return wait_for_market(plan, input, reasons);
  if (ran_away(plan, input, &quote, reasons)) return end_as(plan, PLAN_CANCELLED, input->ts);
  int64_t cap = price_cap(plan, input);
  if (is_beyond_cap(plan, &quote, cap, reasons)) return end_as(plan, PLAN_SLIPPAGE_CAP, input->ts);
  if (quote.spread_widened) {
    reason_add(reasons, REASON_spread_widened, true, input->view->spread_bps, input->preset->execution_config.spread_widen_bps, NULL);
  }
  if (is_new_slice) {
    plan->slice_left = plan->slice_qty[plan->slice_next++];
    plan->slices_sent++;
    plan->next_slice_at = input->ts + slice_pause_ms(plan, input);
  }
  fill_in_order(plan, input, &quote, cap, order);
  take_child(plan, input, order);
  return EXECUTION_SEND;
}

enum execution_step execution_next(struct plan *plan, const struct execution_input *input, struct order *order, struct reason_list *reasons) {
  if (!plan->is_open) return EXECUTION_WAIT;
  watch_timers(plan, input);
  if (is_live(plan)) {
    if (!plan->is_ending || plan->cancel_requested) return EXECUTION_WAIT;
    plan->cancel_requested = true;
    return EXECUTION_CANCEL;
  }
  if (plan->is_ending) {
    finish(plan, input->ts);
    add_ending_reason(plan, reasons);
    return EXECUTION_END;
  }
  if (plan->slice_left == 0 && plan->slice_next == plan->slice_count) return finish(plan, input->ts);
  return next_child(plan, input, order, reasons);
}

void execution_on_child_end(struct plan *plan, const struct order *child, bool is_post_only_reject, int64_t ts) {
  plan->live_order[0] = '\0';
  plan->cancel_requested = false;
  plan->last_life_at = ts;
  if (child->state == ORDER_FILLED) return;
  if (is_post_only_reject) {
    plan->post_only_refused = true;
    if (!plan->post_only_retried && !plan->is_ending) {
      plan->post_only_retried = true;
      plan->slice_left += order_remaining(child);
      return;
    }
  }
  if (is_post_only_reject) {
    begin_ending_because(plan, PLAN_REJECTED, REASON_post_only_rejected, NAN, NAN);
  } else {
    begin_ending(plan, child->state == ORDER_REJECTED ? PLAN_REJECTED : PLAN_CANCELLED);
  }
}

/* s·(average - from)/from·10^4 (execution 9). */
static double cost_bps(const struct plan *plan, double from) {
  return from > 0 ? bps_beyond(sign_of(plan), decimal_to_double(plan->average_price), from) : NAN;
}

void execution_on_fill(struct plan *plan, const struct fill *fill) {
  if (plan->filled_qty == 0) {
    plan->first_fill_at = fill->ts;
    plan->time_to_first_fill_ms = fill->ts - plan->created_at;
  }
  plan->filled_qty += fill->qty;
  plan->filled_notional += decimal_multiply(fill->qty, fill->price);
  plan->fees_usd += fill->fee_usd;
  plan->average_price = decimal_divide(plan->filled_notional, plan->filled_qty);
  plan->fill_ratio = decimal_to_double(plan->filled_qty) / decimal_to_double(plan->planned_qty);
  plan->slippage_bps = cost_bps(plan, decimal_to_double(plan->planned_price));
  plan->arrival_cost_bps = cost_bps(plan, plan->arrival_mid);
  if (plan->last_life_at < fill->ts) plan->last_life_at = fill->ts;
}
