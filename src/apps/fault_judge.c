#include "apps/fault_judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "engine/view.h"

enum {
  BARE_MS = 6000,           /* longest without protection while nothing is wrong: the engine closes after 5 s */
  CALM_MS = 20000,          /* after trouble: answers that are late, questions, a reconciliation */
  FLAT_MS = 120000,         /* after a kill, in calm */
  CASH_TOLERANCE = 1000000, /* 0.01 USD */
};
#define SIMULATED_INSTANCE "000000"

void judge_fail(struct fault_judge *judge, const char *format, ...) {
  if (judge->violation[0] != '\0') return;
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(judge->violation, sizeof judge->violation, format, arguments);
  va_end(arguments);
  judge->violated_at = judge->now;
}

void judge_open(struct fault_judge *judge, const struct sim *sim, const struct fault *faults, int32_t count, int32_t max_positions) {
  *judge = (struct fault_judge){.sim = sim, .faults = faults, .fault_count = count, .may_enter = true, .max_positions = max_positions};
  check(sim->options.symbols <= JUDGE_SYMBOLS_MAX);
  for (int32_t i = 0; i < count; i++) judge->is_meddled = judge->is_meddled || fault_rows[faults[i].kind].place == FAULT_AT_VENUE;
}

/* ---- what leaves the program ---- */

/* What a client id of the program says; its attempt tells nothing here. */
struct order_name {
  int64_t plan_id;
  enum order_leg leg;
  int32_t child;
};

/* False for orders of others. */
static bool parse_name(const char *client_order_id, struct order_name *out) {
  int32_t attempt;
  return order_parse_client_id(client_order_id, SIMULATED_INSTANCE, &out->plan_id, &out->leg, &out->child, &attempt);
}

static bool is_ours(const char *client_order_id) {
  struct order_name name;
  return parse_name(client_order_id, &name);
}

static struct judged_leg *leg_of(struct fault_judge *judge, const char *client_order_id) {
  struct order_name name;
  if (!parse_name(client_order_id, &name) || (name.leg != LEG_ENTRY && name.leg != LEG_ADD_ON)) return NULL;
  for (int32_t i = judge->leg_count - 1; i >= 0; i--) {
    struct judged_leg *known = &judge->legs[i];
    if (known->plan_id == name.plan_id && known->leg == (int32_t)name.leg && known->child == name.child) return known;
  }
  if (judge->leg_count == JUDGE_LEGS_MAX) {
    judge_fail(judge, "more than %d entries: the session is too long to be judged", JUDGE_LEGS_MAX);
    return NULL;
  }
  judge->legs[judge->leg_count] = (struct judged_leg){.plan_id = name.plan_id, .leg = (int32_t)name.leg, .child = name.child};
  return &judge->legs[judge->leg_count++];
}

void judge_request(struct fault_judge *judge, const struct intent *intent, size_t pending, bool is_journal_broken) {
  if (intent->kind != INTENT_PLACE_ORDER) return;
  const struct order *order = &intent->place_order.order[0];
  bool is_entry = order->purpose == PURPOSE_ENTRY || order->purpose == PURPOSE_ADD_ON;
  if (!is_entry && !order->reduce_only) judge_fail(judge, "P2: %s is an exit and not reduce-only", order->client_order_id);
  if (is_entry && pending > 0) judge_fail(judge, "L1: %s left before its intent was on disk", order->client_order_id);
  if (is_entry && is_journal_broken) judge_fail(judge, "L1: the entry %s left while the journal cannot be written", order->client_order_id);
  if (is_entry && !judge->may_enter) judge_fail(judge, "R2: the entry %s left after a kill or an emergency stop", order->client_order_id);
  if (is_entry && judge->is_clock_off) judge_fail(judge, "S1: the entry %s left while the clock was known to be wrong", order->client_order_id);
  struct judged_leg *leg = leg_of(judge, order->client_order_id);
  if (leg != NULL && order->qty > leg->wanted) leg->wanted = order->qty;
}

void judge_killed(struct fault_judge *judge, bool is_killed) {
  judge->may_enter = !is_killed;
  judge->killed_at = is_killed ? judge->now : 0;
}

void judge_stopped(struct fault_judge *judge) {
  judge->may_enter = false;
}

/* ---- what happens at the venue ---- */

bool judge_holds(const struct fault_judge *judge, int32_t symbol) {
  return judge->positions[symbol].own != 0;
}

/* A position with a part of the program's must be protected, all of it: the program takes over what others add. What is left when the program has
 * closed as much as it opened, or when others have turned the position round, is theirs. */
static void move_position(struct fault_judge *judge, int32_t symbol, int64_t change, bool is_ours) {
  struct judged_position *position = &judge->positions[symbol];
  int64_t before = position->own;
  position->qty += change;
  if (is_ours) position->own += change;
  int64_t low = position->qty < 0 ? position->qty : 0;
  int64_t high = position->qty > 0 ? position->qty : 0;
  position->own = position->own < low ? low : position->own > high ? high : position->own;
  if (before == 0) position->owned_since = judge->now;
}

void judge_taken(struct fault_judge *judge, int32_t symbol, int64_t qty) {
  move_position(judge, symbol, judge->positions[symbol].qty > 0 ? -qty : qty, false);
}

void judge_fill(struct fault_judge *judge, const struct event_fill *fill) {
  move_position(judge, fill->symbol, fill->side == ORDER_BUY ? fill->qty : -fill->qty, is_ours(fill->client_order_id));
  if (!is_ours(fill->client_order_id)) return;
  if (judge->fill_count == JUDGE_FILLS_MAX) {
    judge_fail(judge, "more than %d fills: the session is too long to be judged", JUDGE_FILLS_MAX);
    return;
  }
  text_copy(judge->fills[judge->fill_count++].venue_fill_id, ORDER_ID_MAX, fill->venue_fill_id);
  struct judged_leg *leg = leg_of(judge, fill->client_order_id);
  if (leg == NULL) return;
  leg->filled += fill->qty;
  if (leg->filled > leg->wanted)
    judge_fail(judge, "D1: %s was filled with %.8g of %.8g", fill->client_order_id, decimal_to_double(leg->filled), decimal_to_double(leg->wanted));
}

static bool is_troubled(const struct fault_judge *judge) {
  for (int32_t i = 0; i < judge->fault_count; i++) {
    const struct fault *fault = &judge->faults[i];
    enum fault_place place = fault_rows[fault->kind].place;
    bool is_between = place == FAULT_AT_LINE || place == FAULT_AT_DISK || place == FAULT_AT_PROCESS;
    if (is_between && judge->now >= fault->from && judge->now <= fault->until) return true;
  }
  return false;
}

static void judge_protection(struct fault_judge *judge, int32_t symbol) {
  int64_t since = sim_unprotected_since(judge->sim, symbol);
  if (since < 0 || !judge_holds(judge, symbol) || judge->now - judge->calm_since < CALM_MS) return;
  if (since < judge->positions[symbol].owned_since) since = judge->positions[symbol].owned_since;
  int64_t calm_from = judge->calm_since + CALM_MS;
  int64_t bare = judge->now - (since > calm_from ? since : calm_from);
  if (bare > judge->bare_worst_ms) judge->bare_worst_ms = bare;
  if (bare > BARE_MS)
    judge_fail(judge, "P1: symbol %d has stood without a stop for %lld ms, %lld ms of them in calm", symbol, (long long)(judge->now - since),
               (long long)bare);
}

void judge_time(struct fault_judge *judge, int64_t now, bool is_up) {
  judge->now = now;
  if (!is_up || is_troubled(judge)) judge->calm_since = now;
  int32_t held = 0;
  for (int32_t i = 0; i < judge->sim->options.symbols; i++) {
    judge_protection(judge, i);
    held += judge_holds(judge, i);
  }
  if (held > judge->max_positions) judge_fail(judge, "R1: %d positions, %lld allowed", held, (long long)judge->max_positions);
  int64_t since = judge->killed_at > judge->calm_since ? judge->killed_at : judge->calm_since;
  if (judge->killed_at > 0 && held > 0 && now - since > FLAT_MS)
    judge_fail(judge, "R2: %d positions are open %lld ms after a kill", held, (long long)(now - judge->killed_at));
}

/* ---- the end ---- */

/* Booked from what the venue holds, without a fill of the venue's. */
static bool is_inferred(const struct fill *fill) {
  static const char *const names[] = {"reconciled", "liquidation", "adl"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(fill->venue_fill_id, names[i]) == 0) return true;
  }
  return false;
}

void judge_written_fill(struct fault_judge *judge, const struct fill *fill) {
  if (judge->is_meddled && is_inferred(fill)) return;
  for (int32_t i = 0; i < judge->fill_count; i++) {
    if (strcmp(judge->fills[i].venue_fill_id, fill->venue_fill_id) != 0) continue;
    if (++judge->fills[i].told > 1) judge_fail(judge, "L2: the fill %s stands twice in the journal", fill->venue_fill_id);
    return;
  }
  judge_fail(judge, "L2: the journal has a fill %s of %s that the venue never made", fill->venue_fill_id, fill->client_order_id);
}

static int64_t engine_quantity(const struct engine *engine, int32_t symbol) {
  int64_t qty = 0;
  for (int32_t i = 0; i < engine_position_count(engine); i++) {
    const struct position *position = engine_position(engine, i);
    if (position->symbol_index == symbol) qty += position->side == SIDE_LONG ? position->qty : -position->qty;
  }
  return qty;
}

/* Positions of others as the engine lists them: it must know them, by their size. */
static int64_t foreign_quantity(const struct engine *engine, int32_t symbol) {
  int64_t qty = 0;
  for (int32_t i = 0; i < engine_foreign_count(engine); i++) {
    const struct venue_position *position = engine_foreign(engine, i);
    if (position->symbol == symbol) qty += position->side == SIDE_LONG ? position->qty : -position->qty;
  }
  return qty;
}

/* An idle or latched session does not ask what others do. */
static bool is_asking(const struct engine *engine) {
  enum session_state state = engine_session_state(engine);
  return state == SESSION_RUNNING || state == SESSION_PAUSED || state == SESSION_DRAINING || state == SESSION_STOPPING;
}

static void compare_positions(struct fault_judge *judge, const struct engine *engine) {
  for (int32_t i = 0; i < judge->sim->options.symbols; i++) {
    struct venue_position venue;
    int64_t held = sim_position(judge->sim, i, &venue) ? (venue.side == SIDE_LONG ? venue.qty : -venue.qty) : 0;
    int64_t known = engine_quantity(engine, i);
    if (known == 0 && !judge_holds(judge, i)) known = is_asking(engine) ? foreign_quantity(engine, i) : held;
    if (held != known)
      judge_fail(judge, "L2: symbol %d: the venue holds %.8g, the engine %.8g", i, decimal_to_double(held), decimal_to_double(known));
  }
}

static bool lives_in_engine(const struct engine *engine, const char *id) {
  for (int32_t i = 0; i < engine_order_count(engine); i++) {
    const struct order *order = engine_order(engine, i);
    if (strcmp(order->client_order_id, id) == 0) return order_is_live(order);
  }
  return false;
}

static void compare_orders(struct fault_judge *judge, const struct engine *engine) {
  struct venue_order orders[64];
  int32_t count = sim_live_orders(judge->sim, orders, 64);
  for (int32_t i = 0; i < count; i++) {
    struct venue_position position;
    if (!is_ours(orders[i].client_order_id)) continue;
    if (!lives_in_engine(engine, orders[i].client_order_id))
      judge_fail(judge, "L2: %s rests at the venue, the engine thinks it has ended", orders[i].client_order_id);
    bool is_entry = leg_of(judge, orders[i].client_order_id) != NULL;
    if (!is_entry && !sim_position(judge->sim, orders[i].symbol, &position))
      judge_fail(judge, "P2: %s outlived its position", orders[i].client_order_id);
  }
  for (int32_t i = 0; i < engine_order_count(engine); i++) {
    const struct order *order = engine_order(engine, i);
    if (!order_is_live(order)) continue;
    bool rests = false;
    for (int32_t j = 0; j < count && !rests; j++) rests = strcmp(orders[j].client_order_id, order->client_order_id) == 0;
    if (!rests)
      judge_fail(judge, "L2: the engine thinks that %s (%s) lives, the venue does not", order->client_order_id, order_state_names[order->state]);
  }
}

void judge_compare(struct fault_judge *judge, const struct engine *engine) {
  compare_positions(judge, engine);
  compare_orders(judge, engine);
}

void judge_end(struct fault_judge *judge, const struct engine *engine) {
  struct sim_account account;
  sim_account(judge->sim, &account);
  judge_compare(judge, engine);
  for (int32_t i = 0; i < judge->fill_count; i++) {
    if (judge->fills[i].told == 0) judge_fail(judge, "L2: the journal does not have the venue's fill %s", judge->fills[i].venue_fill_id);
  }
  int64_t difference = account.cash_usd - engine_ledger(engine)->cash_usd;
  if (llabs(difference) > CASH_TOLERANCE && !(judge->is_meddled && !is_asking(engine)))
    judge_fail(judge, "L2: cash is %.2f at the venue, %.2f in the ledger", decimal_to_double(account.cash_usd),
               decimal_to_double(engine_ledger(engine)->cash_usd));
  const struct engine_counts *counts = engine_counts(engine);
  if (counts->ledger_breaks > 0) judge_fail(judge, "the ledger was broken %lld times", (long long)counts->ledger_breaks);
  if (counts->illegal_transitions > 0) judge_fail(judge, "%lld illegal transitions", (long long)counts->illegal_transitions);
}
