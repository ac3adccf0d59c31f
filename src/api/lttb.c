#include "api/lttb.h"

#include <math.h>

/* Points between the first and the last are cut into max - 2 buckets of the same number; where a bucket begins. */
static int32_t bucket_start(int32_t count, int32_t max, int32_t bucket) {
  return 1 + (int32_t)((int64_t)bucket * (count - 2) / (max - 2));
}

/* From each bucket the point that makes the largest triangle with the chosen one before and the mean of the bucket behind. */
int32_t lttb_choose(const struct equity_point *points, int32_t count, int32_t max, int32_t *chosen) {
  if (count <= max) {
    for (int32_t i = 0; i < count; i++) chosen[i] = i;
    return count;
  }
  chosen[0] = 0;
  for (int32_t bucket = 0; bucket < max - 2; bucket++) {
    int32_t start = bucket_start(count, max, bucket);
    int32_t end = bucket_start(count, max, bucket + 1);
    int32_t next_end = bucket + 1 < max - 2 ? bucket_start(count, max, bucket + 2) : count;
    const struct equity_point *before = &points[chosen[bucket]];
    double mean_x = 0;
    double mean_y = 0;
    for (int32_t i = end; i < next_end; i++) {
      mean_x += (double)(points[i].ts - before->ts);
      mean_y += points[i].equity_usd - before->equity_usd;
    }
    mean_x /= next_end - end;
    mean_y /= next_end - end;
    double largest = -1;
    for (int32_t i = start; i < end; i++) {
      double area = fabs((double)(points[i].ts - before->ts) * mean_y - mean_x * (points[i].equity_usd - before->equity_usd));
      if (area <= largest) continue;
      largest = area;
      chosen[bucket + 1] = i;
    }
  }
  chosen[max - 1] = count - 1;
  return max;
}
