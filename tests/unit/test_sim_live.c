/* Fills with a book and public trades, each rule of execution 8.2 and 8.3 by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/market/capability.h"
#include "support/sim_fixture.h"

static struct sim_fixture fixture;
static int64_t book_seq;

static int64_t decimals(double value) {
  return decimal_from_double(value);
}

static void market(struct event event) {
  event.ts = fixture.now;
  fixture.venue.on_market(fixture.venue.self, &event);
  fixture_poll(&fixture, NULL);
}

/* One level a side at most, by price and quantity; a price of 0: none. */
static void delta(double bid, double bid_qty, double ask, double ask_qty) {
  struct book_level bids = {decimals(bid), decimals(bid_qty)};
  struct book_level asks = {decimals(ask), decimals(ask_qty)};
  book_seq++;
  market((struct event){
      .kind = EVENT_BOOK,
      .book = {
          .first_seq = book_seq, .last_seq = book_seq, .prev_seq = -1, .bids_count = bid > 0, .bids = &bids, .asks_count = ask > 0, .asks = &asks}});
}

/* bids 99.9 x 5, 99.8 x 10; asks 100.1 x 5, 100.2 x 10 */
static void snapshot(void) {
  struct book_level bids[] = {{decimals(99.9), decimals(5)}, {decimals(99.8), decimals(10)}};
  struct book_level asks[] = {{decimals(100.1), decimals(5)}, {decimals(100.2), decimals(10)}};
  book_seq++;
  market((struct event){.kind = EVENT_BOOK,
                        .book = {.is_snapshot = true,
                                 .first_seq = book_seq,
                                 .last_seq = book_seq,
                                 .prev_seq = -1,
                                 .bids_count = 2,
                                 .bids = bids,
                                 .asks_count = 2,
                                 .asks = asks}});
}

static void print(double price, double qty) {
  struct public_trade trade = {.ts = fixture.now, .price = decimals(price), .qty = decimals(qty)};
  market((struct event){.kind = EVENT_PUBLIC_TRADES, .public_trades = {.symbol = 0, .trades_count = 1, .trades = &trade}});
}

static void mark(double price) {
  market((struct event){.kind = EVENT_TICKER,
                        .ticker = {.last = NAN, .bid = NAN, .ask = NAN, .mark = price, .index = NAN, .turnover_24h = NAN, .change_24h_pct = NAN}});
}

static struct sim_fixture *start_with(struct sim_options options, int32_t capabilities) {
  book_seq = 100;
  fixture_open(&fixture, &options);
  fixture_announce(&fixture, 0, capabilities);
  fixture_leverage(&fixture, 0, 10);
  if ((capabilities & CAPABILITY_BOOK) != 0) snapshot();
  if ((capabilities & CAPABILITY_TRADES) != 0) print(100, 1);
  fixture_poll(&fixture, NULL);
  fixture_clear(&fixture);
  return &fixture;
}

static struct sim_fixture *start(void) {
  return start_with(fixture_options(), CAPABILITY_BOOK | CAPABILITY_TRADES | CAPABILITY_TICKER);
}

static int teardown(void **state) {
  (void)state;
  fixture_close(&fixture);
  return 0;
}

static const char *send(enum order_side side, enum order_type type, double qty, double price) {
  const char *id = fixture_send(&fixture, 0, fixture_order(side, type, qty, price));
  fixture_poll(&fixture, NULL);
  return id;
}

static void check_fill(int32_t n, double qty, double price, enum liquidity liquidity) {
  const struct event *event = fixture_event(&fixture, EVENT_FILL, n);
  assert_int_equal(event->fill.qty, decimals(qty));
  assert_int_equal(event->fill.price, decimals(price));
  assert_int_equal(event->fill.liquidity, liquidity);
}

static void check_update(int32_t n, enum order_change change, const char *code) {
  const struct event *event = fixture_event(&fixture, EVENT_ORDER_UPDATE, n);
  assert_int_equal(event->order_update.change, change);
  assert_string_equal(event->order_update.code, code);
}

/* ---- latency ---- */

static void orders_act_after_the_latency(void **state) {
  (void)state;
  struct sim_options options = fixture_options();
  options.latency_ms = 50;
  struct sim_fixture *f = start_with(options, CAPABILITY_BOOK | CAPABILITY_TRADES);
  f->now += 100;
  fixture_poll(f, NULL);
  int64_t sent_at = f->now;
  const char *id = send(ORDER_BUY, ORDER_MARKET, 1, 0);
  assert_int_equal(f->event_count, 0);
  assert_int_equal(f->venue.next_due(f->venue.self), sent_at + 50);
  f->now = sent_at + 20;
  delta(0, 0, 100.1, 0); /* the best ask goes before the order acts */
  f->now = sent_at + 49;
  fixture_poll(f, NULL);
  assert_int_equal(f->event_count, 0);
  f->now = sent_at + 50;
  fixture_poll(f, NULL);
  assert_string_equal(fixture_event(f, EVENT_ORDER_ACK, 0)->order_ack.client_order_id, id);
  assert_int_equal(fixture_event(f, EVENT_ORDER_ACK, 0)->ts, sent_at + 50);
  check_fill(0, 1, 100.2, LIQUIDITY_TAKER);
  assert_int_equal(f->venue.next_due(f->venue.self), INT64_MAX);
}

static void cancel_can_come_too_late(void **state) {
  (void)state;
  struct sim_options options = fixture_options();
  options.latency_ms = 50;
  struct sim_fixture *f = start_with(options, CAPABILITY_BOOK | CAPABILITY_TRADES);
  const char *id = send(ORDER_BUY, ORDER_LIMIT, 1, 99.5);
  f->now += 50;
  fixture_poll(f, NULL);
  fixture_cancel(f, 0, id);
  f->now += 49;
  print(99.4, 5);
  check_fill(0, 1, 99.5, LIQUIDITY_MAKER);
  f->now += 1;
  fixture_poll(f, NULL);
  assert_int_equal(fixture_event(f, EVENT_ORDER_REJECT, 0)->order_reject.kind, REJECT_NOT_FOUND);
}

/* ---- walking the book ---- */

static void market_order_walks_the_levels(void **state) {
  (void)state;
  struct sim_fixture *f = start();
  send(ORDER_BUY, ORDER_MARKET, 8, 0);
  check_fill(0, 5, 100.1, LIQUIDITY_TAKER);
  check_fill(1, 3, 100.2, LIQUIDITY_TAKER);
  assert_int_equal(f->sim.options.latency_ms, 0);
}

static void what_the_book_does_not_hold_is_cancelled(void **state) {
  (void)state;
  start();
  send(ORDER_SELL, ORDER_MARKET, 20, 0);
  check_fill(0, 5, 99.9, LIQUIDITY_TAKER);
  check_fill(1, 10, 99.8, LIQUIDITY_TAKER);
  check_update(0, CHANGE_CANCELLED, "no_liquidity");
}

static void levels_stay_consumed_until_the_feed_tells_them_anew(void **state) {
  (void)state;
  struct sim_fixture *f = start();
  send(ORDER_BUY, ORDER_MARKET, 5, 0);
  delta(99.9, 6, 0, 0); /* another level */
  send(ORDER_BUY, ORDER_MARKET, 1, 0);
  check_fill(1, 1, 100.2, LIQUIDITY_TAKER);
  delta(0, 0, 100.1, 2);
  send(ORDER_BUY, ORDER_MARKET, 3, 0);
  check_fill(2, 2, 100.1, LIQUIDITY_TAKER);
  check_fill(3, 1, 100.2, LIQUIDITY_TAKER);
  snapshot();
  send(ORDER_BUY, ORDER_MARKET, 5, 0);
  check_fill(4, 5, 100.1, LIQUIDITY_TAKER);
  fixture_check_account(f, (double[]){100}, 1);
}

static void marketable_limit_takes_up_to_its_limit_and_rests(void **state) {
  (void)state;
  start();
  send(ORDER_BUY, ORDER_LIMIT, 8, 100.1);
  check_fill(0, 5, 100.1, LIQUIDITY_TAKER);
  assert_int_equal(fixture_count(&fixture, EVENT_FILL), 1);
  print(100, 2);
  check_fill(1, 2, 100.1, LIQUIDITY_MAKER);
}

static void ioc_cancels_the_rest_and_fok_takes_all_or_nothing(void **state) {
  (void)state;
  start();
  struct order order = fixture_order(ORDER_BUY, ORDER_LIMIT, 8, 100.1);
  order.time_in_force = TIF_FOK;
  fixture_send(&fixture, 0, order);
  fixture_poll(&fixture, NULL);
  assert_int_equal(fixture_count(&fixture, EVENT_FILL), 0);
  check_update(0, CHANGE_CANCELLED, "fok");
  order.price = decimals(100.2);
  fixture_send(&fixture, 0, order);
  fixture_poll(&fixture, NULL);
  check_fill(0, 5, 100.1, LIQUIDITY_TAKER);
  check_fill(1, 3, 100.2, LIQUIDITY_TAKER);
  order.time_in_force = TIF_IOC;
  fixture_send(&fixture, 0, order);
  fixture_poll(&fixture, NULL);
  check_fill(2, 7, 100.2, LIQUIDITY_TAKER);
  check_update(1, CHANGE_CANCELLED, "ioc");
}

static void post_only_is_refused_if_it_would_take(void **state) {
  (void)state;
  start();
  struct order order = fixture_order(ORDER_BUY, ORDER_LIMIT, 1, 100.1);
  order.post_only = true;
  fixture_send(&fixture, 0, order);
  order.price = decimals(100);
  fixture_send(&fixture, 0, order);
  fixture_poll(&fixture, NULL);
  assert_int_equal(fixture_event(&fixture, EVENT_ORDER_REJECT, 0)->order_reject.kind, REJECT_POST_ONLY);
  assert_int_equal(fixture_count(&fixture, EVENT_ORDER_ACK), 1);
}

/* ---- prints ---- */

static void resting_limit_needs_a_print_through_it(void **state) {
  (void)state;
  start();
  send(ORDER_BUY, ORDER_LIMIT, 5, 99.5);
  print(99.5, 100);
  assert_int_equal(fixture_count(&fixture, EVENT_FILL), 0);
  print(99.4, 2);
  check_fill(0, 2, 99.5, LIQUIDITY_MAKER);
  print(99.4, 100);
  check_fill(1, 3, 99.5, LIQUIDITY_MAKER);
}

static void one_print_is_shared_by_arrival(void **state) {
  (void)state;
  start();
  const char *first = send(ORDER_BUY, ORDER_LIMIT, 3, 99.5);
  const char *second = send(ORDER_BUY, ORDER_LIMIT, 3, 99.6);
  print(99.4, 4);
  check_fill(0, 3, 99.5, LIQUIDITY_MAKER);
  check_fill(1, 1, 99.6, LIQUIDITY_MAKER);
  assert_string_equal(fixture_event(&fixture, EVENT_FILL, 0)->fill.client_order_id, first);
  assert_string_equal(fixture_event(&fixture, EVENT_FILL, 1)->fill.client_order_id, second);
}

static void stop_is_triggered_by_a_print_and_walks_the_book(void **state) {
  (void)state;
  start();
  send(ORDER_BUY, ORDER_MARKET, 3, 0);
  send(ORDER_SELL, ORDER_STOP_MARKET, 3, 99.5);
  print(99.6, 1);
  assert_int_equal(fixture_count(&fixture, EVENT_ORDER_UPDATE), 0);
  print(99.5, 1);
  check_update(0, CHANGE_TRIGGERED, "");
  check_fill(1, 3, 99.9, LIQUIDITY_TAKER); /* the bid of the book */
}

static void stop_by_mark_ignores_prints(void **state) {
  (void)state;
  struct sim_options options = fixture_options();
  options.stop_trigger = SIM_TRIGGER_MARK;
  start_with(options, CAPABILITY_BOOK | CAPABILITY_TRADES | CAPABILITY_TICKER);
  mark(100);
  send(ORDER_BUY, ORDER_MARKET, 3, 0);
  send(ORDER_SELL, ORDER_STOP_MARKET, 3, 99.5);
  print(99, 1);
  assert_int_equal(fixture_count(&fixture, EVENT_FILL), 1);
  mark(99.4);
  check_fill(1, 3, 99.9, LIQUIDITY_TAKER);
}

/* entry 100.1, leverage 10, maintenance margin 0.005: 100.1 - (10.01 - 0.5005) = 90.5905. */
static void mark_at_the_liquidation_price(void **state) {
  (void)state;
  start();
  send(ORDER_BUY, ORDER_MARKET, 3, 0);
  mark(90.6);
  assert_int_equal(fixture_count(&fixture, EVENT_LIQUIDATION), 0);
  mark(90.59);
  assert_int_equal(fixture_event(&fixture, EVENT_LIQUIDATION, 0)->liquidation.price, decimals(90.5905));
  fixture_check_account(&fixture, (double[]){90.59}, 1);
}

/* ---- one of the two ---- */

static void trades_only_fill_at_the_last_print(void **state) {
  (void)state;
  struct sim_options options = fixture_options();
  options.slippage_bps = 5;
  start_with(options, CAPABILITY_TRADES | CAPABILITY_CANDLES_1M);
  send(ORDER_BUY, ORDER_MARKET, 3, 0); /* no turnover known: 200 bps */
  check_fill(0, 3, 102, LIQUIDITY_TAKER);
  fixture_candle(&fixture, 0, 100, 100, 100, 100);
  send(ORDER_BUY, ORDER_MARKET, 3, 0);
  check_fill(1, 3, 100.1, LIQUIDITY_TAKER); /* 100.05 up to the tick */
  send(ORDER_SELL, ORDER_LIMIT, 1, 100);
  check_fill(2, 1, 100, LIQUIDITY_TAKER);
}

static void book_only_fills_resting_limits_when_it_goes_through(void **state) {
  (void)state;
  start_with(fixture_options(), CAPABILITY_BOOK);
  send(ORDER_BUY, ORDER_LIMIT, 5, 99.95 + 0.05);
  delta(0, 0, 100, 3);
  assert_int_equal(fixture_count(&fixture, EVENT_FILL), 0);
  delta(99.9, 0, 99.9, 3);
  check_fill(0, 3, 100, LIQUIDITY_MAKER);
}

static void without_a_valid_book_nothing_takes(void **state) {
  (void)state;
  start();
  struct book_level ask = {decimals(100.1), decimals(5)};
  market((struct event){.kind = EVENT_BOOK, .book = {.first_seq = 900, .last_seq = 900, .prev_seq = -1, .asks_count = 1, .asks = &ask}}); /* a gap */
  send(ORDER_BUY, ORDER_MARKET, 1, 0);
  check_update(0, CHANGE_CANCELLED, "no_liquidity");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(orders_act_after_the_latency, teardown),
      cmocka_unit_test_teardown(cancel_can_come_too_late, teardown),
      cmocka_unit_test_teardown(market_order_walks_the_levels, teardown),
      cmocka_unit_test_teardown(what_the_book_does_not_hold_is_cancelled, teardown),
      cmocka_unit_test_teardown(levels_stay_consumed_until_the_feed_tells_them_anew, teardown),
      cmocka_unit_test_teardown(marketable_limit_takes_up_to_its_limit_and_rests, teardown),
      cmocka_unit_test_teardown(ioc_cancels_the_rest_and_fok_takes_all_or_nothing, teardown),
      cmocka_unit_test_teardown(post_only_is_refused_if_it_would_take, teardown),
      cmocka_unit_test_teardown(resting_limit_needs_a_print_through_it, teardown),
      cmocka_unit_test_teardown(one_print_is_shared_by_arrival, teardown),
      cmocka_unit_test_teardown(stop_is_triggered_by_a_print_and_walks_the_book, teardown),
      cmocka_unit_test_teardown(stop_by_mark_ignores_prints, teardown),
      cmocka_unit_test_teardown(mark_at_the_liquidation_price, teardown),
      cmocka_unit_test_teardown(trades_only_fill_at_the_last_print, teardown),
      cmocka_unit_test_teardown(book_only_fills_resting_limits_when_it_goes_through, teardown),
      cmocka_unit_test_teardown(without_a_valid_book_nothing_takes, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
