/* Fills with candles only, each rule of execution 8.4 by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/market/capability.h"
#include "support/sim_fixture.h"

static struct sim_fixture fixture;

static struct sim_fixture *start(const struct sim_options *options) {
  fixture_start(&fixture, options);
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

static void check_position(double signed_qty) {
  struct venue_position position = {0};
  bool is_open = sim_position(&fixture.sim, 0, &position);
  int64_t held = is_open ? position.qty * (position.side == SIDE_LONG ? 1 : -1) : 0;
  assert_int_equal(held, decimals(signed_qty));
}

/* An open long of 10 at 100 with a stop. */
static const char *open_long(struct sim_fixture *f, double stop) {
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_MARKET, 10, 0));
  fixture_candle(f, 0, 100, 100, 100, 100);
  const char *id = fixture_send(f, 0, fixture_order(ORDER_SELL, ORDER_STOP_MARKET, 10, stop));
  fixture_poll(f, NULL);
  fixture_clear(f);
  return id;
}

static const char *send_target(struct sim_fixture *f, double qty, double price) {
  struct order order = fixture_order(ORDER_SELL, ORDER_LIMIT, qty, price);
  order.reduce_only = true;
  const char *id = fixture_send(f, 0, order);
  fixture_poll(f, NULL);
  return id;
}

/* ---- the open ---- */

static void market_fills_at_the_open(void **state) {
  (void)state;
  struct sim_fixture *f = start(NULL);
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_MARKET, 10, 0));
  int64_t open_ts = f->now;
  fixture_candle(f, 0, 100.4, 101, 99, 100);
  assert_int_equal(f->events[0].kind, EVENT_ORDER_ACK);
  assert_string_equal(f->events[0].order_ack.venue_order_id, "V0000000001");
  check_fill(0, 10, 100.4, LIQUIDITY_TAKER);
  const struct event *event = fixture_event(f, EVENT_FILL, 0);
  assert_int_equal(event->ts, open_ts);
  assert_string_equal(event->fill.venue_fill_id, "F0000000001");
  assert_int_equal(event->fill.fee_usd, decimals(0.502)); /* 1 004 * 5 bps */
  check_position(10);
}

/* slip = (5 + 40 * 1 000/(0.25 * 1 000 000)) bps = 5.16 bps: 100 * 1.000516 = 100.0516, up to the tick 100.1; sold 99.9484, down to 99.9 */
static void slippage_and_impact_round_against_us(void **state) {
  (void)state;
  struct sim_options options = fixture_options();
  options.slippage_bps = 5;
  options.impact_bps = 40;
  struct sim_fixture *f = start(&options);
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_MARKET, 10, 0));
  fixture_candle(f, 0, 100, 101, 99, 100);
  fixture_send(f, 0, fixture_order(ORDER_SELL, ORDER_MARKET, 10, 0));
  fixture_candle(f, 0, 100, 101, 99, 100);
  check_fill(0, 10, 100.1, LIQUIDITY_TAKER);
  check_fill(1, 10, 99.9, LIQUIDITY_TAKER);
}

/* 5 + 40 * 100 000/(0.25 * 1 000 000) = 21 bps: 100.21, up to 100.3. With a turnover of 0 the slip is 200 bps: 102. */
static void impact_grows_and_is_bounded(void **state) {
  (void)state;
  struct sim_options options = fixture_options();
  options.slippage_bps = 5;
  options.impact_bps = 40;
  struct sim_fixture *f = start(&options);
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_MARKET, 1000, 0));
  fixture_candle(f, 0, 100, 101, 99, 100);
  check_fill(0, 1000, 100.3, LIQUIDITY_TAKER);
  fixture_send(f, 1, fixture_order(ORDER_BUY, ORDER_MARKET, 1, 0));
  fixture_candle_with(f, 1, 100, 101, 99, 100, 1000, 0, NULL);
  check_fill(1, 1, 102, LIQUIDITY_TAKER);
}

static void marketable_limit_never_pays_more_than_its_limit(void **state) {
  (void)state;
  struct sim_options options = fixture_options();
  options.slippage_bps = 50;
  struct sim_fixture *f = start(&options);
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_LIMIT, 1, 100.2));
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_LIMIT, 2, 101));
  fixture_candle(f, 0, 100, 101, 99, 100);
  check_fill(0, 1, 100.2, LIQUIDITY_TAKER);
  check_fill(1, 2, 100.5, LIQUIDITY_TAKER); /* 100 * 1.005 */
}

static void limit_outside_the_open_rests(void **state) {
  (void)state;
  struct sim_fixture *f = start(NULL);
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_LIMIT, 1, 99));
  fixture_candle(f, 0, 100, 101, 99, 100); /* touched, not gone through */
  assert_int_equal(fixture_count(f, EVENT_FILL), 0);
  fixture_candle(f, 0, 100, 101, 98.9, 100);
  check_fill(0, 1, 99, LIQUIDITY_MAKER);
  assert_int_equal(fixture_event(f, EVENT_FILL, 0)->ts, f->now);
  assert_int_equal(fixture_event(f, EVENT_FILL, 0)->fill.fee_usd, decimals(0.0198)); /* 99 * 2 bps */
}

static void resting_sell_needs_a_tick_beyond(void **state) {
  (void)state;
  struct sim_fixture *f = start(NULL);
  open_long(f, 90);
  send_target(f, 4, 105);
  fixture_candle(f, 0, 100, 105, 99, 100);
  assert_int_equal(fixture_count(f, EVENT_FILL), 0);
  fixture_candle(f, 0, 100, 105.1, 99, 100);
  check_fill(0, 4, 105, LIQUIDITY_MAKER);
  check_position(6);
}

static void ioc_and_fok_end_at_the_open(void **state) {
  (void)state;
  struct sim_fixture *f = start(NULL);
  struct order ioc = fixture_order(ORDER_BUY, ORDER_LIMIT, 1500, 101);
  ioc.time_in_force = TIF_IOC;
  fixture_send(f, 0, ioc);
  fixture_candle(f, 0, 100, 101, 99, 100);
  check_fill(0, 1000, 100, LIQUIDITY_TAKER); /* the candle's volume */
  check_update(0, CHANGE_CANCELLED, "ioc");
  struct order fok = fixture_order(ORDER_BUY, ORDER_LIMIT, 1500, 101);
  fok.time_in_force = TIF_FOK;
  fixture_send(f, 0, fok);
  fixture_candle(f, 0, 100, 101, 99, 100);
  assert_int_equal(fixture_count(f, EVENT_FILL), 1);
  check_update(1, CHANGE_CANCELLED, "fok");
  ioc.qty = decimals(10);
  ioc.price = decimals(99);
  fixture_send(f, 0, ioc);
  fixture_candle(f, 0, 100, 101, 98, 100);
  check_update(2, CHANGE_CANCELLED, "ioc");
}

/* An order that was sent at a acts on candles with open_ts >= a. */
static void order_sent_within_a_candle_waits_for_the_next(void **state) {
  (void)state;
  struct sim_fixture *f = start(NULL);
  struct intent intent = {.ts = f->now + 1, .kind = INTENT_PLACE_ORDER, .place_order = {.symbol = 0, .order_count = 1}};
  intent.place_order.order[0] = fixture_order(ORDER_BUY, ORDER_MARKET, 1, 0);
  intent.place_order.order[0].client_order_id[0] = 'a';
  fixture_submit(f, &intent);
  f->last_ts = f->now + 1;
  fixture_candle(f, 0, 100, 101, 99, 100);
  assert_int_equal(fixture_count(f, EVENT_FILL), 0);
  fixture_candle(f, 0, 102, 103, 99, 100);
  check_fill(0, 1, 102, LIQUIDITY_TAKER);
}

/* ---- participation ---- */

static void share_of_the_volume_is_filled_and_the_rest_waits(void **state) {
  (void)state;
  struct sim_options options = fixture_options();
  options.max_participation = 0.1;
  struct sim_fixture *f = start(&options);
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_MARKET, 25, 0));
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_LIMIT, 3, 110));
  fixture_candle_with(f, 0, 100, 101, 99, 100, 100, 10000, NULL);
  fixture_candle_with(f, 0, 101, 101, 99, 100, 100.07, 10000, NULL); /* a tenth in whole lots: 10.00 */
  fixture_candle_with(f, 0, 102, 102, 99, 100, 0, 0, NULL);
  fixture_candle_with(f, 0, 103, 103, 99, 100, 100, 10000, NULL);
  assert_int_equal(fixture_count(f, EVENT_FILL), 4);
  check_fill(0, 10, 100, LIQUIDITY_TAKER);
  check_fill(1, 10, 101, LIQUIDITY_TAKER);
  check_fill(2, 5, 103, LIQUIDITY_TAKER);
  check_fill(3, 3, 103, LIQUIDITY_TAKER);
  check_position(28);
}

/* ---- stops ---- */

static void stop_fills_at_its_trigger(void **state) {
  (void)state;
  struct sim_options options = fixture_options();
  options.slippage_bps = 4;
  struct sim_fixture *f = start(&options);
  open_long(f, 95);
  fixture_candle(f, 0, 100, 101, 95.1, 100);
  assert_int_equal(fixture_count(f, EVENT_FILL), 0);
  fixture_candle(f, 0, 100, 101, 95, 100);
  check_update(0, CHANGE_TRIGGERED, "");
  check_fill(0, 10, 94.9, LIQUIDITY_TAKER); /* 95 * 0.9996 = 94.962, down to the tick */
  check_position(0);
}

/* positions 10, example B: 8.00 short at 3 000, stop 3 036, the next candle opens at 3 051.5: -412.00 - 13.20 - 13.4266 = -438.6266. */
static void example_b_stop_gapped(void **state) {
  (void)state;
  struct sim_options options = fixture_options();
  options.taker_fee_bps = 5.5;
  struct sim_fixture *f = start(&options);
  fixture_candle(f, 0, 3000, 3000, 3000, 3000);
  fixture_send(f, 0, fixture_order(ORDER_SELL, ORDER_MARKET, 8, 0));
  fixture_candle(f, 0, 3000, 3010, 2990, 3005);
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_STOP_MARKET, 8, 3036));
  fixture_candle(f, 0, 3051.5, 3060, 3040, 3050);
  check_fill(0, 8, 3000, LIQUIDITY_TAKER);
  check_fill(1, 8, 3051.5, LIQUIDITY_TAKER);
  assert_int_equal(fixture_event(f, EVENT_FILL, 0)->fill.fee_usd, decimals(13.2));
  assert_int_equal(fixture_event(f, EVENT_FILL, 1)->fill.fee_usd, decimals(13.4266));
  struct sim_account account;
  sim_account(&f->sim, &account);
  assert_int_equal(account.realised_usd, decimals(-412));
  assert_int_equal(account.cash_usd, decimals(100000 - 438.6266));
}

static void reply_with_stop(struct sim_fixture *f, const struct event *event) {
  if (event->kind == EVENT_FILL && event->fill.side == ORDER_BUY) fixture_send(f, 0, fixture_order(ORDER_SELL, ORDER_STOP_MARKET, 10, 98));
}

static void stop_sent_on_an_open_fill_acts_in_the_same_candle(void **state) {
  (void)state;
  struct sim_fixture *f = start(NULL);
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_MARKET, 10, 0));
  fixture_candle_with(f, 0, 100, 101, 97, 100, 1000, 1e6, reply_with_stop);
  check_fill(0, 10, 100, LIQUIDITY_TAKER);
  check_fill(1, 10, 98, LIQUIDITY_TAKER);
  assert_int_equal(fixture_event(f, EVENT_FILL, 1)->ts, f->now);
  assert_int_equal(sim_unprotected_ms(&f->sim), 0);
}

static void reply_with_stop_and_target(struct sim_fixture *f, const struct event *event) {
  if (event->kind != EVENT_FILL || event->fill.side != ORDER_BUY) return;
  struct order target = fixture_order(ORDER_SELL, ORDER_LIMIT, 10, 103);
  target.reduce_only = true;
  fixture_send(f, 0, target);
  fixture_send(f, 0, fixture_order(ORDER_SELL, ORDER_STOP_MARKET, 10, 98));
}

static void resting_entry_can_be_stopped_in_its_candle_but_not_reach_its_target(void **state) {
  (void)state;
  struct sim_fixture *f = start(NULL);
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_LIMIT, 10, 99));
  fixture_candle_with(f, 0, 100, 104, 98.1, 100, 1000, 1e6, reply_with_stop_and_target);
  assert_int_equal(fixture_count(f, EVENT_FILL), 1);
  check_fill(0, 10, 99, LIQUIDITY_MAKER);
  fixture_candle(f, 0, 100, 104, 99, 100);
  check_fill(1, 10, 103, LIQUIDITY_MAKER);
  fixture_clear(f);
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_LIMIT, 10, 99));
  fixture_candle_with(f, 0, 100, 104, 97, 100, 1000, 1e6, reply_with_stop_and_target);
  check_fill(0, 10, 99, LIQUIDITY_MAKER);
  check_fill(1, 10, 98, LIQUIDITY_TAKER);
  check_position(0);
}

/* ---- stop and target in one candle ---- */

static void stop_comes_before_target(void **state) {
  (void)state;
  struct sim_fixture *f = start(NULL);
  open_long(f, 95);
  send_target(f, 10, 105);
  fixture_candle(f, 0, 100, 106, 94, 100);
  check_fill(0, 10, 95, LIQUIDITY_TAKER);
  assert_true(fixture_event(f, EVENT_FILL, 0)->fill.path_dependent);
  check_update(1, CHANGE_CANCELLED, "reduce_only"); /* the target */
  struct sim_account account;
  sim_account(&f->sim, &account);
  assert_int_equal(account.path_dependent, 1);
  assert_int_equal(account.live_orders, 0);
}

static void favourable_path_takes_the_target_first(void **state) {
  (void)state;
  struct sim_options options = fixture_options();
  options.path = SIM_PATH_FAVOURABLE;
  struct sim_fixture *f = start(&options);
  open_long(f, 95);
  send_target(f, 4, 105);
  fixture_candle(f, 0, 100, 106, 94, 100);
  check_fill(0, 4, 105, LIQUIDITY_MAKER);
  check_fill(1, 6, 95, LIQUIDITY_TAKER);
  assert_true(fixture_event(f, EVENT_FILL, 0)->fill.path_dependent);
  assert_true(fixture_event(f, EVENT_FILL, 1)->fill.path_dependent);
}

static const char *moved_stop;

static void reply_with_higher_stop(struct sim_fixture *f, const struct event *event) {
  if (event->kind == EVENT_FILL && event->fill.liquidity == LIQUIDITY_MAKER) fixture_amend(f, 0, moved_stop, 6, 0, 102);
}

static void moved_stop_acts_from_the_next_candle(void **state) {
  (void)state;
  struct sim_fixture *f = start(NULL);
  moved_stop = open_long(f, 95);
  send_target(f, 4, 105);
  fixture_candle_with(f, 0, 100, 106, 99, 104, 1000, 1e6, reply_with_higher_stop);
  assert_int_equal(fixture_count(f, EVENT_FILL), 1);
  fixture_candle(f, 0, 104, 104, 101, 102);
  check_fill(1, 6, 102, LIQUIDITY_TAKER);
}

/* The price that falls after the target meets the moved stop on its way, at the trigger: the open lay before. */
static void moved_stop_is_met_in_the_favourable_order(void **state) {
  (void)state;
  struct sim_options options = fixture_options();
  options.path = SIM_PATH_FAVOURABLE;
  struct sim_fixture *f = start(&options);
  moved_stop = open_long(f, 95);
  send_target(f, 4, 105);
  fixture_candle_with(f, 0, 100, 106, 94, 96, 1000, 1e6, reply_with_higher_stop);
  check_fill(0, 4, 105, LIQUIDITY_MAKER);
  check_fill(1, 6, 102, LIQUIDITY_TAKER);
}

/* ---- liquidation ---- */

/* entry 100, leverage 10, maintenance margin 0.005: 100 - (10 - 0.5) = 90.5. */
static void liquidation_without_a_stop(void **state) {
  (void)state;
  struct sim_fixture *f = start(NULL);
  fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_MARKET, 10, 0));
  fixture_candle(f, 0, 100, 100, 100, 100);
  send_target(f, 10, 120);
  fixture_candle(f, 0, 95, 95, 90.6, 92);
  assert_int_equal(fixture_count(f, EVENT_LIQUIDATION), 0);
  fixture_candle(f, 0, 92, 92, 90.5, 92);
  const struct event *event = fixture_event(f, EVENT_LIQUIDATION, 0);
  assert_int_equal(event->liquidation.qty, decimals(10));
  assert_int_equal(event->liquidation.price, decimals(90.5));
  assert_int_equal(event->liquidation.fee_usd, decimals(0.4525)); /* 905 * 5 bps */
  check_update(0, CHANGE_CANCELLED, "reduce_only");
  struct sim_account account;
  sim_account(&f->sim, &account);
  assert_int_equal(account.cash_usd, decimals(100000 - 0.5 - 95 - 0.4525));
  assert_true(sim_unprotected_ms(&f->sim) > 0);
}

static void nearer_stop_saves_from_liquidation_and_a_farther_one_does_not(void **state) {
  (void)state;
  struct sim_fixture *f = start(NULL);
  open_long(f, 91);
  fixture_candle(f, 0, 95, 95, 80, 92);
  check_fill(0, 10, 91, LIQUIDITY_TAKER);
  assert_int_equal(fixture_count(f, EVENT_LIQUIDATION), 0);
  open_long(f, 90.4);
  fixture_candle(f, 0, 95, 95, 80, 92);
  assert_int_equal(fixture_count(f, EVENT_FILL), 0);
  assert_int_equal(fixture_event(f, EVENT_LIQUIDATION, 0)->liquidation.price, decimals(90.5));
}

static void gap_beyond_the_margin_costs_no_more_than_the_margin(void **state) {
  (void)state;
  struct sim_fixture *f = start(NULL);
  open_long(f, 95);
  fixture_candle(f, 0, 80, 81, 79, 80);
  assert_int_equal(fixture_count(f, EVENT_FILL), 0);
  assert_int_equal(fixture_event(f, EVENT_LIQUIDATION, 0)->liquidation.price, decimals(90.5));
  check_position(0);
}

/* ---- by force ---- */

/* 10 at 100; 4 of them at 98: fee 392 * 5 bps = 0.196, 4 * 2 lost; then the rest, whatever more is asked for. */
static void a_position_is_taken_in_parts(void **state) {
  (void)state;
  struct sim_fixture *f = start(NULL);
  assert_int_equal(sim_take_position(&f->sim, 0, decimals(4), true), 0); /* nothing is there */
  open_long(f, 95);
  fixture_candle(f, 0, 98, 98, 98, 98);
  assert_int_equal(sim_take_position(&f->sim, 0, decimals(4), true), decimals(4));
  fixture_poll(f, NULL);
  const struct event *event = fixture_event(f, EVENT_ADL, 0);
  assert_int_equal(event->adl.qty, decimals(4));
  assert_int_equal(event->adl.price, decimals(98));
  assert_int_equal(event->adl.fee_usd, decimals(0.196));
  check_position(6);
  assert_int_equal(sim_unprotected_since(&f->sim, 0), -1); /* the stop is larger than what is left */
  assert_int_equal(sim_take_position(&f->sim, 0, decimals(100), false), decimals(6));
  fixture_poll(f, NULL);
  assert_int_equal(fixture_event(f, EVENT_LIQUIDATION, 0)->liquidation.qty, decimals(6));
  check_position(0);
  struct sim_account account;
  sim_account(&f->sim, &account);
  assert_int_equal(account.positions, 0);
  assert_int_equal(account.live_orders, 0);
  assert_int_equal(account.liquidations, 1);
}

/* ---- signs of life ---- */

static void pong_while_an_order_is_live(void **state) {
  (void)state;
  struct sim_fixture *f = start(NULL);
  fixture_candle(f, 0, 100, 100, 100, 100);
  assert_int_equal(f->pong_count, 0);
  const char *id = fixture_send(f, 0, fixture_order(ORDER_BUY, ORDER_LIMIT, 1, 90));
  fixture_candle(f, 0, 100, 100, 100, 100);
  assert_int_equal(f->pong_count, 1);
  f->now -= MINUTE;
  fixture_candle(f, 1, 100, 100, 100, 100); /* the same instant */
  assert_int_equal(f->pong_count, 1);
  fixture_cancel(f, 0, id);
  fixture_candle(f, 0, 100, 100, 100, 100);
  assert_int_equal(f->pong_count, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(market_fills_at_the_open, teardown),
      cmocka_unit_test_teardown(slippage_and_impact_round_against_us, teardown),
      cmocka_unit_test_teardown(impact_grows_and_is_bounded, teardown),
      cmocka_unit_test_teardown(marketable_limit_never_pays_more_than_its_limit, teardown),
      cmocka_unit_test_teardown(limit_outside_the_open_rests, teardown),
      cmocka_unit_test_teardown(resting_sell_needs_a_tick_beyond, teardown),
      cmocka_unit_test_teardown(ioc_and_fok_end_at_the_open, teardown),
      cmocka_unit_test_teardown(order_sent_within_a_candle_waits_for_the_next, teardown),
      cmocka_unit_test_teardown(share_of_the_volume_is_filled_and_the_rest_waits, teardown),
      cmocka_unit_test_teardown(stop_fills_at_its_trigger, teardown),
      cmocka_unit_test_teardown(example_b_stop_gapped, teardown),
      cmocka_unit_test_teardown(stop_sent_on_an_open_fill_acts_in_the_same_candle, teardown),
      cmocka_unit_test_teardown(resting_entry_can_be_stopped_in_its_candle_but_not_reach_its_target, teardown),
      cmocka_unit_test_teardown(stop_comes_before_target, teardown),
      cmocka_unit_test_teardown(favourable_path_takes_the_target_first, teardown),
      cmocka_unit_test_teardown(moved_stop_acts_from_the_next_candle, teardown),
      cmocka_unit_test_teardown(moved_stop_is_met_in_the_favourable_order, teardown),
      cmocka_unit_test_teardown(liquidation_without_a_stop, teardown),
      cmocka_unit_test_teardown(nearer_stop_saves_from_liquidation_and_a_farther_one_does_not, teardown),
      cmocka_unit_test_teardown(gap_beyond_the_margin_costs_no_more_than_the_margin, teardown),
      cmocka_unit_test_teardown(a_position_is_taken_in_parts, teardown),
      cmocka_unit_test_teardown(pong_while_an_order_is_live, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
