/* Commands under way: their replies, and whether what they promised has come true (engine 5, column "complete when"). */
#include <string.h>

#include "engine/engine_state.h"

void operation_reply(struct engine *engine, struct command_reply *reply, enum command_status status, const char *code, const char *message) {
  engine_update_word(engine);
  reply->status = (int32_t)status;
  reply->state_after = (int32_t)engine->word;
  reply->session_id = engine->session.session_id;
  reply->ended_at = status == COMMAND_IN_PROGRESS ? 0 : engine->now;
  text_copy(reply->code, sizeof reply->code, code);
  text_copy(reply->message, sizeof reply->message, message);
  engine_emit_record(engine, RECORD_COMMAND_REPLY, reply);
}

static void close_operation(struct engine *engine, struct operation *operation) {
  operation->is_open = false;
  --engine->open_operations;
}

/* A free place; when all are taken that of the oldest command about one position or order, whose promise is then kept without being told. */
static struct operation *take_place(struct engine *engine) {
  struct operation *oldest = NULL;
  for (int32_t i = 0; i < ENGINE_OPERATIONS_MAX; i++) {
    struct operation *place = &engine->operations[i];
    if (!place->is_open) return place;
    if (place->command >= COMMAND_CLOSE_POSITION && (oldest == NULL || place->id < oldest->id)) oldest = place;
  }
  if (oldest == NULL) oldest = &engine->operations[0]; /* cannot be: commands about the account run once each */
  operation_fail(engine, oldest, "overtaken", "too many commands at once: it goes on without being followed");
  return oldest;
}

struct operation *operation_open(struct engine *engine, const struct event_command *command) {
  struct operation *place = take_place(engine);
  ++engine->open_operations;
  *place = (struct operation){
      .id = command->operation_id, .command = (enum command)command->command, .position_id = command->position_id, .is_open = true};
  memcpy(place->order_id, command->client_order_id, sizeof place->order_id);
  place->reply = (struct command_reply){.operation_id = command->operation_id,
                                        .ts = engine->now,
                                        .command = command->command,
                                        .source = command->source,
                                        .state_before = (int32_t)engine->word};
  memcpy(place->reply.user, command->user, sizeof place->reply.user);
  memcpy(place->reply.address, command->address, sizeof place->reply.address);
  return place;
}

void operation_fail(struct engine *engine, struct operation *operation, const char *code, const char *message) {
  close_operation(engine, operation);
  operation_reply(engine, &operation->reply, COMMAND_FAILED, code, message);
}

bool operation_is_flat(const struct engine *engine) {
  return engine->open_holdings == 0 && engine->live_orders == 0;
}

bool operation_has_live_entry(const struct engine *engine) {
  for (int32_t i = orders_next(engine, 0); i >= 0; i = orders_next(engine, i + 1)) {
    if (engine->orders[i].purpose == PURPOSE_ENTRY || engine->orders[i].purpose == PURPOSE_ADD_ON) return true;
  }
  return engine->open_plans > 0;
}

/* ---- about the session ---- */

static bool is_session_there(const struct engine *engine, const struct operation *operation) {
  enum session_state state = (enum session_state)engine->session.session_state;
  switch (operation->command) {
    case COMMAND_START:
    case COMMAND_RETRY:
      return state != SESSION_STARTING;
    case COMMAND_STOP:
      return state == SESSION_STOPPED || state == SESSION_EMERGENCY;
    case COMMAND_PAUSE:
      return state != SESSION_RUNNING && !operation_has_live_entry(engine);
    case COMMAND_TIME_STOP:
      return !operation_has_live_entry(engine);
    case COMMAND_PANIC_EXIT:
      return state != SESSION_FLATTENING && operation_is_flat(engine);
    case COMMAND_KILL_SWITCH:
      return engine_is_latched(engine) && operation_is_flat(engine);
    case COMMAND_EMERGENCY_STOP:
      return engine_is_latched(engine) && !operation_has_live_entry(engine);
    case COMMAND_SCAN_NOW:
      return !engine->scan_requested;
    default:
      return true;
  }
}

static void settle_session(struct engine *engine, struct operation *operation) {
  if (!is_session_there(engine, operation)) return;
  close_operation(engine, operation);
  enum session_state state = (enum session_state)engine->session.session_state;
  bool is_start = operation->command == COMMAND_START || operation->command == COMMAND_RETRY;
  bool was_overtaken = is_start && (state == SESSION_FLATTENING || state == SESSION_EMERGENCY); /* by a kill: it never ran */
  bool has_failed = is_start && (state == SESSION_ERROR || was_overtaken);
  char message[128];
  struct text text;
  text_init(&text, message, sizeof message);
  text_add(&text, "session ");
  text_add_id(&text, 'S', 6, engine->session.session_id);
  text_add(&text, " is ");
  text_add(&text, session_state_names[engine->session.session_state]);
  operation_reply(engine, &operation->reply, has_failed ? COMMAND_FAILED : COMMAND_DONE, has_failed ? "check_failed" : "", message);
}

/* ---- about positions and orders ---- */

/* The stop that rests is the one that is wanted, for the whole quantity. */
static enum outcome outcome_of_stop(struct engine *engine, const struct holding *holding) {
  if (holding == NULL) return OUTCOME_FAILED;
  const struct position *position = &holding->position;
  const struct order *order = orders_find(engine, holding->stop_order);
  if (order == NULL || order_is_ended(order) || order->state == ORDER_SENT || order->state == ORDER_UNKNOWN) return OUTCOME_OPEN;
  return order->trigger_price == position->stop && order_remaining(order) == position->qty ? OUTCOME_DONE : OUTCOME_OPEN;
}

static enum outcome outcome_of_targets(struct engine *engine, const struct holding *holding) {
  if (holding == NULL || (holding->exit_active && !holding->is_partial_close)) return OUTCOME_FAILED;
  return ladder_outcome(engine, holding);
}

/* No position that was open when the command came is left of that side. */
static enum outcome outcome_of_close_all(const struct engine *engine, const struct operation *operation) {
  for (int32_t i = 0; i < ENGINE_HOLDINGS_MAX; i++) {
    const struct position *position = &engine->holdings[i].position;
    bool is_of_side = operation->scope == CLOSE_ALL_SIDES || (operation->scope == CLOSE_LONGS) == (position->side == SIDE_LONG);
    if (engine->holdings[i].is_used && is_of_side && position->position_id <= operation->position_id) return OUTCOME_OPEN;
  }
  return OUTCOME_DONE;
}

/* No order that lived when the command came is left of those purposes. */
static enum outcome outcome_of_cancel_all(const struct engine *engine, const struct operation *operation) {
  for (int32_t i = orders_next(engine, 0); i >= 0; i = orders_next(engine, i + 1)) {
    const struct order *order = &engine->orders[i];
    bool is_target = order->purpose == PURPOSE_TARGET;
    bool is_entry = order->purpose == PURPOSE_ENTRY || order->purpose == PURPOSE_ADD_ON;
    bool is_meant = (is_target && operation->scope != CANCEL_ENTRIES) || (is_entry && operation->scope != CANCEL_TARGETS);
    if (is_meant && order->created_at <= operation->reply.ts) return OUTCOME_OPEN;
  }
  return OUTCOME_DONE;
}

static enum outcome outcome_of_cancel(struct engine *engine, const struct operation *operation) {
  const struct order *order = orders_find(engine, operation->order_id);
  return order == NULL || order_is_ended(order) ? OUTCOME_DONE : OUTCOME_OPEN;
}

static enum outcome outcome_of(struct engine *engine, const struct operation *operation) {
  const struct holding *holding = manage_find(engine, operation->position_id);
  switch (operation->command) {
    case COMMAND_CLOSE_POSITION:
      return holding == NULL || !holding->exit_active ? OUTCOME_DONE : OUTCOME_OPEN;
    case COMMAND_MOVE_STOP:
    case COMMAND_ADOPT:
      return outcome_of_stop(engine, holding);
    case COMMAND_SET_TARGETS:
      return outcome_of_targets(engine, holding);
    case COMMAND_CLOSE_ALL:
      return outcome_of_close_all(engine, operation);
    case COMMAND_CANCEL_ALL:
      return outcome_of_cancel_all(engine, operation);
    case COMMAND_CANCEL_ORDER:
      return outcome_of_cancel(engine, operation);
    default:
      return OUTCOME_DONE;
  }
}

static const char *failure_of(struct engine *engine, const struct operation *operation, const char **code) {
  const struct holding *holding = manage_find(engine, operation->position_id);
  *code = "in_use";
  if (holding == NULL) return "the position was closed meanwhile";
  if (holding->exit_active) return "the position is being closed";
  *code = "venue_error";
  return "the venue refused a target: the ladder shows what rests there";
}

static const char *const done_messages[command_count] = {
    [COMMAND_CLOSE_POSITION] = "closed",
    [COMMAND_MOVE_STOP] = "the stop rests at the venue",
    [COMMAND_CANCEL_ORDER] = "the order has ended",
    [COMMAND_SET_TARGETS] = "the targets rest at the venue",
    [COMMAND_CLOSE_ALL] = "the positions are closed",
    [COMMAND_CANCEL_ALL] = "the orders have ended",
    [COMMAND_RECORD_FLOW] = "recorded",
    [COMMAND_ADOPT] = "the position is guarded: its stop rests at the venue",
};

void operation_settle(struct engine *engine, struct operation *operation) {
  if (operation->command < COMMAND_CLOSE_POSITION) {
    settle_session(engine, operation);
    return;
  }
  enum outcome outcome = outcome_of(engine, operation);
  if (outcome == OUTCOME_OPEN) return;
  if (outcome == OUTCOME_FAILED) {
    const char *code;
    const char *why = failure_of(engine, operation, &code);
    operation_fail(engine, operation, code, why);
    return;
  }
  close_operation(engine, operation);
  operation_reply(engine, &operation->reply, COMMAND_DONE, "", done_messages[operation->command]);
}

/* ---- how far ---- */

enum { STEPS_MAX = OPERATION_STEPS_MAX };

static const struct {
  enum command command;
  const char *names[STEPS_MAX];
} step_table[] = {
    {COMMAND_START, {"account_read", "data_warm", "running"}},
    {COMMAND_RETRY, {"account_read", "data_warm", "running"}},
    {COMMAND_STOP, {"entries_cancelled", "stopped"}},
    {COMMAND_PAUSE, {"paused", "entries_cancelled"}},
    {COMMAND_TIME_STOP, {"draining", "entries_cancelled"}},
    {COMMAND_PANIC_EXIT, {"entries_cancelled", "positions_closed", "orders_ended"}},
    {COMMAND_KILL_SWITCH, {"latched", "entries_cancelled", "positions_closed", "orders_ended"}},
    {COMMAND_EMERGENCY_STOP, {"latched", "entries_cancelled"}},
    {COMMAND_SCAN_NOW, {"scanned"}},
    {COMMAND_CLOSE_POSITION, {"closed"}},
    {COMMAND_MOVE_STOP, {"stop_replaced"}},
    {COMMAND_CANCEL_ORDER, {"order_ended"}},
    {COMMAND_SET_TARGETS, {"targets_rest"}},
    {COMMAND_CLOSE_ALL, {"positions_closed"}},
    {COMMAND_CANCEL_ALL, {"orders_ended"}},
    {COMMAND_ADOPT, {"stop_rests"}},
};

int operation_steps(enum command command, const char *names[OPERATION_STEPS_MAX]) {
  for (size_t i = 0; i < sizeof step_table / sizeof step_table[0]; i++) {
    if (step_table[i].command != command) continue;
    int count = 0;
    while (count < STEPS_MAX && step_table[i].names[count] != NULL) {
      names[count] = step_table[i].names[count];
      ++count;
    }
    return count;
  }
  names[0] = "done";
  return 1;
}

static bool is_step_done(const struct engine *engine, const char *name) {
  enum session_state state = (enum session_state)engine->session.session_state;
  if (strcmp(name, "account_read") == 0) return engine->account_is_known && !engine->reconcile.is_active;
  if (strcmp(name, "data_warm") == 0) return engine_is_warm(engine);
  if (strcmp(name, "entries_cancelled") == 0) return !operation_has_live_entry(engine);
  if (strcmp(name, "positions_closed") == 0) return engine->open_holdings == 0;
  if (strcmp(name, "orders_ended") == 0) return engine->live_orders == 0;
  if (strcmp(name, "latched") == 0) return engine_is_latched(engine);
  if (strcmp(name, "paused") == 0) return state == SESSION_PAUSED;
  if (strcmp(name, "draining") == 0) return state == SESSION_DRAINING || state == SESSION_STOPPED;
  return false; /* the last one: known by the end of the operation */
}

uint32_t engine_operation_done(const struct engine *engine, int64_t operation_id) {
  const char *names[OPERATION_STEPS_MAX];
  uint32_t done = 0;
  for (int32_t i = 0; i < ENGINE_OPERATIONS_MAX; i++) {
    const struct operation *operation = &engine->operations[i];
    if (!operation->is_open || operation->id != operation_id) continue;
    int count = operation_steps(operation->command, names);
    bool is_single = count == 1 && operation->command >= COMMAND_CLOSE_POSITION;
    for (int k = 0; k < count && !is_single; k++) done |= is_step_done(engine, names[k]) ? 1u << k : 0;
  }
  return done;
}
