#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/calendar.h"
#include "base/random.h"
#include "core/trade/ledger.h"
#include "support/trade_fixture.h"

static const int64_t day_1 = INT64_C(1704067200000); /* 2024-01-01T00:00:00Z */

static void test_new_account(void **state) {
  (void)state;
  struct ledger ledger;
  ledger_init(&ledger, dec("100000"), day_1 + HOUR_MS);
  assert_decimal(ledger.cash_usd, "100000");
  assert_decimal(ledger.equity_usd, "100000");
  assert_decimal(ledger.high_water_mark_usd, "100000");
  assert_decimal(ledger.day_start_equity_usd, "100000");
  assert_int_equal(ledger.day, day_1);
  assert_true(ledger_day_loss(&ledger) == 0);
  assert_true(ledger_drawdown(&ledger) == 0);
}

/* risk.md 1: cash = start + flows + realised - fees + funding; day_pnl takes flows out; day_loss on day-start equity. By hand. */
static void test_day_and_drawdown(void **state) {
  (void)state;
  struct ledger ledger;
  ledger_init(&ledger, dec("100000"), day_1);
  ledger_on_realised(&ledger, dec("500"));
  ledger_on_fee(&ledger, dec("20.5"));
  ledger_on_funding(&ledger, dec("-4.5"));
  ledger_on_mark(&ledger, dec("-1000"), day_1 + HOUR_MS);
  assert_decimal(ledger.cash_usd, "100475");
  assert_decimal(ledger.equity_usd, "99475");
  assert_decimal(ledger_day_pnl(&ledger), "-525");
  assert_near(ledger_day_loss(&ledger), 0.00525, 1e-15);
  assert_near(ledger_drawdown(&ledger), 0.00525, 1e-15);
  ledger_on_flow(&ledger, dec("1000"), day_1 + 2 * HOUR_MS);
  assert_decimal(ledger_day_pnl(&ledger), "-525");
  assert_decimal(ledger.high_water_mark_usd, "101000");
  ledger_on_flow(&ledger, dec("-50000"), day_1 + 2 * HOUR_MS);
  assert_decimal(ledger.high_water_mark_usd, "51000");
  assert_decimal(ledger_day_pnl(&ledger), "-525");
  assert_int_equal(ledger_residual(&ledger), 0);
}

/* The mark of the first event of a day is its start; nothing re-bases it later. */
static void test_new_day(void **state) {
  (void)state;
  struct ledger ledger;
  ledger_init(&ledger, dec("1000"), day_1);
  ledger_on_trade(&ledger, dec("-10"), -1);
  ledger_on_fee(&ledger, dec("1"));
  ledger_on_mark(&ledger, dec("50"), day_1 + DAY_MS);
  assert_int_equal(ledger.day, day_1 + DAY_MS);
  assert_decimal(ledger.day_start_equity_usd, "1049");
  assert_true(ledger.day_closed_r == 0);
  assert_decimal(ledger.fees_today_usd, "0");
  assert_decimal(ledger.fees_usd, "1");
  ledger_on_mark(&ledger, dec("-50"), day_1 + DAY_MS + 1);
  ledger_on_mark(&ledger, dec("-60"), day_1 + 5); /* an old time opens nothing */
  assert_decimal(ledger.day_start_equity_usd, "1049");
  assert_decimal(ledger_day_pnl(&ledger), "-110");
  assert_int_equal(ledger.consecutive_losses, 1); /* not a matter of the day */
}

static void test_losses_in_a_row(void **state) {
  (void)state;
  struct ledger ledger;
  ledger_init(&ledger, dec("1000"), day_1);
  ledger_on_trade(&ledger, -1, -0.1);
  ledger_on_trade(&ledger, -1, -0.1);
  assert_int_equal(ledger.consecutive_losses, 2);
  ledger_on_trade(&ledger, 0, 0); /* net P&L >= 0 resets */
  assert_int_equal(ledger.consecutive_losses, 0);
  ledger_on_trade(&ledger, -1, NAN);
  assert_int_equal(ledger.consecutive_losses, 1);
  assert_near(ledger.day_closed_r, -0.2, 1e-12);
}

static void test_ruined_account_has_no_fractions(void **state) {
  (void)state;
  struct ledger ledger;
  ledger_init(&ledger, 0, day_1);
  assert_true(isnan(ledger_day_loss(&ledger)));
  assert_true(isnan(ledger_drawdown(&ledger)));
}

/* A realised profit counts twice until the mark: it must not raise the high-water mark. */
static void test_high_water_mark_waits_for_the_mark(void **state) {
  (void)state;
  struct ledger ledger;
  ledger_init(&ledger, dec("1000"), day_1);
  ledger_on_mark(&ledger, dec("100"), day_1);
  ledger_on_realised(&ledger, dec("100"));
  ledger_on_mark(&ledger, 0, day_1);
  assert_decimal(ledger.high_water_mark_usd, "1100");
}

static void test_identity_over_random_events(void **state) {
  (void)state;
  struct random random;
  random_init(&random, 42);
  struct ledger ledger;
  ledger_init(&ledger, dec("100000"), day_1);
  int64_t cash = dec("100000");
  for (int i = 0; i < 20000; i++) {
    int64_t amount = (int64_t)random_below(&random, 2000000000) - 1000000000;
    int64_t ts = day_1 + i * MINUTE_MS;
    switch (random_below(&random, 5)) {
      case 0:
        ledger_on_realised(&ledger, amount);
        cash += amount;
        break;
      case 1:
        ledger_on_fee(&ledger, amount);
        cash -= amount;
        break;
      case 2:
        ledger_on_funding(&ledger, amount);
        cash += amount;
        break;
      case 3:
        ledger_on_flow(&ledger, amount, ts);
        cash += amount;
        break;
      default:
        ledger_on_mark(&ledger, amount, ts);
        assert_true(ledger.high_water_mark_usd >= ledger.equity_usd);
        break;
    }
    assert_int_equal(ledger.cash_usd, cash);
    assert_int_equal(ledger_residual(&ledger), 0);
    assert_int_equal(ledger.cash_usd, ledger.starting_balance_usd + ledger.flows_usd + ledger.realised_usd - ledger.fees_usd + ledger.funding_usd);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_new_account),
                                     cmocka_unit_test(test_day_and_drawdown),
                                     cmocka_unit_test(test_new_day),
                                     cmocka_unit_test(test_losses_in_a_row),
                                     cmocka_unit_test(test_ruined_account_has_no_fractions),
                                     cmocka_unit_test(test_high_water_mark_waits_for_the_mark),
                                     cmocka_unit_test(test_identity_over_random_events)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
