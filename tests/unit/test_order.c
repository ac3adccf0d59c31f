#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/random.h"
#include "core/trade/fees.h"
#include "core/trade/order.h"
#include "support/trade_fixture.h"

/* execution.md 2: form bb-IIIIII-PPPPPPPP-LNN-AA. 1055 = 1·32^2 + 0·32 + 31, 33 = 11 in base 32. By hand. */
static void test_client_id_has_the_stated_form(void **state) {
  (void)state;
  char id[ORDER_ID_MAX];
  order_make_client_id(id, "4QZ7K0", 1055, LEG_ENTRY, 33, 2);
  assert_string_equal(id, "bb-4QZ7K0-0000010Z-E11-02");
  assert_int_equal(strlen(id), 25);
  assert_true(strlen(id) <= 36); /* the venue's limit */
  order_make_client_id(id, "000000", 1, LEG_MANUAL, 0, 1);
  assert_string_equal(id, "bb-000000-00000001-M00-01");
}

static void test_client_id_round_trip(void **state) {
  (void)state;
  static const enum order_leg legs[] = {LEG_ENTRY, LEG_ADD_ON, LEG_STOP, LEG_TARGET, LEG_EXIT, LEG_FLATTEN, LEG_MANUAL};
  struct random random;
  random_init(&random, 7);
  for (int i = 0; i < 5000; i++) {
    int64_t plan = (int64_t)random_below(&random, UINT64_C(1) << 40); /* 8 digits of 5 bits */
    enum order_leg leg = legs[random_below(&random, 7)];
    int32_t child = (int32_t)random_below(&random, 1024);
    int32_t attempt = (int32_t)random_below(&random, 1024);
    char id[ORDER_ID_MAX];
    order_make_client_id(id, "A1B2C3", plan, leg, child, attempt);
    assert_int_equal(strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"), 25);
    int64_t plan_read;
    enum order_leg leg_read;
    int32_t child_read;
    int32_t attempt_read;
    assert_true(order_parse_client_id(id, "A1B2C3", &plan_read, &leg_read, &child_read, &attempt_read));
    assert_int_equal(plan_read, plan);
    assert_int_equal(leg_read, leg);
    assert_int_equal(child_read, child);
    assert_int_equal(attempt_read, attempt);
  }
}

static void test_foreign_ids_are_refused(void **state) {
  (void)state;
  static const char *const foreign[] = {"",
                                        "web-12345",
                                        "bb-ZZZZZZ-00000001-E00-01",  /* another instance */
                                        "bb-A1B2C3-00000001-E00-0",   /* short */
                                        "bb-A1B2C3-00000001-E00-011", /* long */
                                        "bb-A1B2C3-0000000I-E00-01",  /* I is not a Crockford digit */
                                        "bb-A1B2C3-0000000a-E00-01",  /* lower case */
                                        "bb-A1B2C3-00000001-Q00-01",  /* unknown leg */
                                        "bb-A1B2C3_00000001-E00-01",
                                        "bx-A1B2C3-00000001-E00-01"};
  for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
    int64_t plan;
    enum order_leg leg;
    int32_t child;
    int32_t attempt;
    assert_false(order_parse_client_id(foreign[i], "A1B2C3", &plan, &leg, &child, &attempt));
  }
}

static void test_remaining_ended_live(void **state) {
  (void)state;
  static const struct {
    enum order_state state;
    bool is_ended, is_live;
  } expected[] = {{ORDER_PLANNED, false, false},    {ORDER_SENT, false, true},    {ORDER_UNKNOWN, false, true},
                  {ORDER_UNTRIGGERED, false, true}, {ORDER_WORKING, false, true}, {ORDER_PARTIALLY_FILLED, false, true},
                  {ORDER_CANCELLING, false, true},  {ORDER_FILLED, true, false},  {ORDER_CANCELLED, true, false},
                  {ORDER_REJECTED, true, false}};
  assert_int_equal(sizeof expected / sizeof expected[0], order_state_count);
  for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
    struct order order = {.state = (int32_t)expected[i].state, .qty = 10, .filled_qty = 4};
    assert_int_equal(order_is_ended(&order), expected[i].is_ended);
    assert_int_equal(order_is_live(&order), expected[i].is_live);
    assert_int_equal(order_remaining(&order), 6);
  }
  assert_int_equal(order_side_opening(SIDE_LONG), ORDER_BUY);
  assert_int_equal(order_side_opening(SIDE_SHORT), ORDER_SELL);
  assert_int_equal(order_side_closing(SIDE_LONG), ORDER_SELL);
  assert_int_equal(order_side_closing(SIDE_SHORT), ORDER_BUY);
}

/* positions.md 10 A: 240·101.75 at 1.5 bps = 3.6630, 600·99.98 at 6.5 bps = 38.9922. A half rounds away from zero, also for a rebate. */
static void test_fees_are_exact(void **state) {
  (void)state;
  assert_decimal(fee_of_bps(dec("24420"), 1.5), "3.663");
  assert_decimal(fee_of_bps(dec("59988"), 6.5), "38.9922");
  assert_decimal(fee_of_fraction(dec("59988"), 0.00065), "38.9922");
  assert_decimal(fee_of_bps(dec("0.00005"), 1), "0.00000001"); /* 0.5e-8 */
  assert_decimal(fee_of_bps(dec("0.00005"), -1), "-0.00000001");
  assert_decimal(fee_of_bps(dec("0.000049"), 1), "0");
  assert_decimal(fee_of_bps(dec("90000000000"), 10), "90000000"); /* near the end of the range */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_client_id_has_the_stated_form), cmocka_unit_test(test_client_id_round_trip),
                                     cmocka_unit_test(test_foreign_ids_are_refused), cmocka_unit_test(test_remaining_ended_live),
                                     cmocka_unit_test(test_fees_are_exact)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
