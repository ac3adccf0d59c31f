/* Defaults of a recording without instruments, and rounding to a venue's rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "base/random.h"
#include "core/market/instrument.h"

static int64_t dec(const char *text) {
  int64_t value = 0;
  assert_true(decimal_parse(text, strlen(text), &value));
  return value;
}

/* tick = 10^(floor(log10(p)) - 5), lot = 10^floor(log10(1/p)) within [1e-8, 1000]; counted by hand. */
static void test_defaults(void **state) {
  (void)state;
  static const struct {
    double price;
    const char *tick, *lot;
  } cases[] = {
      {103254.7, "1", "0.000001"},
      {100000, "1", "0.00001"},
      {99999.9, "0.1", "0.00001"},
      {168.31, "0.001", "0.001"},
      {10, "0.0001", "0.1"},
      {9.99, "0.00001", "0.1"},
      {1, "0.00001", "1"},
      {0.7, "0.000001", "1"},
      {0.1, "0.000001", "10"},
      {0.0123, "0.0000001", "10"},
      {0.001, "0.00000001", "1000"},
      {0.00002, "0.00000001", "1000"},
      {0.00000001, "0.00000001", "1000"},
      {0.000000001, "0.00000001", "1000"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct instrument instrument;
    instrument_default(&instrument, "A/USDT:USDT", "AUSDT", cases[i].price);
    if (instrument.tick_size != dec(cases[i].tick) || instrument.lot_size != dec(cases[i].lot)) fail_msg("case %zu", i);
    assert_int_equal(instrument.min_qty, instrument.lot_size);
    assert_int_equal(instrument.min_notional_usd, 5 * DECIMAL_ONE);
    assert_int_equal(instrument.max_limit_qty + instrument.max_market_qty, 0);
    assert_true(instrument.max_leverage == 50 && instrument.maintenance_margin == 0.005);
    assert_int_equal(instrument.status, INSTRUMENT_TRADING);
    assert_true(instrument.is_default);
    assert_string_equal(instrument.symbol, "A/USDT:USDT");
    assert_string_equal(instrument.venue_symbol, "AUSDT");
  }
}

static void test_rounding(void **state) {
  (void)state;
  struct instrument instrument;
  struct random random;
  instrument_default(&instrument, "A/USDT:USDT", "AUSDT", 168.31);
  assert_int_equal(instrument_round_price(&instrument, dec("168.3456"), ROUND_DOWN), dec("168.345"));
  assert_int_equal(instrument_round_price(&instrument, dec("168.3451"), ROUND_UP), dec("168.346"));
  assert_int_equal(instrument_round_price(&instrument, dec("168.3455"), ROUND_NEAREST), dec("168.346"));
  assert_int_equal(instrument_round_quantity(&instrument, dec("1.2349"), ROUND_DOWN), dec("1.234"));
  /* 0.1 + 0.2 is 0.30000000000000004: the noise is not a tick. */
  assert_int_equal(instrument_price_from_double(&instrument, 0.1 + 0.2, ROUND_UP), dec("0.3"));
  assert_int_equal(instrument_price_from_double(&instrument, 168.3451, ROUND_UP), dec("168.346"));
  random_init(&random, 1);
  for (int i = 0; i < 10000; i++) {
    int64_t price = (int64_t)random_below(&random, UINT64_C(100000000000));
    int64_t down = instrument_round_price(&instrument, price, ROUND_DOWN);
    int64_t up = instrument_round_price(&instrument, price, ROUND_UP);
    assert_true(down <= price && price <= up);
    assert_int_equal(down % instrument.tick_size, 0);
    assert_int_equal(up - down, price == down ? 0 : instrument.tick_size);
  }
}

static void test_sellable(void **state) {
  (void)state;
  struct instrument instrument;
  instrument_default(&instrument, "A/USDT:USDT", "AUSDT", 168.31); /* lot and minimum 0.001, 5 USD */
  assert_true(instrument_is_sellable(&instrument, dec("0.05"), dec("100")));
  assert_false(instrument_is_sellable(&instrument, dec("0.049"), dec("100")));
  assert_false(instrument_is_sellable(&instrument, dec("0.0505"), dec("100")));
  assert_false(instrument_is_sellable(&instrument, 0, dec("100")));
  assert_false(instrument_is_sellable(&instrument, dec("-1"), dec("100")));
  instrument.min_qty = dec("0.1");
  assert_false(instrument_is_sellable(&instrument, dec("0.05"), dec("1000")));
  assert_true(instrument_is_sellable(&instrument, dec("0.1"), dec("1000")));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_defaults), cmocka_unit_test(test_rounding), cmocka_unit_test(test_sellable)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
