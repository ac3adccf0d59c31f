#include "runner/recent.h"

#include <math.h>
#include <stdbool.h>

void recent_add(struct recent *recent, int64_t now_ns, double seconds) {
  recent->items[recent->next].at_ns = now_ns;
  recent->items[recent->next].seconds = (float)seconds;
  recent->next = (recent->next + 1) % RECENT_MAX;
  if (recent->count < RECENT_MAX) ++recent->count;
}

/* The (k+1)-th largest of n is exceeded by k of them: k = n / 100. The largest few are kept in order; k is at most 10. */
double recent_p99(const struct recent *recent, int64_t now_ns) {
  enum { KEPT = RECENT_MAX / 100 + 1 };
  float largest[KEPT] = {0};
  int count = 0;
  for (int i = 0; i < recent->count; i++) {
    if (now_ns - recent->items[i].at_ns > RECENT_WINDOW_S * INT64_C(1000000000)) continue;
    float value = recent->items[i].seconds;
    ++count;
    for (int k = 0; k < KEPT; k++) {
      if (value <= largest[k]) continue;
      float smaller = largest[k];
      largest[k] = value;
      value = smaller;
    }
  }
  return count >= RECENT_MIN ? (double)largest[count / 100] : (double)NAN;
}
