#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/random.h"
#include "core/trade/fees.h"
#include "core/trade/position.h"
#include "support/trade_fixture.h"

static const int64_t start = INT64_C(1704067200000);

static void close_part(struct position *position, const char *qty, const char *price, const char *fee, const char *planned) {
  struct fill fill = trade_fill(order_side_closing(position->side), qty, price, fee, start + 1000);
  position_on_exit_fill(position, &fill, dec(planned));
}

/* positions.md 10 A: long 600.0 at 99.98, stop 98.80, taker 6.5 bps, maker 1.5 bps. */
static void test_example_a(void **state) {
  (void)state;
  struct position position = trade_open(SIDE_LONG, "600", "99.98", "98.80", 0.00065, 0.00065, start);
  assert_decimal(position.r_distance, "1.18");
  assert_decimal(position.r_usd, "785.5242");
  assert_decimal(position.fees_usd, "38.9922");
  close_part(&position, "240", "101.75", "3.663", "101.75");
  assert_decimal(position.pnl_realised_usd, "424.80");
  close_part(&position, "210", "103.28", "3.25332", "103.28");
  assert_decimal(position.pnl_realised_usd, "1117.80");
  close_part(&position, "150", "102.80", "10.023", "102.83");
  assert_decimal(position.pnl_realised_usd, "1540.80");
  assert_decimal(position.fees_usd, "55.93152");
  assert_int_equal(position_open_cost(&position), 0);
  position.planned_entry = dec("99.97");
  struct trade trade;
  position_to_trade(&position, 9, &trade);
  assert_decimal(trade.gross_usd, "1540.80");
  assert_decimal(trade.pnl_usd, "1484.86848");
  assert_near(trade.pnl_r, 1.8903, 0.00005);
  assert_near(trade.slippage_entry_bps, 0.01 / 99.97 * 1e4, 1e-9);
  /* 150·0.03 of 240·101.75 + 210·103.28 + 150·102.80 */
  assert_near(trade.slippage_exit_bps, 4.5 / 61528.8 * 1e4, 1e-9);
}

/* positions.md 10 B: a stop at its price is -1 R to the digit; gapped it is -1.3944 R. */
static void test_example_b(void **state) {
  (void)state;
  struct position position = trade_open(SIDE_SHORT, "8", "3000", "3036", 0.00055, 0.00055, start);
  assert_decimal(position.r_usd, "314.5584");
  struct position gapped = position;
  close_part(&position, "8", "3036", "13.3584", "3036");
  struct trade trade;
  position_to_trade(&position, 1, &trade);
  assert_decimal(trade.pnl_usd, "-314.5584");
  assert_true(trade.pnl_r == -1.0);
  close_part(&gapped, "8", "3051.5", "13.4266", "3036");
  position_to_trade(&gapped, 2, &trade);
  assert_decimal(trade.pnl_usd, "-438.6266");
  assert_near(trade.pnl_r, -1.3944, 0.00005);
  assert_near(gapped.slippage_exit_sum, 8 * 15.5, 1e-9);
}

/* positions.md 10 C: what did not fill never existed. */
static void test_example_c(void **state) {
  (void)state;
  struct position position = trade_open(SIDE_LONG, "4", "50.01", "49.40", 0.00065, 0.00065, start);
  assert_decimal(position.qty_initial, "4");
  assert_decimal(position.r_distance, "0.61");
  assert_decimal(position.r_usd, "2.698466");
}

/* positions.md 10 D: risk with the stop at 99.70, then 180.0 more at 100.60. */
static void test_example_d(void **state) {
  (void)state;
  struct position position = trade_open(SIDE_LONG, "600", "99.98", "98.80", 0.00065, 0.00065, start);
  assert_int_equal(position_open_risk(&position), position.r_usd);
  position.stop = dec("99.70");
  assert_decimal(position_open_risk(&position), "245.8752");
  struct fill fill = trade_fill(ORDER_BUY, "180", "100.60", "11.7702", start + 1);
  position_on_entry_fill(&position, &fill, true);
  assert_decimal(position.entry, "100.12307692"); /* 78 096/780 */
  assert_near(decimal_to_double(position_open_risk(&position)), 431.3103, 1e-9);
  assert_decimal(position.r_distance, "1.18");
  assert_decimal(position.r_usd, "785.5242");
  assert_decimal(position.qty_initial, "600");
  assert_decimal(position.qty, "780");
  assert_true(position.add_on_used);
  assert_decimal(position.add_on_qty, "180");
  assert_decimal(position.add_on_price, "100.60");
  assert_decimal(position.entry_fees, "50.7624");
}

/* Provisional until complete, frozen afterwards. Entry of 3 at 10.00 and 1 at 10.02: E = 10.005. */
static void test_average_entry_and_freeze(void **state) {
  (void)state;
  struct position position = trade_position(SIDE_LONG, "9.90", 0, 0);
  struct fill first = trade_fill(ORDER_BUY, "3", "10", "0", start);
  struct fill second = trade_fill(ORDER_BUY, "1", "10.02", "0", start + 5);
  position_on_entry_fill(&position, &first, false);
  assert_decimal(position.r_distance, "0.1");
  assert_int_equal(position.opened_at, start);
  position_on_entry_fill(&position, &second, false);
  assert_decimal(position.entry, "10.005");
  assert_decimal(position.r_distance, "0.105");
  assert_decimal(position.r_usd, "0.42");
  position_complete_entry(&position, start + 6);
  assert_int_equal(position.opened_at, start);
  assert_int_equal(position.entry_completed_at, start + 6);
}

/* A partly closed position keeps its average; one third of the cost is rounded, the last fill takes the rest. */
static void test_reduction_keeps_the_average(void **state) {
  (void)state;
  struct position position = trade_position(SIDE_LONG, "0.00000100", 0, 0);
  struct fill a = trade_fill(ORDER_BUY, "1", "0.00000150", "0", start);
  struct fill b = trade_fill(ORDER_BUY, "2", "0.00000151", "0", start);
  position_on_entry_fill(&position, &a, false);
  position_on_entry_fill(&position, &b, false);
  position_complete_entry(&position, start);
  assert_decimal(position.entry, "0.00000151"); /* 1.50667 rounded */
  for (int i = 0; i < 3; i++) close_part(&position, "1", "0.00000160", "0", "0");
  assert_decimal(position.pnl_realised_usd, "0.00000028"); /* 4.80 - 4.52, though 3·(1.60 - 1.51) = 0.27 */
}

static void test_price_updates_r_and_extremes(void **state) {
  (void)state;
  struct position position = trade_open(SIDE_SHORT, "2", "100", "102", 0.001, 0.001, start);
  position_on_price(&position, dec("99"), dec("100.5"), dec("97"));
  assert_near(position.price_r, 0.5, 1e-12);
  assert_near(position.mfe_r, 1.5, 1e-12);
  assert_near(position.mae_r, -0.25, 1e-12);
  assert_decimal(position.best, "97");
  assert_decimal(position.worst, "100.5");
  assert_decimal(position.pnl_unrealised_usd, "2");
  assert_decimal(position.pnl_usd, "1.8");
  assert_decimal(position.notional_usd, "198");
  assert_decimal(position.margin_usd, "198");
  position_on_funding(&position, dec("-0.3"));
  assert_decimal(position.pnl_usd, "1.5");
  /* r_usd = 2·(2 + 0.1 + 0.102) = 4.404 */
  assert_near(position.pnl_r, 1.5 / 4.404, 1e-12);
  position_on_price(&position, dec("103"), dec("103"), dec("103"));
  assert_near(position.mae_r, -1.5, 1e-12);
  assert_near(position.mfe_r, 1.5, 1e-12);
  assert_decimal(position.best, "97");
}

/* A mark of another source than the candle counts itself; a fill beyond the quantity is given back. */
static void test_odd_inputs_of_the_venue(void **state) {
  (void)state;
  struct position position = trade_open(SIDE_LONG, "2", "100", "99", 0, 0, start);
  position_on_price(&position, dec("103"), dec("102"), dec("101"));
  assert_decimal(position.best, "103");
  assert_decimal(position.worst, "100");
  struct fill fill = trade_fill(ORDER_SELL, "5", "101", "0.5", start + 1);
  assert_decimal(position_on_exit_fill(&position, &fill, 0), "3");
  assert_decimal(position.qty, "0");
  assert_decimal(position.pnl_realised_usd, "2");
  assert_decimal(position.fees_usd, "0.5");
  assert_decimal(position_on_exit_fill(&position, &fill, 0), "5"); /* nothing is open any more */
  assert_decimal(position.pnl_realised_usd, "2");
}

/* What was reached before an add-on stays reached, although E moved. */
static void test_add_on_keeps_extremes(void **state) {
  (void)state;
  struct position position = trade_open(SIDE_LONG, "1", "100", "99", 0, 0, start);
  position_on_price(&position, dec("101"), dec("102"), dec("99.5"));
  struct fill fill = trade_fill(ORDER_BUY, "1", "101", "0", start + 1);
  position_on_entry_fill(&position, &fill, true);
  assert_decimal(position.entry, "100.5");
  assert_near(position.mfe_r, 2, 1e-12);
  assert_near(position.mae_r, -0.5, 1e-12);
  assert_near(position.price_r, 0.5, 1e-12);
}

/* Random fills: Σ signed fills = quantity, and realised + unrealised - fees + funding = Σ cash flows + value of what is open, to the last digit. */
static void test_money_adds_up_over_random_fills(void **state) {
  (void)state;
  struct random random;
  random_init(&random, 2024);
  for (int run = 0; run < 400; run++) {
    enum position_side side = run % 2 == 0 ? SIDE_LONG : SIDE_SHORT;
    int sign = side == SIDE_LONG ? 1 : -1;
    struct position position = trade_position(side, "0.9", 0.00065, 0.00065);
    int64_t signed_qty = 0;
    int64_t cash = 0;
    for (int i = 0; i < 30; i++) {
      struct fill fill = {
          .ts = start + i, .price = 100000000 + (int64_t)random_below(&random, 20000000), .qty = 1 + (int64_t)random_below(&random, 300000000)};
      fill.fee_usd = (int64_t)random_below(&random, 100000) - 10000;
      bool is_entry = position.qty == 0 || random_below(&random, 3) == 0;
      bool is_last = i == 29 && position.qty > 0;
      if (is_last) is_entry = false;
      if (!is_entry && (fill.qty > position.qty || is_last)) fill.qty = position.qty;
      int64_t notional = decimal_multiply(fill.qty, fill.price);
      if (is_entry) {
        position_on_entry_fill(&position, &fill, position.entry_completed_at != 0);
        if (i > 3 && position.entry_completed_at == 0) position_complete_entry(&position, fill.ts);
      } else {
        position_on_exit_fill(&position, &fill, 0);
      }
      int direction = is_entry ? sign : -sign;
      signed_qty += direction * fill.qty;
      cash += -direction * notional - fill.fee_usd;
      int64_t funding = (int64_t)random_below(&random, 1000) - 500;
      position_on_funding(&position, funding);
      cash += funding;
      int64_t mark = 100000000 + (int64_t)random_below(&random, 20000000);
      position_on_price(&position, mark, mark, mark);
      assert_int_equal(signed_qty, sign * position.qty);
      assert_int_equal(position.pnl_usd, cash + sign * decimal_multiply(position.qty, mark));
      assert_int_equal(position.pnl_usd, position.pnl_realised_usd + position.pnl_unrealised_usd - position.fees_usd + position.funding_usd);
    }
    if (position.qty == 0) {
      assert_int_equal(position_open_cost(&position), 0);
      struct trade trade;
      position_to_trade(&position, 1, &trade);
      assert_int_equal(trade.pnl_usd, cash);
    }
  }
}

/* A stop at its price is -1 R whatever the parts of the entry were, also where E needs more than 8 decimals. */
static void test_exact_stop_is_one_r(void **state) {
  (void)state;
  struct random random;
  random_init(&random, 5);
  for (int run = 0; run < 500; run++) {
    struct position position = trade_position(SIDE_LONG, "0.00001", 0.00055, 0.00055);
    int64_t fees_rounded = 0;
    for (int i = 0; i < 7; i++) {
      struct fill fill = {.price = 1030 + (int64_t)random_below(&random, 9), .qty = (1 + (int64_t)random_below(&random, 5000000)) * DECIMAL_ONE};
      fill.fee_usd = fee_of_fraction(decimal_multiply(fill.qty, fill.price), 0.00055);
      fees_rounded++;
      position_on_entry_fill(&position, &fill, false);
    }
    position_complete_entry(&position, start);
    struct fill stop = {.price = dec("0.00001"), .qty = position.qty};
    stop.fee_usd = fee_of_fraction(decimal_multiply(stop.qty, stop.price), 0.00055);
    position_on_exit_fill(&position, &stop, stop.price);
    assert_true(labs(position.pnl_usd + position.r_usd) <= fees_rounded); /* one rounding of a fee per entry fill */
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_example_a),
                                     cmocka_unit_test(test_example_b),
                                     cmocka_unit_test(test_example_c),
                                     cmocka_unit_test(test_example_d),
                                     cmocka_unit_test(test_average_entry_and_freeze),
                                     cmocka_unit_test(test_reduction_keeps_the_average),
                                     cmocka_unit_test(test_price_updates_r_and_extremes),
                                     cmocka_unit_test(test_odd_inputs_of_the_venue),
                                     cmocka_unit_test(test_add_on_keeps_extremes),
                                     cmocka_unit_test(test_money_adds_up_over_random_fills),
                                     cmocka_unit_test(test_exact_stop_is_one_r)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
