/* Counts and volumes of the public tape over sliding windows (now - w, now], market-data 4 and 4.2. Memory is bounded: single trades are kept
 * for the windows up to 300 s, counts per second for the hour. Each trade carries running integer totals, so that a window is the difference of two
 * of them: exact, and found by a binary search. */
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

enum { TRADE_FLOW_SECONDS = 3600, TRADE_FLOW_RECENT_MAX = 16384, TRADE_FLOW_STALE_MS = 30000 };

struct trade_flow_item {
  int64_t ts;
  int64_t net_total; /* taker buys - taker sells up to here, decimal; wraps around, differences do not below 9e10 base units */
  uint32_t total;    /* trades up to here; wraps around */
  uint32_t buys_total;
};

struct trade_flow {
  struct trade_flow_item *recent; /* ring of TRADE_FLOW_RECENT_MAX; not owned */
  int32_t recent_start, recent_count;
  struct trade_flow_item before; /* totals of the trade that left the ring last; ts INT64_MIN before that */
  uint32_t *seconds;             /* ring of TRADE_FLOW_SECONDS counts; not owned. Second k holds the trades of (k - 1 s, k] */
  int64_t seconds_at;            /* newest second in the ring */
  int64_t seconds_sum;           /* of the whole ring */
  int64_t dropped;               /* trades older than the newest one known */
  int64_t known_since;           /* first instant from which the tape is complete; 0 none */
  int64_t heard_at;              /* newest message or heartbeat */
  int64_t last_price;            /* decimal, 0 none */
};

void trade_flow_init(struct trade_flow *flow, struct trade_flow_item *recent, uint32_t *seconds);
/* The tape is complete from now on; what was known is forgotten, because a hole lies between. */
void trade_flow_subscribe(struct trade_flow *flow, int64_t now);
/* Adds a batch in ascending time; an empty one is a heartbeat. When the first batch begins before the subscription, it is the venue's newest trades
 * loaded by request, and the tape is complete from its first trade on. A trade older than the newest known is dropped and counted. */
void trade_flow_add(struct trade_flow *flow, const struct public_trade *trades, int32_t count, int64_t now);

struct trade_flow_values {
  double tpm_10s, tpm_60s, tpm_300s, tps_10s;
  double trades_per_minute_60s, trades_per_minute, trades_per_minute_1h;
  double buy_sell_ratio_60s;
  double volume_delta_10s, volume_delta_60s, volume_delta_300s;
};
/* NaN where the rule says null (unknown window, no sell, stale tape). Windows up to 300 s are exact; when more than TRADE_FLOW_RECENT_MAX trades fell
 * into one, its count comes from the seconds and its ratio or delta is NaN. The hour, and such counts, are exact when now is a whole second and
 * otherwise miss the trades of the oldest fraction of a second. */
void trade_flow_read(const struct trade_flow *flow, int64_t now, struct trade_flow_values *out);

#endif
