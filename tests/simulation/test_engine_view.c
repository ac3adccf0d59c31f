/* What others may read of the engine, and what its feeds do to it: the view never says more than is known (engine 8, api 3). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "core/strategy/setup.h"
#include "support/scripted_venue.h"
#include "support/trade_fixture.h"

static struct script script;

static void begin(int32_t symbols) {
  script_open(&script, &(struct script_options){.symbols = symbols});
  script_start(&script);
}

static const char *id_of(enum order_purpose purpose) {
  static char id[ORDER_ID_MAX];
  memcpy(id, script_order(&script, purpose)->client_order_id, sizeof id);
  return id;
}

/* ---- before anything is known ---- */

static struct command_reply first_reply;

static void keep_reply(void *context, enum record_kind kind, const void *object) {
  (void)context;
  if (kind == RECORD_COMMAND_REPLY) first_reply = *(const struct command_reply *)object;
}

static void an_engine_that_knows_nothing_says_so(void **state) {
  (void)state;
  struct arena arena;
  struct engine_limits limits = {.symbols = 1, .base_ms = 5 * MINUTE_MS};
  struct engine_config config = {.instance = "TEST02"};
  assert_int_equal(arena_open(&arena, engine_memory(&limits)), STATUS_OK);
  struct engine *engine = engine_init(&arena, &limits, &config, NULL);
  struct market_view view;
  struct setup setup;
  assert_null(engine_preset(engine));
  assert_int_equal(engine_symbol_count(engine), 0);
  assert_null(engine_reference(engine));
  assert_int_equal(engine_find_symbol(engine, "AAA/USDT:USDT"), -1);
  assert_false(engine_setup_read(engine, 0, &view, &setup));
  assert_false(engine_is_warm(engine));
  assert_int_equal(engine_account_at(engine), 0);
  assert_int_equal(engine_last_scan(engine)->scan_id, 0);
  assert_int_equal(engine_session(engine)->session_id, 0);
  struct engine_sink sink = {.on_record = keep_reply}; /* who wants no intents gets none */
  struct event start = {.ts = SCRIPT_START, .kind = EVENT_COMMAND, .command = {.command = COMMAND_START, .operation_id = 1}};
  engine_step(engine, &start, &sink);
  assert_int_equal(first_reply.status, COMMAND_FAILED);
  assert_string_equal(first_reply.code, "validation_failed");
  assert_int_equal(engine_session_state(engine), SESSION_IDLE);
  struct engine_sink nothing = {0};
  struct event kill = {.ts = SCRIPT_START, .kind = EVENT_COMMAND, .command = {.command = COMMAND_KILL_SWITCH, .operation_id = 2}};
  engine_step(engine, &kill, &nothing);
  assert_int_equal(engine_session_state(engine), SESSION_EMERGENCY);
  arena_close(&arena);
}

/* ---- commands ---- */

static bool may(enum command command) {
  return (engine_legal_commands(script.engine) & (1u << command)) != 0;
}

static void legal_commands_follow_the_state(void **state) {
  (void)state;
  begin(1);
  assert_true(may(COMMAND_PAUSE) && may(COMMAND_STOP) && may(COMMAND_SCAN_NOW) && may(COMMAND_KILL_SWITCH));
  assert_false(may(COMMAND_START) || may(COMMAND_RESUME) || may(COMMAND_RESET) || may(COMMAND_RETRY));
  script_command(&script, COMMAND_PAUSE);
  assert_true(may(COMMAND_RESUME));
  assert_false(may(COMMAND_PAUSE));
  script_command(&script, COMMAND_KILL_SWITCH);
  assert_true(may(COMMAND_RESET) && may(COMMAND_KILL_SWITCH));
  assert_false(may(COMMAND_START) || may(COMMAND_RESUME));
  script_close(&script);
}

/* The steps of the newest command that are true now, in words. */
static const char *done_steps(enum command command) {
  static char text[128];
  const char *names[OPERATION_STEPS_MAX];
  int count = operation_steps(command, names);
  uint32_t done = engine_operation_done(script.engine, engine_counters(script.engine)->operation);
  text[0] = '\0';
  for (int i = 0; i < count; i++) {
    if ((done & (1u << i)) != 0) snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", names[i]);
  }
  return text;
}

static void a_start_shows_how_far_it_is(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){0});
  script_command(&script, COMMAND_START);
  assert_string_equal(done_steps(COMMAND_START), "");
  script_answer(&script);
  assert_string_equal(done_steps(COMMAND_START), "account_read ");
  script_close(&script);
}

static void an_end_shows_how_far_it_is(void **state) {
  (void)state;
  begin(2);
  script_enter(&script, 0);
  char entry[ORDER_ID_MAX];
  memcpy(entry, script_break_out(&script, 1)->client_order_id, sizeof entry);
  script_ack(&script, entry);
  script_command(&script, COMMAND_TIME_STOP);
  assert_string_equal(done_steps(COMMAND_TIME_STOP), "draining ");
  script_command(&script, COMMAND_EMERGENCY_STOP);
  assert_string_equal(done_steps(COMMAND_EMERGENCY_STOP), "latched ");
  script_command(&script, COMMAND_KILL_SWITCH);
  assert_string_equal(done_steps(COMMAND_KILL_SWITCH), "latched ");
  script_update(&script, entry, CHANGE_CANCELLED);
  assert_string_equal(done_steps(COMMAND_KILL_SWITCH), "latched entries_cancelled ");
  script_ack(&script, id_of(PURPOSE_FLATTEN));
  script_fill_rest(&script, id_of(PURPOSE_FLATTEN), 100.9);
  assert_string_equal(done_steps(COMMAND_KILL_SWITCH), "latched entries_cancelled positions_closed ");
  for (int32_t i = 0; i < engine_order_count(script.engine); i++) {
    const struct order *order = engine_order(script.engine, i);
    if (order->state == ORDER_CANCELLING) script_update(&script, order->client_order_id, CHANGE_CANCELLED);
  }
  assert_int_equal(script.reply.status, COMMAND_DONE);
  assert_string_equal(done_steps(COMMAND_KILL_SWITCH), ""); /* over: the reply says the rest */
  script_close(&script);
}

static void a_pause_shows_how_far_it_is(void **state) {
  (void)state;
  begin(1);
  script_ack(&script, script_break_out(&script, 0)->client_order_id);
  script_command(&script, COMMAND_PAUSE);
  assert_string_equal(done_steps(COMMAND_PAUSE), "paused ");
  script_close(&script);
}

/* A command about one position or order is done or not: no step is shown before the whole. */
static void every_command_has_steps(void **state) {
  (void)state;
  const char *names[OPERATION_STEPS_MAX];
  for (int i = 0; i < command_count; i++) {
    int count = operation_steps((enum command)i, names);
    assert_true(count >= 1 && count <= OPERATION_STEPS_MAX);
    for (int k = 0; k < count; k++) assert_true(names[k] != NULL && names[k][0] != '\0');
  }
  assert_int_equal(operation_steps(COMMAND_RELOAD, names), 1);
  assert_string_equal(names[0], "done");
  begin(1);
  const struct position *position = script_enter(&script, 0);
  struct event_command cancel = {.command = COMMAND_CANCEL_ORDER};
  memcpy(cancel.client_order_id, position->targets[0].client_order_id, sizeof cancel.client_order_id);
  script_command_with(&script, cancel);
  assert_string_equal(done_steps(COMMAND_CANCEL_ORDER), "");
  script_close(&script);
}

/* ---- money ---- */

/* An entry of unknown fate may stand in the market: for what is left of it, at its price, or at the mark when it has none. An exit opens nothing. */
static void orders_of_unknown_fate_are_possible_money(void **state) {
  (void)state;
  for (int is_market = 0; is_market < 2; is_market++) {
    script_open(&script, &(struct script_options){.changes = {is_market ? "execution_config.use_limit_orders=false" : NULL}});
    script_start(&script);
    char entry[ORDER_ID_MAX];
    memcpy(entry, script_break_out(&script, 0)->client_order_id, sizeof entry);
    assert_int_equal(engine_possible_usd(script.engine), 0);
    script_update(&script, entry, CHANGE_NO_ANSWER);
    const struct order *order = script_find(&script, entry);
    assert_int_equal(order->price == DECIMAL_NULL, is_market);
    int64_t price = is_market ? 101 * DECIMAL_ONE : order->price;
    assert_int_equal(engine_possible_usd(script.engine), decimal_multiply(order->qty, price));
    script_fill_rest(&script, entry, 101);
    assert_int_equal(engine_possible_usd(script.engine), 0);
    char stop[ORDER_ID_MAX];
    memcpy(stop, id_of(PURPOSE_STOP), sizeof stop);
    script_update(&script, stop, CHANGE_NO_ANSWER);
    assert_int_equal(engine_possible_usd(script.engine), 0);
    script_close(&script);
  }
}

/* Shares of the notional by their correlation with the reference: what is not known is told as such. */
static void correlation_is_told_by_notional(void **state) {
  (void)state;
  double shares[correlation_bucket_count];
  script_open(&script, &(struct script_options){.symbols = 3});
  struct event reference = {.kind = EVENT_INSTRUMENT,
                            .instrument = {.symbol = 1, .is_reference = true, .is_whitelisted = true, .instrument_count = 1}};
  reference.instrument.instrument[0] = engine_market(script.engine, 1)->instrument;
  script_event(&script, reference);
  assert_ptr_equal(engine_reference(script.engine), engine_market(script.engine, 1));
  script.positions[0] = (struct venue_position){2, SIDE_LONG, 30 * DECIMAL_ONE, 99 * DECIMAL_ONE};
  script.position_count = 1;
  script_start(&script);
  engine_correlation_read(script.engine, shares);
  for (int i = 0; i < correlation_bucket_count; i++) assert_true(shares[i] == 0);
  script_command_with(&script, (struct event_command){.command = COMMAND_ADOPT, .symbol = "CCC/USDT:USDT", .price = 95 * DECIMAL_ONE});
  engine_correlation_read(script.engine, shares);
  assert_true(shares[CORRELATION_UNKNOWN] == 1 && shares[CORRELATION_HIGH] == 0);
  script_enter(&script, 0); /* its candles are those of the reference */
  engine_correlation_read(script.engine, shares);
  const struct position *known = engine_position(script.engine, 1);
  double known_usd = decimal_to_double(known->notional_usd);
  double unknown_usd = decimal_to_double(engine_position(script.engine, 0)->notional_usd);
  assert_true(known->btc_correlation > 0.7);
  assert_near(shares[CORRELATION_HIGH], known_usd / (known_usd + unknown_usd), 1e-12);
  assert_near(shares[CORRELATION_HIGH] + shares[CORRELATION_UNKNOWN], 1, 1e-12);
  script_close(&script);
}

/* Live orders without our mark are counted, whoever made them; ours and ended ones are not. */
static void foreign_orders_are_counted(void **state) {
  (void)state;
  begin(1);
  script_enter(&script, 0);
  script_agree(&script);
  script.orders[script.order_count++] = (struct venue_order){.client_order_id = "web-1", .symbol = 0, .state = ORDER_WORKING, .qty = DECIMAL_ONE};
  script.orders[script.order_count++] =
      (struct venue_order){.client_order_id = "web-2", .symbol = 0, .state = ORDER_PARTIALLY_FILLED, .qty = DECIMAL_ONE};
  script.orders[script.order_count++] = (struct venue_order){.client_order_id = "web-3", .symbol = 0, .state = ORDER_FILLED, .qty = DECIMAL_ONE};
  script_link(&script, LINK_DOWN);
  script_link(&script, LINK_UP);
  script_answer(&script);
  assert_int_equal(engine_foreign_orders(script.engine), 2);
  assert_true(engine_account_at(script.engine) == script.now);
  script_close(&script);
}

/* ---- scan, decisions, candidates ---- */

static void a_scan_shows_its_rows_candidates_and_setups(void **state) {
  (void)state;
  begin(2);
  assert_int_equal(engine_symbol_count(script.engine), 2);
  assert_int_equal(engine_find_symbol(script.engine, "BBB/USDT:USDT"), 1);
  assert_true(engine_last_scan(script.engine)->scan_id > 0);
  assert_int_equal(engine_scan_result_count(script.engine), 2);
  assert_int_equal(engine_scan_result(script.engine, 0)->rank, 1);
  assert_int_equal(engine_scan_result(script.engine, 1)->rank, 2);
  const struct candidate *candidate = engine_candidate(script.engine, 0);
  assert_non_null(candidate);
  assert_int_equal(candidate->state, CANDIDATE_WATCHING);
  assert_int_equal(engine_decision(script.engine, 0, STAGE_FILTER)->stage, STAGE_FILTER);
  assert_null(engine_decision(script.engine, 0, STAGE_POSITION));
  assert_null(engine_density(script.engine, 0)); /* the feed has no books and tapes */
  assert_null(engine_activity(script.engine, 0));
  struct market_view view;
  struct setup setup;
  assert_true(engine_setup_read(script.engine, 0, &view, &setup));
  assert_int_equal(setup.count, engine_market(script.engine, 0)->series[TIMEFRAME_5M].count);
  assert_near(setup.candles[setup.count - 1].close, 99.7, 1e-9);
  assert_true(setup.density == NULL && setup.levels == engine_levels(script.engine, 0));
  script_enter(&script, 0);
  assert_int_equal(engine_decision(script.engine, 0, STAGE_RISK)->verdict, VERDICT_PASSED);
  script_close(&script);
}

/* Without a level there is nothing to break out of: no candidate, and the scan says why. */
static void without_a_level_there_is_no_candidate(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){.changes = {"levels_rules.min_touches=20"}});
  script_start(&script);
  assert_int_equal(engine_levels(script.engine, 0)->active_count, 0);
  assert_null(engine_candidate(script.engine, 0));
  assert_false(engine_scan_result(script.engine, 0)->passed);
  const struct scan_record *scan = engine_last_scan(script.engine);
  assert_int_equal(scan->candidates, 0);
  assert_int_equal(scan->failed_by_filter_count, 1);
  assert_int_equal(scan->failed_by_filter[0].code, REASON_no_level);
  script_close(&script);
}

/* The newest 64 conditions are shown; an older one gives way. */
static void the_oldest_alert_gives_way(void **state) {
  (void)state;
  begin(1);
  for (int i = 0; i < 70; i++) {
    struct event event = {.kind = EVENT_FILL, .fill = {.symbol = -1, .qty = DECIMAL_ONE, .price = DECIMAL_ONE}};
    snprintf(event.fill.client_order_id, ORDER_ID_MAX, "web-%d", i);
    snprintf(event.fill.venue_fill_id, ORDER_ID_MAX, "f-%d", i);
    script_event(&script, event);
  }
  assert_int_equal(engine_alert_count(script.engine), 64);
  assert_string_equal(engine_alert(script.engine, 0)->subject, "web-6");
  assert_string_equal(engine_alert(script.engine, 63)->subject, "web-69");
  script_close(&script);
}

/* ---- feeds ---- */

static void candle(int64_t open_ts, double price) {
  struct event event = {.kind = EVENT_CANDLE, .candle = {0, open_ts, price, price + 0.1, price - 0.1, price, 10, 1000}};
  script_event(&script, event);
}

/* A candle that is there already, or is none, changes nothing and is counted. */
static void candles_that_say_nothing_are_dropped(void **state) {
  (void)state;
  begin(1);
  int64_t newest = market_candle_close_ts(engine_market(script.engine, 0));
  int64_t dropped = engine_counts(script.engine)->feed_dropped;
  int32_t count = engine_market(script.engine, 0)->series[TIMEFRAME_5M].count;
  int64_t levels = engine_counters(script.engine)->level;
  candle(newest - 5 * MINUTE_MS, 250);
  candle(newest, -1);
  assert_int_equal(engine_counts(script.engine)->feed_dropped, dropped + 2);
  assert_int_equal(engine_market(script.engine, 0)->series[TIMEFRAME_5M].count, count);
  assert_int_equal(market_candle_close_ts(engine_market(script.engine, 0)), newest);
  assert_int_equal(engine_counters(script.engine)->level, levels);
  script_close(&script);
}

/* One that comes late takes its place, and the levels become those that would stand if it had come in time. */
static void a_late_candle_takes_its_place(void **state) {
  (void)state;
  struct level_set in_time;
  for (int is_late = 0; is_late < 2; is_late++) {
    begin(1);
    int64_t next = market_candle_close_ts(engine_market(script.engine, 0));
    script.now = next + 15 * MINUTE_MS;
    if (!is_late) candle(next, 99.8);
    candle(next + 5 * MINUTE_MS, 99.9);
    if (is_late) candle(next, 99.8);
    candle(next + 10 * MINUTE_MS, 100);
    const struct level_set *levels = engine_levels(script.engine, 0);
    assert_true(levels->active_count > 0);
    if (!is_late) in_time = *levels;
    assert_int_equal(levels->active_count, in_time.active_count);
    for (int32_t i = 0; i < levels->active_count; i++) {
      assert_near(levels->active[i].price, in_time.active[i].price, 1e-12);
      assert_int_equal(levels->active[i].state, in_time.active[i].state);
    }
    script_close(&script);
  }
}

static void book(bool is_snapshot, int64_t first, int64_t last, int64_t bid, int64_t ask) {
  static struct book_level bids[1];
  static struct book_level asks[1];
  bids[0] = (struct book_level){bid, 100 * DECIMAL_ONE};
  asks[0] = (struct book_level){ask, 100 * DECIMAL_ONE};
  struct event event = {.kind = EVENT_BOOK, .book = {.symbol = 0, .is_snapshot = is_snapshot, .first_seq = first, .last_seq = last, .prev_seq = -1}};
  event.book.bids_count = event.book.asks_count = 1;
  event.book.bids = bids;
  event.book.asks = asks;
  script_event(&script, event);
}

static int32_t subscriptions(enum intent_kind kind, int32_t symbol) {
  int32_t count = 0;
  for (int32_t i = 0; i < script.intent_count; i++) {
    const struct intent *intent = &script.intents[i];
    if (intent->kind == (int32_t)kind) count += (kind == INTENT_SUBSCRIBE ? intent->subscribe.symbol : intent->unsubscribe.symbol) == symbol;
  }
  return count;
}

/* A book with a gap is worth nothing: it is dropped, counted, and asked for from its beginning. */
static void a_gap_in_the_book_asks_for_a_new_one(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){.capabilities = CAPABILITY_BOOK | CAPABILITY_TRADES, .book_depth = 20});
  assert_non_null(engine_density(script.engine, 0));
  assert_non_null(engine_activity(script.engine, 0));
  book(true, 1, 10, 99 * DECIMAL_ONE, 101 * DECIMAL_ONE);
  book(false, 11, 12, 99 * DECIMAL_ONE, 100 * DECIMAL_ONE);
  const struct order_book *kept = &engine_market(script.engine, 0)->book;
  assert_true(kept->is_valid && kept->asks[0].price == 100 * DECIMAL_ONE);
  script_forget(&script);
  int64_t dropped = engine_counts(script.engine)->feed_dropped;
  book(false, 15, 16, 98 * DECIMAL_ONE, 100 * DECIMAL_ONE);
  assert_false(kept->is_valid);
  assert_int_equal(engine_counts(script.engine)->feed_dropped, dropped + 1);
  assert_int_equal(subscriptions(INTENT_SUBSCRIBE, 0), 1);
  book(true, 20, 20, 99 * DECIMAL_ONE, 101 * DECIMAL_ONE);
  assert_true(kept->is_valid);
  assert_int_equal(subscriptions(INTENT_SUBSCRIBE, 0), 1);
  script_close(&script);
}

/* Three markets that are alike in everything: their names decide, not the order in which they arrived. */
static void names_decide_among_equals(void **state) {
  (void)state;
  static const char *const expected[] = {"AAA/USDT:USDT", "BBB/USDT:USDT", "CCC/USDT:USDT"};
  for (int is_reversed = 0; is_reversed < 2; is_reversed++) {
    script_open(&script, &(struct script_options){.symbols = 3, .is_reversed = is_reversed != 0});
    script_start(&script);
    assert_int_equal(engine_find_symbol(script.engine, expected[0]), is_reversed ? 2 : 0);
    for (int32_t i = 0; i < 3; i++) assert_string_equal(engine_scan_result(script.engine, i)->symbol, expected[i]);
    script_close(&script);
  }
}

/* Only the best are listened to closely: who falls behind for three scans is let go, and told so. */
static void who_falls_behind_is_listened_to_no_more(void **state) {
  (void)state;
  script_open(&script, &(struct script_options){.symbols = 2, .capabilities = CAPABILITY_BOOK | CAPABILITY_TRADES, .book_depth = 20});
  script_start(&script);
  assert_true(engine_is_deep(script.engine, 0) && engine_is_deep(script.engine, 1));
  struct symbol_flag flag = {.symbol = 1, .is_blacklisted = true};
  struct event event = {.kind = EVENT_PRESET, .preset_value = &script.preset, .preset_json = "{}"};
  event.preset.flags = &flag;
  event.preset.flags_count = 1;
  script_event(&script, event);
  script_forget(&script);
  for (int scans = 1; scans <= 3; scans++) {
    assert_int_equal(subscriptions(INTENT_UNSUBSCRIBE, 1), 0);
    assert_true(engine_is_deep(script.engine, 1));
    script_pass(&script, 5000);
    script_command(&script, COMMAND_SCAN_NOW);
    script_pass(&script, 100);
  }
  assert_int_equal(subscriptions(INTENT_UNSUBSCRIBE, 1), 1);
  assert_false(engine_is_deep(script.engine, 1));
  assert_true(engine_is_deep(script.engine, 0));
  script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_engine_that_knows_nothing_says_so),
      cmocka_unit_test(legal_commands_follow_the_state),
      cmocka_unit_test(a_start_shows_how_far_it_is),
      cmocka_unit_test(a_pause_shows_how_far_it_is),
      cmocka_unit_test(an_end_shows_how_far_it_is),
      cmocka_unit_test(every_command_has_steps),
      cmocka_unit_test(orders_of_unknown_fate_are_possible_money),
      cmocka_unit_test(correlation_is_told_by_notional),
      cmocka_unit_test(foreign_orders_are_counted),
      cmocka_unit_test(a_scan_shows_its_rows_candidates_and_setups),
      cmocka_unit_test(without_a_level_there_is_no_candidate),
      cmocka_unit_test(the_oldest_alert_gives_way),
      cmocka_unit_test(candles_that_say_nothing_are_dropped),
      cmocka_unit_test(a_late_candle_takes_its_place),
      cmocka_unit_test(a_gap_in_the_book_asks_for_a_new_one),
      cmocka_unit_test(names_decide_among_equals),
      cmocka_unit_test(who_falls_behind_is_listened_to_no_more),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
