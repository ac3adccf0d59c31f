#include "runner/freshness.h"

#include <math.h>

#include "core/market/capability.h"

const char *const freshness_kind_names[] = {"candle", "ticker", "book", "trades"};

/* Seconds (market-data 7). */
static const double limits_s[freshness_kind_count] = {150, 30, 10, 30};

static bool is_held(const struct engine *engine, int32_t symbol) {
  for (int32_t i = 0; i < engine_position_count(engine); i++) {
    if (engine_position(engine, i)->symbol_index == symbol) return true;
  }
  return false;
}

/* Time of the newest input of a kind; -1 when the symbol does not have it, or nobody asked the venue for it. */
static int64_t newest_of(const struct market *market, enum freshness_kind kind, bool is_deep) {
  switch (kind) {
    case FRESHNESS_CANDLE:
      return market_candle_close_ts(market);
    case FRESHNESS_TICKER:
      return market->capabilities & CAPABILITY_TICKER ? market->ticker.ts : -1;
    case FRESHNESS_BOOK:
      return is_deep && (market->capabilities & CAPABILITY_BOOK) ? market->book.updated_at : -1;
    default:
      return is_deep && (market->capabilities & CAPABILITY_TRADES) ? market->flow.heard_at : -1;
  }
}

static void add_symbol(const struct engine *engine, int32_t symbol, int64_t now, struct freshness *out) {
  bool is_stale = false;
  for (int kind = 0; kind < freshness_kind_count; kind++) {
    int64_t newest = newest_of(engine_market(engine, symbol), (enum freshness_kind)kind, engine_is_deep(engine, symbol));
    if (newest < 0) continue;
    double age = newest < now ? (double)(now - newest) / 1000.0 : 0;
    if (!(age <= out->oldest_s[kind])) out->oldest_s[kind] = age;
    is_stale = is_stale || age > limits_s[kind];
  }
  ++out->watched;
  out->stale += is_stale ? 1 : 0;
}

void freshness_read(const struct engine *engine, int64_t now, struct freshness *out) {
  *out = (struct freshness){.oldest_s = {NAN, NAN, NAN, NAN}};
  for (int32_t i = 0; i < engine_symbol_count(engine); i++) {
    if (engine_candidate(engine, i) != NULL || is_held(engine, i)) add_symbol(engine, i, now, out);
  }
}
