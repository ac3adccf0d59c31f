#include "core/market/trade_flow.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"

enum {
  HOUR_KNOWN_MIN_MS = 900000, /* from here on the known part of the hour is used */
};

void trade_flow_init(struct trade_flow *flow, struct trade_flow_item *recent, uint32_t *seconds) {
  *flow = (struct trade_flow){.recent = recent, .seconds = seconds, .before = {.ts = INT64_MIN}};
}

void trade_flow_subscribe(struct trade_flow *flow, int64_t now) {
  check(flow->seconds != NULL);
  int64_t dropped = flow->dropped;
  trade_flow_init(flow, flow->recent, flow->seconds);
  memset(flow->seconds, 0, TRADE_FLOW_SECONDS * sizeof *flow->seconds);
  flow->dropped = dropped;
  flow->known_since = now;
  flow->heard_at = now;
}

/* The item at a position of the ring, 0 the oldest; -1 is the one that left last. */
static const struct trade_flow_item *item_at(const struct trade_flow *flow, int32_t position) {
  if (position < 0) return &flow->before;
  return &flow->recent[(flow->recent_start + position) % TRADE_FLOW_RECENT_MAX];
}

static int64_t second_of(int64_t ts) {
  return (ts + SECOND_MS - 1) / SECOND_MS;
}

static uint32_t *second_slot(const struct trade_flow *flow, int64_t second) {
  return &flow->seconds[second % TRADE_FLOW_SECONDS];
}

static void count_second(struct trade_flow *flow, int64_t second) {
  int64_t first_new = flow->seconds_at + 1;
  if (first_new <= second - TRADE_FLOW_SECONDS) first_new = second - TRADE_FLOW_SECONDS + 1;
  for (int64_t k = first_new; k <= second; k++) {
    uint32_t *slot = second_slot(flow, k);
    flow->seconds_sum -= *slot;
    *slot = 0;
  }
  flow->seconds_at = second; /* trades come in ascending time */
  ++*second_slot(flow, second);
  flow->seconds_sum++;
}

static void add_one(struct trade_flow *flow, const struct public_trade *trade) {
  const struct trade_flow_item *newest = item_at(flow, flow->recent_count - 1);
  if (trade->ts <= 0 || trade->ts < newest->ts) {
    flow->dropped++;
    return;
  }
  struct trade_flow_item item = {
      .ts = trade->ts,
      .net_total = (int64_t)((uint64_t)newest->net_total + (trade->is_buy ? (uint64_t)trade->qty : -(uint64_t)trade->qty)),
      .total = newest->total + 1,
      .buys_total = newest->buys_total + (trade->is_buy ? 1 : 0),
  };
  if (flow->recent_count == TRADE_FLOW_RECENT_MAX) {
    flow->before = *item_at(flow, 0);
    flow->recent_start = (flow->recent_start + 1) % TRADE_FLOW_RECENT_MAX;
    flow->recent_count--;
  }
  flow->recent[(flow->recent_start + flow->recent_count++) % TRADE_FLOW_RECENT_MAX] = item;
  count_second(flow, second_of(trade->ts));
  flow->last_price = trade->price;
}

void trade_flow_add(struct trade_flow *flow, const struct public_trade *trades, int32_t count, int64_t now) {
  check(flow->recent != NULL);
  if (flow->known_since == 0) return; /* not subscribed: what lies between such trades is unknown */
  bool is_first = flow->recent_count == 0 && count > 0;
  if (is_first && trades[0].ts > 0 && trades[0].ts < flow->known_since) flow->known_since = trades[0].ts;
  for (int32_t i = 0; i < count; i++) add_one(flow, &trades[i]);
  if (now > flow->heard_at) flow->heard_at = now;
}

/* Position of the newest item with ts <= limit, -1 when there is none in the ring. */
static int32_t position_until(const struct trade_flow *flow, int64_t limit) {
  int32_t low = 0;
  int32_t high = flow->recent_count;
  while (low < high) {
    int32_t middle = low + (high - low) / 2;
    if (item_at(flow, middle)->ts <= limit) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low - 1;
}

/* Trades of the whole seconds inside (now - window, now]. */
static int64_t count_seconds(const struct trade_flow *flow, int64_t now, int64_t window) {
  int64_t last = second_of(now);
  int64_t first = second_of(now - window) + 1; /* with now between two seconds the oldest one is cut */
  int64_t oldest = flow->seconds_at - TRADE_FLOW_SECONDS + 1;
  if (first <= oldest && last >= flow->seconds_at) return flow->seconds_sum;
  if (first < oldest) first = oldest;
  if (last > flow->seconds_at) last = flow->seconds_at;
  /* Whichever end is shorter: the hour is the whole ring without the few seconds that time has moved on. */
  int64_t sum = 0;
  if (last == flow->seconds_at && first - oldest < last - first) {
    sum = flow->seconds_sum;
    for (int64_t k = oldest; k < first; k++) sum -= *second_slot(flow, k);
  } else {
    for (int64_t k = first; k <= last; k++) sum += *second_slot(flow, k);
  }
  return sum;
}

struct window {
  double count, buys, net; /* NaN unknown */
};

static struct window read_window(const struct trade_flow *flow, int64_t now, int64_t length) {
  struct window window = {NAN, NAN, NAN};
  if (now - flow->known_since < length) return window;
  if (flow->before.ts > now - length) { /* more trades than the ring holds */
    window.count = (double)count_seconds(flow, now, length);
    return window;
  }
  const struct trade_flow_item *from = item_at(flow, position_until(flow, now - length));
  const struct trade_flow_item *to = item_at(flow, position_until(flow, now));
  window.count = (double)(to->total - from->total);
  window.buys = (double)(to->buys_total - from->buys_total);
  window.net = decimal_to_double((int64_t)((uint64_t)to->net_total - (uint64_t)from->net_total));
  return window;
}

static double read_hour(const struct trade_flow *flow, int64_t now) {
  int64_t known = now - flow->known_since;
  if (known < HOUR_KNOWN_MIN_MS) return NAN;
  int64_t length = known < HOUR_MS ? known : HOUR_MS;
  return (double)(count_seconds(flow, now, length) * MINUTE_MS) / (double)length; /* the product is exact */
}

void trade_flow_read(const struct trade_flow *flow, int64_t now, struct trade_flow_values *out) {
  *out = (struct trade_flow_values){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
  if (flow->known_since == 0 || now - flow->heard_at > TRADE_FLOW_STALE_MS) return;
  struct window of_10s = read_window(flow, now, 10 * SECOND_MS);
  struct window of_60s = read_window(flow, now, 60 * SECOND_MS);
  struct window of_300s = read_window(flow, now, 300 * SECOND_MS);
  double sells_60s = of_60s.count - of_60s.buys;
  out->tpm_10s = of_10s.count * 6;
  out->tps_10s = of_10s.count / 10;
  out->tpm_60s = out->trades_per_minute_60s = of_60s.count;
  out->tpm_300s = out->trades_per_minute = of_300s.count / 5;
  out->trades_per_minute_1h = read_hour(flow, now);
  if (sells_60s > 0) out->buy_sell_ratio_60s = of_60s.buys / sells_60s;
  out->volume_delta_10s = of_10s.net;
  out->volume_delta_60s = of_60s.net;
  out->volume_delta_300s = of_300s.net;
}
