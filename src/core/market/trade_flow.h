/* Counts and volumes of the public tape over sliding windows (now - w, now], market-data 4 and 4.2. Bounded memory: per-second buckets would lose the
 * exact window edge, so single trades are kept for 300 s and per-second counts for the hour. */
#ifndef CORE_MARKET_TRADE_FLOW_H
#define CORE_MARKET_TRADE_FLOW_H

#include <stdbool.h>
#include <stdint.h>

struct public_trade {
  int64_t ts;
  int64_t price; /* decimal */
  int64_t qty;   /* decimal, base units */
  bool is_buy;   /* taker side */
};

enum { TRADE_FLOW_SECONDS = 3600, TRADE_FLOW_RECENT_MAX = 16384 };

struct trade_flow_item {
  int64_t ts;
  double qty; /* signed: taker buys positive */
};

struct trade_flow {
  struct trade_flow_item *recent; /* ring of TRADE_FLOW_RECENT_MAX; not owned */
  int32_t recent_start, recent_count;
  bool recent_lost; /* the ring overflowed inside 300 s: counts fall back to the seconds */
  uint32_t *seconds; /* ring of TRADE_FLOW_SECONDS counts; not owned */
  int64_t seconds_at;
  int64_t known_since; /* first instant from which the tape is complete; 0 none */
  int64_t heard_at;    /* newest message or heartbeat */
  int64_t last_price;  /* decimal, 0 none */
};

void trade_flow_init(struct trade_flow *flow, struct trade_flow_item *recent, uint32_t *seconds);
void trade_flow_subscribe(struct trade_flow *flow, int64_t now);
void trade_flow_add(struct trade_flow *flow, const struct public_trade *trades, int32_t count, int64_t now);

struct trade_flow_values {
  double tpm_10s, tpm_60s, tpm_300s, tps_10s;
  double trades_per_minute_60s, trades_per_minute, trades_per_minute_1h;
  double buy_sell_ratio_60s;
  double volume_delta_10s, volume_delta_60s, volume_delta_300s;
};
/* NaN where the rule says null (unknown window, no sell, stale tape). */
void trade_flow_read(const struct trade_flow *flow, int64_t now, struct trade_flow_values *out);

#endif
