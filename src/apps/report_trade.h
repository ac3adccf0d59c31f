/* One trade drawn on its candles: level, entry, stop path, targets, exits. */
#ifndef APPS_REPORT_TRADE_H
#define APPS_REPORT_TRADE_H

#include "apps/result.h"

/* Prices of the levels that the trades of a run came from. */
struct trade_levels {
  struct trade_level *items; /* owned, ascending in time */
  int64_t count;
};
void trade_levels_open(struct trade_levels *levels, const struct run *run);
void trade_levels_close(struct trade_levels *levels);

void report_trade_chart(const struct result *result, const struct trade_levels *levels, const struct trade *trade, int height, struct buffer *out);

#endif
