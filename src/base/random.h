/* xoshiro256** (Blackman, Vigna), seeded by splitmix64. One generator per purpose; the core owns none. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

struct random {
  uint64_t state[4];
};

void random_init(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random);
/* Uniform in [0, bound), without modulo bias; bound > 0. */
uint64_t random_below(struct random *random, uint64_t bound);
/* Uniform in [0, 1). */
double random_unit(struct random *random);
/* Standard normal (polar method on maths_log). */
double random_normal(struct random *random);

#endif
