#include "support/scripted_venue.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "support/engine_fixture.h"

static const char *const names[] = {"AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH", "III", "JJJ",
                                    "KKK", "LLL", "MMM", "NNN", "OOO", "PPP", "QQQ", "RRR", "SSS", "TTT"};

/* ---- what comes out ---- */

static void on_intent(void *context, const struct intent *intent) {
  struct script *script = context;
  assert_true(script->intent_count < SCRIPT_INTENTS_MAX);
  script->intents[script->intent_count++] = *intent;
}

static void on_alert(const struct alert *alert) {
  bool is_defect = strcmp(alert->name, "illegal_transition") == 0 || strcmp(alert->name, "ledger_residual") == 0;
  if (is_defect) fail_msg("%s: %s", alert->name, alert->message);
}

static void on_record(void *context, enum record_kind kind, const void *object) {
  struct script *script = context;
  switch (kind) {
    case RECORD_ALERT:
      on_alert(object);
      break;
    case RECORD_TRADE:
      assert_true(script->trade_count < SCRIPT_TRADES_MAX);
      script->trades[script->trade_count++] = *(const struct trade *)object;
      break;
    case RECORD_PLAN:
      script->plan = *(const struct plan *)object;
      ++script->plan_count;
      break;
    case RECORD_COMMAND_REPLY:
      script->reply = *(const struct command_reply *)object;
      break;
    case RECORD_RECONCILIATION:
      script->reconciliation = *(const struct reconciliation *)object;
      ++script->reconciliation_count;
      break;
    case RECORD_FLOW:
      script->flow = *(const struct flow *)object;
      ++script->flow_count;
      break;
    case RECORD_DECISION: {
      const struct decision *decision = object;
      if (decision->verdict == VERDICT_REFUSED) script->refusal = *decision;
      break;
    }
    default:
      break;
  }
}

/* ---- opening ---- */

static void describe(struct script *script, int32_t symbol) {
  struct event event = {.kind = EVENT_INSTRUMENT, .instrument = {.symbol = symbol, .is_whitelisted = true, .instrument_count = 1}};
  struct instrument *instrument = &event.instrument.instrument[0];
  const char *name = names[script->options.is_reversed ? script->options.symbols - 1 - symbol : symbol];
  snprintf(instrument->symbol, sizeof instrument->symbol, "%s/USDT:USDT", name);
  snprintf(instrument->venue_symbol, sizeof instrument->venue_symbol, "%sUSDT", name);
  instrument->tick_size = DECIMAL_ONE / 100;
  instrument->lot_size = DECIMAL_ONE / 10;
  instrument->min_qty = instrument->lot_size;
  instrument->min_notional_usd = 5 * DECIMAL_ONE;
  instrument->max_leverage = 50;
  instrument->maintenance_margin = 0.005;
  instrument->status = INSTRUMENT_TRADING;
  instrument->listed_at = SCRIPT_START;
  script_event(script, event);
  uint32_t capabilities = script->options.capabilities | CAPABILITY_CANDLES_1M | CAPABILITY_INSTRUMENT;
  script_event(script, (struct event){.kind = EVENT_CAPABILITY, .capability = {symbol, (int32_t)capabilities, 5 * MINUTE_MS}});
}

static void use_preset(struct script *script) {
  if (script->options.is_channel) {
    rig_load_preset(&script->preset, "channel_baseline");
  } else {
    rig_load_loose(&script->preset);
    rig_set(&script->preset, "execution_config.enable_iceberg=false");
    rig_set(&script->preset, "execution_config.enable_twap=false");
  }
  rig_set(&script->preset, "execution_config.taker_fee_bps=5");
  rig_set(&script->preset, "execution_config.maker_fee_bps=2");
  for (size_t i = 0; i < sizeof script->options.changes / sizeof script->options.changes[0] && script->options.changes[i] != NULL; i++) {
    rig_set(&script->preset, script->options.changes[i]);
  }
  struct event event = {.kind = EVENT_PRESET, .preset_value = &script->preset, .preset_json = "{}"};
  text_copy(event.preset.name, sizeof event.preset.name, script->preset.name);
  script_event(script, event);
}

void script_open(struct script *script, const struct script_options *options) {
  memset(script, 0, sizeof *script);
  script->options = *options;
  if (script->options.symbols == 0) script->options.symbols = 1;
  script->now = SCRIPT_START;
  script->price = 100;
  script->cash = 100000 * DECIMAL_ONE;
  struct engine_limits limits = {
      .symbols = script->options.symbols, .book_depth = options->book_depth, .has_tape = options->book_depth > 0, .base_ms = 5 * MINUTE_MS};
  struct engine_config config = {.starting_balance = script->cash,
                                 .max_leverage = 10,
                                 .reconcile_interval_s = options->reconcile_interval_s,
                                 .deep_symbol_limit = options->deep_symbols > 0 ? options->deep_symbols : 30,
                                 .fees_from_venue = options->fees_from_venue,
                                 .market_data_timeout_s = 60};
  text_copy(config.instance, sizeof config.instance, "TEST01");
  text_copy(config.venue, sizeof config.venue, "scripted");
  text_copy(config.feed, sizeof config.feed, "scripted");
  assert_int_equal(arena_open(&script->arena, engine_memory(&limits)), STATUS_OK);
  script->engine = engine_init(&script->arena, &limits, &config, NULL);
  for (int32_t i = 0; i < script->options.symbols; i++) describe(script, i);
  use_preset(script);
}

void script_close(struct script *script) {
  assert_int_equal(engine_counts(script->engine)->illegal_transitions, 0);
  assert_int_equal(engine_counts(script->engine)->ledger_breaks, 0);
  arena_close(&script->arena);
}

/* ---- time ---- */

void script_event(struct script *script, struct event event) {
  struct engine_sink sink = {.context = script, .on_intent = on_intent, .on_record = on_record};
  event.ts = script->now;
  engine_step(script->engine, &event, &sink);
}

void script_pass(struct script *script, int64_t ms) {
  script->now += ms;
  script_event(script, (struct event){.kind = EVENT_TICK});
}

void script_wait(struct script *script, int64_t ms) {
  for (int64_t end = script->now + ms; script->now < end;) script_pass(script, end - script->now < 100 ? end - script->now : 100);
}

void script_wait_alive(struct script *script, int64_t ms) {
  for (int64_t end = script->now + ms; script->now < end;) {
    script_link(script, LINK_UP);
    script_wait(script, end - script->now < 1000 ? end - script->now : 1000);
  }
}

void script_link(struct script *script, enum link_state state) {
  script_event(script, (struct event){.kind = EVENT_VENUE_LINK, .venue_link = {.state = (int32_t)state}});
}

/* ---- commands ---- */

void script_command_with(struct script *script, struct event_command command) {
  command.operation_id = engine_counters(script->engine)->operation + 1;
  command.source = SOURCE_OPERATOR;
  text_copy(command.user, sizeof command.user, "test");
  script_event(script, (struct event){.kind = EVENT_COMMAND, .command = command});
}

void script_command(struct script *script, enum command command) {
  script_command_with(script, (struct event_command){.command = (int32_t)command});
}

/* A range between 99.5 and 100.5 that turns every four candles, so that both edges are touched often; long enough to be warm. */
static void quote_all(struct script *script) {
  for (int32_t i = 0; i < script->options.symbols && (script->options.capabilities & CAPABILITY_TICKER) != 0; i++)
    script_ticker(script, i, 99.69, 99.71);
}

static void play_range(struct script *script) {
  static const double closes[] = {99.8, 100.1, 100.4, 100.2, 100.0, 99.8, 99.6, 99.7};
  double before = 99.7;
  for (int i = 0; i < 328; i++) {
    double close = closes[i % 8];
    double high = fmax(before, close) + (i % 8 == 2 ? 0.1 : 0.05);
    double low = fmin(before, close) - (i % 8 == 6 ? 0.1 : 0.05);
    for (int32_t symbol = 0; symbol < script->options.symbols; symbol++) {
      struct event event = {.kind = EVENT_CANDLE, .candle = {symbol, script->now, before, high, low, close, 1e6, 1e8}};
      script->now += 5 * MINUTE_MS;
      script_event(script, event);
      script->now -= 5 * MINUTE_MS;
    }
    script->now += 5 * MINUTE_MS;
    script_event(script, (struct event){.kind = EVENT_TICK, .tick = {.is_candle_close = true}});
    before = close;
  }
  script->price = before;
}

void script_start(struct script *script) {
  play_range(script);
  quote_all(script);
  script_command(script, COMMAND_START);
  script_answer(script);
  script->now += 60000;
  quote_all(script);
  script_pass(script, 0);
  assert_int_equal(script_state(script), SESSION_RUNNING);
  script->now += 4 * MINUTE_MS;
  quote_all(script);
  script_pass(script, 0);
}

void script_bar(struct script *script, int32_t symbol, double open, double high, double low, double close) {
  int64_t open_ts = market_candle_close_ts(engine_market(script->engine, symbol));
  int64_t end = open_ts + 5 * MINUTE_MS;
  if (script->now < end) script->now = end;
  script_event(script, (struct event){.kind = EVENT_CANDLE, .candle = {symbol, open_ts, open, high, low, close, 5e6, 5e8}});
  script_event(script, (struct event){.kind = EVENT_TICK, .tick = {.is_candle_close = true}});
  if (symbol == 0) script->price = close;
}

void script_ticker(struct script *script, int32_t symbol, double bid, double ask) {
  double middle = (bid + ask) / 2;
  script_event(script, (struct event){.kind = EVENT_TICKER, .ticker = {symbol, middle, bid, ask, middle, middle, 1e9, 1}});
}

const struct order *script_break_out(struct script *script, int32_t symbol) {
  script_forget(script);
  int64_t open_ts = market_candle_close_ts(engine_market(script->engine, symbol));
  int64_t end = open_ts + 5 * MINUTE_MS;
  if (script->now < end) script->now = end;
  if (script->options.capabilities & CAPABILITY_TICKER) script_ticker(script, symbol, 100.99, 101.01);
  script_event(script, (struct event){.kind = EVENT_CANDLE, .candle = {symbol, open_ts, 100.2, 101.05, 100.15, 101, 5e6, 5e8}});
  for (int i = 0; i < 40 && script_count_placed(script, PURPOSE_ENTRY) == 0; i++) script_pass(script, 100); /* the batch waits for other symbols */
  return script_order(script, PURPOSE_ENTRY);
}

const struct position *script_enter(struct script *script, int32_t symbol) {
  const struct order *entry = script_break_out(script, symbol);
  char id[ORDER_ID_MAX];
  memcpy(id, entry->client_order_id, sizeof id);
  script_ack(script, id);
  script_fill_rest(script, id, 101);
  for (int32_t i = 0; i < script->intent_count; i++) {
    const struct intent *intent = &script->intents[i];
    if (intent->kind != INTENT_PLACE_ORDER || intent->place_order.order[0].purpose == PURPOSE_ENTRY) continue;
    memcpy(id, intent->place_order.order[0].client_order_id, sizeof id);
    script_ack(script, id);
  }
  script_forget(script);
  return script_position(script);
}

/* ---- what the venue says ---- */

void script_ack(struct script *script, const char *id) {
  struct event event = {.kind = EVENT_ORDER_ACK};
  text_copy(event.order_ack.client_order_id, ORDER_ID_MAX, id);
  snprintf(event.order_ack.venue_order_id, ORDER_ID_MAX, "v-%s", id);
  script_event(script, event);
}

void script_reject(struct script *script, const char *id, enum reject_kind kind) {
  struct event event = {.kind = EVENT_ORDER_REJECT, .order_reject = {.kind = (int32_t)kind, .code = "110007", .text = "refused"}};
  text_copy(event.order_reject.client_order_id, ORDER_ID_MAX, id);
  script_event(script, event);
}

void script_update(struct script *script, const char *id, enum order_change change) {
  const struct order *order = script_find(script, id);
  struct event event = {.kind = EVENT_ORDER_UPDATE,
                        .order_update = {.change = (int32_t)change,
                                         .qty = order->qty,
                                         .price = DECIMAL_NULL,
                                         .trigger_price = DECIMAL_NULL,
                                         .filled_qty = order->filled_qty,
                                         .code = "script"}};
  text_copy(event.order_update.client_order_id, ORDER_ID_MAX, id);
  script_event(script, event);
}

void script_amended(struct script *script, const char *id) {
  const struct intent *wanted = NULL;
  for (int32_t i = 0; i < script->intent_count; i++) {
    const struct intent *intent = &script->intents[i];
    if (intent->kind == INTENT_AMEND_ORDER && strcmp(intent->amend_order.client_order_id, id) == 0) wanted = intent;
  }
  assert_non_null(wanted);
  struct event event = {.kind = EVENT_ORDER_UPDATE,
                        .order_update = {.change = CHANGE_AMENDED,
                                         .qty = wanted->amend_order.qty,
                                         .price = wanted->amend_order.price,
                                         .trigger_price = wanted->amend_order.trigger_price}};
  text_copy(event.order_update.client_order_id, ORDER_ID_MAX, id);
  script_event(script, event);
}

void script_fill(struct script *script, const char *id, double qty, double price) {
  const struct order *order = script_find(script, id);
  struct event event = {.kind = EVENT_FILL,
                        .fill = {.symbol = order->symbol_index,
                                 .side = order->side,
                                 .qty = decimal_from_double(qty),
                                 .price = decimal_from_double(price),
                                 .liquidity = LIQUIDITY_TAKER,
                                 .venue_ts = script->now}};
  event.fill.fee_usd = decimal_multiply(decimal_multiply(event.fill.qty, event.fill.price), DECIMAL_ONE / 2000);
  snprintf(event.fill.venue_fill_id, ORDER_ID_MAX, "f-%lld", (long long)++script->fill_count);
  text_copy(event.fill.client_order_id, ORDER_ID_MAX, id);
  script_event(script, event);
}

void script_fill_rest(struct script *script, const char *id, double price) {
  script_fill(script, id, decimal_to_double(order_remaining(script_find(script, id))), price);
}

static void answer_order(struct script *script, const char *id, bool is_found, const struct venue_order *order) {
  struct event event = {.kind = EVENT_QUERY_RESULT, .query_result = {.query = QUERY_ORDER, .is_found = is_found}};
  text_copy(event.query_result.client_order_id, ORDER_ID_MAX, id);
  event.query_result.orders_count = is_found ? 1 : 0;
  event.query_result.orders = order;
  script_event(script, event);
}

static struct venue_order seen(const struct order *order, enum order_state state, int64_t filled) {
  struct venue_order out = {.symbol = order->symbol_index,
                            .state = (int32_t)state,
                            .qty = order->qty,
                            .filled_qty = filled,
                            .price = order->price,
                            .trigger_price = order->trigger_price};
  text_copy(out.client_order_id, ORDER_ID_MAX, order->client_order_id);
  text_copy(out.venue_order_id, ORDER_ID_MAX, "v");
  return out;
}

void script_found(struct script *script, const char *id, enum order_state state, double filled) {
  struct venue_order order = seen(script_find(script, id), state, decimal_from_double(filled));
  answer_order(script, id, true, &order);
}

void script_not_found(struct script *script, const char *id) {
  answer_order(script, id, false, NULL);
}

void script_answer(struct script *script) {
  script_event(script, (struct event){.kind = EVENT_QUERY_RESULT, .query_result = {.query = QUERY_FILLS, .is_found = true}});
  script_event(script, (struct event){
                           .kind = EVENT_QUERY_RESULT,
                           .query_result = {.query = QUERY_ORDERS, .is_found = true, .orders_count = script->order_count, .orders = script->orders}});
  script_event(script,
               (struct event){.kind = EVENT_VENUE_POSITIONS,
                              .venue_positions = {.is_complete = true, .positions_count = script->position_count, .positions = script->positions}});
  const struct ledger *ledger = engine_ledger(script->engine);
  bool has_ledger = ledger != NULL && ledger->starting_balance_usd != 0;
  int64_t cash = has_ledger && script->cash == 0 ? ledger->cash_usd : script->cash;
  script->cash = 0; /* afterwards the venue agrees, unless the test says otherwise */
  script_event(script, (struct event){.kind = EVENT_ACCOUNT, .account = {.cash_usd = cash}});
}

/* The state in which the venue sees an order that we believe live. */
static enum order_state venue_state(const struct order *order) {
  if (order->type == ORDER_STOP_MARKET && order->filled_qty == 0 && order->state != ORDER_WORKING) return ORDER_UNTRIGGERED;
  return order->filled_qty > 0 ? ORDER_PARTIALLY_FILLED : ORDER_WORKING;
}

void script_agree(struct script *script) {
  script->position_count = 0;
  script->order_count = 0;
  for (int32_t i = 0; i < engine_position_count(script->engine); i++) {
    const struct position *position = engine_position(script->engine, i);
    script->positions[script->position_count++] = (struct venue_position){position->symbol_index, position->side, position->qty, position->entry};
  }
  for (int32_t i = 0; i < engine_order_count(script->engine); i++) {
    const struct order *order = engine_order(script->engine, i);
    if (!order_is_live(order)) continue;
    assert_true(script->order_count < SCRIPT_ITEMS_MAX);
    script->orders[script->order_count++] = seen(order, venue_state(order), order->filled_qty);
  }
}

/* ---- reading ---- */

void script_forget(struct script *script) {
  script->intent_count = 0;
}

int32_t script_count(const struct script *script, enum intent_kind kind) {
  int32_t count = 0;
  for (int32_t i = 0; i < script->intent_count; i++) count += script->intents[i].kind == (int32_t)kind;
  return count;
}

int32_t script_count_placed(const struct script *script, enum order_purpose purpose) {
  int32_t count = 0;
  for (int32_t i = 0; i < script->intent_count; i++) {
    const struct intent *intent = &script->intents[i];
    count += intent->kind == INTENT_PLACE_ORDER && intent->place_order.order[0].purpose == (int32_t)purpose;
  }
  return count;
}

int32_t script_count_queries(const struct script *script, enum query_kind query) {
  int32_t count = 0;
  for (int32_t i = 0; i < script->intent_count; i++) {
    count += script->intents[i].kind == INTENT_QUERY && script->intents[i].query.query == (int32_t)query;
  }
  return count;
}

bool script_was_cancelled(const struct script *script, const char *id) {
  for (int32_t i = 0; i < script->intent_count; i++) {
    const struct intent *intent = &script->intents[i];
    if (intent->kind == INTENT_CANCEL_ORDER && strcmp(intent->cancel_order.client_order_id, id) == 0) return true;
  }
  return false;
}

const struct order *script_find(const struct script *script, const char *id) {
  for (int32_t i = 0; i < engine_order_count(script->engine); i++) {
    const struct order *order = engine_order(script->engine, i);
    if (strcmp(order->client_order_id, id) == 0) return order;
  }
  fail_msg("no order %s", id);
  return NULL;
}

const struct order *script_order(const struct script *script, enum order_purpose purpose) {
  const struct order *newest = NULL;
  for (int32_t i = 0; i < engine_order_count(script->engine); i++) {
    const struct order *order = engine_order(script->engine, i);
    if (order->purpose == (int32_t)purpose) newest = order;
  }
  if (newest == NULL) fail_msg("no order of purpose %s; newest refusal: %s", order_purpose_names[purpose], reason_code_names[script->refusal.code]);
  return newest;
}

int32_t script_live(const struct script *script, enum order_purpose purpose) {
  int32_t count = 0;
  for (int32_t i = 0; i < engine_order_count(script->engine); i++) {
    const struct order *order = engine_order(script->engine, i);
    count += order->purpose == (int32_t)purpose && order_is_live(order);
  }
  return count;
}

bool script_alerts(const struct script *script, const char *name) {
  for (int32_t i = 0; i < engine_alert_count(script->engine); i++) {
    if (strcmp(engine_alert(script->engine, i)->name, name) == 0) return true;
  }
  return false;
}

const struct position *script_position(const struct script *script) {
  assert_true(engine_position_count(script->engine) > 0);
  return engine_position(script->engine, 0);
}

enum session_state script_state(const struct script *script) {
  return engine_session_state(script->engine);
}
