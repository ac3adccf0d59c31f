#include "base/random.h"

#include <math.h>

#include "base/check.h"
#include "base/maths.h"

__extension__ typedef unsigned __int128 unsigned_wide;

void random_init(struct random *random, uint64_t seed) {
  /* splitmix64, as its authors advise for seeding: similar seeds give unrelated states, and never all zero. */
  for (int i = 0; i < 4; i++) {
    seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = seed;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    random->state[i] = z ^ z >> 31;
  }
}

static uint64_t rotate_left(uint64_t x, int count) {
  return x << count | x >> (64 - count);
}

uint64_t random_next(struct random *random) {
  uint64_t *s = random->state;
  const uint64_t result = rotate_left(s[1] * 5, 7) * 9;
  const uint64_t shifted = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = rotate_left(s[3], 45);
  return result;
}

uint64_t random_below(struct random *random, uint64_t bound) {
  check(bound > 0);
  /* The high half of a 128-bit product is uniform once the few low halves that occur once too often are rejected. */
  const uint64_t surplus = (0 - bound) % bound;
  unsigned_wide product;
  do {
    product = (unsigned_wide)random_next(random) * bound;
  } while ((uint64_t)product < surplus);
  return (uint64_t)(product >> 64);
}

double random_unit(struct random *random) {
  return (double)(random_next(random) >> 11) * 0x1p-53;
}

double random_normal(struct random *random) {
  /* The second value of the pair is thrown away: the state stays what it says, four words. */
  double x, square;
  do {
    x = 2.0 * random_unit(random) - 1.0;
    double y = 2.0 * random_unit(random) - 1.0;
    square = x * x + y * y;
  } while (square >= 1.0 || square == 0.0);
  return x * sqrt(-2.0 * maths_log(square) / square);
}
