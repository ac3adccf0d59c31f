/* The pass/fail tests of a scan in their order (strategy 2) and the data health of a symbol (market-data 9). */
#ifndef CORE_STRATEGY_MARKET_FILTER_H
#define CORE_STRATEGY_MARKET_FILTER_H

#include "core/market/market.h"
#include "core/market/market_view.h"
#include "core/strategy/preset.h"
#include "core/strategy/reason.h"

/* All checks of data_health; appends the failed ones, or one passed `data_health`. Returns passed. */
bool market_filter_data_health(const struct market *market, const struct market_view *view, const struct preset *preset, struct reason_list *reasons);
/* Every filter, all evaluated; returns true when none failed. Skipped ones are appended as skipped. */
bool market_filter_all(const struct market *market, const struct market_view *view, const struct preset *preset, struct reason_list *reasons);
/* The ones tested again at a signal: data health, max_spread, depth, min_trades_per_minute, correlation (strategy 8). */
bool market_filter_at_signal(const struct market *market, const struct market_view *view, const struct preset *preset, struct reason_list *reasons);
/* Passes every filter that needs neither book nor tape (deep ring, market-data 5). */
bool market_filter_wide(const struct market *market, const struct market_view *view, const struct preset *preset);
/* Names of filters that a feed with these capabilities skips, as bits in the order of the table; names by market_filter_name. */
uint32_t market_filter_skipped(uint32_t capabilities, bool has_reference);
const char *market_filter_name(int index);
enum { MARKET_FILTER_COUNT = 13 };
/* Reason codes of the filters in their order. */
extern const enum reason_code market_filter_codes[MARKET_FILTER_COUNT];

#endif
