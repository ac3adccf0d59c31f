#include "api/access/attempts.h"

static const int64_t window_ns = ATTEMPTS_WINDOW_S * INT64_C(1000000000);

static struct attempt *find(struct attempts *attempts, uint64_t key, int64_t now_ns) {
  struct attempt *set = attempts->items[key % ATTEMPTS_SETS];
  struct attempt *oldest = &set[0];
  for (int i = 0; i < ATTEMPTS_WAYS; i++) {
    struct attempt *at = &set[i];
    if (at->key == key) {
      bool is_over = at->until_ns != 0 ? now_ns >= at->until_ns : now_ns - at->since_ns >= window_ns;
      if (is_over) *at = (struct attempt){.key = key, .since_ns = now_ns};
      return at;
    }
    if (at->key == 0 || (oldest->key != 0 && at->since_ns < oldest->since_ns)) oldest = at;
  }
  *oldest = (struct attempt){.key = key, .since_ns = now_ns};
  return oldest;
}

int attempts_wait_s(struct attempts *attempts, uint64_t key, int64_t now_ns) {
  const struct attempt *attempt = find(attempts, key, now_ns);
  return attempt->until_ns != 0 ? (int)((attempt->until_ns - now_ns + INT64_C(999999999)) / INT64_C(1000000000)) : 0;
}

void attempts_count(struct attempts *attempts, uint64_t key, int64_t now_ns) {
  struct attempt *attempt = find(attempts, key, now_ns);
  if (++attempt->wrong >= ATTEMPTS_MAX) attempt->until_ns = now_ns + window_ns;
}

void attempts_clear(struct attempts *attempts, uint64_t key, int64_t now_ns) {
  struct attempt *attempt = find(attempts, key, now_ns);
  *attempt = (struct attempt){.key = key, .since_ns = now_ns};
}
