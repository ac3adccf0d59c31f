/* Positions, fills and instruments for the tests of core/trade. */
#ifndef SUPPORT_TRADE_FIXTURE_H
#define SUPPORT_TRADE_FIXTURE_H

#include <math.h>

#include "core/trade/position.h"

/* "99.98" as a decimal; a text that is no number fails the test. */
int64_t dec(const char *text);
/* BTC/USDT:USDT with the given steps, minimum quantity one lot, minimum notional 5 USD, no largest quantity. */
struct instrument trade_instrument(const char *tick, const char *lot);
struct fill trade_fill(enum order_side side, const char *qty, const char *price, const char *fee, int64_t ts);
/* An empty position of the side with its stop and fees (fractions); nothing filled yet. */
struct position trade_position(enum position_side side, const char *stop, double fee_in, double fee_out);
/* The same filled once and complete: fee charged at fee_in. */
struct position trade_open(enum position_side side, const char *qty, const char *entry, const char *stop, double fee_in, double fee_out, int64_t ts);

/* cmocka's own comparison is one of floats. */
#define assert_near(actual, expected, epsilon) assert_true(fabs((actual) - (expected)) <= (epsilon))
#define assert_decimal(actual, expected) assert_int_equal((actual), dec(expected))

#endif
