/* The hole through which planted leaks look: rows of the source that a run is made of, also those that its time has not reached. Only in the copies
 * of the tree that run.sh makes. */
#ifndef ADAPTERS_SOURCE_FUTURE_H
#define ADAPTERS_SOURCE_FUTURE_H

#include <stdint.h>

#include "core/market/candle.h"

struct source;

void future_use(const struct source *source);
/* The candle that opens `after_ms` behind the one given, which is of the same symbol whatever its length; the one given without such. */
struct candle future_candle(const struct candle *known, int64_t after_ms);
/* Turnover of the symbol in [from, from + length). */
double future_turnover(int symbol, int64_t from, int64_t length);
/* Will the symbol still be traded then? */
int future_exists(int symbol, int64_t ts);
/* Of the symbol of the candle, all rows. */
double future_mean_volume(const struct candle *known);
/* The candle of this length that opens `after_ms` behind the one given, made of base candles. */
struct candle future_window(const struct candle *known, int64_t after_ms, int64_t length);

#endif
