/* Sizing: the worked example of risk 9, every cap and refusal, and properties over random plans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/decimal.h"
#include "base/random.h"
#include "core/strategy/sizing.h"
#include "support/strategy_fixture.h"

__extension__ typedef __int128 wide;

static struct preset preset;
static struct instrument instrument;
static struct sizing_input input;
static struct sizing out;
static struct reason_list reasons;

static int64_t dec(double value) {
  return decimal_from_double(value);
}

/* The account of risk 9; two rungs of half the quantity at 1 R and 2 R. */
static int begin(void **state) {
  (void)state;
  preset_init(&preset);
  preset.risk.risk_per_trade = 0.015;
  preset.risk.max_position_size_usd = 60000;
  preset.position_config.tp1_r = 1;
  preset.position_config.tp2_r = 2;
  instrument = (struct instrument){
      .tick_size = dec(0.01), .lot_size = dec(0.1), .min_qty = dec(0.1), .min_notional_usd = dec(5), .max_leverage = 50, .maintenance_margin = 0.005};
  input = (struct sizing_input){.preset = &preset,
                                .instrument = &instrument,
                                .side = SIDE_LONG,
                                .entry = dec(100),
                                .stop = dec(98.8),
                                .fee_in = 0.00065,
                                .fee_out = 0.00065,
                                .equity_usd = dec(100000),
                                .margin_free_usd = dec(100000),
                                .size_factor = 1,
                                .max_leverage = 10,
                                .depth_usd = NAN};
  return 0;
}

static void size(void) {
  reasons.count = 0;
  sizing_compute(&input, &out, &reasons);
}

/* The verdict, or REASON_passed. */
static enum reason_code refusal(void) {
  size();
  const struct reason *failed = reason_first_failed(&reasons);
  assert_int_equal(out.is_accepted, failed == NULL);
  return failed == NULL ? REASON_passed : (enum reason_code)failed->code;
}

static void the_worked_example(void **state) {
  (void)state;
  assert_int_equal(refusal(), REASON_passed);
  assert_int_equal(out.r_money, dec(1500));
  assert_int_equal(out.qty, dec(600));
  assert_int_equal(out.notional_usd, dec(60000));
  assert_int_equal(out.binding_cap, REASON_cap_position_size);
  assert_int_equal(out.risk_usd, dec(797.532)); /* 600 * 1.32922 */
  assert_true(fabs(out.risk_r - 0.531688) < 1e-12);
  assert_true(out.leverage == 10);
  assert_int_equal(out.liquidation_price, dec(90.5)); /* 100 - (10 - 0.5) */
  assert_int_equal(out.rung_count, 2);
  assert_int_equal(out.rungs[0].price, dec(101.2));
  assert_int_equal(out.rungs[1].price, dec(102.4));
  assert_int_equal(out.rungs[0].qty, dec(300));
  assert_int_equal(out.runner_qty, 0);
  assert_non_null(fixture_reason(&reasons, REASON_cap_position_size));
  assert_null(fixture_reason(&reasons, REASON_size_halved));
  assert_true(fixture_reason(&reasons, REASON_cap_position_size)->passed);
  preset.risk.max_position_size_usd = NAN; /* without the cap: 1 128.48... */
  assert_int_equal(refusal(), REASON_passed);
  assert_int_equal(out.qty, dec(1128.4));
  assert_int_equal(out.binding_cap, REASON_passed);
  assert_int_equal(out.risk_usd, dec(1499.891848)); /* 1 128.4 * 1.32922 */
}

static void a_short_is_sized_alike(void **state) {
  (void)state;
  input.side = SIDE_SHORT;
  input.stop = dec(101.2);
  assert_int_equal(refusal(), REASON_passed);
  assert_int_equal(out.qty, dec(600));
  assert_int_equal(out.risk_usd, dec(798.468)); /* 600 * (1.2 + 0.065 + 0.06578) */
  assert_int_equal(out.liquidation_price, dec(109.5));
  assert_int_equal(out.rungs[0].price, dec(98.8));
  assert_int_equal(out.rungs[1].price, dec(97.6));
}

static void a_cap_equal_to_the_quantity_does_not_bind(void **state) {
  (void)state;
  input.fee_in = input.fee_out = 0; /* 1 500 / 1.20 = 1 250 */
  preset.risk.max_position_size_usd = 125000;
  assert_int_equal(refusal(), REASON_passed);
  assert_int_equal(out.qty, dec(1250));
  assert_int_equal(out.risk_usd, out.r_money);
  assert_int_equal(out.binding_cap, REASON_passed);
  preset.risk.max_position_size_usd = 124999.99;
  assert_int_equal(refusal(), REASON_passed);
  assert_int_equal(out.binding_cap, REASON_cap_position_size);
  assert_int_equal(out.qty, dec(1249.9));
}

static void money_is_rounded_down(void **state) {
  (void)state;
  input.equity_usd = dec(100000) + 99; /* 0.015 of it ends in ...1485 * 1e-11 */
  size();
  assert_int_equal(out.r_money, dec(1500) + 1);
  input.size_factor = 0.5;
  size();
  assert_int_equal(out.r_money, dec(750));
}

static void halving_halves_the_money(void **state) {
  (void)state;
  input.size_factor = 0.5;
  assert_int_equal(refusal(), REASON_passed);
  assert_int_equal(out.r_money, dec(750));
  assert_int_equal(out.qty, dec(564.2));
  assert_non_null(fixture_reason(&reasons, REASON_size_halved));
}

static void every_cap_binds_alone(void **state) {
  (void)state;
  preset.risk.max_position_size_usd = NAN;
  input.depth_usd = 50000; /* 0.8 * 50 000 / 100 */
  assert_int_equal(refusal(), REASON_passed);
  assert_int_equal(out.binding_cap, REASON_cap_depth);
  assert_int_equal(out.qty, dec(400));
  input.depth_usd = NAN;
  input.margin_free_usd = dec(1000); /* 0.95 * 1 000 * 10 / 100 */
  assert_int_equal(refusal(), REASON_passed);
  assert_int_equal(out.binding_cap, REASON_cap_margin);
  assert_int_equal(out.qty, dec(95));
  input.margin_free_usd = dec(100000);
  instrument.max_limit_qty = dec(70.05);
  instrument.max_market_qty = dec(80);
  assert_int_equal(refusal(), REASON_passed);
  assert_int_equal(out.binding_cap, REASON_cap_max_order_qty);
  assert_int_equal(out.qty, dec(70));
  instrument.max_market_qty = dec(60);
  assert_int_equal(refusal(), REASON_passed);
  assert_int_equal(out.qty, dec(60));
}

static void leverage_follows_its_formula(void **state) {
  (void)state;
  input.max_leverage = 100;
  size(); /* 1 / (1.5 * 0.012 + 0.005 + 0.0013) = 41.15 */
  assert_true(out.leverage == 41);
  instrument.max_leverage = 12.5;
  size();
  assert_true(out.leverage == 12.5);
  instrument.max_leverage = 50;
  input.stop = dec(40); /* 1 / (0.9 + ...) = 1.1 */
  size();
  assert_true(out.leverage == 1);
  /* A whole number stays whole: 1.5 * 0.02 + 0.0187 + 2 * 0.00065 = 0.05 exactly. */
  input.stop = dec(98);
  instrument.maintenance_margin = 0.0187;
  size();
  assert_true(out.leverage == 20);
}

static void refusals(void **state) {
  (void)state;
  input.equity_usd = dec(5); /* 0.075 USD of risk: 0.05 units */
  assert_int_equal(refusal(), REASON_below_min_qty);
  begin(NULL);
  instrument.min_qty = instrument.lot_size = dec(0.01);
  input.equity_usd = dec(8); /* 0.09 units: 9 USD */
  assert_int_equal(refusal(), REASON_below_min_notional);
  assert_string_equal(reason_first_failed(&reasons)->detail, "at the entry");
  begin(NULL);
  input.equity_usd = dec(17); /* 0.1 units: one rung of nothing */
  assert_int_equal(refusal(), REASON_plan_dust);
  begin(NULL);
  input.entry = dec(100.001);
  assert_int_equal(refusal(), REASON_plan_rounding);
  begin(NULL);
  input.stop = dec(101.2); /* a stop above a long entry: the targets are still above the entry */
  assert_int_equal(refusal(), REASON_plan_order);
  begin(NULL);
  input.stop = dec(30);
  assert_int_equal(refusal(), REASON_liquidation_too_close);
  /* At 1x the liquidation lies 100 - 0.5 away; 1.5 stop distances of 66.33 are 99.495, of 66.34 99.51. */
  begin(NULL);
  input.max_leverage = 1;
  input.stop = dec(33.67);
  assert_int_equal(refusal(), REASON_passed);
  instrument.maintenance_margin = 0.00505; /* 99.495 */
  assert_int_equal(refusal(), REASON_passed);
  input.stop = dec(33.66);
  assert_int_equal(refusal(), REASON_liquidation_too_close);
  assert_true(reason_first_failed(&reasons)->value == 99.495);
  begin(NULL);
  input.margin_free_usd = dec(1.06); /* 0.95 * 1.06 * 10 / 100 = 0.1007 units: one rung of nothing, but not for want of margin */
  assert_int_equal(refusal(), REASON_plan_dust);
  input.margin_free_usd = dec(1.05); /* 0.09975 */
  assert_int_equal(refusal(), REASON_no_margin);
  assert_true(fabs(reason_first_failed(&reasons)->threshold - 10 / 9.5) < 1e-12);
  begin(NULL);
  instrument.min_qty = dec(1);
  input.margin_free_usd = dec(10); /* 0.95 units */
  assert_int_equal(refusal(), REASON_no_margin);
  begin(NULL);
  input.margin_free_usd = 0;
  assert_int_equal(refusal(), REASON_no_margin);
  input.margin_free_usd = dec(-3);
  assert_int_equal(refusal(), REASON_no_margin);
  begin(NULL);
  input.stop = input.entry;
  input.fee_in = -0.00065; /* a rebate that eats the fee: nothing to lose, nothing to size by */
  assert_int_equal(refusal(), REASON_plan_order);
}

static struct rung rung_of(double price, double qty) {
  struct rung rung = {.level_name = "TP1", .price = dec(price), .qty = dec(qty)};
  return rung;
}

static enum reason_code proved(enum position_side side, double entry, double stop, double qty, const struct rung *rungs, int32_t count) {
  reasons.count = 0;
  bool passed = sizing_prove(&instrument, side, dec(entry), dec(stop), dec(qty), rungs, count, &reasons);
  assert_int_equal(passed, reasons.count == 0);
  assert_true(reasons.count <= 1);
  return passed ? REASON_passed : (enum reason_code)reasons.items[0].code;
}

static void the_proof_at_its_bounds(void **state) {
  (void)state;
  struct rung two[2] = {rung_of(110, 1), rung_of(120, 1)};
  assert_int_equal(proved(SIDE_LONG, 100, 90, 2, two, 2), REASON_passed);
  assert_int_equal(proved(SIDE_LONG, 100, 90, 0.1, NULL, 0), REASON_passed); /* exactly 10 USD and the minimum quantity */
  assert_int_equal(proved(SIDE_LONG, 99.99, 90, 0.1, NULL, 0), REASON_below_min_notional);
  assert_int_equal(proved(SIDE_LONG, 100, 50, 0.1, NULL, 0), REASON_passed); /* exactly 5 USD at the stop */
  assert_int_equal(proved(SIDE_LONG, 100, 49.99, 0.1, NULL, 0), REASON_below_min_notional);
  assert_int_equal(proved(SIDE_LONG, 100, 90, 0, NULL, 0), REASON_below_min_qty);
  instrument.min_qty = dec(0.2);
  assert_int_equal(proved(SIDE_LONG, 100, 90, 0.1, NULL, 0), REASON_below_min_qty);
  assert_int_equal(proved(SIDE_LONG, 100, 90, 2.1, two, 2), REASON_plan_dust); /* runner of 0.1 */
  assert_string_equal(reasons.items[0].detail, "runner");
  assert_int_equal(proved(SIDE_LONG, 100, 90, 2.2, two, 2), REASON_passed);
  two[1].qty = dec(0.1);
  assert_int_equal(proved(SIDE_LONG, 100, 90, 1.1, two, 2), REASON_plan_dust); /* a rung of 0.1 */
  assert_string_equal(reasons.items[0].detail, "TP1");
  begin(NULL);
  instrument.min_notional_usd = dec(100); /* 1 unit is worth 110 at the target, 90 at the stop */
  two[1].qty = dec(1);
  assert_int_equal(proved(SIDE_LONG, 100, 90, 2, two, 2), REASON_plan_dust);
  assert_string_equal(reasons.items[0].detail, "rest after TP1");
  begin(NULL);
  two[0].qty = dec(3); /* more than there is */
  assert_int_equal(proved(SIDE_LONG, 100, 90, 2, two, 2), REASON_plan_dust);
  two[0].qty = dec(1);
  two[1].price = dec(110);
  assert_int_equal(proved(SIDE_LONG, 100, 90, 2, two, 2), REASON_plan_order);
  two[1].price = dec(120.005);
  assert_int_equal(proved(SIDE_LONG, 100, 90, 2, two, 2), REASON_plan_rounding);
  two[1].price = dec(120);
  two[0].price = dec(100);
  assert_int_equal(proved(SIDE_LONG, 100, 90, 2, two, 2), REASON_plan_order);
  assert_int_equal(proved(SIDE_LONG, 100, 100, 2, NULL, 0), REASON_plan_order);
  struct rung down[2] = {rung_of(90, 1), rung_of(80, 1)};
  assert_int_equal(proved(SIDE_SHORT, 100, 110, 2, down, 2), REASON_passed);
  assert_int_equal(proved(SIDE_SHORT, 100, 99, 2, down, 2), REASON_plan_order);
  down[1].price = dec(90);
  assert_int_equal(proved(SIDE_SHORT, 100, 110, 2, down, 2), REASON_plan_order);
}

/* What no decimal holds is no cap; a venue that does not tell its largest leverage sets none. */
static void values_that_bind_nothing(void **state) {
  (void)state;
  preset.risk.max_position_size_usd = 1e300;
  input.depth_usd = 1e300;
  input.max_leverage = 100;
  instrument.max_leverage = 0;
  assert_int_equal(refusal(), REASON_passed);
  assert_int_equal(out.binding_cap, REASON_passed);
  assert_true(out.leverage == 41); /* by its formula */
  input.depth_usd = -1e300;        /* and what is less than nothing buys nothing */
  assert_int_not_equal(refusal(), REASON_passed);
  assert_int_equal(out.qty, 0);
}

static void what_is_between_two_steps_is_named(void **state) {
  (void)state;
  static const struct {
    double entry, stop, qty;
    const char *name;
  } plans[] = {{100.005, 90, 2, "entry"}, {100, 90.005, 2, "stop"}, {100, 90, 2.05, "quantity"}};
  for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
    assert_int_equal(proved(SIDE_LONG, plans[i].entry, plans[i].stop, plans[i].qty, NULL, 0), REASON_plan_rounding);
    assert_string_equal(reasons.items[0].detail, plans[i].name);
  }
  struct rung rung = rung_of(110, 1.05);
  assert_int_equal(proved(SIDE_LONG, 100, 90, 3, &rung, 1), REASON_plan_rounding);
  assert_string_equal(reasons.items[0].detail, "TP1");
}

/* --- properties --- */

static double between(struct random *random, double low, double high) {
  return low + (high - low) * random_unit(random);
}

static const double powers[] = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000};

static void random_plan(struct random *random) {
  begin(NULL);
  double price = powers[random_below(random, 12)] * between(random, 1, 100);
  instrument.tick_size = dec(powers[random_below(random, 5)]);
  instrument.lot_size = dec(powers[random_below(random, 12)]);
  instrument.min_qty = instrument.lot_size * (int64_t)(1 + random_below(random, 5));
  input.side = random_below(random, 2) == 0 ? SIDE_LONG : SIDE_SHORT;
  input.entry = decimal_to_step(dec(price), instrument.tick_size, ROUND_UP);
  double distance = price * between(random, 0.001, 0.2) * (input.side == SIDE_LONG ? -1 : 1);
  input.stop = decimal_to_step(input.entry + dec(distance), instrument.tick_size, input.side == SIDE_LONG ? ROUND_DOWN : ROUND_UP);
  input.fee_in = decimal_to_double(dec(between(random, -0.0002, 0.001)));
  input.fee_out = decimal_to_double(dec(between(random, 0, 0.001)));
  input.equity_usd = dec(between(random, 10, 1e6));
  input.margin_free_usd = dec(between(random, 0, 1e6));
  input.size_factor = random_below(random, 2) == 0 ? 1 : 0.5;
  input.max_leverage = 1 + (int32_t)random_below(random, 50);
  preset.risk.risk_per_trade = decimal_to_double(dec(between(random, 0.0005, 0.1)));
  preset.risk.max_position_size_usd = random_below(random, 2) == 0 ? NAN : between(random, 10, 1e6);
  if (random_below(random, 3) == 0) input.depth_usd = between(random, 0, 1e6);
}

/* d + f of one unit in 1e-16, computed the obvious way. */
static wide unit_risk_ref(void) {
  wide d = input.side == SIDE_LONG ? input.entry - input.stop : input.stop - input.entry;
  return d * DECIMAL_ONE + (wide)input.entry * dec(input.fee_in) + (wide)input.stop * dec(input.fee_out);
}

static void assert_invariants(int64_t *accepted) {
  wide unit = unit_risk_ref();
  wide scale = (wide)DECIMAL_ONE * DECIMAL_ONE;
  assert_true(out.risk_usd <= out.r_money);
  assert_true(out.qty >= 0 && out.qty % instrument.lot_size == 0);
  assert_true(out.r_money <= dec(decimal_to_double(input.equity_usd) * preset.risk.risk_per_trade * input.size_factor) + 1);
  if (unit > 0 && input.stop > 0) {
    assert_true((wide)out.qty * unit <= (wide)out.r_money * scale);
    /* Nothing given away without a cap: one more lot would not fit (or no decimal could say it). */
    bool is_sayable = out.qty < INT64_MAX - instrument.lot_size;
    if (out.binding_cap == REASON_passed && is_sayable) assert_true(((wide)out.qty + instrument.lot_size) * unit > (wide)out.r_money * scale);
  }
  if (!out.is_accepted) {
    assert_non_null(reason_first_failed(&reasons));
    return;
  }
  (*accepted)++;
  assert_null(reason_first_failed(&reasons));
  int64_t sum = out.runner_qty;
  for (int32_t i = 0; i < out.rung_count; i++) {
    sum += out.rungs[i].qty;
    assert_true(instrument_is_sellable(&instrument, out.rungs[i].qty, out.rungs[i].price));
  }
  assert_int_equal(sum, out.qty);
  assert_true(out.runner_qty == 0 || instrument_is_sellable(&instrument, out.runner_qty, input.stop));
  if (!isnan(preset.risk.max_position_size_usd)) assert_true(out.notional_usd <= dec(preset.risk.max_position_size_usd));
  if (!isnan(input.depth_usd)) assert_true(decimal_to_double(out.notional_usd) <= 0.8 * input.depth_usd + 1e-6);
  assert_true(decimal_to_double(out.notional_usd) / out.leverage <= 0.95 * decimal_to_double(input.margin_free_usd) + 1e-6);
  int64_t sign = input.side == SIDE_LONG ? 1 : -1;
  assert_true(2 * sign * (input.entry - out.liquidation_price) >= 3 * sign * (input.entry - input.stop));
}

static void no_random_plan_risks_more_than_its_money(void **state) {
  (void)state;
  struct random random;
  int64_t accepted = 0;
  random_init(&random, 42);
  for (int i = 0; i < 100000; i++) {
    random_plan(&random);
    size();
    assert_invariants(&accepted);
  }
  assert_true(accepted > 10000); /* the property says something only when plans get through */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(the_worked_example, begin),
      cmocka_unit_test_setup(a_short_is_sized_alike, begin),
      cmocka_unit_test_setup(a_cap_equal_to_the_quantity_does_not_bind, begin),
      cmocka_unit_test_setup(money_is_rounded_down, begin),
      cmocka_unit_test_setup(halving_halves_the_money, begin),
      cmocka_unit_test_setup(every_cap_binds_alone, begin),
      cmocka_unit_test_setup(leverage_follows_its_formula, begin),
      cmocka_unit_test_setup(refusals, begin),
      cmocka_unit_test_setup(the_proof_at_its_bounds, begin),
      cmocka_unit_test_setup(values_that_bind_nothing, begin),
      cmocka_unit_test_setup(what_is_between_two_steps_is_named, begin),
      cmocka_unit_test_setup(no_random_plan_risks_more_than_its_money, begin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
