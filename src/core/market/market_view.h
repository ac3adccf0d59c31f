/* The market record: every field of market-data 4 at one instant, and why a field is null. */
#ifndef CORE_MARKET_MARKET_VIEW_H
#define CORE_MARKET_MARKET_VIEW_H

#include "core/market/market.h"

enum market_field {
#define MARKET_FIELD(name, unit, needs) MARKET_FIELD_##name,
#include "core/market/market_field.def"
  market_field_count
};
extern const char *const market_field_names[];
extern const char *const market_field_units[];
extern const uint32_t market_field_needs[];

enum null_reason { NULL_NOT, NULL_UNAVAILABLE, NULL_STALE, NULL_NO_CAPABILITY, null_reason_count };

struct market_view {
  int64_t ts;
  union {
    struct {
#define MARKET_FIELD(name, unit, needs) double name;
#include "core/market/market_field.def"
    };
    double field[market_field_count]; /* NaN is null */
  };
  uint8_t why[market_field_count];  /* enum null_reason */
  double age_s[market_field_count]; /* of stale values, else NaN */
};

/* Keeps the values of closed candles in the market, so that reading is cheap until the next candle. The answers are the same with and without. */
void market_view_refresh(struct market *market, const struct market *reference);
/* All fields at time now. reference: the market of the reference symbol, NULL when the feed has none (btc_correlation then NULL_NO_CAPABILITY). */
void market_view_read(const struct market *market, const struct market *reference, int64_t now, struct market_view *out);
enum { MARKET_DAYS_AT_ONCE = 4 };
/* Keeps the values of the last 24 hours of at most MARKET_DAYS_AT_ONCE markets of one base interval, the same as each would have alone. A sum goes
 * from left to right and so waits for itself 1,440 times; several side by side take little longer than one. */
void market_days_refresh(struct market *const markets[], int32_t count);
/* Only volume_24h_usd and change_24h_pct, kept as by market_view_refresh. */
void market_read_24h(struct market *market, int64_t now, double *volume_usd, double *change_pct);
/* Only bid, ask, mid and spread_bps; the rest of out is left as it was. */
void market_read_quotes(const struct market *market, int64_t now, struct market_view *out);
/* Only the cheap ones used at every candle: price. */
double market_price(const struct market *market, int64_t now);
/* Price for marking positions: mark price, else price; order of fallback last trade, ticker, mark, candle; NaN when all are stale (engine 12). */
double market_mark(const struct market *market, int64_t now);

#endif
