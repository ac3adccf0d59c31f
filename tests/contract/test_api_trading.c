/* Every route that changes trading: what its reply claims is compared with what the paper venue holds (api 3.3, 3.4, 3.6, 3.12; reliability A3, A6,
 * A7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/clock/system_clock.h"
#include "adapters/source/generate.h"
#include "adapters/store/sqlite_store.h"
#include "base/calendar.h"
#include "support/market_fixture.h"

static struct market_fixture fixture;

/* ---- the venue's side ---- */

enum { SHOWN_MAX = 256 };
static struct venue_order shown[SHOWN_MAX];
static int32_t shown_count;

/* The venue's live orders, asked for by its own port beside the engine. */
static void ask_venue(void) {
  struct exchange *venue = &fixture.rig.exchange;
  struct event event;
  const struct intent query = {.ts = engine_now(fixture.rig.engine), .kind = INTENT_QUERY, .query = {.query = QUERY_ORDERS}};
  venue->submit(venue->self, &query);
  shown_count = -1;
  while (venue->poll(venue->self, engine_now(fixture.rig.engine), &event)) {
    if (event.kind != EVENT_QUERY_RESULT || event.query_result.query != QUERY_ORDERS) continue;
    shown_count = event.query_result.orders_count;
    assert_true(shown_count <= SHOWN_MAX);
    memcpy(shown, event.query_result.orders, (size_t)shown_count * sizeof shown[0]);
  }
  assert_true(shown_count >= 0);
}

static const struct venue_order *at_venue(const char *client_order_id) {
  ask_venue();
  for (int32_t i = 0; i < shown_count; i++) {
    if (strcmp(shown[i].client_order_id, client_order_id) == 0) return &shown[i];
  }
  return NULL;
}

static int32_t count_at_venue(int32_t symbol, bool stops) {
  int32_t count = 0;
  ask_venue();
  for (int32_t i = 0; i < shown_count; i++) count += shown[i].symbol == symbol && (shown[i].trigger_price != DECIMAL_NULL) == stops ? 1 : 0;
  return count;
}

/* ---- a position to work with ---- */

static const struct position *position_now(void) {
  return engine_position_count(fixture.rig.engine) > 0 ? engine_position(fixture.rig.engine, 0) : NULL;
}

static bool is_workable(const struct position *position) {
  int working = 0;
  if (position == NULL || position->entry_completed_at == 0 || position->state == POSITION_EXITING || position->targets_filled > 0) return false;
  for (int32_t i = 0; i < position->targets_count; i++) working += position->targets[i].state == TARGET_WORKING ? 1 : 0;
  return working >= 2 && position->protected;
}

/* Plays on until a position rests at the venue with its stop and targets. */
static void find_position(void) {
  for (int64_t t = engine_now(fixture.rig.engine); t < RIG_START + 6 * DAY_MS; t += MINUTE_MS) {
    if (is_workable(position_now())) return;
    rig_play(&fixture.rig, fixture.series, t + MINUTE_MS);
  }
  fail_msg("no position");
}

static void more_days(void) {
  for (int32_t i = 0; i < MARKET_SYMBOLS; i++) {
    rig_free_series(&fixture.series[i], 1);
    rig_generate(&fixture.series[i], i == 1 ? (int)GENERATE_TREND : (int)GENERATE_BREAKOUTS, 7, i, 6);
  }
  rig_rewind(fixture.series, MARKET_SYMBOLS, RIG_START + 2 * DAY_MS);
}

/* A session that risks too little to be stopped by a limit. */
static void start_again(void) {
  struct preset preset;
  rig_command(&fixture.rig, COMMAND_KILL_SWITCH);
  rig_command_with(&fixture.rig, (struct event_command){.command = COMMAND_RESET, .acknowledge_drawdown = true, .reason = "test"});
  rig_load_loose(&preset);
  rig_set(&preset, "risk.max_consecutive_losses=20");
  rig_set(&preset, "risk.risk_per_trade=0.001");
  rig_use(&fixture.rig, &preset);
  rig_command(&fixture.rig, COMMAND_START);
  assert_int_equal(engine_session_state(fixture.rig.engine), SESSION_RUNNING);
}

static int open_all(void **state) {
  (void)state;
  market_fixture_open(&fixture);
  more_days();
  start_again();
  return 0;
}

static int close_all(void **state) {
  (void)state;
  market_fixture_close(&fixture);
  return 0;
}

/* ---- asking ---- */

static char id[24];

static int post(const char *body, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int post(const char *body, const char *format, ...) {
  char target[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(target, sizeof target, format, arguments);
  va_end(arguments);
  return market_fixture_ask(&fixture, "POST", target, body);
}

static void take_position(void) {
  find_position();
  snprintf(id, sizeof id, "P%08lld", (long long)position_now()->position_id);
}

static int sign_of(void) {
  return position_now()->side == SIDE_LONG ? 1 : -1;
}

static double mark(void) {
  return decimal_to_double(position_now()->mark);
}

static void assert_same(double a, double b) {
  if (!(fabs(a - b) < 1e-7)) fail_msg("%.9g is not %.9g", a, b);
}

/* ---- stop ---- */

static void a_moved_stop_rests_at_the_venue(void **state) {
  (void)state;
  take_position();
  char body[128];
  const struct position *position = position_now();
  int32_t symbol = position->symbol_index;
  double stop = decimal_to_double(position->stop) + 0.4 * (mark() - decimal_to_double(position->stop));
  snprintf(body, sizeof body, "{\"price\": %.4f}", stop);
  assert_int_equal(post(body, "/api/trading/positions/%s/stop", id), 200);
  double told = market_fixture_number(&fixture, "stop");
  assert_true(fabs(told - stop) <= 0.0101);
  assert_int_equal(count_at_venue(symbol, true), 1);
  for (int32_t i = 0; i < shown_count; i++) {
    if (shown[i].symbol != symbol || shown[i].trigger_price == DECIMAL_NULL) continue;
    assert_same(decimal_to_double(shown[i].trigger_price), told);
    assert_int_equal(shown[i].qty - shown[i].filled_qty, position->qty);
  }
  /* looser: not without a word, and never beyond the first one */
  snprintf(body, sizeof body, "{\"price\": %.4f}", told - sign_of() * 0.02);
  assert_int_equal(post(body, "/api/trading/positions/%s/stop", id), 403);
  assert_string_equal(market_fixture_text(&fixture, "code"), "confirmation_missing");
  snprintf(body, sizeof body, "{\"price\": %.4f, \"confirm\": true}", told - sign_of() * 0.02);
  assert_int_equal(post(body, "/api/trading/positions/%s/stop", id), 200);
  snprintf(body, sizeof body, "{\"price\": %.4f, \"confirm\": true}", decimal_to_double(position_now()->stop_initial) - sign_of() * 1.0);
  assert_int_equal(post(body, "/api/trading/positions/%s/stop", id), 422);
  snprintf(body, sizeof body, "{\"price\": %.4f, \"confirm\": true}", mark() + sign_of() * 1.0);
  assert_int_equal(post(body, "/api/trading/positions/%s/stop", id), 422);
  assert_int_equal(count_at_venue(symbol, true), 1);
  assert_int_equal(market_fixture_get(&fixture, "/api/trading/positions/%s", id), 200);
  assert_true(market_fixture_count(&fixture, "stop_history") >= 2);
}

/* ---- targets ---- */

static void a_ladder_rests_at_the_venue(void **state) {
  (void)state;
  take_position();
  char body[256];
  const struct position *position = position_now();
  int32_t symbol = position->symbol_index;
  double near = mark() + sign_of() * 5;
  double far = mark() + sign_of() * 9;
  snprintf(body, sizeof body,
           "{\"targets\": [{\"level_name\": \"near\", \"price\": %.2f, \"size_pct\": 0.25}, {\"level_name\": \"far\", \"price\": %.2f, \"size_pct\": "
           "0.5}]}",
           near, far);
  int status = post(body, "/api/trading/positions/%s/targets", id);
  if (status != 200) fail_msg("%d %s", status, fixture.reply.body.data);
  int found = 0;
  assert_int_equal(count_at_venue(symbol, false), 2);
  assert_int_equal(count_at_venue(symbol, true), 1);
  for (int32_t i = 0; i < position->targets_count; i++) {
    const struct target *target = &position->targets[i];
    if (target->state != TARGET_WORKING) continue;
    const struct venue_order *order = at_venue(target->client_order_id);
    assert_non_null(order);
    assert_int_equal(order->price, target->price);
    assert_int_equal(order->qty - order->filled_qty, target->qty - target->filled_qty);
    ++found;
  }
  assert_int_equal(found, 2);
  /* the order's own page */
  char order[ORDER_ID_MAX];
  memcpy(order, position->targets[position->targets_count - 1].client_order_id, sizeof order);
  assert_int_equal(market_fixture_get(&fixture, "/api/trading/orders/%s", order), 200);
  assert_string_equal(market_fixture_text(&fixture, "order.purpose"), "target");
  /* none: all of them are gone, the stop is not */
  assert_int_equal(post("{\"targets\": []}", "/api/trading/positions/%s/targets", id), 200);
  assert_int_equal(count_at_venue(symbol, false), 0);
  assert_int_equal(count_at_venue(symbol, true), 1);
}

/* ---- orders ---- */

static void cancelled_orders_are_gone_and_stops_stay(void **state) {
  (void)state;
  take_position();
  char body[256];
  int32_t symbol = position_now()->symbol_index;
  snprintf(body, sizeof body, "{\"targets\": [{\"level_name\": \"x\", \"price\": %.2f, \"size_pct\": 0.25}]}", mark() + sign_of() * 5);
  assert_int_equal(post(body, "/api/trading/positions/%s/targets", id), 200);
  char target[256];
  const struct position *position = position_now();
  for (int32_t i = 0; i < position->targets_count; i++) {
    if (position->targets[i].state == TARGET_WORKING) snprintf(target, sizeof target, "/api/trading/orders/%s", position->targets[i].client_order_id);
  }
  assert_int_equal(market_fixture_ask(&fixture, "DELETE", target, "{}"), 200);
  assert_string_equal(market_fixture_text(&fixture, "state"), "cancelled");
  assert_int_equal(count_at_venue(symbol, false), 0);
  assert_int_equal(market_fixture_ask(&fixture, "DELETE", target, "{}"), 409);
  assert_string_equal(market_fixture_text(&fixture, "code"), "not_cancellable");
  ask_venue();
  for (int32_t i = 0; i < shown_count; i++) {
    if (shown[i].trigger_price == DECIMAL_NULL) continue;
    snprintf(target, sizeof target, "/api/trading/orders/%s", shown[i].client_order_id);
    assert_int_equal(market_fixture_ask(&fixture, "DELETE", target, "{}"), 409);
    assert_non_null(at_venue(shown[i].client_order_id));
    break;
  }
  assert_int_equal(market_fixture_ask(&fixture, "DELETE", "/api/trading/orders/none", "{}"), 404);
  assert_int_equal(post("{\"purpose\": \"all\"}", "/api/trading/orders/cancel-all"), 200);
  assert_int_equal(market_fixture_count(&fixture, "pending"), 0);
  assert_int_equal(count_at_venue(symbol, true), 1);
}

static void cancel_all_lists_what_it_cancelled(void **state) {
  (void)state;
  take_position();
  char body[256];
  snprintf(body, sizeof body, "{\"targets\": [{\"level_name\": \"y\", \"price\": %.2f, \"size_pct\": 0.25}]}", mark() + sign_of() * 5);
  assert_int_equal(post(body, "/api/trading/positions/%s/targets", id), 200);
  rig_tick(&fixture.rig, engine_now(fixture.rig.engine) + 1000, false);
  assert_int_equal(post("{\"purpose\": \"target\"}", "/api/trading/orders/cancel-all"), 200);
  assert_true(market_fixture_count(&fixture, "cancelled") >= 1);
  char order[ORDER_ID_MAX];
  text_copy(order, sizeof order, market_fixture_text(&fixture, "cancelled.0"));
  assert_null(at_venue(order));
}

/* ---- closing ---- */

static void closing_closes_at_the_venue(void **state) {
  (void)state;
  take_position();
  char share[24];
  memcpy(share, id, sizeof share);
  int32_t symbol = position_now()->symbol_index;
  int64_t before = position_now()->qty;
  int status = post("{\"fraction\": 0.5, \"urgency\": \"immediate\", \"wait_ms\": 0}", "/api/trading/positions/%s/close", share);
  assert_true(status == 200 || status == 202);
  if (status == 202) rig_play(&fixture.rig, fixture.series, engine_now(fixture.rig.engine) + MINUTE_MS);
  struct venue_position held;
  if (sim_position(&fixture.rig.sim, symbol, &held)) assert_true(held.qty < before);
  assert_int_equal(post("{}", "/api/trading/positions/close-all"), 403);
  take_position();
  status = post("{\"confirm\": true, \"side\": \"all\", \"wait_ms\": 0}", "/api/trading/positions/close-all");
  assert_true(status == 200 || status == 202);
  assert_true(market_fixture_count(&fixture, "positions") >= 1);
  assert_int_equal(post("{\"confirm\": true, \"wait_ms\": 0}", "/api/engine/panic-exit"), 200 + 2 * (status == 202));
  for (int i = 0; i < 5; i++) rig_play(&fixture.rig, fixture.series, engine_now(fixture.rig.engine) + MINUTE_MS);
  for (int32_t i = 0; i < MARKET_SYMBOLS; i++) assert_false(sim_position(&fixture.rig.sim, i, &held));
  ask_venue();
  assert_int_equal(shown_count, 0);
  assert_int_equal(market_fixture_get(&fixture, "/api/trading/positions/%s", share), 200);
  assert_string_equal(market_fixture_text(&fixture, "position.state"), "closed");
  assert_true(market_fixture_count(&fixture, "orders") >= 3);
  assert_true(market_fixture_count(&fixture, "fills") >= 2);
  assert_int_equal(post("{\"price\": 1}", "/api/trading/positions/%s/stop", share), 409);
  assert_int_equal(post("{\"targets\": []}", "/api/trading/positions/%s/targets", share), 409);
  assert_int_equal(market_fixture_get(&fixture, "/api/trading/trades?limit=1"), 200);
  char trade[24];
  text_copy(trade, sizeof trade, market_fixture_text(&fixture, "items.0.trade_id"));
  assert_int_equal(market_fixture_get(&fixture, "/api/trading/trades/%s", trade), 200);
  assert_true(market_fixture_number(&fixture, "chart.from") < market_fixture_number(&fixture, "chart.to"));
  assert_int_equal(market_fixture_get(&fixture, "/api/trading/trades/T99999999"), 404);
}

/* ---- money ---- */

static void a_flow_is_the_venues_cash(void **state) {
  (void)state;
  struct sim_account before;
  struct sim_account after;
  sim_account(&fixture.rig.sim, &before);
  assert_int_equal(post("{\"amount_usd\": 12.5, \"kind\": \"withdrawal\", \"note\": \"fees\"}", "/api/account/flows"), 200);
  assert_same(market_fixture_number(&fixture, "amount_usd"), -12.5);
  sim_account(&fixture.rig.sim, &after);
  assert_int_equal(after.cash_usd, before.cash_usd - decimal_from_double(12.5));
  assert_int_equal(after.cash_usd, engine_ledger(fixture.rig.engine)->cash_usd);
  assert_int_equal(market_fixture_get(&fixture, "/api/account"), 200);
  assert_same(market_fixture_number(&fixture, "cash_usd"), decimal_to_double(after.cash_usd));
  assert_int_equal(market_fixture_get(&fixture, "/api/account/flows?kind=withdrawal"), 200);
  assert_string_equal(market_fixture_text(&fixture, "items.0.source"), "operator");
}

/* ---- operations ---- */

static void an_operation_tells_its_steps(void **state) {
  (void)state;
  char operation[24];
  snprintf(operation, sizeof operation, "O%06lld", (long long)engine_counters(fixture.rig.engine)->operation);
  assert_int_equal(market_fixture_get(&fixture, "/api/engine/operations/%s", operation), 200);
  assert_true(market_fixture_count(&fixture, "steps") >= 1);
  assert_int_equal(market_fixture_get(&fixture, "/api/engine/operations/O999999"), 404);
  assert_int_equal(market_fixture_get(&fixture, "/api/engine/operations/1"), 404);
}

/* ---- bad input ---- */

static void bad_bodies_change_nothing(void **state) {
  (void)state;
  take_position();
  static const struct {
    const char *route, *body;
    int status;
  } rows[] = {
      /* A3: numbers */
      {"stop", "{\"price\": -0}", 422},
      {"stop", "{\"price\": 0}", 422},
      {"stop", "{\"price\": -5}", 422},
      {"stop", "{\"price\": 1e400}", 400},
      {"stop", "{\"price\": 1e-400}", 422},
      {"stop", "{\"price\": NaN}", 400},
      {"stop", "{\"price\": 0x10}", 400},
      {"stop", "{\"price\": 01}", 400},
      {"stop", "{\"price\": 1.}", 400},
      {"stop", "{\"price\": .5}", 400},
      {"stop", "{\"price\": \"1,5\"}", 422},
      {"stop", "{\"price\": \" 1\"}", 422},
      {"stop", "{\"price\": 9007199254740993}", 422},
      {"stop", "{\"price\": 1234567890123456789012345678901234567890}", 400},
      {"close", "{\"fraction\": 0}", 422},
      {"close", "{\"fraction\": -1}", 422},
      {"close", "{\"fraction\": 1.0000001}", 422},
      {"close", "{\"fraction\": \"0.5\"}", 422},
      {"close", "{\"wait_ms\": -1}", 422},
      {"close", "{\"wait_ms\": 30001}", 422},
      {"close", "{\"urgency\": \"NOW\"}", 422},
      {"targets", "{\"targets\": [{\"level_name\": \"a\", \"price\": -1, \"size_pct\": 0.5}]}", 422},
      {"targets", "{\"targets\": [{\"level_name\": \"a\", \"price\": 1e12, \"size_pct\": 0.5}]}", 422},
      {"targets", "{\"targets\": [{\"level_name\": \"a\", \"price\": 1, \"size_pct\": 1.5}]}", 422},
      /* A6: relations */
      {"stop", "{}", 422},
      {"stop", "{\"price\": 5, \"to\": \"breakeven\"}", 422},
      {"stop", "{\"to\": \"profit\"}", 422},
      {"targets",
       "{\"targets\": [{\"level_name\": \"a\", \"price\": 0.01, \"size_pct\": 0.5}, {\"level_name\": \"a\", \"price\": 1, \"size_pct\": 1}]}", 422},
      /* A7: missing, extra, null, wrong type */
      {"targets", "{}", 422},
      {"targets", "{\"targets\": null}", 422},
      {"targets", "{\"targets\": {}}", 422},
      {"targets", "{\"targets\": [1]}", 422},
      {"targets", "{\"targets\": [{}]}", 422},
      {"targets", "{\"targets\": [{\"level_name\": \"\", \"price\": 1, \"size_pct\": 0.5}]}", 422},
      {"targets", "{\"targets\": [{\"level_name\": \"a name that is far too long\", \"price\": 1, \"size_pct\": 0.5}]}", 422},
      {"targets", "{\"targets\": [{\"level_name\": \"a\", \"price\": 1, \"size_pct\": 0.5, \"qty\": 1}]}", 422},
      {"stop", "{\"price\": 100, \"role\": \"admin\"}", 422},
      {"stop", "{\"price\": [], \"confirm\": true}", 422},
      {"stop", "{\"price\": 100, \"confirm\": \"yes\"}", 422},
      {"stop", "[]", 422},
      {"stop", "", 422},
      {"close", "{\"reason\": 5}", 422},
      {"adopt", "{\"stop\": 1}", 422},
      {"adopt", "{\"stop\": 1, \"preset\": \"loose\"}", 404},
  };
  ask_venue();
  int32_t live = shown_count;
  int64_t stop = position_now()->stop;
  int64_t qty = position_now()->qty;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int status = post(rows[i].body, "/api/trading/positions/%s/%s", id, rows[i].route);
    if (status != rows[i].status) fail_msg("%s %s: %d, %s", rows[i].route, rows[i].body, status, fixture.reply.body.data);
    assert_non_null(strstr(fixture.reply.content_type, "problem+json"));
  }
  ask_venue();
  assert_int_equal(shown_count, live);
  assert_int_equal(position_now()->stop, stop);
  assert_int_equal(position_now()->qty, qty);
  static const char *const flows[] = {
      "{\"amount_usd\": 0, \"kind\": \"deposit\", \"note\": \"x\"}", "{\"amount_usd\": -5, \"kind\": \"deposit\", \"note\": \"x\"}",
      "{\"amount_usd\": 5, \"kind\": \"gift\", \"note\": \"x\"}",    "{\"amount_usd\": 5, \"kind\": \"deposit\"}",
      "{\"amount_usd\": 5, \"kind\": \"deposit\", \"note\": \"\"}",  "{\"amount_usd\": 1e15, \"kind\": \"deposit\", \"note\": \"x\"}"};
  int64_t cash = engine_ledger(fixture.rig.engine)->cash_usd;
  for (size_t i = 0; i < sizeof flows / sizeof flows[0]; i++) assert_int_equal(post(flows[i], "/api/account/flows"), 422);
  assert_int_equal(engine_ledger(fixture.rig.engine)->cash_usd, cash);
  static const char *const ids[] = {"P00000000", "P-1", "P99999999", "..%2f..", "P1e3", "0", "p00000001", "'; --"};
  for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) assert_int_equal(post("{\"price\": 1}", "/api/trading/positions/%s/stop", ids[i]), 404);
}

static void commands_need_their_words(void **state) {
  (void)state;
  assert_int_equal(post("{}", "/api/engine/kill-switch"), 403);
  assert_int_equal(post("{\"confirm\": false}", "/api/engine/panic-exit"), 403);
  assert_int_equal(post("{\"reason\": \"x\"}", "/api/engine/reset"), 403);
  assert_int_equal(post("{\"confirm\": \"RESET\"}", "/api/engine/reset"), 422);
  assert_int_equal(post("{\"mode\": \"live\"}", "/api/engine/start"), 403);
  assert_string_equal(market_fixture_text(&fixture, "code"), "live_not_enabled");
  assert_int_equal(post("{\"mode\": \"LIVE\"}", "/api/engine/start"), 422);
  assert_int_equal(post("{\"command\": \"fly\"}", "/api/engine/command"), 422);
  assert_int_equal(post("{\"command\": \"kill_switch\", \"arguments\": {\"force\": true}}", "/api/engine/command"), 422);
  assert_int_equal(post("{}", "/api/engine/retry"), 409);
  assert_string_equal(market_fixture_text(&fixture, "code"), "illegal_command");
  assert_true(market_fixture_count(&fixture, "allowed") > 3);
}

/* ---- alerts ---- */

static void rules_raise_resolve_and_survive(void **state) {
  (void)state;
  assert_int_equal(
      post("{\"name\": \"rich\", \"metric\": \"equity_usd\", \"comparator\": \">\", \"threshold\": 1, \"severity\": \"info\"}", "/api/alerts/rules"),
      200);
  char rule[24];
  char target[64];
  text_copy(rule, sizeof rule, market_fixture_text(&fixture, "rule_id"));
  api_turn(fixture.api);
  assert_int_equal(market_fixture_get(&fixture, "/api/alerts?state=firing"), 200);
  assert_int_equal(market_fixture_count(&fixture, "items"), 1);
  assert_string_equal(market_fixture_text(&fixture, "items.0.name"), "rich");
  char alert[24];
  text_copy(alert, sizeof alert, market_fixture_text(&fixture, "items.0.alert_id"));
  assert_int_equal(post("{\"note\": \"seen\"}", "/api/alerts/%s/ack", alert), 200);
  assert_string_equal(market_fixture_text(&fixture, "state"), "acknowledged");
  assert_string_equal(market_fixture_text(&fixture, "note"), "seen");
  assert_int_equal(post("{}", "/api/alerts/R99999999/ack"), 404);
  market_fixture_restart(&fixture, 1000);
  assert_int_equal(market_fixture_get(&fixture, "/api/alerts/rules"), 200);
  assert_string_equal(market_fixture_text(&fixture, "items.0.rule_id"), rule);
  assert_int_equal(market_fixture_get(&fixture, "/api/alerts?state=resolved"), 200);
  assert_string_equal(market_fixture_text(&fixture, "items.0.alert_id"), alert); /* its rule began anew */
  assert_string_equal(market_fixture_text(&fixture, "items.0.acked_by"), "local");
  assert_string_equal(market_fixture_text(&fixture, "items.0.note"), "seen");
  assert_int_equal(post("{}", "/api/alerts/rules/%s/test", rule), 200);
  snprintf(target, sizeof target, "/api/alerts/rules/%s", rule);
  assert_int_equal(market_fixture_ask(&fixture, "PUT", target,
                                      "{\"name\": \"poor\", \"metric\": \"equity_usd\", \"comparator\": \"<\", \"threshold\": 1, \"severity\": "
                                      "\"critical\", \"quiet_hours\": \"22:00-07:00\"}"),
                   200);
  assert_string_equal(market_fixture_text(&fixture, "quiet_hours"), "22:00-07:00");
  assert_int_equal(market_fixture_ask(&fixture, "DELETE", target, "{}"), 200);
  assert_int_equal(market_fixture_ask(&fixture, "DELETE", target, "{}"), 404);
  assert_int_equal(market_fixture_ask(&fixture, "DELETE", "/api/alerts/rules/kill_switch", "{}"), 409);
  static const char *const bad[] = {
      "{\"name\": \"kill_switch\", \"metric\": \"equity_usd\", \"comparator\": \">\", \"threshold\": 1, \"severity\": \"info\"}",
      "{\"name\": \"a b\", \"metric\": \"equity_usd\", \"comparator\": \">\", \"threshold\": 1, \"severity\": \"info\"}",
      "{\"name\": \"a\", \"metric\": \"moon\", \"comparator\": \">\", \"threshold\": 1, \"severity\": \"info\"}",
      "{\"name\": \"a\", \"metric\": \"equity_usd\", \"comparator\": \"!\", \"threshold\": 1, \"severity\": \"info\"}",
      "{\"name\": \"a\", \"metric\": \"equity_usd\", \"comparator\": \">\", \"severity\": \"info\"}",
      "{\"name\": \"a\", \"metric\": \"state\", \"comparator\": \"changes\", \"threshold\": 1, \"severity\": \"info\"}",
      "{\"name\": \"a\", \"metric\": \"state\", \"comparator\": \"changes\", \"severity\": \"info\", \"quiet_hours\": \"25:00-07:00\"}",
      "{\"name\": \"a\", \"metric\": \"equity_usd\", \"comparator\": \">\", \"threshold\": 1, \"severity\": \"info\", \"channels\": [\"webhook\"]}",
      "{\"name\": \"a\", \"metric\": \"scan_duration_ms\", \"comparator\": \">\", \"threshold\": 1, \"severity\": \"info\"}",
      "{\"name\": \"a\", \"metric\": \"equity_usd\", \"comparator\": \">\", \"threshold\": 1, \"severity\": \"info\", \"built_in\": true}",
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    int status = post(bad[i], "/api/alerts/rules");
    if (status != 422) fail_msg("%s: %d", bad[i], status);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_moved_stop_rests_at_the_venue),
      cmocka_unit_test(a_ladder_rests_at_the_venue),
      cmocka_unit_test(cancelled_orders_are_gone_and_stops_stay),
      cmocka_unit_test(cancel_all_lists_what_it_cancelled),
      cmocka_unit_test(bad_bodies_change_nothing),
      cmocka_unit_test(a_flow_is_the_venues_cash),
      cmocka_unit_test(commands_need_their_words),
      cmocka_unit_test(closing_closes_at_the_venue),
      cmocka_unit_test(an_operation_tells_its_steps),
      cmocka_unit_test(rules_raise_resolve_and_survive),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
