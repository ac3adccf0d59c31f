#include "core/trade/fees.h"

#include "base/decimal.h"

enum { BPS_PER_ONE = 10000 };

int64_t fee_of_bps(int64_t notional, double rate_bps) {
  return decimal_multiply_divide(notional, decimal_from_double(rate_bps), BPS_PER_ONE * DECIMAL_ONE, ROUND_NEAREST);
}

int64_t fee_of_fraction(int64_t notional, double rate) {
  return decimal_multiply(notional, decimal_from_double(rate));
}
