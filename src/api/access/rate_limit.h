/* Token buckets (api 1.6) by login, token or address. A table of fixed size: when a place is needed the bucket that rested longest goes, which only
 * makes its owner's bucket full again. */
#ifndef API_ACCESS_RATE_LIMIT_H
#define API_ACCESS_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum limit_class {
  LIMIT_READ,
  LIMIT_WRITE,
  LIMIT_PROBE, /* live, ready, health, metrics */
  LIMIT_LOGIN,
  LIMIT_BACKTEST,
  LIMIT_SCAN,
  LIMIT_CONNECT, /* WebSockets */
  LIMIT_REFUSED, /* requests without good credentials: each writes an audit row */
  limit_class_count
};

struct bucket {
  uint64_t key; /* 0: free */
  double level; /* requests that may come at once */
  int64_t at_ns;
};

enum { LIMIT_WAYS = 8, LIMIT_SETS = 512 };

struct rate_limit {
  uint64_t seed; /* so that nobody can choose keys that push others out */
  double per_s[limit_class_count], burst[limit_class_count];
  struct bucket buckets[LIMIT_SETS][LIMIT_WAYS];
};

/* 0 requests a second: that class has no limit. */
void rate_limit_init(struct rate_limit *limit, uint64_t seed, double reads_per_s, double writes_per_s);
/* Takes one request of who; false with the whole seconds after which there is one again. */
bool rate_limit_take(struct rate_limit *limit, enum limit_class class, const char *who, int64_t now_ns, int *retry_after_s);
/* A hash of a text with the table's seed. */
uint64_t rate_limit_key(const struct rate_limit *limit, int class, const char *who);

#endif
