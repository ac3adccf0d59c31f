/* Wrong passwords per user and address: after five within five minutes both wait for five. */
#ifndef API_ACCESS_ATTEMPTS_H
#define API_ACCESS_ATTEMPTS_H

#include <stdbool.h>
#include <stdint.h>

enum { ATTEMPTS_MAX = 5, ATTEMPTS_WINDOW_S = 300, ATTEMPTS_WAYS = 8, ATTEMPTS_SETS = 128 };

struct attempt {
  uint64_t key; /* 0: free */
  int wrong;
  int64_t since_ns, until_ns; /* first of the window; blocked until */
};
struct attempts {
  struct attempt items[ATTEMPTS_SETS][ATTEMPTS_WAYS];
};

/* Seconds that this user has to wait at this address, 0 none. Key: rate_limit_key of both. */
int attempts_wait_s(struct attempts *attempts, uint64_t key, int64_t now_ns);
/* One try begins. It counts as wrong until attempts_clear, so that many at once do not slip through. */
void attempts_count(struct attempts *attempts, uint64_t key, int64_t now_ns);
void attempts_clear(struct attempts *attempts, uint64_t key, int64_t now_ns);

#endif
