/* Rules, account, funding, queries and the snapshot of the paper venue. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "core/market/capability.h"
#include "support/sim_fixture.h"

static struct sim_fixture fixture;

static struct sim_fixture *start(void) {
  fixture_start(&fixture, NULL);
  return &fixture;
}

static int teardown(void **state) {
  (void)state;
  fixture_close(&fixture);
  return 0;
}

static int64_t decimals(double value) {
  return decimal_from_double(value);
}

static void flat_candle(double price) {
  fixture_candle(&fixture, 0, price, price, price, price);
}

static void check_refused(struct order order, enum reject_kind kind, const char *code) {
  fixture_clear(&fixture);
  fixture_send(&fixture, 0, order);
  fixture_poll(&fixture, NULL);
  assert_int_equal(fixture.event_count, 1);
  const struct event *event = fixture_event(&fixture, EVENT_ORDER_REJECT, 0);
  assert_int_equal(event->order_reject.kind, kind);
  assert_string_equal(event->order_reject.code, code);
}

/* ---- refusals ---- */

static void rules_of_the_instrument(void **state) {
  (void)state;
  start();
  check_refused(fixture_order(ORDER_BUY, ORDER_LIMIT, 1, 99.95), REJECT_RULE, "tick");
  check_refused(fixture_order(ORDER_BUY, ORDER_LIMIT, 1.005, 99), REJECT_RULE, "lot");
  check_refused(fixture_order(ORDER_BUY, ORDER_LIMIT, 0, 99), REJECT_RULE, "lot");
  check_refused(fixture_order(ORDER_BUY, ORDER_LIMIT, 10000.01, 99), REJECT_RULE, "max_qty");
  check_refused(fixture_order(ORDER_BUY, ORDER_MARKET, 5000.01, 0), REJECT_RULE, "max_qty");
  check_refused(fixture_order(ORDER_BUY, ORDER_LIMIT, 0.05, 99.9), REJECT_RULE, "min_notional"); /* 4.995 USD of 5 */
  struct order order = fixture_order(ORDER_BUY, ORDER_LIMIT, 1, 99);
  order.price = DECIMAL_NULL;
  check_refused(order, REJECT_RULE, "bad_fields");
  fixture_clear(&fixture);
  fixture_send(&fixture, 3, fixture_order(ORDER_BUY, ORDER_MARKET, 1, 0));
  fixture_send(&fixture, 99, fixture_order(ORDER_BUY, ORDER_MARKET, 1, 0));
  fixture_poll(&fixture, NULL);
  assert_string_equal(fixture_event(&fixture, EVENT_ORDER_REJECT, 0)->order_reject.code, "unknown_symbol");
  assert_string_equal(fixture_event(&fixture, EVENT_ORDER_REJECT, 1)->order_reject.code, "unknown_symbol");
}

/* 100 000 USD at leverage 10 with a taker fee of 5 bps: 1 000 000/1.005 = 995 024.8 USD fit. At 200 that is 4 975.12 units. */
static void margin_covers_the_order_and_its_fee(void **state) {
  (void)state;
  start();
  flat_candle(200);
  check_refused(fixture_order(ORDER_BUY, ORDER_LIMIT, 4975.13, 200), REJECT_MARGIN, "margin");
  fixture_clear(&fixture);
  fixture_send(&fixture, 0, fixture_order(ORDER_BUY, ORDER_LIMIT, 4975.12, 200));
  fixture_poll(&fixture, NULL);
  assert_int_equal(fixture_count(&fixture, EVENT_ORDER_ACK), 1);
  check_refused(fixture_order(ORDER_BUY, ORDER_LIMIT, 30, 200), REJECT_MARGIN, "margin"); /* the working entry holds it */
}

static void reduce_only_needs_a_position(void **state) {
  (void)state;
  start();
  struct order order = fixture_order(ORDER_SELL, ORDER_LIMIT, 1, 110);
  order.reduce_only = true;
  check_refused(order, REJECT_REDUCE_ONLY, "reduce_only");
  fixture_send(&fixture, 0, fixture_order(ORDER_SELL, ORDER_MARKET, 1, 0));
  flat_candle(100);
  check_refused(order, REJECT_REDUCE_ONLY, "reduce_only"); /* it would enlarge the short */
}

static void stop_beyond_the_price(void **state) {
  (void)state;
  start();
  fixture_send(&fixture, 0, fixture_order(ORDER_BUY, ORDER_MARKET, 1, 0));
  flat_candle(100);
  check_refused(fixture_order(ORDER_SELL, ORDER_STOP_MARKET, 1, 100), REJECT_PRICE, "trigger_passed");
  check_refused(fixture_order(ORDER_SELL, ORDER_STOP_MARKET, 1, 101), REJECT_PRICE, "trigger_passed");
}

static void post_only_would_take(void **state) {
  (void)state;
  start();
  struct order order = fixture_order(ORDER_BUY, ORDER_LIMIT, 1, 100.1);
  order.post_only = true;
  check_refused(order, REJECT_POST_ONLY, "post_only");
  order.price = decimals(100);
  fixture_send(&fixture, 0, order);
  fixture_candle(&fixture, 0, 99, 100, 98, 99); /* the open is lower: a resting order pays its limit */
  const struct event *event = fixture_event(&fixture, EVENT_FILL, 0);
  assert_int_equal(event->fill.price, decimals(100));
  assert_int_equal(event->fill.liquidity, LIQUIDITY_MAKER);
}

static void client_id_is_used_once(void **state) {
  (void)state;
  start();
  struct order order = fixture_order(ORDER_BUY, ORDER_LIMIT, 1, 90);
  text_copy(order.client_order_id, sizeof order.client_order_id, "twice");
  fixture_send(&fixture, 0, order);
  fixture_cancel(&fixture, 0, "twice");
  fixture_poll(&fixture, NULL);
  check_refused(order, REJECT_OTHER, "duplicate");
}

/* ---- reduce only, flips ---- */

static void reduce_only_never_flips(void **state) {
  (void)state;
  start();
  fixture_send(&fixture, 0, fixture_order(ORDER_BUY, ORDER_MARKET, 2, 0));
  flat_candle(100);
  fixture_clear(&fixture);
  struct order order = fixture_order(ORDER_SELL, ORDER_MARKET, 5, 0);
  order.reduce_only = true;
  fixture_send(&fixture, 0, order);
  flat_candle(101);
  assert_int_equal(fixture_event(&fixture, EVENT_FILL, 0)->fill.qty, decimals(2));
  const struct event *event = fixture_event(&fixture, EVENT_ORDER_UPDATE, 0);
  assert_int_equal(event->order_update.change, CHANGE_CANCELLED);
  assert_int_equal(event->order_update.filled_qty, decimals(2));
  assert_false(sim_position(&fixture.sim, 0, &(struct venue_position){0}));
}

static void plain_order_flips(void **state) {
  (void)state;
  start();
  fixture_send(&fixture, 0, fixture_order(ORDER_BUY, ORDER_MARKET, 2, 0));
  flat_candle(100);
  fixture_send(&fixture, 0, fixture_order(ORDER_SELL, ORDER_MARKET, 5, 0));
  flat_candle(110);
  struct venue_position position = {0};
  assert_true(sim_position(&fixture.sim, 0, &position));
  assert_int_equal(position.side, SIDE_SHORT);
  assert_int_equal(position.qty, decimals(3));
  assert_int_equal(position.entry, decimals(110));
  struct sim_account account;
  sim_account(&fixture.sim, &account);
  assert_int_equal(account.realised_usd, decimals(20));
  fixture_check_account(&fixture, (double[]){110, 0}, 2);
}

/* 1 at 100 and 2 at 103: 102. A reduction leaves it; realised 1.5 * (104 - 102) = 3. */
static void average_entry_is_weighted(void **state) {
  (void)state;
  start();
  fixture_send(&fixture, 0, fixture_order(ORDER_BUY, ORDER_MARKET, 1, 0));
  flat_candle(100);
  fixture_send(&fixture, 0, fixture_order(ORDER_BUY, ORDER_MARKET, 2, 0));
  flat_candle(103);
  fixture_send(&fixture, 0, fixture_order(ORDER_SELL, ORDER_MARKET, 1.5, 0));
  flat_candle(104);
  struct venue_position position = {0};
  assert_true(sim_position(&fixture.sim, 0, &position));
  assert_int_equal(position.entry, decimals(102));
  struct sim_account account;
  sim_account(&fixture.sim, &account);
  assert_int_equal(account.realised_usd, decimals(3));
  assert_int_equal(account.unrealised_usd, decimals(3));
  assert_int_equal(account.margin_used_usd, decimals(15.6)); /* 1.5 * 104/10 */
}

/* ---- amend, cancel ---- */

static void amend_changes_a_resting_order(void **state) {
  (void)state;
  start();
  const char *id = fixture_send(&fixture, 0, fixture_order(ORDER_BUY, ORDER_LIMIT, 1, 90));
  flat_candle(100);
  fixture_clear(&fixture);
  fixture_amend(&fixture, 0, id, 3, 95, 0);
  fixture_amend(&fixture, 0, id, 3, 95.05, 0);
  fixture_amend(&fixture, 0, "nobody", 3, 95, 0);
  fixture_poll(&fixture, NULL);
  const struct event_order_update *update = &fixture_event(&fixture, EVENT_ORDER_UPDATE, 0)->order_update;
  assert_int_equal(update->change, CHANGE_AMENDED);
  assert_int_equal(update->qty, decimals(3));
  assert_int_equal(update->price, decimals(95));
  update = &fixture_event(&fixture, EVENT_ORDER_UPDATE, 1)->order_update;
  assert_int_equal(update->change, CHANGE_AMEND_REFUSED);
  assert_string_equal(update->code, "tick");
  update = &fixture_event(&fixture, EVENT_ORDER_UPDATE, 2)->order_update;
  assert_int_equal(update->change, CHANGE_AMEND_REFUSED);
  assert_string_equal(update->code, "not_found");
  fixture_candle(&fixture, 0, 97, 97, 94, 96);
  assert_int_equal(fixture_event(&fixture, EVENT_FILL, 0)->fill.qty, decimals(3));
  assert_int_equal(fixture_event(&fixture, EVENT_FILL, 0)->fill.price, decimals(95));
}

static void stop_is_amended_but_not_beyond_the_price(void **state) {
  (void)state;
  start();
  fixture_send(&fixture, 0, fixture_order(ORDER_BUY, ORDER_MARKET, 2, 0));
  flat_candle(100);
  const char *id = fixture_send(&fixture, 0, fixture_order(ORDER_SELL, ORDER_STOP_MARKET, 2, 90));
  fixture_clear(&fixture);
  fixture_amend(&fixture, 0, id, 2, 0, 100);
  fixture_amend(&fixture, 0, id, 1, 0, 95);
  fixture_poll(&fixture, NULL);
  assert_string_equal(fixture_event(&fixture, EVENT_ORDER_UPDATE, 0)->order_update.code, "trigger_passed");
  assert_int_equal(fixture_event(&fixture, EVENT_ORDER_UPDATE, 1)->order_update.trigger_price, decimals(95));
  flat_candle(98);
  flat_candle(98);
  assert_int_equal(sim_unprotected_ms(&fixture.sim), 3 * MINUTE); /* bare until the stop came, then covered by half */
}

static void cancel_and_what_is_not_found(void **state) {
  (void)state;
  start();
  const char *id = fixture_send(&fixture, 0, fixture_order(ORDER_BUY, ORDER_LIMIT, 1, 90));
  fixture_cancel(&fixture, 0, id);
  fixture_cancel(&fixture, 0, id);
  fixture_poll(&fixture, NULL);
  assert_int_equal(fixture_event(&fixture, EVENT_ORDER_UPDATE, 0)->order_update.change, CHANGE_CANCELLED);
  assert_int_equal(fixture_event(&fixture, EVENT_ORDER_REJECT, 0)->order_reject.kind, REJECT_NOT_FOUND);
  flat_candle(80);
  assert_int_equal(fixture_count(&fixture, EVENT_FILL), 0);
}

/* ---- queries ---- */

static void queries_tell_what_is(void **state) {
  (void)state;
  struct sim_fixture *f = start();
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_MARKET, 2, 0));
  flat_candle(100);
  const char *stop = fixture_send(f, 0, fixture_order(ORDER_SELL, ORDER_STOP_MARKET, 2, 90));
  int64_t between = f->now + 1;
  fixture_send(f, 0, fixture_order(ORDER_SELL, ORDER_MARKET, 1, 0));
  flat_candle(101);
  struct event second = *fixture_event(f, EVENT_FILL, 1);
  fixture_clear(f);
  fixture_query(f, QUERY_FILLS, "", between);
  fixture_query(f, QUERY_ORDERS, "", 0);
  fixture_query(f, QUERY_POSITIONS, "", 0);
  fixture_query(f, QUERY_ACCOUNT, "", 0);
  fixture_query(f, QUERY_ORDER, stop, 0);
  fixture_query(f, QUERY_ORDER, "nobody", 0);
  struct event event;
  assert_true(f->venue.poll(f->venue.self, f->now, &event)); /* the second fill happened at the close of the first candle, before `between` */
  assert_int_equal(event.kind, EVENT_QUERY_RESULT);
  assert_int_equal(event.query_result.query, QUERY_FILLS);
  assert_true(f->venue.poll(f->venue.self, f->now, &event));
  assert_int_equal(event.query_result.query, QUERY_ORDERS);
  assert_int_equal(event.query_result.orders_count, 1);
  assert_string_equal(event.query_result.orders[0].client_order_id, stop);
  assert_int_equal(event.query_result.orders[0].state, ORDER_UNTRIGGERED);
  assert_true(f->venue.poll(f->venue.self, f->now, &event));
  assert_int_equal(event.kind, EVENT_VENUE_POSITIONS);
  assert_true(event.venue_positions.is_complete);
  assert_int_equal(event.venue_positions.positions_count, 1);
  assert_int_equal(event.venue_positions.positions[0].qty, decimals(1));
  assert_true(f->venue.poll(f->venue.self, f->now, &event));
  struct sim_account account;
  sim_account(&f->sim, &account);
  assert_int_equal(event.account.cash_usd, account.cash_usd);
  assert_int_equal(event.account.taker_fee_bps, 5 * DECIMAL_ONE);
  assert_true(f->venue.poll(f->venue.self, f->now, &event));
  assert_true(event.query_result.is_found);
  assert_int_equal(event.query_result.orders[0].trigger_price, decimals(90));
  assert_true(f->venue.poll(f->venue.self, f->now, &event));
  assert_false(event.query_result.is_found);
  assert_int_equal(event.query_result.orders_count, 0);
  fixture_query(f, QUERY_FILLS, "", second.ts);
  fixture_poll(f, NULL);
  assert_int_equal(fixture_count(f, EVENT_FILL), 1);
  assert_string_equal(fixture_event(f, EVENT_FILL, 0)->fill.venue_fill_id, second.fill.venue_fill_id);
}

/* ---- funding ---- */

#define SETTLEMENT (FIXTURE_START / 28800000 * 28800000 + 28800000)

static void funding_event(struct sim_fixture *f, int64_t ts, double rate, int64_t next) {
  struct event event = {.ts = ts, .kind = EVENT_FUNDING_RATE, .funding_rate = {.symbol = 0, .rate = rate, .next_funding_at = next}};
  f->now = ts;
  f->venue.on_market(f->venue.self, &event);
  fixture_poll(f, NULL);
}

static void open_before_settlement(struct sim_fixture *f, enum order_side side) {
  f->now = SETTLEMENT - 3 * MINUTE;
  fixture_send(f, 0, fixture_order(side, ORDER_MARKET, 10, 0));
  flat_candle(100);
  fixture_clear(f);
}

/* Announced before: a long of 10 at mark 102 pays 1 020 * 0.0001 = 0.102. */
static void announced_rate_is_paid_at_the_settlement(void **state) {
  (void)state;
  struct sim_fixture *f = start();
  open_before_settlement(f, ORDER_BUY);
  funding_event(f, f->now, 0.0001, SETTLEMENT);
  flat_candle(101);
  flat_candle(102); /* closes at the settlement */
  assert_int_equal(fixture_count(f, EVENT_FUNDING_PAYMENT), 0);
  flat_candle(103);
  const struct event *event = fixture_event(f, EVENT_FUNDING_PAYMENT, 0);
  assert_int_equal(event->ts, SETTLEMENT);
  assert_int_equal(event->funding_payment.amount_usd, decimals(-0.102));
  flat_candle(103);
  assert_int_equal(fixture_count(f, EVENT_FUNDING_PAYMENT), 1);
}

/* A history tells the rate at the settlement itself; a short receives a positive rate. */
static void settled_rate_is_paid_when_it_is_told(void **state) {
  (void)state;
  struct sim_fixture *f = start();
  open_before_settlement(f, ORDER_SELL);
  flat_candle(101);
  flat_candle(102);
  funding_event(f, SETTLEMENT, 0.0002, SETTLEMENT + 28800000);
  assert_int_equal(fixture_event(f, EVENT_FUNDING_PAYMENT, 0)->funding_payment.amount_usd, decimals(0.204));
  flat_candle(103);
  assert_int_equal(fixture_count(f, EVENT_FUNDING_PAYMENT), 1);
}

static void unknown_rate_is_counted(void **state) {
  (void)state;
  struct sim_fixture *f = start();
  open_before_settlement(f, ORDER_BUY);
  for (int i = 0; i < 4; i++) flat_candle(100);
  struct sim_account account;
  sim_account(&f->sim, &account);
  assert_int_equal(account.funding_unknown, 1);
  assert_int_equal(account.funding_usd, 0);
}

/* Filled inside the candle that closes at the settlement: open at that instant. */
static void position_opened_just_before_the_settlement_pays(void **state) {
  (void)state;
  struct sim_fixture *f = start();
  f->now = SETTLEMENT - 2 * MINUTE;
  funding_event(f, f->now, 0.0001, SETTLEMENT);
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_LIMIT, 10, 99));
  f->now = SETTLEMENT - MINUTE;
  fixture_candle(f, 0, 100, 100, 98, 100);
  assert_int_equal(fixture_event(f, EVENT_FILL, 0)->ts, SETTLEMENT);
  flat_candle(100);
  assert_int_equal(fixture_event(f, EVENT_FUNDING_PAYMENT, 0)->funding_payment.amount_usd, decimals(-0.1));
}

static void position_opened_at_the_settlement_pays_nothing(void **state) {
  (void)state;
  struct sim_fixture *f = start();
  f->now = SETTLEMENT;
  funding_event(f, SETTLEMENT - 1, 0.0001, SETTLEMENT);
  f->now = SETTLEMENT;
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_MARKET, 10, 0));
  flat_candle(100);
  flat_candle(100);
  assert_int_equal(fixture_count(f, EVENT_FILL), 1);
  assert_int_equal(fixture_count(f, EVENT_FUNDING_PAYMENT), 0);
}

/* ---- fees, end of data, snapshot ---- */

static void fees_follow_the_preset(void **state) {
  (void)state;
  struct sim_fixture *f = start();
  fixture_submit(f, &(struct intent){.ts = f->now, .kind = INTENT_SET_FEES, .set_fees = {.taker_fee_bps = 6.5, .maker_fee_bps = -1}});
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_MARKET, 10, 0));
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_LIMIT, 10, 90));
  fixture_candle(f, 0, 100, 100, 89, 95);
  assert_int_equal(fixture_event(f, EVENT_FILL, 0)->fill.fee_usd, decimals(0.65));
  assert_int_equal(fixture_event(f, EVENT_FILL, 1)->fill.fee_usd, decimals(-0.09));
}

static void after_the_last_candle_orders_fill_at_its_close(void **state) {
  (void)state;
  struct sim_fixture *f = start();
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_MARKET, 10, 0));
  fixture_candle(f, 0, 100, 105, 100, 104);
  f->venue.on_market(f->venue.self, &(struct event){.ts = f->now, .kind = EVENT_END_OF_DATA});
  struct order order = fixture_order(ORDER_SELL, ORDER_MARKET, 10, 0);
  order.reduce_only = true;
  fixture_send(f, 0, order);
  fixture_poll(f, NULL);
  assert_int_equal(fixture_event(f, EVENT_FILL, 1)->fill.price, decimals(104));
  assert_int_equal(fixture_event(f, EVENT_FILL, 1)->ts, f->now);
  assert_false(sim_position(&f->sim, 0, &(struct venue_position){0}));
}

static void snapshot_continues_the_same(void **state) {
  (void)state;
  struct sim_fixture *f = start();
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_MARKET, 10, 0));
  flat_candle(100);
  fixture_send(f, 0, fixture_order(ORDER_SELL, ORDER_STOP_MARKET, 10, 95));
  struct sim_options options = f->sim.options;
  size_t size = f->venue.snapshot_size(f->venue.self);
  unsigned char *image = malloc(size);
  assert_non_null(image);
  f->venue.snapshot_save(f->venue.self, image);
  static struct sim_fixture copy;
  fixture_open(&copy, &options);
  assert_int_equal(copy.venue.snapshot_load(copy.venue.self, image, size), STATUS_OK);
  copy.now = f->now;
  fixture_clear(f);
  for (int i = 0; i < 3; i++) {
    fixture_candle(f, 0, 100 - 2 * i, 100, 94, 98);
    fixture_candle(&copy, 0, 100 - 2 * i, 100, 94, 98);
  }
  assert_int_equal(f->event_count, copy.event_count);
  assert_int_equal(fixture_count(&copy, EVENT_FILL), 1);
  for (int32_t i = 0; i < f->event_count; i++) assert_memory_equal(&f->events[i].fill, &copy.events[i].fill, sizeof f->events[i].fill);
  assert_int_equal(copy.venue.snapshot_load(copy.venue.self, image, size - 1), STATUS_TRUNCATED);
  image[0] ^= 1;
  assert_int_equal(copy.venue.snapshot_load(copy.venue.self, image, size), STATUS_NEWER_VERSION);
  fixture_close(&copy);
  free(image);
}

static void bad_options_are_refused(void **state) {
  (void)state;
  start();
  struct sim_options options = fixture_options();
  struct sim sim;
  options.max_participation = NAN;
  assert_int_equal(sim_open(&sim, &options), STATUS_BAD_CONFIG);
  options = fixture_options();
  options.symbols = 0;
  assert_int_equal(sim_open(&sim, &options), STATUS_BAD_CONFIG);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(rules_of_the_instrument, teardown),
      cmocka_unit_test_teardown(margin_covers_the_order_and_its_fee, teardown),
      cmocka_unit_test_teardown(reduce_only_needs_a_position, teardown),
      cmocka_unit_test_teardown(stop_beyond_the_price, teardown),
      cmocka_unit_test_teardown(post_only_would_take, teardown),
      cmocka_unit_test_teardown(client_id_is_used_once, teardown),
      cmocka_unit_test_teardown(reduce_only_never_flips, teardown),
      cmocka_unit_test_teardown(plain_order_flips, teardown),
      cmocka_unit_test_teardown(average_entry_is_weighted, teardown),
      cmocka_unit_test_teardown(amend_changes_a_resting_order, teardown),
      cmocka_unit_test_teardown(stop_is_amended_but_not_beyond_the_price, teardown),
      cmocka_unit_test_teardown(cancel_and_what_is_not_found, teardown),
      cmocka_unit_test_teardown(queries_tell_what_is, teardown),
      cmocka_unit_test_teardown(announced_rate_is_paid_at_the_settlement, teardown),
      cmocka_unit_test_teardown(settled_rate_is_paid_when_it_is_told, teardown),
      cmocka_unit_test_teardown(unknown_rate_is_counted, teardown),
      cmocka_unit_test_teardown(position_opened_just_before_the_settlement_pays, teardown),
      cmocka_unit_test_teardown(position_opened_at_the_settlement_pays_nothing, teardown),
      cmocka_unit_test_teardown(fees_follow_the_preset, teardown),
      cmocka_unit_test_teardown(after_the_last_candle_orders_fill_at_its_close, teardown),
      cmocka_unit_test_teardown(snapshot_continues_the_same, teardown),
      cmocka_unit_test_teardown(bad_options_are_refused, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
