/* The step: one event in, intents and records out. Every event goes through the same order: take it in, advance what waits, settle the session, name
 * the state. */
#include "engine/engine.h"

#include <math.h>
#include <string.h>

#include "base/calendar.h"
#include "base/check.h"
#include "engine/engine_state.h"

/* ---- emission ---- */

const char *const engine_phase_names[] = {"other", "scan", "levels", "signals", "sizing", "execution", "management"};

void engine_at_phase(struct engine *engine, enum engine_phase phase) {
  if (engine->sink->on_phase != NULL) engine->sink->on_phase(engine->sink->context, phase);
}

void engine_emit_record(struct engine *engine, enum record_kind kind, const void *object) {
  if (engine->sink->on_record != NULL) engine->sink->on_record(engine->sink->context, kind, object);
}

void engine_emit_intent(struct engine *engine, const struct intent *intent) {
  if (engine->sink->on_intent != NULL) engine->sink->on_intent(engine->sink->context, intent);
}

void engine_emit_transition(struct engine *engine, enum machine machine, const char *id, const char *from, const char *to, const char *trigger,
                            const char *reason, int64_t trace_ts) {
  struct transition record = {.seq = ++engine->counters.transition, .ts = engine->now, .machine = (int32_t)machine, .trace_ts = trace_ts};
  text_copy(record.id, sizeof record.id, id);
  text_copy(record.from_state, sizeof record.from_state, from);
  text_copy(record.to_state, sizeof record.to_state, to);
  text_copy(record.trigger, sizeof record.trigger, trigger);
  text_copy(record.reason, sizeof record.reason, reason);
  engine_emit_record(engine, RECORD_TRANSITION, &record);
}

int engine_next_state(struct engine *engine, const struct fsm *fsm, const char *id, int state, int trigger) {
  int next = fsm_next(fsm, state, trigger);
  if (next < 0) {
    ++engine->counts.illegal_transitions;
    for (int machine = 0; machine < machine_count; machine++) engine->counts.illegal_of[machine] += strcmp(machine_names[machine], fsm->name) == 0;
    char message[128];
    struct text text;
    text_init(&text, message, sizeof message);
    text_add(&text, fsm->name);
    text_add(&text, " ");
    text_add(&text, id);
    text_add(&text, ": ");
    text_add(&text, fsm->state_names[state]);
    text_add(&text, " has no move on ");
    text_add(&text, fsm->trigger_names[trigger]);
    engine_raise(engine, "illegal_transition", SEVERITY_CRITICAL, id, NAN, NAN, message);
  }
  return next;
}

void engine_decide(struct engine *engine, int32_t symbol, enum stage stage, enum verdict verdict, enum reason_code code, const struct signal *signal,
                   int64_t scan_id, int64_t candle_ts, int64_t trace_ts, const struct reason_list *reasons) {
  struct engine_symbol *owner = &engine->symbols[symbol];
  struct decision *decision = &owner->decisions[stage];
  decision->decision_id = ++engine->counters.decision;
  decision->ts = engine->now;
  memcpy(decision->symbol, owner->market.instrument.symbol, sizeof decision->symbol);
  decision->stage = (int32_t)stage;
  decision->verdict = (int32_t)verdict;
  decision->code = (int32_t)code;
  decision->strategy = signal != NULL ? signal->strategy : -1;
  decision->side = signal != NULL ? signal->side : -1;
  decision->level_id = signal != NULL ? signal->level_id : 0;
  decision->scan_id = scan_id;
  decision->candle_ts = candle_ts;
  decision->trace_ts = trace_ts;
  decision->reasons_count = reasons != NULL ? reasons->count : 0;
  if (reasons != NULL) memcpy(decision->reasons, reasons->items, (size_t)reasons->count * sizeof reasons->items[0]);
  engine_emit_record(engine, RECORD_DECISION, decision);
}

/* ---- small facts ---- */

bool engine_is_latched(const struct engine *engine) {
  return engine->risk.kill.since_at != 0;
}

bool engine_manages_fully(const struct engine *engine) {
  switch ((enum session_state)engine->session.session_state) {
    case SESSION_RUNNING:
    case SESSION_PAUSED:
    case SESSION_DRAINING:
    case SESSION_STOPPING:
      return true;
    case SESSION_ERROR:
      return !engine->venue_is_down && !engine->feed_is_down;
    default:
      return false;
  }
}

bool engine_has_capability(const struct engine *engine, int32_t symbol, uint32_t capability) {
  return (engine->symbols[symbol].market.capabilities & capability) != 0;
}

void engine_read_setup(struct engine *engine, int32_t symbol) {
  struct engine_symbol *owner = &engine->symbols[symbol];
  const struct market *reference = engine->reference >= 0 ? &engine->symbols[engine->reference].market : NULL;
  market_view_refresh(&owner->market, reference);
  market_view_read(&owner->market, reference, engine->now, &engine->view);
  const struct candle_series *series = &owner->market.series[TIMEFRAME_5M];
  engine->setup = (struct setup){
      .ts = engine->now,
      .preset = &engine->preset,
      .market = &owner->market,
      .view = &engine->view,
      .candles = series->count > 0 ? candle_series_last(series, series->count) : NULL,
      .count = series->count,
      .levels = &owner->levels,
      .level_events = &engine->level_events,
      .density = engine_has_capability(engine, symbol, CAPABILITY_BOOK) ? &owner->density : NULL,
      .activity = engine_has_capability(engine, symbol, CAPABILITY_TRADES) ? &owner->activity : NULL,
      .score = owner->candidate.score,
  };
}

/* ---- money ---- */

static int64_t sum_unrealised(const struct engine *engine) {
  int64_t sum = 0;
  int32_t left = engine->open_holdings;
  for (int32_t i = 0; i < ENGINE_HOLDINGS_MAX && left > 0; i++) {
    const struct holding *holding = &engine->holdings[i];
    if (!holding->is_used) continue;
    if (holding->position.pnl_unrealised_usd != DECIMAL_NULL) sum += holding->position.pnl_unrealised_usd;
    --left;
  }
  return sum;
}

static void emit_equity(struct engine *engine) {
  struct equity record = {
      .ts = engine->now,
      .equity_usd = engine->ledger.equity_usd,
      .cash_usd = engine->ledger.cash_usd,
      .unrealised_usd = engine->ledger.unrealised_usd,
      .drawdown = ledger_drawdown(&engine->ledger),
      .cumulative_r = engine->cumulative_r,
      .positions = engine->open_holdings,
  };
  int32_t left = engine->open_holdings;
  for (int32_t i = 0; i < ENGINE_HOLDINGS_MAX && left > 0; i++) {
    const struct holding *holding = &engine->holdings[i];
    if (!holding->is_used) continue;
    if (holding->position.notional_usd != DECIMAL_NULL) record.notional_usd += holding->position.notional_usd;
    --left;
  }
  engine_emit_record(engine, RECORD_EQUITY, &record);
}

static void emit_risk(struct engine *engine) {
  struct risk_record record = {.ts = engine->now, .ledger_count = 1, .ledger = {engine->ledger}, .is_halved = engine->risk.is_halved};
  if (engine->risk.day.since_at != 0) record.latches[record.latches_count++] = engine->risk.day;
  if (engine->risk.kill.since_at != 0) record.latches[record.latches_count++] = engine->risk.kill;
  engine_emit_record(engine, RECORD_RISK, &record);
}

static void apply_risk_actions(struct engine *engine, uint32_t actions, enum risk_cause cause) {
  if (actions == RISK_ACTION_NONE) return; /* nearly every minute */
  double day_loss = ledger_day_loss(&engine->ledger);
  if (actions & RISK_ACTION_HALVED) {
    engine_raise(engine, "risk_halved", SEVERITY_WARNING, "account", day_loss, engine->preset.risk.daily_risk_limit,
                 "new plans are sized at half the risk");
  }
  if (actions & RISK_ACTION_UNHALVED) engine_clear(engine, "risk_halved", "account");
  if (actions & RISK_ACTION_WARNING) {
    engine_raise(engine, "drawdown_warning", SEVERITY_WARNING, "account", ledger_drawdown(&engine->ledger),
                 engine->preset.risk.kill_switch_loss_limit, "loss is above 60 % of the kill switch limit");
  }
  if (actions & RISK_ACTION_DAY_LATCH) {
    engine_raise(engine, "day_limit", SEVERITY_CRITICAL, "account", day_loss, engine->preset.risk.daily_risk_limit,
                 "day loss limit: no new entries until 00:00 UTC");
    enter_stop_all(engine, PLAN_CANCELLED);
  }
  if (actions & RISK_ACTION_DAY_OVER) engine_clear(engine, "day_limit", "account");
  if (actions & RISK_ACTION_KILL) session_queue_kill(engine, cause);
  emit_risk(engine);
}

static void check_ledger(struct engine *engine) {
  int64_t residual = ledger_residual(&engine->ledger);
  if (residual <= DECIMAL_ONE / 100 && residual >= -DECIMAL_ONE / 100) return;
  ++engine->counts.ledger_breaks;
  engine_raise(engine, "ledger_residual", SEVERITY_CRITICAL, "account", decimal_to_double(residual), 0.01, "cash + unrealised differs from equity");
}

/* The limits have seen this very ledger at this instant: a candle's mark comes before that of its tick, and a second look finds nothing to do. */
static bool is_judged(const struct engine *engine) {
  return engine->risk_at == engine->now && memcmp(&engine->risk_ledger, &engine->ledger, sizeof engine->ledger) == 0;
}

void engine_mark(struct engine *engine, bool emit) {
  if (!engine->has_ledger) return;
  int64_t day_before = engine->ledger.day;
  ledger_on_mark(&engine->ledger, sum_unrealised(engine), engine->now);
  bool new_day = engine->ledger.day != day_before;
  engine->marked_at = engine->now;
  check_ledger(engine);
  if (emit) emit_equity(engine);
  if (!engine->has_preset || (!emit && !new_day && engine->now - engine->risk_at < RISK_INTERVAL_MS)) return;
  if (is_judged(engine)) return;
  engine->risk_at = engine->now;
  engine->risk_ledger = engine->ledger;
  enum risk_cause cause = RISK_CAUSE_NONE;
  uint32_t actions = risk_evaluate(&engine->risk, &engine->ledger, &engine->preset, engine->now, &cause);
  apply_risk_actions(engine, actions, cause);
  if (new_day) emit_risk(engine);
}

/* ---- the derived word ---- */

static bool has_entry_at_work(const struct engine *engine) {
  for (int32_t i = 0; i < ENGINE_PLANS_MAX; i++) {
    const struct plan *plan = &engine->plans[i];
    if (plan->is_open && plan->intent == PLAN_ENTRY) return true;
  }
  return false;
}

static enum engine_word derive_word(const struct engine *engine) {
  if (engine_is_latched(engine)) return WORD_EMERGENCY;
  switch ((enum session_state)engine->session.session_state) {
    case SESSION_IDLE:
      return WORD_IDLE;
    case SESSION_STARTING:
      return WORD_INITIALIZING;
    case SESSION_ERROR:
      return WORD_ERROR;
    case SESSION_PAUSED:
      return WORD_PAUSED;
    case SESSION_STOPPED:
      return WORD_STOPPED;
    default:
      break;
  }
  /* A session that ends only waits for what became of an entry: nothing begins to be executed. */
  bool is_ending = engine->session.session_state == SESSION_DRAINING || engine->session.session_state == SESSION_STOPPING ||
                   engine->session.session_state == SESSION_FLATTENING;
  if (engine->open_plans > 0 && has_entry_at_work(engine)) return is_ending && engine->word != WORD_EXECUTION ? WORD_MANAGING : WORD_EXECUTION;
  if (engine->is_sizing) return WORD_SIZING;
  if (engine->signal_count > 0 || engine->candidates_in[CANDIDATE_SIGNALLED] > 0 || engine->is_returning) return WORD_SIGNAL_WAIT;
  if (engine->open_holdings > 0 || is_ending) return WORD_MANAGING;
  if (engine->is_leveling) return WORD_LEVEL_BUILDING;
  if (engine->is_scanning) return WORD_SCANNING;
  if (engine->candidates_in[CANDIDATE_WATCHING] > 0) return WORD_SIGNAL_WAIT;
  return WORD_SCANNING;
}

void engine_update_word(struct engine *engine) {
  enum engine_word word = derive_word(engine);
  if (word == engine->word) return;
  if (!engine_word_may_follow(engine->word, word)) {
    ++engine->counts.illegal_transitions;
    char message[64];
    struct text text;
    text_init(&text, message, sizeof message);
    text_add(&text, engine_word_names[engine->word]);
    text_add(&text, " has no move to ");
    text_add(&text, engine_word_names[word]);
    engine_raise(engine, "illegal_transition", SEVERITY_CRITICAL, "view", NAN, NAN, message);
  }
  engine_emit_transition(engine, MACHINE_VIEW, "view", engine_word_names[engine->word], engine_word_names[word], "derived", "", 0);
  engine->previous_word = engine->word;
  engine->word = word;
  engine->word_since = engine->now;
}

/* ---- events about symbols ---- */

static struct engine_symbol *symbol_of(struct engine *engine, int32_t symbol) {
  check(symbol >= 0 && symbol < engine->limits.symbols);
  return &engine->symbols[symbol];
}

static void insert_in_order(struct engine *engine, int32_t symbol) {
  const char *name = engine->symbols[symbol].market.instrument.symbol;
  int32_t place = engine->symbol_count;
  while (place > 0 && strcmp(engine->symbols[engine->order[place - 1]].market.instrument.symbol, name) > 0) {
    engine->order[place] = engine->order[place - 1];
    --place;
  }
  engine->order[place] = symbol;
  if (symbol >= engine->symbol_count) engine->symbol_count = symbol + 1;
}

static void on_instrument(struct engine *engine, const struct event_instrument *event) {
  struct engine_symbol *owner = symbol_of(engine, event->symbol);
  bool is_new = !owner->is_known;
  check(event->instrument_count == 1 && (!is_new || event->symbol == engine->symbol_count));
  owner->market.instrument = event->instrument[0];
  owner->market.instrument_at = engine->now;
  owner->market.is_reference = event->is_reference;
  if (event->is_reference) engine->reference = event->symbol;
  if (!is_new) return;
  owner->is_known = true;
  owner->is_whitelisted = event->is_whitelisted; /* afterwards the preset's lists rule */
  owner->is_blacklisted = event->is_blacklisted;
  owner->holding = -1;
  owner->plan = -1;
  insert_in_order(engine, event->symbol);
}

static void on_capability(struct engine *engine, const struct event_capability *event) {
  struct engine_symbol *owner = symbol_of(engine, event->symbol);
  owner->market.capabilities = (uint32_t)event->capabilities;
  engine->capabilities |= (uint32_t)event->capabilities;
}

static void emit_level_events(struct engine *engine) {
  for (int32_t i = 0; i < engine->level_events.count; i++) {
    const struct level_event *event = &engine->level_events.items[i];
    struct level_change change = {.ts = event->ts, .level_count = 1, .level = {event->level}};
    text_copy(change.from_state, sizeof change.from_state, event->from >= 0 ? level_state_names[event->from] : "");
    text_copy(change.reason, sizeof change.reason, event->reason);
    engine_emit_record(engine, RECORD_LEVEL, &change);
  }
}

static void fold_levels(struct engine *engine, int32_t symbol) {
  struct engine_symbol *owner = &engine->symbols[symbol];
  const struct candle_series *series = &owner->market.series[TIMEFRAME_5M];
  int32_t count = series->count;
  market_atr_refresh(&owner->market);
  level_set_on_candle(&owner->levels, owner->market.instrument.symbol, candle_series_last(series, count), count, market_atr_5m(&owner->market),
                      &engine->preset, &engine->counters.level, &engine->level_events);
  emit_level_events(engine);
}

static bool uses_levels(const struct engine *engine) {
  return engine->has_preset && engine->preset.strategy_priority != STRATEGY_PRIORITY_CHANNEL;
}

static void on_candle(struct engine *engine, const struct event_candle *event) {
  struct engine_symbol *owner = symbol_of(engine, event->symbol);
  struct candle candle = {event->open_ts, event->open, event->high, event->low, event->close, event->volume, event->turnover};
  uint32_t closed = market_on_candle(&owner->market, &candle);
  if (owner->market.inserted_5m != owner->inserted_5m) session_refold_levels(engine, event->symbol);
  if (closed == 0) {
    ++engine->counts.feed_dropped;
    return;
  }
  engine->level_events.count = 0;
  if ((closed & (1u << TIMEFRAME_5M)) && uses_levels(engine)) {
    engine_at_phase(engine, PHASE_LEVELS);
    fold_levels(engine, event->symbol);
    engine_at_phase(engine, PHASE_OTHER);
  }
  if (owner->holding >= 0) {
    engine_at_phase(engine, PHASE_MANAGEMENT);
    manage_on_candle(engine, event->symbol, closed, &candle);
    engine_at_phase(engine, PHASE_OTHER);
  }
  watch_on_candle(engine, event->symbol, closed);
  watch_release(engine);
}

static void on_public_trades(struct engine *engine, const struct event_public_trades *event) {
  struct engine_symbol *owner = symbol_of(engine, event->symbol);
  if (owner->market.flow.known_since == 0) trade_flow_subscribe(&owner->market.flow, engine->now);
  trade_flow_add(&owner->market.flow, event->trades, event->trades_count, engine->now);
  density_on_trades(&owner->density, event->trades, event->trades_count);
}

static void on_book(struct engine *engine, const struct event_book *event) {
  struct engine_symbol *owner = symbol_of(engine, event->symbol);
  struct book_change change = {event->is_snapshot, event->first_seq,  event->last_seq, event->prev_seq,
                               event->bids_count,  event->asks_count, event->bids,     event->asks};
  if (!order_book_apply(&owner->market.book, &change, engine->now)) {
    ++engine->counts.feed_dropped;
    struct intent intent = {.ts = engine->now, .kind = INTENT_SUBSCRIBE, .subscribe = {.symbol = event->symbol}};
    engine_emit_intent(engine, &intent);
  }
}

static void on_ticker(struct engine *engine, const struct event_ticker *event) {
  struct ticker ticker = {engine->now, event->last, event->bid, event->ask, event->mark, event->index, event->turnover_24h, event->change_24h_pct};
  market_on_ticker(&symbol_of(engine, event->symbol)->market, &ticker);
}

/* ---- tape and book work on the second ---- */

static void sample_symbol(struct engine *engine, struct engine_symbol *owner) {
  bool has_tape = (owner->market.capabilities & CAPABILITY_TRADES) != 0;
  if ((owner->market.capabilities & CAPABILITY_BOOK) && engine->has_preset && engine->now - owner->density_at >= 1000) {
    owner->density_at = engine->now;
    int32_t count = density_sample(&owner->density, owner->market.instrument.symbol, &owner->market.book, &engine->preset, has_tape, engine->now,
                                   engine->wall_events);
    for (int32_t i = 0; i < count; i++) engine_emit_record(engine, RECORD_WALL, &engine->wall_events[i].wall);
  }
  if (has_tape && engine->now - owner->activity.sampled_at >= 10000) {
    struct trade_flow_values values;
    trade_flow_read(&owner->market.flow, engine->now, &values);
    activity_sample(&owner->activity, &values, engine->now);
  }
}

static void on_tick(struct engine *engine, const struct event_tick *tick) {
  if (engine->capabilities & (CAPABILITY_BOOK | CAPABILITY_TRADES)) {
    for (int32_t i = 0; i < engine->symbol_count; i++) sample_symbol(engine, &engine->symbols[i]);
  }
  session_on_tick(engine);
  if (engine->live_orders > 0 || engine->open_plans > 0) {
    engine_at_phase(engine, PHASE_EXECUTION);
    if (engine->live_orders > 0) orders_on_tick(engine);
    if (engine->open_plans > 0) enter_advance_all(engine);
    engine_at_phase(engine, PHASE_OTHER);
  }
  if (engine->open_holdings > 0) {
    engine_at_phase(engine, PHASE_MANAGEMENT);
    manage_on_tick(engine);
    engine_at_phase(engine, PHASE_OTHER);
  }
  watch_release(engine);
  engine_mark(engine, tick->is_candle_close);
  scan_on_tick(engine);
}

static void on_storage(struct engine *engine, bool is_available) {
  if (is_available) {
    engine->storage_is_down = false;
    engine_clear(engine, "storage_unavailable", "journal");
    return;
  }
  if (!engine->storage_is_down) engine->storage_down_since = engine->now;
  engine->storage_is_down = true;
  engine_raise(engine, "storage_unavailable", SEVERITY_CRITICAL, "journal", NAN, NAN, "the journal cannot be written: no new entries");
}

static void on_link(struct engine *engine, bool is_venue, enum link_state state) {
  bool is_down = state == LINK_DOWN;
  bool was_down = is_venue ? engine->venue_is_down : engine->feed_is_down;
  if (is_venue) {
    if (is_down && !was_down) engine->venue_down_since = engine->now;
    bool has_returned = was_down && !is_down;
    engine->venue_is_down = is_down;
    if (has_returned && engine->reconcile.is_active) {
      reconcile_again(engine); /* answers may have gone down with the connection */
    } else if (has_returned) {
      reconcile_begin(engine, "reconnect");
    }
    if (!is_down) engine->venue_heard_at = engine->now;
  } else {
    engine->feed_is_down = is_down;
  }
  const char *name = is_venue ? "venue_down" : "feed_down";
  if (is_down) {
    engine_raise(engine, name, SEVERITY_CRITICAL, "link", NAN, NAN, "the connection is down");
  } else if (was_down) {
    engine_clear(engine, name, "link");
  }
}

static void on_cash_flow(struct engine *engine, const struct event_cash_flow *event) {
  int64_t amount = event->kind == FLOW_WITHDRAWAL ? -event->amount_usd : event->amount_usd;
  ledger_on_flow(&engine->ledger, amount, engine->now);
  struct flow record = {.flow_id = ++engine->counters.flow,
                        .ts = engine->now,
                        .kind = event->kind == FLOW_WITHDRAWAL ? CASH_WITHDRAWAL : CASH_DEPOSIT,
                        .amount_usd = amount};
  text_copy(record.source, sizeof record.source, "venue");
  text_copy(record.note, sizeof record.note, event->note);
  engine_emit_record(engine, RECORD_FLOW, &record);
}

/* Events of the venue show that it lives. */
static bool is_from_venue(int32_t kind) {
  return kind == EVENT_ORDER_ACK || kind == EVENT_ORDER_REJECT || kind == EVENT_ORDER_UPDATE || kind == EVENT_QUERY_RESULT || kind == EVENT_FILL ||
         kind == EVENT_ACCOUNT || kind == EVENT_VENUE_POSITIONS || kind == EVENT_FUNDING_PAYMENT || kind == EVENT_LIQUIDATION || kind == EVENT_ADL;
}

static void take_market_event(struct engine *engine, const struct event *event) {
  switch ((enum event_kind)event->kind) {
    case EVENT_CAPABILITY:
      on_capability(engine, &event->capability);
      break;
    case EVENT_INSTRUMENT:
      on_instrument(engine, &event->instrument);
      break;
    case EVENT_CANDLE:
      on_candle(engine, &event->candle);
      break;
    case EVENT_PUBLIC_TRADES:
      on_public_trades(engine, &event->public_trades);
      break;
    case EVENT_BOOK:
      on_book(engine, &event->book);
      break;
    case EVENT_TICKER:
      on_ticker(engine, &event->ticker);
      break;
    case EVENT_OPEN_INTEREST:
      market_on_open_interest(&symbol_of(engine, event->open_interest.symbol)->market, engine->now, event->open_interest.oi,
                              event->open_interest.oi_usd);
      break;
    case EVENT_FUNDING_RATE:
      market_on_funding(&symbol_of(engine, event->funding_rate.symbol)->market, engine->now, event->funding_rate.rate,
                        event->funding_rate.next_funding_at);
      break;
    default:
      check(false); /* not a market event */
  }
}

/* Such news has no id of its own: told twice, or after the venue's list has shown it, it must not close what is left. */
static bool was_taken(const struct engine *engine, const struct engine_symbol *owner, int64_t qty) {
  return owner->taken_at != 0 && engine->now - owner->taken_at <= TAKEN_MS && qty == owner->taken_qty;
}

static void on_liquidation(struct engine *engine, int32_t symbol, int64_t qty, int64_t price, int64_t fee, enum reason_code reason) {
  struct engine_symbol *owner = symbol_of(engine, symbol);
  if (owner->holding < 0) return;
  struct holding *holding = &engine->holdings[owner->holding];
  if (was_taken(engine, owner, qty)) {
    reconcile_begin(engine, "taken_again");
    return;
  }
  holding->exit_reason = reason;
  struct fill fill = {.fill_id = ++engine->counters.fill,
                      .position_id = holding->position.position_id,
                      .side = (int32_t)order_side_closing(holding->position.side),
                      .qty = qty > 0 && qty < holding->position.qty ? qty : holding->position.qty,
                      .price = price > 0 ? price : holding->position.mark,
                      .fee_usd = fee,
                      .liquidity = LIQUIDITY_TAKER,
                      .ts = engine->now};
  text_copy(fill.symbol, sizeof fill.symbol, owner->market.instrument.symbol);
  text_copy(fill.venue_fill_id, sizeof fill.venue_fill_id, reason_code_names[reason]);
  owner->taken_qty = fill.qty;
  owner->taken_at = engine->now;
  engine_emit_record(engine, RECORD_FILL, &fill);
  owner->fill_event = engine->counts.events;
  manage_on_fill(engine, NULL, &fill, false);
  engine_mark(engine, true);
  engine_raise(engine, reason_code_names[reason], SEVERITY_CRITICAL, owner->market.instrument.symbol, decimal_to_double(price), NAN,
               "the venue took the position by force: no entries until the session is resumed");
  if (engine->session.session_state == SESSION_RUNNING) session_pause(engine, reason_code_names[reason]);
}

static void take_venue_event(struct engine *engine, const struct event *event) {
  engine_at_phase(engine, PHASE_EXECUTION);
  switch ((enum event_kind)event->kind) {
    case EVENT_FEED_LINK:
      on_link(engine, false, (enum link_state)event->feed_link.state);
      break;
    case EVENT_VENUE_LINK:
      on_link(engine, true, (enum link_state)event->venue_link.state);
      break;
    case EVENT_ORDER_ACK:
      orders_on_ack(engine, &event->order_ack);
      break;
    case EVENT_ORDER_REJECT:
      orders_on_reject(engine, &event->order_reject);
      break;
    case EVENT_ORDER_UPDATE:
      orders_on_update(engine, &event->order_update);
      break;
    case EVENT_QUERY_RESULT:
      orders_on_query(engine, &event->query_result);
      break;
    case EVENT_FILL:
      orders_on_fill(engine, &event->fill);
      break;
    case EVENT_ACCOUNT:
      reconcile_on_account(engine, &event->account);
      break;
    case EVENT_VENUE_POSITIONS:
      reconcile_on_positions(engine, &event->venue_positions);
      break;
    case EVENT_FUNDING_PAYMENT:
      manage_on_funding(engine, event->funding_payment.symbol, event->funding_payment.amount_usd);
      break;
    case EVENT_CASH_FLOW:
      on_cash_flow(engine, &event->cash_flow);
      break;
    case EVENT_LIQUIDATION:
      on_liquidation(engine, event->liquidation.symbol, event->liquidation.qty, event->liquidation.price, event->liquidation.fee_usd,
                     REASON_liquidation);
      break;
    case EVENT_ADL:
      on_liquidation(engine, event->adl.symbol, event->adl.qty, event->adl.price, event->adl.fee_usd, REASON_adl);
      break;
    default:
      check(false); /* not a venue event */
  }
  engine_at_phase(engine, PHASE_OTHER);
}

static void take_event(struct engine *engine, const struct event *event) {
  if (event->kind >= EVENT_CAPABILITY && event->kind <= EVENT_FUNDING_RATE) {
    take_market_event(engine, event);
    return;
  }
  if (event->kind >= EVENT_FEED_LINK && event->kind <= EVENT_ADL) {
    take_venue_event(engine, event);
    return;
  }
  switch ((enum event_kind)event->kind) {
    case EVENT_TICK:
      on_tick(engine, &event->tick);
      break;
    case EVENT_CLOCK_OFFSET:
      engine->clock_offset_ms = event->clock_offset.offset_ms;
      break;
    case EVENT_STORAGE:
      on_storage(engine, event->storage.is_available);
      break;
    case EVENT_COMMAND:
      session_on_command(engine, &event->command);
      break;
    case EVENT_PRESET:
      session_on_preset(engine, event);
      break;
    case EVENT_RECOVERY:
      reconcile_on_recovery(engine, &event->recovery);
      break;
    case EVENT_END_OF_DATA:
      manage_end_of_data(engine);
      break;
    default:
      check(false); /* unknown event kind */
  }
}

/* Commands that the engine itself issued during this step act as the next event would (engine 5). */
static void run_queued_commands(struct engine *engine) {
  for (int32_t i = 0; i < engine->queued_count; i++) session_on_command(engine, &engine->queued[i]);
  engine->queued_count = 0;
}

/* While orders rest the venue says every minute that it lives. As long as nobody waits for that, it moves the time of the account and nothing else:
 * the connection was up, a running session has nothing to settle, and the word follows from what has not changed. */
static bool is_sign_of_life(const struct engine *engine, const struct event *event) {
  return event->kind == EVENT_VENUE_LINK && event->venue_link.state == LINK_UP && !engine->venue_is_down &&
         engine->session.session_state == SESSION_RUNNING && engine->open_operations == 0 &&
         (!engine->has_ledger || event->ts < engine->ledger.day + DAY_MS);
}

void engine_step(struct engine *engine, const struct event *event, const struct engine_sink *sink) {
  if (is_sign_of_life(engine, event)) {
    check(event->ts >= engine->now);
    engine->now = engine->venue_heard_at = event->ts;
    ++engine->counts.events;
    return;
  }
  engine->sink = sink;
  check(event->ts >= engine->now);
  engine->now = event->ts;
  ++engine->counts.events;
  if (is_from_venue(event->kind)) engine->venue_heard_at = engine->now;
  if (engine->has_ledger && engine->now >= engine->ledger.day + DAY_MS)
    engine_mark(engine, false); /* a new day begins before anything happens in it */
  take_event(engine, event);
  run_queued_commands(engine);
  session_settle(engine);
  engine_update_word(engine);
  engine->sink = NULL;
}

/* ---- memory ---- */

/* The layout id tells apart builds whose state differs: any change of a struct changes it. */
uint64_t engine_layout_id(const struct engine_limits *limits) {
  uint64_t id = UINT64_C(0x6262310000000000);
  id ^= (uint64_t)sizeof(struct engine) * UINT64_C(0x9E3779B97F4A7C15);
  id ^= (uint64_t)sizeof(struct engine_symbol) * UINT64_C(0xC2B2AE3D27D4EB4F);
  id ^= ((uint64_t)limits->symbols << 32) ^ ((uint64_t)limits->book_depth << 8) ^ (uint64_t)limits->has_tape ^ ((uint64_t)limits->base_ms << 16);
  return id;
}

/* Takes every block in a fixed order; used for a fresh engine and for a loaded image alike, so nothing here writes contents. */
struct engine *engine_bind(struct arena *arena, const struct engine_limits *limits) {
  struct engine *engine = arena_take(arena, sizeof *engine);
  size_t symbols = (size_t)limits->symbols;
  engine->symbols = arena_take(arena, symbols * sizeof *engine->symbols);
  engine->order = arena_take(arena, symbols * sizeof *engine->order);
  engine->rows = arena_take(arena, symbols * sizeof *engine->rows);
  engine->results = arena_take(arena, symbols * sizeof *engine->results);
  engine->row_reasons = arena_take(arena, symbols * sizeof *engine->row_reasons);
  engine->row_scores = arena_take(arena, symbols * sizeof *engine->row_scores);
  engine->scratch = arena_take(arena, 2 * symbols * sizeof *engine->scratch);
  struct market_limits market = {limits->book_depth, limits->has_tape, limits->base_ms};
  for (size_t i = 0; i < symbols; i++) {
    market_bind(&engine->symbols[i].market, &market, arena);
    if (limits->book_depth > 0) density_bind(&engine->symbols[i].density, arena);
  }
  return engine;
}

/* Adds up what engine_bind takes: the same calls on an arena that only counts, with one symbol's blocks bound to a scratch symbol. */
size_t engine_memory(const struct engine_limits *limits) {
  static unsigned char nothing;
  struct arena counter = {.memory = &nothing, .size = SIZE_MAX / 2};
  struct market market;
  struct density density;
  struct market_limits market_limits = {limits->book_depth, limits->has_tape, limits->base_ms};
  market_bind(&market, &market_limits, &counter);
  if (limits->book_depth > 0) density_bind(&density, &counter);
  size_t symbols = (size_t)limits->symbols;
  size_t per_symbol = sizeof(struct engine_symbol) + 3 * sizeof(int32_t) + sizeof(struct scan_row) + sizeof(struct scan_result) +
                      sizeof(struct reason_list) + sizeof(struct score) + counter.used;
  enum { PADDING = 1024 }; /* each of the blocks is rounded up to the strictest alignment */
  return sizeof(struct engine) + symbols * per_symbol + PADDING;
}

struct engine *engine_init(struct arena *arena, const struct engine_limits *limits, const struct engine_config *config,
                           const struct engine_counters *counters) {
  size_t used_before = arena->used;
  struct engine *engine = engine_bind(arena, limits);
  engine->image_size = arena->used - used_before;
  engine->layout = engine_layout_id(limits);
  engine->limits = *limits;
  engine->config = *config;
  if (counters != NULL) engine->counters = *counters;
  if (engine->counters.level == 0) engine->counters.level = 1; /* the id of the next level */
  engine->reference = -1;
  engine->venue_taker_bps = NAN;
  engine->venue_maker_bps = NAN;
  text_copy(engine->session.venue, sizeof engine->session.venue, config->venue);
  text_copy(engine->session.feed, sizeof engine->session.feed, config->feed);
  struct market_limits market = {limits->book_depth, limits->has_tape, limits->base_ms};
  for (int32_t i = 0; i < limits->symbols; i++) {
    struct engine_symbol *owner = &engine->symbols[i];
    market_init(&owner->market, &market);
    level_set_init(&owner->levels);
    if (limits->book_depth > 0) density_init(&owner->density);
    activity_init(&owner->activity);
    owner->holding = -1;
    owner->plan = -1;
  }
  engine->follow_up_scan_at = 0;
  return engine;
}
