#include "api/access/rate_limit.h"

#include <math.h>
#include <string.h>

/* The own bucket of probes is 2.5 times that of reads: 50 a second beside 20. */
static const double probe_factor = 2.5;

static void set(struct rate_limit *limit, enum limit_class class, double per_s, double burst) {
  limit->per_s[class] = per_s;
  limit->burst[class] = burst > 1 ? burst : 1;
}

void rate_limit_init(struct rate_limit *limit, uint64_t seed, double reads_per_s, double writes_per_s) {
  memset(limit, 0, sizeof *limit);
  limit->seed = seed;
  set(limit, LIMIT_READ, reads_per_s, 2 * reads_per_s);
  set(limit, LIMIT_WRITE, writes_per_s, 2 * writes_per_s);
  set(limit, LIMIT_PROBE, probe_factor * reads_per_s, probe_factor * reads_per_s);
  set(limit, LIMIT_LOGIN, 5.0 / 60, 5);
  set(limit, LIMIT_BACKTEST, 10.0 / 60, 10);
  set(limit, LIMIT_SCAN, 1.0 / 5, 1);
  set(limit, LIMIT_CONNECT, 10.0 / 60, 10);
  set(limit, LIMIT_REFUSED, 1, 60);
}

/* FNV-1a over the text, begun with the seed and mixed at the end as in splitmix64 (Steele, Lea, Flood 2014). */
uint64_t rate_limit_key(const struct rate_limit *limit, int class, const char *who) {
  uint64_t hash = limit->seed ^ (UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(class + 1));
  for (; *who != '\0'; who++) hash = (hash ^ (unsigned char)*who) * UINT64_C(0x100000001b3);
  hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
  hash ^= hash >> 31;
  return hash != 0 ? hash : 1;
}

static struct bucket *find(struct rate_limit *limit, uint64_t key, double burst, int64_t now_ns) {
  struct bucket *set_of = limit->buckets[key % LIMIT_SETS];
  struct bucket *oldest = &set_of[0];
  for (int i = 0; i < LIMIT_WAYS; i++) {
    if (set_of[i].key == key) return &set_of[i];
    if (set_of[i].key == 0 || (oldest->key != 0 && set_of[i].at_ns < oldest->at_ns)) oldest = &set_of[i];
  }
  *oldest = (struct bucket){.key = key, .level = burst, .at_ns = now_ns};
  return oldest;
}

bool rate_limit_take(struct rate_limit *limit, enum limit_class class, const char *who, int64_t now_ns, int *retry_after_s) {
  double per_s = limit->per_s[class];
  double burst = limit->burst[class];
  if (per_s <= 0) return true;
  struct bucket *bucket = find(limit, rate_limit_key(limit, (int)class, who), burst, now_ns);
  double level = bucket->level + (double)(now_ns - bucket->at_ns) * 1e-9 * per_s;
  bucket->level = level < burst ? level : burst;
  bucket->at_ns = now_ns;
  if (bucket->level >= 1) {
    bucket->level -= 1;
    return true;
  }
  *retry_after_s = (int)ceil((1 - bucket->level) / per_s);
  if (*retry_after_s < 1) *retry_after_s = 1;
  return false;
}
