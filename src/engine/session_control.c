/* Commands and the life of the session (engine 2, 5). A command acts, and its operation is done when the session has what the command promised. */
#include <math.h>
#include <string.h>

#include "base/check.h"
#include "core/analysis/indicators.h"
#include "engine/engine_state.h"

/* ---- moving ---- */

/* An emergency before the first session is a state, but no session. */
static void emit_session(struct engine *engine) {
  if (engine->session.session_id == 0) return;
  engine_emit_record(engine, RECORD_SESSION, &engine->session);
}

static void session_id_text(const struct engine *engine, char out[16]) {
  struct text text;
  text_init(&text, out, 16);
  text_add_id(&text, 'S', 6, engine->session.session_id);
}

void session_move(struct engine *engine, enum session_trigger trigger, const char *reason) {
  char id[16];
  session_id_text(engine, id);
  engine_update_word(engine);
  int next = engine_next_state(engine, &session_fsm, id, engine->session.session_state, (int)trigger);
  if (next < 0) return;
  engine_emit_transition(engine, MACHINE_SESSION, id, session_state_names[engine->session.session_state], session_state_names[next],
                         session_trigger_names[trigger], reason, 0);
  engine->session.session_state = next;
  bool has_ended = next == SESSION_STOPPED || next == SESSION_EMERGENCY;
  if (has_ended && engine->session.ended_at == 0) {
    engine->session.ended_at = engine->now;
    text_copy(engine->session.end_reason, sizeof engine->session.end_reason, reason);
  }
  emit_session(engine);
  engine_update_word(engine);
}

/* The word of a new process begins at idle, whatever the old one showed last. */
void session_restart(struct engine *engine, const char *cause) {
  if (!engine_is_latched(engine)) {
    engine_emit_transition(engine, MACHINE_VIEW, "view", engine_word_names[engine->word], engine_word_names[WORD_IDLE], "restart", cause, 0);
    engine->previous_word = engine->word;
    engine->word = WORD_IDLE;
  }
  char id[16];
  session_id_text(engine, id);
  int next = engine_next_state(engine, &session_fsm, id, engine->session.session_state, SESSION_ON_RESTARTED);
  if (next < 0) return;
  engine_emit_transition(engine, MACHINE_SESSION, id, session_state_names[engine->session.session_state], session_state_names[next],
                         session_trigger_names[SESSION_ON_RESTARTED], cause, 0);
  engine->session.session_state = next;
  emit_session(engine);
  engine_update_word(engine);
}

static void set_latch(struct engine *engine, const char *name, enum risk_cause cause, const char *reason, double value, double threshold) {
  struct latch *latch = &engine->risk.kill;
  if (latch->since_at == 0) *latch = (struct latch){.cause = (int32_t)cause, .value = value, .threshold = threshold, .since_at = engine->now};
  text_copy(latch->name, sizeof latch->name, name);
  text_copy(latch->reason, sizeof latch->reason, reason);
  struct risk_record record = {
      .ts = engine->now, .ledger_count = 1, .ledger = {engine->ledger}, .latches_count = 1, .latches = {*latch}, .is_halved = engine->risk.is_halved};
  engine_emit_record(engine, RECORD_RISK, &record);
  engine_raise(engine, name, SEVERITY_CRITICAL, "session", value, threshold, reason);
}

bool session_is_flattened(const struct engine *engine) {
  enum session_state state = (enum session_state)engine->session.session_state;
  bool has_ended = state == SESSION_STOPPED || state == SESSION_EMERGENCY;
  return state == SESSION_FLATTENING || (has_ended && engine->flatten_started_at > engine->session.started_at);
}

static void begin_flattening(struct engine *engine, enum reason_code reason, const char *detail) {
  engine->flatten_started_at = engine->now;
  engine->flatten_reason = reason;
  engine->flatten_reported = false;
  enter_stop_all(engine, PLAN_CANCELLED);
  candidate_end_all(engine, "flattening");
  manage_close_all(engine, reason, detail);
  if (engine->whole_account) reconcile_again(engine); /* what else is there to close */
}

void session_fatal(struct engine *engine, const char *reason) {
  enum session_state state = (enum session_state)engine->session.session_state;
  if (state != SESSION_RUNNING && state != SESSION_PAUSED && state != SESSION_DRAINING && state != SESSION_STOPPING) return;
  engine->resume_state = state;
  enter_stop_all(engine, PLAN_CANCELLED);
  session_move(engine, SESSION_ON_FATAL, reason);
  candidate_end_all(engine, reason);
  engine_raise(engine, "engine_error", SEVERITY_CRITICAL, "session", NAN, NAN, reason);
}

void session_pause(struct engine *engine, const char *reason) {
  enter_stop_all(engine, PLAN_CANCELLED);
  session_move(engine, SESSION_ON_PAUSE, reason);
}

void session_queue_kill(struct engine *engine, enum risk_cause cause) {
  if (engine->queued_count == ENGINE_COMMANDS_MAX) return;
  struct event_command *command = &engine->queued[engine->queued_count++];
  *command = (struct event_command){
      .command = COMMAND_KILL_SWITCH, .operation_id = ++engine->counters.operation, .source = SOURCE_ENGINE, .cause = (int32_t)cause};
  text_copy(command->user, sizeof command->user, "engine");
  text_copy(command->reason, sizeof command->reason, risk_cause_names[cause]);
}

/* ---- the commands ---- */

static void do_start(struct engine *engine, const struct event_command *command) {
  engine->counters.session += 1;
  struct session_record *session = &engine->session;
  int32_t state = session->session_state;
  struct session_record fresh = {.session_id = engine->counters.session, .mode = command->mode, .session_state = state, .started_at = engine->now};
  memcpy(fresh.preset, engine->preset.name, sizeof fresh.preset);
  memcpy(fresh.preset_hash, engine->preset_hash, sizeof fresh.preset_hash);
  text_copy(fresh.venue, sizeof fresh.venue, engine->config.venue);
  text_copy(fresh.feed, sizeof fresh.feed, engine->config.feed);
  *session = fresh;
  engine->resume_state = SESSION_RUNNING;
  engine->is_guarded_start = false;
  engine->starting_at = engine->now;
  session_move(engine, SESSION_ON_START, "command start");
  reconcile_begin(engine, "start");
}

static void do_stop(struct engine *engine, const struct event_command *command) {
  if (command->close_positions) {
    engine->whole_account = false;
    session_move(engine, SESSION_ON_FLATTEN, "command stop");
    begin_flattening(engine, REASON_stop_command, "stop");
    return;
  }
  enter_stop_all(engine, PLAN_CANCELLED);
  candidate_end_all(engine, "session stopping");
  session_move(engine, SESSION_ON_STOP_KEEP, "command stop");
}

static void do_kill(struct engine *engine, const struct event_command *command) {
  enum risk_cause cause = command->cause == RISK_CAUSE_NONE ? RISK_CAUSE_OPERATOR : (enum risk_cause)command->cause;
  double value = NAN;
  double threshold = NAN;
  if (cause == RISK_CAUSE_DRAWDOWN || cause == RISK_CAUSE_DAY_LOSS) {
    value = cause == RISK_CAUSE_DRAWDOWN ? ledger_drawdown(&engine->ledger) : ledger_day_loss(&engine->ledger);
    threshold = engine->preset.risk.kill_switch_loss_limit;
  } else if (cause == RISK_CAUSE_CONSECUTIVE_LOSSES) {
    value = engine->ledger.consecutive_losses;
    threshold = engine->preset.risk.max_consecutive_losses;
  }
  bool was_latched = engine_is_latched(engine) && engine->session.session_state == SESSION_EMERGENCY;
  if (!was_latched) set_latch(engine, "kill_switch", cause, command->reason[0] != '\0' ? command->reason : risk_cause_names[cause], value, threshold);
  engine->whole_account = command->whole_account;
  bool nothing_open = operation_is_flat(engine) && engine->open_plans == 0 && !engine->whole_account;
  session_move(engine, nothing_open ? SESSION_ON_KILL_FLAT : SESSION_ON_KILL_OPEN, risk_cause_names[cause]);
  begin_flattening(engine, REASON_kill_switch, risk_cause_names[cause]);
}

static void do_emergency_stop(struct engine *engine, const struct event_command *command) {
  set_latch(engine, "emergency_stop", RISK_CAUSE_OPERATOR, command->reason[0] != '\0' ? command->reason : "emergency stop", NAN, NAN);
  enter_stop_all(engine, PLAN_CANCELLED);
  candidate_end_all(engine, "emergency");
  session_move(engine, SESSION_ON_EMERGENCY_STOP, "command emergency_stop");
}

static void do_reset(struct engine *engine, const struct event_command *command) {
  bool was_drawdown = engine->risk.kill.cause == RISK_CAUSE_DRAWDOWN;
  session_move(engine, SESSION_ON_RESET, command->reason);
  if (engine->risk.kill.since_at == 0) return;
  char name[24];
  text_copy(name, sizeof name, engine->risk.kill.name);
  engine->risk.kill = (struct latch){0};
  engine->risk_ledger = (struct ledger){0}; /* the limits look again */
  engine->ledger.consecutive_losses = 0;
  if (was_drawdown) engine->ledger.high_water_mark_usd = engine->ledger.equity_usd;
  engine_clear(engine, name, "session");
  struct risk_record record = {.ts = engine->now, .ledger_count = 1, .ledger = {engine->ledger}, .is_halved = engine->risk.is_halved};
  engine_emit_record(engine, RECORD_RISK, &record);
  engine_update_word(engine);
}

/* What the program itself does has its reason from there. */
static const char *reason_of(const struct event_command *command, const char *ordinary) {
  return command->source == SOURCE_ENGINE && command->reason[0] != '\0' ? command->reason : ordinary;
}

static void act(struct engine *engine, struct operation *operation, const struct event_command *command) {
  if (trade_command_act(engine, operation, command)) return;
  switch ((enum command)command->command) {
    case COMMAND_START:
    case COMMAND_RETRY:
      if (command->command == COMMAND_START) {
        do_start(engine, command);
      } else {
        engine_clear(engine, "engine_error", "session");
        engine->starting_at = engine->now;
        session_move(engine, SESSION_ON_RETRY, "command retry");
        reconcile_begin(engine, "retry");
      }
      return;
    case COMMAND_STOP:
      do_stop(engine, command);
      return;
    case COMMAND_PAUSE:
      session_pause(engine, reason_of(command, "command pause"));
      return;
    case COMMAND_RESUME:
      session_move(engine, SESSION_ON_RESUME, reason_of(command, "command resume"));
      return;
    case COMMAND_TIME_STOP:
      enter_stop_all(engine, PLAN_CANCELLED);
      candidate_end_all(engine, "session draining");
      session_move(engine, SESSION_ON_TIME_STOP, "command time_stop");
      return;
    case COMMAND_PANIC_EXIT:
      engine->whole_account = command->whole_account;
      session_move(engine, SESSION_ON_FLATTEN, "command panic_exit");
      begin_flattening(engine, REASON_panic_exit, "panic_exit");
      return;
    case COMMAND_KILL_SWITCH:
      do_kill(engine, command);
      return;
    case COMMAND_EMERGENCY_STOP:
      do_emergency_stop(engine, command);
      return;
    case COMMAND_RESET:
      do_reset(engine, command);
      return;
    case COMMAND_RELOAD:
      return; /* the preset event that carries the new content came before this command */
    case COMMAND_SCAN_NOW:
      engine->scan_requested = true;
      return;
    default:
      check(false); /* unknown command */
  }
}

/* Why a command that is legal by state cannot run; NULL when it can. */
static const char *refusal(const struct engine *engine, const struct event_command *command, const char **code) {
  *code = "validation_failed";
  if (command->command == COMMAND_START && !engine->has_preset) return "no preset is in force";
  if (command->command == COMMAND_RESUME && operation_has_live_entry(engine)) return "an entry order is not resolved yet";
  if (command->command == COMMAND_RESET && engine->risk.kill.cause == RISK_CAUSE_DRAWDOWN && !command->acknowledge_drawdown) {
    return "the drawdown must be acknowledged: the high-water mark is set to the present equity";
  }
  if (command->command == COMMAND_SCAN_NOW && engine->scan_requested_at != 0 && engine->now - engine->scan_requested_at < 5000)
    return "at most one scan in 5 s";
  return NULL;
}

/* Repeated while it runs it is the same operation; commands about one position or order may run beside each other. */
static bool is_account_wide(enum command command) {
  return command < COMMAND_CLOSE_POSITION;
}

void session_on_command(struct engine *engine, const struct event_command *command) {
  if (command->operation_id > engine->counters.operation) engine->counters.operation = command->operation_id;
  for (int32_t i = 0; i < ENGINE_OPERATIONS_MAX; i++) {
    struct operation *open = &engine->operations[i];
    bool flattens = command->command == COMMAND_KILL_SWITCH || command->command == COMMAND_PANIC_EXIT;
    if (flattens && engine->session.session_state != SESSION_FLATTENING) continue; /* an emergency stop came between: it must run again */
    if (open->is_open && open->command == (enum command)command->command && is_account_wide(open->command)) {
      operation_reply(engine, &open->reply, COMMAND_IN_PROGRESS, "", "already running");
      return;
    }
  }
  struct operation *operation = operation_open(engine, command);
  bool is_latched = engine_is_latched(engine);
  if (!command_is_legal((enum command)command->command, (enum session_state)engine->session.session_state, is_latched)) {
    bool waits_for_reset = command->command == COMMAND_START || command->command == COMMAND_RESUME || command->command == COMMAND_RETRY;
    bool is_latch = is_latched && waits_for_reset;
    operation_fail(engine, operation, is_latch ? "emergency_latched" : "illegal_command",
                   is_latch ? "the emergency is latched" : "not legal in this state");
    return;
  }
  const char *code;
  const char *why = refusal(engine, command, &code);
  if (why != NULL) {
    operation_fail(engine, operation, code, why);
    return;
  }
  act(engine, operation, command);
  if (!operation->is_open) return;
  operation_settle(engine, operation);
  if (operation->is_open) operation_reply(engine, &operation->reply, COMMAND_IN_PROGRESS, "", "in progress");
}

/* ---- presets ---- */

static bool levels_differ(const struct preset *a, const struct preset *b) {
  const struct preset_levels_rules *x = &a->levels_rules;
  const struct preset_levels_rules *y = &b->levels_rules;
  bool steps_differ = x->round_step_candidates_count != y->round_step_candidates_count;
  for (int32_t i = 0; i < x->round_step_candidates_count && !steps_differ; i++)
    steps_differ = x->round_step_candidates[i] != y->round_step_candidates[i];
  return steps_differ || a->signal_config.momentum_epsilon != b->signal_config.momentum_epsilon || x->min_touches != y->min_touches ||
         x->prefer_round_numbers != y->prefer_round_numbers || x->cascade_min_levels != y->cascade_min_levels ||
         x->cascade_radius_bps != y->cascade_radius_bps || x->approach_slope_max_pct_per_bar != y->approach_slope_max_pct_per_bar ||
         x->prebreakout_consolidation_min_bars != y->prebreakout_consolidation_min_bars ||
         (a->strategy_priority == STRATEGY_PRIORITY_CHANNEL) != (b->strategy_priority == STRATEGY_PRIORITY_CHANNEL);
}

/* Folds the kept candles again, oldest first (strategy 4). */
void session_refold_levels(struct engine *engine, int32_t symbol) {
  struct engine_symbol *owner = &engine->symbols[symbol];
  owner->inserted_5m = owner->market.inserted_5m;
  level_set_init(&owner->levels);
  if (!engine->has_preset || engine->preset.strategy_priority == STRATEGY_PRIORITY_CHANNEL) return;
  const struct candle_series *series = &owner->market.series[TIMEFRAME_5M];
  if (series->count == 0) return;
  const struct candle *candles = candle_series_last(series, series->count);
  for (int32_t count = 1; count <= series->count; count++) {
    level_set_on_candle(&owner->levels, owner->market.instrument.symbol, candles, count, indicator_atr(candles, count, LEVEL_ATR_LENGTH),
                        &engine->preset, &engine->counters.level, &engine->level_events);
  }
}

void session_on_preset(struct engine *engine, const struct event *event) {
  check(event->preset_value != NULL);
  bool folds_again = !engine->has_preset || levels_differ(&engine->preset, event->preset_value);
  engine->preset = *event->preset_value;
  memcpy(engine->preset_hash, event->preset.hash, sizeof engine->preset_hash);
  engine->has_preset = true;
  engine->risk_ledger = (struct ledger){0}; /* the limits look again */
  exit_settings_from(&engine->preset, &engine->exits);
  for (int32_t i = 0; i < event->preset.flags_count; i++) {
    const struct symbol_flag *flag = &event->preset.flags[i];
    if (flag->symbol < 0 || flag->symbol >= engine->symbol_count) continue;
    engine->symbols[flag->symbol].is_whitelisted = flag->is_whitelisted;
    engine->symbols[flag->symbol].is_blacklisted = flag->is_blacklisted;
  }
  bool uses_venue_fees = engine->config.fees_from_venue && isfinite(engine->venue_taker_bps);
  double taker_bps = uses_venue_fees ? engine->venue_taker_bps : engine->preset.execution_config.taker_fee_bps;
  double maker_bps = uses_venue_fees ? engine->venue_maker_bps : engine->preset.execution_config.maker_fee_bps;
  engine->fee_taker = taker_bps * 1e-4;
  engine->fee_maker = maker_bps * 1e-4;
  if (!engine->config.fees_from_venue) {
    struct intent intent = {.ts = engine->now, .kind = INTENT_SET_FEES, .set_fees = {.taker_fee_bps = taker_bps, .maker_fee_bps = maker_bps}};
    engine_emit_intent(engine, &intent);
  }
  if (folds_again) {
    for (int32_t i = 0; i < engine->symbol_count; i++) session_refold_levels(engine, i);
  }
  if (engine->session.session_id != 0 && engine->session.ended_at == 0) {
    memcpy(engine->session.preset_hash, engine->preset_hash, sizeof engine->session.preset_hash);
    emit_session(engine);
  }
}

/* ---- readiness and ends ---- */

/* Ready by its own measure, or the deadline for late symbols has passed. */
static bool is_warm_enough(const struct engine *engine) {
  return engine_is_warm(engine) || engine->now - engine->starting_at >= engine->config.market_data_timeout_s * INT64_C(1000);
}

static enum session_trigger ready_trigger(const struct engine *engine) {
  switch (engine->resume_state) {
    case SESSION_PAUSED:
      return SESSION_ON_READY_PAUSED;
    case SESSION_DRAINING:
      return SESSION_ON_READY_DRAINING;
    case SESSION_STOPPING:
      return SESSION_ON_READY_STOPPING;
    case SESSION_FLATTENING:
      return SESSION_ON_READY_FLATTENING;
    case SESSION_ERROR:
      return SESSION_ON_READY_ERROR;
    default:
      return SESSION_ON_READY;
  }
}

static void settle_starting(struct engine *engine) {
  bool is_clock_good = engine->clock_offset_ms <= 1000 && engine->clock_offset_ms >= -1000;
  bool has_entry = engine->open_plans > 0; /* from before a restart: being cancelled, or not yet known to have arrived */
  bool is_ready =
      !engine->reconcile.is_active && !has_entry && engine->account_is_known && is_clock_good && !engine->storage_is_down && is_warm_enough(engine);
  if (!is_ready) {
    if (engine->now - engine->starting_at < STARTING_TIMEOUT_MS) return;
    const char *why = engine->reconcile.is_active ? "reconciliation did not end"
                      : has_entry                 ? "an entry order is not resolved"
                      : !engine->account_is_known ? "the account could not be read"
                      : !is_clock_good            ? "the clock is more than 1 s off"
                                                  : "storage is not available";
    session_move(engine, SESSION_ON_CHECK_FAILED, why);
    return;
  }
  enum session_trigger trigger = ready_trigger(engine);
  engine->is_guarded_start = false;
  engine->resume_state = SESSION_RUNNING;
  session_move(engine, trigger, "ready");
  if (trigger == SESSION_ON_READY || trigger == SESSION_ON_READY_PAUSED) engine->scan_requested = true;
  if (trigger == SESSION_ON_READY_FLATTENING) begin_flattening(engine, engine->flatten_reason, "continued after restart");
}

void session_settle(struct engine *engine) {
  switch ((enum session_state)engine->session.session_state) {
    case SESSION_STARTING:
      settle_starting(engine);
      break;
    case SESSION_DRAINING:
      if (operation_is_flat(engine) && engine->open_plans == 0) session_move(engine, SESSION_ON_ALL_DONE, "drained");
      break;
    case SESSION_STOPPING:
      if (!operation_has_live_entry(engine)) session_move(engine, SESSION_ON_ENTRIES_GONE, "stopped");
      break;
    case SESSION_FLATTENING:
      if (engine->open_holdings > 0)
        manage_close_all(engine, engine->flatten_reason, reason_code_names[engine->flatten_reason]); /* entries that filled while being cancelled */
      if (engine->whole_account && engine->reconcile.is_active) break;                               /* the venue has not yet told what is not ours */
      if (operation_is_flat(engine) && engine->open_plans == 0) {
        engine_clear(engine, "flatten_incomplete", "session");
        session_move(engine, engine_is_latched(engine) ? SESSION_ON_FLAT_LATCHED : SESSION_ON_FLAT, "flat");
      }
      break;
    default:
      break;
  }
  for (int32_t i = 0; i < ENGINE_OPERATIONS_MAX && engine->open_operations > 0; i++) {
    if (engine->operations[i].is_open) operation_settle(engine, &engine->operations[i]);
  }
}

void session_on_tick(struct engine *engine) {
  if (engine->session.session_state == SESSION_FLATTENING && engine->now - engine->flatten_started_at >= FLATTEN_ALARM_MS &&
      !engine->flatten_reported) {
    engine->flatten_reported = true;
    engine_raise(engine, "flatten_incomplete", SEVERITY_CRITICAL, "session", engine->open_holdings, 0,
                 "positions or orders are still open after 30 s");
  }
  if (engine->storage_is_down && engine->now - engine->storage_down_since >= 10000) session_fatal(engine, "storage_unavailable");
  if (engine->reconcile.is_active && !engine->venue_is_down && engine->now - engine->reconcile.started_at >= RECONCILE_TIMEOUT_MS) {
    reconcile_again(engine); /* an answer was lost */
  }
  if (!engine->reconcile.is_active && reconcile_is_due(engine)) reconcile_begin(engine, "interval");
}
