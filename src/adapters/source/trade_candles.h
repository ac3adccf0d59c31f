/* 1m candles from public trades. */
#ifndef ADAPTERS_SOURCE_TRADE_CANDLES_H
#define ADAPTERS_SOURCE_TRADE_CANDLES_H

#include "adapters/source/series.h"

/* Appends a candle for each whole minute between the first and the last trade; a minute without trades gets a flat candle with volume 0, as a venue
 * sends it. An hour without trades is a hole between recordings and stays one. The first and last minute of each recording are left out unless they
 * begin or end a UTC day: it may have started or stopped inside them. */
void trade_candles_build(struct series *candles, const struct source_trade *trades, size_t count);

#endif
