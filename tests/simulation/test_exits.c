/* Price paths through the whole engine and the paper venue, with every figure done by hand: fills, fees, result, R and reason of each kind of end.
 *
 * The channel opens the position, so that entry, stop and target follow from few candles. 1m candles, period 2, ATR(2), stop 2 ATR, target 2 R:
 *   minutes 1 to 4 are 100 100.5 99.5 100 (open high low close): range 1; minute 5 closes at 101, above the highest high of 100.5: range 1.5.
 *   ATR(2): mean of the first two ranges is 1; two more of 1; then (1*1 + 1.5)/2 = 1.25. Distance 2.5: stop 98.5, target 101 + 2*2.5 = 106.
 *   Fees: taker 10 bps, maker 5 bps. Equity 100 000, risk 1 % = 1 000. f = 101*0.001 + 98.5*0.001 = 0.1995; q = 1 000/(2.5 + 0.1995) = 370.43897
 *   down to the lot of 1: 370. Leverage of the plan: 1/(1.5*2.5/101 + 0.005 + 0.002) = 22.6, at most 10. Margin 370*101/10 is far below the account.
 * Entry at the next open, in minute 6, without slippage; the symbol then is blocked until minute 10, so nothing opens behind the trade. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "support/engine_fixture.h"
#include "support/trade_fixture.h"

static struct rig rig;
static struct trade trade; /* the last one */
static int64_t trades, last_stop_qty;

static void watch(struct rig *owner, enum record_kind kind, const void *object) {
  (void)owner;
  if (kind == RECORD_TRADE) {
    trade = *(const struct trade *)object;
    ++trades;
  }
  if (kind == RECORD_ORDER && ((const struct order *)object)->purpose == PURPOSE_STOP) last_stop_qty = ((const struct order *)object)->qty;
}

static void bar(double open, double high, double low, double close) {
  rig_bar(&rig, 0, open, high, low, close);
}

/* Plays the signal: long at 101 (short: the mirror at 200 - x, close 99, stop 101.5, target 94). */
static void open_channel(bool is_short) {
  struct preset preset;
  struct rig_options options = rig_options();
  options.lot_size = DECIMAL_ONE;
  rig_open(&rig, &options);
  rig.watch = watch;
  trades = 0;
  rig_load_preset(&preset, "channel_baseline");
  static const char *const changes[] = {"channel_config.timeframe=1m",      "channel_config.period=2",   "channel_config.atr_period=2",
                                        "channel_config.stop_atr_mult=2",   "channel_config.target_r=2", "execution_config.taker_fee_bps=10",
                                        "execution_config.maker_fee_bps=5", "risk.risk_per_trade=0.01"};
  for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) rig_set(&preset, changes[i]);
  rig_use(&rig, &preset);
  rig_command(&rig, COMMAND_START);
  for (int i = 0; i < 4; i++) bar(100, 100.5, 99.5, 100);
  if (is_short) {
    bar(100, 100.5, 99, 99);
  } else {
    bar(100, 101, 99.5, 101);
  }
}

static void check_trade(enum reason_code reason, const char *entry, const char *exit, const char *fees, const char *pnl, const char *r_usd) {
  assert_int_equal(trades, 1);
  assert_string_equal(reason_code_names[trade.exit_reason], reason_code_names[reason]);
  assert_decimal(trade.qty, "370");
  assert_decimal(trade.entry, entry);
  assert_decimal(trade.exit_average, exit);
  assert_decimal(trade.fees_usd, fees);
  assert_decimal(trade.pnl_usd, pnl);
  assert_decimal(trade.r_usd, r_usd);
  assert_near(trade.pnl_r, decimal_to_double(trade.pnl_usd) / decimal_to_double(trade.r_usd), 1e-12);
  assert_int_equal(sim_unprotected_ms(&rig.sim), 0);
  assert_int_equal(engine_counts(rig.engine)->illegal_transitions, 0);
  struct sim_account account;
  sim_account(&rig.sim, &account);
  assert_int_equal(account.cash_usd, dec("100000") + trade.pnl_usd);
  assert_int_equal(account.live_orders, 0);
  assert_int_equal(engine_ledger(rig.engine)->cash_usd, account.cash_usd);
  rig_close(&rig);
}

/* Entry 101: fee 370*101*0.001 = 37.37. r_usd = 370*(2.5 + 0.1995) = 998.815. */
static void test_target(void **state) {
  (void)state;
  open_channel(false);
  bar(101, 102, 100.5, 101.5);
  bar(101.5, 106.01, 101, 106); /* a tick beyond 106: filled there, maker. Fee 370*106*0.0005 = 19.61 */
  check_trade(REASON_take_profit, "101", "106", "56.98", "1793.02", "998.815"); /* 370*5 - 56.98 */
}

static void test_target_touched_only(void **state) {
  (void)state;
  open_channel(false);
  bar(101, 106, 100.5, 101.5); /* high = target: a resting limit needs the price to go through */
  assert_int_equal(trades, 0);
  bar(101.5, 102, 98.5, 99);                                                     /* low = stop: triggered. Fee 370*98.5*0.001 = 36.445 */
  check_trade(REASON_stop_loss, "101", "98.5", "73.815", "-998.815", "998.815"); /* exactly -1 R */
}

static void test_exact_stop_is_minus_one_r(void **state) {
  (void)state;
  open_channel(false);
  bar(101, 101.2, 98, 98.2);
  assert_near(trade.pnl_r, -1.0, 1e-12);
  check_trade(REASON_stop_loss, "101", "98.5", "73.815", "-998.815", "998.815");
}

static void test_gap_through_the_stop(void **state) {
  (void)state;
  open_channel(false);
  bar(101, 101.5, 100, 100.5);
  bar(97, 97.5, 96, 97); /* opens beyond: filled at 97. Fee 370*97*0.001 = 35.89; 370*(-4) - 37.37 - 35.89 */
  check_trade(REASON_stop_loss, "101", "97", "73.26", "-1553.26", "998.815");
}

/* Both in one candle: the stop is taken, and the candle is marked. */
static void test_stop_before_target(void **state) {
  (void)state;
  open_channel(false);
  bar(101, 107, 98, 106);
  assert_true(trade.path_dependent);
  check_trade(REASON_stop_loss, "101", "98.5", "73.815", "-998.815", "998.815");
}

/* The entry opens below the stop: the venue refuses the stop, the position is closed at market at the same open. Entry 98: fee 36.26 twice.
 * R is taken from the average entry: |98 - 98.5| + 98*0.001 + 98.5*0.001 = 0.6965; 370*0.6965 = 257.705. */
static void test_open_beyond_the_stop(void **state) {
  (void)state;
  open_channel(false);
  bar(98, 98.4, 97.5, 98);
  check_trade(REASON_stop_loss, "98", "98", "72.52", "-72.52", "257.705");
}

/* The mirror: sold at 99, stop 101.5, target 94. f = 99*0.001 + 101.5*0.001 = 0.2005; q = 1 000/2.7005 = 370.3 -> 370; r_usd = 370*2.7005 = 999.185.
 */
static void test_short_target(void **state) {
  (void)state;
  open_channel(true);
  bar(99, 99.5, 98, 98.5);
  bar(98.5, 99, 93.99, 94); /* fees 370*99*0.001 = 36.63, 370*94*0.0005 = 17.39; 370*5 - 54.02 */
  check_trade(REASON_take_profit, "99", "94", "54.02", "1795.98", "999.185");
}

static void test_short_stop(void **state) {
  (void)state;
  open_channel(true);
  bar(99, 101.5, 98, 101); /* fee 370*101.5*0.001 = 37.555 */
  check_trade(REASON_stop_loss, "99", "101.5", "74.185", "-999.185", "999.185");
}

/* ---- ends by command ---- */

static void open_long_and_hold(void) {
  open_channel(false);
  bar(101, 102, 100.5, 101.5);
  assert_int_equal(engine_position_count(rig.engine), 1);
}

/* The market order of a command given between candles acts at the next open, 102: fee 37.74; 370*1 - 37.37 - 37.74. */
static void check_closed_at_102(enum reason_code reason) {
  bar(102, 103, 101, 102);
  check_trade(reason, "101", "102", "75.11", "294.89", "998.815");
}

static void test_panic_exit(void **state) {
  (void)state;
  open_long_and_hold();
  rig_command(&rig, COMMAND_PANIC_EXIT);
  assert_int_equal(engine_session_state(rig.engine), SESSION_FLATTENING);
  check_closed_at_102(REASON_panic_exit);
}

static void test_kill_switch(void **state) {
  (void)state;
  open_long_and_hold();
  rig_command(&rig, COMMAND_KILL_SWITCH);
  check_closed_at_102(REASON_kill_switch);
}

static void test_stop_command(void **state) {
  (void)state;
  open_long_and_hold();
  rig_command_with(&rig, (struct event_command){.command = COMMAND_STOP, .close_positions = true});
  check_closed_at_102(REASON_stop_command);
}

static void test_manual_close(void **state) {
  (void)state;
  open_long_and_hold();
  rig_command_with(
      &rig, (struct event_command){.command = COMMAND_CLOSE_POSITION, .position_id = engine_position(rig.engine, 0)->position_id, .fraction = 1});
  check_closed_at_102(REASON_manual);
}

/* 30 %: 111 of 370 at 102 (fee 11.322), the stop shrinks to 259; the rest at the stop of 98.5 (fee 25.5115).
 * 111*1 - 259*2.5 - 37.37 - 11.322 - 25.5115 = -610.7035. Average exit (111*102 + 259*98.5)/370 = 99.55. */
static void test_manual_close_of_a_share(void **state) {
  (void)state;
  open_long_and_hold();
  rig_command_with(
      &rig, (struct event_command){.command = COMMAND_CLOSE_POSITION, .position_id = engine_position(rig.engine, 0)->position_id, .fraction = 0.3});
  bar(102, 103, 101, 102);
  assert_decimal(engine_position(rig.engine, 0)->qty, "259");
  assert_decimal(last_stop_qty, "259");
  bar(102, 102, 98, 98);
  check_trade(REASON_stop_loss, "101", "99.55", "74.2035", "-610.7035", "998.815");
}

/* The operator moves the stop to 100: fee 37; -370 - 37.37 - 37. */
static void test_manual_stop(void **state) {
  (void)state;
  open_long_and_hold();
  rig_command_with(
      &rig, (struct event_command){.command = COMMAND_MOVE_STOP, .position_id = engine_position(rig.engine, 0)->position_id, .price = dec("100")});
  bar(101.5, 101.6, 99.9, 100);
  check_trade(REASON_manual_stop, "101", "100", "74.37", "-444.37", "998.815");
}

/* Never looser than the initial stop. */
static void test_manual_stop_is_refused(void **state) {
  (void)state;
  open_long_and_hold();
  rig_command_with(
      &rig, (struct event_command){.command = COMMAND_MOVE_STOP, .position_id = engine_position(rig.engine, 0)->position_id, .price = dec("98")});
  assert_decimal(engine_position(rig.engine, 0)->stop, "98.5");
  bar(101.5, 101.6, 98, 98.2);
  check_trade(REASON_stop_loss, "101", "98.5", "73.815", "-998.815", "998.815");
}

/* At the end of the data: closed at the last close, 101.5, with costs: fee 37.555; 370*0.5 - 37.37 - 37.555. */
static void test_end_of_data(void **state) {
  (void)state;
  open_long_and_hold();
  rig_market(&rig, (struct event){.ts = engine_now(rig.engine), .kind = EVENT_END_OF_DATA});
  check_trade(REASON_end_of_data, "101", "101.5", "74.925", "110.075", "998.815");
}

/* The venue says nothing of the position any more: reconciled at the mark. */
static void test_adl(void **state) {
  (void)state;
  open_long_and_hold();
  rig_event(&rig, (struct event){.ts = engine_now(rig.engine), .kind = EVENT_ADL, .adl = {0, dec("370"), dec("103"), dec("38.11")}});
  assert_int_equal(trades, 1);
  assert_string_equal(reason_code_names[trade.exit_reason], "adl");
  assert_decimal(trade.pnl_usd, "664.52"); /* 370*2 - 37.37 - 38.11 */
  assert_int_equal(engine_position_count(rig.engine), 0);
  rig_close(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_target),
      cmocka_unit_test(test_target_touched_only),
      cmocka_unit_test(test_exact_stop_is_minus_one_r),
      cmocka_unit_test(test_gap_through_the_stop),
      cmocka_unit_test(test_stop_before_target),
      cmocka_unit_test(test_open_beyond_the_stop),
      cmocka_unit_test(test_short_target),
      cmocka_unit_test(test_short_stop),
      cmocka_unit_test(test_panic_exit),
      cmocka_unit_test(test_kill_switch),
      cmocka_unit_test(test_stop_command),
      cmocka_unit_test(test_manual_close),
      cmocka_unit_test(test_manual_close_of_a_share),
      cmocka_unit_test(test_manual_stop),
      cmocka_unit_test(test_manual_stop_is_refused),
      cmocka_unit_test(test_end_of_data),
      cmocka_unit_test(test_adl),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
