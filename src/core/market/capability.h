/* What a feed can tell about a symbol. Announced once per symbol before its first data; a rule whose capability is missing is skipped, and the
 * report says so. Bits, so that a set is one integer. */
#ifndef CORE_MARKET_CAPABILITY_H
#define CORE_MARKET_CAPABILITY_H

enum capability {
  CAPABILITY_CANDLES_1M = 1 << 0,    /* closed candles of the base interval */
  CAPABILITY_TRADES = 1 << 1,        /* public trades: time, price, quantity, taker side */
  CAPABILITY_BOOK = 1 << 2,          /* order book snapshots and deltas */
  CAPABILITY_TICKER = 1 << 3,        /* last, bid, ask, mark, index, 24 h turnover and change */
  CAPABILITY_OPEN_INTEREST = 1 << 4, /* open interest with its own time */
  CAPABILITY_FUNDING = 1 << 5,       /* funding rates and their settlement times */
  CAPABILITY_INSTRUMENT = 1 << 6,    /* tick, lot, limits and status, not defaults */
};

enum { CAPABILITY_COUNT = 7 };

#endif
