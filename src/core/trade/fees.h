/* What a trade costs at the venue. Fees are exact decimals: one product, one rounding to 1e-8 USD, half away from zero, so that a rebate (negative
 * rate) is rounded like a fee. */
#ifndef CORE_TRADE_FEES_H
#define CORE_TRADE_FEES_H

#include <stdint.h>

/* notional: decimal USD, >= 0. rate_bps: 6.5 is 0.065 %; taken exactly to 1e-8 bps. */
int64_t fee_of_bps(int64_t notional, double rate_bps);
/* The same with the rate as a fraction (0.00065), taken exactly to 1e-8, that is 1e-4 bps. */
int64_t fee_of_fraction(int64_t notional, double rate);

#endif
