/* The price is a bounded random walk in ticks around a moving centre. A scenario is a row of numbers for the walk plus a plan for its centre: when it
 * is pushed, how far, and whether it comes back. */
#include "adapters/source/generate.h"

#include <math.h>
#include <stdbool.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/maths.h"
#include "base/random.h"

const char *const generate_scenario_names[GENERATE_SCENARIO_COUNT] = {"trend", "range", "breakouts", "fakeouts", "gaps", "crash", "quiet"};

struct character {
  double noise;       /* sigma of a minute's return */
  double pull;        /* share of the distance to the centre taken back each minute */
  double width;       /* half the width of the range, fraction of the centre */
  double drift;       /* of the centre, fraction a minute */
  double volume;      /* typical, base units a minute */
  double quiet_share; /* minutes without a trade */
  int move_every;     /* minutes between pushes of the centre, 0 never; varied by a half */
  double move;        /* size of a push, fraction */
  bool is_false;      /* a push is taken back after some minutes */
  bool has_holes;
};

static const struct character characters[GENERATE_SCENARIO_COUNT] = {
    [GENERATE_TREND] = {.noise = 0.0006, .pull = 0.01, .width = 0.01, .drift = 0.03 / 1440, .volume = 1000},
    [GENERATE_RANGE] = {.noise = 0.0006, .pull = 0.002, .width = 0.015, .volume = 1000},
    [GENERATE_BREAKOUTS] = {.noise = 0.0006, .pull = 0.004, .width = 0.008, .volume = 1000, .move_every = 480, .move = 0.03},
    [GENERATE_FAKEOUTS] = {.noise = 0.0006, .pull = 0.004, .width = 0.008, .volume = 1000, .move_every = 480, .move = 0.012, .is_false = true},
    [GENERATE_GAPS] = {.noise = 0.0006, .pull = 0.002, .width = 0.015, .volume = 1000, .move_every = 360, .move = 0.02, .has_holes = true},
    [GENERATE_CRASH] = {.noise = 0.0006, .pull = 0.002, .width = 0.015, .volume = 1000},
    [GENERATE_QUIET] = {.noise = 0.00005, .pull = 0.01, .width = 0.001, .volume = 5, .quiet_share = 0.4},
};

struct market_walk {
  const struct character *character;
  const struct generate_options *options;
  struct random random;
  double price, centre, target; /* the centre runs to its target within a few minutes */
  double before_push;           /* of a false one */
  int64_t minutes, minute;      /* in all, now */
  int64_t next_move, false_until;
  double excitement; /* 1 at rest; pushes raise volume and noise */
};

static double to_tick(double price) {
  return floor(price * GENERATE_TICKS_PER_UNIT + 0.5) / GENERATE_TICKS_PER_UNIT;
}

static int64_t varied(struct market_walk *walk, int every) {
  return every / 2 + (int64_t)random_below(&walk->random, (uint64_t)every + 1);
}

static void plan_crash(struct market_walk *walk) {
  const int64_t begin = walk->minutes / 2;
  if (walk->minute >= begin && walk->minute < begin + 60) {
    walk->target *= 0.9935; /* 0.9935^60 = 0.676 */
    walk->centre = walk->target;
    walk->excitement = 8;
  } else if (walk->minute >= begin + 60 && walk->minute < begin + 360) {
    walk->target *= 1.0006; /* 1.0006^300 = 1.197: half of what was lost */
    walk->centre = walk->target;
  }
}

static void plan_push(struct market_walk *walk) {
  const struct character *character = walk->character;
  if (walk->false_until > 0 && walk->minute >= walk->false_until) {
    walk->target = walk->before_push;
    walk->false_until = 0;
  }
  if (walk->minute < walk->next_move) return;
  walk->next_move = walk->minute + varied(walk, character->move_every);
  /* Back towards where it began, more often than not, so that months stay in a plausible range. */
  const double lean = walk->centre > 130 ? 0.1 : (walk->centre < 75 ? 0.9 : 0.5);
  const double direction = random_unit(&walk->random) < lean ? 1 : -1;
  walk->before_push = walk->target;
  walk->target *= 1 + direction * character->move * (0.7 + 0.6 * random_unit(&walk->random));
  walk->excitement = 5;
  if (character->is_false) walk->false_until = walk->minute + 8 + (int64_t)random_below(&walk->random, 13);
  if (character->has_holes) walk->price = walk->centre = walk->target; /* the jump lies between two candles */
}

static void plan(struct market_walk *walk) {
  walk->target *= 1 + walk->character->drift;
  if (walk->options->scenario == GENERATE_CRASH) plan_crash(walk);
  if (walk->character->move_every > 0) plan_push(walk);
  walk->centre += (walk->target - walk->centre) * 0.25;
  walk->excitement += (1 - walk->excitement) * 0.05;
}

static double bounded(const struct market_walk *walk, double price) {
  const double low = walk->centre * (1 - walk->character->width), high = walk->centre * (1 + walk->character->width);
  /* Reflected at the bounds: they are touched again and again, as levels are. */
  if (price > high) return high - (price - high) * 0.3 > low ? high - (price - high) * 0.3 : high;
  if (price < low) return low + (low - price) * 0.3 < high ? low + (low - price) * 0.3 : low;
  return price;
}

static void walk_minute(struct market_walk *walk, struct candle *candle) {
  const struct character *character = walk->character;
  struct random *random = &walk->random;
  const double noise = character->noise * sqrt(walk->excitement);
  const bool is_quiet = random_unit(random) < character->quiet_share;
  *candle = (struct candle){.open_ts = walk->options->start_ms + walk->minute * MINUTE_MS, .open = to_tick(walk->price)};
  double high = candle->open;
  double low = high;
  for (int step = 0; step < 4; step++) {
    const double pull = (walk->centre - walk->price) * character->pull / 4;
    walk->price = bounded(walk, walk->price * (1 + noise / 2 * random_normal(random)) + pull);
    const double seen = is_quiet ? candle->open : to_tick(walk->price);
    if (seen > high) high = seen;
    if (seen < low) low = seen;
  }
  candle->close = is_quiet ? candle->open : to_tick(walk->price);
  if (is_quiet) walk->price = candle->open;
  candle->high = high;
  candle->low = low;
  const double volume = floor(character->volume * walk->excitement * maths_exp(0.6 * random_normal(random)));
  candle->volume = is_quiet ? 0 : volume + 1;
  candle->turnover = candle->volume * (candle->open + candle->close) / 2;
}

size_t generate_candles_max(int days) {
  check(days >= 1 && days <= GENERATE_DAYS_MAX);
  return (size_t)days * (size_t)(DAY_MS / MINUTE_MS);
}

size_t generate_candles(struct candle *out, const struct generate_options *options) {
  check((unsigned)options->scenario < GENERATE_SCENARIO_COUNT && options->start_ms % MINUTE_MS == 0);
  struct market_walk walk = {.character = &characters[options->scenario],
                             .options = options,
                             .price = 100,
                             .centre = 100,
                             .target = 100,
                             .minutes = (int64_t)generate_candles_max(options->days),
                             .excitement = 1};
  random_init(&walk.random, options->seed ^ (uint64_t)(options->symbol + 1) * UINT64_C(0x9e3779b97f4a7c15));
  if (walk.character->move_every > 0) walk.next_move = varied(&walk, walk.character->move_every);
  size_t count = 0;
  int64_t hole_until = 0;
  for (; walk.minute < walk.minutes; walk.minute++) {
    plan(&walk);
    walk_minute(&walk, &out[count]);
    if (walk.character->has_holes && random_below(&walk.random, 2000) == 0) hole_until = walk.minute + 1 + (int64_t)random_below(&walk.random, 3);
    if (walk.minute >= hole_until) count++;
  }
  return count;
}
