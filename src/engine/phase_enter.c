/* From a validated signal to a plan and from the plan to its orders (risk 2 to 6, execution 1 to 5). */
#include <math.h>
#include <string.h>

#include "core/trade/fees.h"
#include "engine/engine_state.h"

/* ---- what a plan may take ---- */

int32_t enter_slots_used(const struct engine *engine) {
  int32_t used = engine->open_holdings;
  for (int32_t i = 0; i < ENGINE_PLANS_MAX && engine->open_plans > 0; i++) {
    const struct plan *plan = &engine->plans[i];
    if (plan->is_open && plan->intent == PLAN_ENTRY && engine->symbols[plan->symbol_index].holding < 0) ++used;
  }
  return used;
}

static int64_t at_leverage(int64_t notional, double leverage) {
  return leverage > 0 ? decimal_divide(notional, decimal_from_double(leverage)) : notional;
}

int64_t enter_margin_used(const struct engine *engine) {
  int64_t used = 0;
  for (int32_t i = 0; i < ENGINE_HOLDINGS_MAX; i++) {
    const struct holding *holding = &engine->holdings[i];
    if (!holding->is_used) continue;
    const struct position *position = &holding->position;
    int64_t price = position->mark != DECIMAL_NULL ? position->mark : position->entry;
    used += at_leverage(decimal_multiply(position->qty, price), position->leverage);
  }
  for (int32_t i = 0; i < ENGINE_PLANS_MAX && engine->open_plans > 0; i++) {
    const struct plan *plan = &engine->plans[i];
    if (!plan->is_open) continue;
    used += at_leverage(decimal_multiply(plan->planned_qty - plan->filled_qty, plan->planned_price), plan->leverage);
  }
  return used;
}

struct exposure {
  double notional, correlated;
};

static void add_exposure(const struct engine *engine, struct exposure *sum, double notional, double correlation) {
  double limit = engine->preset.risk.correlation_limit;
  sum->notional += notional;
  if (isnan(correlation) || fabs(correlation) > limit) sum->correlated += notional;
}

/* Notional of the book and the part of it that moves with the reference (risk 6). */
static struct exposure book_exposure(const struct engine *engine) {
  struct exposure sum = {0, 0};
  for (int32_t i = 0; i < ENGINE_HOLDINGS_MAX; i++) {
    const struct holding *holding = &engine->holdings[i];
    if (!holding->is_used || holding->position.notional_usd == DECIMAL_NULL) continue;
    add_exposure(engine, &sum, decimal_to_double(holding->position.notional_usd), holding->position.btc_correlation);
  }
  for (int32_t i = 0; i < ENGINE_PLANS_MAX && engine->open_plans > 0; i++) {
    const struct plan *plan = &engine->plans[i];
    if (!plan->is_open) continue;
    int64_t rest = decimal_multiply(plan->planned_qty - plan->filled_qty, plan->planned_price);
    add_exposure(engine, &sum, decimal_to_double(rest), plan->btc_correlation);
  }
  return sum;
}

static bool is_plain_channel(const struct engine *engine) {
  return engine->preset.strategy_priority == STRATEGY_PRIORITY_CHANNEL && !engine->preset.channel_config.scan;
}

static void fill_request(struct engine *engine, int32_t symbol, struct risk_request *request) {
  const struct engine_symbol *owner = &engine->symbols[symbol];
  const struct instrument *instrument = &owner->market.instrument;
  struct exposure exposure = book_exposure(engine);
  double account_age_s = (double)(engine->now - engine->venue_heard_at) / 1000.0;
  double instrument_age_h = (double)(engine->now - owner->market.instrument_at) / 3600000.0;
  bool is_simulated = !engine->config.fees_from_venue && engine->session.mode == MODE_PAPER;
  *request = (struct risk_request){
      .preset = &engine->preset,
      .session_word = engine->session.session_state == SESSION_RUNNING ? NULL : session_state_names[engine->session.session_state],
      .risk = &engine->risk,
      .account_is_stale = !engine->account_is_known || engine->venue_is_down || (!is_simulated && account_age_s > 60),
      .clock_is_skewed = engine->clock_offset_ms > 1000 || engine->clock_offset_ms < -1000,
      .instrument_is_stale = !is_simulated && instrument_age_h > 26,
      .is_delisting =
          instrument->status != INSTRUMENT_TRADING || (instrument->delisting_at != 0 && instrument->delisting_at - engine->now <= 86400000),
      .is_recovering = engine->reconcile.is_active,
      .storage_is_unavailable = engine->storage_is_down,
      .account_age_s = account_age_s,
      .clock_offset_ms = (double)engine->clock_offset_ms,
      .instrument_age_h = instrument_age_h,
      .slots_used = enter_slots_used(engine),
      .symbol_is_busy = owner->holding >= 0 || owner->plan >= 0 || owner->is_foreign,
      .symbol_cools_down = engine->now < owner->cools_until,
      .is_reference = owner->market.is_reference,
      .has_reference = engine->reference >= 0 && !is_plain_channel(engine),
      .btc_correlation = engine->view.btc_correlation,
      .book_notional = exposure.notional,
      .book_correlated = exposure.correlated,
      .day_loss = ledger_day_loss(&engine->ledger),
  };
}

/* ---- plans ---- */

struct plan *enter_find_plan(struct engine *engine, int64_t plan_id) {
  for (int32_t i = 0; i < ENGINE_PLANS_MAX; i++) {
    if (engine->plans[i].plan_id == plan_id && plan_id != 0) return &engine->plans[i];
  }
  return NULL;
}

/* An unused place, the one whose plan ended first. NULL when all are open. */
static struct plan *take_place(struct engine *engine) {
  struct plan *best = NULL;
  for (int32_t i = 0; i < ENGINE_PLANS_MAX; i++) {
    struct plan *plan = &engine->plans[i];
    if (plan->is_open) continue;
    if (best == NULL || plan->plan_id < best->plan_id) best = plan;
  }
  return best;
}

static struct plan *new_plan(struct engine *engine, int32_t symbol, enum plan_intent intent, enum position_side side) {
  struct plan *plan = take_place(engine);
  if (plan == NULL) return NULL;
  *plan = (struct plan){.plan_id = ++engine->counters.plan,
                        .symbol_index = symbol,
                        .intent = (int32_t)intent,
                        .side = (int32_t)order_side_opening((int)side),
                        .created_at = engine->now,
                        .btc_correlation = engine->view.btc_correlation};
  memcpy(plan->symbol, engine->symbols[symbol].market.instrument.symbol, sizeof plan->symbol);
  if (intent == PLAN_ENTRY) ++engine->counts.plans;
  return plan;
}

static void fill_input(struct engine *engine, const struct plan *plan, struct execution_input *input) {
  const struct engine_symbol *owner = &engine->symbols[plan->symbol_index];
  *input = (struct execution_input){.preset = &engine->preset,
                                    .instrument = &owner->market.instrument,
                                    .view = &engine->view,
                                    .ts = engine->now,
                                    .capabilities = owner->market.capabilities};
  if (!plan->is_retest) return;
  const struct level *level = level_find((struct level_set *)&owner->levels, plan->signal.level_id);
  input->level_failed = level == NULL || !level->is_active;
}

static double fee_rate_in(const struct engine *engine, bool is_retest) {
  return is_retest || engine->preset.execution_config.post_only ? engine->fee_maker : engine->fee_taker;
}

static void set_leverage(struct engine *engine, int32_t symbol, double leverage) {
  struct engine_symbol *owner = &engine->symbols[symbol];
  int64_t exact = decimal_from_double(leverage);
  if (owner->leverage_set == exact) return;
  owner->leverage_set = exact;
  struct intent intent = {.ts = engine->now, .kind = INTENT_SET_LEVERAGE, .set_leverage = {.symbol = symbol, .leverage = leverage}};
  engine_emit_intent(engine, &intent);
}

static void move_candidate(struct engine *engine, int32_t symbol, enum candidate_trigger trigger, const char *reason) {
  if (engine->symbols[symbol].candidate.state != CANDIDATE_NONE) candidate_move(engine, symbol, trigger, reason);
}

static void refuse(struct engine *engine, struct pending_signal *pending, enum stage stage, const struct reason_list *reasons) {
  const struct reason *failed = reason_first_failed(reasons);
  enum reason_code code = failed != NULL ? (enum reason_code)failed->code : REASON_no_margin;
  engine_decide(engine, pending->symbol, stage, VERDICT_REFUSED, code, &pending->signal, 0, 0, pending->signal.trace_ts, reasons);
  watch_end_signal(engine, &pending->signal, SIGNAL_REFUSED);
  move_candidate(engine, pending->symbol, CANDIDATE_ON_RISK_REFUSED, reason_code_names[code]);
  ++engine->counts.refused_plans;
}

static void size_signal(struct engine *engine, const struct pending_signal *pending, struct sizing *sizing, struct reason_list *reasons) {
  const struct signal *signal = &pending->signal;
  bool is_buy = signal->side == SIDE_LONG;
  bool has_book = engine_has_capability(engine, pending->symbol, CAPABILITY_BOOK);
  struct sizing_input input = {
      .preset = &engine->preset,
      .instrument = &engine->symbols[pending->symbol].market.instrument,
      .side = (enum position_side)signal->side,
      .entry = signal->entry,
      .stop = signal->stop,
      .channel_target = pending->channel_target,
      .fee_in = fee_rate_in(engine, signal->strategy == STRATEGY_RETEST),
      .fee_out = engine->fee_taker,
      .equity_usd = engine->ledger.equity_usd,
      .margin_free_usd = engine->ledger.equity_usd - enter_margin_used(engine),
      .size_factor = risk_size_factor(&engine->risk),
      .max_leverage = engine->config.max_leverage,
      .depth_usd = !has_book ? NAN
                   : is_buy  ? engine->view.ask_usd_0_3pct
                             : engine->view.bid_usd_0_3pct,
  };
  sizing_compute(&input, sizing, reasons);
}

static struct plan *make_plan(struct engine *engine, const struct pending_signal *pending, const struct sizing *sizing) {
  const struct signal *signal = &pending->signal;
  struct plan *plan = new_plan(engine, pending->symbol, PLAN_ENTRY, (enum position_side)signal->side);
  if (plan == NULL) return NULL;
  plan->signal_id = signal->signal_id;
  plan->strategy = signal->strategy;
  plan->planned_price = signal->entry;
  plan->trace_ts = signal->trace_ts;
  plan->signal = *signal;
  plan->expires_at = signal->expires_at;
  plan->is_retest = signal->strategy == STRATEGY_RETEST;
  plan->is_channel = signal->strategy == STRATEGY_CHANNEL;
  plan->channel_target = pending->channel_target;
  plan->stop = signal->stop;
  plan->leverage = sizing->leverage;
  return plan;
}

void enter_signal(struct engine *engine, struct pending_signal *pending) {
  struct engine_symbol *owner = &engine->symbols[pending->symbol];
  struct signal *signal = &pending->signal;
  move_candidate(engine, pending->symbol, CANDIDATE_ON_VALIDATED, "");
  owner->sized_at[signal->side] = engine->now;
  owner->sized_entry[signal->side] = signal->entry;
  engine_read_setup(engine, pending->symbol);
  struct reason_list reasons;
  reasons.count = 0;
  struct risk_request request;
  fill_request(engine, pending->symbol, &request);
  struct sizing sizing = {0};
  bool is_allowed = risk_allows_entry(&request, &reasons);
  if (is_allowed) {
    size_signal(engine, pending, &sizing, &reasons);
    request.plan_notional = decimal_to_double(sizing.notional_usd);
    is_allowed = sizing.is_accepted && risk_allows_notional(&request, &reasons);
  }
  if (!is_allowed) {
    refuse(engine, pending, STAGE_RISK, &reasons);
    return;
  }
  reason_add(&reasons, REASON_sized, true, decimal_to_double(sizing.qty), NAN, "");
  engine_decide(engine, pending->symbol, STAGE_RISK, VERDICT_PASSED, REASON_sized, signal, 0, 0, signal->trace_ts, &reasons);
  struct plan *plan = make_plan(engine, pending, &sizing);
  struct execution_input input;
  reasons.count = 0;
  engine_at_phase(engine, PHASE_EXECUTION);
  if (plan != NULL) fill_input(engine, plan, &input);
  if (plan == NULL || !execution_plan(plan, &input, sizing.qty, &reasons)) {
    refuse(engine, pending, STAGE_EXECUTION, &reasons);
    return;
  }
  owner->plan = (int32_t)(plan - engine->plans);
  ++engine->open_plans;
  set_leverage(engine, pending->symbol, sizing.leverage);
  move_candidate(engine, pending->symbol, CANDIDATE_ON_PLAN_ACCEPTED, "");
  engine_update_word(engine);
  enter_advance(engine, plan);
}

bool enter_open_add_on(struct engine *engine, struct holding *holding, int64_t qty) {
  const struct position *position = &holding->position;
  engine_read_setup(engine, position->symbol_index);
  struct plan *plan = new_plan(engine, position->symbol_index, PLAN_ADD_ON, (enum position_side)position->side);
  if (plan == NULL || position->mark == DECIMAL_NULL) return false;
  plan->position_id = position->position_id;
  plan->strategy = position->strategy;
  plan->planned_price = instrument_round_price(&engine->symbols[position->symbol_index].market.instrument, position->mark,
                                               position->side == SIDE_LONG ? ROUND_DOWN : ROUND_UP);
  plan->trace_ts = position->trace_ts;
  plan->stop = position->stop;
  plan->leverage = position->leverage;
  plan->expires_at = engine->now + SIGNAL_LIFE_MS;
  struct execution_input input;
  fill_input(engine, plan, &input);
  struct reason_list reasons;
  reasons.count = 0;
  if (!execution_plan(plan, &input, qty, &reasons)) return false;
  engine->symbols[position->symbol_index].plan = (int32_t)(plan - engine->plans);
  ++engine->open_plans;
  enter_advance(engine, plan);
  return true;
}

/* ---- working a plan ---- */

static void send_child(struct engine *engine, struct plan *plan, const struct order *wanted) {
  enum order_leg leg = plan->intent == PLAN_ADD_ON ? LEG_ADD_ON : LEG_ENTRY;
  struct order *order = orders_new(engine, plan->symbol_index, plan->plan_id, leg, plan->child_count - 1, 0);
  if (order == NULL) {
    plan->live_order[0] = '\0';
    execution_stop(plan, PLAN_REJECTED);
    engine_raise(engine, "order_limit", SEVERITY_CRITICAL, plan->symbol, ENGINE_ORDERS_MAX, ENGINE_ORDERS_MAX, "no place for a further order");
    return;
  }
  order->position_id = plan->position_id;
  order->purpose = plan->intent == PLAN_ADD_ON ? PURPOSE_ADD_ON : PURPOSE_ENTRY;
  order->side = wanted->side;
  order->type = wanted->type;
  order->qty = wanted->qty;
  order->price = wanted->price;
  order->time_in_force = wanted->time_in_force;
  order->post_only = wanted->post_only;
  order->trace_ts = plan->trace_ts;
  memcpy(plan->live_order, order->client_order_id, sizeof plan->live_order);
  orders_send(engine, order);
}

static enum signal_outcome outcome_of(const struct plan *plan) {
  if (plan->filled_qty > 0) return SIGNAL_ENTERED;
  if (plan->ended_by == PLAN_EXPIRED) return SIGNAL_EXPIRED;
  return plan->ended_by == PLAN_CANCELLED ? SIGNAL_CANCELLED : SIGNAL_UNFILLED;
}

/* Of an end that brings no reason with it, as the timers and the caps do (execution.c). */
static enum reason_code code_of(const struct plan *plan) {
  return plan->ended_by == PLAN_REJECTED ? REASON_order_rejected : REASON_cancelled_by_command;
}

static void mark_level_used(struct engine *engine, const struct plan *plan) {
  struct level *level = level_find(&engine->symbols[plan->symbol_index].levels, plan->signal.level_id);
  if (level == NULL) return;
  if (plan->strategy == STRATEGY_RETEST) {
    level->retest_used = true;
  } else {
    level->momentum_used = true;
  }
}

static void end_entry(struct engine *engine, struct plan *plan, struct reason_list *reasons) {
  bool is_filled = plan->filled_qty > 0;
  const struct reason *failed = reason_first_failed(reasons);
  enum reason_code code = is_filled ? REASON_entry_filled : failed != NULL ? (enum reason_code)failed->code : code_of(plan);
  if (is_filled) reason_add(reasons, REASON_entry_filled, true, decimal_to_double(plan->filled_qty), decimal_to_double(plan->planned_qty), "");
  if (!is_filled && failed == NULL) reason_add(reasons, code, false, NAN, NAN, plan_end_names[plan->ended_by]);
  engine_decide(engine, plan->symbol_index, STAGE_EXECUTION, is_filled ? VERDICT_PASSED : VERDICT_REFUSED, code, &plan->signal, 0, 0, plan->trace_ts,
                reasons);
  watch_end_signal(engine, &plan->signal, outcome_of(plan));
  if (!is_filled) {
    ++engine->counts.unfilled_entries;
    move_candidate(engine, plan->symbol_index, CANDIDATE_ON_ENTRY_UNFILLED, reason_code_names[code]);
    return;
  }
  ++engine->counts.entries;
  ++engine->session.entries;
  mark_level_used(engine, plan);
  move_candidate(engine, plan->symbol_index, CANDIDATE_ON_ENTRY_FILLED, "");
  struct holding *holding = manage_find(engine, plan->position_id);
  if (holding != NULL) manage_on_entry_complete(engine, holding, plan);
}

static void end_plan(struct engine *engine, struct plan *plan, struct reason_list *reasons) {
  engine->symbols[plan->symbol_index].plan = -1;
  --engine->open_plans;
  engine_emit_record(engine, RECORD_PLAN, plan);
  if (plan->intent == PLAN_ENTRY) {
    end_entry(engine, plan, reasons);
  } else if (plan->filled_qty > 0) {
    ++engine->counts.add_ons;
  }
}

/* What must hold at the moment of sending, also for a later slice (execution 3). */
static bool may_send(const struct engine *engine) {
  bool is_clock_good = engine->clock_offset_ms <= 1000 && engine->clock_offset_ms >= -1000;
  return engine->session.session_state == SESSION_RUNNING && !engine_is_latched(engine) && engine->risk.day.since_at == 0 &&
         !engine->storage_is_down && !engine->venue_is_down && is_clock_good;
}

void enter_advance(struct engine *engine, struct plan *plan) {
  if (!plan->is_open) return;
  if (plan->live_order[0] == '\0' && !may_send(engine)) execution_stop(plan, PLAN_CANCELLED);
  engine_read_setup(engine, plan->symbol_index);
  struct execution_input input;
  fill_input(engine, plan, &input);
  struct reason_list reasons;
  reasons.count = 0;
  if (engine->venue_heard_at > plan->last_life_at) plan->last_life_at = engine->venue_heard_at;
  struct order wanted = {0};
  enum execution_step step = execution_next(plan, &input, &wanted, &reasons);
  if (step == EXECUTION_SEND) {
    send_child(engine, plan, &wanted);
  } else if (step == EXECUTION_CANCEL) {
    struct order *order = orders_find(engine, plan->live_order);
    if (order != NULL) orders_cancel(engine, order);
  } else if (step == EXECUTION_END) {
    end_plan(engine, plan, &reasons);
  }
}

void enter_advance_all(struct engine *engine) {
  for (int32_t i = 0; i < ENGINE_PLANS_MAX; i++) {
    if (engine->plans[i].is_open) enter_advance(engine, &engine->plans[i]);
  }
}

void enter_stop_all(struct engine *engine, enum plan_end reason) {
  for (int32_t i = 0; i < ENGINE_PLANS_MAX && engine->open_plans > 0; i++) {
    struct plan *plan = &engine->plans[i];
    if (!plan->is_open) continue;
    execution_stop(plan, reason);
    enter_advance(engine, plan);
  }
}

int64_t enter_position_of(struct engine *engine, struct plan *plan) {
  bool has_position = plan->position_id != 0 && manage_find(engine, plan->position_id) != NULL;
  if (!has_position) manage_open(engine, plan);
  return plan->position_id;
}

/* A fill after the plan ended: the entry is complete at once. Nobody wants it when the position was closed before or the session is flattened. */
static void finish_late_fill(struct engine *engine, struct holding *holding, struct plan *plan) {
  bool is_wanted = !holding->is_leftover && !session_is_flattened(engine);
  if (holding->position.entry_completed_at == 0) manage_on_entry_complete(engine, holding, plan);
  if (is_wanted) return;
  manage_close(engine, holding, URGENCY_IMMEDIATE, session_is_flattened(engine) ? engine->flatten_reason : REASON_reconciled, PURPOSE_FLATTEN,
               "late fill");
}

void enter_on_fill(struct engine *engine, struct order *order, const struct fill *fill) {
  ledger_on_fee(&engine->ledger, fill->fee_usd);
  struct plan *plan = enter_find_plan(engine, order->plan_id);
  if (plan != NULL) execution_on_fill(plan, fill);
  struct holding *holding = manage_find(engine, order->position_id);
  if (holding == NULL) {
    engine_raise(engine, "late_fill", SEVERITY_CRITICAL, order->client_order_id, decimal_to_double(fill->qty), NAN,
                 "an entry filled without a position");
    reconcile_begin(engine, "late_fill");
    return;
  }
  if (holding->position.qty_entered == 0) holding->position.opened_at = fill->ts;
  position_on_entry_fill(&holding->position, fill, order->purpose == PURPOSE_ADD_ON && holding->position.qty_entered > 0);
  if (manage_take_early(engine, holding)) return;
  manage_sync_stop(engine, holding);
  if (plan != NULL && !plan->is_open) finish_late_fill(engine, holding, plan);
}

void enter_on_order_end(struct engine *engine, struct order *order, bool is_post_only_reject) {
  struct plan *plan = enter_find_plan(engine, order->plan_id);
  if (plan == NULL || !plan->is_open || strcmp(plan->live_order, order->client_order_id) != 0) return;
  execution_on_child_end(plan, order, is_post_only_reject, engine->now);
  enter_advance(engine, plan);
}
