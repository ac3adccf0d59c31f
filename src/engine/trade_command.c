/* What an operator asks of positions, orders and money (api 3.4, 3.6). Each command checks everything before it changes anything. */
#include <math.h>
#include <string.h>

#include "engine/engine_state.h"

/* A newer command of the kind about the same position takes the place of one that is under way. */
static void overtake(struct engine *engine, const struct operation *operation) {
  for (int32_t i = 0; i < ENGINE_OPERATIONS_MAX; i++) {
    struct operation *other = &engine->operations[i];
    bool is_same = other->is_open && other != operation && other->command == operation->command && other->position_id == operation->position_id;
    if (is_same) operation_fail(engine, other, "overtaken", "a newer command about this position took its place");
  }
}

/* The position of the command, open and not on its way out; NULL after the refusal. */
static struct holding *take_holding(struct engine *engine, struct operation *operation) {
  struct holding *holding = manage_find(engine, operation->position_id);
  if (holding == NULL) {
    operation_fail(engine, operation, "not_found", "no such open position");
    return NULL;
  }
  if (!holding->exit_active) return holding;
  operation_fail(engine, operation, "in_use", "an exit of this position is already running");
  return NULL;
}

/* ---- stop ---- */

static int64_t wanted_stop(const struct engine *engine, const struct holding *holding, const struct event_command *command) {
  const struct position *position = &holding->position;
  const struct instrument *instrument = &engine->symbols[position->symbol_index].market.instrument;
  if (command->to_breakeven) return exit_rules_paid_back(position, instrument, engine->exits.breakeven_buffer_bps);
  return instrument_round_price(instrument, command->price, position_sign(position) > 0 ? ROUND_DOWN : ROUND_UP);
}

static void do_move_stop(struct engine *engine, struct operation *operation, const struct event_command *command) {
  struct holding *holding = take_holding(engine, operation);
  if (holding == NULL) return;
  const struct position *position = &holding->position;
  int sign = position_sign(position);
  int64_t price = wanted_stop(engine, holding, command);
  if (price <= 0 || sign * (price - position->stop_initial) < 0) {
    operation_fail(engine, operation, "validation_failed", "a stop is never looser than the initial one");
    return;
  }
  if (position->mark != DECIMAL_NULL && sign * (position->mark - price) <= 0) {
    operation_fail(engine, operation, "validation_failed",
                   command->to_breakeven ? "the price has not passed breakeven" : "the stop would lie at or beyond the price");
    return;
  }
  if (sign * (price - position->stop) < 0 && !command->is_confirmed) {
    operation_fail(engine, operation, "confirmation_missing", "confirm must be true: the stop would be looser than it is");
    return;
  }
  overtake(engine, operation);
  if (price != position->stop) manage_move_stop(engine, holding, price, command->to_breakeven ? STOP_BREAKEVEN : STOP_MANUAL);
}

/* ---- targets ---- */

static void do_set_targets(struct engine *engine, struct operation *operation, const struct event_command *command) {
  struct holding *holding = take_holding(engine, operation);
  if (holding == NULL) return;
  const struct position *position = &holding->position;
  if (position->entry_completed_at == 0) {
    operation_fail(engine, operation, "in_use", "the entry is not complete yet: its targets follow it");
    return;
  }
  struct target_plan plan;
  char message[TARGET_MESSAGE_MAX];
  const struct instrument *instrument = &engine->symbols[position->symbol_index].market.instrument;
  if (!targets_plan_changes(position, instrument, command->targets, command->targets_count, ladder_busy(engine, holding), &plan, message)) {
    operation_fail(engine, operation, "validation_failed", message);
    return;
  }
  overtake(engine, operation);
  ladder_set(engine, holding, &plan);
  manage_emit(engine, holding);
}

/* ---- closing ---- */

static void do_close_position(struct engine *engine, struct operation *operation, const struct event_command *command) {
  struct holding *holding = manage_find(engine, command->position_id);
  if (!(command->fraction > 0 && command->fraction <= 1)) {
    operation_fail(engine, operation, "validation_failed", "fraction must lie in (0, 1]");
    return;
  }
  if (holding == NULL) {
    operation_fail(engine, operation, "not_found", "no such open position");
    return;
  }
  if (holding->exit_active && command->fraction < 1) {
    operation_fail(engine, operation, "in_use", "an exit of this position is already running");
    return;
  }
  manage_close_share(engine, holding, command->fraction, command->is_immediate);
}

/* Largest first, as when everything is flattened. */
static void do_close_all(struct engine *engine, struct operation *operation, const struct event_command *command) {
  operation->scope = command->close_side;
  operation->position_id = engine->counters.position;
  bool is_done[ENGINE_HOLDINGS_MAX] = {false};
  for (int32_t n = 0; n < ENGINE_HOLDINGS_MAX; n++) {
    int32_t best = -1;
    for (int32_t i = 0; i < ENGINE_HOLDINGS_MAX; i++) {
      const struct holding *holding = &engine->holdings[i];
      bool is_of_side = command->close_side == CLOSE_ALL_SIDES || (command->close_side == CLOSE_LONGS) == (holding->position.side == SIDE_LONG);
      if (!holding->is_used || is_done[i] || !is_of_side) continue;
      if (best < 0 || holding->position.notional_usd > engine->holdings[best].position.notional_usd) best = i;
    }
    if (best < 0) return;
    is_done[best] = true;
    manage_close(engine, &engine->holdings[best], URGENCY_IMMEDIATE, REASON_manual, PURPOSE_MANUAL, "close all");
  }
}

/* ---- cancelling ---- */

static void do_cancel_order(struct engine *engine, struct operation *operation, const struct event_command *command) {
  struct order *order = orders_find(engine, command->client_order_id);
  if (order == NULL || order_is_ended(order)) {
    operation_fail(engine, operation, "not_found", "no such live order");
    return;
  }
  bool is_ours_to_cancel = order->purpose == PURPOSE_ENTRY || order->purpose == PURPOSE_ADD_ON || order->purpose == PURPOSE_TARGET;
  if (!is_ours_to_cancel) {
    operation_fail(engine, operation, "not_cancellable", "stops and exits of open positions are not cancelled by hand");
    return;
  }
  struct plan *plan = enter_find_plan(engine, order->plan_id);
  if (plan != NULL && order->purpose != PURPOSE_TARGET) {
    execution_stop(plan, PLAN_CANCELLED);
    enter_advance(engine, plan);
  } else {
    manage_withdraw_target(engine, order);
    orders_cancel(engine, order);
  }
}

static void withdraw_all_targets(struct engine *engine) {
  for (int32_t i = 0; i < ENGINE_HOLDINGS_MAX; i++) {
    struct holding *holding = &engine->holdings[i];
    for (int32_t rung = 0; holding->is_used && rung < holding->position.targets_count; rung++) {
      enum target_state state = (enum target_state)holding->position.targets[rung].state;
      if (state == TARGET_WAITING || state == TARGET_WORKING) ladder_withdraw(engine, holding, rung);
    }
    if (holding->is_used) manage_emit(engine, holding);
  }
}

static void do_cancel_all(struct engine *engine, struct operation *operation, const struct event_command *command) {
  operation->scope = command->cancel_scope;
  if (command->cancel_scope != CANCEL_TARGETS) enter_stop_all(engine, PLAN_CANCELLED);
  if (command->cancel_scope != CANCEL_ENTRIES) withdraw_all_targets(engine);
}

/* ---- adopting ---- */

static const struct venue_position *find_foreign(const struct engine *engine, const char *symbol) {
  for (int32_t i = 0; i < engine_foreign_count(engine); i++) {
    const struct venue_position *venue = engine_foreign(engine, i);
    if (strcmp(engine->symbols[venue->symbol].market.instrument.symbol, symbol) == 0) return venue;
  }
  return NULL;
}

static void do_adopt(struct engine *engine, struct operation *operation, const struct event_command *command) {
  const struct venue_position *venue = find_foreign(engine, command->symbol);
  if (venue == NULL) {
    operation_fail(engine, operation, "not_found", "the account has no foreign position in this symbol");
    return;
  }
  if (engine->reconcile.is_active) {
    operation_fail(engine, operation, "in_use", "the account is being compared with the venue: ask again");
    return;
  }
  struct engine_symbol *owner = &engine->symbols[venue->symbol];
  const struct venue_position held = *venue;
  int sign = held.side == SIDE_LONG ? 1 : -1;
  int64_t stop = instrument_round_price(&owner->market.instrument, command->price, sign > 0 ? ROUND_DOWN : ROUND_UP);
  double mark = market_mark(&owner->market, engine->now);
  bool is_beyond = !isnan(mark) && sign * (decimal_from_double(mark) - stop) <= 0;
  if (held.entry <= 0 || stop <= 0 || sign * (held.entry - stop) <= 0 || is_beyond) {
    operation_fail(
        engine, operation, "validation_failed",
        held.entry <= 0 ? "the venue does not tell at which price it was opened" : "the stop must lie on the losing side of entry and price");
    return;
  }
  const struct holding *holding = manage_adopt(engine, &held, stop);
  if (holding == NULL) {
    operation_fail(engine, operation, "in_use", "there is no room for another position");
    return;
  }
  operation->position_id = holding->position.position_id;
  operation->reply.session_id = engine->session.session_id;
}

/* ---- money ---- */

static void do_record_flow(struct engine *engine, struct operation *operation, const struct event_command *command) {
  static const enum cash_kind kinds[] = {[FLOW_DEPOSIT] = CASH_DEPOSIT, [FLOW_WITHDRAWAL] = CASH_WITHDRAWAL, [FLOW_CORRECTION] = CASH_CORRECTION};
  int64_t amount = command->flow_kind == FLOW_WITHDRAWAL ? -command->amount_usd : command->amount_usd;
  bool has_wrong_sign = command->amount_usd <= 0 && command->flow_kind != FLOW_CORRECTION;
  if (has_wrong_sign || amount == 0 || amount > DECIMAL_MAX / 4 || amount < -DECIMAL_MAX / 4) {
    operation_fail(engine, operation, "validation_failed", "the amount must be above 0; only a correction may be negative");
    return;
  }
  if (!engine->has_ledger || engine->reconcile.is_active) {
    operation_fail(engine, operation, "in_use",
                   engine->has_ledger ? "the account is being compared with the venue: ask again" : "the account is not known yet");
    return;
  }
  if (amount < 0 && engine->ledger.equity_usd - enter_margin_used(engine) + amount < 0) {
    operation_fail(engine, operation, "validation_failed", "that is more than the free margin");
    return;
  }
  ledger_on_flow(&engine->ledger, amount, engine->now);
  struct flow record = {.flow_id = ++engine->counters.flow, .ts = engine->now, .kind = (int32_t)kinds[command->flow_kind], .amount_usd = amount};
  text_copy(record.source, sizeof record.source, "operator");
  text_copy(record.note, sizeof record.note, command->reason);
  engine_emit_record(engine, RECORD_FLOW, &record);
  struct intent intent = {.ts = engine->now, .kind = INTENT_TRANSFER, .transfer = {.amount_usd = amount}};
  engine_emit_intent(engine, &intent);
  engine_mark(engine, true);
}

bool trade_command_act(struct engine *engine, struct operation *operation, const struct event_command *command) {
  switch ((enum command)command->command) {
    case COMMAND_CLOSE_POSITION:
      do_close_position(engine, operation, command);
      return true;
    case COMMAND_MOVE_STOP:
      do_move_stop(engine, operation, command);
      return true;
    case COMMAND_CANCEL_ORDER:
      do_cancel_order(engine, operation, command);
      return true;
    case COMMAND_SET_TARGETS:
      do_set_targets(engine, operation, command);
      return true;
    case COMMAND_CLOSE_ALL:
      do_close_all(engine, operation, command);
      return true;
    case COMMAND_CANCEL_ALL:
      do_cancel_all(engine, operation, command);
      return true;
    case COMMAND_ADOPT:
      do_adopt(engine, operation, command);
      return true;
    case COMMAND_RECORD_FLOW:
      do_record_flow(engine, operation, command);
      return true;
    default:
      return false;
  }
}
